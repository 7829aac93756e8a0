/* SPDX-License-Identifier: Apache-2.0 */
#include "io/clock.h"

#include <time.h>

#define DAY_MS	    86400000
#define YEAR_MAX_MS 253402300799999 /* 9999-12-31T23:59:59.999Z */

static int64_t
read_ms(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts); /* cannot fail for these two */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t
clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

static char *
digits(char *out, int64_t v, int n)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		out[i] = (char)('0' + v % 10);
	return out + n;
}

/* Days since 1970 -> year, month, day. Counted in eras of 400 years that begin
 * on 1 March, so that the leap day is a year's last: H. Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms". days >= 0. */
static char *
date(char *out, int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = z / 146097, doe = z % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;

	out = digits(out, era * 400 + yoe + (month <= 2), 4);
	*out++ = '-';
	out = digits(out, month, 2);
	*out++ = '-';
	return digits(out, doy - (153 * mp + 2) / 5 + 1, 2);
}

void
clock_show(int64_t wall_ms, char *out)
{
	int64_t ms = wall_ms < 0 ? 0 : wall_ms;

	if (ms > YEAR_MAX_MS)
		ms = YEAR_MAX_MS;
	out = date(out, ms / DAY_MS);
	ms %= DAY_MS;
	*out++ = 'T';
	out = digits(out, ms / 3600000, 2);
	*out++ = ':';
	out = digits(out, ms / 60000 % 60, 2);
	*out++ = ':';
	out = digits(out, ms / 1000 % 60, 2);
	*out++ = '.';
	out = digits(out, ms % 1000, 3);
	*out++ = 'Z';
	*out = '\0';
}
