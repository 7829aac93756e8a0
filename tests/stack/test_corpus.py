# SPDX-License-Identifier: Apache-2.0
"""`domainproof check` against the corpus (tests/corpus): every mistake is found
and named, and nothing is found wrong in zones that are right. Real servers of
its own, at addresses of their own; the stack's are not needed."""
import concurrent.futures
import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.realpath(__file__).rsplit("/tests/", 1)[0]
BUILD = os.environ.get("DOMAINPROOF_BUILD") or os.path.join(
    ROOT, os.environ.get("BUILD", "build"))
NET = os.environ.get("DOMAINPROOF_NET", "127.54.0")
sys.path.insert(0, ROOT + "/tests/corpus")
import cases  # noqa: E402
import healthy  # noqa: E402

AT_ONCE = 6
LIMIT_S = 60
# Told by the workers from what they remember, or never of mail that we send
# with d= of the domain itself: no zone by itself brings them about.
NOT_BY_A_LOOK = {"STALE_PAGE", "DMARC_UNALIGNED"}


def load_run():
    loader = importlib.machinery.SourceFileLoader("corpus_run", ROOT + "/tests/corpus/run")
    spec = importlib.util.spec_from_loader("corpus_run", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


run = load_run()
CASES, HEALTHY = cases.read(), healthy.zones()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Servers with all zones, and a checker that asks them."""
    folder = str(tmp_path_factory.mktemp("corpus"))
    more = [part for h in HEALTHY for part in h.parts]
    servers = run.make_lab(folder, NET, BUILD, CASES, more)
    checker = run.Checker(run.CHECKER, folder + "/checker", NET, BUILD)
    try:
        servers.up()
        run.change(servers, CASES)
        yield checker
    finally:
        servers.down()


@pytest.fixture(scope="module")
def answers(served):
    return {c.id: (got, wrong) for c, got, wrong in run.check_all(served, CASES)}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_mistake_is_named(answers, case):
    got, wrong = answers[case.id]
    assert not wrong, (case.title, got.get("say"), got.get("fix"))


def test_every_code_has_a_zone():
    header = open(ROOT + "/lib/core/verdict.c", encoding="utf-8").read()
    codes = set(re.findall(r'\[CODE_\w+\] = "([A-Z][A-Z0-9_]+)"', header))
    have = {c.expect["code"] for c in CASES} | {a for c in CASES
                                                for a in c.expect.get("also", [])}
    assert len(codes) > 50
    assert codes - have == NOT_BY_A_LOOK
    assert have - {""} <= codes


def check(checker, h):
    """All four checks of a healthy zone, by one process."""
    key = "%s/h%d.pem" % (checker.folder, h.n)
    with open(key, "w", encoding="ascii") as f:
        f.write(cases.KEYS[h.key])
    done = subprocess.run(
        [BUILD + "/domainproof", "check", h.asked_as or h.domain, "--token", cases.TOKEN,
         "--selector", h.selector, "--public-key", key, "--json",
         "--conf", checker.confs[cases.INCLUDE, "accept"]],
        capture_output=True, text=True, timeout=LIMIT_S)
    try:
        return json.loads(done.stdout)["checks"]
    except (ValueError, KeyError):
        return {"stderr": done.stderr}


@pytest.fixture(scope="module")
def looked(served):
    served.prepare(CASES)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(range(len(HEALTHY)), pool.map(lambda h: check(served, h), HEALTHY)))


def test_there_are_200_of_all_shapes():
    assert len(HEALTHY) == 200
    assert {h.shape for h in HEALTHY} == set(healthy.SHAPES)


@pytest.mark.parametrize("h", HEALTHY, ids=lambda h: "%d-%s" % (h.n, h.shape.__name__))
def test_nothing_is_wrong_with_what_is_right(looked, h):
    found = looked[h.n]
    assert sorted(found) == sorted(cases.CHECKS), found
    for name, got in found.items():
        assert got["verdict"] == "pass", (name, got["code"], got["say"])
        remarks = set(got.get("also", [])) | {got["code"]} - {"", None}
        assert remarks == h.remarks[name], (name, got["say"], got.get("found"))
        # spf rests on what it includes too, and that is in no signed zone
        proven = h.signed and name != "spf"
        assert got["assurance"] == ("dnssec" if proven else "single")
