/* SPDX-License-Identifier: Apache-2.0 */
/* Base64, RFC 4648 section 4, with blanks between digits as RFC 6376 section
 * 3.6.1 allows them (SP, HTAB, CR, LF). Padding must be there and right. Pure.
 */
#pragma once
#include "core/err.h"

/* Digits for n octets, padding included. */
#define BASE64_DIGITS(n) (4 * (((n) + 2) / 3))

enum base64_fault {
	BASE64_OK,
	BASE64_OCTET, /* no digit and no blank, or a digit behind the padding */
	BASE64_CUT,   /* the last group of four is not complete */
	BASE64_LONG,  /* more than cap octets */
};

struct base64_end {
	size_t len;    /* whole octets written */
	size_t digits; /* digits read, padding included */
	size_t at;     /* where the fault begins; the end if there is none */
};

/* Writes BASE64_DIGITS(len) digits and a NUL; returns the digits. */
size_t base64_encode(const uint8_t *bytes, size_t len, char *out);
/* Decodes up to the first fault; *end is always filled. */
enum base64_fault base64_decode(uint8_t *out, size_t cap, const uint8_t *text,
    size_t len, struct base64_end *end) MUST_USE;
