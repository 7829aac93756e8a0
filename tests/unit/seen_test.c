/* SPDX-License-Identifier: Apache-2.0 */
#include "core/seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/mem_fails.h"

#define DAY   ((int64_t)24 * 3600 * 1000)
#define START (20000 * DAY)

static struct seen_entry
entry(uint32_t n, uint32_t body_hash)
{
	struct seen_entry e = {.body_hash = body_hash, .kind = SEEN_FINISHED};

	memset(e.digest, 0xab, sizeof(e.digest));
	memcpy(e.digest, &n, sizeof(n));
	return e;
}

static struct seen *
opened(int64_t window_ms)
{
	struct seen *s;
	struct err e;

	assert_int_equal(seen_open(&s, window_ms, 99, &e), OK);
	return s;
}

static void
add(struct seen *s, uint32_t n, uint32_t body_hash, int64_t at)
{
	struct seen_entry en = entry(n, body_hash);
	struct err e;

	assert_int_equal(seen_add(s, &en, at, &e), OK);
}

static bool
knows(const struct seen *s, uint32_t n)
{
	struct seen_entry en = entry(n, 0);

	return seen_find(s, en.digest) != NULL;
}

static void
test_find(void **state)
{
	struct seen *s = opened(7 * DAY);
	struct seen_entry ahead = entry(2, 0);
	const struct seen_entry *got;
	struct err e;

	(void)state;
	assert_false(knows(s, 1));
	add(s, 1, 77, START);
	ahead.kind = SEEN_CANCELLED_AHEAD;
	assert_int_equal(seen_add(s, &ahead, START + 1, &e), OK);
	got = seen_find(s, entry(1, 0).digest);
	assert_non_null(got);
	assert_int_equal(got->body_hash, 77);
	assert_int_equal(got->kind, SEEN_FINISHED);
	got = seen_find(s, ahead.digest);
	assert_int_equal(got->kind, SEEN_CANCELLED_AHEAD);
	assert_false(knows(s, 3));
	assert_int_equal(seen_count(s), 2);
	seen_free(s);
	seen_free(NULL);
}

/* The whole digest counts, not a part of it. */
static void
test_whole_digest(void **state)
{
	struct seen *s = opened(DAY);
	struct seen_entry other;

	(void)state;
	add(s, 1, 0, START);
	for (size_t i = 0; i < SEEN_DIGEST; i++) {
		other = entry(1, 0);
		other.digest[i] ^= 1;
		assert_null(seen_find(s, other.digest));
	}
	seen_free(s);
}

static void
test_replaced(void **state)
{
	struct seen *s = opened(7 * DAY);

	(void)state;
	add(s, 1, 1, START);
	add(s, 1, 2, START + 5);
	assert_int_equal(seen_count(s), 1);
	assert_int_equal(seen_find(s, entry(1, 0).digest)->body_hash, 2);
	/* in another bucket */
	add(s, 1, 3, START + 3 * DAY);
	assert_int_equal(seen_count(s), 1);
	assert_int_equal(seen_find(s, entry(1, 0).digest)->body_hash, 3);
	/* it lives on from the later one */
	add(s, 9, 0, START + 10 * DAY);
	assert_true(knows(s, 1));
	add(s, 9, 0, START + 12 * DAY);
	assert_false(knows(s, 1));
	seen_free(s);
}

/* Never forgotten within the window, always two days behind it, whatever the
 * time of day. */
static void
test_window(void **state)
{
	static const int64_t windows[] = {
	    DAY, DAY + 1, 2 * DAY - 1, 7 * DAY, 30 * DAY};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		for (int64_t hour = 0; hour < 24; hour += 5) {
			int64_t at = START + hour * DAY / 24;
			struct seen *s = opened(windows[i]);

			add(s, 1, 0, at);
			add(s, 2, 0, at + windows[i]);
			assert_true(knows(s, 1));
			add(s, 3, 0, at + windows[i] + 2 * DAY);
			assert_false(knows(s, 1));
			assert_true(knows(s, 3));
			seen_free(s);
		}
	}
}

static void
test_out_of_order(void **state)
{
	struct seen *s = opened(2 * DAY);

	(void)state;
	add(s, 1, 0, START);
	add(s, 2, 0, START - DAY);
	assert_true(knows(s, 1) && knows(s, 2));
	/* too old to be kept at all */
	add(s, 3, 0, START - 10 * DAY);
	assert_false(knows(s, 3));
	assert_int_equal(seen_count(s), 2);
	/* a long time later all is forgotten */
	add(s, 4, 0, START + 1000 * DAY);
	assert_int_equal(seen_count(s), 1);
	add(s, 5, 0, -1);
	assert_int_equal(seen_count(s), 1);
	seen_free(s);
}

#define MANY 20000

static void
test_many(void **state)
{
	struct seen *s = opened(7 * DAY);

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		add(s, i, i, START + (int64_t)i * 6 * DAY / MANY);
	assert_int_equal(seen_count(s), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		const struct seen_entry *got = seen_find(s, entry(i, 0).digest);

		assert_non_null(got);
		assert_int_equal(got->body_hash, i);
	}
	for (uint32_t i = MANY; i < 2 * MANY; i++)
		assert_false(knows(s, i));
	/* the same again, a day later: no more of them */
	for (uint32_t i = 0; i < MANY; i++)
		add(s, i, i, START + 6 * DAY);
	assert_int_equal(seen_count(s), MANY);
	seen_free(s);
}

/* Nothing that was known is forgotten when there is no room for more. */
static void
test_no_memory(void **state)
{
	struct seen *s;
	struct seen_entry en = entry(0, 0);
	struct err e;
	uint32_t n = 0;

	(void)state;
	mem_left = 0;
	assert_int_equal(seen_open(&s, DAY, 99, &e), RETRY);
	assert_null(s);
	mem_left = 2; /* itself, and its first slots */
	assert_int_equal(seen_open(&s, DAY, 99, &e), OK);
	while (seen_add(s, &en, START, &e) == OK)
		en = entry(++n, 0);
	assert_non_null(strstr(e.text, "no memory"));
	assert_true(n > 0);
	for (uint32_t i = 0; i < n; i++)
		assert_true(knows(s, i));
	mem_left = UINT32_MAX;
	assert_int_equal(seen_add(s, &en, START, &e), OK);
	assert_int_equal(seen_count(s), n + 1);
	seen_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_whole_digest),
	    cmocka_unit_test(test_replaced),
	    cmocka_unit_test(test_window),
	    cmocka_unit_test(test_out_of_order),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
