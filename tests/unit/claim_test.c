/* SPDX-License-Identifier: Apache-2.0 */
/* The claim's state machine, walked cell by cell. */
#include "core/function.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/mem_fails.h"

#define HOUR_MS 3600000LL
#define NOW	(1000 * HOUR_MS)

#define OWNERSHIP(c) (&(c)->check[CHECK_OWNERSHIP])

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
	    {CLAIM_EV_PARTIAL, 91, 'L'}, /* and from here */
	    {CLAIM_EV_MISS, 100, 'L'},
	    {CLAIM_EV_MISS, 165, 'L'},
	    {CLAIM_EV_MISS, 172, 'X'},
	    {CLAIM_EV_PASS, 200, 'V'},
	};
	struct claim c = claim_in(CLAIM_PENDING);

	for (size_t i = 0; i < ARRAY_LEN(walk); i++) {
		claim_step(&c, walk[i].ev, finding_for(walk[i].ev),
		    NOW + walk[i].at_h * HOUR_MS, &policy);
		assert_int_equal(letter(c.status), walk[i].want);
	}
}

static struct dkim_public
key_of(uint8_t octet)
{
	struct dkim_public key = {.type = DKIM_ED25519, .bits = 256, .len = 32};

	memset(key.bytes, octet, key.len);
	return key;
}

static void
take_key(struct claim *c, const char *selector, uint8_t octet, unsigned want)
{
	struct dkim_public key = key_of(octet);
	uint64_t ver = c->ver;
	unsigned todo = 0;

	assert_true(claim_key_set(c, selector, &key, &todo));
	assert_int_equal(todo, want);
	assert_int_equal(c->ver, ver + (want != 0));
}

static void
a_release_begins_a_new_generation(void **state)
{
	(void)state;
	struct finding pass = *finding_for(CLAIM_EV_PASS);
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
	strcpy(pass.saw, "seen");
	claim_step(&c, CLAIM_EV_PASS, &pass, NOW, &policy);
	take_key(&c, "s1", 1, CLAIM_SAVE | CLAIM_SAY_KEY);
	c.function[FUNCTION_DKIM].status = FUNCTION_ACTIVE;
	todo = claim_step(&c, CLAIM_EV_RELEASE, NULL, NOW + 1, &policy);
	assert_int_equal(
	    todo, CLAIM_SAVE | CLAIM_SAY_RELEASED | CLAIM_SAY_FUNCTION);
	assert_int_equal(c.function[FUNCTION_DKIM].status, FUNCTION_OFF);
	assert_int_equal(c.function[FUNCTION_DKIM].since_at, NOW + 1);
	assert_int_equal(c.function[FUNCTION_SPF].since_at, 0);
	assert_true(c.keys_n == 0 && c.keys == NULL);
	/* what comes late finds nobody */
	assert_int_equal(claim_step(&c, CLAIM_EV_PASS, &pass, NOW, &policy), 0);
	assert_int_equal(claim_note(&c, &pass, CLAIM_EV_PASS, NOW), 0);
	assert_int_equal(c.ver, 4);
	todo = claim_step(&c, CLAIM_EV_BEGIN, NULL, NOW, &policy);
	assert_true(todo & CLAIM_DO_NEW_TOKEN);
	assert_int_equal(c.generation, 2);
	assert_int_equal(OWNERSHIP(&c)->looked_at, 0);
	assert_string_equal(claim_saw(&c, CHECK_OWNERSHIP), "");
	assert_int_equal(c.token[0], 0);
	assert_int_equal(c.ver, 5);
	claim_free(&c);
}

static void
a_new_generation_keeps_what_it_does_not_know(void **state)
{
	(void)state;
	struct claim c;

	claim_init(&c);
	c.tail = mem_alloc(3);
	assert_non_null(c.tail);
	c.tail_len = 3;
	claim_step(&c, CLAIM_EV_BEGIN, NULL, NOW, &policy);
	assert_non_null(c.tail);
	assert_int_equal(c.tail_len, 3);
	claim_free(&c);
	assert_true(c.tail == NULL && c.tail_len == 0);
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
	assert_int_equal(OWNERSHIP(&c)->looked_at, NOW + 1);
	strcpy(f.saw, "something else");
	assert_true(claim_step(&c, CLAIM_EV_MISS, &f, NOW + 2, &policy) &
		    CLAIM_SAY_LOOK);
	assert_string_equal(claim_saw(&c, CHECK_OWNERSHIP), "something else");
	f.code = CODE_TOKEN_OTHER;
	assert_true(claim_step(&c, CLAIM_EV_MISS, &f, NOW + 3, &policy) &
		    CLAIM_SAY_LOOK);
	f.saw[0] = '\0';
	assert_true(claim_step(&c, CLAIM_EV_MISS, &f, NOW + 4, &policy) &
		    CLAIM_SAY_LOOK);
	assert_null(OWNERSHIP(&c)->saw);
	claim_free(&c);
}

static void
each_check_is_remembered_by_itself(void **state)
{
	(void)state;
	struct claim c = claim_in(CLAIM_VERIFIED);
	struct finding f = {
	    .check = CHECK_DMARC,
	    .verdict = VERDICT_FAIL,
	    .code = CODE_DMARC_LADDER,
	    .neg_ttl_s = 900,
	    .saw = "p=none",
	};

	assert_int_equal(claim_note(&c, &f, CLAIM_EV_MISS, NOW),
	    CLAIM_SAVE | CLAIM_SAY_LOOK);
	assert_int_equal(c.ver, 8);
	assert_int_equal(c.status, CLAIM_VERIFIED);
	assert_string_equal(claim_saw(&c, CHECK_DMARC), "p=none");
	assert_int_equal(c.check[CHECK_DMARC].misses, 1);
	assert_int_equal(c.check[CHECK_DMARC].neg_ttl_s, 900);
	assert_int_equal(OWNERSHIP(&c)->looked_at, 0);
	/* without a negative TTL the one before still tells; and how sure the
	 * last pass was */
	f.neg_ttl_s = 0;
	c.check[CHECK_DMARC].assurance = ASSURANCE_DNSSEC;
	/* of a look that may lower nothing */
	assert_int_equal(
	    claim_note(&c, &f, CLAIM_EV_UNDECIDED, NOW + 1), CLAIM_SAVE);
	assert_int_equal(c.check[CHECK_DMARC].misses, 1);
	assert_int_equal(c.check[CHECK_DMARC].undecided_since_at, 0);
	claim_looked(&c, CHECK_DMARC, NOW - 1);
	assert_int_equal(c.check[CHECK_DMARC].looked_at, NOW - 1);
	assert_int_equal(c.check[CHECK_DMARC].neg_ttl_s, 900);
	assert_int_equal(c.check[CHECK_DMARC].assurance, ASSURANCE_DNSSEC);
	claim_free(&c);
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
	assert_int_equal(OWNERSHIP(&c)->undecided_since_at, 5);
	assert_int_equal(c.status, CLAIM_VERIFIED);
	claim_step(&c, CLAIM_EV_PASS, finding_for(CLAIM_EV_PASS), 12, &policy);
	assert_int_equal(OWNERSHIP(&c)->undecided_since_at, 0);
	claim_free(&c);
}

/* What a server that is down looks like from here, one after the other. */
static const struct {
	enum code code;
	const char *saw;
} trouble[] = {
    {CODE_SERVFAIL, "SERVFAIL"},
    {CODE_TIMEOUT, "no answer from 192.0.2.1"},
    {CODE_REFUSED, ""},
    {CODE_DNSSEC_BOGUS, "signature expired"},
    {CODE_LAME, ""},
    {CODE_TIMEOUT, "no answer from 192.0.2.2"},
    {CODE_BAD_PACKET, ""},
};

static struct finding
undecided(enum check check, size_t i)
{
	struct finding f = {.check = check, .verdict = VERDICT_UNDECIDED};

	f.code = trouble[i % ARRAY_LEN(trouble)].code;
	strcpy(f.saw, trouble[i % ARRAY_LEN(trouble)].saw);
	return f;
}

/* One look at all that is proven. Counts what it says. */
static unsigned
one_look(struct claim *c, const struct finding f[3], int64_t at)
{
	unsigned todo[3], said = 0;

	todo[0] = claim_step(c, claim_event_of(&f[0]), &f[0], at, &policy);
	todo[1] = function_step(c, FUNCTION_SPF, function_event_of(&f[1]),
	    &f[1], at + 700, &policy);
	todo[2] = function_step(c, FUNCTION_DKIM, function_event_of(&f[2]),
	    &f[2], at + 4900, &policy);
	for (size_t i = 0; i < 3; i++)
		said += (todo[i] & ~(unsigned)CLAIM_SAVE) != 0;
	return said;
}

static struct claim
all_on(void)
{
	static const struct finding pass[3] = {
	    {.check = CHECK_OWNERSHIP, .verdict = VERDICT_PASS},
	    {.check = CHECK_SPF, .verdict = VERDICT_PASS},
	    {.check = CHECK_DKIM, .verdict = VERDICT_PASS},
	};
	struct claim c = claim_in(CLAIM_VERIFIED);

	c.function[FUNCTION_SPF].status = FUNCTION_ACTIVE;
	c.function[FUNCTION_DKIM].status = FUNCTION_ACTIVE;
	one_look(&c, pass, NOW);
	return c;
}

static void
a_day_without_answers_is_told_once_and_changes_nothing(void **state)
{
	(void)state;
	struct claim c = all_on();
	unsigned said = 0;
	size_t i = 0;

	for (int64_t at = NOW + HOUR_MS; at <= NOW + 25 * HOUR_MS;
	     at += HOUR_MS / 4, i++) {
		const struct finding f[3] = {
		    undecided(CHECK_OWNERSHIP, i),
		    undecided(CHECK_SPF, i + 1),
		    undecided(CHECK_DKIM, i + 3),
		};

		said += one_look(&c, f, at);
		assert_int_equal(c.status, CLAIM_VERIFIED);
		assert_int_equal(
		    c.function[FUNCTION_SPF].status, FUNCTION_ACTIVE);
		assert_int_equal(
		    c.function[FUNCTION_DKIM].status, FUNCTION_ACTIVE);
		assert_int_equal(claim_shield(&c, false), SHIELD_GREEN);
	}
	assert_int_equal(said, 1);
	assert_int_equal(OWNERSHIP(&c)->undecided_since_at, NOW + HOUR_MS);
	assert_int_equal(
	    c.check[CHECK_SPF].undecided_since_at, NOW + HOUR_MS + 700);
	for (int k = 0; k < CHECK_N; k++)
		assert_int_equal(c.check[k].misses, 0);
	claim_free(&c);
}

/* One cause is told once; another one, later, is told again. */
static void
trouble_of_another_time_is_told_again(void **state)
{
	(void)state;
	struct claim c = all_on();
	struct finding f = undecided(CHECK_DMARC, 0);

	assert_true(claim_note(&c, &f, CLAIM_EV_UNDECIDED, NOW + 1) &
		    CLAIM_SAY_LOOK); /* it was never looked at */
	f = undecided(CHECK_SPF, 1);
	assert_false(claim_note(&c, &f, CLAIM_EV_UNDECIDED, NOW + 60000) &
		     CLAIM_SAY_LOOK);
	f = undecided(CHECK_DKIM, 2);
	assert_true(claim_note(&c, &f, CLAIM_EV_UNDECIDED, NOW + 120001) &
		    CLAIM_SAY_LOOK);
	/* and that it is over */
	f.verdict = VERDICT_PASS;
	f.code = CODE_NONE;
	assert_true(
	    claim_note(&c, &f, CLAIM_EV_PASS, NOW + 120002) & CLAIM_SAY_LOOK);
	claim_free(&c);
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
		OWNERSHIP(&c)->looked_at = NOW;
		OWNERSHIP(&c)->verdict = VERDICT_NONE;
		assert_int_equal(claim_shield(&c, true), want[st][0]);
		assert_int_equal(claim_shield(&c, false), want[st][1]);
	}
	c = claim_in(CLAIM_NONE);
	assert_int_equal(claim_shield(&c, false), SHIELD_GREY);
	OWNERSHIP(&c)->looked_at = NOW;
	OWNERSHIP(&c)->verdict = VERDICT_UNDECIDED;
	assert_int_equal(claim_shield(&c, false), SHIELD_AMBER);
}

static void
the_shield_shows_the_worst_function(void **state)
{
	(void)state;
	/* by status of one function, the other active: job open, none */
	static const enum shield want[FUNCTION_STATUS_N][2] = {
	    [FUNCTION_OFF] = {SHIELD_GREEN, SHIELD_GREEN},
	    [FUNCTION_PENDING] = {SHIELD_AMBER, SHIELD_AMBER},
	    [FUNCTION_ACTIVE] = {SHIELD_GREEN, SHIELD_GREEN},
	    [FUNCTION_LAPSING] = {SHIELD_AMBER, SHIELD_AMBER},
	    [FUNCTION_LAPSED] = {SHIELD_AMBER, SHIELD_RED},
	    [FUNCTION_EXPIRED] = {SHIELD_AMBER, SHIELD_RED},
	};
	struct claim c = claim_in(CLAIM_VERIFIED);

	for (int st = 0; st < FUNCTION_STATUS_N; st++) {
		for (int fn = 0; fn < FUNCTION_N; fn++) {
			c.function[fn].status = (enum function_status)st;
			c.function[!fn].status = FUNCTION_ACTIVE;
			assert_int_equal(claim_shield(&c, true), want[st][0]);
			assert_int_equal(claim_shield(&c, false), want[st][1]);
		}
	}
	/* red before amber, whichever comes first */
	c.function[0].status = FUNCTION_LAPSED;
	c.function[1].status = FUNCTION_LAPSING;
	assert_int_equal(claim_shield(&c, false), SHIELD_RED);
	c.function[0].status = FUNCTION_LAPSING;
	c.function[1].status = FUNCTION_LAPSED;
	assert_int_equal(claim_shield(&c, false), SHIELD_RED);
	/* without ownership no function makes it green */
	c.function[0].status = c.function[1].status = FUNCTION_ACTIVE;
	c.status = CLAIM_LAPSED;
	assert_int_equal(claim_shield(&c, false), SHIELD_RED);
}

static void
assert_selector(const struct claim *c, size_t i, const char *selector)
{
	struct claim_key k;

	claim_key_get(c, i, &k);
	assert_string_equal(k.selector, selector);
}

static void
the_present_key_is_the_first_and_three_are_known(void **state)
{
	(void)state;
	static const unsigned news = CLAIM_SAVE | CLAIM_SAY_KEY;
	struct claim c = claim_in(CLAIM_VERIFIED);
	struct finding f = {
	    .check = CHECK_DKIM, .verdict = VERDICT_PASS, .saw = "rsa"};

	take_key(&c, "s1", 1, news);
	take_key(&c, "s1", 1, 0);
	take_key(&c, "S1", 1, 0); /* the same name */
	claim_note(&c, &f, CLAIM_EV_PASS, NOW);
	take_key(&c, "s2", 2, news);
	/* what was seen was the key before */
	assert_int_equal(c.check[CHECK_DKIM].verdict, VERDICT_UNDECIDED);
	assert_int_equal(c.check[CHECK_DKIM].looked_at, 0);
	assert_string_equal(claim_saw(&c, CHECK_DKIM), "");
	/* one of two again: there are still two */
	take_key(&c, "s1", 1, news);
	take_key(&c, "s2", 2, news);
	assert_int_equal(c.keys_n, 2);
	take_key(&c, "s3", 3, news);
	take_key(&c, "s4", 4, news);
	assert_int_equal(c.keys_n, 3);
	assert_selector(&c, 0, "s4");
	assert_selector(&c, 1, "s3");
	assert_selector(&c, 2, "s2");
	/* an older one again moves to the front */
	take_key(&c, "s2", 2, news);
	assert_int_equal(c.keys_n, 3);
	assert_selector(&c, 0, "s2");
	assert_selector(&c, 1, "s4");
	assert_selector(&c, 2, "s3");
	/* the same key under another name is another record */
	take_key(&c, "s9", 2, news);
	assert_selector(&c, 1, "s2");
	claim_free(&c);
	assert_true(c.keys == NULL && c.keys_n == 0);
}

static void
a_selector_names_one_key(void **state)
{
	(void)state;
	struct dkim_public one = key_of(1), two = key_of(2);
	struct claim c = claim_in(CLAIM_VERIFIED);

	assert_false(claim_selector_used(&c, "s1", &one));
	take_key(&c, "s1", 1, CLAIM_SAVE | CLAIM_SAY_KEY);
	assert_false(claim_selector_used(&c, "s1", &one));
	assert_true(claim_selector_used(&c, "s1", &two));
	assert_true(claim_selector_used(&c, "S1", &two));
	assert_false(claim_selector_used(&c, "s2", &two));
	take_key(&c, "s2", 2, CLAIM_SAVE | CLAIM_SAY_KEY);
	assert_true(claim_selector_used(&c, "s1", &two));
	claim_free(&c);
}

/* The status does not hang on the sentence. */
static void
without_memory_the_rest_is_kept(void **state)
{
	(void)state;
	struct dkim_public key = key_of(1);
	struct claim c = claim_in(CLAIM_PENDING);
	struct finding f = *finding_for(CLAIM_EV_PASS);
	unsigned todo = 7;

	strcpy(f.saw, "seen");
	mem_left = 0;
	claim_step(&c, CLAIM_EV_PASS, &f, NOW, &policy);
	assert_int_equal(c.status, CLAIM_VERIFIED);
	assert_string_equal(claim_saw(&c, CHECK_OWNERSHIP), "");
	assert_false(claim_key_set(&c, "s1", &key, &todo));
	assert_int_equal(todo, 0);
	assert_int_equal(c.keys_n, 0);
	assert_int_equal(c.ver, 8);
	mem_left = UINT32_MAX;
	/* and it is said as soon as there is some */
	assert_true(
	    claim_step(&c, CLAIM_EV_PASS, &f, NOW, &policy) & CLAIM_SAY_LOOK);
	assert_string_equal(claim_saw(&c, CHECK_OWNERSHIP), "seen");
	claim_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_cell_leads_where_the_table_says),
	    cmocka_unit_test(only_definitive_misses_over_the_time_lapse),
	    cmocka_unit_test(a_release_begins_a_new_generation),
	    cmocka_unit_test(a_new_generation_keeps_what_it_does_not_know),
	    cmocka_unit_test(a_look_is_told_only_when_it_says_something_new),
	    cmocka_unit_test(each_check_is_remembered_by_itself),
	    cmocka_unit_test(undecided_since_is_kept_until_a_definitive_answer),
	    cmocka_unit_test(
		a_day_without_answers_is_told_once_and_changes_nothing),
	    cmocka_unit_test(trouble_of_another_time_is_told_again),
	    cmocka_unit_test(a_second_proof_contests_what_is_proven_only),
	    cmocka_unit_test(the_shield_is_red_without_an_open_job_only),
	    cmocka_unit_test(the_shield_shows_the_worst_function),
	    cmocka_unit_test(the_present_key_is_the_first_and_three_are_known),
	    cmocka_unit_test(a_selector_names_one_key),
	    cmocka_unit_test(without_memory_the_rest_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
