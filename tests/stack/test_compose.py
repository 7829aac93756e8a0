# SPDX-License-Identifier: Apache-2.0
"""docker-compose.yml, ops/Dockerfile and the files that they use, as far as
that goes without an engine: against the Compose Specification's own schema,
against each other, and against the programs that read them.

compose-spec.json is the schema of the Compose Specification (Apache-2.0), as
in the Go module compose-go, version 2.10.2."""
import json
import os
import re
import shutil
import subprocess

import jsonschema
import pytest
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("DOMAINPROOF_BUILD", os.path.join(ROOT, "build"))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(read("docker-compose.yml"))


@pytest.fixture(scope="module")
def validator():
    with open(os.path.join(HERE, "compose-spec.json"), encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def wrong(validator, document):
    return ["/".join(map(str, e.absolute_path)) + ": " + e.message[:200]
            for e in validator.iter_errors(document)]


def test_is_as_the_specification_says(compose, validator):
    assert wrong(validator, compose) == []


@pytest.mark.parametrize("break_it", [
    lambda c: c["services"]["worker"].update(imagee="x"),
    lambda c: c["services"]["worker"]["depends_on"]["topics"].update(
        condition="service_done"),
    lambda c: c["services"]["kafka"]["healthcheck"].update(intervals="5s"),
    lambda c: c["services"].update(lonely="x"),
    lambda c: c.update(volume={}),
])
def test_the_schema_finds_faults(validator, break_it):
    broken = yaml.safe_load(read("docker-compose.yml"))
    break_it(broken)
    assert wrong(validator, broken)


def test_services_fit_each_other(compose):
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, name
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], other
            if how["condition"] == "service_completed_successfully":
                assert services[other]["restart"] == "no", other
        for network in service["networks"]:
            assert network in compose["networks"], name


def test_files_and_volumes_are_there(compose):
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert os.path.isfile(os.path.join(ROOT, source)), name
                assert volume.endswith(":ro"), volume
            else:
                assert source in compose["volumes"], name


def test_nothing_is_open_to_other_machines(compose):
    for service in compose["services"].values():
        assert "no-new-privileges:true" in service["security_opt"]
        assert not service.get("privileged")
        for port in service.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), port


def test_images_are_pinned(compose):
    images = [s["image"] for s in compose["services"].values()]
    images += re.findall(r"^FROM (debian\S+)", read("ops/Dockerfile"), re.M)
    for image in images:
        name, _, tag = image.rpartition(":")
        assert name and tag and tag != "latest", image
        # plain names: whose registry they come from is the engine's matter
        assert "." not in name, image
    version = read("VERSION").strip()
    assert "domainproof:" + version in images
    assert "domainproof-resolver:" + version in images


def test_the_brokers_version_is_that_of_the_tests(compose):
    version = re.search(r"^KAFKA_VERSION=(\S+)", read("ops/lab/common.sh"), re.M)
    assert compose["services"]["kafka"]["image"] == \
        "apache/kafka:" + version.group(1)


def stages():
    """{stage: its text} of ops/Dockerfile"""
    parts = re.split(r"^FROM (\S+) AS (\S+)\n", read("ops/Dockerfile"), flags=re.M)
    return {parts[i + 1]: (parts[i], parts[i + 2]) for i in range(1, len(parts), 3)}


def test_targets_of_the_compose_file_are_stages(compose):
    for name, service in compose["services"].items():
        if "build" not in service:
            continue
        assert service["build"]["target"] in stages(), name
        assert os.path.isfile(os.path.join(ROOT, service["build"]["dockerfile"]))


def test_nobody_is_root_at_the_end():
    for stage in "resolver", "worker":
        parent, text = stages()[stage]
        assert parent == "base"
        assert re.findall(r"^USER (\S+)", text, re.M)[-1] != "root"


def test_the_image_holds_every_library_that_is_linked():
    """The packages that own what the programs load are those of the stage
    `base`, or come with them."""
    named = set(re.findall(r"[a-z][a-z0-9.+-]+", stages()["base"][1]))
    needs = set()
    for program in "domainproof", "domainproofd":
        out = subprocess.run(["readelf", "-d", os.path.join(BUILD, program)],
                             capture_output=True, text=True, check=True).stdout
        needs |= set(re.findall(r"NEEDED.*\[(.*)\]", out))
    ours = sorted(n for n in needs if not n.startswith(
        ("libc.so", "libm.so", "libasan", "libubsan", "libgcc_s", "ld-linux")))
    assert len(ours) > 5
    found = subprocess.run(["dpkg", "-S"] + ["*/" + n for n in ours],
                           capture_output=True, text=True).stdout
    for library in ours:
        owners = {line.split(":")[0] for line in found.splitlines()
                  if line.endswith("/" + library)}
        assert owners & named, library


def test_the_build_context_holds_what_the_build_uses():
    kept = re.findall(r"^!(\S+)", read(".dockerignore"), re.M)
    for needed in "Makefile", "VERSION", "lib", "worker", "producer", "schemas", "ops":
        assert needed in kept


def test_install(tmp_path):
    """make install, as the image does it, elsewhere"""
    subprocess.run(["make", "-s", "install", "BUILD=" + BUILD, "PREFIX=/opt/dp",
                    "DESTDIR=%s" % tmp_path], cwd=ROOT, check=True, capture_output=True)
    share = tmp_path / "opt/dp/share/domainproof"
    for program in "domainproof", "domainproofd":
        assert os.access(tmp_path / "opt/dp/bin" / program, os.X_OK)
    for name in "topics.json", "job.json", "asyncapi.yaml", "domainproofd.conf":
        assert (share / name).is_file(), name
    for named in re.findall(r'= "(/.*/share/.*)"', (share / "policy.conf").read_text()):
        assert os.path.isfile(str(tmp_path) + named), named
    modes = {oct(f.stat().st_mode & 0o777) for f in share.iterdir()}
    assert modes == {"0o644"}


# -- the settings, by who reads them -----------------------------------------

@pytest.fixture()
def etc(tmp_path):
    """/etc/domainproof as in the worker's container, lists included"""
    shutil.copy(os.path.join(ROOT, "ops/compose/domainproofd.conf"), tmp_path)
    policy = read("ops/policy.conf").replace(
        "/usr/local/share/domainproof", os.path.join(ROOT, "ops/lists"))
    (tmp_path / "policy.conf").write_text(policy)
    for f in tmp_path.iterdir():
        f.chmod(0o644)
    return tmp_path


def test_the_worker_takes_its_settings(etc, compose):
    conf = str(etc / "domainproofd.conf")
    run = subprocess.run([os.path.join(BUILD, "domainproofd"), "-c", conf,
                          "--print-config"],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    address = compose["services"]["unbound"]["networks"]["lookup"]["ipv4_address"]
    assert address + ":5353" in run.stdout
    assert '"kafka:19092"' in run.stdout
    assert "redis://redis:6379" in run.stdout


def test_the_resolver_takes_its_settings(tmp_path, compose):
    text = read("ops/compose/unbound.conf")
    address = compose["services"]["unbound"]["networks"]["lookup"]["ipv4_address"]
    subnet = compose["networks"]["lookup"]["ipam"]["config"][0]["subnet"]
    assert "interface: %s@5353" % address in text
    assert "access-control: %s allow" % subnet in text
    # the package of the root's keys may be missing here
    key = tmp_path / "root.key"
    key.write_text(". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D084"
                   "58E880409BBC683457104237C7F8EC8D\n")
    conf = tmp_path / "unbound.conf"
    conf.write_text(text.replace("/usr/share/dns/root.key", str(key)))
    run = subprocess.run(["/usr/sbin/unbound-checkconf", str(conf)],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_the_broker_makes_no_topics_by_itself():
    lines = read("ops/compose/kafka.properties").splitlines()
    properties = dict(l.split("=", 1) for l in lines if l and l[0] != "#")
    assert properties["auto.create.topics.enable"] == "false"
    assert properties["advertised.listeners"].startswith("INNER://kafka:19092,")
    assert int(properties["offsets.retention.minutes"]) >= 30 * 24 * 60
