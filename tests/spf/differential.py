#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our evaluator against python3-spf, on generated zones: the same scripted
records for both, a fixed seed. They may differ only where a rule below says
why, with the section of RFC 7208. usage: differential.py BUILD [CASES [SEED]]"""
import os
import random
import re
import sys
import urllib.parse

import spf

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from zones import Zone, check_line, drive

CASES, SEED = 3000, 7208
WALL = 1700000000 # as the driver's
NAMES = ["d%d.test" % i for i in range(9)] + ["mail.d0.test", "_spf.d1.test", "x.y.d2.test"]
V4 = ["192.0.2.%d" % i for i in (1, 2, 3, 77)] + ["198.51.100.9"]
V6 = ["2001:db8::%x" % i for i in (1, 2, 0xab)] + ["2001:db8:1:2:3:4:5:6"]
SENDERS = ["user@%s", "@%s", "first.last+tag@%s", "a-b_c@%s", "UPPER.Case@%s", ""]


def pick(r, *weighted):
    """pick(r, (weight, value), ...); a callable is called."""
    value = r.choices([v for _, v in weighted], [w for w, _ in weighted])[0]
    return value() if callable(value) else value


def macro(r):
    letter = r.choice("slodiphvSLODIHV")
    keep = r.choice(["", "", "", "1", "2", "3", "10"])
    return "%%{%s%s%s%s}" % (letter, keep, r.choice(["", "", "r"]),
                             r.choice(["", "", "", "-", ".", "+-", "_"]))


def domain(r):
    return pick(
        r,
        (14, lambda: r.choice(NAMES)),
        (2, lambda: r.choice(NAMES).upper()),
        (1, lambda: r.choice(NAMES) + "."),
        (2, "gone.test"),
        (1, "empty.test"),
        (1, "lost.test"),
        (1, "alias.test"),
        (1, "%{d}"),
        (1, lambda: macro(r) + ".d3.test"),
        (1, lambda: macro(r) + "." + macro(r) + ".d4.test"),
        (0.3, lambda: "a..b.test"),
        (0.3, lambda: "x" * 64 + ".test"),
        (0.05, "test"),
        (0.05, "d1.123"),
        (0.05, "%%%_%-.test"),
        (0.05, "%{z}.test"),
        (0.05, "%{d0}.test"),
        (0.05, "%(d).test"),
        (0.05, "%{d"),
        (0.05, "%{c}.test"),
        (0.05, ""))


def cidr(r):
    return pick(r, (8, ""), (1, "/24"), (1, "/0"), (1, "//64"), (1, "/28//48"), (0.05, "/33"),
                (0.05, "//129"), (0.05, "/024"), (0.05, "/"), (0.05, "/8/8"))


def ip4(r):
    return pick(r, (9, lambda: r.choice(V4)), (0.05, "192.0.2"), (0.05, "192.0.2.256"),
                (0.05, "192.0.2.01"), (0.05, "1.2.3.4:25")) + \
        pick(r, (6, ""), (2, "/24"), (1, "/0"), (0.05, "/33"), (0.05, "//32"), (0.05, "/08"))


def ip6(r):
    return pick(r, (9, lambda: r.choice(V6)), (0.5, "::ffff:192.0.2.1"), (0.5, "::"),
                (0.3, "1:2:3:4:5:6:7::"), (0.05, "1::2::3"), (0.05, "2001:db8"), (0.05, "fe80::1%1"),
                (0.05, "12345::")) + \
        pick(r, (6, ""), (2, "/64"), (1, "/0"), (0.05, "/129"), (0.05, "//64"))


def term(r):
    sign = pick(r, (12, ""), (1, "+"), (2, "-"), (2, "~"), (2, "?"), (0.02, "!"))
    word = pick(
        r,
        (5, lambda: "a" + pick(r, (1, ""), (2, lambda: ":" + domain(r))) + cidr(r)),
        (4, lambda: "mx" + pick(r, (1, ""), (2, lambda: ":" + domain(r))) + cidr(r)),
        (2, lambda: "ptr" + pick(r, (1, ""), (2, lambda: ":" + domain(r)))),
        (5, lambda: "ip4:" + ip4(r)),
        (3, lambda: "ip6:" + ip6(r)),
        (7, lambda: "include:" + domain(r)),
        (3, lambda: "exists:" + domain(r)),
        (0.05, "foo"), (0.05, "all."), (0.05, "include"), (0.05, "exists"), (0.05, "ip4"),
        (0.05, "redirect:d1.test"), (0.05, "a:d1.test,"), (0.05, "ptr/0"), (0.05, "-"))
    return sign + (word.upper() if r.random() < 0.03 else word)


def record(r):
    words = [term(r) for _ in range(r.choice([0, 1, 1, 2, 2, 3, 4, 6, 9]))]
    if r.random() < 0.7:
        words.insert(r.randint(max(0, len(words) - 1), len(words)),
                     pick(r, (4, "-all"), (3, "~all"), (2, "?all"), (1, "all"), (0.1, "-ALL")))
    if r.random() < 0.2:
        words.insert(r.randint(0, len(words)), "redirect=" + domain(r))
    if r.random() < 0.2:
        words.insert(r.randint(0, len(words)), "exp=" + pick(r, (4, "exp.test"), (1, lambda: domain(r))))
    if r.random() < 0.1:
        words.insert(r.randint(0, len(words)),
                     pick(r, (1, "moo=cow"), (1, "x-y.z_1=%{d}"), (0.1, "u=%{q}"), (0.1, "1x=y"), (1, "e=")))
    version = pick(r, (30, "v=spf1"), (1, "V=SPF1"), (0.5, "v=spf10"))
    return version + " " + pick(r, (9, " "), (1, "  ")).join(words) + pick(r, (9, ""), (1, " "))


def zone(r):
    rrs = []
    for name in NAMES:
        if r.random() < 0.9:
            for _ in range(pick(r, (60, 1), (1, 2))):
                text = record(r).encode("ascii")
                cut = r.randint(0, len(text))
                rrs.append((name, "TXT", [text[:cut], text[cut:]] if r.random() < 0.2 else [text]))
        if r.random() < 0.2:
            rrs.append((name, "TXT", [b"something else"]))
        for _ in range(r.choice([0, 1, 1, 2])):
            rrs.append((name, "A", r.choice(V4)))
        for _ in range(r.choice([0, 0, 1])):
            rrs.append((name, "AAAA", r.choice(V6)))
        for _ in range(pick(r, (4, 0), (4, 1), (2, 2), (0.5, 11))):
            rrs.append((name, "MX", r.choice(NAMES + ["", "gone.test"])))
        if r.random() < 0.02:
            rrs.append((name, r.choice(["TXT", "A", "MX", "*"]), None))
    for ip in V4:
        for _ in range(r.choice([0, 1, 2, 12])):
            rrs.append((".".join(reversed(ip.split("."))) + ".in-addr.arpa", "PTR", r.choice(NAMES)))
    rrs += [("empty.test", "TXT", [b"nothing"]), ("lost.test", "*", None)]
    rrs.append(("exp.test", "TXT", [pick(
        r, (3, "No mail from %{c} for %{S}, says %{r}"), (1, "%{d} %{i} %{p} %{v} %{h} %{t}"),
        (1, "100%% %_ %- sure"), (0.5, "%{z}"), (0.5, "%{l1r-}.%{o2}")).encode("ascii")]))
    rrs.append(("alias.test", "CNAME", "to." + r.choice(NAMES)))
    rrs.append((rrs[-1][2], "CNAME", r.choice(NAMES + ["gone.test"])))
    if r.random() < 0.2:
        rrs.append(("exp.test", "TXT", [b"a second one"]))
    if r.random() < 0.3:
        rrs.append(("%s.d3.test" % r.choice(["user", "in-addr", "d0.test", "test"]), "A", r.choice(V4)))
    return rrs


def cases(count, seed):
    r = random.Random(seed)
    for i in range(count):
        name = r.choice(NAMES)
        sender = r.choice(SENDERS)
        yield {"id": str(i), "rrs": zone(r), "ip": r.choice(V4 * 2 + V6),
               "from": sender % name if sender else "", "helo": r.choice([name, "mail.d0.test"])}


# --- known disagreements ----------------------------------------------------
# Each is a place where python3-spf reads RFC 7208 otherwise than we do, as a
# switch that makes it read as we do. A difference is explained when it goes
# away with one of them, or with all of them together.

RULES = {
    "recursion": "5.2, 4.6.4: a record that includes itself ends at the limit of 10 lookups; "
                 "theirs is an error at once, also where a term before it matches",
    "exp": "6.2: the explanation is fetched when the result is fail, and nothing in it changes "
           "the result; theirs fetches it for each record, and counts its void lookups",
    "postmaster": "4.3: without a local part it is postmaster, in %{s} too",
    "names": "7.3: %{p} is looked up when its term is reached; theirs does it for the whole "
             "record before the first term, and counts what is void",
    "ptr": "5.5: a name whose question fails is skipped; theirs ends in temperror",
    "no_name": "4.8, 5.5: a ptr whose target can't be a name asks for nothing",
    "alias": "4.6.4: what is found void behind an alias is one void lookup; theirs counts one "
             "for each alias, too",
    "redirect": "6.1, 4.6.4: a redirect counts when it is followed, as the other terms do; theirs "
                "when its record is read",
    "mx": "5.4, 4.6.2: hosts behind the one that matches are not asked for",
    "exists": "5.7: exists needs a domain; theirs takes '+exists'",
    "zero": "7.3: a macro that keeps 0 parts is an error",
}


class Mended(spf.query):
    rules = frozenset()

    def validate_mechanism(self, mech):
        if "exists" in self.rules and mech.lower().lstrip("+-~?") == "exists":
            raise spf.PermError("implicit exists not allowed", mech)
        try:
            return spf.query.validate_mechanism(self, mech)
        except spf.PermError as e:
            if "recursion" not in self.rules or e.msg != "include has trivial recursion":
                raise
            return mech, "include", self.d, self.cidrmax, spf.RESULTS.get(mech[0], "pass")

    def get_explanation(self, spec):
        voids = self.void_lookups
        if "exp" in self.rules:
            self.void_lookups = -1000
        try:
            return spf.query.get_explanation(self, spec)
        finally:
            if "exp" in self.rules:
                self.void_lookups = voids

    def getp(self):
        voids = self.void_lookups
        if "names" in self.rules:
            self.void_lookups = -1000
        try:
            return spf.query.getp(self)
        finally:
            if "names" in self.rules:
                self.void_lookups = voids

    def dns(self, name, qtype, cnames=None, ignore_void=False):
        inner = cnames is not None and "alias" in self.rules
        return spf.query.dns(self, name, qtype, cnames, ignore_void or inner)

    def dns_mx(self, name):
        if "mx" not in self.rules:
            return spf.query.dns_mx(self, name)
        hosts = self.dns(name, "MX")
        if len(hosts) > spf.MAX_MX:
            raise spf.PermError("too many")
        return (a for host in hosts for a in self.dns_a(host[1], self.A))

    def cidrmatch(self, addresses, length):
        return any(spf.query.cidrmatch(self, [a], length) for a in addresses)

    def validated_ptrs(self):
        if "ptr" not in self.rules:
            return spf.query.validated_ptrs(self)
        good = []
        try:
            names = self.dns_ptr(self.i)
        except spf.TempError:
            return good
        for name in names[:spf.MAX_PTR]:
            try:
                if self.cidrmatch(self.dns_a(name, self.A), self.cidrmax):
                    good.append(name)
            except spf.TempError:
                pass
        return good

    def expand(self, text, stripdot=True):
        if "zero" in self.rules and re.search(r"%\{[a-zA-Z]0", text):
            raise spf.PermError("0 parts", text)
        return spf.query.expand(self, text, stripdot)


def no_redirect(value):
    """Where a redirect is not come to, it is like a modifier that nobody knows."""
    return [re.sub(rb"(?i)\bredirect=", b"other=", b"".join(value))]


def no_name(value):
    """ptr as exists: which in theirs, too, asks for no name that can't be."""
    text = b"".join(value)
    return [re.sub(rb"(?i)\bptr:(a\.\.b|x{64})\.", rb"exists:\1.", text)]


def theirs(case, *rules):
    rrs = case["rrs"]
    sender = case["from"]
    if "postmaster" in rules and sender.startswith("@"):
        sender = "postmaster" + sender
    for name, edit in ("no_name", no_name), ("redirect", no_redirect):
        if name in rules:
            rrs = [(n, t, edit(v) if t == "TXT" and v else v) for n, t, v in rrs]
    spf.DNSLookup = Zone(rrs).lookup(spf.TempError)
    q = Mended(i=case["ip"], s=sender, h=case["helo"])
    q.rules = frozenset(rules)
    q.t = str(WALL)
    q.set_default_explanation("DEFAULT")
    result, _, text = q.check()
    case["prob"] = getattr(q, "prob", "")
    return result, text if result == "fail" and text != "DEFAULT" else None


def explain(case, ours):
    for name in RULES:
        if theirs(case, name) == ours:
            return name
    rules = [name for name in RULES if name != "redirect"]
    return "several" if theirs(case, *rules) == ours else None


def main():
    build = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else CASES
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else SEED
    every = list(cases(count, seed))
    lines = []
    for case in every:
        lines += Zone(case["rrs"]).lines()
        lines.append(check_line("check", case["id"], case["ip"], case["from"], case["helo"]))
    got = drive(build, lines)
    bad, tally, results = 0, {}, {}
    for case in every:
        result, lookups, voids, text = got[case["id"]]
        ours = (result, None if text is None else urllib.parse.unquote(text))
        want = theirs(case)
        results[want[0]] = results.get(want[0], 0) + 1
        if ours == want:
            continue
        name = explain(case, ours)
        if name is not None:
            tally[name] = tally.get(name, 0) + 1
            continue
        bad += 1
        theirs(case)
        print("case %s: ours %s (%d lookups, %d void), theirs %s %s" % (
            case["id"], ours, lookups, voids, want, case["prob"]))
        print("   ", case["ip"], case["from"], case["helo"])
        for rr in case["rrs"]:
            print("   ", rr)
    print("%s; explained: %s" % (results, tally))
    print("%d of %d cases agree with python3-spf or are explained (%d agree)" % (
        count - bad, count, count - bad - sum(tally.values())))
    sys.exit(bad > 0)


main()
