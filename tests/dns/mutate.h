/* SPDX-License-Identifier: Apache-2.0 */
/* A right answer made wrong, in one of the ways in which forgeries and broken
 * servers differ from it. Whatever the random numbers are, the result is no
 * right answer any more that holds the same TXT data: what changes nothing
 * (a TTL, the case of a name, AA, AD) is not among the ways. */
#pragma once
#include "core/err.h"

enum mutation {
	MUTATE_ID,
	MUTATE_QR,
	MUTATE_OPCODE,
	MUTATE_TC,
	MUTATE_RCODE,
	MUTATE_QDCOUNT,
	MUTATE_ANCOUNT,
	MUTATE_NSCOUNT, /* more than there are */
	MUTATE_ARCOUNT,
	MUTATE_QNAME,
	MUTATE_QTYPE,
	MUTATE_QCLASS,
	MUTATE_OWNER,
	MUTATE_POINTER, /* the owner points to itself, forward, nowhere */
	MUTATE_TYPE,
	MUTATE_CLASS,
	MUTATE_RDLENGTH,
	MUTATE_STRING, /* the length octet of the string */
	MUTATE_DATA,
	MUTATE_CUT,
	MUTATE_NOISE, /* all behind the id is random */
	MUTATE_N,
};

struct rng {
	uint64_t state; /* any seed */
};

uint64_t rng_next(struct rng *r);
/* 0 .. n - 1 */
uint32_t rng_below(struct rng *r, uint32_t n);

/* msg: a message with one question, and as its first record a TXT record with
 * one string, whose owner is a pointer to the question. Returns its new
 * length; 0 when it is no such message. */
size_t mutate(
    uint8_t *msg, size_t len, enum mutation how, struct rng *r) MUST_USE;
const char *mutation_name(enum mutation how);
