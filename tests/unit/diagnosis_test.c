/* SPDX-License-Identifier: Apache-2.0 */
#include "core/diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NAME	 "_x-challenge.a.test"
#define EXPECTED "token=abc expiry=never"

static const struct test {
	struct diagnosis_facts facts;
	const char *say; /* NULL = not looked at */
	const char *fix;
} tests[] = {
    {{.code = CODE_NONE}, "The record at " NAME " is right.", ""},
    {{.code = CODE_NONE, .verdict = VERDICT_UNDECIDED},
	"Nobody has looked at " NAME " yet.",
	"Add a TXT record named " NAME " with the value: " EXPECTED},
    {{.code = CODE_N}, "The reason is one that this version does not know.",
	NULL},
    {{.code = CODE_VIA_APEX},
	"The record is right, but it stands at a.test itself, the old place, "
	"which is still accepted.",
	"When convenient, move it to " NAME "."},
    {{.code = CODE_NOT_PUBLISHED},
	"We looked for a TXT record at " NAME " and found none.",
	"Add a TXT record named " NAME " with the value: " EXPECTED},
    {{.code = CODE_NOT_PUBLISHED, .saw = "v=spf1 -all"},
	"We looked for a TXT record at " NAME " and found none; "
	"there is only: v=spf1 -all.",
	NULL},
    {{.code = CODE_NOT_PUBLISHED, .expected = ""},
	"There is no record of this kind at " NAME ".",
	"Ask for the value to publish there."},
    {{.code = CODE_TOKEN_OTHER, .saw = "token=b"},
	"The TXT record at " NAME " holds another value than yours: token=b.",
	"Add a second TXT record named " NAME " with the value: " EXPECTED},
    {{.code = CODE_TOKEN_OTHER, .saw = "token=b", .expected = ""},
	"A challenge record is published at " NAME ": token=b.",
	"Give a token with --token to compare it."},
    {{.code = CODE_AT_APEX},
	"The value is right, but it stands at a.test itself, not at " NAME ".",
	"Move the record: its name must be " NAME "."},
    {{.code = CODE_NAME_DOUBLED, .saw = NAME ".a.test"},
	"Found at " NAME ".a.test: your DNS panel adds a.test by itself.",
	"Enter only _x-challenge as the name of the record."},
    /* a panel that adds the zone, while the claim is for a name below it */
    {{.code = CODE_NAME_DOUBLED,
	 .domain = "b.a.test",
	 .name = "_x-challenge.b.a.test",
	 .saw = "_x-challenge.b.a.test.a.test"},
	"Found at _x-challenge.b.a.test.a.test: your DNS panel adds a.test by "
	"itself.",
	"Enter only _x-challenge.b as the name of the record."},
    {{.code = CODE_NS_DISAGREE, .saw = "1 of 2 servers has it"},
	"The name servers of a.test disagree about " NAME
	": 1 of 2 servers has it.",
	NULL},
    {{.code = CODE_NEGATIVE_CACHED,
	 .saw = "the resolver: no such name",
	 .neg_ttl_s = 1800,
	 .visible_in_s = 90},
	"The record at " NAME " is on your name servers, but public resolvers "
	"still remember the time before it (the resolver: no such name). That "
	"ends within 90 s by itself; your zone lets them deny a name for "
	"30 min.",
	NULL},
    {{.code = CODE_NEGATIVE_CACHED, .visible_in_s = 86400},
	"The record at " NAME " is on your name servers, but public resolvers "
	"still remember the time before it. That ends within 24 h by itself.",
	NULL},
    {{.code = CODE_NEGATIVE_CACHED, .visible_in_s = UINT32_MAX},
	"The record at " NAME " is on your name servers, but public resolvers "
	"still remember the time before it. That ends within 1193047 h by "
	"itself.",
	NULL},
    {{.code = CODE_NO_DOMAIN}, "The domain a.test does not exist in the DNS.",
	NULL},
    {{.code = CODE_DNSSEC_BOGUS, .saw = "signature expired (EDE 7)"},
	"The DNSSEC signatures of a.test are broken: signature expired (EDE "
	"7), so nobody may believe its records. The status is unchanged.",
	NULL},
    {{.code = CODE_TIMEOUT, .saw = "ns.test: no answer"},
	"We could not get an answer about " NAME ": no reply came in time "
	"(ns.test: no answer). The status is unchanged.",
	NULL},
    {{.code = CODE_TIMEOUT, .saw = SAW_OVER_BUDGET},
	"We could not ask about " NAME ": too many questions about this domain "
	"at the moment. The status is unchanged.",
	"Wait; we ask again by ourselves."},
    {{.code = CODE_BAD_DOMAIN, .domain = "a..test", .saw = "at 2"},
	"a..test is no valid domain name: at 2.", NULL},
    {{.code = CODE_SPF_AFTER_ALL,
	 .saw = "include:spf.mailco.test",
	 .publish = "v=spf1 include:spf.mailco.test -all"},
	"Our part of the SPF record stands behind \"all\" "
	"(include:spf.mailco.test) and is never read.",
	"Move it before \"all\": v=spf1 include:spf.mailco.test -all"},
    {{.code = CODE_SPF_AFTER_ALL},
	"Our part of the SPF record stands behind \"all\" and is never read.",
	"Move it before \"all\""},
    {{.code = CODE_AT_BARE_SELECTOR, .saw = "s1.a.test"},
	"The right key stands at s1.a.test, not at " NAME ": receivers look "
	"below _domainkey only.",
	NULL},
    /* what comes from outside does not come through as it is */
    {{.code = CODE_BAD_JOB, .saw = "\x1b[2J\xff\n{name}[x]"},
	"The request can't be carried out as it is: ?[2J??{name}[x].", NULL},
};

static struct diagnosis_facts
filled(const struct diagnosis_facts *given)
{
	struct diagnosis_facts f = *given;

	f.domain = f.domain != NULL ? f.domain : "a.test";
	f.name = f.name != NULL ? f.name : NAME;
	f.expected = f.expected != NULL ? f.expected : EXPECTED;
	f.saw = f.saw != NULL ? f.saw : "";
	return f;
}

static void
sentences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct diagnosis_facts f = filled(&tests[i].facts);
		char say[SAY_MAX + 1], fix[SAY_MAX + 1];

		diagnosis_say(&f, say, fix);
		if (tests[i].say != NULL)
			assert_string_equal(say, tests[i].say);
		if (tests[i].fix != NULL)
			assert_string_equal(fix, tests[i].fix);
	}
}

static void
check_sentence(const char *text)
{
	size_t len = strlen(text);

	assert_true(len > 0 && len <= SAY_MAX);
	for (size_t i = 0; i < len; i++)
		assert_true(text[i] >= ' ' && text[i] <= '~');
	assert_null(strpbrk(text, "{}"));
}

/* Each code, with nothing known and with the longest values there can be:
 * whole sentences, nothing unfilled, the end not lost. */
static void
every_code(void **state)
{
	static char domain[DNAME_TEXT_MAX + 1], name[DNAME_SHOWN_MAX + 1];
	static char expected[EXPECTED_MAX + 1], saw[SAW_MAX + 1];
	static char publish[PUBLISH_MAX + 1];
	struct diagnosis_facts none = {.domain = "", .name = "", .saw = ""};
	struct diagnosis_facts most = {.domain = domain,
	    .name = name,
	    .expected = expected,
	    .saw = saw,
	    .publish = publish,
	    .neg_ttl_s = UINT32_MAX,
	    .visible_in_s = UINT32_MAX};

	(void)state;
	none.expected = "";
	memset(domain, 'd', sizeof(domain) - 1);
	memset(name, 'n', sizeof(name) - 1);
	memset(expected, 'e', sizeof(expected) - 1);
	memset(saw, 's', sizeof(saw) - 1);
	memset(publish, 'p', sizeof(publish) - 1);
	for (enum code c = CODE_NONE; c <= CODE_N; c++) {
		char say[SAY_MAX + 1], fix[SAY_MAX + 1];

		none.code = most.code = c;
		diagnosis_say(&none, say, fix);
		check_sentence(say);
		assert_int_equal(say[strlen(say) - 1], '.');
		diagnosis_say(&most, say, fix);
		check_sentence(say);
		assert_int_equal(say[strlen(say) - 1], '.');
		if (c != CODE_NONE)
			check_sentence(fix);
		assert_int_equal(fix[0] == '\0', c == CODE_NONE);
	}
}

/* What could not be asked changes nothing, and says so. */
static void
undecided_is_harmless(void **state)
{
	(void)state;
	for (enum code c = CODE_DNSSEC_BOGUS; c <= CODE_CNAME_CHAIN; c++) {
		struct diagnosis_facts f =
		    filled(&(struct diagnosis_facts){.code = c});
		char say[SAY_MAX + 1], fix[SAY_MAX + 1];

		diagnosis_say(&f, say, fix);
		assert_non_null(strstr(say, "status is unchanged"));
	}
}

int
main(void)
{
	const struct CMUnitTest list[] = {
	    cmocka_unit_test(sentences),
	    cmocka_unit_test(every_code),
	    cmocka_unit_test(undecided_is_harmless),
	};

	return cmocka_run_group_tests(list, NULL, NULL);
}
