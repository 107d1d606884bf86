#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_report_run.py LOAD TANDEMD: the reports as a user gets them, from the program itself, against a real daemon.

Checks and their exit status, the files and what stands in them, compare, and the live view on a terminal of the test's
own that is resized. Ends with N passed, N failed."""
import csv
import fcntl
import http.server
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

LOAD, TANDEMD = sys.argv[1:3]
TIMEOUT_S = 60
passed, failed = 0, 0


def promise(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAILED: {name}\n{detail}")


def load(*options):
    return subprocess.run([LOAD, *options], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S,
                          check=False)


# ---- checks ----

def checks(url):
    good = load("-q", "-c", "4", "--follow", "--check", "lost==0", "--check", "multiplicity.peak[@4]==4", url)
    promise("checks that hold change nothing", good.returncode == 0 and good.stdout.count("check passed") == 2,
            good.stdout + good.stderr)
    bad = load("-q", "-c", "4", "--follow", "--check", "lost==0", "--check", "p99<1ns", url)
    promise("a check that does not hold is status 5", bad.returncode == 5 and "check FAILED  p99<1ns" in bad.stdout,
            bad.stdout + bad.stderr)
    unknown = load("-q", "-c", "4", "--check", "lost==0", url)
    promise("what was not looked at fails its check", unknown.returncode == 5 and "not known" in unknown.stdout,
            unknown.stdout)
    wrong = load("-c", "4", "--check", "p98<20ms", "http://127.0.0.1:1/")
    promise("a check that cannot be read is wrong usage, before anything is measured",
            wrong.returncode == 2 and '--check: "p98<20ms": there is no such figure' in wrong.stderr and not wrong.stdout,
            wrong.stderr)
    listed = load("--check", "help")
    promise("--check help lists the figures", listed.returncode == 0 and "multiplicity.pool: peak" in listed.stdout)
    gone = load("-q", "--check", "rate>0", "http://127.0.0.1:1/")
    promise("a target that cannot be reached stays status 3", gone.returncode == 3, gone.stderr)


# ---- files ----

def rows(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def files(url, at):
    path = {kind: os.path.join(at, "report." + kind) for kind in ("json", "html", "csv", "log")}
    done = load("-q", "-c", "2,5", "-n", "40", "--follow", "--label", 'a "label"; of mine',
                *[word for kind, name in path.items() for word in ("--" + kind, name)], url)
    promise("every file is written", done.returncode == 0 and all(os.path.getsize(p) for p in path.values()), done.stderr)
    with open(path["json"], encoding="utf-8") as f:
        report = json.load(f)
    slices = rows(path["csv"])
    series = [s for step in report["steps"] for s in step["series"]]
    promise("the CSV has the slices of the JSON", len(slices) == len(series) and
            [int(s["succeeded"]) for s in slices] == [s["succeeded"] for s in series])
    log = rows(path["log"])
    made = [step["requests"]["made"] for step in report["steps"]]
    promise("the log has a line for each request", [sum(r["level"] == level for r in log) for level in ("2", "5")] == made,
            f"{len(log)} lines, {made} requests")
    promise("a line of the log tells of its request", log and all(
        r["label"] == 'a "label"; of mine' and r["status"] == "200" and r["error"] == "" and
        0 < float(r["latency"]) < 60 and abs(float(r["ended"]) - float(r["sent"]) - float(r["latency"])) < 2e-9 and
        int(r["last_task"]) - int(r["first_task"]) == 2 for r in log), f"{log[:1]}")
    same = load("--json", path["json"], "--csv", path["json"], url)
    promise("one file is not written twice", same.returncode == 2 and "both name" in same.stderr, same.stderr)
    for option in ("--json", "--html", "--csv", "--log"):
        nowhere = load(option, os.path.join(at, "no", "file"), url)
        promise(f"{option}: what cannot be written is said before the run",
                nowhere.returncode == 2 and "cannot write" in nowhere.stderr and not nowhere.stdout, nowhere.stderr)
    full = load("-q", "--json", "/dev/full", url)
    promise("a full disk is said, and is status 2", full.returncode == 2 and "cannot write /dev/full" in full.stderr, full.stderr)


def nobody_reads(at, url):
    """Standard output is a pipe that nobody reads any more."""
    kept = os.path.join(at, "kept.json")
    ends = os.pipe()
    os.close(ends[0])
    done = subprocess.run([LOAD, "-n", "3", "--json", kept, url], stdout=ends[1], stderr=subprocess.PIPE, text=True,
                          timeout=TIMEOUT_S, check=False)
    os.close(ends[1])
    with open(kept, encoding="utf-8") as f:
        made = json.load(f)["steps"][0]["requests"]["made"]
    promise("files are written though nobody reads the text, and the status tells of it", made == 3 and
            done.returncode == 2 and "cannot write the report: Broken pipe" in done.stderr, done.stderr)


# ---- compare ----

def stretched(report, factor):
    """The same report, three rounds of it, with other latencies."""
    steps = []
    for turn in range(3):
        for step in json.loads(json.dumps(report["steps"])):
            step["round"] = turn
            for key in ("p50", "p90", "p95", "p99", "p999", "max", "mean"):
                step["latency"][key] *= factor * (1 + turn / 100)
            steps.append(step)
    return {**report, "steps": steps}


def compare(url, at):
    names = [os.path.join(at, n) for n in ("a.json", "b.json", "slow.json", "other.json", "none.json")]
    for name in names[:2]:
        load("-q", "-c", "3", "--follow", "--json", name, url)
    done = load("compare", *names[:2])
    promise("two single rounds give ratios and no verdict", done.returncode == 0 and "too few rounds" in done.stdout,
            done.stdout + done.stderr)
    with open(names[0], encoding="utf-8") as f:
        report = json.load(f)
    for name, what in ((names[0], stretched(report, 1)), (names[2], stretched(report, 2)),
                       (names[3], {**report, "schema": "tandem-load/1"})):
        with open(name, "w", encoding="utf-8") as f:
            json.dump(what, f)
    done = load("compare", "--tolerance", "5%", names[0], names[2])
    promise("twice the latency is worse, and fails a tolerance of 5 %",
            done.returncode == 1 and re.search(r"^p99 .* 2\.000 .* worse \(FAILED\)$", done.stdout, re.MULTILINE),
            done.stdout + done.stderr)
    done = load("compare", "--figure", "p50", names[0], names[2])
    promise("without a tolerance it is only said; --figure picks",
            done.returncode == 0 and "worse in 1" in done.stdout and "p99" not in done.stdout, done.stdout)
    done = load("compare", "--tolerance", "5%", names[2], names[0])
    promise("the other way round it is better", done.returncode == 0 and "worse in 0" in done.stdout, done.stdout)
    with open(names[4], "w", encoding="utf-8") as f:
        f.write('{"steps": [')
    for name, why in ((names[3], "measure again"), (names[4], "it is not JSON (byte 11)"), (at, "it is not a file"),
                      (os.path.join(at, "missing"), "No such file")):
        done = load("compare", names[0], name)
        promise(f"{os.path.basename(name)} is refused in one line",
                done.returncode == 2 and why in done.stderr and done.stderr.count("\n") == 1 and not done.stdout,
                done.stderr)
    for options in ([names[0]], ["--figure", "p98", *names[:2]], ["--tolerance", "much", *names[:2]]):
        done = load("compare", *options)
        promise(f"compare {options[0]}: wrong usage", done.returncode == 2 and done.stderr and not done.stdout, done.stderr)


# ---- the live view ----

def on_terminal(columns, resize_to, environment, *options, shown="stderr"):
    """Run with one stream on a terminal of our own, resized once a first frame was seen: what came before and after."""
    master, slave = pty.openpty()
    size = struct.pack("HHHH", 24, columns, 0, 0)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM", "LC_ALL", "LC_CTYPE")}
    child = subprocess.Popen([LOAD, *options], stdin=slave,
                             **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, shown: slave},
                             env={**env, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment})
    os.close(slave)
    seen, before, end = b"", None, time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the child has left
                break
            if not piece:
                break
            seen += piece
        if before is None and "at once".encode() in seen:
            before = len(seen)
            fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, resize_to, 0, 0))
    child.wait(timeout=TIMEOUT_S)
    os.close(master)
    before = len(seen) if before is None else before
    return seen[:before].decode(), seen[before:].decode()


def widest(text):
    """Columns of the widest line, codes aside."""
    plain = re.sub(r"\033\[[0-9;]*[A-Za-z]", "", text)
    return max(len(line) for line in re.split(r"[\r\n]+", plain))


def live(url):
    step = ["-c", "20", "--follow", re.sub(r"period=[\d.]+", "period=0.7", url)]
    before, after = on_terminal(100, 40, {}, *step)
    both = before + after
    promise("a terminal shows progress, replies, responses and lanes", all(
        word in both for word in ("connections", "replies", "response", "at once", "loop", "█", "tasks ended")), both[:2000])
    promise("it has colour", "\033[34m" in both, both[:500])
    promise("lines keep to the width, before and after it was resized", 0 < widest(before) <= 99 and
            0 < widest(after.split("\033[J", 1)[-1]) <= 39, f"{widest(before)} {widest(after)}\n{after[:600]!r}")
    promise("the frame is wiped at the end", both.rstrip().endswith("\033[J"), repr(both[-80:]))
    plain = "".join(on_terminal(100, 100, {"NO_COLOR": "1"}, *step))
    promise("NO_COLOR: the same without colour", "at once" in plain and not re.search(r"\033\[[0-9;]*m", plain))
    ascii_only = "".join(on_terminal(100, 100, {"LANG": "C"}, *step))
    promise("a locale without UTF-8 gets plain characters", "at once" in ascii_only and ascii_only.isascii())
    dumb = "".join(on_terminal(100, 100, {"TERM": "dumb"}, *step))
    promise("a dumb terminal gets no codes", "\033" not in dumb)
    quiet = "".join(on_terminal(100, 100, {}, "-q", *step))
    promise("-q shows nothing", quiet.strip() == "", repr(quiet[:200]))


def fitted(url):
    for columns in (80, 40):
        text = "".join(on_terminal(columns, columns, {}, "-r", "2", "-c", "4,20", "--follow", "--label", "one,two", url, url,
                                   shown="stdout"))
        promise(f"the report keeps to a terminal of {columns} columns", 0 < widest(text) <= columns,
                f"{widest(text)}\n{text}")
        promise(f"nothing is missing at {columns} columns", all(word in text for word in (
            "completion", "elapsed / ideal", "outliers", "nothing was lost")) and text.count("target") > 1, text)


# ---- the experiment ----

def steps_of(done):
    return [(s["label"], s["level"], s["requests"]["made"]) for s in json.loads(done.stdout)["steps"]]


VARIANTS = [(lane + way, level) for way in ("", " one by one") for lane in ("sync", "async")
            for level in (("2", "5") if not way else ("1x2", "1x5"))]


def experiment(base):
    done = load("experiment", "-c", "2,5", "--json", "-", base + "/?period=0.01&count=2")
    promise("the experiment is one command", done.returncode == 0 and
            [(label, level) for label, level, _ in steps_of(done)] == VARIANTS, done.stdout[:300] + done.stderr)
    steps = json.loads(done.stdout)["steps"]
    promise("each count is sent once, in a volley and one by one, and followed", all(
        s["requests"]["made"] == int(s["level"].split("x")[-1]) and s["tasks"]["done"] == 2 * s["requests"]["made"] and
        s["connections"] == (1 if "x" in s["level"] else int(s["level"])) for s in steps))
    promise("sync runs on the pool and async on the loop", all(
        s["tasks"]["multiplicity"]["loop" if s["label"].startswith("async") else "pool"]["tasks"] ==
        s["tasks"]["accepted"] for s in steps))
    promise("what is compared is said", "at 1x5, " in done.stderr and "at 5, " in done.stderr, done.stderr[-900:])
    for options, why in ((["-d", "1", base + "/"], "leave out -n, -d"), ([base + "/?as_async=1"], "without as_async"),
                         ([], "must be the URL"), (["-c", "2"], "must be the URL")):
        wrong = load("experiment", *options)
        promise(f"experiment {' '.join(options)}: wrong usage", wrong.returncode == 2 and why in wrong.stderr and
                not wrong.stdout, wrong.stderr)


class Plain(http.server.BaseHTTPRequestHandler):
    """A server that knows nothing of tasks, as nginx or FastAPI's is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        known = self.path.startswith("/?")
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def without_ids(at):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Plain)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = os.path.join(at, "plain.html")
        done = load("experiment", "-c", "2,5", "--html", page, f"http://127.0.0.1:{server.server_address[1]}/")
        promise("against another server the same command measures its replies and says so", done.returncode == 0 and
                done.stdout.count("the target tells nothing of its tasks (GET /tasks?ended_after=now answered 404): only "
                                  "its replies were measured") == 8, done.stdout[-2000:] + done.stderr)
        promise("nothing is claimed of its tasks", "nothing was lost" not in done.stdout and
                "\nno request failed; what became of tasks is not known" in done.stdout and "peak" not in done.stdout, done.stdout[-500:])
        with open(page, encoding="utf-8") as f:
            text = f.read()
        promise("its page shows replies alone", "How the server answered" in text and 'class="responses"' in text and
                "multiplicity" not in text.split("</style>")[1])
    finally:
        server.shutdown()
        server.server_close()


def main():
    daemon = subprocess.Popen([TANDEMD, "--port", "0", "--workers", "3"], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    base = daemon.stdout.readline().split(" on ")[1].split(" ")[0]
    url = base + "/?as_async=1&period=0.01"
    try:
        with tempfile.TemporaryDirectory() as at:
            checks(url)
            files(url, at)
            nobody_reads(at, url)
            compare(url, at)
            live(url)
            fitted(url)
            experiment(base)
            without_ids(at)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=TIMEOUT_S)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
