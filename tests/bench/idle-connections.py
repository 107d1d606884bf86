# SPDX-License-Identifier: MIT
"""An idle keep-alive connection that has had one request: bytes of resident memory, beside nginx and FastAPI.

10,000 connections, or as many as a process may have descriptors for; eight browser-like fields in each request. What is
counted is the growth of the server's resident set, of all its processes, from after a warm-up to when all connections
are idle; the kernel's own memory for a socket is in nobody's figure. Promises: evhttp at most 6 times nginx, direct at
most twice."""
import sys
import time

import contest
import harness
import http_bench as http
import http_crowd

WANTED = {"evhttp": {"nginx": 6}, "direct": {"nginx": 2}}
SETTLE_S = 0.3  # for what a server does after its last reply


class Held:
    """A server and its idle connections, as a contestant."""

    def __init__(self, name, make, count, missing=None):
        self.name, self.make, self.count, self.missing = name, make, count, missing

    def run(self, _):
        with self.make() as server:
            http.drive(server, http_crowd.ASK, 0.3)
            time.sleep(SETTLE_S)
            before = http.resident_bytes(server)
            with http_crowd.Crowd(server, self.count) as crowd:
                time.sleep(SETTLE_S)
                grown = http.resident_bytes(server) - before
                how = crowd.end()
        if how["lost"]:
            raise SystemExit(f"{self.name} closed {how['lost']} connections that were idle")
        return {"bytes": grown / self.count}


def main():
    more = [("--connections", {"type": int, "help": "how many (default 10,000)"}), contest.WRITE]
    args = harness.options(__doc__, rounds=5, more=more)
    count = http_crowd.borne(args.connections or (500 if args.check else 10_000))
    bench = http.begin("idle-connections", args)
    no_nginx = None if http.has_nginx() else "nginx is not installed"
    results = bench.rounds([
        *[Held(name, lambda name=name: http.Service(name), count) for name in ("evhttp", "direct")],
        Held("nginx", http.Nginx, count, no_nginx),
        Held("fastapi", http.FastApi, count)], None)
    for name in ("evhttp", "direct"):
        bench.figure(name, contest.column(results, name, "bytes"), "B",
                     {base: contest.column(results, base, "bytes") for base in ("nginx", "fastapi")},
                     wanted=WANTED[name])
    bench.figure("connections", [count] * args.rounds, "connections", {}, better="higher")
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
