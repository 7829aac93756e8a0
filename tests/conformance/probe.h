/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules need beside lib/io/kafka.h: topics of their own, time that
 * passes, and clients that do what ours never do. real/probe.c speaks to a
 * broker, sim/probe.c to the simulator. Failures end the running test. */
#pragma once
#include "io/kafka.h"

/* Empty topics under a new prefix, and a new group. */
void probe_begin(int32_t partitions_n);
void probe_end(void);
/* The same, but something is wrong with them. */
enum probe_fault { PROBE_NO_TOPIC, PROBE_CREATE_TIME, PROBE_PARTITIONS };
void probe_begin_wrong(enum probe_fault fault);
struct kafka_conf probe_conf(const char *slot);
/* The transactional id of that slot. */
const char *probe_id(const char *slot);
/* Some time passes; what is under way goes on. */
void probe_pass(int64_t ms);

/* A client that posts outside of transactions; the offset. */
int64_t probe_post(const struct kafka_out *record);
void probe_retain(enum topic topic, int32_t partition, int64_t low);
/* Appends a last record with the key "roll"; what is before it is compacted,
 * soon. */
void probe_compact(enum topic topic, int32_t partition);

/* Another process with a transactional producer. */
enum probe_answer {
	PROBE_OK,
	PROBE_REFUSED, /* abort, then go on */
	PROBE_FENCED,  /* another producer has the id */
};
struct probe_txn;
struct probe_txn *probe_txn_new(const char *id); /* takes the id over */
enum probe_answer probe_txn_begin(struct probe_txn *t);
/* Returns when the record is on the log. */
enum probe_answer probe_txn_produce(struct probe_txn *t, enum topic topic,
    int32_t partition, const char *key, const char *value);
enum probe_answer probe_txn_commit(struct probe_txn *t);
enum probe_answer probe_txn_abort(struct probe_txn *t);
void probe_txn_free(struct probe_txn *t);

/* What a client says of its membership when it adds an offset. */
struct probe_group;
struct probe_group *probe_group_of(struct kafka *k); /* as of now */
struct probe_group *probe_group_none(void);	     /* generation -1 */
void probe_group_free(struct probe_group *g);
enum probe_answer probe_txn_offset(struct probe_txn *t,
    const struct probe_group *g, enum lane lane, int32_t partition,
    int64_t next);

/* A process of its own bears the slot: it joins, fences, and commits one batch
 * (batch_init, partition 0, "dead"). At the place it is killed, ... */
void probe_killed_at(const char *slot, const char *place);
/* ... or it is stopped there, all its threads, while this is done. Returns how
 * its commit ended. */
enum kafka_commit_result probe_stopped_at(
    const char *slot, const char *place, void (*meanwhile)(void));
/* First thing in main: such a process does its work and never returns. */
void probe_main(int argc, char **argv);

/* Called at each failpoint (io/failpoint.h), on the thread that arrives. */
extern void (*probe_at)(const char *name, const char *detail);
