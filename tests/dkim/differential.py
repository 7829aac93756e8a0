#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our judge of key records against python3-dkim, on generated records with a
fixed seed. We must accept what it accepts, less what a rule below forbids, and
nothing else; each rule names its section, and each must be met at least once.
usage: differential.py BUILD [CASES [SEED]]"""
import base64
import collections
import os
import random
import re
import subprocess
import sys

import dkim
import dkim.asn1
import dkim.crypto
import dkim.util

CASES, SEED = 10000, 6376
HERE = os.path.dirname(os.path.realpath(__file__))
BLANKS = b" \t\r\n"
RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")


def keys():
    """NAME -> base64, of tests/unit/dkim_keys.h."""
    with open(HERE + "/../unit/dkim_keys.h") as f:
        text = f.read()
    return {m[1]: "".join(re.findall(r'"([^"]*)"', m[2])) for m in
            re.finditer(r'#define (\w+) \\\n((?:\t"[^"]*"[ \\]*\n)+)', text)}


KEYS = keys()
WANTED = {"R": KEYS["RSA_2048"], "E": KEYS["RFC_ED25519"]}


# --- records ------------------------------------------------------------------

def pick(r, *weighted):
    """pick(r, (weight, value), ...); a callable is called."""
    value = r.choices([v for _, v in weighted], [w for w, _ in weighted])[0]
    return value() if callable(value) else value


def blank(r):
    return pick(r, (8, ""), (6, " "), (1, "\t"), (1, "\r\n "), (0.3, "\n"), (0.01, "\v"), (0.01, "\f"))


def spread(r, p):
    """Blanks between digits."""
    if r.random() < 0.8:
        return p
    at = sorted(r.sample(range(len(p) + 1), min(len(p), r.randint(1, 6))))
    return "".join(p[i:j] + pick(r, (5, " "), (1, "\t"), (2, "\r\n "), (0.05, "\v"))
                   for i, j in zip([0] + at, at + [len(p)]))


def damage(r, p):
    """Another digit, a bit turned, a cut, something in between or behind."""
    at = r.randrange(len(p))
    der = bytearray(base64.b64decode(p))
    bit = r.randrange(8 * min(len(der), r.choice([8, 40, 1000])))
    der[bit // 8] ^= 1 << bit % 8
    return pick(
        r,
        (3, base64.b64encode(der).decode()),
        (2, p[:at]),
        (1, p[:at & ~3]),
        (2, p[:at] + r.choice('-_.,"\\!~\x7f\xe9\u201c:') + p[at:]),
        (1, p + r.choice(["=", "==", "AAAA", "A", "Cg==", "\"", p])),
        (1, p.rstrip("=")),
        (1, p.lower()),
        (1, p.replace("+", " ")),
        (1, base64.b64encode(der + bytes(r.randrange(4))).decode()),
        (1, "-----BEGIN PUBLIC KEY-----" + p + "-----END PUBLIC KEY-----"))


def value(r, k):
    if k == "ed25519":
        p = pick(r, (12, KEYS["RFC_ED25519"]), (3, KEYS["ED25519_OTHER"]), (1, KEYS["RFC_ED25519_WRAPPED"]),
                 (1, KEYS["RSA_2048"]))
    else:
        p = pick(r, (12, KEYS["RSA_2048"]), (3, KEYS["RSA_OTHER"]), (3, KEYS["RSA_2048_BARE"]),
                 (8, lambda: KEYS[r.choice(sorted(KEYS))]))
    return pick(r, (12, lambda: spread(r, p)), (3, lambda: damage(r, p)), (0.5, ""), (0.2, " "))


def record(r):
    """One record, as bytes."""
    tags = []
    k = pick(r, (10, "rsa"), (4, "ed25519"))
    if r.random() < 0.9:
        tags.append(("v", pick(r, (30, "DKIM1"), (1, lambda: r.choice(
            ["DKIM2", "dkim1", "", "DKIM 1", "1", "spf1", "DKIM1\x00"])))))
    if k != "rsa" or r.random() < 0.7:
        tags.append(("k", pick(r, (30, k), (1, lambda: r.choice(
            ["dsa", "RSA", "", "rsa:ed25519", "r sa", "ed25519 ", "Ed25519"])))))
    for name, often, values in (
            ("h", 0.2, ["sha256"] * 9 + ["sha1:sha256", "sha1 : sha256", "sha1", "", "SHA256", "*",
                        "sha256:", "sha512"]),
            ("s", 0.2, ["*"] * 5 + ["email"] * 5 + ["tlsrpt", "email:tlsrpt", "tlsrpt: email", "*:x", "", "Email", "x : *", "other"]),
            ("t", 0.2, ["s"] * 5 + ["", "y", "y:s", "s : y", "Y", "x", "yy"]),
            ("n", 0.1, ["a note", "\"x\"", "", "caf\xe9", "a=b", "\\"]),
            ("g", 0.1, ["*", "", "x*y"]),
            ("x_1", 0.1, ["", "y", "\x01"]),
            ("P", 0.02, ["abc"]), ("9x", 0.01, ["1"]), ("a-b", 0.02, ["1"]), ("", 0.01, ["1"])):
        if r.random() < often:
            tags.append((name, r.choice(values)))
    if r.random() < 0.97:
        tags.insert(r.randint(min(1, len(tags)), len(tags)), ("p", value(r, k)))
    if r.random() < 0.08:
        r.shuffle(tags)
    if r.random() < 0.04:
        tags.append(r.choice(tags or [("p", "")]))
    if r.random() < 0.01:
        tags += [("z%d" % i, "") for i in range(30)]
    specs = [blank(r) + n + blank(r) + "=" + blank(r) + v + blank(r) for n, v in tags]
    if r.random() < 0.03:
        specs.insert(r.randrange(len(specs) + 1), r.choice(["", " ", "word", "two words"]))
    text = ";".join(specs) + pick(r, (4, ""), (4, ";"), (1, "; "), (0.2, ";;"), (0.2, "; ;"))
    text = pick(r, (40, text), (0.4, '"' + text + '"'), (0.4, lambda: text.replace(";", "\\;")),
                (0.4, lambda: text.replace(" ", "\xa0")), (0.4, lambda: text[:r.randrange(len(text) + 1)]))
    return text.encode("utf-8")


# --- theirs -------------------------------------------------------------------

def split(text):
    """The tags as python3-dkim reads them, None if it does not."""
    try:
        return dkim.util.parse_tag_value(text)
    except dkim.util.InvalidTagValueList:
        return None


class Theirs:
    """What evaluate_pk and the size limit of verify make of a record. Its test
    of s= is put aside (rule "services"): accepts is without it."""

    def __init__(self, text):
        self.raw = self.ask(text) is not None
        self.tags = split(text)
        found = self.raw and self.ask(text)
        if self.tags is not None and b"s" in self.tags:
            found = self.ask(b";".join(n + b"=" + v for n, v in self.tags.items() if n != b"s"))
        self.accepts = bool(found)
        self.key, self.bits, self.type = found or (None, None, None)

    @staticmethod
    def ask(text):
        try:
            key, bits, kind, _ = dkim.evaluate_pk("x", text)
        except Exception:  # pylint: disable=broad-except
            return None    # verify() ends in "fail" for all of them
        if key is None or bits < 1024 and kind == b"rsa":
            return None
        return key, bits, kind


# --- rules: why we refuse what python3-dkim accepts -----------------------------

def integer(n):
    return element(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def element(tag, content):
    n = len(content)
    length = bytes([n]) if n < 128 else bytes([0x80 | (n.bit_length() + 7) // 8]) + \
        n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + length + content


def encodings(key):
    bare = element(0x30, integer(key["modulus"]) + integer(key["publicExponent"]))
    return bare, element(0x30, RSA_ALGORITHM + element(3, b"\0" + bare))


def digits(tags):
    return bytes(c for c in tags[b"p"] if c not in BLANKS)


def words(value):
    return [w.strip(BLANKS) for w in value.split(b":")]


def is_rsa(them):
    return them.type == b"rsa"


RULES = {
    "RFC 6376 3.6.1: v= stands first":
        lambda text, them: b"v" in them.tags and next(iter(them.tags)) != b"v",
    "RFC 6376 3.6.1, RFC 8301 3.1: h= without sha256":
        lambda text, them: b"h" in them.tags and b"sha256" not in words(them.tags[b"h"]),
    "RFC 6376 3.6.1: services, s= is a list with * or email":
        lambda text, them: b"s" in them.tags and not {b"*", b"email"} & set(words(them.tags[b"s"])),
    "RFC 6376 3.6.1: t=y is a test":
        lambda text, them: b"y" in words(them.tags.get(b"t", b"")),
    "RFC 6376 3.2: tag-name":
        lambda text, them: any(not re.fullmatch(rb"[A-Za-z][A-Za-z0-9_]*", n) for n in them.tags),
    "RFC 6376 3.2: VALCHAR is printable ASCII":
        lambda text, them: any(not 0x20 <= c <= 0x7e and c not in BLANKS for c in text),
    "ours: at most 24 tags":
        lambda text, them: len(them.tags) > 24,
    "RFC 6376 3.6.1, RFC 4648 3.3: other characters in base64":
        lambda text, them: not re.fullmatch(rb"[A-Za-z0-9+/]*=*", digits(them.tags)),
    "RFC 4648 3.2: padding":
        lambda text, them: len(digits(them.tags)) % 4 != 0 or b"=" in digits(them.tags)[:-2],
    "RFC 6376 3.6.1, X.690 10.1: p= is the DER of the key":
        lambda text, them: is_rsa(them) and
        base64.b64decode(them.tags[b"p"]) not in encodings(them.key),
    "RFC 8017 3.1: an odd modulus and exponent, e >= 3":
        lambda text, them: is_rsa(them) and (
            them.key["modulus"] % 2 == 0 or them.key["publicExponent"] % 2 == 0 or
            them.key["publicExponent"] < 3),
    "ours: an exponent of at most 64 bits":
        lambda text, them: is_rsa(them) and them.key["publicExponent"].bit_length() > 64,
    "RFC 8301 3.2: more than 4096 bits need not be read":
        lambda text, them: is_rsa(them) and them.bits > 4096,
}


def is_wanted(them, wanted):
    if wanted == "-":
        return True
    if is_rsa(them) != (wanted == "R"):
        return False
    key = base64.b64decode(WANTED[wanted])
    if is_rsa(them):
        return dkim.crypto.parse_public_key(key) == them.key
    return base64.b64decode(them.tags[b"p"]) == key


# --- ours ----------------------------------------------------------------------

def ours(build, asked):
    """[(verdict, code, saw)] of our judge; asked: [(wanted or "-", record)]."""
    lines = "".join("%s %s\n" % (WANTED.get(w, "-"), text.hex() or "-") for w, text in asked)
    run = subprocess.run([build + "/unit/dkim_test", "judge"], input=lines, text=True,
                         capture_output=True, check=True)
    return [tuple(line.split("\t")) for line in run.stdout.splitlines()]


def main(build, cases=CASES, seed=SEED):
    r = random.Random(seed)
    asked = [(r.choice("RE--"), record(r)) for _ in range(cases)]
    got = ours(build, asked)
    assert len(got) == cases, "%d answers to %d records" % (len(got), cases)
    met, differ, passed, wrong = collections.Counter(), collections.Counter(), 0, []
    for (wanted, text), (verdict, code, saw) in zip(asked, got):
        them = Theirs(text)
        why = [name for name, rule in RULES.items() if them.accepts and rule(text, them)]
        met.update(why)
        passed += verdict == "pass"
        right = them.accepts and not why
        same = right and is_wanted(them, wanted)
        want = "pass" if same else "fail or none"
        bad = (verdict == "pass") != same
        if right and not same:
            bad, want = code != "KEY_OTHER", "KEY_OTHER"
        if same and saw.split(";")[0] != "%s, %d bits" % (them.type.decode(), them.bits):
            bad, want = True, "%s, %d bits" % (them.type.decode(), them.bits)
        if bad:
            wrong.append((wanted, text, (verdict, code, saw), want, why))
        usable = verdict == "pass" or code == "KEY_OTHER"
        if usable != them.raw:
            differ["usable to us only, by the list in s=" if usable else "refused by a rule"] += 1
    for item in wrong[:5]:
        print("UNEXPLAINED wanted %s, record %r: ours %s, should be %s; rules %s" % item)
    unmet = [name for name in RULES if not met[name]]
    for name in RULES:
        print("%6d  %s" % (met[name], name))
    for name in unmet:
        print("NEVER MET", name)
    print("%d records, %d right; judged unlike: %s; %d unexplained" % (
        cases, passed, ", ".join("%d %s" % (n, what) for what, n in differ.most_common()), len(wrong)))
    return 1 if wrong or unmet else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
