"""Is a real OBS's recording named after its session, and does the look into the file tell what is in it?"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers import Verdict
from drivers.obs.device import ObsStudio
from drivers.obs.model import Call
from drivers.obs.recording import MARK, Recording, examine
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
