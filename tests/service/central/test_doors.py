"""Connections that mean harm, over real sockets: half a head, a body that drips, too many of them at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from central.web_server import WebServer

HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
CROWD = 300


async def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())}")


@asynccontextmanager
async def served(**limits: float) -> AsyncIterator[tuple[str, int]]:
    proxies = () if "sockets_of_one" in limits else ("127.0.0.1",)
    app = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])])
    web = WebServer(app, "127.0.0.1", 0, proxies=proxies, **limits)
    running = asyncio.create_task(web.run())
    await web.started()
    try:
        yield web.address
    finally:
        web.stop()
        await running


async def gone(reader: asyncio.StreamReader) -> bool:
    """Return whether the other side hung up, waiting for it for a while."""
    try:
        async with asyncio.timeout(10):
            return await reader.read() == b""
    except ConnectionError:
        return True


async def test_half_a_head_is_hung_up_on() -> None:
    async with served(head_within_s=0.5) as address:
        for begun in (b"", b"G", HALF):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(begun)
            assert await gone(reader)
            writer.close()


async def test_a_head_that_drips_is_hung_up_on_too() -> None:
    async with served(head_within_s=0.5) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(HALF)
        hung_up = asyncio.create_task(gone(reader))
        while not hung_up.done():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        assert await hung_up
        writer.close()


async def test_a_body_that_drips_is_hung_up_on() -> None:
    async with served(body_within_s=0.5) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(POST + b"a")
        assert await gone(reader)
        writer.close()


async def test_a_connection_that_is_used_again_is_left_alone() -> None:
    async with served(head_within_s=1.0) as address:
        reader, writer = await asyncio.open_connection(*address)
        for _ in range(3):
            writer.write(WHOLE)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(1) == b"0"
            await asyncio.sleep(0.5)  # less than the time for a head, together more
        writer.write(POST + b"a" * 100)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_one_address_has_so_many_sockets_and_no_more() -> None:
    async with served(sockets_of_one=5) as address:
        held = [await asyncio.open_connection(*address) for _ in range(5)]
        for _, writer in held:
            writer.write(HALF)
        await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(WHOLE)
        assert await gone(reader)
        held[0][1].write(b"x\r\n\r\n")
        assert (await held[0][0].readline()).startswith(b"HTTP/1.1 200")
        for _, one in (*held, (reader, writer)):
            one.close()


async def test_others_are_served_while_a_crowd_holds_half_heads() -> None:
    async with served(head_within_s=30.0) as address:
        crowd = [await asyncio.open_connection(*address) for _ in range(CROWD)]
        for _, writer in crowd:
            writer.write(HALF)
        took = []
        for _ in range(50):
            before = time.monotonic()
            reader, writer = await asyncio.open_connection(*address)
            writer.write(WHOLE)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            took.append(time.monotonic() - before)
            writer.close()
        assert len(took) == 50
        for _, writer in crowd:
            writer.close()
