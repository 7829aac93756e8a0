/* SPDX-License-Identifier: Apache-2.0 */
#include "io/task.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_MS 10000

/* A run that waits until it may go on, and leaves what it saw. */
struct run {
	sem_t go;
	char name[16];
	bool signals_blocked;
	pthread_t self;
	int times;
};

static struct task *task;
static struct run run;
static int wake_fd;

static void
work(void *arg)
{
	struct run *r = arg;
	sigset_t blocked;

	sem_wait(&r->go);
	pthread_getname_np(pthread_self(), r->name, sizeof(r->name));
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	r->signals_blocked = sigismember(&blocked, SIGTERM) &&
			     sigismember(&blocked, SIGCHLD) &&
			     sigismember(&blocked, SIGINT);
	r->self = pthread_self();
	r->times++;
}

static int
set_up(void **state)
{
	struct err e;

	(void)state;
	memset(&run, 0, sizeof(run));
	sem_init(&run.go, 0, 0);
	wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return task_open(&task, "commit", wake_fd, &e) == OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	task_close(task);
	close(wake_fd);
	sem_destroy(&run.go);
	return 0;
}

static bool
woken(int limit_ms)
{
	struct pollfd fd = {.fd = wake_fd, .events = POLLIN};

	return poll(&fd, 1, limit_ms) == 1;
}

static void
an_end_is_told_once(void **state)
{
	(void)state;
	assert_int_equal(task_collect(task), TASK_IDLE);
	task_start(task, work, &run);
	assert_int_equal(task_collect(task), TASK_RUNNING);
	assert_false(woken(0));
	sem_post(&run.go);
	assert_true(woken(LIMIT_MS));
	assert_int_equal(task_collect(task), TASK_ENDED);
	assert_int_equal(task_collect(task), TASK_IDLE);
	assert_int_equal(run.times, 1);
	assert_string_equal(run.name, "commit");
	assert_true(run.signals_blocked);
	assert_false(pthread_equal(run.self, pthread_self()));
}

static void
one_thread_runs_all(void **state)
{
	pthread_t first = pthread_self();

	(void)state;
	for (int i = 0; i < 100; i++) {
		task_start(task, work, &run);
		sem_post(&run.go);
		assert_true(task_wait(task, LIMIT_MS));
		if (i == 0)
			first = run.self;
		assert_true(pthread_equal(first, run.self));
	}
	assert_int_equal(run.times, 100);
}

static void
a_wait_has_an_end(void **state)
{
	(void)state;
	assert_true(task_wait(task, 0)); /* nothing runs */
	task_start(task, work, &run);
	assert_false(task_wait(task, 0));
	assert_false(task_wait(task, 20));
	sem_post(&run.go);
	assert_true(task_wait(task, LIMIT_MS));
	assert_int_equal(task_collect(task), TASK_IDLE); /* it was collected */
}

static void
close_waits_for_the_run(void **state)
{
	(void)state;
	task_start(task, work, &run);
	sem_post(&run.go);
	task_close(task);
	task = NULL;
	assert_int_equal(run.times, 1);
	task_close(NULL);
}

#define task_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    task_test(an_end_is_told_once),
	    task_test(one_thread_runs_all),
	    task_test(a_wait_has_an_end),
	    task_test(close_waits_for_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
