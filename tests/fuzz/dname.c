/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a name; a name that is shown without an escape reads back. */
#include "core/dname.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check(const struct dname *name)
{
	char shown[DNAME_SHOWN_MAX + 1];
	struct dname back, joined, parent;

	must(name->len >= 1 && name->wire[name->len - 1] == 0);
	dname_show(name, shown);
	must(strlen(shown) <= DNAME_SHOWN_MAX);
	dname_parent(&parent, name);
	must(dname_within(name, &parent));
	if (dname_join(&joined, name, name))
		must(dname_within(&joined, name));
	if (strchr(shown, '\\') != NULL)
		return;
	must(dname_from_text(&back, shown, NULL) == DNAME_OK);
	must(dname_equal(&back, name));
	must(dname_hash(&back) == dname_hash(name));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1);
	struct dname name;
	size_t at;

	if (text == NULL)
		return 0;
	if (len > 0)
		memcpy(text, bytes, len);
	text[len] = '\0';
	(void)!dname_from_text(&name, text, &at);
	must(at <= strlen(text));
	check(&name);
	free(text);
	return 0;
}
