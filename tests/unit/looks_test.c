/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at a DNS of the test's own: one server is the resolver (when recursion
 * is desired) and the name server of all zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "io/clock.h"
#include "name_server.h"
#include "worker/looks.h"

#define TIMEOUT_MS 1500 /* this machine may be busy */
#define SHORT_MS   200	/* where silence is waited for */
#define LOOKS_MAX  3000
#define TOKEN	   "mzxw6ytboi4dqnrvgy3tqojqgezdgnbv"

static struct {
	struct looks *looks;
	unsigned found;
	uint8_t seen[LOOKS_MAX];
	unsigned under_way_max;
	struct finding last;
	char watched[RECORD_KEY_MAX + 1];
	unsigned watches, ends;
	unsigned trouble[3]; /* by enum asks_trouble_kind */
	bool all_silent;
	char told[64];
} t;

static void
on_trouble(void *arg, const struct asks_trouble *trouble)
{
	assert_null(arg);
	t.trouble[trouble->kind]++;
	t.all_silent = trouble->all;
	assert_true(trouble->n > 0 || trouble->kind == ASKS_RESOLVER_BACK);
	snprintf(t.told, sizeof(t.told), "%s", trouble->what);
}

static void
on_watch(void *arg, const char *subject)
{
	assert_null(arg);
	if (!subject) {
		t.ends++;
		return;
	}
	assert_int_equal(t.watches, t.ends); /* never one inside another */
	t.watches++;
	snprintf(t.watched, sizeof(t.watched), "%s", subject);
}

static void
on_found(void *arg, uint64_t tag, const struct finding *f)
{
	unsigned under_way =
	    (unsigned)(looks_n(t.looks) - looks_waiting(t.looks));

	assert_null(arg);
	assert_in_range(tag, 0, LOOKS_MAX - 1);
	t.seen[tag]++;
	t.found++;
	t.last = *f;
	if (under_way > t.under_way_max)
		t.under_way_max = under_way;
}

static struct looks_conf
conf_of(const struct ns *s)
{
	struct looks_conf c = {
	    .asks = {.timeout_ms = TIMEOUT_MS,
		.tries = 2,
		.port = s->port,
		.processes = 1,
		.resolvers_n = 1,
		.resolvers = {{.addr = ns_addr(), .port = s->port}}},
	    .at_once = 200,
	    .watch = on_watch,
	    .found = on_found,
	};

	return c;
}

static void
open_looks(const struct looks_conf *c)
{
	struct err e;

	memset(&t, 0, sizeof(t));
	assert_int_equal(looks_open(&t.looks, c, &e), OK);
}

static void
begin_look(const char *domain, uint64_t tag, bool authoritative)
{
	struct look_wish w = {.service = "example",
	    .token = TOKEN,
	    .authoritative = authoritative,
	    .private_ok = true,
	    .trusted = true};
	struct err e;

	assert_int_equal(dname_from_text(&w.domain, domain, NULL), DNAME_OK);
	w.registrable = w.domain;
	assert_int_equal(looks_begin(t.looks, &w, domain, tag, &e), OK);
}

static void
begin(const char *domain, uint64_t tag)
{
	begin_look(domain, tag, true);
}

/* Names of their own: what is under way already would be joined. */
static void
begin_numbered(unsigned i, uint64_t tag, bool authoritative)
{
	char domain[32];

	snprintf(domain, sizeof(domain), "n%u.test", i);
	begin_look(domain, tag, authoritative);
}

static void
serve_until(unsigned found)
{
	int64_t end = clock_mono_ms() + 8000;

	while (t.found < found && clock_mono_ms() < end)
		looks_serve(t.looks, 100, -1);
	assert_int_equal(t.found, found);
	assert_int_equal(looks_n(t.looks), 0);
	assert_int_equal(t.watches, t.ends);
}

static void
serve_ms(int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end)
		looks_serve(t.looks, 10, -1);
}

/* A name of its own below that domain. */
static void
begin_below(const char *registrable, unsigned i)
{
	struct look_wish w = {
	    .service = "example", .token = TOKEN, .trusted = true};
	char domain[64];
	struct err e;

	snprintf(domain, sizeof(domain), "n%u.%s", i, registrable);
	assert_int_equal(dname_from_text(&w.domain, domain, NULL), DNAME_OK);
	assert_int_equal(
	    dname_from_text(&w.registrable, registrable, NULL), DNAME_OK);
	assert_int_equal(looks_begin(t.looks, &w, domain, i, &e), OK);
}

static void
look_at(const char *domain)
{
	begin(domain, 0);
	serve_until(t.found + 1);
}

/* --- the DNS -------------------------------------------------------------- */

/* Every name has one server, ns.test at 127.0.0.1; this is the resolver. */
static size_t
resolver(const uint8_t *query, size_t len, uint8_t *out)
{
	static const uint8_t ns[] = "\2ns\4test";
	struct ns_reply r = ns_begin(out, query, len, 0x8080);

	if (ns_type(query, len) == RRTYPE_NS)
		ns_record(&r, 0, RRTYPE_NS, NS_OWNER, 2, ns, sizeof(ns));
	else if (ns_type(query, len) == RRTYPE_A)
		ns_record(&r, 0, RRTYPE_A, NS_OWNER, 2, "\x7f\0\0\1", 4);
	return r.len;
}

static struct ns_reply
token(uint8_t *out, const uint8_t *query, size_t len, unsigned flags)
{
	struct ns_reply r = ns_begin(out, query, len, flags);

	if (ns_label_is(query, "_example-challenge"))
		ns_txt(&r, "token=" TOKEN);
	return r;
}

static size_t
healthy(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	struct ns_reply r;

	(void)s;
	(void)via;
	if (ns_recursive(query) && ns_type(query, len) != RRTYPE_TXT)
		return resolver(query, len, out);
	r = token(out, query, len, ns_recursive(query) ? 0x8080 : 0x8400);
	return r.len;
}

/* The resolver sets AD. */
static size_t
with_ad(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	size_t n = healthy(s, via, query, len, out);

	out[3] |= 0x20;
	return n;
}

/* Over UDP each TXT answer is forged in one way or another. */
static size_t
forged(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	size_t n = healthy(s, via, query, len, out);

	if (via == NS_UDP && ns_type(query, len) == RRTYPE_TXT)
		out[2] &= 0x7f; /* QR */
	return n;
}

static size_t
always_forged(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	size_t n = healthy(s, via, query, len, out);

	if (ns_type(query, len) == RRTYPE_TXT)
		out[2] &= 0x7f;
	return n;
}

/* The right value, but it is another name's. */
static size_t
wrong_owner(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	static const uint8_t other[] = "\5other\4test";
	struct ns_reply r;

	if (ns_type(query, len) != RRTYPE_TXT)
		return healthy(s, via, query, len, out);
	r = ns_begin(out, query, len, ns_recursive(query) ? 0x8080 : 0x8400);
	ns_record(
	    &r, 0, RRTYPE_TXT, other, sizeof(other), "\x26token=" TOKEN, 39);
	return r.len;
}

/* Recursive questions are answered, the servers' are not. */
static size_t
silent_server(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	return ns_recursive(query) ? healthy(s, via, query, len, out) : 0;
}

static size_t
server_fails(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	if (ns_recursive(query))
		return healthy(s, via, query, len, out);
	return ns_begin(out, query, len, 0x8402).len;
}

static size_t
one_name_is_silent(struct ns *s, enum ns_via via, const uint8_t *query,
    size_t len, uint8_t *out)
{
	return query[12] ? 0 : healthy(s, via, query, len, out);
}

static size_t
silent(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	(void)s;
	(void)via;
	(void)query;
	(void)len;
	(void)out;
	return 0;
}

/* --- tests ---------------------------------------------------------------- */

static void
test_pass(void **state)
{
	struct ns s = {.reply = healthy};
	struct looks_conf c;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	open_looks(&c);
	look_at("good.test");
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	assert_int_equal(t.last.code, CODE_NONE);
	assert_string_equal(t.watched, "good.test");
	assert_true(t.watches > 3);
	looks_close(t.looks);
	ns_stop(&s);
}

static void
test_whose_ad_counts(void **state)
{
	struct ns s = {.reply = with_ad}, dead = {.reply = silent};
	struct looks_conf c;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	open_looks(&c);
	look_at("good.test");
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	assert_int_equal(t.last.assurance, ASSURANCE_SINGLE);
	looks_close(t.looks);

	c.asks.resolvers[0].trusted = true;
	open_looks(&c);
	look_at("good.test");
	assert_int_equal(t.last.assurance, ASSURANCE_DNSSEC);
	looks_close(t.looks);

	/* one is trusted, but it is another that answers */
	ns_start(&dead);
	c.asks.resolvers_n = 2;
	c.asks.resolvers[1] = c.asks.resolvers[0];
	c.asks.resolvers[1].trusted = false;
	c.asks.resolvers[0].port = dead.port;
	c.asks.timeout_ms = SHORT_MS;
	c.asks.tries = 1;
	open_looks(&c);
	look_at("good.test");
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	assert_int_equal(t.last.assurance, ASSURANCE_SINGLE);
	looks_close(t.looks);
	ns_stop(&dead);
	ns_stop(&s);
}

static void
test_shared_is_asked_once(void **state)
{
	struct ns s = {.reply = healthy};
	struct looks_conf c;
	char domain[32];

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	open_looks(&c);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(domain, sizeof(domain), "d%u.test", i);
		begin(domain, i);
	}
	serve_until(100);
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	assert_int_equal(s.asked_type[RRTYPE_NS], 100);
	assert_int_equal(s.asked_type[RRTYPE_A], 1); /* of ns.test */
	assert_int_equal(s.asked_type[RRTYPE_TXT], 200);
	looks_close(t.looks);
	ns_stop(&s);
}

static void
test_many_wait_their_turn(void **state)
{
	struct ns s = {.reply = healthy};
	struct looks_conf c;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	c.at_once = 7;
	open_looks(&c);
	for (unsigned i = 0; i < LOOKS_MAX; i++)
		begin("good.test", i);
	assert_int_equal(looks_waiting(t.looks), LOOKS_MAX);
	serve_until(LOOKS_MAX);
	assert_int_equal(t.under_way_max, 7);
	for (unsigned i = 0; i < LOOKS_MAX; i++)
		assert_int_equal(t.seen[i], 1);
	looks_close(t.looks);
	ns_stop(&s);
}

static void
test_forged_over_udp(void **state)
{
	struct ns s = {.reply = forged};
	struct looks_conf c;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	open_looks(&c);
	look_at("good.test");
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	assert_int_equal(s.asked[NS_TCP], 2);
	looks_close(t.looks);

	s.reply = always_forged;
	open_looks(&c);
	look_at("good.test");
	assert_int_equal(t.last.verdict, VERDICT_UNDECIDED);
	assert_int_equal(t.last.code, CODE_BAD_PACKET);
	looks_close(t.looks);
	ns_stop(&s);
}

static void
test_wrong_owner_never_passes(void **state)
{
	struct ns s = {.reply = wrong_owner};
	struct looks_conf c;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	open_looks(&c);
	for (unsigned i = 0; i < 50; i++) {
		begin("good.test", i);
		serve_until(i + 1);
		assert_int_not_equal(t.last.verdict, VERDICT_PASS);
	}
	looks_close(t.looks);
	ns_stop(&s);
}

static void
test_second_resolver(void **state)
{
	struct ns dead = {.reply = silent}, s = {.reply = healthy};
	struct looks_conf c;
	int64_t begun;

	(void)state;
	ns_start(&dead);
	ns_start(&s);
	c = conf_of(&s);
	c.asks.resolvers_n = 2;
	c.asks.resolvers[1] = c.asks.resolvers[0];
	c.asks.resolvers[0].port = dead.port;
	c.asks.timeout_ms = SHORT_MS;
	c.asks.tries = 1;
	open_looks(&c);
	look_at("good.test");
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	assert_int_equal(dead.asked[NS_UDP] - dead.asked_root, 1);
	begun = clock_mono_ms();
	look_at("other.test"); /* the one that answered is asked first now */
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	assert_int_equal(dead.asked[NS_UDP] - dead.asked_root, 1);
	assert_in_range(clock_mono_ms() - begun, 0, 2 * SHORT_MS);
	looks_close(t.looks);
	ns_stop(&s);
	ns_stop(&dead);
}

static void
test_no_resolver(void **state)
{
	struct ns s = {.reply = silent};
	struct looks_conf c;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	c.asks.resolvers_n = 0;
	c.asks.timeout_ms = SHORT_MS;
	c.asks.tries = 1;
	open_looks(&c);
	look_at("good.test");
	assert_int_equal(t.last.verdict, VERDICT_UNDECIDED);
	looks_close(t.looks);
	ns_stop(&s);
}

/* After eight silences in a row nobody waits for this server any more. */
static void
test_silent_server(void **state)
{
	struct ns s = {.reply = silent_server};
	struct looks_conf c;
	int64_t begun;
	unsigned asked;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	c.asks.timeout_ms = SHORT_MS;
	c.asks.tries = 1;
	open_looks(&c);
	for (unsigned i = 0; i < ASKS_SILENT_N; i++)
		begin_numbered(i, i, true);
	serve_until(ASKS_SILENT_N);
	assert_int_equal(t.last.verdict, VERDICT_UNDECIDED);
	assert_int_equal(t.last.code, CODE_TIMEOUT);
	begun = clock_mono_ms();
	asked = s.asked_type[RRTYPE_TXT];
	look_at("good.test");
	assert_int_equal(t.last.code, CODE_TIMEOUT);
	assert_in_range(clock_mono_ms() - begun, 0, 2 * SHORT_MS);
	assert_int_equal(s.asked_type[RRTYPE_TXT], asked);
	looks_close(t.looks);
	ns_stop(&s);
}

/* What may lie in a resolver's socket buffer is bounded, and so is what it
 * works on. */
static void
test_budget(void **state)
{
	struct ns s = {.reply = silent};
	int64_t begun, took;
	struct looks_conf c;
	unsigned asked;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	c.at_once = 1000;
	c.asks.processes = 4;
	c.asks.timeout_ms = 5000;
	open_looks(&c);
	for (unsigned i = 0; i < 1000; i++)
		begin_numbered(i, i, false);
	begun = clock_mono_ms();
	do {
		looks_serve(t.looks, 5, -1);
		asked = s.asked_type[RRTYPE_TXT];
		took = clock_mono_ms() - begun;
		assert_true(asked <= ASKS_FRESH_MAX / 4 *
					 (unsigned)(took / ASKS_FRESH_MS + 1));
	} while (asked < ASKS_RESOLVER_MAX / 4 && took < 4000);
	for (int i = 0; i < 2 * ASKS_FRESH_MS; i += 10)
		looks_serve(t.looks, 10, -1);
	assert_int_equal(s.asked_type[RRTYPE_TXT], ASKS_RESOLVER_MAX / 4);
	looks_close(t.looks);
	ns_stop(&s);
}

/* The same question of many looks is one packet; the answer is nobody's
 * afterwards. */
static void
test_own_questions_are_joined(void **state)
{
	struct ns s = {.reply = healthy};
	struct looks_conf c;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	open_looks(&c);
	for (unsigned i = 0; i < 100; i++)
		begin("good.test", i);
	serve_until(100);
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	/* one at the server, one at the resolver; or a few more of either
	 * when an answer came before all looks had asked */
	assert_in_range(s.asked_type[RRTYPE_TXT], 2, 20);
	look_at("good.test");
	assert_in_range(s.asked_type[RRTYPE_TXT], 4, 22);
	looks_close(t.looks);
	ns_stop(&s);
}

/* RFC 9520: it is not asked again within a second. */
static void
test_failures_are_kept(void **state)
{
	struct ns s = {.reply = server_fails};
	struct looks_conf c;
	unsigned asked;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	open_looks(&c);
	look_at("good.test");
	assert_int_equal(t.last.code, CODE_SERVFAIL);
	asked = s.asked_type[RRTYPE_TXT];
	look_at("good.test");
	assert_int_equal(t.last.code, CODE_SERVFAIL);
	assert_int_equal(s.asked_type[RRTYPE_TXT], asked);
	serve_ms(1100);
	s.reply = healthy;
	look_at("good.test");
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	looks_close(t.looks);
	ns_stop(&s);
}

/* A flood of looks at one domain leaves its servers and the others alone. */
static void
test_budget_of_a_domain(void **state)
{
	struct ns s = {.reply = healthy};
	struct looks_conf c;
	unsigned asked;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	c.asks.domain_per_minute = 60;
	c.asks.trouble = on_trouble;
	open_looks(&c);
	for (unsigned i = 0; i < 500; i++)
		begin_below("flood.test", i);
	looks_serve(t.looks, 0, -1);
	begin("good.test", 500);
	while (!t.seen[500])
		looks_serve(t.looks, 100, -1);
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	asked = s.asked_type[RRTYPE_TXT];
	assert_in_range(asked, 60, 60 + 2 + 5);
	assert_in_range(t.found, 400, 501);
	assert_int_equal(t.trouble[ASKS_DOMAIN_BUDGET], 1);
	assert_string_equal(t.told, "flood.test");
	looks_close(t.looks);
	ns_stop(&s);
}

/* Our resolver is dead, which no customer's server is to blame for. */
static void
test_resolver_is_silent(void **state)
{
	struct ns s = {.reply = silent};
	struct looks_conf c;
	char want[32];

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	c.asks.timeout_ms = SHORT_MS;
	c.asks.tries = 1;
	c.asks.trouble = on_trouble;
	open_looks(&c);
	for (unsigned i = 0; i < 3; i++) {
		begin_numbered(i, i, false);
		serve_until(i + 1);
		assert_int_equal(t.last.code, CODE_TIMEOUT);
	}
	serve_ms(3 * SHORT_MS);
	assert_int_equal(t.trouble[ASKS_RESOLVER_SILENT], 1);
	assert_true(t.all_silent);
	snprintf(want, sizeof(want), "127.0.0.1:%u", s.port);
	assert_string_equal(t.told, want);
	s.reply = healthy;
	begin_numbered(9, 9, false);
	serve_until(4);
	assert_int_equal(t.trouble[ASKS_RESOLVER_BACK], 1);
	assert_int_equal(t.trouble[ASKS_RESOLVER_SILENT], 1);
	looks_close(t.looks);
	ns_stop(&s);
}

/* One name that gets no answer is not the resolver's silence. */
static void
test_resolver_is_not_silent(void **state)
{
	struct ns s = {.reply = one_name_is_silent};
	struct looks_conf c;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	c.asks.timeout_ms = SHORT_MS;
	c.asks.tries = 1;
	c.asks.trouble = on_trouble;
	open_looks(&c);
	begin_look("good.test", 0, false);
	serve_until(1);
	assert_int_equal(t.last.code, CODE_TIMEOUT);
	serve_ms(3 * SHORT_MS);
	assert_int_equal(s.asked_root, 1);
	assert_int_equal(t.trouble[ASKS_RESOLVER_SILENT], 0);
	looks_close(t.looks);
	ns_stop(&s);
}

static void
test_close_under_way(void **state)
{
	struct ns s = {.reply = silent};
	struct looks_conf c;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	c.at_once = 10;
	open_looks(&c);
	for (unsigned i = 0; i < 20; i++)
		begin("good.test", i);
	looks_serve(t.looks, 0, -1);
	assert_int_equal(looks_n(t.looks), 20);
	assert_int_equal(looks_waiting(t.looks), 10);
	looks_close(t.looks);
	assert_int_equal(t.found, 0);
	ns_stop(&s);
}

static void
test_conf_asks(void **state)
{
	struct settings s = {.dns = {.resolvers_n = 2,
				 .resolvers = {"127.0.0.1", "[::1]:5353"},
				 .trusted = {true, false},
				 .port = 53,
				 .timeout_ms = 1000,
				 .tries = 3}};
	struct asks_conf c;
	struct err e;

	(void)state;
	assert_int_equal(looks_conf_asks(&c, &s, &e), OK);
	assert_int_equal(c.resolvers_n, 2);
	assert_int_equal(c.resolvers[0].addr.family, 4);
	assert_int_equal(c.resolvers[0].port, 53);
	assert_true(c.resolvers[0].trusted);
	assert_int_equal(c.resolvers[1].addr.family, 6);
	assert_int_equal(c.resolvers[1].port, 5353);
	assert_false(c.resolvers[1].trusted);
	assert_int_equal(c.timeout_ms, 1000);
	assert_int_equal(c.tries, 3);
	snprintf(s.dns.resolvers[1], sizeof(s.dns.resolvers[1]), "here");
	assert_int_equal(looks_conf_asks(&c, &s, &e), REJECT);
	assert_non_null(strstr(e.text, "\"here\""));
}

/* The time of a look is over long before that of its questions: it ends, and
 * answers that come later find nobody. */
static void
test_time_is_over(void **state)
{
	struct ns s = {.reply = silent};
	struct looks_conf c;
	int64_t began;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	c.asks.timeout_ms = 700;
	c.asks.tries = 1;
	c.time_max_ms = 150;
	open_looks(&c);
	began = clock_mono_ms();
	for (unsigned i = 0; i < 20; i++)
		begin_numbered(i, i, false);
	serve_until(20);
	assert_in_range(clock_mono_ms() - began, 140, 600);
	assert_int_equal(t.last.verdict, VERDICT_UNDECIDED);
	assert_int_equal(t.last.code, CODE_TIMEOUT);
	serve_ms(900);
	assert_int_equal(t.found, 20);
	begin_numbered(30, 30, false);
	looks_close(t.looks);
	ns_stop(&s);
}

/* What a wish points to is the caller's again when looks_begin returns. */
static size_t
one_key(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	struct ns_reply r = ns_begin(out, query, len, 0x8080);

	(void)s;
	(void)via;
	if (ns_label_is(query, "s1"))
		ns_txt(&r, "v=DKIM1; k=ed25519; "
			   "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
	return r.len;
}

static void
test_wish_is_copied(void **state)
{
	static const char p[] = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
	struct ns s = {.reply = one_key};
	struct looks_conf c;
	struct dkim_public key;
	char selector[] = "s1";
	struct dkim_known known[2] = {{.selector = selector, .key = &key},
	    {.selector = selector, .key = &key}};
	struct look_wish w = {.check = CHECK_DKIM,
	    .selector = selector,
	    .key = &key,
	    .known = known,
	    .known_n = 2};
	struct err e;

	(void)state;
	ns_start(&s);
	c = conf_of(&s);
	open_looks(&c);
	assert_int_equal(dkim_public_from_p(&key, DKIM_ED25519,
			     (const uint8_t *)p, sizeof(p) - 1, NULL),
	    DKIM_OK);
	assert_int_equal(dname_from_text(&w.domain, "a.test", NULL), DNAME_OK);
	w.registrable = w.domain;
	assert_int_equal(looks_begin(t.looks, &w, "x", 0, &e), OK);
	memset(&key, 0, sizeof(key));
	memset(selector, 'x', sizeof(selector) - 1);
	memset(known, 0, sizeof(known));
	serve_until(1);
	assert_int_equal(t.last.check, CHECK_DKIM);
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	looks_close(t.looks);
	ns_stop(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_time_is_over),
	    cmocka_unit_test(test_wish_is_copied),
	    cmocka_unit_test(test_pass),
	    cmocka_unit_test(test_whose_ad_counts),
	    cmocka_unit_test(test_shared_is_asked_once),
	    cmocka_unit_test(test_many_wait_their_turn),
	    cmocka_unit_test(test_forged_over_udp),
	    cmocka_unit_test(test_wrong_owner_never_passes),
	    cmocka_unit_test(test_second_resolver),
	    cmocka_unit_test(test_no_resolver),
	    cmocka_unit_test(test_silent_server),
	    cmocka_unit_test(test_budget),
	    cmocka_unit_test(test_own_questions_are_joined),
	    cmocka_unit_test(test_failures_are_kept),
	    cmocka_unit_test(test_budget_of_a_domain),
	    cmocka_unit_test(test_resolver_is_silent),
	    cmocka_unit_test(test_resolver_is_not_silent),
	    cmocka_unit_test(test_close_under_way),
	    cmocka_unit_test(test_conf_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
