/* SPDX-License-Identifier: Apache-2.0 */
/* Extended DNS errors, number by number. */
#include "core/ede.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* b: signatures are broken. s: stale. o: another one, with a word. A blank: it
 * says nothing to us. */
static void
numbers(void **state)
{
	static const char by_number[] = {[0] = ' ',
	    [1] = 'b',
	    [2] = 'b',
	    [3] = 's',
	    [4] = 'o',
	    [5] = 'b',
	    [6] = 'b',
	    [7] = 'b',
	    [8] = 'b',
	    [9] = 'b',
	    [10] = 'b',
	    [11] = 'b',
	    [12] = 'b',
	    [13] = 'o',
	    [14] = 'o',
	    [15] = 'o',
	    [16] = 'o',
	    [17] = 'o',
	    [18] = 'o',
	    [19] = 's',
	    [20] = 'o',
	    [21] = 'o',
	    [22] = 'o',
	    [23] = 'o',
	    [24] = 'o',
	    [25] = 'b',
	    [26] = 'o',
	    [27] = 'b',
	    [28] = ' ',
	    [29] = ' '};

	(void)state;
	for (uint16_t i = 0; i < ARRAY_LEN(by_number); i++) {
		struct answer a = {
		    .outcome = OUTCOME_SERVFAIL, .has_ede = true, .ede = i};

		assert_int_equal(ede_bogus(&a), by_number[i] == 'b');
		assert_int_equal(ede_stale(&a), by_number[i] == 's');
		assert_int_equal(ede_word(&a) != NULL,
		    by_number[i] == 'b' || by_number[i] == 'o');
	}
}

/* A number counts only where there is one, and makes only a failure bogus. */
static void
elsewhere(void **state)
{
	struct answer a = {.outcome = OUTCOME_SERVFAIL, .ede = 6};

	(void)state;
	assert_false(ede_bogus(&a));
	assert_null(ede_word(&a));
	a.ede = 3;
	assert_false(ede_stale(&a));
	a = (struct answer){
	    .outcome = OUTCOME_RECORDS, .has_ede = true, .ede = 6};
	assert_false(ede_bogus(&a));
	assert_string_equal(ede_word(&a), "DNSSEC bogus");
	a = (struct answer){
	    .outcome = OUTCOME_SERVFAIL, .has_ede = true, .ede = UINT16_MAX};
	assert_false(ede_bogus(&a));
	assert_null(ede_word(&a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
