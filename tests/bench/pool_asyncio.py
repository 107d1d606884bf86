# SPDX-License-Identifier: MIT
"""What pool.c does, with Python's ThreadPoolExecutor: pool_asyncio.py asyncio|uvloop THREADS TASKS IN_FLIGHT.

The way back is run_in_executor()'s own. A done callback starts the next, which is cheaper than a task that awaits."""
import asyncio
from concurrent.futures import ThreadPoolExecutor

import peer


def noop():
    pass


class Round:
    """So many no-ops there and back, so many of them in flight."""

    def __init__(self, pool, n, in_flight):
        self.pool, self.to_start, self.to_end, self.in_flight = pool, n, n, in_flight
        self.loop = asyncio.get_running_loop()
        self.ended = self.loop.create_future()

    def start_one(self):
        self.to_start -= 1
        self.loop.run_in_executor(self.pool, noop).add_done_callback(self.back)

    def back(self, _future):
        self.to_end -= 1
        if self.to_start:
            self.start_one()
        elif not self.to_end:
            self.ended.set_result(None)

    async def run(self):
        for _ in range(min(self.to_start, self.in_flight)):
            self.start_one()
        await self.ended


async def main(threads, tasks, in_flight):
    with ThreadPoolExecutor(int(threads)) as pool:
        return {"per_second": await peer.per_second(lambda n: Round(pool, n, int(in_flight)).run(), int(tasks),
                                                    int(tasks) // 10)}


peer.run(main)
