/* SPDX-License-Identifier: Apache-2.0 */
/* What a test in the same process may do at a failpoint. */
#pragma once

/* Called at each arrival, from within it; NULL: nobody is. */
extern void (*fake_failpoint)(const char *name, const char *detail);
