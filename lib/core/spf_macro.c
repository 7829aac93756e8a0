/* SPDX-License-Identifier: Apache-2.0 */
#include "core/spf_macro.h"
#include "core/txt.h"

#include <stdio.h>
#include <string.h>

#define DELIMITERS  ".-+,/_="
#define LETTERS	    "slodiphv"
#define EXP_LETTERS "crt"
#define PARTS_MAX   128 /* more labels than a name can have */
#define KEEP	    512 /* octets kept of a target that grows too long */
#define ROOM	    1024

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_alnum(uint8_t c)
{
	return is_alpha(c) || is_digit(c);
}

static bool
is_one_of(const char *set, uint8_t c)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* --- one macro ---------------------------------------------------------- */

struct macro {
	uint8_t letter;	 /* as written; 0 for %% %_ %- */
	uint8_t literal; /* of these, the character behind the % */
	unsigned keep;	 /* rightmost parts that stay, 0 = all */
	bool reverse;
	const uint8_t *delimiters;
	size_t delimiters_n;
};

/* Reads the macro at text[at], which is a '%'; returns the offset behind it,
 * or 0 with the fault and its place in *at. */
static size_t
macro_read(struct macro *m, const uint8_t *text, size_t len, size_t *at,
    const char **fault)
{
	size_t i = *at + 1;
	bool zero = false;

	*m = (struct macro){.keep = 0};
	*fault = "a % that begins no macro";
	if (i < len && is_one_of("%_-", text[i])) {
		m->literal = text[i];
		return i + 1;
	}
	if (i >= len || text[i] != '{')
		return 0;
	*at = ++i;
	*fault = "unknown macro letter";
	if (i >= len || !is_one_of(LETTERS EXP_LETTERS, txt_lower(text[i])))
		return 0;
	m->letter = text[i++];
	for (; i < len && is_digit(text[i]); i++) {
		zero = m->keep == 0 && text[i] == '0';
		m->keep = m->keep * 10 + (unsigned)(text[i] - '0');
		if (m->keep > PARTS_MAX)
			m->keep = PARTS_MAX;
	}
	*at = i;
	*fault = "macro keeps 0 parts";
	if (zero && m->keep == 0)
		return 0;
	m->reverse = i < len && txt_lower(text[i]) == 'r';
	i += m->reverse;
	m->delimiters = text + i;
	while (i < len && is_one_of(DELIMITERS, text[i]))
		i++;
	m->delimiters_n = (size_t)(text + i - m->delimiters);
	*at = i;
	*fault = "macro without its }";
	if (i >= len || text[i] != '}')
		return 0;
	return i + 1;
}

/* --- syntax ------------------------------------------------------------- */

/* toplabel of section 7.1: letters, digits and inner hyphens, not all digits;
 * yields where it is bad, or len. */
static size_t
top_label_end(const uint8_t *text, size_t at, size_t len)
{
	bool digits = true;

	if (at >= len || text[at] == '-')
		return at;
	for (size_t i = at; i < len; i++) {
		if (!is_alnum(text[i]) && text[i] != '-')
			return i;
		digits &= is_digit(text[i]);
	}
	return digits ? at : text[len - 1] == '-' ? len - 1 : len;
}

/* The end of a domain-spec whose last macro ends at `literal`. */
static const char *
domain_end_fault(const uint8_t *text, size_t len, size_t literal, size_t *at)
{
	size_t dot, end = len;

	*at = 0;
	if (len == 0)
		return "a domain name is missing";
	if (literal == len)
		return NULL;
	if (text[len - 1] == '.')
		end--;
	for (dot = end; dot > literal && text[dot - 1] != '.';)
		dot--;
	*at = dot;
	if (dot == literal)
		return "not a full domain name";
	*at = top_label_end(text, dot, end);
	return *at == end ? NULL : "not a top-level domain";
}

static bool
is_literal(enum spf_text kind, uint8_t c)
{
	return (c > ' ' && c <= '~') || (c == ' ' && kind == SPF_TEXT_EXPLAIN);
}

const char *
spf_macro_fault(enum spf_text kind, const uint8_t *text, size_t len, size_t *at)
{
	size_t literal = 0; /* behind the last macro */
	const char *fault;

	for (*at = 0; *at < len;) {
		struct macro m;
		size_t begin = *at, end;

		if (!is_literal(kind, text[*at]))
			return "not a visible ASCII character";
		if (text[*at] != '%') {
			++*at;
			continue;
		}
		end = macro_read(&m, text, len, at, &fault);
		if (end == 0)
			return fault;
		*at = begin + 2;
		if (kind != SPF_TEXT_EXPLAIN && m.letter != 0 &&
		    is_one_of(EXP_LETTERS, txt_lower(m.letter)))
			return "macro letter only for explanations";
		*at = literal = end;
	}
	if (kind != SPF_TEXT_DOMAIN)
		return NULL;
	return domain_end_fault(text, len, literal, at);
}

bool
spf_macro_uses_name(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++) {
		if (text[i] != '%')
			continue;
		if (text[i + 1] == '{' && txt_lower(text[i + 2]) == 'p')
			return true;
		i++; /* "%%{p" is not one */
	}
	return false;
}

/* --- expansion ---------------------------------------------------------- */

/* What is written. Of a target only its right end counts: when the room is
 * used up, the left part goes. */
struct out {
	char *at;
	size_t len, cap;
	bool slide;
	bool full;
};

static void
put(struct out *o, char c)
{
	if (o->len == o->cap && o->slide) {
		memmove(o->at, o->at + o->len - KEEP, KEEP);
		o->len = KEEP;
	}
	if (o->len == o->cap)
		o->full = true;
	else
		o->at[o->len++] = c;
}

/* An upper-case letter: escaped for a URL (RFC 3986 section 2.3). */
static void
put_value(struct out *o, uint8_t c, bool url)
{
	static const char hex[] = "0123456789ABCDEF";

	if (!url || is_alnum(c) || is_one_of("-._~", c)) {
		put(o, (char)c);
		return;
	}
	put(o, '%');
	put(o, hex[c >> 4]);
	put(o, hex[c & 15]);
}

/* "i": dotted octets, or of IPv6 dotted nibbles (section 7.3). */
static void
show_ip(char *out, const struct packet_addr *ip)
{
	static const char hex[] = "0123456789ABCDEF";

	if (ip->family == 4) {
		packet_addr_show(ip, out);
		return;
	}
	for (size_t i = 0; i < 16; i++) {
		*out++ = hex[ip->octets[i] >> 4];
		*out++ = '.';
		*out++ = hex[ip->octets[i] & 15];
		*out++ = i < 15 ? '.' : '\0';
	}
}

/* The value of a letter; scratch holds 64. */
static const char *
value_of(uint8_t letter, const struct spf_facts *f, char *scratch)
{
	switch (txt_lower(letter)) {
	case 's':
		return f->sender;
	case 'l':
		return f->local;
	case 'o':
		return f->origin;
	case 'd':
		return f->domain;
	case 'h':
		return f->helo;
	case 'p':
		return f->name;
	case 'r':
		return f->receiver;
	case 'v':
		return f->ip.family == 4 ? "in-addr" : "ip6";
	case 'c':
		packet_addr_show(&f->ip, scratch);
		return scratch;
	case 't':
		snprintf(scratch, 64, "%lld", (long long)f->wall_s);
		return scratch;
	}
	show_ip(scratch, &f->ip);
	return scratch;
}

struct part {
	const char *at;
	size_t len;
};

static bool
parts_at(const struct macro *m, uint8_t c)
{
	if (m->delimiters_n == 0)
		return c == '.';
	return memchr(m->delimiters, c, m->delimiters_n) != NULL;
}

/* The parts that end up rightmost, PARTS_MAX at most: the first ones when
 * they are reversed, else the last ones, in a ring. Returns how many there
 * were. */
static size_t
split(const struct macro *m, const char *value, struct part *ring)
{
	size_t n = 0;

	for (;; n++) {
		size_t len = 0;

		while (value[len] != '\0' && !parts_at(m, (uint8_t)value[len]))
			len++;
		if (n < PARTS_MAX || !m->reverse)
			ring[n % PARTS_MAX] = (struct part){value, len};
		if (value[len] == '\0')
			return n + 1;
		value += len + 1;
	}
}

static void
put_parts(struct out *o, const struct macro *m, const char *value)
{
	bool url = m->letter != txt_lower(m->letter);
	struct part ring[PARTS_MAX];
	size_t n = split(m, value, ring), have, keep;

	have = n < PARTS_MAX ? n : PARTS_MAX;
	keep = m->keep > 0 && m->keep < have ? m->keep : have;
	/* reversed first, then the rightmost ones (section 7.3) */
	for (size_t i = 0; i < keep; i++) {
		size_t k = m->reverse ? keep - 1 - i : n - keep + i;
		const struct part *p = &ring[k % PARTS_MAX];

		if (i > 0)
			put(o, '.');
		for (size_t j = 0; j < p->len; j++)
			put_value(o, (uint8_t)p->at[j], url);
	}
}

static void
put_macro(struct out *o, const struct macro *m, const struct spf_facts *f)
{
	bool url = m->letter != txt_lower(m->letter);
	char scratch[64];
	const char *value;

	if (m->letter == 0) {
		put(o, m->literal == '-' ? '%' : m->literal == '_' ? ' ' : '%');
		if (m->literal == '-') {
			put(o, '2');
			put(o, '0');
		}
		return;
	}
	value = value_of(m->letter, f, scratch);
	if (m->keep > 0 || m->reverse || m->delimiters_n > 0) {
		put_parts(o, m, value);
		return;
	}
	for (; *value != '\0'; value++)
		put_value(o, (uint8_t)*value, url);
}

static void
expand(
    struct out *o, const uint8_t *text, size_t len, const struct spf_facts *f)
{
	for (size_t at = 0; at < len;) {
		const char *fault;
		struct macro m;
		size_t here = at;

		if (text[at] != '%') {
			put(o, (char)text[at++]);
			continue;
		}
		at = macro_read(&m, text, len, &here, &fault);
		if (at == 0)
			return; /* not well formed: the caller's bug */
		put_macro(o, &m, f);
	}
}

void
spf_macro_target(
    char *out, const uint8_t *spec, size_t len, const struct spf_facts *f)
{
	char room[ROOM];
	struct out o = {.at = room, .cap = sizeof(room), .slide = true};
	char *begin = room;

	room[0] = '\0';
	expand(&o, spec, len, f);
	if (o.len > 0 && room[o.len - 1] == '.')
		o.len--;
	while (o.len > SPF_NAME_MAX) {
		char *dot = memchr(begin, '.', o.len);
		size_t cut = dot == NULL ? o.len - SPF_NAME_MAX
					 : (size_t)(dot + 1 - begin);

		begin += cut;
		o.len -= cut;
	}
	memcpy(out, begin, o.len);
	out[o.len] = '\0';
}

bool
spf_macro_explain(char *out, size_t cap, const uint8_t *text, size_t len,
    const struct spf_facts *f)
{
	struct out o = {.at = out, .cap = cap - 1};

	expand(&o, text, len, f);
	out[o.len] = '\0';
	return !o.full;
}
