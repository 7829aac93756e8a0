/* SPDX-License-Identifier: Apache-2.0 */
#include "core/gate.h"

#include "core/mem.h"
#include "core/table.h"

#include <string.h>

#define CHAINS	 4096  /* a power of two */
#define QUESTION 60000 /* credit that one takes: a minute gives per_minute */
#define LINE_MIN 4     /* may wait, however small the budget */

enum list { LIST_NONE, LIST_WAITING, LIST_READY };

struct gate_domain {
	struct gate_domain *chain;
	struct gate_domain *older, *newer; /* by use */
	struct gate_domain *prev, *next;   /* in `list` */
	enum list list;
	uint64_t hash;
	int64_t credit, credit_at;
	unsigned out;
	struct gate_pass *first, *last;
	size_t line_n;
	uint8_t len;
	uint8_t key[]; /* its name, lower case */
};

struct domain_list {
	struct gate_domain *first, *last;
	size_t n;
};

struct gate {
	struct gate_conf conf;
	uint64_t seed;
	size_t n, waiting, line_max;
	struct gate_domain *oldest, *newest;
	/* Those with a line: examined when one of theirs left (ready), and
	 * all of them now and then, for time gives credit too. */
	struct domain_list lines, ready;
	int64_t sweep_due;
	struct gate_domain *chains[CHAINS];
};

/* --- domains -------------------------------------------------------------- */

static void
use_unlink(struct gate *g, struct gate_domain *d)
{
	*(d->older ? &d->older->newer : &g->oldest) = d->newer;
	*(d->newer ? &d->newer->older : &g->newest) = d->older;
}

static void
use_newest(struct gate *g, struct gate_domain *d)
{
	d->older = g->newest;
	d->newer = NULL;
	*(d->older ? &d->older->newer : &g->oldest) = d;
	g->newest = d;
}

static void
domain_free(struct gate *g, struct gate_domain *d)
{
	struct gate_domain **at = &g->chains[d->hash & (CHAINS - 1)];

	while (*at != d)
		at = &(*at)->chain;
	*at = d->chain;
	use_unlink(g, d);
	g->n--;
	mem_free(d);
}

/* A domain that was not asked about for a minute has a full bucket again. One
 * that somebody asks about or waits for is still in use. */
static void
forget(struct gate *g, int64_t now)
{
	struct gate_domain *d = g->oldest;

	if (!d || (g->n < GATE_DOMAINS_MAX && now < d->credit_at + 60000))
		return;
	if (!d->out && d->list == LIST_NONE) {
		domain_free(g, d);
		return;
	}
	use_unlink(g, d);
	use_newest(g, d);
}

static uint8_t
key_of(uint8_t *out, const struct dname *name)
{
	for (size_t i = 0; i < name->len; i++) {
		uint8_t c = name->wire[i];
		out[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
	}
	return name->len;
}

static int64_t
credit_max(const struct gate *g)
{
	return (int64_t)g->conf.per_minute * QUESTION;
}

static struct gate_domain *
domain_new(
    struct gate *g, const uint8_t *key, uint8_t len, uint64_t hash, int64_t now)
{
	struct gate_domain *d, **chain = &g->chains[hash & (CHAINS - 1)];

	forget(g, now);
	forget(g, now); /* more go than come */
	if (g->n >= GATE_DOMAINS_MAX)
		return NULL;
	d = mem_alloc(sizeof(*d) + len);
	if (!d)
		return NULL;
	d->hash = hash;
	d->len = len;
	memcpy(d->key, key, len);
	d->credit = credit_max(g);
	d->credit_at = now;
	d->chain = *chain;
	*chain = d;
	g->n++;
	use_newest(g, d);
	return d;
}

static struct gate_domain *
domain_get(struct gate *g, const struct dname *name, int64_t now)
{
	uint8_t key[DNAME_WIRE_MAX];
	uint8_t len = key_of(key, name);
	uint64_t hash = table_hash(key, len, g->seed);
	struct gate_domain *d = g->chains[hash & (CHAINS - 1)];

	while (d && !(d->hash == hash && d->len == len &&
			memcmp(d->key, key, len) == 0))
		d = d->chain;
	if (!d)
		return domain_new(g, key, len, hash, now);
	use_unlink(g, d);
	use_newest(g, d);
	return d;
}

/* Room for one more question now? */
static bool
has_room(struct gate *g, struct gate_domain *d, int64_t now)
{
	if (now > d->credit_at) {
		int64_t most = credit_max(g);

		d->credit += (now - d->credit_at) * g->conf.per_minute;
		if (d->credit > most)
			d->credit = most;
		d->credit_at = now;
	}
	return d->credit >= QUESTION && d->out < g->conf.at_once;
}

/* --- lines ---------------------------------------------------------------- */

static struct domain_list *
list_of(struct gate *g, enum list which)
{
	return which == LIST_READY ? &g->ready : &g->lines;
}

static void
list_remove(struct gate *g, struct gate_domain *d)
{
	struct domain_list *l = list_of(g, d->list);

	if (d->list == LIST_NONE)
		return;
	*(d->prev ? &d->prev->next : &l->first) = d->next;
	*(d->next ? &d->next->prev : &l->last) = d->prev;
	l->n--;
	d->list = LIST_NONE;
}

/* To the end of that list, from whichever it is in. */
static void
list_move(struct gate *g, struct gate_domain *d, enum list which)
{
	struct domain_list *l = list_of(g, which);

	list_remove(g, d);
	d->prev = l->last;
	d->next = NULL;
	*(l->last ? &l->last->next : &l->first) = d;
	l->last = d;
	l->n++;
	d->list = which;
}

static void
line_add(struct gate *g, struct gate_domain *d, struct gate_pass *p)
{
	p->next = NULL;
	*(d->last ? &d->last->next : &d->first) = p;
	d->last = p;
	d->line_n++;
	g->waiting++;
	if (d->list == LIST_NONE)
		list_move(g, d, LIST_WAITING);
}

static struct gate_pass *
line_pop(struct gate *g, struct gate_domain *d)
{
	struct gate_pass *p = d->first;

	d->first = p->next;
	if (!d->first)
		d->last = NULL;
	d->line_n--;
	g->waiting--;
	return p;
}

static void
go(struct gate_domain *d, struct gate_pass *p)
{
	p->domain = d;
	d->out++;
	d->credit -= QUESTION;
}

/* The first of a line, if something is to be done with it. */
static struct gate_pass *
line_turn(
    struct gate *g, struct gate_domain *d, int64_t now, enum gate_next *what)
{
	struct gate_pass *p = d->first;

	if (!p)
		return NULL;
	if (has_room(g, d, now)) {
		*what = GATE_GO;
		go(d, line_pop(g, d));
		return p;
	}
	if (p->give_up > now)
		return NULL;
	*what = GATE_SHUT;
	p->domain = NULL;
	return line_pop(g, d);
}

/* --- the gate ------------------------------------------------------------- */

enum gate_next
gate_enter(struct gate *g, struct gate_pass *p, const struct dname *domain,
    int64_t now)
{
	struct gate_domain *d = domain_get(g, domain, now);

	*p = (struct gate_pass){.domain = NULL};
	if (!d)
		return GATE_GO;
	if (!d->first && has_room(g, d, now)) {
		go(d, p);
		return GATE_GO;
	}
	if (d->line_n >= g->line_max)
		return GATE_SHUT;
	p->give_up = now + g->conf.line_ms;
	line_add(g, d, p);
	return GATE_WAIT;
}

void
gate_again(struct gate *g, struct gate_pass *p)
{
	struct gate_domain *d = p->domain;

	/* what is owed is bounded too */
	if (d && d->credit > -credit_max(g))
		d->credit -= QUESTION;
}

void
gate_leave(struct gate *g, struct gate_pass *p)
{
	struct gate_domain *d = p->domain;

	p->domain = NULL;
	if (!d)
		return;
	d->out--;
	if (d->list == LIST_WAITING)
		list_move(g, d, LIST_READY);
}

struct gate_pass *
gate_turn(struct gate *g, int64_t now, enum gate_next *what)
{
	struct gate_pass *p;

	if (now >= g->sweep_due) {
		g->sweep_due = now + GATE_SWEEP_MS;
		while (g->lines.first)
			list_move(g, g->lines.first, LIST_READY);
	}
	while (g->ready.n) {
		struct gate_domain *d = g->ready.first;

		p = line_turn(g, d, now, what);
		if (p)
			return p;
		if (d->first)
			list_move(g, d, LIST_WAITING);
		else
			list_remove(g, d);
	}
	return NULL;
}

size_t
gate_waiting(const struct gate *g)
{
	return g->waiting;
}

size_t
gate_domains(const struct gate *g)
{
	return g->n;
}

enum next
gate_open(struct gate **out, const struct gate_conf *conf, uint64_t seed,
    struct err *e)
{
	struct gate *g = mem_alloc(sizeof(*g));

	if (!g) {
		err_set(e, "no memory for the budgets of domains");
		return RETRY;
	}
	g->conf = *conf;
	g->seed = seed;
	g->line_max = (size_t)(conf->per_minute * conf->line_ms / 60000);
	if (g->line_max < LINE_MIN)
		g->line_max = LINE_MIN;
	*out = g;
	return OK;
}

void
gate_close(struct gate *g)
{
	if (!g)
		return;
	while (g->oldest)
		domain_free(g, g->oldest);
	mem_free(g);
}
