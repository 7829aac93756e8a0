/* SPDX-License-Identifier: Apache-2.0 */
/* claim: begins claims and prints what to publish. */
#include "producer/await.h"
#include "producer/send.h"

#include "core/diagnosis.h"
#include "core/json.h"
#include "io/idna.h"

#include <string.h>

#define WAIT_MS	   10000
#define AT_ONCE	   500 /* claims begun and not printed yet */
#define STRING_MAX 255 /* octets of one string of a TXT record */

struct claiming {
	struct command *c;
	struct await *await;
	size_t printed;
};

/* What to publish, and where. */
struct publish {
	const char *domain, *org;
	const char *check, *name, *type, *value;
	char zone[DNAME_TEXT_MAX + 1];	   /* that panels ask within */
	char relative[DNAME_TEXT_MAX + 1]; /* name without the zone */
};

/* --- forms ---------------------------------------------------------------- */

static void
put_strings(const char *value)
{
	size_t len = strlen(value);

	for (size_t at = 0; at == 0 || at < len; at += STRING_MAX)
		printf(
		    "%s\"%.*s\"", at == 0 ? "" : " ", STRING_MAX, value + at);
}

static void
put_panel(const struct publish *p)
{
	char shown[SHOW_DOMAIN_MAX];

	show_domain(p->domain, shown);
	printf("%s  (%s)\n", shown, p->org);
	printf("  Name   %s\n", p->name);
	if (p->relative[0] != '\0')
		printf("         %s   if your panel adds .%s by itself\n",
		    p->relative, p->zone);
	printf("  Type   %s\n", p->type);
	printf("  Value  %s\n\n", p->value);
}

static void
put_json(const struct publish *p)
{
	char line[4096];
	struct writer w;
	const struct {
		const char *name, *text;
	} pair[] = {
	    {"domain", p->domain},
	    {"org", p->org},
	    {"check", p->check},
	    {"name", p->name},
	    {"relative", p->relative},
	    {"zone", p->zone},
	    {"type", p->type},
	    {"value", p->value},
	};

	writer_init(&w, line, sizeof(line));
	json_raw(&w, "{");
	for (size_t i = 0; i < ARRAY_LEN(pair); i++) {
		json_key(&w, pair[i].name);
		json_text(&w, pair[i].text);
	}
	json_key(&w, "exit");
	json_number(&w, EXIT_GOOD);
	json_raw(&w, "}");
	if (!w.bad)
		printf("%.*s\n", (int)w.len, line);
}

static enum as form_of(const struct command *c)
{
	if (c->options.given[OPTION_JSON])
		return AS_JSON;
	return c->options.number[OPTION_AS] >= 0
		   ? (enum as)c->options.number[OPTION_AS]
		   : AS_PANEL;
}

static void
put(const struct command *c, const struct publish *p)
{
	switch (form_of(c)) {
	case AS_PANEL:
		put_panel(p);
		break;
	case AS_BIND:
		printf("%s. 3600 IN %s ", p->name, p->type);
		put_strings(p->value);
		fputc('\n', stdout);
		break;
	case AS_SPLIT:
		put_strings(p->value);
		fputc('\n', stdout);
		break;
	case AS_JSON:
		put_json(p);
		break;
	}
	fflush(stdout);
}

/* --- one claim ------------------------------------------------------------ */

static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < 0x20 || *text > 0x7e || *text == '"' ||
		    *text == '\\')
			return false;
	}
	return true;
}

/* Panels work within the registrable domain. */
static void
find_zone(struct publish *p)
{
	struct domain_facts facts;
	size_t name_len = strlen(p->name), zone_len;

	idna_facts(p->domain, &facts);
	snprintf(p->zone, sizeof(p->zone), "%s",
	    facts.registrable[0] != '\0' ? facts.registrable : p->domain);
	zone_len = strlen(p->zone);
	if (name_len <= zone_len + 1 ||
	    strcmp(p->name + name_len - zone_len, p->zone) != 0)
		return;
	snprintf(p->relative, sizeof(p->relative), "%.*s",
	    (int)(name_len - zone_len - 1), p->name);
}

/* False: it is not there, or nothing to be shown on a terminal. */
static bool
print_record(struct claiming *cl, struct publish *p)
{
	if (p->name == NULL || p->type == NULL || p->value == NULL ||
	    !is_printable(p->name) || !is_printable(p->type) ||
	    !is_printable(p->value))
		return false;
	find_zone(p);
	put(cl->c, p);
	return true;
}

/* A key that the claim holds is to be published too. */
static bool
print_key(struct claiming *cl, const struct claim_view *v)
{
	const struct document *one;

	for (size_t i = 0; (one = document_at(v->doc, "records", i)) != NULL;
	     i++) {
		const char *check = document_text(one, "check");
		struct publish p = {.domain = v->domain,
		    .org = v->org,
		    .check = check_name(CHECK_DKIM),
		    .name = document_text(one, "name"),
		    .type = document_text(one, "type"),
		    .value = document_text(one, "value")};

		if (check != NULL && strcmp(check, p.check) == 0)
			return print_record(cl, &p);
	}
	return true;
}

static void
print_claim(struct claiming *cl, const struct claim_view *v)
{
	struct publish p = {.domain = v->domain,
	    .org = v->org,
	    .check = check_name(CHECK_OWNERSHIP)};

	if (v->doc != NULL) {
		p.name = document_text(v->doc, "record.name");
		p.type = document_text(v->doc, "record.type");
		p.value = document_text(v->doc, "record.value");
	}
	if (!print_record(cl, &p) || !print_key(cl, v)) {
		command_fail(cl->c, EXIT_DOWN,
		    "%s: Redis does not hold its record (yet); try again",
		    v->domain);
		return;
	}
	cl->printed++;
}

static void
complain(struct claiming *cl, const struct job_view *job, enum exit_word code)
{
	char say[SAY_MAX + 1], fix[SAY_MAX + 1];

	if (code == EXIT_PENDING || code == EXIT_UNKNOWN) {
		command_fail(cl->c, EXIT_PENDING,
		    "%s: no worker has taken the claim yet (job %s); is "
		    "domainproofd running? domainproof doctor says; the same "
		    "command again shows the record",
		    job->domain, job->id);
		return;
	}
	diagnosis_say(&(struct diagnosis_facts){.code = code_parse(job->code),
			  .domain = job->domain,
			  .name = "",
			  .expected = "",
			  .saw = ""},
	    say, fix);
	command_fail(cl->c, code, "%s: %s: %s: %s %s", job->domain,
	    job->outcome, job->code, say, fix);
}

static void
on_settled(
    void *arg, struct redis *r, const struct job_view *job, enum exit_word code)
{
	struct claiming *cl = arg;
	struct claim_view v;
	struct err e;

	if (code != EXIT_GOOD) {
		complain(cl, job, code);
		return;
	}
	if (view_claim(r, job->org, job->domain, &v, &e) != OK)
		command_fail(cl->c, EXIT_DOWN, "%s: %s", job->domain, e.text);
	else
		print_claim(cl, &v);
	view_claim_free(&v);
}

static void
on_posted(void *arg, const struct receipt *r)
{
	struct claiming *cl = arg;
	struct err e;

	if (!r->stored)
		send_receipt(cl->c, r);
	else if (await_add(cl->await, r, &e) != OK)
		command_fail(cl->c, EXIT_BUG, "%s", e.text);
}

/* --- all ------------------------------------------------------------------ */

static void
await_all(struct claiming *cl)
{
	const int64_t timeout = cl->c->options.number[OPTION_TIMEOUT];
	struct err e;

	if (await_n(cl->await) == 0 || command_interrupted())
		return;
	if (await_run(cl->await, timeout > 0 ? timeout : WAIT_MS, &e) == OK)
		return;
	command_fail(cl->c, EXIT_DOWN, "%s", e.text);
	await_forget(cl->await);
}

static void
between(void *arg)
{
	struct claiming *cl = arg;

	if (await_n(cl->await) >= AT_ONCE)
		await_all(cl);
}

static void
idle(void *arg)
{
	await_all(arg);
}

int
cmd_claim(struct command *c)
{
	struct claiming cl = {.c = c};
	struct job_request wish = {.kind = JOB_CLAIM};
	struct err e;

	if (c->options.given[OPTION_SELECTOR] !=
	    c->options.given[OPTION_PUBLIC_KEY])
		return command_fail(c, EXIT_USAGE,
		    "a key comes with both --selector S and --public-key "
		    "FILE");
	if (!command_key(c, wish.selector, &wish.key))
		return c->worst;
	if (!command_settings(c) || !command_names(c))
		return c->worst;
	if (await_open(&cl.await, c, on_settled, &cl, &e) != OK)
		return command_fail(c, EXIT_USAGE, "%s", e.text);
	if (send_all(c, JOB_CLAIM,
		&(struct send_calls){.told = on_posted,
		    .wish = &wish,
		    .between = between,
		    .idle = idle,
		    .arg = &cl}))
		await_all(&cl);
	await_close(cl.await);
	return c->worst;
}
