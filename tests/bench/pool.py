# SPDX-License-Identifier: MIT
"""No-op tasks on a pool and back to the loop, 1024 in flight: how many a second, beside libuv, GLib and Python.

With 2 and with 8 threads, on two cores. asyncio and uvloop come back by run_in_executor(); `python` is the executor
alone, waited for in order, with no loop to come back to."""
import sys

import contest
import harness

IN_FLIGHT = 1024
BASELINES = ("libuv", "glib", "asyncio", "uvloop", "python")
WANTED = {2: {"libuv": 1.3, "glib": 1.3}, 8: {"libuv": 3}}


def main():
    args = harness.options(__doc__, rounds=7, more=[contest.WRITE])
    n = 10_000 if args.check else 2_000_000
    few = n if args.check else n // 40  # for those that take seconds for so many
    bench = contest.Contest("pool", args)
    for threads in (2, 8):
        harness.note(f"pool: {threads} threads")
        results = bench.rounds([
            contest.ours("ours", "pool", threads, n, IN_FLIGHT),
            contest.in_c("libuv", "pool", n, IN_FLIGHT, env={"UV_THREADPOOL_SIZE": str(threads)}),
            contest.in_c("glib", "pool", threads, n, IN_FLIGHT),
            contest.on_asyncio("asyncio", "pool_asyncio.py", threads, few, IN_FLIGHT),
            contest.on_asyncio("uvloop", "pool_asyncio.py", threads, few, IN_FLIGHT),
            contest.python("pool_python.py", threads, few, IN_FLIGHT)], contest.BOTH_CORES)
        bench.figure(f"threads{threads}", contest.column(results, "ours", "per_second"), "1/s",
                     {b: contest.column(results, b, "per_second") for b in BASELINES}, "higher", WANTED[threads])
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
