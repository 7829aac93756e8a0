/* SPDX-License-Identifier: Apache-2.0 */
/* What is right for this service, decided by its operators, never by callers.
 * Filled by io/conf from the policy file; a value that never changes while a
 * process lives. */
#pragma once
#include "core/backoff.h"
#include "core/names.h"
#include "core/packet.h"

#define ORG_MAX		  64
#define JOB_ID_MAX	  64
#define SERVICE_MAX	  32
#define ORGANISATIONS_MAX 256
#define MAILBOX_MAX	  254 /* RFC 5321 4.5.3.1.3, without <> */
#define SPF_ADDRESSES_MAX 8

enum apex { APEX_ACCEPT, APEX_REFUSE };
enum private_suffix { PRIVATE_SUFFIX_ALLOW, PRIVATE_SUFFIX_REFUSE };
/* Whose domain is in the envelope sender (MAIL FROM) of our mail? */
enum envelope_from { ENVELOPE_CUSTOMER, ENVELOPE_OURS };
/* spf switched on without dkim: said, or refused. */
enum dkim_required { DKIM_REQUIRED_WARN, DKIM_REQUIRED_REFUSE };
/* Keys made elsewhere, brought by claim jobs. */
enum key_import { KEY_IMPORT_ACCEPT, KEY_IMPORT_REFUSE };

struct policy {
	char version[17]; /* hex of a digest of the file, in every result */
	char service[SERVICE_MAX + 1]; /* label _<service>-challenge */
	char support[256]; /* address or URL shown to customers, may be "" */
	char help_url[256];
	enum apex apex;
	enum private_suffix private_suffix;
	/* SPF: the name that customers include, "" = this service has none */
	char spf_include[DNAME_TEXT_MAX + 1];
	/* we send from these; none: found by following the include */
	size_t spf_addresses_n;
	struct packet_addr spf_addresses[SPF_ADDRESSES_MAX];
	enum envelope_from envelope_from;
	char default_sender[MAILBOX_MAX + 1]; /* "" = not said */
	enum dkim_required dkim_required;
	enum key_import key_import;
	const struct names *public_domains; /* NULL = none */
	const struct names *refused_domains;
	size_t organisations_n; /* 0 = every organisation may post */
	char organisations[ORGANISATIONS_MAX][ORG_MAX + 1];
	int64_t deadline_max_ms; /* also the default deadline */
	struct backoff backoff;
	int64_t lapse_ms; /* verified -> lapsed: misses over at least this, */
	unsigned lapse_looks;	/* and from at least so many looks */
	int64_t recheck_ms;	/* between looks at what is proven, 0 = none */
	int64_t watch_gap_ms;	/* between looks while somebody watches */
	int64_t watch_ms;	/* so long after the last word of a watcher */
	unsigned guard_percent; /* core/guard.h; 0 = off */
	unsigned guard_looks;
	bool authoritative; /* settings: servers may be asked past caches */
	int64_t dedupe_ms;  /* a finished identity is known for so long */
};

/* Is every value within its bounds, and do they fit each other? */
enum next policy_check(const struct policy *p, struct err *e) MUST_USE;
/* The domain in the envelope sender of mail that goes out as `domain`: itself,
 * or that of our default sender. False: it is not known. */
bool policy_mail_from(struct dname *out, const struct policy *p,
    const struct dname *domain) MUST_USE;
