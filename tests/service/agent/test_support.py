"""The support bundle holds what somebody far away needs, and no secret."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import zipfile
from pathlib import Path

import pytest

from agent.board import HealthBoard, Sighting
from agent.clock import SystemClock
from agent.journal import Journal
from agent.store import Store
from agent.support import LOG_RECORDS, LogRing, Support, scrubbed
from contract.words import EntryKind
from drivers import DeviceAddress
from drivers.registry import connect
from drivers.visca.sim import serve
from drivers.visca.trace import Trace

PASSWORD = "rahasia-sekali"


async def test_a_bundle_tells_versions_devices_journal_log_and_frames(tmp_path: Path) -> None:
    config = tmp_path / "room.yaml"
    config.write_text(f"room: praja-1\nnote: {PASSWORD}\n")
    store, clock = Store(tmp_path / "data"), SystemClock()
    journal = Journal(store, clock, "b-1")
    journal.append(EntryKind.NOTE, body={"text": f"kata sandi OBS: {PASSWORD}"})
    board = HealthBoard([Sighting("main", "camera", True)], clock)
    async with serve("127.0.0.1:0", on=True, v_period=0.001) as simulated:
        camera = connect("main", DeviceAddress.parse(simulated.address), None)
        await camera.open()
        board.post("main", await camera.check())
        with LogRing.listening() as logs:
            logging.getLogger("agent.test").warning("link to obs with %s lost", PASSWORD)
            support = Support(config, {"main": camera}, board, journal, logs, clock, (PASSWORD,))
            made = await support.bundle()
        await camera.close()
    store.close()
    with zipfile.ZipFile(io.BytesIO(made)) as bundle:
        texts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert set(texts) == {"about.json", "room.yaml", "devices.json", "journal.jsonl", "log.txt", "traces/main.txt"}
    assert PASSWORD not in "".join(texts.values())
    assert json.loads(texts["about.json"])["journal_entries"] == 1
    assert json.loads(texts["devices.json"])["main"]["condition"] == "ok"
    assert json.loads(texts["journal.jsonl"])["kind"] == "note.added"
    assert "link to obs with *** lost" in texts["log.txt"]
    assert len(Trace.parse(texts["traces/main.txt"])) > 4
    assert "CAM_VersionInq" in texts["traces/main.txt"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("password: hunter2", "password: ***"),
        ('{"token": "abc123", "room": "praja-1"}', '{"token": "***", "room": "praja-1"}'),
        ("obs_password=x y", "obs_password=*** y"),
        ("rtsp://user:secret-word@127.0.0.1/1", "rtsp://user:***@127.0.0.1/1"),
        ("the passage is long: mind it", "the passage is long: mind it"),
        ("http://127.0.0.1:8080/live", "http://127.0.0.1:8080/live"),
    ],
)
def test_what_looks_like_a_secret_is_struck_out(text: str, left: str) -> None:
    assert scrubbed(text, ()) == left


def test_the_log_is_kept_to_its_end_and_no_longer() -> None:
    with LogRing.listening() as ring:
        logger = logging.getLogger("agent.test")
        for number in range(LOG_RECORDS + 10):
            logger.warning("record %d", number)
        ring.handle(logging.LogRecord("agent.test", logging.WARNING, __file__, 1, "bad %d", ("no number",), None))
        logger.warning("x" * 100_000)
    lines = ring.text().splitlines()
    assert len(lines) == LOG_RECORDS
    assert "record 12" in lines[0]
    assert "bad %d" in lines[-2]
    assert len(lines[-1]) == 2000


async def test_a_trace_is_written_while_its_camera_talks(tmp_path: Path) -> None:
    """The bundle is made beside the loop, from rings that fill meanwhile."""
    config = tmp_path / "gone.yaml"
    store, clock = Store(tmp_path / "data"), SystemClock()
    board = HealthBoard([Sighting("main", "camera", True)], clock)
    async with serve("127.0.0.1:0", on=True, v_period=0) as simulated:
        camera = connect("main", DeviceAddress.parse(simulated.address), None)
        await camera.open()
        support = Support(config, {"main": camera}, board, Journal(store, clock, "b-1"), LogRing(), clock, ())
        making = asyncio.create_task(support.bundle())
        while not making.done():
            await camera.check()
        made = await making
        await camera.close()
    store.close()
    with zipfile.ZipFile(io.BytesIO(made)) as bundle:
        assert "No such file" in bundle.read("room.yaml").decode()
