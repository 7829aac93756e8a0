/* SPDX-License-Identifier: Apache-2.0 */
#include "io/pubkey.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#define BEGIN "-----BEGIN "

/* What people hand over instead, told by a mark in the text. */
struct other {
	const char *mark;
	const char *what;
};

/* A private key first: nothing else matters then. */
static const struct other blocks[] = {
    {"PRIVATE KEY-----",
	"holds a private key, which must never leave its owner; give the "
	"public one: openssl pkey -pubout -in FILE"},
    {BEGIN "CERTIFICATE REQUEST",
	"is a certificate request; take the key out of it: openssl req "
	"-pubkey -noout -in FILE"},
    {BEGIN "NEW CERTIFICATE REQUEST",
	"is a certificate request; take the key out of it: openssl req "
	"-pubkey -noout -in FILE"},
    {BEGIN "CERTIFICATE",
	"is a certificate; take the key out of it: openssl x509 -pubkey "
	"-noout -in FILE"},
    {BEGIN "TRUSTED CERTIFICATE",
	"is a certificate; take the key out of it: openssl x509 -pubkey "
	"-noout -in FILE"},
    {BEGIN "SSH2 PUBLIC KEY", "is a key for SSH, not for DKIM"},
    {BEGIN "PGP ", "is a key for PGP, not for DKIM"},
};

/* The same, where there is no PEM block at all. */
static const struct other bare[] = {
    {"ssh-rsa ", "is a key for SSH, not for DKIM"},
    {"ssh-ed25519 ", "is a key for SSH, not for DKIM"},
    {"v=DKIM1",
	"is a DNS record; the file must hold the key alone, as PEM (-----BEGIN "
	"PUBLIC KEY-----)"},
};

static const char *
find(const char *text, size_t len, const char *mark)
{
	return memmem(text, len, mark, strlen(mark));
}

static const char *
what_else(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		if (find(text, len, blocks[i].mark) != NULL)
			return blocks[i].what;
	}
	if (find(text, len, BEGIN) != NULL)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(bare); i++) {
		if (find(text, len, bare[i].mark) != NULL)
			return bare[i].what;
	}
	return NULL;
}

static bool
has_two(const char *text, size_t len)
{
	const char *first = find(text, len, BEGIN);
	size_t past;

	if (first == NULL)
		return false;
	past = (size_t)(first - text) + strlen(BEGIN);
	return find(text + past, len - past, BEGIN) != NULL;
}

/* The key of a PEM block by its label. NULL: none that OpenSSL can read. */
static EVP_PKEY *
block_read(const char *label, const unsigned char *der, long len)
{
	const unsigned char *at = der;
	EVP_PKEY *key = NULL;

	if (strcmp(label, PEM_STRING_PUBLIC) == 0)
		key = d2i_PUBKEY(NULL, &at, len);
	else if (strcmp(label, PEM_STRING_RSA_PUBLIC) == 0)
		key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, len);
	if (key != NULL && at != der + len) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static EVP_PKEY *
pem_read(const char *text, size_t len)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *key = NULL;
	char *label = NULL, *header = NULL;
	unsigned char *der = NULL;
	long der_len = 0;

	if (bio != NULL &&
	    PEM_read_bio(bio, &label, &header, &der, &der_len) == 1)
		key = block_read(label, der, der_len);
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	return key;
}

static enum next
key_take(struct dkim_public *out, EVP_PKEY *key, struct err *e)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der), bits = EVP_PKEY_get_bits(key);
	const char *type = EVP_PKEY_get0_type_name(key);
	enum dkim_fault fault = DKIM_DER;

	if (len > 0)
		fault = dkim_public_from_der(out, der, (size_t)len, NULL);
	OPENSSL_free(der);
	if (fault == DKIM_LARGE)
		err_set(e, "has %d bits; receivers need not read more than %d",
		    bits, DKIM_BITS_MAX);
	else if (fault == DKIM_ALGORITHM || fault == DKIM_DER)
		err_set(e,
		    "holds a key of the algorithm %s; DKIM has RSA and "
		    "Ed25519 only",
		    type != NULL ? type : "that nobody knows");
	else if (fault != DKIM_OK)
		err_set(e, "holds no RSA key: its numbers can't be right");
	else if (out->type == DKIM_RSA && out->bits < DKIM_BITS_MIN)
		err_set(e,
		    "has %d bits; receivers refuse less than %d, and "
		    "2048 are usual",
		    bits, DKIM_BITS_MIN);
	else
		return OK;
	return REJECT;
}

enum next
pubkey_parse(
    struct dkim_public *out, const char *text, size_t len, struct err *e)
{
	const char *else_what = what_else(text, len);
	EVP_PKEY *key;
	enum next next;

	if (else_what != NULL) {
		err_set(e, "%s", else_what);
		return REJECT;
	}
	if (has_two(text, len)) {
		err_set(e, "holds more than one PEM block; give the one key");
		return REJECT;
	}
	if (len > PUBKEY_FILE_MAX) {
		err_set(e, "is longer than any key");
		return REJECT;
	}
	key = pem_read(text, len);
	if (key == NULL) {
		err_set(e,
		    "is no public key in PEM (-----BEGIN PUBLIC KEY-----"
		    ")%s",
		    find(text, len, BEGIN) != NULL ? "; its block can't be read"
						   : "");
		ERR_clear_error();
		return REJECT;
	}
	next = key_take(out, key, e);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return next;
}

/* Up to cap octets; -1 with errno. */
static ssize_t
read_all(int fd, char *buf, size_t cap)
{
	size_t len = 0;

	while (len < cap) {
		ssize_t n = read(fd, buf + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

enum next
pubkey_read(struct dkim_public *out, const char *path, struct err *e)
{
	bool standard = strcmp(path, "-") == 0;
	const char *name = standard ? "standard input" : path;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char text[PUBKEY_FILE_MAX + 1];
	enum next next = RETRY;
	struct err inner;
	ssize_t len = fd >= 0 ? read_all(fd, text, sizeof(text)) : -1;

	if (len < 0) {
		err_set(e, "can't read %s: %s", name, strerror(errno));
	} else {
		next = pubkey_parse(out, text, (size_t)len, &inner);
		if (next != OK)
			err_set(e, "%s %s", name, inner.text);
	}
	/* it may have been a private key */
	OPENSSL_cleanse(text, sizeof(text));
	if (fd >= 0 && !standard)
		close(fd);
	return next;
}
