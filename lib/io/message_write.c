/* SPDX-License-Identifier: Apache-2.0 */
#include "io/message.h"

#include <stdio.h>
#include <string.h>

#include "core/diagnosis.h"
#include "core/ownership.h"
#include "io/clock.h"

#define SOURCE "domainproof"

/* Where the customer's record stands and what it says. */
struct record_shown {
	char name[DNAME_SHOWN_MAX + 1];
	char value[EXPECTED_MAX + 1];
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
	if (r->checks != 0) {
		key_open(&w, "checks", "[");
		for (unsigned c = 0; c < CHECK_N; c++) {
			if ((r->checks & 1u << c) == 0)
				continue;
			json_item(&w);
			json_text(&w, check_name((enum check)c));
		}
		json_raw(&w, "]");
	}
	if (r->deadline_ms >= 0)
		json_key_number(&w, "deadline_s", r->deadline_ms / 1000);
	key_text_if(&w, "target", r->target);
	key_text_if(&w, "ref", r->ref);
	json_raw(&w, "}}");
	return finish(&w);
}

/* "say" and "fix" for a code; as facts it was found by. */
static void
put_words(struct writer *w, const struct diagnosis_facts *facts)
{
	char say[SAY_MAX + 1], fix[SAY_MAX + 1];

	diagnosis_say(facts, say, fix);
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

void
message_finding(
    struct writer *w, const char *domain, const struct finding *f, int64_t at)
{
	int64_t visible_at =
	    f->visible_in_s == 0 ? 0 : at + (int64_t)f->visible_in_s * 1000;

	json_raw(w, "{");
	json_key_text(w, "check", check_name(f->check));
	json_key_text(w, "verdict", verdict_name(f->verdict));
	json_key_text(w, "code", code_name(f->code));
	json_key_text(w, "assurance", assurance_name(f->assurance));
	json_key_text(w, "name", f->name);
	json_key_text(w, "expected", f->expected);
	put_found(w, f);
	put_servers(w, f);
	key_flag(w, "delegated", f->delegated);
	json_key_number(w, "neg_ttl_s", f->neg_ttl_s);
	json_key_time(w, "visible_by_at", visible_at);
	put_words(w, &(struct diagnosis_facts){.code = f->code,
			 .domain = domain,
			 .name = f->name,
			 .expected = f->expected,
			 .saw = f->saw,
			 .neg_ttl_s = f->neg_ttl_s,
			 .visible_in_s = f->visible_in_s});
	json_raw(w, "}");
}

static void
put_checks(
    struct writer *w, const char *domain, const struct finding *f, int64_t at)
{
	key_open(w, "checks", "[");
	if (f != NULL)
		message_finding(w, domain, f, at);
	json_raw(w, "]");
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

size_t
message_result(char *out, size_t cap, const struct message_who *who,
    const struct job_end *end, enum lane lane, const struct claim *claim,
    const struct finding *finding, const char *why, const struct policy *policy)
{
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
	put_checks(&w, who->domain, finding, end->settled_at);
	key_text_if(&w, "ref", end->ref);
	json_raw(&w, "}}");
	return finish(&w);
}

/* False when the label does not fit in front of the domain. */
static bool
record_of(struct record_shown *out, const char *domain,
    const struct claim *claim, const struct policy *policy)
{
	struct dname name, base;
	char token[TOKEN_TEXT_MAX + 1];

	token_show(claim->token, token);
	ownership_value(token, out->value);
	out->name[0] = '\0';
	if (dname_from_text(&base, domain, NULL) != DNAME_OK ||
	    !ownership_name(&name, policy->service, &base))
		return false;
	dname_show(&name, out->name);
	return true;
}

static void
put_record(struct writer *w, const char *domain, const struct claim *claim,
    const struct policy *policy)
{
	struct record_shown record;

	if (!record_of(&record, domain, claim, policy))
		return;
	key_open(w, "record", "{");
	json_key_text(w, "name", record.name);
	json_key_text(w, "type", "TXT");
	json_key_text(w, "value", record.value);
	json_raw(w, "}");
}

/* type and CloudEvents id of an event */
static void
open_event(struct writer *w, const char *name, const char *id, int64_t at)
{
	char type[64];

	snprintf(type, sizeof(type), "domainproof.%s.v1", name);
	envelope(w, type, id, SOURCE, at);
}

size_t
message_event(char *out, size_t cap, const char *name,
    const struct message_who *who, const struct claim *claim, unsigned n,
    enum claim_status was, const struct job *job, const struct finding *finding,
    int64_t at, const struct policy *policy)
{
	char id[RECORD_KEY_MAX + 48];
	struct writer w;

	snprintf(id, sizeof(id), "%s/%s/%llu/%u", who->org, who->domain,
	    (unsigned long long)claim->ver, n);
	begin(&w, out, cap);
	open_event(&w, name, id, at);
	put_who(&w, who);
	json_key_number(&w, "ver", (int64_t)claim->ver);
	if (job != NULL)
		key_text_if(&w, "job", who->id);
	json_key_text(&w, "was", claim_status_name(was));
	json_key_text(&w, "status", claim_status_name(claim->status));
	json_key_text(
	    &w, "shield", shield_name(claim_shield(claim, job != NULL)));
	json_key_text(&w, "code",
	    code_name(finding == NULL ? claim->code : finding->code));
	json_key_time(&w, "next_at", job == NULL ? 0 : job->due_at);
	json_key_time(&w, "deadline_at", job == NULL ? 0 : job->deadline_at);
	if (strcmp(name, "record.issued") == 0)
		put_record(&w, who->domain, claim, policy);
	if (finding != NULL)
		put_checks(&w, who->domain, finding, at);
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

/* What the claim remembers of its last look. */
static void
put_memory(struct writer *w, const char *domain, const struct claim *claim,
    const struct policy *policy)
{
	struct record_shown record;

	(void)record_of(&record, domain, claim, policy);
	key_open(w, "ownership", "{");
	json_key_text(w, "verdict", verdict_name(claim->verdict));
	json_key_text(w, "code", code_name(claim->code));
	json_key_text(w, "assurance", assurance_name(claim->assurance));
	json_key_text(w, "expected", record.value);
	json_key_text(w, "name", record.name);
	json_key_text(w, "saw", claim->saw);
	json_key_number(w, "neg_ttl_s", claim->neg_ttl_s);
	put_words(w, &(struct diagnosis_facts){.code = claim->code,
			 .verdict = claim->verdict,
			 .domain = domain,
			 .name = record.name,
			 .expected = record.value,
			 .saw = claim->saw,
			 .neg_ttl_s = claim->neg_ttl_s});
	json_raw(w, "}");
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
    const struct claim *claim, const struct job *job,
    const struct policy *policy)
{
	struct writer w;

	begin(&w, out, cap);
	json_raw(&w, "{");
	put_who(&w, who);
	json_key_text(&w, "status", claim_status_name(claim->status));
	json_key_text(
	    &w, "shield", shield_name(claim_shield(claim, job != NULL)));
	json_key_time(&w, "since", claim->since_at);
	json_key_time(&w, "looked_at", claim->looked_at);
	json_key_time(&w, "undecided_since", claim->undecided_since_at);
	json_key_number(&w, "generation", claim->generation);
	key_flag(&w, "contested", (claim->flags & CLAIM_CONTESTED) != 0);
	put_record(&w, who->domain, claim, policy);
	key_open(&w, "checks", "{");
	if (claim->looked_at != 0)
		put_memory(&w, who->domain, claim, policy);
	json_raw(&w, "}");
	if (job != NULL)
		put_open_job(&w, who->id, job);
	json_key_time(&w, "next_at", job == NULL ? 0 : job->due_at);
	json_key_text(&w, "policy", policy->version);
	json_raw(&w, "}");
	return finish(&w);
}

static void
put_job(struct writer *w, const struct job *job)
{
	json_key_text(w, "kind", kind_name(job->kind));
	json_key_text(w, "lane", lane_name(job->lane));
	json_key_text(w, "outcome", job_outcome_name(END_OPEN));
	key_text_if(w, "code", job->looks == 0 ? "" : code_name(job->code));
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
