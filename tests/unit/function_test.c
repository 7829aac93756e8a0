/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of a function, walked cell by cell. */
#include "core/function.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define HOUR_MS 3600000LL
#define NOW	(1000 * HOUR_MS)
#define SPF	(1u << FUNCTION_SPF)
#define DKIM	(1u << FUNCTION_DKIM)

static const struct policy warn = {
    .spf_include = "spf.mailco.test",
    .lapse_ms = 72 * HOUR_MS,
    .lapse_looks = 2,
    .dkim_required = DKIM_REQUIRED_WARN,
};

static const struct policy refuse = {
    .spf_include = "spf.mailco.test",
    .lapse_ms = 72 * HOUR_MS,
    .lapse_looks = 2,
    .dkim_required = DKIM_REQUIRED_REFUSE,
};

/* One letter a status that each event leads to: Off Pending Active Lapsing
 * lapsed(X) Expired. Rows and columns in the order of their enums. */
/* clang-format off */
static const struct {
	enum function_status from;
	const char *proven; /* ASK PASS MISS PARTIAL UNDECIDED EXPIRE CANCEL
	                     * OFF READY; ownership is proven */
	const char *not;    /* the same; it is not */
} table[FUNCTION_STATUS_N] = {
	{FUNCTION_OFF,     "POOOOOOOO", "POOOOOOOO"},
	{FUNCTION_PENDING, "PAPPPEOOA", "PPPPPEOOP"},
	{FUNCTION_ACTIVE,  "AALAAAAOA", "AALAAAAOA"},
	{FUNCTION_LAPSING, "LALLLLLOL", "LALLLLLOL"},
	{FUNCTION_LAPSED,  "XAXXXXXOA", "XXXXXXXOX"},
	{FUNCTION_EXPIRED, "PEEEEEEOE", "PEEEEEEOE"},
};
/* clang-format on */

static char
letter(enum function_status s)
{
	return "OPALXE"[s];
}

static const struct finding *
finding_for(enum function fn, enum function_event ev)
{
	static struct finding f;

	f = (struct finding){.check = function_check(fn)};
	switch (ev) {
	case FUNCTION_EV_PASS:
		f.verdict = VERDICT_PASS;
		return &f;
	case FUNCTION_EV_MISS:
		f.verdict = VERDICT_FAIL;
		f.code = CODE_SPF_NO_INCLUDE;
		return &f;
	case FUNCTION_EV_PARTIAL:
		f.verdict = VERDICT_FAIL;
		f.code = CODE_NS_DISAGREE;
		return &f;
	case FUNCTION_EV_UNDECIDED:
		f.verdict = VERDICT_UNDECIDED;
		f.code = CODE_TIMEOUT;
		return &f;
	default:
		return NULL;
	}
}

/* A function in this status; its last look passed, an hour ago. */
static struct claim
claim_with(
    enum claim_status ownership, enum function fn, enum function_status status)
{
	struct claim c;

	claim_init(&c);
	c.ver = 7;
	c.status = ownership;
	c.function[fn] = (struct function_state){NOW - 9 * HOUR_MS, status};
	c.check[function_check(fn)].verdict = VERDICT_PASS;
	c.check[function_check(fn)].looked_at = NOW - HOUR_MS;
	return c;
}

static unsigned
step(struct claim *c, enum function fn, enum function_event ev, int64_t now,
    const struct policy *policy)
{
	return function_step(c, fn, ev, finding_for(fn, ev), now, policy);
}

static void
one_cell(enum claim_status ownership, enum function fn,
    enum function_status from, enum function_event ev, char want)
{
	struct claim c = claim_with(ownership, fn, from);
	unsigned todo = step(&c, fn, ev, NOW, &warn);
	bool moved = want != letter(from);

	if (letter(c.function[fn].status) != want)
		fail_msg("%s %s, event %d: %c instead of %c", function_name(fn),
		    function_status_name(from), (int)ev,
		    letter(c.function[fn].status), want);
	assert_int_equal(c.ver, todo & CLAIM_SAVE ? 8 : 7);
	assert_int_equal((todo & CLAIM_SAVE) != 0, todo != 0);
	assert_int_equal((todo & CLAIM_SAY_FUNCTION) != 0, moved);
	assert_int_equal(
	    c.function[fn].since_at, moved ? NOW : NOW - 9 * HOUR_MS);
	assert_int_equal(c.status, ownership);
	claim_free(&c);
}

static void
every_cell_leads_where_the_table_says(void **state)
{
	(void)state;
	for (int fn = 0; fn < FUNCTION_N; fn++) {
		for (size_t row = 0; row < FUNCTION_STATUS_N; row++) {
			for (int ev = 0; ev < FUNCTION_EV_N; ev++) {
				one_cell(CLAIM_VERIFIED, (enum function)fn,
				    table[row].from, (enum function_event)ev,
				    table[row].proven[ev]);
				one_cell(CLAIM_PENDING, (enum function)fn,
				    table[row].from, (enum function_event)ev,
				    table[row].not [ev]);
			}
		}
	}
}

/* In which status of ownership may a proof switch on? */
static void
ownership_comes_first(void **state)
{
	(void)state;
	for (int st = 0; st < CLAIM_STATUS_N; st++) {
		struct claim c = claim_with(
		    (enum claim_status)st, FUNCTION_DKIM, FUNCTION_PENDING);
		bool may = st == CLAIM_VERIFIED || st == CLAIM_LAPSING;

		step(&c, FUNCTION_DKIM, FUNCTION_EV_PASS, NOW, &warn);
		assert_int_equal(c.function[FUNCTION_DKIM].status,
		    may ? FUNCTION_ACTIVE : FUNCTION_PENDING);
		claim_free(&c);
	}
}

/* Proven before ownership was: switched on as soon as that is. */
static void
ready_takes_up_the_last_verdict(void **state)
{
	(void)state;
	static const enum function_event last[] = {FUNCTION_EV_PASS,
	    FUNCTION_EV_MISS, FUNCTION_EV_PARTIAL, FUNCTION_EV_UNDECIDED};

	for (size_t i = 0; i < ARRAY_LEN(last); i++) {
		struct claim c =
		    claim_with(CLAIM_PENDING, FUNCTION_SPF, FUNCTION_PENDING);
		unsigned todo;

		step(&c, FUNCTION_SPF, FUNCTION_EV_PASS, NOW, &warn);
		step(&c, FUNCTION_SPF, last[i], NOW + 1, &warn);
		c.status = CLAIM_VERIFIED;
		todo =
		    step(&c, FUNCTION_SPF, FUNCTION_EV_READY, NOW + 2, &warn);
		assert_int_equal(todo, last[i] == FUNCTION_EV_PASS
					   ? CLAIM_SAVE | CLAIM_SAY_FUNCTION
					   : 0);
		assert_int_equal(c.function[FUNCTION_SPF].status,
		    last[i] == FUNCTION_EV_PASS ? FUNCTION_ACTIVE
						: FUNCTION_PENDING);
		claim_free(&c);
	}
}

/* Where policy demands signatures, spf waits for dkim. */
static void
spf_waits_for_dkim(void **state)
{
	(void)state;
	for (int st = 0; st < FUNCTION_STATUS_N; st++) {
		struct claim c =
		    claim_with(CLAIM_VERIFIED, FUNCTION_SPF, FUNCTION_PENDING);
		bool may = st == FUNCTION_ACTIVE || st == FUNCTION_LAPSING;

		c.function[FUNCTION_DKIM].status = (enum function_status)st;
		step(&c, FUNCTION_SPF, FUNCTION_EV_PASS, NOW, &refuse);
		assert_int_equal(c.function[FUNCTION_SPF].status,
		    may ? FUNCTION_ACTIVE : FUNCTION_PENDING);
		c.function[FUNCTION_DKIM].status = FUNCTION_ACTIVE;
		step(&c, FUNCTION_SPF, FUNCTION_EV_READY, NOW, &refuse);
		assert_int_equal(
		    c.function[FUNCTION_SPF].status, FUNCTION_ACTIVE);
		claim_free(&c);
	}
}

static void
only_definitive_misses_over_the_time_lapse(void **state)
{
	(void)state;
	static const struct {
		enum function_event ev;
		int64_t at_h;
		char want;
	} walk[] = {
	    {FUNCTION_EV_PASS, 0, 'A'}, {FUNCTION_EV_UNDECIDED, 1, 'A'},
	    {FUNCTION_EV_PARTIAL, 2, 'A'}, {FUNCTION_EV_MISS, 10, 'L'},
	    {FUNCTION_EV_MISS, 81, 'L'},
	    {FUNCTION_EV_PASS, 82, 'A'}, /* counts anew from here */
	    {FUNCTION_EV_MISS, 90, 'L'}, {FUNCTION_EV_PARTIAL, 91, 'L'},
	    {FUNCTION_EV_MISS, 95, 'L'}, /* and from here */
	    {FUNCTION_EV_UNDECIDED, 166, 'L'},
	    {FUNCTION_EV_MISS, 167, 'X'}, /* 95 + 72 exactly */
	    {FUNCTION_EV_UNDECIDED, 180, 'X'},
	    {FUNCTION_EV_PASS, 200, 'A'}, /* the wish still stands */
	};

	for (int fn = 0; fn < FUNCTION_N; fn++) {
		struct claim c = claim_with(
		    CLAIM_VERIFIED, (enum function)fn, FUNCTION_PENDING);

		for (size_t i = 0; i < ARRAY_LEN(walk); i++) {
			step(&c, (enum function)fn, walk[i].ev,
			    NOW + walk[i].at_h * HOUR_MS, &warn);
			assert_int_equal(
			    letter(c.function[fn].status), walk[i].want);
		}
		/* of the other one nothing is known */
		assert_int_equal(c.function[!fn].status, FUNCTION_OFF);
		claim_free(&c);
	}
}

/* Neither an old proof nor one of a domain that two have proven. */
static void
some_proofs_switch_nothing_on(void **state)
{
	(void)state;
	struct claim c =
	    claim_with(CLAIM_VERIFIED, FUNCTION_SPF, FUNCTION_PENDING);

	step(&c, FUNCTION_SPF, FUNCTION_EV_READY, NOW + 1, &warn);
	assert_int_equal(c.function[FUNCTION_SPF].status, FUNCTION_PENDING);
	c.flags = CLAIM_CONTESTED;
	step(&c, FUNCTION_SPF, FUNCTION_EV_READY, NOW, &warn);
	step(&c, FUNCTION_SPF, FUNCTION_EV_PASS, NOW, &warn);
	assert_int_equal(c.function[FUNCTION_SPF].status, FUNCTION_PENDING);
	/* what is on comes back from a miss */
	c.function[FUNCTION_SPF].status = FUNCTION_LAPSING;
	step(&c, FUNCTION_SPF, FUNCTION_EV_PASS, NOW, &warn);
	assert_int_equal(c.function[FUNCTION_SPF].status, FUNCTION_ACTIVE);
	c.function[FUNCTION_SPF].status = FUNCTION_PENDING;
	c.flags = 0;
	step(&c, FUNCTION_SPF, FUNCTION_EV_READY, NOW, &warn);
	assert_int_equal(c.function[FUNCTION_SPF].status, FUNCTION_ACTIVE);
	claim_free(&c);
}

/* One miss in three days is not enough, however long ago the first was. */
static void
a_single_miss_lapses_nothing(void **state)
{
	(void)state;
	static const struct policy three = {
	    .lapse_ms = HOUR_MS, .lapse_looks = 3};
	struct claim c =
	    claim_with(CLAIM_VERIFIED, FUNCTION_DKIM, FUNCTION_ACTIVE);

	step(&c, FUNCTION_DKIM, FUNCTION_EV_MISS, NOW, &three);
	step(&c, FUNCTION_DKIM, FUNCTION_EV_MISS, NOW + 9 * HOUR_MS, &three);
	assert_int_equal(c.function[FUNCTION_DKIM].status, FUNCTION_LAPSING);
	step(&c, FUNCTION_DKIM, FUNCTION_EV_MISS, NOW + 10 * HOUR_MS, &three);
	assert_int_equal(c.function[FUNCTION_DKIM].status, FUNCTION_LAPSED);
	claim_free(&c);
}

/* Lapsed ownership leaves functions as they are, but nothing comes back. */
static void
functions_outlive_ownership(void **state)
{
	(void)state;
	struct claim c =
	    claim_with(CLAIM_LAPSED, FUNCTION_SPF, FUNCTION_LAPSING);

	step(&c, FUNCTION_SPF, FUNCTION_EV_PASS, NOW, &refuse);
	assert_int_equal(c.function[FUNCTION_SPF].status, FUNCTION_ACTIVE);
	assert_true(function_sends_as_customer(&c));
	c.function[FUNCTION_SPF].status = FUNCTION_LAPSED;
	step(&c, FUNCTION_SPF, FUNCTION_EV_PASS, NOW, &warn);
	assert_int_equal(c.function[FUNCTION_SPF].status, FUNCTION_LAPSED);
	assert_false(function_sends_as_customer(&c));
	claim_free(&c);
}

static void
what_counts_as_wanted(void **state)
{
	(void)state;
	for (int st = 0; st < FUNCTION_STATUS_N; st++) {
		struct claim c = claim_with(
		    CLAIM_VERIFIED, FUNCTION_SPF, (enum function_status)st);

		assert_int_equal(function_wanted(&c, FUNCTION_SPF),
		    st != FUNCTION_OFF && st != FUNCTION_EXPIRED);
		assert_int_equal(function_sends_as_customer(&c),
		    st == FUNCTION_ACTIVE || st == FUNCTION_LAPSING);
		assert_false(function_wanted(&c, FUNCTION_DKIM));
	}
}

static void
a_wish_is_judged(void **state)
{
	(void)state;
	enum {
		NO = FUNCTION_OFF,
		ON = FUNCTION_ACTIVE,
		ASKED = FUNCTION_PENDING,
		GONE = FUNCTION_EXPIRED,
		LOST = FUNCTION_LAPSED
	};
	static const struct {
		const char *name;
		int spf, dkim; /* statuses before */
		unsigned keys;
		uint32_t on, off;
		enum code warn, refuse;
	} row[] = {
	    {"spf alone", NO, NO, 0, SPF, 0, CODE_NONE, CODE_DKIM_REQUIRED},
	    {"spf, dkim is on", NO, ON, 1, SPF, 0, CODE_NONE, CODE_NONE},
	    {"spf, dkim is asked for", NO, ASKED, 1, SPF, 0, CODE_NONE,
		CODE_NONE},
	    {"spf, dkim lapsed", NO, LOST, 1, SPF, 0, CODE_NONE, CODE_NONE},
	    {"spf, dkim expired", NO, GONE, 1, SPF, 0, CODE_NONE,
		CODE_DKIM_REQUIRED},
	    {"both", NO, NO, 1, SPF | DKIM, 0, CODE_NONE, CODE_NONE},
	    {"both, no key", NO, NO, 0, SPF | DKIM, 0, CODE_NO_KEY,
		CODE_NO_KEY},
	    {"dkim", NO, NO, 1, DKIM, 0, CODE_NONE, CODE_NONE},
	    {"dkim, no key", NO, NO, 0, DKIM, 0, CODE_NO_KEY, CODE_NO_KEY},
	    {"dkim off, spf stays", ON, ON, 1, 0, DKIM, CODE_NONE,
		CODE_DKIM_REQUIRED},
	    {"dkim off, spf asked for", ASKED, ON, 1, 0, DKIM, CODE_NONE,
		CODE_DKIM_REQUIRED},
	    {"dkim off, spf is off", NO, ON, 1, 0, DKIM, CODE_NONE, CODE_NONE},
	    {"dkim off, spf expired", GONE, ON, 1, 0, DKIM, CODE_NONE,
		CODE_NONE},
	    {"both off", ON, ON, 1, 0, SPF | DKIM, CODE_NONE, CODE_NONE},
	    {"spf off", ON, ON, 1, 0, SPF, CODE_NONE, CODE_NONE},
	    {"spf off, alone as it was", ON, NO, 0, 0, SPF, CODE_NONE,
		CODE_NONE},
	    {"dkim for an spf that stands alone", ON, NO, 1, DKIM, 0, CODE_NONE,
		CODE_NONE},
	    {"nothing", ON, NO, 0, 0, 0, CODE_NONE, CODE_NONE},
	};
	struct policy none = warn;

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct claim c = claim_with(CLAIM_VERIFIED, FUNCTION_SPF,
		    (enum function_status)row[i].spf);

		c.function[FUNCTION_DKIM].status =
		    (enum function_status)row[i].dkim;
		c.keys_n = (uint8_t)row[i].keys;
		if (function_judge(&c, row[i].on, row[i].off, &warn) !=
			row[i].warn ||
		    function_judge(&c, row[i].on, row[i].off, &refuse) !=
			row[i].refuse)
			fail_msg("%s", row[i].name);
		/* a service without an include has no spf */
		none.spf_include[0] = '\0';
		assert_int_equal(function_judge(&c, row[i].on, row[i].off,
				     &none) == CODE_BAD_JOB,
		    (row[i].on & SPF) != 0);
	}
}

static void
a_released_claim_has_no_functions(void **state)
{
	(void)state;
	struct claim c = claim_with(CLAIM_RELEASED, FUNCTION_SPF, FUNCTION_OFF);

	for (int ev = 0; ev < FUNCTION_EV_N; ev++)
		assert_int_equal(
		    step(&c, FUNCTION_SPF, (enum function_event)ev, NOW, &warn),
		    0);
	assert_int_equal(c.ver, 7);
	assert_int_equal(c.function[FUNCTION_SPF].status, FUNCTION_OFF);
}

static void
names_and_checks(void **state)
{
	(void)state;
	static const enum function want[CHECK_N] = {
	    [CHECK_OWNERSHIP] = FUNCTION_N,
	    [CHECK_SPF] = FUNCTION_SPF,
	    [CHECK_DKIM] = FUNCTION_DKIM,
	    [CHECK_DMARC] = FUNCTION_N,
	};

	for (int i = 0; i < CHECK_N; i++)
		assert_int_equal(function_of((enum check)i), want[i]);
	for (int fn = 0; fn < FUNCTION_N; fn++) {
		assert_int_equal(
		    function_parse(function_name((enum function)fn)), fn);
		/* a function is called as its check is */
		assert_string_equal(function_name((enum function)fn),
		    check_name(function_check((enum function)fn)));
	}
	assert_int_equal(function_parse("dmarc"), FUNCTION_N);
	assert_string_equal(function_status_name(FUNCTION_OFF), "none");
	assert_string_equal(function_status_name(FUNCTION_EXPIRED), "expired");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_cell_leads_where_the_table_says),
	    cmocka_unit_test(ownership_comes_first),
	    cmocka_unit_test(ready_takes_up_the_last_verdict),
	    cmocka_unit_test(spf_waits_for_dkim),
	    cmocka_unit_test(only_definitive_misses_over_the_time_lapse),
	    cmocka_unit_test(some_proofs_switch_nothing_on),
	    cmocka_unit_test(a_single_miss_lapses_nothing),
	    cmocka_unit_test(functions_outlive_ownership),
	    cmocka_unit_test(what_counts_as_wanted),
	    cmocka_unit_test(a_wish_is_judged),
	    cmocka_unit_test(a_released_claim_has_no_functions),
	    cmocka_unit_test(names_and_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
