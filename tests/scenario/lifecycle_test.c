/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a job, from its post to its one result. */
#include "tests/scenario/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void
a_published_record_is_verified_in_one_transaction(void **state)
{
	(void)state;
	world_dns("a.test", VERDICT_PASS, CODE_NONE);
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", NULL);
	world_run(SECOND);
	assert_string_equal(world_outcome("a.test", "j1"), "verified");
	assert_int_equal(world_looks("a.test"), 1);
	assert_int_equal(world_count(TOPIC_EVENTS, "record.issued", NULL), 1);
	assert_int_equal(world_count(TOPIC_EVENTS, "claim.verified", NULL), 1);
	assert_string_equal(
	    fake_redis_field("domainproof:claim:a.test:acme", "shield"),
	    "green");
	assert_string_equal(
	    fake_redis_field("domainproof:job:acme:j1", "outcome"), "verified");
	world_check_settled();
}

static void
looks_go_on_to_the_deadline_and_then_it_expires(void **state)
{
	(void)state;
	static const int64_t age[] = {0, 30 * SECOND, MINUTE, 2 * MINUTE,
	    4 * MINUTE, 8 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR};
	int64_t posted;
	size_t n;

	world_start(0);
	posted = world_now();
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", NULL);
	world_run(48 * HOUR - SECOND);
	assert_string_equal(world_outcome("a.test", "j1"), "");
	world_run(2 * SECOND);
	assert_string_equal(world_outcome("a.test", "j1"), "expired");
	n = world_looks("a.test");
	assert_in_range(n, 52, 62);
	for (size_t i = 0; i < ARRAY_LEN(age); i++) {
		int64_t at = world_look_at("a.test", i) - posted;

		assert_in_range(
		    at, age[i] - age[i] / 10, age[i] + age[i] / 10 + 100);
	}
	assert_in_range(world_look_at("a.test", n - 1) - posted, 48 * HOUR,
	    48 * HOUR + 100);
	assert_int_equal(world_count(TOPIC_EVENTS, "check.changed", NULL), 1);
	assert_int_equal(world_count(TOPIC_EVENTS, "look.done", NULL), 1);
	assert_string_equal(
	    fake_redis_field("domainproof:claim:a.test:acme", "shield"), "red");
	world_run(24 * HOUR);
	assert_int_equal(world_looks("a.test"), n);
	world_check_settled();
}

static void
a_deadline_that_passes_while_all_is_down_gets_one_look(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", "\"deadline_s\":3600");
	world_post(TOPIC_JOBS, "verify", "b.test", "j2", "\"deadline_s\":3600");
	world_run(10 * MINUTE);
	world_crash(0);
	world_run(5 * HOUR);
	world_dns("b.test", VERDICT_PASS, CODE_NONE);
	size_t before = world_looks("a.test");
	world_start(0);
	world_run(SECOND);
	assert_string_equal(world_outcome("a.test", "j1"), "expired");
	assert_string_equal(world_outcome("b.test", "j2"), "verified");
	assert_int_equal(world_looks("a.test"), before + 1);
	world_check_settled();
}

static void
a_record_published_later_turns_the_shield_green(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", NULL);
	world_run(20 * MINUTE);
	assert_string_equal(
	    fake_redis_field("domainproof:claim:a.test:acme", "shield"),
	    "amber");
	world_dns("a.test", VERDICT_PASS, CODE_NONE);
	world_run(15 * MINUTE);
	assert_string_equal(world_outcome("a.test", "j1"), "verified");
	world_check_settled();
}

static void
one_look_when_the_deadline_is_zero(void **state)
{
	(void)state;
	world_dns("bad.test", VERDICT_UNDECIDED, CODE_SERVFAIL);
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "no.test", "j1", "\"deadline_s\":0");
	world_post(TOPIC_JOBS, "verify", "bad.test", "j2", "\"deadline_s\":0");
	world_run(SECOND);
	assert_string_equal(world_outcome("no.test", "j1"), "failed");
	assert_string_equal(world_outcome("bad.test", "j2"), "undecided");
	world_check_settled();
}

static void
an_equal_request_joins_and_the_later_deadline_wins(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", "\"deadline_s\":600");
	world_run(MINUTE);
	world_post(TOPIC_JOBS, "verify", "a.test", "j2", "\"deadline_s\":7200");
	world_run(MINUTE);
	assert_string_equal(world_outcome("a.test", "j2"), "joined");
	assert_int_equal(
	    world_count(TOPIC_RESULTS, "\"joined\":\"j1\"", NULL), 1);
	world_run(30 * MINUTE);
	assert_string_equal(world_outcome("a.test", "j1"), "");
	world_run(2 * HOUR);
	assert_string_equal(world_outcome("a.test", "j1"), "expired");
	world_check_settled();
}

static void
an_identity_gives_one_result_however_often_it_is_posted(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", "\"deadline_s\":600");
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", "\"deadline_s\":600");
	world_run(MINUTE);
	world_post(TOPIC_BULK, "verify", "a.test", "j1", "\"deadline_s\":600");
	world_run(HOUR);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", "\"deadline_s\":600");
	world_run(MINUTE);
	assert_string_equal(world_outcome("a.test", "j1"), "expired");
	assert_int_equal(world_count(TOPIC_EVENTS, "job.conflict", NULL), 0);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", "\"deadline_s\":601");
	world_run(MINUTE);
	assert_int_equal(world_count(TOPIC_EVENTS, "job.conflict", NULL), 1);
	assert_string_equal(world_outcome("a.test", "j1"), "expired");
	world_check_settled();
}

static void
a_cancel_ends_the_job_also_when_it_comes_first(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", NULL);
	world_run(SECOND);
	world_post(TOPIC_JOBS, "cancel", "a.test", "c1", "\"target\":\"j1\"");
	world_post(TOPIC_JOBS, "cancel", "a.test", "c2", "\"target\":\"j2\"");
	world_run(SECOND);
	world_post(TOPIC_BULK, "verify", "a.test", "j2", NULL);
	world_run(SECOND);
	assert_string_equal(world_outcome("a.test", "j1"), "cancelled");
	assert_string_equal(world_outcome("a.test", "c1"), "done");
	assert_string_equal(world_outcome("a.test", "j2"), "cancelled");
	assert_int_equal(world_looks("a.test"), 1);
	world_check_settled();
}

static void
a_release_ends_jobs_and_draws_a_new_token(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "c1", NULL);
	world_post(TOPIC_JOBS, "claim", "a.test", "c2", NULL);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", NULL);
	world_run(SECOND);
	assert_int_equal(world_count(TOPIC_EVENTS, "record.issued", NULL), 1);
	world_post(TOPIC_JOBS, "release", "a.test", "r1", NULL);
	world_run(SECOND);
	assert_string_equal(world_outcome("a.test", "j1"), "cancelled");
	assert_string_equal(
	    fake_redis_field("domainproof:claim:a.test:acme", "status"),
	    "released");
	world_post(TOPIC_JOBS, "claim", "a.test", "c3", NULL);
	world_run(SECOND);
	assert_int_equal(world_count(TOPIC_EVENTS, "record.issued", NULL), 2);
	assert_int_equal(
	    world_count(TOPIC_EVENTS, "record.issued", "\"ver\":1,", NULL), 1);
	world_check_settled();
}

static void
two_organisations_that_prove_one_domain_are_both_told(void **state)
{
	(void)state;
	static const char other[] =
	    "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"t\",\"type\":"
	    "\"domainproof.job.v1\",\"data\":{\"org\":\"other\",\"domain\":"
	    "\"a.test\",\"kind\":\"%s\"}}";
	int32_t p = murmur2_partition("a.test", 6, 4);
	char job[512];

	world_dns("a.test", VERDICT_PASS, CODE_NONE);
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", NULL);
	world_run(SECOND);
	assert_int_equal(world_count(TOPIC_EVENTS, "claim.contested", NULL), 0);
	snprintf(job, sizeof(job), other, "o1", "verify");
	world_post_raw(TOPIC_JOBS, p, "a.test", job);
	world_run(SECOND);
	assert_int_equal(
	    world_count(TOPIC_EVENTS, "claim.contested", "\"acme\"", NULL), 1);
	assert_int_equal(
	    world_count(TOPIC_EVENTS, "claim.contested", "\"other\"", NULL), 1);
	assert_int_equal(world_count(TOPIC_EVENTS, "claim.contested",
			     "\"acme\"", "\"other\"", NULL),
	    0);
	assert_non_null(
	    strstr(fake_redis_field("domainproof:claim:a.test:acme", "doc"),
		"\"contested\":true"));
	world_crash(0);
	world_start(0);
	snprintf(job, sizeof(job), other, "o2", "release");
	world_post_raw(TOPIC_JOBS, p, "a.test", job);
	world_run(SECOND);
	assert_non_null(
	    strstr(fake_redis_field("domainproof:claim:a.test:acme", "doc"),
		"\"contested\":false"));
	world_check_settled();
}

static void
what_is_refused_is_answered(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "co.uk", "j1", NULL);
	world_post(TOPIC_JOBS, "paint", "a.test", "j2", NULL);
	world_post(
	    TOPIC_JOBS, "verify", "a.test", "j3", "\"deadline_s\":172801");
	world_run(SECOND);
	assert_int_equal(
	    world_count(TOPIC_RESULTS, "rejected", "\"public_suffix\"", NULL),
	    1);
	assert_int_equal(
	    world_count(TOPIC_RESULTS, "rejected", "\"unknown_kind\"", NULL),
	    1);
	assert_int_equal(
	    world_count(TOPIC_RESULTS, "rejected", "\"bad_deadline\"", NULL),
	    1);
	assert_int_equal(world_count(TOPIC_EVENTS, "job.rejected", NULL), 3);
	assert_int_equal(world_count(TOPIC_DEAD, NULL), 0);
	world_check_settled();
}

static void
what_cannot_be_read_is_set_aside_byte_for_byte(void **state)
{
	(void)state;
	world_start(0);
	world_post_raw(TOPIC_JOBS, 0, NULL, "{\"a\":\x01 not json");
	world_post_raw(TOPIC_JOBS, 0, "k", NULL);
	world_post(TOPIC_JOBS, "verify", "a.test", "j1", "\"deadline_s\":0");
	world_run(SECOND);
	assert_int_equal(
	    world_count(TOPIC_DEAD, "{\"a\":\x01 not json", NULL), 1);
	assert_int_equal(world_count(TOPIC_DEAD, NULL), 2);
	assert_int_equal(world_count(TOPIC_EVENTS, "job.dead", NULL), 2);
	assert_string_equal(world_outcome("a.test", "j1"), "failed");
	world_crash(0);
	world_start(0);
	world_run(MINUTE);
	assert_int_equal(world_count(TOPIC_DEAD, NULL), 2);
}

static void
what_came_to_the_wrong_partition_is_sent_to_its_own(void **state)
{
	(void)state;
	static const char job[] =
	    "{\"specversion\":\"1.0\",\"id\":\"j1\",\"source\":\"t\",\"type\":"
	    "\"domainproof.job.v1\",\"data\":{\"org\":\"acme\",\"domain\":"
	    "\"A.Test\",\"kind\":\"verify\",\"deadline_s\":0}}";
	int32_t right = murmur2_partition("a.test", 6, 4);

	world_dns("a.test", VERDICT_PASS, CODE_NONE);
	world_start(0);
	world_post_raw(TOPIC_JOBS, (right + 1) % 4, "A.Test", job);
	world_post_raw(TOPIC_JOBS, right, NULL, job);
	world_run(SECOND);
	assert_string_equal(world_outcome("a.test", "j1"), "verified");
	assert_int_equal(world_count(TOPIC_EVENTS, "job.conflict", NULL), 0);
	assert_int_equal(world_looks("a.test"), 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_published_record_is_verified_in_one_transaction),
	    CASE(looks_go_on_to_the_deadline_and_then_it_expires),
	    CASE(a_deadline_that_passes_while_all_is_down_gets_one_look),
	    CASE(a_record_published_later_turns_the_shield_green),
	    CASE(one_look_when_the_deadline_is_zero),
	    CASE(an_equal_request_joins_and_the_later_deadline_wins),
	    CASE(an_identity_gives_one_result_however_often_it_is_posted),
	    CASE(a_cancel_ends_the_job_also_when_it_comes_first),
	    CASE(a_release_ends_jobs_and_draws_a_new_token),
	    CASE(two_organisations_that_prove_one_domain_are_both_told),
	    CASE(what_is_refused_is_answered),
	    CASE(what_cannot_be_read_is_set_aside_byte_for_byte),
	    CASE(what_came_to_the_wrong_partition_is_sent_to_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
