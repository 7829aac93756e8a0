/* SPDX-License-Identifier: Apache-2.0 */
/* Where does a lane go on after its partition came to us? Its position is
 * written twice in one transaction: as the group's offset and in the `pos`
 * record of the state topic. Whatever they say together is a row of one table;
 * nothing is ever guessed from an end of the log. Pure. */
#pragma once
#include "core/job.h"

struct restore_facts {
	enum lane lane;
	int64_t committed; /* the group's offset, -1 = none */
	int64_t pos;	   /* of the `pos` record, -1 = none */
	int64_t low, high; /* watermarks of the lane */
	bool state_empty;  /* the state topic holds nothing of the partition */
	bool foreign;	   /* the `pos` record is another group's */
};

enum restore_verdict {
	RESTORE_GO_ON,
	RESTORE_FIRST_START, /* nothing was ever done here: low watermark */
	RESTORE_ALARM,	     /* goes on, but somebody must be told */
	RESTORE_STOP, /* this partition stays closed until it is mended */
};

struct restore_plan {
	enum restore_verdict verdict;
	int64_t next;	 /* absolute offset; meaningless when STOP */
	const char *why; /* a constant, NULL when GO_ON */
};

struct restore_plan restore_judge(const struct restore_facts *f);
