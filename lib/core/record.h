/* SPDX-License-Identifier: Apache-2.0 */
/* State and seen records: structs <-> bytes, and the keys they are stored
 * under. Format: a version byte, then fields in a fixed order, big-endian; new
 * fields are only ever appended; bytes behind the fields this version knows
 * are kept in `tail` and written back. tests/unit/golden/ holds a file a
 * release. All times are the broker's, in ms. Pure. */
#pragma once
#include "core/bytes.h"
#include "core/job.h"

#define RECORD_VERSION 1
#define RECORD_MAX     4096 /* octets of one claim or job record */
/* "job/" org "/" domain "/" id */
#define RECORD_KEY_MAX (4 + ORG_MAX + 1 + DNAME_TEXT_MAX + 1 + JOB_ID_MAX)
#define SEEN_OCTETS    21 /* digest 16, body hash 4, kind 1 */
#define GROUP_MAX      64 /* octets of a pool's name */
#define RECORD_POS_MAX 95 /* of a pos record as it is written */

struct record_pos {
	int32_t partitions;   /* of every topic, when it was written */
	int64_t next[LANE_N]; /* offset of the next job of each lane, -1 =
			       * none is known */
	/* the group whose positions these are; "" = written by a release that
	 * did not say */
	char group[GROUP_MAX + 1];
};

enum record_kind { RECORD_CLAIM, RECORD_JOB, RECORD_POS, RECORD_UNKNOWN };

/* Keys; out holds RECORD_KEY_MAX + 1; the length is returned. The key of
 * `pos` is "pos". The parts are no longer than their maxima and hold no '/'.
 * record_key_parse splits a key into its parts, each NUL-terminated; parts that
 * the kind has not are "". What is not a key of ours is RECORD_UNKNOWN. */
size_t record_claim_key(char *out, const char *org, const char *domain);
size_t record_job_key(
    char *out, const char *org, const char *domain, const char *id);
struct record_key {
	enum record_kind kind;
	char org[ORG_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1];
	char id[JOB_ID_MAX + 1];
};
void record_key_parse(struct record_key *out, const void *key, size_t len);

/* Writers set w->bad when the buffer is too small; RECORD_MAX is enough.
 * Readers return REJECT for bytes that are no such record (an enum value that
 * only a newer version knows included), RETRY when memory is out. With OK *out
 * owns memory: claim_free, job_free; otherwise there is nothing to free. */
void record_put_claim(struct writer *w, const struct claim *c);
enum next record_get_claim(
    struct claim *out, const void *bytes, size_t len, struct err *e) MUST_USE;
void record_put_job(struct writer *w, const struct job *j);
enum next record_get_job(
    struct job *out, const void *bytes, size_t len, struct err *e) MUST_USE;
/* A key, as it stands in a claim's record and in frames. Its bytes are not
 * looked into: they were read as a key before. */
void record_put_key(struct writer *w, const struct claim_key *k);
void record_get_key(struct reader *r, struct claim_key *k);
void record_put_pos(struct writer *w, const struct record_pos *pos);
enum next record_get_pos(struct record_pos *out, const void *bytes, size_t len,
    struct err *e) MUST_USE;
/* The header `end` of a job's tombstone. */
void record_put_end(struct writer *w, const struct job_end *end);
enum next record_get_end(
    struct job_end *out, const void *bytes, size_t len, struct err *e) MUST_USE;
