/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the simulator share. For kafka_sim*.c only. */
#pragma once
#include "tests/fake/kafka_sim.h"

struct line { /* one partition of a lane */
	bool open;
	bool hungry; /* was found empty: more in it writes the wake fd */
	bool off;    /* told that its position is not on the log */
	int64_t next;
};

struct kafka {
	struct broker_client client; /* first: see changed */
	int epoch_of_producer;	     /* -1: not fenced yet */
	char pool[GROUP_MAX + 1];
	int64_t txn_ms;
	int wake_fd;
	bool dead;
	bool trouble_told;
	uint64_t epoch[KAFKA_PARTITIONS_MAX];
	int32_t turn[LANE_N];
	struct line lines[LANE_N][KAFKA_PARTITIONS_MAX];
	struct kafka_record told; /* the bytes of the last event */
};

enum topic sim_lane_topic(enum lane lane);
void sim_strike_off(void);
