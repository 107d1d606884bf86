# SPDX-License-Identifier: MIT
"""A routed reply with two typed query parameters: requests per second of server processor time.

Eight browser-like fields, 64 connections, the server on one core and the load on the other. Baselines: a bare epoll
responder (the physical limit), nginx with `return 200`, FastAPI on uvicorn, uvloop and httptools. Promises: evhttp at
least 0.45 of bare and 3.3 times FastAPI; direct 0.80 and 6. With --profile nothing is measured: it shows what a request
is made of."""
import contextlib
import sys

import contest
import harness
import http_bench as http
import http_profile

WANTED = {"evhttp": {"bare": 0.45, "fastapi": 3.3}, "direct": {"bare": 0.80, "fastapi": 6}}
PROFILE = ("--profile", {"action": "store_true", "help": "system calls and instructions per request, in place of rounds"})


def main():
    args = harness.options(__doc__, rounds=7, more=[contest.WRITE, PROFILE])
    what = http.request("GET", "/json?count=5&name=abc")
    if args.profile:
        return http_profile.show(what, args)
    bench = http.begin("http-json", args)
    with contextlib.ExitStack() as stack:
        ours = {name: stack.enter_context(http.Service(name)) for name in WANTED}
        baselines = {"bare": stack.enter_context(http.Bare()), "nginx": http.nginx_or_none(stack),
                     "fastapi": stack.enter_context(http.FastApi())}
        http.compare(bench, ours, baselines, what, WANTED)
    return bench.end()


if __name__ == "__main__":
    sys.exit(main())
