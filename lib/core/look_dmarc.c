/* SPDX-License-Identifier: Apache-2.0 */
/* DMARC in a look. Without a record of its own the policy of a name above may
 * apply: names inside the domain's zone are asked at its servers, so that no
 * denial is planted that somebody would have to wait for; only those above,
 * which are nobody's who waits, at the resolver. */
#include "core/look_private.h"

#include <stdio.h>
#include <string.h>

struct dmarc_look {
	struct dmarc_query query;
	struct dmarc *run;
	struct dmarc_asked *asked; /* NULL until something is asked */
};

/* A step's answers; again: those to be asked of the resolver. */
struct dmarc_asked {
	struct answer got[DMARC_ASK_MAX];
	bool again[DMARC_ASK_MAX];
};

static const struct packet_addr *
server_for(const struct look *l, const struct dname *name)
{
	if (l->source == SOURCE_EARLY || l->source == SOURCE_LAST)
		return NULL;
	if (l->probe.family != 0 && dname_within(name, &l->probe_zone))
		return &l->probe;
	if (l->top.family != 0 && dname_within(name, &l->top_zone))
		return &l->top;
	return NULL;
}

/* The server leads out of what it serves, or is not sure. */
static bool
is_no_answer(
    const struct look *l, const struct look_ask *ask, const struct answer *a)
{
	const struct dname *zone = dname_within(&ask->q.name, &l->probe_zone)
				       ? &l->probe_zone
				       : &l->top_zone;

	return !look_definitive(a) || !a->aa || look_alias(zone, a) != NULL;
}

static uint8_t
aligned(const struct dmarc_verdict *v)
{
	unsigned bits = 0;

	if (v->found && v->dkim == DMARC_ALIGN_YES)
		bits |= 1u << CHECK_DKIM;
	if (v->found && v->spf == DMARC_ALIGN_YES)
		bits |= 1u << CHECK_SPF;
	return (uint8_t)bits;
}

/* The record may be another name's. */
static enum look_next
end(struct look *l, const struct dmarc_verdict *v)
{
	struct finding *f = &l->finding;
	struct packet_txt txt = {.bytes = v->record, .len = v->record_len};
	char shown[DNAME_SHOWN_MAX + 1];
	struct dname name;

	l->judged = v->judged;
	if (v->record != NULL)
		look_found(l, &txt);
	if ((v->found || v->record != NULL) &&
	    dmarc_name(&name, &v->judged_domain))
		dname_show(&name, f->name);
	if (v->found) {
		dname_show(&v->record_domain, shown);
		snprintf(f->record_domain, sizeof(f->record_domain), "%.*s",
		    DNAME_TEXT_MAX, shown);
	}
	/* its own: what is above changes nothing */
	if (v->found && dname_equal(&v->record_domain, &l->wish->domain))
		l->unproven = false;
	snprintf(f->policy, sizeof(f->policy), "%s",
	    v->found ? dmarc_policy_name(v->policy) : "");
	f->aligned = aligned(v);
	return look_judged(l);
}

static enum look_next
ask(struct look *l, struct dmarc_look *d)
{
	size_t n;
	const struct question *q = dmarc_asks(d->run, &n);

	if (d->asked == NULL)
		d->asked = arena_alloc(l->arena, sizeof(*d->asked));
	if (d->asked == NULL)
		return look_undecided(l, CODE_TIMEOUT, "no memory");
	look_round(l, PHASE_ON);
	for (size_t i = 0; i < n; i++) {
		const struct packet_addr *server = server_for(l, &q[i].name);

		d->asked->again[i] = false;
		if (server == NULL)
			look_want_shared(l, &q[i]);
		else
			look_want_server(
			    l, server, i, &q[i].name, (enum rrtype)q[i].type);
		l->who[l->asks_n - 1] = (uint8_t)i;
	}
	return LOOK_ASK;
}

static enum look_next
ask_again(struct look *l, const struct dmarc_look *d)
{
	size_t n;
	const struct question *q = dmarc_asks(d->run, &n);

	look_round(l, PHASE_ON);
	for (size_t i = 0; i < n; i++) {
		if (!d->asked->again[i])
			continue;
		look_want_shared(l, &q[i]);
		l->who[l->asks_n - 1] = (uint8_t)i;
	}
	return l->asks_n > 0 ? LOOK_ASK : LOOK_DONE;
}

/* The walk up from the domain decides whose policy applies. What alignment and
 * reports need is asked for other names. */
static void
rest_on(struct look *l, const struct dmarc_look *d)
{
	size_t n;
	const struct question *q = dmarc_asks(d->run, &n);

	for (size_t i = 0; i < n; i++) {
		struct dname name;

		dname_parent(&name, &q[i].name);
		if (dname_within(&l->wish->domain, &name))
			look_rests_on(l, &d->asked->got[i]);
	}
}

static enum look_next
step(struct look *l, struct dmarc_look *d, const struct answer *got, size_t n)
{
	if (dmarc_step(d->run, got, n) == DMARC_ASK)
		return ask(l, d);
	return end(l, dmarc_verdict(d->run));
}

enum look_next
look_dmarc_on(struct look *l, const struct answer *got)
{
	struct dmarc_look *d = l->own;
	size_t n;

	for (size_t k = 0; k < l->asks_n; k++) {
		size_t i = l->who[k];

		d->asked->again[i] = l->asks[k].target == LOOK_SERVER &&
				     is_no_answer(l, &l->asks[k], &got[k]);
		d->asked->got[i] = got[k];
	}
	if (ask_again(l, d) == LOOK_ASK)
		return LOOK_ASK;
	(void)dmarc_asks(d->run, &n);
	rest_on(l, d);
	return step(l, d, d->asked->got, n);
}

static struct dmarc_look *
new_look(struct look *l)
{
	const struct look_wish *w = l->wish;
	struct dmarc_look *d = arena_alloc(l->arena, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->query = (struct dmarc_query){
	    .domain = w->domain,
	    .exists = l->exists,
	    .has_dkim = w->signs,
	    .dkim_d = w->domain,
	    .has_mail_from = w->mail_from.len > 0,
	    .mail_from = w->mail_from,
	    .mode = w->explain ? DMARC_FULL : DMARC_QUICK,
	};
	d->asked = NULL;
	d->run = dmarc_begin(&d->query, l->arena);
	l->own = d;
	return d->run != NULL ? d : NULL;
}

enum look_next
look_dmarc_judge(struct look *l)
{
	struct dmarc_look *d = new_look(l);

	if (d == NULL)
		return look_undecided(l, CODE_TIMEOUT, "no memory");
	if (l->wish->assume != NULL) {
		dmarc_assume(d->run, l->wish->assume, l->wish->assume_len);
		return step(l, d, NULL, 0);
	}
	if (dmarc_step(d->run, NULL, 0) == DMARC_ASK)
		return step(l, d, &l->subject, 1);
	return end(l, dmarc_verdict(d->run));
}

bool
look_dmarc_expire(struct look *l)
{
	struct dmarc_look *d = l->own;

	dmarc_expire(d->run);
	l->judged = dmarc_verdict(d->run)->judged;
	return true;
}

static const struct packet_txt *
only_record(const struct packet_txt *txt, size_t n)
{
	const struct packet_txt *only = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!dmarc_is_record(txt[i].bytes, txt[i].len))
			continue;
		if (only != NULL)
			return NULL;
		only = &txt[i];
	}
	return only;
}

bool
look_dmarc_same(const struct look *l, const struct answer *a)
{
	const struct packet_txt *was =
	    only_record(l->subject.txt, l->subject.n);
	const struct packet_txt *is = only_record(a->txt, a->n);

	return was != NULL && is != NULL && was->len == is->len &&
	       memcmp(was->bytes, is->bytes, is->len) == 0;
}
