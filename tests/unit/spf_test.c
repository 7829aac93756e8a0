/* SPDX-License-Identifier: Apache-2.0 */
/* check_host() case by case; the first column is the section of RFC 7208. What
 * the suite of the RFC asks (tests/spf) is not asked again, unless to see
 * which term decided and what was looked up. */
#include "spf_zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint8_t memory[256 * 1024];
static struct arena arena;

static struct spf *
begin(enum spf_mode mode, const char *ip, const char *from, const char *helo)
{
	struct spf_query q = {.ip = spf_zone_addr(ip),
	    .mail_from = from,
	    .helo = helo,
	    .receiver = "",
	    .wall_s = 1700000000,
	    .mode = mode};
	struct spf *s;

	arena_init(&arena, memory, sizeof(memory));
	s = spf_begin(&q, &arena);
	assert_non_null(s);
	return s;
}

static const struct spf_verdict *
evaluate(enum spf_mode mode, const char *zone, const char *ip)
{
	struct spf *s = begin(mode, ip, "user@d.test", "mx.helo.test");

	spf_zone_run(s, zone, NULL, 0);
	return spf_verdict(s);
}

static const char *
place(const struct spf_place *p)
{
	static char out[400];

	if (p->domain == NULL)
		return "-";
	snprintf(out, sizeof(out), "%s %.*s", p->domain, p->term.len,
	    p->term.len > 0 ? (const char *)p->record + p->term.at : "");
	return out;
}

struct row {
	const char *section;
	const char *zone;
	enum spf_result result;
	const char *by; /* the term that decided, or of the problem */
	unsigned lookups, voids;
};

#define IP "192.0.2.1"

static void
run(const struct row *rows, size_t n, const char *ip)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		const struct spf_verdict *v = evaluate(SPF_CHECK, r->zone, ip);
		bool error = v->problem != SPF_FINE;
		const char *by = place(error ? &v->where : &v->by);

		if (v->result != r->result || strcmp(by, r->by) != 0 ||
		    v->lookups != r->lookups || v->voids != r->voids)
			fail_msg("%s: row %zu: %s by \"%s\" (%u, %u), not %s "
				 "by \"%s\" (%u, %u)",
			    r->section, i, spf_result_name(v->result), by,
			    v->lookups, v->voids, spf_result_name(r->result),
			    r->by, r->lookups, r->voids);
		if (error != (v->result == SPF_RESULT_NONE ||
				 v->result == SPF_RESULT_TEMPERROR ||
				 v->result == SPF_RESULT_PERMERROR))
			fail_msg("row %zu: problem and result", i);
	}
}

#define NONE	  SPF_RESULT_NONE
#define NEUTRAL	  SPF_RESULT_NEUTRAL
#define PASS	  SPF_RESULT_PASS
#define FAIL	  SPF_RESULT_FAIL
#define SOFTFAIL  SPF_RESULT_SOFTFAIL
#define TEMPERROR SPF_RESULT_TEMPERROR
#define PERMERROR SPF_RESULT_PERMERROR

static void
test_records(void **state)
{
	static const struct row rows[] = {
	    {"4.3", "", NONE, "d.test ", 0, 0},
	    {"4.4", "d.test A 192.0.2.1", NONE, "d.test ", 0, 0},
	    {"4.4", "d.test TXT !servfail", TEMPERROR, "d.test ", 0, 0},
	    {"4.4", "d.test TXT !timeout", TEMPERROR, "d.test ", 0, 0},
	    {"4.4", "d.test TXT !refused", TEMPERROR, "d.test ", 0, 0},
	    {"4.4", "d.test TXT !malformed", TEMPERROR, "d.test ", 0, 0},
	    {"4.4", "d.test TXT !lame", TEMPERROR, "d.test ", 0, 0},
	    {"4.4", "d.test TXT !rcode", TEMPERROR, "d.test ", 0, 0},
	    {"4.4", "d.test TXT !referral", TEMPERROR, "d.test ", 0, 0},
	    {"4.5", "d.test TXT other\nd.test TXT v=spf10 -all", NONE,
		"d.test ", 0, 0},
	    {"4.5", "d.test TXT v=spf1 -all\nd.test TXT v=spf1 -all", PERMERROR,
		"d.test ", 0, 0},
	    {"4.6", "d.test TXT v=spf1 +all moo", PERMERROR, "d.test moo", 0,
		0},
	    {"4.6.2", "d.test TXT v=spf1 ip4:192.0.2.2 ~ip4:192.0.2.0/24 -all",
		SOFTFAIL, "d.test ~ip4:192.0.2.0/24", 0, 0},
	    {"4.6.2", "d.test TXT v=spf1 ?all", NEUTRAL, "d.test ?all", 0, 0},
	    {"4.7", "d.test TXT v=spf1", NEUTRAL, "-", 0, 0},
	    {"5.1", "d.test TXT v=spf1 -all redirect=e.test", FAIL,
		"d.test -all", 0, 0},
	    {"5.1", "d.test TXT v=spf1 redirect=e.test -all a", FAIL,
		"d.test -all", 0, 0},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), IP);
}

static void
test_includes(void **state)
{
	static const struct row rows[] = {
	    {"5.2",
		"d.test TXT v=spf1 include:e.test -all\n"
		"e.test TXT v=spf1 ip4:192.0.2.1 -all",
		PASS, "e.test ip4:192.0.2.1", 1, 0},
	    {"5.2",
		"d.test TXT v=spf1 ~include:e.test -all\n"
		"e.test TXT v=spf1 ip4:192.0.2.1 -all",
		SOFTFAIL, "e.test ip4:192.0.2.1", 1, 0},
	    {"5.2",
		"d.test TXT v=spf1 include:e.test ?all\n"
		"e.test TXT v=spf1 -ip4:192.0.2.1 +all",
		NEUTRAL, "d.test ?all", 1, 0},
	    {"5.2", "d.test TXT v=spf1 include:e.test\ne.test TXT v=spf1 -all",
		NEUTRAL, "-", 1, 0},
	    {"5.2",
		"d.test TXT v=spf1 include:e.test ip4:192.0.2.1\n"
		"e.test TXT v=spf1 ?all",
		PASS, "d.test ip4:192.0.2.1", 1, 0},
	    {"5.2", "d.test TXT v=spf1 include:e.test +all", PERMERROR,
		"d.test include:e.test", 1, 0},
	    {"5.2", "d.test TXT v=spf1 include:e.test +all\ne.test TXT other",
		PERMERROR, "d.test include:e.test", 1, 0},
	    {"5.2",
		"d.test TXT v=spf1 include:e.test +all\n"
		"e.test TXT !servfail",
		TEMPERROR, "d.test include:e.test", 1, 0},
	    {"5.2",
		"d.test TXT v=spf1 include:e.test +all\n"
		"e.test TXT v=spf1 a:f.test\nf.test A !timeout",
		TEMPERROR, "e.test a:f.test", 2, 0},
	    {"5.2",
		"d.test TXT v=spf1 include:e.test +all\n"
		"e.test TXT v=spf1 ip4",
		PERMERROR, "e.test ip4", 1, 0},
	    {"5.2",
		"d.test TXT v=spf1 include:e.test +all\n"
		"e.test TXT v=spf1\ne.test TXT v=spf1",
		PERMERROR, "e.test ", 1, 0},
	    {"5.2", "d.test TXT v=spf1 include:%{o1} +all", PERMERROR,
		"d.test include:%{o1}", 1, 0},
	    {"6.1",
		"d.test TXT v=spf1 redirect=e.test a\n"
		"d.test A 192.0.2.1",
		PASS, "d.test a", 1, 0},
	    {"6.1",
		"d.test TXT v=spf1 redirect=e.test\n"
		"e.test TXT v=spf1 ip4:192.0.2.1 -all",
		PASS, "e.test ip4:192.0.2.1", 1, 0},
	    {"6.1", "d.test TXT v=spf1 redirect=e.test\ne.test TXT v=spf1 a",
		NEUTRAL, "-", 2, 1},
	    {"6.1", "d.test TXT v=spf1 redirect=e.test", PERMERROR,
		"d.test redirect=e.test", 1, 0},
	    {"6.1", "d.test TXT v=spf1 redirect=%{o1}", PERMERROR,
		"d.test redirect=%{o1}", 1, 0},
	    {"6.1",
		"d.test TXT v=spf1 include:e.test -all\n"
		"e.test TXT v=spf1 redirect=f.test\n"
		"f.test TXT v=spf1 ip4:192.0.2.1",
		PASS, "f.test ip4:192.0.2.1", 2, 0},
	    {"6.1",
		"d.test TXT v=spf1 include:e.test ~all\n"
		"e.test TXT v=spf1 redirect=f.test\nf.test TXT v=spf1 -all",
		SOFTFAIL, "d.test ~all", 2, 0},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), IP);
}

static void
test_lookups(void **state)
{
	static const struct row rows[] = {
	    {"5.3",
		"d.test TXT v=spf1 a -all\nd.test A 192.0.2.9\n"
		"d.test A 192.0.2.1",
		PASS, "d.test a", 1, 0},
	    {"5.3", "d.test TXT v=spf1 a/24 -all\nd.test A 192.0.2.200", PASS,
		"d.test a/24", 1, 0},
	    {"5.3", "d.test TXT v=spf1 a/25 -all\nd.test A 192.0.2.200", FAIL,
		"d.test -all", 1, 0},
	    {"5.3", "d.test TXT v=spf1 a/31 -all\nd.test A 192.0.2.2", FAIL,
		"d.test -all", 1, 0},
	    {"5.3", "d.test TXT v=spf1 a//0 -all\nd.test A 192.0.2.2", FAIL,
		"d.test -all", 1, 0},
	    {"5.3", "d.test TXT v=spf1 a -all\nd.test A !refused", TEMPERROR,
		"d.test a", 1, 0},
	    {"4.8", "d.test TXT v=spf1 a:a..test -all", FAIL, "d.test -all", 1,
		0},
	    {"5.4",
		"d.test TXT v=spf1 mx -all\nd.test MX a.test\nd.test MX b.test"
		"\na.test A 192.0.2.2\nb.test A 192.0.2.1\nb.test A 192.0.2.3",
		PASS, "d.test mx", 1, 0},
	    {"5.4", "d.test TXT v=spf1 mx -all\nd.test A 192.0.2.1", FAIL,
		"d.test -all", 1, 1},
	    {"5.4", "d.test TXT v=spf1 mx -all\nd.test MX .", FAIL,
		"d.test -all", 1, 0},
	    {"5.4", "d.test TXT v=spf1 mx -all\nd.test MX !servfail", TEMPERROR,
		"d.test mx", 1, 0},
	    {"5.4",
		"d.test TXT v=spf1 mx -all\nd.test MX a.test\nd.test MX b.test"
		"\na.test A !timeout\nb.test A 192.0.2.1",
		TEMPERROR, "d.test mx", 1, 0},
	    {"5.4",
		"d.test TXT v=spf1 mx -all\nd.test MX b.test\nd.test MX a.test"
		"\na.test A !timeout\nb.test A 192.0.2.1",
		PASS, "d.test mx", 1, 0},
	    {"5.7",
		"d.test TXT v=spf1 exists:%{ir}.e.test -all\n"
		"1.2.0.192.e.test A 127.0.0.2",
		PASS, "d.test exists:%{ir}.e.test", 1, 0},
	    {"5.7", "d.test TXT v=spf1 exists:e.test -all\ne.test TXT x", FAIL,
		"d.test -all", 1, 1},
	    {"5.7", "d.test TXT v=spf1 exists:e.test -all\ne.test A !timeout",
		TEMPERROR, "d.test exists:e.test", 1, 0},
	    {"5.5",
		"d.test TXT v=spf1 ptr -all\n"
		"1.2.0.192.in-addr.arpa PTR x.d.test\nx.d.test A 192.0.2.1",
		PASS, "d.test ptr", 1, 0},
	    {"5.5",
		"d.test TXT v=spf1 ptr -all\n"
		"1.2.0.192.in-addr.arpa PTR x.d.test\nx.d.test A 192.0.2.2",
		FAIL, "d.test -all", 1, 0},
	    {"5.5",
		"d.test TXT v=spf1 ptr -all\n"
		"1.2.0.192.in-addr.arpa PTR xd.test\nxd.test A 192.0.2.1",
		FAIL, "d.test -all", 1, 0},
	    {"5.5",
		"d.test TXT v=spf1 ptr -all\n"
		"1.2.0.192.in-addr.arpa PTR !timeout",
		FAIL, "d.test -all", 1, 0},
	    {"5.5",
		"d.test TXT v=spf1 ptr -all\n"
		"1.2.0.192.in-addr.arpa PTR x.d.test\n"
		"1.2.0.192.in-addr.arpa PTR y.d.test\n"
		"x.d.test A !servfail\ny.d.test A 192.0.2.1",
		PASS, "d.test ptr", 1, 0},
	    {"5.5", "d.test TXT v=spf1 ptr ptr:e.test -all", FAIL,
		"d.test -all", 2, 2},
	    {"5.6", "d.test TXT v=spf1 ip6:::/0 -all", FAIL, "d.test -all", 0,
		0},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), IP);
	/* an IPv4 address in IPv6 is IPv4, section 5 */
	run(rows, ARRAY_LEN(rows), "::ffff:192.0.2.1");
}

static void
test_v6(void **state)
{
	static const struct row rows[] = {
	    {"5.3",
		"d.test TXT v=spf1 a -all\nd.test A 192.0.2.1\n"
		"d.test AAAA 2001:db8::1",
		PASS, "d.test a", 1, 0},
	    {"5.3",
		"d.test TXT v=spf1 a//33 -all\nd.test AAAA 2001:db8:8000::1",
		FAIL, "d.test -all", 1, 0},
	    {"5.3", "d.test TXT v=spf1 a/0 -all\nd.test AAAA 2001:db8::2", FAIL,
		"d.test -all", 1, 0},
	    {"5.6", "d.test TXT v=spf1 ip4:0.0.0.0/0 ip6:2001:db8::/32 -all",
		PASS, "d.test ip6:2001:db8::/32", 0, 0},
	    {"5.7", "d.test TXT v=spf1 exists:d.test -all\nd.test A 192.0.2.9",
		PASS, "d.test exists:d.test", 1, 0},
	    {"5.5",
		"d.test TXT v=spf1 ptr -all\n1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
		"0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR x.d.test\n"
		"x.d.test AAAA 2001:db8::1",
		PASS, "d.test ptr", 1, 0},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), "2001:db8::1");
}

#define A10                                                                    \
	"a:x.test a:x.test a:x.test a:x.test a:x.test "                        \
	"a:x.test a:x.test a:x.test a:x.test a:x.test"

static void
test_limits(void **state)
{
	static const struct row rows[] = {
	    {"4.6.4", "x.test A 192.0.2.9\nd.test TXT v=spf1 " A10 " ~all",
		SOFTFAIL, "d.test ~all", 10, 0},
	    /* the last one over, and nothing behind it */
	    {"4.6.4", "x.test A 192.0.2.9\nd.test TXT v=spf1 " A10 " mx",
		PERMERROR, "d.test mx", 10, 0},
	    {"4.6.4",
		"x.test A 192.0.2.9\nd.test TXT v=spf1 " A10
		" redirect=e.test\ne.test TXT v=spf1 +all",
		PERMERROR, "d.test redirect=e.test", 10, 0},
	    {"4.6.4",
		"x.test A 192.0.2.9\nd.test TXT v=spf1 include:e.test a:x.test "
		"-all\ne.test TXT v=spf1 " A10,
		PERMERROR, "e.test a:x.test", 10, 0},
	    /* what matches before the 11th is not in its way */
	    {"4.6.4",
		"x.test A 192.0.2.9\nd.test TXT v=spf1 " A10 " ip4:192.0.2.1 a",
		PASS, "d.test ip4:192.0.2.1", 10, 0},
	    {"4.6.4", "d.test TXT v=spf1 include:d.test", PERMERROR,
		"d.test include:d.test", 10, 0},
	    {"4.6.4", "d.test TXT v=spf1 redirect=d.test", PERMERROR,
		"d.test redirect=d.test", 10, 0},
	    {"4.6.4", "d.test TXT v=spf1 a:g.test mx:g.test +all", PASS,
		"d.test +all", 2, 2},
	    /* what %{p} costs */
	    {"4.6.4",
		"d.test TXT v=spf1 a:g.test mx:g.test exists:%{p}.x.test -all",
		PERMERROR, "d.test exists:%{p}.x.test", 3, 3},
	    {"4.6.4",
		"d.test TXT v=spf1 exists:%{p}.x.test exists:%{p}.y.test -all\n"
		"unknown.x.test TXT x\nunknown.y.test A 127.0.0.2",
		PASS, "d.test exists:%{p}.y.test", 2, 2},
	    {"4.6.4",
		"d.test TXT v=spf1 a:g.test mx:g.test exists:g.test "
		"+all",
		PERMERROR, "d.test exists:g.test", 3, 3},
	    {"4.6.4",
		"d.test TXT v=spf1 mx -all\nd.test MX 1a.test\n"
		"d.test MX 2a.test\nd.test MX 3a.test\nd.test MX 4a.test\n"
		"4a.test A 192.0.2.1",
		PERMERROR, "d.test mx", 1, 3},
	    {"4.6.4",
		"d.test TXT v=spf1 mx -all\nd.test MX a.test\nd.test MX a.test"
		"\nd.test MX a.test\nd.test MX a.test\nd.test MX a.test\n"
		"d.test MX a.test\nd.test MX a.test\nd.test MX a.test\n"
		"d.test MX a.test\nd.test MX a.test\na.test A 192.0.2.1",
		PASS, "d.test mx", 1, 0},
	    {"4.6.4",
		"d.test TXT v=spf1 mx -all\nd.test MX a.test\nd.test MX a.test"
		"\nd.test MX a.test\nd.test MX a.test\nd.test MX a.test\n"
		"d.test MX a.test\nd.test MX a.test\nd.test MX a.test\n"
		"d.test MX a.test\nd.test MX a.test\nd.test MX a.test\n"
		"a.test A 192.0.2.1",
		PERMERROR, "d.test mx", 1, 0},
	    /* only the first 10 names of an address */
	    {"4.6.4",
		"d.test TXT v=spf1 ptr -all\nx.test A 192.0.2.9\n"
		"y.d.test A 192.0.2.1\n"
		"1.2.0.192.in-addr.arpa PTR x.test\n"
		"1.2.0.192.in-addr.arpa PTR x.test\n"
		"1.2.0.192.in-addr.arpa PTR x.test\n"
		"1.2.0.192.in-addr.arpa PTR x.test\n"
		"1.2.0.192.in-addr.arpa PTR x.test\n"
		"1.2.0.192.in-addr.arpa PTR x.test\n"
		"1.2.0.192.in-addr.arpa PTR x.test\n"
		"1.2.0.192.in-addr.arpa PTR x.test\n"
		"1.2.0.192.in-addr.arpa PTR x.test\n"
		"1.2.0.192.in-addr.arpa PTR x.test\n"
		"1.2.0.192.in-addr.arpa PTR y.d.test",
		FAIL, "d.test -all", 1, 0},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), IP);
}

static void
test_asked(void **state)
{
	static const struct {
		const char *zone;
		const char *from, *ip;
		const char *want;
	} tests[] = {
	    {"d.test TXT v=spf1 a mx:e.test exists:%{l}.f.test -all\n"
	     "d.test A 192.0.2.2\ne.test MX m.test\nm.test A 192.0.2.3",
		"Us.er@D.test", IP,
		"TXT d.test, A d.test, MX e.test, A m.test, A us.er.f.test"},
	    /* only until it is decided */
	    {"d.test TXT v=spf1 ip4:192.0.2.1 a -all", "u@d.test", IP,
		"TXT d.test"},
	    {"d.test TXT v=spf1 a -all\nd.test AAAA 2001:db8::1", "u@d.test",
		"2001:db8::1", "TXT d.test, AAAA d.test"},
	    /* the empty sender: HELO, section 2.4 */
	    {"mx.helo.test TXT v=spf1 exists:%{l}.%{o}.test -all", "", IP,
		"TXT mx.helo.test, A postmaster.mx.helo.test.test"},
	    {"", "u@d.test.", IP, "TXT d.test"},
	    {"", "\"a@b\"@d.test", IP, "TXT d.test"},
	    {"", "d.test", IP, "TXT d.test"},
	    {"", "u@localhost", IP, ""},
	    {"", "u@[192.0.2.1]", IP, ""},
	    {"", "u@a..b", IP, ""},
	    {"", "u@", IP, ""},
	    /* %{p}: once, and before the term that has it */
	    {"d.test TXT v=spf1 exists:%{p}.a.test exists:%{p}.b.test -all\n"
	     "1.2.0.192.in-addr.arpa PTR x.d.test\nx.d.test A 192.0.2.1",
		"u@d.test", IP,
		"TXT d.test, PTR 1.2.0.192.in-addr.arpa, A x.d.test, "
		"A x.d.test.a.test, A x.d.test.b.test"},
	    /* which of its names: its own, below, any */
	    {"d.test TXT v=spf1 exists:%{p}.a.test -all\n"
	     "1.2.0.192.in-addr.arpa PTR o.test\n"
	     "1.2.0.192.in-addr.arpa PTR x.d.test\n"
	     "1.2.0.192.in-addr.arpa PTR d.test\n"
	     "o.test A 192.0.2.1\nx.d.test A 192.0.2.1\nd.test A 192.0.2.1",
		"u@d.test", IP,
		"TXT d.test, PTR 1.2.0.192.in-addr.arpa, A o.test, A x.d.test, "
		"A d.test, A d.test.a.test"},
	    {"d.test TXT v=spf1 exists:%{p}.a.test -all\n"
	     "1.2.0.192.in-addr.arpa PTR o.test\n"
	     "1.2.0.192.in-addr.arpa PTR x.d.test\n"
	     "o.test A 192.0.2.1\nx.d.test A 192.0.2.1",
		"u@d.test", IP,
		"TXT d.test, PTR 1.2.0.192.in-addr.arpa, A o.test, A x.d.test, "
		"A x.d.test.a.test"},
	    {"d.test TXT v=spf1 exists:%{p}.a.test -all\n"
	     "1.2.0.192.in-addr.arpa PTR x.d.test\n"
	     "1.2.0.192.in-addr.arpa PTR y.d.test\n"
	     "1.2.0.192.in-addr.arpa PTR o.test\n"
	     "o.test A 192.0.2.1\nx.d.test A 192.0.2.1\ny.d.test A 192.0.2.1",
		"u@d.test", IP,
		"TXT d.test, PTR 1.2.0.192.in-addr.arpa, A x.d.test, A "
		"y.d.test, "
		"A o.test, A x.d.test.a.test"},
	    /* addresses that lead to no names at all */
	    {"d.test TXT v=spf1 ptr exists:%{p}.a.test -all\n"
	     "1.2.0.192.in-addr.arpa PTR .",
		"u@d.test", IP,
		"TXT d.test, PTR 1.2.0.192.in-addr.arpa, A unknown.a.test"},
	    {"d.test TXT v=spf1 exists:%{p}.a.test -all", "u@d.test", IP,
		"TXT d.test, PTR 1.2.0.192.in-addr.arpa, A unknown.a.test"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct spf *s = begin(
		    SPF_CHECK, tests[i].ip, tests[i].from, "mx.helo.test");
		char asked[800];

		spf_zone_run(s, tests[i].zone, asked, sizeof(asked));
		if (strcmp(asked, tests[i].want) != 0)
			fail_msg("%zu: %s, not %s", i, asked, tests[i].want);
	}
}

static void
test_explanation(void **state)
{
	static const struct {
		const char *section;
		const char *zone;
		const char *want; /* NULL = none */
	} tests[] = {
	    {"6.2",
		"d.test TXT v=spf1 -all exp=e.test\n"
		"e.test TXT %{i} is not of %{d}, says %{r}",
		"192.0.2.1 is not of d.test, says unknown"},
	    {"6.2", "d.test TXT v=spf1 ~all exp=e.test\ne.test TXT x", NULL},
	    {"6.2", "d.test TXT v=spf1 -all exp=e.test", NULL},
	    {"6.2", "d.test TXT v=spf1 -all exp=e.test\ne.test TXT !timeout",
		NULL},
	    {"6.2",
		"d.test TXT v=spf1 -all exp=e.test\ne.test TXT x\n"
		"e.test TXT y",
		NULL},
	    {"6.2", "d.test TXT v=spf1 -all exp=e.test\ne.test TXT 100% x",
		NULL},
	    {"6.2", "d.test TXT v=spf1 -all exp=e.test\ne.test TXT caf\xc3\xa9",
		NULL},
	    {"6.2", "d.test TXT v=spf1 -all exp=a..b.test", NULL},
	    {"6.2",
		"d.test TXT v=spf1 exp=%{d1}.e.test -all\n"
		"test.e.test TXT yes",
		"yes"},
	    /* that of the redirect's target, not one's own */
	    {"6.2",
		"d.test TXT v=spf1 exp=e.test redirect=f.test\ne.test TXT own\n"
		"f.test TXT v=spf1 -all exp=g.test\ng.test TXT of %{d}",
		"of f.test"},
	    {"6.2",
		"d.test TXT v=spf1 exp=e.test redirect=f.test\ne.test TXT own\n"
		"f.test TXT v=spf1 -all",
		NULL},
	    /* one's own, not that of an include */
	    {"6.2",
		"d.test TXT v=spf1 include:f.test -all exp=e.test\n"
		"e.test TXT own\nf.test TXT v=spf1 -all exp=g.test\n"
		"g.test TXT other",
		"own"},
	    {"6.2",
		"d.test TXT v=spf1 -include:f.test exp=e.test\n"
		"e.test TXT own\nf.test TXT v=spf1 +all exp=g.test\n"
		"g.test TXT other",
		"own"},
	    {"7.3",
		"d.test TXT v=spf1 -all exp=e.test\ne.test TXT I am %{p}\n"
		"1.2.0.192.in-addr.arpa PTR x.d.test\nx.d.test A 192.0.2.1",
		"I am x.d.test"},
	    {"7.3",
		"d.test TXT v=spf1 -all exp=%{p}.e.test\n"
		"unknown.e.test TXT I am %{p}",
		"I am unknown"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		const struct spf_verdict *v =
		    evaluate(SPF_CHECK, tests[i].zone, IP);
		const char *got = v->explanation;

		if ((got == NULL) != (tests[i].want == NULL) ||
		    (got != NULL && strcmp(got, tests[i].want) != 0))
			fail_msg("%s: row %zu: %s", tests[i].section, i,
			    got == NULL ? "none" : got);
	}
}

/* The way to the term that decided. */
static void
test_path(void **state)
{
	const struct spf_verdict *v = evaluate(SPF_CHECK,
	    "d.test TXT v=spf1 a:x.test include:%{d1}.e.test -all\n"
	    "x.test A 192.0.2.9\ntest.e.test TXT v=spf1 redirect=f.test\n"
	    "f.test TXT v=spf1 ?include:g.test ip4:192.0.2.0/24\n"
	    "g.test TXT v=spf1 -all",
	    IP);

	(void)state;
	assert_int_equal(v->result, SPF_RESULT_PASS);
	assert_int_equal(v->path_n, 2);
	assert_string_equal(place(&v->path[0]), "d.test include:%{d1}.e.test");
	assert_string_equal(v->path[0].target, "test.e.test");
	assert_string_equal(place(&v->path[1]), "test.e.test redirect=f.test");
	assert_string_equal(place(&v->by), "f.test ip4:192.0.2.0/24");
	assert_int_equal(v->by.depth, 2);
	assert_int_equal(v->rows_n, 4);
	assert_string_equal(v->rows[1].term, "include:%{d1}.e.test");
	assert_int_equal(v->rows[1].lookups, 3);
	assert_int_equal(v->rows[2].depth, 1);
	assert_int_equal(v->rows[3].depth, 2);
}

static void
test_problem_path(void **state)
{
	const struct spf_verdict *v = evaluate(SPF_CHECK,
	    "d.test TXT v=spf1 include:e.test -all\n"
	    "e.test TXT v=spf1 include:f.test\n"
	    "f.test TXT v=spf1 ip4:192.0.2.1~all",
	    IP);

	(void)state;
	assert_int_equal(v->problem, SPF_SYNTAX);
	assert_string_equal(place(&v->where), "f.test ip4:192.0.2.1~all");
	assert_string_equal(v->where.fault, "bad address");
	assert_int_equal(v->where.fault_at, 20);
	assert_int_equal(v->path_n, 2);
	assert_string_equal(v->path[1].target, "f.test");
}

static void
test_dns_problem(void **state)
{
	const struct spf_verdict *v = evaluate(SPF_CHECK,
	    "d.test TXT v=spf1 mx -all\nd.test MX a.test\nd.test MX b.test\n"
	    "a.test A 192.0.2.9\nb.test A !refused",
	    IP);
	char shown[DNAME_SHOWN_MAX + 1];

	(void)state;
	assert_int_equal(v->problem, SPF_DNS);
	assert_int_equal(v->dns, OUTCOME_REFUSED);
	assert_int_equal(v->dns_q.type, RRTYPE_A);
	dname_show(&v->dns_q.name, shown);
	assert_string_equal(shown, "b.test");
}

static void
test_assume(void **state)
{
	static const char record[] = "v=spf1 include:e.test -all";
	struct spf *s = begin(SPF_CHECK, IP, "u@d.test", "h.test");
	char asked[200];

	(void)state;
	spf_assume(s, (const uint8_t *)record, strlen(record));
	spf_zone_run(s, "e.test TXT v=spf1 +all", asked, sizeof(asked));
	assert_string_equal(asked, "TXT e.test");
	assert_int_equal(spf_verdict(s)->result, SPF_RESULT_PASS);

	/* of a domain that is no name */
	s = begin(SPF_CHECK, IP, "u@a..b", "h.test");
	spf_assume(s, (const uint8_t *)"v=spf1 exists:%{p}.x.test", 25);
	spf_zone_run(s,
	    "1.2.0.192.in-addr.arpa PTR n.test\nn.test A 192.0.2.1\n"
	    "n.test.x.test A 127.0.0.2",
	    NULL, 0);
	assert_int_equal(spf_verdict(s)->result, SPF_RESULT_PASS);

	s = begin(SPF_CHECK, IP, "u@d.test", "h.test");
	spf_assume(s, (const uint8_t *)"include:e.test", 14);
	spf_zone_run(s, "", NULL, 0);
	assert_int_equal(spf_verdict(s)->result, SPF_RESULT_NONE);
	assert_int_equal(spf_verdict(s)->problem, SPF_NO_RECORD);

	/* it leads to itself, not to what is published there yet */
	s = begin(SPF_CHECK, IP, "u@d.test", "h.test");
	spf_assume(s, (const uint8_t *)"v=spf1 redirect=D.test", 22);
	spf_zone_run(s, "d.test TXT v=spf1 +all", asked, sizeof(asked));
	assert_string_equal(asked, "");
	assert_int_equal(spf_verdict(s)->result, SPF_RESULT_PERMERROR);
	assert_int_equal(spf_verdict(s)->problem, SPF_LOOKUPS);
}

static void
test_expire(void **state)
{
	struct spf *s = begin(SPF_CHECK, IP, "u@d.test", "h.test");
	struct answer a = {.outcome = OUTCOME_RECORDS, .n = 1};
	struct packet_txt txt = {
	    .bytes = (const uint8_t *)"v=spf1 -all exp=e.test", .len = 22};

	(void)state;
	assert_int_equal(spf_step(s, NULL, 0), SPF_ASK);
	spf_expire(s);
	assert_int_equal(spf_verdict(s)->result, SPF_RESULT_TEMPERROR);
	assert_int_equal(spf_verdict(s)->problem, SPF_TIME);
	assert_int_equal(spf_verdict(s)->dns_q.type, RRTYPE_TXT);

	/* the result was there: its explanation is not waited for */
	s = begin(SPF_CHECK, IP, "u@d.test", "h.test");
	assert_int_equal(spf_step(s, NULL, 0), SPF_ASK);
	a.txt = &txt;
	assert_int_equal(spf_step(s, &a, 1), SPF_ASK);
	spf_expire(s);
	assert_int_equal(spf_verdict(s)->result, SPF_RESULT_FAIL);
	assert_null(spf_verdict(s)->explanation);
}

/* Wherever the room ends, it is a temperror or the right result. */
static void
test_space(void **state)
{
	static const char zone[] =
	    "d.test TXT v=spf1 include:e.test exists:%{p}.test mx -all "
	    "exp=x.test\nx.test TXT %{p} and %{d}\n"
	    "e.test TXT v=spf1 a mx include:f.test\n"
	    "e.test MX m.test\nm.test A 192.0.2.9\n"
	    "f.test TXT v=spf1 -all\ne.test A 192.0.2.8\n"
	    "d.test MX m.test\n1.2.0.192.in-addr.arpa PTR m.test\n";
	unsigned right = 0, none = 0;

	(void)state;
	for (size_t cap = 0; cap < 16000; cap += 16) {
		struct spf_query q = {.ip = spf_zone_addr(IP),
		    .mail_from = "u@d.test",
		    .helo = "h.test",
		    .receiver = "r.test"};
		uint8_t *exact = malloc(cap + 1);
		const struct spf_verdict *v;
		struct spf *s;

		assert_non_null(exact);
		arena_init(&arena, exact, cap);
		s = spf_begin(&q, &arena);
		none += s == NULL;
		if (s != NULL) {
			spf_zone_run(s, zone, NULL, 0);
			v = spf_verdict(s);
			right += v->result == SPF_RESULT_FAIL;
			if (v->result != SPF_RESULT_FAIL) {
				assert_int_equal(
				    v->result, SPF_RESULT_TEMPERROR);
				assert_int_equal(v->problem, SPF_SPACE);
			}
		}
		free(exact);
	}
	assert_true(none > 10 && right > 300);
}

/* --- audits -------------------------------------------------------------- */

static const char tree[] =
    "d.test TXT v=spf1 ip4:10.0.0.0/8 include:e.test a:g.test mx ptr -all "
    "include:late.test ip4:192.0.2.1 redirect=r.test\n"
    "d.test MX m.test\nm.test A 192.0.2.1\n"
    "e.test TXT v=spf1 include:f.test include:none.test include:bad.test "
    "+all\n"
    "f.test TXT v=spf1 ip6:2001::/16 ?include:gone.test a -all\n"
    "f.test A 192.0.2.1\nnone.test TXT other\nbad.test TXT v=spf1 moo\n";

static bool
noted(const struct spf_verdict *v, enum spf_note_kind kind, const char *want)
{
	for (size_t i = 0; i < v->notes_n; i++) {
		if (v->notes[i].kind == kind &&
		    strcmp(place(&v->notes[i].place), want) == 0)
			return true;
	}
	return false;
}

static void
test_audit(void **state)
{
	const struct spf_verdict *v = evaluate(SPF_AUDIT, tree, IP);
	static const struct {
		enum spf_note_kind kind;
		const char *place;
	} notes[] = {
	    {SPF_NOTE_WIDE, "d.test ip4:10.0.0.0/8"},
	    {SPF_NOTE_WIDE, "f.test ip6:2001::/16"},
	    {SPF_NOTE_GONE, "f.test ?include:gone.test"},
	    {SPF_NOTE_BROKEN, "e.test include:none.test"},
	    {SPF_NOTE_BROKEN, "e.test include:bad.test"},
	    {SPF_NOTE_PLUS_ALL, "e.test +all"},
	    {SPF_NOTE_VOID, "d.test a:g.test"},
	    {SPF_NOTE_VOID, "d.test ptr"},
	    {SPF_NOTE_VOID, "f.test ?include:gone.test"},
	    {SPF_NOTE_PTR, "d.test ptr"},
	    {SPF_NOTE_UNREACHED, "d.test include:late.test"},
	    {SPF_NOTE_UNREACHED, "d.test ip4:192.0.2.1"},
	    {SPF_NOTE_REDIRECT, "d.test redirect=r.test"},
	};

	(void)state;
	/* the address matches in several places: nothing ends it */
	assert_int_equal(v->lookups, 9);
	assert_int_equal(v->voids, 3);
	assert_int_equal(v->result, SPF_RESULT_PERMERROR);
	assert_int_equal(v->problem, SPF_TARGET_GONE);
	assert_false(v->partial);
	for (size_t i = 0; i < ARRAY_LEN(notes); i++) {
		if (!noted(v, notes[i].kind, notes[i].place))
			fail_msg("no note of %s", notes[i].place);
	}
	assert_int_equal(v->notes_n, ARRAY_LEN(notes));
	assert_null(v->by.domain);
}

static void
test_audit_rows(void **state)
{
	static const struct {
		const char *term;
		uint8_t depth, lookups;
		bool is_void, unreached;
	} want[] = {
	    {"include:e.test", 0, 6, false, false},
	    {"include:f.test", 1, 3, false, false},
	    {"?include:gone.test", 2, 1, true, false},
	    {"a", 2, 1, false, false},
	    {"-all", 2, 0, false, false},
	    {"include:none.test", 1, 1, false, false},
	    {"include:bad.test", 1, 1, false, false},
	    {"+all", 1, 0, false, false},
	    {"a:g.test", 0, 1, true, false},
	    {"mx", 0, 1, false, false},
	    {"ptr", 0, 1, true, false},
	    {"-all", 0, 0, false, false},
	    {"include:late.test", 0, 0, false, true},
	    {"ip4:192.0.2.1", 0, 0, false, true},
	    {"redirect=r.test", 0, 0, false, true},
	};
	const struct spf_verdict *v = evaluate(SPF_AUDIT, tree, IP);

	(void)state;
	assert_int_equal(v->rows_n, ARRAY_LEN(want));
	for (size_t i = 0; i < v->rows_n; i++) {
		const struct spf_row *r = &v->rows[i];

		if (strcmp(r->term, want[i].term) != 0 ||
		    r->depth != want[i].depth ||
		    r->lookups != want[i].lookups ||
		    r->is_void != want[i].is_void ||
		    r->unreached != want[i].unreached)
			fail_msg("row %zu: %s %u %u %d %d", i, r->term,
			    r->depth, r->lookups, r->is_void, r->unreached);
	}
}

/* What leads to a note from the first record. */
static void
test_audit_root(void **state)
{
	const struct spf_verdict *v = evaluate(SPF_AUDIT, tree, IP);

	(void)state;
	for (size_t i = 0; i < v->notes_n; i++) {
		const struct spf_note *n = &v->notes[i];

		if (n->kind == SPF_NOTE_GONE) {
			assert_string_equal(n->root_target, "e.test");
			assert_int_equal(n->root.at, 22);
		}
	}
}

static void
test_audit_results(void **state)
{
	static const struct {
		const char *zone;
		enum spf_result result;
		enum spf_problem problem;
	} tests[] = {
	    {"d.test TXT v=spf1 a -all\nd.test A 192.0.2.1", NEUTRAL, SPF_FINE},
	    {"d.test TXT other", NONE, SPF_NO_RECORD},
	    {"", NONE, SPF_NO_NAME},
	    {"d.test TXT v=spf1 moo", PERMERROR, SPF_SYNTAX},
	    {"d.test TXT v=spf1\nd.test TXT v=spf1", PERMERROR, SPF_MULTIPLE},
	    {"d.test TXT !timeout", TEMPERROR, SPF_DNS},
	    {"d.test TXT v=spf1 a\nd.test A !timeout", TEMPERROR, SPF_DNS},
	    {"d.test TXT v=spf1 a include:x.test\nd.test A !timeout\n"
	     "x.test TXT other",
		PERMERROR, SPF_TARGET_NONE},
	    {"d.test TXT v=spf1 include:x.test include:y.test\n"
	     "x.test TXT !timeout\ny.test TXT v=spf1\ny.test TXT v=spf1",
		PERMERROR, SPF_MULTIPLE},
	    {"d.test TXT v=spf1 redirect=x.test\nx.test TXT !servfail",
		TEMPERROR, SPF_DNS},
	    {"d.test TXT v=spf1 redirect=x.test", PERMERROR, SPF_TARGET_GONE},
	    {"d.test TXT v=spf1 include:%{o1}", PERMERROR, SPF_TARGET_BAD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		const struct spf_verdict *v =
		    evaluate(SPF_AUDIT, tests[i].zone, IP);

		if (v->result != tests[i].result ||
		    v->problem != tests[i].problem)
			fail_msg("row %zu: %s, %d", i,
			    spf_result_name(v->result), (int)v->problem);
	}
}

/* Records that lead to themselves or to more and more. */
static void
test_audit_bounds(void **state)
{
	static const char *const zones[] = {
	    "d.test TXT v=spf1 include:d.test include:d.test",
	    "d.test TXT v=spf1 redirect=d.test",
	    ("d.test TXT v=spf1 include:e.test include:e.test include:e.test\n"
	     "e.test TXT v=spf1 include:d.test a a a a"),
	};
	const struct spf_verdict *v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		v = evaluate(SPF_AUDIT, zones[i], IP);
		assert_true(v->lookups <= SPF_AUDIT_LOOKUPS_MAX);
		assert_true(v->partial);
		assert_true(v->rows_n <= SPF_ROWS_MAX);
		assert_true(v->notes_n <= SPF_NOTES_MAX);
	}
	/* 11 lookups are counted, and no error of an audit */
	v = evaluate(SPF_AUDIT,
	    "x.test A 192.0.2.9\nd.test TXT v=spf1 " A10 " mx:x.test", IP);
	assert_int_equal(v->lookups, 11);
	assert_int_equal(v->problem, SPF_FINE);
	assert_int_equal(v->voids, 1);
}

/* More than there is room for is left out, not written. */
static void
test_audit_many(void **state)
{
	char zone[600] = "d.test TXT v=spf1 -all";
	const struct spf_verdict *v;

	(void)state;
	for (unsigned i = 0; i < 80; i++)
		strcat(zone, " ptr");
	v = evaluate(SPF_AUDIT, zone, IP);
	assert_int_equal(v->rows_n, SPF_ROWS_MAX);
	assert_int_equal(v->notes_n, SPF_NOTES_MAX);
	assert_int_equal(v->lookups, 0);
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(spf_result_name(SPF_RESULT_NONE), "none");
	assert_string_equal(spf_result_name(SPF_RESULT_SOFTFAIL), "softfail");
	assert_string_equal(spf_result_name(SPF_RESULT_PERMERROR), "permerror");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_records),
	    cmocka_unit_test(test_includes),
	    cmocka_unit_test(test_lookups),
	    cmocka_unit_test(test_v6),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_asked),
	    cmocka_unit_test(test_explanation),
	    cmocka_unit_test(test_path),
	    cmocka_unit_test(test_problem_path),
	    cmocka_unit_test(test_dns_problem),
	    cmocka_unit_test(test_assume),
	    cmocka_unit_test(test_expire),
	    cmocka_unit_test(test_space),
	    cmocka_unit_test(test_audit),
	    cmocka_unit_test(test_audit_rows),
	    cmocka_unit_test(test_audit_root),
	    cmocka_unit_test(test_audit_results),
	    cmocka_unit_test(test_audit_bounds),
	    cmocka_unit_test(test_audit_many),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
