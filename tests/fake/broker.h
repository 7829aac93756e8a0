/* SPDX-License-Identifier: Apache-2.0 */
/* A broker's rules in memory, as far as our protocol leans on them: a model to
 * read, not a broker to use. One cluster, one consumer group, no threads, no
 * clock of its own, and the same calls give the same offsets.
 *
 *   broker_log.c    logs: offsets, time, who sees what, compaction, retention
 *   broker_txn.c    producers, epochs, transactions, markers, offsets in them
 *   broker_group.c  members, generations, range assignment, static names
 *   kafka_sim.c     lib/io/kafka.h on top of it
 *
 * Each rule is checked against a real broker by tests/conformance. */
#pragma once
#include "io/kafka.h"

enum broker_answer {
	BROKER_OK,
	BROKER_FENCED_PRODUCER, /* a newer epoch of this transactional id */
	BROKER_FENCED_INSTANCE, /* a newer member of this instance id */
	BROKER_UNKNOWN_MEMBER,
	BROKER_ILLEGAL_GENERATION,
	BROKER_UNSTABLE, /* an open transaction holds an offset */
	BROKER_OFF_LOG,
	BROKER_TOO_LARGE,
};

#define BROKER_RECORD_MAX 1048576 /* max.message.bytes; twice that for dead */

enum broker_isolation { BROKER_COMMITTED, BROKER_UNCOMMITTED };
enum broker_end { BROKER_COMMIT, BROKER_ABORT };

/* --- the cluster --- */
extern struct broker {
	int32_t partitions_n;
	int64_t now; /* wall ms: what LogAppendTime is taken from */
	bool down;   /* nobody answers */
} broker;

void broker_reset(int32_t partitions_n);
/* Ends transactions and sessions whose time is over. */
void broker_clock(int64_t wall_ms);
/* Something that a consumer may see has changed. */
void broker_changed(void);

/* --- logs --- */
struct broker_txn;

enum broker_kind { BROKER_DATA, BROKER_MARKER };

struct broker_record {
	int64_t offset;
	int64_t append_at;
	enum broker_kind kind;
	const struct broker_txn *txn; /* NULL: written outside of one */
	struct kafka_out out;	      /* its bytes are the log's */
};

int64_t broker_append(const struct kafka_out *out, enum broker_kind kind,
    const struct broker_txn *txn);
int64_t broker_low(enum topic topic, int32_t partition);
/* The high watermark: where the next record will be. */
int64_t broker_end_offset(enum topic topic, int32_t partition);
/* Last stable offset: below it no transaction is open. */
int64_t broker_stable(enum topic topic, int32_t partition);
/* The first record at or behind *at that this reader sees, or NULL when there
 * is none (yet): then *at is where the reader stands, past everything that is
 * not for it. BROKER_OFF_LOG: *at is not on the log. */
enum broker_answer broker_fetch(enum topic topic, int32_t partition,
    enum broker_isolation isolation, int64_t *at,
    const struct broker_record **out);
void broker_view(const struct broker_record *r, struct kafka_record *out);
void broker_retain(enum topic topic, int32_t partition, int64_t low);
enum broker_tombstones { BROKER_KEEP_TOMBSTONES, BROKER_DROP_TOMBSTONES };
void broker_compact(
    enum topic topic, int32_t partition, enum broker_tombstones tombstones);
void broker_logs_free(void);

/* --- producers and transactions --- */
#define BROKER_ID_MAX 200

/* The producer of this transactional id begins: ends what its predecessor left
 * open and fences it. Returns the epoch to use from now on. */
int broker_init_producer(const char *id, int64_t txn_ms);
/* The first call after the last end opens a transaction. */
enum broker_answer broker_produce(
    const char *id, int epoch, const struct kafka_out *out, int64_t *offset);

/* What a client says about itself when it adds offsets to a transaction. */
struct broker_group_metadata {
	int32_t generation;		  /* -1: none */
	int64_t member;			  /* 0: none */
	char instance[BROKER_ID_MAX + 1]; /* "": none */
};
enum broker_answer broker_txn_offsets(const char *id, int epoch,
    const struct broker_group_metadata *group,
    const struct kafka_lane_at *offsets, size_t n);
enum broker_answer broker_end_txn(
    const char *id, int epoch, enum broker_end end);
int broker_producer_epoch(const char *id);
bool broker_txn_aborted(const struct broker_txn *t);
/* Lowest offset of an open transaction in this log, -1: none. */
int64_t broker_txn_first(enum topic topic, int32_t partition);
/* Committed offset of the group. Stable fetch: BROKER_UNSTABLE while an open
 * transaction holds one; next -1: none. */
enum broker_answer broker_offset(
    enum lane lane, int32_t partition, int64_t *next);
/* The same by a client that does not ask for a stable one. */
int64_t broker_offset_committed(enum lane lane, int32_t partition);
void broker_offset_set(enum lane lane, int32_t partition, int64_t next);
void broker_txns_expire(void);
void broker_txns_free(void);

/* --- the group --- */

/* What the library of one member knows; the group writes to it. */
struct broker_client {
	struct broker_client *next;
	struct broker_group_metadata group; /* as the member believes it */
	int64_t session_ms;
	bool gained; /* to be told */
	bool lost;   /* to be told */
	bool giving_up;
	bool fenced; /* another member has the instance id */
	size_t owned_n;
	int32_t owned[KAFKA_PARTITIONS_MAX];
	void (*changed)(struct broker_client *c);
};

/* group.instance is set. Takes over the place of an older bearer of the name
 * without a rebalance; else begins one. */
void broker_join(struct broker_client *c);
/* Its partitions may go to others; answers a rebalance. */
void broker_release(struct broker_client *c);
/* No heartbeats any more, for now (stopped) or ever (gone: c is not touched
 * again). Static members never leave, their session runs out. */
void broker_stopped(struct broker_client *c);
void broker_continued(struct broker_client *c);
void broker_gone(struct broker_client *c);
/* What the group's coordinator says to offsets from this client. */
enum broker_answer broker_group_checks(const struct broker_group_metadata *g);
void broker_sessions_expire(void);
void broker_group_free(void);
