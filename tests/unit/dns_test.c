/* SPDX-License-Identifier: Apache-2.0 */
/* The door to the DNS against a server that behaves and misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "io/clock.h"
#include "io/dns.h"
#include "name_server.h"

#define TIMEOUT_MS 300
#define MANY	   3000

static struct {
	struct dns *dns;
	unsigned answers, silent;
	uint8_t seen[MANY]; /* answers by tag */
	size_t len;
	uint8_t bytes[DNS_ANSWER_MAX];
	struct question q;
	struct answer read;
	uint8_t memory[1 << 18];
} t;

static struct question
question(const char *name)
{
	struct question q = {.type = RRTYPE_TXT};

	assert_int_equal(dname_from_text(&q.name, name, NULL), DNAME_OK);
	return q;
}

static void
on_answer(
    void *arg, uint64_t tag, uint16_t id, const uint8_t *bytes, size_t len)
{
	struct arena a;

	assert_null(arg);
	t.answers++;
	if (tag < MANY)
		t.seen[tag]++;
	t.len = len;
	if (!bytes) {
		t.silent++;
		t.read = (struct answer){.outcome = OUTCOME_TIMEOUT};
		return;
	}
	memcpy(t.bytes, bytes, len);
	arena_init(&a, t.memory, sizeof(t.memory));
	packet_read(&t.read, t.bytes, len, id, &t.q, &a);
}

static int
setup(void **state)
{
	struct dns_conf conf = {.timeout_ms = TIMEOUT_MS, .tries = 2};
	struct err e;

	(void)state;
	memset(&t, 0, sizeof(t));
	t.q = question("_example-challenge.good.test");
	return dns_open(&t.dns, &conf, on_answer, NULL, &e) == OK ? 0 : 1;
}

static int
teardown(void **state)
{
	(void)state;
	dns_close(t.dns);
	return 0;
}

static void
serve_until(unsigned answers)
{
	int64_t end = clock_mono_ms() + 8000;

	while (t.answers < answers && clock_mono_ms() < end)
		dns_serve(t.dns, 100, -1);
	assert_int_equal(t.answers, answers);
}

static void
ask(const struct ns *s, uint64_t tag)
{
	struct packet_addr addr = ns_addr();
	struct err e;

	assert_int_equal(dns_ask(t.dns, &addr, s->port, &t.q, tag, &e), OK);
}

static void
ask_one(const struct ns *s)
{
	ask(s, 1);
	serve_until(t.answers + 1);
}

/* --- replies -------------------------------------------------------------- */

static size_t
right(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	struct ns_reply r = ns_begin(out, query, len, 0x8400);

	(void)s;
	(void)via;
	ns_txt(&r, "token=abc");
	return r.len;
}

static size_t
big(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	struct ns_reply r = ns_begin(out, query, len, 0x8400);
	char text[240];

	(void)s;
	(void)via;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 4; i++)
		ns_txt(&r, text);
	return r.len;
}

/* Nothing but TC over UDP; 60 records over TCP. */
static size_t
truncated(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	struct ns_reply r =
	    ns_begin(out, query, len, via == NS_UDP ? 0x8600 : 0x8400);
	char text[250];

	(void)s;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; via == NS_TCP && i < 60; i++)
		ns_txt(&r, text);
	return r.len;
}

static size_t
no_edns(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	if (!ns_has_opt(query))
		return right(s, via, query, len, out);
	return ns_begin(out, query, len, 0x8401).len;
}

static size_t
servfail(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	(void)s;
	(void)via;
	return ns_begin(out, query, len, 0x8002).len;
}

/* The first answer is a question. */
static size_t
qr_clear(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	size_t n = right(s, via, query, len, out);

	if (via == NS_UDP)
		out[2] &= 0x7f;
	return n;
}

static size_t
silent(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	(void)s;
	(void)via;
	(void)query;
	(void)len;
	(void)out;
	return 0;
}

/* --- tests ---------------------------------------------------------------- */

static void
test_udp(void **state)
{
	struct ns s = {.reply = right};

	(void)state;
	ns_start(&s);
	ask_one(&s);
	assert_int_equal(t.read.outcome, OUTCOME_RECORDS);
	assert_int_equal(t.read.n, 1);
	assert_memory_equal(t.read.txt[0].bytes, "token=abc", 9);
	assert_int_equal(s.asked[NS_UDP], 1);
	assert_int_equal(dns_outstanding(t.dns), 0);
	ns_stop(&s);
}

/* More than 512 octets and not truncated: TCP would be a waste. */
static void
test_big_udp(void **state)
{
	struct ns s = {.reply = big};

	(void)state;
	ns_start(&s);
	ask_one(&s);
	assert_int_equal(t.read.outcome, OUTCOME_RECORDS);
	assert_int_equal(t.read.n, 4);
	assert_true(t.len > 512);
	assert_int_equal(s.asked[NS_TCP], 0);
	ns_stop(&s);
}

static void
test_truncated(void **state)
{
	struct ns s = {.reply = truncated};

	(void)state;
	ns_start(&s);
	ask_one(&s);
	assert_int_equal(t.read.outcome, OUTCOME_RECORDS);
	assert_int_equal(t.read.n, 60);
	assert_false(t.read.tc);
	assert_int_equal(s.asked[NS_UDP], 1);
	assert_int_equal(s.asked[NS_TCP], 1);
	ns_stop(&s);
}

static void
test_one_octet_at_a_time(void **state)
{
	struct ns s = {.reply = truncated, .stream = NS_DRIP};

	(void)state;
	ns_start(&s);
	ask_one(&s);
	assert_int_equal(t.read.outcome, OUTCOME_RECORDS);
	assert_int_equal(t.read.n, 60);
	ns_stop(&s);
}

static void
test_reset_in_mid_message(void **state)
{
	struct ns s = {.reply = truncated, .stream = NS_RESET};

	(void)state;
	ns_start(&s);
	ask_one(&s);
	assert_int_equal(t.silent, 1);
	/* and the channel is as good as new */
	s.stream = NS_WHOLE;
	ask_one(&s);
	assert_int_equal(t.read.outcome, OUTCOME_RECORDS);
	ns_stop(&s);
}

static void
test_stall_in_mid_message(void **state)
{
	struct ns s = {.reply = truncated, .stream = NS_STALL};
	int64_t begun = clock_mono_ms();

	(void)state;
	ns_start(&s);
	ask_one(&s);
	assert_int_equal(t.silent, 1);
	assert_in_range(clock_mono_ms() - begun, TIMEOUT_MS, 4 * TIMEOUT_MS);
	s.stream = NS_WHOLE;
	ask_one(&s);
	assert_int_equal(t.read.outcome, OUTCOME_RECORDS);
	ns_stop(&s);
}

static void
test_flood_of_wrong_ids(void **state)
{
	struct ns s = {.reply = right, .flood = 3000};

	(void)state;
	ns_start(&s);
	ask_one(&s);
	assert_int_equal(t.read.outcome, OUTCOME_RECORDS);
	assert_int_equal(t.answers, 1);
	ns_stop(&s);
}

/* Each question on the channel, not only the first. */
static void
test_no_edns(void **state)
{
	struct ns s = {.reply = no_edns};

	(void)state;
	ns_start(&s);
	for (unsigned i = 1; i <= 3; i++) {
		ask_one(&s);
		assert_int_equal(t.read.outcome, OUTCOME_RECORDS);
		assert_int_equal(s.asked[NS_UDP], 2 * i);
	}
	ns_stop(&s);
}

static void
test_rcode_comes_through(void **state)
{
	struct ns s = {.reply = servfail};

	(void)state;
	ns_start(&s);
	ask_one(&s);
	assert_int_equal(t.read.outcome, OUTCOME_SERVFAIL);
	assert_int_equal(s.asked[NS_UDP], 1);
	ns_stop(&s);
}

static void
test_tcp_from_the_start(void **state)
{
	struct ns s = {.reply = qr_clear};
	struct packet_addr addr = ns_addr();
	struct err e;

	(void)state;
	ns_start(&s);
	ask_one(&s);
	assert_int_equal(t.read.outcome, OUTCOME_MALFORMED);
	assert_int_equal(dns_ask_tcp(t.dns, &addr, s.port, &t.q, 1, &e), OK);
	serve_until(2);
	assert_int_equal(t.read.outcome, OUTCOME_RECORDS);
	assert_int_equal(s.asked[NS_UDP], 1);
	assert_int_equal(s.asked[NS_TCP], 1);
	ns_stop(&s);
}

/* c-ares reads half an answer of a stream a call: those of one turn are all
 * taken nevertheless, or the later ones would be too late. */
static void
test_many_over_one_stream(void **state)
{
	struct ns s = {.reply = right};
	struct packet_addr addr = ns_addr();
	struct err e;

	(void)state;
	ns_start(&s);
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(
		    dns_ask_tcp(t.dns, &addr, s.port, &t.q, i, &e), OK);
	serve_until(500);
	assert_int_equal(t.silent, 0);
	assert_int_equal(s.asked[NS_TCP], 500);
	ns_stop(&s);
}

static void
test_silence(void **state)
{
	struct ns s = {.reply = silent};
	int64_t begun = clock_mono_ms(), took;

	(void)state;
	ns_start(&s);
	ask_one(&s);
	took = clock_mono_ms() - begun;
	assert_int_equal(t.silent, 1);
	assert_int_equal(s.asked[NS_UDP], 2);
	assert_in_range(took, 2 * TIMEOUT_MS, 3 * TIMEOUT_MS + 1000);
	ns_stop(&s);
}

static void
test_closed_port(void **state)
{
	struct ns s = {.reply = silent};

	(void)state;
	ns_start(&s);
	ns_stop(&s);
	ask_one(&s);
	assert_int_equal(t.silent, 1);
}

static void
test_many_at_once(void **state)
{
	struct ns s = {.reply = right};

	(void)state;
	ns_start(&s);
	for (uint64_t i = 0; i < MANY; i++) {
		ask(&s, i);
		if (i % 100 == 99)
			dns_serve(t.dns, 0, -1);
	}
	serve_until(MANY);
	assert_int_equal(t.silent, 0);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(t.seen[i], 1);
	ns_stop(&s);
}

/* Idle channels make room for others, busy ones never. */
static void
test_channels(void **state)
{
	struct ns s = {.reply = silent};
	struct packet_addr addr = {.family = 4, .octets = {127, 9, 0, 1}};
	enum next n = OK;
	struct err e;
	unsigned i;

	(void)state;
	ns_start(&s);
	for (i = 0; i < DNS_CHANNELS_MAX + 1; i++) {
		addr.octets[2] = (uint8_t)(i >> 8);
		addr.octets[3] = (uint8_t)i;
		n = dns_ask(t.dns, &addr, s.port, &t.q, i, &e);
		assert_int_equal(n, i < DNS_CHANNELS_MAX ? OK : RETRY);
	}
	serve_until(DNS_CHANNELS_MAX); /* nobody is there */
	assert_int_equal(dns_ask(t.dns, &addr, s.port, &t.q, i, &e), OK);
	serve_until(DNS_CHANNELS_MAX + 1);
	assert_int_equal(t.silent, DNS_CHANNELS_MAX + 1);
	ns_stop(&s);
}

static void
test_other_fd(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_false(dns_serve(t.dns, 5, fd[0]));
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_true(dns_serve(t.dns, 1000, fd[0]));
	assert_false(dns_serve(t.dns, 5, -1));
	close(fd[0]);
	close(fd[1]);
}

static void
test_close_under_way(void **state)
{
	struct ns s = {.reply = silent};

	(void)state;
	ns_start(&s);
	for (uint64_t i = 0; i < 10; i++)
		ask(&s, i);
	dns_close(t.dns);
	t.dns = NULL;
	assert_int_equal(t.answers, 0);
	ns_stop(&s);
}

static void
test_addresses(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		const char *shown;
		uint16_t port;
	} row[] = {
	    {"127.0.0.1", true, "127.0.0.1", 53},
	    {"127.0.0.1:5353", true, "127.0.0.1", 5353},
	    {"::1", true, "::1", 53},
	    {"[::1]", true, "::1", 53},
	    {"[2001:db8::1]:65535", true, "2001:db8::1", 65535},
	    {"127.0.0.1:", false, "", 0},
	    {"127.0.0.1:0", false, "", 0},
	    {"127.0.0.1:65536", false, "", 0},
	    {"127.0.0.1:5x", false, "", 0},
	    {"127.0.0.1:000053", false, "", 0},
	    {"[::1", false, "", 0},
	    {"[::1]x", false, "", 0},
	    {"[127.0.0.1]:53", false, "", 0},
	    {"localhost", false, "", 0},
	    {"", false, "", 0},
	    {"1111111111111111111111111111111111111111111111.1", false, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct packet_addr addr;
		char shown[46];
		uint16_t port = 53;

		assert_int_equal(
		    dns_addr_parse(row[i].text, &addr, &port), row[i].ok);
		if (!row[i].ok)
			continue;
		packet_addr_show(&addr, shown);
		assert_string_equal(shown, row[i].shown);
		assert_int_equal(port, row[i].port);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_udp),
	    T(test_big_udp),
	    T(test_truncated),
	    T(test_one_octet_at_a_time),
	    T(test_reset_in_mid_message),
	    T(test_stall_in_mid_message),
	    T(test_flood_of_wrong_ids),
	    T(test_no_edns),
	    T(test_rcode_comes_through),
	    T(test_tcp_from_the_start),
	    T(test_many_over_one_stream),
	    T(test_silence),
	    T(test_closed_port),
	    T(test_many_at_once),
	    T(test_channels),
	    T(test_other_fd),
	    T(test_close_under_way),
	    cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
