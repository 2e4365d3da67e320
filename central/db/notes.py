"""What central keeps of itself from one run to the next: short texts by name, in the table `meta`."""

from __future__ import annotations

import sqlalchemy as sa

from central.db.tables import meta


def noted(connection: sa.Connection, name: str) -> str | None:
    """Return the text under this name; none when there never was one."""
    return connection.scalar(sa.select(meta.c.value).where(meta.c.key == name))


def note(connection: sa.Connection, name: str, text: str) -> None:
    """Keep a text under this name in place of the one before."""
    if not connection.execute(meta.update().where(meta.c.key == name).values(value=text)).rowcount:
        connection.execute(meta.insert(), {"key": name, "value": text})
