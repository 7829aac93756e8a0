/* SPDX-License-Identifier: Apache-2.0 */
/* One key record as it stands. Of several faults the first of this order is
 * told, because it decides what is to be done:
 *
 *   1 which key is this: p= missing or there twice (WRONG_TAG), empty
 *     (KEY_REVOKED); a k= that makes receivers look no further (WRONG_TAG);
 *     KEY_TRUNCATED, KEY_INVALID, KEY_OTHER, KEY_WEAK
 *   2 the right key, but v=, the list itself, h= or s= forbid its use
 *     (WRONG_TAG)
 *   3 all right, but for testing (KEY_TESTING)
 *
 * A key that is the wanted one is never parsed: its octets are compared. */
#include "core/dkim_private.h"
#include "core/base64.h"
#include "core/txt.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 24 /* octets quoted of a value */
#define NEAR_MAX  16 /* so many other digits, and it is a slip of the pen */
#define TAIL	  12 /* digits by which people tell keys apart */

enum letter { LETTER_V, LETTER_K, LETTER_H, LETTER_S, LETTER_T, LETTER_P };
static const char letters[] = "vkhstp";

struct record {
	struct tags tags;
	const struct tag *by[sizeof(letters) - 1];
	enum dkim_type type;
};

/* How the digits of a p= differ from the wanted ones. */
enum likeness {
	LIKE_SAME,
	LIKE_PREFIX, /* ours, cut */
	LIKE_LONGER, /* ours, and more */
	LIKE_CASE,   /* ours, but for upper and lower case */
	LIKE_PLUS,   /* ours without its '+' */
	LIKE_NEAR,   /* ours but for a few */
	LIKE_NOT,
};

struct compared {
	enum likeness how;
	size_t first; /* digit that differs */
	size_t differ;
	size_t ours_n, theirs_n;
	char ours[DKIM_P_MAX + 1];
	char theirs[2 * DKIM_P_MAX];
};

void
dkim_pass(struct judged *out)
{
	out->verdict = VERDICT_PASS;
	out->code = CODE_NONE;
	out->also_n = 0;
	out->txt = 0;
	out->mark = NO_MARK;
	out->saw[0] = '\0';
	out->publish[0] = '\0';
}

void
dkim_fail(struct judged *out, enum code code, size_t mark, const char *fmt, ...)
{
	va_list ap;
	int n;

	out->verdict = VERDICT_FAIL;
	out->code = code;
	out->mark = mark < NO_MARK ? (uint16_t)mark : NO_MARK;
	va_start(ap, fmt);
	n = vsnprintf(out->saw, sizeof(out->saw), fmt, ap);
	va_end(ap);
	if (n > SAW_MAX)
		memcpy(out->saw + SAW_MAX - 3, "...", 3);
}

void
dkim_also(struct judged *out, enum code code)
{
	if (out->also_n < ALSO_MAX)
		out->also[out->also_n++] = code;
}

static void
record_read(struct record *r, const uint8_t *bytes, size_t len)
{
	memset(r->by, 0, sizeof(r->by));
	tags_read(&r->tags, bytes, len);
	for (size_t i = 0; i < r->tags.n; i++) {
		const struct tag *tag = &r->tags.tag[i];
		const char *at =
		    memchr(letters, bytes[tag->name_at], sizeof(letters) - 1);

		if (tag->name_len == 1 && at != NULL &&
		    r->by[at - letters] == NULL)
			r->by[at - letters] = tag;
	}
}

struct shown {
	char text[4 * SHOWN_MAX + 1];
};

static const char *
show(struct shown *s, const struct record *r, size_t at, size_t len)
{
	txt_show(r->tags.bytes + at, len, s->text, SHOWN_MAX + 1);
	return s->text;
}

static const char *
show_value(struct shown *s, const struct record *r, const struct tag *tag)
{
	return show(s, r, tag->value_at, tag->value_len);
}

static void
wrong_tag(struct judged *out, const struct record *r, enum letter l,
    const char *effect)
{
	struct shown s;

	dkim_fail(out, CODE_WRONG_TAG, r->by[l]->name_at, "%c=%s: %s",
	    letters[l], show_value(&s, r, r->by[l]), effect);
}

/* --- which key ------------------------------------------------------------ */

static const struct tag *
second_p(const struct record *r)
{
	for (size_t i = 0; i < r->tags.n; i++) {
		const struct tag *tag = &r->tags.tag[i];

		if (tag->fault == TAGS_DUPLICATE && tag->name_len == 1 &&
		    r->tags.bytes[tag->name_at] == 'p')
			return tag;
	}
	return NULL;
}

static void
no_p(struct judged *out, const struct record *r)
{
	const struct tag *capital = tags_find_any_case(&r->tags, "p");

	if (capital != NULL)
		dkim_fail(out, CODE_WRONG_TAG, capital->name_at,
		    "P=: the names of tags are small letters, p=");
	else if (r->tags.fault == TAGS_NO_EQUALS)
		dkim_fail(out, CODE_WRONG_TAG, r->tags.at,
		    "p= is missing before the key");
	else
		dkim_fail(out, CODE_WRONG_TAG, NO_MARK,
		    "p= is missing: there is no key");
}

static bool
p_is_there(struct judged *out, const struct record *r)
{
	const struct tag *p = r->by[LETTER_P], *second = second_p(r);

	if (p == NULL)
		no_p(out, r);
	else if (second != NULL)
		dkim_fail(out, CODE_WRONG_TAG, second->name_at,
		    "p= is there twice: receivers ignore the record");
	else if (p->value_len == 0)
		dkim_fail(out, CODE_KEY_REVOKED, p->name_at,
		    "p= is empty, which says: no signature counts any more");
	return out->verdict == VERDICT_PASS;
}

static bool
type_is_known(struct judged *out, struct record *r)
{
	const struct tag *k = r->by[LETTER_K];

	r->type = DKIM_RSA;
	if (k == NULL || tag_is(&r->tags, k, "rsa"))
		return true;
	r->type = DKIM_ED25519;
	if (tag_is(&r->tags, k, "ed25519"))
		return true;
	wrong_tag(out, r, LETTER_K,
	    "receivers know rsa and ed25519 only, and ignore the record");
	return false;
}

static bool
is_ours(const struct record *r, const struct dkim_public *key)
{
	uint8_t octets[DKIM_KEY_MAX];
	const struct tag *p = r->by[LETTER_P];
	struct base64_end end;

	return r->type == key->type &&
	       base64_decode(octets, key->len, r->tags.bytes + p->value_at,
		   p->value_len, &end) == BASE64_OK &&
	       end.len == key->len && memcmp(octets, key->bytes, end.len) == 0;
}

/* Octet of the record where digit n of its p= stands. */
static size_t
mark_digit(const struct record *r, size_t n)
{
	const struct tag *p = r->by[LETTER_P];

	return p->value_at +
	       dkim_digit_at(r->tags.bytes + p->value_at, p->value_len, n);
}

/* What is wrong with p= as base64. */
static void
bad_base64(struct judged *out, const struct record *r, size_t at)
{
	const struct tag *p = r->by[LETTER_P];
	const uint8_t *value = r->tags.bytes + p->value_at;
	size_t left = p->value_len - at;
	struct shown s;

	if (left == 0)
		dkim_fail(out, CODE_KEY_INVALID, p->value_at + at,
		    "p= is not whole: characters or the = at its end are "
		    "missing");
	else if (left >= 10 && memcmp(value + at, "-----BEGIN", 10) == 0)
		dkim_fail(out, CODE_KEY_INVALID, p->value_at + at,
		    "the BEGIN line of a key file is no part of the key");
	else
		dkim_fail(out, CODE_KEY_INVALID, p->value_at + at,
		    "'%s' may not stand in a key (character %zu of p=)",
		    show(&s, r, p->value_at + at, 1), at + 1);
}

static void
cut_key(struct judged *out, const struct record *r, size_t have, size_t need)
{
	const struct tag *p = r->by[LETTER_P];
	size_t end = p->value_at + p->value_len;

	/* people count the whole record, when the key is its end */
	if (p == &r->tags.tag[r->tags.n - 1])
		dkim_fail(out, CODE_KEY_TRUNCATED, end,
		    "%zu of %zu characters arrived", end, end + need - have);
	else
		dkim_fail(out, CODE_KEY_TRUNCATED, end,
		    "%zu of %zu characters of p= arrived", have, need);
}

static void
type_contradicts(struct judged *out, const struct record *r)
{
	const struct tag *k = r->by[LETTER_K];
	size_t mark = (k != NULL ? k : r->by[LETTER_P])->name_at;
	bool rsa = r->type == DKIM_RSA;

	dkim_fail(out, CODE_WRONG_TAG, mark, "%s, but p= holds an %s key",
	    k == NULL ? "k= is missing, which means rsa"
	    : rsa     ? "k=rsa"
		      : "k=ed25519",
	    rsa ? "Ed25519" : "RSA");
}

/* A p= in which there is no key we could use. */
static void
bad_key(struct judged *out, const struct record *r, enum dkim_fault fault,
    const struct dkim_flaw *flaw)
{
	static const char *const words[] = {
	    [DKIM_DER] = "p= is not a public key: it can't be read from here",
	    [DKIM_WRAPPED] = "p= must be the bare 32 octets of an Ed25519 key, "
			     "not its 44 with a header",
	    [DKIM_ALGORITHM] = "p= holds a key of another algorithm than RSA "
			       "(rsaEncryption with NULL)",
	    [DKIM_NUMBERS] = "no RSA key has these numbers",
	    [DKIM_PRIVATE] = "this is a PRIVATE key, for all to see: take it "
			     "down and make a new pair",
	};
	size_t mark = r->by[LETTER_P]->value_at + flaw->at;

	switch (fault) {
	case DKIM_OK:
	case DKIM_EMPTY:
		break;
	case DKIM_BASE64:
		bad_base64(out, r, flaw->at);
		break;
	case DKIM_CUT:
		cut_key(out, r, flaw->have, flaw->need);
		break;
	case DKIM_TYPE:
		type_contradicts(out, r);
		break;
	case DKIM_LARGE:
		dkim_fail(out, CODE_KEY_INVALID, r->by[LETTER_P]->name_at,
		    "more than %d bits: receivers need not read it",
		    DKIM_BITS_MAX);
		break;
	case DKIM_DER:
	case DKIM_WRAPPED:
	case DKIM_ALGORITHM:
	case DKIM_NUMBERS:
	case DKIM_PRIVATE:
		dkim_fail(out, CODE_KEY_INVALID, mark, "%s", words[fault]);
		break;
	}
}

/* Form decoders make blanks of plus signs. */
static bool
same_but_plus(const struct compared *c)
{
	size_t at = 0;

	for (size_t i = 0; i < c->ours_n; i++) {
		if (at < c->theirs_n && c->ours[i] == c->theirs[at])
			at++;
		else if (c->ours[i] != '+')
			return false;
	}
	return at == c->theirs_n;
}

static enum likeness
likeness(struct compared *c)
{
	size_t n = c->ours_n < c->theirs_n ? c->ours_n : c->theirs_n;

	c->first = n;
	c->differ = 0;
	for (size_t i = n; i-- > 0;) {
		if (c->ours[i] == c->theirs[i])
			continue;
		c->first = i;
		c->differ++;
	}
	if (c->differ == 0 && c->ours_n == c->theirs_n)
		return LIKE_SAME;
	if (c->differ == 0)
		return n == c->theirs_n ? LIKE_PREFIX : LIKE_LONGER;
	if (same_but_plus(c))
		return LIKE_PLUS;
	if (c->ours_n != c->theirs_n)
		return LIKE_NOT;
	if (txt_alike(c->ours, c->theirs, n))
		return LIKE_CASE;
	return c->differ <= NEAR_MAX && c->differ < n / 4 ? LIKE_NEAR
							  : LIKE_NOT;
}

static void
compare(struct compared *c, const struct record *r, const struct dkim_public *k)
{
	const struct tag *p = r->by[LETTER_P];
	const uint8_t *value = r->tags.bytes + p->value_at;

	c->ours_n = base64_encode(k->bytes, k->len, c->ours);
	c->theirs_n = 0;
	for (size_t i = 0; i < p->value_len; i++) {
		if (!tags_blank(value[i]) && c->theirs_n < sizeof(c->theirs))
			c->theirs[c->theirs_n++] = (char)value[i];
	}
	c->how = likeness(c);
}

/* The wanted key, damaged in a way that can be told. */
static bool
is_damaged(struct judged *out, const struct record *r, const struct compared *c,
    enum dkim_fault fault)
{
	size_t mark = mark_digit(r, c->first);
	/* by chance it may still be somebody's key */
	enum code code = fault == DKIM_OK ? CODE_KEY_OTHER : CODE_KEY_INVALID;

	switch (c->how) {
	case LIKE_PREFIX:
		cut_key(out, r, c->theirs_n, c->ours_n);
		return true;
	case LIKE_LONGER:
		dkim_fail(out, CODE_KEY_INVALID, mark,
		    "the right key, then %zu characters too many",
		    c->theirs_n - c->ours_n);
		return true;
	case LIKE_CASE:
		dkim_fail(out, code, mark,
		    "the right key, but upper and lower case were lost");
		return true;
	case LIKE_PLUS:
		dkim_fail(out, code, mark,
		    "the right key, but its plus signs (+) were lost");
		return true;
	case LIKE_NEAR:
		dkim_fail(out, code, mark,
		    "%zu of %zu characters of p= differ from yours", c->differ,
		    c->ours_n);
		return true;
	case LIKE_SAME:
	case LIKE_NOT:
		break;
	}
	return false;
}

static void
other_key(struct judged *out, const struct record *r, const struct compared *c,
    const struct dkim_public *found, const struct dkim_wish *wish)
{
	size_t tail = c->theirs_n < TAIL ? c->theirs_n : TAIL;
	size_t mark = mark_digit(r, c->first);

	for (size_t i = 0; i < wish->known_n; i++) {
		if (!dkim_public_equal(found, wish->known[i].key))
			continue;
		dkim_fail(out, CODE_KEY_OTHER, mark,
		    "this is the key of selector %s", wish->known[i].selector);
		return;
	}
	dkim_fail(out, CODE_KEY_OTHER, mark,
	    "another %s key of %u bits, which ends in %.*s",
	    dkim_type_name(found->type), (unsigned)found->bits, (int)tail,
	    c->theirs + c->theirs_n - tail);
}

/* p= is not the wanted key octet by octet. true: it is the same key all the
 * same, in its other form. */
static bool
is_ours_unlike(struct judged *out, const struct record *r,
    const struct dkim_wish *wish, struct dkim_public *found,
    enum dkim_fault fault, const struct dkim_flaw *flaw)
{
	struct compared c;

	if (fault == DKIM_OK && dkim_public_equal(found, wish->key))
		return true;
	if (fault == DKIM_TYPE || fault == DKIM_PRIVATE) {
		bad_key(out, r, fault, flaw);
		return false;
	}
	compare(&c, r, wish->key);
	if (is_damaged(out, r, &c, fault))
		return false;
	if (fault == DKIM_OK) {
		other_key(out, r, &c, found, wish);
		return false;
	}
	bad_key(out, r, fault, flaw);
	if (fault == DKIM_CUT)
		dkim_also(out, CODE_KEY_OTHER);
	return false;
}

/* How large, and in which form it stands there. */
struct key_facts {
	enum dkim_type type;
	unsigned bits;
	bool bare; /* RSAPublicKey */
};

static bool
key_is_right(struct judged *out, const struct record *r,
    const struct dkim_wish *wish, struct key_facts *facts)
{
	const struct tag *p = r->by[LETTER_P];
	struct dkim_public found;
	struct dkim_flaw flaw;
	enum dkim_fault fault;

	facts->type = r->type;
	facts->bare = false;
	if (wish->key != NULL && is_ours(r, wish->key)) {
		facts->bits = wish->key->bits;
		return true;
	}
	fault = dkim_public_from_p(
	    &found, r->type, r->tags.bytes + p->value_at, p->value_len, &flaw);
	if (wish->key != NULL &&
	    !is_ours_unlike(out, r, wish, &found, fault, &flaw))
		return false;
	if (fault != DKIM_OK) {
		bad_key(out, r, fault, &flaw);
		return false;
	}
	facts->bits = found.bits;
	facts->bare = r->type == DKIM_RSA &&
		      flaw.have != BASE64_DIGITS((size_t)found.len);
	return true;
}

static bool
is_strong(
    struct judged *out, const struct record *r, const struct key_facts *facts)
{
	if (facts->type != DKIM_RSA)
		return true;
	if (facts->bits < DKIM_BITS_MIN) {
		dkim_fail(out, CODE_KEY_WEAK, r->by[LETTER_P]->name_at,
		    "%u bits: receivers refuse less than %d", facts->bits,
		    DKIM_BITS_MIN);
		return false;
	}
	if (facts->bits < DKIM_BITS_GOOD)
		dkim_also(out, CODE_KEY_WEAK);
	return true;
}

/* --- may it be used ------------------------------------------------------- */

#define IGNORED "receivers ignore the record"

static bool
version_is_right(struct judged *out, const struct record *r)
{
	const struct tag *v = r->by[LETTER_V];

	if (v == NULL)
		return true;
	if (!tag_is(&r->tags, v, "DKIM1"))
		wrong_tag(out, r, LETTER_V, "it must be DKIM1, or " IGNORED);
	else if (v != &r->tags.tag[0])
		dkim_fail(out, CODE_WRONG_TAG, v->name_at,
		    "v= is not the first tag: " IGNORED);
	return out->verdict == VERDICT_PASS;
}

/* The words in which a fault lies, up to the next semicolon. */
static const char *
show_fault(struct shown *s, const struct tags *t, size_t len)
{
	const uint8_t *at = t->bytes + t->at;
	const uint8_t *end = memchr(at, ';', len - t->at);

	txt_show(at, end != NULL ? (size_t)(end - at) : len - t->at, s->text,
	    SHOWN_MAX + 1);
	return s->text;
}

static bool
list_is_right(struct judged *out, const struct record *r, size_t len)
{
	static const char *const words[] = {
	    [TAGS_OK] = "",
	    [TAGS_EMPTY] = "nothing stands between two semicolons",
	    [TAGS_NO_EQUALS] = "a tag has no =",
	    [TAGS_BAD_NAME] = "no name of a tag",
	    [TAGS_BAD_VALUE] = "a character that may not stand there",
	    [TAGS_DUPLICATE] = "a tag for the second time",
	    [TAGS_TOO_MANY] = "too many tags",
	};
	const struct tags *t = &r->tags;
	struct shown s;
	const char *near;

	if (t->fault == TAGS_OK)
		return true;
	near = show_fault(&s, t, len);
	dkim_fail(out, CODE_WRONG_TAG, t->at, "%s%s%s: " IGNORED,
	    words[t->fault], *near != '\0' ? ": " : "", near);
	return false;
}

/* RFC 8301 section 3.1: sha1 is no longer a hash, whatever h= says. */
static bool
uses_are_right(struct judged *out, const struct record *r)
{
	const struct tag *h = r->by[LETTER_H], *s = r->by[LETTER_S];

	if (h != NULL && !tag_holds(&r->tags, h, ':', "sha256"))
		wrong_tag(
		    out, r, LETTER_H, "without sha256 no signature counts");
	else if (s != NULL && !tag_holds(&r->tags, s, ':', "*") &&
		 !tag_holds(&r->tags, s, ':', "email"))
		wrong_tag(out, r, LETTER_S,
		    "without * or email the key is not for mail");
	return out->verdict == VERDICT_PASS;
}

static bool
is_in_use(struct judged *out, const struct record *r)
{
	const struct tag *t = r->by[LETTER_T];

	if (t == NULL || !tag_holds(&r->tags, t, ':', "y"))
		return true;
	dkim_fail(out, CODE_KEY_TESTING, t->name_at,
	    "t=y says: treat this mail as if it was not signed");
	return false;
}

static void
tell_facts(
    struct judged *out, const struct record *r, const struct key_facts *facts)
{
	const struct tag *t = r->by[LETTER_T];
	bool strict = t != NULL && tag_holds(&r->tags, t, ':', "s");

	snprintf(out->saw, sizeof(out->saw), "%s, %u bits%s%s",
	    dkim_type_name(facts->type), facts->bits,
	    strict ? "; t=s: for the domain itself, not for those below" : "",
	    facts->bare ? "; as RSAPublicKey" : "");
}

void
dkim_record_judge(struct judged *out, const uint8_t *bytes, size_t len,
    const struct dkim_wish *wish)
{
	struct record r;
	struct key_facts facts;

	dkim_pass(out);
	record_read(&r, bytes, len);
	if (p_is_there(out, &r) && type_is_known(out, &r) &&
	    key_is_right(out, &r, wish, &facts) && is_strong(out, &r, &facts) &&
	    version_is_right(out, &r) && list_is_right(out, &r, len) &&
	    uses_are_right(out, &r) && is_in_use(out, &r))
		tell_facts(out, &r, &facts);
}
