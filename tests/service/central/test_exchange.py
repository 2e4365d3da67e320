"""Publisher and ingest on a real database and a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.broker import ManagedBroker
from central.configs import Configs
from central.db import tables as t
from central.db.store import Store
from central.db.wake import keep_listening
from central.exchange import Exchange
from central.ingest import Ingest, Said
from central.publisher import Publisher
from central.reconciler import HEAL_EVERY_S, Reconciler
from contract import (
    Ack,
    CentralState,
    Entry,
    EntryBatch,
    ExecutionReport,
    MessageError,
    Presence,
    RoomConfig,
    RoomPresence,
    RoomTopics,
    Schedule,
)
from contract.link import Broker
from tests.postgres import Cluster
from tests.service.central.test_broker import linked
from tests.until import until

NOW = datetime.now(UTC)
PRAJA = RoomTopics("praja-1")
GOLDEN = Path(__file__).parents[2] / "rules" / "contract" / "golden" / "ExecutionReport.v1.json"


@pytest.fixture
def store(tmp_path: Path, database: str | None) -> Iterator[Store]:
    store = Store(database or f"sqlite:///{tmp_path}/central.db")
    store.open()
    with store.writing() as connection:
        connection.execute(t.agency.insert(), {"id": "bappeda"})
        connection.execute(t.person.insert(), {"id": "p1", "login": "dina", "active": True})
        connection.execute(t.operator.insert(), {"id": "rina", "name": "Rina", "active": True})
        for room_id in ("praja-1", "praja-2"):
            facts = {"capacity": 20, "can_record": True, "open": True, "time_zone": "Asia/Pontianak"}
            connection.execute(t.room.insert(), {"id": room_id, "name": room_id} | facts)
    yield store
    store.close()


def book(store: Store, ident: str = "s1", room_id: str = "praja-1", *, starts: datetime = NOW) -> None:
    """A confirmed session and its outbox row, as a decision writes them."""
    ends = starts + timedelta(hours=1)
    request = {
        "id": f"r-{ident}", "receipt": f"2026-{ident}", "agency_id": "bappeda", "room_id": room_id, "starts": starts,
        "ends": ends, "participants": 5, "recording": False, "own_account": False, "state": "approved", "version": 3,
        "submitted_at": NOW, "applicant_id": "p1",
    }  # fmt: skip
    session = {
        "id": ident, "request_id": f"r-{ident}", "room_id": room_id, "operator_id": "rina", "rev": 1,
        "status": "confirmed", "title": "Rakor", "agency": "Bappeda", "leader": "none", "starts": starts, "ends": ends,
        "prepare_at": starts - timedelta(minutes=30), "setup_s": 1800.0, "teardown_s": 900.0, "recording": False,
    }  # fmt: skip
    with store.writing() as connection:
        connection.execute(t.request.insert(), request)
        connection.execute(t.session.insert(), session)
        connection.execute(t.outbox.insert(), {"room_id": room_id, "cause": "booking", "created_at": NOW})


def due(store: Store) -> int:
    with store.reading() as connection:
        question = sa.select(sa.func.count()).select_from(t.outbox).where(t.outbox.c.sent_at.is_(None))
        return int(connection.scalar(question) or 0)


def batch(
    *numbers: int, room: str = "praja-1", kind: str = "note.added", body: dict[str, object] | None = None
) -> bytes:
    entries = tuple(
        Entry(seq=n, id=f"e{n}", kind=kind, at=NOW, mono_ms=n, boot="b", body=json.loads(json.dumps(body or {})))
        for n in numbers
    )
    return EntryBatch(room=room, stream="stream-1", entries=entries).encode()


def held(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(connection.scalars(sa.select(t.journal_entry.c.seq).order_by(t.journal_entry.c.seq)))


def test_entries_are_acknowledged_as_far_as_they_have_no_gap(store: Store) -> None:
    ingest = Ingest(store)
    upto = [
        ack.upto
        for numbers in ((1, 2), (4, 5), (3,), (2, 3, 4, 5), (6,))
        if (ack := ingest.take("praja-1", "ev", batch(*numbers)))
    ]
    assert upto == [2, 2, 5, 5, 6]
    assert held(store) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("room", "branch", "payload"),
    [
        ("nowhere", "ev", batch(1, room="nowhere")),
        ("praja-1", "ev", batch(1, room="praja-2")),
        ("praja-1", "ev", b"\x00\xff"),
        ("praja-1", "ev", b"{}"),
        ("praja-1", "state", b"[]"),
        ("praja-1", "alert/x", b"nonsense"),
        ("praja-1", "gossip", b"{}"),
    ],
)
def test_what_is_no_message_of_the_room_changes_nothing(store: Store, room: str, branch: str, payload: bytes) -> None:
    with pytest.raises(MessageError):
        Ingest(store).take(room, branch, payload)
    assert held(store) == []


def report_body(session: str) -> dict[str, object]:
    return ExecutionReport.decode(GOLDEN.read_bytes()).model_copy(update={"session": session}).model_dump(mode="json")


def test_a_report_closes_its_request_once(store: Store) -> None:
    book(store)
    ingest = Ingest(store)
    for _ in range(2):
        ack = ingest.take("praja-1", "ev", batch(1, kind="report.final", body=report_body("s1")))
        assert ack is not None
        assert ack.upto == 1
    with store.reading() as connection:
        assert connection.scalar(sa.select(t.request.c.state)) == "reported"
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.request_move)) == 1
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.report)) == 1


def test_a_report_that_cannot_be_read_is_kept_and_does_not_hold_up_the_rest(store: Store) -> None:
    ack = Ingest(store).take("praja-1", "ev", batch(1, 2, kind="report.final", body={"nonsense": True}))
    assert ack is not None
    assert ack.upto == 2


def presence(state: Presence, boot: str, conn: int) -> bytes:
    return RoomPresence(state=state, boot=boot, conn=conn, software="t", started_at=NOW).encode()


def test_a_late_will_of_an_older_life_changes_nothing(store: Store) -> None:
    ingest = Ingest(store)
    for state, boot, conn in (
        (Presence.ONLINE, "one", 1),
        (Presence.ONLINE, "two", 1),
        (Presence.LOST, "one", 1),
        (Presence.ONLINE, "two", 2),
        (Presence.LOST, "two", 1),
    ):
        ingest.take("praja-1", "presence", presence(state, boot, conn))
    with store.reading() as connection:
        kept = RoomPresence.decode(str(connection.scalar(sa.select(t.room_presence.c.body))).encode())
    assert (kept.state, kept.boot, kept.conn) == (Presence.ONLINE, "two", 2)


def test_a_revision_grows_exactly_when_the_room_must_know(store: Store) -> None:
    publisher = Publisher(store)
    revisions = [publisher.snapshot("praja-1").schedule.rev for _ in range(2)]
    book(store)
    revisions += [publisher.snapshot("praja-1").schedule.rev for _ in range(2)]
    with store.writing() as connection:
        connection.execute(t.session.update().values(status="cancelled", rev=2))
    revisions.append(publisher.snapshot("praja-1").schedule.rev)
    assert revisions == [1, 1, 2, 2, 3]
    assert publisher.snapshot("praja-2").schedule.cleared


def test_a_session_far_ahead_comes_into_the_window_by_the_clock(store: Store) -> None:
    clock = [NOW]
    publisher = Publisher(store, lambda: clock[0])
    book(store, starts=NOW + timedelta(days=10))
    assert publisher.snapshot("praja-1").schedule.count == 0
    clock[0] += timedelta(days=8)
    assert publisher.snapshot("praja-1").schedule.count == 1


@dataclass
class Central:
    broker: ManagedBroker
    exchange: Exchange
    publisher: Publisher
    configs: Configs

    @property
    def reconciler(self) -> Reconciler:
        """That of the schedules."""
        return self.exchange.reconcilers[0]


@contextlib.asynccontextmanager
async def central(store: Store, folder: Path) -> AsyncIterator[Central]:
    broker, publisher = ManagedBroker(folder / "broker"), Publisher(store)
    configs = Configs(store)
    exchange = Exchange(broker.for_central, Ingest(store), publisher, store.epoch, configs=configs)
    tasks = [asyncio.create_task(broker.run())]
    try:
        await until(broker.ready.is_set, within_s=15)
        link = exchange.link
        parts = (link.run(), publisher.run(link), configs.run(link), *(one.run(link) for one in exchange.reconcilers))
        tasks += [asyncio.create_task(part) for part in parts]
        yield Central(broker, exchange, publisher, configs)
    finally:
        for task in reversed(tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def room_door(side: Central) -> Broker:
    key = side.broker.doors.enrol("praja-1")
    return Broker.parse(side.broker.url, username=key.username, password=key.password)


async def test_a_booking_reaches_the_room_and_its_row_is_done(store: Store, tmp_path: Path) -> None:
    async with central(store, tmp_path) as side, linked(room_door(side), "room", PRAJA.schedule) as room:
        await until(lambda: bool(room.got))
        book(store)
        side.publisher.wake()
        await until(lambda: Schedule.decode(room.got[-1].payload).count == 1)
        await until(lambda: due(store) == 0)
    assert [one.id for one in Schedule.decode(room.got[-1].payload).sessions] == ["s1"]


async def test_a_broker_that_lost_everything_is_whole_again(store: Store, tmp_path: Path) -> None:
    book(store)
    async with central(store, tmp_path) as side:
        await until(lambda: due(store) == 0)
        assert side.broker.pid is not None
        os.kill(side.broker.pid, signal.SIGKILL)
        async with linked(room_door(side), "room", PRAJA.down, "siaga/1/central/state") as room:
            await until(lambda: {d.topic for d in room.got} >= {PRAJA.schedule, "siaga/1/central/state"}, within_s=15)
    schedule = next(Schedule.decode(d.payload) for d in room.got if d.topic == PRAJA.schedule)
    state = next(CentralState.decode(d.payload) for d in room.got if d.topic.endswith("central/state"))
    assert (schedule.count, schedule.rev, state.state) == (1, 1, Presence.ONLINE)


async def test_a_booking_while_the_broker_is_away_is_not_lost(store: Store, tmp_path: Path) -> None:
    async with central(store, tmp_path) as side:
        await until(lambda: side.exchange.link.is_up)
        assert side.broker.pid is not None
        os.kill(side.broker.pid, signal.SIGKILL)
        book(store)
        side.publisher.wake()
        await until(lambda: due(store) == 0, within_s=15)


async def test_entries_are_acknowledged_over_the_wire_and_nonsense_stops_nothing(store: Store, tmp_path: Path) -> None:
    async with central(store, tmp_path) as side, linked(room_door(side), "room", PRAJA.ack) as room:
        await until(lambda: side.exchange.link.is_up)
        heard: list[tuple[str, str]] = []
        side.exchange.listen(lambda branch, room_id: heard.append((branch, room_id)))
        for payload in (b"nonsense", batch(1, 2), batch(1, 2), batch(3)):
            await room.link.publish(PRAJA.events, payload)
        await until(lambda: bool(room.got) and Ack.decode(room.got[-1].payload).upto == 3)
    said = [Ack.decode(d.payload).upto for d in room.got]  # what came together is answered once
    assert said == sorted(said)
    assert 1 <= len(said) <= 3
    assert side.exchange.refused == 1
    assert heard[-1] == ("ev", "praja-1")


async def retained(side: Central) -> dict[str, bytes]:
    """What the broker hands to somebody who comes new, by topic."""
    async with linked(side.broker.for_central, "a newcomer", "siaga/1/room/+/down/schedule") as newcomer:
        await newcomer.link.publish("siaga/1/room/echo/down/schedule", b"")  # comes after all that is retained
        await until(lambda: any(d.topic.split("/")[3] == "echo" for d in newcomer.got))
    return {d.topic: d.payload for d in newcomer.got if d.payload}


async def is_whole(side: Central, store: Store) -> bool:
    """Whether the broker retains exactly what the database says, for exactly the rooms that there are."""
    topics = {room: RoomTopics(room).schedule for room in side.publisher.rooms()}
    found = await retained(side)
    held = {room: found.get(topic, b"") for room, topic in topics.items()}
    return set(found) == set(topics.values()) and not side.publisher.differs(held)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (PRAJA.schedule, b""),
        (PRAJA.schedule, b"nonsense"),
        (
            PRAJA.schedule,
            Schedule(epoch="another", rev=900, window=(NOW, NOW), count=0, cleared=True, sessions=()).encode(),
        ),
        (RoomTopics("nowhere").schedule, b"{}"),
    ],
    ids=["deleted", "nonsense", "another central's", "of a room that is not there"],
)
async def test_a_foreign_word_among_the_schedules_is_put_right(
    store: Store, tmp_path: Path, topic: str, payload: bytes
) -> None:
    book(store)
    async with central(store, tmp_path) as side:
        await until(lambda: due(store) == 0)
        async with linked(side.broker.for_central, "somebody else") as other:
            await other.link.publish(topic, payload, retain=True)
        await until(lambda: side.reconciler.healed == 1, within_s=10)
        await until(lambda: is_whole(side, store), within_s=10)
        await asyncio.sleep(2 * HEAL_EVERY_S)
        assert side.reconciler.healed == 1  # what was put right stays quiet


async def test_what_the_broker_lost_unseen_is_found_in_the_next_round(store: Store, tmp_path: Path) -> None:
    async with central(store, tmp_path) as side:
        await until(lambda: is_whole(side, store), within_s=10)
        side.reconciler.saw = lambda room_id, payload: None  # type: ignore[method-assign]
        async with linked(side.broker.for_central, "somebody else") as other:
            await other.link.publish(PRAJA.schedule, b"", retain=True)
        del side.reconciler.saw
        assert not await is_whole(side, store)
        await side.reconciler.round(side.exchange.link, answer_within_s=1)
        await until(lambda: is_whole(side, store), within_s=10)


async def config(side: Central, room: str = "praja-1") -> RoomConfig | None:
    """What the broker hands to somebody new who asks for a room's settings."""
    async with linked(side.broker.for_central, "a newcomer", "siaga/1/room/+/down/config") as newcomer:
        await newcomer.link.publish("siaga/1/room/echo/down/config", b"")  # comes after all that is retained
        await until(lambda: any(d.topic.split("/")[3] == "echo" for d in newcomer.got))
    held = {d.topic: d.payload for d in newcomer.got if d.payload}
    found = held.get(RoomTopics(room).config)
    return RoomConfig.decode(found) if found and found.startswith(b"{") and b"settings" in found else None


async def has_config(side: Central, rev: int, **settings: object) -> bool:
    found = await config(side)
    return found is not None and found.rev == rev and settings.items() <= found.settings.items()


def test_settings_get_a_new_revision_exactly_when_the_register_changed(store: Store) -> None:
    first, again = Configs(store).current(), Configs(store).current()
    assert {room: one.rev for room, one in first.items()} == {"praja-1": 1, "praja-2": 1}
    assert [one.sha256 for one in first.values()] == [one.sha256 for one in again.values()]
    with store.writing() as connection:
        connection.execute(t.room.update().where(t.room.c.id == "praja-1").values(capacity=21))
    third = Configs(store).current()
    assert {room: one.rev for room, one in third.items()} == {"praja-1": 2, "praja-2": 1}
    assert third["praja-1"].settings["capacity"] == 21
    text = json.dumps(third["praja-1"].settings, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert third["praja-1"].sha256 == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("payload", [b"", b"nonsense", b"{}"], ids=["deleted", "nonsense", "empty"])
async def test_a_rooms_settings_are_retained_and_a_foreign_word_among_them_is_put_right(
    store: Store, tmp_path: Path, payload: bytes
) -> None:
    async with central(store, tmp_path) as side:
        await until(lambda: has_config(side, 1, name="praja-1"), within_s=15)
        with store.writing() as connection:
            connection.execute(t.room.update().where(t.room.c.id == "praja-1").values(name="Praja Satu"))
        side.configs.publish_all()
        await until(lambda: has_config(side, 2, name="Praja Satu"), within_s=15)
        async with linked(side.broker.for_central, "somebody else") as other:
            await other.link.publish(PRAJA.config, payload, retain=True)
            await other.link.publish(RoomTopics("nowhere").config, b"{}", retain=True)
        await until(lambda: side.exchange.reconcilers[1].healed >= 2, within_s=15)
        await until(lambda: has_config(side, 2, name="Praja Satu"), within_s=15)
        assert await config(side, "nowhere") is None


ELSEWHERE = """
import sys
from datetime import UTC, datetime
from central.db import tables as t
from central.db.store import Store

store = Store(sys.argv[1])
with store.writing() as connection:
    connection.execute(t.room.insert(), {"id": "r", "capacity": 1, "can_record": True, "open": True})
    connection.execute(t.outbox.insert(), {"room_id": "r", "cause": "x", "created_at": datetime.now(UTC)})
store.close()
"""


async def test_a_booking_by_another_process_is_heard_of_at_once(cluster: Cluster) -> None:
    heard: list[str] = []
    with cluster.database() as url:
        store = Store(url)
        store.open()
        listening = asyncio.create_task(keep_listening(store, heard.append))
        await until(lambda: heard == ["schedule"])  # whatever came before it listened
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", ELSEWHERE, url)
        assert await other.wait() == 0
        await until(lambda: heard == ["schedule", "schedule"])
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        store.close()


def test_a_number_that_the_database_cannot_hold_is_refused_alone(store: Store) -> None:
    large = presence(Presence.ONLINE, "one", 2**70)
    said = [Said("praja-1", "ev", batch(1)), Said("praja-1", "presence", large), Said("praja-1", "ev", batch(2))]
    first, second, third = Ingest(store).take_all(said)
    assert isinstance(first, Ack)
    assert isinstance(second, MessageError)
    assert isinstance(third, Ack)
    assert third.upto == 2
