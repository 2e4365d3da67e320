"""Pictures for the report: taken where it is allowed, kept within limits, at central whole and once."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent import upload, witness
from agent.clock import SystemClock
from agent.evidence import Evidence
from agent.report import RoomFacts, report_of
from agent.upload import NotSent, Uploader, Way, send
from agent.witness import Witness
from central.app import create_app
from central.broker import Doors
from central.services import Services
from central.web_server import WebServer
from contract.evidence import PART_BYTES
from contract.link import Broker
from contract.messages import Entry, PlannedSession
from contract.words import EntryKind, SessionStatus
from tests.service.central.office import office
from tests.until import until

ROOM = "praja-1"
START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
PICTURE = b"\xff\xd8\xff" + bytes(range(256)) * 700  # three parts
DIGEST = hashlib.sha256(PICTURE).hexdigest()


def plan(*, recording: bool) -> PlannedSession:
    return PlannedSession(
        id="s1", rev=1, status=SessionStatus.CONFIRMED, title="Rapat", agency="Biro", start=START,
        end=START + timedelta(hours=2), prepare_at=START - timedelta(minutes=30), recording=recording,
    )  # fmt: skip


class Desk:
    """An engine whose session a test begins and ends."""

    def __init__(self, held: PlannedSession) -> None:
        self.held = held
        self.live = False
        self.noted: list[tuple[EntryKind, dict[str, Any]]] = []
        self._listeners: list[Callable[[], None]] = []

    @property
    def scribe(self) -> Desk:
        return self

    def note_recording(self, plan: PlannedSession | None, kind: EntryKind, device: str, body: dict[str, Any]) -> None:
        assert (plan, device) == (self.held, "obs")
        self.noted.append((kind, body))

    def session_now(self) -> PlannedSession | None:
        return self.held

    def live_session(self) -> str | None:
        return self.held.id if self.live else None

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed)

    def be(self, *, live: bool) -> None:
        self.live = live
        for listener in self._listeners:
            listener()


class Switcher:
    """Shows another picture each time it is asked."""

    def __init__(self) -> None:
        self.on_air: str | None = "Kamera"
        self.given = 0

    async def snapshot(self, source: str, *, width_px: int) -> bytes:
        self.given += 1
        return b"\xff\xd8\xff" + f"{source} {width_px} {self.given}".encode()


@asynccontextmanager
async def watched(desk: Desk, switcher: Switcher, evidence: Evidence) -> AsyncIterator[None]:
    running = asyncio.create_task(Witness("obs", switcher, desk, evidence, SystemClock()).run())
    await asyncio.sleep(0)
    yield
    running.cancel()
    await asyncio.wait({running})


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "FIRST_AFTER_S", 0.0)
    monkeypatch.setattr(witness, "NEXT_AFTER_S", (0.01,))
    monkeypatch.setattr(upload, "AGAIN_AFTER_S", 0.02)


async def test_start_and_end_of_a_session_are_pictured_and_reported(tmp_path: Path) -> None:
    desk, switcher, evidence = Desk(plan(recording=True)), Switcher(), Evidence(tmp_path)
    async with watched(desk, switcher, evidence):
        desk.be(live=True)
        await until(lambda: len(desk.noted) == 1 and switcher.given >= 2)
        desk.be(live=False)  # noted at once: the report is made right after
        assert [(kind, body["moment"]) for kind, body in desk.noted] == [
            (EntryKind.PICTURE, "start"),
            (EntryKind.PICTURE, "end"),
        ]
    assert sorted(evidence.waiting()) == sorted(body["sha256"] for _, body in desk.noted)
    entries = [
        Entry(seq=n, id=f"e{n}", kind=kind, at=START, mono_ms=n, boot="b", session="s1", session_rev=1, body=body)
        for n, (kind, body) in enumerate([desk.noted[0], *desk.noted], start=1)  # a restart took the first one again
    ]
    report = report_of(RoomFacts(ROOM, "Ruang", "Asia/Pontianak", "stream"), desk.held, entries, START)
    assert [(one.moment, one.scene) for one in report.pictures] == [("start", "Kamera"), ("end", "Kamera")]


async def test_a_session_that_may_not_be_recorded_is_not_pictured(tmp_path: Path) -> None:
    desk, switcher = Desk(plan(recording=False)), Switcher()
    async with watched(desk, switcher, Evidence(tmp_path)):
        desk.be(live=True)
        await asyncio.sleep(0.05)
        desk.be(live=False)
    assert (desk.noted, switcher.given) == ([], 0)


def test_the_oldest_pictures_make_room_and_it_is_said(tmp_path: Path) -> None:
    gone: list[tuple[str, int]] = []
    evidence = Evidence(tmp_path, lambda *one: gone.append(one), at_most_bytes=250, leave_free_bytes=0)
    kept = [evidence.keep(bytes([n]) * 100) for n in (1, 2)]
    for n, sha256 in enumerate(kept):
        os.utime(tmp_path / f"{sha256}.jpg", (n, n))
    third = evidence.keep(b"3" * 100)
    assert (gone, evidence.waiting()) == ([(kept[0], 100)], [kept[1], third])


def test_the_disks_last_space_is_for_facts(tmp_path: Path) -> None:
    gone: list[tuple[str, int]] = []
    assert Evidence(tmp_path, leave_free_bytes=0).keep(b"one") is not None
    full = Evidence(tmp_path, lambda *one: gone.append(one), leave_free_bytes=10**18)
    assert (full.keep(b"two"), full.waiting(), len(gone)) == (None, [], 1)


@contextmanager
def central(folder: Path) -> Iterator[tuple[Services, Way]]:
    """A central on a socket of its own, and the way of one room to it."""
    with office(folder) as services:
        made = Doors(services.settings.folder / "broker").enrol(ROOM)
        broker = Broker.parse("mqtt://127.0.0.1:1", username=made.username, password=made.password)
        yield services, Way("", ROOM, broker)


@asynccontextmanager
async def serving(services: Services, way: Way) -> AsyncIterator[Way]:
    web = WebServer(create_app(services), "127.0.0.1", 0)
    running = asyncio.create_task(web.run())
    await web.started()
    host, port = web.address
    yield Way(f"http://{host}:{port}", way.room, way.broker)
    web.stop()
    await running


async def test_what_waits_reaches_central_once_it_is_there_and_is_let_go(tmp_path: Path) -> None:
    evidence, ways = Evidence(tmp_path / "evidence", leave_free_bytes=0), list[Way]()
    (tmp_path / "evidence").mkdir()
    with central(tmp_path) as (services, way):
        assert evidence.keep(PICTURE) == DIGEST
        running = asyncio.create_task(Uploader(evidence, lambda: ways[-1] if ways else None).run())
        ways.append(Way("http://127.0.0.1:9", way.room, way.broker))  # nobody listens there
        async with serving(services, way) as known:
            ways.append(known)
            await until(lambda: not evidence.waiting())
            assert services.evidence.read(ROOM, DIGEST) == PICTURE
            await asyncio.to_thread(send, known, DIGEST, PICTURE)  # again: nothing changes
        running.cancel()
        await asyncio.wait({running})


async def test_a_broken_upload_goes_on_where_it_broke(tmp_path: Path) -> None:
    with central(tmp_path) as (services, way):
        held = services.evidence.add(ROOM, DIGEST, PICTURE[:PART_BYTES], offset=0, length=len(PICTURE))
        assert held == PART_BYTES
        assert services.evidence.add(ROOM, DIGEST, b"late", offset=0, length=len(PICTURE)) == PART_BYTES
        async with serving(services, way) as known:
            await asyncio.to_thread(send, known, DIGEST, PICTURE)
        assert services.evidence.read(ROOM, DIGEST) == PICTURE


async def test_a_stranger_another_room_and_what_is_no_picture_are_refused(tmp_path: Path) -> None:
    with central(tmp_path) as (services, way):
        other = Doors(services.settings.folder / "broker").enrol("praja-2")
        async with serving(services, way) as known:
            for username, password in ((ROOM, "guessed"), (other.username, other.password), ("central", "x")):
                stranger = Broker.parse("mqtt://127.0.0.1:1", username=username, password=password)
                with pytest.raises(NotSent, match="401"):
                    await asyncio.to_thread(send, Way(known.url, ROOM, stranger), DIGEST, PICTURE)
            for sha256, content in ((DIGEST, b"\xff\xd8\xff other bytes"), (_digest(b"GIF89a"), b"GIF89a")):
                with pytest.raises(NotSent, match="422"):
                    await asyncio.to_thread(send, known, sha256, content)
            with pytest.raises(NotSent, match="404"):
                await asyncio.to_thread(send, known, "..%2f..%2fetc", content)
        assert services.evidence.held(ROOM, DIGEST) == 0


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
