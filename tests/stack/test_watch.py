# SPDX-License-Identifier: Apache-2.0
"""Somebody looks at the page: published now, green within moments, though the
next look is an hour away; and nobody's cache learns from us that there is
nothing. The zone's negative TTL is half an hour."""
import subprocess
import time
from datetime import datetime, timezone

import pytest

import oracle_mail
from crew import fresh
from oracle import ask, cached, control, until
from test_functions import claim_with_key, doc_of, publish, status

LIMIT_S = 60  # from publication to green, where the policy looks every 30 s
GAP_S = 2     # the lab's policy


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return oracle_mail.key_pair(tmp_path_factory.mktemp("keys"))


def at(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(
        tzinfo=timezone.utc).timestamp()


def begun(pool, org, domain, keys, lab):
    """A job that has been looked at: what is to be published, job, next look."""
    control(lab["UNBOUND_CONF"], "flush_zone slow.test.")
    records = claim_with_key(pool, org, domain, keys)
    job = pool.cli("activate", domain, "--org", org).split()[2]
    doc = doc_of(pool, org, domain,
                 lambda d: len(d["checks"]) == 4 and d["job"]["next_at"], "looked at")
    assert status(doc) == ("amber", "pending", "pending")
    said = doc["checks"]["ownership"]
    assert said["code"] == "NOT_PUBLISHED"
    return records, job, doc["job"]["next_at"]


def denials(lab, domain):
    """What the public view has been told is not there, of all names of ours"""
    names = [domain, "_example-challenge." + domain, "s1._domainkey." + domain,
             "_domainkey." + domain, "_dmarc." + domain]
    return [line for name in names for line in cached(lab["UNBOUND_CONF"], name)]


def test_this_test_would_see_a_denial(lab):
    name = fresh("seen") + ".slow.test"
    assert ask(lab["RESOLVER"], name, recurse=True).outcome == "nxdomain"
    held, = [line.split() for line in denials(lab, name)
             if line.startswith("msg") and " TXT " in line]
    assert int(held[6]) > 1700  # for half an hour
    control(lab["UNBOUND_CONF"], "flush_zone slow.test.")


@pytest.mark.parametrize("verb", [("wait",), ("status", "--watch")])
def test_green_while_somebody_watches(new_pool, zone, lab, keys, verb):
    pool = new_pool(policy={"backoff": '["1 h"]'})
    pool.crew()
    org, domain = "acme", fresh("w") + ".slow.test"
    records, job, next_at = begun(pool, org, domain, keys, lab)
    assert at(next_at) - time.time() > 3000
    watcher = subprocess.Popen(pool.cli_argv() + [verb[0], domain, "--org", org, *verb[1:]],
                               stdout=subprocess.PIPE, text=True)
    try:
        until(lambda: pool.results(org=org, domain=domain, kind="watch"), 20, "watched")
        time.sleep(3 * GAP_S)  # looks that find nothing
        assert watcher.poll() is None and denials(lab, domain) == []
        publish(zone, records)
        began = time.monotonic()
        doc_of(pool, org, domain, lambda d: d["shield"] == "green", "green", LIMIT_S)
        took = time.monotonic() - began
        assert watcher.wait(timeout=20) == 0
    finally:
        watcher.kill()
        out = watcher.communicate()[0]
    print("green %.1f s after publication" % took)
    assert took < LIMIT_S and "verified" in out
    r = pool.result(org, domain, job)
    assert r["outcome"] == "verified" and at(r["settled_at"]) < at(next_at) - 3000
    # the job's own looks did not come more often
    assert r["looks"] <= 2


def test_green_at_the_next_look_when_nobody_does(new_pool, zone, lab, keys):
    pool = new_pool(policy={"backoff": '["8 s"]'})
    pool.crew()
    org, domain = "acme", fresh("n") + ".slow.test"
    records, job, next_at = begun(pool, org, domain, keys, lab)
    assert denials(lab, domain) == []
    publish(zone, records)
    assert time.time() < at(next_at) - 1
    r = pool.result(org, domain, job)
    assert r["outcome"] == "verified" and r["looks"] == 2
    assert -0.5 < at(r["settled_at"]) - at(next_at) < 3
