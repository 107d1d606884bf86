# SPDX-License-Identifier: MIT
"""Spawn and end no-op tasks of the loop lane: how many a second, beside asyncio, uvloop, Go and Node.

Batches of 1000 are spawned by code on the loop, which turns between two batches. All on one core."""
import sys

import contest
import harness

BATCH = 1000
WANTED = {"evented": {"asyncio": 30}, "fiber": {"asyncio": 15, "go": 0.5}}
BASELINES = ("asyncio", "uvloop", "go", "node")


def main():
    args = harness.options(__doc__, rounds=7, more=[contest.WRITE])
    n = 20_000 if args.check else 1_000_000
    many = n if args.check else 5 * n  # for those that take about a second for so many
    bench = contest.Contest("spawn", args)
    results = bench.rounds([
        *[contest.ours(kind, "spawn", kind, many, BATCH) for kind in WANTED],
        contest.on_asyncio("asyncio", "spawn_asyncio.py", n, BATCH),
        contest.on_asyncio("uvloop", "spawn_asyncio.py", n, BATCH),
        contest.go("spawn", many, BATCH), contest.node("spawn.js", many, BATCH)], harness.SERVER_CORE)
    baselines = {name: contest.column(results, name, "per_second") for name in BASELINES}
    for kind, wanted in WANTED.items():
        bench.figure(kind, contest.column(results, kind, "per_second"), "1/s", baselines, "higher", wanted)
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
