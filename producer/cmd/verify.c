/* SPDX-License-Identifier: Apache-2.0 */
/* verify, activate, deactivate, recheck: post a job a domain, and wait for its
 * end if that is wanted. */
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

	if (v->await != NULL && r->stored && await_add(v->await, r, &e) == OK)
		return;
	send_receipt(v->c, r);
	if (v->await == NULL || !r->stored || v->full)
		return;
	v->full = true;
	command_fail(v->c, EXIT_PENDING,
	    "%s; the others are posted and not waited for: domainproof status "
	    "-f FILE shows them",
	    e.text);
}

/* Its end may not be seen from here: whoever posted it can ask for it. */
static void
on_lost(void *arg, const struct receipt *r)
{
	struct verify *v = arg;

	send_receipt(v->c, r);
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

	if (await_n(v->await) == 0)
		return;
	await_lost(v->await, on_lost);
	if (await_run(v->await, wait_limit(v->c), &e) != OK)
		command_fail(v->c, EXIT_DOWN, "%s", e.text);
}

/* --- what is wanted ------------------------------------------------------- */

/* Bits of a list of words; false: complained and counted. */
static bool
take_list(struct command *c, enum option o,
    bool (*parse)(const char *list, uint32_t *bits), const char *words,
    uint32_t *bits)
{
	const char *list = c->options.text[o];

	if (list == NULL || parse(list, bits))
		return true;
	command_fail(
	    c, EXIT_USAGE, "'%.80s': a list of %s is wanted", list, words);
	return false;
}

/* activate and deactivate: both, if none is named. --activate: the functions
 * whose checks are asked for. */
static bool
make_wish(struct command *c, struct job_request *wish)
{
	if (!take_list(c, OPTION_CHECK, option_checks,
		"ownership, spf, dkim, dmarc", &wish->checks) ||
	    !take_list(c, OPTION_FUNCTION, option_functions, "spf, dkim",
		&wish->functions))
		return false;
	if (wish->kind != JOB_VERIFY && wish->functions == 0)
		wish->functions = 1u << FUNCTION_SPF | 1u << FUNCTION_DKIM;
	if (!c->options.given[OPTION_ACTIVATE])
		return true;
	for (unsigned fn = 0; fn < FUNCTION_N; fn++) {
		if ((wish->checks & 1u << function_check((enum function)fn)) !=
		    0)
			wish->functions |= 1u << fn;
	}
	if (wish->functions != 0)
		return true;
	command_fail(
	    c, EXIT_USAGE, "--activate wants --check with spf or dkim in it");
	return false;
}

/* --- the verbs ------------------------------------------------------------ */

static int
run(struct command *c, enum job_kind kind, const struct job_request *wish)
{
	struct verify v = {.c = c};
	struct err e;

	if (c->options.given[OPTION_WAIT] &&
	    !c->options.given[OPTION_DRY_RUN] &&
	    await_open(&v.await, c, on_settled, &v, &e) != OK)
		return command_fail(c, EXIT_USAGE, "%s", e.text);
	if (send_all(c, kind,
		&(struct send_calls){
		    .told = on_posted, .wish = wish, .arg = &v}) &&
	    v.await != NULL)
		await_all(&v);
	await_close(v.await);
	return c->worst;
}

static int
look(struct command *c, enum job_kind kind)
{
	struct job_request wish = {.kind = kind};

	if (!make_wish(c, &wish) || !command_settings(c) || !command_names(c))
		return c->worst;
	return run(c, kind, &wish);
}

int
cmd_verify(struct command *c)
{
	return look(c, JOB_VERIFY);
}

int
cmd_activate(struct command *c)
{
	return look(c, JOB_ACTIVATE);
}

static void
tell_consequence(const struct command *c, uint32_t functions)
{
	const char *sender = c->policy.default_sender;

	fputs("This is at once, for all users of the domain:\n", stderr);
	if ((functions & 1u << FUNCTION_SPF) != 0)
		fprintf(stderr,
		    "  spf   mail goes out from %s instead of the domain's own "
		    "addresses\n",
		    sender[0] != '\0' ? sender : "the default sender");
	if ((functions & 1u << FUNCTION_DKIM) != 0)
		fputs("  dkim  mail is not signed with the domain's key any "
		      "more\n",
		    stderr);
}

int
cmd_deactivate(struct command *c)
{
	struct job_request wish = {.kind = JOB_DEACTIVATE};
	bool ask =
	    !c->options.given[OPTION_YES] && !c->options.given[OPTION_DRY_RUN];

	if (!make_wish(c, &wish) || !command_settings(c) || !command_names(c))
		return c->worst;
	if (ask && !command_can_ask(c, "change who mail comes from"))
		return c->worst;
	if (ask)
		tell_consequence(c, wish.functions);
	if (ask && !command_confirm(c))
		return c->worst;
	return run(c, JOB_DEACTIVATE, &wish);
}

int
cmd_recheck(struct command *c)
{
	struct job_request wish = {.kind = JOB_RECHECK};

	if (!command_settings(c) || !command_names(c))
		return c->worst;
	return run(c, JOB_RECHECK, &wish);
}
