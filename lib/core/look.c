/* SPDX-License-Identifier: Apache-2.0 */
#include "core/look.h"
#include "core/ede.h"
#include "core/look_private.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

void
look_round(struct look *l, enum phase phase)
{
	l->phase = phase;
	l->asks_n = 0;
}

static struct look_ask *
want(struct look *l, const struct dname *name, enum rrtype type, size_t who)
{
	struct look_ask *ask;

	assert(l->asks_n < LOOK_ASK_MAX);
	l->who[l->asks_n] = (uint8_t)who;
	ask = &l->asks[l->asks_n++];
	ask->target = LOOK_RESOLVER;
	ask->addr.family = 0;
	ask->q.name = *name;
	ask->q.type = (uint16_t)type;
	ask->q.flags = 0;
	ask->shared = false;
	return ask;
}

void
look_want_public(
    struct look *l, const struct dname *name, enum rrtype type, uint8_t cd)
{
	struct look_ask *ask = want(l, name, type, l->asks_n);

	ask->q.flags = (uint8_t)(QUESTION_RD | cd);
	ask->shared = type != RRTYPE_TXT && cd == 0;
}

void
look_want_shared(struct look *l, const struct question *q)
{
	struct look_ask *ask =
	    want(l, &q->name, (enum rrtype)q->type, l->asks_n);

	ask->q.flags = QUESTION_RD;
	ask->shared = true;
}

void
look_want_server(struct look *l, const struct packet_addr *addr, size_t who,
    const struct dname *name, enum rrtype type)
{
	struct look_ask *ask = want(l, name, type, who);

	ask->target = LOOK_SERVER;
	ask->addr = *addr;
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
	    l, PHASE_PUBLIC, l->apex ? &l->wish->domain : &l->record);
}

static enum look_next
ask_unchecked(struct look *l)
{
	struct dname name = l->asks[0].q.name;

	look_round(l, PHASE_PUBLIC_CD);
	look_want_public(l, &name, RRTYPE_TXT, QUESTION_CD);
	return LOOK_ASK;
}

enum look_next
look_evaluate(struct look *l, const struct answer *a, enum source source)
{
	l->source = source;
	l->subject = *a;
	l->unproven = false;
	return l->kind->judge(l);
}

/* The public view did not have it. */
static enum look_next
early_miss(struct look *l)
{
	const struct look_wish *w = l->wish;

	l->is_judged = false;
	l->servers_n = 0;
	l->finding.found_n = 0;
	dname_show(&l->record, l->finding.name);
	if (w->check == CHECK_OWNERSHIP && w->apex_ok && w->token[0] != '\0')
		return ask_public_txt(l, PHASE_EARLY_APEX, &w->domain);
	return look_zone_begin(l, &w->registrable);
}

enum look_next
look_judged(struct look *l)
{
	bool pass = l->judged.verdict == VERDICT_PASS;

	l->is_judged = true;
	switch (l->source) {
	case SOURCE_EARLY:
		if (pass || l->judged.verdict == VERDICT_UNDECIDED)
			break;
		return early_miss(l);
	case SOURCE_SERVERS:
		if (pass)
			return look_ask_public(l);
		break;
	case SOURCE_PUBLIC:
		if (!pass)
			return look_judge_public(l, &l->subject);
		break;
	case SOURCE_MISSING:
		if (!pass && l->judged.verdict != VERDICT_UNDECIDED &&
		    l->place_code != CODE_NONE)
			return look_finish(l, l->place_verdict, l->place_code);
		break;
	case SOURCE_LAST:
		break;
	}
	return look_end(l);
}

static enum look_next
early_take(struct look *l, const struct answer *got)
{
	if (look_definitive(got) &&
	    (got->outcome == OUTCOME_RECORDS || l->kind->none_ends)) {
		look_note_public(l, got);
		return look_evaluate(l, got, SOURCE_EARLY);
	}
	return early_miss(l);
}

static enum look_next
early_apex_take(struct look *l, const struct answer *got)
{
	l->apex = true;
	if (got->chain_n == 0 && look_has(l, got) == HAS_IT) {
		look_note_public(l, got);
		return look_pass_apex(l, got);
	}
	l->apex = false;
	return look_zone_begin(l, &l->wish->registrable);
}

/* An answer of the resolver that proves nothing: why? */
static enum look_next
resolver_trouble(struct look *l, const struct answer *got)
{
	if (ede_bogus(got))
		return look_bogus_end(l, got);
	if (got->outcome == OUTCOME_SERVFAIL)
		return ask_unchecked(l);
	return look_resolver_failed(l, got->outcome, got->rcode);
}

static enum look_next
fixed_take(struct look *l, const struct answer *got)
{
	look_note_public(l, got);
	if (!look_definitive(got))
		return resolver_trouble(l, got);
	if (look_has(l, got) != HAS_NOT)
		return look_evaluate(l, got, SOURCE_LAST);
	return look_missing(l, got);
}

/* No alias is followed from the domain itself: there it points to a web host,
 * and the host's TXT records are not the owner's. */
static enum look_next
public_take(struct look *l, const struct answer *got)
{
	look_note_public(l, got);
	if (!look_definitive(got))
		return resolver_trouble(l, got);
	if (l->apex && got->chain_n == 0 && look_has(l, got) == HAS_IT)
		return look_pass_apex(l, got);
	if (l->apex || look_has(l, got) < l->most)
		return look_judge_public(l, got);
	if (l->kind->same != NULL && l->kind->same(l, got)) {
		l->source = SOURCE_PUBLIC;
		l->subject = *got;
		return look_judged(l);
	}
	return look_evaluate(l, got, SOURCE_PUBLIC);
}

static enum look_next
public_cd_take(struct look *l, const struct answer *got)
{
	if (look_definitive(got))
		return look_bogus_end(l, got);
	return look_resolver_failed(l, OUTCOME_SERVFAIL, 0);
}

static enum look_next
on_take(struct look *l, const struct answer *got)
{
	return l->kind->on(l, got);
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
    [PHASE_SERIAL] = look_serial_take,
    [PHASE_LIVE] = look_live_take,
    [PHASE_LIVE_A] = look_live_a_take,
    [PHASE_LIVE_NS] = look_live_ns_take,
    [PHASE_WRONG] = look_wrong_take,
    [PHASE_STRAY_A] = look_stray_a_take,
    [PHASE_STRAY] = look_stray_take,
    [PHASE_PUBLIC] = public_take,
    [PHASE_PUBLIC_CD] = public_cd_take,
    [PHASE_ON] = on_take,
};

/* The record that is to be judged instead of the published one. */
static enum look_next
judge_assumed(struct look *l)
{
	struct packet_txt *txt = arena_alloc(l->arena, sizeof(*txt));

	if (txt == NULL)
		return look_undecided(l, CODE_TIMEOUT, "no memory");
	*txt = (struct packet_txt){
	    .bytes = l->wish->assume,
	    .len = l->wish->assume_len,
	    .nul = memchr(l->wish->assume, 0, l->wish->assume_len) != NULL,
	};
	return look_evaluate(l,
	    &(struct answer){
		.outcome = OUTCOME_RECORDS, .aa = true, .n = 1, .txt = txt},
	    SOURCE_LAST);
}

static enum look_next
start(struct look *l)
{
	const struct look_wish *w = l->wish;

	if (w->check == CHECK_DKIM && w->selector == NULL)
		return look_undecided(l, CODE_NO_KEY, "no selector is known");
	if (!l->kind->name(&l->record, w))
		return look_undecided(
		    l, CODE_BAD_DOMAIN, "the name is too long");
	dname_show(&l->record, l->finding.name);
	if (l->kind->expect != NULL)
		l->kind->expect(l);
	l->wanted = l->record;
	l->seen[l->seen_n++] = l->record;
	if (w->ours)
		return look_ours_begin(l);
	if (w->assume != NULL)
		return judge_assumed(l);
	if (w->only || !w->authoritative)
		return ask_public_txt(l, PHASE_FIXED, &l->record);
	if (w->order == LOOK_PUBLIC_FIRST)
		return ask_public_txt(l, PHASE_EARLY, &l->record);
	return look_zone_begin(l, &w->registrable);
}

/* Most of it is arrays that are counted: only the head is cleared. */
struct look *
look_begin(const struct look_wish *wish, struct arena *a)
{
	struct look *l = arena_alloc(a, sizeof(*l));

	if (l == NULL)
		return NULL;
	memset(l, 0, offsetof(struct look, record));
	l->wish = wish;
	l->arena = a;
	l->kind = wish->ours ? &look_kind_ours : &look_kinds[wish->check];
	l->addresses_n = wish->addresses_n;
	memcpy(l->addresses, wish->addresses,
	    wish->addresses_n * sizeof(wish->addresses[0]));
	look_finding_init(&l->finding);
	l->finding.check = wish->check;
	(void)start(l);
	return l;
}

static enum look_next
too_long(struct look *l)
{
	return look_undecided(l,
	    l->aliases > 0 ? CODE_CNAME_CHAIN : CODE_TIMEOUT,
	    "gave up after %u rounds of questions", l->steps);
}

enum look_next
look_step(struct look *l, const struct answer *got, size_t got_n)
{
	if (l->phase == PHASE_DONE)
		return LOOK_DONE;
	if (l->steps > 0) {
		assert(got_n == l->asks_n);
		l->over_budget = false;
		for (size_t i = 0; i < got_n; i++)
			l->over_budget |= look_over_budget(&got[i]);
		if (take[l->phase](l, got) == LOOK_DONE)
			return LOOK_DONE;
	}
	if (l->rounds == LOOK_ROUNDS_MAX || l->steps == LOOK_STEPS_MAX)
		return too_long(l);
	l->steps++;
	l->rounds += l->phase != PHASE_ON;
	return LOOK_ASK;
}

void
look_expire(struct look *l)
{
	if (l->phase == PHASE_DONE)
		return;
	if (l->phase == PHASE_ON && l->kind->expire(l)) {
		l->is_judged = true;
		if (l->judged.verdict == VERDICT_UNDECIDED) {
			(void)look_end(l);
			return;
		}
	}
	(void)look_undecided(
	    l, CODE_TIMEOUT, "no end after %d s", LOOK_TIME_MAX_MS / 1000);
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

const struct packet_addr *
look_addresses(const struct look *l, size_t *n)
{
	*n = l->addresses_n;
	return l->addresses;
}
