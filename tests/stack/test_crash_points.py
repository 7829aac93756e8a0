# SPDX-License-Identifier: Apache-2.0
"""The daemon dies once at each named place, with work under way; and what ends
it each time is set aside. The test build (build/faulty) reads the places from
the environment, see tests/fake/failpoint.c."""
import signal

import pytest
from kafka.partitioner.default import murmur2

import oracle
from crew import fresh
from oracle import PARTITIONS, until

FAULTY = "faulty/domainproofd"
# place, and the arrival at which to die: past the start for what is met there
# too
POINTS = [
    "commit.begin@3", "commit.begun@3", "commit.captured@3", "commit.record=results@3",
    "commit.record=state@12", "commit.record=seen@2", "commit.produced@3",
    "commit.offsets_sent@3", "commit.before@3", "commit.after@3", "status.before@3",
    "scheduler.decode@25", "resolver.evaluate@7",
]
START_POINTS = [
    "fence.after", "restore.begin@5", "restore.end@7", "reader.committed@3",
    "reader.read=state@4", "reader.read=seen@2", "commit.after@1", "status.before@1",
]
LEAVE_POINTS = ["revoke.flushed", "kafka.release"]
RIGHT_N, MISSING_N, CLAIMS_N = 20, 10, 10


@pytest.fixture(scope="module")
def pool(pools, zones):
    """Its claims are begun and their records published."""
    pool = pools(program=FAULTY)
    pool.crew("1")
    names = [right(point, i) for point in POINTS + START_POINTS + LEAVE_POINTS
             for i in range(RIGHT_N)]
    for name in names:
        pool.post("acme", name, fresh("c"), kind="claim")
    pool.flush()
    until(lambda: len(pool.results(outcome="done")) == len(names), 60, "claims are done")
    value = {e["data"]["domain"]: e["data"]["record"]["value"]
             for e in pool.events("record.issued")}
    zones.batch([("set", "_example-challenge." + name, value[name])
                 for name in names])
    pool.stop()
    return pool


@pytest.fixture(autouse=True)
def nobody_stays(pool):
    yield
    pool.kill()


def label(point):
    return point.replace(".", "-").replace("=", "-").replace("@", "-").replace("_", "-")


def right(point, i):
    return "r%d.%s.many.test" % (i, label(point))


class Work:
    """Jobs of both lanes: right ones, ones that expire, claims."""

    def __init__(self, pool, point, deadline_s=1):
        self.pool, self.want = pool, {}
        for i in range(RIGHT_N):
            self.post(right(point, i), "verified", lane=("jobs", "bulk")[i % 2], deadline_s=600)
        for i in range(MISSING_N):
            self.post("m%d.%s.bulk.test" % (i, label(point)), "expired",
                      deadline_s=deadline_s)
        for i in range(CLAIMS_N):
            self.post("c%d.%s.bulk.test" % (i, label(point)), "done", kind="claim")
        pool.flush()

    def post(self, domain, outcome, **data):
        job = fresh("j")
        self.want[domain, job] = outcome
        self.pool.post("acme", domain, job, **data)

    def wait(self):
        for (domain, job), outcome in self.want.items():
            assert self.pool.result("acme", domain, job, 40)["outcome"] == outcome


def faulty(pool, tmp_path, points, slot="1", start=True):
    return pool.crew(slot, start=start, env={
        "DOMAINPROOF_FAILPOINT": ",".join(points),
        "DOMAINPROOF_FAILPOINT_ONCE": str(tmp_path)})


def died_there(crew, tmp_path, n=1):
    until(lambda: len(list(tmp_path.iterdir())) == n, 20,
          lambda: "it has died at the place; its log ends:\n" + crew.tail())
    crew.wait_event("child.ended", n=n, signal=signal.SIGKILL)


@pytest.mark.parametrize("point", POINTS)
def test_dies_at_work(pool, tmp_path, point):
    crew = faulty(pool, tmp_path, [point])
    work = Work(pool, point)
    died_there(crew, tmp_path)
    work.wait()
    pool.check(10)
    pool.stop()


@pytest.mark.parametrize("point", START_POINTS)
def test_dies_at_start(pool, tmp_path, point):
    """With jobs open from before, and new ones waiting."""
    before = pool.crew("1")
    work = Work(pool, point, 2)
    until(lambda: len(pool.state().jobs) >= MISSING_N, 20, "jobs are open")
    before.kill()
    crew = faulty(pool, tmp_path, [point], start=False).start(ready=False)
    work.post("late.%s.bulk.test" % label(point), "done", kind="claim")
    pool.flush()
    died_there(crew, tmp_path)
    work.wait()
    pool.check(10)
    pool.stop()


def test_a_record_that_ends_the_scheduler(pool):
    """After three deaths it is dead, byte for byte and never read; neighbours
    of its partition are served."""
    domain = fresh("poison") + ".many.test"
    p = (murmur2(domain.encode()) & 0x7fffffff) % PARTITIONS
    reader = pool.reader("jobs")
    end = reader.consumer.end_offsets(reader.parts)[reader.parts[p]]
    place = "jobs/%d/%d" % (p, end + 1)
    crew = pool.crew("1", env={"DOMAINPROOF_FAILPOINT": "scheduler.decode=%s:abort" % place})
    pool.post("acme", domain, "before", kind="claim")
    bad = pool.post("acme", domain, "bad", kind="claim")
    pool.post("acme", domain, "behind", kind="claim")
    pool.flush()
    assert (bad.value.partition, bad.value.offset) == (p, end + 1)
    for job in "before", "behind":
        assert pool.result("acme", domain, job)["outcome"] == "done"
    crew.wait_event("child.blames", what=place, strikes=3)
    pool.crashes_wanted += 3
    assert len(crew.events("child.ended", child="scheduler", signal=signal.SIGABRT)) == 3
    dead, = [r for r in pool.reader("dead").to_end() if r.key == domain.encode()]
    own = oracle.SCHEMAS.check("dead", {k: v.decode() for k, v in dead.headers})
    assert (own["origin-topic"], own["origin-partition"], own["origin-offset"]) == \
        (pool.prefix + "jobs", str(p), str(end + 1))
    assert dead.value == next(r.value for r in reader.to_end()
                              if (r.partition, r.offset) == (p, end + 1))
    said, = pool.events("job.dead", partition=p, offset=end + 1)
    assert said["data"]["code"] == "poison"
    assert not pool.results(domain=domain, id="bad")
    pool.check(10)
    pool.stop()


def test_a_look_that_ends_the_resolver(pool):
    domain, job = fresh("poison") + ".many.test", fresh("v")
    crew = pool.crew("1", env={
        "DOMAINPROOF_FAILPOINT": "resolver.evaluate=acme/%s/%s:abort" % (domain, job)})
    near = {(d, fresh("n")) for d in (domain, "x." + domain, right(POINTS[0], 0))}
    pool.post("acme", domain, job, deadline_s=600)
    for d, j in near:
        pool.post("beside", d, j, deadline_s=1)
    pool.flush()
    r = pool.result("acme", domain, job)
    assert (r["outcome"], r["code"]) == ("rejected", "poison")
    for d, j in near:
        assert pool.result("beside", d, j)["outcome"] == "expired"
    assert len(crew.events("child.ended", child="resolver", signal=signal.SIGABRT)) == 3
    pool.crashes_wanted += 3
    assert not crew.events("child.ended", child="scheduler")
    pool.check(10)
    pool.stop()


def test_dies_while_giving_partitions_up(pool, tmp_path):
    """Twice: each crew that joins takes some away. Last: the slots that have
    left are members for some seconds more."""
    crew = faulty(pool, tmp_path, LEAVE_POINTS)
    for n, point in enumerate(LEAVE_POINTS, 1):
        work = Work(pool, point)
        pool.crew(str(1 + n), program="domainproofd")
        died_there(crew, tmp_path, n)
        work.wait()
    pool.check(10)
    pool.stop()
