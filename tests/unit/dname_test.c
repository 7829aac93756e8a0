/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dname.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define L63 "123456789012345678901234567890123456789012345678901234567890123"
#define L61 "1234567890123456789012345678901234567890123456789012345678901"

static struct dname
named(const char *text)
{
	struct dname name;

	assert_int_equal(dname_from_text(&name, text, NULL), DNAME_OK);
	return name;
}

static void
test_from_text(void **state)
{
	static const struct {
		const char *text;
		enum dname_fault want;
		size_t at;
		size_t len;
	} tests[] = {
	    {"shop.test", DNAME_OK, 9, 11},
	    {"shop.test.", DNAME_OK, 10, 11},
	    {".", DNAME_OK, 1, 1},
	    {"", DNAME_EMPTY, 0, 1},
	    {".shop", DNAME_EMPTY, 0, 1},
	    {"shop..test", DNAME_EMPTY, 5, 1},
	    {"shop.test..", DNAME_EMPTY, 10, 1},
	    {"..", DNAME_EMPTY, 0, 1},
	    {L63, DNAME_OK, 63, 65},
	    {L63 "4", DNAME_LABEL_LONG, 63, 1},
	    {"a." L63 "4.test", DNAME_LABEL_LONG, 65, 1},
	    {L63 "." L63 "." L63 "." L61, DNAME_OK, 253, 255},
	    {L63 "." L63 "." L63 "." L61 ".", DNAME_OK, 254, 255},
	    {L63 "." L63 "." L63 "." L61 "2", DNAME_LONG, 253, 1},
	    {L63 "." L63 "." L63 "." L61 ".a", DNAME_LONG, 254, 1},
	    {"a b\xff", DNAME_OK, 4, 6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct dname name;
		size_t at = 999;

		if (dname_from_text(&name, tests[i].text, &at) !=
			tests[i].want ||
		    at != tests[i].at || name.len != tests[i].len)
			fail_msg(
			    "%s: at %zu, len %u", tests[i].text, at, name.len);
	}
}

static void
test_show(void **state)
{
	static const struct {
		const char *text, *want;
	} tests[] = {
	    {".", "."},
	    {"Shop.TEST.", "shop.test"},
	    {"_example-challenge.shop.test", "_example-challenge.shop.test"},
	    {"a b.test", "a\\032b.test"},
	    {"a\"\\\x7f\xc3.test", "a\\034\\092\\127\\195.test"},
	};
	char text[DNAME_SHOWN_MAX + 1];
	struct dname name;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		name = named(tests[i].text);
		dname_show(&name, text);
		assert_string_equal(text, tests[i].want);
	}
	/* the longest there is */
	name = named(L63 "." L63 "." L63 "." L61);
	for (size_t i = 0; i < name.len; i++) {
		if (name.wire[i] >= '0')
			name.wire[i] = 0xff;
	}
	name.wire[0] = name.wire[64] = name.wire[128] = 63;
	name.wire[192] = 61;
	dname_show(&name, text);
	assert_int_equal(strlen(text), DNAME_SHOWN_MAX - 1);
}

static void
test_equal_within(void **state)
{
	static const struct {
		const char *name, *zone;
		bool within, equal;
	} tests[] = {
	    {"shop.test", "shop.test", true, true},
	    {"SHOP.test", "shop.TEST", true, true},
	    {"a.b.shop.test", "shop.test", true, false},
	    {"a.b.shop.test", ".", true, false},
	    {".", ".", true, true},
	    {".", "test", false, false},
	    {"test", "shop.test", false, false},
	    /* whole labels only */
	    {"worsedomain-ab.test", "domain-ab.test", false, false},
	    {"notshop.test", "shop.test", false, false},
	    {"shop.test.evil", "shop.test", false, false},
	    {"shop-test", "shop.test", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct dname name = named(tests[i].name);
		struct dname zone = named(tests[i].zone);

		if (dname_within(&name, &zone) != tests[i].within ||
		    dname_equal(&name, &zone) != tests[i].equal)
			fail_msg("%s, %s", tests[i].name, tests[i].zone);
		if (tests[i].equal)
			assert_int_equal(dname_hash(&name), dname_hash(&zone));
	}
}

/* "\4shop" as one label is not two labels. */
static void
test_within_bytes(void **state)
{
	struct dname zone = named("shop.test");
	struct dname name = named("x\004shop.test");

	(void)state;
	assert_int_equal(dname_labels(&name), 2);
	assert_false(dname_within(&name, &zone));
}

static void
test_labels_parent(void **state)
{
	struct dname name = named("a.b.test");
	struct dname want = named("b.test");
	struct dname root = named(".");

	(void)state;
	assert_int_equal(dname_labels(&name), 3);
	assert_int_equal(dname_labels(&root), 0);
	dname_parent(&name, &name);
	assert_true(dname_equal(&name, &want));
	dname_parent(&name, &name);
	assert_int_equal(dname_labels(&name), 1);
	dname_parent(&name, &name);
	assert_true(dname_equal(&name, &root));
	dname_parent(&name, &name);
	assert_true(dname_equal(&name, &root));
}

static void
test_join(void **state)
{
	struct dname head = named("_x"), tail = named("a.test");
	struct dname want = named("_x.a.test"), root = named(".");
	struct dname long_tail = named(L63 "." L63 "." L63 "." L61);
	struct dname out;

	(void)state;
	assert_true(dname_join(&out, &head, &tail));
	assert_true(dname_equal(&out, &want));
	assert_true(dname_join(&out, &head, &root));
	assert_true(dname_equal(&out, &head));
	assert_true(dname_join(&tail, &head, &tail));
	assert_true(dname_equal(&tail, &want));
	assert_false(dname_join(&out, &head, &long_tail));
	assert_true(dname_join(&out, &root, &long_tail));
}

static void
test_hash(void **state)
{
	struct dname a = named("a.test"), b = named("b.test");

	(void)state;
	assert_int_not_equal(dname_hash(&a), dname_hash(&b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_from_text),
	    cmocka_unit_test(test_show),
	    cmocka_unit_test(test_equal_within),
	    cmocka_unit_test(test_within_bytes),
	    cmocka_unit_test(test_labels_parent),
	    cmocka_unit_test(test_join),
	    cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
