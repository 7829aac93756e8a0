/* SPDX-License-Identifier: Apache-2.0 */
/* Names as people type them, and what the public suffix list says of them. */
#include "io/idna.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT(s) (s), sizeof(s) - 1
#define L63	"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define L61	"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"

static void
claims_nothing_without_a_list(void **state)
{
	struct domain_facts f;
	struct err e;

	(void)state;
	idna_facts("example.com", &f);
	assert_true(f.public_suffix);
	assert_string_equal(f.registrable, "");
	assert_int_equal(idna_open(NULL, &e), OK);
}

static void
accepts(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} rows[] = {
	    {TEXT("example.com"), "example.com"},
	    {TEXT("Example.COM."), "example.com"},
	    {TEXT("a.b"), "a.b"},
	    {TEXT("r3---sn-4g5e.example.com"), "r3---sn-4g5e.example.com"},
	    {TEXT("1e100.net"), "1e100.net"},
	    {TEXT("127.0.0.test"), "127.0.0.test"},
	    {TEXT("b\xc3\xbc"
		  "cher.test"),
		"xn--bcher-kva.test"},
	    {TEXT("B\xc3\x9c"
		  "CHER.Test."),
		"xn--bcher-kva.test"},
	    /* u and a combining diaeresis */
	    {TEXT("bu\xcc\x88"
		  "cher.test"),
		"xn--bcher-kva.test"},
	    {TEXT("xn--bcher-kva.test"), "xn--bcher-kva.test"},
	    {TEXT("XN--BCHER-KVA.TEST"), "xn--bcher-kva.test"},
	    {TEXT("stra\xc3\x9f"
		  "e.test"),
		"xn--strae-oqa.test"},
	    {TEXT("xn--strae-oqa.test"), "xn--strae-oqa.test"},
	    /* wide letters, an ideographic full stop */
	    {TEXT("\xef\xbd\x81"
		  "b.test"),
		"ab.test"},
	    {TEXT("b\xc3\xbc"
		  "cher\xe3\x80\x82test"),
		"xn--bcher-kva.test"},
	    {TEXT("\xd7\x90\xd7\x91\xd7\x92.test"), "xn--4dbcd.test"},
	    /* a joiner where its script wants it */
	    {TEXT("\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7.test"),
		"xn--11b2ezcw70k.test"},
	    {TEXT(L63 "." L63 "." L63 "." L61),
		L63 "." L63 "." L63 "." L61}, /* 253 */
	    {TEXT(L63 "." L63 "." L63 "." L61 "."),
		L63 "." L63 "." L63 "." L61},
	};
	char out[DNAME_TEXT_MAX + 1], again[DNAME_TEXT_MAX + 1];
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		e.text[0] = '\0';
		if (idna_canonical(rows[i].text, rows[i].len, out, &e) != OK)
			fail_msg("%s: %s", rows[i].text, e.text);
		assert_string_equal(out, rows[i].want);
		assert_int_equal(
		    idna_canonical(out, strlen(out), again, &e), OK);
		assert_string_equal(again, out);
	}
}

static void
refuses(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *say;
	} rows[] = {
	    {TEXT(""), "no name"},
	    {TEXT("."), "empty label at octet 0"},
	    {TEXT(".."), "empty label at octet 0"},
	    {TEXT(".a.test"), "empty label at octet 0"},
	    {TEXT("a..test"), "empty label at octet 2"},
	    {TEXT("a.test.."), "empty label at octet 7"},
	    {TEXT("localhost"), "single label"},
	    {TEXT("test."), "single label"},
	    {TEXT("b\xc3\xbc"
		  "cher"),
		"single label"},
	    {TEXT("192.0.2.1"), "address"},
	    {TEXT("192.0.2.1."), "address"},
	    {TEXT("1.2"), "address"},
	    {TEXT("2001:db8::1"), "address"},
	    {TEXT("[2001:db8::1]"), "address"},
	    {TEXT("::ffff:192.0.2.1"), "address"},
	    {TEXT("example.com:25"), "octet 11"},
	    {TEXT("https://example.com"), "octet 5"},
	    {TEXT("user@example.com"), "octet 4"},
	    {TEXT("_dmarc.example.com"), "underscore at octet 0"},
	    {TEXT("a.b_c.test"), "underscore at octet 3"},
	    {TEXT("*.example.com"), "octet 0"},
	    {TEXT("a b.test"), "octet 1"},
	    {TEXT(" a.test"), "octet 0"},
	    {TEXT("a.test\n"), "octet 6"},
	    {TEXT("-a.test"), "hyphen at an end of the label at octet 0"},
	    {TEXT("a.b-.test"), "hyphen at an end of the label at octet 2"},
	    {TEXT(L63 "x.test"), "longer than 63 octets at octet 0"},
	    {TEXT("a." L63 "x.test"), "longer than 63 octets at octet 2"},
	    {TEXT(L63 "." L63 "." L63 "." L61 "x"), "longer than 253"},
	    {TEXT(L63 "." L63 "." L63 "." L61 ".x"), "longer than 253"},
	    {TEXT("a\0b.test"), "NUL octet at octet 1"},
	    {TEXT("a.test\0"), "NUL octet at octet 6"},
	    {TEXT("a\xc0\xae"
		  "b.test"),
		"no UTF-8 at octet 1"},
	    {TEXT("a\xed\xa0\x80.test"), "no UTF-8 at octet 1"},
	    {TEXT("a.\xff"), "no UTF-8 at octet 2"},
	    {TEXT("b\xfc"
		  "cher.test"),
		"no UTF-8 at octet 1"},
	    /* right-to-left mark, override, joiner without a script for it */
	    {TEXT("a.\xe2\x80\x8f"
		  "b.test"),
		"octet 2 is no name by IDNA2008"},
	    {TEXT("a\xe2\x80\xae"
		  "b.test"),
		"octet 0 is no name by IDNA2008"},
	    {TEXT("a\xe2\x80\x8d"
		  "b.test"),
		"octet 0 is no name by IDNA2008"},
	    /* left to right and right to left in one label */
	    {TEXT("a\xd7\x90.test"), "IDNA2008"},
	    /* a snowman; unassigned */
	    {TEXT("\xe2\x98\x83.test"), "IDNA2008"},
	    {TEXT("xn--n3h.test"), "IDNA2008"},
	    {TEXT("\xcd\xb8.test"), "IDNA2008"},
	    /* underscores that libidn2's own rules would drop */
	    {TEXT("\xc3\xb8_b.test"), "underscore at octet 0"},
	    {TEXT("\xc3\xb8\xef\xbc\xbf"
		  "b.test"),
		"underscore at octet 0"},
	    {TEXT("xn--_b-kka.test"), "underscore"},
	    {TEXT("\xc3\xb8-.test"), "IDNA2008"},
	    {TEXT("xn----4ga.test"), "IDNA2008"},
	    /* no punycode, punycode of ASCII, of upper case, of nothing */
	    {TEXT("xn--bcher-2pa.test"), "IDNA2008"},
	    {TEXT("xn--bucher-xyd.test"), "IDNA2008"},
	    {TEXT("xn--zzzzzzzz.test"), "IDNA2008"},
	    {TEXT("xn--abc-.test"), "hyphen"},
	    {TEXT("xn--.test"), "hyphen"},
	    {TEXT("xn--a.test"), "IDNA2008"},
	    {TEXT("a.xn--bcher-kva8445foa.test"), "octet 2 is no name"},
	    {TEXT("xn--bcher-kvA0.test"), "IDNA2008"},
	};
	char out[DNAME_TEXT_MAX + 1];
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		e.text[0] = '\0';
		if (idna_canonical(rows[i].text, rows[i].len, out, &e) !=
		    REJECT)
			fail_msg("%s is accepted as %s", rows[i].text, out);
		if (strstr(e.text, rows[i].say) == NULL)
			fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].text,
			    e.text, rows[i].say);
		assert_string_equal(out, "");
	}
}

/* However long, nothing is written past the end of out. */
static void
refuses_long_input(void **state)
{
	char text[5000], out[DNAME_TEXT_MAX + 1];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 == 0 ? 'a' : '.';
	for (size_t len = 500; len <= sizeof(text); len += 100)
		assert_int_equal(idna_canonical(text, len, out, &e), REJECT);
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xbc", 2);
	for (size_t len = 250; len <= sizeof(text); len += 50)
		assert_int_equal(idna_canonical(text, len, out, &e), REJECT);
}

static void
shows(void **state)
{
	char out[4 * DNAME_TEXT_MAX + 1];

	(void)state;
	idna_show("xn--bcher-kva.test", out);
	assert_string_equal(out, "b\xc3\xbc"
				 "cher.test");
	idna_show("example.com", out);
	assert_string_equal(out, "example.com");
	idna_show("xn--zzzzzzzz.test", out);
	assert_string_equal(out, "xn--zzzzzzzz.test");
}

static void
facts(void **state)
{
	static const struct {
		const char *domain;
		bool public_suffix, private_suffix;
		const char *registrable;
	} rows[] = {
	    {"example.com", false, false, "example.com"},
	    {"a.b.example.com", false, false, "example.com"},
	    {"co.uk", true, false, ""},
	    {"a.co.uk", false, false, "a.co.uk"},
	    {"b.a.co.uk", false, false, "a.co.uk"},
	    {"plain.test", false, false, "plain.test"},
	    {"a.plain.test", false, false, "plain.test"},
	    {"github.io", false, true, "github.io"},
	    {"x.github.io", false, false, "x.github.io"},
	    {"y.x.github.io", false, false, "x.github.io"},
	    {"x.compute.amazonaws.com", false, true, "amazonaws.com"},
	    {"foo.ck", true, false, ""},
	    {"a.foo.ck", false, false, "a.foo.ck"},
	    {"www.ck", false, false, "www.ck"},
	    {"a.www.ck", false, false, "www.ck"},
	    {"xn--55qx5d.cn", true, false, ""},
	    {"a.xn--55qx5d.cn", false, false, "a.xn--55qx5d.cn"},
	};
	struct domain_facts f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		idna_facts(rows[i].domain, &f);
		if (f.public_suffix != rows[i].public_suffix ||
		    f.private_suffix != rows[i].private_suffix ||
		    strcmp(f.registrable, rows[i].registrable) != 0)
			fail_msg("%s: %d %d \"%s\"", rows[i].domain,
			    f.public_suffix, f.private_suffix, f.registrable);
	}
}

static void
names_its_list(void **state)
{
	int64_t at = 0;

	(void)state;
	assert_true(strlen(idna_list(&at)) > 0);
	assert_true(at > 1600000000000); /* 2020 */
}

static void
takes_a_list_of_ones_own(void **state)
{
	char path[] = "/tmp/idna.XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "// ===BEGIN ICANN DOMAINS===\ntest\n"
				   "plain.test\n// ===END ICANN DOMAINS===\n";
	struct domain_facts f;
	struct err e;
	int64_t at;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(idna_check("", &e), OK);
	assert_int_equal(idna_check(path, &e), OK);
	assert_int_equal(idna_open(path, &e), OK);
	unlink(path);
	assert_string_equal(idna_list(&at), path);
	idna_facts("plain.test", &f);
	assert_true(f.public_suffix);
	assert_string_equal(f.registrable, "");
	assert_int_equal(idna_check("/tmp", &e), RETRY);
	assert_int_equal(idna_check("/dev/null", &e), RETRY);
	assert_int_equal(idna_check("/nonexistent/list", &e), RETRY);
	assert_string_equal(
	    e.text, "cannot read the public suffix list /nonexistent/list");
	assert_int_equal(idna_open("/nonexistent/list", &e), RETRY);
	assert_non_null(strstr(e.text, "/nonexistent/list"));
	idna_facts("plain.test", &f); /* still by the list before */
	assert_true(f.public_suffix);
	idna_facts("example.test", &f);
	assert_string_equal(f.registrable, "example.test");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(claims_nothing_without_a_list), /* first */
	    cmocka_unit_test(accepts),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(refuses_long_input),
	    cmocka_unit_test(shows),
	    cmocka_unit_test(facts),
	    cmocka_unit_test(names_its_list),
	    cmocka_unit_test(takes_a_list_of_ones_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
