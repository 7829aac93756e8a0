/* SPDX-License-Identifier: Apache-2.0 */
/* The door to Redis: addresses, a server that is not there, and the rules that
 * our scripts enforce, on a redis-server of this test's own (a unix socket in
 * a temporary folder). */
#include "io/clock.h"
#include "io/redis.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_MS 2000
#define KEY	 "domainproof:claim:a.test:acme"

static char folder[] = "/tmp/domainproof-redis-XXXXXX";
static char url[128], socket_path[120];
static pid_t server;

static pid_t
spawn(const char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

/* Ready when it answers; 10 s are for a machine that is busy. */
static void
start_server(void)
{
	const char *argv[] = {"redis-server", "--port", "0", "--unixsocket",
	    socket_path, "--save", "", "--appendonly", "no", "--dir", folder,
	    "--daemonize", "no", NULL};
	struct redis *r;
	struct err e;
	int64_t until = clock_mono_ms() + 10000;
	enum next next;

	server = spawn(argv);
	assert_int_equal(redis_open(&r, url, LIMIT_MS, &e), OK);
	do {
		(void)poll(NULL, 0, 5);
		next = redis_ping(r, &e);
	} while (next != OK && clock_mono_ms() < until);
	redis_close(r);
	if (next != OK)
		fail_msg("redis-server did not start: %s", e.text);
}

static void
stop_server(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(socket_path);
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	snprintf(url, sizeof(url), "unix:%s", socket_path);
	start_server();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	stop_server();
	return rmdir(folder);
}

static struct redis *
opened(void)
{
	struct redis *r;
	struct err e;

	assert_int_equal(redis_open(&r, url, LIMIT_MS, &e), OK);
	return r;
}

static void
run_ok(struct redis *r)
{
	struct err e;

	if (redis_run(r, &e) != OK)
		fail_msg("%s", e.text);
}

/* redis-cli with these words; its first line of output. */
static void
cli(const char *words, char *line, size_t cap)
{
	char shell[400];
	FILE *f;

	snprintf(
	    shell, sizeof(shell), "redis-cli -s %s %s", socket_path, words);
	f = popen(shell, "r");
	assert_non_null(f);
	if (fgets(line, (int)cap, f) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	pclose(f);
}

static void
assert_cli(const char *words, const char *want)
{
	char line[400];

	cli(words, line, sizeof(line));
	assert_string_equal(line, want);
}

/* --- without a server ----------------------------------------------------- */

static void
addresses(void **state)
{
	static const char *const good[] = {"redis://127.0.0.1:6379",
	    "redis://localhost", "redis://[::1]:7000", "redis://[::1]",
	    "redis://h:1/", "unix:/run/redis.sock", "redis://:pw@h",
	    "redis://user:p@:w@[::1]:7000"};
	static const char *const bad[] = {"", "127.0.0.1", "redis://",
	    "redis://h:", "redis://h:0", "redis://h:65536", "redis://h:12x",
	    "redis://h: 12", "redis://:6379", "redis://[::1", "redis://[::1]x",
	    "redis://user@h", "redis://user:@h", "redis://h/3",
	    "unix:", "http://h"};
	char over[400] = "redis://";
	struct redis *r;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (redis_open(&r, good[i], LIMIT_MS, &e) != OK)
			fail_msg("%s: %s", good[i], e.text);
		assert_true(redis_url_right(good[i]));
		redis_close(r);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (redis_open(&r, bad[i], LIMIT_MS, &e) != STOP)
			fail_msg("accepted: %s", bad[i]);
		assert_false(redis_url_right(bad[i]));
		assert_null(r);
		assert_non_null(strstr(e.text, "redis://HOST:PORT"));
	}
	assert_int_equal(
	    redis_open(&r, "redis://u:secret@", LIMIT_MS, &e), STOP);
	assert_null(strstr(e.text, "secret"));
	memset(over + 8, 'a', 300);
	assert_int_equal(redis_open(&r, over, LIMIT_MS, &e), STOP);
}

static void
nobody_listens(void **state)
{
	struct redis *r;
	struct err e;
	int64_t began = clock_mono_ms();
	bool moved = true;

	(void)state;
	assert_int_equal(redis_open(&r, "redis://127.0.0.1:1", 2000, &e), OK);
	assert_int_equal(redis_ping(r, &e), RETRY);
	assert_non_null(strstr(e.text, "127.0.0.1:1"));
	redis_begin(r);
	redis_delete(r, "k");
	redis_move_mark(r, 0, 0, 1, &moved);
	assert_int_equal(redis_run(r, &e), RETRY);
	assert_false(moved);
	redis_close(r);
	assert_true(clock_mono_ms() - began < 1000);
}

/* It accepts and never answers: the time limit ends the call. */
static void
server_is_silent(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char silent[140], text[150];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct redis *r;
	struct err e;
	int64_t began, took;

	(void)state;
	snprintf(silent, sizeof(silent), "%s/silent", folder);
	snprintf(at.sun_path, sizeof(at.sun_path), "%.100s", silent);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 4), 0);
	snprintf(text, sizeof(text), "unix:%s", silent);
	assert_int_equal(redis_open(&r, text, 200, &e), OK);
	began = clock_mono_ms();
	assert_int_equal(redis_ping(r, &e), RETRY);
	took = clock_mono_ms() - began;
	assert_true(took >= 150 && took < 1500);
	assert_non_null(strstr(e.text, "no answer in time"));
	redis_close(r);
	close(fd);
	unlink(silent);
}

/* A second server, on TCP and with a password. */
static void
password_opens(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char port[16], good[64], wrong[64];
	const char *argv[] = {"redis-server", "--port", port, "--save", "",
	    "--requirepass", "pw@1", "--dir", folder, NULL};
	int64_t until = clock_mono_ms() + 10000;
	struct redis *r, *w;
	enum next next;
	struct err e;
	pid_t pid;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	snprintf(port, sizeof(port), "%d", ntohs(at.sin_port));
	snprintf(good, sizeof(good), "redis://:pw@1@127.0.0.1:%s", port);
	snprintf(wrong, sizeof(wrong), "redis://u:secret@127.0.0.1:%s", port);
	pid = spawn(argv);
	assert_int_equal(redis_open(&r, good, LIMIT_MS, &e), OK);
	assert_int_equal(redis_open(&w, wrong, LIMIT_MS, &e), OK);
	do {
		(void)poll(NULL, 0, 5);
		next = redis_ping(r, &e);
	} while (next != OK && clock_mono_ms() < until);
	assert_int_equal(next, OK);
	assert_int_equal(redis_ping(w, &e), RETRY);
	assert_non_null(strstr(e.text, "WRONGPASS"));
	assert_null(strstr(e.text, "secret"));
	redis_close(r);
	redis_close(w);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- rules of the scripts ------------------------------------------------- */

static void
put(struct redis *r, uint64_t ver, const char *status, const char *domain)
{
	struct redis_field fields[] = {
	    {.name = "status", .text = status},
	    {.name = "domain", .text = domain},
	};

	redis_begin(r);
	redis_put_hash(r, KEY, ver, fields, domain == NULL ? 1 : 2, 0);
	run_ok(r);
}

static void
older_is_refused(void **state)
{
	static const struct {
		uint64_t ver;
		const char *status, *want;
	} steps[] = {
	    {9, "a", "a"},
	    {8, "b", "a"},
	    {9, "c", "c"},  /* the same version again */
	    {10, "d", "d"}, /* 10 is newer than 9, though not as a text */
	    {9, "e", "d"},
	    {9007199254740993, "f", "f"}, /* beyond a double's integers */
	    {9007199254740992, "g", "f"},
	};
	struct redis *r = opened();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		put(r, steps[i].ver, steps[i].status, NULL);
		assert_cli("HGET " KEY " status", steps[i].want);
	}
	redis_begin(r);
	redis_delete(r, KEY);
	run_ok(r);
	redis_close(r);
}

/* Job hashes are named by organisation and id; an id used again for another
 * domain is another job, whose versions begin anew. */
static void
other_domain_replaces(void **state)
{
	struct redis *r = opened();

	(void)state;
	put(r, 50, "a", "a.test");
	put(r, 49, "b", "a.test");
	assert_cli("HGET " KEY " status", "a");
	put(r, 1, "c", "b.test");
	assert_cli("HGET " KEY " status", "c");
	assert_cli("DEL " KEY, "1");
	redis_close(r);
}

static void
whole_hash_is_replaced(void **state)
{
	struct redis_field two[] = {
	    {.name = "x", .text = "1"},
	    {.name = "n", .number = -5},
	    {.name = "zero", .number = 0},
	    {.name = "least", .number = INT64_MIN},
	    {.name = "most", .number = INT64_MAX},
	};
	struct redis *r = opened();
	char line[64];

	(void)state;
	redis_begin(r);
	redis_put_hash(r, KEY, 1, two, ARRAY_LEN(two), 100);
	run_ok(r);
	assert_cli("HGET " KEY " n", "-5");
	assert_cli("HGET " KEY " zero", "0");
	assert_cli("HGET " KEY " least", "-9223372036854775808");
	assert_cli("HGET " KEY " most", "9223372036854775807");
	cli("TTL " KEY, line, sizeof(line));
	assert_in_range(atoi(line), 90, 100);
	redis_begin(r);
	redis_put_hash(r, KEY, 2, two, 1, 0);
	run_ok(r);
	assert_cli("HLEN " KEY, "2"); /* ver and x */
	assert_cli("TTL " KEY, "-1");
	assert_cli("DEL " KEY, "1");
	redis_close(r);
}

static void
mark_moves_from_where_it_stood(void **state)
{
	static const struct {
		int64_t from, to;
		bool want;
		int64_t at;
	} steps[] = {
	    {5, 9, false, -1}, /* missing counts as 0 */
	    {0, 7, true, 7}, {0, 9, false, 7}, {6, 9, false, 7},
	    {7, 12, true, 12}, {7, 12, false, 12}, /* a call that comes late */
	};
	struct redis *r = opened();
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		bool moved = !steps[i].want;
		int64_t at;

		redis_begin(r);
		redis_move_mark(r, 3, steps[i].from, steps[i].to, &moved);
		run_ok(r);
		assert_int_equal(moved, steps[i].want);
		assert_int_equal(redis_get_mark(r, 3, &at, &e), OK);
		assert_int_equal(at, steps[i].at);
	}
	assert_cli("DEL domainproof:pos:3", "1");
	redis_close(r);
}

/* A refused write must hold the mark back. */
static void
mark_waits_for_the_writes(void **state)
{
	struct redis_field f = {.name = "status", .text = "a"};
	struct redis *r = opened();
	struct err e;
	bool moved = true;

	(void)state;
	assert_cli("SET wrong-type x", "OK");
	redis_begin(r);
	redis_add_member(r, "wrong-type", "a.test");
	redis_put_hash(r, KEY, 1, &f, 1, 0);
	redis_move_mark(r, 4, 0, 1, &moved);
	assert_int_equal(redis_run(r, &e), RETRY);
	assert_non_null(strstr(e.text, "WRONGTYPE"));
	assert_false(moved);
	assert_cli("EXISTS domainproof:pos:4", "0");
	/* and the same connection goes on working */
	assert_cli("DEL wrong-type", "1");
	put(r, 2, "b", NULL);
	assert_cli("DEL " KEY, "1");
	redis_close(r);
}

static void
lost_scripts_are_loaded(void **state)
{
	struct redis_field f = {.name = "status", .text = "a"};
	struct redis *r = opened();
	bool moved = false;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_cli("SCRIPT FLUSH", "OK");
		redis_begin(r);
		redis_put_hash(r, KEY, 1, &f, 1, 0);
		redis_move_mark(r, 5, i, i + 1, &moved);
		run_ok(r);
		assert_true(moved);
		assert_cli("HGET " KEY " status", "a");
	}
	assert_cli("DEL " KEY " domainproof:pos:5", "2");
	redis_close(r);
}

/* The server dies with the pipeline under way: RETRY, no signal, and the next
 * call works with the one that took its place. */
static void
connection_is_lost(void **state)
{
	struct redis_field f = {.name = "status", .text = "a"};
	struct redis *r = opened();
	struct err e;
	bool moved = true;

	(void)state;
	assert_int_equal(redis_ping(r, &e), OK);
	kill(server, SIGSTOP);
	redis_begin(r);
	for (int i = 0; i < 2000; i++)
		redis_put_hash(r, KEY, 1, &f, 1, 0);
	redis_move_mark(r, 6, 0, 1, &moved);
	stop_server();
	assert_int_equal(redis_run(r, &e), RETRY);
	assert_false(moved);
	start_server();
	assert_int_equal(redis_ping(r, &e), OK);
	assert_cli("EXISTS " KEY " domainproof:pos:6", "0");
	redis_close(r);
}

/* --- readers -------------------------------------------------------------- */

struct seen {
	int n;
	bool bytes; /* the value came with its NUL and its length */
};

static void
see(void *arg, const char *name, const char *text, size_t len)
{
	struct seen *s = arg;

	s->n++;
	if (strcmp(name, "doc") == 0)
		s->bytes = len == 3 && memcmp(text, "a\0b", 3) == 0;
}

static void
hash_is_told(void **state)
{
	struct redis *r = opened();
	struct seen s = {0};
	struct err e;
	bool found = true;

	(void)state;
	assert_int_equal(redis_get_hash(r, "no", see, &s, &found, &e), OK);
	assert_false(found);
	assert_cli("EVAL \"return redis.call('HSET', 'h', 'doc', 'a\\\\0b', "
		   "'x', '1')\" 0",
	    "2");
	assert_int_equal(redis_get_hash(r, "h", see, &s, &found, &e), OK);
	assert_true(found);
	assert_int_equal(s.n, 2);
	assert_true(s.bytes);
	assert_cli("DEL h", "1");
	redis_close(r);
}

static void
complete_means_all_marks(void **state)
{
	struct redis *r = opened();
	struct err e;
	bool complete = true, moved;
	int32_t partitions = -1;

	(void)state;
	assert_int_equal(redis_get_meta(r, &partitions, &e), OK);
	assert_int_equal(partitions, 0);
	assert_int_equal(redis_complete(r, &complete, &e), OK);
	assert_false(complete);
	assert_int_equal(redis_put_meta(r, 2, &e), OK);
	assert_int_equal(redis_get_meta(r, &partitions, &e), OK);
	assert_int_equal(partitions, 2);
	for (int p = 0; p < 2; p++) {
		redis_begin(r);
		redis_move_mark(r, p, 0, 0, &moved);
		run_ok(r);
		assert_true(moved);
		assert_int_equal(redis_complete(r, &complete, &e), OK);
		assert_int_equal(complete, p == 1);
	}
	assert_cli("HSET domainproof:meta partitions many", "0");
	assert_int_equal(redis_get_meta(r, &partitions, &e), RETRY);
	assert_cli("FLUSHALL", "OK");
	redis_close(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses),
	    cmocka_unit_test(nobody_listens),
	    cmocka_unit_test(server_is_silent),
	    cmocka_unit_test(password_opens),
	    cmocka_unit_test(older_is_refused),
	    cmocka_unit_test(other_domain_replaces),
	    cmocka_unit_test(whole_hash_is_replaced),
	    cmocka_unit_test(mark_moves_from_where_it_stood),
	    cmocka_unit_test(mark_waits_for_the_writes),
	    cmocka_unit_test(lost_scripts_are_loaded),
	    cmocka_unit_test(connection_is_lost),
	    cmocka_unit_test(hash_is_told),
	    cmocka_unit_test(complete_means_all_marks),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
