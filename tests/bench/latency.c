/* SPDX-License-Identifier: Apache-2.0 */
/* From a post to the status that a reader of Redis sees, one job after another.
 *
 * latency BROKERS PREFIX REDIS ORG RUN <domains     REDIS: as in settings
 *
 * Each line of the input is a domain. A job is posted by libdomainproof's
 * producer, which is open already; post_flush sends at once, without the
 * linger of the producer. Then the job's hash is read every 0.2 ms until it
 * tells how the job ended. Prints "RUN-N OUTCOME WALL_MS MICROSECONDS" a job:
 * when it was posted (the machine's clock) and how long that took. Exit 1: a
 * job did not end within 10 s; 2: wrong use, or something is down. */
#include "core/job.h"
#include "io/clock.h"
#include "io/message.h"
#include "io/post.h"
#include "io/redis.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define POLL_NS	 200000
#define LIMIT_US 10000000
#define CALL_MS	 1000

struct latency {
	struct post *post;
	struct redis *redis;
	const char *org, *run;
	unsigned n;
	char outcome[32];
};

static int64_t
mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
on_stored(void *arg, void *message, bool ok, int32_t partition, int64_t offset,
    const struct err *e)
{
	(void)arg, (void)message, (void)partition, (void)offset;
	if (!ok)
		fprintf(stderr, "latency: %s\n", e->text);
}

static void
on_field(void *arg, const char *name, const char *text, size_t len)
{
	struct latency *l = arg;

	if (strcmp(name, "outcome") == 0)
		snprintf(
		    l->outcome, sizeof(l->outcome), "%.*s", (int)len, text);
}

static enum next
post_job(struct latency *l, const char *domain, const char *id, struct err *e)
{
	struct job_request r = {
	    .kind = JOB_VERIFY,
	    .checks = 1u << CHECK_OWNERSHIP,
	    .deadline_ms = -1,
	};
	char value[MESSAGE_JOB_MAX];
	enum next next;
	size_t len;

	snprintf(r.org, sizeof(r.org), "%s", l->org);
	snprintf(r.domain, sizeof(r.domain), "%s", domain);
	snprintf(r.id, sizeof(r.id), "%s", id);
	len = message_job_write(
	    value, sizeof(value), &r, "tests/bench", clock_wall_ms());
	next = post_send(l->post, TOPIC_JOBS, r.domain, value, len, NULL, e);
	return next == OK ? post_flush(l->post, CALL_MS, e) : next;
}

/* RETRY also when time is up. */
static enum next
await_end(struct latency *l, const char *id, int64_t until_us, struct err *e)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	char key[256];
	bool found;

	snprintf(key, sizeof(key), "domainproof:job:%s:%s", l->org, id);
	for (;;) {
		enum next next;

		l->outcome[0] = '\0';
		next = redis_get_hash(l->redis, key, on_field, l, &found, e);
		if (next != OK)
			return next;
		if (l->outcome[0] != '\0' && strcmp(l->outcome, "open") != 0)
			return OK;
		if (mono_us() >= until_us)
			break;
		nanosleep(&pause, NULL);
	}
	err_set(e, "job %s has not ended", id);
	return RETRY;
}

static enum next
measure(struct latency *l, const char *domain, struct err *e)
{
	int64_t wall_ms = clock_wall_ms(), begin = mono_us();
	char id[64];
	enum next next;

	snprintf(id, sizeof(id), "%s-%u", l->run, ++l->n);
	next = post_job(l, domain, id, e);
	if (next == OK)
		next = await_end(l, id, begin + LIMIT_US, e);
	if (next == OK)
		printf("%s %s %lld %lld\n", id, l->outcome, (long long)wall_ms,
		    (long long)(mono_us() - begin));
	return next;
}

static enum next
measure_all(struct latency *l, struct err *e)
{
	char line[300];
	enum next next = OK;

	while (next == OK && fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		next = measure(l, line, e);
	}
	return next;
}

int
main(int argc, char **argv)
{
	struct latency l = {.n = 0};
	struct post_conf conf = {.timeout_ms = 10000};
	struct err e = {.text = ""};
	enum next next;

	if (argc != 6) {
		fprintf(stderr,
		    "usage: latency BROKERS PREFIX REDIS ORG RUN <domains\n");
		return 2;
	}
	conf.brokers = argv[1];
	conf.prefix = argv[2];
	l.org = argv[4];
	l.run = argv[5];
	if (post_open(&l.post, &conf, on_stored, NULL, &e) != OK ||
	    redis_open(&l.redis, argv[3], CALL_MS, &e) != OK) {
		fprintf(stderr, "latency: %s\n", e.text);
		return 2;
	}
	next = measure_all(&l, &e);
	if (next != OK)
		fprintf(stderr, "latency: %s\n", e.text);
	post_close(l.post);
	redis_close(l.redis);
	return next == OK ? 0 : 1;
}
