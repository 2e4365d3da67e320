"""Cutting a stream of bytes into VISCA's frames: at every FF, and only there."""

from __future__ import annotations

LONGEST = 32
"""Bytes of an unfinished frame that are kept; more is noise."""
TERMINATOR = b"\xff"


class Splitter:
    """Collects bytes and gives back whole frames, terminator included."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that `data` completes."""
        *frames, rest = (self._rest + data).split(TERMINATOR)
        self._rest = rest[:LONGEST]
        return [frame + TERMINATOR for frame in frames if len(frame) <= LONGEST]
