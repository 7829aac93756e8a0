/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: bytes <-> structs of the core. A hand-written scanner for jobs and
 * writers for what we send: no library, no allocation, any thread. Jobs,
 * results and events are CloudEvents 1.0 JSON in structured mode; schemas/ is
 * their definition. Every text is escaped, bytes that are no UTF-8 included. */
#pragma once
#include "core/job.h"
#include "core/json.h"
#include "core/wire.h"

#define MESSAGE_JOB_MAX	  16384 /* octets of a job, after the fetch */
#define MESSAGE_DEPTH_MAX 8
#define MESSAGE_OUT_MAX	  131072 /* no message of ours is longer */

/* What could be read of a job, also when it is not one. */
struct message_job {
	struct job_request request; /* domain: as sent, up to its maximum; to
				     * be made canonical by io/idna.h */
	size_t domain_len;	    /* of request.domain before it was cut */
	enum code code;		    /* CODE_NONE, or why it is refused */
	bool json;		    /* it is JSON, whatever it says */
	bool identified; /* org, domain and id were readable, also when what
			  * follows them is not: it can be answered with
			  * `rejected` */
	char why[160];	 /* what is wrong and where, one printable line */
};

/* Reads one job. BAD_JOB: no JSON, too long, too deep, doubled keys, NUL, bad
 * UTF-8, missing or wrong fields; BAD_DOMAIN: longer than request.domain, one
 * final dot not counted; UNKNOWN_KIND; BAD_DEADLINE (not an integer of seconds
 * >= 0; the upper bound is job_judge's); BAD_KEY (a claim's `public_key` is
 * none; whether it is good enough is job_judge's). Of several the first one of
 * these. What is not for the job's kind is judged and then left out. Members of
 * the envelope that we do not know are ignored, members of `data` too.
 * body_hash is not set: message_body_hash, after the domain is canonical.
 */
void message_job_read(const void *bytes, size_t len, struct message_job *out);
uint32_t message_body_hash(const struct job_request *r);
/* The job message for a request (what producers post); a writer as below.
 * source: CloudEvents source. */
size_t message_job_write(char *out, size_t cap, const struct job_request *r,
    const char *source, int64_t wall_ms);

/* Writers. Each returns the length of what it wrote, 0 when it does not fit
 * (out is then ""), and ends it with a NUL that is not counted. cap >= 1. */
struct message_who {		       /* whose message */
	const char *org, *domain, *id; /* id "" = none */
};

/* findings: one pointer a check, NULL where none was found in this process;
 * of the checks in `checks` those are told as the claim remembers them. claim
 * NULL: rejected before there was one. */
size_t message_result(char *out, size_t cap, const struct message_who *who,
    const struct job_end *end, enum lane lane, const struct claim *claim,
    uint32_t checks, const struct finding *const findings[CHECK_N],
    const char *why, const struct policy *policy);
/* What an event is about, beside the claim. */
struct message_news {
	const char *name;	/* "claim.verified" ... */
	unsigned n;		/* counts events of one ver */
	const char *was;	/* status before: of the claim or function */
	enum function function; /* FUNCTION_N: of the claim */
	const struct job *job;	/* NULL = none is open */
	const struct finding *finding; /* NULL: what the claim remembers */
	int64_t at;
};
size_t message_event(char *out, size_t cap, const struct message_who *who,
    const struct claim *claim, const struct message_news *news,
    const struct policy *policy);
/* job.rejected, job.dead, job.conflict: where it was found and why. */
size_t message_trouble(char *out, size_t cap, const char *name,
    const struct message_who *who, enum code code, const char *why,
    const char *topic, int32_t partition, int64_t offset, int64_t at);

/* The `doc` of the Redis hashes; job NULL: none is open; last NULL: none ended
 * that is known; next_at: of the next look, 0 = none. Times are RFC 3339. */
size_t message_claim_doc(char *out, size_t cap, const struct message_who *who,
    const struct claim *claim, const struct job *job, int64_t next_at,
    const struct policy *policy);
size_t message_job_doc(char *out, size_t cap, const struct message_who *who,
    const struct job *open, const struct job_end *end);

/* A finding as the JSON object {"verdict",...,"say","fix"} of results and of
 * the command's --json. */
void message_finding(
    struct writer *w, const char *domain, const struct finding *f, int64_t at);
/* Beside the writers of core/json.h: RFC 3339, null when 0. */
void json_time(struct writer *w, int64_t wall_ms);
void json_key_time(struct writer *w, const char *name, int64_t wall_ms);
