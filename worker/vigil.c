/* SPDX-License-Identifier: Apache-2.0 */
/* Looks without a job. A claim that holds something is looked at now and then,
 * behind all lanes: its misses count. A recheck job gives one look at once, and
 * while somebody watches there is one each half minute at what is not right
 * yet: these find that something has become right, and take nothing away. All
 * of it is in memory only: after a restart claims are looked at when their last
 * look says so, and watchers say again that they watch. */
#include "worker/scheduler.h"

#include <string.h>

#include "io/log.h"

#define BUSY_AGAIN_MS  60000 /* a look is out already: later */
#define WATCH_ALARM_MS 60000
#define SILENT_LONG_MS (7 * 24 * 3600 * 1000LL)
#define OWNERSHIP_BIT  (1u << CHECK_OWNERSHIP)
#define DMARC_BIT      (1u << CHECK_DMARC)

struct watch {
	struct timer timer; /* broker ms; idle while its look is out */
	struct open_claim *claim;
	int64_t until; /* broker ms: the last quick look before it */
	uint32_t now;  /* checks that a recheck wants looked at, a bit each */
};

/* -- which checks --------------------------------------------------------- */

/* With the advice that goes with them. */
static uint32_t
advised(uint32_t checks)
{
	return checks & ~OWNERSHIP_BIT ? checks | DMARC_BIT : checks;
}

static uint32_t
wanted(const struct claim *c)
{
	uint32_t checks = OWNERSHIP_BIT;

	for (int fn = 0; fn < FUNCTION_N; fn++)
		if (function_wanted(c, (enum function)fn))
			checks |= 1u << function_check((enum function)fn);
	return checks;
}

static uint32_t
open_wants(const struct open_claim *claim)
{
	uint32_t checks = 0;

	for (const struct open_job *j = claim->jobs; j != NULL; j = j->next)
		checks |= job_wants(&j->job);
	return checks;
}

uint32_t
vigil_checks(const struct open_claim *claim)
{
	return advised(wanted(&claim->claim) | open_wants(claim));
}

/* What a watcher waits for: not right when last seen. */
static uint32_t
not_right(const struct open_claim *claim)
{
	const struct claim *c = &claim->claim;
	uint32_t checks = open_wants(claim), mine = wanted(c);

	for (int i = 0; i < CHECK_N; i++)
		if ((mine & 1u << i) && c->check[i].verdict != VERDICT_PASS)
			checks |= 1u << i;
	return checks & ~DMARC_BIT;
}

/* -- a claim by itself ---------------------------------------------------- */

static bool
holds(const struct open_claim *claim)
{
	const struct claim *c = &claim->claim;

	for (int fn = 0; fn < FUNCTION_N; fn++)
		if (function_wanted(c, (enum function)fn) &&
		    c->function[fn].status != FUNCTION_PENDING)
			return true;
	return step_proven(claim);
}

/* The claims that were proven together drift apart. */
static int64_t
spread(const char *key, int64_t gap_ms)
{
	int64_t part = (int64_t)(table_hash(key, strlen(key), 1) % 2001) - 1000;

	return gap_ms + gap_ms / 10000 * part;
}

/* How long after its last look a check is looked at again. What nobody
 * answered, sooner: as often as for a job in its later hours, for a week; who
 * is silent for longer is looked at as all others are. */
static int64_t
again_ms(const struct policy *policy, const struct check_state *c)
{
	const struct backoff *b = &policy->backoff;
	int64_t gap = b->gap_ms[b->n - 1];

	if (c->undecided_since_at == 0 || gap > policy->recheck_ms ||
	    c->looked_at - c->undecided_since_at >= SILENT_LONG_MS)
		return policy->recheck_ms;
	return gap;
}

/* As soon as one of the checks of what it holds is due. */
static int64_t
due_at(const struct policy *policy, const struct open_claim *claim)
{
	const struct claim *c = &claim->claim;
	uint32_t checks = wanted(c);
	int64_t due = INT64_MAX;

	for (int i = 0; i < CHECK_N; i++) {
		const struct check_state *k = &c->check[i];
		int64_t at =
		    k->looked_at + spread(claim->key, again_ms(policy, k));

		if ((checks & 1u << i) && k->looked_at != 0 && at < due)
			due = at;
	}
	if (due == INT64_MAX)
		due = c->since_at + spread(claim->key, policy->recheck_ms);
	return due;
}

enum next
vigil_see(struct scheduler *s, struct open_claim *claim, struct err *e)
{
	if (s->policy->recheck_ms == 0 || claim->timer.place != TIMER_IDLE ||
	    !holds(claim))
		return OK;
	return timers_set(&s->own, &claim->timer, due_at(s->policy, claim), e);
}

static bool
ask(struct scheduler *s, struct open_claim *claim, enum asked_for purpose,
    uint32_t checks)
{
	return dispatch_ask(
	    s, &(struct asked){
		   .claim = claim,
		   .purpose = purpose,
		   .lane = purpose == ASKED_RECHECK ? LANE_BULK : LANE_JOBS,
		   .out = checks,
	       });
}

/* Its timer has come. Looks of jobs may have moved its time on meanwhile.
 * *sent: the line takes more. */
static enum next
look_by_itself(
    struct scheduler *s, struct open_claim *claim, bool *sent, struct err *e)
{
	int64_t now = scheduler_now(s), due = due_at(s->policy, claim);

	*sent = true;
	if (!holds(claim)) {
		timers_clear(&s->own, &claim->timer);
		return OK;
	}
	if (due <= now && claim->asked != NO_SLOT)
		due = now + BUSY_AGAIN_MS;
	if (due > now)
		return timers_set(&s->own, &claim->timer, due, e);
	*sent = ask(s, claim, ASKED_RECHECK, advised(wanted(&claim->claim)));
	if (*sent)
		timers_clear(&s->own, &claim->timer);
	return OK;
}

enum next
vigil_turn_own(struct scheduler *s, struct err *e)
{
	struct timer *t;
	enum next how = OK;
	bool sent = true;

	while (
	    how == OK && sent && dispatch_room(s, ASKED_RECHECK, LANE_BULK) &&
	    (t = timers_first(&s->own)) != NULL && t->due <= scheduler_now(s))
		how = look_by_itself(s, t->owner, &sent, e);
	return how;
}

/* -- watchers ------------------------------------------------------------- */

static void
watch_end(struct scheduler *s, struct watch *w)
{
	timers_clear(&s->watched, &w->timer);
	w->claim->watch = NULL;
	s->watches_n--;
	mem_free(w);
}

/* NULL: there are too many, and this one sees what the others' looks find. */
static struct watch *
watch_of(struct scheduler *s, struct open_claim *claim, unsigned max)
{
	struct watch *w = claim->watch;

	if (w != NULL)
		return w;
	if (s->watches_n < max)
		w = mem_alloc(sizeof(*w));
	if (w == NULL) {
		if (s->mono >= s->watch_alarm_due)
			log_line(LOG_WARN, "watch.full",
			    FIELDS(INT("watched", s->watches_n)));
		s->watch_alarm_due = s->mono + WATCH_ALARM_MS;
		return NULL;
	}
	w->claim = claim;
	w->timer = (struct timer){.place = TIMER_IDLE, .owner = w};
	claim->watch = w;
	s->watches_n++;
	return w;
}

/* Where only resolvers may be asked, sooner than they forget is of no use. */
static int64_t
gap_ms(const struct scheduler *s, const struct open_claim *claim)
{
	int64_t gap = s->policy->watch_gap_ms;

	for (int i = 0; !s->policy->authoritative && i < CHECK_N; i++) {
		int64_t ttl = claim->claim.check[i].neg_ttl_s * 1000LL;

		gap = ttl > gap ? ttl : gap;
	}
	return gap;
}

static int64_t
last_look(const struct open_claim *claim)
{
	int64_t last = 0;

	for (int i = 0; i < CHECK_N; i++)
		if (claim->claim.check[i].looked_at > last)
			last = claim->claim.check[i].looked_at;
	return last;
}

enum next
vigil_now(struct scheduler *s, struct open_claim *claim, uint32_t checks,
    struct err *e)
{
	struct watch *w = watch_of(s, claim, WATCHES_MAX + RECHECKS_MAX);

	if (w == NULL)
		return OK;
	w->now |= checks;
	if (claim->asked != NO_SLOT)
		return OK; /* when that look has ended */
	return timers_set(&s->watched, &w->timer, scheduler_now(s), e);
}

enum next
vigil_watch(struct scheduler *s, struct open_claim *claim, struct err *e)
{
	struct watch *w =
	    s->policy->watch_ms == 0 ? NULL : watch_of(s, claim, WATCHES_MAX);
	int64_t now = scheduler_now(s);
	int64_t due = last_look(claim) + gap_ms(s, claim);

	if (w == NULL)
		return OK;
	w->until = now + s->policy->watch_ms;
	if (claim->asked != NO_SLOT || w->timer.place != TIMER_IDLE)
		return OK;
	return timers_set(&s->watched, &w->timer, due > now ? due : now, e);
}

/* The next one of its looks, or its end. */
static enum next
watch_next(struct scheduler *s, struct watch *w, int64_t look_at, struct err *e)
{
	int64_t now = scheduler_now(s);
	int64_t due = look_at + gap_ms(s, w->claim);

	if (w->now != 0)
		due = now;
	else if (due > w->until) {
		watch_end(s, w);
		return OK;
	}
	return timers_set(&s->watched, &w->timer, due > now ? due : now, e);
}

static enum next
look_watched(struct scheduler *s, struct watch *w, bool *sent, struct err *e)
{
	uint32_t checks = w->now != 0 ? w->now : not_right(w->claim);

	*sent = true;
	if (w->claim->asked != NO_SLOT) {
		/* vigil_ended goes on with it */
		timers_clear(&s->watched, &w->timer);
		return OK;
	}
	if (checks == 0)
		return watch_next(s, w, scheduler_now(s), e);
	*sent = ask(s, w->claim, w->now != 0 ? ASKED_NOW : ASKED_WATCH, checks);
	if (!*sent)
		return OK;
	w->now = 0;
	timers_clear(&s->watched, &w->timer);
	return OK;
}

enum next
vigil_turn_watched(struct scheduler *s, struct err *e)
{
	struct timer *t;
	enum next how = OK;
	bool sent = true;

	while (how == OK && sent && dispatch_room(s, ASKED_WATCH, LANE_JOBS) &&
	       (t = timers_first(&s->watched)) != NULL &&
	       t->due <= scheduler_now(s))
		how = look_watched(s, t->owner, &sent, e);
	return how;
}

/* -- both ----------------------------------------------------------------- */

enum next
vigil_ended(struct scheduler *s, struct open_claim *claim, int64_t look_at,
    struct err *e)
{
	enum next how = OK;

	if (claim->watch != NULL)
		how = watch_next(s, claim->watch, look_at, e);
	return how == OK ? vigil_see(s, claim, e) : how;
}

enum next
vigil_poisoned(struct scheduler *s, struct open_claim *claim, struct err *e)
{
	if (claim->asked != NO_SLOT) {
		/* it is not sent again, and its answer is not wanted */
		s->asked[claim->asked].claim = NULL;
		claim->asked = NO_SLOT;
	}
	if (claim->watch != NULL)
		watch_end(s, claim->watch);
	log_line(LOG_ERROR, "look.poison", FIELDS(TEXT("claim", claim->key)));
	if (s->policy->recheck_ms == 0 || !holds(claim))
		return OK;
	return timers_set(&s->own, &claim->timer,
	    scheduler_now(s) + s->policy->recheck_ms, e);
}

void
vigil_forget(struct scheduler *s, struct open_claim *claim)
{
	timers_clear(&s->own, &claim->timer);
	if (claim->watch != NULL)
		watch_end(s, claim->watch);
}

int64_t
vigil_next_at(const struct open_claim *claim, const struct policy *policy)
{
	const struct watch *w = claim->watch;
	int64_t at = INT64_MAX;

	if (policy->recheck_ms != 0 && holds(claim))
		at = due_at(policy, claim);
	if (w != NULL && w->timer.place != TIMER_IDLE && w->timer.due < at &&
	    (w->now != 0 || not_right(claim) != 0))
		at = w->timer.due;
	return at == INT64_MAX ? 0 : at;
}

int64_t
vigil_next_due(const struct scheduler *s)
{
	const struct timer *own = timers_first(&s->own);
	const struct timer *watched = timers_first(&s->watched);
	int64_t due = INT64_MAX;

	if (own != NULL && dispatch_room(s, ASKED_RECHECK, LANE_BULK))
		due = own->due;
	if (watched != NULL && dispatch_room(s, ASKED_WATCH, LANE_JOBS) &&
	    watched->due < due)
		due = watched->due;
	return due;
}
