# SPDX-License-Identifier: MIT
"""Load generators as contestants: ours, wrk and h2load, each run once in a closed loop, with the figures it tells.

All of them talk to a server that keeps its connections: reopening them is not what is compared, and Debian's h2load
sometimes never ends when a server closes one. After each run of ours the server's own count of requests must be exactly
what we say we made."""
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import urllib.request

import contest
import harness

UNITS = {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}
FAIR = (0, 4)  # ends of a run that count: fine, or a generator that found itself too slow
VERSIONS = {"wrk": ("sh", "-c", "wrk -v || true"), "h2load": ("h2load", "--version"), "Linux": ("uname", "-r")}


def server():
    """tandemd that lets a connection live for ever, on the server's core."""
    return harness.tandemd("--log-level", "error", "--max-requests", "1000000000")


class Load:
    """What every client is asked for: so many connections for so many seconds."""

    def __init__(self, url, connections, seconds):
        self.url, self.connections, self.seconds = url, connections, seconds


class Client:
    """A contestant (see contest.py) that is called in place of being a program."""

    def __init__(self, name, call, program=None):
        self.name, self.call = name, call
        self.missing = f"{program} is not installed" if program and not shutil.which(program) else None

    def run(self, cores):
        return self.call(cores)


def timed(commands, cores):
    """Run them side by side to their ends: ([what each printed], seconds of CPU of them all)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = [subprocess.Popen(harness.pinned(cores, [str(word) for word in command]), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for command in commands]
    said = [process.communicate(timeout=120) for process in running]
    for process, (out, err) in zip(running, said):
        if process.returncode not in FAIR:
            raise SystemExit(f"{' '.join(process.args)} ended with {process.returncode}:\n{out}{err}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return [out for out, _ in said], after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def asked_of(url):
    """Requests that the server has counted before this one."""
    with urllib.request.urlopen(re.match(r"http://[^/]+", url)[0] + "/stats", timeout=60) as reply:
        return json.load(reply)["http"]["requests"] - 1


def ours(load, threads=1, processes=1):
    """tandem-load with all it measures; the connections are shared out among threads, or processes."""
    def run(cores):
        before = asked_of(load.url) + 1
        outs, cpu = timed([[harness.LOAD, "-q", "-t", threads, "-c", load.connections // processes, "-d", load.seconds,
                            "--json", "-", load.url]] * processes, cores)
        steps = [harness.only_step(json.loads(out)) for out in outs]
        made, counted = sum(step["requests"]["made"] for step in steps), asked_of(load.url) - before
        if made != counted or any(step["requests"]["succeeded"] != step["requests"]["made"] for step in steps):
            raise SystemExit(f"tandem-load made {made} requests, the server counted {counted}")
        latency = {share: steps[0]["latency"][share] * 1e3 for share in ("p50", "p99", "mean")}
        return with_flight({"per_cpu": made / cpu, "rate": sum(step["requests"]["rate"] for step in steps), **latency})
    return run


def wrk(load):
    def run(cores):
        [out], cpu = timed([["wrk", "-t1", f"-c{load.connections}", f"-d{load.seconds}s", "--latency", load.url]], cores)
        made = int(re.search(r"(\d+) requests in", out)[1])
        return with_flight({"per_cpu": made / cpu, "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
                            "p50": milliseconds(re.search(r"^ +50%\s+(\S+)", out, re.M)[1]),
                            "p99": milliseconds(re.search(r"^ +99%\s+(\S+)", out, re.M)[1]),
                            "mean": milliseconds(re.search(r"^ +Latency\s+(\S+)", out, re.M)[1])})
    return run


def h2load(load):
    """Its own summary has no percentiles; its log has a line for each request: start, status, microseconds."""
    def run(cores):
        with tempfile.TemporaryDirectory() as directory:
            log = os.path.join(directory, "log")
            [out], cpu = timed([["h2load", "--h1", "-t1", f"-c{load.connections}", f"-D{load.seconds}",
                                 f"--log-file={log}", load.url]], cores)
            with open(log, encoding="ascii") as lines:
                latency = [int(line.split("\t")[2]) / 1e3 for line in lines]
        return with_flight({"per_cpu": len(latency) / cpu, "rate": float(re.search(r"([\d.]+) req/s", out)[1]),
                            "p50": harness.percentile(latency, 50), "p99": harness.percentile(latency, 99),
                            "mean": sum(latency) / len(latency)})
    return run


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()
    return float(number) * UNITS[unit]


def with_flight(result):
    """Requests on their way on average, by Little's law: as many as there are connections, if nothing else is counted."""
    return {**result, "in_flight": result["rate"] * result["mean"] / 1e3}


def versions():
    return {name: contest.said_by(*command) for name, command in VERSIONS.items()}
