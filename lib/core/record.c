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
#define FIELDS_MAX 2816
#define TAIL_MAX   (RECORD_MAX - FIELDS_MAX)
/* of what is kept in memory of its own: what a check saw, a job's ref */
#define TEXT_MAX     SAW_MAX
#define UNKNOWN_KIND 0xff /* in a job's end, of a kind that was not known */

_Static_assert(TEXT_MAX >= JOB_ID_MAX, "get_text");
_Static_assert(CODE_N <= UINT8_MAX, "struct job keeps codes in octets");

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

static enum next
no_memory(const char *what, struct err *e)
{
	err_set(e, "no memory for a %s record", what);
	return RETRY;
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
	if (*tail == NULL)
		return no_memory(what, e);
	memcpy(*tail, reader_bytes(r, left), left);
	*tail_len = (uint16_t)left;
	return OK;
}

/* A text into memory of its own: NULL if it is empty, or r is bad, or memory is
 * out (then *full). */
static char *
get_text(struct reader *r, size_t max, bool *full)
{
	char text[TEXT_MAX + 1];
	size_t len = reader_print(r, text, max + 1);
	char *kept = len == 0 ? NULL : mem_alloc(len + 1);

	if (kept != NULL)
		memcpy(kept, text, len + 1);
	*full = *full || (len > 0 && kept == NULL);
	return kept;
}

static void
put_text(struct writer *w, const char *text)
{
	writer_text(w, text == NULL ? "" : text);
}

/* Claims. Behind what the first version wrote, which knew of ownership alone:
 * a mask of the other checks that were looked at, and these; the functions;
 * the keys. */

static void
put_check(struct writer *w, const struct check_state *s)
{
	writer_i64(w, s->looked_at);
	writer_i64(w, s->undecided_since_at);
	writer_u32(w, s->misses);
	writer_i64(w, s->first_miss_at);
	writer_u8(w, (uint8_t)s->verdict);
	writer_u16(w, (uint16_t)s->code);
	writer_u8(w, (uint8_t)s->assurance);
	writer_u32(w, s->neg_ttl_s);
	put_text(w, s->saw);
}

/* As a claim keeps it. */
static int64_t
get_time(struct reader *r)
{
	int64_t at = reader_i64(r);

	if (at < 0 || at > CLAIM_TIME_MAX)
		r->bad = true;
	return r->bad ? 0 : at;
}

static void
get_check(struct reader *r, struct check_state *s, bool *full)
{
	s->looked_at = CLAIM_TIME(get_time(r));
	s->undecided_since_at = CLAIM_TIME(get_time(r));
	s->misses = reader_u32(r);
	s->first_miss_at = CLAIM_TIME(get_time(r));
	s->verdict = (enum verdict)get_u8_below(r, VERDICT_N);
	s->code = (enum code)get_u16_below(r, CODE_N);
	s->assurance = (enum assurance)get_u8_below(r, ASSURANCE_N);
	s->neg_ttl_s = reader_u32(r);
	s->saw = get_text(r, SAW_MAX, full);
}

static void
put_checks(struct writer *w, const struct claim *c)
{
	unsigned looked = 0;

	for (unsigned i = CHECK_SPF; i <= CHECK_DMARC; i++)
		if (c->check[i].looked_at != 0)
			looked |= 1u << i;
	writer_u8(w, (uint8_t)looked);
	for (unsigned i = CHECK_SPF; i <= CHECK_DMARC; i++)
		if ((looked & (1u << i)) != 0)
			put_check(w, &c->check[i]);
}

static void
get_checks(struct reader *r, struct claim *c, bool *full)
{
	unsigned looked = get_u8_below(r, 2u << CHECK_DMARC);

	r->bad = r->bad || (looked & (1u << CHECK_OWNERSHIP)) != 0;
	for (unsigned i = CHECK_SPF; i <= CHECK_DMARC && !r->bad; i++) {
		if ((looked & (1u << i)) == 0)
			continue;
		get_check(r, &c->check[i], full);
		r->bad = r->bad || c->check[i].looked_at == 0;
	}
}

static void
put_functions(struct writer *w, const struct claim *c)
{
	for (unsigned i = FUNCTION_SPF; i <= FUNCTION_DKIM; i++) {
		writer_u8(w, (uint8_t)c->function[i].status);
		writer_i64(w, c->function[i].since_at);
	}
}

static void
get_functions(struct reader *r, struct claim *c)
{
	for (unsigned i = FUNCTION_SPF; i <= FUNCTION_DKIM; i++) {
		c->function[i].status =
		    (enum function_status)get_u8_below(r, FUNCTION_STATUS_N);
		c->function[i].since_at = CLAIM_TIME(get_time(r));
	}
}

void
record_put_key(struct writer *w, const struct claim_key *k)
{
	writer_text(w, k->selector);
	writer_u8(w, (uint8_t)k->key.type);
	writer_u16(w, k->key.bits);
	writer_u16(w, k->key.len);
	writer_bytes(w, k->key.bytes, k->key.len);
}

void
record_get_key(struct reader *r, struct claim_key *k)
{
	const uint8_t *bytes;

	*k = (struct claim_key){.selector = ""};
	reader_print(r, k->selector, sizeof(k->selector));
	k->key.type = (enum dkim_type)get_u8_below(r, DKIM_ED25519 + 1);
	k->key.bits = reader_u16(r);
	k->key.len = (uint16_t)get_u16_below(r, DKIM_KEY_MAX + 1);
	bytes = reader_bytes(r, k->key.len);
	if (bytes != NULL)
		memcpy(k->key.bytes, bytes, k->key.len);
}

static void
put_keys(struct writer *w, const struct claim *c)
{
	writer_u8(w, c->keys_n);
	writer_bytes(w, c->keys, c->keys_len);
}

static void
get_keys(struct reader *r, struct claim *c, bool *full)
{
	unsigned n = get_u8_below(r, CLAIM_KEYS_MAX + 1);
	const uint8_t *first = r->p;
	struct claim_key k;
	size_t len;

	for (size_t i = 0; i < n && !r->bad; i++)
		record_get_key(r, &k);
	if (n == 0 || r->bad)
		return;
	len = (size_t)(r->p - first);
	c->keys = mem_alloc(len);
	if (c->keys == NULL) {
		*full = true;
		return;
	}
	memcpy(c->keys, first, len);
	c->keys_len = (uint16_t)len;
	c->keys_n = (uint8_t)n;
}

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
	put_check(w, &c->check[CHECK_OWNERSHIP]);
	put_checks(w, c);
	put_functions(w, c);
	put_keys(w, c);
	writer_bytes(w, c->tail, c->tail_len);
}

enum next
record_get_claim(
    struct claim *out, const void *bytes, size_t len, struct err *e)
{
	const uint8_t *token;
	struct reader r;
	bool full = false;
	enum next how;

	claim_init(out);
	begin(&r, bytes, len);
	out->ver = reader_u64(&r);
	out->generation = reader_u32(&r);
	token = reader_bytes(&r, sizeof(out->token));
	if (token != NULL)
		memcpy(out->token, token, sizeof(out->token));
	out->status = (enum claim_status)get_u8_below(&r, CLAIM_STATUS_N);
	out->flags = reader_u32(&r);
	out->since_at = reader_i64(&r);
	get_check(&r, &out->check[CHECK_OWNERSHIP], &full);
	if (r.left > 0) {
		get_checks(&r, out, &full);
		get_functions(&r, out);
		get_keys(&r, out, &full);
	}
	how = full ? no_memory("claim", e)
		   : keep_tail(&r, &out->tail, &out->tail_len, "claim", len, e);
	if (how != OK)
		claim_free(out);
	return how;
}

/* Jobs. Behind what the first version wrote, which looked at ownership alone:
 * what is to be switched on, what is settled, and the other checks' last
 * verdicts. */

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
	writer_u8(w, j->verdict[CHECK_OWNERSHIP]);
	writer_u16(w, j->code[CHECK_OWNERSHIP]);
	put_text(w, j->ref);
	writer_u8(w, j->then);
	writer_u8(w, j->passed);
	for (unsigned i = CHECK_SPF; i <= CHECK_DMARC; i++) {
		writer_u8(w, j->verdict[i]);
		writer_u16(w, j->code[i]);
	}
	writer_bytes(w, j->tail, j->tail_len);
}

static uint8_t
get_checks_asked(struct reader *r)
{
	uint32_t checks = reader_u32(r);

	if (checks >= 1u << CHECK_N)
		r->bad = true;
	return r->bad ? 0 : (uint8_t)checks;
}

static void
get_verdict(struct reader *r, struct job *j, unsigned check)
{
	j->verdict[check] = (uint8_t)get_u8_below(r, VERDICT_N);
	j->code[check] = (uint8_t)get_u16_below(r, CODE_N);
}

static void
get_job_more(struct reader *r, struct job *j)
{
	j->then = (uint8_t)get_u8_below(r, 2u << FUNCTION_DKIM);
	j->passed = (uint8_t)get_u8_below(r, 2u << CHECK_DMARC);
	for (unsigned i = CHECK_SPF; i <= CHECK_DMARC; i++)
		get_verdict(r, j, i);
	r->bad = r->bad || (j->passed & ~j->checks) != 0;
}

enum next
record_get_job(struct job *out, const void *bytes, size_t len, struct err *e)
{
	struct reader r;
	bool full = false;
	enum next how;

	*out = (struct job){.ver = 0};
	memset(out->verdict, VERDICT_UNDECIDED, sizeof(out->verdict));
	begin(&r, bytes, len);
	out->ver = reader_u64(&r);
	out->kind = (enum job_kind)get_u8_below(&r, JOB_KIND_N);
	out->lane = (enum lane)get_u8_below(&r, LANE_N);
	out->checks = get_checks_asked(&r);
	out->body_hash = reader_u32(&r);
	out->seed = reader_u32(&r);
	out->accepted_at = reader_i64(&r);
	out->deadline_at = reader_i64(&r);
	out->due_at = reader_i64(&r);
	out->looks = reader_u32(&r);
	get_verdict(&r, out, CHECK_OWNERSHIP);
	out->ref = get_text(&r, JOB_ID_MAX, &full);
	if (r.left > 0)
		get_job_more(&r, out);
	how = full ? no_memory("job", e)
		   : keep_tail(&r, &out->tail, &out->tail_len, "job", len, e);
	if (how != OK)
		job_free(out);
	return how;
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
	writer_text(w, pos->group);
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
	if (r.left > 0)
		reader_print(&r, out->group, sizeof(out->group));
	return r.bad ? refuse("position", len, e) : OK;
}

void
record_put_end(struct writer *w, const struct job_end *end)
{
	writer_u8(w, RECORD_VERSION);
	writer_u64(w, end->ver);
	writer_u8(
	    w, end->kind == JOB_KIND_N ? UNKNOWN_KIND : (uint8_t)end->kind);
	writer_u8(w, (uint8_t)end->outcome);
	writer_u16(w, (uint16_t)end->code);
	writer_u32(w, end->looks);
	writer_i64(w, end->accepted_at);
	writer_i64(w, end->deadline_at);
	writer_i64(w, end->settled_at);
	writer_text(w, end->joined);
	writer_text(w, end->ref);
}

/* A kind that was not known is told as JOB_KIND_N, whatever that is by then. */
static enum job_kind
get_kind(struct reader *r)
{
	if (r->left > 0 && r->p[0] == UNKNOWN_KIND) {
		reader_u8(r);
		return JOB_KIND_N;
	}
	return (enum job_kind)get_u8_below(r, JOB_KIND_N);
}

enum next
record_get_end(
    struct job_end *out, const void *bytes, size_t len, struct err *e)
{
	struct reader r;

	*out = (struct job_end){.ver = 0};
	begin(&r, bytes, len);
	out->ver = reader_u64(&r);
	out->kind = get_kind(&r);
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
