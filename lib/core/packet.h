/* SPDX-License-Identifier: Apache-2.0 */
/* Reader of one raw DNS answer: bytes from anybody -> a plain answer.
 * RFC 1035 section 4.1, RFC 2308 (negative answers), RFC 6891 (EDNS), RFC 8914
 * (extended errors), and the five anti-patterns of RFC 9267: compression
 * pointers go strictly backwards, at most PACKET_HOPS_MAX of them; counts and
 * lengths are believed only as far as bytes are there. Pure; arrays come from
 * the caller's arena. Also writes the question we send. */
#pragma once
#include "core/dname.h"
#include "core/mem.h"

#define PACKET_HOPS_MAX	   16  /* compression pointers in one name */
#define PACKET_CHAIN_MAX   8   /* CNAMEs followed in one answer */
#define PACKET_RECORDS_MAX 256 /* of one RRset; more is malformed */
#define PACKET_NAMES_MAX                                                       \
	64		       /* of those that hold a name each; of MX        \
				* and PTR more are left out */
#define PACKET_TXT_MAX	 16384 /* joined octets of one TXT record */
#define PACKET_QUERY_MAX 300   /* header, question, OPT */
#define PACKET_UDP_SIZE	 1232  /* EDNS payload size we offer, RFC 9715 */

enum rrtype {
	RRTYPE_A = 1,
	RRTYPE_NS = 2,
	RRTYPE_CNAME = 5,
	RRTYPE_SOA = 6,
	RRTYPE_PTR = 12,
	RRTYPE_MX = 15,
	RRTYPE_TXT = 16,
	RRTYPE_AAAA = 28,
};

enum question_flag {
	QUESTION_RD = 1 << 0, /* recursion desired: for resolvers */
	QUESTION_CD = 1 << 1, /* checking disabled: tells bogus from broken */
};

struct question {
	struct dname name;
	uint16_t type; /* enum rrtype */
	uint8_t flags; /* enum question_flag */
};

/* What came back, in the order of how sure it is. Definitive: the first four.
 * TIMEOUT is never made by packet_read: the door says it.
 *
 * The reader does not know which zone the server was asked for: of a referral
 * the caller judges whether its cut is below that zone (progress) or not (an
 * upward referral: the server is lame), and of the other answers whether `aa`
 * must be set. With aliases, RECORDS, NODATA and NXDOMAIN speak of the end of
 * the chain. An answer that follows aliases out of what its server serves and
 * stops there is NODATA with chain_n > 0 and has_soa false: it says nothing of
 * the target, which is to be asked for elsewhere. */
enum outcome {
	OUTCOME_RECORDS,  /* NOERROR with at least one record of the type */
	OUTCOME_NODATA,	  /* NOERROR without one, RFC 2308 section 2.2 */
	OUTCOME_NXDOMAIN, /* RFC 2308 section 2.1 */
	OUTCOME_REFERRAL, /* aa clear, no answers, no SOA, NS of a name that the
			   * question's name is within */
	OUTCOME_SERVFAIL,
	OUTCOME_REFUSED,
	OUTCOME_RCODE, /* any other rcode (FORMERR, NOTIMP, ...) */
	OUTCOME_LAME,  /* NOERROR, aa and ra clear, no records, no cut */
	OUTCOME_TIMEOUT,
	OUTCOME_MALFORMED, /* not an answer to this question, or unreadable */
};

/* answer.why of a question for which the domain's budget had no room */
#define WHY_BUDGET "budget"

struct packet_txt { /* one TXT record, joined */
	const uint8_t *bytes;
	size_t len;
	bool nul; /* holds a NUL octet */
};

struct packet_addr {
	uint8_t family;	    /* 4 or 6 */
	uint8_t octets[16]; /* 4 or 16 of them, network order */
};

struct packet_glue {
	struct dname owner;
	struct packet_addr addr;
};

struct answer {
	enum outcome outcome;
	uint8_t rcode; /* 4 bits of the header; an extended rcode other than
			* 0 makes the outcome RCODE */
	bool aa, ad, tc;
	bool ra;	 /* the server offers recursion: a resolver */
	bool has_ede;	 /* extended DNS error present */
	uint16_t ede;	 /* its first INFO-CODE */
	const char *why; /* MALFORMED: a constant that names the fault; TIMEOUT:
			  * why nobody was asked, NULL = somebody was */
	bool chain_bad;	 /* MALFORMED: an alias loop or too many aliases */

	/* the CNAME chain, in order; owner of the records is its end */
	uint8_t chain_n;
	struct dname *chain; /* targets, arena */
	uint32_t ttl_s;	     /* least TTL of the records and of the chain, of
			      * a referral's NS; 0 = there are none */

	/* records of the type asked for; by type one of these is set */
	size_t n;
	struct packet_txt *txt;	  /* TXT */
	struct packet_addr *addr; /* A, AAAA */
	struct dname *names;	  /* NS, CNAME, PTR, MX (no preference) */

	/* SOA of a negative answer, or of an SOA question */
	bool has_soa;
	struct dname soa_owner;
	uint32_t soa_serial;
	uint32_t neg_ttl_s; /* min(SOA TTL, SOA.MINIMUM), RFC 2308 section 5 */

	/* REFERRAL: the cut, its servers and what glue came along */
	struct dname cut;
	size_t ns_n;
	struct dname *ns; /* arena */
	size_t glue_n;
	struct packet_glue *glue; /* arena; owners are among ns */
};

/* Reads bytes as the answer to question q with this id. Always fills *out;
 * what is not an answer to q is OUTCOME_MALFORMED with `why`. Owner names,
 * class, QR, opcode, id and the echoed question are checked; records off the
 * CNAME chain are ignored. A truncated answer is the door's business: here it
 * is MALFORMED "truncated" with tc set, for it proves nothing. Of a malformed
 * answer only why, rcode, tc and chain_bad are told. Error answers need not
 * echo the question (a server that could not read it cannot). Arrays lie in a;
 * a full arena is MALFORMED "too large". */
void packet_read(struct answer *out, const uint8_t *bytes, size_t len,
    uint16_t id, const struct question *q, struct arena *a);

/* Writes the query for q: one question, AD set (RFC 6840 section 5.7), OPT
 * with PACKET_UDP_SIZE. Returns its length, <= PACKET_QUERY_MAX. */
size_t packet_query(uint8_t *out, uint16_t id, const struct question *q);

/* "records", "nodata", "nxdomain", ... as in schemas/. */
const char *outcome_name(enum outcome o);
/* NULL-free text of an address; out holds 46. */
void packet_addr_show(const struct packet_addr *addr, char *out);
/* Not globally reachable: loopback, private, link-local, multicast,
 * unspecified, documentation, reserved; also inside NAT64 and 6to4. */
bool packet_addr_private(const struct packet_addr *addr);
