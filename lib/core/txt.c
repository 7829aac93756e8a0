/* SPDX-License-Identifier: Apache-2.0 */
#include "core/txt.h"

#include <string.h>

bool
txt_join(const uint8_t *rdata, size_t rdata_len, uint8_t *out, size_t cap,
    size_t *len)
{
	size_t joined = 0, at = 0;

	*len = 0;
	if (rdata_len == 0)
		return false;
	while (at < rdata_len) {
		size_t n = rdata[at++];

		if (n > rdata_len - at || n > cap - joined)
			return false;
		if (n > 0)
			memcpy(out + joined, rdata + at, n);
		joined += n;
		at += n;
	}
	*len = joined;
	return true;
}

/* The octet as it is shown, 1 or 4 characters. */
static size_t
show_octet(uint8_t c, char out[4])
{
	if (c >= 0x20 && c <= 0x7e && c != '"' && c != '\\') {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = (char)('0' + c / 100);
	out[2] = (char)('0' + c / 10 % 10);
	out[3] = (char)('0' + c % 10);
	return 4;
}

size_t
txt_show(const uint8_t *bytes, size_t len, char *out, size_t cap)
{
	size_t n = 0;
	size_t cut = 0; /* the last place where "..." would fit */

	for (size_t i = 0; i < len; i++) {
		char shown[4];
		size_t width = show_octet(bytes[i], shown);

		if (n + width > cap - 1) {
			memcpy(out + cut, "...", 4);
			return cut + 3;
		}
		memcpy(out + n, shown, width);
		n += width;
		if (n + 3 <= cap - 1)
			cut = n;
	}
	out[n] = '\0';
	return n;
}

bool
txt_equal(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	/* volatile: or the compiler may leave at the first difference */
	volatile uint8_t differ = 0;

	if (a_len != b_len)
		return false;
	for (size_t i = 0; i < a_len; i++)
		differ = (uint8_t)(differ | (a[i] ^ b[i]));
	return differ == 0;
}
