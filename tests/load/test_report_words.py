#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_report_words.py LOAD MAN COMPLETION: what tandem-load says of itself is the same everywhere.

Every option of --help=all is in the man page and is completed, and neither knows another; the man page is in order;
--help fits a screen. Ends with N passed, N failed."""
import re
import shlex
import subprocess
import sys

SCREEN = 23  # lines of a terminal of 24, with the next prompt

passed, failed = 0, 0


def promise(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAILED: {name}\n{detail}")


def run(*command, **more):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
                          **more)


def told(text):
    """Long options and letters at the beginning of the lines of a help text: {--name: -letter or None}."""
    found = re.findall(r"^  (?:(-\w),|   ) --([\w-]+)", text, re.MULTILINE)
    return {"--" + name: letter or None for letter, name in found}


def in_man(text):
    """The same from the man page's .It lines."""
    options = {}
    for line in re.findall(r"^\.It Fl (.*)$", text, re.MULTILINE):
        letter = re.match(r"(\w) , Fl ", line)
        name = re.search(r"-([\w-]+)", line)
        if name and "=" not in line:
            options["--" + name[1]] = "-" + letter[1] if letter else None
    return options


def completed(completion, load, words):
    """What bash offers after these words."""
    script = (f"PATH={shlex.quote(load.rsplit('/', 1)[0])}:$PATH; source {shlex.quote(completion)} || exit 9\n"
              f"COMP_WORDS=({' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}\n"
              "_tandem_load; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = run("bash", "--norc", "-c", script)
    if done.returncode:
        raise SystemExit(done.stdout)
    return [line for line in done.stdout.split("\n") if line]


def main():
    load, man, completion = sys.argv[1:4]
    with open(man, encoding="utf-8") as f:
        page = f.read()
    whole, short = run(load, "--help=all").stdout, run(load, "--help").stdout
    compare = told(run(load, "compare", "--help=all").stdout)
    options = told(whole)
    everything = {**compare, **options}
    promise("--help=all tells of options", len(options) > 10, whole)
    written = in_man(page)
    for name in sorted(everything.keys() | written.keys()):
        promise(f"{name} is in --help=all and in the man page, with the same letter",
                name in everything and name in written and everything[name] == written[name],
                f"help: {everything.get(name, 'no')}, man: {written.get(name, 'no')}")
    promise("--help=all is in the man page", ".It Fl -help=all" in page)
    offered = set(completed(completion, load, ["tandem-load", "-"]))
    promise("each option is completed, and no other", offered == set(options) | {"--help=all"},
            f"{sorted(offered ^ set(options))}")
    offered = set(completed(completion, load, ["tandem-load", "compare", "-"]))
    promise("each option of compare is completed, and no other", offered == set(compare), f"{offered ^ set(compare)}")
    promise("subcommands are completed", completed(completion, load, ["tandem-load", "com"]) == ["compare"] and
            completed(completion, load, ["tandem-load", "ex"]) == ["experiment"])
    figures = completed(completion, load, ["tandem-load", "--check", "multiplicity.pool.p"])
    promise("figures are completed", figures == ["multiplicity.pool.peak"], f"{figures}")
    promise("--help fits a screen", short.count("\n") <= SCREEN, short)
    promise("--help is part of --help=all", set(told(short)) <= set(options))
    promise("no line is wider than 80 columns", all(len(line) <= 80 for line in whole.split("\n")), whole)
    lint = run("mandoc", "-Tlint", "-W", "warning", man)
    promise("the man page is in order", lint.returncode == 0 and not lint.stdout, lint.stdout)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
