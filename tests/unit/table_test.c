/* SPDX-License-Identifier: Apache-2.0 */
#include "core/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/mem_fails.h"

/* Vectors of another SipHash-1-3: CPython 3.11's hash of bytes with
 * PYTHONHASHSEED=0, which is the zero key. */
static void
test_hash(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} tests[] = {
	    {"a", 0x407448d2b89b1813u},
	    {"abcdefg", 0x6db12aae9070f506u},
	    {"abcdefgh", 0x3f7b849c0b8e35eau},
	    {"_example-challenge.shop.test", 0x1a3b9b473fc4fa48u},
	    {"acme/shop.test/job-1", 0xa7084de07bc9c6a7u},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		size_t len = strlen(tests[i].text);

		assert_true(table_hash(tests[i].text, len, 0) == tests[i].want);
		assert_true(table_hash(tests[i].text, len, 1) != tests[i].want);
	}
}

static void
test_small(void **state)
{
	struct table t;
	struct err e;
	int a, b;
	char *key = strdup("acme/shop.test");

	(void)state;
	assert_non_null(key);
	table_init(&t, 7);
	assert_null(table_find(&t, "acme/shop.test"));
	assert_null(table_remove(&t, "acme/shop.test"));
	assert_int_equal(table_add(&t, key, &a, &e), OK);
	assert_int_equal(table_add(&t, "acme/other.test", &b, &e), OK);
	assert_ptr_equal(table_find(&t, "acme/shop.test"), &a);
	assert_ptr_equal(table_find(&t, "acme/other.test"), &b);
	assert_null(table_find(&t, "acme/shop.tes"));
	assert_int_equal(t.n, 2);
	assert_ptr_equal(table_remove(&t, "acme/shop.test"), &a);
	/* the key of a removed entry may be gone */
	free(key);
	assert_null(table_find(&t, "acme/shop.test"));
	assert_int_equal(t.n, 1);
	table_free(&t);
	assert_null(table_find(&t, "acme/other.test"));
	assert_int_equal(table_add(&t, "again", &a, &e), OK);
	assert_ptr_equal(table_find(&t, "again"), &a);
	table_free(&t);
}

#define MANY 3000

struct item {
	char key[16];
	bool in;
	unsigned walked;
};

/* Against a plain array: adds and removes in a long random order. */
static void
test_model(void **state)
{
	struct item *items = calloc(MANY, sizeof(*items));
	struct table t;
	struct err e;
	size_t n = 0;
	uint32_t random = 1;

	(void)state;
	assert_non_null(items);
	table_init(&t, 42);
	for (unsigned i = 0; i < MANY; i++)
		snprintf(items[i].key, sizeof(items[i].key), "k%u", i);
	for (unsigned step = 0; step < 100000; step++) {
		struct item *item;

		random = random * 1664525u + 1013904223u;
		item = &items[(random >> 8) % MANY];
		assert_ptr_equal(
		    table_find(&t, item->key), item->in ? item : NULL);
		if (item->in)
			assert_ptr_equal(table_remove(&t, item->key), item);
		else
			assert_int_equal(
			    table_add(&t, item->key, item, &e), OK);
		n += item->in ? (size_t)-1 : 1;
		item->in = !item->in;
		assert_int_equal(t.n, n);
		assert_true(t.used >= t.n && t.used < t.cap);
	}
	/* deleted entries do not make it grow for ever */
	assert_true(t.cap <= 4 * MANY);
	for (size_t at = 0;;) {
		struct item *item = table_next(&t, &at);

		if (item == NULL)
			break;
		item->walked++;
	}
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(items[i].walked, items[i].in ? 1 : 0);
	table_free(&t);
	free(items);
}

static void
test_no_memory(void **state)
{
	static char keys[64][8];
	struct table t;
	struct err e;
	size_t n = 0;

	(void)state;
	table_init(&t, 1);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		snprintf(keys[i], sizeof(keys[i]), "%zu", i);
	mem_left = 1;
	while (table_add(&t, keys[n], keys[n], &e) == OK)
		assert_true(++n < ARRAY_LEN(keys));
	assert_non_null(strstr(e.text, "no memory"));
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(table_find(&t, keys[i]), keys[i]);
	assert_null(table_find(&t, keys[n]));
	mem_left = UINT32_MAX;
	assert_int_equal(table_add(&t, keys[n], keys[n], &e), OK);
	table_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hash),
	    cmocka_unit_test(test_small),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
