/* SPDX-License-Identifier: Apache-2.0 */
/* Hash table from a string key to a pointer, open addressing; the keys are the
 * caller's memory and must live as long as their entry. Pure. */
#pragma once
#include "core/err.h"

struct table {
	struct table_slot *slots; /* mem_alloc; NULL while empty */
	size_t cap;		  /* a power of two, or 0 */
	size_t n;		  /* live entries */
	size_t used;		  /* live and deleted */
	uint64_t seed;
};

struct table_slot {
	const char *key; /* NULL: free */
	void *value;	 /* NULL: deleted */
};

/* seed: random per process, against chosen collisions. */
void table_init(struct table *t, uint64_t seed);
void table_free(struct table *t);
void *table_find(const struct table *t, const char *key);
/* key must not be in t yet; value not NULL. RETRY: memory is out. */
enum next table_add(
    struct table *t, const char *key, void *value, struct err *e) MUST_USE;
/* Returns the value removed, NULL if there was none. */
void *table_remove(struct table *t, const char *key);
/* Walks: *at begins at 0; NULL at the end. No change while walking. */
void *table_next(const struct table *t, size_t *at);
uint64_t table_hash(const void *bytes, size_t len, uint64_t seed);
