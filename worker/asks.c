/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/asks.h"

#include "core/mem.h"
#include "core/table.h"
#include "io/clock.h"
#include "io/dns.h"
#include "io/entropy.h"

#include <stdio.h>
#include <string.h>

#define CHAINS	   4096 /* a power of two */
#define STALLED_MS 20	/* between two tries of the stalled lines */
#define SWEEP_MS   1000 /* between two looks for silences that are over */
#define SHARE_MIN  4	/* of a budget, with however many processes */

enum line_kind { LINE_SERVER, LINE_RESOLVER };

/* One server: what is under way to it, and who waits. */
struct asks_line {
	struct asks_line *chain;
	struct asks_line *next_stalled, *next_silent;
	bool stalled;  /* in that list: the door had no channel */
	bool silenced; /* in that list, and for as long again */
	struct packet_addr addr;
	uint16_t port;
	enum line_kind kind;
	size_t out, fresh_n;
	struct ask *fresh_first, *fresh_last; /* by the time of sending */
	struct ask *first, *last;
	unsigned silent_n; /* questions in a row without an answer */
	int64_t silent_until;
	int64_t silence_ms; /* the last one's length; not 0: on trial */
};

struct line_list {
	struct asks_line *first, *last;
};

/* What is known of one of our resolvers. */
struct trial {
	struct ask ask;
	struct look_ask want; /* "." NS */
	bool under_way, silent;
	uint64_t unanswered; /* since told */
	int64_t due, tell_due;
};

struct asks {
	struct asks_conf conf;
	struct asks_calls calls;
	struct dns *dns;
	struct lookups *kept;
	struct gate *gate; /* NULL: no budget of domains */
	uint64_t seed;
	int64_t now;
	unsigned preferred; /* resolver that answered last */
	size_t in_line;	    /* at all resolvers */
	int64_t stalled_due;
	struct line_list stalled;
	struct asks_line *silent;
	size_t silent_n;
	int64_t sweep_due; /* of that list */
	uint64_t refused;  /* by the gate, since told */
	int64_t refused_due;
	struct trial trials[CONF_RESOLVERS_MAX];
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

/* Twice as long as the one before, if that is not long ago. */
static void
line_silence(struct asks *s, struct asks_line *l)
{
	if (!l->silenced && s->silent_n == ASKS_SILENT_MAX)
		return;
	l->silence_ms = l->silence_ms ? 2 * l->silence_ms : ASKS_SILENT_MS;
	if (l->silence_ms > ASKS_SILENT_MAX_MS)
		l->silence_ms = ASKS_SILENT_MAX_MS;
	l->silent_until = s->now + l->silence_ms;
	if (l->silenced)
		return;
	l->silenced = true;
	l->next_silent = s->silent;
	s->silent = l;
	s->silent_n++;
}

static void
silences_end(struct asks *s)
{
	struct asks_line **at = &s->silent;

	if (s->now < s->sweep_due)
		return;
	s->sweep_due = s->now + SWEEP_MS;
	while (*at) {
		struct asks_line *l = *at;

		if (l->silent_until + l->silence_ms > s->now) {
			at = &l->next_silent;
			continue;
		}
		*at = l->next_silent;
		s->silent_n--;
		l->silenced = false;
		l->silence_ms = 0;
		line_rest(s, l);
	}
}

/* What was sent before a silence began says nothing new. */
static void
line_heard(struct asks *s, struct asks_line *l, const struct ask *a,
    const uint8_t *bytes)
{
	if (bytes) {
		l->silent_n = 0;
		l->silent_until = 0;
		l->silence_ms = 0;
	} else if (l->kind == LINE_SERVER && a->sent_at >= l->silent_until &&
		   (++l->silent_n >= ASKS_SILENT_N || l->silence_ms)) {
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

	if (l->out >= share_of(s, most) || (l->silence_ms && l->out))
		return ROOM_NONE; /* an answer makes some */
	while (
	    l->fresh_first && l->fresh_first->sent_at <= s->now - ASKS_FRESH_MS)
		fresh_remove(l, l->fresh_first);
	return l->fresh_n < share_of(s, ASKS_FRESH_MAX) ? ROOM : ROOM_LATER;
}

/* --- one question --------------------------------------------------------- */

static void
done(struct asks *s, struct ask *a)
{
	if (s->gate)
		gate_leave(s->gate, &a->pass);
	s->calls.done(s->calls.arg, a);
}

/* a->answer was read from raw; kept is a->answer, or NULL if it is not to be
 * kept. */
static void
finish(struct asks *s, struct ask *a, const struct lookup_answer *raw,
    const struct answer *kept)
{
	struct lookup_waiter *w = NULL;

	if (a->entry)
		w = lookups_settle(s->kept, a->entry, raw, kept, s->now);
	done(s, a);
	while (w) {
		struct ask *other =
		    (struct ask *)(void *)((char *)w -
					   offsetof(struct ask, waiter));

		w = w->next;
		s->calls.read(s->calls.arg, other, raw);
		done(s, other);
	}
}

static void trial_end(struct asks *s, struct ask *a);

/* What was read before, over UDP, says more than the silence over TCP. why:
 * nobody was asked; NULL = somebody was, and this is a failure to keep. */
static void
finish_unanswered(struct asks *s, struct ask *a, const char *why)
{
	struct lookup_answer none = {.bytes = NULL, .why = why};

	if (a->trial) {
		trial_end(s, a);
		return;
	}
	if (!a->tcp)
		a->answer = s->calls.read(s->calls.arg, a, &none);
	finish(s, a, &none, why ? NULL : a->answer);
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
line_pop(struct asks *s, struct asks_line *l)
{
	if (l->kind == LINE_RESOLVER)
		s->in_line--;
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
		line_pop(s, l);
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
			const char *why = l->silent_until > s->now
					      ? "server left alone"
					      : "line too long";
			line_pop(s, l);
			finish_unanswered(s, a, why);
		} else {
			on = send_first(s, l);
		}
	}
}

/* A trial need not wait for those it is about. */
static void
line_add(struct asks *s, struct asks_line *l, struct ask *a)
{
	struct ask **at = a->trial || !l->last ? &l->first : &l->last->next;

	if (l->kind == LINE_RESOLVER)
		s->in_line++;
	a->next = *at;
	*at = a;
	if (!a->next)
		l->last = a;
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
		finish_unanswered(s, a, "no memory");
		return;
	}
	a->give_up = s->now + ASKS_LINE_MS;
	line_add(s, a->line, a);
	line_pump(s, a->line);
}

/* The next packet for the same question. */
static void
again(struct asks *s, struct ask *a)
{
	if (s->gate)
		gate_again(s->gate, &a->pass);
	route(s, a);
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

/* --- our resolvers -------------------------------------------------------- */

static bool
all_silent(const struct asks *s)
{
	for (size_t i = 0; i < s->conf.resolvers_n; i++)
		if (!s->trials[i].silent)
			return false;
	return true;
}

static void
tell_resolver(struct asks *s, size_t i, enum asks_trouble_kind kind)
{
	const struct asks_resolver *r = &s->conf.resolvers[i];
	struct trial *t = &s->trials[i];
	char addr[46], what[64];

	packet_addr_show(&r->addr, addr);
	snprintf(what, sizeof(what), r->addr.family == 4 ? "%s:%u" : "[%s]:%u",
	    addr, r->port);
	if (s->conf.trouble)
		s->conf.trouble(
		    s->conf.trouble_arg, &(struct asks_trouble){.kind = kind,
					     .what = what,
					     .n = t->unanswered,
					     .all = all_silent(s)});
	t->unanswered = 0;
	t->tell_due = s->now + ASKS_TELL_MS;
}

static void
trial_begin(struct asks *s, unsigned i)
{
	struct trial *t = &s->trials[i];

	if (t->under_way || s->now < t->due)
		return;
	t->under_way = true;
	t->due = s->now + ASKS_TRY_MS;
	t->want = (struct look_ask){.target = LOOK_RESOLVER,
	    .q = {.name = {.len = 1}, .type = RRTYPE_NS, .flags = QUESTION_RD}};
	t->ask = (struct ask){.want = &t->want,
	    .trial = true,
	    .resolver = i,
	    .resolvers_tried = CONF_RESOLVERS_MAX};
	route(s, &t->ask);
}

static void
trial_end(struct asks *s, struct ask *a)
{
	s->trials[a->resolver].under_way = false;
}

static void
trial_silent(struct asks *s, const struct ask *a)
{
	struct trial *t = &s->trials[a->resolver];

	t->silent = true;
	if (s->now >= t->tell_due)
		tell_resolver(s, a->resolver, ASKS_RESOLVER_SILENT);
}

static void
resolver_heard(struct asks *s, const struct ask *a, const uint8_t *bytes)
{
	struct trial *t = &s->trials[a->resolver];

	if (bytes && t->silent) {
		t->silent = false;
		tell_resolver(s, a->resolver, ASKS_RESOLVER_BACK);
		t->tell_due = 0;
	}
	t->unanswered = bytes ? 0 : t->unanswered + 1;
	if (bytes)
		return;
	if (a->trial)
		trial_silent(s, a);
	else
		trial_begin(s, a->resolver);
}

/* --- answers -------------------------------------------------------------- */

static void
go_on(struct asks *s, struct ask *a, struct lookup_answer *raw)
{
	if (raw->bytes)
		a->answer = s->calls.read(s->calls.arg, a, raw);
	if (raw->bytes && a->answer->outcome == OUTCOME_MALFORMED && !a->tcp) {
		a->tcp = true;
		again(s, a);
	} else if (raw->bytes) {
		finish(s, a, raw, a->answer);
	} else if (next_resolver(s, a)) {
		again(s, a);
	} else {
		finish_unanswered(s, a, NULL);
	}
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
	line_heard(s, l, a, bytes);
	if (l->kind == LINE_RESOLVER) {
		raw.trusted = s->conf.resolvers[a->resolver].trusted;
		if (bytes)
			s->preferred = a->resolver;
		resolver_heard(s, a, bytes);
	}
	if (a->trial)
		trial_end(s, a);
	else
		go_on(s, a, &raw);
	line_pump(s, l);
	line_rest(s, l);
}

/* --- questions, in -------------------------------------------------------- */

/* True when the question is on its way already, or answered. */
static bool
share(struct asks *s, struct ask *a)
{
	struct lookup_target to = {
	    .kind = a->want->shared ? LOOKUP_SHARED : LOOKUP_OWN};
	struct lookup_answer raw;

	if (a->want->target == LOOK_SERVER) {
		to.addr = a->want->addr;
		to.port = s->conf.port;
	}
	switch (lookups_want(
	    s->kept, &a->want->q, &to, s->now, &a->waiter, &a->entry, &raw)) {
	case LOOKUP_HIT:
		s->calls.read(s->calls.arg, a, &raw);
		done(s, a);
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

static void
launch(struct asks *s, struct ask *a)
{
	if (!share(s, a))
		route(s, a);
}

/* The budget of its domain is used up. */
static void
refuse(struct asks *s, struct ask *a)
{
	char shown[DNAME_SHOWN_MAX + 1];

	s->refused++;
	if (s->conf.trouble && s->now >= s->refused_due) {
		dname_show(a->domain, shown);
		s->conf.trouble(s->conf.trouble_arg,
		    &(struct asks_trouble){.kind = ASKS_DOMAIN_BUDGET,
			.what = shown,
			.n = s->refused});
		s->refused = 0;
		s->refused_due = s->now + ASKS_TELL_MS;
	}
	finish_unanswered(s, a, WHY_BUDGET);
}

void
asks_begin(struct asks *s, struct ask *a)
{
	enum gate_next may = GATE_GO;

	a->pass.domain = NULL;
	a->entry = NULL;
	a->tcp = a->trial = false;
	a->resolver = s->preferred;
	a->resolvers_tried = 0;
	s->now = clock_mono_ms();
	if (a->want->target == LOOK_RESOLVER && s->conf.resolvers_n == 0) {
		finish_unanswered(s, a, "no resolver");
		return;
	}
	if (s->gate && a->domain && !a->want->shared)
		may = gate_enter(s->gate, &a->pass, a->domain, s->now);
	switch (may) {
	case GATE_GO:
		launch(s, a);
		break;
	case GATE_WAIT:
		break;
	case GATE_SHUT:
		refuse(s, a);
		break;
	}
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

static void
gate_again_open(struct asks *s)
{
	struct gate_pass *p;
	enum gate_next what;

	while ((p = gate_turn(s->gate, s->now, &what))) {
		struct ask *a =
		    (struct ask *)(void *)((char *)p -
					   offsetof(struct ask, pass));

		if (what == GATE_GO)
			launch(s, a);
		else
			refuse(s, a);
	}
}

bool
asks_busy(const struct asks *s)
{
	return s->in_line >= ASKS_BUSY;
}

bool
asks_serve(struct asks *s, int64_t wait_ms, int other_fd)
{
	bool other;

	if ((s->stalled.first || (s->gate && gate_waiting(s->gate))) &&
	    wait_ms > STALLED_MS)
		wait_ms = STALLED_MS;
	other = dns_serve(s->dns, wait_ms, other_fd);
	s->now = clock_mono_ms();
	stalled_again(s);
	silences_end(s);
	if (s->gate)
		gate_again_open(s);
	return other;
}

/* --- life ----------------------------------------------------------------- */

static enum next
open_gate(struct asks *s, struct err *e)
{
	struct gate_conf gc = {
	    .per_minute = s->conf.domain_per_minute,
	    .at_once = ASKS_DOMAIN_MAX,
	    .line_ms = ASKS_LINE_MS,
	};

	if (s->conf.domain_per_minute == 0)
		return OK;
	return gate_open(&s->gate, &gc, s->seed, e);
}

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
	    (n = open_gate(s, e)) != OK ||
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
	gate_close(s->gate);
	for (size_t i = 0; i < CHAINS; i++)
		while (s->chains[i]) {
			struct asks_line *l = s->chains[i];
			s->chains[i] = l->chain;
			mem_free(l);
		}
	mem_free(s);
}
