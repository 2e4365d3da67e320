"""Puts a back-up in place, or proves on a copy that it could be.

What is put in place gets a new epoch: rooms may hold newer revisions of their plans than the
copy knows, and take its older ones only because central announces another life of its
database. Nothing is replaced before the whole file was read and found right.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from central.backup import ALONE, DATABASE, MANIFEST, Manifest, back_up, file_of
from central.db import copies, postgres
from central.db import tables as t
from central.db.store import Store, known_revisions, make_engine
from central.errors import Unfit
from central.folderlock import locked
from central.settings import CentralSettings
from contract import new_id

LOCK: Final = "running"
_PSQL: Final = ("psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1")
_MANIFEST_AT_MOST: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place, or could be: its manifest, files that are only listed and not there, the safety copy."""

    manifest: Manifest
    missing: tuple[str, ...] = ()
    kept: Path | None = None


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only one who works with a data folder, while inside: central, or a restore.

    Raises:
        Unfit: another one does.
    """
    with locked(folder, LOCK, Unfit("data.in_use", f"{folder} is in use: stop central first")):
        yield


def check(settings: CentralSettings, source: Path) -> Restored:
    """Restore into a copy beside the real thing, prove that it holds what it should and serves, and delete it.

    Raises:
        Unfit: something is wrong with it.
        OSError: it cannot be read, or the disk is full.
    """
    with _unpacked(settings, source) as (manifest, unpacked):
        url = sa.make_url(settings.database_url)
        with _scratch(url, unpacked) as copy:
            _put(copy, unpacked / DATABASE, manifest)
            _serves(copy)
        return Restored(manifest, _missing(settings.folder, manifest))


def restore(settings: CentralSettings, source: Path, *, over: bool = False) -> Restored:
    """Put a back-up in place; with `over` also where there is something already, which is backed up before.

    Raises:
        Unfit: central runs, there is something already, or something is wrong with the back-up.
        OSError: it cannot be read, or the disk is full.
    """
    with alone(settings.folder), _unpacked(settings, source) as (manifest, unpacked):
        url = sa.make_url(settings.database_url)
        kept = _make_way(settings, url, over=over)
        _put(url, unpacked / DATABASE, manifest)
        _serves(url)
        if manifest.included:
            _put_files(settings.folder, unpacked, manifest)
        return Restored(manifest, _missing(settings.folder, manifest), kept)


@contextmanager
def _unpacked(settings: CentralSettings, source: Path) -> Iterator[tuple[Manifest, Path]]:
    """Give what is in the file, in a folder for the time being, with every hash compared.

    Raises:
        Unfit: it is no back-up, is not whole, or is one of another kind or a newer version.
    """
    settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.folder) as scratch:
        folder = Path(scratch)
        try:
            with tarfile.open(source, "r:") as archive:
                archive.extractall(folder, filter="data")
        except tarfile.TarError as error:
            raise Unfit(
                "backup.unreadable",
                f"{source}: wanted a whole back-up as `siaga admin backup` writes it, found: {error}",
            ) from error
        if not (folder / MANIFEST).is_file() or (folder / MANIFEST).stat().st_size > _MANIFEST_AT_MOST:
            raise Unfit("backup.unreadable", f"{source} is no back-up of Siaga: it has no manifest")
        manifest = Manifest.parse((folder / MANIFEST).read_bytes())
        _fits(settings, manifest)
        _is_whole(folder, manifest)
        yield manifest, folder


def _fits(settings: CentralSettings, manifest: Manifest) -> None:
    """Compare with what this central is.

    Raises:
        Unfit: it is of another kind of database, or of a newer version.
    """
    kind = sa.make_url(settings.database_url).get_backend_name()
    if manifest.kind != kind:
        raise Unfit("backup.kind", f"the back-up is of {manifest.kind}, and central.yaml names {kind}")
    if manifest.schema not in known_revisions():
        text = f"the back-up was made by Siaga {manifest.software} (schema {manifest.schema}): install that version"
        raise Unfit("backup.newer", text)


def _is_whole(folder: Path, manifest: Manifest) -> None:
    """Compare every file with its hash.

    Raises:
        Unfit: files are missing or changed; all of them are named.
    """
    wanted = [manifest.database, *(one for one in manifest.files if manifest.included or one.path in ALONE)]
    wrong = [
        one.path for one in wanted if not (folder / one.path).is_file() or file_of(folder / one.path, folder) != one
    ]
    if wrong:
        raise Unfit("backup.damaged", f"the back-up is damaged: {', '.join(wrong[:20])}")


def _make_way(settings: CentralSettings, url: sa.URL, *, over: bool) -> Path | None:
    """Return where a copy of what was there is kept; none when there was nothing.

    Raises:
        Unfit: there is something and it may not be replaced, or somebody works with it.
    """
    if url.get_backend_name() != postgres.NAME and not Path(url.database or "").exists():
        return None
    store = Store(settings.database_url)
    try:
        with store.reading() as connection:
            _refuse_company(connection)
            there = sum(one.rows for name, one in copies.sums(connection).items() if name in _TELLING)
        if there and not over:
            text = f"{store.where} is not empty ({there} people, rooms and requests): --over replaces it"
            raise Unfit("database.not_empty", text)
        if not there:
            return None
        target = settings.backup_folder / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.tar"
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        back_up(store, settings.folder, target, with_files=False)
    finally:
        store.close()
    return target


_TELLING: Final = frozenset({"person", "room", "request"})


def _refuse_company(connection: sa.Connection) -> None:
    """Look for others who work with the same database.

    Raises:
        Unfit: there are some.
    """
    if connection.dialect.name != postgres.NAME:
        return
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'siaga' AND pid <> pg_backend_pid()"
    )
    if number := connection.exec_driver_sql(others).scalar_one():
        raise Unfit("data.in_use", f"{number} connections of a central are open to this database: stop it first")


@contextmanager
def _scratch(url: sa.URL, unpacked: Path) -> Iterator[sa.URL]:
    """Give a database of the same kind that is nobody's, and is gone afterwards.

    Raises:
        Unfit: the role may make none.
    """
    if url.get_backend_name() != postgres.NAME:
        yield url.set(database=str(unpacked / "check.db"))
        return
    name = f"siaga_check_{new_id().replace('-', '')}"
    try:
        copies.run_tool(url, *_PSQL, given=f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8';")
    except Unfit as error:
        raise Unfit("backup.rights", f"wanted a role with CREATEDB, to prove the copy on; found: {error}") from error
    try:
        yield url.set(database=name)
    finally:
        copies.run_tool(url, *_PSQL, given=f"DROP DATABASE {name} WITH (FORCE);")


def _put(url: sa.URL, copy: Path, manifest: Manifest) -> None:
    """Put the copy in place under a new epoch; what it holds is compared with the manifest.

    Raises:
        Unfit: it holds something else.
    """
    epoch = new_id()
    if url.get_backend_name() != postgres.NAME:
        _compare(copies.sums_of_file(copy), manifest)
        _put_sqlite(Path(url.database or ""), copy, epoch)
        return
    engine = make_engine(url.render_as_string(hide_password=False))
    try:
        with engine.connect() as connection:
            there = copies.sums(connection)
        copies.load_postgres(url, copy, drop=there, epoch=epoch)
        with engine.connect() as connection:
            _compare(copies.sums(connection), manifest)
    finally:
        engine.dispose()


def _put_sqlite(target: Path, copy: Path, epoch: str) -> None:
    engine = sa.create_engine(f"sqlite:///{copy}", poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.execute(t.meta.update().where(t.meta.c.key == "epoch").values(value=epoch))
    copy.chmod(0o600)
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    for beside in ("-wal", "-shm"):  # of the file that goes: they would be read into the one that comes
        target.with_name(target.name + beside).unlink(missing_ok=True)
    shutil.move(copy, target)


def _compare(found: dict[str, copies.Sum], manifest: Manifest) -> None:
    """Compare table by table; the epoch may be another.

    Raises:
        Unfit: tables that hold something else.
    """
    names = (found.keys() | manifest.tables.keys()) - {copies.OURS}
    wrong = sorted(name for name in names if found.get(name) != manifest.tables.get(name))
    if wrong:
        raise Unfit("backup.damaged", f"these tables hold something else than was backed up: {', '.join(wrong)}")


def _serves(url: sa.URL) -> None:
    """Bring it up to this version and prove that it refuses overlaps.

    Raises:
        Unfit: it does not.
    """
    store = Store(url.render_as_string(hide_password=False))
    try:
        store.open()
        with store.writing() as connection:
            said = {"at": datetime.now(UTC), "actor": "terminal", "action": "database.restored", "subject": ""}
            connection.execute(t.audit.insert(), said)
    finally:
        store.close()


def _put_files(folder: Path, unpacked: Path, manifest: Manifest) -> None:
    """Put letters and pictures beside the database; their names are their hashes, so what is there is right."""
    for one in manifest.files:
        target = folder / one.path
        if one.path in ALONE and target.exists():
            target.replace(target.with_name(target.name + ".before-restore"))
        if not target.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(unpacked / one.path, target)


def _missing(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    """Return the files that are listed, not included, and not there."""
    if manifest.included:
        return ()
    return tuple(one.path for one in manifest.files if not (folder / one.path).is_file())
