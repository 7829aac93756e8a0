/* SPDX-License-Identifier: Apache-2.0 */
/* A message is walked once from end to end before anything in it is believed
 * (survey); then the alias chain is followed, and the records at its end are
 * collected. All reading goes through a cursor with a sticky fault. */
#include "core/packet.h"

#include "core/bytes.h"
#include "core/txt.h"

#include <stdio.h>
#include <string.h>

#define HEADER_LEN     12
#define CLASS_IN       1
#define TYPE_OPT       41 /* RFC 6891 */
#define OPTION_EDE     15 /* RFC 8914 */
#define PREFERENCE_LEN 2  /* before an MX's name, RFC 1035 section 3.3.9 */
#define ALIASES_MAX    32 /* CNAME records in one answer, on the chain or not */
#define GLUE_MAX       64 /* what comes after is left aside */

enum { FLAG_QR = 0x8000, FLAG_AA = 0x0400, FLAG_TC = 0x0200, FLAG_RD = 0x0100 };
enum { FLAG_RA = 0x0080, FLAG_AD = 0x0020, FLAG_CD = 0x0010 };
enum { RCODE_NOERROR = 0, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3 };
enum { RCODE_REFUSED = 5, RCODE_MASK = 0xf, OPCODE_MASK = 0x7800 };

enum section { ANSWER, AUTHORITY, ADDITIONAL, SECTION_N };

struct scan {
	const uint8_t *msg;
	size_t len;
	size_t at;
	const char *why; /* the first fault, NULL = none */
};

struct record { /* of any type, as it lies in the message */
	struct dname owner;
	uint16_t type;
	uint16_t class;
	uint32_t ttl_s;
	size_t rdata; /* offset; all of rdata_len is inside the message */
	size_t rdata_len;
};

struct survey {
	unsigned count[SECTION_N]; /* as the header says */
	size_t at[SECTION_N];	   /* where the section begins */
	size_t alias_n;
	size_t alias_at[ALIASES_MAX];
	bool has_opt;
	bool ext_rcode; /* its upper bits are set: RFC 6891 section 6.1.3 */
};

/* Records of one owner and type in one section. */
struct hits {
	size_t n;
	size_t at[PACKET_RECORDS_MAX];
};

/* All that the functions below share about one answer. */
struct reading {
	struct scan scan;
	struct survey survey;
	const struct question *q;
	struct answer *out;
	struct arena *arena;
};

static void
fault(struct scan *s, const char *why)
{
	if (s->why == NULL)
		s->why = why;
}

static uint16_t
u16_at(const struct scan *s, size_t at)
{
	return (uint16_t)(s->msg[at] << 8 | s->msg[at + 1]);
}

static uint32_t
u32_at(const struct scan *s, size_t at)
{
	return (uint32_t)u16_at(s, at) << 16 | u16_at(s, at + 2);
}

/* RFC 2181 section 8: a TTL with its highest bit set is zero. */
static uint32_t
ttl_at(const struct scan *s, size_t at)
{
	uint32_t ttl_s = u32_at(s, at);

	return ttl_s > INT32_MAX ? 0 : ttl_s;
}

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Where the pointer at `at` leads: behind the header and strictly before the
 * run of labels that it ends, so that no chain of pointers can come back. */
static size_t
pointer(struct scan *s, size_t at, size_t run)
{
	size_t to = 0;

	if (s->len - at < 2) {
		fault(s, "pointer past the end");
		return 0;
	}
	to = u16_at(s, at) & 0x3fffu;
	if (to < HEADER_LEN)
		fault(s, "pointer into the header");
	else if (to >= run)
		fault(s, "pointer not backwards");
	return to;
}

static void
label(struct scan *s, size_t at, struct dname *out)
{
	size_t len = 1u + s->msg[at];

	if (s->msg[at] > DNAME_LABEL_MAX)
		fault(s, "unknown label type");
	else if (len > s->len - at)
		fault(s, "label past the end");
	else if (out->len + len > DNAME_WIRE_MAX)
		fault(s, "name too long");
	if (s->why != NULL)
		return;
	memcpy(out->wire + out->len, s->msg + at, len);
	out->len = (uint8_t)(out->len + len);
}

/* The name at s->at, whose end s->at then is. */
static void
name_read(struct scan *s, struct dname *out)
{
	size_t at = s->at, run = at;
	unsigned hops = 0;

	out->len = 0;
	while (s->why == NULL && at < s->len) {
		if (s->msg[at] >= 0xc0) {
			if (hops == 0)
				s->at = at + 2;
			if (++hops > PACKET_HOPS_MAX)
				fault(s, "too many pointers");
			at = run = pointer(s, at, run);
			continue;
		}
		label(s, at, out);
		if (s->why == NULL && s->msg[at] == 0) {
			if (hops == 0)
				s->at = at + 1;
			return;
		}
		at += 1u + s->msg[at];
	}
	fault(s, "name past the end");
}

/* The record at s->at, whose end s->at then is. */
static void
record_read(struct scan *s, struct record *out)
{
	name_read(s, &out->owner);
	if (s->why != NULL)
		return;
	if (s->len - s->at < 10) {
		fault(s, "record past the end");
		return;
	}
	out->type = u16_at(s, s->at);
	out->class = u16_at(s, s->at + 2);
	out->ttl_s = ttl_at(s, s->at + 4);
	out->rdata_len = u16_at(s, s->at + 8);
	out->rdata = s->at + 10;
	if (out->rdata_len > s->len - out->rdata)
		fault(s, "data past the end");
	else
		s->at = out->rdata + out->rdata_len;
}

/* The record that begins at `at`, which the survey has walked over. */
static void
record_at(const struct scan *s, size_t at, struct record *out)
{
	struct scan there = *s;

	there.at = at;
	record_read(&there, out);
}

/* The name at offset skip of the data; yields the offset behind it, which
 * never lies past the data. */
static size_t
data_name(
    struct scan *s, const struct record *r, size_t skip, struct dname *out)
{
	struct scan there = *s;
	size_t end = r->rdata + r->rdata_len;

	there.at = r->rdata + skip;
	name_read(&there, out);
	if (there.why == NULL && there.at > end)
		there.why = "name longer than its data";
	if (there.why != NULL) {
		fault(s, there.why);
		return 0;
	}
	return there.at - r->rdata;
}

static void
header_read(struct reading *r, uint16_t id)
{
	struct scan *s = &r->scan;
	struct answer *out = r->out;
	unsigned flags;

	if (s->len < HEADER_LEN) {
		fault(s, "short header");
		return;
	}
	flags = u16_at(s, 2);
	if (u16_at(s, 0) != id)
		fault(s, "other id");
	else if ((flags & FLAG_QR) == 0)
		fault(s, "not a response");
	else if ((flags & OPCODE_MASK) != 0)
		fault(s, "other opcode");
	out->rcode = flags & RCODE_MASK;
	out->aa = (flags & FLAG_AA) != 0;
	out->tc = (flags & FLAG_TC) != 0;
	out->ra = (flags & FLAG_RA) != 0;
	out->ad = (flags & FLAG_AD) != 0;
	for (unsigned i = 0; i < SECTION_N; i++)
		r->survey.count[i] = u16_at(s, 6 + 2 * i);
	s->at = HEADER_LEN;
}

/* Servers that could not read the query answer without a question. */
static bool
bare_error(const struct reading *r)
{
	return u16_at(&r->scan, 4) == 0 && r->out->rcode != RCODE_NOERROR &&
	       r->out->rcode != RCODE_NXDOMAIN &&
	       r->survey.count[ANSWER] == 0 && r->survey.count[AUTHORITY] == 0;
}

static void
question_read(struct reading *r)
{
	struct scan *s = &r->scan;
	struct dname name;

	if (s->why != NULL || bare_error(r))
		return;
	if (u16_at(s, 4) != 1) {
		fault(s, "not one question");
		return;
	}
	name_read(s, &name);
	if (s->why != NULL)
		return;
	if (s->len - s->at < 4)
		fault(s, "question past the end");
	else if (!dname_equal(&name, &r->q->name))
		fault(s, "other question: name");
	else if (u16_at(s, s->at) != r->q->type)
		fault(s, "other question: type");
	else if (u16_at(s, s->at + 2) != CLASS_IN)
		fault(s, "other question: class");
	s->at += 4;
}

/* RFC 8914: the first extended error's code. */
static void
options_read(struct reading *r, const struct record *opt)
{
	struct scan *s = &r->scan;
	size_t at = opt->rdata, end = opt->rdata + opt->rdata_len;

	while (end - at >= 4) {
		size_t len = u16_at(s, at + 2);

		if (len > end - at - 4)
			break;
		if (u16_at(s, at) == OPTION_EDE && len >= 2 &&
		    !r->out->has_ede) {
			r->out->has_ede = true;
			r->out->ede = u16_at(s, at + 4);
		}
		at += 4 + len;
	}
	if (at != end)
		fault(s, "bad option");
}

static void
opt_read(struct reading *r, const struct record *opt, size_t at)
{
	struct survey *v = &r->survey;

	if (v->has_opt || opt->owner.len != 1) {
		fault(&r->scan, "bad OPT");
		return;
	}
	v->has_opt = true;
	/* where other records have their TTL: root owner, type, class */
	v->ext_rcode = r->scan.msg[at + 5] != 0;
	options_read(r, opt);
}

static void
note_alias(struct reading *r, size_t at)
{
	struct survey *v = &r->survey;

	if (v->alias_n == ALIASES_MAX)
		fault(&r->scan, "too many CNAME records");
	else
		v->alias_at[v->alias_n++] = at;
}

static void
survey_section(struct reading *r, enum section section)
{
	struct scan *s = &r->scan;
	struct survey *v = &r->survey;
	struct record rec;

	v->at[section] = s->at;
	for (unsigned i = 0; i < v->count[section] && s->why == NULL; i++) {
		size_t at = s->at;

		record_read(s, &rec);
		if (s->why != NULL)
			return;
		if (section == ADDITIONAL && rec.type == TYPE_OPT)
			opt_read(r, &rec, at);
		if (section == ANSWER && rec.type == RRTYPE_CNAME &&
		    rec.class == CLASS_IN)
			note_alias(r, at);
	}
}

/* Names are read into 256 octets each: an arena's worth for a few packets. */
static size_t
records_max(uint16_t type)
{
	switch (type) {
	case RRTYPE_TXT:
	case RRTYPE_A:
	case RRTYPE_AAAA:
		return PACKET_RECORDS_MAX;
	}
	return PACKET_NAMES_MAX;
}

/* Where one owner's records of one type are in a section. */
static void
collect(struct reading *r, enum section section, uint16_t type,
    const struct dname *owner, struct hits *out)
{
	struct scan walk = r->scan;
	struct record rec;

	out->n = 0;
	walk.at = r->survey.at[section];
	for (unsigned i = 0; i < r->survey.count[section]; i++) {
		size_t at = walk.at;

		record_read(&walk, &rec);
		if (rec.type != type || rec.class != CLASS_IN ||
		    !dname_equal(&rec.owner, owner))
			continue;
		if (out->n == records_max(type)) {
			/* of these nobody wants more (RFC 7208 4.6.4) */
			if (type != RRTYPE_MX && type != RRTYPE_PTR)
				fault(&r->scan, "too many records");
			return;
		}
		out->at[out->n++] = at;
	}
}

/* n of size octets, cleared; NULL for none, or with a fault when full. */
static void *
take(struct reading *r, size_t n, size_t size)
{
	void *p;

	if (n == 0 || r->scan.why != NULL)
		return NULL;
	p = arena_alloc(r->arena, n * size);
	if (p == NULL)
		fault(&r->scan, "too large");
	else
		memset(p, 0, n * size);
	return p;
}

/* The target of owner's alias; false when it has none. */
static bool
alias_of(struct reading *r, const struct dname *owner, struct dname *target)
{
	struct scan *s = &r->scan;
	bool found = false;

	for (size_t i = 0; i < r->survey.alias_n && s->why == NULL; i++) {
		struct record rec;
		struct dname to;

		record_at(s, r->survey.alias_at[i], &rec);
		if (!dname_equal(&rec.owner, owner))
			continue;
		if (data_name(s, &rec, 0, &to) != rec.rdata_len)
			fault(s, "bad CNAME data");
		if (found && !dname_equal(&to, target))
			fault(s, "two CNAME records for one name");
		*target = to;
		found = true;
		r->out->ttl_s = least(r->out->ttl_s, rec.ttl_s);
	}
	return found && s->why == NULL;
}

static bool
been_at(const struct reading *r, const struct dname *chain, unsigned n,
    const struct dname *name)
{
	for (unsigned i = 0; i < n; i++) {
		if (dname_equal(&chain[i], name))
			return true;
	}
	return dname_equal(&r->q->name, name);
}

static void
chain_fault(struct reading *r, const char *why)
{
	r->out->chain_bad = true;
	fault(&r->scan, why);
}

/* Follows the aliases from the question's name; *end is where they end. */
static void
follow(struct reading *r, struct dname *end)
{
	struct dname chain[PACKET_CHAIN_MAX];
	struct dname target = {.len = 0};
	unsigned n = 0;

	*end = r->q->name;
	if (r->q->type == RRTYPE_CNAME)
		return;
	while (r->scan.why == NULL && alias_of(r, end, &target)) {
		if (been_at(r, chain, n, &target))
			chain_fault(r, "CNAME loop");
		else if (n == PACKET_CHAIN_MAX)
			chain_fault(r, "CNAME chain too long");
		else
			chain[n++] = target;
		*end = target;
	}
	r->out->chain = take(r, n, sizeof(chain[0]));
	if (r->out->chain == NULL)
		return;
	memcpy(r->out->chain, chain, n * sizeof(chain[0]));
	r->out->chain_n = (uint8_t)n;
}

static void
fill_txt(struct reading *r, const struct record *rec, struct packet_txt *out)
{
	const uint8_t *data = r->scan.msg + rec->rdata;
	uint8_t *bytes = arena_alloc(r->arena, rec->rdata_len);

	if (bytes == NULL) {
		fault(&r->scan, "too large");
		return;
	}
	if (!txt_join(data, rec->rdata_len, bytes, rec->rdata_len, &out->len))
		fault(&r->scan, "bad TXT data");
	else if (out->len > PACKET_TXT_MAX)
		fault(&r->scan, "TXT too long");
	out->bytes = bytes;
	out->nul = memchr(bytes, 0, out->len) != NULL;
}

static void
fill_addr(struct reading *r, const struct record *rec, struct packet_addr *out)
{
	size_t len = rec->type == RRTYPE_A ? 4 : 16;

	if (rec->rdata_len != len) {
		fault(&r->scan, "bad address data");
		return;
	}
	out->family = rec->type == RRTYPE_A ? 4 : 6;
	memcpy(out->octets, r->scan.msg + rec->rdata, len);
}

static void
fill_name(struct reading *r, const struct record *rec, struct dname *out)
{
	size_t skip = rec->type == RRTYPE_MX ? PREFERENCE_LEN : 0;

	if (data_name(&r->scan, rec, skip, out) != rec->rdata_len)
		fault(&r->scan, "bad name data");
}

static void
fill_soa(struct reading *r, const struct record *rec)
{
	struct scan *s = &r->scan;
	struct dname skipped;
	size_t at = data_name(s, rec, 0, &skipped);

	if (s->why == NULL)
		at = data_name(s, rec, at, &skipped);
	if (s->why != NULL || rec->rdata_len - at != 20) {
		fault(s, "bad SOA data");
		return;
	}
	r->out->has_soa = true;
	r->out->soa_owner = rec->owner;
	r->out->soa_serial = u32_at(s, rec->rdata + at);
	r->out->neg_ttl_s = least(rec->ttl_s, ttl_at(s, rec->rdata + at + 16));
}

static void
fill_one(struct reading *r, const struct record *rec, size_t i)
{
	switch (rec->type) {
	case RRTYPE_TXT:
		fill_txt(r, rec, &r->out->txt[i]);
		break;
	case RRTYPE_A:
	case RRTYPE_AAAA:
		fill_addr(r, rec, &r->out->addr[i]);
		break;
	case RRTYPE_NS:
	case RRTYPE_CNAME:
	case RRTYPE_PTR:
	case RRTYPE_MX:
		fill_name(r, rec, &r->out->names[i]);
		break;
	case RRTYPE_SOA:
		fill_soa(r, rec);
		break;
	}
}

/* Room for n records of the type; types without an array need none. */
static void
take_array(struct reading *r, size_t n)
{
	struct answer *out = r->out;

	switch (r->q->type) {
	case RRTYPE_TXT:
		out->txt = take(r, n, sizeof(out->txt[0]));
		break;
	case RRTYPE_A:
	case RRTYPE_AAAA:
		out->addr = take(r, n, sizeof(out->addr[0]));
		break;
	case RRTYPE_NS:
	case RRTYPE_CNAME:
	case RRTYPE_PTR:
	case RRTYPE_MX:
		out->names = take(r, n, sizeof(out->names[0]));
		break;
	}
}

/* The records asked for, at the end of the chain. */
static void
records_read(struct reading *r, const struct dname *end)
{
	struct hits hits;

	collect(r, ANSWER, r->q->type, end, &hits);
	take_array(r, hits.n);
	for (size_t i = 0; i < hits.n && r->scan.why == NULL; i++) {
		struct record rec;

		record_at(&r->scan, hits.at[i], &rec);
		r->out->ttl_s = least(r->out->ttl_s, rec.ttl_s);
		fill_one(r, &rec, i);
	}
	r->out->n = hits.n;
}

/* The first authority record of the type whose owner is name or above it. */
static bool
authority_for(struct reading *r, uint16_t type, const struct dname *name,
    struct record *out)
{
	struct scan walk = r->scan;

	walk.at = r->survey.at[AUTHORITY];
	for (unsigned i = 0; i < r->survey.count[AUTHORITY]; i++) {
		record_read(&walk, out);
		if (out->type == type && out->class == CLASS_IN &&
		    dname_within(name, &out->owner))
			return true;
	}
	return false;
}

static bool
is_server(const struct answer *out, const struct dname *name)
{
	for (size_t i = 0; i < out->ns_n; i++) {
		if (dname_equal(&out->ns[i], name))
			return true;
	}
	return false;
}

/* Offsets of the addresses of the cut's servers. */
static void
glue_find(struct reading *r, struct hits *out)
{
	struct scan walk = r->scan;
	struct record rec;

	out->n = 0;
	walk.at = r->survey.at[ADDITIONAL];
	for (unsigned i = 0; i < r->survey.count[ADDITIONAL]; i++) {
		size_t at = walk.at;

		record_read(&walk, &rec);
		if ((rec.type != RRTYPE_A && rec.type != RRTYPE_AAAA) ||
		    rec.class != CLASS_IN || !is_server(r->out, &rec.owner))
			continue;
		if (out->n == GLUE_MAX)
			return;
		out->at[out->n++] = at;
	}
}

static void
glue_read(struct reading *r)
{
	struct answer *out = r->out;
	struct hits hits;

	glue_find(r, &hits);
	out->glue = take(r, hits.n, sizeof(out->glue[0]));
	for (size_t i = 0; i < hits.n && r->scan.why == NULL; i++) {
		struct record rec;

		record_at(&r->scan, hits.at[i], &rec);
		out->glue[i].owner = rec.owner;
		fill_addr(r, &rec, &out->glue[i].addr);
	}
	out->glue_n = hits.n;
}

static void
servers_read(struct reading *r)
{
	struct answer *out = r->out;
	struct hits hits;

	collect(r, AUTHORITY, RRTYPE_NS, &out->cut, &hits);
	out->ns = take(r, hits.n, sizeof(out->ns[0]));
	for (size_t i = 0; i < hits.n && r->scan.why == NULL; i++) {
		struct record rec;

		record_at(&r->scan, hits.at[i], &rec);
		out->ttl_s = least(out->ttl_s, rec.ttl_s);
		fill_name(r, &rec, &out->ns[i]);
	}
	out->ns_n = hits.n;
	if (r->scan.why == NULL)
		glue_read(r);
}

/* No record of the type came, and the answer says NOERROR. */
static enum outcome
judge_empty(struct reading *r)
{
	struct answer *out = r->out;
	struct record ns;

	if (out->aa || out->chain_n > 0)
		return OUTCOME_NODATA;
	if (!out->has_soa && r->survey.count[ANSWER] == 0 &&
	    authority_for(r, RRTYPE_NS, &r->q->name, &ns)) {
		out->cut = ns.owner;
		servers_read(r);
		return OUTCOME_REFERRAL;
	}
	return out->ra ? OUTCOME_NODATA : OUTCOME_LAME;
}

static enum outcome
judge_answer(struct reading *r)
{
	struct answer *out = r->out;
	struct record soa;
	struct dname end;

	out->ttl_s = UINT32_MAX;
	follow(r, &end);
	if (r->scan.why != NULL)
		return OUTCOME_MALFORMED;
	records_read(r, &end);
	if (out->n > 0 && out->rcode == RCODE_NXDOMAIN)
		fault(&r->scan, "NXDOMAIN with records");
	if (out->n > 0)
		return OUTCOME_RECORDS;
	if (authority_for(r, RRTYPE_SOA, &end, &soa))
		fill_soa(r, &soa);
	if (out->rcode == RCODE_NXDOMAIN)
		return OUTCOME_NXDOMAIN;
	return judge_empty(r);
}

static enum outcome
judge(struct reading *r)
{
	if (r->survey.ext_rcode)
		return OUTCOME_RCODE;
	switch (r->out->rcode) {
	case RCODE_NOERROR:
	case RCODE_NXDOMAIN:
		return judge_answer(r);
	case RCODE_SERVFAIL:
		return OUTCOME_SERVFAIL;
	case RCODE_REFUSED:
		return OUTCOME_REFUSED;
	}
	return OUTCOME_RCODE;
}

void
packet_read(struct answer *out, const uint8_t *bytes, size_t len, uint16_t id,
    const struct question *q, struct arena *a)
{
	struct reading r = {
	    .scan = {.msg = bytes, .len = len}, .q = q, .out = out, .arena = a};

	*out = (struct answer){.outcome = OUTCOME_MALFORMED};
	header_read(&r, id);
	question_read(&r);
	if (r.scan.why == NULL && out->tc)
		fault(&r.scan, "truncated");
	for (unsigned i = 0; i < SECTION_N && r.scan.why == NULL; i++)
		survey_section(&r, (enum section)i);
	if (r.scan.why == NULL)
		out->outcome = judge(&r);
	if (out->ttl_s == UINT32_MAX)
		out->ttl_s = 0;
	if (r.scan.why == NULL)
		return;
	*out = (struct answer){.outcome = OUTCOME_MALFORMED,
	    .why = r.scan.why,
	    .rcode = out->rcode,
	    .tc = out->tc,
	    .chain_bad = out->chain_bad};
}

size_t
packet_query(uint8_t *out, uint16_t id, const struct question *q)
{
	unsigned flags = FLAG_AD;
	struct writer w;

	if ((q->flags & QUESTION_RD) != 0)
		flags |= FLAG_RD;
	if ((q->flags & QUESTION_CD) != 0)
		flags |= FLAG_CD;
	writer_init(&w, out, PACKET_QUERY_MAX);
	writer_u16(&w, id);
	writer_u16(&w, (uint16_t)flags);
	writer_u16(&w, 1); /* question */
	writer_u32(&w, 0);
	writer_u16(&w, 1); /* additional: OPT */
	writer_bytes(&w, q->name.wire, q->name.len);
	writer_u16(&w, q->type);
	writer_u16(&w, CLASS_IN);
	writer_u8(&w, 0); /* root */
	writer_u16(&w, TYPE_OPT);
	writer_u16(&w, PACKET_UDP_SIZE);
	writer_u32(&w, 0); /* extended rcode, version 0, no DO */
	writer_u16(&w, 0);
	return w.len;
}

const char *
outcome_name(enum outcome o)
{
	static const char *const name[] = {
	    [OUTCOME_RECORDS] = "records",
	    [OUTCOME_NODATA] = "nodata",
	    [OUTCOME_NXDOMAIN] = "nxdomain",
	    [OUTCOME_REFERRAL] = "referral",
	    [OUTCOME_SERVFAIL] = "servfail",
	    [OUTCOME_REFUSED] = "refused",
	    [OUTCOME_RCODE] = "rcode",
	    [OUTCOME_LAME] = "lame",
	    [OUTCOME_TIMEOUT] = "timeout",
	    [OUTCOME_MALFORMED] = "malformed",
	};

	return name[o];
}
