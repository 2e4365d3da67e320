"""`siaga demo --once`: the whole loop, unattended, in compressed time, each step proven.

Every step asks somebody other than the one who claims it: the camera and OBS are read back
from their simulators, the journal from central's database, the report from central.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, cast

from contract import ExecutionReport, Readiness, new_id
from siaga.demo import evidence
from siaga.demo.files import COMPRESSED, ROOMS
from siaga.demo.letter import letter_pdf
from siaga.demo.office import Json, Office, Person, press, until
from siaga.demo.processes import Children, DemoFailure
from siaga.demo.site import Room, Site, made
from siaga.demo.story import Story

STARTS_IN: Final = timedelta(seconds=24)
LASTS: Final = timedelta(seconds=12)
PRESSES: Final = (("podium", 2, "Kamera"), ("kamera-slide", 4, "Kamera + slide"))
"""What the technician presses: preset, the camera's memory, the scene."""

Between = Callable[["Loop"], Awaitable[None]]
"""Something that happens between preparation and live; tests pull plugs here."""


async def _nothing(_loop: Loop) -> None:
    return


@dataclass(slots=True)
class Loop:
    """One run through everything, and what it has so far."""

    site: Site
    office: Office
    story: Story
    room: Room
    between: Between = _nothing
    request: Json = field(default_factory=dict)
    session: str = ""
    starts: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    report: ExecutionReport | None = None
    _watching: Person | None = None
    _operator: str = ""

    async def run(self, out: Path) -> None:
        """Go through all steps; write report and timeline to `out`."""
        try:
            await self._ask_for_it()
            await self._dispose()
            await self._verify()
            await self._decide()
            await self._published()
            await self._prepared()
            await self.between(self)
            await self._live()
            await self._pressed()
            await self._ended()
            await self._reported()
            await self._journal_is_whole()
            await self._filed(out)
        finally:
            self.story.write(out / "timeline.json")

    async def _ask_for_it(self) -> None:
        with self.story.step("Permohonan: an agency sends its letter and the data") as step:
            applicant = await self.office.person("pemohon")
            self.starts = datetime.now(UTC).replace(microsecond=0) + STARTS_IN
            fields = await self._fields(applicant)
            letter = ("surat-permohonan.pdf", letter_pdf(fields["letter_number"], fields["title"]))
            self.request = await applicant.post_form("/api/v1/requests", fields, letter, key=new_id())
            again = await applicant.get(f"/api/v1/requests/{self.request['id']}")
            kept = await applicant.get_bytes(f"/api/v1/requests/{self.request['id']}/letter")
            if kept != letter[1]:
                raise DemoFailure("the letter that central keeps is not the letter that was sent")
            step.saw(f"receipt {again['receipt']}, state {again['state']}, letter kept ({len(kept)} bytes)")

    async def _fields(self, applicant: Person) -> dict[str, str]:
        me = await applicant.get("/api/v1/me")
        agency = cast("Json", me["agency"])
        return {
            "agency_id": str(agency["id"]),
            "letter_number": "555/467/Ro-Ekon",
            "letter_date": datetime.now(UTC).date().isoformat(),
            "letter_subject": "Permohonan fasilitasi video conference",
            "contact_name": "Budi Santoso",
            "contact_phone": "0812-0000-0000",
            "title": "Rakor Pengendalian Inflasi Daerah",
            "starts": self.starts.isoformat(),
            "ends": (self.starts + LASTS).isoformat(),
            "room_id": self.room.id,
            "participants": "12",
            "platform": "zoom",
            "leader": "governor",
            "recording": "true",
            "own_equipment": "Laptop",
            "own_people": "Budi Santoso",
        }

    async def _dispose(self) -> None:
        with self.story.step("Disposisi: the head of the office gives direction") as step:
            head = await self.office.person("kadis")
            self.request = await head.post(
                f"/api/v1/requests/{self.request['id']}/disposition",
                {"accept": True, "note": "Fasilitasi sesuai SOP", "version": self.request["version"]},
            )
            step.saw(f"state {self.request['state']}")

    async def _verify(self) -> None:
        with self.story.step("Verifikasi: central computes the findings") as step:
            officer = await self.office.person("bidang")
            found = await officer.get(f"/api/v1/requests/{self.request['id']}/verification")
            for finding in cast("list[Json]", found["findings"]):
                step.saw(f"{finding['verdict']}: {finding['rule']} ({finding['code']})")
            self._operator = str(cast("list[Json]", found["free_operators"])[0]["id"])

    async def _decide(self) -> None:
        with self.story.step("Putusan: the division approves; the session is booked") as step:
            officer = await self.office.person("bidang")
            self.request = await officer.post(
                f"/api/v1/requests/{self.request['id']}/decision",
                {
                    "approve": True,
                    "room_id": self.room.id,
                    "operator_id": self._operator,
                    "override_reason": "Arahan pimpinan",
                    "version": self.request["version"],
                },
            )
            self.session = str(self.request["session_id"])
            step.saw(f"state {self.request['state']}, session {self.session}")

    async def card(self) -> Json:
        """Return what central knows of the room now."""
        technician = await self._technician()
        cards = cast("list[Json]", (await technician.get("/api/v1/rooms"))["items"])
        return next(card for card in cards if cast("Json", card["room"])["id"] == self.room.id)

    async def _technician(self) -> Person:
        if self._watching is None:
            self._watching = await self.office.person("teknisi")
        return self._watching

    async def _published(self) -> None:
        with self.story.step("Publikasi: the room holds its new schedule") as step:

            async def held() -> Json | None:
                card = await self.card()
                return card if card["schedule_held"] and card["next"] else None

            await until("the room to confirm the schedule", held, 10)
            step.saw("central published it over MQTT, the room's state names the same revision")

    async def _phase(self, *wanted: str) -> str | None:
        phase = str((await self.card())["phase"])
        return phase if phase in wanted else None

    async def _prepared(self) -> None:
        with self.story.step("Persiapan: the room prepares itself and measures that it is ready") as step:
            phase = await until("preparation", lambda: self._phase("ready", "live"), 40)
            step.saw(f"phase {phase}, readiness {(await self.card())['readiness']}")
            await self._saw(step.saw, 1, "Jeda", muted=True)

    async def _saw(self, saw: Callable[[str], None], memory: int, scene: str, *, muted: bool) -> None:
        """Read camera, OBS and sound back from their simulators."""
        devices = self.room.devices
        saw(await evidence.camera_is_at(devices.camera, memory))
        saw(await evidence.scene_is(devices.obs, self.site.obs_password, scene))
        saw(await evidence.microphone_is(devices.sound, muted=muted))

    async def _live(self) -> None:
        with self.story.step("Berlangsung: the session goes live by itself") as step:
            await until("the session to go live", lambda: self._phase("live"), 30)
            await until("the live preset to end", lambda: self._settled(0, "Kamera", muted=False), 10)
            await self._saw(step.saw, 0, "Kamera", muted=False)

    async def _settled(self, memory: int, scene: str, *, muted: bool) -> bool | None:
        await self._saw(lambda _: None, memory, scene, muted=muted)
        return True

    async def _pressed(self) -> None:
        for preset, memory, scene in PRESSES:
            with self.story.step(f"Preset: the technician presses {preset!r} on the tablet") as step:
                await press(self.room.tablet, preset)
                await until(f"preset {preset}", lambda m=memory, s=scene: self._settled(m, s, muted=False), 10)  # type: ignore[misc]
                await self._saw(step.saw, memory, scene, muted=False)

    async def _ended(self) -> None:
        with self.story.step("Selesai: the session ends by itself") as step:
            await until("the end", lambda: self._phase("ending", "ended", "reported", ""), 40)
            await until("the end preset", lambda: self._settled(5, "Hitam", muted=True), 15)
            await self._saw(step.saw, 5, "Hitam", muted=True)

    async def _reported(self) -> None:
        with self.story.step("Laporan: the room's report is in central's database") as step:
            officer = await self._technician()

            async def arrived() -> ExecutionReport | None:
                found = await officer.get(f"/api/v1/reports/{self.session}")
                return ExecutionReport.model_validate_json(json.dumps(found))

            report = self.report = await until("the report", arrived, 20)
            for complaint in complaints(report):
                raise DemoFailure(complaint)
            names = ", ".join(run.preset for run in report.runs)
            step.saw(f"carried out, {len(report.runs)} runs ({names}), all good; certificate: ready")
            step.saw(f"request {await self._state_of_request()}")

    async def _state_of_request(self) -> str:
        officer = await self.office.person("bidang")
        return str((await officer.get(f"/api/v1/requests/{self.request['id']}"))["state"])

    async def _journal_is_whole(self) -> None:
        with self.story.step("Jurnal: every entry of the room is at central, without a gap") as step:
            technician = await self._technician()

            async def whole() -> list[int] | None:
                found = await technician.get(f"/api/v1/rooms/{self.room.id}/journal")
                numbers = [int(cast("int", e["seq"])) for e in cast("list[Json]", found["items"])]
                last = self.report.last_seq if self.report else 0
                return numbers if numbers and numbers[-1] > last else None

            numbers = await until("the journal to arrive", whole, 10)
            if numbers != list(range(1, len(numbers) + 1)):
                raise DemoFailure(f"the journal at central has gaps or doubles: {numbers}")
            step.saw(f"entries 1 to {numbers[-1]}, gap-free")

    async def _filed(self, out: Path) -> None:
        with self.story.step("Berkas: the report as PDF") as step:
            officer = await self._technician()
            await self._pictures_are_there(officer)
            content = await officer.get_bytes(f"/api/v1/reports/{self.session}.pdf")
            if not content.startswith(b"%PDF-") or self.report is None:
                raise DemoFailure("central's report is no PDF")
            (out / "report.pdf").write_bytes(content)
            (out / "report.json").write_text(self.report.model_dump_json(indent=2) + "\n")
            step.saw(f"{out / 'report.pdf'} ({len(content)} bytes), report.json, timeline.json")

    async def _pictures_are_there(self, officer: Person) -> None:
        """Wait until the room has sent what was on air."""

        async def arrived(sha256: str) -> bool | None:
            try:
                content = await officer.get_bytes(f"/sesi/{self.session}/gambar/{sha256}")
            except DemoFailure:  # it is still on its way
                return None
            return hashlib.sha256(content).hexdigest() == sha256 or None

        for one in self.report.pictures if self.report else ():
            await until("the pictures of the session to arrive", partial(arrived, one.sha256), 10)


def complaints(report: ExecutionReport) -> list[str]:
    """Return what is missing in a report of a session that went as planned."""
    presets = [run.preset for run in report.runs]
    wanted = ["siap", "mulai", *(name for name, _, _ in PRESSES), "selesai"]
    found = []
    if not report.carried_out or report.started_at is None or report.ended_at is None:
        found.append("the report says that the session was not carried out")
    if report.certificate is None or report.certificate.readiness is not Readiness.READY:
        found.append(f"the readiness certificate should say ready, found {report.certificate}")
    if not set(wanted) <= set(presets):
        found.append(f"the report should name the runs {wanted}, found {presets}")
    found += [f"run {run.preset} should be good, found {run.steps}" for run in report.runs if not run.good]
    if not report.levels:
        found.append("the report has no sound levels")
    if [one.moment for one in report.pictures] != ["start", "end"]:
        found.append(f"the report should show what was on air at start and end, found {report.pictures}")
    return found


async def run_once(
    rooms: int, port: int, data: Path | None, out: Path, between: Between = _nothing, *, real_obs: bool = False
) -> bool:
    """Run the loop once; returns whether every step truly happened."""
    story = Story()
    with made(data) as folder, made(out):
        try:
            await _run_in(folder, story, (rooms, port, real_obs), out, between)
        except DemoFailure:
            story.say(f"FAILED after {story.elapsed_s:.1f} s")
            return False
    story.say(f"the whole loop ran, {len(story.steps)} steps proven, in {story.elapsed_s:.1f} s")
    return True


async def _run_in(folder: Path, story: Story, size: tuple[int, int, bool], out: Path, between: Between) -> None:
    rooms, port, real_obs = size
    async with AsyncExitStack() as stack:
        children = await stack.enter_async_context(Children(folder / "logs"))
        with story.step("Mulai: central, its broker, and the rooms with their devices") as step:
            site = Site(folder, children, COMPRESSED, port, real_obs=real_obs)
            await site.start_central(rooms)
            step.saw(f"central at {site.url}")
            for room_id in ROOMS[:rooms]:
                room = await site.start_room(room_id)
                step.saw(f"{room.name}: tablet at {room.tablet}")
        office = await stack.enter_async_context(Office(site.url, site.password))
        await Loop(site, office, story, next(iter(site.rooms.values())), between).run(out)
