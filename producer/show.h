/* SPDX-License-Identifier: Apache-2.0 */
/* What people see: aligned, with colours only on a terminal, and nothing from
 * outside that could move the cursor. */
#pragma once
#include "core/claim.h"

#include <stdio.h>

#define SHOW_DOMAIN_MAX (5 * DNAME_TEXT_MAX + 4)
#define SHOW_SPAN_MAX	32

/* One line for a terminal: control characters, direction marks and what is no
 * UTF-8 as \DDD. Cut to fit; cap >= 5. */
void show_line(const char *text, char *out, size_t cap);
/* U-labels and, where these differ, the A-labels: "bücher.example
 * (xn--bcher-kva.example)". out holds SHOW_DOMAIN_MAX. */
void show_domain(const char *domain, char *out);
/* "25 s", "3 min", "47 h"; out holds SHOW_SPAN_MAX. */
void show_span(int64_t ms, char *out);
/* Colours on f: it is a terminal, and NO_COLOR is unset. */
bool show_colours(FILE *f);
enum tint { TINT_NONE, TINT_GREY, TINT_AMBER, TINT_GREEN, TINT_RED };
enum tint show_tint(const char *shield);
/* "●" in the shield's colour; the word stands beside it for those who see no
 * colours. */
void show_dot(FILE *f, enum tint tint);
/* Text padded to columns, counting characters rather than octets. */
void show_padded(FILE *f, const char *text, size_t columns);
/* Escaped text in lines of at most 78 columns, each behind `indent` blanks;
 * lead stands before the first, within the indent. */
void show_paragraph(FILE *f, const char *lead, const char *text, size_t indent);
/* The same, of a line that stands at column `indent` already. */
void show_wrapped(FILE *f, const char *text, size_t indent);

/* A progress line on stderr, only when that is a terminal. */
struct progress {
	bool on;
	const char *what; /* "posted" */
	int64_t began_at; /* mono */
	int64_t drawn_at;
	uint64_t done;	   /* things, for the count and the rate */
	int64_t bytes;	   /* of the input read, and */
	int64_t bytes_all; /* its size, 0 = not known */
};
void progress_begin(struct progress *p, const char *what, int64_t bytes_all);
void progress_draw(struct progress *p);
void progress_hide(struct progress *p); /* until it is drawn again */
void progress_end(struct progress *p);	/* the line goes away */
