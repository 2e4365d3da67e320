"""The simulated mixers, each with what the conformance test must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from drivers import DeviceAddress
from drivers.mixer.desk import Desk
from drivers.mixer.device import connect
from drivers.mixer.sim.faults import Faults
from drivers.mixer.sim.qsys import SimulatedCore
from drivers.mixer.sim.shure import SimulatedShure
from drivers.mixer.sim.tesira import SimulatedTesira
from drivers.mixer.sim.x32 import SimulatedOscDesk


class Simulated(Protocol):
    """What each simulated mixer can do."""

    faults: Faults

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the device address."""

    def close(self) -> None:
        """Stop listening."""


@dataclass
class Bench:
    """One simulated mixer and the driver that talks to it."""

    sim: Simulated
    first: str
    """Where the channel that the room calls `meja` is."""
    second: str
    """Where `pembicara` is."""
    is_muted: Callable[[str], bool]
    gain_of: Callable[[str], float]
    somebody_mutes: Callable[[str], None]
    """A hand on the mixer mutes a channel."""

    async def desk(self) -> Desk:
        """Serve, and return the unopened driver."""
        address = DeviceAddress.parse(await self.sim.serve())
        address.options["channels"] = f"meja:{self.first},pembicara:{self.second}"
        return connect("mixer", address, None)


def _decibels(fader: float) -> float:
    """The fader's law once more, as the document draws it: straight between its corners."""
    corners = [(0.0, -90.0), (0.0625, -60.0), (0.25, -30.0), (0.5, -10.0), (1.0, 10.0)]
    for (x, low), (x2, high) in pairwise(corners):
        if fader <= x2:
            return low + (high - low) * (fader - x) / (x2 - x)
    raise AssertionError(fader)


def _osc(model: str, second: str) -> Bench:
    sim = SimulatedOscDesk(model=model)
    return Bench(
        sim,
        "ch/01",
        second,
        sim.muted,
        lambda place: _decibels(float(sim.values[f"/{place}/mix/fader"])),
        lambda place: sim.turn(f"/{place}/mix/on", 0),
    )


def _shure() -> Bench:
    sim = SimulatedShure()
    return Bench(
        sim,
        "01",
        "02",
        lambda place: sim.values[place, "AUDIO_MUTE"] == "ON",
        lambda place: int(sim.values[place, "AUDIO_GAIN_HI_RES"]) / 10 - 110,
        lambda place: sim.turn(place, "AUDIO_MUTE", "ON"),
    )


def _qsys() -> Bench:
    sim = SimulatedCore()
    return Bench(
        sim,
        "Mik Meja",
        "Mik Pembicara",
        lambda place: sim.values[place, "mute"] is True,
        lambda place: float(str(sim.values[place, "gain"])),
        lambda place: sim.turn(place, "mute", value=True),
    )


def _tesira() -> Bench:
    sim = SimulatedTesira()
    return Bench(
        sim,
        "MikMeja",
        "Mik Pembicara/1",
        lambda place: sim.values[place.removesuffix("/1"), "mute", "1"] is True,
        lambda place: float(sim.values[place.removesuffix("/1"), "level", "1"]),
        lambda place: sim.turn(place.removesuffix("/1"), "mute", value=True),
    )


BENCHES: dict[str, Callable[[], Bench]] = {
    "x32": lambda: _osc("X32", "main/st"),
    "qsys": _qsys,
    "shure": _shure,
    "tesira": _tesira,
    "xair": lambda: _osc("XR18", "lr"),
}
