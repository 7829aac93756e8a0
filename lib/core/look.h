/* SPDX-License-Identifier: Apache-2.0 */
/* One look at a claim: which servers are asked what, in which order, and how
 * the answers become a finding. A stepper without I/O: it says what it wants
 * to know, its caller asks a door and comes back with the answers. The pool's
 * resolver, `domainproof check`, the tests and the fuzzer run this very code.
 *
 * Order (a claim not proven yet):
 *  1 the zone's servers: from the resolver only names that exist are asked (NS
 *    of the registrable domain, addresses of its servers), so that our own
 *    early questions never plant a negative answer in a public cache (RFC
 *    2308); lower zone cuts by referrals from those servers. Where the
 *    resolver fails, the servers above show the way, so that we can say which
 *    server is the one that fails
 *  2 TXT of the record's name at every authoritative server, without recursion
 *  3 only when one of them has it: the validating resolver, as the public view
 *  4 when it is missing: the usual wrong places, at one authoritative server.
 *    The right value at the domain itself passes where policy says so, once
 *    the public view has it too; that comes before NAME_DOUBLED
 * For a claim that is proven the public view is asked first (the record's
 * name, then the domain itself where that counts), and the servers only when
 * neither passes. With one fixed server (`only`), or where only the resolver
 * may be asked, that one is asked for everything and nothing else.
 *
 * Aliases: a CNAME out of the zone is followed to its own zone, down from the
 * top-level domain by referrals, and asked at that zone's servers. Asking the
 * resolver instead would be shorter, but the target may be missing still, and
 * then that question plants the negative answer; and only so "published at k
 * of n servers" is known. A look that runs out of rounds on the way ends as
 * CNAME_CHAIN. From the domain itself no alias is followed: it leads to a web
 * host, whose records are not the owner's.
 *
 * Servers that say different things (a stale one, one that lacks the alias or
 * the lower cut) are NS_DISAGREE if any way leads to the record. Servers that
 * could not be asked are listed, and neither have nor deny it. */
#pragma once
#include "core/ownership.h"

#define LOOK_ASK_MAX	24 /* questions wanted at once */
#define LOOK_ROUNDS_MAX 24 /* steps before a look gives up: undecided */
#define LOOK_CUTS_MAX	8

enum look_order { LOOK_SERVERS_FIRST, LOOK_PUBLIC_FIRST };

struct look_wish {
	struct dname domain;
	struct dname registrable; /* equal to domain or above it */
	char service[33];	  /* of the label `_<service>-challenge` */
	/* "" = no token is known: the finding says what is published at all */
	char token[TOKEN_TEXT_MAX + 1];
	enum look_order order;
	bool apex_ok;	    /* policy: a token at the domain itself counts */
	bool authoritative; /* false: only the resolver may be asked */
	bool private_ok;    /* labs: servers at private addresses are asked */
	bool trusted;	    /* AD of the resolver counts */
	bool only; /* one fixed server: it is the "resolver", see above */
};

enum look_target {
	LOOK_RESOLVER, /* the validating resolver (RD set) */
	LOOK_SERVER,   /* the authoritative server at `addr` (RD clear) */
};

struct look_ask {
	enum look_target target;
	struct packet_addr addr; /* LOOK_SERVER */
	struct question q;
	bool shared; /* same for many domains (NS, addresses): may be cached
		      * by its TTL and coalesced by the caller */
};

enum look_next { LOOK_ASK, LOOK_DONE };

struct look; /* private, in the arena */

/* Begins a look. All memory a look ever needs, answers included, comes from
 * the arena (LOOK_ARENA is enough); nothing is to be freed. NULL only when
 * the arena has no room for the look itself. */
#define LOOK_ARENA (256u * 1024u)
struct look *look_begin(const struct look_wish *wish, struct arena *a);

/* The first call has got_n 0. LOOK_ASK: look_asks() are wanted; ask all of
 * them and call again with one answer for each, in the same order (a door that
 * could not ask passes OUTCOME_TIMEOUT). LOOK_DONE: look_finding() is final.
 * Answers' arrays must lie in the look's arena or live until LOOK_DONE. */
enum look_next look_step(
    struct look *l, const struct answer *got, size_t got_n);
const struct look_ask *look_asks(const struct look *l, size_t *n);
const struct finding *look_finding(const struct look *l);
