# SPDX-License-Identifier: Apache-2.0
"""What we write, against its schema, by another implementation."""
import collections
import json
import os
import subprocess

from oracle import ROOT, SCHEMAS

BUILD = os.environ.get("DOMAINPROOF_BUILD", os.path.join(ROOT, "build"))


def test_every_message_is_as_its_schema_says():
    run = subprocess.run([BUILD + "/stack/messages_drive"], capture_output=True, check=True)
    seen, codes = collections.Counter(), set()
    for line in run.stdout.decode("ascii").splitlines():
        schema, _, text = line.partition("\t")
        doc = SCHEMAS.check(schema, json.loads(text))
        seen[schema] += 1
        if schema == "event":
            codes |= {c["code"] for c in doc["data"].get("checks", [])}
    assert set(seen) == {"job", "result", "event", "claim-doc", "job-doc"}
    assert len(codes) > 55 and sum(seen.values()) > 2000, (seen, len(codes))
