/* SPDX-License-Identifier: Apache-2.0 */
/* A look at our own include: is it sound, and do our addresses pass? Where
 * nobody says which they are, the first of each family that the record leads to
 * stand for all: ip4, ip6, or what an `a` names, in it or in what it includes.
 */
#include "core/ede.h"
#include "core/look_private.h"

#include <stdio.h>
#include <string.h>

#define PLACES_MAX 16 /* names to read, or to find the addresses of */

struct look_ours {
	struct look_memo *memo;
	bool is_found; /* the addresses are known, or there are none */
	size_t at, n;
	struct question places[PLACES_MAX];
};

static bool
has_family(const struct look *l, uint8_t family)
{
	for (size_t i = 0; i < l->addresses_n; i++) {
		if (l->addresses[i].family == family)
			return true;
	}
	return false;
}

static void
add_addr(struct look *l, const struct packet_addr *addr)
{
	if (!has_family(l, addr->family)) /* so there are no more than two */
		l->addresses[l->addresses_n++] = *addr;
}

static void
add_place(struct look_ours *o, const struct dname *name, enum rrtype type)
{
	if (o->n == PLACES_MAX)
		return;
	o->places[o->n++] = (struct question){
	    .name = *name, .type = (uint16_t)type, .flags = QUESTION_RD};
}

/* The name that a term gives, if it is one without macros. */
static bool
spec_name(struct dname *out, const struct dname *own,
    const struct packet_txt *txt, const struct spf_term *term)
{
	char text[DNAME_TEXT_MAX + 1];

	if (term->spec_len == 0) {
		*out = *own;
		return true;
	}
	if (term->spec_len > DNAME_TEXT_MAX ||
	    memchr(txt->bytes + term->spec_at, '%', term->spec_len) != NULL ||
	    memchr(txt->bytes + term->spec_at, 0, term->spec_len) != NULL)
		return false;
	memcpy(text, txt->bytes + term->spec_at, term->spec_len);
	text[term->spec_len] = '\0';
	return dname_from_text(out, text, NULL) == DNAME_OK;
}

static void
take_term(struct look *l, const struct dname *own, const struct packet_txt *txt,
    const struct spf_term *term)
{
	struct look_ours *o = l->ours;
	struct dname name;

	if (term->kind == SPF_IP4 || term->kind == SPF_IP6) {
		if (term->qualifier == '+')
			add_addr(l, &term->addr);
		return;
	}
	if (term->qualifier != '+' || !spec_name(&name, own, txt, term))
		return;
	if (term->kind == SPF_INCLUDE || term->kind == SPF_REDIRECT)
		add_place(o, &name, RRTYPE_TXT);
	if (term->kind == SPF_A) {
		add_place(o, &name, RRTYPE_A);
		add_place(o, &name, RRTYPE_AAAA);
	}
}

static void
take_place(struct look *l, const struct question *q, const struct answer *a)
{
	struct spf_cursor c;
	struct spf_term term;
	size_t i = 0;

	if (a->outcome != OUTCOME_RECORDS)
		return;
	if (q->type != RRTYPE_TXT) {
		add_addr(l, &a->addr[0]);
		return;
	}
	if (spf_records(a->txt, a->n, &i) != 1 ||
	    a->txt[i].len > SPF_RECORD_MAX)
		return;
	spf_cursor_init(&c, a->txt[i].bytes, a->txt[i].len);
	while (spf_cursor_next(&c, &term) == SPF_READ_TERM)
		take_term(l, &q->name, &a->txt[i], &term);
}

static enum look_next
look_at_record(struct look *l, const struct answer *a)
{
	l->ours->is_found = true;
	if (look_definitive(a))
		return look_evaluate(l, a, SOURCE_LAST);
	if (ede_bogus(a))
		return look_bogus_end(l, a);
	return look_resolver_failed(l, a->outcome, a->rcode);
}

static enum look_next
walk(struct look *l)
{
	struct look_ours *o = l->ours;
	struct answer got;

	while (o->at < o->n) {
		const struct question *q = &o->places[o->at];
		bool known = o->at > 0 && has_family(l, 4) && has_family(l, 6);

		if (known)
			break;
		if (look_memo_ask(l, &o->memo, q, 1, &got) == LOOK_ASK)
			return LOOK_ASK;
		/* addresses that policy names are all there are */
		if (l->wish->addresses_n == 0)
			take_place(l, q, &got);
		o->at++;
	}
	(void)look_memo_ask(l, &o->memo, &o->places[0], 1, &got);
	return look_at_record(l, &got);
}

enum look_next
look_ours_begin(struct look *l)
{
	struct look_ours *o = arena_alloc(l->arena, sizeof(*o));

	if (o == NULL)
		return look_undecided(l, CODE_TIMEOUT, "no memory");
	o->memo = NULL;
	o->is_found = false;
	o->at = o->n = 0;
	l->ours = o;
	add_place(o, &l->record, RRTYPE_TXT);
	return walk(l);
}

static enum look_next
ours_on(struct look *l, const struct answer *got)
{
	if (l->ours->is_found)
		return look_spf_on(l, got);
	look_memo_take(l, &l->ours->memo, got);
	return walk(l);
}

static bool
ours_expire(struct look *l)
{
	return l->ours->is_found && look_spf_expire(l);
}

void
look_ours_judge(
    struct look *l, const struct spf_verdict *const checks[], size_t n)
{
	struct judged *j = &l->judged;
	char shown[46];

	if (j->verdict != VERDICT_PASS)
		return;
	if (n == 0) {
		j->verdict = VERDICT_FAIL;
		j->code = CODE_SPF_NOT_PASS;
		snprintf(j->saw, sizeof(j->saw),
		    "no address was found by following it");
	}
	for (size_t i = 0; i < n; i++) {
		if (checks[i]->result == SPF_RESULT_PASS)
			continue;
		packet_addr_show(&l->addresses[i], shown);
		j->verdict = checks[i]->result == SPF_RESULT_TEMPERROR
				 ? VERDICT_UNDECIDED
				 : VERDICT_FAIL;
		j->code = checks[i]->result == SPF_RESULT_TEMPERROR
			      ? CODE_TIMEOUT
			      : CODE_SPF_NOT_PASS;
		snprintf(j->saw, sizeof(j->saw), "%s for %s",
		    spf_result_name(checks[i]->result), shown);
		return;
	}
}

static bool
ours_where(struct dname *out, const struct look_wish *w)
{
	*out = w->domain;
	return true;
}

const struct look_kind look_kind_ours = {
    .name = ours_where,
    .has = look_spf_has,
    .judge = look_spf_judge,
    .on = ours_on,
    .expire = ours_expire,
};
