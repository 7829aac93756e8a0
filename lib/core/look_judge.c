/* SPDX-License-Identifier: Apache-2.0 */
/* What single answers are worth, and what all of them mean together. */
#include "core/look_private.h"
#include "core/txt.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* RFC 8914: 3 and 19 mark what a cache serves because it could not ask (RFC
 * 8767). That proves neither presence nor absence. */
enum { EDE_STALE = 3, EDE_STALE_NXDOMAIN = 19 };

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
look_definitive(const struct answer *a)
{
	if (a->has_ede && (a->ede == EDE_STALE || a->ede == EDE_STALE_NXDOMAIN))
		return false;
	return a->outcome <= OUTCOME_NXDOMAIN;
}

bool
look_bogus(const struct answer *a)
{
	return a->outcome == OUTCOME_SERVFAIL && ede_word(a) != NULL;
}

bool
look_below(const struct dname *name, const struct dname *zone)
{
	return dname_within(name, zone) && !dname_equal(name, zone);
}

bool
look_match(const struct look *l, const struct answer *a)
{
	if (a->outcome != OUTCOME_RECORDS || !look_definitive(a))
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (ownership_match(&a->txt[i], l->wish.token) ==
		    OWNERSHIP_MATCH)
			return true;
	}
	return false;
}

/* Data behind a target that lies outside the zone is not its servers' to
 * give. Inside, an answer stands for itself if it has records or proves that
 * there are none; a lone CNAME is a server that does not follow aliases. */
const struct dname *
look_alias(const struct look *l, const struct answer *a)
{
	for (size_t i = 0; i < a->chain_n; i++) {
		if (!dname_within(&a->chain[i], &l->zone))
			return &a->chain[i];
	}
	if (a->chain_n == 0 || a->outcome != OUTCOME_NODATA || a->has_soa)
		return NULL;
	return &a->chain[a->chain_n - 1];
}

static bool
leads_down(const struct look *l, const struct answer *a)
{
	return a->ns_n > 0 && look_below(&a->cut, &l->zone) &&
	       dname_within(&l->wanted, &a->cut);
}

void
look_classify(struct look *l, struct look_server *s, const struct answer *a)
{
	s->outcome = a->outcome;
	s->rcode = a->rcode;
	s->chain_bad = a->chain_bad;
	if (a->outcome == OUTCOME_REFERRAL && leads_down(l, a))
		s->state = SERVER_POINTS;
	else if (a->outcome == OUTCOME_REFERRAL)
		s->outcome = OUTCOME_LAME;
	if (a->outcome > OUTCOME_NXDOMAIN)
		return;
	if (!a->aa || !look_definitive(a)) {
		s->outcome = OUTCOME_LAME;
		return;
	}
	if (look_alias(l, a) != NULL) {
		s->state = SERVER_POINTS;
		return;
	}
	s->state = SERVER_SETTLED;
	s->has = look_match(l, a);
	s->has_serial = a->has_soa;
	s->serial = a->soa_serial;
	s->txt_n = a->outcome == OUTCOME_RECORDS ? a->n : 0;
	s->txt = a->txt;
	if (a->chain_n > 0)
		l->finding.delegated = true;
	if (a->has_soa && a->neg_ttl_s > l->finding.neg_ttl_s)
		l->finding.neg_ttl_s = a->neg_ttl_s;
}

/* The public view as evidence, where there is room beside the servers. */
void
look_note_public(struct look *l, const struct answer *a)
{
	struct look_server *s;

	if (l->servers_n == SERVERS_MAX)
		return;
	s = &l->servers[l->servers_n++];
	*s = (struct look_server){.state = SERVER_READY,
	    .resolver = true,
	    .outcome = a->outcome,
	    .rcode = a->rcode};
	if (!look_definitive(a))
		return;
	s->state = SERVER_SETTLED;
	s->has = look_match(l, a);
	s->txt_n = a->outcome == OUTCOME_RECORDS && !l->apex ? a->n : 0;
	s->txt = a->txt;
	if (l->phase == PHASE_FIXED && a->has_soa)
		l->finding.neg_ttl_s = a->neg_ttl_s;
	if (l->phase == PHASE_FIXED && a->chain_n > 0)
		l->finding.delegated = true;
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

static void saw_add(struct look *l, const char *fmt, ...) PRINTF(2, 3);

static void
saw_add(struct look *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	saw_add_v(l, fmt, ap);
	va_end(ap);
}

static void
saw_add_name(struct look *l, const struct dname *name)
{
	char shown[DNAME_SHOWN_MAX + 1];

	dname_show(name, shown);
	saw_add(l, "%s", shown);
}

static void
saw_set_txt(struct look *l, const struct packet_txt *txt)
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
static const struct packet_txt *
found_collect(struct look *l, enum ownership_match kind)
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
static const struct packet_txt *
found_match(struct look *l, const struct answer *a)
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

static enum look_next
finish(struct look *l, enum verdict verdict, enum code code)
{
	struct finding *f = &l->finding;

	f->check = CHECK_OWNERSHIP;
	f->verdict = verdict;
	f->code = code;
	(void)found_collect(l, OWNERSHIP_MATCH);
	(void)found_collect(l, OWNERSHIP_OTHER);
	(void)found_collect(l, OWNERSHIP_UNRELATED);
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
	return finish(l, VERDICT_UNDECIDED, code);
}

enum look_next
look_pass(struct look *l, const struct answer *a, enum code code)
{
	bool proven = a->ad && l->wish.trusted;
	const struct packet_txt *txt = found_match(l, a);

	l->finding.assurance = proven ? ASSURANCE_DNSSEC : ASSURANCE_SINGLE;
	if (a->chain_n > 0)
		l->finding.delegated = true;
	if (txt != NULL)
		saw_set_txt(l, txt);
	return finish(l, VERDICT_PASS, code);
}

enum look_next
look_no_domain(struct look *l, const struct answer *a)
{
	if (a->has_soa)
		l->finding.neg_ttl_s = a->neg_ttl_s;
	saw_add_name(l, &l->wish.registrable);
	return finish(l, VERDICT_NONE, CODE_NO_DOMAIN);
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

static const enum code code_of[] = {
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

static const char *
outcome_word(enum outcome outcome, uint8_t rcode)
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
	return look_undecided(l, code_of[outcome], "the resolver: %s",
	    outcome_word(outcome, rcode));
}

static void
saw_add_failed(struct look *l, const struct look_server *s)
{
	const char *word = outcome_word(s->outcome, s->rcode);

	if (s->state == SERVER_BARRED)
		word = "a private address";
	else if (s->state == SERVER_NAMED)
		word = "no address";
	saw_add_name(l, &s->name);
	saw_add(l, ": %s", word);
}

/* The most telling of several failures: the servers that do answer come
 * first, in the order of how much they say. */
static enum code
failure_code(const struct look *l)
{
	static const enum code order[] = {CODE_BAD_PACKET, CODE_SERVFAIL,
	    CODE_REFUSED, CODE_TIMEOUT, CODE_LAME};

	for (size_t i = 0; i < l->servers_n; i++) {
		if (l->servers[i].chain_bad)
			return CODE_CNAME_CHAIN;
	}
	for (size_t o = 0; o < ARRAY_LEN(order); o++) {
		for (size_t i = 0; i < l->servers_n; i++) {
			if (code_of[l->servers[i].outcome] == order[o])
				return order[o];
		}
	}
	return CODE_LAME;
}

static enum look_next
nobody_answered(struct look *l)
{
	enum code code = failure_code(l);
	size_t asked = 0;

	for (size_t i = 0; i < l->servers_n; i++)
		asked += l->servers[i].state == SERVER_READY;
	if (asked == 0)
		return look_undecided(l, code, "no usable server address");
	for (size_t i = 0; i < l->servers_n; i++) {
		saw_add(l, "%s", i > 0 ? ", " : "");
		saw_add_failed(l, &l->servers[i]);
	}
	return finish(l, VERDICT_UNDECIDED, code);
}

static enum look_next
disagree(struct look *l, size_t has)
{
	size_t stale = 0;

	saw_add(l, "%zu of %zu servers %s it; stale: ", has, l->servers_n,
	    has == 1 ? "has" : "have");
	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		if (s->state != SERVER_SETTLED || s->has)
			continue;
		saw_add(l, "%s", stale++ > 0 ? ", " : "");
		saw_add_name(l, &s->name);
		if (s->has_serial)
			saw_add(l, " (serial %lu)", (unsigned long)s->serial);
	}
	return finish(l, VERDICT_FAIL, CODE_NS_DISAGREE);
}

/* All servers have been asked. Those that could not answer say nothing. */
enum look_next
look_judge(struct look *l)
{
	size_t has = 0, denies = l->dead_end;

	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		has += s->state == SERVER_SETTLED && s->has;
		denies += s->state == SERVER_SETTLED && !s->has;
	}
	if (has > 0 && denies > 0)
		return disagree(l, has);
	if (has > 0)
		return look_ask_public(l);
	if (denies > 0)
		return look_ask_wrong(l);
	return nobody_answered(l);
}

/* Definitely not at the record's name; what is there instead? */
static enum look_next
missing(struct look *l)
{
	const struct packet_txt *txt = found_collect(l, OWNERSHIP_OTHER);

	if (txt != NULL) {
		saw_set_txt(l, txt);
		return finish(l, VERDICT_FAIL, CODE_TOKEN_OTHER);
	}
	txt = found_collect(l, OWNERSHIP_UNRELATED);
	if (txt != NULL)
		saw_set_txt(l, txt);
	return finish(l, VERDICT_NONE, CODE_NOT_PUBLISHED);
}

static bool
believed(const struct look *l, const struct answer *a)
{
	return look_definitive(a) && (a->aa || l->probe.family == 0);
}

static enum look_next
at_apex(struct look *l, const struct answer *a)
{
	if (l->wish.apex_ok && l->probe.family == 0)
		return look_pass(l, a, CODE_VIA_APEX);
	if (l->wish.apex_ok) {
		l->apex = true;
		return look_ask_public(l);
	}
	saw_set_txt(l, found_match(l, a));
	return finish(l, VERDICT_FAIL, CODE_AT_APEX);
}

/* The domain itself might have it, and that counts: without its answer there
 * is no "missing". */
static enum look_next
apex_unknown(struct look *l, const struct answer *a)
{
	enum outcome outcome = a->outcome;

	if (l->probe.family == 0 && look_bogus(a))
		return look_bogus_end(l, a);
	if (outcome <= OUTCOME_NXDOMAIN && look_definitive(a))
		outcome = OUTCOME_LAME;
	return look_undecided(l, code_of[outcome],
	    "not at the name; TXT of the domain itself: %s",
	    outcome_word(outcome, a->rcode));
}

static enum look_next
doubled(struct look *l, const struct answer *a, const struct dname *name)
{
	(void)found_match(l, a);
	saw_add_name(l, name);
	return finish(l, VERDICT_FAIL, CODE_NAME_DOUBLED);
}

enum look_next
look_judge_wrong(struct look *l, const struct answer *got)
{
	const struct answer *apex = &got[0];
	bool hit =
	    believed(l, apex) && apex->chain_n == 0 && look_match(l, apex);
	bool wanted = l->wish.apex_ok && l->wish.token[0] != '\0';

	if (hit && l->wish.apex_ok)
		return at_apex(l, apex);
	for (size_t k = 1; k < l->asks_n; k++) {
		if (believed(l, &got[k]) && look_match(l, &got[k]))
			return doubled(l, &got[k], &l->asks[k].q.name);
	}
	if (hit)
		return at_apex(l, apex);
	if (wanted && !believed(l, apex))
		return apex_unknown(l, apex);
	if (l->probe.family == 0 && apex->outcome == OUTCOME_NXDOMAIN &&
	    apex->chain_n == 0 && look_definitive(apex) &&
	    dname_equal(&l->wish.domain, &l->wish.registrable))
		return look_no_domain(l, apex);
	return missing(l);
}

/* The servers have it, the public view definitely not: a cache. */
enum look_next
look_judge_public(struct look *l, const struct answer *a)
{
	bool records = a->outcome == OUTCOME_RECORDS;

	l->finding.visible_in_s = records ? a->ttl_s : a->neg_ttl_s;
	saw_add(l, "the resolver: %s",
	    records			   ? "older records"
	    : a->outcome == OUTCOME_NODATA ? "no such record"
					   : "no such name");
	return finish(l, VERDICT_FAIL, CODE_NEGATIVE_CACHED);
}
