"""The stage of a drill: a simulated device on a socket for each one of the room file, and ways to break it.

Everything runs in this process, so that it can be broken while it runs. Nothing here is
imported by what runs in a room.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from agent.roomfile import RoomFile
from drivers.address import DeviceAddress


class Actor(Protocol):
    """One simulated device."""

    @property
    def address(self) -> str:
        """Where it is."""

    async def unplug(self) -> None:
        """Take it away."""

    async def plug_in(self) -> None:
        """Give it back."""

    def fault(self, name: str, value: str) -> None:
        """Break or mend something of it; raises `ValueError` for what it does not have."""


class NoActor(Exception):
    """Nobody plays this device; says which and what can be played."""


@dataclass(slots=True)
class Props:
    """What the simulators must know of the room."""

    password: str
    """Of each device that has one."""
    scenes: tuple[str, ...]
    """The scenes that the room's presets speak of."""


class Stage:
    """The devices of one room as they are played."""

    def __init__(self, actors: dict[str, Actor], password: str) -> None:
        self.actors = actors
        self.password = password

    @property
    def addresses(self) -> dict[str, str]:
        """Where each device is instead."""
        return {name: actor.address for name, actor in self.actors.items()}


@asynccontextmanager
async def set_up(room: RoomFile) -> AsyncIterator[Stage]:
    """Play every device of `room` meanwhile.

    Raises:
        NoActor: there is no simulator of a device.
    """
    props = Props(secrets.token_urlsafe(12), tuple(sorted(set(_scenes(room)))))
    async with AsyncExitStack() as stack:
        actors: dict[str, Actor] = {}
        for name, settings in room.devices.items():
            scheme = DeviceAddress.parse(settings.at).scheme
            play = _PLAYS.get(scheme)
            if play is None:
                raise NoActor(f"{name}: nobody plays {scheme}; played are {', '.join(sorted(_PLAYS))}")
            actors[name] = await stack.enter_async_context(play(props))
        yield Stage(actors, props.password)


def _scenes(room: RoomFile) -> Iterator[str]:
    for preset in room.presets.values():
        for entry in preset.model_dump()["steps"]:
            for step in entry.get("together", [entry]):
                name = step.get("args", {}).get("name")
                if step.get("do") in {"scene", "preview"} and isinstance(name, str) and "{" not in name:
                    yield name


@asynccontextmanager
async def _camera(_props: Props) -> AsyncIterator[Actor]:
    from drivers.visca.sim import SimulatedCamera, serve

    class Played:
        def __init__(self, camera: SimulatedCamera) -> None:
            self._camera = camera
            self.address = camera.address

        async def unplug(self) -> None:
            self._camera.unplug()

        async def plug_in(self) -> None:
            self._camera.plug_in()

        def fault(self, name: str, value: str) -> None:
            raise ValueError(f"a camera in a drill is unplugged or not; got {name}={value}")

    async with serve() as camera:
        yield Played(camera)


@asynccontextmanager
async def _obs(props: Props) -> AsyncIterator[Actor]:
    from drivers.obs.sim.server import ObsSimulator
    from drivers.obs.sim.studio import Studio

    class Played:
        def __init__(self, simulator: ObsSimulator) -> None:
            self._simulator = simulator
            self.address = f"obs+ws://127.0.0.1:{simulator.port}"

        async def unplug(self) -> None:
            self._simulator.crash()

        async def plug_in(self) -> None:
            await self._simulator.restart()

        def fault(self, name: str, value: str) -> None:
            acts: dict[tuple[str, str], Callable[[], None]] = {
                ("process", "hangs"): self._simulator.freeze,
                ("process", "ok"): self._simulator.thaw,
            }
            if (name, value) not in acts:
                raise ValueError(f"OBS in a drill has process=hangs and process=ok, got {name}={value}")
            acts[name, value]()

    studio = Studio()
    held = studio.collections[studio.collection]
    for scene in props.scenes:
        if scene not in held.scenes:
            held.scenes.append(scene)
            held.items[scene] = []
    simulator = ObsSimulator(studio, props.password)
    await simulator.start()
    try:
        yield Played(simulator)
    finally:
        await simulator.stop()


@asynccontextmanager
async def _sound(_props: Props) -> AsyncIterator[Actor]:
    from drivers.audio.sim import Room, RoomServer

    class Played:
        def __init__(self, server: RoomServer) -> None:
            self._server = server
            self.address = server.address

        async def unplug(self) -> None:
            self.fault("microphone", "unplugged")

        async def plug_in(self) -> None:
            self.fault("microphone", "ok")

        def fault(self, name: str, value: str) -> None:
            self._server.fault(name, value)

    server = RoomServer(Room())
    server.start()
    try:
        yield Played(server)
    finally:
        server.close()


@asynccontextmanager
async def _projector(props: Props) -> AsyncIterator[Actor]:
    from drivers.pjlink.sim import SimulatedProjector

    projector = SimulatedProjector(password=props.password)
    server, address = await projector.serve()
    try:
        yield _Answering(address, projector.fault)
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def _power(_props: Props) -> AsyncIterator[Actor]:
    from drivers.shelly.sim import SimulatedShelly, SimulatorServer

    shelly = SimulatedShelly()
    server = SimulatorServer(shelly)
    server.start()
    try:
        yield _Answering(server.address, shelly.fault)
    finally:
        server.close()


class _Answering:
    """A device that answers, or does not."""

    def __init__(self, address: str, fault: Callable[[str, str], None]) -> None:
        self.address = address
        self._fault = fault

    async def unplug(self) -> None:
        """Take it away."""
        self._fault("answers", "none")

    async def plug_in(self) -> None:
        """Give it back."""
        self._fault("answers", "ok")

    def fault(self, name: str, value: str) -> None:
        """Break or mend something."""
        self._fault(name, value)


_PLAYS = {
    **dict.fromkeys(("visca+udp", "visca+tcp", "visca+serial", "visca+rfc2217"), _camera),
    **dict.fromkeys(("audio+pulse", "audio+model"), _sound),
    "obs+ws": _obs,
    "pjlink": _projector,
    "shelly+http": _power,
}
"""By scheme, who plays it."""
