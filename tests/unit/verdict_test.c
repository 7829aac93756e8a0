/* SPDX-License-Identifier: Apache-2.0 */
#include "core/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* As they stand in the schema files and in stored records. */
static void
names(void **state)
{
	static const struct {
		enum code code;
		const char *name;
	} rows[] = {
	    {CODE_NONE, ""},
	    {CODE_VIA_APEX, "VIA_APEX"},
	    {CODE_NOT_PUBLISHED, "NOT_PUBLISHED"},
	    {CODE_TOKEN_OTHER, "TOKEN_OTHER"},
	    {CODE_AT_APEX, "AT_APEX"},
	    {CODE_NAME_DOUBLED, "NAME_DOUBLED"},
	    {CODE_NS_DISAGREE, "NS_DISAGREE"},
	    {CODE_NEGATIVE_CACHED, "NEGATIVE_CACHED"},
	    {CODE_NO_DOMAIN, "NO_DOMAIN"},
	    {CODE_DNSSEC_BOGUS, "DNSSEC_BOGUS"},
	    {CODE_SERVFAIL, "SERVFAIL"},
	    {CODE_REFUSED, "REFUSED"},
	    {CODE_TIMEOUT, "TIMEOUT"},
	    {CODE_LAME, "LAME"},
	    {CODE_BAD_PACKET, "BAD_PACKET"},
	    {CODE_CNAME_CHAIN, "CNAME_CHAIN"},
	    {CODE_BAD_JOB, "bad_job"},
	    {CODE_BAD_DOMAIN, "bad_domain"},
	    {CODE_PUBLIC_SUFFIX, "public_suffix"},
	    {CODE_PUBLIC_MAIL_DOMAIN, "public_mail_domain"},
	    {CODE_REFUSED_DOMAIN, "refused_domain"},
	    {CODE_UNKNOWN_KIND, "unknown_kind"},
	    {CODE_BAD_DEADLINE, "bad_deadline"},
	    {CODE_UNKNOWN_ORG, "unknown_org"},
	    {CODE_POISON, "poison"},
	    {CODE_RELEASED, "released"},
	    {CODE_AT_BARE_SELECTOR, "AT_BARE_SELECTOR"},
	    {CODE_AT_PARENT, "AT_PARENT"},
	    {CODE_AT_SIBLING, "AT_SIBLING"},
	    {CODE_WRONG_ZONE, "WRONG_ZONE"},
	    {CODE_WRONG_NAME_REGISTERED, "WRONG_NAME_REGISTERED"},
	    {CODE_WILDCARD_SHADOW, "WILDCARD_SHADOW"},
	    {CODE_CNAME_COEXISTS, "CNAME_COEXISTS"},
	    {CODE_CNAME_FLATTENED, "CNAME_FLATTENED"},
	    {CODE_TARGET_DOUBLED, "TARGET_DOUBLED"},
	    {CODE_CNAME_AS_TXT, "CNAME_AS_TXT"},
	    {CODE_STALE_PAGE, "STALE_PAGE"},
	    {CODE_SPLIT_INTO_RRS, "SPLIT_INTO_RRS"},
	    {CODE_DUP_RECORD, "DUP_RECORD"},
	    {CODE_QUOTES_INSIDE, "QUOTES_INSIDE"},
	    {CODE_SEMICOLON_ESCAPED, "SEMICOLON_ESCAPED"},
	    {CODE_WHITESPACE, "WHITESPACE"},
	    {CODE_SMART_QUOTES, "SMART_QUOTES"},
	    {CODE_KEY_TRUNCATED, "KEY_TRUNCATED"},
	    {CODE_KEY_OTHER, "KEY_OTHER"},
	    {CODE_KEY_REVOKED, "KEY_REVOKED"},
	    {CODE_KEY_TESTING, "KEY_TESTING"},
	    {CODE_KEY_WEAK, "KEY_WEAK"},
	    {CODE_KEY_INVALID, "KEY_INVALID"},
	    {CODE_WRONG_TAG, "WRONG_TAG"},
	    {CODE_BARE_HOST_AS_SPF, "BARE_HOST_AS_SPF"},
	    {CODE_SPF_NO_INCLUDE, "SPF_NO_INCLUDE"},
	    {CODE_SPF_AFTER_ALL, "SPF_AFTER_ALL"},
	    {CODE_SPF_NOT_PASS, "SPF_NOT_PASS"},
	    {CODE_SPF_MULTIPLE, "SPF_MULTIPLE"},
	    {CODE_SPF_SYNTAX, "SPF_SYNTAX"},
	    {CODE_SPF_OVER_10, "SPF_OVER_10"},
	    {CODE_SPF_VOID, "SPF_VOID"},
	    {CODE_SPF_INCLUDE_BROKEN, "SPF_INCLUDE_BROKEN"},
	    {CODE_SPF_TARGET_BROKEN, "SPF_TARGET_BROKEN"},
	    {CODE_SPF_INDIRECT, "SPF_INDIRECT"},
	    {CODE_SPF_NEAR_LIMIT, "SPF_NEAR_LIMIT"},
	    {CODE_SPF_PLUS_ALL, "SPF_PLUS_ALL"},
	    {CODE_SPF_WIDE_RANGE, "SPF_WIDE_RANGE"},
	    {CODE_DANGLING_INCLUDE, "DANGLING_INCLUDE"},
	    {CODE_DMARC_INVALID, "DMARC_INVALID"},
	    {CODE_DMARC_TAG_REMOVED, "DMARC_TAG_REMOVED"},
	    {CODE_DMARC_NO_CONSENT, "DMARC_NO_CONSENT"},
	    {CODE_DMARC_UNALIGNED, "DMARC_UNALIGNED"},
	    {CODE_DMARC_LADDER, "DMARC_LADDER"},
	    {CODE_NOT_YOURS, "not_yours"},
	    {CODE_DKIM_HELD, "dkim_held"},
	    {CODE_DKIM_REQUIRED, "dkim_required"},
	    {CODE_NO_KEY, "no_key"},
	    {CODE_BAD_KEY, "bad_key"},
	    {CODE_SELECTOR_USED, "selector_used"},
	    {CODE_ROTATION_OPEN, "rotation_open"},
	};

	(void)state;
	assert_int_equal(ARRAY_LEN(rows), CODE_N);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(code_name(rows[i].code), rows[i].name);
		assert_int_equal(code_parse(rows[i].name), rows[i].code);
	}
}

static void
unknown_names(void **state)
{
	(void)state;
	assert_int_equal(code_parse("not_published"), CODE_N);
	assert_int_equal(code_parse("TIMEOUT "), CODE_N);
	assert_int_equal(code_parse("no such code"), CODE_N);
}

/* Every value has a name, and no two the same. */
static void
other_names(void **state)
{
	(void)state;
	assert_string_equal(check_name(CHECK_OWNERSHIP), "ownership");
	assert_string_equal(check_name(CHECK_SPF), "spf");
	assert_string_equal(check_name(CHECK_DKIM), "dkim");
	assert_string_equal(check_name(CHECK_DMARC), "dmarc");
	assert_string_equal(verdict_name(VERDICT_PASS), "pass");
	assert_string_equal(verdict_name(VERDICT_FAIL), "fail");
	assert_string_equal(verdict_name(VERDICT_NONE), "none");
	assert_string_equal(verdict_name(VERDICT_UNDECIDED), "undecided");
	assert_string_equal(assurance_name(ASSURANCE_NONE), "");
	assert_string_equal(assurance_name(ASSURANCE_SINGLE), "single");
	assert_string_equal(assurance_name(ASSURANCE_QUORUM), "quorum");
	assert_string_equal(assurance_name(ASSURANCE_DNSSEC), "dnssec");
	assert_string_equal(assurance_name(ASSURANCE_MANUAL), "manual");
}

/* The whole table: only a definitive answer counts, and never one that some
 * servers or caches contradict. The right token at a wrong name is still the
 * owner's will; the right key there is of no use to receivers. */
static void
misses(void **state)
{
	static const enum code elsewhere[] = {CODE_AT_APEX, CODE_NAME_DOUBLED,
	    CODE_AT_PARENT, CODE_AT_SIBLING, CODE_WRONG_ZONE,
	    CODE_QUOTES_INSIDE, CODE_SEMICOLON_ESCAPED, CODE_WHITESPACE,
	    CODE_SMART_QUOTES, CODE_SPLIT_INTO_RRS};
	bool is_elsewhere[CODE_N] = {false};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		is_elsewhere[elsewhere[i]] = true;
	for (unsigned i = 0; i < CHECK_N * CODE_N * VERDICT_N; i++) {
		struct finding f = {.check = (enum check)(i % CHECK_N),
		    .code = (enum code)(i / CHECK_N % CODE_N),
		    .verdict = (enum verdict)(i / CHECK_N / CODE_N)};
		bool want =
		    f.verdict == VERDICT_FAIL || f.verdict == VERDICT_NONE;

		if (f.code == CODE_NS_DISAGREE ||
		    f.code == CODE_NEGATIVE_CACHED ||
		    f.code == CODE_CNAME_COEXISTS)
			want = false;
		if (f.check == CHECK_OWNERSHIP && is_elsewhere[f.code])
			want = false;
		assert_int_equal(finding_is_miss(&f), want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(unknown_names),
	    cmocka_unit_test(other_names),
	    cmocka_unit_test(misses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
