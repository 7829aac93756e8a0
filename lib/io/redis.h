/* SPDX-License-Identifier: Apache-2.0 */
/* The door to Redis, which holds nothing that cannot be rebuilt. Every call
 * has a time limit; a lost connection is opened again at the next call. Values
 * go as counted arguments, never in formats. One thread per struct redis.
 * SIGPIPE is ignored from the first redis_open on (hiredis writes to sockets
 * whose peer is gone). */
#pragma once
#include "core/err.h"

struct redis;

/* Can redis_open take it? */
bool redis_url_right(const char *url);
/* url: redis://[[USER]:PASSWORD@]HOST[:PORT] or unix:PATH, without escapes.
 * Opens nothing yet. STOP: bad url. A password is never in a message. */
enum next redis_open(struct redis **out, const char *url, int64_t timeout_ms,
    struct err *e) MUST_USE;
void redis_close(struct redis *r);
enum next redis_ping(struct redis *r, struct err *e) MUST_USE;

struct redis_field {
	const char *name;
	const char *text; /* NULL: number */
	int64_t number;
};

/* Pipeline: calls between redis_begin and redis_run are sent together. A hash
 * is replaced unless its stored `ver` is newer (a Lua script); ttl_s 0 = for
 * ever. Marks are moved last, and only if Redis took everything else. After a
 * failed redis_run nothing is known of what took effect: the mark tells. */
void redis_begin(struct redis *r);
void redis_put_hash(struct redis *r, const char *key, uint64_t ver,
    const struct redis_field *fields, size_t fields_n, int64_t ttl_s);
void redis_delete(struct redis *r, const char *key);
void redis_add_member(struct redis *r, const char *set, const char *member);
/* Moves the mark of partition p to `to` only if it stands at `from` (a missing
 * mark is 0). *moved is set by redis_run. */
void redis_move_mark(
    struct redis *r, int32_t partition, int64_t from, int64_t to, bool *moved);
enum next redis_run(struct redis *r, struct err *e) MUST_USE;

/* -1 = missing. */
enum next redis_get_mark(
    struct redis *r, int32_t partition, int64_t *mark, struct err *e) MUST_USE;
/* domainproof:meta: partitions and format; written by the scheduler. */
enum next redis_put_meta(
    struct redis *r, int32_t partitions, struct err *e) MUST_USE;
enum next redis_get_meta(struct redis *r, int32_t *partitions,
    struct err *e) MUST_USE; /* 0 = missing */

/* Is everything there that is in Kafka's state? *complete false: meta or the
 * mark of some partition is missing, so a missing key means nothing. */
enum next redis_complete(
    struct redis *r, bool *complete, struct err *e) MUST_USE;

/* Readers: tells each field of a hash; *found false if there is none. */
enum next redis_get_hash(struct redis *r, const char *key,
    void (*field)(void *arg, const char *name, const char *text, size_t len),
    void *arg, bool *found, struct err *e) MUST_USE;
/* Tells the members of a set, about `most` of them. */
enum next redis_get_members(struct redis *r, const char *key, unsigned most,
    void (*member)(void *arg, const char *text, size_t len), void *arg,
    struct err *e) MUST_USE;
