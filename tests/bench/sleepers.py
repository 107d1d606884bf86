# SPDX-License-Identifier: MIT
"""100,000 tasks that sleep 10 s at once on one loop: memory per task, lateness, and /health while they fall due.

The baseline is the same on Python's asyncio. Promise: /health answers with a p99 under 20 ms while they fall due, and
every task ends."""
import json
import sys
import time

import harness

FIGURES = (("memory per task", "bytes_per_task", "B", 1), ("lateness p50", "late_p50_ns", "ms", 1e6),
           ("lateness p99", "late_p99_ns", "ms", 1e6), ("lateness max", "late_max_ns", "ms", 1e6),
           ("first due to last end", "spread_ns", "ms", 1e6))


def measure(command, n, seconds):
    """One run. A prober on the other core asks /health from shortly before the first task falls due."""
    with harness.Child([*command, str(n), str(seconds)], harness.SERVER_CORE) as sleepers:
        asleep = json.loads(sleepers.line())
        time.sleep(max(0.0, asleep["first_due_ns"] / 1e9 - time.monotonic() - 0.5))
        with harness.Child([harness.program("prober"), str(asleep["port"]), "/health"], harness.LOAD_CORE) as prober:
            ended = json.loads(sleepers.line())
            answers = [tuple(map(int, line.split())) for line in prober.finish().splitlines()]
        sleepers.finish()
    begin, end = ended["first_due_ns"], ended["last_end_ns"]
    during = [ns for sent, ns in answers if sent <= end and sent + ns >= begin]
    if ended["tasks"] != n or not during:
        raise SystemExit(f"{n} tasks, {ended['tasks']} ended, {len(during)} probes while they fell due")
    ended["spread_ns"] = end - begin
    ended["health"] = [harness.percentile(during, 50) / 1e6, harness.percentile(during, 99) / 1e6, max(during) / 1e6]
    harness.note(f"{command[-1]}: {ended}, {len(during)} probes")
    return ended


def main():
    more = [("--tasks", {"type": int, "help": "how many (default 100,000)"}),
            ("--seconds", {"type": float, "help": "how long each sleeps (default 10)"})]
    args = harness.options(__doc__, rounds=3, more=more)
    n = args.tasks or (1000 if args.check else 100_000)
    seconds = args.seconds or (0.2 if args.check else 10)
    ours, theirs = [], []
    for _ in range(args.rounds):
        ours.append(measure([harness.program("sleepers")], n, seconds))
        theirs.append(measure([sys.executable, harness.HERE + "/asyncio_sleepers.py"], n, seconds))
    harness.figure("sleepers", "tasks asleep at once", [n] * args.rounds, "tasks", [n] * args.rounds, better="higher")
    for name, key, unit, scale in FIGURES:
        harness.figure("sleepers", name, [r[key] / scale for r in ours], unit, [r[key] / scale for r in theirs])
    limits = harness.Limits(args.check)
    for i, name in enumerate(("p50", "p99", "max")):
        value, _ = harness.figure("sleepers", f"/health {name} while they fall due", [r["health"][i] for r in ours], "ms",
                                  [r["health"][i] for r in theirs])
        if name == "p99":
            limits.at_most("/health p99 while tasks fall due (ms)", value, 20)
    return limits.status()


if __name__ == "__main__":
    sys.exit(main())
