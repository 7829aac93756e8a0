# SPDX-License-Identifier: Apache-2.0
"""`domainproof check`: the page that people read, the JSON that programs do,
and check_host() of RFC 7208 through a DNS server of the test's own."""
import concurrent.futures
import json
import os
import re
import socketserver
import subprocess
import sys
import threading

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
import yaml

import oracle_mail
from crew import BUILD, fresh
from oracle import ROOT, control

sys.path.insert(0, ROOT + "/tests/spf")
from zones import suite_file  # noqa: E402

TOKEN = "mfrggzdfmztwq2lknnwg23tpobyxe43u"
OURS = "include:spf.mailco.test"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return oracle_mail.key_pair(folder), oracle_mail.key_pair(folder, "other")


@pytest.fixture
def check(lab):
    def run(*args, want=0, conf=True):
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        if conf:
            env["DOMAINPROOF_CONF"] = lab["DOMAINPROOF_CONF"]
            env["DOMAINPROOF_POLICY"] = lab["DOMAINPROOF_POLICY"]
        p = subprocess.run([BUILD + "/domainproof", "check", *args], env=env, text=True,
                           capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        assert want is None or p.returncode == want, (args, p.returncode, p.stdout, p.stderr)
        return p.stdout
    return run


def one(check, name, *args, want=0, **kw):
    return json.loads(check(name, "--json", *args, want=want, **kw))["checks"]


def key_text(public):
    with open(public) as f:
        return "v=DKIM1; k=rsa; p=" + "".join(
            line.strip() for line in f if not line.startswith("-"))


@pytest.fixture
def domain(lab):
    yield fresh("p") + ".many.test"
    control(lab["UNBOUND_CONF"], "flush_zone many.test.")


# --- the page -----------------------------------------------------------------

def wrong_in_three_ways(zone, domain, keys):
    partner = "partner-" + domain
    zone("set", partner, "v=spf1 ip4:198.51.100.0/24 -all")
    zone("set", "_example-challenge." + domain, "token=%s expiry=never" % TOKEN)
    zone("set", domain, "v=spf1 include:%s -all %s" % (partner, OURS))
    zone("set", "s1._domainkey.%s.%s" % (domain, domain), key_text(keys[0][1]))
    zone("set", "_dmarc." + domain, "v=DMARC1; p=none; rua=mailto:dmarc@" + domain)
    return partner


def test_page(check, zone, lab, domain, keys):
    partner = wrong_in_three_ways(zone, domain, keys)
    args = ("--token", TOKEN, "--selector", "s1", "--public-key", keys[0][1])
    page = check(domain, *args, want=1)
    lines = page.splitlines()
    assert re.fullmatch(re.escape(domain) + r"    \d\d:\d\d:\d\d UTC    2 name servers \+ public "
                        r"view    1 of 3 required records right", lines[0])
    flat = re.sub(r"\s+", " ", page)
    assert "ownership PASS" in flat and "2/2 servers" in flat
    # spf: the place where reading stops, and what to publish instead
    at = next(i for i, line in enumerate(lines) if "SPF_AFTER_ALL" in line)
    found = next(i for i in range(at, len(lines)) if re.match(r" +found ", lines[i]))
    caret = lines[found + 1]
    assert re.fullmatch(r" +\^ reading stops here", caret)
    assert lines[found][caret.index("^"):] == "-all " + OURS, (lines[found], caret)
    merged = "v=spf1 include:%s %s -all" % (partner, OURS)
    assert re.search(r"^ +publish +%s$" % re.escape(merged), page, re.M), page
    assert re.search(r"^ +cost +\d+ of 10 lookups, 0 of 2 void$", page, re.M)
    # dkim: right key, wrong name
    assert "NAME_DOUBLED" in flat and "s1._domainkey.%s.%s" % (domain, domain) in flat
    assert re.search(r"^ +wanted +s1\._domainkey\.%s$" % re.escape(domain), page, re.M)
    assert re.search(r"^ +found +s1\._domainkey\.%s\.%s$" % ((re.escape(domain),) * 2), page, re.M)
    assert re.search(r"Enter only s1\._domainkey(\.\S+)? ", flat), flat
    # dmarc: advice
    assert re.search(r"dmarc NOTE .*p=none.*Next step: p=quarantine", flat), flat
    assert "holds nothing back" in flat
    assert re.search(r"visible everywhere by \d\d:\d\d UTC", flat)
    assert "domainproof check %s --record" % domain in page
    assert all(line == line.rstrip() for line in lines), "blanks at the end of a line"
    # what it says is right is right, for others too
    assert check(domain, "--record", merged)
    zone("set", domain, merged)
    zone("set", "s1._domainkey." + domain, key_text(keys[0][1]))
    control(lab["UNBOUND_CONF"], "flush_zone many.test.")
    page = check(domain, *args)
    assert "3 of 3 required records right" in page
    assert oracle_mail.spf(lab["RESOLVER"], "192.0.2.1", "a@" + domain, domain) == "pass"
    assert oracle_mail.dkim(lab["RESOLVER"], domain, "s1", keys[0][0])


def test_json_says_what_the_page_says(check, zone, domain, keys):
    wrong_in_three_ways(zone, domain, keys)
    got = one(check, domain, "--token", TOKEN, "--selector", "s1", "--public-key", keys[0][1],
              want=1)
    assert {c: (f["verdict"], f["reason"]) for c, f in got.items()} == {
        "ownership": ("pass", ""), "spf": ("fail", "SPF_AFTER_ALL"),
        "dkim": ("fail", "NAME_DOUBLED"), "dmarc": ("pass", "DMARC_LADDER")}


@pytest.mark.parametrize("record, want, reason", [
    ("v=spf1 include:spf.mailco.test -all", 0, ""),
    ("v=spf1 -all", 1, "SPF_NO_INCLUDE"),
    ("v=spf1 ?include:spf.mailco.test -all", 1, "SPF_NOT_PASS"),
    ("v=spf1 -all include:spf.mailco.test", 1, "SPF_AFTER_ALL"),
    ("v=spf1 ip4:192.0.2.0/28 ip6:2001:db8:25::/64 -all", 0, None),
    ("v=spf1 ip4:1.2.3.4~all", 1, "SPF_SYNTAX"),
    ("v=DMARC1; p=reject; rua=mailto:a@many.test", 0, None),
    ("v=DMARC1; p=rejekt", 1, "DMARC_INVALID"),
    ("token=" + TOKEN, 0, ""),
    ("token=" + "a" * 32, 1, "TOKEN_OTHER"),
])
def test_before_it_is_published(check, domain, record, want, reason):
    got = one(check, domain, "--record", record, "--token", TOKEN, want=want)
    (found,) = got.values()
    assert reason is None or found["reason"] == reason


def test_without_a_policy(check, zone, lab, domain):
    zone("set", domain, "v=spf1 ip4:198.51.100.1 -all")
    got = one(check, domain, "--resolver", lab["RESOLVER"], conf=False)
    assert set(got) == {"spf", "dmarc"} and got["spf"]["verdict"] == "pass"
    page = check(domain, "--resolver", lab["RESOLVER"], conf=False)
    assert "policy.conf" in page and "--conf" in page


# --- for programs -------------------------------------------------------------

def test_dkim(check, zone, lab, domain, keys):
    name = "sel._domainkey." + domain
    ask = ("--only", "dkim", "--selector", "sel")
    rows = [(key_text(keys[0][1]), (), 0, "pass", ""),
            (key_text(keys[0][1]), ("--public-key", keys[0][1]), 0, "pass", ""),
            (key_text(keys[0][1]), ("--public-key", keys[1][1]), 1, "fail", "KEY_OTHER"),
            ("v=DKIM1; p=", (), 1, "fail", "KEY_REVOKED"),
            ("v=DKIM1; h=sha1; " + key_text(keys[0][1])[9:], (), 1, "fail", "WRONG_TAG")]
    got = one(check, domain, *ask, want=1)["dkim"]
    assert (got["verdict"], got["reason"]) == ("none", "NOT_PUBLISHED")
    for text, more, want, verdict, reason in rows:
        zone("set", name, text)
        control(lab["UNBOUND_CONF"], "flush_zone many.test.")
        got = one(check, domain, *ask, *more, want=want)["dkim"]
        assert (got["verdict"], got["reason"]) == (verdict, reason), text
    got = one(check, "servfail.test", *ask, want=9)["dkim"]
    assert (got["verdict"], got["reason"]) == ("undecided", "SERVFAIL")


def test_dmarc(check, zone, lab, domain):
    up = "_dmarc." + domain
    below = "a." + domain
    rows = [("v=DMARC1; p=none", 0, "pass", "none"),
            ("v=DMARC1; p=reject; sp=quarantine", 0, "pass", "reject")]
    got = one(check, domain, "--only", "dmarc", want=1)["dmarc"]
    assert (got["verdict"], got["reason"]) == ("none", "NOT_PUBLISHED")
    for text, want, verdict, policy in rows:
        zone("set", up, text)
        control(lab["UNBOUND_CONF"], "flush_zone many.test.")
        got = one(check, domain, "--only", "dmarc", want=want)["dmarc"]
        assert (got["verdict"], got["policy"], got["record_domain"]) == (verdict, policy, domain)
    # a record above applies
    zone("set", below, "x")
    got = one(check, below, "--only", "dmarc")["dmarc"]
    assert (got["verdict"], got["policy"], got["record_domain"]) == ("pass", "quarantine", domain)
    zone("set", up, "v=DMARC1 p=none")
    control(lab["UNBOUND_CONF"], "flush_zone many.test.")
    assert one(check, domain, "--only", "dmarc", want=1)["dmarc"]["verdict"] == "fail"
    assert one(check, "servfail.test", "--only", "dmarc", want=9)["dmarc"]["verdict"] == "undecided"


def host(check, ip, mail_from, helo, resolver, want=None):
    args = ["elsewhere.test", "--only", "spf", "--spf-ip", ip, "--resolver", resolver, "--json"]
    if mail_from is not None:
        args += ["--mail-from", mail_from]
    if helo is not None:
        args += ["--helo", helo]
    return json.loads(check(*args, want=want, conf=False))["checks"]["spf"]["check_host"]


def test_check_host(check, lab):
    """The mailbox says which domain is asked, with none the HELO; DOMAIN does
    not."""
    resolver = lab["RESOLVER"] + ":53"
    for sender in (("a@spf.mailco.test", "x.test"), ("", "spf.mailco.test"),
                   (None, "spf.mailco.test"), ("a@spf.mailco.test", None)):
        for ip, result, code in (("192.0.2.1", "pass", 0), ("2001:db8:25::1", "pass", 0),
                                 ("198.51.100.1", "fail", 1)):
            got = host(check, ip, *sender, resolver, want=code)
            assert (got["result"], got["explanation"]) == (result, None)
    assert host(check, "192.0.2.1", "a@servfail.test", "x.test", resolver, 9)["result"] == \
        "temperror"
    check("a.test", "--spf-ip", "192.0.2.1", want=2)
    check("a.test", "--spf-ip", "nonsense", "--helo", "x.test", want=2)


# --- the suite of RFC 7208 through the command --------------------------------

class Zone:
    """Records of one scenario; answers as a resolver does."""

    def __init__(self, zonedata):
        self.names = {}
        for name, entries in zonedata.items():
            own = any(isinstance(e, dict) and "TXT" in e for e in entries)
            rows = self.names.setdefault(name.rstrip(".").lower(), [])
            for e in entries:
                if e == "TIMEOUT":
                    rows.append(("*", None))
                    continue
                (rrtype, value), = e.items()
                if rrtype == "SPF" and own or value == "NONE":
                    continue
                rows.append(("TXT" if rrtype == "SPF" else rrtype,
                             None if value == "TIMEOUT" else value))

    @staticmethod
    def rdata(rrtype, value):
        if rrtype == "TXT":
            strings = [value] if isinstance(value, (str, bytes)) else value
            wire = b"".join(bytes([len(s)]) + s for s in (
                v if isinstance(v, bytes) else v.encode() for v in strings))
            return dns.rdata.from_wire("IN", "TXT", wire, 0, len(wire))
        if rrtype == "MX":
            value = "%d %s." % (value[0], value[1].rstrip("."))
        elif rrtype in ("PTR", "CNAME"):
            value = value.rstrip(".") + "."
        return dns.rdata.from_text("IN", rrtype, value)

    def reply(self, query, limit):
        reply = dns.message.make_response(query, recursion_available=True)
        name, want = query.question[0].name, dns.rdatatype.to_text(query.question[0].rdtype)
        for _ in range(10):
            key = b".".join(name.labels[:-1]).decode("utf-8", "surrogateescape").lower()
            rows = self.names.get(key)
            if rows is None:
                if not any(n.endswith("." + key) for n in self.names):
                    reply.set_rcode(dns.rcode.NXDOMAIN)
                break
            got = [v for t, v in rows if t == want and v]
            if (want, None) in rows or (not got and ("*", None) in rows):
                return None
            alias = [v for t, v in rows if t == "CNAME"]
            kind, values = (want, got) if got or not alias else ("CNAME", alias)
            for v in values:
                rdata = self.rdata(kind, v)
                rrs = reply.find_rrset(reply.answer, name, dns.rdataclass.IN, rdata.rdtype,
                                       create=True)
                rrs.add(rdata, 300)
            if kind == want:
                break
            name = dns.name.from_text(alias[0])
        wire = reply.to_wire(max_size=65535)
        if len(wire) > limit:
            cut = dns.message.make_response(query, recursion_available=True)
            cut.flags |= dns.flags.TC
            wire = cut.to_wire()
        return wire


class Server:
    def __init__(self):
        self.zone = Zone({})
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                data, sock = self.request
                wire = outer.zone.reply(dns.message.from_wire(data), 1232)
                if wire:
                    sock.sendto(wire, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                head = self.rfile.read(2)
                if len(head) == 2:
                    data = self.rfile.read(int.from_bytes(head, "big"))
                    wire = outer.zone.reply(dns.message.from_wire(data), 65535)
                    if wire:
                        self.wfile.write(len(wire).to_bytes(2, "big") + wire)

        class Udps(socketserver.ThreadingUDPServer):
            daemon_threads = True

        class Tcps(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
        # both at one port, which for one of them may be taken
        self.udp = None
        while self.udp is None:
            self.tcp = Tcps(("127.0.0.1", 0), Tcp)
            self.port = self.tcp.server_address[1]
            try:
                self.udp = Udps(("127.0.0.1", self.port), Udp)
            except OSError:
                self.tcp.server_close()
        for s in self.udp, self.tcp:
            threading.Thread(target=s.serve_forever, daemon=True).start()

    def close(self):
        for s in self.udp, self.tcp:
            s.shutdown()
            s.server_close()


def test_suite_of_rfc7208(check):
    wrong, n = [], 0
    for scenario in yaml.safe_load_all(suite_file()):
        server = Server()
        server.zone = Zone(scenario["zonedata"])

        def run(item):
            ident, t = item
            got = host(check, t["host"], t["mailfrom"], t["helo"],
                       "127.0.0.1:%d" % server.port)
            results = t["result"] if isinstance(t["result"], list) else [t["result"]]
            text = "DEFAULT" if got["explanation"] is None else got["explanation"]
            if got["result"] not in results or t.get("explanation", text) != text:
                return "%s: %s, not %s" % (ident, got, (results, t.get("explanation")))
            return None
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            for said in threads.map(run, scenario["tests"].items()):
                n += 1
                wrong += [said] if said else []
        server.close()
    print("%d of %d cases through the command" % (n - len(wrong), n))
    assert not wrong and n == 203, "\n".join(wrong)
