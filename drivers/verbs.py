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
from drivers.ports import (
    Camera,
    DefaultDevices,
    Display,
    Inputs,
    Mixer,
    MutesAll,
    Outputs,
    Power,
    RemembersPlaces,
    Setups,
    Sound,
    Stage,
    Switcher,
)

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


class InputGain(Arguments):
    """A switcher's sound input and where its fader should stand."""

    input: Annotated[str, Field(min_length=1)]
    db: Annotated[float, Field(ge=-100, le=26)]


class Title(Arguments):
    """A text source and what it should say."""

    input: Annotated[str, Field(min_length=1)]
    text: Annotated[str, Field(max_length=1000)]


class Clip(Arguments):
    """A clip by its exact name."""

    input: Annotated[str, Field(min_length=1)]


class ItemShown(Arguments):
    """A source in a scene, and whether it is to be seen."""

    scene: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    on: bool


class TransitionChoice(Arguments):
    """How the next switch looks, and how long it takes."""

    name: Annotated[str, Field(min_length=1)]
    duration_ms: Annotated[int | None, Field(ge=50, le=20_000)] = None


class SetupName(Arguments):
    """A scene collection, a profile or a hotkey by its exact name."""

    name: Annotated[str, Field(min_length=1)]


class PortMute(Arguments):
    """A sound port and its wanted state."""

    port: Annotated[str, Field(pattern="^(microphone|speaker)$")]
    on: bool


class PortGain(Arguments):
    """A sound port and its gain; `careful` refuses to go up more than 6 dB at once."""

    port: Annotated[str, Field(pattern="^(microphone|speaker)$")]
    db: Annotated[float, Field(ge=-80, le=20)]
    careful: bool = False


class PortName(Arguments):
    """A sound port."""

    port: Annotated[str, Field(pattern="^(microphone|speaker)$")]


class ChannelMute(Arguments):
    """A mixer's channel and its wanted state."""

    channel: Annotated[str, Field(min_length=1, max_length=100)]
    on: bool


class ChannelGain(Arguments):
    """A mixer's channel and its gain; `careful` refuses to go up more than 6 dB."""

    channel: Annotated[str, Field(min_length=1, max_length=100)]
    db: Annotated[float, Field(ge=-120, le=30)]
    careful: bool = False


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
    records: Callable[[Any], bool] = lambda _: False
    """Whether, with these arguments, it keeps what is said in the room; a session may forbid that."""
    rise_db: Callable[[Any, Any], Awaitable[float | None]] | None = None
    """How much louder it would make what people hear, for a verb that cannot be told to be careful."""
    repeatable: bool = True
    """Whether telling it twice is harmless, because it goes to a state; else nobody tells it twice unasked."""


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


async def _paused_is(switcher: Switcher, wanted: OnOff) -> ReadBack:
    programme = await switcher.state()
    return ReadBack(programme.recording and programme.paused is wanted.on, {"paused": programme.paused})


async def _streaming_is(switcher: Switcher, wanted: OnOff) -> ReadBack:
    programme = await switcher.state()
    return ReadBack(programme.streaming is wanted.on, {"streaming": programme.streaming})


async def _virtual_camera_is(switcher: Switcher, wanted: OnOff) -> ReadBack:
    programme = await switcher.state()
    return ReadBack(programme.virtual_camera is wanted.on, {"virtual_camera": programme.virtual_camera})


async def _replay_is(switcher: Switcher, wanted: OnOff) -> ReadBack:
    programme = await switcher.state()
    return ReadBack(programme.replay is wanted.on, {"replay": programme.replay})


async def _in_preview(switcher: Switcher, wanted: SceneName) -> ReadBack:
    programme = await switcher.state()
    return ReadBack(programme.preview == wanted.name, {"preview": programme.preview})


async def _studio_mode_is(switcher: Switcher, wanted: OnOff) -> ReadBack:
    on = (await switcher.state()).preview is not None
    return ReadBack(on is wanted.on, {"studio_mode": on})


async def _input_gain(switcher: Switcher, wanted: InputGain) -> ReadBack:
    gain_db = (await switcher.state()).gains_db.get(wanted.input)
    return ReadBack(gain_db is not None and abs(gain_db - wanted.db) <= 0.1, {"gain_db": gain_db})


async def _input_rise(switcher: Switcher, wanted: InputGain) -> float | None:
    gain_db = (await switcher.state()).gains_db.get(wanted.input)
    return None if gain_db is None else wanted.db - gain_db


async def _title_says(switcher: Inputs, wanted: Title) -> ReadBack:
    text = await switcher.text_of(wanted.input)
    return ReadBack(text == wanted.text, {"text": text})


async def _item_shown(switcher: Stage, wanted: ItemShown) -> ReadBack:
    on = await switcher.shows(wanted.scene, wanted.source)
    return ReadBack(on is wanted.on, {"on": on})


async def _transition_is(switcher: Switcher, wanted: TransitionChoice) -> ReadBack:
    name = (await switcher.state()).transition
    return ReadBack(name == wanted.name, {"transition": name})


async def _collection_is(switcher: Switcher, wanted: SetupName) -> ReadBack:
    name = (await switcher.state()).collection
    return ReadBack(name == wanted.name, {"collection": name})


async def _profile_is(switcher: Switcher, wanted: SetupName) -> ReadBack:
    name = (await switcher.state()).profile
    return ReadBack(name == wanted.name, {"profile": name})


def _duration(wanted: TransitionChoice) -> timedelta | None:
    return None if wanted.duration_ms is None else timedelta(milliseconds=wanted.duration_ms)


async def _input_muted(switcher: Switcher, wanted: InputMute) -> ReadBack:
    muted = (await switcher.state()).muted.get(wanted.input)
    return ReadBack(muted is wanted.on, {"muted": muted})


async def _port_muted(sound: Sound, wanted: PortMute) -> ReadBack:
    muted = {port.name: port.muted for port in await sound.inventory()}.get(wanted.port)
    return ReadBack(muted is wanted.on, {"muted": muted})


async def _port_gain(sound: Sound, wanted: PortGain) -> ReadBack:
    gain_db = {port.name: port.gain_db for port in await sound.inventory()}.get(wanted.port)
    return ReadBack(gain_db is not None and abs(gain_db - wanted.db) <= 0.5, {"gain_db": gain_db})


async def _port_is_default(sound: Sound, wanted: PortName) -> ReadBack:
    default = {port.name: port.is_default for port in await sound.inventory()}.get(wanted.port)
    return ReadBack(default is True, {"default": default})


async def _ports_muted(sound: Sound, _: Nothing) -> ReadBack:
    opened = [port.name for port in await sound.inventory() if port.present and not port.muted]
    return ReadBack(not opened, {"open": ", ".join(opened)})


async def _channel_muted(mixer: Mixer, wanted: ChannelMute) -> ReadBack:
    muted = (await mixer.strip(wanted.channel)).muted
    return ReadBack(muted is wanted.on, {"muted": muted})


async def _all_muted(mixer: Mixer, _: Nothing) -> ReadBack:
    opened = [strip.name for strip in await mixer.strips() if not strip.muted]
    return ReadBack(not opened, {"open": ", ".join(opened)})


async def _channel_gain(mixer: Mixer, wanted: ChannelGain) -> ReadBack:
    gain_db = (await mixer.strip(wanted.channel)).gain_db
    return ReadBack(abs(gain_db - wanted.db) <= 0.5, {"gain_db": gain_db})


async def _display_is_on(display: Display, wanted: OnOff) -> ReadBack:
    on = (await display.showing()).on
    return ReadBack(on is wanted.on, {"on": on})


async def _display_shows(display: Display, wanted: SourceName) -> ReadBack:
    source = (await display.showing()).source
    return ReadBack(source == wanted.name, {"input": source})


CAMERA = (
    Verb("power", OnOff, lambda c, a: c.power(a.on), typical=timedelta(seconds=15)),
    Verb("recall", Memory, lambda c, a: c.recall(a.memory), _camera_rests, timedelta(seconds=4)),
    Verb("store", Memory, lambda c, a: c.store(a.memory), repeatable=False),
    Verb("move-to", Target, lambda c, a: c.move_to(a.pan_deg, a.tilt_deg, a.zoom), typical=timedelta(seconds=4)),
    Verb("stop", Nothing, lambda c, _: c.stop()),
)
SWITCHER = (
    Verb("scene", SceneName, lambda s, a: s.scene(a.name), _scene_on_air),
    Verb("record", OnOff, lambda s, a: s.record(a.on), _recording_is, timedelta(seconds=4), lambda a: a.on),
    Verb("mute", InputMute, lambda s, a: s.mute(a.input, a.on), _input_muted),
)
STAGE = (
    Verb("preview", SceneName, lambda s, a: s.preview(a.name), _in_preview),
    Verb("take", Nothing, lambda s, _: s.take(), repeatable=False),
    Verb("studio-mode", OnOff, lambda s, a: s.studio_mode(a.on), _studio_mode_is),
    Verb("transition", TransitionChoice, lambda s, a: s.transition(a.name, _duration(a)), _transition_is),
    Verb("source", ItemShown, lambda s, a: s.source(a.scene, a.source, a.on), _item_shown),
)
INPUTS = (
    Verb("volume", InputGain, lambda s, a: s.volume(a.input, a.db), _input_gain, rise_db=_input_rise),
    Verb("text", Title, lambda s, a: s.text(a.input, a.text), _title_says),
    Verb("media-restart", Clip, lambda s, a: s.restart_media(a.input), repeatable=False),
)
OUTPUTS = (
    Verb("pause", OnOff, lambda s, a: s.pause(a.on), _paused_is, records=lambda a: not a.on),
    Verb("stream", OnOff, lambda s, a: s.stream(a.on), _streaming_is, timedelta(seconds=6)),
    Verb("virtual-camera", OnOff, lambda s, a: s.virtual_camera(a.on), _virtual_camera_is),
    Verb("replay", OnOff, lambda s, a: s.replay(a.on), _replay_is, timedelta(seconds=4), lambda a: a.on),
    Verb(
        "save-replay",
        Nothing,
        lambda s, _: s.save_replay(),
        typical=timedelta(seconds=3),
        records=lambda _: True,
        repeatable=False,
    ),
)
SETUPS = (
    Verb("collection", SetupName, lambda s, a: s.collection(a.name), _collection_is, timedelta(seconds=4)),
    Verb("profile", SetupName, lambda s, a: s.profile(a.name), _profile_is),
    Verb("hotkey", SetupName, lambda s, a: s.hotkey(a.name), repeatable=False),
)
SOUND = (
    Verb("mute", PortMute, lambda s, a: s.mute(a.port, a.on), _port_muted),
    Verb("gain", PortGain, lambda s, a: s.gain(a.port, a.db, careful=a.careful), _port_gain),
)
DEFAULT_DEVICES = (Verb("default", PortName, lambda s, a: s.make_default(a.port), _port_is_default),)
MUTES_ALL = (Verb("mute-all", Nothing, lambda s, _: s.mute_all(), _ports_muted),)
MIXER = (
    Verb("mute", ChannelMute, lambda m, a: m.mute(a.channel, a.on), _channel_muted),
    Verb("mute-all", Nothing, lambda m, _: m.mute_all(), _all_muted),
    Verb("gain", ChannelGain, lambda m, a: m.gain(a.channel, a.db, careful=a.careful), _channel_gain),
)
DISPLAY = (
    Verb("power", OnOff, lambda d, a: d.power(a.on), _display_is_on, timedelta(seconds=30)),
    Verb("source", SourceName, lambda d, a: d.source(a.name), _display_shows),
)
POWER = (Verb("switch", Outlet, lambda p, a: p.switch(a.outlet, a.on)),)

VERBS: dict[type, dict[str, Verb]] = {
    port: {verb.name: verb for verb in verbs}
    for port, verbs in (
        (Camera, CAMERA), (Switcher, SWITCHER), (Stage, STAGE), (Inputs, INPUTS), (Outputs, OUTPUTS), (Setups, SETUPS),
        (Sound, SOUND), (DefaultDevices, DEFAULT_DEVICES), (MutesAll, MUTES_ALL),
        (Mixer, MIXER), (Display, DISPLAY), (Power, POWER),
    )
}  # fmt: skip
"""Per port, its verbs by name."""
