/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MIN_MS 60000LL
#define NOW    (5000 * MIN_MS + 17)

/* n looks at one time, the last `misses` of them missing. Returns the news of
 * the last one. */
static enum guard_news
looks(struct guard *g, unsigned n, unsigned misses, int64_t now)
{
	enum guard_news news = GUARD_SAME;

	for (unsigned i = 0; i < n; i++)
		news = guard_look(g, i >= n - misses, now);
	return news;
}

static void
it_freezes_above_its_percentage(void **state)
{
	(void)state;
	struct guard g;
	unsigned n, misses;

	guard_init(&g, 20, 100);
	assert_int_equal(looks(&g, 100, 20, NOW), GUARD_SAME);
	assert_false(guard_frozen(&g));
	assert_int_equal(guard_look(&g, true, NOW), GUARD_FREEZES);
	assert_true(guard_frozen(&g));
	guard_counts(&g, &n, &misses);
	assert_int_equal(n, 101);
	assert_int_equal(misses, 21);
	/* told once */
	assert_int_equal(guard_look(&g, true, NOW), GUARD_SAME);
	assert_true(guard_frozen(&g));
}

static void
a_few_looks_freeze_nothing(void **state)
{
	(void)state;
	struct guard g;

	guard_init(&g, 20, 100);
	assert_int_equal(looks(&g, 99, 99, NOW), GUARD_SAME);
	assert_int_equal(guard_look(&g, true, NOW), GUARD_FREEZES);
}

static void
it_can_be_switched_off(void **state)
{
	(void)state;
	struct guard g;

	guard_init(&g, 0, 1);
	assert_int_equal(looks(&g, 5000, 5000, NOW), GUARD_SAME);
	assert_false(guard_frozen(&g));
}

/* What is older than the window counts no more. */
static void
the_window_moves_on(void **state)
{
	(void)state;
	static const struct {
		int64_t later;
		unsigned looks;
	} row[] = {
	    {0, 60},
	    {MIN_MS - 1, 60},
	    {11 * MIN_MS, 60},
	    {12 * MIN_MS - 1, 60},
	    {12 * MIN_MS, 10},
	    {13 * MIN_MS, 10},
	    {1000 * MIN_MS, 10},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct guard g;
		unsigned n, misses;

		guard_init(&g, 50, 1000);
		guard_look(&g, false, NOW); /* where slices begin */
		looks(&g, 49, 3, NOW);
		looks(&g, 10, 0, NOW + row[i].later);
		guard_counts(&g, &n, &misses);
		assert_int_equal(n, row[i].looks);
		assert_int_equal(misses, row[i].looks > 10 ? 3 : 0);
	}
}

/* A slice begins at its very first millisecond. */
static void
a_slice_is_a_minute(void **state)
{
	(void)state;
	struct guard g;
	unsigned n, misses;

	guard_init(&g, 50, 1000);
	guard_look(&g, true, NOW);
	guard_look(&g, false, NOW + MIN_MS);
	guard_look(&g, false, NOW + 12 * MIN_MS);
	guard_counts(&g, &n, &misses);
	assert_int_equal(n, 2);
	assert_int_equal(misses, 0);
}

/* A storm in pieces, each below what may freeze, is one storm. */
static void
slices_add_up(void **state)
{
	(void)state;
	enum guard_news news = GUARD_SAME;
	struct guard g;
	unsigned minute = 0;

	guard_init(&g, 20, 100);
	while (news == GUARD_SAME && minute < 30)
		news = looks(&g, 10, 3, NOW + minute++ * MIN_MS);
	assert_int_equal(news, GUARD_FREEZES);
	assert_int_equal(minute, 10);
}

static void
it_thaws_after_a_round_that_is_well(void **state)
{
	(void)state;
	struct guard g;
	unsigned n, misses;

	guard_init(&g, 20, 100);
	assert_int_equal(looks(&g, 100, 50, NOW), GUARD_FREEZES);
	/* the looks that froze it are no sign of health, nor is a calm */
	assert_int_equal(guard_look(&g, false, NOW), GUARD_SAME);
	assert_int_equal(looks(&g, 50, 0, NOW + 300 * MIN_MS), GUARD_SAME);
	assert_int_equal(looks(&g, 49, 0, NOW + 900 * MIN_MS), GUARD_SAME);
	assert_int_equal(
	    guard_look(&g, false, NOW + 901 * MIN_MS), GUARD_THAWS);
	assert_false(guard_frozen(&g));
	guard_counts(&g, &n, &misses);
	assert_int_equal(n, 100);
	assert_int_equal(misses, 0);
	/* from here the window counts them */
	guard_look(&g, true, NOW + 902 * MIN_MS);
	guard_counts(&g, &n, &misses);
	assert_int_equal(n, 101);
	/* and can freeze again */
	assert_int_equal(
	    looks(&g, 100, 100, NOW + 920 * MIN_MS), GUARD_FREEZES);
}

/* Between half of its percentage and the whole it stays as it is. */
static void
it_does_not_flutter(void **state)
{
	(void)state;
	struct guard g;

	guard_init(&g, 20, 100);
	looks(&g, 101, 101, NOW); /* the last one ends the first round */
	assert_true(guard_frozen(&g));
	for (unsigned round = 0; round < 5; round++) {
		assert_int_equal(looks(&g, 100, 11, NOW), GUARD_SAME);
		assert_true(guard_frozen(&g));
	}
	assert_int_equal(looks(&g, 100, 10, NOW), GUARD_THAWS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_freezes_above_its_percentage),
	    cmocka_unit_test(a_few_looks_freeze_nothing),
	    cmocka_unit_test(it_can_be_switched_off),
	    cmocka_unit_test(the_window_moves_on),
	    cmocka_unit_test(a_slice_is_a_minute),
	    cmocka_unit_test(slices_add_up),
	    cmocka_unit_test(it_thaws_after_a_round_that_is_well),
	    cmocka_unit_test(it_does_not_flutter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
