/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts of tests/dns, and what they make of an answer: what other tests
 * believe their server to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/dns/reply.h"

#define ID 0x1234

static struct reply reply;
static uint8_t memory[1u << 20];

static struct question
question(const char *name, uint16_t type)
{
	struct question q = {.type = type};

	assert_int_equal(dname_from_text(&q.name, name, NULL), DNAME_OK);
	return q;
}

/* The first packet for TXT of a.test, read as we read. */
static struct answer
answer_to(const char *text, enum via via)
{
	struct question want = question("a.test", RRTYPE_TXT);
	uint8_t bytes[PACKET_QUERY_MAX];
	struct rng rng = {1};
	struct script script;
	struct arena arena;
	struct answer a;
	struct query q;
	struct err e;

	if (script_read(&script, text, &e) != OK)
		fail_msg("%s: %s", text, e.text);
	assert_true(query_read(&q, bytes, packet_query(bytes, ID, &want)));
	assert_int_equal(q.edns_size, PACKET_UDP_SIZE);
	q.via = via;
	reply_make(&reply, &script_match(&script, &q)->packets[0], &q, &rng);
	script_free(&script);
	arena_init(&arena, memory, sizeof(memory));
	packet_read(&a, reply.bytes, reply.len, ID, &want, &arena);
	return a;
}

static void
test_what_is_read(void **state)
{
	static const struct {
		const char *script;
		enum outcome outcome;
		const char *why;
		size_t n;
	} row[] = {
	    {"txt \"a\"", OUTCOME_RECORDS, NULL, 1},
	    {"txt \"a\" \"b\" txt \"c\"", OUTCOME_RECORDS, NULL, 2},
	    {"many 100 txt \"n ####\"", OUTCOME_RECORDS, NULL, 100},
	    {"fill 65000", OUTCOME_RECORDS, NULL, 242},
	    {"", OUTCOME_NODATA, NULL, 0},
	    {"noaa", OUTCOME_LAME, NULL, 0},
	    {"noaa authority owner a.test ns ns.a.test", OUTCOME_REFERRAL, NULL,
		0},
	    {"nxdomain", OUTCOME_NXDOMAIN, NULL, 0},
	    {"nxdomain txt \"a\"", OUTCOME_MALFORMED, "NXDOMAIN with records",
		0},
	    {"servfail ede 22 \"text\"", OUTCOME_SERVFAIL, NULL, 0},
	    {"refused", OUTCOME_REFUSED, NULL, 0},
	    {"notimp", OUTCOME_RCODE, NULL, 0},
	    {"formerr noquestion", OUTCOME_RCODE, NULL, 0},
	    {"rcode 9", OUTCOME_RCODE, NULL, 0},
	    {"cname b.test owner b.test txt \"a\"", OUTCOME_RECORDS, NULL, 1},
	    {"cname b.test owner b.test cname a.test", OUTCOME_MALFORMED,
		"CNAME loop", 0},
	    {"txt \"a\" id 1", OUTCOME_MALFORMED, "other id", 0},
	    {"txt \"a\" noqr", OUTCOME_MALFORMED, "not a response", 0},
	    {"txt \"a\" opcode 2", OUTCOME_MALFORMED, "other opcode", 0},
	    {"txt \"a\" tc", OUTCOME_MALFORMED, "truncated", 0},
	    {"txt \"a\" noquestion", OUTCOME_MALFORMED, "not one question", 0},
	    {"txt \"a\" twice", OUTCOME_MALFORMED, "not one question", 0},
	    {"txt \"a\" othercase", OUTCOME_RECORDS, NULL, 1},
	    {"qname b.test owner a.test txt \"a\"", OUTCOME_MALFORMED,
		"other question: name", 0},
	    {"txt \"a\" qtype 1", OUTCOME_MALFORMED, "other question: type", 0},
	    {"txt \"a\" qclass 3", OUTCOME_MALFORMED, "other question: class",
		0},
	    {"owner b.test txt \"a\"", OUTCOME_NODATA, NULL, 0},
	    {"class 3 txt \"a\"", OUTCOME_NODATA, NULL, 0},
	    {"owner ^0 txt \"a\"", OUTCOME_MALFORMED, "pointer not backwards",
		0},
	    {"owner ^2 txt \"a\"", OUTCOME_MALFORMED, "pointer not backwards",
		0},
	    {"hops 16 txt \"a\"", OUTCOME_RECORDS, NULL, 1},
	    {"hops 17 txt \"a\"", OUTCOME_MALFORMED, "too many pointers", 0},
	    {"owner =40 txt \"a\"", OUTCOME_MALFORMED, "unknown label type", 0},
	    {"txt \"a\" count answers 65535", OUTCOME_MALFORMED, NULL, 0},
	    {"rdlength 1 txt \"a\" noedns", OUTCOME_MALFORMED,
		"data past the end", 0},
	    {"rdlength -1 txt \"a\"", OUTCOME_MALFORMED, NULL, 0},
	    {"rr TXT 0561", OUTCOME_MALFORMED, "bad TXT data", 0},
	    {"rr TXT 00", OUTCOME_RECORDS, NULL, 1},
	    {"txt \"a\" cut 11", OUTCOME_MALFORMED, "short header", 0},
	    {"txt \"a\" cut -1", OUTCOME_MALFORMED, NULL, 0},
	    {"txt \"a\" junk 3", OUTCOME_RECORDS, NULL, 1},
	    {"txt \"a\" set 2 05", OUTCOME_MALFORMED, "not a response", 0},
	    {"txt \"a\" flip 2 0x80", OUTCOME_MALFORMED, "not a response", 0},
	    {"txt \"a\" mutate qr", OUTCOME_MALFORMED, "not a response", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		char text[128];
		struct answer a;

		snprintf(
		    text, sizeof(text), "a.test TXT : %s\n", row[i].script);
		a = answer_to(text, VIA_TCP);
		if (a.outcome != row[i].outcome)
			fail_msg("%s: %s %s", row[i].script,
			    outcome_name(a.outcome), a.why ? a.why : "");
		if (row[i].why)
			assert_string_equal(a.why, row[i].why);
		assert_int_equal(a.n, row[i].n);
	}
}

static void
test_extended_errors(void **state)
{
	struct answer a =
	    answer_to("* * : servfail ede 9 \"no DNSKEY\"\n", VIA_UDP);

	(void)state;
	assert_true(a.has_ede);
	assert_int_equal(a.ede, 9);
}

static void
test_what_udp_takes(void **state)
{
	struct answer a = answer_to("* * : fill 1233\n", VIA_UDP);

	(void)state;
	assert_string_equal(a.why ? a.why : "", "");
	a = answer_to("* * : many 7 txt \"################################"
		      "################################################"
		      "################################################"
		      "########################################\"\n",
	    VIA_UDP);
	assert_string_equal(a.why, "truncated");
	assert_true(reply.len < 100);
	a = answer_to("* * : fill 4000 whole\n", VIA_UDP);
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
	assert_in_range(reply.len, 3700, 4000);
}

static void
test_which_rule(void **state)
{
	static const char *const text = "a.test TXT udp #2 : refused\n"
					"*.b.test * rd : servfail\n"
					"* A at=127.0.0.9 : nxdomain # why\n"
					"* A \\\n plain : notimp\n"
					"* * #3- : formerr\n";
	static const struct {
		const char *name;
		uint16_t type;
		enum via via;
		uint16_t flags, edns;
		uint8_t to;
		unsigned line;
	} row[] = {
	    {"a.test", 16, VIA_UDP, 0, 1, 1, 0},
	    {"a.test", 16, VIA_TCP, 0, 1, 1, 0},
	    {"A.TEST", 16, VIA_UDP, 0, 1, 1, 1},
	    {"a.test", 16, VIA_UDP, 0, 1, 1, 6},
	    {"b.test", 16, VIA_UDP, 0x100, 1, 1, 6},
	    {"c.b.test", 16, VIA_UDP, 0x100, 1, 1, 2},
	    {"c.b.test", 1, VIA_UDP, 0, 1, 9, 3},
	    {"c.b.test", 1, VIA_UDP, 0, 0, 1, 4},
	};
	struct script script;
	struct err e;

	(void)state;
	assert_int_equal(script_read(&script, text, &e), OK);
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct query q = {.name = question(row[i].name, 0).name,
		    .type = row[i].type,
		    .via = row[i].via,
		    .flags = row[i].flags,
		    .edns_size = row[i].edns,
		    .to = {.family = 4, .octets = {127, 0, 0, row[i].to}}};
		const struct rule *rule = script_match(&script, &q);

		assert_int_equal(rule ? rule->line : 0, row[i].line);
	}
	script_free(&script);
}

static void
test_scripts_that_are_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} row[] = {
	    {"a.test TXT txt \"a\"\n", "line 1: not a condition: \"txt\""},
	    {"\na.test TXT\n", "line 2: a word is missing"},
	    {"a.test WHAT : silent\n", "no such type: \"WHAT\""},
	    {"a..test TXT : silent\n", "not a name"},
	    {"a.test TXT #0 : silent\n", "not numbers of queries"},
	    {"a.test TXT : txt a\n", "txt without a \"string\""},
	    {"a.test TXT : txt \"a\n", "no closing quotation mark"},
	    {"a.test TXT : a 1.2.3\n", "not an address"},
	    {"a.test TXT : a ::1\n", "not an address"},
	    {"a.test TXT : delay x\n", "not a number"},
	    {"a.test TXT : delay 0\n", "out of bounds"},
	    {"a.test TXT : rr TXT 0\n", "not hexadecimal"},
	    {"a.test TXT : mutate it\n", "no such mutation"},
	    {"a.test TXT : count them 5\n", "no such section"},
	    {"a.test TXT : sing\n", "what is this: \"sing\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct script script;
		struct err e;

		assert_int_equal(script_read(&script, row[i].text, &e), REJECT);
		if (!strstr(e.text, row[i].why))
			fail_msg("%s says %s", row[i].text, e.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_is_read),
	    cmocka_unit_test(test_extended_errors),
	    cmocka_unit_test(test_what_udp_takes),
	    cmocka_unit_test(test_which_rule),
	    cmocka_unit_test(test_scripts_that_are_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
