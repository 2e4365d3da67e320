"""Sends the journal to central until central says that its database holds it.

One batch of at most `WINDOW` entries is under way at a time. The broker's acknowledgement
means nothing here: only central's does. Without one the batch is sent again, ever more
seldom; central drops what it has by number. When central said that it holds less than it
once did, it was brought back from a copy, and is told again from there.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from agent.journal import Journal
from contract.base import RoomId
from contract.link import Link, NotConnected
from contract.messages import Ack, Entry, EntryBatch

BATCH_BYTES = 64_000
WINDOW = 50
"""So many entries are under way at most."""
ACK_WITHIN_S = 3.0
ACK_WITHIN_AT_MOST_S = 30.0


class Outbox:
    """The journal's way out."""

    def __init__(self, journal: Journal, link: Link, *, room: RoomId, topic: str) -> None:
        self._journal = journal
        self._link = link
        self._room = room
        self._topic = topic
        self._woken = asyncio.Event()
        self._patience_s = ACK_WITHIN_S
        self._told: Ack | None = None
        """What central said last of this stream."""
        journal.subscribe(lambda _: self._woken.set())

    def wake(self) -> None:
        """Send now: the link or central is back."""
        self._patience_s = ACK_WITHIN_S
        self._woken.set()

    def acknowledge(self, ack: Ack) -> bool:
        """Take central's acknowledgement; true when it changed what is to be sent."""
        if ack.stream != self._journal.stream:
            return False
        if not self._journal.is_of_one_mind(ack.upto, ack.head):
            return self._begin_anew("central holds what is not here", ack)
        self._told = ack
        freed = self._journal.acknowledge(ack.stream, ack.upto)
        if freed:
            self.wake()
        return freed

    def _begin_anew(self, why: str, ack: Ack) -> bool:
        begun = self._journal.begin_anew(why, upto=ack.upto, head=ack.head)
        if begun:
            self._told = None
            self.wake()
        return begun

    def _go_back(self) -> None:
        """Go back to what central last said that it holds."""
        told = self._told
        if told is not None and not self._journal.rewind(told.upto):
            self._begin_anew("central lost what is not here any more", told)

    async def run(self) -> None:
        """Send what is pending, until cancelled."""
        while True:
            self._woken.clear()
            entries = self._journal.unsent(WINDOW) if self._link.is_up else []
            if not entries:
                await self._woken.wait()
                continue
            batch = batch_of(self._room, self._journal.stream, entries)
            try:
                await self._link.publish(self._topic, batch.encode())
            except NotConnected:
                await self._pause()
                continue
            if not await self._is_acknowledged(batch.entries[-1].seq):
                self._patience_s = min(2 * self._patience_s, ACK_WITHIN_AT_MOST_S)
                self._go_back()

    async def _pause(self) -> None:
        """Wait for a wake-up, or as long as the present patience."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await self._woken.wait()

    async def _is_acknowledged(self, seq: int) -> bool:
        """Return whether central acknowledges `seq` within the present patience."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                while self._journal.acked < seq:
                    self._woken.clear()
                    await self._woken.wait()
        return self._journal.acked >= seq


def batch_of(room: RoomId, stream: str, entries: list[Entry]) -> EntryBatch:
    """Return as many of `entries`, from the first on, as fit into one batch; at least one."""
    chosen: list[Entry] = []
    size = 300
    for entry in entries:
        size += len(entry.model_dump_json().encode()) + 1
        if chosen and size > BATCH_BYTES:
            break
        chosen.append(entry)
    return EntryBatch(room=room, stream=stream, entries=tuple(chosen))
