/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as the data of a TXT record; the first one chooses how much room
 * there is to join and to show it. */
#include "core/txt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
show(const uint8_t *bytes, size_t len, size_t cap)
{
	char *out = malloc(cap);
	size_t n;

	if (out == NULL)
		return;
	n = txt_show(bytes, len, out, cap);
	must(n < cap && n == strlen(out));
	for (size_t i = 0; i < n; i++)
		must(out[i] >= 0x20 && out[i] <= 0x7e && out[i] != '"');
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	size_t cap = len > 0 ? 5u + bytes[0] : 5;
	uint8_t *joined = malloc(cap);
	size_t n;

	if (joined == NULL)
		return 0;
	if (len > 0 && txt_join(bytes + 1, len - 1, joined, cap, &n)) {
		must(n <= cap && n < len);
		show(joined, n, cap);
		must(txt_equal(joined, n, joined, n));
	}
	show(bytes, len, cap);
	free(joined);
	return 0;
}
