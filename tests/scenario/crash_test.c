/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever dies, and wherever: every identity has one result, it is what the
 * DNS said, Redis equals the state topic, group offsets equal `pos`. First each
 * place at which a commit may be cut, then seeds of random schedules. */
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

#define DOMAINS 24
#define KEY                                                                    \
	"\"selector\":\"s1\",\"key_type\":\"ed25519\",\"public_key\":"         \
	"\"Vc2bjVm+eocB5pBAv1iFXMVTV6/s8LnKi6YIy5gD0QI=\""
#define SEEDS_DEFAULT 8 /* SEEDS=1000 for a night, SEED=n for one */

static char names[DOMAINS][20];
static bool good[DOMAINS];

static void
open_world(void)
{
	world_open(4);
	for (int i = 0; i < DOMAINS; i++) {
		snprintf(names[i], sizeof(names[i]), "d%d.test", i);
		good[i] = false;
	}
}

static void
publish(int i)
{
	good[i] = true;
	world_dns(names[i], VERDICT_PASS, CODE_NONE);
}

/* Another check comes, or goes. */
static void
change(int i, enum check check, enum verdict verdict)
{
	world_check(names[i], check, verdict,
	    verdict == VERDICT_PASS   ? CODE_NONE
	    : verdict == VERDICT_NONE ? CODE_NOT_PUBLISHED
				      : CODE_SERVFAIL);
}

static void
revive(void)
{
	for (unsigned slot = 0; slot < 2; slot++)
		if (world_scheduler(slot) == NULL)
			world_start(slot);
}

/* -- every place ----------------------------------------------------------- */

static const char *const places[] = {
    "commit.begin",
    "commit.begun",
    "commit.captured",
    "commit.record",
    "commit.produced",
    "commit.offsets_sent",
    "commit.before",
    "commit.after",
};

/* Two jobs that are right, one that will be, one that never is; and one that
 * switches on what it proves, check by check. */
static void
post_five(void)
{
	publish(0);
	publish(1);
	world_post(TOPIC_JOBS, "verify", names[0], "j0", NULL);
	world_post(TOPIC_BULK, "verify", names[1], "j1", NULL);
	world_post(TOPIC_JOBS, "verify", names[2], "j2", NULL);
	world_post(TOPIC_JOBS, "verify", names[3], "j3", "\"deadline_s\":1800");
	change(4, CHECK_DKIM, VERDICT_PASS);
	change(4, CHECK_SPF, VERDICT_PASS);
	world_check_delay(CHECK_SPF, 30);
	world_post(TOPIC_JOBS, "claim", names[4], "k4", KEY);
	world_post(TOPIC_JOBS, "verify", names[4], "j4",
	    "\"then\":\"activate\",\"checks\":[\"ownership\",\"spf\","
	    "\"dkim\"]");
}

static void
check_function(enum function fn)
{
	char text[64];

	snprintf(text, sizeof(text), "\"%s\":{\"status\":\"active\"",
	    function_name(fn));
	assert_non_null(strstr(
	    fake_redis_field("domainproof:claim:d4.test:acme", "doc"), text));
}

static void
check_five(void)
{
	publish(2);
	publish(4);
	revive();
	world_run(3 * HOUR);
	assert_string_equal(world_outcome(names[0], "j0"), "verified");
	assert_string_equal(world_outcome(names[1], "j1"), "verified");
	assert_string_equal(world_outcome(names[2], "j2"), "verified");
	assert_string_equal(world_outcome(names[3], "j3"), "expired");
	assert_string_equal(world_outcome(names[4], "j4"), "verified");
	check_function(FUNCTION_SPF);
	check_function(FUNCTION_DKIM);
	world_check_settled();
	world_close();
}

static void
killed_at_every_place_of_a_commit(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		for (unsigned nth = 1; nth <= 8; nth++) {
			open_world();
			world_start(0);
			sim_crash_at(places[i], NULL, nth);
			post_five();
			world_run(MINUTE);
			revive();
			world_run(MINUTE);
			check_five();
		}
	}
}

static void
every_end_of_a_commit_at_every_place(void **state)
{
	(void)state;
	static const enum kafka_commit_result end[] = {
	    KAFKA_ABORTED, KAFKA_COMMIT_FENCED, KAFKA_UNKNOWN};

	for (size_t i = 0; i < ARRAY_LEN(places) - 1; i++) {
		for (size_t k = 0; k < ARRAY_LEN(end); k++) {
			open_world();
			world_start(0);
			sim_fail_at(places[i], NULL, 1 + (unsigned)k, end[k]);
			post_five();
			world_run(MINUTE);
			revive();
			world_run(MINUTE);
			check_five();
		}
	}
}

/* -- random schedules -------------------------------------------------------
 */

static uint64_t prng;

static unsigned
rnd(unsigned n)
{
	prng ^= prng << 13;
	prng ^= prng >> 7;
	prng ^= prng << 17;
	return (unsigned)(prng >> 33) % n;
}

static unsigned posted;

static void
post_some(void)
{
	static const char *const more[] = {NULL, "\"deadline_s\":0",
	    "\"deadline_s\":900", "\"deadline_s\":86400"};

	for (unsigned n = 1 + rnd(6); n > 0; n--) {
		char id[16];

		snprintf(id, sizeof(id), "j%u", posted++);
		world_post(rnd(3) == 0 ? TOPIC_BULK : TOPIC_JOBS,
		    rnd(8) == 0 ? "claim" : "verify", names[rnd(DOMAINS)], id,
		    more[rnd(4)]);
	}
}

/* Keys, functions, and looks without a job. */
static void
post_functions(void)
{
	static const struct {
		const char *kind, *more;
	} some[] = {
	    {"claim", KEY},
	    {"verify",
		"\"then\":\"activate\",\"checks\":[\"ownership\",\"spf\","
		"\"dkim\",\"dmarc\"]"},
	    {"verify", "\"then\":\"activate\",\"checks\":[\"spf\"]"},
	    {"activate", "\"functions\":[\"spf\"]"},
	    {"activate", "\"functions\":[\"spf\",\"dkim\"]"},
	    {"activate", "\"deadline_s\":0,\"functions\":[\"dkim\"]"},
	    {"deactivate", "\"functions\":[\"spf\"]"},
	    {"deactivate", "\"functions\":[\"spf\",\"dkim\"]"},
	    {"recheck", NULL},
	    {"watch", NULL},
	    {"release", NULL},
	};

	for (unsigned n = 1 + rnd(4); n > 0; n--) {
		unsigned i = rnd(ARRAY_LEN(some));
		char id[16];

		snprintf(id, sizeof(id), "j%u", posted++);
		world_post(rnd(4) == 0 ? TOPIC_BULK : TOPIC_JOBS, some[i].kind,
		    names[rnd(DOMAINS)], id, some[i].more);
	}
}

static void
change_some(void)
{
	static const enum verdict verdict[] = {
	    VERDICT_PASS, VERDICT_PASS, VERDICT_NONE, VERDICT_UNDECIDED};

	for (unsigned n = 1 + rnd(8); n > 0; n--)
		change((int)rnd(DOMAINS), (enum check)rnd(CHECK_N),
		    verdict[rnd(ARRAY_LEN(verdict))]);
}

static void
post_again(void)
{
	char id[16], value[512];
	const char *domain = names[rnd(DOMAINS)];

	if (posted == 0)
		return;
	/* same id, perhaps another domain: an identity of its own */
	snprintf(id, sizeof(id), "j%u", rnd(posted));
	world_post(TOPIC_JOBS, "verify", domain, id, NULL);
	/* and one whose partitioner is wrong */
	snprintf(value, sizeof(value),
	    "{\"specversion\":\"1.0\",\"id\":\"r%u\",\"source\":\"t\",\"type\":"
	    "\"domainproof.job.v1\",\"data\":{\"org\":\"acme\",\"domain\":"
	    "\"%s\",\"kind\":\"verify\",\"deadline_s\":0}}",
	    posted, domain);
	world_post_raw(TOPIC_JOBS, (int32_t)rnd(4), domain, value);
}

static void
cancel_some(void)
{
	char id[16], target[64];

	if (posted == 0)
		return;
	snprintf(id, sizeof(id), "c%u", posted);
	snprintf(target, sizeof(target), "\"target\":\"j%u\"", rnd(posted + 2));
	world_post(TOPIC_JOBS, "cancel", names[rnd(DOMAINS)], id, target);
}

static void
break_kafka(void)
{
	static const enum kafka_commit_result end[] = {
	    KAFKA_ABORTED, KAFKA_ABORTED, KAFKA_COMMIT_FENCED, KAFKA_UNKNOWN};
	const char *place = places[rnd(ARRAY_LEN(places) - 1)];

	if (rnd(2) == 0)
		sim_crash_at(place, NULL, 1 + rnd(5));
	else
		sim_fail_at(place, NULL, 1 + rnd(5), end[rnd(4)]);
}

static void
break_redis(void)
{
	switch (rnd(4)) {
	case 0:
		fake_redis_wipe();
		break;
	case 1:
		fake_redis_down(true);
		break;
	case 2:
		fake_redis_down(false);
		break;
	default:
		fake_redis_lose(1 + rnd(3));
	}
}

/* A slow commit: things happen between its start and its end. */
static void
slow_commit(void)
{
	fake_task_hold("commit");
	post_some();
	world_run(1 + rnd(3000));
	fake_task_release("commit");
}

static void
act(void)
{
	unsigned slot = rnd(2);

	switch (rnd(24)) {
	case 0:
		if (world_scheduler(slot) != NULL)
			world_crash(slot);
		break;
	case 1:
	case 2:
		if (world_scheduler(slot) == NULL)
			world_start(slot);
		break;
	case 3:
		if (world_scheduler(slot) != NULL)
			world_drain(slot);
		break;
	case 4:
		break_kafka();
		break;
	case 5:
		break_redis();
		break;
	case 6:
		publish((int)rnd(DOMAINS));
		break;
	case 7:
		post_again();
		break;
	case 8:
		cancel_some();
		break;
	case 9:
		slow_commit();
		break;
	case 10:
		world_dns_delay(rnd(2) == 0 ? 3 : rnd(5000));
		break;
	case 11:
	case 12:
		change_some();
		break;
	case 13:
	case 14:
	case 15:
	case 16:
		post_functions();
		break;
	case 17:
		if (world_scheduler(slot) != NULL)
			world_new_resolver(slot);
		break;
	default:
		post_some();
	}
	world_run(rnd(4) == 0 ? rnd(HOUR) : rnd(400));
}

static void
run_seed(uint64_t seed)
{
	prng = seed * 0x9e3779b97f4a7c15u + 1;
	posted = 0;
	open_world();
	world_start(0);
	for (unsigned n = 20 + rnd(60); n > 0; n--)
		act();
	fake_redis_down(false);
	revive();
	world_run(49 * HOUR);
	revive(); /* one that met what was set to strike later */
	world_run(HOUR);
	world_check_settled();
	world_close();
}

static void
random_schedules(void **state)
{
	(void)state;
	const char *one = getenv("SEED"), *many = getenv("SEEDS");
	uint64_t n = many == NULL ? SEEDS_DEFAULT : strtoull(many, NULL, 10);

	if (one != NULL) {
		run_seed(strtoull(one, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= n; seed++) {
		fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
		run_seed(seed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(killed_at_every_place_of_a_commit),
	    cmocka_unit_test(every_end_of_a_commit_at_every_place),
	    cmocka_unit_test(random_schedules),
	};

	if (getenv("SEED") != NULL)
		cmocka_set_test_filter("random_schedules");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
