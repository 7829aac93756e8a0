/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/golden/ holds each record as a release wrote it: what was stored
 * once must be read for ever. A new field gets a new file beside the old. */
#include "core/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define GOLDEN "tests/unit/golden/"

static const struct claim a_claim = {
    .ver = 0x0102030405060708,
    .generation = 3,
    .token = {0x00, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18},
    .status = CLAIM_LAPSING,
    .flags = CLAIM_CONTESTED,
    .since_at = 1790000000001,
    .looked_at = 1790000000002,
    .undecided_since_at = 1790000000003,
    .misses = 2,
    .first_miss_at = 1790000000004,
    .verdict = VERDICT_FAIL,
    .code = CODE_NS_DISAGREE,
    .assurance = ASSURANCE_DNSSEC,
    .neg_ttl_s = 1800,
    .saw = "1 of 2 servers has it; stale: ns-b.test (serial 7)",
};

static const struct job a_job = {
    .ver = 5,
    .kind = JOB_VERIFY,
    .lane = LANE_BULK,
    .checks = 1u << CHECK_OWNERSHIP,
    .body_hash = 0xdeadbeef,
    .seed = 0x12345678,
    .accepted_at = 1790000000000,
    .deadline_at = 1790172800000,
    .due_at = 1790000030000,
    .looks = 1,
    .verdict = VERDICT_NONE,
    .code = CODE_NOT_PUBLISHED,
    .ref = "ticket-7",
};

static const struct record_pos a_pos = {
    .partitions = 8,
    .next = {1000000000000, 0, -1},
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
	record_claim_free(&c);
	return next;
}

static enum next
job_again(struct writer *w, const uint8_t *bytes, size_t len, struct err *e)
{
	struct job j;
	enum next next = record_get_job(&j, bytes, len, e);

	if (next == OK)
		record_put_job(w, &j);
	record_job_free(&j);
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

static const struct kind {
	const char *golden;
	again_fn *again;
	bool tail;
} kinds[] = {
    {"claim-1.hex", claim_again, true},
    {"job-1.hex", job_again, true},
    {"pos-1.hex", pos_again, false},
    {"end-1.hex", end_again, false},
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

		writer_init(&w, got, sizeof(got));
		written(kinds[i].golden, &w);
		if (w.len != len || memcmp(want, got, len) != 0)
			fail_msg(
			    "%s: is written otherwise now", kinds[i].golden);
	}
}

static void
test_claim_fields(void **state)
{
	uint8_t bytes[RECORD_MAX];
	size_t len = golden_read("claim-1.hex", bytes, sizeof(bytes));
	struct claim c;
	struct err e;

	(void)state;
	assert_int_equal(record_get_claim(&c, bytes, len, &e), OK);
	assert_true(c.ver == a_claim.ver && c.generation == 3);
	assert_memory_equal(c.token, a_claim.token, TOKEN_OCTETS);
	assert_int_equal(c.status, CLAIM_LAPSING);
	assert_int_equal(c.flags, CLAIM_CONTESTED);
	assert_int_equal(c.since_at, a_claim.since_at);
	assert_int_equal(c.looked_at, a_claim.looked_at);
	assert_int_equal(c.undecided_since_at, a_claim.undecided_since_at);
	assert_int_equal(c.misses, 2);
	assert_int_equal(c.first_miss_at, a_claim.first_miss_at);
	assert_int_equal(c.verdict, VERDICT_FAIL);
	assert_int_equal(c.code, CODE_NS_DISAGREE);
	assert_int_equal(c.assurance, ASSURANCE_DNSSEC);
	assert_int_equal(c.neg_ttl_s, 1800);
	assert_string_equal(c.saw, a_claim.saw);
	assert_null(c.tail);
	record_claim_free(&c);
}

static void
test_job_fields(void **state)
{
	uint8_t bytes[RECORD_MAX];
	size_t len = golden_read("job-1.hex", bytes, sizeof(bytes));
	struct job j;
	struct err e;

	(void)state;
	assert_int_equal(record_get_job(&j, bytes, len, &e), OK);
	assert_true(j.ver == 5 && j.kind == JOB_VERIFY && j.lane == LANE_BULK);
	assert_int_equal(j.checks, a_job.checks);
	assert_int_equal(j.body_hash, a_job.body_hash);
	assert_int_equal(j.seed, a_job.seed);
	assert_int_equal(j.accepted_at, a_job.accepted_at);
	assert_int_equal(j.deadline_at, a_job.deadline_at);
	assert_int_equal(j.due_at, a_job.due_at);
	assert_true(j.looks == 1 && j.verdict == VERDICT_NONE);
	assert_int_equal(j.code, CODE_NOT_PUBLISHED);
	assert_string_equal(j.ref, "ticket-7");
	record_job_free(&j);
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

		memcpy(in + len, "later\0\xff", 7);
		writer_init(&w, out, sizeof(out));
		assert_int_equal(kinds[i].again(&w, in, len + 7, &e), OK);
		assert_int_equal(w.len, len + (kinds[i].tail ? 7 : 0));
		assert_memory_equal(in, out, w.len);
	}
}

/* The longest tail still fits when our own text has grown to its longest. */
static void
test_tail_bounds(void **state)
{
	uint8_t in[RECORD_MAX + 1], out[RECORD_MAX];
	size_t len = golden_read("claim-1.hex", in, 1000), most = 0;
	struct claim c;
	struct writer w;
	struct err e;

	(void)state;
	memset(in + len, 0x5a, sizeof(in) - len);
	for (size_t n = len; n <= sizeof(in); n++) {
		enum next next = record_get_claim(&c, in, n, &e);

		if (next == OK)
			most = n;
		record_claim_free(&c);
	}
	assert_true(most > 1500 && most < RECORD_MAX);
	assert_int_equal(record_get_claim(&c, in, most, &e), OK);
	memset(c.saw, 'x', SAW_MAX);
	c.saw[SAW_MAX] = '\0';
	writer_init(&w, out, sizeof(out));
	record_put_claim(&w, &c);
	assert_false(w.bad);
	record_claim_free(&c);
}

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
			assert_int_equal(
			    kinds[i].again(&w, exact, cut, &e), REJECT);
			assert_true(e.text[0] != '\0');
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
	    {"claim-1.hex", 0, 2},		 /* version */
	    {"claim-1.hex", 0, 0},		 /* version */
	    {"claim-1.hex", 33, CLAIM_STATUS_N}, /* status */
	    {"claim-1.hex", 74, VERDICT_N},	 /* verdict */
	    {"claim-1.hex", 75, 0xff},		 /* code */
	    {"claim-1.hex", 76, CODE_N},	 /* code */
	    {"claim-1.hex", 77, ASSURANCE_N},	 /* assurance */
	    {"claim-1.hex", 83, SAW_MAX + 1},	 /* length of saw */
	    {"claim-1.hex", 84, '\n'},		 /* saw */
	    {"claim-1.hex", 84, 0},		 /* saw */
	    {"job-1.hex", 9, JOB_KIND_N},	 /* kind */
	    {"job-1.hex", 10, LANE_N},		 /* lane */
	    {"job-1.hex", 51, VERDICT_N},	 /* verdict */
	    {"job-1.hex", 53, CODE_N},		 /* code */
	    {"job-1.hex", 56, 0x1b},		 /* ref */
	    {"pos-1.hex", 0, 9},		 /* version */
	    {"pos-1.hex", 4, 0},		 /* partitions */
	    {"pos-1.hex", 1, 0x80},		 /* partitions */
	    {"pos-1.hex", 5, 0x80},		 /* position */
	    {"end-1.hex", 9, JOB_KIND_N + 1},	 /* kind */
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

static void
test_no_room(void **state)
{
	uint8_t out[63]; /* the job is 64 octets */
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
	    cmocka_unit_test(test_job_fields),
	    cmocka_unit_test(test_pos_and_end_fields),
	    cmocka_unit_test(test_tail),
	    cmocka_unit_test(test_tail_bounds),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_no_room),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_longest_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
