/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ownership.h"
#include "core/txt.h"

#include <stdio.h>
#include <string.h>

#define KEY	 "token="
#define KEY_LEN	 (sizeof(KEY) - 1)
#define PREFIX	 "_"
#define SUFFIX	 "-challenge"
#define BARE_MIN 16 /* a shorter single word is no token of anybody */

void
token_show(const uint8_t token[TOKEN_OCTETS], char *out)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned bits = 0, have = 0;
	size_t at = 0;

	/* 20 octets are exactly 32 digits of 5 bits: nothing is left over */
	for (size_t i = 0; i < TOKEN_OCTETS; i++) {
		bits = (bits << 8 | token[i]) & 0xfff;
		for (have += 8; have >= 5; have -= 5)
			out[at++] = digits[bits >> (have - 5) & 31];
	}
	out[at] = '\0';
}

bool
ownership_name(
    struct dname *out, const char *service, const struct dname *domain)
{
	struct dname label = {.len = 1};
	char text[DNAME_LABEL_MAX + 1];
	int len =
	    snprintf(text, sizeof(text), "%s%s%s", PREFIX, service, SUFFIX);

	if (len < 0 || (size_t)len >= sizeof(text))
		return false;
	label.wire[0] = (uint8_t)len;
	memcpy(label.wire + 1, text, (size_t)len);
	label.wire[1 + len] = 0;
	label.len = (uint8_t)(len + 2);
	return dname_join(out, &label, domain);
}

void
ownership_value(const char *token, char *out)
{
	snprintf(out, EXPECTED_MAX + 1, KEY "%s expiry=never", token);
}

static size_t
word_len(const uint8_t *at, size_t left)
{
	size_t len = 0;

	while (len < left && at[len] != ' ')
		len++;
	return len;
}

/* Nothing, or words of the form key=value with blanks before and after. */
static bool
only_pairs(const uint8_t *at, size_t left)
{
	while (left > 0) {
		size_t len = word_len(at, left);
		const uint8_t *equals = memchr(at, '=', len);

		if (len > 0 && (equals == NULL || equals == at))
			return false;
		len += len < left;
		at += len;
		left -= len;
	}
	return true;
}

static bool
is_match(const struct packet_txt *record, const char *token)
{
	const uint8_t *at = record->bytes;
	size_t len = record->len, token_len = strlen(token), word;

	if (token_len == 0 || record->nul)
		return false;
	if (len < KEY_LEN || memcmp(at, KEY, KEY_LEN) != 0)
		return txt_equal(at, len, (const uint8_t *)token, token_len);
	at += KEY_LEN;
	len -= KEY_LEN;
	word = word_len(at, len);
	return txt_equal(at, word, (const uint8_t *)token, token_len) &&
	       only_pairs(at + word, len - word);
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool
begins_with_key(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < KEY_LEN; i++) {
		if (i == len || lower(at[i]) != (uint8_t)KEY[i])
			return false;
	}
	return true;
}

/* One word of the letters that tokens are written with. */
static bool
looks_bare(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = lower(at[i]);
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (!letter && c != '-' && c != '_')
			return false;
	}
	return len >= BARE_MIN;
}

/* Generous where is_match is strict: somebody who typed quotation marks, a
 * blank or capitals meant a challenge, and is told what was seen. */
enum ownership_match
ownership_match(const struct packet_txt *record, const char *token)
{
	const uint8_t *at = record->bytes;
	size_t len = record->len;

	if (is_match(record, token))
		return OWNERSHIP_MATCH;
	while (len > 0 && (*at == ' ' || *at == '"' || *at == '\t')) {
		at++;
		len--;
	}
	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '"'))
		len--;
	if (begins_with_key(at, len) || looks_bare(at, len))
		return OWNERSHIP_OTHER;
	return OWNERSHIP_UNRELATED;
}
