# SPDX-License-Identifier: Apache-2.0
"""One look and its end, for each thing that a customer's DNS can say. The
truth is asked for by another DNS library, at the servers that the result
names."""
import subprocess

import pytest

import oracle
from crew import fresh
from oracle import ROOT, ask, cached, control, until

PUBLIC = "public view"  # a result's name for the resolver


@pytest.fixture(scope="module")
def pool(pools):
    pool = pools()
    pool.crew()
    return pool


def record(domain):
    return "_example-challenge." + domain


def finding(result):
    check, = result["checks"]
    assert check["check"] == "ownership" and check["name"] == record(result["domain"])
    return check


def agree(result):
    """Each server is what the result says of it, seen with our own eyes."""
    check = finding(result)
    for server in check["servers"]:
        if server["name"] == PUBLIC or server["outcome"] in ("lame", "referral"):
            continue
        said = ask(server["addr"], check["name"])
        assert server["outcome"] == said.outcome, (server, said)
        assert server["has"] == (check["expected"].encode() in said.texts)
        if server.get("serial") is not None and said.serial is not None:
            assert server["serial"] == said.serial
    return {s["name"]: s for s in check["servers"]}


def shown(pool, org, domain):
    """(status, shield) in Redis, once it has been looked at"""
    h, doc = until(lambda: pool.claim_doc(org, domain) if
                   pool.claim_doc(org, domain)[1]["looked_at"] else None, 10, "a look in Redis")
    assert (h["status"], h["shield"]) == (doc["status"], doc["shield"])
    return h["status"], h["shield"]


def settled(pool, org, job, outcome):
    h, doc = until(lambda: pool.job_doc(org, job) if
                   pool.job_doc(org, job)[0].get("outcome", "open") != "open" else None, 10, job)
    assert h["outcome"] == doc["outcome"] == outcome
    assert pool.redis.ttl("domainproof:job:%s:%s" % (org, job)) > 0


def one_look(pool, org, domain, job=None):
    job = job or fresh("v")
    r = pool.verify(org, domain, job, deadline_s=0)
    assert r["looks"] == 1 and r["kind"] == "verify" and r["lane"] == "jobs"
    assert r["accepted_at"] == r["deadline_at"] <= r["settled_at"]
    settled(pool, org, job, r["outcome"])
    return r


def test_right(pool, zone, lab):
    value = pool.claim("acme", "good.test")
    assert shown_before_look(pool, "acme", "good.test") == ("none", "grey")
    zone("set", record("good.test"), value)
    r = one_look(pool, "acme", "good.test")
    f = finding(r)
    assert (r["outcome"], f["verdict"], f["code"], f["assurance"]) == \
        ("verified", "pass", "", "single")
    assert f["expected"] == value and f["found"] == [value]
    servers = agree(r)
    assert {n: s["addr"] for n, s in servers.items() if n != PUBLIC} == \
        {"ns-a.test": lab["DNS_A"], "ns-b.test": lab["DNS_B"]}
    assert all(s["has"] for s in servers.values())
    assert shown(pool, "acme", "good.test") == ("verified", "green")
    said, = pool.events("claim.verified", org="acme", domain="good.test")
    assert (said["data"]["was"], said["data"]["status"]) == ("pending", "verified")


def shown_before_look(pool, org, domain):
    h, doc = until(lambda: pool.claim_doc(org, domain) if pool.claim_doc(org, domain)[0]
                   else None, 10, "the claim in Redis")
    return doc["status"], doc["shield"]


def test_missing(pool, zone, lab):
    value = pool.claim("acme", "missing.test")
    r = one_look(pool, "acme", "missing.test")
    f = finding(r)
    assert (r["outcome"], f["verdict"], f["code"]) == ("failed", "none", "NOT_PUBLISHED")
    assert f["neg_ttl_s"] == 3 and f["found"] == [] and value in f["fix"]
    assert {s["outcome"] for s in agree(r).values()} == {"nxdomain"}
    assert shown(pool, "acme", "missing.test") == ("pending", "red")


def test_no_data(pool, zone):
    zone("set", record("missing.test"), "::1", rrtype="AAAA")
    r = one_look(pool, "nodata", "missing.test")
    assert (r["outcome"], finding(r)["code"]) == ("failed", "NOT_PUBLISHED")
    assert {s["outcome"] for s in agree(r).values()} == {"nodata"}


def test_our_questions_plant_no_denial(pool, zone, lab):
    """Looked at early, published then: seen at once, also by everybody else."""
    value = pool.claim("early", "missing.test")
    name = record("missing.test")
    control(lab["UNBOUND_CONF"], "flush_zone test.")
    for _ in range(2):
        assert finding(one_look(pool, "early", "missing.test"))["code"] == "NOT_PUBLISHED"
    assert cached(lab["UNBOUND_CONF"], name) == []
    zone("set", name, value)
    r = one_look(pool, "early", "missing.test")
    assert r["outcome"] == "verified"
    # this test would have seen it: somebody else's early question is there
    other = record("late.test")
    assert ask(lab["RESOLVER"], other, recurse=True).outcome == "nxdomain"
    assert any("TXT" in line for line in cached(lab["UNBOUND_CONF"], other))


def test_denied_by_a_cache(pool, zone, lab):
    """Somebody else asked too early: published, and not yet visible."""
    value = pool.claim("cache", "late.test")
    name = record("late.test")
    control(lab["UNBOUND_CONF"], "flush_zone test.")
    assert ask(lab["RESOLVER"], name, recurse=True).outcome == "nxdomain"
    zone("set", name, value)
    job = fresh("v")
    pool.post("cache", "late.test", job, deadline_s=60)
    pool.flush()
    said = until(lambda: pool.events("look.done", org="cache", domain="late.test"), 20, "a look")
    check, = said[0]["data"]["checks"]
    assert (check["verdict"], check["code"]) == ("fail", "NEGATIVE_CACHED")
    assert check["visible_by_at"] is not None
    # and when the denial has run out, it turns good by itself
    assert pool.result("cache", "late.test", job)["outcome"] == "verified"


@pytest.mark.parametrize("domain, publish, outcome, code", [
    ("doubled.test", lambda d: (record(d) + "." + d, "mine"), "failed", "NAME_DOUBLED"),
    ("other.test", lambda d: (record(d), "theirs"), "failed", "TOKEN_OTHER"),
    ("apex.test", lambda d: (d, "mine"), "verified", "VIA_APEX"),
    ("legacy.test", lambda d: (record(d), "bare"), "verified", ""),
])
def test_where_it_stands(pool, zone, domain, publish, outcome, code):
    mine, theirs = pool.claim("acme", domain), pool.claim("rival", domain)
    name, whose = publish(domain)
    text = {"mine": mine, "theirs": theirs, "bare": mine.split("=")[1].split()[0]}[whose]
    zone("set", name, text)
    r = one_look(pool, "acme", domain)
    f = finding(r)
    assert (r["outcome"], f["code"]) == (outcome, code)
    assert f["found"] == [text] if code not in ("NAME_DOUBLED",) else name in f["say"]
    agree_at_name = agree(r) if whose != "bare" else {}
    assert all(s["has"] == (name == record(domain) and whose == "mine")
               for s in agree_at_name.values() if s["name"] != PUBLIC)
    assert shown(pool, "acme", domain)[1] == ("green" if outcome == "verified" else "red")


def test_one_server_is_stale(pool, zone):
    value = pool.claim("acme", "stale.test")
    zone("set", record("stale.test"), value, on="a")
    r = one_look(pool, "acme", "stale.test")
    f = finding(r)
    assert (r["outcome"], f["verdict"], f["code"]) == ("failed", "fail", "NS_DISAGREE")
    servers = agree(r)
    assert servers["ns-a.test"]["has"] and not servers["ns-b.test"]["has"]
    assert "ns-b.test" in f["say"] + f["fix"] and "serial" in servers["ns-b.test"]
    assert "ns-a.test" not in f["say"]


@pytest.mark.parametrize("domain, code", [
    ("servfail.test", "SERVFAIL"), ("lame.test", "REFUSED"), ("timeout.test", "TIMEOUT")])
def test_cannot_ask(pool, domain, code):
    r = one_look(pool, "acme", domain)
    f = finding(r)
    assert (r["outcome"], f["verdict"], f["code"]) == ("undecided", "undecided", code)
    assert f["assurance"] == ""
    agree(r)
    assert shown(pool, "acme", domain) == ("pending", "amber")
    assert pool.claim_doc("acme", domain)[1]["undecided_since"] is not None


def test_signed(pool, zone, lab):
    value = pool.claim("acme", "signed.test")
    zone("set", record("signed.test"), value)
    r = one_look(pool, "acme", "signed.test")
    assert (r["outcome"], finding(r)["assurance"]) == ("verified", "dnssec")
    assert ask(lab["RESOLVER"], record("signed.test"), recurse=True).ad
    agree(r)


def test_bogus_never_verifies(pool, zone, lab):
    value = pool.claim("acme", "badds.test")
    zone("set", record("badds.test"), value)
    r = one_look(pool, "acme", "badds.test")
    assert (r["outcome"], finding(r)["code"]) == ("undecided", "DNSSEC_BOGUS")
    assert ask(lab["RESOLVER"], record("badds.test"), recurse=True).outcome == "servfail"
    assert ask(lab["DNS_A"], record("badds.test")).texts == [value.encode()]


def test_lower_cut(pool, zone):
    value = pool.claim("acme", "sub.deep.test")
    zone("set", record("sub.deep.test"), value)
    r = one_look(pool, "acme", "sub.deep.test")
    assert r["outcome"] == "verified"
    assert [n for n in agree(r) if n != PUBLIC] == ["ns-b.test"]


def test_other_letters(pool, zone):
    """A domain as people write it is one with its A-label."""
    pool.post("acme", "B\u00fccher.TEST.", "idn", kind="claim", key="xn--bcher-kva.test")
    pool.flush()
    assert pool.result("acme", "xn--bcher-kva.test", "idn")["outcome"] == "done"
    value = pool.issued("acme", "xn--bcher-kva.test")
    zone("set", record("xn--bcher-kva.test"), value)
    assert one_look(pool, "acme", "xn--bcher-kva.test")["outcome"] == "verified"


def test_truncated(pool, zone, lab):
    value = pool.claim("acme", "bigtxt.test")
    name = record("bigtxt.test")
    zone("add", name, value)
    assert ask(lab["DNS_A"], name).tcp
    r = one_look(pool, "acme", "bigtxt.test")
    assert r["outcome"] == "verified"
    agree(r)


def test_delegated_by_an_alias(pool, zone):
    value = pool.claim("acme", "cname.test")
    zone("set", record("cname.test"), "proof.good.test.", rrtype="CNAME")
    r = one_look(pool, "acme", "cname.test")
    assert (r["outcome"], finding(r)["code"]) == ("failed", "NOT_PUBLISHED")
    zone("set", "proof.good.test", value)
    r = one_look(pool, "acme", "cname.test")
    assert r["outcome"] == "verified" and finding(r)["delegated"]


def test_deadline_passes(pool):
    """Amber with a next look and a deadline, then red, once."""
    job = fresh("v")
    pool.claim("acme", "expire.test")
    pool.post("acme", "expire.test", job, deadline_s=5, ref="order-7")
    pool.flush()
    h, doc = until(lambda: pool.claim_doc("acme", "expire.test") if
                   pool.claim_doc("acme", "expire.test")[0].get("job") else None, 10, "open")
    assert (doc["status"], doc["shield"], doc["job"]["id"]) == ("pending", "amber", job)
    assert doc["job"]["next_at"] and int(h["deadline_ms"]) > int(h["since_ms"])
    h, doc = pool.job_doc("acme", job)
    assert (doc["outcome"], doc["ref"]) == ("open", "order-7") and doc["next_at"]
    r = pool.result("acme", "expire.test", job)
    assert (r["outcome"], r["code"], r["ref"]) == ("expired", "NOT_PUBLISHED", "order-7")
    assert r["settled_at"] >= r["deadline_at"] and 4 <= r["looks"] <= 6
    settled(pool, "acme", job, "expired")
    assert shown(pool, "acme", "expire.test") == ("expired", "red")
    assert len(pool.events("check.changed", org="acme", domain="expire.test")) == 1


def test_turns_good_by_itself(pool, zone):
    value, job = pool.claim("acme", "late.test"), fresh("v")
    pool.post("acme", "late.test", job, deadline_s=600)
    pool.flush()
    until(lambda: pool.events("look.done", org="acme", domain="late.test"), 20, "a look")
    zone("set", record("late.test"), value)
    r = pool.result("acme", "late.test", job)
    assert r["outcome"] == "verified" and r["looks"] >= 2
    assert shown(pool, "acme", "late.test") == ("verified", "green")


def stack(*args):
    subprocess.run([ROOT + "/ops/stack", *args], check=True, capture_output=True)


def test_proven_stays_proven_when_nobody_answers(pool, zone, lab):
    value = pool.claim("keeps", "good.test")
    zone("set", record("good.test"), value)
    assert one_look(pool, "keeps", "good.test")["outcome"] == "verified"
    stack("dns-stop", "a")
    stack("dns-stop", "b")
    try:
        control(lab["UNBOUND_CONF"], "flush_zone test.")
        r = one_look(pool, "keeps", "good.test")
        assert r["outcome"] == "undecided" and finding(r)["verdict"] == "undecided"
        until(lambda: pool.claim_doc("keeps", "good.test")[1]["undecided_since"], 10, "said so")
        assert shown(pool, "keeps", "good.test") == ("verified", "green")
    finally:
        stack("dns-start", "a")
        stack("dns-start", "b")
    r = until(lambda: (lambda r: r if r["outcome"] == "verified" else None)(
        one_look(pool, "keeps", "good.test")), 40, "answers again")
    until(lambda: pool.claim_doc("keeps", "good.test")[1]["undecided_since"] is None, 10, "said")
    assert len(pool.events("claim.verified", org="keeps", domain="good.test")) == 1


def test_proven_and_then_gone(pool, zone, lab):
    """Lapsing, not at once lost; back when the record is."""
    value = pool.claim("lapse", "good.test")
    name = record("good.test")
    zone("set", name, value)
    assert one_look(pool, "lapse", "good.test")["outcome"] == "verified"
    zone("del", name)
    control(lab["UNBOUND_CONF"], "flush_zone good.test.")
    assert one_look(pool, "lapse", "good.test")["outcome"] == "failed"
    assert shown(pool, "lapse", "good.test") == ("lapsing", "amber")
    assert len(pool.events("claim.lapsing", org="lapse", domain="good.test")) == 1
    zone("set", name, value)
    control(lab["UNBOUND_CONF"], "flush_zone good.test.")
    assert one_look(pool, "lapse", "good.test")["outcome"] == "verified"
    assert len(pool.events("claim.recovered", org="lapse", domain="good.test")) == 1
    assert shown(pool, "lapse", "good.test") == ("verified", "green")


def test_two_organisations_side_by_side(pool, zone, lab):
    one, two = pool.claim("one", "good.test"), pool.claim("two", "good.test")
    assert one != two
    zone("set", record("good.test"), one)
    assert one_look(pool, "one", "good.test")["outcome"] == "verified"
    r = one_look(pool, "two", "good.test")
    assert (r["outcome"], finding(r)["code"]) == ("failed", "TOKEN_OTHER")
    zone("add", record("good.test"), two)
    zone("add", record("good.test"), "v=spf1 -all")
    control(lab["UNBOUND_CONF"], "flush_zone good.test.")  # it had one of them
    for org in "one", "two":
        assert one_look(pool, org, "good.test")["outcome"] == "verified"
    assert sorted(m for m in pool.redis.smembers("domainproof:org:two")) == ["good.test"]
    # and are told of each other
    for org in "one", "two":
        until(lambda: pool.claim_doc(org, "good.test")[1]["contested"], 10, "both know")
        assert len(pool.events("claim.contested", org=org, domain="good.test")) == 1


def test_split_strings_and_near_misses(pool, zone):
    """The joined bytes count, and only they."""
    value = pool.claim("bytes", "good.test")
    name = record("good.test")
    zone("set", name, value[:9], value[9:20], value[20:])
    assert one_look(pool, "bytes", "good.test")["outcome"] == "verified"
    value = pool.claim("bytes", "missing.test")
    token = value.split("=")[1].split()[0]
    for wrong in (value.upper(), value + "\\000", "token=" + token[:-1],
                  "token=" + token + "a", " " + value, "token=%s;" % token):
        zone("set", record("missing.test"), wrong, escaped=True)
        r = one_look(pool, "bytes", "missing.test")
        assert r["outcome"] == "failed", wrong


def test_claim_is_idempotent(pool):
    assert pool.claim("same", "good.test") == pool.claim("same", "good.test")
    assert len(pool.events("record.issued", org="same", domain="good.test")) == 1


def test_release_and_begin_anew(pool, zone):
    old, job = pool.claim("gone", "good.test"), fresh("v")
    pool.post("gone", "good.test", job, deadline_s=3600)
    pool.post("gone", "good.test", "r1", kind="release")
    pool.flush()
    r = pool.result("gone", "good.test", job)
    assert (r["outcome"], r["code"]) == ("cancelled", "released")
    assert pool.result("gone", "good.test", "r1")["outcome"] == "done"
    until(lambda: pool.claim_doc("gone", "good.test")[1]["status"] == "released", 10, "released")
    new = pool.claim("gone", "good.test")
    assert new != old
    zone("set", record("good.test"), old)
    r = one_look(pool, "gone", "good.test")
    assert (r["outcome"], r["generation"], finding(r)["code"]) == ("failed", 2, "TOKEN_OTHER")
    zone("set", record("good.test"), new)
    assert one_look(pool, "gone", "good.test")["outcome"] == "verified"


def test_cancel(pool):
    job = fresh("v")
    pool.post("acme", "many.test", job, deadline_s=3600)
    pool.post("acme", "many.test", "x1", kind="cancel", target=job)
    pool.flush()
    assert pool.result("acme", "many.test", job)["outcome"] == "cancelled"
    assert pool.result("acme", "many.test", "x1")["outcome"] == "done"
    settled(pool, "acme", job, "cancelled")
    # lanes are not ordered against each other: a cancel may come first
    pool.post("acme", "many.test", "x2", kind="cancel", target="ahead")
    pool.flush()
    assert pool.result("acme", "many.test", "x2")["outcome"] == "done"
    assert pool.verify("acme", "many.test", "ahead", lane="bulk")["outcome"] == "cancelled"


def test_equal_requests_join(pool):
    first, second = fresh("v"), fresh("v")
    pool.post("join", "many.test", first, deadline_s=2)
    pool.post("join", "many.test", second, deadline_s=4)
    pool.flush()
    r = pool.result("join", "many.test", second)
    assert (r["outcome"], r["joined"]) == ("joined", first)
    r = pool.result("join", "many.test", first)
    assert r["outcome"] == "expired" and r["looks"] >= 3  # the later deadline won
    assert len(pool.results(org="join", domain="many.test")) == 2


def test_all_of_it_adds_up(pool):
    state = pool.check()
    assert len(state.ends) == pool.posted and not state.jobs
    crew, = pool.crews.values()
    assert not [line for line in crew.lines() if line["level"] in ("warning", "error")]
