/* SPDX-License-Identifier: Apache-2.0 */
/* What a test may do to the simulated Kafka behind lib/io/kafka.h. One thread,
 * virtual time, no waiting: a call that would wait for something that cannot
 * come by itself returns RETRY at once. */
#pragma once
#include "tests/fake/broker.h"

/* An empty cluster whose clock stands at 0. Instances opened before may only be
 * closed. */
void sim_reset(int32_t partitions_n);
/* The broker's clock; transactions and sessions run out by it. */
void sim_clock(int64_t wall_ms);
int64_t sim_now(void);
enum sim_brokers { SIM_UP, SIM_DOWN };
void sim_brokers(enum sim_brokers state);
/* kafka_open says STOP with this text; NULL: topics are right again. */
void sim_topics_wrong(const char *text);

/* Appends outside of any transaction, as a client that posts; its offset. */
int64_t sim_post(const struct kafka_out *record);
int64_t sim_post_text(
    enum topic topic, int32_t partition, const char *key, const char *value);
/* Shows what a reader sees from an offset on; returns how many records. */
size_t sim_read(enum topic topic, int32_t partition, int64_t from,
    enum broker_isolation isolation,
    void (*see)(void *arg, const struct kafka_record *record), void *arg);
/* The group's offset as last committed, -1: none. */
int64_t sim_committed(enum lane lane, int32_t partition);
/* An operator's reset; -1: expired. */
void sim_committed_set(enum lane lane, int32_t partition, int64_t next);
/* Retention: records below `low` are gone. */
void sim_retain(enum topic topic, int32_t partition, int64_t low);
void sim_compact(
    enum topic topic, int32_t partition, enum broker_tombstones tombstones);

/* Somebody else's transaction with one record in this log, left open. */
void sim_foreign_open(const char *id, enum topic topic, int32_t partition);
void sim_foreign_end(const char *id, enum broker_end how);

/* The process of this instance is gone, as by SIGKILL: what it left open stays
 * so. Its calls fail from now on (KAFKA_DEAD, KAFKA_UNKNOWN, STOP). It must
 * still be closed. */
void sim_kill(struct kafka *k);
/* SIGSTOP and SIGCONT: no heartbeats between. */
void sim_stop(struct kafka *k);
void sim_continue(struct kafka *k);
/* At the nth (1, 2, ...) arrival from now on of any instance at this failpoint
 * (names: lib/io/kafka_commit.c; detail NULL: any) it dies there. */
void sim_crash_at(const char *name, const char *detail, unsigned nth);
/* The same, but the commit ends there with this result: ABORTED (the broker
 * asked for it), COMMIT_FENCED, UNKNOWN (what is open stays open). */
void sim_fail_at(const char *name, const char *detail, unsigned nth,
    enum kafka_commit_result result);
/* Did what was set by the two above happen? */
bool sim_struck(void);
