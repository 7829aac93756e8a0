/* SPDX-License-Identifier: Apache-2.0 */
/* One look at one check of a domain (ownership, spf, dkim, dmarc): which
 * servers are asked what, in which order, and how the answers become a finding.
 * A stepper without I/O: it says what it wants to know, its caller asks a door
 * and comes back with the answers. The pool's resolver, `domainproof check`,
 * the tests and the fuzzer run this very code.
 *
 * Order (what is not proven yet):
 *  1 the zone's servers: from the resolver only names that exist are asked (NS
 *    of the registrable domain, addresses of its servers), so that our own
 *    early questions never plant a negative answer in a public cache (RFC
 *    2308); lower zone cuts by referrals from those servers. Where the
 *    resolver fails, the servers above show the way, so that we can say which
 *    server is the one that fails
 *  2 TXT of the record's name at every authoritative server, without recursion
 *  3 what they agree on is judged; what SPF and DMARC want to know besides
 *    (includes, the names above) comes from the resolver, which many looks
 *    share, or, for names inside the domain's zone, from one of its servers
 *  4 only when it is right: the validating resolver, as the public view
 *  5 when it is missing: the usual wrong places, at one authoritative server.
 *    A token at the domain itself passes where policy says so, once the public
 *    view has it too; that comes before NAME_DOUBLED
 * For what is proven the public view is asked first (for ownership the domain
 * itself, too, where that counts), and the servers only when it does not pass:
 * a healthy domain costs one question a check. With one fixed server (`only`),
 * or where only the resolver may be asked, that one is asked for everything and
 * nothing else.
 *
 * Aliases: a CNAME out of the zone is followed to its own zone, down from the
 * top-level domain by referrals, and asked at that zone's servers. Asking the
 * resolver instead would be shorter, but the target may be missing still, and
 * then that question plants the negative answer; and only so "published at k
 * of n servers" is known. A look that runs out of rounds on the way ends as
 * CNAME_CHAIN. From the domain itself no alias is followed to a token: it leads
 * to a web host, whose records are not the owner's.
 *
 * Servers that say different things (a stale one, one that lacks the alias or
 * the lower cut) are NS_DISAGREE if any way leads to the record; they are asked
 * for the zone's serial number then. Servers that could not be asked are
 * listed, and neither have nor deny it. */
#pragma once
#include "core/dkim.h"
#include "core/ownership.h"

#define LOOK_ASK_MAX	   24  /* questions wanted at once */
#define LOOK_ROUNDS_MAX	   24  /* steps until servers have answered, and */
#define LOOK_STEPS_MAX	   200 /* in all: SPF asks on */
#define LOOK_CUTS_MAX	   8
#define LOOK_ADDRESSES_MAX 8
#define LOOK_TIME_MAX_MS   20000 /* RFC 7208 section 4.6.4; the caller's */

enum look_order { LOOK_SERVERS_FIRST, LOOK_PUBLIC_FIRST };

/* All that a look needs to know; what it points to, and itself, must live
 * until the look is done (looks_begin makes copies). */
struct look_wish {
	enum check check;
	struct dname domain;
	struct dname registrable; /* equal to domain or above it */
	enum look_order order;
	bool authoritative; /* false: only the resolver may be asked */
	bool private_ok;    /* labs: servers at private addresses are asked */
	bool trusted;	    /* AD of the resolver counts */
	bool only; /* one fixed server: it is the "resolver", see above */
	/* the full cost, everything that is worth a remark: questions that no
	 * verdict needs. For a first verification and `check` */
	bool explain;
	/* somebody watches: the servers alone decide that it is missing, and
	 * no wrong places are asked */
	bool quick;
	uint32_t seed;	/* for the label of a random sibling */
	int64_t wall_s; /* SPF: %{t} */
	/* judge this record instead of the published one, which is not asked
	 * for; a pass has no assurance then. NULL = look */
	const uint8_t *assume;
	size_t assume_len;

	/* ownership */
	char service[33]; /* of the label `_<service>-challenge` */
	/* "" = no token is known: the finding says what is published at all */
	char token[TOKEN_TEXT_MAX + 1];
	bool apex_ok; /* policy: a token at the domain itself counts */

	/* dkim */
	const char *selector;
	const struct dkim_public *key;	/* NULL = any key record will do */
	const struct dkim_known *known; /* other keys of the organisation */
	size_t known_n;

	/* spf: the name that customers include, lower case; "" = the record is
	 * judged alone. addresses: what must pass */
	char include[DNAME_TEXT_MAX + 1];
	size_t addresses_n;
	struct packet_addr addresses[LOOK_ADDRESSES_MAX];
	/* spf of our own include: domain is its name. Is it sound, and does it
	 * pass for addresses; without any, for those that look_addresses found
	 * in it. Asked of the resolver alone, as receivers do */
	bool ours;

	/* dmarc: domain of our envelope sender, len 0 = not known; and whether
	 * our mail is signed, d= being the domain itself */
	struct dname mail_from;
	bool signs;
};

enum look_target {
	LOOK_RESOLVER, /* the validating resolver (RD set) */
	LOOK_SERVER,   /* the authoritative server at `addr` (RD clear) */
};

struct look_ask {
	enum look_target target;
	struct packet_addr addr; /* LOOK_SERVER */
	struct question q;
	bool shared; /* same for many domains (NS, addresses, what SPF and
		      * DMARC ask on): may be cached by its TTL and coalesced
		      * by the caller */
};

enum look_next { LOOK_ASK, LOOK_DONE };

struct look; /* private, in the arena */

/* Begins a look. Of the wish only the pointer is kept. All memory a look ever
 * needs, answers included, comes from the arena (LOOK_ARENA is enough); nothing
 * is to be freed. NULL only when the arena has no room for the look itself. */
#define LOOK_ARENA (256u * 1024u)
struct look *look_begin(const struct look_wish *wish, struct arena *a);

/* The first call has got_n 0. LOOK_ASK: look_asks() are wanted; ask all of
 * them and call again with one answer for each, in the same order (a door that
 * could not ask passes OUTCOME_TIMEOUT). LOOK_DONE: look_finding() is final.
 * Answers' arrays must lie in the look's arena or live until LOOK_DONE. */
enum look_next look_step(
    struct look *l, const struct answer *got, size_t got_n);
const struct look_ask *look_asks(const struct look *l, size_t *n);
/* The caller's LOOK_TIME_MAX_MS are over: the look is done, undecided. */
void look_expire(struct look *l);
const struct finding *look_finding(const struct look *l);
/* Of a look at our own include that passed: the addresses it was judged by. */
const struct packet_addr *look_addresses(const struct look *l, size_t *n);
