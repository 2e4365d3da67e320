"""What a person at a terminal may ask of a camera beyond what rooms ask: focus, menu, any row of the table.

siaga device visca+udp://192.0.2.21 ask CAM_FocusPosInq
siaga device visca+udp://192.0.2.21 set "CAM_WB Mode" indoor
siaga device visca+udp://192.0.2.21 doctor --stub camera.toml
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

from drivers import DeviceAddress, Outcome
from drivers.outcomes import Result, Scalar
from drivers.ports import Camera
from drivers.visca.doctor import Report, examine
from drivers.visca.lines import line_for
from drivers.visca.row import KNOWN_WIDTHS, Field, Row
from drivers.visca.table import BY_NAME
from drivers.visca.trace import Trace

Shown = dict[str, object]

LEASE = timedelta(milliseconds=400)
RENEW_S = 0.1
JOG_AT_MOST_S = 600.0
MANY = 12


class UsageError(ValueError):
    """The words after the address make no verb; says which there are."""


class VerboseCamera(Camera, Protocol):
    """A camera whose whole command table can be used."""

    async def focus(self, mode: str) -> Result:
        """Set automatic, manual, or focus once."""

    async def menu_close(self) -> Result:
        """Close the menu on its picture."""

    async def tally(self, on: bool) -> Result:
        """Switch the red lamp."""

    async def command(self, row_name: str, *values: int) -> Result:
        """Run any command of the table."""

    async def inquire(self, row_name: str) -> Mapping[str, Scalar]:
        """Ask any inquiry of the table."""

    async def raw(self, frame: bytes) -> Result:
        """Send a frame as it is."""


async def identify(camera: Camera, _: Sequence[str]) -> Shown:
    """Return who it is."""
    return asdict(await camera.identify())


async def position(camera: Camera, _: Sequence[str]) -> Shown:
    """Return where it looks."""
    return asdict(await camera.position())


def _jog(words: Sequence[str]) -> tuple[float, float, float, float]:
    """Return three speeds and a time.

    Raises:
        UsageError: they are none.
    """
    usage = "jog PAN TILT ZOOM --for SECONDS, with speeds from -1 to 1"
    try:
        pan, tilt, zoom, seconds = (float(word) for word in words if word != "--for")
    except ValueError as error:
        raise UsageError(usage) from error
    if not all(-1 <= speed <= 1 for speed in (pan, tilt, zoom)) or not 0 <= seconds <= JOG_AT_MOST_S:
        raise UsageError(f"{usage} and at most {JOG_AT_MOST_S:g} seconds")
    return pan, tilt, zoom, seconds


async def jog(camera: Camera, words: Sequence[str]) -> Shown:
    """Drive for a while, renewing the lease as a held button does, then stop."""
    pan, tilt, zoom, seconds = _jog(words)
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            await camera.drive(pan, tilt, zoom, lease=LEASE)
            await asyncio.sleep(RENEW_S)
    finally:
        await camera.stop()
    return asdict(await camera.position())


def _focus(words: Sequence[str]) -> str:
    """Return the mode.

    Raises:
        UsageError: there is no such mode.
    """
    if len(words) != 1 or words[0] not in {"auto", "manual", "one-push"}:
        raise UsageError("focus auto, focus manual or focus one-push")
    return words[0]


async def focus(camera: VerboseCamera, words: Sequence[str]) -> Shown:
    """Set the focus."""
    return _read(await camera.focus(_focus(words)))


def _menu(words: Sequence[str]) -> None:
    """Return if it is to be closed.

    Raises:
        UsageError: anything but off.
    """
    if list(words) != ["off"]:
        raise UsageError("menu off closes the menu on the camera's picture; it cannot be opened from here")


async def menu(camera: VerboseCamera, words: Sequence[str]) -> Shown:
    """Close the menu."""
    _menu(words)
    return _read(await camera.menu_close())


def _tally(words: Sequence[str]) -> bool:
    """Return whether the lamp is to shine.

    Raises:
        UsageError: neither on nor off.
    """
    if list(words) not in (["on"], ["off"]):
        raise UsageError("tally on or tally off")
    return words[0] == "on"


async def tally(camera: VerboseCamera, words: Sequence[str]) -> Shown:
    """Switch the red lamp."""
    return _read(await camera.tally(_tally(words)))


async def ask_row(camera: VerboseCamera, words: Sequence[str]) -> Shown:
    """Ask one inquiry of the table."""
    row, _ = _row("ask", words, inquiry=True)
    return dict(await camera.inquire(row.name))


async def set_row(camera: VerboseCamera, words: Sequence[str]) -> Shown:
    """Run one command of the table."""
    row, values = _row("set", words, inquiry=False)
    return _read(await camera.command(row.name, *values))


def _raw(words: Sequence[str]) -> bytes:
    """Return the frame.

    Raises:
        UsageError: it is none.
    """
    try:
        frame = bytes.fromhex("".join(words))
    except ValueError:
        frame = b""
    if not 3 <= len(frame) <= 32 or frame.find(0xFF) != len(frame) - 1 or frame[0] & 0xF0 != 0x80:
        raise UsageError("raw HEX, a whole frame such as: raw 81 09 04 00 FF")
    return frame


async def raw(camera: VerboseCamera, words: Sequence[str]) -> Shown:
    """Send one frame as it is, through the queue like all else."""
    return _read(await camera.raw(_raw(words)))


def _read(result: Result) -> Shown:
    return {**result.read_back}


def _row(verb: str, words: Sequence[str], *, inquiry: bool) -> tuple[Row, list[int]]:
    """Return the row whose name `words` begin with, quoted or not, and the values after it.

    Raises:
        UsageError: no such row, or not its values.
    """
    rows = {row.name.lower(): row for row in BY_NAME.values() if bool(row.answer) is inquiry and not row.setting}
    for count in range(len(words), 0, -1):
        row = rows.get(" ".join(words[:count]).lower())
        if row is not None:
            return row, _values(verb, row, words[count:])
    names = [row.name for row in rows.values()]
    near = get_close_matches(" ".join(words), names, MANY, 0.4) if words else names
    raise UsageError(f"{verb} NAME; " + ("close to that: " if words else "names: ") + (", ".join(near) or "nothing"))


def _values(verb: str, row: Row, words: Sequence[str]) -> list[int]:
    """Return the numbers that `words` write.

    Raises:
        UsageError: too few or many, or no number.
    """
    usage = " ".join([verb, f'"{row.name}"', *(field.name.upper().replace(" ", "_") for field in row.fields)])
    if len(words) != len(row.fields):
        raise UsageError(f"{usage}: wanted {len(row.fields)} values, got {len(words)}")
    try:
        return [_number(field, word) for field, word in zip(row.fields, words, strict=True)]
    except ValueError as error:
        raise UsageError(f"{usage}: {error}") from error


def _number(field: Field, word: str) -> int:
    """Return a value written as a number, `0x18` too, or as the field's own word.

    Raises:
        ValueError: neither.
    """
    meanings = dict(part.split(" ", 1)[::-1] for part in field.words.split(", ") if " " in part)
    text = meanings.get(word, word)
    with suppress(ValueError):
        value = int(text, 0)
        if any(field.allows(value, widths) for widths in KNOWN_WIDTHS):  # the camera's own is known once it is open
            return value
    means = f" ({field.words})" if field.words else ""
    raise ValueError(f"{field.name} must be {field.range_text()}{means}, got {word!r}")


async def doctor(
    address: DeviceAddress, words: Sequence[str], trace: Trace | None = None
) -> tuple[Outcome, Shown, Trace]:
    """Examine an unknown camera, and write a profile stub where `--stub FILE` asks for it.

    Raises:
        UsageError: other words.
        AddressError: an address that cannot be used.
    """
    move, stub = _doctor_words(words)
    line = line_for(address)
    trace = trace or Trace(line.framing, wall_s=time.time() - asyncio.get_running_loop().time())
    report = await examine(line, address, trace, move=move)
    shown: Shown = {"findings": report.as_json()["findings"]}
    if stub is not None and report.answers:
        shown["stub"] = _write_stub(report, stub, address)
    return Outcome.COMPLETED if report.answers else Outcome.DISCONNECTED, shown, trace


def _doctor_words(words: Sequence[str]) -> tuple[bool, Path | None]:
    """Return what the words after `doctor` wish.

    Raises:
        UsageError: nothing that there is.
    """
    match [word for word in words if word != "--move"]:
        case []:
            return "--move" in words, None
        case ["--stub", file]:
            return "--move" in words, Path(file)
        case _:
            raise UsageError("doctor [--stub FILE.toml] [--move]; --move pans, tilts and zooms a little and back")


def _write_stub(report: Report, file: Path, address: DeviceAddress) -> str:
    try:
        file.write_text(report.stub(), encoding="utf-8")
    except (ValueError, OSError) as error:
        return f"not written: {error}"
    return f"{file} written; look through it, then use it: {address}{'&' if address.options else '?'}profile={file}"


ASKS = {
    "identify": identify,
    "position": position,
    "jog": jog,
    "focus": focus,
    "menu": menu,
    "tally": tally,
    "ask": ask_row,
    "set": set_row,
    "raw": raw,
}
"""The verbs that only a person asks of a camera."""
_WORDS: dict[str, Callable[[Sequence[str]], object]] = {
    "jog": _jog,
    "focus": _focus,
    "menu": _menu,
    "tally": _tally,
    "ask": lambda words: _row("ask", words, inquiry=True),
    "set": lambda words: _row("set", words, inquiry=False),
    "raw": _raw,
}


def check_words(verb: str, words: Sequence[str]) -> None:
    """Return if `verb` can be asked with `words`, as far as can be said without a camera.

    Raises:
        UsageError: it cannot; says how it is written.
    """
    if verb in _WORDS:
        _WORDS[verb](words)


USAGES = {
    "jog": "jog PAN TILT ZOOM --for SECONDS",
    "focus": "focus auto|manual|one-push",
    "menu": "menu off",
    "tally": "tally on|off",
    "ask": "ask NAME",
    "set": "set NAME [VALUE ...]",
    "raw": "raw HEX",
    "doctor": "doctor [--stub FILE.toml] [--move]",
}
"""How those with arguments are written."""
