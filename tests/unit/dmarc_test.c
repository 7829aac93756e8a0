/* SPDX-License-Identifier: Apache-2.0 */
/* Sections are those of RFC 9989 where no other RFC is named; "7489:" says
 * what the older reading makes of the same zone. */
#include "tests/unit/dmarc_zone.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct row {
	const char *section;
	const char *who; /* DOMAIN [d=NAME] [m=MAIL-FROM] [e=y|n: exists] */
	const char *zone;
	const char *want;
};

static struct zone_run run;

static void
ask_for(struct dmarc_query *q, const char *who)
{
	char word[DNAME_TEXT_MAX + 3];

	for (const char *at = who; *at != '\0';) {
		size_t len = strcspn(at, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, at);
		at += len + (at[len] == ' ');
		if (strncmp(word, "d=", 2) == 0)
			q->has_dkim = zone_name(&q->dkim_d, word + 2);
		else if (strncmp(word, "m=", 2) == 0)
			q->has_mail_from = zone_name(&q->mail_from, word + 2);
		else if (strncmp(word, "e=", 2) == 0)
			q->exists =
			    word[2] == 'y' ? DMARC_EXISTS_YES : DMARC_EXISTS_NO;
		else
			assert_true(zone_name(&q->domain, word));
	}
}

static void
eval(const struct row *row, enum dmarc_mode mode)
{
	struct dmarc_query q = {.mode = mode};

	run.zone = row->zone;
	run.asked_n = 0;
	run.rounds = 0;
	ask_for(&q, row->who);
	if (!zone_eval(&run, &q))
		fail_msg("%s %s: no end", row->section, row->who);
}

static void
check_row(const struct row *row, enum dmarc_mode mode)
{
	char got[4096];

	eval(row, mode);
	zone_describe(&run, got, sizeof(got));
	if (!zone_has_words(got, row->want))
		fail_msg("%s %s:\n%swant %s\ngot %s\nsaw \"%s\" publish "
			 "\"%s\"",
		    row->section, row->who, row->zone, row->want, got,
		    run.v->judged.saw, run.v->judged.publish);
}

#define P(name, tags) "_dmarc." name " v=DMARC1; " tags "\n"
#define RUA	      "rua=mailto:a@shop.test"

/* Policy discovery: 4.10 and 4.10.1, asked for the policy only. */
static const struct row policies[] = {
    {"4.10.1 author domain", "shop.test", P("shop.test", "p=reject"),
	"pass policy=reject tag=p at=shop.test asked=1 all=1"},
    {"4.10.1 author domain, not p of a parent", "a.shop.test",
	P("a.shop.test", "p=none") P("shop.test", "p=reject; sp=reject"),
	"policy=none tag=p at=a.shop.test all=1"},
    {"4.10.1 sp does not bind the domain itself", "shop.test",
	P("shop.test", "p=reject; sp=none"), "policy=reject tag=p"},
    {"4.10.1 nothing", "shop.test", "",
	"none NOT_PUBLISHED policy= at=- "
	"org=shop.test asked=2 all=2"},
    {"4.10.1 organisational domain, sp", "a.shop.test",
	P("shop.test", "p=reject; sp=quarantine"),
	"pass policy=quarantine tag=sp at=shop.test org=shop.test all=3"},
    {"4.10.1 organisational domain, p", "a.shop.test",
	P("shop.test", "p=reject"), "policy=reject tag=p at=shop.test all=3"},
    {"4.10.2 (3) the shortest name, not the next; 7489: by a list",
	"c.b.a.x.test", P("b.a.x.test", "p=none") P("x.test", "p=reject"),
	"policy=reject at=x.test org=x.test all=5"},
    {"4.10.1 public suffix, 7489: no policy (RFC 9091 experimental)",
	"shop.test", P("test", "p=reject; psd=y"),
	"pass policy=reject at=test org=shop.test psd=y all=2"},
    {"4.10.1 public suffix, np", "shop.test",
	P("test",
	    "p=none; sp=quarantine; np=reject; psd=y") "shop.test !nodata\n",
	"policy=quarantine tag=sp at=test all=3"},
    {"4.10.1 not the record between org and author", "b.a.shop.test",
	P("a.shop.test", "p=reject") P("test", "p=none; psd=y"),
	"policy=none at=test org=shop.test"},
    {"4.10.1 organisational domain before suffix", "b.shop.test",
	P("shop.test", "p=reject") P("test", "p=none; psd=y"),
	"policy=reject at=shop.test org=shop.test"},
    {"4.10 step 2, psd=n stops", "c.b.shop.test",
	P("b.shop.test", "p=quarantine; psd=n") P("shop.test", "p=reject"),
	"policy=quarantine at=b.shop.test org=b.shop.test psd=n asked=2 all=2"},
    {"4.10 step 6, psd=y stops", "b.shop.co.test",
	P("co.test", "p=quarantine; psd=y") P("test", "p=reject"),
	"policy=quarantine at=co.test org=shop.co.test all=3"},
    {"4.10.2 (2) not where the walk started", "co.test",
	P("co.test", "p=quarantine; psd=y") P("test", "p=none"),
	"policy=quarantine tag=p at=co.test org=co.test all=1"},
    {"4.10.2 (1) psd=n at the start", "shop.test",
	P("shop.test", "p=none; psd=n"), "org=shop.test all=1"},
    {"4.10 psd=u does not stop", "b.shop.test", P("shop.test", "p=none; psd=u"),
	"org=shop.test all=3"},
    {"4.8 psd=x is u", "b.shop.test", P("shop.test", "p=none; psd=x"),
	"org=shop.test all=3"},
    {"4.10.2 a top-level domain without psd=y", "shop.test",
	P("test", "p=reject"), "policy=reject at=test org=test"},
    {"4.10 a top-level domain", "test", P("test", "p=none; psd=y"),
	"policy=none at=test asked=1"},
    /* two records, records of others */
    {"4.10 step 2, several are discarded", "a.shop.test",
	P("a.shop.test", "p=none") P("a.shop.test", "p=reject")
	    P("shop.test", "p=quarantine; " RUA),
	"pass DUP_RECORD policy=quarantine at=shop.test of=a.shop.test"},
    {"4.10 step 2, several are discarded", "shop.test",
	P("shop.test", "p=none") P("shop.test", "p=reject"),
	"fail DUP_RECORD policy= at=- of=shop.test"},
    {"4.10 step 6, several at a parent", "a.b.shop.test",
	P("b.shop.test", "p=none; psd=n") P("b.shop.test", "p=reject; psd=n")
	    P("shop.test", "p=quarantine; " RUA),
	"policy=quarantine at=shop.test all=4"},
    {"4.10 step 2, others are discarded", "shop.test",
	"_dmarc.shop.test v=spf1 -all\n" P(
	    "shop.test", "p=reject; " RUA) "_dmarc.shop.test hello\n",
	"pass - policy=reject txt=1"},
    {"4.10 step 2, others are discarded", "a.shop.test",
	"_dmarc.a.shop.test v=spf1 -all\n" P("shop.test", "p=reject"),
	"pass policy=reject at=shop.test"},
    {"4.10 step 6, DMARC2 does not count", "a.shop.test",
	"_dmarc.shop.test v=DMARC2; p=none\n" P("shop.test", "p=reject"),
	"policy=reject at=shop.test"},
    {"RFC 6376 3.2 a tag twice is no record", "a.shop.test",
	P("a.shop.test", "p=none; p=none") P("shop.test", "p=reject"),
	"pass DMARC_INVALID policy=reject at=shop.test of=a.shop.test mark=18"},
    /* at most eight questions */
    {"4.10 seven labels", "a.b.c.d.e.x.test", "", "none all=7 asked=7"},
    {"4.10 eight labels", "a.b.c.d.e.f.x.test", "", "none all=8"},
    {"4.10 nine labels", "a.b.c.d.e.f.g.x.test", "", "none all=8"},
    {"4.10 thirteen labels", "a.b.c.d.e.f.g.h.i.j.mail.example.test", "",
	"none all=8"},
    {"5.1.8 never found", "mail.a.b.c.d.e.f.g.example.test",
	P("b.c.d.e.f.g.example.test", "p=none; psd=n")
	    P("example.test", "p=reject; " RUA),
	"policy=reject at=example.test org=example.test"},
    {"5.1.8 always asked first", "mail.a.b.c.d.e.f.g.example.test",
	P("mail.a.b.c.d.e.f.g.example.test", "p=none; psd=n"),
	"policy=none all=1"},
    {"4.10 step 4, cut to seven", "a.b.c.d.e.f.g.h.x.test",
	P("d.e.f.g.h.x.test", "p=none") P("c.d.e.f.g.h.x.test", "p=reject"),
	"policy=none at=d.e.f.g.h.x.test"},
    /* np: only when the name does not exist (3.2.13) */
    {"4.10.1 np", "a.shop.test e=n", P("shop.test", "p=none; np=reject"),
	"policy=reject tag=np all=3"},
    {"4.10.1 np", "a.shop.test e=y", P("shop.test", "p=none; np=reject"),
	"policy=none tag=p"},
    {"3.2.13 NXDOMAIN", "a.shop.test", P("shop.test", "p=none; np=reject"),
	"policy=reject tag=np all=4"},
    {"3.2.13 no addresses is not NXDOMAIN", "a.shop.test",
	P("shop.test", "p=none; np=reject") "a.shop.test !nodata\n",
	"policy=none tag=p all=4"},
    {"4.7 np is as sp: not asked", "a.shop.test",
	P("shop.test", "p=none; sp=reject; np=reject"),
	"policy=reject tag=sp all=3"},
    {"4.7 np without sp is as p: not asked", "a.shop.test",
	P("shop.test", "p=reject; np=reject"), "policy=reject tag=p all=3"},
    {"4.7 no np: sp", "a.shop.test e=n", P("shop.test", "p=none; sp=reject"),
	"policy=reject tag=sp"},
    {"4.7 no np, no sp: p", "a.shop.test e=n", P("shop.test", "p=quarantine"),
	"policy=quarantine tag=p"},
    {"4.7 np does not bind the domain itself", "shop.test e=n",
	P("shop.test", "p=none; np=reject"), "policy=none tag=p all=1"},
    {"4.10.1 the existence is not known", "a.shop.test",
	P("shop.test", "p=none; np=reject") "a.shop.test !timeout\n",
	"pass policy=none tag=p"},
    /* p missing or wrong */
    {"4.7 p missing, rua", "shop.test", P("shop.test", RUA),
	"pass DMARC_LADDER policy=none tag= mark=-"},
    {"4.10.1 p missing, no rua", "shop.test", "_dmarc.shop.test v=DMARC1\n",
	"fail DMARC_INVALID policy= at=- mark=-"},
    {"4.10.1 p wrong, rua", "shop.test", P("shop.test", "p=rejct; " RUA),
	"pass DMARC_INVALID policy=none tag= mark=12 also="},
    {"4.10.1 p wrong, no rua", "shop.test", P("shop.test", "p=rejct"),
	"fail DMARC_INVALID at=- mark=12"},
    {"4.10.1 p wrong, rua wrong", "shop.test",
	P("shop.test", "p=rejct; rua=a@shop.test"), "fail DMARC_INVALID"},
    {"4.10.1 p wrong, rua of another kind", "shop.test",
	P("shop.test", "p=rejct; rua=https://x.test/"),
	"pass DMARC_INVALID policy=none rua=-"},
    {"4.10.1 sp wrong, rua: all is none", "shop.test",
	P("shop.test", "p=reject; sp=no; " RUA),
	"pass DMARC_INVALID policy=none tag= mark=23"},
    {"4.10.1 sp wrong, no rua", "shop.test", P("shop.test", "p=reject; sp=no"),
	"fail DMARC_INVALID mark=23"},
    {"4.10.1 np wrong, rua", "a.shop.test",
	P("shop.test", "p=reject; np=no; " RUA),
	"pass DMARC_INVALID policy=none of=shop.test"},
    {"4.10.1 a void record does not lead to its parent", "a.shop.test",
	P("a.shop.test", "p=x") P("shop.test", "p=reject"),
	"fail DMARC_INVALID at=- of=a.shop.test"},
    {"4.10.1 a void record of the registry is not theirs", "shop.test",
	P("test", "p=x; psd=y"), "none NOT_PUBLISHED of=shop.test"},
    /* t; 7489 has no t: p is in force */
    {"4.7 t", "shop.test", P("shop.test", "p=reject; t=y"),
	"policy=reject enforced=quarantine t=y"},
    {"4.7 t", "shop.test", P("shop.test", "p=quarantine; t=y; " RUA),
	"policy=quarantine enforced=none t=y"},
    {"4.7 t of none", "shop.test", P("shop.test", "p=none; t=y; " RUA),
	"policy=none enforced=none t=y"},
    {"4.7 t with sp", "a.shop.test",
	P("shop.test", "p=none; sp=reject; t=y; " RUA),
	"policy=reject tag=sp enforced=quarantine"},
    {"4.7 t=n", "shop.test", P("shop.test", "p=reject; t=n"),
	"enforced=reject t=n"},
    /* pct; 7489 6.6.4: half of it quarantined */
    {"A.6 pct is not read", "shop.test", P("shop.test", "p=reject; pct=50"),
	"pass DMARC_TAG_REMOVED policy=reject enforced=reject"},
    {"A.6 pct=0 is not read; 7489: no mail", "shop.test",
	P("shop.test", "p=reject; pct=0"), "enforced=reject"},
    /* no usable answer: 4.10.1, transient errors */
    {"4.10.1", "shop.test", "_dmarc.shop.test !servfail\n",
	"undecided SERVFAIL all=1 at=-"},
    {"4.10.1", "shop.test", "_dmarc.shop.test !timeout\n",
	"undecided TIMEOUT all=1"},
    {"4.10.1", "shop.test", "_dmarc.shop.test !refused\n", "undecided REFUSED"},
    {"4.10.1", "shop.test", "_dmarc.shop.test !malformed\n",
	"undecided BAD_PACKET"},
    {"RFC 8914 4.7", "shop.test", "_dmarc.shop.test !bogus\n",
	"undecided DNSSEC_BOGUS"},
    {"RFC 8767, RFC 8914 4.20", "shop.test", "_dmarc.shop.test !stale\n",
	"undecided SERVFAIL"},
    {"RFC 1034 3.6.2", "shop.test", "_dmarc.shop.test !chain\n",
	"undecided CNAME_CHAIN"},
    {"4.10.1", "shop.test", "_dmarc.shop.test !lame\n", "undecided REFUSED"},
    {"4.10.1 not a top-level domain", "a.b.test", "_dmarc.b.test !refused\n",
	"undecided REFUSED"},
    {"4.10.1 in the walk", "a.b.test",
	"_dmarc.b.test !timeout\n" P("test", "p=reject"),
	"undecided TIMEOUT all=2"},
    {"4.10.1 behind the stop", "a.b.test",
	P("b.test", "p=none; psd=n; " RUA) "_dmarc.test !timeout\n",
	"pass DMARC_LADDER"},
    {"4.10.1 own record", "shop.test",
	P("shop.test", "p=none; " RUA) "_dmarc.test !timeout\n", "pass"},
    {"4.10.1 a suffix that is refused", "shop.test", "_dmarc.test !refused\n",
	"none NOT_PUBLISHED"},
    {"4.10.1 a suffix that fails", "shop.test", "_dmarc.test !servfail\n",
	"undecided SERVFAIL"},
    {"4.10.1 a fault that is seen already", "shop.test",
	P("shop.test", "p=none")
	    P("shop.test", "p=none ") "_dmarc.test !servfail\n",
	"fail DUP_RECORD"},
};

/* Everything: 4.10.2, 4.4, RFC 9990 section 4. */
static const struct row full[] = {
    {"4.10.2 own record, but a shorter name has one", "a.shop.test",
	P("a.shop.test", "p=none; " RUA) P("shop.test", "p=reject"),
	"policy=none at=a.shop.test org=shop.test asked=3"},
    {"4.10.2 first example", "a.mail.example.test",
	P("mail.example.test", "p=none") P("example.test", "p=none"),
	"org=example.test asked=4"},
    {"4.10.2 second example", "a.mail.example.test",
	P("mail.example.test", "p=none; psd=n"),
	"org=mail.example.test asked=2"},
    {"4.10.2 last example", "a.mail.example.test", P("test", "p=none; psd=y"),
	"org=example.test asked=4"},
    {"4.10.2 (2) example", "a.mail.example.test",
	P("mail.example.test", "p=none") P("example.test", "p=none; psd=y"),
	"org=mail.example.test at=mail.example.test asked=3"},
    {"4.10.2 none: the start", "a.mail.example.test", "",
	"org=a.mail.example.test none"},
    {"4.10.2 own record only", "a.shop.test", P("a.shop.test", "p=none"),
	"org=a.shop.test"},
    {"4.10.2 not known", "shop.test d=shop.test m=mail.shop.test",
	P("shop.test", "p=none; " RUA) "_dmarc.test !timeout\n",
	"pass org=? dkim=y spf=?"},
    {"B.4.1", "example.com d=signing.example.com m=example.com",
	P("example.com", "p=none") P("signing.example.com", "p=none"),
	"org=example.com at=example.com dkim=y spf=y all=3"},
    {"B.4.2",
	"a.b.c.d.e.f.g.h.i.j.k.example.com d=signing.example.com "
	"m=example.com",
	P("example.com", "p=none") P("signing.example.com", "p=none"),
	"org=example.com at=example.com dkim=y spf=y asked=8 all=9"},
    {"B.4.3",
	"giant.bank.example d=mail.mega.bank.example "
	"m=mail.giant.bank.example",
	P("giant.bank.example", "p=none") P("bank.example", "p=none; psd=y"),
	"org=giant.bank.example at=giant.bank.example dkim=n spf=y asked=2"},
    /* alignment of d= and MAIL FROM */
    {"4.10.2 the same domain", "shop.test d=shop.test m=shop.test",
	P("shop.test", "p=none"), "dkim=y spf=y all=2"},
    {"4.4 names in any case", "shop.test d=SHOP.test m=Shop.Test",
	P("shop.test", "p=none"), "dkim=y spf=y all=2"},
    {"4.4.1 relaxed, below", "shop.test d=mail.shop.test m=mail.shop.test",
	P("shop.test", "p=none"), "dkim=y spf=y all=3"},
    {"4.4.1 relaxed, above", "mail.shop.test d=shop.test m=shop.test",
	P("shop.test", "p=none"), "dkim=y spf=y all=3"},
    {"4.4.1 relaxed, beside", "a.shop.test d=b.shop.test",
	P("shop.test", "p=none") P("a.shop.test", "p=none; " RUA),
	"dkim=y spf=?"},
    {"4.4.1 relaxed, above, which has no record", "mail.shop.test d=shop.test",
	P("mail.shop.test", "p=none"), "dkim=n org=mail.shop.test"},
    {"4.10.2 psd=n between; 7489: aligned",
	"shop.test d=b.shop.test m=c.shop.test",
	P("shop.test", "p=none") P("b.shop.test", "p=none; psd=n"),
	"dkim=n spf=y"},
    {"4.10.2 psd=y above", "shop.co.test d=other.co.test m=mail.shop.co.test",
	P("co.test", "p=none; psd=y"), "dkim=n spf=y"},
    {"4.10.2 a suffix without psd=y joins them; 7489: not aligned",
	"shop.test d=other.test", P("test", "p=none"), "dkim=y org=test"},
    {"4.4.1 foreign", "shop.test d=mailco.example m=bounce.mailco.example",
	P("shop.test", "p=none"),
	"pass DMARC_UNALIGNED dkim=n spf=n all=2 also="},
    {"4.4 one of them is enough", "shop.test d=shop.test m=mailco.example",
	P("shop.test", "p=none"), "pass DMARC_LADDER dkim=y spf=n"},
    {"4.4 one of them is enough", "shop.test d=mailco.example m=shop.test",
	P("shop.test", "p=none"), "pass DMARC_LADDER dkim=n spf=y"},
    {"4.4.1 foreign, a longer name", "shop.test d=notshop.test",
	P("shop.test", "p=none"), "dkim=n"},
    {"4.4.1 strict", "shop.test d=mail.shop.test m=mail.shop.test",
	P("shop.test", "p=none; adkim=s"), "dkim=n spf=y"},
    {"4.4.1 strict", "shop.test d=shop.test", P("shop.test", "p=none; adkim=s"),
	"dkim=y"},
    {"4.4.2 strict", "shop.test d=mail.shop.test m=mail.shop.test",
	P("shop.test", "p=none; aspf=s"), "dkim=y spf=n"},
    {"4.4.2 strict, of the record that applies",
	"a.shop.test d=shop.test m=shop.test",
	P("shop.test", "p=none; aspf=s; adkim=s"),
	"pass DMARC_UNALIGNED dkim=n spf=n"},
    {"4.10.2 no answer for d=", "shop.test d=a.shop.test",
	P("shop.test", "p=none; " RUA) "_dmarc.a.shop.test !servfail\n",
	"pass DMARC_LADDER dkim=?"},
    {"4.10.2 no policy: no alignment",
	"shop.test d=mail.shop.test m=mailco.example", "",
	"none dkim=? spf=n all=2"},
    {"4.10 d= of nine labels", "x.test d=a.b.c.d.e.f.g.x.test",
	P("x.test", "p=none"), "dkim=y all=8"},
    /* consent: RFC 9990 section 4, RFC 9991 section 5; 7489 7.1 */
    {"9990 4 same domain", "shop.test", P("shop.test", "p=none; " RUA),
	"rua=own all=2"},
    {"9990 4 same organisational domain; 7489 7.1: by a list", "shop.test",
	P("shop.test", "p=none; rua=mailto:a@mail.shop.test"), "rua=own all=3"},
    {"9990 4 same organisational domain", "a.shop.test",
	P("a.shop.test", "p=none; " RUA) P("shop.test", "p=none"), "rua=own"},
    {"9990 4 the record's domain, not the author's", "a.shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example") "shop.test._report._dmarc.r."
					      "example v=DMARC1\n",
	"rua=yes DMARC_LADDER"},
    {"9990 4 (8) consent", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example") "shop.test._report._dmarc.r."
					      "example v=DMARC1;\n",
	"pass DMARC_LADDER rua=yes all=3"},
    {"9990 4 wildcard", "shop.test",
	P("shop.test", "p=none; rua=mailto:x@r.example") "*._report._dmarc.r."
							 "example v=DMARC1\n",
	"pass DMARC_LADDER rua=yes"},
    {"9990 4 (7) nothing", "shop.test",
	P("shop.test", "p=none; rua=mailto:x@r.example"),
	"pass DMARC_NO_CONSENT rua=no mark=22 also="},
    {"9990 4 (6) something else", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example") "shop.test._report._dmarc.r."
					      "example v=spf1 -all\n",
	"DMARC_NO_CONSENT rua=no"},
    {"9990 4 (6) v=DMARC1 not first", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example") "shop.test._report._dmarc.r."
					      "example rua=mailto:x@r.example; "
					      "v=DMARC1\n",
	"rua=no"},
    {"9990 4 (8) one of several records", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example") "shop.test._report._dmarc.r."
					      "example hello\n"
					      "shop.test._report._dmarc.r."
					      "example v=DMARC1\n"
					      "shop.test._report._dmarc.r."
					      "example v=DMARC1;\n",
	"rua=yes"},
    {"9990 4 (9) other address, same host", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example") "*._report._dmarc.r.example "
					      "v=DMARC1; "
					      "rua=mailto:y@r.example\n",
	"rua=yes"},
    {"9990 4 (9) diverted to another host", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example") "*._report._dmarc.r.example "
					      "v=DMARC1; "
					      "rua=mailto:y@s.example\n",
	"rua=no"},
    {"9990 4 (9) something that is no mail", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example") "*._report._dmarc.r.example "
					      "v=DMARC1; "
					      "rua=https://s.example/\n",
	"rua=yes"},
    {"9991 5 ruf that is no mail", "shop.test",
	P("shop.test", "p=none; ruf=https://r.example/; " RUA),
	"rua=own ruf=- pass DMARC_LADDER"},
    {"9991 5 ruf, the second", "shop.test",
	P("shop.test",
	    "p=none; ruf=mailto:a@shop.test,mailto:a@r.example; " RUA),
	"rua=own ruf=own,no pass DMARC_NO_CONSENT"},
    {"9991 5 ruf by its own tag", "shop.test",
	P("shop.test", "p=none; rua=mailto:x@r.example; "
		       "ruf=mailto:x@r.example") "*._report._dmarc.r.example "
						 "v=DMARC1; "
						 "ruf=mailto:y@s.example\n",
	"rua=yes ruf=no all=3 DMARC_NO_CONSENT mark=46"},
    {"9990 4 (5) no answer", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example") "shop.test._report._dmarc.r."
					      "example !servfail\n",
	"pass DMARC_LADDER rua=?"},
    {"9990 4 (5) stale", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example") "shop.test._report._dmarc.r."
					      "example !stale\n",
	"rua=?"},
    {"9990 4 each host once", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example,mailto:y@R.example") "*._report._"
								 "dmarc.r."
								 "example "
								 "v=DMARC1\n",
	"rua=yes,yes all=3"},
    {"9990 4 several hosts at once", "shop.test",
	P("shop.test",
	    "p=none; rua=mailto:x@r.example,mailto:y@s.example") "*._report._"
								 "dmarc.r."
								 "example "
								 "v=DMARC1\n",
	"rua=yes,no all=4"},
    {"9990 4 below, but another organisation", "shop.test",
	P("shop.test", "p=none; rua=mailto:x@a.shop.test")
	    P("a.shop.test", "p=none; psd=n"),
	"rua=no all=4"},
    {"9990 4 above, which has no record", "a.shop.test",
	P("a.shop.test", "p=none; " RUA), "rua=no org=a.shop.test"},
    {"9990 4 of the registry, in its domain", "shop.test",
	P("test", "p=none; psd=y; rua=mailto:x@test"), "rua=own"},
    {"9990 4 of the registry, at ours", "shop.test",
	P("test", "p=none; psd=y; rua=mailto:x@shop.test"),
	"rua=no DMARC_LADDER"},
    {"4.7 other schemes are not asked for", "shop.test",
	P("shop.test", "p=none; rua=https://r.example/"),
	"rua=- all=2 pass DMARC_LADDER"},
    {"4.10 organisation not known, host is it", "shop.test",
	P("shop.test", "p=none; " RUA) "_dmarc.test !servfail\n", "rua=own"},
};

static void
table(const struct row *rows, size_t n, enum dmarc_mode mode)
{
	for (size_t i = 0; i < n; i++)
		check_row(&rows[i], mode);
}

static void
policy(void **state)
{
	(void)state;
	table(policies, ARRAY_LEN(policies), DMARC_QUICK);
}

static void
all(void **state)
{
	(void)state;
	table(full, ARRAY_LEN(full), DMARC_FULL);
}

/* Whatever is asked besides, the policy stays what it is. */
static void
both_modes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		struct row row = policies[i];
		enum verdict verdict;
		enum dmarc_policy p;

		eval(&row, DMARC_QUICK);
		verdict = run.v->judged.verdict;
		p = run.v->enforced;
		eval(&row, DMARC_FULL);
		if (verdict != run.v->judged.verdict || p != run.v->enforced)
			fail_msg("%s %s", row.section, row.who);
	}
}

/* 4.10's and 5.1.8's own lists of questions, in their order. */
static void
questions(void **state)
{
	static const struct {
		const char *domain;
		const char *asked[9];
	} rows[] = {
	    {"a.b.c.d.e.f.g.h.i.j.mail.example.com",
		{"_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
		    "_dmarc.g.h.i.j.mail.example.com",
		    "_dmarc.h.i.j.mail.example.com",
		    "_dmarc.i.j.mail.example.com", "_dmarc.j.mail.example.com",
		    "_dmarc.mail.example.com", "_dmarc.example.com",
		    "_dmarc.com"}},
	    {"mail.a.b.c.d.e.f.g.example.com",
		{"_dmarc.mail.a.b.c.d.e.f.g.example.com",
		    "_dmarc.c.d.e.f.g.example.com",
		    "_dmarc.d.e.f.g.example.com", "_dmarc.e.f.g.example.com",
		    "_dmarc.f.g.example.com", "_dmarc.g.example.com",
		    "_dmarc.example.com", "_dmarc.com"}},
	    {"a.mail.example.com",
		{"_dmarc.a.mail.example.com", "_dmarc.mail.example.com",
		    "_dmarc.example.com", "_dmarc.com"}},
	    {"a.b.c.d.e.f.example.com",
		{"_dmarc.a.b.c.d.e.f.example.com",
		    "_dmarc.b.c.d.e.f.example.com",
		    "_dmarc.c.d.e.f.example.com", "_dmarc.d.e.f.example.com",
		    "_dmarc.e.f.example.com", "_dmarc.f.example.com",
		    "_dmarc.example.com", "_dmarc.com"}},
	    {"com", {"_dmarc.com"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct row row = {
		    .section = "4.10", .who = rows[i].domain, .zone = ""};
		size_t n = 0;

		eval(&row, DMARC_FULL);
		while (rows[i].asked[n] != NULL) {
			assert_true(n < run.asked_n);
			assert_string_equal(run.asked[n], rows[i].asked[n]);
			n++;
		}
		assert_int_equal(run.asked_n, n);
	}
}

#define NAME_63                                                                \
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

/* Where `_dmarc.` does not fit in front, nothing can stand. */
static void
long_names(void **state)
{
	static const struct row row = {"4.10",
	    NAME_63 "." NAME_63 "." NAME_63 ".abcdefghijklmnopqrstuvwxyzabcdef"
		    "ghijklmnopqrstuvwxyz.test",
	    P("test", "p=reject; " RUA),
	    "pass policy=reject at=test asked=5 "
	    "all=4"};

	(void)state;
	assert_int_equal(strlen(row.who), 249);
	check_row(&row, DMARC_QUICK);
}

static void
long_consent(void **state)
{
	static const struct row row = {"RFC 9990 4 (4)",
	    NAME_63 "." NAME_63 ".test",
	    P(NAME_63 "." NAME_63 ".test",
		"p=none; rua=mailto:a@" NAME_63 "." NAME_63 ".example"),
	    "pass DMARC_NO_CONSENT rua=no all=3"};

	(void)state;
	check_row(&row, DMARC_FULL);
}

/* In QUICK only what needs no question is told. */
static void
quick_facts(void **state)
{
	static const struct row rows[] = {
	    {"4.4 the same", "shop.test d=shop.test m=mail.shop.test",
		P("shop.test", "p=none"), "dkim=y spf=? all=1 org=?"},
	    {"4.4 nothing in common", "shop.test d=m.example m=m.example",
		P("shop.test", "p=none"), "DMARC_UNALIGNED dkim=n spf=n all=1"},
	    {"4.4 strict", "shop.test m=mail.shop.test",
		P("shop.test", "p=none; aspf=s"), "spf=n all=1"},
	    {"4.10.2 psd=n", "shop.test d=a.shop.test m=b.test",
		P("shop.test", "p=none; psd=n"),
		"org=shop.test spf=n dkim=? all=1"},
	    {"9990 4", "shop.test",
		P("shop.test", "p=none; " RUA ",mailto:a@b.example"),
		"rua=own,? all=1"},
	};

	(void)state;
	table(rows, ARRAY_LEN(rows), DMARC_QUICK);
}

static void
assumed(void **state)
{
	static const struct row rows[] = {
	    {"own", "shop.test", P("shop.test", "p=reject"),
		"policy=none all=0 asked=0"},
	    {"also without any", "a.shop.test", "", "policy=none all=0"},
	};
	static const struct row broken = {"none", "a.shop.test",
	    P("shop.test", "p=reject"),
	    "pass DMARC_INVALID policy=reject at=shop.test of=a.shop.test "
	    "all=2 asked=2 mark=8"};

	(void)state;
	run.assume = "v=DMARC1; p=none; " RUA;
	table(rows, ARRAY_LEN(rows), DMARC_QUICK);
	run.assume = "v=DMARC1 p=none";
	check_row(&broken, DMARC_QUICK);
	run.assume = NULL;
}

static void
expired(void **state)
{
	static const struct {
		unsigned after;
		enum dmarc_mode mode;
		struct row row;
	} rows[] = {
	    {1, DMARC_QUICK,
		{"first", "shop.test", P("shop.test", "p=none"),
		    "undecided TIMEOUT at=- all=0"}},
	    {2, DMARC_QUICK,
		{"walk", "a.shop.test", P("shop.test", "p=none"),
		    "undecided TIMEOUT at=- all=1"}},
	    {4, DMARC_QUICK,
		{"exists", "a.shop.test",
		    P("shop.test", "p=none; np=reject; " RUA),
		    "pass DMARC_LADDER policy=none all=3"}},
	    {2, DMARC_FULL,
		{"own record", "shop.test",
		    P("shop.test", "p=none; rua=mailto:a@b.example"),
		    "pass DMARC_LADDER policy=none org=? rua=? all=1"}},
	    {3, DMARC_FULL,
		{"consent", "shop.test",
		    P("shop.test", "p=none; rua=mailto:a@b.example"),
		    "pass DMARC_LADDER org=shop.test rua=? all=2"}},
	    {2, DMARC_QUICK,
		{"a fault", "a.shop.test",
		    P("a.shop.test", "p=none") P("a.shop.test", "p=none "),
		    "fail DUP_RECORD all=1"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		run.expire_after = rows[i].after;
		check_row(&rows[i].row, rows[i].mode);
	}
	run.expire_after = 0;
}

/* With any lack of memory it ends, and never as a pass it did not see. */
static void
small_arena(void **state)
{
	struct dmarc_query q = {.mode = DMARC_FULL, .has_dkim = true};
	uint8_t *memory = test_malloc(64u << 10);

	(void)state;
	run.zone = P("shop.test", "p=reject; rua=mailto:a@b.example,mailto:c@d"
				  ".example,mailto:e@mail.shop.test");
	assert_true(zone_name(&q.domain, "a.shop.test"));
	assert_true(zone_name(&q.dkim_d, "b.shop.test"));
	for (size_t cap = 0; cap < 128u << 10; cap += 64) {
		struct answer got[DMARC_ASK_MAX];
		struct arena arena;
		struct dmarc *d;
		size_t n = 0;

		arena_init(&arena, memory, cap % (64u << 10));
		d = dmarc_begin(&q, &arena);
		if (d != NULL && cap >= 64u << 10)
			dmarc_assume(d, "v=DMARC1; p=reject", 18);
		while (d != NULL && dmarc_step(d, got, n) == DMARC_ASK) {
			const struct question *asks = dmarc_asks(d, &n);

			for (size_t i = 0; i < n; i++) {
				run.asked_n = 0;
				zone_answer(&run, &run.got[i], &asks[i]);
				got[i] = run.got[i].answer;
			}
		}
		if (d == NULL)
			continue;
		if (arena.full)
			assert_int_equal(dmarc_verdict(d)->judged.verdict,
			    VERDICT_UNDECIDED);
		else
			assert_int_equal(
			    dmarc_verdict(d)->judged.verdict, VERDICT_PASS);
	}
	test_free(memory);
}

/* The first question stands alone and asks a resolver; after the end it stays
 * the end. */
static void
contract(void **state)
{
	struct dmarc_query q = {.mode = DMARC_FULL};
	struct zone_answer got;
	const struct question *asks;
	struct dmarc *d;
	char name[DNAME_SHOWN_MAX + 1];
	size_t n;

	(void)state;
	run.zone = P("shop.test", "p=none; psd=n; " RUA);
	assert_true(zone_name(&q.domain, "shop.test"));
	arena_init(&run.arena, run.memory, sizeof(run.memory));
	d = dmarc_begin(&q, &run.arena);
	assert_int_equal(dmarc_step(d, NULL, 0), DMARC_ASK);
	asks = dmarc_asks(d, &n);
	assert_int_equal(n, 1);
	dname_show(&asks[0].name, name);
	assert_string_equal(name, "_dmarc.shop.test");
	assert_int_equal(asks[0].type, RRTYPE_TXT);
	assert_int_equal(asks[0].flags, QUESTION_RD);
	zone_answer(&run, &got, &asks[0]);
	assert_int_equal(dmarc_step(d, &got.answer, 1), DMARC_DONE);
	assert_int_equal(dmarc_step(d, &got.answer, 1), DMARC_DONE);
	dmarc_expire(d);
	dmarc_asks(d, &n);
	assert_int_equal(n, 0);
	assert_int_equal(dmarc_verdict(d)->judged.verdict, VERDICT_PASS);
}

/* RFC 8914: which failures are those of signatures. */
static void
extended_errors(void **state)
{
	struct dmarc_query q = {.mode = DMARC_QUICK};

	(void)state;
	assert_true(zone_name(&q.domain, "shop.test"));
	for (uint16_t ede = 0; ede < 30; ede++) {
		struct answer got = {
		    .outcome = OUTCOME_SERVFAIL, .has_ede = true, .ede = ede};
		bool bogus = ede == 1 || ede == 2 || (ede >= 5 && ede <= 12) ||
			     ede == 25 || ede == 27;
		struct dmarc *d;

		arena_init(&run.arena, run.memory, sizeof(run.memory));
		d = dmarc_begin(&q, &run.arena);
		assert_int_equal(dmarc_step(d, NULL, 0), DMARC_ASK);
		assert_int_equal(dmarc_step(d, &got, 1), DMARC_DONE);
		assert_int_equal(dmarc_verdict(d)->judged.code,
		    bogus ? CODE_DNSSEC_BOGUS : CODE_SERVFAIL);
	}
}

/* Fewer answers than questions, or none in an answer, is no way to a verdict.
 */
static void
answers_missing(void **state)
{
	struct dmarc_query q = {.mode = DMARC_QUICK};
	struct answer empty = {.outcome = OUTCOME_RECORDS};
	struct dmarc *d;

	(void)state;
	assert_true(zone_name(&q.domain, "shop.test"));
	arena_init(&run.arena, run.memory, sizeof(run.memory));
	d = dmarc_begin(&q, &run.arena);
	assert_int_equal(dmarc_step(d, NULL, 0), DMARC_ASK);
	assert_int_equal(dmarc_step(d, NULL, 0), DMARC_DONE);
	assert_int_equal(dmarc_verdict(d)->judged.code, CODE_TIMEOUT);

	d = dmarc_begin(&q, &run.arena);
	assert_int_equal(dmarc_step(d, NULL, 0), DMARC_ASK);
	assert_int_equal(dmarc_step(d, &empty, 1), DMARC_ASK);
	assert_int_equal(dmarc_step(d, &empty, 1), DMARC_DONE);
	assert_int_equal(dmarc_verdict(d)->judged.code, CODE_NOT_PUBLISHED);
}

/* For tests that compare with other programs: a line in is
 * "MODE\x1fWHO\x1fNAME DATA\x1eNAME DATA...", a line out what is known. */
static int
lines(void)
{
	static char line[1u << 16];
	char got[4096];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *who = strchr(line, '\x1f'), *zone;
		struct row row = {.section = "line"};

		line[strcspn(line, "\n")] = '\0';
		if (who == NULL || (zone = strchr(who + 1, '\x1f')) == NULL)
			return 1;
		*who = *zone = '\0';
		for (char *c = zone + 1; *c != '\0'; c++)
			*c = *c == '\x1e' ? '\n' : *c;
		row.who = who + 1;
		row.zone = zone + 1;
		eval(&row, line[0] == 'f' ? DMARC_FULL : DMARC_QUICK);
		zone_describe(&run, got, sizeof(got));
		puts(got);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(policy),
	    cmocka_unit_test(all),
	    cmocka_unit_test(both_modes),
	    cmocka_unit_test(questions),
	    cmocka_unit_test(long_names),
	    cmocka_unit_test(long_consent),
	    cmocka_unit_test(quick_facts),
	    cmocka_unit_test(assumed),
	    cmocka_unit_test(expired),
	    cmocka_unit_test(small_arena),
	    cmocka_unit_test(contract),
	    cmocka_unit_test(extended_errors),
	    cmocka_unit_test(answers_missing),
	};

	if (argc == 2 && strcmp(argv[1], "lines") == 0)
		return lines();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
