/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as a name that somebody typed: what is accepted is canonical,
 * stays what it is, survives being shown, and has facts that fit it. */
#include "io/idna.h"

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
must_be_canonical(const char *name)
{
	size_t label = 0, labels = 1;

	must(strlen(name) <= DNAME_TEXT_MAX);
	for (const char *p = name; *p != '\0'; p++) {
		must((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
		     *p == '-' || *p == '.');
		labels += *p == '.';
		label = *p == '.' ? 0 : label + 1;
		must(label <= DNAME_LABEL_MAX);
		must(*p != '.' || (p > name && p[1] != '.' && p[1] != '\0'));
		must(*p != '-' || (label > 1 && p[1] != '.' && p[1] != '\0'));
	}
	must(labels >= 2);
}

static void
must_fit(const char *name)
{
	struct domain_facts f;
	size_t len = strlen(name), tail;

	idna_facts(name, &f);
	tail = strlen(f.registrable);
	must(f.public_suffix == (tail == 0));
	must(tail <= len && strcmp(name + len - tail, f.registrable) == 0);
	must(tail == 0 || tail == len || name[len - tail - 1] == '.');
	must(tail == 0 || memchr(f.registrable, '.', tail) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static bool open;
	char name[DNAME_TEXT_MAX + 1], again[DNAME_TEXT_MAX + 1];
	char shown[4 * DNAME_TEXT_MAX + 1];
	struct err e = {.text = ""};

	if (!open)
		must(idna_open(NULL, &e) == OK);
	open = true;
	if (idna_canonical((const char *)bytes, len, name, &e) != OK) {
		must(name[0] == '\0' && e.text[0] != '\0');
		for (const char *p = e.text; *p != '\0'; p++)
			must(*p >= ' ' && *p <= '~');
		return 0;
	}
	must_be_canonical(name);
	must(idna_canonical(name, strlen(name), again, &e) == OK);
	must(strcmp(name, again) == 0);
	idna_show(name, shown);
	must(idna_canonical(shown, strlen(shown), again, &e) == OK);
	must(strcmp(name, again) == 0);
	must_fit(name);
	return 0;
}
