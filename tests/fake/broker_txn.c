/* SPDX-License-Identifier: Apache-2.0 */
/* A broker's transactions. Rules shown here:
 * - a transactional id has one epoch; init raises it, aborts what is open and
 *   so fences every older bearer; so does the end of a transaction's time;
 * - a transaction that is open holds the last stable offset of each log it
 *   wrote to, and a stable fetch of each offset it carries;
 * - offsets in a transaction are checked against the group when they are added,
 *   never again: not when the transaction commits. */
#include "tests/fake/broker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum state { OPEN, COMMITTED, ABORTED };

struct reach { /* a log the transaction wrote to */
	enum topic topic;
	int32_t partition;
	int64_t first;
};

struct broker_txn {
	struct broker_txn *next; /* all that ever were: records name them */
	enum state state;
	int64_t begun_at;
	size_t reach_n;
	struct reach reach[TOPIC_N * KAFKA_PARTITIONS_MAX];
	size_t offsets_n;
	struct kafka_lane_at offsets[LANE_N * KAFKA_PARTITIONS_MAX];
};

struct producer {
	struct producer *next;
	char id[BROKER_ID_MAX + 1];
	int epoch;
	int64_t txn_ms;
	struct broker_txn *open;
};

static struct broker_txn *txns;
static struct producer *producers;
static int64_t offsets[LANE_N][KAFKA_PARTITIONS_MAX]; /* + 1; 0 = none */

static struct producer *
producer_of(const char *id)
{
	struct producer *p;

	for (p = producers; p != NULL; p = p->next) {
		if (strcmp(p->id, id) == 0)
			return p;
	}
	return NULL;
}

int
broker_producer_epoch(const char *id)
{
	return producer_of(id) == NULL ? -1 : producer_of(id)->epoch;
}

bool
broker_txn_aborted(const struct broker_txn *t)
{
	return t->state == ABORTED;
}

/* --- begin --- */

static struct producer *
producer_new(const char *id)
{
	struct producer *p = calloc(1, sizeof(*p));

	assert(strlen(id) <= BROKER_ID_MAX);
	if (p == NULL)
		abort();
	strcpy(p->id, id);
	p->epoch = -1;
	p->next = producers;
	return producers = p;
}

static struct broker_txn *
open_of(struct producer *p)
{
	struct broker_txn *t = p->open;

	if (t != NULL)
		return t;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		abort();
	t->begun_at = broker.now;
	t->next = txns;
	txns = t;
	return p->open = t;
}

/* --- end --- */

static void
end(struct producer *p, enum broker_end how)
{
	struct broker_txn *t = p->open;
	size_t i;

	if (t == NULL)
		return;
	p->open = NULL;
	t->state = how == BROKER_COMMIT ? COMMITTED : ABORTED;
	for (i = 0; i < t->reach_n; i++) {
		broker_append(&(struct kafka_out){.topic = t->reach[i].topic,
				  .partition = t->reach[i].partition},
		    BROKER_MARKER, t);
	}
	for (i = 0; i < t->offsets_n && how == BROKER_COMMIT; i++)
		broker_offset_set(t->offsets[i].lane, t->offsets[i].partition,
		    t->offsets[i].next);
	broker_changed();
}

int
broker_init_producer(const char *id, int64_t txn_ms)
{
	struct producer *p = producer_of(id);

	if (p == NULL)
		p = producer_new(id);
	end(p, BROKER_ABORT);
	p->txn_ms = txn_ms;
	return ++p->epoch;
}

void
broker_txns_expire(void)
{
	struct producer *p;

	for (p = producers; p != NULL; p = p->next) {
		if (p->open == NULL ||
		    broker.now - p->open->begun_at < p->txn_ms)
			continue;
		p->epoch++; /* whoever wrote it can't go on with it */
		end(p, BROKER_ABORT);
	}
}

/* --- between --- */

static struct producer *
bearer(const char *id, int epoch)
{
	struct producer *p = producer_of(id);

	return p != NULL && p->epoch == epoch ? p : NULL;
}

static void
reaches(struct broker_txn *t, const struct kafka_out *out, int64_t offset)
{
	size_t i;

	for (i = 0; i < t->reach_n; i++) {
		if (t->reach[i].topic == out->topic &&
		    t->reach[i].partition == out->partition)
			return;
	}
	t->reach[t->reach_n++] = (struct reach){
	    .topic = out->topic, .partition = out->partition, .first = offset};
}

enum broker_answer
broker_produce(
    const char *id, int epoch, const struct kafka_out *out, int64_t *offset)
{
	struct producer *p = bearer(id, epoch);
	struct broker_txn *t;

	if (p == NULL)
		return BROKER_FENCED_PRODUCER;
	if (out->key_len + out->value_len >
	    BROKER_RECORD_MAX * (out->topic == TOPIC_DEAD ? 2U : 1U))
		return BROKER_TOO_LARGE;
	t = open_of(p);
	*offset = broker_append(out, BROKER_DATA, t);
	reaches(t, out, *offset);
	broker_changed();
	return BROKER_OK;
}

static struct kafka_lane_at *
slot_of(struct broker_txn *t, const struct kafka_lane_at *at)
{
	size_t i;

	for (i = 0; i < t->offsets_n; i++) {
		if (t->offsets[i].lane == at->lane &&
		    t->offsets[i].partition == at->partition)
			return &t->offsets[i];
	}
	return &t->offsets[t->offsets_n++];
}

enum broker_answer
broker_txn_offsets(const char *id, int epoch,
    const struct broker_group_metadata *group, const struct kafka_lane_at *at,
    size_t n)
{
	struct producer *p = bearer(id, epoch);
	enum broker_answer answer;
	struct broker_txn *t;
	size_t i;

	if (p == NULL)
		return BROKER_FENCED_PRODUCER;
	if (n == 0)
		return BROKER_OK; /* asks nobody: no fence at all */
	answer = broker_group_checks(group);
	if (answer != BROKER_OK)
		return answer;
	t = open_of(p);
	for (i = 0; i < n; i++)
		*slot_of(t, &at[i]) = at[i];
	return BROKER_OK;
}

enum broker_answer
broker_end_txn(const char *id, int epoch, enum broker_end how)
{
	struct producer *p = bearer(id, epoch);

	if (p == NULL)
		return BROKER_FENCED_PRODUCER;
	end(p, how);
	return BROKER_OK;
}

/* --- what it holds --- */

static int64_t
first_of(const struct broker_txn *t, enum topic topic, int32_t partition)
{
	size_t i;

	for (i = 0; i < t->reach_n; i++) {
		if (t->reach[i].topic == topic &&
		    t->reach[i].partition == partition)
			return t->reach[i].first;
	}
	return -1;
}

int64_t
broker_txn_first(enum topic topic, int32_t partition)
{
	const struct producer *p;
	int64_t first, lowest = -1;

	for (p = producers; p != NULL; p = p->next) {
		if (p->open == NULL)
			continue;
		first = first_of(p->open, topic, partition);
		if (first >= 0 && (lowest < 0 || first < lowest))
			lowest = first;
	}
	return lowest;
}

static bool
holds(const struct broker_txn *t, enum lane lane, int32_t partition)
{
	size_t i;

	for (i = 0; t != NULL && i < t->offsets_n; i++) {
		if (t->offsets[i].lane == lane &&
		    t->offsets[i].partition == partition)
			return true;
	}
	return false;
}

enum broker_answer
broker_offset(enum lane lane, int32_t partition, int64_t *next)
{
	const struct producer *p;

	for (p = producers; p != NULL; p = p->next) {
		if (holds(p->open, lane, partition))
			return BROKER_UNSTABLE;
	}
	*next = broker_offset_committed(lane, partition);
	return BROKER_OK;
}

int64_t
broker_offset_committed(enum lane lane, int32_t partition)
{
	return offsets[lane][partition] - 1;
}

void
broker_offset_set(enum lane lane, int32_t partition, int64_t next)
{
	offsets[lane][partition] = next + 1;
}

void
broker_txns_free(void)
{
	struct broker_txn *t;
	struct producer *p;

	while ((t = txns) != NULL) {
		txns = t->next;
		free(t);
	}
	while ((p = producers) != NULL) {
		producers = p->next;
		free(p);
	}
	memset(offsets, 0, sizeof(offsets));
}
