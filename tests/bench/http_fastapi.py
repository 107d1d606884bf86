# SPDX-License-Identifier: MIT
"""What tests/bench/http_service.c serves, on FastAPI: the baseline of the http benches.

Run: uvicorn --app-dir tests/bench http_fastapi:app"""
import enum
import threading
from typing import List

from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

app = FastAPI()
lock = threading.Lock()
done = 0


@app.get("/json")
async def get_json(name: str, count: int = 1):
    return {"count": count, "name": name}


async def nothing():
    global done
    done += 1  # on the loop's one thread


def nothing_on_a_thread():
    global done
    with lock:
        done += 1


@app.get("/loop")
async def get_loop(name: str, background: BackgroundTasks, count: int = 1):
    for _ in range(3):
        background.add_task(nothing)
    return {"count": count, "name": name}


@app.get("/pool")
async def get_pool(name: str, background: BackgroundTasks, count: int = 1):
    for _ in range(3):
        background.add_task(nothing_on_a_thread)
    return {"count": count, "name": name}


@app.get("/done")
async def get_done():
    return {"done": done}


class Kind(str, enum.Enum):
    buy = "buy"
    sell = "sell"


class Address(BaseModel):
    street: str = Field(max_length=100)
    city: str = Field(max_length=100)
    zip: str = Field(min_length=3, max_length=10)


class Order(BaseModel):
    id: int = Field(ge=1, le=1e9)
    name: str = Field(min_length=1, max_length=100)
    note: str = Field(max_length=1000)
    price: float = Field(ge=0, le=1e6)
    kind: Kind
    urgent: bool = False
    tags: List[str] = Field(max_items=20)
    address: Address


@app.post("/body")
async def post_body(order: Order):
    return {"id": order.id, "tags": len(order.tags)}


@app.get("/stream")
async def get_stream():
    async def pieces():
        for _ in range(8):
            yield b"x" * 8192
    return StreamingResponse(pieces(), media_type="text/plain")
