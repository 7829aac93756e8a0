/* SPDX-License-Identifier: Apache-2.0 */
/* What many looks want to know at once: each shared question is asked once
 * while it is under way (the others join), and its raw answer is kept by its
 * TTL, so that every look reads it into memory of its own. Bounded in entries
 * and in octets; the least used go first, questions under way never. Pure:
 * asking is the caller's, times are monotonic ms.
 *
 * How long: an answer by its least TTL, at most 5 minutes; "there is none" and
 * failures at most 5 seconds (RFC 9520 section 3.2: at least 1 s): a look that
 * asks again was scheduled because something may have changed. */
#pragma once
#include "core/packet.h"

#define LOOKUPS_KEEP_MAX_MS 300000
#define LOOKUPS_NEG_MAX_MS  5000
#define LOOKUPS_NEG_MIN_MS  1000

struct lookups;
struct lookup; /* a question under way, or its answer */

/* Whom it is asked: addr.family 0 = any of the resolvers. */
struct lookup_target {
	struct packet_addr addr;
	uint16_t port;
};

struct lookup_answer {
	const uint8_t *bytes; /* NULL: no answer came */
	size_t len;
	uint16_t id;
	bool trusted; /* from a resolver whose AD counts */
};

struct lookup_waiter { /* lies in the caller's memory */
	struct lookup_waiter *next;
};

enum lookup_next {
	LOOKUP_HIT,   /* *got is the answer, valid until the next call */
	LOOKUP_WAIT,  /* under way; the waiter comes back from settle */
	LOOKUP_ASK,   /* ask it, then lookups_settle(*entry) */
	LOOKUP_ALONE, /* no room to share it: ask it, settle nothing */
};

/* seed: random per process, against chosen collisions. */
enum next lookups_open(struct lookups **out, size_t entries_max,
    size_t bytes_max, uint64_t seed, struct err *e) MUST_USE;
enum lookup_next lookups_want(struct lookups *c, const struct question *q,
    const struct lookup_target *target, int64_t now, struct lookup_waiter *w,
    struct lookup **entry, struct lookup_answer *got);
/* The answer of a question under way, kept for keep_ms (0: not at all). The
 * entry is not the caller's any more. Returns those who waited, in the order
 * they came. */
struct lookup_waiter *lookups_settle(struct lookups *c, struct lookup *entry,
    const struct lookup_answer *a, int64_t now, int64_t keep_ms);
/* For how long this answer may be kept, see above. */
int64_t lookups_keep_ms(const struct answer *a);
size_t lookups_n(const struct lookups *c);
size_t lookups_bytes(const struct lookups *c);
/* Waiters are forgotten. */
void lookups_close(struct lookups *c);
