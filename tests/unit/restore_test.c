/* SPDX-License-Identifier: Apache-2.0 */
/* Where a lane goes on: each row of the table. */
#include "core/restore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define NONE (-1)

static const struct {
	const char *name;
	struct restore_facts f;
	enum restore_verdict want;
	int64_t next;
} row[] = {
    {"nothing was ever done here", {LANE_JOBS, NONE, NONE, 5, 90, true, false},
	RESTORE_FIRST_START, 5},
    {"state without any position", {LANE_JOBS, NONE, NONE, 0, 9, false, false},
	RESTORE_STOP, 0},
    {"offset of a hand-assigned lane expired",
	{LANE_BULK, NONE, 40, 0, 90, false, false}, RESTORE_GO_ON, 40},
    {"the same for control", {LANE_CONTROL, NONE, 0, 0, 0, false, false},
	RESTORE_GO_ON, 0},
    {"offset of the subscribed lane is gone",
	{LANE_JOBS, NONE, 40, 0, 90, false, false}, RESTORE_ALARM, 40},
    {"offset was set back", {LANE_JOBS, 30, 40, 0, 90, false, false},
	RESTORE_ALARM, 40},
    {"both agree", {LANE_JOBS, 40, 40, 0, 90, false, false}, RESTORE_GO_ON, 40},
    {"at the end of the lane", {LANE_JOBS, 90, 90, 0, 90, false, false},
	RESTORE_GO_ON, 90},
    {"at its beginning", {LANE_JOBS, 40, 40, 40, 90, false, false},
	RESTORE_GO_ON, 40},
    {"offset was set forward", {LANE_JOBS, 41, 40, 0, 90, false, false},
	RESTORE_STOP, 0},
    {"state topic was made anew", {LANE_JOBS, 41, NONE, 0, 90, true, false},
	RESTORE_STOP, 0},
    {"retention ate jobs", {LANE_JOBS, 40, 40, 41, 90, false, false},
	RESTORE_STOP, 0},
    {"jobs topic was made anew", {LANE_JOBS, 40, 40, 0, 39, false, false},
	RESTORE_STOP, 0},
    {"another group's state", {LANE_JOBS, NONE, 40, 0, 90, false, true},
	RESTORE_STOP, 0},
    {"another group's, of a lane that goes on else",
	{LANE_BULK, NONE, 40, 0, 90, false, true}, RESTORE_STOP, 0},
    {"another group's, and we have an offset",
	{LANE_JOBS, 40, 40, 0, 90, false, true}, RESTORE_STOP, 0},
};

static void
every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct restore_plan plan = restore_judge(&row[i].f);

		if (plan.verdict != row[i].want)
			fail_msg("%s", row[i].name);
		if (plan.verdict != RESTORE_STOP && plan.next != row[i].next)
			fail_msg("%s: position", row[i].name);
		if ((plan.why == NULL) != (plan.verdict == RESTORE_GO_ON))
			fail_msg("%s: reason", row[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_row)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
