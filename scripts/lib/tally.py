#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tally.py LOG STATUS: read meson's testlog.json, and end with one line: N passed, N failed.

A program of Check says "85%: Checks: 7, Failures: 1, Errors: 0" for each runner; any other program may end with
"N passed, N failed". These counts are summed; a program that says neither counts as one test. Whatever a program says,
if meson calls it failed it has at least one failure. Lines "not run: …" of a program are shown. STATUS is meson's own
exit status. Exit 0 if nothing failed."""
import json
import re
import sys

CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)\s*$", re.MULTILINE)
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed\s*$", re.MULTILINE)
NOT_RUN = re.compile(r"^not run: .*$", re.MULTILINE)
GOOD = {"OK", "EXPECTEDFAIL"}


def count(entry):
    """Passed and failed tests of one program."""
    out = entry.get("stdout") or ""
    good = entry["result"] in GOOD
    passed = failed = 0
    runners = CHECK.findall(out)
    if runners:
        failed = sum(int(f) + int(e) for _, f, e in runners)
        passed = sum(int(n) for n, _, _ in runners) - failed
    else:
        said = PLAIN.findall(out)
        if said:
            passed, failed = (int(n) for n in said[-1])
        elif good:
            passed = 1
    return passed, failed if good else max(failed, 1)


def main():
    path, status = sys.argv[1], int(sys.argv[2])
    passed = failed = 0
    skipped, bad, not_run = [], [], []
    try:
        with open(path, encoding="utf-8") as log:
            entries = [json.loads(line) for line in log if line.strip()]
    except OSError:
        entries = []
    for entry in entries:
        if entry["result"] == "SKIP":
            skipped.append(entry["name"])
            continue
        not_run += [f"{entry['name']}: {line}" for line in NOT_RUN.findall(entry.get("stdout") or "")]
        p, f = count(entry)
        passed, failed = passed + p, failed + f
        if f:
            bad.append(f"{entry['name']}: {f} failed ({entry['result']})")
    if not failed and (status or not passed):
        bad.append(f"meson test ended with {status}, {passed} tests passed, and no test is to blame")
        failed = 1
    print()
    for line in not_run + bad:
        print(line)
    if skipped:
        print("skipped: " + ", ".join(skipped))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
