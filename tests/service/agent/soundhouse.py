"""A room whose sound is the modelled room on a socket, and a tap on the line that keeps every order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path

from agent.roomfile import load
from drivers.address import DeviceAddress
from drivers.audio.device import RoomSound, connect
from drivers.audio.sim import Room, RoomServer
from drivers.ports import Device
from tests.service.agent.fakes import FakeMixer, FakeSwitcher
from tests.service.agent.test_engine import House

ASKED = frozenset({"inventory"})
"""Questions change nothing."""


PRESETS = """\
  keras:
    label: {id: Keras, en: Loud}
    steps:
      - {device: sound, do: gain, args: {port: speaker, db: 0}}
  buka:
    label: {id: Buka, en: Open}
    steps:
      - {device: camera-1, do: recall, args: {memory: 2}}
      - {device: sound, do: mute, args: {port: microphone, on: false}}
"""


class Tap:
    """A relay between driver and room that writes down what is ordered."""

    def __init__(self, port: int) -> None:
        self.orders: list[str] = []
        self._port = port
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            async with asyncio.TaskGroup() as group:
                down = group.create_task(self._relay(there, writer, keep=False))
                up = group.create_task(self._relay(reader, back, keep=True))
                await asyncio.wait({down, up}, return_when=asyncio.FIRST_COMPLETED)
                down.cancel()
                up.cancel()
        finally:
            back.close()
            writer.close()

    async def _relay(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, keep: bool) -> None:
        with contextlib.suppress(OSError):
            while line := await source.readline():
                if keep:
                    self.orders.append(json.loads(line)["do"])
                sink.write(line)
                await sink.drain()

    @property
    def told(self) -> list[str]:
        """What was ordered, without the questions."""
        return [order for order in self.orders if order not in ASKED]


class SoundHouse(House):
    """One room with a fake camera and modelled sound."""

    look_every_s = 0.3

    def __init__(self, folder: Path, server: RoomServer, tap: Tap, port: int) -> None:
        self.obs, self.mixer = FakeSwitcher("obs"), FakeMixer("mixer")
        self._address = f"audio+model://127.0.0.1:{port}"
        super().__init__(folder)
        file = folder / "room.yaml"
        file.write_text(file.read_text().replace("  selesai:\n", PRESETS + "  selesai:\n"))
        self.room = load(file)
        self.server, self.tap = server, tap

    def more_devices(self) -> dict[str, Device]:
        return {"obs": self.obs, "mixer": self.mixer}

    def make_sound(self) -> RoomSound:
        return connect("sound", DeviceAddress.parse(self._address), None)

    @property
    def air(self) -> Room:
        return self.server.room


@contextlib.asynccontextmanager
async def sound_house(folder: Path) -> AsyncIterator[SoundHouse]:
    """Serve a modelled room and give the house around it, which is not alive yet."""
    server = RoomServer(Room())
    server.start()
    tap = Tap(int(server.address.rsplit(":", 1)[1]))
    try:
        yield SoundHouse(folder, server, tap, await tap.open())
    finally:
        await tap.close()
        await asyncio.to_thread(server.close)
        assert not [thread for thread in threading.enumerate() if thread.name == "room-clock"]
