/* SPDX-License-Identifier: Apache-2.0 */
/* How to change a record: append the new field behind the last one of its
 * put, get it only while octets are left (older records end sooner), raise
 * nothing, and add a golden file. RECORD_VERSION is raised only by a change
 * that an older reader must not touch. */
#include "core/record.h"

#include "core/mem.h"

#include <stdio.h>
#include <string.h>

/* What later versions may append: together with our own fields, whose text
 * may grow from one writing to the next, it must fit into RECORD_MAX. */
#define FIELDS_MAX 256
#define TAIL_MAX   (RECORD_MAX - FIELDS_MAX)

/* Keys */

size_t
record_claim_key(char *out, const char *org, const char *domain)
{
	return (size_t)snprintf(
	    out, RECORD_KEY_MAX + 1, "claim/%s/%s", org, domain);
}

size_t
record_job_key(char *out, const char *org, const char *domain, const char *id)
{
	return (size_t)snprintf(
	    out, RECORD_KEY_MAX + 1, "job/%s/%s/%s", org, domain, id);
}

struct parts {
	const char *at;
	size_t left;
	bool bad;
};

/* The next part up to a '/' or the end: 1 to cap - 1 printable octets. */
static void
take_part(struct parts *p, char *out, size_t cap)
{
	const char *slash = memchr(p->at, '/', p->left);
	size_t len = slash == NULL ? p->left : (size_t)(slash - p->at);

	out[0] = '\0';
	p->bad = p->bad || len == 0 || len >= cap;
	for (size_t i = 0; i < len && !p->bad; i++)
		p->bad = p->at[i] <= 0x20 || p->at[i] >= 0x7f;
	if (p->bad)
		return;
	memcpy(out, p->at, len);
	out[len] = '\0';
	p->at += len;
	p->left -= len;
	if (p->left > 0) {
		p->at++;
		p->left--;
		/* a '/' must be followed by something */
		p->bad = p->left == 0;
	}
}

static bool
starts(struct parts *p, const char *with)
{
	size_t len = strlen(with);

	if (p->left <= len || memcmp(p->at, with, len) != 0)
		return false;
	p->at += len;
	p->left -= len;
	return true;
}

void
record_key_parse(struct record_key *out, const void *key, size_t len)
{
	struct parts p = {.at = key, .left = len};

	*out = (struct record_key){.kind = RECORD_UNKNOWN};
	if (len == 3 && memcmp(key, "pos", 3) == 0) {
		out->kind = RECORD_POS;
		return;
	}
	if (starts(&p, "claim/"))
		out->kind = RECORD_CLAIM;
	else if (starts(&p, "job/"))
		out->kind = RECORD_JOB;
	else
		return;
	take_part(&p, out->org, sizeof(out->org));
	take_part(&p, out->domain, sizeof(out->domain));
	if (out->kind == RECORD_JOB)
		take_part(&p, out->id, sizeof(out->id));
	if (p.bad || p.left > 0)
		*out = (struct record_key){.kind = RECORD_UNKNOWN};
}

/* Pieces */

static unsigned
get_u8_below(struct reader *r, unsigned n)
{
	unsigned v = reader_u8(r);

	if (v >= n)
		r->bad = true;
	return r->bad ? 0 : v;
}

static unsigned
get_u16_below(struct reader *r, unsigned n)
{
	unsigned v = reader_u16(r);

	if (v >= n)
		r->bad = true;
	return r->bad ? 0 : v;
}

static enum next
refuse(const char *what, size_t len, struct err *e)
{
	err_set(e,
	    "%s record of %zu octets cannot be read: damaged, or written by "
	    "a newer version",
	    what, len);
	return REJECT;
}

/* The version octet; anything else than ours makes r bad. */
static void
begin(struct reader *r, const void *bytes, size_t len)
{
	reader_init(r, bytes, len);
	if (reader_u8(r) != RECORD_VERSION || len > RECORD_MAX)
		r->bad = true;
}

/* Keeps what is left of a record whose own fields were read. */
static enum next
keep_tail(struct reader *r, uint8_t **tail, uint16_t *tail_len,
    const char *what, size_t len, struct err *e)
{
	size_t left = r->left;

	*tail = NULL;
	*tail_len = 0;
	if (r->bad || left > TAIL_MAX)
		return refuse(what, len, e);
	if (left == 0)
		return OK;
	*tail = mem_alloc(left);
	if (*tail == NULL) {
		err_set(e, "no memory for a %s record", what);
		return RETRY;
	}
	memcpy(*tail, reader_bytes(r, left), left);
	*tail_len = (uint16_t)left;
	return OK;
}

/* Claims */

void
record_put_claim(struct writer *w, const struct claim *c)
{
	writer_u8(w, RECORD_VERSION);
	writer_u64(w, c->ver);
	writer_u32(w, c->generation);
	writer_bytes(w, c->token, sizeof(c->token));
	writer_u8(w, (uint8_t)c->status);
	writer_u32(w, c->flags);
	writer_i64(w, c->since_at);
	writer_i64(w, c->looked_at);
	writer_i64(w, c->undecided_since_at);
	writer_u32(w, c->misses);
	writer_i64(w, c->first_miss_at);
	writer_u8(w, (uint8_t)c->verdict);
	writer_u16(w, (uint16_t)c->code);
	writer_u8(w, (uint8_t)c->assurance);
	writer_u32(w, c->neg_ttl_s);
	writer_text(w, c->saw);
	writer_bytes(w, c->tail, c->tail_len);
}

enum next
record_get_claim(
    struct claim *out, const void *bytes, size_t len, struct err *e)
{
	const uint8_t *token;
	struct reader r;

	*out = (struct claim){.ver = 0};
	begin(&r, bytes, len);
	out->ver = reader_u64(&r);
	out->generation = reader_u32(&r);
	token = reader_bytes(&r, sizeof(out->token));
	if (token != NULL)
		memcpy(out->token, token, sizeof(out->token));
	out->status = (enum claim_status)get_u8_below(&r, CLAIM_STATUS_N);
	out->flags = reader_u32(&r);
	out->since_at = reader_i64(&r);
	out->looked_at = reader_i64(&r);
	out->undecided_since_at = reader_i64(&r);
	out->misses = reader_u32(&r);
	out->first_miss_at = reader_i64(&r);
	out->verdict = (enum verdict)get_u8_below(&r, VERDICT_N);
	out->code = (enum code)get_u16_below(&r, CODE_N);
	out->assurance = (enum assurance)get_u8_below(&r, ASSURANCE_N);
	out->neg_ttl_s = reader_u32(&r);
	reader_print(&r, out->saw, sizeof(out->saw));
	return keep_tail(&r, &out->tail, &out->tail_len, "claim", len, e);
}

void
record_claim_free(struct claim *c)
{
	mem_free(c->tail);
	c->tail = NULL;
	c->tail_len = 0;
}

/* Jobs */

void
record_put_job(struct writer *w, const struct job *j)
{
	writer_u8(w, RECORD_VERSION);
	writer_u64(w, j->ver);
	writer_u8(w, (uint8_t)j->kind);
	writer_u8(w, (uint8_t)j->lane);
	writer_u32(w, j->checks);
	writer_u32(w, j->body_hash);
	writer_u32(w, j->seed);
	writer_i64(w, j->accepted_at);
	writer_i64(w, j->deadline_at);
	writer_i64(w, j->due_at);
	writer_u32(w, j->looks);
	writer_u8(w, (uint8_t)j->verdict);
	writer_u16(w, (uint16_t)j->code);
	writer_text(w, j->ref);
	writer_bytes(w, j->tail, j->tail_len);
}

enum next
record_get_job(struct job *out, const void *bytes, size_t len, struct err *e)
{
	struct reader r;

	*out = (struct job){.ver = 0};
	begin(&r, bytes, len);
	out->ver = reader_u64(&r);
	out->kind = (enum job_kind)get_u8_below(&r, JOB_KIND_N);
	out->lane = (enum lane)get_u8_below(&r, LANE_N);
	out->checks = reader_u32(&r);
	out->body_hash = reader_u32(&r);
	out->seed = reader_u32(&r);
	out->accepted_at = reader_i64(&r);
	out->deadline_at = reader_i64(&r);
	out->due_at = reader_i64(&r);
	out->looks = reader_u32(&r);
	out->verdict = (enum verdict)get_u8_below(&r, VERDICT_N);
	out->code = (enum code)get_u16_below(&r, CODE_N);
	reader_print(&r, out->ref, sizeof(out->ref));
	return keep_tail(&r, &out->tail, &out->tail_len, "job", len, e);
}

void
record_job_free(struct job *j)
{
	mem_free(j->tail);
	j->tail = NULL;
	j->tail_len = 0;
}

/* Positions and ends: what later versions append is not kept, for these are
 * written anew as a whole. */

void
record_put_pos(struct writer *w, const struct record_pos *pos)
{
	writer_u8(w, RECORD_VERSION);
	writer_u32(w, (uint32_t)pos->partitions);
	for (size_t i = 0; i < LANE_N; i++)
		writer_i64(w, pos->next[i]);
}

enum next
record_get_pos(
    struct record_pos *out, const void *bytes, size_t len, struct err *e)
{
	uint32_t partitions;
	struct reader r;

	*out = (struct record_pos){.partitions = 0};
	begin(&r, bytes, len);
	partitions = reader_u32(&r);
	out->partitions = (int32_t)(partitions & INT32_MAX);
	r.bad = r.bad || partitions == 0 || partitions > INT32_MAX;
	for (size_t i = 0; i < LANE_N; i++) {
		out->next[i] = reader_i64(&r);
		r.bad = r.bad || out->next[i] < -1;
	}
	return r.bad ? refuse("position", len, e) : OK;
}

void
record_put_end(struct writer *w, const struct job_end *end)
{
	writer_u8(w, RECORD_VERSION);
	writer_u64(w, end->ver);
	writer_u8(w, (uint8_t)end->kind);
	writer_u8(w, (uint8_t)end->outcome);
	writer_u16(w, (uint16_t)end->code);
	writer_u32(w, end->looks);
	writer_i64(w, end->accepted_at);
	writer_i64(w, end->deadline_at);
	writer_i64(w, end->settled_at);
	writer_text(w, end->joined);
	writer_text(w, end->ref);
}

enum next
record_get_end(
    struct job_end *out, const void *bytes, size_t len, struct err *e)
{
	struct reader r;

	*out = (struct job_end){.ver = 0};
	begin(&r, bytes, len);
	out->ver = reader_u64(&r);
	/* JOB_KIND_N: of a kind that was not known */
	out->kind = (enum job_kind)get_u8_below(&r, JOB_KIND_N + 1);
	out->outcome = (enum job_outcome)get_u8_below(&r, END_N);
	out->code = (enum code)get_u16_below(&r, CODE_N);
	out->looks = reader_u32(&r);
	out->accepted_at = reader_i64(&r);
	out->deadline_at = reader_i64(&r);
	out->settled_at = reader_i64(&r);
	reader_print(&r, out->joined, sizeof(out->joined));
	reader_print(&r, out->ref, sizeof(out->ref));
	return r.bad ? refuse("job end", len, e) : OK;
}
