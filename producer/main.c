/* SPDX-License-Identifier: Apache-2.0 */
/* domainproof: the command. Reads its words, runs one verb, ends with a code
 * that says what came of it. */
#include "producer/command.h"

#include <string.h>

static int (*const run[VERB_N])(struct command *c) = {
    [VERB_CLAIM] = cmd_claim,
    [VERB_VERIFY] = cmd_verify,
    [VERB_ACTIVATE] = cmd_activate,
    [VERB_DEACTIVATE] = cmd_deactivate,
    [VERB_RECHECK] = cmd_recheck,
    [VERB_STATUS] = cmd_status,
    [VERB_WAIT] = cmd_wait,
    [VERB_CHECK] = cmd_check,
    [VERB_TOPICS] = cmd_topics,
    [VERB_STATE] = cmd_state,
    [VERB_DOCTOR] = cmd_doctor,
    [VERB_VERSION] = cmd_version,
    [VERB_HELP] = cmd_help,
};

int
main(int argc, char **argv)
{
	static struct command c; /* the policy in it is large */
	struct err e;
	int code;

	command_signals();
	if (option_parse(&c.options, argc, argv, &e) != OK)
		return command_fail(&c, EXIT_USAGE, "%s", e.text);
	if (c.options.given[OPTION_HELP] && c.options.verb != VERB_HELP) {
		option_help_verb(stdout, c.options.verb);
		return EXIT_GOOD;
	}
	code = run[c.options.verb](&c);
	if (c.has_settings)
		conf_free(&c.policy);
	if (command_interrupted())
		return EXIT_INTERRUPTED;
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return command_fail(&c, EXIT_DOWN, "stdout: %s",
		    errno != 0 ? strerror(errno) : "can't be written");
	return code;
}
