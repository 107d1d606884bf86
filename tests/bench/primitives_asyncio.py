# SPDX-License-Identifier: MIT
"""What primitives.c does, on asyncio or uvloop: primitives_asyncio.py asyncio|uvloop FIGURE N THREADS."""
import asyncio
from concurrent.futures import ThreadPoolExecutor

import peer

TAKERS, PERMITS, IN_FLIGHT, CAPACITY = 16, 4, 1024, 128


async def semaphore(n):
    """Takers share fewer permits, and each holds one over a turn of the loop."""
    permits = asyncio.Semaphore(PERMITS)

    async def taker():
        for _ in range(n // TAKERS):
            async with permits:
                await asyncio.sleep(0)

    await asyncio.gather(*[taker() for _ in range(TAKERS)])


async def noop():
    pass


async def group3(n):
    for _ in range(n):
        async with asyncio.TaskGroup() as group:
            group.create_task(noop())
            group.create_task(noop())
            group.create_task(noop())


def blocking_noop():
    pass


async def offload_1024(n):
    async def caller():
        for _ in range(n // IN_FLIGHT):
            await asyncio.to_thread(blocking_noop)

    await asyncio.gather(*[caller() for _ in range(IN_FLIGHT)])


async def channel(n):
    items = asyncio.Queue(CAPACITY)

    async def consumer():
        for i in range(n):
            assert await items.get() == i

    task = asyncio.create_task(consumer())
    for i in range(n):
        await items.put(i)
    await task


async def main(figure, n, threads):
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(int(threads)))
    work = {"semaphore": semaphore, "group3": group3, "offload_1024": offload_1024, "channel": channel}[figure]
    return {"per_second": await peer.per_second(work, int(n), max(IN_FLIGHT, int(n) // 10))}


peer.run(main)
