/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one partition back, on a task of its own:
 *   1 the group's offsets of all its lanes, in one stable fetch
 *   2 the true ends of its state and seen topics, never before 1
 *   3 both, up to these ends
 *   4 where each lane goes on: core/restore.h */
#include "worker/scheduler.h"

#include <stdio.h>
#include <string.h>

#include "io/clock.h"
#include "io/failpoint.h"
#include "io/log.h"

#define STALL_MS   45000	      /* without progress: say why, exit 111 */
#define STUCK_MS   (STALL_MS + 10000) /* a call that keeps no limit */
#define READ_TRIES 5 /* retention may delete what is being read */

/* Lanes that cannot go on before somebody has said where. */
struct closed {
	unsigned n;
	bool at_pos; /* all of them can go on where the state stands */
	struct restore_facts first;
	const char *why;
};

struct restore {
	struct task *task;
	struct kafka *kafka; /* for kafka_epoch only */
	const struct kafka_conf *conf;
	const struct policy *policy;
	int32_t p, partitions;
	uint64_t epoch;

	struct kafka_reader *reader;
	struct part *part;
	struct record_pos pos;
	bool pos_seen, state_seen;
	struct closed closed;
	_Atomic int64_t moved_at; /* mono ms of the last step or record */
	enum next see_how;	  /* of the records seen so far */
	enum next how;
	struct err err;
};

static void
moved(struct restore *r)
{
	r->moved_at = clock_mono_ms();
}

static bool
stale(const struct restore *r)
{
	return kafka_epoch(r->kafka, r->p) != r->epoch;
}

static bool
see_state(void *arg, const struct kafka_record *record)
{
	struct restore *r = arg;
	struct record_key key;
	struct err why;

	moved(r);
	r->state_seen = true;
	r->see_how = part_apply(r->part, record, &key, &r->pos, &r->err);
	if (key.kind == RECORD_POS)
		r->pos_seen = true;
	if (r->see_how == REJECT) {
		why = r->err;
		err_set(&r->err,
		    "state partition %d offset %lld cannot be read: %.200s; the"
		    " partition stays closed: look with `domainproof state dump"
		    " --partition %d`, run a version that can read it",
		    r->p, (long long)record->offset, why.text, r->p);
	}
	return r->see_how == OK && !stale(r);
}

static bool
see_seen(void *arg, const struct kafka_record *record)
{
	struct restore *r = arg;
	struct seen_entry entry;
	struct reader in;

	moved(r);
	reader_init(&in, record->value, record->value_len);
	while (in.left >= SEEN_OCTETS) {
		memcpy(
		    entry.digest, reader_bytes(&in, SEEN_DIGEST), SEEN_DIGEST);
		entry.body_hash = reader_u32(&in);
		entry.kind = reader_u8(&in);
		r->see_how =
		    seen_add(r->part->seen, &entry, record->append_at, &r->err);
		if (r->see_how != OK)
			return false;
	}
	return !stale(r);
}

static enum next
read_once(struct restore *r, enum topic topic, int64_t *high,
    bool (*see)(void *arg, const struct kafka_record *record))
{
	int64_t low;
	struct err e;
	enum next how = kafka_reader_ends(
	    r->reader, topic, r->p, &low, high, STALL_MS, &r->err);

	if (how != OK)
		return how;
	r->see_how = OK;
	how = kafka_reader_read(
	    r->reader, topic, r->p, low, *high, see, r, STALL_MS, &e);
	if (r->see_how != OK)
		return r->see_how; /* and r->err says why */
	if (how != OK)
		r->err = e;
	return how;
}

/* Reading twice does no harm: the later record of a key wins. */
static enum next
read_topic(struct restore *r, enum topic topic, int64_t *high,
    bool (*see)(void *arg, const struct kafka_record *record))
{
	enum next how = REJECT;

	for (int i = 0; i < READ_TRIES && how == REJECT; i++) {
		moved(r);
		how = read_once(r, topic, high, see);
		if (r->see_how == REJECT)
			break;
	}
	return how;
}

static void
note_closed(
    struct closed *closed, const struct restore_facts *f, const char *why)
{
	bool at_pos = f->pos >= f->low && f->pos <= f->high;

	if (closed->n++ > 0) {
		closed->at_pos = closed->at_pos && at_pos;
		return;
	}
	closed->at_pos = at_pos;
	closed->first = *f;
	closed->why = why;
}

/* What the command that mends it does to jobs. */
static void
say_meaning(const struct closed *closed, char *out, size_t cap)
{
	const struct restore_facts *f = &closed->first;

	if (closed->n > 1)
		snprintf(out, cap, "shows for each lane what that skips");
	else if (closed->at_pos)
		snprintf(out, cap,
		    "goes on at %lld, where the state stands; no job is"
		    " skipped",
		    (long long)f->pos);
	else if (f->pos >= 0 && f->pos < f->low)
		snprintf(out, cap,
		    "jobs between %lld and %lld are skipped: post them again",
		    (long long)f->pos, (long long)f->low);
	else
		snprintf(out, cap, "reads all that is on the lane, from %lld",
		    (long long)f->low);
}

static void
say_closed(struct restore *r)
{
	const struct restore_facts *f = &r->closed.first;
	const char *lane = lane_name(f->lane);
	char meaning[100];

	say_meaning(&r->closed, meaning, sizeof(meaning));
	err_set(&r->err,
	    "lane %s partition %d: %s (committed %lld, pos %lld, log %lld to"
	    " %lld); it stays closed. Stop the pool, then `domainproof state"
	    " rebase --partition %d --lane %s --to %s`: %s",
	    lane, r->p, r->closed.why, (long long)f->committed,
	    (long long)f->pos, (long long)f->low, (long long)f->high, r->p,
	    r->closed.n > 1 ? "all" : lane, r->closed.at_pos ? "pos" : "low",
	    meaning);
}

/* No other pool may go on with the jobs of one that may still be at work. */
static void
say_foreign(struct restore *r)
{
	const char *mine = r->conf->pool, *theirs = r->pos.group;

	err_set(&r->err,
	    "partition %d: it is the work of group %s, and we are group %s: two"
	    " pools under one kafka.prefix would do every job twice; it stays"
	    " closed. Set pool.name to %s or take another kafka.prefix; or, to"
	    " hand it over, stop both pools, then `domainproof state rebase"
	    " --partition %d --lane all --to %s`",
	    r->p, theirs, mine, theirs, r->p, r->closed.at_pos ? "pos" : "low");
}

static bool
foreign(const struct restore *r)
{
	return r->pos.group[0] != '\0' &&
	       strcmp(r->pos.group, r->conf->pool) != 0;
}

static enum next
judge_lane(struct restore *r, enum lane lane, int64_t committed)
{
	static const enum topic topic[LANE_N] = {
	    [LANE_JOBS] = TOPIC_JOBS,
	    [LANE_BULK] = TOPIC_BULK,
	    [LANE_CONTROL] = TOPIC_CONTROL,
	};
	struct restore_facts f = {
	    .lane = lane,
	    .committed = committed,
	    .pos = r->pos_seen ? r->pos.next[lane] : -1,
	    .state_empty = !r->state_seen,
	    .foreign = foreign(r),
	};
	struct restore_plan plan;
	enum next how;

	moved(r);
	how = kafka_reader_ends(
	    r->reader, topic[lane], r->p, &f.low, &f.high, STALL_MS, &r->err);
	if (how != OK)
		return how;
	plan = restore_judge(&f);
	r->part->lane[lane].next = plan.next;
	if (plan.verdict == RESTORE_GO_ON)
		return OK;
	log_line(plan.verdict == RESTORE_FIRST_START ? LOG_DEBUG : LOG_ERROR,
	    "restore.lane",
	    FIELDS(TEXT("lane", lane_name(lane)), INT("partition", r->p),
		TEXT("why", plan.why), INT("committed", f.committed),
		INT("pos", f.pos), INT("low", f.low), INT("high", f.high)));
	if (plan.verdict == RESTORE_STOP)
		note_closed(&r->closed, &f, plan.why);
	return OK;
}

static enum next
judge(struct restore *r, const int64_t committed[LANE_N])
{
	if (r->pos_seen && r->pos.partitions != r->partitions) {
		err_set(&r->err,
		    "partition %d was written with %d partitions a topic, now"
		    " there are %d: every domain would have another owner; set"
		    " the topics back to %d partitions",
		    r->p, r->pos.partitions, r->partitions, r->pos.partitions);
		return REJECT;
	}
	for (int l = 0; l < LANE_N; l++) {
		enum next how = judge_lane(r, (enum lane)l, committed[l]);

		if (how != OK)
			return how;
	}
	if (r->closed.n == 0)
		return OK;
	if (foreign(r))
		say_foreign(r);
	else
		say_closed(r);
	return REJECT;
}

static enum next
read_back(struct restore *r)
{
	int64_t committed[LANE_N], seen_high;
	enum next how = kafka_reader_open(&r->reader, r->conf, &r->err);

	if (how == OK)
		how = kafka_reader_committed(
		    r->reader, r->p, committed, STALL_MS, &r->err);
	if (how == OK)
		how = read_topic(r, TOPIC_STATE, &r->part->chained, see_state);
	if (how == OK)
		how = read_topic(r, TOPIC_SEEN, &seen_high, see_seen);
	return how == OK ? judge(r, committed) : how;
}

static void
run(void *arg)
{
	struct restore *r = arg;

	failpoint("restore.begin", NULL);
	r->how = part_open(&r->part, r->p, r->epoch, r->policy, &r->err);
	if (r->how == OK)
		r->how = read_back(r);
	kafka_reader_close(r->reader);
	r->reader = NULL;
	failpoint("restore.end", NULL);
}

enum next
restore_start(struct restore **out, struct kafka *kafka,
    const struct kafka_conf *conf, const struct policy *policy, int32_t p,
    int32_t partitions, int wake_fd, struct err *e)
{
	struct restore *r = mem_alloc(sizeof(*r));
	enum next how;

	*out = r;
	if (r == NULL) {
		err_set(e, "memory is out for a restore");
		return RETRY;
	}
	r->kafka = kafka;
	r->conf = conf;
	r->policy = policy;
	r->p = p;
	r->partitions = partitions;
	r->epoch = kafka_epoch(kafka, p);
	moved(r);
	how = task_open(&r->task, "restore", wake_fd, e);
	if (how == OK)
		task_start(r->task, run, r);
	return how;
}

int32_t
restore_partition(const struct restore *r)
{
	return r->p;
}

bool
restore_stuck(const struct restore *r, int64_t now_mono)
{
	return now_mono - r->moved_at > STUCK_MS;
}

bool
restore_collect(
    struct restore *r, enum next *how, struct part **part, struct err *e)
{
	if (task_collect(r->task) != TASK_ENDED)
		return false;
	*part = NULL;
	*e = r->err;
	if (stale(r)) {
		*how = RETRY;
		return true;
	}
	*how = r->how == RETRY ? STOP : r->how;
	if (*how != OK)
		return true;
	*part = r->part;
	r->part = NULL;
	return true;
}

void
restore_free(struct restore *r)
{
	task_close(r->task);
	part_free(r->part);
	mem_free(r);
}
