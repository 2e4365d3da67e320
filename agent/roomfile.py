"""The room file: which devices a room has, what its presets do, when they run.

Reading it finds every mistake at once, with file, line and column: unknown keys, wrong
units, devices without a driver, verbs that a device does not have, arguments that a verb
does not take. Secrets are read apart (`read_secrets`), so that a file can be checked on a
machine that does not have them.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Discriminator, Field, JsonValue, Tag, model_validator

from agent.crossing import Crossing
from agent.parameters import ParameterSettings
from contract.base import RoomId
from contract.link import Broker
from contract.messages import ChecklistItem, Label
from contract.yamlfile import Duration, FileMistakes, Mistake, Settings, Source, parse, read
from drivers.address import DeviceAddress
from drivers.registry import driver_for

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
ParameterName = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]

Late = Literal["run", "skip", "ask"]
"""What becomes of a step when its phase begins too late."""

FactName = Literal["recording", "leader", "session", "live", "pressed", "next-near"]
"""What a guard may ask without asking a device."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"a time zone like Asia/Pontianak is wanted, got {name!r}") from error
    return name


def _broker(url: str) -> str:
    broker = Broker.parse(url)
    if not broker.tls and not _is_loopback(broker.host):
        raise ValueError(f"mqtt:// is for this machine only: use mqtts://HOST:8883, got {url!r}")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(text: str) -> str:
    listen_address(text)
    return text


def listen_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`; port 0 lets the system choose.

    Raises:
        ValueError: it is no such pair.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"an address like 0.0.0.0:8080 is wanted, got {text!r}")
    return host.strip("[]"), int(port)


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("a duration of at least 0 is wanted")
    return value


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("a duration above 0 is wanted")
    return value


class CentralSettings(Settings):
    """Where central's broker is and which file proves who we are."""

    broker: Annotated[str, AfterValidator(_broker)]
    credentials: Path | None = None
    """YAML with `username` and `password`, beside the room file unless absolute."""
    ca: Path | None = None
    """Certificate of the authority that signed the broker's; the system's own when missing."""


class TabletSettings(Settings):
    """Where the tablet's page is served."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8080"


class DeviceSettings(Settings):
    """One device of the room."""

    at: str
    required: bool = False
    password_env: Annotated[str, Field(min_length=1)] | None = None


class PrepareSettings(Settings):
    """When preparation begins and when readiness is certified, both before the start."""

    lead: Annotated[Duration, AfterValidator(_not_negative)] = timedelta(minutes=30)
    certify: Annotated[Duration, AfterValidator(_not_negative)] = timedelta(minutes=5)
    keep: Annotated[Duration, AfterValidator(_not_negative)] = timedelta(minutes=15)
    """What the next session needs stays on when its preparation begins so soon after an end."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.certify > self.lead:
            raise ValueError("certify must not come before preparation begins: at most as long as lead")
        return self


class JournalSettings(Settings):
    """How much of the journal stays in the room once central holds it."""

    keep: Annotated[Duration, AfterValidator(_not_negative)] = timedelta(days=30)
    at_most_mb: Annotated[int, Field(ge=1, le=100_000)] = 200
    """When it is larger, the oldest entries go earlier; what central does not hold stays."""


class UndoSettings(Settings):
    """What takes a step back, on the same device."""

    do: str
    args: dict[str, JsonValue] = Field(default_factory=dict)


class GuardSettings(Settings):
    """A condition: of a device (`do`, or a `measure`), or a `fact`."""

    device: str | None = None
    do: str | None = None
    """Asks whether the device is where this verb goes to."""
    args: dict[str, JsonValue] = Field(default_factory=dict)
    measure: str | None = None
    """Asks for one of the values that `siaga check` shows."""
    equals: bool | int | float | str | None = None
    above: float | None = None
    below: float | None = None
    fact: FactName | None = None
    wanted: Annotated[bool, Field(alias="is")] = True
    """What the answer must be."""
    unknown: Literal["refuse", "run", "skip"] = "refuse"
    """What becomes of the step when the device cannot be asked."""


class StepSettings(Settings):
    """One verb for one device."""

    device: str
    do: str
    args: dict[str, JsonValue] = Field(default_factory=dict)
    within: Annotated[Duration, AfterValidator(_positive)] | None = None
    optional: bool = False
    verify: bool = False
    retry: Annotated[int, Field(ge=0, le=5)] = 0
    """How many times more it is tried; only for what may be told twice."""
    undo: UndoSettings | None = None
    guard: GuardSettings | None = None
    late: Late = "run"


class NestedSettings(Settings):
    """Another preset, in place of a step."""

    preset: str
    values: dict[str, JsonValue] = Field(default_factory=dict)
    optional: bool = False
    guard: GuardSettings | None = None


class TogetherSettings(Settings):
    """Steps that start together; those for one device still go one after the other."""

    together: Annotated[tuple[StepSettings, ...], Field(min_length=1)]


def _kind_of_item(value: object) -> str:
    if isinstance(value, dict):
        return "group" if "together" in value else "nested" if "preset" in value else "step"
    return "group" if isinstance(value, TogetherSettings) else "nested" if isinstance(value, NestedSettings) else "step"


class PresetSettings(Settings):
    """A button on the tablet and a macro of the timeline."""

    label: Label
    busy: Literal["wait", "refuse"] = "wait"
    """What a press does while another preset uses one of its devices."""
    rest: str | None = None
    """The preset that the room rests in after this one was cancelled or failed."""
    parameters: dict[ParameterName, ParameterSettings] = Field(default_factory=dict)
    steps: tuple[
        Annotated[
            Annotated[StepSettings, Tag("step")]
            | Annotated[TogetherSettings, Tag("group")]
            | Annotated[NestedSettings, Tag("nested")],
            Discriminator(_kind_of_item),
        ],
        ...,
    ] = ()


class PhaseSettings(Settings):
    """Which preset each phase of a session runs; none: nothing happens by itself."""

    prepare: str | None = None
    live: str | None = None
    end: str | None = None
    safe: str | None = None


class RoomFile(Settings):
    """One room."""

    room: RoomId
    name: Annotated[str, Field(min_length=1, max_length=200)]
    time_zone: Annotated[str, AfterValidator(_zone)]
    central: CentralSettings
    data: Path
    tablet: TabletSettings = TabletSettings()
    devices: dict[Name, DeviceSettings]
    prepare: PrepareSettings = PrepareSettings()
    journal: JournalSettings = JournalSettings()
    over_run: Annotated[Duration, AfterValidator(_not_negative)] = timedelta(0)
    """How long a live session may go on after its end while nobody ends it and the room is free."""
    answer_within: Annotated[Duration, AfterValidator(_positive)] = timedelta(seconds=60)
    """How long a person is waited for who must decide whether a late step is done."""
    presets: dict[Name, PresetSettings] = Field(default_factory=dict)
    phases: PhaseSettings = PhaseSettings()
    checklist: tuple[ChecklistItem, ...] = ()


class _Credentials(Settings):
    username: Annotated[str, Field(min_length=1)]
    password: Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not stand in the room file."""

    broker: Broker
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By device; a device without one needs none."""


def load(path: Path) -> RoomFile:
    """Return the room file at `path`, checked as far as can be without its devices and secrets.

    Raises:
        FileMistakes: everything wrong in it.
    """
    source = read(path)
    mistakes: list[Mistake] = []
    room: RoomFile | None = None
    try:
        room = parse(source, RoomFile)
    except FileMistakes as error:
        mistakes += error.mistakes
    mistakes += Crossing(source).mistakes()
    if mistakes or room is None:
        raise FileMistakes(path, tuple(dict.fromkeys(mistakes)))
    return room


def read_secrets(path: Path, room: RoomFile, environment: Mapping[str, str]) -> Secrets:
    """Return the broker with its credentials, and the devices' passwords.

    Raises:
        FileMistakes: a variable is not set, or the credentials file is missing, wrong or open to others.
    """
    source = read(path)
    passwords = {n: environment.get(d.password_env) for n, d in room.devices.items() if d.password_env is not None}
    mistakes = [
        source.mistake(("devices", name, "password_env"), f"{room.devices[name].password_env} is not set")
        for name, password in passwords.items()
        if not password
    ]
    if mistakes:
        raise FileMistakes(path, tuple(mistakes))
    return Secrets(_broker_of(path, source, room.central), {n: p for n, p in passwords.items() if p})


def _broker_of(path: Path, source: Source, central: CentralSettings) -> Broker:
    broker = Broker.parse(central.broker)
    ca_file = path.parent / central.ca if central.ca is not None else None
    if central.credentials is None:
        return Broker(broker.host, broker.port, broker.tls, ca_file=ca_file)
    file = path.parent / central.credentials
    _refuse_open(path, source, file)
    known = parse(read(file), _Credentials)
    return Broker(broker.host, broker.port, broker.tls, known.username, known.password, ca_file)


def _refuse_open(path: Path, source: Source, file: Path) -> None:
    """Refuse a credentials file that is missing or that others may read.

    Raises:
        FileMistakes: names the room file's line.
    """
    where = ("central", "credentials")
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise FileMistakes(path, (source.mistake(where, f"{file}: {error.strerror}"),)) from error
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        raise FileMistakes(path, (source.mistake(where, f"{file}: others may read it; chmod 600 is wanted"),))


def device_kinds(room: RoomFile) -> dict[str, str]:
    """Return what each device is: `camera`, `switcher`, `sound`, `display` or `power`."""
    return {n: driver_for(DeviceAddress.parse(d.at)).port.__name__.lower() for n, d in room.devices.items()}
