/* SPDX-License-Identifier: Apache-2.0 */
/* Any octets as the TXT records at a selector's name, parted by RS (0x1e). The
 * first octet chooses the key that is wanted. */
#include "core/dkim.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/dkim_keys.h"

#define PARTS_MAX 8
#define RS	  0x1e

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
key_from(struct dkim_public *key, enum dkim_type type, const char *p)
{
	must(dkim_public_from_p(
		 key, type, (const uint8_t *)p, strlen(p), NULL) == DKIM_OK);
}

/* Records, each in memory of its own. */
static size_t
split(struct packet_txt *txt, const uint8_t *bytes, size_t len)
{
	size_t n = 0;

	while (n < PARTS_MAX) {
		const uint8_t *end = len > 0 ? memchr(bytes, RS, len) : NULL;
		size_t part = end != NULL ? (size_t)(end - bytes) : len;
		uint8_t *copy = malloc(part + (part == 0));

		if (copy == NULL)
			return n;
		if (part > 0)
			memcpy(copy, bytes, part);
		txt[n++] = (struct packet_txt){.bytes = copy, .len = part};
		if (end == NULL)
			return n;
		bytes += part + 1;
		len -= part + 1;
	}
	return n;
}

static void
check(const struct judged *j, const struct packet_txt *txt, size_t n,
    const struct dkim_wish *wish)
{
	must(j->verdict == VERDICT_PASS || j->verdict == VERDICT_FAIL ||
	     j->verdict == VERDICT_NONE);
	must((j->verdict == VERDICT_PASS) == (j->code == CODE_NONE));
	must((j->verdict == VERDICT_NONE) == (j->code == CODE_NOT_PUBLISHED));
	must(j->also_n <= ALSO_MAX && strlen(j->saw) <= SAW_MAX);
	must(j->txt < n || (j->txt == 0 && n == 0));
	must(j->mark == NO_MARK || j->mark <= txt[j->txt].len);
	for (const char *c = j->saw; *c != '\0'; c++)
		must(*c >= ' ' && *c <= '~');
	/* one record, and one only, may be right */
	must(j->verdict != VERDICT_PASS || n == 1);
	must(j->verdict == VERDICT_PASS || wish->key == NULL ||
	     j->publish[0] != '\0');
}

/* What we tell people to publish must be right. */
static void
check_publish(const struct judged *j, const struct dkim_wish *wish)
{
	struct packet_txt told = {
	    .bytes = (const uint8_t *)j->publish, .len = strlen(j->publish)};
	struct judged again;

	if (told.len == 0)
		return;
	dkim_judge(&again, &told, 1, wish);
	must(again.verdict == VERDICT_PASS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct dkim_public rsa, ed, other;
	struct packet_txt txt[PARTS_MAX];
	struct dkim_known known = {.selector = "s1", .key = &other};
	struct dkim_wish wish = {.known = &known, .known_n = 1};
	struct judged j;
	size_t n;

	if (rsa.len == 0) {
		key_from(&rsa, DKIM_RSA, RSA_2048);
		key_from(&ed, DKIM_ED25519, RFC_ED25519);
		key_from(&other, DKIM_RSA, RSA_OTHER);
	}
	if (len == 0)
		return 0;
	if (*bytes == 'r')
		wish.key = &rsa;
	if (*bytes == 'e')
		wish.key = &ed;
	n = split(txt, bytes + 1, len - 1);
	memset(&j, 0x55, sizeof(j));
	dkim_judge(&j, txt, n, &wish);
	check(&j, txt, n, &wish);
	check_publish(&j, &wish);
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)txt[i].bytes);
	return 0;
}
