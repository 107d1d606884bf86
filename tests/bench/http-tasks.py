# SPDX-License-Identifier: MIT
"""A reply with three no-op background tasks: tasks that ended, per second of server processor time.

The reply of http-json; FastAPI's tasks are coroutines (loop) and functions on its threads (pool). What counts is tasks
that have ended, asked of the server before and after. Promises: evhttp at least 3 times FastAPI on the loop and 10 times on the pool,
direct 5 and 15; and the server's memory does not grow from the first round to the last by more than a tenth."""
import contextlib
import json
import sys
import time
import urllib.request

import contest
import harness
import http_bench as http

WANTED = {"evhttp.loop": 3, "evhttp.pool": 10, "direct.loop": 5, "direct.pool": 15}  # times FastAPI


def tasks_done(server):
    """How many tasks have ended, once no more end."""
    before = -1
    while True:
        with urllib.request.urlopen(server.url + "/done") as reply:
            now = json.load(reply)["done"]
        if now == before:
            return now
        before = now
        time.sleep(0.05)


def memory_kib(server):
    for line in open(f"/proc/{server.process.pid}/status", encoding="ascii"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def main():
    args = harness.options(__doc__, rounds=5, more=[contest.WRITE])
    bench = http.begin("http-tasks", args)
    wanted = {name: {"fastapi": least} for name, least in WANTED.items()}
    with contextlib.ExitStack() as stack:
        services = {name: stack.enter_context(http.Service(name)) for name in ("evhttp", "direct")}
        fastapi = stack.enter_context(http.FastApi())
        for lane in ("loop", "pool"):
            what = http.request("GET", f"/{lane}?count=5&name=abc")
            for server in services.values():
                http.drive(server, what, 0.3 if args.check else 3)
            before = {name: memory_kib(server) for name, server in services.items()}
            ours = {f"{name}.{lane}": server for name, server in services.items()}
            http.compare(bench, ours, {"fastapi": fastapi}, what, wanted, "tasks", tasks_done)
            for name, server in services.items():
                bench.limits.at_most(f"{name}.{lane}: memory after the rounds, times that before",
                                     memory_kib(server) / before[name], 1.1)
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
