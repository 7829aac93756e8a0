/* SPDX-License-Identifier: Apache-2.0 */
#include "core/look.h"
#include "core/look_private.h"

#include <assert.h>
#include <string.h>

void
look_round(struct look *l, enum phase phase)
{
	l->phase = phase;
	l->asks_n = 0;
}

static void
want(struct look *l, const struct look_ask *ask, size_t who)
{
	if (l->asks_n == LOOK_ASK_MAX)
		return;
	l->who[l->asks_n] = (uint8_t)who;
	l->asks[l->asks_n++] = *ask;
}

void
look_want_public(
    struct look *l, const struct dname *name, enum rrtype type, uint8_t cd)
{
	struct look_ask ask = {.target = LOOK_RESOLVER,
	    .shared = type != RRTYPE_TXT && cd == 0,
	    .q = {.name = *name,
		.type = (uint16_t)type,
		.flags = (uint8_t)(QUESTION_RD | cd)}};

	want(l, &ask, l->asks_n);
}

void
look_want_server(struct look *l, const struct packet_addr *addr, size_t who,
    const struct dname *name, enum rrtype type)
{
	struct look_ask ask = {.target = LOOK_SERVER,
	    .addr = *addr,
	    .q = {.name = *name, .type = (uint16_t)type}};

	want(l, &ask, who);
}

static enum look_next
ask_public_txt(struct look *l, enum phase phase, const struct dname *name)
{
	look_round(l, phase);
	look_want_public(l, name, RRTYPE_TXT, 0);
	return LOOK_ASK;
}

enum look_next
look_ask_public(struct look *l)
{
	return ask_public_txt(
	    l, PHASE_PUBLIC, l->apex ? &l->wish.domain : &l->record);
}

static enum look_next
ask_unchecked(struct look *l)
{
	struct dname name = l->asks[0].q.name;

	look_round(l, PHASE_PUBLIC_CD);
	look_want_public(l, &name, RRTYPE_TXT, QUESTION_CD);
	return LOOK_ASK;
}

static void
want_place(struct look *l, const struct dname *name)
{
	if (l->probe.family != 0)
		look_want_server(l, &l->probe, 0, name, RRTYPE_TXT);
	else
		look_want_public(l, name, RRTYPE_TXT, 0);
}

/* The domain itself comes first; then the record's name with the name of the
 * domain, or of the zone, once more behind it: panels add either. */
enum look_next
look_ask_wrong(struct look *l)
{
	const struct dname *domain = &l->wish.domain;
	const struct dname *zone =
	    l->probe.family != 0 ? &l->probe_zone : &l->wish.registrable;
	struct dname doubled;

	look_round(l, PHASE_WRONG);
	want_place(l, domain);
	if (dname_join(&doubled, &l->record, domain))
		want_place(l, &doubled);
	if (!dname_equal(zone, domain) && dname_labels(zone) > 0 &&
	    dname_join(&doubled, &l->record, zone))
		want_place(l, &doubled);
	return LOOK_ASK;
}

static enum look_next
early_take(struct look *l, const struct answer *got)
{
	if (look_match(l, got)) {
		look_note_public(l, got);
		return look_pass(l, got, CODE_NONE);
	}
	if (l->wish.apex_ok && l->wish.token[0] != '\0')
		return ask_public_txt(l, PHASE_EARLY_APEX, &l->wish.domain);
	return look_zone_begin(l, &l->wish.registrable);
}

static enum look_next
early_apex_take(struct look *l, const struct answer *got)
{
	l->apex = true;
	if (got->chain_n == 0 && look_match(l, got)) {
		look_note_public(l, got);
		return look_pass(l, got, CODE_VIA_APEX);
	}
	l->apex = false;
	return look_zone_begin(l, &l->wish.registrable);
}

/* An answer of the resolver that proves nothing: why? */
static enum look_next
resolver_trouble(struct look *l, const struct answer *got)
{
	if (look_bogus(got))
		return look_bogus_end(l, got);
	if (got->outcome == OUTCOME_SERVFAIL)
		return ask_unchecked(l);
	return look_resolver_failed(l, got->outcome, got->rcode);
}

static enum look_next
fixed_take(struct look *l, const struct answer *got)
{
	look_note_public(l, got);
	if (look_match(l, got))
		return look_pass(l, got, CODE_NONE);
	if (look_definitive(got))
		return look_ask_wrong(l);
	return resolver_trouble(l, got);
}

/* No alias is followed from the domain itself: there it points to a web host,
 * and the host's TXT records are not the owner's. */
static enum look_next
public_take(struct look *l, const struct answer *got)
{
	look_note_public(l, got);
	if (look_match(l, got) && (!l->apex || got->chain_n == 0))
		return look_pass(l, got, l->apex ? CODE_VIA_APEX : CODE_NONE);
	if (look_definitive(got))
		return look_judge_public(l, got);
	return resolver_trouble(l, got);
}

static enum look_next
public_cd_take(struct look *l, const struct answer *got)
{
	if (look_definitive(got))
		return look_bogus_end(l, got);
	return look_resolver_failed(l, OUTCOME_SERVFAIL, 0);
}

typedef enum look_next take_fn(struct look *l, const struct answer *got);

static take_fn *const take[PHASE_N] = {
    [PHASE_EARLY] = early_take,
    [PHASE_EARLY_APEX] = early_apex_take,
    [PHASE_FIXED] = fixed_take,
    [PHASE_ZONE] = look_zone_take,
    [PHASE_ZONE_CD] = look_zone_cd_take,
    [PHASE_A] = look_a_take,
    [PHASE_AAAA] = look_aaaa_take,
    [PHASE_PARENT] = look_parent_take,
    [PHASE_SERVERS] = look_servers_take,
    [PHASE_WRONG] = look_judge_wrong,
    [PHASE_PUBLIC] = public_take,
    [PHASE_PUBLIC_CD] = public_cd_take,
};

static void
start(struct look *l)
{
	const struct look_wish *w = &l->wish;

	if (!ownership_name(&l->record, w->service, &w->domain)) {
		look_undecided(l, CODE_BAD_DOMAIN, "the name is too long");
		return;
	}
	dname_show(&l->record, l->finding.name);
	if (w->token[0] != '\0')
		ownership_value(w->token, l->finding.expected);
	l->wanted = l->record;
	l->seen[l->seen_n++] = l->record;
	if (w->only || !w->authoritative)
		ask_public_txt(l, PHASE_FIXED, &l->record);
	else if (w->order == LOOK_PUBLIC_FIRST)
		ask_public_txt(l, PHASE_EARLY, &l->record);
	else
		look_zone_begin(l, &w->registrable);
}

struct look *
look_begin(const struct look_wish *wish, struct arena *a)
{
	struct look *l = arena_alloc(a, sizeof(*l));

	if (l == NULL)
		return NULL;
	memset(l, 0, sizeof(*l));
	l->wish = *wish;
	start(l);
	return l;
}

enum look_next
look_step(struct look *l, const struct answer *got, size_t got_n)
{
	if (l->phase == PHASE_DONE)
		return LOOK_DONE;
	if (l->rounds > 0) {
		assert(got_n == l->asks_n);
		if (take[l->phase](l, got) == LOOK_DONE)
			return LOOK_DONE;
	}
	if (l->rounds == LOOK_ROUNDS_MAX)
		return look_undecided(l,
		    l->aliases > 0 ? CODE_CNAME_CHAIN : CODE_TIMEOUT,
		    "gave up after %u rounds of questions", l->rounds);
	l->rounds++;
	return LOOK_ASK;
}

const struct look_ask *
look_asks(const struct look *l, size_t *n)
{
	*n = l->asks_n;
	return l->asks;
}

const struct finding *
look_finding(const struct look *l)
{
	return &l->finding;
}
