# SPDX-License-Identifier: Apache-2.0
"""Three brokers, of which some die: a stack of its own beside the other."""
import os
import re
import shutil
import subprocess
import tempfile

import pytest

import crew
from conftest import make_pool
from crew import fresh
from oracle import PARTITIONS, ROOT, until


class Stack:
    def __init__(self, net):
        self.folder = tempfile.mkdtemp(prefix="dp-")
        self.env = {**os.environ, "DOMAINPROOF_STACK": self.folder, "DOMAINPROOF_NET": net,
                    "DOMAINPROOF_BUILD": crew.BUILD}

    def __call__(self, *args):
        run = subprocess.run([ROOT + "/ops/stack", *args], env=self.env, capture_output=True,
                             text=True)
        assert run.returncode == 0, (args, run.stdout, run.stderr)
        return run.stdout


@pytest.fixture
def stack(lab):
    first = lab["DOMAINPROOF_NET"].rsplit(".", 1)
    stack = Stack("%s.%d" % (first[0], (int(first[1]) + 1) % 256))
    try:
        stack("up", "--brokers", "3")
        yield stack
    finally:
        for n in "123":  # at their ease they take 10 s
            stack("broker-kill", n)
        stack("wipe")
        shutil.rmtree(stack.folder, ignore_errors=True)


@pytest.fixture
def pool(request, stack):
    lab = dict(re.findall(r"^export (\w+)='([^']*)'$", stack("env"), re.M))
    pool = make_pool(request, lab)
    pool.crew("1")
    pool.crew("2")
    return pool


def keep_running(pool):
    """As a service manager does: what lost its broker may leave with 111."""
    for c in pool.crews.values():
        if c.ended():
            assert c.process.returncode == 111
            c.start(ready=False)


class Jobs:
    """Some for each partition, most of them open for a while."""

    def __init__(self, pool):
        self.pool, self.want = pool, {}
        for i in range(10 * PARTITIONS):
            domain, job = "%s.many.test" % fresh("b"), fresh("j")
            kind, outcome, more = (("claim", "done", {}) if i % 5 == 0 else
                                   ("verify", "expired", {"deadline_s": 4}))
            self.want[domain, job] = outcome
            pool.post("acme", domain, job, kind, **more)
        pool.flush()

    def wait(self, limit_s=100):
        for (domain, job), outcome in self.want.items():
            key = "acme/%s/%s" % (domain, job)
            until(lambda: keep_running(self.pool) or self.pool.results(id=job), limit_s,
                  lambda: "%s; %s" % (key, self.pool.tails()))
            assert self.pool.result("acme", domain, job)["outcome"] == outcome


def test_brokers_die(pool, stack):
    """Leaders, coordinators and the controller move; below the least number of
    replicas everything waits, and is not lost."""
    jobs = [Jobs(pool)]
    stack("broker-kill", "1")
    jobs.append(Jobs(pool))  # two of three are enough
    jobs[-1].wait()
    stack("broker-start", "1")
    jobs.append(Jobs(pool))
    stack("broker-kill", "2")
    stack("broker-kill", "3")
    keep_running(pool)
    stack("broker-start", "3")
    stack("broker-start", "2")
    jobs.append(Jobs(pool))
    for j in jobs:
        j.wait()
    until(lambda: keep_running(pool) or pool.check(30), 60, "it adds up")
    pool.stop()
