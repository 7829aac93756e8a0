# SPDX-License-Identifier: Apache-2.0
"""A private DNS for the corpus: a signed root and a signed "test.", two servers
of customers (a, b), one that is delegated nothing (c), one that never answers
(silent), one that lies (lie), and a validating resolver. Knot, unbound and
build/dns/hostile on addresses of 127/8, port 53; all zones are there from the
start, so that a whole corpus costs one start."""
import os
import shutil
import signal
import subprocess
import time

ROOT = os.path.realpath(__file__).rsplit("/tests/", 1)[0]
LAST = {"root": 61, "tld": 62, "a": 63, "b": 64, "c": 65, "silent": 66, "lie": 67,
        "resolver": 68}
KNOTS = ["root", "tld", "a", "b", "c"]
UP_LIMIT_S = 20

KNOT_HEAD = """\
server:
    rundir: "{d}"
    listen: {addr}@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: error
database:
    storage: "{d}/db"
acl:
  - id: lab
    address: 127.0.0.0/8
    action: update
policy:
  - id: lab
    algorithm: ecdsap256sha256
    single-type-signing: on
    dnskey-ttl: 5
template:
  - id: default
    storage: "{d}/zones"
    file: "%s.zone"
    semantic-checks: off
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    acl: lab
zone:
"""

UNBOUND = """\
server:
    username: ""
    chroot: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    directory: "{d}"
    interface: {addr}@53
    access-control: 127.0.0.0/8 allow
    outgoing-interface: {addr}
    do-not-query-localhost: no
    do-ip6: no
    num-threads: 1
    module-config: "validator iterator"
    root-hints: "root.hints"
    trust-anchor-file: "root.ds"
    local-zone: "test." nodefault
    ede: yes
    serve-expired: no
    prefetch: no
    aggressive-nsec: no
    val-sig-skew-min: 0
    val-sig-skew-max: 0
    infra-cache-min-rtt: 50
    infra-cache-max-rtt: 400
    outbound-msg-retry: 2
"""


class Wrong(Exception):
    """What can't be done, as a sentence."""


def run(*argv, text=None):
    done = subprocess.run(argv, input=text, capture_output=True, text=True)
    if done.returncode:
        raise Wrong("%s: %s%s" % (" ".join(argv[:4]), done.stdout, done.stderr))
    return done.stdout


class Part:
    """A zone as one or more servers have it.

    name       without final dot
    at         servers that serve this text
    text       its records but SOA and NS of the apex
    ns         whom the zone names as its servers
    delegated  whom the zone above names; empty: it does not
    signed     False, True, or "wrong DS", "DS only", "expired" """

    def __init__(self, name, text="", at=("a", "b"), ns=None, delegated=None, signed=False,
                 serial=1, negative_ttl=3):
        self.name, self.text, self.at, self.signed = name, text, list(at), signed
        self.delegated = list(self.at if delegated is None else delegated)
        self.ns = list(self.delegated if ns is None else ns)
        self.serial, self.negative_ttl = serial, negative_ttl

    def file(self):
        head = "$TTL 5\n@ %d SOA ns-a.test. h %d 3600 600 86400 %d\n" % (
            self.negative_ttl, self.serial, self.negative_ttl)
        return head + "".join("@ NS %s\n" % server_name(s) for s in self.ns) + self.text


def server_name(s):
    """a server's letter, or a name as it stands"""
    return "ns-%s.test." % s if s in LAST else s


class Lab:
    def __init__(self, folder, net, build, parts, script=""):
        self.d, self.net, self.build = folder, net, build
        self.parts, self.script = parts, script
        self.started = []

    def addr(self, name):
        return "%s.%d" % (self.net, LAST[name])

    def put(self, path, text):
        path = os.path.join(self.d, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    # --- files

    def knot(self, name, zones):
        """zones: [(name, text, signed)]; no text: no file"""
        conf = KNOT_HEAD.format(d=self.d + "/" + name, addr=self.addr(name))
        for zone, text, signed in zones:
            conf += '  - domain: "%s."\n    file: "%s.zone"\n' % (zone, zone or "root")
            if signed:
                conf += "    dnssec-signing: on\n    dnssec-policy: lab\n"
            if text is not None:
                self.put("%s/zones/%s.zone" % (name, zone or "root"), text)
        self.put(name + "/knot.conf", conf)
        os.makedirs("%s/%s/db" % (self.d, name), exist_ok=True)

    def key(self, server, zone):
        conf = "%s/%s/knot.conf" % (self.d, server)
        run("keymgr", "-c", conf, zone + ".", "generate", "algorithm=ecdsap256sha256",
            "ksk=yes", "zsk=yes")
        return run("keymgr", "-c", conf, zone + ".", "ds").splitlines()[0]

    def customers(self):
        for s in "a", "b", "c":
            self.knot(s, [(p.name, None if p.text is None else p.file(),
                           p.signed in (True, "wrong DS"))
                          for p in self.parts if s in p.at])

    def tld(self):
        out = "$TTL 60\n@ SOA ns.nic h 1 3600 600 86400 5\n@ NS ns.nic\n"
        out += "ns.nic A %s\na.root-servers A %s\n" % (self.addr("tld"), self.addr("root"))
        for s in "a", "b", "c", "silent", "lie":
            out += "ns-%s A %s\n" % (s, self.addr(s))
        seen = set()
        for p in self.parts:
            if p.name.count(".") != 1:
                continue
            for s in p.delegated:
                line = "%s. NS %s\n" % (p.name, server_name(s))
                out += "" if line in seen else line
                seen.add(line)
            if p.signed is True:
                out += self.key(p.at[0], p.name).replace(" DS ", " 60 DS ") + "\n"
            elif p.signed == "wrong DS":
                self.key(p.at[0], p.name)
                out += "%s. 60 DS 1 13 2 %064d\n" % (p.name, 0)
            elif p.signed == "DS only":
                out += "%s. 60 DS 12345 13 2 %064x\n" % (p.name, 2 ** 200)
        return out

    def files(self):
        self.customers()
        self.knot("tld", [("test", self.tld(), True)])
        root = ("$TTL 60\n@ SOA a.root-servers.test. h.test. 1 3600 600 86400 5\n"
                "@ NS a.root-servers.test.\na.root-servers.test. A %s\n"
                "test. NS ns.nic.test.\nns.nic.test. A %s\n" % (
                    self.addr("root"), self.addr("tld")))
        root += self.key("tld", "test").replace(" DS ", " 60 DS ") + "\n"
        self.knot("root", [("", root, True)])
        self.put("resolver/root.ds", self.key("root", "") + "\n")
        self.put("resolver/root.hints", ". 60 NS a.root-servers.test.\n"
                 "a.root-servers.test. 60 A %s\n" % self.addr("root"))
        self.put("resolver/unbound.conf", UNBOUND.format(
            d=self.d + "/resolver", addr=self.addr("resolver")))
        self.put("lie/script", self.script)

    # --- processes

    def start(self, name, *argv):
        with open("%s/%s/log" % (self.d, name), "w") as log:
            self.started.append((name, subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)))

    def log(self, name):
        with open("%s/%s/log" % (self.d, name), encoding="utf-8", errors="replace") as f:
            return f.read()[-1000:]

    def wait(self, what, done):
        end = time.monotonic() + UP_LIMIT_S
        while not done():
            for name, process in self.started:
                if process.poll() is not None:
                    raise Wrong("%s has ended: %s" % (name, self.log(name)))
            if time.monotonic() > end:
                raise Wrong("%s after %d s" % (what, UP_LIMIT_S))
            time.sleep(0.05)

    def loaded(self, server, zones):
        """Whether the server has all these zones."""
        argv = ["kdig", "+short", "+timeout=2", "+retry=1", "@" + self.addr(server), "-t", "SOA"]
        got = subprocess.run(argv + [z + "." for z in zones], capture_output=True, text=True)
        return got.stdout.count(" 3600 600 86400 ") == len(zones)

    def resolves(self):
        argv = ["kdig", "+short", "+timeout=2", "+retry=0", "@" + self.addr("resolver")]
        got = subprocess.run(argv + ["test.", "SOA"], capture_output=True, text=True)
        return "ns.nic" in got.stdout

    def up(self):
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        os.environ.pop("DOMAINPROOF_POLICY", None)  # of a stack that is up
        os.makedirs(self.d + "/silent", exist_ok=True)
        self.files()
        for s in KNOTS:
            self.start(s, "knotd", "-c", "%s/%s/knot.conf" % (self.d, s))
        self.start("silent", "/usr/bin/python3", ROOT + "/ops/lab/silent",
                   self.addr("silent"), "53")
        self.start("lie", self.build + "/dns/hostile", "-a", self.addr("lie"), "-p", "53",
                   "-s", self.d + "/lie/script", "-o", self.d + "/lie/history")
        for s in KNOTS:
            zones = ["test"] if s == "tld" else [""] if s == "root" else sorted(
                {p.name for p in self.parts if s in p.at and p.text is not None})
            self.wait("server %s does not have its zones: %s" % (s, self.log(s)),
                      lambda s=s, zones=zones: self.loaded(s, zones))
        self.wait("the lying server is not ready", lambda: "ready" in self.log("lie"))
        self.start("resolver", "unbound", "-d", "-c", self.d + "/resolver/unbound.conf")
        self.wait("the resolver resolves nothing", self.resolves)

    def down(self):
        for _, process in reversed(self.started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for _, process in self.started:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.started = []

    # --- while they run

    def ask(self, name, rrtype="TXT"):
        """The resolver is asked, and will remember what it learnt."""
        return run("kdig", "+timeout=3", "+retry=1", "@" + self.addr("resolver"), name, rrtype)

    def add(self, part, text):
        """More records at all servers of the zone, by dynamic update."""
        for s in part.at:
            script = "server %s 53\nzone %s.\norigin %s.\nttl 5\n" % (
                self.addr(s), part.name, part.name)
            script += "".join("add %s\n" % line for line in text.splitlines() if line.strip())
            run("knsupdate", "-v", text=script + "send\n")


class Folder:
    """Of a lab; short, kept when asked for."""

    def __init__(self, keep=None):
        import tempfile
        self.keep = keep
        self.path = keep or tempfile.mkdtemp(prefix="corpus-")
        os.makedirs(self.path, exist_ok=True)

    def __enter__(self):
        return self.path

    def __exit__(self, *exc):
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)
