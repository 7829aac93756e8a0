/* SPDX-License-Identifier: Apache-2.0 */
/* The steps, in this order: the walk from the author domain (only its first
 * name where that has a record and the mode is QUICK), then whether the domain
 * exists where np= hangs on it, then side by side the walks of d=, of MAIL
 * FROM and of report receivers below our organisational domain, and the
 * consents of the others. */
#include "core/dmarc_private.h"

#include <assert.h>
#include <string.h>

static const struct dname root = {.len = 1, .wire = {0}};

static bool
joined(struct dname *out, const char *labels, const struct dname *tail)
{
	struct dname head;

	return dname_from_text(&head, labels, NULL) == DNAME_OK &&
	       dname_join(out, &head, tail);
}

bool
dmarc_name(struct dname *out, const struct dname *domain)
{
	return joined(out, "_dmarc", domain);
}

static void
verdict_init(struct dmarc_verdict *v)
{
	v->found = false;
	v->record_domain = root;
	v->policy = DMARC_POLICY_NO;
	v->enforced = DMARC_POLICY_NO;
	v->policy_tag = DMARC_TAG_N;
	v->psd = DMARC_PSD_U;
	v->t = v->adkim_strict = v->aspf_strict = false;
	v->removed = 0;
	v->rua_n = v->ruf_n = 0;
	v->rua = v->ruf = NULL;
	v->has_org = false;
	v->org = root;
	v->dkim = v->spf = DMARC_ALIGN_UNKNOWN;
	v->asked = 0;
	v->record = NULL;
	v->record_len = 0;
	v->judged_domain = root;
	v->judged.verdict = VERDICT_UNDECIDED;
	v->judged.code = CODE_NONE;
	v->judged.also_n = 0;
	v->judged.txt = 0;
	v->judged.mark = NO_MARK;
	v->judged.saw[0] = '\0';
	v->judged.publish[0] = '\0';
}

struct dmarc *
dmarc_begin(const struct dmarc_query *q, struct arena *a)
{
	struct dmarc *d = arena_alloc(a, sizeof(*d));

	/* large, and mostly for those that ask much: no memset */
	if (d == NULL)
		return NULL;
	d->q = q;
	d->a = a;
	d->phase = PHASE_WALK;
	d->full = d->expired = d->assumed = false;
	d->exists = q->exists;
	d->rounds = 0;
	d->nodes = NULL;
	d->applied = NULL;
	d->hosts_n = 0;
	d->rua = d->ruf = NULL;
	d->asks_n = 0;
	dmarc_walk_begin(&d->walk, &q->domain);
	verdict_init(&d->v);
	return d;
}

/* Nodes */

static struct dmarc_node *
node_of(struct dmarc *d, const struct dname *name)
{
	struct dmarc_node *node = d->nodes;

	while (node != NULL && !dname_equal(&node->name, name))
		node = node->next;
	if (node != NULL)
		return node;
	node = arena_alloc(d->a, sizeof(*node));
	if (node == NULL) {
		d->full = true;
		return NULL;
	}
	node->next = d->nodes;
	d->nodes = node;
	node->name = *name;
	node->state = NODE_NEW;
	node->outcome = OUTCOME_NODATA;
	node->failure = CODE_NONE;
	node->n = node->txt = node->len = 0;
	node->like = 0;
	node->text = NULL;
	return node;
}

void
dmarc_assume(struct dmarc *d, const void *bytes, size_t len)
{
	struct dmarc_node *node = node_of(d, &d->q->domain);

	if (node == NULL || !dmarc_node_assume(node, bytes, len, d->a))
		d->full = true;
	d->assumed = true;
}

/* Questions */

static struct question *
want(struct dmarc *d, enum ask_kind kind, enum rrtype type)
{
	struct question *q;

	/* a walk of d=, one of MAIL FROM, and the receivers: each wants one */
	assert(d->asks_n < DMARC_ASK_MAX);
	d->ask[d->asks_n] = (struct ask){.kind = kind};
	q = &d->asks[d->asks_n++];
	q->type = (uint16_t)type;
	q->flags = QUESTION_RD;
	return q;
}

static void
want_node(struct dmarc *d, struct dmarc_node *node)
{
	struct dname name;
	struct question *q;

	/* too long to be asked for is too long to exist */
	if (!dmarc_name(&name, &node->name)) {
		node->state = NODE_EMPTY;
		return;
	}
	q = want(d, ASK_NODE, RRTYPE_TXT);
	q->name = name;
	d->ask[d->asks_n - 1].node = node;
	node->state = NODE_ASKED;
}

/* As far as answers go, and up to n names; what is missing is asked for. */
static void
go_on(struct dmarc *d, struct dmarc_walk *w, size_t n)
{
	while (w->state == WALK_ON && w->n < n) {
		struct dname name;
		struct dmarc_node *node;

		dmarc_walk_name(w, &name);
		node = node_of(d, &name);
		if (node == NULL) {
			w->state = WALK_FAILED;
			return;
		}
		if (node->state == NODE_NEW)
			want_node(d, node);
		if (node->state == NODE_NEW || node->state == NODE_ASKED)
			return;
		dmarc_walk_visit(w, node);
	}
}

/* Policy */

static bool
own_record(const struct dmarc *d)
{
	return d->walk.n > 0 && d->walk.visited[0]->state == NODE_RECORD;
}

/* Author domain, organisational domain, public suffix (section 4.10.1). */
static void
choose(struct dmarc *d)
{
	struct dmarc_walk *w = &d->walk;

	if (w->state == WALK_DONE) {
		d->v.has_org = true;
		dmarc_walk_org(w, &d->v.org);
		d->record_org = d->v.org;
	}
	if (own_record(d)) {
		d->applied = w->visited[0];
		return;
	}
	for (size_t i = 1; i < w->n && d->v.has_org; i++) {
		struct dmarc_node *node = w->visited[i];
		bool at_org = dname_equal(&node->name, &d->v.org);

		if (node->state != NODE_RECORD ||
		    (!at_org && node->record.psd != DMARC_PSD_Y))
			continue;
		d->applied = node;
		if (!at_org)
			d->record_org = node->name;
		return;
	}
}

static bool
existence_matters(const struct dmarc *d)
{
	const struct dmarc_record *r;

	if (d->applied == NULL || own_record(d) ||
	    d->exists != DMARC_EXISTS_ASK)
		return false;
	r = &d->applied->record;
	if (r->np == DMARC_POLICY_NO)
		return false;
	return r->np != (r->sp != DMARC_POLICY_NO ? r->sp : r->p);
}

static enum dmarc_tag
policy_tag(const struct dmarc *d, const struct dmarc_record *r)
{
	if (own_record(d))
		return DMARC_TAG_P;
	if (d->exists == DMARC_EXISTS_NO && r->np != DMARC_POLICY_NO)
		return DMARC_TAG_NP;
	return r->sp != DMARC_POLICY_NO ? DMARC_TAG_SP : DMARC_TAG_P;
}

/* A wrong p, sp or np makes the whole record p=none where reports are asked
 * for, and else it does not apply (section 4.10.1). */
static void
read_policy(struct dmarc *d)
{
	const struct dmarc_record *r = &d->applied->record;
	const unsigned wrong = 1u << DMARC_TAG_SP | 1u << DMARC_TAG_NP;
	struct dmarc_verdict *v = &d->v;

	v->found = true;
	if (r->p == DMARC_POLICY_NO || (r->bad & wrong) != 0) {
		v->policy = DMARC_POLICY_NONE;
		v->found = r->rua_n > 0;
	} else {
		v->policy_tag = policy_tag(d, r);
		v->policy = v->policy_tag == DMARC_TAG_P    ? r->p
			    : v->policy_tag == DMARC_TAG_SP ? r->sp
							    : r->np;
	}
	if (!v->found) {
		v->policy = DMARC_POLICY_NO;
		return;
	}
	v->record_domain = d->applied->name;
	v->enforced = v->policy;
	if (r->t && v->policy > DMARC_POLICY_NONE)
		v->enforced = v->policy - 1;
	v->psd = r->psd;
	v->t = r->t;
	v->adkim_strict = r->adkim_strict;
	v->aspf_strict = r->aspf_strict;
	v->removed = r->removed;
}

/* Alignment */

static enum dmarc_align
align_known(const struct dmarc *d, bool strict, const struct dname *id)
{
	const struct dname *domain = &d->q->domain;
	struct dname top = *domain;

	if (dname_equal(id, domain))
		return DMARC_ALIGN_YES;
	if (strict && d->v.found)
		return DMARC_ALIGN_NO;
	if (d->v.has_org && d->v.found)
		return dname_within(id, &d->v.org) ? DMARC_ALIGN_UNKNOWN
						   : DMARC_ALIGN_NO;
	/* whatever the organisational domains are, they differ */
	while (dname_labels(&top) > 1)
		dname_parent(&top, &top);
	return dname_within(id, &top) ? DMARC_ALIGN_UNKNOWN : DMARC_ALIGN_NO;
}

/* Aligned if the walk from id ends at our organisational domain. */
static void
align(struct dmarc *d, enum dmarc_align *out, struct dmarc_walk *w)
{
	struct dname org;

	if (*out != DMARC_ALIGN_UNKNOWN || w->start == NULL)
		return;
	go_on(d, w, WALK_MAX);
	if (w->state != WALK_DONE)
		return;
	dmarc_walk_org(w, &org);
	*out = dname_equal(&org, &d->v.org) ? DMARC_ALIGN_YES : DMARC_ALIGN_NO;
}

static void
begin_align(struct dmarc *d)
{
	const struct dmarc_query *q = d->q;
	bool walks = q->mode == DMARC_FULL && d->v.found && d->v.has_org;

	d->dkim.start = d->mail.start = NULL;
	if (q->has_dkim)
		d->v.dkim = align_known(d, d->v.adkim_strict, &q->dkim_d);
	if (q->has_mail_from)
		d->v.spf = align_known(d, d->v.aspf_strict, &q->mail_from);
	if (walks && q->has_dkim)
		dmarc_walk_begin(&d->dkim, &q->dkim_d);
	if (walks && q->has_mail_from)
		dmarc_walk_begin(&d->mail, &q->mail_from);
}

/* Reports */

static void
host_name(struct dname *out, const uint8_t *text, const struct dmarc_uri *uri)
{
	char name[DNAME_TEXT_MAX + 2];

	memcpy(name, text + uri->host_at, uri->host_len);
	name[uri->host_len] = '\0';
	if (dname_from_text(out, name, NULL) != DNAME_OK)
		*out = root;
}

static enum dmarc_consent
consent_known(const struct dmarc *d, const struct dname *host)
{
	return dname_equal(host, &d->v.record_domain) ? DMARC_CONSENT_OWN
						      : DMARC_CONSENT_UNKNOWN;
}

static struct dmarc_host *
host_new(struct dmarc *d, const struct dname *name)
{
	struct dmarc_host *h = arena_alloc(d->a, sizeof(*h));

	if (h == NULL) {
		d->full = true;
		return NULL;
	}
	d->hosts[d->hosts_n++] = h;
	h->name = *name;
	h->rua = h->ruf = consent_known(d, name);
	h->state = HOST_NEW;
	if (h->rua != DMARC_CONSENT_UNKNOWN || d->q->mode == DMARC_QUICK)
		h->state = HOST_KNOWN;
	else if (d->v.has_org && dname_within(name, &d->record_org)) {
		h->state = HOST_WALKS;
		dmarc_walk_begin(&h->walk, &h->name);
	}
	return h;
}

static uint8_t
host_of(struct dmarc *d, const struct dname *name)
{
	size_t i = 0;

	while (i < d->hosts_n && !dname_equal(&d->hosts[i]->name, name))
		i++;
	if (i == d->hosts_n && host_new(d, name) == NULL)
		return UINT8_MAX;
	return (uint8_t)i;
}

static struct dmarc_report *
reports(struct dmarc *d, const struct dmarc_uri *uri, size_t n, uint8_t *host)
{
	const uint8_t *text = d->applied->text;
	struct dmarc_report *list = arena_alloc(d->a, n * sizeof(*list));

	if (list == NULL)
		d->full = true;
	for (size_t i = 0; list != NULL && i < n; i++) {
		struct dmarc_report *r = &list[i];

		r->uri = text + uri[i].at;
		r->len = uri[i].len;
		r->at = uri[i].at;
		r->mail = uri[i].host_len > 0;
		r->host = root;
		r->consent = DMARC_CONSENT_UNKNOWN;
		host[i] = UINT8_MAX;
		if (!r->mail)
			continue;
		host_name(&r->host, text, &uri[i]);
		host[i] = host_of(d, &r->host);
	}
	return list;
}

static void
begin_reports(struct dmarc *d)
{
	const struct dmarc_record *r;

	if (!d->v.found)
		return;
	r = &d->applied->record;
	if (r->rua_n > 0)
		d->rua = reports(d, r->rua, r->rua_n, d->rua_host);
	if (r->ruf_n > 0)
		d->ruf = reports(d, r->ruf, r->ruf_n, d->ruf_host);
	d->v.rua = d->rua;
	d->v.ruf = d->ruf;
	d->v.rua_n = d->rua != NULL ? r->rua_n : 0;
	d->v.ruf_n = d->ruf != NULL ? r->ruf_n : 0;
}

static void
want_consent(struct dmarc *d, struct dmarc_host *h)
{
	struct dname name;
	struct question *q;

	h->state = HOST_KNOWN;
	if (!joined(&name, "_report._dmarc", &h->name) ||
	    !dname_join(&name, &d->v.record_domain, &name)) {
		h->rua = h->ruf = DMARC_CONSENT_NO;
		return;
	}
	q = want(d, ASK_HOST, RRTYPE_TXT);
	q->name = name;
	d->ask[d->asks_n - 1].host = h;
	h->state = HOST_ASKED;
}

static void
ask_host(struct dmarc *d, struct dmarc_host *h)
{
	struct dname org;

	if (h->state == HOST_WALKS) {
		go_on(d, &h->walk, WALK_MAX);
		if (h->walk.state == WALK_ON)
			return;
		h->state = HOST_NEW;
		if (h->walk.state == WALK_DONE) {
			dmarc_walk_org(&h->walk, &org);
			if (dname_equal(&org, &d->record_org)) {
				h->rua = h->ruf = DMARC_CONSENT_OWN;
				h->state = HOST_KNOWN;
			}
		}
	}
	if (h->state == HOST_NEW)
		want_consent(d, h);
}

/* A receiver may name other addresses, but only at the same host (RFC 9990
 * section 4, step 9); else reports go to neither. */
static bool
diverted(const uint8_t *text, const struct dmarc_uri *uri, size_t n,
    const struct dname *host)
{
	for (size_t i = 0; i < n; i++) {
		struct dname other;

		if (uri[i].host_len == 0)
			continue;
		host_name(&other, text, &uri[i]);
		if (!dname_equal(&other, host))
			return true;
	}
	return false;
}

static void
take_consent(struct dmarc_host *h, const struct answer *got)
{
	struct dmarc_record r;

	h->state = HOST_KNOWN;
	if (dmarc_failure(got) != CODE_NONE)
		return;
	h->rua = h->ruf = DMARC_CONSENT_NO;
	if (got->outcome != OUTCOME_RECORDS)
		return;
	for (size_t i = 0; i < got->n; i++) {
		const struct packet_txt *txt = &got->txt[i];

		dmarc_record_read(&r, txt->bytes, txt->len);
		if (r.form != DMARC_FORM_RECORD)
			continue;
		if (!diverted(txt->bytes, r.rua, r.rua_n, &h->name))
			h->rua = DMARC_CONSENT_YES;
		if (!diverted(txt->bytes, r.ruf, r.ruf_n, &h->name))
			h->ruf = DMARC_CONSENT_YES;
	}
}

static void
note_consents(struct dmarc *d)
{
	for (size_t i = 0; i < d->v.rua_n; i++) {
		if (d->rua_host[i] != UINT8_MAX)
			d->rua[i].consent = d->hosts[d->rua_host[i]]->rua;
	}
	for (size_t i = 0; i < d->v.ruf_n; i++) {
		if (d->ruf_host[i] != UINT8_MAX)
			d->ruf[i].consent = d->hosts[d->ruf_host[i]]->ruf;
	}
}

/* Steps */

static void
take(struct dmarc *d, const struct ask *ask, const struct answer *got)
{
	switch (ask->kind) {
	case ASK_NODE:
		if (!dmarc_node_take(ask->node, got, d->a))
			d->full = true;
		break;
	case ASK_EXISTS:
		/* without an answer it counts as there */
		d->exists = got->outcome == OUTCOME_NXDOMAIN ? DMARC_EXISTS_NO
							     : DMARC_EXISTS_YES;
		break;
	case ASK_HOST:
		take_consent(ask->host, got);
		break;
	}
}

static void
walk_step(struct dmarc *d)
{
	struct dmarc_walk *w = &d->walk;

	/* the first name alone: most often nothing else is to be asked */
	go_on(d, w, 1);
	if (w->n > 0 && (d->q->mode == DMARC_FULL || !own_record(d)))
		go_on(d, w, WALK_MAX);
	if (d->asks_n > 0)
		return;
	choose(d);
	d->phase = PHASE_EXISTS;
}

static void
exists_step(struct dmarc *d)
{
	if (existence_matters(d)) {
		struct question *q = want(d, ASK_EXISTS, RRTYPE_A);

		q->name = d->q->domain;
		return;
	}
	if (d->applied != NULL)
		read_policy(d);
	begin_align(d);
	begin_reports(d);
	d->phase = PHASE_REST;
}

static void
rest_step(struct dmarc *d)
{
	align(d, &d->v.dkim, &d->dkim);
	align(d, &d->v.spf, &d->mail);
	for (size_t i = 0; i < d->hosts_n; i++)
		ask_host(d, d->hosts[i]);
	if (d->asks_n == 0)
		d->phase = PHASE_DONE;
}

static void
finish(struct dmarc *d)
{
	d->phase = PHASE_DONE;
	d->asks_n = 0;
	d->v.asked = (unsigned)(d->walk.n - (d->walk.n > 0 && d->assumed));
	note_consents(d);
	dmarc_judge(d);
}

enum dmarc_next
dmarc_step(struct dmarc *d, const struct answer *got, size_t got_n)
{
	size_t asked = d->asks_n;

	if (d->phase == PHASE_DONE)
		return DMARC_DONE;
	d->asks_n = 0;
	for (size_t i = 0; i < asked && i < got_n; i++)
		take(d, &d->ask[i], &got[i]);
	if (d->phase == PHASE_WALK)
		walk_step(d);
	if (d->phase == PHASE_EXISTS && d->asks_n == 0)
		exists_step(d);
	if (d->phase == PHASE_REST && d->asks_n == 0)
		rest_step(d);
	if (d->asks_n > 0 && !d->full && ++d->rounds <= DMARC_ROUNDS_MAX)
		return DMARC_ASK;
	finish(d);
	return DMARC_DONE;
}

const struct question *
dmarc_asks(const struct dmarc *d, size_t *n)
{
	*n = d->asks_n;
	return d->asks;
}

void
dmarc_expire(struct dmarc *d)
{
	if (d->phase == PHASE_DONE)
		return;
	d->expired = true;
	if (d->phase == PHASE_EXISTS) {
		d->exists = DMARC_EXISTS_YES;
		d->asks_n = 0;
		exists_step(d);
	} else if (d->phase == PHASE_WALK && own_record(d)) {
		choose(d);
		exists_step(d);
	}
	finish(d);
}

const struct dmarc_verdict *
dmarc_verdict(const struct dmarc *d)
{
	return &d->v;
}
