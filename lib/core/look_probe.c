/* SPDX-License-Identifier: Apache-2.0 */
/* The record is definitely not at its name. Where is it, and what is in its
 * place? One round of questions at one authoritative server of the domain's
 * zone: no cache learns of them, and people are told what to move where. */
#include "core/ede.h"
#include "core/look_private.h"

#include <stdio.h>
#include <string.h>

enum place {
	PLACE_APEX, /* TXT: the domain itself */
	PLACE_DOUBLED,
	PLACE_BARE, /* of a DKIM selector, without _domainkey or itself */
	PLACE_PARENT,
	PLACE_SIBLING,
	PLACE_RANDOM, /* TXT of a name that nobody made: a wildcard? */
	PLACE_ALIAS,  /* CNAME at the name, beside other data? */
	PLACE_ADDR,   /* A at the name: an alias that was flattened? */
	PLACE_RANDOM_ADDR,
	PLACE_HOST, /* A and MX of the domain, MX of the one above */
	PLACE_HOST_MX,
	PLACE_ABOVE_MX,
	PLACE_NS, /* whom the zone names as its servers */
};

/* --- asking --------------------------------------------------------------- */

static void
want_place(struct look *l, enum place place, const struct dname *name,
    enum rrtype type)
{
	if (l->probe.family == 0) {
		look_want_public(l, name, type, 0);
		l->who[l->asks_n - 1] = (uint8_t)place;
	} else if (dname_within(name, &l->probe_zone)) {
		look_want_server(l, &l->probe, place, name, type);
	} else { /* the topmost: all that we ask for is within it */
		look_want_server(l, &l->top, place, name, type);
	}
}

static void
want_below(struct look *l, enum place place, const struct dname *head,
    const struct dname *tail)
{
	struct dname name;

	if (dname_join(&name, head, tail) && !dname_equal(&name, &l->record))
		want_place(l, place, &name, RRTYPE_TXT);
}

static void
want_text_below(struct look *l, enum place place, const char *head,
    const struct dname *tail)
{
	struct dname name;

	if (dname_from_text(&name, head, NULL) == DNAME_OK)
		want_below(l, place, &name, tail);
}

/* Where this check's record of another domain would stand. */
static void
want_domain(struct look *l, enum place place, const struct dname *domain)
{
	struct look_wish other = *l->wish;
	struct dname name;

	other.domain = *domain;
	if (l->kind->name(&name, &other))
		want_place(l, place, &name, RRTYPE_TXT);
}

static void
want_www(struct look *l)
{
	static const struct dname www = {.len = 5, .wire = "\3www"};
	struct dname name;

	if (dname_join(&name, &www, &l->wish->domain))
		want_domain(l, PLACE_SIBLING, &name);
}

/* The name without its underscore. */
static void
want_plain(struct look *l)
{
	struct dname name = l->record;
	uint8_t first = name.wire[0];

	if (first < 2 || name.wire[1] != '_')
		return;
	memmove(name.wire + 1, name.wire + 2, name.len - 2u);
	name.wire[0] = (uint8_t)(first - 1);
	name.len--;
	want_place(l, PLACE_SIBLING, &name, RRTYPE_TXT);
}

static void
want_selector(struct look *l)
{
	const struct dname *domain = &l->wish->domain;
	static const struct dname domainkey = {
	    .len = 11, .wire = "\11domainkey"};
	struct dname plain;

	want_text_below(l, PLACE_BARE, l->wish->selector, domain);
	want_text_below(l, PLACE_BARE, "_domainkey", domain);
	if (dname_join(&plain, &domainkey, domain))
		want_text_below(l, PLACE_SIBLING, l->wish->selector, &plain);
}

/* Panels add the name of the domain or that of the zone. */
static void
want_doubled(struct look *l)
{
	const struct dname *domain = &l->wish->domain;
	const struct dname *zone =
	    l->probe.family != 0 ? &l->probe_zone : &l->wish->registrable;

	want_below(l, PLACE_DOUBLED, &l->record, domain);
	if (!dname_equal(zone, domain) && dname_labels(zone) > 0)
		want_below(l, PLACE_DOUBLED, &l->record, zone);
}

static void
want_elsewhere(struct look *l)
{
	const struct look_wish *w = l->wish;
	struct dname above;

	if (w->check != CHECK_SPF)
		want_place(l, PLACE_APEX, &w->domain, RRTYPE_TXT);
	if (w->quick)
		return;
	want_doubled(l);
	if (w->check == CHECK_DKIM)
		want_selector(l);
	else
		want_plain(l);
	if (w->check != CHECK_DMARC)
		want_www(l);
	/* SPF and DMARC of the domain above are that domain's own */
	if ((w->check == CHECK_OWNERSHIP || w->check == CHECK_DKIM) &&
	    look_below(&w->domain, &w->registrable)) {
		dname_parent(&above, &w->domain);
		want_domain(l, PLACE_PARENT, &above);
	}
}

static bool
random_sibling(const struct look *l, struct dname *out)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct dname head = {.len = 15, .wire = "\15w------------"};
	uint32_t x = l->wish->seed ^ dname_hash(&l->record);
	struct dname parent;

	dname_parent(&parent, &l->record);
	if (!dname_within(&parent, &l->wish->registrable))
		return false;
	for (size_t i = 2; head.wire[i] != 0; i++) {
		x = x * 1664525u + 1013904223u;
		head.wire[i] = (uint8_t)digits[x >> 27];
	}
	return dname_join(out, &head, &parent);
}

/* Something foreign answers at the name: what makes it do so? */
static void
want_around(struct look *l)
{
	const struct answer *a = &l->subject;
	bool alias = a->chain_n > 0 || l->aliases > 0;
	struct dname random;

	if (a->outcome == OUTCOME_NXDOMAIN && !alias)
		return;
	if (!random_sibling(l, &random))
		return;
	if (a->n > 0 || alias)
		want_place(l, PLACE_RANDOM, &random, RRTYPE_TXT);
	if (a->n > 0 && !alias)
		want_place(l, PLACE_ALIAS, &l->record, RRTYPE_CNAME);
	if (a->n > 0 || alias || l->wish->check == CHECK_SPF)
		return;
	want_place(l, PLACE_ADDR, &l->record, RRTYPE_A);
	want_place(l, PLACE_RANDOM_ADDR, &random, RRTYPE_A);
}

/* A host's name was given instead of the domain's? */
static void
want_host(struct look *l)
{
	const struct look_wish *w = l->wish;
	struct dname above;

	if (w->check != CHECK_OWNERSHIP ||
	    !look_below(&w->domain, &w->registrable))
		return;
	dname_parent(&above, &w->domain);
	want_place(l, PLACE_HOST, &w->domain, RRTYPE_A);
	want_place(l, PLACE_HOST_MX, &w->domain, RRTYPE_MX);
	want_place(l, PLACE_ABOVE_MX, &w->registrable, RRTYPE_MX);
}

static bool
apex_counts(const struct look *l)
{
	const struct look_wish *w = l->wish;

	return w->check == CHECK_OWNERSHIP && w->apex_ok && w->token[0] != '\0';
}

/* Something of ours is at the name, damaged: what is elsewhere does not
 * matter. */
static bool
is_foreign(enum code code)
{
	switch (code) {
	case CODE_NOT_PUBLISHED:
	case CODE_TOKEN_OTHER:
	case CODE_KEY_OTHER:
	case CODE_KEY_INVALID:
	case CODE_WRONG_TAG:
		return true;
	default: /* all other reasons */
		return false;
	}
}

/* With nothing in particular to look for, any place would do for "right". */
static bool
may_be_elsewhere(const struct look *l)
{
	return l->wish->check != CHECK_SPF || l->wish->include[0] != '\0';
}

static enum look_next
nowhere(struct look *l)
{
	if (l->kind->value != NULL)
		return look_judged(l);
	return look_evaluate(l, &l->subject, SOURCE_MISSING);
}

enum look_next
look_missing(struct look *l, const struct answer *a)
{
	l->source = SOURCE_MISSING;
	l->subject = *a;
	if (l->kind->value != NULL) {
		l->kind->value(l, a->txt, a->n);
		l->is_judged = true;
		if (!is_foreign(l->judged.code) && !apex_counts(l))
			return look_end(l);
	}
	look_round(l, PHASE_WRONG);
	if (!l->wish->quick || apex_counts(l))
		want_elsewhere(l);
	if (!l->wish->quick) {
		want_around(l);
		want_host(l);
	}
	if (l->wish->explain && l->probe.family != 0)
		want_place(l, PLACE_NS, &l->probe_zone, RRTYPE_NS);
	return l->asks_n > 0 ? LOOK_ASK : nowhere(l);
}

/* --- answers -------------------------------------------------------------- */

static bool
believed(const struct look *l, const struct answer *a)
{
	return look_definitive(a) && (a->aa || l->probe.family == 0);
}

/* The answer of a place that was asked, if it can be believed. */
static const struct answer *
at(const struct look *l, const struct answer *got, enum place place)
{
	for (size_t k = 0; k < l->asks_n; k++) {
		if (l->who[k] == place)
			return believed(l, &got[k]) ? &got[k] : NULL;
	}
	return NULL;
}

static bool
found_at(const struct look *l, const struct answer *got, enum place place)
{
	const struct answer *a = at(l, got, place);

	return a != NULL && a->outcome == OUTCOME_RECORDS;
}

static enum look_next
end_elsewhere(struct look *l, size_t k, const struct answer *a, enum code code)
{
	size_t i = 0;

	while (l->kind->has(l, &a->txt[i], 1) != HAS_IT)
		i++;
	look_found(l, &a->txt[i]);
	if (code == CODE_AT_APEX)
		look_saw_txt(l, &a->txt[i]);
	else
		look_saw_name(l, &l->asks[k].q.name);
	return look_finish(l, VERDICT_FAIL, code);
}

/* The record's value at a wrong name; LOOK_ASK: nowhere. */
static enum look_next
elsewhere(struct look *l, const struct answer *got)
{
	static const struct {
		enum place place;
		enum code code;
	} rows[] = {
	    {PLACE_DOUBLED, CODE_NAME_DOUBLED},
	    {PLACE_APEX, CODE_AT_APEX},
	    {PLACE_BARE, CODE_AT_BARE_SELECTOR},
	    {PLACE_SIBLING, CODE_AT_SIBLING},
	    {PLACE_PARENT, CODE_AT_PARENT},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t k = 0; k < l->asks_n; k++) {
			const struct answer *a = &got[k];

			if (l->who[k] != rows[i].place || !believed(l, a) ||
			    a->chain_n > 0 || look_has(l, a) != HAS_IT)
				continue;
			return end_elsewhere(l, k, a, rows[i].code);
		}
	}
	return LOOK_ASK;
}

static enum look_next
at_apex(struct look *l, const struct answer *a)
{
	if (l->probe.family == 0)
		return look_pass_apex(l, a);
	l->apex = true;
	return look_ask_public(l);
}

/* The domain itself might have it, and that counts: without its answer there
 * is no "missing". */
static enum look_next
apex_unknown(struct look *l, const struct answer *a)
{
	enum outcome outcome = a->outcome;

	if (l->probe.family == 0 && ede_bogus(a))
		return look_bogus_end(l, a);
	if (outcome <= OUTCOME_NXDOMAIN && look_definitive(a))
		outcome = OUTCOME_LAME;
	return look_undecided(l, look_code_of(outcome),
	    "not at the name; TXT of the domain itself: %s",
	    look_word(outcome, a->rcode));
}

/* --- what is around ------------------------------------------------------- */

static void
place(struct look *l, enum verdict verdict, enum code code)
{
	l->place_verdict = verdict;
	l->place_code = code;
}

static bool
same_txt(const struct packet_txt *a, const struct packet_txt *b)
{
	return a->len == b->len &&
	       (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
}

static bool
same_answer(const struct look *l, const struct answer *random)
{
	const struct answer *a = &l->subject;
	const struct dname *alias = NULL;

	if (a->n > 0)
		return random->outcome == OUTCOME_RECORDS && random->n > 0 &&
		       same_txt(&a->txt[0], &random->txt[0]);
	if (l->aliases > 0)
		alias = &l->seen[1];
	else if (a->chain_n > 0)
		alias = &a->chain[a->chain_n - 1];
	for (size_t i = 0; alias != NULL && i < random->chain_n; i++) {
		if (dname_equal(&random->chain[i], alias))
			return true;
	}
	return false;
}

static bool
is_wildcard(struct look *l, const struct answer *got)
{
	const struct answer *a = at(l, got, PLACE_RANDOM);

	if (a == NULL || !same_answer(l, a))
		return false;
	place(l, VERDICT_FAIL, CODE_WILDCARD_SHADOW);
	if (l->subject.n > 0) {
		look_saw_txt(l, &l->subject.txt[0]);
	} else {
		look_saw(l, "an alias to ");
		look_saw_name(l, &a->chain[a->chain_n - 1]);
	}
	return true;
}

static bool
is_alias_too(struct look *l, const struct answer *got)
{
	const struct answer *a = at(l, got, PLACE_ALIAS);

	if (a != NULL && a->outcome == OUTCOME_RECORDS && a->n > 0 &&
	    a->chain_n == 0) {
		look_saw(l, "an alias to ");
		look_saw_name(l, &a->names[0]);
		look_saw(l, ", and TXT");
	} else if (l->coexists) {
		look_saw(l, "an alias at some, TXT at others");
	} else {
		return false;
	}
	place(l, VERDICT_FAIL, CODE_CNAME_COEXISTS);
	return true;
}

/* The target of an alias into the zone does not exist, and without the zone it
 * would be a name of two labels or more. */
static bool
is_target_doubled(struct look *l)
{
	const struct dname *zone =
	    l->probe.family != 0 ? &l->probe_zone : &l->wish->registrable;
	const struct answer *a = &l->subject;
	const struct dname *target = &l->wanted;

	if (a->chain_n > 0)
		target = &a->chain[a->chain_n - 1];
	if (dname_equal(target, &l->record) || !look_below(target, zone) ||
	    a->outcome != OUTCOME_NXDOMAIN ||
	    dname_labels(target) < dname_labels(zone) + 2)
		return false;
	look_saw_name(l, target);
	place(l, VERDICT_FAIL, CODE_TARGET_DOUBLED);
	return true;
}

static bool
is_flattened(struct look *l, const struct answer *got)
{
	const struct answer *a = at(l, got, PLACE_ADDR);
	char shown[46];

	if (!found_at(l, got, PLACE_ADDR) || a->n == 0 ||
	    found_at(l, got, PLACE_RANDOM_ADDR))
		return false;
	packet_addr_show(&a->addr[0], shown);
	look_saw(l, "%s", shown);
	place(l, VERDICT_FAIL, CODE_CNAME_FLATTENED);
	return true;
}

static bool
is_host(struct look *l, const struct answer *got)
{
	const struct answer *mx = at(l, got, PLACE_HOST_MX);

	if (!found_at(l, got, PLACE_HOST) ||
	    !found_at(l, got, PLACE_ABOVE_MX) || mx == NULL ||
	    mx->outcome != OUTCOME_NODATA)
		return false;
	look_saw_name(l, &l->wish->registrable);
	place(l, VERDICT_NONE, CODE_WRONG_NAME_REGISTERED);
	return true;
}

static void
look_around(struct look *l, const struct answer *got)
{
	if (is_target_doubled(l) || is_wildcard(l, got) ||
	    is_alias_too(l, got) || is_flattened(l, got))
		return;
	if (!l->is_judged || l->judged.code == CODE_NOT_PUBLISHED)
		(void)is_host(l, got);
}

/* --- servers that only the zone itself names ------------------------------ */

static bool
is_known(const struct look *l, const struct dname *server)
{
	for (size_t i = 0; i < l->servers_n; i++) {
		if (dname_equal(&l->servers[i].name, server))
			return true;
	}
	return false;
}

static enum look_next
ask_stray(struct look *l, const struct answer *ns)
{
	if (ns == NULL || ns->outcome != OUTCOME_RECORDS || l->aliases > 0 ||
	    !dname_equal(&l->probe_zone, &l->zone))
		return nowhere(l);
	for (size_t i = 0; i < ns->n; i++) {
		if (is_known(l, &ns->names[i]))
			continue;
		l->stray = ns->names[i];
		look_round(l, PHASE_STRAY_A);
		look_want_public(l, &l->stray, RRTYPE_A, 0);
		return LOOK_ASK;
	}
	return nowhere(l);
}

enum look_next
look_stray_a_take(struct look *l, const struct answer *got)
{
	if (got->outcome != OUTCOME_RECORDS ||
	    (packet_addr_private(&got->addr[0]) && !l->wish->private_ok))
		return nowhere(l);
	look_round(l, PHASE_STRAY);
	look_want_server(l, &got->addr[0], 0, &l->record, RRTYPE_TXT);
	return LOOK_ASK;
}

enum look_next
look_stray_take(struct look *l, const struct answer *got)
{
	if (!got->aa || look_has(l, got) != HAS_IT)
		return nowhere(l);
	l->finding.saw[0] = '\0';
	look_saw_name(l, &l->stray);
	return look_finish(l, VERDICT_FAIL, CODE_WRONG_ZONE);
}

/* --- all of it ------------------------------------------------------------ */

static bool
is_gone(const struct look *l, const struct answer *a)
{
	return a->outcome == OUTCOME_NXDOMAIN && a->chain_n == 0 &&
	       look_definitive(a) &&
	       dname_equal(&l->wish->domain, &l->wish->registrable);
}

enum look_next
look_wrong_take(struct look *l, const struct answer *got)
{
	const struct answer *apex = l->who[0] == PLACE_APEX ? &got[0] : NULL;
	bool sure = apex != NULL && believed(l, apex);

	if (sure && apex_counts(l) && apex->chain_n == 0 &&
	    look_has(l, apex) == HAS_IT)
		return at_apex(l, apex);
	if (may_be_elsewhere(l) && elsewhere(l, got) == LOOK_DONE)
		return LOOK_DONE;
	if (apex != NULL && !sure && apex_counts(l))
		return apex_unknown(l, apex);
	if (l->probe.family == 0 &&
	    is_gone(l, apex != NULL ? apex : &l->subject))
		return look_no_domain(l, apex != NULL ? apex : &l->subject);
	if (sure)
		l->exists = apex->outcome == OUTCOME_NXDOMAIN
				? DMARC_EXISTS_NO
				: DMARC_EXISTS_YES;
	look_around(l, got);
	return ask_stray(l, at(l, got, PLACE_NS));
}
