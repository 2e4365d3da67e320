"""Requests that are not sent in yet: kept as they were typed, for the person who typed them only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.errors import Invalid, NotFound, Wrong
from central.model import Person
from central.moves import utc_now
from contract import new_id

KEPT_AT_MOST: Final = 20
SIZE_AT_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """What was typed, field by field, and when; a letter is not kept."""

    id: str
    saved_at: datetime
    fields: Mapping[str, str]


class Drafts:
    """Each person's own drafts."""

    def __init__(self, store: Store, *, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._now = now

    def save(self, fields: Mapping[str, str], by: Person, ident: str | None = None) -> SavedDraft:
        """Keep `fields`, in place of the draft `ident` when there is such a one of this person.

        Raises:
            Invalid: too long, or too many drafts.
        """
        kept = {name: text for name, text in fields.items() if text}
        body = json.dumps(kept)
        if len(body) > SIZE_AT_MOST:
            raise Invalid(Wrong("draft", "text.too_long", f"at most {SIZE_AT_MOST} characters, got {len(body)}"))
        d, now = t.request_draft.c, self._now()
        with self._store.writing() as connection:
            locks.alone(connection, f"drafts {by.id}")
            mine = t.request_draft.update().where(d.id == ident, d.person_id == by.id)
            if ident is None or not connection.execute(mine.values(body=body, saved_at=now)).rowcount:
                if (connection.scalar(sa.select(sa.func.count()).where(d.person_id == by.id)) or 0) >= KEPT_AT_MOST:
                    raise Invalid(Wrong("draft", "drafts.too_many", f"at most {KEPT_AT_MOST} drafts"))
                ident = new_id()
                row = {"id": ident, "person_id": by.id, "body": body, "saved_at": now}
                connection.execute(t.request_draft.insert(), row)
        return SavedDraft(ident, now, kept)

    def all(self, by: Person) -> tuple[SavedDraft, ...]:
        """Return a person's drafts, newest first."""
        d = t.request_draft.c
        query = t.request_draft.select().where(d.person_id == by.id).order_by(d.saved_at.desc(), d.id.desc())
        with self._store.reading() as connection:
            return tuple(_draft(row) for row in connection.execute(query).mappings())

    def get(self, ident: str, by: Person) -> SavedDraft:
        """Return one of a person's drafts.

        Raises:
            NotFound: there is none.
        """
        found = next((one for one in self.all(by) if one.id == ident), None)
        if found is None:
            raise NotFound("draft", ident)
        return found

    def drop(self, ident: str, by: Person) -> None:
        """Forget a draft; one that is not there is forgotten already."""
        d = t.request_draft.c
        with self._store.writing() as connection:
            connection.execute(t.request_draft.delete().where(d.id == ident, d.person_id == by.id))


def _draft(row: sa.RowMapping) -> SavedDraft:
    return SavedDraft(row["id"], row["saved_at"], json.loads(row["body"]))
