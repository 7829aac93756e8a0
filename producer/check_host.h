/* SPDX-License-Identifier: Apache-2.0 */
/* The plain check_host() of RFC 7208, asked through the resolvers: what a
 * receiver would find for a message. */
#pragma once
#include "core/spf.h"
#include "worker/asks.h"

struct check_host {
	enum spf_result result;
	unsigned lookups, voids;
	bool has_explanation;
	char explanation[SPF_EXPLANATION_MAX + 1]; /* bytes as published */
	char why[SAW_MAX + 1]; /* of an error, printable; "" = none */
};

/* record: stands for the TXT of the first domain, NULL = it is asked for.
 * Takes at most SPF_TIME_MAX_S. RETRY: no memory, or no socket. */
enum next check_host(struct check_host *out, const struct asks_conf *conf,
    const struct spf_query *q, const char *record, struct err *e) MUST_USE;
