/* SPDX-License-Identifier: Apache-2.0 */
/* Small worlds for looks: a world is a list of what each server says to each
 * question. A question that is not in it fails the test, so that every case
 * also proves what is never asked; but a server that the world has denies what
 * it is not told about, beside the record's own name: the usual wrong places.
 *
 * Every run also proves that our questions plant no denial: of a record that
 * is missing, the resolver is asked nothing that it must deny. */
#pragma once
#include "core/look.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN  "abcdefghijklmnopqrstuvwxyz234567"
#define RIGHT  "token=" TOKEN " expiry=never"
#define OTHER  "token=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz expiry=never"
#define D      "a.test"
#define REC    "_x-challenge.a.test"
#define TWICE  "_x-challenge.a.test.a.test"
#define NS_A   "ns-a.test"
#define NS_B   "ns-b.test"
#define IP_A   "9.9.9.1"
#define IP_B   "9.9.9.2"
#define IP_C   "9.9.9.3"
#define IP_TLD "9.9.0.1"
#define PUBLIC "" /* the resolver */
/* RFC 8463 appendix A.2, and RFC 8032 section 7.1 test 2 */
#define KEY_P	"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define OLD_P	"PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define INCLUDE "spf.us.test"
#define ROWS	24

enum { AA = 1, AD = 2, CD = 4, CHAIN_BAD = 8, BUDGET = 16 };
enum { APEX_OK = 1, FIRST = 2, ONLY = 4, TOLD = 8, NO_TOKEN = 16 };
enum { PRIVATE_OK = 32, TRUSTED = 64, SUBDOMAIN = 128 };
enum { EXPLAIN = 256, QUICK = 512 };

struct row {
	const char *at;	  /* address of a server, or PUBLIC */
	const char *name; /* NULL ends a list */
	enum rrtype type;
	enum outcome outcome;
	unsigned flags;	   /* CD: of the question */
	const char *data;  /* parted by '|'; '~' stands for a NUL octet */
	const char *chain; /* parted by '|' */
	const char *soa;
	uint32_t serial, neg_ttl_s, ttl_s;
	const char *cut, *ns, *glue; /* glue: "name=address|..." */
	unsigned ede;
	uint8_t rcode;
};

struct test {
	const char *title;
	unsigned wish;
	struct row world[ROWS];
	enum verdict verdict;
	enum code code;
	enum assurance assurance;
	const char *saw;   /* NULL = not looked at */
	size_t servers_n;  /* in the finding */
	const char *has;   /* names of servers that have it, in order */
	const char *found; /* first piece of evidence */
	uint32_t neg_ttl_s;
	uint32_t visible_in_s;
	bool delegated;
	/* of other checks */
	const char *publish; /* NULL = not looked at */
	const char *assume;
	enum code also; /* one that is among the remarks */
};

/* Rows that most worlds share. */
#define ZONE_AT(zone, names)                                                   \
	{                                                                      \
		PUBLIC, zone, RRTYPE_NS, .outcome = OUTCOME_RECORDS,           \
					 .data = names                         \
	}
#define ADDR(name, addr)                                                       \
	{                                                                      \
		PUBLIC, name, RRTYPE_A, .outcome = OUTCOME_RECORDS,            \
					.data = addr                           \
	}
#define TWO_SERVERS                                                            \
	ZONE_AT(D, NS_A "|" NS_B), ADDR(NS_A, IP_A), ADDR(NS_B, IP_B)
#define ONE_SERVER ZONE_AT(D, NS_A), ADDR(NS_A, IP_A)
#define HAS(ip, name)                                                          \
	{                                                                      \
		ip, name, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,          \
				      .data = RIGHT                            \
	}
#define LACKS(ip, name)                                                        \
	{                                                                      \
		ip, name, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, AA,         \
				      .soa = D, .serial = 7, .neg_ttl_s = 300  \
	}
#define FAILS(ip, name, how)                                                   \
	{                                                                      \
		ip, name, RRTYPE_TXT, .outcome = OUTCOME_##how                 \
	}
#define NOT_ELSEWHERE(ip)                                                      \
	LACKS(ip, TWICE),                                                      \
	{                                                                      \
		ip, D, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA, .soa = D     \
	}
#define SEEN(name)                                                             \
	{                                                                      \
		PUBLIC, name, RRTYPE_TXT, .outcome = OUTCOME_RECORDS,          \
					  .data = RIGHT                        \
	}
#define REFERS(ip, name, type, to, names, glued)                               \
	{                                                                      \
		ip, name, type, .outcome = OUTCOME_REFERRAL, .cut = to,        \
				.ns = names, .glue = glued                     \
	}

/* Right records of the other checks. */
#define KEY	 "s1._domainkey.a.test"
#define POLICY	 "_dmarc.a.test"
#define GOOD_KEY "v=DKIM1; k=ed25519; p=" KEY_P
#define OLD_KEY	 "v=DKIM1; k=ed25519; p=" OLD_P
#define GOOD_SPF "v=spf1 include:" INCLUDE " -all"
#define OUR_SPF	 "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"

#define TXT(ip, name, value)                                                   \
	{                                                                      \
		ip, name, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,          \
				      .data = value                            \
	}
#define OURS TXT(PUBLIC, INCLUDE, OUR_SPF)
#define SERIAL(ip, number)                                                     \
	{                                                                      \
		ip, D, RRTYPE_SOA, .outcome = OUTCOME_RECORDS, AA, .soa = D,   \
				   .serial = number                            \
	}
#define MADE_UP(ip, value)                                                     \
	{                                                                      \
		ip, "random." D, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,   \
					     .data = value                     \
	}

static uint8_t memory[LOOK_ARENA], answers_memory[1u << 20];
static struct arena arena, answers;

static void *
room(size_t n, size_t size)
{
	void *p = arena_alloc(&answers, n * size + 1);

	assert_non_null(p);
	memset(p, 0, n * size + 1);
	return p;
}

static struct dname
name_of(const char *text)
{
	struct dname name;

	assert_int_equal(dname_from_text(&name, text, NULL), DNAME_OK);
	return name;
}

static struct packet_addr
addr_of(const char *text)
{
	struct packet_addr addr = {.family = strchr(text, ':') ? 6 : 4};

	assert_int_equal(
	    inet_pton(addr.family == 6 ? AF_INET6 : AF_INET, text, addr.octets),
	    1);
	return addr;
}

/* The next piece of a list; *at moves behind it. NULL at the end. */
static const char *
piece(const char **at)
{
	size_t len;
	char *copy;

	if (*at == NULL || **at == '\0')
		return NULL;
	len = strcspn(*at, "|");
	copy = room(len + 1, 1);
	memcpy(copy, *at, len);
	*at += len + ((*at)[len] == '|');
	return copy;
}

static size_t
pieces(const char *list)
{
	size_t n = 0;

	while (piece(&list) != NULL)
		n++;
	return n;
}

static struct dname *
names_of(const char *list, size_t *n)
{
	struct dname *names = room(pieces(list), sizeof(*names));
	const char *text;

	for (*n = 0; (text = piece(&list)) != NULL; ++*n)
		names[*n] = name_of(text);
	return names;
}

static void
give_txt(struct answer *a, const char *list)
{
	const char *text;

	a->txt = room(pieces(list), sizeof(a->txt[0]));
	for (a->n = 0; (text = piece(&list)) != NULL; a->n++) {
		struct packet_txt *t = &a->txt[a->n];
		size_t len = strlen(text);
		char *bytes = room(len, 1);

		memcpy(bytes, text, len);
		t->nul = memchr(bytes, '~', len) != NULL;
		for (size_t i = 0; i < len; i++)
			bytes[i] = bytes[i] == '~' ? '\0' : bytes[i];
		t->bytes = (uint8_t *)bytes;
		t->len = len;
	}
}

static void
give_addr(struct answer *a, const char *list)
{
	const char *text;

	a->addr = room(pieces(list), sizeof(a->addr[0]));
	for (a->n = 0; (text = piece(&list)) != NULL; a->n++)
		a->addr[a->n] = addr_of(text);
}

static void
give_glue(struct answer *a, const char *list)
{
	const char *text;

	a->glue = room(pieces(list), sizeof(a->glue[0]));
	for (a->glue_n = 0; (text = piece(&list)) != NULL; a->glue_n++) {
		struct packet_glue *g = &a->glue[a->glue_n];
		char *equals = strchr(text, '=');

		*equals = '\0';
		g->owner = name_of(text);
		g->addr = addr_of(equals + 1);
	}
}

static void
give(struct answer *a, const struct row *r)
{
	size_t chain_n = 0;

	*a = (struct answer){.outcome = r->outcome,
	    .rcode = r->rcode,
	    .aa = (r->flags & AA) != 0,
	    .ad = (r->flags & AD) != 0,
	    .chain_bad = (r->flags & CHAIN_BAD) != 0,
	    .why = r->flags & BUDGET ? WHY_BUDGET : NULL,
	    .has_ede = r->ede != 0,
	    .ede = (uint16_t)r->ede,
	    .ttl_s = r->ttl_s,
	    .soa_serial = r->serial,
	    .neg_ttl_s = r->neg_ttl_s};
	a->chain = names_of(r->chain, &chain_n);
	a->chain_n = (uint8_t)chain_n;
	if (r->soa != NULL) {
		a->has_soa = true;
		a->soa_owner = name_of(r->soa);
	}
	if (r->cut != NULL)
		a->cut = name_of(r->cut);
	a->ns = names_of(r->ns, &a->ns_n);
	give_glue(a, r->glue);
	if (r->type == RRTYPE_TXT)
		give_txt(a, r->data);
	else if (r->type == RRTYPE_SOA)
		a->n = 1;
	else if (r->type == RRTYPE_NS || r->type == RRTYPE_MX ||
		 r->type == RRTYPE_CNAME)
		a->names = names_of(r->data, &a->n);
	else
		give_addr(a, r->data);
}

/* What was asked of the resolver in this run, and denied. */
static struct {
	char record[DNAME_SHOWN_MAX + 1];
	size_t asked; /* all questions */
	size_t denied_n;
	char denied[64][300];
} history;

static bool
has_server(const struct row *world, const char *at)
{
	char glued[64];

	snprintf(glued, sizeof(glued), "=%s", at);
	for (const struct row *r = world; r->name != NULL; r++) {
		if (strcmp(r->at, at) == 0 ||
		    (r->glue != NULL && strstr(r->glue, glued) != NULL))
			return true;
	}
	return false;
}

/* A label that the look made up is written as `random`. */
static void
show_name(const struct dname *name, char *out)
{
	char shown[DNAME_SHOWN_MAX + 1];

	dname_show(name, shown);
	if (name->wire[0] == 13 && name->wire[1] == 'w')
		snprintf(out, DNAME_SHOWN_MAX + 1, "random%.900s", shown + 13);
	else
		memcpy(out, shown, sizeof(shown));
}

static void
note(const struct look_ask *ask, const struct answer *a, const char *name)
{
	history.asked++;
	if (ask->target == LOOK_SERVER || ask->q.flags & QUESTION_CD ||
	    (a->outcome != OUTCOME_NODATA && a->outcome != OUTCOME_NXDOMAIN) ||
	    (a->outcome == OUTCOME_NODATA && ask->q.type != RRTYPE_TXT) ||
	    history.denied_n == ARRAY_LEN(history.denied))
		return;
	snprintf(history.denied[history.denied_n++], sizeof(history.denied[0]),
	    "%.290s", name);
}

static void
answer_one(struct answer *a, const struct look_ask *ask,
    const struct row *world, const struct look_wish *wish, const char *title)
{
	char name[DNAME_SHOWN_MAX + 1], at[46] = PUBLIC;
	bool server = ask->target == LOOK_SERVER;
	bool cd = (ask->q.flags & QUESTION_CD) != 0;

	show_name(&ask->q.name, name);
	if (server)
		packet_addr_show(&ask->addr, at);
	assert_int_equal((ask->q.flags & QUESTION_RD) != 0, !server);
	assert_true(!ask->shared || !(server || cd));
	for (const struct row *r = world; r->name != NULL; r++) {
		if (strcmp(r->at, at) == 0 && strcmp(r->name, name) == 0 &&
		    r->type == ask->q.type && ((r->flags & CD) != 0) == cd) {
			give(a, r);
			note(ask, a, name);
			return;
		}
	}
	if (strcmp(name, history.record) == 0 && ask->q.type == RRTYPE_TXT)
		server = false;
	else if (wish->only || !wish->authoritative)
		server = !cd;
	if (!server || !has_server(world, at))
		fail_msg("%s: nobody should ask %s for %s %u%s", title,
		    at[0] ? at : "the resolver", name, (unsigned)ask->q.type,
		    cd ? " unchecked" : "");
	*a = (struct answer){.outcome = OUTCOME_NXDOMAIN, .aa = true};
	note(ask, a, name);
}

/* Of a record that is missing nobody may learn from us that it is. */
static void
check_history(
    const struct look_wish *wish, const struct finding *f, const char *title)
{
	char domain[DNAME_SHOWN_MAX + 1];
	size_t len;

	if (wish->only || !wish->authoritative || wish->assume || wish->ours ||
	    wish->order == LOOK_PUBLIC_FIRST || f->code == CODE_NO_DOMAIN ||
	    f->code == CODE_NEGATIVE_CACHED || f->verdict == VERDICT_PASS)
		return;
	dname_show(&wish->registrable, domain);
	len = strlen(domain);
	for (size_t i = 0; i < history.denied_n; i++) {
		const char *name = history.denied[i];
		size_t name_len = strlen(name);

		if (strcmp(name, domain) == 0 ||
		    (name_len > len && name[name_len - len - 1] == '.' &&
			strcmp(name + name_len - len, domain) == 0))
			fail_msg("%s: plants a denial of %s", title, name);
	}
}

static struct dkim_public
key_of(enum dkim_type type, const char *p)
{
	struct dkim_public key;

	assert_int_equal(
	    dkim_public_from_p(&key, type, (const uint8_t *)p, strlen(p), NULL),
	    DKIM_OK);
	return key;
}

static struct look_wish
wish_of(unsigned bits)
{
	static struct dkim_public key, old;
	static struct dkim_known known = {.selector = "s0", .key = &old};
	struct look_wish w = {.domain = name_of(D),
	    .registrable = name_of(D),
	    .service = "x",
	    .token = TOKEN,
	    .order = bits & FIRST ? LOOK_PUBLIC_FIRST : LOOK_SERVERS_FIRST,
	    .apex_ok = (bits & APEX_OK) != 0,
	    .authoritative = (bits & TOLD) == 0,
	    .private_ok = (bits & PRIVATE_OK) != 0,
	    .trusted = (bits & TRUSTED) != 0,
	    .only = (bits & ONLY) != 0,
	    .explain = (bits & EXPLAIN) != 0,
	    .quick = (bits & QUICK) != 0,
	    .seed = 7,
	    .selector = "s1",
	    .key = &key,
	    .known = &known,
	    .known_n = 1,
	    .include = INCLUDE,
	    .addresses_n = 2,
	    .addresses = {addr_of("192.0.2.1"), addr_of("2001:db8::1")}};

	key = key_of(DKIM_ED25519, KEY_P);
	old = key_of(DKIM_ED25519, OLD_P);
	if (bits & NO_TOKEN) {
		w.token[0] = w.include[0] = '\0';
		w.addresses_n = 0;
		w.key = NULL;
	}
	if (bits & SUBDOMAIN)
		w.domain = name_of("b." D);
	return w;
}

static struct look *last; /* the one that was run */

/* False: the arena has no room for a look. */
static bool
begin_in(const struct look_wish *wish, size_t len)
{
	arena_init(&arena, memory, len);
	arena_init(&answers, answers_memory, sizeof(answers_memory));
	memset(memory, 0xa5, sizeof(memory));
	memset(&history, 0, sizeof(history));
	last = look_begin(wish, &arena);
	if (last == NULL)
		return false;
	snprintf(history.record, sizeof(history.record), "%s",
	    look_finding(last)->name);
	return true;
}

static void
begin(const struct look_wish *wish)
{
	assert_true(begin_in(wish, sizeof(memory)));
}

/* *rounds may be NULL. */
static const struct finding *
finish(const struct look_wish *wish, const struct row *world, const char *title,
    unsigned *rounds)
{
	struct answer got[LOOK_ASK_MAX];
	size_t n = 0;
	unsigned made = 0;

	while (look_step(last, got, n) == LOOK_ASK) {
		const struct look_ask *asks = look_asks(last, &n);

		assert_true(n > 0 && n <= LOOK_ASK_MAX);
		assert_true(++made <= LOOK_STEPS_MAX);
		for (size_t i = 0; i < n; i++)
			answer_one(&got[i], &asks[i], world, wish, title);
	}
	assert_int_equal(look_step(last, got, 0), LOOK_DONE);
	if (rounds != NULL)
		*rounds = made;
	check_history(wish, look_finding(last), title);
	return look_finding(last);
}

/* Runs a look to its end. */
static const struct finding *
run(const struct look_wish *wish, const struct row *world, const char *title,
    unsigned *rounds)
{
	begin(wish);
	return finish(wish, world, title, rounds);
}

static void
check_evidence(const struct test *t, const struct finding *f)
{
	char has[512] = "";

	for (size_t i = 0; i < f->servers_n; i++) {
		if (!f->servers[i].has)
			continue;
		strcat(has, has[0] != '\0' ? "|" : "");
		strcat(has, f->servers[i].name[0] != '\0' ? f->servers[i].name
							  : "resolver");
	}
	if (t->has != NULL && strcmp(t->has, has) != 0)
		fail_msg("%s: has it: %s", t->title, has);
	if (t->found == NULL)
		return;
	assert_true(f->found_n > 0);
	assert_int_equal(f->found[0].len, strlen(t->found));
	assert_memory_equal(f->found[0].bytes, t->found, f->found[0].len);
}

static void
check_test(const struct test *t, enum check check)
{
	struct look_wish wish = wish_of(t->wish);
	const struct finding *f;

	wish.check = check;
	wish.assume = (const uint8_t *)t->assume;
	wish.assume_len = t->assume != NULL ? strlen(t->assume) : 0;
	f = run(&wish, t->world, t->title, NULL);

	if (f->code != t->code || f->verdict != t->verdict)
		fail_msg("%s: %s %s, saw: %s", t->title,
		    verdict_name(f->verdict), code_name(f->code), f->saw);
	if (t->saw != NULL && strcmp(t->saw, f->saw) != 0)
		fail_msg("%s: saw: %s", t->title, f->saw);
	if (t->servers_n != f->servers_n)
		fail_msg("%s: %zu servers", t->title, f->servers_n);
	if (t->assurance != f->assurance || t->delegated != f->delegated ||
	    t->neg_ttl_s != f->neg_ttl_s || t->visible_in_s != f->visible_in_s)
		fail_msg("%s: %s, delegated %d, neg %u, visible %u", t->title,
		    assurance_name(f->assurance), f->delegated,
		    (unsigned)f->neg_ttl_s, (unsigned)f->visible_in_s);
	if (t->publish != NULL && strcmp(t->publish, f->publish) != 0)
		fail_msg("%s: publish: %s", t->title, f->publish);
	check_evidence(t, f);
	for (size_t i = 0; t->also != CODE_NONE; i++) {
		if (i == f->also_n)
			fail_msg("%s: does not say %s", t->title,
			    code_name(t->also));
		if (f->also[i] == t->also)
			break;
	}
}

#define PASS_BY(how)                                                           \
	.verdict = VERDICT_PASS, .code = CODE_NONE,                            \
	.assurance = ASSURANCE_##how, .saw = RIGHT, .found = RIGHT
#define ENDS(v, c) .verdict = VERDICT_##v, .code = CODE_##c

#define TABLE_TEST(table, check)                                               \
	static void table##_cases(void **state)                                \
	{                                                                      \
		(void)state;                                                   \
		for (size_t i = 0; i < ARRAY_LEN(table); i++)                  \
			check_test(&table[i], check);                          \
	}
