/* SPDX-License-Identifier: Apache-2.0 */
/* Named places where a test may make the process die. The programs link
 * failpoint.c, where this does nothing; the test build of the daemon links
 * tests/fake/failpoint.c, which reads DOMAINPROOF_FAILPOINT. */
#pragma once

/* name: a constant such as "commit.sent"; detail may be NULL. */
void failpoint(const char *name, const char *detail);
