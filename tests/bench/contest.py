# SPDX-License-Identifier: MIT
"""Ours against several baselines: who can take part, rounds in turn on the same cores, figures, and a table.

A contestant is a program that measures itself and prints its results as one JSON line. In each round every one of them
runs once, alone, and the round after begins with another. A baseline whose run time is not installed is named and left out;
its figures say so with `"baseline": null`."""
import datetime
import json
import os
import platform
import re
import shutil
import subprocess

import harness

PAGE = os.path.join(harness.ROOT, "docs", "benchmarks.md")
DEBIAN_PYTHON = "/usr/bin/python3"
BOTH_CORES = f"{harness.SERVER_CORE},{harness.LOAD_CORE}"
HOW_TO_GET = "scripts/setup --bench installs it"
WRITE = ("--write", {"action": "store_true", "help": "put the table into docs/benchmarks.md"})


class Contestant:
    """One program with its arguments; `missing` says why it cannot take part, if so."""

    def __init__(self, name, command, env=None, missing=None):
        self.name, self.command, self.env, self.missing = name, [str(c) for c in command], env, missing

    def run(self, cores):
        """Its results. It must end well."""
        with harness.Child(self.command, cores, self.env) as child:
            return json.loads(child.finish())


def source(name):
    return os.path.join(harness.HERE, name)


def ours(name, program, *arguments):
    """A program of this directory, on the library as it was built."""
    return Contestant(name, [harness.program(program), *arguments])


def in_c(library, program, *arguments, env=None):
    """A baseline on a C library: libuv or glib. Without it meson has not built the program."""
    path = harness.program(f"{program}_{library}")
    return Contestant(library, [path, *arguments], env, None if os.path.exists(path) else f"{library} is not installed")


def python_has(module):
    return subprocess.run([DEBIAN_PYTHON, "-c", f"import {module}"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def on_asyncio(kind, script, *arguments):
    """A script that runs on asyncio's own loop or on uvloop; the interpreter is Debian's for both."""
    missing = None
    if not os.path.exists(DEBIAN_PYTHON):
        missing = f"there is no {DEBIAN_PYTHON}"
    elif kind == "uvloop" and not python_has("uvloop"):
        missing = "uvloop is not installed"
    return Contestant(kind, [DEBIAN_PYTHON, source(script), kind, *arguments], missing=missing)


def python(script, *arguments):
    missing = None if os.path.exists(DEBIAN_PYTHON) else f"there is no {DEBIAN_PYTHON}"
    return Contestant("python", [DEBIAN_PYTHON, source(script), *arguments], missing=missing)


def node(script, *arguments):
    return Contestant("node", ["node", source(script), *arguments],
                      missing=None if shutil.which("node") else "node is not installed")


def go(program, *arguments):
    """PROGRAM.go, compiled into the build directory."""
    binary = harness.program(f"{program}_go")
    if not shutil.which("go"):
        return Contestant("go", [binary, *arguments], missing="golang-go is not installed")
    text = source(f"{program}.go")
    if not os.path.exists(binary) or os.path.getmtime(binary) < os.path.getmtime(text):
        cache = os.path.join(harness.BUILD, "go-cache")
        subprocess.run(["go", "build", "-o", binary, text], check=True, cwd=harness.BUILD,
                       env={**os.environ, "GO111MODULE": "off", "GOCACHE": cache, "GOFLAGS": ""})
    return Contestant("go", [binary, *arguments])


class Contest:
    """The figures of one bench, from the first round to the table."""

    def __init__(self, bench, args, limits=None, versions=None):
        """@param versions of what is compared with, {name: version or None}; else those of the executor's baselines"""
        self.bench, self.args, self.rows, self.versions = bench, args, [], versions
        self.limits = limits or harness.Limits(args.check)

    def rounds(self, contestants, cores):
        """{name: [results of each round]} of those that can take part."""
        present = [c for c in contestants if not c.missing]
        for c in contestants:
            if c.missing:
                harness.note(f"{self.bench}: {c.name} was not run: {c.missing}; {HOW_TO_GET}")
        results = {c.name: [] for c in present}
        for i in range(self.args.rounds):
            for c in present[i % len(present):] + present[:i % len(present)]:
                results[c.name].append(c.run(cores))
                harness.note(f"{self.bench}: round {i + 1}, {c.name}: {short(results[c.name][-1])}")
        return results

    def figure(self, name, values, unit, baselines, better="lower", wanted=None):
        """One JSON line for each baseline, or one alone if the figure has none.

        @param baselines {name: values in each round, or None if it was not run}
        @param wanted {baseline: the ratio to reach}; None as a baseline is for the value itself"""
        for against, theirs in (baselines or {None: None}).items():
            value, ratio = harness.figure(self.bench, name, values, unit, theirs, better, against)
            if theirs:
                self.judge(f"{name} / {against}", ratio, (wanted or {}).get(against), better)
        self.judge(f"{name} ({unit})", value, (wanted or {}).get(None), better)
        self.rows.append((name, unit, values, baselines or {}))
        return value

    def judge(self, what, value, limit, better):
        if limit is not None:
            judge = self.limits.at_least if better == "higher" else self.limits.at_most
            judge(f"{self.bench}: {what}", value, limit)

    def end(self):
        """The table, for people and, if that was asked for, for the page. @return the exit status."""
        lines = table(self.rows)
        harness.note("\n" + "\n".join(lines))
        if self.args.write and self.args.check:
            harness.note("the smallest run is for checking: its figures are not written down")
        elif self.args.write:
            write_page(self.bench, [seen_on(self.args.rounds, self.versions), "", *lines])
        return self.limits.status()


def column(results, name, key, scale=1):
    """A baseline's values of one key in each round; None if it was not run."""
    return [r[key] / scale for r in results[name]] if name in results else None


def short(results):
    return ", ".join(f"{key} {readable(value)}" for key, value in results.items())


# ---- the table ----

def readable(value):
    """Three or four significant digits, with thousands apart."""
    if value is None:
        return ""
    if abs(value) >= 1000:
        digits = max(0, len(str(int(abs(value)))) - 4)
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def cell(values, theirs):
    if theirs is None:
        return "not run"
    base = harness.median(theirs)
    return f"{readable(base)} · {readable(harness.median(values) / base)}" if base else readable(base)


def table(rows):
    """Markdown, and legible as it is: a row for each figure, a column for each baseline with its value and the ratio."""
    names = list(dict.fromkeys(name for *_, baselines in rows for name in baselines))
    lines = [["figure", "ours (min … max)", *(f"{name} · ratio" for name in names)]]
    for figure, unit, values, baselines in rows:
        mine = f"{readable(harness.median(values))} ({readable(min(values))} … {readable(max(values))})"
        lines.append([f"`{figure}` ({unit})", mine,
                      *(cell(values, baselines[name]) if name in baselines else "" for name in names)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))) + " |"
            for line in lines]
    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return [text[0], rule, *text[1:]]


def said_by(*command):
    """The first version number in what a command prints; None if there is none."""
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return None
    found = re.search(r"\d+\.\d+[\d.]*", run.stdout) if run.returncode == 0 else None
    return found and found[0]


def executor_versions():
    """Of the executor's baselines."""
    return {"Python": said_by(DEBIAN_PYTHON, "--version"),
            "uvloop": said_by(DEBIAN_PYTHON, "-c", "import uvloop; print(uvloop.__version__)"),
            "Go": said_by("go", "version"), "Node": said_by("node", "--version"),
            "libuv": said_by("pkg-config", "--modversion", "libuv"),
            "GLib": said_by("pkg-config", "--modversion", "glib-2.0")}


def seen_on(rounds, versions=None):
    versions = {**(versions or executor_versions()), "Linux": said_by("uname", "-r")}
    made_of = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    cores = os.cpu_count()
    return f"Seen on {datetime.date.today()}, {cores} cores of {platform.machine()}; {rounds} rounds; {made_of}:"


def write_page(bench, lines):
    """Put the lines between the marks of the bench in docs/benchmarks.md, in place of what is there."""
    marks = f"<!-- {bench}: begin -->\n", f"<!-- {bench}: end -->\n"
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    if text.count(marks[0]) != 1 or text.count(marks[1]) != 1:
        raise SystemExit(f"{PAGE} wants one line {marks[0].strip()} and one {marks[1].strip()}, in this order")
    before, rest = text.split(marks[0])
    after = rest.split(marks[1])[1]
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(before + marks[0] + "\n" + "\n".join(lines) + "\n\n" + marks[1] + after)
