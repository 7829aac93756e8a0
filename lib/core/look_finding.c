/* SPDX-License-Identifier: Apache-2.0 */
/* The finding of a look: evidence, words for what was seen, and the ends that
 * need no judging. */
#include "core/look_private.h"
#include "core/txt.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const ede_words[] = {
    [1] = "DNSKEY algorithm not supported",
    [2] = "DS digest type not supported",
    [5] = "DNSSEC indeterminate",
    [6] = "DNSSEC bogus",
    [7] = "signature expired",
    [8] = "signature not yet valid",
    [9] = "DNSKEY missing",
    [10] = "signatures missing",
    [11] = "no zone key bit set",
    [12] = "NSEC missing",
};

static const char *
ede_word(const struct answer *a)
{
	if (!a->has_ede || a->ede >= ARRAY_LEN(ede_words))
		return NULL;
	return ede_words[a->ede];
}

bool
look_bogus(const struct answer *a)
{
	return a->outcome == OUTCOME_SERVFAIL && ede_word(a) != NULL;
}

static void saw_add_v(struct look *l, const char *fmt, va_list ap) PRINTF(2, 0);

static void
saw_add_v(struct look *l, const char *fmt, va_list ap)
{
	char *saw = l->finding.saw;
	size_t len = strlen(saw);
	int n = vsnprintf(saw + len, SAW_MAX + 1 - len, fmt, ap);

	if (n > 0 && (size_t)n > SAW_MAX - len)
		memcpy(saw + SAW_MAX - 3, "...", 3);
}

void
look_saw(struct look *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	saw_add_v(l, fmt, ap);
	va_end(ap);
}

void
look_saw_name(struct look *l, const struct dname *name)
{
	char shown[DNAME_SHOWN_MAX + 1];

	dname_show(name, shown);
	look_saw(l, "%s", shown);
}

void
look_saw_txt(struct look *l, const struct packet_txt *txt)
{
	txt_show(txt->bytes, txt->len, l->finding.saw, sizeof(l->finding.saw));
}

/* Evidence */

static void
found_add(struct finding *f, const struct packet_txt *txt)
{
	struct found *new = &f->found[f->found_n];
	bool cut = txt->len > FOUND_LEN_MAX;
	size_t len = cut ? FOUND_LEN_MAX : txt->len;

	if (f->found_n == FOUND_MAX)
		return;
	for (size_t i = 0; i < f->found_n; i++) {
		if (f->found[i].len == len &&
		    memcmp(f->found[i].bytes, txt->bytes, len) == 0)
			return;
	}
	*new = (struct found){.len = (uint8_t)len, .cut = cut};
	if (len > 0)
		memcpy(new->bytes, txt->bytes, len);
	f->found_n++;
}

/* The first record of this kind at the record's own name; NULL = none. All of
 * them are kept as evidence. */
const struct packet_txt *
look_found_all(struct look *l, enum ownership_match kind)
{
	const struct packet_txt *first = NULL;

	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		for (size_t k = 0; k < s->txt_n; k++) {
			if (ownership_match(&s->txt[k], l->wish.token) != kind)
				continue;
			if (first == NULL)
				first = &s->txt[k];
			found_add(&l->finding, &s->txt[k]);
		}
	}
	return first;
}

/* The matching record of an answer that has one. */
const struct packet_txt *
look_found_match(struct look *l, const struct answer *a)
{
	for (size_t i = 0; i < a->n; i++) {
		if (ownership_match(&a->txt[i], l->wish.token) !=
		    OWNERSHIP_MATCH)
			continue;
		found_add(&l->finding, &a->txt[i]);
		return &a->txt[i];
	}
	return NULL;
}

static void
fact_fill(struct server_fact *f, const struct look_server *s)
{
	char shown[DNAME_SHOWN_MAX + 1] = "";

	if (!s->resolver)
		dname_show(&s->name, shown);
	*f = (struct server_fact){.outcome = s->outcome,
	    .has = s->has,
	    .has_serial = s->has_serial,
	    .serial = s->serial};
	memcpy(f->name, shown, sizeof(f->name) - 1);
	if (s->addr.family != 0)
		packet_addr_show(&s->addr, f->addr);
}

enum look_next
look_finish(struct look *l, enum verdict verdict, enum code code)
{
	struct finding *f = &l->finding;

	f->check = CHECK_OWNERSHIP;
	f->verdict = verdict;
	f->code = code;
	(void)look_found_all(l, OWNERSHIP_MATCH);
	(void)look_found_all(l, OWNERSHIP_OTHER);
	(void)look_found_all(l, OWNERSHIP_UNRELATED);
	for (size_t i = 0; i < l->servers_n; i++)
		fact_fill(&f->servers[i], &l->servers[i]);
	f->servers_n = l->servers_n;
	look_round(l, PHASE_DONE);
	return LOOK_DONE;
}

/* Ends */

enum look_next
look_undecided(struct look *l, enum code code, const char *fmt, ...)
{
	va_list ap;

	l->finding.saw[0] = '\0';
	va_start(ap, fmt);
	saw_add_v(l, fmt, ap);
	va_end(ap);
	return look_finish(l, VERDICT_UNDECIDED, code);
}

enum look_next
look_pass(struct look *l, const struct answer *a, enum code code)
{
	bool proven = a->ad && l->wish.trusted;
	const struct packet_txt *txt = look_found_match(l, a);

	l->finding.assurance = proven ? ASSURANCE_DNSSEC : ASSURANCE_SINGLE;
	if (a->chain_n > 0)
		l->finding.delegated = true;
	if (txt != NULL)
		look_saw_txt(l, txt);
	return look_finish(l, VERDICT_PASS, code);
}

enum look_next
look_no_domain(struct look *l, const struct answer *a)
{
	if (a->has_soa)
		l->finding.neg_ttl_s = a->neg_ttl_s;
	look_saw_name(l, &l->wish.registrable);
	return look_finish(l, VERDICT_NONE, CODE_NO_DOMAIN);
}

enum look_next
look_bogus_end(struct look *l, const struct answer *a)
{
	const char *word = look_bogus(a) ? ede_word(a) : NULL;

	if (word == NULL)
		return look_undecided(l, CODE_DNSSEC_BOGUS,
		    "answers only when checking is disabled");
	return look_undecided(
	    l, CODE_DNSSEC_BOGUS, "%s (EDE %u)", word, (unsigned)a->ede);
}

enum code
look_code_of(enum outcome outcome)
{
	static const enum code codes[] = {
	    [OUTCOME_RECORDS] = CODE_SERVFAIL, /* stale */
	    [OUTCOME_NODATA] = CODE_SERVFAIL,
	    [OUTCOME_NXDOMAIN] = CODE_SERVFAIL,
	    [OUTCOME_REFERRAL] = CODE_LAME,
	    [OUTCOME_SERVFAIL] = CODE_SERVFAIL,
	    [OUTCOME_REFUSED] = CODE_REFUSED,
	    [OUTCOME_RCODE] = CODE_REFUSED,
	    [OUTCOME_LAME] = CODE_LAME,
	    [OUTCOME_TIMEOUT] = CODE_TIMEOUT,
	    [OUTCOME_MALFORMED] = CODE_BAD_PACKET,
	};

	return codes[outcome];
}

static const char *
rcode_word(uint8_t rcode)
{
	switch (rcode) {
	case 1:
		return "FORMERR";
	case 4:
		return "NOTIMP";
	case 9:
		return "NOTAUTH";
	}
	return "an unusual rcode";
}

const char *
look_word(enum outcome outcome, uint8_t rcode)
{
	static const char *const words[] = {
	    [OUTCOME_RECORDS] = "a stale answer",
	    [OUTCOME_NODATA] = "a stale answer",
	    [OUTCOME_NXDOMAIN] = "a stale answer",
	    [OUTCOME_REFERRAL] = "not its zone",
	    [OUTCOME_SERVFAIL] = "SERVFAIL",
	    [OUTCOME_REFUSED] = "REFUSED",
	    [OUTCOME_LAME] = "not its zone",
	    [OUTCOME_TIMEOUT] = "no answer",
	    [OUTCOME_MALFORMED] = "unreadable answer",
	};

	if (outcome == OUTCOME_RCODE)
		return rcode_word(rcode);
	return words[outcome];
}

enum look_next
look_resolver_failed(struct look *l, enum outcome outcome, uint8_t rcode)
{
	return look_undecided(l, look_code_of(outcome), "the resolver: %s",
	    look_word(outcome, rcode));
}
