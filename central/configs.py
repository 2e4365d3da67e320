"""Puts what central manages of each room on the broker, and keeps it there.

It is what the office's register says of the room. The revision grows by one exactly when
that has changed; both are in the database, so that any central says the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from typing import Final

import sqlalchemy as sa
from pydantic import JsonValue

from central.db import locks
from central.db import tables as t
from central.db.outage import outlast
from central.db.store import Store, epoch_in
from central.db.writes import insert_new
from contract import ROOMS_CONFIG, MessageError, RoomConfig, RoomTopics
from contract.link import Link, NotConnected

log = logging.getLogger(__name__)

SWEEP_EVERY_S: Final = 10.0
"""How late a change of the register may be seen: nothing in a room waits for it."""
_KEPT: Final = "config "
"""Before a room's id: the newest revision and its hash, in the table `meta`."""
_MANAGED: Final = ("name", "site", "capacity", "can_record", "open", "time_zone")

Settings = dict[str, JsonValue]


class Configs:
    """Publishes the rooms' settings through `link` as long as `run` runs."""

    filter = ROOMS_CONFIG
    word = "settings"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted = asyncio.Event()
        self._said: dict[str, int] = {}
        """Which revision this process has had the broker take; only so as not to say it again every time."""

    @staticmethod
    def topic(room_id: str) -> str:
        """Return where the broker retains a room's settings."""
        return RoomTopics(room_id).config

    def publish_all(self) -> None:
        """Say that the broker may have lost everything."""
        self._said.clear()
        self._wanted.set()

    def publish_again(self, rooms: Iterable[str]) -> None:
        """Say that the broker holds something else for these rooms than it was given."""
        for room_id in rooms:
            self._said.pop(room_id, None)
        self._wanted.set()

    async def run(self, link: Link) -> None:
        """Publish what is new until cancelled."""
        while True:
            self._wanted.clear()
            if link.is_up:
                try:
                    await self._publish(link)
                except NotConnected as error:
                    self._said.clear()
                    log.info("settings wait for the link: %s", error)
            try:
                async with asyncio.timeout(SWEEP_EVERY_S):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def _publish(self, link: Link) -> None:
        for room_id, config in (await outlast("settings", self.current)).items():
            if self._said.get(room_id) != config.rev:
                await link.publish(self.topic(room_id), config.encode(), retain=True)
                self._said[room_id] = config.rev

    def rooms(self) -> list[str]:
        """Return the rooms that have settings."""
        return list(self.current())

    def differs(self, held: Mapping[str, bytes]) -> set[str]:
        """Return the rooms for which the broker holds other settings than the newest."""
        current = self.current()
        return {room_id for room_id, payload in held.items() if not _is(payload, current.get(room_id))}

    def current(self) -> dict[str, RoomConfig]:
        """Return every room's settings as they are now; those that are new get their revision."""
        with self._store.reading() as connection:
            known, epoch = _known(connection), epoch_in(connection)
        if any(rev == 0 for rev, _ in known.values()):
            with self._store.writing() as connection:
                locks.alone(connection, "rooms' settings")
                known = {room_id: _revised(connection, room_id, settings) for room_id, settings in _rooms(connection)}
        return {
            room_id: RoomConfig(epoch=epoch, rev=rev, sha256=_hash(settings), settings=settings)
            for room_id, (rev, settings) in known.items()
        }


def _is(payload: bytes, wanted: RoomConfig | None) -> bool:
    """Tell whether a message says what is wanted; who sent it when is no matter."""
    try:
        held = RoomConfig.decode(payload)
    except MessageError:
        return False
    return wanted is not None and held.model_copy(update={"id": wanted.id, "at": wanted.at}) == wanted


def _rooms(connection: sa.Connection) -> list[tuple[str, Settings]]:
    """Return every room with what the register says of it."""
    found = connection.execute(t.room.select().order_by(t.room.c.id)).mappings()
    return [(str(row["id"]), {name: row[name] for name in _MANAGED}) for row in found]


def _hash(settings: Settings) -> str:
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _known(connection: sa.Connection) -> dict[str, tuple[int, Settings]]:
    """Return every room's settings with their revision, nought for those that have none yet."""
    query = sa.select(t.meta.c.key, t.meta.c.value).where(t.meta.c.key.startswith(_KEPT, autoescape=True))
    kept = {row.key.removeprefix(_KEPT): json.loads(row.value) for row in connection.execute(query)}
    return {room_id: (_rev(kept.get(room_id), _hash(settings)), settings) for room_id, settings in _rooms(connection)}


def _rev(kept: Mapping[str, object] | None, digest: str) -> int:
    return int(str(kept["rev"])) if kept is not None and kept["sha256"] == digest else 0


def _revised(connection: sa.Connection, room_id: str, settings: Settings) -> tuple[int, Settings]:
    """Return a room's settings with their revision, the next one when they changed."""
    same, digest = t.meta.c.key == _KEPT + room_id, _hash(settings)
    insert_new(connection, t.meta, [{"key": _KEPT + room_id, "value": json.dumps({"rev": 0, "sha256": ""})}])
    kept = json.loads(connection.scalar(sa.select(t.meta.c.value).where(same)) or "{}")
    if kept["sha256"] != digest:
        kept = {"rev": kept["rev"] + 1, "sha256": digest}
        connection.execute(t.meta.update().where(same).values(value=json.dumps(kept)))
    return kept["rev"], settings
