# SPDX-License-Identifier: Apache-2.0
"""Pools of domainproofd for tests: topics, settings and a Redis of their own,
so that tests don't disturb each other. Everything ends by its own pid."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
import uuid

import kafka
import redis as redislib
from kafka.admin import KafkaAdminClient

import oracle
from oracle import LANES, PARTITIONS, ROOT, until

BUILD = os.environ.get("DOMAINPROOF_BUILD") or os.path.join(
    ROOT, os.environ.get("BUILD", "build"))


class Redis:
    def __init__(self, folder):
        self.sock = folder + "/redis.sock"
        self.argv = ["redis-server", "--port", "0", "--unixsocket", self.sock, "--save", "",
                     "--appendonly", "no", "--dir", folder]
        self.server = None
        self.start()

    def start(self):
        """Empty: what it knew is gone."""
        self.server = subprocess.Popen(self.argv, stdout=subprocess.DEVNULL)
        self.client = redislib.Redis(unix_socket_path=self.sock, decode_responses=True)
        until(self.answers, 10, "Redis answers")

    def answers(self):
        try:
            return self.client.ping()
        except redislib.exceptions.ConnectionError:
            return False

    def kill(self):
        self.server.kill()
        self.server.wait()

    def signal(self, sig):
        os.kill(self.server.pid, sig)


class Crew:
    """One slot: a supervisor and its children."""

    def __init__(self, pool, slot, conf, program="domainproofd", env=None):
        self.pool, self.slot, self.conf, self.program = pool, slot, conf, program
        self.env, self.process, self.codes = env or {}, None, []
        self.log = "%s.%d.log" % (conf, len(pool.ever))
        open(self.log, "w").close()
        pool.ever.append(self)

    def start(self, ready=True):
        self.since = os.path.getsize(self.log)
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **self.env}
        env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                ["%s/%s" % (BUILD, self.program), "-c", self.conf], env=env, cwd="/",
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        if ready:
            self.wait_event("crew.ready")
        return self

    def lines(self):
        """Log lines since the last start."""
        with open(self.log, errors="replace") as f:
            f.seek(self.since)
            return [json.loads(line) for line in f if line.startswith("{") and
                    line.endswith("}\n")]

    def events(self, name, **fields):
        return [line for line in self.lines() if line["event"] == name and
                all(line.get(k) == v for k, v in fields.items())]

    def wait_event(self, name, limit_s=60, n=1, **fields):
        until(lambda: len(self.events(name, **fields)) >= n or self.ended(), limit_s,
              lambda: "%s of slot %s; its log ends:\n%s" % (name, self.slot, self.tail()))
        found = self.events(name, **fields)
        assert len(found) >= n, "slot %s ended with %s; its log ends:\n%s" % (
            self.slot, self.process.returncode, self.tail())
        return found

    def tail(self, lines=15):
        with open(self.log, errors="replace") as f:
            return "".join(line[:400] for line in f.readlines()[-lines:])

    def ended(self):
        if self.process.poll() is None:
            return False
        if not self.codes or self.codes[-1][0] != self.process.pid:
            self.codes.append((self.process.pid, self.process.returncode))
        return True

    def children(self):
        """{name: pid} of the scheduler and the resolvers"""
        found = {}
        try:
            with open("/proc/%d/task/%d/children" % ((self.process.pid,) * 2)) as f:
                pids = f.read().split()
        except OSError:
            return found
        for pid in map(int, pids):
            try:
                with open("/proc/%d/comm" % pid) as f:
                    found[f.read().strip()] = pid
            except OSError:
                pass
        return found

    def scheduler(self):
        return until(lambda: self.children().get("scheduler"), 30, "a scheduler runs")

    def kill(self):
        """The machine is lost: all at once, and nobody restarts it."""
        pids = list(self.children().values())
        self.process.kill()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def end(self, limit_s=40):
        """Drains; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(limit_s)

    def crashes(self):
        """What its whole log says of bugs: sanitizers, and children that ended
        by a signal that nobody sent."""
        with open(self.log, errors="replace") as f:
            return [line for line in f if
                    re.search(r"ERROR: |runtime error: |Assertion", line) or
                    '"child.ended"' in line and
                    not re.search(r'"code":(?!101)-?\d+,"signal":(0|9|15)}', line)]


class Pool:
    def __init__(self, lab, folder, program="domainproofd", settings=None, policy=None):
        self.lab, self.folder, self.program = lab, folder, program
        self.name = "t" + uuid.uuid4().hex[:8]
        self.prefix = self.name + "."
        self.settings, self.policy = settings or {}, policy or {}
        self.redis_server = Redis(folder)
        self.crews, self.ever, self.readers = {}, [], {}
        self.posted = 0
        self.write_policy()
        self.conf("topics")
        self.cli("topics", "apply")
        self.producer = kafka.KafkaProducer(
            bootstrap_servers=lab["KAFKA"], acks="all", linger_ms=5,
            max_request_size=1 << 21, compression_type=None)

    @property
    def redis(self):
        return self.redis_server.client

    # -- files

    @staticmethod
    def _set(text, changes):
        for key, value in changes.items():
            text, n = re.subn(r'(?m)^(\s*%s = )(\[[^]]*\]|[^;]*);' % key,
                              lambda m: "%s%s;" % (m.group(1), value), text)
            assert n == 1, "the settings have not one line for " + key
        return text

    def write_policy(self, **changes):
        self.policy.update(changes)
        with open(self.lab["DOMAINPROOF_POLICY"]) as f:
            text = self._set(f.read(), self.policy)
        with open(self.folder + "/new", "w") as f:
            f.write(text)
        os.rename(self.folder + "/new", self.folder + "/policy.conf")

    def conf(self, slot, file=None, **changes):
        with open(self.lab["DOMAINPROOF_CONF"]) as f:
            text = f.read()
        path = "%s/%s.conf" % (self.folder, file or slot)
        with open(path, "w") as f:
            f.write(self._set(text, {
                "name": '"%s"' % self.name, "slot": '"%s"' % slot,
                "prefix": '"%s"' % self.prefix, "run_dir": '"%s/run"' % self.folder,
                "url": '"unix:%s"' % self.redis_server.sock, **self.settings, **changes}))
        os.chmod(path, 0o600)
        return path

    def cli_argv(self):
        return [BUILD + "/domainproof", "-c", self.folder + "/topics.conf"]

    def cli(self, *args):
        run = subprocess.run([*self.cli_argv(), *args], capture_output=True, text=True,
                             timeout=60)
        assert run.returncode == 0, (args, run.stdout, run.stderr)
        return run.stdout

    # -- processes

    def crew(self, slot="1", env=None, start=True, program=None, file=None, **changes):
        """A further slot; file: what its settings are called."""
        crew = Crew(self, slot, self.conf(slot, file, **changes),
                    program or self.program, env)
        self.crews[file or slot] = crew
        return crew.start() if start else crew

    def stop(self):
        """All slots drain, one after the other's signal; none may fail."""
        running = [c for c in self.crews.values() if c.process and c.process.poll() is None]
        for crew in running:
            crew.process.send_signal(signal.SIGTERM)
        for crew in running:
            assert crew.process.wait(40) == 0, crew.tail()

    def kill(self):
        """Whatever still runs, stopped or not."""
        for crew in self.crews.values():
            if crew.process and crew.process.poll() is None:
                crew.kill()

    def close(self):
        self.kill()
        self.producer.close(timeout=1)
        for reader in self.readers.values():
            reader.close()
        self.redis_server.signal(signal.SIGCONT)
        self.redis_server.kill()
        admin = KafkaAdminClient(bootstrap_servers=self.lab["KAFKA"])
        admin.delete_topics([t for t in admin.list_topics() if t.startswith(self.prefix)])
        admin.close()
        found = [line for crew in self.ever for line in crew.crashes()]
        assert len(found) == self.crashes_wanted, found

    # -- jobs in

    def send(self, value, key=None, lane="jobs", partition=None, headers=None):
        return self.producer.send(
            self.prefix + lane, value=value, key=key, partition=partition,
            headers=headers or [])

    def post(self, org, domain, job, kind="verify", lane="jobs", key=None, **data):
        """A job as a client sends it: the domain is the key, murmur2."""
        self.posted += 1
        body = {"specversion": "1.0", "id": job, "source": "//tests", "type":
                "domainproof.job.v1",
                "data": {"org": org, "domain": domain, "kind": kind, **data}}
        return self.send(json.dumps(body).encode(), (key or domain).encode(), lane)

    def flush(self):
        self.producer.flush(20)

    # -- what came of them

    def reader(self, topic, committed=True):
        if (topic, committed) not in self.readers:
            self.readers[topic, committed] = oracle.Reader(
                self.lab["KAFKA"], self.prefix + topic, committed)
        return self.readers[topic, committed]

    def docs(self, topic, whole=True, **data):
        """Committed results or events up to now, or (not whole) those that
        happen to have come, parsed and checked."""
        reader = self.reader(topic)
        reader.to_end() if whole else reader.poll()
        for r in reader.records[len(reader.docs):]:
            doc = self._doc(topic, r)
            reader.docs.append(doc)
            reader.by_key.setdefault(r.key.decode(), []).append(doc)
        return [d for d in reader.docs if all(d["data"].get(k) == v for k, v in data.items())]

    def _doc(self, topic, r):
        assert r.headers == [("content-type", b"application/cloudevents+json")], r.headers
        doc = json.loads(r.value)
        if self.checks_all or r.offset % 50 == 0:
            oracle.SCHEMAS.check("result" if topic == "results" else "event", doc)
        key = r.key.decode()
        if topic == "results":
            assert key == doc["id"] == "%(org)s/%(domain)s/%(id)s" % doc["data"]
        else:
            assert key == doc["data"].get("domain", key)
        doc["partition"], doc["offset"] = r.partition, r.offset
        return doc

    checks_all = True  # every message against its schema, or some
    crashes_wanted = 0

    def results(self, **data):
        return self.docs("results", **data)

    def events(self, name, **data):
        return [d for d in self.docs("events", **data)
                if d["type"] == "domainproof.%s.v1" % name]

    def result(self, org, domain, job, limit_s=30):
        """Waits for it; there is one."""
        key, known = "%s/%s/%s" % (org, domain, job), self.reader("results").by_key
        until(lambda: key in known or (self.docs("results", False) and key in known), limit_s,
              lambda: "a result of %s; logs end:\n%s" % (key, self.tails()))
        found, = known[key]
        return found["data"]

    def verify(self, org, domain, job=None, limit_s=30, **data):
        job = job or "v" + uuid.uuid4().hex[:10]
        self.post(org, domain, job, **data)
        self.flush()
        return self.result(org, domain, job, limit_s)

    def claim(self, org, domain, job=None):
        """Begins a claim; the value to publish."""
        job = job or "c" + uuid.uuid4().hex[:10]
        self.post(org, domain, job, kind="claim")
        self.flush()
        assert self.result(org, domain, job)["outcome"] == "done"
        return self.issued(org, domain)

    def issued(self, org, domain):
        """What the newest generation is to publish."""
        return self.events("record.issued", org=org, domain=domain)[-1]["data"]["record"]["value"]

    def tails(self):
        return "".join("-- %s\n%s" % (name, crew.tail()) for name, crew in self.crews.items())

    def claim_doc(self, org, domain):
        """The claim in Redis: (hash, doc), the doc checked."""
        h = self.redis.hgetall("domainproof:claim:%s:%s" % (domain, org))
        return h, oracle.SCHEMAS.check("claim-doc", json.loads(h["doc"])) if h else None

    def job_doc(self, org, job):
        h = self.redis.hgetall("domainproof:job:%s:%s" % (org, job))
        return h, oracle.SCHEMAS.check("job-doc", json.loads(h["doc"])) if h else None

    def state(self, committed=True):
        return oracle.State(self.reader("state", committed).to_end())

    # -- what must hold at the end

    def check_log(self):
        """Nothing is under way any more: each identity has one result, no
        version goes back, the group's offsets are the state's `pos`."""
        seen = {}
        for r in self.reader("results").to_end():
            assert r.key not in seen, (r, seen[r.key])
            seen[r.key] = r
        state = self.state()
        for key, vers in state.vers.items():
            assert all(a <= b for a, b in zip(vers, vers[1:])), (key, vers)
        offsets = oracle.group_offsets(self.lab["KAFKA"], self.name, self.prefix)
        for p, pos in state.pos.items():
            assert pos.partitions == PARTITIONS
            assert {lane: offsets[lane].get(p) for lane in LANES} == pos.next, p

    def check(self, limit_s=10):
        """And Redis is, or soon will be, what the state topic says."""
        state = until(self._settled, limit_s, lambda: "Redis is as the state: %s" % self.wrong[:5])
        self.check_log()
        return state

    def _settled(self):
        state = self.state()
        self.wrong = oracle.redis_differs(self.redis, state)
        return None if self.wrong else state

    def caught_up(self):
        """Every record of a lane has been taken in."""
        offsets = oracle.group_offsets(self.lab["KAFKA"], self.name, self.prefix)
        return all(offsets[lane].get(r.partition, 0) > r.offset
                   for lane in LANES for r in self.reader(lane).to_end())


def keep(pool, node):
    """Logs of a pool whose test failed."""
    if not getattr(node, "failed_here", False):
        return None
    folder = os.path.join(os.environ.get("DOMAINPROOF_STACK", "/tmp"), "failed", pool.name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for crew in pool.ever:
        shutil.copy(crew.log, folder)
    return folder


def fresh(kind):
    return "%s%s" % (kind, uuid.uuid4().hex[:8])


def now_ms():
    return int(time.time() * 1000)
