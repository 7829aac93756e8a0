/* SPDX-License-Identifier: Apache-2.0 */
/* What SPF evaluations mean for a customer of ours: may our servers send for
 * the domain, and if not, what is wrong and what to publish instead. Any
 * record that passes for all of our addresses is right, by whatever path. */
#pragma once
#include "core/spf.h"

struct spf_wish {
	/* our include's name, lower case, without final dot; "" = none: the
	 * record is judged alone */
	const char *include;
};

/* Is this our include's name? Without regard to case and a final dot. */
bool spf_is_ours(
    const struct spf_wish *wish, const uint8_t *name, size_t name_len);

/* How many of the records are SPF records; *first (may be NULL) is the index
 * of the first one. */
size_t spf_records(const struct packet_txt *txt, size_t n, size_t *first);

/* wish   what we want to see
 * txt    all TXT records at the domain's own name (txt_n 0: it has none)
 * checks one SPF_CHECK of the domain for each of our addresses; may be none
 *	  when spf_records is not 1, or the record is judged alone
 * audit  the SPF_AUDIT of the domain, or NULL
 * Always fills *out: pass, fail, none, or undecided (the DNS gave no answer;
 * or what is broken is our own include: SPF_TARGET_BROKEN). out->txt and
 * out->mark say where in txt the code points to; out->publish is one whole
 * record to publish instead, "" when nothing is to change or it can't be
 * written (longer than PUBLISH_MAX). */
void spf_judge(struct judged *out, const struct spf_wish *wish,
    const struct packet_txt *txt, size_t txt_n,
    const struct spf_verdict *const checks[], size_t checks_n,
    const struct spf_verdict *audit);

/* One record made of all SPF records among txt (of none: a new one): their
 * terms in order, each once; ours before `all` or redirect=; of several `all`
 * the strictest. False: it would be longer than PUBLISH_MAX, or there is a
 * record that can't be read; out is "" then. */
bool spf_merge(char out[PUBLISH_MAX + 1], const struct spf_wish *wish,
    const struct packet_txt *txt, size_t txt_n);

/* What a record costs, from its SPF_AUDIT (for a merged one: spf_assume it in
 * an audit of its own). dear: above 10 lookups, which of its terms cost most,
 * e.g. "12 of 10 lookups; include:a.test costs 5, include:b.test 3"; else "".
 */
struct spf_cost {
	unsigned lookups, voids;
	char dear[SAW_MAX + 1];
};
void spf_cost(struct spf_cost *out, const struct spf_verdict *audit);
