"""The wall believes a room only as long as the room speaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from central.domain.clocks import Standards
from central.ingest import STATE_HOLDS, Ingest
from central.model import RoomCard
from central.services import Services
from central.wall import Board
from contract import EntryKind, Presence, Readiness, RoomPresence, RoomState
from contract.levels import LevelBlock
from contract.messages import Applied, Entry, EntryBatch
from tests.rules.report.samples import rich
from tests.service.central.office import NOW, office


class Rig:
    """An office, its wall and a clock that is set by hand."""

    def __init__(self, services: Services) -> None:
        self.now = NOW
        settings = services.settings
        standards: Standards = settings.policy.sop(lambda at: settings.policy.calendar(settings.zone, at.year))
        self.ingest = Ingest(services.store, lambda: self.now)
        self.board = Board(services.store, settings.zone, standards, now=lambda: self.now)

    def say(self, at: datetime, readiness: Readiness = Readiness.READY) -> None:
        """Take in a state that the room stamped with `at`."""
        state = RoomState(at=at, boot="b1", readiness=readiness, devices={}, applied=Applied(schedule_epoch="e"))
        self.ingest.take("praja-1", "state", state.encode())

    @property
    def card(self) -> RoomCard:
        """The room as the wall shows it."""
        return next(card for card in self.board.rooms() if card.room.id == "praja-1")


@pytest.fixture
def rig(tmp_path: Path, database: str | None) -> Iterator[Rig]:
    with office(tmp_path, database) as services:
        rig = Rig(services)
        presence = RoomPresence(
            state=Presence.ONLINE, boot="b1", conn=1, software="1", started_at=datetime(2026, 11, 2, tzinfo=UTC)
        )
        rig.ingest.take("praja-1", "presence", presence.encode())
        yield rig


def test_a_room_that_died_with_the_broker_is_offline_once_its_state_has_expired(rig: Rig) -> None:
    rig.say(NOW)
    rig.now = NOW + STATE_HOLDS
    assert rig.card.shown == "ready"
    rig.now += timedelta(seconds=1)
    assert (rig.card.shown, rig.card.presence, rig.card.last_seen) == ("offline", Presence.LOST, NOW)


def test_a_room_whose_clock_was_set_back_is_heard_again(rig: Rig) -> None:
    rig.say(NOW + timedelta(hours=1))
    rig.now = NOW + timedelta(seconds=60)
    rig.say(rig.now, Readiness.DEGRADED)
    assert rig.card.shown == "ready"  # an older message that came late changes nothing
    rig.now = NOW + STATE_HOLDS + timedelta(seconds=1)
    rig.say(rig.now, Readiness.DEGRADED)
    assert rig.card.shown == "degraded"


def test_a_report_is_drawn_with_every_second_that_the_journal_holds(rig: Rig) -> None:
    minutes = 180
    for minute in range(minutes):
        start = NOW + timedelta(minutes=minute)
        block = LevelBlock(start=start, rms=(-40.0,) * 60, peak=(-1.0 if minute == 77 else -30.0, *(-30.0,) * 59))
        entry = Entry(seq=minute + 1, id=f"e{minute}", kind=EntryKind.LEVELS, at=start, mono_ms=0, boot="b",
                      session="s-1", body=block.model_dump(mode="json"))  # fmt: skip
        batch = EntryBatch(room="praja-1", stream="a", entries=(entry,))
        rig.ingest.take("praja-1", "ev", batch.encode())
    thin = rich().model_copy(update={"session": "s-1", "room": "praja-1"})
    assert len(thin.levels) < 1000
    whole = rig.board.whole(thin)
    assert len(whole.levels) == minutes * 60
    assert max(point.peak_dbfs for point in whole.levels) == -1.0
    other = thin.model_copy(update={"room": "praja-2"})
    assert rig.board.whole(other) is other
