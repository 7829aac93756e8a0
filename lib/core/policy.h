/* SPDX-License-Identifier: Apache-2.0 */
/* What is right for this service, decided by its operators, never by callers.
 * Filled by io/conf from the policy file; a value that never changes while a
 * process lives. */
#pragma once
#include "core/backoff.h"
#include "core/names.h"

#define ORG_MAX		  64
#define JOB_ID_MAX	  64
#define SERVICE_MAX	  32
#define ORGANISATIONS_MAX 256

enum apex { APEX_ACCEPT, APEX_REFUSE };
enum private_suffix { PRIVATE_SUFFIX_ALLOW, PRIVATE_SUFFIX_REFUSE };

struct policy {
	char version[17]; /* hex of a digest of the file, in every result */
	char service[SERVICE_MAX + 1]; /* label _<service>-challenge */
	char support[256]; /* address or URL shown to customers, may be "" */
	char help_url[256];
	enum apex apex;
	enum private_suffix private_suffix;
	const struct names *public_domains; /* NULL = none */
	const struct names *refused_domains;
	size_t organisations_n; /* 0 = every organisation may post */
	char organisations[ORGANISATIONS_MAX][ORG_MAX + 1];
	int64_t deadline_max_ms; /* also the default deadline */
	struct backoff backoff;
	int64_t lapse_ms; /* verified -> lapsed: misses over at least this, */
	unsigned lapse_looks; /* and from at least so many looks */
	bool authoritative;   /* settings: servers may be asked past caches */
	int64_t dedupe_ms;    /* a finished identity is known for so long */
};

/* Is every value within its bounds, and do they fit each other? */
enum next policy_check(const struct policy *p, struct err *e) MUST_USE;
