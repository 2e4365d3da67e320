"""The demo's office as processes: central, and rooms with their devices and agents."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from central.seed import example_room
from siaga.demo.files import OBS_PASSWORD_VARIABLE, ROOMS, Devices, Pace, central_file, room_file
from siaga.demo.processes import Child, Children, DemoFailure

ADMIN_WITHIN_S = 60.0


@dataclass(slots=True)
class Room:
    """One room that runs: its devices, its agent and where its tablet is."""

    id: str
    name: str
    devices: Devices
    config: Path
    agent: Child
    tablet: str
    simulators: dict[str, Child] = field(default_factory=dict)


@contextmanager
def made(folder: Path | None) -> Iterator[Path]:
    """Make `folder`, or a temporary one that goes away again."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="siaga-demo-") as temporary:
        yield Path(temporary)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """Starts the office; everything it starts ends with `children`."""

    def __init__(self, folder: Path, children: Children, pace: Pace, port: int, *, real_obs: bool = False) -> None:
        self._folder = folder
        self._real_obs = real_obs
        self._children = children
        self._pace = pace
        self._port = port or free_port()
        broker_port = free_port()
        self._broker = f"mqtt://127.0.0.1:{broker_port}"
        self._config = central_file(folder, self._port, broker_port, pace)
        self._obs_password = secrets.token_urlsafe(12)
        self.password = secrets.token_urlsafe(9)
        """Of every person in the example data; made anew for each demo."""
        self.url = f"http://127.0.0.1:{self._port}"
        self.rooms: dict[str, Room] = {}
        self.is_new = True
        """Whether the folder held no office yet."""
        self._central: Child | None = None

    @property
    def central(self) -> Child:
        """Central's process.

        Raises:
            DemoFailure: it was not started.
        """
        if self._central is None:
            raise DemoFailure("central was not started")
        return self._central

    async def start_central(self, rooms: int) -> None:
        """Fill a new database with example data, enrol the rooms, and start central."""
        self.is_new = not (self._folder / "central" / "central.db").exists()
        await self._admin("seed", "--rooms", ",".join(ROOMS[:rooms]), "--password-env", "SIAGA_SEED_PASSWORD")
        for room in ROOMS[:rooms]:
            await self._admin("enrol", room, "--out", str(self._folder / f"{room}.secrets.yaml"))
        self._central, self.url = await self._children.start(
            "central", "siaga", "central", "--config", str(self._config)
        )

    async def _admin(self, *words: str) -> str:
        """Run `siaga admin` and return what it printed.

        Raises:
            DemoFailure: it failed; its words are in the message.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "siaga", "admin", *words, "--config", str(self._config),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "SIAGA_SEED_PASSWORD": self.password},
        )  # fmt: skip
        async with asyncio.timeout(ADMIN_WITHIN_S):
            said, _ = await process.communicate()
        if process.returncode:
            raise DemoFailure(f"siaga admin {' '.join(words)}: {said.decode(errors='replace')}")
        return said.decode().strip()

    async def start_room(self, room: str) -> Room:
        """Start the devices and the agent of `room`."""
        place = example_room(room)
        names = ("camera", "obs", "sound")
        started = await asyncio.gather(*(self._simulate(room, kind) for kind in names))
        devices = Devices(*(address for _, address in started))
        config = room_file(self._folder, place, self._broker, devices, self._pace)
        agent, tablet = await self._start_agent(room, config)
        simulators = {kind: child for kind, (child, _) in zip(names, started, strict=True)}
        self.rooms[room] = Room(room, place.name, devices, config, agent, tablet, simulators)
        return self.rooms[room]

    async def _simulate(self, room: str, kind: str) -> tuple[Child, str]:
        if kind == "obs" and self._real_obs:
            words = ("siaga.demo.realobs", "--listen", "127.0.0.1:0")
            return await self._children.start(f"{room}-{kind}", *words, env=self._secret())
        extra = ("--start-up", "2") if kind == "camera" else ("--fault", "talker=-30") if kind == "sound" else ()
        return await self._children.start(
            f"{room}-{kind}", "siaga", "simulate", kind, "--listen", "127.0.0.1:0", *extra, env=self._secret()
        )

    def _secret(self) -> dict[str, str]:
        return {OBS_PASSWORD_VARIABLE: self._obs_password}

    async def _start_agent(self, room: str, config: Path) -> tuple[Child, str]:
        words = ("siaga", "agent", "--config", str(config))
        return await self._children.start(f"{room}-agent", *words, env=self._secret())

    async def restart_agent(self, room: Room) -> None:
        """Start the room's agent again after it was ended or killed."""
        room.agent, room.tablet = await self._start_agent(room.id, room.config)

    @property
    def obs_password(self) -> str:
        """What the simulated OBS asks for."""
        return self._obs_password
