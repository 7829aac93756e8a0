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
	int partitions;	 /* instead of the file's, 0 = the file's */
	int replication; /* as well; a single broker gets one replica */
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

/* What a look at the cluster shows, for those who diagnose. group "": not
 * asked. RETRY: Kafka cannot be reached. */
struct topics_cluster {
	int brokers_n;
	char group_state[32]; /* "Stable", "Empty", "Dead" (is unknown), ... */
	int members_n;
};
enum next topics_look(const struct topics_conf *conf, const char *group,
    struct topics_cluster *out, struct err *e) MUST_USE;
