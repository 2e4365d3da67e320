"""Request letters as they are kept: checked by their first bytes, named by their content.

Nothing here ever opens a letter. What a person called it is shown to people only; on disk
its name is the SHA-256 of its bytes, so the same letter is stored once and a name with
`../` in it goes nowhere.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from central.errors import Invalid, NotFound, Wrong
from central.model import LetterFile, Upload
from contract import new_id

MEDIA_TYPES: dict[bytes, str] = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
}
NAME_AT_MOST = 120


class Letters:
    """A folder of letters."""

    def __init__(self, folder: Path, at_most_bytes: int) -> None:
        self._folder = folder
        self.at_most_bytes = at_most_bytes

    def keep(self, upload: Upload) -> LetterFile:
        """Store `upload` and return what it is; storing it again changes nothing.

        Raises:
            Invalid: empty, too large, or neither PDF, JPEG nor PNG by its first bytes.
        """
        if wrongs := self.wrongs(upload):
            raise Invalid(*wrongs)
        media_type = _media_type(upload)
        digest = hashlib.sha256(upload.content).hexdigest()
        self._write(digest, upload.content)
        return LetterFile(digest, _plain_name(upload.name), media_type, len(upload.content))

    def wrongs(self, upload: Upload) -> tuple[Wrong, ...]:
        """Return what keeps `upload` from being kept; nothing is written."""
        size = len(upload.content)
        if not 0 < size <= self.at_most_bytes:
            return (Wrong("letter", "letter.size", f"wanted 1 to {self.at_most_bytes} bytes, got {size}"),)
        return () if _media_type(upload) else (Wrong("letter", "letter.kind", "wanted a PDF, JPEG or PNG file"),)

    def read(self, sha256: str) -> bytes:
        """Return the letter with this hash.

        Raises:
            NotFound: there is none.
        """
        try:
            return self._path(sha256).read_bytes()
        except OSError as error:
            raise NotFound("letter", sha256) from error

    def erase(self, sha256: str) -> int:
        """Delete the letter with this hash and return how many bytes it had; none when it is gone already."""
        path = self._path(sha256)
        size = path.stat().st_size if path.exists() else 0
        path.unlink(missing_ok=True)
        return size

    def _path(self, sha256: str) -> Path:
        """Return where a letter is.

        Raises:
            NotFound: this is no hash.
        """
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise NotFound("letter", sha256)
        return self._folder / sha256[:2] / sha256

    def _write(self, digest: str, content: bytes) -> None:
        """Put the whole letter in place or nothing, also when the power goes."""
        path = self._path(digest)
        if path.exists():
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f"{new_id()}.part")
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o600)
        part.replace(path)


def _plain_name(name: str) -> str:
    """Return the last part of a file's name without what is not for the eye."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable() and c not in '"<>')[:NAME_AT_MOST] or "letter"


def _media_type(upload: Upload) -> str:
    """Return what the first bytes say it is, nothing for what is not taken."""
    return next((kind for magic, kind in MEDIA_TYPES.items() if upload.content.startswith(magic)), "")
