/* SPDX-License-Identifier: Apache-2.0 */
/* Whole looks at small worlds: who is asked, and what it means. */
#include "look_world.h"

static const struct test at_the_name[] = {
    {"right everywhere", 0,
	{TWO_SERVERS, HAS(IP_A, REC), HAS(IP_B, REC), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 3, .has = NS_A "|" NS_B "|resolver"},
    {"right and signed", TRUSTED,
	{ONE_SERVER, HAS(IP_A, REC),
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AD,
		.data = RIGHT}},
	PASS_BY(DNSSEC), .servers_n = 2},
    {"AD of a resolver that is not trusted", 0,
	{ONE_SERVER, HAS(IP_A, REC),
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AD,
		.data = RIGHT}},
	PASS_BY(SINGLE), .servers_n = 2},
    {"one of several organisations", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = OTHER "|" RIGHT},
	    SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2},
    {"missing", 0,
	{TWO_SERVERS, LACKS(IP_A, REC), LACKS(IP_B, REC), NOT_ELSEWHERE(IP_A)},
	ENDS(NONE, NOT_PUBLISHED), .saw = "", .servers_n = 2, .has = "",
	.neg_ttl_s = 300},
    {"the name is there, without TXT", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA, .soa = D},
	    NOT_ELSEWHERE(IP_A)},
	ENDS(NONE, NOT_PUBLISHED), .saw = "", .servers_n = 1},
    {"another organisation's", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = "v=spf1 -all|" OTHER},
	    NOT_ELSEWHERE(IP_A)},
	ENDS(FAIL, TOKEN_OTHER), .saw = OTHER, .servers_n = 1, .found = OTHER},
    {"bytes of a stranger", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = "token=\x1b[2J\""},
	    NOT_ELSEWHERE(IP_A)},
	ENDS(FAIL, TOKEN_OTHER), .saw = "token=\\027[2J\\034", .servers_n = 1},
    {"a NUL behind the right value", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = RIGHT "~"},
	    NOT_ELSEWHERE(IP_A)},
	ENDS(FAIL, TOKEN_OTHER), .servers_n = 1, .has = ""},
    {"a wildcard with something else", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = "v=spf1 -all"},
	    NOT_ELSEWHERE(IP_A)},
	ENDS(NONE, NOT_PUBLISHED), .saw = "v=spf1 -all", .servers_n = 1,
	.found = "v=spf1 -all"},
    {"one of two is stale", 0, {TWO_SERVERS, HAS(IP_A, REC), LACKS(IP_B, REC)},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2, .has = NS_A,
	.saw = "1 of 2 servers has it; stale: ns-b.test (serial 7)",
	.neg_ttl_s = 300},
    {"an older token at one of two", 0,
	{TWO_SERVERS, HAS(IP_B, REC),
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = OTHER}},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2, .has = NS_B,
	.saw = "1 of 2 servers has it; stale: ns-a.test"},
    {"one of two is dead, the other has it", 0,
	{TWO_SERVERS, HAS(IP_A, REC), FAILS(IP_B, REC, TIMEOUT), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 3, .has = NS_A "|resolver"},
    {"one of two is dead, the other denies", 0,
	{TWO_SERVERS, FAILS(IP_A, REC, TIMEOUT), LACKS(IP_B, REC),
	    NOT_ELSEWHERE(IP_B)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 2, .neg_ttl_s = 300},
    {"an answer without aa proves nothing", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = RIGHT}},
	ENDS(UNDECIDED, LAME), .saw = "ns-a.test: not its zone", .servers_n = 1,
	.has = ""},
    {"without aa beside one with it", 0,
	{TWO_SERVERS,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, .soa = D},
	    HAS(IP_B, REC), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 3, .has = NS_B "|resolver"},
    {"a server that knows its answer to be stale", 0,
	{ONE_SERVER, {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, AA,
			 .soa = D, .ede = 19}},
	ENDS(UNDECIDED, LAME), .saw = "ns-a.test: not its zone",
	.servers_n = 1},
    {"two names, one machine", 0,
	{ZONE_AT(D, NS_A "|" NS_B), ADDR(NS_A, IP_A), ADDR(NS_B, IP_A),
	    HAS(IP_A, REC), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2, .has = NS_A "|resolver"},
};

static const struct test wrong_places[] = {
    {"name doubled", 0,
	{ONE_SERVER, LACKS(IP_A, REC), HAS(IP_A, TWICE), LACKS(IP_A, D)},
	ENDS(FAIL, NAME_DOUBLED), .saw = TWICE, .servers_n = 1, .found = RIGHT,
	.neg_ttl_s = 300},
    {"the zone added to a deeper name", SUBDOMAIN,
	{ONE_SERVER, LACKS(IP_A, "_x-challenge.b.a.test"),
	    LACKS(IP_A, "b.a.test"),
	    LACKS(IP_A, "_x-challenge.b.a.test.b.a.test"),
	    HAS(IP_A, "_x-challenge.b.a.test.a.test")},
	ENDS(FAIL, NAME_DOUBLED), .saw = "_x-challenge.b.a.test.a.test",
	.servers_n = 1, .found = RIGHT, .neg_ttl_s = 300},
    {"doubled, from a server that is not sure", 0,
	{ONE_SERVER, LACKS(IP_A, REC), LACKS(IP_A, D),
	    {IP_A, TWICE, RRTYPE_TXT, .outcome = OUTCOME_RECORDS,
		.data = RIGHT}},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
    {"at the domain, refused", 0,
	{ONE_SERVER, LACKS(IP_A, REC), LACKS(IP_A, TWICE),
	    {IP_A, D, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = "v=spf1 -all|" RIGHT}},
	ENDS(FAIL, AT_APEX), .saw = RIGHT, .servers_n = 1, .found = RIGHT,
	.neg_ttl_s = 300},
    {"at the domain, accepted", APEX_OK,
	{ONE_SERVER, LACKS(IP_A, REC), LACKS(IP_A, TWICE), HAS(IP_A, D),
	    SEEN(D)},
	ENDS(PASS, VIA_APEX), .assurance = ASSURANCE_SINGLE, .saw = RIGHT,
	.servers_n = 2, .has = "resolver", .found = RIGHT, .neg_ttl_s = 300},
    {"at the domain, not yet visible", APEX_OK,
	{ONE_SERVER, LACKS(IP_A, REC), LACKS(IP_A, TWICE), HAS(IP_A, D),
	    {PUBLIC, D, RRTYPE_TXT, .outcome = OUTCOME_RECORDS,
		.data = "v=spf1 -all", .ttl_s = 60}},
	ENDS(FAIL, NEGATIVE_CACHED), .saw = "our resolver: older records",
	.servers_n = 2, .found = NULL, .neg_ttl_s = 300, .visible_in_s = 60},
    {"at the domain wins over the doubled name if it counts", APEX_OK,
	{ONE_SERVER, LACKS(IP_A, REC), HAS(IP_A, TWICE), HAS(IP_A, D), SEEN(D)},
	ENDS(PASS, VIA_APEX), .assurance = ASSURANCE_SINGLE, .servers_n = 2,
	.neg_ttl_s = 300},
    {"the domain itself might have it", APEX_OK,
	{ONE_SERVER, LACKS(IP_A, REC), LACKS(IP_A, TWICE),
	    FAILS(IP_A, D, TIMEOUT)},
	ENDS(UNDECIDED, TIMEOUT),
	.saw = "not at the name; TXT of the domain itself: no answer",
	.servers_n = 1, .neg_ttl_s = 300},
    {"it would not count there", 0,
	{ONE_SERVER, LACKS(IP_A, REC), LACKS(IP_A, TWICE),
	    FAILS(IP_A, D, TIMEOUT)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
    {"the domain is an alias: a host's records are not the owner's", APEX_OK,
	{ONE_SERVER, LACKS(IP_A, REC), LACKS(IP_A, TWICE),
	    {IP_A, D, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA, .data = RIGHT,
		.chain = "web.host.test"}},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
    {"the domain is an alias in public only", APEX_OK,
	{ONE_SERVER, LACKS(IP_A, REC), LACKS(IP_A, TWICE), HAS(IP_A, D),
	    {PUBLIC, D, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = RIGHT,
		.chain = "web.host.test"}},
	ENDS(FAIL, NEGATIVE_CACHED), .servers_n = 2, .neg_ttl_s = 300},
};

static const struct test public_view[] = {
    {"still denied", 0,
	{ONE_SERVER, HAS(IP_A, REC),
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, .soa = D,
		.neg_ttl_s = 120}},
	ENDS(FAIL, NEGATIVE_CACHED), .saw = "our resolver: no such name",
	.servers_n = 2, .has = NS_A, .found = RIGHT, .visible_in_s = 120},
    {"an older value", 0,
	{ONE_SERVER, HAS(IP_A, REC),
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = OTHER,
		.ttl_s = 30}},
	ENDS(FAIL, NEGATIVE_CACHED), .saw = "our resolver: older records",
	.servers_n = 2, .visible_in_s = 30},
    {"bogus, and said so", 0,
	{ONE_SERVER, HAS(IP_A, REC),
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL, .ede = 7}},
	ENDS(UNDECIDED, DNSSEC_BOGUS), .saw = "signature expired (EDE 7)",
	.servers_n = 2},
    {"bogus, found out", 0,
	{ONE_SERVER, HAS(IP_A, REC),
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL},
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, CD,
		.data = RIGHT}},
	ENDS(UNDECIDED, DNSSEC_BOGUS),
	.saw = "answers only when checking is disabled", .servers_n = 2},
    {"broken", 0,
	{ONE_SERVER, HAS(IP_A, REC),
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL, .ede = 22},
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL, CD}},
	ENDS(UNDECIDED, SERVFAIL), .saw = "our resolver: SERVFAIL",
	.servers_n = 2},
    {"silent", 0, {ONE_SERVER, HAS(IP_A, REC), FAILS(PUBLIC, REC, TIMEOUT)},
	ENDS(UNDECIDED, TIMEOUT), .saw = "our resolver: no answer",
	.servers_n = 2},
    {"a stale answer proves nothing", 0,
	{ONE_SERVER, HAS(IP_A, REC),
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = RIGHT,
		.ede = 3}},
	ENDS(UNDECIDED, SERVFAIL), .saw = "our resolver: a stale answer",
	.servers_n = 2},
    {"first, and it passes", FIRST, {SEEN(REC)}, PASS_BY(SINGLE),
	.servers_n = 1, .has = "resolver"},
    {"first, at the domain", FIRST | APEX_OK,
	{FAILS(PUBLIC, REC, NXDOMAIN), SEEN(D)}, ENDS(PASS, VIA_APEX),
	.assurance = ASSURANCE_SINGLE, .servers_n = 1},
    {"first in vain, then the servers", FIRST | APEX_OK,
	{FAILS(PUBLIC, REC, NXDOMAIN), FAILS(PUBLIC, D, NODATA), ONE_SERVER,
	    LACKS(IP_A, REC), NOT_ELSEWHERE(IP_A)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
    {"first stale, then the servers", FIRST,
	{{PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = RIGHT,
	     .ede = 19},
	    ONE_SERVER, LACKS(IP_A, REC), NOT_ELSEWHERE(IP_A)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
};

static const struct test fixed_server[] = {
    {"has it", ONLY, {SEEN(REC)}, PASS_BY(SINGLE), .servers_n = 1,
	.has = "resolver"},
    {"has it through an alias", ONLY,
	{{PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = RIGHT,
	    .chain = "c.other.test"}},
	PASS_BY(SINGLE), .servers_n = 1, .delegated = true},
    {"lacks it", ONLY,
	{{PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, .soa = D,
	     .neg_ttl_s = 99},
	    FAILS(PUBLIC, D, NODATA), FAILS(PUBLIC, TWICE, NXDOMAIN)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 99},
    {"the resolver is all that policy allows", TOLD,
	{FAILS(PUBLIC, REC, NXDOMAIN), FAILS(PUBLIC, D, NODATA), SEEN(TWICE)},
	ENDS(FAIL, NAME_DOUBLED), .saw = TWICE, .servers_n = 1},
    {"at the domain", ONLY | APEX_OK,
	{FAILS(PUBLIC, REC, NXDOMAIN), SEEN(D), FAILS(PUBLIC, TWICE, NXDOMAIN)},
	ENDS(PASS, VIA_APEX), .assurance = ASSURANCE_SINGLE, .saw = RIGHT,
	.servers_n = 1},
    {"another token", ONLY,
	{{PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = OTHER},
	    FAILS(PUBLIC, D, NODATA), FAILS(PUBLIC, TWICE, NXDOMAIN)},
	ENDS(FAIL, TOKEN_OTHER), .saw = OTHER, .servers_n = 1},
    {"no such domain", ONLY,
	{FAILS(PUBLIC, REC, NXDOMAIN), FAILS(PUBLIC, D, NXDOMAIN),
	    FAILS(PUBLIC, TWICE, NXDOMAIN)},
	ENDS(NONE, NO_DOMAIN), .saw = D, .servers_n = 1},
    {"bogus", ONLY,
	{{PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL, .ede = 6}},
	ENDS(UNDECIDED, DNSSEC_BOGUS), .saw = "DNSSEC bogus (EDE 6)",
	.servers_n = 1},
    {"bogus at the domain, which counts", ONLY | APEX_OK,
	{FAILS(PUBLIC, REC, NXDOMAIN), FAILS(PUBLIC, TWICE, NXDOMAIN),
	    {PUBLIC, D, RRTYPE_TXT, .outcome = OUTCOME_SERVFAIL, .ede = 9}},
	ENDS(UNDECIDED, DNSSEC_BOGUS),
	.saw = "DNSKEY missing (EDE 9): perhaps a DS at the registrar without "
	       "a signed zone",
	.servers_n = 1},
    {"refuses", ONLY, {FAILS(PUBLIC, REC, REFUSED)}, ENDS(UNDECIDED, REFUSED),
	.saw = "the server: REFUSED", .servers_n = 1},
    {"is silent", ONLY, {FAILS(PUBLIC, REC, TIMEOUT)}, ENDS(UNDECIDED, TIMEOUT),
	.servers_n = 1},
    {"sends rubbish", ONLY, {FAILS(PUBLIC, REC, MALFORMED)},
	ENDS(UNDECIDED, BAD_PACKET), .saw = "the server: unreadable answer",
	.servers_n = 1},
    {"refers elsewhere", ONLY, {FAILS(PUBLIC, REC, REFERRAL)},
	ENDS(UNDECIDED, LAME), .saw = "the server: not its zone",
	.servers_n = 1},
    {"no token, a challenge is there", NO_TOKEN,
	{ONE_SERVER, HAS(IP_A, REC), NOT_ELSEWHERE(IP_A)},
	ENDS(FAIL, TOKEN_OTHER), .saw = RIGHT, .servers_n = 1, .has = ""},
    {"no token, nothing there", NO_TOKEN | APEX_OK,
	{ONE_SERVER, LACKS(IP_A, REC), LACKS(IP_A, TWICE),
	    FAILS(IP_A, D, TIMEOUT)},
	ENDS(NONE, NOT_PUBLISHED), .saw = "", .servers_n = 1, .neg_ttl_s = 300},
};

#define RESOLVER_FAILS                                                         \
	{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_SERVFAIL},                   \
	    {PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_SERVFAIL, CD},           \
	    ZONE_AT("test", "tld.nic.test"), ADDR("tld.nic.test", IP_TLD)
#define GLUED "ns1.a.test=9.9.9.1|ns2.a.test=9.9.9.2|elsewhere.test=9.9.9.9"
#define SHOWS_THE_WAY                                                          \
	REFERS(IP_TLD, D, RRTYPE_NS, D, "ns1.a.test|ns2.a.test", GLUED)
#define FROM_ABOVE RESOLVER_FAILS, SHOWS_THE_WAY

static const struct test finding_servers[] = {
    {"no such domain", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_NXDOMAIN, .soa = "test",
	    .neg_ttl_s = 900}},
	ENDS(NONE, NO_DOMAIN), .saw = D, .neg_ttl_s = 900},
    {"the zone is above", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_NODATA, .soa = "test"},
	    ZONE_AT("test", NS_A), ADDR(NS_A, IP_A), HAS(IP_A, REC), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2},
    {"above, though the answer does not say where", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_NODATA, .soa = D},
	    ZONE_AT("test", NS_A), ADDR(NS_A, IP_A), HAS(IP_A, REC), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2},
    {"the domain is an alias: its NS are another's", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_RECORDS,
	     .data = "ns.host.test", .chain = "host.test"},
	    ZONE_AT("test", NS_A), ADDR(NS_A, IP_A), HAS(IP_A, REC), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2},
    {"no servers up to the root", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_NODATA},
	    {PUBLIC, "test", RRTYPE_NS, .outcome = OUTCOME_NODATA},
	    {PUBLIC, ".", RRTYPE_NS, .outcome = OUTCOME_NODATA}},
	ENDS(UNDECIDED, LAME),
	.saw = "no name servers found for _x-challenge.a.test"},
    {"bogus, and said so", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_SERVFAIL, .ede = 6}},
	ENDS(UNDECIDED, DNSSEC_BOGUS), .saw = "DNSSEC bogus (EDE 6)"},
    {"bogus, found out", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_SERVFAIL, .ede = 23},
	    {PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_RECORDS, CD,
		.data = NS_A}},
	ENDS(UNDECIDED, DNSSEC_BOGUS),
	.saw = "answers only when checking is disabled"},
    {"both servers fail, seen from above", 0,
	{FROM_ABOVE, FAILS(IP_A, REC, SERVFAIL), FAILS(IP_B, REC, REFUSED)},
	ENDS(UNDECIDED, SERVFAIL),
	.saw = "ns1.a.test: SERVFAIL, ns2.a.test: REFUSED", .servers_n = 2},
    {"both silent", 0,
	{FROM_ABOVE, FAILS(IP_A, REC, TIMEOUT), FAILS(IP_B, REC, TIMEOUT)},
	ENDS(UNDECIDED, TIMEOUT),
	.saw = "ns1.a.test: no answer, ns2.a.test: no answer", .servers_n = 2},
    {"silent before lame", 0,
	{FROM_ABOVE, FAILS(IP_A, REC, LAME), FAILS(IP_B, REC, TIMEOUT)},
	ENDS(UNDECIDED, TIMEOUT), .servers_n = 2},
    {"rubbish before all", 0,
	{FROM_ABOVE, FAILS(IP_A, REC, SERVFAIL), FAILS(IP_B, REC, MALFORMED)},
	ENDS(UNDECIDED, BAD_PACKET),
	.saw = "ns1.a.test: SERVFAIL, ns2.a.test: unreadable answer",
	.servers_n = 2},
    {"refused before silent, and NOTIMP is a refusal", 0,
	{FROM_ABOVE, FAILS(IP_A, REC, TIMEOUT),
	    {IP_B, REC, RRTYPE_TXT, .outcome = OUTCOME_RCODE, .rcode = 4}},
	ENDS(UNDECIDED, REFUSED),
	.saw = "ns1.a.test: no answer, ns2.a.test: NOTIMP", .servers_n = 2},
    {"the parent has the zone too", 0,
	{RESOLVER_FAILS,
	    {IP_TLD, D, RRTYPE_NS, .outcome = OUTCOME_RECORDS, AA,
		.data = NS_A},
	    ADDR(NS_A, IP_A), FAILS(IP_A, REC, TIMEOUT)},
	ENDS(UNDECIDED, TIMEOUT), .saw = "ns-a.test: no answer",
	.servers_n = 1},
    {"the parent is silent too", 0,
	{RESOLVER_FAILS, {IP_TLD, D, RRTYPE_NS, .outcome = OUTCOME_TIMEOUT}},
	ENDS(UNDECIDED, SERVFAIL), .saw = "our resolver: SERVFAIL",
	.servers_n = 1},
    {"the resolver is silent", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_TIMEOUT},
	    {PUBLIC, "test", RRTYPE_NS, .outcome = OUTCOME_TIMEOUT}},
	ENDS(UNDECIDED, TIMEOUT), .saw = "our resolver: no answer"},
    {"the resolver refuses", 0,
	{{PUBLIC, D, RRTYPE_NS, .outcome = OUTCOME_REFUSED},
	    {PUBLIC, "test", RRTYPE_NS, .outcome = OUTCOME_REFUSED}},
	ENDS(UNDECIDED, REFUSED), .saw = "our resolver: REFUSED"},
    {"only the resolver fails", 0,
	{FROM_ABOVE, HAS(IP_A, REC), HAS(IP_B, REC),
	    FAILS(PUBLIC, REC, TIMEOUT)},
	ENDS(UNDECIDED, TIMEOUT), .saw = "our resolver: no answer",
	.servers_n = 3},
    {"glue of other zones is not used", 0,
	{RESOLVER_FAILS,
	    REFERS(IP_TLD, D, RRTYPE_NS, D, "ns-a.test", "ns-a.test=6.6.6.6"),
	    ADDR(NS_A, IP_A), LACKS(IP_A, REC), NOT_ELSEWHERE(IP_A)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
    {"a parent that refers to a stranger", 0,
	{RESOLVER_FAILS, REFERS(IP_TLD, D, RRTYPE_NS, "b.test", "ns.b.test",
			     "ns.b.test=6.6.6.6")},
	ENDS(UNDECIDED, SERVFAIL), .servers_n = 1},
    {"private addresses are not asked", 0,
	{ZONE_AT(D, NS_A "|" NS_B), ADDR(NS_A, "10.0.0.1"),
	    ADDR(NS_B, "127.0.0.1|9.9.9.2"), HAS(IP_B, REC), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 3, .has = NS_B "|resolver"},
    {"all of them are private", 0,
	{ZONE_AT(D, NS_A "|" NS_B), ADDR(NS_A, "10.0.0.1"),
	    ADDR(NS_B, "127.0.0.1")},
	ENDS(UNDECIDED, TIMEOUT), .saw = "no usable server address",
	.servers_n = 2},
    {"in a lab they are asked", PRIVATE_OK,
	{ZONE_AT(D, NS_A), ADDR(NS_A, "127.0.0.1"), HAS("127.0.0.1", REC),
	    SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2},
    {"IPv6 only where there is no IPv4", 0,
	{ZONE_AT(D, NS_A "|" NS_B), ADDR(NS_A, IP_A),
	    {PUBLIC, NS_B, RRTYPE_A, .outcome = OUTCOME_NODATA},
	    {PUBLIC, NS_B, RRTYPE_AAAA, .outcome = OUTCOME_RECORDS,
		.data = "2a00:1450::1"},
	    HAS(IP_A, REC), HAS("2a00:1450::1", REC), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 3},
    {"servers without any address", 0,
	{ZONE_AT(D, NS_A),
	    {PUBLIC, NS_A, RRTYPE_A, .outcome = OUTCOME_NXDOMAIN},
	    {PUBLIC, NS_A, RRTYPE_AAAA, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(UNDECIDED, LAME), .saw = "no usable server address",
	.servers_n = 1},
    {"addresses that could not be looked up", 0,
	{ZONE_AT(D, NS_A),
	    {PUBLIC, NS_A, RRTYPE_A, .outcome = OUTCOME_SERVFAIL}},
	ENDS(UNDECIDED, TIMEOUT), .saw = "no usable server address",
	.servers_n = 1},
    {"one server without address, one silent", 0,
	{TWO_SERVERS, FAILS(IP_A, REC, TIMEOUT), FAILS(IP_B, REC, LAME)},
	ENDS(UNDECIDED, TIMEOUT),
	.saw = "ns-a.test: no answer, ns-b.test: not its zone", .servers_n = 2},
};

#define LOWER	 "_x-challenge.a.test"
#define DOWN(ip) REFERS(ip, REC, RRTYPE_TXT, LOWER, "ns.low.test", NULL)
#define ALIAS(ip, to)                                                          \
	{                                                                      \
		ip, REC, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA,            \
				     .chain = to                               \
	}
#define T "c.vendor.test"
#define VENDOR                                                                 \
	ZONE_AT("test", "tld.nic.test"), ADDR("tld.nic.test", IP_TLD),         \
	    REFERS(IP_TLD, T, RRTYPE_TXT, "vendor.test", "ns.vendor.test",     \
		"ns.vendor.test=9.9.9.3")

static const struct test lower_cuts[] = {
    {"the record has a zone of its own", 0,
	{TWO_SERVERS, DOWN(IP_A), DOWN(IP_B), ADDR("ns.low.test", IP_C),
	    HAS(IP_C, REC), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2, .has = "ns.low.test|resolver"},
    {"missing there: wrong places at the domain's server", 0,
	{ONE_SERVER, DOWN(IP_A), ADDR("ns.low.test", IP_C), LACKS(IP_C, REC),
	    HAS(IP_A, TWICE), LACKS(IP_A, D)},
	ENDS(FAIL, NAME_DOUBLED), .servers_n = 1, .neg_ttl_s = 300},
    {"a subdomain with servers of its own", SUBDOMAIN,
	{ONE_SERVER,
	    REFERS(IP_A, "_x-challenge.b.a.test", RRTYPE_TXT, "b.a.test",
		"ns.b.a.test", "ns.b.a.test=9.9.9.3"),
	    LACKS(IP_C, "_x-challenge.b.a.test"), LACKS(IP_C, "b.a.test"),
	    LACKS(IP_C, "_x-challenge.b.a.test.b.a.test")},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .neg_ttl_s = 300},
    {"one server does not know of the cut", 0,
	{TWO_SERVERS, DOWN(IP_A), LACKS(IP_B, REC), ADDR("ns.low.test", IP_C),
	    HAS(IP_C, REC)},
	ENDS(FAIL, NS_DISAGREE),
	.saw = "1 of 2 servers has it; stale: ns-b.test (serial 7)",
	.servers_n = 2, .neg_ttl_s = 300},
    {"one server has both zones", 0,
	{TWO_SERVERS, DOWN(IP_A), HAS(IP_B, REC), ADDR("ns.low.test", IP_B),
	    SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2, .has = NS_B "|resolver"},
    {"a referral to where we are", 0,
	{ONE_SERVER, REFERS(IP_A, REC, RRTYPE_TXT, D, NS_B, NULL)},
	ENDS(UNDECIDED, LAME), .saw = "ns-a.test: not its zone",
	.servers_n = 1},
    {"a referral upwards", 0,
	{ONE_SERVER, REFERS(IP_A, REC, RRTYPE_TXT, ".", NS_B, NULL)},
	ENDS(UNDECIDED, LAME), .servers_n = 1},
    {"a referral to a sibling", 0,
	{ONE_SERVER, REFERS(IP_A, REC, RRTYPE_TXT, "y.a.test", NS_B, NULL)},
	ENDS(UNDECIDED, LAME), .servers_n = 1},
};

static const struct test aliases[] = {
    {"inside the zone", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = RIGHT, .chain = "y.a.test"},
	    SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2, .delegated = true},
    {"inside the zone, from a server that does not follow", 0,
	{ONE_SERVER, ALIAS(IP_A, "y.a.test"), HAS(IP_A, "y.a.test"), SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2, .delegated = true},
    {"inside the zone, to nothing", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NXDOMAIN, AA,
		.chain = "y.a.test"},
	    NOT_ELSEWHERE(IP_A)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .delegated = true},
    {"to a vendor", 0,
	{TWO_SERVERS, ALIAS(IP_A, T), ALIAS(IP_B, T), VENDOR, HAS(IP_C, T),
	    SEEN(REC)},
	PASS_BY(SINGLE), .servers_n = 2, .has = "ns.vendor.test|resolver",
	.delegated = true},
    {"a vendor's data from the customer's server is not believed", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = RIGHT, .chain = T},
	    VENDOR, LACKS(IP_C, T), NOT_ELSEWHERE(IP_A)},
	ENDS(NONE, NOT_PUBLISHED), .servers_n = 1, .has = "", .neg_ttl_s = 300,
	.delegated = true},
    {"one server lacks the alias", 0,
	{TWO_SERVERS, ALIAS(IP_A, T), LACKS(IP_B, REC), VENDOR, HAS(IP_C, T)},
	ENDS(FAIL, NS_DISAGREE),
	.saw = "1 of 2 servers has it; stale: ns-b.test (serial 7)",
	.servers_n = 2, .neg_ttl_s = 300, .delegated = true},
    {"one server has another alias", 0,
	{TWO_SERVERS, ALIAS(IP_A, T), ALIAS(IP_B, "d.vendor.test"), VENDOR,
	    HAS(IP_C, T)},
	ENDS(FAIL, NS_DISAGREE),
	.saw = "1 of 2 servers has it; stale: ns-b.test", .servers_n = 2,
	.delegated = true},
    {"the customer's server is the vendor's too", 0,
	{TWO_SERVERS, ALIAS(IP_A, T), LACKS(IP_B, REC),
	    ZONE_AT("test", "tld.nic.test"), ADDR("tld.nic.test", IP_TLD),
	    REFERS(IP_TLD, T, RRTYPE_TXT, "vendor.test", NS_B, NULL),
	    HAS(IP_B, T)},
	ENDS(FAIL, NS_DISAGREE), .servers_n = 2, .has = NS_B, .neg_ttl_s = 300,
	.delegated = true},
    {"to a top-level domain that does not exist", 0,
	{ONE_SERVER, ALIAS(IP_A, "c.nowhere"),
	    {PUBLIC, "nowhere", RRTYPE_NS, .outcome = OUTCOME_NXDOMAIN},
	    NOT_ELSEWHERE(IP_A)},
	ENDS(NONE, NOT_PUBLISHED), .delegated = true},
    {"one alias leads nowhere, the other server has it", 0,
	{TWO_SERVERS, ALIAS(IP_A, "c.nowhere"), HAS(IP_B, REC),
	    {PUBLIC, "nowhere", RRTYPE_NS, .outcome = OUTCOME_NXDOMAIN}},
	ENDS(FAIL, CNAME_COEXISTS),
	.saw = "1 of 2 servers has it; an alias leads nowhere", .servers_n = 1,
	.has = NS_B, .delegated = true},
    {"the vendor's servers are silent", 0,
	{ONE_SERVER, ALIAS(IP_A, T), VENDOR, FAILS(IP_C, T, TIMEOUT)},
	ENDS(UNDECIDED, TIMEOUT), .saw = "ns.vendor.test: no answer",
	.servers_n = 1, .delegated = true},
    {"to a zone whose servers the resolver can't name", 0,
	{ONE_SERVER, ALIAS(IP_A, T),
	    {PUBLIC, "test", RRTYPE_NS, .outcome = OUTCOME_TIMEOUT}},
	ENDS(UNDECIDED, TIMEOUT), .saw = "our resolver: no answer",
	.delegated = true},
    {"to itself", 0, {ONE_SERVER, ALIAS(IP_A, REC)},
	ENDS(UNDECIDED, CNAME_CHAIN), .saw = "the alias to _x-challenge.a.test",
	.servers_n = 1, .delegated = true},
    {"there and back", 0,
	{ONE_SERVER, ALIAS(IP_A, T), VENDOR,
	    {IP_C, T, RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA, .chain = REC}},
	ENDS(UNDECIDED, CNAME_CHAIN), .servers_n = 1, .delegated = true},
    {"too many in one answer", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_MALFORMED, CHAIN_BAD}},
	ENDS(UNDECIDED, CNAME_CHAIN), .servers_n = 1},
    {"too many in two answers", 0,
	{ONE_SERVER,
	    ALIAS(IP_A, "1.a.test|2.a.test|3.a.test|4.a.test|5.a.test"),
	    {IP_A, "5.a.test", RRTYPE_TXT, .outcome = OUTCOME_NODATA, AA,
		.chain = "6.a.test|7.a.test|8.a.test|9.a.test"}},
	ENDS(UNDECIDED, CNAME_CHAIN), .saw = "the alias to 9.a.test",
	.servers_n = 1, .delegated = true},
    {"an alias without aa", 0,
	{ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_NODATA, .chain = T}},
	ENDS(UNDECIDED, LAME), .servers_n = 1},
};

TABLE_TEST(at_the_name, CHECK_OWNERSHIP)
TABLE_TEST(wrong_places, CHECK_OWNERSHIP)
TABLE_TEST(public_view, CHECK_OWNERSHIP)
TABLE_TEST(fixed_server, CHECK_OWNERSHIP)
TABLE_TEST(finding_servers, CHECK_OWNERSHIP)
TABLE_TEST(lower_cuts, CHECK_OWNERSHIP)
TABLE_TEST(aliases, CHECK_OWNERSHIP)

/* 20 servers: 16 are asked, no more are even looked up. */
static void
many_servers(void **state)
{
	static char names[20][16], addrs[20][16], list[400];
	struct row world[ROWS * 2] = {ZONE_AT(D, list), SEEN(REC)};
	struct look_wish wish = wish_of(0);
	const struct finding *f;
	size_t rows = 2;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		snprintf(names[i], sizeof(names[i]), "ns%u.test", i);
		snprintf(addrs[i], sizeof(addrs[i]), "9.9.8.%u", i);
		strcat(list, names[i]);
		strcat(list, "|");
		if (i >= SERVERS_MAX)
			continue;
		world[rows++] = (struct row)ADDR(names[i], addrs[i]);
		world[rows++] = (struct row)HAS(addrs[i], REC);
	}
	f = run(&wish, world, "many servers", NULL);
	assert_int_equal(f->verdict, VERDICT_PASS);
	assert_int_equal(f->servers_n, SERVERS_MAX);
}

/* 64 records, the right one last: it counts and is the first evidence. */
static void
many_records(void **state)
{
	static char list[PACKET_RECORDS_MAX * 24 + sizeof(RIGHT)];
	struct row world[] = {ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = list},
	    {PUBLIC, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, .data = list},
	    {.name = NULL}};
	struct look_wish wish = wish_of(0);
	const struct finding *f;

	(void)state;
	for (unsigned i = 0; i + 1 < PACKET_RECORDS_MAX; i++)
		snprintf(list + strlen(list), 24, "token=other%u|", i);
	strcat(list, RIGHT);
	f = run(&wish, world, "many records", NULL);
	assert_int_equal(f->verdict, VERDICT_PASS);
	assert_int_equal(f->found_n, 1);
	assert_int_equal(f->found[0].len, strlen(RIGHT));
	assert_memory_equal(f->found[0].bytes, RIGHT, strlen(RIGHT));
}

static void
long_evidence(void **state)
{
	static char value[301];
	struct row world[] = {ONE_SERVER,
	    {IP_A, REC, RRTYPE_TXT, .outcome = OUTCOME_RECORDS, AA,
		.data = value},
	    NOT_ELSEWHERE(IP_A), {.name = NULL}};
	struct look_wish wish = wish_of(0);
	const struct finding *f;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	f = run(&wish, world, "long evidence", NULL);
	assert_int_equal(f->code, CODE_TOKEN_OTHER);
	assert_int_equal(f->found[0].len, FOUND_LEN_MAX);
	assert_true(f->found[0].cut);
	assert_true(strlen(f->saw) <= SAW_MAX);
	assert_string_equal(f->saw + strlen(f->saw) - 3, "...");
}

/* Zones below zones without end, each with a server of its own. */
static void
deep_cuts(void **state)
{
	static char cuts[12][80], names[12][96], addrs[12][16], glue[12][112];
	struct row world[ROWS] = {ONE_SERVER};
	struct look_wish wish = wish_of(0);
	const struct finding *f;

	(void)state;
	wish.domain = name_of("9.8.7.6.5.4.3.2.1.a.test");
	strcpy(cuts[0], D);
	strcpy(addrs[0], IP_A);
	for (unsigned i = 1; i <= 9; i++) {
		snprintf(cuts[i], sizeof(cuts[i]), "%u.%.60s", i, cuts[i - 1]);
		snprintf(names[i], sizeof(names[i]), "ns.%s", cuts[i]);
		snprintf(addrs[i], sizeof(addrs[i]), "9.9.7.%u", i);
		snprintf(
		    glue[i], sizeof(glue[i]), "%s=%.12s", names[i], addrs[i]);
		world[1 + i] = (struct row)REFERS(addrs[i - 1],
		    "_x-challenge.9.8.7.6.5.4.3.2.1.a.test", RRTYPE_TXT,
		    cuts[i], names[i], glue[i]);
	}
	f = run(&wish, world, "deep cuts", NULL);
	assert_int_equal(f->verdict, VERDICT_UNDECIDED);
	assert_int_equal(f->code, CODE_LAME);
	assert_string_equal(f->saw, "more than 8 zones below each other");
}

/* The resolver fails, and the name above the domain is no zone: two steps
 * down from the next one. */
static void
from_far_above(void **state)
{
	static const struct row world[] = {
	    {PUBLIC, "a.co.test", RRTYPE_NS, .outcome = OUTCOME_TIMEOUT},
	    {PUBLIC, "co.test", RRTYPE_NS, .outcome = OUTCOME_NODATA,
		.soa = "test"},
	    ZONE_AT("test", "tld.nic.test"),
	    ADDR("tld.nic.test", IP_TLD),
	    REFERS(IP_TLD, "a.co.test", RRTYPE_NS, "co.test", "ns.co.test",
		"ns.co.test=9.9.9.3"),
	    REFERS(IP_C, "a.co.test", RRTYPE_NS, "a.co.test", "ns.a.co.test",
		"ns.a.co.test=9.9.9.1"),
	    FAILS(IP_A, "_x-challenge.a.co.test", REFUSED),
	    {.name = NULL},
	};
	struct look_wish wish = wish_of(0);
	const struct finding *f;

	(void)state;
	wish.domain = wish.registrable = name_of("a.co.test");
	f = run(&wish, world, "from far above", NULL);
	assert_int_equal(f->verdict, VERDICT_UNDECIDED);
	assert_int_equal(f->code, CODE_REFUSED);
	assert_string_equal(f->saw, "ns.a.co.test: REFUSED");
}

/* Aliases from zone to zone, none of them too many: a look gives up. */
static void
too_many_rounds(void **state)
{
	static char names[7][24], zones[7][16], servers[7][24], addrs[7][16];
	struct row world[ROWS * 2] = {ONE_SERVER,
	    ZONE_AT("test", "tld.nic.test"), ADDR("tld.nic.test", IP_TLD)};
	struct look_wish wish = wish_of(0);
	const struct finding *f;
	size_t rows = 4;

	(void)state;
	strcpy(names[0], REC);
	strcpy(addrs[0], IP_A);
	for (unsigned i = 1; i < 7; i++) {
		snprintf(names[i], sizeof(names[i]), "c.v%u.test", i);
		snprintf(zones[i], sizeof(zones[i]), "v%u.test", i);
		snprintf(servers[i], sizeof(servers[i]), "ns%u.host.test", i);
		snprintf(addrs[i], sizeof(addrs[i]), "9.9.7.%u", i);
		world[rows++] =
		    (struct row){addrs[i - 1], names[i - 1], RRTYPE_TXT,
			.outcome = OUTCOME_NODATA, AA, .chain = names[i]};
		world[rows++] = (struct row)REFERS(
		    IP_TLD, names[i], RRTYPE_TXT, zones[i], servers[i], NULL);
		world[rows++] = (struct row)ADDR(servers[i], addrs[i]);
	}
	f = run(&wish, world, "too many rounds", NULL);
	assert_int_equal(f->verdict, VERDICT_UNDECIDED);
	assert_int_equal(f->code, CODE_CNAME_CHAIN);
	assert_string_equal(f->saw, "gave up after 24 rounds of questions");
}

/* A proven claim costs one question, a missing record few rounds. */
static void
rounds(void **state)
{
	static const struct row seen[] = {SEEN(REC), {.name = NULL}};
	static const struct row missing[] = {TWO_SERVERS, LACKS(IP_A, REC),
	    LACKS(IP_B, REC), NOT_ELSEWHERE(IP_A), {.name = NULL}};
	struct look_wish first = wish_of(FIRST), servers = wish_of(0);
	unsigned n;

	(void)state;
	(void)run(&first, seen, "proven", &n);
	assert_int_equal(n, 1);
	(void)run(&servers, missing, "missing", &n);
	assert_int_equal(n, 4);
}

static void
name_too_long(void **state)
{
	static const struct row nothing[] = {{.name = NULL}};
	struct look_wish wish = wish_of(0);
	char text[DNAME_TEXT_MAX + 1];
	const struct finding *f;

	(void)state;
	for (size_t i = 0; i < DNAME_TEXT_MAX; i++)
		text[i] = i % 2 == 0 ? 'a' : '.';
	text[DNAME_TEXT_MAX] = '\0';
	wish.domain = wish.registrable = name_of(text);
	f = run(&wish, nothing, "name too long", NULL);
	assert_int_equal(f->verdict, VERDICT_UNDECIDED);
	assert_int_equal(f->code, CODE_BAD_DOMAIN);
}

static void
small_arena(void **state)
{
	struct look_wish wish = wish_of(0);

	(void)state;
	arena_init(&arena, memory, 64);
	assert_null(look_begin(&wish, &arena));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(at_the_name_cases),
	    cmocka_unit_test(wrong_places_cases),
	    cmocka_unit_test(public_view_cases),
	    cmocka_unit_test(fixed_server_cases),
	    cmocka_unit_test(finding_servers_cases),
	    cmocka_unit_test(lower_cuts_cases),
	    cmocka_unit_test(aliases_cases),
	    cmocka_unit_test(many_servers),
	    cmocka_unit_test(many_records),
	    cmocka_unit_test(long_evidence),
	    cmocka_unit_test(deep_cuts),
	    cmocka_unit_test(from_far_above),
	    cmocka_unit_test(too_many_rounds),
	    cmocka_unit_test(rounds),
	    cmocka_unit_test(name_too_long),
	    cmocka_unit_test(small_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
