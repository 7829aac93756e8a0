/* SPDX-License-Identifier: Apache-2.0 */
/* A DNS server that does what a script says (script.h), and remembers what it
 * was asked. Any number of addresses of one machine, UDP and TCP, one thread,
 * a poll loop; what waits to be sent is bounded. */
#pragma once
#include "tests/dns/script.h"

#include <stdio.h>

#define HOSTILE_ADDRS_MAX 64
#define HOSTILE_CONNS_MAX 64
#define HOSTILE_LATER_MAX 8192 /* packets that wait; more are not sent */

struct hostile_conf {
	struct script *script;
	uint16_t port;
	size_t addrs_n;
	struct packet_addr addrs[HOSTILE_ADDRS_MAX]; /* to listen at */
	uint64_t seed; /* of mutations and floods */
	FILE *history; /* NULL = none. A line for each query, see README.md */
};

struct hostile_counts {
	uint64_t queries;
	uint64_t packets; /* sent, over UDP and TCP */
	uint64_t forged;  /* of them */
	uint64_t unsent;  /* there was no room, or no way */
};

struct hostile;

enum next hostile_open(struct hostile **out, const struct hostile_conf *conf,
    struct err *e) MUST_USE;
/* Waits up to wait_ms for something to do, and does it. */
void hostile_serve(struct hostile *h, int wait_ms);
const struct hostile_counts *hostile_counts(const struct hostile *h);
void hostile_close(struct hostile *h);
