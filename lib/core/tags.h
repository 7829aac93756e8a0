/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of `tag=value` parted by semicolons, RFC 6376 section 3.2, which DMARC
 * uses too. Names and values are runs of the record's own octets: nothing is
 * copied, unfolded or changed in case. Blanks (SP, HTAB, CR, LF) around names
 * and values are not part of them; one final ';' is allowed. A list with a
 * fault is read to its end all the same, so that a caller may say what it is,
 * or go on without the tag (DMARC). Pure. */
#pragma once
#include "core/err.h"

#define TAGS_MAX     24	   /* known tags are 7 (DKIM keys), 14 (DMARC) */
#define TAGS_LEN_MAX 65534 /* offsets are 16 bits */

enum tags_fault {
	TAGS_OK,
	TAGS_EMPTY,	/* nothing between two ';', or nothing at all */
	TAGS_NO_EQUALS, /* words without '=' */
	TAGS_BAD_NAME,	/* not a letter, then letters, digits, '_' */
	TAGS_BAD_VALUE, /* an octet that is no blank and not printable ASCII */
	TAGS_DUPLICATE, /* a name for the second time (in its own case) */
	TAGS_TOO_MANY,	/* more than TAGS_MAX, or TAGS_LEN_MAX octets */
};

struct tag {
	uint16_t name_at; /* octets of the record */
	uint16_t name_len;
	uint16_t value_at;  /* of the ';' or the end when it is empty */
	uint16_t value_len; /* inner blanks included */
	enum tags_fault fault;
};

struct tags {
	const uint8_t *bytes; /* the record: must outlive this */
	size_t n;
	struct tag tag[TAGS_MAX]; /* in order; only those that have a '=' */
	enum tags_fault fault;	  /* the first one */
	uint16_t at;		  /* octet where it begins */
};

/* Always fills *out. A duplicate is listed in its place, with its fault. */
void tags_read(struct tags *out, const uint8_t *bytes, size_t len);

/* The first tag of this name, NULL if there is none. Names are compared in
 * their case (RFC 6376: "case-sensitive"); _any_case does not mind it. */
const struct tag *tags_find(const struct tags *t, const char *name);
const struct tag *tags_find_any_case(const struct tags *t, const char *name);

/* Is its value exactly this text? _any_case: ASCII letters in any case. */
bool tag_is(const struct tags *t, const struct tag *tag, const char *value);
bool tag_is_any_case(
    const struct tags *t, const struct tag *tag, const char *value);
/* Does its value, a list parted by `sep` with blanks around its words, hold
 * this word (RFC 6376 section 3.6.1: h=, s= and t= are parted by ':')? */
bool tag_holds(
    const struct tags *t, const struct tag *tag, char sep, const char *word);

/* SP, HTAB, CR or LF: what folding white space is made of. */
bool tags_blank(uint8_t c);
