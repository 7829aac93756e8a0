/* SPDX-License-Identifier: Apache-2.0 */
#include "core/topic.h"

const char *
topic_name(enum topic t)
{
	static const char *const name[TOPIC_N] = {
	    [TOPIC_JOBS] = "jobs",
	    [TOPIC_BULK] = "bulk",
	    [TOPIC_CONTROL] = "control",
	    [TOPIC_STATE] = "state",
	    [TOPIC_SEEN] = "seen",
	    [TOPIC_RESULTS] = "results",
	    [TOPIC_EVENTS] = "events",
	    [TOPIC_DEAD] = "dead",
	};

	return name[t];
}
