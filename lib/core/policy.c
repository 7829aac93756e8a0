/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy.h"

#include <inttypes.h>
#include <string.h>

#define SECOND_MS ((int64_t)1000)
#define HOUR_MS	  (3600 * SECOND_MS)
#define DAY_MS	  (24 * HOUR_MS)

/* Jobs and seen are kept for 7 days (schemas/topics.json): nothing may need
 * them for longer. */
#define DEADLINE_MIN_MS SECOND_MS
#define DEADLINE_MAX_MS (7 * DAY_MS)
#define GAP_MIN_MS	100 /* labs look more often than is polite */
#define GAP_MAX_MS	DAY_MS
#define LAPSE_MIN_MS	DAY_MS /* nobody loses a domain within a day */
#define LAPSE_MAX_MS	(365 * DAY_MS)
#define LAPSE_LOOKS_MIN 2
#define LAPSE_LOOKS_MAX 1000
#define RECHECK_MIN_MS	SECOND_MS
#define RECHECK_MAX_MS	(90 * DAY_MS)
#define WATCH_MAX_MS	(1800 * SECOND_MS) /* then nobody is watching */
#define GUARD_LOOKS_MAX 1000000
#define LOCAL_PART_MAX	64 /* RFC 5321 section 4.5.3.1.1 */
#define DEDUPE_MIN_MS	DAY_MS
#define DEDUPE_MAX_MS	(7 * DAY_MS)

static bool
within(const char *name, int64_t v, int64_t min, int64_t max, struct err *e)
{
	if (v >= min && v <= max)
		return true;
	err_set(e, "%s is %" PRId64 ", must be %" PRId64 " to %" PRId64, name,
	    v, min, max);
	return false;
}

static bool
lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* It becomes the middle of the label _<service>-challenge. */
static bool
service_right(const char *service, struct err *e)
{
	size_t len = strlen(service);
	bool right = len > 0 && lower_or_digit(service[0]) &&
		     lower_or_digit(service[len - 1]);

	for (size_t i = 0; i < len; i++)
		right =
		    right && (lower_or_digit(service[i]) || service[i] == '-');
	if (!right)
		err_set(e,
		    "service.name must be letters a-z, digits and '-', and "
		    "begin and end with a letter or digit");
	return right;
}

static bool
organisation_right(const char *org, struct err *e)
{
	size_t len = strlen(org);
	bool right = len > 0;

	for (size_t i = 0; i < len; i++)
		right = right && (lower_or_digit(org[i]) ||
				     (org[i] >= 'A' && org[i] <= 'Z') ||
				     strchr("._-", org[i]) != NULL);
	if (!right)
		err_set(e,
		    "claim.organisations: each must be letters, digits, '.', "
		    "'_' and '-'");
	return right;
}

/* Shown to customers as it is: no control characters. */
static bool
shown_right(const char *name, const char *text, struct err *e)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c >= 0x20 && *c != 0x7f)
			continue;
		err_set(e, "%s must be printable ASCII", name);
		return false;
	}
	return true;
}

/* As we print names: at least two labels, lower case, no final dot. */
static bool
name_right(const char *key, const char *text, struct err *e)
{
	bool right = strchr(text, '.') != NULL;
	struct dname name;

	for (const char *c = text; *c != '\0'; c++)
		right = right && (lower_or_digit(*c) || *c == '-' ||
				     *c == '_' || *c == '.');
	if (right && text[strlen(text) - 1] != '.' &&
	    dname_from_text(&name, text, NULL) == DNAME_OK)
		return true;
	err_set(e,
	    "%s must be a domain name of lower-case letters, digits, '-' and "
	    "'_', without a final dot",
	    key);
	return false;
}

/* A mailbox in the plain form that nobody has to quote. */
static bool
sender_right(const char *text, struct err *e)
{
	size_t local = strcspn(text, "@");
	bool right = local > 0 && local <= LOCAL_PART_MAX && text[local] == '@';

	for (size_t i = 0; right && i < local; i++)
		right = text[i] > ' ' && text[i] < 0x7f &&
			strchr("\"(),:;<>[\\]", text[i]) == NULL;
	if (right)
		return name_right("service.default_sender: behind the '@' it",
		    text + local + 1, e);
	err_set(e, "service.default_sender must be a mailbox such as "
		   "mail@example.com");
	return false;
}

static bool
spf_right(const struct policy *p, struct err *e)
{
	if (p->default_sender[0] != '\0' && !sender_right(p->default_sender, e))
		return false;
	if (p->spf_include[0] != '\0')
		return name_right("spf.include", p->spf_include, e) &&
		       within("number of spf.addresses",
			   (int64_t)p->spf_addresses_n, 0, SPF_ADDRESSES_MAX,
			   e);
	if (p->spf_addresses_n == 0)
		return true;
	err_set(e, "spf.addresses: there is no spf.include that would name "
		   "them to customers");
	return false;
}

static bool
dkim_right(const struct policy *p, struct err *e)
{
	if (p->envelope_from != ENVELOPE_CUSTOMER &&
	    p->envelope_from != ENVELOPE_OURS)
		err_set(e,
		    "service.envelope_from must be \"customer\" or \"ours\"");
	else if (p->dkim_required != DKIM_REQUIRED_WARN &&
		 p->dkim_required != DKIM_REQUIRED_REFUSE)
		err_set(e, "dkim.required must be \"warn\" or \"refuse\"");
	else if (p->key_import != KEY_IMPORT_ACCEPT &&
		 p->key_import != KEY_IMPORT_REFUSE)
		err_set(e, "dkim.import must be \"accept\" or \"refuse\"");
	else
		return true;
	return false;
}

static bool
backoff_right(const struct backoff *b, struct err *e)
{
	if (!within(
		"number of gaps in time.backoff", b->n, 1, BACKOFF_GAPS_MAX, e))
		return false;
	for (unsigned i = 0; i < b->n; i++) {
		if (!within("time.backoff (ms)", b->gap_ms[i], GAP_MIN_MS,
			GAP_MAX_MS, e))
			return false;
	}
	return true;
}

static bool
claim_right(const struct policy *p, struct err *e)
{
	if (p->apex != APEX_ACCEPT && p->apex != APEX_REFUSE) {
		err_set(e, "claim.apex must be \"accept\" or \"refuse\"");
		return false;
	}
	if (p->private_suffix != PRIVATE_SUFFIX_ALLOW &&
	    p->private_suffix != PRIVATE_SUFFIX_REFUSE) {
		err_set(
		    e, "claim.private_suffix must be \"accept\" or \"refuse\"");
		return false;
	}
	if (!within("number of claim.organisations",
		(int64_t)p->organisations_n, 0, ORGANISATIONS_MAX, e))
		return false;
	for (size_t i = 0; i < p->organisations_n; i++) {
		if (!organisation_right(p->organisations[i], e))
			return false;
	}
	return true;
}

static bool
time_right(const struct policy *p, struct err *e)
{
	return within("time.deadline_max (ms)", p->deadline_max_ms,
		   DEADLINE_MIN_MS, DEADLINE_MAX_MS, e) &&
	       within("time.lapse (ms)", p->lapse_ms, LAPSE_MIN_MS,
		   LAPSE_MAX_MS, e) &&
	       within("time.lapse_looks", p->lapse_looks, LAPSE_LOOKS_MIN,
		   LAPSE_LOOKS_MAX, e) &&
	       within("time.dedupe (ms)", p->dedupe_ms, DEDUPE_MIN_MS,
		   DEDUPE_MAX_MS, e) &&
	       backoff_right(&p->backoff, e);
}

/* What is looked at without a job: 0 switches each of them off. */
static bool
watch_right(const struct policy *p, struct err *e)
{
	if (p->recheck_ms != 0 && !within("time.recheck (ms)", p->recheck_ms,
				      RECHECK_MIN_MS, RECHECK_MAX_MS, e))
		return false;
	if (p->watch_ms != 0 &&
	    (!within(
		 "time.watch (ms)", p->watch_ms, GAP_MIN_MS, WATCH_MAX_MS, e) ||
		!within("time.watch_gap (ms)", p->watch_gap_ms, GAP_MIN_MS,
		    p->watch_ms, e)))
		return false;
	return p->guard_percent == 0 ||
	       (within("guard.percent", p->guard_percent, 0, 100, e) &&
		   within(
		       "guard.looks", p->guard_looks, 1, GUARD_LOOKS_MAX, e));
}

/* A job that is posted again while its first posting may still be open must
 * be known as the same. */
static bool
dedupe_right(const struct policy *p, struct err *e)
{
	if (p->dedupe_ms >= p->deadline_max_ms)
		return true;
	err_set(e,
	    "time.dedupe (%" PRId64 " ms) must not be shorter than "
	    "time.deadline_max (%" PRId64 " ms)",
	    p->dedupe_ms, p->deadline_max_ms);
	return false;
}

enum next
policy_check(const struct policy *p, struct err *e)
{
	bool right = service_right(p->service, e) &&
		     shown_right("service.support", p->support, e) &&
		     shown_right("service.help_url", p->help_url, e) &&
		     spf_right(p, e) && dkim_right(p, e) && claim_right(p, e) &&
		     time_right(p, e) && watch_right(p, e) &&
		     dedupe_right(p, e);

	return right ? OK : REJECT;
}

bool
policy_mail_from(
    struct dname *out, const struct policy *p, const struct dname *domain)
{
	const char *at = strrchr(p->default_sender, '@');

	*out = *domain;
	if (p->envelope_from == ENVELOPE_CUSTOMER)
		return true;
	return at != NULL && dname_from_text(out, at + 1, NULL) == DNAME_OK;
}
