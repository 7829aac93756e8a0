/* SPDX-License-Identifier: Apache-2.0 */
/* A set of domain names read from a text file (one A-label name a line, '#'
 * starts a comment), such as the public mail domains. */
#pragma once
#include "core/err.h"

struct names; /* sorted, immutable after names_read */

/* Parses text; lines are lower-cased and trimmed, duplicates are dropped. A
 * line that is no name: REJECT with its number in e. Freed by names_free. */
enum next names_read(
    struct names **out, const char *text, size_t len, struct err *e) MUST_USE;
/* name: lower case, no final dot. NULL set: never. */
bool names_has(const struct names *set, const char *name);
size_t names_count(const struct names *set);
void names_free(struct names *set);
