# SPDX-License-Identifier: MIT
"""A JSON body of 1 KiB checked into a struct: requests per second of server processor time.

Numbers with limits, strings with lengths, an enum, a list, a nested object; FastAPI checks the same with pydantic.
Promises: evhttp at least 6 times FastAPI, direct 9 times."""
import contextlib
import sys

import harness
import http_bench as http

PROMISES = [("evhttp", "fastapi", 6), ("direct", "fastapi", 9)]


def main():
    args = harness.options(__doc__, rounds=7)
    what = http.request("POST", "/body", http.ORDER)
    with contextlib.ExitStack() as stack:
        ours = {name: (stack.enter_context(http.Service(name)), None) for name in ("evhttp", "direct")}
        baselines = {"fastapi": (stack.enter_context(http.FastApi()), None)}
        ratios = http.compare("http-body", ours, baselines, what, args)
    limits = harness.Limits(args.check)
    for name, base, least in PROMISES:
        limits.at_least(f"{name} against {base}", ratios.get((name, base)), least)
    return limits.status()


if __name__ == "__main__":
    sys.exit(main())
