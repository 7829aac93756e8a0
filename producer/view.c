/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/view.h"
#include "producer/report.h"

#include "core/diagnosis.h"
#include "io/clock.h"
#include "io/message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX	   (32 + ORG_MAX + DNAME_TEXT_MAX + JOB_ID_MAX)
#define ROW_INDENT 11 /* of the sentences below a row */

/* --- reading -------------------------------------------------------------- */

/* Fields of a hash: where each one goes. */
struct slot {
	const char *name;
	char *text; /* NULL: number */
	size_t cap;
	int64_t *number;
};

struct fields {
	const struct slot *slots;
	size_t slots_n;
	struct document **doc;
};

static void
take_field(void *arg, const char *name, const char *text, size_t len)
{
	const struct fields *f = arg;
	struct err e;

	if (strcmp(name, "doc") == 0 && *f->doc == NULL) {
		if (document_read(f->doc, text, len, &e) != OK)
			*f->doc = NULL;
		return;
	}
	for (size_t i = 0; i < f->slots_n; i++) {
		const struct slot *s = &f->slots[i];

		if (strcmp(s->name, name) != 0)
			continue;
		if (s->text != NULL)
			snprintf(s->text, s->cap, "%s", text);
		else
			*s->number = strtoll(text, NULL, 10);
	}
}

static enum next
read_hash(struct redis *r, const char *key, struct fields *f, struct err *e)
{
	bool found, complete = true;
	enum next next = redis_get_hash(r, key, take_field, f, &found, e);

	if (next == OK && !found)
		next = redis_complete(r, &complete, e);
	if (next == OK && !complete) {
		err_set(e, "Redis does not hold everything yet, so that what "
			   "it lacks means nothing; is domainproofd running?");
		return RETRY;
	}
	return next;
}

#define TEXT_SLOT(field)                                                       \
	{                                                                      \
#field, v->field, sizeof(v->field), NULL                       \
	}
#define NUMBER_SLOT(field)                                                     \
	{                                                                      \
#field, NULL, 0, &v->field                                     \
	}

enum next
view_claim(struct redis *r, const char *org, const char *domain,
    struct claim_view *v, struct err *e)
{
	const struct slot slots[] = {
	    TEXT_SLOT(status),
	    TEXT_SLOT(shield),
	    TEXT_SLOT(code),
	    TEXT_SLOT(assurance),
	    TEXT_SLOT(job),
	    NUMBER_SLOT(since_ms),
	    NUMBER_SLOT(look_ms),
	    NUMBER_SLOT(next_ms),
	    NUMBER_SLOT(deadline_ms),
	};
	struct fields f = {slots, ARRAY_LEN(slots), &v->doc};
	char key[KEY_MAX];

	*v = (struct claim_view){.doc = NULL};
	snprintf(v->org, sizeof(v->org), "%s", org);
	snprintf(v->domain, sizeof(v->domain), "%s", domain);
	snprintf(key, sizeof(key), "domainproof:claim:%s:%s", domain, org);
	return read_hash(r, key, &f, e);
}

void
view_claim_free(struct claim_view *v)
{
	document_free(v->doc);
	v->doc = NULL;
}

#define OTHERS_MAX 500 /* claims of an organisation that are compared */

struct others {
	size_t n;
	char domain[OTHERS_MAX][DNAME_TEXT_MAX + 1];
};

static void
on_member(void *arg, const char *text, size_t len)
{
	struct others *o = arg;

	if (o->n < OTHERS_MAX && len <= DNAME_TEXT_MAX) {
		memcpy(o->domain[o->n], text, len);
		o->domain[o->n++][len] = '\0';
	}
}

/* "token=TOKEN expiry=never" */
static bool
is_token(const char *value, const char *token)
{
	size_t len = strlen(token);

	return strncmp(value, "token=", 6) == 0 &&
	       strncmp(value + 6, token, len) == 0 &&
	       (value[6 + len] == ' ' || value[6 + len] == '\0');
}

static bool
holds_token(
    struct redis *r, const char *org, const char *domain, const char *token)
{
	struct claim_view v;
	const char *value = NULL;
	struct err e;
	bool holds;

	if (view_claim(r, org, domain, &v, &e) == OK && v.doc != NULL)
		value = document_text(v.doc, "record.value");
	holds = value != NULL && is_token(value, token);
	view_claim_free(&v);
	return holds;
}

bool
view_token_of(struct redis *r, const char *org, const char *token, char *out)
{
	struct others *o = calloc(1, sizeof(*o));
	char key[KEY_MAX];
	struct err e;
	bool found = false;

	snprintf(key, sizeof(key), "domainproof:org:%s", org);
	if (o != NULL &&
	    redis_get_members(r, key, OTHERS_MAX, on_member, o, &e) != OK)
		o->n = 0;
	for (size_t i = 0; o != NULL && i < o->n && !found; i++) {
		found = holds_token(r, org, o->domain[i], token);
		if (found)
			memcpy(out, o->domain[i], sizeof(o->domain[i]));
	}
	free(o);
	return found;
}

enum next
view_job(struct redis *r, const char *org, const char *id, const char *domain,
    struct job_view *v, struct err *e)
{
	const struct slot slots[] = {
	    TEXT_SLOT(domain),
	    TEXT_SLOT(outcome),
	    TEXT_SLOT(code),
	    NUMBER_SLOT(looks),
	    NUMBER_SLOT(next_ms),
	    NUMBER_SLOT(deadline_ms),
	};
	struct fields f = {slots, ARRAY_LEN(slots), &v->doc};
	char key[KEY_MAX];
	enum next next;

	*v = (struct job_view){.doc = NULL};
	snprintf(v->org, sizeof(v->org), "%s", org);
	snprintf(v->id, sizeof(v->id), "%s", id);
	snprintf(key, sizeof(key), "domainproof:job:%s:%s", org, id);
	next = read_hash(r, key, &f, e);
	if (domain[0] != '\0' && strcmp(domain, v->domain) != 0)
		v->outcome[0] = '\0';
	return next;
}

void
view_job_free(struct job_view *v)
{
	document_free(v->doc);
	v->doc = NULL;
}

/* --- judging -------------------------------------------------------------- */

static bool
is_verdict(const struct claim_view *v, enum verdict verdict)
{
	const char *text =
	    v->doc == NULL ? NULL
			   : document_text(v->doc, "checks.ownership.verdict");

	return text != NULL && strcmp(text, verdict_name(verdict)) == 0;
}

static bool
is_status(const struct claim_view *v, enum claim_status s)
{
	return strcmp(v->status, claim_status_name(s)) == 0;
}

static bool
is_function(
    const struct claim_view *v, const char *path, enum function_status status)
{
	const char *text = v->doc == NULL ? NULL : document_text(v->doc, path);

	return text != NULL && strcmp(text, function_status_name(status)) == 0;
}

/* Wished for, and not on. */
static bool
lacks_function(const struct claim_view *v)
{
	static const char *const paths[FUNCTION_N] = {
	    [FUNCTION_SPF] = "functions.spf.status",
	    [FUNCTION_DKIM] = "functions.dkim.status",
	};

	for (size_t i = 0; i < FUNCTION_N; i++) {
		if (is_function(v, paths[i], FUNCTION_PENDING) ||
		    is_function(v, paths[i], FUNCTION_LAPSED) ||
		    is_function(v, paths[i], FUNCTION_EXPIRED))
			return true;
	}
	return false;
}

bool
view_claim_proven(const struct claim_view *v)
{
	return is_status(v, CLAIM_VERIFIED) || is_status(v, CLAIM_LAPSING);
}

/* What lapses still holds. */
enum exit_word
view_claim_exit(const struct claim_view *v)
{
	if (v->status[0] == '\0')
		return EXIT_UNKNOWN;
	if (view_claim_proven(v) && !lacks_function(v))
		return EXIT_GOOD;
	if (v->job[0] != '\0')
		return EXIT_PENDING;
	if (is_status(v, CLAIM_PENDING) && is_verdict(v, VERDICT_UNDECIDED))
		return EXIT_NO_ANSWER;
	return EXIT_NEGATIVE;
}

static enum job_outcome
outcome_of(const struct job_view *v)
{
	int o = END_OPEN;

	while (o < END_N &&
	       strcmp(job_outcome_name((enum job_outcome)o), v->outcome) != 0)
		o++;
	return (enum job_outcome)o;
}

enum exit_word
view_job_exit(const struct job_view *v)
{
	static const enum exit_word code[END_N + 1] = {
	    [END_OPEN] = EXIT_PENDING,
	    [END_VERIFIED] = EXIT_GOOD,
	    [END_EXPIRED] = EXIT_NEGATIVE,
	    [END_FAILED] = EXIT_NEGATIVE,
	    [END_UNDECIDED] = EXIT_NO_ANSWER,
	    [END_REJECTED] = EXIT_REFUSED,
	    [END_CANCELLED] = EXIT_NEGATIVE,
	    [END_JOINED] = EXIT_GOOD,
	    [END_DONE] = EXIT_GOOD,
	    [END_N] = EXIT_UNKNOWN,
	};

	return code[outcome_of(v)];
}

bool
view_job_ended(const struct job_view *v)
{
	return v->outcome[0] != '\0' && outcome_of(v) != END_OPEN;
}

bool
view_claim_settled(const struct claim_view *v)
{
	return v->status[0] != '\0' && v->job[0] == '\0';
}

/* --- rows ----------------------------------------------------------------- */

static void
put_domain(FILE *f, const char *domain, const char *org)
{
	char shown[SHOW_DOMAIN_MAX];

	show_domain(domain, shown);
	show_padded(f, shown, 28);
	fprintf(f, " %-12s", org);
}

static void
put_span(FILE *f, const char *before, int64_t ms, const char *behind)
{
	char span[SHOW_SPAN_MAX];

	show_span(ms, span);
	fprintf(f, "%s%s%s", before, span, behind);
}

static void
put_word(FILE *f, const char *before, const char *word)
{
	char shown[VIEW_WORD_MAX * 4 + 1];

	/* what is longer is no word of ours, and cut */
	show_line(word, shown, sizeof(shown));
	if (shown[0] != '\0')
		fprintf(f, "%s%s", before, shown);
}

static const char *
text_of(const struct document *doc, const char *name)
{
	const char *text = document_text(doc, name);

	return text != NULL ? text : "";
}

static enum verdict
verdict_of(const char *name)
{
	enum verdict v = VERDICT_PASS;

	while (v < VERDICT_UNDECIDED && strcmp(verdict_name(v), name) != 0)
		v++;
	return v;
}

/* "active since 2026-05-03", of a function that is on */
static void
behind_of(const struct document *doc, const char *check, char *out, size_t cap)
{
	char path[64];
	const char *status, *since;

	snprintf(path, sizeof(path), "functions.%s.status", check);
	status = text_of(doc, path);
	snprintf(path, sizeof(path), "functions.%s.since", check);
	since = text_of(doc, path);
	out[0] = '\0';
	if (status[0] != '\0' && strcmp(status, "none") != 0)
		snprintf(out, cap, "%.40s since %.10s", status, since);
}

/* Redis does not hold whole records to publish: they belong to one look. */
static void
put_where(FILE *f, const struct claim_view *v, const struct document *one,
    const char *check)
{
	char line[ORG_MAX + DNAME_TEXT_MAX + 80];
	bool spf = strcmp(check, check_name(CHECK_SPF)) == 0 &&
		   verdict_of(text_of(one, "verdict")) != VERDICT_PASS;
	bool dmarc = strcmp(check, check_name(CHECK_DMARC)) == 0 &&
		     verdict_of(text_of(one, "verdict")) != VERDICT_NONE &&
		     text_of(one, "code")[0] != '\0';

	if (!spf && !dmarc)
		return;
	snprintf(line, sizeof(line),
	    "domainproof check %s --org %s --only %s shows the whole record",
	    v->domain, v->org, check);
	report_line(f, "publish", line);
}

static void
put_check(FILE *f, const struct claim_view *v, const char *check)
{
	const struct document *doc = v->doc, *one = NULL;
	char behind[80];
	const char *name;

	for (size_t i = 0;
	     (name = document_member(doc, "checks", i, &one)) != NULL; i++) {
		if (strcmp(name, check) != 0)
			continue;
		behind_of(doc, check, behind, sizeof(behind));
		report_head(f, check, verdict_of(text_of(one, "verdict")),
		    text_of(one, "code"), text_of(one, "say"), behind);
		report_line(f, "fix", text_of(one, "fix"));
		put_where(f, v, one, check);
	}
}

static void
put_record(FILE *f, const struct document *doc)
{
	const char *name = document_text(doc, "record.name");
	const char *value = document_text(doc, "record.value");
	char line[1024];

	if (name == NULL || value == NULL)
		return;
	snprintf(line, sizeof(line),
	    "Not looked at yet. To publish: %s TXT \"%s\"", name, value);
	show_paragraph(f, "", line, ROW_INDENT);
}

void
view_claim_sentences(FILE *f, const struct claim_view *v)
{
	if (v->doc == NULL)
		return;
	if (document_text(v->doc, "checks.ownership.say") == NULL)
		put_record(f, v->doc);
	for (unsigned c = 0; c < CHECK_N; c++)
		put_check(f, v, check_name((enum check)c));
}

static void
put_times(FILE *f, const struct claim_view *v)
{
	int64_t now = clock_wall_ms();

	if (v->since_ms > 0 && now - v->since_ms >= 1000)
		put_span(f, "  for ", now - v->since_ms, "");
	if (v->job[0] == '\0')
		return;
	if (v->next_ms > now)
		put_span(f, "  next look in ", v->next_ms - now, "");
	else
		fputs("  being looked at", f);
	put_span(f, ", deadline in ", v->deadline_ms - now, "");
}

/* A function that is asked for and not simply on. */
static void
put_function(FILE *f, const struct document *doc, enum function fn)
{
	char path[64];
	const char *status;

	snprintf(path, sizeof(path), "functions.%s.status", function_name(fn));
	status = text_of(doc, path);
	if (status[0] == '\0' ||
	    strcmp(status, function_status_name(FUNCTION_OFF)) == 0 ||
	    strcmp(status, function_status_name(FUNCTION_ACTIVE)) == 0)
		return;
	fprintf(f, "  %s", function_name(fn));
	put_word(f, " ", status);
}

static void
put_remarks(FILE *f, const struct claim_view *v)
{
	const char *since;

	if (v->doc == NULL)
		return;
	if (document_bool(v->doc, "contested", false))
		fputs("  contested", f);
	put_function(f, v->doc, FUNCTION_SPF);
	put_function(f, v->doc, FUNCTION_DKIM);
	since = document_text(v->doc, "undecided_since");
	if (since != NULL && since[0] != '\0')
		put_word(f, "  could not ask since ", since);
}

void
view_claim_row(FILE *f, const struct claim_view *v, enum explain how)
{
	bool known = v->status[0] != '\0';
	char status[VIEW_WORD_MAX * 4 + 1];

	show_line(known ? v->status : "unknown", status, sizeof(status));
	show_dot(f, show_tint(v->shield));
	fprintf(f, " %-8s ", status);
	put_domain(f, v->domain, v->org);
	if (known)
		put_times(f, v);
	put_word(f, "  ", v->code);
	put_word(f, "  ", v->assurance);
	put_remarks(f, v);
	fputc('\n', f);
	if (how == EXPLAIN)
		view_claim_sentences(f, v);
}

static enum tint
outcome_tint(const struct job_view *v)
{
	switch (view_job_exit(v)) {
	case EXIT_GOOD:
		return TINT_GREEN;
	case EXIT_PENDING:
	case EXIT_NO_ANSWER:
		return TINT_AMBER;
	case EXIT_UNKNOWN:
		return TINT_GREY;
	default: /* the exit codes of a job that did not end well */
		return TINT_RED;
	}
}

void
view_job_row(FILE *f, const struct job_view *v)
{
	char outcome[VIEW_WORD_MAX * 4 + 1];
	int64_t now = clock_wall_ms();

	show_line(v->outcome[0] != '\0' ? v->outcome : "unknown", outcome,
	    sizeof(outcome));
	show_dot(f, outcome_tint(v));
	fprintf(f, " %-8s ", outcome);
	put_domain(f, v->domain, v->org);
	fprintf(f, "  job %s", v->id);
	if (v->outcome[0] != '\0' && v->looks > 0)
		fprintf(f, "  %" PRId64 " look%s", v->looks,
		    v->looks == 1 ? "" : "s");
	if (outcome_of(v) == END_OPEN && v->next_ms > now)
		put_span(f, "  next look in ", v->next_ms - now, "");
	put_word(f, "  ", v->code);
	fputc('\n', f);
}

void
view_job_sentences(
    FILE *f, const struct job_view *v, const struct claim_view *claim)
{
	char say[SAY_MAX + 1], fix[SAY_MAX + 1];
	enum code code = code_parse(v->code);

	if (outcome_of(v) != END_REJECTED) {
		if (claim != NULL)
			view_claim_sentences(f, claim);
		return;
	}
	if (code == CODE_N || code == CODE_NONE)
		return;
	diagnosis_say(&(struct diagnosis_facts){.code = code,
			  .domain = v->domain,
			  .name = "",
			  .expected = "",
			  .saw = ""},
	    say, fix);
	show_paragraph(f, "", say, ROW_INDENT);
	if (fix[0] != '\0')
		show_paragraph(f, "        ->", fix, ROW_INDENT);
}

/* --- JSON ----------------------------------------------------------------- */

static void
json_pair(struct writer *w, const char *name, const char *text)
{
	json_key(w, name);
	json_text(w, text);
}

/* The member of the document as it is, null if there is none. */
static void
json_member_of(struct writer *w, const struct document *doc, const char *name)
{
	const struct document *value = NULL;
	const char *at;
	char *text = NULL;

	for (size_t i = 0;
	     doc != NULL && (at = document_member(doc, "", i, &value)) != NULL;
	     i++) {
		if (strcmp(at, name) == 0) {
			text = document_write(value);
			break;
		}
	}
	json_key(w, name);
	json_raw(w, text != NULL ? text : "null");
	document_text_free(text);
}

static void
json_whole(struct writer *w, const char *name, const struct document *doc)
{
	char *text = doc != NULL ? document_write(doc) : NULL;

	json_key(w, name);
	json_raw(w, text != NULL ? text : "null");
	document_text_free(text);
}

static void
json_claim(struct writer *w, const struct claim_view *v)
{
	json_pair(w, "status", v->status[0] != '\0' ? v->status : "unknown");
	json_pair(w, "shield", v->shield[0] != '\0' ? v->shield : "grey");
	json_member_of(w, v->doc, "checks");
	json_member_of(w, v->doc, "functions");
	json_member_of(w, v->doc, "send_as");
	json_member_of(w, v->doc, "record");
	json_member_of(w, v->doc, "records");
}

void
view_json(FILE *f, const char *domain, const char *org,
    const struct claim_view *claim, const struct job_view *job,
    enum exit_word code)
{
	static char text[2 * MESSAGE_OUT_MAX];
	struct writer w;

	writer_init(&w, text, sizeof(text));
	json_raw(&w, "{");
	json_pair(&w, "domain", domain);
	json_pair(&w, "org", org);
	json_key(&w, "exit");
	json_number(&w, (int64_t)code);
	if (claim != NULL)
		json_claim(&w, claim);
	if (job != NULL)
		json_whole(&w, "job", job->doc);
	else if (claim != NULL)
		json_member_of(&w, claim->doc, "job");
	if (claim != NULL && claim->look_ms > 0) {
		json_key(&w, "age_s");
		json_number(&w, (clock_wall_ms() - claim->look_ms) / 1000);
	}
	json_raw(&w, "}");
	if (!w.bad)
		fprintf(f, "%.*s\n", (int)w.len, text);
	fflush(f);
}
