/* SPDX-License-Identifier: Apache-2.0 */
/* It freezes by the window of time. Once frozen it counts looks instead of
 * time, in rounds of looks_min: a quiet hour is no sign of health, and a small
 * pool thaws as well as a large one, only later. A round thaws it in which the
 * misses are at most half of what would freeze. */
#include "core/guard.h"

#include <string.h>

void
guard_init(struct guard *g, unsigned percent, unsigned looks_min)
{
	*g = (struct guard){.percent = percent, .looks_min = looks_min};
}

static void
forget(struct guard *g, int64_t now)
{
	memset(g->slices, 0, sizeof(g->slices));
	g->slice = 0;
	g->slice_at = now;
}

/* Opens the slices that began since, each in the oldest one's place. */
static void
turn(struct guard *g, int64_t now)
{
	if (now - g->slice_at >= GUARD_WINDOW_MS)
		forget(g, now);
	while (now - g->slice_at >= GUARD_SLICE_MS) {
		g->slice = (g->slice + 1) % GUARD_SLICES;
		g->slices[g->slice] = (struct guard_slice){0};
		g->slice_at += GUARD_SLICE_MS;
	}
}

void
guard_counts(const struct guard *g, unsigned *looks, unsigned *misses)
{
	*looks = *misses = 0;
	for (size_t i = 0; i < GUARD_SLICES; i++) {
		*looks += g->slices[i].looks;
		*misses += g->slices[i].misses;
	}
}

static enum guard_news
judge_window(struct guard *g)
{
	unsigned looks, misses;

	guard_counts(g, &looks, &misses);
	if (looks < g->looks_min ||
	    (uint64_t)misses * 100 <= (uint64_t)looks * g->percent)
		return GUARD_SAME;
	g->frozen = true;
	return GUARD_FREEZES;
}

static enum guard_news
judge_round(struct guard *g, int64_t now)
{
	unsigned looks, misses;

	guard_counts(g, &looks, &misses);
	if (looks < g->looks_min)
		return GUARD_SAME;
	if ((uint64_t)misses * 200 > (uint64_t)looks * g->percent) {
		forget(g, now);
		return GUARD_SAME;
	}
	g->frozen = false;
	g->slice_at = now;
	return GUARD_THAWS;
}

enum guard_news
guard_look(struct guard *g, bool miss, int64_t now)
{
	if (g->percent == 0)
		return GUARD_SAME;
	if (!g->frozen)
		turn(g, now);
	g->slices[g->slice].looks++;
	g->slices[g->slice].misses += miss;
	return g->frozen ? judge_round(g, now) : judge_window(g);
}

bool
guard_frozen(const struct guard *g)
{
	return g->frozen;
}
