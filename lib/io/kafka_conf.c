/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's door, 1 of 5: settings of the handles, their log lines, and the
 * check of the topics. */
#include "io/kafka_private.h"

#include "io/clock.h"
#include "io/log.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define OPEN_MS	      30000 /* to find the brokers and the topics */
#define STEP_MS	      5000 /* of it, at once: then it is seen who has had enough */
#define SETTLE_MS     5000 /* a new topic may not be known everywhere yet */
#define AGAIN_MS      200
#define LOG_WINDOW_MS 10000
#define LOG_MAX	      20 /* lines of the library in a window */

#define READERS	  (KAFKA_COMMITTED_READER | KAFKA_TRUE_END)
#define CONSUMERS (KAFKA_MEMBER | READERS)

struct setting {
	const char *name;
	const char *value;
	unsigned roles;
};

/* clang-format off */
static const struct setting settings[] = {
	{ "socket.nagle.disable",	"true",		CONSUMERS | KAFKA_PRODUCER },
	{ "allow.auto.create.topics",	"false",	CONSUMERS },
	/* Offsets go into transactions, and never does a lane begin at a guess */
	{ "enable.auto.commit",		"false",	CONSUMERS },
	{ "enable.auto.offset.store",	"false",	CONSUMERS },
	{ "auto.offset.reset",		"error",	CONSUMERS },
	{ "check.crcs",			"true",		CONSUMERS },
	{ "isolation.level",	"read_committed",	KAFKA_MEMBER | KAFKA_COMMITTED_READER },
	{ "isolation.level",	"read_uncommitted",	KAFKA_TRUE_END },
	/* One assignor for all, eager: cooperative ones have bugs in 2.0 */
	{ "partition.assignment.strategy", "range",	KAFKA_MEMBER },
	{ "max.poll.interval.ms",	"60000",	KAFKA_MEMBER },
	/* What is opened anew waits for the fetch that is under way */
	{ "fetch.wait.max.ms",		"100",		KAFKA_MEMBER },
	/* A question to a broker that has just died ends by this alone: 60 s is
	 * the default */
	{ "socket.timeout.ms",		"5000",		READERS },
	/* Restore: a queue that is full sleeps for a second, and the end of the
	 * log is told only after an empty fetch */
	{ "enable.partition.eof",	"true",		KAFKA_COMMITTED_READER },
	{ "queued.max.messages.kbytes",	"16384",	KAFKA_COMMITTED_READER },
	{ "fetch.wait.max.ms",		"10",		KAFKA_COMMITTED_READER },
	/* Behind a commit the next transaction waits for the markers of the
	 * last: ask again soon */
	{ "retry.backoff.ms",		"10",		KAFKA_PRODUCER },
	{ "linger.ms",			"5",		KAFKA_PRODUCER },
	{ "queue.buffering.max.kbytes",	"65536",	KAFKA_PRODUCER },
	/* A dead letter is a whole record and more; batches stay at 1 MB */
	{ "message.max.bytes",		"2097152",	KAFKA_PRODUCER },
};
/* clang-format on */

/* --- log lines of the library ---------------------------------------------
 * They come from its threads, and while a broker is away by the dozen. */

static _Atomic int64_t log_window;
static atomic_uint log_n;

/* The library counts as syslog(3) does; its header's names are not those of
 * io/log.h. */
enum { SYSLOG_ERROR = 3, SYSLOG_WARNING = 4, SYSLOG_DEBUG = 7 };

static enum log_level
level_of(int syslog_level)
{
	if (syslog_level <= SYSLOG_ERROR)
		return LOG_ERROR;
	return syslog_level == SYSLOG_WARNING ? LOG_WARN : LOG_INFO;
}

static void
logged(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
	int64_t window = clock_mono_ms() / LOG_WINDOW_MS;

	if (atomic_exchange(&log_window, window) != window)
		atomic_store(&log_n, 0);
	if (level >= SYSLOG_DEBUG || atomic_fetch_add(&log_n, 1) >= LOG_MAX)
		return;
	log_line(level_of(level), "kafka.library",
	    FIELDS(TEXT("handle", rk == NULL ? "" : rd_kafka_name(rk)),
		TEXT("facility", fac), TEXT("text", text)));
}

/* What a handle without an error callback would say late, when its queue is
 * served, was logged when it happened. */
static void
said(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	(void)rk;
	(void)err;
	(void)reason;
	(void)opaque;
}

/* --- settings --------------------------------------------------------------
 */

static bool
set(rd_kafka_conf_t *rc, const char *name, const char *value, struct err *e)
{
	char why[200];

	if (rd_kafka_conf_set(rc, name, value, why, sizeof(why)) ==
	    RD_KAFKA_CONF_OK)
		return true;
	err_set(e, "Kafka setting %s = %s: %s", name, value, why);
	return false;
}

static bool
set_ms(rd_kafka_conf_t *rc, const char *name, int64_t ms, struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)ms);
	return set(rc, name, text, e);
}

static bool
set_member(rd_kafka_conf_t *rc, const struct kafka_conf *conf, struct err *e)
{
	char name[200];
	int64_t beat_ms = conf->session_ms / 3;

	snprintf(name, sizeof(name), "%s-%s", conf->pool, conf->slot);
	return set(rc, "group.instance.id", name, e) &&
	       set_ms(rc, "session.timeout.ms", conf->session_ms, e) &&
	       set_ms(rc, "heartbeat.interval.ms",
		   beat_ms < 3000 ? beat_ms : 3000, e) &&
	       set_ms(rc, "queued.max.messages.kbytes", conf->queue_kb, e);
}

static bool
set_producer(rd_kafka_conf_t *rc, const struct kafka_conf *conf, struct err *e)
{
	char name[200];

	snprintf(name, sizeof(name), "%s-%s", conf->pool, conf->slot);
	return set(rc, "transactional.id", name, e) &&
	       set_ms(rc, "transaction.timeout.ms", conf->txn_ms, e) &&
	       set(rc, "compression.type", conf->compression, e);
}

static bool
set_all(rd_kafka_conf_t *rc, enum kafka_role role,
    const struct kafka_conf *conf, struct err *e)
{
	size_t i;

	if (!set(rc, "bootstrap.servers", conf->brokers, e))
		return false;
	for (i = 0; i < ARRAY_LEN(settings); i++) {
		if ((settings[i].roles & role) != 0 &&
		    !set(rc, settings[i].name, settings[i].value, e))
			return false;
	}
	if (role == KAFKA_PRODUCER)
		return set_producer(rc, conf, e);
	if (!set(rc, "group.id", conf->pool, e))
		return false;
	return role != KAFKA_MEMBER || set_member(rc, conf, e);
}

rd_kafka_conf_t *
kafka_conf_new(enum kafka_role role, const struct kafka_conf *conf,
    void *opaque, struct err *e)
{
	rd_kafka_conf_t *rc = rd_kafka_conf_new();

	if (!set_all(rc, role, conf, e)) {
		rd_kafka_conf_destroy(rc);
		return NULL;
	}
	rd_kafka_conf_set_opaque(rc, opaque);
	rd_kafka_conf_set_log_cb(rc, logged);
	rd_kafka_conf_set_error_cb(rc, said);
	return rc;
}

enum next
kafka_handle_new(
    rd_kafka_t **out, enum kafka_role role, rd_kafka_conf_t *rc, struct err *e)
{
	char why[300];

	*out = rd_kafka_new(
	    role == KAFKA_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, rc,
	    why, sizeof(why));
	if (*out != NULL)
		return OK;
	rd_kafka_conf_destroy(rc);
	err_set(e, "Kafka: %s", why);
	return STOP;
}

/* --- topics ----------------------------------------------------------------
 */

enum topic
kafka_lane_topic(enum lane lane)
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
	return TOPIC_N;
}

/* OK, RETRY (Kafka is not ready to say), REJECT (is not there, perhaps not yet)
 * or STOP. */
static enum next
judge(const rd_kafka_metadata_topic_t *t, int32_t partitions_n, struct err *e)
{
	switch (t->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		break;
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
		err_set(e, "topic %s: %s; run: domainproof topics apply",
		    t->topic, rd_kafka_err2str(t->err));
		return REJECT;
	default:
		err_set(e, "topic %s: %s", t->topic, rd_kafka_err2str(t->err));
		return RETRY;
	}
	if (t->partition_cnt == partitions_n &&
	    t->partition_cnt <= KAFKA_PARTITIONS_MAX)
		return OK;
	err_set(e,
	    "topic %s has %d partitions; all topics must have the same number "
	    "of them (others: %d), at most %d; run: domainproof topics plan",
	    t->topic, t->partition_cnt, partitions_n, KAFKA_PARTITIONS_MAX);
	return STOP;
}

/* The number that most topics have, so that the odd one is named, in whatever
 * order the broker lists them. */
static int32_t
usual_partitions(const struct rd_kafka_metadata *md)
{
	int32_t usual = 0;
	int most = 0;

	for (int i = 0; i < md->topic_cnt; i++) {
		int same = 0;

		for (int k = 0; k < md->topic_cnt; k++)
			same += md->topics[k].partition_cnt ==
				md->topics[i].partition_cnt;
		if (md->topics[i].partition_cnt > 0 && same > most) {
			most = same;
			usual = md->topics[i].partition_cnt;
		}
	}
	return usual;
}

/* One question for all topics that the handle knows. */
static enum next
ask(rd_kafka_t *rk, size_t n, int32_t *partitions_n, int64_t due, struct err *e)
{
	const struct rd_kafka_metadata *md;
	rd_kafka_resp_err_t err;
	int64_t left_ms = due - clock_mono_ms();
	enum next next = OK;

	*partitions_n = 0;
	if (left_ms > STEP_MS)
		left_ms = STEP_MS;
	err = rd_kafka_metadata(
	    rk, 0, NULL, &md, left_ms > AGAIN_MS ? (int)left_ms : AGAIN_MS);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		err_set(e, "Kafka: %s", rd_kafka_err2str(err));
		return RETRY;
	}
	if ((size_t)md->topic_cnt < n) {
		err_set(
		    e, "Kafka told of %d topics out of %zu", md->topic_cnt, n);
		next = RETRY;
	}
	*partitions_n = usual_partitions(md);
	for (int i = 0; i < md->topic_cnt && next == OK; i++)
		next = judge(&md->topics[i], *partitions_n, e);
	rd_kafka_metadata_destroy(md);
	return next;
}

static void
sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000,
		      .tv_nsec = ms % 1000 * 1000000},
	    NULL);
}

static bool
told_to_stop(const struct kafka_conf *conf)
{
	struct pollfd fd = {.fd = conf->stop_fd, .events = POLLIN};

	return conf->stop_fd > 0 && poll(&fd, 1, 0) > 0;
}

static enum next
ask_until(rd_kafka_t *rk, const struct kafka_conf *conf, size_t n,
    int32_t *partitions_n, struct err *e)
{
	int64_t begin = clock_mono_ms(), now;
	enum next next;

	for (;;) {
		next = ask(rk, n, partitions_n, begin + OPEN_MS, e);
		now = clock_mono_ms();
		if (next == OK || next == STOP)
			return next;
		if (next == REJECT && now - begin >= SETTLE_MS)
			return STOP;
		if (told_to_stop(conf)) {
			err_set(e, "told to stop while Kafka was looked for");
			return RETRY;
		}
		if (now - begin >= OPEN_MS)
			return RETRY;
		sleep_ms(AGAIN_MS);
	}
}

enum next
kafka_topics_warm(rd_kafka_t *rk, const struct kafka_conf *conf, size_t n,
    rd_kafka_topic_t **topics, int32_t *partitions_n, struct err *e)
{
	char name[KAFKA_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s%s", conf->prefix,
		    topic_name((enum topic)i));
		topics[i] = rd_kafka_topic_new(rk, name, NULL);
		if (topics[i] == NULL) {
			err_set(e, "topic %s: %s", name,
			    rd_kafka_err2str(rd_kafka_last_error()));
			return STOP;
		}
	}
	return ask_until(rk, conf, n, partitions_n, e);
}

static enum next
judge_time(const rd_kafka_ConfigResource_t *r, struct err *e)
{
	const char *topic = rd_kafka_ConfigResource_name(r), *value = "unknown";
	const rd_kafka_ConfigEntry_t **entries;
	size_t i, n;

	if (rd_kafka_ConfigResource_error(r) != RD_KAFKA_RESP_ERR_NO_ERROR) {
		err_set(e, "settings of topic %s: %s", topic,
		    rd_kafka_ConfigResource_error_string(r));
		return RETRY;
	}
	entries = rd_kafka_ConfigResource_configs(r, &n);
	for (i = 0; i < n; i++) {
		if (strcmp(rd_kafka_ConfigEntry_name(entries[i]),
			"message.timestamp.type") == 0)
			value = rd_kafka_ConfigEntry_value(entries[i]);
	}
	if (value != NULL && strcmp(value, "LogAppendTime") == 0)
		return OK;
	err_set(e,
	    "topic %s has message.timestamp.type=%s, deadlines need "
	    "LogAppendTime; run: domainproof topics apply",
	    topic, value == NULL ? "" : value);
	return STOP;
}

static enum next
judge_times(rd_kafka_event_t *ev, struct err *e)
{
	const rd_kafka_ConfigResource_t **res;
	enum next next = OK;
	size_t i, n = 0;

	if (ev != NULL && rd_kafka_event_error(ev) ==
			      RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE) {
		log_line(LOG_WARN, "kafka.time_unchecked", NULL);
		return OK; /* no broker of Apache Kafka says that */
	}
	if (ev == NULL || rd_kafka_event_error(ev) != 0) {
		err_set(e, "settings of the topics: %s",
		    ev == NULL ? "no answer" : rd_kafka_event_error_string(ev));
		return RETRY;
	}
	res = rd_kafka_DescribeConfigs_result_resources(
	    rd_kafka_event_DescribeConfigs_result(ev), &n);
	for (i = 0; i < n && next == OK; i++)
		next = judge_time(res[i], e);
	return next;
}

/* To the broker that is known to answer: every one of them knows the settings
 * of topics, and the controller may be away. */
static rd_kafka_AdminOptions_t *
to_any_broker(rd_kafka_t *rk, rd_kafka_topic_t *topic)
{
	rd_kafka_AdminOptions_t *opt =
	    rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	const struct rd_kafka_metadata *md;

	if (rd_kafka_metadata(rk, 0, topic, &md, STEP_MS) !=
	    RD_KAFKA_RESP_ERR_NO_ERROR)
		return opt;
	rd_kafka_AdminOptions_set_broker(opt, md->orig_broker_id, NULL, 0);
	rd_kafka_metadata_destroy(md);
	return opt;
}

static rd_kafka_event_t *
await(rd_kafka_queue_t *q, const struct kafka_conf *conf)
{
	int64_t until = clock_mono_ms() + OPEN_MS;
	rd_kafka_event_t *ev = NULL;

	while (ev == NULL && clock_mono_ms() < until && !told_to_stop(conf))
		ev = rd_kafka_queue_poll(q, AGAIN_MS);
	return ev;
}

enum next
kafka_topics_time(rd_kafka_t *rk, const struct kafka_conf *conf,
    rd_kafka_topic_t *const *topics, struct err *e)
{
	rd_kafka_ConfigResource_t *res[TOPIC_N];
	rd_kafka_AdminOptions_t *opt = to_any_broker(rk, topics[0]);
	rd_kafka_queue_t *q = rd_kafka_queue_new(rk);
	rd_kafka_event_t *ev;
	enum next next;
	size_t i;

	for (i = 0; i < TOPIC_N; i++) {
		res[i] = rd_kafka_ConfigResource_new(
		    RD_KAFKA_RESOURCE_TOPIC, rd_kafka_topic_name(topics[i]));
	}
	rd_kafka_DescribeConfigs(rk, res, TOPIC_N, opt, q);
	ev = await(q, conf);
	next = judge_times(ev, e);
	if (ev != NULL)
		rd_kafka_event_destroy(ev);
	rd_kafka_ConfigResource_destroy_array(res, TOPIC_N);
	rd_kafka_queue_destroy(q);
	rd_kafka_AdminOptions_destroy(opt);
	return next;
}

/* --- messages --------------------------------------------------------------
 */

static size_t
read_headers(const rd_kafka_message_t *m, struct kafka_header *out)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t n;

	if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	for (n = 0; n < KAFKA_HEADERS_MAX; n++) {
		if (rd_kafka_header_get_all(headers, n, &out[n].name, &value,
			&out[n].len) != RD_KAFKA_RESP_ERR_NO_ERROR)
			break;
		out[n].value = value;
	}
	return n;
}

struct kafka_told
kafka_message_read(const rd_kafka_message_t *m, struct kafka_header *headers)
{
	rd_kafka_timestamp_type_t type;
	int64_t at = rd_kafka_message_timestamp(m, &type);

	return (struct kafka_told){
	    .append_at = type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? at : 0,
	    .headers_n = read_headers(m, headers),
	};
}
