# SPDX-License-Identifier: Apache-2.0
"""Key records: our judge against Debian's python3-dkim, which the tests'
Python does not see."""
import subprocess

from crew import BUILD
from oracle import ROOT


def test_differential():
    run = subprocess.run(["/usr/bin/python3", ROOT + "/tests/dkim/differential.py", BUILD],
                         text=True, capture_output=True, timeout=60)
    print(run.stdout, run.stderr)
    assert run.returncode == 0, "our judge and python3-dkim differ; see above"
    assert "10000 records" in run.stdout
