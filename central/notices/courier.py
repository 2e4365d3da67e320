"""Sends what waits in the outbox of messages, again and later where it was not taken.

Each channel has its own task, so a mail server that hangs keeps nobody else waiting. A
message is claimed before it is sent, by moving its next try ahead of us: a central that is
killed in between sends it once more, and two centrals do not send the same one at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from central import bell
from central.bell import Bell
from central.db import tables as t
from central.db.outage import outlast
from central.db.store import Store
from central.moves import utc_now
from central.notices.carriers import AppriseCarrier, Carrier, NotDelivered, WebhookCarrier
from central.notices.post import FAILED, SENT, WAITING, WEBHOOK
from central.notices.wording import Waiting, Wording
from central.settings import Notifications

log = logging.getLogger(__name__)

SWEEP_EVERY_S: Final = 5.0
"""How late a message that became due by the clock alone may be; ours wake the courier themselves."""
CLAIM: Final = timedelta(minutes=2)
FIRST_PAUSE: Final = timedelta(seconds=30)
PAUSE_AT_MOST: Final = timedelta(hours=2)
CLIP: Final = 20


def pause(attempts: int, ident: int) -> timedelta:
    """Return how long to wait after so many tries: doubled each time, up to a fifth longer, never more than 2 h.

    What is added depends on the message, so that all that failed together does not come back together.
    """
    spread = hashlib.sha256(str(ident).encode()).digest()[0] / 255
    wait: timedelta = FIRST_PAUSE * 2 ** min(attempts - 1, 10)
    return min(wait * (1 + 0.2 * spread), PAUSE_AT_MOST)


def carriers(wanted: Notifications, now: Callable[[], datetime]) -> dict[str, Carrier]:
    """Return a carrier for each channel and webhook of the file, by the name in the outbox."""
    people: dict[str, Carrier] = {name: AppriseCarrier(channel) for name, channel in wanted.channels.items()}
    return people | {WEBHOOK + name: WebhookCarrier(hook, now) for name, hook in wanted.webhooks.items()}


class Courier:
    """Takes messages from the outbox to their carriers as long as `run` runs."""

    def __init__(
        self,
        store: Store,
        wording: Wording,
        by_channel: Mapping[str, Carrier],
        *,
        attempts: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._wording = wording
        self._carriers = dict(by_channel)
        self._attempts = attempts
        self._now = now

    async def run(self, rings: Bell) -> None:
        """Send what is due until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for channel in self._carriers:
                tasks.create_task(self._keep_sending(channel, rings), name=f"messages by {channel}")

    async def _keep_sending(self, channel: str, rings: Bell) -> None:
        with rings.listening(bell.REQUESTS, bell.REPORTS, bell.MESSAGES) as listener:
            while True:
                while await outlast(f"courier: {channel}", self.deliver, channel):
                    pass
                await listener.next(within_s=SWEEP_EVERY_S)

    def deliver(self, channel: str) -> int:
        """Try what is due on `channel`, oldest first; return how many were tried."""
        due = self._claim(channel)
        for message in due:
            try:
                self._carriers[channel].send(self._wording.parcel(message))
            except NotDelivered as error:
                self._failed(message, str(error))
            else:
                self._sent(message)
        return len(due)

    def _claim(self, channel: str) -> list[Waiting]:
        m, now = t.message.c, self._now()
        waits = (m.state == WAITING, m.channel == channel, m.next_at <= now)
        with self._store.reading() as connection:  # most looks find nothing, and looking must not hold up writers
            if connection.scalar(sa.select(m.id).where(*waits).limit(1)) is None:
                return []
        with self._store.writing() as connection:
            idents = list(
                connection.scalars(
                    sa.select(m.id).where(*waits).order_by(m.id).limit(CLIP).with_for_update(skip_locked=True)
                )
            )
            mine = t.message.update().where(m.id.in_(idents), m.state == WAITING, m.next_at <= now)
            mine = mine.values(next_at=now + CLAIM, attempts=m.attempts + 1).returning(t.message)
            found = connection.execute(mine).mappings().all()
        return sorted((_waiting(row) for row in found), key=lambda one: one.id)

    def _sent(self, message: Waiting) -> None:
        self._write(message.id, {"state": SENT, "sent_at": self._now(), "error": ""})
        log.info("message sent", extra={"number": message.id, "channel": message.channel})

    def _failed(self, message: Waiting, said: str) -> None:
        with self._store.writing() as connection:
            tried = connection.scalar(sa.select(t.message.c.attempts).where(t.message.c.id == message.id)) or 1
            over = tried >= self._attempts
            change: dict[str, object] = {"error": said, "next_at": self._now() + pause(tried, message.id)}
            if over:
                change["state"] = FAILED
            connection.execute(t.message.update().where(t.message.c.id == message.id).values(change))
        text = "message given up" if over else "message not taken, tried again later"
        log.warning(text, extra={"number": message.id, "channel": message.channel, "tries": tried, "found": said})

    def _write(self, ident: int, change: Mapping[str, object]) -> None:
        with self._store.writing() as connection:
            connection.execute(t.message.update().where(t.message.c.id == ident).values(dict(change)))


def _waiting(row: sa.RowMapping) -> Waiting:
    names = ("id", "event", "request_id", "channel", "address", "language", "facts", "created_at")
    return Waiting(**{name: row[name] for name in names})
