/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's door, 5 of 5: reading back, for a restore. Two handles: the true end
 * of a log is told only to a reader of what is not committed yet, and the
 * content only to one of what is. */
#include "io/kafka_private.h"

#include "core/mem.h"
#include "io/clock.h"
#include "io/failpoint.h"

#define POLL_MS	 100
#define TRY_MS	 5000 /* then the leader is looked for again */
#define AGAIN_MS 20

struct kafka_reader {
	rd_kafka_t *committed;
	rd_kafka_t *true_end;
	rd_kafka_topic_t *committed_topics[TOPIC_N];
	rd_kafka_topic_t *true_end_topics[TOPIC_N];
	int32_t partitions_n;
};

static enum next
open_handle(rd_kafka_t **rk, enum kafka_role role,
    const struct kafka_conf *conf, rd_kafka_topic_t **topics,
    int32_t *partitions_n, struct err *e)
{
	rd_kafka_conf_t *rc = kafka_conf_new(role, conf, NULL, e);
	enum next next;

	if (rc == NULL)
		return STOP;
	next = kafka_handle_new(rk, role, rc, e);
	if (next != OK)
		return next;
	rd_kafka_poll_set_consumer(*rk);
	return kafka_topics_warm(*rk, conf, TOPIC_N, topics, partitions_n, e);
}

enum next
kafka_reader_open(
    struct kafka_reader **out, const struct kafka_conf *conf, struct err *e)
{
	struct kafka_reader *r = mem_alloc(sizeof(*r));
	enum next next;

	*out = NULL;
	if (r == NULL) {
		err_set(e, "out of memory");
		return STOP;
	}
	next = open_handle(&r->committed, KAFKA_COMMITTED_READER, conf,
	    r->committed_topics, &r->partitions_n, e);
	if (next == OK)
		next = open_handle(&r->true_end, KAFKA_TRUE_END, conf,
		    r->true_end_topics, &r->partitions_n, e);
	if (next != OK) {
		kafka_reader_close(r);
		return next;
	}
	*out = r;
	return OK;
}

static void
close_handle(rd_kafka_t *rk, rd_kafka_topic_t **topics)
{
	size_t i;

	for (i = 0; i < TOPIC_N; i++) {
		if (topics[i] != NULL)
			rd_kafka_topic_destroy(topics[i]);
	}
	if (rk == NULL)
		return;
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void
kafka_reader_close(struct kafka_reader *r)
{
	if (r == NULL)
		return;
	close_handle(r->committed, r->committed_topics);
	close_handle(r->true_end, r->true_end_topics);
	mem_free(r);
}

int32_t
kafka_reader_partitions(const struct kafka_reader *r)
{
	return r->partitions_n;
}

/* --- committed offsets ------------------------------------------------------
 */

static enum next
take_offsets(
    const rd_kafka_topic_partition_list_t *list, int64_t *next, struct err *e)
{
	int i;

	for (i = 0; i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *el = &list->elems[i];

		/* The call may succeed while an element has not: its offset
		 * would then read as "none", and jobs would be done again. */
		if (el->err != RD_KAFKA_RESP_ERR_NO_ERROR ||
		    (el->offset < 0 && el->offset != RD_KAFKA_OFFSET_INVALID)) {
			err_set(e, "committed offset of %s[%d]: %s", el->topic,
			    el->partition, rd_kafka_err2str(el->err));
			return RETRY;
		}
		next[i] = el->offset < 0 ? -1 : el->offset;
	}
	return OK;
}

static enum next
fetch_offsets(struct kafka_reader *r, rd_kafka_topic_partition_list_t *list,
    int64_t *next, int64_t limit_ms, struct err *e)
{
	rd_kafka_resp_err_t err =
	    rd_kafka_committed(r->committed, list, (int)limit_ms);

	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return take_offsets(list, next, e);
	err_set(e, "committed offsets of partition %d: %s",
	    list->elems[0].partition, rd_kafka_err2str(err));
	return RETRY;
}

enum next
kafka_reader_committed(struct kafka_reader *r, int32_t partition,
    int64_t next[LANE_N], int64_t stall_ms, struct err *e)
{
	int64_t due = clock_mono_ms() + stall_ms, left;
	rd_kafka_topic_partition_list_t *list;
	enum next result = RETRY;
	enum lane lane;

	failpoint("reader.committed", NULL);
	list = rd_kafka_topic_partition_list_new(LANE_N);
	for (lane = 0; lane < LANE_N; lane++) {
		rd_kafka_topic_partition_list_add(list,
		    rd_kafka_topic_name(
			r->committed_topics[kafka_lane_topic(lane)]),
		    partition);
	}
	while (result == RETRY && (left = due - clock_mono_ms()) > 0) {
		result = fetch_offsets(r, list, next, left, e);
		if (result == RETRY)
			rd_kafka_consumer_poll(r->committed, AGAIN_MS);
	}
	rd_kafka_topic_partition_list_destroy(list);
	return result;
}

enum next
kafka_reader_ends(struct kafka_reader *r, enum topic topic, int32_t partition,
    int64_t *low, int64_t *high, int64_t stall_ms, struct err *e)
{
	const char *name = rd_kafka_topic_name(r->true_end_topics[topic]);
	int64_t due = clock_mono_ms() + stall_ms, left;
	rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;

	while ((left = due - clock_mono_ms()) > 0) {
		err = rd_kafka_query_watermark_offsets(r->true_end, name,
		    partition, low, high, left < TRY_MS ? (int)left : TRY_MS);
		if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
			return OK;
		/* e.g. the leader is moving */
		rd_kafka_consumer_poll(r->true_end, AGAIN_MS);
	}
	err_set(
	    e, "ends of %s[%d]: %s", name, partition, rd_kafka_err2str(err));
	return RETRY;
}

/* --- records ----------------------------------------------------------------
 */

struct reading {
	const char *topic;
	int32_t partition;
	int64_t at; /* everything below is read */
	int64_t until;
	bool (*see)(void *arg, const struct kafka_record *record);
	void *arg;
	int64_t stall_ms;
	int64_t stalled_at; /* monotonic */
	bool stopped;	    /* by see */
};

static enum next
assign_one(struct kafka_reader *r, const struct reading *rd, struct err *e)
{
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t err;

	list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, rd->topic, rd->partition)
	    ->offset = rd->at;
	err = rd_kafka_assign(r->committed, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return OK;
	err_set(e, "reading %s[%d]: %s", rd->topic, rd->partition,
	    rd_kafka_err2str(err));
	return RETRY;
}

static void
moves_to(struct reading *rd, int64_t at)
{
	if (at <= rd->at)
		return;
	rd->at = at;
	rd->stalled_at = clock_mono_ms() + rd->stall_ms;
}

static void
take_record(struct reading *rd, const rd_kafka_message_t *m)
{
	struct kafka_record record = {
	    .offset = m->offset,
	    .key = m->key,
	    .value = m->payload,
	    .key_len = m->key_len,
	    .value_len = m->len,
	};
	struct kafka_told told = kafka_message_read(m, record.headers);

	record.append_at = told.append_at;
	record.headers_n = told.headers_n;
	if (m->offset < rd->until)
		rd->stopped = !rd->see(rd->arg, &record);
	moves_to(rd, m->offset + 1);
}

/* The end is told by where the reader stands, never by the last record: that
 * may be a transaction's marker, which is not shown, or be compacted away. */
static enum next
take(struct reading *rd, const rd_kafka_message_t *m, struct err *e)
{
	switch (m->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		take_record(rd, m);
		return OK;
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		moves_to(rd, m->offset);
		return OK;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		err_set(e, "%s[%d]: offset %lld is not on the log", rd->topic,
		    rd->partition, (long long)rd->at);
		return REJECT;
	default: /* passes by itself, or stalls */
		err_set(e, "reading %s[%d]: %s", rd->topic, rd->partition,
		    rd_kafka_message_errstr(m));
		return OK;
	}
}

static enum next
stalled(const struct reading *rd, struct err *e)
{
	err_set(e,
	    "reading %s[%d] stands at offset %lld on its way to %lld since "
	    "%lld ms: an open transaction, or no leader?",
	    rd->topic, rd->partition, (long long)rd->at, (long long)rd->until,
	    (long long)rd->stall_ms);
	return RETRY;
}

static enum next
read_all(rd_kafka_t *rk, struct reading *rd, struct err *e)
{
	rd_kafka_message_t *m;
	enum next next = OK;

	rd->stalled_at = clock_mono_ms() + rd->stall_ms;
	while (next == OK && rd->at < rd->until) {
		m = rd_kafka_consumer_poll(rk, POLL_MS);
		if (m != NULL) {
			next = take(rd, m, e);
			rd_kafka_message_destroy(m);
		}
		if (rd->stopped) {
			err_set(e, "stopped");
			return RETRY;
		}
		if (next == OK && clock_mono_ms() >= rd->stalled_at)
			return stalled(rd, e);
	}
	return next;
}

enum next
kafka_reader_read(struct kafka_reader *r, enum topic topic, int32_t partition,
    int64_t from, int64_t until,
    bool (*see)(void *arg, const struct kafka_record *record), void *arg,
    int64_t stall_ms, struct err *e)
{
	struct reading rd = {
	    .topic = rd_kafka_topic_name(r->committed_topics[topic]),
	    .partition = partition,
	    .at = from,
	    .until = until,
	    .see = see,
	    .arg = arg,
	    .stall_ms = stall_ms,
	};
	enum next next;

	failpoint("reader.read", topic_name(topic));
	if (from >= until)
		return OK;
	next = assign_one(r, &rd, e);
	if (next == OK)
		next = read_all(r->committed, &rd, e);
	rd_kafka_assign(r->committed, NULL);
	return next;
}
