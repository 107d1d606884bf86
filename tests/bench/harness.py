# SPDX-License-Identifier: MIT
"""What every bench needs: options, rounds, children pinned to a core, and one JSON line per figure.

A bench is tests/bench/NAME.py: its docstring's first line says what it measures, and its main() does, round by round,
ours and the baseline in turn, so that a drifting machine moves both. `--check` asks for the smallest run that still
goes through everything; then figures are printed and no limit is judged."""
import argparse
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("TANDEM_BUILD", os.path.join(ROOT, "build")))
TANDEMD = os.path.join(BUILD, "server", "daemon", "tandemd")
LOAD = os.path.join(BUILD, "load", "tandem-load")
SERVER_CORE, LOAD_CORE = 0, 1


def program(name):
    """A program of this directory."""
    return os.path.join(BUILD, "tests", "bench", name)


def options(doc, rounds, check_rounds=1, more=()):
    """The options of a bench: --rounds and --check, and `more`, a list of (name, keywords)."""
    parser = argparse.ArgumentParser(prog=os.path.basename(sys.argv[0])[:-3], description=doc,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help=f"how often each is measured (default {rounds})")
    parser.add_argument("--check", action="store_true", help="the smallest run that goes through everything")
    for name, keywords in more:
        parser.add_argument(name, **keywords)
    args = parser.parse_args()
    args.rounds = args.rounds or (check_rounds if args.check else rounds)
    return args


def pinned(cores, command):
    """The command, kept on one core (a number) or several ("0,1"), as far as the machine has that many."""
    wanted = [] if cores is None else [int(core) for core in str(cores).split(",")]
    there = [str(core) for core in wanted if core in os.sched_getaffinity(0)]
    return ["taskset", "-c", ",".join(there), *command] if there else command


def note(text):
    """Progress is for people, figures are for programs."""
    print(text, file=sys.stderr, flush=True)


class Child:
    """A program that is started, spoken to by lines, and ended by SIGTERM; for use in `with`."""

    def __init__(self, command, core=None, env=None, speaks_on_stderr=False):
        self.command = command
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(pinned(core, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.STDOUT if speaks_on_stderr else self.log,
                                        env={**os.environ, **(env or {})})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for end in (self.process.stdin, self.process.stdout, self.log):
            end.close()

    def line(self):
        """Its next line on standard output."""
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise SystemExit(f"{self.command[0]} ended with {self.process.returncode}:\n{self.said()}")
        return line

    def said(self):
        """The end of its standard error."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-2000:]

    def finish(self):
        """End its standard input; the rest of what it prints. It must end well."""
        rest, _ = self.process.communicate()
        if self.process.returncode:
            raise SystemExit(f"{self.command[0]} ended with {self.process.returncode}:\n{self.said()}")
        return rest


class Server(Child):
    """A server that prints a line with its URL when it is ready."""

    def __init__(self, command, core=SERVER_CORE, **more):
        super().__init__(command, core, **more)
        self.url = None
        while not self.url:
            found = re.search(r"http://[\w.:]+", self.line())
            self.url = found and found[0]


def tandemd(*arguments, core=SERVER_CORE):
    return Server([TANDEMD, "--port", "0", *arguments], core)


def load(*arguments, core=LOAD_CORE):
    """Run tandem-load; what it wrote as JSON. It must end well."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        run = subprocess.run(pinned(core, [LOAD, "--json", report.name, *arguments]), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if run.returncode:
            raise SystemExit(f"tandem-load {' '.join(arguments)} ended with {run.returncode}:\n{run.stdout}")
        return json.load(open(report.name, encoding="utf-8"))


def only_step(report):
    """The one step of a run of tandem-load."""
    [step] = report["steps"]
    return step


def tasks_of(step):
    """What a step that was followed tells of its tasks, in few words."""
    tasks, both = step["tasks"], step["tasks"]["multiplicity"]["both"]
    return {"done": tasks["done"], "peak": both["peak"], "mean": both["mean"], "threads": both["threads"],
            "seconds": tasks["elapsed"]}


def percentile(values, share):
    """The smallest of the values that at least this share (0 ... 100) of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


median = statistics.median


def figure(bench, name, ours, unit, baseline=None, better="lower", against=None):
    """Print the line of one figure from its value in each round. @return (value, ratio).

    @param against the name of the baseline, where a bench has several"""
    value = median(ours)
    base = median(baseline) if baseline else None
    ratio = value / base if base else None
    line = {"bench": bench, "figure": name, "value": rounded(value), "unit": unit, "baseline": rounded(base),
            "ratio": rounded(ratio), "better": better, "rounds": len(ours), "min": rounded(min(ours)),
            "max": rounded(max(ours))}
    if against:
        line["against"] = against
    print(json.dumps(line), flush=True)
    return value, ratio


def rounded(value):
    """Six significant digits: more would pretend."""
    return value if value is None or isinstance(value, int) else float(f"{value:.6g}")


class Limits:
    """What a bench promises. Judged, and said on standard error, only in a full run."""

    def __init__(self, check):
        self.check, self.broken = check, 0

    def at_most(self, what, value, limit):
        self.judge(what, value, value is not None and value <= limit, f"at most {limit}")

    def at_least(self, what, value, limit):
        self.judge(what, value, value is not None and value >= limit, f"at least {limit}")

    def within(self, what, value, least, most):
        self.judge(what, value, value is not None and least <= value <= most, f"{least:.3g} to {most:.3g}")

    def judge(self, what, value, good, promise):
        if not self.check:
            note(f"{'kept' if good else 'BROKEN'}: {what} {value if value is None else round(value, 4)}, {promise}")
        self.broken += not good and not self.check

    def status(self):
        return 1 if self.broken else 0
