/* SPDX-License-Identifier: Apache-2.0 */
/* When to look again at a job that is not settled. Dense at first, hourly
 * later, one last look exactly at the deadline. Pure; times are the broker's
 * wall clock in ms. */
#pragma once
#include "core/err.h"

#define BACKOFF_GAPS_MAX 32
#define BACKOFF_NEVER	 INT64_MAX

struct backoff {
	unsigned n;			  /* gaps, 1 .. BACKOFF_GAPS_MAX */
	int64_t gap_ms[BACKOFF_GAPS_MAX]; /* after look 1, 2, ...; the last one
					   * repeats; each >= 1 */
};

/* look_n      looks made so far, >= 1     last_at  when the last one began
 * deadline_at the job's deadline          neg_ttl_s 0 = asked past caches
 * seed        of the job's identity: spreads jobs posted together by +-10 %
 * Returns last_at < due <= deadline_at, or BACKOFF_NEVER when the look at the
 * deadline has been made (last_at >= deadline_at). Never sooner than the
 * negative TTL, but the look at the deadline is always made. Cannot fail. */
int64_t backoff_at(const struct backoff *table, unsigned look_n,
    int64_t last_at, int64_t deadline_at, uint32_t neg_ttl_s, uint32_t seed);
