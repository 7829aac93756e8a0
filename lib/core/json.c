/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"

#include <stdio.h>
#include <string.h>

static void
fault(struct json_scan *s, const char *what)
{
	if (s->bad != NULL)
		return;
	s->bad = what;
	s->bad_at = (size_t)(s->p - s->start);
}

void
json_scan(struct json_scan *s, const void *bytes, size_t len)
{
	/* not the buffers: clearing them would cost more than the scan */
	s->start = s->p = bytes;
	s->end = s->start + len;
	s->bad = NULL;
	s->bad_at = 0;
	s->doubled = false;
	s->depth = 0;
	s->used = 0;
	s->names_n = 0;
	if (len > JSON_SCAN_MAX)
		fault(s, "too long");
}

size_t
json_at(const struct json_scan *s)
{
	return (size_t)(s->p - s->start);
}

/* Next octet behind blanks, 0 at the end (no token begins with NUL). */
static uint8_t
peek(struct json_scan *s)
{
	if (s->bad != NULL)
		return 0;
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' ||
				    *s->p == '\t' || *s->p == '\r'))
		s->p++;
	return s->p < s->end ? *s->p : 0;
}

void
json_scan_end(struct json_scan *s)
{
	peek(s);
	if (s->p != s->end)
		fault(s, "something behind the value");
}

enum json_type
json_next(struct json_scan *s)
{
	uint8_t c = peek(s);

	if (c == '"')
		return JSON_TYPE_STRING;
	if (c == '{')
		return JSON_TYPE_OBJECT;
	if (c == '[')
		return JSON_TYPE_ARRAY;
	if (c == '-' || (c >= '0' && c <= '9'))
		return JSON_TYPE_NUMBER;
	if (c == 't')
		return JSON_TYPE_TRUE;
	if (c == 'f')
		return JSON_TYPE_FALSE;
	if (c == 'n')
		return JSON_TYPE_NULL;
	fault(s, s->p == s->end ? "the text ends too early" : "no value");
	return JSON_TYPE_NOTHING;
}

size_t
json_utf8(const uint8_t *p, size_t left, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80       ? 1
		     : p[0] >> 5 == 6  ? 2
		     : p[0] >> 4 == 14 ? 3
		     : p[0] >> 3 == 30 ? 4
				       : 0;

	if (len == 0 || len > left)
		return 0;
	*c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		*c = *c << 6 | (p[i] & 0x3fu);
	}
	if (*c < least[len] || *c > 0x10ffff || *c >> 11 == 0xd800 >> 11)
		return 0;
	return len;
}

static size_t
put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* XXXX of \uXXXX; the cursor stays at a fault. */
static uint32_t
hex4(struct json_scan *s)
{
	uint32_t v = 0;

	if (s->end - s->p < 4) {
		fault(s, "an escape that is cut off");
		return 0;
	}
	for (int i = 0; i < 4; i++, s->p++) {
		uint8_t c = *s->p;
		uint8_t lower = c | 0x20;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			v = v << 4 | (uint32_t)(lower - 'a' + 10);
		else {
			fault(s, "an escape that is none");
			return 0;
		}
	}
	return v;
}

/* Behind \u. */
static uint32_t
escaped_utf16(struct json_scan *s)
{
	uint32_t high = hex4(s), low;

	if (s->bad == NULL && high == 0)
		fault(s, "a NUL character");
	if (high >> 11 != 0xd800 >> 11)
		return high;
	if (high >= 0xdc00 || s->end - s->p < 2 || s->p[0] != '\\' ||
	    s->p[1] != 'u') {
		fault(s, "half of a surrogate pair");
		return 0;
	}
	s->p += 2;
	low = hex4(s);
	if (low >> 10 != 0xdc00 >> 10)
		fault(s, "half of a surrogate pair");
	return 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff));
}

/* The cursor is at '\'. */
static void
unescape(struct json_scan *s)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	uint32_t c;

	if (s->end - s->p < 2) {
		fault(s, "a string without an end");
		return;
	}
	if (s->p[1] == 'u') {
		s->p += 2;
		c = escaped_utf16(s);
		if (s->bad == NULL)
			s->used += put_utf8(s->text + s->used, c);
		return;
	}
	at = memchr(from, s->p[1], sizeof(from) - 1);
	if (at == NULL) {
		fault(s, "an escape that is none");
		return;
	}
	s->text[s->used++] = to[at - from];
	s->p += 2;
}

static bool
plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Copies octets that stand for themselves; stops at any other. */
static void
copy_plain(struct json_scan *s)
{
	const uint8_t *p = s->p;
	char *out = s->text + s->used;

	while (p < s->end && plain(*p))
		*out++ = (char)*p++;
	s->used = (size_t)(out - s->text);
	s->p = p;
}

static void
copy_utf8(struct json_scan *s)
{
	uint32_t c;
	size_t len = json_utf8(s->p, (size_t)(s->end - s->p), &c);

	if (len == 0) {
		fault(s, "octets that are no UTF-8");
		return;
	}
	memcpy(s->text + s->used, s->p, len);
	s->used += len;
	s->p += len;
}

struct json_string
json_read_string(struct json_scan *s)
{
	size_t at = s->used;

	if (peek(s) != '"') {
		fault(s,
		    s->p == s->end ? "the text ends too early" : "no string");
		return (struct json_string){.text = ""};
	}
	s->p++;
	while (s->bad == NULL) {
		copy_plain(s);
		if (s->p == s->end)
			fault(s, "a string without an end");
		else if (*s->p == '"')
			break;
		else if (*s->p == '\\')
			unescape(s);
		else if (*s->p < 0x20)
			fault(s, *s->p == 0
				     ? "a NUL octet"
				     : "a control character in a string");
		else
			copy_utf8(s);
	}
	if (s->bad != NULL)
		return (struct json_string){.text = ""};
	s->p++;
	s->text[s->used++] = '\0';
	return (struct json_string){
	    .text = s->text + at, .len = s->used - 1 - at};
}

static size_t
skip_digits(struct json_scan *s)
{
	const uint8_t *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	if (s->p == from)
		fault(s, "no number");
	return (size_t)(s->p - from);
}

static bool
integer_value(
    const uint8_t *digit, const uint8_t *end, bool minus, int64_t *out)
{
	int64_t v = 0;

	for (; digit < end; digit++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_sub_overflow(v, *digit - '0', &v))
			return false;
	}
	if (!minus && v == INT64_MIN)
		return false;
	*out = minus ? v : -v;
	return true;
}

/* What stands for a fraction or an exponent: is there one? */
static bool
skip_fraction(struct json_scan *s)
{
	const uint8_t *from = s->p;

	if (s->p < s->end && *s->p == '.') {
		s->p++;
		skip_digits(s);
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		skip_digits(s);
	}
	return s->p != from;
}

bool
json_read_integer(struct json_scan *s, int64_t *out)
{
	bool minus = peek(s) == '-';
	const uint8_t *digits, *end;

	if (s->bad != NULL)
		return false;
	if (minus)
		s->p++;
	digits = s->p;
	if (skip_digits(s) > 1 && *digits == '0')
		fault(s, "a number with a leading zero");
	end = s->p;
	if (skip_fraction(s) || s->bad != NULL)
		return false;
	return integer_value(digits, end, minus, out);
}

static void
skip_word(struct json_scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		fault(s, "no value");
	else
		s->p += len;
}

void
json_open(struct json_scan *s, struct json_in *in)
{
	*in = (struct json_in){.names = s->names_n};
	if (s->bad != NULL)
		return;
	if (s->depth == JSON_DEPTH_MAX) {
		fault(s, "nested too deep");
		return;
	}
	s->depth++;
	s->p++;
}

/* Is there one more in the container that ends with `close`? */
static bool
more(struct json_scan *s, struct json_in *in, uint8_t close)
{
	uint8_t c = peek(s);

	if (s->bad != NULL)
		return false;
	if (c == close) {
		s->p++;
		s->depth--;
		s->names_n = in->names;
		return false;
	}
	if (in->begun && c != ',') {
		fault(s, s->p == s->end ? "the text ends too early"
					: "no comma and no end here");
		return false;
	}
	if (in->begun)
		s->p++;
	in->begun = true;
	return true;
}

bool
json_element(struct json_scan *s, struct json_in *in)
{
	return more(s, in, ']');
}

static uint32_t
name_hash(const struct json_string *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < name->len; i++)
		h = (h ^ (uint8_t)name->text[i]) * 16777619u;
	return h;
}

static bool
had_name(const struct json_scan *s, const struct json_in *in,
    const struct json_name *n)
{
	for (size_t i = in->names; i < s->names_n; i++) {
		if (s->names[i].hash == n->hash && s->names[i].len == n->len &&
		    memcmp(s->text + s->names[i].at, s->text + n->at, n->len) ==
			0)
			return true;
	}
	return false;
}

bool
json_member(struct json_scan *s, struct json_in *in, struct json_string *name)
{
	struct json_name n;
	size_t at;

	*name = (struct json_string){.text = ""};
	if (!more(s, in, '}'))
		return false;
	peek(s);
	at = json_at(s);
	*name = json_read_string(s);
	if (s->bad != NULL)
		return false;
	n = (struct json_name){.hash = name_hash(name),
	    .at = (uint16_t)(name->text - s->text),
	    .len = (uint16_t)name->len};
	if (had_name(s, in, &n)) {
		fault(s, "the same name twice in one object");
		s->bad_at = at;
		s->doubled = true;
		return false;
	}
	if (s->names_n < JSON_NAMES_MAX)
		s->names[s->names_n++] = n;
	else
		fault(s, "too many names");
	if (peek(s) != ':') {
		fault(s, "no colon behind a name");
		return false;
	}
	s->p++;
	return true;
}

static void
skip_container(struct json_scan *s, enum json_type type)
{
	struct json_string name;
	struct json_in in;

	json_open(s, &in);
	if (type == JSON_TYPE_OBJECT) {
		while (json_member(s, &in, &name))
			json_skip(s);
	} else {
		while (json_element(s, &in))
			json_skip(s);
	}
}

void
json_skip(struct json_scan *s)
{
	enum json_type type = json_next(s);
	int64_t unused;

	switch (type) {
	case JSON_TYPE_STRING:
		json_read_string(s);
		return;
	case JSON_TYPE_NUMBER:
		(void)json_read_integer(s, &unused);
		return;
	case JSON_TYPE_OBJECT:
	case JSON_TYPE_ARRAY: /* recursion: no deeper than JSON_DEPTH_MAX */
		skip_container(s, type);
		return;
	case JSON_TYPE_TRUE:
		skip_word(s, "true");
		return;
	case JSON_TYPE_FALSE:
		skip_word(s, "false");
		return;
	case JSON_TYPE_NULL:
		skip_word(s, "null");
		return;
	case JSON_TYPE_NOTHING:
		return;
	}
}

void
json_raw(struct writer *w, const char *text)
{
	writer_bytes(w, text, strlen(text));
}

void
json_item(struct writer *w)
{
	uint8_t last = w->len > 0 ? w->buf[w->len - 1] : '{';

	/* no text ends in one of these: it ends in a quotation mark */
	if (last != '{' && last != '[' && last != ':')
		writer_u8(w, ',');
}

/* Of octets that stand for themselves. */
static void
put_quoted(struct writer *w, const void *text, size_t len)
{
	uint8_t *at = w->buf + w->len;

	if (w->bad || w->cap - w->len < 2 || len > w->cap - w->len - 2) {
		w->bad = true;
		return;
	}
	at[0] = '"';
	memcpy(at + 1, text, len);
	at[len + 1] = '"';
	w->len += len + 2;
}

void
json_key(struct writer *w, const char *name)
{
	json_item(w);
	put_quoted(w, name, strlen(name));
	writer_u8(w, ':');
}

void
json_number(struct writer *w, int64_t v)
{
	char digits[20], *p = digits + sizeof(digits);
	uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do {
		*--p = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (v < 0)
		*--p = '-';
	writer_bytes(w, p, (size_t)(digits + sizeof(digits) - p));
}

static void
put_unit(struct writer *w, uint32_t unit)
{
	char out[8];

	snprintf(out, sizeof(out), "\\u%04x", unit & 0xffff);
	json_raw(w, out);
}

/* One character that does not stand for itself. Returns its octets. */
static size_t
put_escaped(struct writer *w, const uint8_t *p, size_t left)
{
	uint32_t c = 0;
	size_t len = json_utf8(p, left, &c);

	if (len == 0) {
		put_unit(w, 0xfffd);
		return 1;
	}
	if (c == '"' || c == '\\') {
		writer_u8(w, '\\');
		writer_u8(w, (uint8_t)c);
	} else if (c == '\n') {
		json_raw(w, "\\n");
	} else if (c < 0x10000) {
		put_unit(w, c);
	} else {
		put_unit(w, 0xd800 + ((c - 0x10000) >> 10));
		put_unit(w, 0xdc00 + ((c - 0x10000) & 0x3ff));
	}
	return len;
}

#define EACH(octet) (0x0101010101010101u * (octet))

/* Sets the high bit of some octet where one of v is below n, n <= 0x80. */
static uint64_t
any_below(uint64_t v, uint64_t n)
{
	return (v - EACH(n)) & ~v;
}

/* Whether eight octets stand for themselves in a text; it may say no of those
 * that do. */
static bool
plain_eight(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return ((v | (v + EACH(1)) | any_below(v, 0x20) |
		    any_below(v ^ EACH('"'), 1) |
		    any_below(v ^ EACH('\\'), 1)) &
		   EACH(0x80)) == 0;
}

static bool
all_plain(const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;

	if (len >= 8) {
		for (; end - p > 8; p += 8)
			if (!plain_eight(p))
				return false;
		return plain_eight(end - 8);
	}
	while (p < end && plain(*p) && *p != 0x7f)
		p++;
	return p == end;
}

void
json_text(struct writer *w, const char *text)
{
	size_t len = strlen(text);
	const uint8_t *p = (const uint8_t *)text, *end = p + len;
	const uint8_t *run;

	if (all_plain(p, len)) {
		put_quoted(w, p, len);
		return;
	}
	writer_u8(w, '"');
	while (p < end) {
		for (run = p; p < end && plain(*p) && *p != 0x7f; p++)
			;
		writer_bytes(w, run, (size_t)(p - run));
		if (p < end)
			p += put_escaped(w, p, (size_t)(end - p));
	}
	writer_u8(w, '"');
}

void
json_bytes(struct writer *w, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (all_plain(p, len)) {
		put_quoted(w, p, len);
		return;
	}
	writer_u8(w, '"');
	for (size_t i = 0; i < len; i++) {
		char out[8];

		if (plain(p[i]) && p[i] != 0x7f) {
			writer_u8(w, p[i]);
			continue;
		}
		snprintf(out, sizeof(out), "\\\\%03u", p[i]);
		json_raw(w, out);
	}
	writer_u8(w, '"');
}

void
json_key_text(struct writer *w, const char *name, const char *text)
{
	json_key(w, name);
	json_text(w, text);
}

void
json_key_number(struct writer *w, const char *name, int64_t v)
{
	json_key(w, name);
	json_number(w, v);
}
