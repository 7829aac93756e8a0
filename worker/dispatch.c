/* SPDX-License-Identifier: Apache-2.0 */
/* Looks that are due go out to the resolvers, findings come in. A look is
 * named by a request number; whatever is not answered when its resolver is
 * replaced is sent again, and an answer whose job has gone only frees its
 * place. The interactive lane is served first and may fill all places, the
 * bulk lane half of them. */
#include "worker/scheduler.h"

#include <string.h>

#include "io/clock.h"
#include "io/frame.h"
#include "io/idna.h"
#include "io/log.h"

#define NO_SLOT		UINT32_MAX
#define RESEND_MS	60000 /* an answer that does not come in so long is lost */
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
	if (job->asked != SIZE_MAX)
		s->asked[job->asked].job = NULL;
	job->asked = SIZE_MAX;
	if (job->job.looks == 0)
		s->first_looks[job->job.lane]--;
}

static void
free_slot(struct scheduler *s, struct asked *slot)
{
	s->asked_n[slot->lane]--;
	if (slot->job != NULL)
		slot->job->asked = SIZE_MAX;
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
	if (sent == FRAME_AGAIN)
		return false;
	/* closed: the supervisor replaces it, and all is sent again */
	line->len = 0;
	return true;
}

static bool
write_look(struct scheduler *s, struct asked *slot)
{
	struct resolver_line *line = &s->lines[slot->resolver];
	struct open_job *job = slot->job;
	const struct claim *claim = &job->claim->claim;
	struct wire_look m = {.request = slot->request};
	struct domain_facts facts;
	char org[ORG_MAX + 1], id[JOB_ID_MAX + 1];
	struct writer w;

	if (line->len + WIRE_MESSAGE_MAX > sizeof(line->frame) &&
	    !flush_line(line))
		return false;
	part_key_split(job->key, org, m.domain, id);
	memcpy(m.subject, job->key, strlen(job->key) + 1);
	idna_facts(m.domain, &facts);
	memcpy(m.registrable,
	    facts.registrable[0] == '\0' ? m.domain : facts.registrable,
	    sizeof(m.registrable));
	token_show(claim->token, m.token);
	m.order = claim->status == CLAIM_VERIFIED ? LOOK_PUBLIC_FIRST
						  : LOOK_SERVERS_FIRST;
	writer_init(&w, line->frame, sizeof(line->frame));
	w.len = line->len;
	wire_put_look(&w, &m);
	line->len = w.len;
	slot->sent_at = s->mono;
	return true;
}

/* Names of one registrable domain go to one resolver: it has their zone cuts
 * and servers in its cache. */
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

static bool
ask(struct scheduler *s, struct open_job *job)
{
	uint32_t i = s->asked_free;
	struct asked *slot = &s->asked[i];
	uint32_t next_free = slot->next_free;

	*slot = (struct asked){
	    .job = job,
	    .request = ++s->request_last << 16 | i,
	    .look_at = scheduler_now(s),
	    .lane = job->job.lane,
	    .resolver = resolver_of(s, job->key),
	};
	if (slot->look_at < job->job.accepted_at)
		slot->look_at = job->job.accepted_at;
	if (!write_look(s, slot)) {
		*slot = (struct asked){.next_free = next_free};
		return false;
	}
	s->asked_free = next_free;
	s->asked_n[slot->lane]++;
	timers_clear(&s->due[slot->lane], &job->timer);
	job->asked = i;
	return true;
}

static bool
room(const struct scheduler *s, enum lane lane)
{
	if (s->asked_free == NO_SLOT)
		return false;
	return lane != LANE_BULK || s->asked_n[LANE_BULK] < ASKED_BULK_MAX;
}

static void
send_due(struct scheduler *s, enum lane lane)
{
	struct timer *t;

	while (room(s, lane) && (t = timers_first(&s->due[lane])) != NULL &&
	       t->due <= scheduler_now(s)) {
		if (!ask(s, t->owner))
			return;
	}
}

/* Sends again what `resolver` has not answered (all of it, or what is older
 * than RESEND_MS). */
static void
resend(struct scheduler *s, unsigned resolver, int64_t sent_before)
{
	for (size_t i = 0; i < ASKED_MAX; i++) {
		struct asked *slot = &s->asked[i];

		if (slot->request == 0 || slot->resolver != resolver ||
		    slot->sent_at >= sent_before)
			continue;
		if (slot->job == NULL)
			free_slot(s, slot);
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
	if (s->asked_n[LANE_JOBS] + s->asked_n[LANE_BULK] == 0)
		return; /* nothing is out */
	for (unsigned r = 0; r < s->resolvers_n; r++)
		resend(s, r, s->mono - RESEND_MS);
}

void
dispatch_turn(struct scheduler *s)
{
	if (s->clock_known && !scheduler_full(s)) {
		send_due(s, LANE_CONTROL);
		send_due(s, LANE_JOBS);
		send_due(s, LANE_BULK);
	}
	resend_lost(s);
	for (unsigned r = 0; r < s->resolvers_n; r++)
		flush_line(&s->lines[r]);
}

int64_t
dispatch_next_due(const struct scheduler *s)
{
	int64_t due = INT64_MAX;

	if (!s->clock_known || scheduler_full(s))
		return due; /* a commit will wake us */
	for (int l = 0; l < LANE_N; l++) {
		const struct timer *t = timers_first(&s->due[l]);

		/* no room: an answer will wake us */
		if (t != NULL && room(s, (enum lane)l) && t->due < due)
			due = t->due;
	}
	return due == INT64_MAX ? due : due - s->clock_at + s->clock_mono;
}

/* -- in ------------------------------------------------------------------- */

/* A look has ended: first the claim learns of it, then the job. */
static enum next
found(struct scheduler *s, struct asked *slot, const struct finding *f,
    struct err *e)
{
	struct open_job *job = slot->job;
	struct open_claim *claim = job->claim;
	struct part *part = claim->part;
	int64_t now = scheduler_now(s), look_at = slot->look_at;
	enum job_outcome outcome;
	enum next how;

	free_slot(s, slot);
	if (job->job.looks == 0)
		s->first_looks[job->job.lane]--;
	outcome = job_look(&job->job, f, look_at, s->policy);
	step_ripen(s, part, job->job.lane);
	how = step_claim(s, part, claim, claim_event_of(f), f, job, now, e);
	if (how == OK && outcome == END_EXPIRED && claim->jobs->next == NULL)
		how = step_claim(
		    s, part, claim, CLAIM_EV_EXPIRE, NULL, job, now, e);
	if (how != OK)
		return how;
	if (outcome != END_OPEN)
		return step_settle(s, part, job, outcome, f->code, f, now, e);
	if (job->held_until != 0)
		job->held_until = 1; /* nothing to wait for any more */
	step_dirty_job(part, job);
	part_pending(part)->steps++;
	return dispatch_arm(s, job, job->job.due_at, e);
}

static enum next
on_found(struct scheduler *s, const struct wire_found *m, struct err *e)
{
	size_t i = m->request & 0xffff;
	struct asked *slot = i < ASKED_MAX ? &s->asked[i] : NULL;

	if (slot == NULL || slot->request != m->request)
		return OK; /* answered before, by the one that was replaced */
	if (slot->job == NULL) {
		free_slot(s, slot);
		return OK;
	}
	return found(s, slot, &m->finding, e);
}

static enum next
on_poison(struct scheduler *s, const struct wire_poison *m, struct err *e)
{
	for (size_t i = 0; i < s->parts_n; i++) {
		struct part *part = s->parts[i];
		struct open_job *job = part_job(part, m->subject);

		if (job != NULL)
			return step_settle(s, part, job, END_REJECTED,
			    CODE_POISON, NULL, scheduler_now(s), e);
	}
	return OK;
}

static enum next
on_message(struct scheduler *s, unsigned resolver, struct wire_message *message,
    struct err *e)
{
	struct wire_found found_m;
	struct wire_poison poison;
	struct wire_gone gone;

	switch (message->type) {
	case WIRE_HELLO:
		resend(s, resolver, INT64_MAX);
		return OK;
	case WIRE_FOUND:
		if (wire_get_found(&message->body, &found_m))
			return on_found(s, &found_m, e);
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
