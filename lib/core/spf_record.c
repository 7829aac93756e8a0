/* SPDX-License-Identifier: Apache-2.0 */
#include "core/spf_record.h"

#include "core/spf_macro.h"
#include "core/txt.h"

#include <string.h>

#define VERSION	    "v=spf1"
#define VERSION_LEN (sizeof(VERSION) - 1)

/* A run of octets of the record. */
struct run {
	size_t at, end;
};

struct name {
	const char *text;
	enum spf_kind kind;
};

static const struct name mechanisms[] = {
    {"all", SPF_ALL},
    {"include", SPF_INCLUDE},
    {"a", SPF_A},
    {"mx", SPF_MX},
    {"ptr", SPF_PTR},
    {"ip4", SPF_IP4},
    {"ip6", SPF_IP6},
    {"exists", SPF_EXISTS},
};

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(uint8_t c)
{
	return txt_lower(c) >= 'a' && txt_lower(c) <= 'z';
}

static bool
is_name_char(uint8_t c)
{
	return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
}

static bool
equal(const uint8_t *bytes, size_t len, const char *text)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\0' || txt_lower(bytes[i]) != (uint8_t)text[i])
			return false;
	}
	return text[len] == '\0';
}

bool
spf_is_record(const uint8_t *bytes, size_t len)
{
	return len >= VERSION_LEN && equal(bytes, VERSION_LEN, VERSION) &&
	       (len == VERSION_LEN || bytes[VERSION_LEN] == ' ');
}

bool
spf_kind_counts(enum spf_kind kind)
{
	switch (kind) {
	case SPF_INCLUDE:
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
	case SPF_EXISTS:
	case SPF_REDIRECT:
		return true;
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_EXP:
	case SPF_OTHER:
		return false;
	}
	return false;
}

void
spf_cursor_init(struct spf_cursor *c, const uint8_t *bytes, size_t len)
{
	*c = (struct spf_cursor){.bytes = bytes,
	    .len = len < SPF_RECORD_MAX ? len : SPF_RECORD_MAX,
	    .at = VERSION_LEN};
}

static bool
bad(struct spf_cursor *c, size_t at, const char *fault)
{
	c->fault = fault;
	c->fault_at = (uint16_t)at;
	return false;
}

/* --- parts of a term ----------------------------------------------------- */

/* 1*DIGIT up to max, without leading zeros, at *at; false leaves *at at the
 * octet that is wrong. */
static bool
number(const struct spf_cursor *c, size_t *at, size_t end, unsigned max,
    unsigned *out)
{
	size_t begin = *at;

	*out = 0;
	while (*at < end && is_digit(c->bytes[*at])) {
		*out = *out * 10 + (unsigned)(c->bytes[*at] - '0');
		if (*out > max || (*at > begin && c->bytes[begin] == '0'))
			return false;
		++*at;
	}
	return *at > begin;
}

/* A "/n" or, with two slashes, "//n" at the end of r: taken off it. */
static bool
take_cidr(struct spf_cursor *c, struct run *r, size_t slashes, unsigned max,
    uint8_t *out)
{
	size_t at = r->end, digits;
	unsigned n;

	while (at > r->at && is_digit(c->bytes[at - 1]))
		at--;
	digits = at;
	for (size_t i = 0; i < slashes; i++) {
		if (at == r->at || c->bytes[at - 1] != '/')
			return true;
		at--;
	}
	if (digits == r->end)
		return true; /* no length: no domain-spec ends like this */
	if (!number(c, &digits, r->end, max, &n) || digits != r->end)
		return bad(c, digits, "bad prefix length");
	*out = (uint8_t)n;
	r->end = at;
	return true;
}

static bool
dual_cidr(struct spf_cursor *c, struct run *r, struct spf_term *t)
{
	return take_cidr(c, r, 2, 128, &t->cidr6) &&
	       take_cidr(c, r, 1, 32, &t->cidr4);
}

static bool
domain_spec(struct spf_cursor *c, const struct run *r, struct spf_term *t)
{
	size_t at;
	const char *fault = spf_macro_fault(
	    SPF_TEXT_DOMAIN, c->bytes + r->at, r->end - r->at, &at);

	if (fault != NULL)
		return bad(c, r->at + at, fault);
	t->spec_at = (uint16_t)r->at;
	t->spec_len = (uint16_t)(r->end - r->at);
	return true;
}

/* Dotted quad at *at, which moves to the first octet that does not belong. */
static bool
quad(const struct spf_cursor *c, size_t *at, size_t end, uint8_t *out)
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned n;

		if (i > 0 && (*at == end || c->bytes[*at] != '.'))
			return false;
		*at += i > 0;
		if (!number(c, at, end, 255, &n))
			return false;
		out[i] = (uint8_t)n;
	}
	return true;
}

static int
hex_digit(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c = txt_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to 4 hexadecimal digits. */
static bool
group(const struct spf_cursor *c, size_t *at, size_t end, uint8_t *out)
{
	unsigned n = 0, digits = 0;

	while (*at < end && digits < 4 && hex_digit(c->bytes[*at]) >= 0) {
		n = n << 4 | (unsigned)hex_digit(c->bytes[*at]);
		++*at;
		digits++;
	}
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	return digits > 0;
}

/* Is a dotted quad next, rather than a group? */
static bool
quad_next(const struct spf_cursor *c, size_t at, size_t end)
{
	while (at < end && is_digit(c->bytes[at]))
		at++;
	return at < end && c->bytes[at] == '.';
}

static bool
twice_colon(const struct spf_cursor *c, size_t at, size_t end)
{
	return end - at >= 2 && c->bytes[at] == ':' && c->bytes[at + 1] == ':';
}

/* RFC 4291 section 2.2: groups, once "::", perhaps a dotted quad at the end.
 * *at moves to the first octet that does not belong. */
static bool
v6(const struct spf_cursor *c, size_t *at, size_t end, uint8_t *out)
{
	size_t n = 0, gap = 17;

	memset(out, 0, 16);
	while (*at < end) {
		if (twice_colon(c, *at, end) && gap == 17) {
			gap = n;
			*at += 2;
			if (*at == end)
				break;
		} else if (n > 0 && c->bytes[*at] == ':') {
			++*at;
		} else if (n > 0) {
			return false;
		}
		if (n == 16)
			return false;
		if (n <= 12 && quad_next(c, *at, end)) {
			if (!quad(c, at, end, out + n))
				return false;
			n += 4;
			break;
		}
		if (!group(c, at, end, out + n))
			return false;
		n += 2;
	}
	if (gap == 17)
		return n == 16;
	if (n > 14)
		return false;
	memmove(out + 16 - (n - gap), out + gap, n - gap);
	memset(out + gap, 0, 16 - n);
	return true;
}

/* --- terms --------------------------------------------------------------- */

static bool
ip_term(struct spf_cursor *c, struct run r, struct spf_term *t)
{
	bool four = t->kind == SPF_IP4;
	size_t at = r.at;

	if (r.at == r.end || c->bytes[r.at] != ':')
		return bad(c, r.at, "an address is missing");
	at = ++r.at;
	if (!take_cidr(c, &r, 1, four ? 32 : 128, four ? &t->cidr4 : &t->cidr6))
		return false;
	t->addr.family = four ? 4 : 6;
	if (!(four ? quad(c, &at, r.end, t->addr.octets)
		   : v6(c, &at, r.end, t->addr.octets)) ||
	    at != r.end)
		return bad(c, at, "bad address");
	return true;
}

/* What may stand behind the name of a mechanism. */
static bool
arguments(struct spf_cursor *c, struct run r, struct spf_term *t)
{
	bool cidr = t->kind == SPF_A || t->kind == SPF_MX;
	bool must = t->kind == SPF_INCLUDE || t->kind == SPF_EXISTS;

	if (t->kind == SPF_IP4 || t->kind == SPF_IP6)
		return ip_term(c, r, t);
	if (cidr && !dual_cidr(c, &r, t))
		return false;
	if (r.at == r.end)
		return must ? bad(c, r.at, "a domain name is missing") : true;
	if (t->kind == SPF_ALL)
		return bad(c, r.at, "nothing may follow the word all");
	if (c->bytes[r.at] != ':')
		return bad(c, r.at, "unexpected character");
	r.at++;
	return domain_spec(c, &r, t);
}

static bool
mechanism(struct spf_cursor *c, struct run r, struct spf_term *t)
{
	size_t len = 0;

	if (r.end - r.at > 1 && memchr("+-~?", c->bytes[r.at], 4) != NULL)
		t->qualifier = (char)c->bytes[r.at++];
	while (r.at + len < r.end && (is_alpha(c->bytes[r.at + len]) ||
					 is_digit(c->bytes[r.at + len])))
		len++;
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
		if (!equal(c->bytes + r.at, len, mechanisms[i].text))
			continue;
		t->kind = mechanisms[i].kind;
		r.at += len;
		return arguments(c, r, t);
	}
	return bad(c, r.at, "unknown mechanism");
}

/* The length of a modifier's name, 0 = the term is none (section 4.6.1: '='
 * before any ':' or '/'). */
static size_t
modifier_len(const struct spf_cursor *c, struct run r)
{
	size_t at = r.at;

	if (!is_alpha(c->bytes[at]))
		return 0;
	while (at < r.end && is_name_char(c->bytes[at]))
		at++;
	return at < r.end && c->bytes[at] == '=' ? at - r.at : 0;
}

static bool
modifier(struct spf_cursor *c, struct run r, size_t len, struct spf_term *t)
{
	const char *fault;
	size_t at;

	if (equal(c->bytes + r.at, len, "redirect"))
		t->kind = SPF_REDIRECT;
	else if (equal(c->bytes + r.at, len, "exp"))
		t->kind = SPF_EXP;
	else
		t->kind = SPF_OTHER;
	r.at += len + 1;
	if (t->kind != SPF_OTHER)
		return domain_spec(c, &r, t);
	fault =
	    spf_macro_fault(SPF_TEXT_MACRO, c->bytes + r.at, r.end - r.at, &at);
	return fault == NULL || bad(c, r.at + at, fault);
}

enum spf_read
spf_cursor_next(struct spf_cursor *c, struct spf_term *out)
{
	struct run r;
	size_t name;
	const uint8_t *blank;

	while (c->at < c->len && c->bytes[c->at] == ' ')
		c->at++;
	if (c->at == c->len)
		return SPF_READ_END;
	blank = memchr(c->bytes + c->at, ' ', c->len - c->at);
	r.at = c->at;
	r.end = blank == NULL ? c->len : (size_t)(blank - c->bytes);
	c->at = r.end;
	c->term_at = (uint16_t)r.at;
	c->term_len = (uint16_t)(r.end - r.at);
	*out = (struct spf_term){.qualifier = '+',
	    .cidr4 = 32,
	    .cidr6 = 128,
	    .at = c->term_at,
	    .len = c->term_len};
	name = modifier_len(c, r);
	if (name > 0 ? modifier(c, r, name, out) : mechanism(c, r, out))
		return SPF_READ_TERM;
	return SPF_READ_BAD;
}

/* redirect= and exp= at most once each (section 6). */
static bool
once(struct spf_cursor *c, bool *has, struct spf_term *kept,
    const struct spf_term *t)
{
	if (*has)
		return bad(c, t->at, "may be there only once");
	*has = true;
	*kept = *t;
	return true;
}

static bool
note(struct spf_cursor *c, struct spf_outline *o, const struct spf_term *t)
{
	o->lookups += spf_kind_counts(t->kind);
	if (t->kind == SPF_REDIRECT)
		return once(c, &o->has_redirect, &o->redirect, t);
	if (t->kind == SPF_EXP)
		return once(c, &o->has_exp, &o->exp, t);
	if (t->kind == SPF_ALL && !o->has_all) {
		o->has_all = true;
		o->all = *t;
	}
	return true;
}

bool
spf_record_check(struct spf_cursor *c, const uint8_t *bytes, size_t len,
    struct spf_outline *out)
{
	enum spf_read read;
	struct spf_term t;

	spf_cursor_init(c, bytes, len);
	out->has_all = out->has_redirect = out->has_exp = false;
	out->lookups = 0;
	if (len > SPF_RECORD_MAX)
		return bad(c, SPF_RECORD_MAX, "record too long");
	while ((read = spf_cursor_next(c, &t)) == SPF_READ_TERM) {
		if (!note(c, out, &t))
			return false;
	}
	return read == SPF_READ_END;
}
