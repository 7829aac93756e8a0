/* SPDX-License-Identifier: Apache-2.0 */
/* The identities of finished jobs, so that a job posted twice gives one
 * result. Kept in day-sized buckets, so that forgetting is dropping a bucket. A
 * `cancel` of a job that is not known yet leaves a cancelled-ahead entry here:
 * lanes are not ordered against each other. Pure. */
#pragma once
#include "core/job.h"

#define SEEN_DIGEST 16 /* first octets of SHA-256("org/domain/id") */

enum seen_kind {
	SEEN_FINISHED = 1,
	SEEN_CANCELLED_AHEAD = 2,
};

struct seen_entry {
	uint8_t digest[SEEN_DIGEST];
	uint32_t body_hash;
	uint8_t kind; /* enum seen_kind */
};

struct seen; /* one partition's */

/* window_ms >= 1 day; hash_seed guards against chosen collisions. RETRY:
 * memory is out. Freed by seen_free. */
enum next seen_open(struct seen **out, int64_t window_ms, uint64_t hash_seed,
    struct err *e) MUST_USE;
/* Remembers an entry finished at `at`. What is older than the window before
 * the newest `at` is forgotten, whole days at a time: never sooner, and within
 * two days. A later entry of a digest replaces the older. RETRY: memory is
 * out, and nothing has changed. */
enum next seen_add(struct seen *s, const struct seen_entry *entry, int64_t at,
    struct err *e) MUST_USE;
/* NULL when unknown; valid until the next seen_add. */
const struct seen_entry *seen_find(
    const struct seen *s, const uint8_t digest[SEEN_DIGEST]);
size_t seen_count(const struct seen *s);
void seen_free(struct seen *s);
