/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to claims and jobs, and what is said of it: the results, events
 * and marks that a step of core/claim.h or core/job.h asks for. */
#include "worker/scheduler.h"

#include <stdio.h>
#include <string.h>

#include "io/digest.h"
#include "io/entropy.h"

void
step_who(
    struct step_who *w, const char *org, const char *domain, const char *id)
{
	snprintf(w->org, sizeof(w->org), "%s", org);
	snprintf(w->domain, sizeof(w->domain), "%s", domain);
	snprintf(w->id, sizeof(w->id), "%s", id);
	snprintf(
	    w->claim_key, sizeof(w->claim_key), "%s/%s", w->org, w->domain);
	snprintf(w->job_key, sizeof(w->job_key), "%s/%s/%s", w->org, w->domain,
	    w->id);
}

void
step_who_of(struct step_who *w, const char *job_key)
{
	char org[ORG_MAX + 1], domain[DNAME_TEXT_MAX + 1], id[JOB_ID_MAX + 1];

	part_key_split(job_key, org, domain, id);
	step_who(w, org, domain, id);
}

void
step_digest(uint8_t out[SEEN_DIGEST], const char *job_key)
{
	uint8_t digest[DIGEST_OCTETS];

	digest_sha256(job_key, strlen(job_key), digest);
	memcpy(out, digest, SEEN_DIGEST);
}

/* A transaction costs by the partitions it touches: the bulk lane's all become
 * ripe at the same moments, so that a few large ones take them all. */
void
step_ripen(const struct scheduler *s, struct part *part, enum lane lane)
{
	int64_t at = s->mono;

	if (lane == LANE_BULK)
		at += BULK_TOGETHER_MS - s->mono % BULK_TOGETHER_MS;
	if (at < part->ripe_at)
		part->ripe_at = at;
}

void
step_dirty_claim(struct part *part, struct open_claim *claim, enum lane lane)
{
	if (lane != LANE_BULK)
		claim->urgent = true;
	if (claim->dirty)
		return;
	claim->dirty = true;
	claim->next_dirty = part->dirty_claims;
	part->dirty_claims = claim;
}

void
step_dirty_job(struct part *part, struct open_job *job)
{
	if (job->dirty)
		return;
	job->dirty = true;
	job->next_dirty = part->dirty_jobs;
	part->dirty_jobs = job;
}

void
step_claim_jobs(struct part *part, struct open_claim *claim, enum lane lane)
{
	claim->claim.ver++; /* a late call to Redis must not undo it */
	step_dirty_claim(part, claim, lane);
}

enum next
step_remember(struct scheduler *s, struct part *part,
    const struct seen_entry *entry, struct err *e)
{
	pending_seen(part_pending(part), entry);
	/* at the time at which it is written, as it will be read back */
	return seen_add(part->seen, entry, scheduler_now(s), e);
}

static void
out_json(struct part *part, enum topic topic, const char *key, const char *json,
    size_t len)
{
	static const char type[] = "application/cloudevents+json";
	const struct kafka_header header = {
	    .name = "content-type",
	    .value = (const uint8_t *)type,
	    .len = sizeof(type) - 1,
	};
	const struct kafka_out out = {
	    .topic = topic,
	    .partition = part->p,
	    .key = key,
	    .key_len = strlen(key),
	    .value = json,
	    .value_len = len,
	    .headers = &header,
	    .headers_n = 1,
	};

	pending_out(part_pending(part), &out);
}

/* One row a thing that a claim's step may have to tell. */
static const struct {
	enum claim_action action;
	const char *event;
} sayings[] = {
    {CLAIM_SAY_ISSUED, "record.issued"},
    {CLAIM_SAY_VERIFIED, "claim.verified"},
    {CLAIM_SAY_LAPSING, "claim.lapsing"},
    {CLAIM_SAY_RECOVERED, "claim.recovered"},
    {CLAIM_SAY_LAPSED, "claim.lapsed"},
    {CLAIM_SAY_EXPIRED, "check.changed"},
    {CLAIM_SAY_RELEASED, "claim.released"},
    {CLAIM_SAY_CONTESTED, "claim.contested"},
    {CLAIM_SAY_LOOK, "look.done"},
};

#define CLAIM_SAY_STATUS                                                       \
	(CLAIM_SAY_VERIFIED | CLAIM_SAY_LAPSING | CLAIM_SAY_RECOVERED |        \
	    CLAIM_SAY_LAPSED | CLAIM_SAY_EXPIRED | CLAIM_SAY_RELEASED)

static void
say_claim(struct scheduler *s, struct part *part, struct open_claim *claim,
    unsigned todo, enum claim_status was, const struct finding *f,
    const struct open_job *job, int64_t now)
{
	char org[ORG_MAX + 1], domain[DNAME_TEXT_MAX + 1];
	char id[JOB_ID_MAX + 1] = "";
	char json[MESSAGE_OUT_MAX];
	const struct message_who who = {.org = org, .domain = domain, .id = id};
	unsigned n = 0;

	part_key_split(claim->key, org, domain, NULL);
	if (job != NULL)
		part_key_split(job->key, org, domain, id);
	/* a change of status says all that look.done would */
	if (todo & CLAIM_SAY_STATUS)
		todo &= ~(unsigned)CLAIM_SAY_LOOK;
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		if (!(todo & sayings[i].action))
			continue;
		out_json(part, TOPIC_EVENTS, domain, json,
		    message_event(json, sizeof(json), sayings[i].event, &who,
			&claim->claim, n++, was, job == NULL ? NULL : &job->job,
			f, now, s->policy));
	}
}

static enum next
step_one(struct scheduler *s, struct part *part, struct open_claim *claim,
    enum claim_event ev, const struct finding *f, const struct open_job *job,
    int64_t now, unsigned *todo, struct err *e)
{
	enum claim_status was = claim->claim.status;

	*todo = claim_step(&claim->claim, ev, f, now, s->policy);
	if (*todo & CLAIM_DO_NEW_TOKEN) {
		enum next how = entropy_get(
		    claim->claim.token, sizeof(claim->claim.token), e);

		if (how != OK)
			return how;
	}
	if (*todo & CLAIM_SAVE)
		step_dirty_claim(
		    part, claim, job == NULL ? LANE_JOBS : job->job.lane);
	say_claim(s, part, claim, *todo, was, f, job, now);
	return OK;
}

static bool
proven(const struct open_claim *claim)
{
	return claim->claim.status == CLAIM_VERIFIED ||
	       claim->claim.status == CLAIM_LAPSING;
}

/* Two organisations with a proof of one domain: both are told, neither who the
 * other is. When one of them holds it no longer, the other is at peace. */
static enum next
tell_rivals(struct scheduler *s, struct part *part, struct open_claim *claim,
    int64_t now, struct err *e)
{
	enum claim_event ev;
	enum next how = OK;
	unsigned n = 0, todo;

	for (const struct open_claim *c = part_same(part, claim); c != NULL;
	     c = c->same)
		n += proven(c);
	ev = n > 1 ? CLAIM_EV_CONTEST : CLAIM_EV_SETTLED;
	for (struct open_claim *c = part_same(part, claim);
	     how == OK && c != NULL; c = c->same)
		how = step_one(s, part, c, ev, NULL, NULL, now, &todo, e);
	return how;
}

enum next
step_claim(struct scheduler *s, struct part *part, struct open_claim *claim,
    enum claim_event ev, const struct finding *f, const struct open_job *job,
    int64_t now, struct err *e)
{
	bool was = proven(claim);
	unsigned todo;
	enum next how = step_one(s, part, claim, ev, f, job, now, &todo, e);

	if (how != OK || was == proven(claim))
		return how;
	return tell_rivals(s, part, claim, now, e);
}

static void
say_end(struct scheduler *s, struct part *part, const struct step_who *w,
    enum lane lane, const struct job_end *end, const struct open_claim *claim,
    const struct finding *f, const char *why)
{
	char json[MESSAGE_OUT_MAX];
	const struct message_who who = {
	    .org = w->org,
	    .domain = w->domain,
	    .id = w->id,
	};
	size_t len = message_result(json, sizeof(json), &who, end, lane,
	    claim == NULL ? NULL : &claim->claim, f, why, s->policy);

	out_json(part, TOPIC_RESULTS, w->job_key, json, len);
}

/* The job's state entry goes, and its header says how it ended: from it the
 * job's hash in Redis can be written again. */
static void
put_tombstone(
    struct part *part, const struct step_who *w, const struct job_end *end)
{
	char key[RECORD_KEY_MAX + 1];
	uint8_t value[RECORD_MAX];
	struct kafka_header header = {.name = "end", .value = value};
	struct kafka_out out = {
	    .topic = TOPIC_STATE,
	    .partition = part->p,
	    .key = key,
	    .headers = &header,
	    .headers_n = 1,
	};
	struct writer wr;

	writer_init(&wr, value, sizeof(value));
	record_put_end(&wr, end);
	header.len = wr.len;
	out.key_len = record_job_key(key, w->org, w->domain, w->id);
	pending_out(part_pending(part), &out);
}

enum next
step_end(struct scheduler *s, struct part *part, const struct step_who *w,
    enum lane lane, const struct job_end *end, uint32_t body_hash,
    struct open_claim *claim, const struct finding *f, const char *why,
    struct err *e)
{
	struct seen_entry entry = {
	    .body_hash = body_hash,
	    .kind = SEEN_FINISHED,
	};

	say_end(s, part, w, lane, end, claim, f, why);
	put_tombstone(part, w, end);
	status_end_put(part_pending(part), w, end)->urgent = lane != LANE_BULK;
	step_digest(entry.digest, w->job_key);
	part_pending(part)->steps++;
	step_ripen(s, part, lane);
	if (lane != LANE_BULK)
		part_pending(part)->urgent = true;
	s->settled++;
	return step_remember(s, part, &entry, e);
}

enum next
step_settle(struct scheduler *s, struct part *part, struct open_job *job,
    enum job_outcome outcome, enum code code, const struct finding *f,
    int64_t now, struct err *e)
{
	struct open_claim *claim = job->claim;
	struct job_end end = {
	    .ver = job->job.ver + 1,
	    .kind = job->job.kind,
	    .outcome = outcome,
	    .code = code,
	    .looks = job->job.looks,
	    .accepted_at = job->job.accepted_at,
	    .deadline_at = job->job.deadline_at,
	    .settled_at = now,
	};
	enum lane lane = job->job.lane;
	uint32_t body_hash = job->job.body_hash;
	struct step_who w;

	step_who_of(&w, job->key);
	memcpy(end.ref, job->job.ref, sizeof(end.ref));
	dispatch_forget(s, job);
	part_job_drop(part, job);
	s->open_jobs--;
	step_claim_jobs(part, claim, lane);
	return step_end(s, part, &w, lane, &end, body_hash, claim, f, NULL, e);
}

void
step_trouble(struct part *part, const char *name, const struct step_who *w,
    enum code code, const char *why, const struct kafka_event *ev,
    const char *prefix, int64_t now)
{
	char json[MESSAGE_OUT_MAX], topic[128];
	const struct message_who who = {
	    .org = w->org, .domain = w->domain, .id = w->id};

	snprintf(topic, sizeof(topic), "%s%s", prefix, lane_name(ev->lane));
	out_json(part, TOPIC_EVENTS, w->domain, json,
	    message_trouble(json, sizeof(json), name, &who, code, why, topic,
		ev->partition, ev->offset, now));
}
