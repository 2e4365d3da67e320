"""Shure's command strings: `< SET 01 AUDIO_MUTE ON >`, answered by `< REP 01 AUDIO_MUTE ON >`.

*P300 Command Strings* (Shure, version 3.5, 2021), "Conventions" and "Command Strings (Common)"; the
same words serve MXA ceiling arrays, ANI interfaces and IntelliMix processors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.mixer.codec.frames import Splitter

END = b">"
MAX_BODY_BYTES = 512
LOWEST_DB, HIGHEST_DB = -110.0, 30.0

_BODY = re.compile(r"\s*<\s*REP\s+(?:(\d{1,2})\s+)?([A-Z0-9_]+)(?:\s+(.*?))?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Report:
    """What the device says: of a channel, or of itself where `channel` is none."""

    channel: int | None
    word: str
    value: str

    @property
    def is_error(self) -> bool:
        """It refused something, and does not say what."""
        return self.word == "ERR"


class ReportDecoder:
    """Collects bytes and gives back reports; anything else is passed over."""

    def __init__(self) -> None:
        self._splitter = Splitter(END, MAX_BODY_BYTES)

    def feed(self, data: bytes) -> list[Report]:
        """Return the reports that `data` ends."""
        matches = (_BODY.fullmatch(piece.decode("ascii", "replace")) for piece in self._splitter.feed(data))
        return [Report(int(m[1]) if m[1] else None, m[2], _bare(m[3] or "")) for m in matches if m]


def get(channel: int | None, word: str) -> bytes:
    """Return the question for `word`."""
    return _string("GET", channel, word)


def put(channel: int | None, word: str, value: str) -> bytes:
    """Return the command that sets `word`."""
    return _string("SET", channel, word, value)


def steps_of(db: float) -> str:
    """Return a gain as the device writes it: tenths of a dB from -110 dB, four digits."""
    return f"{round((db - LOWEST_DB) * 10):04d}"


def db_of(steps: str) -> float:
    """Return what the device's figure means.

    Raises:
        ValueError: it is none from 0 to 1400.
    """
    if not re.fullmatch(r"\d{1,4}", steps) or int(steps) > 1400:
        raise ValueError(f"wanted a gain from 0000 to 1400, found {steps[:20]!r}")
    return int(steps) / 10 + LOWEST_DB


def _string(*words: object) -> bytes:
    channel = (f"{word:02d}" if isinstance(word, int) else str(word) for word in words if word is not None)
    return f"< {' '.join(channel)} >".encode("ascii")


def _bare(value: str) -> str:
    return value.removeprefix("{").removesuffix("}").strip()
