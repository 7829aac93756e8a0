/* SPDX-License-Identifier: Apache-2.0 */
/* Setting right where a lane of a partition goes on that the workers keep
 * closed (core/restore.h says when). Done as the member of the slot, under the
 * transactional id of the slot, in one transaction that holds nothing but the
 * positions: what the workers read back is again what they would have written
 * themselves. */
#pragma once
#include "core/restore.h"
#include "io/kafka.h"
#include "producer/command.h"

struct rebase_lane {
	struct restore_facts facts;
	struct restore_plan plan; /* what the workers make of these */
	bool aimed;		  /* is to be set; else plan.next stays */
	int64_t from;		  /* where it stood by the best witness */
	int64_t to;
	int64_t skipped; /* jobs between from and to that are on the lane */
	int64_t again;	 /* jobs that were read once and are read again */
	int64_t gone;	 /* offsets that are not on the lane any more */
};

struct rebase {
	int32_t partition;
	char group[GROUP_MAX + 1]; /* whose state it is; "" = not known */
	struct rebase_lane lane[LANE_N];
};

enum rebase_word { REBASE_OFFSET, REBASE_POS, REBASE_LOW, REBASE_HIGH };
struct rebase_aim {
	enum lane lane; /* LANE_N = every lane that is kept closed */
	enum rebase_word word;
	int64_t offset; /* REBASE_OFFSET */
};

struct kafka_conf rebase_conf(const struct settings *s);
/* Waits until the group, which may be another pool's, has no member any more:
 * what ended a moment ago is forgotten when its session runs out. told, if
 * given, is called once when it must be waited for. REJECT: somebody is at
 * work. RETRY: Kafka cannot be asked. */
enum next rebase_alone(const struct settings *s, const char *group,
    void (*told)(const struct settings *s, const char *group),
    struct err *e) MUST_USE;
/* All lanes as they stand to the pool `group`. REJECT: the partition is kept
 * closed for a reason that no position mends. */
enum next rebase_look(struct rebase *r, struct kafka_reader *reader,
    int32_t partition, const char *group, struct err *e) MUST_USE;
/* Where the lanes are to go on, and what that skips. REJECT: cannot be. */
enum next rebase_plan(struct rebase *r, struct kafka_reader *reader,
    const struct rebase_aim *aim, struct err *e) MUST_USE;
/* Joins, fences, looks again, commits, leaves. REJECT: nothing was changed,
 * as things are not as they were. RETRY: Kafka failed; e says whether the
 * outcome is known. */
enum next rebase_write(const struct rebase *r, const struct kafka_conf *conf,
    struct kafka_reader *reader, struct err *e) MUST_USE;

int state_rebase(struct command *c);
