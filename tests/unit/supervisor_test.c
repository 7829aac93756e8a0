/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped supervisor with children of the test's own: each does what the
 * test tells it through memory that all share. The supervisor under test is a
 * process; the test is the reaper of what it may leave behind. */
#include "worker/supervisor.h"

#include "core/wire.h"
#include "io/clock.h"
#include "io/frame.h"
#include "worker/role.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_MS 10000 /* nothing here takes nearly as long */
#define CREW	 3     /* a scheduler and two resolvers */

enum order {
	GO_ON,
	EXIT_0,
	EXIT_100,
	EXIT_101,
	EXIT_111,
	CRASH,
	CRASH_AT_WORK, /* with the slot set to world->work */
	HANG,	       /* no beats */
};

struct seen {
	atomic_uint starts;
	atomic_int pid;
	atomic_uint fds; /* open ones above 2 */
	atomic_bool locked_down;
	atomic_uint uid;
	atomic_bool told; /* to leave, by TERM or a closed line */
};

/* Shared by the test, the supervisor and its children. */
struct world {
	_Atomic enum order order[CREW]; /* done once, but HANG */
	atomic_bool stubborn;		/* do not stop when asked to */
	char work[RECORD_KEY_MAX + 1];
	struct seen seen[CREW];
	/* the scheduler's ear */
	atomic_uint gone[2];
	atomic_uint poison;
	char poisoned[RECORD_KEY_MAX + 1];
	atomic_uint hello[2]; /* frames of resolver i */
	atomic_uint sends;    /* asks the scheduler to send so many frames to
			       * each resolver */
	atomic_uint heard[2]; /* by resolver i, over all its lives */
};

static struct world *world;
static char dir[64];
static int notify_fd;
static pid_t supervisor;
static pid_t started[4]; /* all supervisors of one test */
static size_t started_n;

/* -- children ------------------------------------------------------------ */

static unsigned
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;
	struct dirent *entry;

	if (d == NULL)
		return 999;
	while ((entry = readdir(d)) != NULL)
		n += atoi(entry->d_name) > 2 && atoi(entry->d_name) != dirfd(d);
	closedir(d);
	return n;
}

static bool
is_locked_down(void)
{
	struct rlimit core;
	sigset_t blocked;
	int death = 0;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
	return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 &&
	       prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
	       death == SIGKILL && sigismember(&blocked, SIGTERM) &&
	       !sigismember(&blocked, SIGCHLD);
}

static void
introduce(const struct role *r)
{
	struct seen *seen = &world->seen[r->child];

	seen->fds = count_fds();
	seen->locked_down = is_locked_down();
	seen->uid = getuid();
	seen->pid = getpid();
	seen->starts++;
}

/* Carries out its order; -1 to go on. */
static int
obey(const struct role *r)
{
	enum order order = world->order[r->child];

	if (order == HANG)
		return -1;
	shm_beat(r->shm, r->child);
	world->order[r->child] = GO_ON;
	switch (order) {
	case GO_ON:
	case HANG:
		return -1;
	case EXIT_0:
		return 0;
	case EXIT_100:
		return 100;
	case EXIT_101:
		return 101;
	case EXIT_111:
		return 111;
	case CRASH_AT_WORK:
		shm_work_begin(r->shm, r->child, world->work);
		break;
	case CRASH:
		shm_work_begin(r->shm, r->child, world->work);
		shm_work_end(r->shm, r->child);
		break;
	}
	raise(SIGKILL); /* as the kernel's memory killer does it */
	return -1;
}

/* Waits for a readable descriptor; true when it is time to leave. */
static bool
should_stop(const struct role *r, int fd)
{
	struct pollfd fds[] = {
	    {.fd = role_stop_fd(r), .events = POLLIN},
	    {.fd = fd, .events = POLLIN},
	};

	poll(fds, 2, 5);
	if (fds[0].revents == 0)
		return false;
	world->seen[r->child].told = true;
	if (world->stubborn)
		poll(NULL, 0, 5);
	return !world->stubborn;
}

static void
listen_to_supervisor(const struct role *r)
{
	uint8_t frame[WIRE_FRAME_MAX];
	struct wire_message m;
	struct wire_gone gone;
	struct wire_poison poison;
	struct reader reader;
	size_t len;

	while (frame_receive(r->supervisor_fd, frame, sizeof(frame), &len) ==
	       FRAME_DONE) {
		reader_init(&reader, frame, len);
		while (wire_next(&reader, &m)) {
			if (m.type == WIRE_GONE &&
			    wire_get_gone(&m.body, &gone))
				world->gone[gone.index]++;
			if (m.type == WIRE_POISON &&
			    wire_get_poison(&m.body, &poison)) {
				strcpy(world->poisoned, poison.subject);
				world->poison++;
			}
		}
	}
}

int
scheduler_main(const struct role *r)
{
	unsigned sent = 0;
	char byte;
	size_t len;
	int code = -1;

	introduce(r);
	role_ready(r);
	while (code < 0 && !should_stop(r, r->supervisor_fd)) {
		listen_to_supervisor(r);
		for (size_t i = 0; i < r->resolvers_n; i++) {
			if (sent < world->sends)
				(void)!frame_send(r->resolver_fd[i], "x", 1);
			if (frame_receive(r->resolver_fd[i], &byte, 1, &len) ==
			    FRAME_DONE)
				world->hello[i]++;
		}
		sent = world->sends;
		code = obey(r);
	}
	return code < 0 ? 0 : code;
}

int
resolver_main(const struct role *r)
{
	enum frame_result got = FRAME_AGAIN;
	char byte;
	size_t len;
	int code = -1;

	introduce(r);
	(void)!frame_send(r->scheduler_fd, "h", 1);
	while (code < 0 && got != FRAME_CLOSED &&
	       !should_stop(r, r->scheduler_fd)) {
		got = frame_receive(r->scheduler_fd, &byte, 1, &len);
		world->heard[r->index] += got == FRAME_DONE;
		code = obey(r);
	}
	if (got == FRAME_CLOSED)
		world->seen[r->child].told = true;
	return code < 0 ? 0 : code;
}

/* -- the test's hands ---------------------------------------------------- */

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void
write_settings(const char *slot, int resolvers, const char *user)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "pool: { name = \"test\"; slot = \"%s\"; resolvers = %d; "
	    "user = \"%s\"; run_dir = \"run\"; };\n",
	    slot, resolvers, user);
	write_file("d.conf", text);
}

static pid_t
start_supervisor(const char *log)
{
	char path[128];
	pid_t pid = fork();
	int fd, code;

	assert_true(pid >= 0 && started_n < ARRAY_LEN(started));
	if (pid > 0)
		return started[started_n++] = pid;
	snprintf(path, sizeof(path), "%s/%s", dir, log);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	close(fd);
	snprintf(path, sizeof(path), "%s/d.conf", dir);
	code = supervisor_run(path);
	_exit(code);
}

/* Waits until the expression is true; the test fails when it never is. */
#define wait_until(expression)                                                 \
	do {                                                                   \
		int64_t limit = clock_mono_ms() + LIMIT_MS;                    \
		bool met = expression;                                         \
		while (!met && clock_mono_ms() < limit) {                      \
			poll(NULL, 0, 2);                                      \
			met = expression;                                      \
		}                                                              \
		if (!met)                                                      \
			fail_msg("never: " #expression);                       \
	} while (0)

static int
exit_of(pid_t pid)
{
	int status = -1;

	wait_until(waitpid(pid, &status, WNOHANG) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static bool
log_has(const char *log, const char *text)
{
	static char content[1 << 16];
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, log);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	n = fread(content, 1, sizeof(content) - 1, f);
	content[n] = '\0';
	fclose(f);
	return strstr(content, text) != NULL;
}

/* The next message to the service manager within the limit, "" if none. */
static const char *
notified(int limit_ms)
{
	static char text[64];
	struct pollfd fd = {.fd = notify_fd, .events = POLLIN};
	ssize_t n = 0;

	if (poll(&fd, 1, limit_ms) == 1)
		n = recv(notify_fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool
crew_is(unsigned a, unsigned b, unsigned c)
{
	return world->seen[0].starts == a && world->seen[1].starts == b &&
	       world->seen[2].starts == c;
}

static int
set_up(void **state)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	(void)state;
	memset(world, 0, sizeof(*world));
	snprintf(dir, sizeof(dir), "/tmp/supervisor_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	write_settings("1", 2, "");
	write_file("policy.conf", "service: { name = \"example\"; };\n"
				  "claim: { public_domains = \"\"; };\n");
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/notify", dir);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(notify_fd, (struct sockaddr *)&to, sizeof(to)), 0);
	setenv("NOTIFY_SOCKET", to.sun_path, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	unsetenv("DOMAINPROOF_POLICY");
	started_n = 0;
	return 0;
}

static void
start_crew(void)
{
	const char *said;

	supervisor = start_supervisor("log");
	wait_until(crew_is(1, 1, 1));
	/* on a busy machine the watchdog is fed before the crew is ready */
	while (strcmp(said = notified(LIMIT_MS), "WATCHDOG=1") == 0)
		continue;
	assert_string_equal(said, "READY=1");
}

static void
end_at_once(pid_t pid)
{
	if (pid <= 0 || waitpid(pid, NULL, WNOHANG) != 0)
		return; /* no child of ours, or it has ended */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	/* what a failed test left behind; the supervisors first, and then
	 * their children are ours */
	for (size_t i = 0; i < started_n; i++)
		end_at_once(started[i]);
	for (int i = 0; i < CREW; i++)
		end_at_once(world->seen[i].pid);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(notify_fd);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static void
stop_crew(void)
{
	kill(supervisor, SIGTERM);
	assert_int_equal(exit_of(supervisor), 0);
}

/* -- tests --------------------------------------------------------------- */

static void
children_begin_clean_and_drain(void **state)
{
	const struct seen *seen = world->seen;

	(void)state;
	if (geteuid() == 0)
		write_settings("1", 2, "nobody");
	start_crew();
	for (int i = 0; i < CREW; i++) {
		assert_true(seen[i].locked_down);
		assert_true(geteuid() != 0 || seen[i].uid != 0);
		/* its stop_fd and its line; the scheduler also the second
		 * line, that to the supervisor and the one to say ready */
		assert_int_equal(seen[i].fds, i == 0 ? 5 : 2);
	}
	wait_until(world->hello[0] == 1 && world->hello[1] == 1);
	kill(supervisor, SIGTERM);
	assert_string_equal(notified(LIMIT_MS), "STOPPING=1");
	assert_int_equal(exit_of(supervisor), 0);
	for (int i = 0; i < CREW; i++)
		assert_true(seen[i].told);
	assert_true(crew_is(1, 1, 1));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}

static void
a_resolver_is_replaced_on_its_line(void **state)
{
	int64_t began;

	(void)state;
	start_crew();
	wait_until(world->hello[1] == 1);
	began = clock_mono_ms();
	world->order[2] = CRASH;
	wait_until(crew_is(1, 1, 2));
	assert_true(clock_mono_ms() - began < 1000);
	wait_until(world->gone[1] == 1 && world->hello[1] == 2);
	world->sends = 1;
	wait_until(world->heard[1] == 1);
	assert_int_equal(world->gone[0], 0);
	assert_int_equal(world->poison, 0);
	assert_false(log_has("log", "child.blames"));
	world->order[1] = EXIT_111;
	wait_until(crew_is(1, 2, 2));
	world->order[1] = EXIT_0; /* unasked */
	wait_until(crew_is(1, 3, 2));
	stop_crew();
}

static void
what_kills_three_is_poison(void **state)
{
	(void)state;
	start_crew();
	strcpy(world->work, "acme/a.test/job-1");
	world->order[1] = CRASH_AT_WORK;
	wait_until(crew_is(1, 2, 1));
	world->order[2] = CRASH_AT_WORK;
	wait_until(crew_is(1, 2, 2));
	wait_until(world->gone[1] == 1);
	assert_int_equal(world->poison, 0);
	world->order[1] = CRASH_AT_WORK;
	wait_until(world->poison == 1);
	assert_string_equal(world->poisoned, "acme/a.test/job-1");
	wait_until(world->gone[0] == 2);
	stop_crew();
	assert_true(log_has("log", "\"strikes\":3"));
}

/* The third death of a scheduler at one message: the next finds it poisoned. */
static void
the_scheduler_takes_the_crew_with_it(void **state)
{
	(void)state;
	start_crew();
	strcpy(world->work, "jobs/3/17");
	world->order[0] = CRASH_AT_WORK;
	wait_until(crew_is(2, 2, 2));
	wait_until(world->hello[0] == 2 && world->hello[1] == 2);
	world->order[0] = EXIT_111;
	wait_until(crew_is(3, 3, 3));
	assert_true(log_has("log", "\"what\":\"jobs/3/17\",\"strikes\":1"));
	assert_string_equal(notified(0), ""); /* ready is told once */
	stop_crew();
}

static void
usage_is_not_started_again(void **state)
{
	(void)state;
	start_crew();
	world->order[2] = EXIT_100;
	assert_int_equal(exit_of(supervisor), 100);
	assert_true(crew_is(1, 1, 1));
	assert_true(world->seen[0].told);
}

static void
five_bugs_end_the_crew(void **state)
{
	(void)state;
	start_crew();
	for (unsigned n = 1; n <= CHILDREN_DEATHS; n++) {
		wait_until(world->seen[1].starts == n);
		world->order[1] = EXIT_101;
	}
	assert_int_equal(exit_of(supervisor), 101);
	assert_true(crew_is(1, CHILDREN_DEATHS, 1));
}

static void
a_second_term_is_at_once(void **state)
{
	(void)state;
	start_crew();
	world->stubborn = true;
	kill(supervisor, SIGTERM);
	wait_until(world->seen[0].told && world->seen[2].told);
	assert_int_equal(waitpid(supervisor, NULL, WNOHANG), 0);
	kill(supervisor, SIGTERM);
	assert_int_equal(exit_of(supervisor), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_false(log_has("log", "child.blames"));
}

static void
int_is_at_once(void **state)
{
	(void)state;
	start_crew();
	world->stubborn = true;
	kill(supervisor, SIGINT);
	assert_int_equal(exit_of(supervisor), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Orphans come to the test, which is their reaper. */
static void
no_orphan_outlives_the_supervisor(void **state)
{
	int died = 0;
	pid_t pid;

	(void)state;
	start_crew();
	kill(supervisor, SIGKILL);
	while (died < CREW + 1) {
		wait_until((pid = waitpid(-1, NULL, WNOHANG)) != 0);
		assert_true(pid > 0);
		died++;
	}
	supervisor = start_supervisor("log"); /* and the slot is free */
	wait_until(crew_is(2, 2, 2));
	stop_crew();
}

static void
a_slot_has_one_crew(void **state)
{
	char want[64];

	(void)state;
	start_crew();
	assert_int_equal(exit_of(start_supervisor("log2")), 100);
	snprintf(want, sizeof(want), "held by process %d", (int)supervisor);
	assert_true(log_has("log2", want));
	assert_true(crew_is(1, 1, 1));
	stop_crew();
}

static void
wrong_settings_do_not_start(void **state)
{
	char want[128];

	(void)state;
	write_file("d.conf", "pool: {\n\tslots = \"1\";\n};\n");
	assert_int_equal(exit_of(start_supervisor("log")), 100);
	snprintf(
	    want, sizeof(want), "%s/d.conf:2: unknown key pool.slots", dir);
	assert_true(log_has("log", want));
	write_settings("1", 2, "no-such-user");
	assert_int_equal(exit_of(start_supervisor("log")), 100);
	snprintf(want, sizeof(want), "%s/d.conf:1: pool.user: no such", dir);
	assert_true(log_has("log", want));
	write_file("d.conf", "redis: {\n url = \"http://h\";\n};\n");
	assert_int_equal(exit_of(start_supervisor("log")), 100);
	snprintf(want, sizeof(want), "%s/d.conf:2: redis.url: is no a", dir);
	assert_true(log_has("log", want));
}

static void
hup_takes_all_or_nothing(void **state)
{
	(void)state;
	start_crew();
	wait_until(world->hello[0] == 1); /* read by the first scheduler */
	write_file("d.conf", "pool: { resolvers = 64; };\n");
	kill(supervisor, SIGHUP);
	wait_until(log_has("log", "d.conf:1: pool.resolvers: must be 0 to 63"));
	/* what a new crew would meet, and end by */
	write_settings("1", 1, "no-such-user");
	kill(supervisor, SIGHUP);
	wait_until(log_has("log", "d.conf:1: pool.user: no such user"));
	write_file("d.conf", "\ndns: { suffix_list = \"/nonexistent\"; };\n");
	kill(supervisor, SIGHUP);
	wait_until(log_has("log", "d.conf:2: dns.suffix_list: cannot read"));
	write_file("d.conf", "kafka: { brokers = \"k:1 k:2\"; };\n");
	kill(supervisor, SIGHUP);
	wait_until(log_has("log", "d.conf:1: kafka.brokers: "));
	write_settings("2", 2, "");
	kill(supervisor, SIGHUP);
	wait_until(log_has("log", "\"key\":\"pool.slot\""));
	assert_true(crew_is(1, 1, 1));

	write_settings("1", 1, "");
	kill(supervisor, SIGHUP);
	wait_until(crew_is(2, 2, 1));
	for (int i = 0; i < CREW; i++)
		assert_true(world->seen[i].told);
	wait_until(world->hello[0] == 2);
	stop_crew();
	assert_true(crew_is(2, 2, 1));
	assert_false(log_has("log", "\"signal\":9"));
}

static void
the_watchdog_is_fed_by_all(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "200000", 1);
	start_crew();
	for (int i = 0; i < 3; i++)
		assert_string_equal(notified(LIMIT_MS), "WATCHDOG=1");
	world->order[2] = HANG;
	wait_until(log_has("log", "crew.stands_still"));
	/* what was said before it stood still may still be coming */
	wait_until(strcmp(notified(300), "") == 0);
	world->order[2] = GO_ON;
	assert_string_equal(notified(LIMIT_MS), "WATCHDOG=1");
	stop_crew();
}

#define supervisor_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    supervisor_test(children_begin_clean_and_drain),
	    supervisor_test(a_resolver_is_replaced_on_its_line),
	    supervisor_test(what_kills_three_is_poison),
	    supervisor_test(the_scheduler_takes_the_crew_with_it),
	    supervisor_test(usage_is_not_started_again),
	    supervisor_test(five_bugs_end_the_crew),
	    supervisor_test(a_second_term_is_at_once),
	    supervisor_test(int_is_at_once),
	    supervisor_test(no_orphan_outlives_the_supervisor),
	    supervisor_test(a_slot_has_one_crew),
	    supervisor_test(wrong_settings_do_not_start),
	    supervisor_test(hup_takes_all_or_nothing),
	    supervisor_test(the_watchdog_is_fed_by_all),
	};

	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (world == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
