"""What a camera remembers besides where it looks: one row a setting, from Sony's command lists.

A row is written as the lists write it: `04 4B | 00 00 0p 0p` is the command `8x 01 04 4B 00 00
0p 0p FF`, the inquiry `8x 09 04 4B FF` and the answer `y0 50 00 00 0p 0p FF`. `0p` carries a
nibble, `pp` a byte. Sources: BRC-X400/X401 list (most), EVI-D70 technical manual (bright, freeze),
BRC-AM7 list (green tally, speed steps), PTZOptics' VISCA over IP commands (family `minrray`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from drivers.visca.sim.problems import SyntaxProblem

ON_OFF = (2, 3)
TOGGLE = 0x10
_RESET, _UP, _DOWN = 0, 2, 3


def _bits(word: str) -> int:
    """Return how many bits of a value a word of a pattern carries; 0 for a fixed byte."""
    return {2: 8, 1: 4}.get(word.count("p"), 0)


def _fits(words: tuple[str, ...], body: bytes) -> int | None:
    """Return the value that `body` carries under the pattern, or None when it is another message."""
    if len(words) != len(body):
        return None
    value = 0
    for word, byte in zip(words, body, strict=True):
        bits = _bits(word)
        if (bits == 0 and byte != int(word, 16)) or (bits == 4 and byte > 15):
            return None
        value = value << bits | (byte if bits else 0)
    return value


def _written(words: tuple[str, ...], value: int) -> bytes:
    out = []
    for word in reversed(words):
        bits = _bits(word)
        out.append(value & (1 << bits) - 1 if bits else int(word, 16))
        value >>= bits
    return bytes(reversed(out))


@dataclass(frozen=True, slots=True)
class Register:
    """One setting: how it is set, asked for and answered."""

    name: str
    command: tuple[str, ...]
    inquiry: bytes
    answer: tuple[str, ...]
    allowed: Collection[int]
    initial: int
    steps: bytes = b""
    """The command that resets (0), raises (2) or lowers (3) it by one."""
    toggles: bool = False
    family: str = ""
    """The group of cameras that has it; every camera without."""


def _row(
    name: str,
    pattern: str,
    allowed: Collection[int],
    initial: int,
    *,
    steps: str = "",
    toggles: bool = False,
    family: str = "",
    ask: str | None = None,
    answer: str | None = None,
) -> Register:
    fixed, _, rest = pattern.partition("|")
    inquiry = bytes.fromhex(fixed if ask is None else ask)
    shape = tuple((rest if answer is None else answer).split())
    command = tuple((fixed + rest).split())
    return Register(name, command, inquiry, shape, allowed, initial, bytes.fromhex(steps), toggles, family)


_BYTE = range(0x100)
_WORD = range(0x10000)
_P, _X, _M = "picture", "x", "minrray"

TABLE: tuple[Register, ...] = (
    # Exposure.
    _row("ae_mode", "04 39 | 0p", (0, 3, 0xA, 0xB, 0xD), 0),
    _row("iris", "04 4B | 00 00 0p 0p", range(0x1A), 0x11, steps="04 0B"),
    _row("gain", "04 4C | 00 00 0p 0p", range(0x12), 1, steps="04 0C"),
    _row("shutter", "04 4A | 00 00 0p 0p", range(0x22), 0x11, steps="04 0A"),
    _row("bright", "04 4D | 00 00 0p 0p", range(0x20), 0x0A, steps="04 0D", family="bright"),
    _row("gain_limit", "04 2C | 0p", range(4, 16), 0xD),
    _row("slow_shutter", "04 5A | 0p", ON_OFF, 3),
    _row("exposure_comp_on", "04 3E | 0p", ON_OFF, 3),
    _row("exposure_comp", "04 4E | 00 00 0p 0p", range(0x0F), 7, steps="04 0E"),
    _row("backlight", "04 33 | 0p", ON_OFF, 3),
    _row("spotlight", "04 3A | 0p", ON_OFF, 3, family=_P),
    _row("visibility", "04 3D | 0p", (3, 6), 3, family=_P),
    _row("high_sensitivity", "04 5E | 0p", ON_OFF, 3, family=_P),
    _row("ae_speed", "04 5D | pp", range(1, 0x31), 1, family=_X),
    _row("max_shutter", "05 2A 00 | 0p 0p", range(0x22), 0x21, family=_X),
    _row("min_shutter", "05 2A 01 | 0p 0p", range(0x22), 0x06, family=_X),
    _row("gain_point_on", "05 0C | 0p", ON_OFF, 3, family=_X),
    _row("gain_point", "05 4C | 0p 0p", range(4, 14), 4, family=_X),
    _row("wide_dynamic", "7E 04 00 | 0p", range(4), 0, family="bright"),
    _row("flicker", "04 23 | 0p", range(3), 1, family=_M),
    _row("dynamic_range", "04 25 | 00 00 00 0p", range(9), 0, family=_M),
    _row("neutral_density", "7E 01 53 | 0p", range(4), 0, family="steps"),
    # White balance and colour.
    _row("wb_mode", "04 35 | 0p", (0, 1, 2, 3, 4, 5), 0),
    _row("r_gain", "04 43 | 00 00 0p 0p", _BYTE, 0x80, steps="04 03"),
    _row("b_gain", "04 44 | 00 00 0p 0p", _BYTE, 0x80, steps="04 04"),
    _row("wb_speed", "04 56 | 0p", range(1, 6), 3, family=_P),
    _row(
        "wb_offset",
        "7E 01 2E 01 0p |",
        range(15),
        7,
        steps="7E 01 2E 00",
        ask="7E 01 2E",
        answer="00 00 00 0p",
        family=_X,
    ),
    _row("chroma_suppress", "04 5F | 0p", range(4), 0, family=_P),
    _row("colour_level", "04 49 | 00 00 00 0p", range(15), 4, steps="04 09", family=_P),
    _row("colour_phase", "04 4F | 00 00 00 0p", range(15), 7, steps="04 0F", family=_P),
    # Picture.
    _row("detail", "04 42 | 00 00 0p 0p", range(16), 7, steps="04 02"),
    _row("noise_reduction", "04 53 | pp", (0, 1, 2, 3, 4, 5, 0x7F), 3, family=_P),
    _row("noise_reduction_2d_3d", "05 53 | 0p 0p", _BYTE, 0x22, family=_X),
    _row("gamma", "04 5B | 0p", range(15), 0, family=_P),
    _row("black_level", "7E 04 45 | 0p 0p", range(0x61), 0x30, steps="7E 04 15", family=_X),
    _row("high_resolution", "04 52 | 0p", ON_OFF, 3, family=_P),
    _row("stabiliser", "04 34 | 0p", (0, *ON_OFF), 3, family=_P),
    _row("flicker_cancel", "04 32 | 0p", ON_OFF, 3, family=_P),
    _row("defog", "04 37 | 0p 0p", (0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x32, 0x33), 0x30, family=_P),
    _row("effect", "04 63 | 0p", range(5), 0, family=_P),
    _row("mirror", "04 61 | 0p", ON_OFF, 3, family=_P),
    _row("flip", "04 66 | 0p", ON_OFF, 3, family=_P),
    _row("freeze", "04 62 | 0p", ON_OFF, 3, family="freeze"),
    _row("call_freeze", "7E 04 3B | 0p", ON_OFF, 3, family=_X),
    _row("colour_bar", "04 7D | 0p", ON_OFF, 3, family=_X),
    _row("luminance", "04 A1 | 00 00 00 0p", range(15), 7, family=_M),
    _row("contrast", "04 A2 | 00 00 00 0p", range(15), 7, family=_M),
    _row("sharpness_mode", "04 05 | 0p", ON_OFF, 2, family=_M),
    # Zoom and focus, as far as they do not move.
    _row("zoom_mode", "04 06 | 0p", (2, 3, 4), 3),
    _row("tele_convert", "7E 04 36 | 0p", ON_OFF, 3, family=_X),
    _row("focus_mode", "04 38 | pp", ON_OFF, 2, toggles=True),
    _row("focus_near_limit", "04 28 | 0p 0p 0p 0p", _WORD, 0x1000),
    _row("af_mode", "04 57 | 0p", range(3), 0),
    _row("af_interval", "04 27 | 0p 0p 0p 0p", _WORD, 0x0505),
    _row("af_sensitivity", "04 58 | 0p", ON_OFF, 2),
    _row("ir_correction", "04 11 | 0p", (0, 1), 0, family=_P),
    _row("night", "04 01 | 0p", ON_OFF, 3),
    _row("auto_night", "04 51 | 0p", ON_OFF, 3),
    _row("auto_night_threshold", "04 21 | 00 00 0p 0p", _BYTE, 0x0E, family=_P),
    # Pan and tilt, as far as they do not move.
    _row("ramp_curve", "06 31 | 0p", range(1, 10), 1, family=_X),
    _row("memory_ramp", "06 35 | 0p", range(1, 10), 1, family="green"),
    _row("pan_reverse", "7E 01 06 00 0p |", (0, 1), 0, ask="7E 01 06", answer="0p", family="reverse"),
    _row("tilt_reverse", "7E 01 09 00 0p |", (0, 1), 0, ask="7E 01 09", answer="0p", family="reverse"),
    _row("slow", "06 44 | 0p", ON_OFF, 3),
    _row("speed_steps", "06 45 | pp", (0x04, 0x08, 0x18), 0x08, family="steps"),
    _row("memory_speed_choice", "7E 04 1B | 0p", range(3), 0, family=_X),
    _row("memory_speed_common", "7E 04 1C | 0p 0p", range(1, 0x80), 0x18, family=_X),
    _row("memory_mode", "7E 04 3D | pp", (0, 1, 0x10), 0, family=_X),
    # System.
    _row("menu", "06 06 | pp", ON_OFF, 3, toggles=True),
    _row("ir_receive", "06 08 | pp", ON_OFF, 2, toggles=True),
    _row("display", "7E 01 18 | 0p", ON_OFF, 3),
    _row("sdi_display", "7E 04 76 00 0p |", ON_OFF, 2, ask="7E 04 76 00", answer="0p", family=_X),
    _row("hdmi_display", "7E 04 76 01 0p |", ON_OFF, 2, ask="7E 04 76 01", answer="0p", family=_X),
    _row("latency", "7E 01 5A | 0p", ON_OFF, 3, family="bright"),
    _row("camera_id", "04 22 | 0p 0p 0p 0p", _WORD, 0),
    _row("tally_level", "7E 01 0A 01 0p |", (0, 4, 5), 4, ask="7E 01 0A 01", answer="0p", family="tally"),
    _row("video_format", "7E 04 32 | 0p 0p", _BYTE, 0x03, family=_X),
    _row("standby_mode", "7E 04 50 | 0p", ON_OFF, 3, family=_X),
    _row("hdmi_colour", "7E 01 03 00 0p |", (0, 1), 0, ask="7E 01 03", answer="0p", family=_X),
)

_TRIGGERS = {
    bytes.fromhex("04 10 05"),  # one-push white balance
    bytes.fromhex("04 18 01"),  # one-push focus
    bytes.fromhex("04 18 02"),  # focus at infinity
    bytes.fromhex("7E 01 02 00 01"),  # menu enter
    bytes.fromhex("06 06 04"),  # menu back
    bytes.fromhex("06 06 05"),  # menu select
    bytes.fromhex("7D 01 03 00 00"),  # tell of the remote control, or
    bytes.fromhex("7D 01 13 00 00"),  # do not
}
"""Commands that leave nothing to ask for."""


@dataclass(slots=True)
class Registers:
    """The settings of one camera."""

    rows: dict[str, Register]
    values: dict[str, int]
    _asked: dict[bytes, Register] = field(default_factory=dict)
    _by_length: dict[int, list[Register]] = field(default_factory=dict)
    _steps: dict[bytes, Register] = field(default_factory=dict)

    @classmethod
    def of(cls, families: Iterable[str]) -> Registers:
        """Return the settings that cameras of these families have, as they leave the factory."""
        wanted = {"", *families}
        rows = {row.name: row for row in TABLE if row.family in wanted}
        made = cls(rows, {name: row.initial for name, row in rows.items()})
        for row in rows.values():
            made._asked[row.inquiry] = row
            made._by_length.setdefault(len(row.command), []).append(row)
            if row.steps:
                made._steps[row.steps] = row
        return made

    def __getitem__(self, name: str) -> int:
        return self.values.get(name, 0)

    def on(self, name: str) -> bool:
        """Whether a setting that is 2 for on is on."""
        return self.values.get(name) == 2

    def ask(self, body: bytes) -> bytes:
        """Return the content of the answer to the inquiry `body` (without 09).

        Raises:
            SyntaxProblem: the camera has no such setting.
        """
        row = self._asked.get(body)
        if row is None:
            raise SyntaxProblem
        return _written(row.answer, self.values[row.name])

    def set(self, body: bytes) -> None:
        """Carry out the command `body` (without 01).

        Raises:
            SyntaxProblem: the camera has no such setting, or not with this value.
        """
        if body in _TRIGGERS or self._step(body):
            return
        for row in self._by_length.get(len(body), ()):
            value = _fits(row.command, body)
            if value is not None:
                self.values[row.name] = self._settled(row, value)
                return
        raise SyntaxProblem

    def _settled(self, row: Register, value: int) -> int:
        if row.toggles and value == TOGGLE:
            return sum(ON_OFF) - self.values[row.name]
        if value not in row.allowed:
            raise SyntaxProblem
        return value

    def _step(self, body: bytes) -> bool:
        row = self._steps.get(body[:-1])
        if row is None or body[-1] not in {_RESET, _UP, _DOWN}:
            return False
        value = self.values[row.name] + {_RESET: 0, _UP: 1, _DOWN: -1}[body[-1]]
        self.values[row.name] = (
            row.initial if body[-1] == _RESET else min(max(value, min(row.allowed)), max(row.allowed))
        )
        return True
