/* SPDX-License-Identifier: Apache-2.0 */
#include "core/verdict.h"

#include <string.h>

static const char *const checks[CHECK_N] = {
    [CHECK_OWNERSHIP] = "ownership",
};

static const char *const verdicts[VERDICT_N] = {
    [VERDICT_PASS] = "pass",
    [VERDICT_FAIL] = "fail",
    [VERDICT_NONE] = "none",
    [VERDICT_UNDECIDED] = "undecided",
};

static const char *const assurances[ASSURANCE_N] = {
    [ASSURANCE_NONE] = "",
    [ASSURANCE_SINGLE] = "single",
    [ASSURANCE_QUORUM] = "quorum",
    [ASSURANCE_DNSSEC] = "dnssec",
    [ASSURANCE_MANUAL] = "manual",
};

/* Reasons of a look are shouted, rejections of a job are not. */
static const char *const codes[CODE_N] = {
    [CODE_NONE] = "",
    [CODE_VIA_APEX] = "VIA_APEX",
    [CODE_NOT_PUBLISHED] = "NOT_PUBLISHED",
    [CODE_TOKEN_OTHER] = "TOKEN_OTHER",
    [CODE_AT_APEX] = "AT_APEX",
    [CODE_NAME_DOUBLED] = "NAME_DOUBLED",
    [CODE_NS_DISAGREE] = "NS_DISAGREE",
    [CODE_NEGATIVE_CACHED] = "NEGATIVE_CACHED",
    [CODE_NO_DOMAIN] = "NO_DOMAIN",
    [CODE_DNSSEC_BOGUS] = "DNSSEC_BOGUS",
    [CODE_SERVFAIL] = "SERVFAIL",
    [CODE_REFUSED] = "REFUSED",
    [CODE_TIMEOUT] = "TIMEOUT",
    [CODE_LAME] = "LAME",
    [CODE_BAD_PACKET] = "BAD_PACKET",
    [CODE_CNAME_CHAIN] = "CNAME_CHAIN",
    [CODE_BAD_JOB] = "bad_job",
    [CODE_BAD_DOMAIN] = "bad_domain",
    [CODE_PUBLIC_SUFFIX] = "public_suffix",
    [CODE_PUBLIC_MAIL_DOMAIN] = "public_mail_domain",
    [CODE_REFUSED_DOMAIN] = "refused_domain",
    [CODE_UNKNOWN_KIND] = "unknown_kind",
    [CODE_BAD_DEADLINE] = "bad_deadline",
    [CODE_UNKNOWN_ORG] = "unknown_org",
    [CODE_POISON] = "poison",
    [CODE_RELEASED] = "released",
};

const char *
check_name(enum check c)
{
	return checks[c];
}

const char *
verdict_name(enum verdict v)
{
	return verdicts[v];
}

const char *
code_name(enum code c)
{
	return codes[c];
}

enum code
code_parse(const char *name)
{
	enum code c = CODE_NONE;

	while (c < CODE_N && strcmp(codes[c], name) != 0)
		c++;
	return c;
}

const char *
assurance_name(enum assurance a)
{
	return assurances[a];
}

/* Of the definitive failures those that saw the right value nowhere: at a
 * wrong place, at some of the servers or behind a cache it is still evidence
 * of the owner's will. */
bool
finding_is_miss(const struct finding *f)
{
	static const bool nowhere[CODE_N] = {
	    [CODE_NOT_PUBLISHED] = true,
	    [CODE_TOKEN_OTHER] = true,
	    [CODE_NO_DOMAIN] = true,
	};

	if (f->verdict != VERDICT_FAIL && f->verdict != VERDICT_NONE)
		return false;
	return nowhere[f->code];
}
