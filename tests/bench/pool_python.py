# SPDX-License-Identifier: MIT
"""Python's ThreadPoolExecutor alone, without a loop to come back to: pool_python.py THREADS TASKS IN_FLIGHT.

Submitted and waited for in order, so many in flight: the least that concurrent.futures can be asked."""
import json
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor


def noop():
    pass


def go_round(pool, n, in_flight):
    window = deque(pool.submit(noop) for _ in range(min(n, in_flight)))
    for _ in range(n - len(window)):
        window.popleft().result()
        window.append(pool.submit(noop))
    for future in window:
        future.result()


threads, tasks, in_flight = map(int, sys.argv[1:])
with ThreadPoolExecutor(threads) as pool:
    go_round(pool, tasks // 10, in_flight)
    begin = time.perf_counter()
    go_round(pool, tasks, in_flight)
    print(json.dumps({"per_second": tasks / (time.perf_counter() - begin)}), flush=True)
