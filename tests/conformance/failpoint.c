/* SPDX-License-Identifier: Apache-2.0 */
/* The failpoints of the rules' programs: a rule may do something there. */
#include "tests/conformance/probe.h"

#include "io/failpoint.h"

void (*probe_at)(const char *name, const char *detail);

void
failpoint(const char *name, const char *detail)
{
	if (probe_at != NULL)
		probe_at(name, detail);
}
