/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/dns/mutate.h"

#include "core/packet.h"

#include <string.h>

#define HEADER 12

/* Where the parts of the message lie. */
struct parts {
	size_t qtype;	 /* behind the name of the question */
	size_t owner;	 /* of the first record: two octets */
	size_t data;	 /* the length octet of its string */
	size_t string_n; /* its octets */
};

/* splitmix64 */
uint64_t
rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint32_t
rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

static bool
find_parts(const uint8_t *msg, size_t len, struct parts *out)
{
	size_t at = HEADER;

	while (at < len && msg[at] != 0)
		at += 1u + msg[at];
	out->qtype = at + 1;
	out->owner = out->qtype + 4;
	out->data = out->owner + 2 + 10;
	if (len < out->data + 2 || msg[out->owner] != 0xc0 ||
	    msg[out->owner + 1] != HEADER || msg[out->owner + 3] != RRTYPE_TXT)
		return false;
	out->string_n = msg[out->data];
	return out->string_n > 0 && out->data + 1 + out->string_n <= len;
}

/* Any bits of the octet but none of keep's. */
static void
flip(uint8_t *octet, uint8_t keep, struct rng *r)
{
	uint8_t mask;

	do
		mask = (uint8_t)rng_next(r) & (uint8_t)~keep;
	while (mask == 0);
	*octet ^= mask;
}

static void
flip_16(uint8_t *two, struct rng *r)
{
	uint16_t mask = (uint16_t)(1 + rng_below(r, 65535));

	two[0] ^= (uint8_t)(mask >> 8);
	two[1] ^= (uint8_t)mask;
}

static void
count_up(uint8_t *two, struct rng *r)
{
	uint32_t more = 1 + rng_below(r, rng_below(r, 2) ? 65000 : 3);

	more += (uint32_t)(two[0] << 8 | two[1]);
	two[0] = (uint8_t)(more >> 8);
	two[1] = (uint8_t)more;
}

static void
count_other(uint8_t *two, struct rng *r)
{
	if (rng_below(r, 2))
		count_up(two, r);
	else
		two[0] = two[1] = 0;
}

/* An octet of the name; more than the case of a letter. */
static void
flip_name(uint8_t *msg, const struct parts *p, struct rng *r)
{
	size_t n = p->qtype - 1 - HEADER;
	uint8_t *octet = msg + HEADER + rng_below(r, (uint32_t)n);

	flip(octet, 0x20, r);
}

static void
bad_pointer(uint8_t *msg, const struct parts *p, struct rng *r)
{
	const uint16_t to[] = {(uint16_t)p->owner, (uint16_t)(p->owner + 1),
	    (uint16_t)p->data, 0x3fff, 0, 11};
	uint16_t it = to[rng_below(r, ARRAY_LEN(to))];

	msg[p->owner] = (uint8_t)(0xc0 | it >> 8);
	msg[p->owner + 1] = (uint8_t)it;
}

static void
noise(uint8_t *msg, size_t len, struct rng *r)
{
	for (size_t i = 2; i < len; i++)
		msg[i] = (uint8_t)rng_next(r);
}

static void
change(uint8_t *msg, size_t len, const struct parts *p, enum mutation how,
    struct rng *r)
{
	switch (how) {
	case MUTATE_ID:
		flip_16(msg, r);
		break;
	case MUTATE_QR:
		msg[2] &= 0x7f;
		break;
	case MUTATE_OPCODE:
		flip(msg + 2, 0x87, r);
		break;
	case MUTATE_TC:
		msg[2] |= 2;
		break;
	case MUTATE_RCODE:
		flip(msg + 3, 0xf0, r);
		break;
	case MUTATE_QDCOUNT:
		count_other(msg + 4, r);
		break;
	case MUTATE_ANCOUNT:
		count_other(msg + 6, r);
		break;
	case MUTATE_NSCOUNT:
		count_up(msg + 8, r);
		break;
	case MUTATE_ARCOUNT:
		count_up(msg + 10, r);
		break;
	case MUTATE_QNAME:
		flip_name(msg, p, r);
		break;
	case MUTATE_QTYPE:
		flip_16(msg + p->qtype, r);
		break;
	case MUTATE_QCLASS:
		flip_16(msg + p->qtype + 2, r);
		break;
	case MUTATE_OWNER:
		flip_16(msg + p->owner, r);
		break;
	case MUTATE_POINTER:
		bad_pointer(msg, p, r);
		break;
	case MUTATE_TYPE:
		flip_16(msg + p->owner + 2, r);
		break;
	case MUTATE_CLASS:
		flip_16(msg + p->owner + 4, r);
		break;
	case MUTATE_RDLENGTH:
		flip_16(msg + p->owner + 10, r);
		break;
	case MUTATE_STRING:
		flip(msg + p->data, 0, r);
		break;
	case MUTATE_DATA:
		flip(msg + p->data + 1 + rng_below(r, (uint32_t)p->string_n), 0,
		    r);
		break;
	case MUTATE_NOISE:
		noise(msg, len, r);
		break;
	case MUTATE_CUT:
	case MUTATE_N:
		break;
	}
}

size_t
mutate(uint8_t *msg, size_t len, enum mutation how, struct rng *r)
{
	struct parts p;

	if (!find_parts(msg, len, &p))
		return 0;
	if (how == MUTATE_CUT)
		return rng_below(r, (uint32_t)len);
	change(msg, len, &p, how, r);
	return len;
}

const char *
mutation_name(enum mutation how)
{
	static const char *const name[MUTATE_N] = {
	    [MUTATE_ID] = "id",
	    [MUTATE_QR] = "qr",
	    [MUTATE_OPCODE] = "opcode",
	    [MUTATE_TC] = "tc",
	    [MUTATE_RCODE] = "rcode",
	    [MUTATE_QDCOUNT] = "qdcount",
	    [MUTATE_ANCOUNT] = "ancount",
	    [MUTATE_NSCOUNT] = "nscount",
	    [MUTATE_ARCOUNT] = "arcount",
	    [MUTATE_QNAME] = "qname",
	    [MUTATE_QTYPE] = "qtype",
	    [MUTATE_QCLASS] = "qclass",
	    [MUTATE_OWNER] = "owner",
	    [MUTATE_POINTER] = "pointer",
	    [MUTATE_TYPE] = "type",
	    [MUTATE_CLASS] = "class",
	    [MUTATE_RDLENGTH] = "rdlength",
	    [MUTATE_STRING] = "string",
	    [MUTATE_DATA] = "data",
	    [MUTATE_CUT] = "cut",
	    [MUTATE_NOISE] = "noise",
	};

	return name[how];
}
