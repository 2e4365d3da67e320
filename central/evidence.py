"""Pictures from the rooms, named by their content; a part that arrived stays, so that an upload can go on.

Nothing here opens a picture. What is kept begins as a JPEG does and has the bytes that its
name says.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from central.errors import Erased, Invalid, NotFound, Wrong
from contract import ExecutionReport
from contract.evidence import MOST_BYTES

MEDIA_TYPE = "image/jpeg"
GONE: Final = ".erased"
"""The empty file that is left of a picture; it was changed last when the picture went."""
_MAGIC = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Old:
    """A picture that has been here for some time, whole or not."""

    room: str
    sha256: str
    size: int
    came_at: datetime


class Evidence:
    """A folder of pictures, by room."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()

    def read(self, room: str, sha256: str) -> bytes:
        """Return a picture.

        Raises:
            NotFound: it is not here, or not whole yet.
            Erased: its time is over.
        """
        try:
            return self._path(room, sha256).read_bytes()
        except OSError as error:
            if (at := self.erased(room, sha256)) is not None:
                raise Erased("evidence", sha256, at) from error
            raise NotFound("evidence", sha256) from error

    def photos(self, report: ExecutionReport) -> dict[str, bytes]:
        """Return those of a report's pictures that have arrived, by hash."""
        found = {}
        for one in report.pictures:
            with contextlib.suppress(NotFound):
                found[one.sha256] = self.read(report.room, one.sha256)
        return found

    def gone(self, report: ExecutionReport) -> dict[str, datetime]:
        """Return those of a report's pictures that were erased, by hash, and when."""
        asked = ((one.sha256, self.erased(report.room, one.sha256)) for one in report.pictures)
        return {sha256: at for sha256, at in asked if at is not None}

    def held(self, room: str, sha256: str) -> int | None:
        """Return how many bytes of a picture are here; none when it is whole.

        Raises:
            NotFound: these name no picture.
        """
        path = self._path(room, sha256)
        if not path.exists():
            return _size(path.with_suffix(".part"))
        path.touch()  # two dark scenes are one file: its time begins anew with the later
        return None

    def has(self, room: str, sha256: str) -> bool:
        """Return whether a picture is here and whole."""
        return self._path(room, sha256).exists()

    def erase(self, room: str, sha256: str, before: datetime, now: datetime) -> int | None:
        """Delete a picture that came before `before`, leave a mark of `now`, and return how many bytes it had.

        None when it is gone already, or stays: the very same picture was brought for a later session meanwhile.

        Raises:
            NotFound: these name no picture.
        """
        path = self._path(room, sha256)
        here = [one for one in (path, path.with_suffix(".part")) if one.exists()]
        if not here or any(one.stat().st_mtime >= before.timestamp() for one in here):
            return None
        size, mark = sum(map(_size, here)), path.with_suffix(GONE)
        mark.touch(mode=0o600)
        os.utime(mark, (now.timestamp(), now.timestamp()))
        for one in here:
            one.unlink()
        return size

    def old(self, before: datetime) -> Iterator[Old]:
        """Yield the pictures, whole or not, that came before `before`."""
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            with os.scandir(folder) as there:
                for one in there:
                    name = one.name.removesuffix(".part")
                    if _is_digest(name) and (found := one.stat()).st_mtime < before.timestamp():
                        came_at = datetime.fromtimestamp(found.st_mtime, UTC)
                        yield Old(folder.name, name, found.st_size, came_at)

    def erased(self, room: str, sha256: str) -> datetime | None:
        """Return when a picture was erased; none for one that was not, or is here again."""
        path = self._path(room, sha256)
        mark = path.with_suffix(GONE)
        if path.exists() or not mark.exists():
            return None
        return datetime.fromtimestamp(mark.stat().st_mtime, UTC)

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
        if not _is_digest(sha256):
            raise NotFound("evidence", sha256)
        if not room or not set(room) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"):
            raise NotFound("room", room)
        return self._folder / room / sha256


def _is_digest(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


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
