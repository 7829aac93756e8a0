/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/rebase.h"

#include "io/clock.h"
#include "io/topics.h"
#include "producer/fold.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STALL_MS  45000
#define JOIN_MS	  60000 /* a rebalance, and an earlier bearer's session */
#define ASK_MS	  5000
#define AGAIN_MS  250
#define MARGIN_MS 5000 /* the broker looks at sessions now and then */

static const enum topic topic_of[LANE_N] = {
    [LANE_JOBS] = TOPIC_JOBS,
    [LANE_BULK] = TOPIC_BULK,
    [LANE_CONTROL] = TOPIC_CONTROL,
};

struct kafka_conf
rebase_conf(const struct settings *s)
{
	return (struct kafka_conf){
	    .brokers = s->kafka.brokers,
	    .prefix = s->kafka.prefix,
	    .pool = s->pool.name,
	    .slot = s->pool.slot,
	    .session_ms = s->kafka.session_ms,
	    .txn_ms = s->kafka.txn_ms,
	    .queue_kb = s->kafka.queue_kb,
	    .compression = s->kafka.compression,
	};
}

/* --- nobody at work -------------------------------------------------------
 * One that lives is in the group for longer than a session, one that has ended
 * is not: so the crew of another machine that bears our own slot is seen too.
 */

enum next
rebase_alone(const struct settings *s, const char *group,
    void (*told)(const struct settings *s, const char *group), struct err *e)
{
	struct topics_conf conf = {.brokers = s->kafka.brokers,
	    .prefix = s->kafka.prefix,
	    .file = "",
	    .timeout_ms = ASK_MS};
	int64_t until = clock_mono_ms() + s->kafka.session_ms + MARGIN_MS;
	struct topics_cluster found;

	for (;;) {
		enum next next = topics_look(&conf, group, &found, e);

		if (next != OK || found.members_n == 0)
			return next;
		if (clock_mono_ms() >= until || command_interrupted())
			break;
		if (told != NULL)
			told(s, group);
		told = NULL;
		poll(NULL, 0, AGAIN_MS);
	}
	err_set(e,
	    "the pool is running: group %s has %d member%s; stop every "
	    "domainproofd of it first",
	    group, found.members_n, found.members_n == 1 ? "" : "s");
	return REJECT;
}

/* --- as it stands --------------------------------------------------------- */

struct unreadable {
	bool any;
	int64_t offset;
	char why[ERR_TEXT_MAX];
};

static void
note_bad(void *arg, const struct kafka_record *record, const char *why)
{
	struct unreadable *bad = arg;

	if (bad->any)
		return;
	bad->any = true;
	bad->offset = record->offset;
	snprintf(bad->why, sizeof(bad->why), "%s", why);
}

/* What the state topic says of positions. */
static enum next
look_at_state(struct rebase *r, struct kafka_reader *reader, const char *group,
    struct err *e)
{
	int32_t partitions = kafka_reader_partitions(reader);
	struct unreadable bad = {.any = false};
	const struct fold_entry *pos;
	struct fold f;
	enum next next = fold_open(&f, e);

	if (next == OK)
		next = fold_read(&f, reader, r->partition, note_bad, &bad, e);
	pos = next == OK ? table_find(&f.entries, "pos") : NULL;
	if (next == OK && bad.any) {
		err_set(e,
		    "state partition %d offset %lld cannot be read (%.200s): "
		    "no position mends that; run a version that can read it",
		    r->partition, (long long)bad.offset, bad.why);
		next = REJECT;
	}
	if (next == OK && pos != NULL && pos->pos.partitions != partitions) {
		err_set(e,
		    "partition %d was written with %d partitions a topic, now "
		    "there are %d: set the topics back to %d partitions",
		    r->partition, pos->pos.partitions, partitions,
		    pos->pos.partitions);
		next = REJECT;
	}
	if (next == OK && pos != NULL)
		memcpy(r->group, pos->pos.group, sizeof(r->group));
	for (int l = 0; next == OK && l < LANE_N; l++) {
		struct restore_facts *facts = &r->lane[l].facts;

		facts->lane = (enum lane)l;
		facts->state_empty = f.records_n == 0;
		facts->pos = pos != NULL ? pos->pos.next[l] : -1;
		facts->foreign =
		    r->group[0] != '\0' && strcmp(r->group, group) != 0;
	}
	fold_free(&f);
	return next;
}

/* A lane that is shorter than its position was made anew: nothing of it was
 * ever read. */
static int64_t
stood_at(const struct restore_facts *f)
{
	int64_t at = f->pos >= 0 ? f->pos : f->committed;

	return at < 0 || at > f->high ? f->low : at;
}

enum next
rebase_look(struct rebase *r, struct kafka_reader *reader, int32_t partition,
    const char *group, struct err *e)
{
	int64_t committed[LANE_N];
	enum next next;

	*r = (struct rebase){.partition = partition};
	if (partition >= kafka_reader_partitions(reader)) {
		err_set(e, "there is no partition %d: topics have %d, from 0",
		    partition, kafka_reader_partitions(reader));
		return REJECT;
	}
	next =
	    kafka_reader_committed(reader, partition, committed, STALL_MS, e);
	if (next == OK)
		next = look_at_state(r, reader, group, e);
	for (int l = 0; next == OK && l < LANE_N; l++) {
		struct rebase_lane *lane = &r->lane[l];

		lane->facts.committed = committed[l];
		next = kafka_reader_ends(reader, topic_of[l], partition,
		    &lane->facts.low, &lane->facts.high, STALL_MS, e);
		lane->plan = restore_judge(&lane->facts);
		lane->from = stood_at(&lane->facts);
	}
	return next;
}

/* --- where to ------------------------------------------------------------- */

static bool
count_one(void *arg, const struct kafka_record *record)
{
	int64_t *n = arg;

	(void)record;
	(*n)++;
	return !command_interrupted();
}

/* Jobs from one offset to another, as far as they are on the lane: offsets
 * alone say too much, for transactions leave marks between. */
static enum next
count(struct kafka_reader *reader, const struct restore_facts *f, int32_t p,
    int64_t from, int64_t to, int64_t *n, struct err *e)
{
	*n = 0;
	if (from < f->low)
		from = f->low;
	if (to > f->high)
		to = f->high;
	return kafka_reader_read(
	    reader, topic_of[f->lane], p, from, to, count_one, n, STALL_MS, e);
}

static enum next
aim_at(struct rebase_lane *lane, const struct rebase_aim *aim, struct err *e)
{
	const struct restore_facts *f = &lane->facts;

	lane->aimed = true;
	switch (aim->word) {
	case REBASE_OFFSET:
		lane->to = aim->offset;
		break;
	case REBASE_POS:
		lane->to = f->pos;
		break;
	case REBASE_LOW:
		lane->to = f->low;
		break;
	case REBASE_HIGH:
		lane->to = f->high;
		break;
	}
	if (lane->to >= f->low && lane->to <= f->high)
		return OK;
	if (lane->to < 0)
		err_set(e,
		    "the state knows no position of lane %s: say --to low, "
		    "high or an offset from %lld to %lld",
		    lane_name(f->lane), (long long)f->low, (long long)f->high);
	else
		err_set(e,
		    "offset %lld is not on lane %s, which goes from %lld to "
		    "%lld",
		    (long long)lane->to, lane_name(f->lane), (long long)f->low,
		    (long long)f->high);
	return REJECT;
}

static enum next
aim_lane(struct rebase *r, struct kafka_reader *reader,
    struct rebase_lane *lane, const struct rebase_aim *aim, struct err *e)
{
	const struct restore_facts *f = &lane->facts;
	enum next next = aim_at(lane, aim, e);

	if (next == OK)
		next = count(reader, f, r->partition, lane->from, lane->to,
		    &lane->skipped, e);
	if (next == OK)
		next = count(reader, f, r->partition, lane->to, lane->from,
		    &lane->again, e);
	if (lane->from < f->low)
		lane->gone = f->low - lane->from;
	return next;
}

enum next
rebase_plan(struct rebase *r, struct kafka_reader *reader,
    const struct rebase_aim *aim, struct err *e)
{
	enum next next = OK;

	for (int l = 0; next == OK && l < LANE_N; l++) {
		struct rebase_lane *lane = &r->lane[l];
		bool closed = lane->plan.verdict == RESTORE_STOP;

		if (aim->lane == (enum lane)l ||
		    (aim->lane == LANE_N && closed)) {
			next = aim_lane(r, reader, lane, aim, e);
		} else if (closed) {
			err_set(e,
			    "lane %s of partition %d is kept closed too (%s): "
			    "set all of them right at once, with --lane all",
			    lane_name((enum lane)l), r->partition,
			    lane->plan.why);
			next = REJECT;
		} else {
			lane->to = lane->plan.next;
		}
	}
	return next;
}

/* --- writing -------------------------------------------------------------- */

static bool
holds(const struct kafka_event *ev, int32_t partition)
{
	for (size_t i = 0; i < ev->partitions_n; i++) {
		if (ev->partitions[i] == partition)
			return true;
	}
	return false;
}

/* False: nothing is settled yet, wait. */
static bool
joined(struct kafka *k, int32_t partition, enum next *next, struct err *e)
{
	static struct kafka_event ev;

	*next = REJECT;
	kafka_poll(k, 0, &ev, e);
	switch (ev.type) {
	case KAFKA_GAINED:
		if (holds(&ev, partition))
			*next = OK;
		else
			err_set(e,
			    "a domainproofd has come meanwhile and has "
			    "partition %d: stop the pool first",
			    partition);
		return true;
	case KAFKA_FENCED:
		return true;
	case KAFKA_DEAD:
		*next = RETRY;
		return true;
	case KAFKA_LOST:
		kafka_release(k);
		return false;
	case KAFKA_NOTHING:
	case KAFKA_RECORD:
	case KAFKA_OFF_LOG:
	case KAFKA_TROUBLE:
		break;
	}
	return false;
}

static enum next
join(struct kafka *k, int32_t partition, int wake_fd, struct err *e)
{
	int64_t until = clock_mono_ms() + JOIN_MS;
	struct pollfd fd = {.fd = wake_fd, .events = POLLIN};
	enum next next;
	uint64_t n;

	while (!joined(k, partition, &next, e)) {
		if (clock_mono_ms() >= until || command_interrupted()) {
			err_set(e,
			    "the group gave us no partitions within %d s; "
			    "nothing was changed",
			    JOIN_MS / 1000);
			return RETRY;
		}
		if (poll(&fd, 1, AGAIN_MS) > 0 && read(wake_fd, &n, 8) < 0)
			errno = 0; /* the next poll tells */
	}
	return next;
}

static enum next
compare(const struct rebase *r, const struct rebase *now, struct err *e)
{
	for (int l = 0; l < LANE_N; l++) {
		const struct restore_facts *a = &r->lane[l].facts;
		const struct restore_facts *b = &now->lane[l].facts;
		int64_t to = r->lane[l].to;

		if (a->committed == b->committed && a->pos == b->pos &&
		    to >= b->low && to <= b->high)
			continue;
		err_set(e,
		    "lane %s of partition %d is not what it was when it was "
		    "looked at: nothing was changed, begin again",
		    lane_name((enum lane)l), r->partition);
		return REJECT;
	}
	return OK;
}

static enum next
commit(struct kafka *k, const struct rebase *r, struct err *e)
{
	struct kafka_touch touch = {
	    .partition = r->partition, .epoch = kafka_epoch(k, r->partition)};
	struct kafka_batch batch = {.touched_n = 1, .touched = &touch};
	struct err why;

	for (int l = 0; l < LANE_N; l++)
		touch.next[l] = r->lane[l].to;
	switch (kafka_commit(k, &batch, &why)) {
	case KAFKA_COMMITTED:
		return OK;
	case KAFKA_ABORTED:
		err_set(
		    e, "%.300s; nothing was changed, begin again", why.text);
		return RETRY;
	case KAFKA_COMMIT_FENCED:
		err_set(e,
		    "a domainproofd of our slot has come meanwhile; nothing "
		    "was changed: stop the pool first");
		return REJECT;
	case KAFKA_UNKNOWN:
		break;
	}
	err_set(e,
	    "%.200s; whether it was written is not known: begin again, it is "
	    "shown then",
	    why.text);
	return RETRY;
}

/* The epoch in commit is that of this moment: what moved before it is seen by
 * the second look, what moves behind it by the commit. */
static enum next
write_as_member(struct kafka *k, const struct rebase *r, const char *group,
    struct kafka_reader *reader, int wake_fd, struct err *e)
{
	struct rebase now;
	enum next next = join(k, r->partition, wake_fd, e);

	if (next != OK)
		return next;
	while ((next = kafka_fence(k, e)) == RETRY && !command_interrupted())
		continue;
	if (next != OK)
		return RETRY;
	next = rebase_look(&now, reader, r->partition, group, e);
	if (next == OK)
		next = compare(r, &now, e);
	return next == OK ? commit(k, r, e) : next;
}

enum next
rebase_write(const struct rebase *r, const struct kafka_conf *conf,
    struct kafka_reader *reader, struct err *e)
{
	int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct kafka *k;
	enum next next;

	if (wake_fd < 0) {
		err_set(e, "eventfd: %s", strerror(errno));
		return STOP;
	}
	next = kafka_open(&k, conf, wake_fd, e);
	if (next == OK)
		next = write_as_member(k, r, conf->pool, reader, wake_fd, e);
	kafka_close(k);
	close(wake_fd);
	return next;
}
