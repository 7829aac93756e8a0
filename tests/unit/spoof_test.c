/* SPDX-License-Identifier: Apache-2.0 */
/* The token is only in answers that are spoofed or broken: no look passes.
 * The right answers are those of tests/dns, mutated one by one and judged by
 * the very reader and stepper that run in the resolver process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/look.h"
#include "tests/dns/reply.h"

#define TOKEN	     "mzxw6ytboi4dqnrvgy3tqojqgezdgnbv"
#define RECORD	     "_example-challenge.shop.test"
#define ID	     0x1234
#define TIMES	     300 /* each mutation, in each place */
#define OPT_LEN	     11
#define HEADER	     12
#define NAME_LEN     (1 + 18 + 1 + 4 + 1 + 4 + 1)
#define QUESTION_END (HEADER + NAME_LEN + 4)
#define TTL_AT	     (QUESTION_END + 6)

/* Servers and resolver in one. */
static const char *const world =
    "* NS : ns ns.shop.test ra\n"
    "ns.shop.test A : a 127.0.0.1 ra\n" RECORD " TXT rd : txt \"token=" TOKEN
    "\" noaa ra\n" RECORD " TXT : txt \"token=" TOKEN "\"\n"
    "* * : nxdomain authority owner shop.test soa ns.shop.test 1 5 ra\n";

static struct script script;
static struct rng rng = {20261124};
static uint8_t memory[LOOK_ARENA];

enum place { FIXED, SERVER, PUBLIC, EARLY, PLACE_N };

/* What is done to the TXT answers of the place. */
struct damage {
	enum place place;
	enum mutation how; /* MUTATE_N: none */
	size_t at;	   /* else these bits of this octet; 0 = none */
	uint8_t bits;
	unsigned done;
};

static bool
is_target(const struct damage *d, const struct look_ask *ask)
{
	if (ask->q.type != RRTYPE_TXT)
		return false;
	return (ask->target == LOOK_SERVER) == (d->place == SERVER);
}

static size_t
damaged(struct damage *d, uint8_t *bytes, size_t len)
{
	d->done++;
	if (d->how != MUTATE_N)
		return mutate(bytes, len, d->how, &rng);
	if (d->bits)
		bytes[d->at] ^= d->bits;
	return len;
}

static void
give(struct damage *d, const struct look_ask *ask, struct answer *out,
    struct arena *arena)
{
	static struct reply reply;
	uint8_t bytes[PACKET_QUERY_MAX];
	size_t len = packet_query(bytes, ID, &ask->q);
	const struct rule *rule;
	struct query q;

	assert_true(query_read(&q, bytes, len));
	q.via = VIA_TCP;
	rule = script_match(&script, &q);
	reply_make(&reply, &rule->packets[0], &q, &rng);
	len = reply.len;
	/* an octet must not be read behind the end */
	if (is_target(d, ask) && dname_labels(&ask->q.name) == 3)
		len = damaged(d, reply.bytes, len);
	packet_read(out, reply.bytes, len, ID, &ask->q, arena);
}

static void
wish_for(struct look_wish *w, const struct damage *d)
{
	*w = (struct look_wish){.service = "example",
	    .token = TOKEN,
	    .authoritative = d->place != FIXED,
	    .order = d->place == EARLY ? LOOK_PUBLIC_FIRST : LOOK_SERVERS_FIRST,
	    .private_ok = true};
	assert_int_equal(
	    dname_from_text(&w->domain, "shop.test", NULL), DNAME_OK);
	w->registrable = w->domain;
}

static enum verdict
look(struct damage *d)
{
	static struct answer got[LOOK_ASK_MAX];
	struct look_wish wish;
	struct arena arena;
	struct look *l;
	size_t n = 0;

	wish_for(&wish, d);
	arena_init(&arena, memory, sizeof(memory));
	l = look_begin(&wish, &arena);
	assert_non_null(l);
	while (look_step(l, got, n) == LOOK_ASK) {
		const struct look_ask *asks = look_asks(l, &n);

		for (size_t i = 0; i < n; i++)
			give(d, &asks[i], &got[i], &arena);
	}
	return look_finding(l)->verdict;
}

/* --- tests ---------------------------------------------------------------- */

static void
test_right_answers_pass(void **state)
{
	(void)state;
	for (int p = 0; p < PLACE_N; p++) {
		struct damage d = {.place = (enum place)p, .how = MUTATE_N};

		assert_int_equal(look(&d), VERDICT_PASS);
		assert_true(d.done > 0);
	}
}

/* Where a flip leaves an answer right: flags that say nothing, the case of a
 * name, the TTL, an OPT that is not there or offers another size. */
static bool
may_pass(const uint8_t *right, size_t len, size_t at, uint8_t bits)
{
	bool letter = (right[at] | 0x20) >= 'a' && (right[at] | 0x20) <= 'z';

	if (at == 2)
		return (bits & ~0x05) == 0;
	if (at == 3)
		return (bits & ~0xf0) == 0;
	if (at == 11)
		return right[at] == bits;
	if (at > HEADER && at < HEADER + NAME_LEN)
		return letter && bits == 0x20;
	if (at >= len - OPT_LEN) /* but not its upper bits of the rcode */
		return at != len - OPT_LEN + 5;
	return at >= TTL_AT && at < TTL_AT + 4;
}

/* Every other value of every octet. */
static void
test_every_octet(void **state)
{
	struct damage none = {.place = FIXED, .how = MUTATE_N};
	static struct reply right;
	uint8_t bytes[PACKET_QUERY_MAX];
	struct question question = {.type = RRTYPE_TXT, .flags = QUESTION_RD};
	unsigned passed = 0;
	struct query q;

	(void)state;
	assert_int_equal(
	    dname_from_text(&question.name, RECORD, NULL), DNAME_OK);
	assert_true(query_read(&q, bytes, packet_query(bytes, ID, &question)));
	reply_make(&right, &script_match(&script, &q)->packets[0], &q, &rng);
	assert_int_equal(look(&none), VERDICT_PASS);
	for (size_t at = 0; at < right.len; at++) {
		for (unsigned bits = 1; bits < 256; bits++) {
			struct damage d = {.place = FIXED,
			    .how = MUTATE_N,
			    .at = at,
			    .bits = (uint8_t)bits};
			bool pass = look(&d) == VERDICT_PASS;

			passed += pass;
			if (pass && !may_pass(right.bytes, right.len, at,
					(uint8_t)bits))
				fail_msg("octet %zu ^ 0x%02x passes", at, bits);
		}
	}
	/* the test does reach the end of a look: TTLs alone are these */
	assert_in_range(passed, 4 * 255, 6000);
}

static void
test_every_mutation(void **state)
{
	(void)state;
	for (int how = 0; how < MUTATE_N; how++)
		for (int p = 0; p < PLACE_N; p++)
			for (int i = 0; i < TIMES; i++) {
				struct damage d = {.place = (enum place)p,
				    .how = (enum mutation)how};

				if (look(&d) == VERDICT_PASS)
					fail_msg("%s passes in place %d",
					    mutation_name(d.how), p);
				assert_true(d.done > 0);
			}
}

/* The whole flood: every id but the right one. */
static void
test_every_id(void **state)
{
	static struct reply right;
	uint8_t bytes[PACKET_QUERY_MAX];
	struct question question = {.type = RRTYPE_TXT, .flags = QUESTION_RD};
	struct arena arena;
	struct answer a;
	struct query q;

	(void)state;
	assert_int_equal(
	    dname_from_text(&question.name, RECORD, NULL), DNAME_OK);
	assert_true(query_read(&q, bytes, packet_query(bytes, ID, &question)));
	reply_make(&right, &script_match(&script, &q)->packets[0], &q, &rng);
	for (unsigned id = 0; id < 65536; id++) {
		right.bytes[0] = (uint8_t)(id >> 8);
		right.bytes[1] = (uint8_t)id;
		arena_init(&arena, memory, sizeof(memory));
		packet_read(&a, right.bytes, right.len, ID, &question, &arena);
		assert_int_equal(a.outcome == OUTCOME_RECORDS, id == ID);
	}
}

/* No octet behind the end is read, wherever it ends. */
static void
test_every_length(void **state)
{
	static struct reply right;
	uint8_t bytes[PACKET_QUERY_MAX];
	struct question question = {.type = RRTYPE_TXT, .flags = QUESTION_RD};
	struct query q;

	(void)state;
	assert_int_equal(
	    dname_from_text(&question.name, RECORD, NULL), DNAME_OK);
	assert_true(query_read(&q, bytes, packet_query(bytes, ID, &question)));
	reply_make(&right, &script_match(&script, &q)->packets[0], &q, &rng);
	for (size_t len = 1; len < right.len; len++) {
		uint8_t *exact = mem_alloc(len);
		struct arena arena;
		struct answer a;

		assert_non_null(exact);
		memcpy(exact, right.bytes, len);
		arena_init(&arena, memory, sizeof(memory));
		packet_read(&a, exact, len, ID, &question, &arena);
		assert_int_equal(a.outcome, OUTCOME_MALFORMED);
		mem_free(exact);
	}
}

static int
setup(void **state)
{
	struct err e;

	(void)state;
	if (script_read(&script, world, &e) == OK)
		return 0;
	fprintf(stderr, "%s\n", e.text);
	return 1;
}

static int
teardown(void **state)
{
	(void)state;
	script_free(&script);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_right_answers_pass),
	    cmocka_unit_test(test_every_octet),
	    cmocka_unit_test(test_every_mutation),
	    cmocka_unit_test(test_every_id),
	    cmocka_unit_test(test_every_length),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
