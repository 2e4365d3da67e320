"""One whole agent as a process, on a real broker and simulated devices on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from agent.check import check
from contract import Command
from contract.messages import RoomState
from contract.words import Condition, EntryKind, Phase, Presence, Readiness, StepOutcome
from tests.broker import free_port
from tests.processes import Process, running, start
from tests.rooms import agent
from tests.service.agent import rig
from tests.service.agent.rig import Central, broker, session, simulator
from tests.until import until

pytestmark = pytest.mark.timeout(300)
PATIENT_S = 60.0
"""Everything here takes a second or two; a crowded machine takes what it likes."""
SOON_S = 20.0
"""When a session begins that is to be ready before."""


class Rig:
    """What one test starts from."""

    def __init__(self, central: Central, config: Path, camera: Process, sound: Process) -> None:
        self.central = central
        self.config = config
        self.camera = camera
        self.sound = sound

    @property
    def state(self) -> RoomState | None:
        return self.central.states[-1] if self.central.states else None

    def device(self, name: str) -> Condition | None:
        return self.state.devices[name].condition if self.state else None


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Rig]:
    async with (
        broker(tmp_path) as port,
        running(*simulator("drivers.visca.sim", "--on")) as camera,
        running(*simulator("drivers.audio.sim")) as sound,
        Central(port).online() as central,
    ):
        config = tmp_path / "praja-1.yaml"
        config.write_text(rig.ROOM_FILE.format(broker=port, camera=camera.address, sound=sound.address))
        yield Rig(central, config, camera, sound)


async def test_a_central_restored_from_a_copy_gets_what_the_copy_lacks(room: Rig) -> None:
    central = room.central
    async with running(*agent(room.config)):
        await until(lambda: len(central.numbers) >= 3, within_s=PATIENT_S)
        lost = max(central.numbers)
        central.entries = {key: entry for key, entry in central.entries.items() if key[1] <= 1}
        central.epoch = "epoch-2"
        await central.announce()
        await until(lambda: central.numbers[:lost] == [*range(1, lost + 1)], within_s=PATIENT_S)


async def test_a_session_is_prepared_carried_out_and_reported(room: Rig) -> None:
    central = room.central
    async with running(*agent(room.config)):
        await central.publish(session(start_in_s=SOON_S, lasts_s=2))
        await until(lambda: bool(central.reports()), within_s=PATIENT_S)
    report = central.reports()[0]
    assert report.carried_out
    assert [move.phase for move in report.moves] == [
        Phase.PREPARING, Phase.READY, Phase.LIVE, Phase.ENDING, Phase.ENDED
    ]  # fmt: skip
    assert [run.preset for run in report.runs] == ["siap", "mulai", "selesai"]
    assert all(run.good for run in report.runs)
    recall = next(step for step in report.runs[0].steps if step.verb == "recall")
    assert recall.outcome is StepOutcome.VERIFIED
    assert recall.read_back["pan_deg"] == pytest.approx(-30, abs=0.5)
    assert report.certificate is not None
    assert report.certificate.readiness is Readiness.READY
    measured = {device.name: {m.name: m.verdict for m in device.measures} for device in report.certificate.devices}
    assert measured["clock"] == {"clock_offset": "pass"}
    assert {measured["central"][name] for name in ("rtt", "jitter", "loss")} == {"pass"}
    assert report.levels
    assert [tick.ticked_at for tick in report.checklist] == [None]
    assert central.numbers == list(range(1, len(central.numbers) + 1))
    assert central.presences[-1].state is Presence.OFFLINE


async def test_a_kill_between_preparation_and_live_still_ends_in_one_report(room: Rig) -> None:
    central = room.central
    first = await start(*agent(room.config))
    await central.publish(session(start_in_s=SOON_S, lasts_s=2))
    await until(central.has_phase(Phase.READY), within_s=PATIENT_S)
    await first.kill()
    async with running(*agent(room.config)):
        await until(lambda: bool(central.reports()), within_s=PATIENT_S)
        await until(central.has_phase(Phase.REPORTED), within_s=PATIENT_S)
    reports = central.reports()
    assert len(reports) == 1
    assert reports[0].carried_out
    assert reports[0].certificate is not None
    assert [entry.kind for entry in central.journal].count(EntryKind.AGENT_STARTED) == 2
    assert central.numbers == list(range(1, len(central.numbers) + 1))


async def test_an_absent_camera_is_told_with_its_reason_and_found_again(room: Rig) -> None:
    central = room.central
    async with running(*agent(room.config)):
        await until(lambda: room.device("camera-1") is Condition.OK, within_s=PATIENT_S)
        where = room.camera.address.rsplit("/", 1)[1]
        await room.camera.stop()
        await until(lambda: room.device("camera-1") is Condition.ABSENT, within_s=PATIENT_S)
        assert room.state is not None
        assert room.state.readiness is Readiness.NOT_READY
        assert "camera-1" in {reason.values.get("device") for reason in room.state.reasons}
        await until(lambda: bool(central.alerts.get("device-camera-1")), within_s=PATIENT_S)
        async with running(*simulator("drivers.visca.sim", "--on", listen=where)):
            await until(lambda: room.device("camera-1") is Condition.OK, within_s=PATIENT_S)
            await until(lambda: central.alerts.get("device-camera-1") == b"", within_s=PATIENT_S)


async def test_the_tablet_page_shows_the_room_and_takes_presses(room: Rig) -> None:
    async with running(*agent(room.config)) as process, httpx.AsyncClient(base_url=process.address) as browser:
        await until(lambda: room.device("sound") is Condition.OK, within_s=PATIENT_S)
        await room.central.publish(session(start_in_s=600, lasts_s=3600, prepare_in_s=500))
        page = ""
        async with asyncio.timeout(PATIENT_S):
            while "Rapat Koordinasi" not in page:
                answer = await browser.get("/")
                assert answer.status_code == 200
                page = answer.text
        assert "Ruang Rapat Praja I" in page
        pressed = await browser.post("/api/v1/presets/selesai/run", headers={"Origin": process.address})
        assert pressed.is_success, pressed.text
        await until(lambda: any(e.kind == EntryKind.PRESET_ENDED for e in room.central.journal), within_s=PATIENT_S)
        runs = [e for e in room.central.journal if e.kind == EntryKind.PRESET_ENDED]
        assert [(e.cause, e.outcome) for e in runs] == [("tablet", StepOutcome.DONE)]


async def test_check_opens_every_device_once_and_tells_what_it_found(room: Rig) -> None:
    await room.sound.stop()
    found = await check(room.config)
    assert found.assessment.readiness is Readiness.NOT_READY
    rows = {row["device"]: row for row in found.table()}
    assert rows["camera-1"]["condition"] == "ok"
    assert rows["sound"]["condition"] == "absent"
    assert rows["sound"]["reason"]


async def test_orders_are_carried_out_once_and_late_ones_refused(room: Rig) -> None:
    central, now = room.central, datetime.now(UTC)

    def order(kind: str, expires_in_s: float) -> Command:
        expires_at = now + timedelta(seconds=expires_in_s)
        return Command.model_validate({
            "kind": kind, "preset": "selesai", "issued_at": now, "expires_at": expires_at, "by": "user:budi"
        })  # fmt: skip

    fresh, late = order("run_preset", 2 * PATIENT_S), order("run_preset", -60)
    async with running(*agent(room.config)):
        await until(lambda: room.device("sound") is Condition.OK, within_s=PATIENT_S)
        await central.order(fresh)
        await until(lambda: [r.status for r in central.replies][-1:] == ["ok"], within_s=PATIENT_S)
        assert [r.status for r in central.replies][:2] == ["accepted", "progress"]
        said = len(central.replies)
        await central.order(fresh)
        await central.order(late)
        await until(lambda: len(central.replies) == said + 2, within_s=PATIENT_S)
        assert [r.status for r in central.replies[said:]] == ["ok", "expired"]
        await until(
            lambda: [e.outcome for e in central.journal if e.kind == EntryKind.COMMAND] == ["accepted", "expired"],
            within_s=PATIENT_S,
        )
    assert [entry.kind for entry in central.journal].count(EntryKind.PRESET_STARTED) == 1


async def test_the_room_starts_and_stops_with_the_broker_and_all_devices_away(tmp_path: Path) -> None:
    config = tmp_path / "praja-1.yaml"
    ports = [free_port() for _ in range(3)]
    camera, sound = f"visca+udp://127.0.0.1:{ports[1]}", f"audio+model://127.0.0.1:{ports[2]}"
    config.write_text(rig.ROOM_FILE.format(broker=ports[0], camera=camera, sound=sound))
    process = await start(*agent(config))
    assert await process.stop() == 0
