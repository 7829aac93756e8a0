/* SPDX-License-Identifier: Apache-2.0 */
/* What reaches a terminal: nothing from outside moves its cursor. */
#include "producer/show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
line_is_harmless(void **state)
{
	static const char *const t[][2] = {
	    {"plain text", "plain text"},
	    {"b\xc3\xbc"
	     "cher",
		"b\xc3\xbc"
		"cher"},
	    {"a\033[2Jb", "a\\027[2Jb"}, {"a\r\nb\tc", "a\\013\\010b\\009c"},
	    {"a\x7f", "a\\127"},
	    {"\xc2\x9b", "\\194\\155"}, /* CSI in eight bits */
	    {"a\xe2\x80\xae"
	     "b",
		"a\\226\\128\\174b"}, /* right to left */
	    {"\xff\xfe", "\\255\\254"},
	    {"\xc3", "\\195"}, /* cut in the middle */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char out[64];

		show_line(t[i][0], out, sizeof(out));
		assert_string_equal(out, t[i][1]);
	}
}

static void
line_is_cut_between_characters(void **state)
{
	char out[8];

	(void)state;
	show_line("abcdef\xc3\xbc", out, sizeof(out));
	assert_string_equal(out, "abcdef");
	show_line("abcd\033", out, sizeof(out));
	assert_string_equal(out, "abcd");
}

static void
spans(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} t[] = {
	    {-5, "0 s"},
	    {0, "0 s"},
	    {999, "0 s"},
	    {25000, "25 s"},
	    {119000, "119 s"},
	    {120000, "2 min"},
	    {5400000, "90 min"},
	    {7200000, "2 h"},
	    {172800000, "2 d"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		char out[SHOW_SPAN_MAX];

		show_span(t[i].ms, out);
		assert_string_equal(out, t[i].want);
	}
}

static void
paragraph(void **state)
{
	char *text = NULL, *line, *rest;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int lines = 0;

	(void)state;
	assert_non_null(f);
	show_paragraph(f, "->",
	    "one two three four five six seven eight nine ten eleven twelve "
	    "thirteen fourteen \033[31m fifteen sixteen",
	    4);
	fclose(f);
	assert_null(strchr(text, '\033'));
	assert_memory_equal(text, "->  one two", 11);
	for (rest = text; (line = strsep(&rest, "\n")) != NULL; lines++) {
		assert_true(strlen(line) <= 78);
		assert_true(lines == 0 || *line == '\0' ||
			    strncmp(line, "    ", 4) == 0);
	}
	assert_int_equal(lines, 3);
	free(text);
}

static void
tints(void **state)
{
	(void)state;
	assert_int_equal(show_tint("green"), TINT_GREEN);
	assert_int_equal(show_tint("red"), TINT_RED);
	assert_int_equal(show_tint("amber"), TINT_AMBER);
	assert_int_equal(show_tint("grey"), TINT_GREY);
	assert_int_equal(show_tint("\033[0m"), TINT_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(line_is_harmless),
	    cmocka_unit_test(line_is_cut_between_characters),
	    cmocka_unit_test(spans),
	    cmocka_unit_test(paragraph),
	    cmocka_unit_test(tints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
