/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be written: gathered per partition as steps happen (pending), and
 * taken together as one transaction (batch). */
#include "worker/scheduler.h"

#include <string.h>
#include <unistd.h>

#include "core/children.h"
#include "io/log.h"

#define CHUNK_MIN 65536

struct chunk {
	struct chunk *next;
	size_t len, used;
	_Alignas(16) uint8_t bytes[];
};

/* Half a step cannot be taken back: without memory this process ends, and the
 * next one restores what was committed. */
static void *
must(void *memory)
{
	if (memory != NULL)
		return memory;
	log_line(LOG_ERROR, "memory.out", NULL);
	_exit(EXIT_CODE_OUTSIDE);
}

struct pending *
pending_open(void)
{
	struct pending *p = must(mem_alloc(sizeof(*p)));

	p->puts_end = &p->puts;
	return p;
}

void
pending_free(struct pending *p)
{
	if (p == NULL)
		return;
	while (p->chunks != NULL) {
		struct chunk *next = p->chunks->next;

		mem_free(p->chunks);
		p->chunks = next;
	}
	mem_free(p->out);
	mem_free(p->seen);
	mem_free(p);
}

void *
pending_mem(struct pending *p, size_t len)
{
	size_t want = (len + 15) / 16 * 16;
	struct chunk *c = p->chunks;
	uint8_t *at;

	if (c == NULL || c->len - c->used < want) {
		size_t size = want > CHUNK_MIN ? want : CHUNK_MIN;

		c = must(mem_alloc(sizeof(*c) + size));
		c->len = size;
		c->next = p->chunks;
		p->chunks = c;
	}
	at = c->bytes + c->used;
	c->used += want;
	return at;
}

char *
pending_copy(struct pending *p, const void *bytes, size_t len)
{
	char *copy = pending_mem(p, len + 1);

	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

struct pending *
part_pending(struct part *part)
{
	if (part->pending == NULL)
		part->pending = pending_open();
	return part->pending;
}

static const void *
copied(struct pending *p, const void *bytes, size_t len)
{
	return bytes == NULL ? NULL : pending_copy(p, bytes, len);
}

static const struct kafka_header *
headers_copied(struct pending *p, const struct kafka_out *out)
{
	struct kafka_header *copy;

	if (out->headers_n == 0)
		return NULL;
	copy = pending_mem(p, out->headers_n * sizeof(*copy));
	for (size_t i = 0; i < out->headers_n; i++) {
		const struct kafka_header *h = &out->headers[i];

		copy[i] = (struct kafka_header){
		    .name = pending_copy(p, h->name, strlen(h->name)),
		    .value = copied(p, h->value, h->len),
		    .len = h->len,
		};
	}
	return copy;
}

void
pending_out(struct pending *p, const struct kafka_out *out)
{
	struct kafka_out *to;

	if (p->out_n == p->out_cap) {
		p->out_cap = p->out_cap == 0 ? 64 : p->out_cap * 2;
		p->out = must(mem_grow(p->out, p->out_cap * sizeof(*p->out)));
	}
	to = &p->out[p->out_n++];
	*to = *out;
	to->key = copied(p, out->key, out->key_len);
	to->value = copied(p, out->value, out->value_len);
	to->headers = headers_copied(p, out);
}

void
pending_seen(struct pending *p, const struct seen_entry *entry)
{
	struct writer w;

	if (p->seen_n == p->seen_cap) {
		p->seen_cap = p->seen_cap == 0 ? 64 : p->seen_cap * 2;
		p->seen = must(mem_grow(p->seen, p->seen_cap * SEEN_OCTETS));
	}
	writer_init(&w, p->seen + p->seen_n * SEEN_OCTETS, SEEN_OCTETS);
	writer_bytes(&w, entry->digest, SEEN_DIGEST);
	writer_u32(&w, entry->body_hash);
	writer_u8(&w, entry->kind);
	p->seen_n++;
}

struct status_put *
pending_put(struct pending *p)
{
	struct status_put *put = pending_mem(p, sizeof(*put));

	*put = (struct status_put){.ver = 0};
	*p->puts_end = put;
	p->puts_end = &put->next;
	return put;
}

static void
put_state(struct part *part, const char *key, size_t key_len,
    const struct writer *value)
{
	const struct kafka_out out = {
	    .topic = TOPIC_STATE,
	    .partition = part->p,
	    .key = key,
	    .key_len = key_len,
	    .value = value->buf,
	    .value_len = value->len,
	};

	pending_out(part_pending(part), &out);
}

static void
save_claim(
    struct part *part, struct open_claim *claim, const struct policy *policy)
{
	char org[ORG_MAX + 1], domain[DNAME_TEXT_MAX + 1];
	char key[RECORD_KEY_MAX + 1];
	uint8_t value[RECORD_MAX];
	struct writer w;

	part_key_split(claim->key, org, domain, NULL);
	writer_init(&w, value, sizeof(value));
	record_put_claim(&w, &claim->claim);
	put_state(part, key, record_claim_key(key, org, domain), &w);
	status_claim_put(part_pending(part), claim, policy)->urgent =
	    claim->urgent;
	claim->urgent = false;
}

static void
save_job(struct part *part, struct open_job *job)
{
	char key[RECORD_KEY_MAX + 1];
	uint8_t value[RECORD_MAX];
	struct step_who who;
	struct writer w;

	step_who_of(&who, job->key);
	writer_init(&w, value, sizeof(value));
	record_put_job(&w, &job->job);
	put_state(
	    part, key, record_job_key(key, who.org, who.domain, who.id), &w);
	status_open_put(part_pending(part), &who, &job->job)->urgent =
	    job->job.lane != LANE_BULK;
}

static void
save_seen(struct part *part)
{
	struct pending *p = part->pending;
	const struct kafka_out out = {
	    .topic = TOPIC_SEEN,
	    .partition = part->p,
	    .value = p->seen,
	    .value_len = p->seen_n * SEEN_OCTETS,
	};

	if (p->seen_n > 0)
		pending_out(p, &out);
}

/* A claim's record and that of its open job go together, so that whoever reads
 * the state topic from some transaction on has both or neither. A job that is
 * held back has no record yet. */
static void
pair_dirty(struct part *part)
{
	for (struct open_job *j = part->dirty_jobs; j != NULL;
	     j = j->next_dirty)
		step_dirty_claim(part, j->claim, j->job.lane);
	for (struct open_claim *c = part->dirty_claims; c != NULL;
	     c = c->next_dirty) {
		struct open_job *job = part_lasting(c);

		if (job != NULL && job->held_until == 0)
			step_dirty_job(part, job);
	}
}

/* Turns what is dirty into records; afterwards memory and pending agree. */
static void
save_dirty(struct part *part, const struct policy *policy)
{
	struct open_claim *claim;
	struct open_job *job;

	pair_dirty(part);
	claim = part->dirty_claims;
	job = part->dirty_jobs;
	part->dirty_claims = NULL;
	part->dirty_jobs = NULL;
	for (; claim != NULL; claim = claim->next_dirty) {
		claim->dirty = false;
		save_claim(part, claim, policy);
	}
	for (; job != NULL; job = job->next_dirty) {
		job->dirty = false;
		save_job(part, job);
	}
}

static bool
wants(const struct part *part, enum batch_scope scope, int64_t now_mono)
{
	if (part->in_batch)
		return false;
	if (part->touch || part->ripe_at <= now_mono)
		return true;
	if (scope == BATCH_DUE)
		return part_grace_due(part) <= now_mono;
	return part->pending != NULL || part->dirty_claims != NULL ||
	       part->dirty_jobs != NULL || part_grace_due(part) != INT64_MAX;
}

static void
take(struct batch *b, struct part *part, enum batch_scope scope,
    int64_t now_mono, const struct policy *policy)
{
	size_t i = b->parts_n++;
	struct kafka_touch *touch = &b->touched[i];

	for (int l = 0; l < LANE_N; l++)
		part_release_held(part, (enum lane)l,
		    scope == BATCH_ALL ? INT64_MAX : now_mono);
	part_pending(part);
	save_dirty(part, policy);
	save_seen(part);
	b->pendings[i] = part->pending;
	b->chain_from[i] = part->chained;
	part->pending = NULL;
	part->touch = false;
	part->ripe_at = INT64_MAX;
	part->in_batch = true;
	touch->partition = part->p;
	touch->epoch = part->epoch;
	for (int l = 0; l < LANE_N; l++)
		touch->next[l] = part_position(part, (enum lane)l);
}

static size_t
count_out(const struct batch *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->parts_n; i++)
		n += b->pendings[i]->out_n;
	return n;
}

/* One array of all records, in the order of the partitions. */
static void
gather(struct batch *b)
{
	size_t n = count_out(b), at = 0;
	struct kafka_out *all = must(mem_alloc((n + 1) * sizeof(*all)));

	for (size_t i = 0; i < b->parts_n; i++) {
		const struct pending *p = b->pendings[i];

		if (p->out_n > 0)
			memcpy(all + at, p->out, p->out_n * sizeof(*all));
		at += p->out_n;
	}
	b->kafka = (struct kafka_batch){
	    .touched_n = b->parts_n,
	    .touched = b->touched,
	    .out_n = n,
	    .out = all,
	};
}

/* Partitions with a step of the interactive lane first, then the others, each
 * time from another one on. */
static void
choose(struct batch *b, struct part *const *parts, size_t parts_n, size_t begin,
    enum batch_scope scope, int64_t now_mono, const struct policy *policy)
{
	unsigned steps = 0;

	for (size_t i = 0; i < 2 * parts_n; i++) {
		struct part *part = parts[(begin + i) % parts_n];
		bool urgent = part->pending != NULL && part->pending->urgent;

		if (b->parts_n == BATCH_PARTITIONS_MAX ||
		    steps >= BATCH_STEPS_MAX)
			break;
		if (!wants(part, scope, now_mono) || (i < parts_n && !urgent))
			continue;
		steps += part->pending == NULL ? 0 : part->pending->steps;
		take(b, part, scope, now_mono, policy);
	}
}

struct batch *
batch_take(struct part *const *parts, size_t parts_n, size_t begin,
    enum batch_scope scope, int64_t now_mono, const struct policy *policy)
{
	struct batch *b;

	for (size_t i = 0; i < parts_n; i++) {
		if (wants(parts[i], scope, now_mono))
			break;
		if (i + 1 == parts_n)
			return NULL;
	}
	if (parts_n == 0)
		return NULL;
	b = must(mem_alloc(sizeof(*b)));
	choose(b, parts, parts_n, begin, scope, now_mono, policy);
	gather(b);
	return b;
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->parts_n; i++)
		pending_free(b->pendings[i]);
	mem_free((void *)(uintptr_t)b->kafka.out);
	mem_free(b);
}
