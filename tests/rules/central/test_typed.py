"""What an offer does to the form of the request that it answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from central.domain.alternatives import Change, Kind
from central.domain.resources import Need
from central.model import Offered
from central.typed import RequestForm, with_offer

ZONE = ZoneInfo("Asia/Pontianak")
FORM = RequestForm(
    title="Rapat", date="2026-11-09", start="09:00", end="11:00", room="site:Kantor", recording="on", streaming="on",
    needs={"laptop": "4", "kamera": "1"},
)  # fmt: skip
STARTS = datetime(2026, 11, 9, 17, 30, tzinfo=UTC)
OFFERED = Offered(Kind.TIME, "praja-2", "Praja II", STARTS, STARTS + timedelta(hours=2), (), (Need("laptop", 2),))


def test_time_room_and_kit_are_those_of_the_offer_and_nothing_else_changes() -> None:
    form = with_offer(FORM, OFFERED, ZONE)
    assert (form.date, form.start, form.end, form.room) == ("2026-11-10", "00:30", "02:30", "praja-2")
    assert form.needs == {"laptop": "2"}
    assert (form.title, form.recording, form.streaming, form.own_account) == ("Rapat", "on", "on", "")


def test_what_is_done_without_is_not_ticked() -> None:
    changes = (Change.NO_RECORDING, Change.NO_STREAMING, Change.OWN_ACCOUNT)
    less = Offered(Kind.KIT, "praja-1", "Praja I", STARTS, STARTS + timedelta(hours=2), changes, ())
    form = with_offer(FORM, less, ZONE)
    assert (form.recording, form.streaming, form.own_account) == ("", "", "on")
