"""Requests for the demo to begin with: some booked, some waiting, sent in by the people themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast
from zoneinfo import ZoneInfo

from siaga.demo.letter import letter_pdf
from siaga.demo.office import Json, Office, Person

ZONE: Final = ZoneInfo("Asia/Pontianak")
SATURDAY: Final = 5
REASON: Final = "Arahan pimpinan"
"""The demo's sessions are today, so most of them come later than the SOP allows."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an agency asks for, and how far the office has come with it."""

    title: str
    number: str
    room: int
    starts: timedelta
    """From the next round five minutes; from one day on, of the working day that many days ahead."""
    lasts: timedelta
    leader: str = "none"
    disposed: bool = True
    approved: bool = True


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


WISHES: Final = (
    Wish("Rakor Pengendalian Inflasi Daerah", "500/101/Dinsos", 0, _minutes(0), _minutes(75), leader="governor"),
    Wish("Evaluasi SPBE", "555/102/Dinsos", 1, _minutes(50), _minutes(60)),
    Wish("Sosialisasi PPID", "480/103/Dinsos", 2, _minutes(150), _minutes(90)),
    Wish("Forum Satu Data", "050/104/Dinsos", 1, timedelta(days=6, hours=9), _minutes(120), approved=False),
    Wish("Bimtek SP4N-LAPOR", "005/881/Dinsos", 0, timedelta(days=7, hours=13), _minutes(120), approved=False),
    Wish(
        "Arahan Wakil Gubernur", "005/105/Dinsos", 2, timedelta(days=4, hours=19), _minutes(60), "vice_governor",
        disposed=False, approved=False,
    ),
)  # fmt: skip


async def fill(office: Office, rooms: Sequence[str]) -> None:
    """Send in the wishes for `rooms` and carry each as far as it says."""
    applicant, head = await office.person("pemohon"), await office.person("kadis")
    officer = await office.person("bidang")
    me = cast("Json", (await applicant.get("/api/v1/me"))["agency"])
    now = datetime.now(ZONE)
    for wish in WISHES:
        if wish.room < len(rooms):
            made = await _submit(applicant, str(me["id"]), wish, rooms[wish.room], _moment(now, wish.starts))
            await _carry(head, officer, wish, made)


def _moment(now: datetime, ahead: timedelta) -> datetime:
    """Return a moment at which a person would let a meeting begin."""
    if ahead < timedelta(days=1):
        soon = now + _minutes(5)
        return soon.replace(minute=soon.minute - soon.minute % 5, second=0, microsecond=0) + ahead
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=ahead.days)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day + timedelta(seconds=ahead.seconds)


async def _submit(applicant: Person, agency: str, wish: Wish, room: str, starts: datetime) -> Json:
    fields = {
        "agency_id": agency,
        "letter_number": wish.number,
        "letter_date": datetime.now(UTC).date().isoformat(),
        "letter_subject": "Permohonan fasilitasi video conference",
        "contact_name": "Budi Santoso",
        "contact_phone": "0812-0000-0000",
        "title": wish.title,
        "starts": starts.isoformat(),
        "ends": (starts + wish.lasts).isoformat(),
        "room_id": room,
        "participants": "20",
        "platform": "zoom",
        "leader": wish.leader,
        "own_equipment": "Laptop",
        "own_people": "Budi Santoso",
    }
    letter = ("surat-permohonan.pdf", letter_pdf(wish.number, wish.title))
    return await applicant.post_form("/api/v1/requests", fields, letter, key=f"demo-{wish.number}")


async def _carry(head: Person, officer: Person, wish: Wish, made: Json) -> None:
    """Dispose and approve the request when the wish says so."""
    path = f"/api/v1/requests/{made['id']}"
    if wish.disposed:
        made = await head.post(f"{path}/disposition", {"accept": True, "note": "", "version": made["version"]})
    if wish.disposed and wish.approved:
        found = await officer.get(f"{path}/verification")
        operator = str(cast("list[Json]", found["free_operators"])[0]["id"])
        word: Json = {"approve": True, "operator_id": operator, "override_reason": REASON}
        await officer.post(f"{path}/decision", word | {"version": made["version"]})
