/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the core: an arena over a fixed buffer, for what varies in size
 * during one job, and the three calls by which long-lived tables allocate.
 * Tests link a twin of mem_alloc and mem_grow that fails at the n-th call. */
#pragma once
#include "core/err.h"

struct arena {
	uint8_t *buf;
	size_t cap;
	size_t used;
	bool full; /* sticky: some arena_alloc since the reset returned NULL */
};

/* The buffer stays the caller's and must outlive the arena's use. */
void arena_init(struct arena *a, void *buf, size_t cap);
/* len bytes aligned to 16, not cleared; NULL when they do not fit. */
void *arena_alloc(struct arena *a, size_t len);
/* A copy of len bytes with a NUL behind them; NULL when it does not fit. */
char *arena_copy(struct arena *a, const void *bytes, size_t len);
void arena_reset(struct arena *a);

/* len > 0 bytes, cleared; NULL when memory is out. Freed by mem_free. */
void *mem_alloc(size_t len) MUST_USE;
/* realloc: NULL leaves old untouched; new bytes are not cleared. */
void *mem_grow(void *old, size_t len) MUST_USE;
void mem_free(void *old);
