/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a commit when a broker answers with this or that error. The
 * library's mock broker says what it is told to; it knows no transactions, so
 * what is true on a log is shown by tests/conformance. */
#include "tests/conformance/rules.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

/* Numbers of Kafka's protocol. */
enum {
	PRODUCE = 0,
	OFFSET_FETCH = 9,
	ADD_OFFSETS = 25,
	END_TXN = 26,
	TXN_OFFSET_COMMIT = 28
};

#define ERR(name) RD_KAFKA_RESP_ERR_##name

/* Slots of as many groups: a fatal error ends one, and to join takes the mock
 * three seconds. */
#define SLOTS_MAX 8

static rd_kafka_t *host; /* the mock cluster lives in it */
static rd_kafka_mock_cluster_t *cluster;
static struct kafka *slots[SLOTS_MAX];
static size_t slots_n;

static struct kafka_conf
conf(const char *pool)
{
	struct kafka_conf c = probe_conf("1");

	c.brokers = rd_kafka_mock_cluster_bootstraps(cluster);
	c.prefix = "mock.";
	c.pool = pool;
	return c;
}

static void
open_slots(size_t n)
{
	struct kafka_conf c;
	char pool[16];
	struct err e;
	size_t i;

	slots_n = n;
	for (i = 0; i < n; i++) {
		snprintf(pool, sizeof(pool), "pool-%zu", i);
		c = conf(pool);
		if (kafka_open(&slots[i], &c, -1, &e) != OK)
			fail_msg("open: %s", e.text);
	}
	for (i = 0; i < n; i++) {
		await(slots[i], 0, KAFKA_GAINED);
		assert_int_equal(kafka_fence(slots[i], &e), OK);
	}
}

static void
open_mock(void)
{
	char why[200], name[64];
	rd_kafka_conf_t *rc = rd_kafka_conf_new();
	size_t i;

	rd_kafka_conf_set_log_cb(rc, NULL);
	host = rd_kafka_new(RD_KAFKA_PRODUCER, rc, why, sizeof(why));
	assert_non_null(host);
	cluster = rd_kafka_mock_cluster_new(host, 1);
	assert_non_null(cluster);
	for (i = 0; i < TOPIC_N; i++) {
		snprintf(
		    name, sizeof(name), "mock.%s", topic_name((enum topic)i));
		rd_kafka_mock_topic_create(cluster, name, PARTITIONS, 1);
	}
}

static void
close_mock(void)
{
	while (slots_n > 0)
		kafka_close(slots[--slots_n]);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(host);
}

static enum kafka_commit_result
commit_one(struct kafka *k, struct err *e)
{
	struct batch b;

	batch_init(&b, k, 0, "v");
	return kafka_commit(k, &b.b, e);
}

/* A transaction that failed to deliver may take the next one with it: its
 * producer is being given a new epoch. */
static void
goes_on(struct kafka *k, const char *behind)
{
	enum kafka_commit_result result = KAFKA_ABORTED;
	struct err e = {.text = ""};
	int tries;

	for (tries = 0; tries < 20 && result == KAFKA_ABORTED; tries++) {
		result = commit_one(k, &e);
		probe_pass(100);
	}
	if (result != KAFKA_COMMITTED)
		fail_msg("behind \"%s\": %s", behind, e.text);
}

struct row {
	const char *name;
	int16_t request;
	rd_kafka_resp_err_t error;
	enum kafka_commit_result want;
	bool last; /* the slot can't go on */
};

/* clang-format off */
static const struct row rows[] = {
	{ "the group moved on",		TXN_OFFSET_COMMIT, ERR(ILLEGAL_GENERATION),	KAFKA_ABORTED, false },
	{ "the session was over",	TXN_OFFSET_COMMIT, ERR(UNKNOWN_MEMBER_ID),	KAFKA_ABORTED, false },
	{ "a rebalance",		TXN_OFFSET_COMMIT, ERR(REBALANCE_IN_PROGRESS),	KAFKA_ABORTED, false },
	{ "another member",		TXN_OFFSET_COMMIT, ERR(FENCED_INSTANCE_ID),	KAFKA_COMMIT_FENCED, false },
	{ "group coordinator moves",	TXN_OFFSET_COMMIT, ERR(NOT_COORDINATOR),	KAFKA_COMMITTED, false },
	{ "markers of the last",	ADD_OFFSETS,	ERR(CONCURRENT_TRANSACTIONS),	KAFKA_COMMITTED, false },
	{ "fenced at the offsets",	ADD_OFFSETS,	ERR(PRODUCER_FENCED),		KAFKA_COMMIT_FENCED, true },
	{ "too few replicas",		PRODUCE,	ERR(NOT_ENOUGH_REPLICAS),	KAFKA_COMMITTED, false },
	{ "record too large",		PRODUCE,	ERR(MSG_SIZE_TOO_LARGE),	KAFKA_ABORTED, false },
	{ "record not allowed",		PRODUCE,	ERR(TOPIC_AUTHORIZATION_FAILED),KAFKA_ABORTED, false },
	{ "coordinator moves at end",	END_TXN,	ERR(NOT_COORDINATOR),		KAFKA_COMMITTED, false },
	{ "who knows, at the end",	END_TXN,	ERR(UNKNOWN),	KAFKA_UNKNOWN, true },
	{ "bad state at the end",	END_TXN,	ERR(INVALID_TXN_STATE),		KAFKA_UNKNOWN, true },
	{ "fenced at the end",		END_TXN,	ERR(INVALID_PRODUCER_EPOCH),	KAFKA_COMMIT_FENCED, true },
};
/* clang-format on */

static void
errors_of_a_commit(void **state)
{
	struct err e = {.text = ""};
	enum kafka_commit_result got;
	struct kafka *k;
	size_t i;

	(void)state;
	open_mock();
	open_slots(5);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		k = slots[slots_n - 1];
		goes_on(k, "nothing");
		rd_kafka_mock_push_request_errors(
		    cluster, rows[i].request, 1, rows[i].error);
		got = commit_one(k, &e);
		rd_kafka_mock_clear_request_errors(cluster, rows[i].request);
		if (got != rows[i].want)
			fail_msg("%s: %d, not %d (%s)", rows[i].name, (int)got,
			    (int)rows[i].want, e.text);
		if (rows[i].last)
			kafka_close(slots[--slots_n]);
		else
			goes_on(k, rows[i].name);
	}
	close_mock();
}

/* The call succeeds while its elements have failed: "none" would be wrong. */
static void
an_error_of_one_offset_is_not_none(void **state)
{
	static const rd_kafka_resp_err_t no =
	    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
	struct kafka_reader *r;
	struct kafka_conf c;
	int64_t next[LANE_N];
	struct err e;

	(void)state;
	open_mock();
	c = conf("pool");
	assert_int_equal(kafka_reader_open(&r, &c, &e), OK);
	assert_int_equal(kafka_reader_committed(r, 0, next, WAIT_MS, &e), OK);
	assert_int_equal(next[LANE_BULK], -1);
	rd_kafka_mock_push_request_errors(
	    cluster, OFFSET_FETCH, 4, no, no, no, no);
	assert_int_equal(kafka_reader_committed(r, 0, next, 50, &e), RETRY);
	rd_kafka_mock_clear_request_errors(cluster, OFFSET_FETCH);
	assert_int_equal(kafka_reader_committed(r, 0, next, WAIT_MS, &e), OK);
	kafka_reader_close(r);
	close_mock();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(errors_of_a_commit),
    cmocka_unit_test(an_error_of_one_offset_is_not_none),
};
const struct rules own_rules = {.tests = tests, .n = ARRAY_LEN(tests)};
