/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/supervisor.h"

#include "core/wire.h"
#include "io/clock.h"
#include "io/frame.h"
#include "io/log.h"
#include "io/notify.h"
#include "io/slot.h"
#include "worker/here.h"
#include "worker/role.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MAX_MS 60000

/* What a crew works by. */
struct orders {
	struct settings settings;
	struct policy policy;
};

/* A child's place; lines are remade with each scheduler. */
struct place {
	pid_t pid;	   /* 0: no process */
	bool unborn;	   /* its start failed */
	int scheduler_end; /* of a resolver's line; open until the scheduler
			    * has it */
	int resolver_end;  /* kept: a new resolver gets the same */
	uint64_t beats;	   /* at the last look of the watchdog */
};

struct supervisor {
	const char *path;
	struct orders *orders;
	struct orders *next_orders; /* for the next crew, NULL: the same */
	struct children crew;
	struct place place[CHILDREN_MAX];
	struct shm *shm;
	int signal_fd;
	int ready_fd;
	int lock_fd;
	int line_fd;	       /* our end of the line to the scheduler */
	int line_scheduler_fd; /* its end, until it has it */
	struct notify notify;
	int64_t watch_due;
	bool ready;    /* the service manager was told */
	bool stopping; /* has been asked to */
};

static void feed(struct supervisor *s, size_t child, enum child_event ev);

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* -- settings ------------------------------------------------------------ */

static struct orders *
orders_read(const char *path, struct err *e)
{
	struct orders *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	if (conf_read(path, &o->settings, &o->policy, e) == OK &&
	    here_check(&o->settings, e) == OK &&
	    here_check_rights(&o->settings, e) == OK)
		return o;
	conf_free(&o->policy);
	free(o);
	return NULL;
}

static void
orders_free(struct orders *o)
{
	if (o == NULL)
		return;
	conf_free(&o->policy);
	free(o);
}

static unsigned
resolvers_wanted(const struct settings *settings)
{
	cpu_set_t cores;
	unsigned n = settings->pool.resolvers;

	if (n == 0 && sched_getaffinity(0, sizeof(cores), &cores) == 0)
		n = (unsigned)CPU_COUNT(&cores);
	if (n == 0)
		n = 1;
	return n < CHILDREN_MAX ? n : CHILDREN_MAX - 1;
}

static void
apply_level(const struct settings *settings)
{
	enum log_level least = LOG_INFO;

	if (!log_level_parse(settings->log_level, &least))
		least = LOG_INFO;
	log_open("supervisor", least);
}

/* All or nothing: a crew goes on under the old settings if the new ones are
 * not right. */
static void
reload(struct supervisor *s)
{
	struct err e;
	struct orders *o = orders_read(s->path, &e);
	const char *fixed;

	if (s->stopping || o == NULL) {
		if (o == NULL)
			log_line(LOG_ERROR, "settings.refused",
			    FIELDS(TEXT("why", e.text),
				TEXT("so", "the old ones stay in force")));
		orders_free(o);
		return;
	}
	fixed = conf_fixed_differs(&s->orders->settings, &o->settings);
	if (fixed != NULL) {
		log_line(LOG_ERROR, "settings.refused",
		    FIELDS(TEXT("why", "needs a restart to change"),
			TEXT("key", fixed),
			TEXT("so", "the old ones stay in force")));
		orders_free(o);
		return;
	}
	orders_free(s->next_orders);
	s->next_orders = o;
	log_line(LOG_INFO, "settings.read",
	    FIELDS(TEXT("file", o->settings.path),
		TEXT("policy", o->policy.version)));
	feed(s, 0, CHILD_EV_CYCLE);
}

/* Between two crews, when no child holds the old ones. */
static void
adopt(struct supervisor *s)
{
	if (s->next_orders == NULL || s->stopping ||
	    !children_all_down(&s->crew))
		return;
	orders_free(s->orders);
	s->orders = s->next_orders;
	s->next_orders = NULL;
	apply_level(&s->orders->settings);
	children_init(
	    &s->crew, resolvers_wanted(&s->orders->settings), clock_mono_ms());
}

/* -- lines --------------------------------------------------------------- */

static void
lines_close(struct supervisor *s)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		shut(&s->place[i].scheduler_end);
		shut(&s->place[i].resolver_end);
	}
	shut(&s->line_fd);
	shut(&s->line_scheduler_fd);
}

/* New ones for each scheduler: what an older one said is not for it. */
static bool
lines_make(struct supervisor *s)
{
	struct err e;
	int fd[2];

	lines_close(s);
	for (size_t i = 1; i < s->crew.n; i++) {
		if (frame_pair(fd, &e) != OK)
			goto failed;
		s->place[i].scheduler_end = fd[0];
		s->place[i].resolver_end = fd[1];
	}
	if (frame_pair(fd, &e) != OK)
		goto failed;
	s->line_fd = fd[0];
	s->line_scheduler_fd = fd[1];
	return true;
failed:
	log_line(LOG_ERROR, "crew.no_lines", FIELDS(TEXT("why", e.text)));
	lines_close(s);
	return false;
}

/* A frame that finds no room is not sent again: a new resolver says HELLO,
 * and a look that kills is blamed once more. */
static void
tell_scheduler(struct supervisor *s, size_t child, const char *poisoned)
{
	uint8_t frame[WIRE_MESSAGE_MAX];
	struct writer w;

	if (s->line_fd < 0)
		return;
	writer_init(&w, frame, sizeof(frame));
	if (poisoned != NULL) {
		struct wire_poison m;

		memcpy(m.subject, poisoned, sizeof(m.subject));
		wire_put_poison(&w, &m);
	}
	wire_put_gone(
	    &w, &(struct wire_gone){.index = s->crew.child[child].index});
	if (frame_send(s->line_fd, frame, w.len) != FRAME_DONE)
		log_line(LOG_WARN, "crew.not_told",
		    FIELDS(INT("resolver", s->crew.child[child].index)));
}

/* -- children ------------------------------------------------------------ */

static struct role
role_of(struct supervisor *s, size_t child)
{
	struct role r = {
	    .settings = &s->orders->settings,
	    .policy = &s->orders->policy,
	    .shm = s->shm,
	    .kind = s->crew.child[child].role,
	    .index = s->crew.child[child].index,
	    .child = child,
	    .supervisor_fd = s->line_scheduler_fd,
	    .ready_fd = s->ready_fd,
	    .resolvers_n = s->crew.n - 1,
	    .scheduler_fd = s->place[child].resolver_end,
	};

	for (size_t i = 1; i < s->crew.n; i++)
		r.resolver_fd[i - 1] = s->place[i].scheduler_end;
	return r;
}

static _Noreturn void
live(struct role *r, pid_t parent)
{
	int code = role_enter(r, parent);

	if (code < 0)
		code = r->kind == CHILD_SCHEDULER ? scheduler_main(r)
						  : resolver_main(r);
	_exit(code);
}

static void
start(struct supervisor *s, size_t child)
{
	bool scheduler = s->crew.child[child].role == CHILD_SCHEDULER;
	struct place *place = &s->place[child];
	struct role r;
	pid_t parent = getpid();

	place->unborn = true;
	if (scheduler && !lines_make(s))
		return;
	if (!scheduler && place->resolver_end < 0)
		return;
	r = role_of(s, child);
	shm_reset(s->shm, child);
	place->beats = 0;
	place->pid = fork();
	if (place->pid == 0)
		live(&r, parent);
	if (place->pid < 0) {
		log_line(LOG_ERROR, "child.no_fork",
		    FIELDS(TEXT("why", strerror(errno))));
		place->pid = 0;
		return;
	}
	place->unborn = false;
	if (!scheduler)
		return;
	shut(&s->line_scheduler_fd);
	for (size_t i = 1; i < s->crew.n; i++)
		shut(&s->place[i].scheduler_end);
}

static void
perform(struct supervisor *s, const struct child_action *a)
{
	pid_t pid = s->place[a->child].pid;

	switch (a->verb) {
	case CHILD_DO_START:
		start(s, a->child);
		break;
	case CHILD_DO_TERM:
		if (pid > 0)
			kill(pid, SIGTERM);
		break;
	case CHILD_DO_KILL:
		if (pid > 0)
			kill(pid, SIGKILL);
		break;
	}
}

static void
feed(struct supervisor *s, size_t child, enum child_event ev)
{
	struct child_action todo[CHILDREN_MAX];
	size_t n = children_step(&s->crew, child, ev, clock_mono_ms(), todo);

	for (size_t i = 0; i < n; i++)
		perform(s, &todo[i]);
}

/* A start that failed is an end like any other, told when all else of the
 * same step is done. */
static void
bury_unborn(struct supervisor *s)
{
	for (size_t i = 0; i < s->crew.n; i++) {
		if (!s->place[i].unborn)
			continue;
		s->place[i].unborn = false;
		feed(s, i, CHILD_EV_EXIT_OUTSIDE);
	}
}

static void
log_end(const struct supervisor *s, size_t child, int status, pid_t pid)
{
	const struct child *c = &s->crew.child[child];
	bool asked = c->state != CHILD_UP;
	bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	log_line(asked	? LOG_INFO
		 : fine ? LOG_WARN
			: LOG_ERROR,
	    "child.ended",
	    FIELDS(TEXT("child",
		       c->role == CHILD_SCHEDULER ? "scheduler" : "resolver"),
		INT("index", c->index), INT("child_pid", pid),
		INT("code", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
		INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0)));
}

/* A death by a bug, and not by our own SIGKILL, is laid to what the child was
 * working on. */
static void
bury(struct supervisor *s, size_t child, int status)
{
	const struct child *c = &s->crew.child[child];
	enum child_event ev = children_event_of(status);
	char what[RECORD_KEY_MAX + 1];
	unsigned strikes = 0;

	if (ev == CHILD_EV_EXIT_BUG && c->state != CHILD_KILLED)
		strikes = shm_blame(s->shm, child, what);
	if (strikes > 0)
		log_line(LOG_ERROR, "child.blames",
		    FIELDS(TEXT("what", what), INT("strikes", strikes)));
	if (c->role == CHILD_RESOLVER)
		tell_scheduler(
		    s, child, strikes >= SHM_POISON_STRIKES ? what : NULL);
	else
		shut(&s->line_fd);
	feed(s, child, ev);
}

static void
reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		size_t i = 0;

		while (i < s->crew.n && s->place[i].pid != pid)
			i++;
		if (i == s->crew.n)
			continue; /* as process 1 we inherit orphans */
		s->place[i].pid = 0;
		log_end(s, i, status, pid);
		bury(s, i, status);
	}
}

/* -- the loop ------------------------------------------------------------ */

static void
stop(struct supervisor *s, enum child_event ev)
{
	if (!s->stopping) {
		notify_say(&s->notify, "STOPPING=1");
		log_line(LOG_INFO, "crew.stopping", NULL);
	}
	s->stopping = true;
	feed(s, 0, ev);
}

static void
on_signals(struct supervisor *s)
{
	struct signalfd_siginfo got;

	while (read(s->signal_fd, &got, sizeof(got)) == sizeof(got)) {
		switch (got.ssi_signo) {
		case SIGCHLD:
			reap(s);
			break;
		case SIGTERM:
			stop(
			    s, s->stopping ? CHILD_EV_STOP_NOW : CHILD_EV_STOP);
			break;
		case SIGINT:
			stop(s, CHILD_EV_STOP_NOW);
			break;
		case SIGHUP:
			reload(s);
			break;
		}
	}
}

static void
on_ready(struct supervisor *s)
{
	eventfd_t n;

	if (eventfd_read(s->ready_fd, &n) != 0 || !shm_ready_get(s->shm, 0))
		return;
	if (!s->ready)
		notify_say(&s->notify, "READY=1");
	s->ready = true;
	log_line(LOG_INFO, "crew.ready", NULL);
}

/* One child that stands still is enough to be silent. One that is not there
 * does not count: its restarts are limited elsewhere. */
static bool
all_moved(struct supervisor *s)
{
	bool moved = true;

	for (size_t i = 0; i < s->crew.n; i++) {
		uint64_t beats = shm_beats(s->shm, i);

		if (s->crew.child[i].state == CHILD_UP &&
		    beats == s->place[i].beats)
			moved = false;
		s->place[i].beats = beats;
	}
	return moved;
}

static void
watch(struct supervisor *s)
{
	if (s->notify.watch_ms == 0 || clock_mono_ms() < s->watch_due)
		return;
	s->watch_due = clock_mono_ms() + s->notify.watch_ms;
	if (all_moved(s))
		notify_say(&s->notify, "WATCHDOG=1");
	else
		log_line(LOG_WARN, "crew.stands_still", NULL);
}

static int
wait_ms(const struct supervisor *s)
{
	int64_t due = children_next_due(&s->crew);
	int64_t now = clock_mono_ms();

	if (s->notify.watch_ms > 0 && s->watch_due < due)
		due = s->watch_due;
	if (due <= now)
		return 0;
	return due - now < WAIT_MAX_MS ? (int)(due - now) : WAIT_MAX_MS;
}

static void
loop(struct supervisor *s)
{
	struct pollfd fds[] = {
	    {.fd = s->signal_fd, .events = POLLIN},
	    {.fd = s->ready_fd, .events = POLLIN},
	};

	while (!children_ended(&s->crew)) {
		adopt(s);
		feed(s, 0, CHILD_EV_TICK);
		bury_unborn(s);
		watch(s);
		poll(fds, ARRAY_LEN(fds), wait_ms(s));
		if (fds[0].revents != 0)
			on_signals(s);
		if (fds[1].revents != 0)
			on_ready(s);
	}
}

/* -- start and end ------------------------------------------------------- */

/* 0, 1 and 2 are open, be it to nowhere: no later descriptor may be taken for
 * standard error. */
static void
open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static int
signals_open(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Returns the exit code to end with, or -1. */
static int
prepare(struct supervisor *s, struct err *e)
{
	const struct settings *settings;

	s->orders = orders_read(s->path, e);
	if (s->orders == NULL)
		return EXIT_CODE_USAGE;
	settings = &s->orders->settings;
	apply_level(settings);
	if (slot_lock(&s->lock_fd, settings->pool.run_dir, settings->pool.name,
		settings->pool.slot, e) != OK)
		return EXIT_CODE_USAGE;
	if (shm_open_crew(&s->shm, e) != OK)
		return EXIT_CODE_OUTSIDE;
	s->ready_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->signal_fd >= 0 && s->ready_fd >= 0)
		return -1;
	err_set(e, "signalfd, eventfd: %s", strerror(errno));
	return EXIT_CODE_OUTSIDE;
}

static int
run(struct supervisor *s)
{
	struct err e;
	int code = prepare(s, &e);

	if (code >= 0) {
		log_line(LOG_ERROR, "start.failed",
		    FIELDS(TEXT("why", e.text), INT("code", code)));
		return code;
	}
	notify_open(&s->notify);
	children_init(
	    &s->crew, resolvers_wanted(&s->orders->settings), clock_mono_ms());
	log_line(LOG_INFO, "crew.starting",
	    FIELDS(TEXT("version", DOMAINPROOF_VERSION),
		TEXT("pool", s->orders->settings.pool.name),
		TEXT("slot", s->orders->settings.pool.slot),
		TEXT("settings", s->orders->settings.path),
		TEXT("policy", s->orders->policy.version),
		INT("resolvers", (int64_t)s->crew.n - 1)));
	loop(s);
	log_line(
	    LOG_INFO, "crew.ended", FIELDS(INT("code", s->crew.exit_code)));
	return s->crew.exit_code;
}

int
supervisor_run(const char *path)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	int code;

	if (s == NULL)
		return EXIT_CODE_OUTSIDE;
	open_standard();
	*s = (struct supervisor){.path = path,
	    .ready_fd = -1,
	    .lock_fd = -1,
	    .line_fd = -1,
	    .line_scheduler_fd = -1,
	    .notify = {.fd = -1}};
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		s->place[i].scheduler_end = s->place[i].resolver_end = -1;
	log_open("supervisor", LOG_INFO);
	s->signal_fd = signals_open();
	code = run(s);
	lines_close(s);
	notify_close(&s->notify);
	shut(&s->ready_fd);
	shut(&s->signal_fd);
	shut(&s->lock_fd);
	shm_close(s->shm);
	orders_free(s->orders);
	orders_free(s->next_orders);
	free(s);
	return code;
}
