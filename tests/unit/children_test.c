/* SPDX-License-Identifier: Apache-2.0 */
/* The table of state x event cell by cell, then what becomes of a crew. */
#include "core/children.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW  1000000
#define NONE (-1)

/* A crew of a scheduler (0) and two resolvers (1, 2), all up but the one that
 * a cell is about. */
static void
crew(struct children *c, size_t subject, enum child_state state)
{
	children_init(c, 2, NOW);
	for (size_t i = 0; i < c->n; i++)
		c->child[i].state = CHILD_UP;
	c->child[subject].state = state;
	c->child[subject].kill_due = NOW;
	if (state == CHILD_STOPPING || state == CHILD_KILLED)
		c->mode = CREW_CYCLING;
	if (state == CHILD_GONE)
		c->mode = CREW_DRAINING;
	for (size_t i = 0; c->mode != CREW_RUNNING && i < c->n; i++) {
		if (i == subject)
			continue;
		c->child[i].state = CHILD_STOPPING;
		c->child[i].kill_due = NOW + 1;
	}
}

struct cell {
	enum child_state to;
	int verb;   /* for the subject, or NONE */
	int others; /* for both others, or NONE */
	enum crew_mode mode;
	int exit_code;
};

#define R CREW_RUNNING
#define C CREW_CYCLING
#define D CREW_DRAINING

/* clang-format off */
/* A resolver is the subject. */
static const struct cell resolver[CHILD_STATE_N][CHILD_EVENT_N] = {
[CHILD_DOWN] = {
	[CHILD_EV_EXIT_DONE]    = {CHILD_DOWN, NONE, NONE, R, 0},
	[CHILD_EV_EXIT_USAGE]   = {CHILD_DOWN, NONE, NONE, R, 0},
	[CHILD_EV_EXIT_OUTSIDE] = {CHILD_DOWN, NONE, NONE, R, 0},
	[CHILD_EV_EXIT_BUG]     = {CHILD_DOWN, NONE, NONE, R, 0},
	[CHILD_EV_TICK]         = {CHILD_UP, CHILD_DO_START, NONE, R, 0},
	[CHILD_EV_STOP]         = {CHILD_GONE, NONE, CHILD_DO_TERM, D, 0},
	[CHILD_EV_STOP_NOW]     = {CHILD_GONE, NONE, CHILD_DO_KILL, D, 0},
	[CHILD_EV_CYCLE]        = {CHILD_DOWN, NONE, CHILD_DO_TERM, C, 0},
},
[CHILD_UP] = {
	[CHILD_EV_EXIT_DONE]    = {CHILD_DOWN, NONE, NONE, R, 0},
	[CHILD_EV_EXIT_USAGE]   = {CHILD_GONE, NONE, CHILD_DO_TERM, D, 100},
	[CHILD_EV_EXIT_OUTSIDE] = {CHILD_DOWN, NONE, NONE, R, 0},
	[CHILD_EV_EXIT_BUG]     = {CHILD_DOWN, NONE, NONE, R, 0},
	[CHILD_EV_TICK]         = {CHILD_UP, NONE, NONE, R, 0},
	[CHILD_EV_STOP]         = {CHILD_STOPPING, CHILD_DO_TERM, CHILD_DO_TERM, D, 0},
	[CHILD_EV_STOP_NOW]     = {CHILD_KILLED, CHILD_DO_KILL, CHILD_DO_KILL, D, 0},
	[CHILD_EV_CYCLE]        = {CHILD_STOPPING, CHILD_DO_TERM, CHILD_DO_TERM, C, 0},
},
[CHILD_STOPPING] = {
	[CHILD_EV_EXIT_DONE]    = {CHILD_DOWN, NONE, NONE, C, 0},
	[CHILD_EV_EXIT_USAGE]   = {CHILD_GONE, NONE, NONE, D, 100},
	[CHILD_EV_EXIT_OUTSIDE] = {CHILD_DOWN, NONE, NONE, C, 0},
	[CHILD_EV_EXIT_BUG]     = {CHILD_DOWN, NONE, NONE, C, 0},
	[CHILD_EV_TICK]         = {CHILD_KILLED, CHILD_DO_KILL, NONE, C, 0},
	[CHILD_EV_STOP]         = {CHILD_STOPPING, NONE, NONE, D, 0},
	[CHILD_EV_STOP_NOW]     = {CHILD_KILLED, CHILD_DO_KILL, CHILD_DO_KILL, D, 0},
	[CHILD_EV_CYCLE]        = {CHILD_STOPPING, NONE, NONE, C, 0},
},
[CHILD_KILLED] = {
	[CHILD_EV_EXIT_DONE]    = {CHILD_DOWN, NONE, NONE, C, 0},
	[CHILD_EV_EXIT_USAGE]   = {CHILD_GONE, NONE, NONE, D, 100},
	[CHILD_EV_EXIT_OUTSIDE] = {CHILD_DOWN, NONE, NONE, C, 0},
	[CHILD_EV_EXIT_BUG]     = {CHILD_DOWN, NONE, NONE, C, 0},
	[CHILD_EV_TICK]         = {CHILD_KILLED, NONE, NONE, C, 0},
	[CHILD_EV_STOP]         = {CHILD_KILLED, NONE, NONE, D, 0},
	[CHILD_EV_STOP_NOW]     = {CHILD_KILLED, NONE, CHILD_DO_KILL, D, 0},
	[CHILD_EV_CYCLE]        = {CHILD_KILLED, NONE, NONE, C, 0},
},
[CHILD_GONE] = {
	[CHILD_EV_EXIT_DONE]    = {CHILD_GONE, NONE, NONE, D, 0},
	[CHILD_EV_EXIT_USAGE]   = {CHILD_GONE, NONE, NONE, D, 0},
	[CHILD_EV_EXIT_OUTSIDE] = {CHILD_GONE, NONE, NONE, D, 0},
	[CHILD_EV_EXIT_BUG]     = {CHILD_GONE, NONE, NONE, D, 0},
	[CHILD_EV_TICK]         = {CHILD_GONE, NONE, NONE, D, 0},
	[CHILD_EV_STOP]         = {CHILD_GONE, NONE, NONE, D, 0},
	[CHILD_EV_STOP_NOW]     = {CHILD_GONE, NONE, CHILD_DO_KILL, D, 0},
	[CHILD_EV_CYCLE]        = {CHILD_GONE, NONE, NONE, D, 0},
},
};
/* clang-format on */

/* The scheduler differs in what its end does to the others. */
static struct cell
scheduler(enum child_state state, enum child_event ev)
{
	struct cell cell = resolver[state][ev];

	if (state == CHILD_UP && ev != CHILD_EV_EXIT_USAGE &&
	    ev <= CHILD_EV_EXIT_BUG) {
		cell.others = CHILD_DO_TERM;
		cell.mode = C;
	}
	return cell;
}

static int
verb_for(const struct child_action *did, size_t n, size_t child)
{
	int verb = NONE;

	for (size_t i = 0; i < n; i++) {
		if (did[i].child != child)
			continue;
		assert_int_equal(verb, NONE); /* at most one a child */
		verb = (int)did[i].verb;
	}
	return verb;
}

static void
walk(size_t subject, enum child_state state, enum child_event ev)
{
	struct cell want =
	    subject == 0 ? scheduler(state, ev) : resolver[state][ev];
	struct child_action did[CHILDREN_MAX];
	struct children c;
	size_t n;

	crew(&c, subject, state);
	n = children_step(&c, subject, ev, NOW, did);
	if (c.child[subject].state != want.to || c.mode != want.mode ||
	    c.exit_code != want.exit_code ||
	    verb_for(did, n, subject) != want.verb)
		fail_msg("child %zu, state %d, event %d: state %d, mode %d, "
			 "code %d, verb %d",
		    subject, state, ev, c.child[subject].state, c.mode,
		    c.exit_code, verb_for(did, n, subject));
	for (size_t i = 0; i < c.n; i++) {
		if (i != subject && verb_for(did, n, i) != want.others)
			fail_msg("child %zu, state %d, event %d: other %zu "
				 "gets %d",
			    subject, state, ev, i, verb_for(did, n, i));
	}
}

static void
every_cell(void **state)
{
	(void)state;
	for (size_t subject = 0; subject < 3; subject++) {
		for (int cell = 0; cell < CHILD_STATE_N * CHILD_EVENT_N; cell++)
			walk(subject, (enum child_state)(cell / CHILD_EVENT_N),
			    (enum child_event)(cell % CHILD_EVENT_N));
	}
}

/* -- crews --------------------------------------------------------------- */

static struct child_action did[CHILDREN_MAX];

static void
start_all(struct children *c, int64_t now)
{
	size_t n = children_step(c, 0, CHILD_EV_TICK, now, did);

	assert_int_equal(n, c->n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(did[i].child, i); /* the scheduler first */
		assert_int_equal(did[i].verb, CHILD_DO_START);
	}
}

static void
the_first_tick_starts_all(void **state)
{
	struct children c;

	(void)state;
	children_init(&c, 3, NOW);
	assert_int_equal(children_next_due(&c), NOW);
	assert_true(children_all_down(&c));
	start_all(&c, NOW);
	assert_false(children_all_down(&c));
	assert_int_equal(children_next_due(&c), INT64_MAX);
	assert_int_equal(children_step(&c, 0, CHILD_EV_TICK, NOW, did), 0);
}

static void
waits_double_and_are_bounded(void **state)
{
	struct children c;
	int64_t now = NOW, want = CHILDREN_BACKOFF_MIN_MS;

	(void)state;
	children_init(&c, 1, now);
	start_all(&c, now);
	for (int i = 0; i < 20; i++) {
		children_step(&c, 1, CHILD_EV_EXIT_OUTSIDE, now, did);
		assert_int_equal(children_next_due(&c), now + want);
		assert_int_equal(
		    children_step(&c, 0, CHILD_EV_TICK, now + want - 1, did),
		    0);
		now += want;
		assert_int_equal(
		    children_step(&c, 0, CHILD_EV_TICK, now, did), 1);
		assert_int_equal(did[0].child, 1);
		want = want * 2 > CHILDREN_BACKOFF_MAX_MS
			   ? CHILDREN_BACKOFF_MAX_MS
			   : want * 2;
	}
	assert_int_equal(c.mode, CREW_RUNNING); /* 111 never ends a crew */
	now += CHILDREN_WINDOW_MS;
	children_step(&c, 1, CHILD_EV_EXIT_OUTSIDE, now, did);
	assert_int_equal(children_next_due(&c), now + CHILDREN_BACKOFF_MIN_MS);
}

/* Five bugs, `apart` ms between the first and the last. */
static struct children
five_bugs(int64_t apart)
{
	struct children c;

	children_init(&c, 2, NOW);
	start_all(&c, NOW);
	for (int i = 0; i < CHILDREN_DEATHS; i++) {
		int64_t now = NOW + i * apart / (CHILDREN_DEATHS - 1);

		assert_int_equal(c.mode, CREW_RUNNING);
		children_step(&c, 2, CHILD_EV_EXIT_BUG, now, did);
		if (i + 1 < CHILDREN_DEATHS)
			children_step(
			    &c, 0, CHILD_EV_TICK, children_next_due(&c), did);
	}
	return c;
}

static void
five_bugs_within_the_window_end_the_crew(void **state)
{
	struct children c = five_bugs(CHILDREN_WINDOW_MS - 1);

	(void)state;
	assert_int_equal(c.mode, CREW_DRAINING);
	assert_int_equal(c.exit_code, EXIT_CODE_BUG);
	assert_int_equal(c.child[0].state, CHILD_STOPPING);
	assert_int_equal(c.child[2].state, CHILD_GONE);
	assert_false(children_ended(&c));
	children_step(&c, 0, CHILD_EV_EXIT_DONE, NOW, did);
	children_step(&c, 1, CHILD_EV_EXIT_DONE, NOW, did);
	assert_true(children_ended(&c));

	c = five_bugs(CHILDREN_WINDOW_MS);
	assert_int_equal(c.mode, CREW_RUNNING);
}

/* Deaths of different children do not add up. */
static void
each_child_is_counted_alone(void **state)
{
	struct children c;

	(void)state;
	children_init(&c, 3, NOW);
	start_all(&c, NOW);
	for (int i = 0; i < 3 * (CHILDREN_DEATHS - 1); i++) {
		children_step(
		    &c, (size_t)(1 + i % 3), CHILD_EV_EXIT_BUG, NOW, did);
		c.child[1 + i % 3].state = CHILD_UP;
	}
	assert_int_equal(c.mode, CREW_RUNNING);
	children_step(&c, 1, CHILD_EV_EXIT_BUG, NOW, did);
	assert_int_equal(c.mode, CREW_DRAINING);
}

static void
the_scheduler_takes_the_crew_with_it(void **state)
{
	struct children c;
	int64_t due = NOW + CHILDREN_BACKOFF_MIN_MS;

	(void)state;
	children_init(&c, 2, NOW);
	start_all(&c, NOW);
	children_step(&c, 0, CHILD_EV_EXIT_OUTSIDE, NOW, did);
	assert_int_equal(c.mode, CREW_CYCLING);
	/* nobody starts while one still ends */
	children_step(&c, 1, CHILD_EV_EXIT_DONE, NOW, did);
	assert_int_equal(children_step(&c, 0, CHILD_EV_TICK, due, did), 0);
	assert_int_equal(children_next_due(&c), NOW + CHILDREN_DRAIN_MS);
	children_step(&c, 2, CHILD_EV_EXIT_BUG, NOW + 50, did);
	assert_int_equal(c.mode, CREW_RUNNING);
	/* and nobody before the scheduler */
	assert_int_equal(children_next_due(&c), due);
	start_all(&c, due);
}

static void
a_child_that_does_not_drain_is_killed(void **state)
{
	struct children c;

	(void)state;
	children_init(&c, 1, NOW);
	start_all(&c, NOW);
	assert_int_equal(children_step(&c, 0, CHILD_EV_STOP, NOW, did), 2);
	assert_int_equal(children_next_due(&c), NOW + CHILDREN_DRAIN_MS);
	children_step(&c, 0, CHILD_EV_EXIT_DONE, NOW, did);
	assert_int_equal(children_step(&c, 0, CHILD_EV_TICK,
			     NOW + CHILDREN_DRAIN_MS - 1, did),
	    0);
	assert_int_equal(
	    children_step(&c, 0, CHILD_EV_TICK, NOW + CHILDREN_DRAIN_MS, did),
	    1);
	assert_int_equal(did[0].child, 1);
	assert_int_equal(did[0].verb, CHILD_DO_KILL);
	assert_int_equal(children_next_due(&c), INT64_MAX);
	children_step(&c, 1, CHILD_EV_EXIT_BUG, NOW, did);
	assert_true(children_ended(&c));
	assert_int_equal(c.exit_code, EXIT_CODE_DONE);
}

/* What ends a crew first is what it ends with. */
static void
the_first_reason_stands(void **state)
{
	struct children c;

	(void)state;
	children_init(&c, 2, NOW);
	start_all(&c, NOW);
	children_step(&c, 0, CHILD_EV_EXIT_USAGE, NOW, did);
	children_step(&c, 0, CHILD_EV_STOP_NOW, NOW, did);
	assert_int_equal(c.exit_code, EXIT_CODE_USAGE);

	children_init(&c, 2, NOW);
	start_all(&c, NOW);
	children_step(&c, 0, CHILD_EV_STOP, NOW, did);
	children_step(&c, 1, CHILD_EV_EXIT_USAGE, NOW, did);
	assert_int_equal(c.exit_code, EXIT_CODE_DONE);
}

static void
new_settings_wait_for_all_to_end(void **state)
{
	struct children c;

	(void)state;
	children_init(&c, 1, NOW);
	start_all(&c, NOW);
	assert_int_equal(children_step(&c, 0, CHILD_EV_CYCLE, NOW, did), 2);
	assert_int_equal(children_step(&c, 0, CHILD_EV_CYCLE, NOW, did), 0);
	children_step(&c, 0, CHILD_EV_EXIT_DONE, NOW, did);
	assert_false(children_all_down(&c));
	children_step(&c, 1, CHILD_EV_EXIT_DONE, NOW, did);
	assert_true(children_all_down(&c));
	assert_int_equal(c.mode, CREW_RUNNING);
	start_all(&c, NOW);
}

static void
exit_codes_are_read(void **state)
{
	static const struct {
		int status;
		enum child_event want;
	} rows[] = {
	    {0 << 8, CHILD_EV_EXIT_DONE},
	    {100 << 8, CHILD_EV_EXIT_USAGE},
	    {111 << 8, CHILD_EV_EXIT_OUTSIDE},
	    {101 << 8, CHILD_EV_EXIT_BUG},
	    {1 << 8, CHILD_EV_EXIT_BUG},
	    {255 << 8, CHILD_EV_EXIT_BUG},
	    {9, CHILD_EV_EXIT_BUG},
	    {11 | 0x80, CHILD_EV_EXIT_BUG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
		    children_event_of(rows[i].status), rows[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_cell),
	    cmocka_unit_test(the_first_tick_starts_all),
	    cmocka_unit_test(waits_double_and_are_bounded),
	    cmocka_unit_test(five_bugs_within_the_window_end_the_crew),
	    cmocka_unit_test(each_child_is_counted_alone),
	    cmocka_unit_test(the_scheduler_takes_the_crew_with_it),
	    cmocka_unit_test(a_child_that_does_not_drain_is_killed),
	    cmocka_unit_test(the_first_reason_stands),
	    cmocka_unit_test(new_settings_wait_for_all_to_end),
	    cmocka_unit_test(exit_codes_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
