/* SPDX-License-Identifier: Apache-2.0 */
/* From a name to the addresses of the servers that answer for it, and on from
 * there by referrals and aliases until servers answer for themselves. */
#include "core/ede.h"
#include "core/look_private.h"

#include <string.h>

static struct look_server *
server_add(struct look *l, const struct dname *name)
{
	struct look_server *s;

	for (size_t i = 0; i < l->servers_n; i++) {
		s = &l->servers[i];
		if (s->level == l->aliases && dname_equal(&s->name, name))
			return NULL;
	}
	if (l->servers_n == SERVERS_MAX || l->names_max == 0)
		return NULL;
	l->names_max--;
	s = &l->servers[l->servers_n++];
	*s = (struct look_server){.state = SERVER_NAMED,
	    .name = *name,
	    .level = l->aliases,
	    .zone_n = l->zone_n,
	    .outcome = OUTCOME_LAME};
	return s;
}

/* Those who answered for themselves stay as evidence: where others lead on,
 * they disagree with what is found there, or agree. */
static void
keep_settled(struct look *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->servers_n; i++) {
		if (l->servers[i].state == SERVER_SETTLED)
			l->servers[kept++] = l->servers[i];
	}
	l->servers_n = kept;
}

static void
set_zone(struct look *l, const struct dname *zone, size_t names_max)
{
	keep_settled(l);
	l->zone = *zone;
	l->zone_n++;
	l->names_max = names_max;
}

static bool
same_addr(const struct packet_addr *a, const struct packet_addr *b)
{
	return a->family == b->family &&
	       memcmp(a->octets, b->octets, a->family == 4 ? 4 : 16) == 0;
}

/* Two names for one machine: it is asked once, under its first name. */
static bool
is_twin(const struct look *l, const struct look_server *s)
{
	for (const struct look_server *o = l->servers; o < s; o++) {
		if (o->level == s->level && same_addr(&o->addr, &s->addr) &&
		    (o->state == SERVER_READY || o->state == SERVER_SETTLED))
			return true;
	}
	return false;
}

static void
drop_twins(struct look *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		if (s->state == SERVER_READY && is_twin(l, s))
			continue;
		/* what is before i has been moved already */
		l->servers[kept++] = *s;
	}
	l->servers_n = kept;
}

static enum look_next
ask_ready(struct look *l, enum phase phase, const struct dname *name,
    enum rrtype type)
{
	look_round(l, phase);
	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		if (s->state == SERVER_READY)
			look_want_server(l, &s->addr, i, name, type);
	}
	return LOOK_ASK;
}

static enum look_next
ask_servers(struct look *l)
{
	drop_twins(l);
	if (l->walk == WALK_PARENT)
		ask_ready(l, PHASE_PARENT, &l->wish->registrable, RRTYPE_NS);
	else
		ask_ready(l, PHASE_SERVERS, &l->wanted, RRTYPE_TXT);
	if (l->asks_n > 0)
		return LOOK_ASK;
	if (l->walk == WALK_PARENT)
		return look_resolver_failed(l, l->failure, l->failure_rcode);
	return look_judge(l);
}

/* The servers' names are looked up at the resolver: they exist, or somebody
 * delegated to a name that doesn't, and no cache is harmed. */
static enum look_next
ask_addrs(struct look *l, enum phase phase, enum rrtype type)
{
	look_round(l, phase);
	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		if (s->state != SERVER_NAMED || s->outcome == OUTCOME_TIMEOUT)
			continue;
		look_want_public(l, &s->name, type, 0);
		l->who[l->asks_n - 1] = (uint8_t)i;
	}
	return l->asks_n > 0 ? LOOK_ASK : ask_servers(l);
}

static void
set_addr(
    const struct look *l, struct look_server *s, const struct packet_addr *addr)
{
	bool barred = !l->wish->private_ok && packet_addr_private(addr);

	if (s->state == SERVER_READY)
		return;
	s->addr = *addr;
	s->state = barred ? SERVER_BARRED : SERVER_READY;
	s->outcome = OUTCOME_TIMEOUT; /* until it answers */
}

static void
take_addrs(struct look *l, const struct answer *got)
{
	for (size_t k = 0; k < l->asks_n; k++) {
		struct look_server *s = &l->servers[l->who[k]];

		if (got[k].outcome > OUTCOME_NXDOMAIN)
			s->outcome = OUTCOME_TIMEOUT;
		if (got[k].outcome != OUTCOME_RECORDS)
			continue;
		for (size_t i = 0; i < got[k].n; i++)
			set_addr(l, s, &got[k].addr[i]);
	}
}

enum look_next
look_a_take(struct look *l, const struct answer *got)
{
	take_addrs(l, got);
	return ask_addrs(l, PHASE_AAAA, RRTYPE_AAAA);
}

enum look_next
look_aaaa_take(struct look *l, const struct answer *got)
{
	take_addrs(l, got);
	return ask_servers(l);
}

static enum look_next
take_names(struct look *l, const struct answer *a)
{
	for (size_t i = 0; i < a->n; i++)
		(void)server_add(l, &a->names[i]);
	return ask_addrs(l, PHASE_A, RRTYPE_A);
}

enum look_next
look_zone_begin(struct look *l, const struct dname *zone)
{
	set_zone(l, zone, l->walk == WALK_OWN ? SERVERS_MAX : LOOK_TOP_SERVERS);
	look_round(l, PHASE_ZONE);
	look_want_public(l, zone, RRTYPE_NS, 0);
	return LOOK_ASK;
}

/* No zone begins at this name: it belongs to one above. */
static enum look_next
zone_above(struct look *l, const struct answer *a)
{
	char shown[DNAME_SHOWN_MAX + 1];
	struct dname up;

	dname_parent(&up, &l->zone);
	if (a->chain_n == 0 && a->has_soa &&
	    look_below(&l->zone, &a->soa_owner))
		up = a->soa_owner;
	if (dname_labels(&l->zone) > 0 && ++l->cuts <= LOOK_CUTS_MAX)
		return look_zone_begin(l, &up);
	dname_show(&l->wanted, shown);
	return look_undecided(
	    l, CODE_LAME, "no name servers found for %s", shown);
}

/* The resolver can't name the zone's servers. Those above can, and then we
 * can say which of the zone's own servers fails, and how. */
static enum look_next
go_above(struct look *l, const struct answer *a)
{
	struct dname up;

	if (!l->failed) {
		l->failed = true;
		l->failure = a->outcome;
		l->failure_rcode = a->rcode;
	}
	if (l->walk != WALK_OWN || dname_labels(&l->wish->registrable) == 0)
		return look_resolver_failed(l, l->failure, l->failure_rcode);
	dname_parent(&up, &l->wish->registrable);
	l->walk = WALK_PARENT;
	return look_zone_begin(l, &up);
}

static enum look_next
zone_gone(struct look *l, const struct answer *a)
{
	if (l->walk == WALK_OWN)
		return look_no_domain(l, a);
	if (l->walk == WALK_PARENT)
		return go_above(l, a);
	l->dead_end = true;
	return look_judge(l);
}

enum look_next
look_zone_take(struct look *l, const struct answer *got)
{
	if (got->outcome == OUTCOME_RECORDS && got->chain_n == 0)
		return take_names(l, got);
	if (!look_definitive(got) && ede_bogus(got))
		return look_bogus_end(l, got);
	if (got->outcome == OUTCOME_SERVFAIL) {
		look_round(l, PHASE_ZONE_CD);
		look_want_public(l, &l->zone, RRTYPE_NS, QUESTION_CD);
		return LOOK_ASK;
	}
	if (!look_definitive(got))
		return go_above(l, got);
	if (got->outcome == OUTCOME_NXDOMAIN && got->chain_n == 0)
		return zone_gone(l, got);
	return zone_above(l, got);
}

enum look_next
look_zone_cd_take(struct look *l, const struct answer *got)
{
	struct answer servfail = {.outcome = OUTCOME_SERVFAIL};

	if (got->outcome == OUTCOME_RECORDS)
		return look_bogus_end(l, got);
	return go_above(l, &servfail);
}

/* Glue counts only for names inside the cut: for others its giver is not
 * the one to ask. IPv4 first, as elsewhere. */
static void
take_glue(struct look *l, struct look_server *s, const struct answer *a)
{
	if (!dname_within(&s->name, &a->cut))
		return;
	for (unsigned family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < a->glue_n; i++) {
			const struct packet_glue *g = &a->glue[i];

			if (g->addr.family == family &&
			    dname_equal(&g->owner, &s->name))
				set_addr(l, s, &g->addr);
		}
	}
}

static enum look_next
descend(struct look *l, const struct answer *a)
{
	if (++l->cuts > LOOK_CUTS_MAX)
		return look_undecided(l, CODE_LAME,
		    "more than %d zones below each other", LOOK_CUTS_MAX);
	if (l->walk == WALK_PARENT &&
	    dname_equal(&a->cut, &l->wish->registrable))
		l->walk = WALK_OWN;
	set_zone(l, &a->cut,
	    l->walk == WALK_PARENT ? LOOK_TOP_SERVERS : SERVERS_MAX);
	for (size_t i = 0; i < a->ns_n; i++) {
		struct look_server *s = server_add(l, &a->ns[i]);

		if (s != NULL)
			take_glue(l, s, a);
	}
	return ask_addrs(l, PHASE_A, RRTYPE_A);
}

enum look_next
look_parent_take(struct look *l, const struct answer *got)
{
	const struct dname *domain = &l->wish->registrable;

	for (size_t k = 0; k < l->asks_n; k++) {
		const struct answer *a = &got[k];

		if (a->outcome == OUTCOME_REFERRAL && a->ns_n > 0 &&
		    look_below(&a->cut, &l->zone) &&
		    dname_within(domain, &a->cut))
			return descend(l, a);
		if (a->outcome == OUTCOME_RECORDS && a->aa && a->chain_n == 0) {
			l->walk = WALK_OWN;
			set_zone(l, domain, SERVERS_MAX);
			return take_names(l, a);
		}
	}
	return look_resolver_failed(l, l->failure, l->failure_rcode);
}

static bool
been_at(const struct look *l, const struct dname *name)
{
	for (size_t i = 0; i < l->seen_n; i++) {
		if (dname_equal(&l->seen[i], name))
			return true;
	}
	return false;
}

/* The record lives under another name. Its zone is found as any other, but
 * from the top: of that name we know no registrable domain. Two servers of
 * the top-level domain show the way down. */
static enum look_next
follow_alias(struct look *l, const struct dname *to, size_t steps)
{
	char shown[DNAME_SHOWN_MAX + 1];
	struct dname top = *to, up;

	l->finding.delegated = true;
	l->aliases += (unsigned)steps;
	if (l->aliases > PACKET_CHAIN_MAX || been_at(l, to)) {
		dname_show(to, shown);
		return look_undecided(
		    l, CODE_CNAME_CHAIN, "the alias to %s", shown);
	}
	l->seen[l->seen_n++] = *to;
	l->wanted = *to;
	if (dname_within(to, &l->zone)) {
		for (size_t i = 0; i < l->servers_n; i++) {
			if (l->servers[i].state == SERVER_POINTS)
				l->servers[i].state = SERVER_READY;
		}
		return ask_servers(l);
	}
	while (dname_labels(&top) > 1) {
		dname_parent(&up, &top);
		top = up;
	}
	l->walk = WALK_ALIAS;
	l->cuts = 0;
	return look_zone_begin(l, &top);
}

/* Servers whose alias goes elsewhere disagree with the one we follow. */
static void
settle_others(struct look *l, const struct dname *to, const struct answer *got)
{
	for (size_t k = 0; k < l->asks_n; k++) {
		struct look_server *s = &l->servers[l->who[k]];
		const struct dname *alias = look_alias(&l->zone, &got[k]);

		if (s->state == SERVER_POINTS && alias != NULL &&
		    !dname_equal(alias, to))
			s->state = SERVER_SETTLED;
	}
}

/* A server that answered and knows the domain's zone: the usual wrong places
 * are asked there, even if the record has a zone or an alias of its own. */
static void
note_probe(struct look *l, const struct look_server *s)
{
	bool known =
	    l->probe.family != 0 && dname_equal(&l->probe_zone, &l->zone);

	if (known || l->aliases > 0 ||
	    !dname_within(&l->wish->domain, &l->zone))
		return;
	if (s->state != SERVER_POINTS && s->state != SERVER_SETTLED)
		return;
	l->probe = s->addr;
	l->probe_zone = l->zone;
	if (l->top.family != 0)
		return;
	l->top = s->addr;
	l->top_zone = l->zone;
}

/* An alias at one server, other data at another, of one and the same name. */
static void
note_coexists(struct look *l)
{
	bool alias = false, data = false;

	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		if (s->level != l->aliases)
			continue;
		alias = alias || s->alias != NULL;
		data = data || (s->state == SERVER_SETTLED && s->txt_n > 0 &&
				   s->alias == NULL);
	}
	l->coexists = l->coexists || (alias && data);
}

enum look_next
look_servers_take(struct look *l, const struct answer *got)
{
	const struct answer *lead = NULL;
	const struct dname *to;

	for (size_t k = 0; k < l->asks_n; k++) {
		struct look_server *s = &l->servers[l->who[k]];

		look_classify(l, s, &got[k]);
		note_probe(l, s);
		if (s->state == SERVER_POINTS && lead == NULL)
			lead = &got[k];
	}
	note_coexists(l);
	if (lead == NULL)
		return look_judge(l);
	to = look_alias(&l->zone, lead);
	if (to == NULL)
		return descend(l, lead);
	settle_others(l, to, got);
	return follow_alias(l, to, (size_t)(to - lead->chain) + 1);
}
