/* SPDX-License-Identifier: Apache-2.0 */
/* check: one look on the spot, by the same code as the workers'. Settings,
 * Redis and Kafka are used if they are there, needed they are not. */
#include "producer/check_host.h"
#include "producer/input.h"
#include "producer/report.h"
#include "producer/view.h"

#include "core/json.h"
#include "core/tags.h"
#include "io/clock.h"
#include "io/dns.h"
#include "io/idna.h"
#include "io/message.h"
#include "worker/looks.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT_ONCE	    16
#define SERVE_MS    1000
#define REDIS_MS    500
#define RESOLV_CONF "/etc/resolv.conf"
#define SERVICE	    "domainproof" /* without a policy */
#define TIMEOUT_MS  1000
#define TRIES	    3

struct key {				      /* what dkim looks for */
	char selector[DKIM_SELECTOR_MAX + 1]; /* "" = none */
	bool known;
	struct dkim_public key;
};

struct checked { /* a domain under way */
	bool used;
	uint32_t left; /* checks that have not ended */
	char org[ORG_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1];
	uint32_t checks;
	struct finding found[CHECK_N];
};

#define TAG_OURS (AT_ONCE * CHECK_N) /* the look at our own include */

struct checking {
	struct command *c;
	struct looks *looks;
	struct redis *redis;   /* NULL: not asked for tokens */
	struct look_wish wish; /* what is the same for all */
	struct key key;	       /* given by the options */
	uint32_t only;	       /* checks asked for; 0 = what can be judged */
	size_t under_way;
	size_t ours_n; /* addresses behind our include */
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

/* --- tokens --------------------------------------------------------------- */

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

/* The worst of what must be right; dmarc counts when it is all there is. */
static enum exit_word
exit_of_all(const struct checked *one)
{
	static const enum exit_word order[] = {
	    EXIT_BUG, EXIT_NEGATIVE, EXIT_NO_ANSWER};
	uint32_t checks = one->checks & ~(1u << CHECK_DMARC);

	checks = checks != 0 ? checks : one->checks;
	for (size_t o = 0; o < ARRAY_LEN(order); o++) {
		for (unsigned c = 0; c < CHECK_N; c++) {
			if ((checks & 1u << c) != 0 &&
			    exit_of(&one->found[c]) == order[o])
				return order[o];
		}
	}
	return EXIT_GOOD;
}

static enum shield
shield_of(enum exit_word code)
{
	switch (code) {
	case EXIT_GOOD:
		return SHIELD_GREEN;
	case EXIT_NEGATIVE:
		return SHIELD_RED;
	default: /* the exit codes of no answer */
		return SHIELD_AMBER;
	}
}

/* A finding as the workers write it; here the reason stands beside it, whether
 * or not there is one. */
static void
json_finding(struct writer *w, const char *domain, const struct finding *f)
{
	message_finding(w, domain, f, clock_wall_ms());
	if (w->bad || w->len == 0)
		return;
	w->len--; /* its bracket */
	json_key_text(w, "reason", code_name(f->code));
	json_raw(w, "}");
}

static void
put_json(const struct checked *one, enum exit_word code)
{
	static char line[2 * MESSAGE_OUT_MAX];
	struct writer w;

	writer_init(&w, line, sizeof(line));
	json_raw(&w, "{");
	json_key_text(&w, "domain", one->domain);
	json_key_text(&w, "org", one->org);
	json_key_number(&w, "exit", (int64_t)code);
	json_key(&w, "status");
	json_raw(&w, "null");
	json_key_text(&w, "shield", shield_name(shield_of(code)));
	json_key(&w, "checks");
	json_raw(&w, "{");
	for (unsigned c = 0; c < CHECK_N; c++) {
		if ((one->checks & 1u << c) == 0)
			continue;
		json_key(&w, check_name((enum check)c));
		json_finding(&w, one->domain, &one->found[c]);
	}
	json_raw(&w, "}");
	json_key(&w, "job");
	json_raw(&w, "null");
	json_key_number(&w, "age_s", 0);
	json_raw(&w, "}");
	if (!w.bad)
		printf("%.*s\n", (int)w.len, line);
}

static void
put_text(const struct checking *k, const struct checked *one)
{
	struct report r = {.domain = one->domain,
	    .org = one->org,
	    .at = clock_wall_ms(),
	    .policy = &k->c->policy};

	for (unsigned c = 0; c < CHECK_N; c++) {
		if ((one->checks & 1u << c) != 0)
			r.found[c] = &one->found[c];
	}
	report_show(stdout, &r);
	if (!k->c->has_settings && k->only == 0)
		fputs("  Judged without a policy: what our own service wants "
		      "to be there (token, include,\n  key) is in the files "
		      "domainproofd.conf and policy.conf, named by --conf "
		      "FILE.\n\n",
		    stdout);
}

/* Without its addresses nobody's SPF can be judged against it. */
static void
on_ours(struct checking *k, const struct finding *f)
{
	const struct packet_addr *addr = looks_addresses(k->looks, &k->ours_n);

	k->under_way--;
	if (k->ours_n > ARRAY_LEN(k->wish.addresses))
		k->ours_n = ARRAY_LEN(k->wish.addresses);
	if (f->verdict == VERDICT_PASS) {
		for (size_t i = 0; i < k->ours_n; i++)
			k->wish.addresses[i] = addr[i];
		k->wish.addresses_n = k->ours_n;
		return;
	}
	fprintf(stderr,
	    "domainproof: our own include %s is broken: %s %s; tell the "
	    "operators\n",
	    k->wish.include, code_name(f->code), f->saw);
}

/* A token that we issued to the same organisation for another domain: the page
 * it was copied from was an old one. */
static void
find_stale_page(struct checking *k, struct checked *one)
{
	struct finding *f = &one->found[CHECK_OWNERSHIP];
	char text[FOUND_LEN_MAX + 1], token[TOKEN_TEXT_MAX + 1];
	char other[DNAME_TEXT_MAX + 1];

	if ((one->checks & 1u << CHECK_OWNERSHIP) == 0 || k->redis == NULL ||
	    f->code != CODE_TOKEN_OTHER || one->org[0] == '\0')
		return;
	for (size_t i = 0; i < f->found_n; i++) {
		memcpy(text, f->found[i].bytes, f->found[i].len);
		text[f->found[i].len] = '\0';
		if (!take_token(text, token) ||
		    strlen(token) != TOKEN_TEXT_MAX ||
		    !view_token_of(k->redis, one->org, token, other))
			continue;
		f->code = CODE_STALE_PAGE;
		snprintf(f->saw, sizeof(f->saw), "%.*s", SAW_MAX, other);
		return;
	}
}

static void
on_found(void *arg, uint64_t tag, const struct finding *f)
{
	struct checking *k = arg;
	struct checked *one = &k->one[tag / CHECK_N];
	enum exit_word code;

	if (tag == TAG_OURS) {
		on_ours(k, f);
		return;
	}
	one->found[tag % CHECK_N] = *f;
	one->left &= ~(1u << tag % CHECK_N);
	if (one->left != 0)
		return;
	find_stale_page(k, one);
	code = exit_of_all(one);
	command_count(k->c, code);
	if (k->c->options.given[OPTION_JSON])
		put_json(one, code);
	else
		put_text(k, one);
	fflush(stdout);
	one->used = false;
	k->under_way--;
}

/* --- what is looked for --------------------------------------------------- */

/* The value of the key's record that the claim is to publish, NULL if none. */
static const char *
key_record(const struct claim_view *v)
{
	const struct document *one;

	for (size_t i = 0; (one = document_at(v->doc, "records", i)) != NULL;
	     i++) {
		const char *of = document_text(one, "check");

		if (of != NULL && strcmp(of, check_name(CHECK_DKIM)) == 0)
			return document_text(one, "value");
	}
	return NULL;
}

/* "v=DKIM1; k=rsa; p=...", as the claim says that it is to be published. */
static void
take_key(struct key *key, const char *selector, const char *value)
{
	const struct tag *k, *p;
	struct tags tags;
	enum dkim_type type = DKIM_RSA;

	if (selector == NULL || value == NULL || !dkim_selector_ok(selector))
		return;
	tags_read(&tags, (const uint8_t *)value, strlen(value));
	k = tags_find(&tags, "k");
	p = tags_find(&tags, "p");
	if (k != NULL && tag_is(&tags, k, dkim_type_name(DKIM_ED25519)))
		type = DKIM_ED25519;
	if (p == NULL ||
	    dkim_public_from_p(&key->key, type, tags.bytes + p->value_at,
		p->value_len, NULL) != DKIM_OK)
		return;
	snprintf(key->selector, sizeof(key->selector), "%s", selector);
	key->known = true;
}

/* The claim's own, if Redis has it; says so if it can't be asked, once. */
static void
ask_claim(struct checking *k, const struct job_request *q,
    struct look_wish *wish, struct key *key)
{
	struct claim_view v;
	const char *value;
	struct err e;

	if (k->redis == NULL || q->org[0] == '\0')
		return;
	if (view_claim(k->redis, q->org, q->domain, &v, &e) != OK) {
		fprintf(stderr, "domainproof: %s; judged without a token\n",
		    e.text);
		redis_close(k->redis);
		k->redis = NULL;
	} else if (v.doc != NULL) {
		value = document_text(v.doc, "record.value");
		if (value != NULL && wish->token[0] == '\0' &&
		    !take_token(value, wish->token))
			wish->token[0] = '\0';
		if (key->selector[0] == '\0')
			take_key(key,
			    document_text(v.doc, "functions.dkim.selector"),
			    key_record(&v));
	}
	view_claim_free(&v);
}

/* --- asking --------------------------------------------------------------- */

static size_t
free_place(const struct checking *k)
{
	size_t i = 0;

	while (k->one[i].used)
		i++;
	return i;
}

/* What can be judged with what is known. */
static uint32_t
checks_of(const struct checking *k, const struct job_request *q,
    const struct look_wish *wish, const struct key *key)
{
	uint32_t checks = 1u << CHECK_SPF | 1u << CHECK_DMARC;

	if (k->only != 0)
		return k->only;
	if (wish->token[0] != '\0' || q->org[0] != '\0' ||
	    k->c->options.given[OPTION_SERVICE])
		checks |= 1u << CHECK_OWNERSHIP;
	if (key->selector[0] != '\0')
		checks |= 1u << CHECK_DKIM;
	return checks;
}

static bool
make_names(const struct checking *k, struct look_wish *wish,
    const struct job_request *q)
{
	struct domain_facts facts;

	idna_facts(q->domain, &facts);
	if (dname_from_text(&wish->domain, q->domain, NULL) != DNAME_OK ||
	    dname_from_text(&wish->registrable,
		facts.registrable[0] != '\0' ? facts.registrable : q->domain,
		NULL) != DNAME_OK)
		return false;
	if (!policy_mail_from(&wish->mail_from, &k->c->policy, &wish->domain))
		wish->mail_from.len = 0;
	return true;
}

/* What could not be begun is not told. */
static enum next
begin_one(struct checking *k, size_t place, const struct look_wish *wish,
    struct err *e)
{
	struct checked *one = &k->one[place];
	uint32_t begun = 0;
	enum next next = OK;

	for (unsigned c = 0; next == OK && c < CHECK_N; c++) {
		struct look_wish w = *wish;

		if ((one->checks & 1u << c) == 0)
			continue;
		w.check = (enum check)c;
		next = looks_begin(
		    k->looks, &w, one->domain, place * CHECK_N + c, e);
		begun |= next == OK ? 1u << c : 0;
	}
	one->checks = one->left = begun;
	one->used = begun != 0;
	k->under_way += one->used;
	return next;
}

static enum next
begin(struct checking *k, const struct job_request *q, struct err *e)
{
	struct look_wish wish = k->wish;
	struct key key = k->key;
	size_t place = free_place(k);
	struct checked *one = &k->one[place];

	if (!make_names(k, &wish, q)) {
		err_set(e, "is no name");
		return REJECT;
	}
	ask_claim(k, q, &wish, &key);
	memcpy(one->org, q->org, sizeof(q->org));
	memcpy(one->domain, q->domain, sizeof(q->domain));
	one->checks = one->left = checks_of(k, q, &wish, &key);
	if ((one->checks & 1u << CHECK_DKIM) != 0 && key.selector[0] == '\0') {
		err_set(e, "dkim wants --selector S: no key of it is known");
		return REJECT;
	}
	wish.selector = key.selector;
	wish.key = key.known ? &key.key : NULL;
	wish.signs = key.selector[0] != '\0';
	return begin_one(k, place, &wish, e);
}

static void
serve_until(struct checking *k, size_t under_way)
{
	while (k->under_way > under_way && !command_interrupted())
		(void)looks_serve(k->looks, SERVE_MS, -1);
}

/* Which addresses must pass: found by following our include. */
static void
ask_ours(struct checking *k)
{
	struct look_wish wish = k->wish;
	struct err e;

	if (wish.include[0] == '\0' || wish.addresses_n > 0 ||
	    (k->only != 0 && (k->only & 1u << CHECK_SPF) == 0))
		return;
	wish.check = CHECK_SPF;
	wish.ours = true;
	wish.assume = NULL;
	if (dname_from_text(&wish.domain, wish.include, NULL) != DNAME_OK)
		return;
	wish.registrable = wish.domain;
	if (looks_begin(k->looks, &wish, wish.include, TAG_OURS, &e) != OK)
		return;
	k->under_way++;
	serve_until(k, 0);
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

/* Which check a record is meant for, by how it begins; CHECK_N: none. */
static enum check
check_of(const char *record)
{
	static const struct {
		const char *head;
		enum check check;
	} heads[] = {
	    {"v=spf1", CHECK_SPF},
	    {"v=DKIM1", CHECK_DKIM},
	    {"k=", CHECK_DKIM},
	    {"p=", CHECK_DKIM},
	    {"v=DMARC1", CHECK_DMARC},
	    {"token=", CHECK_OWNERSHIP},
	};

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		if (strncasecmp(record, heads[i].head, strlen(heads[i].head)) ==
		    0)
			return heads[i].check;
	}
	return CHECK_N;
}

/* --record: judged by the check that is named, or that it is meant for. */
static bool
take_record(struct checking *k, const char *text)
{
	enum check check = check_of(text);

	for (unsigned c = 0; c < CHECK_N; c++) {
		if (k->only == 1u << c)
			check = (enum check)c;
	}
	if (check == CHECK_N) {
		command_fail(k->c, EXIT_USAGE,
		    "--record: for which check? say --only spf, dkim, dmarc "
		    "or ownership");
		return false;
	}
	k->only = 1u << check;
	/* the name does not matter to a record that is not published yet */
	if (k->key.selector[0] == '\0')
		snprintf(k->key.selector, sizeof(k->key.selector), "selector");
	k->wish.assume = (const uint8_t *)text;
	k->wish.assume_len = strlen(text);
	return true;
}

static bool
take_service(struct checking *k, const char *service)
{
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
	return true;
}

_Static_assert(SPF_ADDRESSES_MAX <= LOOK_ADDRESSES_MAX, "all fit into a wish");

static void
take_policy(struct checking *k)
{
	const struct policy *p = &k->c->policy;
	const struct settings *s = &k->c->settings;

	k->wish = (struct look_wish){
	    .order = LOOK_SERVERS_FIRST,
	    .explain = true,
	    .apex_ok = p->apex == APEX_ACCEPT,
	    .authoritative = s->dns.authoritative,
	    .private_ok = s->dns.private_ok,
	    .only = k->c->options.given[OPTION_RESOLVER],
	    .wall_s = clock_wall_ms() / 1000,
	    .seed = (uint32_t)clock_wall_ms(),
	    .addresses_n = p->spf_addresses_n,
	};
	memcpy(k->wish.include, p->spf_include, sizeof(k->wish.include));
	memcpy(k->wish.addresses, p->spf_addresses, sizeof(p->spf_addresses));
}

static bool
make_wish(struct checking *k)
{
	const struct options *o = &k->c->options;

	take_policy(k);
	if (o->given[OPTION_ONLY] &&
	    !option_checks(o->text[OPTION_ONLY], &k->only)) {
		command_fail(k->c, EXIT_USAGE,
		    "--only '%.80s': a list of ownership, spf, dkim, dmarc is "
		    "wanted",
		    o->text[OPTION_ONLY]);
		return false;
	}
	if (!take_service(k, o->text[OPTION_SERVICE]) ||
	    !command_key(k->c, k->key.selector, &k->key.key))
		return false;
	k->key.known = o->given[OPTION_PUBLIC_KEY];
	if ((k->only & 1u << CHECK_DKIM) != 0 && k->key.selector[0] == '\0' &&
	    command_org(k->c)[0] == '\0' && !o->given[OPTION_RECORD]) {
		command_fail(k->c, EXIT_USAGE,
		    "--only dkim wants --selector S, or an organisation whose "
		    "claim has a key");
		return false;
	}
	if (o->given[OPTION_TOKEN] &&
	    !take_token(o->text[OPTION_TOKEN], k->wish.token)) {
		command_fail(k->c, EXIT_USAGE,
		    "--token wants the token, at most %d octets",
		    TOKEN_TEXT_MAX);
		return false;
	}
	return !o->given[OPTION_RECORD] ||
	       take_record(k, o->text[OPTION_RECORD]);
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
		ask_ours(k);
		check_each(k, in);
		serve_until(k, 0);
	}
	input_close(in);
	redis_close(k->redis);
	looks_close(k->looks);
}

/* --- check_host() --------------------------------------------------------- */

static void
host_json(const char *domain, const struct check_host *h, enum exit_word code)
{
	char line[8192];
	struct writer w;

	writer_init(&w, line, sizeof(line));
	json_raw(&w, "{");
	json_key_text(&w, "domain", domain);
	json_key_number(&w, "exit", (int64_t)code);
	json_key(&w, "checks");
	json_raw(&w, "{\"spf\":{\"check_host\":{");
	json_key_text(&w, "result", spf_result_name(h->result));
	json_key(&w, "explanation");
	if (h->has_explanation)
		json_bytes(&w, (const uint8_t *)h->explanation,
		    strlen(h->explanation));
	else
		json_raw(&w, "null");
	json_key_number(&w, "lookups", h->lookups);
	json_key_number(&w, "voids", h->voids);
	json_key_text(&w, "why", h->why);
	json_raw(&w, "}}}}");
	if (!w.bad)
		printf("%.*s\n", (int)w.len, line);
}

static void
host_text(const struct check_host *h)
{
	char shown[sizeof(h->explanation) * 4];

	printf("%s", spf_result_name(h->result));
	if (h->why[0] != '\0')
		printf(" (%s)", h->why);
	printf("  %u of %d lookups, %u of %d void\n", h->lookups,
	    SPF_LOOKUPS_MAX, h->voids, SPF_VOIDS_MAX);
	if (!h->has_explanation)
		return;
	show_line(h->explanation, shown, sizeof(shown));
	printf("  %s\n", shown);
}

static enum exit_word
host_exit(const struct check_host *h)
{
	switch (h->result) {
	case SPF_RESULT_PASS:
		return EXIT_GOOD;
	case SPF_RESULT_TEMPERROR:
		return EXIT_NO_ANSWER;
	case SPF_RESULT_NONE:
	case SPF_RESULT_NEUTRAL:
	case SPF_RESULT_FAIL:
	case SPF_RESULT_SOFTFAIL:
	case SPF_RESULT_PERMERROR:
		break;
	}
	return EXIT_NEGATIVE;
}

/* U-labels are asked for as A-labels (RFC 8616). text: a mailbox, or a name. */
static const char *
in_ascii(const char *text, char *out, size_t cap)
{
	const char *at = strrchr(text, '@');
	const char *name = at != NULL ? at + 1 : text;
	char canonical[DNAME_TEXT_MAX + 1];
	bool plain = true;
	struct err e;

	for (const char *c = name; *c != '\0'; c++)
		plain = plain && (unsigned char)*c < 0x80;
	if (plain || idna_canonical(name, strlen(name), canonical, &e) != OK)
		return text;
	snprintf(out, cap, "%.*s%s", (int)(name - text), text, canonical);
	return out;
}

/* Any domain may stand on the command line: the mailbox says which is asked. */
static int
run_check_host(struct command *c)
{
	const struct options *o = &c->options;
	struct spf_query q = {.mail_from = o->text[OPTION_MAIL_FROM],
	    .helo = o->text[OPTION_HELO],
	    .receiver = "",
	    .wall_s = clock_wall_ms() / 1000,
	    .mode = SPF_CHECK};
	char from[2 * MAILBOX_MAX], helo[2 * MAILBOX_MAX];
	struct asks_conf conf;
	struct check_host h;
	struct err e;
	uint16_t port = 0;

	if (!dns_addr_parse(o->text[OPTION_SPF_IP], &q.ip, &port) || port != 0)
		return command_fail(c, EXIT_USAGE,
		    "--spf-ip '%.80s': an IPv4 or IPv6 address is wanted",
		    o->text[OPTION_SPF_IP]);
	if (q.mail_from == NULL && q.helo == NULL)
		return command_fail(
		    c, EXIT_USAGE, "--spf-ip wants --mail-from or --helo");
	q.mail_from = q.mail_from != NULL
			  ? in_ascii(q.mail_from, from, sizeof(from))
			  : "";
	q.helo = q.helo != NULL ? in_ascii(q.helo, helo, sizeof(helo)) : "";
	if (looks_conf_asks(&conf, &c->settings, &e) != OK)
		return command_fail(c, EXIT_USAGE, "%s", e.text);
	if (check_host(&h, &conf, &q, o->text[OPTION_RECORD], &e) != OK)
		return command_fail(c, EXIT_DOWN, "%s", e.text);
	command_count(c, host_exit(&h));
	if (o->given[OPTION_JSON])
		host_json(o->args_n > 0 ? o->args[0] : "", &h, host_exit(&h));
	else
		host_text(&h);
	return c->worst;
}

int
cmd_check(struct command *c)
{
	const char *resolver = c->options.text[OPTION_RESOLVER];
	struct checking *k;

	if (!settings(c) || !command_names(c) ||
	    (resolver != NULL && !only_resolver(c, resolver)))
		return c->worst;
	if (c->options.given[OPTION_SPF_IP])
		return run_check_host(c);
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return command_fail(c, EXIT_BUG, "memory is out");
	k->c = c;
	check_all(k);
	free(k);
	return c->worst;
}
