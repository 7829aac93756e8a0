/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's door, 4 of 5: one batch = one transaction.
 *
 *   begin -> group metadata -> epochs -> records, `pos` last -> offsets of all
 *   lanes with that same metadata -> all delivered -> commit
 *
 * The order is the proof. The broker checks member and generation of the
 * metadata, not who owns a partition: metadata read after a rebalance would let
 * a stale owner that is still a member commit. Read right behind begin, an
 * epoch that has not moved since says that it was read while we owned all that
 * the batch touches. Offsets of lanes that did not move are sent too: they are
 * what the successor's stable fetch waits for. */
#include "io/kafka_private.h"

#include "io/clock.h"
#include "io/failpoint.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define MARGIN_MS 2000 /* before the broker ends the transaction by itself */
#define QUEUE_MS  50   /* a look whether the full queue has room again */
#define AGAIN_MS  20
#define FLUSH_MS  50
#define POS_KEY	  "pos"

enum step {
	STEP_DONE,
	STEP_AGAIN,
	STEP_ABORT,
	STEP_FENCED,	   /* another process has our name */
	STEP_ABORT_FENCED, /* the same, but the library wants to abort first */
	STEP_UNKNOWN, /* how it ends is not known, or the library is done */
};

struct txn {
	struct kafka *k;
	struct kafka_batch *b;
	rd_kafka_consumer_group_metadata_t *group;
	int64_t overdue_at; /* monotonic */
	struct err *e;
};

static bool
is_fence(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__FENCED ||
	       code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
	       code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
	       code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

/* The library's error in the order in which it must be asked; frees it. */
static enum step
judge(const char *what, rd_kafka_error_t *error, struct err *e)
{
	enum step step = STEP_UNKNOWN;
	bool fence;

	if (error == NULL)
		return STEP_DONE;
	fence = is_fence(rd_kafka_error_code(error));
	err_set(e, "%s: %s", what, rd_kafka_error_string(error));
	if (rd_kafka_error_is_fatal(error))
		step = fence ? STEP_FENCED : STEP_UNKNOWN;
	else if (rd_kafka_error_txn_requires_abort(error))
		step = fence ? STEP_ABORT_FENCED : STEP_ABORT;
	else if (rd_kafka_error_is_retriable(error))
		step = STEP_AGAIN;
	rd_kafka_error_destroy(error);
	return step;
}

static bool
overdue(struct txn *t)
{
	if (clock_mono_ms() < t->overdue_at)
		return false;
	err_set(t->e, "the transaction took too long");
	return true;
}

/* --- delivery reports -------------------------------------------------------
 * Opaque = (batch number, index of the touched partition + 1 or 0): a report
 * of a batch that is over must not be taken for one of this. */

static void *
opaque_of(const struct kafka *k, size_t touched)
{
	return (void *)(uintptr_t)((uint64_t)k->batch_seq << 16 | touched);
}

void
kafka_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct kafka *k = opaque;
	uint64_t tag = (uint64_t)(uintptr_t)m->_private;
	size_t touched = tag & 0xffff;
	struct kafka_told told;

	(void)rk;
	if (k->batch == NULL || tag >> 16 != k->batch_seq)
		return;
	if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		k->failed_n++;
		snprintf(k->failed, sizeof(k->failed), "%s[%d]: %s",
		    rd_kafka_topic_name(m->rkt), m->partition,
		    rd_kafka_err2str(m->err));
		return;
	}
	told = kafka_message_read(
	    m, (struct kafka_header[KAFKA_HEADERS_MAX]){{.name = NULL}});
	if (told.append_at > k->batch->append_at)
		k->batch->append_at = told.append_at;
	if (touched > 0)
		k->batch->touched[touched - 1].pos_offset = m->offset;
}

/* --- steps ------------------------------------------------------------------
 */

static enum step
begin(struct txn *t)
{
	enum step step;

	failpoint("commit.begin", NULL);
	step = judge("begin", rd_kafka_begin_transaction(t->k->producer), t->e);
	failpoint("commit.begun", NULL);
	return step;
}

/* Before 2.8.0 the metadata can only be looked into by writing it out:
 * "CGMDv2:", i32 generation as it lies in memory, group NUL, member NUL, ... */
static bool
is_member(const rd_kafka_consumer_group_metadata_t *group)
{
#if RD_KAFKA_VERSION >= 0x020800ff
	return rd_kafka_consumer_group_metadata_generation_id(group) >= 0 &&
	       rd_kafka_consumer_group_metadata_member_id(group)[0] != '\0';
#else
	static const char magic[] = "CGMDv2:";
	const size_t head = sizeof(magic) - 1 + sizeof(int32_t);
	rd_kafka_error_t *error;
	const char *bytes, *member;
	void *buf = NULL;
	int32_t generation;
	bool is = false;
	size_t len;

	error = rd_kafka_consumer_group_metadata_write(group, &buf, &len);
	if (error != NULL) {
		rd_kafka_error_destroy(error);
		return false;
	}
	bytes = buf;
	if (len > head && memcmp(bytes, magic, sizeof(magic) - 1) == 0) {
		memcpy(
		    &generation, bytes + sizeof(magic) - 1, sizeof(generation));
		member = memchr(bytes + head, '\0', len - head);
		is = generation >= 0 && member != NULL &&
		     member + 1 < bytes + len && member[1] != '\0';
	}
	rd_kafka_mem_free(NULL, buf);
	return is;
#endif
}

/* A transaction that says generation -1 and no member is not fenced at all:
 * brokers accept it, for old clients. */
static enum step
capture(struct txn *t)
{
	t->group = rd_kafka_consumer_group_metadata(t->k->member);
	if (t->group != NULL && is_member(t->group))
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
	failpoint("commit.captured", NULL);
	return STEP_DONE;
}

static rd_kafka_headers_t *
headers_of(const struct kafka_out *o)
{
	rd_kafka_headers_t *headers;
	size_t i;

	if (o->headers_n == 0)
		return NULL;
	headers = rd_kafka_headers_new(o->headers_n);
	for (i = 0; i < o->headers_n; i++) {
		rd_kafka_header_add(headers, o->headers[i].name, -1,
		    o->headers[i].value, (ssize_t)o->headers[i].len);
	}
	return headers;
}

static rd_kafka_resp_err_t
produce_once(struct txn *t, const struct kafka_out *o, size_t touched)
{
	rd_kafka_headers_t *headers = headers_of(o);
	rd_kafka_resp_err_t err;

	/* The library copies key and value, and takes the headers over when
	 * it succeeds; it does not write to any. */
	err = rd_kafka_producev(t->k->producer,
	    RD_KAFKA_V_RKT(t->k->topics[o->topic]),
	    RD_KAFKA_V_PARTITION(o->partition),
	    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
	    RD_KAFKA_V_KEY(o->key, o->key_len),
	    RD_KAFKA_V_VALUE((void *)(uintptr_t)o->value, o->value_len),
	    RD_KAFKA_V_HEADERS(headers),
	    RD_KAFKA_V_OPAQUE(opaque_of(t->k, touched)), RD_KAFKA_V_END);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL)
		rd_kafka_headers_destroy(headers);
	return err;
}

static enum step
produce(struct txn *t, const struct kafka_out *o, size_t touched)
{
	rd_kafka_resp_err_t err;

	failpoint("commit.record", topic_name(o->topic));
	while ((err = produce_once(t, o, touched)) ==
	       RD_KAFKA_RESP_ERR__QUEUE_FULL) {
		rd_kafka_poll(t->k->producer, QUEUE_MS);
		if (overdue(t))
			return STEP_UNKNOWN;
	}
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return STEP_DONE;
	err_set(t->e, "record for %s[%d]: %s", topic_name(o->topic),
	    o->partition, rd_kafka_err2str(err));
	return STEP_ABORT;
}

static enum step
produce_all(struct txn *t)
{
	enum step step = STEP_DONE;
	size_t i;

	for (i = 0; i < t->b->out_n && step == STEP_DONE; i++)
		step = produce(t, &t->b->out[i], 0);
	return step;
}

static enum step
produce_pos(struct txn *t)
{
	uint8_t bytes[RECORD_POS_MAX];
	struct record_pos pos;
	struct writer w;
	enum step step = STEP_DONE;
	size_t i;

	for (i = 0; i < t->b->touched_n && step == STEP_DONE; i++) {
		pos.partitions = t->k->partitions_n;
		memcpy(pos.next, t->b->touched[i].next, sizeof(pos.next));
		memcpy(pos.group, t->k->pool, sizeof(pos.group));
		writer_init(&w, bytes, sizeof(bytes));
		record_put_pos(&w, &pos);
		assert(!w.bad);
		step = produce(t,
		    &(struct kafka_out){
			.topic = TOPIC_STATE,
			.partition = t->b->touched[i].partition,
			.key = POS_KEY,
			.key_len = sizeof(POS_KEY) - 1,
			.value = bytes,
			.value_len = w.len,
		    },
		    i + 1);
	}
	failpoint("commit.produced", NULL);
	return step;
}

static rd_kafka_topic_partition_list_t *
offsets_of(const struct txn *t)
{
	rd_kafka_topic_partition_list_t *list =
	    rd_kafka_topic_partition_list_new((int)(t->b->touched_n * LANE_N));
	enum lane lane;
	size_t i;

	for (i = 0; i < t->b->touched_n; i++) {
		for (lane = 0; lane < LANE_N; lane++) {
			/* An empty or invalid list would be "sent" without
			 * asking the broker anything. */
			assert(t->b->touched[i].next[lane] >= 0);
			rd_kafka_topic_partition_list_add(list,
			    rd_kafka_topic_name(
				t->k->topics[kafka_lane_topic(lane)]),
			    t->b->touched[i].partition)
			    ->offset = t->b->touched[i].next[lane];
		}
	}
	return list;
}

/* May be retried, but only with the same arguments. */
static enum step
send_offsets(struct txn *t)
{
	rd_kafka_topic_partition_list_t *list = offsets_of(t);
	enum step step;

	for (;;) {
		step = judge("offsets",
		    rd_kafka_send_offsets_to_transaction(
			t->k->producer, list, t->group, -1),
		    t->e);
		if (step != STEP_AGAIN)
			break;
		rd_kafka_poll(t->k->producer, AGAIN_MS);
		if (overdue(t)) {
			step = STEP_UNKNOWN;
			break;
		}
	}
	rd_kafka_topic_partition_list_destroy(list);
	failpoint("commit.offsets_sent", NULL);
	return step;
}

/* Before the commit, so that a record which was not taken is known to be an
 * abort and not a commit that failed. The first such one ends the wait: those
 * behind it may stay in the queue until the abort. */
static enum step
deliver(struct txn *t)
{
	rd_kafka_resp_err_t err;

	do {
		err = rd_kafka_flush(t->k->producer, FLUSH_MS);
		if (t->k->failed_n > 0) {
			err_set(t->e, "%zu records not delivered, the last: %s",
			    t->k->failed_n, t->k->failed);
			return STEP_ABORT;
		}
		if (overdue(t))
			return STEP_UNKNOWN;
	} while (err != RD_KAFKA_RESP_ERR_NO_ERROR);
	return STEP_DONE;
}

/* From here on only the broker knows: what is not a success and not asked to
 * be repeated is an outcome that we do not know. */
static enum step
commit(struct txn *t)
{
	enum step step;

	failpoint("commit.before", NULL);
	for (;;) {
		step = judge("commit",
		    rd_kafka_commit_transaction(t->k->producer, -1), t->e);
		if (step != STEP_AGAIN)
			break;
		if (overdue(t))
			return STEP_UNKNOWN;
	}
	failpoint("commit.after", NULL);
	if (step == STEP_DONE || step == STEP_FENCED)
		return step;
	return STEP_UNKNOWN;
}

/* --- the whole --------------------------------------------------------------
 */

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
	case STEP_AGAIN:
	case STEP_UNKNOWN:
		break;
	}
	return KAFKA_UNKNOWN;
}

/* The reason for the abort stays in e. */
static enum step
undo(struct txn *t, enum step why)
{
	struct err also;
	enum step step;

	t->overdue_at = clock_mono_ms() + t->k->conf.txn_ms;
	do {
		step = judge("abort",
		    rd_kafka_abort_transaction(t->k->producer, -1), &also);
	} while (step == STEP_AGAIN && clock_mono_ms() < t->overdue_at);
	failpoint("commit.aborted", NULL);
	if (step == STEP_DONE)
		return why;
	*t->e = also;
	return step == STEP_FENCED ? STEP_FENCED : STEP_UNKNOWN;
}

enum kafka_commit_result
kafka_commit(struct kafka *k, struct kafka_batch *b, struct err *e)
{
	static enum step (*const steps[])(struct txn *) = {begin, capture,
	    compare, produce_all, produce_pos, send_offsets, deliver, commit};
	struct txn t = {.k = k,
	    .b = b,
	    .overdue_at = clock_mono_ms() + k->conf.txn_ms - MARGIN_MS,
	    .e = e};
	enum step step = STEP_DONE;
	size_t i;

	assert(b->touched_n > 0);
	b->append_at = 0;
	k->batch = b;
	k->batch_seq++;
	k->failed_n = 0;
	for (i = 0; i < ARRAY_LEN(steps) && step == STEP_DONE; i++)
		step = steps[i](&t);
	if (step == STEP_ABORT || step == STEP_ABORT_FENCED)
		step = undo(&t, step);
	k->batch = NULL;
	if (t.group != NULL)
		rd_kafka_consumer_group_metadata_destroy(t.group);
	return end_of(step);
}

/* Joining comes first, so that a twin of our name learns from the group that
 * it was replaced, and does not take the fence for a reason to come back. */
enum next
kafka_fence(struct kafka *k, struct err *e)
{
	enum step step = judge("taking over the transactional id",
	    rd_kafka_init_transactions(k->producer, -1), e);

	failpoint("fence.after", NULL);
	if (step == STEP_DONE)
		return OK;
	return step == STEP_AGAIN ? RETRY : STOP;
}
