# SPDX-License-Identifier: MIT
"""One no-op task on a pool and back to the loop, with nothing else to do: how long, beside libuv, GLib and asyncio.

A pause of 1 ms between two, in which every thread falls asleep. On two cores."""
import sys

import contest
import harness

BASELINES = ("libuv", "glib", "asyncio", "uvloop")
PAUSE_MS = 1


def main():
    more = [("--threads", {"type": int, "default": 4, "help": "of the pool (default 4, which is libuv's own)"}),
            contest.WRITE]
    args = harness.options(__doc__, rounds=7, more=more)
    times, threads = 100 if args.check else 3000, args.threads
    bench = contest.Contest("wake", args)
    results = bench.rounds([
        contest.ours("ours", "wake", threads, times, PAUSE_MS),
        contest.in_c("libuv", "wake", times, PAUSE_MS, env={"UV_THREADPOOL_SIZE": str(threads)}),
        contest.in_c("glib", "wake", threads, times, PAUSE_MS),
        contest.on_asyncio("asyncio", "wake_asyncio.py", threads, times, PAUSE_MS),
        contest.on_asyncio("uvloop", "wake_asyncio.py", threads, times, PAUSE_MS)], contest.BOTH_CORES)
    for share in ("p50", "p99"):
        bench.figure(share, contest.column(results, "ours", f"{share}_ns", 1e3), "µs",
                     {b: contest.column(results, b, f"{share}_ns", 1e3) for b in BASELINES}, wanted={"libuv": 1.1})
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
