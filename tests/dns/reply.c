/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/dns/reply.h"

#include "core/bytes.h"

#include <string.h>

#define HEADER	    12
#define OPT_TYPE    41
#define OPTION_EDE  15
#define TYPE_NULL   10
#define FLAG_QR	    0x8000
#define FLAG_AA	    0x0400
#define FLAG_TC	    0x0200
#define FLAG_RD	    0x0100
#define PLAIN_SIZE  512 /* over UDP without EDNS */
#define COUNTER	    "####"
#define COUNTER_LEN 4

/* All that the steps of one packet have said so far. */
struct making {
	struct writer w;
	const struct query *q;
	struct reply *out;
	int64_t counts[4]; /* -1 = as many as there are */
	unsigned written[4];
	unsigned section;
	uint32_t ttl_s;
	uint16_t class;
	const struct step *owner;
	int64_t rdlength, many, hops;
	unsigned flags;
	uint16_t id;
	bool edns, whole;
	const struct step *ede;
};

/* --- queries -------------------------------------------------------------- */

static void
opt_find(struct query *out, const uint8_t *bytes, size_t len, size_t at)
{
	if (len - at < 11 || bytes[at] != 0 || bytes[at + 1] != 0 ||
	    bytes[at + 2] != OPT_TYPE)
		return;
	out->edns_size = (uint16_t)(bytes[at + 3] << 8 | bytes[at + 4]);
	if (out->edns_size == 0)
		out->edns_size = PLAIN_SIZE;
	out->dnssec_ok = (bytes[at + 7] & 0x80) != 0;
}

bool
query_read(struct query *out, const uint8_t *bytes, size_t len)
{
	size_t at = HEADER;

	*out = (struct query){.bytes = bytes, .len = len};
	if (len < HEADER + 5 || bytes[4] != 0 || bytes[5] != 1)
		return false;
	while (at < len && bytes[at] != 0 && bytes[at] <= DNAME_LABEL_MAX)
		at += 1u + bytes[at];
	if (at + 5 > len || bytes[at] != 0 || at + 1 - HEADER > DNAME_WIRE_MAX)
		return false;
	out->name.len = (uint8_t)(at + 1 - HEADER);
	memcpy(out->name.wire, bytes + HEADER, out->name.len);
	out->id = (uint16_t)(bytes[0] << 8 | bytes[1]);
	out->flags = (uint16_t)(bytes[2] << 8 | bytes[3]);
	out->type = (uint16_t)(bytes[at + 1] << 8 | bytes[at + 2]);
	out->class = (uint16_t)(bytes[at + 3] << 8 | bytes[at + 4]);
	out->question_end = at + 5;
	opt_find(out, bytes, len, at + 5);
	return true;
}

/* --- the question --------------------------------------------------------- */

static const struct step *
step_of(const struct plan *plan, enum step_kind kind)
{
	for (size_t i = 0; i < plan->steps_n; i++)
		if (plan->steps[i].kind == kind)
			return &plan->steps[i];
	return NULL;
}

static void
question_put(struct making *m, const struct plan *plan, bool other_case)
{
	const struct step *name = step_of(plan, STEP_QNAME);
	const struct step *type = step_of(plan, STEP_QTYPE);
	const struct step *class = step_of(plan, STEP_QCLASS);
	size_t at = m->w.len;

	if (name)
		writer_bytes(&m->w, name->bytes, name->len);
	else
		writer_bytes(&m->w, m->q->name.wire, m->q->name.len);
	for (; other_case && at < m->w.len; at++) {
		uint8_t *c = &m->w.buf[at];
		if ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z')
			*c ^= 0x20;
	}
	writer_u16(&m->w, type ? (uint16_t)type->n : m->q->type);
	writer_u16(&m->w, class ? (uint16_t) class->n : m->q->class);
	m->written[0]++;
}

static void
questions_put(struct making *m, const struct plan *plan)
{
	const struct step *s = step_of(plan, STEP_QUESTION);

	if (s && s->n == QUESTION_NONE)
		return;
	question_put(m, plan, s && s->n == QUESTION_CASE);
	if (s && s->n == QUESTION_TWICE)
		question_put(m, plan, false);
}

/* --- records -------------------------------------------------------------- */

static void
pointer_put(struct making *m, size_t to)
{
	writer_u16(&m->w, (uint16_t)(0xc000u | (to & 0x3fff)));
}

/* A record of no use whose data is a chain of pointers, each to the one
 * before, the first to the question. The owner's pointer, to the last of them,
 * is the last of the hops. */
static size_t
hops_put(struct making *m)
{
	size_t to = HEADER;

	writer_u8(&m->w, 0);
	writer_u16(&m->w, TYPE_NULL);
	writer_u16(&m->w, 1);
	writer_u32(&m->w, m->ttl_s);
	writer_u16(&m->w, (uint16_t)(2 * (m->hops - 1)));
	for (int64_t i = 1; i < m->hops; i++) {
		size_t at = m->w.len;
		pointer_put(m, to);
		to = at;
	}
	m->written[m->section + 1]++;
	m->hops = 0;
	return to;
}

static void
owner_put(struct making *m, size_t hops_end)
{
	const struct step *o = m->owner;

	if (hops_end)
		pointer_put(m, hops_end);
	else if (o && o->kind == STEP_OWNER)
		writer_bytes(&m->w, o->bytes, o->len);
	else if (o)
		pointer_put(m, (size_t)((int64_t)m->w.len + o->n));
	else if (m->written[0] == 0)
		writer_bytes(&m->w, m->q->name.wire, m->q->name.len);
	else
		pointer_put(m, HEADER);
}

/* "####" in the data becomes the number of the record. */
static void
number_it(uint8_t *data, size_t len, unsigned n)
{
	uint8_t *at = memmem(data, len, COUNTER, COUNTER_LEN);

	for (int i = COUNTER_LEN - 1; at && i >= 0; i--, n /= 10)
		at[i] = (uint8_t)('0' + n % 10);
}

static void
record_put(struct making *m, uint16_t type, const uint8_t *data, size_t len,
    unsigned number)
{
	size_t hops_end = m->hops ? hops_put(m) : 0;

	owner_put(m, hops_end);
	writer_u16(&m->w, type);
	writer_u16(&m->w, m->class);
	writer_u32(&m->w, m->ttl_s);
	writer_u16(&m->w, (uint16_t)((int64_t)len + m->rdlength));
	writer_bytes(&m->w, data, len);
	if (m->w.bad)
		return;
	number_it(m->w.buf + m->w.len - len, len, number);
	m->written[m->section + 1]++;
}

static void
records_put(struct making *m, const struct step *s)
{
	for (int64_t i = 0; i < m->many && !m->w.bad; i++)
		record_put(m, (uint16_t)s->n, s->bytes, s->len, (unsigned)i);
	m->many = 1;
	m->rdlength = 0;
}

/* Room for OPT is left. */
static void
fill(struct making *m, size_t size)
{
	uint8_t data[256];

	memset(data, 'x', sizeof(data));
	data[0] = 255;
	while (m->w.len + 12 + sizeof(data) + 11 <= size && !m->w.bad)
		record_put(m, RRTYPE_TXT, data, sizeof(data), 0);
}

static void
opt_put(struct making *m)
{
	size_t text = m->ede ? m->ede->len : 0;

	if (!m->edns)
		return;
	writer_u8(&m->w, 0);
	writer_u16(&m->w, OPT_TYPE);
	writer_u16(&m->w, 1232);
	writer_u32(&m->w, 0);
	writer_u16(&m->w, (uint16_t)(m->ede ? 6 + text : 0));
	if (m->ede) {
		writer_u16(&m->w, OPTION_EDE);
		writer_u16(&m->w, (uint16_t)(2 + text));
		writer_u16(&m->w, (uint16_t)m->ede->n);
		writer_bytes(&m->w, m->ede->bytes, text);
	}
	m->written[3]++;
}

/* --- steps ---------------------------------------------------------------- */

static void
step_write(struct making *m, const struct step *s)
{
	switch (s->kind) {
	case STEP_RECORD:
		records_put(m, s);
		break;
	case STEP_MANY:
		m->many = s->n;
		break;
	case STEP_FILL:
		fill(m, (size_t)s->n);
		break;
	case STEP_HOPS:
		m->hops = s->n;
		break;
	case STEP_SECTION:
		m->section = (unsigned)s->n;
		break;
	case STEP_TTL:
		m->ttl_s = (uint32_t)s->n;
		break;
	case STEP_CLASS:
		m->class = (uint16_t)s->n;
		break;
	case STEP_OWNER:
	case STEP_OWNER_AT:
		m->owner = s;
		break;
	case STEP_RDLENGTH:
		m->rdlength = s->n;
		break;
	case STEP_ID:
		m->id = (uint16_t)(m->id + s->n);
		m->out->forged = true;
		break;
	case STEP_FLAGS:
		m->flags = (m->flags & ~(unsigned)s->more) | (unsigned)s->n;
		break;
	case STEP_COUNT:
		m->counts[s->n] = s->more;
		break;
	case STEP_NO_EDNS:
		m->edns = false;
		break;
	case STEP_EDE:
		m->ede = s;
		break;
	default: /* the question, or how it is sent */
		break;
	}
}

static void
step_send(struct reply *out, bool *whole, const struct step *s)
{
	switch (s->kind) {
	case STEP_DELAY:
		out->delay_ms = s->n;
		break;
	case STEP_SILENT:
		out->silent = true;
		break;
	case STEP_FROM:
		out->from = s->addr;
		out->from_port = (uint16_t)s->n;
		out->forged = true;
		break;
	case STEP_FLOOD:
		out->flood = (unsigned)s->n;
		break;
	case STEP_WHOLE:
		*whole = true;
		break;
	case STEP_DRIP:
		out->drip_ms = s->n;
		break;
	case STEP_RESET:
		out->stream = STREAM_RESET;
		break;
	case STEP_STALL:
		out->stream = STREAM_STALL;
		break;
	case STEP_CLOSE:
		out->stream = STREAM_CLOSE;
		break;
	default:
		break;
	}
}

static void
mutate_it(struct reply *out, const struct step *s, struct rng *rng)
{
	enum mutation how = (enum mutation)s->n;

	if (how == MUTATE_N)
		how = (enum mutation)rng_below(rng, MUTATE_N);
	out->len = mutate(out->bytes, out->len, how, rng);
	out->forged = true;
}

/* What is done to the octets when they are all there. */
static void
step_damage(struct reply *out, const struct step *s, struct rng *rng)
{
	switch (s->kind) {
	case STEP_CUT:
		if (s->n >= 0 && (size_t)s->n < out->len)
			out->len = (size_t)s->n;
		else if (s->n < 0 && (size_t)-s->n < out->len)
			out->len -= (size_t)-s->n;
		break;
	case STEP_JUNK:
		for (int64_t i = 0; i < s->n && out->len < REPLY_MAX; i++)
			out->bytes[out->len++] = 0xff;
		break;
	case STEP_SET:
		if (s->n >= 0 && (size_t)s->n + s->len <= out->len)
			memcpy(out->bytes + s->n, s->bytes, s->len);
		break;
	case STEP_FLIP:
		if (s->n >= 0 && (size_t)s->n < out->len)
			out->bytes[s->n] ^= (uint8_t)s->more;
		break;
	case STEP_MUTATE:
		mutate_it(out, s, rng);
		break;
	default:
		break;
	}
}

static void
header_set(struct making *m)
{
	uint8_t *h = m->w.buf;

	h[0] = (uint8_t)(m->id >> 8);
	h[1] = (uint8_t)m->id;
	h[2] = (uint8_t)(m->flags >> 8);
	h[3] = (uint8_t)m->flags;
	for (size_t i = 0; i < 4; i++) {
		int64_t n = m->counts[i] >= 0 ? m->counts[i] : m->written[i];
		h[4 + 2 * i] = (uint8_t)(n >> 8);
		h[5 + 2 * i] = (uint8_t)n;
	}
}

static struct making
making(struct reply *out, const struct query *q)
{
	struct making m = {
	    .q = q,
	    .out = out,
	    .counts = {-1, -1, -1, -1},
	    .ttl_s = 5,
	    .class = 1,
	    .many = 1,
	    .flags = FLAG_QR | FLAG_AA | (q->flags & FLAG_RD),
	    .id = q->id,
	    .edns = q->edns_size != 0,
	};

	writer_init(&m.w, out->bytes, sizeof(out->bytes));
	writer_bytes(&m.w, (uint8_t[HEADER]){0}, HEADER);
	return m;
}

static bool
too_large(const struct making *m, const struct query *q, bool whole)
{
	size_t most = q->edns_size > PLAIN_SIZE ? q->edns_size : PLAIN_SIZE;

	return q->via == VIA_UDP && !whole && m->w.len > most;
}

static void
reply_clear(struct reply *out)
{
	memset(out, 0, offsetof(struct reply, bytes));
}

void
reply_make(struct reply *out, const struct plan *plan, const struct query *q,
    struct rng *rng)
{
	struct making m;
	bool whole = false;

	reply_clear(out);
	out->right_id = q->id;
	m = making(out, q);
	questions_put(&m, plan);
	for (size_t i = 0; i < plan->steps_n; i++) {
		step_write(&m, &plan->steps[i]);
		step_send(out, &whole, &plan->steps[i]);
	}
	opt_put(&m);
	if (too_large(&m, q, whole)) {
		m = making(out, q);
		questions_put(&m, plan);
		m.flags |= FLAG_TC;
		opt_put(&m);
	}
	header_set(&m);
	out->len = m.w.len;
	for (size_t i = 0; i < plan->steps_n; i++)
		step_damage(out, &plan->steps[i], rng);
	out->silent = out->silent || out->len == 0;
}

void
reply_refused(struct reply *out, const struct query *q)
{
	static const struct step refused = {
	    .kind = STEP_FLAGS, .more = FLAG_AA, .n = 5};
	static const struct plan plan = {.steps_n = 1, .steps = &refused};
	struct rng rng = {0};

	reply_make(out, &plan, q, &rng);
}
