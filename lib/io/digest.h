/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by OpenSSL. Any thread may call. */
#pragma once
#include "core/err.h"

#define DIGEST_OCTETS 32

/* Cannot fail but for want of memory, which ends the process. */
void digest_sha256(const void *bytes, size_t len, uint8_t out[DIGEST_OCTETS]);
/* First n octets in lower-case hex; out holds 2 * n + 1. */
void digest_show(const uint8_t *digest, size_t n, char *out);
