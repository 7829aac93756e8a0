/* SPDX-License-Identifier: Apache-2.0 */
/* Time, for the processes; the core is told it. Any thread may call. */
#pragma once
#include "core/err.h"

#define CLOCK_TEXT 25 /* "2026-11-24T13:00:00.000Z" and NUL */

int64_t clock_mono_ms(void); /* never jumps; no relation to the wall */
int64_t clock_wall_ms(void); /* ms since 1970, this machine's opinion */
/* RFC 3339 in UTC with milliseconds; out holds CLOCK_TEXT. What is before 1970
 * or after 9999 is shown as the nearest of them. Pure. */
void clock_show(int64_t wall_ms, char *out);
