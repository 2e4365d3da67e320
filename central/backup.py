"""Back-ups: the database of one moment, and letters, pictures, anchors and room passwords beside it, in one file.

The file is a plain tar archive whose first member, `manifest.json`, says what must be in it.
The database is copied first: a letter is on the disk before a row speaks of it, so every
letter that the copy speaks of is there when the folders are read.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from central.db import copies
from central.db.copies import Sum
from central.db.notes import note, noted
from central.db.store import Store
from central.errors import Unfit
from central.folderlock import files_still

MANIFEST: Final = "manifest.json"
DATABASE: Final = "database"
FOLDERS: Final = ("letters", "evidence")
ALONE: Final = ("audit-anchors.jsonl", "broker/passwords", "broker/port")
FORMAT: Final = 1
_CHUNK: Final = 1024 * 1024
_LAST: Final = "backup"
"""Where `meta` keeps what became of the last one."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a back-up."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a back-up holds. Files that are only listed have to be copied in another way."""

    kind: str
    schema: str
    software: str
    made_at: str
    epoch: str
    tables: dict[str, Sum]
    database: File
    files: tuple[File, ...]
    included: bool
    format: int = FORMAT

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """Return the manifest in `text`.

        Raises:
            Unfit: it is none, or one of a newer version.
        """
        try:
            found: dict[str, Any] = json.loads(text)
            if found["format"] > FORMAT:
                raise Unfit("backup.newer", f"the back-up is of a newer version of Siaga ({found['software']})")
            tables = {name: Sum(**one) for name, one in found.pop("tables").items()}
            files = tuple(File(**one) for one in found.pop("files"))
            return cls(tables=tables, files=files, database=File(**found.pop("database")), **found)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unfit("backup.unreadable", f"the manifest of the back-up cannot be read: {error!r}") from error


def back_up(store: Store, folder: Path, target: Path, *, with_files: bool = True) -> Manifest:
    """Write everything that central keeps to the new file `target`, while it runs.

    Without files, letters and pictures are only listed with their hashes.

    Raises:
        Unfit: there is such a file already, the database cannot be copied, or files are being erased.
        OSError: the disk does not take it.
    """
    if target.exists():
        raise Unfit("backup.exists", f"{target} is there already: name another file")
    part = target.with_name(target.name + ".part")
    with files_still(folder), tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as scratch:
        copy = Path(scratch) / DATABASE
        tables = copies.dump(store, copy)
        manifest = _manifest(store, folder, copy, tables, with_files=with_files)
        _write(part, manifest, copy, folder)
    part.replace(target)
    return manifest


def _manifest(store: Store, folder: Path, copy: Path, tables: dict[str, Sum], *, with_files: bool) -> Manifest:
    with store.reading() as connection:
        schema = str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
    return Manifest(
        kind=store.engine.dialect.name,
        schema=schema,
        software=version("siaga"),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        epoch=store.epoch,
        tables=tables,
        database=file_of(copy, copy.parent),
        files=tuple(file_of(path, folder) for path in _kept(folder)),
        included=with_files,
    )


def _kept(folder: Path) -> Iterator[Path]:
    """Yield what central keeps beside the database; what is still being written is not of it yet."""
    for name in FOLDERS:
        yield from sorted(path for path in (folder / name).rglob("*") if path.is_file() and path.suffix != ".part")
    yield from (folder / name for name in ALONE if (folder / name).is_file())


def file_of(path: Path, base: Path) -> File:
    """Return what is at `path`, named from `base`."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(path.relative_to(base).as_posix(), path.stat().st_size, digest)


def _write(target: Path, manifest: Manifest, copy: Path, folder: Path) -> None:
    """Write the archive, readable for its owner only, whole and on the disk."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            text = json.dumps(asdict(manifest), indent=1).encode()
            head = tarfile.TarInfo(MANIFEST)
            head.size = len(text)
            with tempfile.TemporaryFile() as held:
                held.write(text)
                held.seek(0)
                archive.addfile(head, held)
            archive.add(copy, DATABASE)
            for one in manifest.files:
                if manifest.included or one.path in ALONE:
                    archive.add(folder / one.path, one.path)
        file.flush()
        os.fsync(file.fileno())


@dataclass(frozen=True, slots=True)
class LastBackup:
    """What became of the last try: when, the file and its size, or what went wrong."""

    at: datetime
    file: str = ""
    size: int = 0
    error: str = ""


def remember(store: Store, last: LastBackup) -> None:
    """Keep what became of a back-up, for the page."""
    text = json.dumps(asdict(last) | {"at": last.at.isoformat()})
    with store.writing() as connection:
        note(connection, _LAST, text)


def last_backup(store: Store) -> LastBackup | None:
    """Return what became of the last back-up; none when there never was one."""
    with store.reading() as connection:
        text = noted(connection, _LAST)
    if text is None:
        return None
    found = json.loads(text)
    return LastBackup(**found | {"at": datetime.fromisoformat(found["at"])})
