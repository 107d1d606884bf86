# SPDX-License-Identifier: MIT
"""Do tandem-load, wrk and h2load see the same latency of the same server? Closed loops of 1, 10 and 64 connections.

`sleep` is a handler that waits for 5 ms, so that the server has time to spare and no client's rhythm changes what there
is to see: there they must agree, p50 within a tenth, and p99 within a tenth or within what the rounds scatter. `health`
answers at once, and with 10 connections or more the server is at its limit: how long a request waits there depends on
how the client's requests come, and nothing is judged. `in_flight` is rate times mean latency, which comes to the number
of connections (Little's law) unless a client leaves uncounted a part of the time between a reply and the next request.
After each run of ours the server's count of requests and ours must be the same."""
import sys

import clients
import contest
import harness

ROUTES = {"sleep": "/sleep?period=0.005", "health": "/health"}
LEVELS = (1, 10, 64)
BASELINES = ("wrk", "h2load")
APART = 1.1
JUDGED = "sleep"


def compare(bench, results, name, judged):
    for share in ("p50", "p99", "in_flight"):
        theirs = {b: contest.column(results, b, share) for b in BASELINES}
        mine = contest.column(results, "ours", share)
        bench.figure(f"{name}.{share}", mine, "ms" if share != "in_flight" else "requests", theirs)
        for baseline, values in theirs.items():
            if judged and values and share != "in_flight" and not (share == "p99" and overlap(mine, values)):
                bench.limits.within(f"load-agreement: {name}.{share} / {baseline}",
                                    harness.median(mine) / harness.median(values), 1 / APART, APART)


def overlap(a, b):
    """Do the rounds of both scatter over common ground?"""
    return min(a) <= max(b) and min(b) <= max(a)


def main():
    args = harness.options(__doc__, rounds=5, more=[contest.WRITE])
    bench = contest.Contest("load-agreement", args, versions=clients.versions())
    with clients.server() as server:
        for route, target in ROUTES.items():
            for connections in LEVELS:
                load = clients.Load(server.url + target, connections, 1 if args.check else 2)
                results = bench.rounds([clients.Client("ours", clients.ours(load)),
                                        clients.Client("wrk", clients.wrk(load), "wrk"),
                                        clients.Client("h2load", clients.h2load(load), "h2load")], harness.LOAD_CORE)
                compare(bench, results, f"{route}.{connections}", route == JUDGED)
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
