/* SPDX-License-Identifier: Apache-2.0 */
/* A struct document is jansson's json_t under another name, so that a part of
 * a document is a document too and nothing needs to be kept beside it. */
#include "io/document.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MAX	   (1u << 20)
#define DOCUMENT_DEPTH_MAX 8

static const json_t *
json_of(const struct document *d)
{
	return (const json_t *)d;
}

static const struct document *
document_of(const json_t *value)
{
	return (const struct document *)value;
}

/* jansson goes 2 048 levels deep: what is too deep is found before, by
 * counting brackets outside of strings. Line and column are told from 1. */
static enum next
check_depth(const char *text, size_t len, struct err *e)
{
	size_t depth = 0, line = 1, line_at = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n') {
			line++;
			line_at = i + 1;
		} else if (quoted && text[i] == '\\') {
			i++;
		} else if (text[i] == '"') {
			quoted = !quoted;
		} else if (quoted) {
			continue;
		} else if (text[i] == '{' || text[i] == '[') {
			depth++;
		} else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
			depth--;
		}
		if (depth <= DOCUMENT_DEPTH_MAX)
			continue;
		err_set(e, "line %zu column %zu: nested deeper than %d levels",
		    line, i - line_at + 1, DOCUMENT_DEPTH_MAX);
		return REJECT;
	}
	return OK;
}

/* jansson's message quotes the input. */
static void
say_fault(struct err *e, const json_error_t *fault)
{
	char text[JSON_ERROR_TEXT_LENGTH];
	size_t n = 0;

	for (; n < sizeof(text) - 1 && fault->text[n] != '\0'; n++)
		text[n] = fault->text[n] >= ' ' && fault->text[n] <= '~'
			      ? fault->text[n]
			      : '?';
	text[n] = '\0';
	err_set(e, "line %d column %d: %s", fault->line, fault->column, text);
}

static enum next
parse(json_t **out, const void *bytes, size_t len, struct err *e)
{
	json_error_t fault;
	enum next next;

	*out = NULL;
	if (len > DOCUMENT_MAX) {
		err_set(e, "longer than %u octets", DOCUMENT_MAX);
		return REJECT;
	}
	/* jansson overlooks one behind a number */
	if (len > 0 && memchr(bytes, '\0', len) != NULL) {
		err_set(e, "a NUL octet");
		return REJECT;
	}
	next = check_depth(bytes, len, e);
	if (next != OK)
		return next;
	*out = json_loadb(
	    bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
	if (*out != NULL)
		return OK;
	say_fault(e, &fault);
	return REJECT;
}

enum next
document_read(
    struct document **out, const void *bytes, size_t len, struct err *e)
{
	json_t *root;
	enum next next = parse(&root, bytes, len, e);

	*out = (struct document *)root;
	return next;
}

void
document_free(struct document *d)
{
	json_decref((json_t *)d);
}

static const json_t *
find(const struct document *d, const char *path)
{
	const json_t *at = json_of(d);
	const char *end;

	for (; at != NULL && *path != '\0'; path = end + (*end == '.')) {
		end = strchrnul(path, '.');
		at = json_object_getn(at, path, (size_t)(end - path));
	}
	return at;
}

const char *
document_text(const struct document *d, const char *path)
{
	return json_string_value(find(d, path));
}

int64_t
document_number(const struct document *d, const char *path, int64_t fallback)
{
	const json_t *value = find(d, path);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool
document_bool(const struct document *d, const char *path, bool fallback)
{
	const json_t *value = find(d, path);

	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

int64_t
document_count(const struct document *d, const char *path)
{
	const json_t *value = find(d, path);

	return json_is_array(value) ? (int64_t)json_array_size(value) : -1;
}

const struct document *
document_at(const struct document *d, const char *path, size_t i)
{
	return document_of(json_array_get(find(d, path), i));
}

const char *
document_member(const struct document *d, const char *path, size_t i,
    const struct document **value)
{
	/* jansson's iterators take what is not const and do not change it */
	json_t *object = (json_t *)(uintptr_t)find(d, path);
	void *at = json_object_iter(object);

	while (at != NULL && i-- > 0)
		at = json_object_iter_next(object, at);
	*value = at == NULL ? NULL : document_of(json_object_iter_value(at));
	return at == NULL ? NULL : json_object_iter_key(at);
}

const char *
document_self(const struct document *d)
{
	return json_string_value(json_of(d));
}

char *
document_write(const struct document *d)
{
	/* ASCII, so that it may go to a terminal as it is */
	return json_dumps(
	    json_of(d), JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
}

void
document_text_free(char *text)
{
	free(text);
}

enum next
document_set(
    struct document *d, const char *name, const char *json, struct err *e)
{
	json_t *value;
	enum next next = parse(&value, json, strlen(json), e);

	if (next != OK)
		return next;
	if (json_object_set_new((json_t *)d, name, value) == 0)
		return OK;
	err_set(e, "cannot set \"%s\": the document is no object", name);
	return REJECT;
}
