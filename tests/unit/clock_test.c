/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people read them. */
#include "io/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define YEAR_MAX_MS 253402300799999

static void
known(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} rows[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {1, "1970-01-01T00:00:00.001Z"},
	    {951782400000, "2000-02-29T00:00:00.000Z"},
	    {4107542399999, "2100-02-28T23:59:59.999Z"},
	    {4107542400000, "2100-03-01T00:00:00.000Z"},
	    {1795525200000, "2026-11-24T13:00:00.000Z"},
	    {YEAR_MAX_MS, "9999-12-31T23:59:59.999Z"},
	    {YEAR_MAX_MS + 1, "9999-12-31T23:59:59.999Z"},
	    {INT64_MAX, "9999-12-31T23:59:59.999Z"},
	    {-1, "1970-01-01T00:00:00.000Z"},
	    {INT64_MIN, "1970-01-01T00:00:00.000Z"},
	};
	char out[CLOCK_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		clock_show(rows[i].ms, out);
		assert_string_equal(out, rows[i].want);
	}
}

/* Against the C library, about every five days up to the year 9999. */
static void
as_the_library_has_it(void **state)
{
	char out[CLOCK_TEXT], want[CLOCK_TEXT + 8];

	(void)state;
	for (int64_t ms = 0; ms <= YEAR_MAX_MS; ms += 432000000 + 12345678) {
		time_t s = (time_t)(ms / 1000);
		struct tm tm;

		gmtime_r(&s, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(
		    want + 19, sizeof(want) - 19, ".%03dZ", (int)(ms % 1000));
		clock_show(ms, out);
		assert_string_equal(out, want);
	}
}

static void
goes_on(void **state)
{
	int64_t mono = clock_mono_ms(), wall = clock_wall_ms();

	(void)state;
	assert_true(mono > 0);
	assert_true(clock_mono_ms() >= mono);
	assert_true(wall > 1700000000000);
	assert_true(wall / 1000 - (int64_t)time(NULL) <= 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known),
	    cmocka_unit_test(as_the_library_has_it),
	    cmocka_unit_test(goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
