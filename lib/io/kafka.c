/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's door, 2 of 5: membership and lanes. */
#include "io/kafka_private.h"

#include "core/mem.h"
#include "io/failpoint.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct kafka_line *
kafka_line_of(struct kafka *k, enum lane lane, int32_t partition)
{
	assert(lane < LANE_N && partition >= 0 && partition < k->partitions_n);
	return &k->lines[(size_t)lane * (size_t)k->partitions_n +
			 (size_t)partition];
}

static void
close_lanes(struct kafka *k)
{
	enum lane lane;
	size_t i;

	for (lane = 0; lane < LANE_N; lane++) {
		for (i = 0; i < k->open_n[lane]; i++)
			kafka_line_of(k, lane, k->open[lane][i])->open = false;
		k->open_n[lane] = k->turn[lane] = 0;
	}
}

void
kafka_note_trouble(struct kafka *k, const char *text)
{
	if (text != NULL && k->trouble[0] == '\0')
		snprintf(k->trouble, sizeof(k->trouble), "%s", text);
}

/* --- what the library calls -------------------------------------------------
 * All three from within kafka_poll. */

/* The library stops what it read, and then reads the new list. Another change
 * before it has heard of all these stops has it stop the same partitions twice,
 * on which it aborts (2.0.2: "Assertion `rktp->rktp_started' failed"). Its own
 * thread takes orders, stops and their answers in turn: once it has answered a
 * question of ours all stops are done, and after a second one it knows. */
static rd_kafka_resp_err_t
assign(rd_kafka_t *member, const rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_topic_partition_list_t *now;
	int i;

	for (i = 0; i < 2; i++) {
		if (rd_kafka_assignment(member, &now) ==
		    RD_KAFKA_RESP_ERR_NO_ERROR)
			rd_kafka_topic_partition_list_destroy(now);
	}
	return rd_kafka_assign(member, list);
}

static void
gain(struct kafka *k, const rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_topic_partition_list_t *none;
	int i;

	k->owned_n = 0;
	for (i = 0; i < list->cnt; i++) {
		int32_t p = list->elems[i].partition;

		if (p < 0 || p >= k->partitions_n) {
			kafka_note_trouble(
			    k, "more partitions than at the start");
			k->misled = true;
			continue;
		}
		k->owned[k->owned_n++] = p;
		atomic_fetch_add(&k->epoch[p], 1);
	}
	/* Takes the assignment without fetching anything: what is to be read
	 * from where is known after the restore. */
	none = rd_kafka_topic_partition_list_new(0);
	(void)assign(k->member, none);
	rd_kafka_topic_partition_list_destroy(none);
	close_lanes(k);
	k->gained = true;
}

/* The group waits until kafka_release answers. */
static void
lose(struct kafka *k)
{
	close_lanes(k);
	k->gained = false;
	k->lost = k->giving_up = true;
	if (k->closing)
		kafka_release(k);
}

static void
rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t err,
    rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct kafka *k = opaque;

	switch ((int)err) {
	case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
		gain(k, list);
		break;
	case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
		lose(k);
		break;
	default:
		kafka_note_trouble(k, rd_kafka_err2str(err));
		(void)assign(rk, NULL);
		break;
	}
}

static void
failed(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	struct kafka *k = opaque;

	(void)rk;
	/* Says more than that one of them went away. A fatal error is asked
	 * for by kafka_poll. */
	if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		k->trouble[0] = '\0';
	kafka_note_trouble(k, reason);
}

/* --- open and close ---------------------------------------------------------
 */

static enum next
open_member(struct kafka *k, struct err *e)
{
	rd_kafka_conf_t *rc = kafka_conf_new(KAFKA_MEMBER, &k->conf, k, e);
	int32_t partitions_n;
	enum next next;

	if (rc == NULL)
		return STOP;
	rd_kafka_conf_set_rebalance_cb(rc, rebalanced);
	rd_kafka_conf_set_error_cb(rc, failed);
	next = kafka_handle_new(&k->member, KAFKA_MEMBER, rc, e);
	if (next != OK)
		return next;
	rd_kafka_poll_set_consumer(k->member);
	next = kafka_topics_warm(
	    k->member, &k->conf, LANE_N, k->lane_topics, &partitions_n, e);
	if (next == OK && partitions_n != k->partitions_n) {
		err_set(e, "the topics changed while they were looked at");
		return RETRY;
	}
	return next;
}

static enum next
open_producer(struct kafka *k, struct err *e)
{
	rd_kafka_conf_t *rc = kafka_conf_new(KAFKA_PRODUCER, &k->conf, k, e);
	enum next next;

	if (rc == NULL)
		return STOP;
	/* Without a callback of any kind the library's flush sleeps in steps
	 * of 10 ms. */
	rd_kafka_conf_set_dr_msg_cb(rc, kafka_delivered);
	next = kafka_handle_new(&k->producer, KAFKA_PRODUCER, rc, e);
	if (next == OK)
		next = kafka_topics_warm(k->producer, &k->conf, TOPIC_N,
		    k->topics, &k->partitions_n, e);
	if (next == OK)
		next = kafka_topics_time(k->producer, &k->conf, k->topics, e);
	return next;
}

static void
wake_by(const struct kafka *k, rd_kafka_queue_t *queue)
{
	static const uint64_t one = 1; /* what an eventfd takes */

	rd_kafka_queue_io_event_enable(queue, k->wake_fd, &one, sizeof(one));
}

static enum next
join(struct kafka *k, struct err *e)
{
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t err;

	k->lines =
	    mem_alloc(LANE_N * (size_t)k->partitions_n * sizeof(k->lines[0]));
	if (k->lines == NULL) {
		err_set(e, "out of memory");
		return STOP;
	}
	k->events = rd_kafka_queue_get_consumer(k->member);
	wake_by(k, k->events);
	list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list,
	    rd_kafka_topic_name(k->lane_topics[LANE_JOBS]),
	    RD_KAFKA_PARTITION_UA);
	err = rd_kafka_subscribe(k->member, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return OK;
	err_set(e, "joining group %s: %s", k->conf.pool, rd_kafka_err2str(err));
	return STOP;
}

enum next
kafka_open(struct kafka **out, const struct kafka_conf *conf, int wake_fd,
    struct err *e)
{
	struct kafka *k = mem_alloc(sizeof(*k));
	enum next next;

	*out = NULL;
	if (k == NULL) {
		err_set(e, "out of memory");
		return STOP;
	}
	k->conf = *conf;
	snprintf(k->pool, sizeof(k->pool), "%s", conf->pool);
	snprintf(k->name, sizeof(k->name), "%s-%s", conf->pool, conf->slot);
	k->wake_fd = wake_fd;
	next = open_producer(k, e);
	if (next == OK)
		next = open_member(k, e);
	if (next == OK)
		next = join(k, e);
	if (next != OK) {
		kafka_close(k);
		return next;
	}
	*out = k;
	return OK;
}

static void
close_lines(struct kafka *k)
{
	size_t i, n = LANE_N * (size_t)k->partitions_n;

	for (i = 0; k->lines != NULL && i < n; i++) {
		if (k->lines[i].queue != NULL)
			rd_kafka_queue_destroy(k->lines[i].queue);
	}
	mem_free(k->lines);
	if (k->events != NULL)
		rd_kafka_queue_destroy(k->events);
}

static void
close_member(struct kafka *k)
{
	size_t i;

	if (k->member == NULL)
		return;
	k->closing = true;
	if (k->giving_up)
		kafka_release(k);
	if (k->events != NULL)
		rd_kafka_consumer_close(k->member);
	close_lines(k);
	for (i = 0; i < LANE_N; i++) {
		if (k->lane_topics[i] != NULL)
			rd_kafka_topic_destroy(k->lane_topics[i]);
	}
	rd_kafka_destroy_flags(k->member, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void
kafka_close(struct kafka *k)
{
	size_t i;

	if (k == NULL)
		return;
	if (k->told != NULL)
		rd_kafka_message_destroy(k->told);
	close_member(k);
	for (i = 0; i < TOPIC_N; i++) {
		if (k->topics[i] != NULL)
			rd_kafka_topic_destroy(k->topics[i]);
	}
	if (k->producer != NULL) {
		/* left over when we were fenced; the broker aborts it */
		rd_kafka_purge(k->producer,
		    RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_destroy(k->producer);
	}
	mem_free(k);
}

int32_t
kafka_partitions(const struct kafka *k)
{
	return k->partitions_n;
}

uint64_t
kafka_epoch(const struct kafka *k, int32_t partition)
{
	assert(partition >= 0 && partition < k->partitions_n);
	return atomic_load(&k->epoch[partition]);
}

void
kafka_release(struct kafka *k)
{
	int32_t p;

	failpoint("kafka.release", NULL);
	/* First the epochs: a commit that reads the group's next generation
	 * must find them moved. */
	for (p = 0; p < k->partitions_n; p++)
		atomic_fetch_add(&k->epoch[p], 1);
	close_lanes(k);
	k->owned_n = 0;
	k->gained = k->lost = k->giving_up = false;
	(void)assign(k->member, NULL);
}

/* --- lanes ------------------------------------------------------------------
 */

static enum next
line_queue(struct kafka *k, enum lane lane, int32_t partition, struct err *e)
{
	struct kafka_line *line = kafka_line_of(k, lane, partition);

	if (line->queue != NULL)
		return OK;
	line->queue = rd_kafka_queue_get_partition(
	    k->member, rd_kafka_topic_name(k->lane_topics[lane]), partition);
	if (line->queue == NULL) {
		err_set(e, "%s[%d]: no such partition",
		    rd_kafka_topic_name(k->lane_topics[lane]), partition);
		return STOP;
	}
	rd_kafka_queue_forward(line->queue, NULL);
	wake_by(k, line->queue);
	return OK;
}

static void
open_line(struct kafka *k, const struct kafka_lane_at *at)
{
	struct kafka_line *line = kafka_line_of(k, at->lane, at->partition);

	line->next = at->next;
	line->open = true;
	k->open[at->lane][k->open_n[at->lane]++] = at->partition;
}

static enum next
assign_lanes(
    struct kafka *k, const struct kafka_lane_at *lanes, size_t n, struct err *e)
{
	rd_kafka_topic_partition_list_t *list;
	rd_kafka_resp_err_t err;
	size_t i;

	list = rd_kafka_topic_partition_list_new((int)n);
	for (i = 0; i < n; i++) {
		rd_kafka_topic_partition_list_add(list,
		    rd_kafka_topic_name(k->lane_topics[lanes[i].lane]),
		    lanes[i].partition)
		    ->offset = lanes[i].next;
	}
	err = assign(k->member, list);
	rd_kafka_topic_partition_list_destroy(list);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return OK;
	err_set(e, "opening %zu lanes: %s", n, rd_kafka_err2str(err));
	return STOP;
}

enum next
kafka_lanes(
    struct kafka *k, const struct kafka_lane_at *lanes, size_t n, struct err *e)
{
	enum next next = OK;
	size_t i;

	if (k->giving_up) {
		err_set(e, "partitions are to be given up: release first");
		return RETRY;
	}
	for (i = 0; i < n && next == OK; i++) {
		assert(lanes[i].next >= 0);
		next = line_queue(k, lanes[i].lane, lanes[i].partition, e);
	}
	if (next == OK)
		next = assign_lanes(k, lanes, n, e);
	if (next != OK)
		return next;
	close_lanes(k);
	for (i = 0; i < n; i++)
		open_line(k, &lanes[i]);
	return OK;
}
