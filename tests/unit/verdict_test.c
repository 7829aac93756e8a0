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

/* The whole table: only "seen nowhere" of a definitive answer counts. */
static void
misses(void **state)
{
	(void)state;
	for (enum code c = CODE_NONE; c < CODE_N; c++) {
		for (enum verdict v = VERDICT_PASS; v < VERDICT_N; v++) {
			struct finding f = {.verdict = v, .code = c};
			bool nowhere = c == CODE_NOT_PUBLISHED ||
				       c == CODE_TOKEN_OTHER ||
				       c == CODE_NO_DOMAIN;
			bool sure = v == VERDICT_FAIL || v == VERDICT_NONE;

			assert_int_equal(finding_is_miss(&f), nowhere && sure);
		}
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
