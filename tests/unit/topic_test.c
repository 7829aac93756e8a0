/* SPDX-License-Identifier: Apache-2.0 */
#include "core/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(topic_name(TOPIC_JOBS), "jobs");
	assert_string_equal(topic_name(TOPIC_DEAD), "dead");
	for (unsigned a = 0; a < TOPIC_N; a++) {
		assert_non_null(topic_name((enum topic)a));
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(topic_name((enum topic)a),
			    topic_name((enum topic)b));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
