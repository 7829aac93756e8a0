/* SPDX-License-Identifier: Apache-2.0 */
/* Settings and policy: right ones, a table of wrong ones with the place and
 * the reason that is named, and what is printed read again. */
#include "io/conf.h"

#include "core/names.h"
#include "io/conf_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], conf_path[96];
static struct settings s;
static struct policy p;
static struct err e;

static void
write_file(const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

#define POLICY                                                                 \
	"service: { name = \"example\"; };\n"                                  \
	"claim: { public_domains = \"list\"; };\n"

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/conf_test.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(conf_path, sizeof(conf_path), "%s/d.conf", dir);
	unsetenv("DOMAINPROOF_CONF");
	unsetenv("DOMAINPROOF_POLICY");
	write_file("d.conf", "", 0644);
	write_file("policy.conf", POLICY, 0644);
	write_file("list", "# public\nmail.test\n", 0644);
	return 0;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	conf_free(&p);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static enum next
read_again(const char *path)
{
	conf_free(&p);
	return conf_read(path, &s, &p, &e);
}

static void
must_read(void)
{
	if (read_again(conf_path) != OK)
		fail_msg("%s", e.text);
}

/* -- right --------------------------------------------------------------- */

static void
what_is_not_given_has_its_default(void **state)
{
	char want[128];

	(void)state;
	must_read();
	assert_string_equal(s.path, conf_path);
	assert_string_equal(s.pool.name, "main");
	assert_int_equal(s.pool.resolvers, 0);
	assert_string_equal(s.pool.run_dir, "/run/domainproof");
	assert_string_equal(s.kafka.brokers, "127.0.0.1:9092");
	assert_int_equal(s.kafka.session_ms, 10000);
	assert_int_equal(s.dns.resolvers_n, 1);
	assert_false(s.dns.trusted[0]);
	assert_true(s.dns.authoritative);
	snprintf(want, sizeof(want), "%s/policy.conf", dir);
	assert_string_equal(s.policy_path, want);
	assert_string_equal(p.service, "example");
	assert_int_equal(p.deadline_max_ms, 48 * 3600 * 1000);
	assert_int_equal(p.backoff.n, 9);
	assert_int_equal(p.backoff.gap_ms[8], 3600 * 1000);
	assert_int_equal(p.private_suffix, PRIVATE_SUFFIX_REFUSE);
	assert_true(names_has(p.public_domains, "mail.test"));
	assert_null(p.refused_domains);
	assert_int_equal(p.organisations_n, 0);
	assert_string_equal(p.spf_include, "");
	assert_int_equal(p.spf_addresses_n, 0);
	assert_int_equal(p.envelope_from, ENVELOPE_CUSTOMER);
	assert_string_equal(p.default_sender, "");
	assert_int_equal(p.dkim_required, DKIM_REQUIRED_WARN);
	assert_int_equal(p.key_import, KEY_IMPORT_ACCEPT);
	assert_int_equal(p.recheck_ms, 24 * 3600 * 1000);
	assert_int_equal(p.watch_gap_ms, 30000);
	assert_int_equal(p.watch_ms, 300000);
	assert_int_equal(p.guard_percent, 20);
	assert_int_equal(p.guard_looks, 100);
}

static const char full[] =
    "# all of it\n"
    "pool: { name = \"a\"; slot = \"b.1\"; schedulers = "
    "1; resolvers = 3; user = \"mail\";\n"
    "  run_dir = \"run\"; };\n"
    "kafka = { brokers = \"k1:9092, k-2.test,[::1]:9092\"; prefix = "
    "\"x.\"; session_ms = 6000;\n"
    "  txn_ms = 7000; commit_min_ms = 0; queue_kb = "
    "64; compression = \"lz4\"; };\n"
    "redis: { url = \"unix:/run/redis.sock\"; };\n"
    "dns: { resolvers = [\"127.0.0.1\", "
    "\"127.0.0.2:5353\", \"[::1]:53\", \"::1\"];\n"
    "  trusted = [\"127.0.0.2:5353\"]; authoritative = "
    "false; port = 5300;\n"
    "  timeout_ms = 300; tries = 1; private_ok = true; "
    "suffix_list = \"psl.dat\"; };\n"
    "log: { level = \"debug\"; };\n"
    "policy = \"p/rules.conf\";\n";

static const char full_policy[] =
    "service: { name = \"ex-1\"; support = \"a \\\"b\\\" \\\\ c\";\n"
    "  help_url = \"https://h.test/?a=1&b=2\";\n"
    "  default_sender = \"no-reply+x@mail.test\"; envelope_from = \"ours\"; "
    "};\n"
    "spf: { include = \"_spf.mail.test\";\n"
    "  addresses = [\"192.0.2.1\", \"2001:db8::1\"]; };\n"
    "dkim: { required = \"refuse\"; import = \"refuse\"; };\n"
    "guard: { percent = 0; looks = 7; };\n"
    "claim: { apex = \"refuse\"; private_suffix = \"accept\";\n"
    "  public_domains = \"\"; refused_domains = \"../list\";\n"
    "  organisations = [\"acme\", \"B_2\"]; };\n"
    "time: { deadline_max = \"90 s\"; backoff = [\"1500 ms\", \"2s\",\n"
    "  \"5 min\"]; lapse = \"25 h\"; lapse_looks = 3; dedupe = \"2 d\";\n"
    "  recheck = \"0 s\"; watch_gap = \"500 ms\"; watch = \"2 min\"; };\n";

static void
what_is_given_is_in_force(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/p", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file("d.conf", full, 0600);
	write_file("p/rules.conf", full_policy, 0600);
	must_read();
	assert_string_equal(s.pool.slot, "b.1");
	assert_string_equal(s.kafka.brokers, "k1:9092, k-2.test,[::1]:9092");
	assert_int_equal(conf_line(&s, "pool.slot"), 2);
	assert_int_equal(conf_line(&s, "kafka.txn_ms"), 5);
	assert_int_equal(conf_line(&s, "kafka.no_such"), 1);
	assert_int_equal(s.pool.resolvers, 3);
	assert_string_equal(s.pool.user, "mail");
	snprintf(path, sizeof(path), "%s/run", dir);
	assert_string_equal(s.pool.run_dir, path);
	assert_string_equal(s.kafka.prefix, "x.");
	assert_int_equal(s.kafka.txn_ms, 7000);
	assert_int_equal(s.kafka.commit_min_ms, 0);
	assert_string_equal(s.kafka.compression, "lz4");
	assert_string_equal(s.redis.url, "unix:/run/redis.sock");
	assert_int_equal(s.dns.resolvers_n, 4);
	assert_string_equal(s.dns.resolvers[2], "[::1]:53");
	assert_true(s.dns.trusted[1]);
	assert_false(s.dns.trusted[0] || s.dns.trusted[2]);
	assert_false(s.dns.authoritative);
	assert_int_equal(s.dns.port, 5300);
	assert_string_equal(s.log_level, "debug");
	assert_string_equal(p.support, "a \"b\" \\ c");
	assert_int_equal(p.apex, APEX_REFUSE);
	assert_int_equal(p.private_suffix, PRIVATE_SUFFIX_ALLOW);
	assert_null(p.public_domains);
	/* relative to the policy, not to the settings */
	assert_true(names_has(p.refused_domains, "mail.test"));
	assert_int_equal(p.organisations_n, 2);
	assert_string_equal(p.organisations[1], "B_2");
	assert_int_equal(p.deadline_max_ms, 90000);
	assert_int_equal(p.backoff.n, 3);
	assert_int_equal(p.backoff.gap_ms[0], 1500);
	assert_int_equal(p.lapse_ms, 25 * 3600 * 1000);
	assert_int_equal(p.lapse_looks, 3);
	assert_string_equal(p.default_sender, "no-reply+x@mail.test");
	assert_int_equal(p.envelope_from, ENVELOPE_OURS);
	assert_string_equal(p.spf_include, "_spf.mail.test");
	assert_int_equal(p.spf_addresses_n, 2);
	assert_int_equal(p.spf_addresses[0].family, 4);
	assert_memory_equal(p.spf_addresses[0].octets, "\xc0\0\2\1", 4);
	assert_int_equal(p.spf_addresses[1].family, 6);
	assert_memory_equal(p.spf_addresses[1].octets,
	    "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_int_equal(p.dkim_required, DKIM_REQUIRED_REFUSE);
	assert_int_equal(p.key_import, KEY_IMPORT_REFUSE);
	assert_int_equal(p.recheck_ms, 0);
	assert_int_equal(p.watch_gap_ms, 500);
	assert_int_equal(p.watch_ms, 120000);
	assert_int_equal(p.guard_percent, 0);
	assert_int_equal(p.guard_looks, 7);
}

static void
print_to(void *arg, const char *text)
{
	assert_null(strchr(text, '\n'));
	fprintf(arg, "%s\n", text);
}

static char *
printed(enum conf_file which)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	conf_print(which, &s, &p, print_to, out);
	fclose(out);
	return text;
}

static void
round_trip(void)
{
	struct settings s1;
	char *settings, *policy, *again;

	must_read();
	s1 = s;
	settings = printed(CONF_SETTINGS);
	policy = printed(CONF_POLICY);
	write_file("d2.conf", settings, 0600);
	write_file("policy2.conf", policy, 0600);
	snprintf(conf_path, sizeof(conf_path), "%s/policy2.conf", dir);
	setenv("DOMAINPROOF_POLICY", conf_path, 1);
	snprintf(conf_path, sizeof(conf_path), "%s/d2.conf", dir);
	must_read();
	/* but for where they were read */
	strcpy(s.path, s1.path);
	strcpy(s.policy_path, s1.policy_path);
	again = printed(CONF_SETTINGS);
	assert_string_equal(settings, again);
	free(again);
	again = printed(CONF_POLICY);
	assert_string_equal(policy, again);
	free(again);
	assert_memory_equal(&s, &s1, sizeof(s));
	free(settings);
	free(policy);
}

static void
what_is_printed_reads_the_same(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/p", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	write_file("d.conf", full, 0600);
	write_file("p/rules.conf", full_policy, 0600);
	round_trip();
}

static void
defaults_that_are_printed_read_the_same(void **state)
{
	(void)state;
	round_trip();
}

static void
the_environment_names_the_files(void **state)
{
	char path[128], version[17];

	(void)state;
	must_read();
	strcpy(version, p.version);
	assert_int_equal(strlen(version), 16);
	write_file("other.conf", POLICY " ", 0644);
	snprintf(path, sizeof(path), "%s/other.conf", dir);
	setenv("DOMAINPROOF_CONF", conf_path, 1);
	setenv("DOMAINPROOF_POLICY", path, 1);
	if (read_again(NULL) != OK)
		fail_msg("%s", e.text);
	assert_string_equal(s.path, conf_path);
	assert_string_equal(s.policy_path, path);
	assert_string_not_equal(p.version, version); /* of its bytes */
	setenv("DOMAINPROOF_CONF", "/nonexistent/d.conf", 1);
	must_read(); /* what is given wins */
	assert_int_equal(read_again(NULL), STOP);
	assert_string_equal(
	    e.text, "/nonexistent/d.conf: No such file or directory");
}

static void
the_version_is_a_known_hash(void **state)
{
	(void)state;
	must_read();
	/* FNV-1a 64 of POLICY, by another program */
	assert_string_equal(p.version, "979627417d869a94");
}

static void
a_relative_path_is_from_here(void **state)
{
	char here[256];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(dir), 0);
	if (read_again("d.conf") != OK)
		fail_msg("%s", e.text);
	assert_int_equal(chdir(here), 0);
	assert_string_equal(s.path, conf_path);
}

static void
some_settings_need_a_restart(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
	    {"pool: { slot = \"2\"; };", "pool.slot"},
	    {"pool: { name = \"x\"; };", "pool.name"},
	    {"pool: { run_dir = \"/x\"; };", "pool.run_dir"},
	    {"kafka: { prefix = \"x.\"; };", "kafka.prefix"},
	    {"pool: { resolvers = 9; };", NULL},
	    {"log: { level = \"debug\"; };", NULL},
	    {"redis: { url = \"unix:/x\"; };", NULL},
	};
	struct settings before;

	(void)state;
	must_read();
	before = s;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *differs;

		write_file("d.conf", rows[i].text, 0644);
		must_read();
		differs = conf_fixed_differs(&before, &s);
		if (rows[i].want == NULL)
			assert_null(differs);
		else
			assert_string_equal(differs, rows[i].want);
	}
}

static void
durations(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: none */
	} rows[] = {
	    {"0 s", 0},
	    {"300 ms", 300},
	    {"300ms", 300},
	    {"30 s", 30000},
	    {"5 min", 300000},
	    {"1 h", 3600000},
	    {"7 d", 604800000},
	    {"106751991167 d", 106751991167 * 86400000},
	    {"106751991168 d", -1},
	    {"9223372036854775808 ms", -1},
	    {"", -1},
	    {"s", -1},
	    {"5", -1},
	    {" 5 s", -1},
	    {"5 s ", -1},
	    {"-5 s", -1},
	    {"+5 s", -1},
	    {"5 S", -1},
	    {"5 m", -1},
	    {"5 sec", -1},
	    {"1.5 h", -1},
	    {"0x5 s", -1},
	    {"5\ts", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t ms = -2;

		if (conf_duration(rows[i].text, &ms) != (rows[i].want >= 0))
			fail_msg("\"%s\"", rows[i].text);
		if (rows[i].want >= 0)
			assert_int_equal(ms, rows[i].want);
	}
}

/* -- wrong --------------------------------------------------------------- */

struct wrong {
	const char *text;
	const char *want; /* behind the file's name */
};

#define A60	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define POOL(x) "pool: {\n " x "\n};"
#define DNS(x)	"dns: {\n " x "\n};"

static const struct wrong wrong_settings[] = {
    /* syntax */
    {"pool", ":1: syntax error"},
    {"\n\npool: {", ":3: syntax error"},
    {"pool: { name = main; };", ":1: syntax error"},
    {"log: { level = \"info\"; level = \"info\"; };",
	":1: duplicate setting name"},
    {"log: {};\nlog: {};", ":2: duplicate setting name"},
    {"# a\n  @include \"/etc/hostname\"\n", ":2: @include is not taken"},
    {"pool: { name = \"@\"; user = \"#\\\"@\"; }; /* @ */ # @\n// @\n@",
	":3: @include is not taken"},
    /* keys */
    {"\npools: { };", ":2: unknown key pools: see domainproofd "
		      "--print-config for those there are"},
    {POOL("slots = 1;"), ":2: unknown key pool.slots"},
    {POOL("name: { x = 1; };"), ":2: pool.name: must be a text"},
    {"name = \"main\";", ":1: unknown key name"},
    {"pool = \"main\";", ":1: pool: must be a group"},
    {"pool = [1];", ":1: pool: must be a group"},
    {"pool = ( { name = \"a\"; } );", ":1: pool: must be a group"},
    {"service: { name = \"a\"; };", ":1: unknown key service"},
    {POOL("this_is_a_name_that_is_longer_than_any_of_ours_has_ever_been = 1;"),
	":2: unknown key pool.this_is_a_name_that_is_longer_than_any_o"},
    /* texts and names */
    {POOL("name = 1;"), ":2: pool.name: must be a text in double quotes"},
    {POOL("name = true;"), ":2: pool.name: must be a text"},
    {POOL("name = [\"a\"];"), ":2: pool.name: must be a text"},
    {POOL("name = \"\";"), ":2: pool.name: must have 1 to 64 octets, has 0"},
    {POOL("name = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaa\";"),
	":2: pool.name: must have 1 to 64 octets, has "},
    {POOL("name = \"a/b\";"),
	":2: pool.name: may hold letters, digits, '.', '_' and '-' only"},
    {POOL("slot = \"../x\";"), ":2: pool.slot: may hold"},
    {POOL("slot = \"a b\";"), ":2: pool.slot: may hold"},
    {POOL("slot = \"\xc3\xa9\";"), ":2: pool.slot: may hold"},
    {POOL("user = \"a\\nb\";"), ":2: pool.user: holds a control character"},
    {POOL("user = \"\\x1b\";"), ":2: pool.user: holds a control character"},
    {POOL("user = \"\\x7f\";"), ":2: pool.user: holds a control character"},
    {POOL("run_dir = \"\";"), ":2: pool.run_dir: must not be empty"},
    {POOL("run_dir = 5;"), ":2: pool.run_dir: must be a text"},
    {POOL("run_dir = \"/" A60 A60 A60 A60 A60 "\";"),
	":2: pool.run_dir: is a path of more than 255 octets"},
    /* numbers */
    {POOL("schedulers = 2;"), ":2: pool.schedulers: must be 1 to 1, is 2"},
    {POOL("schedulers = 0;"), ":2: pool.schedulers: must be 1 to 1, is 0"},
    {POOL("resolvers = 64;"), ":2: pool.resolvers: must be 0 to 63, is 64"},
    {POOL("resolvers = -1;"), ":2: pool.resolvers: must be 0 to 63, is -1"},
    {POOL("resolvers = \"2\";"), ":2: pool.resolvers: must be a whole number"},
    {POOL("resolvers = 2.0;"), ":2: pool.resolvers: must be a whole number"},
    {POOL("resolvers = true;"), ":2: pool.resolvers: must be a whole number"},
    {POOL("resolvers = 4294967298;"), ":2: number of more than 9 digits"},
    {POOL("resolvers = 18446744073709551617;"),
	":2: number of more than 9 digits"},
    {POOL("resolvers = 0x100000002;"), ":2: number of more than 9 digits"},
    {POOL("resolvers = 2L;\n name = \"99999999999\"; # 99999999999\n"
	  " /* 99999999999\n */ slot = 99999999999;"),
	":5: number of more than 9 digits"},
    {"kafka: { session_ms = 999; };",
	":1: kafka.session_ms: must be 1000 to 300000, is 999"},
    {"kafka: { session_ms = \"10 s\"; };",
	":1: kafka.session_ms: must be a whole number of milliseconds"},
    {"kafka: { txn_ms = 900001; };", ":1: kafka.txn_ms: must be 3000 to"},
    {"kafka: { commit_min_ms = -1; };", ":1: kafka.commit_min_ms: must be 0"},
    {"kafka: { queue_kb = 63; };", ":1: kafka.queue_kb: must be 64 to"},
    {"kafka: { brokers = \"\"; };",
	":1: kafka.brokers: must have 1 to 255 octets"},
    {"kafka: { brokers = \"k1:9092,\"; };",
	":1: kafka.brokers: \"\" is no broker: write HOST:PORT, with commas"},
    {"kafka: { brokers = \"k1;k2\"; };", ":1: kafka.brokers: \"k1;k2\" is"},
    {"kafka: { brokers = \"k1:9092, k2 \"; };", ":1: kafka.brokers: \"k2 \""},
    {"kafka: { brokers = \"k1:\"; };", ":1: kafka.brokers: \"k1:\" is no"},
    {"kafka: { brokers = \"k1:0\"; };", ":1: kafka.brokers: \"k1:0\" is no"},
    {"kafka: { brokers = \"k1:65536\"; };", ":1: kafka.brokers: \"k1:65536\""},
    {"kafka: { brokers = \"k1:9092x\"; };", ":1: kafka.brokers: \"k1:9092x\""},
    {"kafka: { brokers = \":9092\"; };", ":1: kafka.brokers: \":9092\" is no"},
    {"kafka: { brokers = \"::1\"; };", ":1: kafka.brokers: \"::1\" is no"},
    {"kafka: { brokers = \"[::1\"; };", ":1: kafka.brokers: \"[::1\" is no"},
    {"kafka: { brokers = \"[k1]:1\"; };", ":1: kafka.brokers: \"[k1]:1\" is"},
    {"kafka: { brokers = \"[::1]9092\"; };", ":1: kafka.brokers: \"[::1]909"},
    {"kafka: { brokers = \"ssl://k1:9092\"; };",
	":1: kafka.brokers: \"ssl://k1:9092\" is no broker"},
    {"kafka: { prefix = \"a b\"; };", ":1: kafka.prefix: may hold letters"},
    {"kafka: { compression = \"LZ4\"; };",
	":1: kafka.compression: must be one of \"none\", \"lz4\", \"zstd\", "
	"\"gzip\", \"snappy\""},
    {"kafka: { compression = 4; };", ":1: kafka.compression: must be a text"},
    {"redis: { url = \"\"; };", ":1: redis.url: must have 1 to 255"},
    {"redis: { url = 6379; };", ":1: redis.url: must be a text"},
    /* dns */
    {DNS("resolvers = [];"), ":2: dns.resolvers: must name at least one"},
    {DNS("resolvers = \"127.0.0.1\";"), ":2: dns.resolvers: must be a list"},
    {DNS("resolvers = { };"), ":2: dns.resolvers: must be a list"},
    {DNS("resolvers = [1];"), ":2: dns.resolvers: must be a text"},
    {DNS("resolvers = [\"localhost\"];"),
	":2: dns.resolvers: \"localhost\" is no address: write "
	"\"127.0.0.1\", \"127.0.0.1:53\" or \"[::1]:53\""},
    {DNS("resolvers = [\"127.0.0.1\",\n \"127.0.0.300\"];"),
	":2: dns.resolvers: \"127.0.0.300\" is no address"},
    {DNS("resolvers = [\"127.0.0.1:\"];"), ":2: dns.resolvers: \"127"},
    {DNS("resolvers = [\"127.0.0.1:0\"];"), ":2: dns.resolvers: \"127"},
    {DNS("resolvers = [\"127.0.0.1:65536\"];"), ":2: dns.resolvers: \"127"},
    {DNS("resolvers = [\"127.0.0.1:5x\"];"), ":2: dns.resolvers: \"127"},
    {DNS("resolvers = [\"[127.0.0.1]:53\"];"), ":2: dns.resolvers: \"[127"},
    {DNS("resolvers = [\"[::1\"];"), ":2: dns.resolvers: \"[::1\" is"},
    {DNS("resolvers = [\"[]:53\"];"), ":2: dns.resolvers: \"[]:53\" is"},
    {DNS("resolvers = [\"[\"];"), ":2: dns.resolvers: \"[\" is no"},
    {DNS("resolvers = [\":\"];"), ":2: dns.resolvers: \":\" is no"},
    {DNS("resolvers = [\"\"];"), ":2: dns.resolvers: \"\" is no"},
    {DNS("resolvers = [\"::1::2\"];"), ":2: dns.resolvers: \"::1::2\" is"},
    {DNS("resolvers = [\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\","
	 "\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\"];"),
	":2: dns.resolvers: has more than 8 elements"},
    {DNS("trusted = [\"127.0.0.2\"];"),
	":2: dns.trusted: \"127.0.0.2\" is not in dns.resolvers"},
    {DNS("trusted = \"127.0.0.1\";"), ":2: dns.trusted: must be a list"},
    {DNS("authoritative = 1;"), ":2: dns.authoritative: must be true or false"},
    {DNS("authoritative = \"true\";"), ":2: dns.authoritative: must be true"},
    {DNS("port = 0;"), ":2: dns.port: must be 1 to 65535, is 0"},
    {DNS("port = 65536;"), ":2: dns.port: must be 1 to 65535, is 65536"},
    {DNS("timeout_ms = 49;"), ":2: dns.timeout_ms: must be 50 to 30000"},
    {DNS("tries = 0;"), ":2: dns.tries: must be 1 to 10, is 0"},
    {DNS("private_ok = \"no\";"), ":2: dns.private_ok: must be true or"},
    {"log: { level = \"warn\"; };",
	":1: log.level: must be one of \"debug\", \"info\", \"warning\", "
	"\"error\""},
    {"policy = \"\";", ":1: policy: must not be empty"},
    {"policy = [\"policy.conf\"];", ":1: policy: must be a text"},
};

#define CLAIM(x) POLICY_NAME "claim: {\n public_domains = \"\";\n " x "\n};"
#define TIME(x)                                                                \
	POLICY_NAME "claim: { public_domains = \"\"; };\ntime: {\n " x "\n};"
#define GROUP(x)    "claim: { public_domains = \"\"; };\n" x
#define POLICY_NAME "service: { name = \"example\"; };\n"

static const struct wrong wrong_policies[] = {
    {"", ":1: service.name is missing: it must be given"},
    {"service: { };", ":1: service.name is missing"},
    {"service: { name = \"\"; };", ":1: service.name: must have 1 to 32"},
    {"service: { name = \"a.b\"; };\nclaim: { public_domains = \"\"; };",
	":1: service.name must be letters a-z, digits and '-'"},
    {"service: { name = \"Aa\"; };\nclaim: { public_domains = \"\"; };",
	":1: service.name must be letters a-z"},
    {"claim: { public_domains = \"\"; };\nservice: {\n name = \"-a\"; };",
	":3: service.name must be letters a-z"},
    {POLICY_NAME "pool: { };", ":2: unknown key pool"},
    {POLICY_NAME "time: { laps = \"72 h\"; };", ":2: unknown key time.laps"},
    {"service: { name = \"a\"; support = \"\xc3\xa9\"; };\n"
     "claim: { public_domains = \"\"; };",
	":1: service.support must be printable ASCII"},
    {"service: { name = \"a\"; help_url = 1; };",
	":1: service.help_url: must be a text"},
    {CLAIM("apex = \"allow\";"),
	":4: claim.apex: must be one of \"accept\", \"refuse\""},
    {CLAIM("apex = true;"), ":4: claim.apex: must be a text"},
    {CLAIM("private_suffix = \"review\";"),
	":4: claim.private_suffix: must be one of \"accept\", \"refuse\""},
    {CLAIM("refused_domains = 1;"), ":4: claim.refused_domains: must be a"},
    {CLAIM("refused_domains = \"/nonexistent\";"),
	":4: claim.refused_domains: /nonexistent: No such file"},
    {CLAIM("refused_domains = \"bad-list\";"), ":4: claim.refused_domains: "},
    {CLAIM("refused_domains = \".\";"), ":4: claim.refused_domains: "},
    {CLAIM("organisations = \"acme\";"), ":4: claim.organisations: must be"},
    {CLAIM("organisations = [\"a b\"];"),
	":4: claim.organisations: \"a b\" is no organisation"},
    {CLAIM("organisations = [\"\"];"), ":4: claim.organisations: \"\" is"},
    {CLAIM("organisations = [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	   "aaaaaaaaaaaaaaaaaaaaa\"];"),
	":4: claim.organisations: \"aaaa"},
    {CLAIM("organisations = [1];"), ":4: claim.organisations: must be a"},
    {TIME("deadline_max = 48;"), ":4: time.deadline_max: must be a text"},
    {TIME("deadline_max = \"48\";"),
	":4: time.deadline_max: \"48\" is no duration: write a whole number "
	"and ms, s, min, h or d, such as \"5 min\""},
    {TIME("deadline_max = \"8 d\";"),
	":4: time.deadline_max: \"8 d\" is out of bounds: 1 to 604800 s"},
    {TIME("deadline_max = \"0 s\";"), ":4: time.deadline_max: \"0 s\" is out"},
    {TIME("deadline_max = \"999999999999999 d\";"),
	":4: time.deadline_max: \"999999999999999 d\" is no duration"},
    {TIME("backoff = [];"), ":4: time.backoff: must hold at least one gap"},
    {TIME("backoff = \"30 s\";"), ":4: time.backoff: must be a list"},
    {TIME("backoff = [\"30 s\", \"x\"];"),
	":4: time.backoff: \"x\" is no duration"},
    {TIME("backoff = [\"99 ms\"];"),
	":4: time.backoff: \"99 ms\" is out of bounds"},
    {TIME("backoff = [30];"), ":4: time.backoff: must be a text"},
    {TIME("backoff = [\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\","
	  "\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\","
	  "\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\","
	  "\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\",\"1 s\","
	  "\"1 s\",\"1 s\"];"),
	":4: time.backoff: has more than 32 elements"},
    {TIME("lapse = \"23 h\";"), ":4: time.lapse: \"23 h\" is out of bounds"},
    {TIME("lapse_looks = 1;"), ":4: time.lapse_looks: must be 2 to"},
    {TIME("dedupe = \"8 d\";"), ":4: time.dedupe: \"8 d\" is out of bounds"},
    {TIME("recheck = \"91 d\";"), ":4: time.recheck: \"91 d\" is out of"},
    {TIME("recheck = \"999 ms\";"),
	":4: time.recheck (ms) is 999, must be 1000 to"},
    {TIME("watch_gap = \"99 ms\";"), ":4: time.watch_gap: \"99 ms\" is out"},
    {TIME("watch = \"31 min\";"), ":4: time.watch: \"31 min\" is out of"},
    {TIME("watch = \"29 s\";"),
	":1: time.watch_gap (ms) is 30000, must be 100 to 29000"},
    {TIME("watch = \"1 min\";\n watch_gap = \"2 min\";"),
	":5: time.watch_gap (ms) is 120000, must be 100 to 60000"},
    {GROUP("service: { name = \"a\";\n default_sender = \"a\"; };"),
	":3: service.default_sender must be a mailbox"},
    {GROUP("service: { name = \"a\";\n default_sender = \"@a.test\"; };"),
	":3: service.default_sender must be a mailbox"},
    {GROUP("service: { name = \"a\";\n default_sender = \"a b@a.test\"; };"),
	":3: service.default_sender must be a mailbox"},
    {GROUP("service: { name = \"a\";\n default_sender = \"x@A.test\"; };"),
	":3: service.default_sender: behind the '@' it must be a domain"},
    {GROUP("service: { name = \"a\";\n envelope_from = \"theirs\"; };"),
	":3: service.envelope_from: must be one of \"customer\", \"ours\""},
    {GROUP(POLICY_NAME "spf: { include = \"Spf.test\"; };"),
	":3: spf.include must be a domain name of lower-case"},
    {GROUP(POLICY_NAME "spf: { include = \"spf.test.\"; };"),
	":3: spf.include must be a domain name"},
    {GROUP(POLICY_NAME "spf: { include = \"include:spf.test\"; };"),
	":3: spf.include must be a domain name"},
    {GROUP(POLICY_NAME "spf: { include = \"a..test\"; };"),
	":3: spf.include must be a domain name"},
    {GROUP(POLICY_NAME "spf: { include = \"%{d}.test\"; };"),
	":3: spf.include must be a domain name"},
    {GROUP(POLICY_NAME "spf: { addresses = [\"192.0.2.1\"]; };"),
	":3: spf.addresses: there is no spf.include"},
    {GROUP(POLICY_NAME "spf: { addresses = \"192.0.2.1\"; };"),
	":3: spf.addresses: must be a list"},
    {GROUP(POLICY_NAME "spf: { addresses = [192]; };"),
	":3: spf.addresses: must be a text"},
    {GROUP(POLICY_NAME "spf: { addresses = [\"192.0.2.0/24\"]; };"),
	":3: spf.addresses: \"192.0.2.0/24\" is no address: write"},
    {GROUP(POLICY_NAME "spf: { addresses = [\"1.1.1.1\",\"1.1.1.1\","
		       "\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\","
		       "\"1.1.1.1\",\"1.1.1.1\",\"1.1.1.1\"]; };"),
	":3: spf.addresses: has more than 8 elements"},
    {GROUP(POLICY_NAME "dkim: { required = \"no\"; };"),
	":3: dkim.required: must be one of \"warn\", \"refuse\""},
    {GROUP(POLICY_NAME "dkim: { import = true; };"),
	":3: dkim.import: must be a text"},
    {GROUP(POLICY_NAME "guard: { percent = 101; };"),
	":3: guard.percent: must be 0 to 100, is 101"},
    {GROUP(POLICY_NAME "guard: { looks = 0; };"),
	":3: guard.looks: must be 1 to 1000000, is 0"},
    {TIME("deadline_max = \"3 d\";\n dedupe = \"1 d\";"),
	":5: time.dedupe (86400000 ms) must not be shorter than"},
};

static void
is_refused(const char *file, const struct wrong *row)
{
	char want[512];
	int n = snprintf(want, sizeof(want), "%s/%s%s", dir, file, row->want);

	write_file(file, row->text, 0600);
	if (read_again(conf_path) != STOP)
		fail_msg("not refused: %s", row->text);
	if (strncmp(e.text, want, (size_t)n) != 0)
		fail_msg("for %s\ngot  %s\nwant %s", row->text, e.text, want);
}

static void
wrong_settings_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong_settings); i++)
		is_refused("d.conf", &wrong_settings[i]);
}

static void
wrong_policies_are_refused(void **state)
{
	(void)state;
	write_file("bad-list", "a.test\n\nno name\n", 0644);
	for (size_t i = 0; i < ARRAY_LEN(wrong_policies); i++)
		is_refused("policy.conf", &wrong_policies[i]);
	write_file("policy.conf", POLICY, 0644);
	write_file("list", "a.test\n\nno name\n", 0644);
	assert_int_equal(read_again(conf_path), STOP);
	assert_non_null(strstr(e.text, "/policy.conf:2: "
				       "claim.public_domains: "));
	assert_non_null(strstr(e.text, "/list: line 3: \"no name\" is no"));
}

static void
refused(const char *want)
{
	assert_int_equal(read_again(conf_path), STOP);
	if (strstr(e.text, want) == NULL)
		fail_msg("got %s\nwant %s", e.text, want);
}

static void
files_others_may_write_are_refused(void **state)
{
	(void)state;
	write_file("d.conf", "", 0664);
	refused("/d.conf:1: others than its owner may write it");
	write_file("d.conf", "", 0646);
	refused("/d.conf:1: others than its owner may write it");
	write_file("d.conf", "", 0644);
	write_file("policy.conf", POLICY, 0664);
	refused("/policy.conf:1: others than its owner may write it");
	write_file("policy.conf", POLICY, 0644);
	write_file("list", "", 0666);
	refused("/policy.conf:2: claim.public_domains: ");
	refused("/list:1: others than its owner may write it");
}

static void
secrets_others_may_read_are_refused(void **state)
{
	static const char text[] =
	    "\nredis: { url = \"redis://:s3cret:@x@h:1\"; };";
	char *out;

	(void)state;
	write_file("d.conf", text, 0644);
	refused("/d.conf:2: redis.url: holds a password, but others may read");
	assert_null(strstr(e.text, "s3cret"));
	write_file("d.conf", text, 0640);
	must_read();
	assert_string_equal(s.redis.url, "redis://:s3cret:@x@h:1");
	out = printed(CONF_SETTINGS);
	assert_null(strstr(out, "s3cret"));
	assert_non_null(strstr(out, "url = \"redis://:***@h:1\";"));
	free(out);
	/* a user alone is no secret */
	write_file("d.conf", "redis: { url = \"redis://user@h:1\"; };", 0644);
	must_read();
}

static void
odd_files_are_refused(void **state)
{
	char path[128], text[] = "pool: { };\nX";
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/d.conf", dir);
	f = fopen(path, "w");
	text[11] = '\0';
	fwrite(text, 1, sizeof(text), f);
	fclose(f);
	refused("/d.conf: holds a NUL octet");
	assert_int_equal(unlink(path), 0);
	refused("/d.conf: No such file or directory");
	assert_int_equal(mkfifo(path, 0600), 0);
	refused("/d.conf: is no file"); /* and does not wait for a writer */
	assert_int_equal(unlink(path), 0);
	f = fopen(path, "w");
	for (int i = 0; i < (1 << 20) + 1; i++)
		fputc('\n', f);
	fclose(f);
	refused("/d.conf: is longer than 1048576 octets");
	/* what the include would bring in */
	write_file("inc", "pool: { name = \"x\"; };\n", 0666);
	snprintf(path, sizeof(path), "@include \"%s/inc\"\n", dir);
	write_file("d.conf", path, 0644);
	refused("@include is not taken");
}

#define conf_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    conf_test(what_is_not_given_has_its_default),
	    conf_test(what_is_given_is_in_force),
	    conf_test(what_is_printed_reads_the_same),
	    conf_test(defaults_that_are_printed_read_the_same),
	    conf_test(the_environment_names_the_files),
	    conf_test(the_version_is_a_known_hash),
	    conf_test(a_relative_path_is_from_here),
	    conf_test(some_settings_need_a_restart),
	    conf_test(durations),
	    conf_test(wrong_settings_are_refused),
	    conf_test(wrong_policies_are_refused),
	    conf_test(files_others_may_write_are_refused),
	    conf_test(secrets_others_may_read_are_refused),
	    conf_test(odd_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
