/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to claims and jobs, and what is said of it: the results, events
 * and marks that a step of core/claim.h or core/job.h asks for. */
#include "worker/scheduler.h"

#include <stdio.h>
#include <string.h>

#include "io/digest.h"
#include "io/entropy.h"
#include "io/log.h"

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
step_ripen_soon(const struct scheduler *s, struct part *part, enum lane lane)
{
	int64_t at =
	    s->mono + (lane == LANE_BULK ? GRACE_BULK_MS : GRACE_JOBS_MS);

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

/* One row a thing that a claim's step may have to tell; function.changed is
 * told for each function. */
static const struct {
	enum claim_action action;
	const char *event;
	enum function function;
} sayings[] = {
    {CLAIM_SAY_ISSUED, "record.issued", FUNCTION_N},
    {CLAIM_SAY_KEY, "record.issued", FUNCTION_DKIM},
    {CLAIM_SAY_VERIFIED, "claim.verified", FUNCTION_N},
    {CLAIM_SAY_LAPSING, "claim.lapsing", FUNCTION_N},
    {CLAIM_SAY_RECOVERED, "claim.recovered", FUNCTION_N},
    {CLAIM_SAY_LAPSED, "claim.lapsed", FUNCTION_N},
    {CLAIM_SAY_EXPIRED, "check.changed", FUNCTION_N},
    {CLAIM_SAY_RELEASED, "claim.released", FUNCTION_N},
    {CLAIM_SAY_CONTESTED, "claim.contested", FUNCTION_N},
    {CLAIM_SAY_LOOK, "look.done", FUNCTION_N},
};

#define CLAIM_SAY_STATUS                                                       \
	(CLAIM_SAY_VERIFIED | CLAIM_SAY_LAPSING | CLAIM_SAY_RECOVERED |        \
	    CLAIM_SAY_LAPSED | CLAIM_SAY_EXPIRED | CLAIM_SAY_RELEASED |        \
	    CLAIM_SAY_FUNCTION)

struct before {
	enum claim_status status;
	enum function_status function[FUNCTION_N];
};

static struct before
before(const struct claim *c)
{
	struct before b = {.status = c->status};

	for (int fn = 0; fn < FUNCTION_N; fn++)
		b.function[fn] = c->function[fn].status;
	return b;
}

/* The events of one step. */
struct saying {
	struct scheduler *s;
	const struct step_on *on;
	const struct finding *finding;
	char org[ORG_MAX + 1], domain[DNAME_TEXT_MAX + 1];
	char id[JOB_ID_MAX + 1];
	unsigned n;
};

static void
say_one(
    struct saying *say, const char *event, enum function fn, const char *was)
{
	const struct step_on *on = say->on;
	const struct open_job *job = on->job;
	char json[MESSAGE_OUT_MAX];
	const struct message_who who = {
	    .org = say->org, .domain = say->domain, .id = say->id};
	const struct message_news news = {
	    .name = event,
	    .n = say->n++,
	    .was = was,
	    .function = fn,
	    .job = job == NULL ? NULL : &job->job,
	    .finding = say->finding,
	    .at = on->now,
	};

	out_json(on->claim->part, TOPIC_EVENTS, say->domain, json,
	    message_event(json, sizeof(json), &who, &on->claim->claim, &news,
		say->s->policy));
}

static void
say_functions(struct saying *say, const struct before *was)
{
	const struct claim *c = &say->on->claim->claim;

	for (int fn = 0; fn < FUNCTION_N; fn++)
		if (c->function[fn].status != was->function[fn])
			say_one(say, "function.changed", (enum function)fn,
			    function_status_name(was->function[fn]));
}

/* What a step has asked for: written, and told. */
static void
tell(struct scheduler *s, const struct step_on *on, unsigned todo,
    const struct before *was, const struct finding *f)
{
	struct saying say = {.s = s, .on = on, .finding = f};

	if (todo & CLAIM_SAVE)
		step_dirty_claim(on->claim->part, on->claim, on->lane);
	if ((todo & ~(unsigned)CLAIM_SAVE) == 0)
		return;
	part_key_split(on->claim->key, say.org, say.domain, NULL);
	if (on->job != NULL)
		part_key_split(on->job->key, NULL, NULL, say.id);
	/* a change of status says all that look.done would */
	if (todo & CLAIM_SAY_STATUS)
		todo &= ~(unsigned)CLAIM_SAY_LOOK;
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++)
		if (todo & sayings[i].action)
			say_one(&say, sayings[i].event, sayings[i].function,
			    claim_status_name(was->status));
	if (todo & CLAIM_SAY_FUNCTION)
		say_functions(&say, was);
}

/* What a step has noted was seen when its look began. */
static void
looked(const struct step_on *on, const struct finding *f)
{
	if (f != NULL)
		claim_looked(&on->claim->claim, f->check, on->look_at);
}

static enum next
step_one(struct scheduler *s, const struct step_on *on, enum claim_event ev,
    const struct finding *f, struct err *e)
{
	struct claim *c = &on->claim->claim;
	struct before was = before(c);
	unsigned todo = claim_step(c, ev, f, on->now, s->policy);

	looked(on, f);
	if (todo & CLAIM_DO_NEW_TOKEN) {
		enum next how = entropy_get(c->token, sizeof(c->token), e);

		if (how != OK)
			return how;
	}
	tell(s, on, todo, &was, f);
	return OK;
}

bool
step_proven(const struct open_claim *claim)
{
	return claim->claim.status == CLAIM_VERIFIED ||
	       claim->claim.status == CLAIM_LAPSING;
}

/* dkim first: spf may wait for it. */
static enum next
ready_all(struct scheduler *s, const struct step_on *on, struct err *e)
{
	enum next how = OK;

	for (int fn = FUNCTION_N - 1; how == OK && fn >= 0; fn--)
		how = step_function(
		    s, on, (enum function)fn, FUNCTION_EV_READY, NULL, e);
	return how;
}

/* Peace: what waited for it is switched on. */
static enum next
settled(struct scheduler *s, const struct step_on *on, struct err *e)
{
	bool was = (on->claim->claim.flags & CLAIM_CONTESTED) != 0;
	enum next how = step_one(s, on, CLAIM_EV_SETTLED, NULL, e);

	return how == OK && was ? ready_all(s, on, e) : how;
}

/* Two organisations with a proof of one domain: both are told, neither who the
 * other is. When one of them holds it no longer, the other is at peace. */
static enum next
tell_rivals(struct scheduler *s, const struct step_on *on, struct err *e)
{
	struct open_claim *all =
	    part_same(on->claim->part, strchr(on->claim->key, '/') + 1);
	enum next how = OK;
	unsigned n = 0;

	for (const struct open_claim *c = all; c != NULL; c = c->same)
		n += step_proven(c);
	for (struct open_claim *c = all; how == OK && c != NULL; c = c->same) {
		const struct step_on step = {.claim = c, .now = on->now};

		how = n > 1 ? step_one(s, &step, CLAIM_EV_CONTEST, NULL, e)
			    : settled(s, &step, e);
	}
	return how;
}

bool
step_dkim_held(
    const struct part *part, const char *domain, const struct open_claim *mine)
{
	for (const struct open_claim *c = part_same(part, domain); c != NULL;
	     c = c->same)
		if (c != mine && function_wanted(&c->claim, FUNCTION_DKIM) &&
		    (step_proven(c) ||
			c->claim.function[FUNCTION_DKIM].status !=
			    FUNCTION_PENDING))
			return true;
	return false;
}

/* Two organisations wished to sign for a domain before either had proven it.
 * The other one has it: what this one asked for ends. *job: of the step, NULL
 * when it was among them. */
static enum next
lose_dkim(struct scheduler *s, struct open_claim *claim,
    const struct open_job **job, int64_t now, struct err *e)
{
	struct open_job *next;
	enum next how = OK;

	if (claim->claim.function[FUNCTION_DKIM].status != FUNCTION_PENDING ||
	    !step_dkim_held(claim->part, strchr(claim->key, '/') + 1, claim))
		return OK;
	for (struct open_job *j = claim->jobs; how == OK && j != NULL;
	     j = next) {
		next = j->next;
		if (!(j->job.then & 1u << FUNCTION_DKIM))
			continue;
		if (j == *job)
			*job = NULL;
		how = step_settle(
		    s, j, END_REJECTED, CODE_DKIM_HELD, NULL, now, e);
	}
	return how == OK ? step_function(s,
			       &(struct step_on){.claim = claim, .now = now},
			       FUNCTION_DKIM, FUNCTION_EV_EXPIRE, NULL, e)
			 : how;
}

enum next
step_claim(struct scheduler *s, const struct step_on *on, enum claim_event ev,
    const struct finding *f, struct err *e)
{
	bool was = step_proven(on->claim);
	enum next how = step_one(s, on, ev, f, e);
	struct step_on after = *on;

	if (how != OK || was == step_proven(on->claim))
		return how;
	how = tell_rivals(s, on, e);
	if (how == OK && !was)
		how = lose_dkim(s, on->claim, &after.job, on->now, e);
	if (how == OK && !was)
		how = ready_all(s, &after, e);
	return how == OK ? vigil_see(s, on->claim, e) : how;
}

/* Mail goes out as the customer's, and policy wants it signed: people decide,
 * as switching spf off would stop it. */
static void
alarm_unsigned(
    const struct scheduler *s, const struct open_claim *claim, enum function fn)
{
	const struct claim *c = &claim->claim;

	if (fn == FUNCTION_DKIM &&
	    c->function[FUNCTION_DKIM].status == FUNCTION_LAPSED &&
	    s->policy->dkim_required == DKIM_REQUIRED_REFUSE &&
	    function_is_on(c, FUNCTION_SPF))
		log_line(LOG_ERROR, "dkim.lapsed",
		    FIELDS(TEXT("claim", claim->key)));
}

enum next
step_function(struct scheduler *s, const struct step_on *on, enum function fn,
    enum function_event ev, const struct finding *f, struct err *e)
{
	struct claim *c = &on->claim->claim;
	struct before was = before(c);

	unsigned todo = function_step(c, fn, ev, f, on->now, s->policy);

	looked(on, f);
	tell(s, on, todo, &was, f);
	if (c->function[fn].status == was.function[fn])
		return OK;
	alarm_unsigned(s, on->claim, fn);
	if (fn == FUNCTION_DKIM &&
	    c->function[FUNCTION_DKIM].status == FUNCTION_ACTIVE) {
		enum next how = step_function(
		    s, on, FUNCTION_SPF, FUNCTION_EV_READY, NULL, e);

		if (how != OK)
			return how;
	}
	return vigil_see(s, on->claim, e);
}

enum next
step_functions(struct scheduler *s, const struct step_on *on,
    uint32_t functions, enum function_event ev, struct err *e)
{
	enum next how = OK;

	for (int fn = 0; how == OK && fn < FUNCTION_N; fn++)
		if (functions & 1u << fn)
			how = step_function(
			    s, on, (enum function)fn, ev, NULL, e);
	return how;
}

enum next
step_check(struct scheduler *s, const struct step_on *on,
    const struct finding *f, enum step_count count, struct err *e)
{
	struct claim *c = &on->claim->claim;
	enum function fn = function_of(f->check);
	enum claim_event ev = claim_event_of(f);
	bool notes = count == STEP_NOTES && ev == CLAIM_EV_MISS;

	if (notes)
		ev = CLAIM_EV_UNDECIDED;
	if (c->status == CLAIM_RELEASED)
		return OK; /* given up: nothing is said of it */
	if (f->check == CHECK_OWNERSHIP)
		return step_claim(s, on, ev, f, e);
	if (fn == FUNCTION_N) {
		struct before was = before(c);

		unsigned todo = claim_note(c, f, ev, on->now);

		looked(on, f);
		tell(s, on, todo, &was, f);
		return OK;
	}
	return step_function(s, on, fn,
	    notes ? FUNCTION_EV_UNDECIDED : function_event_of(f), f, e);
}

/* What is known, or on its way, is of the key before. */
static void
forget_key_before(struct open_claim *claim)
{
	claim->key_turn++;
	for (struct open_job *j = claim->jobs; j != NULL; j = j->next) {
		if (!(j->job.checks & 1u << CHECK_DKIM))
			continue;
		job_forget(&j->job, CHECK_DKIM);
		part_kept_drop(j, 1u << CHECK_DKIM);
		step_dirty_job(claim->part, j);
	}
}

enum next
step_key(struct scheduler *s, const struct step_on *on, const char *selector,
    const struct dkim_public *key, struct err *e)
{
	struct claim *c = &on->claim->claim;
	struct before was = before(c);
	unsigned todo;

	if (!claim_key_set(c, selector, key, &todo)) {
		err_set(e, "memory is out for a key");
		return RETRY;
	}
	if (todo != 0)
		forget_key_before(on->claim);
	tell(s, on, todo, &was, NULL);
	return OK;
}

/* -- ends ----------------------------------------------------------------- */

static void
say_end(struct scheduler *s, struct part *part, const struct step_ending *x)
{
	char json[MESSAGE_OUT_MAX];
	const struct message_who who = {
	    .org = x->who->org,
	    .domain = x->who->domain,
	    .id = x->who->id,
	};
	size_t len = message_result(json, sizeof(json), &who, x->end, x->lane,
	    x->claim == NULL ? NULL : &x->claim->claim, x->checks, x->findings,
	    x->why, s->policy);

	out_json(part, TOPIC_RESULTS, x->who->job_key, json, len);
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
step_end(struct scheduler *s, struct part *part, const struct step_ending *x,
    struct err *e)
{
	struct seen_entry entry = {
	    .body_hash = x->body_hash,
	    .kind = SEEN_FINISHED,
	};

	say_end(s, part, x);
	put_tombstone(part, x->who, x->end);
	status_end_put(part_pending(part), x->who, x->end)->urgent =
	    x->lane != LANE_BULK;
	step_digest(entry.digest, x->who->job_key);
	part_pending(part)->steps++;
	step_ripen(s, part, x->lane);
	if (x->lane != LANE_BULK)
		part_pending(part)->urgent = true;
	s->settled++;
	return step_remember(s, part, &entry, e);
}

/* What a job was to switch on and nobody else asks for is not asked for any
 * more, unless it has succeeded. */
static enum next
end_wishes(struct scheduler *s, const struct open_job *job,
    enum job_outcome outcome, int64_t now, struct err *e)
{
	uint32_t then = job->job.then;

	if (outcome == END_VERIFIED)
		return OK;
	for (const struct open_job *j = job->claim->jobs; j != NULL;
	     j = j->next)
		if (j != job)
			then &= ~j->job.then;
	return step_functions(s,
	    &(struct step_on){.claim = job->claim,
		.job = job,
		.lane = job->job.lane,
		.now = now},
	    then,
	    outcome == END_CANCELLED ? FUNCTION_EV_CANCEL : FUNCTION_EV_EXPIRE,
	    e);
}

static void
read_kept(const struct open_job *job, struct wire_found read[CHECK_N],
    const struct finding *findings[CHECK_N])
{
	for (const struct kept *k = job->kept; k != NULL; k = k->next) {
		struct reader r;

		if (findings[k->check] != NULL)
			continue;
		reader_init(&r, k->bytes, k->len);
		if (wire_get_found(&r, &read[k->check]))
			findings[k->check] = &read[k->check].finding;
	}
}

enum next
step_settle(struct scheduler *s, struct open_job *job, enum job_outcome outcome,
    enum code code, const struct finding *f, int64_t now, struct err *e)
{
	struct open_claim *claim = job->claim;
	struct part *part = claim->part;
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
	struct step_who w;
	struct step_ending ending = {
	    .who = &w,
	    .end = &end,
	    .lane = job->job.lane,
	    .body_hash = job->job.body_hash,
	    .claim = claim,
	    .checks = job->job.checks,
	};
	struct wire_found read[CHECK_N]; /* filled as needed: it is large */
	enum next how = end_wishes(s, job, outcome, now, e);

	if (how != OK)
		return how;
	step_who_of(&w, job->key);
	snprintf(end.ref, sizeof(end.ref), "%s",
	    job->job.ref == NULL ? "" : job->job.ref);
	if (f != NULL)
		ending.findings[f->check] = f;
	read_kept(job, read, ending.findings);
	dispatch_forget(s, job);
	part_job_drop(part, job);
	s->open_jobs--;
	step_claim_jobs(part, claim, ending.lane);
	return step_end(s, part, &ending, e);
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
