/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler: owns partitions, remembers claims and open jobs, sends looks
 * to resolvers when they are due, and writes what follows in transactions.
 *
 *   poll -> intake -> step -> pending of its partition -> batch -> commit
 *                      ^                                    |
 *   resolver answers --+                                    +-> Redis
 *
 * Every step changes memory at once and appends what must be written to its
 * partition's `pending`. A batch takes the pendings of up to 16 partitions and
 * is one Kafka transaction; while it commits on its thread, the next steps
 * accumulate. When a batch is aborted, its partitions are dropped and restored
 * from Kafka: there is one way back, the same as after a kill.
 *
 * One thread runs all of this; commits, restores and Redis run as tasks
 * (io/task.h) that share nothing with it but what they are handed. */
#pragma once
#include "core/diagnosis.h"
#include "core/guard.h"
#include "core/murmur2.h"
#include "core/restore.h"
#include "core/seen.h"
#include "core/table.h"
#include "core/txt.h"
#include "core/timers.h"
#include "core/wire.h"
#include "io/conf.h"
#include "io/kafka.h"
#include "io/message.h"
#include "io/redis.h"
#include "io/task.h"
#include "worker/role.h"

#define SCHED_GO_ON (-1) /* any other value is an exit code */

#define GRACE_JOBS_MS	     15 /* a job that ends within it is written once */
#define GRACE_BULK_MS	     2000
#define BULK_TOGETHER_MS     250 /* bulk steps of all partitions: one batch */
#define BATCH_STEPS_MAX	     5000
#define BATCH_PARTITIONS_MAX 16
#define OPEN_JOBS_MAX	     4000000u /* intake pauses above */
#define FIRST_LOOKS_MAX	     4096u    /* accepted, not looked at yet, a lane */
#define ASKED_MAX	     4096u    /* looks out at resolvers */
#define ASKED_BULK_MAX	     2048u
#define ASKED_OWN_MAX	     512u /* of them: looks at claims by themselves */
#define NO_SLOT		     UINT32_MAX
#define NOT_LOOKED_UP	     UINT8_MAX
#define ADVICE_MS	     300 /* a result waits so long for dmarc's advice */
#define WATCHES_MAX	     10000u
#define RECHECKS_MAX	     2000u /* beside them: looks that are wanted now */
#define TOUCH_MS	     (24 * 3600 * 1000) /* each partition commits that often */
#define JOB_HASH_TTL_S	     (7 * 24 * 3600) /* in Redis, after its end */

/* -- memory of one partition -------------------------------------------- */

struct open_job;
struct watch; /* vigil.c */

struct open_claim {
	struct claim claim;
	struct part *part;
	struct open_job *jobs;	 /* open ones of this claim */
	struct open_claim *same; /* another organisation's, same domain */
	struct open_claim *next_dirty;
	struct timer timer;  /* its next look without a job, broker ms */
	struct watch *watch; /* somebody watches, or wants a look now */
	uint32_t asked;	     /* such a look is out: index into asked[] */
	uint32_t key_turn;   /* counts changes of its key */
	bool dirty;	     /* on its partition's list */
	bool urgent;	     /* an interactive job's step made it so */
	/* where the registrable domain begins in the domain: looked up once */
	uint8_t registrable_at;
	char key[]; /* "org/domain" */
};

/* A finding of a job that goes on, as it came: results tell all of it. */
struct kept {
	struct kept *next;
	uint8_t check;
	uint16_t len;
	uint8_t bytes[]; /* the body of a WIRE_FOUND */
};

struct open_job {
	struct job job;
	struct open_claim *claim;
	struct open_job *next; /* of the same claim */
	struct kept *kept;     /* of settled checks, and of a look under way */
	struct timer timer;    /* due, in broker ms; idle while asked, but for
				* one that is proven and waits for advice */
	int64_t held_until;    /* mono ms: need not be written before; 0 = it is
				* not in its lane's queue of held */
	uint64_t held_seq;     /* its number in its lane's queue of held */
	struct open_job *next_dirty;
	uint32_t asked; /* index into asked[], NO_SLOT = not asked */
	bool first;	/* its first look has not ended: one of first_looks */
	bool dirty;
	char key[]; /* "org/domain/id" */
};

/* An accepted job that is in no batch yet holds its lane's position back. */
struct held {
	int64_t offset;
	struct open_job *job; /* NULL: it has ended, its result is pending */
};

struct lane_state {
	int64_t next;	   /* offset of the next record to poll */
	struct held *held; /* a queue: held[first] .. held[first + n - 1] */
	size_t held_first, held_n, held_cap;
	uint64_t held_seq; /* number of held[held_first] */
};

/* What is to be written for one partition, and to Redis after it. */
struct status_put {
	struct status_put *next;
	char *key;    /* Redis key */
	char *member; /* of the organisation's set, NULL = none */
	char *org_key;
	uint64_t ver;
	bool urgent; /* of the interactive lane: written before the others */
	int64_t ttl_s;
	size_t fields_n;
	struct redis_field fields[12];
};

struct pending {
	struct chunk *chunks; /* all memory of this pending */
	size_t out_n, out_cap;
	struct kafka_out *out; /* mem_alloc */
	struct status_put *puts, **puts_end;
	size_t seen_n, seen_cap;
	uint8_t *seen; /* SEEN_OCTETS each */
	unsigned steps;
	bool urgent; /* holds a step of the interactive lane */
};

struct part {
	int32_t p;
	uint64_t epoch;
	struct table claims;  /* key -> struct open_claim */
	struct table domains; /* domain -> its newest struct open_claim */
	struct table jobs;    /* key -> struct open_job */
	struct seen *seen;
	struct lane_state lane[LANE_N];
	struct open_claim *dirty_claims;
	struct open_job *dirty_jobs;
	struct pending *pending; /* NULL: nothing */
	int64_t ripe_at;    /* mono ms at which pending is to be written, as a
			     * step has ended; INT64_MAX: it may wait */
	bool touch;	    /* write `pos` even if nothing is pending */
	int64_t touched_at; /* mono ms of the last commit that touched it */
	int64_t chained;    /* state offset that Redis will have seen */
	bool in_batch;	    /* of the running commit */
};

/* part.c */
enum next part_open(struct part **out, int32_t p, uint64_t epoch,
    const struct policy *policy, struct err *e) MUST_USE;
void part_free(struct part *part);
/* Finds or makes (not begun). RETRY: memory is out. */
enum next part_claim(struct part *part, const char *key,
    struct open_claim **out, struct err *e) MUST_USE;
/* The first claim on a domain, NULL if none; the others follow by `same`. */
struct open_claim *part_same(const struct part *part, const char *domain);
struct open_job *part_job(const struct part *part, const char *key);
enum next part_job_add(struct part *part, const char *key,
    const struct job *job, struct open_job **out, struct err *e) MUST_USE;
/* Takes it off the tables and frees it; its timer must be idle. */
void part_job_drop(struct part *part, struct open_job *job);
/* Its findings that were kept: of these checks (a bit each). */
void part_kept_drop(struct open_job *job, uint32_t checks);
/* The longest-lived open verify job of a claim, NULL if none. */
struct open_job *part_lasting(const struct open_claim *claim);
enum next part_hold(struct part *part, enum lane lane, int64_t offset,
    struct open_job *job, struct err *e) MUST_USE;
/* Jobs that have ended, and those whose grace is over by now_mono, leave the
 * queue (the latter become dirty); INT64_MAX: everything goes. */
void part_release_held(struct part *part, enum lane lane, int64_t now_mono);
/* The position to be committed: the lowest offset that is in no batch. */
int64_t part_position(const struct part *part, enum lane lane);
/* When the grace of the oldest held job ends, mono ms; INT64_MAX: none. */
int64_t part_grace_due(const struct part *part);
/* Splits "org/domain[/id]"; any of the buffers may be NULL. */
void part_key_split(const char *key, char *org, char *domain, char *id);

/* One record of the state topic into the tables; *key tells what it was. pos
 * is written by a `pos` record. REJECT: unreadable, e says how. */
enum next part_apply(struct part *part, const struct kafka_record *record,
    struct record_key *key, struct record_pos *pos, struct err *e) MUST_USE;

/* -- restore.c ----------------------------------------------------------- */

struct restore; /* one partition being read back, on a task */

/* Starts reading partition p; the epoch is that of now. */
enum next restore_start(struct restore **out, struct kafka *kafka,
    const struct kafka_conf *conf, const struct policy *policy, int32_t p,
    int32_t partitions, int wake_fd, struct err *e) MUST_USE;
/* False while it runs. When it has ended: OK with the partition, RETRY (epoch
 * moved on: forget it), REJECT (unreadable or unexplained: needs an operator,
 * its neighbours go on), STOP (exit 111). */
bool restore_collect(
    struct restore *r, enum next *how, struct part **part, struct err *e);
/* It waits for a call that keeps no time limit: only the process's end helps.
 */
bool restore_stuck(const struct restore *r, int64_t now_mono);
int32_t restore_partition(const struct restore *r);
/* Waits for its thread. */
void restore_free(struct restore *r);

/* -- batch.c ------------------------------------------------------------- */

struct chunk;

struct batch {
	struct kafka_batch kafka;
	size_t parts_n;
	struct pending *pendings[BATCH_PARTITIONS_MAX];
	int64_t chain_from[BATCH_PARTITIONS_MAX];
	bool outdated[BATCH_PARTITIONS_MAX]; /* its partition went or came
					      * after it: status.c */
	struct kafka_touch touched[BATCH_PARTITIONS_MAX];
	struct batch *next; /* in a queue of status.c */
	bool told;	    /* its urgent hashes are in Redis */
	enum kafka_commit_result result;
	struct err err;
};

struct pending *pending_open(void);
void pending_free(struct pending *p);
/* Memory that lives as long as the pending. Ends the process (111) when there
 * is none: the way back is a restore. */
void *pending_mem(struct pending *p, size_t len);
char *pending_copy(struct pending *p, const void *bytes, size_t len);
struct pending *part_pending(struct part *part);
/* Appends a record; key, value and headers are copied. */
void pending_out(struct pending *p, const struct kafka_out *out);
void pending_seen(struct pending *p, const struct seen_entry *entry);
struct status_put *pending_put(struct pending *p);
/* Serialises the dirty claims and jobs of the parts chosen and takes their
 * pendings. now_mono decides whose grace is over; all: whatever is held goes.
 * NULL: there is nothing to write. */
enum batch_scope { BATCH_DUE, BATCH_ALL };
struct batch *batch_take(struct part *const *parts, size_t parts_n,
    size_t begin, enum batch_scope scope, int64_t now_mono,
    const struct policy *policy);
void batch_free(struct batch *b);

/* Whose request, in all the forms that keys need. */
struct step_who {
	char org[ORG_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1];
	char id[JOB_ID_MAX + 1];
	char claim_key[RECORD_KEY_MAX + 1];
	char job_key[RECORD_KEY_MAX + 1];
};

/* -- status.c: Redis ----------------------------------------------------- */

struct status;

enum next status_open(struct status **out, const struct settings *settings,
    const struct kafka_conf *conf, const struct policy *policy,
    int32_t partitions, int wake_fd, struct err *e) MUST_USE;
void status_close(struct status *s);
/* Partition p was restored: Redis must be brought up to state offset `to`. */
void status_restored(struct status *s, int32_t p, int64_t to);
void status_gone(struct status *s, int32_t p);
/* A committed batch; takes it over. */
void status_batch(struct status *s, struct batch *b);
/* Each turn: starts what is due, collects what has ended. Returns the mono ms
 * at which it wants to be called again. */
int64_t status_turn(struct status *s, int64_t now_mono);
/* At the end: what waits is written, unless Redis is down, for at most so long.
 * What is left the next owner rebuilds. */
void status_finish(struct status *s, int64_t limit_ms);
/* The hash of a claim or job as it is written; shared by batch.c (after a
 * step) and status.c (rebuilding from the state topic). A claim's tells of the
 * longest-lived of its open jobs. */
struct status_put *status_claim_put(struct pending *p,
    const struct open_claim *claim, const struct policy *policy);
struct status_put *status_open_put(
    struct pending *p, const struct step_who *w, const struct job *open);
struct status_put *status_end_put(
    struct pending *p, const struct step_who *w, const struct job_end *end);

/* -- the scheduler itself ------------------------------------------------ */

enum asked_for {
	ASKED_JOB,
	ASKED_RECHECK, /* a claim that holds something, now and then */
	ASKED_NOW,     /* a recheck job: misses are noted, not counted */
	ASKED_WATCH,   /* somebody watches: the same, and quick */
};

struct asked {			  /* a look that is out at a resolver */
	struct open_claim *claim; /* NULL: free, or its partition is gone */
	struct open_job *job;	  /* NULL: gone, or a look without one */
	uint64_t request;	  /* 0 = free */
	int64_t look_at;	  /* broker ms */
	int64_t sent_at;	  /* mono ms */
	enum asked_for purpose;
	enum lane lane;
	uint32_t out;	     /* checks that have not come yet, a bit each */
	uint32_t neg_ttl_s;  /* the largest of those that have */
	uint32_t generation; /* of the claim, and of its key: answers to */
	uint32_t key_turn;   /* what was before say nothing */
	unsigned resolver;
	uint32_t next_free;
};

struct resolver_line {
	int fd;
	bool full;	  /* it takes no more: a POLLOUT will wake us */
	int64_t heard_at; /* mono ms of its last answer */
	size_t len;	  /* of the frame being filled */
	uint8_t frame[WIRE_FRAME_MAX];
};

struct stopped { /* a partition that stays closed */
	struct stopped *next;
	int32_t p;
	unsigned said;
	int64_t say_at; /* mono ms: it is said again */
	struct err why;
};

struct scheduler {
	const struct role *role;
	const struct settings *settings;
	const struct policy *policy;
	struct kafka_conf kafka_conf;
	struct kafka *kafka;
	int wake_fd;
	int32_t partitions;

	/* the broker's clock: known once a commit has told it */
	bool clock_known;
	int64_t clock_at; /* broker ms at clock_mono */
	int64_t clock_mono;
	int64_t mono; /* this turn's */

	size_t parts_n;
	struct part *parts[KAFKA_PARTITIONS_MAX];
	struct stopped *stopped;
	size_t restores_n;
	struct restore *restores[KAFKA_PARTITIONS_MAX];
	bool lanes_changed;
	size_t wanted_n; /* gained or aborted, to be restored */
	int32_t wanted[2 * KAFKA_PARTITIONS_MAX];
	bool fenced; /* kafka_fence is done */
	bool fencing;
	bool gained; /* at least once */
	bool ready;  /* and told so */
	bool more;   /* the lanes were not empty */

	struct task *commit_task;
	struct batch *batch;	 /* on the commit task */
	int64_t commit_began;	 /* mono */
	unsigned aborts_n;	 /* since the last commit */
	int64_t condemned_until; /* fenced: mono ms to leave at, 0 = not */
	struct task *fence_task;
	struct err fence_err;
	enum next fence_how;

	struct status *status;

	struct timers due[LANE_N]; /* open jobs by their next look */
	struct asked *asked;	   /* ASKED_MAX */
	uint32_t asked_free;
	unsigned asked_n[LANE_N];
	unsigned asked_own_n;  /* looks of ASKED_RECHECK, not in asked_n */
	struct timers own;     /* claims by their next look without a job */
	struct timers watched; /* struct watch by its next look */
	unsigned watches_n;
	struct guard guard;
	int64_t thawed_at; /* broker ms of its last thaw; 0 = none */
	uint64_t request_last;
	unsigned resolvers_n;
	struct resolver_line *lines;

	size_t open_jobs;
	unsigned first_looks[LANE_N];
	uint64_t rerouted, accepted, settled; /* counters for the log */
	size_t turn_part; /* where batch_take begins, for fairness */
	int64_t resend_due;
	/* mono ms of the next of these alarms at the earliest */
	int64_t bulk_alarm_due, include_alarm_due, watch_alarm_due;
	int64_t undecided_alarm_due;
	uint64_t undecided_long; /* checks since the last such alarm */
	bool draining;
	struct kafka_event ev; /* large */
};

/* Opens everything but Kafka's group is not awaited. */
enum next scheduler_open(
    struct scheduler **out, const struct role *role, struct err *e) MUST_USE;
/* Does all that can be done now; *wake_due: mono ms at which to call again at
 * the latest. Returns SCHED_GO_ON or an exit code. */
int scheduler_turn(struct scheduler *s, int64_t *wake_due);
/* Flushes all that is pending and commits it. SCHED_GO_ON or an exit code. */
int scheduler_flush(struct scheduler *s, int64_t limit_ms);
void scheduler_close(struct scheduler *s);
int64_t scheduler_now(const struct scheduler *s); /* broker ms */
struct part *scheduler_part(const struct scheduler *s, int32_t p);
/* So much waits to be written that nothing is begun until some of it is. */
bool scheduler_full(const struct scheduler *s);

/* intake.c: one record of a lane -> steps. OK, or STOP when memory is out. */
enum next intake_record(struct scheduler *s, struct part *part,
    const struct kafka_event *ev, struct err *e) MUST_USE;

/* steps.c: what happens to claims and jobs, and what is said of it */
void step_who(
    struct step_who *w, const char *org, const char *domain, const char *id);
void step_who_of(struct step_who *w, const char *job_key);
/* On what a step is taken. */
struct step_on {
	struct open_claim *claim;
	const struct open_job *job; /* whose step it is; NULL = none */
	enum lane lane;		    /* LANE_BULK: it may wait */
	int64_t look_at;	    /* of a finding: when its look began */
	int64_t now;
};
enum next step_claim(struct scheduler *s, const struct step_on *on,
    enum claim_event ev, const struct finding *f, struct err *e) MUST_USE;
enum next step_function(struct scheduler *s, const struct step_on *on,
    enum function fn, enum function_event ev, const struct finding *f,
    struct err *e) MUST_USE;
/* The same event for each function of a set of bits. */
enum next step_functions(struct scheduler *s, const struct step_on *on,
    uint32_t functions, enum function_event ev, struct err *e) MUST_USE;
/* What a look found of one check, of whichever. STEP_NOTES: a miss is
 * remembered, and takes nothing away. */
enum step_count { STEP_COUNTS, STEP_NOTES };
enum next step_check(struct scheduler *s, const struct step_on *on,
    const struct finding *f, enum step_count count, struct err *e) MUST_USE;
/* Another key is the one to be published. RETRY: memory is out. */
enum next step_key(struct scheduler *s, const struct step_on *on,
    const char *selector, const struct dkim_public *key,
    struct err *e) MUST_USE;
bool step_proven(const struct open_claim *claim); /* verified or lapsing */
/* Another organisation signs for the domain, or has proven it and is about to.
 * A wish without a proof keeps nobody out. mine: NULL = none. */
bool step_dkim_held(
    const struct part *part, const char *domain, const struct open_claim *mine);
/* Ends a request: its result, its identity among the seen, its tombstone, its
 * hash. */
struct step_ending {
	const struct step_who *who;
	const struct job_end *end;
	enum lane lane;
	uint32_t body_hash;
	const struct open_claim *claim;		 /* NULL: there is none */
	uint32_t checks;			 /* that the result lists */
	const struct finding *findings[CHECK_N]; /* as message_result */
	const char *why;			 /* may be NULL */
};
enum next step_end(struct scheduler *s, struct part *part,
    const struct step_ending *ending, struct err *e) MUST_USE;
/* Ends an open job and forgets it, with what was kept of its looks. f: of the
 * finding that ends it, NULL = none. */
enum next step_settle(struct scheduler *s, struct open_job *job,
    enum job_outcome outcome, enum code code, const struct finding *f,
    int64_t now, struct err *e) MUST_USE;
void step_digest(uint8_t out[SEEN_DIGEST], const char *job_key);
/* A step of this lane has ended: what is pending is to be written. At once,
 * but for the bulk lane: its steps of all partitions go together. */
void step_ripen(const struct scheduler *s, struct part *part, enum lane lane);
/* As step_ripen, of a step that more will follow in a moment. */
void step_ripen_soon(
    const struct scheduler *s, struct part *part, enum lane lane);
void step_dirty_claim(
    struct part *part, struct open_claim *claim, enum lane lane);
void step_dirty_job(struct part *part, struct open_job *job);
/* Its jobs came, went or changed, and with them what Redis says of it. */
void step_claim_jobs(
    struct part *part, struct open_claim *claim, enum lane lane);
/* Among the identities seen, on disk and in memory. */
enum next step_remember(struct scheduler *s, struct part *part,
    const struct seen_entry *entry, struct err *e) MUST_USE;
void step_trouble(struct part *part, const char *name, const struct step_who *w,
    enum code code, const char *why, const struct kafka_event *ev,
    const char *prefix, int64_t now);

/* dispatch.c: due looks out, findings in */
void dispatch_init(struct scheduler *s);
enum next dispatch_arm(struct scheduler *s, struct open_job *job, int64_t due,
    struct err *e) MUST_USE;
/* The job ends or its partition goes: what is still out of its look is its
 * claim's. */
void dispatch_forget(struct scheduler *s, struct open_job *job);
/* The partition goes: answers still out only free their slots. */
void dispatch_forget_part(struct scheduler *s, const struct part *part);
/* Room for a look of this purpose? */
bool dispatch_room(
    const struct scheduler *s, enum asked_for purpose, enum lane lane);
/* Sends the look that `want` describes: claim, job, purpose, lane, and what is
 * asked for in `out`. False: not now. */
bool dispatch_ask(struct scheduler *s, const struct asked *want);
void dispatch_free(struct scheduler *s, struct asked *slot);
enum next dispatch_turn(struct scheduler *s, struct err *e) MUST_USE;
enum next dispatch_receive(struct scheduler *s, struct err *e) MUST_USE;
int64_t dispatch_next_due(const struct scheduler *s);

/* found.c: one check of a look that is out has come; raw: its message */
enum next found_check(struct scheduler *s, struct asked *slot,
    const struct finding *f, const struct reader *raw, struct err *e) MUST_USE;
/* A proven job has waited long enough for what holds nothing back. */
enum next found_late(
    struct scheduler *s, struct open_job *job, struct err *e) MUST_USE;

/* vigil.c: looks without a job */
/* After a step of the claim: if it holds something, it is looked at now and
 * then. */
enum next vigil_see(
    struct scheduler *s, struct open_claim *claim, struct err *e) MUST_USE;
/* One look at these checks now. */
enum next vigil_now(struct scheduler *s, struct open_claim *claim,
    uint32_t checks, struct err *e) MUST_USE;
/* Many quick looks for a while, at what is not right. */
enum next vigil_watch(
    struct scheduler *s, struct open_claim *claim, struct err *e) MUST_USE;
/* Such a look has ended, or killed three resolvers. */
enum next vigil_ended(struct scheduler *s, struct open_claim *claim,
    int64_t look_at, struct err *e) MUST_USE;
enum next vigil_poisoned(
    struct scheduler *s, struct open_claim *claim, struct err *e) MUST_USE;
void vigil_forget(struct scheduler *s, struct open_claim *claim);
/* Sends what is due: of watchers; of claims by themselves. */
enum next vigil_turn_watched(struct scheduler *s, struct err *e) MUST_USE;
enum next vigil_turn_own(struct scheduler *s, struct err *e) MUST_USE;
/* Broker ms; INT64_MAX: none. */
int64_t vigil_next_due(const struct scheduler *s);
/* The next look at a claim without a job, broker ms, as far as it is known;
 * 0 = none. Pure. */
int64_t vigil_next_at(
    const struct open_claim *claim, const struct policy *policy);
/* All checks that say something of this claim. */
uint32_t vigil_checks(const struct open_claim *claim);
