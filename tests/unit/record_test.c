/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/golden/ holds each record as a release wrote it: what was stored
 * once must be read for ever. A new field gets a new file beside the old; the
 * newest one is how it is written today. */
#include "core/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/mem_fails.h"

#define GOLDEN "tests/unit/golden/"

static char saw_ownership[] =
    "1 of 2 servers has it; stale: ns-b.test (serial 7)";
static char saw_dkim[] = "255 of 410 characters arrived";
static char ref[] = "ticket-7";
static uint8_t no_tail[1];

static struct claim_key some_keys[2] = {
    {.selector = "s2610a",
	.key = {.type = DKIM_RSA,
	    .bits = 2048,
	    .len = 5,
	    .bytes = {0x30, 0x82, 0x01, 0x22, 0x30}}},
    {.selector = "q1.2026",
	.key = {.type = DKIM_ED25519,
	    .bits = 256,
	    .len = 3,
	    .bytes = {0x00, 0xff, 0x2f}}},
};
/* the same, packed */
static uint8_t packed_keys[] = "\0\6s2610a\0\x08\0\0\5\x30\x82\x01\x22\x30"
			       "\0\7q1.2026\1\1\0\0\3\0\xff\x2f";

static const struct claim a_claim = {
    .ver = 0x0102030405060708,
    .generation = 3,
    .token = {0x00, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18},
    .status = CLAIM_LAPSING,
    .flags = CLAIM_CONTESTED,
    .since_at = 1790000000001,
    .check =
	{
	    [CHECK_OWNERSHIP] = {.looked_at = 1790000000002,
		.undecided_since_at = 1790000000003,
		.misses = 2,
		.first_miss_at = 1790000000004,
		.verdict = VERDICT_FAIL,
		.code = CODE_NS_DISAGREE,
		.assurance = ASSURANCE_DNSSEC,
		.neg_ttl_s = 1800,
		.saw = saw_ownership},
	    [CHECK_SPF] = {.looked_at = 1790000000005,
		.verdict = VERDICT_PASS,
		.code = CODE_SPF_INDIRECT,
		.assurance = ASSURANCE_SINGLE},
	    [CHECK_DKIM] = {.looked_at = 1790000000006,
		.misses = 1,
		.first_miss_at = 1790000000006,
		.verdict = VERDICT_FAIL,
		.code = CODE_KEY_TRUNCATED,
		.neg_ttl_s = 60,
		.saw = saw_dkim},
	    /* never looked at */
	    [CHECK_DMARC] = {.verdict = VERDICT_UNDECIDED},
	},
    .function = {[FUNCTION_SPF] = {1790000000007, FUNCTION_ACTIVE},
	[FUNCTION_DKIM] = {1790000000008, FUNCTION_LAPSING}},
    .keys_n = 2,
    .keys_len = sizeof(packed_keys) - 1,
    .keys = packed_keys,
    .tail = no_tail,
};

static const struct job a_job = {
    .ver = 5,
    .kind = JOB_ACTIVATE,
    .lane = LANE_BULK,
    .checks = 1u << CHECK_OWNERSHIP | 1u << CHECK_SPF | 1u << CHECK_DMARC,
    .then = 1u << FUNCTION_SPF,
    .passed = 1u << CHECK_OWNERSHIP,
    .body_hash = 0xdeadbeef,
    .seed = 0x12345678,
    .accepted_at = 1790000000000,
    .deadline_at = 1790172800000,
    .due_at = 1790000030000,
    .looks = 1,
    .verdict = {VERDICT_PASS, VERDICT_FAIL, VERDICT_UNDECIDED, VERDICT_NONE},
    .code = {CODE_VIA_APEX, CODE_SPF_AFTER_ALL, CODE_NONE, CODE_NOT_PUBLISHED},
    .ref = ref,
    .tail = no_tail,
};

static const struct record_pos a_pos = {
    .partitions = 8,
    .next = {1000000000000, 0, -1},
    .group = "main",
};

static const struct job_end an_end = {
    .ver = 9,
    .kind = JOB_VERIFY,
    .outcome = END_JOINED,
    .code = CODE_TOKEN_OTHER,
    .looks = 57,
    .accepted_at = 1790000000000,
    .deadline_at = 1790172800000,
    .settled_at = 1790172800500,
    .joined = "job-1",
    .ref = "ticket-7",
};

/* One face for the four kinds of records: reads bytes and writes them back.
 * Returns what reading said. */
typedef enum next again_fn(
    struct writer *w, const uint8_t *bytes, size_t len, struct err *e);

static enum next
claim_again(struct writer *w, const uint8_t *bytes, size_t len, struct err *e)
{
	struct claim c;
	enum next next = record_get_claim(&c, bytes, len, e);

	if (next == OK)
		record_put_claim(w, &c);
	claim_free(&c);
	return next;
}

static enum next
job_again(struct writer *w, const uint8_t *bytes, size_t len, struct err *e)
{
	struct job j;
	enum next next = record_get_job(&j, bytes, len, e);

	if (next == OK)
		record_put_job(w, &j);
	job_free(&j);
	return next;
}

static enum next
pos_again(struct writer *w, const uint8_t *bytes, size_t len, struct err *e)
{
	struct record_pos pos;
	enum next next = record_get_pos(&pos, bytes, len, e);

	if (next == OK)
		record_put_pos(w, &pos);
	return next;
}

static enum next
end_again(struct writer *w, const uint8_t *bytes, size_t len, struct err *e)
{
	struct job_end end;
	enum next next = record_get_end(&end, bytes, len, e);

	if (next == OK)
		record_put_end(w, &end);
	return next;
}

/* older: what a release before wrote; it is read, and written longer. */
static const struct kind {
	const char *golden;
	again_fn *again;
	bool tail;
	bool older;
} kinds[] = {
    {"claim-2.hex", claim_again, true, false},
    {"job-2.hex", job_again, true, false},
    {"pos-2.hex", pos_again, false, false},
    {"end-1.hex", end_again, false, false},
    {"claim-1.hex", claim_again, true, true},
    {"job-1.hex", job_again, true, true},
    {"pos-1.hex", pos_again, false, true},
};

static void
written(const char *golden, struct writer *w)
{
	if (strncmp(golden, "claim", 5) == 0)
		record_put_claim(w, &a_claim);
	else if (strncmp(golden, "job", 3) == 0)
		record_put_job(w, &a_job);
	else if (strncmp(golden, "pos", 3) == 0)
		record_put_pos(w, &a_pos);
	else
		record_put_end(w, &an_end);
	assert_false(w->bad);
}

static size_t
golden_read(const char *name, uint8_t *out, size_t cap)
{
	char path[100];
	FILE *f;
	unsigned octet;
	size_t len = 0;

	snprintf(path, sizeof(path), GOLDEN "%s", name);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s: run this from the top folder", path);
	while (len < cap && fscanf(f, "%2x", &octet) == 1)
		out[len++] = (uint8_t)octet;
	fclose(f);
	return len;
}

static void
test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		uint8_t want[RECORD_MAX], got[RECORD_MAX];
		size_t len = golden_read(kinds[i].golden, want, sizeof(want));
		struct writer w;

		if (kinds[i].older)
			continue;
		writer_init(&w, got, sizeof(got));
		written(kinds[i].golden, &w);
		if (w.len != len || memcmp(want, got, len) != 0)
			fail_msg(
			    "%s: is written otherwise now", kinds[i].golden);
	}
}

/* The part that every release wrote, of ownership alone. */
static void
check_first_fields(const struct claim *c)
{
	const struct check_state *own = &c->check[CHECK_OWNERSHIP];

	assert_true(c->ver == a_claim.ver && c->generation == 3);
	assert_memory_equal(c->token, a_claim.token, TOKEN_OCTETS);
	assert_int_equal(c->status, CLAIM_LAPSING);
	assert_int_equal(c->flags, CLAIM_CONTESTED);
	assert_int_equal(c->since_at, a_claim.since_at);
	assert_int_equal(own->looked_at, 1790000000002);
	assert_int_equal(own->undecided_since_at, 1790000000003);
	assert_int_equal(own->misses, 2);
	assert_int_equal(own->first_miss_at, 1790000000004);
	assert_int_equal(own->verdict, VERDICT_FAIL);
	assert_int_equal(own->code, CODE_NS_DISAGREE);
	assert_int_equal(own->assurance, ASSURANCE_DNSSEC);
	assert_int_equal(own->neg_ttl_s, 1800);
	assert_string_equal(own->saw, saw_ownership);
	assert_null(c->tail);
}

static void
test_claim_fields(void **state)
{
	uint8_t bytes[RECORD_MAX];
	size_t len = golden_read("claim-2.hex", bytes, sizeof(bytes));
	const struct check_state *dkim;
	struct claim c;
	struct err e;

	(void)state;
	assert_int_equal(record_get_claim(&c, bytes, len, &e), OK);
	check_first_fields(&c);
	assert_int_equal(c.check[CHECK_SPF].looked_at, 1790000000005);
	assert_int_equal(c.check[CHECK_SPF].verdict, VERDICT_PASS);
	assert_int_equal(c.check[CHECK_SPF].code, CODE_SPF_INDIRECT);
	assert_int_equal(c.check[CHECK_SPF].assurance, ASSURANCE_SINGLE);
	assert_null(c.check[CHECK_SPF].saw);
	dkim = &c.check[CHECK_DKIM];
	assert_int_equal(dkim->looked_at, 1790000000006);
	assert_true(dkim->misses == 1 && dkim->neg_ttl_s == 60);
	assert_int_equal(dkim->first_miss_at, 1790000000006);
	assert_int_equal(dkim->code, CODE_KEY_TRUNCATED);
	assert_string_equal(dkim->saw, saw_dkim);
	assert_int_equal(c.check[CHECK_DMARC].looked_at, 0);
	assert_int_equal(c.check[CHECK_DMARC].verdict, VERDICT_UNDECIDED);
	for (size_t i = 0; i < FUNCTION_N; i++) {
		assert_int_equal(
		    c.function[i].status, a_claim.function[i].status);
		assert_int_equal(
		    c.function[i].since_at, a_claim.function[i].since_at);
	}
	assert_int_equal(c.keys_n, 2);
	for (size_t i = 0; i < 2; i++) {
		struct claim_key k;

		claim_key_get(&c, i, &k);
		assert_string_equal(k.selector, some_keys[i].selector);
		assert_int_equal(k.key.bits, some_keys[i].key.bits);
		assert_true(dkim_public_equal(&k.key, &some_keys[i].key));
	}
	claim_free(&c);
}

/* What was not known then: nothing looked at, nothing on, no key. */
static void
test_older_claim(void **state)
{
	uint8_t bytes[RECORD_MAX];
	size_t len = golden_read("claim-1.hex", bytes, sizeof(bytes));
	struct claim c;
	struct err e;

	(void)state;
	assert_int_equal(record_get_claim(&c, bytes, len, &e), OK);
	check_first_fields(&c);
	for (int i = CHECK_SPF; i < CHECK_N; i++) {
		assert_int_equal(c.check[i].looked_at, 0);
		assert_int_equal(c.check[i].verdict, VERDICT_UNDECIDED);
		assert_null(c.check[i].saw);
	}
	for (size_t i = 0; i < FUNCTION_N; i++)
		assert_int_equal(c.function[i].status, FUNCTION_OFF);
	assert_true(c.keys_n == 0 && c.keys == NULL);
	claim_free(&c);
}

static void
check_first_job_fields(const struct job *j)
{
	assert_true(j->ver == 5 && j->lane == LANE_BULK && j->looks == 1);
	assert_int_equal(j->body_hash, a_job.body_hash);
	assert_int_equal(j->seed, a_job.seed);
	assert_int_equal(j->accepted_at, a_job.accepted_at);
	assert_int_equal(j->deadline_at, a_job.deadline_at);
	assert_int_equal(j->due_at, a_job.due_at);
	assert_string_equal(j->ref, "ticket-7");
}

static void
test_job_fields(void **state)
{
	uint8_t bytes[RECORD_MAX];
	size_t len = golden_read("job-2.hex", bytes, sizeof(bytes));
	struct job j;
	struct err e;

	(void)state;
	assert_int_equal(record_get_job(&j, bytes, len, &e), OK);
	check_first_job_fields(&j);
	assert_int_equal(j.kind, JOB_ACTIVATE);
	assert_int_equal(j.checks, a_job.checks);
	assert_int_equal(j.then, a_job.then);
	assert_int_equal(j.passed, a_job.passed);
	assert_memory_equal(j.verdict, a_job.verdict, sizeof(j.verdict));
	assert_memory_equal(j.code, a_job.code, sizeof(j.code));
	job_free(&j);
}

static void
test_older_job(void **state)
{
	uint8_t bytes[RECORD_MAX];
	size_t len = golden_read("job-1.hex", bytes, sizeof(bytes));
	struct job j;
	struct err e;

	(void)state;
	assert_int_equal(record_get_job(&j, bytes, len, &e), OK);
	check_first_job_fields(&j);
	assert_int_equal(j.kind, JOB_VERIFY);
	assert_int_equal(j.checks, 1u << CHECK_OWNERSHIP);
	assert_int_equal(j.verdict[CHECK_OWNERSHIP], VERDICT_NONE);
	assert_int_equal(j.code[CHECK_OWNERSHIP], CODE_NOT_PUBLISHED);
	assert_true(j.then == 0 && j.passed == 0);
	for (int i = CHECK_SPF; i < CHECK_N; i++) {
		assert_int_equal(j.verdict[i], VERDICT_UNDECIDED);
		assert_int_equal(j.code[i], CODE_NONE);
	}
	job_free(&j);
}

/* A claim of which little is known takes little more than before. */
static void
test_small_claim(void **state)
{
	uint8_t bytes[RECORD_MAX];
	struct writer w;
	struct claim c;

	(void)state;
	claim_init(&c);
	writer_init(&w, bytes, sizeof(bytes));
	record_put_claim(&w, &c);
	assert_int_equal(w.len, 84 + 20);
}

static void
test_pos_and_end_fields(void **state)
{
	uint8_t bytes[RECORD_MAX];
	size_t len = golden_read("pos-1.hex", bytes, sizeof(bytes));
	struct record_pos pos;
	struct job_end end;
	struct err e;

	(void)state;
	assert_int_equal(record_get_pos(&pos, bytes, len, &e), OK);
	assert_int_equal(pos.partitions, 8);
	for (size_t i = 0; i < LANE_N; i++)
		assert_int_equal(pos.next[i], a_pos.next[i]);
	assert_string_equal(pos.group, "");
	len = golden_read("pos-2.hex", bytes, sizeof(bytes));
	assert_int_equal(record_get_pos(&pos, bytes, len, &e), OK);
	assert_string_equal(pos.group, a_pos.group);
	len = golden_read("end-1.hex", bytes, sizeof(bytes));
	assert_int_equal(record_get_end(&end, bytes, len, &e), OK);
	assert_true(end.ver == 9 && end.kind == JOB_VERIFY);
	assert_int_equal(end.outcome, END_JOINED);
	assert_int_equal(end.code, CODE_TOKEN_OTHER);
	assert_int_equal(end.looks, 57);
	assert_int_equal(end.accepted_at, an_end.accepted_at);
	assert_int_equal(end.deadline_at, an_end.deadline_at);
	assert_int_equal(end.settled_at, an_end.settled_at);
	assert_string_equal(end.joined, "job-1");
	assert_string_equal(end.ref, "ticket-7");
}

/* What a later version has appended comes back as it was. */
static void
test_tail(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		uint8_t in[RECORD_MAX], out[RECORD_MAX];
		size_t len = golden_read(kinds[i].golden, in, 1000);
		struct writer w;
		struct err e;

		if (kinds[i].older)
			continue; /* something else stands there by now */
		memcpy(in + len, "later\0\xff", 7);
		writer_init(&w, out, sizeof(out));
		assert_int_equal(kinds[i].again(&w, in, len + 7, &e), OK);
		assert_int_equal(w.len, len + (kinds[i].tail ? 7 : 0));
		assert_memory_equal(in, out, w.len);
	}
}

/* Everything of ours as long as it can be. */
static void
largest(struct claim *c)
{
	static char saw[SAW_MAX + 1];
	static uint8_t keys[CLAIM_KEYS_MAX * sizeof(struct claim_key)];
	struct claim_key k = {.key = {.len = DKIM_KEY_MAX}};
	struct writer w;

	memset(saw, 'x', SAW_MAX);
	for (size_t i = 0; i < CHECK_N; i++) {
		c->check[i].looked_at = 1;
		c->check[i].saw = saw;
	}
	memset(k.selector, 's', DKIM_SELECTOR_MAX);
	writer_init(&w, keys, sizeof(keys));
	for (size_t i = 0; i < CLAIM_KEYS_MAX; i++)
		record_put_key(&w, &k);
	c->keys = keys;
	c->keys_len = (uint16_t)w.len;
	c->keys_n = CLAIM_KEYS_MAX;
}

/* The longest tail still fits when our own fields have grown to their longest.
 */
static void
test_tail_bounds(void **state)
{
	uint8_t in[RECORD_MAX + 1], out[RECORD_MAX];
	size_t len = golden_read("claim-2.hex", in, 1000), most = 0;
	struct claim c, grown;
	struct writer w;
	struct err e;

	(void)state;
	memset(in + len, 0x5a, sizeof(in) - len);
	for (size_t n = len; n <= sizeof(in); n++) {
		if (record_get_claim(&c, in, n, &e) != OK)
			continue;
		most = n;
		claim_free(&c);
	}
	assert_true(most > len + 1000 && most < RECORD_MAX);
	assert_int_equal(record_get_claim(&c, in, most, &e), OK);
	grown = c;
	largest(&grown);
	writer_init(&w, out, sizeof(out));
	record_put_claim(&w, &grown);
	assert_false(w.bad);
	claim_free(&c);
}

static bool
older_end(const char *golden, size_t at)
{
	uint8_t bytes[RECORD_MAX];

	if (strcmp(golden, "claim-2.hex") == 0)
		return at == golden_read("claim-1.hex", bytes, RECORD_MAX);
	if (strcmp(golden, "pos-2.hex") == 0)
		return at == golden_read("pos-1.hex", bytes, RECORD_MAX);
	return strcmp(golden, "job-2.hex") == 0 &&
	       at == golden_read("job-1.hex", bytes, RECORD_MAX);
}

/* A record cut at any octet is none, but where an older one ended. */
static void
test_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		uint8_t in[RECORD_MAX], out[RECORD_MAX];
		size_t len = golden_read(kinds[i].golden, in, sizeof(in));

		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *exact = malloc(cut + 1);
			struct writer w;
			struct err e = {.text = ""};

			assert_non_null(exact);
			memcpy(exact, in, cut);
			writer_init(&w, out, sizeof(out));
			if (!older_end(kinds[i].golden, cut)) {
				assert_int_equal(
				    kinds[i].again(&w, exact, cut, &e), REJECT);
				assert_true(e.text[0] != '\0');
			}
			free(exact);
		}
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *golden;
		size_t at;
		uint8_t octet;
	} tests[] = {
	    {"claim-2.hex", 0, 2},		 /* version */
	    {"claim-2.hex", 0, 0},		 /* version */
	    {"claim-2.hex", 33, CLAIM_STATUS_N}, /* status */
	    {"claim-2.hex", 74, VERDICT_N},	 /* verdict */
	    {"claim-2.hex", 75, 0xff},		 /* code */
	    {"claim-2.hex", 76, CODE_N},	 /* code */
	    {"claim-2.hex", 77, ASSURANCE_N},	 /* assurance */
	    {"claim-2.hex", 83, SAW_MAX + 1},	 /* length of saw */
	    {"claim-2.hex", 84, '\n'},		 /* saw */
	    {"claim-2.hex", 84, 0},		 /* saw */
	    {"claim-2.hex", 46, 0x80},		 /* a time before all */
	    {"claim-2.hex", 47, 0x80},		 /* and one behind all */
	    {"claim-2.hex", 134, 0x07},		 /* checks: ownership twice */
	    {"claim-2.hex", 134, 0x16},		 /* checks: an unknown one */
	    {"claim-2.hex", 163, VERDICT_N},	 /* spf */
	    {"claim-2.hex", 164, 0xff},		 /* spf */
	    {"claim-2.hex", 166, ASSURANCE_N},	 /* spf */
	    {"claim-2.hex", 201, VERDICT_N},	 /* dkim */
	    {"claim-2.hex", 210, SAW_MAX + 1},	 /* dkim: length of saw */
	    {"claim-2.hex", 212, 0x1b},		 /* dkim: saw */
	    {"claim-2.hex", 240, FUNCTION_STATUS_N},
	    {"claim-2.hex", 249, FUNCTION_STATUS_N},
	    {"claim-2.hex", 258, CLAIM_KEYS_MAX + 1},
	    {"claim-2.hex", 258, 3}, /* keys: one is missing */
	    {"claim-2.hex", 260, DKIM_SELECTOR_MAX + 1},
	    {"claim-2.hex", 262, 0x80}, /* selector */
	    {"claim-2.hex", 267, DKIM_ED25519 + 1},
	    {"claim-2.hex", 270, 0x03},		 /* length of a key */
	    {"job-2.hex", 9, JOB_KIND_N},	 /* kind */
	    {"job-2.hex", 10, LANE_N},		 /* lane */
	    {"job-2.hex", 14, 0x1b},		 /* checks */
	    {"job-2.hex", 51, VERDICT_N},	 /* verdict */
	    {"job-2.hex", 53, CODE_N},		 /* code */
	    {"job-2.hex", 56, 0x1b},		 /* ref */
	    {"job-2.hex", 64, 1u << FUNCTION_N}, /* then */
	    {"job-2.hex", 65, 1u << CHECK_N},	 /* passed */
	    {"job-2.hex", 65, 1u << CHECK_DKIM}, /* passed, not asked for */
	    {"job-2.hex", 66, VERDICT_N},	 /* spf */
	    {"job-2.hex", 68, CODE_N},		 /* spf */
	    {"job-2.hex", 72, VERDICT_N},	 /* dmarc */
	    {"pos-1.hex", 0, 9},		 /* version */
	    {"pos-1.hex", 4, 0},		 /* partitions */
	    {"pos-1.hex", 1, 0x80},		 /* partitions */
	    {"pos-1.hex", 5, 0x80},		 /* position */
	    {"pos-2.hex", 31, 0x1b},		 /* group */
	    {"end-1.hex", 9, JOB_KIND_N},	 /* kind */
	    {"end-1.hex", 10, END_N},		 /* outcome */
	    {"end-1.hex", 12, CODE_N},		 /* code */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		uint8_t in[RECORD_MAX], out[RECORD_MAX];
		size_t len = golden_read(tests[i].golden, in, sizeof(in));
		const struct kind *kind = kinds;
		struct writer w;
		struct err e;

		while (strcmp(kind->golden, tests[i].golden) != 0)
			kind++;
		in[tests[i].at] = tests[i].octet;
		writer_init(&w, out, sizeof(out));
		if (kind->again(&w, in, len, &e) != REJECT)
			fail_msg("%s, octet %zu", tests[i].golden, tests[i].at);
	}
}

/* A check that was never looked at is not written: 8 zeros where its time
 * stands are none of ours. */
static void
test_never_looked_at(void **state)
{
	uint8_t in[RECORD_MAX];
	size_t len = golden_read("claim-2.hex", in, sizeof(in));
	struct claim c;
	struct err e;

	(void)state;
	memset(in + 135, 0, 8);
	assert_int_equal(record_get_claim(&c, in, len, &e), REJECT);
}

/* What was refused for its unknown kind stays unknown, when others get known.
 */
static void
test_unknown_kind(void **state)
{
	uint8_t bytes[RECORD_MAX];
	struct job_end end = an_end;
	struct writer w;
	struct err e;

	(void)state;
	end.kind = JOB_KIND_N;
	writer_init(&w, bytes, sizeof(bytes));
	record_put_end(&w, &end);
	assert_int_equal(bytes[9], 0xff);
	end.kind = JOB_CLAIM;
	assert_int_equal(record_get_end(&end, bytes, w.len, &e), OK);
	assert_int_equal(end.kind, JOB_KIND_N);
	assert_int_equal(end.outcome, END_JOINED);
}

/* Wherever memory runs out nothing is left behind. */
static void
test_no_memory(void **state)
{
	static const struct {
		const char *golden;
		unsigned pieces; /* of memory: texts, keys, the tail */
	} tests[] = {{"claim-2.hex", 4}, {"job-2.hex", 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		uint8_t in[RECORD_MAX], out[RECORD_MAX];
		size_t len = golden_read(tests[i].golden, in, 1000);
		again_fn *again = i == 0 ? claim_again : job_again;
		struct writer w;

		in[len] = 0x5a;
		for (unsigned n = 0; n <= tests[i].pieces; n++) {
			struct err e = {.text = ""};

			mem_left = n;
			writer_init(&w, out, sizeof(out));
			assert_int_equal(again(&w, in, len + 1, &e),
			    n < tests[i].pieces ? RETRY : OK);
			assert_int_equal(
			    e.text[0] != '\0', n < tests[i].pieces);
		}
	}
	mem_left = UINT32_MAX;
}

static void
test_no_room(void **state)
{
	uint8_t out[74]; /* the job is 75 octets */
	struct writer w;

	(void)state;
	writer_init(&w, out, sizeof(out));
	record_put_claim(&w, &a_claim);
	assert_true(w.bad);
	writer_init(&w, out, sizeof(out));
	record_put_job(&w, &a_job);
	assert_true(w.bad);
}

#define O64 "oooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooo"

static void
test_keys(void **state)
{
	static const struct {
		const char *key;
		size_t len;
		enum record_kind kind;
		const char *org, *domain, *id;
	} tests[] = {
	    {"pos", 3, RECORD_POS, "", "", ""},
	    {"claim/acme/shop.test", 20, RECORD_CLAIM, "acme", "shop.test", ""},
	    {"job/acme/shop.test/j-1", 22, RECORD_JOB, "acme", "shop.test",
		"j-1"},
	    {"job/" O64 "/a.test/" O64, 140, RECORD_JOB, O64, "a.test", O64},
	    {"job/" O64 "o/a.test/j", 78, RECORD_UNKNOWN, "", "", ""},
	    {"pos2", 4, RECORD_UNKNOWN, "", "", ""},
	    {"po", 2, RECORD_UNKNOWN, "", "", ""},
	    {"", 0, RECORD_UNKNOWN, "", "", ""},
	    {"claim/", 6, RECORD_UNKNOWN, "", "", ""},
	    {"claim/acme", 10, RECORD_UNKNOWN, "", "", ""},
	    {"claim/acme/", 11, RECORD_UNKNOWN, "", "", ""},
	    {"claim//shop.test", 16, RECORD_UNKNOWN, "", "", ""},
	    {"claim/acme/shop.test/", 21, RECORD_UNKNOWN, "", "", ""},
	    {"claim/acme/shop.test/x", 22, RECORD_UNKNOWN, "", "", ""},
	    {"job/acme/shop.test", 18, RECORD_UNKNOWN, "", "", ""},
	    {"job/acme/shop.test/", 19, RECORD_UNKNOWN, "", "", ""},
	    {"job/acme/shop.test/a/b", 22, RECORD_UNKNOWN, "", "", ""},
	    {"claim/ac me/shop.test", 21, RECORD_UNKNOWN, "", "", ""},
	    {"claim/ac\0e/shop.test", 20, RECORD_UNKNOWN, "", "", ""},
	    {"claim/acme/caf\xc3\xa9.test", 21, RECORD_UNKNOWN, "", "", ""},
	    {"key/acme/shop.test", 18, RECORD_UNKNOWN, "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct record_key got;

		record_key_parse(&got, tests[i].key, tests[i].len);
		if (got.kind != tests[i].kind ||
		    strcmp(got.org, tests[i].org) != 0 ||
		    strcmp(got.domain, tests[i].domain) != 0 ||
		    strcmp(got.id, tests[i].id) != 0)
			fail_msg("%s", tests[i].key);
	}
}

static void
test_longest_key(void **state)
{
	char domain[DNAME_TEXT_MAX + 1], key[RECORD_KEY_MAX + 1];
	struct record_key got;
	size_t len;

	(void)state;
	memset(domain, 'd', DNAME_TEXT_MAX);
	domain[DNAME_TEXT_MAX] = '\0';
	len = record_job_key(key, O64, domain, O64);
	assert_int_equal(len, RECORD_KEY_MAX);
	assert_int_equal(strlen(key), len);
	record_key_parse(&got, key, len);
	assert_int_equal(got.kind, RECORD_JOB);
	assert_string_equal(got.domain, domain);
	len = record_claim_key(key, O64, domain);
	assert_int_equal(strlen(key), len);
	record_key_parse(&got, key, len);
	assert_int_equal(got.kind, RECORD_CLAIM);
	assert_string_equal(got.org, O64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	    cmocka_unit_test(test_claim_fields),
	    cmocka_unit_test(test_older_claim),
	    cmocka_unit_test(test_small_claim),
	    cmocka_unit_test(test_job_fields),
	    cmocka_unit_test(test_older_job),
	    cmocka_unit_test(test_pos_and_end_fields),
	    cmocka_unit_test(test_tail),
	    cmocka_unit_test(test_tail_bounds),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_never_looked_at),
	    cmocka_unit_test(test_unknown_kind),
	    cmocka_unit_test(test_no_memory),
	    cmocka_unit_test(test_no_room),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_longest_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
