"""Pictures from the rooms, named by their content; a part that arrived stays, so that an upload can go on.

Nothing here opens a picture. What is kept begins as a JPEG does and has the bytes that its
name says.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from pathlib import Path

from central.errors import Invalid, NotFound, Wrong
from contract import ExecutionReport
from contract.evidence import MOST_BYTES

MEDIA_TYPE = "image/jpeg"
_MAGIC = b"\xff\xd8\xff"


class Evidence:
    """A folder of pictures, by room."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()

    def read(self, room: str, sha256: str) -> bytes:
        """Return a picture.

        Raises:
            NotFound: it is not here, or not whole yet.
        """
        try:
            return self._path(room, sha256).read_bytes()
        except OSError as error:
            raise NotFound("evidence", sha256) from error

    def photos(self, report: ExecutionReport) -> dict[str, bytes]:
        """Return those of a report's pictures that have arrived, by hash."""
        found = {}
        for one in report.pictures:
            with contextlib.suppress(NotFound):
                found[one.sha256] = self.read(report.room, one.sha256)
        return found

    def held(self, room: str, sha256: str) -> int | None:
        """Return how many bytes of a picture are here; none when it is whole.

        Raises:
            NotFound: these name no picture.
        """
        path = self._path(room, sha256)
        return None if path.exists() else _size(path.with_suffix(".part"))

    def add(self, room: str, sha256: str, part: bytes, *, offset: int, length: int) -> int | None:
        """Add a part and return how many bytes are here; none when the picture is whole now.

        A part that does not begin where the last one ended changes nothing.

        Raises:
            NotFound: these name no picture.
            Invalid: too large, no JPEG, or its bytes are not those of its name; then nothing is kept.
        """
        path = self._path(room, sha256)
        half = path.with_suffix(".part")
        with self._writing:
            if path.exists():
                return None
            if not 0 < length <= MOST_BYTES or offset + len(part) > length:
                raise Invalid(Wrong("evidence", "evidence.size", f"wanted 1 to {MOST_BYTES} bytes, got {length}"))
            if offset != (held := _size(half)):
                return held
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _append(half, part)
            if offset + len(part) < length:
                return offset + len(part)
            _check(half, sha256)
            half.replace(path)
            return None

    def _path(self, room: str, sha256: str) -> Path:
        """Return where a picture is.

        Raises:
            NotFound: these name no picture.
        """
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise NotFound("evidence", sha256)
        if not room or not set(room) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"):
            raise NotFound("room", room)
        return self._folder / room / sha256


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _append(half: Path, part: bytes) -> None:
    with half.open("ab") as file:
        file.write(part)
        file.flush()
        os.fsync(file.fileno())
    half.chmod(0o600)


def _check(half: Path, sha256: str) -> None:
    """Make sure that a whole picture is the one that its name says.

    Raises:
        Invalid: it is not; it is thrown away.
    """
    content = half.read_bytes()
    if hashlib.sha256(content).hexdigest() == sha256 and content.startswith(_MAGIC):
        return
    half.unlink()
    raise Invalid(Wrong("evidence", "evidence.content", "wanted a JPEG with the bytes of its name, found others"))
