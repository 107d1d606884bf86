# SPDX-License-Identifier: MIT
"""What a task costs with 1000 to 1,000,000 in flight: CPU time for a whole life, beside asyncio and Go.

`KIND.N`: waves of N tasks that all sleep at once, and the CPU time of the process by the number of tasks.
`KIND.churn.N`: always N, each with a short nap of its own, and each that ends spawns the next; in no order, so that
every one is cold. `growth` and `churn_growth`: the cost at the most by the cost at the fewest. All on one core."""
import sys

import contest
import harness

KINDS = ("evented", "fiber")
BASELINES = ("asyncio", "go")
WAVE_NS_EACH = 40_000  # how long a wave sleeps, by its tasks: all must be asleep before the first wakes
IN_WAVES = 50_000      # tasks at least, in all waves of one run
NAP_NS_EACH = 100      # the longest nap, by the tasks in flight: nobody is that fast, so the loop is never idle
ENDS = 200_000


def contestants(*shape):
    return [*[contest.ours(kind, "scaling", kind, *shape) for kind in KINDS],
            contest.on_asyncio("asyncio", "scaling_asyncio.py", *shape), contest.go("scaling", *shape)]


def shapes(n, check):
    """The two ways of having N in flight, as the programs want them told."""
    waves = 1 if check else -(-IN_WAVES // n)
    return (("", ("waves", n, waves, 0.02 + n * WAVE_NS_EACH / 1e9)),
            ("churn", ("churn", n, 10_000 if check else ENDS, n * NAP_NS_EACH / 1e9)))


def grown(few, many):
    """How many times as much, in each round."""
    return [b / a for a, b in zip(few, many)] if few else None


def main():
    more = [("--most", {"type": int, "help": "how many in flight at the most (default 1,000,000)"}), contest.WRITE]
    args = harness.options(__doc__, rounds=3, more=more)
    most = args.most or (3000 if args.check else 1_000_000)
    sizes = [n for n in (1000, 10_000, 100_000) if n < most] + [most]
    bench = contest.Contest("scaling", args)
    costs = {}
    for n in sizes:
        for way, shape in shapes(n, args.check):
            harness.note(f"scaling: {n:,} in flight, {shape[0]}")
            results = bench.rounds(contestants(*shape), harness.SERVER_CORE)
            costs.update({(name, way, n): contest.column(results, name, "cpu_ns") for name in (*KINDS, *BASELINES)})
    for kind in KINDS:
        for way in ("", "churn"):
            prefix = f"{kind}.{way}." if way else f"{kind}."
            for n in sizes:
                bench.figure(f"{prefix}{n}", costs[kind, way, n], "ns", {b: costs[b, way, n] for b in BASELINES})
            growth = {name: grown(costs[name, way, sizes[0]], costs[name, way, most]) for name in (kind, *BASELINES)}
            bench.figure(f"{kind}.{way}_growth" if way else f"{kind}.growth", growth.pop(kind), "times", growth,
                         wanted=None if way else {None: 3})
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
