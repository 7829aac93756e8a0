/* SPDX-License-Identifier: Apache-2.0 */
/* One DNS answer after the other, written as words (packet_text.h). */
#include "packet_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ARENA (256u * 1024u)

struct test {
	const char *name;
	const char *text;
	enum outcome want;
	const char *why; /* MALFORMED */
};

static uint8_t message[70000];
static uint8_t memory[ARENA];
static struct arena arena;

static struct question
ask(uint16_t type, const char *name)
{
	return (struct question){.name = packet_text_dname(name), .type = type};
}

static void
read_text(struct answer *out, const char *text, const struct question *q)
{
	size_t len = packet_text_write(message, sizeof(message), text);
	/* on the heap and no longer than it is, for the sanitizer */
	uint8_t *exact = malloc(len + 1);

	assert_non_null(exact);
	memcpy(exact, message, len);
	arena_init(&arena, memory, sizeof(memory));
	packet_read(out, exact, len, PACKET_TEXT_ID, q, &arena);
	free(exact);
}

static void
run(const struct test *tests, size_t n, const struct question *q)
{
	for (size_t i = 0; i < n; i++) {
		const struct test *t = &tests[i];
		struct answer a;

		read_text(&a, t->text, q);
		if (a.outcome != t->want)
			fail_msg("%s: %s (%s), not %s", t->name,
			    outcome_name(a.outcome), a.why ? a.why : "",
			    outcome_name(t->want));
		if (t->want != OUTCOME_MALFORMED)
			continue;
		if (strcmp(a.why, t->why) != 0)
			fail_msg(
			    "%s: \"%s\", not \"%s\"", t->name, a.why, t->why);
	}
}

static void
run_txt(const struct test *tests, size_t n)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);

	run(tests, n, &q);
}

#define SOA "SOA/900 [ @ns1.test @admin.test d7 d3600 d900 d86400 d600 ]"
#define OPT "@. w41 w1232 d0"

/* RFC 1035, RFC 2308: what an answer is. */
static void
test_outcomes(void **state)
{
	static const struct test tests[] = {
	    {"record", "H8400/1.1.0.0 Q ^12 TXT [ 'token=abc ]",
		OUTCOME_RECORDS, NULL},
	    {"record of a resolver", "H8180/1.1.0.0 Q ^12 TXT [ 'a ]",
		OUTCOME_RECORDS, NULL},
	    {"other case of letters",
		"H8400/1.1.0.0 TXT=_EXAMPLE-Challenge.SHOP.test "
		"@_example-CHALLENGE.shop.TEST TXT [ 'a ]",
		OUTCOME_RECORDS, NULL},
	    {"nodata type 2", "H8400/1.0.1.0 Q ^31 " SOA, OUTCOME_NODATA, NULL},
	    {"nodata type 1",
		"H8400/1.0.2.0 Q ^31 " SOA " ^31 NS [ @ns1.test ]",
		OUTCOME_NODATA, NULL},
	    {"nodata type 3", "H8400/1.0.0.0 Q", OUTCOME_NODATA, NULL},
	    {"nodata of a resolver", "H8180/1.0.0.0 Q", OUTCOME_NODATA, NULL},
	    {"nxdomain", "H8403/1.0.1.0 Q ^31 " SOA, OUTCOME_NXDOMAIN, NULL},
	    {"referral", "H8000/1.0.1.0 Q ^31 NS [ @ns1.test ]",
		OUTCOME_REFERRAL, NULL},
	    {"referral upwards",
		"H8000/1.0.1.0 Q @. NS [ @a.root-servers.net ]",
		OUTCOME_REFERRAL, NULL},
	    {"resolver's nodata with SOA and NS",
		"H8180/1.0.2.0 Q ^31 NS [ @ns1.test ] ^31 " SOA, OUTCOME_NODATA,
		NULL},
	    {"neither authoritative nor a resolver, SOA and NS",
		"H8000/1.0.2.0 Q ^31 NS [ @ns1.test ] ^31 " SOA, OUTCOME_LAME,
		NULL},
	    {"own NS with an empty answer",
		"H8400/1.0.1.0 Q ^31 NS [ @ns1.test ]", OUTCOME_NODATA, NULL},
	    {"NS of a name elsewhere",
		"H8000/1.0.1.0 Q @other.test NS [ @ns1.test ]", OUTCOME_LAME,
		NULL},
	    {"lame", "H8000/1.0.0.0 Q", OUTCOME_LAME, NULL},
	    {"servfail", "H8182/1.0.0.0 Q", OUTCOME_SERVFAIL, NULL},
	    {"refused", "H8005/1.0.0.0 Q", OUTCOME_REFUSED, NULL},
	    {"formerr", "H8001/1.0.0.0 Q", OUTCOME_RCODE, NULL},
	    {"formerr without a question", "H8001/0.0.0.0", OUTCOME_RCODE,
		NULL},
	    {"notimp without a question", "H8004/0.0.0.0", OUTCOME_RCODE, NULL},
	    {"badvers in OPT", "H8080/1.0.0.1 Q @. w41 w1232 x01000000 w0",
		OUTCOME_RCODE, NULL},
	    {"octets behind the end", "H8400/1.1.0.0 Q ^12 TXT [ 'a ] x00ff",
		OUTCOME_RECORDS, NULL},
	};

	(void)state;
	run_txt(tests, ARRAY_LEN(tests));
}

/* FAULTS of liars: not an answer to what was asked. */
static void
test_not_ours(void **state)
{
	static const struct test tests[] = {
	    {"other id", "x99998400000100000000 w0 Q", OUTCOME_MALFORMED,
		"other id"},
	    {"a query", "H0400/1.1.0.0 Q ^12 TXT [ 'a ]", OUTCOME_MALFORMED,
		"not a response"},
	    {"opcode", "H9400/1.1.0.0 Q ^12 TXT [ 'a ]", OUTCOME_MALFORMED,
		"other opcode"},
	    {"question's name", "H8400/1.1.0.0 TXT=shop.test ^12 TXT [ 'a ]",
		OUTCOME_MALFORMED, "other question: name"},
	    {"question's type",
		"H8400/1.1.0.0 A=_example-challenge.shop.test ^12 TXT [ 'a ]",
		OUTCOME_MALFORMED, "other question: type"},
	    {"question's class",
		"H8400/1.0.0.0 @_example-challenge.shop.test w16 w3",
		OUTCOME_MALFORMED, "other question: class"},
	    {"no question", "H8400/0.1.0.0 @shop.test TXT [ 'a ]",
		OUTCOME_MALFORMED, "not one question"},
	    {"no question in nxdomain", "H8403/0.0.0.0", OUTCOME_MALFORMED,
		"not one question"},
	    {"no question but records", "H8005/0.1.0.0 @shop.test TXT [ 'a ]",
		OUTCOME_MALFORMED, "not one question"},
	    {"two questions", "H8400/2.0.0.0 Q Q", OUTCOME_MALFORMED,
		"not one question"},
	    {"truncated", "H8600/1.1.0.0 Q ^12 TXT [ 'a ]", OUTCOME_MALFORMED,
		"truncated"},
	    {"record of another owner", "H8400/1.1.0.0 Q ^31 TXT [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"record of a name below", "H8400/1.1.0.0 Q x0178 ^12 TXT [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"record of another class", "H8400/1.1.0.0 Q ^12 TXT/300/3 [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"record of another type", "H8400/1.1.0.0 Q ^12 MX [ w10 ^31 ]",
		OUTCOME_NODATA, NULL},
	    {"record in authority", "H8400/1.0.1.0 Q ^12 TXT [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"record in additional", "H8400/1.0.0.1 Q ^12 TXT [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"nxdomain with the record", "H8403/1.1.0.0 Q ^12 TXT [ 'a ]",
		OUTCOME_MALFORMED, "NXDOMAIN with records"},
	};

	(void)state;
	run_txt(tests, ARRAY_LEN(tests));
}

/* RFC 9267 section 2: compression pointers and offsets. */
static void
test_pointers(void **state)
{
	static const struct test tests[] = {
	    {"to itself", "H8400/1.1.0.0 Q ^46 TXT [ 'a ]", OUTCOME_MALFORMED,
		"pointer not backwards"},
	    {"forward", "H8400/1.1.0.0 Q ^58 TXT [ 'a ]", OUTCOME_MALFORMED,
		"pointer not backwards"},
	    {"past the end", "H8400/1.1.0.0 Q ^9999 TXT [ 'a ]",
		OUTCOME_MALFORMED, "pointer not backwards"},
	    {"into the header", "H8400/1.1.0.0 Q ^0 TXT [ 'a ]",
		OUTCOME_MALFORMED, "pointer into the header"},
	    {"into the header's end", "H8400/1.1.0.0 Q ^11 TXT [ 'a ]",
		OUTCOME_MALFORMED, "pointer into the header"},
	    {"loop over a label", "H8400/1.1.0.0 Q x0161 ^46 TXT [ 'a ]",
		OUTCOME_MALFORMED, "pointer not backwards"},
	    {"two that point at each other",
		"H8400/1.2.0.0 Q ^12 CNAME [ ^60 ] ^58 TXT [ 'a ]",
		OUTCOME_MALFORMED, "pointer not backwards"},
	    {"to the root of the question", "H8400/1.1.0.0 Q ^41 TXT [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"half of one at the end", "H8400/1.1.0.0 Q xc0", OUTCOME_MALFORMED,
		"pointer past the end"},
	    {"in the question", "H8400/1.0.0.0 ^12 w16 w1", OUTCOME_MALFORMED,
		"pointer not backwards"},
	};

	(void)state;
	run_txt(tests, ARRAY_LEN(tests));
}

/* hops pointers in a row, each to the one before it, inside TXT data. */
static void
write_hops(char *text, size_t cap, unsigned hops)
{
	size_t n = (size_t)snprintf(
	    text, cap, "H8400/1.2.0.0 Q ^12 TXT [ x%02x ^12", 2 * hops);

	/* data begins at 58, its string at 59 */
	for (unsigned i = 1; i < hops; i++)
		n += (size_t)snprintf(
		    text + n, cap - n, " ^%u", 59 + 2 * (i - 1));
	snprintf(text + n, cap - n, " ] ^%u TXT [ 'b ]", 59 + 2 * (hops - 1));
}

static void
test_hops(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	struct answer a;
	char text[1000];

	(void)state;
	write_hops(text, sizeof(text), PACKET_HOPS_MAX - 1);
	read_text(&a, text, &q);
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
	assert_int_equal(a.n, 2);
	write_hops(text, sizeof(text), PACKET_HOPS_MAX);
	read_text(&a, text, &q);
	assert_int_equal(a.outcome, OUTCOME_MALFORMED);
	assert_string_equal(a.why, "too many pointers");
}

#define L63 "123456789012345678901234567890123456789012345678901234567890123"
#define L59 "12345678901234567890123456789012345678901234567890123456789"
#define L61 "1234567890123456789012345678901234567890123456789012345678901"

/* RFC 9267 section 3: lengths of labels and names. */
static void
test_lengths(void **state)
{
	static const struct test tests[] = {
	    {"label of 63", "H8400/1.1.0.0 Q @" L63 " TXT [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"label of 64", "H8400/1.1.0.0 Q x40 @" L63 " TXT [ 'a ]",
		OUTCOME_MALFORMED, "unknown label type"},
	    {"label of type 10", "H8400/1.1.0.0 Q x80 ^12 TXT [ 'a ]",
		OUTCOME_MALFORMED, "unknown label type"},
	    {"label past the end", "H8400/1.1.0.0 Q x05616263",
		OUTCOME_MALFORMED, "label past the end"},
	    {"name of 255",
		"H8400/1.1.0.0 Q @" L63 "." L63 "." L63 "." L61 " TXT [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"name of 255 by a pointer",
		"H8400/1.2.0.0 Q @" L63 "." L63 "." L63 "." L59
		" TXT [ 'a ] x0178 ^46 TXT [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"name of 256 by a pointer",
		"H8400/1.2.0.0 Q @" L63 "." L63 "." L63 "." L59
		"0 TXT [ 'a ] x0178 ^46 TXT [ 'a ]",
		OUTCOME_MALFORMED, "name too long"},
	};

	(void)state;
	run_txt(tests, ARRAY_LEN(tests));
}

/* RFC 9267 section 4: a name must end in the root's label. */
static void
test_name_end(void **state)
{
	static const struct test tests[] = {
	    {"question without an end", "H8400/1.0.0.0 x0161",
		OUTCOME_MALFORMED, "name past the end"},
	    {"no owner", "H8400/1.1.0.0 Q", OUTCOME_MALFORMED,
		"name past the end"},
	    {"owner without an end", "H8400/1.1.0.0 Q x0161", OUTCOME_MALFORMED,
		"name past the end"},
	    {"target without an end in its data",
		"H8400/1.2.0.0 Q ^12 CNAME [ x0161 ] ^12 TXT [ 'a ]",
		OUTCOME_MALFORMED, "name longer than its data"},
	    {"target that ends in the next record",
		"H8400/1.1.0.1 Q ^12 CNAME [ x0161 ] " OPT " w0",
		OUTCOME_MALFORMED, "name longer than its data"},
	    {"octets behind the target",
		"H8400/1.1.0.0 Q ^12 CNAME [ ^31 x00 ]", OUTCOME_MALFORMED,
		"bad CNAME data"},
	    {"NUL inside a label", "H8400/1.1.0.0 Q x026100 ^12 TXT [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"target is the root", "H8400/1.1.0.0 Q ^12 CNAME [ @. ]",
		OUTCOME_NODATA, NULL},
	};

	(void)state;
	run_txt(tests, ARRAY_LEN(tests));
}

/* RFC 9267 section 5: the length of the data. */
static void
test_data_length(void **state)
{
	static const struct test tests[] = {
	    {"past the end", "H8400/1.1.0.0 Q ^12 TXT w9 'abc",
		OUTCOME_MALFORMED, "data past the end"},
	    {"65535", "H8400/1.1.0.0 Q ^12 TXT w65535 'abc", OUTCOME_MALFORMED,
		"data past the end"},
	    {"past the end, not ours", "H8400/1.1.0.0 Q ^31 MX w9 w10 ^31",
		OUTCOME_MALFORMED, "data past the end"},
	    {"no length", "H8400/1.1.0.0 Q ^12 TXT x00", OUTCOME_MALFORMED,
		"record past the end"},
	    {"string past the data", "H8400/1.1.0.0 Q ^12 TXT [ x0461 ] x6161",
		OUTCOME_MALFORMED, "bad TXT data"},
	    {"no string", "H8400/1.1.0.0 Q ^12 TXT [ ]", OUTCOME_MALFORMED,
		"bad TXT data"},
	    {"SOA cut",
		"H8400/1.0.1.0 Q ^31 SOA [ @a.test @b.test d7 d1 d1 d1 ]",
		OUTCOME_MALFORMED, "bad SOA data"},
	    {"SOA without a second name", "H8400/1.0.1.0 Q ^31 SOA [ @a.test ]",
		OUTCOME_MALFORMED, "name past the end"},
	    {"option past its data",
		"H8400/1.0.0.1 Q @. w41 w1232 d0 [ w15 w9 w7 ]",
		OUTCOME_MALFORMED, "bad option"},
	    {"half an option", "H8400/1.0.0.1 Q @. w41 w1232 d0 [ w15 x00 ]",
		OUTCOME_MALFORMED, "bad option"},
	    {"two OPT", "H8400/1.0.0.2 Q " OPT " w0 " OPT " w0",
		OUTCOME_MALFORMED, "bad OPT"},
	    {"OPT with a name", "H8400/1.0.0.1 Q ^31 w41 w1232 d0 w0",
		OUTCOME_MALFORMED, "bad OPT"},
	    {"NS data in a referral", "H8000/1.0.1.0 Q ^31 NS [ ]",
		OUTCOME_MALFORMED, "name past the end"},
	    {"glue of 3 octets",
		"H8000/1.0.1.1 Q ^31 NS [ @a.test ] @a.test A [ x7f0000 ]",
		OUTCOME_MALFORMED, "bad address data"},
	};

	(void)state;
	run_txt(tests, ARRAY_LEN(tests));
}

/* RFC 9267 section 6: counts. */
static void
test_counts(void **state)
{
	static const struct test tests[] = {
	    {"65535 answers", "H8400/1.65535.0.0 Q ^12 TXT [ 'a ]",
		OUTCOME_MALFORMED, "name past the end"},
	    {"one answer too many", "H8400/1.2.0.0 Q ^12 TXT [ 'a ]",
		OUTCOME_MALFORMED, "name past the end"},
	    {"65535 in authority", "H8400/1.1.65535.0 Q ^12 TXT [ 'a ]",
		OUTCOME_MALFORMED, "name past the end"},
	    {"65535 in additional", "H8400/1.1.0.65535 Q ^12 TXT [ 'a ]",
		OUTCOME_MALFORMED, "name past the end"},
	    {"65535 questions", "H8400/65535.1.0.0 Q ^12 TXT [ 'a ]",
		OUTCOME_MALFORMED, "not one question"},
	    {"all there and none counted", "H8400/1.0.0.0 Q ^12 TXT [ 'a ]",
		OUTCOME_NODATA, NULL},
	    {"error with a count of nothing", "H8182/1.1.0.0 Q",
		OUTCOME_MALFORMED, "name past the end"},
	    {"header cut", "x123484", OUTCOME_MALFORMED, "short header"},
	    {"nothing", "", OUTCOME_MALFORMED, "short header"},
	};

	(void)state;
	run_txt(tests, ARRAY_LEN(tests));
}

static void
write_many_to(char *text, size_t cap, const char *question, const char *record,
    unsigned n)
{
	size_t at =
	    (size_t)snprintf(text, cap, "H8400/1.%u.0.0 %s", n, question);

	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, cap - at, " %s", record);
}

static void
write_many(char *text, size_t cap, const char *record, unsigned n)
{
	write_many_to(text, cap, "Q", record, n);
}

static void
test_many(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	struct answer a;
	static char text[200000];

	(void)state;
	write_many(text, sizeof(text), "^12 TXT [ 'a ]", PACKET_RECORDS_MAX);
	read_text(&a, text, &q);
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
	assert_int_equal(a.n, PACKET_RECORDS_MAX);
	write_many(
	    text, sizeof(text), "^12 TXT [ 'a ]", PACKET_RECORDS_MAX + 1);
	read_text(&a, text, &q);
	assert_int_equal(a.outcome, OUTCOME_MALFORMED);
	assert_string_equal(a.why, "too many records");
	/* names take more room */
	q.type = RRTYPE_NS;
	write_many_to(text, sizeof(text), "NS=" PACKET_TEXT_NAME,
	    "^12 NS [ ^12 ]", PACKET_NAMES_MAX);
	read_text(&a, text, &q);
	assert_int_equal(a.n, PACKET_NAMES_MAX);
	write_many_to(text, sizeof(text), "NS=" PACKET_TEXT_NAME,
	    "^12 NS [ ^12 ]", PACKET_NAMES_MAX + 1);
	read_text(&a, text, &q);
	assert_string_equal(a.why, "too many records");
	/* of these only the first few are ever wanted */
	q.type = RRTYPE_PTR;
	write_many_to(text, sizeof(text), "PTR=" PACKET_TEXT_NAME,
	    "^12 PTR [ ^12 ]", PACKET_NAMES_MAX + 1);
	read_text(&a, text, &q);
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
	assert_int_equal(a.n, PACKET_NAMES_MAX);
	q.type = RRTYPE_TXT;
	/* those of others do not count */
	write_many(text, sizeof(text), "^31 TXT [ 'a ]", 4000);
	read_text(&a, text, &q);
	assert_int_equal(a.outcome, OUTCOME_NODATA);
	write_many(text, sizeof(text), "^31 CNAME [ ^12 ]", 33);
	read_text(&a, text, &q);
	assert_string_equal(a.why, "too many CNAME records");
}

/* TXT data as bytes: strings joined, NUL kept and told. */
static void
test_txt(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	struct answer a;

	(void)state;
	read_text(&a,
	    "H8420/1.3.0.0 Q ^12 TXT/60 [ 'token= 'abc x00 ] "
	    "^12 TXT/90 [ x03610062 ] ^12 TXT/2147483648 [ x00 ]",
	    &q);
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
	assert_true(a.aa && a.ad && !a.tc && !a.ra);
	assert_int_equal(a.n, 3);
	assert_int_equal(a.txt[0].len, 9);
	assert_memory_equal(a.txt[0].bytes, "token=abc", 9);
	assert_false(a.txt[0].nul);
	assert_int_equal(a.txt[1].len, 3);
	assert_memory_equal(a.txt[1].bytes, "a\0b", 3);
	assert_true(a.txt[1].nul);
	assert_int_equal(a.txt[2].len, 0);
	/* RFC 2181: a TTL with the top bit is zero */
	assert_int_equal(a.ttl_s, 0);
	read_text(
	    &a, "H8400/1.2.0.0 Q ^12 TXT/60 [ 'a ] ^12 TXT/50 [ 'b ]", &q);
	assert_int_equal(a.ttl_s, 50);
}

static void
test_txt_large(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	size_t len = packet_text_write(
	    message, sizeof(message), "H8400/1.1.0.0 Q ^12 TXT w16448");
	struct arena small;
	struct answer a;

	(void)state;
	/* 64 strings of 255 and one of 63: PACKET_TXT_MAX - 1 octets */
	memset(message + len, 255, 16448);
	message[len + 64 * 256] = 63;
	arena_init(&arena, memory, sizeof(memory));
	packet_read(&a, message, len + 16448, PACKET_TEXT_ID, &q, &arena);
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
	assert_int_equal(a.txt[0].len, PACKET_TXT_MAX - 1);
	/* 66 octets more */
	message[len - 1] = 16514 & 0xff;
	message[len - 2] = 16514 >> 8;
	memset(message + len + 16448, 65, 66);
	packet_read(&a, message, len + 16514, PACKET_TEXT_ID, &q, &arena);
	assert_int_equal(a.outcome, OUTCOME_MALFORMED);
	assert_string_equal(a.why, "TXT too long");
	arena_init(&small, memory, 100);
	packet_read(&a, message, len + 16514, PACKET_TEXT_ID, &q, &small);
	assert_string_equal(a.why, "too large");
}

static void
assert_name(const struct dname *name, const char *want)
{
	char text[DNAME_SHOWN_MAX + 1];

	dname_show(name, text);
	assert_string_equal(text, want);
}

/* RFC 1034 section 3.6.2: aliases. */
static void
test_chain(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	struct answer a;

	(void)state;
	/* out of order, too */
	read_text(&a,
	    "H8400/1.3.0.0 Q @b.test CNAME/70 [ @c.test ] "
	    "^12 CNAME/80 [ @B.test ] @C.test TXT [ 'token=abc ]",
	    &q);
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
	assert_int_equal(a.chain_n, 2);
	assert_name(&a.chain[0], "b.test");
	assert_name(&a.chain[1], "c.test");
	assert_int_equal(a.n, 1);
	assert_int_equal(a.ttl_s, 70);
	/* an authoritative server that does not serve the target */
	read_text(&a, "H8400/1.1.0.0 Q ^12 CNAME [ @x.other ]", &q);
	assert_int_equal(a.outcome, OUTCOME_NODATA);
	assert_int_equal(a.chain_n, 1);
	assert_false(a.has_soa);
	/* and one that does, and knows that there is nothing */
	read_text(&a, "H8400/1.1.1.0 Q ^12 CNAME [ @x.other ] @other " SOA, &q);
	assert_int_equal(a.outcome, OUTCOME_NODATA);
	assert_int_equal(a.chain_n, 1);
	assert_true(a.has_soa);
	read_text(&a, "H8403/1.1.1.0 Q ^12 CNAME [ @x.other ] @other " SOA, &q);
	assert_int_equal(a.outcome, OUTCOME_NXDOMAIN);
	assert_int_equal(a.chain_n, 1);
	assert_name(&a.soa_owner, "other");
}

/* A chain of n aliases: _example-challenge.shop.test, 1.test, 2.test ... */
static void
write_chain(char *text, size_t cap, unsigned n, const char *last)
{
	size_t at = (size_t)snprintf(text, cap, "H8400/1.%u.0.0 Q ^12", n);

	for (unsigned i = 1; i < n; i++)
		at += (size_t)snprintf(
		    text + at, cap - at, " CNAME [ @%u.test ] @%u.test", i, i);
	snprintf(text + at, cap - at, " CNAME [ @%s ]", last);
}

static void
test_chain_bounds(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	struct answer a;
	char text[2000];

	(void)state;
	write_chain(text, sizeof(text), PACKET_CHAIN_MAX, "end.test");
	read_text(&a, text, &q);
	assert_int_equal(a.outcome, OUTCOME_NODATA);
	assert_int_equal(a.chain_n, PACKET_CHAIN_MAX);
	write_chain(text, sizeof(text), PACKET_CHAIN_MAX + 1, "end.test");
	read_text(&a, text, &q);
	assert_int_equal(a.outcome, OUTCOME_MALFORMED);
	assert_string_equal(a.why, "CNAME chain too long");
	assert_true(a.chain_bad);
	write_chain(text, sizeof(text), 4, "2.test");
	read_text(&a, text, &q);
	assert_string_equal(a.why, "CNAME loop");
	assert_true(a.chain_bad);
	read_text(&a, "H8400/1.1.0.0 Q ^12 CNAME [ ^12 ]", &q);
	assert_string_equal(a.why, "CNAME loop");
	read_text(&a,
	    "H8400/1.2.0.0 Q ^12 CNAME [ @a.test ] ^12 CNAME [ @b.test ]", &q);
	assert_string_equal(a.why, "two CNAME records for one name");
	assert_false(a.chain_bad);
	read_text(&a,
	    "H8400/1.2.0.0 Q ^12 CNAME [ @a.test ] ^12 CNAME [ @A.test ]", &q);
	assert_int_equal(a.outcome, OUTCOME_NODATA);
	/* a record off the chain is none of ours */
	read_text(&a,
	    "H8400/1.2.0.0 Q ^12 CNAME [ @a.test ] ^12 TXT [ 'token=abc ]", &q);
	assert_int_equal(a.outcome, OUTCOME_NODATA);
	assert_int_equal(a.n, 0);
}

/* RFC 2308 section 5: the zone's negative TTL. */
static void
test_negative(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	struct answer a;

	(void)state;
	read_text(&a, "H8403/1.0.1.0 Q ^31 " SOA, &q);
	assert_true(a.has_soa);
	assert_name(&a.soa_owner, "shop.test");
	assert_int_equal(a.soa_serial, 7);
	assert_int_equal(a.neg_ttl_s, 600);
	read_text(&a,
	    "H8400/1.0.1.0 Q ^31 SOA/30 [ @a.test @b.test d4294967295 d1 d1 "
	    "d1 d600 ]",
	    &q);
	assert_int_equal(a.neg_ttl_s, 30);
	assert_int_equal(a.soa_serial, 4294967295u);
	/* of a zone that the name is not in */
	read_text(&a, "H8400/1.0.1.0 Q @other.test " SOA, &q);
	assert_int_equal(a.outcome, OUTCOME_NODATA);
	assert_false(a.has_soa);
	q = ask(RRTYPE_SOA, "shop.test");
	read_text(&a, "H8400/1.1.0.0 SOA=shop.test ^12 " SOA, &q);
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
	assert_int_equal(a.n, 1);
	assert_true(a.has_soa);
	assert_int_equal(a.neg_ttl_s, 600);
}

static void
test_addresses(void **state)
{
	struct question q = ask(RRTYPE_A, "ns1.test");
	struct answer a;
	char text[46];

	(void)state;
	read_text(&a,
	    "H8400/1.2.0.0 A=ns1.test ^12 A [ xc0000201 ] ^12 A [ x7f000001 ]",
	    &q);
	assert_int_equal(a.n, 2);
	packet_addr_show(&a.addr[0], text);
	assert_string_equal(text, "192.0.2.1");
	q = ask(RRTYPE_AAAA, "ns1.test");
	read_text(&a,
	    "H8400/1.1.0.0 AAAA=ns1.test ^12 AAAA "
	    "[ x20010db8000000000000000000000035 ]",
	    &q);
	assert_int_equal(a.n, 1);
	packet_addr_show(&a.addr[0], text);
	assert_string_equal(text, "2001:db8::35");
	read_text(&a, "H8400/1.1.0.0 AAAA=ns1.test ^12 AAAA [ x20010db8 ]", &q);
	assert_string_equal(a.why, "bad address data");
	q = ask(RRTYPE_NS, "shop.test");
	read_text(&a,
	    "H8400/1.2.0.0 NS=shop.test ^12 NS [ x036e7331 ^17 ] "
	    "^12 NS [ @ns2.test ]",
	    &q);
	assert_int_equal(a.n, 2);
	assert_name(&a.names[0], "ns1.test");
	assert_name(&a.names[1], "ns2.test");
	q = ask(RRTYPE_CNAME, "a.test");
	read_text(&a, "H8400/1.1.0.0 CNAME=a.test ^12 CNAME [ ^12 ]", &q);
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
	assert_int_equal(a.chain_n, 0);
	assert_name(&a.names[0], "a.test");
	q = ask(RRTYPE_MX, "a.test");
	read_text(&a, "H8400/1.1.0.0 MX=a.test ^12 MX [ w10 ^12 ]", &q);
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
	assert_int_equal(a.n, 1);
}

/* Names as data: NS, PTR, and MX behind its preference. */
static void
test_names(void **state)
{
	static const struct {
		uint16_t type;
		const char *text;
		const char *want; /* NULL = MALFORMED with `why` */
		const char *why;
	} tests[] = {
	    {RRTYPE_MX,
		"H8400/1.2.0.0 MX=shop.test ^12 MX [ w10 @b.test ] "
		"^12 MX [ w5 x0161 ^12 ]",
		"b.test a.shop.test", NULL},
	    {RRTYPE_MX, "H8400/1.1.0.0 MX=shop.test ^12 MX [ w0 x00 ]", ".",
		NULL},
	    {RRTYPE_MX, "H8400/1.1.0.0 MX=shop.test ^12 MX [ x00 ]", NULL,
		"name past the end"},
	    {RRTYPE_MX, "H8400/1.1.0.0 MX=shop.test ^12 MX [ ]", NULL,
		"name past the end"},
	    {RRTYPE_MX, "H8400/1.1.0.0 MX=shop.test ^12 MX [ w10 ]", NULL,
		"name past the end"},
	    {RRTYPE_MX, "H8400/1.1.0.0 MX=shop.test ^12 MX [ w10 @b.test x00 ]",
		NULL, "bad name data"},
	    {RRTYPE_MX,
		"H8400/1.1.0.1 MX=shop.test ^12 MX [ w10 x0161 ] " OPT " w0",
		NULL, "name longer than its data"},
	    {RRTYPE_PTR,
		"H8400/1.2.0.0 PTR=shop.test ^12 PTR [ @b.test ] "
		"^12 PTR [ ^12 ]",
		"b.test shop.test", NULL},
	    {RRTYPE_PTR, "H8400/1.1.0.0 PTR=shop.test ^12 PTR [ @b.test w0 ]",
		NULL, "bad name data"},
	    {RRTYPE_NS, "H8400/1.1.0.0 NS=shop.test ^12 NS [ @b.test ]",
		"b.test", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct question q = ask(tests[i].type, "shop.test");
		char got[200] = "", shown[DNAME_SHOWN_MAX + 1];
		struct answer a;

		read_text(&a, tests[i].text, &q);
		for (size_t k = 0; k < a.n; k++) {
			dname_show(&a.names[k], shown);
			strcat(strcat(got, k > 0 ? " " : ""), shown);
		}
		if (tests[i].want == NULL ? a.outcome != OUTCOME_MALFORMED ||
						strcmp(a.why, tests[i].why) != 0
					  : strcmp(got, tests[i].want) != 0)
			fail_msg("%s: %s %s", tests[i].text, got,
			    a.why != NULL ? a.why : "");
	}
}

static void
test_referral(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	struct answer a;

	(void)state;
	read_text(&a,
	    "H8000/1.0.3.4 Q ^31 NS/70 [ @ns1.test ] ^31 NS/60 [ @ns2.shop.test"
	    " ] @test NS [ @not.this ] @ns2.SHOP.test A [ x7f000035 ] "
	    "@ns1.test AAAA [ xfe800000000000000000000000000001 ] "
	    "@not.this A [ x7f000001 ] " OPT " w0",
	    &q);
	assert_int_equal(a.outcome, OUTCOME_REFERRAL);
	assert_name(&a.cut, "shop.test");
	assert_int_equal(a.ns_n, 2);
	assert_name(&a.ns[0], "ns1.test");
	assert_name(&a.ns[1], "ns2.shop.test");
	assert_int_equal(a.glue_n, 2);
	assert_name(&a.glue[0].owner, "ns2.shop.test");
	assert_int_equal(a.glue[0].addr.family, 4);
	assert_int_equal(a.glue[0].addr.octets[3], 0x35);
	assert_int_equal(a.glue[1].addr.family, 6);
	assert_int_equal(a.ttl_s, 60);
	/* asked for the NS of the cut itself */
	q = ask(RRTYPE_NS, "shop.test");
	read_text(&a, "H8000/1.0.1.0 NS=shop.test ^12 NS [ @ns1.test ]", &q);
	assert_int_equal(a.outcome, OUTCOME_REFERRAL);
	assert_name(&a.cut, "shop.test");
}

/* RFC 8914. */
static void
test_extended_error(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	struct answer a;

	(void)state;
	read_text(&a,
	    "H8182/1.0.0.1 Q " OPT
	    " [ w10 w8 d1 d2 w15 w4 w9 x6162 w15 w2 w6 ]",
	    &q);
	assert_int_equal(a.outcome, OUTCOME_SERVFAIL);
	assert_true(a.has_ede);
	assert_int_equal(a.ede, 9);
	read_text(&a, "H8182/1.0.0.1 Q " OPT " w0", &q);
	assert_false(a.has_ede);
}

/* Every answer cut at every octet is read without a crash, and is never more
 * than it was whole. */
static void
test_every_cut(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	size_t len = packet_text_write(message, sizeof(message),
	    "H8400/1.2.1.1 Q ^12 CNAME [ @x.other ] @x.other TXT [ 'a ] "
	    "@other " SOA " " OPT " [ w15 w2 w6 ]");
	struct answer a;

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		uint8_t *exact = malloc(cut + 1);

		assert_non_null(exact);
		memcpy(exact, message, cut);
		arena_init(&arena, memory, sizeof(memory));
		packet_read(&a, exact, cut, PACKET_TEXT_ID, &q, &arena);
		free(exact);
		if (cut < len)
			assert_int_equal(a.outcome, OUTCOME_MALFORMED);
	}
	assert_int_equal(a.outcome, OUTCOME_RECORDS);
}

static void
test_query(void **state)
{
	struct question q = ask(RRTYPE_TXT, PACKET_TEXT_NAME);
	uint8_t out[PACKET_QUERY_MAX];
	size_t len = packet_query(out, PACKET_TEXT_ID, &q);
	size_t want = packet_text_write(
	    message, sizeof(message), "H0020/1.0.0.1 Q @. w41 w1232 d0 w0");

	(void)state;
	assert_int_equal(len, want);
	assert_memory_equal(out, message, want);
	q.flags = QUESTION_RD | QUESTION_CD;
	q.name = packet_text_dname(L63 "." L63 "." L63 "." L61);
	len = packet_query(out, PACKET_TEXT_ID, &q);
	assert_int_equal(len, 12 + 255 + 4 + 11);
	assert_int_equal(out[2], 0x01);
	assert_int_equal(out[3], 0x30);
}

static void
hex_addr(struct packet_addr *out, const char *hex)
{
	struct writer w;

	out->family = strlen(hex) == 8 ? 4 : 6;
	writer_init(&w, out->octets, 16);
	packet_text_hex(&w, hex);
}

static void
test_addr_show(void **state)
{
	static const struct {
		const char *hex, *want;
	} tests[] = {
	    {"00000000", "0.0.0.0"},
	    {"ffffffff", "255.255.255.255"},
	    {"00000000000000000000000000000000", "::"},
	    {"00000000000000000000000000000001", "::1"},
	    {"20010db8000000000000000000000000", "2001:db8::"},
	    {"20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"},
	    {"20010db8000000000001000000000001", "2001:db8::1:0:0:1"},
	    {"20010000000000010000000000000001", "2001:0:0:1::1"},
	    {"ffffffffffffffffffffffffffffffff",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	    {"00010000000000000000000000000000", "1::"},
	    {"00000001000200030004000500060007", "0:1:2:3:4:5:6:7"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct packet_addr addr;
		char text[46];

		hex_addr(&addr, tests[i].hex);
		packet_addr_show(&addr, text);
		assert_string_equal(text, tests[i].want);
	}
}

static void
test_addr_private(void **state)
{
	static const struct {
		const char *hex;
		bool want;
	} tests[] = {
	    {"00000000", true},
	    {"0a010203", true},
	    {"09ffffff", false},
	    {"0b000000", false},
	    {"643fffff", false},
	    {"64400000", true},
	    {"647fffff", true},
	    {"64800000", false},
	    {"7f000001", true},
	    {"a9fe0101", true},
	    {"ac0fffff", false},
	    {"ac100000", true},
	    {"ac1fffff", true},
	    {"ac200000", false},
	    {"c0000001", true},
	    {"c0000201", true},
	    {"c0a80001", true},
	    {"c6120000", true},
	    {"c613ffff", true},
	    {"c6140000", false},
	    {"c6336401", true},
	    {"cb007101", true},
	    {"dfffffff", false},
	    {"e0000001", true},
	    {"ffffffff", true},
	    {"08080808", false},
	    {"00000000000000000000000000000000", true},
	    {"00000000000000000000000000000001", true},
	    {"00000000000000000000ffff08080808", true},
	    {"fc000000000000000000000000000001", true},
	    {"fe800000000000000000000000000001", true},
	    {"ff020000000000000000000000000001", true},
	    {"20010db8000000000000000000000001", true},
	    {"3fff0123000000000000000000000001", true},
	    {"20010000000000000000000000000001", true},
	    {"20010500000000000000000000000001", false},
	    {"2a000000000000000000000000000001", false},
	    {"0064ff9b000000000000000008080808", false},
	    {"0064ff9b00000000000000007f000001", true},
	    {"0064ff9b000000000000000108080808", true},
	    {"20020808080800000000000000000001", false},
	    {"20027f00000100000000000000000001", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct packet_addr addr;

		hex_addr(&addr, tests[i].hex);
		if (packet_addr_private(&addr) != tests[i].want)
			fail_msg("%s", tests[i].hex);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_outcomes),
	    cmocka_unit_test(test_not_ours),
	    cmocka_unit_test(test_pointers),
	    cmocka_unit_test(test_hops),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_name_end),
	    cmocka_unit_test(test_data_length),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_txt),
	    cmocka_unit_test(test_txt_large),
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_chain_bounds),
	    cmocka_unit_test(test_negative),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_referral),
	    cmocka_unit_test(test_extended_error),
	    cmocka_unit_test(test_every_cut),
	    cmocka_unit_test(test_query),
	    cmocka_unit_test(test_addr_show),
	    cmocka_unit_test(test_addr_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
