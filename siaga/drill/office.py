"""The office in a drill: a private broker on loopback, and somebody who takes in what the room sends.

The room's own central never hears of a drill. This one acknowledges entries, so that the
tablet shows what it would show, and can go away.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from contract.ids import new_id
from contract.link import Broker, Delivery, Link
from contract.messages import Ack, CentralState, EntryBatch
from contract.topics import CENTRAL_STATE, ROOMS_UP, RoomTopics, room_of
from contract.words import Presence

_PLACES: Final = "/usr/sbin:/usr/local/sbin"
STARTS_WITHIN_S: Final = 10.0


class NoBroker(Exception):
    """Mosquitto is not installed, or does not start."""


def free_port() -> int:
    """Return a port of this machine that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Office:
    """A broker and a stand-in for central."""

    def __init__(self, program: str, folder: Path) -> None:
        self.broker = Broker("127.0.0.1", free_port())
        self._program = program
        self._file = folder / "broker.conf"
        self._file.write_text(
            f"listener {self.broker.port} 127.0.0.1\nallow_anonymous true\npersistence false\n", encoding="ascii"
        )
        self._process: asyncio.subprocess.Process | None = None
        self._boot = new_id()
        self._link = Link(
            self.broker,
            client_id="drill-office",
            subscribe=(ROOMS_UP,),
            will=lambda _: (CENTRAL_STATE, self._state(Presence.LOST)),
            received=self._received,
            connected=self._connected,
            disconnected=lambda _: None,
        )

    async def open(self) -> None:
        """Be there.

        Raises:
            NoBroker: it did not start.
        """
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(
            self._program, "-c", str(self._file), stdout=quiet, stderr=quiet
        )
        try:
            async with asyncio.timeout(STARTS_WITHIN_S):
                while not await self._answers():  # noqa: ASYNC110 - a broker tells nobody that it listens
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise NoBroker(f"{self._program} did not answer within {STARTS_WITHIN_S:g} s") from error

    async def close(self) -> None:
        """Be gone, as when the way to central is cut."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None

    async def run(self) -> None:
        """Take in what the room sends, until cancelled."""
        await self._link.run()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.broker.host, self.broker.port)
        except OSError:
            return False
        writer.close()
        return True

    def _state(self, presence: Presence) -> CentralState:
        return CentralState(state=presence, boot=self._boot, epoch="drill", time=datetime.now(UTC))

    async def _connected(self, _conn: int) -> None:
        await self._link.publish(CENTRAL_STATE, self._state(Presence.ONLINE).encode(), retain=True)

    async def _received(self, delivery: Delivery) -> None:
        room, rest = room_of(delivery.topic)
        if rest == "up/ev":
            batch = EntryBatch.decode(delivery.payload)
            ack = Ack(stream=batch.stream, upto=batch.entries[-1].seq)
            await self._link.publish(RoomTopics(room).ack, ack.encode())


@asynccontextmanager
async def office() -> AsyncIterator[Office | None]:
    """Have an office meanwhile; none where Mosquitto is not installed.

    Raises:
        NoBroker: it is, and does not start.
    """
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=_PLACES)
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="siaga-drill-broker-") as folder:
        opened = Office(program, Path(folder))
        await opened.open()
        try:
            yield opened
        finally:
            await opened.close()
