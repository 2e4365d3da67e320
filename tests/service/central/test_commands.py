"""Orders to rooms on a real database: written down, audited, sent once, answered; never kept for who is away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.commands import Order
from central.db import tables as t
from central.domain.words import Role
from central.errors import CentralError, Invalid, NotFound, Refused
from central.ingest import Ingest
from central.services import Services
from contract import Broadcast, Message, Presence, Reply, RoomPresence
from contract.link import NotConnected
from contract.messages import Command, Fault, OfferedPreset
from tests.service.central.office import NOW, PEOPLE, office

TECHNICIAN = PEOPLE[Role.TECHNICIAN]
SIAP = OfferedPreset(name="siap", label={"id": "Siap", "en": "Ready"})


class Wire:
    """Where orders go to, instead of a broker."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Message]] = []
        self.is_up = True

    def send(self, topic: str, message: Message, good_for: timedelta) -> None:
        assert good_for == timedelta(seconds=30)
        if not self.is_up:
            raise NotConnected("no link")
        self.sent.append((topic, message))

    @property
    def last(self) -> Command:
        message = self.sent[-1][1]
        assert isinstance(message, Command)
        return message


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Services]:
    with office(tmp_path) as services:
        yield services


@pytest.fixture
def wire(here: Services) -> Wire:
    wire = Wire()
    here.commands.send_with(wire.send)
    return wire


def hear(here: Services, room: str, branch: str, message: Message) -> None:
    Ingest(here.store, here.desk.now).take(room, branch, message.encode())


def comes(here: Services, room: str, state: Presence = Presence.ONLINE, *, conn: int = 1) -> None:
    presence = RoomPresence(
        state=state, boot="b", conn=conn, software="siaga 0", started_at=NOW, capabilities=(), presets=(SIAP,)
    )
    hear(here, room, "presence", presence)


def answers(here: Services, command: str, status: str, **more: object) -> None:
    reply = Reply.model_validate({"command": command, "status": status, "received_at": NOW, **more})
    hear(here, "praja-1", "reply", reply)


def audited(here: Services) -> list[tuple[str, str, str]]:
    with here.store.reading() as connection:
        rows = connection.execute(sa.select(t.audit.c.actor, t.audit.c.action, t.audit.c.subject))
        return [tuple(row) for row in rows if row.action.startswith("room.")]


def test_an_order_goes_out_with_its_guard_and_is_audited(here: Services, wire: Wire) -> None:
    comes(here, "praja-1")
    given = here.commands.give("praja-1", Order("run_preset", "siap", {"memory": 3}, schedule_rev=7), TECHNICIAN)
    assert (given.status, given.kind, given.preset, given.by) == ("sent", "run_preset", "siap", TECHNICIAN.name)
    assert wire.sent[-1][0] == "siaga/1/room/praja-1/down/cmd"
    assert (wire.last.id, wire.last.preset, wire.last.values) == (given.id, "siap", {"memory": 3})
    assert wire.last.guard.schedule_rev == 7
    assert wire.last.expires_at == NOW + timedelta(seconds=30)
    assert audited(here) == [(TECHNICIAN.login, "room.command", "praja-1")]


@pytest.mark.parametrize("state", [None, Presence.LOST, Presence.OFFLINE])
def test_a_room_that_is_away_is_sent_nothing_and_that_is_said_at_once(
    here: Services, wire: Wire, state: Presence | None
) -> None:
    if state is not None:
        comes(here, "praja-1", state)
    assert here.commands.give("praja-1", Order("recheck"), TECHNICIAN).status == "offline"
    comes(here, "praja-1", conn=2)
    here.commands.ask_again("praja-1")
    assert wire.sent == []


def test_the_same_id_is_one_order(here: Services, wire: Wire) -> None:
    comes(here, "praja-1")
    first = here.commands.give("praja-1", Order("recheck", id="form-1"), TECHNICIAN)
    assert here.commands.give("praja-1", Order("recheck", id="form-1"), TECHNICIAN) == first
    assert len(wire.sent) == 1
    assert len(audited(here)) == 1


def test_progress_and_outcome_are_written_beside_it(here: Services, wire: Wire) -> None:
    comes(here, "praja-1")
    ident = here.commands.give("praja-1", Order("prepare"), TECHNICIAN).id
    answers(here, ident, "progress", result={"step": 2, "steps": 5})
    found = here.commands.get("praja-1", ident)
    assert (found.status, found.step, found.steps) == ("progress", 2, 5)
    answers(here, ident, "accepted")  # overtaken on the way
    assert here.commands.get("praja-1", ident).status == "progress"
    why = {"code": "camera.no_answer", "detail": "no"}
    answers(here, ident, "failed", result={"step": 5, "steps": 5, "reason": why}, done_at=NOW)
    answers(here, ident, "progress", result={"step": 3, "steps": 5})  # late
    found = here.commands.get("praja-1", ident)
    assert (found.status, found.reason) == ("failed", Fault(code="camera.no_answer", detail="no"))
    assert wire.is_up


def test_what_was_not_answered_to_the_end_is_asked_for_again(here: Services, wire: Wire) -> None:
    comes(here, "praja-1")
    given = [here.commands.give("praja-1", Order("recheck"), TECHNICIAN).id for _ in range(3)]
    answers(here, given[0], "ok", done_at=NOW)
    answers(here, given[1], "accepted")
    here.commands.ask_again("praja-1")
    assert [message.id for _, message in wire.sent[3:]] == given[1:]


def test_an_order_that_the_broker_did_not_take_says_so_and_may_still_arrive(here: Services, wire: Wire) -> None:
    comes(here, "praja-1")
    wire.is_up = False
    given = here.commands.give("praja-1", Order("recheck"), TECHNICIAN)
    assert given.status == "unsent"
    wire.is_up = True
    here.commands.ask_again("praja-1")
    answers(here, given.id, "expired", error={"code": "command.expired", "detail": "late"}, done_at=NOW)
    assert here.commands.get("praja-1", given.id).status == "expired"


def test_silence_has_an_end(tmp_path: Path) -> None:
    with office(tmp_path) as here:
        here.commands.send_with(Wire().send)
        comes(here, "praja-1")
        given = here.commands.give("praja-1", Order("recheck"), TECHNICIAN)
        later = replace(here, commands=type(here.commands)(here.store, here.bell, lambda: NOW + timedelta(minutes=1)))
        assert later.commands.get("praja-1", given.id).status == "silent"


@pytest.mark.parametrize(
    ("room", "order", "error"),
    [
        ("nowhere", Order("recheck"), NotFound),
        ("praja-1", Order("run_preset"), Invalid),
        ("praja-1", Order("recheck", "siap"), Invalid),
        ("praja-1", Order("prepare", run="r-1"), Invalid),
        ("praja-1", Order("run_preset", "tak-ada"), Refused),
    ],
)
def test_orders_that_make_no_sense_are_refused(
    here: Services, wire: Wire, room: str, order: Order, error: type[CentralError]
) -> None:
    comes(here, "praja-1")
    with pytest.raises(error):
        here.commands.give(room, order, TECHNICIAN)
    assert wire.sent == []
    assert audited(here) == []


def test_the_stop_of_all_rooms_goes_out_once_and_is_answered_by_room(here: Services, wire: Wire) -> None:
    comes(here, "praja-1")
    stopped = here.commands.stop_all("asap di ruang server", TECHNICIAN, ident="stop-1")
    assert {one.room_id: one.status for one in stopped} == {"praja-1": "sent", "praja-2": "offline"}
    (sent,) = wire.sent
    assert sent[0] == "siaga/1/central/bcast"
    assert isinstance(sent[1], Broadcast)
    assert (sent[1].id, sent[1].kind) == ("stop-1", "emergency_stop")
    assert "asap di ruang server" in sent[1].reason
    answers(here, "stop-1", "ok", done_at=NOW)
    assert {one.room_id: one.status for one in here.commands.of_stop("stop-1")} == {
        "praja-1": "ok",
        "praja-2": "offline",
    }
    assert audited(here) == [(TECHNICIAN.login, "room.stop_all", "stop-1")]
    with pytest.raises(Invalid):
        here.commands.stop_all("  ", TECHNICIAN)


def test_a_state_that_is_only_delivered_again_says_nothing_of_now(tmp_path: Path) -> None:
    clock = [datetime(2026, 11, 2, 2, tzinfo=UTC)]
    with office(tmp_path) as here:
        ingest = Ingest(here.store, lambda: clock[0])
        presence = RoomPresence(state=Presence.ONLINE, boot="b", conn=1, software="siaga 0", started_at=NOW)
        ingest.take("praja-1", "presence", presence.encode())
        clock[0] += timedelta(minutes=5)
        ingest.take("praja-1", "presence", presence.encode())  # central's link was lost: retained, once more
        card = here.board.room("praja-1").card
        assert card.last_seen == clock[0] - timedelta(minutes=5)
