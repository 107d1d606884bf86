# SPDX-License-Identifier: MIT
"""A reply of 64 KiB in eight pieces, as chunks: requests per second of server processor time."""
import contextlib
import sys

import contest
import harness
import http_bench as http


def main():
    args = harness.options(__doc__, rounds=7, more=[contest.WRITE])
    bench = http.begin("http-stream", args)
    with contextlib.ExitStack() as stack:
        ours = {name: stack.enter_context(http.Service(name)) for name in ("evhttp", "direct")}
        http.compare(bench, ours, {"fastapi": stack.enter_context(http.FastApi())}, http.request("GET", "/stream"))
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
