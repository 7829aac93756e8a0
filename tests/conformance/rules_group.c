/* SPDX-License-Identifier: Apache-2.0 */
/* The group: gained and lost, who is let in, who is refused at the door. */
#include "tests/conformance/rules.h"

static void
the_first_member_gains_all(void **state)
{
	struct kafka *k = enter("a");
	struct kafka_event *ev;

	(void)state;
	assert_int_equal(kafka_partitions(k), PARTITIONS);
	assert_int_equal(kafka_epoch(k, 0), 0);
	ev = await(k, ALL_LANES, KAFKA_GAINED);
	assert_int_equal(ev->partitions_n, PARTITIONS);
	assert_true(owns(ev, 0) && owns(ev, 1));
	assert_int_equal(kafka_epoch(k, 0), 1);
	await_quiet(k, ALL_LANES);
}

static void
lost_waits_for_release(void **state)
{
	struct kafka *a = join("a"), *b;
	struct kafka_event *ev;
	uint64_t epoch;
	struct err e;

	(void)state;
	post(TOPIC_JOBS, 0, "k", "v");
	open_lane(a, LANE_JOBS, 0, 0);
	b = enter("b");
	/* until it is told, a may go on; then it is given nothing more */
	ev = await(a, 0, KAFKA_LOST);
	assert_int_equal(ev->partitions_n, PARTITIONS);
	assert_true(owns(ev, 0) && owns(ev, 1));
	await_quiet(a, ALL_LANES);
	await_quiet(b, ALL_LANES);
	assert_int_equal(kafka_lanes(a,
			     &(struct kafka_lane_at){
				 .lane = LANE_JOBS, .partition = 0, .next = 0},
			     1, &e),
	    RETRY);
	await_quiet(b, ALL_LANES);
	epoch = kafka_epoch(a, 1);
	kafka_release(a);
	assert_true(kafka_epoch(a, 1) > epoch);
	ev = await(a, ALL_LANES, KAFKA_GAINED);
	assert_int_equal(ev->partitions_n, 1);
	assert_true(owns(ev, 0));
	ev = await(b, ALL_LANES, KAFKA_GAINED);
	assert_int_equal(ev->partitions_n, 1);
	assert_true(owns(ev, 1));
	open_lane(a, LANE_JOBS, 0, 0);
	await_record(a, ALL_LANES, LANE_JOBS, 0, 0);
}

/* Lanes are opened while the group waits for us already, and we do not know. */
static void
lanes_may_be_opened_before_lost_is_told(void **state)
{
	struct kafka *a = join("a"), *b = enter("b");

	(void)state;
	post(TOPIC_JOBS, 0, "k", "v");
	probe_pass(2500); /* a heartbeat told the library */
	open_lane(a, LANE_JOBS, 0, 0);
	await_quiet(b, ALL_LANES);
	await(a, ALL_LANES, KAFKA_LOST);
	await_quiet(a, ALL_LANES);
	await_quiet(b, ALL_LANES);
	kafka_release(a);
	await(a, ALL_LANES, KAFKA_GAINED);
	await(b, ALL_LANES, KAFKA_GAINED);
}

/* A static member does not leave: its partitions move when its session ends. */
static void
partitions_of_a_member_that_is_gone_move(void **state)
{
	struct kafka *a = join("a"), *b = enter("b");
	struct kafka_event *ev;

	(void)state;
	await(a, ALL_LANES, KAFKA_LOST);
	kafka_release(a);
	await(a, ALL_LANES, KAFKA_GAINED);
	await(b, ALL_LANES, KAFKA_GAINED);
	leave(a);
	await_quiet(b, ALL_LANES);
	await(b, ALL_LANES, KAFKA_LOST);
	kafka_release(b);
	ev = await(b, ALL_LANES, KAFKA_GAINED);
	assert_int_equal(ev->partitions_n, PARTITIONS);
}

static void
a_member_that_comes_back_takes_its_place(void **state)
{
	struct kafka *a = join("a"), *b = enter("b");
	struct kafka_event *ev;

	(void)state;
	await(a, ALL_LANES, KAFKA_LOST);
	kafka_release(a);
	await(a, ALL_LANES, KAFKA_GAINED);
	await(b, ALL_LANES, KAFKA_GAINED);
	leave(b);
	b = enter("b");
	ev = await(b, ALL_LANES, KAFKA_GAINED);
	assert_int_equal(ev->partitions_n, 1);
	assert_true(owns(ev, 1));
	await_quiet(a, ALL_LANES);
}

static void
more_members_than_partitions(void **state)
{
	struct kafka *a = join("a"), *b = enter("b"), *c;
	struct kafka_event *ev;
	size_t n = 0;

	(void)state;
	await(a, ALL_LANES, KAFKA_LOST);
	kafka_release(a);
	await(a, ALL_LANES, KAFKA_GAINED);
	await(b, ALL_LANES, KAFKA_GAINED);
	c = enter("c");
	await(a, ALL_LANES, KAFKA_LOST);
	await(b, ALL_LANES, KAFKA_LOST);
	kafka_release(a);
	kafka_release(b);
	ev = await(a, ALL_LANES, KAFKA_GAINED);
	n += ev->partitions_n;
	ev = await(b, ALL_LANES, KAFKA_GAINED);
	n += ev->partitions_n;
	ev = await(c, ALL_LANES, KAFKA_GAINED);
	n += ev->partitions_n;
	assert_int_equal(n, PARTITIONS);
	assert_int_equal(ev->partitions_n, 0);
}

/* A second twin, while the first lives: FENCED_INSTANCE_ID. */
static void
the_same_instance_id_fences_the_older(void **state)
{
	struct kafka *a = join("a"), *twin = enter("a");
	struct kafka_event *ev = await(twin, ALL_LANES, KAFKA_GAINED);

	(void)state;
	assert_int_equal(ev->partitions_n, PARTITIONS);
	await(a, ALL_LANES, KAFKA_FENCED);
	await(a, ALL_LANES, KAFKA_FENCED); /* said as often as it is asked */
	await_quiet(twin, ALL_LANES);
}

static void
opens_wrong(enum probe_fault fault)
{
	struct kafka *k;
	struct kafka_conf conf;
	struct err e;

	probe_end();
	probe_begin_wrong(fault);
	conf = probe_conf("a");
	assert_int_equal(kafka_open(&k, &conf, -1, &e), STOP);
	assert_null(k);
	print_message("           open: %s\n", e.text);
	assert_non_null(strstr(e.text, "run: domainproof topics"));
}

static void
a_missing_topic_stops(void **state)
{
	(void)state;
	opens_wrong(PROBE_NO_TOPIC);
}

static void
the_time_of_clients_stops(void **state)
{
	(void)state;
	opens_wrong(PROBE_CREATE_TIME);
}

static void
different_partition_counts_stop(void **state)
{
	(void)state;
	opens_wrong(PROBE_PARTITIONS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_member_gains_all),
    cmocka_unit_test(lost_waits_for_release),
    cmocka_unit_test(lanes_may_be_opened_before_lost_is_told),
    cmocka_unit_test(partitions_of_a_member_that_is_gone_move),
    cmocka_unit_test(a_member_that_comes_back_takes_its_place),
    cmocka_unit_test(more_members_than_partitions),
    cmocka_unit_test(the_same_instance_id_fences_the_older),
    cmocka_unit_test(a_missing_topic_stops),
    cmocka_unit_test(the_time_of_clients_stops),
    cmocka_unit_test(different_partition_counts_stop),
};
const struct rules group_rules = {.tests = tests, .n = ARRAY_LEN(tests)};
