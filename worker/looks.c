/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/looks.h"

#include "core/mem.h"
#include "io/clock.h"
#include "io/dns.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a look used of its arena beyond this goes back to the system. */
#define KEEP_USED (LOOK_ARENA / 16 * 3)

struct wanted {		     /* what a look wants: lives as long as it */
	struct wanted *next; /* waits for its turn */
	uint64_t tag;
	struct look_wish wish;
	char subject[RECORD_KEY_MAX + 1];
	_Alignas(16) uint8_t copies[]; /* of what the wish points to */
};

struct looking {	      /* a look under way */
	struct looking *next; /* ready, or spare */
	struct looking *prev, *next_all;
	struct looks *all;
	struct wanted *wanted;
	struct look *look;
	int64_t end_due; /* mono ms */
	size_t asks_n;
	size_t left;  /* asks not answered yet */
	bool expired; /* told already: its asks are waited for */
	struct ask asks[LOOK_ASK_MAX];
	struct answer answers[LOOK_ASK_MAX];
	struct arena arena;
	_Alignas(16) uint8_t memory[LOOK_ARENA];
};

struct looks {
	struct looks_conf conf;
	struct asks *asks;
	int64_t now;
	bool trusted;		  /* any resolver is */
	bool found;		  /* a look ended, in this turn */
	const struct look *ended; /* within conf.found */
	size_t under_way, waiting, expired_n;
	/* by the time of their beginning, so of their end, too */
	struct looking *oldest, *newest;
	struct looking *expired; /* in no order */
	struct looking *spare;
	struct looking *ready, *ready_last;
	struct wanted *wanted, *wanted_last;
};

static void
watch(struct looks *s, const char *subject)
{
	if (s->conf.watch)
		s->conf.watch(s->conf.arg, subject);
}

/* --- one look ------------------------------------------------------------- */

static struct looking *
looking_new(struct looks *s)
{
	struct looking *l = s->spare;

	if (l)
		s->spare = l->next;
	else
		l = mem_alloc(sizeof(*l));
	if (!l)
		return NULL;
	l->all = s;
	l->expired = false;
	l->next_all = NULL;
	l->prev = s->newest;
	*(s->newest ? &s->newest->next_all : &s->oldest) = l;
	s->newest = l;
	s->under_way++;
	arena_init(&l->arena, l->memory, sizeof(l->memory));
	return l;
}

static void
unlink_one(struct looks *s, struct looking *l)
{
	struct looking **first = l->expired ? &s->expired : &s->oldest;

	*(l->prev ? &l->prev->next_all : first) = l->next_all;
	if (l->next_all)
		l->next_all->prev = l->prev;
	else if (!l->expired)
		s->newest = l->prev;
	if (l->expired)
		s->expired_n--;
	else
		s->under_way--;
}

static void
give_back(const struct arena *a)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = (uintptr_t)a->buf + KEEP_USED + page - 1;
	uintptr_t to = (uintptr_t)a->buf + a->used;

	from -= from % page;
	to -= to % page;
	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

static void
looking_free(struct looks *s, struct looking *l)
{
	unlink_one(s, l);
	mem_free(l->wanted);
	l->wanted = NULL;
	give_back(&l->arena);
	l->next = s->spare;
	s->spare = l;
}

static void
make_ready(struct looks *s, struct looking *l)
{
	l->next = NULL;
	*(s->ready ? &s->ready_last->next : &s->ready) = l;
	s->ready_last = l;
}

static const struct answer *
on_read(void *arg, struct ask *a, const struct lookup_answer *raw)
{
	struct looks *s = arg;
	struct looking *l = a->owner;
	struct answer *out = &l->answers[a->place];

	if (!raw->bytes) {
		*out = (struct answer){
		    .outcome = OUTCOME_TIMEOUT, .why = raw->why};
		return out;
	}
	watch(s, l->wanted->subject);
	packet_read(out, raw->bytes, raw->len, raw->id, &a->want->q, &l->arena);
	watch(s, NULL);
	out->ad = out->ad && raw->trusted;
	return out;
}

static void
on_done(void *arg, struct ask *a)
{
	struct looking *l = a->owner;

	if (--l->left > 0)
		return;
	if (l->expired)
		looking_free(arg, l);
	else
		make_ready(arg, l);
}

static void
ask_all(struct looks *s, struct looking *l)
{
	const struct look_ask *want = look_asks(l->look, &l->asks_n);

	l->left = l->asks_n + 1; /* some may be answered at once */
	for (size_t i = 0; i < l->asks_n; i++) {
		l->asks[i] = (struct ask){.want = &want[i],
		    .domain = &l->wanted->wish.registrable,
		    .place = i,
		    .owner = l};
		asks_begin(s->asks, &l->asks[i]);
	}
	if (--l->left == 0)
		make_ready(s, l);
}

static void
tell(struct looks *s, struct looking *l)
{
	s->found = true;
	s->ended = l->look;
	s->conf.found(s->conf.arg, l->wanted->tag, look_finding(l->look));
	s->ended = NULL;
}

static void
step(struct looks *s, struct looking *l)
{
	enum look_next next;

	watch(s, l->wanted->subject);
	next = look_step(l->look, l->answers, l->asks_n);
	watch(s, NULL);
	switch (next) {
	case LOOK_ASK:
		ask_all(s, l);
		break;
	case LOOK_DONE:
		tell(s, l);
		looking_free(s, l);
		break;
	}
}

/* The questions under way can't be called back: they write into its memory,
 * which stays until the last is answered. */
static void
expire(struct looks *s, struct looking *l)
{
	watch(s, l->wanted->subject);
	look_expire(l->look);
	watch(s, NULL);
	unlink_one(s, l);
	l->expired = true;
	l->prev = NULL;
	l->next_all = s->expired;
	if (s->expired)
		s->expired->prev = l;
	s->expired = l;
	s->expired_n++;
	tell(s, l);
}

static bool
start(struct looks *s, struct wanted *w)
{
	struct looking *l = looking_new(s);

	if (!l)
		return false;
	l->wanted = w;
	l->end_due = s->now + s->conf.time_max_ms;
	l->asks_n = 0;
	l->look = look_begin(&w->wish, &l->arena);
	make_ready(s, l);
	return true;
}

/* --- all of them ---------------------------------------------------------- */

/* One that waits for its turn; false: none does, or may. */
static bool
start_next(struct looks *s)
{
	struct wanted *w = s->wanted;

	if (!w || s->under_way + s->expired_n >= s->conf.at_once ||
	    asks_busy(s->asks) || !start(s, w))
		return false;
	s->wanted = w->next;
	s->waiting--;
	return true;
}

/* Answers that are kept already lead from step to step; each look has a
 * bounded number of them. A new one begins when no other can go on: few at
 * once stay in the processor's cache. */
static void
go_on(struct looks *s)
{
	while (s->ready || start_next(s)) {
		struct looking *l = s->ready;

		s->ready = l->next;
		step(s, l);
	}
}

/* --- copies of a wish ----------------------------------------------------- */

static size_t
rounded(size_t len)
{
	return (len + 15) / 16 * 16;
}

static size_t
text_len(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static size_t
copies_len(const struct look_wish *w)
{
	size_t len = rounded(text_len(w->selector)) + rounded(w->assume_len);

	if (w->key)
		len += rounded(sizeof(*w->key));
	len += rounded(w->known_n * sizeof(*w->known));
	for (size_t i = 0; i < w->known_n; i++)
		len += rounded(text_len(w->known[i].selector)) +
		       rounded(sizeof(*w->known[i].key));
	return len;
}

static const void *
copy(uint8_t **at, const void *from, size_t len)
{
	const void *to = *at;

	if (!from)
		return NULL;
	if (len > 0)
		memcpy(*at, from, len);
	*at += rounded(len);
	return to;
}

static void
copy_wish(struct wanted *w, const struct look_wish *from)
{
	struct look_wish *to = &w->wish;
	struct dkim_known *known;
	uint8_t *at = w->copies;

	*to = *from;
	to->selector = copy(&at, from->selector, text_len(from->selector));
	to->assume = copy(&at, from->assume, from->assume_len);
	to->key = copy(&at, from->key, sizeof(*from->key));
	known = (struct dkim_known *)(void *)at;
	at += rounded(from->known_n * sizeof(*known));
	for (size_t i = 0; i < from->known_n; i++) {
		const struct dkim_known *k = &from->known[i];

		known[i].selector =
		    copy(&at, k->selector, text_len(k->selector));
		known[i].key = copy(&at, k->key, sizeof(*k->key));
	}
	to->known = known;
}

enum next
looks_begin(struct looks *s, const struct look_wish *wish, const char *subject,
    uint64_t tag, struct err *e)
{
	struct wanted *w = mem_alloc(sizeof(*w) + copies_len(wish));

	if (!w) {
		err_set(e, "no memory for a look");
		return RETRY;
	}
	w->tag = tag;
	copy_wish(w, wish);
	w->wish.trusted = s->trusted;
	snprintf(w->subject, sizeof(w->subject), "%s", subject);
	*(s->wanted ? &s->wanted_last->next : &s->wanted) = w;
	s->wanted_last = w;
	s->waiting++;
	return OK;
}

/* --- the loop ------------------------------------------------------------- */

static void
expire_oldest(struct looks *s)
{
	while (s->oldest && s->oldest->end_due <= s->now)
		expire(s, s->oldest);
}

static int64_t
wait_at_most(const struct looks *s, int64_t wait_ms)
{
	int64_t left;

	if (s->found) /* the caller has something to do */
		return 0;
	left = s->oldest ? s->oldest->end_due - s->now : wait_ms;
	return left < wait_ms ? left : wait_ms;
}

bool
looks_serve(struct looks *s, int64_t wait_ms, int other_fd)
{
	bool other;

	s->found = false;
	s->now = clock_mono_ms();
	go_on(s);
	expire_oldest(s);
	other = asks_serve(s->asks, wait_at_most(s, wait_ms), other_fd);
	s->now = clock_mono_ms();
	go_on(s);
	return other;
}

const struct packet_addr *
looks_addresses(const struct looks *s, size_t *n)
{
	return look_addresses(s->ended, n);
}

size_t
looks_n(const struct looks *s)
{
	return s->under_way + s->waiting;
}

size_t
looks_waiting(const struct looks *s)
{
	return s->waiting;
}

/* --- life ----------------------------------------------------------------- */

enum next
looks_conf_asks(struct asks_conf *out, const struct settings *s, struct err *e)
{
	*out = (struct asks_conf){
	    .timeout_ms = s->dns.timeout_ms,
	    .tries = s->dns.tries,
	    .port = (uint16_t)s->dns.port,
	    .processes = s->pool.resolvers
			     ? s->pool.resolvers
			     : (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
	    .domain_per_minute = s->dns.domain_per_minute,
	    .resolvers_n = s->dns.resolvers_n,
	};
	for (size_t i = 0; i < s->dns.resolvers_n; i++) {
		struct asks_resolver *r = &out->resolvers[i];

		r->port = 53;
		r->trusted = s->dns.trusted[i];
		if (!dns_addr_parse(s->dns.resolvers[i], &r->addr, &r->port)) {
			err_set(e, "\"%s\" is not ADDRESS or ADDRESS:PORT",
			    s->dns.resolvers[i]);
			return REJECT;
		}
	}
	return OK;
}

enum next
looks_open(struct looks **out, const struct looks_conf *conf, struct err *e)
{
	struct looks *s = mem_alloc(sizeof(*s));
	enum next n = RETRY;

	if (!s) {
		err_set(e, "no memory for looks");
		return RETRY;
	}
	s->conf = *conf;
	if (s->conf.time_max_ms == 0)
		s->conf.time_max_ms = LOOK_TIME_MAX_MS;
	for (size_t i = 0; i < conf->asks.resolvers_n; i++)
		s->trusted = s->trusted || conf->asks.resolvers[i].trusted;
	n = asks_open(&s->asks, &conf->asks,
	    &(struct asks_calls){.read = on_read, .done = on_done, .arg = s},
	    e);
	if (n != OK) {
		mem_free(s);
		return n;
	}
	*out = s;
	return OK;
}

void
looks_close(struct looks *s)
{
	if (!s)
		return;
	asks_close(s->asks);
	while (s->oldest)
		looking_free(s, s->oldest);
	while (s->expired)
		looking_free(s, s->expired);
	while (s->spare) {
		struct looking *l = s->spare;
		s->spare = l->next;
		mem_free(l);
	}
	while (s->wanted) {
		struct wanted *w = s->wanted;
		s->wanted = w->next;
		mem_free(w);
	}
	mem_free(s);
}
