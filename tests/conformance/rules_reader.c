/* SPDX-License-Identifier: Apache-2.0 */
/* Reading back: to the true end, past what is not shown. */
#include "tests/conformance/rules.h"

static enum next
read_to(enum topic topic, int64_t from, int64_t until, struct seen *out)
{
	struct err e = {.text = ""};
	enum next next;

	out->n = 0;
	next = kafka_reader_read(
	    reader(), topic, 0, from, until, see, out, STALL_MS, &e);
	if (next != OK)
		print_message("           read: %s\n", e.text);
	return next;
}

static void
write_txn(struct probe_txn *t, enum topic topic, const char *value)
{
	probe_txn_begin(t);
	assert_int_equal(probe_txn_produce(t, topic, 0, "k", value), PROBE_OK);
}

static void
a_tail_of_markers_is_an_end(void **state)
{
	struct probe_txn *t = probe_txn_new("raw");
	struct seen seen;
	int i;

	(void)state;
	write_txn(t, TOPIC_STATE, "committed");
	assert_int_equal(probe_txn_commit(t), PROBE_OK);
	for (i = 0; i < 3; i++) {
		write_txn(t, TOPIC_STATE, "aborted");
		assert_int_equal(probe_txn_abort(t), PROBE_OK);
	}
	await_high(TOPIC_STATE, 0, 8);
	read_all(TOPIC_STATE, 0, &seen);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.offset[0], 0);
	assert_string_equal(seen.value[0], "committed");
	probe_txn_free(t);
}

static void
an_empty_log_is_read_at_once(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(high(TOPIC_SEEN, 0), 0);
	read_all(TOPIC_SEEN, 0, &seen);
	assert_int_equal(seen.n, 0);
}

static void
only_the_range_asked_for_is_shown(void **state)
{
	struct seen seen;
	int i;

	(void)state;
	for (i = 0; i < 6; i++)
		post(TOPIC_SEEN, 0, "k", "v");
	assert_int_equal(read_to(TOPIC_SEEN, 2, 4, &seen), OK);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.offset[0], 2);
	assert_int_equal(seen.offset[1], 3);
	assert_int_equal(read_to(TOPIC_SEEN, 4, 4, &seen), OK);
	assert_int_equal(seen.n, 0);
	assert_int_equal(read_to(TOPIC_SEEN, 0, 6, &seen), OK);
	assert_int_equal(seen.n, 6);
}

static bool
see_one(void *arg, const struct kafka_record *record)
{
	see(arg, record);
	return false;
}

static void
a_reader_may_stop(void **state)
{
	struct seen seen = {.n = 0};
	struct err e;

	(void)state;
	post(TOPIC_SEEN, 0, "k", "v");
	post(TOPIC_SEEN, 0, "k", "v");
	assert_int_equal(kafka_reader_read(reader(), TOPIC_SEEN, 0, 0, 2,
			     see_one, &seen, WAIT_MS, &e),
	    RETRY);
	assert_int_equal(seen.n, 1);
	read_all(TOPIC_SEEN, 0, &seen); /* and begin anew */
	assert_int_equal(seen.n, 2);
}

/* Somebody else's open transaction hides what is committed behind it: the end
 * to reach is the true one, or records would be missed. */
static void
a_foreign_open_transaction_stalls(void **state)
{
	struct probe_txn *foreign = probe_txn_new("foreign");
	struct kafka *k = join("a");
	struct seen seen;
	struct batch b;

	(void)state;
	post(TOPIC_STATE, 0, "first", "v");	 /* 0 */
	write_txn(foreign, TOPIC_STATE, "open"); /* 1 */
	batch_init(&b, k, 0, "behind");		 /* 2, pos 3, marker 4 */
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
	assert_int_equal(b.touch.pos_offset, 3);
	await_high(TOPIC_STATE, 0, 5);
	assert_int_equal(read_to(TOPIC_STATE, 0, 5, &seen), RETRY);
	assert_int_equal(seen.n, 1);
	assert_int_equal(probe_txn_abort(foreign), PROBE_OK);
	read_all(TOPIC_STATE, 0, &seen);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.key[0], "first");
	assert_string_equal(seen.key[1], "behind");
	assert_string_equal(seen.key[2], "pos");
	probe_txn_free(foreign);
}

static void
what_retention_took_is_told(void **state)
{
	struct seen seen;
	int64_t low_at, high_at;
	struct err e;
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		post(TOPIC_SEEN, 0, "k", "v");
	probe_retain(TOPIC_SEEN, 0, 3);
	assert_int_equal(read_to(TOPIC_SEEN, 1, 5, &seen), REJECT);
	assert_int_equal(seen.n, 0);
	assert_int_equal(kafka_reader_ends(reader(), TOPIC_SEEN, 0, &low_at,
			     &high_at, WAIT_MS, &e),
	    OK);
	assert_int_equal(low_at, 3);
	assert_int_equal(high_at, 5);
	assert_int_equal(read_to(TOPIC_SEEN, low_at, 5, &seen), OK);
	assert_int_equal(seen.n, 2);
}

static bool
each_key_once(const struct seen *seen)
{
	size_t i, j;

	for (i = 0; i < seen->n; i++) {
		for (j = 0; j < i; j++) {
			if (strcmp(seen->key[i], seen->key[j]) == 0)
				return false;
		}
	}
	return true;
}

static void
a_compacted_log_is_read_past_its_gaps(void **state)
{
	struct probe_txn *t = probe_txn_new("raw");
	struct seen seen;
	int64_t end, waited = 0;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		post(TOPIC_STATE, 0, "a", "old");
		post(TOPIC_STATE, 0, "b", "old");
	}
	write_txn(t, TOPIC_STATE, "aborted");
	assert_int_equal(probe_txn_abort(t), PROBE_OK);
	post(TOPIC_STATE, 0, "b", "new");
	post(TOPIC_STATE, 0, "a", "new");
	probe_compact(TOPIC_STATE, 0);
	end = 13;
	await_high(TOPIC_STATE, 0, end);
	do {
		read_all(TOPIC_STATE, 0, &seen);
		probe_pass(500);
		waited += 500;
	} while (!each_key_once(&seen) && waited < 2 * WAIT_MS);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.value[0], "new");
	assert_string_equal(seen.key[0], "b");
	assert_true(seen.offset[0] >= 9); /* the marker is 9, or soon */
	assert_string_equal(seen.key[1], "a");
	assert_string_equal(seen.key[2], "roll");
	/* a position in a gap is on the log */
	assert_int_equal(read_to(TOPIC_STATE, 3, end, &seen), OK);
	assert_int_equal(seen.n, 3);
	probe_txn_free(t);
}

static void
offsets_that_never_were_are_none(void **state)
{
	int64_t next[LANE_N] = {7, 7, 7};

	(void)state;
	committed(1, next);
	assert_int_equal(next[LANE_JOBS], -1);
	assert_int_equal(next[LANE_BULK], -1);
	assert_int_equal(next[LANE_CONTROL], -1);
}

/* One offset of one lane in an open transaction blocks the fetch of all. */
static void
a_stable_fetch_waits_for_an_open_transaction(void **state)
{
	struct kafka *k = join("a");
	struct probe_txn *t = probe_txn_new("raw");
	struct probe_group *g = probe_group_of(k);
	int64_t next[LANE_N];
	struct err e;

	(void)state;
	probe_txn_begin(t);
	assert_int_equal(probe_txn_offset(t, g, LANE_BULK, 0, 5), PROBE_OK);
	assert_int_equal(
	    kafka_reader_committed(reader(), 0, next, STALL_MS, &e), RETRY);
	committed(1, next); /* of another partition */
	assert_int_equal(probe_txn_abort(t), PROBE_OK);
	committed(0, next);
	assert_int_equal(next[LANE_BULK], -1);
	probe_txn_begin(t);
	assert_int_equal(probe_txn_offset(t, g, LANE_BULK, 0, 5), PROBE_OK);
	assert_int_equal(probe_txn_commit(t), PROBE_OK);
	committed(0, next);
	assert_int_equal(next[LANE_BULK], 5);
	assert_int_equal(next[LANE_JOBS], -1);
	probe_group_free(g);
	probe_txn_free(t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_tail_of_markers_is_an_end),
    cmocka_unit_test(an_empty_log_is_read_at_once),
    cmocka_unit_test(only_the_range_asked_for_is_shown),
    cmocka_unit_test(a_reader_may_stop),
    cmocka_unit_test(a_foreign_open_transaction_stalls),
    cmocka_unit_test(what_retention_took_is_told),
    cmocka_unit_test(a_compacted_log_is_read_past_its_gaps),
    cmocka_unit_test(offsets_that_never_were_are_none),
    cmocka_unit_test(a_stable_fetch_waits_for_an_open_transaction),
};
const struct rules reader_rules = {.tests = tests, .n = ARRAY_LEN(tests)};
