/* SPDX-License-Identifier: Apache-2.0 */
#include "io/task.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct task {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under the lock */
	enum task_state state;
	bool closing;
	void (*run)(void *arg);
	void *arg;
	int wake_fd;
};

static void
wake(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	/* EAGAIN: the counter is full, so the fd is readable anyway */
}

static void *
task_thread(void *arg)
{
	struct task *t = arg;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		while (t->state != TASK_RUNNING && !t->closing)
			pthread_cond_wait(&t->changed, &t->lock);
		if (t->state != TASK_RUNNING)
			break;
		pthread_mutex_unlock(&t->lock);
		t->run(t->arg);
		pthread_mutex_lock(&t->lock);
		t->state = TASK_ENDED;
		pthread_cond_broadcast(&t->changed);
		wake(t->wake_fd);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* Signals are the loop's: the thread is born with all of them blocked. */
static int
start_thread(struct task *t, const char *name)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&t->thread, NULL, task_thread, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		pthread_setname_np(t->thread, name);
	return rc;
}

static void
make_locks(struct task *t)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->changed, &attr);
	pthread_condattr_destroy(&attr);
}

enum next
task_open(struct task **out, const char *name, int wake_fd, struct err *e)
{
	struct task *t = calloc(1, sizeof(*t));
	int rc;

	*out = NULL;
	if (t == NULL) {
		err_set(e, "thread %s: out of memory", name);
		return RETRY;
	}
	t->wake_fd = wake_fd;
	make_locks(t);
	rc = start_thread(t, name);
	if (rc == 0) {
		*out = t;
		return OK;
	}
	err_set(e, "thread %s: %s", name, strerror(rc));
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t);
	return RETRY;
}

void
task_start(struct task *t, void (*run)(void *arg), void *arg)
{
	pthread_mutex_lock(&t->lock);
	assert(t->state == TASK_IDLE);
	t->run = run;
	t->arg = arg;
	t->state = TASK_RUNNING;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

static enum task_state
collect(struct task *t)
{
	enum task_state state = t->state;

	if (state == TASK_ENDED)
		t->state = TASK_IDLE;
	return state;
}

enum task_state
task_collect(struct task *t)
{
	enum task_state state;

	pthread_mutex_lock(&t->lock);
	state = collect(t);
	pthread_mutex_unlock(&t->lock);
	return state;
}

static struct timespec
moment_after(int64_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

bool
task_wait(struct task *t, int64_t limit_ms)
{
	struct timespec until = moment_after(limit_ms);
	enum task_state state;
	int rc = 0;

	pthread_mutex_lock(&t->lock);
	while (t->state == TASK_RUNNING && rc == 0)
		rc = pthread_cond_timedwait(&t->changed, &t->lock, &until);
	state = collect(t);
	pthread_mutex_unlock(&t->lock);
	return state != TASK_RUNNING;
}

void
task_close(struct task *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->closing = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
