/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of RFC 7208 section 7; the examples are those of section 7.4. */
#include "core/spf_macro.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const struct spf_facts v4 = {
    .sender = "strong-bad@email.example.com",
    .local = "strong-bad",
    .origin = "email.example.com",
    .helo = "mx.example.org",
    .receiver = "mx.shop.test",
    .domain = "email.example.com",
    .name = "mx.example.org",
    .ip = {.family = 4, .octets = {192, 0, 2, 3}},
    .wall_s = 1700000000,
};

static struct spf_facts
v6(void)
{
	struct spf_facts f = v4;

	f.ip = (struct packet_addr){
	    .family = 6, .octets = {0x20, 1, 0xd, 0xb8, [15] = 0xcb}};
	return f;
}

struct row {
	const char *section;
	const char *text;
	const char *want;
};

static void
run(const struct row *rows, size_t n, const struct spf_facts *f)
{
	for (size_t i = 0; i < n; i++) {
		char out[SPF_NAME_MAX + 1];
		size_t at;

		assert_null(spf_macro_fault(SPF_TEXT_MACRO,
		    (const uint8_t *)rows[i].text, strlen(rows[i].text), &at));
		spf_macro_target(out, (const uint8_t *)rows[i].text,
		    strlen(rows[i].text), f);
		if (strcmp(out, rows[i].want) != 0)
			fail_msg("%s: %s: %s, not %s", rows[i].section,
			    rows[i].text, out, rows[i].want);
	}
}

static void
test_target(void **state)
{
	static const struct row rows[] = {
	    {"7.4", "%{s}", "strong-bad@email.example.com"},
	    {"7.4", "%{o}", "email.example.com"},
	    {"7.4", "%{d}", "email.example.com"},
	    {"7.4", "%{d4}", "email.example.com"},
	    {"7.4", "%{d3}", "email.example.com"},
	    {"7.4", "%{d2}", "example.com"},
	    {"7.4", "%{d1}", "com"},
	    {"7.4", "%{dr}", "com.example.email"},
	    {"7.4", "%{d2r}", "example.email"},
	    {"7.4", "%{l}", "strong-bad"},
	    {"7.4", "%{l-}", "strong.bad"},
	    {"7.4", "%{lr}", "strong-bad"},
	    {"7.4", "%{lr-}", "bad.strong"},
	    {"7.4", "%{l1r-}", "strong"},
	    {"7.4", "%{ir}.%{v}._spf.%{d2}",
		"3.2.0.192.in-addr._spf.example.com"},
	    {"7.4", "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
	    {"7.4", "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
		"bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
	    {"7.4", "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
		"3.2.0.192.in-addr.strong.lp._spf.example.com"},
	    {"7.4", "%{d2}.trusted-domains.example.net",
		"example.com.trusted-domains.example.net"},
	    {"7.3", "%{h}", "mx.example.org"},
	    {"7.3", "%{p}", "mx.example.org"},
	    {"7.3", "%{i2}", "2.3"},
	    {"7.3", "%{i99}", "192.0.2.3"},
	    {"7.3", "%{D2R}", "example.email"},
	    {"7.3", "%{S}", "strong-bad%40email.example.com"},
	    {"7.3", "%{L1-}.%{S-.}", "bad.strong.bad%40email.example.com"},
	    {"7.2", "a%%b%_c%-d.test", "a%b c%20d.test"},
	    {"7.3", "x.test.", "x.test"},
	    {"7.3", "x.test..", "x.test."},
	    {"7.3", ".", ""},
	    {"7.3", "", ""},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows), &v4);
}

static void
test_v6(void **state)
{
	static const struct row rows[] = {
	    {"7.4", "%{ir}.%{v}._spf.%{d2}",
		"B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0."
		"0.2.ip6._spf.example.com"},
	    {"7.3", "%{i3}", "0.C.B"},
	};
	struct spf_facts f = v6();

	(void)state;
	run(rows, ARRAY_LEN(rows), &f);
}

/* Values that no sane sender has. */
static void
test_odd(void **state)
{
	static const struct row rows[] = {
	    {"7.3", "%{l}", "..a..b-"},
	    {"7.3", "%{l2}", ".b-"},
	    {"7.3", "%{l2r}.x", "..x"},
	    {"7.3", "%{l1-}", ""},
	    {"7.3", "%{L=}.x", "..a..b-.x"},
	    {"7.3", "%{O}", "%C3%A9.x~_"},
	};
	struct spf_facts f = v4;

	(void)state;
	f.local = "..a..b-";
	f.origin = "\xc3\xa9.x~_";
	run(rows, ARRAY_LEN(rows), &f);
}

/* Section 7.3: a name that is too long loses labels from the left. */
static void
test_cut(void **state)
{
	char local[2001], out[SPF_NAME_MAX + 1], want[SPF_NAME_MAX + 1];
	struct spf_facts f = v4;
	static const uint8_t spec[] = "%{l}.d.test";

	(void)state;
	f.local = local;
	for (size_t n = 240; n <= 2000; n += 8) {
		for (size_t i = 0; i < n; i++)
			local[i] = i % 10 == 9 ? '.' : 'a';
		local[n] = '\0';
		spf_macro_target(out, spec, sizeof(spec) - 1, &f);
		assert_true(strlen(out) <= SPF_NAME_MAX);
		if (n + 7 > SPF_NAME_MAX)
			assert_true(strlen(out) > SPF_NAME_MAX - 10);
		/* its right end is what the whole would end in */
		strcpy(want, out + strlen(out) - 7);
		assert_string_equal(want, ".d.test");
		assert_memory_equal(out, "aaa", 1);
	}
	/* no dot to cut at */
	memset(local, 'a', 2000);
	spf_macro_target(out, spec, 4, &f);
	assert_int_equal(strlen(out), SPF_NAME_MAX);
}

/* More parts than a name can have labels. */
static void
test_parts(void **state)
{
	char local[601], out[SPF_NAME_MAX + 1];
	struct spf_facts f = v4;

	(void)state;
	for (size_t i = 0; i < 600; i++)
		local[i] = i % 2 == 1 ? '.' : (char)('a' + i / 2 % 26);
	local[599] = '\0';
	f.local = local;
	spf_macro_target(out, (const uint8_t *)"%{l3}", 5, &f);
	assert_string_equal(out, "l.m.n");
	spf_macro_target(out, (const uint8_t *)"%{l3r}", 6, &f);
	assert_string_equal(out, "c.b.a");
	spf_macro_target(out, (const uint8_t *)"%{lr}", 5, &f);
	assert_string_equal(out + strlen(out) - 5, "c.b.a");
	assert_true(strlen(out) > SPF_NAME_MAX - 2);
}

static void
test_explain(void **state)
{
	static const struct row rows[] = {
	    {"6.2", "no mail from %{c} for %{S}",
		"no mail from 192.0.2.3 for "
		"strong-bad%40email.example."
		"com"},
	    {"7.2", "%{r} at %{t}.", "mx.shop.test at 1700000000."},
	    {"7.2", "100%% %_ %- sure", "100%   %20 sure"},
	};
	static const struct row six[] = {
	    {"7.3", "%{c}", "2001:db8::cb"},
	    {"7.3", "%{C}", "2001%3Adb8%3A%3Acb"},
	};
	struct spf_facts f = v6();
	char out[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(spf_macro_explain(out, sizeof(out),
		    (const uint8_t *)rows[i].text, strlen(rows[i].text), &v4));
		assert_string_equal(out, rows[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(six); i++) {
		assert_true(spf_macro_explain(out, sizeof(out),
		    (const uint8_t *)six[i].text, strlen(six[i].text), &f));
		assert_string_equal(out, six[i].want);
	}
	/* exactly full, and one too many */
	assert_true(
	    spf_macro_explain(out, 11, (const uint8_t *)"%{l}", 4, &v4));
	assert_false(
	    spf_macro_explain(out, 10, (const uint8_t *)"%{l}", 4, &v4));
}

static void
test_fault(void **state)
{
	static const struct {
		enum spf_text kind;
		const char *text;
		const char *fault;
		size_t at;
	} tests[] = {
	    {SPF_TEXT_EXPLAIN, "see %{c}, %{r} and %{t}", NULL, 0},
	    {SPF_TEXT_EXPLAIN, "see\tthis", "not a visible ASCII character", 3},
	    {SPF_TEXT_EXPLAIN, "caf\xc3\xa9", "not a visible ASCII character",
		3},
	    {SPF_TEXT_EXPLAIN, "100% sure", "a % that begins no macro", 3},
	    {SPF_TEXT_MACRO, "a b", "not a visible ASCII character", 1},
	    {SPF_TEXT_MACRO, "%{r}", "macro letter only for explanations", 2},
	    {SPF_TEXT_DOMAIN, "%{d}.", "not a full domain name", 4},
	    {SPF_TEXT_DOMAIN, "%{d}.%{i}", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		size_t at = 99;
		const char *fault = spf_macro_fault(tests[i].kind,
		    (const uint8_t *)tests[i].text, strlen(tests[i].text), &at);

		if (tests[i].fault == NULL) {
			assert_null(fault);
			continue;
		}
		assert_non_null(fault);
		assert_string_equal(fault, tests[i].fault);
		assert_int_equal(at, tests[i].at);
	}
}

static void
test_uses_name(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} tests[] = {
	    {"%{p}", true},
	    {"x.%{P2r}.test", true},
	    {"%%{p}", false},
	    {"%%%{p}", true},
	    {"%_{p}", false},
	    {"{p}", false},
	    {"%{d}p", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		assert_int_equal(
		    spf_macro_uses_name(
			(const uint8_t *)tests[i].text, strlen(tests[i].text)),
		    tests[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_target),
	    cmocka_unit_test(test_v6),
	    cmocka_unit_test(test_odd),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_parts),
	    cmocka_unit_test(test_explain),
	    cmocka_unit_test(test_fault),
	    cmocka_unit_test(test_uses_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
