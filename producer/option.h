/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one table of verbs, one table of options. What is parsed,
 * what is refused and what `help` says all come from these two. */
#pragma once
#include "core/err.h"

#include <stdio.h>

enum verb {
	VERB_CLAIM,
	VERB_VERIFY,
	VERB_ACTIVATE,
	VERB_DEACTIVATE,
	VERB_RECHECK,
	VERB_STATUS,
	VERB_WAIT,
	VERB_CHECK,
	VERB_TOPICS,
	VERB_STATE,
	VERB_DOCTOR,
	VERB_VERSION,
	VERB_HELP,
	VERB_N,
};

enum option {
	OPTION_CONF,
	OPTION_JSON,
	OPTION_ORG,
	OPTION_INPUT,
	OPTION_AS,
	OPTION_CHECK,
	OPTION_ACTIVATE,
	OPTION_FUNCTION,
	OPTION_DEADLINE,
	OPTION_LANE,
	OPTION_ID,
	OPTION_WAIT,
	OPTION_DRY_RUN,
	OPTION_JOB,
	OPTION_EXPLAIN,
	OPTION_WATCH,
	OPTION_FOR,
	OPTION_TIMEOUT,
	OPTION_ONLY,
	OPTION_TOKEN,
	OPTION_SELECTOR,
	OPTION_PUBLIC_KEY,
	OPTION_RECORD,
	OPTION_SPF_IP,
	OPTION_MAIL_FROM,
	OPTION_HELO,
	OPTION_SERVICE,
	OPTION_RESOLVER,
	OPTION_TOPICS_FILE,
	OPTION_PARTITIONS,
	OPTION_REPLICAS,
	OPTION_PARTITION,
	OPTION_REBASE_LANE,
	OPTION_TO,
	OPTION_YES,
	OPTION_HELP,
	OPTION_N,
};

/* Values of the options that are one word of a few, in the table's order. */
enum as { AS_PANEL, AS_BIND, AS_SPLIT, AS_JSON };
enum lane_word { LANE_WORD_JOBS, LANE_WORD_BULK };
enum wait_for { WAIT_VERIFIED, WAIT_SETTLED };

#define OPTION_UNSET (-1)

struct options {
	enum verb verb;
	bool given[OPTION_N];
	const char *text[OPTION_N]; /* as typed; NULL = none */
	int64_t number[OPTION_N];   /* ms, a count, a word's place;
				     * OPTION_UNSET = none */
	size_t args_n;		    /* what is neither verb nor option */
	const char **args;	    /* points into argv, which is reordered */
};

/* argv lives as long as *o. REJECT: e says what is wrong and what was perhaps
 * meant. No words at all, -h and --help are the verb `help`. */
enum next option_parse(
    struct options *o, int argc, char **argv, struct err *e) MUST_USE;

/* "ownership,spf" as bits of enum check; false: one of the words is none. */
bool option_checks(const char *list, uint32_t *checks) MUST_USE;
/* "spf,dkim" as bits of enum function. */
bool option_functions(const char *list, uint32_t *functions) MUST_USE;

/* "500 ms", "30s", "5 min", "48h", "7d", a bare number is seconds. */
bool option_duration(const char *text, int64_t *ms) MUST_USE;

const char *option_verb_name(enum verb v);
/* VERB_N when there is no such verb. */
enum verb option_verb_find(const char *name);
/* The verb that was perhaps meant, NULL if none is near. */
const char *option_verb_near(const char *name);

void option_help(FILE *out); /* all verbs, a line each */
void option_help_verb(FILE *out, enum verb v);
