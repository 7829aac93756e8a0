/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tags.h"
#include "core/txt.h"

#include <string.h>

static bool
letter(uint8_t c)
{
	return txt_lower(c) >= 'a' && txt_lower(c) <= 'z';
}

bool
tags_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
fault_at(struct tags *t, enum tags_fault fault, size_t at)
{
	if (t->fault != TAGS_OK)
		return;
	t->fault = fault;
	t->at = (uint16_t)at;
}

/* [*from, *to) without blanks at its ends. */
static void
trim(const uint8_t *bytes, size_t *from, size_t *to)
{
	while (*from < *to && tags_blank(bytes[*from]))
		(*from)++;
	while (*from < *to && tags_blank(bytes[*to - 1]))
		(*to)--;
}

/* Offset of the first octet that may not stand in a name, or `to`. */
static size_t
name_end(const uint8_t *bytes, size_t from, size_t to)
{
	size_t at = from;

	while (at < to &&
	       (letter(bytes[at]) ||
		   (at > from && ((bytes[at] >= '0' && bytes[at] <= '9') ||
				     bytes[at] == '_'))))
		at++;
	return at;
}

static size_t
value_end(const uint8_t *bytes, size_t from, size_t to)
{
	size_t at = from;

	while (at < to &&
	       ((bytes[at] > ' ' && bytes[at] <= '~') || tags_blank(bytes[at])))
		at++;
	return at;
}

static bool
is_duplicate(const struct tags *t, size_t at, size_t len)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->tag[i].name_len == len &&
		    memcmp(t->bytes + t->tag[i].name_at, t->bytes + at, len) ==
			0)
			return true;
	}
	return false;
}

/* What is wrong with a tag, and at which octet; OK and *at untouched if
 * nothing is. */
static enum tags_fault
judge(const struct tags *t, const struct tag *tag, size_t *at)
{
	size_t name_to = tag->name_at + tag->name_len;
	size_t value_to = tag->value_at + tag->value_len;
	size_t stop = name_end(t->bytes, tag->name_at, name_to);

	if (stop < name_to || tag->name_len == 0) {
		*at = stop;
		return TAGS_BAD_NAME;
	}
	if (is_duplicate(t, tag->name_at, tag->name_len)) {
		*at = tag->name_at;
		return TAGS_DUPLICATE;
	}
	stop = value_end(t->bytes, tag->value_at, value_to);
	if (stop < value_to) {
		*at = stop;
		return TAGS_BAD_VALUE;
	}
	return TAGS_OK;
}

/* NAME = VALUE between from and to; equals is where the '=' stands. */
static void
add(struct tags *t, size_t from, size_t equals, size_t to)
{
	size_t name_to = equals, value_at = equals + 1, value_to = to, at = 0;
	struct tag tag;

	trim(t->bytes, &from, &name_to);
	trim(t->bytes, &value_at, &value_to);
	tag.name_at = (uint16_t)from;
	tag.name_len = (uint16_t)(name_to - from);
	tag.value_at = (uint16_t)value_at;
	tag.value_len = (uint16_t)(value_to - value_at);
	tag.fault = judge(t, &tag, &at);
	if (tag.fault != TAGS_OK)
		fault_at(t, tag.fault, at);
	if (t->n == TAGS_MAX)
		fault_at(t, TAGS_TOO_MANY, from);
	else
		t->tag[t->n++] = tag;
}

/* What stands between two semicolons. */
static void
spec(struct tags *t, size_t from, size_t to)
{
	const uint8_t *equals;
	size_t first = from, last = to;

	trim(t->bytes, &first, &last);
	if (first == last) {
		fault_at(t, TAGS_EMPTY, to);
		return;
	}
	equals = memchr(t->bytes + first, '=', last - first);
	if (equals == NULL)
		fault_at(t, TAGS_NO_EQUALS, first);
	else
		add(t, first, (size_t)(equals - t->bytes), to);
}

static bool
only_blanks(const uint8_t *bytes, size_t from, size_t to)
{
	while (from < to && tags_blank(bytes[from]))
		from++;
	return from == to;
}

void
tags_read(struct tags *out, const uint8_t *bytes, size_t len)
{
	size_t at = 0;

	out->bytes = bytes;
	out->n = 0;
	out->fault = TAGS_OK;
	out->at = 0;
	if (len > TAGS_LEN_MAX) {
		fault_at(out, TAGS_TOO_MANY, TAGS_LEN_MAX);
		len = TAGS_LEN_MAX;
	}
	do {
		const uint8_t *end =
		    len > at ? memchr(bytes + at, ';', len - at) : NULL;
		size_t to = end != NULL ? (size_t)(end - bytes) : len;

		spec(out, at, to);
		at = to + 1;
	} while (at < len && !only_blanks(bytes, at, len));
}

static bool
same(const uint8_t *bytes, size_t len, const char *text)
{
	return strlen(text) == len &&
	       (len == 0 || memcmp(bytes, text, len) == 0);
}

static bool
same_any_case(const uint8_t *bytes, size_t len, const char *text)
{
	return strlen(text) == len && txt_alike(bytes, text, len);
}

const struct tag *
tags_find(const struct tags *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct tag *tag = &t->tag[i];

		if (same(t->bytes + tag->name_at, tag->name_len, name))
			return tag;
	}
	return NULL;
}

const struct tag *
tags_find_any_case(const struct tags *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct tag *tag = &t->tag[i];

		if (same_any_case(t->bytes + tag->name_at, tag->name_len, name))
			return tag;
	}
	return NULL;
}

bool
tag_is(const struct tags *t, const struct tag *tag, const char *value)
{
	return same(t->bytes + tag->value_at, tag->value_len, value);
}

bool
tag_is_any_case(const struct tags *t, const struct tag *tag, const char *value)
{
	return same_any_case(t->bytes + tag->value_at, tag->value_len, value);
}

bool
tag_holds(
    const struct tags *t, const struct tag *tag, char sep, const char *word)
{
	size_t at = tag->value_at, end = at + tag->value_len;

	while (at < end) {
		const uint8_t *next = memchr(t->bytes + at, sep, end - at);
		size_t to = next != NULL ? (size_t)(next - t->bytes) : end;
		size_t from = at, last = to;

		trim(t->bytes, &from, &last);
		if (same(t->bytes + from, last - from, word))
			return true;
		at = to + 1;
	}
	return false;
}
