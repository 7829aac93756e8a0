/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver process, in a thread: this is the scheduler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include <sys/eventfd.h>

#include "core/wire.h"
#include "io/frame.h"
#include "name_server.h"
#include "worker/role.h"

#define MANY 5000

static struct {
	struct ns ns;
	struct settings settings;
	struct policy policy;
	struct role role;
	int fd; /* the scheduler's end */
	pthread_t thread;
	int exit_code;
	size_t found_n;
	uint8_t seen[MANY];
	struct finding last;
	struct finding of[CHECK_N]; /* the last of each */
	const char *include;	    /* TXT of our own */
} t;

#define INCLUDE "\3spf\2us\4test"
#define KEY	"v=DKIM1; k=ed25519; p="
/* RFC 8463 appendix A.2 */
#define KEY_P "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const char *
txt_of(const uint8_t *query, size_t len)
{
	static const struct {
		const char *name; /* what is in the question */
		const char *txt;
	} rows[] = {
	    {"_example-challenge", "token=abc"},
	    {"s1\012_domainkey", KEY KEY_P},
	    {"_dmarc", "v=DMARC1; p=reject"},
	};

	if (memmem(query, len, INCLUDE, sizeof(INCLUDE)) != NULL)
		return t.include;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (memmem(query, len, rows[i].name, strlen(rows[i].name)))
			return rows[i].txt;
	}
	return "v=spf1 include:spf.us.test -all";
}

/* Every name has one server, ns.test at 127.0.0.1, and what a healthy domain
 * publishes. */
static size_t
reply(struct ns *s, enum ns_via via, const uint8_t *query, size_t len,
    uint8_t *out)
{
	static const uint8_t ns[] = "\2ns\4test";
	struct ns_reply r =
	    ns_begin(out, query, len, ns_recursive(query) ? 0x8080 : 0x8400);

	(void)s;
	(void)via;
	if (ns_type(query, len) == RRTYPE_NS)
		ns_record(&r, 0, RRTYPE_NS, NS_OWNER, 2, ns, sizeof(ns));
	else if (ns_type(query, len) == RRTYPE_A)
		ns_record(&r, 0, RRTYPE_A, NS_OWNER, 2, "\x7f\0\0\1", 4);
	else if (ns_type(query, len) == RRTYPE_TXT)
		ns_txt(&r, txt_of(query, len));
	return r.len;
}

static void *
run(void *arg)
{
	(void)arg;
	t.exit_code = resolver_main(&t.role);
	return NULL;
}

static void
await(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 8000), 1);
}

static void
receive(uint8_t *bytes, struct reader *in)
{
	size_t len;

	await(t.fd);
	assert_int_equal(
	    frame_receive(t.fd, bytes, WIRE_FRAME_MAX, &len), FRAME_DONE);
	reader_init(in, bytes, len);
}

static int
setup(void **state)
{
	static uint8_t bytes[WIRE_FRAME_MAX];
	struct wire_message m;
	struct reader in;
	struct err e;
	int fd[2];

	memset(&t, 0, sizeof(t));
	t.ns.reply = reply;
	ns_start(&t.ns);
	t.settings.dns.resolvers_n = 1;
	snprintf(t.settings.dns.resolvers[0],
	    sizeof(t.settings.dns.resolvers[0]), "127.0.0.1:%u", t.ns.port);
	t.settings.pool.resolvers = 1;
	t.settings.dns.authoritative = true;
	t.settings.dns.port = t.ns.port;
	t.settings.dns.timeout_ms = 1500;
	t.settings.dns.tries = 2;
	t.settings.dns.private_ok = true;
	snprintf(t.policy.service, sizeof(t.policy.service), "example");
	snprintf(
	    t.policy.spf_include, sizeof(t.policy.spf_include), "spf.us.test");
	t.include = *state ? *state : "v=spf1 ip4:192.0.2.0/24 -all";
	assert_int_equal(frame_pair(fd, &e), OK);
	t.fd = fd[0];
	t.role = (struct role){.settings = &t.settings,
	    .policy = &t.policy,
	    .kind = CHILD_RESOLVER,
	    .child = 1,
	    .stop_fd = eventfd(0, EFD_CLOEXEC),
	    .scheduler_fd = fd[1]};
	assert_int_equal(shm_open_crew(&t.role.shm, &e), OK);
	assert_int_equal(pthread_create(&t.thread, NULL, run, NULL), 0);
	receive(bytes, &in); /* it says hello first */
	assert_true(wire_next(&in, &m));
	assert_int_equal(m.type, WIRE_HELLO);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	close(t.role.stop_fd);
	close(t.role.scheduler_fd);
	ns_stop(&t.ns);
	return 0;
}

static void
stop(void)
{
	assert_int_equal(eventfd_write(t.role.stop_fd, 1), 0);
	pthread_join(t.thread, NULL);
	close(t.fd);
}

static void
put(struct writer *out, uint64_t request, const char *domain)
{
	struct wire_look m = {
	    .request = request, .checks = 1u << CHECK_OWNERSHIP};

	snprintf(m.subject, sizeof(m.subject), "acme/%s/1", domain);
	snprintf(m.domain, sizeof(m.domain), "%s", domain);
	snprintf(m.registrable, sizeof(m.registrable), "%s", domain);
	snprintf(m.token, sizeof(m.token), "abc");
	wire_put_look(out, &m);
}

static void
send_frame(const struct writer *out)
{
	struct pollfd p = {.fd = t.fd, .events = POLLOUT};
	enum frame_result r;

	while ((r = frame_send(t.fd, out->buf, out->len)) == FRAME_AGAIN)
		assert_int_equal(poll(&p, 1, 8000), 1);
	assert_int_equal(r, FRAME_DONE);
}

static void
take_findings(size_t until)
{
	static uint8_t bytes[WIRE_FRAME_MAX];
	static struct wire_found f;
	struct wire_message m;
	struct reader in;

	while (t.found_n < until) {
		receive(bytes, &in);
		while (wire_next(&in, &m)) {
			assert_int_equal(m.type, WIRE_FOUND);
			assert_true(wire_get_found(&m.body, &f));
			assert_in_range(f.request, 0, MANY - 1);
			t.seen[f.request]++;
			t.last = f.finding;
			t.of[f.finding.check] = f.finding;
			t.found_n++;
		}
		assert_false(in.bad);
	}
}

static void
test_look(void **state)
{
	uint8_t bytes[2000];
	struct writer out;

	(void)state;
	writer_init(&out, bytes, sizeof(bytes));
	put(&out, 7, "good.test");
	send_frame(&out);
	take_findings(1);
	assert_int_equal(t.seen[7], 1);
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	assert_true(shm_beats(t.role.shm, t.role.child) > 0);
	stop();
	assert_int_equal(t.exit_code, EXIT_CODE_DONE);
}

static void
put_all(struct writer *out, uint32_t proven)
{
	static struct wire_look m;

	m = (struct wire_look){.request = 9,
	    .checks = (1u << CHECK_N) - 1,
	    .proven = proven,
	    .subject = "acme/good.test/1",
	    .domain = "good.test",
	    .registrable = "good.test",
	    .token = "abc",
	    .keys_n = 1,
	    .keys = {{.selector = "s1"}}};
	assert_int_equal(dkim_public_from_p(&m.keys[0].key, DKIM_ED25519,
			     (const uint8_t *)KEY_P, strlen(KEY_P), NULL),
	    DKIM_OK);
	wire_put_look(out, &m);
	assert_false(out->bad);
}

/* Each check is answered by itself. */
static void
test_checks(void **state)
{
	uint8_t bytes[8000];
	struct writer out;

	(void)state;
	for (uint32_t proven = 0; proven < 16; proven += 5) {
		t.found_n = 0;
		memset(t.of, 0xff, sizeof(t.of));
		writer_init(&out, bytes, sizeof(bytes));
		put_all(&out, proven);
		send_frame(&out);
		take_findings(CHECK_N);
		for (int i = 0; i < CHECK_N; i++)
			assert_int_equal(t.of[i].verdict, VERDICT_PASS);
	}
	assert_int_equal(t.seen[9], 4 * CHECK_N);
	stop();
}

/* Our include is broken: that is nobody else's fault. */
static void
test_broken_include(void **state)
{
	uint8_t bytes[8000];
	struct writer out;

	(void)state;
	writer_init(&out, bytes, sizeof(bytes));
	put_all(&out, 0);
	send_frame(&out);
	take_findings(CHECK_N);
	assert_int_equal(t.of[CHECK_SPF].verdict, VERDICT_UNDECIDED);
	assert_int_equal(t.of[CHECK_SPF].code, CODE_SPF_TARGET_BROKEN);
	assert_true(t.of[CHECK_SPF].saw[0] != '\0');
	assert_int_equal(t.of[CHECK_OWNERSHIP].verdict, VERDICT_PASS);
	assert_int_equal(t.of[CHECK_DKIM].verdict, VERDICT_PASS);
	stop();
}

/* More than it looks at together, and a scheduler that reads nothing as long
 * as it can send: what the socket can't hold waits, and nothing is lost. */
static void
test_many(void **state)
{
	static uint8_t bytes[WIRE_FRAME_MAX];
	struct pollfd p = {.fd = t.fd, .events = POLLOUT};
	struct writer out;
	uint64_t next = 0;

	(void)state;
	while (next < MANY) {
		writer_init(&out, bytes, sizeof(bytes));
		for (int i = 0; i < 250 && next < MANY; i++)
			put(&out, next++, "good.test");
		assert_false(out.bad);
		if (poll(&p, 1, 300) == 0)
			take_findings(t.found_n + 1);
		send_frame(&out);
	}
	for (int i = 0; i < 100 && t.ns.asked[NS_UDP] < 2 * MANY; i++)
		poll(NULL, 0, 20); /* until all is asked: two a look */
	take_findings(MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(t.seen[i], 1);
	stop();
	assert_int_equal(t.exit_code, EXIT_CODE_DONE);
}

static void
test_name_that_is_none(void **state)
{
	uint8_t bytes[2000];
	struct writer out;

	(void)state;
	writer_init(&out, bytes, sizeof(bytes));
	put(&out, 3, "a..test");
	put(&out, 4, "good.test");
	send_frame(&out);
	take_findings(1);
	assert_int_equal(t.seen[3], 1);
	assert_int_equal(t.last.verdict, VERDICT_UNDECIDED);
	assert_int_equal(t.last.code, CODE_BAD_DOMAIN);
	take_findings(2);
	assert_int_equal(t.last.verdict, VERDICT_PASS);
	stop();
	assert_int_equal(t.exit_code, EXIT_CODE_DONE);
}

static void
test_scheduler_gone(void **state)
{
	(void)state;
	close(t.fd);
	pthread_join(t.thread, NULL);
	assert_int_equal(t.exit_code, EXIT_CODE_DONE);
}

static void
test_unreadable_frame(void **state)
{
	struct writer out = {
	    .buf = (uint8_t[]){WIRE_LOOK, 0xff, 0xff, 1}, .len = 4};

	(void)state;
	send_frame(&out);
	pthread_join(t.thread, NULL);
	close(t.fd);
	assert_int_equal(t.exit_code, EXIT_CODE_BUG);
}

static void
test_bad_settings(void **state)
{
	(void)state;
	stop();
	snprintf(t.settings.dns.resolvers[0],
	    sizeof(t.settings.dns.resolvers[0]), "nowhere");
	assert_int_equal(resolver_main(&t.role), EXIT_CODE_USAGE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_look),
	    T(test_checks),
	    cmocka_unit_test_prestate_setup_teardown(
		test_broken_include, setup, teardown, "v=spf1 foo -all"),
	    T(test_many),
	    T(test_name_that_is_none),
	    T(test_scheduler_gone),
	    T(test_unreadable_frame),
	    T(test_bad_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
