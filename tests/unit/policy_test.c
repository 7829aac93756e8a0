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
	p.envelope_from = (enum envelope_from)7;
	expect(&p, "service.envelope_from");
	p = usual();
	p.dkim_required = (enum dkim_required)7;
	expect(&p, "dkim.required");
	p = usual();
	p.key_import = (enum key_import)7;
	expect(&p, "dkim.import");
	p = usual();
	p.spf_addresses_n = 1;
	expect(&p, "spf.addresses");
	strcpy(p.spf_include, "spf.test");
	expect(&p, NULL);
	p.spf_addresses_n = SPF_ADDRESSES_MAX + 1;
	expect(&p, "spf.addresses");
	p = usual();
	p.organisations_n = 0;
	expect(&p, NULL);
}

static void
test_mail(void **state)
{
	static const struct {
		const char *sender, *include, *word;
	} tests[] = {
	    {"", "", NULL},
	    {"mail@example.com", "spf.example.com", NULL},
	    {"a.b+c_d@x-1.example.com", "_spf.x-1.test", NULL},
	    {"mail", "", "default_sender must be a mailbox"},
	    {"@example.com", "", "default_sender must be a mailbox"},
	    {"a b@example.com", "", "default_sender must be a mailbox"},
	    {"a\nb@example.com", "", "default_sender must be a mailbox"},
	    {"\"a\"@example.com", "", "default_sender must be a mailbox"},
	    {"<a@example.com>", "", "default_sender must be a mailbox"},
	    {"caf\xc3\xa9@example.com", "", "default_sender must be a mail"},
	    {"0123456789012345678901234567890123456789012345678901234567891234"
	     "x@a.test",
		"", "default_sender must be a mailbox"},
	    {"a@", "", "default_sender: behind"},
	    {"a@b", "", "default_sender: behind"},
	    {"a@b@c.test", "", "default_sender: behind"},
	    {"a@Example.com", "", "default_sender: behind"},
	    {"", "test", "spf.include"},
	    {"", ".", "spf.include"},
	    {"", "spf.test.", "spf.include"},
	    {"", "a..test", "spf.include"},
	    {"", "spf.test -all", "spf.include"},
	    {"", "%{d}.test", "spf.include"},
	    {"", "SPF.test", "spf.include"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct policy p = usual();

		strcpy(p.default_sender, tests[i].sender);
		strcpy(p.spf_include, tests[i].include);
		expect(&p, tests[i].word);
	}
}

static void
test_watching(void **state)
{
	static const struct {
		int64_t recheck, gap, watch;
		unsigned percent, looks;
		const char *word;
	} tests[] = {
	    {0, 0, 0, 0, 0, NULL},
	    {24 * HOUR, 30000, 300000, 20, 100, NULL},
	    {1000, 100, 100, 100, 1, NULL},
	    {999, 0, 0, 0, 0, "time.recheck"},
	    {-1, 0, 0, 0, 0, "time.recheck"},
	    {91 * 24 * HOUR, 0, 0, 0, 0, "time.recheck"},
	    {0, 99, 300000, 0, 0, "time.watch_gap"},
	    {0, 300001, 300000, 0, 0, "time.watch_gap"},
	    {0, 30000, 1800001, 0, 0, "time.watch (ms)"},
	    {0, 100, 99, 0, 0, "time.watch (ms)"},
	    {0, 0, 0, 101, 1, "guard.percent"},
	    {0, 0, 0, 20, 0, "guard.looks"},
	    {0, 0, 0, 20, 1000001, "guard.looks"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct policy p = usual();

		p.recheck_ms = tests[i].recheck;
		p.watch_gap_ms = tests[i].gap;
		p.watch_ms = tests[i].watch;
		p.guard_percent = tests[i].percent;
		p.guard_looks = tests[i].looks;
		expect(&p, tests[i].word);
	}
}

/* Whose domain is in MAIL FROM: the customer's, or that of our own sender. */
static void
test_mail_from(void **state)
{
	static const struct {
		enum envelope_from whose;
		const char *sender;
		const char *want; /* NULL = not known */
	} tests[] = {
	    {ENVELOPE_CUSTOMER, "", "a.test"},
	    {ENVELOPE_CUSTOMER, "bounce@us.test", "a.test"},
	    {ENVELOPE_OURS, "bounce@us.test", "us.test"},
	    {ENVELOPE_OURS, "\"a@b\"@us.test", "us.test"},
	    {ENVELOPE_OURS, "", NULL},
	    {ENVELOPE_OURS, "bounce@us..test", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct policy p = usual();
		struct dname domain, want, got;

		p.envelope_from = tests[i].whose;
		snprintf(p.default_sender, sizeof(p.default_sender), "%s",
		    tests[i].sender);
		assert_int_equal(
		    dname_from_text(&domain, "a.test", NULL), DNAME_OK);
		assert_int_equal(
		    policy_mail_from(&got, &p, &domain), tests[i].want != NULL);
		if (tests[i].want == NULL)
			continue;
		assert_int_equal(
		    dname_from_text(&want, tests[i].want, NULL), DNAME_OK);
		assert_true(dname_equal(&got, &want));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_choices),
	    cmocka_unit_test(test_mail),
	    cmocka_unit_test(test_watching),
	    cmocka_unit_test(test_mail_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
