/* SPDX-License-Identifier: Apache-2.0 */
/* Redis follows the state topic by marks: whatever is lost, late or wiped, it
 * is made good, and a mark never stands past what was written. */
#include "tests/scenario/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/fake/kafka_sim.h"
#include "tests/fake/task.h"

#define PARTITIONS WORLD_PARTITIONS
#define CHECK_MS   (10 * SECOND) /* so long until a loss is noticed */

static const char *
claim_field(const char *domain, const char *name)
{
	char key[320];
	const char *text;

	snprintf(key, sizeof(key), "domainproof:claim:%s:acme", domain);
	text = fake_redis_field(key, name);
	return text == NULL ? "" : text;
}

static const char *
job_field(const char *id, const char *name)
{
	char key[320];
	const char *text;

	snprintf(key, sizeof(key), "domainproof:job:acme:%s", id);
	text = fake_redis_field(key, name);
	return text == NULL ? "" : text;
}

/* -- the mark is never ahead ----------------------------------------------- */

static void
check_written(const struct kafka_record *r)
{
	struct record_key key;
	struct claim c;
	struct err e;
	uint64_t ver;

	record_key_parse(&key, r->key, r->key_len);
	if (key.kind != RECORD_CLAIM)
		return;
	assert_int_equal(record_get_claim(&c, r->value, r->value_len, &e), OK);
	ver = strtoull(claim_field(key.domain, "ver"), NULL, 10);
	if (ver < c.ver)
		fail_msg("%s: Redis has version %llu of %llu, and its mark is"
			 " past it",
		    key.domain, (unsigned long long)ver,
		    (unsigned long long)c.ver);
}

static void
see_below_mark(void *arg, const struct kafka_record *r)
{
	if (r->offset < *(const int64_t *)arg)
		check_written(r);
}

static void
check_marks(void)
{
	for (int32_t p = 0; p < PARTITIONS; p++) {
		int64_t mark = fake_redis_mark(p);

		sim_read(
		    TOPIC_STATE, p, 0, BROKER_COMMITTED, see_below_mark, &mark);
	}
}

static void
run_checked(int64_t ms)
{
	for (int64_t step = ms / 20; ms > 0; ms -= step) {
		world_run(step);
		check_marks();
	}
}

/* -- losses ---------------------------------------------------------------- */

static void
post_some(unsigned n)
{
	char id[16];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "j%u-%u", n, i);
		world_post(i == 2 ? TOPIC_BULK : TOPIC_JOBS, "verify",
		    world_name((int32_t)i % PARTITIONS, (int)(n + i) % 4), id,
		    "\"deadline_s\":60");
	}
}

static void
a_lost_call_is_made_good(void **state)
{
	(void)state;
	world_start(0);
	world_run(SECOND);
	for (unsigned n = 1; n <= 12; n++) {
		fake_redis_lose(n % 6 + 1);
		post_some(n);
		run_checked(200);
		post_some(n + 100);
		run_checked(200);
	}
	run_checked(CHECK_MS + 2 * MINUTE);
	world_check_settled();
	assert_string_equal(job_field("j1-0", "outcome"), "expired");
}

/* Down from before the job to after its end, and over a change of owner. */
static void
what_ended_while_it_was_down_is_there_when_it_is_up(void **state)
{
	(void)state;
	const char *domain = world_name(0, 0);

	world_dns(domain, VERDICT_PASS, CODE_NONE);
	world_start(0);
	world_run(SECOND);
	fake_redis_down(true);
	world_post(TOPIC_JOBS, "verify", domain, "j1", NULL);
	world_run(MINUTE);
	assert_string_equal(world_outcome(domain, "j1"), "verified");
	assert_string_equal(claim_field(domain, "status"), "");
	world_crash(0);
	world_start(0);
	world_post(TOPIC_JOBS, "verify", world_name(1, 0), "j2", NULL);
	world_run(HOUR);
	fake_redis_down(false);
	world_run(CHECK_MS);
	assert_string_equal(claim_field(domain, "shield"), "green");
	/* from the header of its tombstone */
	assert_string_equal(job_field("j1", "outcome"), "verified");
	assert_string_equal(job_field("j1", "looks"), "1");
	assert_string_equal(job_field("j2", "outcome"), "open");
	assert_string_equal(claim_field(world_name(1, 0), "job"), "j2");
	world_post(
	    TOPIC_JOBS, "cancel", world_name(1, 0), "c", "\"target\":\"j2\"");
	world_run(SECOND);
	world_check_settled();
}

static void
what_is_wiped_is_written_again(void **state)
{
	(void)state;
	int64_t marks[PARTITIONS];

	world_start(0);
	for (unsigned n = 0; n < 4; n++)
		post_some(n);
	world_run(5 * MINUTE);
	for (int32_t p = 0; p < PARTITIONS; p++)
		marks[p] = fake_redis_mark(p);
	fake_redis_wipe();
	world_run(CHECK_MS + SECOND);
	for (int32_t p = 0; p < PARTITIONS; p++)
		assert_int_equal(fake_redis_mark(p), marks[p]);
	assert_string_equal(job_field("j0-0", "outcome"), "expired");
	world_check_settled();
}

static void
wiped_amid_work(void **state)
{
	(void)state;
	world_start(0);
	for (unsigned n = 0; n < 20; n++) {
		post_some(n);
		world_run(15);
		fake_redis_wipe();
		run_checked(40);
	}
	run_checked(CHECK_MS + 2 * MINUTE);
	world_check_settled();
}

static void
go_down(void)
{
	fake_redis_down(true);
}

/* The process ends between the commit and Redis. */
static void
a_kill_behind_the_commit_leaves_nothing_undone(void **state)
{
	(void)state;
	const char *domain = world_name(0, 0);

	world_dns(domain, VERDICT_PASS, CODE_NONE);
	world_start(0);
	world_run(SECOND);
	world_post(TOPIC_JOBS, "verify", domain, "j1", NULL);
	world_when("status.before", NULL, 1, go_down);
	world_run(100);
	assert_true(world_happened());
	assert_string_equal(world_outcome(domain, "j1"), "verified");
	assert_string_equal(job_field("j1", "outcome"), "");
	world_crash(0);
	fake_redis_down(false);
	world_start(0);
	assert_string_equal(job_field("j1", "outcome"), "verified");
	world_check_settled();
}

/* Somebody's tombstone without our header does not hold up the rest. */
static void
a_tombstone_that_says_nothing_is_passed_by(void **state)
{
	(void)state;
	static const char strange[] = "job/acme/x.test/j9";
	const struct kafka_header header = {
	    .name = "who", .value = (const uint8_t *)"me", .len = 2};

	world_start(0);
	post_some(0);
	world_run(MINUTE);
	world_crash(0);
	sim_post(&(struct kafka_out){.topic = TOPIC_STATE,
	    .key = strange,
	    .key_len = sizeof(strange) - 1,
	    .headers = &header,
	    .headers_n = 1});
	fake_redis_wipe();
	world_start(0);
	world_run(CHECK_MS + MINUTE);
	world_check_settled();
}

/* -- owners in turn -------------------------------------------------------- */

static void
others_take_over(void)
{
	world_dns_delay(1000 * HOUR); /* no look tells more */
	world_freeze(0);
	world_run(30 * SECOND);
	world_post(
	    TOPIC_JOBS, "cancel", world_name(0, 0), "c", "\"target\":\"j1\"");
	world_run(SECOND);
}

/* A stops between its commit and Redis. B takes over and ends the job. A goes
 * on: its call comes late, and must not say that the job is open. */
static void
a_late_call_of_an_earlier_owner_undoes_nothing(void **state)
{
	(void)state;
	const char *domain = world_name(0, 0);

	world_start(0);
	world_start(1);
	world_post(TOPIC_JOBS, "claim", domain, "c0", NULL);
	world_run(SECOND);
	world_dns_delay(100);
	world_post(TOPIC_JOBS, "verify", domain, "j1", NULL);
	/* what it was accepted by; the look is out */
	world_when("status.before", NULL, 1, others_take_over);
	world_run(50);
	assert_true(world_happened());
	assert_string_equal(job_field("j1", "outcome"), "cancelled");
	assert_string_equal(claim_field(domain, "job"), "");
	world_thaw(0);
	world_run(20 * SECOND);
	assert_string_equal(job_field("j1", "outcome"), "cancelled");
	assert_string_equal(claim_field(domain, "job"), "");
	assert_string_equal(claim_field(domain, "shield"), "grey");
	world_check_settled();
}

static void
two_owners_in_turn_leave_it_right(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 6; n++) {
		unsigned slot = n % 2;

		world_start(slot);
		world_run(12 * SECOND);
		fake_redis_lose(n + 1);
		post_some(n);
		run_checked(100);
		if (n % 3 == 0)
			world_drain(slot);
		else
			world_crash(slot);
	}
	world_start(0);
	run_checked(CHECK_MS + 2 * MINUTE);
	world_check_settled();
}

/* -- what it says ---------------------------------------------------------- */

static void
a_joined_request_moves_the_deadline_that_is_shown(void **state)
{
	(void)state;
	const char *domain = world_name(0, 0);
	char want[32];
	int64_t posted;

	world_start(0);
	world_post(TOPIC_JOBS, "verify", domain, "j1", "\"deadline_s\":600");
	world_run(SECOND);
	posted = world_now();
	world_post(TOPIC_JOBS, "verify", domain, "j2", "\"deadline_s\":3600");
	world_run(SECOND);
	snprintf(want, sizeof(want), "%lld", (long long)(posted + HOUR));
	assert_string_equal(claim_field(domain, "deadline_ms"), want);
	assert_string_equal(job_field("j1", "deadline_ms"), want);
}

struct order {
	unsigned n, claim, job; /* places, from 1 on */
};

static void
note_order(void *arg, const char *key)
{
	struct order *o = arg;

	o->n++;
	if (strncmp(key, "domainproof:claim:", 18) == 0)
		o->claim = o->n;
	if (strncmp(key, "domainproof:job:", 16) == 0)
		o->job = o->n;
}

/* Who waits for the end of a job goes on to read the claim. */
static void
a_claim_is_there_before_the_job_that_made_it(void **state)
{
	(void)state;
	struct order o = {.n = 0};

	world_start(0);
	world_post(TOPIC_JOBS, "claim", world_name(0, 0), "j1", NULL);
	world_run(SECOND);
	fake_redis_each(note_order, &o);
	assert_int_not_equal(o.claim, 0);
	assert_true(o.claim < o.job);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_lost_call_is_made_good),
	    CASE(what_ended_while_it_was_down_is_there_when_it_is_up),
	    CASE(what_is_wiped_is_written_again),
	    CASE(wiped_amid_work),
	    CASE(a_kill_behind_the_commit_leaves_nothing_undone),
	    CASE(a_tombstone_that_says_nothing_is_passed_by),
	    CASE(a_late_call_of_an_earlier_owner_undoes_nothing),
	    CASE(two_owners_in_turn_leave_it_right),
	    CASE(a_joined_request_moves_the_deadline_that_is_shown),
	    CASE(a_claim_is_there_before_the_job_that_made_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
