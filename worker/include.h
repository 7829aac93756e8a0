/* SPDX-License-Identifier: Apache-2.0 */
/* Our own SPF include, watched like a customer's record: when it breaks, it
 * breaks for all of them, and not by their fault. Looked at when opened, every
 * 5 minutes, and more often while it is not well. Says so in the log
 * (include.well, include.broken, include.unknown) when that changes.
 *
 * SPF looks go through here: they wait until it is known which addresses must
 * pass (those that policy names, or what following the include finds), and end
 * undecided, SPF_TARGET_BROKEN, while it is broken. One thread. */
#pragma once
#include "core/policy.h"
#include "worker/looks.h"

#define INCLUDE_TAG	   UINT64_MAX /* of its own looks, in looks' found */
#define INCLUDE_WELL_MS	   300000     /* between two looks at it */
#define INCLUDE_BROKEN_MS  30000
#define INCLUDE_UNKNOWN_MS 5000

struct include_conf {
	struct looks *looks;
	const struct policy *policy; /* spf_include "" = there is none */
	/* A finding of a look that needed no question. */
	void (*found)(void *arg, uint64_t tag, const struct finding *f);
	void *arg;
};

struct include;

/* REJECT: the include's name is none. */
enum next include_open(struct include **out, const struct include_conf *conf,
    struct err *e) MUST_USE;
/* As looks_begin, for CHECK_SPF: fills in what must pass. What the wish points
 * to must live until the finding. */
enum next include_begin(struct include *in, const struct look_wish *wish,
    const char *subject, uint64_t tag, struct err *e) MUST_USE;
/* Within looks' found, with INCLUDE_TAG. */
void include_found(struct include *in, const struct finding *f);
/* Often enough: begins the next look at it when it is due. */
void include_serve(struct include *in, int64_t now_ms);
/* Before looks_close; what waits is forgotten. */
void include_close(struct include *in);
