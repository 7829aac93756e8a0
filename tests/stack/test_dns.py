# SPDX-License-Identifier: Apache-2.0
"""The resolver process against Knot and unbound: what the DNS can answer, and
what a look makes of it. The truth is what these tests publish, and what kdig
and unbound-control say."""
import os
import re
import subprocess
import time

import pytest

ROOT = os.path.realpath(__file__).rsplit("/tests/", 1)[0]
DRIVE = os.path.join(ROOT, os.environ.get("BUILD", "build"), "stack", "looks_drive")
TOKEN = "mzxw6ytboi4dqnrvgy3tqojqgezdgnbv"
OTHER = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
TIMEOUT_MS, TRIES = 300, 2


def sh(*argv, text=None):
    run = subprocess.run(argv, cwd=ROOT, input=text, capture_output=True, text=True)
    assert run.returncode == 0, "%s: %s%s" % (argv, run.stdout, run.stderr)
    return run.stdout


@pytest.fixture(scope="module")
def env():
    found = dict(re.findall(r"export (\w+)='(.*)'", sh("ops/stack", "env")))
    found["PATH"] = os.environ["PATH"] + ":/usr/sbin:/sbin"
    os.environ.update(found)
    return found


@pytest.fixture
def zone(env):
    """Changes records of the lab, and takes them back."""
    changed = []

    def change(verb, name, *text, on=None, rrtype="TXT"):
        argv = ["ops/lab/dns", "--type", rrtype] + (["--on", on] if on else [])
        sh(*argv, verb, name, *text)
        changed.append(argv + ["del", name])

    yield change
    for argv in changed:
        sh(*argv)


def record(domain):
    return "_example-challenge." + domain


class Found:
    def __init__(self, line):
        part = line.rstrip("\n").split("\t")
        self.domain, self.verdict, self.code, self.assurance = part[:4]
        self.neg_ttl_s, self.delegated, self.saw = int(part[4]), part[5] == "1", part[6]
        self.servers = {}
        for text in part[7:]:
            name, addr, outcome, has, serial = text.split("|")
            self.servers[name] = (addr, outcome, has == "1", int(serial))


def looks(env, lines, *opt):
    """{domain: Found} of the domains; a line may name zone and token too."""
    if not {"-r", "-u"} & set(opt):
        opt += ("-r", env["RESOLVER"])
    out = sh(DRIVE, "-t", str(TIMEOUT_MS), "-k", str(TRIES), *opt,
             text="".join(line + "\n" for line in lines))
    found = [Found(line) for line in out.splitlines()]
    assert len(found) == len(lines)
    return {f.domain: f for f in found}


def look(env, domain, *opt, registrable="-", token=TOKEN):
    return looks(env, ["%s %s %s" % (domain, registrable, token)], *opt)[domain]


def unbound(env, *argv):
    return sh("unbound-control", "-c", env["UNBOUND_CONF"], *argv)


def forget(env, domain):
    unbound(env, "flush_zone", domain)


def test_published(env, zone):
    zone("set", record("good.test"), "token=" + TOKEN)
    forget(env, "good.test")
    f = look(env, "good.test")
    assert (f.verdict, f.code, f.assurance) == ("pass", "", "single")
    assert f.servers["ns-a.test"][:3] == (env["DNS_A"], "records", True)
    assert f.servers["ns-b.test"][:3] == (env["DNS_B"], "records", True)


def test_nxdomain(env, zone):
    f = look(env, "missing.test")
    assert (f.verdict, f.code, f.neg_ttl_s) == ("none", "NOT_PUBLISHED", 3)
    assert {s[1] for s in f.servers.values()} == {"nxdomain"}


def test_nodata(env, zone):
    zone("set", record("missing.test"), "::1", rrtype="AAAA")
    f = look(env, "missing.test")
    assert (f.verdict, f.code, f.neg_ttl_s) == ("none", "NOT_PUBLISHED", 3)
    assert {s[1] for s in f.servers.values()} == {"nodata"}


def test_addresses_instead_of_an_alias(env, zone):
    zone("set", record("missing.test"), "127.0.0.1", rrtype="A")
    f = look(env, "missing.test")
    assert (f.verdict, f.code, f.saw) == ("fail", "CNAME_FLATTENED", "127.0.0.1")


def test_wildcard(env, zone):
    zone("set", "*.missing.test", "v=spf1 -all")
    f = look(env, "missing.test")
    assert (f.verdict, f.code, f.saw) == ("fail", "WILDCARD_SHADOW", "v=spf1 -all")


def test_no_domain(env):
    f = look(env, "nosuchdomain.test")
    assert (f.verdict, f.code) == ("none", "NO_DOMAIN")


def test_servfail(env):
    f = look(env, "servfail.test")
    assert (f.verdict, f.code) == ("undecided", "SERVFAIL")


def test_refused(env):
    f = look(env, "lame.test")
    assert (f.verdict, f.code) == ("undecided", "REFUSED")
    assert f.servers["ns-b.test"][1] == "refused"


def test_timeout(env):
    begun = time.monotonic()
    f = look(env, "timeout.test")
    took_ms = (time.monotonic() - begun) * 1000
    assert (f.verdict, f.code) == ("undecided", "TIMEOUT")
    assert f.servers["ns-silent.test"][:2] == (env["DNS_SILENT"], "timeout")
    # two tries, the second waits twice as long; the resolver has its own time
    assert 3 * TIMEOUT_MS <= took_ms < 3 * TIMEOUT_MS + 5000


def test_truncation_leads_to_tcp(env):
    name = record("bigtxt.test")
    shown = sh("kdig", "+ignore", "+noretry", "@" + env["DNS_A"], name, "TXT")
    assert re.search(r"Flags:.* tc", shown), "the lab's answer is not truncated"
    sh("ops/lab/dns", "add", name, "token=" + TOKEN)
    try:
        forget(env, "bigtxt.test")
        f = look(env, "bigtxt.test")
    finally:
        sh("ops/lab/dns", "del", name, "token=" + TOKEN)
    assert (f.verdict, f.code) == ("pass", "")
    assert f.servers["ns-a.test"][1:3] == ("records", True)


def test_alias_chain(env, zone):
    zone("set", record("cname.test"), "one.cname.test.", rrtype="CNAME")
    zone("set", "one.cname.test", "two.good.test.", rrtype="CNAME")
    zone("set", "two.good.test", "token=" + TOKEN)
    forget(env, "cname.test")
    forget(env, "good.test")
    f = look(env, "cname.test")
    assert (f.verdict, f.code, f.delegated) == ("pass", "", True)


def test_alias_loop(env, zone):
    zone("set", record("cname.test"), "one.cname.test.", rrtype="CNAME")
    zone("set", "one.cname.test", record("cname.test") + ".", rrtype="CNAME")
    forget(env, "cname.test")
    f = look(env, "cname.test")
    assert (f.verdict, f.code) == ("undecided", "CNAME_CHAIN")


def test_one_of_two_is_stale(env, zone):
    zone("set", record("stale.test"), "token=" + TOKEN, on="a")
    f = look(env, "stale.test")
    assert (f.verdict, f.code) == ("fail", "NS_DISAGREE")
    assert f.servers["ns-a.test"][2] and not f.servers["ns-b.test"][2]
    assert "ns-b.test" in f.saw
    soa = sh("kdig", "+short", "@" + env["DNS_B"], "stale.test", "SOA").split()
    assert f.servers["ns-b.test"][3] == int(soa[2])


def test_signed(env, zone):
    zone("set", record("signed.test"), "token=" + TOKEN)
    forget(env, "signed.test")
    assert look(env, "signed.test").assurance == "dnssec"
    # the same answer of a resolver that is not trusted
    f = look(env, "signed.test", "-u", env["RESOLVER"])
    assert (f.verdict, f.assurance) == ("pass", "single")


def test_bogus_never_passes(env, zone):
    zone("set", record("badds.test"), "token=" + TOKEN)
    forget(env, "badds.test")
    f = look(env, "badds.test")
    assert (f.verdict, f.code) == ("undecided", "DNSSEC_BOGUS")


def test_lower_cut(env, zone):
    zone("set", record("sub.deep.test"), "token=" + TOKEN)
    forget(env, "deep.test")
    f = look(env, "sub.deep.test", registrable="deep.test")
    assert (f.verdict, f.code) == ("pass", "")
    assert list(f.servers)[0] == "ns-b.test"


def test_another_token(env, zone):
    zone("set", record("other.test"), "token=" + OTHER)
    f = look(env, "other.test")
    assert (f.verdict, f.code) == ("fail", "TOKEN_OTHER")


def test_no_negative_answer_is_planted(env, zone):
    name = record("late.test")
    forget(env, "late.test")
    assert look(env, "late.test").code == "NOT_PUBLISHED"
    assert name not in unbound(env, "dump_cache")
    zone("set", name, "token=" + TOKEN)
    # visible at once: nobody has asked the public view before
    f = look(env, "late.test")
    assert (f.verdict, f.code) == ("pass", "")
    assert name in unbound(env, "dump_cache")


def test_first_resolver_is_silent(env, zone):
    zone("set", record("good.test"), "token=" + TOKEN)
    forget(env, "good.test")
    f = look(env, "good.test", "-r", env["DNS_SILENT"], "-r", env["RESOLVER"])
    assert (f.verdict, f.code) == ("pass", "")


def test_one_of_two_servers_is_silent(env, zone):
    zone("set", record("good.test"), "token=" + TOKEN)
    forget(env, "good.test")
    sh("ops/stack", "dns-stop", "b")
    try:
        # the public view has to find out by itself that one is silent
        f = look(env, "good.test", "-r", env["RESOLVER"], "-k", "8")
    finally:
        sh("ops/stack", "dns-start", "b")
    assert f.verdict == "pass"
    assert f.servers["ns-a.test"][1:3] == ("records", True)
    assert f.servers["ns-b.test"][1] == "timeout"


def test_proven_claim_costs_one_question(env, zone):
    zone("set", record("good.test"), "token=" + TOKEN)
    forget(env, "good.test")
    f = look(env, "good.test", "-p")
    assert (f.verdict, f.code) == ("pass", "")
    assert list(f.servers) == [""]  # the resolver alone


def test_many_at_once(env, zone):
    """Every look ends, and each as the zone says; two processes."""
    names = ["m%d.bulk.test" % i for i in range(600)]
    right = set(names[::3])
    wrong = set(names[1::3])
    batch = ["set %s token=%s\n" % (record(n), TOKEN if n in right else OTHER)
             for n in names if n in right | wrong]
    sh("ops/lab/dns", "batch", "-", text="".join(batch))
    try:
        forget(env, "bulk.test")
        lines = ["%s bulk.test %s" % (n, TOKEN) for n in names]
        lines += ["servfail.test", "timeout.test", "badds.test", "lame.test"]
        found = looks(env, lines, "-n", "2")
        for n in names:
            want = "pass" if n in right else "fail" if n in wrong else "none"
            assert found[n].verdict == want, (n, found[n].code, found[n].saw)
        for n in ("servfail.test", "timeout.test", "badds.test", "lame.test"):
            assert found[n].verdict == "undecided"
    finally:
        sh("ops/lab/dns", "batch", "-",
           text="".join("del %s\n" % record(n) for n in names if n in right | wrong))
