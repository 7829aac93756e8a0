/* SPDX-License-Identifier: Apache-2.0 */
#include "core/verdict.h"

#include <string.h>

static const char *const checks[CHECK_N] = {
    [CHECK_OWNERSHIP] = "ownership",
    [CHECK_SPF] = "spf",
    [CHECK_DKIM] = "dkim",
    [CHECK_DMARC] = "dmarc",
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
    [CODE_AT_BARE_SELECTOR] = "AT_BARE_SELECTOR",
    [CODE_AT_PARENT] = "AT_PARENT",
    [CODE_AT_SIBLING] = "AT_SIBLING",
    [CODE_WRONG_ZONE] = "WRONG_ZONE",
    [CODE_WRONG_NAME_REGISTERED] = "WRONG_NAME_REGISTERED",
    [CODE_WILDCARD_SHADOW] = "WILDCARD_SHADOW",
    [CODE_CNAME_COEXISTS] = "CNAME_COEXISTS",
    [CODE_CNAME_FLATTENED] = "CNAME_FLATTENED",
    [CODE_TARGET_DOUBLED] = "TARGET_DOUBLED",
    [CODE_CNAME_AS_TXT] = "CNAME_AS_TXT",
    [CODE_STALE_PAGE] = "STALE_PAGE",
    [CODE_SPLIT_INTO_RRS] = "SPLIT_INTO_RRS",
    [CODE_DUP_RECORD] = "DUP_RECORD",
    [CODE_QUOTES_INSIDE] = "QUOTES_INSIDE",
    [CODE_SEMICOLON_ESCAPED] = "SEMICOLON_ESCAPED",
    [CODE_WHITESPACE] = "WHITESPACE",
    [CODE_SMART_QUOTES] = "SMART_QUOTES",
    [CODE_KEY_TRUNCATED] = "KEY_TRUNCATED",
    [CODE_KEY_OTHER] = "KEY_OTHER",
    [CODE_KEY_REVOKED] = "KEY_REVOKED",
    [CODE_KEY_TESTING] = "KEY_TESTING",
    [CODE_KEY_WEAK] = "KEY_WEAK",
    [CODE_KEY_INVALID] = "KEY_INVALID",
    [CODE_WRONG_TAG] = "WRONG_TAG",
    [CODE_BARE_HOST_AS_SPF] = "BARE_HOST_AS_SPF",
    [CODE_SPF_NO_INCLUDE] = "SPF_NO_INCLUDE",
    [CODE_SPF_AFTER_ALL] = "SPF_AFTER_ALL",
    [CODE_SPF_NOT_PASS] = "SPF_NOT_PASS",
    [CODE_SPF_MULTIPLE] = "SPF_MULTIPLE",
    [CODE_SPF_SYNTAX] = "SPF_SYNTAX",
    [CODE_SPF_OVER_10] = "SPF_OVER_10",
    [CODE_SPF_VOID] = "SPF_VOID",
    [CODE_SPF_INCLUDE_BROKEN] = "SPF_INCLUDE_BROKEN",
    [CODE_SPF_TARGET_BROKEN] = "SPF_TARGET_BROKEN",
    [CODE_SPF_INDIRECT] = "SPF_INDIRECT",
    [CODE_SPF_NEAR_LIMIT] = "SPF_NEAR_LIMIT",
    [CODE_SPF_PLUS_ALL] = "SPF_PLUS_ALL",
    [CODE_SPF_WIDE_RANGE] = "SPF_WIDE_RANGE",
    [CODE_DANGLING_INCLUDE] = "DANGLING_INCLUDE",
    [CODE_DMARC_INVALID] = "DMARC_INVALID",
    [CODE_DMARC_TAG_REMOVED] = "DMARC_TAG_REMOVED",
    [CODE_DMARC_NO_CONSENT] = "DMARC_NO_CONSENT",
    [CODE_DMARC_UNALIGNED] = "DMARC_UNALIGNED",
    [CODE_DMARC_LADDER] = "DMARC_LADDER",
    [CODE_NOT_YOURS] = "not_yours",
    [CODE_DKIM_HELD] = "dkim_held",
    [CODE_DKIM_REQUIRED] = "dkim_required",
    [CODE_NO_KEY] = "no_key",
    [CODE_BAD_KEY] = "bad_key",
    [CODE_SELECTOR_USED] = "selector_used",
    [CODE_ROTATION_OPEN] = "rotation_open",
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

/* Of the definitive failures those that saw the right value nowhere. At some
 * of the servers or behind a cache it is evidence of the owner's will; so it is
 * at a wrong name, but mail to be judged by it fails there as if it was gone.
 */
bool
finding_is_miss(const struct finding *f)
{
	static const bool somewhere[CODE_N] = {
	    [CODE_NS_DISAGREE] = true,
	    [CODE_NEGATIVE_CACHED] = true,
	    [CODE_CNAME_COEXISTS] = true, /* at some servers */
	};
	static const bool elsewhere[CODE_N] = {
	    [CODE_AT_APEX] = true,
	    [CODE_NAME_DOUBLED] = true,
	    [CODE_AT_PARENT] = true,
	    [CODE_AT_SIBLING] = true,
	    [CODE_WRONG_ZONE] = true,
	    [CODE_QUOTES_INSIDE] = true,
	    [CODE_SEMICOLON_ESCAPED] = true,
	    [CODE_WHITESPACE] = true,
	    [CODE_SMART_QUOTES] = true,
	    [CODE_SPLIT_INTO_RRS] = true,
	};

	if (f->verdict != VERDICT_FAIL && f->verdict != VERDICT_NONE)
		return false;
	if (f->check == CHECK_OWNERSHIP && elsewhere[f->code])
		return false;
	return !somewhere[f->code];
}
