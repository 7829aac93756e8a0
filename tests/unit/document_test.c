/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents: what is refused, and finding one's way in them. */
#include "io/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct document *
read_ok(const char *text)
{
	struct document *d;
	struct err e;

	assert_int_equal(document_read(&d, text, strlen(text), &e), OK);
	assert_non_null(d);
	return d;
}

static void
refuses(void **state)
{
	static const struct {
		const char *text, *say;
	} rows[] = {
	    {"", "line 1"},
	    {"{\"a\":1,\"a\":2}", "duplicate"},
	    {"{\"a\":1}\n x", "line 2"},
	    {"{\"a\":\n  \x1b[31m}", "line 2"},
	    {"[[[[[[[[[]]]]]]]]]", "line 1 column 9: nested deeper than 8"},
	    {"{\"\\\"[\":\n[[[[[[[\n  [[", "line 3 column 3: nested deeper"},
	    {"{\"a\":\"\\u0000\"}", "line 1"},
	    {"{\"a\":\"\\ud800\"}", "line 1"},
	    {"{\"a\":\"\xc0\x80\"}", "line 1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct document *d = (struct document *)&d;
		struct err e = {.text = ""};

		assert_int_equal(
		    document_read(&d, rows[i].text, strlen(rows[i].text), &e),
		    REJECT);
		assert_null(d);
		assert_non_null(strstr(e.text, rows[i].say));
		for (const char *p = e.text; *p != '\0'; p++)
			assert_true(*p >= ' ' && *p <= '~');
	}
}

static void
eight_levels_and_a_mebibyte(void **state)
{
	size_t len = (1 << 20) + 1;
	char *text = malloc(len);
	struct document *d;
	struct err e;

	(void)state;
	document_free(read_ok("[[[[[[[[]]]]]]]]"));
	assert_int_equal(document_read(&d, "{\"a\":9\0}", 8, &e), REJECT);
	document_free(read_ok("{\"[[[[[[[[[[[[[[\\\"[[[\":[]}"));
	assert_non_null(text);
	memset(text, ' ', len);
	memcpy(text, "{}", 2);
	assert_int_equal(document_read(&d, text, len - 1, &e), OK);
	document_free(d);
	assert_int_equal(document_read(&d, text, len, &e), REJECT);
	free(text);
}

static void
finds(void **state)
{
	struct document *d =
	    read_ok("{\"a\":{\"b\":{\"c\":\"deep\"},\"n\":-7},"
		    "\"yes\":true,\"list\":[{\"x\":1},\"two\"],"
		    "\"r\":1.5,\"z\":null}");

	(void)state;
	assert_string_equal(document_text(d, "a.b.c"), "deep");
	assert_null(document_text(d, "a.b"));
	assert_null(document_text(d, "a.b.c.d"));
	assert_null(document_text(d, "none.b"));
	assert_null(document_text(d, "z"));
	assert_int_equal(document_number(d, "a.n", 3), -7);
	assert_int_equal(document_number(d, "a.b.c", 3), 3);
	assert_int_equal(document_number(d, "r", 3), 3);
	assert_int_equal(document_number(d, "none", 3), 3);
	assert_true(document_bool(d, "yes", false));
	assert_true(document_bool(d, "a.n", true));
	assert_false(document_bool(d, "none", false));
	assert_int_equal(document_count(d, "list"), 2);
	assert_int_equal(document_count(d, "a"), -1);
	assert_int_equal(document_count(d, "none"), -1);
	assert_int_equal(document_number(document_at(d, "list", 0), "x", 0), 1);
	assert_string_equal(document_self(document_at(d, "list", 1)), "two");
	assert_null(document_at(d, "list", 2));
	assert_null(document_at(d, "a", 0));
	document_free(d);
	document_free(NULL);
}

static void
members(void **state)
{
	struct document *d =
	    read_ok("{\"config\":{\"max.message.bytes\":\"9\",\"b\":2}}");
	const struct document *value;

	(void)state;
	assert_string_equal(
	    document_member(d, "config", 0, &value), "max.message.bytes");
	assert_string_equal(document_self(value), "9");
	assert_string_equal(document_member(d, "config", 1, &value), "b");
	assert_null(document_self(value));
	assert_null(document_member(d, "config", 2, &value));
	assert_null(value);
	assert_string_equal(document_member(d, "", 0, &value), "config");
	assert_null(document_member(d, "config.b", 0, &value));
	document_free(d);
}

static void
writes(void **state)
{
	struct document *d = read_ok(" { \"a\" : [ 1 , \"\xc3\xbc\" ] } ");
	struct document *list = read_ok("[]");
	struct err e;
	char *text;

	(void)state;
	assert_int_equal(document_set(d, "b", "{\"c\":null}", &e), OK);
	assert_int_equal(document_set(d, "n", "5", &e), OK);
	assert_int_equal(document_set(d, "n", "6", &e), OK);
	assert_int_equal(document_set(d, "n", "{", &e), REJECT);
	assert_int_equal(document_set(list, "n", "6", &e), REJECT);
	text = document_write(d);
	assert_string_equal(
	    text, "{\"a\":[1,\"\\u00FC\"],\"b\":{\"c\":null},\"n\":6}");
	document_text_free(text);
	document_free(list);
	document_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(eight_levels_and_a_mebibyte),
	    cmocka_unit_test(finds),
	    cmocka_unit_test(members),
	    cmocka_unit_test(writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
