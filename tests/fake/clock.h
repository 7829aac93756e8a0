/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of the scenario tests, linked in place of io/clock.c: it stands
 * still until it is told to go on. */
#pragma once
#include "io/clock.h"

void fake_clock_set(int64_t mono_ms, int64_t wall_ms);
/* Both go on by ms >= 0. */
void fake_clock_pass(int64_t ms);
/* The wall alone jumps, as when somebody sets it. */
void fake_clock_jump(int64_t ms);
