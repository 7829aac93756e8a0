/* SPDX-License-Identifier: Apache-2.0 */
/* What many looks want to know at once: each question is asked once while it
 * is under way (the others join). What several domains have in common (name
 * servers, addresses, included records) is kept by its TTL as well, as raw
 * octets, so that every look reads it into memory of its own. Bounded in
 * entries and in octets; the least used go first, questions under way never.
 * Pure: asking is the caller's, times are monotonic ms.
 *
 * How long: an answer by its least TTL, at most 5 minutes; "there is none" by
 * its negative TTL (RFC 2308 section 5), at most 5 seconds: a look that asks
 * again was scheduled because something may have changed. Of the questions
 * that are one look's own (LOOKUP_OWN) neither is kept.
 *
 * Failures (RFC 9520 section 3.2, RFC 2308 section 7), everybody's: 1 second,
 * twice as long with each repetition, at most 5 minutes; for LOOKUP_OWN 20
 * seconds, less than between two looks that somebody watches. A failure that
 * was over for 5 minutes does not count as the one before. Answers that cannot
 * be read may be forged, and the next one right: 1 second. Nothing is used
 * after its time: no stale answers (RFC 8767). */
#pragma once
#include "core/packet.h"

#define LOOKUPS_KEEP_MAX_MS	300000
#define LOOKUPS_NEG_MAX_MS	5000
#define LOOKUPS_FAIL_MIN_MS	1000
#define LOOKUPS_FAIL_MAX_MS	300000
#define LOOKUPS_FAIL_OWN_MAX_MS 20000

struct lookups;
struct lookup; /* a question under way, or its answer */

enum lookup_kind {
	LOOKUP_SHARED, /* kept by its TTL */
	LOOKUP_OWN,    /* to be answered anew; only its failure is kept */
};

/* Whom it is asked: addr.family 0 = any of the resolvers. */
struct lookup_target {
	struct packet_addr addr;
	uint16_t port;
	enum lookup_kind kind; /* the two are never mixed */
};

struct lookup_answer {
	const uint8_t *bytes; /* NULL: no answer came */
	size_t len;
	uint16_t id;
	bool trusted;	 /* from a resolver whose AD counts */
	const char *why; /* bytes NULL: why nobody was asked; a constant,
			  * NULL = somebody was. Not kept */
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
/* The answer of a question under way, and what it was read as, which decides
 * how long it is kept; NULL: not at all, and it is no failure either. The
 * entry is not the caller's any more. Returns those who waited, in the order
 * they came. */
struct lookup_waiter *lookups_settle(struct lookups *c, struct lookup *entry,
    const struct lookup_answer *a, const struct answer *read, int64_t now);
size_t lookups_n(const struct lookups *c);
size_t lookups_bytes(const struct lookups *c);
/* Waiters are forgotten. */
void lookups_close(struct lookups *c);
