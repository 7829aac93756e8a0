/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as a list of tags. */
#include "core/tags.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
trimmed(const uint8_t *bytes, size_t at, size_t n)
{
	return n == 0 ||
	       (!tags_blank(bytes[at]) && !tags_blank(bytes[at + n - 1]));
}

static void
check_tag(const struct tags *t, const struct tag *tag, size_t len)
{
	size_t name_end = tag->name_at + (size_t)tag->name_len;
	size_t value_end = tag->value_at + (size_t)tag->value_len;
	char name[8] = "";

	must(name_end < len && value_end <= len && name_end < tag->value_at);
	must(trimmed(t->bytes, tag->name_at, tag->name_len));
	must(trimmed(t->bytes, tag->value_at, tag->value_len));
	must(tag->value_len == 0 ||
	     memchr(t->bytes + tag->value_at, ';', tag->value_len) == NULL);
	if (tag->fault != TAGS_OK) {
		must(t->fault != TAGS_OK);
		return;
	}
	if (tag->name_len >= sizeof(name))
		return;
	memcpy(name, t->bytes + tag->name_at, tag->name_len);
	must(tags_find(t, name) != NULL);
	must(tags_find_any_case(t, name) != NULL);
	tag_holds(t, tag, ':', "y");
	must(!tag_is(t, tag, "x") || tag_holds(t, tag, ':', "x"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct tags t;

	tags_read(&t, bytes, len);
	must(t.n <= TAGS_MAX && t.at <= len);
	must(t.fault != TAGS_OK || t.n > 0);
	for (size_t i = 0; i < t.n; i++)
		check_tag(&t, &t.tag[i], len);
	return 0;
}
