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
    struct open_claim *claim, const char *joined, const char *why)
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
	return step_end(in->s, in->part, &in->who, in->ev->lane, &end,
	    r->body_hash, claim, NULL, why, in->e);
}

static enum next
reject(struct intake *in, enum code code, const char *why)
{
	step_trouble(in->part, "job.rejected", &in->who, code, why, in->ev,
	    in->s->kafka_conf.prefix, in->now);
	return answer(in, END_REJECTED, code, NULL, "", why);
}

/* -- the kinds ------------------------------------------------------------ */

static enum next
begin_claim(struct intake *in, struct open_claim **claim)
{
	enum next how = part_claim(in->part, in->who.claim_key, claim, in->e);

	if (how != OK)
		return how;
	return step_claim(in->s, in->part, *claim, CLAIM_EV_BEGIN, NULL, NULL,
	    in->now, in->e);
}

static enum next
do_claim(struct intake *in)
{
	struct open_claim *claim;
	enum next how = begin_claim(in, &claim);

	return how == OK ? answer(in, END_DONE, CODE_NONE, claim, "", NULL)
			 : how;
}

/* An equal request is open: it serves both, until the later deadline. A single
 * look (deadline 0) is made for whoever asks. */
static struct open_job *
equal_open(const struct open_claim *claim, const struct job *job)
{
	if (job->deadline_at == job->accepted_at)
		return NULL;
	for (struct open_job *o = claim->jobs; o != NULL; o = o->next)
		if (o->job.kind == job->kind && o->job.checks == job->checks &&
		    o->job.deadline_at > o->job.accepted_at)
			return o;
	return NULL;
}

static enum next
join(struct intake *in, struct open_claim *claim, struct open_job *open,
    const struct job *job)
{
	char org[ORG_MAX + 1], domain[DNAME_TEXT_MAX + 1], id[JOB_ID_MAX + 1];

	if (job->deadline_at > open->job.deadline_at) {
		open->job.deadline_at = job->deadline_at;
		open->job.ver++;
		step_dirty_job(in->part, open);
		step_claim_jobs(in->part, claim, in->ev->lane);
	}
	part_key_split(open->key, org, domain, id);
	return answer(in, END_JOINED, CODE_NONE, claim, id, NULL);
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
	open->held_until = s->mono + (bulk ? GRACE_BULK_MS : GRACE_JOBS_MS);
	how = part_hold(in->part, in->ev->lane, in->ev->offset, open, in->e);
	if (how == OK)
		how = step_claim(s, in->part, open->claim, CLAIM_EV_OPEN, NULL,
		    open, in->now, in->e);
	return how == OK ? dispatch_arm(s, open, job->due_at, in->e) : how;
}

static enum next
do_verify(struct intake *in)
{
	uint8_t digest[SEEN_DIGEST];
	struct open_claim *claim;
	struct open_job *open;
	struct reader seed;
	struct job job;
	enum next how = begin_claim(in, &claim);

	if (how != OK)
		return how;
	step_digest(digest, in->who.job_key);
	reader_init(&seed, digest, sizeof(digest));
	job_open(&job, &in->job.request, in->ev->lane, in->now,
	    reader_u32(&seed), in->s->policy);
	open = equal_open(claim, &job);
	return open == NULL ? accept(in, &job) : join(in, claim, open, &job);
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
		how = step_settle(in->s, in->part, open, END_CANCELLED,
		    CODE_NONE, NULL, in->now, in->e);
	} else if (seen_find(in->part->seen, entry.digest) == NULL) {
		how = step_remember(in->s, in->part, &entry, in->e);
	}
	return how == OK ? answer(in, END_DONE, CODE_NONE, NULL, "", NULL)
			 : how;
}

static enum next
do_release(struct intake *in)
{
	struct open_claim *claim =
	    table_find(&in->part->claims, in->who.claim_key);
	enum next how = OK;

	if (claim == NULL)
		return answer(in, END_DONE, CODE_NONE, NULL, "", NULL);
	while (how == OK && claim->jobs != NULL)
		how = step_settle(in->s, in->part, claim->jobs, END_CANCELLED,
		    CODE_RELEASED, NULL, in->now, in->e);
	if (how == OK)
		how = step_claim(in->s, in->part, claim, CLAIM_EV_RELEASE, NULL,
		    NULL, in->now, in->e);
	return how == OK ? answer(in, END_DONE, CODE_NONE, claim, "", NULL)
			 : how;
}

static enum next (*const carry_out[JOB_KIND_N])(struct intake *in) = {
    [JOB_CLAIM] = do_claim,
    [JOB_VERIFY] = do_verify,
    [JOB_CANCEL] = do_cancel,
    [JOB_RELEASE] = do_release,
};

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
	char fix[SAY_MAX + 1], say[SAY_MAX + 1];
	enum code code;

	idna_facts(r->domain, &facts);
	code = in->job.code != CODE_NONE ? in->job.code
					 : job_judge(r, &facts, in->s->policy);
	if (code == CODE_NONE)
		return carry_out[r->kind](in);
	diagnosis_say(
	    &(const struct diagnosis_facts){
		.code = code,
		.domain = r->domain,
		.name = "",
		.expected = "",
		.saw = in->job.why,
	    },
	    say, fix);
	return reject(in, code, in->job.why[0] != '\0' ? in->job.why : say);
}

/* One decision an identity: open, finished, cancelled ahead, or new. */
static enum next
by_identity(struct intake *in)
{
	const struct open_job *open = part_job(in->part, in->who.job_key);
	const struct seen_entry *seen;
	uint8_t digest[SEEN_DIGEST];

	if (open != NULL)
		return known(in, open->job.body_hash);
	step_digest(digest, in->who.job_key);
	seen = seen_find(in->part->seen, digest);
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
	    (r->kind == JOB_CLAIM || r->kind == JOB_VERIFY))
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
