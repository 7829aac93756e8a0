/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/command.h"

int
cmd_help(struct command *c)
{
	const struct options *o = &c->options;
	const char *near;
	enum verb v;

	if (o->args_n == 0) {
		option_help(stdout);
		return EXIT_GOOD;
	}
	v = option_verb_find(o->args[0]);
	if (v != VERB_N) {
		option_help_verb(stdout, v);
		return EXIT_GOOD;
	}
	near = option_verb_near(o->args[0]);
	return command_fail(c, EXIT_USAGE, "there is no verb '%.40s'; %s%s",
	    o->args[0],
	    near != NULL ? "did you mean " : "see: domainproof help",
	    near != NULL ? near : "");
}
