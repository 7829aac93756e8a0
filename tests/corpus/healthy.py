# SPDX-License-Identifier: Apache-2.0
"""Zones that are right, in the shapes of the big DNS panels and mail providers:
nothing in them may be found wrong, and nothing remarked but what is meant to
be. The same seed gives the same zones.

A zone has a shape, which says where its records stand and how they are served;
what they say, and how it is written, is drawn for each."""
import random

import cases
import lab

SEED = 9989
COUNT = 200
FOREIGN = ["google-site-verification=%s", "MS=ms%s", "facebook-domain-verification=%s",
           "apple-domain-verification=%s", "atlassian-domain-verification=%s==",
           "docusign=%s", "v=verifydomain MS=%s", "stripe-verification=%s",
           "_globalsign-domain-verification=%s", "adobe-idp-site-verification=%s"]
PLATFORM = "include:" + cases.INCLUDE


class Healthy:
    """A domain, its zones, and for each check the remarks that belong there."""

    def __init__(self, n, rng):
        self.n, self.rng = n, rng
        self.zone = self.domain = "h%d.test" % n
        self.key, self.selector, self.asked_as = "ours", "s1", None
        self.lines, self.parts = [], []
        self.remarks = {c: set() for c in cases.CHECKS}
        self.at, self.signed = ["a", "b"], False
        self.spf = self.dkim = self.challenge = self.dmarc = True

    def add(self, owner, rrtype, data):
        self.lines.append("%s %s %s" % (owner, rrtype, data))

    def txt(self, owner, text, split=None):
        """One record; split: how long its strings are."""
        text = text.replace("\\", "\\\\").replace('"', '\\"')
        size = split or 255
        self.add(owner, "TXT", " ".join(
            '"%s"' % text[i:i + size] for i in range(0, len(text), size)))

    def full(self, label=""):
        return (label + "." if label else "") + self.domain + "."

    def word(self):
        return "".join(self.rng.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(22))


# --- what the records say -----------------------------------------------------

def put_challenge(h):
    rng, owner = h.rng, h.full("_example-challenge")
    h.txt(owner, rng.choice(["token=%s expiry=never", "%s", "token=%s",
                             "token=%s expiry=2031-12-31"]) % cases.TOKEN)
    if rng.random() < 0.3:  # of another account of the same service
        h.txt(owner, "token=%s expiry=never" % "".join(
            rng.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(32)))


SPF_ENDS = ["~all", "-all", "?all", "~ALL", ""]
SPF_TERMS = ["include:_spf.google.test", "include:spf.protection.outlook.test",
             "include:spf.zoho.test", "include:spf.fastmail.test", "include:spf.sender.test",
             "ip4:203.0.113.7", "ip4:203.0.113.0/28 ip6:2001:db8:77::/64", "mx", "a",
             "a:mail.%s", "mx:%s/28//64", "a/30"]


def put_hosts(h):
    for owner, rrtype, data in (("", "A", "203.0.113.9"), ("", "MX", "10 " + h.full("mail")),
                                ("mail", "A", "203.0.113.10"),
                                ("mail", "AAAA", "2001:db8:77::10")):
        h.add(h.full(owner), rrtype, data)


def put_spf(h, text=None):
    rng = h.rng
    if text is None:
        terms = [t.replace("%s", h.domain) for t in rng.sample(SPF_TERMS, rng.randint(0, 2))]
        terms.insert(rng.randint(0, len(terms)), rng.choice(
            [PLATFORM, PLATFORM, "+" + PLATFORM, "Include:SPF.mailco.test"]))
        text = " ".join(["v=spf1"] + terms + [rng.choice(SPF_ENDS)]).strip()
    h.txt(h.full(), text, rng.choice([None, None, 80]))


def put_dkim(h, text=None, owner=None):
    rng, p = h.rng, cases.P[h.key]
    kind = "ed25519" if h.key.startswith("ed") else "rsa"
    forms = ["v=DKIM1; k=%s; p=%s", "v=DKIM1;k=%s;p=%s;", "k=%s; p=%s",
             "v=DKIM1; k=%s; t=s; p=%s", "v=DKIM1; h=sha256; k=%s; p=%s; s=email",
             "v=DKIM1 ; k = %s ; p = %s ;", "v=DKIM1; k=%s; n=made+in+spring; p=%s",
             "v=DKIM1; h=sha1:sha256; k=%s; s=*; p=%s", "v=DKIM1; k=%s; x=unknown; p=%s"]
    text = text or rng.choice(forms) % (kind, p)
    h.txt(owner or h.full(h.selector + "._domainkey"), text, rng.choice([None, 100, 127, 250]))


def put_dmarc(h, text=None, remarks=None, at=None):
    """The reports stay with the domain, or go to who agreed."""
    rng = h.rng
    own, foreign = "mailto:dmarc@%s" % h.domain, "mailto:x%d@reports.test" % h.n
    rua = rng.choice([own, foreign, own + "," + foreign, own + " , " + foreign])
    forms = [
        ("v=DMARC1; p=reject; rua=%s", set()),
        ("v=DMARC1;p=reject;rua=%s;", set()),
        ("v=DMARC1; p=reject; sp=reject; rua=%s; ruf=" + own + "; fo=1", set()),
        ("v=DMARC1 ; p=reject ; adkim=s ; aspf=r ; rua=%s", set()),
        ("v=DMARC1; rua=%s; p=reject; np=reject; psd=u; t=n", set()),
        ("v=DMARC1; p=reject; fo=0:d:s; adkim=r; aspf=s; rua=%s", set()),
        ("v=DMARC1; p=reject; unknown=tag; rua=%s", set()),
        ("v=DMARC1; p=quarantine; rua=%s", {"DMARC_LADDER"}),
        ("v=DMARC1; p=none; sp=none; rua=%s", {"DMARC_LADDER"}),
        ("v=DMARC1; p=none;", {"DMARC_LADDER"}),
        ("v=DMARC1; p=reject; t=y; rua=%s", {"DMARC_LADDER"}),
        ("v=DMARC1; p=reject; pct=100; rua=%s", {"DMARC_TAG_REMOVED"}),
        ("v=DMARC1; p=reject; ri=86400; rua=%s", {"DMARC_TAG_REMOVED"}),
    ]
    if text is None:
        text, remarks = rng.choice(forms)
    h.txt(at or h.full("_dmarc"), text.replace("%s", rua))
    h.remarks["dmarc"] = remarks or set()


def put_foreign(h, n):
    """What other services asked for, at the domain itself."""
    for _ in range(n):
        h.txt(h.full(), h.rng.choice(FOREIGN) % h.word())


# --- shapes -------------------------------------------------------------------

def google(h):
    h.add(h.full(), "MX", "1 aspmx.google.test.")
    put_spf(h, "v=spf1 include:_spf.google.test %s ~all" % PLATFORM)
    h.spf = False


def microsoft(h):
    h.add(h.full(), "MX", "0 mx.outlook.test.")
    h.add(h.full("s1._domainkey"), "CNAME", "selector1-cust._domainkey.outlook.test.")
    h.add(h.full("autodiscover"), "CNAME", "mx.outlook.test.")
    put_spf(h, "v=spf1 include:spf.protection.outlook.test %s -all" % PLATFORM)
    h.spf = h.dkim = False


def fastmail(h):
    h.selector = "fm1"
    for n in 1, 2, 3:
        h.add(h.full("fm%d._domainkey" % n), "CNAME",
              "fm%d.%s.dkim.fastmail.test." % (n, h.domain))
    put_spf(h, "v=spf1 include:spf.fastmail.test %s ?all" % PLATFORM)
    h.spf = h.dkim = False


def zoho(h):
    h.selector = "zmail"
    h.add(h.full(), "MX", "10 mx.zoho.test.")
    put_spf(h, "v=spf1 include:spf.zoho.test %s ~all" % PLATFORM)
    h.spf = False


def ovh(h):
    """Final semicolons and blanks that the panel adds"""
    put_dkim(h, "v=DKIM1; k=rsa; p=%s; " % cases.P["ours"])
    put_spf(h, "v=spf1 %s include:mx.ovh.test ~all" % PLATFORM)
    put_dmarc(h, "v=DMARC1; p=reject; rua=%s; ", set())
    h.dkim = h.spf = h.dmarc = False


def cloudflare(h):
    """Addresses of the proxy elsewhere, an alias flattened at the domain"""
    for owner in "", "www", "shop":
        h.add(h.full(owner), "A", "203.0.113.80")
        h.add(h.full(owner), "AAAA", "2001:db8:80::1")
    h.add(h.full("status"), "CNAME", "mx.outlook.test.")


def route53(h):
    """Strings of any length"""
    text = "v=DKIM1; k=rsa; p=" + cases.P["ours"]
    at, parts = 0, []
    while at < len(text):
        n = h.rng.randint(1, 255)
        parts.append('"%s"' % text[at:at + n])
        at += n
    h.add(h.full("s1._domainkey"), "TXT", " ".join(parts))
    h.dkim = False


def wildcards(h):
    """Explicit records beside a wildcard"""
    h.txt(h.full("*"), "v=spf1 -all")
    h.add(h.full("*"), "A", "203.0.113.81")
    h.add(h.full("*"), "MX", "10 " + h.full("mail"))


def wildcard_alias(h):
    h.add(h.full("*"), "CNAME", "mx.outlook.test.")


def big_apex(h):
    put_foreign(h, 60)


def idn(h):
    label = h.rng.choice(["bücher", "straße", "münchen", "пример", "例え", "café"])
    shown = "%s%d.test" % (label, h.n)
    h.domain = h.zone = ".".join(p if p.isascii() else
                                 "xn--" + p.encode("punycode").decode()
                                 for p in shown.split("."))
    h.asked_as = shown if h.rng.random() < 0.5 else None


def below(h):
    """A subdomain in its parent's zone; DMARC is the parent's"""
    h.domain = "news." + h.zone
    put_dmarc(h, "v=DMARC1; p=none; sp=reject; rua=mailto:dmarc@%s" % h.zone, None,
              "_dmarc.%s." % h.zone)
    h.txt(h.zone + ".", "v=spf1 -all")
    h.dmarc = False


def own_zone_below(h):
    """A subdomain that is a zone of its own, at another host"""
    parent = lab.Part(h.zone, "news NS ns-b.test.\n_dmarc TXT \"v=DMARC1; p=reject; "
                      "rua=mailto:dmarc@%s\"\n" % h.zone, at=["a"])
    h.parts.append(parent)
    h.zone = h.domain = "news." + h.zone
    h.at = ["b"]


def own_zone_of_keys(h):
    """_domainkey is delegated to whoever signs"""
    text = '%s TXT %s\n' % (h.selector, '"v=DKIM1; k=rsa; p=%s" "%s"' % (
        cases.P["ours"][:200], cases.P["ours"][200:]))
    h.parts.append(lab.Part("_domainkey." + h.zone, text, at=["b"]))
    h.add(h.full("_domainkey"), "NS", "ns-b.test.")
    h.at, h.dkim = ["a"], False


def dname_of_keys(h):
    h.add(h.full("_domainkey"), "DNAME", "keys.mailco.test.")
    h.dkim = False


def signed(h):
    h.at, h.signed = ["a"], True


def redirect(h):
    put_spf(h, "v=spf1 %s redirect=_spf.google.test" % PLATFORM)
    h.spf = False


def redirect_to_us(h):
    put_spf(h, "v=spf1 redirect=" + cases.INCLUDE)
    h.spf = False


def macros(h):
    put_spf(h, h.rng.choice([
        "v=spf1 %s exists:%%{i}._spf.%%{d2} -all",
        "v=spf1 %s a:mail.%%{d} ~all exp=why.%%{d}",
        "v=spf1 %s exists:%%{ir}.%%{v}.%%{l1r-}.lp._spf.%%{d} ~all"]) % PLATFORM)
    h.txt(h.full("why"), "See https://%{d}/why?from=%{s}&ip=%{c}")
    h.spf = False


def many_includes(h):
    """Eight lookups of ten"""
    put_spf(h, "v=spf1 include:six.sender.test include:spf.sender.test %s -all" % PLATFORM)
    h.spf = False


def long_spf(h):
    """A record of several strings"""
    put_spf(h, "v=spf1 %s %s ~all" % (
        " ".join("ip4:203.0.113.%d" % n for n in range(20)), PLATFORM))
    h.spf = False


def own_words(h):
    """Our addresses written out: another record that lets us pass"""
    put_spf(h, "v=spf1 ip4:192.0.2.0/28 ip6:2001:db8:25::/64 -all")
    h.remarks["spf"] = {"SPF_INDIRECT"}  # it does not follow when we move
    h.spf = False


def ed25519(h):
    h.key, h.selector = "ed", "ed2026"


def raw_rsa(h):
    """The key as RSAPublicKey, as some programs publish it"""
    put_dkim(h, "v=DKIM1; k=rsa; p=" + cases.P["pkcs1"])
    h.dkim = False


def wrapped_key(h):
    """Folding blanks within p="""
    p = cases.P["ours"]
    put_dkim(h, "v=DKIM1; k=rsa; p=" + " ".join(p[i:i + 64] for i in range(0, len(p), 64)))
    h.dkim = False


def large_key(h):
    h.key = "big"


def delegated_challenge(h):
    h.add(h.full("_example-challenge"), "CNAME", "t%d.dcv.mailco.test." % h.n)
    h.challenge = False


def other_txt_at_label(h):
    h.txt(h.full("_example-challenge"), "some note of the administrator, 2025")


def selectors(h):
    """Old selectors lie about, one of them revoked"""
    h.txt(h.full("old._domainkey"), "v=DKIM1; k=rsa; p=")
    h.txt(h.full("s0._domainkey"), "v=DKIM1; k=rsa; p=" + cases.P["old"])
    h.txt(h.full("_domainkey"), "o=~; t=y; r=postmaster@" + h.domain)


SHAPES = [google, microsoft, fastmail, zoho, ovh, cloudflare, route53, wildcards,
          wildcard_alias, big_apex, idn, below, own_zone_below, own_zone_of_keys,
          dname_of_keys, signed, redirect, redirect_to_us, macros, many_includes, long_spf,
          own_words, ed25519, raw_rsa, wrapped_key, large_key, delegated_challenge,
          other_txt_at_label, selectors]


def make(n, rng):
    h = Healthy(n, rng)
    h.shape = SHAPES[n % len(SHAPES)]
    h.shape(h)
    put_hosts(h)
    put_foreign(h, rng.randint(0, 5))
    for wanted, put in ((h.challenge, put_challenge), (h.spf, put_spf), (h.dkim, put_dkim),
                        (h.dmarc, put_dmarc)):
        if wanted:
            put(h)
    rng.shuffle(h.lines)
    h.parts.append(lab.Part(h.zone, "\n".join(h.lines) + "\n", at=h.at, signed=h.signed,
                            serial=2026 + n))
    return h


def zones(count=COUNT, seed=SEED):
    rng = random.Random(seed)
    return [make(n, rng) for n in range(count)]
