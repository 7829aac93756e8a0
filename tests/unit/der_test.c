/* SPDX-License-Identifier: Apache-2.0 */
#include "core/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) text, sizeof(text) - 1

/* One element of a tag: content and what is left, or bad. X.690. */
static const struct {
	const char *name;
	const char *bytes;
	size_t len;
	enum der_tag tag;
	bool bad;
	size_t content;
	size_t left;
	size_t whole;
} elements[] = {
    {"8.1.3.4 short", BYTES("\x02\x01\x05"), DER_INTEGER, false, 1, 0, 3},
    {"more behind", BYTES("\x02\x01\x05\x05\0"), DER_INTEGER, false, 1, 2, 3},
    {"empty", BYTES("\x05\0"), DER_NULL, false, 0, 0, 2},
    {"another tag", BYTES("\x03\x01\x05"), DER_INTEGER, true, 0, 0, 3},
    {"nothing", BYTES(""), DER_INTEGER, true, 0, 0, 0},
    {"tag alone", BYTES("\x02"), DER_INTEGER, true, 0, 0, 0},
    {"cut", BYTES("\x02\x02\x05"), DER_INTEGER, true, 0, 0, 4},
    {"8.1.3.5 long", BYTES("\x30\x82\x01\x01"), DER_SEQUENCE, true, 0, 0, 261},
    {"long, cut in the length", BYTES("\x30\x82\x01"), DER_SEQUENCE, true, 0, 0,
	0},
    {"10.1 not shortest", BYTES("\x30\x81\x01\0"), DER_SEQUENCE, true, 0, 0, 0},
    {"10.1 not shortest", BYTES("\x30\x82\0\x01\0"), DER_SEQUENCE, true, 0, 0,
	0},
    {"10.1 not shortest", BYTES("\x30\x81\x7f"), DER_SEQUENCE, true, 0, 0, 0},
    {"shortest of its kind", BYTES("\x30\x81\x80"), DER_SEQUENCE, true, 0, 0,
	131},
    {"8.1.3.6 indefinite", BYTES("\x30\x80\0\0"), DER_SEQUENCE, true, 0, 0, 0},
    {"three octets", BYTES("\x30\x83\x01\0\0"), DER_SEQUENCE, true, 0, 0,
	65541},
    {"four octets", BYTES("\x30\x84\x01\0\0\0"), DER_SEQUENCE, true, 0, 0, 0},
    {"8.1.3.5 c) 0xff", BYTES("\x30\xff\0\0"), DER_SEQUENCE, true, 0, 0, 0},
};

static void
taking(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(elements); i++) {
		uint8_t *bytes = test_malloc(elements[i].len + 1);
		uint8_t *exact = bytes + 1; /* ends where the memory does */
		struct der d, inner;

		memcpy(exact, elements[i].bytes, elements[i].len);
		der_init(&d, exact, elements[i].len);
		assert_int_equal(
		    der_whole(exact, elements[i].len), elements[i].whole);
		inner = der_take(&d, elements[i].tag);
		if (d.bad != elements[i].bad || inner.bad != d.bad ||
		    inner.left != elements[i].content ||
		    (!d.bad && d.left != elements[i].left))
			fail_msg("%s", elements[i].name);
		assert_int_equal(der_done(&d), !d.bad && d.left == 0);
		test_free(bytes);
	}
}

/* Once bad, bad for ever. */
static void
sticky(void **state)
{
	static const uint8_t bytes[] = {0x02, 0x01, 0x05};
	struct der d;

	(void)state;
	der_init(&d, bytes, sizeof(bytes));
	assert_true(der_next_is(&d, DER_INTEGER));
	assert_true(der_take(&d, DER_NULL).bad);
	assert_false(der_next_is(&d, DER_INTEGER));
	assert_true(der_take(&d, DER_INTEGER).bad);
	assert_true(der_unsigned(&d).bad);
	assert_false(der_done(&d));
}

/* X.690 section 8.3: two's complement, and shortest. */
static void
integers(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool bad;
		const char *want;
		size_t want_len;
	} tests[] = {
	    {BYTES("\x02\x01\x01"), false, BYTES("\x01")},
	    {BYTES("\x02\x01\x7f"), false, BYTES("\x7f")},
	    {BYTES("\x02\x02\0\x80"), false, BYTES("\x80")},
	    {BYTES("\x02\x03\x01\0\x01"), false, BYTES("\x01\0\x01")},
	    {BYTES("\x02\x01\0"), true, BYTES("")},
	    {BYTES("\x02\0"), true, BYTES("")},
	    {BYTES("\x02\x01\x80"), true, BYTES("")},
	    {BYTES("\x02\x02\0\x7f"), true, BYTES("")},
	    {BYTES("\x02\x02\0\0"), true, BYTES("")},
	    {BYTES("\x03\x01\x01"), true, BYTES("")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct der d, number;

		der_init(&d, (const uint8_t *)tests[i].bytes, tests[i].len);
		number = der_unsigned(&d);
		assert_int_equal(number.bad, tests[i].bad);
		assert_int_equal(d.bad, tests[i].bad);
		assert_int_equal(number.left, tests[i].want_len);
		assert_memory_equal(number.p, tests[i].want, number.left);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(taking),
	    cmocka_unit_test(sticky),
	    cmocka_unit_test(integers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
