"""The verbs of every port, once: room files, the runner and `siaga device` all read this table.

A verb's arguments are a pydantic model whose fields stand in the order a person types them.
`read_back` asks the device afterwards whether the wanted state is really there; it is what
`verify: true` in a room file calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from drivers.outcomes import Result, Scalar
from drivers.ports import Camera, Display, Power, RemembersPlaces, Sound, Switcher

STILL_AFTER_S = 0.15
"""Two equal positions this far apart mean that the camera rests."""


class Arguments(BaseModel):
    """Arguments of a verb; an unknown one is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Nothing(Arguments):
    """A verb without arguments."""


class OnOff(Arguments):
    """Which of two states."""

    on: bool


class Memory(Arguments):
    """A camera's stored position, counted as the camera counts."""

    memory: Annotated[int, Field(ge=0, le=254)]


class Target(Arguments):
    """A place to look at."""

    pan_deg: Annotated[float, Field(ge=-180, le=180, alias="pan")]
    tilt_deg: Annotated[float, Field(ge=-90, le=90, alias="tilt")]
    zoom: Annotated[float | None, Field(ge=0, le=1)] = None


class SceneName(Arguments):
    """A scene by its exact name."""

    name: Annotated[str, Field(min_length=1)]


class InputMute(Arguments):
    """A switcher's sound input and its wanted state."""

    input: Annotated[str, Field(min_length=1)]
    on: bool


class PortMute(Arguments):
    """A sound port and its wanted state."""

    port: Annotated[str, Field(pattern="^(microphone|speaker)$")]
    on: bool


class PortGain(Arguments):
    """A sound port and its gain."""

    port: Annotated[str, Field(pattern="^(microphone|speaker)$")]
    db: Annotated[float, Field(ge=-80, le=20)]


class SourceName(Arguments):
    """A display's input by name."""

    name: Annotated[str, Field(min_length=1)]


class Outlet(Arguments):
    """A switched outlet, counted from 0, and its wanted state."""

    outlet: Annotated[int, Field(ge=0, le=15)]
    on: bool


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the device says when asked whether it is where it was sent."""

    matches: bool
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing a port can be told to do."""

    name: str
    arguments: type[Arguments]
    run: Callable[[Any, Any], Awaitable[Result]]
    read_back: Callable[[Any, Any], Awaitable[ReadBack]] | None = None
    typical: timedelta = timedelta(seconds=2)
    """How long it takes on common devices; limits and dry runs start from it."""


async def _camera_rests(camera: Camera, wanted: Memory) -> ReadBack:
    """Wait until two positions in a row are equal, and hold the place to where the memory was stored.

    The caller's time limit ends the wait. A memory of which nobody knows where it was stored
    matches wherever the camera rests.
    """
    before = await camera.position()
    while True:
        await asyncio.sleep(STILL_AFTER_S)
        now = await camera.position()
        if now == before:
            break
        before = now
    found: dict[str, Scalar] = {"pan_deg": now.pan_deg, "tilt_deg": now.tilt_deg, "zoom": now.zoom}
    if not isinstance(camera, RemembersPlaces):
        return ReadBack(True, found)
    compared = camera.compare(wanted.memory, now)
    return ReadBack(compared.get("proved") is not False, found | dict(compared))


async def _scene_on_air(switcher: Switcher, wanted: SceneName) -> ReadBack:
    programme = await switcher.state()
    return ReadBack(programme.scene == wanted.name, {"scene": programme.scene})


async def _recording_is(switcher: Switcher, wanted: OnOff) -> ReadBack:
    programme = await switcher.state()
    return ReadBack(programme.recording is wanted.on, {"recording": programme.recording})


async def _input_muted(switcher: Switcher, wanted: InputMute) -> ReadBack:
    muted = (await switcher.state()).muted.get(wanted.input)
    return ReadBack(muted is wanted.on, {"muted": muted})


async def _port_muted(sound: Sound, wanted: PortMute) -> ReadBack:
    muted = {port.name: port.muted for port in await sound.inventory()}.get(wanted.port)
    return ReadBack(muted is wanted.on, {"muted": muted})


async def _port_gain(sound: Sound, wanted: PortGain) -> ReadBack:
    gain_db = {port.name: port.gain_db for port in await sound.inventory()}.get(wanted.port)
    return ReadBack(gain_db is not None and abs(gain_db - wanted.db) <= 0.5, {"gain_db": gain_db})


CAMERA = (
    Verb("power", OnOff, lambda c, a: c.power(a.on), typical=timedelta(seconds=15)),
    Verb("recall", Memory, lambda c, a: c.recall(a.memory), _camera_rests, timedelta(seconds=4)),
    Verb("store", Memory, lambda c, a: c.store(a.memory)),
    Verb("move-to", Target, lambda c, a: c.move_to(a.pan_deg, a.tilt_deg, a.zoom), typical=timedelta(seconds=4)),
    Verb("stop", Nothing, lambda c, _: c.stop()),
)
SWITCHER = (
    Verb("scene", SceneName, lambda s, a: s.scene(a.name), _scene_on_air),
    Verb("record", OnOff, lambda s, a: s.record(a.on), _recording_is),
    Verb("mute", InputMute, lambda s, a: s.mute(a.input, a.on), _input_muted),
)
SOUND = (
    Verb("mute", PortMute, lambda s, a: s.mute(a.port, a.on), _port_muted),
    Verb("gain", PortGain, lambda s, a: s.gain(a.port, a.db), _port_gain),
)
DISPLAY = (
    Verb("power", OnOff, lambda d, a: d.power(a.on), typical=timedelta(seconds=30)),
    Verb("source", SourceName, lambda d, a: d.source(a.name)),
)
POWER = (Verb("switch", Outlet, lambda p, a: p.switch(a.outlet, a.on)),)

VERBS: dict[type, dict[str, Verb]] = {
    port: {verb.name: verb for verb in verbs}
    for port, verbs in ((Camera, CAMERA), (Switcher, SWITCHER), (Sound, SOUND), (Display, DISPLAY), (Power, POWER))
}
"""Per port, its verbs by name."""
