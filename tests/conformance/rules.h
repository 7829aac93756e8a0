/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of Kafka's door, as cmocka tests, and what they share. */
#pragma once
#include "tests/conformance/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PARTITIONS 2
#define ALL_LANES  (1U << LANE_JOBS | 1U << LANE_BULK | 1U << LANE_CONTROL)
#define JOBS_ONLY  (1U << LANE_JOBS)
#define WAIT_MS	   30000 /* for what must come */
#define QUIET_MS   400	 /* for what must not */
#define STALL_MS   700	 /* for a reader that is to stall */

struct rules {
	const struct CMUnitTest *tests;
	size_t n;
};
extern const struct rules lane_rules, group_rules, commit_rules, fence_rules,
    crash_rules, reader_rules;
/* What only the one or the other can show: real/errors.c, sim/controls.c. */
extern const struct rules own_rules;

/* Setup and teardown of each test: empty topics; instances closed. */
int rules_begin(void **state);
int rules_end(void **state);

/* A slot of the pool; the wake fd is its own. Closed by rules_end, or by
 * leave. */
struct kafka *enter(const char *slot); /* opens */
struct kafka *join(const char *slot);  /* and is told GAINED, and fences */
void leave(struct kafka *k);
int wake_fd_of(const struct kafka *k);

/* The next event of this type, whatever comes before; fails after WAIT_MS. */
struct kafka_event *await(
    struct kafka *k, unsigned lanes, enum kafka_event_type type);
/* The next record: it must be this one. */
void await_record(struct kafka *k, unsigned lanes, enum lane lane,
    int32_t partition, int64_t offset);
/* No record (other events may come). */
void await_quiet(struct kafka *k, unsigned lanes);
bool owns(const struct kafka_event *gained, int32_t partition);

void open_lane(struct kafka *k, enum lane lane, int32_t partition, int64_t at);
int64_t post(
    enum topic topic, int32_t partition, const char *key, const char *value);

/* A batch that touches one partition: its records are `text` into results and
 * state; positions 1, 2, 3. */
struct batch {
	struct kafka_touch touch;
	struct kafka_out out[2];
	struct kafka_batch b;
};
void batch_init(struct batch *b, const struct kafka *k, int32_t partition,
    const char *text);
enum kafka_commit_result commit(struct kafka *k, struct batch *b);

struct kafka_reader *reader(void); /* closed by rules_end */
int64_t high(enum topic topic, int32_t partition);
/* Markers are written a little behind the answer to a commit or an abort. */
void await_high(enum topic topic, int32_t partition, int64_t want);
#define SEEN_MAX 64
struct seen {
	size_t n;
	int64_t offset[SEEN_MAX];
	char key[SEEN_MAX][32];
	char value[SEEN_MAX][32];
};
bool see(void *arg, const struct kafka_record *record);
/* Everything committed, to the true end. */
void read_all(enum topic topic, int32_t partition, struct seen *out);
void committed(int32_t partition, int64_t next[LANE_N]);
