"""The kinds that are files: letters, and pictures of what was on air.

A letter's row stays and says when its file went; of a picture an empty file stays that says
so. Either way the hash stays where it stood, so that a copy somebody has can still be told
from another file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import sqlalchemy as sa

from central.db import tables as t
from central.domain.sop import State
from central.evidence import Evidence, Old
from central.letters import Letters
from central.retention.kinds import BATCH, Conditions, Gone, Key, is_over

COMES_WITHIN: Final = timedelta(days=30)
"""A room that was cut off brings a picture so long after its session at most."""


class OldLetters:
    """Letters of which every request that refers to them is over."""

    name = "letters"

    def __init__(self, letters: Letters) -> None:
        self._letters = letters

    def count(self, connection: sa.Connection, before: datetime) -> Gone:
        """Return how many letters are due, and how large they are."""
        what = sa.func.count(), sa.func.coalesce(sa.func.sum(t.letter.c.size_bytes), 0)
        count, size = connection.execute(sa.select(*what).where(*_is_due(before))).one()
        return Gone(int(count), int(size))

    def due(self, connection: sa.Connection, before: datetime) -> Sequence[Key]:
        """Return the first of them by their hashes."""
        query = sa.select(t.letter.c.sha256).where(*_is_due(before)).limit(BATCH)
        return [tuple(row) for row in connection.execute(query)]

    def erase(self, connection: sa.Connection, due: Sequence[Key], before: datetime, now: datetime) -> Gone:
        """Delete the files. Who sends one of them in just now waits for the row, and then writes the file again."""
        mine = t.letter.c.sha256.in_([sha256 for (sha256,) in due])
        held = sa.select(t.letter.c.sha256).where(mine).order_by(t.letter.c.sha256)
        connection.execute(held.with_for_update()).all()  # what is asked from here on sees who was there before
        still = connection.scalars(held.where(*_is_due(before))).all()
        connection.execute(t.letter.update().where(t.letter.c.sha256.in_(still)).values(erased_at=now))
        return sum((Gone(1, self._letters.erase(sha256)) for sha256 in still), Gone())


def _is_due(before: datetime) -> Conditions:
    """Return what holds for a letter that came before `before` and that no request needs any more."""
    q = t.request.c
    needed = sa.select(q.letter_sha256).where(q.letter_sha256.is_not(None), sa.not_(sa.and_(*is_over(before))))
    return t.letter.c.erased_at.is_(None), t.letter.c.received_at < before, t.letter.c.sha256.not_in(needed)


class OldPictures:
    """Pictures of what was on air, of sessions that were reported."""

    name = "pictures"

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def count(self, connection: sa.Connection, before: datetime) -> Gone:
        """Return how many pictures are due, and how large they are."""
        return sum((Gone(1, one.size) for one in self._due(connection, before)), Gone())

    def due(self, connection: sa.Connection, before: datetime) -> Sequence[Key]:
        """Return the first of them by room and hash."""
        return [(one.room, one.sha256) for one in islice(self._due(connection, before), BATCH)]

    def erase(self, connection: sa.Connection, due: Sequence[Key], before: datetime, now: datetime) -> Gone:
        """Delete the files."""
        del connection
        sizes = [self._evidence.erase(room, sha256, before, now) for room, sha256 in due]
        return sum((Gone(1, size) for size in sizes if size is not None), Gone())

    def _due(self, connection: sa.Connection, before: datetime) -> Iterator[Old]:
        """Yield the old ones, but for those that may belong to a session whose report has not come."""
        owed = _unreported(connection, before)
        for one in self._evidence.old(before):
            if not any(begins <= one.came_at <= ends + COMES_WITHIN for begins, ends in owed[one.room]):
                yield one


def _unreported(connection: sa.Connection, before: datetime) -> dict[str, list[tuple[datetime, datetime]]]:
    """Return by room when the sessions were that are to be reported still."""
    s, found = t.session.c, defaultdict[str, list[tuple[datetime, datetime]]](list)
    owes = (t.request.c.state == State.APPROVED, s.prepare_at < before)
    joined = t.session.join(t.request, t.request.c.id == s.request_id)
    for room, begins, ends in connection.execute(
        sa.select(s.room_id, s.prepare_at, s.ends).select_from(joined).where(*owes)
    ):
        found[room].append((begins, ends))
    return found
