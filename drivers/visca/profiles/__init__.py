"""What differs between cameras, as data: one TOML file per family beside this module.

A profile is chosen by the camera's answer to CAM_VersionInq; `?profile=NAME` in the address
overrides it, and so does `?profile=/path/to/file.toml`. A camera that no file knows gets
`generic`, whose figures are meant to do no harm on any camera. No profile was tried on a
real camera; a key that no maker's document backs stands in the profile's `assumed`.

A profile keeps what a camera would refuse from being sent: `Profile.frame` is the row's
frame after every value was held against the profile.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers.visca import table
from drivers.visca.line import Framing
from drivers.visca.row import Field as RowField
from drivers.visca.row import Row, Widths
from drivers.visca.table import Version

FOLDER = Path(__file__).parent

SONY = 0x0001
SONY_EVI = 0x0020
"""What Sony cameras of the EVI era answered as vendor."""

VENDORS = {SONY: "Sony", SONY_EVI: "Sony", 0x0109: "BirdDog", 0x2574: "AVer"}

MODELS = {
    0x040D: "EVI-D100",
    0x040E: "EVI-D70",
    0x040F: "BRC-300",
    0x0511: "SRG-120DH",
    0x0513: "SRG-300H",
    0x0516: "SRG-300SE",
    0x0519: "BRC-X1000",
    0x051A: "BRC-H800",
    0x051B: "BRC-H780",
    0x051C: "BRC-X400",
    0x051D: "BRC-X401",
    0x051E: "FR7",
    0x051F: "AM7",
    0x0604: "SRG-360SHE",
    0x0605: "SRG-280SHE",
    0x0617: "SRG-X400",
    0x0618: "SRG-X120",
    0x061A: "SRG-201M2",
    0x061B: "SRG-HD1M2",
    0x061C: "SRG-X402",
    0x061F: "SRG-X40UH",
    0x0620: "SRG-H40UH",
    0x0621: "SRG-A40",
    0x0622: "SRG-A12",
}
"""Names of Sony's model codes."""

Motor = Literal["pan", "tilt"]
Span = tuple[float, float]
Steps = tuple[int, int]
Positive = Annotated[float, Field(gt=0)]


class PresetSpeed(Enum):
    """How a camera is told the speed of a recall."""

    NONE = "none"
    SEPARATE = "separate"
    """`7E 01 0B`, for each memory (Sony)."""
    DRIVE = "drive"
    """`06 01`, for each memory (PTZOptics G2)."""


_PRESET_SPEED_ROWS = {
    PresetSpeed.SEPARATE: table.PRESET_SPEED,
    PresetSpeed.DRIVE: table.PRESET_SPEED_OF,
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Carrier(_Part):
    """A way to the camera."""

    kind: Literal["udp", "tcp", "serial"]
    framing: Framing = Framing.RAW
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    bauds: tuple[int, ...] = ()


class Identified(_Part):
    """An answer to CAM_VersionInq that means this profile; no models means all of the vendor's."""

    vendor: Annotated[int, Field(ge=0, le=0xFFFF)]
    models: tuple[int, ...] = ()

    def fits(self, version: Version) -> bool:
        """Whether `version` is one of these."""
        return version.vendor == self.vendor and (not self.models or version.model in self.models)


class Forbidden(_Part):
    """Memory numbers that are something else to the camera."""

    first: Annotated[int, Field(ge=0, le=255)]
    last: Annotated[int, Field(ge=0, le=255)]
    reason: str


class Quirks(_Part):
    """Where the camera leaves the protocol; nothing here means by the book."""

    seq_lies: bool = False
    """It answers with a sequence number of its own: match by order."""
    no_ack: bool = False
    """It never acknowledges; `90 50 FF` says that a command ended."""
    reply_port_52381: bool = False
    """It answers to port 52381, whatever port asked."""
    blind: bool = False
    """Nothing comes back, not even to inquiries."""
    min_gap_ms: Annotated[int, Field(ge=0)] = 0
    """The rest it needs between two messages."""
    poll_max_hz: Positive = 20.0
    """More questions a second make it stumble."""


class Profile(_Part):
    """What one family of cameras can do."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    maker: str
    display: tuple[str, ...]
    """The models as people call them."""
    identified: tuple[Identified, ...] = ()
    carriers: tuple[Carrier, ...] = ()

    pan_nibbles: Annotated[int, Field(ge=4, le=5)] = 4
    tilt_nibbles: Annotated[int, Field(ge=4, le=5)] = 4
    pan_steps_per_degree: Positive
    tilt_steps_per_degree: Positive
    pan_deg: Span
    tilt_deg: Span
    pan_left_positive: bool = False
    """The camera counts pan the other way; degrees are to the right in any case."""

    pan_speed_max: Annotated[int, Field(ge=1, le=0x7F)]
    tilt_speed_max: Annotated[int, Field(ge=1, le=0x7F)]
    one_speed: bool = False
    """An absolute move takes one speed for both axes and 00 in the second place."""
    synced_speed: bool = False
    """00 in the second place lets tilt arrive together with pan."""
    speeds: tuple[tuple[int, Positive], ...]
    """Speed codes with degrees a second, of the slower axis, lowest code first; not all codes need stand here."""
    preset_deg_per_s: Positive
    """How fast a recall moves, if nobody changed it."""

    zoom_end: Annotated[int, Field(gt=0, le=0x7FFF)] = 0x4000
    """Steps at the end of the optical range."""
    zoom_max: Annotated[int, Field(gt=0, le=0x7FFF)] = 0x4000
    """Steps at the end of the digital range."""
    zoom_speed_max: Annotated[int, Field(ge=0, le=7)] = 7
    fine_zoom: bool = False
    """Zoom speed can be given in 15 bits."""
    zoom_through_s: Positive = 8.0
    """Time from one end of the optical zoom to the other."""
    focus: Steps = (0x1000, 0xF000)
    """Far and near end."""

    memory_ranges: tuple[Steps, ...]
    forbidden: tuple[Forbidden, ...] = ()
    preset_speed: PresetSpeed = PresetSpeed.NONE
    preset_speed_max: Annotated[int, Field(ge=1, le=0x7F)] = 0x18

    tolerance_deg: Positive = 0.5
    tolerance_zoom: Positive = 0.02
    start_up_s: Positive = 60.0

    unsupported: tuple[str, ...] = ()
    """Rows that it does not know; a name may end in `*`."""
    extra: tuple[str, ...] = ()
    """Rows that it knows and most cameras do not; a name may end in `*`."""
    blocks: tuple[Annotated[int, Field(ge=0, le=5)], ...] = ()
    """The block inquiries that it answers."""
    menu_close: bool = True
    """The menu can be closed, which it must be before pan and tilt move."""
    tally_keep_alive_s: Positive | None = None
    """The tally lamp goes dark unless it is switched on again within this time."""
    quirks: Quirks = Quirks()

    sources: tuple[str, ...]
    assumed: tuple[str, ...] = ()
    """Keys of this profile that no maker's document backs."""
    tried: bool = False
    """Somebody held it against a real camera."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Return the profile if its figures agree.

        Raises:
            ValueError: names the keys that do not.
        """
        for problem in (*self._impossible_ranges(), *self._impossible_memories(), *self._unknown_names()):
            raise ValueError(problem)
        return self

    def _impossible_ranges(self) -> Iterator[str]:
        for key, (low, high) in (("pan_deg", self.pan_deg), ("tilt_deg", self.tilt_deg), ("focus", self.focus)):
            if low >= high:
                yield f"{key}: the first must be below the second, got {low:g} and {high:g}"
        for motor, nibbles in (("pan", self.pan_nibbles), ("tilt", self.tilt_nibbles)):
            low, high = self._range_in_steps("pan" if motor == "pan" else "tilt")
            limit = 1 << 4 * nibbles - 1
            if low < -limit or high >= limit:
                yield f"{motor}_deg: {low} to {high} steps do not fit {motor}_nibbles"
        codes = [code for code, _ in self.speeds]
        if not codes or codes != sorted(set(codes)) or codes[0] != 1 or codes[-1] > 0x7F:
            yield "speeds: must begin with code 1 and go up"
        if self.zoom_end > self.zoom_max:
            yield f"zoom_end: must be at most zoom_max {self.zoom_max}, got {self.zoom_end}"

    def _impossible_memories(self) -> Iterator[str]:
        if not self.memory_ranges:
            yield "memory_ranges: must not be empty"
        for first, last in self.memory_ranges:
            if not 0 <= first <= last <= 254:
                yield f"memory_ranges: must be within 0 to 254 and go up, got {first} to {last}"
        for forbidden in self.forbidden:
            if any(forbidden.first <= last and first <= forbidden.last for first, last in self.memory_ranges):
                yield f"forbidden: {forbidden.first} to {forbidden.last} stand in memory_ranges too"

    def _unknown_names(self) -> Iterator[str]:
        for key, patterns in (("unsupported", self.unsupported), ("extra", self.extra)):
            for pattern in patterns:
                if not any(fnmatchcase(name, pattern) for name in table.BY_NAME):
                    yield f"{key}: the table has no row {pattern!r}"
        for key in self.assumed:
            if key not in Profile.model_fields:
                yield f"assumed: a profile has no key {key!r}"

    # What may be sent.

    def check(self, row: Row, *values: int) -> None:
        """Return if this camera takes `row` with `values`.

        Raises:
            ValueError: names the value, the range and the profile.
        """
        if not self.knows(row):
            raise ValueError(f"{self.name}: this camera does not know {row.name}")
        fields = row.fields
        if len(values) != len(fields):
            wanted = ", ".join(field.name for field in fields) or "no value"
            raise ValueError(f"{self.name}: {row.name} takes {wanted}, got {len(values)} values")
        for field, value in zip(fields, values, strict=True):
            if field.name == "memory":
                self._check_memory(value)
            elif not self._allows(field, value):
                raise ValueError(f"{self.name}: {field.name} must be {self._range_text(field)}, got {value}")

    def frame(self, row: Row, *values: int, address: int = 1) -> bytes:
        """Return the frame that this camera takes for `row` with `values`.

        Raises:
            ValueError: this camera does not take it; names the value, the range and the profile.
        """
        self.check(row, *values)
        return row.encode(*values, address=address, widths=self.widths)

    def knows(self, row: Row) -> bool:
        """Whether this camera knows `row`."""
        return row.name in self._known

    @cached_property
    def widths(self) -> Widths:
        """How many nibbles its positions have."""
        return Widths(self.pan_nibbles, self.tilt_nibbles)

    @cached_property
    def memories(self) -> tuple[int, ...]:
        """Every memory that may be stored and recalled, lowest first."""
        return tuple(sorted({number for first, last in self.memory_ranges for number in range(first, last + 1)}))

    @cached_property
    def block_inquiries(self) -> tuple[Row, ...]:
        """The block inquiries that it answers."""
        return tuple(table.BLOCK_INQUIRIES[number] for number in self.blocks)

    @property
    def preset_speed_row(self) -> Row | None:
        """The command that sets the speed of a recall, if there is one."""
        return _PRESET_SPEED_ROWS.get(self.preset_speed)

    def framing_on(self, kind: str, port: int | None = None) -> Framing | None:
        """Return how messages travel on a carrier, and on its port if that is known; None if it has no such one."""
        found = [carrier for carrier in self.carriers if carrier.kind == kind]
        exact = [carrier for carrier in found if port is not None and carrier.port == port]
        return next((carrier.framing for carrier in exact or found), None)

    # Degrees and steps.

    def steps(self, degrees: float, motor: Motor = "pan") -> int:
        """Return the position in the camera's steps; pan to the right and tilt upwards are positive degrees."""
        if motor == "tilt":
            return round(degrees * self.tilt_steps_per_degree)
        return round((-degrees if self.pan_left_positive else degrees) * self.pan_steps_per_degree)

    def degrees(self, steps: int, motor: Motor = "pan") -> float:
        """Return the camera's steps in degrees, to a hundredth."""
        if motor == "tilt":
            return round(steps / self.tilt_steps_per_degree, 2)
        return round((-steps if self.pan_left_positive else steps) / self.pan_steps_per_degree, 2) + 0.0

    # Time.

    def deg_per_s(self, speed: int) -> float:
        """Return how fast the slower axis moves at a speed code; between two known codes, as the lower one."""
        return max((figure for code, figure in self.speeds if code <= speed), default=self.speeds[0][1])

    @property
    def pan_deg_per_s(self) -> float:
        """The slower of pan and tilt at full speed."""
        return self.deg_per_s(self.pan_speed_max)

    @property
    def longest_travel_s(self) -> float:
        """The time that the longest recall of all may take, zoom included."""
        span = max(self.pan_deg[1] - self.pan_deg[0], self.tilt_deg[1] - self.tilt_deg[0])
        return max(span / self.preset_deg_per_s, self.zoom_through_s)

    # The rest is for `check`.

    @cached_property
    def _known(self) -> frozenset[str]:
        def named(patterns: tuple[str, ...], name: str) -> bool:
            return any(fnmatchcase(name, pattern) for pattern in patterns)

        names = {row.name for row in table.TABLE if not row.special or named(self.extra, row.name)}
        names -= {row.name for row in table.BLOCK_INQUIRIES if row not in self.block_inquiries}
        if not self.menu_close:
            names -= {table.MENU_OFF.name}
        if self.fine_zoom:
            names |= {table.ZOOM_DRIVE_FINE.name, table.ZOOM_STOP_FINE.name}
        if self.preset_speed_row is not None:
            names.add(self.preset_speed_row.name)
        return frozenset(name for name in names if not named(self.unsupported, name))

    @cached_property
    def _ranges(self) -> Mapping[str, Steps]:
        """What this camera takes, by the name of the row's field."""
        pan, tilt = self._range_in_steps("pan"), self._range_in_steps("tilt")
        pan_way, tilt_way = pan[1] - pan[0], tilt[1] - tilt[0]
        return MappingProxyType(
            {
                "pan speed": (1, self.pan_speed_max),
                "tilt speed": (1, self.tilt_speed_max),
                "pan": pan,
                "tilt": tilt,
                "pan by": (-pan_way, pan_way),
                "tilt by": (-tilt_way, tilt_way),
                "zoom": (0, self.zoom_max),
                "focus": self.focus,
                "focus limit": self.focus,
                "preset speed": (1, self.preset_speed_max),
            }
        )

    def _range_in_steps(self, motor: Motor) -> Steps:
        low, high = sorted(
            self.steps(degrees, motor) for degrees in (self.pan_deg if motor == "pan" else self.tilt_deg)
        )
        return low, high

    def _check_memory(self, number: int) -> None:
        """Return if `number` is a memory.

        Raises:
            ValueError: it is none, or means something else to this camera.
        """
        if any(first <= number <= last for first, last in self.memory_ranges):
            return
        for forbidden in self.forbidden:
            if forbidden.first <= number <= forbidden.last:
                raise ValueError(f"{self.name}: memory {number} is none: {forbidden.reason}")
        ranges = " or ".join(f"{first} to {last}" for first, last in self.memory_ranges)
        raise ValueError(f"{self.name}: memory must be {ranges}, got {number}")

    def _allows(self, field: RowField, value: int) -> bool:
        if field.name in {"zoom drive", "focus drive"} and value & 0x0F > self.zoom_speed_max:
            return False
        low, high = self._range_of(field)
        return low <= value <= high and field.allows(value, self.widths)

    def _range_of(self, field: RowField) -> Steps:
        if field.name == "tilt speed" and field.low == 0:
            return (0, 0) if self.one_speed else (0 if self.synced_speed else 1, self.tilt_speed_max)
        return self._ranges.get(field.name) or field.bounds(self.widths)

    def _range_text(self, field: RowField) -> str:
        if field.only:
            return field.range_text(self.widths)
        low, high = self._range_of(field)
        return f"{low} to {high}" if low != high else str(low)


def load(path: Path | str) -> Profile:
    """Return the profile in a file.

    Raises:
        ValueError: it cannot be read, is no TOML, or has mistakes; names the file and every key.
    """
    try:
        return parse(Path(path).read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"profile {path} cannot be read: {error}") from error


def parse(text: str, where: str) -> Profile:
    """Return the profile that `text` is; `where` it stands is for messages.

    Raises:
        ValueError: no TOML, or with mistakes; names every key.
    """
    try:
        # By way of JSON, because only there a strict model takes lists for tuples and words for enums.
        return Profile.model_validate_json(json.dumps(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"profile {where} is no TOML: {error}") from error
    except TypeError as error:
        raise ValueError(f"profile {where}: a date is no value of a profile ({error})") from error
    except ValidationError as error:
        mistakes = (f"{'.'.join(map(str, e['loc'])) or 'the whole'}: {e['msg']}" for e in error.errors())
        raise ValueError(f"profile {where}: {'; '.join(mistakes)}") from error


def to_toml(profile: Profile) -> str:
    """Return the profile as the text of a file that `load` reads back the same."""
    values = profile.model_dump(mode="json", exclude_none=True)
    return "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # Strings, booleans and numbers are written alike in JSON and TOML, but for this one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@cache
def _shipped(name: str) -> Profile:
    return load(FOLDER / f"{name}.toml")


class _Profiles(Mapping[str, Profile]):
    """The profiles that come with the driver; each file is read when it is first wanted."""

    def __getitem__(self, name: str) -> Profile:
        """Return a profile.

        Raises:
            KeyError: there is none of that name.
        """
        if name not in self._names:
            raise KeyError(name)
        return _shipped(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


PROFILES: Mapping[str, Profile] = _Profiles()
GENERIC = PROFILES["generic"]


def profile_for(version: Version) -> Profile:
    """Return the profile of the camera that answered `version`."""
    for profile in PROFILES.values():
        if any(identified.fits(version) for identified in profile.identified):
            return profile
    return GENERIC
