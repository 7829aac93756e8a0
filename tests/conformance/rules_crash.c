/* SPDX-License-Identifier: Apache-2.0 */
/* Death and standstill in the middle of a commit, as the successor sees it: a
 * batch is there with its positions, or nothing of it is. */
#include "tests/conformance/rules.h"

static void
has_batch(const char *place, bool whole)
{
	struct seen results, records;
	int64_t next[LANE_N];

	committed(0, next);
	read_all(TOPIC_RESULTS, 0, &results);
	read_all(TOPIC_STATE, 0, &records);
	print_message("           %s: results %zu, state %zu, jobs at %lld\n",
	    place, results.n, records.n, (long long)next[LANE_JOBS]);
	assert_int_equal(results.n, whole ? 1 : 0);
	assert_int_equal(records.n, whole ? 2 : 0); /* with `pos` */
	assert_int_equal(next[LANE_JOBS], whole ? 1 : -1);
	assert_int_equal(next[LANE_BULK], whole ? 2 : -1);
	assert_int_equal(next[LANE_CONTROL], whole ? 3 : -1);
}

static void
killed_at(const char *place, bool whole)
{
	struct batch b;
	struct kafka *k;

	probe_killed_at("a", place);
	k = join("a"); /* at once, and ends what was left open */
	has_batch(place, whole);
	batch_init(&b, k, 0, "next");
	b.touch.next[LANE_JOBS] = 9;
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
}

static void
killed_before_anything_is_out(void **state)
{
	(void)state;
	killed_at("commit.begun", false);
}

static void
killed_with_records_out(void **state)
{
	(void)state;
	killed_at("commit.produced", false);
}

static void
killed_with_offsets_out(void **state)
{
	(void)state;
	killed_at("commit.offsets_sent", false);
}

static void
killed_before_the_end(void **state)
{
	(void)state;
	killed_at("commit.before", false);
}

static void
killed_behind_the_end(void **state)
{
	(void)state;
	killed_at("commit.after", true);
}

/* --- stopped, and replaced meanwhile --- */

static void
the_same_slot_takes_over(void)
{
	struct batch b;
	struct kafka *k = join("a");

	has_batch("meanwhile", false);
	batch_init(&b, k, 0, "live");
	b.touch.next[LANE_JOBS] = 9;
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
}

static void
only_the_live_one_was_written(void)
{
	struct seen seen;
	int64_t next[LANE_N];

	read_all(TOPIC_RESULTS, 0, &seen);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.value[0], "live");
	committed(0, next);
	assert_int_equal(next[LANE_JOBS], 9);
}

static void
stopped_at_then_replaced(const char *place)
{
	enum kafka_commit_result result =
	    probe_stopped_at("a", place, the_same_slot_takes_over);

	assert_int_equal(result, KAFKA_COMMIT_FENCED);
	only_the_live_one_was_written();
}

static void
a_zombie_before_its_records(void **state)
{
	(void)state;
	stopped_at_then_replaced("commit.captured");
}

static void
a_zombie_before_its_offsets(void **state)
{
	(void)state;
	stopped_at_then_replaced("commit.produced");
}

static void
a_zombie_before_its_end(void **state)
{
	(void)state;
	stopped_at_then_replaced("commit.before");
}

/* Another slot takes the partitions when the session is over. */
static struct kafka *
another_slot(void)
{
	struct kafka *b = enter("b");
	struct err e;

	await(b, 0, KAFKA_GAINED); /* > session_ms */
	while (kafka_fence(b, &e) == RETRY)
		;
	return b;
}

static void
another_slot_takes_over(void)
{
	struct batch batch;
	struct kafka *b = another_slot();

	has_batch("meanwhile", false);
	batch_init(&batch, b, 0, "live");
	batch.touch.next[LANE_JOBS] = 9;
	assert_int_equal(commit(b, &batch), KAFKA_COMMITTED);
}

static void
a_zombie_that_lost_its_membership(void **state)
{
	enum kafka_commit_result result =
	    probe_stopped_at("a", "commit.captured", another_slot_takes_over);

	(void)state;
	assert_int_equal(result, KAFKA_ABORTED);
	only_the_live_one_was_written();
}

static void
another_slot_must_wait(void)
{
	int64_t next[LANE_N];
	struct err e;

	another_slot();
	assert_int_equal(
	    kafka_reader_committed(reader(), 0, next, STALL_MS, &e), RETRY);
}

/* Offsets that were in before may still commit: the successor's stable fetch
 * waits until it is known. */
static void
a_zombie_whose_offsets_are_in(void **state)
{
	enum kafka_commit_result result = probe_stopped_at(
	    "a", "commit.offsets_sent", another_slot_must_wait);

	(void)state;
	assert_true(result == KAFKA_COMMITTED || result == KAFKA_UNKNOWN);
	has_batch("afterwards", result == KAFKA_COMMITTED);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(killed_before_anything_is_out),
    cmocka_unit_test(killed_with_records_out),
    cmocka_unit_test(killed_with_offsets_out),
    cmocka_unit_test(killed_before_the_end),
    cmocka_unit_test(killed_behind_the_end),
    cmocka_unit_test(a_zombie_before_its_records),
    cmocka_unit_test(a_zombie_before_its_offsets),
    cmocka_unit_test(a_zombie_before_its_end),
    cmocka_unit_test(a_zombie_that_lost_its_membership),
    cmocka_unit_test(a_zombie_whose_offsets_are_in),
};
const struct rules crash_rules = {.tests = tests, .n = ARRAY_LEN(tests)};
