/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dkim_private.h"
#include "core/base64.h"
#include "core/bytes.h"
#include "core/der.h"

#include <stdio.h>
#include <string.h>

#define ED25519_OCTETS	32
#define ED25519_BITS	256
#define EXPONENT_OCTETS 8 /* OpenSSL reads no more beside a large modulus */
/* A header that speaks of more is no header of a key: 30 KiB of base64 would
 * not fit into an answer. */
#define WHOLE_MAX 16384

/* AlgorithmIdentifier of rsaEncryption with its NULL, RFC 3279 2.3.1. */
static const uint8_t rsa_algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86,
    0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
static const uint8_t rsa_oid[] = {
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t ed25519_oid[] = {0x2b, 0x65, 0x70}; /* RFC 8410 3 */

static const char *const types[] = {
    [DKIM_RSA] = "rsa",
    [DKIM_ED25519] = "ed25519",
};

const char *
dkim_type_name(enum dkim_type type)
{
	return types[type];
}

/* --- building the canonical form ------------------------------------------ */

static size_t
header_octets(size_t content)
{
	return content < 0x80 ? 2 : content < 0x100 ? 3 : 4;
}

static void
put_header(struct writer *w, enum der_tag tag, size_t content)
{
	writer_u8(w, (uint8_t)tag);
	if (content >= 0x100) {
		writer_u8(w, 0x82);
		writer_u16(w, (uint16_t)content);
		return;
	}
	if (content >= 0x80)
		writer_u8(w, 0x81);
	writer_u8(w, (uint8_t)content);
}

/* A leading zero keeps an INTEGER positive. */
static size_t
integer_len(const struct der *n)
{
	return n->left + (n->p[0] >= 0x80);
}

static void
put_integer(struct writer *w, const struct der *n)
{
	put_header(w, DER_INTEGER, integer_len(n));
	if (n->p[0] >= 0x80)
		writer_u8(w, 0);
	writer_bytes(w, n->p, n->left);
}

static void
rsa_build(struct dkim_public *out, const struct der *n, const struct der *e)
{
	struct writer w;
	size_t n_len = integer_len(n), e_len = integer_len(e);
	size_t key =
	    header_octets(n_len) + n_len + header_octets(e_len) + e_len;
	size_t bits = 1 + header_octets(key) + key;

	writer_init(&w, out->bytes, sizeof(out->bytes));
	put_header(&w, DER_SEQUENCE,
	    sizeof(rsa_algorithm) + header_octets(bits) + bits);
	writer_bytes(&w, rsa_algorithm, sizeof(rsa_algorithm));
	put_header(&w, DER_BITS, bits);
	writer_u8(&w, 0); /* unused bits */
	put_header(&w, DER_SEQUENCE, key);
	put_integer(&w, n);
	put_integer(&w, e);
	out->len = (uint16_t)w.len;
}

/* --- reading -------------------------------------------------------------- */

static unsigned
bits_of(const struct der *n)
{
	unsigned bits = 8 * (unsigned)n->left;

	for (unsigned top = 0x80; top > n->p[0]; top >>= 1)
		bits--;
	return bits;
}

/* Odd, and no exponent that leaves the message as it is. */
static bool
plausible(const struct der *n, const struct der *e)
{
	return (n->p[n->left - 1] & 1) != 0 && (e->p[e->left - 1] & 1) != 0 &&
	       e->left <= EXPONENT_OCTETS && (e->left > 1 || e->p[0] >= 3);
}

/* The inside of an RSAPublicKey, RFC 8017 appendix A.1.1. A private key begins
 * with a version of 0 instead. */
static enum dkim_fault
rsa_read(struct dkim_public *out, struct der *key, struct dkim_flaw *flaw)
{
	struct der n, e, first = *key, version = der_take(&first, DER_INTEGER);

	if (!version.bad && version.left == 1 && version.p[0] == 0)
		return DKIM_PRIVATE;
	n = der_unsigned(key);
	e = der_unsigned(key);
	if (!der_done(key))
		return DKIM_DER;
	flaw->bits = bits_of(&n);
	if (flaw->bits > DKIM_BITS_MAX)
		return DKIM_LARGE;
	if (!plausible(&n, &e))
		return DKIM_NUMBERS;
	out->type = DKIM_RSA;
	out->bits = (uint16_t)flaw->bits;
	rsa_build(out, &n, &e);
	return DKIM_OK;
}

static bool
same(const struct der *d, const uint8_t *bytes, size_t len)
{
	return d->left == len && memcmp(d->p, bytes, len) == 0;
}

static void
ed25519_set(struct dkim_public *out, const uint8_t *octets)
{
	out->type = DKIM_ED25519;
	out->bits = ED25519_BITS;
	out->len = ED25519_OCTETS;
	memcpy(out->bytes, octets, ED25519_OCTETS);
}

/* The inside of a SubjectPublicKeyInfo, RFC 5280 4.1, RFC 3279 2.3.1 and
 * RFC 8410 4. *at follows, for a fault's place. */
static enum dkim_fault
spki_read(struct dkim_public *out, struct der *spki, struct dkim_flaw *flaw,
    const uint8_t **at)
{
	struct der algorithm = der_take(spki, DER_SEQUENCE);
	struct der oid = der_take(&algorithm, DER_OID);
	struct der bits, key;

	*at = spki->p;
	bits = der_take(spki, DER_BITS);
	if (oid.bad || !der_done(spki) || bits.left < 1 || bits.p[0] != 0)
		return DKIM_DER;
	der_init(&key, bits.p + 1, bits.left - 1);
	*at = key.p;
	if (same(&oid, ed25519_oid, sizeof(ed25519_oid))) {
		if (!der_done(&algorithm) || key.left != ED25519_OCTETS)
			return DKIM_DER;
		ed25519_set(out, key.p);
		return DKIM_OK;
	}
	der_take(&algorithm, DER_NULL);
	if (!same(&oid, rsa_oid, sizeof(rsa_oid)) || !der_done(&algorithm))
		return DKIM_ALGORITHM;
	bits = der_take(&key, DER_SEQUENCE);
	if (!der_done(&key))
		return DKIM_DER;
	return rsa_read(out, &bits, flaw);
}

enum dkim_fault
dkim_public_from_der(struct dkim_public *out, const uint8_t *der, size_t len,
    struct dkim_flaw *flaw)
{
	struct dkim_flaw unused = {.at = 0};
	struct der all, outer;
	const uint8_t *at = der;
	enum dkim_fault fault;
	size_t whole = der_whole(der, len);

	flaw = flaw != NULL ? flaw : &unused;
	*flaw = (struct dkim_flaw){.at = len};
	if (len == 0)
		return DKIM_EMPTY;
	der_init(&all, der, len);
	if (der_next_is(&all, DER_SEQUENCE) && whole > len &&
	    whole <= WHOLE_MAX) {
		flaw->need = BASE64_DIGITS(whole);
		flaw->have = BASE64_DIGITS(len);
		return DKIM_CUT;
	}
	outer = der_take(&all, DER_SEQUENCE);
	if (!der_done(&all)) {
		/* behind the key, or at once when there is none */
		flaw->at = (size_t)(all.p - der);
		return DKIM_DER;
	}
	if (der_next_is(&outer, DER_INTEGER))
		fault = rsa_read(out, &outer, flaw);
	else
		fault = spki_read(out, &outer, flaw, &at);
	flaw->at = fault == DKIM_OK ? len : (size_t)(at - der);
	return fault;
}

/* --- from base64 ---------------------------------------------------------- */

size_t
dkim_digit_at(const uint8_t *p, size_t len, size_t n)
{
	size_t at = 0;

	for (size_t seen = 0; at < len; at++) {
		if (!tags_blank(p[at]) && seen++ == n)
			break;
	}
	return at;
}

static enum dkim_fault
ed25519_read(struct dkim_public *out, const uint8_t *octets, size_t len,
    struct dkim_flaw *flaw)
{
	if (len == ED25519_OCTETS) {
		ed25519_set(out, octets);
		return DKIM_OK;
	}
	*flaw = (struct dkim_flaw){.at = len};
	if (len < ED25519_OCTETS) {
		flaw->need = BASE64_DIGITS(ED25519_OCTETS);
		return DKIM_CUT;
	}
	/* an RSA key, or a SubjectPublicKeyInfo: RFC 8463 4.2 has neither */
	if (dkim_public_from_der(out, octets, len, flaw) == DKIM_OK) {
		flaw->at = 0;
		return out->type == DKIM_RSA ? DKIM_TYPE : DKIM_WRAPPED;
	}
	flaw->at = ED25519_OCTETS;
	return DKIM_DER;
}

static enum dkim_fault
octets_read(struct dkim_public *out, enum dkim_type type, const uint8_t *octets,
    size_t len, struct dkim_flaw *flaw)
{
	enum dkim_fault fault;

	if (type == DKIM_ED25519)
		return ed25519_read(out, octets, len, flaw);
	fault = dkim_public_from_der(out, octets, len, flaw);
	/* an Ed25519 key without its k=, bare or wrapped */
	if ((fault == DKIM_DER && len == ED25519_OCTETS) ||
	    (fault == DKIM_OK && out->type != DKIM_RSA)) {
		flaw->at = 0;
		return DKIM_TYPE;
	}
	return fault;
}

enum dkim_fault
dkim_public_from_p(struct dkim_public *out, enum dkim_type type,
    const uint8_t *p, size_t len, struct dkim_flaw *flaw)
{
	/* room to tell how large an RSA key is that is too large */
	uint8_t octets[2 * DKIM_KEY_MAX];
	struct dkim_flaw unused = {.at = 0};
	struct base64_end end;
	enum base64_fault base64 =
	    base64_decode(octets, sizeof(octets), p, len, &end);
	enum dkim_fault fault;

	flaw = flaw != NULL ? flaw : &unused;
	*flaw = (struct dkim_flaw){.at = end.at};
	if (end.digits == 0 && base64 == BASE64_OK)
		return DKIM_EMPTY;
	if (base64 == BASE64_OCTET)
		return DKIM_BASE64;
	if (base64 == BASE64_LONG)
		return octets[0] == DER_SEQUENCE ? DKIM_LARGE : DKIM_DER;
	fault = octets_read(out, type, octets, end.len, flaw);
	flaw->have = end.digits;
	if (base64 == BASE64_CUT && fault != DKIM_CUT) {
		/* complete but for its padding, or no key at all */
		flaw->at = len;
		return DKIM_BASE64;
	}
	flaw->at =
	    fault == DKIM_CUT ? len : dkim_digit_at(p, len, flaw->at * 4 / 3);
	return fault;
}

enum dkim_fault
dkim_public_from_canonical(struct dkim_public *out, enum dkim_type type,
    const uint8_t *bytes, size_t len)
{
	struct dkim_flaw flaw;
	enum dkim_fault fault = octets_read(out, type, bytes, len, &flaw);

	if (fault == DKIM_OK &&
	    (out->len != len || memcmp(out->bytes, bytes, len) != 0))
		return DKIM_ALGORITHM;
	return fault;
}

bool
dkim_public_equal(const struct dkim_public *a, const struct dkim_public *b)
{
	return a->type == b->type && a->len == b->len &&
	       memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* --- names and values ----------------------------------------------------- */

size_t
dkim_record_value(const struct dkim_public *key, char *out, size_t cap)
{
	char digits[DKIM_P_MAX + 1];
	int len;

	base64_encode(key->bytes, key->len, digits);
	len = snprintf(
	    out, cap, "v=DKIM1; k=%s; p=%s", dkim_type_name(key->type), digits);
	if (len > 0 && (size_t)len < cap)
		return (size_t)len;
	if (cap > 0)
		*out = '\0';
	return 0;
}

static bool
let_dig(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

bool
dkim_selector_ok(const char *text)
{
	size_t at = 0;

	for (; text[at] != '\0'; at++) {
		bool edge = at == 0 || text[at - 1] == '.' ||
			    text[at + 1] == '.' || text[at + 1] == '\0';

		if (at == DKIM_SELECTOR_MAX)
			return false;
		if (!let_dig(text[at]) &&
		    (edge || (text[at] != '-' && text[at] != '.')))
			return false;
	}
	return at > 0;
}

bool
dkim_name(struct dname *out, const char *selector, const struct dname *domain)
{
	char text[DKIM_SELECTOR_MAX + sizeof("._domainkey")];
	struct dname head;

	if (!dkim_selector_ok(selector))
		return false;
	snprintf(text, sizeof(text), "%s._domainkey", selector);
	return dname_from_text(&head, text, NULL) == DNAME_OK &&
	       dname_join(out, &head, domain);
}
