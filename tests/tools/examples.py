"""The examples of the API's document, recorded from an office at work.

python -m tests.tools.examples          writes central/api/examples.json
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from central.domain.alternatives import Kind
from central.domain.sop import State
from central.domain.words import Leader
from central.model import Direction
from central.settings import Channel, Notifications
from tests.service.pages.office import PASSWORD, PDF, Office, application, busy, office_in

OUT: Final = Path(__file__).parents[2] / "central" / "api" / "examples.json"
FORM: Final = {
    "agency_id": "dinsos", "letter_number": "005/882/Dinsos", "letter_date": "2026-11-02",
    "letter_subject": "Permohonan fasilitasi video conference", "contact_name": "Budi Santoso",
    "contact_phone": "0812-0000-0000", "title": "Sosialisasi SPBE", "starts": "2026-11-10T02:00:00Z",
    "ends": "2026-11-10T04:00:00Z", "room_id": "praja-2", "participants": "40", "platform": "zoom",
    "own_people": "Budi Santoso", "own_equipment": "Laptop",
}  # fmt: skip
LEAVE: Final = (
    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261109\r\nSUMMARY:Cuti\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
_IN_PATH: Final = re.compile(r"\{(\w+)\}")

Json = dict[str, Any]


@dataclass
class Recorder:
    """Asks, and keeps what was asked and answered."""

    office: Office
    client: httpx.AsyncClient

    def __post_init__(self) -> None:
        self.found: dict[str, Json] = {}

    async def ask(
        self,
        login: str,
        operation: str,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        **more: Any,
    ) -> httpx.Response:
        """Carry out an operation and keep it as its example."""
        method, pattern = operation.split(" ")
        url = _IN_PATH.sub(lambda found: (path or {})[found[1]], pattern)
        self.client.cookies.clear()
        if login:
            self.client.cookies.set("sid", self.office.token(login))
        answer = await self.client.request(method, url, params=dict(query or {}), json=body, **more)
        if answer.is_error:
            raise RuntimeError(f"{operation}: {answer.status_code} {answer.text}")
        kept: Json = {"status": answer.status_code}
        if parameters := {**(path or {}), **(query or {})}:
            kept["parameters"] = parameters
        if body is not None:
            kept["request"] = body
        if answer.headers.get("content-type", "").startswith("application/json"):
            kept["answer"] = answer.json()
        self.found[operation] = kept
        return answer

    async def tag(self, login: str, url: str) -> dict[str, str]:
        """Return the header that a change of the thing at `url` wants."""
        self.client.cookies.clear()
        self.client.cookies.set("sid", self.office.token(login))
        return {"if-match": (await self.client.get(url)).headers["etag"]}


async def record() -> dict[str, Json]:
    """Return an example of every operation."""
    async with at_work() as (recorder, office):
        session, _ = busy(office)
        await _door(recorder)
        await _requests(recorder, office)
        await _drafts(recorder)
        await _series(recorder)
        await _returned(recorder, office)
        await _offered(recorder, office)
        await _leaders(recorder, office)
        await _lists(recorder, office, session)
        await _orders(recorder)
        await _people(recorder)
        return dict(sorted(recorder.found.items()))


@asynccontextmanager
async def at_work() -> AsyncIterator[tuple[Recorder, Office]]:
    """Open an office whose messages go to a channel, with a client that speaks to it."""
    with TemporaryDirectory() as folder, office_in(Path(folder)) as office:
        channel = Channel(url_env="SIAGA_NO_SUCH", roles=(), language="id")
        wanted = Notifications(channels={"telegram": channel})
        office.services.post.__init__(wanted)  # type: ignore[misc]  # the office of tests has none
        transport = httpx.ASGITransport(application(office))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield Recorder(office, client), office


async def _door(at: Recorder) -> None:
    await at.ask("", "POST /api/v1/login", body={"login": "bidang", "password": PASSWORD})
    await at.ask("bidang", "GET /api/v1/me")
    logins = await at.ask("bidang", "GET /api/v1/me/logins")
    other = next(one["id"] for one in logins.json()["items"] if not one["here"])
    await at.ask("bidang", "DELETE /api/v1/me/logins/{ident}", {"ident": other})
    _, token = at.office.services.people.log_in("auditor", PASSWORD)
    at.office.tokens = {**at.office.tokens, "auditor-2": token}
    await at.ask("auditor-2", "POST /api/v1/logout")
    new = {"old": PASSWORD, "new": "another long phrase"}
    changed = await at.ask("auditor", "POST /api/v1/me/password", body=new)
    at.office.tokens = {**at.office.tokens, "auditor": changed.cookies["sid"]}


async def _requests(at: Recorder, office: Office) -> None:
    files = {"letter": ("surat.pdf", PDF, "application/pdf")}
    made = await at.ask("pemohon", "POST /api/v1/requests", data=FORM, files=files)
    at.found["POST /api/v1/requests"]["request"] = FORM | {"letter": "surat.pdf"}
    path = {"ident": made.json()["id"]}
    await at.ask("pemohon", "GET /api/v1/requests", query={"limit": "1", "q": "spbe", "from": "2026-11-01"})
    await at.ask("pemohon", "GET /api/v1/requests/{ident}", path)
    await at.ask("pemohon", "GET /api/v1/requests/{ident}/letter", path)
    await at.ask("kadis", "GET /api/v1/inbox")
    at.found["GET /api/v1/inbox"]["answer"]["items"] = at.found["GET /api/v1/inbox"]["answer"]["items"][:1]
    tag = {"if-match": made.headers["etag"]}
    word = {"accept": True, "note": "Fasilitasi sesuai SOP"}
    disposed = await at.ask("kadis", "POST /api/v1/requests/{ident}/disposition", path, body=word, headers=tag)
    await at.ask("bidang", "GET /api/v1/requests/{ident}/verification", path)
    decision = {"approve": True, "operator_id": "yoga", "override_reason": "Arahan pimpinan"}
    tag = {"if-match": disposed.headers["etag"]}
    await at.ask("bidang", "POST /api/v1/requests/{ident}/decision", path, body=decision, headers=tag)
    await _moved(at, path)
    tag = await at.tag("pemohon", f"/api/v1/requests/{path['ident']}")
    reason = {"reason": "Acara ditunda"}
    await at.ask("pemohon", "POST /api/v1/requests/{ident}/withdraw", path, body=reason, headers=tag)
    await at.ask("pemohon", "GET /api/v1/requests/{ident}/changes", path)
    office.later(timedelta(minutes=25))
    submitted = office.services.desk.requests(office.person("kadis"), states=frozenset({State.SUBMITTED}))
    late = {"ident": submitted[-1].id, "step": "disposition"}
    explained = {"reason": "Kepala dinas sedang di perjalanan"}
    await at.ask("kadis", "POST /api/v1/requests/{ident}/clocks/{step}/reason", late, body=explained)
    await at.ask("bidang", "GET /api/v1/punctuality", query={"since": "2026-11-01T00:00:00Z"})
    office.later(timedelta(minutes=-25))


async def _moved(at: Recorder, path: dict[str, str]) -> None:
    plan = {"starts": "2026-11-11T02:00:00Z", "room": "praja-1"}
    await at.ask("bidang", "GET /api/v1/requests/{ident}/reschedule", path, query=plan)
    tag = await at.tag("bidang", f"/api/v1/requests/{path['ident']}")
    word = {"starts": plan["starts"], "room_id": plan["room"], "reason": "Ruang dipakai tamu negara"}
    word["override_reason"] = "Atas permintaan pemohon"
    await at.ask("bidang", "POST /api/v1/requests/{ident}/reschedule", path, body=word, headers=tag)


async def _drafts(at: Recorder) -> None:
    fields = {
        "letter_number": "005/883/Dinsos", "letter_date": "2026-11-02", "letter_subject": "Permohonan fasilitasi",
        "contact_name": "Budi Santoso", "contact_phone": "0812-0000-0000", "title": "Rapat koordinasi",
        "date": "2026-11-18", "start": "09:00", "end": "11:00",
    }  # fmt: skip
    made = await at.ask("pemohon", "POST /api/v1/drafts", body={"fields": fields})
    path = {"ident": made.json()["id"]}
    await at.ask("pemohon", "GET /api/v1/drafts", query={"limit": "1"})
    shown = await at.ask("pemohon", "GET /api/v1/drafts/{ident}", path)
    tag = {"if-match": shown.headers["etag"]}
    whole = {"fields": fields | {"room": "praja-2", "participants": "40", "platform": "zoom", "own_account": "on"}}
    changed = await at.ask("pemohon", "PUT /api/v1/drafts/{ident}", path, body=whole, headers=tag)
    tag, files = {"if-match": changed.headers["etag"]}, {"letter": ("surat.pdf", PDF, "application/pdf")}
    operation = "POST /api/v1/drafts/{ident}/submission"
    await at.ask("pemohon", operation, path, files=files, headers=tag)
    at.found[operation]["request"] = {"letter": "surat.pdf"}
    other = await at.client.post("/api/v1/drafts", json={"fields": {"title": "Nanti saja"}})
    await at.ask("pemohon", "DELETE /api/v1/drafts/{ident}", {"ident": other.json()["id"]})


async def _returned(at: Recorder, office: Office) -> None:
    record = office.request("Rapat ulang", day=date(2026, 11, 17))
    office.services.desk.dispose(record.id, Direction(accept=False, note="Perihal kurang"), office.person("kadis"))
    path, form = {"ident": record.id}, {name: text for name, text in FORM.items() if name != "agency_id"}
    tag = await at.tag("pemohon", f"/api/v1/requests/{record.id}")
    operation = "POST /api/v1/requests/{ident}/resubmission"
    await at.ask("pemohon", operation, path, data=form, headers=tag, files={"letter": ("surat.pdf", PDF)})
    at.found[operation]["request"] = form | {"letter": "surat.pdf"}


async def _offered(at: Recorder, office: Office) -> None:
    day = date(2026, 11, 18)
    office.approved(office.request("Rapat lebih dahulu", day=day))
    record = office.forwarded(office.request("Rapat kemudian", day=day))
    chosen = next(one for one in office.services.planner.alternatives(record) if one.kind is Kind.TIME)
    body = {"kind": "time", "room_id": chosen.room.id, "starts": chosen.starts.isoformat(), "note": "Ruang terpakai"}
    tag = await at.tag("bidang", f"/api/v1/requests/{record.id}")
    await at.ask("bidang", "POST /api/v1/requests/{ident}/offer", {"ident": record.id}, body=body, headers=tag)


async def _series(at: Recorder) -> None:
    files = {"letter": ("surat.pdf", PDF, "application/pdf")}
    weekly = FORM | {"title": "Rapat mingguan", "starts": "2026-11-12T07:00:00Z", "ends": "2026-11-12T08:00:00Z"}
    weekly |= {"repeat": "week", "repeat_until": "2026-11-20", "room_id": "praja-1"}
    at.client.cookies.clear()
    at.client.cookies.set("sid", at.office.token("pemohon"))
    made = await at.client.post("/api/v1/requests", data=weekly, files=files)
    path = {"ident": made.json()["series_id"]}
    await at.ask("pemohon", "GET /api/v1/series/{ident}", path, query={"limit": "1"})
    word = {"accept": True, "note": ""}
    await at.ask("kadis", "POST /api/v1/series/{ident}/disposition", path, body=word)


async def _leaders(at: Recorder, office: Office) -> None:
    day, start = date(2026, 11, 16), time(9)
    office.approved(office.request("Rapat biasa", day=day, start=start))
    led = office.forwarded(office.request("Rakor Gubernur", day=day, start=start, leader=Leader.GOVERNOR))
    proposed = await at.ask(
        "penjadwal", "POST /api/v1/requests/{ident}/displacement", {"ident": led.id}, body={"operator_id": "rina"}
    )
    path = {"ident": proposed.json()["id"]}
    await at.ask("kadis", "GET /api/v1/displacements", query={"limit": "1"})
    shown = await at.ask("kadis", "GET /api/v1/displacements/{ident}", path)
    tag, word = {"if-match": shown.headers["etag"]}, {"apply": True, "reason": "Agenda Gubernur"}
    await at.ask("kadis", "POST /api/v1/displacements/{ident}/decision", path, body=word, headers=tag)
    mandate = {
        "holder_id": office.person("kadis").id, "acting_id": office.person("bidang").id, "letter": "800/12/Diskominfo",
        "starts": "2026-11-19T17:00:00Z", "ends": "2026-11-21T17:00:00Z",
    }  # fmt: skip
    made = await at.ask("kadis", "POST /api/v1/delegations", body=mandate)
    path = {"ident": made.json()["id"]}
    await at.ask("kadis", "GET /api/v1/delegations", query={"limit": "1"})
    shown = await at.ask("kadis", "GET /api/v1/delegations/{ident}", path)
    tag = {"if-match": shown.headers["etag"]}
    await at.ask("kadis", "POST /api/v1/delegations/{ident}/end", path, headers=tag)


async def _lists(at: Recorder, office: Office, session: str) -> None:
    one, day = {"limit": "1"}, {"day": "2026-11-03"}
    for name in ("equipment", "accounts", "staff", "agencies"):
        found = await at.ask("bidang", f"GET /api/v1/{name}", query=one)
        await at.ask("bidang", f"GET /api/v1/{name}/{{ident}}", {"ident": found.json()["items"][0]["id"]})
    await at.ask("pemohon", "GET /api/v1/choices")
    week = {"first": "2026-12-24", "last": "2026-12-31", "limit": "2"}
    await at.ask("pemohon", "GET /api/v1/calendar", query=week)
    await at.ask("pemohon", "GET /api/v1/availability", query=day | one)
    await at.ask("bidang", "GET /api/v1/servable", query=day)
    await at.ask("pemohon", "GET /api/v1/feeds", query=one)
    await at.ask("pemohon", "POST /api/v1/feeds/renew")
    await at.ask("bidang", "GET /api/v1/rooms", query=one)
    await at.ask("bidang", "GET /api/v1/rooms/{ident}", {"ident": "praja-1"})
    await at.ask("bidang", "GET /api/v1/rooms/{ident}/journal", {"ident": "praja-1"}, query={"limit": "2"})
    span = {"starts": "2026-11-03T00:00:00Z", "limit": "1"}
    await at.ask("bidang", "GET /api/v1/sessions", query=span)
    await at.ask("bidang", "GET /api/v1/sessions/{ident}", {"ident": session})
    await at.ask("bidang", "GET /api/v1/reports", query=one)
    await at.ask("bidang", "GET /api/v1/reports/{ident}", {"ident": session})
    report = at.found["GET /api/v1/reports/{ident}"]["answer"]
    report["levels"] = report["levels"][:2]
    await at.ask("bidang", "GET /api/v1/reports/{ident}/evidence", {"ident": session})
    await at.ask("bidang", "GET /api/v1/reports/{ident}.pdf", {"ident": session})
    await at.ask("auditor", "GET /api/v1/audit", query=one)
    await _register(at)
    await _messages(at, office)


async def _register(at: Recorder) -> None:
    path = {"name": "equipment"}
    shown = await at.ask("penjadwal", "GET /api/v1/register/{name}.csv", path)
    headers = {"if-match": shown.headers["etag"], "content-type": "text/csv"}
    await at.ask("penjadwal", "PUT /api/v1/register/{name}.csv", path, content=shown.text, headers=headers)
    calendar = {"content-type": "text/calendar"}
    path = {"ident": "rina"}
    await at.ask("penjadwal", "POST /api/v1/staff/{ident}/leave.ics", path, content=LEAVE, headers=calendar)


async def _messages(at: Recorder, office: Office) -> None:
    office.services.mailbox._wanted = Notifications(channels={"telegram": Channel(url_env="SIAGA_NO_SUCH")})
    office.services.mailbox.reach(office.person("pemohon"), "id", {"telegram": "budi"})
    office.request("Bimbingan teknis", day=date(2026, 11, 23))
    found = await at.ask("bidang", "GET /api/v1/messages", query={"limit": "1"})
    number = {"number": str(found.json()["items"][0]["id"])}
    await at.ask("bidang", "POST /api/v1/messages/{number}/again", number)


async def _orders(at: Recorder) -> None:
    room = {"room": "praja-1"}
    given = await at.ask("teknisi", "POST /api/v1/rooms/{room}/commands", room, body={"kind": "recheck"})
    await at.ask("teknisi", "GET /api/v1/rooms/{room}/commands", room, query={"limit": "1"})
    await at.ask("teknisi", "GET /api/v1/rooms/{room}/commands/{ident}", room | {"ident": given.json()["id"]})
    word = {"confirm": "stop", "reason": "Gempa bumi", "id": "stop-1"}
    await at.ask("kadis", "POST /api/v1/emergency-stop", body=word)
    await at.ask("kadis", "GET /api/v1/emergency-stop/{ident}", {"ident": "stop-1"}, query={"limit": "1"})


async def _people(at: Recorder) -> None:
    account = {"login": "kasi", "name": "Tuti Alawiyah", "roles": ["scheduler"], "password": "a long first phrase"}
    made = await at.ask("admin", "POST /api/v1/people", body=account)
    path = {"ident": made.json()["id"]}
    await at.ask("admin", "GET /api/v1/people", query={"limit": "1"})
    await at.ask("admin", "GET /api/v1/people/{ident}", path)
    change = {"name": "Tuti Alawiyah", "roles": ["scheduler", "technician"]}
    tag = {"if-match": made.headers["etag"]}
    await at.ask("admin", "PUT /api/v1/people/{ident}", path, body=change, headers=tag)
    new = {"new": "a long second phrase"}
    await at.ask("admin", "POST /api/v1/people/{ident}/password", path, body=new)
    await at.ask("admin", "GET /api/v1/people/{ident}/logins", path)
    await at.ask("admin", "DELETE /api/v1/people/{ident}/logins", path)


if __name__ == "__main__":
    OUT.write_text(json.dumps(asyncio.run(record()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
