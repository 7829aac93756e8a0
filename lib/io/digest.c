/* SPDX-License-Identifier: Apache-2.0 */
#include "io/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

/* Sought once: that costs more than a short digest. */
static EVP_MD *sha256;

static void
seek(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

void
digest_sha256(const void *bytes, size_t len, uint8_t out[DIGEST_OCTETS])
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	/* fails only when memory is out; a digest that is none must not go on
	 */
	(void)pthread_once(&once, seek);
	if (EVP_Digest(bytes, len, out, NULL, sha256, NULL) != 1)
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
