/* SPDX-License-Identifier: Apache-2.0 */
#include "core/table.h"

#include "core/mem.h"

#include <string.h>

#define CAP_MIN 16

static uint64_t
rotate(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

/* One round of SipHash (Aumasson and Bernstein, 2012). */
static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static uint64_t
load(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

/* SipHash-1-3 with the key (seed, 0). */
uint64_t
table_hash(const void *bytes, size_t len, uint64_t seed)
{
	const uint8_t *p = bytes;
	uint64_t v[4] = {seed ^ 0x736f6d6570736575u, 0x646f72616e646f6du,
	    seed ^ 0x6c7967656e657261u, 0x7465646279746573u};
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8)
		sip_word(v, load(p, 8));
	sip_word(v, load(p, left) | (uint64_t)len << 56);
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
table_init(struct table *t, uint64_t seed)
{
	*t = (struct table){.seed = seed};
}

void
table_free(struct table *t)
{
	mem_free(t->slots);
	table_init(t, t->seed);
}

static size_t
first_slot(const struct table *t, const char *key)
{
	return table_hash(key, strlen(key), t->seed) & (t->cap - 1);
}

/* A deleted slot's key may be gone: it is not to be looked at. */
static struct table_slot *
slot_of(const struct table *t, const char *key)
{
	size_t i;

	if (t->n == 0)
		return NULL;
	for (i = first_slot(t, key); t->slots[i].key != NULL;
	     i = (i + 1) & (t->cap - 1)) {
		if (t->slots[i].value != NULL &&
		    strcmp(t->slots[i].key, key) == 0)
			return &t->slots[i];
	}
	return NULL;
}

void *
table_find(const struct table *t, const char *key)
{
	const struct table_slot *slot = slot_of(t, key);

	return slot == NULL ? NULL : slot->value;
}

static void
put(struct table *t, const char *key, void *value)
{
	size_t i = first_slot(t, key);

	while (t->slots[i].value != NULL)
		i = (i + 1) & (t->cap - 1);
	if (t->slots[i].key == NULL)
		t->used++;
	t->slots[i] = (struct table_slot){.key = key, .value = value};
	t->n++;
}

/* Room for one more entry, without what was deleted. */
static enum next
rebuild(struct table *t, struct err *e)
{
	struct table bigger = {.cap = CAP_MIN, .seed = t->seed};

	while (bigger.cap < (t->n + 1) * 2)
		bigger.cap *= 2;
	bigger.slots = mem_alloc(bigger.cap * sizeof(bigger.slots[0]));
	if (bigger.slots == NULL) {
		err_set(e, "no memory for a table of %zu", bigger.cap);
		return RETRY;
	}
	for (size_t i = 0; i < t->cap; i++) {
		if (t->slots[i].value != NULL)
			put(&bigger, t->slots[i].key, t->slots[i].value);
	}
	mem_free(t->slots);
	*t = bigger;
	return OK;
}

enum next
table_add(struct table *t, const char *key, void *value, struct err *e)
{
	/* a quarter stays free, so that a search ends soon */
	if ((t->used + 1) * 4 > t->cap * 3 && rebuild(t, e) != OK)
		return RETRY;
	put(t, key, value);
	return OK;
}

void *
table_remove(struct table *t, const char *key)
{
	struct table_slot *slot = slot_of(t, key);
	void *value;

	if (slot == NULL)
		return NULL;
	value = slot->value;
	slot->value = NULL;
	t->n--;
	return value;
}

void *
table_next(const struct table *t, size_t *at)
{
	while (*at < t->cap) {
		void *value = t->slots[(*at)++].value;

		if (value != NULL)
			return value;
	}
	return NULL;
}
