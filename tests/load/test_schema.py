#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_schema.py SCHEMA REPORTS LOAD TANDEMD: reports are what docs/tandem-load.schema.json says.

REPORTS is the unit test that writes reports of made-up runs; LOAD and TANDEMD make real ones. The schema lets readers
pass over what they do not know; held against our own reports it is closed first, so that a member that nobody wrote
down fails. And a report that is wrong must be refused, or the schema says nothing. Ends with N passed, N failed."""
import copy
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile

import jsonschema

passed, failed = 0, 0


def promise(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAILED: {name}\n{detail}")


def closed(schema):
    """The same schema in which an object has no member but those that are named."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        out["additionalProperties"] = False
    return out


def faults(validator, report):
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in validator.iter_errors(report)]


def made_up(program, into):
    subprocess.run([program], env={**os.environ, "REPORT_DIR": into, "CK_RUN_CASE": "load_report"}, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    for path in sorted(glob.glob(os.path.join(into, "*.json"))):
        with open(path, encoding="utf-8") as f:
            yield os.path.basename(path), json.load(f)


def real(load, tandemd):
    """Reports of runs against a daemon: followed, not followed, in an open loop, and with nobody there."""
    daemon = subprocess.Popen([tandemd, "--port", "0", "--workers", "3"], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    url = daemon.stdout.readline().split(" on ")[1].split(" ")[0]
    runs = {"followed": ["-c", "2,7", "--follow", url + "/?as_async=0&period=0.01", url + "/?as_async=1&period=0.01"],
            "not followed": ["-c", "2", "-n", "20", url + "/?period=0.01"],
            "no tasks": ["-c", "2", "--follow", url + "/health"],
            "not there": ["-c", "2", url + "/nowhere"],
            "unreachable": ["-c", "2", "http://127.0.0.1:1/"]}
    try:
        for name, options in runs.items():
            done = subprocess.run([load, "-q", "--json", "-", *options], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, timeout=60, check=False)
            yield name, json.loads(done.stdout)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=60)


def wrong_ones(report):
    """Reports that are wrong in one place each."""
    def change(path, value):
        other = copy.deepcopy(report)
        at = other
        for key in path[:-1]:
            at = at[key]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value
        return other
    yield "schema", change(["schema"], "tandem-load/1")
    yield "a missing count", change(["steps", 0, "requests", "made"], None)
    yield "a count below 0", change(["steps", 0, "requests", "made"], -1)
    yield "a text for a figure", change(["steps", 0, "latency", "p99"], "fast")
    yield "a missing kind of error", change(["steps", 0, "errors", "timeout"], None)
    yield "another loop", change(["steps", 0, "loop"], "half-open")
    yield "a curve without times", change(["steps", 0, "tasks", "multiplicity", "both", "curve"], [[1]])
    yield "a member nobody wrote down", change(["steps", 0, "extra"], 1)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(closed(schema))
    reports = 0
    with tempfile.TemporaryDirectory() as into:
        for source in (made_up(sys.argv[2], into), real(*sys.argv[3:5])):
            for name, report in source:
                reports += 1
                wrong = faults(validator, report)
                promise(f"the report \"{name}\" is as its schema says", not wrong, "\n".join(wrong[:10]))
                if name == "followed":
                    for what, other in wrong_ones(report):
                        promise(f"{what} is refused", faults(validator, other))
    promise("there were reports of every kind", reports == 10, f"{reports}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
