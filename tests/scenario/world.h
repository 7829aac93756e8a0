/* SPDX-License-Identifier: Apache-2.0 */
/* A pool in one process and in virtual time: the shipped scheduler (up to
 * three slots of it) over the broker in memory, a Redis in memory, and a
 * resolver that answers from a script. Nothing waits: time goes from one due
 * moment to the next. */
#pragma once
#include "tests/fake/broker.h"
#include "tests/fake/fake_redis.h"
#include "worker/scheduler.h"

#define WORLD_SLOTS	 3
#define WORLD_PARTITIONS 4		 /* of world_setup */
#define WORLD_START	 1790000000000LL /* wall ms at the beginning */
#define SECOND		 1000LL
#define MINUTE		 (60 * SECOND)
#define HOUR		 (60 * MINUTE)

/* What the DNS says of a domain's ownership from now on, or of another check;
 * the default is NOT_PUBLISHED. */
void world_dns(const char *domain, enum verdict verdict, enum code code);
void world_check(
    const char *domain, enum check check, enum verdict verdict, enum code code);
/* Answers take so long (default 3 ms); those of one check. */
void world_dns_delay(int64_t delay_ms);
void world_check_delay(enum check check, int64_t delay_ms);
/* Looks asked for, in all or of one domain; and when the n-th (from 0) was. */
size_t world_looks(const char *domain);
int64_t world_look_at(const char *domain, size_t n);
/* What was asked for then. The test fails when there was none. */
struct world_look {
	char domain[DNAME_TEXT_MAX + 1];
	char subject[RECORD_KEY_MAX + 1];
	int64_t at;
	uint32_t checks, proven;
	bool quick, signs;
	uint8_t keys_n;
	char selector[DKIM_SELECTOR_MAX + 1];
};
const struct world_look *world_look(const char *domain, size_t n);
const struct world_look *world_last_look(const char *domain);

void world_open(int32_t partitions);
void world_close(void);
/* A test's, for cmocka. */
int world_setup(void **state);
int world_teardown(void **state);
struct policy *world_policy(void); /* may be changed before world_start */

/* For slots that are started from now on. */
void world_session(int64_t session_ms); /* default 10 s */
void world_without_redis(void);

/* Starts a scheduler in this slot and runs until it has opened what it owns. */
void world_start(unsigned slot);
/* kill -9: memory is gone, nothing is flushed, the broker hears no more. */
void world_crash(unsigned slot);
/* TERM: flushes and closes. */
void world_drain(unsigned slot);
/* SIGSTOP and SIGCONT of the whole crew: no heartbeats meanwhile. */
void world_freeze(unsigned slot);
void world_thaw(unsigned slot);
/* The resolver is replaced: what it was asked is not answered any more. */
void world_new_resolver(unsigned slot);
/* The supervisor says that looks at "org/domain/id" killed three. */
void world_poison(unsigned slot, const char *subject);
struct scheduler *world_scheduler(unsigned slot);
/* The exit code with which it ended by itself; SCHED_GO_ON while it lives. */
int world_exit_code(unsigned slot);

/* Lets ms of virtual time pass. */
void world_run(int64_t ms);
int64_t world_now(void); /* wall ms of the broker; the machine's own may jump */

/* Posts a job; other members of data as JSON text, e.g. "\"deadline_s\":0".
 * Returns its offset. Key and partition as a right client makes them. */
int64_t world_post(enum topic lane, const char *kind, const char *domain,
    const char *id, const char *more);
int64_t world_post_as(const char *org, enum topic lane, const char *kind,
    const char *domain, const char *id, const char *more);
int64_t world_post_raw(
    enum topic lane, int32_t partition, const char *key, const char *value);

/* The n-th (from 0) of the names that live on partition p. */
const char *world_name(int32_t p, int n);
/* Transactions that touched partition p. */
size_t world_commits(int32_t p);
/* At the nth (1, 2, ...) arrival from now on at this failpoint, act is called
 * from within it, once; detail NULL: any. */
void world_when(
    const char *name, const char *detail, unsigned nth, void (*act)(void));
bool world_happened(void);

/* What committed readers see: number of messages of a topic whose value holds
 * all of the texts given (NULL ends the list). */
size_t world_count(enum topic topic, ...) __attribute__((sentinel));
/* The only committed result of an identity: its outcome, "" if there is none,
 * "twice" if there are several. */
const char *world_outcome(const char *domain, const char *id);
const char *world_outcome_of(
    const char *org, const char *domain, const char *id);
/* Every id posted by world_post has exactly one result, Redis equals the state
 * topic, group offsets equal `pos`, no transaction is open; fails the test
 * otherwise, with what differs. */
void world_check_settled(void);
