/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of one partition: its claims, its open jobs, the identities seen
 * and the positions of its lanes. */
#include "worker/scheduler.h"

#include <stdio.h>
#include <string.h>

#include "io/entropy.h"

enum next
part_open(struct part **out, int32_t p, uint64_t epoch,
    const struct policy *policy, struct err *e)
{
	struct part *part = mem_alloc(sizeof(*part));
	uint64_t seed;
	enum next how;

	*out = NULL;
	if (part == NULL) {
		err_set(e, "partition %d: memory is out", p);
		return RETRY;
	}
	how = entropy_get(&seed, sizeof(seed), e);
	if (how != OK) {
		mem_free(part);
		return how;
	}
	part->p = p;
	part->epoch = epoch;
	part->ripe_at = INT64_MAX;
	table_init(&part->claims, seed);
	table_init(&part->domains, seed);
	table_init(&part->jobs, seed);
	how = seen_open(&part->seen, policy->dedupe_ms, seed, e);
	if (how != OK) {
		part_free(part);
		return how;
	}
	*out = part;
	return OK;
}

void
part_free(struct part *part)
{
	struct open_claim *claim;
	struct open_job *job;

	if (part == NULL)
		return;
	for (size_t at = 0; (job = table_next(&part->jobs, &at)) != NULL;) {
		part_kept_drop(job, UINT32_MAX);
		job_free(&job->job);
		mem_free(job);
	}
	for (size_t at = 0; (claim = table_next(&part->claims, &at)) != NULL;) {
		claim_free(&claim->claim);
		mem_free(claim);
	}
	table_free(&part->jobs);
	table_free(&part->claims);
	table_free(&part->domains);
	seen_free(part->seen);
	for (int l = 0; l < LANE_N; l++)
		mem_free(part->lane[l].held);
	pending_free(part->pending);
	mem_free(part);
}

/* Claims are never taken off, so the key may lie in the newest of them. */
static enum next
index_domain(struct part *part, struct open_claim *claim, struct err *e)
{
	const char *domain = strchr(claim->key, '/') + 1;

	claim->same = table_remove(&part->domains, domain);
	return table_add(&part->domains, domain, claim, e);
}

enum next
part_claim(
    struct part *part, const char *key, struct open_claim **out, struct err *e)
{
	size_t len = strlen(key) + 1;
	struct open_claim *claim = table_find(&part->claims, key);
	enum next how;

	*out = claim;
	if (claim != NULL)
		return OK;
	claim = mem_alloc(sizeof(*claim) + len);
	if (claim == NULL) {
		err_set(e, "memory is out for a claim");
		return RETRY;
	}
	claim_init(&claim->claim);
	claim->part = part;
	claim->asked = NO_SLOT;
	claim->registrable_at = NOT_LOOKED_UP;
	claim->timer = (struct timer){.place = TIMER_IDLE, .owner = claim};
	memcpy(claim->key, key, len);
	*out = claim;
	how = index_domain(part, claim, e);
	return how == OK ? table_add(&part->claims, claim->key, claim, e) : how;
}

struct open_claim *
part_same(const struct part *part, const char *domain)
{
	return table_find(&part->domains, domain);
}

struct open_job *
part_job(const struct part *part, const char *key)
{
	return table_find(&part->jobs, key);
}

void
part_key_split(const char *key, char *org, char *domain, char *id)
{
	char *const out[] = {org, domain, id};
	const char *at = key;

	for (size_t i = 0; i < ARRAY_LEN(out); i++) {
		size_t len = strcspn(at, "/");

		if (out[i] != NULL) {
			memcpy(out[i], at, len);
			out[i][len] = '\0';
		}
		at += len + (at[len] == '/');
	}
}

/* "org/domain/id" without its last part; out holds RECORD_KEY_MAX + 1. */
static void
claim_key_of(const char *job_key, char *out)
{
	const char *slash = strrchr(job_key, '/');
	size_t len = (size_t)(slash - job_key);

	memcpy(out, job_key, len);
	out[len] = '\0';
}

enum next
part_job_add(struct part *part, const char *key, const struct job *job,
    struct open_job **out, struct err *e)
{
	char claim_key[RECORD_KEY_MAX + 1];
	size_t len = strlen(key) + 1;
	struct open_claim *claim;
	struct open_job *new;
	enum next how;

	claim_key_of(key, claim_key);
	how = part_claim(part, claim_key, &claim, e);
	if (how != OK)
		return how;
	new = mem_alloc(sizeof(*new) + len);
	if (new == NULL) {
		err_set(e, "memory is out for a job");
		return RETRY;
	}
	memcpy(new->key, key, len);
	new->job = *job;
	new->asked = NO_SLOT;
	new->timer = (struct timer){.place = TIMER_IDLE, .owner = new};
	new->claim = claim;
	new->next = claim->jobs;
	claim->jobs = new;
	*out = new;
	return table_add(&part->jobs, new->key, new, e);
}

static void
unlink_job(struct part *part, struct open_job *job)
{
	struct open_job **at = &job->claim->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (!job->dirty)
		return;
	at = &part->dirty_jobs;
	while (*at != job)
		at = &(*at)->next_dirty;
	*at = job->next_dirty;
}

void
part_kept_drop(struct open_job *job, uint32_t checks)
{
	struct kept **at = &job->kept;

	while (*at != NULL) {
		struct kept *k = *at;

		if (checks & 1u << k->check) {
			*at = k->next;
			mem_free(k);
		} else {
			at = &k->next;
		}
	}
}

static void
forget_held(struct part *part, const struct open_job *job)
{
	struct lane_state *ls = &part->lane[job->job.lane];

	if (job->held_until != 0)
		ls->held[ls->held_first + (job->held_seq - ls->held_seq)].job =
		    NULL;
}

void
part_job_drop(struct part *part, struct open_job *job)
{
	forget_held(part, job);
	unlink_job(part, job);
	table_remove(&part->jobs, job->key);
	part_kept_drop(job, UINT32_MAX);
	job_free(&job->job);
	mem_free(job);
}

struct open_job *
part_lasting(const struct open_claim *claim)
{
	struct open_job *best = NULL;

	for (struct open_job *j = claim->jobs; j != NULL; j = j->next) {
		if (best == NULL || j->job.deadline_at > best->job.deadline_at)
			best = j;
	}
	return best;
}

/* Makes room for one more entry: moves the queue to the front, or grows. */
static enum next
held_room(struct lane_state *lane, struct err *e)
{
	size_t cap = lane->held_cap == 0 ? 64 : lane->held_cap * 2;
	struct held *grown;

	if (lane->held_first + lane->held_n < lane->held_cap)
		return OK;
	if (lane->held_first > lane->held_cap / 2) {
		memmove(lane->held, lane->held + lane->held_first,
		    lane->held_n * sizeof(*lane->held));
		lane->held_first = 0;
		return OK;
	}
	grown = mem_grow(lane->held, cap * sizeof(*grown));
	if (grown == NULL) {
		err_set(e, "memory is out for held jobs");
		return RETRY;
	}
	lane->held = grown;
	lane->held_cap = cap;
	return OK;
}

enum next
part_hold(struct part *part, enum lane lane, int64_t offset,
    struct open_job *job, struct err *e)
{
	struct lane_state *ls = &part->lane[lane];
	enum next how = held_room(ls, e);

	if (how != OK)
		return how;
	job->held_seq = ls->held_seq + ls->held_n;
	ls->held[ls->held_first + ls->held_n] =
	    (struct held){.offset = offset, .job = job};
	ls->held_n++;
	return OK;
}

void
part_release_held(struct part *part, enum lane lane, int64_t now_mono)
{
	struct lane_state *ls = &part->lane[lane];

	while (ls->held_n > 0) {
		struct open_job *job = ls->held[ls->held_first].job;

		if (job != NULL && job->held_until > now_mono)
			break;
		if (job != NULL) {
			job->held_until = 0;
			step_dirty_job(part, job);
			step_claim_jobs(part, job->claim, lane);
		}
		ls->held_first++;
		ls->held_n--;
		ls->held_seq++;
	}
	if (ls->held_n == 0)
		ls->held_first = 0;
}

int64_t
part_position(const struct part *part, enum lane lane)
{
	const struct lane_state *ls = &part->lane[lane];

	return ls->held_n > 0 ? ls->held[ls->held_first].offset : ls->next;
}

int64_t
part_grace_due(const struct part *part)
{
	int64_t due = INT64_MAX;

	for (int l = 0; l < LANE_N; l++) {
		const struct lane_state *ls = &part->lane[l];
		const struct open_job *job =
		    ls->held_n > 0 ? ls->held[ls->held_first].job : NULL;

		if (job != NULL && job->held_until < due)
			due = job->held_until;
	}
	return due;
}

static enum next
apply_claim(struct part *part, const struct record_key *key,
    const struct kafka_record *record, struct err *e)
{
	char text[RECORD_KEY_MAX + 1];
	struct open_claim *claim;
	enum next how;

	snprintf(text, sizeof(text), "%s/%s", key->org, key->domain);
	how = part_claim(part, text, &claim, e);
	if (how != OK)
		return how;
	claim_free(&claim->claim);
	claim_init(&claim->claim);
	if (record->value == NULL)
		return OK;
	return record_get_claim(
	    &claim->claim, record->value, record->value_len, e);
}

static enum next
apply_job(struct part *part, const struct record_key *key,
    const struct kafka_record *record, struct err *e)
{
	char text[RECORD_KEY_MAX + 1];
	struct open_job *open;
	struct job job;
	enum next how;

	snprintf(
	    text, sizeof(text), "%s/%s/%s", key->org, key->domain, key->id);
	open = part_job(part, text);
	if (record->value == NULL) {
		if (open != NULL)
			part_job_drop(part, open);
		return OK;
	}
	how = record_get_job(&job, record->value, record->value_len, e);
	if (how != OK)
		return how;
	if (open == NULL)
		return part_job_add(part, text, &job, &open, e);
	job_free(&open->job);
	open->job = job;
	return OK;
}

enum next
part_apply(struct part *part, const struct kafka_record *record,
    struct record_key *key, struct record_pos *pos, struct err *e)
{
	record_key_parse(key, record->key, record->key_len);
	switch (key->kind) {
	case RECORD_CLAIM:
		return apply_claim(part, key, record, e);
	case RECORD_JOB:
		return apply_job(part, key, record, e);
	case RECORD_POS:
		return record_get_pos(pos, record->value, record->value_len, e);
	case RECORD_UNKNOWN:
		break;
	}
	err_set(e, "its key is of an unknown kind");
	return REJECT;
}
