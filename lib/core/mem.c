/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN 16

void
arena_init(struct arena *a, void *buf, size_t cap)
{
	*a = (struct arena){.buf = buf, .cap = cap};
}

void *
arena_alloc(struct arena *a, size_t len)
{
	size_t start = (a->used + ALIGN - 1) / ALIGN * ALIGN;

	if (start > a->cap || len > a->cap - start) {
		a->full = true;
		return NULL;
	}
	a->used = start + len;
	return a->buf + start;
}

char *
arena_copy(struct arena *a, const void *bytes, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy == NULL)
		return NULL;
	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

void
arena_reset(struct arena *a)
{
	a->used = 0;
	a->full = false;
}

void *
mem_alloc(size_t len)
{
	return calloc(1, len);
}

void *
mem_grow(void *old, size_t len)
{
	return realloc(old, len);
}

void
mem_free(void *old)
{
	free(old);
}
