/* SPDX-License-Identifier: Apache-2.0 */
/* The sentence for each reason code: what we looked for, what we saw, and one
 * thing to do. One table, one row a code; pure. */
#pragma once
#include "core/verdict.h"

#define SAY_MAX 800

struct diagnosis_facts {
	enum check check;     /* some codes read differently by check */
	enum code code;	      /* CODE_N: one that code_parse did not know */
	enum verdict verdict; /* of CODE_NONE: PASS, or not looked at yet */
	const char *domain;   /* A-labels */
	const char *name;     /* of the record, "" if none is wanted */
	const char *expected; /* "" if not known */
	const char *saw;      /* finding.saw, "" if nothing */
	const char *publish;  /* finding.publish, NULL or "" if nothing */
	uint32_t neg_ttl_s;
	uint32_t visible_in_s; /* finding.visible_in_s, 0 = not known */
};

/* say: what is the case. fix: one thing to do, "" when nothing is. Both hold
 * SAY_MAX + 1, printable ASCII. Every code yields a sentence; CODE_NONE says
 * that the record is right, or that nobody has looked yet. */
void diagnosis_say(const struct diagnosis_facts *facts, char *say, char *fix);
