/* SPDX-License-Identifier: Apache-2.0 */
/* The types of settings: how a value of a file becomes a field of a struct,
 * and how the field is written as a file's value again. Part of the door
 * io/conf.h, included by its files only. */
#pragma once
#include "io/conf.h"

#include <libconfig.h>
#include <stdio.h>

enum conf_type {
	TYPE_TEXT,	/* char[max + 1], min .. max octets, no controls */
	TYPE_NAME,	/* the same, of [A-Za-z0-9._-] */
	TYPE_WORD,	/* char[16]: one of words */
	TYPE_ENUM,	/* int-sized enum: index into words */
	TYPE_COUNT,	/* unsigned, min .. max */
	TYPE_MS,	/* int64_t from a number of milliseconds */
	TYPE_DURATION,	/* int64_t from "N unit" */
	TYPE_BOOL,	/* bool */
	TYPE_PATH,	/* char[CONF_TEXT_MAX + 1]; relative ones get the dir */
	TYPE_URL,	/* char[CONF_TEXT_MAX + 1] that may hold a password */
	TYPE_BROKERS,	/* char[max + 1]: HOST or HOST:PORT, ... */
	TYPE_RESOLVERS, /* dns.resolvers */
	TYPE_TRUSTED,	/* dns.trusted: some of dns.resolvers */
	TYPE_GAPS,	/* struct backoff from a list of durations */
	TYPE_ORGS,	/* policy.organisations */
	TYPE_ADDRESSES, /* policy.spf_addresses */
};

struct conf_row {
	const char *path; /* "pool.slot", or "policy" */
	enum conf_type type;
	enum conf_file base; /* struct settings or struct policy */
	size_t offset;	     /* in it */
	const char *def;     /* in the file's syntax; NULL: must be given */
	int64_t min, max;
	const char *const *words; /* NULL at the end */
	enum { CONF_RELOAD, CONF_FIXED } change;
};

/* Of the file that is being read. */
struct conf_place {
	const char *dir; /* absolute, no final slash */
	bool others_read;
};

/* Puts the value into its field of base. False: *why (e->text) says what is
 * wrong and what would be right; nothing of file or line. */
bool conf_type_set(const struct conf_row *row, const config_setting_t *value,
    const struct conf_place *place, void *base, struct err *why) MUST_USE;
/* Writes the field of base as a file's value. */
void conf_type_show(const struct conf_row *row, const void *base, FILE *out);
/* "300 ms" .. "7 d"; false if it is none or does not fit. */
bool conf_duration(const char *text, int64_t *ms) MUST_USE;
