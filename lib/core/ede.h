/* SPDX-License-Identifier: Apache-2.0 */
/* Extended DNS errors: RFC 8914 section 4, and what IANA added. What a resolver
 * says about its own answer. Pure. */
#pragma once
#include "core/packet.h"

/* SERVFAIL because signatures are broken, not servers. */
bool ede_bogus(const struct answer *a);
/* Served by a cache that could not ask (RFC 8767): proves neither presence nor
 * absence. */
bool ede_stale(const struct answer *a);
/* NULL: none, or one that we have no word for. */
const char *ede_word(const struct answer *a);
