# SPDX-License-Identifier: MIT
"""Semaphore, group, offload, channel and limiter: how many a second, beside asyncio, uvloop and Go.

`semaphore`: 16 tasks share 4 permits, and each holds one over a turn of the loop; `group3`: three no-op children, and
wait for all; `offload_1024`: a blocking no-op on a pool and back, 1024 callers; `channel`: items from one task to
another, 128 places; `limiter`: what passing one that never waits costs, which has no baseline. On one core, but offload
on two."""
import os
import sys

import contest
import harness

THREADS = min(32, (os.cpu_count() or 1) + 4)  # asyncio's default, and Tandem's
WORK = (("semaphore", 400_000, harness.SERVER_CORE), ("group3", 100_000, harness.SERVER_CORE),
        ("offload_1024", 60 * 1024, contest.BOTH_CORES), ("channel", 1_000_000, harness.SERVER_CORE))
BASELINES = ("asyncio", "uvloop", "go")
AS_MANY = 20  # times as many for those that are as much faster


def baselines(figure, n, many):
    both = [contest.on_asyncio(kind, "primitives_asyncio.py", figure, n, THREADS) for kind in ("asyncio", "uvloop")]
    return both if figure == "offload_1024" else [*both, contest.go("primitives", figure, many)]


def main():
    args = harness.options(__doc__, rounds=5, more=[contest.WRITE])
    bench = contest.Contest("primitives", args)
    for figure, n, cores in WORK:
        n = 4096 if args.check else n
        many = n if args.check else n * AS_MANY
        harness.note(f"primitives: {figure}")
        results = bench.rounds([contest.ours("ours", "primitives", figure, many, THREADS), *baselines(figure, n, many)],
                               cores)
        theirs = {b: contest.column(results, b, "per_second") for b in BASELINES if (figure, b) != ("offload_1024", "go")}
        bench.figure(figure, contest.column(results, "ours", "per_second"), "1/s", theirs, "higher", {"asyncio": 15})
    harness.note("primitives: limiter")
    n = 10_000 if args.check else 20_000_000
    alone = bench.rounds([contest.ours("ours", "primitives", "limiter", n, THREADS)], harness.SERVER_CORE)
    bench.figure("limiter", contest.column(alone, "ours", "ns"), "ns", {})
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
