/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at SPF, DKIM and DMARC: what is asked on, what wins, and that one
 * question is enough for what is well. */
#include "look_world.h"

#define SIGNED(name, value)                                                    \
	{                                                                      \
		PUBLIC, name, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AD,      \
					  .data = value                        \
	}
#define SIGNED_DENIAL(name)                                                    \
	{                                                                      \
		PUBLIC, name, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, AD      \
	}
#define RUA_NONE "v=DMARC1; p=none; rua=mailto:x@a.test"

#define LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
#define LONG  LABEL LABEL LABEL LABEL LABEL

static const struct test dkim[] = {
    {"right", 0,
	{ONE_SERVER, TXT(IP_A, KEY, GOOD_KEY), TXT(PUBLIC, KEY, GOOD_KEY)},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2,
	.has = NS_A "|resolver", .found = GOOD_KEY},
    {"proven: one question", FIRST | TRUSTED,
	{{PUBLIC, KEY, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AD,
	    .data = GOOD_KEY}},
	ENDS(PASS, NONE), .assurance = ASSURANCE_DNSSEC, .servers_n = 1,
	.has = "resolver"},
    {"missing", 0, {ONE_SERVER, LACKS(IP_A, KEY)}, ENDS(NONE, NOT_PUBLISHED),
	.servers_n = 1, .neg_ttl_s = 300, .publish = GOOD_KEY},
    {"somebody watches: no wrong places", QUICK, {ONE_SERVER, LACKS(IP_A, KEY)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
    {"an older key of ours", 0, {ONE_SERVER, TXT(IP_A, KEY, OLD_KEY)},
	ENDS(FAIL, KEY_OTHER), .servers_n = 1, .found = OLD_KEY, .has = ""},
    {"two keys, one of them right", 0,
	{ONE_SERVER, TXT(IP_A, KEY, GOOD_KEY "|" OLD_KEY)},
	ENDS(FAIL, DUP_RECORD), .servers_n = 1, .has = NS_A},
    {"revoked", 0, {ONE_SERVER, TXT(IP_A, KEY, "v=DKIM1; k=ed25519; p=")},
	ENDS(FAIL, KEY_REVOKED), .servers_n = 1},
    {"one of two servers is stale", 0,
	{TWO_SERVERS, TXT(IP_A, KEY, GOOD_KEY), TXT(IP_B, KEY, OLD_KEY),
	    SERIAL(IP_A, 12), SERIAL(IP_B, 11)},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2, .has = NS_A,
	.saw = "1 of 2 servers has it; stale: ns-b.test (serial 11)"},
    {"at the bare selector", 0,
	{ONE_SERVER, LACKS(IP_A, KEY), TXT(IP_A, "s1.a.test", GOOD_KEY)},
	ENDS(FAIL, AT_BARE_SELECTOR), .saw = "s1.a.test", .servers_n = 1,
	.neg_ttl_s = 300, .found = GOOD_KEY},
    {"at _domainkey itself", 0,
	{ONE_SERVER, LACKS(IP_A, KEY),
	    TXT(IP_A, "_domainkey.a.test", GOOD_KEY)},
	ENDS(FAIL, AT_BARE_SELECTOR), .saw = "_domainkey.a.test",
	.servers_n = 1, .neg_ttl_s = 300},
    {"doubled", 0,
	{ONE_SERVER, LACKS(IP_A, KEY), TXT(IP_A, KEY ".a.test", GOOD_KEY)},
	ENDS(FAIL, NAME_DOUBLED), .saw = KEY ".a.test", .servers_n = 1,
	.neg_ttl_s = 300},
    {"doubled wins over an old one at the name", 0,
	{ONE_SERVER, TXT(IP_A, KEY, OLD_KEY),
	    TXT(IP_A, KEY ".a.test", GOOD_KEY)},
	ENDS(FAIL, NAME_DOUBLED), .servers_n = 1},
    {"without the underscore", 0,
	{ONE_SERVER, LACKS(IP_A, KEY),
	    TXT(IP_A, "s1.domainkey.a.test", GOOD_KEY)},
	ENDS(FAIL, AT_SIBLING), .saw = "s1.domainkey.a.test", .servers_n = 1,
	.neg_ttl_s = 300},
    {"below www", 0,
	{ONE_SERVER, LACKS(IP_A, KEY),
	    TXT(IP_A, "s1._domainkey.www.a.test", GOOD_KEY)},
	ENDS(FAIL, AT_SIBLING), .servers_n = 1, .neg_ttl_s = 300},
    {"below the domain above", SUBDOMAIN,
	{ONE_SERVER, LACKS(IP_A, "s1._domainkey.b.a.test"),
	    TXT(IP_A, KEY, GOOD_KEY)},
	ENDS(FAIL, AT_PARENT), .saw = KEY, .servers_n = 1, .neg_ttl_s = 300},
    {"at the domain", 0, {ONE_SERVER, LACKS(IP_A, KEY), TXT(IP_A, D, GOOD_KEY)},
	ENDS(FAIL, AT_APEX), .servers_n = 1, .neg_ttl_s = 300},
    {"a zone of its own below _domainkey", 0,
	{ONE_SERVER,
	    REFERS(IP_A, KEY, RRTYPE_TXT, "_domainkey.a.test", "ns.low.test",
		NULL),
	    ADDR("ns.low.test", IP_C), TXT(IP_C, KEY, GOOD_KEY),
	    TXT(PUBLIC, KEY, GOOD_KEY)},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"an old one in a cache", 0,
	{ONE_SERVER, TXT(IP_A, KEY, GOOD_KEY),
	    {PUBLIC, KEY, RRTYPE_TXT, .outcome = OUTCOME_RECORDS,
		.data = OLD_KEY, .ttl_s = 77}},
	ENDS(FAIL, NEGATIVE_CACHED), .servers_n = 2, .visible_in_s = 77,
	.saw = "our resolver: older records", .has = NS_A},
    {"no key is known: any will do", NO_TOKEN,
	{ONE_SERVER, TXT(IP_A, KEY, OLD_KEY), TXT(PUBLIC, KEY, OLD_KEY)},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"before it is published", 0, {{.name = NULL}}, ENDS(PASS, NONE),
	.assume = GOOD_KEY},
    {"before it is published, and wrong", 0, {{.name = NULL}},
	ENDS(FAIL, KEY_OTHER), .assume = OLD_KEY},
};

static const struct test spf[] = {
    {"right", 0,
	{ONE_SERVER, TXT(IP_A, D, "x|" GOOD_SPF), OURS,
	    TXT(PUBLIC, D, GOOD_SPF "|y")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2,
	.has = NS_A "|resolver", .found = GOOD_SPF},
    {"proven: one question, and our include's", FIRST,
	{TXT(PUBLIC, D, GOOD_SPF), OURS}, ENDS(PASS, NONE),
	.assurance = ASSURANCE_SINGLE, .servers_n = 1, .has = "resolver"},
    {"all of it is signed", FIRST | TRUSTED,
	{SIGNED(D, GOOD_SPF), SIGNED(INCLUDE, OUR_SPF)}, ENDS(PASS, NONE),
	.assurance = ASSURANCE_DNSSEC, .servers_n = 1},
    {"signed, and the resolver is not trusted", FIRST,
	{SIGNED(D, GOOD_SPF), SIGNED(INCLUDE, OUR_SPF)}, ENDS(PASS, NONE),
	.assurance = ASSURANCE_SINGLE, .servers_n = 1},
    {"signed, and the include is not", FIRST | TRUSTED,
	{SIGNED(D, GOOD_SPF), OURS}, ENDS(PASS, NONE),
	.assurance = ASSURANCE_SINGLE, .servers_n = 1},
    {"one of two includes is signed", FIRST | TRUSTED,
	{SIGNED(D, "v=spf1 include:x.test include:" INCLUDE " -all"),
	    TXT(PUBLIC, "x.test", "v=spf1 -all"), SIGNED(INCLUDE, OUR_SPF)},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 1},
    {"servers first: signed in the public view, the include is not", TRUSTED,
	{ONE_SERVER, TXT(IP_A, D, GOOD_SPF), OURS, SIGNED(D, GOOD_SPF)},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"servers first, and all is signed", TRUSTED,
	{ONE_SERVER, TXT(IP_A, D, GOOD_SPF), SIGNED(INCLUDE, OUR_SPF),
	    SIGNED(D, GOOD_SPF)},
	ENDS(PASS, NONE), .assurance = ASSURANCE_DNSSEC, .servers_n = 2},
    {"the public view has another, and all of that is signed", TRUSTED,
	{ONE_SERVER,
	    TXT(IP_A, D, "v=spf1 include:x.test include:" INCLUDE " -all"),
	    TXT(PUBLIC, "x.test", "v=spf1 -all"), SIGNED(INCLUDE, OUR_SPF),
	    SIGNED(D, GOOD_SPF)},
	ENDS(PASS, NONE), .assurance = ASSURANCE_DNSSEC, .servers_n = 2},
    {"what only the audit asks decides nothing", FIRST | TRUSTED | EXPLAIN,
	{SIGNED(D, "v=spf1 include:" INCLUDE " include:x.test -all"),
	    SIGNED(INCLUDE, OUR_SPF), TXT(PUBLIC, "x.test", "v=spf1 -all")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_DNSSEC, .servers_n = 1},
    {"the record alone: what it asks decides", FIRST | TRUSTED | NO_TOKEN,
	{SIGNED(D, "v=spf1 include:x.test -all"),
	    TXT(PUBLIC, "x.test", "v=spf1 -all")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 1},
    {"no record: nobody is told that it is missing", 0,
	{ONE_SERVER,
	    {IP_A, D, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA, .soa = D}},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1},
    {"only other records", 0, {ONE_SERVER, TXT(IP_A, D, "x|y")},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .has = ""},
    {"a record that does not name us, and the public view is not asked", 0,
	{ONE_SERVER, TXT(IP_A, D, "v=spf1 mx -all"),
	    {PUBLIC, D, RRTYPE_MX, .outcome = OUTCOME_RECORDS,
		.data = "mx.a.test"},
	    ADDR("mx.a.test", "192.0.2.200"),
	    {PUBLIC, "mx.a.test", RRTYPE_AAAA, .outcome = OUTCOME_NODATA}},
	ENDS(FAIL, SPF_NO_INCLUDE), .servers_n = 1, .has = NS_A,
	.publish = "v=spf1 mx include:" INCLUDE " -all"},
    {"another path that passes", 0,
	{ONE_SERVER, TXT(IP_A, D, "v=spf1 include:other.test -all"),
	    TXT(PUBLIC, "other.test", OUR_SPF),
	    TXT(PUBLIC, D, "v=spf1 include:other.test -all")},
	ENDS(PASS, SPF_INDIRECT), .assurance = ASSURANCE_SINGLE,
	.servers_n = 2},
    {"behind all", 0,
	{ONE_SERVER, TXT(IP_A, D, "v=spf1 -all include:" INCLUDE)},
	ENDS(FAIL, SPF_AFTER_ALL), .servers_n = 1},
    {"two records", 0, {ONE_SERVER, TXT(IP_A, D, "v=spf1 mx -all|" GOOD_SPF)},
	ENDS(FAIL, SPF_MULTIPLE), .servers_n = 1},
    {"a syntax error", 0,
	{ONE_SERVER, TXT(IP_A, D, "v=spf1 foo:bar include:" INCLUDE " -all")},
	ENDS(FAIL, SPF_SYNTAX), .servers_n = 1},
    {"only one of two servers names us", 0,
	{TWO_SERVERS, TXT(IP_A, D, GOOD_SPF), TXT(IP_B, D, "v=spf1 mx -all"),
	    SERIAL(IP_A, 8), SERIAL(IP_B, 7)},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2, .has = NS_A,
	.saw = "1 of 2 servers has it; stale: ns-b.test (serial 7)"},
    {"our include is broken", 0,
	{ONE_SERVER, TXT(IP_A, D, GOOD_SPF),
	    {PUBLIC, INCLUDE, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(UNDECIDED, SPF_TARGET_BROKEN), .servers_n = 1},
    {"our include can't be asked for", FIRST,
	{TXT(PUBLIC, D, GOOD_SPF), FAILS(PUBLIC, INCLUDE, TIMEOUT)},
	ENDS(UNDECIDED, SPF_TARGET_BROKEN), .servers_n = 1},
    {"the public view has another good one", 0,
	{ONE_SERVER, TXT(IP_A, D, GOOD_SPF), OURS,
	    TXT(PUBLIC, D, "v=spf1 include:" INCLUDE " ?all")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"the public view has an older one", 0,
	{ONE_SERVER, TXT(IP_A, D, GOOD_SPF), OURS,
	    {PUBLIC, D, RRTYPE_TXT, .outcome = OUTCOME_RECORDS,
		.data = "v=spf1 mx -all", .ttl_s = 60}},
	ENDS(FAIL, NEGATIVE_CACHED), .servers_n = 2, .visible_in_s = 60},
    {"the public view has two", 0,
	{ONE_SERVER, TXT(IP_A, D, GOOD_SPF), OURS,
	    {PUBLIC, D, RRTYPE_TXT, .outcome = OUTCOME_RECORDS,
		.data = GOOD_SPF "|v=spf1 mx -all", .ttl_s = 60}},
	ENDS(FAIL, NEGATIVE_CACHED), .servers_n = 2, .visible_in_s = 60},
    {"the public view has as long a one, and a good one", 0,
	{ONE_SERVER, TXT(IP_A, D, GOOD_SPF), OURS,
	    TXT(PUBLIC, D, "V=SPF1 include:" INCLUDE " -all")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"at www", 0,
	{ONE_SERVER,
	    {IP_A, D, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA, .soa = D},
	    TXT(IP_A, "www.a.test", GOOD_SPF)},
	ENDS(FAIL, AT_SIBLING), .saw = "www.a.test", .servers_n = 1},
    {"the domain twice", 0,
	{ONE_SERVER,
	    {IP_A, D, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA, .soa = D},
	    TXT(IP_A, "a.test.a.test", GOOD_SPF)},
	ENDS(FAIL, NAME_DOUBLED), .saw = "a.test.a.test", .servers_n = 1},
    {"our host alone", 0, {ONE_SERVER, TXT(IP_A, D, INCLUDE)},
	ENDS(FAIL, BARE_HOST_AS_SPF), .servers_n = 1},
    {"before it is published", EXPLAIN, {OURS}, ENDS(PASS, NONE),
	.assume = GOOD_SPF},
    {"before it is published, and wrong", 0, {{.name = NULL}},
	ENDS(FAIL, SPF_NO_INCLUDE), .assume = "v=spf1 -all"},
    {"the record alone", NO_TOKEN,
	{ONE_SERVER, TXT(IP_A, D, "v=spf1 -all"),
	    TXT(PUBLIC, D, "v=spf1 -all")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
};

static const struct test dmarc[] = {
    {"right", 0,
	{ONE_SERVER, TXT(IP_A, POLICY, "v=DMARC1; p=reject"),
	    TXT(PUBLIC, POLICY, "v=DMARC1; p=reject")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2,
	.found = "v=DMARC1; p=reject"},
    {"proven: one question", FIRST,
	{TXT(PUBLIC, POLICY, "v=DMARC1; p=none; rua=mailto:x@a.test")},
	ENDS(PASS, DMARC_LADDER), .assurance = ASSURANCE_SINGLE,
	.servers_n = 1},
    {"signed", FIRST | TRUSTED, {SIGNED(POLICY, "v=DMARC1; p=reject")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_DNSSEC, .servers_n = 1},
    {"signed: what is above its own changes nothing",
	FIRST | TRUSTED | EXPLAIN | SUBDOMAIN,
	{SIGNED("_dmarc.b.a.test", "v=DMARC1; p=reject; adkim=s; aspf=s"),
	    SEEN(POLICY),
	    {PUBLIC, "_dmarc.test", RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(PASS, NONE), .assurance = ASSURANCE_DNSSEC, .servers_n = 1},
    {"the public view has a longer one", 0,
	{ONE_SERVER, TXT(IP_A, POLICY, "v=DMARC1; p=reject"),
	    TXT(PUBLIC, POLICY, "v=DMARC1; p=reject; ")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"the public view has one that is as long", 0,
	{ONE_SERVER, TXT(IP_A, POLICY, "v=DMARC1; p=reject"),
	    TXT(PUBLIC, POLICY, "v=DMARC1;p=reject;")},
	ENDS(PASS, NONE), .assurance = ASSURANCE_SINGLE, .servers_n = 2},
    {"that above is signed, and all on the way", FIRST | TRUSTED | SUBDOMAIN,
	{SIGNED_DENIAL("_dmarc.b.a.test"), SIGNED(POLICY, RUA_NONE),
	    SIGNED_DENIAL("_dmarc.test")},
	ENDS(PASS, DMARC_LADDER), .assurance = ASSURANCE_DNSSEC,
	.servers_n = 1},
    {"that above is not signed", FIRST | TRUSTED | SUBDOMAIN,
	{SIGNED_DENIAL("_dmarc.b.a.test"), TXT(PUBLIC, POLICY, RUA_NONE),
	    SIGNED_DENIAL("_dmarc.test")},
	ENDS(PASS, DMARC_LADDER), .assurance = ASSURANCE_SINGLE,
	.servers_n = 1},
    {"missing: only what is above is asked of the resolver", 0,
	{ONE_SERVER, LACKS(IP_A, POLICY),
	    {PUBLIC, "_dmarc.test", RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
    {"that of the domain above, asked at its server", SUBDOMAIN,
	{ONE_SERVER, LACKS(IP_A, "_dmarc.b.a.test"),
	    TXT(IP_A, POLICY, "v=DMARC1; p=none; rua=mailto:x@a.test"),
	    {PUBLIC, "_dmarc.test", RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(PASS, DMARC_LADDER), .assurance = ASSURANCE_SINGLE, .servers_n = 1,
	.neg_ttl_s = 300, .found = "v=DMARC1; p=none; rua=mailto:x@a.test"},
    {"at the domain", 0,
	{ONE_SERVER, LACKS(IP_A, POLICY), TXT(IP_A, D, "v=DMARC1; p=none")},
	ENDS(FAIL, AT_APEX), .servers_n = 1, .neg_ttl_s = 300},
    {"without the underscore", 0,
	{ONE_SERVER, LACKS(IP_A, POLICY),
	    TXT(IP_A, "dmarc.a.test", "v=DMARC1; p=none")},
	ENDS(FAIL, AT_SIBLING), .saw = "dmarc.a.test", .servers_n = 1,
	.neg_ttl_s = 300},
    {"two of them", 0,
	{ONE_SERVER, TXT(IP_A, POLICY, "v=DMARC1; p=none|v=DMARC1; p=reject"),
	    {PUBLIC, "_dmarc.test", RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(FAIL, DUP_RECORD), .servers_n = 1},
    {"before it is published", 0, {{.name = NULL}}, ENDS(PASS, DMARC_LADDER),
	.assume = "v=DMARC1; p=none; rua=mailto:x@a.test"},
};

/* What is around a name that does not have it (of ownership's). */
static const struct test around[] = {
    {"a wildcard", 0,
	{ONE_SERVER, TXT(IP_A, REC, "v=spf1 -all"),
	    MADE_UP(IP_A, "v=spf1 -all")},
	ENDS(FAIL, WILDCARD_SHADOW), .saw = "v=spf1 -all", .servers_n = 1},
    {"another answer for another name: no wildcard", 0,
	{ONE_SERVER, TXT(IP_A, REC, "v=spf1 -all"), MADE_UP(IP_A, "other")},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1},
    {"a wildcard alias", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA,
		.chain = "web.a.test", .soa = D},
	    {IP_A, "random." D, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA,
		.chain = "web.a.test", .soa = D}},
	ENDS(FAIL, WILDCARD_SHADOW), .saw = "an alias to web.a.test",
	.servers_n = 1, .delegated = true},
    {"an alias beside the text", 0,
	{ONE_SERVER, TXT(IP_A, REC, "x"),
	    {IP_A, REC, RRTYPE_CNAME, .outcome = OUTCOME_RECORDS, AA,
		.data = "c.vendor.test"}},
	ENDS(FAIL, CNAME_COEXISTS), .saw = "an alias to c.vendor.test, and TXT",
	.servers_n = 1},
    {"an alias at one, the value at the other", 0,
	{TWO_SERVERS, HAS(IP_A, REC),
	    {IP_B, REC, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, AA,
		.chain = "y.a.test", .soa = D}},
	ENDS(FAIL, CNAME_COEXISTS), .servers_n = 2, .has = NS_A,
	.delegated = true},
    {"an alias into the zone, to what is another's name", 0,
	{ONE_SERVER, {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, AA,
			 .chain = "c.vendor.test.a.test", .soa = D}},
	ENDS(FAIL, TARGET_DOUBLED), .saw = "c.vendor.test.a.test",
	.servers_n = 1, .delegated = true},
    {"addresses instead of an alias", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA, .soa = D},
	    {IP_A, REC, RRTYPE_A, .outcome = OUTCOME_RECORDS, AA,
		.data = "192.0.2.7"}},
	ENDS(FAIL, CNAME_FLATTENED), .saw = "192.0.2.7", .servers_n = 1},
    {"a wildcard address is no alias", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA, .soa = D},
	    {IP_A, REC, RRTYPE_A, .outcome = OUTCOME_RECORDS, AA,
		.data = "192.0.2.7"},
	    {IP_A, "random." D, RRTYPE_A, .outcome = OUTCOME_RECORDS, AA,
		.data = "192.0.2.7"}},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1},
    {"a host instead of its domain", SUBDOMAIN,
	{ONE_SERVER, LACKS(IP_A, "_x-challenge.b.a.test"),
	    {IP_A, "b.a.test", RRTYPE_A, .outcome = OUTCOME_RECORDS, AA,
		.data = "192.0.2.7"},
	    {IP_A, "b.a.test", RRTYPE_MX, .outcome = OUTCOME_NODATA, AA,
		.soa = D},
	    {IP_A, D, RRTYPE_MX, .outcome = OUTCOME_RECORDS, AA,
		.data = "b.a.test"}},
	ENDS(NONE, WRONG_NAME_REGISTERED), .saw = D, .servers_n = 1,
	.neg_ttl_s = 300},
    {"a subdomain with mail of its own", SUBDOMAIN,
	{ONE_SERVER, LACKS(IP_A, "_x-challenge.b.a.test"),
	    {IP_A, "b.a.test", RRTYPE_A, .outcome = OUTCOME_RECORDS, AA,
		.data = "192.0.2.7"},
	    {IP_A, "b.a.test", RRTYPE_MX, .outcome = OUTCOME_RECORDS, AA,
		.data = "mx.a.test"},
	    {IP_A, D, RRTYPE_MX, .outcome = OUTCOME_RECORDS, AA,
		.data = "mx.a.test"}},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
    {"below the domain above", SUBDOMAIN,
	{ONE_SERVER, LACKS(IP_A, "_x-challenge.b.a.test"), HAS(IP_A, REC)},
	ENDS(FAIL, AT_PARENT), .saw = REC, .servers_n = 1, .neg_ttl_s = 300},
    {"without the underscore", 0,
	{ONE_SERVER, LACKS(IP_A, REC), HAS(IP_A, "x-challenge.a.test")},
	ENDS(FAIL, AT_SIBLING), .saw = "x-challenge.a.test", .servers_n = 1,
	.neg_ttl_s = 300},
    {"quotation marks: nowhere else is asked", 0,
	{ONE_SERVER, TXT(IP_A, REC, "\"" RIGHT "\"")},
	ENDS(FAIL, QUOTES_INSIDE), .servers_n = 1},
    {"a server that only the zone itself names", EXPLAIN,
	{ONE_SERVER, LACKS(IP_A, REC),
	    {IP_A, D, RRTYPE_NS, .outcome = OUTCOME_RECORDS, AA,
		.data = NS_A "|" NS_B},
	    ADDR(NS_B, IP_B), HAS(IP_B, REC)},
	ENDS(FAIL, WRONG_ZONE), .saw = NS_B, .servers_n = 1, .neg_ttl_s = 300},
    {"it lacks it, too", EXPLAIN,
	{ONE_SERVER, LACKS(IP_A, REC),
	    {IP_A, D, RRTYPE_NS, .outcome = OUTCOME_RECORDS, AA,
		.data = NS_A "|" NS_B},
	    ADDR(NS_B, IP_B), LACKS(IP_B, REC)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
    {"only at a server that is not delegated to", EXPLAIN,
	{TWO_SERVERS, LACKS(IP_A, REC), HAS(IP_B, REC), SERIAL(IP_B, 9),
	    ZONE_AT("test", "tld.nic.test"), ADDR("tld.nic.test", IP_TLD),
	    REFERS(IP_TLD, D, RRTYPE_NS, D, NS_A, NULL)},
	ENDS(FAIL, WRONG_ZONE), .saw = NS_B, .servers_n = 2, .has = NS_B,
	.neg_ttl_s = 300},
    {"both are delegated to", EXPLAIN,
	{TWO_SERVERS, LACKS(IP_A, REC), HAS(IP_B, REC), SERIAL(IP_B, 9),
	    ZONE_AT("test", "tld.nic.test"), ADDR("tld.nic.test", IP_TLD),
	    REFERS(IP_TLD, D, RRTYPE_NS, D, NS_A "|" NS_B, NULL)},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2, .has = NS_B,
	.saw = "1 of 2 servers has it; stale: ns-a.test (serial 7)",
	.neg_ttl_s = 300},
};

/* Our own include: addresses, soundness, and what follows from them. */
static const struct {
	const char *title;
	size_t given; /* addresses that policy names */
	struct row world[8];
	enum verdict verdict;
	enum code code;
	const char *saw;
	size_t addresses_n;
	const char *first, *second;
} ours[] = {
    {"addresses of both families", 0, {OURS}, VERDICT_PASS, CODE_NONE, NULL, 2,
	"192.0.2.0", "2001:db8::"},
    {"in what it includes, and behind an a", 0,
	{TXT(PUBLIC, INCLUDE, "v=spf1 include:x.us.test -all"),
	    TXT(PUBLIC, "x.us.test", "v=spf1 -ip4:10.0.0.1 a:mta.us.test -all"),
	    ADDR("mta.us.test", "192.0.2.9"),
	    {PUBLIC, "mta.us.test", RRTYPE_AAAA, .outcome = OUTCOME_NODATA}},
	VERDICT_PASS, CODE_NONE, NULL, 1, "192.0.2.9", NULL},
    {"given ones pass", 1, {OURS}, VERDICT_PASS, CODE_NONE, NULL, 1,
	"192.0.2.1", NULL},
    {"given ones do not pass", 1,
	{TXT(PUBLIC, INCLUDE, "v=spf1 ip4:198.51.100.1 -all")}, VERDICT_FAIL,
	CODE_SPF_NOT_PASS, "fail for 192.0.2.1", 1, "192.0.2.1", NULL},
    {"nobody can tell which", 0, {TXT(PUBLIC, INCLUDE, "v=spf1 -all")},
	VERDICT_FAIL, CODE_SPF_NOT_PASS, "no address was found by following it",
	0, NULL, NULL},
    {"no record", 0, {TXT(PUBLIC, INCLUDE, "x")}, VERDICT_NONE,
	CODE_NOT_PUBLISHED, NULL, 0, NULL, NULL},
    {"no such name", 0,
	{{PUBLIC, INCLUDE, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN}},
	VERDICT_NONE, CODE_NOT_PUBLISHED, NULL, 0, NULL, NULL},
    {"a syntax error", 0,
	{TXT(PUBLIC, INCLUDE, "v=spf1 ip4:192.0.2.1 foo -all")}, VERDICT_FAIL,
	CODE_SPF_SYNTAX, NULL, 1, "192.0.2.1", NULL},
    {"its own addresses, of both families", 0,
	{TXT(PUBLIC, INCLUDE,
	     "v=spf1 a:%{d}.us.test include:%{i}.us.test ?ip4:192.0.2.4 a "
	     "redirect=never.us.test"),
	    {PUBLIC, "spf.us.test.us.test", RRTYPE_A,
		.outcome = OUTCOME_NODATA},
	    {PUBLIC, "spf.us.test.us.test", RRTYPE_AAAA,
		.outcome = OUTCOME_NODATA},
	    {PUBLIC, "192.0.2.9.us.test", RRTYPE_TXT,
		.outcome = OUTCOME_NODATA},
	    TXT(PUBLIC, "never.us.test", "v=spf1 -all"),
	    ADDR(INCLUDE, "192.0.2.9"),
	    {PUBLIC, INCLUDE, RRTYPE_AAAA, .outcome = OUTCOME_NODATA}},
	VERDICT_FAIL, CODE_SPF_INCLUDE_BROKEN, NULL, 1, "192.0.2.9", NULL},
    {"both families in the first of two includes", 0,
	{TXT(PUBLIC, INCLUDE, "v=spf1 include:x.us.test include:y.us.test"),
	    TXT(PUBLIC, "x.us.test", OUR_SPF),
	    TXT(PUBLIC, "y.us.test", "v=spf1 -all")},
	VERDICT_PASS, CODE_NONE, NULL, 2, "192.0.2.0", "2001:db8::"},
    {"more to read than we follow", 0,
	{TXT(PUBLIC, INCLUDE,
	     "v=spf1 a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test "
	     "a:h.test a:h.test a:h.test ip4:192.0.2.1 -all"),
	    ADDR("h.test", "192.0.2.1"),
	    {PUBLIC, "h.test", RRTYPE_AAAA, .outcome = OUTCOME_NODATA}},
	VERDICT_PASS, CODE_NONE, NULL, 1, "192.0.2.1", NULL},
    {"a name that is too long", 0,
	{TXT(PUBLIC, INCLUDE, "v=spf1 ip4:192.0.2.1 a:" LONG "h.test -all")},
	VERDICT_PASS, CODE_NONE, NULL, 1, "192.0.2.1", NULL},
    {"an include that gives no answer", 0,
	{TXT(PUBLIC, INCLUDE, "v=spf1 include:x.us.test ip4:192.0.2.1 -all"),
	    FAILS(PUBLIC, "x.us.test", TIMEOUT)},
	VERDICT_UNDECIDED, CODE_TIMEOUT, "x.us.test", 1, "192.0.2.1", NULL},
    {"bogus", 0,
	{{PUBLIC, INCLUDE, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL, .ede = 6}},
	VERDICT_UNDECIDED, CODE_DNSSEC_BOGUS, "DNSSEC bogus (EDE 6)", 0, NULL,
	NULL},
    {"no answer", 0, {FAILS(PUBLIC, INCLUDE, TIMEOUT)}, VERDICT_UNDECIDED,
	CODE_TIMEOUT, "our resolver: no answer", 0, NULL, NULL},
};

static void
check_addresses(size_t row)
{
	const char *want[] = {ours[row].first, ours[row].second};
	char shown[46];
	size_t n;
	const struct packet_addr *addr = look_addresses(last, &n);

	if (n != ours[row].addresses_n)
		fail_msg("%s: %zu addresses", ours[row].title, n);
	for (size_t i = 0; i < n; i++) {
		packet_addr_show(&addr[i], shown);
		assert_string_equal(shown, want[i]);
	}
}

static void
our_include(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		struct look_wish wish = wish_of(0);
		const struct finding *f;

		wish.check = CHECK_SPF;
		wish.ours = true;
		wish.domain = wish.registrable = name_of(INCLUDE);
		wish.include[0] = '\0';
		wish.addresses_n = ours[i].given;
		f = run(&wish, ours[i].world, ours[i].title, NULL);
		if (f->verdict != ours[i].verdict || f->code != ours[i].code)
			fail_msg("%s: %s %s, saw: %s", ours[i].title,
			    verdict_name(f->verdict), code_name(f->code),
			    f->saw);
		if (ours[i].saw != NULL)
			assert_string_equal(f->saw, ours[i].saw);
		check_addresses(i);
	}
}

/* What a healthy proven domain costs: a question a check, and that of our
 * include, which many share. */
static void
healthy(void **state)
{
	static const struct row world[] = {SEEN(REC),
	    TXT(PUBLIC, KEY, GOOD_KEY), TXT(PUBLIC, D, GOOD_SPF), OURS,
	    TXT(PUBLIC, POLICY, "v=DMARC1; p=reject"), {.name = NULL}};
	size_t asked = 0;

	(void)state;
	for (unsigned c = 0; c < CHECK_N; c++) {
		struct look_wish wish = wish_of(FIRST);

		wish.check = (enum check)c;
		assert_int_equal(
		    run(&wish, world, "healthy", NULL)->verdict, VERDICT_PASS);
		asked += history.asked;
	}
	assert_int_equal(asked, CHECK_N + 1);
}

/* The time is over when so many rounds have been answered. */
static const struct finding *
run_until(const struct look_wish *wish, const struct row *world, unsigned n)
{
	struct answer got[LOOK_ASK_MAX];
	size_t got_n = 0;

	begin(wish);
	while (look_step(last, got, got_n) == LOOK_ASK && n-- > 0) {
		const struct look_ask *asks = look_asks(last, &got_n);

		for (size_t i = 0; i < got_n; i++)
			answer_one(&got[i], &asks[i], world, wish, "expiry");
	}
	look_expire(last);
	assert_int_equal(look_step(last, NULL, 0), LOOK_DONE);
	return look_finding(last);
}

/* Time is over at each step: undecided, whatever was asked. */
static void
expiry(void **state)
{
	static const struct row world[] = {ONE_SERVER, HAS(IP_A, REC),
	    TXT(IP_A, KEY, GOOD_KEY), TXT(IP_A, D, GOOD_SPF), OURS,
	    LACKS(IP_A, POLICY), {.name = NULL}};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct look_wish wish = wish_of(0);
		static const struct row ours_only[] = {
		    TXT(PUBLIC, INCLUDE,
			"v=spf1 include:x.us.test ip4:192.0.2.0/24"),
		    TXT(PUBLIC, "x.us.test", "v=spf1 -all"), {.name = NULL}};

		wish.check = CHECK_SPF;
		wish.ours = true;
		wish.domain = wish.registrable = name_of(INCLUDE);
		wish.include[0] = '\0';
		wish.addresses_n = 0;
		assert_int_equal(
		    run_until(&wish, ours_only, i)->verdict, VERDICT_UNDECIDED);
	}
	for (unsigned i = 0; i < CHECK_N * 4; i++) {
		struct look_wish wish = wish_of(EXPLAIN);
		const struct finding *f;

		wish.check = (enum check)(i % CHECK_N);
		f = run_until(&wish, world, i / CHECK_N);
		assert_int_equal(f->verdict, VERDICT_UNDECIDED);
		assert_true(f->code == CODE_TIMEOUT ||
			    f->code == CODE_SPF_TARGET_BROKEN);
		assert_true(f->saw[0] != '\0');
	}
}

/* Time is over when only the audit has questions: the addresses pass, and what
 * the rest is worth nobody knows. */
static void
expiry_of_audit(void **state)
{
	static const struct row world[] = {
	    TXT(PUBLIC, D, "v=spf1 include:" INCLUDE " include:x.test -all"),
	    OURS, {.name = NULL}};
	struct look_wish wish = wish_of(FIRST | EXPLAIN);
	const struct finding *f;

	(void)state;
	wish.check = CHECK_SPF;
	f = run_until(&wish, world, 2);
	assert_int_equal(f->verdict, VERDICT_UNDECIDED);
	assert_int_equal(f->code, CODE_TIMEOUT);
	assert_string_equal(f->saw, "no end after 20 s");
}

TABLE_TEST(dkim, CHECK_DKIM)
TABLE_TEST(spf, CHECK_SPF)
TABLE_TEST(dmarc, CHECK_DMARC)
TABLE_TEST(around, CHECK_OWNERSHIP)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dkim_cases),
	    cmocka_unit_test(spf_cases),
	    cmocka_unit_test(dmarc_cases),
	    cmocka_unit_test(around_cases),
	    cmocka_unit_test(our_include),
	    cmocka_unit_test(healthy),
	    cmocka_unit_test(expiry),
	    cmocka_unit_test(expiry_of_audit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
