/* SPDX-License-Identifier: Apache-2.0 */
/* The probe on the simulator. */
#include "tests/conformance/rules.h"
#include "tests/fake/kafka_sim_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe_txn {
	char id[BROKER_ID_MAX + 1];
	int epoch;
};

struct probe_group {
	struct broker_group_metadata said;
};

#define BEGAN_AT 1800000000000 /* any day */

void
probe_begin(int32_t partitions_n)
{
	sim_reset(partitions_n);
	sim_clock(BEGAN_AT);
}

void
probe_end(void)
{
	sim_reset(1);
}

void
probe_begin_wrong(enum probe_fault fault)
{
	(void)fault; /* the simulator is told, it does not look */
	probe_begin(2);
	sim_topics_wrong("wrong; run: domainproof topics");
}

struct kafka_conf
probe_conf(const char *slot)
{
	return (struct kafka_conf){.brokers = "sim",
	    .prefix = "sim.",
	    .pool = "pool",
	    .slot = slot,
	    .session_ms = 6000,
	    .txn_ms = 10000,
	    .queue_kb = 1024,
	    .compression = "none"};
}

const char *
probe_id(const char *slot)
{
	static char id[BROKER_ID_MAX + 1];

	snprintf(id, sizeof(id), "pool-%s", slot);
	return id;
}

void
probe_pass(int64_t ms)
{
	sim_clock(sim_now() + ms);
}

int64_t
probe_post(const struct kafka_out *record)
{
	return sim_post(record);
}

void
probe_retain(enum topic topic, int32_t partition, int64_t low)
{
	sim_retain(topic, partition, low);
}

void
probe_compact(enum topic topic, int32_t partition)
{
	sim_post_text(topic, partition, "roll", "");
	sim_compact(topic, partition, BROKER_KEEP_TOMBSTONES);
}

static enum probe_answer
answer(enum broker_answer a)
{
	if (a == BROKER_OK)
		return PROBE_OK;
	return a == BROKER_FENCED_PRODUCER ? PROBE_FENCED : PROBE_REFUSED;
}

struct probe_txn *
probe_txn_new(const char *id)
{
	struct probe_txn *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	snprintf(t->id, sizeof(t->id), "%s", id);
	t->epoch = broker_init_producer(id, 10000);
	return t;
}

enum probe_answer
probe_txn_begin(struct probe_txn *t)
{
	(void)t; /* the first record begins it */
	return PROBE_OK;
}

enum probe_answer
probe_txn_produce(struct probe_txn *t, enum topic topic, int32_t partition,
    const char *key, const char *value)
{
	int64_t offset;

	return answer(broker_produce(t->id, t->epoch,
	    &(struct kafka_out){.topic = topic,
		.partition = partition,
		.key = key,
		.key_len = strlen(key),
		.value = value,
		.value_len = strlen(value)},
	    &offset));
}

enum probe_answer
probe_txn_commit(struct probe_txn *t)
{
	return answer(broker_end_txn(t->id, t->epoch, BROKER_COMMIT));
}

enum probe_answer
probe_txn_abort(struct probe_txn *t)
{
	return answer(broker_end_txn(t->id, t->epoch, BROKER_ABORT));
}

void
probe_txn_free(struct probe_txn *t)
{
	free(t);
}

static struct probe_group *
group_new(const struct broker_group_metadata *said)
{
	struct probe_group *g = calloc(1, sizeof(*g));

	if (g == NULL)
		abort();
	g->said = *said;
	return g;
}

struct probe_group *
probe_group_of(struct kafka *k)
{
	return group_new(&k->client.group);
}

struct probe_group *
probe_group_none(void)
{
	return group_new(&(struct broker_group_metadata){.generation = -1});
}

void
probe_group_free(struct probe_group *g)
{
	free(g);
}

enum probe_answer
probe_txn_offset(struct probe_txn *t, const struct probe_group *g,
    enum lane lane, int32_t partition, int64_t next)
{
	return answer(broker_txn_offsets(t->id, t->epoch, &g->said,
	    &(struct kafka_lane_at){
		.lane = lane, .partition = partition, .next = next},
	    1));
}

/* --- a process of its own ---------------------------------------------------
 */

void
probe_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
}

void
probe_killed_at(const char *slot, const char *place)
{
	struct kafka *k = join(slot);
	struct batch b;

	batch_init(&b, k, 0, "dead");
	sim_crash_at(place, NULL, 1);
	assert_int_equal(commit(k, &b), KAFKA_UNKNOWN);
	assert_true(sim_struck());
	leave(k);
}

static struct {
	struct kafka *k;
	const char *place;
	void (*meanwhile)(void);
} stop;

static void
stopped(const char *name, const char *detail)
{
	(void)detail;
	if (strcmp(name, stop.place) != 0)
		return;
	probe_at = NULL;
	sim_stop(stop.k);
	stop.meanwhile();
	sim_continue(stop.k);
}

enum kafka_commit_result
probe_stopped_at(const char *slot, const char *place, void (*meanwhile)(void))
{
	struct kafka *k = join(slot);
	enum kafka_commit_result result;
	struct batch b;

	batch_init(&b, k, 0, "dead");
	stop.k = k;
	stop.place = place;
	stop.meanwhile = meanwhile;
	probe_at = stopped;
	result = commit(k, &b);
	assert_null(probe_at);
	leave(k);
	return result;
}
