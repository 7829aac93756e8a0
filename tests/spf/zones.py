# SPDX-License-Identifier: Apache-2.0
"""Scripted zones for tests/spf: the same records for our evaluator, as lines
for the driver, and for python3-spf, as its DNSLookup."""
import gzip
import os
import socket
import subprocess

PLACES = ["/usr/share/doc/python3-spf",
          os.path.join(os.environ.get("XDG_CACHE_HOME") or
                       os.path.expanduser("~/.cache"), "domainproof")]


def suite_file():
    for place in PLACES:
        path = os.path.join(place, "rfc7208-tests.yml.gz")
        if os.path.exists(path):
            return gzip.open(path, "rb").read()
    raise SystemExit("rfc7208-tests.yml.gz is not there: run ops/setup --test")


def word(value):
    if isinstance(value, str):
        value = value.encode("utf-8")
    if not value:
        return "%"
    return "".join(chr(c) if 33 <= c <= 126 and c != 37 else "%%%02X" % c for c in value)


class Zone:
    """rrs: (name, type, value); value of TXT: a list of strings (bytes), of
    lost questions None. Type "*": any type the name has no record of."""

    def __init__(self, rrs):
        self.rrs = rrs
        self.by_name = {}
        for name, rrtype, value in rrs:
            self.by_name.setdefault(name.lower().rstrip("."), []).append((name, rrtype, value))

    def lines(self):
        yield "zone"
        for name, rrtype, value in self.rrs:
            if value is None:
                yield "lost\t%s\t%s" % (word(name), rrtype)
                continue
            if rrtype == "TXT":
                value = b"".join(value)
            yield "rr\t%s\t%s\t%s" % (word(name), rrtype, word(value))

    def lookup(self, temp_error):
        """A DNSLookup for the module spf."""
        def answers(name, rrtype, strict=True, timeout=None, level=0):
            found = self.by_name.get(name.lower().rstrip("."), [])
            here = [rr for rr in found if rr[1] == rrtype and rr[2] is not None]
            if not here and any(v is None and t in ("*", rrtype) for _, t, v in found):
                raise temp_error("DNS timeout")
            for owner, t, value in found:
                if value is None or t not in (rrtype, "CNAME"):
                    continue
                if t == "AAAA":
                    value = socket.inet_pton(socket.AF_INET6, value)
                elif t == "TXT":
                    value = tuple(value)
                elif t == "MX":
                    value = (10, value)
                yield ((owner, t), value)
                if t == "CNAME" and level == 0:  # as answers have it, but no further
                    yield from answers(value, rrtype, strict, timeout, level + 1)
        return answers


def check_line(verb, ident, ip, mail_from, helo, receiver=""):
    return "\t".join([verb, word(ident), ip, word(mail_from), word(helo), word(receiver)])


def drive(build, lines):
    """id -> (result, lookups, voids, explanation or None)"""
    run = subprocess.run([os.path.join(build, "spf", "driver")], capture_output=True,
                         input="".join(line + "\n" for line in lines).encode("ascii"))
    if run.returncode != 0:
        raise SystemExit("driver: %d %s" % (run.returncode, run.stderr.decode()))
    out = {}
    for line in run.stdout.decode("ascii").splitlines():
        ident, result, lookups, voids, text = line.split("\t")
        out[ident] = (result, int(lookups), int(voids), None if text == "-" else text)
    return out
