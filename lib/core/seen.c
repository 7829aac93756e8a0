/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of buckets, one a day, each a hash table with open addressing. One
 * bucket more than the window has days: the window begins inside a day. */
#include "core/seen.h"

#include "core/mem.h"
#include "core/table.h"

#include <string.h>

#define DAY_MS	  ((int64_t)24 * 3600 * 1000)
#define CAP_MIN	  64
#define DAY_NEVER INT64_MIN

enum slot_state { SLOT_FREE, SLOT_LIVE, SLOT_REPLACED };

struct slot {
	struct seen_entry entry;
	uint8_t state; /* enum slot_state */
};

struct bucket {
	int64_t day;
	size_t n;    /* live */
	size_t used; /* live and replaced */
	size_t cap;  /* a power of two, or 0 */
	struct slot *slots;
};

struct seen {
	uint64_t hash_seed;
	int64_t newest_day;
	size_t buckets_n;
	struct bucket bucket[];
};

enum next
seen_open(
    struct seen **out, int64_t window_ms, uint64_t hash_seed, struct err *e)
{
	size_t buckets_n = (size_t)((window_ms + DAY_MS - 1) / DAY_MS) + 1;
	struct seen *s =
	    mem_alloc(sizeof(*s) + buckets_n * sizeof(s->bucket[0]));

	*out = s;
	if (s == NULL) {
		err_set(e, "no memory for the identities seen");
		return RETRY;
	}
	s->hash_seed = hash_seed;
	s->newest_day = DAY_NEVER;
	s->buckets_n = buckets_n;
	for (size_t i = 0; i < buckets_n; i++)
		s->bucket[i].day = DAY_NEVER;
	return OK;
}

static void
bucket_drop(struct bucket *b)
{
	mem_free(b->slots);
	*b = (struct bucket){.day = DAY_NEVER};
}

void
seen_free(struct seen *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->buckets_n; i++)
		bucket_drop(&s->bucket[i]);
	mem_free(s);
}

static size_t
first_slot(const struct seen *s, const struct bucket *b, const uint8_t *digest)
{
	return table_hash(digest, SEEN_DIGEST, s->hash_seed) & (b->cap - 1);
}

static struct slot *
bucket_find(const struct seen *s, const struct bucket *b, const uint8_t *digest)
{
	size_t i;

	if (b->n == 0)
		return NULL;
	for (i = first_slot(s, b, digest); b->slots[i].state != SLOT_FREE;
	     i = (i + 1) & (b->cap - 1)) {
		if (b->slots[i].state == SLOT_LIVE &&
		    memcmp(b->slots[i].entry.digest, digest, SEEN_DIGEST) == 0)
			return &b->slots[i];
	}
	return NULL;
}

static void
bucket_put(
    const struct seen *s, struct bucket *b, const struct seen_entry *entry)
{
	size_t i = first_slot(s, b, entry->digest);

	while (b->slots[i].state != SLOT_FREE)
		i = (i + 1) & (b->cap - 1);
	b->slots[i] = (struct slot){.entry = *entry, .state = SLOT_LIVE};
	b->n++;
	b->used++;
}

static enum next
bucket_grow(const struct seen *s, struct bucket *b, struct err *e)
{
	struct bucket bigger = {.day = b->day, .cap = CAP_MIN};

	if ((b->used + 1) * 4 <= b->cap * 3)
		return OK;
	while (bigger.cap < (b->n + 1) * 2)
		bigger.cap *= 2;
	bigger.slots = mem_alloc(bigger.cap * sizeof(bigger.slots[0]));
	if (bigger.slots == NULL) {
		err_set(e, "no memory for %zu identities seen", bigger.cap);
		return RETRY;
	}
	for (size_t i = 0; i < b->cap; i++) {
		if (b->slots[i].state == SLOT_LIVE)
			bucket_put(s, &bigger, &b->slots[i].entry);
	}
	mem_free(b->slots);
	*b = bigger;
	return OK;
}

static bool
too_old(const struct seen *s, int64_t day)
{
	return s->newest_day != DAY_NEVER &&
	       day <= s->newest_day - (int64_t)s->buckets_n;
}

/* Days have gone by: what is older than the window is forgotten. */
static void
move_on(struct seen *s, int64_t day)
{
	if (day <= s->newest_day)
		return;
	s->newest_day = day;
	for (size_t i = 0; i < s->buckets_n; i++) {
		if (s->bucket[i].day != DAY_NEVER &&
		    too_old(s, s->bucket[i].day))
			bucket_drop(&s->bucket[i]);
	}
}

/* Where the digest is, and in which bucket. */
static struct slot *
find(struct seen *s, const uint8_t *digest, struct bucket **in)
{
	for (size_t i = 0; i < s->buckets_n; i++) {
		struct slot *slot = bucket_find(s, &s->bucket[i], digest);

		*in = &s->bucket[i];
		if (slot != NULL)
			return slot;
	}
	return NULL;
}

enum next
seen_add(
    struct seen *s, const struct seen_entry *entry, int64_t at, struct err *e)
{
	int64_t day = at < 0 ? 0 : at / DAY_MS;
	struct bucket *b = &s->bucket[(uint64_t)day % s->buckets_n];
	struct bucket *old_in;
	struct slot *old;

	if (too_old(s, day))
		return OK;
	move_on(s, day);
	b->day = day;
	if (bucket_grow(s, b, e) != OK)
		return RETRY;
	old = find(s, entry->digest, &old_in);
	if (old != NULL) {
		old->state = SLOT_REPLACED;
		old_in->n--;
	}
	bucket_put(s, b, entry);
	return OK;
}

const struct seen_entry *
seen_find(const struct seen *s, const uint8_t digest[SEEN_DIGEST])
{
	for (size_t i = 0; i < s->buckets_n; i++) {
		const struct slot *slot = bucket_find(s, &s->bucket[i], digest);

		if (slot != NULL)
			return &slot->entry;
	}
	return NULL;
}

size_t
seen_count(const struct seen *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->buckets_n; i++)
		n += s->bucket[i].n;
	return n;
}
