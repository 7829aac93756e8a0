/* SPDX-License-Identifier: Apache-2.0 */
#include "core/restore.h"

static struct restore_plan
stop(const char *why)
{
	return (struct restore_plan){.verdict = RESTORE_STOP, .why = why};
}

static struct restore_plan
from(enum restore_verdict verdict, int64_t next, const char *why)
{
	return (struct restore_plan){verdict, next, why};
}

/* The position by its two witnesses, before it is held against the log. */
static struct restore_plan
witnessed(const struct restore_facts *f)
{
	/* even where we have offsets: whoever hands it over has it rebased */
	if (f->foreign)
		return stop("the state is another group's");
	if (f->pos < 0 && f->committed < 0 && f->state_empty)
		return from(RESTORE_FIRST_START, f->low, "first start");
	if (f->pos < 0 && f->committed < 0)
		return stop("state is there, but no position at all");
	if (f->committed > f->pos)
		return stop("the group's offset is ahead of the state");
	if (f->committed == f->pos)
		return from(RESTORE_GO_ON, f->pos, NULL);
	if (f->committed < 0 && f->lane != LANE_JOBS)
		return from(RESTORE_GO_ON, f->pos, NULL);
	if (f->committed < 0)
		return from(
		    RESTORE_ALARM, f->pos, "the group's offset is gone");
	return from(RESTORE_ALARM, f->pos, "the group's offset is behind");
}

struct restore_plan
restore_judge(const struct restore_facts *f)
{
	struct restore_plan plan = witnessed(f);

	if (plan.verdict == RESTORE_STOP)
		return plan;
	if (plan.next < f->low)
		return stop("jobs were deleted by retention before being read");
	if (plan.next > f->high)
		return stop("the lane is shorter than what was read of it");
	return plan;
}
