/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/await.h"

#include "core/job.h"
#include "io/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_MS  2000
#define PAUSE_MIN 100
#define PAUSE_MAX 1000
#define HOPS_MAX  8 /* a joined job that joined a job that ... */

struct one {
	char org[ORG_MAX + 1];
	char id[JOB_ID_MAX + 1]; /* of the one it joined, if it did */
	char posted[JOB_ID_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1];
	int32_t partition;
	int64_t offset;
	unsigned hops;
};

struct await {
	struct redis *redis;
	await_told_fn *told;
	poster_told_fn *lost; /* NULL: told already, or not wanted */
	void *arg;
	size_t n, cap;
	struct one *ones; /* those that have not ended */
	struct progress progress;
};

enum next
await_open(struct await **out, const struct command *c, await_told_fn *told,
    void *arg, struct err *e)
{
	struct await *a = calloc(1, sizeof(*a));
	enum next next;

	*out = NULL;
	if (a == NULL) {
		err_set(e, "memory is out");
		return STOP;
	}
	a->told = told;
	a->arg = arg;
	next = redis_open(&a->redis, c->settings.redis.url, REDIS_MS, e);
	if (next != OK) {
		free(a);
		return next;
	}
	*out = a;
	return OK;
}

void
await_close(struct await *a)
{
	if (a == NULL)
		return;
	redis_close(a->redis);
	free(a->ones);
	free(a);
}

void
await_forget(struct await *a)
{
	a->n = 0;
}

size_t
await_n(const struct await *a)
{
	return a->n;
}

void
await_lost(struct await *a, poster_told_fn *lost)
{
	a->lost = lost;
}

enum next
await_add(struct await *a, const struct receipt *r, struct err *e)
{
	struct one *one;

	if (a->n == AWAIT_MAX) {
		err_set(e, "no more than %d jobs can be waited for at once",
		    AWAIT_MAX);
		return REJECT;
	}
	if (a->n == a->cap) {
		size_t cap = a->cap * 2 + 16;
		struct one *p = realloc(a->ones, cap * sizeof(*p));

		if (p == NULL) {
			err_set(e, "memory is out");
			return STOP;
		}
		a->ones = p;
		a->cap = cap;
	}
	one = &a->ones[a->n++];
	*one = (struct one){.partition = r->partition, .offset = r->offset};
	snprintf(one->org, sizeof(one->org), "%s", r->org);
	snprintf(one->id, sizeof(one->id), "%s", r->id);
	snprintf(one->posted, sizeof(one->posted), "%s", r->id);
	snprintf(one->domain, sizeof(one->domain), "%s", r->domain);
	return OK;
}

static void
tell_lost(struct await *a)
{
	poster_told_fn *lost = a->lost;

	a->lost = NULL;
	if (lost == NULL || a->n == 0)
		return;
	progress_hide(&a->progress);
	for (size_t i = 0; i < a->n; i++) {
		const struct one *one = &a->ones[i];

		lost(a->arg, &(struct receipt){.org = one->org,
				 .domain = one->domain,
				 .id = one->posted,
				 .stored = true,
				 .partition = one->partition,
				 .offset = one->offset});
	}
	fflush(stdout);
}

/* True when it joined another, which is then waited for in its stead. */
static bool
follow(struct one *one, const struct job_view *v)
{
	const char *joined =
	    v->doc != NULL &&
		    strcmp(v->outcome, job_outcome_name(END_JOINED)) == 0
		? document_text(v->doc, "joined")
		: NULL;

	if (joined == NULL || one->hops == HOPS_MAX ||
	    !command_word_ok(joined, JOB_ID_MAX))
		return false;
	one->hops++;
	snprintf(one->id, sizeof(one->id), "%s", joined);
	return true;
}

enum ask { ASK_OPEN, ASK_TOLD, ASK_DOWN };

/* last: it is told whatever its state. */
static enum ask
ask(struct await *a, struct one *one, bool last, struct err *e)
{
	struct job_view v;
	enum ask got = ASK_OPEN;

	if (view_job(a->redis, one->org, one->id, one->domain, &v, e) != OK) {
		got = ASK_DOWN;
	} else if (last || (view_job_ended(&v) && !follow(one, &v))) {
		if (v.domain[0] == '\0')
			snprintf(v.domain, sizeof(v.domain), "%s", one->domain);
		progress_hide(&a->progress);
		a->told(a->arg, a->redis, &v, view_job_exit(&v));
		got = ASK_TOLD;
	}
	view_job_free(&v);
	return got;
}

static enum ask
ask_all(struct await *a, bool last, struct err *e)
{
	size_t i = 0;

	while (i < a->n) {
		switch (ask(a, &a->ones[i], last, e)) {
		case ASK_DOWN:
			return ASK_DOWN;
		case ASK_TOLD:
			a->ones[i] = a->ones[--a->n];
			a->progress.done++;
			break;
		case ASK_OPEN:
			i++;
		}
		progress_draw(&a->progress);
	}
	return ASK_OPEN;
}

void
await_pause(int64_t *pause_ms, int64_t until_mono)
{
	int64_t left = until_mono - clock_mono_ms();

	*pause_ms = *pause_ms < PAUSE_MIN ? PAUSE_MIN : *pause_ms * 5 / 4;
	if (*pause_ms > PAUSE_MAX)
		*pause_ms = PAUSE_MAX;
	if (left > *pause_ms)
		left = *pause_ms;
	if (left > 0 && !command_interrupted())
		(void)poll(NULL, 0, (int)left);
}

static enum next
run(struct await *a, int64_t limit_ms, struct err *e)
{
	int64_t now = clock_mono_ms(), until = now + limit_ms;
	int64_t down_at = -1, pause = 0;

	while (a->n > 0 && !command_interrupted()) {
		enum ask got = ask_all(a, now >= until, e);

		now = clock_mono_ms();
		if (got == ASK_DOWN)
			tell_lost(a);
		if (got != ASK_DOWN)
			down_at = -1;
		else if (down_at < 0)
			down_at = now;
		else if (now - down_at >= AWAIT_DOWN_MS || now >= until)
			return RETRY;
		if (a->n > 0)
			await_pause(&pause, now < until ? until : now + 100);
		now = clock_mono_ms();
	}
	return OK;
}

enum next
await_run(struct await *a, int64_t limit_ms, struct err *e)
{
	enum next next;

	progress_begin(&a->progress, "settled", 0);
	next = run(a, limit_ms, e);
	if (command_interrupted())
		tell_lost(a);
	progress_end(&a->progress);
	return next;
}
