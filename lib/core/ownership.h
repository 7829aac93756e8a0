/* SPDX-License-Identifier: Apache-2.0 */
/* Does a TXT record prove that an organisation controls a domain?
 * draft-ietf-dnsop-domain-verification-techniques section 6: the record stands
 * at `_<service>-challenge.<domain>`, its data is `token=TOKEN` with optional
 * further `key=value` words, or the bare TOKEN; one match among several
 * records is enough. Values are compared whole, byte for byte, in constant
 * time; a record with a NUL octet never matches. Pure. */
#pragma once
#include "core/verdict.h"

#define TOKEN_OCTETS   20 /* 160 bits */
#define TOKEN_TEXT_MAX 32 /* base32, lower case, no padding */

/* RFC 4648 base32 of a token, lower case; out holds TOKEN_TEXT_MAX + 1. */
void token_show(const uint8_t token[TOKEN_OCTETS], char *out);

/* The owner name: "_" service "-challenge." domain. Returns false when it
 * would be too long for a name. */
bool ownership_name(struct dname *out, const char *service,
    const struct dname *domain) MUST_USE;
/* What the customer publishes: "token=TOKEN expiry=never" (section 6.1.2).
 * out holds EXPECTED_MAX + 1. */
void ownership_value(const char *token, char *out);

enum ownership_match {
	OWNERSHIP_MATCH,
	OWNERSHIP_OTHER,     /* reads as a challenge, but another token */
	OWNERSHIP_UNRELATED, /* not a challenge record at all */
};

enum ownership_match ownership_match(
    const struct packet_txt *record, const char *token);

/* Judges the TXT records at the record's name. Fills all of *out: pass; none
 * (NOT_PUBLISHED); or fail: TOKEN_OTHER, or how the right value was damaged on
 * its way through a panel (QUOTES_INSIDE, SMART_QUOTES, SEMICOLON_ESCAPED,
 * WHITESPACE, SPLIT_INTO_RRS). Never pass without a token. */
void ownership_judge(struct judged *out, const struct packet_txt *txt, size_t n,
    const char *token);
