/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's reading back. */
#include "tests/fake/kafka_sim_private.h"

#include "io/failpoint.h"

#include <stdlib.h>

struct kafka_reader {
	char unused; /* it keeps nothing */
};

static enum next
reachable(struct err *e)
{
	if (!broker.down)
		return OK;
	err_set(e, "Kafka: no answer");
	return RETRY;
}

enum next
kafka_reader_open(
    struct kafka_reader **out, const struct kafka_conf *conf, struct err *e)
{
	(void)conf;
	*out = NULL;
	if (reachable(e) != OK)
		return RETRY;
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		abort();
	return OK;
}

void
kafka_reader_close(struct kafka_reader *r)
{
	free(r);
}

int32_t
kafka_reader_partitions(const struct kafka_reader *r)
{
	(void)r;
	return broker.partitions_n;
}

enum next
kafka_reader_committed(struct kafka_reader *r, int32_t partition,
    int64_t next[LANE_N], int64_t stall_ms, struct err *e)
{
	enum lane lane;

	(void)r;
	(void)stall_ms;
	failpoint("reader.committed", NULL);
	if (reachable(e) != OK)
		return RETRY;
	for (lane = 0; lane < LANE_N; lane++) {
		if (broker_offset(lane, partition, &next[lane]) == BROKER_OK)
			continue;
		err_set(e, "committed offset of %s[%d]: a transaction is open",
		    topic_name(sim_lane_topic(lane)), partition);
		return RETRY;
	}
	return OK;
}

enum next
kafka_reader_ends(struct kafka_reader *r, enum topic topic, int32_t partition,
    int64_t *low, int64_t *high, int64_t stall_ms, struct err *e)
{
	(void)r;
	(void)stall_ms;
	if (reachable(e) != OK)
		return RETRY;
	*low = broker_low(topic, partition);
	*high = broker_end_offset(topic, partition);
	return OK;
}

enum next
kafka_reader_read(struct kafka_reader *r, enum topic topic, int32_t partition,
    int64_t from, int64_t until,
    bool (*see)(void *arg, const struct kafka_record *record), void *arg,
    int64_t stall_ms, struct err *e)
{
	const struct broker_record *record;
	struct kafka_record view;
	int64_t at = from;

	(void)r;
	(void)stall_ms;
	failpoint("reader.read", topic_name(topic));
	while (at < until) {
		if (reachable(e) != OK)
			return RETRY;
		if (broker_fetch(topic, partition, BROKER_COMMITTED, &at,
			&record) == BROKER_OFF_LOG) {
			err_set(e, "%s[%d]: offset %lld is not on the log",
			    topic_name(topic), partition, (long long)at);
			return REJECT;
		}
		if (at >= until)
			break;
		if (record == NULL) {
			err_set(e, "reading %s[%d] stands at offset %lld",
			    topic_name(topic), partition, (long long)at);
			return RETRY;
		}
		broker_view(record, &view);
		if (!see(arg, &view)) {
			err_set(e, "stopped");
			return RETRY;
		}
		at++;
	}
	return OK;
}
