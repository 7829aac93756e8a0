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

/* The judge, row by row. section: of draft-ietf-dnsop-domain-verification-
 * techniques-13, or of the RFC that is named. Records are parted by '|'. */
static const struct {
	const char *section;
	const char *records;
	enum verdict verdict;
	enum code code;
	int mark; /* -1 = none */
} judgements[] = {
/* clang-format off */
#define PASS	  VERDICT_PASS, CODE_NONE, -1
#define NOTHING	  VERDICT_NONE, CODE_NOT_PUBLISHED, -1
#define OTHER_ONE VERDICT_FAIL, CODE_TOKEN_OTHER, -1
#define AS(code, mark) VERDICT_FAIL, CODE_##code, mark
    /* what counts */
    {"6.1", RIGHT " expiry=never", PASS},
    {"6.1.2", RIGHT, PASS},
    {"6.1.2", RIGHT " expiry=2031-01-01", PASS},
    {"6.1.2", RIGHT " expiry=never note=x", PASS},
    {"6.1.2", RIGHT "  expiry=never", PASS},
    {"6.1.2", RIGHT " expiry=never ", PASS},
    {"6.1.2", RIGHT " a=", PASS},
    {"6.1.2: no token=, the whole RDATA", TOKEN, PASS},
    {"6.1: several RRs, one match", "x|" RIGHT, PASS},
    {"6.1: several RRs, one match", "token=" OTHER "|" RIGHT, PASS},
    {"6.1: several RRs, one match", RIGHT "|token=" OTHER, PASS},
    {"6.1: several RRs, one match", "\"" RIGHT "\"|" TOKEN, PASS},
    {"8: two accounts, two values", OTHER "|" TOKEN, PASS},
    {"RFC 1035 3.3.14: joined, then compared", RIGHT " " "expiry=never", PASS},
    /* nothing of the kind */
    {"6.1", "", NOTHING},
    {"6.2", "v=spf1 -all", NOTHING},
    {"6.2", "google-site-verification=abc", NOTHING},
    {"6.1.2", "expiry=never", NOTHING},
    {"9.3: another provider's", "MS=ms12345678", NOTHING},
    {"A.1: a crowd at one name", "v=spf1 -all|MS=ms1|x=y z", NOTHING},
    {"6.1.2", "tokens=" TOKEN "x y", NOTHING},
    {"RFC 1035 3.3.14: an empty string", "|", NOTHING},
    /* another value */
    {"6.1.1: another token", "token=" OTHER, OTHER_ONE},
    {"6.1.1: another token", OTHER, OTHER_ONE},
    {"6.1.1: longer", RIGHT "x", OTHER_ONE},
    {"6.1.1: shorter", "token=abcdefghijklmnopqrstuvwxyz23456", OTHER_ONE},
    {"6.1.1: twice", RIGHT TOKEN, OTHER_ONE},
    {"6.1.2: empty", "token=", OTHER_ONE},
    {"6.1.2: empty", "token= expiry=never", OTHER_ONE},
    {"6.1.2: the key twice", "token=token=" TOKEN, OTHER_ONE},
    {"6.1.2: no key=value behind it", RIGHT " expiry", OTHER_ONE},
    {"6.1.2: no key=value behind it", RIGHT " =never", OTHER_ONE},
    {"6.1.2: parted by something else", RIGHT ";expiry=never", OTHER_ONE},
    {"6.1.2: parted by something else", RIGHT ",expiry=never", OTHER_ONE},
    {"RFC 4343 5: values have a case",
	"token=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", OTHER_ONE},
    {"RFC 4343 5", "TOKEN=" TOKEN, OTHER_ONE},
    {"RFC 4343 5", "Token=Abcdefghijklmnopqrstuvwxyz234567", OTHER_ONE},
    {"RFC 4343 5", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", OTHER_ONE},
    {"6.1: a NUL is data", RIGHT "~", OTHER_ONE},
    {"6.1: a NUL is data", "token=~" TOKEN, OTHER_ONE},
    {"6.1", "token=" OTHER "|v=spf1 -all", OTHER_ONE},
    {"6.1", "v=spf1 -all|token=" OTHER, OTHER_ONE},
    /* quotation marks of the zone file (RFC 1035 5.1) became data */
    {"RFC 1035 5.1", "\"" RIGHT "\"", AS(QUOTES_INSIDE, 0)},
    {"RFC 1035 5.1", "\"" RIGHT " expiry=never\"", AS(QUOTES_INSIDE, 0)},
    {"RFC 1035 5.1", "token=\"" TOKEN "\"", AS(QUOTES_INSIDE, 6)},
    {"RFC 1035 5.1", "token=\"" TOKEN "\" expiry=never",
	AS(QUOTES_INSIDE, 6)},
    {"RFC 1035 5.1", "\"" TOKEN "\"", AS(QUOTES_INSIDE, 0)},
    {"RFC 1035 5.1", TOKEN "\"", AS(QUOTES_INSIDE, 32)},
    {"RFC 1035 5.1", "\"" RIGHT "\" \"expiry=never\"",
	AS(QUOTES_INSIDE, 0)},
    /* so did its escapes */
    {"RFC 1035 5.1", "token\\=" TOKEN, AS(SEMICOLON_ESCAPED, 5)},
    {"RFC 1035 5.1", "\\\"" RIGHT "\\\"", AS(SEMICOLON_ESCAPED, 0)},
    {"RFC 1035 5.1", RIGHT "\\ expiry=never", AS(SEMICOLON_ESCAPED, 38)},
    {"RFC 1035 5.1", TOKEN "\\", AS(SEMICOLON_ESCAPED, 32)},
    /* blanks where there are none */
    {"6.1.2", " " RIGHT, AS(WHITESPACE, 0)},
    {"6.1.2", "\t" RIGHT, AS(WHITESPACE, 0)},
    {"6.1.2", "token= " TOKEN, AS(WHITESPACE, 6)},
    {"6.1.2", "token =" TOKEN, AS(WHITESPACE, 5)},
    {"6.1.2", RIGHT "\texpiry=never", AS(WHITESPACE, 38)},
    {"6.1.2", RIGHT "\r\n", AS(WHITESPACE, 38)},
    {"6.1.2", TOKEN " ", AS(WHITESPACE, 32)},
    {"6.1.2", "token=abcdefghijklmnop qrstuvwxyz234567", AS(WHITESPACE, 22)},
    {"6.1.2", "token = " TOKEN " expiry = never", AS(WHITESPACE, 5)},
    /* octets of a word processor */
    {"6.1.2", "\xe2\x80\x9c" RIGHT "\xe2\x80\x9d", AS(SMART_QUOTES, 0)},
    {"6.1.2", "token=\xe2\x80\x98" TOKEN "\xe2\x80\x99",
	AS(SMART_QUOTES, 6)},
    {"6.1.2", "\x93" RIGHT "\x94", AS(SMART_QUOTES, 0)},
    {"6.1.2: no-break space", "token=\xc2\xa0" TOKEN, AS(SMART_QUOTES, 6)},
    {"6.1.2: soft hyphen", RIGHT "\xc2\xad", AS(SMART_QUOTES, 38)},
    {"6.1.2: more than one fault", "\xe2\x80\x9c" RIGHT "\"",
	AS(SMART_QUOTES, 0)},
    /* one value in several records */
    {"6.1: a match among parts",
	"token=|" TOKEN "x|abcdefghijklmnopqrstuvwxyz234567", PASS},
    {"RFC 1035 3.3.14", "token=abcdefghijklmnop|qrstuvwxyz234567",
	AS(SPLIT_INTO_RRS, -1)},
    {"RFC 1035 3.3.14", "qrstuvwxyz234567|token=abcdefghijklmnop",
	AS(SPLIT_INTO_RRS, -1)},
    {"RFC 1035 3.3.14", "abcdefghijklmnop|qrstuvwxyz234567",
	AS(SPLIT_INTO_RRS, -1)},
    {"RFC 1035 3.3.14",
	"token=abcdefghijklmnop|v=spf1 -all|qrstuvwxyz234567 expiry=never",
	AS(SPLIT_INTO_RRS, -1)},
    {"RFC 1035 3.3.14: one part twice is none", "abcdefghijklmnop",
	VERDICT_FAIL, CODE_TOKEN_OTHER, -1},
    /* of several the most helpful counts */
    {"6.1", "token=" OTHER "|\"" RIGHT "\"", AS(QUOTES_INSIDE, 0)},
    {"6.1", "\"" RIGHT "\"|token=" OTHER, AS(QUOTES_INSIDE, 0)},
    {"6.1", "v=spf1 -all| " RIGHT, AS(WHITESPACE, 0)},
    /* clang-format on */
};

static size_t
records_of(const char *list, uint8_t *bytes, struct packet_txt *txt)
{
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(list, "|");

		txt[n] = (struct packet_txt){.bytes = bytes, .len = len};
		for (size_t i = 0; i < len; i++) {
			bytes[i] = list[i] == '~' ? 0 : (uint8_t)list[i];
			txt[n].nul = txt[n].nul || bytes[i] == 0;
		}
		n++;
		bytes += len;
		if (list[len] == '\0')
			return n;
		list += len + 1;
	}
}

static void
judges(void **state)
{
	(void)state;
	assert_true(ARRAY_LEN(judgements) >= 60);
	for (size_t i = 0; i < ARRAY_LEN(judgements); i++) {
		const char *list = judgements[i].records;
		struct packet_txt txt[8];
		struct judged j;
		uint8_t bytes[400];
		size_t n = records_of(list, bytes, txt);

		memset(&j, 0xa5, sizeof(j));
		ownership_judge(&j, txt, n, TOKEN);
		if (j.verdict != judgements[i].verdict ||
		    j.code != judgements[i].code)
			fail_msg("%s: %s (%s): %s %s", judgements[i].section,
			    list, j.saw, verdict_name(j.verdict),
			    code_name(j.code));
		if ((j.mark == NO_MARK ? -1 : (int)j.mark) !=
		    judgements[i].mark)
			fail_msg("%s: mark %u", list, (unsigned)j.mark);
		assert_true(j.txt < n);
		assert_true(strlen(j.saw) <= SAW_MAX);
		assert_int_equal(j.also_n, 0);
		assert_string_equal(j.publish, "");
		/* without a token nothing passes */
		ownership_judge(&j, txt, n, "");
		assert_true(
		    j.code == CODE_NOT_PUBLISHED || j.code == CODE_TOKEN_OTHER);
	}
}

/* What is quoted of capitals, and of long records. */
static void
quoted(void **state)
{
	char many[300];
	struct packet_txt txt = {.bytes = (const uint8_t *)many};
	struct judged j;

	(void)state;
	strcpy(many, "TOKEN=" TOKEN);
	txt.len = strlen(many);
	ownership_judge(&j, &txt, 1, TOKEN);
	assert_string_equal(j.saw, "TOKEN=" TOKEN " (capital letters)");
	memset(many, ' ', sizeof(many));
	memcpy(many, "TOKEN=" TOKEN, 38);
	txt.len = sizeof(many);
	ownership_judge(&j, &txt, 1, TOKEN);
	assert_int_equal(j.code, CODE_TOKEN_OTHER);
	assert_true(strlen(j.saw) <= SAW_MAX);
	memset(many, 'x', sizeof(many));
	ownership_judge(&j, &txt, 1, TOKEN);
	assert_int_equal(j.code, CODE_TOKEN_OTHER);
	ownership_judge(&j, NULL, 0, TOKEN);
	assert_int_equal(j.verdict, VERDICT_NONE);
	assert_string_equal(j.saw, "");
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
	    cmocka_unit_test(judges),
	    cmocka_unit_test(quoted),
	    cmocka_unit_test(no_token),
	    cmocka_unit_test(near_misses),
	    cmocka_unit_test(tokens),
	    cmocka_unit_test(names),
	    cmocka_unit_test(long_names),
	    cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
