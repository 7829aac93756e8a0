/* SPDX-License-Identifier: Apache-2.0 */
/* Domain names in wire form (RFC 1035 section 3.1): length-counted labels,
 * the root's empty label included, never compressed here. Compared without
 * regard to the case of ASCII letters (RFC 4343). Pure. */
#pragma once
#include "core/err.h"

#define DNAME_WIRE_MAX	255 /* octets, RFC 1035 section 2.3.4 */
#define DNAME_LABEL_MAX 63
#define DNAME_TEXT_MAX	253  /* of a name without escapes, no final dot */
#define DNAME_SHOWN_MAX 1004 /* each octet shown as \DDD, and the dots */

struct dname {
	uint8_t len; /* octets used, 1 (the root) .. 255 */
	uint8_t wire[DNAME_WIRE_MAX];
};

enum dname_fault {
	DNAME_OK,
	DNAME_EMPTY, /* no label, or an empty one */
	DNAME_LABEL_LONG,
	DNAME_LONG,
};

/* From text: labels parted by dots, one final dot allowed, "." is the root.
 * Every octet but the dot stands for itself (no escapes). *at (may be NULL):
 * octet offset of the fault in text, of the first octet too many if it is too
 * long. With a fault out is the root. */
enum dname_fault dname_from_text(
    struct dname *out, const char *text, size_t *at) MUST_USE;
/* Lower case, no final dot, "." for the root; octets other than letters,
 * digits, '-' and '_' as \DDD. out holds DNAME_SHOWN_MAX + 1. */
void dname_show(const struct dname *name, char *out);

bool dname_equal(const struct dname *a, const struct dname *b);
/* Is name equal to zone or below it? */
bool dname_within(const struct dname *name, const struct dname *zone);
/* Labels without the root's: "." 0, "test." 1. */
unsigned dname_labels(const struct dname *name);
/* name without its first label; the root stays the root. */
void dname_parent(struct dname *out, const struct dname *name);
/* head's labels, then tail: ("_x", "a.test") -> "_x.a.test". False when the
 * result would be longer than DNAME_WIRE_MAX (out is then unspecified). */
bool dname_join(struct dname *out, const struct dname *head,
    const struct dname *tail) MUST_USE;
/* Equal names (any case) give equal hashes. */
uint32_t dname_hash(const struct dname *name);
