/* SPDX-License-Identifier: Apache-2.0 */
/* What one check of one look found: a verdict of four values, the reason and
 * the evidence. pass, fail and none are definitive; undecided means that the
 * DNS gave no usable answer, and never changes a status. Values, no pointers:
 * a finding travels between processes and into results as it is. */
#pragma once
#include "core/packet.h"

enum check {
	CHECK_OWNERSHIP, /* the organisation controls the domain */
	CHECK_SPF,	 /* our servers may send for it (RFC 7208) */
	CHECK_DKIM,	 /* the key we sign with is published (RFC 6376) */
	CHECK_DMARC,	 /* advice (RFC 9989): never holds a result back */
	CHECK_N,
};

enum verdict {
	VERDICT_PASS,	   /* the record is right */
	VERDICT_FAIL,	   /* something is there, and it is not right (yet) */
	VERDICT_NONE,	   /* there is definitely nothing */
	VERDICT_UNDECIDED, /* could not ask */
	VERDICT_N,
};

/* One row each in core/diagnosis.c and in schemas/codes (the enum of the
 * schema files). New codes are appended: the numbers are stored. */
enum code {
	CODE_NONE, /* right, nothing to say */
	/* pass, with a remark */
	CODE_VIA_APEX, /* token at the domain itself, accepted as legacy */
	/* fail or none */
	CODE_NOT_PUBLISHED, /* no record at the name on any server */
	CODE_TOKEN_OTHER,   /* a token, but not this organisation's */
	CODE_AT_APEX,	    /* right value at the domain itself, not accepted */
	CODE_NAME_DOUBLED,  /* right value at NAME.DOMAIN */
	CODE_NS_DISAGREE,   /* some authoritative servers have it, some not */
	CODE_NEGATIVE_CACHED, /* published; the public view may still deny it */
	CODE_NO_DOMAIN,	      /* the domain itself does not exist */
	/* undecided */
	CODE_DNSSEC_BOGUS,
	CODE_SERVFAIL,
	CODE_REFUSED,
	CODE_TIMEOUT,
	CODE_LAME, /* servers that do not serve the zone */
	CODE_BAD_PACKET,
	CODE_CNAME_CHAIN, /* alias loop or more than 8 aliases */
	/* rejections of a job */
	CODE_BAD_JOB,
	CODE_BAD_DOMAIN,
	CODE_PUBLIC_SUFFIX,
	CODE_PUBLIC_MAIL_DOMAIN,
	CODE_REFUSED_DOMAIN,
	CODE_UNKNOWN_KIND,
	CODE_BAD_DEADLINE,
	CODE_UNKNOWN_ORG,
	CODE_POISON,
	CODE_RELEASED, /* the claim was given up while the job was open */
	/* fail: the right value at a wrong name */
	CODE_AT_BARE_SELECTOR, /* at SELECTOR.DOMAIN, SELECTOR, _domainkey */
	CODE_AT_PARENT,	       /* below the domain above */
	CODE_AT_SIBLING,       /* at the name without its underscore, at www */
	CODE_WRONG_ZONE, /* only at servers the domain is not delegated to */
	CODE_WRONG_NAME_REGISTERED, /* a host's name instead of the domain's */
	/* fail or none: a name that answers something else */
	CODE_WILDCARD_SHADOW, /* `*` answers here, and for any other name */
	CODE_CNAME_COEXISTS,  /* an alias at some servers, data at others */
	CODE_CNAME_FLATTENED, /* addresses where the alias should be */
	CODE_TARGET_DOUBLED,  /* an alias whose target got the zone appended */
	CODE_CNAME_AS_TXT,    /* a host name pasted into a TXT record */
	CODE_STALE_PAGE,      /* a token we issued for another domain */
	/* fail: how a value was stored */
	CODE_SPLIT_INTO_RRS, /* its parts are several records */
	CODE_DUP_RECORD,     /* more than one where one may be */
	CODE_QUOTES_INSIDE,
	CODE_SEMICOLON_ESCAPED, /* a backslash is part of the data */
	CODE_WHITESPACE,
	CODE_SMART_QUOTES, /* octets that are no ASCII */
	/* fail: DKIM keys */
	CODE_KEY_TRUNCATED,
	CODE_KEY_OTHER,	  /* another key, perhaps one we know */
	CODE_KEY_REVOKED, /* empty p= */
	CODE_KEY_TESTING, /* t=y */
	CODE_KEY_WEAK,
	CODE_KEY_INVALID, /* p= is no key */
	CODE_WRONG_TAG,	  /* v=, k=, h=, s= or t= forbid its use */
	/* fail: SPF */
	CODE_BARE_HOST_AS_SPF, /* our include's name without v=spf1 include: */
	CODE_SPF_NO_INCLUDE,   /* a record that does not name us at all */
	CODE_SPF_AFTER_ALL,    /* we stand behind `all` */
	CODE_SPF_NOT_PASS,     /* another term decides before ours */
	CODE_SPF_MULTIPLE,
	CODE_SPF_SYNTAX,
	CODE_SPF_OVER_10,
	CODE_SPF_VOID,		 /* more than 2 void lookups */
	CODE_SPF_INCLUDE_BROKEN, /* somebody's include has no usable record */
	/* undecided: it is our own record that is broken */
	CODE_SPF_TARGET_BROKEN,
	/* pass with a remark, or a remark beside another code */
	CODE_SPF_INDIRECT,     /* through somebody else's record */
	CODE_SPF_NEAR_LIMIT,   /* 9 or 10 lookups, or 2 void ones */
	CODE_SPF_PLUS_ALL,     /* everybody passes */
	CODE_SPF_WIDE_RANGE,   /* passes more than 65 536 addresses (/16) */
	CODE_DANGLING_INCLUDE, /* an include of a name that does not exist */
	/* DMARC: advice */
	CODE_DMARC_INVALID,
	CODE_DMARC_TAG_REMOVED, /* pct, rf, ri: gone since RFC 9989 */
	CODE_DMARC_NO_CONSENT,	/* reports to somebody who did not agree */
	CODE_DMARC_UNALIGNED,	/* our mail would not align */
	CODE_DMARC_LADDER,	/* right; a next step can be taken */
	/* rejections of a job */
	CODE_NOT_YOURS,	    /* this organisation does not hold the domain */
	CODE_DKIM_HELD,	    /* another organisation signs for it */
	CODE_DKIM_REQUIRED, /* policy: spf only together with dkim */
	CODE_NO_KEY,	    /* dkim asked for, and no key is known */
	CODE_BAD_KEY,
	CODE_SELECTOR_USED, /* names another key of this domain */
	CODE_ROTATION_OPEN, /* dkim is on with another key */
	CODE_N,
};

enum assurance {
	ASSURANCE_NONE,
	ASSURANCE_SINGLE, /* one validating resolver, zone not signed */
	ASSURANCE_QUORUM,
	ASSURANCE_DNSSEC, /* AD from a trusted resolver */
	ASSURANCE_MANUAL,
	ASSURANCE_N,
};

#define FOUND_MAX     4
#define FOUND_LEN_MAX 255 /* octets of evidence kept of one record */
#define SERVERS_MAX   16
#define SAW_MAX	      120 /* the variable part of the sentence */
/* saw of a TIMEOUT that is ours: the domain's budget of questions */
#define SAW_OVER_BUDGET "too many questions about this domain at the moment"
#define EXPECTED_MAX	800 /* a key record of 4096 bits */
#define PUBLISH_MAX	1000
#define ALSO_MAX	4
#define TREE_MAX	24
#define TERM_MAX	80
#define POLICY_WORD_MAX 10
#define NO_MARK		UINT16_MAX

struct found {
	uint8_t len;
	bool cut;		      /* the record was longer */
	uint8_t bytes[FOUND_LEN_MAX]; /* raw: escape before showing */
};

struct server_fact {
	char name[DNAME_TEXT_MAX + 1]; /* "" for a resolver */
	char addr[46];
	enum outcome outcome;
	bool has; /* the right record was in its answer */
	bool has_serial;
	uint32_t serial; /* of the zone, where the answer told it */
};

/* A row of the tree of an SPF evaluation, in the order of the record. */
struct spf_row {
	uint8_t depth;	 /* 0: the domain's own record */
	uint8_t lookups; /* of this term and all below it */
	bool is_void;	 /* its question found nothing (a void lookup) */
	bool unreached;	 /* stands behind `all` */
	char term[TERM_MAX + 1]; /* printable ASCII */
};

/* What an evaluator says of the records at a name. */
struct judged {
	enum verdict verdict;
	enum code code;
	/* remarks that change nothing, each once; with CODE_NONE `saw` is of
	 * the first */
	size_t also_n;
	enum code also[ALSO_MAX];
	size_t txt;    /* which record of the answer the code speaks of */
	uint16_t mark; /* octet in it where the fault begins, or NO_MARK */
	char saw[SAW_MAX + 1];	       /* as in struct finding */
	char publish[PUBLISH_MAX + 1]; /* as in struct finding */
};

struct finding {
	enum check check;
	enum verdict verdict;
	enum code code;
	enum assurance assurance;	/* of a pass */
	char name[DNAME_SHOWN_MAX + 1]; /* where the record must be */
	char expected[EXPECTED_MAX + 1];
	size_t found_n;
	struct found found[FOUND_MAX];
	size_t servers_n;
	struct server_fact servers[SERVERS_MAX];
	uint32_t neg_ttl_s;    /* of the zone; 0 = not seen */
	uint32_t visible_in_s; /* NEGATIVE_CACHED: at the latest after this */
	bool delegated;	       /* reached through a CNAME */
	uint16_t mark; /* octet of found[0] where the fault begins, or NO_MARK
			*/
	size_t also_n; /* remarks beside `code` that change nothing */
	enum code also[ALSO_MAX];
	/* the whole value to publish instead of what was found, "" = none */
	char publish[PUBLISH_MAX + 1];
	/* DMARC: "none", "quarantine", "reject" as published for the domain,
	 * "" when no record applies; and of which domain the record is. name
	 * is where the record stands that the code speaks of */
	char policy[POLICY_WORD_MAX + 1];
	char record_domain[DNAME_TEXT_MAX + 1];
	/* bits of enum check: by which our mail aligns with From, as far as
	 * that was asked */
	uint8_t aligned;
	/* SPF: what the whole record costs a receiver (RFC 7208 4.6.4) */
	bool has_cost;
	uint8_t lookups, voids;
	size_t tree_n;
	struct spf_row tree[TREE_MAX];
	/* printable ASCII: what the sentence quotes, e.g. the value seen or
	 * "1 of 2 servers has it; stale: ns-b.test (serial 7)" */
	char saw[SAW_MAX + 1];
};

/* Names as in schemas/ ("pass", "NOT_PUBLISHED", "dnssec", "ownership");
 * "" for CODE_NONE and ASSURANCE_NONE. _parse returns _N when unknown. */
const char *check_name(enum check c);
const char *verdict_name(enum verdict v);
const char *code_name(enum code c);
enum code code_parse(const char *name);
const char *assurance_name(enum assurance a);

/* Does this finding count towards taking a proven status away? Only a
 * definitive miss does: fail or none, and the right value seen nowhere, so not
 * NS_DISAGREE, NEGATIVE_CACHED, AT_APEX or NAME_DOUBLED. */
bool finding_is_miss(const struct finding *f);
