/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/report.h"

#include "core/diagnosis.h"
#include "core/txt.h"
#include "io/clock.h"
#include "producer/show.h"

#include <string.h>

#define INDENT	   20 /* "  * ownership PASS  " */
#define LEAD	   29 /* of what stands behind "found" and the like */
#define VALUE_WIDE 64 /* columns of a value that has a mark to be shown */
#define MINUTE_MS  60000

/* --- words ---------------------------------------------------------------- */

static enum tint
tint_of(enum verdict v)
{
	static const enum tint tints[VERDICT_N] = {
	    [VERDICT_PASS] = TINT_GREEN,
	    [VERDICT_FAIL] = TINT_RED,
	    [VERDICT_NONE] = TINT_RED,
	    [VERDICT_UNDECIDED] = TINT_AMBER,
	};

	return tints[v];
}

static const char *
word_of(enum verdict v)
{
	static const char *const words[VERDICT_N] = {
	    [VERDICT_PASS] = "PASS",
	    [VERDICT_FAIL] = "FAIL",
	    [VERDICT_NONE] = "NONE",
	    [VERDICT_UNDECIDED] = "OPEN",
	};

	return words[v];
}

/* DMARC is advice, whatever it says. */
static bool
is_advice(const char *check)
{
	return strcmp(check, check_name(CHECK_DMARC)) == 0;
}

void
report_head(FILE *f, const char *check, enum verdict verdict, const char *code,
    const char *say, const char *behind)
{
	char text[SAY_MAX + 256];
	bool note = is_advice(check);

	snprintf(text, sizeof(text), "%s%s%s%s%s%s", code,
	    code[0] != '\0' ? ": " : "", say, behind[0] != '\0' ? " (" : "",
	    behind, behind[0] != '\0' ? ")" : "");
	fputs("  ", f);
	show_dot(
	    f, note && verdict != VERDICT_PASS ? TINT_AMBER : tint_of(verdict));
	fprintf(f, " %-9s %s  ", check, note ? "NOTE" : word_of(verdict));
	show_wrapped(f, text, INDENT);
}

void
report_line(FILE *f, const char *lead, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	fprintf(f, "%*s%-*s", INDENT, "", LEAD - INDENT, lead);
	show_wrapped(f, text, LEAD);
}

/* A value that people copy stays one line, however long. */
static void
put_value(FILE *f, const char *lead, const char *value)
{
	char shown[4 * PUBLISH_MAX + 1];

	if (value[0] == '\0')
		return;
	show_line(value, shown, sizeof(shown));
	fprintf(f, "%*s%-*s%s\n", INDENT, "", LEAD - INDENT, lead, shown);
}

/* --- what was found ------------------------------------------------------- */

static const char *
mark_word(enum code code)
{
	switch (code) {
	case CODE_SPF_AFTER_ALL:
		return "reading stops here";
	case CODE_KEY_TRUNCATED:
		return "cut here";
	default: /* most say it in their sentence */
		return "here";
	}
}

/* The value, and a caret under the octet where its fault begins; what is far
 * before that octet is left out. */
static void
put_marked(FILE *f, const struct finding *d)
{
	const struct found *found = &d->found[0];
	char head[4 * FOUND_LEN_MAX + 8], tail[4 * FOUND_LEN_MAX + 8];
	size_t head_len, mark = d->mark < found->len ? d->mark : found->len;
	const char *from = head;

	head_len = txt_show(found->bytes, mark, head, sizeof(head));
	txt_show(found->bytes + mark, found->len - mark, tail, sizeof(tail));
	if (head_len > VALUE_WIDE - 16)
		from = head + head_len - (VALUE_WIDE - 16);
	fprintf(f, "%*s%-*s%s%s%.*s%s\n", INDENT, "", LEAD - INDENT, "found",
	    from != head ? "..." : "", from, VALUE_WIDE, tail,
	    strlen(tail) > VALUE_WIDE || found->cut ? "..." : "");
	fprintf(f, "%*s%*s^ %s\n", LEAD, "",
	    (int)strlen(from) + (from != head ? 3 : 0), "", mark_word(d->code));
}

/* The value is right: what counts is where it stands, which `saw` names. */
static bool
is_misplaced(const struct finding *d)
{
	switch (d->code) {
	case CODE_NAME_DOUBLED:
	case CODE_AT_BARE_SELECTOR:
	case CODE_AT_SIBLING:
	case CODE_AT_PARENT:
		return true;
	default: /* all other reasons */
		return false;
	}
}

static void
put_found(FILE *f, const struct finding *d)
{
	char text[4 * FOUND_LEN_MAX + 8];
	size_t from = 0;

	if (d->mark != NO_MARK && d->found_n > 0) {
		put_marked(f, d);
		from = 1;
	}
	for (size_t i = from; i < d->found_n && i < FOUND_MAX; i++) {
		const struct found *found = &d->found[i];

		txt_show(found->bytes, found->len, text, sizeof(text));
		fprintf(f, "%*s%-*s%s%s\n", INDENT, "", LEAD - INDENT, "found",
		    text, found->cut ? "..." : "");
	}
}

static void
put_tree(FILE *f, const struct finding *d)
{
	for (size_t i = 0; i < d->tree_n && i < TREE_MAX; i++) {
		const struct spf_row *row = &d->tree[i];
		char cost[8] = "";

		if (row->lookups > 0)
			snprintf(cost, sizeof(cost), "%u", row->lookups);
		fprintf(f, "%*s%-5s%*s%s%s%s\n", LEAD, "", cost, 2 * row->depth,
		    "", row->term, row->unreached ? "  (never read)" : "",
		    row->is_void ? "  (finds nothing)" : "");
	}
}

/* The tree is for those who have to cut. */
static void
put_cost(FILE *f, const struct finding *d)
{
	if (!d->has_cost)
		return;
	fprintf(f, "%*s%-*s%u of 10 lookups, %u of 2 void\n", INDENT, "",
	    LEAD - INDENT, "cost", d->lookups, d->voids);
	if (d->lookups > 8 || d->voids > 0 || d->verdict == VERDICT_FAIL)
		put_tree(f, d);
}

static bool
is_telling(const struct finding *d, const struct server_fact *s)
{
	if (d->code == CODE_NS_DISAGREE || d->verdict == VERDICT_UNDECIDED)
		return true;
	return s->outcome > OUTCOME_NXDOMAIN;
}

static void
put_servers(FILE *f, const struct finding *d)
{
	for (size_t i = 0; i < d->servers_n && i < SERVERS_MAX; i++) {
		const struct server_fact *s = &d->servers[i];

		if (!is_telling(d, s))
			continue;
		fprintf(f, "%*s%-*s%s %s: %s", INDENT, "", LEAD - INDENT,
		    "server", s->name[0] != '\0' ? s->name : "public view",
		    s->addr, s->has ? "has it" : outcome_name(s->outcome));
		if (s->has_serial)
			fprintf(f, ", serial %u", s->serial);
		fputc('\n', f);
	}
}

static void
put_aligned(FILE *f, const struct finding *d)
{
	bool spf = (d->aligned & 1u << CHECK_SPF) != 0;
	bool dkim = (d->aligned & 1u << CHECK_DKIM) != 0;

	if (d->policy[0] != '\0' && (spf || dkim))
		fprintf(f, "%*s%-*sour mail, by %s%s%s\n", INDENT, "",
		    LEAD - INDENT, "aligns", spf ? "spf" : "",
		    spf && dkim ? " and " : "", dkim ? "dkim" : "");
}

/* --- a check -------------------------------------------------------------- */

static void
words_of(const struct report *r, const struct finding *d, enum code code,
    const char *saw, char *say, char *fix)
{
	diagnosis_say(&(struct diagnosis_facts){.check = d->check,
			  .code = code,
			  .verdict = d->verdict,
			  .domain = r->domain,
			  .name = d->name,
			  .expected = d->expected,
			  .saw = saw,
			  .publish = d->publish,
			  .neg_ttl_s = d->neg_ttl_s,
			  .visible_in_s = d->visible_in_s},
	    say, fix);
}

/* "4/4 servers, dnssec" */
static void
behind_of(const struct finding *d, char *out, size_t cap)
{
	unsigned has = 0, asked = 0;
	const char *how = assurance_name(d->assurance);

	for (size_t i = 0; i < d->servers_n && i < SERVERS_MAX; i++) {
		if (d->servers[i].name[0] == '\0')
			continue;
		asked++;
		has += d->servers[i].has;
	}
	out[0] = '\0';
	if (asked > 0)
		snprintf(out, cap, "%u/%u servers%s%s", has, asked,
		    how[0] != '\0' ? ", " : "", how);
	else
		snprintf(out, cap, "%s", how);
}

/* What to do; a value to be copied stands on a line of its own. */
static void
put_fix(FILE *f, const struct finding *d, const char *fix)
{
	const char *value = d->publish[0] != '\0' ? d->publish : d->expected;
	size_t fix_len = strlen(fix), len = strlen(value);
	bool inside =
	    len > 0 && len < fix_len && strcmp(fix + fix_len - len, value) == 0;
	char text[SAY_MAX + 1];

	snprintf(text, sizeof(text), "%.*s",
	    (int)(inside ? fix_len - len : fix_len), fix);
	report_line(f, "fix", text);
	if (is_misplaced(d))
		return;
	if (inside || d->publish[0] != '\0' || d->code == CODE_NOT_PUBLISHED)
		put_value(f, "publish", value);
}

static void
put_remark(FILE *f, const struct report *r, const struct finding *d, size_t i)
{
	char say[SAY_MAX + 1], fix[SAY_MAX + 1], both[2 * SAY_MAX + 2];

	words_of(r, d, d->also[i], i == 0 && d->code == CODE_NONE ? d->saw : "",
	    say, fix);
	snprintf(both, sizeof(both), "%s %s", say, fix);
	report_line(f, "also", both);
}

static void
put_check(FILE *f, const struct report *r, const struct finding *d)
{
	char say[SAY_MAX + 1], fix[SAY_MAX + 1], behind[64] = "";

	words_of(r, d, d->code, d->saw, say, fix);
	if (d->verdict == VERDICT_PASS)
		behind_of(d, behind, sizeof(behind));
	report_head(f, check_name(d->check), d->verdict, code_name(d->code),
	    say, behind);
	if (is_misplaced(d)) {
		report_line(f, "wanted", d->name);
		report_line(f, "found", d->saw);
	} else if (d->verdict != VERDICT_PASS) {
		put_found(f, d);
	}
	put_fix(f, d, fix);
	put_aligned(f, d);
	put_cost(f, d);
	put_servers(f, d);
	for (size_t i = 0; i < d->also_n && i < ALSO_MAX; i++)
		put_remark(f, r, d, i);
}

/* --- all of them ---------------------------------------------------------- */

void
report_count(const struct report *r, unsigned *right, unsigned *wanted)
{
	*right = *wanted = 0;
	for (size_t c = 0; c < CHECK_N; c++) {
		if (r->found[c] == NULL || c == CHECK_DMARC)
			continue;
		*wanted += 1;
		*right += r->found[c]->verdict == VERDICT_PASS;
	}
}

static void
count_servers(const struct report *r, unsigned *servers, bool *view)
{
	*servers = 0;
	*view = false;
	for (size_t c = 0; c < CHECK_N; c++) {
		const struct finding *d = r->found[c];
		unsigned named = 0;

		for (size_t i = 0; d != NULL && i < d->servers_n; i++) {
			named += d->servers[i].name[0] != '\0';
			*view = *view || d->servers[i].name[0] == '\0';
		}
		*servers = named > *servers ? named : *servers;
	}
}

static void
put_head(FILE *f, const struct report *r)
{
	char shown[SHOW_DOMAIN_MAX], at[CLOCK_TEXT];
	unsigned right, wanted, servers;
	bool view;

	show_domain(r->domain, shown);
	clock_show(r->at, at);
	count_servers(r, &servers, &view);
	report_count(r, &right, &wanted);
	fprintf(f, "%s%s%s    %.8s UTC", shown,
	    r->org[0] != '\0' ? " for " : "", r->org, at + 11);
	if (servers > 0)
		fprintf(f, "    %u name server%s%s", servers,
		    servers == 1 ? "" : "s", view ? " + public view" : "");
	if (wanted > 0)
		fprintf(f, "    %u of %u required record%s right", right,
		    wanted, wanted == 1 ? "" : "s");
	fputs("\n\n", f);
}

/* What is changed now, everybody sees when the longest denial is over. */
static void
put_tail(FILE *f, const struct report *r)
{
	uint32_t ttl_s = 0;
	bool wrong = false, text = false;
	char by[CLOCK_TEXT], span[SHOW_SPAN_MAX];

	for (size_t c = 0; c < CHECK_N; c++) {
		const struct finding *d = r->found[c];

		if (d == NULL || d->verdict == VERDICT_PASS)
			continue;
		wrong = true;
		text = text || c != CHECK_OWNERSHIP;
		ttl_s = d->neg_ttl_s > ttl_s ? d->neg_ttl_s : ttl_s;
	}
	if (!wrong)
		return;
	fputc('\n', f);
	if (ttl_s > 0) {
		clock_show(r->at + (int64_t)ttl_s * 1000 + MINUTE_MS - 1, by);
		show_span((int64_t)ttl_s * 1000, span);
		fprintf(f,
		    "  Fixed now, it is visible everywhere by %.5s UTC (your "
		    "zone's negative TTL: %s).\n",
		    by + 11, span);
	}
	if (text)
		fprintf(f,
		    "  Try before publishing:  domainproof check %s --record "
		    "'v=...'\n",
		    r->domain);
	if (r->policy->support[0] != '\0')
		fprintf(
		    f, "  Help:                   %s\n", r->policy->support);
	if (r->policy->help_url[0] != '\0')
		fprintf(
		    f, "                          %s\n", r->policy->help_url);
}

void
report_show(FILE *f, const struct report *r)
{
	put_head(f, r);
	for (size_t c = 0; c < CHECK_N; c++) {
		if (r->found[c] != NULL)
			put_check(f, r, r->found[c]);
	}
	put_tail(f, r);
	fputc('\n', f);
}
