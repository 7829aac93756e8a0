/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from outside: too much of it, too large, too strange, or from a
 * process that does not answer. */
#include "tests/scenario/world.h"

#include <malloc.h>
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
#define NEVER	   (1000 * HOUR)

/* -- too much -------------------------------------------------------------- */

static void
put_state(const char *key, size_t key_len, const struct writer *value)
{
	sim_post(&(struct kafka_out){.topic = TOPIC_STATE,
	    .key = key,
	    .key_len = key_len,
	    .value = value->buf,
	    .value_len = value->len});
}

/* n open jobs of one partition, all overdue since long. */
static void
put_overdue(unsigned n)
{
	const struct job job = {
	    .ver = 3,
	    .kind = JOB_VERIFY,
	    .checks = 1u << CHECK_OWNERSHIP,
	    .accepted_at = WORLD_START - 40 * HOUR,
	    .deadline_at = WORLD_START + 8 * HOUR,
	    .due_at = WORLD_START - 30 * HOUR,
	    .looks = 2,
	};
	uint8_t bytes[RECORD_MAX];
	char key[RECORD_KEY_MAX + 1], domain[32];
	struct writer w;

	writer_init(&w, bytes, sizeof(bytes));
	record_put_job(&w, &job);
	for (unsigned i = 0; i < n; i++) {
		snprintf(domain, sizeof(domain), "d%u.test", i);
		put_state(key, record_job_key(key, "acme", domain, "j"), &w);
	}
	writer_init(&w, bytes, sizeof(bytes));
	record_put_pos(
	    &w, &(struct record_pos){.partitions = 1, .next = {0, 0, 0}});
	put_state("pos", 3, &w);
	for (int l = 0; l < LANE_N; l++)
		sim_committed_set((enum lane)l, 0, 0);
}

static void
overdue_timers_at_the_start_are_asked_for_in_portions(void **state)
{
	(void)state;
	static const unsigned n = 20000;
	const struct scheduler *s;

	world_open(1);
	world_without_redis();
	put_overdue(n);
	world_dns_delay(200);
	world_start(0);
	s = world_scheduler(0);
	assert_int_equal(s->open_jobs, n);
	/* the first portion is out, and no more of it */
	assert_int_equal(world_looks(NULL), ASKED_MAX);
	while (world_looks(NULL) < n) {
		assert_in_range(s->asked_n[LANE_JOBS], 0, ASKED_MAX);
		world_run(100);
	}
	world_run(SECOND);
	assert_int_equal(s->asked_n[LANE_JOBS], 0);
	assert_int_equal(s->open_jobs, n);
}

/* With what the allocator puts in front. */
static size_t
octets(void *memory)
{
	return memory == NULL ? 0 : malloc_usable_size(memory) + 8;
}

static size_t
octets_of_part(const struct part *part)
{
	const struct open_claim *claim;
	const struct open_job *job;
	size_t n = octets(part->claims.slots) + octets(part->domains.slots) +
		   octets(part->jobs.slots);

	for (size_t at = 0; (job = table_next(&part->jobs, &at)) != NULL;) {
		n += octets((void *)(uintptr_t)job) + octets(job->job.ref);
		for (struct kept *k = job->kept; k != NULL; k = k->next)
			n += octets(k);
	}
	for (size_t at = 0; (claim = table_next(&part->claims, &at)) != NULL;) {
		n += octets((void *)(uintptr_t)claim) +
		     octets(claim->claim.keys);
		for (int c = 0; c < CHECK_N; c++)
			n += octets(claim->claim.check[c].saw);
	}
	return n;
}

/* What a million of them take. Nothing of a look is left when it is over. */
static void
a_claim_with_an_open_job_is_small(void **state)
{
	(void)state;
	static const unsigned n = 2500; /* before the tables grow */
	const struct part *part;
	char domain[24];

	world_open(1);
	world_without_redis();
	world_start(0);
	for (unsigned i = 0; i < n; i++) {
		snprintf(domain, sizeof(domain), "domain-%u.test", i);
		world_post(TOPIC_BULK, "verify", domain, "job-1",
		    "\"checks\":[\"ownership\",\"spf\",\"dmarc\"]");
	}
	world_run(5 * SECOND);
	assert_int_equal(world_scheduler(0)->open_jobs, n);
	part = world_scheduler(0)->parts[0];
	print_message("claim %zu, job %zu, all of a claim with an open job: %zu"
		      " octets\n",
	    sizeof(struct open_claim), sizeof(struct open_job),
	    octets_of_part(part) / n);
	assert_in_range(octets_of_part(part) / n, 1, 720);
}

/* The usual RSA key of 2048 bits has 294 octets of the 560 that fit. */
static void
a_key_takes_its_own_length(void **state)
{
	(void)state;
	struct dkim_public key = {.type = DKIM_RSA, .bits = 2048, .len = 294};
	struct claim c;
	unsigned todo;

	claim_init(&c);
	assert_true(claim_key_set(&c, "s2610a", &key, &todo));
	print_message("a key of 2048 bits: %zu octets\n", octets(c.keys));
	assert_in_range(octets(c.keys), 294, 330);
	claim_free(&c);
}

static size_t
unwritten(const struct scheduler *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->parts_n; i++)
		if (s->parts[i]->pending != NULL)
			n += s->parts[i]->pending->out_n;
	return n;
}

/* A commit that hangs: what comes meanwhile stays at the broker. */
static void
a_commit_that_hangs_fills_no_memory(void **state)
{
	(void)state;
	static const unsigned n = 9000;
	char id[16];

	world_without_redis();
	world_start(0);
	world_run(SECOND);
	fake_task_hold("commit");
	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "c%u", i);
		world_post(i % 2 == 0 ? TOPIC_JOBS : TOPIC_BULK, "claim",
		    world_name((int32_t)i % PARTITIONS, 0), id, NULL);
	}
	world_run(5 * SECOND);
	/* result, tombstone; and the first events */
	assert_in_range(unwritten(world_scheduler(0)), BATCH_STEPS_MAX,
	    2 * (BATCH_STEPS_MAX + 1000) + 16);
	fake_task_release("commit");
	world_run(SECOND);
	assert_int_equal(world_count(TOPIC_RESULTS, "\"done\"", NULL), n);
}

/* It does not wait for its moment when there is no room for the other. */
static void
a_full_bulk_lane_is_written_at_once(void **state)
{
	(void)state;
	char id[16];

	world_without_redis();
	world_start(0);
	world_run(SECOND);
	for (unsigned i = 0; i < BATCH_STEPS_MAX + 2000; i++) {
		snprintf(id, sizeof(id), "c%u", i);
		world_post(TOPIC_BULK, "claim",
		    world_name((int32_t)i % PARTITIONS, 0), id, NULL);
	}
	world_run(5);
	world_post(TOPIC_JOBS, "claim", world_name(0, 0), "urgent", NULL);
	world_run(45);
	assert_string_equal(world_outcome(world_name(0, 0), "urgent"), "done");
}

static int64_t
polled(const struct scheduler *s, enum lane lane)
{
	int64_t n = 0;

	for (size_t i = 0; i < s->parts_n; i++)
		n += s->parts[i]->lane[lane].next;
	return n;
}

/* One turn while both lanes are full. */
static void
the_bulk_lane_gets_its_share_and_no_more(void **state)
{
	(void)state;
	struct scheduler *s;
	int64_t due;
	char id[16];

	world_without_redis();
	world_start(0);
	world_run(SECOND);
	for (unsigned i = 0; i < 1200; i++) {
		snprintf(id, sizeof(id), "c%u", i);
		world_post(i % 2 == 0 ? TOPIC_JOBS : TOPIC_BULK, "claim",
		    world_name((int32_t)i % PARTITIONS, 0), id, NULL);
	}
	s = world_scheduler(0);
	assert_int_equal(scheduler_turn(s, &due), SCHED_GO_ON);
	assert_int_equal(polled(s, LANE_JOBS), 500);
	assert_int_equal(polled(s, LANE_BULK), 16);
	assert_int_equal(scheduler_turn(s, &due), SCHED_GO_ON);
	assert_int_equal(polled(s, LANE_JOBS), 600);
	assert_in_range(polled(s, LANE_BULK), 16 + 500, 600);
	world_run(SECOND);
	assert_int_equal(world_count(TOPIC_RESULTS, "\"done\"", NULL), 1200);
}

static void
first_looks_that_wait_hold_up_their_lane_alone(void **state)
{
	(void)state;
	static const unsigned n = 5000;
	const struct scheduler *s;
	char domain[24];

	world_without_redis();
	world_dns_delay(NEVER);
	world_start(0);
	for (unsigned i = 0; i < n; i++) {
		snprintf(domain, sizeof(domain), "b%u.test", i);
		world_post(
		    TOPIC_BULK, "verify", domain, "b", "\"deadline_s\":0");
	}
	world_run(30 * SECOND);
	s = world_scheduler(0);
	assert_in_range(
	    s->first_looks[LANE_BULK], FIRST_LOOKS_MAX, FIRST_LOOKS_MAX + 500);
	assert_int_equal(s->asked_n[LANE_BULK], ASKED_BULK_MAX);
	world_dns_delay(3);
	world_post(TOPIC_JOBS, "verify", "a.test", "a", "\"deadline_s\":0");
	world_run(100);
	assert_string_equal(world_outcome("a.test", "a"), "failed");
}

/* -- too large, too strange -------------------------------------------------
 */

struct dead {
	size_t n, size;
	char headers[8][2][64];
	size_t headers_n;
	uint8_t first[16];
};

static void
see_dead(void *arg, const struct kafka_record *r)
{
	struct dead *d = arg;

	d->n++;
	d->size = r->key_len + r->value_len;
	memcpy(d->first, r->value, r->value_len < 16 ? r->value_len : 16);
	d->headers_n = r->headers_n < 8 ? r->headers_n : 8;
	for (size_t i = 0; i < d->headers_n; i++) {
		snprintf(d->headers[i][0], 64, "%s", r->headers[i].name);
		snprintf(d->headers[i][1], 64, "%.*s",
		    (int)(r->headers[i].len < 63 ? r->headers[i].len : 63),
		    (const char *)r->headers[i].value);
		d->size += strlen(r->headers[i].name) + r->headers[i].len;
	}
}

static const char *
dead_header(const struct dead *d, const char *name)
{
	for (size_t i = 0; i < d->headers_n; i++)
		if (strcmp(d->headers[i][0], name) == 0)
			return d->headers[i][1];
	return "";
}

/* Compressed it fits into a topic; no topic takes it back as it is. */
static void
what_decompresses_to_too_much_is_cut(void **state)
{
	(void)state;
	static const size_t len = 5000000;
	uint8_t *bytes = calloc(1, len);
	struct dead d = {.n = 0};

	assert_non_null(bytes);
	bytes[0] = '{';
	world_start(0);
	sim_post(&(struct kafka_out){.topic = TOPIC_JOBS,
	    .partition = 1,
	    .key = bytes,
	    .key_len = 2000000,
	    .value = bytes,
	    .value_len = len,
	    .headers = &(struct kafka_header){"big", bytes, 2000000},
	    .headers_n = 1});
	world_post(TOPIC_JOBS, "claim", world_name(1, 0), "next", NULL);
	world_run(SECOND);
	free(bytes);
	sim_read(TOPIC_DEAD, 1, 0, BROKER_COMMITTED, see_dead, &d);
	assert_int_equal(d.n, 1);
	assert_in_range(d.size, 1000000, 2000000);
	assert_string_equal(dead_header(&d, "dead-cut-from"), "9000003");
	assert_string_equal(dead_header(&d, "big"), "");
	assert_string_equal(world_outcome(world_name(1, 0), "next"), "done");
}

struct moved {
	size_t n, headers_n;
};

static void
see_moved(void *arg, const struct kafka_record *r)
{
	*(struct moved *)arg =
	    (struct moved){((struct moved *)arg)->n + 1, r->headers_n};
}

/* With what came along a record that is sent on could be too large. */
static void
large_headers_are_not_sent_on(void **state)
{
	(void)state;
	static const char job[] =
	    "{\"specversion\":\"1.0\",\"id\":\"j\",\"source\":\"t\",\"type\":"
	    "\"domainproof.job.v1\",\"data\":{\"org\":\"acme\",\"domain\":"
	    "\"%s\",\"kind\":\"claim\"}}";
	static uint8_t large[1000000];
	const struct kafka_header header[] = {
	    {"large", large, sizeof(large)}, {"small", large, 5}};
	char value[2][512];

	world_start(0);
	for (int i = 0; i < 2; i++) {
		snprintf(value[i], sizeof(value[i]), job, world_name(0, i));
		sim_post(&(struct kafka_out){.topic = TOPIC_JOBS,
		    .partition = 1 + i,
		    .value = value[i],
		    .value_len = strlen(value[i]),
		    .headers = &header[i],
		    .headers_n = 1});
		world_run(SECOND);

		struct moved m = {.n = 0};

		sim_read(TOPIC_JOBS, 0, 0, BROKER_COMMITTED, see_moved, &m);
		assert_int_equal(m.n, i + 1);
		assert_int_equal(m.headers_n, i);
		assert_string_equal(
		    world_outcome(world_name(0, i), "j"), "done");
	}
}

/* Whatever is answered leaves a trace in the state topic, by its name as sent:
 * a restore has to be able to read that. */
static void
no_name_closes_a_partition(void **state)
{
	(void)state;
	static const char *const bad[] = {"a b.test", " ", "a/b.test", "/",
	    "\\u0000", "\\u0007.test", "a..b", ".", "-", "\\u00e9 \\u00e9",
	    "xn--a", "1.2.3.4", "[::1]", "\\\"", "\\\\", "job/acme/x",
	    "\\ud83d\\ude00 /", "a\\t.test", "\\u007f"};
	char value[512];

	world_open(1);
	world_start(0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(value, sizeof(value),
		    "{\"specversion\":\"1.0\",\"id\":\"j%zu\",\"source\":\"t\","
		    "\"type\":\"domainproof.job.v1\",\"data\":{\"org\":"
		    "\"acme\",\"domain\":\"%s\",\"kind\":\"verify\"}}",
		    i, bad[i]);
		world_post_raw(TOPIC_JOBS, 0, "k", value);
	}
	world_run(SECOND);
	world_crash(0);
	world_start(0);
	world_post(TOPIC_JOBS, "claim", "a.test", "good", NULL);
	world_run(SECOND);
	assert_string_equal(world_outcome("a.test", "good"), "done");
}

/* -- poison -----------------------------------------------------------------
 */

static void
what_killed_three_is_not_read_again(void **state)
{
	(void)state;
	static const char poison[] = "boom";
	const struct kafka_header header = {
	    .name = "trace", .value = (const uint8_t *)"t1", .len = 2};
	struct dead d = {.n = 0};
	char what[64], blamed[RECORD_KEY_MAX + 1];
	int64_t at;

	world_start(0);
	world_run(SECOND);
	at = sim_post(&(struct kafka_out){.topic = TOPIC_JOBS,
	    .partition = 1,
	    .key = "key",
	    .key_len = 3,
	    .value = poison,
	    .value_len = sizeof(poison) - 1,
	    .headers = &header,
	    .headers_n = 1});
	snprintf(what, sizeof(what), "jobs/1/%lld", (long long)at);
	for (int i = 0; i < SHM_POISON_STRIKES; i++) {
		struct shm *shm = world_scheduler(0)->role->shm;

		shm_work_begin(shm, 5, what);
		shm_blame(shm, 5, blamed);
	}
	world_run(SECOND);
	sim_read(TOPIC_DEAD, 1, 0, BROKER_COMMITTED, see_dead, &d);
	assert_int_equal(d.n, 1);
	assert_memory_equal(d.first, poison, 4);
	assert_string_equal(dead_header(&d, "trace"), "t1");
	assert_string_equal(dead_header(&d, "origin-partition"), "1");
	assert_string_equal(
	    dead_header(&d, "origin-topic"), "domainproof.jobs");
	assert_int_equal(
	    world_count(TOPIC_EVENTS, "job.dead", "\"poison\"", NULL), 1);
	assert_int_equal(sim_committed(LANE_JOBS, 1), at + 1);
}

static void
a_look_that_kills_resolvers_ends_its_job(void **state)
{
	(void)state;
	const char *domain = world_name(1, 0);
	char subject[64];

	world_start(0);
	world_dns_delay(NEVER);
	world_post(TOPIC_JOBS, "verify", domain, "j", NULL);
	world_post(
	    TOPIC_JOBS, "verify", world_name(1, 1), "n", "\"deadline_s\":0");
	world_run(SECOND);
	snprintf(subject, sizeof(subject), "acme/%s/j", domain);
	world_poison(0, subject);
	world_dns_delay(3);
	world_new_resolver(0);
	world_run(SECOND);
	assert_string_equal(world_outcome(domain, "j"), "rejected");
	assert_int_equal(
	    world_count(TOPIC_RESULTS, "\"code\":\"poison\"", NULL), 1);
	assert_string_equal(world_outcome(world_name(1, 1), "n"), "failed");
	world_poison(0, subject); /* told twice, or too late */
	world_poison(0, "nobody/knows/this");
	world_run(SECOND);
	assert_int_equal(world_scheduler(0)->asked_n[LANE_JOBS], 0);
	world_check_settled();
}

/* -- resolvers that do not answer -------------------------------------------
 */

static void
a_new_resolver_is_asked_what_the_old_one_left(void **state)
{
	(void)state;
	world_start(0);
	world_dns_delay(NEVER);
	for (int32_t p = 0; p < 3; p++)
		world_post(TOPIC_JOBS, "verify", world_name(p, 0), "j",
		    "\"deadline_s\":0");
	world_run(SECOND);
	assert_int_equal(world_looks(NULL), 3);
	world_dns_delay(3);
	world_new_resolver(0);
	world_run(100);
	assert_int_equal(world_looks(NULL), 6);
	world_check_settled();
}

static void
a_look_without_an_answer_is_sent_again(void **state)
{
	(void)state;
	const char *domain = world_name(1, 0);

	world_start(0);
	world_dns_delay(NEVER);
	world_post(TOPIC_JOBS, "verify", domain, "j", "\"deadline_s\":0");
	world_run(MINUTE - SECOND);
	assert_int_equal(world_looks(domain), 1);
	world_dns_delay(3);
	world_run(8 * SECOND);
	assert_int_equal(world_looks(domain), 2);
	assert_string_equal(world_outcome(domain, "j"), "failed");
	world_check_settled();
}

/* It works off a long queue: asking again would make that longer. */
static void
a_busy_resolver_is_not_asked_twice(void **state)
{
	(void)state;
	char id[16];

	world_start(0);
	world_dns_delay(NEVER);
	world_post(TOPIC_JOBS, "verify", "a.test", "j", "\"deadline_s\":0");
	world_run(SECOND);
	world_dns_delay(3);
	for (int i = 0; i < 9; i++) {
		snprintf(id, sizeof(id), "o%d", i);
		world_post(
		    TOPIC_JOBS, "verify", "b.test", id, "\"deadline_s\":0");
		world_run(30 * SECOND);
		assert_int_equal(world_looks("a.test"), 1);
	}
	world_run(MINUTE);
	assert_int_equal(world_looks("a.test"), 2);
	world_check_settled();
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(overdue_timers_at_the_start_are_asked_for_in_portions),
	    CASE(a_claim_with_an_open_job_is_small),
	    CASE(a_key_takes_its_own_length),
	    CASE(a_commit_that_hangs_fills_no_memory),
	    CASE(a_full_bulk_lane_is_written_at_once),
	    CASE(the_bulk_lane_gets_its_share_and_no_more),
	    CASE(first_looks_that_wait_hold_up_their_lane_alone),
	    CASE(what_decompresses_to_too_much_is_cut),
	    CASE(large_headers_are_not_sent_on),
	    CASE(no_name_closes_a_partition),
	    CASE(what_killed_three_is_not_read_again),
	    CASE(a_look_that_kills_resolvers_ends_its_job),
	    CASE(a_new_resolver_is_asked_what_the_old_one_left),
	    CASE(a_look_without_an_answer_is_sent_again),
	    CASE(a_busy_resolver_is_not_asked_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
