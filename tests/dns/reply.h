/* SPDX-License-Identifier: Apache-2.0 */
/* From a query and a plan to the octets of an answer, right or wrong, and how
 * it is to be sent. Without steps that say else an answer is right: id,
 * question and RD are those of the query, QR and AA are set, EDNS as asked;
 * what is larger than the client takes over UDP is only the header with TC. */
#pragma once
#include "tests/dns/mutate.h"
#include "tests/dns/script.h"

#define REPLY_MAX 65535

struct reply {
	bool silent;
	bool forged; /* mutated, from elsewhere, or with another id */
	int64_t delay_ms;
	unsigned flood;
	uint16_t right_id;	 /* the query's */
	struct packet_addr from; /* family 0 = where the query went */
	uint16_t from_port;	 /* 0 = the same */
	int64_t drip_ms;
	enum { STREAM_WHOLE, STREAM_RESET, STREAM_STALL, STREAM_CLOSE } stream;
	size_t len;
	uint8_t bytes[REPLY_MAX];
};

/* False: it can't be read as a query; no answer. */
bool query_read(struct query *out, const uint8_t *bytes, size_t len) MUST_USE;
void reply_make(struct reply *out, const struct plan *plan,
    const struct query *q, struct rng *rng);
/* REFUSED: no rule is for it. */
void reply_refused(struct reply *out, const struct query *q);
