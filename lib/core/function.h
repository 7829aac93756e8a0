/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of a claim, spf and dkim: off, asked for, active. While spf is
 * active mail goes out from the customer's address, otherwise from the
 * platform's default sender. The state machine of one function: a table,
 * status by event. Pure; times are the broker's wall clock in ms; only
 * definitive evidence takes an active function away. */
#pragma once
#include "core/claim.h"

/* A proof that is older switches nothing on. */
#define FUNCTION_PROOF_MS (3600 * 1000LL)

enum function_event {
	FUNCTION_EV_ASK, /* a job that is to switch it on was accepted */
	FUNCTION_EV_PASS,
	FUNCTION_EV_MISS,
	FUNCTION_EV_PARTIAL, /* definitive, but no miss */
	FUNCTION_EV_UNDECIDED,
	FUNCTION_EV_EXPIRE, /* the last job that asked for it has ended */
	FUNCTION_EV_CANCEL, /* or was cancelled: it was never on */
	FUNCTION_EV_OFF,    /* deactivate */
	FUNCTION_EV_READY,  /* what it waited for besides its own proof came:
			     * ownership, or dkim where spf needs it */
	FUNCTION_EV_N,
};

/* finding: for PASS, MISS, PARTIAL and UNDECIDED, else NULL; it is remembered
 * in c->check by claim_note. A pass switches a function on only while
 * ownership is proven and not contested and, for spf, where policy demands
 * dkim, dkim is active; otherwise it waits for READY, or for the next pass if
 * that comes later than FUNCTION_PROOF_MS. Returns the set of enum
 * claim_action; ver is moved on by one if CLAIM_SAVE is in it. Cannot fail. */
unsigned function_step(struct claim *c, enum function fn,
    enum function_event ev, const struct finding *finding, int64_t now,
    const struct policy *policy);
enum function_event function_event_of(const struct finding *f);
/* Which function a check is of; FUNCTION_N: none (ownership, dmarc). */
enum function function_of(enum check check);
enum check function_check(enum function fn);
/* Is it switched on or to be, whether or not it is proven at the moment
 * (pending, active, lapsing, lapsed)? */
bool function_wanted(const struct claim *c, enum function fn);
/* Active or lapsing. */
bool function_is_on(const struct claim *c, enum function fn);
/* Does mail go out as the customer (spf active or lapsing)? */
bool function_sends_as_customer(const struct claim *c);
/* CODE_NONE, or why this may not be asked for now (NOT_YOURS, DKIM_HELD and
 * SELECTOR_USED are the caller's to find: it knows the other claims; so is
 * NO_KEY of a dkim check that switches nothing on). on: enum function bits to
 * switch on; off: to switch off. */
enum code function_judge(const struct claim *c, uint32_t on, uint32_t off,
    const struct policy *policy);

const char *function_name(enum function fn);		  /* "spf" */
enum function function_parse(const char *name);		  /* FUNCTION_N */
const char *function_status_name(enum function_status s); /* "active" */
