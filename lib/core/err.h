/* SPDX-License-Identifier: Apache-2.0 */
/* How a function says that it could not do its work. A domain that fails its
 * check is not an error: that is OK with a finding (core/verdict.h). */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE     __attribute__((warn_unused_result))
#define PRINTF(n, m) __attribute__((format(printf, n, m)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Named by what the caller does next. RETRY: the outside failed, the same call
 * may succeed later. REJECT: this input is wrong and stays wrong. STOP: this
 * process cannot go on. Data from outside yields RETRY or REJECT only. */
enum next { OK, RETRY, REJECT, STOP };

#define ERR_TEXT_MAX 400

struct err {
	int sys;		 /* errno when err_set was called, 0 = none */
	char text[ERR_TEXT_MAX]; /* what, where, what to do; one line */
};

/* Writes the text where the failure happened; the caller names what comes
 * next by its return value. Text is cut at ERR_TEXT_MAX - 1. Keeps errno. */
void err_set(struct err *e, const char *fmt, ...) PRINTF(2, 3);
