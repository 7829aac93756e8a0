/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules share, and the program. */
#include "tests/conformance/rules.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SEATS_MAX 4
#define STEP_MS	  10

static struct seat {
	struct kafka *k;
	int wake_fd;
} seats[SEATS_MAX];
static struct kafka_reader *the_reader;

int
rules_begin(void **state)
{
	(void)state;
	probe_at = NULL;
	probe_begin(PARTITIONS);
	return 0;
}

int
rules_end(void **state)
{
	size_t i;

	(void)state;
	probe_at = NULL;
	for (i = 0; i < SEATS_MAX; i++) {
		if (seats[i].k != NULL)
			leave(seats[i].k);
	}
	kafka_reader_close(the_reader);
	the_reader = NULL;
	probe_end();
	return 0;
}

/* --- members --- */

static struct seat *
seat_of(const struct kafka *k)
{
	size_t i;

	for (i = 0; i < SEATS_MAX; i++) {
		if (seats[i].k == k)
			return &seats[i];
	}
	fail_msg("no seat");
	return NULL;
}

struct kafka *
enter(const char *slot)
{
	struct seat *s = seat_of(NULL);
	struct kafka_conf conf = probe_conf(slot);
	struct err e;

	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(s->wake_fd >= 0);
	if (kafka_open(&s->k, &conf, s->wake_fd, &e) != OK)
		fail_msg("open: %s", e.text);
	return s->k;
}

struct kafka *
join(const char *slot)
{
	struct kafka *k = enter(slot);
	struct err e;
	enum next next;

	await(k, 0, KAFKA_GAINED);
	while ((next = kafka_fence(k, &e)) == RETRY)
		;
	if (next != OK)
		fail_msg("fence: %s", e.text);
	return k;
}

void
leave(struct kafka *k)
{
	struct seat *s = seat_of(k);

	kafka_close(s->k);
	close(s->wake_fd);
	s->k = NULL;
}

int
wake_fd_of(const struct kafka *k)
{
	return seat_of(k)->wake_fd;
}

/* --- events --- */

static const char *
type_name(enum kafka_event_type type)
{
	static const char *const names[] = {
	    [KAFKA_NOTHING] = "nothing",
	    [KAFKA_RECORD] = "record",
	    [KAFKA_GAINED] = "gained",
	    [KAFKA_LOST] = "lost",
	    [KAFKA_OFF_LOG] = "off log",
	    [KAFKA_TROUBLE] = "trouble",
	    [KAFKA_FENCED] = "fenced",
	    [KAFKA_DEAD] = "dead",
	};

	return names[type];
}

/* The next event but trouble, within ms; NOTHING when none came. */
static struct kafka_event *
next_event(struct kafka *k, unsigned lanes, int64_t ms)
{
	static struct kafka_event ev;
	struct err e = {.text = ""};
	int64_t waited;

	for (waited = 0; waited <= ms; waited += STEP_MS) {
		do {
			kafka_poll(k, lanes, &ev, &e);
		} while (ev.type == KAFKA_TROUBLE);
		if (ev.type == KAFKA_DEAD)
			fail_msg("dead: %s", e.text);
		if (ev.type != KAFKA_NOTHING)
			break;
		probe_pass(STEP_MS);
	}
	return &ev;
}

struct kafka_event *
await(struct kafka *k, unsigned lanes, enum kafka_event_type type)
{
	struct kafka_event *ev = next_event(k, lanes, WAIT_MS);

	if (ev->type != type)
		fail_msg("waited for %s, %s came", type_name(type),
		    type_name(ev->type));
	return ev;
}

void
await_record(struct kafka *k, unsigned lanes, enum lane lane, int32_t partition,
    int64_t offset)
{
	struct kafka_event *ev = await(k, lanes, KAFKA_RECORD);

	assert_int_equal(ev->lane, lane);
	assert_int_equal(ev->partition, partition);
	assert_int_equal(ev->offset, offset);
}

void
await_quiet(struct kafka *k, unsigned lanes)
{
	struct kafka_event *ev = next_event(k, lanes, QUIET_MS);

	if (ev->type != KAFKA_NOTHING)
		fail_msg("quiet was expected, %s came (lane %d, offset %lld)",
		    type_name(ev->type), (int)ev->lane, (long long)ev->offset);
}

bool
owns(const struct kafka_event *gained, int32_t partition)
{
	size_t i;

	for (i = 0; i < gained->partitions_n; i++) {
		if (gained->partitions[i] == partition)
			return true;
	}
	return false;
}

void
open_lane(struct kafka *k, enum lane lane, int32_t partition, int64_t at)
{
	struct err e;

	if (kafka_lanes(k,
		&(struct kafka_lane_at){
		    .lane = lane, .partition = partition, .next = at},
		1, &e) != OK)
		fail_msg("lanes: %s", e.text);
}

int64_t
post(enum topic topic, int32_t partition, const char *key, const char *value)
{
	return probe_post(&(struct kafka_out){.topic = topic,
	    .partition = partition,
	    .key = key,
	    .key_len = strlen(key),
	    .value = value,
	    .value_len = strlen(value)});
}

/* --- batches --- */

void
batch_init(
    struct batch *b, const struct kafka *k, int32_t partition, const char *text)
{
	static const enum topic topics[] = {TOPIC_RESULTS, TOPIC_STATE};
	size_t i;

	memset(b, 0, sizeof(*b));
	b->touch = (struct kafka_touch){.partition = partition,
	    .epoch = kafka_epoch(k, partition),
	    .next = {[LANE_JOBS] = 1, [LANE_BULK] = 2, [LANE_CONTROL] = 3}};
	for (i = 0; i < ARRAY_LEN(topics); i++) {
		b->out[i] = (struct kafka_out){.topic = topics[i],
		    .partition = partition,
		    .key = text,
		    .key_len = strlen(text),
		    .value = text,
		    .value_len = strlen(text)};
	}
	b->b = (struct kafka_batch){.touched_n = 1,
	    .touched = &b->touch,
	    .out_n = ARRAY_LEN(topics),
	    .out = b->out};
}

enum kafka_commit_result
commit(struct kafka *k, struct batch *b)
{
	struct err e = {.text = ""};
	enum kafka_commit_result result = kafka_commit(k, &b->b, &e);

	if (result != KAFKA_COMMITTED)
		print_message("           commit: %s\n", e.text);
	return result;
}

/* --- reading back --- */

struct kafka_reader *
reader(void)
{
	struct kafka_conf conf = probe_conf("reader");
	struct err e;

	if (the_reader == NULL &&
	    kafka_reader_open(&the_reader, &conf, &e) != OK)
		fail_msg("reader: %s", e.text);
	return the_reader;
}

int64_t
high(enum topic topic, int32_t partition)
{
	int64_t low_at, high_at;
	struct err e;

	if (kafka_reader_ends(reader(), topic, partition, &low_at, &high_at,
		WAIT_MS, &e) != OK)
		fail_msg("ends: %s", e.text);
	return high_at;
}

void
await_high(enum topic topic, int32_t partition, int64_t want)
{
	int64_t waited;

	for (waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (high(topic, partition) == want)
			return;
		probe_pass(STEP_MS);
	}
	assert_int_equal(high(topic, partition), want);
}

static void
copy(char out[32], const uint8_t *bytes, size_t len)
{
	snprintf(out, 32, "%.*s", (int)len,
	    bytes == NULL ? "" : (const char *)bytes);
}

bool
see(void *arg, const struct kafka_record *record)
{
	struct seen *s = arg;

	assert_true(s->n < SEEN_MAX);
	s->offset[s->n] = record->offset;
	copy(s->key[s->n], record->key, record->key_len);
	copy(s->value[s->n], record->value, record->value_len);
	s->n++;
	return true;
}

void
read_all(enum topic topic, int32_t partition, struct seen *out)
{
	struct err e;

	out->n = 0;
	if (kafka_reader_read(reader(), topic, partition, 0,
		high(topic, partition), see, out, WAIT_MS, &e) != OK)
		fail_msg("read: %s", e.text);
}

void
committed(int32_t partition, int64_t next[LANE_N])
{
	struct err e;

	if (kafka_reader_committed(reader(), partition, next, WAIT_MS, &e) !=
	    OK)
		fail_msg("committed: %s", e.text);
}

/* --- the program --- */

int
main(int argc, char **argv)
{
	static const struct rules *const all[] = {&lane_rules, &group_rules,
	    &commit_rules, &fence_rules, &crash_rules, &reader_rules,
	    &own_rules};
	struct CMUnitTest tests[100];
	size_t i, n = 0;

	probe_main(argc, argv);
	for (i = 0; i < ARRAY_LEN(all); i++) {
		assert_true(n + all[i]->n <= ARRAY_LEN(tests));
		memcpy(&tests[n], all[i]->tests, all[i]->n * sizeof(tests[0]));
		n += all[i]->n;
	}
	for (i = 0; i < n; i++) {
		tests[i].setup_func = rules_begin;
		tests[i].teardown_func = rules_end;
	}
	if (getenv("RULE") != NULL)
		cmocka_set_test_filter(getenv("RULE"));
	return _cmocka_run_group_tests("kafka", tests, n, NULL, NULL);
}
