/* SPDX-License-Identifier: Apache-2.0 */
/* Due times as a binary heap that knows nothing of its content: each entry
 * lives inside its owner, which finds itself by `owner`. Pure. */
#pragma once
#include "core/err.h"

#define TIMER_IDLE SIZE_MAX

struct timer {
	int64_t due;  /* any unit, the caller's */
	size_t place; /* in the heap, TIMER_IDLE when not armed */
	void *owner;
};

struct timers {
	struct timer **heap; /* mem_alloc */
	size_t n, cap;
};

/* A zeroed struct timers is empty; a timer starts with place TIMER_IDLE. */
void timers_free(struct timers *t);
/* Arms or moves. RETRY: memory is out (only when it was idle). */
enum next timers_set(
    struct timers *t, struct timer *timer, int64_t due, struct err *e) MUST_USE;
void timers_clear(struct timers *t, struct timer *timer);
/* The earliest, NULL if none; stays armed. */
struct timer *timers_first(const struct timers *t);
