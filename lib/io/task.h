/* SPDX-License-Identifier: Apache-2.0 */
/* One function at a time on a thread of its own, whose end the loop can wait
 * for. The scheduler's commits, restores and Redis writes run so; tests link a
 * twin that runs them in line, in virtual time. The owner's thread calls all
 * of these. */
#pragma once
#include "core/err.h"

struct task;

/* wake_fd: an eventfd of the loop's, written when a run ends. name: of the
 * thread, at most 15 octets. */
enum next task_open(
    struct task **out, const char *name, int wake_fd, struct err *e) MUST_USE;
/* Starts run(arg). The previous run must have been collected. */
void task_start(struct task *t, void (*run)(void *arg), void *arg);
enum task_state { TASK_IDLE, TASK_RUNNING, TASK_ENDED };
/* ENDED is told once; the task is idle then. */
enum task_state task_collect(struct task *t);
/* Waits for a running function at most so long; true when it has ended (and
 * is then collected) or none was running. */
bool task_wait(struct task *t, int64_t limit_ms) MUST_USE;
/* Waits for the run to end, ends the thread. NULL is fine. */
void task_close(struct task *t);
