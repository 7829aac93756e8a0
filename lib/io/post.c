/* SPDX-License-Identifier: Apache-2.0 */
/* See post.h. librdkafka's idempotent producer; murmur2_random puts a domain
 * where the Java client and our workers expect it. */
#include "io/post.h"

#include "io/clock.h"

#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POST_LINGER_MS 5
#define POST_QUEUE_N   20000 /* messages kept; then post_send says RETRY */
#define POST_QUEUE_KB  65536
#define POST_TRY_MS    1500 /* for an answer to the first question */
#define POST_CLOSE_MS  1000
#define POST_WHY_MAX   200
#define POST_NAME_MAX  160

static const enum topic post_topic[] = {TOPIC_JOBS, TOPIC_BULK};

struct post {
	rd_kafka_t *k;
	rd_kafka_topic_t *topic[TOPIC_N]; /* NULL: not ours to post to */
	struct post_conf conf;
	post_done_fn *done;
	void *arg;
	char brokers[POST_WHY_MAX];
	char why[POST_WHY_MAX]; /* the last trouble librdkafka told, or "" */
};

/* librdkafka would print on stderr; the last line serves as the reason. */
static void
on_error(rd_kafka_t *k, int code, const char *reason, void *arg)
{
	struct post *p = arg;

	(void)k;
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && p->why[0] != '\0')
		return;
	snprintf(p->why, sizeof(p->why), "%s", reason);
}

static void
on_log(const rd_kafka_t *k, int level, const char *facility, const char *text)
{
	(void)k, (void)level, (void)facility, (void)text;
}

static void
on_done(rd_kafka_t *k, const rd_kafka_message_t *m, void *arg)
{
	struct post *p = arg;
	struct err e = {0};

	(void)k;
	if (m->err == 0) {
		p->done(p->arg, m->_private, true, m->partition, m->offset, &e);
		return;
	}
	err_set(&e, "Kafka at %s did not take it into %s: %s%s%s", p->brokers,
	    rd_kafka_topic_name(m->rkt), rd_kafka_err2str(m->err),
	    p->why[0] != '\0' ? "; last seen: " : "", p->why);
	p->done(p->arg, m->_private, false, -1, -1, &e);
}

static bool
set(rd_kafka_conf_t *c, const char *name, const char *value, struct err *e)
{
	char why[POST_WHY_MAX];

	if (rd_kafka_conf_set(c, name, value, why, sizeof(why)) ==
	    RD_KAFKA_CONF_OK)
		return true;
	err_set(e, "Kafka setting %s = %.80s: %s", name, value, why);
	return false;
}

static bool
set_number(rd_kafka_conf_t *c, const char *name, int64_t v, struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	return set(c, name, text, e);
}

static bool
configure(struct post *p, rd_kafka_conf_t *c, struct err *e)
{
	rd_kafka_conf_set_opaque(c, p);
	rd_kafka_conf_set_dr_msg_cb(c, on_done);
	rd_kafka_conf_set_error_cb(c, on_error);
	rd_kafka_conf_set_log_cb(c, on_log);
	return set(c, "bootstrap.servers", p->conf.brokers, e) &&
	       set(c, "client.id", "domainproof", e) &&
	       set(c, "enable.idempotence", "true", e) &&
	       set(c, "acks", "all", e) &&
	       set(c, "partitioner", "murmur2_random", e) &&
	       set(c, "socket.nagle.disable", "true", e) &&
	       set_number(c, "linger.ms", POST_LINGER_MS, e) &&
	       set_number(c, "retry.backoff.ms", 20, e) &&
	       set_number(c, "reconnect.backoff.max.ms", 1000, e) &&
	       set_number(c, "queue.buffering.max.messages", POST_QUEUE_N, e) &&
	       set_number(c, "queue.buffering.max.kbytes", POST_QUEUE_KB, e) &&
	       set_number(c, "message.timeout.ms", p->conf.timeout_ms, e);
}

static enum next
start(struct post *p, struct err *e)
{
	rd_kafka_conf_t *c = rd_kafka_conf_new();
	char why[POST_WHY_MAX];

	if (!configure(p, c, e)) {
		rd_kafka_conf_destroy(c);
		return STOP;
	}
	p->k = rd_kafka_new(RD_KAFKA_PRODUCER, c, why, sizeof(why));
	if (p->k == NULL) {
		rd_kafka_conf_destroy(c);
		err_set(e, "Kafka at %s: %s", p->brokers, why);
		return STOP;
	}
	for (size_t i = 0; i < ARRAY_LEN(post_topic); i++) {
		char name[POST_NAME_MAX];

		snprintf(name, sizeof(name), "%s%s", p->conf.prefix,
		    topic_name(post_topic[i]));
		p->topic[post_topic[i]] = rd_kafka_topic_new(p->k, name, NULL);
		if (p->topic[post_topic[i]] == NULL) {
			err_set(e, "'%.80s' is no name of a topic", name);
			return STOP;
		}
	}
	return OK;
}

/* Asks for both topics, so that the first message need not wait for them. A
 * broker that says nothing gets the whole time, one that refuses a try. */
static enum next
greet(struct post *p, struct err *e)
{
	const struct rd_kafka_metadata *md;
	int64_t until = clock_mono_ms() + p->conf.timeout_ms;
	rd_kafka_resp_err_t said;
	enum next next = OK;

	do {
		said = rd_kafka_metadata(p->k, 0, NULL, &md, POST_TRY_MS);
		(void)rd_kafka_poll(p->k, 0);
	} while (said == RD_KAFKA_RESP_ERR__TRANSPORT && p->why[0] == '\0' &&
		 clock_mono_ms() < until);
	if (said != 0) {
		err_set(e, "Kafka at %s does not answer: %s; is it running?",
		    p->brokers,
		    p->why[0] != '\0' ? p->why : rd_kafka_err2str(said));
		return RETRY;
	}
	for (int i = 0; i < md->topic_cnt && next == OK; i++) {
		const rd_kafka_metadata_topic_t *t = &md->topics[i];

		if (t->err == 0 && t->partition_cnt > 0)
			continue;
		err_set(e,
		    "Kafka at %s: topic %s: %s; make it with: "
		    "domainproof topics apply",
		    p->brokers, t->topic,
		    t->err != 0 ? rd_kafka_err2str(t->err) : "no partitions");
		next = RETRY;
	}
	rd_kafka_metadata_destroy(md);
	return next;
}

enum next
post_open(struct post **out, const struct post_conf *conf, post_done_fn *done,
    void *arg, struct err *e)
{
	struct post *p = calloc(1, sizeof(*p));
	enum next next;

	*out = NULL;
	if (p == NULL) {
		err_set(e, "post: memory is out");
		return STOP;
	}
	p->conf = *conf;
	p->done = done;
	p->arg = arg;
	snprintf(p->brokers, sizeof(p->brokers), "%s", conf->brokers);
	next = start(p, e);
	if (next == OK)
		next = greet(p, e);
	if (next != OK) {
		post_close(p);
		return next;
	}
	*out = p;
	return OK;
}

enum next
post_send(struct post *p, enum topic lane, const char *key, const void *value,
    size_t len, void *message_arg, struct err *e)
{
	rd_kafka_resp_err_t said;

	said = rd_kafka_producev(p->k, RD_KAFKA_V_RKT(p->topic[lane]),
	    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
	    RD_KAFKA_V_KEY(key, strlen(key)),
	    /* its contract is read only, its type is not */
	    RD_KAFKA_V_VALUE((void *)(uintptr_t)value, len),
	    RD_KAFKA_V_HEADER(
		"content-type", "application/cloudevents+json", -1),
	    RD_KAFKA_V_OPAQUE(message_arg), RD_KAFKA_V_END);
	if (said == 0)
		return OK;
	err_set(e, "Kafka at %s: %s", p->brokers, rd_kafka_err2str(said));
	if (said == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return RETRY;
	return said == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? REJECT : STOP;
}

void
post_serve(struct post *p, int64_t wait_ms)
{
	(void)rd_kafka_poll(p->k, (int)wait_ms);
}

enum next
post_flush(struct post *p, int64_t limit_ms, struct err *e)
{
	if (rd_kafka_flush(p->k, (int)limit_ms) == 0)
		return OK;
	err_set(e, "Kafka at %s has not acknowledged %d messages%s%s",
	    p->brokers, rd_kafka_outq_len(p->k), p->why[0] != '\0' ? ": " : "",
	    p->why);
	return RETRY;
}

void
post_close(struct post *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < TOPIC_N; i++) {
		if (p->topic[i] != NULL)
			rd_kafka_topic_destroy(p->topic[i]);
	}
	if (p->k != NULL) {
		(void)rd_kafka_purge(
		    p->k, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		(void)rd_kafka_flush(p->k, POST_CLOSE_MS);
		rd_kafka_destroy(p->k);
	}
	free(p);
}
