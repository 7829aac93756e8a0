/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/gate.h"
#include "tests/unit/mem_fails.h"

#define PASSES 5000

static struct gate_pass passes[PASSES];
static size_t passes_n;

static struct gate *
opened(unsigned per_minute, unsigned at_once)
{
	struct gate_conf conf = {
	    .per_minute = per_minute, .at_once = at_once, .line_ms = 10000};
	struct gate *g;
	struct err e;

	passes_n = 0;
	assert_int_equal(gate_open(&g, &conf, 7, &e), OK);
	return g;
}

static enum gate_next
enter(struct gate *g, const char *domain, int64_t now)
{
	struct dname name;

	assert_int_equal(dname_from_text(&name, domain, NULL), DNAME_OK);
	assert_true(passes_n < PASSES);
	return gate_enter(g, &passes[passes_n++], &name, now);
}

/* All that have their turn now; *shut of them were refused. */
static size_t
turns(struct gate *g, int64_t now, size_t *shut)
{
	enum gate_next what;
	size_t n = 0;

	*shut = 0;
	while (gate_turn(g, now, &what)) {
		n += what == GATE_GO;
		*shut += what == GATE_SHUT;
	}
	return n;
}

static void
test_at_once(void **state)
{
	struct gate *g = opened(6000, 2);
	enum gate_next what;

	(void)state;
	assert_int_equal(enter(g, "a.test", 0), GATE_GO);
	assert_int_equal(enter(g, "A.TEST", 0), GATE_GO);
	assert_int_equal(enter(g, "a.test", 0), GATE_WAIT);
	assert_int_equal(enter(g, "a.test", 0), GATE_WAIT);
	assert_int_equal(enter(g, "b.test", 0), GATE_GO);
	assert_int_equal(gate_waiting(g), 2);
	assert_null(gate_turn(g, 5, &what));
	gate_leave(g, &passes[0]);
	/* in the order they came, without waiting for a sweep */
	assert_ptr_equal(gate_turn(g, 5, &what), &passes[2]);
	assert_int_equal(what, GATE_GO);
	assert_null(gate_turn(g, 5, &what));
	gate_leave(g, &passes[2]);
	assert_ptr_equal(gate_turn(g, 6, &what), &passes[3]);
	gate_leave(g, &passes[3]);
	gate_leave(g, &passes[3]); /* once is enough */
	assert_null(gate_turn(g, 6, &what));
	assert_int_equal(gate_waiting(g), 0);
	assert_int_equal(enter(g, "a.test", 7), GATE_GO);
	gate_close(g);
}

/* A full bucket, then as time gives. */
static void
test_per_minute(void **state)
{
	struct gate *g = opened(60, 1000);
	size_t shut, went = 0;

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_int_equal(enter(g, "a.test", 0), GATE_GO);
	for (int i = 0; i < 10; i++)
		assert_int_equal(enter(g, "a.test", 0), GATE_WAIT);
	/* more than ten seconds can serve */
	assert_int_equal(enter(g, "a.test", 0), GATE_SHUT);
	assert_int_equal(enter(g, "b.test", 0), GATE_GO);
	for (int64_t now = 0; now <= 5000; now += 10)
		went += turns(g, now, &shut);
	assert_int_equal(went, 5);
	assert_int_equal(turns(g, 9999, &shut), 4);
	assert_int_equal(shut, 0);
	assert_int_equal(turns(g, 10019, &shut), 1);
	assert_int_equal(gate_waiting(g), 0);
	gate_close(g);
}

static void
test_line_is_not_for_ever(void **state)
{
	struct gate *g = opened(60, 1);
	size_t shut;

	(void)state;
	assert_int_equal(enter(g, "a.test", 0), GATE_GO);
	assert_int_equal(enter(g, "a.test", 0), GATE_WAIT);
	assert_int_equal(enter(g, "a.test", 500), GATE_WAIT);
	assert_int_equal(turns(g, 9999, &shut), 0);
	assert_int_equal(shut, 0);
	assert_int_equal(turns(g, 10020, &shut), 0);
	assert_int_equal(shut, 1);
	assert_int_equal(turns(g, 10520, &shut), 0);
	assert_int_equal(shut, 1);
	assert_null(passes[1].domain);
	gate_leave(g, &passes[1]); /* counts for nothing */
	assert_int_equal(enter(g, "a.test", 11000), GATE_WAIT);
	gate_close(g);
}

/* Packets more than the first are counted, and do not wait. */
static void
test_again(void **state)
{
	struct gate *g = opened(60, 1000);

	(void)state;
	assert_int_equal(enter(g, "a.test", 0), GATE_GO);
	for (int i = 0; i < 59; i++)
		gate_again(g, &passes[0]);
	assert_int_equal(enter(g, "a.test", 0), GATE_WAIT);
	for (int i = 0; i < 1000; i++)
		gate_again(g, &passes[0]);
	gate_close(g);

	/* what is owed is forgotten after two minutes at the latest */
	g = opened(60, 1000);
	assert_int_equal(enter(g, "a.test", 0), GATE_GO);
	for (int i = 0; i < 1000; i++)
		gate_again(g, &passes[0]);
	assert_int_equal(enter(g, "a.test", 61100), GATE_GO);
	gate_close(g);
}

/* However many domains: remembered ones are bounded, and those with
 * questions under way or in line stay. */
static void
test_domains_are_bounded(void **state)
{
	static struct gate_pass p;
	struct gate *g = opened(60, 1);
	struct dname name;
	char text[32];

	(void)state;
	assert_int_equal(enter(g, "held.test", 0), GATE_GO);
	for (unsigned i = 0; i < 3 * GATE_DOMAINS_MAX; i++) {
		snprintf(text, sizeof(text), "d%u.test", i);
		assert_int_equal(dname_from_text(&name, text, NULL), DNAME_OK);
		assert_int_equal(gate_enter(g, &p, &name, 0), GATE_GO);
		gate_leave(g, &p);
		assert_in_range(gate_domains(g), 1, GATE_DOMAINS_MAX);
	}
	assert_int_equal(enter(g, "held.test", 1), GATE_WAIT);
	/* time empties it again, two for each that comes */
	for (unsigned i = 0; i < GATE_DOMAINS_MAX; i++) {
		snprintf(text, sizeof(text), "e%u.test", i);
		assert_int_equal(dname_from_text(&name, text, NULL), DNAME_OK);
		gate_enter(g, &p, &name, 70000 + i * 1000);
		gate_leave(g, &p);
	}
	assert_in_range(gate_domains(g), 1, 100);
	gate_close(g);
}

/* All are in use: the next goes uncounted, and so it does without memory. */
static void
test_no_room_for_a_domain(void **state)
{
	static struct gate_pass held[GATE_DOMAINS_MAX], p;
	struct gate *g = opened(60, 1);
	struct dname name;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < GATE_DOMAINS_MAX; i++) {
		snprintf(text, sizeof(text), "d%u.test", i);
		assert_int_equal(dname_from_text(&name, text, NULL), DNAME_OK);
		assert_int_equal(gate_enter(g, &held[i], &name, 0), GATE_GO);
	}
	assert_int_equal(gate_domains(g), GATE_DOMAINS_MAX);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(enter(g, "one.more.test", 1), GATE_GO);
		assert_null(passes[i].domain);
		gate_again(g, &passes[i]);
		gate_leave(g, &passes[i]);
	}
	gate_close(g);

	g = opened(60, 1);
	mem_left = 0;
	assert_int_equal(enter(g, "a.test", 0), GATE_GO);
	assert_int_equal(enter(g, "a.test", 0), GATE_GO);
	mem_left = UINT32_MAX;
	assert_int_equal(enter(g, "a.test", 0), GATE_GO);
	assert_int_equal(gate_enter(g, &p, &name, 0), GATE_GO);
	gate_close(g);
}

/* Nobody's question is under way, but somebody waits: it is not forgotten. */
static void
test_who_waits_is_remembered(void **state)
{
	struct gate *g = opened(1, 10);
	enum gate_next what;

	(void)state;
	assert_int_equal(enter(g, "a.test", 0), GATE_GO);
	gate_leave(g, &passes[0]);
	for (int i = 0; i < 4; i++) /* so many may, in any case */
		assert_int_equal(enter(g, "a.test", 0), GATE_WAIT);
	assert_int_equal(enter(g, "a.test", 0), GATE_SHUT);
	assert_int_equal(enter(g, "b.test", 70000), GATE_GO);
	assert_ptr_equal(gate_turn(g, 70001, &what), &passes[1]);
	assert_int_equal(what, GATE_GO);
	assert_ptr_equal(gate_turn(g, 70001, &what), &passes[2]);
	assert_int_equal(what, GATE_SHUT);
	gate_close(g);
}

static void
test_no_memory(void **state)
{
	struct gate_conf conf = {.per_minute = 1, .at_once = 1};
	struct gate *g;
	struct err e;

	(void)state;
	mem_left = 0;
	assert_int_equal(gate_open(&g, &conf, 7, &e), RETRY);
	mem_left = UINT32_MAX;
	gate_close(NULL);
}

/* One that floods does not keep the others waiting. */
static void
test_lines_take_turns(void **state)
{
	struct gate *g = opened(600, 1);
	enum gate_next what;

	(void)state;
	assert_int_equal(enter(g, "a.test", 0), GATE_GO); /* 0 */
	assert_int_equal(enter(g, "b.test", 0), GATE_GO); /* 1 */
	for (int i = 0; i < 50; i++)
		assert_int_equal(enter(g, "a.test", 0), GATE_WAIT);
	assert_int_equal(enter(g, "b.test", 0), GATE_WAIT); /* 52 */
	gate_leave(g, &passes[1]);
	assert_ptr_equal(gate_turn(g, 1, &what), &passes[52]);
	assert_null(gate_turn(g, 1, &what));
	gate_leave(g, &passes[52]);
	assert_int_equal(enter(g, "b.test", 2), GATE_GO);
	gate_close(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_at_once),
	    cmocka_unit_test(test_per_minute),
	    cmocka_unit_test(test_line_is_not_for_ever),
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_domains_are_bounded),
	    cmocka_unit_test(test_no_room_for_a_domain),
	    cmocka_unit_test(test_who_waits_is_remembered),
	    cmocka_unit_test(test_no_memory),
	    cmocka_unit_test(test_lines_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
