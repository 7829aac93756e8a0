/* SPDX-License-Identifier: Apache-2.0 */
/* The part of core/spf.h about single terms: RFC 7208 section 5. A term that
 * needs answers says what it asks and is taken up again when they are there.
 * A name that can't be asked for matches nothing (section 4.8). */
#include "core/spf_private.h"

#include <stdio.h>
#include <string.h>

/* Narrower prefixes than these are an audit's remark. */
#define WIDE_V4 16
#define WIDE_V6 32

static uint16_t
addr_type(const struct spf *s)
{
	return s->facts.ip.family == 4 ? RRTYPE_A : RRTYPE_AAAA;
}

enum spf_turn
spf_ask(struct spf *s, enum spf_wait wait, uint16_t type)
{
	s->one.type = type;
	s->one.flags = QUESTION_RD;
	s->asks = &s->one;
	s->asks_n = 1;
	s->wait = wait;
	return SPF_TURN_ASK;
}

/* The addresses of n names; names that are the root have none. */
static enum spf_turn
ask_hosts(
    struct spf *s, enum spf_wait wait, const struct dname *names, size_t n)
{
	struct question *asks = arena_alloc(s->arena, n * sizeof(asks[0]));

	if (asks == NULL)
		return spf_no_space(s);
	s->asks = asks;
	s->asks_n = 0;
	s->wait = wait;
	for (size_t i = 0; i < n; i++) {
		if (names[i].len > 1)
			asks[s->asks_n++] = (struct question){.name = names[i],
			    .type = addr_type(s),
			    .flags = QUESTION_RD};
	}
	return s->asks_n > 0 ? SPF_TURN_ASK : SPF_TURN_NEXT;
}

static bool
prefix_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, mask = 0xff00u >> bits % 8 & 0xffu;

	return memcmp(a, b, whole) == 0 &&
	       (mask == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

/* Is our address within the prefix that the term gives to this one? */
static bool
covers(const struct spf *s, const struct packet_addr *addr, unsigned cidr4,
    unsigned cidr6)
{
	const struct packet_addr *ip = &s->facts.ip;

	return addr->family == ip->family &&
	       prefix_equal(
		   addr->octets, ip->octets, ip->family == 4 ? cidr4 : cidr6);
}

static bool
any_covers(const struct spf *s, const struct answer *got)
{
	const struct spf_term *t = &s->top->term;

	for (size_t i = 0; i < got->n; i++) {
		if (covers(s, &got->addr[i], t->cidr4, t->cidr6))
			return true;
	}
	return false;
}

static bool
is_void(const struct answer *got)
{
	return got->outcome == OUTCOME_NODATA ||
	       got->outcome == OUTCOME_NXDOMAIN;
}

static void
note_void(struct spf *s, enum spf_void_of of, enum outcome outcome)
{
	struct spf_frame *f = s->top;
	struct spf_note *note = spf_note(s, SPF_NOTE_VOID, f, &f->term);

	if (note != NULL)
		note->gone =
		    of == SPF_VOID_TARGET && outcome == OUTCOME_NXDOMAIN;
}

enum spf_turn
spf_void(struct spf *s, enum spf_void_of of, enum outcome outcome)
{
	struct spf_frame *f = s->top;
	bool first = f->row == SPF_NO_ROW || !s->rows[f->row].is_void;

	s->verdict.voids++;
	if (f->row != SPF_NO_ROW)
		s->rows[f->row].is_void = true;
	if (first)
		note_void(s, of, outcome);
	if (s->mode == SPF_CHECK && s->verdict.voids > SPF_VOIDS_MAX)
		return spf_permanent(s, SPF_VOIDS, f, &f->term);
	return SPF_TURN_NEXT;
}

/* --- names of the address: ptr, %{p} ------------------------------------- */

static enum spf_turn
ask_ptr(struct spf *s)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *o = s->facts.ip.octets;
	char text[80], *at = text;

	if (s->facts.ip.family == 4) {
		snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa", o[3],
		    o[2], o[1], o[0]);
	} else {
		for (size_t i = 16; i > 0; i--) {
			*at++ = hex[o[i - 1] & 15];
			*at++ = '.';
			*at++ = hex[o[i - 1] >> 4];
			*at++ = '.';
		}
		memcpy(at, "ip6.arpa", sizeof("ip6.arpa"));
	}
	if (dname_from_text(&s->one.name, text, NULL) != DNAME_OK)
		return SPF_TURN_NEXT;
	return spf_ask(s, SPF_WAIT_PTR, RRTYPE_PTR);
}

/* The names are known: whoever wanted them goes on. */
static enum spf_turn
names_done(struct spf *s)
{
	s->names_known = true;
	return s->origin != NULL ? spf_explain(s) : spf_term_run(s);
}

static enum spf_turn
on_ptr(struct spf *s, const struct answer *got)
{
	size_t n = got->n < SPF_PTR_MAX ? got->n : SPF_PTR_MAX;
	enum spf_turn turn;

	/* an error is no name, section 5.5 */
	s->names_voids = is_void(got);
	if (got->outcome != OUTCOME_RECORDS)
		return names_done(s);
	turn = ask_hosts(s, SPF_WAIT_NAMES, got->names, n);
	return turn == SPF_TURN_NEXT ? names_done(s) : turn;
}

static bool
leads_back(const struct spf *s, const struct answer *got)
{
	for (size_t i = 0; i < got->n; i++) {
		if (covers(s, &got->addr[i], 32, 128))
			return true;
	}
	return false;
}

static enum spf_turn
on_names(struct spf *s, const struct answer *got, size_t n)
{
	s->names = arena_alloc(s->arena, n * sizeof(s->names[0]));
	if (s->names == NULL)
		return spf_no_space(s);
	for (size_t i = 0; i < n; i++) {
		s->names_voids += is_void(&got[i]);
		if (got[i].outcome == OUTCOME_RECORDS && leads_back(s, &got[i]))
			s->names[s->names_n++] = s->asks[i].name;
	}
	return names_done(s);
}

/* %{p}: the domain itself if it is among the names, or one below it, or any
 * (section 7.3). */
static const char *
name_for(struct spf *s, const char *domain)
{
	const struct dname *best = NULL;
	char shown[DNAME_SHOWN_MAX + 1];
	struct dname own;

	if (dname_from_text(&own, domain, NULL) != DNAME_OK)
		own.len = 0;
	for (size_t i = 0; i < s->names_n; i++) {
		const struct dname *name = &s->names[i];
		bool below = own.len > 0 && dname_within(name, &own);

		if (best == NULL || (below && !dname_within(best, &own)) ||
		    dname_equal(name, &own))
			best = name;
	}
	if (best == NULL)
		return "unknown";
	dname_show(best, shown);
	return arena_copy(s->arena, shown, strlen(shown));
}

enum spf_turn
spf_need_name(
    struct spf *s, const uint8_t *text, size_t len, const char *domain)
{
	if (!spf_macro_uses_name(text, len))
		return SPF_TURN_NEXT;
	if (!s->names_known)
		return ask_ptr(s);
	s->facts.name = name_for(s, domain);
	return s->facts.name == NULL ? spf_no_space(s) : SPF_TURN_NEXT;
}

enum spf_turn
spf_target(struct spf *s, const struct spf_frame *f, const struct spf_term *t,
    const char **out)
{
	const uint8_t *spec = f->record + t->spec_at;
	char text[SPF_NAME_MAX + 1];
	enum spf_turn turn;

	*out = f->domain;
	if (t->spec_len == 0)
		return SPF_TURN_NEXT;
	s->facts.domain = f->domain;
	turn = spf_need_name(s, spec, t->spec_len, f->domain);
	if (turn != SPF_TURN_NEXT)
		return turn;
	spf_macro_target(text, spec, t->spec_len, &s->facts);
	*out = arena_copy(s->arena, text, strlen(text));
	return *out == NULL ? spf_no_space(s) : SPF_TURN_NEXT;
}

/* Void lookups behind the names, once for %{p} and for each ptr. */
static enum spf_turn
count_names(struct spf *s)
{
	enum spf_turn turn = SPF_TURN_NEXT;

	for (unsigned i = 0; i < s->names_voids && turn == SPF_TURN_NEXT; i++)
		turn = spf_void(s, SPF_VOID_HOST, OUTCOME_NODATA);
	return turn;
}

static enum spf_turn
run_ptr(struct spf *s, const struct dname *target)
{
	enum spf_turn turn;

	if (!s->names_known)
		return ask_ptr(s);
	turn = count_names(s);
	for (size_t i = 0; i < s->names_n && turn == SPF_TURN_NEXT; i++) {
		if (dname_within(&s->names[i], target))
			return SPF_TURN_MATCH;
	}
	return turn;
}

/* --- mechanisms ---------------------------------------------------------- */

static enum spf_turn
run_target(struct spf *s)
{
	struct spf_frame *f = s->top;

	switch (f->term.kind) {
	case SPF_INCLUDE:
	case SPF_REDIRECT:
		return spf_push(s);
	case SPF_PTR:
		return run_ptr(s, &s->one.name);
	case SPF_MX:
		return spf_ask(s, SPF_WAIT_MX, RRTYPE_MX);
	case SPF_EXISTS:
		return spf_ask(s, SPF_WAIT_ADDR, RRTYPE_A);
	case SPF_A:
		return spf_ask(s, SPF_WAIT_ADDR, addr_type(s));
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_EXP:
	case SPF_OTHER:
		break;
	}
	return SPF_TURN_NEXT;
}

static bool
is_chain(enum spf_kind kind)
{
	return kind == SPF_INCLUDE || kind == SPF_REDIRECT;
}

/* Terms that name something, be it the domain itself. */
static enum spf_turn
run_lookup(struct spf *s)
{
	struct spf_frame *f = s->top;
	struct spf_term *t = &f->term;
	enum spf_turn turn = spf_target(s, f, t, &f->target);
	bool named = spf_macro_uses_name(f->record + t->spec_at, t->spec_len);

	if (turn != SPF_TURN_NEXT)
		return turn;
	if (named && !s->names_counted) {
		s->names_counted = true;
		turn = count_names(s);
		if (turn != SPF_TURN_NEXT)
			return turn;
	}
	if (dname_from_text(&s->one.name, f->target, NULL) != DNAME_OK ||
	    (is_chain(t->kind) && dname_labels(&s->one.name) < 2))
		return is_chain(t->kind)
			   ? spf_permanent(s, SPF_TARGET_BAD, f, t)
			   : SPF_TURN_NEXT;
	return run_target(s);
}

void
spf_remark(struct spf *s)
{
	struct spf_frame *f = s->top;
	const struct spf_term *t = &f->term;
	bool v4 = t->kind == SPF_IP4 || t->kind == SPF_A || t->kind == SPF_MX;
	bool v6 = t->kind == SPF_IP6 || t->kind == SPF_A || t->kind == SPF_MX;

	if (t->kind == SPF_PTR)
		spf_note(s, SPF_NOTE_PTR, f, t);
	if (t->kind == SPF_ALL) {
		f->past_all = true;
		spf_row(s, f, t);
	}
	if (t->qualifier != '+')
		return;
	if (t->kind == SPF_ALL)
		spf_note(s, SPF_NOTE_PLUS_ALL, f, t);
	if ((v4 && t->cidr4 < WIDE_V4) || (v6 && t->cidr6 < WIDE_V6))
		spf_note(s, SPF_NOTE_WIDE, f, t);
}

enum spf_turn
spf_term_run(struct spf *s)
{
	const struct spf_term *t = &s->top->term;

	switch (t->kind) {
	case SPF_ALL:
		return SPF_TURN_MATCH;
	case SPF_IP4:
	case SPF_IP6:
		return covers(s, &t->addr, t->cidr4, t->cidr6) ? SPF_TURN_MATCH
							       : SPF_TURN_NEXT;
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
	case SPF_EXISTS:
	case SPF_INCLUDE:
	case SPF_REDIRECT:
		return run_lookup(s);
	case SPF_EXP:
	case SPF_OTHER:
		break;
	}
	return SPF_TURN_NEXT;
}

/* --- answers ------------------------------------------------------------- */

static enum spf_turn
on_addr(struct spf *s, const struct answer *got, enum spf_void_of of)
{
	if (is_void(got))
		return spf_void(s, of, got->outcome);
	if (got->outcome != OUTCOME_RECORDS)
		return spf_temporary(s, got->outcome);
	if (s->top->term.kind == SPF_EXISTS || any_covers(s, got))
		return SPF_TURN_MATCH;
	return SPF_TURN_NEXT;
}

static enum spf_turn
on_mx(struct spf *s, const struct answer *got)
{
	if (is_void(got))
		return spf_void(s, SPF_VOID_TARGET, got->outcome);
	if (got->outcome != OUTCOME_RECORDS)
		return spf_temporary(s, got->outcome);
	if (got->n > SPF_MX_MAX)
		return spf_permanent(s, SPF_MX_NAMES, s->top, &s->top->term);
	return ask_hosts(s, SPF_WAIT_HOSTS, got->names, got->n);
}

/* As if they had been asked one after the other. */
static enum spf_turn
on_hosts(struct spf *s, const struct answer *got, size_t n)
{
	enum spf_turn turn = SPF_TURN_NEXT;

	for (size_t i = 0; i < n && turn == SPF_TURN_NEXT; i++) {
		s->asks = i > 0 ? s->asks + 1 : s->asks;
		turn = on_addr(s, &got[i], SPF_VOID_HOST);
		if (turn == SPF_TURN_MATCH && s->mode == SPF_AUDIT)
			turn = SPF_TURN_NEXT;
	}
	return turn;
}

enum spf_turn
spf_term_answer(struct spf *s, const struct answer *got, size_t got_n)
{
	switch (s->wait) {
	case SPF_WAIT_ADDR:
		return on_addr(s, got, SPF_VOID_TARGET);
	case SPF_WAIT_MX:
		return on_mx(s, got);
	case SPF_WAIT_HOSTS:
		return on_hosts(s, got, got_n);
	case SPF_WAIT_PTR:
		return on_ptr(s, got);
	case SPF_WAIT_NAMES:
		return on_names(s, got, got_n);
	case SPF_WAIT_EXP:
		return spf_explained(s, got);
	case SPF_WAIT_RECORD:
		break;
	}
	return SPF_TURN_NEXT;
}
