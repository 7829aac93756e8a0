/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's resolver process, driven by hand: this plays the scheduler.
 *
 * usage: looks_drive [-r ADDR[:PORT]]... [-u ADDR[:PORT]]... [-n PROCESSES]
 *            [-t TIMEOUT_MS] [-k TRIES] [-d PER_MINUTE] [-p] [-q]  < LINES
 * -r a resolver whose AD counts, -u one whose doesn't; -d questions for one
 * registrable domain (0, the default, is no budget); -p the public view first;
 * -q only the count. A line is "DOMAIN [REGISTRABLE [TOKEN]]"; "-"
 * leaves a word out.
 *
 * Prints for each finding, parted by tabs: domain, verdict, code, assurance,
 * negative TTL, delegated (0, 1), what was seen, and for each server
 * NAME|ADDRESS|OUTCOME|HAS|SERIAL. At the end, to stderr: looks, seconds, CPU
 * time of the resolvers. */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/wire.h"
#include "io/clock.h"
#include "io/frame.h"
#include "worker/role.h"

#define CREDITS 4096 /* looks under way in one process */

struct worker {
	int fd;
	pid_t pid;
	size_t under_way;
};

struct line {
	char domain[DNAME_TEXT_MAX + 1];
	char registrable[DNAME_TEXT_MAX + 1];
	char token[TOKEN_TEXT_MAX + 1];
};

static struct settings settings = {.dns = {.authoritative = true,
				       .port = 53,
				       .timeout_ms = 300,
				       .tries = 2,
				       .private_ok = true}};
static struct policy policy = {.service = "example", .apex = APEX_ACCEPT};
static enum look_order order = LOOK_SERVERS_FIRST;
static bool quiet;
static struct worker workers[CHILDREN_MAX];
static size_t workers_n = 1;
static struct line *lines;
static size_t lines_n, sent_n, found_n;
static size_t verdicts[VERDICT_N];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
start(struct worker *w, struct shm *shm, int stop_fd, size_t index)
{
	int fd[2];
	struct err e;

	if (frame_pair(fd, &e) != OK)
		die("frame_pair");
	w->pid = fork();
	if (w->pid < 0)
		die("fork");
	if (w->pid == 0) {
		struct role r = {.settings = &settings,
		    .policy = &policy,
		    .shm = shm,
		    .kind = CHILD_RESOLVER,
		    .index = (unsigned)index,
		    .child = index + 1,
		    .stop_fd = stop_fd,
		    .scheduler_fd = fd[1]};
		close(fd[0]);
		_exit(resolver_main(&r));
	}
	close(fd[1]);
	w->fd = fd[0];
}

static void
read_lines(void)
{
	char text[1024];
	size_t cap = 0;

	while (fgets(text, sizeof(text), stdin)) {
		struct line *l;
		char domain[512], registrable[512] = "-", token[512] = "-";

		if (sscanf(text, "%511s %511s %511s", domain, registrable,
			token) < 1)
			continue;
		if (lines_n == cap) {
			cap = cap ? 2 * cap : 1024;
			lines = realloc(lines, cap * sizeof(*lines));
			if (!lines)
				die("realloc");
		}
		l = &lines[lines_n++];
		snprintf(l->domain, sizeof(l->domain), "%.253s", domain);
		snprintf(l->registrable, sizeof(l->registrable), "%.253s",
		    strcmp(registrable, "-") ? registrable : domain);
		snprintf(l->token, sizeof(l->token), "%.32s",
		    strcmp(token, "-") ? token : "");
	}
}

static void
put_look(struct writer *out, size_t i)
{
	struct wire_look m = {.request = i,
	    .checks = 1u << CHECK_OWNERSHIP,
	    .proven = order == LOOK_PUBLIC_FIRST ? 1u << CHECK_OWNERSHIP : 0};

	snprintf(
	    m.subject, sizeof(m.subject), "acme/%s/%zu", lines[i].domain, i);
	memcpy(m.domain, lines[i].domain, sizeof(m.domain));
	memcpy(m.registrable, lines[i].registrable, sizeof(m.registrable));
	memcpy(m.token, lines[i].token, sizeof(m.token));
	wire_put_look(out, &m);
}

/* As many as it has credits for. */
static void
send_looks(struct worker *w)
{
	static uint8_t bytes[WIRE_FRAME_MAX];
	struct writer out;
	size_t n = 0;

	writer_init(&out, bytes, sizeof(bytes));
	while (w->under_way + n < CREDITS && sent_n + n < lines_n) {
		put_look(&out, sent_n + n);
		if (out.bad)
			break;
		n++;
	}
	if (n == 0 || frame_send(w->fd, bytes, out.len) != FRAME_DONE)
		return;
	sent_n += n;
	w->under_way += n;
}

static void
show(const struct line *l, const struct finding *f)
{
	printf("%s\t%s\t%s\t%s\t%u\t%d\t%s", l->domain,
	    verdict_name(f->verdict), code_name(f->code),
	    assurance_name(f->assurance), f->neg_ttl_s, f->delegated, f->saw);
	for (size_t i = 0; i < f->servers_n; i++) {
		const struct server_fact *s = &f->servers[i];
		printf("\t%s|%s|%s|%d|%u", s->name, s->addr,
		    outcome_name(s->outcome), s->has, s->serial);
	}
	putchar('\n');
}

static void
take(struct worker *w)
{
	static uint8_t bytes[WIRE_FRAME_MAX];
	static struct wire_found m;
	struct wire_message msg;
	struct reader in;
	size_t len;

	switch (frame_receive(w->fd, bytes, sizeof(bytes), &len)) {
	case FRAME_DONE:
		break;
	case FRAME_AGAIN:
		return;
	case FRAME_CLOSED:
		fprintf(stderr, "a resolver is gone\n");
		exit(1);
	}
	reader_init(&in, bytes, len);
	while (wire_next(&in, &msg)) {
		if (msg.type != WIRE_FOUND || !wire_get_found(&msg.body, &m))
			continue;
		found_n++;
		w->under_way--;
		verdicts[m.finding.verdict]++;
		if (!quiet)
			show(&lines[m.request], &m.finding);
	}
}

static void
run(void)
{
	struct pollfd p[CHILDREN_MAX];

	while (found_n < lines_n) {
		for (size_t i = 0; i < workers_n; i++) {
			send_looks(&workers[i]);
			p[i] = (struct pollfd){
			    .fd = workers[i].fd, .events = POLLIN};
		}
		poll(p, workers_n, 1000);
		for (size_t i = 0; i < workers_n; i++)
			if (p[i].revents)
				take(&workers[i]);
	}
}

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:u:n:t:k:d:pq")) != -1)
		switch (c) {
		case 'r':
		case 'u':
			if (settings.dns.resolvers_n == CONF_RESOLVERS_MAX)
				exit(2);
			settings.dns.trusted[settings.dns.resolvers_n] =
			    c == 'r';
			snprintf(
			    settings.dns.resolvers[settings.dns.resolvers_n++],
			    sizeof(settings.dns.resolvers[0]), "%s", optarg);
			break;
		case 'n':
			workers_n = (size_t)atoi(optarg);
			break;
		case 't':
			settings.dns.timeout_ms = atoi(optarg);
			break;
		case 'k':
			settings.dns.tries = (unsigned)atoi(optarg);
			break;
		case 'd':
			settings.dns.domain_per_minute = (unsigned)atoi(optarg);
			break;
		case 'p':
			order = LOOK_PUBLIC_FIRST;
			break;
		case 'q':
			quiet = true;
			break;
		default:
			exit(2);
		}
}

int
main(int argc, char **argv)
{
	int stop_fd = eventfd(0, EFD_CLOEXEC), status, code = 0;
	struct rusage u;
	struct shm *shm;
	struct err e;
	int64_t begun;

	options(argc, argv);
	settings.pool.resolvers = (unsigned)workers_n;
	read_lines();
	if (shm_open_crew(&shm, &e) != OK)
		die(e.text);
	for (size_t i = 0; i < workers_n; i++)
		start(&workers[i], shm, stop_fd, i);
	begun = clock_mono_ms();
	run();
	begun = clock_mono_ms() - begun;
	if (eventfd_write(stop_fd, 1) != 0)
		die("eventfd");
	for (size_t i = 0; i < workers_n; i++) {
		waitpid(workers[i].pid, &status, 0);
		if (status != 0)
			code = 1;
	}
	getrusage(RUSAGE_CHILDREN, &u);
	fprintf(stderr,
	    "looks %zu pass %zu fail %zu none %zu undecided %zu ms %lld "
	    "cpu_user_us %lld cpu_sys_us %lld rss_kb %ld\n",
	    found_n, verdicts[VERDICT_PASS], verdicts[VERDICT_FAIL],
	    verdicts[VERDICT_NONE], verdicts[VERDICT_UNDECIDED],
	    (long long)begun,
	    (long long)u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec,
	    (long long)u.ru_stime.tv_sec * 1000000 + u.ru_stime.tv_usec,
	    u.ru_maxrss);
	return code;
}
