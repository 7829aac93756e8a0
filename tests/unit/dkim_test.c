/* SPDX-License-Identifier: Apache-2.0 */
/* Sections are of RFC 6376 unless another RFC stands before them. */
#include "core/dkim.h"
#include "core/base64.h"

#include "tests/unit/dkim_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RSA	"v=DKIM1; k=rsa; p="
#define RIGHT	RSA RSA_2048
#define OTHER	RSA RSA_OTHER
#define ED	"v=DKIM1; k=ed25519; p="
#define ED_GOOD ED RFC_ED25519
#define AT	__LINE__

#define LETTERS_60                                                             \
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh"

#define BLANKS_64                                                              \
	"                                                                "
#define BLANKS_512                                                             \
	BLANKS_64 BLANKS_64 BLANKS_64 BLANKS_64 BLANKS_64 BLANKS_64 BLANKS_64  \
	    BLANKS_64
#define BLANKS_2048 BLANKS_512 BLANKS_512 BLANKS_512 BLANKS_512

/* Length-counted: a row may hold NUL octets. */
#define BYTES(text) text, sizeof(text) - 1

/* Keys that are wanted, and one that is known besides. */
enum wanted { NO_KEY, WANT_RSA, WANT_RFC_RSA, WANT_ED, WANT_512 };
static const char *const wanted[] = {
    [WANT_RSA] = RSA_2048,
    [WANT_RFC_RSA] = RFC_RSA,
    [WANT_ED] = RFC_ED25519,
    [WANT_512] = RSA_512,
};

static enum dkim_type
type_of(enum wanted w)
{
	return w == WANT_ED ? DKIM_ED25519 : DKIM_RSA;
}

static struct dkim_public
key_of(const char *p, enum dkim_type type)
{
	struct dkim_public key;

	assert_int_equal(
	    dkim_public_from_p(&key, type, (const uint8_t *)p, strlen(p), NULL),
	    DKIM_OK);
	return key;
}

/* mark: ANY when it does not matter. saw: a part of it. */
#define ANY -1
#define END -2 /* of the record */
struct row {
	int line;
	const char *section;
	const char *bytes;
	size_t len;
	enum wanted want;
	enum code code;
	enum code also;
	int mark;
	const char *saw;
};

#define ROW(section, text, ...)                                                \
	{                                                                      \
		AT, section, BYTES(text), __VA_ARGS__                          \
	}

static const struct row rows[] = {
    /* right, with and without a key to compare */
    ROW("3.6.1", RIGHT, WANT_RSA, 0, 0, ANY, "rsa, 2048 bits"),
    ROW("3.6.1", RIGHT, NO_KEY, 0, 0, ANY, "rsa, 2048 bits"),
    ROW("3.6.1 v= optional", "p=" RSA_2048, WANT_RSA, 0, 0, ANY, ""),
    ROW("3.6.1 v= optional", "k=rsa; p=" RSA_2048, NO_KEY, 0, 0, ANY, ""),
    ROW("3.6.1 k= default rsa", "v=DKIM1; p=" RSA_2048, WANT_RSA, 0, 0, ANY,
	""),
    ROW("3.2 last ;", RIGHT ";", WANT_RSA, 0, 0, ANY, ""),
    ROW("3.2 last ; and FWS", RIGHT " ; ", WANT_RSA, 0, 0, ANY, ""),
    ROW("3.2 no FWS", "v=DKIM1;k=rsa;p=" RSA_2048, WANT_RSA, 0, 0, ANY, ""),
    ROW("3.2 FWS all over", " v = DKIM1 ;\tk\t=\trsa ; p = " RSA_2048 " ",
	WANT_RSA, 0, 0, ANY, ""),
    ROW("2.8 CRLF folding", "v=DKIM1;\r\n k=rsa;\r\n p=\r\n " RSA_2048,
	WANT_RSA, 0, 0, ANY, ""),
    ROW("3.2 bare line feeds", "v=DKIM1;\n k=rsa;\n p=" RSA_2048, WANT_RSA, 0,
	0, ANY, ""),
    ROW("3.2 order", "v=DKIM1; p=" RSA_2048 "; k=rsa", WANT_RSA, 0, 0, ANY, ""),
    ROW("3.2 unknown tags", "v=DKIM1; x=y; a_1=; p=" RSA_2048 "; zz=\"\\",
	WANT_RSA, 0, 0, ANY, ""),
    ROW("3.2 case of names", "v=DKIM1; K=dsa; H=sha1; p=" RSA_2048, WANT_RSA, 0,
	0, ANY, ""),
    ROW("3.6.1 n=", "v=DKIM1; n=made=20in 2026; p=" RSA_2048, WANT_RSA, 0, 0,
	ANY, ""),
    ROW("RFC 4871 3.6.1 g=", "v=DKIM1; g=*; k=rsa; p=" RSA_2048, WANT_RSA, 0, 0,
	ANY, ""),
    ROW("RFC 4871 3.6.1 g= empty", "v=DKIM1; g=; k=rsa; p=" RSA_2048, WANT_RSA,
	0, 0, ANY, ""),
    ROW("3.6.1 h=", "v=DKIM1; h=sha256; p=" RSA_2048, WANT_RSA, 0, 0, ANY, ""),
    ROW("3.6.1 h= list", "v=DKIM1; h=sha1 : sha256; p=" RSA_2048, WANT_RSA, 0,
	0, ANY, ""),
    ROW("3.6.1 h= unknown ones", "v=DKIM1; h=sha512:sha256:x; p=" RSA_2048,
	WANT_RSA, 0, 0, ANY, ""),
    ROW("3.6.1 s=*", "v=DKIM1; s=*; p=" RSA_2048, WANT_RSA, 0, 0, ANY, ""),
    ROW("3.6.1 s=email", "v=DKIM1; s=email; p=" RSA_2048, WANT_RSA, 0, 0, ANY,
	""),
    ROW("RFC 8460 3 s= list", "v=DKIM1; s=tlsrpt:email; p=" RSA_2048, WANT_RSA,
	0, 0, ANY, ""),
    ROW("3.6.1 t=s", "v=DKIM1; t=s; p=" RSA_2048, WANT_RSA, 0, 0, ANY,
	"t=s: for the domain itself"),
    ROW("3.6.1 t= empty", "v=DKIM1; t=; p=" RSA_2048, WANT_RSA, 0, 0, ANY, ""),
    ROW("3.6.1 t= unknown flags", "v=DKIM1; t=x:yy; p=" RSA_2048, WANT_RSA, 0,
	0, ANY, ""),
    ROW("3.6.1 RSAPublicKey", RSA RSA_2048_BARE, WANT_RSA, 0, 0, ANY,
	"as RSAPublicKey"),
    ROW("3.6.1 RSAPublicKey", RSA RSA_2048_BARE, NO_KEY, 0, 0, ANY,
	"2048 bits; as RSAPublicKey"),
    ROW("RFC 8301 3.2", RSA RSA_4096, NO_KEY, 0, 0, ANY, "rsa, 4096 bits"),
    ROW("RFC 8301 3.2", RSA RSA_1536, NO_KEY, 0, CODE_KEY_WEAK, ANY,
	"rsa, 1536 bits"),
    ROW("RFC 8463 A.2", RSA RFC_RSA, NO_KEY, 0, CODE_KEY_WEAK, ANY,
	"rsa, 1024 bits"),
    ROW("RFC 8463 A.2", RSA RFC_RSA, WANT_RFC_RSA, 0, CODE_KEY_WEAK, ANY,
	"rsa, 1024 bits"),
    ROW("RFC 8463 A.2", ED_GOOD, NO_KEY, 0, 0, ANY, "ed25519, 256 bits"),
    ROW("RFC 8463 A.2", ED_GOOD, WANT_ED, 0, 0, ANY, "ed25519, 256 bits"),
    ROW("RFC 8463 4.2", "k=ed25519;p=" RFC_ED25519 ";", WANT_ED, 0, 0, ANY, ""),
    ROW("RFC 8017 3.1", RSA RSA_E3, NO_KEY, 0, 0, ANY, "2048 bits"),
    /* revoked, testing */
    ROW("3.6.1 p= empty", RSA, WANT_RSA, CODE_KEY_REVOKED, 0, 16, "empty"),
    ROW("3.6.1 p= empty", "v=DKIM1; p=;", NO_KEY, CODE_KEY_REVOKED, 0, 9, ""),
    ROW("3.6.1 p= blank", "v=DKIM1; p= \t ; k=rsa", WANT_RSA, CODE_KEY_REVOKED,
	0, 9, ""),
    ROW("3.6.1 p= alone", "p=", WANT_RSA, CODE_KEY_REVOKED, 0, 0, ""),
    ROW("6.1.2 revoked and testing", "v=DKIM1; t=y; p=", WANT_RSA,
	CODE_KEY_REVOKED, 0, 14, ""),
    ROW("3.6.1 t=y", "v=DKIM1; t=y; p=" RSA_2048, WANT_RSA, CODE_KEY_TESTING, 0,
	9, "t=y"),
    ROW("3.6.1 t=s:y", "v=DKIM1; t=s : y; p=" RSA_2048, NO_KEY,
	CODE_KEY_TESTING, 0, 9, "t=y"),
    /* tags that forbid the use of the right key */
    ROW("3.6.1 v= first", "k=rsa; v=DKIM1; p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 7, "not the first"),
    ROW("3.6.1 v= first", "p=" RFC_ED25519 ";k=ed25519;v=DKIM1", WANT_ED,
	CODE_WRONG_TAG, 0, 57, "not the first"),
    ROW("3.6.1 v= DKIM1", "v=DKIM2; p=" RSA_2048, WANT_RSA, CODE_WRONG_TAG, 0,
	0, "v=DKIM2: it must be DKIM1"),
    ROW("3.6.1 v= DKIM1", "v=dkim1; p=" RSA_2048, WANT_RSA, CODE_WRONG_TAG, 0,
	0, "v=dkim1"),
    ROW("3.6.1 v= DKIM1", "v=; p=" RSA_2048, NO_KEY, CODE_WRONG_TAG, 0, 0,
	"v=: "),
    ROW("3.6.1 v= DKIM1", "v=DKIM1.0; p=" RSA_2048, NO_KEY, CODE_WRONG_TAG, 0,
	0, "v=DKIM1.0"),
    ROW("3.6.1 v= of another", "v=1; p=" RSA_2048, NO_KEY, CODE_WRONG_TAG, 0, 0,
	"v=1: "),
    ROW("3.6.1 k= unknown", "v=DKIM1; k=dsa; p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 9, "k=dsa: receivers know"),
    ROW("3.6.1 k= unknown", "v=DKIM1; k=rsa2; p=" RSA_OTHER, WANT_RSA,
	CODE_WRONG_TAG, 0, 9, "k=rsa2"),
    ROW("3.2 case of values", "v=DKIM1; k=RSA; p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 9, "k=RSA"),
    ROW("3.6.1 k= empty", "v=DKIM1; k=; p=" RSA_2048, NO_KEY, CODE_WRONG_TAG, 0,
	9, "k=: "),
    ROW("3.6.1 k= no list", "v=DKIM1; k=rsa:ed25519; p=" RSA_2048, NO_KEY,
	CODE_WRONG_TAG, 0, 9, "k=rsa:ed25519"),
    ROW("RFC 8463 4.2 k=", ED RSA_2048, WANT_RSA, CODE_WRONG_TAG, 0, 9,
	"k=ed25519, but p= holds an RSA key"),
    ROW("RFC 8463 4.2 k=", RSA RFC_ED25519, NO_KEY, CODE_WRONG_TAG, 0, 9,
	"k=rsa, but p= holds an Ed25519 key"),
    ROW("RFC 8463 4.2 k=", "v=DKIM1; p=" RFC_ED25519, WANT_ED, CODE_WRONG_TAG,
	0, 9, "k= is missing, which means rsa"),
    ROW("RFC 8301 3.1", "v=DKIM1; h=sha1; p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 9, "h=sha1: without sha256"),
    ROW("3.6.1 h= empty", "v=DKIM1; h=; p=" RSA_2048, WANT_RSA, CODE_WRONG_TAG,
	0, 9, "h=: without sha256"),
    ROW("3.6.1 h= other names", "v=DKIM1; h=SHA256:sha-256; p=" RSA_2048,
	NO_KEY, CODE_WRONG_TAG, 0, 9, "h=SHA256:sha-256"),
    ROW("RFC 8460 3 s=", "v=DKIM1; s=tlsrpt; p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 9, "s=tlsrpt: without * or email"),
    ROW("3.6.1 s= empty", "v=DKIM1; s=; p=" RSA_2048, NO_KEY, CODE_WRONG_TAG, 0,
	9, "s=: "),
    ROW("3.2 duplicate", "v=DKIM1; k=rsa; k=rsa; p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 16, "second time: k=rsa"),
    ROW("3.2 duplicate p=", "v=DKIM1; p=" RSA_2048 "; p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 405, "p= is there twice"),
    ROW("3.2 duplicate unknown", "v=DKIM1; x=1; p=" RSA_2048 "; x=2", NO_KEY,
	CODE_WRONG_TAG, 0, 410, "second time: x=2"),
    ROW("3.2 duplicate v=", "v=DKIM1; v=DKIM1; p=" RSA_2048, NO_KEY,
	CODE_WRONG_TAG, 0, 9, "second time: v=DKIM1"),
    ROW("3.2 empty tag", "v=DKIM1;; k=rsa; p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 8, "between two semicolons"),
    ROW("3.2 empty tag", RIGHT "; ;", WANT_RSA, CODE_WRONG_TAG, 0, ANY,
	"between two semicolons"),
    ROW("3.2 empty tag", "; " RIGHT, WANT_RSA, CODE_WRONG_TAG, 0, 0,
	"between two semicolons"),
    ROW("3.2 no =", "v=DKIM1; rsa; p=" RSA_2048, WANT_RSA, CODE_WRONG_TAG, 0, 9,
	"no =: rsa"),
    ROW("3.2 tag-name", "v=DKIM1; 1k=x; p=" RSA_2048, WANT_RSA, CODE_WRONG_TAG,
	0, 9, "no name of a tag"),
    ROW("3.2 tag-name", "v=DKIM1; a-b=x; p=" RSA_2048, WANT_RSA, CODE_WRONG_TAG,
	0, 10, "no name of a tag"),
    ROW("3.2 tag-name", "v=DKIM1; =x; p=" RSA_2048, WANT_RSA, CODE_WRONG_TAG, 0,
	9, "no name of a tag"),
    ROW("3.2 comma for ;", "v=DKIM1, k=rsa, p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, NO_MARK, "p= is missing"),
    ROW("3.6.1 p= required", "v=DKIM1; k=rsa", WANT_RSA, CODE_WRONG_TAG, 0,
	NO_MARK, "p= is missing"),
    ROW("3.6.1 p= required", "v=DKIM1; k=rsa; " RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 16, "p= is missing before the key"),
    ROW("3.6.1 p= required", RSA_2048, WANT_RSA, CODE_WRONG_TAG, 0, 0,
	"p= is missing before the key"),
    ROW("3.2 P=", "v=DKIM1; k=rsa; P=" RSA_2048, WANT_RSA, CODE_WRONG_TAG, 0,
	16, "P=: "),
    /* keys: weak, no keys, others */
    ROW("RFC 8301 3.2", RSA RSA_512, NO_KEY, CODE_KEY_WEAK, 0, 16,
	"512 bits: receivers refuse less than 1024"),
    ROW("RFC 8301 3.2", RSA RSA_768, NO_KEY, CODE_KEY_WEAK, 0, 16, "768 bits"),
    ROW("RFC 8301 3.2", RSA RSA_512, WANT_512, CODE_KEY_WEAK, 0, 16,
	"512 bits"),
    ROW("RFC 8301 3.2", RSA RSA_8192, NO_KEY, CODE_KEY_INVALID, 0, 16,
	"more than 4096 bits"),
    ROW("RFC 8301 3.2", RSA RSA_8192, WANT_RSA, CODE_KEY_INVALID, 0, 16,
	"more than 4096 bits"),
    ROW("3.6.1 base64", RSA "MIIB-jANBgkqhkiG9w0BAQEFAAOC", NO_KEY,
	CODE_KEY_INVALID, 0, 22, "'-' may not stand in a key (character 5"),
    ROW("3.6.1 base64", RSA "not a key!", NO_KEY, CODE_KEY_INVALID, 0, 27,
	"'!' may not"),
    ROW("3.6.1 base64", RSA "MIIB\x01jAN", NO_KEY, CODE_KEY_TRUNCATED,
	CODE_WHITESPACE, END, "25 of 554 characters arrived"),
    ROW("RFC 4648 4 padding", RSA "MII", NO_KEY, CODE_KEY_INVALID, 0, END,
	"not whole"),
    ROW("RFC 4648 4 padding", ED "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
	NO_KEY, CODE_KEY_INVALID, 0, END, "not whole"),
    ROW("RFC 4648 4 padding", ED_GOOD "=", NO_KEY, CODE_KEY_INVALID, 0, 66,
	"'=' may not"),
    ROW("RFC 7468 13",
	RSA "-----BEGIN PUBLIC KEY-----" RSA_2048 "-----END PUBLIC KEY-----",
	WANT_RSA, CODE_KEY_INVALID, 0, 18, "BEGIN line"),
    ROW("3.6.1 rsa", RSA "AAAAAAAAAAAAAAAA", NO_KEY, CODE_KEY_INVALID, 0, 18,
	"not a public key"),
    ROW("3.6.1 rsa", RSA RSA_TRAILING, NO_KEY, CODE_KEY_INVALID, 0, 410,
	"not a public key"),
    ROW("3.6.1 rsa", RSA RSA_TRAILING, WANT_RSA, CODE_KEY_INVALID, 0, 410,
	"the right key, then 4 characters too many"),
    ROW("RFC 8017 A.1.1", RSA RSA_EVEN, NO_KEY, CODE_KEY_INVALID, 0, ANY,
	"no RSA key has these numbers"),
    ROW("RFC 8017 A.1.1", RSA RSA_NEGATIVE, NO_KEY, CODE_KEY_INVALID, 0, ANY,
	"not a public key"),
    ROW("X.690 8.3.2", RSA RSA_PADDED, NO_KEY, CODE_KEY_INVALID, 0, ANY,
	"not a public key"),
    ROW("RFC 8017 3.1", RSA RSA_E1, NO_KEY, CODE_KEY_INVALID, 0, ANY,
	"no RSA key has these numbers"),
    ROW("RFC 8017 3.1", RSA RSA_E2, NO_KEY, CODE_KEY_INVALID, 0, ANY,
	"no RSA key has these numbers"),
    ROW("RFC 8017 3.1", RSA RSA_E_LONG, NO_KEY, CODE_KEY_INVALID, 0, ANY,
	"no RSA key has these numbers"),
    ROW("RFC 3279 2.3.1", RSA RSA_NO_NULL, NO_KEY, CODE_KEY_INVALID, 0, ANY,
	"another algorithm"),
    ROW("RFC 4055 1.2", RSA RSA_PSS, NO_KEY, CODE_KEY_INVALID, 0, ANY,
	"another algorithm"),
    ROW("3.3.1 rsa", RSA DSA_1024, WANT_RSA, CODE_KEY_INVALID, 0, ANY,
	"another algorithm"),
    ROW("3.1 private", RSA PRIVATE_512, WANT_RSA, CODE_KEY_INVALID, 0, ANY,
	"PRIVATE"),
    ROW("3.1 private", RSA PRIVATE_512_PKCS8, NO_KEY, CODE_KEY_INVALID, 0, ANY,
	"PRIVATE"),
    ROW("RFC 8463 4.2", ED RFC_ED25519_WRAPPED, WANT_ED, CODE_KEY_INVALID, 0,
	22, "bare 32 octets"),
    ROW("RFC 8463 4.2", RSA RFC_ED25519_WRAPPED, NO_KEY, CODE_WRONG_TAG, 0, 9,
	"holds an Ed25519 key"),
    ROW("RFC 8463 4.2", ED RFC_RSA "AAAA", NO_KEY, CODE_KEY_INVALID, 0, ANY,
	"not a public key"),
    ROW("RFC 8463 4.2 cut", ED "AAAA", NO_KEY, CODE_KEY_TRUNCATED, 0, END,
	"26 of 66 characters arrived"),
    ROW("RFC 8410 3", RSA "MCowBQYDK2VwAyEA", NO_KEY, CODE_KEY_TRUNCATED, 0,
	END, ""),
    ROW("3.2 duplicate", "v=DKIM1; xx=1; xx=2; p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 15, "second time: xx=2"),
    ROW("3.1 other", OTHER, WANT_RSA, CODE_KEY_OTHER, 0, ANY,
	"another rsa key of 2048 bits, which ends in "),
    ROW("3.1 other", RSA RSA_1536, WANT_RSA, CODE_KEY_OTHER, 0, ANY,
	"this is the key of selector s1"),
    ROW("3.1 other", ED ED25519_OTHER, WANT_ED, CODE_KEY_OTHER, 0, 22,
	"another ed25519 key"),
    ROW("3.1 other type", ED_GOOD, WANT_RSA, CODE_KEY_OTHER, 0, ANY,
	"this is the key of selector e1"),
    ROW("3.1 other, and forbidden", "v=DKIM2; t=y; h=sha1; p=" RSA_OTHER,
	WANT_RSA, CODE_KEY_OTHER, 0, ANY, ""),
    ROW("3.1 other, and weak", RSA RSA_512, WANT_RSA, CODE_KEY_OTHER, 0, ANY,
	"512 bits"),
    /* strayed in on the way */
    ROW("quotes", "\"" RIGHT "\"", WANT_RSA, CODE_QUOTES_INSIDE, 0, 0,
	"2 quotation marks are"),
    ROW("quotes", "\"v=DKIM1; k=rsa; \" \"p=" RSA_2048 "\"", NO_KEY,
	CODE_QUOTES_INSIDE, 0, 0, "4 quotation marks are"),
    ROW("quotes", RSA "\"" RSA_2048 "\"", WANT_RSA, CODE_QUOTES_INSIDE, 0, 18,
	"2 quotation marks are"),
    ROW("quotes", "\\\"" RIGHT "\\\"", WANT_RSA, CODE_QUOTES_INSIDE, 0, 1,
	"2 quotation marks are"),
    ROW("quotes", RIGHT "\"", WANT_RSA, CODE_QUOTES_INSIDE, 0, 410,
	"1 quotation mark is"),
    ROW("quotes, other key", "\"" OTHER "\"", WANT_RSA, CODE_KEY_OTHER,
	CODE_QUOTES_INSIDE, ANY, "another rsa key"),
    ROW("quotes, revoked", "\"v=DKIM1; p=\"", WANT_RSA, CODE_KEY_REVOKED,
	CODE_QUOTES_INSIDE, 10, ""),
    ROW("quotes, testing", "\"v=DKIM1; t=y; p=" RSA_2048 "\"", WANT_RSA,
	CODE_QUOTES_INSIDE, CODE_KEY_TESTING, 0, ""),
    ROW("quotes, no repair", "\"v=DKIM1; p=MIIB!\"", WANT_RSA, CODE_KEY_INVALID,
	CODE_QUOTES_INSIDE, 16, "'!' may not"),
    ROW("quotes in a note are legal", "v=DKIM1; n=\"\\; p=" RSA_2048, WANT_RSA,
	0, 0, ANY, ""),
    ROW("escapes", "v=DKIM1\\; k=rsa\\; p=" RSA_2048, WANT_RSA,
	CODE_SEMICOLON_ESCAPED, 0, 7, "2 backslashes are"),
    ROW("escapes", "v=DKIM1\\; p=" RSA_2048, NO_KEY, CODE_SEMICOLON_ESCAPED, 0,
	7, "1 backslash is"),
    ROW("escapes, other key", "v=DKIM1\\; k=rsa\\; p=" RSA_OTHER, WANT_RSA,
	CODE_KEY_OTHER, CODE_SEMICOLON_ESCAPED, ANY, ""),
    ROW("curly quotes", "\xe2\x80\x9cv=DKIM1; p=" RSA_2048 "\xe2\x80\x9d",
	WANT_RSA, CODE_SMART_QUOTES, 0, 0,
	"curly quotation mark at octet 0, hex e2 80 9c"),
    ROW("no-break space", "v=DKIM1;\xc2\xa0p=" RSA_2048, WANT_RSA,
	CODE_SMART_QUOTES, 0, 8, "a no-break space at octet 8, hex c2 a0"),
    ROW("BOM", "\xef\xbb\xbf" RIGHT, WANT_RSA, CODE_SMART_QUOTES, 0, 0, "BOM"),
    ROW("Latin-1", "v=DKIM1; n=caf\xe9; p=" RSA_2048, WANT_RSA,
	CODE_SMART_QUOTES, 0, 14, "no ASCII character at octet 14, hex e9"),
    ROW("full-width ;", "v=DKIM1\xef\xbc\x9b p=" RSA_2048, WANT_RSA,
	CODE_SMART_QUOTES, CODE_WRONG_TAG, 7, "hex ef bc 9b"),
    ROW("NUL", "v=DKIM1; p=" RSA_2048 "\0", WANT_RSA, CODE_WHITESPACE, 0, 403,
	"control character at octet 403, hex 00"),
    ROW("vertical tab", "v=DKIM1;\vp=" RSA_2048, WANT_RSA, CODE_WHITESPACE, 0,
	8, "hex 0b"),
    ROW("3.2 blank in a word", "v=DKIM 1; p=" RSA_2048, WANT_RSA,
	CODE_WHITESPACE, 0, 0, "a blank inside a word: v=DKIM 1"),
    ROW("3.2 blank in a word", "v=DKIM1; k=r sa; p=" RSA_2048, NO_KEY,
	CODE_WHITESPACE, 0, 9, "k=r sa"),
    ROW("3.2 blank in a name", "v=DKIM1; h h=x; p=" RSA_2048, NO_KEY,
	CODE_WHITESPACE, 0, 10, ""),
    ROW("blank, but more is wrong", "v=DKIM 2; p=" RSA_2048, WANT_RSA,
	CODE_WRONG_TAG, 0, 0, "v=DKIM 2"),
    ROW("DEL", "v=DKIM1;\x7f p=" RSA_2048, WANT_RSA, CODE_WHITESPACE, 0, 8,
	"hex 7f"),
    ROW("four octets", RIGHT "; n=\xf0\x9f\x98\x80", WANT_RSA,
	CODE_SMART_QUOTES, 0, 414, "hex f0 9f 98 80"),
    ROW("the last octet", RIGHT "\xff", WANT_RSA, CODE_SMART_QUOTES, 0, 410,
	"octet 410, hex ff"),
    ROW("two in Latin-1", RIGHT "; n=\xe9\xe9", WANT_RSA, CODE_SMART_QUOTES, 0,
	414, "octet 414, hex e9"),
    ROW("a blank, long before", "v=DKIM 1; " BLANKS_2048 "p=" RSA_2048,
	WANT_RSA, CODE_WRONG_TAG, 0, 0, "v=DKIM 1"),
    /* something else stands there */
    ROW("3.6.2.1", "v=dkix; a=b", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK, ""),
    ROW("3.6.2.1", "v=dk", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK, ""),
    ROW("3.6.2.1", "v=dkxx", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK, ""),
    ROW("3.6.2.1", "v=dxxx", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK, ""),
    ROW("3.6.1 k= alone", "k=rsa", NO_KEY, CODE_WRONG_TAG, 0, NO_MARK,
	"p= is missing"),
    ROW("3.6.1 k= alone", "K=rsa", NO_KEY, CODE_WRONG_TAG, 0, NO_MARK,
	"p= is missing"),
    ROW("base64 of another kind", "MIabc", WANT_RSA, CODE_NOT_PUBLISHED, 0,
	NO_MARK, "MIabc"),
    ROW("base64 of another kind", "abcdefghijklmnopqrstuvwxyz12==", WANT_RSA,
	CODE_NOT_PUBLISHED, 0, NO_MARK, "abcdef"),
    ROW("base64 of another kind", "abcdefghijklmnopqrstuvwxyz12===", WANT_RSA,
	CODE_NOT_PUBLISHED, 0, NO_MARK, "abcdef"),
    ROW("base64 of another kind", "abcdefgh ijkl mnopqrstuvwxyz12; a", NO_KEY,
	CODE_NOT_PUBLISHED, 0, NO_MARK, "abcdef"),
    ROW("no host's name", ".example", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK,
	".example"),
    ROW("no host's name", "a.x", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK, "a.x"),
    ROW("no host's name", "a.exam_ple", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK,
	"a.exam_ple"),
    ROW("no host's name", "example", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK,
	"example"),
    ROW("no host's name, too long",
	LETTERS_60 LETTERS_60 LETTERS_60 LETTERS_60 "abcdefghijklmn.example",
	NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK, ""),
    ROW("3.6.2.1", "", WANT_RSA, CODE_NOT_PUBLISHED, 0, NO_MARK, ""),
    ROW("3.6.2.1", "v=spf1 -all", WANT_RSA, CODE_NOT_PUBLISHED, 0, NO_MARK,
	"v=spf1 -all"),
    ROW("3.6.2.1", "v=DMARC1; p=none", WANT_RSA, CODE_NOT_PUBLISHED, 0, NO_MARK,
	"v=DMARC1"),
    ROW("3.6.2.1", "abcdefghijklmnopqrstuvwxyz234567", WANT_RSA,
	CODE_NOT_PUBLISHED, 0, NO_MARK, "abcdef"),
    ROW("3.6.2.1", "google-site-verification=abc", NO_KEY, CODE_NOT_PUBLISHED,
	0, NO_MARK, "google"),
    ROW("3.6.2.1", "\xff\x1b[31m", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK,
	"\\255\\027[31m"),
    ROW("a host's name", "s1.dkim.mailco.example", WANT_RSA, CODE_CNAME_AS_TXT,
	0, NO_MARK, "s1.dkim.mailco.example"),
    ROW("a host's name", "s1._domainkey.mailco.example.", NO_KEY,
	CODE_CNAME_AS_TXT, 0, NO_MARK, "s1._domainkey.mailco.example."),
    ROW("a host's name, quoted", "\"s1.dkim.mailco.example\"", NO_KEY,
	CODE_CNAME_AS_TXT, 0, NO_MARK, "s1.dkim.mailco.example"),
    ROW("no host's name", "192.0.2.1", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK,
	"192.0.2.1"),
    ROW("no host's name", "a..example", NO_KEY, CODE_NOT_PUBLISHED, 0, NO_MARK,
	"a..example"),
};

static enum verdict
verdict_of(enum code code)
{
	return code == CODE_NONE	    ? VERDICT_PASS
	       : code == CODE_NOT_PUBLISHED ? VERDICT_NONE
					    : VERDICT_FAIL;
}

/* The wish of a row: two keys of the organisation are known besides. */
struct wishes {
	struct dkim_public key, rsa, ed;
	struct dkim_known known[2];
	struct dkim_wish wish;
};

static void
wish_for(struct wishes *w, enum wanted want)
{
	w->rsa = key_of(RSA_1536, DKIM_RSA);
	w->ed = key_of(RFC_ED25519, DKIM_ED25519);
	w->known[0] = (struct dkim_known){.selector = "s1", .key = &w->rsa};
	w->known[1] = (struct dkim_known){.selector = "e1", .key = &w->ed};
	w->wish = (struct dkim_wish){
	    .known = w->known, .known_n = ARRAY_LEN(w->known)};
	if (want == NO_KEY)
		return;
	w->key = key_of(wanted[want], type_of(want));
	w->wish.key = &w->key;
}

/* An allocation of its exact size, so that ASan sees a read too many. */
static struct packet_txt
record_of(const char *bytes, size_t len)
{
	uint8_t *copy = test_malloc(len + (len == 0));

	memcpy(copy, bytes, len);
	return (struct packet_txt){
	    .bytes = copy, .len = len, .nul = memchr(bytes, 0, len) != NULL};
}

static void
judge(struct judged *out, const char *bytes, size_t len,
    const struct dkim_wish *wish)
{
	struct packet_txt record = record_of(bytes, len);

	memset(out, 0x55, sizeof(*out));
	dkim_judge(out, &record, 1, wish);
	test_free((void *)(uintptr_t)record.bytes);
	/* what holds of all judgements */
	assert_true(strlen(out->saw) <= SAW_MAX);
	assert_true(strlen(out->publish) <= PUBLISH_MAX);
	assert_true(out->also_n <= ALSO_MAX);
	assert_true(out->mark == NO_MARK || out->mark <= len);
	for (const char *c = out->saw; *c != '\0'; c++)
		assert_true(*c >= ' ' && *c <= '~');
}

static bool
mark_is(int want, size_t len, uint16_t mark)
{
	return want == ANY || (want == END ? mark == len : mark == want);
}

static void
records(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct wishes w;
		struct judged got;
		bool also;

		wish_for(&w, row->want);
		judge(&got, row->bytes, row->len, &w.wish);
		also = row->also == CODE_NONE
			   ? got.also_n == 0
			   : got.also_n == 1 && got.also[0] == row->also;
		if (got.code != row->code || !also ||
		    got.verdict != verdict_of(row->code) || got.txt != 0 ||
		    !mark_is(row->mark, row->len, got.mark) ||
		    strstr(got.saw, row->saw) == NULL) {
			print_error(
			    "line %d (%s): %s %s also %s, mark %u, saw %s\n",
			    row->line, row->section, verdict_name(got.verdict),
			    code_name(got.code),
			    got.also_n > 0 ? code_name(got.also[0]) : "-",
			    got.mark, got.saw);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
	assert_true(ARRAY_LEN(rows) >= 60);
}

/* Each cut of the wanted record: revoked, truncated, or no record yet, and in
 * any case not right. Without the key its own header tells how long it is. */
static void
cuts(void **state)
{
	struct wishes w, alone;
	struct judged got;
	size_t head = strlen(RSA), len = strlen(RIGHT);

	(void)state;
	wish_for(&w, WANT_RSA);
	wish_for(&alone, NO_KEY);
	for (size_t cut = 0; cut < len; cut++) {
		char saw[64];

		judge(&got, RIGHT, cut, &w.wish);
		assert_int_not_equal(got.verdict, VERDICT_PASS);
		assert_string_equal(got.publish, RIGHT);
		if (cut <= head)
			continue;
		snprintf(saw, sizeof(saw), "%zu of %zu characters arrived", cut,
		    len);
		assert_int_equal(got.code, CODE_KEY_TRUNCATED);
		assert_int_equal(got.mark, cut);
		assert_string_equal(got.saw, saw);
		judge(&got, RIGHT, cut, &alone.wish);
		assert_int_not_equal(got.verdict, VERDICT_PASS);
		if (cut < head + 6)
			continue;
		assert_int_equal(got.code, CODE_KEY_TRUNCATED);
		assert_string_equal(got.saw, saw);
		assert_string_equal(got.publish, "");
	}
	judge(&got, RIGHT, 255, &w.wish);
	assert_string_equal(got.saw, "255 of 410 characters arrived");
}

/* A cut in the middle of the record, and of somebody else's key. */
static void
cuts_elsewhere(void **state)
{
	char text[600];
	struct wishes w;
	struct judged got;

	(void)state;
	wish_for(&w, WANT_RSA);
	snprintf(text, sizeof(text), "p=%.200s; v=DKIM1", RSA_2048);
	judge(&got, text, strlen(text), &w.wish);
	assert_int_equal(got.code, CODE_KEY_TRUNCATED);
	assert_string_equal(got.saw, "200 of 392 characters of p= arrived");
	assert_int_equal(got.mark, 202);
	judge(&got, OTHER, 255, &w.wish);
	assert_int_equal(got.code, CODE_KEY_TRUNCATED);
	assert_int_equal(got.also_n, 1);
	assert_int_equal(got.also[0], CODE_KEY_OTHER);
	wish_for(&w, WANT_ED);
	judge(&got, ED_GOOD, strlen(ED_GOOD) - 1, &w.wish);
	assert_int_equal(got.code, CODE_KEY_TRUNCATED);
	assert_string_equal(got.saw, "65 of 66 characters arrived");
}

/* Blanks may stand between all digits, 3.6.1: wherever one is put, the key is
 * the same. */
static void
blanks(void **state)
{
	static const char *const blank[] = {" ", "\t", "\r\n ", "  \r\n\t "};
	struct wishes w;
	struct judged got;
	char text[600];

	(void)state;
	wish_for(&w, WANT_RSA);
	for (size_t i = 0; i <= strlen(RSA_2048); i++) {
		snprintf(text, sizeof(text), RSA "%.*s%s%s", (int)i, RSA_2048,
		    blank[i % ARRAY_LEN(blank)], &RSA_2048[i]);
		judge(&got, text, strlen(text), &w.wish);
		assert_int_equal(got.verdict, VERDICT_PASS);
	}
}

/* The wanted record with one octet changed, each octet to each of some: never
 * right, unless it is the same key and the tags allow it. */
static void
one_octet(void **state)
{
	static const char octets[] = {'A', '/', '=', ';', ' ', '"', '\\', '\0',
	    '\x80', 'p', 'v', '.', '\n'};
	struct wishes w;
	struct judged got;
	char text[] = RIGHT;
	size_t passed = 0;

	(void)state;
	wish_for(&w, WANT_RSA);
	for (size_t i = 0; i < strlen(RIGHT); i++) {
		for (size_t k = 0; k < sizeof(octets); k++) {
			text[i] = octets[k];
			judge(&got, text, strlen(RIGHT), &w.wish);
			passed +=
			    got.verdict == VERDICT_PASS && text[i] != RIGHT[i];
		}
		text[i] = RIGHT[i];
	}
	/* the two blanks as line feeds; v= and k= under a name that nobody
	 * knows, k= under three, for the blank before it may become a letter
	 */
	assert_int_equal(passed, 7);
}

static void
damaged(void **state)
{
	static const struct {
		const char *name;
		int at; /* digit of p= changed, -1: see name */
		char with;
		enum code code;
		const char *saw;
	} tests[] = {
	    {"a digit of the modulus", 100, '/', CODE_KEY_OTHER,
		"1 of 392 characters of p= differ from yours"},
	    {"a digit of the header", 5, '/', CODE_KEY_INVALID,
		"1 of 392 characters of p= differ from yours"},
	    {"lower", -1, 0, CODE_KEY_INVALID, "upper and lower case"},
	    {"plus", -1, 0, CODE_KEY_INVALID, "plus signs (+) were lost"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		char text[] = RIGHT;
		struct wishes w;
		struct judged got;
		size_t head = strlen(RSA);

		wish_for(&w, WANT_RSA);
		if (tests[i].at >= 0)
			text[head + (size_t)tests[i].at] = tests[i].with;
		for (size_t k = head; tests[i].at < 0 && k < strlen(text);
		     k++) {
			if (tests[i].name[0] == 'p' && text[k] == '+')
				text[k] = ' ';
			if (tests[i].name[0] == 'l' && text[k] >= 'A' &&
			    text[k] <= 'Z')
				text[k] = (char)(text[k] | 0x20);
		}
		judge(&got, text, strlen(text), &w.wish);
		if (got.code != tests[i].code ||
		    strstr(got.saw, tests[i].saw) == NULL)
			fail_msg("%s: %s, %s", tests[i].name,
			    code_name(got.code), got.saw);
		if (tests[i].at >= 0)
			assert_int_equal(got.mark, head + (size_t)tests[i].at);
		assert_string_equal(got.publish, RIGHT);
	}
}

/* So many other digits, and it is no slip of the pen: 16 of 392, and less than
 * a quarter of 44. */
static void
near(void **state)
{
	static const struct {
		enum wanted want;
		size_t digits;
		bool is_near;
	} tests[] = {
	    {WANT_RSA, 16, true},
	    {WANT_RSA, 17, false},
	    {WANT_ED, 10, true},
	    {WANT_ED, 11, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		char text[600];
		struct wishes w;
		struct judged got;
		size_t at = tests[i].want == WANT_ED ? strlen(ED) : 100;

		snprintf(text, sizeof(text), "%s",
		    tests[i].want == WANT_ED ? ED_GOOD : RIGHT);
		for (size_t k = 0; k < tests[i].digits; k++)
			text[at + k] = text[at + k] == 'A' ? 'B' : 'A';
		wish_for(&w, tests[i].want);
		judge(&got, text, strlen(text), &w.wish);
		assert_int_equal(got.code, CODE_KEY_OTHER);
		assert_int_equal(strstr(got.saw, "differ from yours") != NULL,
		    tests[i].is_near);
		assert_int_equal(got.mark, at);
	}
}

/* Without a wanted key a text to publish must be sure, and short. */
static void
not_told(void **state)
{
	static char text[PUBLISH_MAX + 600];
	struct packet_txt txt[3] = {
	    {.bytes = (const uint8_t *)RIGHT, .len = 140},
	    {.bytes = (const uint8_t *)RIGHT + 140, .len = 160},
	    {.bytes = (const uint8_t *)RIGHT + 300, .len = 110},
	};
	struct dkim_wish wish = {.key = NULL};
	struct judged got;
	size_t len;

	(void)state;
	dkim_judge(&got, txt, 3, &wish);
	assert_int_equal(got.code, CODE_SPLIT_INTO_RRS);
	assert_string_equal(got.publish, "");
	for (size_t more = 0; more < 2; more++) {
		len = (size_t)snprintf(text, sizeof(text), RIGHT "\";n=");
		/* without its quotation mark */
		memset(text + len, 'x', PUBLISH_MAX + more + 1 - len);
		text[PUBLISH_MAX + more + 1] = '\0';
		judge(&got, text, strlen(text), &wish);
		assert_int_equal(got.code, CODE_QUOTES_INSIDE);
		assert_int_equal(
		    strlen(got.publish), more == 0 ? PUBLISH_MAX : 0);
	}
	/* folded: no text that one can paste */
	judge(&got, "\"v=DKIM1;\r\n p=" RSA_2048,
	    strlen("\"v=DKIM1;\r\n p=" RSA_2048), &wish);
	assert_int_equal(got.code, CODE_QUOTES_INSIDE);
	assert_string_equal(got.publish, "");
}

/* --- several records ------------------------------------------------------ */

#define MANY 6

/* "<255" is the first 255 octets of the right record, ">255" the rest of it;
 * other texts stand for themselves. */
static const struct {
	int line;
	const char *records[MANY];
	enum wanted want;
	enum code code, also;
	size_t txt;
	const char *saw;
	const char *publish;
} sets[] = {
    /* 3.6.2.2: undefined */
    {AT, {RIGHT, OTHER}, WANT_RSA, CODE_DUP_RECORD, 0, 1,
	"2 records; right is v=DKIM1; k=r...", RIGHT},
    {AT, {OTHER, RIGHT}, WANT_RSA, CODE_DUP_RECORD, 0, 0, "IDAQAB", RIGHT},
    {AT, {RIGHT, "v=DKIM1; p=" RSA_2048}, WANT_RSA, CODE_DUP_RECORD, 0, 1,
	"2 records; right is", RIGHT},
    {AT, {RIGHT, RIGHT}, NO_KEY, CODE_DUP_RECORD, 0, 1, "2 records", ""},
    {AT, {OTHER, RSA RSA_1536}, WANT_RSA, CODE_DUP_RECORD, 0, 1,
	"2 records: v=DKIM1", RIGHT},
    {AT, {RIGHT, "v=DKIM1; p="}, WANT_RSA, CODE_DUP_RECORD, 0, 1,
	"remove v=DKIM1; p=", RIGHT},
    {AT, {"v=DKIM1; p=", "v=DKIM1; k=rsa; p="}, NO_KEY, CODE_DUP_RECORD, 0, 1,
	"2 records", ""},
    {AT, {RIGHT, "v=spf1 -all"}, WANT_RSA, CODE_DUP_RECORD, 0, 1,
	"remove v=spf1 -all", RIGHT},
    {AT, {"v=spf1 -all", "", RIGHT}, WANT_RSA, CODE_DUP_RECORD, 0, 0,
	"3 records", RIGHT},
    {AT, {RIGHT, ED_GOOD}, NO_KEY, CODE_DUP_RECORD, 0, 1, "2 records", ""},
    {AT, {"\"" RIGHT "\"", RIGHT}, WANT_RSA, CODE_DUP_RECORD, 0, 0, "2 records",
	RIGHT},
    /* one key record, wrong by itself */
    {AT, {"v=spf1 -all", OTHER}, WANT_RSA, CODE_KEY_OTHER, CODE_DUP_RECORD, 1,
	"another rsa key", RIGHT},
    {AT, {"v=DKIM1; p=", "x"}, NO_KEY, CODE_KEY_REVOKED, CODE_DUP_RECORD, 0, "",
	""},
    /* pieces */
    {AT, {"<255", ">255"}, WANT_RSA, CODE_SPLIT_INTO_RRS, 0, 0,
	"2 records that are pieces of one (255 + 155 characters)", RIGHT},
    {AT, {">255", "<255"}, WANT_RSA, CODE_SPLIT_INTO_RRS, 0, 1,
	"(255 + 155 characters)", RIGHT},
    {AT, {">255", "<255"}, NO_KEY, CODE_SPLIT_INTO_RRS, 0, 1,
	"(255 + 155 characters)", RIGHT},
    {AT, {"<400", ">400"}, WANT_RSA, CODE_SPLIT_INTO_RRS, 0, 0, "(400 + 10",
	RIGHT},
    {AT, {"<15", ">15"}, WANT_RSA, CODE_SPLIT_INTO_RRS, 0, 0, "(15 + 395",
	RIGHT},
    {AT, {"\"<100\"", "\">100\""}, WANT_RSA, CODE_SPLIT_INTO_RRS, 0, 0,
	"(102 + 312", RIGHT},
    {AT, {">200", "v=spf1 -all", "<200"}, WANT_RSA, CODE_SPLIT_INTO_RRS, 0, 2,
	"2 records that are pieces", RIGHT},
    {AT, {"<255", ">300"}, WANT_RSA, CODE_SPLIT_INTO_RRS, 0, 0,
	"but not all of it", RIGHT},
    {AT, {"<255", "abcdefghijklmnopqrstuvwxyz234567"}, NO_KEY,
	CODE_SPLIT_INTO_RRS, 0, 0, "but not all of it", ""},
    /* a piece alone */
    {AT, {">255"}, WANT_RSA, CODE_KEY_TRUNCATED, 0, 0,
	"only the characters 238 to 392 of the 392", RIGHT},
    {AT, {"x", ">255"}, WANT_RSA, CODE_KEY_TRUNCATED, 0, 1, "238 to 392",
	RIGHT},
    {AT, {">255"}, NO_KEY, CODE_NOT_PUBLISHED, 0, 0, "", ""},
    {AT, {"\">300 \""}, WANT_RSA, CODE_KEY_TRUNCATED, 0, 0, "283 to 392",
	RIGHT},
    /* not joined: one is too long */
    {AT, {"<255", BLANKS_512 BLANKS_512 BLANKS_512 BLANKS_512 ">255"}, WANT_RSA,
	CODE_SPLIT_INTO_RRS, 0, 0, "but not all of it", RIGHT},
    /* none */
    {AT, {NULL}, WANT_RSA, CODE_NOT_PUBLISHED, 0, 0, "", RIGHT},
    {AT, {NULL}, WANT_ED, CODE_NOT_PUBLISHED, 0, 0, "", ED_GOOD},
    {AT, {NULL}, NO_KEY, CODE_NOT_PUBLISHED, 0, 0, "", ""},
    {AT, {"v=spf1 -all", "abc"}, WANT_RSA, CODE_NOT_PUBLISHED, 0, 0,
	"v=spf1 -all", RIGHT},
    {AT, {"v=spf1 -all", "dkim.mailco.example"}, WANT_RSA, CODE_CNAME_AS_TXT, 0,
	1, "dkim.mailco.example", RIGHT},
    /* what is published instead when no key is known */
    {AT, {"\"" RIGHT "\""}, NO_KEY, CODE_QUOTES_INSIDE, 0, 0, "", RIGHT},
    {AT, {"v=DKIM1\\; t=s\\; p=" RSA_2048}, NO_KEY, CODE_SEMICOLON_ESCAPED, 0,
	0, "", "v=DKIM1; t=s; p=" RSA_2048},
    {AT, {"v=DKIM 1; p=" RSA_2048}, NO_KEY, CODE_WHITESPACE, 0, 0, "",
	"v=DKIM1;p=" RSA_2048},
};

/* `<n` and `>n` filled in. */
static void
expand(char out[4096], const char *text)
{
	const char *at = strpbrk(text, "<>");
	size_t head = at != NULL ? (size_t)(at - text) : 0, digits, n = 0;

	if (at == NULL) {
		snprintf(out, 4096, "%s", text);
		return;
	}
	digits = strspn(at + 1, "0123456789");
	for (size_t i = 0; i < digits; i++)
		n = 10 * n + (size_t)(at[1 + i] - '0');
	snprintf(out, 4096, "%.*s%.*s%s", (int)head, text,
	    *at == '<' ? (int)n : 1000, &RIGHT[*at == '<' ? 0 : n],
	    at + 1 + digits);
}

static void
several(void **state)
{
	static char texts[MANY][4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct packet_txt txt[MANY];
		struct wishes w;
		struct judged got;
		enum code also;
		size_t n = 0;

		for (; n < MANY && sets[i].records[n] != NULL; n++) {
			expand(texts[n], sets[i].records[n]);
			txt[n] = (struct packet_txt){
			    .bytes = (const uint8_t *)texts[n],
			    .len = strlen(texts[n])};
		}
		wish_for(&w, sets[i].want);
		dkim_judge(&got, txt, n, &w.wish);
		also = got.also_n > 0 ? got.also[0] : CODE_NONE;
		if (got.code != sets[i].code || also != sets[i].also ||
		    got.verdict != verdict_of(got.code) ||
		    got.txt != sets[i].txt ||
		    strstr(got.saw, sets[i].saw) == NULL ||
		    strcmp(got.publish, sets[i].publish) != 0)
			fail_msg("line %d: %s also %s, txt %zu, saw %s, "
				 "publish %s",
			    sets[i].line, code_name(got.code), code_name(also),
			    got.txt, got.saw, got.publish);
	}
}

/* Three, four and five pieces, in all orders. */
static void
puzzles(void **state)
{
	static const size_t cuts_at[][6] = {{0, 140, 300, 410},
	    {0, 100, 200, 300, 410}, {0, 90, 180, 270, 360, 410}};
	struct wishes w;
	struct judged got;

	(void)state;
	wish_for(&w, WANT_RSA);
	for (size_t k = 0; k < ARRAY_LEN(cuts_at); k++) {
		size_t n = 3 + k;

		for (size_t turn = 0; turn < n; turn++) {
			struct packet_txt txt[5];

			for (size_t i = 0; i < n; i++) {
				size_t from = cuts_at[k][i];

				txt[(i * (n - 1) + turn) % n] =
				    (struct packet_txt){
					.bytes = (const uint8_t *)&RIGHT[from],
					.len = cuts_at[k][i + 1] - from};
			}
			dkim_judge(&got, txt, n, &w.wish);
			assert_int_equal(got.code, CODE_SPLIT_INTO_RRS);
			assert_string_equal(got.publish, RIGHT);
		}
	}
}

/* As many records as an answer holds, and as long. */
static void
masses(void **state)
{
	static uint8_t long_one[PACKET_TXT_MAX];
	struct packet_txt txt[PACKET_RECORDS_MAX];
	struct wishes w;
	struct judged got;
	char saw[40];

	(void)state;
	wish_for(&w, WANT_RSA);
	for (size_t i = 0; i < PACKET_RECORDS_MAX; i++)
		txt[i] = (struct packet_txt){
		    .bytes = (const uint8_t *)OTHER, .len = strlen(OTHER)};
	dkim_judge(&got, txt, PACKET_RECORDS_MAX, &w.wish);
	assert_int_equal(got.code, CODE_DUP_RECORD);
	snprintf(saw, sizeof(saw), "%d records", PACKET_RECORDS_MAX);
	assert_non_null(strstr(got.saw, saw));
	memset(long_one, '"', sizeof(long_one));
	memcpy(long_one, RIGHT, strlen(RIGHT));
	txt[0] =
	    (struct packet_txt){.bytes = long_one, .len = sizeof(long_one)};
	dkim_judge(&got, txt, 1, &w.wish);
	assert_int_equal(got.verdict, VERDICT_FAIL);
	memset(long_one + strlen(RIGHT), ';', 1);
	memset(long_one + strlen(RIGHT) + 1, 'n', 1);
	memset(long_one + strlen(RIGHT) + 2, '=',
	    sizeof(long_one) - strlen(RIGHT) - 2);
	dkim_judge(&got, txt, 1, &w.wish);
	assert_int_equal(got.verdict, VERDICT_PASS);
}

/* --- keys ----------------------------------------------------------------- */

/* RFC 8463 appendix A.2, octet for octet. */
static void
rfc8463(void **state)
{
	static const uint8_t octets[] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1,
	    0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
	    0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68,
	    0xf7, 0x07, 0x51, 0x1a}; /* RFC 8032 section 7.1, test 1 */
	struct dkim_public key = key_of(RFC_ED25519, DKIM_ED25519);
	char value[EXPECTED_MAX + 1];

	(void)state;
	assert_int_equal(key.type, DKIM_ED25519);
	assert_int_equal(key.bits, 256);
	assert_int_equal(key.len, sizeof(octets));
	assert_memory_equal(key.bytes, octets, sizeof(octets));
	assert_int_equal(
	    dkim_record_value(&key, value, sizeof(value)), strlen(ED_GOOD));
	assert_string_equal(value, ED_GOOD);
	key = key_of(RFC_RSA, DKIM_RSA);
	assert_int_equal(key.bits, 1024);
	dkim_record_value(&key, value, sizeof(value));
	assert_string_equal(value, RSA RFC_RSA);
}

/* Both forms of a key are the same key; what is canonical is read as itself,
 * and only that. */
static void
canonical(void **state)
{
	static const struct {
		const char *p;
		const char *same; /* canonical, base64 */
		unsigned bits;
	} tests[] = {
	    {RSA_2048, RSA_2048, 2048},
	    {RSA_2048_BARE, RSA_2048, 2048},
	    {RSA_512, RSA_512, 512},
	    {RSA_768, RSA_768, 768},
	    {RFC_RSA, RFC_RSA, 1024},
	    {RSA_1536, RSA_1536, 1536},
	    {RSA_4096, RSA_4096, 4096},
	    {RSA_E3, RSA_E3, 2048},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct dkim_public key = key_of(tests[i].p, DKIM_RSA), again;
		char p[DKIM_P_MAX + 1], value[EXPECTED_MAX + 1];

		base64_encode(key.bytes, key.len, p);
		assert_string_equal(p, tests[i].same);
		assert_int_equal(key.bits, tests[i].bits);
		assert_int_equal(dkim_public_from_canonical(
				     &again, DKIM_RSA, key.bytes, key.len),
		    DKIM_OK);
		assert_true(dkim_public_equal(&key, &again));
		assert_int_not_equal(dkim_public_from_canonical(&again,
					 DKIM_ED25519, key.bytes, key.len),
		    DKIM_OK);
		assert_int_not_equal(dkim_public_from_canonical(&again,
					 DKIM_RSA, key.bytes, key.len - 1u),
		    DKIM_OK);
		assert_true(dkim_record_value(&key, value, sizeof(value)) > 0);
	}
}

static void
canonical_only(void **state)
{
	struct dkim_public key, again;
	struct base64_end end;
	uint8_t der[DKIM_KEY_MAX];

	(void)state;
	assert_int_equal(
	    base64_decode(der, sizeof(der), (const uint8_t *)RSA_2048_BARE,
		strlen(RSA_2048_BARE), &end),
	    BASE64_OK);
	assert_int_equal(
	    dkim_public_from_der(&key, der, end.len, NULL), DKIM_OK);
	assert_int_equal(
	    dkim_public_from_canonical(&again, DKIM_RSA, der, end.len),
	    DKIM_ALGORITHM);
	assert_int_equal(base64_decode(der, sizeof(der),
			     (const uint8_t *)RFC_ED25519_WRAPPED,
			     strlen(RFC_ED25519_WRAPPED), &end),
	    BASE64_OK);
	/* a file holds it so, a record may not */
	assert_int_equal(
	    dkim_public_from_der(&key, der, end.len, NULL), DKIM_OK);
	assert_int_equal(key.type, DKIM_ED25519);
	assert_int_equal(
	    dkim_public_from_canonical(&again, DKIM_ED25519, der, end.len),
	    DKIM_WRAPPED);
}

/* Each octet of the DER changed in each bit: read as another key, or refused,
 * and what is read is canonical. */
static void
der_bits(void **state)
{
	struct dkim_public key = key_of(RSA_2048, DKIM_RSA), other, again;
	size_t same = 0;

	(void)state;
	for (size_t bit = 0; bit < 8u * key.len; bit++) {
		uint8_t *der = test_malloc(key.len);

		memcpy(der, key.bytes, key.len);
		der[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (dkim_public_from_der(&other, der, key.len, NULL) ==
		    DKIM_OK) {
			same += dkim_public_equal(&key, &other);
			assert_int_equal(
			    dkim_public_from_canonical(
				&again, other.type, other.bytes, other.len),
			    DKIM_OK);
		}
		test_free(der);
	}
	assert_int_equal(same, 0);
}

/* Each cut says how long the whole is. */
static void
der_cuts(void **state)
{
	struct dkim_public key = key_of(RSA_2048, DKIM_RSA), other;

	(void)state;
	for (size_t len = 0; len < key.len; len++) {
		struct dkim_flaw flaw;
		enum dkim_fault fault =
		    dkim_public_from_der(&other, key.bytes, len, &flaw);

		assert_int_equal(fault, len == 0  ? DKIM_EMPTY
					: len < 4 ? DKIM_DER
						  : DKIM_CUT);
		if (fault == DKIM_CUT)
			assert_int_equal(flaw.need, strlen(RSA_2048));
	}
}

/* What from_p says of what no record passes on to it. */
static void
odd_values(void **state)
{
	static char text[4000];
	struct dkim_public key;
	struct dkim_flaw flaw;

	(void)state;
	assert_int_equal(dkim_public_from_p(&key, DKIM_RSA,
			     (const uint8_t *)" \r\n ", 4, &flaw),
	    DKIM_EMPTY);
	memset(text, 'A', sizeof(text));
	assert_int_equal(dkim_public_from_p(&key, DKIM_RSA,
			     (const uint8_t *)text, sizeof(text), &flaw),
	    DKIM_DER);
	memcpy(text, "MIIA", 4);
	assert_int_equal(dkim_public_from_p(&key, DKIM_RSA,
			     (const uint8_t *)text, sizeof(text), &flaw),
	    DKIM_LARGE);
}

/* Ed25519 in a SubjectPublicKeyInfo of the wrong length, or with parameters. */
static void
odd_ed25519(void **state)
{
	static const struct {
		size_t at;
		const char *octets;
		size_t len;
	} tests[] = {
	    {1, "\x2c\x30\x07\x06\x03\x2b\x65\x70\x05\0\x03\x21\0", 13},
	    {1, "\x29\x30\x05\x06\x03\x2b\x65\x70\x03\x20\0", 11},
	    {9, "\0", 1},  /* BIT STRING of no octet, and more behind it */
	    {11, "\1", 1}, /* unused bits */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		uint8_t der[DKIM_KEY_MAX] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
		    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
		struct dkim_public key;

		memset(der + 12, 0x55, 36);
		memcpy(der + tests[i].at, tests[i].octets, tests[i].len);
		assert_int_equal(
		    dkim_public_from_der(&key, der, 2u + der[1], NULL),
		    DKIM_DER);
	}
}

static void
values_that_do_not_fit(void **state)
{
	struct dkim_public key = key_of(RFC_ED25519, DKIM_ED25519);
	char out[80];
	size_t len = strlen(ED_GOOD);

	(void)state;
	assert_int_equal(dkim_record_value(&key, out, len + 1), len);
	assert_int_equal(dkim_record_value(&key, out, len), 0);
	assert_string_equal(out, "");
	assert_int_equal(dkim_record_value(&key, out, 0), 0);
}

/* --- names ---------------------------------------------------------------- */

static void
selectors(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} tests[] = {
	    {"s1", true},
	    {"S1", true},
	    {"a", true},
	    {"2026", true},
	    {"a-b", true},
	    {"a--b", true},
	    {"mail.2026-11.x", true},
	    {"xn--mxa", true},
	    {LETTERS_60 "xyz", true},
	    {LETTERS_60 "x.z", true},
	    {LETTERS_60 "wxyz", false},
	    {"", false},
	    {".", false},
	    {"a.", false},
	    {".a", false},
	    {"a..b", false},
	    {"-a", false},
	    {"a-", false},
	    {"a.-b", false},
	    {"a-.b", false},
	    {"-", false},
	    {"_a", false},
	    {"a_b", false}, /* 3.1: sub-domain, RFC 5321 4.1.2 */
	    {"a b", false},
	    {"a;b", false},
	    {"\xce\xb1", false}, /* no U-labels: RFC 8616 4 wants A-labels */
	    {"a\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		if (dkim_selector_ok(tests[i].text) != tests[i].ok)
			fail_msg("%s", tests[i].text);
	}
}

static void
names(void **state)
{
	static const struct {
		const char *selector;
		const char *domain;
		const char *want; /* NULL = no name */
	} tests[] = {
	    {"s1", "a.test", "s1._domainkey.a.test"},
	    {"a.b", "a.test", "a.b._domainkey.a.test"},
	    {"S1", "A.Test", "s1._domainkey.a.test"},
	    {"s1", "xn--mxa.xn--jxalpdlp",
		"s1._domainkey.xn--mxa.xn--jxalpdlp"},
	    {"xn--mxa", "a.test", "xn--mxa._domainkey.a.test"},
	    {"a_b", "a.test", NULL},
	    {"", "a.test", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		struct dname domain, name;
		char shown[DNAME_SHOWN_MAX + 1];
		bool fits;

		assert_int_equal(
		    dname_from_text(&domain, tests[i].domain, NULL), DNAME_OK);
		fits = dkim_name(&name, tests[i].selector, &domain);
		assert_int_equal(fits, tests[i].want != NULL);
		if (!fits)
			continue;
		dname_show(&name, shown);
		assert_string_equal(shown, tests[i].want);
	}
}

static void
long_names(void **state)
{
	struct dname domain, name;
	char text[DNAME_TEXT_MAX + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 49; i < DNAME_TEXT_MAX; i += 50)
		text[i] = '.';
	text[DNAME_TEXT_MAX] = '\0';
	/* s1 and _domainkey need 14 octets */
	assert_int_equal(dname_from_text(&domain, text + 13, NULL), DNAME_OK);
	assert_false(dkim_name(&name, "s1", &domain));
	assert_int_equal(dname_from_text(&domain, text + 14, NULL), DNAME_OK);
	assert_true(dkim_name(&name, "s1", &domain));
	assert_int_equal(name.len, DNAME_WIRE_MAX);
	assert_false(dkim_name(&name, "s12", &domain));
}

/* --- for other judges ----------------------------------------------------- */

#define LINE_LEN 40000

static size_t
from_hex(uint8_t *out, const char *hex)
{
	size_t n = 0;
	unsigned octet;

	for (; sscanf(hex + 2 * n, "%2x", &octet) == 1; n++)
		out[n] = (uint8_t)octet;
	return n;
}

/* Lines "WANTED HEX" ("-" for nothing) from standard input; a verdict, code and
 * saw a line. For tests/dkim/differential.py. */
static int
judge_lines(void)
{
	static char line[LINE_LEN], hex[LINE_LEN];
	static uint8_t bytes[LINE_LEN];
	char p[DKIM_P_MAX + 1];

	_Static_assert(DKIM_P_MAX == 748, "the width of %s below");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct dkim_public key;
		struct dkim_wish wish = {.key = NULL};
		struct packet_txt txt = {.bytes = bytes};
		struct judged j;
		enum dkim_type type;

		if (sscanf(line, "%748s %39999s", p, hex) != 2)
			return 1;
		type = strlen(p) == BASE64_DIGITS(32) ? DKIM_ED25519 : DKIM_RSA;
		if (strcmp(p, "-") != 0) {
			key = key_of(p, type);
			wish.key = &key;
		}
		txt.len = from_hex(bytes, strcmp(hex, "-") == 0 ? "" : hex);
		dkim_judge(&j, &txt, 1, &wish);
		printf("%s\t%s\t%s\n", verdict_name(j.verdict),
		    code_name(j.code), j.saw);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records),
	    cmocka_unit_test(cuts),
	    cmocka_unit_test(cuts_elsewhere),
	    cmocka_unit_test(blanks),
	    cmocka_unit_test(one_octet),
	    cmocka_unit_test(damaged),
	    cmocka_unit_test(near),
	    cmocka_unit_test(not_told),
	    cmocka_unit_test(several),
	    cmocka_unit_test(puzzles),
	    cmocka_unit_test(masses),
	    cmocka_unit_test(rfc8463),
	    cmocka_unit_test(canonical),
	    cmocka_unit_test(canonical_only),
	    cmocka_unit_test(der_bits),
	    cmocka_unit_test(der_cuts),
	    cmocka_unit_test(odd_values),
	    cmocka_unit_test(odd_ed25519),
	    cmocka_unit_test(values_that_do_not_fit),
	    cmocka_unit_test(selectors),
	    cmocka_unit_test(names),
	    cmocka_unit_test(long_names),
	};

	if (argc > 1 && strcmp(argv[1], "judge") == 0)
		return judge_lines();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
