/* SPDX-License-Identifier: Apache-2.0 */
/* One check of a look has come: the claim learns of it at once, then the job
 * that asked, and where it is right every open job of the claim. The look ends
 * with the last of its checks. */
#include "worker/scheduler.h"

#include <string.h>

#include "io/log.h"

#define DMARC_BIT	  (1u << CHECK_DMARC)
#define OWNERSHIP_BIT	  (1u << CHECK_OWNERSHIP)
#define DAY_MS		  (24 * 3600 * 1000LL)
#define UNDECIDED_LONG_D  7	 /* days without an answer: an alarm */
#define INCLUDE_ALARM_MS  600000 /* our own include is broken: so often */
#define UNDECIDED_EACH_MS DAY_MS

/* -- alarms --------------------------------------------------------------- */

/* Once a day and check, however often it is looked at meanwhile. */
static void
watch_undecided(struct scheduler *s, const struct check_state *was, int64_t now)
{
	int64_t since = was->undecided_since_at;

	if (since == 0 || (now - since) / DAY_MS < UNDECIDED_LONG_D ||
	    (now - since) / DAY_MS == (was->looked_at - since) / DAY_MS)
		return;
	s->undecided_long++;
	if (s->mono < s->undecided_alarm_due)
		return;
	s->undecided_alarm_due = s->mono + UNDECIDED_EACH_MS;
	log_line(LOG_WARN, "check.undecided_long",
	    FIELDS(INT("checks", (int64_t)s->undecided_long)));
	s->undecided_long = 0;
}

static void
watch_include(struct scheduler *s, const struct finding *f)
{
	if (f->code != CODE_SPF_TARGET_BROKEN || s->mono < s->include_alarm_due)
		return;
	s->include_alarm_due = s->mono + INCLUDE_ALARM_MS;
	log_line(LOG_ERROR, "include.broken",
	    FIELDS(
		TEXT("include", s->policy->spf_include), TEXT("saw", f->saw)));
}

static bool
was_proven(const struct open_claim *claim, enum check check)
{
	enum function fn = function_of(check);
	enum function_status status;

	if (check == CHECK_OWNERSHIP)
		return step_proven(claim);
	if (fn == FUNCTION_N)
		return false;
	status = claim->claim.function[fn].status;
	return status == FUNCTION_ACTIVE || status == FUNCTION_LAPSING;
}

/* Of looks that count: what a watcher sees each half minute says nothing of
 * others; nor does one domain that somebody asks for again and again. */
static void
tell_guard(struct scheduler *s, const struct open_claim *claim,
    const struct finding *f)
{
	const struct check_state *was = &claim->claim.check[f->check];
	unsigned looks, misses;
	enum guard_news news;

	if (f->verdict == VERDICT_UNDECIDED || !was_proven(claim, f->check) ||
	    scheduler_now(s) - was->looked_at <= GUARD_WINDOW_MS)
		return;
	news = guard_look(&s->guard, finding_is_miss(f), s->mono);
	if (news == GUARD_SAME)
		return;
	if (news == GUARD_THAWS)
		s->thawed_at = scheduler_now(s);
	guard_counts(&s->guard, &looks, &misses);
	log_line(news == GUARD_FREEZES ? LOG_ERROR : LOG_INFO,
	    news == GUARD_FREEZES ? "guard.frozen" : "guard.thawed",
	    FIELDS(INT("looks", looks), INT("misses", misses)));
}

/* What it missed up to the thaw may have been our fault: the first miss behind
 * it is noted only, and takes nothing away yet. */
static bool
doubted(const struct scheduler *s, const struct check_state *was)
{
	return guard_frozen(&s->guard) ||
	       (was->misses > 0 && was->looked_at < s->thawed_at);
}

/* -- the claim ------------------------------------------------------------ */

/* Asked with another token or key than the present one: it says nothing. */
static bool
outdated(const struct asked *slot, enum check check)
{
	return slot->generation != slot->claim->claim.generation ||
	       (check == CHECK_DKIM && slot->key_turn != slot->claim->key_turn);
}

/* A look that began later has told of it already; "could not ask" has told
 * nothing. */
static bool
overtaken(const struct asked *slot, const struct finding *f)
{
	const struct check_state *c = &slot->claim->claim.check[f->check];

	return slot->look_at < c->looked_at &&
	       (c->verdict != VERDICT_UNDECIDED ||
		   f->verdict == VERDICT_UNDECIDED);
}

/* Right it was, and what has been seen since is not: that counts, for whoever
 * asked. */
static bool
denied(const struct asked *slot, const struct finding *f)
{
	return overtaken(slot, f) && f->verdict == VERDICT_PASS &&
	       slot->claim->claim.check[f->check].verdict != VERDICT_PASS;
}

static enum next
tell_claim(struct scheduler *s, const struct asked *slot,
    const struct finding *f, int64_t now, struct err *e)
{
	struct open_claim *claim = slot->claim;
	bool counts =
	    slot->purpose == ASKED_JOB || slot->purpose == ASKED_RECHECK;

	if (overtaken(slot, f))
		return OK;
	if (f->verdict == VERDICT_UNDECIDED)
		watch_undecided(s, &claim->claim.check[f->check], now);
	watch_include(s, f);
	if (counts)
		tell_guard(s, claim, f);
	counts = counts && !doubted(s, &claim->claim.check[f->check]);
	return step_check(s,
	    &(struct step_on){.claim = claim,
		.job = slot->job,
		.lane = slot->lane,
		.look_at = slot->look_at,
		.now = now},
	    f, counts ? STEP_COUNTS : STEP_NOTES, e);
}

/* -- jobs ----------------------------------------------------------------- */

/* When memory is out the result tells what the claim remembers. */
static void
keep(struct open_job *job, enum check check, const struct reader *raw)
{
	struct kept *k;

	part_kept_drop(job, 1u << check);
	if (raw->left > UINT16_MAX)
		return;
	k = mem_alloc(sizeof(*k) + raw->left);
	if (k == NULL)
		return;
	k->check = (uint8_t)check;
	k->len = (uint16_t)raw->left;
	memcpy(k->bytes, raw->p, raw->left);
	k->next = job->kept;
	job->kept = k;
}

static void
first_look_over(struct scheduler *s, struct open_job *job)
{
	if (job->first)
		s->first_looks[job->job.lane]--;
	job->first = false;
}

/* All that it has to know is known. Counts its look, if it is out. */
static enum next
settle_verified(struct scheduler *s, struct open_job *job,
    const struct finding *f, struct err *e)
{
	if (job->asked != NO_SLOT) {
		const struct asked *slot = &s->asked[job->asked];

		first_look_over(s, job);
		job_look(&job->job, &job->claim->claim, slot->look_at,
		    slot->neg_ttl_s, s->policy);
	}
	return step_settle(
	    s, job, END_VERIFIED, job_code(&job->job), f, scheduler_now(s), e);
}

enum next
found_late(struct scheduler *s, struct open_job *job, struct err *e)
{
	if (job_proven(&job->job, &job->claim->claim))
		return settle_verified(s, job, NULL, e);
	/* it was, and its look, which is out, goes on with it */
	timers_clear(&s->due[job->job.lane], &job->timer);
	return OK;
}

static bool
awaits_advice(const struct scheduler *s, const struct open_job *job)
{
	return job->asked != NO_SLOT && (s->asked[job->asked].out & DMARC_BIT);
}

static enum next
tell_job(struct scheduler *s, struct open_job *job, const struct finding *f,
    const struct reader *raw, struct err *e)
{
	uint32_t passed = job->job.passed;
	bool told = job_check(&job->job, f);
	bool verified = job_proven(&job->job, &job->claim->claim);

	if (verified && !awaits_advice(s, job))
		return settle_verified(s, job, told ? f : NULL, e);
	if (told)
		keep(job, f->check, raw);
	if (job->job.passed != passed)
		step_dirty_job(job->claim->part, job);
	if (!verified || job->timer.place != TIMER_IDLE)
		return OK;
	return dispatch_arm(s, job, scheduler_now(s) + ADVICE_MS, e);
}

/* Does this job hear of it? Its own whatever it is, the others only that it is
 * right, and was so when they came, and that what they wait for is on now. */
static bool
hears(const struct open_job *job, const struct asked *slot,
    const struct finding *f)
{
	if (job == slot->job)
		return true;
	return f->verdict == VERDICT_PASS &&
	       slot->look_at >= job->job.accepted_at &&
	       ((job_wants(&job->job) & 1u << f->check) ||
		   job_proven(&job->job, &job->claim->claim));
}

static enum next
tell_jobs(struct scheduler *s, const struct asked *slot,
    const struct finding *f, const struct reader *raw, struct err *e)
{
	struct open_job *next;
	enum next how = OK;

	for (struct open_job *job = slot->claim->jobs; how == OK && job != NULL;
	     job = next) {
		next = job->next;
		if (hears(job, slot, f))
			how = tell_job(s, job, f, raw, e);
	}
	return how;
}

/* -- the look ------------------------------------------------------------- */

/* Nobody else is looking for a proof of the domain. */
static bool
last_for_ownership(const struct open_job *job)
{
	if (!(job->job.checks & OWNERSHIP_BIT))
		return false;
	for (const struct open_job *j = job->claim->jobs; j != NULL;
	     j = j->next)
		if (j != job && (j->job.checks & OWNERSHIP_BIT))
			return false;
	return true;
}

/* The last check of a job's look has come, and it goes on or ends. */
static enum next
job_looked(struct scheduler *s, struct open_job *job, const struct asked *look,
    const struct finding *f, struct err *e)
{
	struct open_claim *claim = job->claim;
	int64_t now = scheduler_now(s);
	enum job_outcome outcome = job_look(&job->job, &claim->claim,
	    look->look_at, look->neg_ttl_s, s->policy);
	enum next how = OK;

	first_look_over(s, job);
	if (outcome == END_EXPIRED && last_for_ownership(job))
		how = step_claim(s,
		    &(struct step_on){.claim = claim,
			.job = job,
			.lane = look->lane,
			.now = now},
		    CLAIM_EV_EXPIRE, NULL, e);
	if (how != OK)
		return how;
	if (outcome != END_OPEN)
		return step_settle(
		    s, job, outcome, job_code(&job->job), f, now, e);
	part_kept_drop(job, ~job->job.passed);
	if (job->held_until != 0)
		job->held_until = 1; /* nothing to wait for any more */
	step_dirty_job(claim->part, job);
	part_pending(claim->part)->steps++;
	return dispatch_arm(s, job, job->job.due_at, e);
}

static enum next
look_over(struct scheduler *s, struct asked *slot, const struct finding *f,
    struct err *e)
{
	struct asked look = *slot;

	dispatch_free(s, slot);
	if (look.claim == NULL)
		return OK;
	step_ripen(s, look.claim->part, look.lane);
	if (look.job != NULL)
		return job_looked(s, look.job, &look, f, e);
	if (look.purpose == ASKED_JOB)
		return OK;
	part_pending(look.claim->part)->steps++;
	return vigil_ended(s, look.claim, look.look_at, e);
}

enum next
found_check(struct scheduler *s, struct asked *slot, const struct finding *f,
    const struct reader *raw, struct err *e)
{
	uint32_t bit = 1u << f->check;
	int64_t now = scheduler_now(s);
	enum next how = OK;

	if (!(slot->out & bit))
		return OK; /* answered twice */
	slot->out &= ~bit;
	if (f->neg_ttl_s > slot->neg_ttl_s)
		slot->neg_ttl_s = f->neg_ttl_s;
	if (slot->claim == NULL || outdated(slot, f->check) ||
	    denied(slot, f)) {
		f = NULL;
	} else {
		step_ripen_soon(s, slot->claim->part, slot->lane);
		how = tell_claim(s, slot, f, now, e);
		if (how == OK)
			how = tell_jobs(s, slot, f, raw, e);
	}
	return how == OK && slot->out == 0 ? look_over(s, slot, f, e) : how;
}
