/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bytes.h"

#include <string.h>

void
reader_init(struct reader *r, const void *bytes, size_t len)
{
	*r = (struct reader){.p = bytes, .left = len};
}

const uint8_t *
reader_bytes(struct reader *r, size_t len)
{
	const uint8_t *at = r->p;

	if (r->bad || len > r->left) {
		r->bad = true;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return at;
}

static uint64_t
get(struct reader *r, size_t len)
{
	const uint8_t *at = reader_bytes(r, len);
	uint64_t v = 0;

	for (size_t i = 0; at != NULL && i < len; i++)
		v = v << 8 | at[i];
	return v;
}

uint8_t
reader_u8(struct reader *r)
{
	return (uint8_t)get(r, 1);
}

uint16_t
reader_u16(struct reader *r)
{
	return (uint16_t)get(r, 2);
}

uint32_t
reader_u32(struct reader *r)
{
	return (uint32_t)get(r, 4);
}

uint64_t
reader_u64(struct reader *r)
{
	return get(r, 8);
}

int64_t
reader_i64(struct reader *r)
{
	return (int64_t)get(r, 8);
}

size_t
reader_text(struct reader *r, char *out, size_t cap)
{
	size_t len = reader_u16(r);
	const uint8_t *at = reader_bytes(r, len);

	out[0] = '\0';
	if (at == NULL)
		return 0;
	if (len >= cap || memchr(at, '\0', len) != NULL) {
		r->bad = true;
		return 0;
	}
	memcpy(out, at, len);
	out[len] = '\0';
	return len;
}

size_t
reader_print(struct reader *r, char *out, size_t cap)
{
	size_t len = reader_text(r, out, cap);

	for (size_t i = 0; i < len; i++) {
		if (out[i] >= 0x20 && out[i] <= 0x7e)
			continue;
		r->bad = true;
		out[0] = '\0';
		return 0;
	}
	return len;
}

void
writer_init(struct writer *w, void *buf, size_t cap)
{
	*w = (struct writer){.buf = buf, .cap = cap};
}

static void
put(struct writer *w, uint64_t v, size_t len)
{
	uint8_t out[8];

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(v >> 8 * (len - 1 - i));
	writer_bytes(w, out, len);
}

void
writer_u16(struct writer *w, uint16_t v)
{
	put(w, v, 2);
}

void
writer_u32(struct writer *w, uint32_t v)
{
	put(w, v, 4);
}

void
writer_u64(struct writer *w, uint64_t v)
{
	put(w, v, 8);
}

void
writer_i64(struct writer *w, int64_t v)
{
	put(w, (uint64_t)v, 8);
}

void
writer_text(struct writer *w, const char *text)
{
	size_t len = strlen(text);

	if (len > UINT16_MAX) {
		w->bad = true;
		return;
	}
	writer_u16(w, (uint16_t)len);
	writer_bytes(w, text, len);
}
