# SPDX-License-Identifier: Apache-2.0
"""2 000 jobs while every process of the pool is killed, again and again.
SEED=N repeats a run's choice of victims (not its timing)."""
import collections
import os
import random
import signal
import threading
import time

import pytest

from oracle import ask, until

RIGHT, LATE, NEVER, WRONG = range(4)
FATE = [RIGHT] * 1300 + [LATE] * 500 + [NEVER] * 100 + [WRONG] * 100
NAMES = ["n%d.%s.test" % (i, ("bulk", "many")[i % 2]) for i in range(len(FATE))]
KILLS = 18


class Killer:
    """Kills -9, each place of the pool in turn, in an order of its own; restarts
    supervisors that have ended, as a service manager does."""

    def __init__(self, pool, rng):
        self.pool, self.rng = pool, rng
        self.kills, self.bag = [], []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.keep), threading.Thread(target=self.kill)]
        self.wrong = []

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join()

    def keep(self):
        while not self.stop.wait(0.02):
            for crew in self.pool.crews.values():
                if crew.ended():
                    crew.start(ready=False)

    def place(self):
        if not self.bag:
            self.bag = [(slot, kind) for slot in self.pool.crews for kind in
                        ("supervisor", "scheduler", "scheduler", "resolver-0", "resolver-1")]
            self.rng.shuffle(self.bag)
        return self.bag.pop()

    def kill(self):
        while not self.stop.wait(self.rng.uniform(0.1, 1.5)):
            slot, kind = self.place()
            crew = self.pool.crews[slot]
            pid = crew.process.pid if kind == "supervisor" else crew.children().get(kind)
            try:
                os.kill(pid, signal.SIGKILL)
                self.kills.append((slot, kind))
            except (TypeError, ProcessLookupError):
                pass  # it is down already

    def reach(self, n):
        until(lambda: len(self.kills) >= n, 60, lambda: "%d kills: %s" % (n, self.kills))


@pytest.fixture
def pool(new_pool):
    pool = new_pool()
    pool.checks_all = False
    pool.crew("1")
    pool.crew("2")
    return pool


def issue_all(pool, killer):
    """Claims, a part of them after each kill; {name: value to publish}"""
    for i, name in enumerate(NAMES):
        if i % 400 == 0:
            killer.reach(len(killer.kills) + 1 if i else 0)
        pool.post("acme", name, "c%d" % i, kind="claim", lane=("jobs", "bulk")[i % 3 == 0])
    pool.flush()
    until(lambda: len(pool.results(kind="claim")) >= len(NAMES), 60,
          lambda: "%d claims done; %s" % (len(pool.results(kind="claim")), pool.tails()))
    issued = pool.events("record.issued")
    value = {e["data"]["domain"]: e["data"]["record"]["value"] for e in issued}
    assert len(issued) == len(value) == len(set(value.values())) == len(NAMES)
    return value


def publish(zone, value, fate):
    other = "token=%s expiry=never" % ("a" * 32)
    zone.batch([("set", "_example-challenge." + name, value[name] if f != WRONG else other)
                for name, f in zip(NAMES, FATE) if f in fate])


def post_all(pool, killer, rng):
    """Jobs, a part of them after each kill."""
    order = list(range(len(NAMES)))
    rng.shuffle(order)
    for n, i in enumerate(order):
        if n % 300 == 0:
            pool.flush()
            killer.reach(len(killer.kills) + 1)
        pool.post("acme", NAMES[i], "v%d" % i, lane=("jobs", "bulk")[i % 4 == 0],
                  deadline_s=15 if FATE[i] in (NEVER, WRONG) else 3600)
    pool.flush()


def judge(pool, value, server):
    """The results against what the zones hold, asked for by other means."""
    wrong, waited = [], 0
    for d in pool.results(kind="verify"):
        r, i = d["data"], int(d["data"]["id"][1:])
        texts = ask(server, "_example-challenge." + NAMES[i]).texts
        want = (("verified", "") if value[NAMES[i]].encode() in texts else
                ("expired", "TOKEN_OTHER" if texts else "NOT_PUBLISHED"))
        got = (r["outcome"], r["checks"][0]["code"])
        if got != want or r["domain"] != NAMES[i]:
            wrong.append((r["id"], got, want, r["checks"][0]["servers"]))
        assert (want[0] == "verified") == (FATE[i] in (RIGHT, LATE))
        waited += FATE[i] == LATE and r["looks"] >= 2
    assert not wrong, (len(wrong), wrong[:3])
    # a few may have been accepted behind the update: the pool was down
    assert waited >= 400


def test_nothing_is_lost_and_nothing_is_twice(pool, zone, lab):
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print("SEED=%d" % seed)
    rng = random.Random(seed)
    began = time.monotonic()
    with Killer(pool, rng) as killer:
        value = issue_all(pool, killer)
        publish(zone, value, (RIGHT, WRONG))
        post_all(pool, killer, rng)
        late = len(killer.kills)
        until(lambda: len(pool.events("look.done", code="NOT_PUBLISHED")) >= 500, 60,
              "the late ones have been looked at")
        publish(zone, value, (LATE,))
        until(lambda: len(pool.results(kind="verify")) >= len(NAMES), 120,
              lambda: "%d results; %s" % (len(pool.results(kind="verify")), pool.tails()))
        killer.reach(max(KILLS, late + 3))
    kinds = collections.Counter(kind for _, kind in killer.kills)
    print("%d kills in %.0f s: %s" % (len(killer.kills), time.monotonic() - began, dict(kinds)))
    assert len(kinds) == 4
    for crew in pool.crews.values():
        if crew.ended():
            crew.start(ready=False)
    state = pool.check(30)
    assert len(state.ends) == pool.posted == 2 * len(NAMES) and not state.jobs
    judge(pool, value, lab["DNS_B"])
    codes = collections.Counter(c for crew in pool.crews.values() for _, c in crew.codes)
    print("supervisors ended with", dict(codes))
    assert set(codes) <= {-signal.SIGKILL, 101}, codes
