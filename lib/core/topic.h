/* SPDX-License-Identifier: Apache-2.0 */
/* The topics, by what they are for. Names and settings: schemas/topics.json. */
#pragma once
#include "core/err.h"

enum topic {
	TOPIC_JOBS,
	TOPIC_BULK,
	TOPIC_CONTROL,
	TOPIC_STATE,
	TOPIC_SEEN,
	TOPIC_RESULTS,
	TOPIC_EVENTS,
	TOPIC_DEAD,
	TOPIC_N,
};

const char *topic_name(enum topic t); /* "jobs", without the prefix */
