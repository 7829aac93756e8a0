# SPDX-License-Identifier: Apache-2.0
"""What the workers remember, shown and set right: `state dump` against the
oracle's own decoder, `state rebase` for partitions that are kept closed."""
import json
import os
import pty
import re
import subprocess
import time

import kafka
import pytest
from kafka.admin import KafkaAdminClient
from kafka.partitioner.default import murmur2
from kafka.structs import OffsetAndMetadata

import crew
import oracle
from crew import BUILD, fresh
from oracle import LANES, PARTITIONS, until

SESSION_MS = 6000  # the least that brokers take


def partition_of(domain):
    return (murmur2(domain.encode()) & 0x7fffffff) % PARTITIONS


def domain_in(p):
    """A new domain of partition p."""
    return next(d for d in iter(lambda: fresh("s") + ".test", None) if partition_of(d) == p)


@pytest.fixture(scope="module")
def pool(pools):
    made = pools(settings={"session_ms": SESSION_MS})
    made.crew("1")
    return made


@pytest.fixture
def running(pool):
    one = pool.crews["1"]
    if one.process.poll() is not None:
        one.start()
    return pool


def state(pool, *args, slot="1", **kw):
    return subprocess.run(
        [BUILD + "/domainproof", "-c", "%s/%s.conf" % (pool.folder, slot), "state", *args],
        text=True, timeout=120, **{"capture_output": True, "stdin": subprocess.DEVNULL, **kw})


def dump(pool, *args, code=0):
    run = state(pool, "dump", "--json", *args)
    assert run.returncode == code, (run.returncode, run.stderr)
    return [json.loads(line) for line in run.stdout.splitlines()], run.stderr


def group_empty(pool):
    """The crew that ended is forgotten when its session has run out."""
    admin = KafkaAdminClient(bootstrap_servers=pool.lab["KAFKA"])
    try:
        until(lambda: not admin.describe_consumer_groups([pool.name])[0].members, 20,
              "the group has no member")
    finally:
        admin.close()


def set_offset(pool, lane, p, offset):
    """As an operator does, with the tools of Kafka."""
    group_empty(pool)
    part = kafka.TopicPartition(pool.prefix + lane, p)
    consumer = kafka.KafkaConsumer(bootstrap_servers=pool.lab["KAFKA"], group_id=pool.name,
                                   enable_auto_commit=False)
    consumer.assign([part])
    consumer.commit({part: OffsetAndMetadata(offset, "", -1)})
    consumer.close()
    assert offsets(pool)[lane][p] == offset


def offsets(pool):
    return oracle.group_offsets(pool.lab["KAFKA"], pool.name, pool.prefix)


def post(pool, p, n, lane="jobs"):
    """Claims of new domains: [(org, domain, id)]"""
    posted = [("acme", domain_in(p), fresh("c")) for _ in range(n)]
    for org, domain, job in posted:
        pool.post(org, domain, job, kind="claim", lane=lane)
    pool.flush()
    return posted


def done(pool, posted, limit_s=30):
    for who in posted:
        assert pool.result(*who, limit_s=limit_s)["outcome"] == "done"


def stopped(pool, p):
    """What the log says of the partition that is kept closed: error, command"""
    said, = [e for e in pool.crews["1"].wait_event("partition.stopped")
             if "partition %d:" % p in e["error"]]
    assert said["level"] == "error"
    command, = re.findall(r"`domainproof state (rebase [^`]*)`", said["error"])
    return said["error"], command.split()


# --- dump ---------------------------------------------------------------------

SHAPE = {"partition", "offset", "at", "key", "kind"}
CLAIM = {"org", "domain", "ver", "generation", "token", "status", "contested", "since",
         "functions", "keys", "checks", "tail_octets"}
CHECK = {"looked_at", "undecided_since", "misses", "first_miss_at", "verdict", "code",
         "assurance", "neg_ttl_s", "saw"}
JOB = {"org", "domain", "id", "ver", "job_kind", "lane", "accepted_at", "deadline_at",
       "due_at", "looks", "checks", "then", "ref", "tail_octets"}
SHAPES = {"claim": SHAPE | CLAIM, "job": SHAPE | JOB, "pos": SHAPE | {"partitions", "group", "next"}}


def test_dump_is_what_was_done(running, zone):
    pool, org = running, fresh("o")
    value = pool.claim(org, "good.test")
    zone("set", "_example-challenge.good.test", value)
    assert pool.verify(org, "good.test")["outcome"] == "verified"
    job, taken_back = fresh("v"), fresh("v")
    pool.post(org, "late.test", taken_back, deadline_s=3600)
    pool.flush()
    until(lambda: pool.events("look.done", org=org, domain="late.test"), 30, "a first look")
    pool.post(org, "late.test", fresh("x"), kind="cancel", target=taken_back)
    pool.post(org, "missing.test", job, deadline_s=3600, lane="bulk", ref="r-1")
    pool.flush()
    assert pool.result(org, "late.test", taken_back)["outcome"] == "cancelled"
    until(lambda: any(e["data"]["job"] for e in pool.events(
        "look.done", org=org, domain="missing.test")), 30, "a first look")
    pool.stop()
    entries, _ = dump(pool)
    for e in entries:
        assert set(e) == SHAPES[e["kind"]], e
    keys = [(e["partition"], e["key"]) for e in entries]
    assert keys == sorted(set(keys))  # each once
    assert not [k for k in keys if k[1].endswith(taken_back)]

    want = pool.state()
    claims = {(e["org"], e["domain"]): e for e in entries if e["kind"] == "claim"}
    assert {k: (e["ver"], e["generation"], e["status"]) for k, e in claims.items()} == \
        {k: (c.ver, c.generation, c.status) for k, c in want.claims.items()}
    assert {(e["org"], e["domain"], e["id"]): e["ver"] for e in entries
            if e["kind"] == "job"} == {k: j.ver for k, j in want.jobs.items()}
    assert {e["partition"]: (e["partitions"], e["next"], e["offset"]) for e in entries
            if e["kind"] == "pos"} == \
        {p: (PARTITIONS, at.next, at.offset) for p, at in want.pos.items()}

    good = claims[org, "good.test"]
    assert value.startswith("token=%s " % good["token"])
    assert good["status"] == "verified" and good["keys"] == []
    assert {f: s["status"] for f, s in good["functions"].items()} == \
        {"spf": "none", "dkim": "none"}
    assert set(good["checks"]) == {"ownership"}
    owned = good["checks"]["ownership"]
    assert set(owned) == CHECK
    assert (owned["verdict"], owned["code"], owned["assurance"]) == ("pass", "", "single")
    opened, = [e for e in entries if e["key"] == "job/%s/missing.test/%s" % (org, job)]
    assert (opened["job_kind"], opened["lane"], opened["then"], opened["ref"]) == \
        ("verify", "bulk", [], "r-1")
    assert opened["checks"] == {
        "ownership": {"verdict": "none", "code": "NOT_PUBLISHED", "settled": False}}
    assert opened["looks"] >= 1 and opened["accepted_at"] < opened["due_at"]

    one, _ = dump(pool, "--partition", str(good["partition"]))
    assert one == [e for e in entries if e["partition"] == good["partition"]]
    table = state(pool, "dump")
    assert table.returncode == 0 and len(table.stdout.splitlines()) == 1 + len(entries)
    assert good["token"] in table.stdout


def test_unreadable_are_named_and_the_others_go_on(pools):
    """A topic of its own: what is there stays there."""
    pool = pools()
    pool.conf("1")
    good = bytes([1]) + (8).to_bytes(4, "big") + b"".join(
        at.to_bytes(8, "big") for at in (3, 2, 1))
    for key, value in ((b"pos", good), (b"claim/acme/a.test", b"\x07" + b"\x1b[31m" * 9),
                       (b"pos", good), (b"what/is/this", b"x"), (b"\x1b]0;x", None),
                       (b"job/acme/a.test/gone", None)):
        pool.send(value, key, lane="state", partition=2)
        pool.flush()
    entries, err = dump(pool, code=1)
    only, = entries
    assert (only["partition"], only["offset"], only["next"]) == \
        (2, 2, dict(zip(LANES, (3, 2, 1))))
    lines = err.splitlines()
    assert len(lines) == 3 and "\x1b" not in err
    assert "partition 2 offset 1:" in lines[0] and "07 1b 5b 33 31 6d" in lines[0]
    assert "claim/acme/a.test" in lines[0] and "46 octets" in lines[0]
    assert "partition 2 offset 3:" in lines[1] and "offset 4:" in lines[2]
    assert state(pool, "dump", "--partition", "2").returncode == 1
    assert state(pool, "dump", "--partition", "1").returncode == 0
    # and no position mends that
    run = state(pool, "rebase", "--partition", "2", "--lane", "jobs", "--to", "low", "--yes")
    assert run.returncode == 4 and "offset 1 cannot be read" in run.stderr


@pytest.mark.parametrize("words", [
    [], ["dmp"], ["dump", "rebase"], ["dump", "--lane", "jobs"], ["dump", "--partition", "-1"],
    ["dump", "--partition", str(PARTITIONS)],
    ["rebase"], ["rebase", "--partition", "1", "--lane", "jobs"],
    ["rebase", "--partition", "1", "--lane", "jobs", "--to", "5"],  # nobody to be asked
    ["rebase", "--partition", "1", "--lane", "jobs", "--to", "-5", "--yes"],
    ["rebase", "--partition", "1", "--lane", "jobs", "--to", "5x", "--yes"],
    ["rebase", "--partition", "1", "--lane", "results", "--to", "low", "--yes"],
    ["rebase", "--partition", "1", "--lane", "all", "--to", "5", "--yes"],
])
def test_wrong_use(running, words):
    run = state(running, *words)
    assert run.returncode == 2 and len(run.stderr.splitlines()) == 1, run


# --- rebase -------------------------------------------------------------------

def test_group_ahead_of_the_state(running):
    """Somebody set offsets. The line in the log says what to do; done so,
    nothing is lost."""
    pool, p = running, 3
    done(pool, post(pool, p, 2))
    pool.stop()
    waiting = post(pool, p, 3)
    at = offsets(pool)["jobs"][p]
    set_offset(pool, "jobs", p, at + 2)

    one = pool.crews["1"].start()
    error, command = stopped(pool, p)
    assert command == ["rebase", "--partition", "3", "--lane", "jobs", "--to", "pos"]
    assert "committed %d, pos %d" % (at + 2, at) in error and "no job is skipped" in error
    done(pool, post(pool, 4, 2))  # neighbours go on
    assert not [w for w in waiting if pool.results(id=w[2])]

    run = state(pool, *command, "--yes")
    assert run.returncode == 4 and "process %d" % one.process.pid in run.stderr, run
    pool.conf("2")  # another slot, as it were on another machine
    run = state(pool, *command, "--yes", slot="2")
    assert run.returncode == 4 and "the pool is running" in run.stderr, run

    pool.stop()
    assert offsets(pool)["jobs"][p] == at + 2  # nothing was changed so far
    run = state(pool, *command, "--yes", "--json")
    assert run.returncode == 0, run
    said = json.loads(run.stdout)
    assert (said["partition"], said["lane"], said["committed"], said["pos"]) == \
        (p, "jobs", at + 2, at)
    assert (said["from"], said["to"], said["skipped"], said["again"], said["gone"]) == \
        (at, at, 0, 0, 0)
    assert (said["low"], said["high"]) == (0, at + 3)
    assert offsets(pool)["jobs"][p] == at and pool.state().pos[p].next["jobs"] == at

    one.start()
    assert not one.events("partition.stopped")
    done(pool, waiting)
    done(pool, post(pool, p, 2))
    pool.check()


def answer(pool, text, *args):
    """On a terminal: exit code and all that was shown."""
    ours, theirs = pty.openpty()
    os.write(ours, text)
    run = state(pool, *args, stdin=theirs)
    os.close(theirs)
    os.close(ours)
    return run


def test_what_is_skipped_is_shown_and_asked(running):
    pool, p = running, 5
    done(pool, post(pool, p, 1))
    pool.stop()
    lost = post(pool, p, 3)
    before = offsets(pool)
    command = ["rebase", "--partition", str(p), "--lane", "jobs", "--to", "high"]
    for word in (b"no\n", b"\n", b"\x04"):
        run = answer(pool, word, *command)
        assert run.returncode == 1 and "nothing was changed" in run.stderr, run
        assert "3 jobs are SKIPPED" in run.stdout
    assert offsets(pool) == before
    run = answer(pool, b"yes\n", *command)
    assert run.returncode == 0 and "Type yes" in run.stderr, run
    after = offsets(pool)
    assert after["jobs"].pop(p) == before["jobs"].pop(p) + 3 and after == before

    one = pool.crews["1"].start()
    assert not one.events("partition.stopped")
    done(pool, post(pool, p, 1))
    assert not [w for w in lost if pool.results(id=w[2])]
    pool.check()

    # read again from the beginning: what is known gives no second result
    pool.stop()
    run = state(pool, "rebase", "--partition", str(p), "--lane", "jobs", "--to", "low",
                "--yes", "--json")
    assert run.returncode == 0, run
    assert json.loads(run.stdout)["again"] == len(
        [r for r in pool.reader("jobs").to_end() if r.partition == p])
    one.start()
    done(pool, lost)
    pool.check()


def test_jobs_deleted_by_retention(running):
    """Two lanes of one partition at once: one command opens both."""
    pool, p = running, 6
    done(pool, post(pool, p, 1) + post(pool, p, 1, "bulk"))
    pool.stop()
    at = offsets(pool)
    gone = post(pool, p, 4) + post(pool, p, 2, "bulk")
    kept = post(pool, p, 1) + post(pool, p, 1, "bulk")
    admin = KafkaAdminClient(bootstrap_servers=pool.lab["KAFKA"])
    admin.delete_records({kafka.TopicPartition(pool.prefix + lane, p): at[lane][p] + n
                          for lane, n in (("jobs", 4), ("bulk", 2))})
    admin.close()

    one = pool.crews["1"].start()
    error, command = stopped(pool, p)
    assert command == ["rebase", "--partition", "6", "--lane", "all", "--to", "low"]
    assert "deleted by retention" in error
    closed = one.events("restore.lane", level="error")
    assert {e["lane"] for e in closed} == {"jobs", "bulk"}
    done(pool, post(pool, 7, 1))
    pool.stop()

    run = state(pool, "rebase", "--partition", "6", "--lane", "jobs", "--to", "low", "--yes")
    assert run.returncode == 4 and "--lane all" in run.stderr, run
    run = state(pool, "rebase", "--partition", "6", "--lane", "all", "--to", "pos", "--yes")
    assert run.returncode == 4 and "is not on lane" in run.stderr, run
    run = state(pool, *command, "--yes", "--json")
    assert run.returncode == 0, run
    said = {s["lane"]: s for s in map(json.loads, run.stdout.splitlines())}
    assert {lane: (s["gone"], s["skipped"], s["to"]) for lane, s in said.items()} == \
        {"jobs": (4, 0, at["jobs"][p] + 4), "bulk": (2, 0, at["bulk"][p] + 2)}

    one.start()
    assert not one.events("partition.stopped")
    done(pool, kept + post(pool, p, 1) + post(pool, p, 1, "bulk"))
    assert not [w for w in gone if pool.results(id=w[2])]
    pool.check()
    pool.stop()
    run = state(pool, *command, "--yes")
    assert run.returncode == 0 and "no lane is kept closed" in run.stdout, run


def test_no_position_at_all(new_pool):
    """A state that somebody copied without it: every lane is closed."""
    pool, p = new_pool(settings={"session_ms": SESSION_MS}), 1
    one = pool.crew("1", start=False)
    waiting = post(pool, p, 2)
    # a claim as the oracle reads it, and what a look would leave: nothing
    claim = b"\x01" + (1).to_bytes(8, "big") + (1).to_bytes(4, "big") + bytes(20) + bytes(
        1 + 4 + 3 * 8 + 4 + 8) + b"\x03" + bytes(2 + 1 + 4 + 2)
    known = domain_in(p)
    pool.send(claim, b"claim/acme/" + known.encode(), lane="state", partition=p)
    pool.flush()
    one.start()
    error, command = stopped(pool, p)
    assert command == ["rebase", "--partition", "1", "--lane", "all", "--to", "low"]
    assert "no position at all" in error
    pool.stop()
    run = state(pool, "rebase", "--partition", "1", "--lane", "all", "--to", "pos", "--yes")
    assert run.returncode == 4 and "knows no position" in run.stderr, run
    run = state(pool, *command, "--yes")
    assert run.returncode == 0, run
    one.start()
    assert not one.events("partition.stopped")
    done(pool, waiting)
    entries, _ = dump(pool, "--partition", "1")
    assert [e["generation"] for e in entries if e["key"] == "claim/acme/" + known] == [1]


def test_two_pools_of_one_prefix(new_pool):
    """A second pool.name does nothing a second time; it says whose work it is,
    and takes it over when it is told to and the first one has ended."""
    pool, p = new_pool(settings={"session_ms": SESSION_MS}), 2
    pool.crew("1")
    done(pool, post(pool, p, 2))
    before = len(pool.results())
    other = '"%s-b"' % pool.name
    second = pool.crew("2", name=other)
    said = until(lambda: (said := second.events("partition.stopped")) and
                 len(said) == PARTITIONS and said, 30, "all are closed")
    for group in (pool.name, pool.name + "-b"):
        assert all("group %s" % group in e["error"] for e in said)
    command, = re.findall(r"`domainproof state (rebase --partition 2 [^`]*)`",
                          "".join(e["error"] for e in said))
    assert command == "rebase --partition 2 --lane all --to pos"
    done(pool, post(pool, p, 2))  # by the first, once
    assert len(pool.results()) == before + 2

    second.process.terminate()
    assert second.process.wait(40) == 0
    run = state(pool, *command.split(), "--yes", slot="2")
    assert run.returncode == 4 and "group %s has" % pool.name in run.stderr, run
    pool.stop()
    run = state(pool, *command.split(), "--yes", slot="2")
    assert run.returncode == 0, run
    waiting = post(pool, p, 2)
    second.start()
    done(pool, waiting)
    assert len(second.events("partition.stopped")) == PARTITIONS - 1
    assert len(pool.results()) == before + 4

    pool.stop()
    first = pool.crews["1"].start()  # its offsets are still there
    error, _ = stopped(pool, p)
    assert "is the work of group %s-b" % pool.name in error
    assert len(first.events("partition.stopped")) == 1


def test_told_to_stop_while_nobody_answers(new_pool):
    pool = new_pool()
    crew_ = pool.crew("1", start=False, brokers='"127.0.0.1:1"')
    crew_.start(ready=False).wait_event("crew.starting")
    began = time.monotonic()
    crew_.process.terminate()
    assert crew_.process.wait(20) == 0, crew_.tail()
    assert time.monotonic() - began < 12


def test_kafka_is_down(pool):
    pool.conf("1", "down", brokers='"127.0.0.1:1"')
    run = state(pool, "dump", slot="down")
    assert run.returncode == 5 and run.stdout == "" and "127.0.0.1:1" in run.stderr, run
    assert len(run.stderr.splitlines()) == 1, run.stderr
