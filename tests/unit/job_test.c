/* SPDX-License-Identifier: Apache-2.0 */
#include "core/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* 241 octets: with the record's label the longest name there is */
#define A63	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A40	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ROOM	A63 "." A63 "." A63 "." A40 "aaaa.test"
#define NO_ROOM A63 "." A63 "." A63 "." A40 "aaaaa.test"

#define MIN_MS	60000LL
#define HOUR_MS 3600000LL
#define NOW	1790000000000LL

static struct policy
plain_policy(void)
{
	return (struct policy){
	    .deadline_max_ms = 48 * HOUR_MS,
	    .backoff = {.n = 2, .gap_ms = {30000, HOUR_MS}},
	    .authoritative = true,
	};
}

static struct names *
names_of(const char *text)
{
	struct names *n;
	struct err e;

	assert_int_equal(names_read(&n, text, strlen(text), &e), OK);
	return n;
}

static void
a_request_is_judged(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *org, *domain, *registrable;
		enum job_kind kind;
		int64_t deadline_ms;
		bool public_suffix, private_suffix;
		enum code want;
	} row[] = {
	    {"right", "acme", "a.test", "a.test", JOB_VERIFY, -1, 0, 0,
		CODE_NONE},
	    {"unknown organisation", "evil", "a.test", "a.test", JOB_VERIFY, -1,
		0, 0, CODE_UNKNOWN_ORG},
	    {"two days are allowed", "acme", "a.test", "a.test", JOB_VERIFY,
		48 * HOUR_MS, 0, 0, CODE_NONE},
	    {"and not a second more", "acme", "a.test", "a.test", JOB_VERIFY,
		48 * HOUR_MS + 1000, 0, 0, CODE_BAD_DEADLINE},
	    {"public suffix", "acme", "co.uk", "", JOB_CLAIM, -1, 1, 0,
		CODE_PUBLIC_SUFFIX},
	    {"private suffix", "acme", "github.io", "", JOB_CLAIM, -1, 0, 1,
		CODE_PUBLIC_SUFFIX},
	    {"mail for everybody", "acme", "gmail.com", "gmail.com", JOB_VERIFY,
		-1, 0, 0, CODE_PUBLIC_MAIL_DOMAIN},
	    {"and what is below it", "acme", "x.gmail.com", "gmail.com",
		JOB_VERIFY, -1, 0, 0, CODE_PUBLIC_MAIL_DOMAIN},
	    {"not what only ends so", "acme", "notgmail.com", "notgmail.com",
		JOB_VERIFY, -1, 0, 0, CODE_NONE},
	    {"refused", "acme", "no.test", "no.test", JOB_CLAIM, -1, 0, 0,
		CODE_REFUSED_DOMAIN},
	    {"may be given up", "acme", "no.test", "no.test", JOB_RELEASE, -1,
		0, 0, CODE_NONE},
	    {"room for the record", "acme", ROOM, "a.test", JOB_VERIFY, -1, 0,
		0, CODE_NONE},
	    {"no room for it", "acme", NO_ROOM, "a.test", JOB_VERIFY, -1, 0, 0,
		CODE_BAD_DOMAIN},
	    {"unknown kind", "acme", "a.test", "a.test", JOB_KIND_N, -1, 0, 0,
		CODE_UNKNOWN_KIND},
	};
	struct names *mail = names_of("gmail.com\n"), *no = names_of("no.test");
	struct policy policy = plain_policy();

	policy.public_domains = mail;
	policy.refused_domains = no;
	policy.private_suffix = PRIVATE_SUFFIX_REFUSE;
	policy.organisations_n = 1;
	strcpy(policy.organisations[0], "acme");
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct job_request r = {
		    .kind = row[i].kind,
		    .deadline_ms = row[i].deadline_ms,
		};
		struct domain_facts facts = {
		    .public_suffix = row[i].public_suffix,
		    .private_suffix = row[i].private_suffix,
		};

		strcpy(r.org, row[i].org);
		strcpy(r.domain, row[i].domain);
		strcpy(facts.registrable, row[i].registrable);
		if (job_judge(&r, &facts, &policy) != row[i].want)
			fail_msg("%s", row[i].name);
	}
	names_free(mail);
	names_free(no);
}

static struct job
opened(int64_t deadline_ms)
{
	const struct policy policy = plain_policy();
	struct job_request r = {.kind = JOB_VERIFY, .deadline_ms = deadline_ms};
	struct job j;

	job_open(&j, &r, LANE_JOBS, NOW, 12345, &policy);
	return j;
}

static struct finding
found(enum verdict v)
{
	return (struct finding){.verdict = v};
}

static void
one_look_when_the_deadline_is_zero(void **state)
{
	(void)state;
	static const enum job_outcome want[VERDICT_N] = {
	    [VERDICT_PASS] = END_VERIFIED,
	    [VERDICT_FAIL] = END_FAILED,
	    [VERDICT_NONE] = END_FAILED,
	    [VERDICT_UNDECIDED] = END_UNDECIDED,
	};
	const struct policy policy = plain_policy();

	for (int v = 0; v < VERDICT_N; v++) {
		struct job j = opened(0);
		struct finding f = found((enum verdict)v);

		assert_int_equal(job_look(&j, &f, NOW, &policy), want[v]);
		assert_int_equal(j.looks, 1);
	}
}

static void
it_goes_on_until_the_look_at_the_deadline(void **state)
{
	(void)state;
	const struct policy policy = plain_policy();
	struct job j = opened(-1);
	struct finding none = found(VERDICT_NONE);
	int64_t at = NOW;
	unsigned looks = 1;

	assert_int_equal(j.deadline_at, NOW + 48 * HOUR_MS);
	while (job_look(&j, &none, at, &policy) == END_OPEN) {
		assert_true(j.due_at > at);
		assert_true(j.due_at <= j.deadline_at);
		at = j.due_at;
		looks++;
	}
	assert_int_equal(at, j.deadline_at);
	assert_in_range(looks, 45, 55);
	assert_int_equal(j.looks, looks);
}

static void
a_deadline_that_passed_meanwhile_gets_one_look(void **state)
{
	(void)state;
	const struct policy policy = plain_policy();
	struct finding none = found(VERDICT_UNDECIDED);
	struct finding pass = found(VERDICT_PASS);
	struct job j = opened(5 * MIN_MS);

	assert_int_equal(
	    job_look(&j, &none, NOW + 9 * MIN_MS, &policy), END_EXPIRED);
	j = opened(5 * MIN_MS);
	assert_int_equal(
	    job_look(&j, &pass, NOW + 9 * MIN_MS, &policy), END_VERIFIED);
}

static void
caches_are_waited_for_only_when_they_are_asked(void **state)
{
	(void)state;
	struct policy policy = plain_policy();
	struct finding none = found(VERDICT_NONE);
	struct job j = opened(-1);

	none.neg_ttl_s = 1800;
	job_look(&j, &none, NOW, &policy);
	assert_true(j.due_at <= NOW + 33000);
	policy.authoritative = false;
	j = opened(-1);
	job_look(&j, &none, NOW, &policy);
	assert_true(j.due_at >= NOW + 1800000);
}

static void
names_are_read_back(void **state)
{
	(void)state;
	for (int k = 0; k < JOB_KIND_N; k++) {
		const char *name = job_kind_name((enum job_kind)k);

		assert_int_equal(job_kind_parse(name, strlen(name)), k);
	}
	assert_int_equal(job_kind_parse("verif", 5), JOB_KIND_N);
	assert_int_equal(job_kind_parse("unknown", 7), JOB_KIND_N);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_is_judged),
	    cmocka_unit_test(one_look_when_the_deadline_is_zero),
	    cmocka_unit_test(it_goes_on_until_the_look_at_the_deadline),
	    cmocka_unit_test(a_deadline_that_passed_meanwhile_gets_one_look),
	    cmocka_unit_test(caches_are_waited_for_only_when_they_are_asked),
	    cmocka_unit_test(names_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
