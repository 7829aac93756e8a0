/* SPDX-License-Identifier: Apache-2.0 */
/* The gap after the n-th look is the table's n-th, later ones its last. Each
 * is moved by up to a tenth to either side, by a hash of the job's seed and n,
 * so that a job's looks can be told beforehand, and so that jobs that were
 * posted together do not look together.
 * Where only a resolver may be asked, a gap is at least the zone's negative
 * TTL: until it has run out the answer cannot change, and asking would plant
 * it anew. The look at the deadline is made all the same. */
#include "core/backoff.h"

/* Integer finaliser of MurmurHash3. */
static uint32_t
mix(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
}

static int64_t
spread(int64_t gap_ms, unsigned look_n, uint32_t seed)
{
	/* -1000 .. 1000, in steps of a hundredth of a percent of the gap */
	int64_t part =
	    (int64_t)(mix(seed ^ look_n * 0x9e3779b9u) % 2001) - 1000;

	/* in two terms, so that no gap is too long to be multiplied */
	return gap_ms + gap_ms / 10000 * part + gap_ms % 10000 * part / 10000;
}

int64_t
backoff_at(const struct backoff *table, unsigned look_n, int64_t last_at,
    int64_t deadline_at, uint32_t neg_ttl_s, uint32_t seed)
{
	unsigned i = look_n < table->n ? look_n : table->n;
	int64_t gap_ms = spread(table->gap_ms[i - 1], look_n, seed);
	int64_t neg_ttl_ms = (int64_t)neg_ttl_s * 1000;

	if (last_at >= deadline_at)
		return BACKOFF_NEVER;
	if (gap_ms < neg_ttl_ms)
		gap_ms = neg_ttl_ms;
	if (gap_ms < 1)
		gap_ms = 1;
	if (gap_ms >= deadline_at - last_at)
		return deadline_at;
	return last_at + gap_ms;
}
