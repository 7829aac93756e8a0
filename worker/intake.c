/* SPDX-License-Identifier: Apache-2.0 */
/* One record of a lane becomes steps. Whatever it is, it leaves a trace: a job
 * is accepted or answered, what cannot be read goes to `dead` byte for byte,
 * what came to the wrong partition is sent to its right one. */
#include "worker/scheduler.h"

#include <stdio.h>
#include <string.h>

#include "io/clock.h"
#include "io/failpoint.h"
#include "io/idna.h"
#include "io/log.h"

#define DEAD_HEADERS 6 /* of ours, before those that came with it */

/* What came compressed may be larger than any topic takes, and a record that
 * is refused would be met again for ever. */
#define DEAD_MAX     1500000 /* octets of key, value and headers */
#define DEAD_KEY_CUT 1024    /* above it: so much of the key, ... */
#define DEAD_CUT     1000000 /* so much of the value, and no header */

struct intake {
	struct scheduler *s;
	struct part *part;
	const struct kafka_event *ev;
	struct message_job job;
	struct step_who who;
	int64_t now; /* broker: when it was appended, or now for bulk */
	uint8_t digest[SEEN_DIGEST]; /* of its identity */
	struct err *e;
};

static const enum topic lane_topic[LANE_N] = {
    [LANE_JOBS] = TOPIC_JOBS,
    [LANE_BULK] = TOPIC_BULK,
    [LANE_CONTROL] = TOPIC_CONTROL,
};

/* -- what cannot be read ------------------------------------------------- */

static struct kafka_header
text_header(const char *name, const char *text)
{
	return (struct kafka_header){
	    .name = name,
	    .value = (const uint8_t *)text,
	    .len = strlen(text),
	};
}

static size_t
headers_len(const struct kafka_event *ev)
{
	size_t len = 0;

	for (size_t i = 0; i < ev->headers_n; i++)
		len += strlen(ev->headers[i].name) + ev->headers[i].len;
	return len;
}

static size_t
at_most(size_t len, size_t max)
{
	return len < max ? len : max;
}

static void
bury(struct intake *in, const char *reason)
{
	const struct kafka_event *ev = in->ev;
	struct kafka_header headers[DEAD_HEADERS + KAFKA_HEADERS_MAX];
	char topic[128], partition[16], offset[24], at[24], whole[24];
	size_t n = 0, len = ev->key_len + ev->value_len + headers_len(ev);
	struct kafka_out out = {
	    .topic = TOPIC_DEAD,
	    .partition = in->part->p,
	    .key = ev->key,
	    .key_len = ev->key_len,
	    .value = ev->value,
	    .value_len = ev->value_len,
	    .headers = headers,
	};

	snprintf(topic, sizeof(topic), "%s%s", in->s->kafka_conf.prefix,
	    lane_name(ev->lane));
	snprintf(partition, sizeof(partition), "%d", ev->partition);
	snprintf(offset, sizeof(offset), "%lld", (long long)ev->offset);
	snprintf(at, sizeof(at), "%lld", (long long)ev->append_at);
	headers[n++] = text_header("dead-reason", reason);
	headers[n++] = text_header("origin-topic", topic);
	headers[n++] = text_header("origin-partition", partition);
	headers[n++] = text_header("origin-offset", offset);
	headers[n++] = text_header("origin-append-ms", at);
	for (size_t i = 0; len <= DEAD_MAX && i < ev->headers_n; i++)
		headers[n++] = ev->headers[i];
	if (len > DEAD_MAX) {
		snprintf(whole, sizeof(whole), "%zu", len);
		headers[n++] = text_header("dead-cut-from", whole);
		out.key_len = at_most(ev->key_len, DEAD_KEY_CUT);
		out.value_len = at_most(ev->value_len, DEAD_CUT);
	}
	out.headers_n = n;
	pending_out(part_pending(in->part), &out);
	step_trouble(in->part, "job.dead", &in->who,
	    in->job.code == CODE_NONE ? CODE_BAD_JOB : in->job.code, reason, ev,
	    in->s->kafka_conf.prefix, in->now);
}

/* It must not be met again after a rewind, as nothing remembers it: what the
 * lane holds back before it goes with it. */
static void
no_way_back(struct intake *in)
{
	part_release_held(in->part, in->ev->lane, INT64_MAX);
	part_pending(in->part)->steps++;
	step_ripen(in->s, in->part, in->ev->lane);
}

/* -- answers without a look ----------------------------------------------- */

static enum next
answer(struct intake *in, enum job_outcome outcome, enum code code,
    const struct open_claim *claim, const char *joined, const char *why)
{
	const struct job_request *r = &in->job.request;
	struct job_end end = {
	    .ver = 1,
	    .kind = r->kind,
	    .outcome = outcome,
	    .code = code,
	    .accepted_at = in->now,
	    .deadline_at = in->now,
	    .settled_at = in->now,
	};

	snprintf(end.joined, sizeof(end.joined), "%s", joined);
	memcpy(end.ref, r->ref, sizeof(end.ref));
	return step_end(in->s, in->part,
	    &(struct step_ending){.who = &in->who,
		.end = &end,
		.lane = in->ev->lane,
		.body_hash = r->body_hash,
		.claim = claim,
		.why = why},
	    in->e);
}

static enum next
reject(struct intake *in, enum code code, const char *why)
{
	step_trouble(in->part, "job.rejected", &in->who, code, why, in->ev,
	    in->s->kafka_conf.prefix, in->now);
	return answer(in, END_REJECTED, code, NULL, "", why);
}

/* In the words of core/diagnosis.h; saw: what it quotes, "" = nothing. */
static enum next
reject_as(struct intake *in, enum code code, const char *saw)
{
	char fix[SAY_MAX + 1], say[SAY_MAX + 1];

	diagnosis_say(
	    &(const struct diagnosis_facts){
		.code = code,
		.domain = in->job.request.domain,
		.name = "",
		.expected = "",
		.saw = saw,
	    },
	    say, fix);
	return reject(in, code, say);
}

static enum next
done(struct intake *in, const struct open_claim *claim)
{
	return answer(in, END_DONE, CODE_NONE, claim, "", NULL);
}

/* -- the kinds ------------------------------------------------------------ */

static struct step_on
on(const struct intake *in, struct open_claim *claim,
    const struct open_job *job)
{
	return (struct step_on){
	    .claim = claim, .job = job, .lane = in->ev->lane, .now = in->now};
}

static struct open_claim *
known_claim(const struct intake *in)
{
	return table_find(&in->part->claims, in->who.claim_key);
}

/* The claim, if this organisation has begun it. */
static struct open_claim *
held_claim(const struct intake *in)
{
	struct open_claim *claim = known_claim(in);

	if (claim == NULL || claim->claim.status == CLAIM_RELEASED)
		return NULL;
	return claim;
}

static enum next
begin_claim(struct intake *in, struct open_claim **claim)
{
	enum next how = part_claim(in->part, in->who.claim_key, claim, in->e);
	struct step_on step = on(in, *claim, NULL);

	return how == OK ? step_claim(in->s, &step, CLAIM_EV_BEGIN, NULL, in->e)
			 : how;
}

/* A selector is a name in the DNS: no two keys share it, whosever they are. */
static bool
selector_used(const struct intake *in)
{
	const struct job_request *r = &in->job.request;

	for (const struct open_claim *c = part_same(in->part, r->domain);
	     c != NULL; c = c->same)
		if (claim_selector_used(&c->claim, r->selector, &r->key))
			return true;
	return false;
}

/* Mail is signed, or would be again at once, with another key: nobody has
 * seen this one published. */
static bool
key_in_use(const struct intake *in)
{
	const struct job_request *r = &in->job.request;
	const struct open_claim *claim = held_claim(in);
	const struct claim *c;

	if (claim == NULL)
		return false;
	c = &claim->claim;
	return function_wanted(c, FUNCTION_DKIM) &&
	       c->function[FUNCTION_DKIM].status != FUNCTION_PENDING &&
	       !claim_key_is_present(c, r->selector, &r->key);
}

static enum code
judge_key(const struct intake *in)
{
	if (step_dkim_held(in->part, in->who.domain, known_claim(in)))
		return CODE_DKIM_HELD;
	if (selector_used(in))
		return CODE_SELECTOR_USED;
	return key_in_use(in) ? CODE_ROTATION_OPEN : CODE_NONE;
}

static enum next
do_claim(struct intake *in)
{
	const struct job_request *r = &in->job.request;
	bool key = r->selector[0] != '\0';
	enum code code = key ? judge_key(in) : CODE_NONE;
	struct open_claim *claim;
	struct step_on step;
	enum next how;

	if (code != CODE_NONE)
		return reject_as(in, code, "");
	how = begin_claim(in, &claim);
	step = on(in, claim, NULL);
	if (how == OK && key)
		how = step_key(in->s, &step, r->selector, &r->key, in->e);
	return how == OK ? done(in, claim) : how;
}

/* An equal request is open: it serves both, until the later deadline. Somebody
 * has pressed a button: there is a look now. A single look (deadline 0) is made
 * for whoever asks. */
static struct open_job *
equal_open(const struct open_claim *claim, const struct job *job)
{
	if (job->deadline_at == job->accepted_at)
		return NULL;
	for (struct open_job *o = claim->jobs; o != NULL; o = o->next)
		if (o->job.kind == job->kind && o->job.checks == job->checks &&
		    o->job.then == job->then &&
		    o->job.deadline_at > o->job.accepted_at)
			return o;
	return NULL;
}

static enum next
join(struct intake *in, struct open_claim *claim, struct open_job *open,
    const struct job *job)
{
	char org[ORG_MAX + 1], domain[DNAME_TEXT_MAX + 1], id[JOB_ID_MAX + 1];
	enum next how = OK;

	if (job->deadline_at > open->job.deadline_at) {
		open->job.deadline_at = job->deadline_at;
		open->job.ver++;
		step_dirty_job(in->part, open);
		step_claim_jobs(in->part, claim, in->ev->lane);
	}
	if (in->ev->lane != LANE_BULK && !open->first && open->asked == NO_SLOT)
		how = vigil_now(in->s, claim, job_wants(&open->job), in->e);
	if (how != OK)
		return how;
	part_key_split(open->key, org, domain, id);
	return answer(in, END_JOINED, CODE_NONE, claim, id, NULL);
}

static enum next
begin_job(struct intake *in, struct open_job *open)
{
	struct step_on step = on(in, open->claim, open);
	enum next how = step_claim(in->s, &step, CLAIM_EV_OPEN, NULL, in->e);

	if (how == OK)
		how = step_functions(
		    in->s, &step, open->job.then, FUNCTION_EV_ASK, in->e);
	return how == OK ? dispatch_arm(in->s, open, open->job.due_at, in->e)
			 : how;
}

static enum next
accept(struct intake *in, const struct job *job)
{
	struct scheduler *s = in->s;
	bool bulk = in->ev->lane == LANE_BULK;
	struct open_job *open;
	enum next how =
	    part_job_add(in->part, in->who.job_key, job, &open, in->e);

	if (how != OK)
		return how;
	s->open_jobs++;
	s->accepted++;
	s->first_looks[job->lane]++;
	open->first = true;
	open->held_until = s->mono + (bulk ? GRACE_BULK_MS : GRACE_JOBS_MS);
	how = part_hold(in->part, in->ev->lane, in->ev->offset, open, in->e);
	return how == OK ? begin_job(in, open) : how;
}

/* What a job asks for that this claim or its neighbours do not allow. */
static enum code
judge_wishes(const struct intake *in)
{
	const struct job_request *r = &in->job.request;
	const struct open_claim *claim = held_claim(in);
	struct claim none;
	const struct claim *c = &none;
	enum code code;

	claim_init(&none);
	if (claim != NULL)
		c = &claim->claim;
	else if (r->kind == JOB_ACTIVATE)
		return CODE_NOT_YOURS;
	code = function_judge(c, r->functions, 0, in->s->policy);
	if (code != CODE_NONE)
		return code;
	if ((r->checks & 1u << CHECK_DKIM) && c->keys_n == 0)
		return CODE_NO_KEY;
	if ((r->functions & 1u << FUNCTION_DKIM) &&
	    step_dkim_held(in->part, in->who.domain, claim))
		return CODE_DKIM_HELD;
	return CODE_NONE;
}

static enum next
open_job(struct intake *in, struct open_claim *claim)
{
	struct open_job *open;
	struct reader seed;
	struct job job;
	enum next how;

	reader_init(&seed, in->digest, sizeof(in->digest));
	if (!job_open(&job, &in->job.request, in->ev->lane, in->now,
		reader_u32(&seed), &claim->claim, in->s->policy)) {
		err_set(in->e, "memory is out for a job");
		return RETRY;
	}
	open = equal_open(claim, &job);
	if (open == NULL)
		return accept(in, &job);
	how = join(in, claim, open, &job);
	job_free(&job);
	return how;
}

/* And activate. */
static enum next
do_verify(struct intake *in)
{
	enum code code = judge_wishes(in);
	struct open_claim *claim;
	enum next how;

	if (code != CODE_NONE)
		return reject_as(in, code, "");
	how = begin_claim(in, &claim);
	return how == OK ? open_job(in, claim) : how;
}

/* At once, and before everything that waits in the bulk lane. Open jobs go on,
 * but switch it on no more. */
static enum next
do_deactivate(struct intake *in)
{
	uint32_t off = in->job.request.functions;
	struct open_claim *claim = held_claim(in);
	struct step_on step = on(in, claim, NULL);
	enum code code = claim == NULL ? CODE_NOT_YOURS
				       : function_judge(&claim->claim, 0, off,
					     in->s->policy);
	enum next how;

	if (code != CODE_NONE)
		return reject_as(in, code, "");
	step.lane = LANE_JOBS;
	how = step_functions(in->s, &step, off, FUNCTION_EV_OFF, in->e);
	for (struct open_job *j = claim->jobs; j != NULL; j = j->next) {
		if (!(j->job.then & off))
			continue;
		j->job.then = (uint8_t)(j->job.then & ~off);
		j->job.ver++;
		step_dirty_job(in->part, j);
	}
	part_pending(in->part)->urgent = true;
	step_ripen(in->s, in->part, LANE_JOBS);
	return how == OK ? done(in, claim) : how;
}

static enum next
do_recheck(struct intake *in)
{
	uint32_t checks = in->job.request.checks;
	struct open_claim *claim = held_claim(in);
	enum next how;

	if (claim == NULL)
		return reject_as(in, CODE_NOT_YOURS, "");
	if ((checks & 1u << CHECK_DKIM) && claim->claim.keys_n == 0)
		return reject_as(in, CODE_NO_KEY, "");
	how = vigil_now(
	    in->s, claim, checks == 0 ? vigil_checks(claim) : checks, in->e);
	return how == OK ? done(in, claim) : how;
}

static enum next
do_watch(struct intake *in)
{
	struct open_claim *claim = held_claim(in);
	enum next how;

	if (claim == NULL)
		return reject_as(in, CODE_NOT_YOURS, "");
	how = vigil_watch(in->s, claim, in->e);
	return how == OK ? done(in, claim) : how;
}

static enum next
do_cancel(struct intake *in)
{
	struct step_who target;
	struct open_job *open;
	struct seen_entry entry = {.kind = SEEN_CANCELLED_AHEAD};
	enum next how = OK;

	step_who(&target, in->who.org, in->who.domain, in->job.request.target);
	open = part_job(in->part, target.job_key);
	step_digest(entry.digest, target.job_key);
	if (open != NULL) {
		how = step_settle(in->s, open, END_CANCELLED, CODE_NONE, NULL,
		    in->now, in->e);
	} else if (seen_find(in->part->seen, entry.digest) == NULL) {
		how = step_remember(in->s, in->part, &entry, in->e);
	}
	return how == OK ? done(in, NULL) : how;
}

static enum next
do_release(struct intake *in)
{
	struct open_claim *claim = known_claim(in);
	struct step_on step = on(in, claim, NULL);
	enum next how = OK;

	if (claim == NULL)
		return done(in, NULL);
	while (how == OK && claim->jobs != NULL)
		how = step_settle(in->s, claim->jobs, END_CANCELLED,
		    CODE_RELEASED, NULL, in->now, in->e);
	if (how == OK)
		how = step_claim(in->s, &step, CLAIM_EV_RELEASE, NULL, in->e);
	vigil_forget(in->s, claim);
	return how == OK ? done(in, claim) : how;
}

static enum next (*const carry_out[JOB_KIND_N])(struct intake *in) = {
    [JOB_CLAIM] = do_claim,
    [JOB_VERIFY] = do_verify,
    [JOB_CANCEL] = do_cancel,
    [JOB_RELEASE] = do_release,
    [JOB_ACTIVATE] = do_verify,
    [JOB_DEACTIVATE] = do_deactivate,
    [JOB_RECHECK] = do_recheck,
    [JOB_WATCH] = do_watch,
};

/* Of the lane of support: whatever ends something. */
static bool
of_control(enum job_kind kind)
{
	return kind == JOB_CANCEL || kind == JOB_RELEASE ||
	       kind == JOB_DEACTIVATE;
}

/* -- the way of a record -------------------------------------------------- */

/* The same identity with the same body gives no second result. */
static enum next
known(struct intake *in, uint32_t body_hash)
{
	if (body_hash != in->job.request.body_hash) {
		step_trouble(in->part, "job.conflict", &in->who, CODE_NONE,
		    "this id was used before with another request", in->ev,
		    in->s->kafka_conf.prefix, in->now);
	}
	no_way_back(in);
	return OK;
}

static enum next
step_new(struct intake *in)
{
	const struct job_request *r = &in->job.request;
	struct domain_facts facts;
	enum code code;

	idna_facts(r->domain, &facts);
	code = in->job.code != CODE_NONE ? in->job.code
					 : job_judge(r, &facts, in->s->policy);
	if (code == CODE_NONE)
		return carry_out[r->kind](in);
	return in->job.why[0] != '\0' ? reject(in, code, in->job.why)
				      : reject_as(in, code, in->job.why);
}

/* One decision an identity: open, finished, cancelled ahead, or new. */
static enum next
by_identity(struct intake *in)
{
	const struct open_job *open = part_job(in->part, in->who.job_key);
	const struct seen_entry *seen;

	if (open != NULL)
		return known(in, open->job.body_hash);
	step_digest(in->digest, in->who.job_key);
	seen = seen_find(in->part->seen, in->digest);
	if (seen == NULL)
		return step_new(in);
	if (seen->kind == SEEN_CANCELLED_AHEAD)
		return answer(in, END_CANCELLED, CODE_NONE, NULL, "", NULL);
	return known(in, seen->body_hash);
}

/* Sends it, byte for byte, to where its domain belongs. */
static void
reroute(struct intake *in, int32_t partition)
{
	const struct kafka_event *ev = in->ev;
	const char *domain = in->job.request.domain;
	const struct kafka_out out = {
	    .topic = lane_topic[ev->lane],
	    .partition = partition,
	    .key = domain,
	    .key_len = strlen(domain),
	    .value = ev->value,
	    .value_len = ev->value_len,
	    .headers = ev->headers,
	    /* nobody reads them: none must make it too large to be sent */
	    .headers_n = headers_len(ev) > MESSAGE_JOB_MAX ? 0 : ev->headers_n,
	};

	pending_out(part_pending(in->part), &out);
	in->s->rerouted++;
	no_way_back(in);
}

static bool
misplaced(const struct intake *in, int32_t *right)
{
	const char *domain = in->job.request.domain;
	size_t len = strlen(domain);

	*right = murmur2_partition(domain, len, in->s->partitions);
	return *right != in->ev->partition || in->ev->key == NULL ||
	       in->ev->key_len != len || memcmp(in->ev->key, domain, len) != 0;
}

/* A domain that is none cannot be re-routed or trusted as a key: its printable
 * form stands for it, without what a key of the state topic cannot hold. */
static enum next
bad_domain(struct intake *in, const struct err *why)
{
	struct job_request *r = &in->job.request;
	char shown[DNAME_TEXT_MAX + 1];

	txt_show((const uint8_t *)r->domain, strlen(r->domain), shown,
	    sizeof(shown));
	for (char *at = shown; *at != '\0'; at++)
		if (*at == '/' || *at == ' ')
			*at = '_';
	step_who(&in->who, r->org, shown, r->id);
	r->body_hash = message_body_hash(r);
	in->job.code = CODE_BAD_DOMAIN;
	snprintf(in->job.why, sizeof(in->job.why), "%.159s", why->text);
	return by_identity(in);
}

/* Names the request by its canonical domain; false when there is none, and it
 * is then refused under the name as sent. */
static bool
named(struct intake *in, enum next *how)
{
	struct job_request *r = &in->job.request;
	char canonical[DNAME_TEXT_MAX + 1];
	struct err why;

	if (idna_canonical(r->domain, strlen(r->domain), canonical, &why) !=
	    OK) {
		*how = bad_domain(in, &why);
		return false;
	}
	memcpy(r->domain, canonical, sizeof(r->domain));
	r->body_hash = message_body_hash(r);
	step_who(&in->who, r->org, r->domain, r->id);
	return true;
}

static enum next
readable(struct intake *in)
{
	const struct job_request *r = &in->job.request;
	enum next how;
	int32_t right;

	if (!named(in, &how))
		return how;
	if (misplaced(in, &right)) {
		reroute(in, right);
		return OK;
	}
	if (in->ev->lane == LANE_CONTROL && in->job.code == CODE_NONE &&
	    !of_control(r->kind))
		in->job.code = CODE_UNKNOWN_KIND;
	return by_identity(in);
}

static enum next
unreadable(struct intake *in)
{
	enum next how = OK;

	bury(in, in->job.why);
	no_way_back(in);
	return in->job.identified && named(in, &how) ? by_identity(in) : how;
}

static void
decode(struct intake *in, const char *what)
{
	const struct role *role = in->s->role;

	shm_work_begin(role->shm, role->child, what);
	failpoint("scheduler.decode", what);
	message_job_read(in->ev->value, in->ev->value_len, &in->job);
	shm_work_end(role->shm, role->child);
}

enum next
intake_record(struct scheduler *s, struct part *part,
    const struct kafka_event *ev, struct err *e)
{
	struct intake in = {.s = s, .part = part, .ev = ev, .e = e};
	char what[64];

	part->lane[ev->lane].next = ev->offset + 1;
	in.now = ev->lane == LANE_BULK ? scheduler_now(s) : ev->append_at;
	snprintf(what, sizeof(what), "%s/%d/%lld", lane_name(ev->lane),
	    ev->partition, (long long)ev->offset);
	if (shm_poisoned(s->role->shm, what)) {
		in.job.code = CODE_POISON;
		bury(&in, "reading it ended the process three times");
		no_way_back(&in);
		return OK;
	}
	decode(&in, what);
	return in.job.code == CODE_BAD_JOB ? unreadable(&in) : readable(&in);
}
