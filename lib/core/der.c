/* SPDX-License-Identifier: Apache-2.0 */
#include "core/der.h"

/* A length in more octets than this is no key of ours. */
#define LENGTH_OCTETS_MAX 3

struct header {
	bool ok;
	size_t octets; /* of the header itself */
	size_t len;    /* of the content */
};

void
der_init(struct der *d, const uint8_t *bytes, size_t len)
{
	d->p = bytes;
	d->left = len;
	d->bad = false;
}

/* Tag and length, X.690 section 8.1.3; 10.1: definite and shortest. */
static struct header
header_read(const uint8_t *p, size_t left)
{
	struct header h = {.octets = 2};
	size_t octets;

	if (left < 2)
		return h;
	h.len = p[1];
	h.ok = p[1] < 0x80;
	octets = p[1] & 0x7fu;
	if (h.ok || octets == 0 || octets > LENGTH_OCTETS_MAX ||
	    octets > left - 2)
		return h;
	h.len = 0;
	for (size_t i = 0; i < octets; i++)
		h.len = h.len << 8 | p[2 + i];
	h.octets = 2 + octets;
	h.ok = p[2] != 0 && h.len >= 0x80;
	return h;
}

bool
der_next_is(const struct der *d, enum der_tag tag)
{
	return !d->bad && d->left > 0 && d->p[0] == tag;
}

struct der
der_take(struct der *d, enum der_tag tag)
{
	struct der inner = {.p = d->p, .bad = true};
	struct header h;

	if (!der_next_is(d, tag)) {
		d->bad = true;
		return inner;
	}
	h = header_read(d->p, d->left);
	if (!h.ok || h.len > d->left - h.octets) {
		d->bad = true;
		return inner;
	}
	der_init(&inner, d->p + h.octets, h.len);
	d->p += h.octets + h.len;
	d->left -= h.octets + h.len;
	return inner;
}

bool
der_done(const struct der *d)
{
	return !d->bad && d->left == 0;
}

struct der
der_unsigned(struct der *d)
{
	struct der number = der_take(d, DER_INTEGER);
	bool padded = number.left > 1 && number.p[0] == 0;

	if (number.bad)
		return number;
	if (number.left == 0 || number.p[0] >= 0x80 ||
	    (padded && number.p[1] < 0x80) ||
	    (number.left == 1 && number.p[0] == 0)) {
		number.bad = d->bad = true;
		number.left = 0;
		return number;
	}
	if (padded) {
		number.p++;
		number.left--;
	}
	return number;
}

size_t
der_whole(const uint8_t *bytes, size_t len)
{
	struct header h = header_read(bytes, len);

	return h.ok ? h.octets + h.len : 0;
}
