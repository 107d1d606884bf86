# SPDX-License-Identifier: MIT
"""What the baselines on asyncio share. Each is started as `PROGRAM asyncio|uvloop ARGUMENTS`, by the same interpreter on
either loop, and prints its result as one JSON line."""
import asyncio
import json
import os
import sys
import time


def run(main):
    """Run `main(*arguments)` on the loop that the command line names, and print what it returns."""
    kind, *arguments = sys.argv[1:]
    factory = None
    if kind == "uvloop":
        import uvloop
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        print(json.dumps(runner.run(main(*arguments))), flush=True)


async def per_second(work, n, warm_up):
    """How many a second, of `await work(n)`; after `warm_up` that do not count."""
    await work(warm_up)
    begin = time.perf_counter()
    await work(n)
    return n / (time.perf_counter() - begin)


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")
