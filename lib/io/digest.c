/* SPDX-License-Identifier: Apache-2.0 */
#include "io/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

void
digest_sha256(const void *bytes, size_t len, uint8_t out[DIGEST_OCTETS])
{
	/* fails only when memory is out; a digest that is none must not go on
	 */
	if (EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

void
digest_show(const uint8_t *digest, size_t n, char *out)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = hex[digest[i] >> 4];
		*out++ = hex[digest[i] & 15];
	}
	*out = '\0';
}
