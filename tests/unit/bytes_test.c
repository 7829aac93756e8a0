/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void
test_round(void **state)
{
	static const uint8_t want[] = {1, 2, 3, 4, 5, 6, 7, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xfe, 0, 2, 'a', 'b', 9, 9};
	uint8_t buf[64];
	struct writer w;
	struct reader r;
	char text[3];

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	writer_u8(&w, 1);
	writer_u16(&w, 0x0203);
	writer_u32(&w, 0x04050607);
	writer_i64(&w, -2);
	writer_text(&w, "ab");
	writer_bytes(&w, "\t\t", 2);
	writer_bytes(&w, NULL, 0);
	assert_false(w.bad);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
	reader_init(&r, buf, w.len);
	assert_int_equal(reader_u8(&r), 1);
	assert_int_equal(reader_u16(&r), 0x0203);
	assert_int_equal(reader_u32(&r), 0x04050607);
	assert_int_equal(reader_i64(&r), -2);
	assert_int_equal(reader_text(&r, text, sizeof(text)), 2);
	assert_string_equal(text, "ab");
	assert_memory_equal(reader_bytes(&r, 2), "\t\t", 2);
	assert_int_equal(r.left, 0);
	assert_false(r.bad);
}

/* Once bad, always bad, and nothing more is read. */
static void
test_sticky(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct reader r;

	(void)state;
	reader_init(&r, bytes, sizeof(bytes));
	assert_int_equal(reader_u32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(reader_u8(&r), 0);
	assert_null(reader_bytes(&r, 0));
	assert_int_equal(r.left, 3);
}

static void
test_full(void **state)
{
	uint8_t buf[4] = {0};
	struct writer w;

	(void)state;
	writer_init(&w, buf, 3);
	writer_u16(&w, 0x0102);
	writer_u16(&w, 0x0304);
	assert_true(w.bad);
	assert_int_equal(w.len, 2);
	writer_u8(&w, 5);
	assert_int_equal(w.len, 2);
	assert_int_equal(buf[2], 0);
}

static void
test_texts(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool text, print;
	} tests[] = {
	    {"\0\3abc", 5, true, true},
	    {"\0\0", 2, true, true},
	    {"\0\3a\0c", 5, false, false},
	    {"\0\4abcd", 6, false, false}, /* the room is 4 */
	    {"\0\3ab", 4, false, false},
	    {"\377\377ab", 4, false, false},
	    {"\0\3a\nb", 5, true, false},
	    {"\0\2\303\251", 4, true, false},
	    {"\0\1\177", 3, true, false},
	    {"\0\3 ~!", 5, true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct reader r;
		char out[4] = "xxx";

		reader_init(&r, tests[i].bytes, tests[i].len);
		reader_text(&r, out, sizeof(out));
		if (r.bad == tests[i].text)
			fail_msg("text %zu", i);
		if (r.bad)
			assert_string_equal(out, "");
		reader_init(&r, tests[i].bytes, tests[i].len);
		reader_print(&r, out, sizeof(out));
		if (r.bad == tests[i].print)
			fail_msg("print %zu", i);
		if (r.bad)
			assert_string_equal(out, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round),
	    cmocka_unit_test(test_sticky),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
