/* SPDX-License-Identifier: Apache-2.0 */
/* From a copy of the supervisor to a role of its own, in an order that
 * matters: a change of user clears dumpability and the death signal of the
 * parent, so that both are set after it; the parent may have died before its
 * death signal was set, so that it is looked for last. */
#include "worker/role.h"

#include "io/log.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ROLE_GO_ON (-1)

int
role_stop_fd(const struct role *r)
{
	return r->stop_fd;
}

void
role_ready(const struct role *r)
{
	shm_ready_set(r->shm, r->child);
	(void)eventfd_write(r->ready_fd, 1);
}

static int
give_up(const char *what, int exit_code)
{
	log_line(LOG_ERROR, "role.failed",
	    FIELDS(TEXT("what", what), TEXT("why", strerror(errno))));
	return exit_code;
}

static void
set_name(const struct role *r)
{
	static char name[16]; /* the kernel's limit, NUL included */
	enum log_level least = LOG_INFO;

	if (r->kind == CHILD_SCHEDULER)
		snprintf(name, sizeof(name), "scheduler");
	else
		snprintf(name, sizeof(name), "resolver-%u", r->index % 1000);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	if (!log_level_parse(r->settings->log_level, &least))
		least = LOG_INFO;
	log_open(name, least);
}

/* SIGTERM stays blocked from before the fork on: one that comes early waits
 * in the signalfd. The terminal's signals are the supervisor's. */
static int
take_signals(struct role *r)
{
	sigset_t term;

	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_SETMASK, &term, NULL);
	r->stop_fd = signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC);
	return r->stop_fd < 0 ? give_up("signalfd", EXIT_CODE_OUTSIDE)
			      : ROLE_GO_ON;
}

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Writes the descriptors to leave open to out, ascending. */
static size_t
kept(const struct role *r, int *out)
{
	size_t n = 0;

	out[n++] = r->stop_fd;
	if (r->kind == CHILD_SCHEDULER) {
		out[n++] = r->supervisor_fd;
		out[n++] = r->ready_fd;
		for (size_t i = 0; i < r->resolvers_n; i++)
			out[n++] = r->resolver_fd[i];
	} else {
		out[n++] = r->scheduler_fd;
	}
	qsort(out, n, sizeof(*out), by_number);
	return n;
}

static int
close_others(const struct role *r)
{
	int keep[CHILDREN_MAX + 3];
	size_t n = kept(r, keep);
	unsigned from = STDERR_FILENO + 1;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		unsigned fd = (unsigned)keep[i];

		if (fd > from)
			rc = close_range(from, fd - 1, 0);
		from = fd + 1;
	}
	if (rc == 0)
		rc = close_range(from, ~0u, 0);
	return rc != 0 ? give_up("close_range", EXIT_CODE_OUTSIDE) : ROLE_GO_ON;
}

static int
become(const char *user)
{
	const struct passwd *pw = getpwnam(user);

	if (pw == NULL) {
		log_line(LOG_ERROR, "role.failed",
		    FIELDS(TEXT("what", "pool.user: no such user"),
			TEXT("user", user)));
		return EXIT_CODE_USAGE;
	}
	if (geteuid() == pw->pw_uid && getuid() == pw->pw_uid)
		return ROLE_GO_ON;
	if (initgroups(user, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		return give_up("pool.user: start as root, or set it to \"\"",
		    EXIT_CODE_USAGE);
	if (pw->pw_uid != 0 && setuid(0) == 0)
		return give_up("the way back to root is open", EXIT_CODE_BUG);
	return ROLE_GO_ON;
}

static int
lock_down(pid_t parent)
{
	struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return give_up("PR_SET_DUMPABLE", EXIT_CODE_OUTSIDE);
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return give_up("RLIMIT_CORE", EXIT_CODE_OUTSIDE);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return give_up("PR_SET_NO_NEW_PRIVS", EXIT_CODE_OUTSIDE);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return give_up("PR_SET_PDEATHSIG", EXIT_CODE_OUTSIDE);
	if (getppid() != parent)
		return EXIT_CODE_DONE; /* and nobody is there to be told */
	return ROLE_GO_ON;
}

int
role_enter(struct role *r, pid_t parent)
{
	int code;

	set_name(r);
	code = take_signals(r);
	if (code == ROLE_GO_ON)
		code = close_others(r);
	if (code == ROLE_GO_ON && r->settings->pool.user[0] != '\0')
		code = become(r->settings->pool.user);
	return code == ROLE_GO_ON ? lock_down(parent) : code;
}
