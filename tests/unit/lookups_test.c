/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/lookups.h"
#include "tests/unit/mem_fails.h"

static const struct lookup_target RESOLVERS;

static struct question
question(const char *name, uint16_t type)
{
	struct question q = {.type = type, .flags = QUESTION_RD};

	assert_int_equal(dname_from_text(&q.name, name, NULL), DNAME_OK);
	return q;
}

static struct lookups *
opened(size_t entries_max, size_t bytes_max)
{
	struct lookups *c;
	struct err e;

	assert_int_equal(lookups_open(&c, entries_max, bytes_max, 7, &e), OK);
	return c;
}

struct asked {
	enum lookup_next next;
	struct lookup *entry;
	struct lookup_answer got;
	struct lookup_waiter waiter;
};

static void
want(struct lookups *c, struct asked *a, const char *name, int64_t now)
{
	struct question q = question(name, RRTYPE_NS);

	a->next = lookups_want(
	    c, &q, &RESOLVERS, now, &a->waiter, &a->entry, &a->got);
}

static struct lookup_waiter *
settle(struct lookups *c, struct asked *a, const char *bytes, int64_t now,
    int64_t keep_ms)
{
	struct lookup_answer raw = {.bytes = (const uint8_t *)bytes,
	    .len = bytes ? strlen(bytes) : 0,
	    .id = 5,
	    .trusted = true};

	struct answer read = {
	    .outcome = OUTCOME_RECORDS, .ttl_s = (uint32_t)(keep_ms / 1000)};

	return lookups_settle(c, a->entry, &raw, &read, now);
}

static struct lookup_waiter *
settle_as(struct lookups *c, struct asked *a, const char *bytes,
    enum outcome outcome, int64_t now)
{
	struct lookup_answer raw = {
	    .bytes = (const uint8_t *)bytes, .len = bytes ? strlen(bytes) : 0};
	struct answer read = {.outcome = outcome, .ttl_s = 60, .neg_ttl_s = 60};

	return lookups_settle(c, a->entry, &raw, &read, now);
}

static void
test_asked_once(void **state)
{
	struct lookups *c = opened(10, 10000);
	struct asked a, b, d;
	struct lookup_waiter *w;

	(void)state;
	want(c, &a, "good.test", 0);
	assert_int_equal(a.next, LOOKUP_ASK);
	want(c, &b, "GOOD.test", 1);
	assert_int_equal(b.next, LOOKUP_WAIT);
	want(c, &d, "good.TEST", 2);
	assert_int_equal(d.next, LOOKUP_WAIT);
	w = settle(c, &a, "answer", 10, 1000);
	assert_ptr_equal(w, &b.waiter);
	assert_ptr_equal(w->next, &d.waiter);
	assert_null(w->next->next);

	want(c, &b, "good.test", 1009);
	assert_int_equal(b.next, LOOKUP_HIT);
	assert_int_equal(b.got.len, 6);
	assert_memory_equal(b.got.bytes, "answer", 6);
	assert_int_equal(b.got.id, 5);
	assert_true(b.got.trusted);
	want(c, &b, "good.test", 1010);
	assert_int_equal(b.next, LOOKUP_ASK);
	assert_null(settle(c, &b, "other", 1011, 1000));
	lookups_close(c);
}

static void
test_silence_is_an_answer(void **state)
{
	struct lookups *c = opened(10, 10000);
	struct asked a, b;

	(void)state;
	want(c, &a, "dead.test", 0);
	assert_null(settle_as(c, &a, NULL, OUTCOME_TIMEOUT, 0));
	want(c, &b, "dead.test", 999);
	assert_int_equal(b.next, LOOKUP_HIT);
	assert_null(b.got.bytes);
	lookups_close(c);
}

static void
test_not_kept(void **state)
{
	struct lookups *c = opened(10, 10000);
	struct asked a, b;

	(void)state;
	want(c, &a, "zero.test", 0);
	want(c, &b, "zero.test", 0);
	assert_ptr_equal(settle(c, &a, "answer", 0, 0), &b.waiter);
	assert_int_equal(lookups_n(c), 0);
	assert_int_equal(lookups_bytes(c), 0);
	want(c, &a, "zero.test", 0);
	assert_int_equal(a.next, LOOKUP_ASK);
	lookups_close(c); /* with one under way */
}

/* Type, flags and whom it is asked are part of the question. */
static void
test_what_differs(void **state)
{
	static const struct lookup_target to[] = {
	    {.port = 0},
	    {.addr = {.family = 4, .octets = {127, 0, 0, 1}}, .port = 53},
	    {.addr = {.family = 4, .octets = {127, 0, 0, 1}}, .port = 54},
	    {.addr = {.family = 4, .octets = {127, 0, 0, 2}}, .port = 53},
	    {.addr = {.family = 6, .octets = {127, 0, 0, 1}}, .port = 53},
	};
	static const uint16_t type[] = {RRTYPE_A, RRTYPE_NS, 0x0201};
	static const uint8_t flags[] = {0, QUESTION_RD, QUESTION_CD};
	struct lookups *c = opened(100, 100000);
	struct asked a;

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(to); t++)
		for (size_t y = 0; y < ARRAY_LEN(type); y++)
			for (size_t f = 0; f < ARRAY_LEN(flags); f++) {
				struct question q =
				    question("good.test", type[y]);
				q.flags = flags[f];
				assert_int_equal(
				    lookups_want(c, &q, &to[t], 0, &a.waiter,
					&a.entry, &a.got),
				    LOOKUP_ASK);
				settle(c, &a, "x", 0, 1000);
			}
	assert_int_equal(lookups_n(c), 45);
	lookups_close(c);
}

static void
test_least_used_goes(void **state)
{
	struct lookups *c = opened(3, 100000);
	static const char *const name[] = {"a.test", "b.test", "c.test"};
	struct asked a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(name); i++) {
		want(c, &a, name[i], 0);
		settle(c, &a, "x", 0, 1000);
	}
	want(c, &a, "a.test", 1);
	assert_int_equal(a.next, LOOKUP_HIT);
	want(c, &a, "d.test", 1);
	settle(c, &a, "x", 1, 1000);
	assert_int_equal(lookups_n(c), 3);
	want(c, &a, "a.test", 2);
	assert_int_equal(a.next, LOOKUP_HIT);
	want(c, &a, "c.test", 2);
	assert_int_equal(a.next, LOOKUP_HIT);
	want(c, &a, "b.test", 2);
	assert_int_equal(a.next, LOOKUP_ASK);
	settle(c, &a, "x", 2, 1000);
	lookups_close(c);
}

static void
test_under_way_stays(void **state)
{
	struct lookups *c = opened(2, 100000);
	struct asked a, b, d;

	(void)state;
	want(c, &a, "a.test", 0);
	want(c, &b, "b.test", 0);
	want(c, &d, "c.test", 0);
	assert_int_equal(d.next, LOOKUP_ALONE);
	settle(c, &a, "x", 0, 1000);
	settle(c, &b, "x", 0, 1000);
	want(c, &d, "c.test", 0);
	assert_int_equal(d.next, LOOKUP_ASK);
	settle(c, &d, "x", 0, 1000);
	lookups_close(c);
}

static void
test_octets_are_bounded(void **state)
{
	struct lookups *c = opened(1000, 4000);
	static char text[1001];
	char name[32];
	struct asked a;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		want(c, &a, name, 0);
		assert_int_equal(a.next, LOOKUP_ASK);
		settle(c, &a, text, 0, 1000);
		assert_in_range(lookups_bytes(c), 1000, 4000);
	}
	want(c, &a, "n49.test", 1);
	assert_int_equal(a.next, LOOKUP_HIT);
	want(c, &a, "n0.test", 1);
	assert_int_equal(a.next, LOOKUP_ASK);
	settle(c, &a, NULL, 1, 0);
	lookups_close(c);

	c = opened(1000, 900); /* an answer that never fits */
	want(c, &a, "a.test", 0);
	settle(c, &a, text, 0, 1000);
	assert_int_equal(lookups_n(c), 0);
	assert_int_equal(lookups_bytes(c), 0);
	lookups_close(c);
}

/* The last ms at which it is a hit, asked in steps of one second or ms. */
static int64_t
kept_ms(enum lookup_kind kind, const struct answer *read)
{
	static const struct lookup_answer raw = {
	    .bytes = (const uint8_t *)"x", .len = 1};
	struct lookups *c = opened(10, 10000);
	struct lookup_target to = {.kind = kind};
	struct question q = question("a.test", RRTYPE_TXT);
	struct asked a;
	int64_t now = 0;

	assert_int_equal(
	    lookups_want(c, &q, &to, 0, &a.waiter, &a.entry, &a.got),
	    LOOKUP_ASK);
	lookups_settle(c, a.entry, &raw, read, 0);
	while (lookups_want(c, &q, &to, now, &a.waiter, &a.entry, &a.got) ==
	       LOOKUP_HIT)
		now += 500;
	lookups_close(c);
	return now;
}

static void
test_how_long(void **state)
{
	static const struct {
		struct answer a;
		int64_t shared, own;
	} row[] = {
	    {{.outcome = OUTCOME_RECORDS, .ttl_s = 60}, 60000, 0},
	    {{.outcome = OUTCOME_RECORDS, .ttl_s = 0}, 0, 0},
	    {{.outcome = OUTCOME_RECORDS, .ttl_s = 301}, 300000, 0},
	    {{.outcome = OUTCOME_RECORDS, .ttl_s = UINT32_MAX}, 300000, 0},
	    {{.outcome = OUTCOME_NXDOMAIN, .neg_ttl_s = 3600}, 5000, 0},
	    {{.outcome = OUTCOME_NODATA, .neg_ttl_s = 3}, 3000, 0},
	    {{.outcome = OUTCOME_NODATA, .neg_ttl_s = 0}, 0, 0},
	    {{.outcome = OUTCOME_SERVFAIL}, 1000, 1000},
	    {{.outcome = OUTCOME_REFUSED}, 1000, 1000},
	    {{.outcome = OUTCOME_TIMEOUT}, 1000, 1000},
	    {{.outcome = OUTCOME_LAME}, 1000, 1000},
	    {{.outcome = OUTCOME_RCODE}, 1000, 1000},
	    {{.outcome = OUTCOME_REFERRAL, .ttl_s = 86400}, 1000, 0},
	    {{.outcome = OUTCOME_MALFORMED}, 1000, 1000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		assert_int_equal(
		    kept_ms(LOOKUP_SHARED, &row[i].a), row[i].shared);
		assert_int_equal(kept_ms(LOOKUP_OWN, &row[i].a), row[i].own);
	}
}

/* Asks again as soon as it may; for how long the last failure was kept. */
static int64_t
fail_again(struct lookups *c, enum lookup_kind kind, enum outcome outcome,
    int64_t *now)
{
	static const struct lookup_answer raw = {
	    .bytes = (const uint8_t *)"x", .len = 1};
	struct answer read = {.outcome = outcome, .ttl_s = 1};
	struct lookup_target to = {.kind = kind};
	struct question q = question("a.test", RRTYPE_TXT);
	int64_t begun = *now;
	struct asked a;

	while (lookups_want(c, &q, &to, *now, &a.waiter, &a.entry, &a.got) ==
	       LOOKUP_HIT)
		*now += 1000;
	lookups_settle(c, a.entry, &raw, &read, *now);
	return *now - begun;
}

/* RFC 9520 section 3.2. */
static void
test_failures_grow(void **state)
{
	static const int64_t shared[] = {0, 1, 2, 4, 8, 16, 32, 64, 128, 256,
	    300, 300, 300, 300, 300, 300, 300, 300, 300, 300};
	static const int64_t own[] = {0, 1, 2, 4, 8, 16, 20, 20};
	struct lookups *c = opened(10, 10000);
	int64_t now = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		assert_int_equal(
		    fail_again(c, LOOKUP_SHARED, OUTCOME_SERVFAIL, &now),
		    shared[i] * 1000);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		assert_int_equal(
		    fail_again(c, LOOKUP_OWN, OUTCOME_TIMEOUT, &now),
		    own[i] * 1000);
	lookups_close(c);
}

static void
test_failures_are_forgotten(void **state)
{
	struct lookups *c = opened(10, 10000);
	int64_t now = 0;

	(void)state;
	/* an answer ends the row */
	for (int i = 0; i < 5; i++)
		fail_again(c, LOOKUP_SHARED, OUTCOME_REFUSED, &now);
	fail_again(c, LOOKUP_SHARED, OUTCOME_RECORDS, &now);
	fail_again(c, LOOKUP_SHARED, OUTCOME_REFUSED, &now);
	assert_int_equal(
	    fail_again(c, LOOKUP_SHARED, OUTCOME_REFUSED, &now), 1000);
	/* one that can't be read does not, and does not make it longer */
	fail_again(c, LOOKUP_SHARED, OUTCOME_MALFORMED, &now);
	assert_int_equal(
	    fail_again(c, LOOKUP_SHARED, OUTCOME_REFUSED, &now), 1000);
	assert_int_equal(
	    fail_again(c, LOOKUP_SHARED, OUTCOME_REFUSED, &now), 4000);
	/* and so does time */
	now += 8000 + LOOKUPS_FAIL_MAX_MS;
	fail_again(c, LOOKUP_SHARED, OUTCOME_REFUSED, &now);
	assert_int_equal(
	    fail_again(c, LOOKUP_SHARED, OUTCOME_REFUSED, &now), 1000);
	lookups_close(c);
}

/* An include's TXT is many domains'; the record of one look is its own. */
static void
test_kinds_do_not_mix(void **state)
{
	struct lookups *c = opened(10, 10000);
	struct lookup_target own = {.kind = LOOKUP_OWN};
	struct question q = question("spf.test", RRTYPE_NS);
	struct asked a, b;

	(void)state;
	want(c, &a, "spf.test", 0);
	settle(c, &a, "records", 0, 60000);
	want(c, &a, "spf.test", 59999);
	assert_int_equal(a.next, LOOKUP_HIT);
	assert_int_equal(
	    lookups_want(c, &q, &own, 1, &a.waiter, &a.entry, &a.got),
	    LOOKUP_ASK);
	assert_int_equal(
	    lookups_want(c, &q, &own, 2, &b.waiter, &b.entry, &b.got),
	    LOOKUP_WAIT);
	assert_ptr_equal(settle(c, &a, "records", 3, 60000), &b.waiter);
	assert_int_equal(lookups_n(c), 1);
	lookups_close(c);
}

/* Nobody was asked: neither kept nor counted. */
static void
test_not_asked(void **state)
{
	struct lookups *c = opened(10, 10000);
	struct asked a, b;

	(void)state;
	want(c, &a, "a.test", 0);
	want(c, &b, "a.test", 0);
	assert_ptr_equal(lookups_settle(c, a.entry,
			     &(struct lookup_answer){.len = 0}, NULL, 0),
	    &b.waiter);
	assert_int_equal(lookups_n(c), 0);
	lookups_close(c);
}

static void
test_no_memory(void **state)
{
	struct lookups *c;
	struct asked a, b;
	struct err e;

	(void)state;
	mem_left = 0;
	assert_int_equal(lookups_open(&c, 10, 10000, 7, &e), RETRY);
	mem_left = UINT32_MAX;
	lookups_close(NULL);

	c = opened(10, 10000);
	mem_left = 0;
	want(c, &a, "a.test", 0);
	assert_int_equal(a.next, LOOKUP_ALONE);
	mem_left = 1;
	want(c, &a, "a.test", 0);
	want(c, &b, "a.test", 0);
	/* there is none for a copy: those who wait have it all the same */
	assert_ptr_equal(settle(c, &a, "answer", 0, 60000), &b.waiter);
	mem_left = UINT32_MAX;
	assert_int_equal(lookups_n(c), 0);
	lookups_close(c);
}

static void
test_no_octets(void **state)
{
	struct lookups *c = opened(10, 10000);
	struct asked a;

	(void)state;
	want(c, &a, "a.test", 0);
	settle(c, &a, "", 0, 60000);
	want(c, &a, "a.test", 0);
	assert_int_equal(a.next, LOOKUP_HIT);
	assert_non_null(a.got.bytes);
	assert_int_equal(a.got.len, 0);
	lookups_close(c);
}

/* More than there are chains: each is found again, and can go. */
static void
test_many(void **state)
{
	enum { MANY = 40000 };
	struct lookups *c = opened(MANY, 1u << 26);
	struct asked a;
	char name[32];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < MANY; i++) {
			snprintf(name, sizeof(name), "n%d.test", i);
			want(c, &a, name, round);
			assert_int_equal(
			    a.next, round ? LOOKUP_HIT : LOOKUP_ASK);
			if (!round)
				settle(c, &a, name, 0, 60000);
		}
	assert_int_equal(lookups_n(c), MANY);
	lookups_close(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_asked_once),
	    cmocka_unit_test(test_silence_is_an_answer),
	    cmocka_unit_test(test_not_kept),
	    cmocka_unit_test(test_what_differs),
	    cmocka_unit_test(test_least_used_goes),
	    cmocka_unit_test(test_under_way_stays),
	    cmocka_unit_test(test_octets_are_bounded),
	    cmocka_unit_test(test_how_long),
	    cmocka_unit_test(test_failures_grow),
	    cmocka_unit_test(test_failures_are_forgotten),
	    cmocka_unit_test(test_kinds_do_not_mix),
	    cmocka_unit_test(test_not_asked),
	    cmocka_unit_test(test_no_memory),
	    cmocka_unit_test(test_no_octets),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
