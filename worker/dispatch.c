/* SPDX-License-Identifier: Apache-2.0 */
/* Looks that are due go out to the resolvers, findings come in, one a check. A
 * look is named by a request number; the checks that are not answered when its
 * resolver is replaced are sent again. The interactive lane is served first and
 * may fill all places, the bulk lane half of them, claims that are looked at by
 * themselves an eighth. */
#include "worker/scheduler.h"

#include <string.h>

#include "io/clock.h"
#include "io/frame.h"
#include "io/idna.h"
#include "io/log.h"

/* An answer is lost when its resolver says nothing for so long; when it says
 * other things, it may be that there is a queue before it, and asking again
 * would only make that longer. */
#define RESEND_MS	60000
#define RESEND_LATE_MS	300000
#define RESEND_CHECK_MS 5000

void
dispatch_init(struct scheduler *s)
{
	for (uint32_t i = 0; i < ASKED_MAX; i++)
		s->asked[i].next_free = i + 1 < ASKED_MAX ? i + 1 : NO_SLOT;
	s->asked_free = 0;
}

enum next
dispatch_arm(
    struct scheduler *s, struct open_job *job, int64_t due, struct err *e)
{
	return timers_set(&s->due[job->job.lane], &job->timer, due, e);
}

void
dispatch_forget(struct scheduler *s, struct open_job *job)
{
	timers_clear(&s->due[job->job.lane], &job->timer);
	if (job->asked != NO_SLOT)
		s->asked[job->asked].job = NULL;
	job->asked = NO_SLOT;
	if (job->first)
		s->first_looks[job->job.lane]--;
	job->first = false;
}

void
dispatch_forget_part(struct scheduler *s, const struct part *part)
{
	for (size_t i = 0; i < ASKED_MAX; i++)
		if (s->asked[i].claim != NULL &&
		    s->asked[i].claim->part == part)
			s->asked[i].claim = NULL;
}

static unsigned *
counter(struct scheduler *s, const struct asked *slot)
{
	return slot->purpose == ASKED_RECHECK ? &s->asked_own_n
					      : &s->asked_n[slot->lane];
}

void
dispatch_free(struct scheduler *s, struct asked *slot)
{
	--*counter(s, slot);
	if (slot->job != NULL)
		slot->job->asked = NO_SLOT;
	else if (slot->claim != NULL && slot->purpose != ASKED_JOB)
		slot->claim->asked = NO_SLOT;
	*slot = (struct asked){.next_free = s->asked_free};
	s->asked_free = (uint32_t)(slot - s->asked);
}

/* -- out ------------------------------------------------------------------ */

static bool
flush_line(struct resolver_line *line)
{
	enum frame_result sent;

	if (line->len == 0)
		return true;
	sent = frame_send(line->fd, line->frame, line->len);
	line->full = sent == FRAME_AGAIN;
	if (line->full)
		return false;
	/* closed: the supervisor replaces it, and all is sent again */
	line->len = 0;
	return true;
}

/* Will what this look finds switch the function on? Then all servers are asked,
 * whatever was seen before. */
static bool
begins(const struct asked *slot, enum function fn)
{
	const struct claim *c = &slot->claim->claim;
	bool wished = slot->job != NULL && (slot->job->job.then & 1u << fn);

	return !function_is_on(c, fn) &&
	       (wished || c->function[fn].status == FUNCTION_PENDING);
}

/* Of the checks asked for: those that were right when last seen. The public
 * view alone may confirm them. */
static uint32_t
proven(const struct asked *slot)
{
	const struct claim *c = &slot->claim->claim;
	uint32_t bits = 0;

	for (int i = 0; i < CHECK_N; i++)
		if (c->check[i].verdict == VERDICT_PASS)
			bits |= 1u << i;
	for (int fn = 0; fn < FUNCTION_N; fn++)
		if (begins(slot, (enum function)fn))
			bits &= ~(1u << function_check((enum function)fn));
	bits &= ~(1u << CHECK_OWNERSHIP);
	return c->status == CLAIM_VERIFIED ? bits | 1u << CHECK_OWNERSHIP
					   : bits;
}

/* Without one it is the domain itself. */
static const char *
registrable(struct open_claim *claim, const char *domain)
{
	struct domain_facts facts;
	size_t len;

	if (claim->registrable_at != NOT_LOOKED_UP)
		return domain + claim->registrable_at;
	idna_facts(domain, &facts);
	len = strlen(facts.registrable);
	claim->registrable_at = len == 0 ? 0 : (uint8_t)(strlen(domain) - len);
	return domain + claim->registrable_at;
}

static void
describe(struct wire_look *m, const struct asked *slot)
{
	struct open_claim *claim = slot->claim;
	const struct claim *c = &claim->claim;
	const char *subject = slot->job == NULL ? claim->key : slot->job->key;
	const char *base;

	*m = (struct wire_look){
	    .request = slot->request,
	    .checks = slot->out,
	    .proven = slot->out & proven(slot),
	    .quick = slot->purpose == ASKED_WATCH,
	    .signs = function_is_on(c, FUNCTION_DKIM),
	    .keys_n = c->keys_n,
	};
	memcpy(m->subject, subject, strlen(subject) + 1);
	part_key_split(claim->key, NULL, m->domain, NULL);
	base = registrable(claim, m->domain);
	memcpy(m->registrable, base, strlen(base) + 1);
	token_show(c->token, m->token);
	for (uint8_t i = 0; i < c->keys_n; i++)
		claim_key_get(c, i, &m->keys[i]);
}

static bool
write_look(struct scheduler *s, struct asked *slot)
{
	struct resolver_line *line = &s->lines[slot->resolver];
	struct wire_look m;
	struct writer w;

	if (line->len + WIRE_MESSAGE_MAX > sizeof(line->frame) &&
	    !flush_line(line))
		return false;
	describe(&m, slot);
	writer_init(&w, line->frame, sizeof(line->frame));
	w.len = line->len;
	wire_put_look(&w, &m);
	line->len = w.len;
	slot->sent_at = s->mono;
	return true;
}

/* Names that end in the same two labels go to one resolver: so do those of one
 * registrable domain, whose zone cuts and servers it has in its cache. */
static unsigned
resolver_of(const struct scheduler *s, const char *key)
{
	const char *domain = strchr(key, '/') + 1;
	const char *end = strchr(domain, '/');
	size_t len = end == NULL ? strlen(domain) : (size_t)(end - domain);
	size_t at = len, dots = 0;

	while (at > 0 && dots < 2)
		dots += domain[--at] == '.';
	return (
	    unsigned)(table_hash(domain + at, len - at, 1) % s->resolvers_n);
}

bool
dispatch_ask(struct scheduler *s, const struct asked *want)
{
	uint32_t i = s->asked_free;
	struct asked *slot = &s->asked[i];
	uint32_t next_free = slot->next_free;

	*slot = *want;
	slot->request = ++s->request_last << 16 | i;
	slot->look_at = scheduler_now(s);
	slot->generation = want->claim->claim.generation;
	slot->key_turn = want->claim->key_turn;
	slot->resolver = resolver_of(s, want->claim->key);
	if (!write_look(s, slot)) {
		*slot = (struct asked){.next_free = next_free};
		return false;
	}
	s->asked_free = next_free;
	++*counter(s, slot);
	if (slot->job != NULL)
		slot->job->asked = i;
	else
		slot->claim->asked = i;
	return true;
}

bool
dispatch_room(const struct scheduler *s, enum asked_for purpose, enum lane lane)
{
	if (s->asked_free == NO_SLOT)
		return false;
	if (purpose == ASKED_RECHECK)
		return s->asked_own_n < ASKED_OWN_MAX;
	return lane != LANE_BULK || s->asked_n[LANE_BULK] < ASKED_BULK_MAX;
}

static bool
ask_job(struct scheduler *s, struct open_job *job)
{
	const struct asked want = {
	    .claim = job->claim,
	    .job = job,
	    .purpose = ASKED_JOB,
	    .lane = job->job.lane,
	    .out = job_wants(&job->job),
	};
	struct asked *slot;

	if (!dispatch_ask(s, &want))
		return false;
	slot = &s->asked[job->asked];
	if (slot->look_at < job->job.accepted_at)
		slot->look_at = job->job.accepted_at;
	timers_clear(&s->due[want.lane], &job->timer);
	return true;
}

/* A job whose timer runs while it is asked is proven, as is one that has
 * nothing left to ask. */
static enum next
send_due(struct scheduler *s, enum lane lane, struct err *e)
{
	struct timer *t;
	enum next how = OK;

	while (how == OK && dispatch_room(s, ASKED_JOB, lane) &&
	       (t = timers_first(&s->due[lane])) != NULL &&
	       t->due <= scheduler_now(s)) {
		struct open_job *job = t->owner;

		if (job->asked != NO_SLOT || job_wants(&job->job) == 0)
			how = found_late(s, job, e);
		else if (!ask_job(s, job))
			break;
	}
	return how;
}

/* Sends again what `resolver` has not answered of what was sent before. */
static void
resend(struct scheduler *s, unsigned resolver, int64_t sent_before)
{
	for (size_t i = 0; i < ASKED_MAX; i++) {
		struct asked *slot = &s->asked[i];

		if (slot->request == 0 || slot->resolver != resolver ||
		    slot->sent_at >= sent_before)
			continue;
		if (slot->claim == NULL ||
		    (slot->purpose == ASKED_JOB && slot->job == NULL))
			dispatch_free(s, slot);
		else if (!write_look(s, slot))
			slot->sent_at = 0; /* the next check comes back to it */
	}
}

static void
resend_lost(struct scheduler *s)
{
	if (s->mono < s->resend_due)
		return;
	s->resend_due = s->mono + RESEND_CHECK_MS;
	if (s->asked_n[LANE_JOBS] + s->asked_n[LANE_BULK] + s->asked_own_n == 0)
		return; /* nothing is out */
	for (unsigned r = 0; r < s->resolvers_n; r++) {
		bool silent = s->mono - s->lines[r].heard_at >= RESEND_MS;

		resend(s, r, s->mono - (silent ? RESEND_MS : RESEND_LATE_MS));
	}
}

static enum next
send_all(struct scheduler *s, struct err *e)
{
	enum next how = send_due(s, LANE_CONTROL, e);

	if (how == OK)
		how = send_due(s, LANE_JOBS, e);
	if (how == OK)
		how = vigil_turn_watched(s, e);
	if (how == OK)
		how = send_due(s, LANE_BULK, e);
	return how == OK ? vigil_turn_own(s, e) : how;
}

enum next
dispatch_turn(struct scheduler *s, struct err *e)
{
	enum next how = OK;

	if (s->clock_known && !scheduler_full(s))
		how = send_all(s, e);
	resend_lost(s);
	for (unsigned r = 0; r < s->resolvers_n; r++)
		flush_line(&s->lines[r]);
	return how;
}

static bool
any_full(const struct scheduler *s)
{
	for (unsigned r = 0; r < s->resolvers_n; r++)
		if (s->lines[r].full)
			return true;
	return false;
}

int64_t
dispatch_next_due(const struct scheduler *s)
{
	int64_t due;

	if (!s->clock_known || scheduler_full(s) || any_full(s))
		return INT64_MAX; /* a commit or a POLLOUT will wake us */
	due = vigil_next_due(s);
	for (int l = 0; l < LANE_N; l++) {
		const struct timer *t = timers_first(&s->due[l]);

		/* no room: an answer will wake us */
		if (t != NULL && dispatch_room(s, ASKED_JOB, (enum lane)l) &&
		    t->due < due)
			due = t->due;
	}
	return due == INT64_MAX ? due : due - s->clock_at + s->clock_mono;
}

/* -- in ------------------------------------------------------------------- */

static enum next
on_found(struct scheduler *s, const struct wire_found *m,
    const struct reader *raw, struct err *e)
{
	size_t i = m->request & 0xffff;
	struct asked *slot = i < ASKED_MAX ? &s->asked[i] : NULL;

	if (slot == NULL || slot->request != m->request)
		return OK; /* answered before, by the one that was replaced */
	return found_check(s, slot, &m->finding, raw, e);
}

static enum next
on_poison(struct scheduler *s, const struct wire_poison *m, struct err *e)
{
	for (size_t i = 0; i < s->parts_n; i++) {
		struct part *part = s->parts[i];
		struct open_job *job = part_job(part, m->subject);
		struct open_claim *claim =
		    table_find(&part->claims, m->subject);

		if (job != NULL)
			return step_settle(s, job, END_REJECTED, CODE_POISON,
			    NULL, scheduler_now(s), e);
		if (claim != NULL)
			return vigil_poisoned(s, claim, e);
	}
	return OK;
}

static enum next
on_message(struct scheduler *s, unsigned resolver, struct wire_message *message,
    struct err *e)
{
	struct reader raw = message->body;
	struct wire_found found_m;
	struct wire_poison poison;
	struct wire_gone gone;

	switch (message->type) {
	case WIRE_HELLO:
		resend(s, resolver, INT64_MAX);
		return OK;
	case WIRE_FOUND:
		s->lines[resolver].heard_at = s->mono;
		if (wire_get_found(&message->body, &found_m))
			return on_found(s, &found_m, &raw, e);
		break;
	case WIRE_POISON:
		if (wire_get_poison(&message->body, &poison))
			return on_poison(s, &poison, e);
		break;
	case WIRE_GONE:
		if (wire_get_gone(&message->body, &gone)) {
			log_line(LOG_WARN, "resolver.gone",
			    FIELDS(INT("resolver", gone.index)));
			return OK;
		}
		break;
	case WIRE_LOOK:
		break;
	}
	log_line(LOG_ERROR, "frame.unreadable",
	    FIELDS(INT("resolver", resolver), INT("type", message->type)));
	return OK;
}

static enum next
receive_line(struct scheduler *s, int fd, unsigned resolver, struct err *e)
{
	uint8_t frame[WIRE_FRAME_MAX];
	struct wire_message message;
	struct reader r;
	size_t len;
	enum next how = OK;

	while (how == OK &&
	       frame_receive(fd, frame, sizeof(frame), &len) == FRAME_DONE) {
		reader_init(&r, frame, len);
		while (how == OK && wire_next(&r, &message))
			how = on_message(s, resolver, &message, e);
		if (r.bad)
			log_line(LOG_ERROR, "frame.unreadable",
			    FIELDS(INT("resolver", resolver)));
	}
	return how;
}

enum next
dispatch_receive(struct scheduler *s, struct err *e)
{
	enum next how = receive_line(s, s->role->supervisor_fd, 0, e);

	for (unsigned r = 0; how == OK && r < s->resolvers_n; r++)
		how = receive_line(s, s->lines[r].fd, r, e);
	return how;
}
