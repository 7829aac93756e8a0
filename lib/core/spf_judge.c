/* SPDX-License-Identifier: Apache-2.0 */
/* First the records as they lie there (none, several, unreadable, something
 * that was meant as one); then what the evaluations said of our addresses.
 * What is definite comes before what could not be asked. */
#include "core/spf_judge_private.h"

#include "core/txt.h"

#include <stdio.h>
#include <string.h>

#define NO_TERM UINT16_MAX

/* All that is given, and where the judgement goes. */
struct judging {
	struct judged *out;
	const struct spf_wish *wish;
	const struct packet_txt *txt;
	size_t txt_n;
	const struct spf_verdict *audit;
	const struct packet_txt *record; /* the one SPF record */
	struct spf_drop drop;		 /* what the new record leaves out */
};

size_t
spf_records(const struct packet_txt *txt, size_t n, size_t *first)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		if (!spf_is_record(txt[i].bytes, txt[i].len))
			continue;
		if (found++ == 0 && first != NULL)
			*first = i;
	}
	return found;
}

/* --- writing ------------------------------------------------------------- */

static void
settle(struct judging *j, enum verdict verdict, enum code code)
{
	j->out->verdict = verdict;
	j->out->code = code;
}

static void
fail(struct judging *j, enum code code, size_t mark)
{
	settle(j, VERDICT_FAIL, code);
	if (mark < NO_MARK)
		j->out->mark = (uint16_t)mark;
}

static void
remark(struct judging *j, enum code code)
{
	struct judged *out = j->out;

	for (size_t i = 0; i < out->also_n; i++) {
		if (out->also[i] == code)
			return;
	}
	if (code != out->code && out->also_n < ALSO_MAX)
		out->also[out->also_n++] = code;
}

static void
saw(struct judging *j, const char *text)
{
	size_t at = strlen(j->out->saw);

	snprintf(j->out->saw + at, sizeof(j->out->saw) - at, "%s", text);
}

/* Octets of somebody's record, as they can be shown. */
static void
saw_octets(struct judging *j, const uint8_t *bytes, size_t len)
{
	char shown[SAW_MAX + 1];

	txt_show(bytes, len, shown, TERM_MAX + 1);
	saw(j, shown);
}

static void
saw_term(struct judging *j, const struct spf_place *p)
{
	if (p->record != NULL && p->term.len > 0)
		saw_octets(j, p->record + p->term.at, p->term.len);
	else
		saw_octets(j, (const uint8_t *)p->domain, strlen(p->domain));
}

/* "include:a.test > include:b.test > " */
static void
saw_path(struct judging *j, const struct spf_verdict *v)
{
	for (size_t i = 0; i < v->path_n; i++) {
		saw_term(j, &v->path[i]);
		saw(j, " > ");
	}
}

/* --- where a verdict points to ------------------------------------------- */

static bool
ours(const struct judging *j, const char *name)
{
	return spf_is_ours(j->wish, (const uint8_t *)name, strlen(name));
}

/* An audit goes on behind what is wrong and has no path to it: the first note
 * of a broken target is of the first problem. */
static uint16_t
broken_root_at(const struct spf_verdict *v)
{
	for (size_t i = 0; i < v->notes_n; i++) {
		if (v->notes[i].kind == SPF_NOTE_BROKEN ||
		    v->notes[i].kind == SPF_NOTE_GONE)
			return v->notes[i].root.at;
	}
	return NO_TERM;
}

/* Where in the domain's own record the place p of v was come to. */
static uint16_t
root_at(const struct spf_verdict *v, const struct spf_place *p)
{
	if (v->path_n > 0)
		return v->path[0].term.at;
	if (p->depth > 0)
		return broken_root_at(v);
	return p->domain == NULL || p->term.len == 0 ? NO_TERM : p->term.at;
}

/* Is the problem of v in our own include, or below it? */
static bool
is_our_fault(const struct judging *j, const struct spf_verdict *v)
{
	for (size_t i = 0; i < v->path_n; i++) {
		if (ours(j, v->path[i].target))
			return true;
	}
	return v->where.domain != NULL && v->where.term.len > 0 &&
	       (v->where.term.kind == SPF_INCLUDE ||
		   v->where.term.kind == SPF_REDIRECT) &&
	       ours(j, v->where.target);
}

static void
drop_term(struct judging *j, uint16_t at)
{
	if (at != NO_TERM && j->drop.n < SPF_DROP_MAX)
		j->drop.at[j->drop.n++] = at;
}

/* --- what was meant as a record ------------------------------------------ */

static enum code
code_of_octet(uint8_t c)
{
	if (c == '"' || c == '\'')
		return CODE_QUOTES_INSIDE;
	if (c == '\\')
		return CODE_SEMICOLON_ESCAPED;
	if (c > '~')
		return CODE_SMART_QUOTES;
	if (c < ' ')
		return CODE_WHITESPACE;
	return CODE_NONE;
}

/* Where a text begins behind blanks, marks and what is no ASCII. */
static size_t
begin_of(const struct packet_txt *txt)
{
	size_t at = 0;

	while (at < txt->len && (txt->bytes[at] == ' ' ||
				    code_of_octet(txt->bytes[at]) != CODE_NONE))
		at++;
	return at;
}

static bool
begins(const struct packet_txt *txt, size_t at, const char *with)
{
	for (size_t i = 0; with[i] != '\0'; i++) {
		if (at + i >= txt->len ||
		    txt_lower(txt->bytes[at + i]) != (uint8_t)with[i])
			return false;
	}
	return true;
}

/* Our include's name, perhaps behind "include:", perhaps with more behind. */
static bool
names_us(const struct judging *j, const struct packet_txt *txt)
{
	size_t at = begin_of(txt), len = 0;

	if (begins(txt, at, "include:"))
		at += sizeof("include:") - 1;
	while (at + len < txt->len && txt->bytes[at + len] > ' ' &&
	       code_of_octet(txt->bytes[at + len]) == CODE_NONE)
		len++;
	return spf_is_ours(j->wish, txt->bytes + at, len);
}

/* The first code that fits a TXT record that is no SPF record, or NONE. */
static enum code
probe(const struct judging *j, const struct packet_txt *txt, size_t *mark)
{
	size_t at = begin_of(txt);
	uint8_t first = txt->len > 0 ? txt->bytes[0] : ' ';

	*mark = 0;
	if (names_us(j, txt))
		return CODE_BARE_HOST_AS_SPF;
	if (begins(txt, at, "v=spf1") && at > 0) {
		while (*mark < at && txt->bytes[*mark] == ' ')
			++*mark;
		if (*mark == at)
			*mark = 0;
		first = txt->bytes[*mark];
		return first == ' ' ? CODE_WHITESPACE : code_of_octet(first);
	}
	*mark = at + sizeof("v=spf1") - 1;
	if (begins(txt, at, "v=spf1")) {
		first = txt->bytes[*mark];
		if (first >= '0' && first <= '9')
			return CODE_NONE;
		return code_of_octet(first) != CODE_NONE ? code_of_octet(first)
							 : CODE_SPF_SYNTAX;
	}
	*mark = at;
	if (begins(txt, at, "v=spf ") || begins(txt, at, "v=spf:") ||
	    begins(txt, at, "v = spf") || begins(txt, at, "v= spf") ||
	    begins(txt, at, "spf1 ") || begins(txt, at, "include:") ||
	    begins(txt, at, "=spf1"))
		return CODE_SPF_SYNTAX;
	return CODE_NONE;
}

/* Among records that are no SPF records, one that was meant as such. Those of
 * another version ("v=spf10") are not ours to judge. */
static bool
probe_all(struct judging *j, bool only_us)
{
	for (size_t i = 0; i < j->txt_n; i++) {
		const struct packet_txt *txt = &j->txt[i];
		size_t mark;
		enum code code;

		if (spf_is_record(txt->bytes, txt->len))
			continue;
		code = probe(j, txt, &mark);
		if (code == CODE_NONE ||
		    (only_us && code != CODE_BARE_HOST_AS_SPF))
			continue;
		j->out->txt = i;
		fail(j, code, mark);
		if (code == CODE_SPF_SYNTAX)
			saw(j, "it does not begin with \"v=spf1 \": ");
		saw_octets(j, txt->bytes, txt->len);
		return true;
	}
	return false;
}

/* --- no record, several, one that can't be read -------------------------- */

static void
judge_none(struct judging *j)
{
	if (!probe_all(j, false))
		settle(j, VERDICT_NONE, CODE_NOT_PUBLISHED);
}

static void
judge_many(struct judging *j, size_t n)
{
	char text[32];
	size_t found = 0;

	snprintf(text, sizeof(text), "%zu records", n);
	saw(j, text);
	fail(j, CODE_SPF_MULTIPLE, NO_MARK);
	for (size_t i = 0; i < j->txt_n && found < 2; i++) {
		if (spf_is_record(j->txt[i].bytes, j->txt[i].len) &&
		    ++found == 2)
			j->out->txt = i;
	}
}

static void
judge_syntax(struct judging *j, const struct spf_cursor *c)
{
	const struct packet_txt *r = j->record;
	const uint8_t *term = r->bytes + c->term_at;
	enum code code = CODE_NONE;

	if (c->fault_at < r->len)
		code = code_of_octet(r->bytes[c->fault_at]);
	if (spf_is_ours(j->wish, term, c->term_len))
		code = CODE_BARE_HOST_AS_SPF;
	if (code == CODE_NONE) {
		code = CODE_SPF_SYNTAX;
		saw(j, c->fault);
		saw(j, ": ");
	}
	saw_octets(j, term, c->term_len);
	fail(j, code, c->fault_at);
}

/* Octets that are allowed where they stand, but hardly meant. */
static enum code
odd_octet(const struct packet_txt *r, size_t *at)
{
	for (*at = 0; *at < r->len; ++*at) {
		uint8_t c = r->bytes[*at];

		if (c == '"' || c == '\\')
			return code_of_octet(c);
	}
	return CODE_NONE;
}

/* --- our include in a record --------------------------------------------- */

/* Terms that name us; NO_TERM = there is none. */
struct naming {
	uint16_t plus;	   /* include:ours, before `all` */
	uint16_t other;	   /* -include: ~include: ?include:, before `all` */
	uint16_t late;	   /* behind `all` */
	uint16_t redirect; /* redirect=ours */
	uint16_t all;
	struct spf_term other_term, all_term;
};

static void
note_name(struct naming *n, const struct spf_term *t)
{
	if (t->kind == SPF_REDIRECT)
		n->redirect = t->at;
	else if (n->all != NO_TERM)
		n->late = t->at;
	else if (t->qualifier == '+')
		n->plus = n->plus == NO_TERM ? t->at : n->plus;
	else {
		n->other = t->at;
		n->other_term = *t;
	}
}

static void
find_us(
    const struct judging *j, const uint8_t *bytes, size_t len, struct naming *n)
{
	struct spf_cursor c;
	struct spf_term t;

	*n = (struct naming){NO_TERM, NO_TERM, NO_TERM, NO_TERM, NO_TERM,
	    {.len = 0}, {.len = 0}};
	spf_cursor_init(&c, bytes, len);
	while (spf_cursor_next(&c, &t) == SPF_READ_TERM) {
		if ((t.kind == SPF_INCLUDE || t.kind == SPF_REDIRECT) &&
		    spf_is_ours(j->wish, bytes + t.spec_at, t.spec_len))
			note_name(n, &t);
		if (t.kind == SPF_ALL && n->all == NO_TERM) {
			n->all = t.at;
			n->all_term = t;
		}
	}
}

/* --- what a check says --------------------------------------------------- */

static void
judge_dns(struct judging *j, const struct spf_verdict *v)
{
	static const enum code codes[] = {
	    [OUTCOME_RECORDS] = CODE_BAD_PACKET,
	    [OUTCOME_NODATA] = CODE_BAD_PACKET,
	    [OUTCOME_NXDOMAIN] = CODE_BAD_PACKET,
	    [OUTCOME_REFERRAL] = CODE_LAME,
	    [OUTCOME_SERVFAIL] = CODE_SERVFAIL,
	    [OUTCOME_REFUSED] = CODE_REFUSED,
	    [OUTCOME_RCODE] = CODE_SERVFAIL,
	    [OUTCOME_LAME] = CODE_LAME,
	    [OUTCOME_TIMEOUT] = CODE_TIMEOUT,
	    [OUTCOME_MALFORMED] = CODE_BAD_PACKET,
	};
	char shown[DNAME_SHOWN_MAX + 1];

	settle(j, VERDICT_UNDECIDED, codes[v->dns]);
	if (is_our_fault(j, v))
		settle(j, VERDICT_UNDECIDED, CODE_SPF_TARGET_BROKEN);
	if (v->problem == SPF_SPACE) {
		settle(j, VERDICT_UNDECIDED, CODE_BAD_PACKET);
		saw(j, "the records it leads to are too large");
		return;
	}
	if (v->dns_q.name.len <= 1)
		return;
	dname_show(&v->dns_q.name, shown);
	saw_octets(j, (const uint8_t *)shown, strlen(shown));
}

/* The terms that lead nowhere. What does not exist at all can be left out of
 * the record; not what only has no address of our kind, or depends on who
 * asks. */
static void
saw_voids(struct judging *j, const struct spf_verdict *v)
{
	const char *comma = "";

	for (size_t i = 0; i < v->notes_n; i++) {
		const struct spf_place *p = &v->notes[i].place;
		const uint8_t *spec = p->record + p->term.spec_at;

		if (v->notes[i].kind != SPF_NOTE_VOID)
			continue;
		saw(j, comma);
		saw_term(j, p);
		comma = ", ";
		if (p->depth == 0 && v->notes[i].gone &&
		    memchr(spec, '%', p->term.spec_len) == NULL)
			drop_term(j, p->term.at);
	}
}

static void
saw_over(struct judging *j, const struct spf_verdict *v)
{
	struct spf_cost cost;

	if (j->audit != NULL) {
		spf_cost(&cost, j->audit);
		saw(j, cost.dear);
	}
	if (j->out->saw[0] != '\0')
		return;
	saw(j, v->problem == SPF_MX_NAMES ? "more than 10 hosts: "
					  : "the one too many is ");
	saw_path(j, v);
	saw_term(j, &v->where);
}

/* An include, a redirect or what stands in its record. */
static void
judge_target(struct judging *j, const struct spf_verdict *v, enum code code)
{
	static const char *const why[] = {
	    [SPF_MULTIPLE] = ": more than one record",
	    [SPF_SYNTAX] = ": can't be read, ",
	    [SPF_TARGET_NONE] = ": no SPF record there",
	    [SPF_TARGET_BAD] = ": no name",
	    [SPF_TARGET_GONE] = ": does not exist",
	};
	uint16_t at = root_at(v, &v->where);

	fail(j, code, at);
	if (is_our_fault(j, v)) {
		settle(j, VERDICT_UNDECIDED, CODE_SPF_TARGET_BROKEN);
		j->out->mark = NO_MARK;
	} else {
		drop_term(j, at);
	}
	saw_path(j, v);
	if (v->problem == SPF_SYNTAX || v->problem == SPF_MULTIPLE)
		saw_octets(j, (const uint8_t *)v->where.domain,
		    strlen(v->where.domain));
	else
		saw_term(j, &v->where);
	saw(j, why[v->problem]);
	if (v->problem == SPF_SYNTAX)
		saw(j, v->where.fault);
}

/* A permanent error; the record itself can be read. */
static void
judge_problem(struct judging *j, const struct spf_verdict *v)
{
	switch (v->problem) {
	case SPF_LOOKUPS:
	case SPF_MX_NAMES:
		fail(j, CODE_SPF_OVER_10, root_at(v, &v->where));
		saw_over(j, v);
		return;
	case SPF_VOIDS:
		fail(j, CODE_SPF_VOID, root_at(v, &v->where));
		saw_voids(j, v);
		return;
	case SPF_TARGET_GONE:
		judge_target(j, v, CODE_DANGLING_INCLUDE);
		return;
	case SPF_MULTIPLE:
	case SPF_SYNTAX:
	case SPF_TARGET_NONE:
	case SPF_TARGET_BAD:
		judge_target(j, v, CODE_SPF_INCLUDE_BROKEN);
		return;
	case SPF_DNS:
	case SPF_TIME:
	case SPF_SPACE:
		judge_dns(j, v);
		return;
	case SPF_FINE:
	case SPF_NO_RECORD:
	case SPF_NO_NAME:
	case SPF_BAD_NAME:
		break;
	}
	settle(j, VERDICT_NONE, CODE_NOT_PUBLISHED);
}

static void
saw_decision(struct judging *j, const struct spf_verdict *v)
{
	saw(j, spf_result_name(v->result));
	if (v->by.domain == NULL) {
		saw(j, ", no term matches");
		return;
	}
	saw(j, " by ");
	saw_path(j, v);
	saw_term(j, &v->by);
}

/* The record behind redirects, and which entry of the path stands in it. */
static size_t
main_record(const struct judging *j, const struct spf_verdict *v,
    const uint8_t **bytes, size_t *len)
{
	const struct spf_place *p;
	size_t i = 0;

	*bytes = j->record->bytes;
	*len = j->record->len;
	while (i < v->path_n && v->path[i].term.kind == SPF_REDIRECT)
		i++;
	p = i < v->path_n ? &v->path[i] : &v->by;
	if (i > 0 && p->record != NULL) {
		*bytes = p->record;
		*len = p->record_len;
	}
	return i;
}

static void
our_record_misses(struct judging *j)
{
	settle(j, VERDICT_UNDECIDED, CODE_SPF_TARGET_BROKEN);
	saw(j, j->wish->include);
	saw(j, " does not pass all of our addresses");
}

static void
judge_odd_or_absent(struct judging *j, const struct spf_verdict *v)
{
	size_t at;
	enum code code = odd_octet(j->record, &at);

	if (code != CODE_NONE) {
		fail(j, code, at);
		saw_octets(j, j->record->bytes, j->record->len);
		return;
	}
	if (probe_all(j, true))
		return;
	fail(j, CODE_SPF_NO_INCLUDE, NO_MARK);
	saw_decision(j, v);
}

/* fail, softfail or neutral for one of our addresses: why? */
static void
judge_result(struct judging *j, const struct spf_verdict *v)
{
	const uint8_t *bytes;
	struct naming n;
	size_t len, i = main_record(j, v, &bytes, &len);
	uint16_t decided = i < v->path_n	  ? v->path[i].term.at
			   : v->by.domain != NULL ? v->by.term.at
						  : NO_TERM;
	bool own = i == 0;

	find_us(j, bytes, len, &n);
	if (n.plus != NO_TERM && decided < n.plus) {
		fail(j, CODE_SPF_NOT_PASS, own ? decided : NO_MARK);
		saw_decision(j, v);
	} else if (n.plus != NO_TERM ||
		   (n.redirect != NO_TERM && n.all == NO_TERM)) {
		our_record_misses(j);
	} else if (n.other != NO_TERM) {
		fail(j, CODE_SPF_NOT_PASS, own ? n.other : NO_MARK);
		saw_octets(j, bytes + n.other, n.other_term.len);
	} else if (n.late != NO_TERM || n.redirect != NO_TERM) {
		fail(j, CODE_SPF_AFTER_ALL, own ? n.all : NO_MARK);
		saw_octets(j, bytes + n.all, n.all_term.len);
	} else if (i > 0 && ours(j, v->path[i - 1].target)) {
		our_record_misses(j);
	} else {
		judge_odd_or_absent(j, v);
	}
}

static void
judge_miss(struct judging *j, const struct spf_verdict *v)
{
	size_t at;
	enum code code;

	if (v->problem == SPF_FINE) {
		judge_result(j, v);
		return;
	}
	judge_problem(j, v);
	/* "include:\"a.test\"" can be read, but leads nowhere */
	code = odd_octet(j->record, &at);
	if (code == CODE_NONE || j->out->verdict != VERDICT_FAIL)
		return;
	j->out->saw[0] = '\0';
	j->drop.n = 0;
	fail(j, code, at);
	saw_octets(j, j->record->bytes, j->record->len);
}

/* All of our addresses pass. */
static void
judge_pass(
    struct judging *j, const struct spf_verdict *const checks[], size_t n)
{
	const struct spf_verdict *other = NULL;
	struct naming naming;

	settle(j, VERDICT_PASS, CODE_NONE);
	find_us(j, j->record->bytes, j->record->len, &naming);
	if (naming.plus != NO_TERM)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct spf_verdict *v = checks[i];

		/* path: the terms include: and redirect= that led there */
		if (v->path_n == 0 || !ours(j, v->path[0].target))
			other = other == NULL ? v : other;
	}
	if (other == NULL)
		return;
	settle(j, VERDICT_PASS, CODE_SPF_INDIRECT);
	saw_path(j, other);
	if (other->by.domain != NULL)
		saw_term(j, &other->by);
}

static void
judge_checks(
    struct judging *j, const struct spf_verdict *const checks[], size_t n)
{
	const struct spf_verdict *unknown = NULL;

	for (size_t i = 0; i < n; i++) {
		if (checks[i]->result == SPF_RESULT_TEMPERROR)
			unknown = unknown == NULL ? checks[i] : unknown;
		else if (checks[i]->result != SPF_RESULT_PASS) {
			judge_miss(j, checks[i]);
			return;
		}
	}
	if (unknown != NULL)
		judge_dns(j, unknown);
	else
		judge_pass(j, checks, n);
}

/* No include of ours is to be in it: is it sound? */
static void
judge_alone(struct judging *j, const struct spf_verdict *v)
{
	settle(j, VERDICT_PASS, CODE_NONE);
	if (v == NULL)
		return;
	if (v->problem != SPF_FINE) {
		judge_miss(j, v);
		return;
	}
	if (v != j->audit)
		return;
	if (v->lookups > SPF_LOOKUPS_MAX) {
		fail(j, CODE_SPF_OVER_10, NO_MARK);
		saw_over(j, v);
	} else if (v->voids > SPF_VOIDS_MAX) {
		fail(j, CODE_SPF_VOID, NO_MARK);
		saw_voids(j, v);
	}
}

/* What passes for us may still be an error for others, and for us as soon as
 * the order changes: a whole tree that is broken is not right. */
static void
judge_rest(struct judging *j)
{
	struct judged pass = *j->out;

	j->out->saw[0] = '\0';
	judge_alone(j, j->audit);
	if (j->out->verdict != VERDICT_FAIL)
		*j->out = pass;
}

static void
judge_one(struct judging *j, const struct spf_verdict *const checks[], size_t n)
{
	struct spf_outline outline;
	struct spf_cursor c;

	if (!spf_record_check(&c, j->record->bytes, j->record->len, &outline)) {
		judge_syntax(j, &c);
		return;
	}
	if (j->wish->include[0] == '\0') {
		judge_alone(j, j->audit != NULL ? j->audit
			       : n > 0		? checks[0]
						: NULL);
		return;
	}
	if (n == 0) {
		settle(j, VERDICT_UNDECIDED, CODE_SPF_TARGET_BROKEN);
		saw(j, "no address of ours is known");
		return;
	}
	judge_checks(j, checks, n);
	if (j->audit != NULL && j->out->verdict == VERDICT_PASS)
		judge_rest(j);
}

/* --- remarks and the record to publish ----------------------------------- */

/* Beside a pass that says nothing else, the first remark says of what. */
static void
remark_at(struct judging *j, enum code code, const struct spf_note *note)
{
	struct judged *out = j->out;
	bool first = out->code == CODE_NONE && out->also_n == 0;

	remark(j, code);
	if (!first || out->verdict != VERDICT_PASS)
		return;
	out->saw[0] = '\0';
	saw_term(j, &note->place);
}

static void
remarks(struct judging *j)
{
	static const struct {
		enum spf_note_kind kind;
		enum code code;
	} rows[] = {
	    {SPF_NOTE_GONE, CODE_DANGLING_INCLUDE},
	    {SPF_NOTE_BROKEN, CODE_SPF_INCLUDE_BROKEN},
	    {SPF_NOTE_PLUS_ALL, CODE_SPF_PLUS_ALL},
	    {SPF_NOTE_WIDE, CODE_SPF_WIDE_RANGE},
	};
	const struct spf_verdict *a = j->audit;

	if (a == NULL)
		return;
	if (a->lookups > SPF_LOOKUPS_MAX)
		remark(j, CODE_SPF_OVER_10);
	if (a->voids > SPF_VOIDS_MAX)
		remark(j, CODE_SPF_VOID);
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		for (size_t i = 0; i < a->notes_n; i++) {
			if (a->notes[i].kind == rows[r].kind &&
			    !ours(j, a->notes[i].root_target))
				remark_at(j, rows[r].code, &a->notes[i]);
		}
	}
	if ((a->lookups + 1 >= SPF_LOOKUPS_MAX &&
		a->lookups <= SPF_LOOKUPS_MAX) ||
	    a->voids == SPF_VOIDS_MAX)
		remark(j, CODE_SPF_NEAR_LIMIT);
}

/* What a new record would change for the better. */
static bool
can_be_mended(const struct judging *j)
{
	const struct judged *out = j->out;

	if (out->verdict == VERDICT_UNDECIDED)
		return false;
	if (out->verdict == VERDICT_PASS)
		return out->code == CODE_SPF_INDIRECT;
	if (out->verdict == VERDICT_NONE)
		return j->wish->include[0] != '\0';
	if (out->code == CODE_SPF_OVER_10 || out->code == CODE_SPF_VOID)
		return j->drop.n > 0;
	return true;
}

void
spf_judge(struct judged *out, const struct spf_wish *wish,
    const struct packet_txt *txt, size_t txt_n,
    const struct spf_verdict *const checks[], size_t checks_n,
    const struct spf_verdict *audit)
{
	struct judging j = {.out = out,
	    .wish = wish,
	    .txt = txt,
	    .txt_n = txt_n,
	    .audit = audit};
	size_t first = 0, n = spf_records(txt, txt_n, &first);

	out->also_n = 0;
	out->txt = first;
	out->mark = NO_MARK;
	out->saw[0] = out->publish[0] = '\0';
	if (n == 0) {
		judge_none(&j);
	} else if (n > 1) {
		judge_many(&j, n);
	} else {
		j.record = &txt[first];
		judge_one(&j, checks, checks_n);
		remarks(&j);
	}
	if (can_be_mended(&j) &&
	    !spf_merge_without(out->publish, wish, txt, txt_n, &j.drop))
		out->publish[0] = '\0';
}
