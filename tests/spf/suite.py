#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The suite of RFC 7208 (rfc7208-tests.yml, as Debian's python3-spf has it)
through our evaluator. usage: suite.py BUILD"""
import os
import sys
import urllib.parse

import yaml

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from zones import Zone, check_line, drive, suite_file

CASES = 203


def octets(value):
    return value if isinstance(value, bytes) else value.encode("utf-8")


def records(name, entries):
    """SPF entries stand for TXT unless the name has TXT of its own."""
    own_txt = any(isinstance(e, dict) and "TXT" in e for e in entries)
    for entry in entries:
        if entry == "TIMEOUT":
            yield (name, "*", None)
            continue
        for rrtype, value in entry.items():
            if rrtype == "SPF":
                if own_txt:
                    continue
                rrtype = "TXT"
            if value == "NONE":
                continue
            if value == "TIMEOUT":
                yield (name, rrtype, None)
            elif rrtype == "TXT":
                value = [value] if isinstance(value, str) else value
                if value:
                    yield (name, rrtype, [octets(v) for v in value])
            elif rrtype == "MX":
                yield (name, rrtype, value[1])
            elif rrtype in ("A", "AAAA", "PTR", "CNAME"):
                yield (name, rrtype, value)


def main():
    lines, want = [], {}
    for scenario in yaml.safe_load_all(suite_file()):
        rrs = [rr for name, entries in scenario["zonedata"].items()
               for rr in records(name, entries)]
        lines += Zone(rrs).lines()
        for ident, t in scenario["tests"].items():
            ident = "%d/%s" % (len(want), ident)
            want[ident] = (t, scenario["description"])
            lines.append(check_line("check", ident, t["host"], t["mailfrom"], t["helo"]))
    got = drive(sys.argv[1], lines)
    good = 0
    for ident, (t, where) in want.items():
        results = t["result"] if isinstance(t["result"], list) else [t["result"]]
        result, _, _, text = got[ident]
        text = "DEFAULT" if text is None else urllib.parse.unquote(text)
        if result not in results or t.get("explanation", text) != text:
            print("%s (%s, section %s): %s \"%s\", not %s \"%s\"" % (
                ident, where, t["spec"], result, text, results, t.get("explanation")))
            continue
        good += 1
    print("%d of %d cases of the suite of RFC 7208" % (good, len(want)))
    sys.exit(good != len(want) or len(want) != CASES)


main()
