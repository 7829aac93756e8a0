/* SPDX-License-Identifier: Apache-2.0 */
/* Codes, in the order in which they are told; of several the first is `code`
 * and the others stand in `also`, each once:
 *
 *  undecided  as the DNS failed, before a policy was known
 *  at the author domain, a record that is none (fail; pass if one above it
 *  applies all the same):
 *	DUP_RECORD
 *	CNAME_AS_TXT
 *	SMART_QUOTES, SEMICOLON_ESCAPED, QUOTES_INSIDE, WHITESPACE: the first
 *	    trace in the text, if it is a record without
 *	DMARC_INVALID
 *  none  NOT_PUBLISHED
 *  the record that applies (pass; fail if it is void, for want of p and rua).
 *  Its faults are DMARC_INVALID, or what was done to its text:
 *	a fault of p, sp or np: all of it counts as p=none
 *	DMARC_UNALIGNED
 *	DMARC_NO_CONSENT
 *	a fault of another tag
 *	DMARC_TAG_REMOVED
 *	DMARC_LADDER, but beside DMARC_TAG_REMOVED not with any other: first
 *	    that is to be put right
 */
#include "core/dmarc_private.h"
#include "core/tags.h"
#include "core/txt.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const unsigned policies =
    1u << DMARC_TAG_P | 1u << DMARC_TAG_SP | 1u << DMARC_TAG_NP;
static const unsigned removed =
    1u << DMARC_TAG_PCT | 1u << DMARC_TAG_RF | 1u << DMARC_TAG_RI;

static void saw(struct dmarc *d, const char *fmt, ...) PRINTF(2, 3);

static void
saw(struct dmarc *d, const char *fmt, ...)
{
	char *out = d->v.judged.saw;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, SAW_MAX + 1, fmt, ap);
	va_end(ap);
	if (n > SAW_MAX)
		memcpy(out + SAW_MAX - 3, "...", 3);
}

static void
saw_text(struct dmarc *d, const uint8_t *text, size_t len)
{
	txt_show(text, len, d->v.judged.saw, SAW_MAX + 1);
}

static void
mark(struct dmarc *d, size_t at)
{
	d->v.judged.mark = at < NO_MARK ? (uint16_t)at : NO_MARK;
}

static void
speak_of(struct dmarc *d, const struct dmarc_node *node)
{
	d->v.judged_domain = node->name;
	d->v.record = node->text;
	d->v.record_len = node->len;
	d->v.judged.txt = node->txt;
}

static void
end(struct dmarc *d, enum verdict verdict, enum code code)
{
	d->v.judged.verdict = verdict;
	d->v.judged.code = code;
}

/* "mailto:dmarc@DOMAIN"; "" if that would be no address. */
static void
address(const struct dname *domain, char *out, size_t cap)
{
	char shown[DNAME_SHOWN_MAX + 1];
	int n;

	dname_show(domain, shown);
	n = snprintf(out, cap, "mailto:dmarc@%s", shown);
	if (n < 0 || (size_t)n >= cap || strchr(shown, '\\') != NULL)
		out[0] = '\0';
}

#define ADDRESS_MAX (DNAME_TEXT_MAX + 16)

static void
propose(struct dmarc *d, enum dmarc_policy policy)
{
	char rua[ADDRESS_MAX];

	address(&d->q->domain, rua, sizeof(rua));
	snprintf(d->v.judged.publish, PUBLISH_MAX + 1, "v=DMARC1; p=%s%s%s",
	    dmarc_policy_name(policy), rua[0] != '\0' ? "; rua=" : "", rua);
}

/* Undecided, and nothing */

static void
undecided(struct dmarc *d, const struct dmarc_node *node)
{
	char shown[DNAME_SHOWN_MAX + 1];

	end(d, VERDICT_UNDECIDED, CODE_TIMEOUT);
	if (node == NULL) {
		saw(d, "not all was asked in time");
		return;
	}
	d->v.judged.code = node->failure;
	dname_show(&node->name, shown);
	saw(d, "_dmarc.%s: %s", shown, outcome_name(node->outcome));
}

static void
nothing(struct dmarc *d, const struct dmarc_node *own)
{
	end(d, VERDICT_NONE, CODE_NOT_PUBLISHED);
	propose(d, DMARC_POLICY_NONE);
	if (own->text != NULL)
		saw_text(d, own->text, own->len);
}

/* A record that is none */

static void
publish_mended(struct dmarc *d, const uint8_t *text, size_t len)
{
	static const struct dmarc_change none = {.tag = DMARC_TAG_N};
	uint8_t mended[DMARC_MENDED_MAX];
	size_t n = dmarc_mend(mended, text, len);
	struct dmarc_record r;

	dmarc_record_read(&r, mended, n);
	if (r.form != DMARC_FORM_RECORD ||
	    !dmarc_rewrite(d->v.judged.publish, mended, n, &r, &none))
		propose(d, DMARC_POLICY_NONE);
}

/* A text that speaks of DMARC1 in any form, or a list with a policy. */
static bool
meant(const struct dmarc_node *node)
{
	uint8_t mended[DMARC_MENDED_MAX];
	struct dmarc_record r;

	if (node->like > 0)
		return true;
	dmarc_record_read(
	    &r, mended, dmarc_mend(mended, node->text, node->len));
	return r.p != DMARC_POLICY_NO;
}

static bool
damaged(struct dmarc *d, const uint8_t *text, size_t len)
{
	uint8_t clean[DMARC_MENDED_MAX];
	struct dmarc_damage damage;

	dmarc_damage(&damage, text, len);
	if (damage.code == CODE_NONE ||
	    !dmarc_is_record(clean, dmarc_clean(clean, text, len)))
		return false;
	d->v.judged.code = damage.code;
	d->v.judged.mark = damage.at;
	saw_text(d, text, len);
	return true;
}

static void
no_version(struct dmarc *d, const uint8_t *text, size_t len, size_t fault)
{
	struct tags tags;
	const struct tag *v;

	mark(d, fault);
	tags_read(&tags, text, len);
	v = tags_find_any_case(&tags, "v");
	if (v != NULL && v != &tags.tag[0] &&
	    tag_is_any_case(&tags, v, "DMARC1"))
		saw(d, "v=DMARC1 is not the first tag");
	else if (v == NULL)
		saw(d, "it does not begin with v=DMARC1");
	else if (fault >= 8 && memcmp(text + fault - 6, "DMARC1", 6) == 0)
		saw(d, "no semicolon behind v=DMARC1");
	else
		saw(d, "the version must be v=DMARC1, in these letters");
}

/* At the author domain; false: nothing there that was meant for DMARC. */
static bool
faulty(struct dmarc *d, const struct dmarc_node *own)
{
	const uint8_t *text = own->text;
	size_t len = own->len;

	if (own->state != NODE_EMPTY || text == NULL)
		return false;
	if (own->n == 0 && !dmarc_is_host(text, len) && !meant(own))
		return false;
	speak_of(d, own);
	end(d, d->v.found ? VERDICT_PASS : VERDICT_FAIL, CODE_DMARC_INVALID);
	if (own->n > 1) {
		d->v.judged.code = CODE_DUP_RECORD;
		saw(d, "%zu records begin with v=DMARC1", own->n);
	} else if (own->n == 1) {
		mark(d, own->record.fault);
		saw(d, "a tag stands twice, so the whole list is void");
	} else if (dmarc_is_host(text, len)) {
		d->v.judged.code = CODE_CNAME_AS_TXT;
		saw_text(d, text, len);
	} else {
		struct dmarc_record r;

		dmarc_record_read(&r, text, len);
		if (!damaged(d, text, len))
			no_version(d, text, len, r.fault);
	}
	publish_mended(d, text, len);
	return true;
}

/* The registry published it, nobody of ours can change it. */
static bool
of_registry(const struct dmarc *d)
{
	return d->applied != d->walk.visited[0] &&
	       d->applied->record.psd == DMARC_PSD_Y;
}

/* Remarks on the record that applies */

static void
publish(struct dmarc *d, const struct dmarc_change *change)
{
	const struct dmarc_node *node = d->applied;

	dmarc_rewrite(
	    d->v.judged.publish, node->text, node->len, &node->record, change);
}

static enum dmarc_tag
first_bad(const struct dmarc_record *r, unsigned among)
{
	enum dmarc_tag first = DMARC_TAG_N;

	for (size_t t = 0; t < DMARC_TAG_N; t++) {
		if ((r->bad & among & 1u << t) != 0 &&
		    (first == DMARC_TAG_N || r->at[t] < r->at[first]))
			first = (enum dmarc_tag)t;
	}
	return first;
}

/* What was done to the text, if without it other tags would be read; or
 * DMARC_INVALID. */
static enum code
fault_code(const struct dmarc_node *node, struct dmarc_damage *damage)
{
	const struct dmarc_record *r = &node->record;
	uint8_t clean[DMARC_MENDED_MAX];
	struct dmarc_record other;

	dmarc_damage(damage, node->text, node->len);
	if (damage->code == CODE_NONE)
		return CODE_DMARC_INVALID;
	dmarc_record_read(
	    &other, clean, dmarc_clean(clean, node->text, node->len));
	if (other.form == DMARC_FORM_OTHER ||
	    (other.seen == r->seen && other.bad == r->bad &&
		other.rua_n == r->rua_n && other.ruf_n == r->ruf_n))
		return CODE_DMARC_INVALID;
	return damage->code;
}

static bool
policy_wrong(const struct dmarc *d)
{
	return (d->applied->record.bad & policies) != 0;
}

static void
tell_damage(struct dmarc *d, const struct dmarc_damage *damage)
{
	const struct dmarc_node *node = d->applied;

	d->v.judged.code = damage->code;
	d->v.judged.mark = damage->at;
	saw_text(d, node->text, node->len);
	publish_mended(d, node->text, node->len);
}

/* Which tag is wrong, and what that means. */
static void
tell_wrong(struct dmarc *d, unsigned among)
{
	static const struct dmarc_change none = {.tag = DMARC_TAG_N};
	const struct dmarc_node *node = d->applied;
	const struct dmarc_record *r = &node->record;
	enum dmarc_tag tag = first_bad(r, among);
	const char *effect = "ignored";
	struct dmarc_damage damage;
	char value[60];

	if (fault_code(node, &damage) != CODE_DMARC_INVALID) {
		tell_damage(d, &damage);
		return;
	}
	d->v.judged.code = CODE_DMARC_INVALID;
	publish(d, &none);
	if ((among & policies) != 0)
		effect = d->v.found ? "all of it is read as p=none"
				    : "and no rua=, so it is void";
	if (tag == DMARC_TAG_N) {
		saw(d, "no p=: %s", effect);
		return;
	}
	txt_show(node->text + r->at[tag], r->len[tag], value, sizeof(value));
	mark(d, r->at[tag]);
	saw(d, "%s=%s is not valid: %s", dmarc_tag_name(tag), value, effect);
}

static bool
unaligned(const struct dmarc *d)
{
	const struct dmarc_query *q = d->q;

	return (q->has_dkim || q->has_mail_from) &&
	       (!q->has_dkim || d->v.dkim == DMARC_ALIGN_NO) &&
	       (!q->has_mail_from || d->v.spf == DMARC_ALIGN_NO);
}

static void
tell_unaligned(struct dmarc *d)
{
	const struct dmarc_query *q = d->q;
	char dkim[DNAME_SHOWN_MAX + 1] = "", from[DNAME_SHOWN_MAX + 1] = "";

	d->v.judged.code = CODE_DMARC_UNALIGNED;
	if (q->has_dkim)
		dname_show(&q->dkim_d, dkim);
	if (q->has_mail_from)
		dname_show(&q->mail_from, from);
	saw(d, "%s%s%s%s%s%s%s", q->has_dkim ? "d=" : "", dkim,
	    q->has_dkim && d->v.adkim_strict ? " (adkim=s)" : "",
	    q->has_dkim && q->has_mail_from ? ", " : "",
	    q->has_mail_from ? "MAIL FROM " : "", from,
	    q->has_mail_from && d->v.aspf_strict ? " (aspf=s)" : "");
}

static const struct dmarc_report *
first_refused(const struct dmarc *d)
{
	for (size_t i = 0; i < d->v.rua_n; i++) {
		if (d->v.rua[i].consent == DMARC_CONSENT_NO)
			return &d->v.rua[i];
	}
	for (size_t i = 0; i < d->v.ruf_n; i++) {
		if (d->v.ruf[i].consent == DMARC_CONSENT_NO)
			return &d->v.ruf[i];
	}
	return NULL;
}

static void
tell_refused(struct dmarc *d)
{
	const struct dmarc_report *r = first_refused(d);
	char domain[DNAME_SHOWN_MAX + 1], host[DNAME_SHOWN_MAX + 1];

	d->v.judged.code = CODE_DMARC_NO_CONSENT;
	dname_show(&d->v.record_domain, domain);
	dname_show(&r->host, host);
	mark(d, r->at);
	saw(d, "%s._report._dmarc.%s", domain, host);
}

/* Is the policy for a part of the mail only (RFC 7489)? */
static bool
is_part(const struct dmarc_node *node)
{
	const struct dmarc_record *r = &node->record;
	unsigned value = 0;

	if ((r->removed & DMARC_REMOVED_PCT) == 0)
		return false;
	for (size_t i = 0; i < r->len[DMARC_TAG_PCT]; i++) {
		uint8_t c = node->text[r->at[DMARC_TAG_PCT] + i];

		if (c < '0' || c > '9' || i > 2)
			return false;
		value = 10 * value + (c - '0');
	}
	return r->len[DMARC_TAG_PCT] > 0 && value < 100;
}

static void
tell_removed(struct dmarc *d)
{
	const struct dmarc_node *node = d->applied;
	const struct dmarc_record *r = &node->record;
	struct dmarc_change change = {.tag = DMARC_TAG_N};
	char value[24], text[SAW_MAX + 1] = "";
	size_t n = 0;

	d->v.judged.code = CODE_DMARC_TAG_REMOVED;
	for (size_t t = DMARC_TAG_PCT; t < DMARC_TAG_N; t++) {
		if ((r->seen & 1u << t) == 0)
			continue;
		txt_show(
		    node->text + r->at[t], r->len[t], value, sizeof(value));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%s",
		    n > 0 ? ", " : "", dmarc_tag_name((enum dmarc_tag)t),
		    value);
		if (d->v.judged.mark == NO_MARK || r->at[t] < d->v.judged.mark)
			mark(d, r->at[t]);
	}
	if ((r->removed & DMARC_REMOVED_SIZE) != 0)
		snprintf(text + n, sizeof(text) - n, "%sa size behind `!`",
		    n > 0 ? ", " : "");
	saw(d, "%s%s", text,
	    is_part(node) && d->v.policy > DMARC_POLICY_NONE
		? "; the policy is now for all mail, t=y tests it"
		: "");
	if (is_part(node) && d->v.policy > DMARC_POLICY_NONE && !d->v.t)
		change.t = "y";
	publish(d, &change);
}

/* Ladder: none with rua, quarantine, reject; t=y is a test before each. */

enum rung { RUNG_TOP, RUNG_OWN, RUNG_RUA, RUNG_TEST, RUNG_UP };

static enum rung
next_rung(const struct dmarc *d)
{
	const struct dmarc_verdict *v = &d->v;

	if (of_registry(d))
		return RUNG_OWN;
	if (v->policy != DMARC_POLICY_REJECT && v->rua_n == 0)
		return RUNG_RUA;
	if (v->t && v->policy > DMARC_POLICY_NONE)
		return RUNG_TEST;
	return v->policy < DMARC_POLICY_REJECT ? RUNG_UP : RUNG_TOP;
}

static const char *
lists(enum dmarc_policy next)
{
	/* RFC 9989 section 7.4 */
	return next == DMARC_POLICY_REJECT
		   ? ", unless its people write to mailing lists"
		   : "";
}

static void
tell_ladder(struct dmarc *d, enum rung rung)
{
	const struct dmarc_verdict *v = &d->v;
	enum dmarc_tag tag =
	    v->policy_tag == DMARC_TAG_N ? DMARC_TAG_P : v->policy_tag;
	struct dmarc_change change = {.tag = DMARC_TAG_N};
	const char *is = dmarc_policy_name(v->policy);
	const char *name = dmarc_tag_name(tag);
	char rua[ADDRESS_MAX];

	d->v.judged.code = CODE_DMARC_LADDER;
	if (rung == RUNG_OWN) {
		saw(d,
		    "%s=%s of the registry applies. Next step: a record of "
		    "your own",
		    name, is);
		propose(d, v->policy);
		d->v.judged_domain = d->q->domain;
		d->v.record = NULL;
		d->v.record_len = 0;
		return;
	}
	if (rung == RUNG_RUA) {
		saw(d,
		    "%s=%s, but nobody reports to you. Next step: rua=", name,
		    is);
		address(&v->record_domain, rua, sizeof(rua));
		if (rua[0] == '\0')
			return;
		change.rua = rua;
	} else if (rung == RUNG_TEST) {
		saw(d, "%s=%s; t=y counts as %s. Next step: without t=y%s",
		    name, is, dmarc_policy_name(v->enforced), lists(v->policy));
		change.t = "";
	} else {
		change.tag = tag;
		change.policy = v->policy + 1;
		saw(d, "%s=%s%s. Next step: %s=%s%s", name, is,
		    v->policy == DMARC_POLICY_NONE ? ": reports only" : "",
		    name, dmarc_policy_name(change.policy),
		    lists(change.policy));
	}
	publish(d, &change);
}

static void
remarks(struct dmarc *d)
{
	const struct dmarc_record *r = &d->applied->record;
	struct judged *j = &d->v.judged;
	bool theirs = !of_registry(d);
	enum rung rung = next_rung(d);
	bool wrong = theirs && policy_wrong(d);
	struct dmarc_damage damage;
	enum code fault = fault_code(d->applied, &damage);
	bool odd = theirs && (fault != CODE_DMARC_INVALID ||
				 (r->bad & ~(policies | removed)) != 0);
	const struct {
		bool is;
		enum code code;
	} all[] = {
	    {wrong, fault},
	    {unaligned(d), CODE_DMARC_UNALIGNED},
	    {theirs && first_refused(d) != NULL, CODE_DMARC_NO_CONSENT},
	    {odd && !wrong, fault},
	    {theirs && d->v.removed != 0, CODE_DMARC_TAG_REMOVED},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (!all[i].is)
			continue;
		if (j->code == CODE_NONE)
			j->code = all[i].code;
		else
			j->also[j->also_n++] = all[i].code;
	}
	if (rung != RUNG_TOP && j->code == CODE_NONE)
		j->code = CODE_DMARC_LADDER;
	else if (rung != RUNG_TOP && j->code == CODE_DMARC_TAG_REMOVED)
		j->also[j->also_n++] = CODE_DMARC_LADDER;
	if (j->code == fault)
		tell_wrong(d, wrong ? policies : ~(policies | removed));
	else if (j->code == CODE_DMARC_UNALIGNED)
		tell_unaligned(d);
	else if (j->code == CODE_DMARC_NO_CONSENT)
		tell_refused(d);
	else if (j->code == CODE_DMARC_TAG_REMOVED)
		tell_removed(d);
	else if (j->code == CODE_DMARC_LADDER)
		tell_ladder(d, rung);
}

void
dmarc_judge(struct dmarc *d)
{
	const struct dmarc_walk *w = &d->walk;
	const struct dmarc_node *own = w->n > 0 ? w->visited[0] : NULL;

	d->v.judged_domain = d->q->domain;
	if (d->full) {
		d->v.found = false;
		d->v.policy = d->v.enforced = DMARC_POLICY_NO;
		d->v.rua_n = d->v.ruf_n = 0;
		end(d, VERDICT_UNDECIDED, CODE_BAD_PACKET);
		saw(d, "too large to be read");
	} else if (own == NULL || own->state == NODE_FAILED) {
		undecided(d, own);
	} else if (faulty(d, own)) {
		return;
	} else if (d->applied == NULL && w->state != WALK_DONE) {
		undecided(
		    d, w->state == WALK_FAILED ? w->visited[w->n - 1] : NULL);
	} else if (d->applied == NULL || (!d->v.found && of_registry(d))) {
		nothing(d, own);
	} else {
		end(d, VERDICT_PASS, CODE_NONE);
		speak_of(d, d->applied);
		if (d->v.found) {
			remarks(d);
			return;
		}
		end(d, VERDICT_FAIL, CODE_DMARC_INVALID);
		tell_wrong(d, policies);
	}
}
