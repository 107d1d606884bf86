# SPDX-License-Identifier: MIT
"""What spawn.c does, on asyncio or uvloop: spawn_asyncio.py asyncio|uvloop TASKS BATCH."""
import asyncio

import peer


async def noop():
    pass


async def main(tasks, batch):
    create_task = asyncio.get_running_loop().create_task
    batch = int(batch)

    async def spawn(n):
        for _ in range(n // batch):
            tasks = [create_task(noop()) for _ in range(batch)]
            await asyncio.sleep(0)  # we come back after all that were ready before us
            assert tasks[-1].done()

    return {"per_second": await peer.per_second(spawn, int(tasks), 10 * batch)}


peer.run(main)
