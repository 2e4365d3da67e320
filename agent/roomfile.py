"""The room file: which devices a room has, what its presets do, when they run.

Reading it finds every mistake at once, with file, line and column: unknown keys, wrong
units, devices without a driver, verbs that a device does not have, arguments that a verb
does not take. Secrets are read apart (`read_secrets`), so that a file can be checked on a
machine that does not have them.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Discriminator, Field, JsonValue, Tag, ValidationError, model_validator

from agent.placeholders import WORDS, unknown
from contract.base import RoomId
from contract.link import Broker
from contract.messages import ChecklistItem, Label
from contract.yamlfile import Duration, FileMistakes, Location, Mistake, Settings, Source, parse, read
from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.registry import Driver, connect, driver_for
from drivers.verbs import Arguments, Verb

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]

_WORDS = {"missing": "missing: a value is wanted here", "extra_forbidden": "unknown argument"}

WITHIN_AT_LEAST = timedelta(seconds=5)
RETRY_AFTER_S = 1.0
"""A step that is tried again waits so long before."""


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

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.certify > self.lead:
            raise ValueError("certify must not come before preparation begins: at most as long as lead")
        return self


class UndoSettings(Settings):
    """What takes a step back, on the same device."""

    do: str
    args: dict[str, JsonValue] = Field(default_factory=dict)


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


class TogetherSettings(Settings):
    """Steps that start together; those for one device still go one after the other."""

    together: Annotated[tuple[StepSettings, ...], Field(min_length=1)]


def _step_or_group(value: object) -> str:
    grouped = isinstance(value, TogetherSettings) or (isinstance(value, dict) and "together" in value)
    return "group" if grouped else "step"


class PresetSettings(Settings):
    """A button on the tablet and a macro of the timeline."""

    label: Label
    busy: Literal["wait", "refuse"] = "wait"
    """What a press does while another preset uses one of its devices."""
    rest: str | None = None
    """The preset that the room rests in after this one was cancelled or failed."""
    steps: tuple[
        Annotated[
            Annotated[StepSettings, Tag("step")] | Annotated[TogetherSettings, Tag("group")],
            Discriminator(_step_or_group),
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


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a preset, ready to be carried out."""

    id: str
    """Place in the preset: `2` or, in a group, `1.2`."""
    device: str
    verb: Verb
    arguments: Arguments
    within: timedelta
    optional: bool = False
    verify: bool = False
    undo: tuple[Verb, Arguments] | None = None
    retry: int = 0


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset whose verbs and arguments were found."""

    name: str
    label: Mapping[str, str]
    groups: tuple[tuple[Step, ...], ...] = ()
    refuses_when_busy: bool = False
    rest: tuple[Step, ...] = ()
    """What is done after it was cancelled or failed, once what says how was undone."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in the order of the file."""
        return tuple(step for group in self.groups for step in group)

    @property
    def devices(self) -> frozenset[str]:
        """The devices that it touches."""
        return frozenset(step.device for step in (*self.steps, *self.rest))

    @property
    def typical(self) -> timedelta:
        """How long it should take: groups one after another, in each the slowest device's chain."""
        return sum((_slowest(group) for group in self.groups), timedelta(0))


def _slowest(group: tuple[Step, ...]) -> timedelta:
    chains: dict[str, timedelta] = {}
    for step in group:
        chains[step.device] = chains.get(step.device, timedelta(0)) + step.verb.typical
    return max(chains.values(), default=timedelta(0))


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
    mistakes += _Crossing(source).mistakes()
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


def presets_of(room: RoomFile) -> dict[str, Preset]:
    """Return the presets of a checked room file with their verbs and arguments."""
    drivers = {name: driver_for(DeviceAddress.parse(device.at)) for name, device in room.devices.items()}
    groups = {name: tuple(_groups(settings, drivers)) for name, settings in room.presets.items()}
    return {name: _preset(name, settings, groups) for name, settings in room.presets.items()}


def _preset(name: str, settings: PresetSettings, groups: Mapping[str, tuple[tuple[Step, ...], ...]]) -> Preset:
    resting = groups.get(settings.rest or "", ())
    rest = tuple(replace(step, id=f"rest-{step.id}", optional=True) for group in resting for step in group)
    return Preset(name, settings.label, groups[name], settings.busy == "refuse", rest)


def _groups(preset: PresetSettings, drivers: Mapping[str, Driver]) -> Iterator[tuple[Step, ...]]:
    for number, item in enumerate(preset.steps, start=1):
        if isinstance(item, TogetherSettings):
            yield tuple(_step(f"{number}.{n}", step, drivers) for n, step in enumerate(item.together, start=1))
        else:
            yield (_step(str(number), item, drivers),)


def _step(place: str, step: StepSettings, drivers: Mapping[str, Driver]) -> Step:
    verbs = drivers[step.device].verbs
    verb = verbs[step.do]
    undo = None
    if step.undo is not None:
        undo = (verbs[step.undo.do], verbs[step.undo.do].arguments.model_validate(step.undo.args))
    within = step.within or max(3 * verb.typical, WITHIN_AT_LEAST)
    arguments = verb.arguments.model_validate(step.args)
    return Step(place, step.device, verb, arguments, within, step.optional, step.verify, undo, step.retry)


def device_kinds(room: RoomFile) -> dict[str, str]:
    """Return what each device is: `camera`, `switcher`, `sound`, `display` or `power`."""
    return {n: driver_for(DeviceAddress.parse(d.at)).port.__name__.lower() for n, d in room.devices.items()}


class _Crossing:
    """Looks for what one key says about another.

    Works on the plain values, not on the models, so that it finds its mistakes also when
    the models found others.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._devices = _mapping(source.value.get("devices"))
        self._presets = _mapping(source.value.get("presets"))
        self._drivers: dict[object, Driver] = {}
        self._found: list[Mistake] = []

    def mistakes(self) -> list[Mistake]:
        for name, device in self._devices.items():
            self._look_at_device(name, _mapping(device))
        for name, preset in self._presets.items():
            self._look_at_preset(("presets", name, "steps"), _mapping(preset).get("steps"))
            rest = _mapping(preset).get("rest")
            if isinstance(rest, str) and rest not in self._presets:
                self._say(("presets", name, "rest"), _unknown("preset", rest, self._presets))
        self._look_at_phases()
        self._look_at_checklist()
        return self._found

    def _say(self, location: Location, text: str) -> None:
        self._found.append(self._source.mistake(location, text))

    def _look_at_device(self, name: str, device: Mapping[str, object]) -> None:
        text, location = device.get("at"), ("devices", name, "at")
        if not isinstance(text, str):
            return
        try:
            address = DeviceAddress.parse(text)
            self._drivers[name] = driver_for(address)
            if not _is_installed(self._drivers[name].module):
                self._say(location, f"the driver for {address.scheme}:// is not in this version of Siaga")
                return
            connect(name, address, "set" if device.get("password_env") else None)
        except AddressError as error:
            self._say(location, str(error))

    def _look_at_preset(self, location: Location, steps: object) -> None:
        for number, item in enumerate(_list(steps)):
            step = _mapping(item)
            if "together" in step:
                self._look_at_preset((*location, number, "together"), step["together"])
            else:
                self._look_at_step((*location, number), step)

    def _look_at_step(self, location: Location, step: Mapping[str, object]) -> None:
        device = step.get("device")
        if not isinstance(device, str):
            return
        if device not in self._devices:
            self._say((*location, "device"), _unknown("device", device, self._devices))
            return
        if (driver := self._drivers.get(device)) is None:
            return
        verb = self._look_at_verb(location, step, driver)
        if verb is not None and step.get("verify") is True and verb.read_back is None:
            self._say((*location, "verify"), f"{verb.name} cannot be verified: it has nothing to read back")
        if verb is not None and step.get("retry") and not verb.repeatable:
            self._say((*location, "retry"), f"{verb.name} is not tried again: telling it twice does something twice")
        if "undo" in step:
            self._look_at_verb((*location, "undo"), _mapping(step["undo"]), driver)

    def _look_at_verb(self, location: Location, step: Mapping[str, object], driver: Driver) -> Verb | None:
        name = step.get("do")
        if not isinstance(name, str):
            return None
        if name not in driver.verbs:
            self._say((*location, "do"), _unknown(f"verb for a {driver.port.__name__.lower()}", name, driver.verbs))
            return None
        verb = driver.verbs[name]
        try:
            for word in unknown(verb.arguments.model_validate(step.get("args", {}))):
                self._say((*location, "args"), f"{name}: unknown word {{{word}}}; known: {', '.join(WORDS)}")
        except ValidationError as error:
            for found in error.errors():
                words = _WORDS.get(found["type"], found["msg"].lower())
                self._say((*location, "args", *found["loc"]), f"{name}: {words}")
        return verb

    def _look_at_phases(self) -> None:
        for phase, preset in _mapping(self._source.value.get("phases")).items():
            if isinstance(preset, str) and preset not in self._presets:
                self._say(("phases", phase), _unknown("preset", preset, self._presets))

    def _look_at_checklist(self) -> None:
        seen: set[object] = set()
        for number, item in enumerate(_list(self._source.value.get("checklist"))):
            name = _mapping(item).get("id")
            if name in seen:
                self._say(("checklist", number, "id"), f"{name} stands twice")
            seen.add(name)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _unknown(what: str, name: str, known: Mapping[str, object]) -> str:
    return f"unknown {what} {name!r}; known: {', '.join(map(str, known)) or 'none'}"


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
