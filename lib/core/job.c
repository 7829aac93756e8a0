/* SPDX-License-Identifier: Apache-2.0 */
#include "core/job.h"

#include <string.h>

#define OWNERSHIP_BIT (1u << CHECK_OWNERSHIP)

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

enum code
job_judge(const struct job_request *r, const struct domain_facts *facts,
    const struct policy *policy)
{
	if (!org_allowed(r->org, policy))
		return CODE_UNKNOWN_ORG;
	if (r->deadline_ms > policy->deadline_max_ms)
		return CODE_BAD_DEADLINE;
	if (r->kind == JOB_CLAIM || r->kind == JOB_VERIFY)
		return judge_domain(r, facts, policy);
	return r->kind == JOB_KIND_N ? CODE_UNKNOWN_KIND : CODE_NONE;
}

void
job_open(struct job *j, const struct job_request *r, enum lane lane,
    int64_t now, uint32_t seed, const struct policy *policy)
{
	int64_t deadline =
	    r->deadline_ms < 0 ? policy->deadline_max_ms : r->deadline_ms;

	*j = (struct job){
	    .ver = 1,
	    .kind = r->kind,
	    .lane = lane,
	    .checks = r->checks == 0 ? OWNERSHIP_BIT : r->checks,
	    .body_hash = r->body_hash,
	    .seed = seed,
	    .accepted_at = now,
	    .deadline_at = now + deadline,
	    .due_at = now,
	    .verdict = VERDICT_UNDECIDED,
	};
	memcpy(j->ref, r->ref, sizeof(j->ref));
}

/* How a job ends whose only or last look did not pass. */
static enum job_outcome
missed(const struct job *j)
{
	if (j->deadline_at > j->accepted_at)
		return END_EXPIRED;
	return j->verdict == VERDICT_UNDECIDED ? END_UNDECIDED : END_FAILED;
}

enum job_outcome
job_look(struct job *j, const struct finding *f, int64_t look_at,
    const struct policy *policy)
{
	j->looks++;
	j->ver++;
	j->verdict = f->verdict;
	j->code = f->code;
	if (f->verdict == VERDICT_PASS)
		return END_VERIFIED;
	j->due_at = backoff_at(&policy->backoff, j->looks, look_at,
	    j->deadline_at, policy->authoritative ? 0 : f->neg_ttl_s, j->seed);
	return j->due_at == BACKOFF_NEVER ? missed(j) : END_OPEN;
}

const char *
job_kind_name(enum job_kind k)
{
	static const char *const name[] = {
	    [JOB_CLAIM] = "claim",
	    [JOB_VERIFY] = "verify",
	    [JOB_CANCEL] = "cancel",
	    [JOB_RELEASE] = "release",
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
