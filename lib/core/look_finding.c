/* SPDX-License-Identifier: Apache-2.0 */
/* The finding of a look: evidence, words for what was seen, and the ends that
 * need no judging. */
#include "core/ede.h"
#include "core/look_private.h"
#include "core/txt.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
look_over_budget(const struct answer *a)
{
	return a->outcome == OUTCOME_TIMEOUT && a->why != NULL &&
	       strcmp(a->why, WHY_BUDGET) == 0;
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

void
look_saw(struct look *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	saw_add_v(l, fmt, ap);
	va_end(ap);
}

void
look_saw_name(struct look *l, const struct dname *name)
{
	char shown[DNAME_SHOWN_MAX + 1];

	dname_show(name, shown);
	look_saw(l, "%s", shown);
}

void
look_saw_txt(struct look *l, const struct packet_txt *txt)
{
	txt_show(txt->bytes, txt->len, l->finding.saw, sizeof(l->finding.saw));
}

/* --- evidence ------------------------------------------------------------- */

/* Only what is counted is ever read: the arrays need no clearing. */
void
look_finding_init(struct finding *f)
{
	f->verdict = VERDICT_UNDECIDED;
	f->code = CODE_NONE;
	f->assurance = ASSURANCE_NONE;
	f->name[0] = f->expected[0] = f->publish[0] = '\0';
	f->saw[0] = f->policy[0] = f->record_domain[0] = '\0';
	f->aligned = 0;
	f->found_n = f->servers_n = f->also_n = f->tree_n = 0;
	f->neg_ttl_s = f->visible_in_s = 0;
	f->delegated = f->has_cost = false;
	f->lookups = f->voids = 0;
	f->mark = NO_MARK;
}

void
look_found(struct look *l, const struct packet_txt *txt)
{
	struct finding *f = &l->finding;
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
	new->len = (uint8_t)len;
	new->cut = cut;
	if (len > 0)
		memcpy(new->bytes, txt->bytes, len);
	f->found_n++;
}

enum which { THE_RIGHT, THE_OTHERS };

/* Of the records that servers gave. The other TXT records of a domain itself
 * are nobody's business. */
static void
found_of_servers(struct look *l, enum which which)
{
	for (size_t i = 0; i < l->servers_n; i++) {
		const struct look_server *s = &l->servers[i];

		for (size_t k = 0; k < s->txt_n; k++) {
			bool has = l->kind->has(l, &s->txt[k], 1) != HAS_NOT;

			if (has == (which == THE_RIGHT) &&
			    (has || l->wish->check != CHECK_SPF))
				look_found(l, &s->txt[k]);
		}
	}
}

/* On a pass there is nothing to explain: the one that is right. Else first the
 * one that the reason speaks of, for l->judged.mark points into it. */
static void
found_all(struct look *l)
{
	const struct answer *a = &l->subject;
	bool pass = l->finding.verdict == VERDICT_PASS;

	if (l->is_judged && !pass && l->judged.txt < a->n)
		look_found(l, &a->txt[l->judged.txt]);
	for (size_t i = 0; l->is_judged && pass && i < a->n; i++) {
		if (l->kind->has(l, &a->txt[i], 1) == HAS_NOT)
			continue;
		look_found(l, &a->txt[i]);
		return;
	}
	if (pass && l->finding.found_n > 0)
		return;
	found_of_servers(l, THE_RIGHT);
	found_of_servers(l, THE_OTHERS);
}

static void
fact_fill(
    const struct look *l, struct server_fact *f, const struct look_server *s)
{
	char shown[DNAME_SHOWN_MAX + 1] = "";

	if (!s->resolver)
		dname_show(&s->name, shown);
	snprintf(f->name, sizeof(f->name), "%.*s", DNAME_TEXT_MAX, shown);
	f->addr[0] = '\0';
	if (s->addr.family != 0)
		packet_addr_show(&s->addr, f->addr);
	f->outcome = s->outcome;
	f->has = s->has != HAS_NOT && s->has >= l->most;
	f->has_serial = s->has_serial;
	f->serial = s->serial;
}

static void
take_judged(struct look *l)
{
	struct finding *f = &l->finding;
	const struct judged *j = &l->judged;

	f->also_n = j->also_n;
	memcpy(f->also, j->also, j->also_n * sizeof(j->also[0]));
	memcpy(f->publish, j->publish, strlen(j->publish) + 1);
	/* what is to be published depends on what is there */
	if (f->expected[0] == '\0' && f->verdict != VERDICT_PASS &&
	    strlen(j->publish) <= EXPECTED_MAX)
		memcpy(f->expected, j->publish, strlen(j->publish) + 1);
}

enum look_next
look_finish(struct look *l, enum verdict verdict, enum code code)
{
	struct finding *f = &l->finding;

	f->verdict = verdict;
	f->code = code;
	if (code == CODE_TIMEOUT && l->over_budget)
		memcpy(f->saw, SAW_OVER_BUDGET, sizeof(SAW_OVER_BUDGET));
	if (l->is_judged && verdict != VERDICT_UNDECIDED)
		take_judged(l);
	found_all(l);
	for (size_t i = 0; i < l->servers_n; i++)
		fact_fill(l, &f->servers[i], &l->servers[i]);
	f->servers_n = l->servers_n;
	look_round(l, PHASE_DONE);
	return LOOK_DONE;
}

/* --- ends ----------------------------------------------------------------- */

enum look_next
look_undecided(struct look *l, enum code code, const char *fmt, ...)
{
	va_list ap;

	l->finding.saw[0] = '\0';
	va_start(ap, fmt);
	saw_add_v(l, fmt, ap);
	va_end(ap);
	return look_finish(l, VERDICT_UNDECIDED, code);
}

void
look_rests_on(struct look *l, const struct answer *a)
{
	l->unproven = l->unproven || !a->ad;
}

/* The public view has it: the last that was noted. Proven is only what rests
 * on signed answers alone. */
static void
pass(struct look *l, const struct answer *a)
{
	bool proven = a->ad && !l->unproven && l->wish->trusted;

	if (l->servers_n > 0 && l->servers[l->servers_n - 1].resolver)
		l->servers[l->servers_n - 1].has = HAS_IT;
	if (a->chain_n > 0)
		l->finding.delegated = true;
	if (l->wish->assume == NULL)
		l->finding.assurance =
		    proven ? ASSURANCE_DNSSEC : ASSURANCE_SINGLE;
}

enum look_next
look_end(struct look *l)
{
	const struct judged *j = &l->judged;
	struct finding *f = &l->finding;

	if (j->verdict == VERDICT_PASS)
		pass(l, &l->subject);
	memcpy(f->saw, j->saw, strlen(j->saw) + 1);
	f->mark = j->mark;
	return look_finish(l, j->verdict, j->code);
}

enum look_next
look_pass_apex(struct look *l, const struct answer *a)
{
	pass(l, a);
	l->is_judged = false;
	for (size_t i = 0; i < a->n; i++) {
		if (l->kind->has(l, &a->txt[i], 1) != HAS_IT)
			continue;
		look_found(l, &a->txt[i]);
		look_saw_txt(l, &a->txt[i]);
		break;
	}
	return look_finish(l, VERDICT_PASS, CODE_VIA_APEX);
}

enum look_next
look_no_domain(struct look *l, const struct answer *a)
{
	if (a->has_soa)
		l->finding.neg_ttl_s = a->neg_ttl_s;
	look_saw_name(l, &l->wish->registrable);
	return look_finish(l, VERDICT_NONE, CODE_NO_DOMAIN);
}

enum look_next
look_bogus_end(struct look *l, const struct answer *a)
{
	const char *word = ede_bogus(a) ? ede_word(a) : NULL;
	bool unsigned_zone = word != NULL && (a->ede == 9 || a->ede == 10);

	if (word == NULL)
		return look_undecided(l, CODE_DNSSEC_BOGUS,
		    "answers only when checking is disabled");
	return look_undecided(l, CODE_DNSSEC_BOGUS, "%s (EDE %u)%s", word,
	    (unsigned)a->ede,
	    unsigned_zone ? ": perhaps a DS at the registrar without a "
			    "signed zone"
			  : "");
}

const char *
look_resolver(const struct look *l)
{
	return l->wish->only ? "the server" : "our resolver";
}

enum code
look_code_of(enum outcome outcome)
{
	static const enum code codes[] = {
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

	return codes[outcome];
}

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

const char *
look_word(enum outcome outcome, uint8_t rcode)
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
	return look_undecided(l, look_code_of(outcome), "%s: %s",
	    look_resolver(l), look_word(outcome, rcode));
}
