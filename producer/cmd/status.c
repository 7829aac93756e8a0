/* SPDX-License-Identifier: Apache-2.0 */
/* status: what is known now. */
#include "producer/await.h"
#include "producer/input.h"
#include "producer/watcher.h"

#include "io/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDIS_MS   2000
#define WATCH_MAX  1000
#define WATCH_MS   500
#define UNKNOWN_MS 60000 /* what nobody knows yet is waited for so long */
#define QUIET_MS                                                               \
	2000 /* nothing pending for so long ends a watch: what was             \
	      * posted just before it shows up by then */

/* --- once ----------------------------------------------------------------- */

static void
show_claim(struct command *c, const struct claim_view *v)
{
	enum exit_word code = view_claim_exit(v);

	command_count(c, code);
	if (c->options.given[OPTION_JSON])
		view_json(stdout, v->domain, v->org, v, NULL, code);
	else
		view_claim_row(stdout, v,
		    c->options.given[OPTION_EXPLAIN] ? EXPLAIN : EXPLAIN_NOT);
}

/* False: Redis is of no use. */
static bool
status_claim(struct command *c, struct redis *r, const struct job_request *q)
{
	struct claim_view v;
	struct err e;
	bool ok = view_claim(r, q->org, q->domain, &v, &e) == OK;

	if (ok)
		show_claim(c, &v);
	else
		command_fail(c, EXIT_DOWN, "%s: %s", q->domain, e.text);
	view_claim_free(&v);
	return ok;
}

static void
status_each(struct command *c, struct redis *r, struct input *in)
{
	struct job_request q;
	struct err e;

	while (!command_interrupted() && ferror(stdout) == 0) {
		switch (input_take(in, &q, &e)) {
		case INPUT_ONE:
			if (!status_claim(c, r, &q))
				return;
			break;
		case INPUT_WRONG:
			command_fail(
			    c, EXIT_REFUSED, "%s: %s", input_place(in), e.text);
			break;
		case INPUT_BROKEN:
			if (!command_interrupted())
				command_fail(c, EXIT_DOWN, "%s", e.text);
			return;
		case INPUT_END:
			return;
		}
	}
}

static int
status_job(struct command *c, struct redis *r)
{
	struct claim_view claim = {.doc = NULL};
	struct job_view job;
	struct err e;
	enum exit_word code;

	if (view_job(r, command_org(c), c->options.text[OPTION_JOB], "", &job,
		&e) != OK)
		return command_fail(c, EXIT_DOWN, "%s", e.text);
	code = view_job_exit(&job);
	command_count(c, code);
	if (job.domain[0] != '\0' &&
	    view_claim(r, job.org, job.domain, &claim, &e) != OK)
		claim.status[0] = '\0';
	if (c->options.given[OPTION_JSON])
		view_json(stdout, job.domain, job.org,
		    claim.status[0] != '\0' ? &claim : NULL, &job, code);
	else
		view_job_row(stdout, &job);
	if (c->options.given[OPTION_EXPLAIN] && !c->options.given[OPTION_JSON])
		view_job_sentences(stdout, &job, &claim);
	view_claim_free(&claim);
	view_job_free(&job);
	return c->worst;
}

/* --- watching ------------------------------------------------------------- */

struct watched {
	char org[ORG_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1];
	char was[4 * VIEW_WORD_MAX + JOB_ID_MAX + 8]; /* what was printed */
	enum exit_word code;
	int64_t said_at; /* that it is watched, mono; 0 = not said */
};

struct watch {
	struct command *c;
	struct redis *redis;
	struct watcher *watcher; /* NULL = nobody can be told */
	bool redraw;		 /* a terminal: the table stays where it is */
	size_t lines;		 /* of the table drawn last */
	size_t n;
	struct watched one[WATCH_MAX];
};

static bool
gather(struct watch *w, struct input *in)
{
	struct job_request q;
	struct err e;
	enum input_next got;

	while ((got = input_take(in, &q, &e)) != INPUT_END) {
		struct watched *one = &w->one[w->n];

		if (got != INPUT_ONE) {
			command_fail(w->c, EXIT_REFUSED, "%s: %s",
			    input_place(in), e.text);
		} else if (w->n == WATCH_MAX) {
			command_fail(w->c, EXIT_USAGE,
			    "no more than %d domains can be watched",
			    WATCH_MAX);
			return false;
		} else {
			memcpy(one->org, q.org, sizeof(one->org));
			memcpy(one->domain, q.domain, sizeof(one->domain));
			w->n++;
		}
		if (got == INPUT_BROKEN)
			return false;
	}
	return true;
}

static void
draw(struct watch *w, const struct claim_view *v)
{
	const struct options *o = &w->c->options;

	if (w->redraw)
		fputs("\033[K", stdout);
	if (o->given[OPTION_JSON])
		view_json(
		    stdout, v->domain, v->org, v, NULL, view_claim_exit(v));
	else
		view_claim_row(stdout, v,
		    o->given[OPTION_EXPLAIN] && !w->redraw ? EXPLAIN
							   : EXPLAIN_NOT);
}

static enum next
watch_one(struct watch *w, struct watched *one, struct err *e)
{
	char is[sizeof(one->was)];
	struct claim_view v;

	if (view_claim(w->redis, one->org, one->domain, &v, e) != OK) {
		view_claim_free(&v);
		return RETRY;
	}
	one->code = view_claim_exit(&v);
	snprintf(is, sizeof(is), "%s %s %s %s %s", v.status, v.shield, v.code,
	    v.assurance, v.job);
	if (w->redraw || strcmp(is, one->was) != 0)
		draw(w, &v);
	memcpy(one->was, is, sizeof(is));
	view_claim_free(&v);
	return OK;
}

static bool
any(const struct watch *w, enum exit_word code)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->one[i].code == code)
			return true;
	}
	return false;
}

static enum next
watch_round(struct watch *w, struct err *e)
{
	enum next next = OK;

	if (w->redraw)
		fputs("\033[?7l", stdout); /* a row stays one line */
	if (w->redraw && w->lines > 0)
		printf("\033[%zuA", w->lines);
	w->lines = 0;
	for (size_t i = 0; i < w->n; i++) {
		next = watch_one(w, &w->one[i], e);
		if (next != OK)
			break;
		w->lines++;
	}
	if (w->redraw)
		fputs("\033[?7h", stdout);
	fflush(stdout);
	return next;
}

/* While something is pending the workers are told that somebody watches. */
static void
tell_workers(struct watch *w, int64_t now)
{
	for (size_t i = 0; w->watcher != NULL && i < w->n; i++) {
		struct watched *one = &w->one[i];

		if (one->code != EXIT_PENDING ||
		    (one->said_at != 0 &&
			now - one->said_at < WATCHER_AGAIN_MS))
			continue;
		watcher_say(w->watcher, one->org, one->domain);
		one->said_at = now;
	}
	if (w->watcher != NULL)
		watcher_serve(w->watcher, 0);
}

static void
watch_all(struct watch *w)
{
	int64_t began_at = clock_mono_ms(), up_at = began_at;
	int64_t pending_at = began_at, pause;
	struct err e;

	while (!command_interrupted() && ferror(stdout) == 0) {
		enum next next = watch_round(w, &e);
		int64_t now = clock_mono_ms();

		if (next == OK)
			up_at = now;
		tell_workers(w, now);
		if (now - up_at >= AWAIT_DOWN_MS) {
			command_fail(w->c, EXIT_DOWN, "%s", e.text);
			return;
		}
		if (next != OK || any(w, EXIT_PENDING) ||
		    (any(w, EXIT_UNKNOWN) && now - began_at < UNKNOWN_MS))
			pending_at = now;
		if (now - pending_at >= QUIET_MS)
			break;
		pause = WATCH_MS;
		await_pause(&pause, now + WATCH_MS);
	}
	for (size_t i = 0; i < w->n; i++)
		command_count(w->c, w->one[i].code);
}

static void
status_watch(struct command *c, struct redis *r, struct input *in)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		command_fail(c, EXIT_BUG, "memory is out");
		return;
	}
	w->c = c;
	w->redis = r;
	w->redraw =
	    isatty(STDOUT_FILENO) == 1 && !c->options.given[OPTION_JSON];
	if (gather(w, in)) {
		w->watcher = watcher_open(c);
		watch_all(w);
		watcher_close(w->watcher);
	}
	free(w);
}

/* --- whole ---------------------------------------------------------------- */

static int
status_claims(struct command *c, struct redis *r)
{
	struct input *in;
	struct err e;

	if (input_open(&in, c, JOB_VERIFY, INPUT_ORG_WANTED, &e) != OK)
		command_fail(c, EXIT_USAGE, "%s", e.text);
	else if (c->options.given[OPTION_WATCH])
		status_watch(c, r, in);
	else
		status_each(c, r, in);
	input_close(in);
	return c->worst;
}

int
cmd_status(struct command *c)
{
	const char *id = c->options.text[OPTION_JOB];
	struct redis *r;
	struct err e;

	if (id != NULL && c->options.args_n > 0)
		return command_fail(c, EXIT_USAGE,
		    "status wants domains or --job ID, not both");
	if (id != NULL && c->options.given[OPTION_WATCH])
		return command_fail(c, EXIT_USAGE,
		    "--watch is for domains; for a job: domainproof wait "
		    "--job %.64s",
		    id);
	if (!command_settings(c) || !command_names(c) ||
	    (id != NULL && !command_job(c, id)))
		return c->worst;
	if (redis_open(&r, c->settings.redis.url, REDIS_MS, &e) != OK)
		return command_fail(c, EXIT_USAGE, "%s", e.text);
	if (id != NULL)
		status_job(c, r);
	else
		status_claims(c, r);
	redis_close(r);
	return c->worst;
}
