/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648 section 10, and octets that need all digits. */
static const struct {
	const char *octets;
	size_t len;
	const char *text;
} pairs[] = {
    {"", 0, ""},
    {"f", 1, "Zg=="},
    {"fo", 2, "Zm8="},
    {"foo", 3, "Zm9v"},
    {"foob", 4, "Zm9vYg=="},
    {"fooba", 5, "Zm9vYmE="},
    {"foobar", 6, "Zm9vYmFy"},
    {"\0\0\0", 3, "AAAA"},
    {"\xff\xff\xff", 3, "////"},
    {"\xfb\xef\xbe", 3, "++++"},
    {"\0\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51\x55\x97"
     "\x61\x96\x9b\x71\xd7\x9f\x82\x18\xa3\x92\x59\xa7\xa2\x9a\xab\xb2\xdb\xaf"
     "\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e\xbb\xf3\xdf\xbf",
	48, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"},
};

static void
both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		char text[80];
		uint8_t octets[48];
		struct base64_end end;
		size_t n = base64_encode(
		    (const uint8_t *)pairs[i].octets, pairs[i].len, text);

		assert_string_equal(text, pairs[i].text);
		assert_int_equal(n, strlen(text));
		assert_int_equal(n, BASE64_DIGITS(pairs[i].len));
		assert_int_equal(base64_decode(octets, pairs[i].len,
				     (const uint8_t *)text, n, &end),
		    BASE64_OK);
		assert_int_equal(end.len, pairs[i].len);
		assert_int_equal(end.digits, n);
		assert_int_equal(end.at, n);
		assert_memory_equal(octets, pairs[i].octets, end.len);
	}
}

static void
decoding(void **state)
{
	static const struct {
		const char *text;
		size_t cap;
		enum base64_fault fault;
		const char *want;
		size_t at, digits;
	} tests[] = {
	    /* blanks between digits, RFC 6376 section 3.6.1 */
	    {" Zm9v", 9, BASE64_OK, "foo", 5, 4},
	    {"Z\tm\r\n9 v", 9, BASE64_OK, "foo", 8, 4},
	    {"Zm9v Zm9v\r\n ", 9, BASE64_OK, "foofoo", 12, 8},
	    {"Z g = = ", 9, BASE64_OK, "f", 8, 4},
	    {"   ", 9, BASE64_OK, "", 3, 0},
	    /* bits behind the last octet are not looked at */
	    {"Zh==", 9, BASE64_OK, "f", 4, 4},
	    /* what is no digit */
	    {"Zm-v", 9, BASE64_OCTET, "", 2, 2},
	    {"Zm9vZ_8=", 9, BASE64_OCTET, "foo", 5, 5},
	    {"Zm9v\v", 9, BASE64_OCTET, "foo", 4, 4},
	    {"Zm9v\xc2\xa0", 9, BASE64_OCTET, "foo", 4, 4},
	    {"-Zm9v", 9, BASE64_OCTET, "", 0, 0},
	    /* padding */
	    {"=", 9, BASE64_OCTET, "", 0, 0},
	    {"Z===", 9, BASE64_OCTET, "", 1, 1},
	    {"Zg=v", 9, BASE64_OCTET, "", 3, 3},
	    {"Zg===", 9, BASE64_OCTET, "f", 4, 4},
	    {"Zg==Zg==", 9, BASE64_OCTET, "f", 4, 4},
	    {"Zm8=Zm9v", 9, BASE64_OCTET, "fo", 4, 4},
	    {"Zm9v=", 9, BASE64_OCTET, "foo", 4, 4},
	    /* cut: the octets that are whole */
	    {"Z", 9, BASE64_CUT, "", 1, 1},
	    {"Zg", 9, BASE64_CUT, "f", 2, 2},
	    {"Zg=", 9, BASE64_CUT, "f", 3, 3},
	    {"Zm8", 9, BASE64_CUT, "fo", 3, 3},
	    {"Zm9vYmF", 9, BASE64_CUT, "fooba", 7, 7},
	    {"Zm9vYm ", 9, BASE64_CUT, "foob", 7, 6},
	    /* no room */
	    {"Zm9v", 2, BASE64_LONG, "", 3, 4},
	    {"Zm8=", 2, BASE64_OK, "fo", 4, 4},
	    {"Zg==", 0, BASE64_LONG, "", 3, 4},
	    {"Zm9vZg==", 3, BASE64_LONG, "foo", 7, 8},
	    {"Zm9vZg==", 4, BASE64_OK, "foof", 8, 8},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		size_t len = strlen(tests[i].text);
		uint8_t *text = test_malloc(len + 1);
		uint8_t *out = test_malloc(tests[i].cap + 1);
		struct base64_end end;
		enum base64_fault fault;

		memcpy(text, tests[i].text, len);
		fault = base64_decode(out, tests[i].cap, text, len, &end);
		if (fault != tests[i].fault ||
		    end.len != strlen(tests[i].want) ||
		    memcmp(out, tests[i].want, end.len) != 0 ||
		    end.at != tests[i].at || end.digits != tests[i].digits)
			fail_msg("%s: %d, %zu octets, at %zu, %zu digits",
			    tests[i].text, (int)fault, end.len, end.at,
			    end.digits);
		test_free(text);
		test_free(out);
	}
}

/* Each octet alone, as the second of four digits. */
static void
alphabet(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
				     "pqrstuvwxyz0123456789+/";

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		uint8_t text[4] = {'A', (uint8_t)c, 'A', 'A'}, out[3];
		struct base64_end end;
		enum base64_fault fault =
		    base64_decode(out, sizeof(out), text, 4, &end);
		const char *at = memchr(digits, (int)c, 64);

		if (at != NULL) {
			assert_int_equal(fault, BASE64_OK);
			assert_int_equal(
			    out[0] << 4 | out[1] >> 4, at - digits);
		} else {
			assert_int_equal(fault,
			    c == ' ' || c == '\t' || c == '\r' || c == '\n'
				? BASE64_CUT
				: BASE64_OCTET);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_ways),
	    cmocka_unit_test(decoding),
	    cmocka_unit_test(alphabet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
