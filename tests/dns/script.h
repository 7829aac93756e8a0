/* SPDX-License-Identifier: Apache-2.0 */
/* The language in which tests tell a DNS server how to misbehave; README.md
 * here explains it. A script is a list of rules, a rule a list of packets, a
 * packet a list of steps. Memory is bounded by the text's length. */
#pragma once
#include "core/packet.h"

#define SCRIPT_TEXT_MAX	   (1u << 20)
#define SCRIPT_PACKETS_MAX 16 /* of one rule */
#define SCRIPT_STEPS_MAX   64 /* of one packet */

enum step_kind {
	/* records; data in bytes */
	STEP_RECORD, /* n: type */
	STEP_MANY,   /* the next record n times */
	STEP_FILL,   /* TXT records until the message has n octets */
	STEP_HOPS,   /* the next record's owner: a chain of n pointers */
	/* where and how the next ones are written */
	STEP_SECTION, /* n: 0 answer .. 2 additional */
	STEP_TTL,
	STEP_CLASS,
	STEP_OWNER,    /* bytes: in wire form, as they stand */
	STEP_OWNER_AT, /* a pointer n octets from itself */
	STEP_RDLENGTH, /* of the next one: n octets more than there are */
	/* the header, the question, EDNS */
	STEP_ID,       /* n is added */
	STEP_FLAGS,    /* n: set, more: cleared first */
	STEP_COUNT,    /* n: 0 questions .. 3 additional; more: the count */
	STEP_QUESTION, /* n: enum step_question */
	STEP_QNAME,    /* bytes */
	STEP_QTYPE,
	STEP_QCLASS,
	STEP_NO_EDNS,
	STEP_EDE, /* n: code, bytes: text */
	/* the message, when it is made */
	STEP_CUT,    /* to n octets; negative: without the last ones */
	STEP_JUNK,   /* n octets behind it */
	STEP_SET,    /* bytes at n */
	STEP_FLIP,   /* the bits more at n */
	STEP_MUTATE, /* n: enum mutation; MUTATE_N = any */
	/* how it is sent */
	STEP_DELAY, /* ms */
	STEP_SILENT,
	STEP_FROM,  /* addr; n: port, 0 = ours */
	STEP_FLOOD, /* before it n copies with other ids */
	STEP_WHOLE, /* over UDP however large it is */
	STEP_DRIP,  /* TCP: an octet each n ms */
	STEP_RESET, /* TCP: half of it, then a reset */
	STEP_STALL, /* TCP: half of it, then nothing */
	STEP_CLOSE, /* TCP: half of it, then the end */
};

enum step_question {
	QUESTION_ECHO,
	QUESTION_NONE,
	QUESTION_TWICE,
	QUESTION_CASE,
};

struct step {
	enum step_kind kind;
	int64_t n, more;
	struct packet_addr addr;
	const uint8_t *bytes;
	size_t len;
};

struct plan { /* of one packet */
	size_t steps_n;
	const struct step *steps;
};

enum via { VIA_UDP, VIA_TCP };

struct query {
	const uint8_t *bytes;
	size_t len;
	size_t question_end;
	uint16_t id, flags, type, class;
	uint16_t edns_size; /* 0 = no EDNS */
	bool dnssec_ok;
	struct dname name;
	enum via via;
	struct packet_addr to;
};

struct rule {
	struct rule *next;
	unsigned line; /* in the script */
	/* when */
	enum { NAME_IS, NAME_BELOW, NAME_ANY } how;
	struct dname name;
	uint16_t type; /* 0 = any */
	bool by_via;
	enum via via;
	int rd, edns;	       /* -1 = either */
	struct packet_addr at; /* family 0 = any */
	uint64_t first, last;  /* of the queries that fit else, from 1 */
	uint64_t seen;
	/* what */
	size_t packets_n;
	struct plan packets[SCRIPT_PACKETS_MAX];
};

struct script {
	struct rule *first, *last;
	struct arena arena;
	void *memory;
};

/* REJECT: e says line and word. */
enum next script_read(
    struct script *out, const char *text, struct err *e) MUST_USE;
/* The first rule for it; NULL: none. Counts. */
const struct rule *script_match(struct script *s, const struct query *q);
void script_free(struct script *s);

/* "TXT", "TYPE65280"; 0 = none such. */
uint16_t script_type(const char *word);
/* out holds 16. */
void script_type_show(uint16_t type, char *out);
