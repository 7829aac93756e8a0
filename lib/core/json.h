/* SPDX-License-Identifier: Apache-2.0 */
/* JSON (RFC 8259) in one pass without allocation: a scanner for small texts
 * from anybody, and writers of pieces. The scanner is a cursor with a sticky
 * error: after a fault every call yields nothing, and the fault is judged once
 * at the end. It is strict: doubled names, NUL, halves of surrogate pairs,
 * bad UTF-8 and anything behind the value are faults. What the writers write
 * is ASCII, whatever they are given. Pure. */
#pragma once
#include "core/bytes.h"

#define JSON_SCAN_MAX  16384 /* octets that a scanner takes */
#define JSON_DEPTH_MAX 8
/* `"":0,` is the shortest member, so there is never one more */
#define JSON_NAMES_MAX (JSON_SCAN_MAX / 5 + 1)

enum json_type {
	JSON_TYPE_STRING,
	JSON_TYPE_NUMBER,
	JSON_TYPE_OBJECT,
	JSON_TYPE_ARRAY,
	JSON_TYPE_TRUE,
	JSON_TYPE_FALSE,
	JSON_TYPE_NULL,
	JSON_TYPE_NOTHING, /* a fault, or no value here (which is one then) */
};

struct json_string { /* unescaped UTF-8 without NUL octets, NUL-terminated */
	const char *text;
	size_t len;
};

struct json_name {
	uint32_t hash;
	uint16_t at, len; /* in text */
};

struct json_scan {
	const uint8_t *start, *p, *end;
	const char *bad; /* NULL, or a constant that says what is wrong */
	size_t bad_at;	 /* at which octet */
	bool doubled;	 /* ... which is a name that was there before */
	unsigned depth;
	size_t used;
	size_t names_n; /* of all objects that are open */
	struct json_name names[JSON_NAMES_MAX];
	char text[JSON_SCAN_MAX + 1]; /* of all strings so far: unescaping
				       * never makes one longer */
};

struct json_in {      /* one open object or array */
	size_t names; /* where its names begin */
	bool begun;   /* its first member was there */
};

/* len: longer input is a fault. The bytes must outlive the scan; strings read
 * live as long as s. */
void json_scan(struct json_scan *s, const void *bytes, size_t len);
/* Nothing but blanks may follow. */
void json_scan_end(struct json_scan *s);
/* What comes next. Every call below must be of that type. */
enum json_type json_next(struct json_scan *s);
size_t json_at(const struct json_scan *s); /* octet the cursor is at */
struct json_string json_read_string(struct json_scan *s);
/* False when the number is no integer or does not fit; it is read over. */
bool json_read_integer(struct json_scan *s, int64_t *out);
/* Reads over one value of any type, and judges all of it. */
void json_skip(struct json_scan *s);
/* for (json_open(s, &in); json_member(s, &in, &name);) reads the value of each
 * member; the same with json_element for an array. When a name is doubled,
 * json_member returns false, with that name. */
void json_open(struct json_scan *s, struct json_in *in);
bool json_member(
    struct json_scan *s, struct json_in *in, struct json_string *name);
bool json_element(struct json_scan *s, struct json_in *in);

/* The character at p in *c and its length; 0 if it is no UTF-8 (RFC 3629:
 * none overlong, no surrogates, at most U+10FFFF). left >= 1. */
size_t json_utf8(const uint8_t *p, size_t left, uint32_t *c);

/* Writers. A comma is put in front of names and items where one is due. */
void json_key(struct writer *w, const char *name); /* ,"name": of ours */
void json_item(struct writer *w);		   /* the comma only */
/* Quoted; what is not printable ASCII is escaped, what is no UTF-8 becomes
 * U+FFFD. */
void json_text(struct writer *w, const char *text);
/* Quoted; octets as txt_show has them: other than printable ASCII, '"' and
 * '\' as \DDD, so that nothing is lost. */
void json_bytes(struct writer *w, const void *bytes, size_t len);
void json_number(struct writer *w, int64_t v);
/* A member: its name and value. */
void json_key_text(struct writer *w, const char *name, const char *text);
void json_key_number(struct writer *w, const char *name, int64_t v);
void json_raw(struct writer *w, const char *text);
