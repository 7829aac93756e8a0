/* SPDX-License-Identifier: Apache-2.0 */
/* A claim: one organisation says that one domain is its own. Its state, and
 * the state machine that alone changes it: claim_step. Pure; times are the
 * broker's wall clock in ms; status changes come from definitive evidence
 * only. */
#pragma once
#include "core/dkim.h"
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

/* What is switched on for the domain (core/function.h). */
enum function { FUNCTION_SPF, FUNCTION_DKIM, FUNCTION_N };

enum function_status {
	FUNCTION_OFF,	  /* "none": nobody asked for it, or switched off */
	FUNCTION_PENDING, /* asked for, not proven yet */
	FUNCTION_ACTIVE,
	FUNCTION_LAPSING, /* was active, definitively missing since */
	FUNCTION_LAPSED,  /* still wanted: the next proof brings it back */
	FUNCTION_EXPIRED, /* the deadline passed without proof */
	FUNCTION_STATUS_N,
};

/* Millions of claims are in memory, each with all of the following. So their
 * times have 48 bits, which last until the year 6429. */
#define CLAIM_TIME_MAX 0x7fffffffffffLL
#define CLAIM_TIME(at) ((at)&CLAIM_TIME_MAX)

struct function_state {
	int64_t since_at : 48;
	enum function_status status : 8;
};

/* What is remembered of the looks at one check. */
struct check_state {
	int64_t looked_at : 48;		 /* the last look began; 0 = never */
	enum code code : 16;		 /* of it, as are the next two */
	int64_t undecided_since_at : 48; /* 0 = it was definitive */
	enum verdict verdict : 8;
	enum assurance assurance : 8;
	int64_t first_miss_at : 48;
	uint32_t misses; /* definitive misses in a row since first_miss_at */
	uint32_t neg_ttl_s;
	char *saw; /* mem_alloc; NULL = "" (most have nothing to say) */
};

/* A public key of this claim. The first of them is the one that is to be
 * published and looked for; those behind it were so before. */
struct claim_key {
	char selector[DKIM_SELECTOR_MAX + 1];
	struct dkim_public key;
};

#define CLAIM_KEYS_MAX 3 /* the present one, and the last two before it */

/* The part that goes into the state topic (core/record.h). */
struct claim {
	uint64_t ver;	     /* counts changes; never goes back */
	uint32_t generation; /* 1, 2, ... a new one has a new token */
	uint8_t token[TOKEN_OCTETS];
	enum claim_status status;
	uint32_t flags;	  /* enum claim_flag */
	int64_t since_at; /* of the status */
	struct check_state check[CHECK_N];
	struct function_state function[FUNCTION_N];
	/* as record_put_key writes them, one behind the other, since a key of
	 * usual size is half of the largest; mem_alloc, NULL if none */
	uint8_t *keys;
	uint16_t keys_len; /* octets */
	uint8_t keys_n;
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
	CLAIM_SAVE = 1 << 9,	      /* the state record must be written */
	CLAIM_SAY_FUNCTION = 1 << 11, /* function.changed */
	CLAIM_SAY_KEY = 1 << 12,      /* record.issued, of the key */
};

/* A claim that has not begun: CLAIM_RELEASED of generation 0. */
void claim_init(struct claim *c);

/* What became known of ownership, or was asked for. finding: for PASS, MISS,
 * PARTIAL and UNDECIDED, else NULL. RELEASE and a new generation switch the
 * functions off (CLAIM_SAY_FUNCTION: each one that was not off) and forget the
 * keys. Returns the set of enum claim_action. The step has happened when it
 * returns; ver is moved on by one if CLAIM_SAVE is in the result. Cannot fail.
 */
unsigned claim_step(struct claim *c, enum claim_event ev,
    const struct finding *finding, int64_t now, const struct policy *policy);
/* Which event a finding is, of any check. */
enum claim_event claim_event_of(const struct finding *f);
/* Remembers what a look found of one check: CLAIM_SAVE (and ver moves on), and
 * CLAIM_SAY_LOOK if that is news. "Could not ask" after "could not ask" is
 * none, whatever the reasons, and so it is of the further checks of one look:
 * a server that is down is told once. claim_step and function_step call it;
 * what has no status of its own (dmarc, a check that was asked without its
 * function) comes here directly. A PARTIAL
 * ends a row of misses, as a pass does. ev UNDECIDED of a definitive finding:
 * it is noted only, and counts neither way. */
unsigned claim_note(
    struct claim *c, const struct finding *f, enum claim_event ev, int64_t now);
/* The look that was noted last began at `at`. */
void claim_looked(struct claim *c, enum check check, int64_t at);
/* Were there misses enough, over time enough, to take a status away? */
bool claim_lapse_due(const struct claim *c, enum check check, int64_t now,
    const struct policy *policy);
/* "" if there is nothing. */
const char *claim_saw(const struct claim *c, enum check check);
/* The i-th of its keys, i < keys_n. */
void claim_key_get(const struct claim *c, size_t i, struct claim_key *out);
/* Takes a key in as the present one; the one before stays among the known, and
 * what was seen of it counts no more. The present one again: no change, *todo
 * is 0; else CLAIM_SAVE and CLAIM_SAY_KEY. False, and nothing has changed:
 * memory is out. */
bool claim_key_set(struct claim *c, const char *selector,
    const struct dkim_public *key, unsigned *todo) MUST_USE;
/* It is the one that is to be published and looked for. */
bool claim_key_is_present(
    const struct claim *c, const char *selector, const struct dkim_public *key);
/* The selector names another key of this claim already. */
bool claim_selector_used(
    const struct claim *c, const char *selector, const struct dkim_public *key);
/* Frees what it points to: what each check saw, keys, tail. */
void claim_free(struct claim *c);

/* grey: nothing asked for. amber: a job is open, lapsing, waiting or undecided.
 * green: verified, and every function that is switched on is active; a look
 * that could not be made does not change that. red: without an open job only.
 */
enum shield claim_shield(const struct claim *c, bool job_open);

const char *claim_status_name(enum claim_status s); /* "verified" */
const char *shield_name(enum shield s);
