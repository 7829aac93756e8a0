/* SPDX-License-Identifier: Apache-2.0 */
/* check: one look on the spot, by the same code as the workers'. Settings,
 * Redis and Kafka are used if they are there, needed they are not. */
#include "producer/input.h"
#include "producer/view.h"

#include "core/diagnosis.h"
#include "core/txt.h"
#include "io/clock.h"
#include "io/dns.h"
#include "io/idna.h"
#include "io/message.h"
#include "worker/looks.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT_ONCE	    64
#define SERVE_MS    1000
#define REDIS_MS    500
#define RESOLV_CONF "/etc/resolv.conf"
#define SERVICE	    "domainproof" /* without a policy */
#define TIMEOUT_MS  1000
#define TRIES	    3
#define INDENT	    11

struct checked { /* a look under way */
	bool used;
	char org[ORG_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1];
};

struct checking {
	struct command *c;
	struct looks *looks;
	struct redis *redis;   /* NULL: not asked for tokens */
	struct look_wish wish; /* what is the same for all */
	size_t under_way;
	struct checked one[AT_ONCE];
};

/* --- settings that may be missing ----------------------------------------- */

static void
add_resolver(struct settings *s, const char *text)
{
	struct packet_addr addr;
	uint16_t port = 53;

	if (s->dns.resolvers_n == CONF_RESOLVERS_MAX ||
	    strlen(text) >= sizeof(s->dns.resolvers[0]) ||
	    !dns_addr_parse(text, &addr, &port))
		return;
	snprintf(s->dns.resolvers[s->dns.resolvers_n++],
	    sizeof(s->dns.resolvers[0]), "%s", text);
}

/* Lines `nameserver ADDRESS` (resolv.conf(5)). */
static void
read_resolv_conf(struct settings *s)
{
	FILE *f = fopen(RESOLV_CONF, "re");
	char line[256], addr[64];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, " nameserver %63s", addr) == 1)
			add_resolver(s, addr);
	}
	if (f != NULL)
		fclose(f);
	if (s->dns.resolvers_n == 0)
		add_resolver(s, "127.0.0.1");
}

static void
defaults(struct command *c)
{
	c->settings = (struct settings){.dns = {.authoritative = true,
					    .port = 53,
					    .timeout_ms = TIMEOUT_MS,
					    .tries = TRIES}};
	c->policy = (struct policy){.apex = APEX_ACCEPT};
	snprintf(c->policy.service, sizeof(c->policy.service), SERVICE);
	read_resolv_conf(&c->settings);
}

/* Settings that were named must be right; the usual place may be empty. */
static bool
settings(struct command *c)
{
	bool named =
	    c->options.given[OPTION_CONF] || getenv("DOMAINPROOF_CONF") != NULL;
	struct err e;

	if (named)
		return command_settings(c);
	if (conf_read(NULL, &c->settings, &c->policy, &e) == OK) {
		c->has_settings = true;
		return true;
	}
	conf_free(&c->policy);
	if (access(c->settings.path, F_OK) == 0) {
		command_fail(c, EXIT_USAGE, "%s", e.text);
		return false;
	}
	defaults(c);
	return true;
}

/* --resolver: this one for everything; the settings say whether its word on
 * DNSSEC counts. */
static bool
only_resolver(struct command *c, const char *text)
{
	struct settings *s = &c->settings;
	struct packet_addr addr;
	uint16_t port = 53;
	bool trusted = false;

	if (!dns_addr_parse(text, &addr, &port) ||
	    strlen(text) >= sizeof(s->dns.resolvers[0])) {
		command_fail(c, EXIT_USAGE,
		    "--resolver '%.80s': ADDRESS, ADDRESS:PORT or "
		    "[ADDRESS]:PORT is wanted, not a name",
		    text);
		return false;
	}
	for (size_t i = 0; i < s->dns.resolvers_n; i++)
		trusted =
		    trusted || (s->dns.trusted[i] &&
				   strcmp(s->dns.resolvers[i], text) == 0);
	s->dns.resolvers_n = 0;
	add_resolver(s, text);
	s->dns.trusted[0] = trusted;
	return true;
}

/* --- showing -------------------------------------------------------------- */

static enum exit_word
exit_of(const struct finding *f)
{
	switch (f->verdict) {
	case VERDICT_PASS:
		return EXIT_GOOD;
	case VERDICT_FAIL:
	case VERDICT_NONE:
		return EXIT_NEGATIVE;
	case VERDICT_UNDECIDED:
		return EXIT_NO_ANSWER;
	case VERDICT_N:
		break;
	}
	return EXIT_BUG;
}

static enum shield
shield_of(const struct finding *f)
{
	switch (exit_of(f)) {
	case EXIT_GOOD:
		return SHIELD_GREEN;
	case EXIT_NEGATIVE:
		return SHIELD_RED;
	default: /* the exit codes of no answer */
		return SHIELD_AMBER;
	}
}

static void
put_json(const struct checked *k, const struct finding *f)
{
	static char line[2 * MESSAGE_OUT_MAX];
	struct writer w;

	writer_init(&w, line, sizeof(line));
	json_raw(&w, "{");
	json_key(&w, "domain");
	json_text(&w, k->domain);
	json_key(&w, "org");
	json_text(&w, k->org);
	json_key(&w, "exit");
	json_number(&w, (int64_t)exit_of(f));
	json_key(&w, "status");
	json_raw(&w, "null");
	json_key(&w, "shield");
	json_text(&w, shield_name(shield_of(f)));
	json_key(&w, "checks");
	json_raw(&w, "{");
	json_key(&w, check_name(f->check));
	message_finding(&w, k->domain, f, clock_wall_ms());
	json_raw(&w, "}");
	json_key(&w, "job");
	json_raw(&w, "null");
	json_key(&w, "age_s");
	json_number(&w, 0);
	json_raw(&w, "}");
	if (!w.bad)
		printf("%.*s\n", (int)w.len, line);
}

static void
put_server(const struct server_fact *s)
{
	char name[sizeof(s->name) * 4];

	show_line(
	    s->name[0] != '\0' ? s->name : "resolver", name, sizeof(name));
	printf("%*s%s %s: %s", INDENT, "", name, s->addr,
	    s->has ? "has it" : outcome_name(s->outcome));
	if (s->has_serial)
		printf(", serial %u", s->serial);
	fputc('\n', stdout);
}

static void
put_found(const struct found *found)
{
	char text[4 * FOUND_LEN_MAX + 8];

	txt_show(found->bytes, found->len, text, sizeof(text));
	printf(
	    "%*sfound \"%s%s\"\n", INDENT, "", text, found->cut ? "..." : "");
}

static void
put_sentences(const struct checked *k, const struct finding *f)
{
	char say[SAY_MAX + 1], fix[SAY_MAX + 1];

	diagnosis_say(&(struct diagnosis_facts){.code = f->code,
			  .verdict = f->verdict,
			  .visible_in_s = f->visible_in_s,
			  .domain = k->domain,
			  .name = f->name,
			  .expected = f->expected,
			  .saw = f->saw,
			  .neg_ttl_s = f->neg_ttl_s},
	    say, fix);
	show_paragraph(stdout, "", say, INDENT);
	if (fix[0] != '\0')
		show_paragraph(stdout, "        ->", fix, INDENT);
}

static void
put_text(const struct checked *k, const struct finding *f)
{
	char shown[SHOW_DOMAIN_MAX];

	show_domain(k->domain, shown);
	show_dot(stdout, show_tint(shield_name(shield_of(f))));
	printf(" %-9s ", verdict_name(f->verdict));
	show_padded(stdout, shown, 28);
	if (f->code != CODE_NONE)
		printf("  %s", code_name(f->code));
	if (f->assurance != ASSURANCE_NONE)
		printf("  %s", assurance_name(f->assurance));
	fputc('\n', stdout);
	if (f->verdict == VERDICT_PASS && f->code == CODE_NONE)
		return;
	put_sentences(k, f);
	for (size_t i = 0; i < f->found_n && i < FOUND_MAX; i++)
		put_found(&f->found[i]);
	for (size_t i = 0; i < f->servers_n && i < SERVERS_MAX; i++)
		put_server(&f->servers[i]);
}

static void
on_found(void *arg, uint64_t tag, const struct finding *f)
{
	struct checking *k = arg;
	struct checked *one = &k->one[tag];

	command_count(k->c, exit_of(f));
	if (k->c->options.given[OPTION_JSON])
		put_json(one, f);
	else
		put_text(one, f);
	fflush(stdout);
	one->used = false;
	k->under_way--;
}

/* --- asking --------------------------------------------------------------- */

/* The word after `token=`, or the whole. False: longer than a token. */
static bool
take_token(const char *text, char out[TOKEN_TEXT_MAX + 1])
{
	size_t len;

	if (strncmp(text, "token=", 6) == 0)
		text += 6;
	len = strcspn(text, " ");
	if (len == 0 || len > TOKEN_TEXT_MAX)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

/* The claim's own, if Redis has it; says so if it can't be asked, once. */
static void
ask_token(struct checking *k, const struct job_request *q,
    char token[TOKEN_TEXT_MAX + 1])
{
	struct claim_view v;
	const char *value = NULL;
	struct err e;

	token[0] = '\0';
	if (k->redis == NULL || q->org[0] == '\0')
		return;
	if (view_claim(k->redis, q->org, q->domain, &v, &e) != OK) {
		fprintf(stderr, "domainproof: %s; judged without a token\n",
		    e.text);
		redis_close(k->redis);
		k->redis = NULL;
	} else if (v.doc != NULL) {
		value = document_text(v.doc, "record.value");
	}
	if (value == NULL || !take_token(value, token))
		token[0] = '\0';
	view_claim_free(&v);
}

static size_t
free_place(const struct checking *k)
{
	size_t i = 0;

	while (k->one[i].used)
		i++;
	return i;
}

static enum next
begin(struct checking *k, const struct job_request *q, struct err *e)
{
	struct look_wish wish = k->wish;
	size_t place = free_place(k);
	struct domain_facts facts;
	enum next next;

	idna_facts(q->domain, &facts);
	if (dname_from_text(&wish.domain, q->domain, NULL) != DNAME_OK ||
	    dname_from_text(&wish.registrable,
		facts.registrable[0] != '\0' ? facts.registrable : q->domain,
		NULL) != DNAME_OK) {
		err_set(e, "is no name");
		return REJECT;
	}
	if (wish.token[0] == '\0')
		ask_token(k, q, wish.token);
	memcpy(k->one[place].org, q->org, sizeof(q->org));
	memcpy(k->one[place].domain, q->domain, sizeof(q->domain));
	next = looks_begin(k->looks, &wish, q->domain, place, e);
	if (next != OK)
		return next;
	k->one[place].used = true;
	k->under_way++;
	return OK;
}

static void
serve_until(struct checking *k, size_t under_way)
{
	while (k->under_way > under_way && !command_interrupted())
		(void)looks_serve(k->looks, SERVE_MS, -1);
}

static void
check_each(struct checking *k, struct input *in)
{
	struct job_request q;
	struct err e;

	while (!command_interrupted() && ferror(stdout) == 0) {
		enum input_next got = input_take(in, &q, &e);

		if (got == INPUT_END)
			return;
		if (got == INPUT_BROKEN) {
			command_fail(k->c, EXIT_DOWN, "%s", e.text);
			return;
		}
		if (got == INPUT_WRONG || begin(k, &q, &e) != OK)
			command_fail(k->c, EXIT_REFUSED, "%s: %s",
			    input_place(in), e.text);
		serve_until(k, AT_ONCE - 1);
	}
}

/* --- whole ---------------------------------------------------------------- */

static bool
open_looks(struct checking *k)
{
	struct looks_conf conf = {
	    .at_once = AT_ONCE, .found = on_found, .arg = k};
	struct err e;

	if (looks_conf_asks(&conf.asks, &k->c->settings, &e) != OK) {
		command_fail(k->c, EXIT_USAGE, "%s", e.text);
		return false;
	}
	if (looks_open(&k->looks, &conf, &e) != OK) {
		command_fail(k->c, EXIT_DOWN, "%s", e.text);
		return false;
	}
	return true;
}

static bool
make_wish(struct checking *k)
{
	const struct options *o = &k->c->options;
	const char *service = o->text[OPTION_SERVICE];
	const struct settings *s = &k->c->settings;

	k->wish = (struct look_wish){
	    .order = LOOK_SERVERS_FIRST,
	    .apex_ok = k->c->policy.apex == APEX_ACCEPT,
	    .authoritative = s->dns.authoritative,
	    .private_ok = s->dns.private_ok,
	    .only = o->given[OPTION_RESOLVER],
	};
	if (service == NULL)
		service = k->c->policy.service;
	if (!command_word_ok(service, SERVICE_MAX)) {
		command_fail(k->c, EXIT_USAGE,
		    "--service wants 1 to %d of letters, digits, '.', '_', "
		    "'-'",
		    SERVICE_MAX);
		return false;
	}
	snprintf(k->wish.service, sizeof(k->wish.service), "%s", service);
	if (o->given[OPTION_TOKEN] &&
	    !take_token(o->text[OPTION_TOKEN], k->wish.token)) {
		command_fail(k->c, EXIT_USAGE,
		    "--token wants the token, at most %d octets",
		    TOKEN_TEXT_MAX);
		return false;
	}
	return true;
}

static void
check_all(struct checking *k)
{
	struct command *c = k->c;
	struct input *in;
	struct err e;

	if (!make_wish(k) || !open_looks(k))
		return;
	if (c->has_settings &&
	    redis_open(&k->redis, c->settings.redis.url, REDIS_MS, &e) != OK)
		k->redis = NULL;
	if (input_open(&in, c, JOB_VERIFY, INPUT_ORG_OPTIONAL, &e) != OK) {
		command_fail(c, EXIT_USAGE, "%s", e.text);
	} else {
		check_each(k, in);
		serve_until(k, 0);
	}
	input_close(in);
	redis_close(k->redis);
	looks_close(k->looks);
}

int
cmd_check(struct command *c)
{
	const char *resolver = c->options.text[OPTION_RESOLVER];
	struct checking *k;

	if (!settings(c) || !command_names(c) ||
	    (resolver != NULL && !only_resolver(c, resolver)))
		return c->worst;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return command_fail(c, EXIT_BUG, "memory is out");
	k->c = c;
	check_all(k);
	free(k);
	return c->worst;
}
