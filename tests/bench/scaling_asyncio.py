# SPDX-License-Identifier: MIT
"""What scaling.c does, on asyncio or uvloop: scaling_asyncio.py asyncio|uvloop IN_FLIGHT WAVES SECONDS."""
import asyncio
import time

import peer

CHUNK = 1000  # the loop turns after so many


async def wave(n, seconds):
    """N tasks that all sleep at once. @return the CPU time it took."""
    asleep = awake = 0

    async def sleep_once():
        nonlocal asleep, awake
        assert not awake, "one ended before all were asleep: more seconds are wanted"
        asleep += 1
        await asyncio.sleep(seconds)
        awake += 1

    begin = time.process_time_ns()
    tasks = []
    for i in range(0, n, CHUNK):
        tasks += [asyncio.create_task(sleep_once()) for _ in range(min(n - i, CHUNK))]
        await asyncio.sleep(0)
    assert asleep == n
    await asyncio.gather(*tasks)
    return time.process_time_ns() - begin


async def main(in_flight, waves, seconds):
    n, waves, seconds = int(in_flight), int(waves), float(seconds)
    await wave(n, seconds)
    return {"cpu_ns": sum([await wave(n, seconds) for _ in range(waves)]) / (n * waves)}


peer.run(main)
