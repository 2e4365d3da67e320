"""The live hub against a page that reads slowly, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.types import Message
from starlette.websockets import WebSocket

from tests.until import until
from webui.live import Ack, Hub, Json


class Browser:
    """The other end of a WebSocket, at the ASGI edge: takes messages only while `reads` is set."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        self.socket = WebSocket({"type": "websocket", "headers": []}, self._inbox.get, self._send)

    async def _send(self, message: Message) -> None:
        if message["type"] == "websocket.send":
            await self.reads.wait()
            self.got.append(json.loads(message["text"]))

    def say(self, message: dict[str, object]) -> None:
        self._inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    def leave(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1001})

    def kinds(self) -> list[str]:
        return [message["t"] for message in self.got]


async def test_a_slow_page_wakes_to_now_not_to_all_it_missed() -> None:
    hub, browser = Hub(boot="b", ui="u"), Browser()
    serving = asyncio.create_task(hub.serve(browser.socket))
    await until(lambda: browser.kinds() == ["snap"])
    browser.reads.clear()
    for count in range(1000):
        hub.put("room", {"count": count})
        hub.meter({"mic": -float(count % 60)})
        await asyncio.sleep(0)
    browser.reads.set()
    await until(lambda: any(m.get("set") == {"room": {"count": 999}} for m in browser.got))
    assert len(browser.got) < 10
    browser.leave()
    await serving
    assert hub.viewers == 0


async def test_an_equal_value_is_not_sent_again_and_a_forgotten_one_is_null() -> None:
    hub, browser = Hub(boot="b", ui="u"), Browser()
    hub.put("room", 1)
    serving = asyncio.create_task(hub.serve(browser.socket))
    await until(lambda: browser.kinds() == ["snap"])
    hub.put("room", 1)
    assert hub.rev == 1
    hub.forget("room")
    hub.frag("checks")
    await until(lambda: browser.kinds() == ["snap", "patch", "frag"])
    assert browser.got[1] == {"t": "patch", "rev": 3, "set": {"room": None}}
    browser.leave()
    await serving


async def test_a_hello_asks_for_a_fresh_snapshot() -> None:
    hub, browser = Hub(boot="b", ui="u"), Browser()
    serving = asyncio.create_task(hub.serve(browser.socket))
    await until(lambda: browser.kinds() == ["snap"])
    hub.put("room", 2)
    browser.say({"t": "hello"})
    await until(lambda: browser.kinds().count("snap") == 2)
    assert browser.got[-1]["state"] == {"room": 2}
    browser.leave()
    await serving


async def test_a_slow_command_delays_no_other_and_outlives_its_page() -> None:
    hub, browser = Hub(boot="b", ui="u"), Browser()
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def on_do(what: str, args: Mapping[str, Json]) -> Ack:
        if what == "slow":
            begun.set()
            await go_on.wait()
            done.set()
        return Ack()

    serving = asyncio.create_task(hub.serve(browser.socket, on_do=on_do))
    browser.say({"t": "do", "id": "1", "what": "slow"})
    await begun.wait()
    browser.say({"t": "do", "id": "2", "what": "quick"})
    await until(lambda: any(m.get("id") == "2" for m in browser.got))
    browser.leave()
    go_on.set()
    await serving
    assert done.is_set()


async def test_a_page_that_goes_is_told_of_while_its_command_still_runs() -> None:
    hub, browser = Hub(boot="b", ui="u"), Browser()
    begun, go_on, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def on_do(what: str, args: Mapping[str, Json]) -> Ack:
        begun.set()
        await go_on.wait()
        return Ack()

    async def on_gone() -> None:
        gone.set()

    serving = asyncio.create_task(hub.serve(browser.socket, on_do=on_do, on_gone=on_gone))
    browser.say({"t": "do", "id": "1", "what": "slow"})
    await begun.wait()
    assert not gone.is_set()
    browser.leave()
    await until(gone.is_set)
    go_on.set()
    await serving


async def test_a_page_that_asks_for_too_much_at_once_is_told_so() -> None:
    hub, browser = Hub(boot="b", ui="u"), Browser()
    go_on = asyncio.Event()

    async def on_do(what: str, args: Mapping[str, Json]) -> Ack:
        await go_on.wait()
        return Ack()

    serving = asyncio.create_task(hub.serve(browser.socket, on_do=on_do))
    for number in range(9):
        browser.say({"t": "do", "id": str(number), "what": "slow"})
    await until(lambda: any(m.get("code") == "busy" for m in browser.got))
    browser.say({"t": "do", "id": "9", "what": "mute-all"})  # is never too much
    go_on.set()
    await until(lambda: sum(m["t"] == "ack" for m in browser.got) == 10)
    assert sum(m.get("code") == "busy" for m in browser.got) == 1
    browser.leave()
    await serving
