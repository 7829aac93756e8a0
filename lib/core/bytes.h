/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors with a sticky error over bytes: big-endian integers, byte runs and
 * length-counted strings. Once bad is set a reader yields zeros and a writer
 * writes nothing, so that a whole record is read or written without a check a
 * field and judged once at its end. */
#pragma once
#include "core/err.h"

#include <string.h>

struct reader {
	const uint8_t *p;
	size_t left;
	bool bad; /* something was read past the end */
};

struct writer {
	uint8_t *buf;
	size_t cap;
	size_t len;
	bool bad; /* something did not fit; len stays at the last good byte */
};

void reader_init(struct reader *r, const void *bytes, size_t len);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
int64_t reader_i64(struct reader *r);
/* len bytes in place (valid as long as the input), NULL when bad. */
const uint8_t *reader_bytes(struct reader *r, size_t len);
/* A string written by writer_text into out[cap], NUL-terminated; longer than
 * cap - 1 or holding a NUL byte: bad, out is "". Returns its length. */
size_t reader_text(struct reader *r, char *out, size_t cap);
/* As reader_text; octets that are not printable ASCII: bad, out is "". */
size_t reader_print(struct reader *r, char *out, size_t cap);

void writer_init(struct writer *w, void *buf, size_t cap);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_i64(struct writer *w, int64_t v);
/* u16 length, then the bytes of the string without its NUL. */
void writer_text(struct writer *w, const char *text);

/* Here, since all JSON is put together from small pieces. */
static inline void
writer_bytes(struct writer *w, const void *bytes, size_t len)
{
	if (w->bad || len > w->cap - w->len) {
		w->bad = true;
		return;
	}
	if (len > 0)
		memcpy(w->buf + w->len, bytes, len);
	w->len += len;
}

static inline void
writer_u8(struct writer *w, uint8_t v)
{
	if (w->bad || w->len == w->cap) {
		w->bad = true;
		return;
	}
	w->buf[w->len++] = v;
}
