/* SPDX-License-Identifier: Apache-2.0 */
/* Is the public key that somebody signs with published rightly? Key records of
 * RFC 6376 (sections 3.2 and 3.6.1, erratum 3017), RFC 8301 (sizes, no sha1)
 * and RFC 8463 (Ed25519). Keys are compared as keys, tags as tags, never text
 * as text. Where receivers differ, the strict ones count: a record passes only
 * if all that keep to the RFCs can use it. Pure, no allocation. */
#pragma once
#include "core/verdict.h"

#define DKIM_SELECTOR_MAX 63
#define DKIM_KEY_MAX	  560  /* canonical octets: 550 at 4096 bits, e 65537 */
#define DKIM_BITS_MIN	  1024 /* RFC 8301 section 3.2: less is no signature */
#define DKIM_BITS_GOOD	  2048 /* signers SHOULD have as many */
#define DKIM_BITS_MAX	  4096 /* receivers need not read more */
#define DKIM_P_MAX	  (4 * ((DKIM_KEY_MAX + 2) / 3)) /* base64 digits */

enum dkim_type {
	DKIM_RSA,
	DKIM_ED25519,
};

/* A public key in one canonical form, so that equal keys have equal bytes:
 * RSA as DER SubjectPublicKeyInfo (rsaEncryption, NULL parameters), which is
 * what everybody publishes; Ed25519 as its 32 octets. */
struct dkim_public {
	enum dkim_type type;
	uint16_t bits; /* of the modulus; 256 for Ed25519 */
	uint16_t len;
	uint8_t bytes[DKIM_KEY_MAX];
};

enum dkim_fault {
	DKIM_OK,
	DKIM_EMPTY,
	DKIM_BASE64,	/* an octet that is no base64, or wrong padding */
	DKIM_CUT,	/* ends before the key does */
	DKIM_DER,	/* is no key at all */
	DKIM_TYPE,	/* a key of the other type than was said */
	DKIM_WRAPPED,	/* Ed25519 in a SubjectPublicKeyInfo: RFC 8463 4.2 */
	DKIM_ALGORITHM, /* a key of no type that DKIM has, or no NULL */
	DKIM_NUMBERS,	/* modulus or exponent that no RSA key has */
	DKIM_LARGE,	/* more than DKIM_BITS_MAX; bits are told */
	DKIM_PRIVATE,	/* a private key! */
};

/* Where and how a key can't be read. */
struct dkim_flaw {
	size_t at;   /* octet of the input where the fault begins */
	size_t need; /* CUT: base64 digits that the whole key has, 0 = unknown*/
	size_t have; /* CUT: digits that are there */
	unsigned bits; /* LARGE */
};

/* The key in a p= value (len octets, blanks allowed), of the type that k=
 * says: RSA as SubjectPublicKeyInfo or RSAPublicKey, Ed25519 as 32 octets. With
 * a fault *out is unspecified and *flaw (may be NULL) filled. RSA keys of any
 * size up to DKIM_BITS_MAX are read: whether it is enough is for the caller. */
enum dkim_fault dkim_public_from_p(struct dkim_public *out, enum dkim_type type,
    const uint8_t *p, size_t len, struct dkim_flaw *flaw) MUST_USE;
/* From DER: SubjectPublicKeyInfo of either type, or RSAPublicKey. */
enum dkim_fault dkim_public_from_der(struct dkim_public *out,
    const uint8_t *der, size_t len, struct dkim_flaw *flaw) MUST_USE;
/* From canonical bytes (a stored or framed key): checked as from outside. */
enum dkim_fault dkim_public_from_canonical(struct dkim_public *out,
    enum dkim_type type, const uint8_t *bytes, size_t len) MUST_USE;
bool dkim_public_equal(
    const struct dkim_public *a, const struct dkim_public *b);

/* The record to publish: "v=DKIM1; k=rsa; p=...". Returns its length; 0 and ""
 * when it does not fit into cap. EXPECTED_MAX + 1 is enough. */
size_t dkim_record_value(const struct dkim_public *key, char *out, size_t cap);
/* "rsa" or "ed25519", as k= says it. */
const char *dkim_type_name(enum dkim_type type);

/* RFC 6376 section 3.1: sub-domain *( "." sub-domain ) of letters, digits and
 * inner hyphens; at most DKIM_SELECTOR_MAX octets. */
bool dkim_selector_ok(const char *text);
/* selector._domainkey.domain; false when it is no selector or too long. */
bool dkim_name(struct dname *out, const char *selector,
    const struct dname *domain) MUST_USE;

/* Another key of the same organisation, for "this is the key of ...". */
struct dkim_known {
	const char *selector;
	const struct dkim_public *key;
};

struct dkim_wish {
	/* what must be published; NULL: judge the record for itself */
	const struct dkim_public *key;
	const struct dkim_known *known;
	size_t known_n;
};

/* Judges the TXT records at the selector's name. Fills all of *out. On a pass
 * saw tells facts ("rsa, 2048 bits; t=s: ..."). publish: what to have instead,
 * when the verdict is fail or none and it is known. */
void dkim_judge(struct judged *out, const struct packet_txt *txt, size_t n,
    const struct dkim_wish *wish);
