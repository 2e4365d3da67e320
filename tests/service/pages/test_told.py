"""A preset's declared values on the page that asks before it is run: fields, limits, and what the room is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from central.ingest import Ingest
from contract import Message, Presence, Readiness, RoomPresence
from contract.messages import Command, OfferedParameter, OfferedPreset
from tests.service.pages.office import NOW, Office, application, heard, office_in, visitor

SOROT = OfferedPreset(
    name="sorot",
    label={"id": "Sorot", "en": "Spotlight"},
    parameters=(
        OfferedParameter(
            name="posisi", type="integer", default=2, lowest=1, highest=6, label={"id": "Posisi", "en": "Position"}
        ),
        OfferedParameter(name="layar", type="text", default="Jeda", choices=("Jeda", "Utama")),
        OfferedParameter(name="lambat", type="switch", default=False),
        OfferedParameter(name="zoom", type="number", default=1.5),
    ),
)
PAGE = "/ruang/praja-1/perintah"
TYPED = {"kind": "run_preset", "preset": "sorot", "id": "c-1", "nilai-layar": "Utama", "nilai-lambat": "ya"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        heard(office, "praja-1", Readiness.READY)
        presence = RoomPresence(
            state=Presence.ONLINE, boot="b1", conn=2, software="siaga", started_at=NOW, presets=(SOROT,)
        )
        Ingest(office.services.store, lambda: NOW).take("praja-1", "presence", presence.encode())
        yield office


@pytest.fixture
def sent(office: Office) -> list[Command]:
    found: list[Command] = []

    def send(_topic: str, message: Message, _good_for: timedelta) -> None:
        assert isinstance(message, Command)
        found.append(message)

    office.services.commands.send_with(send)
    return found


async def test_the_page_asks_for_what_the_preset_takes_with_what_counts_otherwise(office: Office) -> None:
    async with visitor(application(office), office, "teknisi") as technician:
        page = (await technician.get(f"{PAGE}?jenis=run_preset&preset=sorot")).text
    assert "Dari 1 sampai 6." in page
    assert re.search(r'<input type="number"[^>]* name="nilai-posisi"[^>]* value="2"', page)
    assert '<option value="Jeda" selected>' in page
    assert '<option value="tidak" selected>Tidak' in page


async def test_the_room_is_told_values_of_their_kind(office: Office, sent: list[Command]) -> None:
    async with visitor(application(office), office, "teknisi") as technician:
        answer = await technician.post(PAGE, data=TYPED | {"nilai-posisi": "4", "nilai-zoom": "2,5"})
    assert answer.status_code == 303
    assert [command.values for command in sent] == [{"posisi": 4, "layar": "Utama", "lambat": True, "zoom": 2.5}]


@pytest.mark.parametrize(
    "wrong",
    [{"nilai-posisi": "7"}, {"nilai-posisi": "dua"}, {"nilai-layar": "Lain"}, {"nilai-zoom": "nan"}],
    ids=["too high", "no number", "no choice", "not a number"],
)
async def test_a_value_that_does_not_fit_is_shown_again_and_nothing_is_sent(
    office: Office, sent: list[Command], wrong: dict[str, str]
) -> None:
    async with visitor(application(office), office, "teknisi") as technician:
        answer = await technician.post(PAGE, data=TYPED | wrong)
    assert answer.status_code == 422
    assert "Nilai ini tidak sesuai." in answer.text
    assert sent == []
