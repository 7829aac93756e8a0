/* SPDX-License-Identifier: Apache-2.0 */
#include "core/txt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void
test_join(void **state)
{
	static const struct {
		const char *name;
		const char *rdata;
		size_t len, cap;
		bool ok;
		const char *want;
		size_t want_len;
	} tests[] = {
	    {"one", "\3abc", 4, 9, true, "abc", 3},
	    {"two, nothing between", "\2ab\1c", 5, 9, true, "abc", 3},
	    {"empty string", "\0", 1, 9, true, "", 0},
	    {"empty strings among others", "\0\1a\0\1b\0", 7, 9, true, "ab", 2},
	    {"NUL is an octet", "\3a\0b", 4, 9, true, "a\0b", 3},
	    {"no string", "", 0, 9, false, "", 0},
	    {"past the end", "\4abc", 4, 9, false, "", 0},
	    {"second past the end", "\1a\2b", 4, 9, false, "", 0},
	    {"length at the end", "\1a\1", 3, 9, false, "", 0},
	    {"fits", "\3abc", 4, 3, true, "abc", 3},
	    {"does not fit", "\3abc", 4, 2, false, "", 0},
	    {"together do not fit", "\2ab\2cd", 6, 3, false, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		uint8_t out[16];
		size_t len = 99;
		bool ok = txt_join((const uint8_t *)tests[i].rdata,
		    tests[i].len, out, tests[i].cap, &len);

		if (ok != tests[i].ok || len != tests[i].want_len ||
		    memcmp(out, tests[i].want, len) != 0)
			fail_msg("%s", tests[i].name);
	}
}

static void
test_show(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, cap;
		const char *want;
	} tests[] = {
	    {"token=abc", 9, 100, "token=abc"},
	    {"", 0, 5, ""},
	    {"a\0b", 3, 100, "a\\000b"},
	    {"\x1b[31m", 5, 100, "\\027[31m"},
	    {"\"\\", 2, 100, "\\034\\092"},
	    {"\xc3\xa9", 2, 100, "\\195\\169"},
	    {"\r\n", 2, 100, "\\013\\010"},
	    /* exactly full, and one less */
	    {"abcdef", 6, 7, "abcdef"},
	    {"abcdef", 6, 6, "ab..."},
	    {"abcdef", 6, 5, "a..."},
	    /* no half escapes */
	    {"ab\xff", 3, 7, "ab\\255"},
	    {"ab\xff", 3, 6, "ab..."},
	    {"\xff\xff", 2, 5, "..."},
	    {"\xff\xff", 2, 8, "\\255..."},
	    {"\xff", 1, 5, "\\255"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		char out[100];
		size_t n;

		memset(out, 'X', sizeof(out));
		n = txt_show((const uint8_t *)tests[i].bytes, tests[i].len, out,
		    tests[i].cap);
		/* not %s: a wrong one may not be terminated */
		assert_memory_equal(
		    out, tests[i].want, strlen(tests[i].want) + 1);
		assert_int_equal(n, strlen(tests[i].want));
	}
}

static void
test_equal(void **state)
{
	static const struct {
		const char *a;
		size_t a_len;
		const char *b;
		size_t b_len;
		bool want;
	} tests[] = {
	    {"abc", 3, "abc", 3, true},
	    {"", 0, "", 0, true},
	    {"abc", 3, "abd", 3, false},
	    {"abc", 3, "Abc", 3, false},
	    {"abc", 3, "ab", 2, false},
	    {"abc\0x", 5, "abc\0y", 5, false},
	    {"abc", 3, "abc\0", 4, false},
	    {"\x01\x00", 2, "\x00\x01", 2, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		assert_int_equal(
		    txt_equal((const uint8_t *)tests[i].a, tests[i].a_len,
			(const uint8_t *)tests[i].b, tests[i].b_len),
		    tests[i].want);
}

/* Only letters of ASCII have a case. */
static void
test_case(void **state)
{
	(void)state;
	for (unsigned c = 0; c <= UINT8_MAX; c++)
		assert_int_equal(txt_lower((uint8_t)c),
		    c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	assert_true(txt_alike("aB\0z", "Ab\0Z", 4));
	assert_false(txt_alike("aB\0z", "Ab\0Y", 4));
	assert_false(txt_alike("@[`{", "`{@[", 4));
	assert_true(txt_alike("x", "y", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_join),
	    cmocka_unit_test(test_show),
	    cmocka_unit_test(test_equal),
	    cmocka_unit_test(test_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
