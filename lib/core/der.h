/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor over DER (X.690 section 10), enough for public keys: elements of a
 * given tag, lengths definite and shortest, all within bounds. An error is
 * sticky: once bad is set every element is empty. Pure. */
#pragma once
#include "core/err.h"

enum der_tag {
	DER_INTEGER = 0x02,
	DER_BITS = 0x03, /* BIT STRING */
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
};

struct der {
	const uint8_t *p;
	size_t left;
	bool bad;
};

void der_init(struct der *d, const uint8_t *bytes, size_t len);
/* The next element if it has this tag: its content, and d moves behind it. */
struct der der_take(struct der *d, enum der_tag tag);
bool der_next_is(const struct der *d, enum der_tag tag);
/* Nothing left, nothing bad. */
bool der_done(const struct der *d);
/* A positive INTEGER without its leading zero; bad when it is negative, zero
 * or not shortest. */
struct der der_unsigned(struct der *d);
/* Octets that the first element has by its own header, 0 when it has none:
 * more than are there if the input was cut. */
size_t der_whole(const uint8_t *bytes, size_t len);
