/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of the scenario tests, linked in place of io/task.c: no threads. A run
 * happens within task_start, unless its task is held: then it happens when the
 * test says so, so that a test can put anything between the start of a commit
 * and its end. Tasks are named as in task_open; NULL means all of them. */
#pragma once
#include "io/task.h"

/* From now on task_start only notes what is to be run. Also for tasks that are
 * opened later under this name. At most 8 names. */
void fake_task_hold(const char *name);
/* Runs what is noted, in the order of task_start, and goes on holding. Returns
 * how many runs. What these start is noted again, not run. */
size_t fake_task_run(const char *name);
/* Holds no longer, and runs what is noted. */
void fake_task_release(const char *name);
/* From now on a held run ends when it is waited for (task_wait). */
void fake_task_wait_runs(void);
/* How many runs are noted. */
size_t fake_task_waiting(const char *name);
/* Crash of the process: what is noted never happens; nothing is held. The
 * tasks themselves stay the test's to close. */
void fake_task_forget(void);
