/* SPDX-License-Identifier: Apache-2.0 */
/* What customers publish, and what they are told. Our include is
 * spf.us.test; our servers send from 192.0.2.1 and 2001:db8::1. */
#include "core/spf_judge.h"
#include "spf_zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define US	"spf.us.test"
#define OURS	US " TXT v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all\n"
#define GOOGLE	"g.test TXT v=spf1 ip4:198.51.100.0/24 ~all\n"
#define NOTHING (-1)

static uint8_t memory[1024 * 1024];
static uint8_t txt_memory[256 * 1024];
static struct arena arena, txt_arena;

static const struct spf_verdict *
evaluate(enum spf_mode mode, const char *zone, const char *ip)
{
	struct spf_query q = {.ip = spf_zone_addr(ip),
	    .mail_from = "user@d.test",
	    .helo = "mx.us.test",
	    .receiver = "",
	    .mode = mode};
	struct spf *s = spf_begin(&q, &arena);

	assert_non_null(s);
	spf_zone_run(s, zone, NULL, 0);
	return spf_verdict(s);
}

enum how { CHECKS, AUDIT };

static void
judge(struct judged *out, const char *include, const char *zone, enum how how)
{
	const struct spf_verdict *checks[2] = {NULL, NULL};
	struct spf_wish wish = {.include = include};
	struct question q = {.type = RRTYPE_TXT};
	struct answer txt;

	arena_init(&arena, memory, sizeof(memory));
	arena_init(&txt_arena, txt_memory, sizeof(txt_memory));
	assert_int_equal(dname_from_text(&q.name, "d.test", NULL), DNAME_OK);
	spf_zone_resolve(&txt, zone, &q, &txt_arena);
	checks[0] = evaluate(SPF_CHECK, zone, "192.0.2.1");
	checks[1] = evaluate(SPF_CHECK, zone, "2001:db8::1");
	memset(out, 0x5a, sizeof(*out));
	spf_judge(out, &wish, txt.txt, txt.n, checks, 2,
	    how == AUDIT ? evaluate(SPF_AUDIT, zone, "192.0.2.1") : NULL);
}

struct row {
	const char *zone; /* without ours */
	enum verdict verdict;
	enum code code;
	int mark;
	const char *saw;
	const char *publish;
};

static void
compare(size_t i, const struct row *r, const struct judged *got)
{
	int mark = got->mark == NO_MARK ? NOTHING : got->mark;

	if (got->verdict != r->verdict || got->code != r->code ||
	    mark != r->mark || strcmp(got->saw, r->saw) != 0 ||
	    strcmp(got->publish, r->publish) != 0)
		fail_msg("row %zu (%s): %s %s at %d\n  saw %s\n  publish %s", i,
		    code_name(r->code), verdict_name(got->verdict),
		    code_name(got->code), mark, got->saw, got->publish);
}

static void
run(const struct row *rows, size_t n, const char *include, enum how how)
{
	for (size_t i = 0; i < n; i++) {
		struct judged got;
		char zone[4000];

		snprintf(zone, sizeof(zone), "%s%s%s", rows[i].zone,
		    rows[i].zone[0] == '\0' ? "" : "\n", OURS);
		judge(&got, include, zone, how);
		compare(i, &rows[i], &got);
	}
}

#define PASS	  VERDICT_PASS
#define FAIL	  VERDICT_FAIL
#define NONE	  VERDICT_NONE
#define UNDECIDED VERDICT_UNDECIDED

static void
test_pass(void **state)
{
	static const struct row rows[] = {
	    {"d.test TXT v=spf1 include:spf.us.test -all", PASS, CODE_NONE,
		NOTHING, "", ""},
	    {"d.test TXT v=spf1 include:SPF.Us.test. -all", PASS, CODE_NONE,
		NOTHING, "", ""},
	    {"d.test TXT other\nd.test TXT v=spf1 mx +include:spf.us.test ?all",
		PASS, CODE_NONE, NOTHING, "", ""},
	    {"d.test TXT v=spf1 include:spf.%{o1r}us.test ip4:192.0.2.1 "
	     "ip6:2001:db8::/32\nspf.dus.test TXT v=spf1",
		PASS, CODE_SPF_INDIRECT, NOTHING, "ip4:192.0.2.1",
		"v=spf1 include:spf.%{o1r}us.test ip4:192.0.2.1 "
		"ip6:2001:db8::/32 include:spf.us.test"},
	    {"d.test TXT v=spf1 redirect=spf.us.test", PASS, CODE_NONE, NOTHING,
		"", ""},
	    {"d.test TXT v=spf1 include:a.test -all\n"
	     "a.test TXT v=spf1 include:spf.us.test ~all",
		PASS, CODE_SPF_INDIRECT, NOTHING,
		"include:a.test > include:spf.us.test > ip4:192.0.2.1",
		"v=spf1 include:a.test include:spf.us.test -all"},
	    {"d.test TXT v=spf1 +all", PASS, CODE_SPF_INDIRECT, NOTHING, "+all",
		"v=spf1 include:spf.us.test +all"},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), US, CHECKS);
}

static void
test_absent(void **state)
{
	static const struct row rows[] = {
	    {"d.test A 192.0.2.9", NONE, CODE_NOT_PUBLISHED, NOTHING, "",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT other\nd.test TXT v=spf10 mx\nd.test TXT v=DMARC1",
		NONE, CODE_NOT_PUBLISHED, NOTHING, "",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT spf.us.test", FAIL, CODE_BARE_HOST_AS_SPF, 0,
		"spf.us.test", "v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT x\nd.test TXT include:spf.us.test ~all", FAIL,
		CODE_BARE_HOST_AS_SPF, 0, "include:spf.us.test ~all",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT \"SPF.us.test.\"", FAIL, CODE_BARE_HOST_AS_SPF, 0,
		"\\034SPF.us.test.\\034", "v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT \"v=spf1 include:spf.us.test -all\"", FAIL,
		CODE_QUOTES_INSIDE, 0,
		"\\034v=spf1 include:spf.us.test -all\\034",
		"v=spf1 include:spf.us.test -all"},
	    {"d.test TXT \\\"v=spf1 mx -all\\\"", FAIL, CODE_SEMICOLON_ESCAPED,
		0, "\\092\\034v=spf1 mx -all\\092\\034",
		"v=spf1 mx include:spf.us.test -all"},
	    {"d.test TXT \xe2\x80\x9cv=spf1 mx ~all\xe2\x80\x9d", FAIL,
		CODE_SMART_QUOTES, 0,
		"\\226\\128\\156v=spf1 mx ~all\\226\\128\\157",
		"v=spf1 mx include:spf.us.test ~all"},
	    {"d.test TXT v=spf1\tmx -all", FAIL, CODE_WHITESPACE, 6,
		"v=spf1\\009mx -all", "v=spf1 mx include:spf.us.test -all"},
	    {"d.test TXT v=spf1;mx -all", FAIL, CODE_SPF_SYNTAX, 6,
		"it does not begin with \"v=spf1 \": v=spf1;mx -all",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT v=spf include:spf.us.test -all", FAIL, CODE_SPF_SYNTAX,
		0,
		"it does not begin with \"v=spf1 \": v=spf include:spf.us.test "
		"-all",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT v=spf:include:x.test", FAIL, CODE_SPF_SYNTAX, 0,
		"it does not begin with \"v=spf1 \": v=spf:include:x.test",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT v = spf1 mx", FAIL, CODE_SPF_SYNTAX, 0,
		"it does not begin with \"v=spf1 \": v = spf1 mx",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT v= spf1 mx", FAIL, CODE_SPF_SYNTAX, 0,
		"it does not begin with \"v=spf1 \": v= spf1 mx",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT SPF1 mx -all", FAIL, CODE_SPF_SYNTAX, 0,
		"it does not begin with \"v=spf1 \": SPF1 mx -all",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT =spf1 mx", FAIL, CODE_SPF_SYNTAX, 0,
		"it does not begin with \"v=spf1 \": =spf1 mx",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT 'v=spf1 mx -all'", FAIL, CODE_QUOTES_INSIDE, 0,
		"'v=spf1 mx -all'", "v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT v=spf1\"", FAIL, CODE_QUOTES_INSIDE, 6, "v=spf1\\034",
		"v=spf1 include:spf.us.test"},
	    {"d.test TXT spf2.0/pra mx\nd.test TXT v=spf2 x", NONE,
		CODE_NOT_PUBLISHED, NOTHING, "",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT include:other.test -all", FAIL, CODE_SPF_SYNTAX, 0,
		"it does not begin with \"v=spf1 \": include:other.test -all",
		"v=spf1 include:spf.us.test ~all"},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), US, CHECKS);
}

/* Blanks before the record, which no line of a zone can hold. */
static void
test_blank(void **state)
{
	static const struct {
		const char *record;
		uint16_t mark;
	} tests[] = {
	    {"  v=spf1 mx -all", 0},
	    {"\tv=spf1\tmx\r\n-all ", 0},
	    {" \nv=spf1 mx -all", 1},
	};
	struct spf_wish wish = {.include = US};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct packet_txt txt = {
		    .bytes = (const uint8_t *)tests[i].record,
		    .len = strlen(tests[i].record)};
		struct judged got;

		spf_judge(&got, &wish, &txt, 1, NULL, 0, NULL);
		assert_int_equal(got.code, CODE_WHITESPACE);
		assert_int_equal(got.mark, tests[i].mark);
		assert_string_equal(
		    got.publish, "v=spf1 mx include:spf.us.test -all");
	}
}

static void
test_broken(void **state)
{
	static const struct row rows[] = {
	    {"d.test TXT v=spf1 mx -all\nd.test TXT x\n"
	     "d.test TXT v=spf1 include:spf.us.test ~all",
		FAIL, CODE_SPF_MULTIPLE, NOTHING, "2 records",
		"v=spf1 mx include:spf.us.test -all"},
	    {"d.test TXT v=spf1 redirect=a.test\nd.test TXT v=spf1 MX mx +mx "
	     "?all\nd.test TXT v=spf1 exp=e.test exp=f.test",
		FAIL, CODE_SPF_MULTIPLE, NOTHING, "3 records", ""},
	    {"d.test TXT v=spf1 redirect=a.test exp=f.test\n"
	     "d.test TXT v=spf1 MX mx +mx ?all\n"
	     "d.test TXT v=spf1 +all exp=e.test x=y",
		FAIL, CODE_SPF_MULTIPLE, NOTHING, "3 records",
		"v=spf1 include:a.test MX include:spf.us.test ?all exp=f.test "
		"x=y"},
	    {"d.test TXT v=spf1 moo -all", FAIL, CODE_SPF_SYNTAX, 7,
		"unknown mechanism: moo", ""},
	    {"d.test TXT v=spf1 include:spf.us.test ip4:1.2.3.4~all", FAIL,
		CODE_SPF_SYNTAX, 38, "bad address: ip4:1.2.3.4~all",
		"v=spf1 include:spf.us.test ip4:1.2.3.4 ~all"},
	    {"d.test TXT v=spf1 ipv4:1.2.3.4/24; ip:5.6.7.8, mx; -all", FAIL,
		CODE_SPF_SYNTAX, 7, "unknown mechanism: ipv4:1.2.3.4/24;",
		"v=spf1 ip4:1.2.3.4/24 ip4:5.6.7.8 mx include:spf.us.test "
		"-all"},
	    {"d.test TXT v=spf1 spf.us.test ~all", FAIL, CODE_BARE_HOST_AS_SPF,
		7, "spf.us.test", "v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT v=spf1 \"include:spf.us.test -all\"", FAIL,
		CODE_QUOTES_INSIDE, 7, "\\034include:spf.us.test",
		"v=spf1 include:spf.us.test -all"},
	    {"d.test TXT v=spf1 include:\"g.test include:spf.us.test "
	     "-all\n" GOOGLE,
		FAIL, CODE_QUOTES_INSIDE, 15,
		"v=spf1 include:\\034g.test include:spf.us.test -all",
		"v=spf1 include:g.test include:spf.us.test -all"},
	    {"d.test TXT v=spf1 include:spf.us.test\\; -all", FAIL,
		CODE_SEMICOLON_ESCAPED, 26, "include:spf.us.test\\092;",
		"v=spf1 include:spf.us.test -all"},
	    {"d.test TXT v=spf1 include:spf.us.test \xe2\x80\x93"
	     "all",
		FAIL, CODE_SMART_QUOTES, 27, "\\226\\128\\147all",
		"v=spf1 include:spf.us.test -all"},
	    {"d.test TXT v=spf1 include:spf.us.test \xe2\x80\x9a"
	     "all",
		FAIL, CODE_SMART_QUOTES, 27, "\\226\\128\\154all", ""},
	    {"d.test TXT v=spf1 include:spf.us.test\xc2\xa0-all", FAIL,
		CODE_SMART_QUOTES, 26, "include:spf.us.test\\194\\160-all",
		"v=spf1 include:spf.us.test -all"},
	    {"d.test TXT v=spf1 mx\t-all", FAIL, CODE_WHITESPACE, 9,
		"mx\\009-all", "v=spf1 mx include:spf.us.test -all"},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), US, CHECKS);
}

static void
test_not_pass(void **state)
{
	static const struct row rows[] = {
	    {"d.test TXT v=spf1 include:g.test -all "
	     "include:spf.us.test\n" GOOGLE,
		FAIL, CODE_SPF_AFTER_ALL, 22, "-all",
		"v=spf1 include:g.test include:spf.us.test -all"},
	    {"d.test TXT v=spf1 mx:d.test ~all redirect=spf.us.test", FAIL,
		CODE_SPF_AFTER_ALL, 17, "~all",
		"v=spf1 mx:d.test include:spf.us.test ~all"},
	    {"d.test TXT v=spf1 -ip4:192.0.2.0/24 include:spf.us.test -all",
		FAIL, CODE_SPF_NOT_PASS, 7, "fail by -ip4:192.0.2.0/24",
		"v=spf1 include:spf.us.test -ip4:192.0.2.0/24 -all"},
	    {"d.test TXT v=spf1 ~include:a.test include:spf.us.test -all\n"
	     "a.test TXT v=spf1 ip4:192.0.2.0/24",
		FAIL, CODE_SPF_NOT_PASS, 7,
		"softfail by ~include:a.test > ip4:192.0.2.0/24",
		"v=spf1 include:spf.us.test ~include:a.test -all"},
	    {"d.test TXT v=spf1 mx:d.test -include:spf.us.test ~all", FAIL,
		CODE_SPF_NOT_PASS, 17, "-include:spf.us.test",
		"v=spf1 mx:d.test include:spf.us.test ~all"},
	    {"d.test TXT v=spf1 ?include:spf.us.test ~all", FAIL,
		CODE_SPF_NOT_PASS, 7, "?include:spf.us.test",
		"v=spf1 include:spf.us.test ~all"},
	    {"d.test TXT v=spf1 include:g.test ~all\n" GOOGLE, FAIL,
		CODE_SPF_NO_INCLUDE, NOTHING, "softfail by ~all",
		"v=spf1 include:g.test include:spf.us.test ~all"},
	    {"d.test TXT v=spf1 include:g.test\n" GOOGLE, FAIL,
		CODE_SPF_NO_INCLUDE, NOTHING, "neutral, no term matches",
		"v=spf1 include:g.test include:spf.us.test"},
	    {"d.test TXT v=spf1 redirect=g.test\n" GOOGLE, FAIL,
		CODE_SPF_NO_INCLUDE, NOTHING,
		"softfail by redirect=g.test > ~all",
		"v=spf1 include:spf.us.test redirect=g.test"},
	    {"d.test TXT v=spf1 redirect=a.test\n"
	     "a.test TXT v=spf1 -all include:spf.us.test",
		FAIL, CODE_SPF_AFTER_ALL, NOTHING, "-all",
		"v=spf1 include:spf.us.test redirect=a.test"},
	    {"d.test TXT v=spf1 mx:d.test -all\nd.test TXT spf.us.test", FAIL,
		CODE_BARE_HOST_AS_SPF, 0, "spf.us.test",
		"v=spf1 mx:d.test include:spf.us.test -all"},
	    {"d.test TXT v=spf1 redirect=a.test\n"
	     "a.test TXT v=spf1 -ip4:192.0.2.1 include:spf.us.test",
		FAIL, CODE_SPF_NOT_PASS, NOTHING,
		"fail by redirect=a.test > -ip4:192.0.2.1",
		"v=spf1 include:spf.us.test redirect=a.test"},
	    {"d.test TXT v=spf1 redirect=a.test\n"
	     "a.test TXT v=spf1 ?include:spf.us.test",
		FAIL, CODE_SPF_NOT_PASS, NOTHING, "?include:spf.us.test",
		"v=spf1 include:spf.us.test redirect=a.test"},
	    {"d.test TXT v=spf1 redirect=a.test\n"
	     "a.test TXT v=spf1 -include:b.test include:spf.us.test\n"
	     "b.test TXT v=spf1 +all",
		FAIL, CODE_SPF_NOT_PASS, NOTHING,
		"fail by redirect=a.test > -include:b.test > +all",
		"v=spf1 include:spf.us.test redirect=a.test"},
	    {"d.test TXT v=spf1 ?include:spf.us.test -include:spf.us.test "
	     "-all +all include:spf.us.test include:spf.us.test",
		FAIL, CODE_SPF_NOT_PASS, 28, "-include:spf.us.test",
		"v=spf1 include:spf.us.test -all"},
	    {"d.test TXT v=spf1 include:\"g.test ~all\n"
	     "\"g.test TXT v=spf1 -all",
		FAIL, CODE_QUOTES_INSIDE, 15, "v=spf1 include:\\034g.test ~all",
		"v=spf1 include:g.test include:spf.us.test ~all"},
	    {"d.test TXT v=spf1 mx:d.test -all\n"
	     "d.test TXT v=spf include:spf.us.test",
		FAIL, CODE_SPF_NO_INCLUDE, NOTHING, "fail by -all",
		"v=spf1 mx:d.test include:spf.us.test -all"},
	    /* passes for one of our addresses only */
	    {"d.test TXT v=spf1 ip4:192.0.2.1 -all", FAIL, CODE_SPF_NO_INCLUDE,
		NOTHING, "fail by -all",
		"v=spf1 ip4:192.0.2.1 include:spf.us.test -all"},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), US, CHECKS);
}

static void
test_permerror(void **state)
{
	static const struct row rows[] = {
	    {"d.test TXT v=spf1 a:x.test a:x.test a:x.test a:x.test a:x.test "
	     "a:x.test a:x.test a:x.test a:x.test a:x.test "
	     "include:spf.us.test\nx.test A 192.0.2.9\nx.test AAAA ::1",
		FAIL, CODE_SPF_OVER_10, 97,
		"the one too many is include:spf.us.test", ""},
	    {"d.test TXT v=spf1 mx -all\nd.test MX a.test\nd.test MX b.test\n"
	     "d.test MX c.test\nd.test MX d.test\nd.test MX e.test\n"
	     "d.test MX f.test\nd.test MX g.test\nd.test MX h.test\n"
	     "d.test MX i.test\nd.test MX j.test\nd.test MX k.test",
		FAIL, CODE_SPF_OVER_10, 7, "more than 10 hosts: mx", ""},
	    {"d.test TXT v=spf1 a:x.test mx:y.test exists:z.test "
	     "include:spf.us.test -all",
		FAIL, CODE_SPF_VOID, 26, "a:x.test, mx:y.test, exists:z.test",
		"v=spf1 include:spf.us.test -all"},
	    /* what is void for us only is theirs to keep */
	    {"d.test TXT v=spf1 exists:%{i}.z.test a:y.test mx:x.test "
	     "include:spf.us.test\ny.test TXT x\n"
	     "x.test MX m.test\nm.test TXT x",
		FAIL, CODE_SPF_VOID, 35,
		"exists:%{i}.z.test, a:y.test, mx:x.test", ""},
	    {"d.test TXT v=spf1 a:x.test include:a.test include:spf.us.test\n"
	     "a.test TXT v=spf1 a:y.test a:z.test",
		FAIL, CODE_SPF_VOID, 16, "a:x.test, a:y.test, a:z.test",
		"v=spf1 include:a.test include:spf.us.test"},
	    {"d.test TXT v=spf1 include:\"gone.test include:spf.us.test -all",
		FAIL, CODE_QUOTES_INSIDE, 15,
		"v=spf1 include:\\034gone.test include:spf.us.test -all",
		"v=spf1 include:gone.test include:spf.us.test -all"},
	    {"d.test TXT v=spf1 include:gone.test include:spf.us.test -all",
		FAIL, CODE_DANGLING_INCLUDE, 7,
		"include:gone.test: does not exist",
		"v=spf1 include:spf.us.test -all"},
	    {"d.test TXT v=spf1 redirect=gone.test", FAIL,
		CODE_DANGLING_INCLUDE, 7, "redirect=gone.test: does not exist",
		"v=spf1 include:spf.us.test"},
	    {"d.test TXT v=spf1 mx:d.test include:a.test include:spf.us.test"
	     "\na.test TXT other",
		FAIL, CODE_SPF_INCLUDE_BROKEN, 17,
		"include:a.test: no SPF record there",
		"v=spf1 mx:d.test include:spf.us.test"},
	    {"d.test TXT v=spf1 include:a.test include:spf.us.test\n"
	     "a.test TXT v=spf1\na.test TXT v=spf1",
		FAIL, CODE_SPF_INCLUDE_BROKEN, 7,
		"include:a.test > a.test: more than one record",
		"v=spf1 include:spf.us.test"},
	    {"d.test TXT v=spf1 include:a.test include:spf.us.test\n"
	     "a.test TXT v=spf1 include:b.test\nb.test TXT v=spf1 moo",
		FAIL, CODE_SPF_INCLUDE_BROKEN, 7,
		"include:a.test > include:b.test > b.test: can't be read, "
		"unknown mechanism",
		"v=spf1 include:spf.us.test"},
	    {"d.test TXT v=spf1 include:%{o1} include:spf.us.test", FAIL,
		CODE_SPF_INCLUDE_BROKEN, 7, "include:%{o1}: no name",
		"v=spf1 include:spf.us.test"},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), US, CHECKS);
}

static void
test_undecided(void **state)
{
	static const struct row rows[] = {
	    {"d.test TXT v=spf1 a:x.test include:spf.us.test\n"
	     "x.test A !servfail\nx.test AAAA !servfail",
		UNDECIDED, CODE_SERVFAIL, NOTHING, "x.test", ""},
	    {"d.test TXT v=spf1 a:x.test include:spf.us.test\n"
	     "x.test A !timeout\nx.test AAAA !timeout",
		UNDECIDED, CODE_TIMEOUT, NOTHING, "x.test", ""},
	    {"d.test TXT v=spf1 a:x.test include:spf.us.test\n"
	     "x.test A !refused\nx.test AAAA !refused",
		UNDECIDED, CODE_REFUSED, NOTHING, "x.test", ""},
	    {"d.test TXT v=spf1 a:x.test include:spf.us.test\n"
	     "x.test A !malformed\nx.test AAAA !malformed",
		UNDECIDED, CODE_BAD_PACKET, NOTHING, "x.test", ""},
	    {"d.test TXT v=spf1 a:x.test include:spf.us.test\n"
	     "x.test A !lame\nx.test AAAA !rcode",
		UNDECIDED, CODE_LAME, NOTHING, "x.test", ""},
	    {"d.test TXT v=spf1 include:x.test include:spf.us.test\n"
	     "x.test TXT !timeout",
		UNDECIDED, CODE_TIMEOUT, NOTHING, "x.test", ""},
	    /* definite for one of our addresses */
	    {"d.test TXT v=spf1 a:x.test -all\nx.test A !timeout\n"
	     "x.test AAAA ::1",
		FAIL, CODE_SPF_NO_INCLUDE, NOTHING, "fail by -all",
		"v=spf1 a:x.test include:spf.us.test -all"},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), US, CHECKS);
}

/* It is our own record that is broken. */
static void
test_target(void **state)
{
	static const char customer[] =
	    "d.test TXT v=spf1 include:spf.us.test -all\n";
	static const struct {
		const char *ours;
		const char *saw;
	} tests[] = {
	    {"", "include:spf.us.test: does not exist"},
	    {US " TXT other", "include:spf.us.test: no SPF record there"},
	    {US " TXT v=spf1 moo", "include:spf.us.test > spf.us.test: can't "
				   "be read, unknown mechanism"},
	    {US " TXT !timeout", "spf.us.test"},
	    {US " TXT v=spf1 a:x.us.test\nx.us.test A !servfail\n"
		"x.us.test AAAA !servfail",
		"x.us.test"},
	    {US " TXT v=spf1 ip4:192.0.2.1 -all",
		"spf.us.test does not pass all of our addresses"},
	    {US " TXT v=spf1 ?ip4:192.0.2.1 ip6:2001:db8::1",
		"spf.us.test does not pass all of our addresses"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct row want = {.verdict = UNDECIDED,
		    .code = CODE_SPF_TARGET_BROKEN,
		    .mark = NOTHING,
		    .saw = tests[i].saw,
		    .publish = ""};
		struct judged got;
		char zone[1000];

		snprintf(zone, sizeof(zone), "%s%s", customer, tests[i].ours);
		judge(&got, US, zone, CHECKS);
		compare(i, &want, &got);
	}
}

/* ... that they redirect to. */
static void
test_target_redirect(void **state)
{
	static const char *const zones[] = {
	    "d.test TXT v=spf1 redirect=spf.us.test\n" US " TXT v=spf1 -all",
	    "d.test TXT v=spf1 redirect=%{l}.us.test\n"
	    "user.us.test TXT v=spf1 redirect=spf.us.test\n" US
	    " TXT v=spf1 -all",
	    "d.test TXT v=spf1 redirect=spf.us.test\n" US " TXT other",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		struct judged got;

		judge(&got, US, zones[i], CHECKS);
		if (got.code != CODE_SPF_TARGET_BROKEN ||
		    got.verdict != VERDICT_UNDECIDED)
			fail_msg("%zu: %s %s", i, code_name(got.code), got.saw);
	}
}

/* Verdicts of checks that ended otherwise than by an answer. */
static void
test_ended(void **state)
{
	static const struct {
		enum spf_problem problem;
		enum spf_result result;
		enum verdict verdict;
		enum code code;
		const char *saw;
	} tests[] = {
	    {SPF_TIME, SPF_RESULT_TEMPERROR, UNDECIDED, CODE_TIMEOUT, ""},
	    {SPF_SPACE, SPF_RESULT_TEMPERROR, UNDECIDED, CODE_BAD_PACKET,
		"the records it leads to are too large"},
	    /* between two looks it went away */
	    {SPF_NO_RECORD, SPF_RESULT_NONE, NONE, CODE_NOT_PUBLISHED, ""},
	    {SPF_NO_NAME, SPF_RESULT_NONE, NONE, CODE_NOT_PUBLISHED, ""},
	    {SPF_MULTIPLE, SPF_RESULT_PERMERROR, FAIL, CODE_SPF_INCLUDE_BROKEN,
		"d.test: more than one record"},
	};
	static const char record[] = "v=spf1 include:spf.us.test -all";
	struct packet_txt txt = {
	    .bytes = (const uint8_t *)record, .len = sizeof(record) - 1};
	struct spf_wish wish = {.include = US}, alone = {.include = ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct spf_verdict v = {.result = tests[i].result,
		    .problem = tests[i].problem,
		    .dns = OUTCOME_TIMEOUT,
		    .where = {.domain = "d.test", .target = ""}};
		const struct spf_verdict *check = &v;
		struct judged got;

		spf_judge(&got, &wish, &txt, 1, &check, 1, NULL);
		assert_int_equal(got.verdict, tests[i].verdict);
		assert_int_equal(got.code, tests[i].code);
		assert_string_equal(got.saw, tests[i].saw);
		spf_judge(&got, &alone, &txt, 1, &check, 1, NULL);
		assert_int_equal(got.code, tests[i].code);
		/* nobody has evaluated it: it can be read */
		spf_judge(&got, &alone, &txt, 1, NULL, 0, NULL);
		assert_int_equal(got.verdict, VERDICT_PASS);
	}
}

static void
test_no_address(void **state)
{
	static const char record[] = "v=spf1 include:spf.us.test -all";
	struct packet_txt txt = {
	    .bytes = (const uint8_t *)record, .len = sizeof(record) - 1};
	struct spf_wish wish = {.include = US};
	struct judged got;

	(void)state;
	spf_judge(&got, &wish, &txt, 1, NULL, 0, NULL);
	assert_int_equal(got.verdict, VERDICT_UNDECIDED);
	assert_int_equal(got.code, CODE_SPF_TARGET_BROKEN);
}

/* Without an include of ours: is the record sound? */
static void
test_alone(void **state)
{
	static const struct row rows[] = {
	    {"d.test TXT v=spf1 mx -all\nd.test MX a.test\na.test A 192.0.2.9",
		PASS, CODE_NONE, NOTHING, "", ""},
	    {"d.test TXT x", NONE, CODE_NOT_PUBLISHED, NOTHING, "", ""},
	    {"d.test TXT v=spf1 a\nd.test TXT v=spf1 mx -all", FAIL,
		CODE_SPF_MULTIPLE, NOTHING, "2 records", "v=spf1 a mx -all"},
	    {"d.test TXT v=spf1 moo", FAIL, CODE_SPF_SYNTAX, 7,
		"unknown mechanism: moo", ""},
	    {"d.test TXT v=spf1 -all include:gone.test", PASS, CODE_NONE,
		NOTHING, "", ""},
	    {"d.test TXT v=spf1 include:gone.test -all", FAIL,
		CODE_DANGLING_INCLUDE, 7, "include:gone.test: does not exist",
		"v=spf1 -all"},
	    {"d.test TXT v=spf1 a:x.test a:y.test a:z.test -all", FAIL,
		CODE_SPF_VOID, NOTHING, "a:x.test, a:y.test, a:z.test",
		"v=spf1 -all"},
	    {"d.test TXT v=spf1 a:x.test -all\nx.test A !timeout", UNDECIDED,
		CODE_TIMEOUT, NOTHING, "x.test", ""},
	    {"d.test TXT v=spf1 include:a.test include:b.test mx:x.test -all\n"
	     "a.test TXT v=spf1 a:x.test a:x.test a:x.test a:x.test a:x.test\n"
	     "b.test TXT v=spf1 a:x.test a:x.test a:x.test\n"
	     "x.test A 192.0.2.9\nx.test MX x.test",
		FAIL, CODE_SPF_OVER_10, NOTHING,
		"11 of 10 lookups; include:a.test costs 6, include:b.test "
		"costs 4, mx:x.test costs 1",
		""},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), "", AUDIT);
}

static void
test_also(void **state)
{
	static const struct {
		const char *zone;
		enum code code;
		enum code also[ALSO_MAX]; /* CODE_NONE: no more */
	} tests[] = {
	    {"d.test TXT v=spf1 include:spf.us.test -all", CODE_NONE, {0}},
	    {"d.test TXT v=spf1 include:spf.us.test include:gone.test -all",
		CODE_DANGLING_INCLUDE, {0}},
	    {"d.test TXT v=spf1 include:spf.us.test include:a.test -all\n"
	     "a.test TXT other",
		CODE_SPF_INCLUDE_BROKEN, {0}},
	    {"d.test TXT v=spf1 include:spf.us.test ip4:10.0.0.0/15 +all",
		CODE_NONE, {CODE_SPF_PLUS_ALL, CODE_SPF_WIDE_RANGE}},
	    {"d.test TXT v=spf1 include:spf.us.test -ip4:10.0.0.0/8 "
	     "ip4:10.0.0.0/16 ip6:2001:db8::/32 -all",
		CODE_NONE, {0}},
	    {"d.test TXT v=spf1 include:spf.us.test a:x.test a:y.test -all",
		CODE_NONE, {CODE_SPF_NEAR_LIMIT}},
	    {"d.test TXT v=spf1 include:spf.us.test a:x.test a:y.test "
	     "a:z.test -all",
		CODE_SPF_VOID, {0}},
	    {"d.test TXT v=spf1 include:spf.us.test a a a a a a a a -all\n"
	     "d.test A 192.0.2.9",
		CODE_NONE, {CODE_SPF_NEAR_LIMIT}},
	    {"d.test TXT v=spf1 include:spf.us.test a a a a a a a -all\n"
	     "d.test A 192.0.2.9",
		CODE_NONE, {0}},
	    {"d.test TXT v=spf1 include:spf.us.test a a a a a a a a a a -all\n"
	     "d.test A 192.0.2.9",
		CODE_SPF_OVER_10, {0}},
	    {"d.test TXT v=spf1 include:gone.test include:spf.us.test -all",
		CODE_DANGLING_INCLUDE, {0}},
	    /* each once, and no more than there is room for */
	    {"d.test TXT v=spf1 include:spf.us.test include:gone.test "
	     "include:gone2.test include:b.test ip4:0.0.0.0/1 ip4:128.0.0.0/1 "
	     "a:v.test +all\nb.test TXT x",
		CODE_DANGLING_INCLUDE,
		{CODE_SPF_VOID, CODE_SPF_INCLUDE_BROKEN, CODE_SPF_PLUS_ALL,
		    CODE_SPF_WIDE_RANGE}},
	    {"d.test TXT v=spf1 ip4:0.0.0.0/0 ?all", CODE_SPF_NO_INCLUDE,
		{CODE_SPF_WIDE_RANGE}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct judged got;
		char zone[2000];
		size_t n = 0;

		snprintf(zone, sizeof(zone), "%s\n%s", tests[i].zone, OURS);
		judge(&got, US, zone, AUDIT);
		while (n < ALSO_MAX && tests[i].also[n] != CODE_NONE)
			n++;
		if (got.code != tests[i].code || got.also_n != n ||
		    memcmp(got.also, tests[i].also, n * sizeof(got.also[0])))
			fail_msg("row %zu: %s, %zu remarks, first %s", i,
			    code_name(got.code), got.also_n,
			    got.also_n > 0 ? code_name(got.also[0]) : "");
	}
}

/* What is wide or open in our own record is nothing to tell customers. */
static void
test_also_ours(void **state)
{
	static const char zone[] =
	    "d.test TXT v=spf1 include:spf.us.test -all\n" US
	    " TXT v=spf1 ip4:0.0.0.0/1 "
	    "ip4:192.0.2.1 ip6::: ip6:2000::/3";
	struct judged got;

	(void)state;
	judge(&got, US, zone, AUDIT);
	assert_int_equal(got.code, CODE_NONE);
	assert_int_equal(got.also_n, 0);
}

static void
test_cost(void **state)
{
	static const char zone[] =
	    "d.test TXT v=spf1 a include:a.test include:b.test -all\n"
	    "d.test A 192.0.2.9\na.test TXT v=spf1 a a:g.test\n"
	    "a.test A 192.0.2.9\nb.test TXT v=spf1";
	struct spf_cost cost;

	(void)state;
	arena_init(&arena, memory, sizeof(memory));
	spf_cost(&cost, evaluate(SPF_AUDIT, zone, "192.0.2.1"));
	assert_int_equal(cost.lookups, 5);
	assert_int_equal(cost.voids, 1);
	assert_string_equal(cost.dear, "");
	spf_cost(&cost, evaluate(SPF_AUDIT, "d.test TXT v=spf1 include:d.test",
			    "192.0.2.1"));
	assert_string_equal(
	    cost.dear, "at least 11 of 10 lookups; include:d.test costs 11");
}

static struct packet_txt
text(const char *s)
{
	return (struct packet_txt){
	    .bytes = (const uint8_t *)s, .len = strlen(s)};
}

/* Longer than can be published, and the longest that can. */
static void
test_merge_long(void **state)
{
	struct spf_wish wish = {.include = US};
	char record[PUBLISH_MAX + 40] = "v=spf1", out[PUBLISH_MAX + 1];
	size_t room = PUBLISH_MAX - strlen(" include:spf.us.test");
	struct packet_txt txt;

	(void)state;
	/* one long modifier */
	memset(record, 'a', sizeof(record) - 1);
	memcpy(record, "v=spf1 x=", 9);
	record[room] = '\0';
	txt = text(record);
	assert_true(spf_merge(out, &wish, &txt, 1));
	assert_int_equal(strlen(out), PUBLISH_MAX);
	record[room] = 'a';
	record[room + 1] = '\0';
	txt = text(record);
	assert_false(spf_merge(out, &wish, &txt, 1));
	assert_string_equal(out, "");
}

/* Every merged record is one, sound, and passes us. */
static void
test_merge_passes(void **state)
{
	static const char *const records[] = {
	    "v=spf1 -ip4:192.0.2.1 ?ip6:2001:db8::1 ~all",
	    "v=spf1 -all a mx",
	    "v=spf1 -include:spf.us.test ?include:spf.us.test",
	    "v=spf1 exists:%{i}.d.test include:spf.us.test",
	    "v=spf1",
	};
	struct spf_wish wish = {.include = US};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		struct packet_txt txt = text(records[i]);
		char out[PUBLISH_MAX + 1], zone[PUBLISH_MAX + 200];
		struct judged got;

		assert_true(spf_merge(out, &wish, &txt, 1));
		snprintf(zone, sizeof(zone), "d.test TXT %s\n%s", out, OURS);
		judge(&got, US, zone, CHECKS);
		if (got.verdict != VERDICT_PASS || got.code != CODE_NONE)
			fail_msg("%s: %s", records[i], out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pass),
	    cmocka_unit_test(test_absent),
	    cmocka_unit_test(test_blank),
	    cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_not_pass),
	    cmocka_unit_test(test_permerror),
	    cmocka_unit_test(test_undecided),
	    cmocka_unit_test(test_target),
	    cmocka_unit_test(test_target_redirect),
	    cmocka_unit_test(test_ended),
	    cmocka_unit_test(test_no_address),
	    cmocka_unit_test(test_alone),
	    cmocka_unit_test(test_also),
	    cmocka_unit_test(test_also_ours),
	    cmocka_unit_test(test_cost),
	    cmocka_unit_test(test_merge_long),
	    cmocka_unit_test(test_merge_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
