/* SPDX-License-Identifier: Apache-2.0 */
/* Fences: of a producer by its transactional id, of a member by its name. */
#include "tests/conformance/rules.h"

static void
sees_no_result(int32_t partition)
{
	struct seen seen;

	read_all(TOPIC_RESULTS, partition, &seen);
	assert_int_equal(seen.n, 0);
}

/* Our fence ends what an earlier bearer of our name left open. */
static void
our_fence_aborts_and_fences_the_older(void **state)
{
	struct probe_txn *older = probe_txn_new(probe_id("a"));

	(void)state;
	probe_txn_begin(older);
	assert_int_equal(
	    probe_txn_produce(older, TOPIC_RESULTS, 0, "k", "zombie"),
	    PROBE_OK);
	join("a");
	sees_no_result(0); /* and no need to wait for its time to be over */
	assert_int_equal(
	    probe_txn_produce(older, TOPIC_RESULTS, 0, "k", "zombie"),
	    PROBE_FENCED);
	assert_int_equal(probe_txn_commit(older), PROBE_FENCED);
	sees_no_result(0);
	probe_txn_free(older);
}

/* The other way round: a newer bearer fences us. */
static void
a_newer_producer_fences_us(void **state)
{
	struct kafka *k = join("a");
	struct probe_txn *newer = probe_txn_new(probe_id("a"));
	struct batch b;

	(void)state;
	batch_init(&b, k, 0, "zombie");
	assert_int_equal(commit(k, &b), KAFKA_COMMIT_FENCED);
	sees_no_result(0);
	/* and the group says nothing: no other member has our name */
	await_quiet(k, ALL_LANES);
	probe_txn_free(newer);
}

static struct probe_txn *newer_one;

static void
newer_comes(const char *name, const char *detail)
{
	(void)detail;
	if (strcmp(name, "commit.offsets_sent") != 0)
		return;
	probe_at = NULL;
	newer_one = probe_txn_new(probe_id("a"));
}

static void
a_newer_producer_fences_us_in_the_middle(void **state)
{
	struct kafka *k = join("a");
	struct batch b;
	int64_t next[LANE_N];

	(void)state;
	batch_init(&b, k, 0, "zombie");
	probe_at = newer_comes;
	assert_int_equal(commit(k, &b), KAFKA_COMMIT_FENCED);
	assert_null(probe_at);
	sees_no_result(0);
	committed(0, next);
	assert_int_equal(next[LANE_JOBS], -1);
	probe_txn_free(newer_one);
}

/* A twin that has only joined yet: our offsets are refused by the group. */
static void
a_twin_in_the_group_fences_our_commit(void **state)
{
	struct kafka *k = join("a"), *twin = enter("a");
	struct batch b;

	(void)state;
	await(twin, 0, KAFKA_GAINED);
	batch_init(&b, k, 0, "zombie");
	assert_int_equal(commit(k, &b), KAFKA_COMMIT_FENCED);
	sees_no_result(0);
	await(k, 0, KAFKA_FENCED);
}

/* What the broker does with a transaction whose time is over. */
static void
late(const char *name, const char *detail)
{
	(void)detail;
	if (strcmp(name, "commit.offsets_sent") != 0)
		return;
	probe_at = NULL;
	probe_pass(13000);
}

static void
an_overdue_transaction_is_no_success(void **state)
{
	struct kafka *k = join("a");
	enum kafka_commit_result result;
	struct batch b;

	(void)state;
	batch_init(&b, k, 0, "late");
	probe_at = late;
	result = commit(k, &b);
	assert_true(result == KAFKA_UNKNOWN || result == KAFKA_COMMIT_FENCED);
	sees_no_result(0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(our_fence_aborts_and_fences_the_older),
    cmocka_unit_test(a_newer_producer_fences_us),
    cmocka_unit_test(a_newer_producer_fences_us_in_the_middle),
    cmocka_unit_test(a_twin_in_the_group_fences_our_commit),
    cmocka_unit_test(an_overdue_transaction_is_no_success),
};
const struct rules fence_rules = {.tests = tests, .n = ARRAY_LEN(tests)};
