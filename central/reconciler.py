"""Holds what the broker retains against the database, and has the publisher say again what differs.

A broker can lose a retained message without losing its connections, and whoever may write to
it can replace one. Central subscribes to its own schedules and settings: a foreign word is seen at once.
What is lost silently is found when the broker is asked, every few minutes, for all of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from central.db.outage import outlast
from contract.link import Link, NotConnected

log = logging.getLogger(__name__)

ROUND_EVERY_S: Final = 300.0
ANSWER_WITHIN_S: Final = 5.0
"""How long the broker has to send what it retains."""
HEAL_EVERY_S: Final = 1.0
"""At most so often: whoever writes over a schedule again and again does not get central to flood the broker."""


class Retained(Protocol):
    """What publishes one retained message for each room."""

    filter: str
    """The topics of all of them."""
    word: str

    def topic(self, room_id: str) -> str:
        """Return where a room's is."""

    def rooms(self) -> list[str]:
        """Return the rooms that have one."""

    def differs(self, held: Mapping[str, bytes]) -> set[str]:
        """Return the rooms for which the broker holds another one."""

    def publish_all(self) -> None:
        """Say all of them again: the broker may have lost everything."""

    def publish_again(self, rooms: Iterable[str]) -> None:
        """Say these again."""


class Reconciler:
    """Compares as long as `run` runs."""

    def __init__(self, publisher: Retained, *, round_every_s: float = ROUND_EVERY_S) -> None:
        self._publisher = publisher
        self.word = publisher.word
        self._round_every_s = round_every_s
        self._seen: dict[str, bytes] = {}
        self._fresh: dict[str, bytes] = {}
        self._news = asyncio.Event()
        self.healed = 0
        """How many had to be said again, or were nobody's."""

    def saw(self, room_id: str, payload: bytes) -> None:
        """Take what the broker sent for a room; nothing when a retained message was deleted."""
        self._seen[room_id] = self._fresh[room_id] = payload
        self._news.set()

    async def run(self, link: Link) -> None:
        """Compare what is seen, and ask for everything now and then, until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._round_every_s
        while True:
            try:
                async with asyncio.timeout_at(due):
                    await self._news.wait()
            except TimeoutError:
                due = loop.time() + self._round_every_s
                await self.round(link)
            await self._compare(link)
            await asyncio.sleep(HEAL_EVERY_S)

    async def round(self, link: Link, *, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        """Ask for all of them, and have those said again that did not come."""
        self._seen.clear()
        try:
            await link.read_again(self._publisher.filter)
        except NotConnected as error:
            log.info("the %s is not compared: %s", self.word, error)  # all are published anew once the link is back
            return
        await asyncio.sleep(answer_within_s)
        lost = set(await outlast("reconciler", self._publisher.rooms)) - self._seen.keys()
        self._heal(lost, "the broker lost it")

    async def _compare(self, link: Link) -> None:
        self._news.clear()
        held, self._fresh = self._fresh, {}
        if not held:
            return
        known = set(await outlast("reconciler", self._publisher.rooms))
        wrong = await outlast("reconciler", self._publisher.differs, held)
        self._heal(wrong & known, "the broker holds another")
        for room_id in held.keys() - known:
            if held[room_id]:
                await self._clear(link, room_id)

    def _heal(self, rooms: set[str], why: str) -> None:
        if rooms:
            self.healed += len(rooms)
            log.warning("the %s is said again: %s", self.word, why, extra={"rooms": sorted(rooms)})
            self._publisher.publish_again(rooms)

    async def _clear(self, link: Link, room_id: str) -> None:
        """Delete what is retained for a room that central does not have."""
        self.healed += 1
        said = {"room": room_id, "what": self.word}
        log.warning("something for a room that central does not have is deleted", extra=said)
        try:
            await link.publish(self._publisher.topic(room_id), b"", retain=True)
        except NotConnected as error:
            log.info("it stays for now: %s", error)
