/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void
test_small(void **state)
{
	struct timer a = {.place = TIMER_IDLE}, b = a, c = a;
	struct timers t = {.n = 0};
	struct err e;

	(void)state;
	assert_null(timers_first(&t));
	timers_clear(&t, &a);
	assert_int_equal(timers_set(&t, &a, 30, &e), OK);
	assert_int_equal(timers_set(&t, &b, 10, &e), OK);
	assert_int_equal(timers_set(&t, &c, 20, &e), OK);
	assert_ptr_equal(timers_first(&t), &b);
	/* later, earlier, and to where it is */
	assert_int_equal(timers_set(&t, &b, 40, &e), OK);
	assert_ptr_equal(timers_first(&t), &c);
	assert_int_equal(timers_set(&t, &b, 5, &e), OK);
	assert_int_equal(timers_set(&t, &b, 5, &e), OK);
	assert_ptr_equal(timers_first(&t), &b);
	timers_clear(&t, &b);
	assert_int_equal(b.place, TIMER_IDLE);
	timers_clear(&t, &b);
	assert_ptr_equal(timers_first(&t), &c);
	timers_free(&t);
	assert_int_equal(a.place, TIMER_IDLE);
	assert_int_equal(c.place, TIMER_IDLE);
	assert_null(timers_first(&t));
}

#define MANY 500

static void
check_heap(const struct timers *t)
{
	for (size_t i = 0; i < t->n; i++) {
		assert_int_equal(t->heap[i]->place, i);
		if (i > 0)
			assert_true(
			    t->heap[(i - 1) / 2]->due <= t->heap[i]->due);
	}
}

static void
test_random(void **state)
{
	struct timer *timer = calloc(MANY, sizeof(*timer));
	struct timers t = {.n = 0};
	struct err e;
	uint32_t random = 3;
	int64_t last = INT64_MIN;

	(void)state;
	assert_non_null(timer);
	for (size_t i = 0; i < MANY; i++)
		timer[i] =
		    (struct timer){.place = TIMER_IDLE, .owner = &timer[i]};
	for (unsigned step = 0; step < 20000; step++) {
		struct timer *one;

		random = random * 1664525u + 1013904223u;
		one = &timer[(random >> 8) % MANY];
		if (random % 3 == 0)
			timers_clear(&t, one);
		else
			assert_int_equal(
			    timers_set(&t, one, random >> 20, &e), OK);
		if (step % 64 == 0)
			check_heap(&t);
	}
	check_heap(&t);
	assert_true(t.n > 0);
	while (timers_first(&t) != NULL) {
		struct timer *first = timers_first(&t);

		assert_ptr_equal(first->owner, first);
		assert_true(first->due >= last);
		last = first->due;
		timers_clear(&t, first);
	}
	timers_free(&t);
	free(timer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_small),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
