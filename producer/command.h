/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs share: the run of one command, its exit code, its settings
 * and how it complains. */
#pragma once
#include "core/dkim.h"
#include "io/conf.h"
#include "producer/option.h"

enum exit_word {
	EXIT_GOOD = 0, /* holds, accepted, joined */
	EXIT_NEGATIVE = 1,
	EXIT_USAGE = 2,
	EXIT_UNKNOWN = 3,
	EXIT_REFUSED = 4,   /* rejected, refused, conflict */
	EXIT_DOWN = 5,	    /* a dependency is down */
	EXIT_PENDING = 8,   /* or a wait timed out */
	EXIT_NO_ANSWER = 9, /* of the DNS */
	EXIT_BUG = 10,
	EXIT_INTERRUPTED = 130,
};

struct command {
	struct options options;
	struct settings settings;
	struct policy policy;
	bool has_settings;
	int worst; /* enum exit_word so far */
};

/* Counts one more outcome: the worst of 10 5 4 3 1 9 8 0 stays. */
void command_count(struct command *c, enum exit_word code);
/* `domainproof: TEXT` on stderr, escaped; counts code. Returns c->worst. */
int command_fail(struct command *c, enum exit_word code, const char *fmt, ...)
    PRINTF(3, 4);

/* Settings and policy; false: complained and counted. */
bool command_settings(struct command *c) MUST_USE;
/* The public suffix list; false: complained and counted. */
bool command_names(struct command *c) MUST_USE;
/* --org, else DOMAINPROOF_ORG, else "". */
const char *command_org(const struct command *c);
/* ORG_MAX and alphabet of organisations and job ids. */
bool command_word_ok(const char *text, size_t max);

/* Is there an organisation, and is id one of a job? False: complained and
 * counted. */
bool command_job(struct command *c, const char *id) MUST_USE;

/* --selector, "" if not given, and --public-key, left alone if not given.
 * False: one of them is wrong, complained and counted. selector holds
 * DKIM_SELECTOR_MAX + 1. */
bool command_key(
    struct command *c, char *selector, struct dkim_public *key) MUST_USE;

/* Asks on the terminal and waits for "yes"; --yes answers it. False: another
 * answer, complained and counted. Where nobody could be asked and --yes is not
 * given, command_can_ask is false, complained and counted too. */
bool command_can_ask(struct command *c, const char *because) MUST_USE;
bool command_confirm(struct command *c) MUST_USE;

/* SIGINT or SIGTERM came: end soon, with EXIT_INTERRUPTED. */
bool command_interrupted(void);
void command_signals(void);

int cmd_claim(struct command *c);
int cmd_verify(struct command *c);
int cmd_activate(struct command *c);
int cmd_deactivate(struct command *c);
int cmd_recheck(struct command *c);
int cmd_status(struct command *c);
int cmd_wait(struct command *c);
int cmd_check(struct command *c);
int cmd_topics(struct command *c);
int cmd_state(struct command *c);
int cmd_doctor(struct command *c);
int cmd_version(struct command *c);
int cmd_help(struct command *c);
