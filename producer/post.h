/* SPDX-License-Identifier: Apache-2.0 */
/* libdomainproof: posting jobs from a C program. A request is judged before it
 * is posted, by the same rules as at intake, so that who posts learns of a bad
 * domain at once; what is posted is answered by exactly one result. One
 * thread.
 *
 *	poster_open(&p, &conf, told, arg, &e);
 *	poster_send(p, &request, TOPIC_JOBS, 0, &e);
 *	poster_finish(p, 30000, &e);
 *	poster_close(p);
 */
#pragma once
#include "core/job.h"
#include "core/topic.h"

#define POSTER_ID_LEN 26 /* 130 bits, base32 */

struct poster;

struct poster_conf {
	const char *brokers;
	const char *prefix;
	int64_t timeout_ms; /* until an unacknowledged message fails */
};

/* What became of one job. */
struct receipt {
	const char *org, *domain, *id;
	uint64_t tag; /* the caller's, from poster_send */
	bool stored;
	int32_t partition; /* -1 when not stored */
	int64_t offset;
	const struct err *e; /* when not stored: why */
};

typedef void poster_told_fn(void *arg, const struct receipt *r);

/* told is called from within the calls below. RETRY: Kafka can't be reached, or
 * lacks the topics. */
enum next poster_open(struct poster **out, const struct poster_conf *conf,
    poster_told_fn *told, void *arg, struct err *e) MUST_USE;
/* r: domain canonical (io/idna.h), org and id set. Waits while the queue is
 * full. */
enum next poster_send(struct poster *p, const struct job_request *r,
    enum topic lane, uint64_t tag, struct err *e) MUST_USE;
/* Hands over receipts that are there. */
void poster_serve(struct poster *p, int64_t wait_ms);
/* RETRY: some are still unacknowledged after limit_ms; their receipts never
 * come. */
enum next poster_finish(
    struct poster *p, int64_t limit_ms, struct err *e) MUST_USE;
void poster_close(struct poster *p);

/* Would intake take it? REJECT: e says why not. */
enum next poster_judge(const struct job_request *r, const struct policy *policy,
    struct err *e) MUST_USE;
/* The message as it is posted. Returns its length, 0 = too long. */
size_t poster_message(char *out, size_t cap, const struct job_request *r);
/* A random id into r->id. */
enum next poster_new_id(struct job_request *r, struct err *e) MUST_USE;
