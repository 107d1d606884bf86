# SPDX-License-Identifier: MIT
"""A JSON body of 1 KiB checked into a struct: requests per second of server processor time.

Numbers with limits, strings with lengths, an enum, a list, a nested object; FastAPI checks the same with pydantic.
Promises: evhttp at least 6 times FastAPI, direct 9 times."""
import contextlib
import sys

import contest
import harness
import http_bench as http

WANTED = {"evhttp": {"fastapi": 6}, "direct": {"fastapi": 9}}


def main():
    args = harness.options(__doc__, rounds=7, more=[contest.WRITE])
    what = http.request("POST", "/body", http.ORDER)
    bench = http.begin("http-body", args)
    with contextlib.ExitStack() as stack:
        ours = {name: stack.enter_context(http.Service(name)) for name in WANTED}
        http.compare(bench, ours, {"fastapi": stack.enter_context(http.FastApi())}, what, WANTED)
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
