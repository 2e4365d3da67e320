"""Erases once a day what is past its time, and writes down what went and how much.

What a batch erased is added up in its own transaction, and the sum becomes one row of the
audit when the run is over. So the proof is whole also when the run was broken off in between.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

from central.db import tables as t
from central.db.notes import note, noted
from central.db.store import Store
from central.db.writes import retried
from central.errors import Unfit
from central.evidence import Evidence
from central.folderlock import files_still
from central.letters import Letters
from central.nightly import is_missed
from central.retention.files import OldLetters, OldPictures
from central.retention.kinds import DRAFTS, KEYS, LOG_INS, MESSAGES, Contacts, Gone, Kind
from central.settings import CentralSettings

log = logging.getLogger(__name__)

BY_ITSELF: Final = "central"
"""Who did it, where nobody asked for it."""
_LAST: Final = "retention"
"""Where is kept how the last run went."""
_SUM: Final = "retention sum"
"""Where is kept what went in this run up to now."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind and how long it is kept, none for ever; `gone` is what of it is due, or went."""

    kind: str
    time: timedelta | None
    gone: Gone


@dataclass(frozen=True, slots=True)
class LastErasing:
    """How the last run went: when it began, what went, or what went wrong."""

    at: datetime
    gone: Mapping[str, Gone] = field(default_factory=lambda: MappingProxyType({}))
    error: str = ""


class Eraser:
    """Carries out what the policy says about how long things are kept."""

    name = "retention"

    def __init__(
        self,
        store: Store,
        settings: CentralSettings,
        letters: Letters,
        evidence: Evidence,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._settings = settings
        self._kinds: Sequence[Kind] = (
            OldLetters(letters), OldPictures(evidence), Contacts(), MESSAGES, DRAFTS, LOG_INS, KEYS,
        )  # fmt: skip
        self._now = now

    def is_due(self) -> bool:
        """Return whether it was not done since today's time, which is that of the back-up."""
        now = self._now().astimezone(self._settings.zone)
        return is_missed(now, self._settings.file.backup.at, self.last())

    def look(self) -> tuple[Kept, ...]:
        """Return what would go now, kind by kind; nothing is erased."""
        now, found = self._now(), []
        with self._store.reading() as connection:
            for kind in self._kinds:
                time = self._time(kind)
                found.append(Kept(kind.name, time, Gone() if time is None else kind.count(connection, now - time)))
        return tuple(found)

    def make(self, actor: str = BY_ITSELF) -> LastErasing:
        """Erase what is past its time, and remember how it went; a file that cannot be deleted stops nothing else."""
        now, error = self._now(), ""
        try:
            with files_still(self._settings.folder):
                self._erase_all(now)
        except (Unfit, OSError, sa.exc.DBAPIError) as found:
            log.exception("erasing what is past its time failed")
            error = str(found)[:500]
        return self._told(now, error, actor)

    def _erase_all(self, now: datetime) -> None:
        for kind in self._kinds:
            time = self._time(kind)
            if time is not None:
                self._erase(kind, now - time, now)

    def _time(self, kind: Kind) -> timedelta | None:
        """Return how long a kind is kept."""
        found: timedelta | None = getattr(self._settings.policy.retention, kind.name)
        return found

    def _erase(self, kind: Kind, before: datetime, now: datetime) -> None:
        """Erase a kind batch by batch, until nothing of it is due, or only what cannot go just now."""
        gone = Gone(1)
        while gone.count:
            with self._store.reading() as connection:
                due = kind.due(connection, before)
            if not due:
                return
            gone = self._batch(kind, due, before, now)

    @retried
    def _batch(self, kind: Kind, due: Sequence[tuple[object, ...]], before: datetime, now: datetime) -> Gone:
        with self._store.writing() as connection:
            gone = kind.erase(connection, due, before, now)
            total = _sum(connection)
            total[kind.name] = total.get(kind.name, Gone()) + gone
            note(connection, _SUM, _plain(total))
        return gone

    @retried
    def _told(self, now: datetime, error: str, actor: str) -> LastErasing:
        """Make what went a row of the audit, and begin a new sum."""
        with self._store.writing() as connection:
            done = LastErasing(now, _sum(connection), error)
            detail = {name: asdict(gone) for name, gone in done.gone.items()} | ({"error": error} if error else {})
            row = {"at": now, "actor": actor, "action": "retention.erase", "subject": ""}
            connection.execute(t.audit.insert(), row | {"detail": json.dumps(detail)})
            note(connection, _LAST, json.dumps({"at": now.isoformat(), "gone": _plain(done.gone), "error": error}))
            note(connection, _SUM, "{}")
        log.info("erased what is past its time", extra={"action": "retention", "gone": _plain(done.gone)})
        return done

    def last(self) -> LastErasing | None:
        """Return how the last run went; none when there never was one."""
        with self._store.reading() as connection:
            text = noted(connection, _LAST)
        if text is None:
            return None
        found = json.loads(text)
        return LastErasing(datetime.fromisoformat(found["at"]), _read(found["gone"]), found["error"])


def _sum(connection: sa.Connection) -> dict[str, Gone]:
    return _read(noted(connection, _SUM) or "{}")


def _plain(gone: Mapping[str, Gone]) -> str:
    return json.dumps({name: asdict(one) for name, one in gone.items() if one.count})


def _read(text: str) -> dict[str, Gone]:
    return {name: Gone(**one) for name, one in json.loads(text).items()}
