/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: order, positions, the mask, what is not on the log. */
#include "tests/conformance/rules.h"

#include <poll.h>
#include <unistd.h>

static void
post_n(enum topic topic, int32_t partition, int n)
{
	int i;

	for (i = 0; i < n; i++)
		post(topic, partition, "k", "v");
}

static void
records_come_in_order_from_the_position(void **state)
{
	struct kafka *k = join("a");

	(void)state;
	post_n(TOPIC_JOBS, 0, 5);
	open_lane(k, LANE_JOBS, 0, 2);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 2);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 3);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 4);
	await_quiet(k, ALL_LANES);
	/* back again: any position, again and again */
	open_lane(k, LANE_JOBS, 0, 1);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 1);
	open_lane(k, LANE_JOBS, 0, 4);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 4);
	await_quiet(k, ALL_LANES);
	post_n(TOPIC_JOBS, 0, 1);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 5);
}

static void
nothing_comes_before_a_lane_is_open(void **state)
{
	struct kafka *k = join("a");

	(void)state;
	post_n(TOPIC_JOBS, 0, 1);
	await_quiet(k, ALL_LANES);
	open_lane(k, LANE_BULK, 0, 0);
	await_quiet(k, ALL_LANES);
}

static void
all_of_a_record_is_told(void **state)
{
	static const struct kafka_header headers[] = {
	    {.name = "full", .value = (const uint8_t *)"a\0b", .len = 3},
	    {.name = "empty", .value = (const uint8_t *)"", .len = 0},
	    {.name = "null"},
	};
	struct kafka *k = join("a");
	struct kafka_event *ev;

	(void)state;
	probe_post(&(struct kafka_out){.topic = TOPIC_JOBS,
	    .partition = 1,
	    .value = "x\0y",
	    .value_len = 3,
	    .headers = headers,
	    .headers_n = ARRAY_LEN(headers)});
	probe_post(&(struct kafka_out){
	    .topic = TOPIC_JOBS, .partition = 1, .key = "", .value = NULL});
	open_lane(k, LANE_JOBS, 1, 0);
	ev = await(k, ALL_LANES, KAFKA_RECORD);
	assert_null(ev->key);
	assert_int_equal(ev->value_len, 3);
	assert_memory_equal(ev->value, "x\0y", 3);
	assert_int_equal(ev->headers_n, 3);
	assert_string_equal(ev->headers[0].name, "full");
	assert_memory_equal(ev->headers[0].value, "a\0b", 3);
	assert_int_equal(ev->headers[1].len, 0);
	assert_non_null(ev->headers[1].value);
	assert_null(ev->headers[2].value);
	assert_true(ev->append_at > 1700000000000);
	ev = await(k, ALL_LANES, KAFKA_RECORD);
	assert_non_null(ev->key);
	assert_int_equal(ev->key_len, 0);
	assert_null(ev->value);
	assert_int_equal(ev->headers_n, 0);
}

static void
open_all(struct kafka *k, int32_t partition, int64_t jobs, int64_t bulk)
{
	const struct kafka_lane_at at[] = {
	    {.lane = LANE_JOBS, .partition = partition, .next = jobs},
	    {.lane = LANE_BULK, .partition = partition, .next = bulk},
	    {.lane = LANE_CONTROL, .partition = partition, .next = 0},
	};
	struct err e;

	assert_int_equal(kafka_lanes(k, at, ARRAY_LEN(at), &e), OK);
}

static void
only_lanes_that_are_wanted_are_told(void **state)
{
	struct kafka *k = join("a");

	(void)state;
	post_n(TOPIC_BULK, 0, 3);
	open_all(k, 0, 0, 0);
	await_quiet(k, JOBS_ONLY);
	post_n(TOPIC_JOBS, 0, 2);
	await_record(k, JOBS_ONLY, LANE_JOBS, 0, 0);
	await_record(k, 1U << LANE_BULK, LANE_BULK, 0, 0);
	await_record(k, JOBS_ONLY, LANE_JOBS, 0, 1);
	await_quiet(k, JOBS_ONLY);
	await_quiet(k, 0);
	await_record(k, ALL_LANES, LANE_BULK, 0, 1);
	await_record(k, ALL_LANES, LANE_BULK, 0, 2);
	post_n(TOPIC_CONTROL, 0, 1);
	await_record(k, ALL_LANES, LANE_CONTROL, 0, 0);
	await_quiet(k, ALL_LANES);
}

static void
opening_more_lanes_repeats_and_loses_nothing(void **state)
{
	struct kafka *k = join("a");

	(void)state;
	post_n(TOPIC_JOBS, 0, 4);
	post_n(TOPIC_BULK, 0, 2);
	open_lane(k, LANE_JOBS, 0, 0);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 0);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 1);
	open_all(k, 0, 2, 1);
	await_record(k, JOBS_ONLY, LANE_JOBS, 0, 2);
	await_record(k, JOBS_ONLY, LANE_JOBS, 0, 3);
	await_record(k, ALL_LANES, LANE_BULK, 0, 1);
	await_quiet(k, ALL_LANES);
	assert_int_equal(
	    kafka_lanes(k, NULL, 0, &(struct err){.text = ""}), OK);
	post_n(TOPIC_JOBS, 0, 1);
	await_quiet(k, ALL_LANES);
	open_lane(k, LANE_JOBS, 0, 4);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 4);
}

static void
lanes_may_change_in_quick_succession(void **state)
{
	struct kafka_lane_at at[2 * LANE_N];
	static struct kafka_event ev;
	struct kafka *k = join("a");
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(at); i++)
		at[i] = (struct kafka_lane_at){.lane = (enum lane)(i % LANE_N),
		    .partition = (int32_t)(i / LANE_N)};
	for (i = 0; i < 1000; i++) {
		assert_int_equal(
		    kafka_lanes(k, at, LANE_N * (1 + i % 2), &e), OK);
		if (i % 8 == 7)
			poll(NULL, 0, 1); /* now and then it comes to fetch */
		kafka_poll(k, ALL_LANES, &ev, &e);
		assert_int_equal(ev.type, KAFKA_NOTHING);
	}
	post_n(TOPIC_JOBS, 1, 1);
	await_record(k, ALL_LANES, LANE_JOBS, 1, 0);
}

static void
no_partition_waits_for_another(void **state)
{
	const struct kafka_lane_at at[] = {
	    {.lane = LANE_JOBS, .partition = 0, .next = 0},
	    {.lane = LANE_JOBS, .partition = 1, .next = 0},
	};
	struct kafka *k = join("a");
	int64_t next[PARTITIONS] = {0};
	struct kafka_event *ev;
	struct err e;
	int i;

	(void)state;
	post_n(TOPIC_JOBS, 0, 200);
	post_n(TOPIC_JOBS, 1, 3);
	assert_int_equal(kafka_lanes(k, at, ARRAY_LEN(at), &e), OK);
	probe_pass(QUIET_MS); /* both are there */
	for (i = 0; i < 203; i++) {
		ev = await(k, ALL_LANES, KAFKA_RECORD);
		assert_int_equal(ev->offset, next[ev->partition]++);
		assert_true(i < 150 || next[1] == 3);
	}
	await_quiet(k, ALL_LANES);
}

static bool
woken(const struct kafka *k, int64_t limit_ms)
{
	struct pollfd fd = {.fd = wake_fd_of(k), .events = POLLIN};
	uint64_t n;
	int64_t waited;

	for (waited = 0; waited < limit_ms; waited += 10) {
		if (poll(&fd, 1, 0) == 1)
			return read(fd.fd, &n, sizeof(n)) == sizeof(n);
		probe_pass(10);
	}
	return false;
}

static void
a_drained_poll_is_woken(void **state)
{
	struct kafka *k = join("a");

	(void)state;
	open_lane(k, LANE_BULK, 0, 0);
	await_quiet(k, ALL_LANES);
	while (woken(k, 10))
		await_quiet(k, ALL_LANES);
	post_n(TOPIC_BULK, 0, 2);
	assert_true(woken(k, WAIT_MS));
	await_record(k, ALL_LANES, LANE_BULK, 0, 0);
	await_record(k, ALL_LANES, LANE_BULK, 0, 1);
	await_quiet(k, ALL_LANES);
	post_n(TOPIC_BULK, 0, 1);
	assert_true(woken(k, WAIT_MS));
}

static void
a_position_off_the_log_is_told(void **state)
{
	struct kafka *k = join("a");
	struct kafka_event *ev;

	(void)state;
	post_n(TOPIC_JOBS, 0, 5);
	probe_retain(TOPIC_JOBS, 0, 3);
	open_lane(k, LANE_JOBS, 0, 1);
	ev = await(k, ALL_LANES, KAFKA_OFF_LOG);
	assert_int_equal(ev->lane, LANE_JOBS);
	assert_int_equal(ev->partition, 0);
	assert_int_equal(ev->offset, 1);
	await_quiet(k, ALL_LANES);
	open_lane(k, LANE_JOBS, 0, 50);
	ev = await(k, ALL_LANES, KAFKA_OFF_LOG);
	assert_int_equal(ev->offset, 50);
	open_lane(k, LANE_JOBS, 0, 3);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 3);
}

static void
an_open_transaction_holds_a_lane_back(void **state)
{
	struct kafka *k = join("a");
	struct probe_txn *t = probe_txn_new("foreign");

	(void)state;
	open_lane(k, LANE_JOBS, 0, 0);
	probe_txn_begin(t);
	assert_int_equal(
	    probe_txn_produce(t, TOPIC_JOBS, 0, "k", "aborted"), PROBE_OK);
	post_n(TOPIC_JOBS, 0, 1); /* offset 1 */
	await_quiet(k, ALL_LANES);
	assert_int_equal(probe_txn_abort(t), PROBE_OK); /* marker: 2 */
	await_record(k, ALL_LANES, LANE_JOBS, 0, 1);
	probe_txn_begin(t);
	assert_int_equal(
	    probe_txn_produce(t, TOPIC_JOBS, 0, "k", "committed"), PROBE_OK);
	await_quiet(k, ALL_LANES);
	assert_int_equal(probe_txn_commit(t), PROBE_OK); /* marker: 4 */
	await_record(k, ALL_LANES, LANE_JOBS, 0, 3);
	post_n(TOPIC_JOBS, 0, 1);
	await_record(k, ALL_LANES, LANE_JOBS, 0, 5);
	probe_txn_free(t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(records_come_in_order_from_the_position),
    cmocka_unit_test(nothing_comes_before_a_lane_is_open),
    cmocka_unit_test(all_of_a_record_is_told),
    cmocka_unit_test(only_lanes_that_are_wanted_are_told),
    cmocka_unit_test(opening_more_lanes_repeats_and_loses_nothing),
    cmocka_unit_test(lanes_may_change_in_quick_succession),
    cmocka_unit_test(no_partition_waits_for_another),
    cmocka_unit_test(a_drained_poll_is_woken),
    cmocka_unit_test(a_position_off_the_log_is_told),
    cmocka_unit_test(an_open_transaction_holds_a_lane_back),
};
const struct rules lane_rules = {.tests = tests, .n = ARRAY_LEN(tests)};
