/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner and the writers of JSON: what is read, what is refused and at
 * which octet. */
#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(s) (s), sizeof(s) - 1

static void
scan(struct json_scan *s, const char *text, size_t len)
{
	json_scan(s, text, len);
	json_skip(s);
	json_scan_end(s);
}

static void
accepts(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
	    {TEXT("{}")},
	    {TEXT(" \t\r\n[ ] ")},
	    {TEXT("\"\"")},
	    {TEXT("[0,-0,1.5,-2e+9,3E-1,true,false,null]")},
	    {TEXT("99999999999999999999999999")},
	    {TEXT("{\"\":{\"\":{\"\":0}}}")},
	    {TEXT("{\"a\":{\"b\":1},\"b\":{\"a\":1,\"b\":[{\"a\":1}]}}")},
	    {TEXT("[[[[[[[[]]]]]]]]")},
	    {TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\uFFFF\"")},
	    {TEXT("\"\\ud83d\\ude00 \xf0\x9f\x98\x80 \x7f\"")},
	    {TEXT("\"\xf4\x8f\xbf\xbf\xef\xbf\xbf\xed\x9f\xbf\xc2\x80\"")},
	};
	struct json_scan s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scan(&s, rows[i].text, rows[i].len);
		if (s.bad != NULL)
			fail_msg(
			    "%s: %s at %zu", rows[i].text, s.bad, s.bad_at);
		assert_int_equal(s.depth, 0);
		assert_int_equal(s.names_n, 0);
	}
}

static void
refuses(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *bad;
		size_t at;
	} rows[] = {
	    {TEXT(""), "ends too early", 0},
	    {TEXT("  "), "ends too early", 2},
	    {TEXT("\xef\xbb\xbf{}"), "no value", 0},
	    {TEXT("{} x"), "behind the value", 3},
	    {TEXT("{}\0"), "behind the value", 2},
	    {TEXT("{"), "ends too early", 1},
	    {TEXT("{1:2}"), "no string", 1},
	    {TEXT("{\"a\"}"), "no colon", 4},
	    {TEXT("{\"a\":}"), "no value", 5},
	    {TEXT("{\"a\":1"), "ends too early", 6},
	    {TEXT("{\"a\":1 \"b\":2}"), "no comma", 7},
	    {TEXT("{\"a\":1,}"), "no string", 7},
	    {TEXT("[1,]"), "no value", 3},
	    {TEXT("[1 2]"), "no comma", 3},
	    {TEXT("[1}"), "no comma", 2},
	    {TEXT("{\"a\":1]"), "no comma", 6},
	    {TEXT("'a'"), "no value", 0},
	    {TEXT("tru"), "no value", 0},
	    {TEXT("trueX"), "behind", 4},
	    {TEXT("nul\0"), "no value", 0},
	    {TEXT("NaN"), "no value", 0},
	    {TEXT("01"), "leading zero", 2},
	    {TEXT("-01"), "leading zero", 3},
	    {TEXT("-"), "no number", 1},
	    {TEXT("1."), "no number", 2},
	    {TEXT("1e"), "no number", 2},
	    {TEXT("1e+"), "no number", 3},
	    {TEXT(".5"), "no value", 0},
	    {TEXT("+5"), "no value", 0},
	    {TEXT("\"a"), "without an end", 2},
	    {TEXT("\"a\\"), "without an end", 2},
	    {TEXT("\"\\\""), "without an end", 3},
	    {TEXT("\"\\x\""), "escape that is none", 1},
	    {TEXT("\"\\u12\""), "cut off", 3},
	    {TEXT("\"\\u12g4\""), "escape that is none", 5},
	    {TEXT("\"\\u0000\""), "NUL", 7},
	    {TEXT("\"a\0b\""), "NUL", 2},
	    {TEXT("\"a\nb\""), "control character", 2},
	    {TEXT("\"\\ud800\""), "surrogate", 7},
	    {TEXT("\"\\udc00\""), "surrogate", 7},
	    {TEXT("\"\\ud800\\n\""), "surrogate", 7},
	    {TEXT("\"\\ud800\\ud800\""), "surrogate", 13},
	    {TEXT("\"\\ud800\\u00e9\""), "surrogate", 13},
	    {TEXT("\"\x80\""), "UTF-8", 1},
	    {TEXT("\"\xc3\""), "UTF-8", 1},
	    {TEXT("\"\xc3("), "UTF-8", 1},
	    {TEXT("\"\xc0\xaf\""), "UTF-8", 1},
	    {TEXT("\"\xc1\xbf\""), "UTF-8", 1},
	    {TEXT("\"\xe0\x9f\xbf\""), "UTF-8", 1},
	    {TEXT("\"\xf0\x8f\xbf\xbf\""), "UTF-8", 1},
	    {TEXT("\"\xed\xa0\x80\""), "UTF-8", 1},
	    {TEXT("\"\xf4\x90\x80\x80\""), "UTF-8", 1},
	    {TEXT("\"\xf8\x88\x80\x80\x80\""), "UTF-8", 1},
	    {TEXT("\"\xe2\x82"), "UTF-8", 1},
	    {TEXT("[[[[[[[[[]]]]]]]]]"), "too deep", 8},
	    {TEXT("{\"a\":1,\"a\":2}"), "same name twice", 7},
	    {TEXT("{\"a\":1,\"\\u0061\":2}"), "same name twice", 7},
	    {TEXT("{\"\":1, \"\":2}"), "same name twice", 7},
	    {TEXT("{\"\xc3\xa9\":1,\"\\u00e9\":2}"), "same name twice", 8},
	    {TEXT("{\"x\":{\"a\":[1],\"b\":{\"a\":1},\"a\":2}}"),
		"same name twice", 26},
	};
	struct json_scan s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scan(&s, rows[i].text, rows[i].len);
		if (s.bad == NULL || strstr(s.bad, rows[i].bad) == NULL ||
		    s.bad_at != rows[i].at)
			fail_msg("%s: %s at %zu", rows[i].text,
			    s.bad == NULL ? "accepted" : s.bad, s.bad_at);
		assert_int_equal(
		    s.doubled, strcmp(rows[i].bad, "same name twice") == 0);
	}
}

/* Thousands of names are kept and compared, in the longest text there is. */
static void
many_names(void **state)
{
	static char text[JSON_SCAN_MAX + 1];
	struct json_scan s;
	size_t len = 1;

	(void)state;
	text[0] = '{';
	for (unsigned n = 0; len + 8 <= JSON_SCAN_MAX; n++)
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, "\"%03x\":0,", n);
	text[len - 1] = '}';
	memset(text + len, ' ', sizeof(text) - len);
	scan(&s, text, JSON_SCAN_MAX);
	assert_null(s.bad);
	scan(&s, text, JSON_SCAN_MAX + 1);
	assert_string_equal(s.bad, "too long");
	memcpy(text + len - 7, "000", 3);
	scan(&s, text, JSON_SCAN_MAX);
	assert_true(s.doubled);
	assert_int_equal(s.bad_at, len - 8);
}

static void
unescapes(void **state)
{
	static const char text[] = "\"\\\"\\\\\\/\\b\\f\\n\\r\\tA\\u0041\\u00e9"
				   "\\u20AC\\ud83d\\ude00\xc3\xa9\"";
	struct json_string got;
	struct json_scan s;

	(void)state;
	json_scan(&s, TEXT(text));
	got = json_read_string(&s);
	assert_string_equal(got.text,
	    "\"\\/\b\f\n\r\tAA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9");
	assert_int_equal(got.len, strlen(got.text));
	json_scan_end(&s);
	assert_null(s.bad);
}

static void
integers(void **state)
{
	static const struct {
		const char *text;
		bool fits;
		int64_t v;
	} rows[] = {
	    {"0", true, 0},
	    {"-0", true, 0},
	    {"172800", true, 172800},
	    {"-7", true, -7},
	    {"9223372036854775807", true, INT64_MAX},
	    {"-9223372036854775808", true, INT64_MIN},
	    {"9223372036854775808", false, 0},
	    {"-9223372036854775809", false, 0},
	    {"123456789012345678901234567890", false, 0},
	    {"1.0", false, 0},
	    {"1e3", false, 0},
	};
	struct json_scan s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t v = 0;

		json_scan(&s, rows[i].text, strlen(rows[i].text));
		assert_int_equal(json_read_integer(&s, &v), rows[i].fits);
		assert_int_equal(v, rows[i].v);
		json_scan_end(&s);
		assert_null(s.bad);
	}
}

static void
walks(void **state)
{
	static const char text[] = "{ \"a\" : [ 1, 22 ] , \"b\":\"x\" }";
	struct json_scan s;
	struct json_in object, array;
	struct json_string name, value = {.text = ""};
	int64_t sum = 0, v;

	(void)state;
	json_scan(&s, TEXT(text));
	assert_int_equal(json_next(&s), JSON_TYPE_OBJECT);
	for (json_open(&s, &object); json_member(&s, &object, &name);) {
		if (name.text[0] == 'b') {
			value = json_read_string(&s);
			continue;
		}
		assert_int_equal(json_next(&s), JSON_TYPE_ARRAY);
		assert_int_equal(json_at(&s), 8);
		for (json_open(&s, &array); json_element(&s, &array);) {
			assert_true(json_read_integer(&s, &v));
			sum += v;
		}
	}
	json_scan_end(&s);
	assert_null(s.bad);
	assert_int_equal(sum, 23);
	assert_string_equal(value.text, "x");
}

static void
writes(void **state)
{
	static const uint8_t bytes[] = {'a', '"', '\\', 0, 0x7f, 0xff, ' '};
	char out[400];
	struct writer w;

	(void)state;
	writer_init(&w, out, sizeof(out) - 1);
	json_raw(&w, "{");
	json_key(&w, "n");
	json_number(&w, INT64_MIN);
	json_key(&w, "z");
	json_number(&w, 0);
	json_key(&w, "t");
	json_text(&w, "a\"\\\n\x1b[31m\x7f\xc3\xa9\xf0\x9f\x98\x80\xff\xc3");
	json_key(&w, "b");
	json_bytes(&w, bytes, sizeof(bytes));
	json_key(&w, "l");
	json_raw(&w, "[");
	json_item(&w);
	json_text(&w, "[");
	json_item(&w);
	json_text(&w, "");
	json_raw(&w, "]");
	json_raw(&w, "}");
	assert_false(w.bad);
	out[w.len] = '\0';
	assert_string_equal(out,
	    "{\"n\":-9223372036854775808,\"z\":0,\"t\":\"a\\\"\\\\\\n\\u001b["
	    "31m"
	    "\\u007f\\u00e9\\ud83d\\ude00\\ufffd\\ufffd\","
	    "\"b\":\"a\\\\034\\\\092\\\\000\\\\127\\\\255 \",\"l\":[\"[\",\"\"]"
	    "}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accepts),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(many_names),
	    cmocka_unit_test(unescapes),
	    cmocka_unit_test(integers),
	    cmocka_unit_test(walks),
	    cmocka_unit_test(writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
