/* SPDX-License-Identifier: Apache-2.0 */
#include "core/function.h"

#include <string.h>

/* What each event makes of each status. A proof switches on only what is asked
 * for and what it depends on (may_begin); a miss of what is on goes to LAPSING,
 * from where claim_lapse_due alone leads on to LAPSED. */
/* clang-format off */
static const enum function_status step[FUNCTION_STATUS_N][FUNCTION_EV_N] = {
	[FUNCTION_OFF] = {
		[FUNCTION_EV_ASK]       = FUNCTION_PENDING,
		[FUNCTION_EV_PASS]      = FUNCTION_OFF,
		[FUNCTION_EV_MISS]      = FUNCTION_OFF,
		[FUNCTION_EV_PARTIAL]   = FUNCTION_OFF,
		[FUNCTION_EV_UNDECIDED] = FUNCTION_OFF,
		[FUNCTION_EV_EXPIRE]    = FUNCTION_OFF,
		[FUNCTION_EV_CANCEL]    = FUNCTION_OFF,
		[FUNCTION_EV_OFF]       = FUNCTION_OFF,
		[FUNCTION_EV_READY]     = FUNCTION_OFF,
	},
	[FUNCTION_PENDING] = {
		[FUNCTION_EV_ASK]       = FUNCTION_PENDING,
		[FUNCTION_EV_PASS]      = FUNCTION_ACTIVE,
		[FUNCTION_EV_MISS]      = FUNCTION_PENDING,
		[FUNCTION_EV_PARTIAL]   = FUNCTION_PENDING,
		[FUNCTION_EV_UNDECIDED] = FUNCTION_PENDING,
		[FUNCTION_EV_EXPIRE]    = FUNCTION_EXPIRED,
		[FUNCTION_EV_CANCEL]    = FUNCTION_OFF,
		[FUNCTION_EV_OFF]       = FUNCTION_OFF,
		[FUNCTION_EV_READY]     = FUNCTION_ACTIVE,
	},
	[FUNCTION_ACTIVE] = {
		[FUNCTION_EV_ASK]       = FUNCTION_ACTIVE,
		[FUNCTION_EV_PASS]      = FUNCTION_ACTIVE,
		[FUNCTION_EV_MISS]      = FUNCTION_LAPSING,
		[FUNCTION_EV_PARTIAL]   = FUNCTION_ACTIVE,
		[FUNCTION_EV_UNDECIDED] = FUNCTION_ACTIVE,
		[FUNCTION_EV_EXPIRE]    = FUNCTION_ACTIVE,
		[FUNCTION_EV_CANCEL]    = FUNCTION_ACTIVE,
		[FUNCTION_EV_OFF]       = FUNCTION_OFF,
		[FUNCTION_EV_READY]     = FUNCTION_ACTIVE,
	},
	[FUNCTION_LAPSING] = {
		[FUNCTION_EV_ASK]       = FUNCTION_LAPSING,
		[FUNCTION_EV_PASS]      = FUNCTION_ACTIVE,
		[FUNCTION_EV_MISS]      = FUNCTION_LAPSING,
		[FUNCTION_EV_PARTIAL]   = FUNCTION_LAPSING,
		[FUNCTION_EV_UNDECIDED] = FUNCTION_LAPSING,
		[FUNCTION_EV_EXPIRE]    = FUNCTION_LAPSING,
		[FUNCTION_EV_CANCEL]    = FUNCTION_LAPSING,
		[FUNCTION_EV_OFF]       = FUNCTION_OFF,
		[FUNCTION_EV_READY]     = FUNCTION_LAPSING,
	},
	[FUNCTION_LAPSED] = {
		[FUNCTION_EV_ASK]       = FUNCTION_LAPSED,
		[FUNCTION_EV_PASS]      = FUNCTION_ACTIVE,
		[FUNCTION_EV_MISS]      = FUNCTION_LAPSED,
		[FUNCTION_EV_PARTIAL]   = FUNCTION_LAPSED,
		[FUNCTION_EV_UNDECIDED] = FUNCTION_LAPSED,
		[FUNCTION_EV_EXPIRE]    = FUNCTION_LAPSED,
		[FUNCTION_EV_CANCEL]    = FUNCTION_LAPSED,
		[FUNCTION_EV_OFF]       = FUNCTION_OFF,
		[FUNCTION_EV_READY]     = FUNCTION_ACTIVE,
	},
	[FUNCTION_EXPIRED] = {
		[FUNCTION_EV_ASK]       = FUNCTION_PENDING,
		[FUNCTION_EV_PASS]      = FUNCTION_EXPIRED,
		[FUNCTION_EV_MISS]      = FUNCTION_EXPIRED,
		[FUNCTION_EV_PARTIAL]   = FUNCTION_EXPIRED,
		[FUNCTION_EV_UNDECIDED] = FUNCTION_EXPIRED,
		[FUNCTION_EV_EXPIRE]    = FUNCTION_EXPIRED,
		[FUNCTION_EV_CANCEL]    = FUNCTION_EXPIRED,
		[FUNCTION_EV_OFF]       = FUNCTION_OFF,
		[FUNCTION_EV_READY]     = FUNCTION_EXPIRED,
	},
};
/* clang-format on */

static const enum check check_of[FUNCTION_N] = {
    [FUNCTION_SPF] = CHECK_SPF,
    [FUNCTION_DKIM] = CHECK_DKIM,
};

bool
function_is_on(const struct claim *c, enum function fn)
{
	return c->function[fn].status == FUNCTION_ACTIVE ||
	       c->function[fn].status == FUNCTION_LAPSING;
}

/* May a proven function be switched on? Who does not hold the domain, or not
 * alone, sends nothing from it; a proof is one for an hour; and where policy
 * demands signatures, mail that is not signed does not go out as the
 * customer's. */
static bool
may_begin(const struct claim *c, enum function fn, int64_t now,
    const struct policy *policy)
{
	const struct check_state *seen = &c->check[check_of[fn]];

	if (c->status != CLAIM_VERIFIED && c->status != CLAIM_LAPSING)
		return false;
	if ((c->flags & CLAIM_CONTESTED) != 0)
		return false;
	if (seen->verdict != VERDICT_PASS ||
	    now - seen->looked_at > FUNCTION_PROOF_MS)
		return false;
	return fn != FUNCTION_SPF ||
	       policy->dkim_required != DKIM_REQUIRED_REFUSE ||
	       function_is_on(c, FUNCTION_DKIM);
}

static enum function_status
leads_to(const struct claim *c, enum function fn, enum function_event ev,
    int64_t now, const struct policy *policy)
{
	enum function_status from = c->function[fn].status;
	enum function_status to = step[from][ev];

	if (from == FUNCTION_LAPSING && ev == FUNCTION_EV_MISS)
		return claim_lapse_due(c, check_of[fn], now, policy)
			   ? FUNCTION_LAPSED
			   : FUNCTION_LAPSING;
	/* what is on already, lapsing included, asks for no leave */
	if (to == FUNCTION_ACTIVE && !function_is_on(c, fn) &&
	    !may_begin(c, fn, now, policy))
		return from;
	return to;
}

static enum claim_event
claim_event(enum function_event ev)
{
	switch (ev) {
	case FUNCTION_EV_PASS:
		return CLAIM_EV_PASS;
	case FUNCTION_EV_MISS:
		return CLAIM_EV_MISS;
	case FUNCTION_EV_PARTIAL:
		return CLAIM_EV_PARTIAL;
	case FUNCTION_EV_UNDECIDED:
	case FUNCTION_EV_ASK:
	case FUNCTION_EV_EXPIRE:
	case FUNCTION_EV_CANCEL:
	case FUNCTION_EV_OFF:
	case FUNCTION_EV_READY:
	case FUNCTION_EV_N:
		break;
	}
	return CLAIM_EV_UNDECIDED;
}

unsigned
function_step(struct claim *c, enum function fn, enum function_event ev,
    const struct finding *finding, int64_t now, const struct policy *policy)
{
	struct function_state *f = &c->function[fn];
	enum function_status to;
	unsigned todo = 0;

	if (c->status == CLAIM_RELEASED)
		return 0;
	if (finding != NULL)
		todo = claim_note(c, finding, claim_event(ev), now);
	to = leads_to(c, fn, ev, now, policy);
	if (to == f->status)
		return todo;
	f->status = to;
	f->since_at = CLAIM_TIME(now);
	if (todo == 0)
		c->ver++;
	return todo | CLAIM_SAVE | CLAIM_SAY_FUNCTION;
}

enum function_event
function_event_of(const struct finding *f)
{
	if (f->verdict == VERDICT_UNDECIDED)
		return FUNCTION_EV_UNDECIDED;
	if (f->verdict == VERDICT_PASS)
		return FUNCTION_EV_PASS;
	return finding_is_miss(f) ? FUNCTION_EV_MISS : FUNCTION_EV_PARTIAL;
}

enum function
function_of(enum check check)
{
	for (int fn = 0; fn < FUNCTION_N; fn++)
		if (check_of[fn] == check)
			return (enum function)fn;
	return FUNCTION_N;
}

enum check
function_check(enum function fn)
{
	return check_of[fn];
}

bool
function_wanted(const struct claim *c, enum function fn)
{
	static const bool wanted[FUNCTION_STATUS_N] = {
	    [FUNCTION_PENDING] = true,
	    [FUNCTION_ACTIVE] = true,
	    [FUNCTION_LAPSING] = true,
	    [FUNCTION_LAPSED] = true,
	};

	return wanted[c->function[fn].status];
}

bool
function_sends_as_customer(const struct claim *c)
{
	return function_is_on(c, FUNCTION_SPF);
}

/* Will it be wanted once these are switched on and off? */
static bool
stays(const struct claim *c, enum function fn, uint32_t on, uint32_t off)
{
	if ((off & (1u << fn)) != 0)
		return false;
	return (on & (1u << fn)) != 0 || function_wanted(c, fn);
}

enum code
function_judge(const struct claim *c, uint32_t on, uint32_t off,
    const struct policy *policy)
{
	bool spf = stays(c, FUNCTION_SPF, on, off);
	bool dkim = stays(c, FUNCTION_DKIM, on, off);
	bool about_it = (on & (1u << FUNCTION_SPF)) != 0 ||
			(off & (1u << FUNCTION_DKIM)) != 0;

	if ((on & (1u << FUNCTION_SPF)) != 0 && policy->spf_include[0] == '\0')
		return CODE_BAD_JOB;
	if ((on & (1u << FUNCTION_DKIM)) != 0 && c->keys_n == 0)
		return CODE_NO_KEY;
	if (policy->dkim_required == DKIM_REQUIRED_REFUSE && about_it && spf &&
	    !dkim)
		return CODE_DKIM_REQUIRED;
	return CODE_NONE;
}

static const char *const names[FUNCTION_N] = {
    [FUNCTION_SPF] = "spf",
    [FUNCTION_DKIM] = "dkim",
};

const char *
function_name(enum function fn)
{
	return names[fn];
}

enum function
function_parse(const char *name)
{
	int fn = 0;

	while (fn < FUNCTION_N && strcmp(names[fn], name) != 0)
		fn++;
	return (enum function)fn;
}

const char *
function_status_name(enum function_status s)
{
	static const char *const name[FUNCTION_STATUS_N] = {
	    [FUNCTION_OFF] = "none",
	    [FUNCTION_PENDING] = "pending",
	    [FUNCTION_ACTIVE] = "active",
	    [FUNCTION_LAPSING] = "lapsing",
	    [FUNCTION_LAPSED] = "lapsed",
	    [FUNCTION_EXPIRED] = "expired",
	};

	return name[s];
}
