/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dname.h"
#include "core/txt.h"

#include <string.h>

/* Offset of the label behind the one at `at`; the name's length at its end. */
static size_t
next_label(const struct dname *name, size_t at)
{
	if (at >= name->len || name->wire[at] == 0)
		return name->len;
	return at + 1u + name->wire[at];
}

static bool
at_end(const struct dname *name, size_t at)
{
	return at >= name->len || name->wire[at] == 0;
}

/* One label of len octets at text + at; moves the name on. */
static enum dname_fault
add_label(struct dname *out, const char *text, size_t len, size_t *at)
{
	/* the root's label needs an octet too */
	size_t room = DNAME_WIRE_MAX - 1u - out->len;

	if (len == 0)
		return DNAME_EMPTY;
	if (len > DNAME_LABEL_MAX) {
		*at += DNAME_LABEL_MAX;
		return DNAME_LABEL_LONG;
	}
	if (len + 1 > room) {
		*at += room > 0 ? room - 1 : 0;
		return DNAME_LONG;
	}
	out->wire[out->len] = (uint8_t)len;
	memcpy(out->wire + out->len + 1, text + *at, len);
	out->len = (uint8_t)(out->len + len + 1);
	*at += len;
	return DNAME_OK;
}

enum dname_fault
dname_from_text(struct dname *out, const char *text, size_t *at)
{
	enum dname_fault fault = DNAME_OK;
	size_t here = strcmp(text, ".") == 0 ? 1 : 0;

	out->len = 0;
	if (text[0] == '\0')
		fault = DNAME_EMPTY;
	while (fault == DNAME_OK && text[here] != '\0') {
		fault = add_label(out, text, strcspn(text + here, "."), &here);
		if (fault == DNAME_OK && text[here] == '.')
			here++;
	}
	if (fault != DNAME_OK)
		out->len = 0;
	out->wire[out->len++] = 0;
	if (at != NULL)
		*at = here;
	return fault;
}

static bool
plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

static char *
show_octet(char *out, uint8_t c)
{
	if (plain(c)) {
		*out++ = (char)c;
		return out;
	}
	*out++ = '\\';
	*out++ = (char)('0' + c / 100);
	*out++ = (char)('0' + c / 10 % 10);
	*out++ = (char)('0' + c % 10);
	return out;
}

void
dname_show(const struct dname *name, char *out)
{
	size_t at = 0;

	if (at_end(name, 0))
		*out++ = '.';
	while (!at_end(name, at)) {
		size_t end = next_label(name, at);

		if (at > 0)
			*out++ = '.';
		for (at++; at < end; at++)
			out = show_octet(out, txt_lower(name->wire[at]));
	}
	*out = '\0';
}

bool
dname_equal(const struct dname *a, const struct dname *b)
{
	return a->len == b->len && txt_alike(a->wire, b->wire, a->len);
}

bool
dname_within(const struct dname *name, const struct dname *zone)
{
	size_t at = 0;

	/* only whole labels count: notshop.test is not within shop.test */
	while (!at_end(name, at) && name->len - at > zone->len)
		at = next_label(name, at);
	return name->len - at == zone->len &&
	       txt_alike(name->wire + at, zone->wire, zone->len);
}

unsigned
dname_labels(const struct dname *name)
{
	unsigned n = 0;

	for (size_t at = 0; !at_end(name, at); at = next_label(name, at))
		n++;
	return n;
}

void
dname_parent(struct dname *out, const struct dname *name)
{
	size_t at = at_end(name, 0) ? 0 : next_label(name, 0);
	size_t len = name->len - at;

	memmove(out->wire, name->wire + at, len);
	out->len = (uint8_t)len;
}

bool
dname_join(
    struct dname *out, const struct dname *head, const struct dname *tail)
{
	size_t labels = head->len - 1u; /* without the root's */
	struct dname joined;

	if (labels + tail->len > DNAME_WIRE_MAX)
		return false;
	memcpy(joined.wire, head->wire, labels);
	memcpy(joined.wire + labels, tail->wire, tail->len);
	joined.len = (uint8_t)(labels + tail->len);
	*out = joined;
	return true;
}

uint32_t
dname_hash(const struct dname *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < name->len; i++)
		h = (h ^ txt_lower(name->wire[i])) * 16777619u;
	return h;
}
