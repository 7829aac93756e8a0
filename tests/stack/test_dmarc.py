# SPDX-License-Identifier: Apache-2.0
"""Our DMARC evaluator and checkdmarc, another one that follows RFC 9989: the
same generated records and zones to both. Where they differ, one of the rules
below must say why, with its section; each rule is used at least once, so that
none outlives its reason."""
import os
import random
import re
import subprocess

import dns.resolver
import pytest

import checkdmarc.dmarc as theirs
import crew

SEED = 9989
DRIVER = [os.path.join(crew.BUILD, "unit", "dmarc_test"), "lines"]


# --- both evaluators ---------------------------------------------------------

def ours(rows):
    """[(mode, who, [(name, data)])] -> [{word: value}], of one process."""
    text = "".join("%s\x1f%s\x1f%s\n" % (mode, who, "\x1e".join(
        "%s %s" % record for record in zone)) for mode, who, zone in rows)
    run = subprocess.run(DRIVER, input=text.encode("latin-1"), capture_output=True, check=True)
    out = []
    for line in run.stdout.decode("latin-1").splitlines():
        verdict, code, *words = line.split()
        out.append(dict(w.split("=", 1) for w in words) | {"verdict": verdict, "code": code})
    assert len(out) == len(rows)
    return out


class Zone:
    """What checkdmarc sees of the DNS."""

    def __init__(self, records):
        self.records = {}
        for name, data in records:
            self.records.setdefault(name.lower(), []).append(data)

    def __call__(self, name, kind, **_):
        found = self.records.get(name.lower())
        if kind != "TXT" or found is None:
            raise dns.resolver.NoAnswer
        return list(found)


@pytest.fixture
def zone(monkeypatch):
    def use(records):
        monkeypatch.setattr(theirs, "query_dns", Zone(records))
        monkeypatch.setattr(theirs, "get_mx_records", lambda *_, **__: ["mx"])
    return use


def parsed(record):
    """What checkdmarc reads in a record, or the name of its error."""
    if not theirs._is_dmarc_record(record):
        return {"error": "other"}
    try:
        tags = theirs.parse_dmarc_record(record, "shop.test")["tags"]
    except theirs.DMARCError as e:
        return {"error": type(e).__name__, "text": str(e)}
    return {"p": tags["p"]["value"], "has_p": tags["p"]["explicit"],
            "sp": tags["sp"]["value"], "np": tags["np"]["value"],
            "psd": tags["psd"]["value"], "t": tags["t"]["value"],
            "adkim": tags["adkim"]["value"], "aspf": tags["aspf"]["value"],
            "rua": len(tags["rua"]["value"]) if "rua" in tags else 0}


def same(a, them):
    """One record: p, sp, np by three questions for its policy."""
    apex, sub, gone = a
    if them.get("error") == "other":  # 4.7: v= is not first, or not DMARC1
        return apex["at"] == "-"
    if them.get("error") == "InvalidDMARCTag":  # RFC 6376 3.2: a tag twice
        return (apex["verdict"], apex["code"]) == ("fail", "DMARC_INVALID")
    if "error" in them:
        return False
    return (them["p"], them["sp"], them["np"]) == (
        apex["policy"], sub["policy"], gone["policy"]) and all(
            them[k] == apex[k] for k in ("psd", "t", "adkim", "aspf")) and (
                them["rua"] == (len(apex["rua"].split(",")) if apex["rua"] else 0))


def explain(rules, used, what, got, them):
    for name, holds in rules.items():
        if holds(what, got, them):
            used[name] = used.get(name, 0) + 1
            return
    pytest.fail("not explained: %r\nours   %r\ntheirs %r" % (what, got, them))


def all_used(rules, used):
    assert sorted(used) == sorted(rules), "rules without a case"


# --- records -----------------------------------------------------------------

POLICY = ["none", "quarantine", "reject", "None", "REJECT", "rejct", "no"]
VALUES = {
    "p": POLICY, "sp": POLICY, "np": POLICY,
    "psd": ["y", "n", "u", "Y", "x"], "t": ["y", "n", "N", "yes"],
    "adkim": ["r", "s", "S", "strict"], "aspf": ["r", "s", "relaxed"],
    "fo": ["0", "1", "d:s", "1:d:s", "0:1", "d:d", "7"],
    "rua": ["mailto:a@shop.test", "mailto:a@shop.test,mailto:b@shop.test",
            "mailto:a@shop.test!10m", "a@shop.test", "https://shop.test/r",
            "mailto:a@shop.test , mailto:b@shop.test", "MAILTO:a@Shop.Test",
            "mailto:a@shop.test mailto:b@shop.test", "mailto:"],
    "ruf": ["mailto:f@shop.test", "f@shop.test"],
    "pct": ["100", "20", "x"], "rf": ["afrf"], "ri": ["86400"],
    "x": ["1", "a b"], "unknown": ["v=DMARC1"],
}
RIGHT = {"p": POLICY[:5], "sp": POLICY[:3], "np": POLICY[:3], "psd": ["y", "n", "u"],
         "t": ["y", "n"], "adkim": ["r", "s"], "aspf": ["r", "s"],
         "fo": ["0", "1", "d:s"], "rua": VALUES["rua"][:3], "ruf": VALUES["ruf"][:1]}
VERSIONS = ["v=DMARC1"] * 12 + ["v = DMARC1", "V=DMARC1", "v=dmarc1", "v=DMARC2",
                                " v=DMARC1", "\"v=DMARC1", "v=DMARC1 p=none"]


def a_record(rnd):
    tags = rnd.sample(list(VALUES), rnd.randint(0, 6))
    if rnd.random() < 0.7 and "p" not in tags:
        tags.insert(0, "p")
    if rnd.random() < 0.05 and tags:
        tags.append(rnd.choice(tags))
    parts = [rnd.choice(VERSIONS)]
    for tag in tags:
        pool = RIGHT if rnd.random() < 0.85 and tag in RIGHT else VALUES
        if rnd.random() < 0.05:
            tag, pool = tag.upper(), {tag.upper(): pool[tag]}
        equals = "=" if rnd.random() < 0.9 else rnd.choice([" = ", "= ", "\t="])
        parts.append(tag + equals + rnd.choice(pool[tag]))
    if rnd.random() < 0.05:
        parts.insert(rnd.randint(1, len(parts)), rnd.choice(["", "junk", "p1=none", "=x"]))
    if rnd.random() < 0.03:
        parts[-1] += "\""
    sep = rnd.choice(["; ", "; ", ";", " ; "])
    return sep.join(parts) + rnd.choice(["", "", ";", " ;", "; "])


def names_of(record):
    return [p.split("=")[0].strip().lower() for p in record.split(";")]


def wrong_tag(them):
    """The tag that checkdmarc refuses the whole record for."""
    text = them.get("text", "")
    found = re.match(r"Tag (\w+) must", text) or re.search(r"option for the DMARC (\w+) tag", text)
    return found.group(1) if found else "rua" if "report URI" in text else None


def usable_rua(apex):
    return apex["rua"] != ""


RECORD_RULES = {
    # They refuse the record; by 4.8 the tag falls to its default.
    "4.8 a wrong value falls to its default": lambda r, a, t: (
        t.get("error") in ("InvalidDMARCTagValue", "InvalidDMARCReportURI") and
        wrong_tag(t) not in ("p", "sp", "np") and
        (a[0]["verdict"] == "pass" or not usable_rua(a[0]))),
    # They refuse the record; by 4.10.1 it is p=none if reports are asked for.
    "4.10.1 a wrong p, sp or np with rua is p=none": lambda r, a, t: (
        t.get("error") == "InvalidDMARCTagValue" and wrong_tag(t) in ("p", "sp", "np") and
        usable_rua(a[0]) and a[0]["policy"] == "none" and a[0]["verdict"] == "pass"),
    "4.10.1 a wrong p, sp or np without rua is void": lambda r, a, t: (
        t.get("error") == "InvalidDMARCTagValue" and wrong_tag(t) in ("p", "sp", "np") and
        a[0]["verdict"] == "fail"),
    # They take p=none whether or not there is a usable rua.
    "4.10.1 a missing p without rua is void": lambda r, a, t: (
        "error" not in t and not t["has_p"] and a[0]["verdict"] == "fail" and t["rua"] == 0),
    # They have the policy of the subdomain follow sp, np and p; by 4.10.1 a
    # record whose p is missing is p=none as a whole.
    "4.10.1 a missing p makes all of it p=none": lambda r, a, t: (
        "error" not in t and not t["has_p"] and
        {x["policy"] for x in a} == {"none"} and usable_rua(a[0])),
    # Their grammar has no room for what is no tag=value.
    "4.8 what is no tag is ignored": lambda r, a, t: (
        t.get("error") == "DMARCSyntaxError" and a[0]["at"] == "shop.test"),
    "4.8 what is no tag is ignored, the rest is void": lambda r, a, t: (
        t.get("error") == "DMARCSyntaxError" and a[0]["verdict"] == "fail" and
        ("p" not in names_of(r) or len(set(names_of(r))) < len(names_of(r)) or
         re.search(r"(sp|np|p)\s*=\s*(rejct|no)\b", r, re.I))),
    # They strip quotation marks from the end.
    "4.8 a quotation mark is part of the value": lambda r, a, t: (
        r.rstrip("; ").endswith("\"") and a[0]["code"] in ("QUOTES_INSIDE", "DMARC_INVALID")),
    # They find an address anywhere at the beginning of the text.
    "4.8, RFC 3986: a URI has no blanks": lambda r, a, t: (
        "mailto:a@shop.test mailto:b" in r and "error" not in t and t["rua"] == 1 and
        not usable_rua(a[0])),
}


def test_records(zone):
    rnd, used, equal = random.Random(SEED), {}, 0
    zone([])
    records = [a_record(rnd) for _ in range(1500)]
    rows = [("q", who, [("_dmarc.shop.test", r)]) for r in records
            for who in ("shop.test", "a.shop.test e=y", "a.shop.test e=n")]
    got = ours(rows)
    for i, record in enumerate(records):
        mine, them = got[3 * i:3 * i + 3], parsed(record)
        if same(mine, them):
            equal += 1
        else:
            explain(RECORD_RULES, used, record, mine, them)
    print("%d records, %d read alike, %s" % (len(records), equal, used))
    assert equal > 1000
    all_used(RECORD_RULES, used)


# --- walks -------------------------------------------------------------------

def a_walk(rnd):
    domain = ".".join(rnd.choice("abcdefgh") for _ in range(rnd.randint(0, 9)))
    labels = [x for x in domain.split(".") if x] + ["shop", "test"]
    records = []
    for i in range(len(labels)):
        if rnd.random() < 0.35:
            psd = rnd.choice(["", "", "", "; psd=n", "; psd=y", "; psd=u"])
            p = rnd.choice(POLICY[:3])
            name = "_dmarc." + ".".join(labels[i:])
            records.append((name, "v=DMARC1; p=%s%s; rua=mailto:a@shop.test" % (p, psd)))
            if rnd.random() < 0.08:
                records.append((name, "v=DMARC1; p=none"))
            if rnd.random() < 0.1:
                records.append((name, "v=spf1 -all"))
    return ".".join(labels), records


WALK_RULES = {
    # They stop with an error at a parent that has several.
    "4.10 step 6: several are discarded, the walk goes on": lambda w, a, t: (
        t == "MultipleDMARCRecords" and a["verdict"] in ("pass", "none")),
}


def found(domain):
    try:
        return theirs.query_dmarc_record(domain, ignore_unrelated_records=True)["location"]
    except theirs.DMARCRecordNotFound:
        return "-"
    except theirs.DMARCError as e:
        return type(e).__name__


def test_walks(zone):
    rnd, used, equal = random.Random(SEED + 1), {}, 0
    walks = [a_walk(rnd) for _ in range(800)]
    got = ours([("q", domain, records) for domain, records in walks])
    for (domain, records), mine in zip(walks, got):
        zone(records)
        location = found(domain)
        if location == mine["at"] or (
                location == "MultipleDMARCRecords" and mine["code"] == "DUP_RECORD"):
            equal += 1
        else:
            explain(WALK_RULES, used, (domain, records), mine, location)
    print("%d walks, %d end alike, %s" % (len(walks), equal, used))
    assert equal > 600
    all_used(WALK_RULES, used)


# --- consent -----------------------------------------------------------------

def a_consent(rnd):
    source = rnd.choice(["shop.test", "a.shop.test", "b.a.shop.test"])
    host = rnd.choice(["shop.test", "a.shop.test", "mail.shop.test", "r.example", "x.r.example"])
    policy = ("_dmarc." + source, "v=DMARC1; p=none; rua=mailto:a@" + host)
    records = [policy]
    for name in ("shop.test", "a.shop.test"):
        if rnd.random() < 0.4 and name != source:
            records.append(("_dmarc." + name, "v=DMARC1; p=none; rua=mailto:a@shop.test" +
                            rnd.choice(["", "", "; psd=n"])))
    data = rnd.choice(["v=DMARC1", "v=DMARC1;", "v=DMARC1; rua=mailto:b@" + host,
                       "v=DMARC1; rua=mailto:b@other.example", "v=spf1 -all", "p=none; v=DMARC1",
                       "v=DMARC1; rua=mailto:b@%s; rua=mailto:c@%s" % (host, host)])
    at = rnd.choice([source, "*", "other.test", source])
    records.append(("%s._report._dmarc.%s" % (at, host), data))
    return source, host, records


CONSENT_RULES = {
    # They take the Public Suffix List for it; without a walk, cheaper.
    "9990 4: whose host it is, is told by the tree walk": lambda w, a, t: (
        t and a["rua"] == "no" and w[1].endswith("shop.test")),
    "9990 4 (9): diverted to another host": lambda w, a, t: (
        t and a["rua"] == "no" and "other.example" in str(w[2])),
    "RFC 6376 3.2, 9990 4 (6): a tag twice does not parse": lambda w, a, t: (
        t and a["rua"] == "no" and w[2][-1][1].count("rua=") == 2),
}


def agreed(source, host):
    if source == host:
        return True
    try:
        theirs.verify_dmarc_report_destination(source, host, ignore_unrelated_records=True)
    except theirs.UnverifiedDMARCURIDestination:
        return False
    return True


def test_consent(zone):
    rnd, used, equal = random.Random(SEED + 2), {}, 0
    cases = [a_consent(rnd) for _ in range(500)]
    got = ours([("f", source, records) for source, _, records in cases])
    for case, mine in zip(cases, got):
        zone(case[2])
        them = agreed(case[0], case[1])
        if them == (mine["rua"] in ("yes", "own")):
            equal += 1
        else:
            explain(CONSENT_RULES, used, case, mine, them)
    print("%d receivers, %d judged alike, %s" % (len(cases), equal, used))
    assert equal > 250
    all_used(CONSENT_RULES, used)
