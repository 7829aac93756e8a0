/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/asks.h"

#include "core/mem.h"
#include "core/table.h"
#include "io/clock.h"
#include "io/dns.h"
#include "io/entropy.h"

#include <string.h>

#define CHAINS	   1024 /* a power of two */
#define STALLED_MS 20	/* between two tries of the stalled lines */
#define SHARE_MIN  4	/* of a budget, with however many processes */

enum line_kind { LINE_SERVER, LINE_RESOLVER };

/* One server: what is under way to it, and who waits. */
struct asks_line {
	struct asks_line *chain;
	struct asks_line *next_stalled, *next_silent;
	bool stalled;  /* in that list: the door had no channel */
	bool silenced; /* in that list, until its silence is over */
	struct packet_addr addr;
	uint16_t port;
	enum line_kind kind;
	size_t out, fresh_n;
	struct ask *fresh_first, *fresh_last; /* by the time of sending */
	struct ask *first, *last;
	unsigned silent_n; /* questions in a row without an answer */
	int64_t silent_until;
};

struct line_list {
	struct asks_line *first, *last;
};

struct asks {
	struct asks_conf conf;
	struct asks_calls calls;
	struct dns *dns;
	struct lookups *kept;
	uint64_t seed;
	int64_t now;
	unsigned preferred; /* resolver that answered last */
	int64_t stalled_due;
	struct line_list stalled, silent;
	struct asks_line *chains[CHAINS];
};

/* --- lines ---------------------------------------------------------------- */

static struct asks_line **
chain_of(struct asks *s, const struct packet_addr *addr, uint16_t port)
{
	uint8_t key[1 + sizeof(addr->octets) + 2] = {addr->family};
	uint64_t h;

	memcpy(key + 1, addr->octets, addr->family == 4 ? 4 : 16);
	key[sizeof(key) - 2] = (uint8_t)(port >> 8);
	key[sizeof(key) - 1] = (uint8_t)port;
	h = table_hash(key, sizeof(key), s->seed);
	return &s->chains[h & (CHAINS - 1)];
}

static bool
same(const struct asks_line *l, const struct packet_addr *addr, uint16_t port,
    enum line_kind kind)
{
	return l->port == port && l->kind == kind &&
	       l->addr.family == addr->family &&
	       memcmp(l->addr.octets, addr->octets,
		   addr->family == 4 ? 4 : 16) == 0;
}

static struct asks_line *
line_get(struct asks *s, const struct packet_addr *addr, uint16_t port,
    enum line_kind kind)
{
	struct asks_line **chain = chain_of(s, addr, port);
	struct asks_line *l = *chain;

	while (l && !same(l, addr, port, kind))
		l = l->chain;
	if (l)
		return l;
	l = mem_alloc(sizeof(*l));
	if (!l)
		return NULL;
	l->addr = *addr;
	l->port = port;
	l->kind = kind;
	l->chain = *chain;
	*chain = l;
	return l;
}

/* A line with nothing in it that matters is forgotten. */
static void
line_rest(struct asks *s, struct asks_line *l)
{
	struct asks_line **at = chain_of(s, &l->addr, l->port);

	if (l->out || l->first || l->stalled || l->silenced)
		return;
	while (*at != l)
		at = &(*at)->chain;
	*at = l->chain;
	mem_free(l);
}

static void
line_stall(struct asks *s, struct asks_line *l)
{
	if (l->stalled)
		return;
	l->stalled = true;
	l->next_stalled = NULL;
	*(s->stalled.last ? &s->stalled.last->next_stalled
			  : &s->stalled.first) = l;
	s->stalled.last = l;
}

static struct asks_line *
unstall(struct asks *s)
{
	struct asks_line *l = s->stalled.first;

	s->stalled.first = l->next_stalled;
	if (!s->stalled.first)
		s->stalled.last = NULL;
	l->stalled = false;
	return l;
}

/* All silences last equally long: the list is in the order of their ends. */
static void
line_silence(struct asks *s, struct asks_line *l)
{
	if (l->silent_until > s->now)
		return;
	l->silent_until = s->now + ASKS_SILENT_MS;
	if (l->silenced)
		return;
	l->silenced = true;
	l->next_silent = NULL;
	*(s->silent.last ? &s->silent.last->next_silent : &s->silent.first) = l;
	s->silent.last = l;
}

static void
silences_end(struct asks *s)
{
	while (s->silent.first && s->silent.first->silent_until <= s->now) {
		struct asks_line *l = s->silent.first;

		s->silent.first = l->next_silent;
		if (!s->silent.first)
			s->silent.last = NULL;
		l->silenced = false;
		line_rest(s, l);
	}
}

static void
line_heard(struct asks *s, struct asks_line *l, const uint8_t *bytes)
{
	if (bytes) {
		l->silent_n = 0;
		l->silent_until = 0;
	} else if (l->kind == LINE_SERVER && ++l->silent_n >= ASKS_SILENT_N) {
		line_silence(s, l);
	}
}

static void
fresh_add(struct asks *s, struct asks_line *l, struct ask *a)
{
	a->sent_at = s->now;
	a->fresh = true;
	a->fresh_prev = l->fresh_last;
	a->fresh_next = NULL;
	*(l->fresh_last ? &l->fresh_last->fresh_next : &l->fresh_first) = a;
	l->fresh_last = a;
	l->fresh_n++;
}

static void
fresh_remove(struct asks_line *l, struct ask *a)
{
	if (!a->fresh)
		return;
	a->fresh = false;
	*(a->fresh_prev ? &a->fresh_prev->fresh_next : &l->fresh_first) =
	    a->fresh_next;
	*(a->fresh_next ? &a->fresh_next->fresh_prev : &l->fresh_last) =
	    a->fresh_prev;
	l->fresh_n--;
}

static size_t
share_of(const struct asks *s, size_t budget)
{
	size_t share = budget / s->conf.processes;

	return share < SHARE_MIN ? SHARE_MIN : share;
}

enum room { ROOM, ROOM_LATER, ROOM_NONE };

static enum room
line_room(struct asks *s, struct asks_line *l)
{
	size_t most =
	    l->kind == LINE_RESOLVER ? ASKS_RESOLVER_MAX : ASKS_SERVER_MAX;

	if (l->out >= share_of(s, most))
		return ROOM_NONE; /* an answer makes some */
	while (
	    l->fresh_first && l->fresh_first->sent_at <= s->now - ASKS_FRESH_MS)
		fresh_remove(l, l->fresh_first);
	return l->fresh_n < share_of(s, ASKS_FRESH_MAX) ? ROOM : ROOM_LATER;
}

/* --- one question --------------------------------------------------------- */

static void
finish(struct asks *s, struct ask *a, const struct lookup_answer *raw)
{
	struct lookup_waiter *w = NULL;

	if (a->entry)
		w = lookups_settle(
		    s->kept, a->entry, raw, s->now, lookups_keep_ms(a->answer));
	s->calls.done(s->calls.arg, a);
	while (w) {
		struct ask *other =
		    (struct ask *)(void *)((char *)w -
					   offsetof(struct ask, waiter));

		w = w->next;
		s->calls.read(s->calls.arg, other, raw);
		s->calls.done(s->calls.arg, other);
	}
}

/* What was read before, over UDP, says more than the silence over TCP. */
static void
finish_unanswered(struct asks *s, struct ask *a)
{
	struct lookup_answer none = {.bytes = NULL};

	if (!a->tcp)
		a->answer = s->calls.read(s->calls.arg, a, &none);
	finish(s, a, &none);
}

static enum next
send(struct asks *s, struct ask *a)
{
	const struct asks_line *l = a->line;
	struct err e;

	if (a->tcp)
		return dns_ask_tcp(s->dns, &l->addr, l->port, &a->want->q,
		    (uint64_t)(uintptr_t)a, &e);
	return dns_ask(
	    s->dns, &l->addr, l->port, &a->want->q, (uint64_t)(uintptr_t)a, &e);
}

static void
line_pop(struct asks_line *l)
{
	l->first = l->first->next;
	if (!l->first)
		l->last = NULL;
}

static bool
send_first(struct asks *s, struct asks_line *l)
{
	struct ask *a = l->first;
	enum room room = line_room(s, l);

	if (room == ROOM && send(s, a) == OK) {
		line_pop(l);
		l->out++;
		fresh_add(s, l, a);
		return true;
	}
	if (room != ROOM_NONE)
		line_stall(s, l);
	return false;
}

/* Sends as many as may be under way; gives up on those that waited too long
 * or for a silent server. */
static void
line_pump(struct asks *s, struct asks_line *l)
{
	bool on = true;

	while (l->first && on) {
		struct ask *a = l->first;

		if (l->silent_until > s->now || a->give_up <= s->now) {
			line_pop(l);
			finish_unanswered(s, a);
		} else {
			on = send_first(s, l);
		}
	}
}

static void
route(struct asks *s, struct ask *a)
{
	const struct asks_resolver *r = &s->conf.resolvers[a->resolver];

	if (a->want->target == LOOK_SERVER)
		a->line =
		    line_get(s, &a->want->addr, s->conf.port, LINE_SERVER);
	else
		a->line = line_get(s, &r->addr, r->port, LINE_RESOLVER);
	if (!a->line) {
		finish_unanswered(s, a);
		return;
	}
	a->next = NULL;
	a->give_up = s->now + ASKS_LINE_MS;
	*(a->line->last ? &a->line->last->next : &a->line->first) = a;
	a->line->last = a;
	line_pump(s, a->line);
}

static bool
next_resolver(struct asks *s, struct ask *a)
{
	if (a->want->target != LOOK_RESOLVER ||
	    ++a->resolvers_tried >= s->conf.resolvers_n)
		return false;
	a->resolver = (a->resolver + 1) % (unsigned)s->conf.resolvers_n;
	a->tcp = false;
	return true;
}

static void
on_answer(
    void *arg, uint64_t tag, uint16_t id, const uint8_t *bytes, size_t len)
{
	struct asks *s = arg;
	struct ask *a = (struct ask *)(uintptr_t)tag;
	struct asks_line *l = a->line;
	struct lookup_answer raw = {.bytes = bytes, .len = len, .id = id};

	s->now = clock_mono_ms();
	l->out--;
	fresh_remove(l, a);
	line_heard(s, l, bytes);
	if (l->kind == LINE_RESOLVER)
		raw.trusted = s->conf.resolvers[a->resolver].trusted;
	if (bytes) {
		if (l->kind == LINE_RESOLVER)
			s->preferred = a->resolver;
		a->answer = s->calls.read(s->calls.arg, a, &raw);
	}
	if (bytes && a->answer->outcome == OUTCOME_MALFORMED && !a->tcp) {
		a->tcp = true;
		route(s, a);
	} else if (bytes) {
		finish(s, a, &raw);
	} else if (next_resolver(s, a)) {
		route(s, a);
	} else {
		finish_unanswered(s, a);
	}
	line_pump(s, l);
	line_rest(s, l);
}

/* True when the question is on its way already, or answered. */
static bool
share(struct asks *s, struct ask *a)
{
	struct lookup_target to = {.addr.family = 0};
	struct lookup_answer raw;

	if (a->want->target == LOOK_SERVER) {
		to.addr = a->want->addr;
		to.port = s->conf.port;
	}
	switch (lookups_want(
	    s->kept, &a->want->q, &to, s->now, &a->waiter, &a->entry, &raw)) {
	case LOOKUP_HIT:
		s->calls.read(s->calls.arg, a, &raw);
		s->calls.done(s->calls.arg, a);
		return true;
	case LOOKUP_WAIT:
		return true;
	case LOOKUP_ASK:
		return false;
	case LOOKUP_ALONE:
		a->entry = NULL;
		break;
	}
	return false;
}

void
asks_begin(struct asks *s, struct ask *a)
{
	a->entry = NULL;
	a->tcp = false;
	a->resolver = s->preferred;
	a->resolvers_tried = 0;
	s->now = clock_mono_ms();
	if (a->want->target == LOOK_RESOLVER && s->conf.resolvers_n == 0) {
		finish_unanswered(s, a);
		return;
	}
	if (!a->want->shared || !share(s, a))
		route(s, a);
}

/* --- the loop ------------------------------------------------------------- */

/* Each line once, in turn. */
static void
stalled_again(struct asks *s)
{
	const struct asks_line *last = s->stalled.last;
	bool more = last && s->now >= s->stalled_due;

	if (more)
		s->stalled_due = s->now + STALLED_MS;
	while (more) {
		struct asks_line *l = unstall(s);

		more = l != last;
		line_pump(s, l);
		line_rest(s, l);
	}
}

bool
asks_serve(struct asks *s, int64_t wait_ms, int other_fd)
{
	bool other;

	if (s->stalled.first && wait_ms > STALLED_MS)
		wait_ms = STALLED_MS;
	other = dns_serve(s->dns, wait_ms, other_fd);
	s->now = clock_mono_ms();
	stalled_again(s);
	silences_end(s);
	return other;
}

/* --- life ----------------------------------------------------------------- */

enum next
asks_open(struct asks **out, const struct asks_conf *conf,
    const struct asks_calls *calls, struct err *e)
{
	struct dns_conf dc = {
	    .timeout_ms = conf->timeout_ms, .tries = conf->tries};
	struct asks *s = mem_alloc(sizeof(*s));
	enum next n = RETRY;

	if (!s) {
		err_set(e, "no memory for questions");
		return RETRY;
	}
	s->conf = *conf;
	if (s->conf.processes == 0)
		s->conf.processes = 1;
	s->calls = *calls;
	s->now = clock_mono_ms();
	if ((n = entropy_get(&s->seed, sizeof(s->seed), e)) != OK ||
	    (n = lookups_open(
		 &s->kept, ASKS_KEPT_MAX, ASKS_KEPT_BYTES, s->seed, e)) != OK ||
	    (n = dns_open(&s->dns, &dc, on_answer, s, e)) != OK) {
		asks_close(s);
		return n;
	}
	*out = s;
	return OK;
}

void
asks_close(struct asks *s)
{
	if (!s)
		return;
	dns_close(s->dns);
	lookups_close(s->kept);
	for (size_t i = 0; i < CHAINS; i++)
		while (s->chains[i]) {
			struct asks_line *l = s->chains[i];
			s->chains[i] = l->chain;
			mem_free(l);
		}
	mem_free(s);
}
