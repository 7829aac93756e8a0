/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what is parsed, what is refused and with which words, and
 * that help comes from the same tables. */
#include "producer/option.h"

#include "core/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 12

/* argv of its own, as it is reordered */
static char *words[WORDS_MAX + 1];

static enum next
parse(const char *line, struct options *o, struct err *e)
{
	static char copy[512];
	int n = 0;

	snprintf(copy, sizeof(copy), "domainproof %s", line);
	for (char *s = strtok(copy, " "); s != NULL; s = strtok(NULL, " "))
		words[n++] = s;
	words[n] = NULL;
	return option_parse(o, n, words, e);
}

static void
parsed(const char *line, struct options *o)
{
	struct err e;

	if (parse(line, o, &e) != OK)
		fail_msg("%s: %s", line, e.text);
}

static void
refused(const char *line, const char *says)
{
	struct options o;
	struct err e;

	if (parse(line, &o, &e) != REJECT)
		fail_msg("accepted: %s", line);
	if (strstr(e.text, says) == NULL)
		fail_msg("%s: said: %s", line, e.text);
}

static void
verbs(void **state)
{
	static const struct {
		const char *line;
		enum verb want;
	} t[] = {
	    {"", VERB_HELP},
	    {"-h", VERB_HELP},
	    {"--help", VERB_HELP},
	    {"--version", VERB_VERSION},
	    {"-V", VERB_VERSION},
	    {"claim a.test", VERB_CLAIM},
	    {"verify", VERB_VERIFY},
	    {"status", VERB_STATUS},
	    {"wait", VERB_WAIT},
	    {"check", VERB_CHECK},
	    {"topics plan", VERB_TOPICS},
	    {"state dump", VERB_STATE},
	    {"doctor", VERB_DOCTOR},
	    {"version", VERB_VERSION},
	    {"help verify", VERB_HELP},
	    {"-c verify doctor", VERB_DOCTOR},
	    {"--conf x --org y status", VERB_STATUS},
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		parsed(t[i].line, &o);
		if (o.verb != t[i].want)
			fail_msg("%s: verb %d", t[i].line, (int)o.verb);
	}
}

static void
options_and_arguments_mix(void **state)
{
	struct options o;

	(void)state;
	parsed("-c F verify a.test --deadline 90s b.test --wait --lane=bulk "
	       "c.test",
	    &o);
	assert_string_equal(o.text[OPTION_CONF], "F");
	assert_int_equal(o.number[OPTION_DEADLINE], 90000);
	assert_int_equal(o.number[OPTION_LANE], LANE_WORD_BULK);
	assert_true(o.given[OPTION_WAIT]);
	assert_int_equal(o.number[OPTION_WAIT], OPTION_UNSET);
	assert_int_equal(o.args_n, 3);
	assert_string_equal(o.args[0], "a.test");
	assert_string_equal(o.args[1], "b.test");
	assert_string_equal(o.args[2], "c.test");
}

static void
values(void **state)
{
	struct options o;

	(void)state;
	parsed("verify --wait=2min x.test", &o);
	assert_int_equal(o.number[OPTION_WAIT], 120000);
	parsed("claim -oacme -f- --as split", &o);
	assert_string_equal(o.text[OPTION_ORG], "acme");
	assert_string_equal(o.text[OPTION_INPUT], "-");
	assert_int_equal(o.number[OPTION_AS], AS_SPLIT);
	parsed("wait x --for verified", &o);
	assert_int_equal(o.number[OPTION_FOR], WAIT_VERIFIED);
	parsed("verify -", &o);
	assert_int_equal(o.args_n, 1);
	parsed("verify -- --org", &o);
	assert_int_equal(o.args_n, 1);
	assert_string_equal(o.args[0], "--org");
	parsed("topics apply -f T --partitions 16", &o);
	assert_string_equal(o.text[OPTION_TOPICS_FILE], "T");
	assert_null(o.text[OPTION_INPUT]);
	assert_int_equal(o.number[OPTION_PARTITIONS], 16);
	parsed("state rebase --partition 0 --lane control --to 17 -y", &o);
	assert_int_equal(o.number[OPTION_PARTITION], 0);
	assert_int_equal(o.number[OPTION_REBASE_LANE], LANE_CONTROL);
	assert_false(o.given[OPTION_LANE]);
	assert_string_equal(o.text[OPTION_TO], "17");
	assert_true(o.given[OPTION_YES]);
	parsed("state rebase --lane all", &o);
	assert_int_equal(o.number[OPTION_REBASE_LANE], LANE_N);
}

static void
what_is_wrong_is_said(void **state)
{
	static const char *const t[][2] = {
	    {"vrify a", "did you mean verify?"},
	    {"xyzzy", "domainproof help"},
	    {"verify --dedline 3", "did you mean --deadline?"},
	    {"verify --dead 3", "did you mean --deadline?"},
	    {"verify --zzz", "domainproof help verify"},
	    {"claim --deadline 3", "claim has no option --deadline"},
	    {"status -x", "no option -x"},
	    {"verify -nx", "no option -nx"},
	    {"verify --json=1", "takes no value"},
	    {"verify --lane", "--lane wants LANE"},
	    {"verify --lane slow", "jobs, bulk"},
	    {"verify --deadline", "--deadline wants DUR"},
	    {"verify --deadline soon", "48h"},
	    {"verify --wait=soon", "48h"},
	    {"verify --org=", "not nothing"},
	    {"topics --partitions 0", "1 to"},
	    {"topics --partitions 8x", "1 to"},
	    {"state --partition -1", "0 to"},
	    {"state --partition x", "0 to"},
	    {"state --lane slow", "control, all"},
	    {"verify --lane control", "jobs, bulk"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		refused(t[i][0], t[i][1]);
}

static void
durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1 = refused */
	} t[] = {
	    {"0", 0},
	    {"0s", 0},
	    {"90", 90000},
	    {"500ms", 500},
	    {"500 ms", 500},
	    {"30s", 30000},
	    {"5m", 300000},
	    {"5min", 300000},
	    {"48h", 172800000},
	    {"7d", 604800000},
	    {"", -1},
	    {"-1", -1},
	    {"1.5h", -1},
	    {"h", -1},
	    {"5 weeks", -1},
	    {"9223372036854775807", -1},
	    {"99999999999999999999", -1},
	    {"200000000000d", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		int64_t ms = -1;

		if (option_duration(t[i].text, &ms) != (t[i].ms >= 0) ||
		    (t[i].ms >= 0 && ms != t[i].ms))
			fail_msg("'%s': %lld", t[i].text, (long long)ms);
	}
}

/* Every option that a verb takes is in its help, and no other. */
static void
help_is_the_table(void **state)
{
	(void)state;
	for (int v = 0; v < VERB_N; v++) {
		char *text = NULL;
		size_t len;
		FILE *f = open_memstream(&text, &len);
		char *line, *rest;

		assert_non_null(f);
		option_help_verb(f, (enum verb)v);
		fclose(f);
		assert_non_null(strstr(text, option_verb_name((enum verb)v)));
		assert_non_null(strstr(text, "Exit: 0"));
		for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
			if (strlen(line) > 80)
				fail_msg("too wide: %s", line);
		}
		free(text);
	}
}

static void
help_lists_options(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_non_null(f);
	option_help_verb(f, VERB_VERIFY);
	fclose(f);
	assert_non_null(strstr(text, "-f, --file FILE"));
	assert_non_null(strstr(text, "--wait[=DUR]"));
	assert_null(strstr(text, "--resolver"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verbs),
	    cmocka_unit_test(options_and_arguments_mix),
	    cmocka_unit_test(values),
	    cmocka_unit_test(what_is_wrong_is_said),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(help_is_the_table),
	    cmocka_unit_test(help_lists_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
