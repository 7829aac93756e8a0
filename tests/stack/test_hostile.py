# SPDX-License-Identifier: Apache-2.0
"""The resolver process against a DNS that lies (tests/dns): what it makes of
each lie, that no lie passes, and what it asks. The servers here are at
addresses of their own, the stack's are not needed."""
import collections
import json
import os
import re
import signal
import subprocess
import time

import pytest

ROOT = os.path.realpath(__file__).rsplit("/tests/", 1)[0]
BUILD = os.environ.get("DOMAINPROOF_BUILD") or os.path.join(
    ROOT, os.environ.get("BUILD", "build"))
NET = os.environ.get("DOMAINPROOF_NET", "127.54.0").rsplit(".", 1)[0] + ".100"
RESOLVER = NET + ".250"
ELSEWHERE = NET + ".251"
TOKEN = "mzxw6ytboi4dqnrvgy3tqojqgezdgnbv"
OTHER = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
RIGHT = 'txt "token=%s"' % TOKEN
WRONG = 'txt "token=%s"' % OTHER


class Query(collections.namedtuple("Query", "ms source to via name type flags rule")):
    def has(self, flag):
        return flag in self.flags.split(",")


class Hostile:
    """The server, while it is used as a context."""

    def __init__(self, folder, script, addrs, seed=1):
        self.script, self.history_path = str(folder / "script"), str(folder / "history")
        with open(self.script, "w") as f:
            f.write(script)
        self.argv = [BUILD + "/dns/hostile", "-s", self.script, "-o", self.history_path,
                     "-S", str(seed)]
        for addr in addrs:
            self.argv += ["-a", addr]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.STDOUT)
        assert self.process.stdout.readline() == "ready\n", self.process.communicate()[0]
        return self

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGTERM)
        line = self.process.communicate()[0]
        assert self.process.returncode == 0, line
        self.counts = {k: int(v) for k, v in re.findall(r"(\w+) (\d+)", line)}
        with open(self.history_path) as f:
            self.history = [Query(*line.split()) for line in f]


class Found:
    def __init__(self, line):
        part = line.split("\t")
        self.domain, self.verdict, self.code, self.assurance = part[:4]
        self.saw = part[6]
        self.servers = {}
        for text in part[7:]:
            name, addr, outcome, has, _ = text.split("|")
            self.servers[name] = (addr, outcome, has == "1")


def looks(lines, *opt, trusted=False):
    """{domain: Found}, and what was said on standard error"""
    if "-r" not in opt:
        opt += ("-r" if trusted else "-u", RESOLVER)
    run = subprocess.run([BUILD + "/stack/looks_drive", *opt], text=True, capture_output=True,
                         input="".join(line + "\n" for line in lines))
    assert run.returncode == 0, run.stderr
    found = [Found(line) for line in run.stdout.splitlines()]
    return {f.domain: f for f in found}, run.stderr


def zone(domain, addr, server=RIGHT, public=None):
    """Rules of a domain with one server. A packet after another: "a || b";
    rules of their own for TCP and for the Nth query: {"tcp": ..., "#1": ...}"""
    record = "_example-challenge." + domain
    lines = ["%s NS rd : ns ns.%s noaa ra" % (domain, domain),
             "ns.%s A rd : a %s noaa ra" % (domain, addr)]
    for how, text in [("nord", server), ("rd", public or RIGHT + " noaa ra")]:
        for when, packets in (text if isinstance(text, dict) else {"": text}).items():
            lines.append("%s TXT %s %s : %s" % (record, how, when, packets.replace("||", "|")))
    soa = "authority owner %s soa ns.%s 7 5" % (domain, domain)
    lines += ["%s TXT nord : %s" % (domain, soa),
              "*.%s * nord : nxdomain %s" % (domain, soa),
              "*.%s * rd : nxdomain %s noaa ra" % (domain, soa)]
    return "\n".join(lines) + "\n"


def own(text):
    """A record whose owner is written out"""
    return "owner _example-challenge.%(domain)s " + text


TCP_TOO = {"udp": "tc"}
PASS, BAD, SILENT = ("pass", ""), ("undecided", "BAD_PACKET"), ("undecided", "TIMEOUT")
NOTHING = ("none", "NOT_PUBLISHED")

# What the zone's server says, and what is found. {"tcp": ...} leaves UDP to
# an empty answer with TC.
SERVER_SAYS = [
    ("right", RIGHT, PASS),
    ("right_ttl_0", "ttl 0 " + RIGHT, PASS),
    ("long_strings", 'txt "token=mzxw6ytboi4dq" "nrvgy3tqojqgezdgnbv"', PASS),
    # not for us: dropped, and waited on
    ("wrong_id", RIGHT + " id 1", SILENT),
    ("wrong_id_then_right", RIGHT + " id 1 || " + RIGHT, PASS),
    ("wrong_id_flood", WRONG + " id 1 flood 500 || " + RIGHT, PASS),
    ("wrong_id_flood_alone", "flood 500 id 1 " + RIGHT, SILENT),
    ("other_address", RIGHT + " from " + ELSEWHERE, SILENT),
    ("other_address_then_right", WRONG + " from " + ELSEWHERE + " || " + RIGHT + " delay 20",
     PASS),
    ("other_port", RIGHT + " from " + ELSEWHERE + ":5353", SILENT),
    ("question_other_name", "qname other.test " + own(RIGHT), SILENT),
    ("question_other_type", RIGHT + " qtype 1", SILENT),
    ("question_other_class", RIGHT + " qclass 3", SILENT),
    ("question_missing", own("noquestion " + RIGHT), SILENT),
    ("question_twice", RIGHT + " twice", SILENT),
    ("question_other_case", RIGHT + " othercase", PASS),
    # for us, and no answer
    ("not_a_response", RIGHT + " noqr", BAD),
    ("other_opcode", RIGHT + " opcode 4", BAD),
    ("not_a_response_over_udp", {"udp": RIGHT + " noqr", "tcp": RIGHT}, PASS),
    ("nxdomain_with_answers", "nxdomain " + RIGHT, BAD),
    ("half_a_record", RIGHT + " cut 60", BAD),
    ("header_only", RIGHT + " cut 12", SILENT),
    ("half_a_question", RIGHT + " cut 30", SILENT),
    ("half_a_header", RIGHT + " cut 6", SILENT),
    ("last_octet_missing", RIGHT + " cut -1", BAD),
    ("junk_behind", RIGHT + " junk 40", PASS),
    ("answers_65535", RIGHT + " count answers 65535", BAD),
    ("authority_65535", RIGHT + " count authority 65535", BAD),
    ("additional_65535", RIGHT + " count additional 65535", BAD),
    ("answers_0", RIGHT + " count answers 0", NOTHING),
    # other names, classes, types
    ("other_owner", "owner other.test " + RIGHT, NOTHING),
    ("other_owner_above", "owner %(domain)s " + RIGHT, NOTHING),
    ("other_owner_below", "owner x._example-challenge.%(domain)s " + RIGHT, NOTHING),
    ("other_owner_case", "owner _EXAMPLE-challenge.%(domain)s " + RIGHT, PASS),
    ("other_class", "class 3 " + RIGHT, NOTHING),
    ("other_type", "rr SOA 26746f6b656e3d6d7a78773679", NOTHING),
    ("in_authority", "authority " + RIGHT, NOTHING),
    ("in_additional", "additional " + RIGHT, NOTHING),
    ("extra_before", 'owner other.test %s owner _example-challenge.%%(domain)s a 127.0.0.1 %s'
     % (WRONG, RIGHT), PASS),
    ("extra_behind", RIGHT + " additional owner other.test " + WRONG, PASS),
    ("two_tokens", WRONG + " " + RIGHT, PASS),
    ("other_token", WRONG, ("fail", "TOKEN_OTHER")),
    # names
    ("pointer_to_itself", "owner ^0 " + RIGHT, BAD),
    ("pointer_forward", "owner ^12 " + RIGHT, BAD),
    ("pointer_into_header", "owner =c000 " + RIGHT, BAD),
    ("pointer_past_the_end", "owner =ffff " + RIGHT, BAD),
    ("pointer_loop", "rr TYPE10 c025c023 owner ^-4 " + RIGHT, BAD),
    ("pointer_hops_16", "hops 16 " + RIGHT, PASS),
    ("pointer_hops_17", "hops 17 " + RIGHT, BAD),
    ("pointer_hops_200", "hops 200 " + RIGHT, BAD),
    ("label_64", "owner =40" + "61" * 64 + "00 " + RIGHT, BAD),
    ("label_type_10", "owner =8161 " + RIGHT, BAD),
    ("name_over_255", "owner =" + ("3f" + "61" * 63) * 4 + "00 " + RIGHT, BAD),
    # lengths
    ("rdlength_long", "rdlength 1 " + RIGHT, BAD),
    ("rdlength_65535", "rdlength 30000 " + RIGHT, BAD),
    ("rdlength_short", "rdlength -1 " + RIGHT, BAD),
    ("string_past_its_data", "rr TXT 0574", BAD),
    ("empty_data", "rr TXT ''".replace("''", "00"), NOTHING),
    ("many_100", "many 99 txt \"site-####\" " + RIGHT, PASS),
    ("many_256", "many 255 txt \"site-####\" " + RIGHT, PASS),
    ("many_257", "many 256 txt \"site-####\" " + RIGHT, BAD),
    ("many_5000", "many 5000 txt \"x\"", BAD),
    ("octets_64k", "fill 65200 " + RIGHT, PASS),
    ("nul_in_it", 'txt "token=%s\\000"' % TOKEN, ("fail", "TOKEN_OTHER")),
    # errors
    ("servfail", "servfail", ("undecided", "SERVFAIL")),
    ("servfail_ede", 'servfail ede 22 "no reachable authority"', ("undecided", "SERVFAIL")),
    ("servfail_with_the_record", "servfail " + RIGHT, ("undecided", "SERVFAIL")),
    ("refused", "refused noaa", ("undecided", "REFUSED")),
    ("notimp", "notimp noaa", ("undecided", "REFUSED")),
    ("formerr", "formerr noedns", ("undecided", "REFUSED")),
    ("formerr_to_edns", {"edns": "formerr noedns", "plain": RIGHT}, PASS),
    # c-ares drops what does not echo the question
    ("formerr_header_only", "formerr noquestion noedns", SILENT),
    ("lame", "noaa", ("undecided", "LAME")),
    ("lame_upward", "noaa authority owner . ns a.root-servers.test", ("undecided", "LAME")),
    ("not_authoritative", RIGHT + " noaa", ("undecided", "LAME")),
    # streams
    ("tcp", {"udp": "tc", "tcp": RIGHT}, PASS),
    ("tcp_alone", {"udp": "silent", "tcp": RIGHT}, SILENT),
    ("tcp_truncated_too", "tc " + RIGHT, BAD),
    ("tcp_drips", {"udp": "tc", "tcp": RIGHT + " drip 1"}, PASS),
    ("tcp_octet_a_second", {"udp": "tc", "tcp": RIGHT + " drip 1000"}, SILENT),
    ("tcp_reset", {"udp": "tc", "tcp": RIGHT + " reset"}, SILENT),
    ("tcp_ends", {"udp": "tc", "tcp": RIGHT + " close"}, SILENT),
    ("tcp_stalls", {"udp": "tc", "tcp": RIGHT + " stall"}, SILENT),
    ("tcp_wrong_id_first", {"udp": "tc", "tcp": WRONG + " id 1 || " + RIGHT}, PASS),
    # time
    ("silent", "silent", SILENT),
    ("silent_once", {"#1": "silent", "": RIGHT}, PASS),
    ("late", RIGHT + " delay 100", PASS),
    ("too_late", RIGHT + " delay 3000", SILENT),
    # aliases
    ("alias_loop", "cname b.%(domain)s owner b.%(domain)s cname _example-challenge.%(domain)s",
     ("undecided", "CNAME_CHAIN")),
    ("alias_too_long", " ".join("cname b%d.%%(domain)s owner b%d.%%(domain)s" % (i, i)
                                for i in range(10)), ("undecided", "CNAME_CHAIN")),
]
# What the resolver says, when the server has the record.
PUBLIC_SAYS = [
    ("right", RIGHT + " ra noaa", PASS),
    ("right_with_ad", RIGHT + " ra noaa ad", PASS),
    ("nxdomain", "nxdomain authority owner %(domain)s soa ns.%(domain)s 7 900 ra noaa",
     ("fail", "NEGATIVE_CACHED")),
    ("other_token", WRONG + " ra noaa", ("fail", "NEGATIVE_CACHED")),
    ("wrong_id", RIGHT + " id 1", SILENT),
    ("other_address", RIGHT + " from " + ELSEWHERE, SILENT),
    ("other_owner", "owner other.test " + RIGHT, ("fail", "NEGATIVE_CACHED")),
    ("other_class", "class 3 " + RIGHT, ("fail", "NEGATIVE_CACHED")),
    ("not_a_response", RIGHT + " noqr", BAD),
    ("bogus", 'servfail ra noaa ede 6 "signature"', ("undecided", "DNSSEC_BOGUS")),
    ("bogus_unsaid", {"#1": "servfail ra noaa", "": RIGHT + " ra noaa"},
     ("undecided", "DNSSEC_BOGUS")),
    ("servfail", "servfail ra noaa", ("undecided", "SERVFAIL")),
    ("stale", RIGHT + " ra noaa ede 3", ("undecided", "SERVFAIL")),
    ("silent", "silent", SILENT),
    ("octets_64k", "fill 65200 " + RIGHT + " ra noaa", PASS),
]


def rows():
    for i, (name, says, want) in enumerate(SERVER_SAYS):
        yield "s-" + name, i, says, None, want
    for i, (name, says, want) in enumerate(PUBLIC_SAYS):
        yield "p-" + name, len(SERVER_SAYS) + i, RIGHT, says, want


ROWS = {row[0]: row for row in rows()}


def domain_of(row):
    return "d%d.test" % row[1]


def filled(text, domain):
    if isinstance(text, dict):
        return {k: filled(v, domain) for k, v in text.items()}
    return text and text.replace("%(domain)s", domain)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """All rows in one run, a server's address for each: {row: Found}. 63
    addresses fit one server, so there are two."""
    folder = [tmp_path_factory.mktemp("dns%d" % i) for i in range(2)]
    script = "".join(zone(domain_of(r), "%s.%d" % (NET, 1 + r[1]), filled(r[2], domain_of(r)),
                          filled(r[3], domain_of(r))) for r in ROWS.values())
    addrs = ["%s.%d" % (NET, 1 + r[1]) for r in ROWS.values()]
    with Hostile(folder[0], script, addrs[:60] + [RESOLVER]) as first, \
            Hostile(folder[1], script, addrs[60:]) as second:
        found, _ = looks(["%s - %s" % (domain_of(r), TOKEN) for r in ROWS.values()],
                         "-t", "300", "-k", "2")
    queries = collections.defaultdict(list)
    for q in first.history + second.history:
        queries[".".join(q.name.split(".")[-2:])].append(q)
    return {name: (found[domain_of(r)], queries[domain_of(r)]) for name, r in ROWS.items()}


@pytest.mark.parametrize("name", ROWS)
def test_what_is_made_of(told, name):
    found, _ = told[name]
    assert (found.verdict, found.code) == ROWS[name][4], found.saw


def test_what_was_asked(told):
    """No recursion of servers, no negative answer planted, TCP where needed."""
    for name, (found, queries) in told.items():
        for q in queries:
            assert q.has("rd") == (q.to == RESOLVER), (name, q)
    assert [q.via for q in told["s-tcp"][1] if q.type == "TXT" and not q.has("rd")] == \
        ["udp", "tcp"]
    # an answer that can't be read is asked for once more, over TCP
    assert [q.via for q in told["s-not_a_response"][1] if q.name.startswith("_") and
            not q.has("rd")][:2] == ["udp", "tcp"]
    assert [q.has("edns") for q in told["s-formerr_to_edns"][1] if not q.has("rd")] == \
        [True, False]
    # the public view is not asked for what no server has
    for name in "s-other_owner", "s-silent", "s-refused":
        assert not [q for q in told[name][1] if q.type == "TXT" and q.has("rd")], name


def test_ad_of_strangers(tmp_path):
    script = zone("ad.test", NET + ".1", RIGHT, RIGHT + " noaa ra ad")
    with Hostile(tmp_path, script, [NET + ".1", RESOLVER]):
        found, _ = looks(["ad.test - " + TOKEN])
        assert found["ad.test"].assurance == "single"
        found, _ = looks(["ad.test - " + TOKEN], trusted=True)
        assert found["ad.test"].assurance == "dnssec"


# --- a hundred thousand forgeries ---------------------------------------------

LOOKS, ZONES, PUBLIC_ZONES = 40000, 16, 2
KINDS = 62 * "m" + "sf"  # floods make the truth get lost too
FORGED = "mutate any %s || %s" % (RIGHT, WRONG)
FROM = "%s from %s || %s" % (RIGHT, ELSEWHERE, WRONG)
FLOOD = "flood 20 id 1 %s || %s" % (RIGHT, WRONG)


def forging_zone(i):
    """Names by kind: mutated answers, other sources, other ids; of the server
    in most zones, of the resolver in the others. The one that is not forged
    says that the token is there, so that nothing but the reader is between a
    forgery and a pass. A wrong token comes right behind, so that nothing is
    waited for."""
    domain, public = "z%d.test" % i, i < PUBLIC_ZONES
    rules = []
    for kind, packets in ("m", FORGED), ("s", FROM), ("f", FLOOD):
        name = "*.%s.%s TXT" % (kind, domain)
        rules.append("%s %s : %s" % (name, "rd" if public else "nord",
                                     packets.replace("||", "|")))
        rules.append("%s : %s %s" % (name, "" if public else "ra noaa", RIGHT))
    rules.append("*.right.%s TXT : %s ra" % (domain, RIGHT))
    return "\n".join(rules) + "\n" + zone(domain, "%s.%d" % (NET, i + 1))


def forged_names(n, zones):
    return ["n%d.%s.z%d.test z%d.test %s" % (i, KINDS[i // ZONES % len(KINDS)], i % zones,
                                             i % zones, TOKEN) for i in range(n)]


def is_forged(query):
    """Was it answered by a mutated packet?"""
    zone_of = re.search(r"\.m\.z(\d+)\.", query.name)
    return zone_of and query.type == "TXT" and \
        query.has("rd") == (int(zone_of.group(1)) < PUBLIC_ZONES)


def test_no_forgery_passes(tmp_path):
    script = "".join(forging_zone(i) for i in range(ZONES))
    right = ["n.right.z%d.test z%d.test %s" % (i, i, TOKEN) for i in range(ZONES)]
    with Hostile(tmp_path, script, ["%s.%d" % (NET, i + 1) for i in range(ZONES)] + [RESOLVER],
                 seed=20261124) as server:
        found, _ = looks(forged_names(LOOKS, ZONES), "-n", "2", "-t", "1500", "-k", "1")
        early, _ = looks(forged_names(LOOKS // 10, PUBLIC_ZONES), "-p", "-t", "1500", "-k", "1")
        truth, _ = looks(right)
    # the truth passes, so the others could have
    assert {f.verdict for f in truth.values()} == {"pass"}
    for told in found, early:
        assert [f.domain for f in told.values() if f.verdict == "pass"] == []
    # most were judged, not just waited for
    codes = collections.Counter(f.code for f in found.values())
    assert codes["TIMEOUT"] < LOOKS * 3 // 4 and codes["BAD_PACKET"] > LOOKS // 20, codes
    assert len([q for q in server.history if is_forged(q)]) >= 100000
    assert server.counts["forged"] >= 100000


# --- a good citizen -------------------------------------------------------------


def test_budget_of_a_domain(tmp_path):
    """Thousands of looks at one domain: its servers see no more than the
    budget, and a look at another one is not kept waiting."""
    budget = 600
    script = "*.flood.test TXT nord : %s\n" % WRONG + zone("flood.test", NET + ".1") + \
        zone("other.test", NET + ".2")
    lines = ["n%d.flood.test flood.test %s" % (i, TOKEN) for i in range(8000)]
    begun = time.monotonic()
    with Hostile(tmp_path, script, [NET + ".1", NET + ".2", RESOLVER]) as server:
        found, said = looks(lines + ["other.test - " + TOKEN], "-d", str(budget))
    took_s = time.monotonic() - begun
    # what many domains share is kept and not counted
    flood = [q for q in server.history if q.name.endswith("flood.test") and
             not (q.has("rd") and q.type in ("NS", "A", "AAAA"))]
    assert budget <= len(flood) <= budget + budget / 60 * (took_s + 1)
    # the rest was not asked, is not decided, and not failed
    codes = collections.Counter((f.verdict, f.code) for f in found.values())
    assert codes["undecided", "TIMEOUT"] > 7000, codes
    assert {c for c in codes if c[0] != "fail"} == {("undecided", "TIMEOUT"), PASS}
    assert found["other.test"].verdict == "pass"
    assert max(int(q.ms) for q in server.history if "other.test" in q.name) < 5000
    told = [json.loads(line) for line in said.splitlines() if '"dns.domain_budget"' in line]
    assert [t["domain"] for t in told] == ["flood.test"]  # once a minute


def test_failures_are_not_repeated(tmp_path):
    """RFC 9520: what failed is not asked again at once, however many look."""
    zones = zone("dead.test", NET + ".1", "servfail")
    with Hostile(tmp_path, zones, [NET + ".1", RESOLVER]) as server:
        lines = ["dead.test - " + TOKEN] * 5000
        run = subprocess.run([BUILD + "/stack/looks_drive", "-u", RESOLVER, "-n", "1", "-q"],
                             text=True, capture_output=True, input="\n".join(lines) + "\n")
        assert run.returncode == 0, run.stderr
        assert "undecided 5000" in run.stderr
    own = [q for q in server.history if q.name == "_example-challenge.dead.test"]
    ms = int(own[-1].ms) - int(own[0].ms)
    assert 1 <= len(own) <= 2 + ms // 1000, own


def test_included_records_are_asked_once(tmp_path):
    """What SPF includes is many domains': kept by its TTL, failures too."""
    script = ('*.shop.test TXT : txt "v=spf1 include:spf.vendor.test -all" ra\n'
              'spf.vendor.test TXT : ttl 60 txt "v=spf1 include:a.vendor.test '
              'include:b.vendor.test -all" ra\n'
              'a.vendor.test TXT : ttl 60 txt "v=spf1 ip4:192.0.2.0/24 -all" ra\n'
              'b.vendor.test TXT : servfail ra\n')
    names = ["n%d.shop.test" % i for i in range(300)]
    # no policy: our own include is not of this server
    env = {k: v for k, v in os.environ.items() if not k.startswith("DOMAINPROOF_")}
    with Hostile(tmp_path, script, [RESOLVER]) as server:
        run = subprocess.run([BUILD + "/domainproof", "check", "-f", "-", "--only", "spf",
                              "--resolver", RESOLVER, "--json"], text=True,
                             env=env, capture_output=True, input="\n".join(names) + "\n")
        found = [json.loads(line) for line in run.stdout.splitlines()]
    assert {f["domain"] for f in found} == set(names), run.stderr
    assert {f["checks"]["spf"]["code"] for f in found} == {"SERVFAIL"}
    asked = collections.Counter(q.name for q in server.history if q.type == "TXT")
    assert asked["spf.vendor.test"] == asked["a.vendor.test"] == 1
    assert asked["b.vendor.test"] <= 3  # after one second, and two more
    assert {asked[name] for name in names} == {1}


def test_our_resolver_is_dead(tmp_path):
    """That is said, and is not mistaken for a customer's dead server."""
    script = "dead.test TXT : silent\n" + zone("good.test", NET + ".1") + "* * rd : silent\n"
    with Hostile(tmp_path, script, [NET + ".1", RESOLVER]) as server:
        found, said = looks(["n%d.test - %s" % (i, TOKEN) for i in range(40)],
                            "-t", "300", "-k", "1")
    assert {(f.verdict, f.code) for f in found.values()} == {("undecided", "TIMEOUT")}
    told = [json.loads(line) for line in said.splitlines() if '"dns.resolver_silent"' in line]
    assert len(told) == 1, said
    assert told[0]["resolver"] == RESOLVER + ":53" and told[0]["level"] == "error"
    assert [q for q in server.history if q.name == "." and q.type == "NS"]

    alive = ". NS rd : ns a.root-servers.test ra noaa\n" + script
    with Hostile(tmp_path, alive, [NET + ".1", RESOLVER]) as server:
        _, said = looks(["n%d.test - %s" % (i, TOKEN) for i in range(40)],
                        "-t", "300", "-k", "1")
    assert [q for q in server.history if q.name == "." and q.type == "NS"]
    assert "dns.resolver_silent" not in said
