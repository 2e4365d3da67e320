"""The chain of rooms' journals at central: each entry is checked once, when it comes, and what does not fit is marked.

Nothing is refused for that: an entry was committed in the room, and is kept as it came. But
the sessions it stands among have evidence that does not fit, and their pages and reports say
so. The newest hash of what was acknowledged is kept, so that a room's journal whose tail was
cut off afterwards cannot pass for whole (`siaga journal verify --head`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from central.db import tables as t
from contract.chain import OWN, START, hash_of

log = logging.getLogger(__name__)


class Harm(StrEnum):
    """What does not fit about an entry."""

    EDITED = "edited"
    """It is not what its own hash says."""
    UNLINKED = "unlinked"
    """It was not written after the entry that stands before it."""
    FORKED = "forked"
    """The room told of two entries under one number."""
    UNCHAINED = "unchained"
    """It has no hash, and those before it have."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The entries of one stream that a session lies among, and what central keeps of that stream."""

    stream: str
    first: int
    last: int
    upto: int
    head: str
    """Hash of entry `upto`, the last that was acknowledged; empty where an older agent wrote it."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What the journal entries of one session are worth."""

    stretches: tuple[Stretch, ...] = ()
    faults: tuple[tuple[int, Harm], ...] = ()
    unchained: int = 0
    """How many of them an agent wrote that made no hashes yet."""

    @property
    def fits(self) -> bool:
        """Whether every entry is as it was written, and where."""
        return not self.faults and not self.unchained and bool(self.stretches)


Fields = Mapping[str, Any]
Link = tuple[int, str, str]
"""An entry's number, the hash of the one before it, and its own."""


class Taker:
    """Checks the entries of one batch; to be used inside the transaction that stores them."""

    def __init__(self, connection: sa.Connection, room_id: str, stream: str, now: datetime) -> None:
        self._connection = connection
        self._room_id = room_id
        self._stream = stream
        self._now = now

    def check_fresh(self, sent: Iterable[Fields]) -> None:
        """Mark the entries, as they were sent, that are not what their hashes say."""
        for fields in sent:
            if fields.get(OWN) and hash_of(self._stream, fields) != fields[OWN]:
                self._mark(int(fields["seq"]), Harm.EDITED)

    def check_again(self, sent: Iterable[Fields], held: Mapping[int, str]) -> None:
        """Mark the numbers under which another entry is held than the one that was sent now."""
        for fields in sent:
            known = held[int(fields["seq"])]
            if known and known != fields.get(OWN):
                self._mark(int(fields["seq"]), Harm.FORKED)

    def follow(self, links: Iterable[Link], head: str) -> str:
        """Mark the entries that were not written after the one before them; return the newest hash.

        What came before there were hashes here says nothing about the first that has one.
        """
        for seq, before, own in links:
            if not own:
                if head:
                    self._mark(seq, Harm.UNCHAINED)
            elif before != (head or (START if seq == 1 else before)):
                self._mark(seq, Harm.UNLINKED)
            head = own or head
        return head

    def _mark(self, seq: int, harm: Harm) -> None:
        where = {"room_id": self._room_id, "stream": self._stream, "seq": seq, "what": harm.value}
        f = t.journal_fault
        known = sa.select(f.c.seq).where(*(f.c[name] == value for name, value in where.items()))
        if self._connection.execute(known).first() is None:
            log.warning("a journal's chain does not fit", extra=where | {"action": "chain"})
            self._connection.execute(f.insert(), where | {"found_at": self._now})


def worth_of(connection: sa.Connection, session_id: str) -> Worth:
    """Return what the journal entries of a session are worth."""
    j, p, f = t.journal_entry.c, t.stream_position.c, t.journal_fault.c
    bounds = sa.select(j.room_id, j.stream, sa.func.min(j.seq).label("first"), sa.func.max(j.seq).label("last"))
    mine = bounds.where(j.session_id == session_id).group_by(j.room_id, j.stream).subquery()
    held = sa.select(mine, sa.func.coalesce(p.upto, 0).label("upto"), sa.func.coalesce(p.head, "").label("head"))
    same = sa.and_(p.room_id == mine.c.room_id, p.stream == mine.c.stream)
    rows = connection.execute(held.select_from(mine.outerjoin(t.stream_position, same))).all()
    among = sa.and_(f.room_id == mine.c.room_id, f.stream == mine.c.stream, f.seq.between(mine.c.first, mine.c.last))
    faults = connection.execute(sa.select(f.seq, f.what).join_from(mine, t.journal_fault, among).order_by(f.seq))
    bare = sa.select(sa.func.count()).where(j.session_id == session_id, j.hash == "")
    return Worth(
        tuple(Stretch(row.stream, row.first, row.last, row.upto, row.head) for row in rows),
        tuple((seq, Harm(what)) for seq, what in faults),
        int(connection.scalar(bare) or 0),
    )
