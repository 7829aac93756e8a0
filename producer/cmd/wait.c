/* SPDX-License-Identifier: Apache-2.0 */
/* wait: stays until a claim or a job is settled. */
#include "producer/await.h"
#include "producer/input.h"
#include "producer/watcher.h"

#include "io/clock.h"

#define WAIT_MS	 (48 * 3600000LL)
#define REDIS_MS 2000

static int64_t
limit_of(const struct command *c)
{
	const int64_t given = c->options.number[OPTION_TIMEOUT];

	return given >= 0 ? given : WAIT_MS;
}

/* --- a job ---------------------------------------------------------------- */

static void
on_settled(
    void *arg, struct redis *r, const struct job_view *job, enum exit_word code)
{
	struct command *c = arg;

	(void)r;
	command_count(c, code);
	if (c->options.given[OPTION_JSON])
		view_json(stdout, job->domain, job->org, NULL, job, code);
	else
		view_job_row(stdout, job);
}

static int
wait_job(struct command *c, const char *org, const char *id)
{
	struct await *a;
	struct err e;

	if (await_open(&a, c, on_settled, c, &e) != OK)
		return command_fail(c, EXIT_USAGE, "%s", e.text);
	if (await_add(a,
		&(struct receipt){
		    .org = org, .id = id, .domain = "", .partition = -1},
		&e) != OK ||
	    await_run(a, limit_of(c), &e) != OK)
		command_fail(c, EXIT_DOWN, "%s", e.text);
	await_close(a);
	return c->worst;
}

/* --- a claim -------------------------------------------------------------- */

static bool
is_over(const struct command *c, const struct claim_view *v)
{
	if (c->options.number[OPTION_FOR] == WAIT_VERIFIED)
		return view_claim_proven(v);
	return view_claim_settled(v);
}

static void
show(struct command *c, const struct claim_view *v, bool over)
{
	enum exit_word code = view_claim_exit(v);

	if (!over && code != EXIT_UNKNOWN)
		code = EXIT_PENDING; /* timed out */
	command_count(c, code);
	if (c->options.given[OPTION_JSON])
		view_json(stdout, v->domain, v->org, v, NULL, code);
	else
		view_claim_row(
		    stdout, v, code == EXIT_GOOD ? EXPLAIN_NOT : EXPLAIN);
}

/* Who waits, watches. */
static void
tell_workers(struct watcher *w, const struct job_request *q, int64_t now,
    int64_t *said_at)
{
	if (w == NULL)
		return;
	if (*said_at == 0 || now - *said_at >= WATCHER_AGAIN_MS) {
		watcher_say(w, q->org, q->domain);
		*said_at = now;
	}
	watcher_serve(w, 0);
}

static void
watch_claim(struct command *c, struct redis *r, const struct job_request *q,
    struct watcher *w)
{
	int64_t now = clock_mono_ms(), until = now + limit_of(c);
	int64_t down_at = -1, pause = 0, said_at = 0;
	struct claim_view v;
	struct err e;

	while (!command_interrupted()) {
		enum next next = view_claim(r, q->org, q->domain, &v, &e);
		bool over = next == OK && is_over(c, &v);

		now = clock_mono_ms();
		if (next == OK && (over || now >= until)) {
			show(c, &v, over);
			view_claim_free(&v);
			return;
		}
		if (next == OK && v.status[0] != '\0')
			tell_workers(w, q, now, &said_at);
		view_claim_free(&v);
		if (next == OK)
			down_at = -1;
		else if (down_at < 0)
			down_at = now;
		if (next != OK &&
		    (now - down_at >= AWAIT_DOWN_MS || now >= until)) {
			command_fail(c, EXIT_DOWN, "%s", e.text);
			return;
		}
		await_pause(&pause, now < until ? until : now + 100);
	}
}

static int
wait_claim(struct command *c)
{
	struct watcher *watcher = NULL;
	struct job_request q;
	struct input *in;
	struct redis *r;
	struct err e;

	if (input_open(&in, c, JOB_VERIFY, INPUT_ORG_WANTED, &e) != OK) {
		input_close(in);
		return command_fail(c, EXIT_USAGE, "%s", e.text);
	}
	if (redis_open(&r, c->settings.redis.url, REDIS_MS, &e) != OK) {
		input_close(in);
		return command_fail(c, EXIT_USAGE, "%s", e.text);
	}
	if (input_take(in, &q, &e) != INPUT_ONE) {
		command_fail(
		    c, EXIT_REFUSED, "%s: %s", input_place(in), e.text);
	} else {
		watcher = watcher_open(c);
		watch_claim(c, r, &q, watcher);
		watcher_close(watcher);
	}
	redis_close(r);
	input_close(in);
	return c->worst;
}

int
cmd_wait(struct command *c)
{
	const char *id = c->options.text[OPTION_JOB];

	if ((c->options.args_n == 1) == (id != NULL))
		return command_fail(
		    c, EXIT_USAGE, "wait wants one domain or --job ID");
	if (!command_settings(c) || !command_names(c))
		return c->worst;
	if (id == NULL)
		return wait_claim(c);
	if (!command_job(c, id))
		return c->worst;
	return wait_job(c, command_org(c), id);
}
