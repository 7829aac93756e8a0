/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ede.h"

enum { STALE = 3, STALE_NXDOMAIN = 19 };

static const struct {
	const char *word;
	bool bogus;
} rows[] = {
    [1] = {"DNSKEY algorithm not supported", true},
    [2] = {"DS digest type not supported", true},
    [4] = {"forged answer", false},
    [5] = {"DNSSEC indeterminate", true},
    [6] = {"DNSSEC bogus", true},
    [7] = {"signature expired", true},
    [8] = {"signature not yet valid", true},
    [9] = {"DNSKEY missing", true},
    [10] = {"signatures missing", true},
    [11] = {"no zone key bit set", true},
    [12] = {"NSEC missing", true},
    [13] = {"cached error", false},
    [14] = {"not ready", false},
    [15] = {"blocked", false},
    [16] = {"censored", false},
    [17] = {"filtered", false},
    [18] = {"prohibited", false},
    [20] = {"not authoritative", false},
    [21] = {"not supported", false},
    [22] = {"no reachable authority", false},
    [23] = {"network error", false},
    [24] = {"invalid data", false},
    [25] = {"signature expired before it was valid", true},
    [26] = {"too early", false},
    [27] = {"NSEC3 iterations not supported", true},
};

const char *
ede_word(const struct answer *a)
{
	if (!a->has_ede || a->ede >= ARRAY_LEN(rows))
		return NULL;
	return rows[a->ede].word;
}

bool
ede_bogus(const struct answer *a)
{
	return a->outcome == OUTCOME_SERVFAIL && ede_word(a) != NULL &&
	       rows[a->ede].bogus;
}

bool
ede_stale(const struct answer *a)
{
	return a->has_ede && (a->ede == STALE || a->ede == STALE_NXDOMAIN);
}
