/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ownership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "abcdefghijklmnopqrstuvwxyz234567"
#define RIGHT "token=" TOKEN
#define OTHER "zbcdefghijklmnopqrstuvwxyz234567"

/* Length-counted: a row may hold NUL octets. */
#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *bytes;
	size_t len;
	enum ownership_match want;
} records[] = {
    {BYTES("token=" TOKEN " expiry=never"), OWNERSHIP_MATCH},
    {BYTES("token=" TOKEN), OWNERSHIP_MATCH},
    {BYTES("token=" TOKEN "  expiry=never "), OWNERSHIP_MATCH},
    {BYTES("token=" TOKEN " expiry=2031-01-01 a=b=c d="), OWNERSHIP_MATCH},
    {BYTES(TOKEN), OWNERSHIP_MATCH},
    /* another's, an older one, part of ours */
    {BYTES("token=" OTHER " expiry=never"), OWNERSHIP_OTHER},
    {BYTES(OTHER), OWNERSHIP_OTHER},
    {BYTES("token=" TOKEN "x"), OWNERSHIP_OTHER},
    {BYTES("token=x" TOKEN), OWNERSHIP_OTHER},
    {BYTES("token=abcdefghijklmnopqrstuvwxyz23456"), OWNERSHIP_OTHER},
    {BYTES("token="), OWNERSHIP_OTHER},
    {BYTES("token= " TOKEN), OWNERSHIP_OTHER},
    {BYTES("token=" OTHER " token=" TOKEN), OWNERSHIP_OTHER},
    {BYTES(TOKEN "x"), OWNERSHIP_OTHER},
    {BYTES("x" TOKEN), OWNERSHIP_OTHER},
    /* values are compared as they are */
    {BYTES("token=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), OWNERSHIP_OTHER},
    {BYTES("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), OWNERSHIP_OTHER},
    {BYTES("TOKEN=" TOKEN), OWNERSHIP_OTHER},
    {BYTES(" token=" TOKEN), OWNERSHIP_OTHER},
    {BYTES(TOKEN " "), OWNERSHIP_OTHER},
    {BYTES("\"token=" TOKEN " expiry=never\""), OWNERSHIP_OTHER},
    {BYTES("\"" TOKEN "\""), OWNERSHIP_OTHER},
    /* what follows the token is key=value */
    {BYTES("token=" TOKEN " expiry"), OWNERSHIP_OTHER},
    {BYTES("token=" TOKEN " =never"), OWNERSHIP_OTHER},
    {BYTES("token=" TOKEN "\texpiry=never"), OWNERSHIP_OTHER},
    {BYTES("token=" TOKEN ";expiry=never"), OWNERSHIP_OTHER},
    /* a NUL never matches */
    {BYTES("token=" TOKEN "\0"), OWNERSHIP_OTHER},
    {BYTES("token=" TOKEN " a=\0"), OWNERSHIP_OTHER},
    {BYTES(TOKEN "\0"), OWNERSHIP_UNRELATED},
    {BYTES("\0" TOKEN), OWNERSHIP_UNRELATED},
    /* no challenge at all */
    {BYTES("v=spf1 include:spf.test ~all"), OWNERSHIP_UNRELATED},
    {BYTES("google-site-verification=" TOKEN), OWNERSHIP_UNRELATED},
    {BYTES("mytoken=" TOKEN), OWNERSHIP_UNRELATED},
    {BYTES("toke"), OWNERSHIP_UNRELATED},
    {BYTES("fifteen-letters"), OWNERSHIP_UNRELATED},
    {BYTES("sixteen--letters"), OWNERSHIP_OTHER},
    {BYTES(""), OWNERSHIP_UNRELATED},
    {BYTES("\"\""), OWNERSHIP_UNRELATED},
    {BYTES(" "), OWNERSHIP_UNRELATED},
};

static void
matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		const char *bytes = records[i].bytes;
		struct packet_txt record = {.bytes = (const uint8_t *)bytes,
		    .len = records[i].len,
		    .nul = memchr(bytes, 0, records[i].len) != NULL};
		enum ownership_match got = ownership_match(&record, TOKEN);

		if (got != records[i].want)
			fail_msg("%s: %d", bytes, (int)got);
	}
}

/* Without a token nothing matches, least of all an empty one. */
static void
no_token(void **state)
{
	static const char *const rows[] = {
	    "token=", "token= expiry=never", RIGHT, TOKEN, ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct packet_txt record = {
		    .bytes = (const uint8_t *)rows[i], .len = strlen(rows[i])};

		assert_int_not_equal(
		    ownership_match(&record, ""), OWNERSHIP_MATCH);
	}
}

/* Each record cut at each place, and each with each single bit turned. */
static void
near_misses(void **state)
{
	static const char right[] = "token=" TOKEN;
	uint8_t bytes[sizeof(right)];

	(void)state;
	for (size_t len = 0; len < sizeof(right) - 1; len++) {
		struct packet_txt record = {
		    .bytes = (const uint8_t *)right, .len = len};

		assert_int_not_equal(
		    ownership_match(&record, TOKEN), OWNERSHIP_MATCH);
	}
	for (size_t bit = 0; bit < 8 * (sizeof(right) - 1); bit++) {
		struct packet_txt record = {
		    .bytes = bytes, .len = sizeof(right) - 1};

		memcpy(bytes, right, sizeof(bytes));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		record.nul = memchr(bytes, 0, record.len) != NULL;
		assert_int_not_equal(
		    ownership_match(&record, TOKEN), OWNERSHIP_MATCH);
	}
}

/* RFC 4648 section 10 gives "foobar" as MZXW6YTBOI; twenty octets of it and
 * the extremes. */
static void
tokens(void **state)
{
	static const struct {
		const char *octets;
		const char *want;
	} rows[] = {
	    {"foobarfoobarfoobarfo", "mzxw6ytbojtg633cmfzgm33pmjqxeztp"},
	    {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"77777777777777777777777777777777"},
	    {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[TOKEN_TEXT_MAX + 1];

		token_show((const uint8_t *)rows[i].octets, out);
		assert_string_equal(out, rows[i].want);
	}
}

static void
names(void **state)
{
	static const struct {
		const char *service;
		const char *domain;
		const char *want; /* NULL = too long */
	} rows[] = {
	    {"x", "a.test", "_x-challenge.a.test"},
	    {"domainproof", "b.a.test", "_domainproof-challenge.b.a.test"},
	    /* 52 + 11 octets fill a label */
	    {"1234567890123456789012345678901234567890123456789012", "t",
		"_1234567890123456789012345678901234567890123456789012"
		"-challenge.t"},
	    {"12345678901234567890123456789012345678901234567890123", "t",
		NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dname domain, name;
		char shown[DNAME_SHOWN_MAX + 1];
		bool fits;

		assert_int_equal(
		    dname_from_text(&domain, rows[i].domain, NULL), DNAME_OK);
		fits = ownership_name(&name, rows[i].service, &domain);
		assert_int_equal(fits, rows[i].want != NULL);
		if (!fits)
			continue;
		dname_show(&name, shown);
		assert_string_equal(shown, rows[i].want);
	}
}

static void
long_names(void **state)
{
	struct dname domain, name;
	char text[DNAME_TEXT_MAX + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 49; i < DNAME_TEXT_MAX; i += 50)
		text[i] = '.';
	/* 253 octets of text: the name has 255; its own label needs 13 */
	text[DNAME_TEXT_MAX] = '\0';
	assert_int_equal(dname_from_text(&domain, text, NULL), DNAME_OK);
	assert_false(ownership_name(&name, "x", &domain));
	assert_int_equal(dname_from_text(&domain, text + 13, NULL), DNAME_OK);
	assert_true(ownership_name(&name, "x", &domain));
	assert_int_equal(name.len, DNAME_WIRE_MAX);
}

static void
values(void **state)
{
	char out[EXPECTED_MAX + 1];
	struct packet_txt record = {.bytes = (const uint8_t *)out};

	(void)state;
	ownership_value(TOKEN, out);
	assert_string_equal(out, "token=" TOKEN " expiry=never");
	record.len = strlen(out);
	assert_int_equal(ownership_match(&record, TOKEN), OWNERSHIP_MATCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(matches),
	    cmocka_unit_test(no_token),
	    cmocka_unit_test(near_misses),
	    cmocka_unit_test(tokens),
	    cmocka_unit_test(names),
	    cmocka_unit_test(long_names),
	    cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
