/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint8_t frame[WIRE_FRAME_MAX];

static const struct wire_look a_look = {
    .request = 0x0102030405060708,
    .subject = "acme/shop.test/job-1",
    .domain = "www.shop.test",
    .registrable = "shop.test",
    .token = "abcdefghijklmnopqrstuvwxyz234567",
    .checks = 1u << CHECK_OWNERSHIP | 1u << CHECK_DKIM | 1u << CHECK_DMARC,
    .proven = 1u << CHECK_OWNERSHIP,
    .quick = true,
    .signs = true,
    .keys_n = 2,
    .keys = {{.selector = "s2610a",
		 .key = {.type = DKIM_RSA,
		     .bits = 2048,
		     .len = 4,
		     .bytes = {0x30, 0x82, 0, 0xff}}},
	{.selector = "q1.2026",
	    .key = {.type = DKIM_ED25519, .bits = 256, .len = 1}}},
};

static void
fill(char *text, size_t max)
{
	memset(text, 'x', max);
	text[max] = '\0';
}

/* Every text, list and number as large as it can be. */
static void
largest(struct wire_found *m)
{
	struct finding *f = &m->finding;

	memset(m, 0xff, sizeof(*m));
	*f = (struct finding){.check = (enum check)(CHECK_N - 1),
	    .verdict = (enum verdict)(VERDICT_N - 1),
	    .code = (enum code)(CODE_N - 1),
	    .assurance = (enum assurance)(ASSURANCE_N - 1),
	    .found_n = FOUND_MAX,
	    .servers_n = SERVERS_MAX,
	    .neg_ttl_s = UINT32_MAX,
	    .visible_in_s = UINT32_MAX,
	    .delegated = true,
	    .mark = NO_MARK,
	    .also_n = ALSO_MAX,
	    .has_cost = true,
	    .lookups = UINT8_MAX,
	    .voids = UINT8_MAX,
	    .tree_n = TREE_MAX};
	fill(f->name, DNAME_SHOWN_MAX);
	fill(f->expected, EXPECTED_MAX);
	fill(f->saw, SAW_MAX);
	fill(f->publish, PUBLISH_MAX);
	fill(f->policy, POLICY_WORD_MAX);
	fill(f->record_domain, DNAME_TEXT_MAX);
	f->aligned = 1u << CHECK_SPF | 1u << CHECK_DKIM;
	for (size_t i = 0; i < ALSO_MAX; i++)
		f->also[i] = (enum code)(CODE_N - 1 - i);
	for (size_t i = 0; i < TREE_MAX; i++) {
		f->tree[i] = (struct spf_row){.depth = (uint8_t)i,
		    .lookups = UINT8_MAX,
		    .is_void = true,
		    .unreached = true};
		fill(f->tree[i].term, TERM_MAX);
	}
	for (size_t i = 0; i < FOUND_MAX; i++) {
		f->found[i].len = FOUND_LEN_MAX;
		f->found[i].cut = true;
		memset(f->found[i].bytes, (int)(0xf0 + i), FOUND_LEN_MAX);
	}
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		struct server_fact *s = &f->servers[i];

		fill(s->name, DNAME_TEXT_MAX);
		fill(s->addr, sizeof(s->addr) - 1);
		s->outcome = OUTCOME_MALFORMED;
		s->has = s->has_serial = true;
		s->serial = UINT32_MAX;
	}
}

static void
test_look(void **state)
{
	struct wire_message m;
	struct wire_look got;
	struct writer w;
	struct reader r;

	(void)state;
	memset(&got, 0xff, sizeof(got));
	writer_init(&w, frame, sizeof(frame));
	wire_put_look(&w, &a_look);
	reader_init(&r, frame, w.len);
	assert_true(wire_next(&r, &m));
	assert_int_equal(m.type, WIRE_LOOK);
	assert_true(wire_get_look(&m.body, &got));
	assert_true(got.request == a_look.request);
	assert_string_equal(got.subject, a_look.subject);
	assert_string_equal(got.domain, a_look.domain);
	assert_string_equal(got.registrable, a_look.registrable);
	assert_string_equal(got.token, a_look.token);
	assert_int_equal(got.checks, a_look.checks);
	assert_int_equal(got.proven, a_look.proven);
	assert_true(got.quick);
	assert_true(got.signs);
	assert_int_equal(got.keys_n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct claim_key *want = &a_look.keys[i];

		assert_string_equal(got.keys[i].selector, want->selector);
		assert_true(dkim_public_equal(&got.keys[i].key, &want->key));
		assert_int_equal(got.keys[i].key.bits, want->key.bits);
	}
	assert_false(wire_next(&r, &m));
	assert_false(r.bad);
}

/* What a reader leaves in out of what was in it before: nothing that counts. */
static void
assert_same(const struct finding *out, const struct finding *in)
{
	assert_int_equal(out->check, in->check);
	assert_int_equal(out->verdict, in->verdict);
	assert_int_equal(out->code, in->code);
	assert_int_equal(out->assurance, in->assurance);
	assert_string_equal(out->name, in->name);
	assert_string_equal(out->expected, in->expected);
	assert_int_equal(out->neg_ttl_s, in->neg_ttl_s);
	assert_int_equal(out->visible_in_s, in->visible_in_s);
	assert_int_equal(out->delegated, in->delegated);
	assert_string_equal(out->saw, in->saw);
	assert_int_equal(out->mark, in->mark);
	assert_string_equal(out->publish, in->publish);
	assert_string_equal(out->policy, in->policy);
	assert_string_equal(out->record_domain, in->record_domain);
	assert_int_equal(out->aligned, in->aligned);
	assert_int_equal(out->has_cost, in->has_cost);
	assert_int_equal(out->lookups, in->lookups);
	assert_int_equal(out->voids, in->voids);
	assert_int_equal(out->found_n, in->found_n);
	assert_int_equal(out->servers_n, in->servers_n);
	assert_int_equal(out->also_n, in->also_n);
	assert_int_equal(out->tree_n, in->tree_n);
	for (size_t i = 0; i < in->also_n; i++)
		assert_int_equal(out->also[i], in->also[i]);
	for (size_t i = 0; i < in->tree_n; i++) {
		const struct spf_row *row = &out->tree[i];

		assert_int_equal(row->depth, in->tree[i].depth);
		assert_int_equal(row->lookups, in->tree[i].lookups);
		assert_int_equal(row->is_void, in->tree[i].is_void);
		assert_int_equal(row->unreached, in->tree[i].unreached);
		assert_string_equal(row->term, in->tree[i].term);
	}
}

static void
test_largest_finding(void **state)
{
	static struct wire_found in, out;
	struct wire_message m;
	struct writer w;
	struct reader r;

	(void)state;
	largest(&in);
	writer_init(&w, frame, sizeof(frame));
	wire_put_found(&w, &in);
	assert_false(w.bad);
	assert_true(w.len < WIRE_MESSAGE_MAX);
	reader_init(&r, frame, w.len);
	assert_true(wire_next(&r, &m));
	assert_int_equal(m.type, WIRE_FOUND);
	assert_true(wire_get_found(&m.body, &out));
	assert_true(out.request == in.request);
	assert_same(&out.finding, &in.finding);
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		const struct server_fact *s = &out.finding.servers[i];

		assert_string_equal(s->name, in.finding.servers[i].name);
		assert_string_equal(s->addr, in.finding.servers[i].addr);
		assert_int_equal(s->outcome, OUTCOME_MALFORMED);
		assert_true(s->has && s->has_serial);
		assert_int_equal(s->serial, UINT32_MAX);
	}
	assert_int_equal(out.finding.found_n, FOUND_MAX);
	assert_memory_equal(
	    out.finding.found, in.finding.found, sizeof(in.finding.found));
}

static void
test_small_finding(void **state)
{
	static struct wire_found in, out;
	struct wire_message m;
	struct writer w;
	struct reader r;

	(void)state;
	memset(&out, 0xff, sizeof(out));
	in.request = 7;
	in.finding.verdict = VERDICT_NONE;
	writer_init(&w, frame, sizeof(frame));
	wire_put_found(&w, &in);
	assert_true(w.len < 72);
	reader_init(&r, frame, w.len);
	assert_true(wire_next(&r, &m));
	assert_true(wire_get_found(&m.body, &out));
	assert_true(out.request == 7);
	assert_same(&out.finding, &in.finding);
}

/* Many messages in one frame, of every kind. */
static void
test_frame(void **state)
{
	static const enum wire_type want[] = {
	    WIRE_HELLO, WIRE_GONE, WIRE_POISON, WIRE_HELLO};
	struct wire_poison poison = {.subject = "acme/shop.test/job-1"};
	struct wire_gone gone = {.index = 0x01020304};
	struct wire_message m;
	struct writer w;
	struct reader r;

	(void)state;
	writer_init(&w, frame, sizeof(frame));
	wire_put_hello(&w);
	wire_put_gone(&w, &gone);
	wire_put_poison(&w, &poison);
	wire_put_hello(&w);
	reader_init(&r, frame, w.len);
	gone.index = 0;
	poison.subject[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(wire_next(&r, &m));
		assert_int_equal(m.type, want[i]);
		if (m.type == WIRE_GONE)
			assert_true(wire_get_gone(&m.body, &gone));
		if (m.type == WIRE_POISON)
			assert_true(wire_get_poison(&m.body, &poison));
	}
	assert_false(wire_next(&r, &m));
	assert_false(r.bad);
	assert_int_equal(gone.index, 0x01020304);
	assert_string_equal(poison.subject, "acme/shop.test/job-1");
}

/* What does not fit leaves no trace, and what was there is a whole frame. */
static void
test_full(void **state)
{
	struct wire_message m;
	struct writer w;
	struct reader r;

	(void)state;
	writer_init(&w, frame, 96);
	wire_put_hello(&w);
	wire_put_look(&w, &a_look);
	assert_true(w.bad);
	assert_int_equal(w.len, 3);
	reader_init(&r, frame, w.len);
	assert_true(wire_next(&r, &m));
	assert_int_equal(m.type, WIRE_HELLO);
	assert_false(wire_next(&r, &m));
	assert_false(r.bad);
	/* not even the head */
	writer_init(&w, frame, 2);
	wire_put_hello(&w);
	assert_true(w.bad);
	assert_int_equal(w.len, 0);
}

static void
test_bad_frames(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} tests[] = {
	    {"\0\0\0", 3},	       /* type 0 */
	    {"\6\0\0", 3},	       /* type behind the last */
	    {"\1", 1},		       /* head cut */
	    {"\1\0", 2},	       /* head cut */
	    {"\1\0\1", 3},	       /* body missing */
	    {"\4\0\4\0\0\0", 6},       /* body cut */
	    {"\4\377\377\0\0\0\0", 7}, /* longer than a message may be */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct wire_message m;
		struct reader r;

		reader_init(&r, tests[i].bytes, tests[i].len);
		if (wire_next(&r, &m) || !r.bad)
			fail_msg("%zu", i);
	}
}

static bool
get(const struct wire_message *m)
{
	static struct wire_found found;
	struct wire_look look;
	struct wire_gone gone;
	struct wire_poison poison;
	struct reader body = m->body;

	switch (m->type) {
	case WIRE_HELLO:
		return body.left == 0;
	case WIRE_LOOK:
		return wire_get_look(&body, &look);
	case WIRE_FOUND:
		return wire_get_found(&body, &found);
	case WIRE_GONE:
		return wire_get_gone(&body, &gone);
	case WIRE_POISON:
		return wire_get_poison(&body, &poison);
	}
	return false;
}

/* A body cut anywhere, or with an octet more, is none. */
static void
test_bad_bodies(void **state)
{
	static struct wire_found found;
	struct wire_poison poison = {.subject = "a/b/c"};
	struct wire_gone gone = {.index = 1};
	struct wire_message m;
	struct writer w;
	struct reader r;
	unsigned messages = 0;

	(void)state;
	largest(&found);
	writer_init(&w, frame, sizeof(frame));
	wire_put_look(&w, &a_look);
	wire_put_found(&w, &found);
	wire_put_gone(&w, &gone);
	wire_put_poison(&w, &poison);
	reader_init(&r, frame, w.len);
	while (wire_next(&r, &m)) {
		size_t len = m.body.left;
		uint8_t *longer = calloc(1, len + 1);

		assert_non_null(longer);
		memcpy(longer, m.body.p, len);
		for (size_t cut = 0; cut <= len + 1; cut++) {
			m.body = (struct reader){.p = longer, .left = cut};
			assert_int_equal(get(&m), cut == len);
		}
		free(longer);
		messages++;
	}
	assert_int_equal(messages, 4);
}

/* Enums, flags, lists and texts out of bounds. Offsets are into the body. */
static void
test_bounds(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t octet;
	} tests[] = {
	    {"check", 8, CHECK_N},
	    {"verdict", 9, VERDICT_N},
	    {"code", 10, CODE_N},
	    {"assurance", 11, ASSURANCE_N},
	    {"name holds ESC", 14, 0x1b},
	    {"expected holds NUL", 17, 0},
	    {"found_n", 18, FOUND_MAX + 1},
	    {"found.len", 19, 2},
	    {"found.cut", 20, 2},
	    {"servers_n", 22, SERVERS_MAX + 1},
	    {"server's name", 25, 0x80},
	    {"server's outcome", 29, OUTCOME_MALFORMED + 1},
	    {"has", 30, 2},
	    {"has_serial", 31, 0xff},
	    {"delegated", 44, 2},
	    {"saw holds a line's end", 47, '\n'},
	    {"also_n", 50, ALSO_MAX + 1},
	    {"also", 51, CODE_N},
	    {"publish holds DEL", 54, 0x7f},
	    {"policy holds ESC", 57, 0x1b},
	    {"record_domain holds ESC", 60, 0x1b},
	    {"aligned: an unknown one", 61, 1u << CHECK_N},
	    {"has_cost", 62, 2},
	    {"tree_n", 65, TREE_MAX + 1},
	    {"is_void", 68, 2},
	    {"unreached", 69, 2},
	    {"term holds NUL", 72, 0},
	};
	static struct wire_found in = {
	    .finding = {.name = "n",
		.expected = "e",
		.found_n = 1,
		.found = {{.len = 1, .bytes = "f"}},
		.servers_n = 1,
		.servers = {{.name = "s", .addr = "a"}},
		.saw = "w",
		.also_n = 1,
		.publish = "p",
		.policy = "q",
		.record_domain = "d",
		.tree_n = 1,
		.tree = {{.term = "t"}}}};
	struct wire_message m;
	struct writer w;
	struct reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		writer_init(&w, frame, sizeof(frame));
		wire_put_found(&w, &in);
		reader_init(&r, frame, w.len);
		assert_true(wire_next(&r, &m));
		assert_int_equal(m.body.left, 73);
		assert_true(get(&m));
		frame[3 + tests[i].at] = tests[i].octet;
		if (get(&m))
			fail_msg("%s", tests[i].name);
	}
}

static void
test_look_bounds(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t octet;
	} tests[] = {
	    {"subject holds ESC", 10, 0x1b},
	    {"checks: an unknown one", 90, 1u << CHECK_N},
	    {"checks: none", 90, 0},
	    {"proven: an unknown one", 91, 0xff},
	    {"quick", 92, 2},
	    {"signs", 93, 2},
	    {"keys_n", 94, CLAIM_KEYS_MAX + 1},
	    {"keys_n: one is missing", 94, 3},
	    {"keys_n: one too many", 94, 1},
	    {"selector's length", 96, DKIM_SELECTOR_MAX + 1},
	    {"selector holds DEL", 98, 0x7f},
	    {"key's type", 103, DKIM_ED25519 + 1},
	    {"key's length", 106, 0x03},
	};
	struct wire_message m;
	struct writer w;
	struct reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		writer_init(&w, frame, sizeof(frame));
		wire_put_look(&w, &a_look);
		reader_init(&r, frame, w.len);
		assert_true(wire_next(&r, &m));
		assert_int_equal(frame[3 + 90], a_look.checks);
		assert_true(get(&m));
		frame[3 + tests[i].at] = tests[i].octet;
		if (get(&m))
			fail_msg("%s", tests[i].name);
	}
}

struct lists {
	unsigned found_n, found_len, servers_n, also_n, tree_n;
};

/* A body that is whole in itself, with so much in its lists. */
static bool
get_lists(struct lists n)
{
	struct wire_message m = {.type = WIRE_FOUND};
	static const uint8_t zeros[255];
	struct writer w;

	writer_init(&w, frame, sizeof(frame));
	writer_bytes(&w, zeros, 8 + 4 + 2 + 2);
	writer_u8(&w, (uint8_t)n.found_n);
	for (unsigned i = 0; i < n.found_n; i++) {
		writer_u16(&w, (uint16_t)(n.found_len << 8));
		writer_bytes(&w, zeros, n.found_len);
	}
	writer_u8(&w, (uint8_t)n.servers_n);
	for (unsigned i = 0; i < n.servers_n; i++)
		writer_bytes(&w, zeros, 2 + 2 + 1 + 1 + 1 + 4);
	writer_bytes(&w, zeros, 4 + 4 + 1 + 2 + 2);
	writer_u8(&w, (uint8_t)n.also_n);
	writer_bytes(&w, zeros, n.also_n + 2 + 2 + 2 + 1 + 3);
	writer_u8(&w, (uint8_t)n.tree_n);
	for (unsigned i = 0; i < n.tree_n; i++)
		writer_bytes(&w, zeros, 4 + 2);
	reader_init(&m.body, frame, w.len);
	return get(&m);
}

static void
test_lists(void **state)
{
	(void)state;
	assert_true(get_lists((struct lists){0}));
	assert_true(get_lists((struct lists){
	    FOUND_MAX, FOUND_LEN_MAX, SERVERS_MAX, ALSO_MAX, TREE_MAX}));
	assert_false(get_lists((struct lists){.found_n = FOUND_MAX + 1}));
	assert_false(get_lists((struct lists){.servers_n = SERVERS_MAX + 1}));
	assert_false(get_lists((struct lists){.also_n = ALSO_MAX + 1}));
	assert_false(get_lists((struct lists){.tree_n = TREE_MAX + 1}));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_look),
	    cmocka_unit_test(test_largest_finding),
	    cmocka_unit_test(test_small_finding),
	    cmocka_unit_test(test_frame),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_bad_frames),
	    cmocka_unit_test(test_bad_bodies),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_look_bounds),
	    cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
