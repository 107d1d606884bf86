# SPDX-License-Identifier: MIT
"""The experiment that Tandem grew from, on FastAPI: GET /?as_async=0|1 answers "ok" at once and adds background tasks.

Run: POOL=12 uvicorn --app-dir docs/experiments fastapi_app:app
POOL limits the threads that sync tasks share (Starlette's default is 40). FastAPI's tasks have no ids and no status, so
the app counts for itself: GET /seen tells how many tasks were added, run now, ran at once at most, on how many threads,
and how long it was from the first request to the last end; POST /seen/reset begins anew."""
import asyncio
import os
import threading
import time

import anyio.to_thread
from fastapi import BackgroundTasks, FastAPI

app = FastAPI()


class Seen:
    """What the tasks did. Sync tasks run on many threads, so everything is under one lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        with self.lock:
            self.added = self.running = self.peak = self.ended = 0
            self.area = 0.0
            self.threads = set()
            self.begin = self.changed = self.first_start = self.last_end = None

    def _advance(self):
        now = time.monotonic()
        if self.changed is not None:
            self.area += self.running * (now - self.changed)
        self.changed = now
        return now

    def request(self, count):
        with self.lock:
            if self.begin is None:
                self.begin = time.monotonic()
            self.added += count

    def start(self):
        with self.lock:
            now = self._advance()
            if self.first_start is None:
                self.first_start = now
            self.running += 1
            self.peak = max(self.peak, self.running)
            self.threads.add(threading.get_native_id())

    def end(self):
        with self.lock:
            self.last_end = self._advance()
            self.running -= 1
            self.ended += 1

    def report(self):
        with self.lock:
            over = self.ended == self.added and self.ended > 0
            return {
                "added": self.added, "running": self.running, "ended": self.ended, "peak": self.peak,
                "threads": len(self.threads),
                "seconds": self.last_end - self.begin if over else None,
                "mean": self.area / (self.last_end - self.first_start) if over else None,
            }


seen = Seen()


def sync_task(period):
    seen.start()
    time.sleep(period)
    seen.end()


async def async_task(period):
    seen.start()
    await asyncio.sleep(period)
    seen.end()


@app.on_event("startup")
async def limit_the_pool():
    if os.environ.get("POOL"):
        anyio.to_thread.current_default_thread_limiter().total_tokens = int(os.environ["POOL"])


@app.get("/")
async def root(background: BackgroundTasks, as_async: int = 0, count: int = 3, period: float = 3.0):
    seen.request(count)
    for _ in range(count):
        background.add_task(async_task if as_async else sync_task, period)
    return "ok"


@app.get("/seen")
async def what_was_seen():
    return seen.report()


@app.post("/seen/reset")
async def reset():
    seen.reset()
    return "ok"
