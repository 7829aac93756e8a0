# SPDX-License-Identifier: Apache-2.0
"""The command on the real stack: Kafka and the lab's DNS are the stack's, under
topics of these tests' own; Redis is one of their own, whose hashes they write
as the scheduler does. What was posted is read with another Kafka client."""
import json
import os
import pty
import random
import re
import select
import shutil
import signal
import subprocess
import time
import uuid

import jsonschema
import kafka
import pytest
import redis as redislib
from kafka.admin import KafkaAdminClient
from kafka.partitioner.default import murmur2
from referencing import Registry, Resource

ROOT = os.path.realpath(__file__).rsplit("/tests/", 1)[0]
BUILD = os.environ.get("DOMAINPROOF_BUILD", ROOT + "/build")
PROGRAM = os.path.join(ROOT, BUILD, "domainproof")
PARTITIONS = 8
TOKEN = "mfrggzdfmztwq2lknnwg23tpobyxe43u"


# --- what they stand on -------------------------------------------------------

@pytest.fixture(scope="module")
def lab():
    """Addresses of the running stack."""
    out = subprocess.run([ROOT + "/ops/stack", "env"], check=True, text=True,
                         capture_output=True, cwd=ROOT).stdout
    env = dict(re.findall(r"^export (\w+)='([^']*)'$", out, re.M))
    assert subprocess.run([ROOT + "/ops/stack", "status"], cwd=ROOT,
                          capture_output=True).returncode == 0, \
        "the stack does not run: ops/stack up"
    return env


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")
    sock = str(folder / "s")
    server = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", sock, "--save", "",
         "--appendonly", "no", "--dir", str(folder)], stdout=subprocess.DEVNULL)
    client = redislib.Redis(unix_socket_path=sock, decode_responses=True)
    until = time.monotonic() + 10
    while True:
        try:
            client.ping()
            break
        except redislib.exceptions.ConnectionError:
            assert time.monotonic() < until and server.poll() is None
            time.sleep(0.01)
    client.sock, client.pid = sock, server.pid
    yield client
    server.kill()
    server.wait()


@pytest.fixture
def redis(own_redis):
    """Empty, and complete: every partition's mark is there."""
    own_redis.flushall()
    own_redis.hset("domainproof:meta", mapping={"partitions": PARTITIONS, "format": 1})
    for p in range(PARTITIONS):
        own_redis.set("domainproof:pos:%d" % p, 1)
    return own_redis


@pytest.fixture(scope="module")
def prefix(lab):
    name = "cli%s." % uuid.uuid4().hex[:8]
    yield name
    admin = KafkaAdminClient(bootstrap_servers=lab["KAFKA"])
    admin.delete_topics([t for t in admin.list_topics() if t.startswith(name)])
    admin.close()


def settings_text(lab, own_redis, prefix, **changes):
    with open(lab["DOMAINPROOF_CONF"]) as f:
        text = f.read()
    change = {"prefix": prefix, "url": "unix:" + own_redis.sock, **changes}
    for key, value in change.items():
        text, n = re.subn(r'(?m)^(\s*%s = )"[^"]*";' % key,
                          lambda m: '%s"%s";' % (m.group(1), value), text)
        assert n == 1, key
    # a machine that is busy is no server that is silent
    text, n = re.subn(r"(?m)^(\s*timeout_ms = )\d+;", r"\g<1>3000;", text)
    assert n == 1
    return text


@pytest.fixture(scope="module")
def conf(lab, own_redis, prefix, tmp_path_factory):
    path = tmp_path_factory.mktemp("conf") / "domainproofd.conf"
    path.write_text(settings_text(lab, own_redis, prefix))
    path.chmod(0o600)
    return str(path)


class Cli:
    def __init__(self, lab, conf):
        self.env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                    "DOMAINPROOF_POLICY": lab["DOMAINPROOF_POLICY"]}
        if conf:
            self.env["DOMAINPROOF_CONF"] = conf
        if "ASAN_OPTIONS" in os.environ:
            self.env["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"]

    def popen(self, *args, **kw):
        return subprocess.Popen([PROGRAM, *args], env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)

    def __call__(self, *args, want=0, stdin=None, timeout=60):
        p = self.popen(*args, stdin=subprocess.PIPE)
        out, err = p.communicate(stdin, timeout=timeout)
        assert p.returncode == want, (args, p.returncode, out, err)
        assert "ERROR: AddressSanitizer" not in err
        self.out, self.err = out, err
        return out


@pytest.fixture
def cli(lab, conf):
    return Cli(lab, conf)


@pytest.fixture(scope="module")
def topics(lab, conf):
    Cli(lab, conf)("topics", "apply")


@pytest.fixture(scope="module")
def job_schema():
    def load(name):
        with open("%s/schemas/%s.json" % (ROOT, name)) as f:
            return json.load(f)
    registry = Registry()
    for name in ("common", "codes", "job"):
        schema = load(name)
        registry = registry.with_resource(schema["$id"], Resource.from_contents(schema))
    return jsonschema.Draft202012Validator(load("job"), registry=registry)


def read_topic(lab, name):
    """All records now in it, by another client."""
    consumer = kafka.KafkaConsumer(bootstrap_servers=lab["KAFKA"], group_id=None,
                                   enable_auto_commit=False)
    parts = [kafka.TopicPartition(name, p) for p in consumer.partitions_for_topic(name)]
    consumer.assign(parts)
    ends = consumer.end_offsets(parts)
    consumer.seek_to_beginning()
    found = []
    until = time.monotonic() + 20
    while any(consumer.position(p) < ends[p] for p in parts):
        assert time.monotonic() < until
        for records in consumer.poll(timeout_ms=500).values():
            found += records
    consumer.close()
    return found


# --- hashes as the scheduler writes them --------------------------------------

def rfc3339(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms / 1000)) + ".%03dZ" % (ms % 1000)


def put_claim(r, domain, org, status, shield, code="", job=None, say="", fix="",
              verdict="none"):
    now = int(time.time() * 1000)
    doc = {"org": org, "domain": domain, "status": status, "shield": shield,
           "since": rfc3339(now), "looked_at": rfc3339(now) if verdict else None,
           "generation": 1, "contested": False,
           "record": {"name": "_example-challenge." + domain, "type": "TXT",
                      "value": "token=%s expiry=never" % TOKEN},
           "checks": {"ownership": {
               "verdict": verdict, "code": code, "assurance": "", "saw": "",
               "say": say, "fix": fix}} if verdict else {}}
    if job:
        doc["job"] = {"id": job, "kind": "verify", "outcome": "open", "looks": 3,
                      "next_at": rfc3339(now + 25000), "deadline_at": rfc3339(now + 90000)}
    r.hset("domainproof:claim:%s:%s" % (domain, org), mapping={
        "ver": 3, "status": status, "shield": shield, "code": code, "assurance": "",
        "since_ms": now - 5000, "look_ms": now - 2000 if verdict else 0,
        "next_ms": now + 25000 if job else 0, "deadline_ms": now + 90000 if job else 0,
        "job": job or "", "doc": json.dumps(doc)})


def put_job(r, org, job, domain, outcome, code="", **more):
    now = int(time.time() * 1000)
    doc = {"org": org, "domain": domain, "id": job, "kind": "verify", "outcome": outcome,
           "looks": 2, "accepted_at": rfc3339(now), "deadline_at": rfc3339(now + 90000), **more}
    r.hset("domainproof:job:%s:%s" % (org, job), mapping={
        "ver": 2, "domain": domain, "outcome": outcome, "code": code, "looks": 2,
        "next_ms": 0, "deadline_ms": now + 90000, "doc": json.dumps(doc)})


# --- words --------------------------------------------------------------------

@pytest.mark.parametrize("args, code, says", [
    ((), 0, "proves that"),
    (("--help",), 0, "proves that"),
    (("help", "verify"), 0, "--deadline"),
    (("verify", "--help"), 0, "--deadline"),
    (("version",), 0, "domainproof "),
    (("--version",), 0, "domainproof "),
    (("vrify",), 2, "did you mean verify?"),
    (("verify", "--dedline", "3"), 2, "did you mean --deadline?"),
    (("help", "stats"), 2, "did you mean status"),
    (("verify",), 2, "wants a domain"),
    (("verify", "a.test"), 2, "DOMAINPROOF_ORG"),
    (("verify", "a.test", "--org", "a b"), 2, "organisation"),
    (("verify", "a.test", "--org", "x", "--id", "a/b"), 2, "--id"),
    (("verify", "-f", "/nonexistent"), 2, "/nonexistent"),
    (("wait", "a.test", "b.test"), 2, "one domain"),
    (("status", "--job", "x"), 2, "DOMAINPROOF_ORG"),
    (("topics", "mend"), 2, "plan or apply"),
    (("-c", "/nonexistent", "status", "a.test"), 2, "/nonexistent"),
])
def test_words(cli, args, code, says):
    cli(*args, want=code)
    assert says in (cli.err if code else cli.out)
    if code:
        assert cli.err.count("\n") == 1 and cli.err.startswith("domainproof: ")


def test_every_verb_has_help(cli):
    for verb in re.findall(r"^  (\w+) ", cli("help"), re.M):
        assert cli("help", verb).startswith("domainproof " + verb)
        assert all(len(line) <= 80 for line in cli.out.splitlines())


# --- topics -------------------------------------------------------------------

def until_differs(cli):
    """The broker shows a change a moment after it has taken it."""
    until = time.monotonic() + 10
    while True:
        p = cli.popen("topics", "plan")
        p.communicate(timeout=20)
        if p.returncode != 0:
            return
        assert time.monotonic() < until


def test_topics(lab, own_redis, tmp_path, cli):
    prefix = "clit%s." % uuid.uuid4().hex[:8]
    path = tmp_path / "c.conf"
    path.write_text(settings_text(lab, own_redis, prefix))
    path.chmod(0o600)
    cli.env["DOMAINPROOF_CONF"] = str(path)
    cli("topics", "plan", want=4)
    assert cli.out.count("create") == 8 and "topics apply" in cli.err
    cli("topics", "apply")
    cli("topics", "plan")
    assert cli.out.count("same") == 8

    admin = KafkaAdminClient(bootstrap_servers=lab["KAFKA"])
    try:
        from kafka.admin import ConfigResource, ConfigResourceType
        admin.alter_configs([ConfigResource(
            ConfigResourceType.TOPIC, prefix + "jobs",
            configs={"retention.ms": "1000", "file.delete.delay.ms": "7777"})])
        until_differs(cli)
        cli("topics", "plan", "--json", want=4)
        bad = [json.loads(x) for x in cli.out.splitlines() if '"same"' not in x]
        assert {x["step"] for x in bad} == {"alter"}
        assert any("retention.ms: 1000 -> 604800000" in x["text"] for x in bad)
        cli("topics", "apply")
        cli("topics", "plan")
        # what is not ours stays
        res = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, prefix + "jobs")])
        assert "7777" in str(res)
        cli("topics", "plan", "--partitions", "9", want=4)
        assert "has 8 partitions, 9 are wanted" in cli.out
    finally:
        admin.delete_topics([t for t in admin.list_topics() if t.startswith(prefix)])
        admin.close()


def test_kafka_is_down(lab, own_redis, prefix, tmp_path, cli):
    path = tmp_path / "c.conf"
    path.write_text(settings_text(lab, own_redis, prefix, brokers="127.0.0.1:1"))
    path.chmod(0o600)
    cli.env["DOMAINPROOF_CONF"] = str(path)
    began = time.monotonic()
    cli("verify", "a.test", "--org", "acme", want=5)
    assert "127.0.0.1:1" in cli.err and "running?" in cli.err
    cli("topics", "plan", want=5)
    assert time.monotonic() - began < 8
    cli("doctor", want=5)
    assert "127.0.0.1:1" in cli.out
    # and without it
    cli("verify", "a.test", "--org", "acme", "--dry-run")


# --- verify -------------------------------------------------------------------

def test_receipts_are_what_is_in_the_topic(lab, cli, topics, prefix, job_schema):
    run = uuid.uuid4().hex[:6]
    names = ["a%s.test" % run, "Bücher%s.Test." % run, "c%s.cli-lab.com" % run]
    cli("verify", *names, "--org", "acme", "--id", "r" + run, "--deadline", "90s")
    receipts = {}
    for line in cli.out.splitlines():
        domain, org, job, partition, offset = line.split(" ")
        receipts[job] = (domain, org, int(partition), int(offset))
    assert set(receipts) == {"r%s-%d" % (run, i) for i in (1, 2, 3)}
    found = {json.loads(r.value)["id"]: r for r in read_topic(lab, prefix + "jobs")}
    for job, (domain, org, partition, offset) in receipts.items():
        record = found[job]
        message = json.loads(record.value)
        job_schema.validate(message)
        assert message["data"] == {"org": org, "domain": domain, "kind": "verify",
                                   "deadline_s": 90}
        assert (record.partition, record.offset) == (partition, offset)
        assert record.key.decode() == domain
        assert partition == (murmur2(record.key) & 0x7fffffff) % PARTITIONS
        assert dict(record.headers)["content-type"] == b"application/cloudevents+json"
    assert any(d.startswith("xn--") for d, *_ in receipts.values())


def test_one_domain_keeps_its_id(cli, topics):
    cli("verify", "one.test", "--org", "acme", "--id", "mine")
    assert cli.out.split()[2] == "mine"
    ids = {cli("verify", "one.test", "--org", "acme").split()[2] for _ in range(3)}
    assert len(ids) == 3 and all(re.fullmatch("[a-z2-7]{26}", i) for i in ids)


def test_lines(lab, cli, topics, prefix):
    run = uuid.uuid4().hex[:6]
    lines = [
        "# a comment", "", "   ",
        "a%s.test" % run,
        "b%s.test , other" % run,
        "bad_name.test",
        json.dumps({"domain": "c%s.test" % run, "deadline_s": 5, "id": "own" + run}),
        json.dumps({"specversion": "1.0", "id": "env" + run, "source": "me",
                    "type": "domainproof.job.v1",
                    "data": {"org": "third", "domain": "d%s.test" % run, "kind": "verify"}}),
        '{"domain":"x.test"',
        '{"domain":"x.test","kind":"zap"}',
        "gmail.com",
        "co.uk",
        "e.test," + "o" * 65,
        "x" * 40000,
        "f%s.test\r" % run,
    ]
    cli("verify", "-", "--org", "acme", "--json", "--lane", "bulk",
        stdin="\ufeff" + "\n".join(lines), want=4)
    got = [json.loads(x) for x in cli.out.splitlines()]
    assert {(x["domain"][0], x["org"]) for x in got} == {
        ("a", "acme"), ("b", "other"), ("c", "acme"), ("d", "third"), ("f", "acme")}
    assert {"own" + run, "env" + run} <= {x["id"] for x in got}
    assert [int(n) for n in re.findall(r"^domainproof: stdin:(\d+): ", cli.err, re.M)] == \
        [6, 9, 10, 11, 12, 13, 14]
    assert "public_mail_domain" in cli.err and "public_suffix" in cli.err
    found = {json.loads(r.value)["id"] for r in read_topic(lab, prefix + "bulk")}
    assert {x["id"] for x in got} <= found


def test_receipts_come_while_the_input_is_open(cli, topics):
    p = cli.popen("verify", "-", "--org", "acme", stdin=subprocess.PIPE)
    for name in ("slow1.test", "slow2.test"):
        p.stdin.write(name + "\n")
        p.stdin.flush()
        assert select.select([p.stdout], [], [], 10)[0]
        assert p.stdout.readline().startswith(name + " acme ")
    p.stdin.close()
    assert p.wait(timeout=20) == 0


def test_last_line_without_its_end(cli):
    for text in ("a.test\nb.test", "a.test\nb.test\n", "\n\na.test\r\nb.test\n\n"):
        cli("verify", "-", "--org", "acme", "-n", stdin=text)
        assert [json.loads(x)["data"]["domain"] for x in cli.out.splitlines()] == \
            ["a.test", "b.test"]
    cli("verify", "-", "--org", "acme", "-n", stdin="")
    assert cli.out == ""


def test_dry_run_posts_nothing(lab, cli, topics, prefix, job_schema):
    cli("verify", "dry.test", "--org", "acme", "--dry-run", "--id", "dry")
    message = json.loads(cli.out)
    job_schema.validate(message)
    assert message["data"]["domain"] == "dry.test"
    assert "dry" not in {json.loads(r.value)["id"] for r in read_topic(lab, prefix + "jobs")}


def test_long_input_needs_no_memory(lab, conf, topics, tmp_path):
    def peak(n):
        path = tmp_path / "in"
        with open(path, "w") as f:
            f.writelines("d%d.test\n" % i for i in range(n))
        p = subprocess.Popen([PROGRAM, "verify", "-f", str(path), "--org", "acme",
                              "--lane", "bulk"], stdout=open(tmp_path / "out", "w"),
                             env=Cli(lab, conf).env)
        _, status, usage = os.wait4(p.pid, 0)
        assert status == 0
        with open(tmp_path / "out") as f:
            assert sum(1 for _ in f) == n
        return usage.ru_maxrss
    if "san" in BUILD:
        peak(3000)
        return
    peak(30000)  # fills the queue
    assert peak(300000) < peak(30000) + 16 * 1024


def test_interrupt(cli, redis):
    p = cli.popen("wait", "never.test", "--org", "acme")
    time.sleep(0.5)
    p.send_signal(signal.SIGINT)
    assert p.wait(timeout=5) == 130
    p = cli.popen("verify", "-", "--org", "acme", "--dry-run", stdin=subprocess.PIPE)
    time.sleep(0.3)
    p.send_signal(signal.SIGTERM)
    assert p.wait(timeout=5) == 130
    p.stdin.close()


# --- status -------------------------------------------------------------------

@pytest.mark.parametrize("status, shield, job, verdict, code", [
    ("verified", "green", None, "pass", 0),
    ("lapsing", "amber", None, "none", 0),
    ("pending", "amber", "j1", "none", 8),
    ("none", "amber", "j1", "", 8),
    ("none", "grey", None, "", 1),
    ("pending", "red", None, "none", 1),
    ("pending", "amber", None, "undecided", 9),
    ("expired", "red", None, "none", 1),
    ("lapsed", "red", None, "none", 1),
    ("released", "grey", None, "none", 1),
])
def test_status(cli, redis, status, shield, job, verdict, code):
    put_claim(redis, "a.test", "acme", status, shield, job=job, verdict=verdict)
    cli("status", "a.test", "--org", "acme", want=code)
    assert cli.out.startswith("● " + status)
    cli("status", "a.test", "--org", "acme", "--json", want=code)
    got = json.loads(cli.out)
    assert got["domain"] == "a.test" and got["org"] == "acme" and got["exit"] == code
    assert got["status"] == status and got["shield"] == shield
    assert (got["job"] or {}).get("id") == job
    if verdict:
        assert got["checks"]["ownership"]["verdict"] == verdict
        assert 1 <= got["age_s"] <= 10


@pytest.mark.parametrize("spf, job, code", [
    ("active", None, 0), ("lapsing", None, 0), ("none", None, 0), ("pending", "j1", 8),
    ("lapsed", None, 1), ("expired", None, 1), ("lapsed", "j1", 8)])
def test_status_with_a_function(cli, redis, spf, job, code):
    put_claim(redis, "a.test", "acme", "verified", "green", job=job, verdict="pass")
    key = "domainproof:claim:a.test:acme"
    doc = json.loads(redis.hget(key, "doc"))
    doc["functions"] = {"spf": {"status": spf, "since": None},
                        "dkim": {"status": "none", "since": None}}
    redis.hset(key, "doc", json.dumps(doc))
    cli("status", "a.test", "--org", "acme", want=code)
    # waiting for the proof of ownership alone ends all the same
    cli("wait", "a.test", "--org", "acme", "--for", "verified", "--timeout", "2s", want=code)


def test_status_of_several_is_the_worst(cli, redis):
    put_claim(redis, "a.test", "acme", "verified", "green", verdict="pass")
    put_claim(redis, "b.test", "acme", "pending", "amber", job="j")
    cli("status", "a.test", "b.test", "--org", "acme", want=8)
    cli("status", "a.test", "b.test", "no.test", "--org", "acme", want=3)
    assert "unknown" in cli.out
    cli("status", "a.test", "b.test", "no.test", "bad_.test", "--org", "acme", want=4)
    assert cli.out.count("●") == 3


def test_unknown_only_when_redis_is_complete(cli, redis):
    cli("status", "a.test", "--org", "acme", want=3)
    redis.delete("domainproof:pos:5")
    cli("status", "a.test", "--org", "acme", want=5)
    assert "domainproofd" in cli.err
    put_claim(redis, "a.test", "acme", "verified", "green", verdict="pass")
    cli("status", "a.test", "--org", "acme")
    redis.flushall()
    cli("status", "--job", "j", "--org", "acme", want=5)


def test_redis_is_down(lab, own_redis, prefix, tmp_path, cli):
    path = tmp_path / "c.conf"
    path.write_text(settings_text(lab, own_redis, prefix, url="redis://127.0.0.1:1"))
    path.chmod(0o600)
    cli.env["DOMAINPROOF_CONF"] = str(path)
    cli("status", "a.test", "--org", "acme", want=5)
    assert "127.0.0.1:1" in cli.err


@pytest.mark.parametrize("outcome, code", [
    ("open", 8), ("verified", 0), ("expired", 1), ("failed", 1), ("undecided", 9),
    ("rejected", 4), ("cancelled", 1), ("joined", 0), ("done", 0), ("odd", 3)])
def test_status_of_a_job(cli, redis, outcome, code):
    put_job(redis, "acme", "j1", "a.test", outcome)
    cli("status", "--job", "j1", "--org", "acme", want=code)
    assert outcome in cli.out and "a.test" in cli.out
    cli("status", "--job", "j1", "--org", "acme", "--json", want=code)
    assert json.loads(cli.out)["job"]["outcome"] == outcome


def test_explain(cli, redis):
    put_claim(redis, "a.test", "acme", "pending", "amber", "NOT_PUBLISHED", "j",
              say="We looked and found none.", fix="Add it.")
    cli("status", "a.test", "--org", "acme", "--explain", want=8)
    assert "We looked and found none." in cli.out and re.search(r"fix +Add it\.$", cli.out, re.M)
    cli("status", "a.test", "--org", "acme", want=8)
    assert "We looked" not in cli.out


def test_nothing_from_outside_reaches_the_terminal(cli, redis):
    evil = "x\x1b[2J\x9b\u202e\r\ny"
    put_claim(redis, "a.test", "acme", "pending" + evil, "amber" + evil, evil, "j" + evil,
              say=evil, fix=evil)
    put_job(redis, "acme", "j1", "a.test" + evil, "open", evil)
    for args in (("status", "a.test", "--explain"), ("status", "--job", "j1", "--explain"),
                 ("status", "a.test", "--json"), ("status", "--job", "j1", "--json")):
        p = cli.popen(*args, "--org", "acme")
        out, err = p.communicate(timeout=20)
        assert "x" in out
        for bad in ("\x1b", "\x9b", "\u202e", "\r"):
            assert bad not in out + err, (args, out)


def on_a_terminal(cli, *args, env=None):
    master, slave = pty.openpty()
    p = subprocess.Popen([PROGRAM, *args], env={**cli.env, **(env or {})}, stdin=slave,
                         stdout=slave, stderr=slave)
    os.close(slave)
    out = b""
    while True:
        if not select.select([master], [], [], 20)[0]:
            break
        try:
            got = os.read(master, 4096)
        except OSError:
            break
        if not got:
            break
        out += got
    os.close(master)
    p.wait(timeout=10)
    return out.decode()


def test_colours(cli, redis):
    put_claim(redis, "a.test", "acme", "verified", "green", verdict="pass")
    assert "\x1b[32m●" in on_a_terminal(cli, "status", "a.test", "--org", "acme")
    assert "\x1b" not in on_a_terminal(cli, "status", "a.test", "--org", "acme",
                                       env={"NO_COLOR": "1"})
    assert "\x1b" not in cli("status", "a.test", "--org", "acme")


def test_u_label_beside_a_label(cli, redis):
    put_claim(redis, "xn--bcher-kva.test", "acme", "verified", "green", verdict="pass")
    cli("status", "bücher.test", "--org", "acme")
    assert "bücher.test (xn--bcher-kva.test)" in cli.out


def test_watch(cli, redis):
    p = cli.popen("status", "b.test", "--org", "acme", "--watch")
    assert p.stdout.readline().startswith("● unknown")
    time.sleep(2.5)  # longer than a watch stays when nothing is to come
    assert p.poll() is None
    put_claim(redis, "b.test", "acme", "expired", "red")
    assert p.wait(timeout=10) == 1
    put_claim(redis, "a.test", "acme", "pending", "amber", "NOT_PUBLISHED", "j")
    p = cli.popen("status", "a.test", "--org", "acme", "--watch")
    assert p.stdout.readline().startswith("● pending")
    put_claim(redis, "a.test", "acme", "verified", "green", verdict="pass")
    assert p.stdout.readline().startswith("● verified")
    assert p.wait(timeout=10) == 0


# --- waiting ------------------------------------------------------------------

def test_wait(cli, redis):
    cli("wait", "a.test", "--org", "acme", "--timeout", "300ms", want=3)
    put_claim(redis, "a.test", "acme", "pending", "amber", job="j")
    cli("wait", "a.test", "--org", "acme", "--timeout", "300ms", want=8)
    p = cli.popen("wait", "a.test", "--org", "acme", "--for", "verified")
    time.sleep(0.4)
    assert p.poll() is None
    put_claim(redis, "a.test", "acme", "verified", "green", verdict="pass")
    assert p.wait(timeout=5) == 0
    put_claim(redis, "a.test", "acme", "expired", "red")
    cli("wait", "a.test", "--org", "acme", want=1)
    cli("wait", "a.test", "--org", "acme", "--for", "verified", "--timeout", "300ms", want=8)


def test_wait_for_a_job_follows_the_one_it_joined(cli, redis):
    put_job(redis, "acme", "second", "a.test", "joined", joined="first")
    put_job(redis, "acme", "first", "a.test", "open")
    p = cli.popen("wait", "--job", "second", "--org", "acme")
    time.sleep(0.4)
    assert p.poll() is None
    put_job(redis, "acme", "first", "a.test", "expired")
    assert p.wait(timeout=5) == 1
    cli("wait", "--job", "none", "--org", "acme", "--timeout", "300ms", want=3)


@pytest.mark.parametrize("outcome, code", [
    ("verified", 0), ("expired", 1), ("undecided", 9), ("rejected", 4)])
def test_verify_and_wait(cli, redis, topics, outcome, code):
    job = "w" + uuid.uuid4().hex[:8]
    put_claim(redis, "w.test", "acme", "pending", "red", "NOT_PUBLISHED",
              say="There is none.", fix="Add it.")
    p = cli.popen("verify", "w.test", "--org", "acme", "--id", job, "--wait")
    time.sleep(0.7)
    assert p.poll() is None
    put_job(redis, "acme", job, "w.test", outcome,
            "public_suffix" if outcome == "rejected" else "")
    assert p.wait(timeout=5) == code
    out = p.stdout.read()
    assert outcome in out and ("There is none." in out) == (code in (1, 9))
    assert ("is a public suffix" in out) == (code == 4), out


def test_verify_and_wait_no_longer(cli, redis, topics):
    cli("verify", "w2.test", "--org", "acme", "--wait=300ms", want=8)


def one_receipt(out, domain, job):
    (shown, org, got, partition, offset), = [line.split(" ") for line in out.splitlines()]
    assert (shown, org, got) == (domain, "acme", job)
    assert 0 <= int(partition) < PARTITIONS and int(offset) >= 0


def test_no_receipt_is_lost_by_an_interrupt(cli, redis, topics):
    job = "w" + uuid.uuid4().hex[:8]
    p = cli.popen("verify", "i.test", "--org", "acme", "--id", job, "--wait")
    time.sleep(0.7)
    assert p.poll() is None
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=10)
    assert p.returncode == 130
    one_receipt(out, "i.test", job)


def test_no_receipt_is_lost_when_redis_hangs(cli, redis, topics):
    job = "w" + uuid.uuid4().hex[:8]
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        p = cli.popen("verify", "h.test", "--org", "acme", "--id", job, "--wait")
        # at once, not when the waiting is given up
        assert select.select([p.stdout], [], [], 6)[0] and p.poll() is None
        out, err = p.communicate(timeout=30)
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    assert p.returncode == 5 and "no answer in time" in err
    one_receipt(out, "h.test", job)


def test_wait_is_not_a_busy_loop(cli, redis):
    before = redis.info("commandstats").get("cmdstat_hgetall", {"calls": 0})["calls"]
    cli("wait", "busy.test", "--org", "acme", "--timeout", "3s", want=3)
    after = redis.info("commandstats")["cmdstat_hgetall"]["calls"]
    assert after - before < 20


# --- claim --------------------------------------------------------------------

def claimed(cli, redis, domain, *args, want=0):
    job = "c" + uuid.uuid4().hex[:8]
    put_job(redis, "acme", job, domain, "done")
    put_claim(redis, domain, "acme", "none", "grey", verdict="")
    return cli("claim", domain, "--org", "acme", "--id", job, *args, want=want)


def test_claim_forms(cli, redis, topics):
    value = "token=%s expiry=never" % TOKEN
    out = claimed(cli, redis, "shop.cli-lab.com")
    assert "_example-challenge.shop.cli-lab.com\n" in out
    assert re.search(r"^ +_example-challenge\.shop   if your panel adds \.cli-lab\.com", out, re.M)
    assert "  Value  %s\n" % value in out
    assert claimed(cli, redis, "a.test", "--as", "bind") == \
        '_example-challenge.a.test. 3600 IN TXT "%s"\n' % value
    assert claimed(cli, redis, "a.test", "--as", "split") == '"%s"\n' % value
    for args in (("--as", "json"), ("--json",)):
        got = json.loads(claimed(cli, redis, "a.cli-lab.com", *args))
        assert got["name"] == "_example-challenge.a.cli-lab.com"
        assert got["relative"] == "_example-challenge.a" and got["zone"] == "cli-lab.com"
        assert got["value"] == value and got["type"] == "TXT"


def test_long_value_is_split(cli, redis, topics):
    job = "c" + uuid.uuid4().hex[:8]
    put_job(redis, "acme", job, "a.test", "done")
    put_claim(redis, "a.test", "acme", "none", "grey", verdict="")
    key = "domainproof:claim:a.test:acme"
    doc = json.loads(redis.hget(key, "doc"))
    doc["record"]["value"] = "v" * 600
    redis.hset(key, "doc", json.dumps(doc))
    cli("claim", "a.test", "--org", "acme", "--id", job, "--as", "split")
    assert [len(s) for s in re.findall('"(v*)"', cli.out)] == [255, 255, 90]


def test_claim_refused_and_unanswered(cli, redis, topics):
    cli("claim", "gmail.com", "--org", "acme", want=4)
    assert "public_mail_domain" in cli.err
    job = "c" + uuid.uuid4().hex[:8]
    put_job(redis, "acme", job, "a.test", "rejected", "unknown_org")
    cli("claim", "a.test", "--org", "acme", "--id", job, want=4)
    assert "unknown_org" in cli.err
    cli("claim", "late.test", "--org", "acme", "--timeout", "300ms", want=8)
    assert "doctor" in cli.err


# --- check --------------------------------------------------------------------

@pytest.fixture
def zone(lab):
    """A name of the lab's own, and a way to change its records."""
    name = "cli%s.many.test" % uuid.uuid4().hex[:8]

    def change(verb, owner, *text):
        subprocess.run([ROOT + "/ops/lab/dns", verb, owner, *text], check=True, cwd=ROOT)
    yield name, change
    subprocess.run([ROOT + "/ops/lab/dns", "del", "_example-challenge." + name], cwd=ROOT)


def test_check(cli, redis, zone):
    name, change = zone
    cli("check", name, "--only", "ownership", "--token", TOKEN, want=1)
    assert "NOT_PUBLISHED" in cli.out
    change("set", "_example-challenge." + name, "token=%s expiry=never" % TOKEN)
    cli("check", name, "--only", "ownership", "--token", TOKEN)
    cli("check", name, "--only", "ownership", "--token", "token=%s expiry=never" % TOKEN, "--json")
    got = json.loads(cli.out)
    assert got["exit"] == 0 and got["shield"] == "green"
    assert got["checks"]["ownership"]["verdict"] == "pass"
    cli("check", name, "--only", "ownership", "--token", "a" * 32, want=1)
    assert "TOKEN_OTHER" in cli.out
    cli("check", name, "servfail.test", "--only", "ownership", "--token", TOKEN, want=9)


def test_check_takes_the_claims_token(cli, redis, zone):
    name, change = zone
    change("set", "_example-challenge." + name, "token=%s expiry=never" % TOKEN)
    put_claim(redis, name, "acme", "pending", "amber", job="j")
    cli("check", name, "--org", "acme", "--only", "ownership")
    cli("check", name, "--org", "other", "--only", "ownership", "--json", want=1)


def test_check_needs_nothing(lab, zone):
    name, change = zone
    change("set", "_example-challenge." + name, "token=%s expiry=never" % TOKEN)
    cli = Cli(lab, None)
    cli.env.pop("DOMAINPROOF_POLICY")
    if os.path.exists("/etc/domainproof/domainproofd.conf"):
        pytest.fail("this machine has settings in /etc/domainproof")
    for resolver in (lab["RESOLVER"], lab["RESOLVER"] + ":53", lab["DNS_A"]):
        cli("check", name, "--only", "ownership", "--token", TOKEN, "--service", "example", "--resolver", resolver)
    cli("check", name, "--only", "ownership", "--token", TOKEN, "--service", "other", "--resolver", lab["DNS_A"],
        want=1)
    cli("check", name, "--resolver", "localhost", want=2)
    cli("check", name, "--resolver", lab["DNS_SILENT"], "--service", "example", "--only", "ownership",
        want=9)


def test_check_of_many(cli, redis, tmp_path):
    path = tmp_path / "in"
    path.write_text("".join("n%d.many.test\n" % i for i in range(200)))
    cli("check", "-f", str(path), "--only", "ownership", "--token", TOKEN, "--json", want=1)
    assert len({json.loads(x)["domain"] for x in cli.out.splitlines()}) == 200


# --- doctor -------------------------------------------------------------------

def test_doctor(cli, redis, topics):
    cli("doctor", "--json", want=5)  # nobody works under this pool's name here
    got = [json.loads(x) for x in cli.out.splitlines()]
    by = {x["what"]: x for x in got}
    assert {"settings", "policy", "random", "suffixes", "kafka", "topics", "redis",
            "dns"} <= set(by)
    for what in ("settings", "policy", "random", "kafka", "topics", "redis", "dns"):
        assert by[what]["ok"], by[what]
    assert "validates DNSSEC" in by["dns"]["text"]


def test_doctor_names_what_is_wrong(lab, own_redis, prefix, tmp_path, cli, topics):
    path = tmp_path / "c.conf"
    text = settings_text(lab, own_redis, prefix + "no.", url="redis://127.0.0.1:1")
    path.write_text(re.sub(r'(resolvers|trusted) = \["[^"]*"\]', r'\1 = ["127.0.0.1:1"]', text))
    path.chmod(0o600)
    cli.env["DOMAINPROOF_CONF"] = str(path)
    cli("doctor", "--json", want=5)
    bad = {x["what"]: x for x in map(json.loads, cli.out.splitlines()) if not x["ok"]}
    assert {"topics", "redis", "dns"} <= set(bad)
    assert all(x["fix"] for x in bad.values())
    path.write_text("kafka: { broker = 1; };")
    cli("doctor", want=5)
    assert "c.conf:1" in cli.out
