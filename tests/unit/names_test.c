/* SPDX-License-Identifier: Apache-2.0 */
#include "core/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/mem_fails.h"

static void
test_read(void **state)
{
	static const char text[] = "# public mail domains\n"
				   "gmail.com\n"
				   "  Outlook.COM \t# Microsoft\r\n"
				   "\n"
				   "xn--mgba3a4f16a.test.\n"
				   "gmail.com\n"
				   "#hotmail.com\n"
				   "last.test";
	struct names *set;
	struct err e;

	(void)state;
	assert_int_equal(names_read(&set, text, sizeof(text) - 1, &e), OK);
	assert_int_equal(names_count(set), 4);
	assert_true(names_has(set, "gmail.com"));
	assert_true(names_has(set, "outlook.com"));
	assert_true(names_has(set, "xn--mgba3a4f16a.test"));
	assert_true(names_has(set, "last.test"));
	assert_false(names_has(set, "hotmail.com"));
	assert_false(names_has(set, "mail.com"));
	assert_false(names_has(set, "x.gmail.com"));
	assert_false(names_has(set, "com"));
	assert_false(names_has(set, ""));
	names_free(set);
}

static void
test_empty(void **state)
{
	static const char *const texts[] = {"", "\n\n", "# nothing", " \t\r\n"};
	struct names *set;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(
		    names_read(&set, texts[i], strlen(texts[i]), &e), OK);
		assert_int_equal(names_count(set), 0);
		assert_false(names_has(set, ""));
		names_free(set);
	}
	assert_false(names_has(NULL, "gmail.com"));
	assert_int_equal(names_count(NULL), 0);
	names_free(NULL);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} tests[] = {
	    {"a.test\nb c.test\n", 16, "line 2: \"b c.test\""},
	    {"a..test", 7, "line 1: \"a..test\""},
	    {".", 1, "line 1: \".\""},
	    {"*.test", 6, "line 1: \"*.test\""},
	    {"a@b.test", 8, "line 1: \"a@b.test\""},
	    {"\n\n\xc3\xa9.test", 9, "line 3: \"\\195\\169.test\""},
	    {"a.te\0st", 7, "line 1: \"a.te\\000st\""},
	    {"a\x1b[31m.test", 11, "line 1: \"a\\027[31m.test\""},
	};
	struct names *set;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		assert_int_equal(
		    names_read(&set, tests[i].text, tests[i].len, &e), REJECT);
		assert_null(set);
		assert_memory_equal(
		    e.text, tests[i].want, strlen(tests[i].want));
	}
}

/* As many as the shipped lists hold. */
static void
test_many(void **state)
{
	static char text[100000];
	struct names *set;
	struct err e;
	size_t len = 0;

	(void)state;
	for (unsigned i = 5000; i > 0; i--)
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, "n%u.test\n", i);
	assert_int_equal(names_read(&set, text, len, &e), OK);
	assert_int_equal(names_count(set), 5000);
	for (unsigned i = 1; i <= 5000; i++) {
		char name[20];

		snprintf(name, sizeof(name), "n%u.test", i);
		assert_true(names_has(set, name));
		snprintf(name, sizeof(name), "m%u.test", i);
		assert_false(names_has(set, name));
	}
	names_free(set);
}

static void
test_no_memory(void **state)
{
	static const char text[] = "a.test\nb.test\n";
	struct names *set;
	struct err e;

	(void)state;
	for (mem_left = 0; mem_left < 3; mem_left++) {
		unsigned left = mem_left;

		assert_int_equal(
		    names_read(&set, text, sizeof(text) - 1, &e), RETRY);
		assert_null(set);
		assert_non_null(strstr(e.text, "no memory"));
		mem_left = left;
	}
	assert_int_equal(names_read(&set, text, sizeof(text) - 1, &e), OK);
	assert_int_equal(names_count(set), 2);
	names_free(set);
	mem_left = UINT32_MAX;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
