# SPDX-License-Identifier: MIT
"""1000 requests in one volley on open connections: response latency against a bare epoll responder.

Each request adds three tasks of 3 s, and is answered at once. The responder is tests/bench/bare.c, the physical limit:
the same tandem-load drives both, in turn, with the server on one core and the load on the other. Promises: the p99 of
a volley is at most 4 times the bare one's, and one request after another has a p99 under 5 ms."""
import sys

import harness

WORK = "/?as_async=1&count=3&period={period}"


def main():
    args = harness.options(__doc__, rounds=7)
    volley, row, period = (50, 50, 0.05) if args.check else (1000, 1000, 3)
    ours, bare, ours_row, bare_row = [], [], [], []
    with harness.tandemd("--workers", "12") as server, harness.Server([harness.program("bare")]) as limit:
        work, nothing = server.url + WORK.format(period=period), limit.url + "/"
        # Both have seen as many connections before the first round counts.
        for url in (work, nothing):
            harness.load("-c", str(volley), *(["--follow"] if url == work else []), url)
        for _ in range(args.rounds):
            ours.append(harness.load("-c", str(volley), "--follow", work))
            bare.append(harness.load("-c", str(volley), nothing))
            ours_row.append(harness.load("-c", "1", "-n", str(row), "--follow", work))
            bare_row.append(harness.load("-c", "1", "-n", str(row), nothing))
            harness.note(f"volley p99 {p(ours, 'p99')[-1]:.3f} ms, bare {p(bare, 'p99')[-1]:.3f} ms; "
                         f"in a row p99 {p(ours_row, 'p99')[-1]:.3f} ms, bare {p(bare_row, 'p99')[-1]:.3f} ms")
    limits = harness.Limits(args.check)
    for share in ("p50", "p99"):
        _, ratio = harness.figure("volley", f"{volley} at once, {share}", p(ours, share), "ms", p(bare, share))
        if share == "p99":
            limits.at_most("volley p99, times the bare responder's", ratio, 4)
    for share in ("p50", "p99"):
        value, _ = harness.figure("volley", f"one after another, {share}", p(ours_row, share), "ms", p(bare_row, share))
        if share == "p99":
            limits.at_most("one after another, p99 (ms)", value, 5)
    return limits.status()


def p(reports, share):
    """A percentile of the response latency in each report, in ms."""
    return [harness.only_step(report)["latency"][share] * 1e3 for report in reports]


if __name__ == "__main__":
    sys.exit(main())
