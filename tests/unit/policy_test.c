/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define HOUR ((int64_t)3600 * 1000)

static struct policy
usual(void)
{
	return (struct policy){
	    .service = "example",
	    .support = "support@example.com",
	    .apex = APEX_ACCEPT,
	    .private_suffix = PRIVATE_SUFFIX_REFUSE,
	    .organisations_n = 1,
	    .organisations = {"Acme-1.eu_x"},
	    .deadline_max_ms = 48 * HOUR,
	    .backoff = {.n = 2, .gap_ms = {30000, HOUR}},
	    .lapse_ms = 72 * HOUR,
	    .lapse_looks = 2,
	    .dedupe_ms = 7 * 24 * HOUR,
	};
}

static void
expect(const struct policy *p, const char *word)
{
	struct err e = {.text = ""};
	enum next got = policy_check(p, &e);

	if (word == NULL && got != OK)
		fail_msg("refused: %s", e.text);
	if (word != NULL && (got != REJECT || strstr(e.text, word) == NULL))
		fail_msg("expected a word on %s: \"%s\"", word, e.text);
}

static void
test_texts(void **state)
{
	static const struct {
		const char *service, *support, *org, *word;
	} tests[] = {
	    {"example", "", "a", NULL},
	    {"a", "https://x.test/?a=b c", "A.b-c_9", NULL},
	    {"0123456789abcdef0123456789abcdef", "", "a", NULL},
	    {"", "", "a", "service.name"},
	    {"-a", "", "a", "service.name"},
	    {"a-", "", "a", "service.name"},
	    {"a_b", "", "a", "service.name"},
	    {"Example", "", "a", "service.name"},
	    {"a.b", "", "a", "service.name"},
	    {"example", "a\nb", "a", "service.support"},
	    {"example", "\x1b[31m", "a", "service.support"},
	    {"example", "caf\xc3\xa9", "a", "service.support"},
	    {"example", "", "", "organisations"},
	    {"example", "", "a/b", "organisations"},
	    {"example", "", "a b", "organisations"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct policy p = usual();

		strcpy(p.service, tests[i].service);
		strcpy(p.support, tests[i].support);
		strcpy(p.organisations[0], tests[i].org);
		expect(&p, tests[i].word);
	}
}

static void
test_times(void **state)
{
	static const struct {
		int64_t deadline, lapse, dedupe, gap;
		unsigned looks, gaps;
		const char *word;
	} tests[] = {
	    {48, 72, 168, 1, 2, 2, NULL},
	    {168, 24, 168, 24, 1000, 32, NULL},
	    {0, 72, 168, 1, 2, 2, "deadline_max"},
	    {169, 72, 168, 1, 2, 2, "deadline_max"},
	    {48, 23, 168, 1, 2, 2, "lapse"},
	    {48, 72, 168, 1, 1, 2, "lapse_looks"},
	    {48, 72, 169, 1, 2, 2, "dedupe"},
	    {24, 72, 23, 1, 2, 2, "dedupe"},
	    {48, 72, 47, 1, 2, 2, "dedupe"},
	    {48, 72, 168, 0, 2, 2, "backoff"},
	    {48, 72, 168, 25, 2, 2, "backoff"},
	    {48, 72, 168, 1, 2, 0, "backoff"},
	    {48, 72, 168, 1, 2, 33, "backoff"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct policy p = usual();

		p.deadline_max_ms = tests[i].deadline * HOUR;
		p.lapse_ms = tests[i].lapse * HOUR;
		p.lapse_looks = tests[i].looks;
		p.dedupe_ms = tests[i].dedupe * HOUR;
		p.backoff.n = tests[i].gaps;
		for (size_t g = 0; g < BACKOFF_GAPS_MAX; g++)
			p.backoff.gap_ms[g] = tests[i].gap * HOUR;
		expect(&p, tests[i].word);
	}
}

static void
test_choices(void **state)
{
	struct policy p = usual();

	(void)state;
	p.apex = (enum apex)7;
	expect(&p, "claim.apex");
	p = usual();
	p.private_suffix = (enum private_suffix)7;
	expect(&p, "claim.private_suffix");
	p = usual();
	p.organisations_n = ORGANISATIONS_MAX + 1;
	expect(&p, "organisations");
	p = usual();
	p.organisations_n = 0;
	expect(&p, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
