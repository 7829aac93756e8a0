/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the edges of what the DNS can answer: failures on the way, names
 * that are too long, arenas that are too small. */
#include "look_world.h"

#define ROOT_OF_TEST ZONE_AT("test", "tld.nic.test")
#define OTHER_SPF    "v=spf1 include:other.test -all"
#define NO_RECORD(ip, name)                                                    \
	{                                                                      \
		ip, name, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA, .soa = D  \
	}
#define RCODE(ip, number)                                                      \
	{                                                                      \
		ip, REC, RRTYPE_TXT, .outcome = OUTCOME_RCODE, .rcode = number \
	}

#define NOT_ASKED(ip)                                                          \
	{                                                                      \
		ip, REC, RRTYPE_TXT, .outcome = OUTCOME_TIMEOUT, BUDGET        \
	}

/* Who disagrees, and who is delegated to: when the way there breaks off, the
 * disagreement is told as it is. */
#define SPLIT TWO_SERVERS, LACKS(IP_A, REC), HAS(IP_B, REC), SERIAL(IP_B, 9)
#define STAYS                                                                  \
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2, .has = NS_B, .neg_ttl_s = 300

static const struct test delegation[] = {
    {"the domain above can't be asked for", EXPLAIN,
	{SPLIT, {PUBLIC, "test", RRTYPE_NS, .outcome = OUTCOME_SERVFAIL}},
	STAYS},
    {"it is an alias", EXPLAIN,
	{SPLIT, {PUBLIC, "test", RRTYPE_NS, .outcome = OUTCOME_RECORDS,
		    .data = "x.test", .chain = "y.test"}},
	STAYS},
    {"its server has no address", EXPLAIN,
	{SPLIT, ROOT_OF_TEST,
	    {PUBLIC, "tld.nic.test", RRTYPE_A, .outcome = OUTCOME_NXDOMAIN}},
	STAYS},
    {"its server is somewhere private", EXPLAIN,
	{SPLIT, ROOT_OF_TEST, ADDR("tld.nic.test", "10.0.0.1")}, STAYS},
    {"in a lab that is asked", EXPLAIN | PRIVATE_OK,
	{SPLIT, ROOT_OF_TEST, ADDR("tld.nic.test", "10.0.0.1"),
	    REFERS("10.0.0.1", D, RRTYPE_NS, D, NS_A, NULL)},
	ENDS(FAIL, WRONG_ZONE), .saw = NS_B, .servers_n = 2, .has = NS_B,
	.neg_ttl_s = 300},
    {"its server answers itself", EXPLAIN,
	{SPLIT, ROOT_OF_TEST, ADDR("tld.nic.test", IP_TLD),
	    {IP_TLD, D, RRTYPE_NS, .outcome = OUTCOME_RECORDS, AA,
		.data = NS_A}},
	STAYS},
    {"its server refers elsewhere", EXPLAIN,
	{SPLIT, ROOT_OF_TEST, ADDR("tld.nic.test", IP_TLD),
	    REFERS(IP_TLD, D, RRTYPE_NS, "b.test", NS_A, NULL)},
	STAYS},
    {"neither is delegated to", EXPLAIN,
	{SPLIT, ROOT_OF_TEST, ADDR("tld.nic.test", IP_TLD),
	    REFERS(IP_TLD, D, RRTYPE_NS, D, "x.test", NULL)},
	STAYS},
    {"an alias at one of them: that is said instead", EXPLAIN,
	{TWO_SERVERS, HAS(IP_A, REC),
	    {IP_B, REC, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, AA,
		.chain = "y.a.test", .soa = D}},
	ENDS(FAIL, CNAME_COEXISTS), .servers_n = 2, .has = NS_A,
	.delegated = true},
    {"below the registered domain it is not asked for", EXPLAIN,
	{ONE_SERVER,
	    REFERS(IP_A, REC, RRTYPE_TXT, REC, "x.low.test|y.low.test", NULL),
	    ADDR("x.low.test", IP_B), ADDR("y.low.test", IP_C), HAS(IP_B, REC),
	    LACKS(IP_C, REC)},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2, .neg_ttl_s = 300},
    {"two have it, one does not", 0,
	{ZONE_AT(D, NS_A "|" NS_B "|ns-c.test"), ADDR(NS_A, IP_A),
	    ADDR(NS_B, IP_B), ADDR("ns-c.test", IP_C), HAS(IP_A, REC),
	    HAS(IP_B, REC), LACKS(IP_C, REC), SERIAL(IP_A, 9),
	    {IP_B, D, RRTYPE_SOA, .outcome = OUTCOME_RECORDS, .soa = D,
		.serial = 8}},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 3, .neg_ttl_s = 300,
	.saw = "2 of 3 servers have it; stale: ns-c.test (serial 7)"},
    {"a serial number of another zone is none", 0,
	{TWO_SERVERS, HAS(IP_A, REC), NO_RECORD(IP_B, REC),
	    {IP_A, D, RRTYPE_SOA, .outcome = OUTCOME_RECORDS, AA, .soa = "test",
		.serial = 8}},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2},
    {"somebody watches: no serial numbers", QUICK,
	{TWO_SERVERS, HAS(IP_A, REC),
	    {IP_B, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = OTHER}},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2,
	.saw = "1 of 2 servers has it; stale: ns-b.test"},
};

/* Servers that only the zone names, and what may be wrong with them. */
#define APEX_NAMES(names)                                                      \
	{                                                                      \
		IP_A, D, RRTYPE_NS, .outcome = OUTCOME_RECORDS, AA,            \
				    .data = names                              \
	}
#define GONE ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300

static const struct test strays[] = {
    {"none", EXPLAIN, {ONE_SERVER, LACKS(IP_A, REC), APEX_NAMES(NS_A)}, GONE},
    {"without an address", EXPLAIN,
	{ONE_SERVER, LACKS(IP_A, REC), APEX_NAMES(NS_B),
	    {PUBLIC, NS_B, RRTYPE_A, .outcome = OUTCOME_NODATA}},
	GONE},
    {"somewhere private", EXPLAIN,
	{ONE_SERVER, LACKS(IP_A, REC), APEX_NAMES(NS_B),
	    ADDR(NS_B, "127.0.0.1")},
	GONE},
    {"somewhere private, in a lab", EXPLAIN | PRIVATE_OK,
	{ONE_SERVER, LACKS(IP_A, REC), APEX_NAMES(NS_B),
	    ADDR(NS_B, "127.0.0.1"), HAS("127.0.0.1", REC)},
	ENDS(FAIL, WRONG_ZONE), .saw = NS_B, .servers_n = 1, .neg_ttl_s = 300},
    {"that is not sure", EXPLAIN,
	{ONE_SERVER, LACKS(IP_A, REC), APEX_NAMES(NS_B), ADDR(NS_B, IP_B),
	    {IP_B, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = RIGHT}},
	GONE},
    {"nobody says which", EXPLAIN,
	{ONE_SERVER, LACKS(IP_A, REC),
	    {IP_A, D, RRTYPE_NS, .outcome = OUTCOME_SERVFAIL}},
	GONE},
    {"of a zone that the record is not in", EXPLAIN,
	{ONE_SERVER, REFERS(IP_A, REC, RRTYPE_TXT, REC, "x.low.test", NULL),
	    ADDR("x.low.test", IP_B), LACKS(IP_B, REC), APEX_NAMES(NS_B)},
	GONE},
    {"of a zone that an alias led out of", EXPLAIN,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA,
		.chain = "c.nowhere"},
	    {PUBLIC, "nowhere", RRTYPE_NS, .outcome = OUTCOME_NXDOMAIN},
	    APEX_NAMES(NS_B)},
	ENDS(NONE, NOT_PUBLISHED), .delegated = true},
};

static const struct test failures[] = {
    {"FORMERR", 0, {ONE_SERVER, RCODE(IP_A, 1)}, ENDS(UNDECIDED, REFUSED),
	.saw = "ns-a.test: FORMERR", .servers_n = 1},
    {"NOTAUTH", 0, {ONE_SERVER, RCODE(IP_A, 9)}, ENDS(UNDECIDED, REFUSED),
	.saw = "ns-a.test: NOTAUTH", .servers_n = 1},
    {"a number that nobody uses", 0, {ONE_SERVER, RCODE(IP_A, 11)},
	ENDS(UNDECIDED, REFUSED), .saw = "ns-a.test: an unusual rcode",
	.servers_n = 1},
    {"one private, one without address, one silent", 0,
	{ZONE_AT(D, NS_A "|" NS_B "|ns-c.test"), ADDR(NS_A, "10.0.0.1"),
	    {PUBLIC, NS_B, RRTYPE_A, .outcome = OUTCOME_NODATA},
	    {PUBLIC, NS_B, RRTYPE_AAAA, .outcome = OUTCOME_NODATA},
	    ADDR("ns-c.test", IP_C), FAILS(IP_C, REC, TIMEOUT)},
	ENDS(UNDECIDED, TIMEOUT), .servers_n = 3,
	.saw = "ns-a.test: a private address, ns-b.test: no address, "
	       "ns-c.test: no answer"},
    {"we ask no more about this domain", 0, {ONE_SERVER, NOT_ASKED(IP_A)},
	ENDS(UNDECIDED, TIMEOUT), .saw = SAW_OVER_BUDGET, .servers_n = 1},
    {"... nor the resolver", ONLY, {NOT_ASKED(PUBLIC)},
	ENDS(UNDECIDED, TIMEOUT), .saw = SAW_OVER_BUDGET, .servers_n = 1},
    {"one fails, and there was no room to ask the other", 0,
	{TWO_SERVERS, FAILS(IP_A, REC, SERVFAIL), NOT_ASKED(IP_B)},
	ENDS(UNDECIDED, SERVFAIL), .servers_n = 2,
	.saw = "ns-a.test: SERVFAIL, ns-b.test: not asked"},
    {"they disagree, and do not tell their serial numbers", 0,
	{TWO_SERVERS, TXT(IP_A, REC, "x"), HAS(IP_B, REC),
	    {IP_A, D, RRTYPE_SOA, .outcome = OUTCOME_REFUSED},
	    {IP_B, D, RRTYPE_SOA, .outcome = OUTCOME_RECORDS, AA}},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2, .has = NS_B,
	.saw = "1 of 2 servers has it; stale: ns-a.test"},
    {"the domain itself, from a server that kept it too long", APEX_OK,
	{ONE_SERVER, LACKS(IP_A, REC),
	    {IP_A, D, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA, .data = RIGHT,
		.ede = 3}},
	ENDS(UNDECIDED, SERVFAIL), .servers_n = 1, .neg_ttl_s = 300,
	.saw = "not at the name; TXT of the domain itself: a stale answer"},
    {"there was no room for one, the other has it", 0,
	{TWO_SERVERS, HAS(IP_A, REC), NOT_ASKED(IP_B),
	    FAILS(PUBLIC, REC, TIMEOUT)},
	ENDS(UNDECIDED, TIMEOUT), .servers_n = 3,
	.saw = "our resolver: no answer"},
    {"an EDE that nobody knows is no broken DNSSEC", ONLY,
	{{PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL, .ede = 999},
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL, CD}},
	ENDS(UNDECIDED, SERVFAIL), .saw = "the server: SERVFAIL",
	.servers_n = 1},
    {"a signed zone without signatures", ONLY,
	{{PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL, .ede = 10}},
	ENDS(UNDECIDED, DNSSEC_BOGUS),
	.saw = "signatures missing (EDE 10): perhaps a DS at the registrar "
	       "without a signed zone",
	.servers_n = 1},
    {"what a newer EDE says", ONLY,
	{{PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL, .ede = 25}},
	ENDS(UNDECIDED, DNSSEC_BOGUS),
	.saw = "signature expired before it was valid (EDE 25)",
	.servers_n = 1},
    {"the domain itself, from a server that is not sure", APEX_OK,
	{ONE_SERVER, LACKS(IP_A, REC),
	    {IP_A, D, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = RIGHT}},
	ENDS(UNDECIDED, LAME), .servers_n = 1, .neg_ttl_s = 300,
	.saw = "not at the name; TXT of the domain itself: not its zone"},
    {"the domain is an alias in the public view", FIRST | APEX_OK,
	{FAILS(PUBLIC, REC, NXDOMAIN),
	    {PUBLIC, D, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = RIGHT,
		.chain = "web.host.test"},
	    ONE_SERVER, LACKS(IP_A, REC)},
	GONE},
    {"a domain that counts, and no token to look for",
	FIRST | APEX_OK | NO_TOKEN,
	{FAILS(PUBLIC, REC, NXDOMAIN), ONE_SERVER, LACKS(IP_A, REC)}, GONE},
    {"damaged at the name, right at the domain, which counts", APEX_OK,
	{ONE_SERVER, TXT(IP_A, REC, "\"" RIGHT "\""), TXT(IP_A, D, "x|" RIGHT),
	    TXT(PUBLIC, D, "x|" RIGHT)},
	ENDS(PASS, VIA_APEX), .assurance = ASSURANCE_SINGLE, .saw = RIGHT,
	.servers_n = 2},
    {"somebody watches, and the domain counts", QUICK | APEX_OK,
	{ONE_SERVER, LACKS(IP_A, REC), HAS(IP_A, D), SEEN(D)},
	ENDS(PASS, VIA_APEX), .assurance = ASSURANCE_SINGLE, .servers_n = 2,
	.neg_ttl_s = 300},
    {"an alias that is a wildcard, to another zone", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA,
		.chain = "c.nowhere"},
	    {PUBLIC, "nowhere", RRTYPE_NS, .outcome = OUTCOME_NXDOMAIN},
	    {IP_A, "random." D, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA,
		.chain = "c.nowhere"}},
	ENDS(FAIL, WILDCARD_SHADOW), .delegated = true},
    {"a wildcard alias to elsewhere", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA,
		.chain = "y.a.test", .soa = D},
	    {IP_A, "random." D, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA,
		.chain = "z.a.test", .soa = D}},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .delegated = true},
    {"an empty record, and so is every other", 0,
	{ONE_SERVER, TXT(IP_A, REC, "|x"), MADE_UP(IP_A, "|x")},
	ENDS(FAIL, WILDCARD_SHADOW), .servers_n = 1},
    {"an alias at one server, a stranger's text at the other", 0,
	{TWO_SERVERS,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, AA,
		.chain = "y.a.test", .soa = D},
	    TXT(IP_B, REC, "x")},
	ENDS(FAIL, CNAME_COEXISTS), .saw = "an alias at some, TXT at others",
	.servers_n = 2, .delegated = true},
    {"a host whose domain has no mail", SUBDOMAIN,
	{ONE_SERVER, LACKS(IP_A, "_x-challenge.b.a.test"),
	    {IP_A, "b.a.test", RRTYPE_A, .outcome = OUTCOME_RECORDS, AA,
		.data = "192.0.2.7"},
	    {IP_A, "b.a.test", RRTYPE_MX, .outcome = OUTCOME_NODATA, AA}},
	GONE},
    {"a host, and nobody says whether it has mail", SUBDOMAIN,
	{ONE_SERVER, LACKS(IP_A, "_x-challenge.b.a.test"),
	    {IP_A, "b.a.test", RRTYPE_A, .outcome = OUTCOME_RECORDS, AA,
		.data = "192.0.2.7"},
	    {IP_A, "b.a.test", RRTYPE_MX, .outcome = OUTCOME_TIMEOUT},
	    {IP_A, D, RRTYPE_MX, .outcome = OUTCOME_RECORDS, AA,
		.data = "b.a.test"}},
	GONE},
    {"the parent's servers do not know the domain above either", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_TIMEOUT},
	    {PUBLIC, "test", RRTYPE_NS, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(UNDECIDED, TIMEOUT), .saw = "our resolver: no answer"},
    {"the parent's servers have no address", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_TIMEOUT}, ROOT_OF_TEST,
	    {PUBLIC, "tld.nic.test", RRTYPE_A, .outcome = OUTCOME_NXDOMAIN},
	    {PUBLIC, "tld.nic.test", RRTYPE_AAAA, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(UNDECIDED, TIMEOUT), .saw = "our resolver: no answer",
	.servers_n = 1},
    {"the parent is not sure", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_TIMEOUT}, ROOT_OF_TEST,
	    ADDR("tld.nic.test", IP_TLD),
	    {IP_TLD, D, RRTYPE_NS, .outcome = OUTCOME_RECORDS, .data = NS_A}},
	ENDS(UNDECIDED, TIMEOUT), .saw = "our resolver: no answer",
	.servers_n = 1},
    {"a host is asked once in a referral that names it twice", 0,
	{ONE_SERVER,
	    REFERS(IP_A, REC, RRTYPE_TXT, REC, "x.low.test|x.low.test", NULL),
	    ADDR("x.low.test", IP_B), HAS(IP_B, REC), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2},
};

static const struct test spf[] = {
    {"our include in capitals, with a final dot", 0,
	{ONE_SERVER, TXT(IP_A, D, "v=spf1 include:SPF.Us.TEST. -all"), OURS,
	    TXT(PUBLIC, D, "v=spf1 include:SPF.Us.TEST. -all")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"an include as long as ours", 0,
	{ONE_SERVER, TXT(IP_A, D, "v=spf1 include:spf.xs.test -all"),
	    TXT(PUBLIC, "spf.xs.test", "v=spf1 -all")},
	ENDS(FAIL, SPF_NO_INCLUDE), .servers_n = 1},
    {"our include, from a cache that could not ask", FIRST,
	{TXT(PUBLIC, D, GOOD_SPF),
	    {PUBLIC, INCLUDE, RRTYPE_TXT, .outcome = OUTCOME_RECORDS,
		.data = OUR_SPF, .ede = 3}},
	ENDS(UNDECIDED, SPF_TARGET_BROKEN), .servers_n = 1},
    {"the full cost", EXPLAIN,
	{ONE_SERVER, TXT(IP_A, D, GOOD_SPF), OURS, TXT(PUBLIC, D, GOOD_SPF)},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"two records in the public view", 0,
	{ONE_SERVER, TXT(IP_A, D, GOOD_SPF), OURS,
	    TXT(PUBLIC, D, GOOD_SPF "|v=spf1 -all")},
	ENDS(FAIL, NEGATIVE_CACHED), .servers_n = 2},
    {"a longer record in the public view", 0,
	{ONE_SERVER, TXT(IP_A, D, GOOD_SPF), OURS,
	    TXT(PUBLIC, D, "v=spf1 a include:" INCLUDE " -all"),
	    {PUBLIC, D, RRTYPE_A, .outcome = OUTCOME_NODATA},
	    {PUBLIC, D, RRTYPE_AAAA, .outcome = OUTCOME_NODATA}},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"a subdomain that a wildcard answers for", SUBDOMAIN,
	{ONE_SERVER, TXT(IP_A, "b.a.test", "x"), MADE_UP(IP_A, "x")},
	ENDS(FAIL, WILDCARD_SHADOW), .saw = "x", .servers_n = 1},
    {"no such domain, says the one server", ONLY, {FAILS(PUBLIC, D, NXDOMAIN)},
	ENDS(NONE, NO_DOMAIN), .saw = D, .servers_n = 1},
    {"an alias to nowhere, says the one server", ONLY,
	{{PUBLIC, D, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN,
	    .chain = "x.nowhere"}},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .delegated = true},
};

static const struct test dmarc[] = {
    {"another record in the public view", 0,
	{ONE_SERVER, TXT(IP_A, POLICY, "v=DMARC1; p=reject"),
	    TXT(PUBLIC, POLICY, "v=DMARC1; p=reject; sp=none")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"the domain above: its server leads out of the zone", SUBDOMAIN,
	{ONE_SERVER, LACKS(IP_A, "_dmarc.b.a.test"),
	    {IP_A, POLICY, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA,
		.chain = "p.vendor.test"},
	    TXT(PUBLIC, POLICY, "v=DMARC1; p=reject"),
	    {PUBLIC, "_dmarc.test", RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 1,
	.neg_ttl_s = 300},
    {"a zone of its own: the domain above is asked at its servers", SUBDOMAIN,
	{ONE_SERVER,
	    REFERS(IP_A, "_dmarc.b.a.test", RRTYPE_TXT, "b.a.test",
		"ns.b.a.test", "ns.b.a.test=9.9.9.3"),
	    LACKS(IP_C, "_dmarc.b.a.test"),
	    TXT(IP_A, POLICY, "v=DMARC1; p=reject"),
	    {PUBLIC, "_dmarc.test", RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 1,
	.neg_ttl_s = 300},
    {"a wildcard answers: the value to publish is told all the same", 0,
	{ONE_SERVER, TXT(IP_A, POLICY, "x"), MADE_UP(IP_A, "x"),
	    {PUBLIC, "_dmarc.test", RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(FAIL, WILDCARD_SHADOW), .saw = "x", .servers_n = 1,
	.publish = "v=DMARC1; p=none; rua=mailto:dmarc@a.test"},
    {"a wildcard answers, and the record above applies", SUBDOMAIN,
	{ONE_SERVER, TXT(IP_A, "_dmarc.b.a.test", "x"),
	    {IP_A, "random.b.a.test", RRTYPE_TXT, .outcome = OUTCOME_RECORDS,
		AA, .data = "x"},
	    TXT(IP_A, POLICY, "v=DMARC1; p=reject"),
	    {PUBLIC, "_dmarc.test", RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 1},
    {"there is none, says the one server", ONLY,
	{FAILS(PUBLIC, POLICY, NXDOMAIN), FAILS(PUBLIC, D, NODATA)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1},
};

static const struct test dkim[] = {
    {"what the domain above has is no key of ours", SUBDOMAIN,
	{ONE_SERVER, LACKS(IP_A, "s1._domainkey.b.a.test"),
	    TXT(IP_A, KEY, OLD_KEY)},
	GONE},
    {"a key where any will do, at the domain", NO_TOKEN,
	{ONE_SERVER, LACKS(IP_A, KEY), TXT(IP_A, D, OLD_KEY)},
	ENDS(FAIL, AT_APEX), .servers_n = 1, .neg_ttl_s = 300},
};

TABLE_TEST(delegation, CHECK_OWNERSHIP)
TABLE_TEST(strays, CHECK_OWNERSHIP)
TABLE_TEST(failures, CHECK_OWNERSHIP)
TABLE_TEST(spf, CHECK_SPF)
TABLE_TEST(dmarc, CHECK_DMARC)
TABLE_TEST(dkim, CHECK_DKIM)

/* What an audit tells is in the finding. */
static void
cost(void **state)
{
	static const struct row world[] = {ONE_SERVER,
	    TXT(IP_A, D, "v=spf1 include:" INCLUDE " a:none.test -all mx"),
	    OURS, {PUBLIC, "none.test", RRTYPE_A, .outcome = OUTCOME_NXDOMAIN},
	    {PUBLIC, "none.test", RRTYPE_AAAA, .outcome = OUTCOME_NXDOMAIN},
	    TXT(PUBLIC, D, "v=spf1 include:" INCLUDE " a:none.test -all mx"),
	    {.name = NULL}};
	struct look_wish wish = wish_of(EXPLAIN);
	const struct finding *f;

	(void)state;
	wish.check = CHECK_SPF;
	f = run(&wish, world, "cost", NULL);
	assert_int_equal(f->verdict, VERDICT_PASS);
	assert_true(f->has_cost);
	assert_int_equal(f->lookups, 2);
	assert_int_equal(f->voids, 1);
	assert_true(f->tree_n >= 3);
	assert_string_equal(f->tree[0].term, "include:" INCLUDE);
}

/* Without a selector there is nothing to look for; with a name that gets too
 * long there is no place for it. */
static void
no_name(void **state)
{
	static const struct row nothing[] = {{.name = NULL}};
	struct look_wish wish = wish_of(0);
	char text[DNAME_TEXT_MAX + 1];
	const struct finding *f;

	(void)state;
	wish.check = CHECK_DKIM;
	wish.selector = NULL;
	f = run(&wish, nothing, "no selector", NULL);
	assert_int_equal(f->verdict, VERDICT_UNDECIDED);
	assert_int_equal(f->code, CODE_NO_KEY);
	for (size_t i = 0; i < DNAME_TEXT_MAX; i++)
		text[i] = i % 2 == 0 ? 'a' : '.';
	text[DNAME_TEXT_MAX] = '\0';
	wish.domain = wish.registrable = name_of(text);
	wish.selector = "s1";
	for (int i = 0; i < 2; i++) {
		wish.check = i == 0 ? CHECK_DKIM : CHECK_DMARC;
		f = run(&wish, nothing, "too long", NULL);
		assert_int_equal(f->code, CODE_BAD_DOMAIN);
	}
}

/* Doubled names, siblings and random ones that would be too long are left
 * out. */
static void
long_names(void **state)
{
	static char text[DNAME_TEXT_MAX + 1], record[DNAME_TEXT_MAX + 1];
	struct row world[] = {ZONE_AT(text, NS_A), ADDR(NS_A, IP_A),
	    LACKS(IP_A, record), {.name = NULL}};
	struct look_wish wish = wish_of(EXPLAIN);

	(void)state;
	for (size_t i = 0; i < 240; i++)
		text[i] = i % 2 == 0 ? 'a' : '.';
	text[239] = '\0';
	wish.domain = wish.registrable = name_of(text);
	for (int i = 0; i < 2; i++) {
		wish.check = i == 0 ? CHECK_OWNERSHIP : CHECK_DKIM;
		wish.service[0] = '\0';
		snprintf(record, sizeof(record), "%s.%.239s",
		    i == 0 ? "_-challenge" : "s1._domainkey", text);
		assert_int_equal(run(&wish, world, "long names", NULL)->code,
		    CODE_NOT_PUBLISHED);
	}
}

/* An arena of any size: the look begins or not, and then it ends. */
static void
arenas(void **state)
{
	static const struct row world[] = {ONE_SERVER, HAS(IP_A, REC),
	    SEEN(REC), TXT(IP_A, KEY, GOOD_KEY), TXT(PUBLIC, KEY, GOOD_KEY),
	    TXT(IP_A, D, OTHER_SPF), OURS, TXT(PUBLIC, "other.test", OUR_SPF),
	    TXT(PUBLIC, D, OTHER_SPF), LACKS(IP_A, POLICY),
	    {PUBLIC, "_dmarc.test", RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN},
	    TXT(PUBLIC, INCLUDE, OUR_SPF), {.name = NULL}};
	size_t began = 0, undecided = 0;

	(void)state;
	for (size_t len = 64; len < 120000; len += 500) {
		for (unsigned c = 0; c < CHECK_N + 2; c++) {
			struct look_wish wish = wish_of(EXPLAIN);

			wish.check = c < CHECK_N ? (enum check)c : CHECK_SPF;
			wish.ours = c == CHECK_N;
			if (wish.ours) {
				wish.domain = name_of(INCLUDE);
				wish.registrable = name_of(INCLUDE);
				wish.include[0] = '\0';
				wish.addresses_n = 0;
			}
			if (c > CHECK_N) {
				wish.assume = (const uint8_t *)GOOD_SPF;
				wish.assume_len = strlen(GOOD_SPF);
			}
			if (!begin_in(&wish, len))
				continue;
			began++;
			finish(&wish, world, "arenas", NULL);
			undecided +=
			    look_finding(last)->verdict == VERDICT_UNDECIDED;
		}
	}
	assert_true(began > 100 && undecided > 20);
}

/* Time is over before anything was asked, and once more behind the end. */
static void
expired_twice(void **state)
{
	struct look_wish wish = wish_of(0);

	(void)state;
	begin(&wish);
	look_expire(last);
	assert_int_equal(look_finding(last)->code, CODE_TIMEOUT);
	assert_string_equal(look_finding(last)->saw, "no end after 20 s");
	look_expire(last);
	assert_string_equal(look_finding(last)->saw, "no end after 20 s");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(delegation_cases),
	    cmocka_unit_test(strays_cases),
	    cmocka_unit_test(failures_cases),
	    cmocka_unit_test(spf_cases),
	    cmocka_unit_test(dmarc_cases),
	    cmocka_unit_test(dkim_cases),
	    cmocka_unit_test(cost),
	    cmocka_unit_test(no_name),
	    cmocka_unit_test(long_names),
	    cmocka_unit_test(arenas),
	    cmocka_unit_test(expired_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
