"""Central with its pages and its database, without the broker: what pages are tested on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from fastapi import FastAPI
from PIL import Image
from pydantic import JsonValue

from central import bell
from central.app import create_app
from central.domain.words import Leader
from central.ingest import Ingest
from central.model import Contact, Decision, Direction, Draft, Person, Request, Upload
from central.seed import PEOPLE, seed
from central.services import Services, make_services
from central.settings import CentralSettings, load
from central.web.pages import follow
from central.web_server import WebServer
from contract import (
    Condition,
    CurrentSession,
    DeviceState,
    Entry,
    EntryBatch,
    EntryKind,
    ExecutionReport,
    Fault,
    Measured,
    Presence,
    Readiness,
    RoomPresence,
    RoomState,
    Verdict,
)
from contract.evidence import Picture
from contract.report import (
    Certificate,
    CertifiedDevice,
    DeviceHistory,
    HealthSpan,
    LevelPoint,
    RecordedFile,
    ReportedRun,
    ReportedStep,
)
from contract.words import StepOutcome

ROOT = Path(__file__).parents[3]
PDF = b"%PDF-1.7\n% a letter\n"
PASSWORD = "a long example phrase"
HOST = "http://127.0.0.1"
BLACK = Fault(code="obs.record_black", detail="record_picture: wanted >= 8, found 3.0")
NOW = datetime(2026, 11, 3, 2, 17, tzinfo=UTC)
"""09.17 WIB on a Tuesday."""


@dataclass
class Office:
    """The services at a moment that tests move, and short ways to bring them into a state."""

    services: Services
    clock: list[datetime] = field(default_factory=lambda: [NOW])
    tokens: Mapping[str, str] = field(default_factory=dict)

    def later(self, by: timedelta) -> None:
        self.clock[0] += by

    def person(self, login: str) -> Person:
        person = self.services.people.who(self.token(login))
        assert person is not None
        return person

    def token(self, login: str) -> str:
        return self.tokens[login]

    def request(
        self,
        title: str = "Bimtek SP4N-LAPOR",
        *,
        day: date = date(2026, 11, 9),
        start: time = time(9),
        hours: float = 2,
        room: str = "praja-1",
        leader: Leader = Leader.NONE,
        participants: int = 80,
    ) -> Request:
        person = self.person("pemohon")
        assert person.agency is not None
        starts = datetime.combine(day, start, tzinfo=self.services.settings.zone)
        draft = Draft(
            agency_id=person.agency.id,
            letter_number="005/881/Dinsos",
            letter_date=date(2026, 11, 2),
            letter_subject="Permohonan fasilitasi video conference",
            contact=Contact("Budi Santoso", "0812-0000-0000"),
            title=title,
            starts=starts,
            ends=starts + timedelta(hours=hours),
            room_id=room,
            participants=participants,
            platform="zoom",
            leader=leader,
            own_account=True,
            own_people="Budi Santoso, 0812-0000-0000",
        )
        return self.services.desk.submit(draft, Upload("surat.pdf", PDF), person)

    def forwarded(self, request: Request) -> Request:
        return self.services.desk.dispose(
            request.id, Direction(accept=True, note="Tindak lanjuti"), self.person("kadis")
        )

    def approved(self, request: Request, operator: str = "rina") -> Request:
        decision = Decision(approve=True, operator_id=operator, override_reason="mendesak")
        return self.services.desk.decide(self.forwarded(request).id, decision, self.person("bidang"))


def settings_in(folder: Path) -> CentralSettings:
    policy = (ROOT / "configs" / "policy.yaml").read_text(encoding="utf-8")
    (folder / "policy.yaml").write_text(policy, encoding="utf-8")
    (folder / "central.yaml").write_text("data: data\npolicy: policy.yaml\n", encoding="utf-8")
    return load(folder / "central.yaml")


@lru_cache(maxsize=1)
def _seeded() -> tuple[bytes, dict[str, str]]:
    """Return a database with the example data and everybody logged in: passwords cost time on purpose."""
    with TemporaryDirectory() as folder:
        services = make_services(settings_in(Path(folder)), now=lambda: NOW)
        seed(services.store, PASSWORD)
        tokens = {login: services.people.log_in(login, PASSWORD)[1] for login, *_ in PEOPLE}
        services.store.close()
        return (services.settings.folder / "central.db").read_bytes(), tokens


@contextmanager
def office_in(folder: Path) -> Iterator[Office]:
    """Open an office with the example people, rooms and technicians."""
    clock = [NOW]
    database, tokens = _seeded()
    settings = settings_in(folder)
    settings.folder.mkdir()
    (settings.folder / "central.db").write_bytes(database)
    services = make_services(settings, now=lambda: clock[0])
    try:
        yield Office(services, clock, tokens)
    finally:
        services.store.close()


@asynccontextmanager
async def visitor(app: FastAPI, office: Office, login: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that speaks to the application without a network, logged in as `login`."""
    cookies = {"sid": office.token(login)} if login else {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST, cookies=cookies) as client:
        yield client


def application(office: Office) -> FastAPI:
    return create_app(office.services)


def heard(
    office: Office, room: str, readiness: Readiness, *reasons: Fault, session: CurrentSession | None = None
) -> None:
    """Let a room say that it is there and what it is worth, as the exchange writes it down."""
    ingest = Ingest(office.services.store, lambda: office.clock[0])
    now = office.clock[0]
    birth = RoomPresence(state=Presence.ONLINE, boot="b1", conn=1, software="siaga", started_at=now, at=now)
    ingest.take(room, "presence", birth.encode())
    device = DeviceState(kind="camera", condition=Condition.OK, required=True, since=now)
    state = RoomState(
        boot="b1", readiness=readiness, reasons=reasons, devices={"camera-1": device}, session=session, at=now
    )
    ingest.take(room, "state", state.encode())
    office.services.bell.ring(bell.ROOMS)


@lru_cache(maxsize=1)
def photo() -> tuple[str, bytes]:
    """Return a picture as OBS gives it, and its hash."""
    drawn = BytesIO()
    Image.linear_gradient("L").resize((640, 360)).save(drawn, "JPEG", quality=60)
    return sha256(drawn.getvalue()).hexdigest(), drawn.getvalue()


def ran(start: datetime) -> tuple[ReportedRun, ...]:
    """Return a preset that was told something and did it, and one of which a step was refused."""
    recalled = ReportedStep(
        device="camera-1",
        verb="recall",
        arguments={"memory": 3},
        outcome=StepOutcome.VERIFIED,
        duration=timedelta(seconds=1.5),
    )
    refused = ReportedStep(
        device="sound",
        verb="gain",
        arguments={"port": "speaker", "db": 0.0},
        outcome=StepOutcome.REFUSED,
        reason=Fault(code="sound.too_big_a_step", detail="a step up of 30 dB", values={"most_db": 6}),
    )
    podium = ReportedRun(
        run="r-1",
        preset="podium",
        label={"id": "Podium", "en": "Lectern"},
        cause="tablet",
        who="Rina",
        started_at=start + timedelta(minutes=4),
        ended_at=start + timedelta(minutes=4, seconds=2),
        steps=(recalled,),
        good=True,
        values={"posisi": 3, "terang": True},
    )
    loud = podium.model_copy(
        update={
            "run": "r-2",
            "preset": "keras",
            "label": {"id": "Keras", "en": "Loud"},
            "steps": (recalled, refused),
            "good": False,
            "values": {},
        }
    )
    return podium, loud


def held(office: Office, session_id: str) -> None:
    """Let a room write the journal and the report of a session that took place."""
    row = office.services.board.session(session_id)
    ingest = Ingest(office.services.store, lambda: office.clock[0])
    start, end = row.planned.start, row.planned.end
    camera = CertifiedDevice(
        name="camera-1",
        kind="camera",
        required=True,
        condition=Condition.OK,
        measures=(Measured(name="rtt", value=12.5, unit="ms", verdict=Verdict.PASS),),
    )
    name, shown = photo()
    office.services.evidence.add(row.room.id, name, shown, offset=0, length=len(shown))
    certificate = Certificate(at=start - timedelta(minutes=5), readiness=Readiness.READY, devices=(camera,))
    report = ExecutionReport(
        room=row.room.id,
        room_name=row.room.name,
        time_zone=row.room.time_zone,
        session=session_id,
        session_rev=1,
        title=row.planned.title,
        agency=row.planned.agency,
        planned_start=start,
        planned_end=end,
        started_at=start,
        ended_at=end,
        carried_out=True,
        certificate=certificate,
        runs=ran(start),
        pictures=(
            Picture(at=start, moment="start", device="obs", scene="Kamera", sha256=name, size_bytes=len(shown)),
            Picture(at=end, moment="end", device="obs", scene="Kamera + slide", sha256="cd" * 32, size_bytes=9),
        ),
        recordings=(
            RecordedFile(
                at=end,
                device="obs",
                path="/rekaman/Siaga - Rapat.mkv",
                verdict=Verdict.FAIL,
                sha256="ab" * 32,
                length=timedelta(minutes=30),
                measures=(Measured(name="record_picture", value=3.0, verdict=Verdict.FAIL, reason=BLACK),),
            ),
        ),
        levels=tuple(
            LevelPoint(at=start + timedelta(seconds=n), rms_dbfs=-30 - n % 7, peak_dbfs=-18 - n % 5) for n in range(60)
        ),
        health=(
            DeviceHistory(
                device="camera-1",
                spans=(
                    HealthSpan(at=start - timedelta(minutes=30), condition="ok"),
                    HealthSpan(at=start + timedelta(minutes=20), condition="absent"),
                    HealthSpan(at=start + timedelta(minutes=24), condition="ok"),
                ),
            ),
            DeviceHistory(device="sound", spans=(HealthSpan(at=start, condition="degraded"),)),
        ),
        stream="s1",
        first_seq=1,
        last_seq=5,
    )
    happened: list[tuple[EntryKind, datetime, dict[str, JsonValue], str | None]] = [
        (EntryKind.PHASE_CHANGED, start - timedelta(minutes=30), {"phase": "preparing"}, None),
        (EntryKind.READINESS, start - timedelta(minutes=5), {}, "ready"),
        (EntryKind.PHASE_CHANGED, start, {"phase": "live"}, None),
        (EntryKind.NOTE, start + timedelta(minutes=9), {"text": "Suara jernih"}, None),
        (EntryKind.PHASE_CHANGED, end, {"phase": "reported"}, None),
        (EntryKind.REPORT, end, report.model_dump(mode="json"), None),
    ]
    entries = tuple(
        Entry(
            seq=seq, id=f"e{seq}", kind=kind, at=at, mono_ms=seq, boot="b1", session=session_id, body=body, outcome=out
        )
        for seq, (kind, at, body, out) in enumerate(happened, 1)
    )
    ingest.take(row.room.id, "ev", EntryBatch(room=row.room.id, stream="s1", entries=entries).encode())
    office.services.bell.ring(bell.REPORTS)


def busy(office: Office) -> tuple[str, str]:
    """Fill the office's Tuesday; return a session that was held and a request that waits for its decision."""
    today = date(2026, 11, 3)
    done = office.approved(office.request("Rapat Forum Satu Data", day=today, start=time(7), hours=1), "dewi")
    office.approved(
        office.request("Rakor Pengendalian Inflasi", day=today, start=time(9), hours=1.5, leader=Leader.GOVERNOR),
        "rina",
    )
    office.approved(office.request("Evaluasi SPBE", day=today, start=time(10), hours=2, room="praja-2"), "yoga")
    office.request("Bimtek SP4N-LAPOR", day=today, start=time(13))
    office.request("Rapat vendor jaringan", day=today, start=time(11), room="praja-2")
    waiting = office.forwarded(office.request("Sosialisasi PPID", start=time(13), room="audio-visual"))
    office.forwarded(office.request("Arahan Wakil Gubernur", start=time(19, 30), leader=Leader.VICE_GOVERNOR))
    assert done.session_id is not None
    held(office, done.session_id)
    heard(office, "praja-1", Readiness.BUSY, session=CurrentSession(id="x", rev=1, phase="live"))
    heard(office, "praja-2", Readiness.READY)
    heard(office, "audio-visual", Readiness.DEGRADED, Fault(code="camera.no_answer", detail="no answer"))
    return done.session_id, waiting.id


@asynccontextmanager
async def served(office: Office) -> AsyncIterator[str]:
    """Serve the application on a free port of this machine; gives its address."""
    app = application(office)
    web = WebServer(app, "127.0.0.1", 0)
    async with asyncio.TaskGroup() as tasks:
        pages = tasks.create_task(follow(app.state.parts), name="live pages")
        serving = tasks.create_task(web.run(), name="web")
        await web.started()
        try:
            yield f"{HOST}:{web.address[1]}"
        finally:
            web.stop()
            await asyncio.wait([serving])
            pages.cancel()
