/* SPDX-License-Identifier: Apache-2.0 */
/* One SPF record as terms (RFC 7208 sections 4.5, 4.6.1, 5, 6 and the grammar
 * of section 12), each with its place in the record. Nothing is stored: a
 * cursor yields term after term, so that a record is checked as a whole first
 * and then read again as far as the evaluation gets. Pure. */
#pragma once
#include "core/packet.h"

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT, /* modifiers from here on */
	SPF_EXP,
	SPF_OTHER, /* an unknown modifier: its macros are checked, no more */
};

/* Offsets and lengths are octets of the record. */
struct spf_term {
	enum spf_kind kind;
	char qualifier;	      /* '+' '-' '~' '?'; '+' when none is written */
	uint8_t cidr4, cidr6; /* prefix lengths; 32 and 128 when not written */
	uint16_t at, len;
	uint16_t spec_at, spec_len; /* domain-spec; len 0 = not written */
	struct packet_addr addr;    /* ip4, ip6 */
};

enum spf_read {
	SPF_READ_TERM,
	SPF_READ_END,
	SPF_READ_BAD, /* fault and fault_at say what and where */
};

struct spf_cursor {
	const uint8_t *bytes;
	size_t len;
	size_t at;
	const char *fault; /* a constant in plain words, e.g. "unknown term" */
	uint16_t fault_at; /* the octet that is wrong */
	uint16_t term_at;  /* the term it stands in, up to the next blank */
	uint16_t term_len;
};

#define SPF_RECORD_MAX 16384 /* as PACKET_TXT_MAX */

/* "v=spf1" in any case, then a blank or the end (section 4.5). */
bool spf_is_record(const uint8_t *bytes, size_t len);
/* At the first term of a record (spf_is_record, len <= SPF_RECORD_MAX). */
void spf_cursor_init(struct spf_cursor *c, const uint8_t *bytes, size_t len);
/* Checks one term and moves behind it. redirect= and exp= that are there
 * twice are for the caller to see: spf_record_check does. */
enum spf_read spf_cursor_next(struct spf_cursor *c, struct spf_term *out);

/* What a look over the whole record tells (section 4.6: before anything is
 * evaluated). */
struct spf_outline {
	bool has_all, has_redirect, has_exp;
	struct spf_term all; /* the first one */
	struct spf_term redirect, exp;
	unsigned lookups; /* terms that count, section 4.6.4 */
};

/* False: the record is a permerror, c tells why. */
bool spf_record_check(struct spf_cursor *c, const uint8_t *bytes, size_t len,
    struct spf_outline *out) MUST_USE;

/* Does the term count to the limit of 10 (section 4.6.4)? */
bool spf_kind_counts(enum spf_kind kind);
