/* SPDX-License-Identifier: Apache-2.0 */
/* The current status in Redis. Each committed batch is written with the step
 * of its partitions' marks from where they stood before it to where the batch
 * ends in the state topic; a mark that did not stand there stays behind, and
 * whoever is behind is rewritten from the state topic. So nothing that Redis
 * does or forgets can lose an update for good, and nothing here can hold up a
 * verdict: all of it runs on tasks, and what piles up is dropped.
 *
 * Two tasks with a connection each. The first writes the hashes of interactive
 * jobs as soon as their batch is there; the second writes the rest, moves the
 * marks and rebuilds, however long that takes. */
#include "worker/scheduler.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "io/clock.h"
#include "io/log.h"

#define CALL_LIMIT_MS  500
#define CHECK_MS       10000 /* marks are looked at that often */
#define AGAIN_MS       1000  /* after a failure */
#define QUEUE_MAX      64    /* batches; the oldest is dropped */
#define PIPELINE       500   /* hashes sent together */
#define FINISH_STEP_MS 2
#define STALL_MS       45000

#define NO_NEWS (-1)
#define GONE	(-2)

struct queue {
	struct batch *first, **end;
	size_t n;
};

/* A task, its connection, and the batches it has been given. */
struct line {
	struct task *task;
	struct redis *redis;
	struct batch *work;
	bool running;
};

struct status {
	const struct kafka_conf *conf;
	const struct policy *policy;
	int32_t partitions;
	struct line urgent, all;

	/* the scheduler's side */
	struct queue fresh; /* for the urgent line */
	struct queue queue; /* for the other */
	int64_t check_due;  /* mono */
	bool down;

	/* the task's side of `all` while it runs */
	bool check;
	bool failed;
	struct err err;
	struct kafka_reader *reader;
	uint64_t rebuilt;

	/* state offset that Redis has to stand at; -1 = not ours. Written by
	 * the scheduler's side only while the task is idle. */
	int64_t target[KAFKA_PARTITIONS_MAX];
	int64_t restored[KAFKA_PARTITIONS_MAX]; /* or NO_NEWS, GONE */
};

/* -- queues ---------------------------------------------------------------- */

static void
queue_add(struct queue *q, struct batch *b)
{
	b->next = NULL;
	*q->end = b;
	q->end = &b->next;
	q->n++;
}

static struct batch *
queue_take_all(struct queue *q)
{
	struct batch *all = q->first;

	*q = (struct queue){.end = &q->first};
	return all;
}

static struct batch *
queue_take(struct queue *q)
{
	struct batch *b = q->first;

	q->first = b->next;
	if (q->first == NULL)
		q->end = &q->first;
	q->n--;
	return b;
}

static void
free_batches(struct batch *b)
{
	while (b != NULL) {
		struct batch *next = b->next;

		batch_free(b);
		b = next;
	}
}

/* -- opening and closing --------------------------------------------------- */

static enum next
line_open(struct line *line, const char *name, const char *url, int wake_fd,
    struct err *e)
{
	enum next how = redis_open(&line->redis, url, CALL_LIMIT_MS, e);

	return how == OK ? task_open(&line->task, name, wake_fd, e) : how;
}

static void
line_close(struct line *line)
{
	task_close(line->task);
	free_batches(line->work);
	redis_close(line->redis);
}

enum next
status_open(struct status **out, const struct settings *settings,
    const struct kafka_conf *conf, const struct policy *policy,
    int32_t partitions, int wake_fd, struct err *e)
{
	struct status *s = mem_alloc(sizeof(*s));
	enum next how;

	*out = s;
	if (s == NULL) {
		err_set(e, "memory is out");
		return RETRY;
	}
	s->fresh.end = &s->fresh.first;
	s->queue.end = &s->queue.first;
	s->conf = conf;
	s->policy = policy;
	s->partitions = partitions;
	for (size_t p = 0; p < KAFKA_PARTITIONS_MAX; p++) {
		s->target[p] = -1;
		s->restored[p] = NO_NEWS;
	}
	how = line_open(
	    &s->urgent, "redis-first", settings->redis.url, wake_fd, e);
	return how == OK ? line_open(&s->all, "redis", settings->redis.url,
			       wake_fd, e)
			 : how;
}

void
status_close(struct status *s)
{
	if (s == NULL)
		return;
	line_close(&s->urgent);
	line_close(&s->all);
	free_batches(queue_take_all(&s->fresh));
	free_batches(queue_take_all(&s->queue));
	kafka_reader_close(s->reader);
	mem_free(s);
}

/* -- what is written ----------------------------------------------------- */

static void
field_text(struct pending *p, struct status_put *put, const char *name,
    const char *text)
{
	put->fields[put->fields_n++] = (struct redis_field){
	    .name = name,
	    .text = pending_copy(p, text, strlen(text)),
	};
}

static void
field_number(struct status_put *put, const char *name, int64_t number)
{
	put->fields[put->fields_n++] =
	    (struct redis_field){.name = name, .number = number};
}

static char *
keyed(struct pending *p, const char *kind, const char *a, const char *b)
{
	size_t len = strlen(kind) + strlen(a) + strlen(b) + 16;
	char *key = pending_mem(p, len);

	snprintf(key, len, "domainproof:%s:%s%s%s", kind, a,
	    b[0] == '\0' ? "" : ":", b);
	return key;
}

struct status_put *
status_claim_put(struct pending *p, const struct open_claim *open,
    const struct policy *policy)
{
	char org[ORG_MAX + 1], domain[DNAME_TEXT_MAX + 1], id[JOB_ID_MAX + 1];
	char doc[MESSAGE_OUT_MAX];
	const struct message_who who = {
	    .org = org,
	    .domain = domain,
	    .id = id,
	};
	const struct claim *claim = &open->claim;
	const struct open_job *last = part_lasting(open);
	const struct job *job = last == NULL ? NULL : &last->job;
	int64_t next_at =
	    job == NULL ? vigil_next_at(open, policy) : job->due_at;
	const struct check_state *own = &claim->check[CHECK_OWNERSHIP];
	int64_t looked_at = 0;
	struct status_put *put = pending_put(p);

	part_key_split(open->key, org, domain, NULL);
	id[0] = '\0';
	if (last != NULL)
		part_key_split(last->key, NULL, NULL, id);
	put->key = keyed(p, "claim", domain, org);
	put->org_key = keyed(p, "org", org, "");
	put->member = pending_copy(p, domain, strlen(domain));
	put->ver = claim->ver;
	field_text(p, put, "status", claim_status_name(claim->status));
	field_text(
	    p, put, "shield", shield_name(claim_shield(claim, job != NULL)));
	field_text(p, put, "code", code_name(own->code));
	field_text(p, put, "assurance", assurance_name(own->assurance));
	field_number(put, "since_ms", claim->since_at);
	for (int i = 0; i < CHECK_N; i++)
		if (claim->check[i].looked_at > looked_at)
			looked_at = claim->check[i].looked_at;
	field_number(put, "look_ms", looked_at);
	field_number(put, "next_ms", next_at);
	field_number(put, "deadline_ms", job == NULL ? 0 : job->deadline_at);
	field_text(p, put, "job", who.id);
	message_claim_doc(doc, sizeof(doc), &who, claim, job, next_at, policy);
	field_text(p, put, "doc", doc);
	return put;
}

/* What an open job and one that has ended have in common. */
static struct status_put *
job_put(struct pending *p, const struct step_who *w, const struct job_end *j,
    int64_t next_at)
{
	struct status_put *put = pending_put(p);

	put->key = keyed(p, "job", w->org, w->id);
	put->ver = j->ver;
	field_text(p, put, "domain", w->domain);
	field_text(p, put, "outcome", job_outcome_name(j->outcome));
	field_text(p, put, "code", code_name(j->code));
	field_number(put, "looks", j->looks);
	field_number(put, "next_ms", next_at);
	field_number(put, "deadline_ms", j->deadline_at);
	return put;
}

static struct status_put *
put_job_doc(struct pending *p, struct status_put *put, const struct step_who *w,
    const struct job *open, const struct job_end *end)
{
	const struct message_who who = {
	    .org = w->org, .domain = w->domain, .id = w->id};
	char doc[MESSAGE_OUT_MAX];

	message_job_doc(doc, sizeof(doc), &who, open, end);
	field_text(p, put, "doc", doc);
	return put;
}

struct status_put *
status_open_put(
    struct pending *p, const struct step_who *w, const struct job *open)
{
	const struct job_end shown = {
	    .ver = open->ver,
	    .outcome = END_OPEN,
	    .code = open->looks == 0 ? CODE_NONE : job_code(open),
	    .looks = open->looks,
	    .deadline_at = open->deadline_at,
	};

	return put_job_doc(
	    p, job_put(p, w, &shown, open->due_at), w, open, NULL);
}

struct status_put *
status_end_put(
    struct pending *p, const struct step_who *w, const struct job_end *end)
{
	struct status_put *put = job_put(p, w, end, 0);

	put->ttl_s = JOB_HASH_TTL_S;
	return put_job_doc(p, put, w, NULL, end);
}

/* Hashes on their way, some sent together: a batch may hold thousands. */
struct pipe {
	struct redis *redis;
	size_t n; /* not sent yet */
	enum next how;
	struct err *err;
};

static void
pipe_begin(struct pipe *pipe, struct redis *redis, struct err *e)
{
	*pipe = (struct pipe){.redis = redis, .how = OK, .err = e};
	redis_begin(redis);
}

/* Once it has failed nothing more is sent. */
static void
pipe_put(struct pipe *pipe, const struct status_put *put)
{
	if (pipe->how != OK)
		return;
	redis_put_hash(pipe->redis, put->key, put->ver, put->fields,
	    put->fields_n, put->ttl_s);
	if (put->member != NULL)
		redis_add_member(pipe->redis, put->org_key, put->member);
	if (++pipe->n < PIPELINE)
		return;
	pipe->n = 0;
	pipe->how = redis_run(pipe->redis, pipe->err);
	redis_begin(pipe->redis);
}

/* Sends what is left, and the marks with it. */
static enum next
pipe_end(struct pipe *pipe)
{
	return pipe->how == OK ? redis_run(pipe->redis, pipe->err) : pipe->how;
}

/* -- on the task: batches ------------------------------------------------ */

enum put_kind { PUT_CLAIM, PUT_JOB, PUT_KIND_N };

static void
send_kind(
    struct pipe *pipe, const struct pending *p, enum put_kind kind, bool urgent)
{
	for (const struct status_put *put = p->puts; put != NULL;
	     put = put->next)
		if (put->urgent == urgent &&
		    (put->member != NULL) == (kind == PUT_CLAIM))
			pipe_put(pipe, put);
}

/* Only those whose urgency is asked for. Claims first: whoever sees that a job
 * has ended finds its claim as the job has left it. */
static void
send_puts(struct pipe *pipe, const struct batch *b, bool urgent)
{
	for (int kind = 0; kind < PUT_KIND_N; kind++)
		for (size_t i = 0; i < b->parts_n; i++)
			send_kind(
			    pipe, b->pendings[i], (enum put_kind)kind, urgent);
}

static enum next
write_batch(struct status *s, const struct batch *b)
{
	bool moved[BATCH_PARTITIONS_MAX] = {false};
	struct pipe pipe;
	enum next how;

	pipe_begin(&pipe, s->all.redis, &s->err);
	if (!b->told)
		send_puts(&pipe, b, true);
	send_puts(&pipe, b, false);
	for (size_t i = 0; i < b->parts_n; i++)
		redis_move_mark(s->all.redis, b->touched[i].partition,
		    b->chain_from[i], b->touched[i].pos_offset + 1, &moved[i]);
	how = pipe_end(&pipe);
	for (size_t i = 0; i < b->parts_n; i++)
		s->check = s->check || !moved[i];
	return how;
}

/* -- on the first task ----------------------------------------------------- */

/* What fails here is written by the other line, or rebuilt. */
static void
run_urgent(void *arg)
{
	struct status *s = arg;
	struct batch *b = s->urgent.work;
	struct pipe pipe;
	struct err e;

	pipe_begin(&pipe, s->urgent.redis, &e);
	for (; b != NULL; b = b->next)
		send_puts(&pipe, b, true);
	if (pipe_end(&pipe) != OK)
		return;
	for (b = s->urgent.work; b != NULL; b = b->next)
		b->told = true;
}

/* -- on the task: rebuilding --------------------------------------------- */

struct rebuild {
	struct status *status;
	struct part *part;
	int64_t mark; /* what lies before it is in Redis already */
	struct pending *puts;
	size_t unsent;
	enum next how;
	struct err err;
};

static enum next
flush_puts(struct rebuild *r)
{
	struct pipe pipe;
	enum next how;

	pipe_begin(&pipe, r->status->all.redis, &r->err);
	for (struct status_put *put = r->puts->puts; put != NULL;
	     put = put->next)
		pipe_put(&pipe, put);
	how = pipe_end(&pipe);
	r->status->rebuilt += r->unsent;
	pending_free(r->puts);
	r->puts = pending_open();
	r->unsent = 0;
	return how;
}

static enum next
count_put(struct rebuild *r)
{
	return ++r->unsent < PIPELINE ? OK : flush_puts(r);
}

static enum next
see_end(struct rebuild *r, const struct record_key *key,
    const struct kafka_record *record)
{
	struct step_who w;
	const struct kafka_header *h = record->headers;
	struct job_end end;

	/* somebody else's, or of a version that we cannot read: left out */
	if (record->headers_n == 0 || strcmp(h->name, "end") != 0 ||
	    record_get_end(&end, h->value, h->len, &r->err) != OK)
		return OK;
	step_who(&w, key->org, key->domain, key->id);
	status_end_put(r->puts, &w, &end);
	return count_put(r);
}

/* Whatever the record is about has to be written. */
static enum next
mark_dirty(struct rebuild *r, const struct record_key *key,
    const struct kafka_record *record)
{
	char text[RECORD_KEY_MAX + 1];
	struct open_claim *claim;
	struct open_job *job;

	snprintf(text, sizeof(text), "%s/%s", key->org, key->domain);
	claim = table_find(&r->part->claims, text);
	if (claim != NULL)
		step_dirty_claim(r->part, claim, LANE_BULK);
	if (key->kind != RECORD_JOB)
		return OK;
	if (record->value == NULL)
		return see_end(r, key, record);
	snprintf(
	    text, sizeof(text), "%s/%s/%s", key->org, key->domain, key->id);
	job = part_job(r->part, text);
	if (job != NULL)
		step_dirty_job(r->part, job);
	return OK;
}

static bool
see_state(void *arg, const struct kafka_record *record)
{
	struct rebuild *r = arg;
	struct record_key key;
	struct record_pos pos;

	r->how = part_apply(r->part, record, &key, &pos, &r->err);
	if (r->how == OK && key.kind != RECORD_POS)
		r->how = mark_dirty(r, &key, record);
	return r->how == OK;
}

static enum next
put_dirty(struct rebuild *r)
{
	struct open_claim *claim = r->part->dirty_claims;
	struct open_job *job = r->part->dirty_jobs;
	struct step_who w;
	enum next how = OK;

	for (; how == OK && claim != NULL; claim = claim->next_dirty) {
		status_claim_put(r->puts, claim, r->status->policy);
		how = count_put(r);
	}
	for (; how == OK && job != NULL; job = job->next_dirty) {
		step_who_of(&w, job->key);
		status_open_put(r->puts, &w, &job->job);
		how = count_put(r);
	}
	return how == OK ? flush_puts(r) : how;
}

static enum next
read_and_put(struct rebuild *r, int32_t p, int64_t to)
{
	struct kafka_reader *reader = r->status->reader;
	int64_t low, high;
	enum next how = kafka_reader_ends(
	    reader, TOPIC_STATE, p, &low, &high, STALL_MS, &r->err);

	if (low < r->mark)
		low = r->mark;
	if (how == OK && low < to) {
		r->how = OK;
		how = kafka_reader_read(reader, TOPIC_STATE, p, low, to,
		    see_state, r, STALL_MS, &r->err);
		if (r->how != OK)
			how = r->how;
	}
	return how == OK ? put_dirty(r) : how;
}

static enum next
rebuild(struct status *s, int32_t p, int64_t mark)
{
	int64_t to = s->target[p];
	struct rebuild r = {
	    .status = s,
	    .mark = mark > to ? 0 : mark,
	    .puts = pending_open(),
	};
	bool moved;
	enum next how = part_open(&r.part, p, 0, s->policy, &r.err);

	if (how == OK && s->reader == NULL)
		how = kafka_reader_open(&s->reader, s->conf, &r.err);
	if (how == OK)
		how = read_and_put(&r, p, to);
	if (how == OK) {
		redis_begin(s->all.redis);
		redis_move_mark(
		    s->all.redis, p, mark < 0 ? 0 : mark, to, &moved);
		how = redis_run(s->all.redis, &r.err);
	}
	if (how != OK)
		s->err = r.err;
	part_free(r.part);
	pending_free(r.puts);
	log_line(how == OK ? LOG_INFO : LOG_WARN, "redis.rebuilt",
	    FIELDS(INT("partition", p), INT("from", mark), INT("to", to),
		INT("entries", (int64_t)s->rebuilt),
		TEXT("error", how == OK ? "" : r.err.text)));
	s->rebuilt = 0;
	return how;
}

static enum next
check_marks(struct status *s)
{
	enum next how = redis_put_meta(s->all.redis, s->partitions, &s->err);

	for (int32_t p = 0; how == OK && p < s->partitions; p++) {
		int64_t mark;

		if (s->target[p] < 0)
			continue;
		how = redis_get_mark(s->all.redis, p, &mark, &s->err);
		if (how == OK && mark != s->target[p])
			how = rebuild(s, p, mark);
		if (how == REJECT)
			how = OK; /* its neighbours go on */
	}
	return how;
}

static void
run(void *arg)
{
	struct status *s = arg;
	enum next how = OK;

	for (struct batch *b = s->all.work; how == OK && b != NULL; b = b->next)
		how = write_batch(s, b);
	free_batches(s->all.work);
	s->all.work = NULL;
	if (how == OK && s->check)
		how = check_marks(s);
	s->failed = how != OK;
}

/* -- the scheduler's side ------------------------------------------------ */

static void
outdate(struct batch *b, int32_t p)
{
	for (; b != NULL; b = b->next)
		for (size_t i = 0; i < b->parts_n; i++)
			if (b->touched[i].partition == p)
				b->outdated[i] = true;
}

/* What waits was before: it does not say any more where its partition has to
 * stand. */
static void
news(struct status *s, int32_t p, int64_t to)
{
	s->restored[p] = to;
	outdate(s->fresh.first, p);
	outdate(s->urgent.work, p);
	outdate(s->queue.first, p);
}

void
status_restored(struct status *s, int32_t p, int64_t to)
{
	news(s, p, to);
	s->check_due = 0;
}

void
status_gone(struct status *s, int32_t p)
{
	news(s, p, GONE);
}

void
status_batch(struct status *s, struct batch *b)
{
	queue_add(&s->fresh, b);
}

static void
drop_oldest(struct status *s)
{
	struct batch *oldest = queue_take(&s->queue);

	for (size_t i = 0; i < oldest->parts_n; i++)
		if (!oldest->outdated[i])
			s->restored[oldest->touched[i].partition] =
			    oldest->touched[i].pos_offset + 1;
	batch_free(oldest);
	s->check_due = 0;
}

static void
pass_on(struct status *s, struct batch *b)
{
	while (b != NULL) {
		struct batch *next = b->next;

		if (s->queue.n == QUEUE_MAX)
			drop_oldest(s);
		queue_add(&s->queue, b);
		b = next;
	}
}

static bool
any_urgent(const struct batch *b)
{
	for (; b != NULL; b = b->next)
		for (size_t i = 0; i < b->parts_n; i++)
			if (b->pendings[i]->urgent)
				return true;
	return false;
}

/* Batches leave in the order in which they came, or marks would not chain. */
static void
urgent_turn(struct status *s)
{
	struct line *line = &s->urgent;

	if (line->running) {
		if (task_collect(line->task) != TASK_ENDED)
			return;
		line->running = false;
		pass_on(s, line->work);
		line->work = NULL;
	}
	if (s->fresh.n == 0)
		return;
	if (s->down || !any_urgent(s->fresh.first)) {
		pass_on(s, queue_take_all(&s->fresh));
		return;
	}
	line->work = queue_take_all(&s->fresh);
	line->running = true;
	task_start(line->task, run_urgent, s);
}

/* The task is idle: what it aims at may be changed. */
static void
hand_over(struct status *s)
{
	for (int32_t p = 0; p < s->partitions; p++) {
		if (s->restored[p] == GONE)
			s->target[p] = -1;
		else if (s->restored[p] != NO_NEWS)
			s->target[p] = s->restored[p];
		s->restored[p] = NO_NEWS;
	}
	s->all.work = queue_take_all(&s->queue);
	for (const struct batch *b = s->all.work; b != NULL; b = b->next)
		for (size_t i = 0; i < b->parts_n; i++)
			if (!b->outdated[i])
				s->target[b->touched[i].partition] =
				    b->touched[i].pos_offset + 1;
}

static void
collect(struct status *s, int64_t now_mono)
{
	if (task_collect(s->all.task) != TASK_ENDED)
		return;
	s->all.running = false;
	s->check_due = now_mono + (s->failed ? AGAIN_MS : CHECK_MS);
	if (s->failed != s->down) {
		log_line(s->failed ? LOG_WARN : LOG_INFO,
		    s->failed ? "redis.down" : "redis.up",
		    FIELDS(TEXT("error", s->failed ? s->err.text : "")));
		s->down = s->failed;
	}
}

int64_t
status_turn(struct status *s, int64_t now_mono)
{
	urgent_turn(s);
	if (s->all.running)
		collect(s, now_mono);
	if (s->all.running)
		return INT64_MAX;
	if (s->down && now_mono < s->check_due)
		return s->check_due;
	if (s->queue.n == 0 && now_mono < s->check_due)
		return s->check_due;
	s->check = now_mono >= s->check_due || s->down;
	s->failed = false;
	hand_over(s);
	s->all.running = true;
	task_start(s->all.task, run, s);
	return INT64_MAX;
}

static bool
busy(const struct status *s)
{
	return s->urgent.running || s->all.running || s->fresh.n > 0 ||
	       s->queue.n > 0;
}

void
status_finish(struct status *s, int64_t limit_ms)
{
	int64_t until = clock_mono_ms() + limit_ms;
	int64_t now = clock_mono_ms();

	for (; busy(s) && !s->down && now < until; now = clock_mono_ms()) {
		status_turn(s, now);
		poll(NULL, 0, FINISH_STEP_MS);
	}
}
