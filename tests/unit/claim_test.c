/* SPDX-License-Identifier: Apache-2.0 */
/* The claim's state machine, walked cell by cell. */
#include "core/claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define HOUR_MS 3600000LL
#define NOW	(1000 * HOUR_MS)

static const struct policy policy = {
    .lapse_ms = 72 * HOUR_MS,
    .lapse_looks = 2,
};

/* One letter a status that each event leads to; rows and columns in the order
 * of their enums. L in VERIFIED and LAPSING rows: a first miss. */
/* clang-format off */
static const struct {
	enum claim_status from;
	const char *to; /* BEGIN OPEN PASS MISS PARTIAL UNDECIDED EXPIRE RELEASE
	                 * CONTEST SETTLED */
} table[CLAIM_STATUS_N] = {
	{CLAIM_NONE,     "NPVNNNERNN"},
	{CLAIM_PENDING,  "PPVPPPERPP"},
	{CLAIM_VERIFIED, "VVVLVVVRVV"},
	{CLAIM_LAPSING,  "LLVLLLLRLL"},
	{CLAIM_LAPSED,   "XXVXXXXRXX"},
	{CLAIM_EXPIRED,  "EPVEEEEREE"},
	{CLAIM_RELEASED, "NRRRRRRRRR"},
};
/* clang-format on */

static char
letter(enum claim_status s)
{
	return "NPVLXER"[s];
}

static struct claim
claim_in(enum claim_status status)
{
	struct claim c;

	claim_init(&c);
	c.status = status;
	c.generation = 3;
	c.ver = 7;
	c.since_at = NOW - 9 * HOUR_MS;
	return c;
}

static const struct finding *
finding_for(enum claim_event ev)
{
	static struct finding f;

	f = (struct finding){.assurance = ASSURANCE_SINGLE};
	switch (ev) {
	case CLAIM_EV_PASS:
		f.verdict = VERDICT_PASS;
		return &f;
	case CLAIM_EV_MISS:
		f.verdict = VERDICT_NONE;
		f.code = CODE_NOT_PUBLISHED;
		return &f;
	case CLAIM_EV_PARTIAL:
		f.verdict = VERDICT_FAIL;
		f.code = CODE_NS_DISAGREE;
		return &f;
	case CLAIM_EV_UNDECIDED:
		f.verdict = VERDICT_UNDECIDED;
		f.code = CODE_SERVFAIL;
		return &f;
	default:
		return NULL;
	}
}

static void
every_cell_leads_where_the_table_says(void **state)
{
	(void)state;
	for (size_t row = 0; row < CLAIM_STATUS_N; row++) {
		for (int ev = 0; ev < CLAIM_EV_N; ev++) {
			struct claim c = claim_in(table[row].from);
			unsigned todo = claim_step(&c, (enum claim_event)ev,
			    finding_for((enum claim_event)ev), NOW, &policy);
			char want = table[row].to[ev];
			bool moved = want != letter(table[row].from);

			assert_int_equal(letter(c.status), want);
			assert_int_equal(c.ver, todo & CLAIM_SAVE ? 8 : 7);
			assert_int_equal((todo & CLAIM_SAVE) != 0, todo != 0);
			if (moved)
				assert_true(todo & CLAIM_SAVE);
			assert_int_equal(
			    c.since_at, moved ? NOW : NOW - 9 * HOUR_MS);
		}
	}
}

static void
only_definitive_misses_over_the_time_lapse(void **state)
{
	(void)state;
	static const struct {
		enum claim_event ev;
		int64_t at_h;
		char want;
	} walk[] = {
	    {CLAIM_EV_PASS, 0, 'V'},
	    {CLAIM_EV_UNDECIDED, 1, 'V'},
	    {CLAIM_EV_PARTIAL, 2, 'V'},
	    {CLAIM_EV_MISS, 10, 'L'},
	    {CLAIM_EV_MISS, 11, 'L'},
	    {CLAIM_EV_UNDECIDED, 83, 'L'},
	    {CLAIM_EV_MISS, 81, 'L'},
	    {CLAIM_EV_PASS, 82, 'V'}, /* counts anew from here */
	    {CLAIM_EV_MISS, 90, 'L'},
	    {CLAIM_EV_PARTIAL, 165, 'L'},
	    {CLAIM_EV_MISS, 162, 'X'},
	    {CLAIM_EV_PASS, 200, 'V'},
	};
	struct claim c = claim_in(CLAIM_PENDING);

	for (size_t i = 0; i < ARRAY_LEN(walk); i++) {
		claim_step(&c, walk[i].ev, finding_for(walk[i].ev),
		    NOW + walk[i].at_h * HOUR_MS, &policy);
		assert_int_equal(letter(c.status), walk[i].want);
	}
}

static void
a_release_begins_a_new_generation(void **state)
{
	(void)state;
	struct claim c;
	unsigned todo;

	claim_init(&c);
	todo = claim_step(&c, CLAIM_EV_BEGIN, NULL, NOW, &policy);
	assert_true(todo & CLAIM_DO_NEW_TOKEN);
	assert_true(todo & CLAIM_SAY_ISSUED);
	assert_int_equal(c.generation, 1);
	memset(c.token, 0xab, sizeof(c.token));
	todo = claim_step(&c, CLAIM_EV_BEGIN, NULL, NOW, &policy);
	assert_int_equal(todo, 0);
	claim_step(&c, CLAIM_EV_PASS, finding_for(CLAIM_EV_PASS), NOW, &policy);
	claim_step(&c, CLAIM_EV_RELEASE, NULL, NOW, &policy);
	assert_int_equal(claim_step(&c, CLAIM_EV_PASS,
			     finding_for(CLAIM_EV_PASS), NOW, &policy),
	    0);
	todo = claim_step(&c, CLAIM_EV_BEGIN, NULL, NOW, &policy);
	assert_true(todo & CLAIM_DO_NEW_TOKEN);
	assert_int_equal(c.generation, 2);
	assert_int_equal(c.looked_at, 0);
	assert_int_equal(c.token[0], 0);
	assert_int_equal(c.ver, 4);
}

static void
a_look_is_told_only_when_it_says_something_new(void **state)
{
	(void)state;
	struct claim c = claim_in(CLAIM_PENDING);
	struct finding f = *finding_for(CLAIM_EV_MISS);

	assert_true(
	    claim_step(&c, CLAIM_EV_MISS, &f, NOW, &policy) & CLAIM_SAY_LOOK);
	assert_false(claim_step(&c, CLAIM_EV_MISS, &f, NOW + 1, &policy) &
		     CLAIM_SAY_LOOK);
	assert_int_equal(c.looked_at, NOW + 1);
	strcpy(f.saw, "something else");
	assert_true(claim_step(&c, CLAIM_EV_MISS, &f, NOW + 2, &policy) &
		    CLAIM_SAY_LOOK);
}

static void
undecided_since_is_kept_until_a_definitive_answer(void **state)
{
	(void)state;
	struct claim c = claim_in(CLAIM_VERIFIED);

	claim_step(&c, CLAIM_EV_UNDECIDED, finding_for(CLAIM_EV_UNDECIDED), 5,
	    &policy);
	claim_step(&c, CLAIM_EV_UNDECIDED, finding_for(CLAIM_EV_UNDECIDED), 9,
	    &policy);
	assert_int_equal(c.undecided_since_at, 5);
	assert_int_equal(c.status, CLAIM_VERIFIED);
	claim_step(&c, CLAIM_EV_PASS, finding_for(CLAIM_EV_PASS), 12, &policy);
	assert_int_equal(c.undecided_since_at, 0);
}

static void
a_second_proof_contests_what_is_proven_only(void **state)
{
	(void)state;
	for (int st = 0; st < CLAIM_STATUS_N; st++) {
		struct claim c = claim_in((enum claim_status)st);
		bool proven = st == CLAIM_VERIFIED || st == CLAIM_LAPSING;
		unsigned todo =
		    claim_step(&c, CLAIM_EV_CONTEST, NULL, NOW, &policy);

		assert_int_equal((todo & CLAIM_SAY_CONTESTED) != 0, proven);
		assert_int_equal(c.flags, proven ? CLAIM_CONTESTED : 0);
		/* told once */
		assert_int_equal(
		    claim_step(&c, CLAIM_EV_CONTEST, NULL, NOW, &policy), 0);
		todo = claim_step(&c, CLAIM_EV_SETTLED, NULL, NOW, &policy);
		assert_int_equal(todo, proven ? CLAIM_SAVE : 0);
		assert_int_equal(c.flags, 0);
	}
}

static void
the_shield_is_red_without_an_open_job_only(void **state)
{
	(void)state;
	/* by status: job open, none; looked at and definitely missing */
	static const enum shield want[CLAIM_STATUS_N][2] = {
	    [CLAIM_NONE] = {SHIELD_AMBER, SHIELD_RED},
	    [CLAIM_PENDING] = {SHIELD_AMBER, SHIELD_RED},
	    [CLAIM_VERIFIED] = {SHIELD_GREEN, SHIELD_GREEN},
	    [CLAIM_LAPSING] = {SHIELD_AMBER, SHIELD_AMBER},
	    [CLAIM_LAPSED] = {SHIELD_AMBER, SHIELD_RED},
	    [CLAIM_EXPIRED] = {SHIELD_AMBER, SHIELD_RED},
	    [CLAIM_RELEASED] = {SHIELD_GREY, SHIELD_GREY},
	};
	struct claim c;

	for (int st = 0; st < CLAIM_STATUS_N; st++) {
		c = claim_in((enum claim_status)st);
		c.looked_at = NOW;
		c.verdict = VERDICT_NONE;
		assert_int_equal(claim_shield(&c, true), want[st][0]);
		assert_int_equal(claim_shield(&c, false), want[st][1]);
	}
	c = claim_in(CLAIM_NONE);
	assert_int_equal(claim_shield(&c, false), SHIELD_GREY);
	c.looked_at = NOW;
	c.verdict = VERDICT_UNDECIDED;
	assert_int_equal(claim_shield(&c, false), SHIELD_AMBER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_cell_leads_where_the_table_says),
	    cmocka_unit_test(only_definitive_misses_over_the_time_lapse),
	    cmocka_unit_test(a_release_begins_a_new_generation),
	    cmocka_unit_test(a_look_is_told_only_when_it_says_something_new),
	    cmocka_unit_test(undecided_since_is_kept_until_a_definitive_answer),
	    cmocka_unit_test(a_second_proof_contests_what_is_proven_only),
	    cmocka_unit_test(the_shield_is_red_without_an_open_job_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
