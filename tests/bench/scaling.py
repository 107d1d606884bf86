# SPDX-License-Identifier: MIT
"""What a task costs with 1000 to 1,000,000 in flight: CPU time for a whole life, beside asyncio and Go.

Waves of N tasks that all sleep at once, and the CPU time of the process by the number of tasks. `growth` is the cost at
the most by the cost at the fewest. All on one core."""
import sys

import contest
import harness

KINDS = ("evented", "fiber")
BASELINES = ("asyncio", "go")
NS_EACH = 20_000  # how long a wave sleeps, by its tasks: all must be asleep before the first wakes
AT_LEAST = 50_000  # tasks in the waves of one run


def main():
    more = [("--most", {"type": int, "help": "how many in flight at the most (default 1,000,000)"}), contest.WRITE]
    args = harness.options(__doc__, rounds=3, more=more)
    most = args.most or (3000 if args.check else 1_000_000)
    sizes = [n for n in (1000, 10_000, 100_000) if n < most] + [most]
    bench = contest.Contest("scaling", args)
    costs = {}
    for n in sizes:
        shape = [n, 1 if args.check else -(-AT_LEAST // n), 0.05 + n * NS_EACH / 1e9]
        harness.note(f"scaling: {n:,} in flight")
        results = bench.rounds([
            *[contest.ours(kind, "scaling", kind, *shape) for kind in KINDS],
            contest.on_asyncio("asyncio", "scaling_asyncio.py", *shape), contest.go("scaling", *shape)],
            harness.SERVER_CORE)
        for name in (*KINDS, *BASELINES):
            costs[name, n] = contest.column(results, name, "cpu_ns")
    for kind in KINDS:
        for n in sizes:
            bench.figure(f"{kind}.{n}", costs[kind, n], "ns", {b: costs[b, n] for b in BASELINES})
        growth = {name: grown(costs[name, sizes[0]], costs[name, most]) for name in (kind, *BASELINES)}
        bench.figure(f"{kind}.growth", growth.pop(kind), "times", growth, wanted={None: 3})
    return bench.end()


def grown(few, many):
    """How many times as much, in each round."""
    return [b / a for a, b in zip(few, many)] if few else None


if __name__ == "__main__":
    sys.exit(main())
