/* SPDX-License-Identifier: Apache-2.0 */
/* Single questions of many looks, over the door to the DNS. What it adds:
 * - shared questions are asked once and kept (core/lookups.h);
 * - a budget of questions under way to each server, and a smaller one of those
 *   sent just now: they may still lie in its socket's buffer, which loses what
 *   it can't hold (200 packets or so, unless somebody made it larger). More
 *   wait in line, and not for ever. Processes share the budgets evenly;
 * - a server that was silent ASKS_SILENT_N times in a row is left alone for
 *   ASKS_SILENT_MS (RFC 9520 section 3.1), so that looks at it end at once and
 *   do not fill the places of the others;
 * - an answer that can't be read is asked for once more over TCP, where
 *   nobody off the path can forge one;
 * - of several resolvers the one that answered last is asked first, the next
 *   when it is silent.
 * One thread. */
#pragma once
#include "core/look.h"
#include "core/lookups.h"
#include "io/conf.h"

#define ASKS_SERVER_MAX	  200  /* under way to one server */
#define ASKS_RESOLVER_MAX 1000 /* to one resolver: some take it seconds */
#define ASKS_FRESH_MAX	  200  /* sent to one within the last, */
#define ASKS_FRESH_MS	  100
#define ASKS_LINE_MS	  10000 /* no longer in line */
#define ASKS_SILENT_N	  8
#define ASKS_SILENT_MS	  5000
#define ASKS_KEPT_MAX	  16384	      /* shared answers, and */
#define ASKS_KEPT_BYTES	  (16u << 20) /* their octets */

struct asks_conf {
	int64_t timeout_ms;
	unsigned tries;
	uint16_t port;	    /* of authoritative servers */
	unsigned processes; /* that ask the same servers */
	size_t resolvers_n;
	struct asks_resolver {
		struct packet_addr addr;
		uint16_t port;
		bool trusted; /* its AD counts */
	} resolvers[CONF_RESOLVERS_MAX];
};

/* Lies in the memory of who asks, until it is done. */
struct ask {
	const struct look_ask *want; /* the caller's; unchanged until then */
	size_t place;		     /* the caller's own */
	void *owner;

	struct ask *next; /* from here on private */
	struct lookup_waiter waiter;
	struct lookup *entry;
	struct asks_line *line;
	int64_t give_up; /* in line, ms */
	int64_t sent_at; /* ms; in the list of the fresh ones while fresh */
	bool fresh;
	struct ask *fresh_prev, *fresh_next;
	unsigned resolver, resolvers_tried;
	bool tcp;
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
/* want, place and owner are set. */
void asks_begin(struct asks *s, struct ask *a);
/* As dns_serve. */
bool asks_serve(struct asks *s, int64_t wait_ms, int other_fd);
/* All asks are forgotten, without a call. */
void asks_close(struct asks *s);
