/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/task.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOLDS_MAX 8

struct task {
	char name[16];
	int wake_fd;
	enum task_state state;
	void (*run)(void *arg); /* NULL: nothing noted */
	void *arg;
	uint64_t order; /* of task_start */
	struct task *next;
};

static struct task *tasks;
static uint64_t starts;
static bool hold_all, wait_runs;
static char holds[HOLDS_MAX][16];
static size_t holds_n;

static bool
is_called(const struct task *t, const char *name)
{
	return name == NULL || strcmp(t->name, name) == 0;
}

static bool
is_held(const struct task *t)
{
	for (size_t i = 0; i < holds_n; i++) {
		if (is_called(t, holds[i]))
			return true;
	}
	return hold_all;
}

static void
run_now(struct task *t)
{
	void (*run)(void *arg) = t->run;
	uint64_t one = 1;

	t->run = NULL;
	run(t->arg);
	t->state = TASK_ENDED;
	if (write(t->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

enum next
task_open(struct task **out, const char *name, int wake_fd, struct err *e)
{
	struct task *t = calloc(1, sizeof(*t));

	*out = t;
	if (t == NULL) {
		err_set(e, "thread %s: out of memory", name);
		return RETRY;
	}
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->wake_fd = wake_fd;
	t->next = tasks;
	tasks = t;
	return OK;
}

void
task_start(struct task *t, void (*run)(void *arg), void *arg)
{
	assert(t->state == TASK_IDLE);
	t->state = TASK_RUNNING;
	t->run = run;
	t->arg = arg;
	t->order = ++starts;
	if (!is_held(t))
		run_now(t);
}

enum task_state
task_collect(struct task *t)
{
	enum task_state state = t->state;

	if (state == TASK_ENDED)
		t->state = TASK_IDLE;
	return state;
}

/* Virtual time does not pass here: a held run has not ended, unless it was
 * said that it does. */
bool
task_wait(struct task *t, int64_t limit_ms)
{
	(void)limit_ms;
	if (wait_runs && t->run != NULL)
		run_now(t);
	return task_collect(t) != TASK_RUNNING;
}

void
task_close(struct task *t)
{
	struct task **at = &tasks;

	if (t == NULL)
		return;
	if (t->run != NULL)
		run_now(t);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free(t);
}

void
fake_task_hold(const char *name)
{
	if (name == NULL) {
		hold_all = true;
		return;
	}
	assert(holds_n < HOLDS_MAX && strlen(name) < sizeof(holds[0]));
	strcpy(holds[holds_n++], name);
}

void
fake_task_wait_runs(void)
{
	wait_runs = true;
}

/* The one that was started first, of those started up to `last`. */
static struct task *
first_noted(const char *name, uint64_t last)
{
	struct task *first = NULL;

	for (struct task *t = tasks; t != NULL; t = t->next) {
		if (t->run == NULL || !is_called(t, name) || t->order > last)
			continue;
		if (first == NULL || t->order < first->order)
			first = t;
	}
	return first;
}

size_t
fake_task_run(const char *name)
{
	uint64_t last = starts;
	struct task *t;
	size_t n = 0;

	while ((t = first_noted(name, last)) != NULL) {
		run_now(t);
		n++;
	}
	return n;
}

void
fake_task_release(const char *name)
{
	size_t n = 0;

	wait_runs = false;
	if (name == NULL)
		hold_all = false;
	for (size_t i = 0; name != NULL && i < holds_n; i++) {
		if (strcmp(holds[i], name) != 0)
			memmove(holds[n++], holds[i], sizeof(holds[i]));
	}
	holds_n = n;
	fake_task_run(name);
}

size_t
fake_task_waiting(const char *name)
{
	size_t n = 0;

	for (const struct task *t = tasks; t != NULL; t = t->next)
		n += t->run != NULL && is_called(t, name);
	return n;
}

void
fake_task_forget(void)
{
	for (struct task *t = tasks; t != NULL; t = t->next) {
		if (t->run != NULL)
			t->state = TASK_IDLE;
		t->run = NULL;
	}
	hold_all = wait_runs = false;
	holds_n = 0;
}
