/* SPDX-License-Identifier: Apache-2.0 */
/* JSON documents for the command and for consumers, by jansson. Not for the
 * hot path. One thread. What is written is ASCII. */
#pragma once
#include "core/err.h"

struct document; /* one parsed value and everything below it */

/* Doubled keys, more than 1 MiB and more than 8 levels are refused: REJECT
 * with line and column. Freed by document_free. */
enum next document_read(struct document **out, const void *bytes, size_t len,
    struct err *e) MUST_USE;
void document_free(struct document *d);
/* path: member names parted by '.', e.g. "job.next_at". Values live as long as
 * the document; NULL / fallback when absent or of another type. */
const char *document_text(const struct document *d, const char *path);
int64_t document_number(
    const struct document *d, const char *path, int64_t fallback);
bool document_bool(const struct document *d, const char *path, bool fallback);
/* Array members: number of them, -1 if it is no array; and the i-th as a
 * document of its own that belongs to d. */
int64_t document_count(const struct document *d, const char *path);
const struct document *document_at(
    const struct document *d, const char *path, size_t i);
/* Members of the object at path ("" = this value itself), for names that hold
 * a dot or are not known: the name of the i-th, NULL past the last; *value
 * belongs to d. */
const char *document_member(const struct document *d, const char *path,
    size_t i, const struct document **value);
/* This value itself as a text; NULL when it is none. */
const char *document_self(const struct document *d);
/* The value as compact JSON, to be freed by document_text_free. */
char *document_write(const struct document *d);
void document_text_free(char *text);
/* Sets a member of the top object from JSON text. */
enum next document_set(struct document *d, const char *name, const char *json,
    struct err *e) MUST_USE;
