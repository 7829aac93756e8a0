/* SPDX-License-Identifier: Apache-2.0 */
#include "core/murmur2.h"

#define SEED 0x9747b28cu /* of Kafka's Java client */
#define M    0x5bd1e995u

static uint32_t
mix(uint32_t k)
{
	k *= M;
	k ^= k >> 24;
	return k * M;
}

/* Up to four octets, the first is the lowest. */
static uint32_t
load(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint32_t)p[i] << 8 * i;
	return v;
}

uint32_t
murmur2(const void *key, size_t len)
{
	const uint8_t *p = key;
	uint32_t h = SEED ^ (uint32_t)len;
	size_t left = len;

	for (; left >= 4; left -= 4, p += 4)
		h = h * M ^ mix(load(p, 4));
	if (left > 0)
		h = (h ^ load(p, left)) * M;
	h ^= h >> 13;
	h *= M;
	return h ^ h >> 15;
}

int32_t
murmur2_partition(const void *key, size_t len, int32_t partitions)
{
	return (int32_t)(murmur2(key, len) & 0x7fffffff) % partitions;
}
