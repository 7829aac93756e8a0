# SPDX-License-Identifier: Apache-2.0
"""What a receiver's own libraries say of a domain: python3-spf (pyspf) and
python3-dkim (dkimpy), as Debian has them, through one resolver."""
import subprocess

PYTHON = "/usr/bin/python3"

RESOLVER = r"""
import sys, dns.resolver
ours = dns.resolver.Resolver(configure=False)
ours.nameservers = [sys.argv[1]]
ours.lifetime = 10
dns.resolver.default_resolver = ours
"""

SPF = RESOLVER + r"""
import spf
print(spf.check2(i=sys.argv[2], s=sys.argv[3], h=sys.argv[4], querytime=20)[0])
"""

DKIM = RESOLVER + r"""
import dkim
def txt(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    return b"".join(ours.resolve(name, "TXT")[0].strings)
with open(sys.argv[4], "rb") as f:
    key = f.read()
mail = b"From: a@%s\r\nTo: b@example.com\r\nSubject: x\r\n\r\nHello\r\n" % sys.argv[2].encode()
sig = dkim.sign(mail, sys.argv[3].encode(), sys.argv[2].encode(), key)
print(dkim.verify(sig + mail, dnsfunc=txt))
"""


def _run(program, *args):
    run = subprocess.run([PYTHON, "-c", program, *args], capture_output=True, text=True,
                         timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def spf(resolver, ip, mail_from, helo):
    """check_host() of RFC 7208"""
    return _run(SPF, resolver, ip, mail_from, helo)


def dkim(resolver, domain, selector, private_pem):
    """Does a mail that is signed with this key verify?"""
    return _run(DKIM, resolver, domain, selector, private_pem) == "True"


def key_pair(folder, name="key"):
    """(private, public), PEM files of RSA 2048"""
    private, public = str(folder / (name + ".pem")), str(folder / (name + ".pub"))
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", private, "2048"], check=True,
                   capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], check=True,
                   capture_output=True)
    return private, public
