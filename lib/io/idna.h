/* SPDX-License-Identifier: Apache-2.0 */
/* Names as people type them -> the one form we store, and what the public
 * suffix list says of it (libidn2, libpsl). Any thread may call after
 * idna_open. */
#pragma once
#include "core/job.h"

/* Loads the public suffix list: `path`, or the system's newest if NULL or "".
 * RETRY with the path when it cannot be read; the list before it then stays.
 * Again only while no other thread is in here. Without a list every domain is
 * a public suffix. */
enum next idna_open(const char *path, struct err *e) MUST_USE;
/* Could `path` be loaded? RETRY with the path; the list in use stays. */
enum next idna_check(const char *path, struct err *e) MUST_USE;
/* Path of the list in use, and when it was made (wall ms, 0 = unknown). */
const char *idna_list(int64_t *made_at);

/* text (UTF-8, len octets, maybe upper case, maybe with a final dot) ->
 * out[DNAME_TEXT_MAX + 1]: A-labels, lower case, no final dot, at least two
 * labels, letters, digits and inner hyphens (LDH) only, every A-label survives
 * A -> U -> A. REJECT: e says what is wrong and at which octet; addresses,
 * single labels and underscores are wrong. out is not text. */
enum next idna_canonical(
    const char *text, size_t len, char *out, struct err *e) MUST_USE;
/* For people: U-labels in UTF-8; out holds 4 * DNAME_TEXT_MAX + 1. The
 * A-label form when it has none. */
void idna_show(const char *domain, char *out);
/* domain: canonical. */
void idna_facts(const char *domain, struct domain_facts *out);
