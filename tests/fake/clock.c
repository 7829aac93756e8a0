/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fake/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

/* 2026-11-24T13:00:00Z, and a machine that is up for a while */
static _Atomic int64_t wall = 1795525200000;
static _Atomic int64_t mono = 100000000;

void
fake_clock_set(int64_t mono_ms, int64_t wall_ms)
{
	mono = mono_ms;
	wall = wall_ms;
}

void
fake_clock_pass(int64_t ms)
{
	mono += ms;
	wall += ms;
}

void
fake_clock_jump(int64_t ms)
{
	wall += ms;
}

int64_t
clock_mono_ms(void)
{
	return mono;
}

int64_t
clock_wall_ms(void)
{
	return wall;
}

void
clock_show(int64_t wall_ms, char *out)
{
	time_t s = (time_t)(wall_ms / 1000);
	char text[40];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(
	    out, CLOCK_TEXT, "%.19s.%03uZ", text, (unsigned)(wall_ms % 1000));
}
