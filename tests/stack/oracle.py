# SPDX-License-Identifier: Apache-2.0
"""What is true, found out without any code of ours: topics by another Kafka
client, zones by another DNS library, state records by a decoder of their own,
messages by the JSON Schemas."""
import collections
import json
import os
import socket
import struct
import subprocess
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import jsonschema
import kafka
from kafka.admin import KafkaAdminClient
from referencing import Registry, Resource

ROOT = os.path.realpath(__file__).rsplit("/tests/", 1)[0]
LANES = ("jobs", "bulk", "control")
PARTITIONS = 8
HEADERS = ("dead-reason", "origin-topic", "origin-partition", "origin-offset",
           "origin-append-ms")


def until(fact, limit_s, what):
    """The first true value of fact(); polls, and fails with words."""
    end = time.monotonic() + limit_s
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %g s: %s" % (
                limit_s, what() if callable(what) else what))
        time.sleep(0.02)


# --- schemas ------------------------------------------------------------------

class Schemas:
    def __init__(self):
        registry, loaded = Registry(), {}
        for name in ("common", "codes", "job", "result", "event", "dead", "claim-doc", "job-doc"):
            with open("%s/schemas/%s.json" % (ROOT, name)) as f:
                loaded[name] = json.load(f)
            registry = registry.with_resource(
                loaded[name]["$id"], Resource.from_contents(loaded[name]))
        self.by_name = {name: jsonschema.Draft202012Validator(schema, registry=registry)
                        for name, schema in loaded.items()}

    def check(self, name, doc):
        wrong = ["%s: %s" % ("/".join(map(str, e.absolute_path)), e.message[:300])
                 for e in self.by_name[name].iter_errors(doc)]
        assert not wrong, (name, wrong, doc)
        return doc


SCHEMAS = Schemas()


# --- Kafka --------------------------------------------------------------------

class Reader:
    """Follows one topic from its beginning; committed records only, or all."""

    def __init__(self, brokers, topic, committed=True):
        self.consumer = kafka.KafkaConsumer(
            bootstrap_servers=brokers, group_id=None, enable_auto_commit=False,
            isolation_level="read_committed" if committed else "read_uncommitted",
            fetch_max_wait_ms=20, max_poll_records=5000, receive_message_max_bytes=1 << 27)
        self.topic = topic
        self.parts = [kafka.TopicPartition(topic, p) for p in range(PARTITIONS)]
        self.consumer.assign(self.parts)
        self.consumer.seek_to_beginning()
        self.records, self.docs, self.by_key = [], [], {}

    def poll(self, wait_ms=10):
        for records in self.consumer.poll(timeout_ms=wait_ms).values():
            self.records += records
        return self.records

    def to_end(self, limit_s=20):
        """All records up to where the topic ends now."""
        ends = self.consumer.end_offsets(self.parts)
        until(lambda: (self.poll(), all(self.consumer.position(p) >= ends[p]
                                        for p in self.parts))[1],
              limit_s, lambda: "%s read to its end %s; at %s" % (
                  self.topic, ends, {p: self.consumer.position(p) for p in self.parts}))
        return self.records

    def close(self):
        self.consumer.close()


def group_offsets(brokers, group, prefix):
    """{lane: {partition: offset}} of what the group has committed"""
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    try:
        found = collections.defaultdict(dict)
        for part, at in admin.list_consumer_group_offsets(group).items():
            assert part.topic.startswith(prefix)
            if at.offset >= 0:
                found[part.topic[len(prefix):]][part.partition] = at.offset
        return found
    finally:
        admin.close()


# --- the state topic ----------------------------------------------------------
# Layout: tests/stack is told by lib/core/record.h alone: a version octet, then
# fields in a fixed order, big-endian, texts behind their length.

STATUS = ("none", "pending", "verified", "lapsing", "lapsed", "expired", "released")
OUTCOME = ("open", "verified", "expired", "failed", "undecided", "rejected", "cancelled",
           "joined", "done")

StateClaim = collections.namedtuple("StateClaim", "ver generation token status")
StateJob = collections.namedtuple("StateJob", "ver")
StateEnd = collections.namedtuple("StateEnd", "ver outcome looks")
StatePos = collections.namedtuple("StatePos", "partitions next offset")


def _claim(b):
    version, ver, generation, token, status = struct.unpack_from(">BQI20sB", b)
    assert version == 1
    return StateClaim(ver, generation, token, STATUS[status])


def _job(b):
    version, ver = struct.unpack_from(">BQ", b)
    assert version == 1
    return StateJob(ver)


def _end(b):
    version, ver, _, outcome, _, looks = struct.unpack_from(">BQBBHI", b)
    assert version == 1
    return StateEnd(ver, OUTCOME[outcome], looks)


def _pos(b, offset):
    version, partitions, *at = struct.unpack_from(">BI3q", b)
    assert version == 1
    return StatePos(partitions, dict(zip(LANES, at)), offset)


class State:
    """The state topic, replayed: the last record of each key counts."""

    def __init__(self, records):
        self.claims, self.jobs, self.ends, self.pos = {}, {}, {}, {}
        self.vers = collections.defaultdict(list)
        for r in sorted(records, key=lambda r: (r.partition, r.offset)):
            kind, _, rest = r.key.decode().partition("/")
            if kind == "pos":
                self.pos[r.partition] = _pos(r.value, r.offset)
            elif kind == "claim":
                org, domain = rest.split("/")
                self.claims[org, domain] = _claim(r.value)
                self.vers[rest].append(self.claims[org, domain].ver)
            else:
                assert kind == "job", r.key
                self._job(tuple(rest.split("/")), r)

    def _job(self, who, r):
        if r.value is not None:
            self.jobs[who] = _job(r.value)
            self.vers["/".join(who)].append(self.jobs[who].ver)
            return
        self.jobs.pop(who, None)
        (name, value), = r.headers
        assert name == "end" and who not in self.ends, who
        self.ends[who] = _end(value)


def redis_differs(redis, state):
    """What of Redis is not what the state topic says, as sentences."""
    wrong, pipe = [], redis.pipeline(transaction=False)
    want = {"domainproof:claim:%s:%s" % (d, o): c for (o, d), c in state.claims.items()}
    # an id that was used for several domains shows one of them
    jobs = collections.defaultdict(list)
    for (o, _, i), j in state.jobs.items():
        jobs["domainproof:job:%s:%s" % (o, i)].append(("open", str(j.ver)))
    for (o, _, i), e in state.ends.items():
        jobs["domainproof:job:%s:%s" % (o, i)].append((e.outcome, str(e.ver)))
    for p, pos in sorted(state.pos.items()):
        mark = redis.get("domainproof:pos:%d" % p)
        if int(mark or -1) != pos.offset + 1:
            wrong.append("mark of %d is %s, not %d" % (p, mark, pos.offset + 1))
    keys = list(want) + list(jobs)
    for key in keys:
        pipe.hmget(key, "ver", "status" if key in want else "outcome", "doc")
    for key, (ver, word, doc) in zip(keys, pipe.execute()):
        expect = [(want[key].status, str(want[key].ver))] if key in want else jobs[key]
        if (word, ver) not in expect:
            wrong.append("%s is %s of ver %s, not %s" % (key, word, ver, expect))
        elif json.loads(doc)["status" if key in want else "outcome"] != word:
            wrong.append("%s: its doc says something else" % key)
    there = set(redis.scan_iter("domainproof:claim:*", 5000))
    there |= set(redis.scan_iter("domainproof:job:*", 5000))
    wrong += ["%s is there, and no state" % k for k in sorted(there - set(keys))]
    return wrong


# --- DNS ----------------------------------------------------------------------

Said = collections.namedtuple("Said", "outcome texts serial ad tcp")


def ask(server, name, rdtype="TXT", recurse=False):
    """One question to one server, as our results put the answer."""
    q = dns.message.make_query(name, rdtype, want_dnssec=False, use_edns=0, payload=1232)
    q.flags = (q.flags | dns.flags.RD | dns.flags.AD) if recurse else q.flags & ~dns.flags.RD
    try:
        a, tcp = dns.query.udp_with_fallback(q, server, timeout=3)
    except dns.exception.Timeout:
        return Said("timeout", [], None, False, False)
    serial = next((rr.serial for rrs in a.authority if rrs.rdtype == dns.rdatatype.SOA
                   for rr in rrs), None)
    texts = [b"".join(rr.strings) for rrs in a.answer if rrs.rdtype == dns.rdatatype.TXT
             for rr in rrs]
    rcode = dns.rcode.to_text(a.rcode()).lower()
    if rcode == "noerror":
        rcode = "records" if texts else "nodata"
    return Said(rcode, texts, serial, bool(a.flags & dns.flags.AD), tcp)


def control(conf, command):
    """A command to unbound, over its socket: a tenth of unbound-control's time."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.dirname(conf) + "/ctl.sock")
        s.sendall(b"UBCT1 %s\n" % command.encode())
        said = b""
        while chunk := s.recv(65536):
            said += chunk
    return said.decode()


def cached(conf, name):
    """What the resolver's cache holds of a name, one line each."""
    return [line for line in control(conf, "dump_cache").splitlines()
            if name.rstrip(".") + "." in line.split()[:2]]


class Zones:
    """Changes of the lab's zones; all are taken back by undo."""

    def __init__(self, lab):
        self.env = {**os.environ, **lab}
        self.undos = []

    def __call__(self, verb, name, *texts, on=None, rrtype="TXT", escaped=False):
        opt = ["--type", rrtype] + (["--on", on] if on else []) + (["-e"] if escaped else [])
        self._run(opt, verb, name, *texts)
        # an added one has others beside it
        self.undos.append((opt, "del", name, *(texts if verb == "add" else ())))

    def batch(self, lines):
        """lines: (verb, name, text), in few updates"""
        self._run([], "batch", "-", stdin="".join(" ".join(x) + "\n" for x in lines))
        self.undos.append(([], "batch", "del %s\n" * len(lines) % tuple(x[1] for x in lines)))

    def undo(self):
        for opt, verb, *args in self.undos:
            if verb == "batch":
                self._run(opt, "batch", "-", stdin=args[0])
            else:
                self._run(opt, verb, *args)
        self.undos = []

    def _run(self, opt, *args, stdin=None):
        run = subprocess.run([ROOT + "/ops/lab/dns", *opt, *args], input=stdin,
                             env=self.env, capture_output=True, text=True)
        assert run.returncode == 0, (args, run.stdout, run.stderr)
