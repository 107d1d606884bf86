# SPDX-License-Identifier: MIT
"""What scaling.c does, on asyncio or uvloop: scaling_asyncio.py asyncio|uvloop waves|churn N WAVES|ENDS SECONDS."""
import asyncio
import json
import os
import time

import peer

CHUNK = 1000  # the loop turns after so many
GOLDEN = 0.618033988749895


async def start_all(n, sleeper):
    """Returns the tasks, which must be held, once all have begun."""
    tasks = []
    for i in range(0, n, CHUNK):
        tasks += [asyncio.create_task(sleeper()) for _ in range(min(n - i, CHUNK))]
        await asyncio.sleep(0)
    return tasks


async def wave(n, seconds):
    """N tasks that all sleep at once. @return the CPU time it took."""
    awake = 0

    async def sleeper():
        nonlocal awake
        assert not awake, "one ended before all were asleep: more seconds are wanted"
        await asyncio.sleep(seconds)
        awake += 1

    begin = time.process_time_ns()
    await asyncio.gather(*await start_all(n, sleeper))
    return time.process_time_ns() - begin


async def churn(n, ends, nap):
    """Always N tasks; each that ends spawns the next. @return the CPU time of `ends` of them."""
    ended, phase, begin = 0, 0.0, 0
    took = asyncio.get_running_loop().create_future()

    async def sleeper():
        nonlocal ended, phase, begin
        phase = (phase + GOLDEN) % 1
        await asyncio.sleep(nap * phase)
        ended += 1
        if ended == ends // 4:
            begin = time.process_time_ns()
        if ended == ends // 4 + ends:
            took.set_result(time.process_time_ns() - begin)
        asyncio.create_task(sleeper())

    tasks = await start_all(n, sleeper)
    return await took, tasks


async def main(kind, n, times, seconds):
    n, times, seconds = int(n), int(times), float(seconds)
    if kind == "churn":
        cpu_ns, _tasks = await churn(n, times, seconds)
        print(json.dumps({"cpu_ns": cpu_ns / times}), flush=True)
        os._exit(0)  # a million tasks are left, whose end is no part of this
    await wave(n, seconds)
    return {"cpu_ns": sum([await wave(n, seconds) for _ in range(times)]) / (n * times)}


peer.run(main)
