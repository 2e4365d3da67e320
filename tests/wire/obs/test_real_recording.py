"""Is a real OBS's recording named after its session, and does the look into the file tell what is in it?"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from drivers import Verdict
from drivers.obs.device import ObsStudio
from drivers.obs.model import Call
from drivers.obs.recording import MARK, Recording, examine
from drivers.obs.splitting import Split, files_of
from drivers.ports import ShowWanted
from tests.until import until
from tests.wire.obs import real


@pytest.fixture(scope="module")
def obs() -> Iterator[real.RealObs]:
    real.needed()
    running = real.RealObs()
    try:
        running.start()
        yield running
    finally:
        running.stop()


async def test_a_recording_has_its_sessions_name_and_its_file_is_examined(obs: real.RealObs) -> None:
    device, closed = ObsStudio("obs", "127.0.0.1", obs.port, obs.password), []
    device.on_recorded = lambda path, lasted_s: closed.append(Recording(path, lasted_s))
    device.record_as = "Rapat: TPID / inflasi"
    await device.open()
    tone = obs.play_tone(8.0)
    try:
        await device.scene("Ruang")
        await device.record(True)
        where = {"parameterCategory": "Output", "parameterName": "FilenameFormatting"}
        formed = await device.link.question(Call("GetProfileParameter", where))
        assert not str(formed.get("parameterValue") or "").startswith(MARK)
        await asyncio.sleep(3.0)  # what is recorded is what is measured
        await device.record(False)
        await until(lambda: bool(closed))
    finally:
        tone.terminate()
        tone.wait(5)
        await device.close()
    path = Path(closed[0].path)
    assert path.name.startswith(f"{MARK}Rapat TPID inflasi - 20")
    found = await examine(closed[0], local=True)
    assert {one.name: one.verdict for one in found.measures} == dict.fromkeys(
        ("record_streams", "record_length", "record_sound", "record_picture"), Verdict.PASS
    )
    content = await asyncio.to_thread(path.read_bytes)
    assert (found.sha256, found.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))


async def test_a_long_recording_is_split_and_every_part_is_found_and_examined() -> None:
    real.needed()
    studio = real.RealObs(canvas=(1280, 720), fps=30)  # large enough for a megabyte in a few seconds
    device, closed = ObsStudio("obs", "127.0.0.1", studio.port, studio.password, ShowWanted(split=True)), []
    device.split, device.record_as = Split(1, by_size=True), "Rapat TPID"
    device.on_recorded = lambda path, lasted_s: closed.append(Recording(path, lasted_s))
    await asyncio.to_thread(studio.start)
    try:
        await device.open()
        simple = {one.name: one for one in await device.inspect(ShowWanted())}["record_split"]
        assert (simple.verdict, simple.reason and simple.reason.code) == (Verdict.WARN, "obs.split_impossible")
        await _advanced(device)
        found = {one.name: one.verdict for one in await device.inspect(ShowWanted())}
        assert found["record_split"] is Verdict.PASS
        await device.record(True)
        assert (
            await device._parameter("AdvOut", "RecSplitFile") != "true"
        )  # a person's own recordings stay as they were
        await until(partial(_goes_on_in_another, studio, device), within_s=40.0)
        await device.record(False)
        await until(lambda: bool(closed))
        files = files_of(closed[0], time.time())
        assert [Path(file.path) for file in files] == sorted(studio.recordings.iterdir())
        lengths = [(await examine(file, local=True)).length_s or 0.0 for file in files]
        last = replace(files[-1], before_s=sum(lengths[:-1]))
        measures = {one.name: one.verdict for one in (await examine(last, local=True)).measures}
        assert measures["record_length"] is Verdict.PASS
        short = {one.name: one.verdict for one in (await examine(replace(last, before_s=0.0), local=True)).measures}
        assert short["record_length"] is Verdict.FAIL
    finally:
        await device.close()
        await asyncio.to_thread(studio.stop)


async def _advanced(device: ObsStudio) -> None:
    """Have OBS use its advanced output mode, which it takes up with the profile."""
    mode = {"parameterCategory": "Output", "parameterName": "Mode", "parameterValue": "Advanced"}
    await device.tell("mode", Call("SetProfileParameter", mode))
    await device.profile(real.FULL_PROFILE)
    await device.profile(real.PROFILE)


async def _goes_on_in_another(studio: real.RealObs, device: ObsStudio) -> bool:
    """Have something to record, and say whether there is a second file."""
    for name in real.SCENES:
        await device.scene(name)
        await asyncio.sleep(0.2)
    return len(list(studio.recordings.iterdir())) > 1


async def test_a_file_elsewhere_or_gone_or_cut_off_is_not_called_good(tmp_path: Path) -> None:
    assert (await examine(Recording("/a.mkv", 3.0), local=False)).verdict is Verdict.UNPROVEN
    assert (await examine(Recording("", 3.0), local=True)).verdict is Verdict.UNPROVEN
    assert (await examine(Recording(str(tmp_path / "a.mkv"), 3.0), local=True)).verdict is Verdict.FAIL
    (tmp_path / "b.mkv").write_bytes(b"\x1aE\xdf\xa3" + bytes(500))
    broken = await examine(Recording(str(tmp_path / "b.mkv"), 3.0), local=True)
    assert [one.reason.code for one in broken.measures if one.reason] == ["obs.record_unreadable"]


async def test_without_ffmpeg_nothing_is_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mkv").write_bytes(b"something")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await examine(Recording(str(tmp_path / "a.mkv"), 3.0), local=True)
    assert [one.reason.code for one in found.measures if one.reason] == ["obs.no_ffmpeg"]
    assert (found.verdict, found.size_bytes) == (Verdict.UNPROVEN, 9)
