# SPDX-License-Identifier: MIT
"""What million.c does, on asyncio or uvloop: million_asyncio.py asyncio|uvloop TASKS SECONDS SPREAD."""
import asyncio
import time
from array import array

import peer

CHUNK = 1000  # the loop turns after so many


class Sleepers:
    """N tasks, due one after another between `seconds` and `seconds + spread` from the start."""

    def __init__(self, n, seconds, spread):
        self.n, self.gap_ns = n, spread * 1e9 / n
        self.late_ns = array("q", bytes(8 * n))  # there before the tasks are
        self.asleep = self.ended = 0
        self.begin_ns = time.monotonic_ns()
        self.first_due_ns = self.begin_ns + int(seconds * 1e9)

    async def sleep_once(self, i):
        due_ns = self.first_due_ns + int(i * self.gap_ns)
        self.asleep += 1
        await asyncio.sleep((due_ns - time.monotonic_ns()) / 1e9)
        self.late_ns[i] = time.monotonic_ns() - due_ns
        self.ended += 1

    async def start_all(self):
        """Returns the tasks, which must be held, and what each takes, once all are asleep."""
        tasks, before = [], peer.resident_bytes()
        for i in range(0, self.n, CHUNK):
            tasks += [asyncio.create_task(self.sleep_once(j)) for j in range(i, min(self.n, i + CHUNK))]
            await asyncio.sleep(0)
        assert self.asleep == self.n
        return tasks, (peer.resident_bytes() - before) / self.n


async def main(n, seconds, spread):
    sleepers = Sleepers(int(n), float(seconds), float(spread))
    tasks, bytes_each = await sleepers.start_all()
    asleep_ns = time.monotonic_ns()
    while sleepers.ended < sleepers.n:
        await asyncio.sleep(0.1)
    assert all(task.done() for task in tasks)
    late = sorted(sleepers.late_ns)
    return {"bytes": bytes_each, "start_rate": sleepers.n / ((asleep_ns - sleepers.begin_ns) / 1e9),
            "spare_s": (sleepers.first_due_ns - asleep_ns) / 1e9, "late_p50_ns": late[(len(late) - 1) // 2],
            "late_p99_ns": late[(len(late) * 99 - 1) // 100], "late_max_ns": late[-1]}


peer.run(main)
