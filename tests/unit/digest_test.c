/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by the examples of FIPS 180-4 and its empty message. */
#include "io/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
examples(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
	    {"",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8"
		"55"},
	    {"abc",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015"
		"ad"},
	    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06"
		"c1"},
	};
	uint8_t digest[DIGEST_OCTETS];
	char out[2 * DIGEST_OCTETS + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		digest_sha256(rows[i].text, strlen(rows[i].text), digest);
		digest_show(digest, DIGEST_OCTETS, out);
		assert_string_equal(out, rows[i].want);
	}
}

static void
shows_the_first_octets(void **state)
{
	static const uint8_t octets[] = {0x00, 0x0f, 0xf0, 0xff};
	char out[9];

	(void)state;
	digest_show(octets, 4, out);
	assert_string_equal(out, "000ff0ff");
	digest_show(octets, 2, out);
	assert_string_equal(out, "000f");
	digest_show(octets, 0, out);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(examples),
	    cmocka_unit_test(shows_the_first_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
