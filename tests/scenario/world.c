/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenario/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/topic.h"
#include "io/frame.h"
#include "tests/fake/clock.h"
#include "tests/fake/failpoint.h"
#include "tests/fake/kafka_sim.h"
#include "tests/fake/task.h"

#define ORG	    "acme"
#define DOMAINS_MAX 4096
#define LOOKS_MAX   65536
#define POSTED_MAX  65536
#define REPLIES_MAX 20000

struct script {
	char domain[DNAME_TEXT_MAX + 1];
	enum check check;
	enum verdict verdict;
	enum code code;
};

struct reply {
	unsigned slot;
	uint64_t request;
	int64_t due;
	char domain[DNAME_TEXT_MAX + 1];
	enum check check;
	enum verdict verdict; /* as it was when the look began */
	enum code code;
};

struct slot {
	struct role role;
	struct settings settings;
	struct scheduler *scheduler;
	bool frozen;
	int exit_code;
	int resolver_end, supervisor_end;
};

struct posted {
	char org[ORG_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1];
	char id[JOB_ID_MAX + 1];
};

static struct world {
	struct policy policy;
	struct shm *shm;
	struct slot slot[WORLD_SLOTS];
	size_t scripts_n, looks_n, replies_n, posted_n;
	struct script script[DOMAINS_MAX];
	struct world_look look[LOOKS_MAX];
	struct reply reply[REPLIES_MAX];
	struct posted posted[POSTED_MAX];
	int64_t delay_ms[CHECK_N];
	int64_t mono, wall; /* wall: the broker's */
	int64_t session_ms;
	bool without_redis;
} w;

/* -- the DNS -------------------------------------------------------------- */

static struct script *
script_of(const char *domain, enum check check)
{
	for (size_t i = 0; i < w.scripts_n; i++)
		if (w.script[i].check == check &&
		    strcmp(w.script[i].domain, domain) == 0)
			return &w.script[i];
	return NULL;
}

void
world_check(
    const char *domain, enum check check, enum verdict verdict, enum code code)
{
	struct script *s = script_of(domain, check);

	if (s == NULL)
		s = &w.script[w.scripts_n++];
	assert_true(w.scripts_n <= DOMAINS_MAX);
	snprintf(s->domain, sizeof(s->domain), "%s", domain);
	s->check = check;
	s->verdict = verdict;
	s->code = code;
}

void
world_dns(const char *domain, enum verdict verdict, enum code code)
{
	world_check(domain, CHECK_OWNERSHIP, verdict, code);
}

void
world_dns_delay(int64_t delay_ms)
{
	for (int c = 0; c < CHECK_N; c++)
		w.delay_ms[c] = delay_ms;
}

void
world_check_delay(enum check check, int64_t delay_ms)
{
	w.delay_ms[check] = delay_ms;
}

size_t
world_looks(const char *domain)
{
	size_t n = 0;

	for (size_t i = 0; i < w.looks_n; i++)
		n += domain == NULL || strcmp(w.look[i].domain, domain) == 0;
	return n;
}

int64_t
world_look_at(const char *domain, size_t n)
{
	for (size_t i = 0; i < w.looks_n; i++)
		if (strcmp(w.look[i].domain, domain) == 0 && n-- == 0)
			return w.look[i].at;
	return -1;
}

const struct world_look *
world_look(const char *domain, size_t n)
{
	for (size_t i = 0; i < w.looks_n; i++)
		if (strcmp(w.look[i].domain, domain) == 0 && n-- == 0)
			return &w.look[i];
	fail_msg("%s: there was no such look", domain);
	return NULL;
}

const struct world_look *
world_last_look(const char *domain)
{
	return world_look(domain, world_looks(domain) - 1);
}

static void
on_look(unsigned slot, const struct wire_look *m)
{
	struct world_look *l = &w.look[w.looks_n++];

	assert_true(w.looks_n < LOOKS_MAX);
	memcpy(l->domain, m->domain, sizeof(l->domain));
	memcpy(l->subject, m->subject, sizeof(l->subject));
	l->at = world_now();
	l->checks = m->checks;
	l->proven = m->proven;
	l->quick = m->quick;
	l->signs = m->signs;
	l->keys_n = m->keys_n;
	snprintf(l->selector, sizeof(l->selector), "%s",
	    m->keys_n == 0 ? "" : m->keys[0].selector);
	for (int c = 0; c < CHECK_N; c++) {
		const struct script *s = script_of(m->domain, (enum check)c);
		struct reply *r = &w.reply[w.replies_n];

		if (!(m->checks & 1u << c))
			continue;
		assert_true(++w.replies_n < REPLIES_MAX);
		r->slot = slot;
		r->request = m->request;
		r->due = w.mono + w.delay_ms[c];
		r->check = (enum check)c;
		r->verdict = s == NULL ? VERDICT_NONE : s->verdict;
		r->code = s == NULL ? CODE_NOT_PUBLISHED : s->code;
		memcpy(r->domain, m->domain, sizeof(r->domain));
	}
}

static bool
take_looks(unsigned slot)
{
	static uint8_t frame[WIRE_FRAME_MAX];
	struct wire_message message;
	struct wire_look look;
	struct reader r;
	size_t len;
	bool any = false;

	while (frame_receive(w.slot[slot].resolver_end, frame, sizeof(frame),
		   &len) == FRAME_DONE) {
		reader_init(&r, frame, len);
		while (wire_next(&r, &message)) {
			assert_int_equal(message.type, WIRE_LOOK);
			assert_true(wire_get_look(&message.body, &look));
			on_look(slot, &look);
			any = true;
		}
	}
	return any;
}

/* False: the line is full. */
static bool
send_finding(const struct reply *r)
{
	static const char *const label[CHECK_N] = {
	    [CHECK_OWNERSHIP] = "_x-challenge",
	    [CHECK_SPF] = "the-domain-itself",
	    [CHECK_DKIM] = "s1._domainkey",
	    [CHECK_DMARC] = "_dmarc",
	};
	static uint8_t frame[WIRE_FRAME_MAX];
	struct wire_found m = {.request = r->request};
	struct writer out;

	m.finding.check = r->check;
	m.finding.mark = NO_MARK;
	m.finding.verdict = r->verdict;
	m.finding.code = r->code;
	m.finding.assurance = m.finding.verdict == VERDICT_PASS
				  ? ASSURANCE_SINGLE
				  : ASSURANCE_NONE;
	snprintf(m.finding.name, sizeof(m.finding.name), "%s.%s",
	    label[r->check], r->domain);
	writer_init(&out, frame, sizeof(frame));
	wire_put_found(&out, &m);
	return frame_send(w.slot[r->slot].resolver_end, frame, out.len) ==
	       FRAME_DONE;
}

static bool
send_replies(void)
{
	bool any = false;

	for (size_t i = 0; i < w.replies_n;) {
		struct reply r = w.reply[i];

		if (r.due > w.mono ||
		    (w.slot[r.slot].scheduler != NULL && !send_finding(&r))) {
			i++;
			continue;
		}
		w.reply[i] = w.reply[--w.replies_n];
		any = true;
	}
	return any;
}

/* -- slots ---------------------------------------------------------------- */

struct policy *
world_policy(void)
{
	return &w.policy;
}

void
world_open(int32_t partitions)
{
	struct err e;

	memset(&w, 0, sizeof(w));
	w.mono = 1000000;
	w.wall = WORLD_START;
	w.session_ms = 10 * SECOND;
	world_dns_delay(3);
	fake_clock_set(w.mono, WORLD_START);
	sim_reset(partitions);
	sim_clock(WORLD_START);
	fake_redis_wipe();
	fake_redis_down(false);
	fake_failpoint = NULL;
	assert_int_equal(shm_open_crew(&w.shm, &e), OK);
	w.policy = (struct policy){
	    .version = "test",
	    .service = "x",
	    .deadline_max_ms = 48 * HOUR,
	    .backoff = {.n = 10,
		.gap_ms = {30 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE,
		    4 * MINUTE, 7 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR,
		    HOUR}},
	    .lapse_ms = 72 * HOUR,
	    .lapse_looks = 2,
	    .spf_include = "spf.x.test",
	    .default_sender = "mail@x.test",
	    .recheck_ms = 24 * HOUR,
	    .watch_gap_ms = 30 * SECOND,
	    .watch_ms = 5 * MINUTE,
	    .guard_percent = 20,
	    .guard_looks = 100,
	    .authoritative = true,
	    .dedupe_ms = 7 * 24 * HOUR,
	};
	for (unsigned i = 0; i < WORLD_SLOTS; i++)
		w.slot[i].exit_code = SCHED_GO_ON;
}

void
world_session(int64_t session_ms)
{
	w.session_ms = session_ms;
}

void
world_without_redis(void)
{
	w.without_redis = true;
}

static void
close_ends(struct slot *s)
{
	close(s->resolver_end);
	close(s->role.resolver_fd[0]);
	close(s->supervisor_end);
	close(s->role.supervisor_fd);
	close(s->role.ready_fd);
}

void
world_close(void)
{
	fake_failpoint = NULL;
	for (unsigned i = 0; i < WORLD_SLOTS; i++)
		if (w.slot[i].scheduler != NULL)
			world_drain(i);
	fake_redis_wipe();
}

int
world_setup(void **state)
{
	(void)state;
	world_open(WORLD_PARTITIONS);
	return 0;
}

int
world_teardown(void **state)
{
	(void)state;
	fake_task_release(NULL);
	world_close();
	return 0;
}

static void
open_role(struct slot *s, unsigned i)
{
	int line[2], supervisor[2];
	struct err e;

	assert_int_equal(frame_pair(line, &e), OK);
	assert_int_equal(frame_pair(supervisor, &e), OK);
	s->settings = (struct settings){.pool = {.name = "pool"}};
	snprintf(s->settings.pool.slot, sizeof(s->settings.pool.slot), "%u", i);
	snprintf(s->settings.kafka.prefix, 65, "domainproof.");
	snprintf(s->settings.redis.url, 64, "%s",
	    w.without_redis ? "" : "redis://127.0.0.1:1");
	/* relative to the root, where tests/run is */
	snprintf(
	    s->settings.dns.suffix_list, 64, "tests/scenario/suffixes.dat");
	s->settings.kafka.session_ms = w.session_ms;
	s->settings.kafka.txn_ms = 10 * SECOND;
	s->settings.kafka.commit_min_ms = 20;
	s->role = (struct role){
	    .settings = &s->settings,
	    .policy = &w.policy,
	    .shm = w.shm,
	    .child = i,
	    .ready_fd = dup(0),
	    .supervisor_fd = supervisor[0],
	    .resolvers_n = 1,
	    .resolver_fd = {line[0]},
	};
	s->resolver_end = line[1];
	s->supervisor_end = supervisor[1];
}

void
world_start(unsigned i)
{
	struct slot *s = &w.slot[i];
	struct err e;

	open_role(s, i);
	s->frozen = false;
	s->exit_code = SCHED_GO_ON;
	if (scheduler_open(&s->scheduler, &s->role, &e) != OK)
		fail_msg("slot %u does not open: %s", i, e.text);
	world_run(100);
}

static void
forget_replies(unsigned slot)
{
	for (size_t i = 0; i < w.replies_n;)
		if (w.reply[i].slot == slot)
			w.reply[i] = w.reply[--w.replies_n];
		else
			i++;
}

void
world_crash(unsigned i)
{
	struct slot *s = &w.slot[i];

	if (s->scheduler == NULL)
		return;
	sim_kill(s->scheduler->kafka);
	fake_task_forget();
	scheduler_close(s->scheduler);
	s->scheduler = NULL;
	forget_replies(i);
	close_ends(s);
}

void
world_drain(unsigned i)
{
	struct slot *s = &w.slot[i];

	s->exit_code = scheduler_flush(s->scheduler, 15 * SECOND);
	if (s->exit_code != SCHED_GO_ON) {
		world_crash(i);
		return;
	}
	scheduler_close(s->scheduler);
	s->scheduler = NULL;
	forget_replies(i);
	close_ends(s);
}

void
world_freeze(unsigned slot)
{
	w.slot[slot].frozen = true;
	sim_stop(w.slot[slot].scheduler->kafka);
}

void
world_thaw(unsigned slot)
{
	w.slot[slot].frozen = false;
	sim_continue(w.slot[slot].scheduler->kafka);
}

void
world_new_resolver(unsigned slot)
{
	uint8_t frame[64];
	struct writer out;

	forget_replies(slot);
	writer_init(&out, frame, sizeof(frame));
	wire_put_hello(&out);
	assert_int_equal(
	    frame_send(w.slot[slot].resolver_end, frame, out.len), FRAME_DONE);
}

void
world_poison(unsigned slot, const char *subject)
{
	static uint8_t frame[WIRE_MESSAGE_MAX];
	struct wire_poison m;
	struct writer out;

	snprintf(m.subject, sizeof(m.subject), "%s", subject);
	writer_init(&out, frame, sizeof(frame));
	wire_put_poison(&out, &m);
	assert_int_equal(
	    frame_send(w.slot[slot].supervisor_end, frame, out.len),
	    FRAME_DONE);
}

struct scheduler *
world_scheduler(unsigned slot)
{
	return w.slot[slot].scheduler;
}

int
world_exit_code(unsigned slot)
{
	return w.slot[slot].exit_code;
}

/* -- time ----------------------------------------------------------------- */

int64_t
world_now(void)
{
	return w.wall;
}

static void
pass(int64_t ms)
{
	fake_clock_pass(ms);
	w.mono += ms;
	w.wall += ms;
	sim_clock(w.wall);
}

/* One turn of a slot; a scheduler that ends by itself is as good as killed. */
static int64_t
turn(unsigned i)
{
	struct slot *s = &w.slot[i];
	int64_t due = INT64_MAX;

	if (s->scheduler == NULL || s->frozen)
		return INT64_MAX;
	s->exit_code = scheduler_turn(s->scheduler, &due);
	if (s->exit_code == SCHED_GO_ON)
		return due;
	world_crash(i);
	return INT64_MAX;
}

/* Has anything asked for another turn of this slot? */
static bool
woken(unsigned i)
{
	uint64_t count;

	return w.slot[i].scheduler != NULL && !w.slot[i].frozen &&
	       read(w.slot[i].scheduler->wake_fd, &count, sizeof(count)) > 0;
}

/* Everything that can happen now; returns the next moment at which more can. */
static int64_t
settle_now(void)
{
	int64_t due;
	bool again;

	do {
		due = INT64_MAX;
		again = false;
		for (unsigned i = 0; i < WORLD_SLOTS; i++) {
			int64_t own = turn(i);

			due = own < due ? own : due;
			if (w.slot[i].scheduler != NULL)
				again |= take_looks(i);
			again |= woken(i);
		}
		again |= send_replies();
	} while (again || due <= w.mono);
	for (size_t i = 0; i < w.replies_n; i++)
		due = w.reply[i].due < due ? w.reply[i].due : due;
	return due;
}

#define BROKER_STEP_MS 3000 /* sessions and transactions run out meanwhile */

void
world_run(int64_t ms)
{
	int64_t until = w.mono + ms;

	for (;;) {
		int64_t due = settle_now();
		int64_t next = w.mono + BROKER_STEP_MS;

		if (w.mono >= until)
			return;
		next = due < next ? due : next;
		pass((next < until ? next : until) - w.mono);
	}
}

/* -- messages ------------------------------------------------------------- */

int64_t
world_post_raw(
    enum topic lane, int32_t partition, const char *key, const char *value)
{
	const struct kafka_out out = {
	    .topic = lane,
	    .partition = partition,
	    .key = key,
	    .key_len = key == NULL ? 0 : strlen(key),
	    .value = value,
	    .value_len = value == NULL ? 0 : strlen(value),
	};

	return sim_post(&out);
}

static void
note_posted(const char *org, const char *domain, const char *id)
{
	struct posted *p = &w.posted[w.posted_n];

	for (size_t i = 0; i < w.posted_n; i++)
		if (strcmp(w.posted[i].id, id) == 0 &&
		    strcmp(w.posted[i].domain, domain) == 0 &&
		    strcmp(w.posted[i].org, org) == 0)
			return;
	assert_true(++w.posted_n < POSTED_MAX);
	snprintf(p->org, sizeof(p->org), "%s", org);
	snprintf(p->domain, sizeof(p->domain), "%s", domain);
	snprintf(p->id, sizeof(p->id), "%s", id);
}

int64_t
world_post_as(const char *org, enum topic lane, const char *kind,
    const char *domain, const char *id, const char *more)
{
	char value[4096];

	note_posted(org, domain, id);
	snprintf(value, sizeof(value),
	    "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"t\","
	    "\"type\":\"domainproof.job.v1\",\"data\":{\"org\":\"%s\","
	    "\"domain\":\"%s\",\"kind\":\"%s\"%s%s}}",
	    id, org, domain, kind, more == NULL ? "" : ",",
	    more == NULL ? "" : more);
	return world_post_raw(lane,
	    murmur2_partition(domain, strlen(domain), broker.partitions_n),
	    domain, value);
}

int64_t
world_post(enum topic lane, const char *kind, const char *domain,
    const char *id, const char *more)
{
	return world_post_as(ORG, lane, kind, domain, id, more);
}

/* Calls see for each committed record of a topic, partition by partition. */
static void
each(enum topic topic, void (*see)(void *arg, const struct kafka_record *r),
    void *arg)
{
	for (int32_t p = 0; p < broker.partitions_n; p++)
		sim_read(
		    topic, p, broker_low(topic, p), BROKER_COMMITTED, see, arg);
}

const char *
world_name(int32_t p, int n)
{
	static char name[8][24];
	static unsigned turn;
	char *at = name[turn++ % ARRAY_LEN(name)];

	for (int i = 0;; i++) {
		snprintf(at, sizeof(name[0]), "n%d.test", i);
		if (murmur2_partition(at, strlen(at), broker.partitions_n) ==
			p &&
		    n-- == 0)
			return at;
	}
}

static void
count_pos(void *arg, const struct kafka_record *r)
{
	*(size_t *)arg += r->key_len == 3 && memcmp(r->key, "pos", 3) == 0;
}

size_t
world_commits(int32_t p)
{
	size_t n = 0;

	sim_read(TOPIC_STATE, p, 0, BROKER_COMMITTED, count_pos, &n);
	return n;
}

static struct {
	const char *name, *detail;
	unsigned nth;
	void (*act)(void);
} then;

static void
arrived(const char *name, const char *detail)
{
	if (strcmp(name, then.name) != 0)
		return;
	if (then.detail != NULL &&
	    (detail == NULL || strcmp(detail, then.detail) != 0))
		return;
	if (--then.nth > 0)
		return;
	fake_failpoint = NULL;
	then.act();
}

void
world_when(
    const char *name, const char *detail, unsigned nth, void (*act)(void))
{
	then.name = name;
	then.detail = detail;
	then.nth = nth;
	then.act = act;
	fake_failpoint = arrived;
}

bool
world_happened(void)
{
	return fake_failpoint == NULL;
}

struct counting {
	size_t n, texts_n;
	const char *text[8];
};

static bool
holds(const struct kafka_record *r, const char *text)
{
	return r->value != NULL &&
	       memmem(r->value, r->value_len, text, strlen(text)) != NULL;
}

static void
count_one(void *arg, const struct kafka_record *r)
{
	struct counting *c = arg;
	size_t i = 0;

	while (i < c->texts_n && holds(r, c->text[i]))
		i++;
	c->n += i == c->texts_n;
}

size_t
world_count(enum topic topic, ...)
{
	struct counting c = {.n = 0};
	const char *text;
	va_list ap;

	va_start(ap, topic);
	while ((text = va_arg(ap, const char *)) != NULL)
		c.text[c.texts_n++] = text;
	va_end(ap);
	each(topic, count_one, &c);
	return c.n;
}

struct finding_result {
	char key[RECORD_KEY_MAX + 1];
	size_t n;
	char outcome[32];
};

static void
see_result(void *arg, const struct kafka_record *r)
{
	static const char mark[] = "\"outcome\":\"";
	struct finding_result *f = arg;
	const char *at;

	if (r->key_len != strlen(f->key) ||
	    memcmp(r->key, f->key, r->key_len) != 0)
		return;
	f->n++;
	at = memmem(r->value, r->value_len, mark, sizeof(mark) - 1);
	assert_non_null(at);
	at += sizeof(mark) - 1;
	snprintf(
	    f->outcome, sizeof(f->outcome), "%.*s", (int)strcspn(at, "\""), at);
}

const char *
world_outcome_of(const char *org, const char *domain, const char *id)
{
	static struct finding_result f;

	f = (struct finding_result){.n = 0};
	snprintf(f.key, sizeof(f.key), "%s/%s/%s", org, domain, id);
	each(TOPIC_RESULTS, see_result, &f);
	return f.n > 1 ? "twice" : f.outcome;
}

const char *
world_outcome(const char *domain, const char *id)
{
	return world_outcome_of(ORG, domain, id);
}

/* -- invariants ------------------------------------------------------------ */

/* Redis stands where the record does: so do its functions. */
static void
check_same(const char *redis_key, const struct claim *c)
{
	const char *doc = fake_redis_field(redis_key, "doc");
	char text[64];

	assert_string_equal(fake_redis_field(redis_key, "status"),
	    claim_status_name(c->status));
	for (int fn = 0; fn < FUNCTION_N; fn++) {
		snprintf(text, sizeof(text), "\"%s\":{\"status\":\"%s\"",
		    function_name((enum function)fn),
		    function_status_name(c->function[fn].status));
		if (strstr(doc, text) == NULL)
			fail_msg("%s: %s is not in %s", redis_key, text, doc);
	}
}

static void
check_claim(void *arg, const struct kafka_record *r)
{
	struct record_key key;
	struct claim c;
	char redis_key[512], ver[24];
	const char *field;
	struct err e;

	(void)arg;
	record_key_parse(&key, r->key, r->key_len);
	if (key.kind != RECORD_CLAIM || r->value == NULL)
		return;
	assert_int_equal(record_get_claim(&c, r->value, r->value_len, &e), OK);
	snprintf(redis_key, sizeof(redis_key), "domainproof:claim:%s:%s",
	    key.domain, key.org);
	field = fake_redis_field(redis_key, "ver");
	snprintf(ver, sizeof(ver), "%llu", (unsigned long long)c.ver);
	/* the last record of a key is the one that counts: see check_last */
	if (field == NULL)
		fail_msg("%s is not in Redis", redis_key);
	if (strtoull(field, NULL, 10) < c.ver)
		fail_msg("%s: Redis %s, state %s", redis_key, field, ver);
	if (strtoull(field, NULL, 10) == c.ver)
		check_same(redis_key, &c);
	claim_free(&c);
}

static void
see_pos(void *arg, const struct kafka_record *r)
{
	struct record_pos *last = arg;
	struct record_key key;
	struct err e;

	record_key_parse(&key, r->key, r->key_len);
	if (key.kind == RECORD_POS)
		assert_int_equal(
		    record_get_pos(last, r->value, r->value_len, &e), OK);
}

static void
check_offsets(void)
{
	for (int32_t p = 0; p < broker.partitions_n; p++) {
		struct record_pos last = {.partitions = 0};

		sim_read(TOPIC_STATE, p, broker_low(TOPIC_STATE, p),
		    BROKER_COMMITTED, see_pos, &last);
		for (int l = 0; l < LANE_N; l++)
			assert_int_equal(
			    sim_committed((enum lane)l, p), last.next[l]);
	}
}

void
world_check_settled(void)
{
	for (size_t i = 0; i < w.posted_n; i++) {
		const struct posted *p = &w.posted[i];
		const char *outcome =
		    world_outcome_of(p->org, p->domain, p->id);

		if (outcome[0] == '\0' || strcmp(outcome, "twice") == 0)
			fail_msg("%s/%s: %s", p->domain, p->id,
			    outcome[0] == '\0' ? "no result" : outcome);
	}
	each(TOPIC_STATE, check_claim, NULL);
	check_offsets();
}
