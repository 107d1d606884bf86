# SPDX-License-Identifier: MIT
"""A million tasks asleep at once on one loop: memory, start rate and lateness, beside asyncio, uvloop, Go and Node.

Each sleeps to a time of its own: one after another they fall due, evenly over --spread seconds, --seconds after the
first was started. Where memory or the kernel's guard pages do not bear so many, as many as they bear; `tasks` says how
many. All on one core."""
import sys

import contest
import harness

KINDS = ("evented", "fiber")
BASELINES = ("asyncio", "uvloop", "go", "node")
BYTES_EACH = 5500  # what a sleeping fiber and its page tables need, and some more
SHARE = 0.8        # of the memory that is free
FIGURES = (("bytes", "bytes", "B", 1, "lower"), ("start_rate", "start_rate", "1/s", 1, "higher"),
           ("lateness_p99", "late_p99_ns", "ms", 1e6, "lower"), ("lateness_max", "late_max_ns", "ms", 1e6, "lower"))
WANTED = {"evented.bytes": {None: 320, **dict.fromkeys(BASELINES, 1)}, "fiber.bytes": {None: 4.6 * 1024}}


def free_memory():
    with open("/proc/meminfo", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("MemAvailable:"))


def check_all_were_asleep(results, n):
    for name, rounds in results.items():
        for r in rounds:
            if r["spare_s"] < 0:
                raise SystemExit(f"{name} had not put all to sleep when the first fell due: {-r['spare_s']:.1f} more "
                                 "--seconds are wanted")
            if r.get("tasks", n) < n:
                harness.note(f"{name}: this kernel bears no more than {r['tasks']:.0f} tasks")


def main():
    more = [("--tasks", {"type": int, "help": "how many (default 1,000,000)"}),
            ("--seconds", {"type": float, "help": "from the first start to the first that falls due (default 40)"}),
            ("--spread", {"type": float, "help": "from the first that falls due to the last (default 10)"}), contest.WRITE]
    args = harness.options(__doc__, rounds=3, more=more)
    n = args.tasks or (5000 if args.check else 1_000_000)
    borne = int(free_memory() * SHARE / BYTES_EACH)
    if n > borne:
        harness.note(f"million: free memory bears {borne:,} tasks, not {n:,}")
        n = borne
    shape = [n, args.seconds or (1 if args.check else 40), args.spread or (0.2 if args.check else 10)]
    bench = contest.Contest("million", args)
    results = bench.rounds([
        *[contest.ours(kind, "million", kind, *shape) for kind in KINDS],
        contest.on_asyncio("asyncio", "million_asyncio.py", *shape),
        contest.on_asyncio("uvloop", "million_asyncio.py", *shape),
        contest.go("million", *shape), contest.node("million.js", *shape)], harness.SERVER_CORE)
    check_all_were_asleep(results, n)
    for kind in KINDS:
        bench.figure(f"{kind}.tasks", contest.column(results, kind, "tasks"), "tasks", {}, "higher")
        for name, key, unit, scale, better in FIGURES:
            bench.figure(f"{kind}.{name}", contest.column(results, kind, key, scale), unit,
                         {b: contest.column(results, b, key, scale) for b in BASELINES}, better,
                         WANTED.get(f"{kind}.{name}"))
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
