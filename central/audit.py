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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.moves import utc_now

START: Final = "0" * 64
SEAL_EVERY_S: Final = 2.0
CLIP: Final = 1000
EARLIER_AT_MOST: Final = timedelta(minutes=10)
"""A row may be this much older than the one sealed before it: deeds overlap. More was put in later."""
FAULTS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where the chain is broken: the seal's number, and what is wrong there."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found: how many rows are sealed, the newest seal, and everything wrong."""

    sealed: int
    unsealed: int
    head: str
    anchors: int
    faults: tuple[Fault, ...]

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

    async def keep_sealing(self) -> None:
        """Seal what is new until cancelled."""
        while True:
            while await asyncio.to_thread(self.seal) == CLIP:
                pass
            await asyncio.sleep(SEAL_EVERY_S)

    def seal(self) -> int:
        """Seal rows that are not, in the order in which they were written; return how many."""
        with self._store.reading() as connection:  # mostly there is nothing, and looking must not hold up writers
            if connection.scalar(_UNSEALED.with_only_columns(t.audit.c.id).limit(1)) is None:
                return 0
        with self._store.writing() as connection:
            locks.alone(connection, "audit seal")
            seq, head = _head(connection)
            new = connection.execute(_UNSEALED.order_by(t.audit.c.id).limit(CLIP)).mappings().all()
            seals = []
            for row in new:
                seq, head = seq + 1, _hash(head, seq + 1, row)
                seals.append({"seq": seq, "audit_id": row["id"], "hash": head})
            if seals:
                connection.execute(t.audit_seal.insert(), seals)
        self._anchor(seq, head)
        return len(seals)

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

    def verify(self) -> Verified:
        """Go through the whole chain and all anchors, and return everything that is wrong."""
        anchors = list(self._read_anchors())
        with self._store.reading() as connection:
            unsealed = connection.scalar(sa.select(sa.func.count()).select_from(_UNSEALED.subquery())) or 0
            hashes, faults = _walk(connection)
        for anchor in anchors:
            if hashes.get(int(anchor["seq"])) != anchor["hash"]:
                faults.append(Fault(int(anchor["seq"]), f"the anchor of {anchor['day']} names another seal"))
        head = hashes[max(hashes)] if hashes else START
        return Verified(len(hashes), unsealed, head, len(anchors), tuple(faults[:FAULTS_SHOWN]))

    def rows(self, *, before: int | None = None, limit: int = 100) -> tuple[AuditRow, ...]:
        """Return the newest deeds, only those before the number `before` when one is given."""
        a = t.audit.c
        query = t.audit.select().order_by(a.id.desc()).limit(limit)
        if before is not None:
            query = query.where(a.id < before)
        with self._store.reading() as connection:
            return tuple(AuditRow(**row) for row in connection.execute(query).mappings())


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


def _walk(connection: sa.Connection) -> tuple[dict[int, str], list[Fault]]:
    """Return every seal by its number, and where the chain breaks."""
    s, a = t.audit_seal.c, t.audit.c
    joined = t.audit_seal.outerjoin(t.audit, a.id == s.audit_id)
    query = sa.select(s.seq, s.hash, s.audit_id, t.audit).select_from(joined).order_by(s.seq)
    hashes: dict[int, str] = {}
    faults: list[Fault] = []
    before, expected, latest = START, 1, None
    for row in connection.execute(query).mappings():
        seq = row["seq"]
        if seq != expected:
            faults.append(Fault(expected, f"seals {expected} to {seq - 1} are missing"))
        if row["at"] is None:
            faults.append(Fault(seq, f"row {row['audit_id']} was deleted"))
        elif _hash(before, seq, row) != row["hash"]:
            faults.append(Fault(seq, f"row {row['audit_id']} or its seal was changed"))
        elif latest is not None and row["at"] < latest - EARLIER_AT_MOST:
            faults.append(
                Fault(seq, f"row {row['audit_id']} is dated {row['at']:%Y-%m-%d %H:%M}, but was put in later")
            )
        latest = row["at"] or latest
        before, expected = row["hash"], seq + 1
        hashes[seq] = row["hash"]
    return hashes, faults
