/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/command.h"

int
cmd_version(struct command *c)
{
	if (c->options.given[OPTION_JSON])
		printf("{\"version\":\"%s\"}\n", DOMAINPROOF_VERSION);
	else
		printf("domainproof %s\n", DOMAINPROOF_VERSION);
	return EXIT_GOOD;
}
