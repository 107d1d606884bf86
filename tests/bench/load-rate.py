# SPDX-License-Identifier: MIT
"""What the load generator itself costs: requests per second of its CPU time, beside wrk, on the same server.

Both run on one core, the server on the other, one after the other in each round; tandem-load with all it measures, wrk
with --latency. Latencies stand beside each other too, and h2load's mean; and after each run of ours the server's own
count of requests must be exactly what we say we made. Two threads: what a request costs then, which is what two cores
would bring."""
import json
import os
import re
import resource
import subprocess
import sys
import urllib.request

import harness

CONNECTIONS = 64
UNITS = {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}


def timed(command, core):
    """Run it to its end: (standard output, seconds of CPU). It may find itself too slow (4)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(harness.pinned(core, command), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode not in (0, 4):
        raise SystemExit(f"{' '.join(command)} ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    return run.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def asked_of(server):
    """Requests that the server has counted, this one aside."""
    with urllib.request.urlopen(server.url + "/stats", timeout=60) as reply:
        return json.load(reply)["http"]["requests"] - 1


def ours(server, seconds, threads=1, core=harness.LOAD_CORE):
    before = asked_of(server) + 1
    out, cpu = timed([harness.LOAD, "-q", "-t", str(threads), "-c", str(CONNECTIONS), "-d", str(seconds), "--json", "-",
                      server.url + "/health"], core)
    step = harness.only_step(json.loads(out))
    made, counted = step["requests"]["made"], asked_of(server) - before
    if made != counted or step["requests"]["succeeded"] != made:
        raise SystemExit(f"tandem-load made {made} requests, the server counted {counted}")
    latency = {k: v * 1e3 for k, v in step["latency"].items() if k in ("p50", "p99", "mean")}
    return {"per_cpu": made / cpu, "rate": step["requests"]["rate"], **latency}


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()
    return float(number) * UNITS[unit]


def wrk(server, seconds):
    out, cpu = timed(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", server.url + "/health"],
                     harness.LOAD_CORE)
    made = int(re.search(r"(\d+) requests in", out)[1])
    return {"per_cpu": made / cpu, "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
            "p50": milliseconds(re.search(r"50%\s+(\S+)", out)[1]), "p99": milliseconds(re.search(r"99%\s+(\S+)", out)[1])}


def h2load(server, seconds):
    out, _ = timed(["h2load", "--h1", f"-c{CONNECTIONS}", "-t1", f"-D{seconds}", server.url + "/health"],
                   harness.LOAD_CORE)
    return {"mean": milliseconds(re.search(r"time for request:\s+\S+\s+\S+\s+(\S+)", out)[1])}


def main():
    args = harness.options(__doc__, rounds=9)
    limits, seconds = harness.Limits(args.check), 1 if args.check else 4
    runs = {"ours": [], "wrk": [], "h2load": [], "two": []}
    both = f"{harness.SERVER_CORE},{harness.LOAD_CORE}"
    with harness.tandemd("--log-level", "error") as server:
        for _ in range(args.rounds):
            runs["wrk"].append(wrk(server, seconds))
            runs["ours"].append(ours(server, seconds))
            runs["h2load"].append(h2load(server, seconds))
            runs["two"].append(ours(server, seconds, threads=2, core=both))
            harness.note(f"requests per CPU second: ours {runs['ours'][-1]['per_cpu']:.0f}, wrk {runs['wrk'][-1]['per_cpu']:.0f}")

    def column(who, key):
        return [run[key] for run in runs[who]]

    _, ratio = harness.figure("load-rate", "requests per CPU second", column("ours", "per_cpu"), "requests/s",
                              column("wrk", "per_cpu"), "higher")
    harness.figure("load-rate", "requests a second", column("ours", "rate"), "requests/s", column("wrk", "rate"), "higher")
    for key in ("p50", "p99"):
        harness.figure("load-rate", f"latency {key}", column("ours", key), "ms", column("wrk", key))
    harness.figure("load-rate", "latency mean", column("ours", "mean"), "ms", column("h2load", "mean"), against="h2load")
    _, scale = harness.figure("load-rate", "requests per CPU second, two threads", column("two", "per_cpu"), "requests/s",
                              column("ours", "per_cpu"), "higher", against="one thread")
    limits.at_least("requests per CPU second, through wrk's", ratio, 1.2)
    limits.at_least("two threads bring, where each has a core (2 x the CPU cost ratio)", 2 * scale, 1.8)
    if os.cpu_count() < 3:
        harness.note("two cores: the two threads shared theirs with the server, which was the bottleneck")
    return limits.status()


if __name__ == "__main__":
    sys.exit(main())
