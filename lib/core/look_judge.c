/* SPDX-License-Identifier: Apache-2.0 */
/* What single answers are worth, and what all of them mean together. */
#include "core/ede.h"
#include "core/look_private.h"

bool
look_definitive(const struct answer *a)
{
	return a->outcome <= OUTCOME_NXDOMAIN && !ede_stale(a);
}

bool
look_below(const struct dname *name, const struct dname *zone)
{
	return dname_within(name, zone) && !dname_equal(name, zone);
}

enum look_has
look_has(const struct look *l, const struct answer *a)
{
	if (a->outcome != OUTCOME_RECORDS || !look_definitive(a))
		return HAS_NOT;
	return l->kind->has(l, a->txt, a->n);
}

/* Data behind a target that lies outside the zone is not its servers' to
 * give. Inside, an answer stands for itself if it has records or proves that
 * there are none; a lone CNAME is a server that does not follow aliases. */
const struct dname *
look_alias(const struct dname *zone, const struct answer *a)
{
	for (size_t i = 0; i < a->chain_n; i++) {
		if (!dname_within(&a->chain[i], zone))
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

static void
settle(struct look *l, struct look_server *s, const struct answer *a)
{
	s->state = SERVER_SETTLED;
	s->has = look_has(l, a);
	s->has_serial = a->has_soa;
	s->serial = a->soa_serial;
	s->txt_n = a->outcome == OUTCOME_RECORDS ? a->n : 0;
	s->txt = a->txt;
}

void
look_classify(struct look *l, struct look_server *s, const struct answer *a)
{
	s->outcome = a->outcome;
	s->rcode = a->rcode;
	s->chain_bad = a->chain_bad;
	s->over_budget = look_over_budget(a);
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
	s->alias = a->chain_n > 0 ? &a->chain[a->chain_n - 1] : NULL;
	if (look_alias(&l->zone, a) != NULL) {
		s->state = SERVER_POINTS;
		return;
	}
	settle(l, s, a);
	if (a->chain_n > 0)
		l->finding.delegated = true;
	if (a->has_soa && a->neg_ttl_s > l->finding.neg_ttl_s)
		l->finding.neg_ttl_s = a->neg_ttl_s;
}

/* The public view as evidence, where there is room beside the servers. Whether
 * it has the record is told when that was judged. */
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
	s->txt_n = a->outcome == OUTCOME_RECORDS && !l->apex ? a->n : 0;
	s->txt = a->txt;
	if (l->phase == PHASE_FIXED && a->has_soa)
		l->finding.neg_ttl_s = a->neg_ttl_s;
	if (l->phase == PHASE_FIXED && a->chain_n > 0)
		l->finding.delegated = true;
}

/* --- nobody answered ------------------------------------------------------ */

static void
saw_add_failed(struct look *l, const struct look_server *s)
{
	const char *word = look_word(s->outcome, s->rcode);

	if (s->state == SERVER_BARRED)
		word = "a private address";
	else if (s->state == SERVER_NAMED)
		word = "no address";
	else if (s->over_budget)
		word = "not asked";
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

/* --- they disagree -------------------------------------------------------- */

static bool
has_most(const struct look *l, const struct look_server *s)
{
	return s->state == SERVER_SETTLED && s->has == l->most;
}

static enum look_next
say_disagree(struct look *l)
{
	const char *before = "; stale: ";
	size_t has = 0;

	for (size_t i = 0; i < l->servers_n; i++)
		has += has_most(l, &l->servers[i]);
	look_saw(l, "%zu of %zu servers %s it", has, l->servers_n + l->dead_end,
	    has == 1 ? "has" : "have");
	if (l->dead_end)
		look_saw(l, "; an alias leads nowhere");
	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		if (s->state != SERVER_SETTLED || has_most(l, s))
			continue;
		look_saw(l, "%s", before);
		before = ", ";
		look_saw_name(l, &s->name);
		if (s->has_serial)
			look_saw(l, " (serial %lu)", (unsigned long)s->serial);
	}
	return look_finish(l, VERDICT_FAIL,
	    l->coexists ? CODE_CNAME_COEXISTS : CODE_NS_DISAGREE);
}

/* The resolver's NS of a zone are what the zone says of itself. Those above
 * say whom it is delegated to; a server that only it names itself is one that
 * nobody asks. Worth three questions, two of which many looks share. */
static enum look_next
ask_live(struct look *l)
{
	struct dname up;

	if (!l->wish->explain || l->walk != WALK_OWN || l->aliases > 0 ||
	    !dname_equal(&l->zone, &l->wish->registrable) || l->coexists ||
	    dname_labels(&l->zone) < 2)
		return say_disagree(l);
	dname_parent(&up, &l->zone);
	look_round(l, PHASE_LIVE);
	look_want_public(l, &up, RRTYPE_NS, 0);
	return LOOK_ASK;
}

enum look_next
look_live_take(struct look *l, const struct answer *got)
{
	if (got->outcome != OUTCOME_RECORDS || got->chain_n > 0)
		return say_disagree(l);
	look_round(l, PHASE_LIVE_A);
	look_want_public(l, &got->names[0], RRTYPE_A, 0);
	return LOOK_ASK;
}

enum look_next
look_live_a_take(struct look *l, const struct answer *got)
{
	if (got->outcome != OUTCOME_RECORDS ||
	    (packet_addr_private(&got->addr[0]) && !l->wish->private_ok))
		return say_disagree(l);
	look_round(l, PHASE_LIVE_NS);
	look_want_server(l, &got->addr[0], 0, &l->zone, RRTYPE_NS);
	return LOOK_ASK;
}

static bool
names_server(const struct answer *a, const struct look_server *s)
{
	for (size_t i = 0; i < a->ns_n; i++) {
		if (dname_equal(&a->ns[i], &s->name))
			return true;
	}
	return false;
}

enum look_next
look_live_ns_take(struct look *l, const struct answer *got)
{
	const struct look_server *stray = NULL;
	bool delegated_has = false, delegated = false;

	if (got->outcome != OUTCOME_REFERRAL ||
	    !dname_equal(&got->cut, &l->zone))
		return say_disagree(l);
	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];
		bool named = names_server(got, s);

		delegated = delegated || (named && s->state == SERVER_SETTLED);
		delegated_has = delegated_has || (named && has_most(l, s));
		if (!named && has_most(l, s) && stray == NULL)
			stray = s;
	}
	if (delegated_has || !delegated || stray == NULL)
		return say_disagree(l);
	look_saw_name(l, &stray->name);
	return look_finish(l, VERDICT_FAIL, CODE_WRONG_ZONE);
}

/* Positive answers carry no SOA; with the serial numbers one sees at once who
 * is behind. */
static enum look_next
disagree(struct look *l)
{
	look_round(l, PHASE_SERIAL);
	for (size_t i = 0; i < l->servers_n && !l->wish->quick; i++) {
		const struct look_server *s = &l->servers[i];

		if (s->state == SERVER_SETTLED && !s->has_serial &&
		    s->zone_n == l->zone_n)
			look_want_server(l, &s->addr, i, &l->zone, RRTYPE_SOA);
	}
	return l->asks_n > 0 ? LOOK_ASK : ask_live(l);
}

enum look_next
look_serial_take(struct look *l, const struct answer *got)
{
	for (size_t k = 0; k < l->asks_n; k++) {
		struct look_server *s = &l->servers[l->who[k]];

		if (got[k].outcome != OUTCOME_RECORDS || !got[k].has_soa ||
		    !got[k].aa || !dname_equal(&got[k].soa_owner, &l->zone))
			continue;
		s->has_serial = true;
		s->serial = got[k].soa_serial;
	}
	return ask_live(l);
}

/* --- all of them ---------------------------------------------------------- */

/* A server's answer once more, as far as it is kept. */
static struct answer
answer_of(const struct look *l, const struct look_server *s)
{
	return (struct answer){
	    .outcome = s->outcome,
	    .aa = true,
	    .n = s->txt_n,
	    /* lives in the answer's arrays, which nobody writes to */
	    .txt = (struct packet_txt *)s->txt,
	    .chain_n = s->alias != NULL,
	    .chain = (struct dname *)s->alias,
	    .neg_ttl_s = l->finding.neg_ttl_s,
	};
}

/* Of the servers that lack it, the one that says most about why. */
static enum look_next
denied(struct look *l)
{
	const struct look_server *best = NULL;
	struct answer a = {.outcome = OUTCOME_NXDOMAIN, .aa = true};

	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		if (s->state == SERVER_SETTLED &&
		    (best == NULL || (best->txt_n == 0 && s->txt_n > 0)))
			best = s;
	}
	if (best != NULL)
		a = answer_of(l, best);
	return look_missing(l, &a);
}

static enum look_next
agreed(struct look *l)
{
	size_t i = 0;
	struct answer a;

	while (!has_most(l, &l->servers[i]))
		i++;
	a = answer_of(l, &l->servers[i]);
	return look_evaluate(l, &a, SOURCE_SERVERS);
}

/* All servers have been asked. Those that could not answer say nothing. */
enum look_next
look_judge(struct look *l)
{
	size_t settled = 0, has = 0;

	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		if (s->state == SERVER_SETTLED && s->has > l->most)
			l->most = s->has;
	}
	for (size_t i = 0; i < l->servers_n; i++) {
		settled += l->servers[i].state == SERVER_SETTLED;
		has += has_most(l, &l->servers[i]);
	}
	if (l->most == HAS_NOT)
		return settled > 0 || l->dead_end ? denied(l)
						  : nobody_answered(l);
	if (has < settled || l->dead_end)
		return disagree(l);
	return agreed(l);
}

/* The servers have it, the public view definitely not: a cache. */
enum look_next
look_judge_public(struct look *l, const struct answer *a)
{
	bool records = a->outcome == OUTCOME_RECORDS;

	l->finding.visible_in_s = records ? a->ttl_s : a->neg_ttl_s;
	look_saw(l, "%s: %s", look_resolver(l),
	    records			   ? "older records"
	    : a->outcome == OUTCOME_NODATA ? "no such record"
					   : "no such name");
	return look_finish(l, VERDICT_FAIL, CODE_NEGATIVE_CACHED);
}
