/* SPDX-License-Identifier: Apache-2.0 */
/* A claim: one organisation says that one domain is its own. Its state, and
 * the state machine that alone changes it: claim_step. Pure; times are the
 * broker's wall clock in ms; status changes come from definitive evidence
 * only. */
#pragma once
#include "core/ownership.h"
#include "core/policy.h"

enum claim_status {
	CLAIM_NONE,    /* begun: a token is issued, nothing looked at */
	CLAIM_PENDING, /* a job is or was looking, never proven */
	CLAIM_VERIFIED,
	CLAIM_LAPSING, /* was verified, definitively missing since */
	CLAIM_LAPSED,
	CLAIM_EXPIRED,	/* the deadline passed without proof */
	CLAIM_RELEASED, /* not begun, or given up: begins with a new generation
			 */
	CLAIM_STATUS_N,
};

enum shield { SHIELD_GREY, SHIELD_AMBER, SHIELD_GREEN, SHIELD_RED };

enum claim_flag { CLAIM_CONTESTED = 1 << 0 };

/* The part that goes into the state topic (core/record.h). */
struct claim {
	uint64_t ver;	     /* counts changes; never goes back */
	uint32_t generation; /* 1, 2, ... a new one has a new token */
	uint8_t token[TOKEN_OCTETS];
	enum claim_status status;
	uint32_t flags;		    /* enum claim_flag */
	int64_t since_at;	    /* of the status */
	int64_t looked_at;	    /* last look, 0 = never */
	int64_t undecided_since_at; /* 0 = the last look was definitive */
	uint32_t misses; /* definitive misses in a row since first_miss_at */
	int64_t first_miss_at;
	/* of the last look */
	enum verdict verdict;
	enum code code;
	enum assurance assurance;
	uint32_t neg_ttl_s;
	char saw[SAW_MAX + 1];
	/* what later versions appended and this one does not know */
	uint16_t tail_len;
	uint8_t *tail; /* mem_alloc, NULL if none */
};

enum claim_event {
	CLAIM_EV_BEGIN, /* a claim or verify job asks for it */
	CLAIM_EV_OPEN,	/* a verify job was accepted */
	CLAIM_EV_PASS,
	CLAIM_EV_MISS,	  /* definitive: seen nowhere, or another token */
	CLAIM_EV_PARTIAL, /* definitive, but seen somewhere: no miss */
	CLAIM_EV_UNDECIDED,
	CLAIM_EV_EXPIRE, /* a job of this claim passed its deadline */
	CLAIM_EV_RELEASE,
	CLAIM_EV_CONTEST, /* another organisation has proven the domain too */
	CLAIM_EV_SETTLED, /* and holds it no longer */
	CLAIM_EV_N,
};

/* What the caller has to tell the world after a step. */
enum claim_action {
	CLAIM_DO_NEW_TOKEN = 1 << 0, /* draw a token before anything else */
	CLAIM_SAY_ISSUED = 1 << 1,   /* event record.issued */
	CLAIM_SAY_VERIFIED = 1 << 2,
	CLAIM_SAY_LAPSING = 1 << 3,
	CLAIM_SAY_RECOVERED = 1 << 4,
	CLAIM_SAY_LAPSED = 1 << 5,
	CLAIM_SAY_EXPIRED = 1 << 6, /* check.changed */
	CLAIM_SAY_RELEASED = 1 << 7,
	CLAIM_SAY_LOOK = 1 << 8, /* look.done: code or saw changed */
	CLAIM_SAY_CONTESTED = 1 << 10,
	CLAIM_SAVE = 1 << 9, /* the state record must be written */
};

/* A claim that has not begun: CLAIM_RELEASED of generation 0. */
void claim_init(struct claim *c);

/* finding: for PASS, MISS, PARTIAL and UNDECIDED, else NULL. Returns the set
 * of enum claim_action. The step has happened when it returns; ver is moved
 * on by one if CLAIM_SAVE is in the result. Cannot fail. */
unsigned claim_step(struct claim *c, enum claim_event ev,
    const struct finding *finding, int64_t now, const struct policy *policy);
/* Which event a finding is. */
enum claim_event claim_event_of(const struct finding *f);

/* grey: nothing asked for. amber: a job is open, lapsing, or undecided.
 * green: verified. red: without an open job only. */
enum shield claim_shield(const struct claim *c, bool job_open);

const char *claim_status_name(enum claim_status s); /* "verified" */
const char *shield_name(enum shield s);
