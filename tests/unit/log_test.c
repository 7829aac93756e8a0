/* SPDX-License-Identifier: Apache-2.0 */
/* Lines as another reader of JSON sees them. */
#include "io/log.h"

#include "io/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static int before = -1, line_fd = -1;
static char line[16384];

/* Standard error becomes a socket that keeps each write(2) apart. */
static int
set_up(void **state)
{
	int fd[2];

	(void)state;
	before = dup(STDERR_FILENO);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) != 0)
		return -1;
	dup2(fd[1], STDERR_FILENO);
	close(fd[1]);
	line_fd = fd[0];
	log_open("scheduler", LOG_INFO);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dup2(before, STDERR_FILENO);
	close(before);
	close(line_fd);
	return 0;
}

/* The next line, its newline cut off; NULL if there is none. */
static const char *
next_line(void)
{
	ssize_t n = recv(line_fd, line, sizeof(line) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return NULL;
	assert_true(n <= 4096);
	assert_int_equal(line[n - 1], '\n');
	line[n - 1] = '\0';
	assert_null(strpbrk(line, "\n\r"));
	return line;
}

static json_t *
next_object(void)
{
	json_error_t e;
	json_t *o = json_loads(next_line(), JSON_REJECT_DUPLICATES, &e);

	if (o == NULL)
		fail_msg("%s in %s", e.text, line);
	return o;
}

static void
a_line_has_its_parts_in_order(void **state)
{
	char want[256];

	(void)state;
	log_line(LOG_WARN, "job.accepted",
	    FIELDS(TEXT("org", "acme"), INT("n", -3), INT("max", INT64_MAX)));
	assert_non_null(next_line());
	snprintf(want, sizeof(want),
	    "\",\"level\":\"warning\",\"role\":\"scheduler\",\"pid\":%ld,"
	    "\"event\":\"job.accepted\",\"org\":\"acme\",\"n\":-3,"
	    "\"max\":%" PRId64 "}",
	    (long)getpid(), INT64_MAX);
	assert_memory_equal(line, "{\"at\":\"20", 9);
	assert_string_equal(line + 7 + CLOCK_TEXT - 1, want);
	log_line(LOG_ERROR, "no.fields", NULL);
	json_decref(next_object());
	assert_null(next_line());
}

static void
levels_are_kept(void **state)
{
	enum log_level level;

	(void)state;
	log_line(LOG_DEBUG, "x", NULL);
	assert_null(next_line());
	log_open("resolver", LOG_ERROR);
	log_line(LOG_WARN, "x", NULL);
	assert_null(next_line());
	log_line(LOG_ERROR, "x", NULL);
	assert_non_null(next_line());
	log_open("resolver", LOG_DEBUG);
	log_line(LOG_DEBUG, "x", NULL);
	assert_non_null(strstr(next_line(), "\"level\":\"debug\""));
	assert_true(log_level_parse("warning", &level));
	assert_int_equal(level, LOG_WARN);
	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_DEBUG);
	assert_false(log_level_parse("loud", &level));
	assert_false(log_level_parse("", &level));
}

static void
nothing_can_forge_a_line(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
	    {"plain", "plain"},
	    {"a\"b\\c/d", "a\\\"b\\\\c/d"},
	    {"\n{\"at\":1}\r\t", "\\u000a{\\\"at\\\":1}\\u000d\\u0009"},
	    {"\x1b[2J\x7f", "\\u001b[2J\\u007f"},
	    {"\xc2\x9b", "\\u009b"}, /* CSI in one character */
	    {"\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7",
		"\xc2\xa0\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7"},
	    {"\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8", /* turns, new line */
		"\\u202e\\u2066\\u2028"},
	    {"\xef\xbb\xbf", "\\ufeff"},
	    {"\xff", "\\ufffd"},
	    {"\x80x", "\\ufffdx"},
	    {"\xc3", "\\ufffd"},   /* cut short */
	    {"\xc3(", "\\ufffd("}, /* the '(' stays */
	    {"\xe2\x82", "\\ufffd\\ufffd"},
	    {"\xc0\xaf", "\\ufffd\\ufffd"}, /* overlong '/' */
	    {"\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd"},
	    {"\xf0\x82\x82\xac", "\\ufffd\\ufffd\\ufffd\\ufffd"},
	    {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"}, /* surrogate */
	    {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
	    {"\xf5", "\\ufffd"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *at;

		log_line(LOG_INFO, "e", FIELDS(TEXT("t", rows[i].text)));
		at = strstr(next_line(), "\"t\":\"");
		assert_non_null(at);
		assert_memory_equal(at + 5, rows[i].want, strlen(rows[i].want));
		assert_string_equal(at + 5 + strlen(rows[i].want), "\"}");
		json_decref(json_loads(line, 0, NULL));
	}
}

/* Every length of a text of each kind of character, alone and before other
 * fields: always one line of JSON, and cut only if it says so. */
static void
long_texts_are_cut(void **state)
{
	static const char *const kind[] = {
	    "a", "\"", "\x01", "\xff", "\xe2\x82\xac", "\xf0\x9f\x90\xa7"};
	static char text[6000];

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kind); k++) {
		size_t step = strlen(kind[k]);

		for (size_t n = 0; n < 1010; n += n % 7 + 1) {
			json_t *o;
			const char *got;

			for (size_t i = 0; i < n; i++)
				memcpy(text + i % 1000 * step, kind[k], step);
			text[(n < 1000 ? n : 1000) * step] = '\0';
			log_line(LOG_INFO, "e",
			    FIELDS(TEXT("t", text), TEXT("u", text),
				TEXT("v", text), INT("n", 1)));
			o = next_object();
			got = json_string_value(json_object_get(o, "t"));
			assert_non_null(got);
			if (json_object_get(o, "cut") == NULL)
				assert_non_null(json_object_get(o, "n"));
			if (json_object_get(o, "cut") == NULL && k < 3)
				assert_string_equal(got, text);
			json_decref(o);
		}
	}
}

/* A line that is filled to its last octets by fields. */
static void
many_fields_are_cut(void **state)
{
	struct log_field fields[200];
	char text[40];

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		json_t *o;

		memset(text, 'x', len);
		text[len] = '\0';
		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			fields[i] = (struct log_field){
			    .name = i % 2 == 0 ? "some.text" : "number",
			    .text = i % 2 == 0 ? text : NULL,
			    .number = INT64_MIN};
		fields[199].name = NULL;
		log_line(LOG_INFO, "e", fields);
		o = json_loads(next_line(), 0, NULL);
		assert_non_null(o);
		assert_int_equal(
		    json_integer_value(json_object_get(o, "cut")), 1);
		json_decref(o);
	}
}

static void
errno_is_kept(void **state)
{
	(void)state;
	errno = EDOM;
	close(STDERR_FILENO);
	log_line(LOG_INFO, "e", NULL);
	assert_int_equal(errno, EDOM);
}

#define log_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    log_test(a_line_has_its_parts_in_order),
	    log_test(levels_are_kept),
	    log_test(nothing_can_forge_a_line),
	    log_test(long_texts_are_cut),
	    log_test(many_fields_are_cut),
	    log_test(errno_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
