/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's protocol, line by line: who owns a partition, what a commit
 * carries, where a lane goes on after a restore, what time it is. */
#include "tests/scenario/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/children.h"
#include "tests/fake/clock.h"
#include "tests/fake/kafka_sim.h"
#include "tests/fake/task.h"

#define PARTITIONS WORLD_PARTITIONS

static bool
opened(unsigned slot, int32_t p)
{
	return scheduler_part(world_scheduler(slot), p) != NULL;
}

/* -- who owns a partition -------------------------------------------------- */

static void
a_newcomer_waits_for_the_commit_under_way(void **state)
{
	(void)state;
	char id[16];

	world_start(0);
	fake_task_hold("commit");
	fake_task_wait_runs();
	for (int p = 0; p < PARTITIONS; p++) {
		snprintf(id, sizeof(id), "a%d", p);
		world_dns(world_name(p, 0), VERDICT_PASS, CODE_NONE);
		world_post(TOPIC_JOBS, "verify", world_name(p, 0), id, NULL);
	}
	world_run(50); /* k is under way */
	assert_int_equal(fake_task_waiting("commit"), 1);
	for (int p = 0; p < PARTITIONS; p++) {
		snprintf(id, sizeof(id), "b%d", p);
		world_dns(world_name(p, 1), VERDICT_PASS, CODE_NONE);
		world_post(TOPIC_JOBS, "verify", world_name(p, 1), id, NULL);
	}
	world_run(50); /* k + 1 gathers */
	world_start(1);
	/* both were written before the partitions went over */
	assert_string_equal(world_outcome(world_name(0, 0), "a0"), "verified");
	assert_string_equal(world_outcome(world_name(3, 1), "b3"), "verified");
	fake_task_release("commit");
	world_run(SECOND);
	for (int p = 0; p < PARTITIONS; p++)
		assert_int_not_equal(opened(0, p), opened(1, p));
	assert_int_equal(world_looks(NULL), 2 * PARTITIONS);
	world_check_settled();
}

static void
freeze_and_lose_all(void)
{
	world_freeze(0);
	world_run(30 * SECOND);
}

/* A stops for longer than its session and its transaction, at each place of a
 * commit, while B takes over; then A goes on. */
static void
a_zombie_writes_nothing(void **state)
{
	(void)state;
	static const char *const place[] = {"commit.begin", "commit.begun",
	    "commit.captured", "commit.record", "commit.produced",
	    "commit.offsets_sent", "commit.before"};

	for (size_t i = 0; i < ARRAY_LEN(place); i++) {
		world_open(PARTITIONS);
		world_dns("a.test", VERDICT_PASS, CODE_NONE);
		world_start(0);
		world_start(1);
		world_run(SECOND);
		/* only A's partitions: it is A that arrives */
		world_post(TOPIC_JOBS, "verify", world_name(0, 0), "j1",
		    "\"deadline_s\":600");
		world_when(place[i], NULL, 1, freeze_and_lose_all);
		world_run(SECOND);
		assert_true(opened(1, 0));
		world_thaw(0);
		world_run(10 * SECOND);
		if (world_scheduler(0) == NULL)
			assert_int_equal(world_exit_code(0), EXIT_CODE_OUTSIDE);
		world_run(HOUR);
		assert_string_equal(
		    world_outcome(world_name(0, 0), "j1"), "expired");
		world_check_settled();
		world_close();
	}
}

/* A's commit is under way, and what must not return does. */
static void
give_up_too_early(void)
{
	kafka_release(world_scheduler(0)->kafka);
}

/* The group alone would let A commit. */
static void
a_partition_that_came_and_went_is_not_written(void **state)
{
	(void)state;
	size_t before;

	world_start(0);
	world_run(SECOND);
	before = world_commits(0);
	world_post(TOPIC_JOBS, "claim", world_name(0, 0), "j1", NULL);
	world_when("commit.begin", NULL, 1, give_up_too_early);
	world_run(10);
	assert_int_equal(world_commits(0), before);
	world_crash(0);
	world_start(0);
	world_run(SECOND);
	world_check_settled();
}

static void
b_takes_what_a_gives_up(void)
{
	struct kafka *a = world_scheduler(0)->kafka;

	world_freeze(0);
	sim_continue(a); /* its loop stands, its library does not */
	world_start(1);
	kafka_release(a);
	world_run(SECOND);
	sim_crash_at("commit.aborted", NULL, 1);
}

/* Metadata as it is when the offsets are sent would do: A is a member again,
 * of the generation in which B has the partition. */
static void
metadata_is_that_of_the_beginning(void **state)
{
	(void)state;
	const char *domain = world_name(3, 0);

	world_start(0);
	world_run(SECOND);
	world_post(TOPIC_JOBS, "claim", domain, "j1", NULL);
	world_when("commit.captured", NULL, 1, b_takes_what_a_gives_up);
	world_run(SECOND);
	assert_true(sim_struck());
	assert_true(opened(1, 3));
	assert_string_equal(world_outcome(domain, "j1"), "done");
	world_crash(0);
	world_start(0);
	world_run(SECOND);
	world_check_settled();
}

static void
a_second_bearer_of_the_name_ends_the_first(void **state)
{
	(void)state;
	const struct kafka_conf conf = {
	    .pool = "pool",
	    .slot = "0",
	    .session_ms = 10 * SECOND,
	    .txn_ms = 10 * SECOND,
	};
	struct kafka *twin;
	struct err e;

	world_start(0);
	assert_int_equal(kafka_open(&twin, &conf, -1, &e), OK);
	world_run(SECOND);
	assert_int_equal(world_exit_code(0), EXIT_CODE_USAGE);
	kafka_close(twin);
}

/* A dies with a transaction open, B while it waits for that, C is third. */
static void
two_takeovers_within_one_transaction(void **state)
{
	(void)state;
	world_session(2 * SECOND);
	world_start(0);
	world_run(SECOND);
	world_post(
	    TOPIC_JOBS, "verify", world_name(1, 0), "j1", "\"deadline_s\":600");
	sim_crash_at("commit.offsets_sent", NULL, 1);
	world_run(100);
	assert_null(world_scheduler(0));
	world_start(1);
	world_run(2500);
	/* the stable fetch does not pass by what A holds */
	assert_null(world_scheduler(1));
	assert_int_equal(world_exit_code(1), EXIT_CODE_OUTSIDE);
	world_start(2);
	world_run(2500);
	assert_null(world_scheduler(2));
	world_run(10 * SECOND); /* A's transaction is aborted by the broker */
	world_start(2);
	world_run(HOUR);
	assert_string_equal(world_outcome(world_name(1, 0), "j1"), "expired");
	world_check_settled();
}

static void
an_open_transaction_hides_nothing_from_a_restore(void **state)
{
	(void)state;
	const char *domain = world_name(2, 0);

	world_start(0);
	sim_foreign_open("somebody", TOPIC_STATE, 2);
	world_post(TOPIC_JOBS, "verify", domain, "j1", "\"deadline_s\":3600");
	world_run(MINUTE);
	world_crash(0);
	world_start(0);
	assert_int_equal(world_exit_code(0), EXIT_CODE_OUTSIDE);
	sim_foreign_end("somebody", BROKER_ABORT);
	world_start(0);
	world_run(2 * HOUR);
	assert_string_equal(world_outcome(domain, "j1"), "expired");
	world_check_settled();
}

static size_t held_lanes;

static void
count_held_lanes(void)
{
	int64_t next;

	held_lanes = 0;
	for (int l = 0; l < LANE_N; l++)
		held_lanes +=
		    broker_offset((enum lane)l, 1, &next) == BROKER_UNSTABLE;
}

/* Nothing came in: the next owner's fetch has to wait for this commit all the
 * same, whichever lane it asks for. */
static void
a_commit_of_timers_alone_holds_all_lanes(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "verify", world_name(1, 0), "j1", NULL);
	world_run(SECOND);
	world_when("commit.offsets_sent", NULL, 1, count_held_lanes);
	world_run(MINUTE);
	assert_true(world_happened());
	assert_int_equal(held_lanes, LANE_N);
}

/* -- commits --------------------------------------------------------------- */

static void
what_was_built_on_an_aborted_batch_goes_with_it(void **state)
{
	(void)state;
	const char *a = world_name(0, 0), *b = world_name(0, 1);

	world_dns(a, VERDICT_PASS, CODE_NONE);
	world_dns(b, VERDICT_PASS, CODE_NONE);
	world_start(0);
	world_run(SECOND);
	fake_task_hold("commit");
	sim_fail_at("commit.before", NULL, 1, KAFKA_ABORTED);
	world_post(TOPIC_JOBS, "verify", a, "a", NULL);
	world_run(50);
	world_post(TOPIC_JOBS, "verify", b, "b", NULL);
	world_run(50);
	assert_int_equal(world_looks(b), 1);
	fake_task_release("commit");
	world_run(SECOND);
	assert_true(sim_struck());
	assert_int_equal(world_looks(a), 2);
	assert_int_equal(world_looks(b), 2);
	world_check_settled();
}

static void
answers_for_what_is_gone_only_free_their_place(void **state)
{
	(void)state;
	const char *a = world_name(0, 0), *b = world_name(0, 1);

	world_start(0);
	world_run(SECOND);
	world_dns_delay(5 * SECOND);
	sim_fail_at("commit.before", NULL, 1, KAFKA_ABORTED);
	world_post(TOPIC_JOBS, "verify", a, "a", "\"deadline_s\":0");
	world_run(SECOND);
	assert_true(sim_struck());
	assert_int_equal(world_looks(a), 2);
	assert_int_equal(world_scheduler(0)->asked_n[LANE_JOBS], 2);
	world_post(TOPIC_JOBS, "cancel", a, "c", "\"target\":\"a\"");
	world_run(SECOND);
	assert_string_equal(world_outcome(a, "a"), "cancelled");
	world_run(10 * SECOND);
	assert_int_equal(world_scheduler(0)->asked_n[LANE_JOBS], 0);
	world_post(TOPIC_JOBS, "verify", b, "b", "\"deadline_s\":0");
	world_run(10 * SECOND);
	world_check_settled();
}

static void
a_quick_job_is_written_once_a_slow_one_twice(void **state)
{
	(void)state;
	size_t before;

	world_start(0);
	world_run(SECOND);
	before = world_commits(0);
	world_post(
	    TOPIC_JOBS, "verify", world_name(0, 0), "a", "\"deadline_s\":0");
	world_run(SECOND);
	assert_int_equal(world_commits(0), before + 1);
	world_dns_delay(50);
	world_post(
	    TOPIC_JOBS, "verify", world_name(0, 1), "b", "\"deadline_s\":0");
	world_run(SECOND);
	assert_int_equal(world_commits(0), before + 3);
	/* the bulk lane has time */
	world_dns_delay(1500);
	world_post(
	    TOPIC_BULK, "verify", world_name(0, 2), "c", "\"deadline_s\":0");
	world_run(3 * SECOND);
	assert_int_equal(world_commits(0), before + 4);
	world_check_settled();
}

static void
note_pos(void *arg, const struct kafka_record *r)
{
	if (r->key_len == 3 && memcmp(r->key, "pos", 3) == 0)
		*(int64_t *)arg = r->append_at;
}

static void
the_bulk_lane_is_written_together(void **state)
{
	(void)state;
	unsigned moments = 0;
	int64_t at[4];

	world_start(0);
	world_run(SECOND);
	for (int p = 0; p < 4; p++) {
		world_post(TOPIC_BULK, "verify", world_name(p, 0), "a",
		    "\"deadline_s\":0");
		world_run(40);
	}
	world_run(SECOND);
	for (int p = 0; p < 4; p++) {
		sim_read(TOPIC_STATE, p, 0, BROKER_COMMITTED, note_pos, &at[p]);
		moments += p == 0 || at[p] != at[p - 1];
	}
	/* they may lie on both sides of one of its moments */
	assert_in_range(moments, 1, 2);
	/* who waits for an answer does not wait for it */
	world_post(
	    TOPIC_BULK, "verify", world_name(0, 1), "b", "\"deadline_s\":0");
	world_run(10);
	world_post(
	    TOPIC_JOBS, "verify", world_name(0, 2), "c", "\"deadline_s\":0");
	world_run(50);
	assert_string_equal(world_outcome(world_name(0, 2), "c"), "failed");
	assert_string_equal(world_outcome(world_name(0, 1), "b"), "failed");
	world_check_settled();
}

static void
count_claims(void *arg, const struct kafka_record *r)
{
	*(size_t *)arg += r->key_len > 6 && memcmp(r->key, "claim/", 6) == 0;
}

/* Not when the job is accepted, as long as the job itself is not written. */
static void
a_known_claim_is_written_once_a_quick_job(void **state)
{
	(void)state;
	const char *slow = world_name(0, 0), *other = world_name(0, 1);
	size_t before = 0, after = 0;

	world_start(0);
	world_post(TOPIC_BULK, "verify", slow, "a", "\"deadline_s\":0");
	world_run(SECOND);
	sim_read(TOPIC_STATE, 0, 0, BROKER_COMMITTED, count_claims, &before);
	world_dns_delay(1500);
	world_post(TOPIC_BULK, "verify", slow, "b", "\"deadline_s\":0");
	world_run(10);
	world_post(TOPIC_JOBS, "claim", other, "c", NULL);
	world_run(100);
	assert_string_equal(world_outcome(other, "c"), "done");
	world_run(3 * SECOND);
	assert_string_equal(world_outcome(slow, "b"), "failed");
	sim_read(TOPIC_STATE, 0, 0, BROKER_COMMITTED, count_claims, &after);
	assert_int_equal(after, before + 2); /* other, and slow once */
	world_check_settled();
}

static void
what_is_not_written_holds_its_lane_back(void **state)
{
	(void)state;
	const char *slow = world_name(0, 0), *other = world_name(0, 1);
	int64_t at;

	world_start(0);
	world_run(SECOND);
	world_dns_delay(1500);
	at = world_post(TOPIC_BULK, "verify", slow, "a", "\"deadline_s\":0");
	world_post(TOPIC_BULK, "claim", other, "b", NULL);
	world_run(BULK_TOGETHER_MS + 50);
	assert_string_equal(world_outcome(other, "b"), "done");
	assert_int_equal(sim_committed(LANE_BULK, 0), at);
	world_crash(0);
	world_start(0);
	world_run(5 * SECOND);
	assert_string_equal(world_outcome(slow, "a"), "failed");
	assert_int_equal(world_looks(slow), 2);
	assert_int_equal(sim_committed(LANE_BULK, 0), at + 2);
	world_check_settled();
}

static void
an_idle_partition_is_touched_once_a_day(void **state)
{
	(void)state;
	size_t before[PARTITIONS];

	world_start(0);
	world_run(MINUTE);
	for (int32_t p = 0; p < PARTITIONS; p++)
		before[p] = world_commits(p);
	world_run(3 * 24 * HOUR);
	for (int32_t p = 0; p < PARTITIONS; p++)
		assert_int_equal(world_commits(p), before[p] + 3);
}

/* -- where a lane goes on -------------------------------------------------- */

/* Where the group stands, moved on by some. */
static void
put_pos(int32_t p, int32_t partitions, int64_t more, const char *group)
{
	struct record_pos pos = {.partitions = partitions};
	uint8_t bytes[RECORD_POS_MAX];
	struct writer w;

	for (int l = 0; l < LANE_N; l++) {
		pos.next[l] = sim_committed((enum lane)l, p) + more;
		sim_committed_set((enum lane)l, p, pos.next[l]);
	}
	snprintf(pos.group, sizeof(pos.group), "%s", group);
	writer_init(&w, bytes, sizeof(bytes));
	record_put_pos(&w, &pos);
	sim_post(&(struct kafka_out){.topic = TOPIC_STATE,
	    .partition = p,
	    .key = "pos",
	    .key_len = 3,
	    .value = bytes,
	    .value_len = w.len});
}

static void
reset_back(void)
{
	sim_committed_set(LANE_JOBS, 0, 0);
}

static void
reset_forward(void)
{
	sim_committed_set(LANE_JOBS, 0, sim_committed(LANE_JOBS, 0) + 1);
}

static void
forward_in_bulk(void)
{
	sim_committed_set(LANE_BULK, 0, 1);
}

static void
jobs_offset_gone(void)
{
	sim_committed_set(LANE_JOBS, 0, -1);
}

static void
other_offsets_gone(void)
{
	sim_committed_set(LANE_BULK, 0, -1);
	sim_committed_set(LANE_CONTROL, 0, -1);
}

static void
unread_jobs_deleted(void)
{
	int64_t end = sim_committed(LANE_JOBS, 0);

	world_post(TOPIC_JOBS, "claim", world_name(0, 2), "gone", NULL);
	sim_retain(TOPIC_JOBS, 0, end + 1);
}

static void
topic_made_anew(void)
{
	put_pos(0, PARTITIONS, 1000, "pool");
}

static void
other_count(void)
{
	put_pos(0, PARTITIONS + 1, 0, "pool");
}

/* Another pool.name on the same prefix: its group has no offsets. */
static void
another_group(void)
{
	put_pos(0, PARTITIONS, 0, "pool2");
	jobs_offset_gone();
	other_offsets_gone();
}

/* It was handed over, and this pool comes back. */
static void
another_group_meanwhile(void)
{
	put_pos(0, PARTITIONS, 0, "pool2");
}

static void
a_release_that_named_no_group(void)
{
	put_pos(0, PARTITIONS, 0, "");
	jobs_offset_gone();
	other_offsets_gone();
}

static void
unreadable_record(void)
{
	sim_post_text(TOPIC_STATE, 0, "claim/acme/x.test", "\x7f what?");
}

static void
unknown_key(void)
{
	sim_post_text(TOPIC_STATE, 0, "what/acme/x.test", "");
}

static void
nothing(void)
{
}

static const struct {
	void (*happens)(void);
	bool opens;
} restores[] = {
    {nothing, true},
    {reset_back, true},
    {reset_forward, false},
    {forward_in_bulk, false},
    {jobs_offset_gone, true},
    {other_offsets_gone, true},
    {unread_jobs_deleted, false},
    {topic_made_anew, false},
    {other_count, false},
    {another_group, false},
    {another_group_meanwhile, false},
    {a_release_that_named_no_group, true},
    {unreadable_record, false},
    {unknown_key, false},
};

/* Partition 0 meets it; its neighbours go on whatever it is, Redis too. */
static void
positions_are_never_guessed(void **state)
{
	(void)state;
	const char *mine = world_name(0, 0), *new = world_name(0, 1);
	const char *other = world_name(3, 0);
	char key[64];

	for (size_t i = 0; i < ARRAY_LEN(restores); i++) {
		world_open(PARTITIONS);
		world_dns(other, VERDICT_PASS, CODE_NONE);
		world_start(0);
		world_post_raw(TOPIC_JOBS, 0, NULL, "what?");
		world_post(TOPIC_JOBS, "verify", mine, "a", "\"deadline_s\":0");
		world_post(
		    TOPIC_JOBS, "verify", mine, "w", "\"deadline_s\":3600");
		world_run(SECOND);
		world_crash(0);
		restores[i].happens();
		world_start(0);
		world_post(TOPIC_JOBS, "claim", new, "b", NULL);
		world_post(TOPIC_JOBS, "verify", other, "c", NULL);
		world_run(900);
		assert_non_null(world_scheduler(0));
		assert_int_equal(opened(0, 0), restores[i].opens);
		assert_int_equal(world_count(TOPIC_DEAD, NULL), 1);
		assert_string_equal(world_outcome(mine, "a"), "failed");
		assert_int_equal(world_looks(mine), 2);
		assert_string_equal(
		    world_outcome(new, "b"), restores[i].opens ? "done" : "");
		assert_string_equal(world_outcome(other, "c"), "verified");
		snprintf(key, sizeof(key), "domainproof:claim:%s:acme", other);
		assert_string_equal(fake_redis_field(key, "shield"), "green");
		world_run(2 * HOUR);
		assert_string_equal(world_outcome(mine, "w"),
		    restores[i].opens ? "expired" : "");
		if (!restores[i].opens)
			assert_int_equal(world_looks(mine), 2);
		world_close();
	}
}

static void
state_without_any_position_stays_closed(void **state)
{
	(void)state;
	struct claim c;
	uint8_t bytes[RECORD_MAX];
	struct writer w;

	claim_init(&c);
	writer_init(&w, bytes, sizeof(bytes));
	record_put_claim(&w, &c);
	sim_post(&(struct kafka_out){.topic = TOPIC_STATE,
	    .partition = 1,
	    .key = "claim/acme/x.test",
	    .key_len = 17,
	    .value = bytes,
	    .value_len = w.len});
	world_start(0);
	assert_true(opened(0, 0));
	assert_false(opened(0, 1));
}

/* It is not forgotten that a partition stays closed. */
static void
assert_said(int32_t p, unsigned n)
{
	const struct stopped *stopped = world_scheduler(0)->stopped;

	assert_non_null(stopped);
	assert_null(stopped->next);
	assert_int_equal(stopped->p, p);
	assert_in_range(stopped->said, n, n + 1);
}

static void
a_lane_that_leaves_the_log_stops_its_partition(void **state)
{
	(void)state;
	const char *mine = world_name(0, 0), *other = world_name(3, 0);
	size_t looks;
	int64_t at;

	world_start(0);
	world_post(TOPIC_JOBS, "verify", mine, "a", NULL);
	world_run(SECOND);
	looks = world_looks(mine);
	at = world_post(TOPIC_BULK, "claim", mine, "b", NULL);
	sim_retain(TOPIC_BULK, 0, at + 1);
	world_post(TOPIC_JOBS, "verify", other, "c", "\"deadline_s\":0");
	world_run(HOUR);
	assert_false(opened(0, 0));
	assert_string_equal(world_outcome(other, "c"), "failed");
	assert_int_equal(world_looks(mine), looks);
	assert_int_equal(world_scheduler(0)->open_jobs, 0);
	assert_said(0, 6);
	world_crash(0);
	world_start(0);
	assert_false(opened(0, 0));
	assert_said(0, 1);
	world_run(25 * MINUTE);
	assert_said(0, 3);
	assert_true(opened(0, 3));
}

static void
delete_seen(void)
{
	sim_retain(TOPIC_SEEN, 0, broker_end_offset(TOPIC_SEEN, 0));
}

static void
retention_under_a_restore_stops_nothing(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "claim", world_name(0, 0), "a", NULL);
	world_run(SECOND);
	world_crash(0);
	/* partition 0 is the last to be read */
	world_when("reader.read", "seen", PARTITIONS, delete_seen);
	world_start(0);
	assert_true(world_happened());
	assert_true(opened(0, 0));
}

struct tail {
	const char *key;
	char text[8];
};

static void
see_tail(void *arg, const struct kafka_record *r)
{
	struct tail *t = arg;

	if (r->key_len != strlen(t->key) ||
	    memcmp(r->key, t->key, r->key_len) != 0)
		return;
	snprintf(t->text, sizeof(t->text), "%.*s", 4,
	    r->value_len < 4 ? "" : (const char *)r->value + r->value_len - 4);
}

/* What a newer version appended is written back. */
static void
unknown_fields_are_kept(void **state)
{
	(void)state;
	const char *domain = world_name(0, 0);
	struct claim c;
	struct job j = {.ver = 1,
	    .kind = JOB_VERIFY,
	    .checks = 1u << CHECK_OWNERSHIP,
	    .deadline_at = WORLD_START + HOUR,
	    .due_at = WORLD_START};
	uint8_t more[] = {'m', 'o', 'r', 'e'}, bytes[RECORD_MAX];
	struct tail tail = {.key = NULL};
	char claim_key[64], job_key[64];
	struct writer w;

	world_start(0);
	world_run(SECOND);
	world_crash(0);
	claim_init(&c);
	c.status = CLAIM_PENDING;
	c.tail = more;
	c.tail_len = sizeof(more);
	j.tail = more;
	j.tail_len = sizeof(more);
	record_claim_key(claim_key, "acme", domain);
	record_job_key(job_key, "acme", domain, "j");
	writer_init(&w, bytes, sizeof(bytes));
	record_put_claim(&w, &c);
	sim_post(&(struct kafka_out){.topic = TOPIC_STATE,
	    .key = claim_key,
	    .key_len = strlen(claim_key),
	    .value = bytes,
	    .value_len = w.len});
	writer_init(&w, bytes, sizeof(bytes));
	record_put_job(&w, &j);
	sim_post(&(struct kafka_out){.topic = TOPIC_STATE,
	    .key = job_key,
	    .key_len = strlen(job_key),
	    .value = bytes,
	    .value_len = w.len});
	world_start(0);
	world_run(SECOND);
	assert_int_equal(world_looks(domain), 1);
	tail.key = claim_key;
	assert_int_equal(
	    sim_read(TOPIC_STATE, 0, 0, BROKER_COMMITTED, see_tail, &tail) > 4,
	    1);
	assert_string_equal(tail.text, "more");
	tail = (struct tail){.key = job_key};
	sim_read(TOPIC_STATE, 0, 0, BROKER_COMMITTED, see_tail, &tail);
	assert_string_equal(tail.text, "more");
}

/* A record that strayed to another partition is carried on where it is. */
static void
a_job_of_another_partition_harms_nobody(void **state)
{
	(void)state;
	struct job j = {.ver = 1,
	    .kind = JOB_VERIFY,
	    .checks = 1u << CHECK_OWNERSHIP,
	    .deadline_at = WORLD_START + HOUR,
	    .due_at = WORLD_START};
	uint8_t bytes[RECORD_MAX];
	char key[64];
	struct writer w;

	world_start(0);
	world_run(SECOND);
	world_crash(0);
	writer_init(&w, bytes, sizeof(bytes));
	record_put_job(&w, &j);
	record_job_key(key, "acme", world_name(1, 0), "j");
	sim_post(&(struct kafka_out){.topic = TOPIC_STATE,
	    .partition = 0,
	    .key = key,
	    .key_len = strlen(key),
	    .value = bytes,
	    .value_len = w.len});
	world_start(0);
	world_start(1);
	world_run(2 * HOUR);
	assert_string_equal(world_outcome(world_name(1, 0), "j"), "expired");
}

/* -- identities ------------------------------------------------------------ */

static void
the_window_of_identities_has_an_end(void **state)
{
	(void)state;
	const char *domain = world_name(0, 0);

	world_start(0);
	world_post(TOPIC_JOBS, "verify", domain, "a", "\"deadline_s\":0");
	world_run(6 * 24 * HOUR);
	world_crash(0);
	world_start(0);
	world_post(TOPIC_JOBS, "verify", domain, "a", "\"deadline_s\":0");
	world_run(SECOND);
	assert_string_equal(world_outcome(domain, "a"), "failed");
	/* days pass only when something is done */
	world_run(3 * 24 * HOUR);
	world_post(TOPIC_JOBS, "claim", world_name(0, 1), "c", NULL);
	world_run(SECOND);
	world_post(TOPIC_JOBS, "verify", domain, "a", "\"deadline_s\":0");
	world_run(SECOND);
	assert_string_equal(world_outcome(domain, "a"), "twice");
}

/* A backlog that is older than the window is still answered once. */
static void
an_old_backlog_is_remembered_from_now_on(void **state)
{
	(void)state;
	const char *domain = world_name(0, 0);

	world_start(0);
	world_run(SECOND);
	world_crash(0);
	world_post(TOPIC_JOBS, "claim", domain, "old", NULL);
	world_run(10 * 24 * HOUR);
	world_post(TOPIC_JOBS, "claim", domain, "old", NULL);
	world_post(TOPIC_JOBS, "claim", world_name(0, 1), "new", NULL);
	world_start(0);
	world_run(SECOND);
	world_post(TOPIC_JOBS, "claim", domain, "old", NULL);
	world_run(SECOND);
	world_check_settled();
}

/* -- time ------------------------------------------------------------------ */

static void
deadlines_count_from_where_they_should(void **state)
{
	(void)state;
	const char *a = world_name(0, 0), *b = world_name(0, 1),
		   *c = world_name(0, 2);

	world_post(TOPIC_JOBS, "verify", a, "a", "\"deadline_s\":600");
	world_post(TOPIC_BULK, "verify", b, "b", "\"deadline_s\":600");
	world_run(HOUR);
	world_start(0);
	world_post(TOPIC_BULK, "verify", c, "c", "\"deadline_s\":600");
	world_run(SECOND);
	/* from its append: its one last look was made */
	assert_string_equal(world_outcome(a, "a"), "expired");
	assert_int_equal(world_looks(a), 1);
	/* from its acceptance */
	world_run(590 * SECOND);
	assert_string_equal(world_outcome(b, "b"), "");
	assert_string_equal(world_outcome(c, "c"), "");
	world_run(20 * SECOND);
	assert_string_equal(world_outcome(b, "b"), "expired");
	assert_string_equal(world_outcome(c, "c"), "expired");
	world_check_settled();
}

static void
the_clock_of_the_machine_counts_for_nothing(void **state)
{
	(void)state;
	const char *a = world_name(0, 0), *b = world_name(0, 1);
	int64_t posted;

	world_start(0);
	posted = world_now();
	world_post(TOPIC_JOBS, "verify", a, "a", "\"deadline_s\":7200");
	world_run(10 * MINUTE);
	fake_clock_jump(HOUR);
	world_post(TOPIC_JOBS, "verify", b, "b", "\"deadline_s\":7200");
	world_run(30 * MINUTE);
	fake_clock_jump(-2 * HOUR);
	world_run(80 * MINUTE - SECOND);
	assert_string_equal(world_outcome(a, "a"), "");
	world_run(2 * SECOND);
	assert_string_equal(world_outcome(a, "a"), "expired");
	assert_int_equal(world_look_at(a, world_looks(a) - 1) / 1000,
	    (posted + 2 * HOUR) / 1000);
	assert_string_equal(world_outcome(b, "b"), "");
	world_run(10 * MINUTE);
	assert_string_equal(world_outcome(b, "b"), "expired");
	world_check_settled();
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_newcomer_waits_for_the_commit_under_way),
	    CASE(a_zombie_writes_nothing),
	    CASE(a_partition_that_came_and_went_is_not_written),
	    CASE(metadata_is_that_of_the_beginning),
	    CASE(a_second_bearer_of_the_name_ends_the_first),
	    CASE(two_takeovers_within_one_transaction),
	    CASE(an_open_transaction_hides_nothing_from_a_restore),
	    CASE(a_commit_of_timers_alone_holds_all_lanes),
	    CASE(what_was_built_on_an_aborted_batch_goes_with_it),
	    CASE(answers_for_what_is_gone_only_free_their_place),
	    CASE(a_quick_job_is_written_once_a_slow_one_twice),
	    CASE(the_bulk_lane_is_written_together),
	    CASE(a_known_claim_is_written_once_a_quick_job),
	    CASE(what_is_not_written_holds_its_lane_back),
	    CASE(an_idle_partition_is_touched_once_a_day),
	    CASE(positions_are_never_guessed),
	    CASE(state_without_any_position_stays_closed),
	    CASE(a_lane_that_leaves_the_log_stops_its_partition),
	    CASE(retention_under_a_restore_stops_nothing),
	    CASE(unknown_fields_are_kept),
	    CASE(a_job_of_another_partition_harms_nobody),
	    CASE(the_window_of_identities_has_an_end),
	    CASE(an_old_backlog_is_remembered_from_now_on),
	    CASE(deadlines_count_from_where_they_should),
	    CASE(the_clock_of_the_machine_counts_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
