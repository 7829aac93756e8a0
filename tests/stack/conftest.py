# SPDX-License-Identifier: Apache-2.0
"""What the tests of the pool stand on. test_cli, test_dns and test_compose
have fixtures of their own."""
import re
import shutil
import subprocess
import tempfile

import pytest

import crew
import oracle


@pytest.fixture(scope="session")
def lab():
    """Addresses of the running stack."""
    run = subprocess.run([oracle.ROOT + "/ops/stack", "env"], check=True, text=True,
                         capture_output=True, cwd=oracle.ROOT)
    return dict(re.findall(r"^export (\w+)='([^']*)'$", run.stdout, re.M))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    if outcome.get_result().failed:
        item.failed_here = item.parent.failed_here = True


def make_pool(request, lab, **kw):
    folder = tempfile.mkdtemp(prefix="dp-")  # short: a unix socket is in it
    pool = crew.Pool(lab, folder, **kw)

    def close():
        kept = crew.keep(pool, request.node)
        if kept:
            print("logs are kept in", kept)
        try:
            pool.close()
        finally:
            shutil.rmtree(folder)

    request.addfinalizer(close)
    return pool


@pytest.fixture(scope="module")
def pools(request, lab):
    """Makes pools that live as long as the module."""
    return lambda **kw: make_pool(request, lab, **kw)


@pytest.fixture
def new_pool(request, lab):
    """Makes pools that live as long as the test."""
    return lambda **kw: make_pool(request, lab, **kw)


@pytest.fixture
def zone(lab):
    zones = oracle.Zones(lab)
    yield zones
    zones.undo()
    oracle.control(lab["UNBOUND_CONF"], "flush_zone test.")


@pytest.fixture(scope="module")
def zones(lab):
    """As zone, for a whole module."""
    made = oracle.Zones(lab)
    yield made
    made.undo()
