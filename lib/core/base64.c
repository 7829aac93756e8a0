/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define BLANK 64
#define PAD   65
#define BAD   66

/* clang-format off */
/* By octet: what a digit stands for, or one of the three above. */
static const uint8_t values[256] = {
	BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BLANK, BLANK, BAD, BAD,
	BLANK, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	BAD, BAD, BAD, BAD, BAD, BLANK, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
	BAD, BAD, 62, BAD, BAD, BAD, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61,
	BAD, BAD, BAD, PAD, BAD, BAD, BAD, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
	12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, BAD, BAD, BAD,
	BAD, BAD, BAD, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
	40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, BAD, BAD, BAD, BAD, BAD,
	[128 ... 255] = BAD,
};
/* clang-format on */

size_t
base64_encode(const uint8_t *bytes, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i += 3) {
		size_t have = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)bytes[i] << 16;

		if (have > 1)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (have > 2)
			group |= bytes[i + 2];
		out[n++] = digits[group >> 18];
		out[n++] = digits[group >> 12 & 63];
		out[n++] = have > 1 ? digits[group >> 6 & 63] : '=';
		out[n++] = have > 2 ? digits[group & 63] : '=';
	}
	out[n] = '\0';
	return n;
}

/* A group in the making. */
struct state {
	uint32_t group;
	unsigned have; /* digits in it, padding included */
	unsigned pads;
};

/* Whole groups of four digits with nothing between them: nearly all of a key.
 * Returns the octets of text it went over. */
static size_t
quick(uint8_t *out, size_t cap, const uint8_t *text, size_t len, size_t *n)
{
	size_t at = 0, to = 0;

	while (len - at >= 4 && cap - to >= 3) {
		uint32_t a = values[text[at]], b = values[text[at + 1]];
		uint32_t c = values[text[at + 2]], d = values[text[at + 3]];
		uint32_t group = a << 18 | b << 12 | c << 6 | d;

		if ((a | b | c | d) > 63)
			break;
		out[to] = (uint8_t)(group >> 16);
		out[to + 1] = (uint8_t)(group >> 8);
		out[to + 2] = (uint8_t)group;
		to += 3;
		at += 4;
	}
	*n = to;
	return at;
}

/* The octets of a full group; false when they do not fit. */
static bool
flush(struct state *s, uint8_t *out, size_t cap, size_t *n)
{
	size_t octets = 3u - s->pads;

	if (octets > cap - *n)
		return false;
	for (size_t i = 0; i < octets; i++)
		out[(*n)++] = (uint8_t)(s->group >> (16 - 8 * i));
	s->group = 0;
	s->have = 0;
	return true;
}

/* May this digit stand here? Padding only in the third and fourth place, and
 * behind it only more padding, up to the end of the group. */
static bool
fits(const struct state *s, uint8_t value)
{
	if (value == PAD)
		return s->have >= 2;
	return value < BLANK && s->pads == 0;
}

static enum base64_fault
careful(uint8_t *out, size_t cap, const uint8_t *text, size_t len,
    struct base64_end *end)
{
	struct state s = {.pads = 0};

	for (; end->at < len; end->at++) {
		uint8_t value = values[text[end->at]];

		if (value == BLANK)
			continue;
		if (!fits(&s, value))
			return BASE64_OCTET;
		s.pads += value == PAD;
		s.group = s.group << 6 | (value == PAD ? 0u : value);
		s.have++;
		end->digits++;
		if (s.have == 4 && !flush(&s, out, cap, &end->len))
			return BASE64_LONG;
	}
	if (s.have == 0)
		return BASE64_OK;
	/* what the digits that came make: for the header of a cut key */
	for (unsigned i = 1; i < s.have - s.pads && end->len < cap; i++)
		out[end->len++] = (uint8_t)(s.group >> (6 * s.have - 8 * i));
	return BASE64_CUT;
}

enum base64_fault
base64_decode(uint8_t *out, size_t cap, const uint8_t *text, size_t len,
    struct base64_end *end)
{
	*end = (struct base64_end){.at = 0};
	end->at = quick(out, cap, text, len, &end->len);
	end->digits = end->at;
	return careful(out, cap, text, len, end);
}
