# SPDX-License-Identifier: MIT
"""test_limits.py TANDEMD: docs/limits.md names fields that there are, options that there are, and their defaults; and
no limit of tandemd is missing in it. Ends with N passed, N failed."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "s": 1}


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def number(text):
    """16 KiB, 10,000, 30 s."""
    value, _, unit = text.replace(",", "").partition(" ")
    return int(value) * UNITS.get(unit, 1)


def main():
    said = subprocess.run([sys.argv[1], "--help=all"], capture_output=True, text=True, check=True)
    help_text = " ".join(said.stdout.split())
    fields = set(re.findall(r"\b(\w+);", read("include", "tandem", "app.h") + read("include", "tandem", "executor.h")))
    row = r"^\| [^|]+ \| ([\d,]+(?: \w+)?) \| `([\w.]+)` \| `(--[\w-]+)` \|"
    rows = re.findall(row, read("docs", "limits.md"), re.MULTILINE)
    passed, wrong = 0, []
    for default, field, option in rows:
        said = re.search(re.escape(option) + r" [A-Z].*?default ([\d.]+)\)", help_text)
        if field.split(".")[-1] not in fields:
            wrong.append(f"{field}: there is no such field")
        elif not said:
            wrong.append(f"{option}: --help does not name it with a default")
        elif int(said[1]) != number(default):
            wrong.append(f"{option}: its default is {said[1]}, not {default}")
        else:
            passed += 1
    for option in set(re.findall(r"--(?:max-[\w-]+|(?:head|body|idle|write)-timeout)", help_text)):
        if option not in [row[2] for row in rows]:
            wrong.append(f"{option}: not in the table")
    print("\n".join(wrong))
    print(f"{passed} passed, {len(wrong)} failed")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
