/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/place.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
beside_program(const char *up, const char *name, char *out)
{
	char self[PLACE_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	return snprintf(out, PLACE_MAX, "%s/%s/schemas/%s", self, up, name) <
		   PLACE_MAX &&
	       access(out, R_OK) == 0;
}

void
place_of_schema(const char *given, const char *name, char *out)
{
	if (given != NULL) {
		snprintf(out, PLACE_MAX, "%s", given);
		return;
	}
	/* build/domainproof, build/san/domainproof */
	if (beside_program("..", name, out) ||
	    beside_program("../..", name, out))
		return;
	snprintf(out, PLACE_MAX, "schemas/%s", name);
	if (access(out, R_OK) != 0)
		snprintf(out, PLACE_MAX, "%s/%s", DOMAINPROOF_SHARE, name);
}
