# SPDX-License-Identifier: MIT
"""What sleepers.c does, on Python's asyncio: N tasks that sleep at once, and /health answered beside them.

Use: asyncio_sleepers.py N SECONDS. It prints the same two lines. The server is the least that answers: it parses nothing."""
import asyncio
import json
import os
import sys
import time

REPLY = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'


class Health(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, _data):
        self.transport.write(REPLY)


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def say(**line):
    print(json.dumps(line), flush=True)


async def main():
    n, seconds = int(sys.argv[1]), float(sys.argv[2])
    late = [0] * n
    due_ns = [0]

    async def sleep_once(i):
        due = time.monotonic_ns() + int(seconds * 1e9)
        if not due_ns[0]:
            due_ns[0] = due
        await asyncio.sleep(seconds)
        late[i] = time.monotonic_ns() - due

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Health, "127.0.0.1", 0)
    before = resident_bytes()
    tasks = [asyncio.create_task(sleep_once(i)) for i in range(n)]
    await asyncio.sleep(0)
    after = resident_bytes()
    say(**{"is": "asleep", "port": server.sockets[0].getsockname()[1], "first_due_ns": due_ns[0]})
    await asyncio.gather(*tasks)
    last_end = time.monotonic_ns()
    late.sort()
    say(**{"is": "ended", "tasks": n, "bytes_per_task": (after - before) // n, "first_due_ns": due_ns[0],
           "last_end_ns": last_end, "late_p50_ns": late[n // 2], "late_p99_ns": late[n * 99 // 100],
           "late_max_ns": late[-1]})
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
