/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of Kafka's door share: the handles of one slot, how they are
 * made, and what its two threads tell each other. For kafka*.c only. */
#pragma once
#include "io/kafka.h"

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#define KAFKA_NAME_MAX 249 /* of a topic: Kafka's own limit */

/* One partition of a lane. It has a queue of its own, so that a lane that is
 * not wanted is simply not polled: pausing would fetch its records again. */
struct kafka_line {
	rd_kafka_queue_t *queue; /* NULL: never opened */
	int64_t next;		 /* records below it are skipped */
	bool open;
};

struct kafka {
	struct kafka_conf conf; /* its strings are only used by kafka_open */
	char pool[GROUP_MAX + 1];
	char name[160];	    /* <pool>-<slot> */
	rd_kafka_t *member; /* consumer, static member of the group */
	rd_kafka_t *producer;
	rd_kafka_topic_t *lane_topics[LANE_N]; /* the member's */
	rd_kafka_topic_t *topics[TOPIC_N];     /* the producer's */
	int32_t partitions_n;
	_Atomic uint64_t epoch[KAFKA_PARTITIONS_MAX];

	/* poll thread */
	rd_kafka_queue_t *events;
	int wake_fd;
	bool gained;	/* to be told */
	bool lost;	/* to be told */
	bool giving_up; /* between the group's REVOKE and kafka_release */
	bool closing;
	bool misled; /* a record came by a way that it must not take */
	size_t owned_n;
	int32_t owned[KAFKA_PARTITIONS_MAX];
	int64_t trouble_due; /* not to be told before */
	char trouble[ERR_TEXT_MAX];
	rd_kafka_message_t *told; /* the bytes of the last event */
	unsigned unserved; /* records told since the library had its turn */
	struct kafka_line *lines; /* [lane * partitions_n + partition] */
	size_t open_n[LANE_N];
	int32_t open[LANE_N][KAFKA_PARTITIONS_MAX];
	size_t turn[LANE_N]; /* which of open[lane] is being drained */
	unsigned in_turn[LANE_N];

	/* commit thread; batch is NULL outside kafka_commit */
	struct kafka_batch *batch;
	uint32_t batch_seq; /* which batch a delivery report belongs to */
	size_t failed_n;
	char failed[ERR_TEXT_MAX];
};

enum kafka_role {
	KAFKA_MEMBER = 1 << 0,
	KAFKA_PRODUCER = 1 << 1,
	KAFKA_COMMITTED_READER = 1 << 2,
	KAFKA_TRUE_END = 1 << 3, /* sees what is not committed yet */
};

/* A handle's configuration, to which callbacks may still be added. */
rd_kafka_conf_t *kafka_conf_new(enum kafka_role role,
    const struct kafka_conf *conf, void *opaque, struct err *e) MUST_USE;
/* Consumes rc. */
enum next kafka_handle_new(rd_kafka_t **out, enum kafka_role role,
    rd_kafka_conf_t *rc, struct err *e) MUST_USE;
enum topic kafka_lane_topic(enum lane lane);
/* Makes topic objects and waits for their metadata, so that neither the first
 * record out nor the first queue of a partition has to. Sets *partitions_n,
 * which all topics share. */
enum next kafka_topics_warm(rd_kafka_t *rk, const struct kafka_conf *conf,
    size_t n, rd_kafka_topic_t **topics, int32_t *partitions_n,
    struct err *e) MUST_USE;
/* All of the topics take the broker's time. */
enum next kafka_topics_time(rd_kafka_t *rk, const struct kafka_conf *conf,
    rd_kafka_topic_t *const *topics, struct err *e) MUST_USE;

struct kafka_line *kafka_line_of(
    struct kafka *k, enum lane lane, int32_t partition);
/* Poll thread: what passes by itself, told when nothing else is; the first of
 * several. */
void kafka_note_trouble(struct kafka *k, const char *text);

struct kafka_told {
	int64_t append_at;
	size_t headers_n;
};
/* LogAppendTime (0 when it is something else) and headers of a message. */
struct kafka_told kafka_message_read(
    const rd_kafka_message_t *m, struct kafka_header *headers);

/* librdkafka's delivery report, on the commit thread. */
void kafka_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque);
