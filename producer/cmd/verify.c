/* SPDX-License-Identifier: Apache-2.0 */
/* verify: posts a job a domain. */
#include "producer/await.h"
#include "producer/input.h"
#include "producer/post.h"
#include "producer/send.h"

#include "io/clock.h"

#define GRACE_MS 60000 /* behind the deadline, for the last look */

struct verify {
	struct command *c;
	struct await *await; /* NULL: not waiting */
	bool full;	     /* more than can be waited for */
};

static void
on_posted(void *arg, const struct receipt *r)
{
	struct verify *v = arg;
	struct err e;

	if (v->await == NULL) {
		send_receipt(v->c, r);
		return;
	}
	if (!r->stored)
		send_receipt(v->c, r);
	else if (await_add(v->await, r->org, r->id, r->domain, &e) != OK &&
		 !v->full) {
		v->full = true;
		command_fail(v->c, EXIT_PENDING,
		    "%s; the others are posted and not waited for: "
		    "domainproof status -f FILE shows them",
		    e.text);
	}
}

/* The job ended: its claim says why. */
static void
on_settled(
    void *arg, struct redis *r, const struct job_view *job, enum exit_word code)
{
	struct verify *v = arg;
	struct claim_view claim;
	struct err e;
	bool known = job->domain[0] != '\0' &&
		     view_claim(r, job->org, job->domain, &claim, &e) == OK;

	command_count(v->c, code == EXIT_UNKNOWN ? EXIT_PENDING : code);
	if (v->c->options.given[OPTION_JSON]) {
		view_json(stdout, job->domain, job->org, known ? &claim : NULL,
		    job, code);
	} else {
		view_job_row(stdout, job);
		if (code != EXIT_GOOD)
			view_job_sentences(stdout, job, known ? &claim : NULL);
	}
	if (known)
		view_claim_free(&claim);
}

static int64_t
wait_limit(const struct command *c)
{
	const struct options *o = &c->options;

	if (o->number[OPTION_WAIT] >= 0)
		return o->number[OPTION_WAIT];
	if (o->number[OPTION_DEADLINE] >= 0)
		return o->number[OPTION_DEADLINE] + GRACE_MS;
	return c->policy.deadline_max_ms + GRACE_MS;
}

static void
await_all(struct verify *v)
{
	struct err e;

	if (command_interrupted() || await_n(v->await) == 0)
		return;
	if (await_run(v->await, wait_limit(v->c), &e) != OK)
		command_fail(v->c, EXIT_DOWN, "%s", e.text);
}

int
cmd_verify(struct command *c)
{
	struct verify v = {.c = c};
	struct err e;

	if (!command_settings(c) || !command_names(c))
		return c->worst;
	if (c->options.given[OPTION_WAIT] &&
	    !c->options.given[OPTION_DRY_RUN] &&
	    await_open(&v.await, c, on_settled, &v, &e) != OK)
		return command_fail(c, EXIT_USAGE, "%s", e.text);
	if (send_all(c, JOB_VERIFY,
		&(struct send_calls){.told = on_posted, .arg = &v}) &&
	    v.await != NULL)
		await_all(&v);
	await_close(v.await);
	return c->worst;
}
