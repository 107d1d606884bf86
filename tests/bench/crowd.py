# SPDX-License-Identifier: MIT
"""A plain client's latency while 10,000 connections idle and 2,000 drip a head byte by byte, beside its own without them.

Fewer where a process may not have so many descriptors. Two servers of one kind on one core: one has the crowd, the
other has nobody. A client that asks one question after another asks them in turn; while it asks the other one, the crowd
is stopped. The slow ones send a byte a second each; the server ends them with 408 after its 10 s for a head, and they
come again at once. Promise: p99 with the crowd is at most twice that without it."""
import contextlib
import sys
import time

import contest
import harness
import http_bench as http
import http_crowd

TRANSPORTS = ("evhttp", "direct")
HEAD_S = 10     # that the server gives a head: over this time the slow ones come, and later end
SETTLE_S = 0.5  # after the crowd goes on: what fell due while it was stopped
PERCENTILES = {"p50": 50, "p99": 99}
WANTED = {"p99": {"alone": 2}}


def probe(server, seconds):
    """{percentile: milliseconds} of a client's questions."""
    with harness.Child([harness.program("prober"), http.port_of(server), "/json?count=5&name=abc"],
                       harness.LOAD_CORE) as prober:
        time.sleep(seconds)
        times = [int(line.split()[1]) for line in prober.finish().splitlines()]
    return {name: harness.percentile(times, share) / 1e6 for name, share in PERCENTILES.items()}


def see(transport, rounds, seconds, idle, slow, spread):
    """([with the crowd], [alone]) of each round, and how the crowd fared."""
    crowded, alone = [], []
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(http.Service(transport)) for _ in range(2)]
        for server in servers:
            http.drive(server, http_crowd.ASK, 0.3)
        crowd = stack.enter_context(http_crowd.Crowd(servers[0], idle, slow, spread))
        for _ in range(rounds):
            crowd.pause()
            alone.append(probe(servers[1], seconds))
            crowd.go_on()
            time.sleep(SETTLE_S)
            crowded.append(probe(servers[0], seconds))
            harness.note(f"crowd: {transport}: {contest.short(crowded[-1])}; alone: {contest.short(alone[-1])}")
        how = crowd.end()
    harness.note(f"crowd: {transport}: {how}")
    if how["lost"] or how["other"]:
        raise SystemExit(f"{transport} did not treat its crowd right: {how}")
    return crowded, alone


def main():
    more = [("--idle", {"type": int, "help": "how many idle ones (default 10,000)"}),
            ("--slow", {"type": int, "help": "how many slow ones (default 2,000)"}), contest.WRITE]
    args = harness.options(__doc__, rounds=11, more=more)
    slow = http_crowd.borne(args.slow or (50 if args.check else 2000))
    idle = http_crowd.borne(args.idle or (200 if args.check else 10_000), besides=slow)
    seconds, spread = (0.3, 0.5) if args.check else (1, HEAD_S)
    bench = http.begin("crowd", args)
    for transport in TRANSPORTS:
        crowded, alone = see(transport, args.rounds, seconds, idle, slow, spread)
        for name in PERCENTILES:
            bench.figure(f"{transport}.{name}", [r[name] for r in crowded], "ms",
                         {"alone": [r[name] for r in alone]}, wanted=WANTED.get(name))
    bench.figure("idle", [idle] * args.rounds, "connections", {}, better="higher")
    bench.figure("slow", [slow] * args.rounds, "connections", {}, better="higher")
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
