/* SPDX-License-Identifier: Apache-2.0 */
/* What one check of one look found: a verdict of four values, the reason and
 * the evidence. pass, fail and none are definitive; undecided means that the
 * DNS gave no usable answer, and never changes a status. Values, no pointers:
 * a finding travels between processes and into results as it is. */
#pragma once
#include "core/packet.h"

enum check { CHECK_OWNERSHIP, CHECK_N };

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
#define FOUND_LEN_MAX 100 /* octets of evidence kept of one record */
#define SERVERS_MAX   16
#define SAW_MAX	      120 /* the variable part of the sentence */
#define EXPECTED_MAX  128

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
