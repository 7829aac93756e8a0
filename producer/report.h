/* SPDX-License-Identifier: Apache-2.0 */
/* What one look found of a domain, told to a person: a head line, a block a
 * check, and what to do. */
#pragma once
#include "core/policy.h"
#include "core/verdict.h"

#include <stdio.h>

struct report {
	const char *domain; /* A-labels */
	const char *org;    /* "" = none */
	int64_t at;	    /* wall ms of the look */
	/* NULL: not looked at */
	const struct finding *found[CHECK_N];
	const struct policy *policy; /* whom to ask for help */
};

void report_show(FILE *f, const struct report *r);
/* The checks that must pass, and those of them that do. */
void report_count(const struct report *r, unsigned *right, unsigned *wanted);

/* The block's first line and its sentences, for what is known without a
 * finding too. code "" = none; behind "" = nothing at the end of the line. */
void report_head(FILE *f, const char *check, enum verdict verdict,
    const char *code, const char *say, const char *behind);
/* "fix    text" under a block, wrapped; nothing if text is "" or NULL. */
void report_line(FILE *f, const char *lead, const char *text);
