# SPDX-License-Identifier: MIT
"""A routed reply with two typed query parameters: requests per second of server processor time.

Eight browser-like fields, 64 connections, the server on one core and the load on the other. Baselines: a bare epoll
responder (the physical limit), nginx with `return 200`, FastAPI on uvicorn, uvloop and httptools. Promises: evhttp at
least 0.45 of bare and 3.3 times FastAPI; direct 0.80 and 6."""
import contextlib
import sys

import harness
import http_bench as http

PROMISES = [("evhttp", "bare", 0.45), ("evhttp", "fastapi", 3.3), ("direct", "bare", 0.80), ("direct", "fastapi", 6)]


def main():
    args = harness.options(__doc__, rounds=7)
    what = http.request("GET", "/json?count=5&name=abc")
    with contextlib.ExitStack() as stack:
        ours = {name: (stack.enter_context(http.Service(name)), None) for name in ("evhttp", "direct")}
        baselines = {"bare": (stack.enter_context(http.Bare()), None)}
        if http.has_nginx():
            baselines["nginx"] = (stack.enter_context(http.Nginx()), None)
        baselines["fastapi"] = (stack.enter_context(http.FastApi()), None)
        ratios = http.compare("http-json", ours, baselines, what, args)
    limits = harness.Limits(args.check)
    for name, base, least in PROMISES:
        limits.at_least(f"{name} against {base}", ratios.get((name, base)), least)
    return limits.status()


if __name__ == "__main__":
    sys.exit(main())
