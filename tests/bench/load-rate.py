# SPDX-License-Identifier: MIT
"""What the load generator itself costs: requests per second of its CPU time, beside wrk and h2load, on the same server.

All run on one core, the server on the other, one after another in each round; tandem-load with all it measures, wrk with
--latency, h2load with its log. Two threads are held against two processes of one thread each, which share nothing, on
the same cores with the same connections: what the threads cost more is what keeps them from scaling."""
import os
import sys

import clients
import contest
import harness

CONNECTIONS = 64
BASELINES = ("wrk", "h2load")


def main():
    args = harness.options(__doc__, rounds=9, more=[contest.WRITE])
    bench = contest.Contest("load-rate", args, versions=clients.versions())
    with clients.server() as server:
        load = clients.Load(server.url + "/health", CONNECTIONS, 1 if args.check else 3)
        one = bench.rounds([clients.Client("ours", clients.ours(load)), clients.Client("wrk", clients.wrk(load), "wrk"),
                            clients.Client("h2load", clients.h2load(load), "h2load")], harness.LOAD_CORE)
        two = bench.rounds([clients.Client("threads", clients.ours(load, threads=2)),
                            clients.Client("processes", clients.ours(load, processes=2))], contest.BOTH_CORES)
    for figure, wanted in (("per_cpu", {"wrk": 1.2}), ("rate", None)):
        bench.figure(figure, contest.column(one, "ours", figure), "1/s",
                     {name: contest.column(one, name, figure) for name in BASELINES}, "higher", wanted)
    bench.figure("two_threads", contest.column(two, "threads", "per_cpu"), "1/s",
                 {"processes": contest.column(two, "processes", "per_cpu")}, "higher", {"processes": 0.9})
    if os.cpu_count() < 3:
        harness.note("two cores: the two threads share theirs with the server, which is the bottleneck")
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
