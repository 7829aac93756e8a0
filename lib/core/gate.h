/* SPDX-License-Identifier: Apache-2.0 */
/* How many questions the looks at one registrable domain may cause, so that a
 * hundred thousand jobs for one domain do not flood its servers, nor keep the
 * looks at others waiting: so many a minute (a bucket that begins full, each
 * question takes one, time fills it up again), and so many at once. More wait
 * in line, of each domain its own, and not for ever; where more wait than can
 * have their turn in that time, the next is refused at once. Domains are
 * forgotten, the least used first. Pure; times are monotonic ms. */
#pragma once
#include "core/dname.h"

#define GATE_DOMAINS_MAX 8192 /* remembered; more go uncounted */

struct gate_conf {
	unsigned per_minute; /* for one domain; > 0 */
	unsigned at_once;
	int64_t line_ms; /* no longer in line */
};

struct gate;
struct gate_domain;

struct gate_pass { /* lies in the caller's memory */
	struct gate_pass *next;
	struct gate_domain *domain; /* NULL: not counted */
	int64_t give_up;
};

enum gate_next {
	GATE_GO,   /* ask; then gate_leave */
	GATE_WAIT, /* the pass comes back from gate_turn */
	GATE_SHUT, /* the budget is used up: don't ask */
};

/* seed: random per process, against chosen collisions. */
enum next gate_open(struct gate **out, const struct gate_conf *conf,
    uint64_t seed, struct err *e) MUST_USE;
enum gate_next gate_enter(struct gate *g, struct gate_pass *p,
    const struct dname *domain, int64_t now);
/* One question more for a pass that went: it is asked again, or elsewhere. */
void gate_again(struct gate *g, struct gate_pass *p);
/* What a pass that went has asked is answered; once for each. */
void gate_leave(struct gate *g, struct gate_pass *p);
/* The next of those in line, *what is GATE_GO or GATE_SHUT; NULL: none now.
 * To be called until then, whenever a pass left and every GATE_SWEEP_MS. */
#define GATE_SWEEP_MS 20
struct gate_pass *gate_turn(struct gate *g, int64_t now, enum gate_next *what);
size_t gate_waiting(const struct gate *g); /* passes in line */
size_t gate_domains(const struct gate *g);
/* Passes are forgotten. */
void gate_close(struct gate *g);
