/* SPDX-License-Identifier: Apache-2.0 */
/* The schema files name the same values as the code: what one of them learns,
 * the other must. */
#include "core/job.h"
#include "core/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/document.h"

static struct document *
schema(const char *file)
{
	static char text[1 << 16];
	struct document *d;
	struct err e = {.text = ""};
	char path[200];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "schemas/%s", file);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s is missing: run from the top folder", path);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (document_read(&d, text, len, &e) != OK)
		fail_msg("%s: %s", path, e.text);
	return d;
}

static bool
lists(const struct document *d, const char *path, const char *name)
{
	for (int64_t i = 0; i < document_count(d, path); i++) {
		const char *has =
		    document_self(document_at(d, path, (size_t)i));

		if (has != NULL && strcmp(has, name) == 0)
			return true;
	}
	return false;
}

static void
codes(void **state)
{
	static const char *const paths[] = {"$defs.pass.enum",
	    "$defs.negative.enum", "$defs.undecided.enum",
	    "$defs.rejection.enum"};
	struct document *d = schema("codes.json");
	int64_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		n += document_count(d, paths[i]);
	assert_int_equal(n, CODE_N - 1); /* but CODE_NONE */
	for (unsigned c = CODE_NONE + 1; c < CODE_N; c++) {
		bool there = false;

		for (size_t i = 0; i < ARRAY_LEN(paths); i++)
			there |= lists(d, paths[i], code_name((enum code)c));
		if (!there)
			fail_msg(
			    "codes.json lacks %s", code_name((enum code)c));
	}
	document_free(d);
}

#define SAME(d, path, n, name_of, type)                                        \
	do {                                                                   \
		assert_int_equal(document_count(d, path), n);                  \
		for (unsigned i_ = 0; i_ < (n); i_++)                          \
			if (!lists(d, path, name_of((type)i_)))                \
				fail_msg(                                      \
				    "%s lacks %s", path, name_of((type)i_));   \
	} while (0)

static void
values(void **state)
{
	struct document *d = schema("common.json");

	(void)state;
	SAME(d, "$defs.lane.enum", LANE_N, lane_name, enum lane);
	SAME(d, "$defs.kind.enum", JOB_KIND_N, job_kind_name, enum job_kind);
	SAME(d, "$defs.check_name.enum", CHECK_N, check_name, enum check);
	SAME(
	    d, "$defs.function.enum", FUNCTION_N, function_name, enum function);
	SAME(d, "$defs.function_status.enum", FUNCTION_STATUS_N,
	    function_status_name, enum function_status);
	SAME(d, "$defs.key_type.enum", DKIM_ED25519 + 1u, dkim_type_name,
	    enum dkim_type);
	SAME(d, "$defs.verdict.enum", VERDICT_N, verdict_name, enum verdict);
	SAME(d, "$defs.assurance.enum", ASSURANCE_N, assurance_name,
	    enum assurance);
	SAME(d, "$defs.status.enum", CLAIM_STATUS_N, claim_status_name,
	    enum claim_status);
	SAME(d, "$defs.shield.enum", SHIELD_RED + 1u, shield_name, enum shield);
	SAME(d, "$defs.server.properties.outcome.enum", OUTCOME_MALFORMED + 1u,
	    outcome_name, enum outcome);
	document_free(d);
}

static void
outcomes(void **state)
{
	struct document *d = schema("common.json");

	(void)state;
	assert_int_equal(document_count(d, "$defs.outcome.enum"), END_N - 1);
	for (unsigned o = END_OPEN + 1; o < END_N; o++)
		assert_true(lists(d, "$defs.outcome.enum",
		    job_outcome_name((enum job_outcome)o)));
	document_free(d);
}

static void
topics(void **state)
{
	struct document *d = schema("topics.json");
	int64_t partitions = -1;

	(void)state;
	assert_int_equal(document_count(d, "topics"), TOPIC_N);
	for (unsigned t = 0; t < TOPIC_N; t++) {
		const struct document *one = document_at(d, "topics", t);

		assert_string_equal(
		    document_text(one, "name"), topic_name((enum topic)t));
		if (partitions < 0)
			partitions = document_number(one, "partitions", 0);
		assert_int_equal(
		    document_number(one, "partitions", 0), partitions);
	}
	document_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(codes),
	    cmocka_unit_test(values),
	    cmocka_unit_test(outcomes),
	    cmocka_unit_test(topics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
