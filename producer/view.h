/* SPDX-License-Identifier: Apache-2.0 */
/* What Redis says of a claim or a job, and how that is shown: a row, the
 * explanation, or one JSON object. */
#pragma once
#include "io/document.h"
#include "io/redis.h"
#include "producer/command.h"
#include "producer/show.h"

#define VIEW_WORD_MAX 40

struct claim_view {
	char org[ORG_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1];
	char status[VIEW_WORD_MAX + 1]; /* "" = there is no such claim */
	char shield[VIEW_WORD_MAX + 1];
	char code[VIEW_WORD_MAX + 1];
	char assurance[VIEW_WORD_MAX + 1];
	char job[JOB_ID_MAX + 1]; /* the open one, "" = none */
	int64_t since_ms, look_ms, next_ms, deadline_ms;
	struct document *doc; /* NULL = none that can be read */
};

struct job_view {
	char org[ORG_MAX + 1];
	char id[JOB_ID_MAX + 1];
	char domain[DNAME_TEXT_MAX + 1];
	char outcome[VIEW_WORD_MAX + 1]; /* "" = there is no such job */
	char code[VIEW_WORD_MAX + 1];
	int64_t looks, next_ms, deadline_ms;
	struct document *doc;
};

/* RETRY: Redis cannot be asked, or has not everything yet and lacks this one,
 * which then means nothing. OK with an empty status or outcome: unknown. What
 * was read is freed by the _free, also after a failure. */
enum next view_claim(struct redis *r, const char *org, const char *domain,
    struct claim_view *v, struct err *e) MUST_USE;
void view_claim_free(struct claim_view *v);
/* The domain, of some of the organisation's others, whose token this is; false
 * if it is none's. out holds DNAME_TEXT_MAX + 1. */
bool view_token_of(
    struct redis *r, const char *org, const char *token, char *out) MUST_USE;
/* domain "" = of whichever domain; else a job of another one is unknown. */
enum next view_job(struct redis *r, const char *org, const char *id,
    const char *domain, struct job_view *v, struct err *e) MUST_USE;
void view_job_free(struct job_view *v);

/* Good: ownership is proven, and every function that was asked for is on. */
enum exit_word view_claim_exit(const struct claim_view *v);
bool view_claim_proven(const struct claim_view *v); /* ownership */
enum exit_word view_job_exit(const struct job_view *v);
bool view_job_ended(const struct job_view *v);
bool view_claim_settled(const struct claim_view *v); /* known, no open job */

/* A row each; the sentences behind it if explained. */
enum explain { EXPLAIN_NOT, EXPLAIN };
void view_claim_row(FILE *f, const struct claim_view *v, enum explain how);
void view_claim_sentences(FILE *f, const struct claim_view *v);
void view_job_row(FILE *f, const struct job_view *v);
/* Why it was rejected, else what its claim (NULL = not known) says. */
void view_job_sentences(
    FILE *f, const struct job_view *v, const struct claim_view *claim);
/* {domain,org,exit,status,shield,checks,record,job,age_s}; what is NULL is left
 * out, but for the job, which a claim brings along. */
void view_json(FILE *f, const char *domain, const char *org,
    const struct claim_view *claim, const struct job_view *job,
    enum exit_word code);
