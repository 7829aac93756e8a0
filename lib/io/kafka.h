/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's door to Kafka: lanes that it owns, whole batches that are
 * written or not, and the reading back of what it remembered.
 *
 * Who owns lane jobs[p] owns partition p: bulk[p] and control[p] are assigned
 * by hand next to it, state[p] and seen[p] are read by hand. Assignment is
 * eager and by range; the member is static (group.instance.id =
 * transactional.id = <pool>-<slot>).
 *
 * Threads: one poll thread (kafka_open, _poll, _lanes, _release, _close), one
 * commit thread (kafka_fence, kafka_commit); a struct kafka_reader belongs to
 * the thread that opened it. kafka_epoch may be called by any.
 *
 * tests/fake/kafka_sim.c implements this header over an in-memory log with
 * the broker's rules; tests/conformance runs one set against both. */
#pragma once
#include "core/record.h"
#include "core/topic.h"

#define KAFKA_PARTITIONS_MAX 1024
#define KAFKA_HEADERS_MAX    32

struct kafka_conf {
	const char *brokers; /* "host:port,host:port" */
	const char *prefix;  /* of topic names */
	const char *pool;    /* group.id */
	const char *slot;
	int64_t session_ms;
	int64_t txn_ms;
	unsigned queue_kb; /* prefetch of each lane */
	const char *compression;
	/* readable: kafka_open is not wanted any more, and ends within 5 s or
	 * so with RETRY. 0 = none */
	int stop_fd;
};

struct kafka; /* consumer and transactional producer of one slot */

struct kafka_header {
	const char *name;
	const uint8_t *value; /* NULL = null */
	size_t len;
};

enum kafka_event_type {
	KAFKA_NOTHING, /* no event now: wait for the wake fd */
	KAFKA_RECORD,
	KAFKA_GAINED,  /* partitions are ours; nothing of them is open yet */
	KAFKA_LOST,    /* are to be given up: flush, then kafka_release */
	KAFKA_OFF_LOG, /* a lane's position is not on the log any more */
	KAFKA_TROUBLE, /* brokers unreachable etc.: goes on by itself; e->text
			*/
	KAFKA_FENCED,  /* another crew uses our name: exit 100 */
	KAFKA_DEAD,    /* fatal error of the library: exit 111 */
};

struct kafka_event {
	enum kafka_event_type type;
	/* RECORD and OFF_LOG; all bytes are valid until the next kafka_poll */
	enum lane lane;
	int32_t partition;
	int64_t offset;
	int64_t append_at;	    /* LogAppendTime, wall ms of the broker */
	const uint8_t *key, *value; /* NULL = null */
	size_t key_len, value_len;
	size_t headers_n; /* at most KAFKA_HEADERS_MAX are told */
	struct kafka_header headers[KAFKA_HEADERS_MAX];
	/* GAINED and LOST (LOST always names all we had) */
	size_t partitions_n;
	int32_t partitions[KAFKA_PARTITIONS_MAX];
};

/* Connects, checks the topics (all there, the same partition count, all of
 * LogAppendTime) and joins the group. wake_fd: an eventfd written whenever
 * kafka_poll may have something. RETRY: brokers unreachable within 30 s; STOP:
 * topics are wrong, e says which command mends it. */
enum next kafka_open(struct kafka **out, const struct kafka_conf *conf,
    int wake_fd, struct err *e) MUST_USE;
int32_t kafka_partitions(const struct kafka *k);
/* Never blocks. lanes: bit per enum lane whose records are wanted; a lane
 * that is not wanted stays fetched up to its limit, it is not rewound. The
 * wake fd is written when something comes where nothing was: after a wake, and
 * after asking for more lanes than before, call until NOTHING. Call at least
 * every 30 s (the group drops a member that does not). Behind LOST no record
 * is told until the next kafka_lanes. FENCED and DEAD are told again. */
void kafka_poll(
    struct kafka *k, unsigned lanes, struct kafka_event *ev, struct err *e);

struct kafka_lane_at {
	enum lane lane;
	int32_t partition;
	int64_t next; /* absolute offset of the first record wanted */
};
/* The open lanes are exactly these, from these positions: also for lanes that
 * are open already, give the position after the last record polled. RETRY:
 * between LOST and kafka_release. */
enum next kafka_lanes(struct kafka *k, const struct kafka_lane_at *lanes,
    size_t n, struct err *e) MUST_USE;
/* After LOST: our partitions may go to others. Moves every epoch on. */
void kafka_release(struct kafka *k);
/* Counts the times that partition p came or went; a batch and a restore carry
 * the value they began with. Any thread. */
uint64_t kafka_epoch(const struct kafka *k, int32_t partition);
/* Leaves nothing open; the group membership stays (static) until the session
 * runs out. NULL is fine. */
void kafka_close(struct kafka *k);

/* After the first GAINED, before anything is restored: ends what an earlier
 * bearer of our name left open and fences it. RETRY: call again. STOP: fatal.
 */
enum next kafka_fence(struct kafka *k, struct err *e) MUST_USE;

struct kafka_out {
	enum topic topic;
	int32_t partition;
	const void *key; /* NULL = null */
	size_t key_len;
	const void *value; /* NULL = tombstone */
	size_t value_len;
	const struct kafka_header *headers;
	size_t headers_n;
};

struct kafka_touch { /* one partition of a batch */
	int32_t partition;
	uint64_t epoch;	      /* when the batch began */
	int64_t next[LANE_N]; /* positions of all its lanes, each >= 0 */
	/* written by kafka_commit when COMMITTED */
	int64_t pos_offset; /* of its `pos` record in state */
};

struct kafka_batch {
	size_t touched_n;
	struct kafka_touch *touched;
	size_t out_n;
	const struct kafka_out *out; /* in order; `pos` records are added by
				      * kafka_commit, last of each partition */
	int64_t append_at; /* written: newest LogAppendTime told, 0 = none */
};

enum kafka_commit_result {
	KAFKA_COMMITTED,
	KAFKA_ABORTED, /* nothing happened; drop and restore what it touched */
	KAFKA_COMMIT_FENCED, /* poll a heartbeat + 1 s to learn why, then exit
			      */
	KAFKA_UNKNOWN,	     /* outcome not known, or fatal: exit 111 */
};

/* One transaction: all records and the positions of all lanes of every
 * touched partition, or nothing. Group metadata is captured right behind the
 * begin and every epoch is compared after it. */
enum kafka_commit_result kafka_commit(
    struct kafka *k, struct kafka_batch *b, struct err *e) MUST_USE;

/* Reading back. All calls block, at most `stall_ms` without progress. */
struct kafka_reader;

enum next kafka_reader_open(struct kafka_reader **out,
    const struct kafka_conf *conf, struct err *e) MUST_USE;
void kafka_reader_close(struct kafka_reader *r);
/* Of every topic, when it was opened. */
int32_t kafka_reader_partitions(const struct kafka_reader *r);
/* Committed offsets of all lanes of p in one stable fetch (an open
 * transaction on them is waited for); next[lane] = -1: none. */
enum next kafka_reader_committed(struct kafka_reader *r, int32_t partition,
    int64_t next[LANE_N], int64_t stall_ms, struct err *e) MUST_USE;
/* Low and high watermark as an uncommitted reader sees them (the true end,
 * not the last stable offset). */
enum next kafka_reader_ends(struct kafka_reader *r, enum topic topic,
    int32_t partition, int64_t *low, int64_t *high, int64_t stall_ms,
    struct err *e) MUST_USE;

struct kafka_record {
	int64_t offset;
	int64_t append_at;
	const uint8_t *key, *value; /* NULL = null */
	size_t key_len, value_len;
	size_t headers_n;
	struct kafka_header headers[KAFKA_HEADERS_MAX];
};
/* Committed records from `from` (absolute) up to offset `until`, in order; ends
 * when the position reaches until, whatever the last records are (commit
 * markers, compacted away). see returns false to stop early: RETRY then.
 * RETRY: stalled, e says where. REJECT: `from` is not on the log. */
enum next kafka_reader_read(struct kafka_reader *r, enum topic topic,
    int32_t partition, int64_t from, int64_t until,
    bool (*see)(void *arg, const struct kafka_record *record), void *arg,
    int64_t stall_ms, struct err *e) MUST_USE;
