/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timers.h"

#include "core/mem.h"

#define CAP_MIN 64

void
timers_free(struct timers *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->heap[i]->place = TIMER_IDLE;
	mem_free(t->heap);
	*t = (struct timers){.heap = NULL};
}

static void
set(struct timers *t, size_t place, struct timer *timer)
{
	t->heap[place] = timer;
	timer->place = place;
}

static void
sift_up(struct timers *t, struct timer *timer)
{
	size_t at = timer->place;

	while (at > 0 && t->heap[(at - 1) / 2]->due > timer->due) {
		set(t, at, t->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	set(t, at, timer);
}

/* The earlier of the two below `at`; t->n when there is none. */
static size_t
child(const struct timers *t, size_t at)
{
	size_t left = 2 * at + 1, right = left + 1;

	if (left >= t->n)
		return t->n;
	if (right < t->n && t->heap[right]->due < t->heap[left]->due)
		return right;
	return left;
}

static void
sift_down(struct timers *t, struct timer *timer)
{
	size_t at = timer->place, below = child(t, at);

	while (below < t->n && t->heap[below]->due < timer->due) {
		set(t, at, t->heap[below]);
		at = below;
		below = child(t, at);
	}
	set(t, at, timer);
}

static enum next
make_room(struct timers *t, struct err *e)
{
	size_t cap = t->cap == 0 ? CAP_MIN : t->cap * 2;
	struct timer **heap;

	if (t->n < t->cap)
		return OK;
	heap = mem_grow(t->heap, cap * sizeof(heap[0]));
	if (heap == NULL) {
		err_set(e, "no memory for %zu timers", cap);
		return RETRY;
	}
	t->heap = heap;
	t->cap = cap;
	return OK;
}

enum next
timers_set(struct timers *t, struct timer *timer, int64_t due, struct err *e)
{
	if (timer->place == TIMER_IDLE) {
		if (make_room(t, e) != OK)
			return RETRY;
		set(t, t->n++, timer);
	}
	timer->due = due;
	sift_up(t, timer);
	sift_down(t, timer);
	return OK;
}

void
timers_clear(struct timers *t, struct timer *timer)
{
	size_t place = timer->place;
	struct timer *last;

	if (place == TIMER_IDLE)
		return;
	timer->place = TIMER_IDLE;
	last = t->heap[--t->n];
	if (last == timer)
		return;
	set(t, place, last);
	sift_up(t, last);
	sift_down(t, last);
}

struct timer *
timers_first(const struct timers *t)
{
	return t->n == 0 ? NULL : t->heap[0];
}
