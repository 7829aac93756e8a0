/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's commit: steps and failpoints of lib/io/kafka_commit.c, in the
 * same order, each of which a test may let go wrong. */
#include "tests/fake/kafka_sim_private.h"

#include "io/failpoint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define POS_KEY "pos"

enum step {
	STEP_DONE,
	STEP_ABORT,
	STEP_FENCED,
	STEP_ABORT_FENCED,
	STEP_UNKNOWN,
};

struct txn {
	struct kafka *k;
	struct kafka_batch *b;
	struct broker_group_metadata group;
	struct err *e;
};

static struct strike {
	bool armed;
	bool crash; /* else: the commit ends as `result` says */
	const char *name;
	const char *detail;
	unsigned nth;
	enum kafka_commit_result result;
} strike;

static bool
strikes(const char *name, const char *detail)
{
	if (!strike.armed || strcmp(strike.name, name) != 0)
		return false;
	if (strike.detail != NULL &&
	    (detail == NULL || strcmp(strike.detail, detail) != 0))
		return false;
	if (--strike.nth > 0)
		return false;
	strike.armed = false;
	return true;
}

static enum step
step_of(enum kafka_commit_result result)
{
	switch (result) {
	case KAFKA_COMMITTED:
		return STEP_DONE;
	case KAFKA_ABORTED:
		return STEP_ABORT;
	case KAFKA_COMMIT_FENCED:
		return STEP_FENCED;
	case KAFKA_UNKNOWN:
		break;
	}
	return STEP_UNKNOWN;
}

/* At a named place; what happens there. */
static enum step
arrive(struct txn *t, const char *name, const char *detail)
{
	failpoint(name, detail);
	if (t->k->dead)
		return STEP_UNKNOWN;
	if (!strikes(name, detail))
		return STEP_DONE;
	err_set(t->e, "struck at %s", name);
	if (!strike.crash)
		return step_of(strike.result);
	sim_kill(t->k);
	return STEP_UNKNOWN;
}

static enum step
judge(enum broker_answer answer, const char *what, struct err *e)
{
	switch (answer) {
	case BROKER_OK:
		return STEP_DONE;
	case BROKER_FENCED_PRODUCER:
		err_set(e, "%s: another producer has our name", what);
		return STEP_FENCED;
	case BROKER_FENCED_INSTANCE:
		err_set(e, "%s: another member has our name", what);
		return STEP_ABORT_FENCED;
	case BROKER_UNKNOWN_MEMBER:
	case BROKER_ILLEGAL_GENERATION:
		err_set(e, "%s: not of the group's generation", what);
		return STEP_ABORT;
	case BROKER_TOO_LARGE:
		err_set(e, "%s: too large", what);
		return STEP_ABORT;
	case BROKER_UNSTABLE:
	case BROKER_OFF_LOG:
		break;
	}
	abort();
}

static enum step
begin(struct txn *t)
{
	enum step step = arrive(t, "commit.begin", NULL);

	if (step != STEP_DONE)
		return step;
	if (t->k->epoch_of_producer < 0) {
		err_set(t->e, "begin: kafka_fence comes first");
		return STEP_UNKNOWN;
	}
	if (broker.down) {
		err_set(t->e, "the transaction took too long");
		return STEP_UNKNOWN;
	}
	return arrive(t, "commit.begun", NULL);
}

static enum step
capture(struct txn *t)
{
	t->group = t->k->client.group;
	if (t->group.generation >= 0 && t->group.member != 0)
		return STEP_DONE;
	err_set(t->e, "not a member of the group at the moment");
	return STEP_ABORT;
}

static enum step
compare(struct txn *t)
{
	const struct kafka_touch *touched = t->b->touched;
	size_t i;

	for (i = 0; i < t->b->touched_n; i++) {
		if (kafka_epoch(t->k, touched[i].partition) == touched[i].epoch)
			continue;
		err_set(t->e, "partition %d is not what it was any more",
		    touched[i].partition);
		return STEP_ABORT;
	}
	return arrive(t, "commit.captured", NULL);
}

static enum step
produce(struct txn *t, const struct kafka_out *out, int64_t *offset)
{
	enum step step = arrive(t, "commit.record", topic_name(out->topic));

	if (step != STEP_DONE)
		return step;
	return judge(broker_produce(t->k->client.group.instance,
			 t->k->epoch_of_producer, out, offset),
	    "record", t->e);
}

static enum step
produce_all(struct txn *t)
{
	enum step step = STEP_DONE;
	int64_t offset;
	size_t i;

	for (i = 0; i < t->b->out_n && step == STEP_DONE; i++)
		step = produce(t, &t->b->out[i], &offset);
	return step;
}

static enum step
produce_pos(struct txn *t)
{
	uint8_t bytes[RECORD_POS_MAX];
	struct record_pos pos;
	struct kafka_touch *touch;
	struct writer w;
	enum step step = STEP_DONE;
	size_t i;

	for (i = 0; i < t->b->touched_n && step == STEP_DONE; i++) {
		touch = &t->b->touched[i];
		pos.partitions = broker.partitions_n;
		memcpy(pos.next, touch->next, sizeof(pos.next));
		memcpy(pos.group, t->k->pool, sizeof(pos.group));
		writer_init(&w, bytes, sizeof(bytes));
		record_put_pos(&w, &pos);
		assert(!w.bad);
		step = produce(t,
		    &(struct kafka_out){.topic = TOPIC_STATE,
			.partition = touch->partition,
			.key = POS_KEY,
			.key_len = sizeof(POS_KEY) - 1,
			.value = bytes,
			.value_len = w.len},
		    &touch->pos_offset);
	}
	return step == STEP_DONE ? arrive(t, "commit.produced", NULL) : step;
}

static enum step
send_offsets(struct txn *t)
{
	struct kafka_lane_at at[LANE_N];
	enum step step = STEP_DONE;
	enum lane lane;
	size_t i;

	for (i = 0; i < t->b->touched_n && step == STEP_DONE; i++) {
		for (lane = 0; lane < LANE_N; lane++) {
			assert(t->b->touched[i].next[lane] >= 0);
			at[lane] = (struct kafka_lane_at){.lane = lane,
			    .partition = t->b->touched[i].partition,
			    .next = t->b->touched[i].next[lane]};
		}
		step =
		    judge(broker_txn_offsets(t->k->client.group.instance,
			      t->k->epoch_of_producer, &t->group, at, LANE_N),
			"offsets", t->e);
	}
	return step == STEP_DONE ? arrive(t, "commit.offsets_sent", NULL)
				 : step;
}

static enum step
commit(struct txn *t)
{
	enum step step = arrive(t, "commit.before", NULL);

	if (step != STEP_DONE)
		return step;
	t->b->append_at = broker.now;
	step = judge(broker_end_txn(t->k->client.group.instance,
			 t->k->epoch_of_producer, BROKER_COMMIT),
	    "commit", t->e);
	return step == STEP_DONE ? arrive(t, "commit.after", NULL) : step;
}

static enum step
undo(struct txn *t, enum step why)
{
	struct err also;
	enum step step = judge(broker_end_txn(t->k->client.group.instance,
				   t->k->epoch_of_producer, BROKER_ABORT),
	    "abort", &also);

	if (step == STEP_DONE)
		step = arrive(t, "commit.aborted", NULL);
	return step == STEP_DONE ? why : step;
}

static enum kafka_commit_result
end_of(enum step step)
{
	switch (step) {
	case STEP_DONE:
		return KAFKA_COMMITTED;
	case STEP_ABORT:
		return KAFKA_ABORTED;
	case STEP_FENCED:
	case STEP_ABORT_FENCED:
		return KAFKA_COMMIT_FENCED;
	case STEP_UNKNOWN:
		break;
	}
	return KAFKA_UNKNOWN;
}

enum kafka_commit_result
kafka_commit(struct kafka *k, struct kafka_batch *b, struct err *e)
{
	static enum step (*const steps[])(struct txn *) = {begin, capture,
	    compare, produce_all, produce_pos, send_offsets, commit};
	struct txn t = {.k = k, .b = b, .e = e};
	enum step step = STEP_DONE;
	size_t i;

	assert(b->touched_n > 0);
	b->append_at = 0;
	for (i = 0; i < ARRAY_LEN(steps) && step == STEP_DONE; i++)
		step = steps[i](&t);
	if (step == STEP_ABORT || step == STEP_ABORT_FENCED)
		step = undo(&t, step);
	return end_of(step);
}

enum next
kafka_fence(struct kafka *k, struct err *e)
{
	if (broker.down) {
		err_set(e, "taking over the transactional id: no answer");
		return RETRY;
	}
	if (k->dead) {
		err_set(e, "the process is dead");
		return STOP;
	}
	k->epoch_of_producer =
	    broker_init_producer(k->client.group.instance, k->txn_ms);
	failpoint("fence.after", NULL);
	return OK;
}

void
sim_crash_at(const char *name, const char *detail, unsigned nth)
{
	strike = (struct strike){.armed = true,
	    .crash = true,
	    .name = name,
	    .detail = detail,
	    .nth = nth};
}

void
sim_fail_at(const char *name, const char *detail, unsigned nth,
    enum kafka_commit_result result)
{
	strike = (struct strike){.armed = true,
	    .name = name,
	    .detail = detail,
	    .nth = nth,
	    .result = result};
}

bool
sim_struck(void)
{
	return !strike.armed;
}

void
sim_strike_off(void)
{
	strike.armed = false;
}
