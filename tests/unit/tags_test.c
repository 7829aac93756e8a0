/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6376 section 3.2, row by row of its grammar. */
#include "core/tags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) text, sizeof(text) - 1

/* want: the tags as "name=value|name=value", blanks of the value kept. */
static const struct {
	const char *section;
	const char *bytes;
	size_t len;
	const char *want;
	enum tags_fault fault;
	size_t at;
} lists[] = {
    {"tag-list", BYTES("a=1"), "a=1", 0, 0},
    {"tag-list", BYTES("a=1;b=2"), "a=1|b=2", 0, 0},
    {"tag-list, last ;", BYTES("a=1;"), "a=1", 0, 0},
    {"tag-list, last ; and FWS", BYTES("a=1; \r\n "), "a=1", 0, 0},
    {"tag-spec, FWS", BYTES(" a = 1 ; b\t=\t2 "), "a=1|b=2", 0, 0},
    {"tag-spec, folded", BYTES("a=1;\r\n b=\r\n\t2"), "a=1|b=2", 0, 0},
    {"tag-value, empty", BYTES("a=;b= "), "a=|b=", 0, 0},
    {"tag-value, inner blanks", BYTES("a=x  y\tz"), "a=x  y\tz", 0, 0},
    {"tag-value, =", BYTES("p=AA=="), "p=AA==", 0, 0},
    {"VALCHAR", BYTES("a=!\"#$%&'()*+,-./:<=>?@[\\]^_`{|}~"),
	"a=!\"#$%&'()*+,-./:<=>?@[\\]^_`{|}~", 0, 0},
    {"tag-name", BYTES("aB_9=1"), "aB_9=1", 0, 0},
    {"case of names", BYTES("a=1;A=2"), "a=1|A=2", 0, 0},
    /* faults, and what is read all the same */
    {"empty", BYTES(""), "", TAGS_EMPTY, 0},
    {"blank", BYTES("  "), "", TAGS_EMPTY, 2},
    {"; alone", BYTES(";"), "", TAGS_EMPTY, 0},
    {"two ;", BYTES("a=1;;b=2"), "a=1|b=2", TAGS_EMPTY, 4},
    {"two ; at the end", BYTES("a=1; ;"), "a=1", TAGS_EMPTY, 5},
    {"first ;", BYTES(";a=1"), "a=1", TAGS_EMPTY, 0},
    {"no =", BYTES("a=1; foo ;b=2"), "a=1|b=2", TAGS_NO_EQUALS, 5},
    {"no =", BYTES("foo"), "", TAGS_NO_EQUALS, 0},
    {"tag-name, empty", BYTES("=1"), "=1", TAGS_BAD_NAME, 0},
    {"tag-name, digit first", BYTES("a=1;9b=2"), "a=1|9b=2", TAGS_BAD_NAME, 4},
    {"tag-name, _ first", BYTES("_b=2"), "_b=2", TAGS_BAD_NAME, 0},
    {"tag-name, -", BYTES("a-b=2"), "a-b=2", TAGS_BAD_NAME, 1},
    {"tag-name, blank inside", BYTES("a b=2"), "a b=2", TAGS_BAD_NAME, 1},
    {"tag-name, quote", BYTES("\"v=DKIM1"), "\"v=DKIM1", TAGS_BAD_NAME, 0},
    {"VALCHAR, high", BYTES("a=x\xc3\xa4"), "a=x\xc3\xa4", TAGS_BAD_VALUE, 3},
    {"VALCHAR, DEL", BYTES("a=\x7f"), "a=\x7f", TAGS_BAD_VALUE, 2},
    {"VALCHAR, NUL", BYTES("a=1\0"), "a=1", TAGS_BAD_VALUE, 3},
    {"VALCHAR, VT", BYTES("a=1\v"), "a=1\v", TAGS_BAD_VALUE, 3},
    {"duplicate", BYTES("a=1;b=2;a=1"), "a=1|b=2|a=1", TAGS_DUPLICATE, 8},
    {"duplicate", BYTES("a=1; a =3"), "a=1|a=3", TAGS_DUPLICATE, 5},
    {"the first fault counts", BYTES("a=1;foo;a=2;;"), "a=1|a=2",
	TAGS_NO_EQUALS, 4},
};

static void
reading(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		uint8_t *bytes = test_malloc(lists[i].len + 1);
		uint8_t *exact = bytes + 1;
		struct tags t;
		char got[200] = "";
		size_t n = 0;

		memcpy(exact, lists[i].bytes, lists[i].len);
		tags_read(&t, exact, lists[i].len);
		for (size_t k = 0; k < t.n; k++)
			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    "%s%.*s=%.*s", k > 0 ? "|" : "",
			    (int)t.tag[k].name_len, exact + t.tag[k].name_at,
			    (int)t.tag[k].value_len, exact + t.tag[k].value_at);
		if (strcmp(got, lists[i].want) != 0 ||
		    t.fault != lists[i].fault || t.at != lists[i].at)
			fail_msg("%s: %s, fault %d at %u", lists[i].section,
			    got, (int)t.fault, t.at);
		test_free(bytes);
	}
}

/* Each tag carries its own fault, so that one may go on without it. */
static void
each_its_fault(void **state)
{
	static const char text[] = "a=1;a=2;9=3;b=\x01;c=4";
	static const enum tags_fault want[] = {
	    TAGS_OK, TAGS_DUPLICATE, TAGS_BAD_NAME, TAGS_BAD_VALUE, TAGS_OK};
	struct tags t;

	(void)state;
	tags_read(&t, (const uint8_t *)text, strlen(text));
	assert_int_equal(t.n, ARRAY_LEN(want));
	for (size_t i = 0; i < t.n; i++)
		assert_int_equal(t.tag[i].fault, want[i]);
	/* the first of two is found */
	assert_true(tag_is(&t, tags_find(&t, "a"), "1"));
}

static void
finding(void **state)
{
	static const char text[] = "v=DKIM1; K=rsa; h=sha1 : sha256:; p=; kk=x";
	struct tags t;

	(void)state;
	tags_read(&t, (const uint8_t *)text, strlen(text));
	assert_int_equal(t.fault, TAGS_OK);
	assert_ptr_equal(tags_find(&t, "v"), &t.tag[0]);
	assert_null(tags_find(&t, "V"));
	assert_ptr_equal(tags_find_any_case(&t, "V"), &t.tag[0]);
	assert_null(tags_find(&t, "k"));
	assert_ptr_equal(tags_find_any_case(&t, "k"), &t.tag[1]);
	assert_null(tags_find(&t, ""));
	assert_null(tags_find(&t, "x"));
	assert_true(tag_is(&t, &t.tag[0], "DKIM1"));
	assert_false(tag_is(&t, &t.tag[0], "dkim1"));
	assert_false(tag_is(&t, &t.tag[0], "DKIM"));
	assert_true(tag_is_any_case(&t, &t.tag[0], "dkim1"));
	assert_false(tag_is_any_case(&t, &t.tag[0], "dkim2"));
	assert_true(tag_is(&t, &t.tag[3], ""));
	assert_true(tag_holds(&t, &t.tag[2], ':', "sha1"));
	assert_true(tag_holds(&t, &t.tag[2], ':', "sha256"));
	assert_false(tag_holds(&t, &t.tag[2], ':', "sha"));
	assert_false(tag_holds(&t, &t.tag[2], ',', "sha1"));
	assert_false(tag_holds(&t, &t.tag[3], ':', "x"));
}

static void
limits(void **state)
{
	static uint8_t text[TAGS_LEN_MAX + 2];
	struct tags t;
	size_t n = 0;

	(void)state;
	for (char c = 'a'; n < 3 * TAGS_MAX; c++) {
		text[n++] = (uint8_t)c;
		text[n++] = '=';
		text[n++] = ';';
	}
	tags_read(&t, text, n);
	assert_int_equal(t.fault, TAGS_OK);
	assert_int_equal(t.n, TAGS_MAX);
	memcpy(text + n, "zz=", 3);
	tags_read(&t, text, n + 3);
	assert_int_equal(t.fault, TAGS_TOO_MANY);
	assert_int_equal(t.at, n);
	assert_int_equal(t.n, TAGS_MAX);
	memset(text, 'a', sizeof(text));
	text[1] = '=';
	tags_read(&t, text, TAGS_LEN_MAX);
	assert_int_equal(t.fault, TAGS_OK);
	assert_int_equal(t.tag[0].value_len, TAGS_LEN_MAX - 2);
	tags_read(&t, text, TAGS_LEN_MAX + 1);
	assert_int_equal(t.fault, TAGS_TOO_MANY);
	assert_int_equal(t.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reading),
	    cmocka_unit_test(each_its_fault),
	    cmocka_unit_test(finding),
	    cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
