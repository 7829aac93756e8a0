/* SPDX-License-Identifier: Apache-2.0 */
#include "core/claim.h"

#include <string.h>

struct cell {
	enum claim_status to;
	unsigned say;
};

/* What each event makes of each status. A miss of a proven claim goes to
 * LAPSING; from there lapse_due alone leads on to LAPSED. Undecided and
 * partial answers never change a status. */
/* clang-format off */
static const struct cell step[CLAIM_STATUS_N][CLAIM_EV_N] = {
	[CLAIM_NONE] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_NONE, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_PENDING, CLAIM_SAVE},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, CLAIM_SAY_VERIFIED},
		[CLAIM_EV_MISS]      = {CLAIM_NONE, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_NONE, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_NONE, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_EXPIRED, CLAIM_SAY_EXPIRED},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_NONE, 0},
		[CLAIM_EV_SETTLED]   = {CLAIM_NONE, 0},
	},
	[CLAIM_PENDING] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_PENDING, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_PENDING, 0},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, CLAIM_SAY_VERIFIED},
		[CLAIM_EV_MISS]      = {CLAIM_PENDING, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_PENDING, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_PENDING, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_EXPIRED, CLAIM_SAY_EXPIRED},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_PENDING, 0},
		[CLAIM_EV_SETTLED]   = {CLAIM_PENDING, 0},
	},
	[CLAIM_VERIFIED] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_MISS]      = {CLAIM_LAPSING, CLAIM_SAY_LAPSING},
		[CLAIM_EV_PARTIAL]   = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_VERIFIED, 0},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_VERIFIED, CLAIM_SAY_CONTESTED},
		[CLAIM_EV_SETTLED]   = {CLAIM_VERIFIED, 0},
	},
	[CLAIM_LAPSING] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_LAPSING, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_LAPSING, 0},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, CLAIM_SAY_RECOVERED},
		[CLAIM_EV_MISS]      = {CLAIM_LAPSING, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_LAPSING, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_LAPSING, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_LAPSING, 0},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_LAPSING, CLAIM_SAY_CONTESTED},
		[CLAIM_EV_SETTLED]   = {CLAIM_LAPSING, 0},
	},
	[CLAIM_LAPSED] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_LAPSED, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_LAPSED, 0},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, CLAIM_SAY_VERIFIED},
		[CLAIM_EV_MISS]      = {CLAIM_LAPSED, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_LAPSED, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_LAPSED, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_LAPSED, 0},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_LAPSED, 0},
		[CLAIM_EV_SETTLED]   = {CLAIM_LAPSED, 0},
	},
	[CLAIM_EXPIRED] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_OPEN]      = {CLAIM_PENDING, CLAIM_SAVE},
		[CLAIM_EV_PASS]      = {CLAIM_VERIFIED, CLAIM_SAY_VERIFIED},
		[CLAIM_EV_MISS]      = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, CLAIM_SAY_RELEASED},
		[CLAIM_EV_CONTEST]   = {CLAIM_EXPIRED, 0},
		[CLAIM_EV_SETTLED]   = {CLAIM_EXPIRED, 0},
	},
	[CLAIM_RELEASED] = {
		[CLAIM_EV_BEGIN]     = {CLAIM_NONE,
			CLAIM_DO_NEW_TOKEN | CLAIM_SAY_ISSUED},
		[CLAIM_EV_OPEN]      = {CLAIM_RELEASED, 0},
		[CLAIM_EV_PASS]      = {CLAIM_RELEASED, 0},
		[CLAIM_EV_MISS]      = {CLAIM_RELEASED, 0},
		[CLAIM_EV_PARTIAL]   = {CLAIM_RELEASED, 0},
		[CLAIM_EV_UNDECIDED] = {CLAIM_RELEASED, 0},
		[CLAIM_EV_EXPIRE]    = {CLAIM_RELEASED, 0},
		[CLAIM_EV_RELEASE]   = {CLAIM_RELEASED, 0},
		[CLAIM_EV_CONTEST]   = {CLAIM_RELEASED, 0},
		[CLAIM_EV_SETTLED]   = {CLAIM_RELEASED, 0},
	},
};
/* clang-format on */

void
claim_init(struct claim *c)
{
	*c = (struct claim){
	    .status = CLAIM_RELEASED, .verdict = VERDICT_UNDECIDED};
}

/* Remembers what a look found; says whether it is anything new. */
static unsigned
note(struct claim *c, const struct finding *f, int64_t now)
{
	bool first = c->looked_at == 0;
	bool same = c->verdict == f->verdict && c->code == f->code &&
		    strcmp(c->saw, f->saw) == 0;

	c->looked_at = now;
	c->verdict = f->verdict;
	c->code = f->code;
	if (f->verdict == VERDICT_PASS)
		c->assurance = f->assurance;
	if (f->neg_ttl_s != 0)
		c->neg_ttl_s = f->neg_ttl_s;
	memcpy(c->saw, f->saw, sizeof(c->saw));
	if (f->verdict != VERDICT_UNDECIDED)
		c->undecided_since_at = 0;
	else if (c->undecided_since_at == 0)
		c->undecided_since_at = now;
	return CLAIM_SAVE | (first || !same ? CLAIM_SAY_LOOK : 0);
}

static void
count_miss(struct claim *c, enum claim_event ev, int64_t now)
{
	if (ev == CLAIM_EV_PASS) {
		c->misses = 0;
		c->first_miss_at = 0;
	} else if (ev == CLAIM_EV_MISS) {
		if (c->misses == 0)
			c->first_miss_at = now;
		if (c->misses < UINT32_MAX)
			c->misses++;
	}
}

static bool
lapse_due(const struct claim *c, int64_t now, const struct policy *policy)
{
	return c->misses >= policy->lapse_looks &&
	       now - c->first_miss_at >= policy->lapse_ms;
}

/* Who contests a claim changes nothing but its flag: people decide. */
static unsigned
contest(struct claim *c, enum claim_event ev, unsigned say)
{
	bool was = (c->flags & CLAIM_CONTESTED) != 0;

	if (ev == CLAIM_EV_CONTEST && say != 0 && !was) {
		c->flags |= CLAIM_CONTESTED;
		return say;
	}
	if (ev == CLAIM_EV_SETTLED && was) {
		c->flags &= ~(uint32_t)CLAIM_CONTESTED;
		return CLAIM_SAVE;
	}
	return 0;
}

/* A new generation inherits nothing but the version counter. */
static void
begin(struct claim *c)
{
	struct claim fresh = {
	    .ver = c->ver,
	    .generation = c->generation + 1,
	    .verdict = VERDICT_UNDECIDED,
	    .tail_len = c->tail_len,
	    .tail = c->tail,
	};

	*c = fresh;
}

unsigned
claim_step(struct claim *c, enum claim_event ev, const struct finding *finding,
    int64_t now, const struct policy *policy)
{
	const struct cell *cell = &step[c->status][ev];
	enum claim_status to = cell->to;
	unsigned todo = cell->say;

	if (c->status == CLAIM_RELEASED && to == CLAIM_RELEASED)
		return 0;
	if (ev == CLAIM_EV_CONTEST || ev == CLAIM_EV_SETTLED)
		todo = contest(c, ev, todo);
	if (todo & CLAIM_DO_NEW_TOKEN)
		begin(c);
	if (finding != NULL) {
		todo |= note(c, finding, now);
		count_miss(c, ev, now);
	}
	if (c->status == CLAIM_LAPSING && ev == CLAIM_EV_MISS &&
	    lapse_due(c, now, policy)) {
		to = CLAIM_LAPSED;
		todo |= CLAIM_SAY_LAPSED;
	}
	if (to != c->status || (todo & CLAIM_DO_NEW_TOKEN))
		c->since_at = now;
	c->status = to;
	if (todo != 0) {
		todo |= CLAIM_SAVE;
		c->ver++;
	}
	return todo;
}

enum claim_event
claim_event_of(const struct finding *f)
{
	if (f->verdict == VERDICT_UNDECIDED)
		return CLAIM_EV_UNDECIDED;
	if (f->verdict == VERDICT_PASS)
		return CLAIM_EV_PASS;
	return finding_is_miss(f) ? CLAIM_EV_MISS : CLAIM_EV_PARTIAL;
}

/* A claim that was never proven and that nobody is looking at. */
static enum shield
unproven(const struct claim *c)
{
	if (c->looked_at == 0)
		return SHIELD_GREY;
	return c->verdict == VERDICT_UNDECIDED ? SHIELD_AMBER : SHIELD_RED;
}

enum shield
claim_shield(const struct claim *c, bool job_open)
{
	switch (c->status) {
	case CLAIM_VERIFIED:
		return SHIELD_GREEN;
	case CLAIM_LAPSING:
		return SHIELD_AMBER;
	case CLAIM_NONE:
	case CLAIM_PENDING:
		return job_open ? SHIELD_AMBER : unproven(c);
	case CLAIM_LAPSED:
	case CLAIM_EXPIRED:
		return job_open ? SHIELD_AMBER : SHIELD_RED;
	case CLAIM_RELEASED:
	case CLAIM_STATUS_N:
		break;
	}
	return SHIELD_GREY;
}

const char *
claim_status_name(enum claim_status s)
{
	static const char *const name[CLAIM_STATUS_N] = {
	    [CLAIM_NONE] = "none",
	    [CLAIM_PENDING] = "pending",
	    [CLAIM_VERIFIED] = "verified",
	    [CLAIM_LAPSING] = "lapsing",
	    [CLAIM_LAPSED] = "lapsed",
	    [CLAIM_EXPIRED] = "expired",
	    [CLAIM_RELEASED] = "released",
	};

	return name[s];
}

const char *
shield_name(enum shield s)
{
	static const char *const name[] = {
	    [SHIELD_GREY] = "grey",
	    [SHIELD_AMBER] = "amber",
	    [SHIELD_GREEN] = "green",
	    [SHIELD_RED] = "red",
	};

	return name[s];
}
