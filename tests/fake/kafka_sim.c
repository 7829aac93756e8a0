/* SPDX-License-Identifier: Apache-2.0 */
/* lib/io/kafka.h over the broker in memory: what the library of one process
 * does, without its threads: membership, lanes, events; and the controls. */
#include "tests/fake/kafka_sim_private.h"

#include "io/failpoint.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *topics_wrong;

enum topic
sim_lane_topic(enum lane lane)
{
	switch (lane) {
	case LANE_JOBS:
		return TOPIC_JOBS;
	case LANE_BULK:
		return TOPIC_BULK;
	case LANE_CONTROL:
		return TOPIC_CONTROL;
	case LANE_N:
		break;
	}
	abort();
}

/* --- the wake fd ------------------------------------------------------------
 * As the library does it: once for each time that an empty queue gets
 * something. Who does not drain is not woken again. */

static bool
feeds(struct line *line, enum lane lane, int32_t partition)
{
	const struct broker_record *r;
	int64_t at = line->next;

	if (!line->open || !line->hungry)
		return false;
	if (broker_fetch(sim_lane_topic(lane), partition, BROKER_COMMITTED, &at,
		&r) == BROKER_OFF_LOG)
		return !line->off;
	return r != NULL;
}

static void
changed(struct broker_client *c)
{
	struct kafka *k = (struct kafka *)c;
	bool wake = c->gained || c->lost || c->fenced;
	enum lane lane;
	int32_t p;

	if (k->dead)
		return;
	for (lane = 0; lane < LANE_N; lane++) {
		for (p = 0; p < broker.partitions_n; p++) {
			if (!feeds(&k->lines[lane][p], lane, p))
				continue;
			k->lines[lane][p].hungry = false;
			wake = true;
		}
	}
	if (wake && k->wake_fd >= 0 &&
	    write(k->wake_fd, &(uint64_t){1}, sizeof(uint64_t)) < 0)
		return; /* a full counter wakes just as well */
}

/* --- open and close --------------------------------------------------------
 */

enum next
kafka_open(struct kafka **out, const struct kafka_conf *conf, int wake_fd,
    struct err *e)
{
	struct kafka *k;

	*out = NULL;
	if (broker.down) {
		err_set(e, "Kafka: no answer from %s", conf->brokers);
		return RETRY;
	}
	if (topics_wrong != NULL) {
		err_set(e, "%s", topics_wrong);
		return STOP;
	}
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		abort();
	snprintf(k->client.group.instance, sizeof(k->client.group.instance),
	    "%s-%s", conf->pool, conf->slot);
	snprintf(k->pool, sizeof(k->pool), "%s", conf->pool);
	k->client.session_ms = conf->session_ms;
	k->client.changed = changed;
	k->txn_ms = conf->txn_ms;
	k->epoch_of_producer = -1;
	k->wake_fd = wake_fd;
	broker_join(&k->client);
	*out = k;
	return OK;
}

void
kafka_close(struct kafka *k)
{
	if (k == NULL)
		return;
	broker_gone(&k->client);
	free(k);
}

int32_t
kafka_partitions(const struct kafka *k)
{
	(void)k;
	return broker.partitions_n;
}

uint64_t
kafka_epoch(const struct kafka *k, int32_t partition)
{
	assert(partition >= 0 && partition < broker.partitions_n);
	return k->epoch[partition];
}

static void
close_lanes(struct kafka *k)
{
	memset(k->lines, 0, sizeof(k->lines));
}

void
kafka_release(struct kafka *k)
{
	int32_t p;

	failpoint("kafka.release", NULL);
	for (p = 0; p < broker.partitions_n; p++)
		k->epoch[p]++;
	close_lanes(k);
	if (!k->dead)
		broker_release(&k->client);
}

enum next
kafka_lanes(
    struct kafka *k, const struct kafka_lane_at *lanes, size_t n, struct err *e)
{
	size_t i;

	if (k->dead) {
		err_set(e, "opening %zu lanes: the process is dead", n);
		return STOP;
	}
	if (k->client.giving_up && !k->client.lost) {
		err_set(e, "partitions are to be given up: release first");
		return RETRY;
	}
	close_lanes(k);
	for (i = 0; i < n; i++) {
		assert(lanes[i].next >= 0);
		k->lines[lanes[i].lane][lanes[i].partition] = (struct line){
		    .open = true, .hungry = true, .next = lanes[i].next};
	}
	changed(&k->client);
	return OK;
}

/* --- the next event --------------------------------------------------------
 */

static enum kafka_event_type
group_next(struct kafka *k, struct kafka_event *ev)
{
	struct broker_client *c = &k->client;
	size_t i;

	if (!c->lost && !c->gained)
		return KAFKA_NOTHING;
	close_lanes(k);
	ev->partitions_n = c->owned_n;
	memcpy(ev->partitions, c->owned, c->owned_n * sizeof(c->owned[0]));
	if (c->lost) {
		c->lost = false;
		return KAFKA_LOST;
	}
	c->gained = false;
	for (i = 0; i < c->owned_n; i++)
		k->epoch[c->owned[i]]++;
	return KAFKA_GAINED;
}

static void
tell(struct kafka *k, struct kafka_event *ev, const struct broker_record *r)
{
	broker_view(r, &k->told);
	ev->offset = k->told.offset;
	ev->append_at = k->told.append_at;
	ev->key = k->told.key;
	ev->key_len = k->told.key_len;
	ev->value = k->told.value;
	ev->value_len = k->told.value_len;
	ev->headers_n = k->told.headers_n;
	memcpy(ev->headers, k->told.headers,
	    k->told.headers_n * sizeof(ev->headers[0]));
}

static enum kafka_event_type
line_next(struct kafka *k, enum lane lane, int32_t p, struct kafka_event *ev)
{
	struct line *line = &k->lines[lane][p];
	const struct broker_record *r;

	if (!line->open || line->off)
		return KAFKA_NOTHING;
	ev->lane = lane;
	ev->partition = p;
	ev->offset = line->next;
	if (broker_fetch(sim_lane_topic(lane), p, BROKER_COMMITTED, &line->next,
		&r) == BROKER_OFF_LOG) {
		line->off = true;
		return KAFKA_OFF_LOG;
	}
	line->hungry = r == NULL;
	if (r == NULL)
		return KAFKA_NOTHING;
	tell(k, ev, r);
	line->next = r->offset + 1;
	return KAFKA_RECORD;
}

/* Its partitions in turn, beginning behind the one that was told last. */
static enum kafka_event_type
lane_next(struct kafka *k, enum lane lane, struct kafka_event *ev)
{
	enum kafka_event_type type = KAFKA_NOTHING;
	int32_t i;

	for (i = 0; i < broker.partitions_n && type == KAFKA_NOTHING; i++) {
		type = line_next(k, lane, k->turn[lane], ev);
		k->turn[lane] = (k->turn[lane] + 1) % broker.partitions_n;
	}
	return type;
}

static enum kafka_event_type
record_next(struct kafka *k, unsigned lanes, struct kafka_event *ev)
{
	static const enum lane order[] = {LANE_CONTROL, LANE_JOBS, LANE_BULK};
	enum kafka_event_type type = KAFKA_NOTHING;
	size_t i;

	for (i = 0; i < ARRAY_LEN(order) && type == KAFKA_NOTHING; i++) {
		if ((lanes & 1U << order[i]) != 0)
			type = lane_next(k, order[i], ev);
	}
	return type;
}

static enum kafka_event_type
away_next(struct kafka *k, struct err *e)
{
	if (k->trouble_told)
		return KAFKA_NOTHING;
	k->trouble_told = true;
	err_set(e, "Kafka: all brokers are down");
	return KAFKA_TROUBLE;
}

void
kafka_poll(
    struct kafka *k, unsigned lanes, struct kafka_event *ev, struct err *e)
{
	ev->partitions_n = 0;
	if (k->dead) {
		err_set(e, "the process is dead");
		ev->type = KAFKA_DEAD;
		return;
	}
	if (broker.down) {
		ev->type = away_next(k, e);
		return;
	}
	k->trouble_told = false;
	if (k->client.fenced) {
		err_set(e, "another crew uses the name %s",
		    k->client.group.instance);
		ev->type = KAFKA_FENCED;
		return;
	}
	ev->type = group_next(k, ev);
	if (ev->type == KAFKA_NOTHING && !k->client.giving_up)
		ev->type = record_next(k, lanes, ev);
}

/* --- what a test may do ----------------------------------------------------
 */

void
sim_reset(int32_t partitions_n)
{
	broker_reset(partitions_n);
	topics_wrong = NULL;
	sim_strike_off();
}

void
sim_clock(int64_t wall_ms)
{
	broker_clock(wall_ms);
}

int64_t
sim_now(void)
{
	return broker.now;
}

void
sim_brokers(enum sim_brokers state)
{
	broker.down = state == SIM_DOWN;
	broker_changed();
}

void
sim_topics_wrong(const char *text)
{
	topics_wrong = text;
}

int64_t
sim_post(const struct kafka_out *record)
{
	int64_t offset = broker_append(record, BROKER_DATA, NULL);

	broker_changed();
	return offset;
}

int64_t
sim_post_text(
    enum topic topic, int32_t partition, const char *key, const char *value)
{
	return sim_post(&(struct kafka_out){.topic = topic,
	    .partition = partition,
	    .key = key,
	    .key_len = key == NULL ? 0 : strlen(key),
	    .value = value,
	    .value_len = value == NULL ? 0 : strlen(value)});
}

size_t
sim_read(enum topic topic, int32_t partition, int64_t from,
    enum broker_isolation isolation,
    void (*see)(void *arg, const struct kafka_record *record), void *arg)
{
	const struct broker_record *r;
	struct kafka_record view;
	int64_t low = broker_low(topic, partition);
	int64_t at = from < low ? low : from;
	size_t n = 0;

	while (
	    broker_fetch(topic, partition, isolation, &at, &r) == BROKER_OK &&
	    r != NULL) {
		broker_view(r, &view);
		if (see != NULL)
			see(arg, &view);
		at++;
		n++;
	}
	return n;
}

int64_t
sim_committed(enum lane lane, int32_t partition)
{
	return broker_offset_committed(lane, partition);
}

void
sim_committed_set(enum lane lane, int32_t partition, int64_t next)
{
	broker_offset_set(lane, partition, next);
}

void
sim_retain(enum topic topic, int32_t partition, int64_t low)
{
	broker_retain(topic, partition, low);
}

void
sim_compact(
    enum topic topic, int32_t partition, enum broker_tombstones tombstones)
{
	broker_compact(topic, partition, tombstones);
}

void
sim_foreign_open(const char *id, enum topic topic, int32_t partition)
{
	int64_t offset;
	int epoch = broker_init_producer(id, INT64_MAX);
	enum broker_answer answer = broker_produce(id, epoch,
	    &(struct kafka_out){.topic = topic,
		.partition = partition,
		.key = "foreign",
		.key_len = 7,
		.value = "",
		.value_len = 0},
	    &offset);

	assert(answer == BROKER_OK);
	(void)answer;
}

void
sim_foreign_end(const char *id, enum broker_end how)
{
	broker_end_txn(id, broker_producer_epoch(id), how);
}

void
sim_kill(struct kafka *k)
{
	k->dead = true;
	broker_gone(&k->client);
}

void
sim_stop(struct kafka *k)
{
	broker_stopped(&k->client);
}

void
sim_continue(struct kafka *k)
{
	broker_continued(&k->client);
}
