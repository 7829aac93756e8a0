/* SPDX-License-Identifier: Apache-2.0 */
/* Records are a stack: an include or a redirect puts the record of its target
 * on top, and what that yields goes down again. What is decided and what is
 * wrong is written down where it happens (spf_report.c). */
#include "core/spf_private.h"
#include "core/txt.h"

#include <string.h>

#define POSTMASTER "postmaster" /* section 4.3 */

/* --- the question -------------------------------------------------------- */

static void
take_ip(struct packet_addr *out, const struct packet_addr *ip)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*out = *ip;
	if (ip->family == 4 || memcmp(ip->octets, mapped, 12) != 0)
		return;
	out->family = 4;
	memcpy(out->octets, ip->octets + 12, 4);
}

/* local "@" domain; without a local part it is postmaster. */
static bool
take_sender(
    struct spf *s, const char *local, size_t local_len, const char *domain)
{
	size_t len = strlen(domain);
	struct spf_facts *f = &s->facts;
	char *sender;

	if (local_len == 0) {
		local = POSTMASTER;
		local_len = sizeof(POSTMASTER) - 1;
	}
	len -= len > 0 && domain[len - 1] == '.';
	sender = arena_alloc(s->arena, local_len + len + 2);
	f->local = arena_copy(s->arena, local, local_len);
	f->origin = arena_copy(s->arena, domain, len);
	if (sender == NULL || f->local == NULL || f->origin == NULL)
		return false;
	memcpy(sender, local, local_len);
	sender[local_len] = '@';
	memcpy(sender + local_len + 1, f->origin, len + 1);
	f->sender = sender;
	return true;
}

static bool
take_query(struct spf *s, const struct spf_query *q)
{
	const char *at = strrchr(q->mail_from, '@');
	const char *receiver = q->receiver[0] == '\0' ? "unknown" : q->receiver;

	take_ip(&s->facts.ip, &q->ip);
	s->facts.wall_s = q->wall_s;
	s->facts.helo = arena_copy(s->arena, q->helo, strlen(q->helo));
	s->facts.receiver = arena_copy(s->arena, receiver, strlen(receiver));
	s->facts.name = "unknown";
	if (s->facts.helo == NULL || s->facts.receiver == NULL)
		return false;
	if (q->mail_from[0] == '\0')
		return take_sender(s, "", 0, q->helo);
	if (at == NULL)
		return take_sender(s, "", 0, q->mail_from);
	return take_sender(
	    s, q->mail_from, (size_t)(at - q->mail_from), at + 1);
}

/* --- records on the stack ------------------------------------------------ */

static struct spf_frame *
frame(struct spf *s, struct spf_frame *up, const char *domain)
{
	struct spf_frame *f = arena_alloc(s->arena, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->up = up;
	f->domain = domain;
	f->record = NULL;
	f->record_len = 0;
	f->term = (struct spf_term){.len = 0};
	f->target = "";
	f->row = SPF_NO_ROW;
	f->depth = up == NULL ? 0 : (uint8_t)(up->depth + 1);
	f->open = f->past_all = f->redirected = false;
	return f;
}

struct spf *
spf_begin(const struct spf_query *q, struct arena *a)
{
	struct spf *s = arena_alloc(a, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct spf){.arena = a, .mode = q->mode};
	if (!take_query(s, q))
		return NULL;
	s->top = frame(s, NULL, s->facts.origin);
	return s->top == NULL ? NULL : s;
}

void
spf_assume(struct spf *s, const uint8_t *record, size_t len)
{
	s->assumed = (uint8_t *)arena_copy(s->arena, record, len);
	s->assumed_len = len;
}

/* The record under judgement stands for its domain wherever that is named: a
 * record that includes itself is a loop, whatever is published there yet. */
static bool
is_assumed(const struct spf *s, const char *domain)
{
	size_t len = strlen(s->facts.origin);

	return s->assumed != NULL && strlen(domain) == len &&
	       txt_alike(domain, s->facts.origin, len);
}

static enum spf_turn open_assumed(struct spf *s);

enum spf_turn
spf_push(struct spf *s)
{
	struct spf_frame *f = s->top, *child;

	if (f->depth == SPF_DEPTH_MAX && s->mode == SPF_AUDIT) {
		s->verdict.partial = true;
		return SPF_TURN_NEXT;
	}
	child = frame(s, f, f->target);
	if (child == NULL)
		return spf_no_space(s);
	s->top = child;
	if (is_assumed(s, child->domain))
		return open_assumed(s);
	return spf_ask(s, SPF_WAIT_RECORD, RRTYPE_TXT);
}

/* An audit goes on behind a record that could not be opened. */
static enum spf_turn
drop(struct spf *s, enum spf_turn turn)
{
	if (turn != SPF_TURN_NEXT)
		return turn;
	s->top = s->top->up;
	return s->top == NULL ? SPF_TURN_END : SPF_TURN_NEXT;
}

/* The domain has no SPF record; gone: it does not exist. */
static enum spf_turn
no_record(struct spf *s, bool gone)
{
	struct spf_frame *up = s->top->up;

	if (up == NULL) {
		s->verdict.problem = gone ? SPF_NO_NAME : SPF_NO_RECORD;
		spf_place_at(&s->verdict.where, s->top, NULL);
		return SPF_TURN_END;
	}
	spf_note(s, gone ? SPF_NOTE_GONE : SPF_NOTE_BROKEN, up, &up->term);
	return drop(
	    s, spf_permanent(
		   s, gone ? SPF_TARGET_GONE : SPF_TARGET_NONE, up, &up->term));
}

static enum spf_turn
broken(struct spf *s, enum spf_problem problem)
{
	struct spf_frame *f = s->top;

	if (f->up != NULL)
		spf_note(s, SPF_NOTE_BROKEN, f->up, &f->up->term);
	return drop(s, spf_permanent(s, problem, f,
			   problem == SPF_SYNTAX ? &f->term : NULL));
}

/* Section 4.6: the whole record is checked before any of it is evaluated. */
static enum spf_turn
open_record(struct spf *s, const uint8_t *bytes, size_t len)
{
	struct spf_frame *f = s->top;

	f->record = bytes;
	f->record_len = len;
	f->open = true;
	if (!spf_record_check(&f->cursor, bytes, len, &f->outline))
		return broken(s, SPF_SYNTAX);
	spf_cursor_init(&f->cursor, bytes, len);
	return SPF_TURN_NEXT;
}

static enum spf_turn
open_assumed(struct spf *s)
{
	if (!spf_is_record(s->assumed, s->assumed_len))
		return no_record(s, false);
	return open_record(s, s->assumed, s->assumed_len);
}

static enum spf_turn
on_records(struct spf *s, const struct answer *got)
{
	const struct packet_txt *record = NULL;
	uint8_t *copy;

	for (size_t i = 0; i < got->n; i++) {
		if (!spf_is_record(got->txt[i].bytes, got->txt[i].len))
			continue;
		if (record != NULL)
			return broken(s, SPF_MULTIPLE);
		record = &got->txt[i];
	}
	if (record == NULL)
		return no_record(s, false);
	copy = (uint8_t *)arena_copy(s->arena, record->bytes, record->len);
	if (copy == NULL)
		return spf_no_space(s);
	return open_record(s, copy, record->len);
}

/* A void lookup too, when it is a term's. */
static enum spf_turn
on_nothing(struct spf *s, enum outcome outcome)
{
	struct spf_frame *f = s->top;

	if (f->up != NULL && s->mode == SPF_AUDIT) {
		s->top = f->up;
		spf_void(s, SPF_VOID_TARGET, outcome);
		s->top = f;
	}
	return no_record(s, outcome == OUTCOME_NXDOMAIN);
}

static enum spf_turn
on_txt(struct spf *s, const struct answer *got)
{
	switch (got->outcome) {
	case OUTCOME_RECORDS:
		return on_records(s, got);
	case OUTCOME_NODATA:
	case OUTCOME_NXDOMAIN:
		return on_nothing(s, got->outcome);
	case OUTCOME_REFERRAL:
	case OUTCOME_SERVFAIL:
	case OUTCOME_REFUSED:
	case OUTCOME_RCODE:
	case OUTCOME_LAME:
	case OUTCOME_TIMEOUT:
	case OUTCOME_MALFORMED:
		break;
	}
	return drop(s, spf_temporary(s, got->outcome));
}

/* The first record. A name that is none, or a single label: none (4.3). */
static enum spf_turn
begin(struct spf *s)
{
	const char *domain = s->top->domain;

	if (s->assumed != NULL)
		return open_assumed(s);
	if (domain[0] == '[' ||
	    dname_from_text(&s->one.name, domain, NULL) != DNAME_OK ||
	    dname_labels(&s->one.name) < 2) {
		s->verdict.problem = SPF_BAD_NAME;
		return SPF_TURN_END;
	}
	return spf_ask(s, SPF_WAIT_RECORD, RRTYPE_TXT);
}

/* --- results ------------------------------------------------------------- */

static enum spf_result
result_of(char qualifier)
{
	switch (qualifier) {
	case '-':
		return SPF_RESULT_FAIL;
	case '~':
		return SPF_RESULT_SOFTFAIL;
	case '?':
		return SPF_RESULT_NEUTRAL;
	}
	return SPF_RESULT_PASS;
}

/* f is the record that gave the result, behind redirects. */
static enum spf_turn
finish(struct spf *s, enum spf_result result, struct spf_frame *f)
{
	s->verdict.result = result;
	if (result != SPF_RESULT_FAIL || !f->outline.has_exp)
		return SPF_TURN_END;
	s->origin = f;
	return spf_explain(s);
}

/* The record on top yields a result: an include matches if it is pass, a
 * redirect takes it as its own (sections 5.2, 6.1). */
static enum spf_turn
leave(struct spf *s, enum spf_result result)
{
	struct spf_frame *f = s->top, *from = f;

	while (f->up != NULL) {
		f = f->up;
		if (f->term.kind == SPF_REDIRECT)
			continue;
		s->top = from = f;
		if (result != SPF_RESULT_PASS) {
			s->verdict.by.domain = NULL;
			s->verdict.path_n = 0;
			return SPF_TURN_NEXT;
		}
		result = result_of(f->term.qualifier);
	}
	s->top = f;
	return finish(s, result, from);
}

static enum spf_turn
matched(struct spf *s)
{
	struct spf_frame *f = s->top;

	if (s->mode == SPF_AUDIT)
		return SPF_TURN_NEXT;
	spf_place_at(&s->verdict.by, f, &f->term);
	spf_path_to(s, f);
	return leave(s, result_of(f->term.qualifier));
}

/* --- terms --------------------------------------------------------------- */

/* Section 4.6.4: counted before it is looked up. */
static enum spf_turn
begin_term(struct spf *s)
{
	struct spf_frame *f = s->top;
	unsigned max =
	    s->mode == SPF_AUDIT ? SPF_AUDIT_LOOKUPS_MAX : SPF_LOOKUPS_MAX;

	f->target = "";
	f->row = SPF_NO_ROW;
	if (spf_kind_counts(f->term.kind)) {
		if (s->verdict.lookups == max && s->mode == SPF_CHECK)
			return spf_permanent(s, SPF_LOOKUPS, f, &f->term);
		if (s->verdict.lookups == max) {
			s->verdict.partial = true;
			return SPF_TURN_END;
		}
		f->row = spf_row(s, f, &f->term);
		spf_charge(s);
	}
	if (s->mode == SPF_AUDIT)
		spf_remark(s);
	return spf_term_run(s);
}

/* Behind `all`: an audit lists it, nobody evaluates it (section 5.1). */
static void
unreached(struct spf *s, enum spf_note_kind kind, const struct spf_term *t)
{
	struct spf_frame *f = s->top;
	size_t row = spf_row(s, f, t);

	if (row != SPF_NO_ROW)
		s->rows[row].unreached = true;
	spf_note(s, kind, f, t);
}

static enum spf_turn
end_record(struct spf *s)
{
	struct spf_frame *f = s->top;
	const struct spf_outline *o = &f->outline;

	if (!o->has_redirect || f->redirected)
		return leave(s, SPF_RESULT_NEUTRAL);
	if (o->has_all) {
		unreached(s, SPF_NOTE_REDIRECT, &o->redirect);
		return leave(s, SPF_RESULT_NEUTRAL);
	}
	f->redirected = true;
	f->term = o->redirect;
	return begin_term(s);
}

static bool
is_modifier(const struct spf_term *t)
{
	return t->kind == SPF_REDIRECT || t->kind == SPF_EXP ||
	       t->kind == SPF_OTHER;
}

static enum spf_turn
next_term(struct spf *s)
{
	struct spf_frame *f = s->top;

	if (!f->open)
		return begin(s);
	while (!f->redirected &&
	       spf_cursor_next(&f->cursor, &f->term) == SPF_READ_TERM) {
		if (is_modifier(&f->term))
			continue;
		if (!f->past_all)
			return begin_term(s);
		unreached(s, SPF_NOTE_UNREACHED, &f->term);
	}
	return end_record(s);
}

/* --- explanation (section 6.2): whatever goes wrong, there is none ------- */

enum spf_turn
spf_explain(struct spf *s)
{
	struct spf_frame *f = s->origin;
	char text[SPF_EXPLANATION_MAX + 1];
	const char *target;
	enum spf_turn turn;

	turn = spf_target(s, f, &f->outline.exp, &target);
	if (turn != SPF_TURN_NEXT)
		return turn;
	if (s->exp == NULL) {
		if (dname_from_text(&s->one.name, target, NULL) != DNAME_OK)
			return SPF_TURN_END;
		return spf_ask(s, SPF_WAIT_EXP, RRTYPE_TXT);
	}
	turn = spf_need_name(s, s->exp, s->exp_len, f->domain);
	if (turn != SPF_TURN_NEXT)
		return turn;
	s->facts.domain = f->domain;
	if (spf_macro_explain(
		text, sizeof(text), s->exp, s->exp_len, &s->facts))
		s->verdict.explanation =
		    arena_copy(s->arena, text, strlen(text));
	return SPF_TURN_END;
}

enum spf_turn
spf_explained(struct spf *s, const struct answer *got)
{
	const struct packet_txt *txt = got->txt;
	size_t at;

	if (got->outcome != OUTCOME_RECORDS || got->n != 1 ||
	    spf_macro_fault(SPF_TEXT_EXPLAIN, txt->bytes, txt->len, &at) !=
		NULL)
		return SPF_TURN_END;
	s->exp = (uint8_t *)arena_copy(s->arena, txt->bytes, txt->len);
	s->exp_len = txt->len;
	return s->exp == NULL ? SPF_TURN_END : spf_explain(s);
}

/* --- stepping ------------------------------------------------------------ */

/* An audit's result is in what it has found wrong. */
static void
conclude(struct spf *s)
{
	struct spf_verdict *v = &s->verdict;

	if (s->mode == SPF_CHECK)
		return;
	switch (v->problem) {
	case SPF_FINE:
		v->result = SPF_RESULT_NEUTRAL;
		break;
	case SPF_NO_RECORD:
	case SPF_NO_NAME:
	case SPF_BAD_NAME:
		v->result = SPF_RESULT_NONE;
		break;
	case SPF_DNS:
	case SPF_TIME:
	case SPF_SPACE:
		v->result = SPF_RESULT_TEMPERROR;
		break;
	case SPF_MULTIPLE:
	case SPF_SYNTAX:
	case SPF_LOOKUPS:
	case SPF_VOIDS:
	case SPF_MX_NAMES:
	case SPF_TARGET_NONE:
	case SPF_TARGET_GONE:
	case SPF_TARGET_BAD:
		v->result = SPF_RESULT_PERMERROR;
		break;
	}
}

static enum spf_next
run(struct spf *s, enum spf_turn turn)
{
	for (;;) {
		switch (turn) {
		case SPF_TURN_NEXT:
			turn = next_term(s);
			break;
		case SPF_TURN_MATCH:
			turn = matched(s);
			break;
		case SPF_TURN_ASK:
			return SPF_ASK;
		case SPF_TURN_END:
			s->asks_n = 0;
			conclude(s);
			return SPF_DONE;
		}
	}
}

enum spf_next
spf_step(struct spf *s, const struct answer *got, size_t got_n)
{
	if (got_n == 0)
		return run(s, SPF_TURN_NEXT);
	if (s->wait == SPF_WAIT_RECORD)
		return run(s, on_txt(s, got));
	return run(s, spf_term_answer(s, got, got_n));
}

const struct question *
spf_asks(const struct spf *s, size_t *n)
{
	*n = s->asks_n;
	return s->asks;
}

void
spf_expire(struct spf *s)
{
	struct spf_verdict *v = &s->verdict;

	if (v->result == SPF_RESULT_FAIL)
		return; /* only its explanation was missing */
	v->result = SPF_RESULT_TEMPERROR;
	v->problem = SPF_TIME;
	v->partial = true;
	v->dns = OUTCOME_TIMEOUT;
	if (s->asks_n > 0)
		v->dns_q = s->asks[0];
	spf_place_at(&v->where, s->top, s->top->open ? &s->top->term : NULL);
	spf_path_to(s, s->top);
	s->asks_n = 0;
}

const struct spf_verdict *
spf_verdict(const struct spf *s)
{
	return &s->verdict;
}
