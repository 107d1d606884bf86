# SPDX-License-Identifier: MIT
"""What a request is made of, whatever the machine's mood: system calls by strace, instructions by callgrind.

Instructions are counted where they were written: what the compiler moved into another function still belongs to its own
file, and files make up parts. The kernel's are not in it. Both tools slow the server down; nothing here is a time."""
import collections
import os
import re
import signal
import subprocess
import tempfile
import time

import contest
import harness
import http_bench as http

SETTLE_S = 1  # for strace to have attached itself
SECONDS, SHORT = 3, 0.3
CALLS = 0.005  # of a system call, in a request: fewer are no part of it
# A file belongs to the first part that it matches.
PARTS = [
    ("llhttp", r"/llhttp/"),
    ("the message rules beside it", r"^server/(rules|message|head|chunk|bytes|parser|intake|refusal)\."),
    ("connection and transport", r"^server/(direct|evhttp|connection|exchange|peer|fdmap|server)\."),
    ("route", r"^server/route/"),
    ("parameters", r"^server/(schema/|values)"),
    ("request and reply", r"^server/"),
    ("JSON of the reply", r"^tasks/json"),
    ("executor: loop, fiber, handler, clock", r"^(tasks/|libboost_context|.*jump_)"),
    ("the handler itself", r"^tests/bench/"),
    ("libevent", r"^libevent"),
    ("malloc() and free()", r"malloc/"),
    ("the rest of the C library", r"."),
]


# ---- system calls ----

def calls_per_request(server, what, seconds):
    """{system call: times in a request}"""
    with tempfile.NamedTemporaryFile("r") as report:
        tracer = subprocess.Popen(["strace", "-c", "-f", "-o", report.name, "-p", str(server.process.pid)],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(SETTLE_S)
        requests = http.drive(server, what, seconds)["requests"] + http.CONNECTIONS
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        rows = [line.split() for line in report if re.match(r"\s+\d", line)]
    return {row[-1]: int(row[3]) / requests for row in rows if row[-1] != "total"}


# ---- instructions ----

def instructions(path):
    """{file, or the object if its files are not known: instructions} of a report of callgrind."""
    names, costs = {}, collections.Counter()
    program = home = place = "?"
    called = False

    def name_of(space, text):
        number, name = re.match(r"\((\d+)\)(?: (.*))?$", text).groups()
        return names.setdefault((space, number), name)

    for line in open(path, encoding="utf-8", errors="replace"):
        key, equals, text = line.rstrip("\n").partition("=")
        if equals and key in ("ob", "cob"):
            name = os.path.basename(name_of("object", text))
            program = name if key == "ob" else program
        elif equals and key in ("fl", "fi", "fe", "cfi", "cfl"):
            name = name_of("file", text)
            if key in ("fl", "fi", "fe"):
                place = program if name == "???" else name
            home = place if key == "fl" else home
        elif equals and key == "fn":
            place = home
        elif equals and key == "calls":
            called = True  # the next line is what was called, which is counted where it was
        elif re.match(r"[-+*\d]", line):
            costs[place] += 0 if called else int(line.split()[1])
            called = False
    return costs


def part_of(file):
    known = os.path.normpath(file)
    if known.startswith(harness.ROOT + os.sep):
        known = os.path.relpath(known, harness.ROOT)
    return next(part for part, pattern in PARTS if re.search(pattern, known))


def instructions_per_request(command, what, seconds):
    """{part: instructions in a request}"""
    with tempfile.TemporaryDirectory() as directory:
        report = os.path.join(directory, "report")
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={report}", "--instr-atstart=no", *command]
        with harness.Server(valgrind) as server:
            http.drive(server, what, seconds)
            control = ["callgrind_control", "--instr=on", str(server.process.pid)]
            subprocess.run(control, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            requests = http.drive(server, what, seconds)["requests"] + http.CONNECTIONS
            control[1] = "--instr=off"
            subprocess.run(control, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        parts = dict.fromkeys((part for part, _ in PARTS), 0)
        for file, count in instructions(report).items():
            parts[part_of(file)] += count / requests
    return parts


# ---- what is shown ----

def table(title, columns, readable, total):
    names = sorted({name for column in columns.values() for name in column},
                   key=lambda name: -max(column.get(name, 0) for column in columns.values()))
    lines = [f"| {title} | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for name in names:
        lines.append(f"| {name} | {' | '.join(readable(column.get(name, 0)) for column in columns.values())} |")
    if total:
        lines.append(f"| together | {' | '.join(readable(sum(column.values())) for column in columns.values())} |")
    return lines


def show(what, args):
    seconds = SHORT if args.check else SECONDS
    calls, parts = {}, {}
    for name in ("evhttp", "direct", "bare"):
        with http.Bare() if name == "bare" else http.Service(name) as server:
            http.drive(server, what, SHORT)
            made = calls_per_request(server, what, seconds)
            calls[name] = {call: times for call, times in made.items() if times >= CALLS}
    for name in ("evhttp", "direct"):
        parts[name] = instructions_per_request([harness.program("http_service"), name], what, seconds)
    lines = [*table("system calls in a request", calls, "{:.2f}".format, True), "",
             *table("instructions in a request", parts, "{:,.0f}".format, True)]
    harness.note("\n".join(lines))
    if args.write and not args.check:
        contest.write_page("http-profile", lines)
    return 0
