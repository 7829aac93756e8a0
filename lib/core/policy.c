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
		     claim_right(p, e) && time_right(p, e) &&
		     dedupe_right(p, e);

	return right ? OK : REJECT;
}
