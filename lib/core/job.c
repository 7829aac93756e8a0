/* SPDX-License-Identifier: Apache-2.0 */
#include "core/job.h"

#include "core/mem.h"

#include <string.h>

#define OWNERSHIP_BIT (1u << CHECK_OWNERSHIP)
#define DMARC_BIT     (1u << CHECK_DMARC)
#define SPF_BIT	      (1u << CHECK_SPF)
#define DKIM_BIT      (1u << CHECK_DKIM)

static bool
org_allowed(const char *org, const struct policy *policy)
{
	for (size_t i = 0; i < policy->organisations_n; i++)
		if (strcmp(org, policy->organisations[i]) == 0)
			return true;
	return policy->organisations_n == 0;
}

static bool
listed(const struct names *set, const struct job_request *r,
    const struct domain_facts *facts)
{
	return names_has(set, r->domain) || names_has(set, facts->registrable);
}

/* Is there room for the record's name in front of the domain? */
static bool
has_room(const char *domain, const struct policy *policy)
{
	struct dname name, record;

	return dname_from_text(&name, domain, NULL) == DNAME_OK &&
	       ownership_name(&record, policy->service, &name);
}

static enum code
judge_domain(const struct job_request *r, const struct domain_facts *facts,
    const struct policy *policy)
{
	if (!has_room(r->domain, policy))
		return CODE_BAD_DOMAIN;
	if (facts->public_suffix)
		return CODE_PUBLIC_SUFFIX;
	if (facts->private_suffix &&
	    policy->private_suffix == PRIVATE_SUFFIX_REFUSE)
		return CODE_PUBLIC_SUFFIX;
	if (listed(policy->public_domains, r, facts))
		return CODE_PUBLIC_MAIL_DOMAIN;
	if (listed(policy->refused_domains, r, facts))
		return CODE_REFUSED_DOMAIN;
	return CODE_NONE;
}

/* A key made elsewhere: our mail is signed with it, so that it must be one
 * that every receiver takes for good (RFC 8301 section 3.2). */
static enum code
judge_key(const struct job_request *r, const struct policy *policy)
{
	struct dname name, record;

	if (policy->key_import == KEY_IMPORT_REFUSE)
		return CODE_BAD_KEY;
	if (r->key.type == DKIM_RSA && r->key.bits < DKIM_BITS_GOOD)
		return CODE_BAD_KEY;
	if (!dkim_selector_ok(r->selector))
		return CODE_BAD_JOB;
	if (dname_from_text(&name, r->domain, NULL) != DNAME_OK ||
	    !dkim_name(&record, r->selector, &name))
		return CODE_BAD_DOMAIN;
	return CODE_NONE;
}

/* What a request says besides its domain. */
static enum code
judge_wish(const struct job_request *r, const struct policy *policy)
{
	if (r->kind == JOB_CLAIM && r->selector[0] != '\0')
		return judge_key(r, policy);
	if (r->functions == 0 &&
	    (r->kind == JOB_ACTIVATE || r->kind == JOB_DEACTIVATE))
		return CODE_BAD_JOB;
	if ((r->checks & SPF_BIT) != 0 && policy->spf_include[0] == '\0')
		return CODE_BAD_JOB;
	return CODE_NONE;
}

/* These begin something; the others only end it, or look. */
static bool
begins(enum job_kind kind)
{
	return kind == JOB_CLAIM || kind == JOB_VERIFY || kind == JOB_ACTIVATE;
}

enum code
job_judge(const struct job_request *r, const struct domain_facts *facts,
    const struct policy *policy)
{
	enum code code = CODE_NONE;

	if (!org_allowed(r->org, policy))
		return CODE_UNKNOWN_ORG;
	if (r->deadline_ms > policy->deadline_max_ms)
		return CODE_BAD_DEADLINE;
	if (r->kind == JOB_KIND_N)
		return CODE_UNKNOWN_KIND;
	if (begins(r->kind))
		code = judge_domain(r, facts, policy);
	return code == CODE_NONE ? judge_wish(r, policy) : code;
}

/* The checks of these functions, and dmarc's advice beside them. */
static uint32_t
checks_for(uint32_t functions)
{
	uint32_t checks = 0;

	for (int fn = 0; fn < FUNCTION_N; fn++)
		if ((functions & (1u << fn)) != 0)
			checks |= 1u << function_check((enum function)fn);
	return checks == 0 ? 0 : checks | DMARC_BIT;
}

static uint32_t
wanted_functions(const struct claim *claim)
{
	uint32_t functions = 0;

	for (int fn = 0; fn < FUNCTION_N; fn++)
		if (function_wanted(claim, (enum function)fn))
			functions |= 1u << fn;
	return functions;
}

/* What a job has to look at. Nothing is switched on for a domain that is not
 * proven, so that whoever switches on looks at ownership too. */
static uint32_t
checks_of(const struct job_request *r, const struct claim *claim)
{
	uint32_t checks = r->checks;

	if (checks == 0 && r->kind == JOB_VERIFY)
		checks = OWNERSHIP_BIT |
			 checks_for(r->functions | wanted_functions(claim));
	if (checks == 0)
		checks = checks_for(r->functions);
	if (r->functions != 0)
		checks |= checks_for(r->functions) & (SPF_BIT | DKIM_BIT);
	if (r->functions != 0 && claim->status != CLAIM_VERIFIED)
		checks |= OWNERSHIP_BIT;
	return checks;
}

bool
job_open(struct job *j, const struct job_request *r, enum lane lane,
    int64_t now, uint32_t seed, const struct claim *claim,
    const struct policy *policy)
{
	size_t ref_len = strlen(r->ref);
	int64_t deadline =
	    r->deadline_ms < 0 ? policy->deadline_max_ms : r->deadline_ms;

	*j = (struct job){
	    .ver = 1,
	    .kind = r->kind,
	    .lane = lane,
	    .checks = (uint8_t)checks_of(r, claim),
	    .then = (uint8_t)r->functions,
	    .body_hash = r->body_hash,
	    .seed = seed,
	    .accepted_at = now,
	    .deadline_at = now + deadline,
	    .due_at = now,
	};
	memset(j->verdict, VERDICT_UNDECIDED, sizeof(j->verdict));
	if (ref_len == 0)
		return true;
	j->ref = mem_alloc(ref_len + 1);
	if (j->ref == NULL)
		return false;
	memcpy(j->ref, r->ref, ref_len + 1);
	return true;
}

void
job_free(struct job *j)
{
	mem_free(j->ref);
	j->ref = NULL;
	mem_free(j->tail);
	j->tail = NULL;
	j->tail_len = 0;
}

/* What has to be right when these are switched on: it is asked to the end, as
 * it may be gone before the rest is right. */
static uint32_t
checks_then(const struct job *j)
{
	return checks_for(j->then) & (SPF_BIT | DKIM_BIT);
}

uint32_t
job_wants(const struct job *j)
{
	return j->checks & ~(uint32_t)(j->passed & ~checks_then(j));
}

/* What holds the result back: advice does not, unless it is all that was asked
 * for, and then any answer is one. */
static uint32_t
unproven(const struct job *j)
{
	if (j->checks != DMARC_BIT)
		return j->checks & ~(uint32_t)j->passed & ~DMARC_BIT;
	return j->verdict[CHECK_DMARC] == VERDICT_UNDECIDED ? DMARC_BIT : 0;
}

bool
job_proven(const struct job *j, const struct claim *claim)
{
	for (int fn = 0; fn < FUNCTION_N; fn++)
		if ((j->then & (1u << fn)) != 0 &&
		    claim->function[fn].status != FUNCTION_ACTIVE)
			return false;
	return unproven(j) == 0;
}

void
job_forget(struct job *j, enum check check)
{
	j->passed &= (uint8_t) ~(1u << check);
	j->verdict[check] = VERDICT_UNDECIDED;
	j->code[check] = CODE_NONE;
	j->ver++;
}

bool
job_check(struct job *j, const struct finding *f)
{
	uint32_t bit = 1u << f->check;

	if ((job_wants(j) & bit) == 0)
		return false;
	if ((j->passed & bit) != 0 && f->verdict == VERDICT_UNDECIDED)
		return false;
	j->verdict[f->check] = (uint8_t)f->verdict;
	j->code[f->check] = (uint8_t)f->code;
	j->passed &= (uint8_t)~bit;
	if (f->verdict == VERDICT_PASS)
		j->passed |= (uint8_t)bit;
	j->ver++;
	return true;
}

/* How a job ends whose only or last look did not pass. */
static enum job_outcome
missed(const struct job *j)
{
	uint32_t left = unproven(j);

	if (j->deadline_at > j->accepted_at)
		return END_EXPIRED;
	if (left == 0) /* proven, but it may not be switched on now */
		return END_FAILED;
	for (size_t i = 0; i < CHECK_N; i++)
		if ((left & (1u << i)) != 0 &&
		    j->verdict[i] != VERDICT_UNDECIDED)
			return END_FAILED;
	return END_UNDECIDED;
}

enum job_outcome
job_look(struct job *j, const struct claim *claim, int64_t look_at,
    uint32_t neg_ttl_s, const struct policy *policy)
{
	j->looks++;
	j->ver++;
	if (job_proven(j, claim))
		return END_VERIFIED;
	j->due_at = backoff_at(&policy->backoff, j->looks, look_at,
	    j->deadline_at, policy->authoritative ? 0 : neg_ttl_s, j->seed);
	return j->due_at == BACKOFF_NEVER ? missed(j) : END_OPEN;
}

enum code
job_code(const struct job *j)
{
	uint32_t left = unproven(j);
	uint32_t told =
	    j->checks == DMARC_BIT ? DMARC_BIT : j->checks & ~DMARC_BIT;

	if (left != 0)
		told = left;
	for (size_t i = 0; i < CHECK_N; i++)
		if ((told & (1u << i)) != 0 &&
		    (left != 0 || j->code[i] != CODE_NONE))
			return (enum code)j->code[i];
	return CODE_NONE;
}

const char *
job_kind_name(enum job_kind k)
{
	static const char *const name[] = {
	    [JOB_CLAIM] = "claim",
	    [JOB_VERIFY] = "verify",
	    [JOB_CANCEL] = "cancel",
	    [JOB_RELEASE] = "release",
	    [JOB_ACTIVATE] = "activate",
	    [JOB_DEACTIVATE] = "deactivate",
	    [JOB_RECHECK] = "recheck",
	    [JOB_WATCH] = "watch",
	    [JOB_KIND_N] = "unknown",
	};

	return name[k];
}

enum job_kind
job_kind_parse(const char *name, size_t len)
{
	for (int k = 0; k < JOB_KIND_N; k++) {
		const char *want = job_kind_name((enum job_kind)k);

		if (strlen(want) == len && memcmp(want, name, len) == 0)
			return (enum job_kind)k;
	}
	return JOB_KIND_N;
}

const char *
job_outcome_name(enum job_outcome o)
{
	static const char *const name[] = {
	    [END_OPEN] = "open",
	    [END_VERIFIED] = "verified",
	    [END_EXPIRED] = "expired",
	    [END_FAILED] = "failed",
	    [END_UNDECIDED] = "undecided",
	    [END_REJECTED] = "rejected",
	    [END_CANCELLED] = "cancelled",
	    [END_JOINED] = "joined",
	    [END_DONE] = "done",
	    [END_N] = "unknown",
	};

	return name[o];
}

const char *
lane_name(enum lane l)
{
	static const char *const name[] = {
	    [LANE_JOBS] = "jobs",
	    [LANE_BULK] = "bulk",
	    [LANE_CONTROL] = "control",
	    [LANE_N] = "none",
	};

	return name[l];
}
