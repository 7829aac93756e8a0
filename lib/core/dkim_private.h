/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of core/dkim.h. */
#pragma once
#include "core/dkim.h"
#include "core/tags.h"

/* Octets of a p= value before its digit number n; len when it has fewer. */
size_t dkim_digit_at(const uint8_t *p, size_t len, size_t n);

/* Nothing said yet: a pass. */
void dkim_pass(struct judged *out);
/* A fail. mark: octet of the record, or NO_MARK. The text is cut at SAW_MAX. */
void dkim_fail(struct judged *out, enum code code, size_t mark, const char *fmt,
    ...) PRINTF(4, 5);
/* A remark beside the code, which none says twice. */
void dkim_also(struct judged *out, enum code code);

/* Judges one record as it stands, without publish. */
void dkim_record_judge(struct judged *out, const uint8_t *bytes, size_t len,
    const struct dkim_wish *wish);
