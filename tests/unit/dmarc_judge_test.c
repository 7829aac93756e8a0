/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a record at _dmarc.shop.test, and what to publish instead.
 * Sections are those of RFC 9989 where no other RFC is named. */
#include "tests/unit/dmarc_zone.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define N	"_dmarc.shop.test "
#define RUA	"rua=mailto:a@shop.test"
#define DEFAULT "v=DMARC1; p=none; rua=mailto:dmarc@shop.test"

struct row {
	const char *section;
	const char *zone;
	const char *want;
	const char *saw;     /* a part of it */
	const char *publish; /* all of it */
};

static const struct row rows[] = {
    /* nothing */
    {"4.10.1 nothing", "", "none NOT_PUBLISHED mark=-", "", DEFAULT},
    {"4.10.1 something else", N "v=spf1 -all\n", "none NOT_PUBLISHED",
	"v=spf1 -all", DEFAULT},
    {"4.10.1 something else", N "site-verification=ABC\n", "none NOT_PUBLISHED",
	"site-verification", DEFAULT},
    {"4.10.1 an empty text", N "\n", "none NOT_PUBLISHED", "", DEFAULT},
    /* the ladder (5.1.4 to 5.1.7, 7.4) */
    {"5.1.4 p=none without rua", N "v=DMARC1; p=none\n",
	"pass DMARC_LADDER also=", "p=none, but nobody reports to you",
	DEFAULT},
    {"5.1.5 p=none", N "v=DMARC1; p=none; " RUA "\n", "pass DMARC_LADDER",
	"p=none: reports only. Next step: p=quarantine",
	"v=DMARC1; p=quarantine; " RUA},
    {"5.1.7 p=quarantine", N "v=DMARC1; p=quarantine; " RUA "\n",
	"pass DMARC_LADDER",
	"Next step: p=reject, unless its people write to mailing lists",
	"v=DMARC1; p=reject; " RUA},
    {"5.1.5 p=quarantine without rua", N "v=DMARC1; p=quarantine\n",
	"pass DMARC_LADDER", "nobody reports to you",
	"v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.test"},
    {"5.1.7 p=reject", N "v=DMARC1; p=reject; " RUA "\n", "pass - mark=-", "",
	""},
    {"5.1.7 p=reject without rua", N "v=DMARC1; p=reject\n", "pass -", "", ""},
    {"4.7 t", N "v=DMARC1; p=none; t=y; " RUA "\n", "pass DMARC_LADDER",
	"Next step: p=quarantine", "v=DMARC1; p=quarantine; t=y; " RUA},
    {"4.7 t", N "v=DMARC1; p=quarantine; t=y; " RUA "\n", "pass DMARC_LADDER",
	"t=y counts as none. Next step: without t=y",
	"v=DMARC1; p=quarantine; " RUA},
    {"4.7 t, 7.4", N "v=DMARC1; p=reject; t=y; " RUA "\n", "pass DMARC_LADDER",
	"t=y counts as quarantine. Next step: without t=y, unless its people",
	"v=DMARC1; p=reject; " RUA},
    {"4.7 p missing", N "v=DMARC1; " RUA "\n", "pass DMARC_LADDER",
	"p=none: reports only", "v=DMARC1; p=quarantine; " RUA},
    {"4.8 only rua of a kind nobody can use",
	N "v=DMARC1; p=none; rua=https://x.test/\n", "pass DMARC_LADDER",
	"p=none: reports only", "v=DMARC1; p=quarantine; rua=https://x.test/"},
    {"the rest stays as it is",
	N "v=DMARC1;p=none;" RUA ";adkim=s;x=y;fo=1;np=reject\n",
	"pass DMARC_LADDER", "",
	"v=DMARC1; p=quarantine; " RUA "; adkim=s; x=y; fo=1; np=reject"},
    {"7489 6.4: p right behind v", N "v=DMARC1; " RUA "; p=none\n",
	"pass DMARC_LADDER", "", "v=DMARC1; p=quarantine; " RUA},
    /* removed tags (C.4, A.6) */
    {"A.6 pct of none", N "v=DMARC1; p=none; pct=20; " RUA "\n",
	"pass DMARC_TAG_REMOVED mark=22 also=DMARC_LADDER", "pct=20",
	"v=DMARC1; p=none; " RUA},
    {"A.6 pct: t=y instead", N "v=DMARC1; p=reject; pct=20; " RUA "\n",
	"pass DMARC_TAG_REMOVED also=",
	"pct=20; the policy is now for all mail, t=y tests it",
	"v=DMARC1; p=reject; " RUA "; t=y"},
    {"A.6 pct=100", N "v=DMARC1; p=reject; pct=100; " RUA "\n",
	"pass DMARC_TAG_REMOVED", "pct=100", "v=DMARC1; p=reject; " RUA},
    {"A.6 pct beside t", N "v=DMARC1; p=reject; pct=0; t=y\n",
	"pass DMARC_TAG_REMOVED also=DMARC_LADDER", "pct=0",
	"v=DMARC1; p=reject; t=y"},
    {"A.6 pct beside t=n", N "v=DMARC1; p=reject; t=n; pct=0\n",
	"pass DMARC_TAG_REMOVED", "pct=0", "v=DMARC1; p=reject; t=y"},
    {"A.6 pct that is no number", N "v=DMARC1; p=reject; pct=x\n",
	"pass DMARC_TAG_REMOVED", "pct=x", "v=DMARC1; p=reject"},
    {"C.5.2 rf, ri", N "v=DMARC1; p=reject; rf=afrf; ri=3600\n",
	"pass DMARC_TAG_REMOVED mark=23", "rf=afrf, ri=3600",
	"v=DMARC1; p=reject"},
    {"C.4 size", N "v=DMARC1; p=reject; " RUA "!10m\n",
	"pass DMARC_TAG_REMOVED mark=-", "a size behind `!`",
	"v=DMARC1; p=reject; " RUA},
    {"C.4, C.5.2 all",
	N "v=DMARC1; p=reject; ri=1; " RUA "!1k,mailto:b@shop.test\n",
	"pass DMARC_TAG_REMOVED", "ri=1, a size behind `!`",
	"v=DMARC1; p=reject; " RUA ",mailto:b@shop.test"},
    {"A.6 pct out of range", N "v=DMARC1; p=reject; pct=1000\n",
	"pass DMARC_TAG_REMOVED", "pct=1000", "v=DMARC1; p=reject"},
    {"A.6 pct empty", N "v=DMARC1; p=reject; pct=; rf=afrf\n",
	"pass DMARC_TAG_REMOVED mark=24", "pct=, rf=afrf",
	"v=DMARC1; p=reject"},
    {"C.5.2 the first of them is marked", N "v=DMARC1; ri=7; p=reject; pct=5\n",
	"pass DMARC_TAG_REMOVED mark=13", "pct=5, ri=7",
	"v=DMARC1; p=reject; t=y"},
    {"7489 6.3, in any case", N "v=DMARC1; p=reject; PCT=100\n",
	"pass DMARC_TAG_REMOVED", "pct=100", "v=DMARC1; p=reject"},
    /* v=: the record is ignored (4.7) */
    {"4.7 v not first", N "p=reject; v=DMARC1; " RUA "\n",
	"fail DMARC_INVALID mark=0", "v=DMARC1 is not the first tag",
	"v=DMARC1; p=reject; " RUA},
    {"4.7 v not first, with others",
	N "p=reject; v=DMARC1; x=y; sp=none; x=z;=; t=;" RUA "\n",
	"fail DMARC_INVALID mark=0", "not the first tag",
	"v=DMARC1; p=reject; x=y; sp=none; " RUA},
    {"4.7 v of others, first and not", N "a=b; v=DMARC2; p=none\n",
	"fail DMARC_INVALID mark=0", "in these letters",
	"v=DMARC1; p=none; a=b"},
    {"4.7 v missing", N "p=reject; " RUA "\n", "fail DMARC_INVALID mark=0",
	"does not begin with v=DMARC1", "v=DMARC1; p=reject; " RUA},
    {"4.7 v without its name", N "DMARC1; p=reject\n",
	"fail DMARC_INVALID mark=0", "does not begin with v=DMARC1",
	"v=DMARC1; p=reject"},
    {"4.7 v in another case", N "v=dmarc1; p=quarantine; " RUA "\n",
	"fail DMARC_INVALID mark=2", "in these letters",
	"v=DMARC1; p=quarantine; " RUA},
    {"4.7 v of another version", N "v=DMARC12; p=none\n",
	"fail DMARC_INVALID mark=8", "no semicolon behind v=DMARC1",
	"v=DMARC1; p=none"},
    {"4.8 no semicolon", N "v=DMARC1 p=reject; " RUA "\n",
	"fail DMARC_INVALID mark=8", "no semicolon behind v=DMARC1",
	"v=DMARC1; p=reject; " RUA},
    {"4.8 commas", N "v=DMARC1, p=reject\n", "fail DMARC_INVALID mark=8",
	"no semicolon", DEFAULT},
    {"RFC 6376 3.2 a tag twice", N "v=DMARC1; p=none; sp=none; p=reject\n",
	"fail DMARC_INVALID mark=27", "a tag stands twice",
	"v=DMARC1; p=none; sp=none"},
    /* p, sp, np (4.10.1) */
    {"4.10.1 no p, no rua", N "v=DMARC1\n", "fail DMARC_INVALID mark=-",
	"no p=: and no rua=, so it is void", "v=DMARC1; p=none"},
    {"4.10.1 p wrong", N "v=DMARC1; p=rejected\n", "fail DMARC_INVALID mark=12",
	"p=rejected is not valid: and no rua=, so it is void",
	"v=DMARC1; p=none"},
    {"4.10.1 p wrong, rua", N "v=DMARC1; p=rejected; " RUA "\n",
	"pass DMARC_INVALID mark=12 also=",
	"p=rejected is not valid: all of it is read as p=none",
	"v=DMARC1; p=none; " RUA},
    {"4.10.1 sp wrong, rua", N "v=DMARC1; p=reject; sp=x; " RUA "\n",
	"pass DMARC_INVALID mark=23", "sp=x is not valid",
	"v=DMARC1; p=reject; sp=none; " RUA},
    {"4.10.1 the first of two", N "v=DMARC1; np=y; sp=x; p=none; " RUA "\n",
	"pass DMARC_INVALID mark=13", "np=y is not valid",
	"v=DMARC1; p=none; np=none; sp=none; " RUA},
    /* other tags: their default (4.8) */
    {"4.8 adkim", N "v=DMARC1; p=reject; adkim=strict\n",
	"pass DMARC_INVALID mark=26", "adkim=strict is not valid: ignored",
	"v=DMARC1; p=reject"},
    {"4.8 t", N "v=DMARC1; p=reject; t=yes\n", "pass DMARC_INVALID mark=22",
	"t=yes", "v=DMARC1; p=reject"},
    {"4.8 rua without mailto:", N "v=DMARC1; p=none; rua=a@shop.test\n",
	"pass DMARC_INVALID mark=22 also=",
	"rua=a@shop.test is not valid: ignored", "v=DMARC1; p=none; " RUA},
    {"4.8 rua parted by blanks",
	N "v=DMARC1; p=reject; rua=mailto:a@b.test mailto:c@d.test\n",
	"pass DMARC_INVALID mark=24", "is not valid: ignored",
	"v=DMARC1; p=reject"},
    {"4.8 one of two", N "v=DMARC1; p=reject; " RUA ",b@shop.test\n",
	"pass DMARC_INVALID", "",
	"v=DMARC1; p=reject; " RUA ",mailto:b@shop.test"},
    {"4.8 ruf",
	N "v=DMARC1; p=reject; ruf=x@shop.test,x@.,x, mailto:z@shop.test ,z\n",
	"pass DMARC_INVALID mark=24", "",
	"v=DMARC1; p=reject; ruf=mailto:x@shop.test,mailto:z@shop.test"},
    {"4.8 none of rua is to be saved", N "v=DMARC1; p=reject; rua=x,y@\n",
	"pass DMARC_INVALID", "rua=x,y@", "v=DMARC1; p=reject"},
    {"4.8 what cannot be typed is left out",
	N "v=DMARC1; p=none; x=; y=\x01; z=a\tb; " RUA "\n",
	"pass DMARC_LADDER", "", "v=DMARC1; p=quarantine; " RUA},
    {"4.8 and removed ones", N "v=DMARC1; p=none; fo=7; pct=9; " RUA "\n",
	"pass DMARC_INVALID mark=21 also=DMARC_TAG_REMOVED", "fo=7",
	"v=DMARC1; p=none; " RUA},
    /* how it was entered */
    {"quotes around", N "\"v=DMARC1; p=reject; " RUA "\"\n",
	"fail QUOTES_INSIDE mark=0", "\\034v=DMARC1; p=reject",
	"v=DMARC1; p=reject; " RUA},
    {"quotes around a value", N "v=DMARC1; p=\"reject\"; " RUA "\n",
	"pass QUOTES_INSIDE mark=12", "v=DMARC1; p=\\034",
	"v=DMARC1; p=reject; " RUA},
    {"quotes around a value", N "v=DMARC1; p=\"reject\"\n",
	"fail QUOTES_INSIDE mark=12", "", "v=DMARC1; p=reject"},
    {"a quote at the end", N "v=DMARC1; p=reject; adkim=s\"\n",
	"pass QUOTES_INSIDE mark=27", "", "v=DMARC1; p=reject; adkim=s"},
    {"in two strings, quoted", N "v=DMARC1; p=none;\" \"" RUA "\n",
	"pass QUOTES_INSIDE mark=17 rua=", "", "v=DMARC1; p=none; " RUA},
    {"backslashes", N "v=DMARC1\\; p=none\\; " RUA "\n",
	"fail SEMICOLON_ESCAPED mark=8", "v=DMARC1\\092; p",
	"v=DMARC1; p=none; " RUA},
    {"a backslash later", N "v=DMARC1; p=none\\; " RUA "\n",
	"pass SEMICOLON_ESCAPED mark=16", "", "v=DMARC1; p=none; " RUA},
    {"curly quotes", N "\xe2\x80\x9cv=DMARC1; p=none; " RUA "\xe2\x80\x9d\n",
	"fail SMART_QUOTES mark=0", "\\226\\128\\156v=DMARC1",
	"v=DMARC1; p=none; " RUA},
    {"a no-break space", N "v=DMARC1;\xc2\xa0p=reject; " RUA "\n",
	"pass SMART_QUOTES mark=9 policy=none", "", "v=DMARC1; p=reject; " RUA},
    {"octets that do no harm", N "v=DMARC1; p=reject; x=\"\xc2\xa0\\\n",
	"pass -", "", ""},
    {"a fault beside them", N "v=DMARC1; p=rejct; x=\"1\"; " RUA "\n",
	"pass DMARC_INVALID mark=12", "p=rejct", "v=DMARC1; p=none; " RUA},
    {"4.8 a blank before", N " v=DMARC1; p=none; " RUA "\n",
	"fail WHITESPACE mark=0", " v=DMARC1", "v=DMARC1; p=none; " RUA},
    {"4.8 a tab before", N "\tv=DMARC1; p=none\n", "fail WHITESPACE mark=0",
	"\\009v=DMARC1", "v=DMARC1; p=none"},
    {"a blank before, then a quote", N " \"v=DMARC1; p=none\"\n",
	"fail WHITESPACE mark=0", "", "v=DMARC1; p=none"},
    {"quotes, and no v", N "\"p=none; " RUA "\"\n", "fail DMARC_INVALID mark=0",
	"", "v=DMARC1; p=none; " RUA},
    {"a host name", N "shop.test.dmarc.vendor.example\n",
	"fail CNAME_AS_TXT mark=-", "shop.test.dmarc.vendor.example", DEFAULT},
    {"a host name", N "_dmarc.vendor.example.\n", "fail CNAME_AS_TXT",
	"_dmarc.vendor.example.", DEFAULT},
    {"no host name", N "1.2\n", "none NOT_PUBLISHED", "1.2", DEFAULT},
    {"no host name", N "vendor\n", "none NOT_PUBLISHED", "vendor", DEFAULT},
    {"no host name", N "a..b\n", "none NOT_PUBLISHED", "a..b", DEFAULT},
    /* several */
    {"4.10 two", N "v=DMARC1; p=none\n" N "v=DMARC1; p=reject; " RUA "\n",
	"fail DUP_RECORD txt=0 mark=-", "2 records begin with v=DMARC1",
	"v=DMARC1; p=none"},
    {"4.10 three, one of them void",
	N "hello\n" N "v=DMARC1; p=x\n" N "v=DMARC1\n" N "v=DMARC1; p=none\n",
	"fail DUP_RECORD txt=1", "3 records", "v=DMARC1; p=none"},
    {"4.10 the right one counts alone",
	N "v=DMARC1\\; p=none\n" N "v=DMARC1; p=reject\n",
	"pass - policy=reject txt=1", NULL, NULL},
    {"4.10 the one most like it",
	N "hello\n" N "V=dmarc1; p=none\n" N "x=dmarc\n",
	"fail DMARC_INVALID txt=1 mark=2", "", "v=DMARC1; p=none"},
    /* of the DNS */
    {"4.10.1", N "!timeout\n", "undecided TIMEOUT", "_dmarc.shop.test: timeout",
	""},
    {"4.10.1", N "!servfail\n", "undecided SERVFAIL",
	"_dmarc.shop.test: servfail", ""},
};

static struct zone_run run;

static void
eval(const char *domain, const char *zone, const char *assume)
{
	struct dmarc_query q = {.mode = DMARC_FULL};

	run.zone = zone;
	run.assume = assume;
	run.asked_n = 0;
	run.rounds = 0;
	assert_true(zone_name(&q.domain, domain));
	assert_true(zone_eval(&run, &q));
}

static void
check_row(const char *domain, const struct row *row)
{
	const struct judged *j;
	char got[4096];

	eval(domain, row->zone, NULL);
	j = &run.v->judged;
	zone_describe(&run, got, sizeof(got));
	if (!zone_has_words(got, row->want) ||
	    (row->saw != NULL && strstr(j->saw, row->saw) == NULL) ||
	    (row->publish != NULL && strcmp(j->publish, row->publish) != 0))
		fail_msg("%s: %swant %s\n  \"%s\"\n  \"%s\"\ngot %s\n  \"%s\""
			 "\n  \"%s\"",
		    row->section, row->zone, row->want, row->saw, row->publish,
		    got, j->saw, j->publish);
}

static void
codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row("shop.test", &rows[i]);
}

/* Who does what we say is not told off for it: the same code never twice, and
 * after at most five times there is nothing left to say. */
static void
advice_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char publish[PUBLISH_MAX + 1];
		enum code was;
		unsigned steps = 0;

		eval("shop.test", rows[i].zone, NULL);
		while (run.v->judged.publish[0] != '\0') {
			was = run.v->judged.code;
			strcpy(publish, run.v->judged.publish);
			eval("shop.test", "", publish);
			assert_int_equal(run.v->judged.verdict, VERDICT_PASS);
			if (was != CODE_DMARC_LADDER &&
			    run.v->judged.code == was)
				fail_msg("%s: %s", rows[i].zone, publish);
			assert_true(++steps <= 5);
		}
		if (rows[i].publish != NULL && steps > 0)
			assert_int_equal(run.v->judged.code, CODE_NONE);
	}
}

/* Of a record above: what is to be published is for its name. */
static void
inherited(void **state)
{
	static const struct row up[] = {
	    {"sp", N "v=DMARC1; p=reject; sp=none; " RUA "\n",
		"pass DMARC_LADDER of=shop.test at=shop.test",
		"sp=none: reports only. Next step: sp=quarantine",
		"v=DMARC1; p=reject; sp=quarantine; " RUA},
	    {"np", N "v=DMARC1; p=reject; np=quarantine; " RUA "\n",
		"pass DMARC_LADDER of=shop.test",
		"np=quarantine. Next step: np=reject",
		"v=DMARC1; p=reject; np=reject; " RUA},
	    {"p", N "v=DMARC1; p=none\n", "pass DMARC_LADDER of=shop.test",
		"nobody reports",
		"v=DMARC1; p=none; rua=mailto:dmarc@shop.test"},
	    {"registry", "_dmarc.test v=DMARC1; p=quarantine; psd=y; pct=7\n",
		"pass DMARC_LADDER of=a.shop.test at=test also=",
		"p=quarantine of the registry applies. Next step: a record",
		"v=DMARC1; p=quarantine; rua=mailto:dmarc@a.shop.test"},
	    {"registry, its faults are not theirs",
		"_dmarc.test v=DMARC1; p=reject; psd=y; t=9; rua=x@y\n",
		"pass DMARC_LADDER of=a.shop.test also=", "of the registry",
		"v=DMARC1; p=reject; rua=mailto:dmarc@a.shop.test"},
	    {"void above", N "v=DMARC1; p=x\n",
		"fail DMARC_INVALID of=shop.test mark=12", "p=x",
		"v=DMARC1; p=none"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(up); i++)
		check_row("a.shop.test", &up[i]);
}

/* Of several codes the first of this order is told, the others beside it. */
static void
order(void **state)
{
	static const struct row of_all = {"order",
	    N "v=DMARC1; p=none; fo=7; pct=1; rua=mailto:a@r.example\n",
	    "pass DMARC_UNALIGNED "
	    "also=DMARC_NO_CONSENT,DMARC_INVALID,DMARC_TAG_REMOVED",
	    "d=m.example (adkim=s)", ""};
	struct dmarc_query q = {.mode = DMARC_FULL, .has_dkim = true};
	char got[4096];

	(void)state;
	run.zone = N "v=DMARC1; p=none; fo=7; pct=1; adkim=s; rua=mailto:a@r"
		     ".example\n";
	run.assume = NULL;
	run.rounds = 0;
	assert_true(zone_name(&q.domain, "shop.test"));
	assert_true(zone_name(&q.dkim_d, "m.example"));
	assert_true(zone_eval(&run, &q));
	zone_describe(&run, got, sizeof(got));
	assert_true(zone_has_words(got, of_all.want));
	assert_string_equal(run.v->judged.saw, of_all.saw);

	run.zone = N "v=DMARC1; p=no; pct=1; rua=mailto:a@r.example\n";
	run.rounds = 0;
	assert_true(zone_eval(&run, &q));
	zone_describe(&run, got, sizeof(got));
	assert_true(zone_has_words(got,
	    "pass DMARC_INVALID "
	    "also=DMARC_UNALIGNED,DMARC_NO_CONSENT,DMARC_TAG_REMOVED"));
}

/* Names that fill the sentence are cut, and said to be. */
static void
long_saw(void **state)
{
	static const char domain[] =
	    "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz.test";
	static const char zone[] =
	    "_dmarc.abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz.test "
	    "v=DMARC1; p=none; rua=mailto:a@abcdefghijklmnopqrstuvwxyz-"
	    "abcdefghijklmnopqrstuvwxyz.example\n";

	(void)state;
	eval(domain, zone, NULL);
	assert_int_equal(run.v->judged.code, CODE_DMARC_NO_CONSENT);
	assert_int_equal(strlen(run.v->judged.saw), SAW_MAX);
	assert_string_equal(run.v->judged.saw + SAW_MAX - 3, "...");
}

/* A proposal that does not fit, or would not be ASCII, is none. */
static void
no_proposal(void **state)
{
	static char zone[3000];
	struct dmarc_query q = {.mode = DMARC_QUICK};

	(void)state;
	strcpy(zone, N "v=DMARC1; p=none; " RUA "; x=");
	memset(zone + strlen(zone), 'y', 1200);
	eval("shop.test", zone, NULL);
	assert_int_equal(run.v->judged.code, CODE_DMARC_LADDER);
	assert_string_equal(run.v->judged.publish, "");

	/* too long to be mended; too long when it is mended */
	strcpy(zone, N " v=DMARC1; p=none; x=");
	memset(zone + strlen(zone), 'y', 1200);
	eval("shop.test", zone, NULL);
	assert_int_equal(run.v->judged.code, CODE_DMARC_INVALID);
	assert_string_equal(run.v->judged.publish, DEFAULT);
	memset(zone, 0, sizeof(zone));
	strcpy(zone, N " v=DMARC1;");
	for (int i = 0; i < 23; i++)
		sprintf(zone + strlen(zone), "aa%c=%039d;", 'a' + i, i);
	eval("shop.test", zone, NULL);
	assert_int_equal(run.v->judged.code, CODE_WHITESPACE);
	assert_string_equal(run.v->judged.publish, DEFAULT);

	/* a domain that no address can be made of */
	assert_true(zone_name(&q.domain, "sh\x01p.test"));
	run.zone = "";
	run.rounds = 0;
	assert_true(zone_eval(&run, &q));
	assert_string_equal(run.v->judged.publish, "v=DMARC1; p=none");
	run.assume = "v=DMARC1; p=none";
	run.rounds = 0;
	assert_true(zone_eval(&run, &q));
	assert_int_equal(run.v->judged.code, CODE_DMARC_LADDER);
	assert_string_equal(run.v->judged.publish, "");
	run.assume = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(codes),
	    cmocka_unit_test(advice_ends),
	    cmocka_unit_test(inherited),
	    cmocka_unit_test(order),
	    cmocka_unit_test(long_saw),
	    cmocka_unit_test(no_proposal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
