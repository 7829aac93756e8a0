/* SPDX-License-Identifier: Apache-2.0 */
/* All TXT records at a selector's name. Most panels store what is typed; some
 * store more (quotation marks, backslashes), less, or in pieces. So a record
 * that is not right as it stands is judged once more without what cannot be
 * part of a key record, and several records are tried as pieces of one. */
#include "core/dkim_private.h"
#include "core/base64.h"
#include "core/txt.h"

#include <stdio.h>
#include <string.h>

#define REPAIR_MAX 2048 /* longer records are not repaired, nor joined */
#define PIECES_MAX 5	/* 120 orders */
#define PIECE_MIN  24	/* digits that are no word any more */
#define P_MIN	   40	/* digits: a p= of DMARC has fewer, any key more */
#define TAIL	   12

/* --- what is it ----------------------------------------------------------- */

enum kind {
	KIND_UNRELATED,
	KIND_HOST,  /* the name of a host, and nothing else */
	KIND_SCRAP, /* begins with base64, perhaps the end of a key */
	KIND_PIECE, /* more of it than any word has */
	KIND_KEY,   /* meant to be a key record */
};

static bool
is_digit64(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* Base64 digits at the beginning of a run, blanks left out. */
static size_t
digits_n(const uint8_t *at, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (is_digit64(at[i]))
			n++;
		else if (!tags_blank(at[i]))
			break;
	}
	return n;
}

static bool
is_host_octet(uint8_t c)
{
	return is_digit64(c) ? c != '+' && c != '/'
			     : c == '-' || c == '_' || c == '.';
}

/* At least two labels, the last one of letters. */
static bool
is_host(const uint8_t *at, size_t len)
{
	size_t last = 0, letters = 0;

	if (len > 0 && at[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (!is_host_octet(at[i]) ||
		    (at[i] == '.' && (i == 0 || at[i - 1] == '.')))
			return false;
		if (at[i] == '.')
			last = i + 1;
	}
	while (last + letters < len && (at[last + letters] | 0x20) >= 'a' &&
	       (at[last + letters] | 0x20) <= 'z')
		letters++;
	return last > 0 && letters >= 2 && last + letters == len &&
	       len <= DNAME_TEXT_MAX;
}

/* v=DKIM..., or without a v= of something else p= or k=; a long p= tells by
 * itself. */
static bool
has_key_tags(const uint8_t *bytes, size_t len)
{
	struct tags t;
	const struct tag *v, *p;

	tags_read(&t, bytes, len);
	v = tags_find_any_case(&t, "v");
	p = tags_find_any_case(&t, "p");
	if (p != NULL && digits_n(bytes + p->value_at, p->value_len) >= P_MIN)
		return true;
	if (v == NULL)
		return p != NULL || tags_find_any_case(&t, "k") != NULL;
	return v->value_len >= 4 && (bytes[v->value_at] | 0x20) == 'd' &&
	       (bytes[v->value_at + 1] | 0x20) == 'k' &&
	       (bytes[v->value_at + 2] | 0x20) == 'i' &&
	       (bytes[v->value_at + 3] | 0x20) == 'm';
}

/* Digits and blanks, up to the end, to padding, or to another tag. */
static enum kind
kind_of_run(const uint8_t *bytes, size_t len)
{
	size_t at = 0, n;

	while (at < len && (is_digit64(bytes[at]) || tags_blank(bytes[at])))
		at++;
	n = digits_n(bytes, at);
	for (size_t pads = 0; at < len && bytes[at] == '=' && pads < 2; pads++)
		at++;
	if (n == 0 || (at < len && bytes[at] != ';'))
		return KIND_UNRELATED;
	return n < PIECE_MIN ? KIND_SCRAP : KIND_PIECE;
}

/* Of a record without stray octets. */
static enum kind
kind_of(const uint8_t *bytes, size_t len)
{
	while (len > 0 && tags_blank(*bytes)) {
		bytes++;
		len--;
	}
	while (len > 0 && tags_blank(bytes[len - 1]))
		len--;
	if (has_key_tags(bytes, len))
		return KIND_KEY;
	if (is_host(bytes, len))
		return KIND_HOST;
	/* all keys of 1024 bits and more begin so: p= was forgotten */
	if (len > 1 && memcmp(bytes, "MI", 2) == 0 &&
	    kind_of_run(bytes, len) == KIND_PIECE)
		return KIND_KEY;
	return kind_of_run(bytes, len);
}

/* --- repairs -------------------------------------------------------------- */

enum stray { STRAY_NONE, STRAY_QUOTE, STRAY_BACKSLASH, STRAY_HIGH, STRAY_LOW };

struct repaired {
	enum stray stray; /* the first of the above that is there */
	size_t first, n;  /* of that: where, how many */
	size_t len;
	uint8_t bytes[REPAIR_MAX];
};

static enum stray
stray_of(uint8_t c)
{
	if (c == '"')
		return STRAY_QUOTE;
	if (c == '\\')
		return STRAY_BACKSLASH;
	if (c >= 0x80)
		return STRAY_HIGH;
	return (c < ' ' && !tags_blank(c)) || c == 0x7f ? STRAY_LOW
							: STRAY_NONE;
}

/* Without stray octets; false when there are none, or the record is long. */
static bool
repair(struct repaired *out, const uint8_t *bytes, size_t len)
{
	out->stray = STRAY_NONE;
	out->len = out->n = out->first = 0;
	if (len > REPAIR_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		enum stray s = stray_of(bytes[i]);

		if (s == STRAY_NONE) {
			out->bytes[out->len++] = bytes[i];
			continue;
		}
		if (out->stray == STRAY_NONE || s < out->stray) {
			out->stray = s;
			out->first = i;
			out->n = 0;
		}
		out->n += s == out->stray;
	}
	return out->stray != STRAY_NONE;
}

/* The same octet in the record as it was. */
static uint16_t
mark_before(const uint8_t *bytes, size_t len, uint16_t mark)
{
	size_t at = 0;

	for (size_t kept = 0; at < len; at++) {
		if (stray_of(bytes[at]) == STRAY_NONE && kept++ == mark)
			break;
	}
	return (uint16_t)at;
}

/* "e2 80 9c", and its name if it is one of those that editors put there. */
static void
say_high(struct judged *out, const uint8_t *bytes, size_t len, size_t at)
{
	static const struct {
		const char *octets;
		const char *name;
	} known[] = {
	    {"\xe2\x80\x9c", "a curly quotation mark"},
	    {"\xe2\x80\x9d", "a curly quotation mark"},
	    {"\xe2\x80\x9e", "a curly quotation mark"},
	    {"\xe2\x80\x98", "a curly apostrophe"},
	    {"\xe2\x80\x99", "a curly apostrophe"},
	    {"\xe2\x80\x8b", "an invisible blank"},
	    {"\xef\xbb\xbf", "an invisible mark (BOM)"},
	    {"\xc2\xa0", "a no-break space"},
	    {"\xe2\x80\x93", "a dash"},
	    {"\xe2\x80\xa6", "an ellipsis"},
	};
	const char *name = "no ASCII character";
	char hex[16] = "";
	size_t n = 0;

	for (; n < 4 && at + n < len && bytes[at + n] >= 0x80 &&
	       (n == 0 || bytes[at + n] < 0xc0);
	     n++)
		snprintf(hex + 3 * n, 4, "%02x ", bytes[at + n]);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strlen(known[i].octets) == n &&
		    memcmp(bytes + at, known[i].octets, n) == 0)
			name = known[i].name;
	}
	hex[3 * n - 1] = '\0';
	dkim_fail(out, CODE_SMART_QUOTES, at, "%s at octet %zu, hex %s", name,
	    at, hex);
}

static void
say_stray(struct judged *out, const uint8_t *bytes, size_t len,
    const struct repaired *r)
{
	switch (r->stray) {
	case STRAY_NONE:
		break;
	case STRAY_QUOTE:
		dkim_fail(out, CODE_QUOTES_INSIDE, r->first,
		    "%zu quotation mark%s part of the data", r->n,
		    r->n == 1 ? " is" : "s are");
		break;
	case STRAY_BACKSLASH:
		dkim_fail(out, CODE_SEMICOLON_ESCAPED, r->first,
		    "%zu backslash%s part of the data", r->n,
		    r->n == 1 ? " is" : "es are");
		break;
	case STRAY_HIGH:
		say_high(out, bytes, len, r->first);
		break;
	case STRAY_LOW:
		dkim_fail(out, CODE_WHITESPACE, r->first,
		    "a control character at octet %zu, hex %02x", r->first,
		    bytes[r->first]);
		break;
	}
}

/* Does it say more than that something strayed into the record? */
static bool
says_more(enum code c)
{
	return c == CODE_KEY_OTHER || c == CODE_KEY_TRUNCATED ||
	       c == CODE_KEY_INVALID || c == CODE_KEY_REVOKED;
}

/* A text that one can paste. */
static void
publish_text(struct judged *out, const uint8_t *bytes, size_t len)
{
	if (len > PUBLISH_MAX)
		return;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] < ' ' || bytes[i] > '~')
			return;
	}
	memcpy(out->publish, bytes, len);
	out->publish[len] = '\0';
}

/* The record without stray octets, if that tells more. */
static void
judge_repaired(struct judged *out, const uint8_t *bytes, size_t len,
    const struct dkim_wish *wish, const struct repaired *r)
{
	struct judged second;
	enum code storage;

	dkim_record_judge(&second, r->bytes, r->len, wish);
	say_stray(out, bytes, len, r);
	storage = out->code;
	out->also_n = 0;
	if (second.verdict == VERDICT_PASS) {
		publish_text(out, r->bytes, r->len);
		return;
	}
	if (!says_more(second.code)) {
		dkim_also(out, second.code);
		return;
	}
	out->code = second.code;
	out->mark = mark_before(bytes, len, second.mark);
	memcpy(out->saw, second.saw, sizeof(out->saw));
	dkim_also(out, storage);
}

/* A blank inside a word (`v=DKIM 1`) is no folding white space. */
static void
judge_squeezed(struct judged *out, const uint8_t *bytes, size_t len,
    const struct dkim_wish *wish, struct repaired *r)
{
	struct judged second;
	char near[25];
	size_t left = len - out->mark < 20 ? len - out->mark : 20;

	r->len = 0;
	for (size_t i = 0; i < len; i++) {
		if (!tags_blank(bytes[i]))
			r->bytes[r->len++] = bytes[i];
	}
	dkim_record_judge(&second, r->bytes, r->len, wish);
	if (second.verdict != VERDICT_PASS)
		return;
	txt_show(bytes + out->mark, left, near, sizeof(near));
	dkim_fail(
	    out, CODE_WHITESPACE, out->mark, "a blank inside a word: %s", near);
	publish_text(out, r->bytes, r->len);
}

static void
judge_one(struct judged *out, const struct packet_txt *txt,
    const struct dkim_wish *wish)
{
	struct repaired r;

	dkim_record_judge(out, txt->bytes, txt->len, wish);
	if (out->verdict == VERDICT_PASS)
		return;
	if (repair(&r, txt->bytes, txt->len))
		judge_repaired(out, txt->bytes, txt->len, wish, &r);
	else if (out->code == CODE_WRONG_TAG && out->mark < txt->len &&
		 txt->len <= REPAIR_MAX)
		judge_squeezed(out, txt->bytes, txt->len, wish, &r);
}

/* --- several, or none ----------------------------------------------------- */

#define KEYS_MAX 8 /* key records looked at, of those at one name */

struct sorted {
	size_t n[KIND_KEY + 1];	    /* records of each kind */
	size_t first[KIND_KEY + 1]; /* which is the first of them */
	size_t parts_n;		    /* keys, pieces and scraps, as they come */
	size_t parts[KEYS_MAX];
};

static enum kind
kind_repaired(const struct packet_txt *txt, struct repaired *r)
{
	if (repair(r, txt->bytes, txt->len))
		return kind_of(r->bytes, r->len);
	return kind_of(txt->bytes, txt->len);
}

static void
sort(struct sorted *s, const struct packet_txt *txt, size_t n)
{
	struct repaired r;

	*s = (struct sorted){.parts_n = 0};
	for (size_t i = 0; i < n; i++) {
		enum kind kind = kind_repaired(&txt[i], &r);

		if (s->n[kind]++ == 0)
			s->first[kind] = i;
		if (kind >= KIND_SCRAP && s->parts_n < KEYS_MAX)
			s->parts[s->parts_n++] = i;
	}
}

/* A piece of the wanted key that stands alone: where it begins in the key's
 * digits, or their number if it is none. */
static size_t
piece_at(const struct packet_txt *txt, const char *digits, size_t digits_n,
    size_t *len)
{
	char piece[DKIM_P_MAX];
	const char *at;

	*len = 0;
	for (size_t i = 0; i < txt->len && *len < sizeof(piece); i++) {
		if (is_digit64(txt->bytes[i]) || txt->bytes[i] == '=')
			piece[(*len)++] = (char)txt->bytes[i];
	}
	at = memmem(digits, digits_n, piece, *len);
	return at != NULL ? (size_t)(at - digits) : digits_n;
}

static bool
is_lone_piece(struct judged *out, const struct packet_txt *txt, size_t which,
    const struct dkim_wish *wish)
{
	char digits[DKIM_P_MAX + 1];
	size_t all, at, len;

	if (wish->key == NULL)
		return false;
	all = base64_encode(wish->key->bytes, wish->key->len, digits);
	at = piece_at(&txt[which], digits, all, &len);
	if (at == all)
		return false;
	dkim_fail(out, CODE_KEY_TRUNCATED, 0,
	    "only the characters %zu to %zu of the %zu of the key arrived",
	    at + 1, at + len, all);
	out->txt = which;
	return true;
}

/* There is no key record. */
static void
judge_absent(struct judged *out, const struct packet_txt *txt, size_t n,
    const struct dkim_wish *wish, const struct sorted *s)
{
	char shown[SAW_MAX + 1];

	dkim_pass(out);
	if (s->n[KIND_PIECE] > 0 &&
	    is_lone_piece(out, txt, s->first[KIND_PIECE], wish))
		return;
	if (s->n[KIND_HOST] > 0) {
		size_t host = s->first[KIND_HOST];

		txt_show(txt[host].bytes, txt[host].len, shown, sizeof(shown));
		dkim_fail(out, CODE_CNAME_AS_TXT, NO_MARK, "%s", shown);
		out->txt = host;
		return;
	}
	out->verdict = VERDICT_NONE;
	out->code = CODE_NOT_PUBLISHED;
	if (n > 0)
		txt_show(txt[0].bytes, txt[0].len, out->saw, sizeof(out->saw));
}

/* Its beginning and its end, by which one finds it in a panel. */
struct brief {
	char text[48];
};

static const char *
brief(struct brief *b, const struct packet_txt *txt)
{
	char head[18], tail[18];

	if (txt->len <= 30) {
		txt_show(txt->bytes, txt->len, b->text, 32);
		return b->text;
	}
	txt_show(txt->bytes, 12, head, sizeof(head));
	txt_show(txt->bytes + txt->len - TAIL, TAIL, tail, sizeof(tail));
	snprintf(b->text, sizeof(b->text), "%s...%s", head, tail);
	return b->text;
}

/* The parts in this order as one record. False when it is long. */
static bool
join(struct repaired *out, const struct packet_txt *txt, const size_t *order,
    size_t n)
{
	out->len = 0;
	for (size_t i = 0; i < n; i++) {
		const struct packet_txt *part = &txt[order[i]];

		if (part->len > REPAIR_MAX - out->len)
			return false;
		memcpy(out->bytes + out->len, part->bytes, part->len);
		out->len += part->len;
	}
	return true;
}

/* The next order of the n parts (lexicographic); false after the last. */
static bool
next_order(size_t *order, size_t n)
{
	size_t i = n - 1, j = n - 1, swap;

	while (i > 0 && order[i - 1] > order[i])
		i--;
	if (i == 0)
		return false;
	while (order[j] < order[i - 1])
		j--;
	swap = order[i - 1];
	order[i - 1] = order[j];
	order[j] = swap;
	for (j = n - 1; i < j; i++, j--) {
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
	return true;
}

static bool
joins(struct judged *out, const struct packet_txt *txt, const size_t *order,
    size_t n, const struct dkim_wish *wish)
{
	struct repaired joined, clean;
	struct judged whole;
	const struct repaired *r = &joined;

	if (!join(&joined, txt, order, n))
		return false;
	if (repair(&clean, joined.bytes, joined.len))
		r = &clean;
	dkim_record_judge(&whole, r->bytes, r->len, wish);
	if (whole.verdict != VERDICT_PASS)
		return false;
	dkim_fail(out, CODE_SPLIT_INTO_RRS, NO_MARK,
	    "%zu records that are pieces of one (%zu + %zu%s characters)", n,
	    txt[order[0]].len, txt[order[1]].len, n > 2 ? " + ..." : "");
	out->txt = order[0];
	/* of more than two only the wanted key tells the right order */
	if (n == 2)
		publish_text(out, r->bytes, r->len);
	return true;
}

static bool
are_pieces(struct judged *out, const struct packet_txt *txt,
    const struct dkim_wish *wish, const struct sorted *s)
{
	size_t order[PIECES_MAX];

	if (s->parts_n < 2 || s->parts_n > PIECES_MAX)
		return false;
	memcpy(order, s->parts, s->parts_n * sizeof(*order));
	do {
		if (joins(out, txt, order, s->parts_n, wish))
			return true;
	} while (next_order(order, s->parts_n));
	return false;
}

/* The beginning of a key, and more that is no word: most likely its rest. */
static bool
are_some_pieces(struct judged *out, const struct sorted *s)
{
	if (s->n[KIND_KEY] != 1 || s->n[KIND_PIECE] == 0)
		return false;
	dkim_fail(out, CODE_SPLIT_INTO_RRS, NO_MARK,
	    "%zu records that are pieces of one, but not all of it",
	    s->parts_n);
	out->txt = s->first[KIND_KEY];
	return true;
}

/* The record among several that would be right alone; n if none is. */
static size_t
right_one(struct judged *out, const struct packet_txt *txt, size_t n,
    const struct dkim_wish *wish, const struct sorted *s)
{
	for (size_t i = 0; i < s->parts_n; i++) {
		judge_one(out, &txt[s->parts[i]], wish);
		if (out->verdict == VERDICT_PASS)
			return s->parts[i];
	}
	return n;
}

/* RFC 6376 section 3.6.2.2: records must be unique; otherwise "the results are
 * undefined". */
static void
judge_several(struct judged *out, const struct packet_txt *txt, size_t n,
    const struct dkim_wish *wish, const struct sorted *s)
{
	size_t right;
	struct brief a, b;

	dkim_pass(out);
	if (are_pieces(out, txt, wish, s))
		return;
	right = right_one(out, txt, n, wish, s);
	dkim_pass(out);
	if (right == n && are_some_pieces(out, s))
		return;
	if (right == n && s->n[KIND_KEY] == 1) {
		judge_one(out, &txt[s->first[KIND_KEY]], wish);
		out->txt = s->first[KIND_KEY];
		dkim_also(out, CODE_DUP_RECORD);
		return;
	}
	dkim_pass(out);
	if (right < n) {
		size_t wrong = right == 0;

		dkim_fail(out, CODE_DUP_RECORD, NO_MARK,
		    "%zu records; right is %s, remove %s", n,
		    brief(&a, &txt[right]), brief(&b, &txt[wrong]));
		out->txt = wrong;
		return;
	}
	dkim_fail(out, CODE_DUP_RECORD, NO_MARK, "%zu records: %s and %s", n,
	    brief(&a, &txt[s->parts[0]]), brief(&b, &txt[s->parts[1]]));
	out->txt = s->parts[1];
}

void
dkim_judge(struct judged *out, const struct packet_txt *txt, size_t n,
    const struct dkim_wish *wish)
{
	struct sorted s;

	if (n == 1) {
		judge_one(out, txt, wish);
		if (out->verdict == VERDICT_PASS)
			return;
	}
	sort(&s, txt, n);
	if (s.n[KIND_KEY] == 0)
		judge_absent(out, txt, n, wish, &s);
	else if (n > 1)
		judge_several(out, txt, n, wish, &s);
	if (wish->key != NULL)
		dkim_record_value(
		    wish->key, out->publish, sizeof(out->publish));
}
