"""What nobody has to think of, once a day at a set time; first of all the back-up, of which the oldest is deleted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final, Protocol

import sqlalchemy as sa

from central.backup import LastBackup, back_up, last_backup, remember
from central.db.outage import outlast
from central.db.store import Store
from central.errors import Away, Unfit
from central.settings import CentralSettings

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 60.0
AGAIN_AFTER: Final = timedelta(hours=1)
"""One that failed is tried again so much later."""
PATTERN: Final = "siaga-*.tar"


class Chore(Protocol):
    """Something that is done once a day."""

    name: str

    def is_due(self) -> bool:
        """Return whether today's time has come and it was not done since."""

    def make(self) -> object:
        """Do it, and remember how it went; what goes wrong is remembered and raises nothing."""


async def every_night(*chores: Chore) -> None:
    """Do what is due, one after the other, until cancelled; the first look is after a minute."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        for chore in chores:
            if await outlast(chore.name, chore.is_due):
                await outlast(chore.name, chore.make)


class Done(Protocol):
    """How something went the last time."""

    @property
    def at(self) -> datetime:
        """When it was begun."""

    @property
    def error(self) -> str:
        """What went wrong; empty when nothing did."""


def is_missed(now: datetime, at: time, last: Done | None) -> bool:
    """Return whether something that is done daily at `at` is due, `now` being in the office's time."""
    due = datetime.combine(now.date(), at, now.tzinfo)
    if due > now:
        due -= timedelta(days=1)
    if last is None:
        return True
    return last.at < due or (bool(last.error) and now - last.at >= AGAIN_AFTER)


class Nightly:
    """Makes back-ups."""

    name = "back-up"

    def __init__(self, store: Store, settings: CentralSettings, now: Callable[[], datetime]) -> None:
        self._store = store
        self._settings = settings
        self._wanted = settings.file.backup
        self._now = now

    def is_due(self) -> bool:
        """Return whether today's time has come and nothing was made since; a new office's first copy is due at once."""
        if self._wanted.keep == 0:
            return False
        now = self._now().astimezone(self._settings.zone)
        return is_missed(now, self._wanted.at, last_backup(self._store))

    def make(self) -> LastBackup:
        """Make one, delete the oldest, and remember how it went; a full disk stops nothing else."""
        now = self._now()
        target = self._settings.backup_folder / f"siaga-{now.astimezone(self._settings.zone):%Y%m%dT%H%M%S}.tar"
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            back_up(self._store, self._settings.folder, target, with_files=self._wanted.files)
            made = LastBackup(now, str(target), target.stat().st_size)
            self._prune(target.parent)
        except (Unfit, Away, OSError, sa.exc.DBAPIError) as error:
            log.exception("the back-up failed")
            made = LastBackup(now, error=str(error)[:500])
        else:
            log.info("backed up", extra={"file": str(target), "bytes": made.size})
        remember(self._store, made)
        return made

    def _prune(self, folder: Path) -> None:
        for old in sorted(folder.glob(PATTERN))[: -self._wanted.keep]:
            old.unlink()
