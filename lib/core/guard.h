/* SPDX-License-Identifier: Apache-2.0 */
/* The brake on mass demotion: when suddenly many looks at what is proven turn
 * out as misses, the fault is more likely ours (a resolver, our own include, a
 * release) than that of thousands of owners. While it is on, misses change no
 * status. Pure; a window of slices of time, fixed memory. */
#pragma once
#include "core/err.h"

#define GUARD_SLICES	12
#define GUARD_SLICE_MS	60000
#define GUARD_WINDOW_MS (GUARD_SLICES * (int64_t)GUARD_SLICE_MS)

struct guard {
	unsigned percent;   /* more misses than that of looks freeze, 0 = off */
	unsigned looks_min; /* in the window, before it may freeze */
	bool frozen;
	int64_t slice_at; /* when the newest slice began */
	unsigned slice;
	struct guard_slice {
		unsigned looks, misses;
	} slices[GUARD_SLICES];
};

enum guard_news { GUARD_SAME, GUARD_FREEZES, GUARD_THAWS };

void guard_init(struct guard *g, unsigned percent, unsigned looks_min);
/* A definitive look at a check that was proven has ended, now in ms of a clock
 * that does not go back. */
enum guard_news guard_look(struct guard *g, bool miss, int64_t now);
bool guard_frozen(const struct guard *g);
/* Of the window, for the log. */
void guard_counts(const struct guard *g, unsigned *looks, unsigned *misses);
