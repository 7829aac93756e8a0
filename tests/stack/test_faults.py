# SPDX-License-Identifier: Apache-2.0
"""What breaks outside of the pool, and what operators do to it. Nothing is
lost, nothing is twice, and what cannot be explained stands still and says
why."""
import os
import signal
import subprocess

import kafka
import pytest
from kafka.admin import (ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions)
from kafka.errors import KafkaError
from kafka.partitioner.default import murmur2
from kafka.structs import OffsetAndMetadata

import oracle
from crew import fresh, now_ms
from oracle import PARTITIONS, ROOT, until

# a machine's loss is then noticed soon
SHORT = {"session_ms": "2000", "txn_ms": "3000"}


def owner(domain):
    return (murmur2(domain.encode()) & 0x7fffffff) % PARTITIONS


def domain_of(p, zone="bulk.test"):
    """A fresh name that belongs to partition p."""
    while True:
        name = "%s.%s" % (fresh("d"), zone)
        if owner(name) == p:
            return name


@pytest.fixture
def admin(lab):
    admin = KafkaAdminClient(bootstrap_servers=lab["KAFKA"])
    yield admin
    admin.close()


@pytest.fixture(scope="module")
def shared(pools):
    """For tests that leave it in order."""
    return pools(settings=SHORT)


@pytest.fixture
def pool(shared):
    yield shared
    shared.kill()


class Work:
    """A claim that is done, and a job that stays open, in each partition."""

    def __init__(self, pool, deadline_s=3600):
        self.pool = pool
        self.open = {domain_of(p): fresh("v") for p in range(PARTITIONS)}
        self.done = {domain_of(p): fresh("c") for p in range(PARTITIONS)}
        for domain, job in self.open.items():
            pool.post("acme", domain, job, deadline_s=deadline_s)
        for domain, job in self.done.items():
            pool.post("acme", domain, job, kind="claim")
        pool.flush()

    def claims_done(self, limit_s=40):
        for domain, job in self.done.items():
            assert self.pool.result("acme", domain, job, limit_s)["outcome"] == "done"

    def begun(self):
        """All have been looked at, and wait."""
        until(lambda: {d["data"]["domain"] for d in self.pool.events("look.done")} >=
              set(self.open), 30, "all have been looked at")
        return self

    def cancel(self):
        """Ends what is open: it was not forgotten."""
        for domain, job in self.open.items():
            self.pool.post("acme", domain, "x-" + job, kind="cancel", target=job)
        self.pool.flush()
        for domain, job in self.open.items():
            assert self.pool.result("acme", domain, job, 40)["outcome"] == "cancelled"
            assert self.pool.result("acme", domain, "x-" + job)["outcome"] == "done"


# --- processes ----------------------------------------------------------------

def stopped(crew):
    """The scheduler, if it stands still."""
    pid = crew.children().get("scheduler")
    if pid is None:
        return None
    with open("/proc/%d/stat" % pid) as f:
        return pid if f.read().rsplit(")", 1)[1].split()[0] == "T" else None


@pytest.mark.parametrize("point", ["commit.begun@20", "commit.before@20"])
def test_sleeps_past_its_session(new_pool, tmp_path, point):
    """It wakes up in the midst of a commit, when others have its partitions:
    nothing that it says counts any more."""
    pool = new_pool(settings=SHORT)
    sleeper = pool.crew("1", program="faulty/domainproofd", env={
        "DOMAINPROOF_FAILPOINT": point + ":stop", "DOMAINPROOF_FAILPOINT_ONCE": str(tmp_path)})
    first = Work(pool)
    while not stopped(sleeper):
        pool.post("acme", domain_of(0), fresh("c"), kind="claim")
        pool.flush()
    pid = stopped(sleeper)
    other = pool.crew("2")
    until(lambda: sum(e["n"] for e in other.events("partitions.gained")[-1:]) == PARTITIONS,
          30, "the other has all partitions")
    second = Work(pool)
    first.claims_done()
    second.claims_done()
    os.kill(pid, signal.SIGCONT)
    # it learns of it, or is ended by it, and takes its share again
    until(lambda: [e for e in sleeper.lines() if e["event"] in (
        "commit.aborted", "commit.fenced", "commit.unknown", "commit.overdue", "kafka.dead")],
        30, lambda: "its commit has failed; its log ends:\n" + sleeper.tail())
    until(lambda: len(sleeper.events("partitions.gained")) > 1, 30, "it works again")
    third = Work(pool)
    third.claims_done()
    for work in first, second, third:
        work.cancel()
    pool.check(10)
    pool.stop()


def test_two_crews_of_one_name(new_pool):
    """The newer one goes on, the older one leaves for good: no ping-pong."""
    pool = new_pool(settings=SHORT)
    older = pool.crew("1")
    first = Work(pool).begun()
    newer = pool.crew("1", file="twin", start=False, run_dir='"%s/run2"' % pool.folder)
    newer.start()
    until(older.ended, 40, lambda: "the older one has left; its log ends:\n" + older.tail())
    assert older.process.returncode == 100
    assert "another" in older.events("slot.taken")[0]["error"]
    second = Work(pool)
    second.claims_done()
    first.cancel()
    second.cancel()
    assert newer.process.poll() is None and not newer.events("child.ended")
    pool.check(10)
    pool.stop()


def test_machine_is_lost(new_pool):
    """A whole crew at once, and nobody restarts it: with the settings as they
    are shipped others serve its partitions within 40 s."""
    pool = new_pool()
    pool.crew("1")
    pool.crew("2")
    first = Work(pool).begun()
    pool.crews["1"].kill()
    second = Work(pool)
    second.claims_done(40)
    first.cancel()
    second.cancel()
    pool.check(10)
    pool.stop()


def test_ends_in_order_under_load(pool):
    """TERM: everything is put down, exit 0, nothing is lost."""
    crew = pool.crew("1")
    work, jobs = Work(pool).begun(), {}
    pool.checks_all = False
    os.kill(crew.scheduler(), signal.SIGSTOP)
    for i in range(3000):
        domain, job = "t%d.%s.many.test" % (i, pool.name), fresh("t")
        jobs[domain, job] = pool.post(
            "load", domain, job, lane=("jobs", "bulk")[i % 2], deadline_s=0)
    pool.flush()
    os.kill(crew.scheduler(), signal.SIGCONT)
    until(lambda: pool.results(org="load"), 20, "it has begun")
    assert crew.end() == 0
    assert not crew.events("flush.overdue")
    done = len(pool.results(org="load"))
    assert 0 < done < len(jobs), "it was done too soon to tell"
    assert not oracle.redis_differs(pool.redis, pool.state())  # told the last
    pool.check_log()
    pool.crew("1")
    for domain, job in jobs:
        assert pool.result("load", domain, job)["outcome"] == "failed"
    pool.checks_all = True
    work.claims_done()
    work.cancel()
    pool.check(10)
    pool.stop()


def test_settings_are_read_again(pool):
    """HUP: a good policy is in force for what comes, a bad one is refused as a
    whole; open jobs don't notice."""
    crew = pool.crew("1")
    work = Work(pool).begun()
    old = pool.verify("acme", domain_of(0), deadline_s=0)["policy"]
    os.kill(crew.process.pid, signal.SIGHUP)  # unchanged
    crew.wait_event("settings.read", n=1)
    crew.wait_event("partitions.gained", n=2)
    pool.write_policy(deadline_max='"1 h"')
    os.kill(crew.process.pid, signal.SIGHUP)
    crew.wait_event("settings.read", n=2)
    crew.wait_event("partitions.gained", n=3)
    new = pool.verify("acme", domain_of(1), deadline_s=0)["policy"]
    assert new != old
    r = pool.verify("acme", domain_of(2), deadline_s=7200)
    assert (r["outcome"], r["code"]) == ("rejected", "bad_deadline")

    scheduler = crew.scheduler()
    pool.write_policy(deadline_max='"1 fortnight"')
    os.kill(crew.process.pid, signal.SIGHUP)
    refused, = crew.wait_event("settings.refused")
    assert "policy.conf:" in refused["why"] and "deadline_max" in refused["why"]
    assert pool.verify("acme", domain_of(3), deadline_s=0)["policy"] == new
    assert crew.scheduler() == scheduler
    pool.write_policy(deadline_max='"48 h"')
    assert not crew.events("child.ended", level="error")
    work.claims_done()
    work.cancel()
    pool.check(10)
    pool.stop()


def test_deadline_while_all_is_down(pool, zone):
    """One last look first: what is there then counts, once."""
    pool.crew("1")
    missing = Work(pool, deadline_s=3).begun()
    right = {"r%d.%s.many.test" % (i, pool.name): fresh("v") for i in range(8)}
    value = {domain: pool.claim("acme", domain) for domain in right}
    for domain, job in right.items():
        pool.post("acme", domain, job, deadline_s=3)
    pool.flush()
    until(lambda: {d for _, d, _ in pool.state().jobs} >= set(right), 10, "all are accepted")
    pool.crews["1"].kill()
    zone.batch([("set", "_example-challenge." + d, value[d]) for d in right])
    over = now_ms() + 3000
    until(lambda: now_ms() > over, 10, "all deadlines have passed")
    pool.crew("1")
    for domain, job in missing.open.items():
        r = pool.result("acme", domain, job)
        assert (r["outcome"], r["code"]) == ("expired", "NOT_PUBLISHED")
        assert r["settled_at"] > r["deadline_at"]
    for domain, job in right.items():
        r = pool.result("acme", domain, job)
        assert r["outcome"] == "verified" and r["settled_at"] > r["deadline_at"]
    missing.claims_done()
    pool.check(10)
    pool.stop()


# --- Redis --------------------------------------------------------------------

def test_redis_comes_and_goes(pool):
    """Verdicts don't wait for it, and when it is back it is right again within
    10 s; emptied, it is what a replay of the state topic gives."""
    crew, server = pool.crew("1"), pool.redis_server
    works = [Work(pool).begun()]
    pool.check(10)

    server.kill()
    works.append(Work(pool))
    works[-1].claims_done()
    crew.wait_event("redis.down")
    server.start()
    pool.check(10)

    server.signal(signal.SIGSTOP)
    works.append(Work(pool))
    works[-1].claims_done()
    works[0].cancel()
    crew.wait_event("redis.down", n=2)
    server.signal(signal.SIGCONT)
    pool.check(10)

    pool.redis.script_flush()
    pool.redis.flushall()
    works.append(Work(pool))
    works[-1].claims_done()
    pool.check(10)

    pool.redis.flushall()  # and nothing else happens
    pool.check(12)

    # behind the mark of one partition somebody has removed it alone
    pool.redis.delete("domainproof:pos:3", *pool.redis.keys("domainproof:claim:*"))
    works.append(Work(pool))
    works[-1].claims_done()
    until(lambda: pool.redis.get("domainproof:pos:3"), 12, "its mark is back")
    for work in works[1:]:
        work.cancel()
    assert not crew.events("child.ended")
    pool.redis.flushall()
    pool.stop()
    pool.crew("1")  # at once, by a restore
    pool.check(10)
    pool.stop()


# --- Kafka --------------------------------------------------------------------

def stack(*args):
    run = subprocess.run([ROOT + "/ops/stack", *args], capture_output=True, text=True)
    assert run.returncode == 0, (args, run.stdout, run.stderr)


def test_broker_dies(pool, zone):
    """kill -9 of the only broker, with work under way."""
    pool.crew("1")
    works = [Work(pool).begun()]
    jobs = {"b%d.%s.many.test" % (i, pool.name): fresh("b") for i in range(500)}
    for domain, job in jobs.items():
        pool.post("acme", domain, job, lane="bulk", deadline_s=0)
    pool.flush()
    try:
        stack("broker-kill", "1")
    finally:
        stack("broker-start", "1")
    crew = pool.crews["1"]
    if crew.ended():  # a service manager restarts what ended with 111
        assert crew.process.returncode == 111
        crew.start()
    works.append(Work(pool))
    for work in works:
        work.claims_done()
    for domain, job in jobs.items():
        assert pool.result("acme", domain, job)["outcome"] == "failed"
    for work in works:
        work.cancel()
    pool.check(10)
    pool.stop()


def test_somebody_elses_transaction(pool, lab):
    """A foreign writer holds the state topic's end back: what lies behind is
    waited for, not missed; its other partitions don't wait."""
    pool.crew("1")
    work = Work(pool).begun()
    pool.check(10)
    pool.stop()
    foreign = kafka.KafkaProducer(bootstrap_servers=lab["KAFKA"], transactional_id=fresh("f"),
                                  transaction_timeout_ms=60000)
    foreign.init_transactions()
    foreign.begin_transaction()
    foreign.send(pool.prefix + "state", key=b"claim/acme/foreign.test", value=b"?", partition=4)
    foreign.flush()
    crew = pool.crew("1", start=False).start(ready=False)
    more = Work(pool)
    for domain, job in more.done.items():
        if owner(domain) != 4:
            pool.result("acme", domain, job)
    assert not crew.events("partition.open", partition=4)
    foreign.abort_transaction()
    foreign.close()
    more.claims_done()
    more.cancel()
    work.cancel()
    pool.check(10)
    pool.stop()


def test_topics_that_cannot_be(new_pool, admin):
    """Refused at once, with what to do: exit 100."""
    pool = new_pool(settings=SHORT)
    pool.crew("1")
    pool.stop()
    when = ConfigResource(ConfigResourceType.TOPIC, pool.prefix + "jobs", configs={
        "message.timestamp.type": "CreateTime"})
    admin.alter_configs([when])
    crew = pool.crew("1", start=False).start(ready=False)
    until(crew.ended, 30, "it has left")
    assert crew.process.returncode == 100 and "jobs" in crew.tail()
    pool.cli("topics", "apply")
    pool.crew("1")
    pool.stop()
    admin.create_partitions({pool.prefix + "seen": NewPartitions(PARTITIONS + 1)})
    crew = pool.crew("1", start=False).start(ready=False)
    until(crew.ended, 30, "it has left")
    assert crew.process.returncode == 100 and "seen" in crew.tail()


class Operator:
    """Does to the group's offsets what people do with Kafka's own tools; the
    crews must be gone for that, for as long as a session lasts."""

    def __init__(self, lab, pool, admin):
        self.lab, self.pool, self.admin = lab, pool, admin

    def again(self, what):
        def tried():
            try:
                what()
                return True
            except KafkaError as e:
                self.last = e
                return False
        until(tried, 20, lambda: "the group is empty: %r" % self.last)

    def set(self, lane, p, offset):
        part = kafka.TopicPartition(self.pool.prefix + lane, p)
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.lab["KAFKA"],
                                       group_id=self.pool.name, enable_auto_commit=False)
        consumer.assign([part])
        self.again(lambda: consumer.commit({part: OffsetAndMetadata(offset, "", -1)}))
        consumer.close()

    def end(self, lane, p):
        reader = self.pool.reader(lane)
        return reader.consumer.end_offsets(reader.parts)[reader.parts[p]]

    def delete_group(self):
        def delete():
            (_, error), = self.admin.delete_consumer_groups([self.pool.name])
            if error.errno:
                raise error()
        self.again(delete)


def test_operators_and_offsets(new_pool, lab, admin):
    pool = new_pool(settings=SHORT)
    operator = Operator(lab, pool, admin)
    pool.crew("1")
    work = Work(pool).begun()
    work.claims_done()
    pool.stop()

    # forward ("to the latest"): stops, for jobs would be skipped; backward
    # ("to the earliest"): the state knows better; below the log's start: stops
    skipped = {domain_of(p): fresh("s") for p in (0, 1, 2, 3)}
    for domain, job in skipped.items():
        pool.post("acme", domain, job, kind="claim")
    pool.flush()
    operator.set("jobs", 0, operator.end("jobs", 0))
    operator.set("jobs", 1, 0)
    eaten = kafka.TopicPartition(pool.prefix + "jobs", 2)
    admin.delete_records({eaten: operator.end("jobs", 2)})
    crew = pool.crew("1")
    said = {e["error"].split("partition ")[1].split(":")[0]: e["error"] for e in
            crew.wait_event("partition.stopped", n=2)}
    assert set(said) == {"0", "2"}, said
    assert "ahead" in said["0"] and "retention" in said["2"]
    assert crew.events("restore.lane", partition=1, level="error")
    more = {domain_of(p): fresh("m") for p in range(PARTITIONS)}
    for domain, job in more.items():
        pool.post("acme", domain, job, kind="claim")
    pool.flush()
    for domain, job in [*more.items(), *skipped.items()]:
        if owner(domain) not in (0, 2):
            assert pool.result("acme", domain, job)["outcome"] == "done"
    # the neighbours have gone on, these two stand
    assert not [d for d in pool.results() if d["data"]["id"] in
                [j for dm, j in [*more.items(), *skipped.items()] if owner(dm) in (0, 2)]]
    pool.stop()

    # and are mended as the log says
    again = lambda *args: until(lambda: subprocess.run(
        [*pool.cli_argv(), "state", "rebase", "--yes", "--partition", *args],
        capture_output=True).returncode == 0, 20, "rebase of " + args[0])
    again("0", "--lane", "jobs", "--to", "pos")
    again("2", "--lane", "jobs", "--to", "low")
    pool.crew("1")
    for domain, job in [*more.items(), *skipped.items()]:
        if owner(domain) != 2 or job in more.values():
            assert pool.result("acme", domain, job)["outcome"] == "done"
    gone = next(d for d in skipped if owner(d) == 2)
    assert not pool.results(domain=gone)
    pool.check(10)
    pool.stop()

    # the whole group deleted: the state knows where it was
    operator.delete_group()
    crew = pool.crew("1")
    assert len(crew.events("restore.lane", level="error", lane="jobs")) == PARTITIONS
    assert not crew.events("partition.stopped")
    work.cancel()
    pool.check(10)
    pool.stop()

    # a record of the state topic that nobody can read
    bad = pool.producer.send(pool.prefix + "state", key=b"claim/acme/x.test", value=b"\xff",
                             partition=5).get(10)
    crew = pool.crew("1")
    said, = crew.wait_event("partition.stopped")
    assert "partition 5 offset %d" % bad.offset in said["error"]
    last = {domain_of(p): fresh("l") for p in range(PARTITIONS)}
    for domain, job in last.items():
        pool.post("acme", domain, job, kind="claim")
    pool.flush()
    for domain, job in last.items():
        if owner(domain) != 5:
            assert pool.result("acme", domain, job)["outcome"] == "done"
    assert not [d for d in last if owner(d) == 5 and pool.results(domain=d)]
    pool.stop()
