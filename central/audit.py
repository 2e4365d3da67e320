"""The audit: what was done by whom, sealed one after another so that nothing can be changed unseen.

A deed writes its audit row in its own transaction. Soon after, the row is sealed: each
seal is a hash over the row and the seal before it, so whoever edits, deletes or reorders
sealed rows breaks the chain. A tail that is cut off leaves a chain that is whole; against
that stand anchors, the newest seal of each day, in a file beside the database. Sealing
is apart from the deed so that bookings never wait for each other because of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from central.db import locks
from central.db import tables as t
from central.db.outage import outlast
from central.db.store import Store
from central.moves import utc_now
from webui.i18n import N_

_ANCHOR: Final = N_("the anchor of %(day)s names another seal")
_MISSING: Final = N_("seals %(first)s to %(last)s are missing")
_DELETED: Final = N_("row %(row)s was deleted")
_CHANGED: Final = N_("row %(row)s or its seal was changed")
_LATER: Final = N_("row %(row)s is dated %(at)s, but was put in later")

START: Final = "0" * 64
SEAL_EVERY_S: Final = 2.0
CLIP: Final = 1000
EARLIER_AT_MOST: Final = timedelta(minutes=10)
"""A row may be this much older than the one sealed before it: deeds overlap. More was put in later."""
FAULTS_SHOWN: Final = 50
OVERTAKEN_AT_MOST: Final = 20_000
"""So many later rows may have got their seals before one that was written in a slow transaction."""
SHORT: Final = 20_000
"""Seals that are gone through in a moment."""
VERIFIED_EVERY: Final = timedelta(days=1)
"""How often a long chain is gone through: a million seals take half a minute."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where the chain is broken: the seal's number, and what is wrong there.

    `sentence` with its `values` is the same for pages, which have their own languages.
    """

    seq: int
    what: str
    sentence: str
    values: Mapping[str, str | int]

    @classmethod
    def of(cls, seq: int, sentence: str, **values: str | int) -> Fault:
        """Return the fault that `sentence` says."""
        return cls(seq, sentence % values, sentence, values)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found: how many rows are sealed, the newest seal, and everything wrong."""

    sealed: int
    unsealed: int
    head: str
    anchors: int
    faults: tuple[Fault, ...]
    at: datetime

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One deed."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str


class Audit:
    """Reads, seals and verifies the audit."""

    def __init__(self, store: Store, anchors: Path, *, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._anchors = anchors
        self._now = now
        self._saw_all = False
        """Once every row was looked at, only those count that can have been written since."""
        self._found: Verified | None = None

    async def keep_sealing(self) -> None:
        """Seal what is new until cancelled."""
        while True:
            while await outlast("audit", self.seal) == CLIP:
                pass
            if self._is_due():
                await outlast("audit", self.found)
            await asyncio.sleep(SEAL_EVERY_S)

    def seal(self) -> int:
        """Seal rows that are not, in the order in which they were written; return how many."""
        with self._store.reading() as connection:  # mostly there is nothing, and looking must not hold up writers
            if connection.scalar(self._unsealed(connection).with_only_columns(t.audit.c.id).limit(1)) is None:
                self._saw_all = True
                return 0
        with self._store.writing() as connection:
            locks.alone(connection, "audit seal")
            seq, head = _head(connection)
            new = connection.execute(self._unsealed(connection).order_by(t.audit.c.id).limit(CLIP)).mappings().all()
            seals = []
            for row in new:
                seq, head = seq + 1, _hash(head, seq + 1, row)
                seals.append({"seq": seq, "audit_id": row["id"], "hash": head})
            if seals:
                connection.execute(t.audit_seal.insert(), seals)
        self._anchor(seq, head)
        return len(seals)

    def _unsealed(self, connection: sa.Connection) -> sa.Select[Any]:
        """Return the question for rows without a seal: of all, or of those written not long before the newest seal."""
        if not self._saw_all:
            return _UNSEALED
        newest = connection.scalar(sa.select(sa.func.max(t.audit_seal.c.audit_id))) or 0
        return _UNSEALED.where(t.audit.c.id > newest - OVERTAKEN_AT_MOST)

    def _anchor(self, seq: int, head: str) -> None:
        """Write the day's first seal beside the database."""
        day = self._now().date().isoformat()
        if not seq or any(line["day"] == day for line in self._read_anchors()):
            return
        with self._anchors.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"day": day, "seq": seq, "hash": head}) + "\n")

    def _read_anchors(self) -> Iterator[dict[str, str | int]]:
        if self._anchors.exists():
            for line in self._anchors.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)

    def found(self) -> Verified:
        """Return what going through the chain found: just now while it is short, else within the last day."""
        if self._found is None or self._found.sealed <= SHORT or self._is_due():
            self._found = self.verify()
        return self._found

    def _is_due(self) -> bool:
        return self._found is None or self._now() - self._found.at >= VERIFIED_EVERY

    def verify(self) -> Verified:
        """Go through the whole chain and all anchors, and return everything that is wrong."""
        anchors = list(self._read_anchors())
        with self._store.reading() as connection:
            unsealed = connection.scalar(sa.select(sa.func.count()).select_from(_UNSEALED.subquery())) or 0
            walk = _walk(connection, {int(anchor["seq"]) for anchor in anchors})
        faults = walk.faults
        for anchor in anchors:
            if walk.kept.get(int(anchor["seq"])) != anchor["hash"]:
                faults.append(Fault.of(int(anchor["seq"]), _ANCHOR, day=str(anchor["day"])))
        shown = tuple(faults[:FAULTS_SHOWN])
        return Verified(walk.sealed, unsealed, walk.head, len(anchors), shown, self._now())

    def rows(self, *, before: int | None = None, limit: int = 100) -> tuple[AuditRow, ...]:
        """Return the newest deeds, only those before the number `before` when one is given."""
        a = t.audit.c
        query = t.audit.select().order_by(a.id.desc()).limit(limit)
        if before is not None:
            query = query.where(a.id < before)
        with self._store.reading() as connection:
            return tuple(AuditRow(**row) for row in connection.execute(query).mappings())

    def receipts(self, idents: Collection[str]) -> dict[str, str]:
        """Return the receipt numbers of requests, and of sessions' requests, by those of `idents` that name one."""
        q, s = t.request.c, t.session.c
        requests = sa.select(q.id, q.receipt).where(q.id.in_(idents))
        sessions = sa.select(s.id, q.receipt).join_from(t.session, t.request, q.id == s.request_id)
        with self._store.reading() as connection:
            found = connection.execute(requests).all(), connection.execute(sessions.where(s.id.in_(idents))).all()
        return {ident: receipt for rows in found for ident, receipt in rows}


_UNSEALED: Final = (
    t.audit.select()
    .outerjoin_from(t.audit, t.audit_seal, t.audit_seal.c.audit_id == t.audit.c.id)
    .where(t.audit_seal.c.seq.is_(None))
)


def _head(connection: sa.Connection) -> tuple[int, str]:
    s = t.audit_seal.c
    found = connection.execute(sa.select(s.seq, s.hash).order_by(s.seq.desc()).limit(1)).first()
    return (int(found.seq), str(found.hash)) if found else (0, START)


def _hash(before: str, seq: int, row: sa.RowMapping) -> str:
    names = ("id", "actor", "action", "subject", "detail")
    said = [seq, row["at"].isoformat(), *(row[name] for name in names)]
    return hashlib.sha256((before + json.dumps(said, ensure_ascii=False)).encode()).hexdigest()


@dataclass(slots=True)
class _Walk:
    """What was met on the way through the chain; of the hashes only those that anchors name are kept."""

    sealed: int = 0
    head: str = START
    kept: dict[int, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def _walk(connection: sa.Connection, anchored: set[int]) -> _Walk:
    """Go through every seal by its number; nothing of it stays in memory but what is asked for."""
    s, a = t.audit_seal.c, t.audit.c
    joined = t.audit_seal.outerjoin(t.audit, a.id == s.audit_id)
    query = sa.select(s.seq, s.hash, s.audit_id, t.audit).select_from(joined).order_by(s.seq)
    walk, expected, latest = _Walk(), 1, None
    for row in connection.execution_options(yield_per=CLIP).execute(query).mappings():
        seq = row["seq"]
        if seq != expected:
            walk.faults.append(Fault.of(expected, _MISSING, first=expected, last=seq - 1))
        if row["at"] is None:
            walk.faults.append(Fault.of(seq, _DELETED, row=row["audit_id"]))
        elif _hash(walk.head, seq, row) != row["hash"]:
            walk.faults.append(Fault.of(seq, _CHANGED, row=row["audit_id"]))
        elif latest is not None and row["at"] < latest - EARLIER_AT_MOST:
            walk.faults.append(Fault.of(seq, _LATER, row=row["audit_id"], at=f"{row['at']:%Y-%m-%d %H:%M}"))
        latest = row["at"] or latest
        walk.head, expected = row["hash"], seq + 1
        walk.sealed += 1
        if seq in anchored:
            walk.kept[seq] = row["hash"]
    return walk
