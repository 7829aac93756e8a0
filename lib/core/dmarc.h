/* SPDX-License-Identifier: Apache-2.0 */
/* DMARC for one author domain: which policy record applies (RFC 9989 sections
 * 4.7 to 4.10), whether our mail would align with it (section 4.4), whether
 * foreign receivers of its reports agreed (RFC 9990 section 4, RFC 9991
 * section 5), and what to do next. A stepper without I/O; all memory comes
 * from the arena. Advice: it never holds a result back.
 *
 * QUICK: the policy that applies and what its text says. One question where
 * the domain has a record of its own; otherwise the walk, at most 8. Alignment
 * and consent are told as far as no further question is needed.
 * FULL: also the organisational domain, both alignments and every consent. */
#pragma once
#include "core/dmarc_record.h"
#include "core/verdict.h"

#define DMARC_ASK_MAX	 18 /* questions wanted at once */
#define DMARC_ROUNDS_MAX 26 /* steps at most */

enum dmarc_mode { DMARC_QUICK, DMARC_FULL };

/* Does the author domain exist (section 3.2.13: no NXDOMAIN for its name)? It
 * decides between sp and np; asked for (A of the name) only if they differ. */
enum dmarc_exists { DMARC_EXISTS_ASK, DMARC_EXISTS_YES, DMARC_EXISTS_NO };

/* Must outlive the evaluation. */
struct dmarc_query {
	struct dname domain; /* of the author: the right of From: */
	enum dmarc_exists exists;
	bool has_dkim;
	struct dname dkim_d; /* d= of our signatures */
	bool has_mail_from;
	struct dname mail_from; /* domain of our envelope sender */
	enum dmarc_mode mode;
};

enum dmarc_align {
	DMARC_ALIGN_UNKNOWN, /* no such identifier, not asked, or no answer */
	DMARC_ALIGN_YES,
	DMARC_ALIGN_NO,
};

enum dmarc_consent {
	DMARC_CONSENT_UNKNOWN, /* not asked, or no answer */
	DMARC_CONSENT_OWN,     /* same organisational domain: none needed */
	DMARC_CONSENT_YES,
	DMARC_CONSENT_NO, /* reports to it are not sent */
};

struct dmarc_report {
	const uint8_t *uri; /* as published, "!size" cut off; arena */
	uint16_t len;
	uint16_t at;	   /* octet of it in the record */
	bool mail;	   /* mailto: with a usable domain, else false */
	struct dname host; /* the domain, if mail */
	enum dmarc_consent consent;
};

struct dmarc_verdict {
	bool found; /* a record applies */
	/* where it stands, without `_dmarc.`: the author domain, its
	 * organisational domain or its public suffix; only if found */
	struct dname record_domain;
	enum dmarc_policy policy;   /* as published for this domain */
	enum dmarc_policy enforced; /* t=y: one level weaker */
	enum dmarc_tag policy_tag;  /* P, SP or NP; TAG_N: of none */
	enum dmarc_psd psd;
	bool t; /* t=y */
	bool adkim_strict, aspf_strict;
	unsigned removed;		      /* enum dmarc_removed */
	size_t rua_n, ruf_n;		      /* <= DMARC_URIS_MAX */
	const struct dmarc_report *rua, *ruf; /* arena */
	bool has_org; /* the organisational domain is known */
	struct dname org;
	enum dmarc_align dkim, spf;
	unsigned asked; /* questions for policy records */
	/* The record that judged.mark and judged.txt speak of, as published
	 * (a copy in the arena; NULL: none), and where: `_dmarc.` of this. */
	const uint8_t *record;
	size_t record_len;
	struct dname judged_domain;
	/* pass: a usable record applies. See dmarc_judge in core/dmarc.c for
	 * the order of the codes. publish is for `_dmarc.` of judged_domain. */
	struct judged judged;
};

enum dmarc_next { DMARC_ASK, DMARC_DONE };

struct dmarc; /* private, in the arena */

/* NULL when the arena has no room. One that runs full later ends the
 * evaluation as undecided. */
struct dmarc *dmarc_begin(const struct dmarc_query *q, struct arena *a);
/* This record stands for all at `_dmarc.DOMAIN` (before the first step). */
void dmarc_assume(struct dmarc *d, const void *bytes, size_t len);
/* got: the answers to dmarc_asks of the step before, in its order; the first
 * time got_n is 0. Answers need to live only during the call. After DMARC_DONE
 * it stays DMARC_DONE. The first question is TXT of `_dmarc.DOMAIN`, alone. */
enum dmarc_next dmarc_step(
    struct dmarc *d, const struct answer *got, size_t got_n);
const struct question *dmarc_asks(const struct dmarc *d, size_t *n);
/* Time is over: DMARC_DONE with what is known, undecided without a policy. */
void dmarc_expire(struct dmarc *d);
/* Valid after DMARC_DONE, as long as the arena. */
const struct dmarc_verdict *dmarc_verdict(const struct dmarc *d);

/* "_dmarc." and domain; false if that is too long for a name. */
bool dmarc_name(struct dname *out, const struct dname *domain) MUST_USE;
