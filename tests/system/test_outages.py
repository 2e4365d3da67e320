"""A session without a broker, central, or room on the disk: it goes on, and all is told once afterwards."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from contract.words import Condition, EntryKind, Phase, Readiness, StepOutcome
from tests.system.stand import Stand, stand
from tests.until import until

pytestmark = pytest.mark.timeout(180)
RECALL = bytes.fromhex("01 04 3f 02")
AT_THE_END = 5
"""The camera's memory that the end's preset goes to."""


def was_put_away(room: Stand) -> bool:
    return RECALL + bytes([AT_THE_END]) in room.camera.ran


@pytest.mark.parametrize("away", ["broker", "central"])
async def test_a_session_without_a_way_to_central_is_carried_out_and_told_afterwards(tmp_path: Path, away: str) -> None:
    async with stand(tmp_path) as room:
        await room.start()
        room.book("s-1", start_in_s=5, lasts_s=6)
        await until(lambda: Phase.LIVE in room.phases("s-1"), within_s=40)
        async with room.without(away):
            await until(lambda: was_put_away(room), within_s=40)  # the room goes by the plan it holds
            assert Phase.ENDING not in room.phases("s-1"), "central was told although there was no way to it"
        await until(lambda: room.is_reported("s-1"), within_s=40)
        await until(lambda: room.reports()["s-1"] == 1, within_s=10)
        await room.stop()
        assert room.complaints(["s-1"]) == []


async def test_a_room_that_is_killed_while_nobody_hears_it_loses_nothing(tmp_path: Path) -> None:
    async with stand(tmp_path) as room:
        await room.start()
        room.book("s-1", start_in_s=5, lasts_s=4)
        await until(lambda: Phase.LIVE in room.phases("s-1"), within_s=40)
        async with room.without("central"):
            await until(lambda: was_put_away(room), within_s=40)
            await room.kill()
        await room.start()
        await until(lambda: room.is_reported("s-1"), within_s=40)
        await room.stop()
        assert room.complaints(["s-1"]) == []


def is_seen_at_central(room: Stand, condition: Condition, readiness: Readiness) -> bool:
    """Whether central holds the camera in `condition`, and the room worth what follows from it."""
    state = room.room_state()
    return state is not None and (state.devices["camera-1"].condition, state.readiness) == (condition, readiness)


@pytest.mark.parametrize("phase", [None, Phase.READY, Phase.LIVE])
async def test_a_camera_that_is_unplugged_is_known_at_central_and_found_again(
    tmp_path: Path, phase: Phase | None
) -> None:
    start_in_s = 3600 if phase is Phase.READY else 5
    async with stand(tmp_path) as room:
        await room.start()
        if phase is not None:
            room.book("s-1", start_in_s=start_in_s, lasts_s=3600)
            await until(lambda: phase in room.phases("s-1"), within_s=60)
        await until(lambda: is_seen_at_central(room, Condition.OK, Readiness.READY), within_s=60)
        room.camera.unplug()
        await until(lambda: is_seen_at_central(room, Condition.ABSENT, Readiness.NOT_READY), within_s=60)
        await until(lambda: "device-camera-1" in room.alerts(), within_s=60)
        alert = room.alerts()["device-camera-1"]
        assert (alert.severity, alert.session) == ("critical", None if phase is None else "s-1")
        room.camera.plug_in()
        await until(lambda: is_seen_at_central(room, Condition.OK, Readiness.READY), within_s=60)
        await until(lambda: "device-camera-1" not in room.alerts(), within_s=60)
        await room.stop()
        told = [e.body["condition"] for e in room.entries() if e.kind == EntryKind.DEVICE_CHANGED and e.device]
        assert told.count(Condition.ABSENT) == 1


def is_alarmed(room: Stand, session: str | None) -> bool:
    """Whether central has an alert of the camera, for the session that it threatens."""
    alert = room.alerts().get("device-camera-1")
    return alert is not None and (alert.severity, alert.session) == ("critical", session)


async def comes_back(room: Stand) -> None:
    """Plug the camera in and see central told of it, and of nothing amiss."""
    room.camera.plug_in()
    await until(lambda: is_seen_at_central(room, Condition.OK, Readiness.READY), within_s=60)
    await until(lambda: "device-camera-1" not in room.alerts(), within_s=60)


def outcomes(room: Stand, preset: str) -> list[str | None]:
    """Return how the runs of a preset ended, as central was told."""
    entries = room.entries()
    return [e.outcome for e in entries if e.kind == EntryKind.PRESET_ENDED and e.body["preset"] == preset]


async def test_a_camera_that_is_unplugged_while_preparing_keeps_the_room_preparing_until_it_is_back(
    tmp_path: Path,
) -> None:
    async with stand(tmp_path) as room:
        room.place_far(1)
        await room.start()
        await until(lambda: is_seen_at_central(room, Condition.OK, Readiness.READY), within_s=60)
        room.book("s-1", start_in_s=3600, lasts_s=3600)
        await until(lambda: Phase.PREPARING in room.phases("s-1") and room.camera.moving, within_s=60)
        room.camera.unplug()
        await until(lambda: is_seen_at_central(room, Condition.ABSENT, Readiness.NOT_READY), within_s=60)
        await until(lambda: is_alarmed(room, "s-1") and StepOutcome.FAILED in outcomes(room, "siap"), within_s=60)
        assert Phase.READY not in room.phases("s-1")
        await comes_back(room)
        await until(lambda: Phase.READY in room.phases("s-1"), within_s=60)
        await room.stop()
        assert set(room.phases("s-1")) == {Phase.PREPARING, Phase.READY}


async def test_a_camera_that_is_unplugged_while_ending_ends_the_session_all_the_same_and_is_reported(
    tmp_path: Path,
) -> None:
    async with stand(tmp_path) as room:
        room.place_far(5)
        await room.start()
        room.book("s-1", start_in_s=5, lasts_s=6)
        await until(lambda: Phase.ENDING in room.phases("s-1") and room.camera.moving, within_s=60)
        room.camera.unplug()
        await until(lambda: room.is_reported("s-1") and room.reports()["s-1"] == 1, within_s=60)
        assert outcomes(room, "selesai") == [StepOutcome.FAILED]
        (put_away,) = [run for run in room.report("s-1").runs if run.preset == "selesai"]
        assert [step.outcome.good for step in put_away.steps] == [False]
        await until(lambda: is_alarmed(room, None), within_s=60)  # it threatens no session any more
        await comes_back(room)
        await room.stop()
        assert room.complaints(["s-1"]) == []


async def test_a_camera_that_is_unplugged_on_the_way_to_the_safe_state_fails_it_loudly_and_reaches_it_once_back(
    tmp_path: Path,
) -> None:
    async with stand(tmp_path) as room:
        room.place_far(6)
        await room.start()
        await until(lambda: is_seen_at_central(room, Condition.OK, Readiness.READY), within_s=60)
        await room.press("aman")
        await until(lambda: room.camera.moving, within_s=60)
        room.camera.unplug()
        await until(lambda: outcomes(room, "aman") == [StepOutcome.FAILED] and is_alarmed(room, None), within_s=60)
        await comes_back(room)
        await room.press("aman")
        await until(lambda: outcomes(room, "aman") == [StepOutcome.FAILED, StepOutcome.DONE], within_s=60)
        await room.stop()


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[Path]:
    """Give `folder` a disk of its own that is soon full."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here: that takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(ballast: Path) -> None:
    """Take all the space that is left."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


async def test_a_disk_that_fills_up_in_a_session_stops_nothing_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data", 6) as disk:
        ballast = disk / "ballast"
        async with stand(tmp_path) as room:
            await room.start()
            room.book("s-1", start_in_s=6, lasts_s=6)
            await until(lambda: Phase.PREPARING in room.phases("s-1"), within_s=40)
            fill(ballast)
            try:
                await until(lambda: was_put_away(room), within_s=60)  # from memory
            finally:
                ballast.unlink()
            await until(lambda: room.is_reported("s-1"), within_s=40)
            await room.stop()
            assert room.complaints(["s-1"]) == []
            told = [e for e in room.entries() if e.kind == EntryKind.DEVICE_CHANGED and e.device == "agent-storage"]
            assert "fault" in [entry.body["condition"] for entry in told]
            assert EntryKind.JOURNAL_GAP not in {entry.kind for entry in room.entries()}
