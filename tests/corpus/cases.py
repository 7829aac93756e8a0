# SPDX-License-Identifier: Apache-2.0
"""Reads the corpus: README.md says what stands in its files."""
import base64
import glob
import os
import re

import yaml

import lab

HERE = os.path.dirname(os.path.realpath(__file__))
TOKEN = "mzxw6ytboi4dqnrvgy3tqojqgezdgnbv"
INCLUDE = "spf.mailco.test"
SELECTOR = "s1"
KEYS_OF_CASE = {"id", "title", "source", "check", "domain", "token", "selector", "key",
                "include", "apex", "zone", "zones", "lie", "asked", "later", "expect"}
KEYS_OF_ZONE = {"name", "at", "ns", "delegated", "signed", "serial", "negative_ttl", "text"}
KEYS_OF_EXPECT = {"verdict", "code", "words", "mark", "found", "publish", "also"}
CHECKS = ("ownership", "spf", "dkim", "dmarc")


def load(path):
    with open(path, encoding="utf-8") as f:
        return yaml.safe_load(f)


def p_of(pem):
    """The p= value of a public key: RSA as it is, Ed25519 as its 32 octets."""
    text = "".join(line for line in pem.split() if re.fullmatch(r"[A-Za-z0-9+/=]+", line)
                   and line not in ("PUBLIC", "KEY"))
    der = base64.b64decode(text)
    return text if len(der) > 44 else base64.b64encode(der[-32:]).decode()


KEYS = load(HERE + "/keys.yaml")
P = {name: p_of(pem) for name, pem in KEYS.items()}
P["pkcs1"] = base64.b64encode(base64.b64decode(P["ours"])[24:]).decode()


def fill(text, words):
    """%{word} and %{word[a:b]}"""
    def one(m):
        value = words.get(m[1], P.get(m[1]))
        if value is None:
            raise lab.Wrong("%s: no such word" % m[0])
        if m[2] is None:
            return value
        return value[int(m[2]) if m[2] else None:int(m[3]) if m[3] else None]
    return re.sub(r"%\{(\w+)(?:\[(-?\d*):(-?\d*)\])?\}", one, text)


def strings(text):
    """A quoted string over 255 octets becomes several."""
    def one(m):
        units = re.findall(r"\\\d{3}|\\.|[^\\]", m[1], re.S)
        return " ".join('"%s"' % "".join(units[i:i + 255])
                        for i in range(0, max(1, len(units)), 255))
    return re.sub(r'"((?:[^"\\]|\\.)*)"', one, text)


def generated(text):
    """$GENERATE FIRST-LAST LINE of BIND, which Knot does not have: $ is the
    number, $+ the next one."""
    def lines(m):
        return "\n".join(m[3].replace("$+", str(n + 1)).replace("$", str(n))
                         for n in range(int(m[1]), int(m[2]) + 1))
    return re.sub(r"(?m)^\$GENERATE (\d+)-(\d+) (.*)$", lines, text)


def zone_text(text, words):
    return None if text is None else strings(generated(fill(text, words)))


class Case:
    def __init__(self, raw, path):
        where = "%s: %s" % (os.path.basename(path), raw.get("id"))
        unknown = set(raw) - KEYS_OF_CASE | set(raw["expect"]) - KEYS_OF_EXPECT
        if unknown or raw["check"] not in CHECKS:
            raise lab.Wrong("%s: %s" % (where, ", ".join(unknown) or raw["check"]))
        self.id, self.title, self.source = raw["id"], raw["title"], raw["source"]
        self.check, self.expect = raw["check"], raw["expect"]
        self.domain = raw.get("domain", self.id + ".test")
        self.token = raw.get("token", TOKEN) if self.check == "ownership" else None
        self.selector = raw.get("selector", SELECTOR) if self.check == "dkim" else None
        key = raw.get("key", "ours") if self.check == "dkim" else None
        self.pem = KEYS[key] if key else None
        self.include, self.apex = raw.get("include", INCLUDE), raw.get("apex", "accept")
        self.words = {"brace": "%{", "token": self.token or "", "domain": self.domain}
        zones = raw.get("zones", [{"text": raw["zone"]}] if "zone" in raw else [])
        self.parts = [self.part(z, where) for z in zones]
        self.lie = fill(raw.get("lie", ""), self.words)
        self.asked = [fill(n, self.words) for n in raw.get("asked", [])]
        self.later = zone_text(raw.get("later", ""), self.words)
        for name in "words", "found", "publish":
            if name in self.expect:
                value = self.expect[name]
                self.expect[name] = [fill(str(v), self.words) for v in value] \
                    if isinstance(value, list) else fill(value, self.words)

    def part(self, z, where):
        unknown = set(z) - KEYS_OF_ZONE
        if unknown:
            raise lab.Wrong("%s: zone: %s" % (where, ", ".join(unknown)))
        z = dict(z, text=zone_text(z.get("text", ""), self.words))
        return lab.Part(z.pop("name", self.id + ".test"), **z)


def shared():
    """Zones that others refer to."""
    return [lab.Part(z["name"], zone_text(z["text"], {"token": TOKEN})) for z in load(HERE + "/shared.yaml")]


def read(folder=HERE + "/zones"):
    found = []
    for path in sorted(glob.glob(folder + "/*.yaml")):
        for raw in load(path):
            found.append(Case(raw, path))
            code = os.path.basename(path)[:-len(".yaml")]
            also = found[-1].expect.get("also", [])
            if code != found[-1].expect["code"] and code not in also:
                raise lab.Wrong("%s: %s stands in the wrong file" % (path, found[-1].id))
    ids = [c.id for c in found]
    twice = {i for i in ids if ids.count(i) > 1}
    if twice:
        raise lab.Wrong("twice: %s" % ", ".join(sorted(twice)))
    return found
