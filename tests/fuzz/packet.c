/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as the answer to each of a few questions. The id is taken from
 * the input, so that it does not have to be guessed. */
#include "core/packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct {
	const char *name;
	uint16_t type;
} asked[] = {
    {"_example-challenge.shop.test", RRTYPE_TXT},
    {"shop.test", RRTYPE_TXT},
    {"shop.test", RRTYPE_NS},
    {"shop.test", RRTYPE_SOA},
    {"ns1.test", RRTYPE_A},
    {"ns1.test", RRTYPE_AAAA},
    {"a.test", RRTYPE_CNAME},
    {"shop.test", RRTYPE_MX},
    {"shop.test", RRTYPE_PTR},
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_name(const struct dname *name)
{
	char shown[DNAME_SHOWN_MAX + 1];
	struct dname up = *name;

	must(name->len >= 1 && name->wire[name->len - 1] == 0);
	dname_show(name, shown);
	for (unsigned n = dname_labels(name); n > 0; n--)
		dname_parent(&up, &up);
	must(up.len == 1);
}

static void
check_txt(const struct packet_txt *txt)
{
	bool nul = false;

	must(txt->len <= PACKET_TXT_MAX);
	for (size_t i = 0; i < txt->len; i++)
		nul |= txt->bytes[i] == 0;
	must(nul == txt->nul);
}

static void
check_records(const struct answer *a, uint16_t type)
{
	for (size_t i = 0; i < a->n; i++) {
		if (type == RRTYPE_TXT)
			check_txt(&a->txt[i]);
		else if (type == RRTYPE_NS || type == RRTYPE_CNAME ||
			 type == RRTYPE_MX || type == RRTYPE_PTR)
			check_name(&a->names[i]);
		else if (type == RRTYPE_A || type == RRTYPE_AAAA)
			must(a->addr[i].family == (type == RRTYPE_A ? 4 : 6));
	}
}

static void
check(const struct answer *a, const struct question *q)
{
	must((a->outcome == OUTCOME_MALFORMED) == (a->why != NULL));
	must((a->outcome == OUTCOME_RECORDS) == (a->n > 0));
	must(a->n <= PACKET_RECORDS_MAX && a->chain_n <= PACKET_CHAIN_MAX);
	must(outcome_name(a->outcome) != NULL);
	check_records(a, q->type);
	for (size_t i = 0; i < a->chain_n; i++)
		check_name(&a->chain[i]);
	for (size_t i = 0; i < a->ns_n; i++)
		check_name(&a->ns[i]);
	for (size_t i = 0; i < a->glue_n; i++) {
		char text[46];

		check_name(&a->glue[i].owner);
		packet_addr_show(&a->glue[i].addr, text);
	}
	if (a->outcome == OUTCOME_REFERRAL)
		must(dname_within(&q->name, &a->cut) && a->ns_n > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static uint8_t memory[256 * 1024];
	uint16_t id = (uint16_t)(len < 2 ? 0 : bytes[0] << 8 | bytes[1]);

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct question q = {.type = asked[i].type};
		struct arena arena;
		struct answer a;

		must(dname_from_text(&q.name, asked[i].name, NULL) == DNAME_OK);
		arena_init(&arena, memory, sizeof(memory));
		packet_read(&a, bytes, len, id, &q, &arena);
		check(&a, &q);
	}
	return 0;
}
