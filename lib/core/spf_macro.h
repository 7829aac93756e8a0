/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of SPF (RFC 7208 section 7): is a macro-string well formed, and what
 * does it expand to. Bounded in the length of what comes out; there is no
 * recursion (what a macro yields is not expanded again). Pure. */
#pragma once
#include "core/packet.h"

#define SPF_NAME_MAX 253 /* of an expanded target, section 7.3 */

/* What the letters stand for. Texts without final dot. */
struct spf_facts {
	const char *sender;    /* s: local@domain */
	const char *local;     /* l */
	const char *origin;    /* o: the sender's domain */
	const char *helo;      /* h */
	const char *receiver;  /* r */
	const char *domain;    /* d: the record's own */
	const char *name;      /* p: a validated name, or "unknown" */
	struct packet_addr ip; /* i, c, v */
	int64_t wall_s;	       /* t */
};

enum spf_text {
	SPF_TEXT_MACRO,	  /* macro-string: without the letters c, r, t */
	SPF_TEXT_DOMAIN,  /* domain-spec: ends in a top label or a macro */
	SPF_TEXT_EXPLAIN, /* explain-string: all letters, and blanks */
};

/* NULL when well formed, else a constant that names the fault, and *at the
 * octet of it. Every octet that is no visible ASCII is a fault. */
const char *spf_macro_fault(
    enum spf_text kind, const uint8_t *text, size_t len, size_t *at);
/* Does a well-formed text use the letter p, whose value is to be asked for? */
bool spf_macro_uses_name(const uint8_t *text, size_t len);

/* Expands a well-formed domain-spec. A result that is longer than SPF_NAME_MAX
 * loses labels from its left end; a final dot is taken off. Whether it is a
 * name that can be asked for is not judged (labels may be empty or too long).
 * out holds SPF_NAME_MAX + 1. */
void spf_macro_target(
    char *out, const uint8_t *spec, size_t len, const struct spf_facts *f);
/* Expands a well-formed explain-string; false when it does not fit. */
bool spf_macro_explain(char *out, size_t cap, const uint8_t *text, size_t len,
    const struct spf_facts *f) MUST_USE;
