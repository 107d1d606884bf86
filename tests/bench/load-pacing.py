# SPDX-License-Identifier: MIT
"""How exactly an open loop keeps its times: 10,000 requests a second for 30 s, each send against when it was due.

Every request's line of --log is read: `sent` - `due`. Nothing else open-loop is in Debian to compare with (wrk and h2load
are closed loops), so there is no baseline. Promised: 99 % of the sends within 0.5 ms."""
import csv
import sys
import tempfile

import harness

RATE = 10000
WITHIN_MS = 0.5


def measure(server, seconds):
    """How late each request was sent, in milliseconds."""
    with tempfile.NamedTemporaryFile(mode="r", suffix=".csv") as log:
        report = harness.load("-q", "-R", str(RATE), "-d", str(seconds), "--max-lag", "60", "--log", log.name,
                              server.url + "/health")
        late = [(float(row["sent"]) - float(row["due"])) * 1e3 for row in csv.DictReader(log)]
    requests = harness.only_step(report)["requests"]
    if len(late) != requests["made"] or requests["made"] + requests["unsent"] != RATE * seconds:
        raise SystemExit(f"{RATE * seconds} were due, {requests['made']} made, {len(late)} logged")
    return late


def of_share(late, share):
    """The lateness that this share (per cent) of the sends do not exceed."""
    return sorted(late)[min(len(late) - 1, int(len(late) * share / 100))]


def main():
    args = harness.options(__doc__, rounds=3)
    limits, seconds = harness.Limits(args.check), 1 if args.check else 30
    with harness.tandemd("--log-level", "error") as server:
        rounds = [measure(server, seconds) for _ in range(args.rounds)]
    shares = [100 * sum(value <= WITHIN_MS for value in late) / len(late) for late in rounds]
    share, _ = harness.figure("load-pacing", f"sends within {WITHIN_MS} ms", shares, "%", better="higher")
    for what in (50, 99, 99.9):
        harness.figure("load-pacing", f"sent late, p{what:g}", [of_share(late, what) for late in rounds], "ms")
    limits.at_least(f"sends within {WITHIN_MS} ms (%)", share, 99)
    return limits.status()


if __name__ == "__main__":
    sys.exit(main())
