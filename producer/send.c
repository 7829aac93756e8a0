/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/send.h"

#include "core/json.h"
#include "io/message.h"
#include "producer/input.h"
#include "producer/show.h"

#include <inttypes.h>
#include <string.h>

#define TIMEOUT_MS  10000
#define SERVE_EVERY 64 /* messages between two looks for receipts */

struct sending {
	struct command *c;
	const struct send_calls *calls;
	struct input *in;
	struct poster *poster; /* NULL: a dry run */
	enum topic lane;
	uint64_t n; /* taken so far */
	struct progress progress;
};

/* --- receipts ------------------------------------------------------------- */

static void
receipt_json(const struct receipt *r)
{
	char line[1024];
	struct writer w;

	writer_init(&w, line, sizeof(line));
	json_raw(&w, "{");
	json_key(&w, "domain");
	json_text(&w, r->domain);
	json_key(&w, "org");
	json_text(&w, r->org);
	json_key(&w, "id");
	json_text(&w, r->id);
	json_key(&w, "partition");
	json_number(&w, r->partition);
	json_key(&w, "offset");
	json_number(&w, r->offset);
	json_raw(&w, "}");
	if (!w.bad)
		printf("%.*s\n", (int)w.len, line);
}

void
send_receipt(struct command *c, const struct receipt *r)
{
	if (!r->stored)
		command_fail(c, EXIT_DOWN, "%s (job %s): %s", r->domain, r->id,
		    r->e->text);
	else if (c->options.given[OPTION_JSON])
		receipt_json(r);
	else
		printf("%s %s %s %" PRId32 " %" PRId64 "\n", r->domain, r->org,
		    r->id, r->partition, r->offset);
}

/* --- one ------------------------------------------------------------------ */

static enum next
name_job(struct sending *s, struct job_request *r, struct err *e)
{
	const char *id = s->c->options.text[OPTION_ID];
	int len;

	if (r->id[0] != '\0')
		return OK;
	if (id == NULL)
		return poster_new_id(r, e);
	if (input_many(s->in))
		len = snprintf(r->id, sizeof(r->id), "%s-%" PRIu64, id, s->n);
	else
		len = snprintf(r->id, sizeof(r->id), "%s", id);
	if (len <= JOB_ID_MAX)
		return OK;
	err_set(e, "id '%.*s...' is longer than %d", 20, id, JOB_ID_MAX);
	return REJECT;
}

static enum next
post_one(struct sending *s, const struct job_request *r, struct err *e)
{
	char message[MESSAGE_JOB_MAX];
	size_t len;

	if (s->poster != NULL)
		return poster_send(s->poster, r, s->lane, s->n, e);
	len = poster_message(message, sizeof(message), r);
	if (len == 0) {
		err_set(e, "the job is too long");
		return REJECT;
	}
	printf("%.*s\n", (int)len, message);
	return OK;
}

static void
complain(struct sending *s, enum exit_word code, const struct err *e)
{
	progress_hide(&s->progress);
	command_fail(s->c, code, "%s: %s", input_place(s->in), e->text);
}

static void
add_wish(struct job_request *r, const struct job_request *wish)
{
	if (wish == NULL)
		return;
	if (r->checks == 0)
		r->checks = wish->checks;
	if (r->functions == 0)
		r->functions = wish->functions;
	if (r->selector[0] == '\0') {
		memcpy(r->selector, wish->selector, sizeof(r->selector));
		r->key = wish->key;
	}
}

/* False: no use to go on. */
static bool
send_one(struct sending *s, struct job_request *r)
{
	const struct options *o = &s->c->options;
	struct err e;
	enum next next;

	if (r->deadline_ms < 0 && o->number[OPTION_DEADLINE] >= 0)
		r->deadline_ms = o->number[OPTION_DEADLINE];
	add_wish(r, s->calls->wish);
	next = poster_judge(r, &s->c->policy, &e);
	if (next == OK)
		next = name_job(s, r, &e);
	if (next == OK)
		next = post_one(s, r, &e);
	if (next == OK)
		return true;
	command_fail(s->c, next == REJECT ? EXIT_REFUSED : EXIT_DOWN, "%s: %s",
	    input_place(s->in), e.text);
	return next == REJECT;
}

/* --- all ------------------------------------------------------------------ */

static void
tick(struct sending *s)
{
	if (s->poster != NULL && s->n % SERVE_EVERY == 0)
		poster_serve(s->poster, 0);
	if (s->calls->between != NULL)
		s->calls->between(s->calls->arg);
	s->progress.done = s->n;
	s->progress.bytes = input_bytes(s->in);
	progress_draw(&s->progress);
}

static void
on_idle(void *arg)
{
	struct sending *s = arg;

	if (s->poster != NULL)
		poster_serve(s->poster, 0);
	if (s->calls->idle != NULL)
		s->calls->idle(s->calls->arg);
	fflush(stdout);
	progress_draw(&s->progress);
}

static void
send_each(struct sending *s)
{
	struct job_request r;
	struct err e;
	bool going = true;

	while (going && !command_interrupted() && ferror(stdout) == 0) {
		switch (input_take(s->in, &r, &e)) {
		case INPUT_ONE:
			s->n++;
			going = send_one(s, &r);
			break;
		case INPUT_WRONG:
			s->n++; /* the ids of the others stay theirs */
			complain(s, EXIT_REFUSED, &e);
			break;
		case INPUT_BROKEN:
			if (!command_interrupted())
				command_fail(s->c, EXIT_DOWN, "%s", e.text);
			return;
		case INPUT_END:
			return;
		}
		tick(s);
	}
}

static bool
open_poster(struct sending *s)
{
	struct command *c = s->c;
	const int64_t timeout = c->options.number[OPTION_TIMEOUT];
	struct err e;

	if (c->options.given[OPTION_DRY_RUN])
		return true;
	if (poster_open(&s->poster,
		&(struct poster_conf){.brokers = c->settings.kafka.brokers,
		    .prefix = c->settings.kafka.prefix,
		    .timeout_ms = timeout > 0 ? timeout : TIMEOUT_MS},
		s->calls->told, s->calls->arg, &e) == OK)
		return true;
	command_fail(c, EXIT_DOWN, "%s", e.text);
	return false;
}

static void
finish(struct sending *s)
{
	const int64_t timeout = s->c->options.number[OPTION_TIMEOUT];
	struct err e;

	if (s->poster == NULL)
		return;
	/* each message fails by itself in its time, and a second later */
	if (poster_finish(s->poster,
		(timeout > 0 ? timeout : TIMEOUT_MS) + 1000, &e) != OK)
		command_fail(s->c, EXIT_DOWN, "%s", e.text);
	poster_close(s->poster);
}

static bool
id_ok(struct command *c)
{
	const char *id = c->options.text[OPTION_ID];

	if (id == NULL || command_word_ok(id, JOB_ID_MAX))
		return true;
	command_fail(c, EXIT_USAGE,
	    "--id wants 1 to %d of letters, digits, '.', '_', '-'", JOB_ID_MAX);
	return false;
}

bool
send_all(struct command *c, enum job_kind kind, const struct send_calls *calls)
{
	struct sending s = {
	    .c = c,
	    .calls = calls,
	    .lane = c->options.number[OPTION_LANE] == LANE_WORD_BULK
			? TOPIC_BULK
			: TOPIC_JOBS,
	};
	struct err e;
	bool ok = id_ok(c);

	if (ok && input_open(&s.in, c, kind, INPUT_ORG_WANTED, &e) != OK) {
		command_fail(c, EXIT_USAGE, "%s", e.text);
		ok = false;
	}
	ok = ok && open_poster(&s);
	if (ok) {
		progress_begin(&s.progress, "posted", input_bytes_all(s.in));
		input_idle(s.in, on_idle, &s);
		send_each(&s);
		progress_end(&s.progress);
		finish(&s);
	}
	input_close(s.in);
	return ok;
}
