/* SPDX-License-Identifier: Apache-2.0 */
/* Any record and any answers. The first line chooses the question, each one
 * behind it is the answer to the next: '!' and a letter an outcome, else TXT
 * records parted by '|'. Whatever they say, an evaluation ends within its
 * bounds, passes only with a policy, and proposes nothing that is not a sound
 * record. */
#include "core/dmarc.h"
#include "core/txt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define NEED(what)                                                             \
	do {                                                                   \
		if (!(what))                                                   \
			abort();                                               \
	} while (0)

#define RECORDS_MAX 8

static const char *const names[] = {"shop.test", "a.shop.test", "test",
    "b.a.shop.test", "mail.other.example", "a.b.c.d.e.f.g.h.i.shop.test",
    "xn--d1acufc.test", "."};

static uint8_t memory[512u << 10];

struct input {
	const uint8_t *at;
	size_t left;
};

static struct input
line(struct input *in)
{
	const uint8_t *end =
	    in->left > 0 ? memchr(in->at, '\n', in->left) : NULL;
	struct input out = *in;

	if (end != NULL)
		out.left = (size_t)(end - in->at);
	in->at += out.left + (end != NULL);
	in->left -= out.left + (end != NULL);
	return out;
}

static uint8_t
octet(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static struct dname
name(uint8_t which)
{
	struct dname out;

	NEED(dname_from_text(&out, names[which % ARRAY_LEN(names)], NULL) ==
	     DNAME_OK);
	return out;
}

static void
give(struct input *in, struct answer *a, struct packet_txt *txt)
{
	struct input l = line(in);
	size_t from = 0;

	*a = (struct answer){.outcome = OUTCOME_NXDOMAIN, .txt = txt};
	if (l.left > 0 && l.at[0] == '!') {
		uint8_t which = l.left > 1 ? l.at[1] : 0;

		a->outcome =
		    (enum outcome)(1 + which % (uint8_t)OUTCOME_MALFORMED);
		a->has_ede = (which & 0x40) != 0;
		a->ede = which >> 2;
		return;
	}
	for (size_t i = 0; i <= l.left && l.left > 0; i++) {
		if (i < l.left && l.at[i] != '|')
			continue;
		if (a->n < RECORDS_MAX)
			txt[a->n++] = (struct packet_txt){
			    .bytes = l.at + from, .len = i - from};
		from = i + 1;
	}
	if (a->n > 0)
		a->outcome = OUTCOME_RECORDS;
}

static void
check_text(const char *text, size_t max)
{
	NEED(strlen(text) <= max);
	for (const char *c = text; *c != '\0'; c++)
		NEED(*c >= ' ' && *c <= '~');
}

static bool
code_fits(const struct judged *j)
{
	switch (j->verdict) {
	case VERDICT_UNDECIDED:
		return j->code >= CODE_DNSSEC_BOGUS &&
		       j->code <= CODE_CNAME_CHAIN;
	case VERDICT_NONE:
		return j->code == CODE_NOT_PUBLISHED;
	case VERDICT_FAIL:
		return j->code == CODE_DMARC_INVALID ||
		       (j->code >= CODE_CNAME_AS_TXT &&
			   j->code <= CODE_SMART_QUOTES);
	default:
		return j->code == CODE_NONE ||
		       (j->code >= CODE_CNAME_AS_TXT &&
			   j->code <= CODE_SMART_QUOTES) ||
		       (j->code >= CODE_DMARC_INVALID &&
			   j->code <= CODE_DMARC_LADDER);
	}
}

static void
check_publish(const char *publish)
{
	const uint8_t *text = (const uint8_t *)publish;
	struct dmarc_record r;

	check_text(publish, PUBLISH_MAX);
	if (publish[0] == '\0')
		return;
	dmarc_record_read(&r, text, strlen(publish));
	NEED(r.form == DMARC_FORM_RECORD);
	NEED(r.p != DMARC_POLICY_NO && r.bad == 0 && r.removed == 0);
}

static void
check_reports(
    const struct dmarc_report *list, size_t n, const struct dmarc_verdict *v)
{
	NEED(n <= DMARC_URIS_MAX);
	for (size_t i = 0; i < n; i++) {
		NEED(list[i].at + list[i].len <= DMARC_TEXT_MAX);
		NEED(list[i].len > 0 && v->found);
		NEED(list[i].mail || list[i].consent == DMARC_CONSENT_UNKNOWN);
		NEED(!list[i].mail || dname_labels(&list[i].host) > 0);
	}
}

static void
check(const struct dmarc_query *q, const struct dmarc_verdict *v)
{
	const struct judged *j = &v->judged;

	NEED(code_fits(j));
	NEED(v->found == (j->verdict == VERDICT_PASS));
	NEED(v->found == (v->policy != DMARC_POLICY_NO));
	NEED(v->enforced <= v->policy && v->enforced + 1 >= v->policy);
	NEED(!v->found || dname_within(&q->domain, &v->record_domain));
	NEED(!v->has_org || dname_within(&q->domain, &v->org));
	NEED(dname_within(&q->domain, &v->judged_domain));
	NEED(v->asked <= 8);
	NEED(j->mark == NO_MARK ||
	     (v->record != NULL && j->mark <= v->record_len));
	NEED(j->also_n <= ALSO_MAX && j->txt < RECORDS_MAX);
	for (size_t i = 0; i < j->also_n; i++) {
		NEED(j->also[i] != j->code && j->also[i] != CODE_NONE);
		for (size_t k = 0; k < i; k++)
			NEED(j->also[i] != j->also[k]);
	}
	check_text(j->saw, SAW_MAX);
	check_publish(j->publish);
	check_reports(v->rua, v->rua_n, v);
	check_reports(v->ruf, v->ruf_n, v);
	NEED(q->has_dkim || v->dkim == DMARC_ALIGN_UNKNOWN);
	NEED(q->has_mail_from || v->spf == DMARC_ALIGN_UNKNOWN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input in = {.at = bytes, .left = len};
	struct input first = line(&in);
	uint8_t flags = octet(&first);
	struct packet_txt txt[DMARC_ASK_MAX][RECORDS_MAX];
	struct answer got[DMARC_ASK_MAX];
	struct dmarc_query q = {.domain = name(octet(&first)),
	    .exists = (enum dmarc_exists)(flags % 3),
	    .has_dkim = (flags & 4) != 0,
	    .has_mail_from = (flags & 8) != 0,
	    .mode = flags & 16 ? DMARC_QUICK : DMARC_FULL};
	struct arena arena;
	struct dmarc *d;
	size_t n = 0;
	unsigned rounds = 0, expire = flags & 32 ? octet(&first) % 8u + 1 : 0;

	q.dkim_d = name(octet(&first));
	q.mail_from = name(octet(&first));
	arena_init(&arena, memory,
	    flags & 64 ? 16384 + 64u * octet(&first) : sizeof(memory));
	d = dmarc_begin(&q, &arena);
	if (d == NULL)
		return 0;
	if ((flags & 128) != 0) {
		struct input record = line(&in);

		dmarc_assume(d, record.at, record.left);
	}
	while (dmarc_step(d, got, n) == DMARC_ASK) {
		const struct question *asks = dmarc_asks(d, &n);

		NEED(n > 0 && n <= DMARC_ASK_MAX && asks[0].name.len > 1);
		NEED(++rounds <= DMARC_ROUNDS_MAX);
		/* a record that is assumed is not asked for */
		NEED(rounds > 1 || n == 1 || (flags & 128) != 0);
		if (rounds == expire)
			dmarc_expire(d);
		for (size_t i = 0; i < n; i++)
			give(&in, &got[i], txt[i]);
	}
	check(&q, dmarc_verdict(d));
	return 0;
}
