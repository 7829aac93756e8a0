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

static bool
begins_with_key(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < KEY_LEN; i++) {
		if (i == len || txt_lower(at[i]) != (uint8_t)KEY[i])
			return false;
	}
	return true;
}

/* One word of the letters that tokens are written with. */
static bool
looks_bare(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = txt_lower(at[i]);
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

/* --- what became of the value --------------------------------------------- */

/* What panels, word processors and zone files add to a value. */
enum dirt { DIRT_QUOTE, DIRT_BACKSLASH, DIRT_BLANK, DIRT_FOREIGN, DIRT_N };

#define CLEAN_MAX 160 /* octets of a value that can still be ours */

struct clean {
	size_t len;
	uint8_t bytes[CLEAN_MAX];
	bool has[DIRT_N];
	uint16_t at[DIRT_N]; /* the first of its kind */
	bool too_long;
};

static enum dirt
dirt_of(uint8_t c)
{
	if (c == '"')
		return DIRT_QUOTE;
	if (c == '\\')
		return DIRT_BACKSLASH;
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		return DIRT_BLANK;
	return c > '~' || c < ' ' ? DIRT_FOREIGN : DIRT_N;
}

static void
clean(struct clean *out, const struct packet_txt *record)
{
	*out = (struct clean){.len = 0};
	for (size_t i = 0; i < record->len; i++) {
		uint8_t c = record->bytes[i];
		enum dirt dirt = dirt_of(c);

		if (dirt != DIRT_N && !out->has[dirt]) {
			out->has[dirt] = true;
			out->at[dirt] = (uint16_t)i;
		}
		if (dirt != DIRT_N)
			continue;
		if (out->len == CLEAN_MAX) {
			out->too_long = true;
			return;
		}
		out->bytes[out->len++] = c;
	}
}

enum case_of { AS_IT_IS, ANY_CASE };

static bool
begins_with(const uint8_t *at, size_t len, const char *text, enum case_of how)
{
	size_t text_len = strlen(text);

	if (len < text_len)
		return false;
	for (size_t i = 0; i < text_len; i++) {
		uint8_t c = how == ANY_CASE ? txt_lower(at[i]) : at[i];

		if (c != (uint8_t)text[i])
			return false;
	}
	return true;
}

/* Ours, but for the dirt: with or without `token=`, then nothing or further
 * key=value words, which have run together. */
static bool
is_ours(const struct clean *c, const char *token, enum case_of how)
{
	const uint8_t *at = c->bytes;
	size_t len = c->len;
	const uint8_t *equals;

	if (token[0] == '\0' || c->too_long)
		return false;
	if (begins_with(at, len, KEY, how)) {
		at += KEY_LEN;
		len -= KEY_LEN;
	}
	if (!begins_with(at, len, token, how))
		return false;
	at += strlen(token);
	len -= strlen(token);
	if (len == 0)
		return true;
	equals = memchr(at, '=', len);
	return equals != NULL && equals != at;
}

static enum code
code_of(const struct clean *c, uint16_t *mark)
{
	static const struct {
		enum dirt dirt;
		enum code code;
	} rows[] = {
	    {DIRT_FOREIGN, CODE_SMART_QUOTES},
	    {DIRT_BACKSLASH, CODE_SEMICOLON_ESCAPED},
	    {DIRT_QUOTE, CODE_QUOTES_INSIDE},
	    {DIRT_BLANK, CODE_WHITESPACE},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!c->has[rows[i].dirt])
			continue;
		*mark = c->at[rows[i].dirt];
		return rows[i].code;
	}
	return CODE_TOKEN_OTHER;
}

/* Of one record that does not match. */
static enum code
worth(const struct packet_txt *record, const char *token, uint16_t *mark,
    enum case_of *how)
{
	struct clean c;

	*mark = NO_MARK;
	*how = AS_IT_IS;
	if (record->nul)
		return CODE_TOKEN_OTHER;
	clean(&c, record);
	if (is_ours(&c, token, AS_IT_IS))
		return code_of(&c, mark);
	if (is_ours(&c, token, ANY_CASE))
		*how = ANY_CASE;
	return CODE_TOKEN_OTHER;
}

/* Do some of the records, each once, give what is left of the value? */
static bool
parts_give(const struct packet_txt *txt, size_t n, const char *value,
    size_t left, unsigned used, unsigned parts)
{
	if (left == 0)
		return parts > 1;
	for (size_t i = 0; i < n && i < 8; i++) {
		if ((used >> i & 1) != 0 || txt[i].len == 0 ||
		    txt[i].len > left ||
		    memcmp(txt[i].bytes, value, txt[i].len) != 0)
			continue;
		if (parts_give(txt, n, value + txt[i].len, left - txt[i].len,
			used | 1u << i, parts + 1))
			return true;
	}
	return false;
}

static bool
is_split(const struct packet_txt *txt, size_t n, const char *token)
{
	char value[EXPECTED_MAX + 1];

	if (token[0] == '\0')
		return false;
	ownership_value(token, value);
	return parts_give(txt, n, value, strlen(value), 0, 0) ||
	       parts_give(txt, n, value, KEY_LEN + strlen(token), 0, 0) ||
	       parts_give(txt, n, token, strlen(token), 0, 0);
}

static void
judged_init(struct judged *out, enum verdict verdict, enum code code)
{
	out->verdict = verdict;
	out->code = code;
	out->also_n = 0;
	out->txt = 0;
	out->mark = NO_MARK;
	out->saw[0] = out->publish[0] = '\0';
}

static void
say(struct judged *out, const struct packet_txt *record, enum case_of how)
{
	static const char note[] = " (capital letters)";
	size_t room =
	    sizeof(out->saw) - (how == ANY_CASE ? sizeof(note) - 1 : 0);
	size_t len = txt_show(record->bytes, record->len, out->saw, room);

	if (how == ANY_CASE)
		memcpy(out->saw + len, note, sizeof(note));
}

/* Damage says more than "another token", and that more than "nothing". */
static bool
is_better(enum code code, enum code than)
{
	if (than == CODE_NOT_PUBLISHED)
		return code != CODE_NOT_PUBLISHED;
	return than == CODE_TOKEN_OTHER && code != CODE_NOT_PUBLISHED &&
	       code != CODE_TOKEN_OTHER;
}

static void
judge_one(struct judged *out, const struct packet_txt *txt, size_t i,
    const char *token)
{
	uint16_t mark;
	enum case_of how;
	enum code code = worth(&txt[i], token, &mark, &how);

	if (code == CODE_TOKEN_OTHER &&
	    ownership_match(&txt[i], token) == OWNERSHIP_UNRELATED &&
	    how == AS_IT_IS)
		code = CODE_NOT_PUBLISHED;
	if (!is_better(code, out->code) && out->saw[0] != '\0')
		return;
	out->verdict = code == CODE_NOT_PUBLISHED ? VERDICT_NONE : VERDICT_FAIL;
	out->code = code;
	out->txt = i;
	out->mark = mark;
	say(out, &txt[i], how);
}

void
ownership_judge(struct judged *out, const struct packet_txt *txt, size_t n,
    const char *token)
{
	judged_init(out, VERDICT_NONE, CODE_NOT_PUBLISHED);
	for (size_t i = 0; i < n; i++) {
		if (!is_match(&txt[i], token))
			continue;
		judged_init(out, VERDICT_PASS, CODE_NONE);
		out->txt = i;
		say(out, &txt[i], AS_IT_IS);
		return;
	}
	for (size_t i = 0; i < n; i++)
		judge_one(out, txt, i, token);
	if (out->code == CODE_NOT_PUBLISHED || out->code == CODE_TOKEN_OTHER) {
		if (!is_split(txt, n, token))
			return;
		out->verdict = VERDICT_FAIL;
		out->code = CODE_SPLIT_INTO_RRS;
	}
}
