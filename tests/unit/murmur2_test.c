/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of Kafka's own UtilsTest.testMurmur2. */
#include "core/murmur2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void
test_vectors(void **state)
{
	static const struct {
		const char *key;
		int32_t want;
	} tests[] = {
	    {"21", -973932308},
	    {"foobar", -790332482},
	    {"a-little-bit-long-string", -985981536},
	    {"a-little-bit-longer-string", -1486304829},
	    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
	    {"abc", 479470107},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		assert_int_equal(
		    (int32_t)murmur2(tests[i].key, strlen(tests[i].key)),
		    tests[i].want);
}

static void
test_partition(void **state)
{
	(void)state;
	assert_int_equal(murmur2_partition("abc", 3, 8), 479470107 % 8);
	/* a negative hash loses its sign, as the Java client has it */
	assert_int_equal(murmur2_partition("21", 2, 100),
	    (int32_t)((uint32_t)-973932308 & 0x7fffffffu) % 100);
	assert_int_equal(murmur2_partition("21", 2, 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_partition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
