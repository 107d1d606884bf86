# SPDX-License-Identifier: MIT
"""What wake.c does, with run_in_executor(): wake_asyncio.py asyncio|uvloop THREADS TIMES PAUSE_MS."""
import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import peer


def noop():
    pass


async def main(threads, times, pause_ms):
    loop, took = asyncio.get_running_loop(), []
    with ThreadPoolExecutor(int(threads)) as pool:
        for _ in range(int(times)):
            await asyncio.sleep(float(pause_ms) / 1e3)
            sent = time.perf_counter_ns()
            await loop.run_in_executor(pool, noop)
            took.append(time.perf_counter_ns() - sent)
    took = sorted(took[len(took) // 10:])
    return {"p50_ns": took[(len(took) - 1) // 2], "p99_ns": took[(len(took) * 99 - 1) // 100]}


peer.run(main)
