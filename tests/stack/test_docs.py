# SPDX-License-Identifier: Apache-2.0
"""What the documents say, as far as a program can hold it against the code."""
import glob
import json
import os
import re
import subprocess

import jsonschema
import pytest
import referencing

ROOT = os.path.realpath(__file__).rsplit("/tests/", 1)[0]
BUILD = os.environ.get("DOMAINPROOF_BUILD", os.path.join(ROOT, "build"))
PAGES = [os.path.relpath(p, ROOT) for p in
         glob.glob(ROOT + "/*.md") + glob.glob(ROOT + "/docs/*.md")]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", read(page)):
        path = os.path.join(ROOT, os.path.dirname(page), target)
        assert os.path.exists(path), target


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_are_there(page):
    for name in re.findall(r"\b(?:tests|ops|schemas|lib|worker)/[\w./-]*\w", read(page)):
        assert glob.glob(os.path.join(ROOT, name) + "*"), name


def test_tests_that_are_named_are_there():
    readme = read("README.md")
    for name in re.findall(r"build/(scenario/\w+)", readme):
        assert os.path.exists(os.path.join(ROOT, "tests", name + ".c")), name
    sources = "".join(read(p) for p in glob.glob("tests/stack/*.py", root_dir=ROOT))
    for name in re.findall(r"`(test_\w+)`", readme):
        assert "def %s(" % name in sources, name
    for name in re.findall(r"\btest_\w+\.py", readme):
        assert os.path.exists(os.path.join(ROOT, "tests/stack", name)), name


def test_targets_that_are_named_are_there():
    targets = re.findall(r"^([a-z]+):", read("Makefile"), re.M)
    for page in PAGES:
        for target in re.findall(r"(?:`|^ {4})make ([a-z]+)", read(page), re.M):
            assert target in targets, (page, target)


def settings(which):
    """Keys of a table in lib/io/conf.c"""
    rows = re.search(r"%s_rows\[\] = \{(.*?)\{\.path = NULL\}" % which,
                     read("lib/io/conf.c"), re.S)
    return re.findall(r'\{"([a-z_.]+)", TYPE', rows.group(1))


def explained_settings():
    tables = read("docs/operations.md").split("## Exit codes")[0]
    return re.findall(r"^\| `([a-z_.]+)` \|", tables, re.M)


def test_settings_that_there_are_are_explained():
    keys = settings("settings") + settings("policy")
    assert len(keys) > 30
    assert sorted(keys) == sorted(explained_settings())


def events():
    found = set()
    for path in glob.glob("worker/*.c", root_dir=ROOT) + glob.glob("lib/io/*.c", root_dir=ROOT):
        text = read(path)
        found |= set(re.findall(
            r'\b(?:log_line|fail|stuck|end|say)\([^;]*?"([a-z]+\.[a-z_]+)"', text))
        found |= set(re.findall(r'\? "[a-z._]+"\s+: "([a-z]+\.[a-z_]+)"', text))
    return found


def test_every_event_of_the_log_is_explained():
    page = read("docs/operations.md")
    assert len(events()) > 30
    assert sorted(e for e in events() if "`%s`" % e not in page) == []


def test_no_event_is_explained_that_is_none():
    page = read("docs/operations.md").split("## The log")[1].split("###")[0]
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", page))
    keys = set(settings("settings"))
    assert sorted(named - events() - keys - {"job.dead"}) == []


def test_every_code_is_explained():
    codes = json.loads(read("schemas/codes.json"))["$defs"]
    page = read("docs/messages.md")
    for group in "pass", "negative", "undecided", "rejection":
        for code in codes[group]["enum"]:
            assert re.search(r"\b%s\b" % code, page), code


def test_every_outcome_is_explained():
    page = read("docs/messages.md")
    for outcome in json.loads(read("schemas/common.json"))["$defs"]["outcome"]["enum"]:
        assert "`%s`" % outcome in page, outcome


def test_events_are_those_of_code_and_schema():
    page = read("docs/messages.md").split("## Events")[1].split("\n## ")[0]
    explained = set(re.findall(r"`([a-z]+\.[a-z]+)`", page))
    defs = json.loads(read("schemas/event.json"))["$defs"]
    schema = {kind[len("domainproof."):-len(".v1")] for kind in
              defs["claim_type"]["enum"] + defs["trouble_type"]["enum"]}
    code = set(re.findall(r'(?:\{CLAIM_SAY_[A-Z]+|say_one\(say), "([a-z.]+)"',
                          read("worker/steps.c")))
    code |= set(re.findall(r'step_trouble\([^;]*?"([a-z]+\.[a-z]+)"', read("worker/intake.c")))
    assert len(code) > 8
    assert explained == schema == code


def validator(name):
    registry = referencing.Registry()
    for path in glob.glob("schemas/*.json", root_dir=ROOT):
        schema = json.loads(read(path))
        if schema.get("$id"):
            registry = registry.with_resource(
                schema["$id"], referencing.Resource.from_contents(schema))
    return jsonschema.Draft202012Validator(
        json.loads(read("schemas/%s.json" % name)), registry=registry)


def test_the_jobs_in_the_guide_are_some():
    jobs = re.findall(r"```json\n(.*?)```", read("docs/messages.md"), re.S)
    assert len(jobs) > 1
    for job in jobs:
        validator("job").validate(json.loads(job))


@pytest.mark.parametrize("kind", ["job", "result", "event", "dead", "claim-doc", "job-doc"])
def test_examples_are_what_they_are_called(kind):
    check, n = validator(kind), 0
    for path in glob.glob("schemas/examples/%s/*valid/*.json" % kind, root_dir=ROOT):
        right = "/valid/" in path
        assert check.is_valid(json.loads(read(path))) == right, path
        n += 1
    assert n >= 5


def test_every_code_has_its_place():
    """Reasons of a look in findings, those of a rejection in rejected jobs."""
    codes = json.loads(read("schemas/codes.json"))["$defs"]
    look = json.loads(read("schemas/examples/event/valid/look.done.json"))
    refused = json.loads(read("schemas/examples/result/valid/rejected-kind.json"))
    event, result = validator("event"), validator("result")
    for group in "pass", "negative", "undecided", "rejection":
        for code in codes[group]["enum"]:
            look["data"]["code"] = look["data"]["checks"][0]["code"] = code
            refused["data"]["code"] = code
            assert event.is_valid(look) == (group != "rejection"), code
            assert result.is_valid(refused) == (group == "rejection"), code


def test_verbs_and_options_that_are_named_exist():
    for page in PAGES:
        for verb in re.findall(r"`(?:build/)?domainproof ([a-z]+)\b", read(page)):
            run = subprocess.run([os.path.join(BUILD, "domainproof"), "help", verb],
                                 capture_output=True, text=True)
            assert run.returncode == 0, (page, verb)


def test_exit_codes_are_those_of_the_code():
    header = read("lib/core/children.h")
    page = read("docs/operations.md")
    for code in re.findall(r"EXIT_CODE_\w+ = (\d+)", header):
        assert re.search(r"^\| %s[ ,]" % code, page, re.M), code


def code_rows():
    """{code: how it counts} of the tables in docs/diagnosis.md"""
    page = read("docs/diagnosis.md").split("\n## The codes")[1].split("\n## ")[0]
    looks = re.findall(r"^\| ([A-Z][A-Z0-9_]+) \|.*\| ([a-z -]+) \|$", page, re.M)
    jobs = re.findall(r"^\| ([a-z_]+) \| [^|]+ \|$", page, re.M)
    found = dict(looks + [(c, "job") for c in jobs if c != "code"])
    assert len(found) == len(looks) + len([c for c in jobs if c != "code"])
    return found


def test_every_code_is_in_the_table_of_diagnosis():
    names = re.findall(r'\[CODE_\w+\] = "(\w+)"', read("lib/core/verdict.c"))
    assert len(names) > 70
    assert sorted(code_rows()) == sorted(names)


def test_the_table_of_diagnosis_says_what_lapses():
    """As finding_is_miss has it: what is elsewhere shows an owner's will."""
    body = read("lib/core/verdict.c").split("\nfinding_is_miss(")[1]
    somewhere, elsewhere = (re.findall(r"\[CODE_(\w+)\] = true", part)
                            for part in body.split("elsewhere[CODE_N]")[:2])
    codes = json.loads(read("schemas/codes.json"))["$defs"]
    for code, lapse in code_rows().items():
        if code in codes["rejection"]["enum"]:
            assert lapse == "job", code
        elif code in codes["undecided"]["enum"]:
            assert lapse == "undecided", code
        elif code in codes["pass"]["enum"] or code.startswith("DMARC_"):
            assert lapse in ("-", "as found"), code
        else:
            assert lapse == ("no" if code in somewhere else
                             "not ownership" if code in elsewhere else "yes"), code
