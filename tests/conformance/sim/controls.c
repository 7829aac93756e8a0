/* SPDX-License-Identifier: Apache-2.0 */
/* What a test may do to the simulator, and only to it. */
#include "tests/conformance/rules.h"
#include "tests/fake/kafka_sim.h"

static void
a_fault_is_set_for_one_place(void **state)
{
	struct kafka *k = join("a");
	struct batch b;
	struct seen seen;

	(void)state;
	sim_fail_at("commit.record", "state", 2, KAFKA_ABORTED);
	batch_init(&b, k, 0, "x");
	assert_false(sim_struck());
	assert_int_equal(commit(k, &b), KAFKA_ABORTED); /* at `pos` */
	assert_true(sim_struck());
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
	read_all(TOPIC_RESULTS, 0, &seen);
	assert_int_equal(seen.n, 1);
}

/* The answer to a commit is lost: nobody knows, but it is there. */
static void
an_unknown_outcome_may_be_a_success(void **state)
{
	struct kafka *k = join("a");
	struct batch b;
	struct seen seen;

	(void)state;
	batch_init(&b, k, 0, "x");
	sim_fail_at("commit.after", NULL, 1, KAFKA_UNKNOWN);
	assert_int_equal(commit(k, &b), KAFKA_UNKNOWN);
	read_all(TOPIC_RESULTS, 0, &seen);
	assert_int_equal(seen.n, 1);
}

/* ... or it never came to that: it stays open until its time is over. */
static void
an_unknown_outcome_may_stay_open(void **state)
{
	struct kafka *k = join("a");
	struct batch b;
	struct seen seen;
	int64_t next[LANE_N];
	struct err e;

	(void)state;
	batch_init(&b, k, 0, "x");
	sim_fail_at("commit.before", NULL, 1, KAFKA_UNKNOWN);
	assert_int_equal(commit(k, &b), KAFKA_UNKNOWN);
	assert_int_equal(
	    kafka_reader_committed(reader(), 0, next, STALL_MS, &e), RETRY);
	probe_pass(10000);
	committed(0, next);
	assert_int_equal(next[LANE_JOBS], -1);
	read_all(TOPIC_RESULTS, 0, &seen);
	assert_int_equal(seen.n, 0);
	assert_int_equal(commit(k, &b), KAFKA_COMMIT_FENCED);
}

static void
a_killed_instance_does_nothing_more(void **state)
{
	struct kafka *k = join("a"), *b;
	static struct kafka_event ev;
	struct batch batch;
	struct err e;

	(void)state;
	sim_kill(k);
	kafka_poll(k, ALL_LANES, &ev, &e);
	assert_int_equal(ev.type, KAFKA_DEAD);
	batch_init(&batch, k, 0, "x");
	assert_int_equal(commit(k, &batch), KAFKA_UNKNOWN);
	assert_int_equal(kafka_lanes(k, NULL, 0, &e), STOP);
	kafka_release(k);
	b = enter("b");
	await_quiet(b, ALL_LANES);
	probe_pass(6000);
	await(b, ALL_LANES, KAFKA_GAINED);
}

static void
brokers_that_are_away(void **state)
{
	struct kafka *k = join("a");
	static struct kafka_event ev;
	struct batch b;
	int64_t next[LANE_N];
	struct err e;

	(void)state;
	reader();
	sim_brokers(SIM_DOWN);
	kafka_poll(k, ALL_LANES, &ev, &e);
	assert_int_equal(ev.type, KAFKA_TROUBLE);
	kafka_poll(k, ALL_LANES, &ev, &e);
	assert_int_equal(ev.type, KAFKA_NOTHING);
	batch_init(&b, k, 0, "x");
	assert_int_equal(commit(k, &b), KAFKA_UNKNOWN);
	assert_int_equal(
	    kafka_reader_committed(reader(), 0, next, STALL_MS, &e), RETRY);
	sim_brokers(SIM_UP);
	committed(0, next);
	assert_int_equal(next[LANE_JOBS], -1);
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
}

static void
offsets_may_be_reset_and_expire(void **state)
{
	int64_t next[LANE_N];

	(void)state;
	sim_committed_set(LANE_BULK, 1, 7);
	committed(1, next);
	assert_int_equal(next[LANE_BULK], 7);
	assert_int_equal(next[LANE_JOBS], -1);
	sim_committed_set(LANE_BULK, 1, -1);
	committed(1, next);
	assert_int_equal(next[LANE_BULK], -1);
}

static void
tombstones_go_at_last(void **state)
{
	struct seen seen;

	(void)state;
	post(TOPIC_STATE, 0, "a", "v");
	sim_post_text(TOPIC_STATE, 0, "a", NULL);
	post(TOPIC_STATE, 0, "b", "v");
	sim_compact(TOPIC_STATE, 0, BROKER_KEEP_TOMBSTONES);
	read_all(TOPIC_STATE, 0, &seen);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.offset[0], 1);
	sim_compact(TOPIC_STATE, 0, BROKER_DROP_TOMBSTONES);
	read_all(TOPIC_STATE, 0, &seen);
	assert_int_equal(seen.n, 1);
	assert_int_equal(
	    sim_read(TOPIC_STATE, 0, 0, BROKER_UNCOMMITTED, NULL, NULL), 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_fault_is_set_for_one_place),
    cmocka_unit_test(an_unknown_outcome_may_be_a_success),
    cmocka_unit_test(an_unknown_outcome_may_stay_open),
    cmocka_unit_test(a_killed_instance_does_nothing_more),
    cmocka_unit_test(brokers_that_are_away),
    cmocka_unit_test(offsets_may_be_reset_and_expire),
    cmocka_unit_test(tombstones_go_at_last),
};
const struct rules own_rules = {.tests = tests, .n = ARRAY_LEN(tests)};
