/* SPDX-License-Identifier: Apache-2.0 */
/* The part of core/packet.h about addresses. */
#include "core/packet.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 46 /* INET6_ADDRSTRLEN */

struct prefix {
	uint8_t octets[8];
	uint8_t bits;
};

/* IANA's IPv4 special-purpose addresses (RFC 6890), multicast and what is
 * reserved above it. */
static const struct prefix private_v4[] = {
    {{0}, 8},
    {{10}, 8},
    {{100, 64}, 10},
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 0, 2}, 24},
    {{192, 168}, 16},
    {{198, 18}, 15},
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 3},
};

/* Nothing but 2000::/3 is global unicast; of that these are not. */
static const struct prefix global_v6 = {{0x20}, 3};
static const struct prefix private_v6[] = {
    {{0x20, 0x01}, 23},		    /* protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff}, 20},		    /* documentation, RFC 9637 */
};

/* An IPv4 address inside an IPv6 one, at this octet. */
static const struct prefix nat64 = {{0, 0x64, 0xff, 0x9b}, 64};
static const struct prefix sixtofour = {{0x20, 0x02}, 16};
#define NAT64_AT     12
#define SIXTOFOUR_AT 2

static bool
has_prefix(const uint8_t *octets, const struct prefix *p)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;
	unsigned mask = 0xff00u >> rest & 0xffu;

	return memcmp(octets, p->octets, whole) == 0 &&
	       (rest == 0 || ((octets[whole] ^ p->octets[whole]) & mask) == 0);
}

static bool
in_any(const uint8_t *octets, const struct prefix *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (has_prefix(octets, &p[i]))
			return true;
	}
	return false;
}

static bool
v4_private(const uint8_t *octets)
{
	return in_any(octets, private_v4, ARRAY_LEN(private_v4));
}

static bool
v6_private(const uint8_t *octets)
{
	static const uint8_t zeros[4];

	/* 64:ff9b::/96: the four octets before the address are zero too */
	if (has_prefix(octets, &nat64) && memcmp(octets + 8, zeros, 4) == 0)
		return v4_private(octets + NAT64_AT);
	if (has_prefix(octets, &sixtofour))
		return v4_private(octets + SIXTOFOUR_AT);
	return !has_prefix(octets, &global_v6) ||
	       in_any(octets, private_v6, ARRAY_LEN(private_v6));
}

bool
packet_addr_private(const struct packet_addr *addr)
{
	return addr->family == 4 ? v4_private(addr->octets)
				 : v6_private(addr->octets);
}

static unsigned
group(const uint8_t *octets, unsigned i)
{
	return (unsigned)octets[2 * i] << 8 | octets[2 * i + 1];
}

/* RFC 5952 section 4.2: the first longest run of at least two zero groups. */
static unsigned
zero_run(const uint8_t *octets, unsigned *len)
{
	unsigned best = 8, best_len = 1;

	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 0;

		while (i + n < 8 && group(octets, i + n) == 0)
			n++;
		if (n > best_len) {
			best = i;
			best_len = n;
		}
	}
	*len = best_len;
	return best;
}

static void
show_v6(const uint8_t *octets, char *out)
{
	unsigned run_len, run = zero_run(octets, &run_len);
	int n = 0;

	for (unsigned i = 0; i < 8; i++) {
		bool after_run = i == 0 || i == run + run_len;

		if (i == run) {
			n += snprintf(out + n, SHOWN_MAX - (size_t)n, "::");
			i += run_len - 1;
			continue;
		}
		n += snprintf(out + n, SHOWN_MAX - (size_t)n, "%s%x",
		    after_run ? "" : ":", group(octets, i));
	}
}

void
packet_addr_show(const struct packet_addr *addr, char *out)
{
	const uint8_t *o = addr->octets;

	if (addr->family == 4)
		snprintf(out, SHOWN_MAX, "%u.%u.%u.%u", o[0], o[1], o[2], o[3]);
	else
		show_v6(o, out);
}
