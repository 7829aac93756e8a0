/* SPDX-License-Identifier: Apache-2.0 */
#include "io/message.h"

#include <stdio.h>
#include <string.h>

#include "core/base64.h"
#include "core/diagnosis.h"
#include "core/ownership.h"
#include "io/clock.h"

#define SOURCE "domainproof"

/* What the customer is to publish for a check. */
struct record_shown {
	char name[DNAME_SHOWN_MAX + 1];
	char value[EXPECTED_MAX + 1]; /* "" = nothing that we would know */
	bool part; /* of the record that is there: a term to add to it */
};

/* What is told of a check, by whom ever it was found. */
struct told {
	enum check check;
	enum verdict verdict;
	enum code code;
	enum assurance assurance;
	const char *name, *expected, *saw, *publish;
	uint32_t neg_ttl_s, visible_in_s;
};

/* Left out when there is none. */
static void
key_text_if(struct writer *w, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		json_key_text(w, name, text);
}

static void
key_flag(struct writer *w, const char *name, bool on)
{
	json_key(w, name);
	json_raw(w, on ? "true" : "false");
}

static void
key_open(struct writer *w, const char *name, const char *bracket)
{
	json_key(w, name);
	json_raw(w, bracket);
}

void
json_key_time(struct writer *w, const char *name, int64_t wall_ms)
{
	json_key(w, name);
	json_time(w, wall_ms);
}

void
json_time(struct writer *w, int64_t wall_ms)
{
	char text[CLOCK_TEXT];

	if (wall_ms == 0) {
		json_raw(w, "null");
		return;
	}
	clock_show(wall_ms, text);
	json_text(w, text);
}

static void
begin(struct writer *w, char *out, size_t cap)
{
	writer_init(w, out, cap - 1); /* and the NUL */
}

static size_t
finish(struct writer *w)
{
	if (w->bad)
		w->len = 0;
	w->buf[w->len] = '\0';
	return w->len;
}

static const char *
kind_name(enum job_kind kind)
{
	return kind < JOB_KIND_N ? job_kind_name(kind) : "unknown";
}

/* The envelope up to the opened `data`. id: its parts, joined by '/'. */
static void
envelope(struct writer *w, const char *type, const char *id, const char *source,
    int64_t at)
{
	json_raw(w, "{\"specversion\":\"1.0\"");
	json_key_text(w, "id", id);
	json_key_text(w, "source", source);
	json_key_text(w, "type", type);
	if (at != 0)
		json_key_time(w, "time", at);
	json_key_text(w, "datacontenttype", "application/json");
	key_open(w, "data", "{");
}

static void
put_wish(struct writer *w, const struct job_request *r)
{
	if (r->checks != 0) {
		key_open(w, "checks", "[");
		for (unsigned c = 0; c < CHECK_N; c++) {
			if ((r->checks & 1u << c) == 0)
				continue;
			json_item(w);
			json_text(w, check_name((enum check)c));
		}
		json_raw(w, "]");
	}
	if (r->functions == 0)
		return;
	if (r->kind == JOB_VERIFY) {
		json_key_text(w, "then", "activate");
		return;
	}
	key_open(w, "functions", "[");
	for (unsigned fn = 0; fn < FUNCTION_N; fn++) {
		if ((r->functions & 1u << fn) == 0)
			continue;
		json_item(w);
		json_text(w, function_name((enum function)fn));
	}
	json_raw(w, "]");
}

static void
put_key(struct writer *w, const struct job_request *r)
{
	char p[BASE64_DIGITS(DKIM_KEY_MAX) + 1];

	if (r->selector[0] == '\0')
		return;
	(void)base64_encode(r->key.bytes, r->key.len, p);
	json_key_text(w, "selector", r->selector);
	json_key_text(w, "key_type", dkim_type_name(r->key.type));
	json_key_text(w, "public_key", p);
}

size_t
message_job_write(char *out, size_t cap, const struct job_request *r,
    const char *source, int64_t wall_ms)
{
	struct writer w;

	begin(&w, out, cap);
	envelope(&w, "domainproof.job.v1", r->id, source, wall_ms);
	json_key_text(&w, "org", r->org);
	json_key_text(&w, "domain", r->domain);
	json_key_text(&w, "kind", kind_name(r->kind));
	put_wish(&w, r);
	put_key(&w, r);
	if (r->deadline_ms >= 0)
		json_key_number(&w, "deadline_s", r->deadline_ms / 1000);
	key_text_if(&w, "target", r->target);
	key_text_if(&w, "ref", r->ref);
	json_raw(&w, "}}");
	return finish(&w);
}

static void
put_verdict(struct writer *w, const struct told *t)
{
	json_key_text(w, "verdict", verdict_name(t->verdict));
	json_key_text(w, "code", code_name(t->code));
	json_key_text(w, "assurance", assurance_name(t->assurance));
	json_key_text(w, "name", t->name);
	json_key_text(w, "expected", t->expected);
}

/* "say" and "fix" */
static void
put_words(struct writer *w, const char *domain, const struct told *t)
{
	char say[SAY_MAX + 1], fix[SAY_MAX + 1];

	diagnosis_say(&(struct diagnosis_facts){.check = t->check,
			  .code = t->code,
			  .verdict = t->verdict,
			  .domain = domain,
			  .name = t->name,
			  .expected = t->expected,
			  .saw = t->saw,
			  .publish = t->publish,
			  .neg_ttl_s = t->neg_ttl_s,
			  .visible_in_s = t->visible_in_s},
	    say, fix);
	json_key_text(w, "say", say);
	json_key_text(w, "fix", fix);
}

static void
put_found(struct writer *w, const struct finding *f)
{
	key_open(w, "found", "[");
	for (size_t i = 0; i < f->found_n && i < FOUND_MAX; i++) {
		uint8_t bytes[FOUND_LEN_MAX + 3];
		size_t len = f->found[i].len < FOUND_LEN_MAX ? f->found[i].len
							     : FOUND_LEN_MAX;

		memcpy(bytes, f->found[i].bytes, len);
		if (f->found[i].cut) {
			memcpy(bytes + len, "...", 3);
			len += 3;
		}
		json_item(w);
		json_bytes(w, bytes, len);
	}
	json_raw(w, "]");
}

static void
put_servers(struct writer *w, const struct finding *f)
{
	key_open(w, "servers", "[");
	for (size_t i = 0; i < f->servers_n && i < SERVERS_MAX; i++) {
		const struct server_fact *s = &f->servers[i];

		json_item(w);
		json_raw(w, "{");
		json_key_text(
		    w, "name", s->name[0] == '\0' ? "public view" : s->name);
		json_key_text(w, "addr", s->addr);
		json_key_text(w, "outcome", outcome_name(s->outcome));
		if (s->has_serial)
			json_key_number(w, "serial", s->serial);
		key_flag(w, "has", s->has);
		json_raw(w, "}");
	}
	json_raw(w, "]");
}

static void
put_also(struct writer *w, const struct finding *f)
{
	if (f->also_n == 0)
		return;
	key_open(w, "also", "[");
	for (size_t i = 0; i < f->also_n && i < ALSO_MAX; i++) {
		json_item(w);
		json_text(w, code_name(f->also[i]));
	}
	json_raw(w, "]");
}

static void
put_row(struct writer *w, const struct spf_row *row)
{
	json_item(w);
	json_raw(w, "{");
	json_key_number(w, "depth", row->depth);
	json_key_text(w, "term", row->term);
	json_key_number(w, "lookups", row->lookups);
	key_flag(w, "void", row->is_void);
	key_flag(w, "unreached", row->unreached);
	json_raw(w, "}");
}

static void
put_cost(struct writer *w, const struct finding *f)
{
	if (!f->has_cost)
		return;
	key_open(w, "cost", "{");
	json_key_number(w, "lookups", f->lookups);
	json_key_number(w, "voids", f->voids);
	key_open(w, "tree", "[");
	for (size_t i = 0; i < f->tree_n && i < TREE_MAX; i++)
		put_row(w, &f->tree[i]);
	json_raw(w, "]}");
}

/* DMARC: what applies, and of which domain the record is. */
static void
put_policy(struct writer *w, const struct finding *f)
{
	if (f->policy[0] == '\0')
		return;
	json_key_text(w, "policy", f->policy);
	json_key_text(w, "record_domain", f->record_domain);
	key_open(w, "aligned", "[");
	for (unsigned c = 0; c < CHECK_N; c++) {
		if ((f->aligned & 1u << c) == 0)
			continue;
		json_item(w);
		json_text(w, check_name((enum check)c));
	}
	json_raw(w, "]");
}

void
message_finding(
    struct writer *w, const char *domain, const struct finding *f, int64_t at)
{
	struct told t = {.check = f->check,
	    .verdict = f->verdict,
	    .code = f->code,
	    .assurance = f->assurance,
	    .name = f->name,
	    .expected = f->expected,
	    .saw = f->saw,
	    .publish = f->publish,
	    .neg_ttl_s = f->neg_ttl_s,
	    .visible_in_s = f->visible_in_s};
	int64_t visible_at =
	    f->visible_in_s == 0 ? 0 : at + (int64_t)f->visible_in_s * 1000;

	json_raw(w, "{");
	json_key_text(w, "check", check_name(f->check));
	put_verdict(w, &t);
	put_found(w, f);
	if (f->mark != NO_MARK && f->found_n > 0)
		json_key_number(w, "mark", f->mark);
	put_servers(w, f);
	key_flag(w, "delegated", f->delegated);
	json_key_number(w, "neg_ttl_s", f->neg_ttl_s);
	json_key_time(w, "visible_by_at", visible_at);
	put_also(w, f);
	key_text_if(w, "publish", f->publish);
	put_policy(w, f);
	put_cost(w, f);
	put_words(w, domain, &t);
	json_raw(w, "}");
}

/* The name in front of the domain, as it is shown; "" when there is no room.
 */
static void
show_dkim_name(char *out, const char *selector, const struct dname *domain)
{
	struct dname name;

	out[0] = '\0';
	if (dkim_name(&name, selector, domain))
		dname_show(&name, out);
}

static void
show_ownership_name(char *out, const char *service, const struct dname *domain)
{
	struct dname name;

	out[0] = '\0';
	if (ownership_name(&name, service, domain))
		dname_show(&name, out);
}

static void
token_record(struct record_shown *out, const struct dname *domain,
    const struct claim *claim, const struct policy *policy)
{
	char token[TOKEN_TEXT_MAX + 1];

	show_ownership_name(out->name, policy->service, domain);
	token_show(claim->token, token);
	ownership_value(token, out->value);
}

/* A whole record only where it is known that there is none: a second one
 * would be an error for all mail of the domain (RFC 7208 section 4.5). */
static void
spf_record(struct record_shown *out, const struct dname *domain,
    const struct claim *claim, const struct policy *policy)
{
	const struct check_state *c = &claim->check[CHECK_SPF];

	dname_show(domain, out->name);
	out->part = c->looked_at == 0 || c->verdict != VERDICT_NONE;
	if (policy->spf_include[0] != '\0')
		snprintf(out->value, sizeof(out->value),
		    out->part ? "include:%s" : "v=spf1 include:%s ~all",
		    policy->spf_include);
}

static void
key_record(struct record_shown *out, const struct dname *domain,
    const struct claim *claim)
{
	struct claim_key k;

	if (claim->keys_n == 0)
		return;
	claim_key_get(claim, 0, &k);
	show_dkim_name(out->name, k.selector, domain);
	(void)dkim_record_value(&k.key, out->value, sizeof(out->value));
}

/* Advice, and so only where there is nothing to lose by it. */
static void
dmarc_record(struct record_shown *out, const struct dname *domain,
    const struct claim *claim)
{
	static const struct dname label = {
	    .len = 8, .wire = "\6_dmarc"}; /* and the root */
	char shown[DNAME_SHOWN_MAX + 1];
	struct dname name;

	if (!dname_join(&name, &label, domain))
		return;
	dname_show(&name, out->name);
	if (claim->check[CHECK_DMARC].verdict != VERDICT_NONE)
		return;
	dname_show(domain, shown);
	snprintf(out->value, sizeof(out->value),
	    "v=DMARC1; p=none; rua=mailto:dmarc@%.*s", DNAME_TEXT_MAX, shown);
}

static void
record_of(struct record_shown *out, enum check check, const char *domain,
    const struct claim *claim, const struct policy *policy)
{
	struct dname base;

	out->name[0] = '\0';
	out->value[0] = '\0';
	out->part = false;
	if (dname_from_text(&base, domain, NULL) != DNAME_OK)
		return;
	switch (check) {
	case CHECK_OWNERSHIP:
		token_record(out, &base, claim, policy);
		return;
	case CHECK_SPF:
		spf_record(out, &base, claim, policy);
		return;
	case CHECK_DKIM:
		key_record(out, &base, claim);
		return;
	case CHECK_DMARC:
		dmarc_record(out, &base, claim);
		return;
	case CHECK_N:
		return;
	}
}

static struct told
told_of(const struct claim *claim, enum check check,
    const struct record_shown *record)
{
	const struct check_state *c = &claim->check[check];

	return (struct told){.check = check,
	    .verdict = c->looked_at == 0 ? VERDICT_UNDECIDED : c->verdict,
	    .code = c->code,
	    .assurance = c->assurance,
	    .name = record->name,
	    .expected = record->value,
	    .saw = claim_saw(claim, check),
	    .neg_ttl_s = c->neg_ttl_s};
}

/* A finding of an earlier life, of which only the claim's memory is left.
 * settled: it was right, whatever a later look saw. */
static void
put_remembered(struct writer *w, const char *domain, const struct claim *claim,
    enum check check, bool settled, const struct policy *policy)
{
	struct record_shown record;
	struct told t;

	record_of(&record, check, domain, claim, policy);
	t = told_of(claim, check, &record);
	if (settled && t.verdict != VERDICT_PASS) {
		t.verdict = VERDICT_PASS;
		t.code = CODE_NONE;
		t.saw = "";
	}
	json_raw(w, "{");
	json_key_text(w, "check", check_name(check));
	put_verdict(w, &t);
	json_raw(w, ",\"found\":[],\"servers\":[],\"delegated\":false");
	json_key_number(w, "neg_ttl_s", t.neg_ttl_s);
	json_key_time(w, "visible_by_at", 0);
	put_words(w, domain, &t);
	json_raw(w, "}");
}

static void
put_who(struct writer *w, const struct message_who *who)
{
	json_key_text(w, "org", who->org);
	json_key_text(w, "domain", who->domain);
}

static void
put_end(struct writer *w, const struct job_end *end)
{
	json_key_text(w, "outcome", job_outcome_name(end->outcome));
	key_text_if(w, "code", code_name(end->code));
	key_text_if(w, "joined", end->joined);
	json_key_time(w, "accepted_at", end->accepted_at);
	json_key_time(w, "deadline_at", end->deadline_at);
	json_key_time(w, "settled_at", end->settled_at);
	json_key_number(w, "looks", end->looks);
}

struct asked {
	uint32_t checks;
	const struct finding *const *findings;
	int64_t at;
	bool verified;
};

/* Every check that was asked for, in their order. */
static void
put_asked(struct writer *w, const char *domain, const struct asked *asked,
    const struct claim *claim, const struct policy *policy)
{
	key_open(w, "checks", "[");
	for (unsigned c = 0; c < CHECK_N; c++) {
		if ((asked->checks & 1u << c) == 0 || claim == NULL)
			continue;
		json_item(w);
		if (asked->findings[c] != NULL)
			message_finding(
			    w, domain, asked->findings[c], asked->at);
		else
			put_remembered(w, domain, claim, (enum check)c,
			    asked->verified && c != CHECK_DMARC, policy);
	}
	json_raw(w, "]");
}

size_t
message_result(char *out, size_t cap, const struct message_who *who,
    const struct job_end *end, enum lane lane, const struct claim *claim,
    uint32_t checks, const struct finding *const findings[CHECK_N],
    const char *why, const struct policy *policy)
{
	const struct asked asked = {.checks = checks,
	    .findings = findings,
	    .at = end->settled_at,
	    .verified = end->outcome == END_VERIFIED};

	char id[RECORD_KEY_MAX + 1];
	struct writer w;

	snprintf(id, sizeof(id), "%s/%s/%s", who->org, who->domain, who->id);
	begin(&w, out, cap);
	envelope(&w, "domainproof.result.v1", id, SOURCE, end->settled_at);
	put_who(&w, who);
	json_key_text(&w, "id", who->id);
	json_key_text(&w, "kind", kind_name(end->kind));
	json_key_text(&w, "lane", lane_name(lane));
	put_end(&w, end);
	key_text_if(&w, "why", why);
	json_key_text(&w, "policy", policy->version);
	json_key_number(
	    &w, "generation", claim == NULL ? 0 : claim->generation);
	put_asked(&w, who->domain, &asked, claim, policy);
	key_text_if(&w, "ref", end->ref);
	json_raw(&w, "}}");
	return finish(&w);
}

static void
put_record_of(struct writer *w, const struct record_shown *record)
{
	json_key_text(w, "name", record->name);
	json_key_text(w, "type", "TXT");
	json_key_text(w, "value", record->value);
	json_raw(w, "}");
}

static bool
is_whole(const struct record_shown *record)
{
	return record->name[0] != '\0' && record->value[0] != '\0';
}

/* The one record of a check, as a member. */
static void
put_record(struct writer *w, const struct record_shown *record)
{
	if (!is_whole(record))
		return;
	key_open(w, "record", "{");
	put_record_of(w, record);
}

/* All that is to be published; not what is advice. */
static void
put_records(struct writer *w, const struct record_shown records[CHECK_N])
{
	key_open(w, "records", "[");
	for (unsigned c = 0; c < CHECK_N; c++) {
		if (c == CHECK_DMARC || !is_whole(&records[c]))
			continue;
		json_item(w);
		json_raw(w, "{");
		json_key_text(w, "check", check_name((enum check)c));
		if (records[c].part)
			key_flag(w, "part", true);
		put_record_of(w, &records[c]);
	}
	json_raw(w, "]");
}

/* type and CloudEvents id of an event */
static void
open_event(struct writer *w, const char *name, const char *id, int64_t at)
{
	char type[64];

	snprintf(type, sizeof(type), "domainproof.%s.v1", name);
	envelope(w, type, id, SOURCE, at);
}

/* Which check an event is about: its function's, else the one that was looked
 * at, else ownership. */
static enum check
check_of(const struct message_news *news)
{
	if (news->function < FUNCTION_N)
		return function_check(news->function);
	return news->finding != NULL ? news->finding->check : CHECK_OWNERSHIP;
}

/* A function may change by a look at another check, which let it go ahead. */
static enum code
code_of(const struct claim *claim, const struct message_news *news)
{
	enum check check = check_of(news);

	return news->finding != NULL && news->finding->check == check
		   ? news->finding->code
		   : claim->check[check].code;
}

static bool
is_event(const struct message_news *news, const char *name)
{
	return strcmp(news->name, name) == 0;
}

static const char *
status_of(const struct claim *claim, const struct message_news *news)
{
	return is_event(news, "function.changed")
		   ? function_status_name(
			 claim->function[news->function].status)
		   : claim_status_name(claim->status);
}

static void
put_news(struct writer *w, const struct message_who *who,
    const struct claim *claim, const struct message_news *news)
{
	const struct job *job = news->job;

	put_who(w, who);
	json_key_number(w, "ver", (int64_t)claim->ver);
	if (job != NULL)
		key_text_if(w, "job", who->id);
	if (news->function < FUNCTION_N)
		json_key_text(w, "function", function_name(news->function));
	json_key_text(w, "was", news->was);
	json_key_text(w, "status", status_of(claim, news));
	json_key_text(
	    w, "shield", shield_name(claim_shield(claim, job != NULL)));
	json_key_text(w, "code", code_name(code_of(claim, news)));
	json_key_time(w, "next_at", job == NULL ? 0 : job->due_at);
	json_key_time(w, "deadline_at", job == NULL ? 0 : job->deadline_at);
}

size_t
message_event(char *out, size_t cap, const struct message_who *who,
    const struct claim *claim, const struct message_news *news,
    const struct policy *policy)
{
	char id[RECORD_KEY_MAX + 48];
	struct record_shown record;
	struct writer w;

	snprintf(id, sizeof(id), "%s/%s/%llu/%u", who->org, who->domain,
	    (unsigned long long)claim->ver, news->n);
	begin(&w, out, cap);
	open_event(&w, news->name, id, news->at);
	put_news(&w, who, claim, news);
	if (is_event(news, "record.issued")) {
		record_of(&record, check_of(news), who->domain, claim, policy);
		put_record(&w, &record);
	}
	if (news->finding != NULL) {
		key_open(&w, "checks", "[");
		message_finding(&w, who->domain, news->finding, news->at);
		json_raw(&w, "]");
	}
	json_raw(&w, "}}");
	return finish(&w);
}

size_t
message_trouble(char *out, size_t cap, const char *name,
    const struct message_who *who, enum code code, const char *why,
    const char *topic, int32_t partition, int64_t offset, int64_t at)
{
	char id[320];
	struct writer w;

	/* one record may give two events */
	snprintf(id, sizeof(id), "%s/%d/%lld/%s", topic, (int)partition,
	    (long long)offset, name);
	begin(&w, out, cap);
	open_event(&w, name, id, at);
	if (who != NULL) {
		key_text_if(&w, "org", who->org);
		key_text_if(&w, "domain", who->domain);
		key_text_if(&w, "job", who->id);
	}
	json_key_text(&w, "code", code_name(code));
	json_key_text(&w, "why", why);
	json_key_text(&w, "topic", topic);
	json_key_number(&w, "partition", partition);
	json_key_number(&w, "offset", offset);
	json_raw(&w, "}}");
	return finish(&w);
}

/* What the claim remembers of its last look at a check. */
static void
put_memory(struct writer *w, const char *domain, const struct claim *claim,
    enum check check, const struct record_shown *record)
{
	const struct check_state *c = &claim->check[check];
	struct told t = told_of(claim, check, record);

	key_open(w, check_name(check), "{");
	put_verdict(w, &t);
	json_key_text(w, "saw", t.saw);
	json_key_number(w, "neg_ttl_s", t.neg_ttl_s);
	json_key_time(w, "looked_at", c->looked_at);
	json_key_time(w, "undecided_since", c->undecided_since_at);
	put_words(w, domain, &t);
	json_raw(w, "}");
}

static void
put_selector(struct writer *w, const struct claim *claim)
{
	struct claim_key k;

	if (claim->keys_n == 0)
		return;
	claim_key_get(claim, 0, &k);
	json_key_text(w, "selector", k.selector);
}

static void
put_functions(struct writer *w, const struct claim *claim)
{
	key_open(w, "functions", "{");
	for (unsigned fn = 0; fn < FUNCTION_N; fn++) {
		const struct function_state *f = &claim->function[fn];

		key_open(w, function_name((enum function)fn), "{");
		json_key_text(w, "status", function_status_name(f->status));
		json_key_time(w, "since", f->since_at);
		if (fn == FUNCTION_DKIM)
			put_selector(w, claim);
		json_raw(w, "}");
	}
	json_raw(w, "}");
}

/* The last look of all, and since when one of those that matter could not be
 * made; dmarc is advice. */
static void
put_looked(struct writer *w, const struct claim *claim)
{
	int64_t looked_at = 0, since_at = 0;

	for (unsigned i = 0; i < CHECK_N; i++) {
		const struct check_state *c = &claim->check[i];

		if (c->looked_at > looked_at)
			looked_at = c->looked_at;
		if (i != CHECK_DMARC && c->undecided_since_at != 0 &&
		    (since_at == 0 || c->undecided_since_at < since_at))
			since_at = c->undecided_since_at;
	}
	json_key_time(w, "looked_at", looked_at);
	json_key_time(w, "undecided_since", since_at);
}

static void
put_open_job(struct writer *w, const char *id, const struct job *job)
{
	key_open(w, "job", "{");
	json_key_text(w, "id", id);
	json_key_text(w, "kind", kind_name(job->kind));
	json_key_text(w, "outcome", job_outcome_name(END_OPEN));
	json_key_number(w, "looks", job->looks);
	json_key_time(w, "next_at", job->due_at);
	json_key_time(w, "deadline_at", job->deadline_at);
	json_raw(w, "}");
}

size_t
message_claim_doc(char *out, size_t cap, const struct message_who *who,
    const struct claim *claim, const struct job *job, int64_t next_at,
    const struct policy *policy)
{
	struct record_shown records[CHECK_N];
	struct writer w;

	for (unsigned c = 0; c < CHECK_N; c++)
		record_of(
		    &records[c], (enum check)c, who->domain, claim, policy);
	begin(&w, out, cap);
	json_raw(&w, "{");
	put_who(&w, who);
	json_key_text(&w, "status", claim_status_name(claim->status));
	json_key_text(
	    &w, "shield", shield_name(claim_shield(claim, job != NULL)));
	json_key_time(&w, "since", claim->since_at);
	put_looked(&w, claim);
	json_key_number(&w, "generation", claim->generation);
	key_flag(&w, "contested", (claim->flags & CLAIM_CONTESTED) != 0);
	put_functions(&w, claim);
	json_key_text(&w, "send_as",
	    function_sends_as_customer(claim) ? "customer" : "default");
	json_key_text(&w, "default_sender", policy->default_sender);
	put_record(&w, &records[CHECK_OWNERSHIP]);
	put_records(&w, records);
	key_open(&w, "checks", "{");
	for (unsigned c = 0; c < CHECK_N; c++) {
		if (claim->check[c].looked_at != 0)
			put_memory(
			    &w, who->domain, claim, (enum check)c, &records[c]);
	}
	json_raw(&w, "}");
	if (job != NULL)
		put_open_job(&w, who->id, job);
	json_key_time(&w, "next_at", next_at);
	json_key_text(&w, "policy", policy->version);
	json_raw(&w, "}");
	return finish(&w);
}

static void
put_job_checks(struct writer *w, const struct job *job)
{
	key_open(w, "checks", "{");
	for (unsigned c = 0; c < CHECK_N; c++) {
		if ((job->checks & 1u << c) == 0)
			continue;
		key_open(w, check_name((enum check)c), "{");
		json_key_text(w, "verdict",
		    verdict_name((job->passed & 1u << c) != 0
				     ? VERDICT_PASS
				     : (enum verdict)job->verdict[c]));
		json_key_text(w, "code", code_name((enum code)job->code[c]));
		json_raw(w, "}");
	}
	json_raw(w, "}");
}

static void
put_job(struct writer *w, const struct job *job)
{
	json_key_text(w, "kind", kind_name(job->kind));
	json_key_text(w, "lane", lane_name(job->lane));
	json_key_text(w, "outcome", job_outcome_name(END_OPEN));
	key_text_if(w, "code", job->looks == 0 ? "" : code_name(job_code(job)));
	put_job_checks(w, job);
	json_key_time(w, "accepted_at", job->accepted_at);
	json_key_time(w, "next_at", job->due_at);
	json_key_time(w, "deadline_at", job->deadline_at);
	json_key_number(w, "looks", job->looks);
	key_text_if(w, "ref", job->ref);
}

size_t
message_job_doc(char *out, size_t cap, const struct message_who *who,
    const struct job *open, const struct job_end *end)
{
	struct writer w;

	begin(&w, out, cap);
	json_raw(&w, "{");
	put_who(&w, who);
	json_key_text(&w, "id", who->id);
	if (end != NULL) {
		json_key_text(&w, "kind", kind_name(end->kind));
		put_end(&w, end);
		key_text_if(&w, "ref", end->ref);
	} else if (open != NULL) {
		put_job(&w, open);
	}
	json_raw(&w, "}");
	return finish(&w);
}
