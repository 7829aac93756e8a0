/* SPDX-License-Identifier: Apache-2.0 */
#include "core/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/mem_fails.h"

/* 241 octets: with the record's label the longest name there is */
#define A63	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A40	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ROOM	A63 "." A63 "." A63 "." A40 "aaaa.test"
#define NO_ROOM A63 "." A63 "." A63 "." A40 "aaaaa.test"

#define OWN   (1u << CHECK_OWNERSHIP)
#define SPF   (1u << CHECK_SPF)
#define DKIM  (1u << CHECK_DKIM)
#define DMARC (1u << CHECK_DMARC)

enum {
	P = VERDICT_PASS,
	F = VERDICT_FAIL,
	N = VERDICT_NONE,
	U = VERDICT_UNDECIDED
};

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
	    {"activate is held to it too", "acme", "no.test", "no.test",
		JOB_ACTIVATE, -1, 0, 0, CODE_REFUSED_DOMAIN},
	    {"deactivate is not", "acme", "no.test", "no.test", JOB_DEACTIVATE,
		-1, 0, 0, CODE_NONE},
	    {"nor is a recheck", "acme", "no.test", "no.test", JOB_RECHECK, -1,
		0, 0, CODE_NONE},
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
		    .functions = 1u << FUNCTION_DKIM,
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

/* What is asked for besides the domain. */
static void
a_wish_is_judged(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum job_kind kind;
		uint32_t checks, functions;
		bool include;
		enum code want;
	} row[] = {
	    {"ownership", JOB_VERIFY, OWN, 0, false, CODE_NONE},
	    {"spf", JOB_VERIFY, OWN | SPF, 0, true, CODE_NONE},
	    {"spf, and we have no include", JOB_VERIFY, OWN | SPF, 0, false,
		CODE_BAD_JOB},
	    {"dkim and dmarc need none", JOB_VERIFY, DKIM | DMARC, 0, false,
		CODE_NONE},
	    {"activate", JOB_ACTIVATE, 0, 1, true, CODE_NONE},
	    {"activate nothing", JOB_ACTIVATE, 0, 0, true, CODE_BAD_JOB},
	    {"deactivate", JOB_DEACTIVATE, 0, 2, true, CODE_NONE},
	    {"deactivate nothing", JOB_DEACTIVATE, 0, 0, true, CODE_BAD_JOB},
	    {"recheck", JOB_RECHECK, 0, 0, false, CODE_NONE},
	    {"watch", JOB_WATCH, 0, 0, false, CODE_NONE},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct policy policy = plain_policy();
		const struct domain_facts facts = {.registrable = "a.test"};
		struct job_request r = {
		    .org = "acme",
		    .domain = "a.test",
		    .kind = row[i].kind,
		    .checks = row[i].checks,
		    .functions = row[i].functions,
		};

		if (row[i].include)
			strcpy(policy.spf_include, "spf.mailco.test");
		if (job_judge(&r, &facts, &policy) != row[i].want)
			fail_msg("%s", row[i].name);
	}
}

static void
a_key_is_judged(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *domain, *selector;
		enum dkim_type type;
		uint16_t bits;
		enum key_import import;
		enum code want;
	} row[] = {
	    {"rsa 2048", "a.test", "s1", DKIM_RSA, 2048, KEY_IMPORT_ACCEPT,
		CODE_NONE},
	    {"rsa 4096", "a.test", "s1", DKIM_RSA, 4096, KEY_IMPORT_ACCEPT,
		CODE_NONE},
	    {"rsa 2047", "a.test", "s1", DKIM_RSA, 2047, KEY_IMPORT_ACCEPT,
		CODE_BAD_KEY},
	    {"rsa 512", "a.test", "s1", DKIM_RSA, 512, KEY_IMPORT_ACCEPT,
		CODE_BAD_KEY},
	    {"ed25519", "a.test", "s1", DKIM_ED25519, 256, KEY_IMPORT_ACCEPT,
		CODE_NONE},
	    {"refused here", "a.test", "s1", DKIM_RSA, 2048, KEY_IMPORT_REFUSE,
		CODE_BAD_KEY},
	    {"no selector", "a.test", "s_1", DKIM_RSA, 2048, KEY_IMPORT_ACCEPT,
		CODE_BAD_JOB},
	    {"of several labels", "a.test", "q4.2026", DKIM_RSA, 2048,
		KEY_IMPORT_ACCEPT, CODE_NONE},
	    {"no room", ROOM, "s1-of-a-longer-name", DKIM_RSA, 2048,
		KEY_IMPORT_ACCEPT, CODE_BAD_DOMAIN},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct policy policy = plain_policy();
		const struct domain_facts facts = {.registrable = "a.test"};
		struct job_request r = {
		    .org = "acme",
		    .kind = JOB_CLAIM,
		    .key = {.type = row[i].type, .bits = row[i].bits},
		};

		policy.key_import = row[i].import;
		strcpy(r.domain, row[i].domain);
		strcpy(r.selector, row[i].selector);
		if (job_judge(&r, &facts, &policy) != row[i].want)
			fail_msg("%s", row[i].name);
	}
}

static void
open_it(struct job *j, struct job_request r, const struct claim *claim)
{
	const struct policy policy = plain_policy();

	assert_true(job_open(j, &r, LANE_JOBS, NOW, 12345, claim, &policy));
}

static void
what_is_looked_at(void **state)
{
	(void)state;
	enum {
		NO = FUNCTION_OFF,
		ON = FUNCTION_ACTIVE,
		ASKED = FUNCTION_PENDING,
		GONE = FUNCTION_EXPIRED,
		LOST = FUNCTION_LAPSED
	};
	enum { F_SPF = 1u << FUNCTION_SPF, F_DKIM = 1u << FUNCTION_DKIM };
	static const struct {
		const char *name;
		enum job_kind kind;
		enum claim_status claim;
		int spf, dkim;
		uint32_t checks, functions;
		uint32_t want;
	} row[] = {
	    {"nothing is on", JOB_VERIFY, CLAIM_NONE, NO, NO, 0, 0, OWN},
	    {"spf is on", JOB_VERIFY, CLAIM_VERIFIED, ON, NO, 0, 0,
		OWN | SPF | DMARC},
	    {"dkim is asked for", JOB_VERIFY, CLAIM_PENDING, NO, ASKED, 0, 0,
		OWN | DKIM | DMARC},
	    {"spf lapsed, dkim expired", JOB_VERIFY, CLAIM_VERIFIED, LOST, GONE,
		0, 0, OWN | SPF | DMARC},
	    {"and then activate", JOB_VERIFY, CLAIM_NONE, NO, NO, 0,
		F_SPF | F_DKIM, OWN | SPF | DKIM | DMARC},
	    {"as asked for", JOB_VERIFY, CLAIM_VERIFIED, ON, ON, DMARC, 0,
		DMARC},
	    {"as asked for, spf", JOB_VERIFY, CLAIM_NONE, NO, NO, SPF, 0, SPF},
	    {"spf then on: ownership too", JOB_VERIFY, CLAIM_NONE, NO, NO, SPF,
		F_SPF, OWN | SPF},
	    {"spf then on, held already", JOB_VERIFY, CLAIM_VERIFIED, NO, NO,
		SPF, F_SPF, SPF},
	    {"ownership asked, dkim then on", JOB_VERIFY, CLAIM_VERIFIED, NO,
		NO, OWN, F_DKIM, OWN | DKIM},
	    {"activate", JOB_ACTIVATE, CLAIM_NONE, NO, NO, 0, F_DKIM,
		OWN | DKIM | DMARC},
	    {"activate, held already", JOB_ACTIVATE, CLAIM_VERIFIED, NO, ON, 0,
		F_SPF, SPF | DMARC},
	    {"activate, lapsing", JOB_ACTIVATE, CLAIM_LAPSING, NO, NO, 0, F_SPF,
		OWN | SPF | DMARC},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct claim c;
		struct job j;

		claim_init(&c);
		c.status = row[i].claim;
		c.function[FUNCTION_SPF].status =
		    (enum function_status)row[i].spf;
		c.function[FUNCTION_DKIM].status =
		    (enum function_status)row[i].dkim;
		open_it(&j,
		    (struct job_request){.kind = row[i].kind,
			.checks = row[i].checks,
			.functions = row[i].functions},
		    &c);
		if (j.checks != row[i].want || job_wants(&j) != row[i].want ||
		    j.then != row[i].functions || j.passed != 0)
			fail_msg("%s: %x", row[i].name, j.checks);
		job_free(&j);
	}
}

static struct job
opened(uint32_t checks, int64_t deadline_ms)
{
	struct claim c;
	struct job j;

	claim_init(&c);
	open_it(&j,
	    (struct job_request){.kind = JOB_VERIFY,
		.checks = checks,
		.deadline_ms = deadline_ms},
	    &c);
	return j;
}

static struct finding
found(enum check check, enum verdict v)
{
	return (struct finding){.check = check, .verdict = v};
}

/* Nothing is on. */
static const struct claim none;

static enum job_outcome
answer(struct job *j, enum check check, enum verdict v, enum code code)
{
	struct finding f = found(check, v);

	f.code = code;
	job_check(j, &f);
	return job_proven(j, &none) ? END_VERIFIED : END_OPEN;
}

static void
a_job_keeps_its_reference(void **state)
{
	(void)state;
	const struct policy policy = plain_policy();
	struct claim c;
	struct job j;

	claim_init(&c);
	open_it(&j, (struct job_request){.kind = JOB_VERIFY, .ref = "ticket-7"},
	    &c);
	assert_string_equal(j.ref, "ticket-7");
	job_free(&j);
	assert_null(j.ref);
	mem_left = 0;
	assert_false(job_open(&j, &(struct job_request){.ref = "ticket-7"},
	    LANE_JOBS, NOW, 1, &c, &policy));
	mem_left = UINT32_MAX;
	job_free(&j);
	j = opened(OWN, 0);
	assert_null(j.ref);
}

static void
one_look_when_the_deadline_is_zero(void **state)
{
	(void)state;
	static const struct {
		uint32_t checks;
		int verdict[CHECK_N]; /* in their order; of those asked for */
		enum job_outcome want;
	} row[] = {
	    {OWN, {P, 0, 0, 0}, END_VERIFIED},
	    {OWN, {F, 0, 0, 0}, END_FAILED},
	    {OWN, {N, 0, 0, 0}, END_FAILED},
	    {OWN, {U, 0, 0, 0}, END_UNDECIDED},
	    {OWN | SPF, {P, P, 0, 0}, END_VERIFIED},
	    {OWN | SPF, {P, U, 0, 0}, END_UNDECIDED},
	    {OWN | SPF, {P, N, 0, 0}, END_FAILED},
	    {OWN | SPF, {U, N, 0, 0}, END_FAILED},
	    {SPF | DKIM, {0, F, U, 0}, END_FAILED},
	    {OWN | SPF | DKIM | DMARC, {P, P, P, P}, END_VERIFIED},
	    /* advice holds nothing back */
	    {OWN | SPF | DKIM | DMARC, {P, P, P, F}, END_VERIFIED},
	    {OWN | SPF | DKIM | DMARC, {P, P, P, U}, END_VERIFIED},
	    /* and fails nothing */
	    {OWN | DMARC, {U, 0, 0, F}, END_UNDECIDED},
	    {DMARC, {0, 0, 0, P}, END_VERIFIED},
	    {DMARC, {0, 0, 0, N}, END_VERIFIED},
	    {DMARC, {0, 0, 0, U}, END_UNDECIDED},
	};
	const struct policy policy = plain_policy();

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct job j = opened(row[i].checks, 0);

		for (int k = 0; k < CHECK_N; k++)
			if ((row[i].checks & (1u << k)) != 0)
				answer(&j, (enum check)k,
				    (enum verdict)row[i].verdict[k], CODE_NONE);
		if (job_look(&j, &none, NOW, 0, &policy) != row[i].want)
			fail_msg("row %zu", i);
		assert_int_equal(j.looks, 1);
	}
}

/* Each check settles by itself, whenever and by whatever look it is found. */
static void
what_has_passed_is_not_looked_at_again(void **state)
{
	(void)state;
	const struct policy policy = plain_policy();
	struct job j = opened(OWN | SPF | DKIM | DMARC, -1);
	uint64_t ver = j.ver;

	assert_int_equal(
	    answer(&j, CHECK_OWNERSHIP, VERDICT_PASS, CODE_NONE), END_OPEN);
	assert_int_equal(
	    answer(&j, CHECK_SPF, VERDICT_FAIL, CODE_SPF_AFTER_ALL), END_OPEN);
	assert_int_equal(
	    answer(&j, CHECK_DKIM, VERDICT_UNDECIDED, CODE_TIMEOUT), END_OPEN);
	assert_int_equal(
	    answer(&j, CHECK_DMARC, VERDICT_PASS, CODE_NONE), END_OPEN);
	assert_int_equal(j.ver, ver + 4);
	assert_int_equal(job_look(&j, &none, NOW, 0, &policy), END_OPEN);
	assert_int_equal(job_wants(&j), SPF | DKIM);
	/* late news of what is settled: none */
	ver = j.ver;
	assert_int_equal(
	    answer(&j, CHECK_OWNERSHIP, VERDICT_NONE, CODE_NOT_PUBLISHED),
	    END_OPEN);
	assert_int_equal(j.verdict[CHECK_OWNERSHIP], VERDICT_PASS);
	assert_int_equal(j.ver, ver);
	assert_int_equal(
	    answer(&j, CHECK_DKIM, VERDICT_PASS, CODE_NONE), END_OPEN);
	assert_int_equal(
	    answer(&j, CHECK_SPF, VERDICT_PASS, CODE_NONE), END_VERIFIED);
	assert_int_equal(job_wants(&j), 0);
	assert_int_equal(j.looks, 1);
}

/* What is to be switched on is asked for by every look, and has to be on. */
static void
what_is_to_be_switched_on_is_asked_for_to_the_end(void **state)
{
	(void)state;
	const struct policy policy = plain_policy();
	struct claim c = {.status = CLAIM_VERIFIED};
	struct job j = opened(OWN | SPF, 0);

	j.then = 1u << FUNCTION_SPF;
	answer(&j, CHECK_OWNERSHIP, VERDICT_PASS, CODE_NONE);
	answer(&j, CHECK_SPF, VERDICT_PASS, CODE_NONE);
	assert_int_equal(job_wants(&j), SPF);
	assert_false(job_proven(&j, &c));
	assert_int_equal(job_look(&j, &c, NOW, 0, &policy), END_FAILED);
	c.function[FUNCTION_SPF].status = FUNCTION_LAPSING;
	assert_false(job_proven(&j, &c));
	c.function[FUNCTION_SPF].status = FUNCTION_ACTIVE;
	assert_true(job_proven(&j, &c));
	assert_int_equal(job_look(&j, &c, NOW, 0, &policy), END_VERIFIED);
	/* could not ask: no answer; gone: one */
	answer(&j, CHECK_SPF, VERDICT_UNDECIDED, CODE_TIMEOUT);
	assert_true(job_proven(&j, &c));
	assert_int_equal(j.code[CHECK_SPF], CODE_NONE);
	answer(&j, CHECK_SPF, VERDICT_NONE, CODE_NOT_PUBLISHED);
	assert_false(job_proven(&j, &c));
	assert_int_equal(job_code(&j), CODE_NOT_PUBLISHED);
	answer(&j, CHECK_SPF, VERDICT_PASS, CODE_NONE);
	job_forget(&j, CHECK_SPF);
	assert_false(job_proven(&j, &c));
	assert_int_equal(j.verdict[CHECK_SPF], VERDICT_UNDECIDED);
}

/* What nobody asked for settles nothing. */
static void
other_checks_are_no_news(void **state)
{
	(void)state;
	struct job j = opened(SPF, -1);

	assert_int_equal(
	    answer(&j, CHECK_DKIM, VERDICT_PASS, CODE_NONE), END_OPEN);
	assert_int_equal(j.passed, 0);
	assert_int_equal(j.ver, 1);
	assert_int_equal(j.verdict[CHECK_DKIM], VERDICT_UNDECIDED);
}

static void
one_code_stands_for_the_job(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint32_t checks;
		struct {
			int verdict;
			enum code code;
		} got[CHECK_N];
		enum code want;
	} row[] = {
	    {"right", OWN, {{P, CODE_NONE}}, CODE_NONE},
	    {"a remark", OWN, {{P, CODE_VIA_APEX}}, CODE_VIA_APEX},
	    {"the first one missing", OWN | SPF | DKIM,
		{{P, CODE_VIA_APEX}, {F, CODE_SPF_AFTER_ALL},
		    {F, CODE_KEY_OTHER}},
		CODE_SPF_AFTER_ALL},
	    {"undecided is missing too", OWN | DKIM,
		{{U, CODE_TIMEOUT}, {0, 0}, {F, CODE_KEY_OTHER}}, CODE_TIMEOUT},
	    {"all right, the first remark", OWN | SPF | DMARC,
		{{P, CODE_NONE}, {P, CODE_SPF_INDIRECT}, {0, 0},
		    {F, CODE_DMARC_INVALID}},
		CODE_SPF_INDIRECT},
	    {"advice is none of it", OWN | DMARC,
		{{P, CODE_NONE}, {0, 0}, {0, 0}, {F, CODE_DMARC_INVALID}},
		CODE_NONE},
	    {"unless it is all", DMARC,
		{{0, 0}, {0, 0}, {0, 0}, {F, CODE_DMARC_INVALID}},
		CODE_DMARC_INVALID},
	    {"unless it is all, undecided", DMARC,
		{{0, 0}, {0, 0}, {0, 0}, {U, CODE_REFUSED}}, CODE_REFUSED},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct job j = opened(row[i].checks, -1);

		assert_int_equal(job_code(&j), CODE_NONE);
		for (int k = 0; k < CHECK_N; k++)
			answer(&j, (enum check)k,
			    (enum verdict)row[i].got[k].verdict,
			    row[i].got[k].code);
		if (job_code(&j) != row[i].want)
			fail_msg("%s", row[i].name);
	}
}

static void
it_goes_on_until_the_look_at_the_deadline(void **state)
{
	(void)state;
	const struct policy policy = plain_policy();
	struct job j = opened(OWN, -1);
	int64_t at = NOW;
	unsigned looks = 1;

	assert_int_equal(j.deadline_at, NOW + 48 * HOUR_MS);
	answer(&j, CHECK_OWNERSHIP, VERDICT_NONE, CODE_NOT_PUBLISHED);
	while (job_look(&j, &none, at, 0, &policy) == END_OPEN) {
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
	struct job j = opened(OWN, 5 * MIN_MS);

	answer(&j, CHECK_OWNERSHIP, VERDICT_UNDECIDED, CODE_TIMEOUT);
	assert_int_equal(
	    job_look(&j, &none, NOW + 9 * MIN_MS, 0, &policy), END_EXPIRED);
	j = opened(OWN, 5 * MIN_MS);
	assert_int_equal(
	    answer(&j, CHECK_OWNERSHIP, VERDICT_PASS, CODE_NONE), END_VERIFIED);
	assert_int_equal(
	    job_look(&j, &none, NOW + 9 * MIN_MS, 0, &policy), END_VERIFIED);
}

static void
caches_are_waited_for_only_when_they_are_asked(void **state)
{
	(void)state;
	struct policy policy = plain_policy();
	struct job j = opened(OWN, -1);

	job_look(&j, &none, NOW, 1800, &policy);
	assert_true(j.due_at <= NOW + 33000);
	policy.authoritative = false;
	j = opened(OWN, -1);
	job_look(&j, &none, NOW, 1800, &policy);
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
	    cmocka_unit_test(a_wish_is_judged),
	    cmocka_unit_test(a_key_is_judged),
	    cmocka_unit_test(what_is_looked_at),
	    cmocka_unit_test(a_job_keeps_its_reference),
	    cmocka_unit_test(one_look_when_the_deadline_is_zero),
	    cmocka_unit_test(what_has_passed_is_not_looked_at_again),
	    cmocka_unit_test(what_is_to_be_switched_on_is_asked_for_to_the_end),
	    cmocka_unit_test(other_checks_are_no_news),
	    cmocka_unit_test(one_code_stands_for_the_job),
	    cmocka_unit_test(it_goes_on_until_the_look_at_the_deadline),
	    cmocka_unit_test(a_deadline_that_passed_meanwhile_gets_one_look),
	    cmocka_unit_test(caches_are_waited_for_only_when_they_are_asked),
	    cmocka_unit_test(names_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
