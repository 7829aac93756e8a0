/* SPDX-License-Identifier: Apache-2.0 */
#include "io/pubkey.h"
#include "core/base64.h"

#include "tests/unit/dkim_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT_MAX 4000

/* RFC 7468: lines of 64 digits between two labels. */
static void
pem(char out[TEXT_MAX], const char *label, const char *digits)
{
	size_t n =
	    (size_t)snprintf(out, TEXT_MAX, "-----BEGIN %s-----\n", label);

	for (; *digits != '\0'; digits += strnlen(digits, 64))
		n += (size_t)snprintf(out + n, TEXT_MAX - n, "%.64s\n", digits);
	snprintf(out + n, TEXT_MAX - n, "-----END %s-----\n", label);
}

static const struct {
	const char *label;
	const char *digits;
	const char *canonical; /* NULL: refused */
	const char *why;
} keys[] = {
    {"PUBLIC KEY", RSA_2048, RSA_2048, ""},
    {"PUBLIC KEY", RSA_4096, RSA_4096, ""},
    {"PUBLIC KEY", RFC_RSA, RFC_RSA, ""},
    {"PUBLIC KEY", RSA_E3, RSA_E3, ""},
    {"RSA PUBLIC KEY", RSA_2048_BARE, RSA_2048, ""},
    {"PUBLIC KEY", RFC_ED25519_WRAPPED, RFC_ED25519, ""},
    /* weak, large, no keys of DKIM, no keys */
    {"PUBLIC KEY", RSA_768, NULL, "has 768 bits; receivers refuse less"},
    {"PUBLIC KEY", RSA_512, NULL, "has 512 bits"},
    {"PUBLIC KEY", RSA_8192, NULL, "has 8192 bits; receivers need not"},
    {"PUBLIC KEY", DSA_1024, NULL, "algorithm DSA"},
    {"PUBLIC KEY", RSA_PSS, NULL, "algorithm RSA-PSS"},
    {"PUBLIC KEY", RSA_E1, NULL, "numbers can't be right"},
    {"PUBLIC KEY", RSA_EVEN, NULL, "numbers can't be right"},
    {"PUBLIC KEY", RSA_TRAILING, NULL, "block can't be read"},
    {"PUBLIC KEY", RSA_2048_BARE, NULL, "block can't be read"},
    {"RSA PUBLIC KEY", RSA_2048, NULL, "block can't be read"},
    {"PUBLIC KEY", RFC_ED25519, NULL, "block can't be read"},
    {"PUBLIC KEY", "AAAA", NULL, "block can't be read"},
    {"PUBLIC KEY", "", NULL, "block can't be read"},
    /* something else: told by its label, never read */
    {"PRIVATE KEY", PRIVATE_512_PKCS8, NULL, "private key"},
    {"RSA PRIVATE KEY", PRIVATE_512, NULL, "private key"},
    {"ENCRYPTED PRIVATE KEY", "AAAA", NULL, "private key"},
    {"OPENSSH PRIVATE KEY", "AAAA", NULL, "private key"},
    {"CERTIFICATE", "AAAA", NULL, "is a certificate;"},
    {"CERTIFICATE REQUEST", "AAAA", NULL, "certificate request"},
    {"NEW CERTIFICATE REQUEST", "AAAA", NULL, "certificate request"},
    {"SSH2 PUBLIC KEY", "AAAA", NULL, "SSH"},
    {"PGP PUBLIC KEY BLOCK", "AAAA", NULL, "PGP"},
    {"EC PARAMETERS", "AAAA", NULL, "no public key in PEM"},
};

static void
files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		char text[TEXT_MAX], digits[DKIM_P_MAX + 1];
		struct dkim_public key;
		struct err e = {.text = ""};
		enum next next;

		pem(text, keys[i].label, keys[i].digits);
		next = pubkey_parse(&key, text, strlen(text), &e);
		if (next != (keys[i].canonical != NULL ? OK : REJECT) ||
		    strstr(e.text, keys[i].why) == NULL)
			fail_msg("%zu, %s: %d %s", i, keys[i].label, (int)next,
			    e.text);
		if (next != OK)
			continue;
		base64_encode(key.bytes, key.len, digits);
		assert_string_equal(digits, keys[i].canonical);
	}
}

static void
texts(void **state)
{
	static const struct {
		const char *before, *behind;
		enum next next;
		const char *why;
	} tests[] = {
	    {"", "", OK, ""},
	    {"a comment\r\nwith v=DKIM1 in it\r\n\r\n", "bye\n", OK, ""},
	    {"\xef\xbb\xbf\n", "", OK, ""},
	    {"", "-----BEGIN PUBLIC KEY-----\n", REJECT, "more than one"},
	    {"-----BEGIN CERTIFICATE-----\n", "", REJECT, "a certificate"},
	    {"-----BEGIN EC PRIVATE KEY-----\n", "", REJECT, "private key"},
	};
	static const struct {
		const char *text;
		const char *why;
	} without[] = {
	    {"", "no public key in PEM"},
	    {"hello", "no public key in PEM"},
	    {"ssh-rsa AAAAB3NzaC1yc2E me@here", "SSH"},
	    {"ssh-ed25519 AAAAC3NzaC1lZDI1 me@here", "SSH"},
	    {"v=DKIM1; k=rsa; p=" RSA_2048, "DNS record"},
	    {RSA_2048, "no public key in PEM"},
	    {"-----BEGIN PUBLIC KEY-----", "block can't be read"},
	};
	char text[TEXT_MAX], all[2 * TEXT_MAX];
	struct dkim_public key;
	struct err e;

	(void)state;
	pem(text, "PUBLIC KEY", RSA_2048);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		e.text[0] = '\0';
		snprintf(all, sizeof(all), "%s%s%s", tests[i].before, text,
		    tests[i].behind);
		assert_int_equal(
		    pubkey_parse(&key, all, strlen(all), &e), tests[i].next);
		assert_non_null(strstr(e.text, tests[i].why));
	}
	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		assert_int_equal(pubkey_parse(&key, without[i].text,
				     strlen(without[i].text), &e),
		    REJECT);
		assert_non_null(strstr(e.text, without[i].why));
	}
}

/* Lines that end as on Windows, no newline at the end, and every cut. */
static void
cuts(void **state)
{
	char text[TEXT_MAX], dos[TEXT_MAX];
	struct dkim_public key;
	struct err e;
	size_t n = 0, len;

	(void)state;
	pem(text, "PUBLIC KEY", RSA_2048);
	len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			dos[n++] = '\r';
		dos[n++] = text[i];
	}
	assert_int_equal(pubkey_parse(&key, dos, n, &e), OK);
	assert_int_equal(pubkey_parse(&key, text, len - 1, &e), OK);
	for (size_t cut = 0; cut < len - 1; cut++) {
		char *copy = test_malloc(cut + 1);
		enum next next;

		memcpy(copy, text, cut);
		next = pubkey_parse(&key, copy, cut, &e);
		assert_int_equal(next, REJECT);
		test_free(copy);
	}
}

static void
reading(void **state)
{
	static char big[PUBKEY_FILE_MAX + 1];
	char path[] = "/tmp/pubkey-test-XXXXXX", text[TEXT_MAX];
	struct dkim_public key;
	struct err e;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	pem(text, "PUBLIC KEY", RSA_2048);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(pubkey_read(&key, path, &e), OK);
	assert_int_equal(key.bits, 2048);
	memset(big, '\n', sizeof(big));
	assert_int_equal(write(fd, big, sizeof(big)), sizeof(big));
	assert_int_equal(pubkey_read(&key, path, &e), REJECT);
	assert_non_null(strstr(e.text, "longer than any key"));
	/* what is wrong begins with the file's name */
	assert_ptr_equal(strstr(e.text, path), e.text);
	close(fd);
	unlink(path);
	assert_int_equal(pubkey_read(&key, path, &e), RETRY);
	assert_non_null(strstr(e.text, "No such file"));
	assert_int_equal(pubkey_read(&key, "/", &e), RETRY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files),
	    cmocka_unit_test(texts),
	    cmocka_unit_test(cuts),
	    cmocka_unit_test(reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
