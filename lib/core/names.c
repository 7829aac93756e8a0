/* SPDX-License-Identifier: Apache-2.0 */
#include "core/names.h"

#include "core/dname.h"
#include "core/mem.h"
#include "core/txt.h"

#include <stdlib.h>
#include <string.h>

struct names {
	size_t n;
	const char **name; /* sorted; into text */
	char *text;
};

struct line {
	char *at;
	size_t len;
};

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Without a comment, and blanks and one dot at its ends. */
static void
trim(struct line *line)
{
	char *comment = memchr(line->at, '#', line->len);

	if (comment != NULL)
		line->len = (size_t)(comment - line->at);
	while (line->len > 0 && blank(line->at[line->len - 1]))
		line->len--;
	while (line->len > 0 && blank(line->at[0])) {
		line->at++;
		line->len--;
	}
	if (line->len > 1 && line->at[line->len - 1] == '.')
		line->len--;
}

static bool
name_octet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.';
}

/* In place: lower case, NUL behind it. False when it is no name. */
static bool
make_name(struct line *line)
{
	struct dname name;

	for (size_t i = 0; i < line->len; i++) {
		char *c = &line->at[i];

		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + ('a' - 'A'));
		if (!name_octet(*c))
			return false;
	}
	line->at[line->len] = '\0';
	return dname_from_text(&name, line->at, NULL) == DNAME_OK &&
	       dname_labels(&name) > 0;
}

static enum next
refuse(const struct line *line, size_t number, struct err *e)
{
	char shown[80];

	txt_show((const uint8_t *)line->at, line->len, shown, sizeof(shown));
	err_set(
	    e, "line %zu: \"%s\" is no domain name in A-labels", number, shown);
	return REJECT;
}

/* The lines of set->text (len octets and a NUL) as names, unsorted. */
static enum next
split(struct names *set, size_t len, struct err *e)
{
	char *at = set->text, *end = at + len;

	for (size_t number = 1; at < end; number++) {
		char *stop = memchr(at, '\n', (size_t)(end - at));
		struct line line = {.at = at};

		if (stop == NULL)
			stop = end;
		line.len = (size_t)(stop - at);
		at = stop + 1;
		trim(&line);
		if (line.len == 0)
			continue;
		if (!make_name(&line))
			return refuse(&line, number, e);
		set->name[set->n++] = line.at;
	}
	return OK;
}

static int
compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void
sort(struct names *set)
{
	size_t kept = 0;

	if (set->n == 0)
		return;
	qsort(set->name, set->n, sizeof(set->name[0]), compare);
	for (size_t i = 1; i < set->n; i++) {
		if (strcmp(set->name[kept], set->name[i]) != 0)
			set->name[++kept] = set->name[i];
	}
	set->n = kept + 1;
}

static size_t
count_lines(const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

enum next
names_read(struct names **out, const char *text, size_t len, struct err *e)
{
	struct names *set = mem_alloc(sizeof(*set));
	enum next next = RETRY;

	*out = NULL;
	if (set == NULL)
		goto done;
	set->text = mem_alloc(len + 1);
	set->name = mem_alloc(count_lines(text, len) * sizeof(set->name[0]));
	if (set->text == NULL || set->name == NULL)
		goto done;
	if (len > 0)
		memcpy(set->text, text, len);
	next = split(set, len, e);
	if (next != OK)
		goto done;
	sort(set);
	*out = set;
	set = NULL;
done:
	if (next == RETRY)
		err_set(e, "no memory for a list of names");
	names_free(set);
	return next;
}

bool
names_has(const struct names *set, const char *name)
{
	return set != NULL && set->n > 0 &&
	       bsearch(&name, set->name, set->n, sizeof(set->name[0]),
		   compare) != NULL;
}

size_t
names_count(const struct names *set)
{
	return set == NULL ? 0 : set->n;
}

void
names_free(struct names *set)
{
	if (set == NULL)
		return;
	mem_free(set->text);
	mem_free(set->name);
	mem_free(set);
}
