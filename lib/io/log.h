/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines to stderr, one JSON object a line:
 * {"at":RFC 3339,"level":..,"role":..,"pid":..,"event":..,fields}. Fields are
 * typed; strings are escaped (control characters, bytes that are no UTF-8), so
 * that nothing from outside can forge a line. One write(2) a line. Any thread
 * may call. */
#pragma once
#include "core/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
	const char *name; /* NULL ends the list */
	const char *text; /* NULL: the field is `number` */
	int64_t number;
};

/* log_line(LOG_INFO, "job.accepted", FIELDS(TEXT("org", org), INT("n", 3))); */
#define TEXT(n, t)                                                             \
	{                                                                      \
		.name = (n), .text = (t)                                       \
	}
#define INT(n, v)                                                              \
	{                                                                      \
		.name = (n), .number = (v)                                     \
	}
#define FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {.name = NULL}})

/* role: "supervisor", "scheduler", ... a constant. Lines below `least` are
 * dropped. Before log_open: LOG_INFO, role "domainproof". */
void log_open(const char *role, enum log_level least);
/* fields may be NULL. */
void log_line(
    enum log_level level, const char *event, const struct log_field *fields);
/* "debug" .. "error"; false if it is none. */
bool log_level_parse(const char *name, enum log_level *out) MUST_USE;
