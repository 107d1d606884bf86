# SPDX-License-Identifier: MIT
"""A reply of 64 KiB in eight pieces, as chunks: requests per second of server processor time."""
import contextlib
import sys

import harness
import http_bench as http


def main():
    args = harness.options(__doc__, rounds=7)
    what = http.request("GET", "/stream")
    with contextlib.ExitStack() as stack:
        ours = {name: (stack.enter_context(http.Service(name)), None) for name in ("evhttp", "direct")}
        baselines = {"fastapi": (stack.enter_context(http.FastApi()), None)}
        http.compare("http-stream", ours, baselines, what, args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
