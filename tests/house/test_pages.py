#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_pages.py PAGE SOURCE PROGRAM: a page of docs/ shows what its example does.

Each ```c block of the page must stand in the example's source, line by line, wherever it is indented. The program is run
to its end, must succeed and write nothing to standard error, and must print the page's ```text block.
Ends with N passed, N failed."""
import re
import subprocess
import sys

TIMEOUT_S = 60


def blocks(text, language):
    return re.findall(r"^```" + language + r"\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def plain(text):
    return [line.strip() for line in text.strip("\n").split("\n")]


def stands_in(block, source):
    want, have = plain(block), plain(source)
    return any(have[i:i + len(want)] == want for i in range(len(have)))


def main():
    page, source, program = sys.argv[1:]
    failures, passed = [], 0
    with open(page, encoding="utf-8") as f:
        text = f.read()
    with open(source, encoding="utf-8") as f:
        code = f.read()
    shown, printed = blocks(text, "c"), blocks(text, "text")
    if not shown or len(printed) != 1:
        failures.append(f"{page}: wants a ```c block, and one ```text block with what the example prints")
    for block in shown:
        if stands_in(block, code):
            passed += 1
        else:
            failures.append(f"{page}: this is not in {source}:\n{block}")
    run = subprocess.run([program], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if run.returncode or run.stderr or [run.stdout] != printed:
        failures.append(f"{program}: exit {run.returncode}; {page} shows\n{''.join(printed)}it printed\n{run.stdout}{run.stderr}")
    else:
        passed += 1
    for failure in failures:
        print(f"FAILED: {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
