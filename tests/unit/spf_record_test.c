/* SPDX-License-Identifier: Apache-2.0 */
/* One row a rule of the grammar; the first column is the section of RFC 7208
 * that it stands on. */
#include "core/spf_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A copy without anything behind it, for the sanitizer. */
static uint8_t *
exact(const char *text, size_t len)
{
	uint8_t *copy = malloc(len + (len == 0));

	assert_non_null(copy);
	memcpy(copy, text, len);
	return copy;
}

static void
test_version(void **state)
{
	static const struct {
		const char *section;
		const char *text;
		bool want;
	} tests[] = {
	    {"4.5", "v=spf1", true},
	    {"4.5", "v=spf1 ", true},
	    {"4.5", "V=SPF1 -all", true},
	    {"4.5", "v=spf10", false},
	    {"4.5", "v=spf1\t-all", false},
	    {"4.5", "v=spf1-all", false},
	    {"4.5", " v=spf1", false},
	    {"4.5", "\"v=spf1\"", false},
	    {"4.5", "v=spf", false},
	    {"4.5", "spf2.0/pra -all", false},
	    {"4.5", "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		size_t len = strlen(tests[i].text);
		uint8_t *bytes = exact(tests[i].text, len);

		if (spf_is_record(bytes, len) != tests[i].want)
			fail_msg("%s: %s", tests[i].section, tests[i].text);
		free(bytes);
	}
}

/* A record, and where it can't be read (-1: it can). */
struct row {
	const char *section;
	const char *text;
	int at;
	const char *fault;
};

static void
run(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		size_t len = strlen(r->text);
		uint8_t *bytes = exact(r->text, len);
		struct spf_outline outline;
		struct spf_cursor c;
		bool good = spf_record_check(&c, bytes, len, &outline);

		if (good != (r->at < 0))
			fail_msg("%s: %s: %s", r->section, r->text,
			    good ? "good" : c.fault);
		if (!good &&
		    (c.fault_at != r->at || strcmp(c.fault, r->fault) != 0))
			fail_msg("%s: %s: \"%s\" at %u, not \"%s\" at %d",
			    r->section, r->text, c.fault, c.fault_at, r->fault,
			    r->at);
		free(bytes);
	}
}

static void
test_terms(void **state)
{
	static const struct row rows[] = {
	    {"4.6.1", "v=spf1", -1, NULL},
	    {"4.6.1", "v=spf1  a   mx  ", -1, NULL},
	    {"4.6.1", "v=spf1 a\tmx", 8, "unexpected character"},
	    {"4.6.1", "v=spf1 foo", 7, "unknown mechanism"},
	    {"4.6.1", "v=spf1 -foo:bar.test", 8, "unknown mechanism"},
	    {"4.6.1", "v=spf1 mx.a.test", 9, "unexpected character"},
	    {"4.6.1", "v=spf1 spf.a.test", 7, "unknown mechanism"},
	    {"4.6.1", "v=spf1 ~", 7, "unknown mechanism"},
	    {"4.6.1", "v=spf1 --all", 8, "unknown mechanism"},
	    {"4.6.1", "v=spf1 =all", 7, "unknown mechanism"},
	    {"4.6.1", "v=spf1 moo=", -1, NULL},
	    {"4.6.1", "v=spf1 m-o_o.1=%{d}x", -1, NULL},
	    {"4.6.1", "v=spf1 1moo=x", 7, "unknown mechanism"},
	    {"4.6.1", "v=spf1 -moo=x", 8, "unknown mechanism"},
	    {"6", "v=spf1 moo=x moo=x", -1, NULL},
	    {"6", "v=spf1 exp=a.test a exp=b.test", 20,
		"may be there only once"},
	    {"6.1", "v=spf1 redirect=a.test Redirect=a.test", 23,
		"may be there only once"},
	    {"6.1", "v=spf1 redirect=", 16, "a domain name is missing"},
	    {"6.1", "v=spf1 redirect:a.test", 7, "unknown mechanism"},
	    {"6.2", "v=spf1 exp=", 11, "a domain name is missing"},
	    {"3.1", "v=spf1 a:\x80.test", 9, "not a visible ASCII character"},
	    {"3.1", "v=spf1 \xe2\x80\x9c", 7, "unknown mechanism"},
	    {"5.1", "v=spf1 -all a", -1, NULL},
	    {"5.1", "v=spf1 all.", 10, "nothing may follow the word all"},
	    {"5.1", "v=spf1 -all:x.test", 11,
		"nothing may follow the word all"},
	    {"5.1", "v=spf1 all/8", 10, "nothing may follow the word all"},
	    {"5.1", "v=spf1 ALL", -1, NULL},
	    {"5.2", "v=spf1 include:a.test", -1, NULL},
	    {"5.2", "v=spf1 include", 14, "a domain name is missing"},
	    {"5.2", "v=spf1 include: -all", 15, "a domain name is missing"},
	    {"5.2", "v=spf1 include:a.test/24", 21, "not a top-level domain"},
	    {"5.2", "v=spf1 include:a.test,", 21, "not a top-level domain"},
	    {"5.5", "v=spf1 ptr ptr:a.test", -1, NULL},
	    {"5.5", "v=spf1 ptr/0", 10, "unexpected character"},
	    {"5.5", "v=spf1 ptr:", 11, "a domain name is missing"},
	    {"5.7", "v=spf1 exists:%{ir}.a.test", -1, NULL},
	    {"5.7", "v=spf1 exists", 13, "a domain name is missing"},
	    {"5.7", "v=spf1 +exists", 14, "a domain name is missing"},
	    {"5.7", "v=spf1 exists:a.test/24", 20, "not a top-level domain"},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows));
}

static void
test_addresses(void **state)
{
	static const struct row rows[] = {
	    {"5.3", "v=spf1 a a/24 a//64 a/24//64 a/0 a//0", -1, NULL},
	    {"5.3", "v=spf1 a:a.test/24//64 mx:a.test//128", -1, NULL},
	    {"5.3", "v=spf1 a/33", 10, "bad prefix length"},
	    {"5.3", "v=spf1 a//129", 12, "bad prefix length"},
	    {"5.3", "v=spf1 a/024", 10, "bad prefix length"},
	    {"5.3", "v=spf1 a/24/64", 13, "bad prefix length"},
	    {"5.3", "v=spf1 a/", 8, "unexpected character"},
	    {"5.3", "v=spf1 a:a.test/", 15, "not a top-level domain"},
	    {"5.3", "v=spf1 a:a.test//", 15, "not a top-level domain"},
	    {"5.3", "v=spf1 a:foo:bar/baz.a.test/28", -1, NULL},
	    {"5.4", "v=spf1 mx/33", 11, "bad prefix length"},
	    {"5.4", "v=spf1 mx:", 10, "a domain name is missing"},
	    {"5.6", "v=spf1 ip4:192.0.2.1 ip4:0.0.0.0/0", -1, NULL},
	    {"5.6", "v=spf1 ip4", 10, "an address is missing"},
	    {"5.6", "v=spf1 ip4:", 11, "bad address"},
	    {"5.6", "v=spf1 ip4:192.0.2", 18, "bad address"},
	    {"5.6", "v=spf1 ip4:192.0.2.256", 21, "bad address"},
	    {"5.6", "v=spf1 ip4:192.0.02.1", 18, "bad address"},
	    {"5.6", "v=spf1 ip4:192.0.2.1:25", 20, "bad address"},
	    {"5.6", "v=spf1 ip4:192.0.2.1~all", 20, "bad address"},
	    {"5.6", "v=spf1 ip4:192.0.2.1,ip4:192.0.2.2", 20, "bad address"},
	    {"5.6", "v=spf1 ip4:192.0.2.1/33", 22, "bad prefix length"},
	    {"5.6", "v=spf1 ip4:192.0.2.1/032", 22, "bad prefix length"},
	    {"5.6", "v=spf1 ip4:192.0.2.1//32", 20, "bad address"},
	    {"5.6", "v=spf1 ip4:192.0.2.1/", 20, "bad address"},
	    {"5.6", "v=spf1 ip6:2001:db8::1/64 ip6:::/0 ip6:::1", -1, NULL},
	    {"5.6", "v=spf1 ip6:1:2:3:4:5:6:7:8 ip6:1::", -1, NULL},
	    {"5.6", "v=spf1 ip6:::ffff:192.0.2.1 ip6:1:2:3:4:5:6:1.2.3.4", -1,
		NULL},
	    {"5.6", "v=spf1 ip6:1:2:3:4:5:6:7::", -1, NULL},
	    {"5.6", "v=spf1 ip6:1:2:3:4:5:6:7", 24, "bad address"},
	    {"5.6", "v=spf1 ip6:1:2:3:4:5:6:7:8:9", 27, "bad address"},
	    {"5.6", "v=spf1 ip6:1:2:3:4:5:6:7:8::", 28, "bad address"},
	    {"5.6", "v=spf1 ip6:1::2::3", 16, "bad address"},
	    {"5.6", "v=spf1 ip6:12345::", 15, "bad address"},
	    {"5.6", "v=spf1 ip6:1:", 13, "bad address"},
	    {"5.6", "v=spf1 ip6::1", 11, "bad address"},
	    {"5.6", "v=spf1 ip6:fe80::1%eth0", 18, "bad address"},
	    {"5.6", "v=spf1 ip6:::192.0.2.300", 23, "bad address"},
	    {"5.6", "v=spf1 ip6:::/129", 16, "bad prefix length"},
	    {"5.6", "v=spf1 ip6:2001:db8::1//64", 22, "bad address"},
	    {"5.6", "v=spf1 ip6", 10, "an address is missing"},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows));
}

static void
test_domains(void **state)
{
	static const struct row rows[] = {
	    {"7.1", "v=spf1 a:a.test.", -1, NULL},
	    {"7.1", "v=spf1 a:test", 9, "not a full domain name"},
	    {"7.1", "v=spf1 a:test.", 9, "not a full domain name"},
	    {"7.1", "v=spf1 a:a.123", 11, "not a top-level domain"},
	    {"7.1", "v=spf1 a:1.2.3.4", 15, "not a top-level domain"},
	    {"7.1", "v=spf1 a:a.-com", 11, "not a top-level domain"},
	    {"7.1", "v=spf1 a:a.com-", 14, "not a top-level domain"},
	    {"7.1", "v=spf1 a:a.c_m", 12, "not a top-level domain"},
	    {"7.1", "v=spf1 a:a.xn--zckzah a:a.1a", -1, NULL},
	    {"7.1", "v=spf1 a:a.test:8080", 15, "not a top-level domain"},
	    {"7.1", "v=spf1 a:a..test", -1, NULL},
	    {"7.1", "v=spf1 a:.", 9, "not a full domain name"},
	    {"7.1", "v=spf1 a:%{d} a:%{d}.test a:x%%", -1, NULL},
	    {"7.1", "v=spf1 a:%{d}test", 13, "not a full domain name"},
	    {"7.2", "v=spf1 exists:%{z}.test", 16, "unknown macro letter"},
	    {"7.2", "v=spf1 exists:%{}.test", 16, "unknown macro letter"},
	    {"7.2", "v=spf1 exists:%(d).test", 14, "a % that begins no macro"},
	    {"7.2", "v=spf1 exists:a.test%", 20, "a % that begins no macro"},
	    {"7.2", "v=spf1 exists:%{d.test", 18, "macro without its }"},
	    {"7.2", "v=spf1 exists:%{d5x}.test", 18, "macro without its }"},
	    {"7.2", "v=spf1 exists:%{d r}.test", 17, "macro without its }"},
	    {"7.2", "v=spf1 exists:%{c}.test", 16,
		"macro letter only for explanations"},
	    {"7.2", "v=spf1 exists:%{R}.test", 16,
		"macro letter only for explanations"},
	    {"7.2", "v=spf1 moo=%{t}", 13,
		"macro letter only for explanations"},
	    {"7.3", "v=spf1 exists:%{d0}.test", 18, "macro keeps 0 parts"},
	    {"7.3", "v=spf1 exists:%{d10r+-,/_=.}.test", -1, NULL},
	    {"7.3", "v=spf1 exists:%{l999999999999}.test", -1, NULL},
	    {"7.3", "v=spf1 exists:%{drx}.test", 18, "macro without its }"},
	};

	(void)state;
	run(rows, ARRAY_LEN(rows));
}

static void
next(struct spf_cursor *c, struct spf_term *t)
{
	assert_int_equal(spf_cursor_next(c, t), SPF_READ_TERM);
}

/* What is said of a term, and where it stands. */
static void
test_places(void **state)
{
	static const char text[] = "v=spf1  -A:x.test/24//64 ip6:2001:db8::/32 "
				   "~mx ?ip4:192.0.2.1 redirect=%{d} ";
	static const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8};
	struct spf_cursor c;
	struct spf_term t;

	(void)state;
	spf_cursor_init(&c, (const uint8_t *)text, strlen(text));
	next(&c, &t);
	assert_int_equal(t.kind, SPF_A);
	assert_int_equal(t.qualifier, '-');
	assert_int_equal(t.at, 8);
	assert_int_equal(t.len, 16);
	assert_int_equal(t.spec_at, 11);
	assert_int_equal(t.spec_len, 6);
	assert_int_equal(t.cidr4, 24);
	assert_int_equal(t.cidr6, 64);
	next(&c, &t);
	assert_int_equal(t.kind, SPF_IP6);
	assert_int_equal(t.qualifier, '+');
	assert_int_equal(t.addr.family, 6);
	assert_memory_equal(t.addr.octets, v6, 16);
	assert_int_equal(t.cidr6, 32);
	next(&c, &t);
	assert_int_equal(t.kind, SPF_MX);
	assert_int_equal(t.qualifier, '~');
	assert_int_equal(t.spec_len, 0);
	assert_int_equal(t.cidr4, 32);
	assert_int_equal(t.cidr6, 128);
	next(&c, &t);
	assert_int_equal(t.kind, SPF_IP4);
	assert_int_equal(t.qualifier, '?');
	assert_int_equal(t.addr.octets[3], 1);
	next(&c, &t);
	assert_int_equal(t.kind, SPF_REDIRECT);
	assert_int_equal(t.spec_len, 4);
	assert_int_equal(spf_cursor_next(&c, &t), SPF_READ_END);
	assert_int_equal(spf_cursor_next(&c, &t), SPF_READ_END);
}

static void
test_outline(void **state)
{
	static const char text[] =
	    "v=spf1 a mx ptr exists:a.test include:b.test "
	    "ip4:192.0.2.1 ?all exp=e.test -all "
	    "redirect=c.test moo=x";
	struct spf_outline o;
	struct spf_cursor c;

	(void)state;
	assert_true(
	    spf_record_check(&c, (const uint8_t *)text, strlen(text), &o));
	assert_true(o.has_all && o.has_redirect && o.has_exp);
	assert_int_equal(o.all.qualifier, '?'); /* the first one */
	assert_int_equal(o.lookups, 6);
	assert_int_equal(text[o.redirect.spec_at], 'c');
	assert_int_equal(text[o.exp.spec_at], 'e');
}

/* The same octets, be they as many as there can be. */
static void
test_long(void **state)
{
	size_t len = SPF_RECORD_MAX + 1;
	uint8_t *text = malloc(len);
	struct spf_outline o;
	struct spf_cursor c;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', len);
	memcpy(text, "v=spf1", 6);
	for (size_t i = 7; i + 1 < len; i += 2)
		text[i] = 'a';
	assert_true(spf_record_check(&c, text, len - 1, &o));
	assert_int_equal(o.lookups, (SPF_RECORD_MAX - 6) / 2);
	assert_false(spf_record_check(&c, text, len, &o));
	assert_string_equal(c.fault, "record too long");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_version),
	    cmocka_unit_test(test_terms),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_domains),
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_outline),
	    cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
