"""Keeps devices open and looks at them again and again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from agent.board import HealthBoard
from drivers.errors import DeviceUnreachable, DriverError
from drivers.outcomes import Health, Reason
from drivers.ports import Device

LOOK_EVERY_S = 1.0
"""A silent camera is given up after a second or two, so it is noticed within three."""
RETRY_AT_FIRST_S = 0.5
RETRY_AT_MOST_S = 0.6
"""A driver that is opening knocks again and again: a device is back within a second after it answers."""
OPEN_WITHIN_S = 3.0
LOOK_WITHIN_S = 8.0
CLOSE_WITHIN_S = 1.0

Opened = Callable[[], Awaitable[None]]


class Keeper:
    """Holds one device open and posts its health, as long as `run` runs."""

    def __init__(self, device: Device, board: HealthBoard, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self.device = device
        self.opened: Opened | None = None
        """Called at each new link, before the device is looked at; may raise `DriverError`."""
        self._board = board
        self._look_every_s = look_every_s
        self._asked = asyncio.Event()
        self._is_open = False

    async def run(self) -> None:
        """Open, look, reopen after a failure with jitter, until cancelled.

        Only `DriverError` is caught: a dead camera must not stop the agent, and a bug must.
        """
        wait_s = RETRY_AT_FIRST_S
        try:
            while True:
                try:
                    await self._open()
                    wait_s = RETRY_AT_FIRST_S
                    await self._watch()
                except DriverError as error:
                    self._board.post(self.device.name, error)
                await self._close()
                await self._pause(random.uniform(0.2, 1.0) * wait_s)
                wait_s = min(2 * wait_s, RETRY_AT_MOST_S)
        finally:
            await self._close()

    async def look(self) -> None:
        """Look at the device now, or have it reopened sooner when it is not open."""
        if not self._is_open:
            self._asked.set()
            return
        try:
            self._board.post(self.device.name, await self._checked())
        except DriverError as error:
            self._board.post(self.device.name, error)
            self._asked.set()

    def poke(self) -> None:
        """Have the device looked at, without waiting for it."""
        self._asked.set()

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                await self.device.open()
                if self.opened is not None:
                    await self.opened()
        except TimeoutError as error:
            raise DeviceUnreachable(self._silent("open", OPEN_WITHIN_S)) from error
        self._is_open = True

    async def _watch(self) -> None:
        while True:
            self._board.post(self.device.name, await self._checked())
            await self._pause(self._look_every_s)

    async def _checked(self) -> Health:
        try:
            async with asyncio.timeout(LOOK_WITHIN_S):
                return await self.device.check()
        except TimeoutError as error:
            raise DeviceUnreachable(self._silent("look", LOOK_WITHIN_S)) from error

    async def _pause(self, seconds: float) -> None:
        """Wait, or be asked before."""
        try:
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        except TimeoutError:
            pass
        self._asked.clear()

    async def _close(self) -> None:
        """Close; a driver that does not come back from it is left behind."""
        self._is_open = False
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self.device.close()
        except TimeoutError:
            self._board.post(self.device.name, DeviceUnreachable(self._silent("close", CLOSE_WITHIN_S)))

    def _silent(self, what: str, within_s: float) -> Reason:
        detail = f"{self.device.name}: wanted an answer to {what} within {within_s:g} s, found none"
        return Reason("device.no_answer", detail, {"device": self.device.name, "within_s": within_s})
