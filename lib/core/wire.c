/* SPDX-License-Identifier: Apache-2.0 */
/* Each pair of put and get lists the fields in the same order. Texts are
 * printable ASCII by contract: a body that breaks it is refused, so that a
 * resolver that was taken over cannot speak to anybody's terminal. Readers fill
 * what was sent and clear nothing else: of a list the first n, for a finding is
 * 10 kB and most of it is not there. */
#include "core/wire.h"

#include <string.h>

#define HEAD 3 /* type, length of the body */

_Static_assert(CODE_N <= UINT8_MAX, "codes are octets");
_Static_assert(FOUND_LEN_MAX == UINT8_MAX, "so is a length of evidence");

bool
wire_next(struct reader *r, struct wire_message *out)
{
	unsigned type;
	size_t len;
	const uint8_t *body;

	if (r->left == 0)
		return false;
	type = reader_u8(r);
	len = reader_u16(r);
	if (type < WIRE_HELLO || type > WIRE_POISON ||
	    len > WIRE_MESSAGE_MAX - HEAD)
		r->bad = true;
	body = reader_bytes(r, len);
	if (body == NULL)
		return false;
	out->type = (enum wire_type)type;
	reader_init(&out->body, body, len);
	return true;
}

/* Begins a message; returns where, for message_end. */
static size_t
message_begin(struct writer *w, enum wire_type type)
{
	size_t start = w->len;

	writer_u8(w, (uint8_t)type);
	writer_u16(w, 0);
	return start;
}

/* Puts the body's length in, or takes the message back. */
static void
message_end(struct writer *w, size_t start)
{
	size_t len = w->len - start;

	if (len > WIRE_MESSAGE_MAX)
		w->bad = true;
	if (w->bad) {
		w->len = start;
		return;
	}
	len -= HEAD;
	w->buf[start + 1] = (uint8_t)(len >> 8);
	w->buf[start + 2] = (uint8_t)len;
}

/* Was the body read whole and right? */
static bool
body_ends(const struct reader *body)
{
	return !body->bad && body->left == 0;
}

static unsigned
get_below(struct reader *r, unsigned n)
{
	unsigned v = reader_u8(r);

	if (v >= n)
		r->bad = true;
	return r->bad ? 0 : v;
}

static bool
get_bool(struct reader *r)
{
	return get_below(r, 2) != 0;
}

void
wire_put_hello(struct writer *w)
{
	message_end(w, message_begin(w, WIRE_HELLO));
}

void
wire_put_look(struct writer *w, const struct wire_look *m)
{
	size_t start = message_begin(w, WIRE_LOOK);

	writer_u64(w, m->request);
	writer_text(w, m->subject);
	writer_text(w, m->domain);
	writer_text(w, m->registrable);
	writer_text(w, m->token);
	writer_u8(w, (uint8_t)m->checks);
	writer_u8(w, (uint8_t)m->proven);
	writer_u8(w, m->quick);
	writer_u8(w, m->signs);
	writer_u8(w, m->keys_n);
	for (size_t i = 0; i < m->keys_n; i++)
		record_put_key(w, &m->keys[i]);
	message_end(w, start);
}

bool
wire_get_look(struct reader *body, struct wire_look *m)
{
	m->request = reader_u64(body);
	reader_print(body, m->subject, sizeof(m->subject));
	reader_print(body, m->domain, sizeof(m->domain));
	reader_print(body, m->registrable, sizeof(m->registrable));
	reader_print(body, m->token, sizeof(m->token));
	m->checks = get_below(body, 1u << CHECK_N);
	m->proven = get_below(body, 1u << CHECK_N);
	m->quick = get_bool(body);
	m->signs = get_bool(body);
	m->keys_n = (uint8_t)get_below(body, CLAIM_KEYS_MAX + 1);
	for (size_t i = 0; i < m->keys_n && !body->bad; i++)
		record_get_key(body, &m->keys[i]);
	return body_ends(body) && m->checks != 0;
}

static void
put_found(struct writer *w, const struct found *f)
{
	writer_u8(w, f->len);
	writer_u8(w, f->cut);
	writer_bytes(w, f->bytes, f->len);
}

static void
get_found(struct reader *r, struct found *f)
{
	const uint8_t *bytes;

	f->len = reader_u8(r);
	f->cut = get_bool(r);
	bytes = reader_bytes(r, f->len);
	if (bytes != NULL)
		memcpy(f->bytes, bytes, f->len);
}

static void
put_server(struct writer *w, const struct server_fact *s)
{
	writer_text(w, s->name);
	writer_text(w, s->addr);
	writer_u8(w, (uint8_t)s->outcome);
	writer_u8(w, s->has);
	writer_u8(w, s->has_serial);
	writer_u32(w, s->serial);
}

static void
get_server(struct reader *r, struct server_fact *s)
{
	reader_print(r, s->name, sizeof(s->name));
	reader_print(r, s->addr, sizeof(s->addr));
	s->outcome = (enum outcome)get_below(r, OUTCOME_MALFORMED + 1);
	s->has = get_bool(r);
	s->has_serial = get_bool(r);
	s->serial = reader_u32(r);
}

static void
put_row(struct writer *w, const struct spf_row *row)
{
	writer_u8(w, row->depth);
	writer_u8(w, row->lookups);
	writer_u8(w, row->is_void);
	writer_u8(w, row->unreached);
	writer_text(w, row->term);
}

static void
get_row(struct reader *r, struct spf_row *row)
{
	row->depth = reader_u8(r);
	row->lookups = reader_u8(r);
	row->is_void = get_bool(r);
	row->unreached = get_bool(r);
	reader_print(r, row->term, sizeof(row->term));
}

/* What an evaluator has to say beside the code. */
static void
put_remarks(struct writer *w, const struct finding *f)
{
	writer_u16(w, f->mark);
	writer_u8(w, (uint8_t)f->also_n);
	for (size_t i = 0; i < f->also_n; i++)
		writer_u8(w, (uint8_t)f->also[i]);
	writer_text(w, f->publish);
	writer_text(w, f->policy);
	writer_text(w, f->record_domain);
	writer_u8(w, f->aligned);
	writer_u8(w, f->has_cost);
	writer_u8(w, f->lookups);
	writer_u8(w, f->voids);
	writer_u8(w, (uint8_t)f->tree_n);
	for (size_t i = 0; i < f->tree_n; i++)
		put_row(w, &f->tree[i]);
}

static void
get_remarks(struct reader *r, struct finding *f)
{
	f->mark = reader_u16(r);
	f->also_n = get_below(r, ALSO_MAX + 1);
	for (size_t i = 0; i < f->also_n; i++)
		f->also[i] = (enum code)get_below(r, CODE_N);
	reader_print(r, f->publish, sizeof(f->publish));
	reader_print(r, f->policy, sizeof(f->policy));
	reader_print(r, f->record_domain, sizeof(f->record_domain));
	f->aligned = (uint8_t)get_below(r, 1u << CHECK_N);
	f->has_cost = get_bool(r);
	f->lookups = reader_u8(r);
	f->voids = reader_u8(r);
	f->tree_n = get_below(r, TREE_MAX + 1);
	for (size_t i = 0; i < f->tree_n; i++)
		get_row(r, &f->tree[i]);
}

static void
put_finding(struct writer *w, const struct finding *f)
{
	writer_u8(w, (uint8_t)f->check);
	writer_u8(w, (uint8_t)f->verdict);
	writer_u8(w, (uint8_t)f->code);
	writer_u8(w, (uint8_t)f->assurance);
	writer_text(w, f->name);
	writer_text(w, f->expected);
	writer_u8(w, (uint8_t)f->found_n);
	for (size_t i = 0; i < f->found_n; i++)
		put_found(w, &f->found[i]);
	writer_u8(w, (uint8_t)f->servers_n);
	for (size_t i = 0; i < f->servers_n; i++)
		put_server(w, &f->servers[i]);
	writer_u32(w, f->neg_ttl_s);
	writer_u32(w, f->visible_in_s);
	writer_u8(w, f->delegated);
	writer_text(w, f->saw);
	put_remarks(w, f);
}

static void
get_finding(struct reader *r, struct finding *f)
{
	f->check = (enum check)get_below(r, CHECK_N);
	f->verdict = (enum verdict)get_below(r, VERDICT_N);
	f->code = (enum code)get_below(r, CODE_N);
	f->assurance = (enum assurance)get_below(r, ASSURANCE_N);
	reader_print(r, f->name, sizeof(f->name));
	reader_print(r, f->expected, sizeof(f->expected));
	f->found_n = get_below(r, FOUND_MAX + 1);
	for (size_t i = 0; i < f->found_n; i++)
		get_found(r, &f->found[i]);
	f->servers_n = get_below(r, SERVERS_MAX + 1);
	for (size_t i = 0; i < f->servers_n; i++)
		get_server(r, &f->servers[i]);
	f->neg_ttl_s = reader_u32(r);
	f->visible_in_s = reader_u32(r);
	f->delegated = get_bool(r);
	reader_print(r, f->saw, sizeof(f->saw));
	get_remarks(r, f);
}

void
wire_put_finding(struct writer *w, uint64_t request, const struct finding *f)
{
	size_t start = message_begin(w, WIRE_FOUND);

	writer_u64(w, request);
	put_finding(w, f);
	message_end(w, start);
}

void
wire_put_found(struct writer *w, const struct wire_found *m)
{
	wire_put_finding(w, m->request, &m->finding);
}

bool
wire_get_found(struct reader *body, struct wire_found *m)
{
	m->request = reader_u64(body);
	get_finding(body, &m->finding);
	return body_ends(body);
}

void
wire_put_gone(struct writer *w, const struct wire_gone *m)
{
	size_t start = message_begin(w, WIRE_GONE);

	writer_u32(w, m->index);
	message_end(w, start);
}

bool
wire_get_gone(struct reader *body, struct wire_gone *m)
{
	m->index = reader_u32(body);
	return body_ends(body);
}

void
wire_put_poison(struct writer *w, const struct wire_poison *m)
{
	size_t start = message_begin(w, WIRE_POISON);

	writer_text(w, m->subject);
	message_end(w, start);
}

bool
wire_get_poison(struct reader *body, struct wire_poison *m)
{
	reader_print(body, m->subject, sizeof(m->subject));
	return body_ends(body);
}
