/* SPDX-License-Identifier: Apache-2.0 */
/* The probe on a real broker: raw librdkafka, topics of its own that are
 * deleted again. The brokers come from the environment, as `ops/stack env`
 * prints it; without them every rule fails. */
#include "tests/conformance/rules.h"

#include "io/kafka_private.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 30000
#define ID_MAX	 200

struct probe_txn {
	rd_kafka_t *rk;
};

static char prefix[64], pool[64], slot_id[ID_MAX];
static rd_kafka_t *client; /* posts, and administers */

static const char *
brokers(void)
{
	const char *text = getenv("KAFKA_BROKERS");

	if (text == NULL)
		text = getenv("KAFKA");
	if (text == NULL)
		fail_msg("no broker: eval \"$(ops/stack env)\" first");
	return text;
}

static const char *
name_of(enum topic topic)
{
	static char name[KAFKA_NAME_MAX + 1];

	snprintf(name, sizeof(name), "%s%s", prefix, topic_name(topic));
	return name;
}

static void
set(rd_kafka_conf_t *rc, const char *name, const char *value)
{
	char why[200];

	if (rd_kafka_conf_set(rc, name, value, why, sizeof(why)) !=
	    RD_KAFKA_CONF_OK)
		fail_msg("%s: %s", name, why);
}

static void
delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	int64_t *offset = m->_private;

	(void)rk;
	(void)opaque;
	*offset = m->err == RD_KAFKA_RESP_ERR_NO_ERROR ? m->offset : -2;
}

/* A producer; transactional when id is given. */
static rd_kafka_t *
producer(const char *id)
{
	rd_kafka_conf_t *rc = rd_kafka_conf_new();
	char why[200];
	rd_kafka_t *rk;

	set(rc, "bootstrap.servers", brokers());
	set(rc, "linger.ms", "0");
	if (id != NULL) {
		set(rc, "transactional.id", id);
		set(rc, "transaction.timeout.ms", "20000");
	}
	rd_kafka_conf_set_dr_msg_cb(rc, delivered);
	rd_kafka_conf_set_log_cb(rc, NULL);
	rk = rd_kafka_new(RD_KAFKA_PRODUCER, rc, why, sizeof(why));
	if (rk == NULL)
		fail_msg("%s", why);
	return rk;
}

/* --- administration ---------------------------------------------------------
 */

/* Waits for the answer of an admin call; its event, to be destroyed. */
static rd_kafka_event_t *
answer_of(rd_kafka_queue_t *q, const char *what)
{
	rd_kafka_event_t *ev = rd_kafka_queue_poll(q, LIMIT_MS);

	if (ev == NULL || rd_kafka_event_error(ev) != 0)
		fail_msg("%s: %s", what,
		    ev == NULL ? "no answer" : rd_kafka_event_error_string(ev));
	return ev;
}

static void
create_done(rd_kafka_event_t *ev)
{
	const rd_kafka_topic_result_t **results;
	size_t i, n;

	results = rd_kafka_CreateTopics_result_topics(
	    rd_kafka_event_CreateTopics_result(ev), &n);
	for (i = 0; i < n; i++) {
		if (rd_kafka_topic_result_error(results[i]) != 0)
			fail_msg("%s: %s",
			    rd_kafka_topic_result_name(results[i]),
			    rd_kafka_topic_result_error_string(results[i]));
	}
}

static rd_kafka_NewTopic_t *
new_topic(enum topic topic, int32_t partitions_n, bool create_time)
{
	char why[200];
	rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(
	    name_of(topic), partitions_n, 1, why, sizeof(why));

	if (t == NULL)
		fail_msg("%s: %s", name_of(topic), why);
	rd_kafka_NewTopic_set_config(t, "message.timestamp.type",
	    create_time ? "CreateTime" : "LogAppendTime");
	if (topic != TOPIC_STATE)
		return t;
	rd_kafka_NewTopic_set_config(t, "cleanup.policy", "compact");
	rd_kafka_NewTopic_set_config(t, "segment.ms", "200");
	rd_kafka_NewTopic_set_config(t, "min.cleanable.dirty.ratio", "0.01");
	return t;
}

/* The last topic is the one that is made wrong, if any is. */
static void
create(int32_t partitions_n, const enum probe_fault *fault)
{
	rd_kafka_NewTopic_t *topics[TOPIC_N];
	rd_kafka_queue_t *q = rd_kafka_queue_new(client);
	rd_kafka_event_t *ev;
	size_t i, n = 0;

	for (i = 0; i < TOPIC_N; i++) {
		bool wrong = fault != NULL && i == TOPIC_N - 1;

		if (wrong && *fault == PROBE_NO_TOPIC)
			continue;
		topics[n++] = new_topic((enum topic)i,
		    partitions_n + (wrong && *fault == PROBE_PARTITIONS),
		    wrong && *fault == PROBE_CREATE_TIME);
	}
	rd_kafka_CreateTopics(client, topics, n, NULL, q);
	ev = answer_of(q, "creating topics");
	create_done(ev);
	rd_kafka_event_destroy(ev);
	rd_kafka_NewTopic_destroy_array(topics, n);
	rd_kafka_queue_destroy(q);
}

static void
begin(int32_t partitions_n, const enum probe_fault *fault)
{
	static unsigned n;

	n++;
	snprintf(prefix, sizeof(prefix), "rules-%ld-%lld-%u.", (long)getpid(),
	    (long long)time(NULL), n);
	snprintf(pool, sizeof(pool), "rules-%ld-%lld-%u", (long)getpid(),
	    (long long)time(NULL), n);
	client = producer(NULL);
	create(partitions_n, fault);
}

void
probe_begin(int32_t partitions_n)
{
	begin(partitions_n, NULL);
}

void
probe_begin_wrong(enum probe_fault fault)
{
	begin(2, &fault);
}

void
probe_end(void)
{
	rd_kafka_DeleteTopic_t *topics[TOPIC_N];
	rd_kafka_queue_t *q;
	size_t i;

	if (client == NULL)
		return;
	q = rd_kafka_queue_new(client);
	for (i = 0; i < TOPIC_N; i++)
		topics[i] = rd_kafka_DeleteTopic_new(name_of((enum topic)i));
	rd_kafka_DeleteTopics(client, topics, TOPIC_N, NULL, q);
	rd_kafka_event_destroy(answer_of(q, "deleting topics"));
	rd_kafka_DeleteTopic_destroy_array(topics, TOPIC_N);
	rd_kafka_queue_destroy(q);
	rd_kafka_destroy(client);
	client = NULL;
}

void
probe_retain(enum topic topic, int32_t partition, int64_t low)
{
	rd_kafka_topic_partition_list_t *list =
	    rd_kafka_topic_partition_list_new(1);
	rd_kafka_queue_t *q = rd_kafka_queue_new(client);
	rd_kafka_DeleteRecords_t *del;
	rd_kafka_event_t *ev;

	rd_kafka_topic_partition_list_add(list, name_of(topic), partition)
	    ->offset = low;
	del = rd_kafka_DeleteRecords_new(list);
	rd_kafka_DeleteRecords(client, &del, 1, NULL, q);
	ev = answer_of(q, "deleting records");
	assert_int_equal(rd_kafka_DeleteRecords_result_offsets(
			     rd_kafka_event_DeleteRecords_result(ev))
			     ->elems[0]
			     .err,
	    0);
	rd_kafka_event_destroy(ev);
	rd_kafka_DeleteRecords_destroy(del);
	rd_kafka_queue_destroy(q);
	rd_kafka_topic_partition_list_destroy(list);
}

struct kafka_conf
probe_conf(const char *slot)
{
	return (struct kafka_conf){.brokers = brokers(),
	    .prefix = prefix,
	    .pool = pool,
	    .slot = slot,
	    .session_ms = 6000,
	    .txn_ms = 10000,
	    .queue_kb = 1024,
	    .compression = "none"};
}

const char *
probe_id(const char *slot)
{
	snprintf(slot_id, sizeof(slot_id), "%s-%s", pool, slot);
	return slot_id;
}

void
probe_pass(int64_t ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000,
		      .tv_nsec = ms % 1000 * 1000000},
	    NULL);
}

/* --- records ----------------------------------------------------------------
 */

static rd_kafka_headers_t *
headers_of(const struct kafka_out *o)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(o->headers_n);
	size_t i;

	for (i = 0; i < o->headers_n; i++) {
		rd_kafka_header_add(headers, o->headers[i].name, -1,
		    o->headers[i].value, (ssize_t)o->headers[i].len);
	}
	return headers;
}

/* -2: not taken. */
static int64_t
append(rd_kafka_t *rk, const struct kafka_out *o)
{
	int64_t offset = -1;
	int tries;
	rd_kafka_resp_err_t err =
	    rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(name_of(o->topic)),
		RD_KAFKA_V_PARTITION(o->partition),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_KEY(o->key, o->key_len),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)o->value, o->value_len),
		RD_KAFKA_V_HEADERS(headers_of(o)), RD_KAFKA_V_OPAQUE(&offset),
		RD_KAFKA_V_END);

	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return -2;
	for (tries = 0; offset == -1 && tries < LIMIT_MS / 100; tries++)
		rd_kafka_poll(rk, 100);
	return offset;
}

int64_t
probe_post(const struct kafka_out *record)
{
	int64_t offset = append(client, record);

	if (offset < 0)
		fail_msg(
		    "a record for %s was not taken", topic_name(record->topic));
	return offset;
}

/* A segment that is written to is never compacted: closes it, and leaves the
 * rest to the broker's cleaner. */
void
probe_compact(enum topic topic, int32_t partition)
{
	probe_pass(300); /* > segment.ms */
	probe_post(&(struct kafka_out){.topic = topic,
	    .partition = partition,
	    .key = "roll",
	    .key_len = 4,
	    .value = "",
	    .value_len = 0});
}

/* --- transactions -----------------------------------------------------------
 */

static enum probe_answer
answer(rd_kafka_error_t *error)
{
	enum probe_answer a = PROBE_OK;

	if (error == NULL)
		return PROBE_OK;
	if (rd_kafka_error_is_fatal(error))
		a = PROBE_FENCED;
	else if (rd_kafka_error_txn_requires_abort(error))
		a = PROBE_REFUSED;
	else
		fail_msg("%s", rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
	return a;
}

struct probe_txn *
probe_txn_new(const char *id)
{
	struct probe_txn *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->rk = producer(id);
	assert_int_equal(
	    answer(rd_kafka_init_transactions(t->rk, -1)), PROBE_OK);
	return t;
}

enum probe_answer
probe_txn_begin(struct probe_txn *t)
{
	return answer(rd_kafka_begin_transaction(t->rk));
}

enum probe_answer
probe_txn_produce(struct probe_txn *t, enum topic topic, int32_t partition,
    const char *key, const char *value)
{
	int64_t offset = append(t->rk, &(struct kafka_out){.topic = topic,
					   .partition = partition,
					   .key = key,
					   .key_len = strlen(key),
					   .value = value,
					   .value_len = strlen(value)});

	if (offset >= 0)
		return PROBE_OK;
	return rd_kafka_fatal_error(t->rk, NULL, 0) ? PROBE_FENCED
						    : PROBE_REFUSED;
}

enum probe_answer
probe_txn_commit(struct probe_txn *t)
{
	return answer(rd_kafka_commit_transaction(t->rk, -1));
}

enum probe_answer
probe_txn_abort(struct probe_txn *t)
{
	return answer(rd_kafka_abort_transaction(t->rk, -1));
}

void
probe_txn_free(struct probe_txn *t)
{
	rd_kafka_destroy(t->rk);
	free(t);
}

struct probe_group *
probe_group_of(struct kafka *k)
{
	return (struct probe_group *)rd_kafka_consumer_group_metadata(
	    k->member);
}

struct probe_group *
probe_group_none(void)
{
	return (struct probe_group *)rd_kafka_consumer_group_metadata_new(pool);
}

void
probe_group_free(struct probe_group *g)
{
	rd_kafka_consumer_group_metadata_destroy(
	    (rd_kafka_consumer_group_metadata_t *)g);
}

enum probe_answer
probe_txn_offset(struct probe_txn *t, const struct probe_group *g,
    enum lane lane, int32_t partition, int64_t next)
{
	rd_kafka_topic_partition_list_t *list =
	    rd_kafka_topic_partition_list_new(1);
	enum probe_answer a;

	rd_kafka_topic_partition_list_add(
	    list, name_of(kafka_lane_topic(lane)), partition)
	    ->offset = next;
	a = answer(rd_kafka_send_offsets_to_transaction(
	    t->rk, list, (const rd_kafka_consumer_group_metadata_t *)g, -1));
	rd_kafka_topic_partition_list_destroy(list);
	return a;
}

/* --- a process of its own ---------------------------------------------------
 * This program again: "killed|stopped PREFIX POOL SLOT PLACE". Its exit code is
 * RESULT_BASE + how its commit ended. */

#define RESULT_BASE 20

static const char *strike_place;
static int strike_signal;

static void
struck(const char *name, const char *detail)
{
	(void)detail;
	if (strcmp(name, strike_place) != 0)
		return;
	probe_at = NULL;
	kill(getpid(), strike_signal);
}

void
probe_main(int argc, char **argv)
{
	struct kafka *k;
	struct batch b;

	if (argc != 6)
		return;
	snprintf(prefix, sizeof(prefix), "%s", argv[2]);
	snprintf(pool, sizeof(pool), "%s", argv[3]);
	k = join(argv[4]);
	batch_init(&b, k, 0, "dead");
	strike_place = argv[5];
	strike_signal = strcmp(argv[1], "killed") == 0 ? SIGKILL : SIGSTOP;
	probe_at = struck;
	_exit(RESULT_BASE + (int)commit(k, &b));
}

static pid_t
start(const char *how, const char *slot, const char *place)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	execl("/proc/self/exe", "rules", how, prefix, pool, slot, place, NULL);
	_exit(127);
}

static int
status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	return status;
}

void
probe_killed_at(const char *slot, const char *place)
{
	int status = status_of(start("killed", slot, place));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

enum kafka_commit_result
probe_stopped_at(const char *slot, const char *place, void (*meanwhile)(void))
{
	pid_t pid = start("stopped", slot, place);
	int status = status_of(pid);

	assert_true(WIFSTOPPED(status));
	meanwhile();
	kill(pid, SIGCONT);
	status = status_of(pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) >= RESULT_BASE);
	return (enum kafka_commit_result)(WEXITSTATUS(status) - RESULT_BASE);
}
