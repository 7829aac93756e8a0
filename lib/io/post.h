/* SPDX-License-Identifier: Apache-2.0 */
/* The producers' door to Kafka: posts job messages (idempotent producer,
 * murmur2 partitioner, acks=all). One thread. */
#pragma once
#include "core/topic.h"

struct post;

struct post_conf {
	const char *brokers;
	const char *prefix;
	int64_t timeout_ms; /* until a message that is not acknowledged fails */
};

/* Told once per message, from within post_send, post_serve or post_flush.
 * ok false: e says why; the message was not stored. */
typedef void post_done_fn(void *arg, void *message_arg, bool ok,
    int32_t partition, int64_t offset, const struct err *e);

enum next post_open(struct post **out, const struct post_conf *conf,
    post_done_fn *done, void *arg, struct err *e) MUST_USE;
/* lane topic: TOPIC_JOBS or TOPIC_BULK. Copies key and value. RETRY: the queue
 * is full, post_serve and call again. */
enum next post_send(struct post *p, enum topic lane, const char *key,
    const void *value, size_t len, void *message_arg, struct err *e) MUST_USE;
void post_serve(struct post *p, int64_t wait_ms);
/* RETRY: some are still unacknowledged after limit_ms. */
enum next post_flush(struct post *p, int64_t limit_ms, struct err *e) MUST_USE;
void post_close(struct post *p);
