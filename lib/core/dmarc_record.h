/* SPDX-License-Identifier: Apache-2.0 */
/* The text of one DMARC policy record (RFC 9989 sections 4.7 and 4.8): a list
 * of tag=value, `v=DMARC1` first. Nothing behind that can spoil the record but
 * a known tag that stands twice (RFC 6376 section 3.2): what is unknown is
 * ignored, what is wrong falls to its default. Pure; slices point into the
 * text. */
#pragma once
#include "core/err.h"

#define DMARC_URIS_MAX 8 /* of rua, and of ruf */

enum dmarc_tag {
	DMARC_TAG_V,
	DMARC_TAG_P,
	DMARC_TAG_SP,
	DMARC_TAG_NP,
	DMARC_TAG_PSD,
	DMARC_TAG_T,
	DMARC_TAG_ADKIM,
	DMARC_TAG_ASPF,
	DMARC_TAG_RUA,
	DMARC_TAG_RUF,
	DMARC_TAG_FO,
	/* removed since RFC 7489 */
	DMARC_TAG_PCT,
	DMARC_TAG_RF,
	DMARC_TAG_RI,
	DMARC_TAG_N,
};

enum dmarc_policy {
	DMARC_POLICY_NO, /* no policy */
	DMARC_POLICY_NONE,
	DMARC_POLICY_QUARANTINE,
	DMARC_POLICY_REJECT,
};

enum dmarc_psd { DMARC_PSD_U, DMARC_PSD_Y, DMARC_PSD_N };

enum dmarc_removed {
	DMARC_REMOVED_PCT = 1 << 0,
	DMARC_REMOVED_RF = 1 << 1,
	DMARC_REMOVED_RI = 1 << 2,
	DMARC_REMOVED_SIZE = 1 << 3, /* `!10m` behind a URI */
};

enum dmarc_form {
	DMARC_FORM_OTHER, /* does not begin with v=DMARC1: ignored */
	DMARC_FORM_TWICE, /* begins right, but a tag stands twice */
	DMARC_FORM_RECORD,
};

struct dmarc_uri {
	uint16_t at, len;	    /* in the text, without "!size" */
	uint16_t host_at, host_len; /* of mailto:, 0 = another scheme */
};

struct dmarc_record {
	enum dmarc_form form;
	uint16_t fault; /* octet where it stops to be one, by form */
	uint32_t seen;	/* bit per enum dmarc_tag: is there */
	uint32_t bad;	/* bit per tag: value is wrong, so its default */
	uint16_t at[DMARC_TAG_N]; /* octet where the value begins, if seen */
	uint16_t len[DMARC_TAG_N];
	enum dmarc_policy p, sp, np; /* NO: missing or wrong */
	enum dmarc_psd psd;
	bool t, adkim_strict, aspf_strict;
	unsigned removed; /* enum dmarc_removed */
	size_t rua_n, ruf_n;
	struct dmarc_uri rua[DMARC_URIS_MAX], ruf[DMARC_URIS_MAX];
};

/* Always fills *out. Octets behind DMARC_TEXT_MAX are not read. */
#define DMARC_TEXT_MAX 16384
void dmarc_record_read(
    struct dmarc_record *out, const uint8_t *text, size_t len);

/* Does it begin with v=DMARC1? No more is read. */
bool dmarc_is_record(const uint8_t *text, size_t len);

/* One URI of rua or ruf: is it valid (RFC 3986; of mailto: an address with a
 * domain)? A "!size" behind it is left out of *out. */
bool dmarc_uri_read(
    struct dmarc_uri *out, const uint8_t *text, size_t at, size_t len);

/* "none", "quarantine", "reject"; "" for DMARC_POLICY_NO. */
const char *dmarc_policy_name(enum dmarc_policy p);
/* "p", "pct", ...; "" for DMARC_TAG_N. */
const char *dmarc_tag_name(enum dmarc_tag tag);
/* The tag of this name in any case, DMARC_TAG_N if it is none. */
enum dmarc_tag dmarc_tag_of(const uint8_t *name, size_t len);
