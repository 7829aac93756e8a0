/* SPDX-License-Identifier: Apache-2.0 */
#include "core/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define START  ((int64_t)1790000000000)

/* As ops/policy.conf has it: looks at an age of 30 s, 1, 2, 4, 8, 15, 30 and
 * 60 minutes, then hourly. */
static const struct backoff usual = {
    .n = 9,
    .gap_ms = {30 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 4 * MINUTE,
	7 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR},
};

/* Looks from START to the deadline; checks each on the way. */
static unsigned
walk(int64_t deadline_at, uint32_t neg_ttl_s, uint32_t seed)
{
	int64_t at = START;
	unsigned looks = 1;

	for (;;) {
		int64_t due =
		    backoff_at(&usual, looks, at, deadline_at, neg_ttl_s, seed);

		if (due == BACKOFF_NEVER)
			break;
		assert_true(due > at && due <= deadline_at);
		at = due;
		looks++;
		assert_true(looks < 1000);
	}
	assert_int_equal(at, deadline_at);
	return looks;
}

static void
test_48_hours(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 2000; seed++) {
		unsigned looks = walk(START + 48 * HOUR, 0, seed * 2654435761u);

		if (looks < 55 || looks > 59)
			fail_msg("seed %u: %u looks", seed, looks);
	}
}

/* Each gap by its number, within a tenth to either side, and both used. */
static void
test_spread(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 12; n++) {
		int64_t gap_ms = usual.gap_ms[n < 9 ? n - 1 : 8];
		int64_t least = INT64_MAX, most = 0, sum = 0;

		for (uint32_t seed = 0; seed < 1000; seed++) {
			int64_t got = backoff_at(&usual, n, START,
					  START + 48 * HOUR, 0, seed) -
				      START;

			least = got < least ? got : least;
			most = got > most ? got : most;
			sum += got;
		}
		assert_true(least >= gap_ms * 9 / 10);
		assert_true(most <= gap_ms * 11 / 10);
		assert_true(least < gap_ms * 91 / 100);
		assert_true(most > gap_ms * 109 / 100);
		assert_true(sum / 1000 > gap_ms * 98 / 100);
		assert_true(sum / 1000 < gap_ms * 102 / 100);
	}
}

static void
test_same_again(void **state)
{
	int64_t deadline_at = START + 48 * HOUR;

	(void)state;
	for (unsigned n = 1; n < 70; n++)
		assert_int_equal(
		    backoff_at(&usual, n, START, deadline_at, 0, 7),
		    backoff_at(&usual, n, START, deadline_at, 0, 7));
	assert_int_not_equal(backoff_at(&usual, 9, START, deadline_at, 0, 7),
	    backoff_at(&usual, 9, START, deadline_at, 0, 8));
	assert_int_not_equal(backoff_at(&usual, 9, START, deadline_at, 0, 7),
	    backoff_at(&usual, 10, START, deadline_at, 0, 7));
}

static void
test_deadline(void **state)
{
	static const struct {
		const char *name;
		int64_t last, deadline, want; /* after START */
	} tests[] = {
	    {"the last look was at the deadline", HOUR, HOUR, -1},
	    {"or behind it", HOUR + 1, HOUR, -1},
	    {"deadline 0", 0, 0, -1},
	    {"nearer than the gap", HOUR - 1, HOUR, HOUR},
	    {"a deadline of 20 s", 0, 20 * SECOND, 20 * SECOND},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		int64_t due = backoff_at(&usual, 1, START + tests[i].last,
		    START + tests[i].deadline, 0, 1);
		int64_t want =
		    tests[i].want < 0 ? BACKOFF_NEVER : START + tests[i].want;

		if (due != want)
			fail_msg("%s", tests[i].name);
	}
}

static void
test_negative_ttl(void **state)
{
	(void)state;
	assert_int_equal(
	    backoff_at(&usual, 1, START, START + 48 * HOUR, 1800, 1),
	    START + 30 * MINUTE);
	/* a shorter one changes nothing */
	assert_int_equal(backoff_at(&usual, 9, START, START + 48 * HOUR, 5, 1),
	    backoff_at(&usual, 9, START, START + 48 * HOUR, 0, 1));
	/* the look at the deadline is made in any case */
	assert_int_equal(
	    backoff_at(&usual, 1, START, START + 10 * MINUTE, 1800, 1),
	    START + 10 * MINUTE);
	assert_int_equal(
	    backoff_at(&usual, 1, START, START + 48 * HOUR, UINT32_MAX, 1),
	    START + 48 * HOUR);
	assert_true(walk(START + 48 * HOUR, 3 * 3600, 5) <= 17);
}

static void
test_odd_tables(void **state)
{
	struct backoff one = {.n = 1, .gap_ms = {1}};
	struct backoff huge = {.n = 1, .gap_ms = {INT64_MAX / 2}};

	(void)state;
	assert_int_equal(
	    backoff_at(&one, 1, START, START + HOUR, 0, 3), START + 1);
	assert_int_equal(
	    backoff_at(&one, UINT32_MAX, START, START + HOUR, 0, 3), START + 1);
	for (uint32_t seed = 0; seed < 100; seed++)
		assert_int_equal(
		    backoff_at(&huge, 1, START, START + HOUR, 0, seed),
		    START + HOUR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_48_hours),
	    cmocka_unit_test(test_spread),
	    cmocka_unit_test(test_same_again),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_negative_ttl),
	    cmocka_unit_test(test_odd_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
