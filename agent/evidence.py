"""Pictures that wait to be sent to central, as files named by their content.

Facts come first: the folder never grows beyond its limit, and never takes the disk's last
space, which the journal needs. What has to go is the oldest piece, and whoever asked is told.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from contract.evidence import MOST_BYTES

log = logging.getLogger(__name__)

AT_MOST_BYTES = 200_000_000
LEAVE_FREE_BYTES = 500_000_000
SUFFIX = ".jpg"

Dropped = Callable[[str, int], None]


class Evidence:
    """A folder of pieces; `dropped` is called with hash and size of one that had to go before it was sent."""

    def __init__(
        self,
        folder: Path,
        dropped: Dropped = lambda _sha256, _bytes: None,
        *,
        at_most_bytes: int = AT_MOST_BYTES,
        leave_free_bytes: int = LEAVE_FREE_BYTES,
    ) -> None:
        self._folder = folder
        self._dropped = dropped
        self._at_most_bytes = at_most_bytes
        self._leave_free_bytes = leave_free_bytes
        self._listeners: list[Callable[[], None]] = []
        self.dropped_count = 0
        """How many had to go before they were sent."""

    def subscribe(self, kept: Callable[[], None]) -> None:
        """Call `kept` whenever there is a new piece."""
        self._listeners.append(kept)

    def keep(self, content: bytes) -> str | None:
        """Write a piece whole or not at all and return its SHA-256; none where there is no room for it.

        Raises:
            OSError: the disk does not take it.
        """
        self._folder.mkdir(exist_ok=True)
        if not 0 < len(content) <= MOST_BYTES or not self._make_room(len(content)):
            return None
        digest = hashlib.sha256(content).hexdigest()
        half = self._folder / f"{digest}.half"
        with half.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(self._folder / f"{digest}{SUFFIX}")
        for listener in self._listeners:
            listener()
        return digest

    def waiting(self) -> list[str]:
        """Return the hashes of what is still to be sent, oldest first."""
        return [path.stem for path in self._pieces()]

    def read(self, sha256: str) -> bytes:
        """Return a piece.

        Raises:
            OSError: it is not there.
        """
        return (self._folder / f"{sha256}{SUFFIX}").read_bytes()

    def sent(self, sha256: str) -> None:
        """Let go of a piece that central has."""
        (self._folder / f"{sha256}{SUFFIX}").unlink(missing_ok=True)

    def _pieces(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(self._folder.glob(f"*{SUFFIX}"), key=lambda path: (path.stat().st_mtime_ns, path.name))

    def _make_room(self, wanted_bytes: int) -> bool:
        """Drop the oldest pieces until there is room; false where even that makes none."""
        pieces = self._pieces()
        while self._full(pieces, wanted_bytes):
            if not pieces:
                return False
            self._drop(pieces.pop(0))
        return True

    def _full(self, pieces: list[Path], wanted_bytes: int) -> bool:
        held = sum(path.stat().st_size for path in pieces)
        free = shutil.disk_usage(self._folder).free
        return held + wanted_bytes > self._at_most_bytes or free < self._leave_free_bytes + wanted_bytes

    def _drop(self, piece: Path) -> None:
        size = piece.stat().st_size
        piece.unlink()
        log.warning("evidence dropped", extra={"action": "evidence", "sha256": piece.stem, "bytes": size})
        self.dropped_count += 1
        self._dropped(piece.stem, size)
