/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's door, 3 of 5: the next event. */
#include "io/kafka_private.h"

#include "io/clock.h"

#include <string.h>

#define TROUBLE_EVERY_MS 10000
#define TURN_MAX	 64 /* records of one partition in a row */
#define SERVE_EVERY	 16 /* and of all before the library has its turn */

/* Lets the library call back, and takes in its errors. Records never come by
 * this way; one that did would be out of its lane's order. */
static void
serve(struct kafka *k)
{
	rd_kafka_message_t *m;

	while ((m = rd_kafka_consumer_poll(k->member, 0)) != NULL) {
		if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
			kafka_note_trouble(k, "a record came outside its lane");
			k->misled = true;
		} else {
			kafka_note_trouble(k, rd_kafka_message_errstr(m));
		}
		rd_kafka_message_destroy(m);
	}
}

static enum kafka_event_type
fatal_next(struct kafka *k, struct err *e)
{
	char why[300];
	rd_kafka_resp_err_t err =
	    rd_kafka_fatal_error(k->member, why, sizeof(why));

	if (err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
		err_set(e, "another crew uses the name %s: %s", k->name, why);
		return KAFKA_FENCED;
	}
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		err_set(e, "Kafka: %s", why);
		return KAFKA_DEAD;
	}
	if (k->misled) {
		err_set(e, "Kafka: %s", k->trouble);
		return KAFKA_DEAD;
	}
	return KAFKA_NOTHING;
}

static bool
trouble_next(struct kafka *k, struct err *e)
{
	int64_t now = clock_mono_ms();

	if (k->trouble[0] == '\0')
		return false;
	if (now >= k->trouble_due) {
		err_set(e, "Kafka: %s", k->trouble);
		k->trouble[0] = '\0';
		k->trouble_due = now + TROUBLE_EVERY_MS;
		return true;
	}
	k->trouble[0] = '\0';
	return false;
}

static enum kafka_event_type
group_next(struct kafka *k, struct kafka_event *ev)
{
	if (!k->lost && !k->gained)
		return KAFKA_NOTHING;
	ev->partitions_n = k->owned_n;
	memcpy(ev->partitions, k->owned, k->owned_n * sizeof(k->owned[0]));
	if (k->lost) {
		k->lost = false;
		return KAFKA_LOST;
	}
	k->gained = false;
	return KAFKA_GAINED;
}

static bool
is_off_log(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
	       err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
}

/* A message worth telling? An error of the fetch that passes by itself is
 * trouble, a record below the position was told before. */
static bool
takes(struct kafka *k, struct kafka_line *line, const rd_kafka_message_t *m)
{
	if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		if (is_off_log(m->err))
			return true;
		kafka_note_trouble(k, rd_kafka_message_errstr(m));
		return false;
	}
	if (m->offset < line->next)
		return false;
	line->next = m->offset + 1;
	return true;
}

static rd_kafka_message_t *
line_next(struct kafka *k, struct kafka_line *line)
{
	rd_kafka_message_t *m;

	while ((m = rd_kafka_consume_queue(line->queue, 0)) != NULL) {
		if (takes(k, line, m))
			return m;
		rd_kafka_message_destroy(m);
	}
	return NULL;
}

/* Its partitions in turn, some records each. */
static rd_kafka_message_t *
lane_next(struct kafka *k, enum lane lane)
{
	rd_kafka_message_t *m;
	size_t tries;

	/* The one that begins is seen twice: its turn may just be over. */
	for (tries = 0; k->open_n[lane] > 0 && tries <= k->open_n[lane];
	     tries++) {
		if (k->in_turn[lane]++ < TURN_MAX) {
			m = line_next(k, kafka_line_of(k, lane,
					     k->open[lane][k->turn[lane]]));
			if (m != NULL)
				return m;
		}
		k->turn[lane] = (k->turn[lane] + 1) % k->open_n[lane];
		k->in_turn[lane] = 0;
	}
	return NULL;
}

static void
tell(struct kafka_event *ev, enum lane lane, const rd_kafka_message_t *m)
{
	struct kafka_told told;

	ev->lane = lane;
	ev->partition = m->partition;
	ev->offset = m->offset;
	if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		ev->type = KAFKA_OFF_LOG;
		return;
	}
	ev->type = KAFKA_RECORD;
	ev->key = m->key;
	ev->key_len = m->key_len;
	ev->value = m->payload;
	ev->value_len = m->len;
	told = kafka_message_read(m, ev->headers);
	ev->append_at = told.append_at;
	ev->headers_n = told.headers_n;
}

static bool
record_next(struct kafka *k, unsigned lanes, struct kafka_event *ev)
{
	static const enum lane order[] = {LANE_CONTROL, LANE_JOBS, LANE_BULK};
	size_t i;

	if (k->giving_up)
		return false;
	for (i = 0; i < ARRAY_LEN(order) && k->told == NULL; i++) {
		if ((lanes & 1U << order[i]) == 0)
			continue;
		k->told = lane_next(k, order[i]);
		if (k->told != NULL)
			tell(ev, order[i], k->told);
	}
	return k->told != NULL;
}

void
kafka_poll(
    struct kafka *k, unsigned lanes, struct kafka_event *ev, struct err *e)
{
	bool burst;

	if (k->told != NULL)
		rd_kafka_message_destroy(k->told);
	burst = k->told != NULL && ++k->unserved < SERVE_EVERY;
	k->told = NULL;
	ev->partitions_n = 0;
	if (burst && record_next(k, lanes, ev))
		return;
	k->unserved = 0;
	serve(k);
	ev->type = fatal_next(k, e);
	if (ev->type == KAFKA_NOTHING)
		ev->type = group_next(k, ev);
	if (ev->type != KAFKA_NOTHING)
		return;
	if (record_next(k, lanes, ev))
		return;
	if (trouble_next(k, e))
		ev->type = KAFKA_TROUBLE;
}
