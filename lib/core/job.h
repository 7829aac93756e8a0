/* SPDX-License-Identifier: Apache-2.0 */
/* A job: one request on a claim, which ends in exactly one result. Its shape
 * as posted, the judgement of a request, its state while open, and the state
 * machine: job_check, job_look. Pure; times are the broker's wall clock in ms.
 */
#pragma once
#include "core/function.h"

enum job_kind {
	JOB_CLAIM,    /* begin a claim and say what to publish; no DNS; brings a
		       * key made elsewhere along */
	JOB_VERIFY,   /* look until every asked check passes or the deadline */
	JOB_CANCEL,   /* ends the open job named by target */
	JOB_RELEASE,  /* gives the domain up */
	JOB_ACTIVATE, /* verify with these functions, then switch them on */
	JOB_DEACTIVATE, /* switches functions off, at once */
	JOB_RECHECK,	/* look now at what is on or open; done when begun */
	JOB_WATCH,	/* somebody is watching: look often for a while */
	JOB_KIND_N,	/* unknown */
};

enum lane { LANE_JOBS, LANE_BULK, LANE_CONTROL, LANE_N };

enum job_outcome {
	END_OPEN, /* not ended */
	END_VERIFIED,
	END_EXPIRED,
	END_FAILED,    /* deadline 0: definitely not there */
	END_UNDECIDED, /* deadline 0: the DNS gave no answer */
	END_REJECTED,
	END_CANCELLED,
	END_JOINED, /* an equal request is open */
	END_DONE,   /* claim, cancel, release: carried out */
	END_N,
};

/* A job as read from its message; strings are checked for their alphabet by
 * the reader (io/message.h), the domain is canonical (io/idna.h). */
struct job_request {
	char org[ORG_MAX + 1];
	char id[JOB_ID_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1]; /* A-labels, lower case */
	enum job_kind kind;
	char target[JOB_ID_MAX + 1]; /* cancel: the job's id */
	char ref[JOB_ID_MAX + 1];    /* opaque to us, echoed in the result */
	uint32_t checks;	     /* bit per enum check; 0 = default */
	/* bit per enum function: verify and activate switch them on when
	 * proven, deactivate switches them off */
	uint32_t functions;
	/* claim: a key made elsewhere; selector "" = none */
	char selector[DKIM_SELECTOR_MAX + 1];
	struct dkim_public key;
	int64_t deadline_ms; /* -1 = policy's default */
	uint32_t body_hash;  /* of all the above but id and ref */
};

/* What the names door knows of a domain (io/idna.h). */
struct domain_facts {
	bool public_suffix;  /* ICANN section of the public suffix list */
	bool private_suffix; /* PRIVATE section */
	char registrable[DNAME_TEXT_MAX + 1]; /* "" if public_suffix; of a
					       * private one: of the ICANN
					       * suffix it is below */
};

/* CODE_NONE, or why the request is refused. What depends on the claim is
 * function_judge's and the caller's. */
enum code job_judge(const struct job_request *r,
    const struct domain_facts *facts, const struct policy *policy);

/* The part of an open job that goes into the state topic. */
struct job {
	uint64_t ver;
	enum job_kind kind : 8; /* millions of jobs may be open */
	enum lane lane : 8;
	uint8_t then;	/* bit per enum function: to be switched on */
	uint8_t checks; /* bit per enum check: what is asked for */
	/* of checks: settled, not looked at any more; but those of `then` are
	 * asked by every look, and the last answer counts */
	uint8_t passed;
	uint32_t body_hash;
	uint32_t seed; /* of its identity, for the backoff */
	int64_t accepted_at;
	int64_t deadline_at;
	int64_t due_at; /* next look */
	uint32_t looks;
	/* per check, of its last look; UNDECIDED before one */
	uint8_t verdict[CHECK_N]; /* enum verdict */
	uint8_t code[CHECK_N];	  /* enum code */
	uint16_t tail_len;	  /* as in struct claim */
	uint8_t *tail;
	char *ref; /* mem_alloc; NULL = none */
};

/* How a job ended: what its Redis hash and the header of its tombstone say. */
struct job_end {
	uint64_t ver;
	enum job_kind kind;
	enum job_outcome outcome;
	enum code code;
	uint32_t looks;
	int64_t accepted_at;
	int64_t deadline_at;
	int64_t settled_at;
	char joined[JOB_ID_MAX + 1]; /* JOINED: the open job's id */
	char ref[JOB_ID_MAX + 1];    /* of the request */
};

/* A verify or activate job as accepted at `now`; claim: what is on decides the
 * default checks (ownership, and the functions that are on or asked for, and
 * dmarc's advice beside any of them). False: memory is out. */
bool job_open(struct job *j, const struct job_request *r, enum lane lane,
    int64_t now, uint32_t seed, const struct claim *claim,
    const struct policy *policy) MUST_USE;

/* What a look of this job has to ask: asked for and not settled. */
uint32_t job_wants(const struct job *j);
/* One check of a look has ended: of the job's own look, or of any other look
 * at its claim that found the check right (only a pass counts then). False: it
 * changes nothing, for "could not ask" takes no answer back. */
bool job_check(struct job *j, const struct finding *f);
/* Nothing is left to prove, and what was to be switched on is on. dmarc holds
 * nothing back: but while its answer is still out of the same look, the result
 * may wait for it, so as to tell it. */
bool job_proven(const struct job *j, const struct claim *claim);
/* All checks of its own look that began at look_at have ended, or as many as
 * are needed. neg_ttl_s: the largest that was seen. Counts the look; returns
 * END_VERIFIED when it is proven, END_OPEN with due_at set, or how the job ends
 * otherwise. */
enum job_outcome job_look(struct job *j, const struct claim *claim,
    int64_t look_at, uint32_t neg_ttl_s, const struct policy *policy);
/* What was found of this check counts no more. */
void job_forget(struct job *j, enum check check);
/* The code that stands for the whole job: of the first check, in their order,
 * that is asked for and not settled; of the first remark otherwise. dmarc's
 * only when nothing else was asked for. */
enum code job_code(const struct job *j);
void job_free(struct job *j);

const char *job_kind_name(enum job_kind k);
enum job_kind job_kind_parse(const char *name, size_t len); /* JOB_KIND_N */
const char *job_outcome_name(enum job_outcome o);
const char *lane_name(enum lane l);
