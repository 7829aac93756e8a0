/* SPDX-License-Identifier: Apache-2.0 */
/* What spf_judge.c and spf_merge.c share. */
#pragma once
#include "core/spf_judge.h"

#define SPF_DROP_MAX 8

/* Terms of the one SPF record that the merged one shall not have, by where
 * they begin. */
struct spf_drop {
	size_t n;
	uint16_t at[SPF_DROP_MAX];
};

bool spf_merge_without(char out[PUBLISH_MAX + 1], const struct spf_wish *wish,
    const struct packet_txt *txt, size_t txt_n, const struct spf_drop *drop);

/* A record as it was probably meant: without blanks before it, quotation
 * marks, backslashes and octets that are no ASCII; out holds cap octets.
 * Returns its length; 0 when it is no SPF record even so. */
size_t spf_repair(const struct packet_txt *record, const struct spf_wish *wish,
    uint8_t *out, size_t cap);
