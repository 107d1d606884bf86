# SPDX-License-Identifier: MIT
"""with_aiohttp.py ECHO TANDEMD: what a client written with aiohttp does, against an echo and against tandemd."""
import asyncio
import sys

import aiohttp


async def whole(session, method, url, **more):
    async with session.request(method, url, **more) as reply:
        body = await reply.read()
        assert reply.status == 200, f"{method} {url}: {reply.status}"
        return body, reply.headers


async def one_connection_is_used_again(url):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        for _ in range(20):
            await whole(session, "GET", url + "/health")
            body, _ = await whole(session, "HEAD", url + "/health")
            assert body == b""


async def many_at_once(url):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=10)) as session:
        await asyncio.gather(*(whole(session, "GET", f"{url}/sleep?period=0.001") for _ in range(200)))


async def pieces():
    for size in (1, 1000, 50000, 0, 7):
        yield b"x" * size


async def bodies_of_every_kind(url):
    async with aiohttp.ClientSession() as session:
        _, headers = await whole(session, "POST", url + "/a", data=b"x" * 100000)
        assert headers["X-Body-Len"] == "100000"
        _, headers = await whole(session, "PUT", url + "/b", data=pieces())
        assert headers["X-Body-Len"] == "51008", headers["X-Body-Len"]
        _, headers = await whole(session, "PUT", url + "/c", data=b"y" * 5000, expect100=True)
        assert headers["X-Body-Len"] == "5000"
        _, headers = await whole(session, "GET", url + "/d", headers={"Cookie": 'a="b c"; d=e'})
        body, _ = await whole(session, "GET", url + "/big")
        assert len(body) == 32 << 20


async def leaving_in_the_middle(url):
    async with aiohttp.ClientSession() as session:
        async with session.get(url + "/big") as reply:
            await reply.content.readexactly(100000)
        await whole(session, "GET", url + "/")


async def main():
    echo, tandemd = sys.argv[1:3]
    await one_connection_is_used_again(tandemd)
    await many_at_once(tandemd)
    await bodies_of_every_kind(echo)
    await leaving_in_the_middle(echo)


asyncio.run(main())
