/* SPDX-License-Identifier: Apache-2.0 */
/* Commit: all of a batch or nothing, and never by a stale owner. */
#include "tests/conformance/rules.h"

#include "core/mem.h"

static void
a_batch_is_written_and_told(void **state)
{
	struct kafka *k = join("a");
	struct seen results, records;
	struct batch b;
	int64_t next[LANE_N];

	(void)state;
	batch_init(&b, k, 1, "one");
	b.touch.pos_offset = -1;
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
	assert_int_equal(b.touch.pos_offset, 1);
	assert_true(b.b.append_at > 1700000000000);

	read_all(TOPIC_RESULTS, 1, &results);
	assert_int_equal(results.n, 1);
	assert_string_equal(results.value[0], "one");
	read_all(TOPIC_STATE, 1, &records);
	assert_int_equal(records.n, 2);
	assert_string_equal(records.key[0], "one");
	assert_string_equal(records.key[1], "pos"); /* last */
	committed(1, next);
	assert_int_equal(next[LANE_JOBS], 1);
	assert_int_equal(next[LANE_BULK], 2);
	assert_int_equal(next[LANE_CONTROL], 3);
	committed(0, next);
	assert_int_equal(next[LANE_JOBS], -1);
}

static bool
see_pos(void *arg, const struct kafka_record *record)
{
	struct record_pos *pos = arg;
	struct err e;

	assert_int_equal(record->key_len, 3);
	assert_int_equal(
	    record_get_pos(pos, record->value, record->value_len, &e), OK);
	return true;
}

static void
pos_says_partitions_and_positions(void **state)
{
	struct kafka *k = join("a");
	struct record_pos pos = {.partitions = 0};
	struct batch b;
	struct err e;

	(void)state;
	batch_init(&b, k, 0, "one");
	b.b.out_n = 0;
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
	assert_int_equal(kafka_reader_read(reader(), TOPIC_STATE, 0, 0,
			     high(TOPIC_STATE, 0), see_pos, &pos, WAIT_MS, &e),
	    OK);
	assert_int_equal(pos.partitions, PARTITIONS);
	assert_int_equal(pos.next[LANE_JOBS], 1);
	assert_int_equal(pos.next[LANE_BULK], 2);
	assert_int_equal(pos.next[LANE_CONTROL], 3);
}

static void
several_partitions_in_one_batch(void **state)
{
	struct kafka *k = join("a");
	struct kafka_touch touched[PARTITIONS];
	struct kafka_batch b = {.touched_n = PARTITIONS, .touched = touched};
	struct seen seen;
	int64_t next[LANE_N];
	struct err e;
	int32_t p;

	(void)state;
	for (p = 0; p < PARTITIONS; p++) {
		touched[p] = (struct kafka_touch){.partition = p,
		    .epoch = kafka_epoch(k, p),
		    .next = {7 + p, 0, 0},
		    .pos_offset = -1};
	}
	post(TOPIC_STATE, 1, "k", "v");
	assert_int_equal(kafka_commit(k, &b, &e), KAFKA_COMMITTED);
	assert_int_equal(touched[0].pos_offset, 0);
	assert_int_equal(touched[1].pos_offset, 1);
	for (p = 0; p < PARTITIONS; p++) {
		committed(p, next);
		assert_int_equal(next[LANE_JOBS], 7 + p);
		assert_int_equal(next[LANE_BULK], 0);
	}
	read_all(TOPIC_STATE, 1, &seen);
	assert_int_equal(seen.n, 2);
}

static void
all_kinds_of_records_are_written(void **state)
{
	static const struct kafka_header header = {
	    .name = "h", .value = (const uint8_t *)"1", .len = 1};
	const struct kafka_out out[] = {
	    {.topic = TOPIC_JOBS,
		.key = "k",
		.key_len = 1,
		.value = "v",
		.value_len = 1,
		.headers = &header,
		.headers_n = 1},
	    {.topic = TOPIC_JOBS, .key = "gone", .key_len = 4},
	    {.topic = TOPIC_JOBS, .value = "", .value_len = 0},
	};
	struct kafka *k = join("a");
	struct kafka_event *ev;
	struct batch b;

	(void)state;
	batch_init(&b, k, 0, "one");
	b.b.out = out;
	b.b.out_n = ARRAY_LEN(out);
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
	open_lane(k, LANE_JOBS, 0, 0);
	ev = await(k, ALL_LANES, KAFKA_RECORD);
	assert_int_equal(ev->headers_n, 1);
	assert_memory_equal(ev->headers[0].value, "1", 1);
	assert_memory_equal(ev->value, "v", 1);
	ev = await(k, ALL_LANES, KAFKA_RECORD);
	assert_memory_equal(ev->key, "gone", 4);
	assert_null(ev->value);
	ev = await(k, ALL_LANES, KAFKA_RECORD);
	assert_null(ev->key);
	assert_non_null(ev->value);
	assert_int_equal(ev->value_len, 0);
}

/* More than the library's queue takes at once. */
static void
a_large_batch(void **state)
{
	enum { N = 120000 };
	struct kafka *k = join("a");
	struct kafka_out *out = mem_alloc(N * sizeof(*out));
	struct batch b;
	size_t i;

	(void)state;
	assert_non_null(out);
	for (i = 0; i < N; i++) {
		out[i] = (struct kafka_out){.topic = TOPIC_EVENTS,
		    .partition = (int32_t)(i % PARTITIONS),
		    .key = "key",
		    .key_len = 3,
		    .value = "value",
		    .value_len = 5};
	}
	batch_init(&b, k, 0, "one");
	b.b.out = out;
	b.b.out_n = N;
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
	await_high(TOPIC_EVENTS, 0, N / 2 + 1);
	await_high(TOPIC_EVENTS, 1, N / 2 + 1);
	mem_free(out);
}

/* Nothing of its batch is written, and the slot goes on: the next one may be
 * aborted too, while the library gets a new epoch. */
static void
a_record_too_large_aborts(void **state)
{
	enum { OCTETS = 1500000 };
	struct kafka *k = join("a");
	enum kafka_commit_result result = KAFKA_ABORTED;
	char *value = mem_alloc(OCTETS);
	struct seen seen;
	struct batch b;
	int tries;

	(void)state;
	assert_non_null(value);
	batch_init(&b, k, 0, "large");
	b.out[1].value = value;
	b.out[1].value_len = OCTETS;
	assert_int_equal(commit(k, &b), KAFKA_ABORTED);
	mem_free(value);
	for (tries = 0; tries < 100 && result == KAFKA_ABORTED; tries++) {
		batch_init(&b, k, 0, "small");
		result = commit(k, &b);
		probe_pass(100);
	}
	assert_int_equal(result, KAFKA_COMMITTED);
	read_all(TOPIC_RESULTS, 0, &seen);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.value[0], "small");
}

static void
sees_nothing(int32_t partition)
{
	struct seen seen;
	int64_t next[LANE_N];

	read_all(TOPIC_RESULTS, partition, &seen);
	assert_int_equal(seen.n, 0);
	read_all(TOPIC_STATE, partition, &seen);
	assert_int_equal(seen.n, 0);
	committed(partition, next);
	assert_int_equal(next[LANE_JOBS], -1);
}

static void
a_moved_epoch_aborts(void **state)
{
	struct kafka *k = join("a");
	struct seen seen;
	struct batch b;

	(void)state;
	batch_init(&b, k, 0, "stale");
	b.touch.epoch--;
	assert_int_equal(commit(k, &b), KAFKA_ABORTED);
	sees_nothing(0);
	batch_init(&b, k, 0, "right");
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
	read_all(TOPIC_RESULTS, 0, &seen);
	assert_int_equal(seen.n, 1);
}

/* Generation -1, no member: a transaction that says so is let through by the
 * broker... */
static void
no_generation_is_accepted_by_the_broker(void **state)
{
	struct probe_txn *t = probe_txn_new("raw");
	struct probe_group *none = probe_group_none();
	int64_t next[LANE_N];

	(void)state;
	join("a");
	probe_txn_begin(t);
	assert_int_equal(probe_txn_offset(t, none, LANE_JOBS, 0, 42), PROBE_OK);
	assert_int_equal(probe_txn_commit(t), PROBE_OK);
	committed(0, next);
	assert_int_equal(next[LANE_JOBS], 42);
	probe_group_free(none);
	probe_txn_free(t);
}

/* ... so ours is refused by ourselves. b waits for a to give up its partitions
 * and is no member yet. */
static void
no_generation_is_refused_by_us(void **state)
{
	struct kafka *b;
	struct batch batch;
	struct err e;

	(void)state;
	join("a");
	b = enter("b");
	while (kafka_fence(b, &e) == RETRY)
		;
	batch_init(&batch, b, 0, "stale");
	assert_int_equal(commit(b, &batch), KAFKA_ABORTED);
	sees_nothing(0);
}

/* --- the stale owner that is still a member --- */

static struct kafka *the_a, *the_b;

/* b comes and takes partition 1 from a. */
static void
b_takes_1(void)
{
	struct kafka_event *ev;

	the_b = enter("b");
	await(the_a, 0, KAFKA_LOST);
	kafka_release(the_a);
	ev = await(the_a, 0, KAFKA_GAINED);
	assert_true(owns(ev, 0) && !owns(ev, 1));
	ev = await(the_b, 0, KAFKA_GAINED);
	assert_true(owns(ev, 1));
}

static void
metadata_read_late_is_accepted_by_the_broker(void **state)
{
	struct probe_group *early, *late;
	struct probe_txn *t = probe_txn_new("raw");
	int64_t next[LANE_N];

	(void)state;
	the_a = join("a");
	early = probe_group_of(the_a);
	probe_txn_begin(t);
	assert_int_equal(
	    probe_txn_produce(t, TOPIC_STATE, 1, "k", "stale"), PROBE_OK);
	b_takes_1();
	late = probe_group_of(the_a);
	/* not a's any more; accepted all the same */
	assert_int_equal(probe_txn_offset(t, late, LANE_JOBS, 1, 42), PROBE_OK);
	assert_int_equal(probe_txn_commit(t), PROBE_OK);
	committed(1, next);
	assert_int_equal(next[LANE_JOBS], 42);

	probe_txn_begin(t);
	assert_int_equal(
	    probe_txn_offset(t, early, LANE_JOBS, 1, 43), PROBE_REFUSED);
	assert_int_equal(probe_txn_abort(t), PROBE_OK);
	committed(1, next);
	assert_int_equal(next[LANE_JOBS], 42);
	probe_group_free(early);
	probe_group_free(late);
	probe_txn_free(t);
}

static const char *place;

static void
b_takes_1_at_the_place(const char *name, const char *detail)
{
	(void)detail;
	if (strcmp(name, place) != 0)
		return;
	probe_at = NULL;
	b_takes_1();
}

static void
is_refused_when_b_comes_at(const char *name)
{
	struct batch batch;

	the_a = join("a");
	batch_init(&batch, the_a, 1, "stale");
	place = name;
	probe_at = b_takes_1_at_the_place;
	assert_int_equal(commit(the_a, &batch), KAFKA_ABORTED);
	assert_null(probe_at); /* it was there */
	sees_nothing(1);
	/* what is still a's goes on */
	batch_init(&batch, the_a, 0, "fresh");
	assert_int_equal(commit(the_a, &batch), KAFKA_COMMITTED);
}

static void
a_stale_owner_is_refused_before_its_metadata(void **state)
{
	(void)state;
	is_refused_when_b_comes_at("commit.begun"); /* by the epoch */
}

static void
a_stale_owner_is_refused_behind_its_metadata(void **state)
{
	(void)state;
	is_refused_when_b_comes_at("commit.captured"); /* by the broker */
}

static void
a_stale_owner_is_refused_with_its_records_out(void **state)
{
	(void)state;
	is_refused_when_b_comes_at("commit.produced");
}

/* --- what the successor sees --- */

static bool blocked;

static void
successor_asks(const char *name, const char *detail)
{
	int64_t next[LANE_N];
	struct err e;

	(void)detail;
	if (strcmp(name, "commit.before") != 0)
		return;
	probe_at = NULL;
	blocked =
	    kafka_reader_committed(reader(), 0, next, STALL_MS, &e) == RETRY;
}

/* Nothing came in, a timer went off: offsets of all lanes are sent and hold the
 * successor's stable fetch. */
static void
a_timers_batch_carries_all_offsets(void **state)
{
	struct kafka *k = join("a");
	struct batch b;
	int64_t next[LANE_N];

	(void)state;
	reader();
	batch_init(&b, k, 0, "timer");
	b.touch.next[LANE_JOBS] = b.touch.next[LANE_BULK] =
	    b.touch.next[LANE_CONTROL] = 0;
	blocked = false;
	probe_at = successor_asks;
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
	assert_true(blocked);
	committed(0, next);
	assert_int_equal(next[LANE_JOBS], 0);
	assert_int_equal(next[LANE_BULK], 0);
	assert_int_equal(next[LANE_CONTROL], 0);
}

#define PLACES_MAX 16
static const char *places[PLACES_MAX];
static size_t places_n;

static void
note_place(const char *name, const char *detail)
{
	(void)detail;
	if (strncmp(name, "commit.", 7) == 0 && places_n < PLACES_MAX)
		places[places_n++] = name;
}

static void
failpoints_in_order(void **state)
{
	static const char *const want[] = {"commit.begin", "commit.begun",
	    "commit.captured", "commit.record", "commit.record",
	    "commit.record", "commit.produced", "commit.offsets_sent",
	    "commit.before", "commit.after"};
	struct kafka *k = join("a");
	struct batch b;
	size_t i;

	(void)state;
	batch_init(&b, k, 0, "one");
	places_n = 0;
	probe_at = note_place;
	assert_int_equal(commit(k, &b), KAFKA_COMMITTED);
	assert_int_equal(places_n, ARRAY_LEN(want));
	for (i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(places[i], want[i]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_batch_is_written_and_told),
    cmocka_unit_test(pos_says_partitions_and_positions),
    cmocka_unit_test(several_partitions_in_one_batch),
    cmocka_unit_test(all_kinds_of_records_are_written),
    cmocka_unit_test(a_large_batch),
    cmocka_unit_test(a_record_too_large_aborts),
    cmocka_unit_test(a_moved_epoch_aborts),
    cmocka_unit_test(no_generation_is_accepted_by_the_broker),
    cmocka_unit_test(no_generation_is_refused_by_us),
    cmocka_unit_test(metadata_read_late_is_accepted_by_the_broker),
    cmocka_unit_test(a_stale_owner_is_refused_before_its_metadata),
    cmocka_unit_test(a_stale_owner_is_refused_behind_its_metadata),
    cmocka_unit_test(a_stale_owner_is_refused_with_its_records_out),
    cmocka_unit_test(a_timers_batch_carries_all_offsets),
    cmocka_unit_test(failpoints_in_order),
};
const struct rules commit_rules = {.tests = tests, .n = ARRAY_LEN(tests)};
