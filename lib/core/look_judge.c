/* SPDX-License-Identifier: Apache-2.0 */
/* What single answers are worth, and what all of them mean together. */
#include "core/look_private.h"

/* RFC 8914: 3 and 19 mark what a cache serves because it could not ask (RFC
 * 8767). That proves neither presence nor absence. */
enum { EDE_STALE = 3, EDE_STALE_NXDOMAIN = 19 };

bool
look_definitive(const struct answer *a)
{
	if (a->has_ede && (a->ede == EDE_STALE || a->ede == EDE_STALE_NXDOMAIN))
		return false;
	return a->outcome <= OUTCOME_NXDOMAIN;
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

static void
saw_add_failed(struct look *l, const struct look_server *s)
{
	const char *word = look_word(s->outcome, s->rcode);

	if (s->state == SERVER_BARRED)
		word = "a private address";
	else if (s->state == SERVER_NAMED)
		word = "no address";
	look_saw_name(l, &s->name);
	look_saw(l, ": %s", word);
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
			if (look_code_of(l->servers[i].outcome) == order[o])
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
		look_saw(l, "%s", i > 0 ? ", " : "");
		saw_add_failed(l, &l->servers[i]);
	}
	return look_finish(l, VERDICT_UNDECIDED, code);
}

static enum look_next
disagree(struct look *l, size_t has)
{
	const char *before = "; stale: ";

	look_saw(l, "%zu of %zu servers %s it", has, l->servers_n + l->dead_end,
	    has == 1 ? "has" : "have");
	if (l->dead_end)
		look_saw(l, "; an alias leads nowhere");
	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		if (s->state != SERVER_SETTLED || s->has)
			continue;
		look_saw(l, "%s", before);
		before = ", ";
		look_saw_name(l, &s->name);
		if (s->has_serial)
			look_saw(l, " (serial %lu)", (unsigned long)s->serial);
	}
	return look_finish(l, VERDICT_FAIL, CODE_NS_DISAGREE);
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
	const struct packet_txt *txt = look_found_all(l, OWNERSHIP_OTHER);

	if (txt != NULL) {
		look_saw_txt(l, txt);
		return look_finish(l, VERDICT_FAIL, CODE_TOKEN_OTHER);
	}
	txt = look_found_all(l, OWNERSHIP_UNRELATED);
	if (txt != NULL)
		look_saw_txt(l, txt);
	return look_finish(l, VERDICT_NONE, CODE_NOT_PUBLISHED);
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
	look_saw_txt(l, look_found_match(l, a));
	return look_finish(l, VERDICT_FAIL, CODE_AT_APEX);
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
	return look_undecided(l, look_code_of(outcome),
	    "not at the name; TXT of the domain itself: %s",
	    look_word(outcome, a->rcode));
}

static enum look_next
doubled(struct look *l, const struct answer *a, const struct dname *name)
{
	(void)look_found_match(l, a);
	look_saw_name(l, name);
	return look_finish(l, VERDICT_FAIL, CODE_NAME_DOUBLED);
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
	look_saw(l, "the resolver: %s",
	    records			   ? "older records"
	    : a->outcome == OUTCOME_NODATA ? "no such record"
					   : "no such name");
	return look_finish(l, VERDICT_FAIL, CODE_NEGATIVE_CACHED);
}
