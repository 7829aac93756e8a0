/* SPDX-License-Identifier: Apache-2.0 */
/* Functions: asked for, proven, switched on and off, lost after days and not
 * before; looks that nobody posted a job for; and what two organisations may
 * have of one domain. */
#include "tests/scenario/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DAY   (24 * HOUR)
#define NEVER (1000 * HOUR)

#define OWNERSHIP (1u << CHECK_OWNERSHIP)
#define SPF	  (1u << CHECK_SPF)
#define DKIM	  (1u << CHECK_DKIM)
#define DMARC	  (1u << CHECK_DMARC)
#define ALL	  (OWNERSHIP | SPF | DKIM | DMARC)

#define KEY(selector, p)                                                       \
	"\"selector\":\"" selector "\",\"key_type\":\"ed25519\","              \
	"\"public_key\":\"" p "\""
#define KEY_1 KEY("s1", "Vc2bjVm+eocB5pBAv1iFXMVTV6/s8LnKi6YIy5gD0QI=")
#define KEY_2 KEY("s2", "HfUiaL7kp1BAQXA2SNFlWU4T9KUhrUjzjqgtU6Qe93c=")
/* another key of the first one's name */
#define KEY_OTHER KEY("s1", "p8ASQto4Hn2YI46N0fXRdtck4hxOVtrjvznw52BAe38=")
#define KEY_SHORT                                                              \
	"\"selector\":\"s1\",\"key_type\":\"rsa\",\"public_key\":\""           \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCi2MUUyJsLMqO9XuAi2RWGSVL"     \
	"qBkZ0PPa6t055VjskSd5SI+01O5FSFMJKtVrsKoZxzayLVvvHVAgOpii6OcEPCXB"     \
	"Y/EaUJBrSPC6EjBisf6UL8d5xg3l72cYoeuXfgPLQi2kK01Zus3aeB9mZxhoV7MI"     \
	"JhA/gDxLY3d9rPsKvQIDAQAB\""

#define THEN_BOTH                                                              \
	"\"then\":\"activate\",\"checks\":[\"ownership\",\"spf\",\"dkim\","    \
	"\"dmarc\"]"
#define BOTH "\"functions\":[\"spf\",\"dkim\"]"

/* -- the DNS and what is said ---------------------------------------------- */

static void
publish(const char *domain, uint32_t checks)
{
	for (int c = 0; c < CHECK_N; c++)
		if (checks & 1u << c)
			world_check(
			    domain, (enum check)c, VERDICT_PASS, CODE_NONE);
}

static void
take_away(const char *domain, uint32_t checks)
{
	for (int c = 0; c < CHECK_N; c++)
		if (checks & 1u << c)
			world_check(domain, (enum check)c, VERDICT_NONE,
			    CODE_NOT_PUBLISHED);
}

static void
break_all(const char *domain, enum code code)
{
	for (int c = 0; c < CHECK_N; c++)
		world_check(domain, (enum check)c, VERDICT_UNDECIDED, code);
}

static const char *
field(const char *domain, const char *name)
{
	char key[320];
	const char *text;

	snprintf(key, sizeof(key), "domainproof:claim:%s:acme", domain);
	text = fake_redis_field(key, name);
	return text == NULL ? "" : text;
}

static const struct claim *
claim_of(const char *domain)
{
	const struct part *part = scheduler_part(world_scheduler(0),
	    murmur2_partition(domain, strlen(domain), WORLD_PARTITIONS));
	char key[320];

	snprintf(key, sizeof(key), "acme/%s", domain);
	return &((const struct open_claim *)table_find(&part->claims, key))
		    ->claim;
}

static void
assert_function(
    const char *domain, enum function fn, enum function_status status)
{
	assert_string_equal(
	    function_status_name(claim_of(domain)->function[fn].status),
	    function_status_name(status));
}

static void
assert_both(const char *domain, enum function_status status)
{
	assert_function(domain, FUNCTION_SPF, status);
	assert_function(domain, FUNCTION_DKIM, status);
}

static void
assert_sends_as(const char *domain, const char *who)
{
	char text[64];

	snprintf(text, sizeof(text), "\"send_as\":\"%s\"", who);
	assert_non_null(strstr(field(domain, "doc"), text));
}

static size_t
changes(const char *function, const char *status)
{
	char fn[48], st[48];

	snprintf(fn, sizeof(fn), "\"function\":\"%s\"", function);
	snprintf(st, sizeof(st), "\"status\":\"%s\"", status);
	return world_count(TOPIC_EVENTS, "function.changed", fn, st, NULL);
}

static void
assert_rejected(const char *id, const char *code)
{
	char text[64], who[64];

	snprintf(text, sizeof(text), "\"code\":\"%s\"", code);
	snprintf(who, sizeof(who), "\"id\":\"%s\"", id);
	if (world_count(TOPIC_RESULTS, "rejected", text, who, NULL) != 1)
		fail_msg("%s is not rejected with %s", id, code);
}

/* Verified, with a key and both functions on. */
static void
switch_on(const char *domain)
{
	publish(domain, ALL);
	world_post(TOPIC_JOBS, "claim", domain, "on-key", KEY_1);
	world_post(TOPIC_JOBS, "verify", domain, "on", THEN_BOTH);
	world_run(SECOND);
	assert_string_equal(world_outcome(domain, "on"), "verified");
	assert_both(domain, FUNCTION_ACTIVE);
}

/* -- on ------------------------------------------------------------------ */

static void
what_is_proven_is_switched_on_in_one_job(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	assert_int_equal(world_looks("a.test"), 1);
	assert_int_equal(world_last_look("a.test")->checks, ALL);
	assert_int_equal(world_last_look("a.test")->proven, 0);
	assert_string_equal(world_last_look("a.test")->selector, "s1");
	assert_int_equal(changes("spf", "active"), 1);
	assert_int_equal(changes("dkim", "active"), 1);
	assert_string_equal(field("a.test", "shield"), "green");
	assert_sends_as("a.test", "customer");
	/* the token's record, and the key's */
	assert_int_equal(world_count(TOPIC_EVENTS, "record.issued", NULL), 2);
	assert_int_equal(world_count(TOPIC_EVENTS, "record.issued",
			     "s1._domainkey.a.test", NULL),
	    1);
	assert_int_equal(world_count(TOPIC_RESULTS, "\"id\":\"on\"",
			     "\"check\":\"ownership\"", "\"check\":\"spf\"",
			     "\"check\":\"dkim\"", "\"check\":\"dmarc\"", NULL),
	    1);
	world_check_settled();
}

static void
activate_comes_after_the_proof(void **state)
{
	(void)state;
	publish("a.test", ALL);
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", NULL);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_run(SECOND);
	assert_int_equal(world_last_look("a.test")->checks, OWNERSHIP);
	assert_sends_as("a.test", "default");
	world_post(TOPIC_JOBS, "activate", "a.test", "a", BOTH);
	world_run(SECOND);
	assert_string_equal(world_outcome("a.test", "a"), "verified");
	assert_int_equal(world_last_look("a.test")->checks, SPF | DKIM | DMARC);
	assert_both("a.test", FUNCTION_ACTIVE);
	/* from now on they are part of what is verified */
	world_post(TOPIC_BULK, "verify", "a.test", "w", "\"deadline_s\":0");
	world_run(SECOND);
	assert_int_equal(world_last_look("a.test")->checks, ALL);
	assert_int_equal(world_last_look("a.test")->proven, ALL);
	world_check_settled();
}

/* Each check settles by itself, at once; what is to be switched on is asked for
 * again all the same. */
static void
each_check_settles_by_itself(void **state)
{
	(void)state;
	publish("a.test", OWNERSHIP);
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", THEN_BOTH);
	world_run(SECOND);
	assert_string_equal(field("a.test", "status"), "verified");
	assert_string_equal(field("a.test", "shield"), "amber");
	assert_string_equal(world_outcome("a.test", "v"), "");
	assert_both("a.test", FUNCTION_PENDING);
	world_run(3 * MINUTE);
	assert_int_equal(world_last_look("a.test")->checks, SPF | DKIM | DMARC);
	publish("a.test", SPF);
	world_run(6 * MINUTE);
	assert_function("a.test", FUNCTION_SPF, FUNCTION_ACTIVE);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_PENDING);
	world_crash(0);
	world_start(0);
	world_run(20 * MINUTE);
	assert_int_equal(world_last_look("a.test")->checks, SPF | DKIM | DMARC);
	publish("a.test", DKIM);
	world_run(40 * MINUTE);
	assert_string_equal(world_outcome("a.test", "v"), "verified");
	assert_both("a.test", FUNCTION_ACTIVE);
	assert_int_equal(
	    world_count(TOPIC_RESULTS, "\"id\":\"v\"", "\"check\":\"dkim\"",
		"\"check\":\"spf\"", "\"check\":\"ownership\"", NULL),
	    1);
	world_check_settled();
}

/* A proof that came before ownership's waits for it. */
static void
a_proof_waits_for_ownership(void **state)
{
	(void)state;
	publish("a.test", SPF | DKIM);
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", THEN_BOTH);
	world_run(SECOND);
	assert_both("a.test", FUNCTION_PENDING);
	publish("a.test", OWNERSHIP);
	world_run(MINUTE);
	assert_int_equal(world_last_look("a.test")->checks, ALL);
	assert_string_equal(world_outcome("a.test", "v"), "verified");
	assert_both("a.test", FUNCTION_ACTIVE);
	world_check_settled();
}

/* What was right and is gone when the rest comes is not switched on, and the
 * job goes on with it. */
static void
a_proof_that_is_gone_switches_nothing_on(void **state)
{
	(void)state;
	publish("a.test", SPF | DKIM | DMARC);
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "verify", "a.test", "v",
	    "\"deadline_s\":172800," THEN_BOTH);
	world_run(2 * SECOND);
	take_away("a.test", SPF);
	world_post(TOPIC_JOBS, "recheck", "a.test", "r", NULL);
	world_run(2 * SECOND);
	publish("a.test", OWNERSHIP);
	world_run(2 * MINUTE);
	assert_string_equal(world_outcome("a.test", "v"), "");
	assert_function("a.test", FUNCTION_SPF, FUNCTION_PENDING);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_ACTIVE);
	world_run(30 * HOUR);
	publish("a.test", SPF);
	world_run(2 * HOUR);
	assert_string_equal(world_outcome("a.test", "v"), "verified");
	assert_both("a.test", FUNCTION_ACTIVE);
	world_check_settled();
}

/* Nothing is asked for when nobody asks any more. */
static void
no_wish_outlives_its_job(void **state)
{
	(void)state;
	world_policy()->dkim_required = DKIM_REQUIRED_REFUSE;
	publish("a.test", OWNERSHIP | SPF | DMARC);
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "activate", "a.test", "d",
	    "\"deadline_s\":3600,\"functions\":[\"dkim\"]");
	world_post(
	    TOPIC_JOBS, "activate", "a.test", "s", "\"functions\":[\"spf\"]");
	world_run(MINUTE);
	assert_string_equal(world_outcome("a.test", "s"), "");
	world_run(3 * DAY);
	assert_string_equal(world_outcome("a.test", "d"), "expired");
	assert_string_equal(world_outcome("a.test", "s"), "expired");
	assert_both("a.test", FUNCTION_EXPIRED);
	/* and what waits for another's function is told at once that it is on
	 */
	world_post(
	    TOPIC_JOBS, "activate", "a.test", "d2", "\"functions\":[\"dkim\"]");
	world_post(
	    TOPIC_JOBS, "activate", "a.test", "s2", "\"functions\":[\"spf\"]");
	world_run(MINUTE);
	publish("a.test", DKIM);
	world_run(3 * MINUTE);
	assert_string_equal(world_outcome("a.test", "d2"), "verified");
	assert_string_equal(world_outcome("a.test", "s2"), "verified");
	assert_both("a.test", FUNCTION_ACTIVE);
	world_check_settled();
}

/* Who joins an open job gets what is true at its end. */
static void
an_old_proof_is_none(void **state)
{
	(void)state;
	publish("a.test", SPF | DKIM | DMARC);
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "verify", "a.test", "v",
	    "\"deadline_s\":172800," THEN_BOTH);
	world_run(SECOND);
	take_away("a.test", SPF);
	world_run(47 * HOUR);
	world_post(TOPIC_JOBS, "verify", "a.test", "w",
	    "\"deadline_s\":172800," THEN_BOTH);
	world_run(40 * HOUR);
	publish("a.test", OWNERSHIP);
	world_run(2 * HOUR);
	assert_string_equal(world_outcome("a.test", "v"), "");
	assert_string_equal(field("a.test", "status"), "verified");
	assert_function("a.test", FUNCTION_SPF, FUNCTION_PENDING);
	world_run(10 * HOUR);
	assert_string_equal(world_outcome("a.test", "v"), "expired");
	assert_function("a.test", FUNCTION_SPF, FUNCTION_EXPIRED);
	world_check_settled();
}

/* Advice is told when it comes soon, and waited for no longer. */
static void
advice_holds_nothing_back(void **state)
{
	(void)state;
	publish("a.test", OWNERSHIP | SPF);
	publish("b.test", OWNERSHIP | SPF);
	world_check("a.test", CHECK_DMARC, VERDICT_FAIL, CODE_DMARC_UNALIGNED);
	world_start(0);
	world_check_delay(CHECK_DMARC, 100);
	world_post(TOPIC_JOBS, "verify", "a.test", "v",
	    "\"checks\":[\"ownership\",\"spf\",\"dmarc\"]");
	world_run(SECOND);
	assert_string_equal(world_outcome("a.test", "v"), "verified");
	assert_int_equal(world_count(TOPIC_RESULTS, "\"domain\":\"a.test\"",
			     "DMARC_UNALIGNED", NULL),
	    1);
	world_check_delay(CHECK_DMARC, NEVER);
	world_post(TOPIC_JOBS, "verify", "b.test", "v",
	    "\"checks\":[\"ownership\",\"spf\",\"dmarc\"]");
	world_run(250);
	assert_string_equal(field("b.test", "status"), "verified");
	world_run(200);
	assert_string_equal(world_outcome("b.test", "v"), "verified");
	assert_string_equal(
	    fake_redis_field("domainproof:job:acme:v", "looks"), "1");
	world_run(2 * MINUTE);
	assert_int_equal(world_scheduler(0)->asked_n[LANE_JOBS], 0);
	world_check_settled();
}

/* What is still out when a resolver dies, and no more, is asked again. */
static void
a_new_resolver_is_asked_what_is_out(void **state)
{
	(void)state;
	publish("a.test", ALL);
	world_start(0);
	world_check_delay(CHECK_SPF, NEVER);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", THEN_BOTH);
	world_run(SECOND);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_ACTIVE);
	world_dns_delay(3);
	world_new_resolver(0);
	world_run(SECOND);
	assert_int_equal(world_looks("a.test"), 2);
	assert_int_equal(world_last_look("a.test")->checks, SPF);
	assert_string_equal(world_outcome("a.test", "v"), "verified");
	assert_string_equal(
	    fake_redis_field("domainproof:job:acme:v", "looks"), "1");
	world_check_settled();
}

static void
an_equal_request_asks_for_the_same_functions(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "verify", "a.test", "v0",
	    "\"checks\":[\"ownership\",\"spf\"]");
	world_post(TOPIC_JOBS, "verify", "a.test", "v1",
	    "\"checks\":[\"ownership\",\"spf\"],\"then\":\"activate\"");
	world_post(TOPIC_JOBS, "verify", "a.test", "v2",
	    "\"checks\":[\"ownership\",\"spf\"],\"then\":\"activate\"");
	world_run(SECOND);
	assert_int_equal(
	    world_count(TOPIC_RESULTS, "joined", "\"joined\":\"v1\"", NULL), 1);
	assert_string_equal(world_outcome("a.test", "v0"), "");
	/* what one look finds right settles all that are open */
	publish("a.test", OWNERSHIP | SPF);
	world_run(MINUTE);
	assert_string_equal(world_outcome("a.test", "v0"), "verified");
	assert_string_equal(world_outcome("a.test", "v1"), "verified");
	assert_function("a.test", FUNCTION_SPF, FUNCTION_ACTIVE);
	world_check_settled();
}

/* Where policy demands signatures, spf waits for dkim. */
static void
spf_waits_for_dkim_where_it_must(void **state)
{
	(void)state;
	world_policy()->dkim_required = DKIM_REQUIRED_REFUSE;
	publish("a.test", OWNERSHIP | SPF);
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(
	    TOPIC_JOBS, "activate", "a.test", "s", "\"functions\":[\"spf\"]");
	world_run(SECOND);
	assert_rejected("s", "dkim_required");
	world_post(TOPIC_JOBS, "activate", "a.test", "a", BOTH);
	world_run(MINUTE);
	assert_both("a.test", FUNCTION_PENDING);
	assert_sends_as("a.test", "default");
	publish("a.test", DKIM);
	world_run(10 * MINUTE);
	assert_string_equal(world_outcome("a.test", "a"), "verified");
	assert_both("a.test", FUNCTION_ACTIVE);
	world_post(TOPIC_JOBS, "deactivate", "a.test", "d",
	    "\"functions\":[\"dkim\"]");
	world_run(SECOND);
	assert_rejected("d", "dkim_required");
	assert_both("a.test", FUNCTION_ACTIVE);
	world_check_settled();
}

/* -- off ----------------------------------------------------------------- */

static void
deactivate_is_at_once_and_ahead_of_the_bulk_lane(void **state)
{
	(void)state;
	char id[16];

	world_start(0);
	switch_on("a.test");
	world_dns_delay(400);
	for (int i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "b%d", i);
		world_post(TOPIC_BULK, "verify", world_name(i % 4, i / 400), id,
		    "\"deadline_s\":0");
	}
	world_run(50);
	world_post(
	    TOPIC_JOBS, "deactivate", "a.test", "d", "\"functions\":[\"spf\"]");
	world_run(SECOND);
	assert_string_equal(world_outcome("a.test", "d"), "done");
	assert_sends_as("a.test", "default");
	assert_function("a.test", FUNCTION_SPF, FUNCTION_OFF);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_ACTIVE);
	assert_string_equal(field("a.test", "shield"), "green");
	/* support may do it too, and nothing that begins something */
	world_post(TOPIC_CONTROL, "deactivate", "a.test", "e",
	    "\"functions\":[\"dkim\"]");
	world_post(TOPIC_CONTROL, "activate", "a.test", "f",
	    "\"functions\":[\"dkim\"]");
	world_post(TOPIC_CONTROL, "watch", "a.test", "g", NULL);
	world_run(SECOND);
	assert_both("a.test", FUNCTION_OFF);
	assert_int_equal(changes("dkim", "none"), 1);
	assert_rejected("f", "unknown_kind");
	assert_rejected("g", "unknown_kind");
	world_run(MINUTE);
	world_check_settled();
}

static void
an_open_job_switches_on_no_more_what_was_switched_off(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", THEN_BOTH);
	world_post(
	    TOPIC_JOBS, "deactivate", "a.test", "d", "\"functions\":[\"spf\"]");
	world_run(SECOND);
	world_crash(0);
	world_start(0);
	publish("a.test", ALL);
	world_run(MINUTE);
	assert_string_equal(world_outcome("a.test", "v"), "verified");
	assert_function("a.test", FUNCTION_SPF, FUNCTION_OFF);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_ACTIVE);
	world_check_settled();
}

/* Nor is it an equal request any more. */
static void
what_was_switched_off_can_be_asked_for_again(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	/* one that lasts longer: the claim is written with it */
	world_post(
	    TOPIC_JOBS, "verify", "a.test", "x", "\"deadline_s\":172800");
	world_post(TOPIC_JOBS, "verify", "a.test", "v",
	    "\"deadline_s\":7200," THEN_BOTH);
	world_run(SECOND);
	world_post(
	    TOPIC_JOBS, "deactivate", "a.test", "d", "\"functions\":[\"spf\"]");
	world_run(SECOND);
	assert_function("a.test", FUNCTION_SPF, FUNCTION_OFF);
	world_crash(0);
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "w",
	    "\"deadline_s\":7200," THEN_BOTH);
	world_run(SECOND);
	assert_both("a.test", FUNCTION_PENDING);
	publish("a.test", ALL);
	world_run(MINUTE);
	assert_string_equal(world_outcome("a.test", "w"), "verified");
	assert_both("a.test", FUNCTION_ACTIVE);
	world_check_settled();
}

static void
a_cancel_ends_the_wish_and_so_does_the_deadline(void **state)
{
	(void)state;
	publish("a.test", OWNERSHIP);
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", NULL);
	world_post(TOPIC_JOBS, "activate", "a.test", "a", BOTH);
	world_post(TOPIC_JOBS, "activate", "a.test", "b",
	    "\"deadline_s\":7200,\"functions\":[\"spf\"]");
	world_run(MINUTE);
	assert_both("a.test", FUNCTION_PENDING);
	world_post(TOPIC_JOBS, "cancel", "a.test", "c", "\"target\":\"a\"");
	world_run(SECOND);
	/* somebody else still asks for spf */
	assert_function("a.test", FUNCTION_SPF, FUNCTION_PENDING);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_OFF);
	assert_string_equal(field("a.test", "shield"), "amber");
	world_run(3 * HOUR);
	assert_string_equal(world_outcome("a.test", "b"), "expired");
	assert_function("a.test", FUNCTION_SPF, FUNCTION_EXPIRED);
	assert_int_equal(changes("spf", "expired"), 1);
	assert_string_equal(field("a.test", "status"), "verified");
	assert_string_equal(field("a.test", "shield"), "red");
	/* the next wish begins anew */
	publish("a.test", SPF);
	world_post(
	    TOPIC_JOBS, "activate", "a.test", "n", "\"functions\":[\"spf\"]");
	world_run(SECOND);
	assert_function("a.test", FUNCTION_SPF, FUNCTION_ACTIVE);
	assert_string_equal(field("a.test", "shield"), "green");
	world_check_settled();
}

/* An answer on the way when a domain was given up says nothing of it. */
static void
a_release_switches_all_off(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	world_dns_delay(10 * SECOND);
	world_post(TOPIC_JOBS, "recheck", "a.test", "n", NULL);
	world_run(SECOND);
	world_post(TOPIC_JOBS, "release", "a.test", "r", NULL);
	world_run(SECOND);
	assert_both("a.test", FUNCTION_OFF);
	assert_int_equal(claim_of("a.test")->keys_n, 0);
	assert_sends_as("a.test", "default");
	world_post(TOPIC_JOBS, "claim", "a.test", "c", NULL);
	world_run(MINUTE);
	assert_string_equal(field("a.test", "status"), "none");
	assert_string_equal(field("a.test", "shield"), "grey");
	world_run(3 * DAY);
	assert_int_equal(world_looks("a.test"), 2);
	world_check_settled();
}

/* -- days ---------------------------------------------------------------- */

static void
what_is_proven_is_looked_at_each_day(void **state)
{
	(void)state;
	int64_t last;

	world_start(0);
	switch_on("a.test");
	world_post(TOPIC_JOBS, "verify", "b.test", "no", "\"deadline_s\":0");
	world_run(MINUTE);
	world_crash(0);
	world_start(0);
	for (size_t n = 1; n <= 5; n++) {
		last = world_look("a.test", n - 1)->at;
		world_run(DAY + DAY / 10 - (world_now() - last) + SECOND);
		assert_int_equal(world_looks("a.test"), n + 1);
		assert_in_range(world_look("a.test", n)->at - last,
		    DAY - DAY / 10, DAY + DAY / 10 + SECOND);
		assert_int_equal(world_last_look("a.test")->checks, ALL);
		assert_int_equal(world_last_look("a.test")->proven, ALL);
		assert_false(world_last_look("a.test")->quick);
		assert_string_equal(
		    world_last_look("a.test")->subject, "acme/a.test");
	}
	/* nobody holds this one */
	assert_int_equal(world_looks("b.test"), 1);
	/* a job's look is as good */
	world_run(12 * HOUR);
	world_post(TOPIC_BULK, "verify", "a.test", "w", "\"deadline_s\":0");
	world_run(18 * HOUR);
	assert_int_equal(world_looks("a.test"), 7);
	world_check_settled();
}

static void
a_function_lapses_after_three_days_and_comes_back(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	take_away("a.test", SPF);
	world_run(DAY + DAY / 10);
	assert_function("a.test", FUNCTION_SPF, FUNCTION_LAPSING);
	assert_sends_as("a.test", "customer");
	assert_string_equal(field("a.test", "shield"), "amber");
	/* back in time: as if nothing had been */
	publish("a.test", SPF);
	world_run(DAY + DAY / 10);
	assert_function("a.test", FUNCTION_SPF, FUNCTION_ACTIVE);
	assert_string_equal(field("a.test", "shield"), "green");
	take_away("a.test", SPF);
	world_run(DAY + DAY / 10);
	for (int64_t gone = 0; gone < 70 * HOUR; gone += HOUR) {
		assert_function("a.test", FUNCTION_SPF, FUNCTION_LAPSING);
		if (gone == 30 * HOUR) {
			world_crash(0);
			world_start(0);
		}
		world_run(HOUR);
	}
	world_run(30 * HOUR);
	assert_function("a.test", FUNCTION_SPF, FUNCTION_LAPSED);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_ACTIVE);
	assert_string_equal(field("a.test", "status"), "verified");
	assert_string_equal(field("a.test", "shield"), "red");
	assert_sends_as("a.test", "default");
	/* the customer's wish still stands */
	publish("a.test", SPF);
	world_run(DAY + DAY / 10);
	assert_function("a.test", FUNCTION_SPF, FUNCTION_ACTIVE);
	assert_sends_as("a.test", "customer");
	assert_int_equal(changes("spf", "lapsed"), 1);
	world_check_settled();
}

/* However often it could not be asked, and whyever: told once, and nothing is
 * taken away. */
static void
undecided_for_days_demotes_nothing(void **state)
{
	(void)state;
	static const enum code why[] = {CODE_SERVFAIL, CODE_TIMEOUT,
	    CODE_REFUSED, CODE_DNSSEC_BOGUS, CODE_LAME};
	size_t before;

	world_policy()->recheck_ms = HOUR;
	world_start(0);
	switch_on("a.test");
	world_run(2 * HOUR);
	before = world_count(TOPIC_EVENTS, NULL);
	for (int hour = 0; hour < 30; hour++) {
		break_all("a.test", why[hour % 5]);
		world_run(HOUR);
	}
	assert_in_range(world_looks("a.test"), 26, 40);
	assert_string_equal(field("a.test", "status"), "verified");
	assert_both("a.test", FUNCTION_ACTIVE);
	assert_string_equal(field("a.test", "shield"), "green");
	assert_int_equal(world_count(TOPIC_EVENTS, NULL), before + 1);
	assert_int_equal(world_count(TOPIC_EVENTS, "function.changed", NULL),
	    changes("spf", "active") + changes("dkim", "active") +
		changes("spf", "pending") + changes("dkim", "pending"));
	/* after a week somebody has to know */
	assert_int_equal(world_scheduler(0)->undecided_alarm_due, 0);
	world_run(5 * DAY);
	assert_int_equal(world_scheduler(0)->undecided_alarm_due, 0);
	world_run(2 * DAY);
	assert_int_not_equal(world_scheduler(0)->undecided_alarm_due, 0);
	assert_in_range(world_scheduler(0)->undecided_long, 0, 4);
	assert_both("a.test", FUNCTION_ACTIVE);
	world_check_settled();
}

/* Whoever gives no answer is asked again within the hour, for a week. */
static void
what_nobody_answered_is_asked_again_soon(void **state)
{
	(void)state;
	size_t looks;

	world_policy()->recheck_ms = DAY;
	world_start(0);
	switch_on("a.test");
	break_all("a.test", CODE_SERVFAIL);
	world_run(DAY + DAY / 10 + HOUR);
	looks = world_looks("a.test");
	world_run(6 * HOUR);
	assert_in_range(world_looks("a.test") - looks, 5, 7);
	publish("a.test", OWNERSHIP | SPF | DKIM);
	world_run(HOUR + HOUR / 5);
	assert_int_equal(
	    claim_of("a.test")->check[CHECK_SPF].undecided_since_at, 0);
	looks = world_looks("a.test");
	world_run(12 * HOUR);
	assert_int_equal(world_looks("a.test"), looks);
	break_all("a.test", CODE_TIMEOUT);
	world_run(9 * DAY);
	looks = world_looks("a.test");
	world_run(4 * DAY);
	assert_in_range(world_looks("a.test") - looks, 3, 5);
	assert_both("a.test", FUNCTION_ACTIVE);
	world_check_settled();
}

#define CROWD 60

static const char *
crowd(int i)
{
	static char name[24];

	snprintf(name, sizeof(name), "c%d.test", i);
	return name;
}

static unsigned
crowd_is(enum function_status status)
{
	unsigned n = 0;

	for (int i = 0; i < CROWD; i++)
		n +=
		    claim_of(crowd(i))->function[FUNCTION_SPF].status == status;
	return n;
}

static void
many_misses_at_once_take_nothing_away(void **state)
{
	(void)state;
	world_policy()->guard_looks = 20;
	world_policy()->recheck_ms = HOUR;
	world_start(0);
	for (int i = 0; i < CROWD; i++)
		switch_on(crowd(i));
	world_run(2 * HOUR);
	for (int i = 0; i < CROWD; i++)
		take_away(crowd(i), SPF);
	world_run(2 * HOUR);
	assert_true(guard_frozen(&world_scheduler(0)->guard));
	/* those that came before it was seen */
	assert_in_range(crowd_is(FUNCTION_LAPSING), 1, CROWD / 2);
	world_run(6 * DAY);
	assert_true(guard_frozen(&world_scheduler(0)->guard));
	assert_int_equal(crowd_is(FUNCTION_LAPSED), 0);
	assert_in_range(crowd_is(FUNCTION_LAPSING), 1, CROWD / 2);
	for (int i = 0; i < CROWD; i++)
		publish(crowd(i), SPF);
	world_run(6 * HOUR);
	assert_false(guard_frozen(&world_scheduler(0)->guard));
	assert_int_equal(crowd_is(FUNCTION_ACTIVE), CROWD);
	/* and a few are lost as ever */
	take_away(crowd(7), SPF);
	world_run(4 * DAY);
	assert_int_equal(crowd_is(FUNCTION_LAPSED), 1);
}

static const char *
one_that_lapses(void)
{
	for (int i = 0; i < CROWD; i++)
		if (claim_of(crowd(i))->function[FUNCTION_SPF].status ==
		    FUNCTION_LAPSING)
			return crowd(i);
	fail_msg("none lapses");
	return NULL;
}

/* Its misses may have been our fault up to the thaw: the first one behind it
 * takes nothing away yet. */
static void
the_first_miss_after_a_thaw_is_only_noted(void **state)
{
	(void)state;
	char lost[24];
	size_t looks;

	world_policy()->guard_looks = 20;
	world_policy()->recheck_ms = HOUR;
	world_start(0);
	for (int i = 0; i < CROWD; i++)
		switch_on(crowd(i));
	world_run(2 * HOUR);
	for (int i = 0; i < CROWD; i++)
		take_away(crowd(i), SPF);
	world_run(6 * DAY);
	snprintf(lost, sizeof(lost), "%s", one_that_lapses());
	for (int i = 0; i < CROWD; i++)
		if (strcmp(crowd(i), lost) != 0)
			publish(crowd(i), SPF);
	while (guard_frozen(&world_scheduler(0)->guard))
		world_run(MINUTE);
	looks = world_looks(lost);
	while (world_looks(lost) == looks)
		world_run(MINUTE);
	world_run(MINUTE);
	assert_function(lost, FUNCTION_SPF, FUNCTION_LAPSING);
	world_run(2 * HOUR);
	assert_function(lost, FUNCTION_SPF, FUNCTION_LAPSED);
}

/* -- somebody looks ------------------------------------------------------ */

static void
a_recheck_looks_now_and_takes_nothing_away(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	take_away("a.test", ALL);
	for (int i = 0; i < 5; i++) {
		char id[8];

		snprintf(id, sizeof(id), "r%d", i);
		world_post(TOPIC_JOBS, "recheck", "a.test", id, NULL);
		world_run(20 * HOUR);
		assert_string_equal(world_outcome("a.test", id), "done");
	}
	assert_int_equal(world_looks("a.test"), 6);
	assert_false(world_last_look("a.test")->quick);
	assert_int_equal(world_last_look("a.test")->checks, ALL);
	assert_string_equal(field("a.test", "status"), "verified");
	assert_both("a.test", FUNCTION_ACTIVE);
	assert_non_null(strstr(field("a.test", "doc"), "NOT_PUBLISHED"));
	assert_int_equal(world_scheduler(0)->watches_n, 0);
	/* what it finds right counts */
	world_post(TOPIC_JOBS, "verify", "b.test", "v", NULL);
	world_run(5 * MINUTE);
	publish("b.test", OWNERSHIP);
	world_post(TOPIC_JOBS, "recheck", "b.test", "r", NULL);
	world_run(SECOND);
	assert_string_equal(world_outcome("b.test", "v"), "verified");
	world_check_settled();
}

/* What an older look saw missing has been found meanwhile. */
static void
a_late_answer_takes_nothing_away(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	take_away("a.test", ALL);
	world_dns_delay(20 * SECOND);
	world_post(TOPIC_BULK, "verify", "a.test", "v", "\"deadline_s\":0");
	world_run(SECOND);
	publish("a.test", ALL);
	world_dns_delay(3);
	world_post(TOPIC_JOBS, "recheck", "a.test", "r", NULL);
	world_run(MINUTE);
	assert_string_equal(field("a.test", "status"), "verified");
	assert_both("a.test", FUNCTION_ACTIVE);
	assert_string_equal(field("a.test", "shield"), "green");
	assert_int_equal(claim_of("a.test")->check[CHECK_SPF].misses, 0);
	world_check_settled();
}

static void
watch_for(const char *domain, int64_t ms)
{
	static unsigned n;
	char id[16];

	for (; ms > 0; ms -= 4 * MINUTE) {
		snprintf(id, sizeof(id), "w%u", n++);
		world_post(TOPIC_JOBS, "watch", domain, id, NULL);
		world_run(ms < 4 * MINUTE ? ms : 4 * MINUTE);
		assert_string_equal(world_outcome(domain, id), "done");
	}
}

static void
while_somebody_watches_it_is_found_within_half_a_minute(void **state)
{
	(void)state;
	size_t looks;
	uint64_t counted;

	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", NULL);
	world_run(33 * MINUTE);
	counted = strtoull(
	    fake_redis_field("domainproof:job:acme:v", "looks"), NULL, 10);
	looks = world_looks("a.test");
	watch_for("a.test", 8 * MINUTE);
	assert_in_range(world_looks("a.test") - looks, 14, 18);
	assert_true(world_last_look("a.test")->quick);
	assert_string_equal(world_last_look("a.test")->subject, "acme/a.test");
	/* they are outside the count of the backoff */
	assert_int_equal(
	    strtoull(
		fake_redis_field("domainproof:job:acme:v", "looks"), NULL, 10),
	    counted);
	publish("a.test", OWNERSHIP);
	world_run(31 * SECOND);
	assert_string_equal(world_outcome("a.test", "v"), "verified");
	assert_string_equal(field("a.test", "shield"), "green");
	/* nothing is left to look for, nobody is left who watches */
	looks = world_looks("a.test");
	world_run(HOUR);
	assert_int_equal(world_looks("a.test"), looks);
	assert_int_equal(world_scheduler(0)->watches_n, 0);
	world_check_settled();
}

/* Policy may say that nobody does either. */
static void
nobody_watches_where_policy_says_so(void **state)
{
	(void)state;
	world_policy()->watch_ms = 0;
	world_policy()->recheck_ms = 0;
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", "\"deadline_s\":0");
	watch_for("a.test", 8 * MINUTE);
	switch_on("b.test");
	world_run(3 * DAY);
	assert_int_equal(world_looks("a.test"), 1);
	assert_int_equal(world_looks("b.test"), 1);
	world_check_settled();
}

static void
a_watch_ends_by_itself_and_counts_nothing(void **state)
{
	(void)state;
	size_t looks;

	world_start(0);
	switch_on("a.test");
	take_away("a.test", SPF);
	world_run(DAY + DAY / 10); /* the one miss of a day */
	assert_function("a.test", FUNCTION_SPF, FUNCTION_LAPSING);
	looks = world_looks("a.test");
	watch_for("a.test", 4 * MINUTE);
	world_run(HOUR);
	/* 5 minutes of it */
	assert_in_range(world_looks("a.test") - looks, 9, 11);
	assert_int_equal(world_last_look("a.test")->checks, SPF);
	assert_int_equal(claim_of("a.test")->check[CHECK_SPF].misses, 1);
	assert_int_equal(world_scheduler(0)->watches_n, 0);
	assert_false(guard_frozen(&world_scheduler(0)->guard));
	publish("a.test", SPF);
	watch_for("a.test", MINUTE);
	assert_function("a.test", FUNCTION_SPF, FUNCTION_ACTIVE);
	world_check_settled();
}

static int64_t
next_ms(const char *domain)
{
	return strtoll(field(domain, "next_ms"), NULL, 10);
}

/* Without a job too: when it is looked at by itself, or for a watcher. */
static void
the_next_look_is_told(void **state)
{
	(void)state;
	int64_t at;
	size_t n;

	world_policy()->recheck_ms = DAY;
	world_start(0);
	switch_on("a.test");
	at = next_ms("a.test");
	n = world_looks("a.test");
	assert_in_range(at - world_now(), DAY - DAY / 8, DAY + DAY / 8);
	assert_null(strstr(field("a.test", "doc"), "\"next_at\":null"));
	world_run(at - world_now() + SECOND);
	assert_int_equal(world_looks("a.test"), n + 1);
	assert_int_equal(world_look_at("a.test", n), at);
	assert_in_range(next_ms("a.test") - at, DAY - DAY / 8, DAY + DAY / 8);
	at = next_ms("a.test");
	fake_redis_wipe();
	world_run(MINUTE);
	assert_int_equal(next_ms("a.test"), at);
	take_away("a.test", SPF);
	world_run(at - world_now() + MINUTE);
	watch_for("a.test", MINUTE + SECOND);
	assert_in_range(next_ms("a.test") - world_now(), 0, 30 * SECOND);
	/* nothing holds: nobody looks */
	world_post(TOPIC_JOBS, "release", "a.test", "rel", NULL);
	world_run(MINUTE);
	assert_int_equal(next_ms("a.test"), 0);
	world_check_settled();
}

/* -- keys and neighbours ----------------------------------------------------
 */

static void
what_may_not_be_asked_for_is_refused(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "activate", "a.test", "n1", BOTH);
	world_post(TOPIC_JOBS, "deactivate", "a.test", "n2", BOTH);
	world_post(TOPIC_JOBS, "recheck", "a.test", "n3", NULL);
	world_post(TOPIC_JOBS, "watch", "a.test", "n4", NULL);
	world_post(
	    TOPIC_JOBS, "verify", "a.test", "n5", "\"checks\":[\"dkim\"]");
	world_post(TOPIC_JOBS, "claim", "a.test", "n6", KEY_SHORT);
	world_post(TOPIC_JOBS, "claim", "a.test", "ok", NULL);
	world_post(TOPIC_JOBS, "activate", "a.test", "n7", BOTH);
	world_post(
	    TOPIC_JOBS, "recheck", "a.test", "n8", "\"checks\":[\"dkim\"]");
	world_run(SECOND);
	for (int i = 1; i <= 4; i++) {
		char id[4];

		snprintf(id, sizeof(id), "n%d", i);
		assert_rejected(id, "not_yours");
	}
	assert_rejected("n5", "no_key");
	assert_rejected("n6", "bad_key");
	assert_rejected("n7", "no_key");
	assert_rejected("n8", "no_key");
	assert_int_equal(world_looks("a.test"), 0);
	world_post(TOPIC_JOBS, "release", "a.test", "r", NULL);
	world_post(TOPIC_JOBS, "watch", "a.test", "n9", NULL);
	world_run(SECOND);
	assert_rejected("n9", "not_yours");
	world_check_settled();
}

static void
one_organisation_signs_for_a_domain(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	/* a name in the DNS holds one key, whosever it is */
	world_post_as("other", TOPIC_JOBS, "claim", "a.test", "o0", NULL);
	world_post(TOPIC_JOBS, "claim", "a.test", "k2", KEY_OTHER);
	world_post_as("other", TOPIC_JOBS, "claim", "a.test", "o1", KEY_2);
	world_post_as("other", TOPIC_JOBS, "activate", "a.test", "o2",
	    "\"functions\":[\"spf\"]");
	world_run(SECOND);
	assert_rejected("k2", "selector_used");
	assert_rejected("o1", "dkim_held");
	/* contested: people decide before anything is switched on */
	assert_string_equal(world_outcome_of("other", "a.test", "o2"), "");
	world_crash(0);
	world_start(0);
	world_post(TOPIC_JOBS, "deactivate", "a.test", "d",
	    "\"functions\":[\"dkim\"]");
	world_run(SECOND);
	world_post_as("other", TOPIC_JOBS, "claim", "a.test", "o3", KEY_OTHER);
	world_post_as("other", TOPIC_JOBS, "claim", "a.test", "o4", KEY_2);
	world_run(SECOND);
	assert_rejected("o3", "selector_used");
	assert_string_equal(world_outcome_of("other", "a.test", "o4"), "done");
	world_post_as("other", TOPIC_JOBS, "activate", "a.test", "o5",
	    "\"functions\":[\"dkim\"]");
	world_run(SECOND);
	world_post(
	    TOPIC_JOBS, "activate", "a.test", "d2", "\"functions\":[\"dkim\"]");
	world_post(TOPIC_JOBS, "verify", "a.test", "d3",
	    "\"then\":\"activate\",\"checks\":[\"dkim\"]");
	world_run(SECOND);
	assert_rejected("d2", "dkim_held");
	assert_rejected("d3", "dkim_held");
	/* the same key again is no news */
	world_post_as("other", TOPIC_JOBS, "claim", "a.test", "o6", KEY_2);
	world_run(SECOND);
	assert_int_equal(world_count(TOPIC_EVENTS, "record.issued",
			     "s2._domainkey.a.test", NULL),
	    1);
	world_post(TOPIC_JOBS, "release", "a.test", "r", NULL);
	world_run(HOUR + HOUR / 5);
	assert_string_equal(
	    world_outcome_of("other", "a.test", "o5"), "verified");
	world_check_settled();
}

/* While two have proven it nothing is switched on for either; switching off
 * works, and peace brings what is waiting. */
static void
contested_nothing_is_switched_on(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	world_post_as("other", TOPIC_JOBS, "verify", "a.test", "o",
	    "\"then\":\"activate\",\"checks\":[\"ownership\",\"spf\"]");
	world_run(HOUR);
	assert_string_equal(world_outcome_of("other", "a.test", "o"), "");
	assert_int_equal(
	    world_count(TOPIC_EVENTS, "function.changed", "\"org\":\"other\"",
		"\"status\":\"active\"", NULL),
	    0);
	assert_both("a.test", FUNCTION_ACTIVE);
	world_post(
	    TOPIC_JOBS, "deactivate", "a.test", "d", "\"functions\":[\"spf\"]");
	world_post(
	    TOPIC_JOBS, "activate", "a.test", "s", "\"functions\":[\"spf\"]");
	world_crash(0);
	world_start(0);
	world_run(MINUTE);
	assert_function("a.test", FUNCTION_SPF, FUNCTION_PENDING);
	world_post(TOPIC_JOBS, "release", "a.test", "r", NULL);
	world_run(SECOND);
	assert_int_equal(
	    world_count(TOPIC_EVENTS, "function.changed", "\"org\":\"other\"",
		"\"status\":\"active\"", NULL),
	    1);
	world_run(HOUR + HOUR / 5);
	assert_string_equal(
	    world_outcome_of("other", "a.test", "o"), "verified");
	world_check_settled();
}

/* A wish alone keeps nobody out; of two, the first to prove has it. */
static void
who_proves_first_signs(void **state)
{
	(void)state;
	world_start(0);
	world_post_as("other", TOPIC_JOBS, "claim", "a.test", "ok", KEY_2);
	world_post_as("other", TOPIC_JOBS, "verify", "a.test", "ov", THEN_BOTH);
	world_run(SECOND);
	switch_on("a.test");
	/* in this world the answer is the same for both */
	world_run(MINUTE);
	assert_string_equal(
	    world_outcome_of("other", "a.test", "ov"), "rejected");
	assert_rejected("ov", "dkim_held");
	assert_int_equal(changes("dkim", "expired"), 1);
	assert_int_equal(world_count(TOPIC_EVENTS, "claim.contested", NULL), 2);
	assert_both("a.test", FUNCTION_ACTIVE);
	assert_int_equal(world_scheduler(0)->asked_n[LANE_JOBS], 0);
	world_check_settled();
}

/* An answer that was asked with another key proves nothing. */
static void
an_answer_for_the_key_before_says_nothing(void **state)
{
	(void)state;
	publish("a.test", ALL);
	world_start(0);
	world_dns_delay(5 * SECOND);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", THEN_BOTH);
	world_run(SECOND);
	world_post(TOPIC_JOBS, "claim", "a.test", "k2", KEY_2);
	world_run(10 * SECOND);
	assert_string_equal(world_outcome("a.test", "v"), "");
	assert_function("a.test", FUNCTION_SPF, FUNCTION_ACTIVE);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_PENDING);
	world_dns_delay(3);
	world_run(MINUTE);
	assert_int_equal(world_last_look("a.test")->keys_n, 2);
	assert_string_equal(world_last_look("a.test")->selector, "s2");
	assert_string_equal(world_outcome("a.test", "v"), "verified");
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_ACTIVE);
	world_check_settled();
}

/* Mail is signed with the key that is proven: another one would take its place
 * before anybody has seen it published. */
static void
a_key_that_signs_is_not_replaced(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	world_post(TOPIC_JOBS, "claim", "a.test", "k2", KEY_2);
	world_post(TOPIC_JOBS, "claim", "a.test", "k3", KEY_1);
	world_run(SECOND);
	assert_rejected("k2", "rotation_open");
	assert_string_equal(world_outcome("a.test", "k3"), "done");
	assert_int_equal(claim_of("a.test")->keys_n, 1);
	take_away("a.test", DKIM);
	world_run(2 * DAY);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_LAPSING);
	world_post(TOPIC_JOBS, "claim", "a.test", "k4", KEY_2);
	world_run(4 * DAY);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_LAPSED);
	world_post(TOPIC_JOBS, "claim", "a.test", "k5", KEY_2);
	world_run(SECOND);
	assert_rejected("k4", "rotation_open");
	assert_rejected("k5", "rotation_open");
	world_post(TOPIC_JOBS, "deactivate", "a.test", "d",
	    "\"functions\":[\"dkim\"]");
	world_post(TOPIC_JOBS, "claim", "a.test", "k6", KEY_2);
	world_run(SECOND);
	assert_string_equal(world_outcome("a.test", "k6"), "done");
	world_check_settled();
}

/* What an open job has found of the key before counts no more. */
static void
another_key_is_proven_anew(void **state)
{
	(void)state;
	publish("a.test", DKIM | DMARC);
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "k", KEY_1);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", THEN_BOTH);
	world_post(TOPIC_JOBS, "verify", "a.test", "w", NULL);
	world_run(2 * SECOND);
	world_post(TOPIC_JOBS, "claim", "a.test", "k2", KEY_2);
	take_away("a.test", DKIM);
	world_run(2 * SECOND);
	world_crash(0);
	world_start(0);
	publish("a.test", OWNERSHIP | SPF);
	world_run(2 * MINUTE);
	assert_string_equal(world_outcome("a.test", "v"), "");
	assert_string_equal(world_outcome("a.test", "w"), "");
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_PENDING);
	publish("a.test", DKIM);
	world_run(HOUR);
	assert_string_equal(world_outcome("a.test", "v"), "verified");
	assert_both("a.test", FUNCTION_ACTIVE);
	world_check_settled();
}

/* An older look says nothing of what a newer one has seen, nor of a job that
 * came after it began. */
static void
an_older_look_says_nothing_new(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	world_dns_delay(MINUTE);
	world_post(TOPIC_BULK, "verify", "a.test", "v", "\"deadline_s\":0");
	world_run(5 * SECOND);
	take_away("a.test", ALL);
	world_run(45 * SECOND);
	world_dns_delay(30 * SECOND);
	world_post(TOPIC_JOBS, "verify", "a.test", "n", "\"deadline_s\":0");
	world_run(20 * SECOND);
	assert_string_equal(world_outcome("a.test", "n"), "");
	world_run(2 * MINUTE);
	assert_string_equal(world_outcome("a.test", "v"), "verified");
	assert_string_equal(world_outcome("a.test", "n"), "failed");
	/* the other way round */
	world_dns_delay(MINUTE);
	publish("a.test", ALL);
	world_post(TOPIC_JOBS, "recheck", "a.test", "r", NULL);
	world_run(SECOND);
	take_away("a.test", ALL);
	world_dns_delay(SECOND);
	world_post(TOPIC_JOBS, "verify", "a.test", "m", "\"deadline_s\":0");
	world_run(2 * MINUTE);
	assert_string_equal(world_outcome("a.test", "m"), "failed");
	assert_int_equal(claim_of("a.test")->check[CHECK_OWNERSHIP].looked_at,
	    world_last_look("a.test")->at);
	assert_int_equal(
	    claim_of("a.test")->check[CHECK_OWNERSHIP].verdict, VERDICT_NONE);
	assert_string_equal(field("a.test", "status"), "lapsing");
	world_check_settled();
}

/* Seen on one server only is not missing: the row of misses begins anew. */
static void
what_is_seen_somewhere_ends_the_misses(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	take_away("a.test", OWNERSHIP);
	world_run(DAY + DAY / 10);
	world_check("a.test", CHECK_OWNERSHIP, VERDICT_FAIL, CODE_NS_DISAGREE);
	world_run(3 * DAY);
	assert_int_equal(claim_of("a.test")->check[CHECK_OWNERSHIP].misses, 0);
	take_away("a.test", OWNERSHIP);
	world_run(DAY + DAY / 10);
	assert_string_equal(field("a.test", "status"), "lapsing");
	assert_int_equal(claim_of("a.test")->check[CHECK_OWNERSHIP].misses, 1);
	/* what only notes a miss counts neither way */
	world_post(TOPIC_JOBS, "recheck", "a.test", "r", NULL);
	world_run(SECOND);
	assert_int_equal(claim_of("a.test")->check[CHECK_OWNERSHIP].misses, 1);
	world_check_settled();
}

/* One domain that somebody asks for again and again freezes nothing. */
static void
one_domain_does_not_freeze_the_guard(void **state)
{
	(void)state;
	char id[16];

	world_policy()->guard_looks = 20;
	world_start(0);
	switch_on("a.test");
	take_away("a.test", ALL);
	world_run(HOUR);
	for (int i = 0; i < 120; i++) {
		snprintf(id, sizeof(id), "x%d", i);
		world_post(
		    TOPIC_JOBS, "verify", "a.test", id, "\"deadline_s\":0");
		world_run(2 * SECOND);
	}
	assert_false(guard_frozen(&world_scheduler(0)->guard));
	world_check_settled();
}

/* What is to be switched on is asked of all servers, however right it was
 * when it was on before. */
static void
what_begins_is_asked_of_all_servers(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	assert_false(world_last_look("a.test")->signs);
	world_post(TOPIC_JOBS, "recheck", "a.test", "r", NULL);
	world_run(SECOND);
	assert_true(world_last_look("a.test")->signs);
	assert_int_equal(world_last_look("a.test")->proven, ALL);
	world_post(TOPIC_JOBS, "deactivate", "a.test", "d", BOTH);
	world_run(30 * DAY);
	world_post(TOPIC_JOBS, "activate", "a.test", "a", BOTH);
	world_run(SECOND);
	assert_int_equal(world_last_look("a.test")->checks, SPF | DKIM | DMARC);
	assert_int_equal(world_last_look("a.test")->proven, DMARC);
	world_check_settled();
}

/* Who presses the button again has pressed it because something changed. */
static void
who_joins_gets_a_look_now(void **state)
{
	(void)state;
	size_t n;

	world_start(0);
	world_post(TOPIC_BULK, "verify", "a.test", "b", NULL);
	world_run(10 * HOUR);
	publish("a.test", ALL);
	n = world_looks("a.test");
	world_post(TOPIC_BULK, "verify", "a.test", "c", NULL);
	world_run(5 * SECOND);
	assert_int_equal(world_looks("a.test"), n);
	world_post(TOPIC_JOBS, "verify", "a.test", "i", NULL);
	world_run(5 * SECOND);
	assert_int_equal(world_looks("a.test"), n + 1);
	assert_string_equal(world_outcome("a.test", "b"), "verified");
	world_check_settled();
}

/* However many watch, a look that is wanted now is made. */
static void
a_recheck_has_room_beside_the_watchers(void **state)
{
	(void)state;
	size_t n;

	world_start(0);
	switch_on("a.test");
	n = world_looks("a.test");
	world_scheduler(0)->watches_n = WATCHES_MAX;
	world_post(TOPIC_JOBS, "recheck", "a.test", "r", NULL);
	world_run(SECOND);
	assert_int_equal(world_looks("a.test"), n + 1);
	assert_int_equal(world_scheduler(0)->watches_n, WATCHES_MAX);
	take_away("a.test", SPF);
	world_post(TOPIC_JOBS, "watch", "a.test", "w", NULL);
	world_run(MINUTE);
	assert_int_equal(world_looks("a.test"), n + 1);
	world_scheduler(0)->watches_n = 0;
	world_check_settled();
}

static void
nobody_watches_what_was_given_up(void **state)
{
	(void)state;
	size_t n;

	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "v", NULL);
	world_run(SECOND);
	world_post(TOPIC_JOBS, "watch", "a.test", "w", NULL);
	world_run(SECOND);
	world_post(TOPIC_JOBS, "release", "a.test", "r", NULL);
	world_run(SECOND);
	n = world_looks("a.test");
	world_run(10 * MINUTE);
	assert_int_equal(world_looks("a.test"), n);
	assert_int_equal(world_scheduler(0)->watches_n, 0);
	world_check_settled();
}

/* The claim expires with the last job that asked for its proof. */
static void
other_checks_expire_no_claim(void **state)
{
	(void)state;
	world_start(0);
	world_post(TOPIC_JOBS, "verify", "a.test", "v",
	    "\"checks\":[\"dmarc\",\"spf\"],\"deadline_s\":3600");
	world_run(2 * HOUR);
	assert_string_equal(world_outcome("a.test", "v"), "expired");
	assert_string_not_equal(field("a.test", "status"), "expired");
	world_post(TOPIC_JOBS, "verify", "a.test", "s",
	    "\"checks\":[\"spf\"],\"deadline_s\":36000");
	world_post(TOPIC_JOBS, "verify", "a.test", "o", "\"deadline_s\":3600");
	world_run(2 * HOUR);
	assert_string_equal(world_outcome("a.test", "o"), "expired");
	assert_string_equal(world_outcome("a.test", "s"), "");
	assert_string_equal(field("a.test", "status"), "expired");
	world_run(10 * HOUR);
	world_check_settled();
}

/* -- restores and poison -------------------------------------------------- */

static void
a_crash_forgets_nothing(void **state)
{
	(void)state;
	struct claim_key key, again;

	world_start(0);
	switch_on("a.test");
	claim_key_get(claim_of("a.test"), 0, &key);
	take_away("a.test", SPF);
	world_run(DAY + DAY / 10);
	world_crash(0);
	fake_redis_wipe();
	world_start(0);
	world_run(MINUTE);
	assert_function("a.test", FUNCTION_SPF, FUNCTION_LAPSING);
	assert_function("a.test", FUNCTION_DKIM, FUNCTION_ACTIVE);
	assert_int_equal(claim_of("a.test")->keys_n, 1);
	claim_key_get(claim_of("a.test"), 0, &again);
	assert_memory_equal(&again, &key, sizeof(key));
	assert_int_equal(claim_of("a.test")->check[CHECK_SPF].misses, 1);
	assert_sends_as("a.test", "customer");
	assert_non_null(strstr(field("a.test", "doc"), "s1._domainkey"));
	world_check_settled();
}

static void
a_look_of_its_own_that_kills_is_put_off(void **state)
{
	(void)state;
	world_start(0);
	switch_on("a.test");
	world_dns_delay(NEVER);
	world_post(TOPIC_JOBS, "recheck", "a.test", "r", NULL);
	world_run(SECOND);
	assert_int_equal(world_looks("a.test"), 2);
	world_poison(0, "acme/a.test");
	world_dns_delay(3);
	world_new_resolver(0);
	world_run(20 * HOUR);
	assert_int_equal(world_looks("a.test"), 2);
	assert_int_equal(world_scheduler(0)->asked_n[LANE_JOBS], 0);
	assert_int_equal(world_scheduler(0)->watches_n, 0);
	assert_both("a.test", FUNCTION_ACTIVE);
	world_run(DAY);
	assert_int_equal(world_looks("a.test"), 3);
	assert_int_equal(world_scheduler(0)->asked_own_n, 0);
	world_check_settled();
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(what_is_proven_is_switched_on_in_one_job),
	    CASE(activate_comes_after_the_proof),
	    CASE(each_check_settles_by_itself),
	    CASE(a_proof_waits_for_ownership),
	    CASE(a_proof_that_is_gone_switches_nothing_on),
	    CASE(no_wish_outlives_its_job),
	    CASE(an_old_proof_is_none),
	    CASE(advice_holds_nothing_back),
	    CASE(a_new_resolver_is_asked_what_is_out),
	    CASE(an_equal_request_asks_for_the_same_functions),
	    CASE(spf_waits_for_dkim_where_it_must),
	    CASE(deactivate_is_at_once_and_ahead_of_the_bulk_lane),
	    CASE(an_open_job_switches_on_no_more_what_was_switched_off),
	    CASE(what_was_switched_off_can_be_asked_for_again),
	    CASE(a_cancel_ends_the_wish_and_so_does_the_deadline),
	    CASE(a_release_switches_all_off),
	    CASE(what_is_proven_is_looked_at_each_day),
	    CASE(a_function_lapses_after_three_days_and_comes_back),
	    CASE(undecided_for_days_demotes_nothing),
	    CASE(the_next_look_is_told),
	    CASE(what_nobody_answered_is_asked_again_soon),
	    CASE(the_first_miss_after_a_thaw_is_only_noted),
	    CASE(many_misses_at_once_take_nothing_away),
	    CASE(a_recheck_looks_now_and_takes_nothing_away),
	    CASE(a_late_answer_takes_nothing_away),
	    CASE(while_somebody_watches_it_is_found_within_half_a_minute),
	    CASE(nobody_watches_where_policy_says_so),
	    CASE(a_watch_ends_by_itself_and_counts_nothing),
	    CASE(what_may_not_be_asked_for_is_refused),
	    CASE(one_organisation_signs_for_a_domain),
	    CASE(contested_nothing_is_switched_on),
	    CASE(who_proves_first_signs),
	    CASE(an_answer_for_the_key_before_says_nothing),
	    CASE(a_key_that_signs_is_not_replaced),
	    CASE(another_key_is_proven_anew),
	    CASE(an_older_look_says_nothing_new),
	    CASE(what_is_seen_somewhere_ends_the_misses),
	    CASE(one_domain_does_not_freeze_the_guard),
	    CASE(what_begins_is_asked_of_all_servers),
	    CASE(who_joins_gets_a_look_now),
	    CASE(a_recheck_has_room_beside_the_watchers),
	    CASE(nobody_watches_what_was_given_up),
	    CASE(other_checks_expire_no_claim),
	    CASE(a_crash_forgets_nothing),
	    CASE(a_look_of_its_own_that_kills_is_put_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
