/* SPDX-License-Identifier: Apache-2.0 */
/* Many looks at once: each asks what it wants to know (core/look.h), over
 * worker/asks.h, and ends with a finding, after LOOK_TIME_MAX_MS at the latest.
 * One look is one check. The pool's resolver drives thousands of them,
 * `domainproof check` a few. One thread. */
#pragma once
#include "core/record.h"
#include "worker/asks.h"

#define LOOKS_AT_ONCE 2048 /* usual at_once */

struct looks_conf {
	struct asks_conf asks;
	size_t at_once;	     /* looks under way; more wait for their turn */
	int64_t time_max_ms; /* for one look; 0 = LOOK_TIME_MAX_MS */
	/* May be NULL. Called with the look's subject before bytes from
	 * outside are read or judged for it, with NULL behind that: what is
	 * between the two may be blamed if the process dies. */
	void (*watch)(void *arg, const char *subject);
	/* The finding of a look; valid during the call, which may call
	 * looks_begin. */
	void (*found)(void *arg, uint64_t tag, const struct finding *f);
	void *arg;
};

struct looks;

/* conf->asks as the settings say. REJECT: an address that can't be read. */
enum next looks_conf_asks(
    struct asks_conf *out, const struct settings *s, struct err *e) MUST_USE;

enum next looks_open(
    struct looks **out, const struct looks_conf *conf, struct err *e) MUST_USE;
/* The wish and what it points to are copied; its trusted is not used: trust is
 * the resolvers', see asks_resolver. tag comes back with the finding. RETRY: no
 * memory, there will be none. */
enum next looks_begin(struct looks *s, const struct look_wish *wish,
    const char *subject, uint64_t tag, struct err *e) MUST_USE;
/* As dns_serve: waits up to wait_ms for the network or other_fd, goes on with
 * every look that can, calls found for those that end. */
bool looks_serve(struct looks *s, int64_t wait_ms, int other_fd);
/* Only within found: look_addresses of the look that has just ended. */
const struct packet_addr *looks_addresses(const struct looks *s, size_t *n);
size_t looks_n(const struct looks *s);	     /* begun and not ended */
size_t looks_waiting(const struct looks *s); /* of them, not yet under way */
/* What is under way is forgotten. */
void looks_close(struct looks *s);
