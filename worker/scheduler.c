/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's loop: everything that can be done now, then wait. */
#include "worker/scheduler.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/entropy.h"
#include "io/failpoint.h"
#include "io/frame.h"
#include "io/idna.h"
#include "io/log.h"

#define POLL_JOBS_MAX	    500 /* records of a lane a turn */
#define POLL_BULK_MIN	    16 /* the bulk lane's share while the other is behind */
#define RELEASE_LIMIT_MS    10000 /* to flush when partitions are taken away */
#define DRAIN_LIMIT_MS	    8000
#define STATUS_LIMIT_MS	    1500    /* for Redis to be told the last of it */
#define RESTORES_MAX	    8	    /* at once */
#define BULK_OLD_MS	    3600000 /* an alarm when a bulk job waited so long */
#define BULK_ALARM_EVERY_MS 60000
#define ABORTS_MAX	    20 /* in a row; then the supervisor's brake takes over */
#define FENCE_LOOK_MS	    4000   /* a heartbeat and a second */
#define STOPPED_AGAIN_MS    600000 /* a closed partition is told of again */
#define IDLE_MS		    500 /* the longest wait: heartbeat of the process */

int64_t
scheduler_now(const struct scheduler *s)
{
	return s->clock_at + (s->mono - s->clock_mono);
}

/* A record's stamp may only move the clock on (it may be an old record); a
 * commit's stamp is the broker's now. */
static void
set_clock(struct scheduler *s, int64_t append_at)
{
	s->clock_at = append_at;
	s->clock_mono = s->mono;
	s->clock_known = true;
}

struct part *
scheduler_part(const struct scheduler *s, int32_t p)
{
	for (size_t i = 0; i < s->parts_n; i++)
		if (s->parts[i]->p == p)
			return s->parts[i];
	return NULL;
}

static int
fail(const char *event, const struct err *e, int code)
{
	log_line(LOG_ERROR, event, FIELDS(TEXT("error", e->text)));
	return code;
}

/* A thread hangs in a call that cannot be ended but with the process. */
static _Noreturn void
stuck(const char *event)
{
	log_line(LOG_ERROR, event, NULL);
	_exit(EXIT_CODE_OUTSIDE);
}

static int
exit_of(enum next how)
{
	return how == STOP ? EXIT_CODE_USAGE : EXIT_CODE_OUTSIDE;
}

/* -- partitions that stay closed ------------------------------------------- */

static void
stopped_forget(struct scheduler *s, int32_t p)
{
	for (struct stopped **at = &s->stopped; *at != NULL;
	     at = &(*at)->next) {
		struct stopped *gone = *at;

		if (gone->p != p)
			continue;
		*at = gone->next;
		mem_free(gone);
		return;
	}
}

static void
stopped_forget_all(struct scheduler *s)
{
	while (s->stopped != NULL)
		stopped_forget(s, s->stopped->p);
}

static void
stopped_say(struct scheduler *s, struct stopped *x)
{
	fail("partition.stopped", &x->why, 0);
	x->said++;
	x->say_at = s->mono + STOPPED_AGAIN_MS;
}

/* Without memory it is said once. */
static void
stopped_add(struct scheduler *s, int32_t p, const struct err *why)
{
	struct stopped *x = mem_alloc(sizeof(*x));

	if (x == NULL) {
		fail("partition.stopped", why, 0);
		return;
	}
	stopped_forget(s, p);
	x->p = p;
	x->why = *why;
	x->next = s->stopped;
	s->stopped = x;
	stopped_say(s, x);
}

/* Returns when one is to be told of next. */
static int64_t
stopped_turn(struct scheduler *s)
{
	int64_t due = INT64_MAX;

	for (struct stopped *x = s->stopped; x != NULL; x = x->next) {
		if (x->say_at <= s->mono)
			stopped_say(s, x);
		if (x->say_at < due)
			due = x->say_at;
	}
	return due;
}

static size_t
stopped_count(const struct scheduler *s)
{
	size_t n = 0;

	for (const struct stopped *x = s->stopped; x != NULL; x = x->next)
		n++;
	return n;
}

/* -- opening and closing -------------------------------------------------- */

static enum next
open_memory(struct scheduler *s, struct err *e)
{
	s->asked = mem_alloc(ASKED_MAX * sizeof(*s->asked));
	s->lines = mem_alloc(s->resolvers_n * sizeof(*s->lines));
	if (s->asked == NULL || s->lines == NULL) {
		err_set(e, "memory is out");
		return RETRY;
	}
	for (unsigned i = 0; i < s->resolvers_n; i++)
		s->lines[i].fd = s->role->resolver_fd[i];
	dispatch_init(s);
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->wake_fd < 0) {
		err_set(e, "eventfd: %s", strerror(errno));
		return RETRY;
	}
	return OK;
}

static enum next
open_doors(struct scheduler *s, struct err *e)
{
	struct kafka_conf conf = s->kafka_conf;
	enum next how = entropy_check(e);

	conf.stop_fd = role_stop_fd(s->role);
	if (how == OK)
		how = idna_open(s->settings->dns.suffix_list, e);
	if (how == OK)
		how = task_open(&s->commit_task, "commit", s->wake_fd, e);
	if (how == OK)
		how = task_open(&s->fence_task, "fence", s->wake_fd, e);
	if (how == OK)
		how = kafka_open(&s->kafka, &conf, s->wake_fd, e);
	if (how != OK)
		return how;
	s->partitions = kafka_partitions(s->kafka);
	if (s->settings->redis.url[0] == '\0')
		return OK;
	return status_open(&s->status, s->settings, &s->kafka_conf, s->policy,
	    s->partitions, s->wake_fd, e);
}

enum next
scheduler_open(struct scheduler **out, const struct role *role, struct err *e)
{
	struct scheduler *s = mem_alloc(sizeof(*s));
	const struct settings *set = role->settings;
	enum next how;

	*out = s;
	if (s == NULL) {
		err_set(e, "memory is out");
		return RETRY;
	}
	s->role = role;
	s->settings = set;
	s->policy = role->policy;
	s->wake_fd = -1;
	s->resolvers_n = (unsigned)role->resolvers_n;
	s->mono = clock_mono_ms();
	guard_init(
	    &s->guard, role->policy->guard_percent, role->policy->guard_looks);
	s->kafka_conf = (struct kafka_conf){
	    .brokers = set->kafka.brokers,
	    .prefix = set->kafka.prefix,
	    .pool = set->pool.name,
	    .slot = set->pool.slot,
	    .session_ms = set->kafka.session_ms,
	    .txn_ms = set->kafka.txn_ms,
	    .queue_kb = set->kafka.queue_kb,
	    .compression = set->kafka.compression,
	};
	how = open_memory(s, e);
	return how == OK ? open_doors(s, e) : how;
}

static void
drop_part(struct scheduler *s, struct part *part)
{
	struct open_claim *claim;
	struct open_job *job;

	for (size_t at = 0; (job = table_next(&part->jobs, &at)) != NULL;) {
		dispatch_forget(s, job);
		s->open_jobs--;
	}
	for (size_t at = 0; (claim = table_next(&part->claims, &at)) != NULL;)
		vigil_forget(s, claim);
	dispatch_forget_part(s, part);
	if (s->status != NULL)
		status_gone(s->status, part->p);
	for (size_t i = 0; i < s->parts_n; i++)
		if (s->parts[i] == part)
			s->parts[i] = s->parts[--s->parts_n];
	part_free(part);
	s->lanes_changed = true;
}

static void
drop_all(struct scheduler *s)
{
	while (s->parts_n > 0)
		drop_part(s, s->parts[0]);
}

void
scheduler_close(struct scheduler *s)
{
	if (s == NULL)
		return;
	task_close(s->commit_task);
	task_close(s->fence_task);
	for (size_t i = 0; i < s->restores_n; i++)
		restore_free(s->restores[i]);
	drop_all(s);
	stopped_forget_all(s);
	status_close(s->status);
	kafka_close(s->kafka);
	batch_free(s->batch);
	for (int l = 0; l < LANE_N; l++)
		timers_free(&s->due[l]);
	timers_free(&s->own);
	timers_free(&s->watched);
	mem_free(s->asked);
	mem_free(s->lines);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	mem_free(s);
}

/* -- partitions come ------------------------------------------------------ */

static int
restore_begin(struct scheduler *s, int32_t p)
{
	struct err e;
	enum next how = restore_start(&s->restores[s->restores_n], s->kafka,
	    &s->kafka_conf, s->policy, p, s->partitions, s->wake_fd, &e);

	if (how != OK)
		return fail("restore.failed", &e, EXIT_CODE_OUTSIDE);
	stopped_forget(s, p);
	s->restores_n++;
	return SCHED_GO_ON;
}

static void
fence_run(void *arg)
{
	struct scheduler *s = arg;

	s->fence_how = kafka_fence(s->kafka, &s->fence_err);
}

/* The first partitions: what an earlier bearer of our name left open must end
 * before anything is read back. */
static int
on_gained(struct scheduler *s)
{
	s->gained = true;
	log_line(LOG_INFO, "partitions.gained",
	    FIELDS(INT("n", (int64_t)s->ev.partitions_n)));
	for (size_t i = 0; i < s->ev.partitions_n; i++)
		s->wanted[s->wanted_n++] = s->ev.partitions[i];
	if (!s->fenced && !s->fencing) {
		s->fencing = true;
		task_start(s->fence_task, fence_run, s);
	}
	return SCHED_GO_ON;
}

static int
fence_collect(struct scheduler *s)
{
	if (!s->fencing || task_collect(s->fence_task) != TASK_ENDED)
		return SCHED_GO_ON;
	s->fencing = false;
	if (s->fence_how == RETRY) {
		s->fencing = true;
		task_start(s->fence_task, fence_run, s);
		return SCHED_GO_ON;
	}
	if (s->fence_how != OK)
		return fail("fence.failed", &s->fence_err, EXIT_CODE_OUTSIDE);
	s->fenced = true;
	return SCHED_GO_ON;
}

static int
restore_next(struct scheduler *s)
{
	int code = SCHED_GO_ON;

	while (code == SCHED_GO_ON && s->fenced && s->wanted_n > 0 &&
	       s->restores_n < RESTORES_MAX)
		code = restore_begin(s, s->wanted[--s->wanted_n]);
	return code;
}

static enum next
install(struct scheduler *s, struct part *part, struct err *e)
{
	struct open_claim *claim;
	struct open_job *job;
	enum next how = OK;

	s->parts[s->parts_n++] = part;
	for (size_t at = 0; (job = table_next(&part->jobs, &at)) != NULL;) {
		s->open_jobs++;
		job->first = job->job.looks == 0;
		s->first_looks[job->job.lane] += job->first;
		if (how == OK)
			how = dispatch_arm(s, job, job->job.due_at, e);
	}
	for (size_t at = 0;
	     how == OK && (claim = table_next(&part->claims, &at)) != NULL;)
		how = vigil_see(s, claim, e);
	part->touch = true; /* its commit tells the broker's time */
	part->touched_at = s->mono;
	s->lanes_changed = true;
	if (s->status != NULL)
		status_restored(s->status, part->p, part->chained);
	log_line(LOG_INFO, "partition.open",
	    FIELDS(INT("partition", part->p),
		INT("claims", (int64_t)part->claims.n),
		INT("jobs", (int64_t)part->jobs.n),
		INT("seen", (int64_t)seen_count(part->seen))));
	return how;
}

static int
restore_done(struct scheduler *s, int32_t p, enum next how, struct part *part,
    struct err *e)
{
	if (how == RETRY)
		return SCHED_GO_ON; /* it went away again meanwhile */
	if (how == REJECT) {
		stopped_add(s, p, e);
		return SCHED_GO_ON;
	}
	if (how == OK)
		how = install(s, part, e);
	return how == OK ? SCHED_GO_ON
			 : fail("restore.failed", e, EXIT_CODE_OUTSIDE);
}

static int
restore_collect_all(struct scheduler *s)
{
	int code = SCHED_GO_ON;

	for (size_t i = 0; code == SCHED_GO_ON && i < s->restores_n;) {
		struct restore *r = s->restores[i];
		struct part *part;
		enum next how;
		struct err e;
		int32_t p;

		if (!restore_collect(r, &how, &part, &e)) {
			if (restore_stuck(r, s->mono))
				stuck("restore.stuck");
			i++;
			continue;
		}
		s->restores[i] = s->restores[--s->restores_n];
		p = restore_partition(r);
		restore_free(r);
		code = restore_done(s, p, how, part, &e);
	}
	return code;
}

static int
open_lanes(struct scheduler *s)
{
	static struct kafka_lane_at at[KAFKA_PARTITIONS_MAX * LANE_N];
	size_t n = 0;
	struct err e;

	if (!s->lanes_changed)
		return SCHED_GO_ON;
	s->lanes_changed = false;
	for (size_t i = 0; i < s->parts_n; i++) {
		const struct part *part = s->parts[i];

		for (int l = 0; l < LANE_N; l++)
			at[n++] = (struct kafka_lane_at){
			    .lane = (enum lane)l,
			    .partition = part->p,
			    .next = part->lane[l].next,
			};
	}
	if (kafka_lanes(s->kafka, at, n, &e) != OK)
		return fail("lanes.failed", &e, EXIT_CODE_OUTSIDE);
	return SCHED_GO_ON;
}

/* -- commits -------------------------------------------------------------- */

static void
commit_run(void *arg)
{
	struct scheduler *s = arg;

	s->batch->result =
	    kafka_commit(s->kafka, &s->batch->kafka, &s->batch->err);
}

static void
commit_start(struct scheduler *s, enum batch_scope scope)
{
	s->batch = batch_take(s->parts, s->parts_n,
	    s->parts_n == 0 ? 0 : s->turn_part++ % s->parts_n, scope, s->mono,
	    s->policy);
	if (s->batch == NULL)
		return;
	s->commit_began = s->mono;
	task_start(s->commit_task, commit_run, s);
}

static void
committed(struct scheduler *s, struct batch *b)
{
	s->aborts_n = 0;
	if (b->kafka.append_at != 0)
		set_clock(s, b->kafka.append_at);
	for (size_t i = 0; i < b->parts_n; i++) {
		struct part *part = scheduler_part(s, b->touched[i].partition);

		if (part == NULL || part->epoch != b->touched[i].epoch)
			continue;
		part->in_batch = false;
		part->chained = b->touched[i].pos_offset + 1;
		part->touched_at = s->mono;
	}
	failpoint("status.before", NULL);
	if (s->status != NULL)
		status_batch(s->status, b);
	else
		batch_free(b);
}

/* One way back, the same as after a kill: what was built in memory on records
 * that do not exist is dropped, and read again. */
static void
aborted(struct scheduler *s, struct batch *b)
{
	log_line(LOG_WARN, "commit.aborted",
	    FIELDS(TEXT("error", b->err.text),
		INT("partitions", (int64_t)b->parts_n)));
	for (size_t i = 0; i < b->parts_n; i++) {
		int32_t p = b->touched[i].partition;
		struct part *part = scheduler_part(s, p);

		if (part == NULL || part->epoch != b->touched[i].epoch)
			continue;
		drop_part(s, part);
		if (kafka_epoch(s->kafka, p) == b->touched[i].epoch)
			s->wanted[s->wanted_n++] = p;
	}
	batch_free(b);
}

/* Another producer bears our name. Whether it is our own successor or another
 * crew with our settings, the group tells within a heartbeat: until then
 * nothing else is done. */
static int
condemned_turn(struct scheduler *s, int64_t *wake_due)
{
	struct err e;

	*wake_due = s->condemned_until;
	if (s->mono >= s->condemned_until)
		return EXIT_CODE_OUTSIDE;
	do {
		kafka_poll(s->kafka, 0, &s->ev, &e);
		if (s->ev.type == KAFKA_FENCED)
			return fail("slot.taken", &e, EXIT_CODE_USAGE);
		if (s->ev.type == KAFKA_DEAD)
			return fail("kafka.dead", &e, EXIT_CODE_OUTSIDE);
	} while (s->ev.type != KAFKA_NOTHING);
	return SCHED_GO_ON;
}

static int
commit_ended(struct scheduler *s)
{
	struct batch *b = s->batch;

	s->batch = NULL;
	switch (b->result) {
	case KAFKA_COMMITTED:
		committed(s, b);
		return SCHED_GO_ON;
	case KAFKA_ABORTED:
		aborted(s, b);
		return ++s->aborts_n < ABORTS_MAX ? SCHED_GO_ON
						  : EXIT_CODE_OUTSIDE;
	case KAFKA_COMMIT_FENCED:
		fail("commit.fenced", &b->err, 0);
		batch_free(b);
		s->condemned_until = s->mono + FENCE_LOOK_MS;
		return SCHED_GO_ON;
	case KAFKA_UNKNOWN:
		break;
	}
	fail("commit.unknown", &b->err, 0);
	batch_free(b);
	return EXIT_CODE_OUTSIDE;
}

static int
commit_turn(struct scheduler *s)
{
	if (s->batch != NULL) {
		if (task_collect(s->commit_task) == TASK_ENDED)
			return commit_ended(s);
		if (s->mono - s->commit_began < s->settings->kafka.txn_ms)
			return SCHED_GO_ON;
		stuck("commit.overdue");
	}
	if (s->mono >= s->commit_began + s->settings->kafka.commit_min_ms)
		commit_start(s, scheduler_full(s) ? BATCH_ALL : BATCH_DUE);
	return SCHED_GO_ON;
}

int
scheduler_flush(struct scheduler *s, int64_t limit_ms)
{
	int64_t until = clock_mono_ms() + limit_ms;

	for (;;) {
		int code;

		s->mono = clock_mono_ms();
		if (s->batch == NULL)
			commit_start(s, BATCH_ALL);
		if (s->batch == NULL)
			return SCHED_GO_ON;
		/* never give up a partition with a commit under way */
		if (s->mono >= until ||
		    !task_wait(s->commit_task, until - s->mono))
			stuck("flush.overdue");
		s->mono = clock_mono_ms();
		code = commit_ended(s);
		if (code != SCHED_GO_ON)
			return code;
		if (s->condemned_until != 0)
			return EXIT_CODE_OUTSIDE;
	}
}

/* -- events of Kafka ------------------------------------------------------ */

static int
on_lost(struct scheduler *s)
{
	int code = scheduler_flush(s, RELEASE_LIMIT_MS);

	failpoint("revoke.flushed", NULL);
	if (code != SCHED_GO_ON)
		return code;
	log_line(LOG_INFO, "partitions.released",
	    FIELDS(INT("n", (int64_t)s->parts_n)));
	kafka_release(s->kafka);
	drop_all(s);
	stopped_forget_all(s);
	s->wanted_n = 0;
	s->lanes_changed = false;
	return SCHED_GO_ON;
}

/* The bulk lane waits while the other is behind; for how long, somebody has to
 * know. */
static void
watch_bulk(struct scheduler *s)
{
	int64_t age = scheduler_now(s) - s->ev.append_at;

	if (!s->clock_known || age < BULK_OLD_MS || s->mono < s->bulk_alarm_due)
		return;
	s->bulk_alarm_due = s->mono + BULK_ALARM_EVERY_MS;
	log_line(LOG_WARN, "bulk.old",
	    FIELDS(INT("partition", s->ev.partition),
		INT("offset", s->ev.offset), INT("age_ms", age)));
}

static int
on_record(struct scheduler *s)
{
	struct part *part = scheduler_part(s, s->ev.partition);
	struct err e;

	if (s->clock_known && s->ev.append_at > scheduler_now(s))
		set_clock(s, s->ev.append_at);
	if (part == NULL || s->ev.offset < part->lane[s->ev.lane].next)
		return SCHED_GO_ON;
	if (s->ev.lane == LANE_BULK)
		watch_bulk(s);
	if (intake_record(s, part, &s->ev, &e) != OK)
		return fail("intake.failed", &e, EXIT_CODE_OUTSIDE);
	return SCHED_GO_ON;
}

/* Nothing more is done there: what is not yet written is read again when the
 * partition is opened the next time. */
static int
on_off_log(struct scheduler *s)
{
	struct part *part = scheduler_part(s, s->ev.partition);
	struct err e;

	err_set(&e,
	    "lane %s partition %d: offset %lld is not on the log any more;"
	    " restart the crew: it says then which `domainproof state rebase`"
	    " opens the partition",
	    lane_name(s->ev.lane), s->ev.partition, (long long)s->ev.offset);
	stopped_add(s, s->ev.partition, &e);
	if (part != NULL)
		drop_part(s, part);
	return SCHED_GO_ON;
}

/* *got: something came. */
static int
poll_one(struct scheduler *s, unsigned lanes, bool *got)
{
	struct err e;

	kafka_poll(s->kafka, lanes, &s->ev, &e);
	*got = s->ev.type != KAFKA_NOTHING;
	switch (s->ev.type) {
	case KAFKA_NOTHING:
		return SCHED_GO_ON;
	case KAFKA_RECORD:
		return on_record(s);
	case KAFKA_GAINED:
		return on_gained(s);
	case KAFKA_LOST:
		return on_lost(s);
	case KAFKA_OFF_LOG:
		return on_off_log(s);
	case KAFKA_TROUBLE:
		log_line(
		    LOG_WARN, "kafka.trouble", FIELDS(TEXT("error", e.text)));
		return SCHED_GO_ON;
	case KAFKA_FENCED:
		return fail("slot.taken", &e, EXIT_CODE_USAGE);
	case KAFKA_DEAD:
		break;
	}
	return fail("kafka.dead", &e, EXIT_CODE_OUTSIDE);
}

/* Up to n records of these lanes; *behind: there may be more. */
static int
poll_lanes(struct scheduler *s, unsigned lanes, unsigned n, bool *behind)
{
	bool got = true;
	int code = SCHED_GO_ON;

	for (unsigned i = 0; code == SCHED_GO_ON && got && i < n; i++)
		code = poll_one(s, lanes, &got);
	*behind = got;
	return code;
}

bool
scheduler_full(const struct scheduler *s)
{
	unsigned steps = 0;

	for (size_t i = 0; i < s->parts_n; i++)
		if (s->parts[i]->pending != NULL)
			steps += s->parts[i]->pending->steps;
	return steps >= BATCH_STEPS_MAX;
}

/* Nothing is accepted before there is a clock: a bulk job counts from then,
 * and an identity is remembered from then. */
static bool
may_poll(const struct scheduler *s)
{
	return s->clock_known && !scheduler_full(s);
}

static bool
may_accept(const struct scheduler *s, enum lane lane)
{
	return may_poll(s) && s->open_jobs < OPEN_JOBS_MAX &&
	       s->first_looks[lane] < FIRST_LOOKS_MAX;
}

static int
poll_turn(struct scheduler *s)
{
	unsigned jobs = may_poll(s) ? 1u << LANE_CONTROL : 0;
	bool behind, more = false;
	int code;

	if (may_accept(s, LANE_JOBS))
		jobs |= 1u << LANE_JOBS;
	code = poll_lanes(s, jobs, POLL_JOBS_MAX, &behind);
	if (code == SCHED_GO_ON && may_accept(s, LANE_BULK))
		code = poll_lanes(s, 1u << LANE_BULK,
		    behind ? POLL_BULK_MIN : POLL_JOBS_MAX, &more);
	s->more = behind || more;
	return code;
}

/* -- the turn ------------------------------------------------------------- */

static void
touch_idle(struct scheduler *s)
{
	for (size_t i = 0; i < s->parts_n; i++)
		if (!s->parts[i]->in_batch &&
		    s->mono - s->parts[i]->touched_at >= TOUCH_MS)
			s->parts[i]->touch = true;
}

static bool
settled_in(const struct scheduler *s)
{
	return s->gained && s->fenced && s->restores_n == 0 &&
	       s->wanted_n == 0 && !s->lanes_changed;
}

static int64_t
commit_due(const struct scheduler *s)
{
	int64_t due = scheduler_full(s) ? s->mono : INT64_MAX;

	if (s->batch != NULL)
		return s->commit_began + s->settings->kafka.txn_ms;
	for (size_t i = 0; i < s->parts_n; i++) {
		const struct part *part = s->parts[i];
		int64_t grace = part_grace_due(part);

		if (part->touch)
			grace = s->mono;
		if (part->ripe_at < grace)
			grace = part->ripe_at;
		if (grace < due)
			due = grace;
	}
	if (due < s->commit_began + s->settings->kafka.commit_min_ms)
		due = s->commit_began + s->settings->kafka.commit_min_ms;
	return due;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int
scheduler_turn(struct scheduler *s, int64_t *wake_due)
{
	static int (*const step[])(struct scheduler *) = {
	    fence_collect,
	    restore_collect_all,
	    restore_next,
	    open_lanes,
	    commit_turn,
	    poll_turn,
	};
	struct err e;
	int64_t status_due = INT64_MAX;

	s->mono = clock_mono_ms();
	shm_beat(s->role->shm, s->role->child);
	if (s->condemned_until != 0)
		return condemned_turn(s, wake_due);
	if (dispatch_receive(s, &e) != OK)
		return fail("step.failed", &e, EXIT_CODE_OUTSIDE);
	for (size_t i = 0; i < ARRAY_LEN(step); i++) {
		int code = step[i](s);

		if (code != SCHED_GO_ON)
			return code;
		if (s->condemned_until != 0)
			return condemned_turn(s, wake_due);
	}
	touch_idle(s);
	if (dispatch_turn(s, &e) != OK)
		return fail("step.failed", &e, EXIT_CODE_OUTSIDE);
	if (s->status != NULL)
		status_due = status_turn(s->status, s->mono);
	if (!s->ready && settled_in(s)) {
		s->ready = true;
		role_ready(s->role);
	}
	*wake_due =
	    earlier(earlier(commit_due(s), dispatch_next_due(s)), status_due);
	*wake_due = earlier(*wake_due, stopped_turn(s));
	if (s->more || s->lanes_changed)
		*wake_due = s->mono;
	return SCHED_GO_ON;
}

/* -- the process ---------------------------------------------------------- */

#define FDS_FIXED 3

static void
wait(struct scheduler *s, int64_t wake_due)
{
	struct pollfd fd[FDS_FIXED + CHILDREN_MAX];
	int64_t left = earlier(wake_due - clock_mono_ms(), IDLE_MS);
	uint64_t count;

	fd[0] = (struct pollfd){.fd = s->wake_fd, .events = POLLIN};
	fd[1] = (struct pollfd){.fd = role_stop_fd(s->role), .events = POLLIN};
	fd[2] = (struct pollfd){.fd = s->role->supervisor_fd, .events = POLLIN};
	for (unsigned i = 0; i < s->resolvers_n; i++)
		fd[FDS_FIXED + i] = (struct pollfd){
		    .fd = s->lines[i].fd,
		    .events = (short)(s->lines[i].len > 0 ? POLLIN | POLLOUT
							  : POLLIN),
		};
	poll(fd, FDS_FIXED + s->resolvers_n, left < 0 ? 0 : (int)left);
	if (fd[0].revents & POLLIN && read(s->wake_fd, &count, 8) < 0)
		errno = 0; /* taken by nobody else; the next poll tells */
	if (fd[1].revents & POLLIN)
		s->draining = true;
}

static bool
told_to_stop(const struct role *role)
{
	struct pollfd fd = {.fd = role_stop_fd(role), .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

int
scheduler_main(const struct role *role)
{
	struct scheduler *s;
	int64_t wake_due;
	struct err e;
	enum next how = scheduler_open(&s, role, &e);
	int code = SCHED_GO_ON;

	if (how != OK) {
		code = told_to_stop(role)
			   ? EXIT_CODE_DONE
			   : fail("scheduler.open", &e, exit_of(how));
		scheduler_close(s);
		return code;
	}
	while (code == SCHED_GO_ON && !s->draining) {
		code = scheduler_turn(s, &wake_due);
		if (code == SCHED_GO_ON)
			wait(s, wake_due);
	}
	if (code == SCHED_GO_ON)
		code = scheduler_flush(s, DRAIN_LIMIT_MS);
	if (code == SCHED_GO_ON && s->status != NULL)
		status_finish(s->status, STATUS_LIMIT_MS);
	log_line(LOG_INFO, "scheduler.end",
	    FIELDS(INT("accepted", (int64_t)s->accepted),
		INT("settled", (int64_t)s->settled),
		INT("rerouted", (int64_t)s->rerouted),
		INT("stopped", (int64_t)stopped_count(s))));
	if (code != SCHED_GO_ON)
		return code; /* threads may be stuck: the process ends here */
	scheduler_close(s);
	return EXIT_CODE_DONE;
}
