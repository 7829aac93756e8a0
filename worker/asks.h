/* SPDX-License-Identifier: Apache-2.0 */
/* Single questions of many looks, over the door to the DNS. What it adds:
 * - a question that is under way already is joined; shared ones are kept, and
 *   of all of them the failures (core/lookups.h, RFC 9520);
 * - a budget of what the looks at one registrable domain may ask, shared
 *   questions aside (core/gate.h); all of them are in one process. What has no
 *   place in it ends unanswered with why "budget";
 * - a budget of questions under way to each server, and a smaller one of those
 *   sent just now: they may still lie in its socket's buffer, which loses what
 *   it can't hold (200 packets or so, unless somebody made it larger). More
 *   wait in line, and not for ever. Processes share these evenly;
 * - a server that was silent ASKS_SILENT_N times in a row is left alone for
 *   ASKS_SILENT_MS (RFC 9520 section 3.1), so that looks at it end at once and
 *   do not fill the places of the others. Then one question tries; while that
 *   finds silence the next pause is twice as long, up to ASKS_SILENT_MAX_MS:
 *   less than the RFC allows, for whoever mends a server wants to see it;
 * - an answer that can't be read is asked for once more over TCP, where
 *   nobody off the path can forge one;
 * - of several resolvers the one that answered last is asked first, the next
 *   when it is silent. Whose fault that is, a question shows that every
 *   resolver answers by itself, the root's NS: without an answer to it, the
 *   resolver is at fault and not some customer's server, and is told of.
 * One thread. */
#pragma once
#include "core/gate.h"
#include "core/look.h"
#include "core/lookups.h"
#include "io/conf.h"

#define ASKS_SERVER_MAX	   200	/* under way to one server */
#define ASKS_RESOLVER_MAX  1000 /* to one resolver: some take it seconds */
#define ASKS_FRESH_MAX	   200	/* sent to one within the last, */
#define ASKS_FRESH_MS	   100
#define ASKS_LINE_MS	   10000 /* no longer in line */
#define ASKS_BUSY	   64	 /* so many in line at our resolvers */
#define ASKS_SILENT_N	   8
#define ASKS_SILENT_MS	   5000
#define ASKS_SILENT_MAX_MS 60000
#define ASKS_SILENT_MAX	   16384 /* servers remembered for it */
#define ASKS_DOMAIN_MAX	   200	 /* under way for one domain */
#define ASKS_KEPT_MAX	   65536 /* questions under way, kept answers, and */
#define ASKS_KEPT_BYTES	   (16u << 20) /* their octets */
#define ASKS_TRY_MS	   5000	       /* no more often a resolver is tried, */
#define ASKS_TELL_MS	   60000       /* and anything told again */

enum asks_trouble_kind {
	ASKS_RESOLVER_SILENT, /* n: questions it left unanswered */
	ASKS_RESOLVER_BACK,   /* it answers again */
	ASKS_DOMAIN_BUDGET,   /* n: questions refused, of all domains */
};

struct asks_trouble {
	enum asks_trouble_kind kind;
	const char *what; /* the resolver's ADDRESS:PORT, or one such domain */
	uint64_t n;	  /* since it was told last */
	bool all;	  /* RESOLVER_SILENT: no other answers either */
};

struct asks_conf {
	int64_t timeout_ms;
	unsigned tries;
	uint16_t port;		    /* of authoritative servers */
	unsigned processes;	    /* that ask the same servers */
	unsigned domain_per_minute; /* 0 = no budget */
	size_t resolvers_n;
	struct asks_resolver {
		struct packet_addr addr;
		uint16_t port;
		bool trusted; /* its AD counts */
	} resolvers[CONF_RESOLVERS_MAX];
	/* May be NULL. Each once a minute, called as asks_calls are. */
	void (*trouble)(void *arg, const struct asks_trouble *t);
	void *trouble_arg;
};

/* Lies in the memory of who asks, until it is done. */
struct ask {
	const struct look_ask *want; /* the caller's; unchanged until then */
	/* the registrable domain whose budget it takes from, the caller's;
	 * NULL: nobody's */
	const struct dname *domain;
	size_t place; /* the caller's own */
	void *owner;

	struct ask *next; /* from here on private */
	struct gate_pass pass;
	struct lookup_waiter waiter;
	struct lookup *entry;
	struct asks_line *line;
	int64_t give_up; /* in line, ms */
	int64_t sent_at; /* ms; in the list of the fresh ones while fresh */
	bool fresh;
	struct ask *fresh_prev, *fresh_next;
	unsigned resolver, resolvers_tried;
	bool tcp;
	bool trial; /* of a resolver: nobody else's */
	const struct answer *answer;
};

struct asks;

/* read: reads the bytes into memory of the owner; bytes NULL is
 * OUTCOME_TIMEOUT. Called once or twice for an ask, the last one counts.
 * done: no more will be read. Both may be called from within asks_begin and
 * asks_serve, and may call neither. */
struct asks_calls {
	const struct answer *(*read)(
	    void *arg, struct ask *a, const struct lookup_answer *raw);
	void (*done)(void *arg, struct ask *a);
	void *arg;
};

enum next asks_open(struct asks **out, const struct asks_conf *conf,
    const struct asks_calls *calls, struct err *e) MUST_USE;
/* want, domain, place and owner are set. */
void asks_begin(struct asks *s, struct ask *a);
/* What began now would only stand in line at our resolvers, and nearly every
 * look begins there. asks_serve changes it. */
bool asks_busy(const struct asks *s);
/* As dns_serve. */
bool asks_serve(struct asks *s, int64_t wait_ms, int other_fd);
/* All asks are forgotten, without a call. */
void asks_close(struct asks *s);
