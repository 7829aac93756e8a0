/* SPDX-License-Identifier: Apache-2.0 */
/* Creating and checking the topics from schemas/topics.json (the single
 * source), by Kafka's admin calls. One thread. */
#pragma once
#include "core/topic.h"

struct topics_conf {
	const char *brokers;
	const char *prefix;
	const char *file; /* topics.json */
	int64_t timeout_ms;
};

enum topics_step {
	TOPICS_SAME,   /* as it should be */
	TOPICS_CREATE, /* is missing */
	TOPICS_ALTER,  /* a setting differs: text says which, from, to */
	TOPICS_WRONG,  /* cannot be mended here: partition count, replicas */
};

/* Compares and tells one line per topic and difference. apply: TOPICS_APPLY
 * creates and alters, TOPICS_PLAN only tells. OK: everything is (now) right.
 * REJECT: something is wrong or (plan) would change. RETRY: Kafka cannot be
 * reached. STOP: topics.json is unreadable. */
enum topics_mode { TOPICS_PLAN, TOPICS_APPLY };
enum next topics_run(const struct topics_conf *conf, enum topics_mode mode,
    void (*tell)(
	void *arg, enum topics_step step, const char *topic, const char *text),
    void *arg, struct err *e) MUST_USE;
