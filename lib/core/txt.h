/* SPDX-License-Identifier: Apache-2.0 */
/* TXT data as bytes: joining the character-strings of one record (RFC 1035
 * section 3.3.14: nothing between them), printing bytes safely, and lists of
 * `tag=value` words. Nothing here trusts a NUL. Pure. */
#pragma once
#include "core/err.h"

/* Joins the character-strings of one TXT RDATA into out[cap]. Returns false
 * when a string runs past the end, the RDATA is empty (RFC 1035: one or more
 * strings), or the result does not fit; *len is then 0. */
bool txt_join(const uint8_t *rdata, size_t rdata_len, uint8_t *out, size_t cap,
    size_t *len) MUST_USE;

/* Bytes as printable ASCII for people, logs and terminals: other octets, and
 * '"' and '\', as \DDD. Never more than cap - 1 octets, always terminated;
 * when cut, ends in "...". Returns octets written. cap >= 5. */
size_t txt_show(const uint8_t *bytes, size_t len, char *out, size_t cap);

/* Equal in every byte; takes the same time wherever they differ. */
bool txt_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* Here, since every name and tag goes through them. */
static inline uint8_t
txt_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Equal but for the case of ASCII letters. */
static inline bool
txt_alike(const void *a, const void *b, size_t len)
{
	const uint8_t *p = a, *q = b;

	for (size_t i = 0; i < len; i++) {
		if (txt_lower(p[i]) != txt_lower(q[i]))
			return false;
	}
	return true;
}
