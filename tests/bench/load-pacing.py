# SPDX-License-Identifier: MIT
"""How exactly an open loop keeps its times: 10,000 requests a second for 30 s, each send against when it was due.

Every request's line of --log is read: `sent` - `due`. Nothing else open-loop is in Debian to compare with (wrk and h2load
are closed loops), so there is no baseline. Wanted: 99 % of the sends within 0.5 ms."""
import csv
import sys
import tempfile

import clients
import contest
import harness

RATE = 10000
WITHIN_MS = 0.5


def measure(server, seconds, cores):
    """How late requests were sent."""
    with tempfile.NamedTemporaryFile(mode="r", suffix=".csv") as log:
        report = harness.load("-q", "-R", str(RATE), "-d", str(seconds), "--max-lag", "60", "--log", log.name,
                              server.url + "/health", core=cores)
        late = [(float(row["sent"]) - float(row["due"])) * 1e3 for row in csv.DictReader(log)]
    requests = harness.only_step(report)["requests"]
    if len(late) != requests["made"] or requests["made"] + requests["unsent"] != RATE * seconds:
        raise SystemExit(f"{RATE * seconds} were due, {requests['made']} made, {len(late)} logged")
    return {"within": 100 * sum(value <= WITHIN_MS for value in late) / len(late),
            **{f"p{share}": harness.percentile(late, share) for share in (50, 99, 99.9)}, "max": max(late)}


def main():
    args = harness.options(__doc__, rounds=3, more=[contest.WRITE])
    bench, seconds = contest.Contest("load-pacing", args, versions=clients.versions()), 1 if args.check else 30
    with clients.server() as server:
        results = bench.rounds([clients.Client("ours", lambda cores: measure(server, seconds, cores))], harness.LOAD_CORE)
    bench.figure("within_0.5_ms", contest.column(results, "ours", "within"), "%", {}, "higher", {None: 99})
    for share in ("p50", "p99", "p99.9", "max"):
        bench.figure(f"late_{share}", contest.column(results, "ours", share), "ms", {})
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
