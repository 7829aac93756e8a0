# SPDX-License-Identifier: Apache-2.0
"""Whatever is posted leaves a trace: a result, a dead letter, or a second way
to the right partition. What is expected of each bad example is what its folder
and name say."""
import collections
import glob
import json
import os
import signal
import time

import pytest
from kafka.partitioner.default import murmur2

import oracle
from crew import fresh
from oracle import PARTITIONS, ROOT, until

EXAMPLES = ROOT + "/schemas/examples/job/"
ID = b"j-1001"


@pytest.fixture(scope="module")
def pool(pools):
    pool = pools()
    pool.crew()
    return pool


def owner(domain):
    return (murmur2(domain.encode()) & 0x7fffffff) % PARTITIONS


def job(org, domain, job, kind="claim", **data):
    return json.dumps({
        "specversion": "1.0", "id": job, "source": "//tests", "type": "domainproof.job.v1",
        "data": {"org": org, "domain": domain, "kind": kind, **data}}).encode()


def bad_examples():
    """(file, bytes with an id of its own, its id, the code of its rejection or
    None when it can't be a job at all)"""
    for n, path in enumerate(sorted(glob.glob(EXAMPLES + "*/*.json"))):
        folder, name = path.split("/")[-2:]
        if folder == "valid":
            continue
        with open(path, "rb") as f:
            value = f.read()
        unique = b"j-%04d" % (2000 + n)
        code = None
        if folder == "refused":
            code = name[:-len(".json")].split("-")[0]
        elif name.startswith("kind-unknown"):
            code = "unknown_kind"
        elif name.startswith("deadline-"):
            code = "bad_deadline"
        yield folder + "/" + name, value.replace(ID, unique), unique.decode(), code


def test_bad_examples(pool):
    """Dead byte for byte, or rejected with its code; neighbours go on."""
    headers = [("trace", b"\x00\xff"), ("trace", b"again"), ("dead-reason", b"not ours")]
    sent = []
    for n, (name, value, unique, code) in enumerate(bad_examples()):
        key = [None, b"", b"\xff\x00key", b"mail.example.test"][n % 4]
        future = pool.send(value, key, ["jobs", "bulk"][n // 4 % 2], headers=headers)
        sent.append((name, value, unique, code, key, future))
        pool.post("good", "g%s.good.test" % unique, unique, kind="claim")
    pool.flush()
    for _, _, unique, *_ in sent:
        assert pool.result("good", "g%s.good.test" % unique, unique)["outcome"] == "done"
    want = {(f.value.topic, f.value.partition, f.value.offset): (name, value, key)
            for name, value, _, code, key, f in sent if code is None}
    dead = pool.reader("dead")
    until(lambda: len(dead.poll()) >= len(want), 20,
          lambda: "%d dead letters, there are %d" % (len(want), len(dead.records)))
    seen = set()
    for r in dead.to_end():
        own = oracle.SCHEMAS.check("dead", {k: v.decode() for k, v in r.headers[:5]})
        assert tuple(k for k, _ in r.headers[:5]) == oracle.HEADERS
        assert r.headers[5:] == headers
        at = (own["origin-topic"], int(own["origin-partition"]), int(own["origin-offset"]))
        assert at in want, (own, r.value[:200])
        name, value, key = want[at]
        assert (r.value, r.key) == (value, key), name
        assert at not in seen
        seen.add(at)
    assert seen == set(want), [want[at][0] for at in set(want) - seen]
    until(lambda: seen == {(e["data"]["topic"], e["data"]["partition"], e["data"]["offset"])
                           for e in pool.events("job.dead")}, 20, "each is told of")

    for name, _, unique, code, *_ in sent:
        if code is not None:
            found = until(lambda: pool.results(org="acme", id=unique), 20, name + " is answered")
            got, = [r["data"] for r in found]
            assert (got["outcome"], got["code"]) == ("rejected", code), name
            assert got["why"] and got["checks"] == [], name
    # what could at least be named is answered as well
    named = pool.results(org="acme", code="bad_job")
    assert named and all(r["data"]["outcome"] == "rejected" for r in named)


def test_largest_job(pool):
    for size, fate in (16384, "done"), (16385, "dead"):
        domain, unique = "size%d.good.test" % size, fresh("s")
        value = job("acme", domain, unique, pad="x" * 16000)
        value = value[:-1] + b" " * (size - len(value)) + value[-1:]
        before = len(pool.reader("dead").to_end())
        pool.send(value, domain.encode())
        pool.flush()
        if fate == "done":
            assert pool.result("acme", domain, unique)["outcome"] == "done"
        else:
            until(lambda: len(pool.reader("dead").poll()) > before, 20, "it is dead")
            assert pool.reader("dead").records[-1].value == value


@pytest.mark.parametrize("lane", ["jobs", "bulk"])
def test_finds_its_partition(pool, lane):
    """Other partitioners, spellings and keys: one owner for a domain."""
    jobs = []
    for domain, spelled in (("reroute.test", "reroute.test"), ("reroute.test", "ReRoute.TEST."),
                            ("xn--bcher-kva.test", "b\u00fccher.test")):
        for key in (None, domain.encode(), spelled.encode(), b"other.test"):
            for partition in range(PARTITIONS):
                unique = fresh("p")
                jobs.append((domain, unique))
                pool.send(job("lost", spelled, unique), key, lane, partition=partition)
    pool.flush()
    for domain, unique in jobs:
        r = pool.result("lost", domain, unique)
        assert (r["outcome"], r["lane"]) == ("done", lane)
    for d in pool.results(org="lost"):
        assert d["partition"] == owner(d["data"]["domain"])
    for domain in {d for d, _ in jobs}:
        assert len(pool.events("record.issued", org="lost", domain=domain)) == 1
    # a re-routed one is as it was, but for its key and place
    again = [r for r in pool.reader(lane).to_end()
             if r.partition == owner("reroute.test") and r.key == b"reroute.test"]
    assert len(again) >= 2 * 4 * (PARTITIONS - 1)


def test_duplicates(pool):
    """1 000 of one job, over both lanes and all partitions: one result."""
    domain, unique = "dup.many.test", fresh("d")
    body = job("acme", domain, unique, "verify", deadline_s=3)
    for n in range(1000):
        pool.send(body, domain.encode(), "jobs" if n % 2 else "bulk",
                  partition=n % PARTITIONS if n % 10 == 0 else None)
    pool.flush()
    assert pool.result("acme", domain, unique)["outcome"] == "expired"
    for _ in range(10):  # and after its end
        pool.send(body, domain.encode())
    pool.flush()
    until(pool.caught_up, 20, "all of them are taken in")
    assert pool.events("job.conflict", org="acme") == []
    assert not [d for _, d, _ in pool.state().jobs if d == domain]  # opened again
    # the same identity with another wish is no duplicate, and no job either
    pool.send(job("acme", domain, unique, "verify", deadline_s=4), domain.encode())
    pool.send(job("acme", domain, unique, "release"), domain.encode(), "bulk")
    pool.flush()
    until(lambda: len(pool.events("job.conflict", org="acme", domain=domain)) == 2, 20, "conflicts")
    # the same id for another organisation or domain is another identity
    pool.send(job("other", domain, unique), domain.encode())
    pool.send(job("acme", "dup2.many.test", unique), b"dup2.many.test")
    pool.flush()
    assert pool.result("other", domain, unique)["outcome"] == "done"
    assert pool.result("acme", "dup2.many.test", unique)["outcome"] == "done"
    pool.reader("results").to_end()
    assert len(pool.results(org="acme", domain=domain)) == 1


def test_control_lane_makes_no_claims(pool):
    pool.post("acme", "control.test", "k1", lane="control")
    pool.flush()
    r = pool.result("acme", "control.test", "k1")
    assert (r["outcome"], r["code"]) == ("rejected", "unknown_kind")


def test_bulk_does_not_starve_the_portal(pool):
    """10 000 bulk jobs wait; single interactive ones pass them, and bulk goes
    on meanwhile."""
    pool.checks_all, n = False, 10000
    scheduler = pool.crews["1"].scheduler()
    os.kill(scheduler, signal.SIGSTOP)  # for less than its session
    for i in range(n):
        pool.post("batch", "b%d.bulk.test" % i, "b%d" % i, lane="bulk", deadline_s=0)
    pool.flush()
    os.kill(scheduler, signal.SIGCONT)
    mine, end = [], time.monotonic() + 120
    while len(pool.results(org="batch")) < n:  # it ends while others come and go
        assert time.monotonic() < end, "bulk: %d of %d" % (len(pool.results(org="batch")), n)
        mine.append(pool.verify("portal", "p%d.many.test" % len(mine), deadline_s=0))
    ends = collections.Counter(r["data"]["outcome"] for r in pool.results(org="batch"))
    assert ends == {"failed": n}, ends

    # all had been posted before: how many were looked at before each of mine?
    at = sorted(r["data"]["settled_at"] for r in pool.results(org="batch"))
    after = [sum(t > r["settled_at"] for t in at) for r in mine]
    meanwhile = [sum(r["accepted_at"] <= t <= r["settled_at"] for t in at) for r in mine]
    assert all(r["outcome"] == "failed" and r["lane"] == "jobs" for r in mine)
    assert after[0] > n / 2, (after, "bulk was through too soon to tell")
    assert max(meanwhile) < n / 4, meanwhile


def test_all_of_it_adds_up(pool):
    until(pool.caught_up, 20, "all is taken in")
    state = pool.check(20)
    assert not state.jobs
    assert len({r["id"] for r in pool.results()}) == len(pool.results())
