"""`siaga device` on a simulated camera, as a person runs it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers import DeviceAddress
from drivers.visca.sim import SimulatedCamera, serve
from drivers.visca.trace import Trace
from siaga.camera import UsageError
from siaga.device import ask
from tests.until import until


@pytest.fixture
async def simulated() -> AsyncIterator[SimulatedCamera]:
    async with serve() as running:
        yield running


def command(*words: str) -> tuple[str, ...]:
    return sys.executable, "-m", "siaga", "device", *words


async def run(*words: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *command(*words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(40):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_help_lists_every_verb_with_its_words(simulated: SimulatedCamera) -> None:
    code, out, _ = await run(simulated.address, "--help")
    assert code == 0
    assert {"jog PAN TILT ZOOM --for SECONDS", "ask NAME", "raw HEX", "stop", "recall MEMORY"} <= set(out.splitlines())


async def test_recall_with_a_written_trace(simulated: SimulatedCamera, tmp_path: Path) -> None:
    file = tmp_path / "recall.txt"
    code, out, err = await run(simulated.address, "recall", "1", "--json", "--trace", str(file))
    assert code == 0, err
    assert json.loads(out)["outcome"] == "completed"
    text = file.read_text()
    assert "CAM_Memory Recall: memory 1" in text
    assert len(Trace.parse(text)) > 10


async def test_trace_is_shown_on_failure_too(simulated: SimulatedCamera) -> None:
    code, _, err = await run(simulated.address, "recall", "77", "--trace")
    assert code == 1
    assert "Refused 41 not executable" in err


async def test_any_row_of_the_table_by_name(simulated: SimulatedCamera) -> None:
    code, out, err = await run(simulated.address, "ask", "cam_powerinq", "--json")
    assert code == 0, err
    assert 2 in json.loads(out)["read_back"].values()
    code, _, err = await run(simulated.address, "set", "CAM_Zoom", "Direct", "0x1000")
    assert code == 0, err
    await until(lambda: simulated.zoom > 0.2)


async def test_raw_frame_is_answered(simulated: SimulatedCamera) -> None:
    code, out, err = await run(simulated.address, "raw", "81", "09", "04", "00", "FF", "--json")
    assert code == 0, err
    assert "02" in json.dumps(json.loads(out)["read_back"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ask", "CAM_Powr"], "CAM_PowerInq"),
        (["set", "CAM_Memory Recall"], "wanted 1 values, got 0"),
        (["set", "CAM_Memory Recall", "three"], "memory must be 0 to"),
        (["raw", "hello"], "a whole frame"),
        (["jog", "1", "2"], "jog PAN TILT ZOOM --for SECONDS"),
        (["focus", "sharp"], "focus auto"),
        (["menu", "on"], "menu off"),
        (["doctor", "--fast"], "doctor [--stub FILE.toml] [--move]"),
        (["dance"], "no verb 'dance'"),
        (["recall", "300"], "recall MEMORY"),
    ],
)
async def test_nonsense_is_said_with_what_there_is(simulated: SimulatedCamera, words: list[str], said: str) -> None:
    code, out, err = await run(simulated.address, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "words",
    [
        ["jog", "0.5", "0"],
        ["jog", "2", "0", "0", "--for", "1"],
        ["jog", "0", "0", "0", "--for", "1e9"],
        ["focus", "near"],
        ["menu", "on"],
        ["tally", "blue"],
        ["ask", "CAM_NothingInq"],
        ["set", "CAM_Zoom Direct", "99999"],
        ["raw", "81 FF FF"],
    ],
)
async def test_wrong_words_are_found_before_a_link_is_made(words: list[str]) -> None:
    address = DeviceAddress.parse("visca+udp://camera.invalid")
    with pytest.raises(UsageError):
        await ask(address, words, None)


async def test_doctor_writes_a_profile_that_can_be_used(simulated: SimulatedCamera, tmp_path: Path) -> None:
    file = tmp_path / "found.toml"
    code, out, err = await run(simulated.address, "doctor", "--stub", str(file))
    assert code == 0, err
    assert "brc-x400" in out
    code, out, err = await run(f"{simulated.address}?profile={file}", "move-to", "5", "2", "--json")
    assert code == 0, err
    assert json.loads(out)["read_back"]["pan_deg"] == pytest.approx(5.0, abs=0.1)


async def test_jog_that_is_terminated_leaves_the_camera_still(simulated: SimulatedCamera) -> None:
    process = await asyncio.create_subprocess_exec(
        *command(simulated.address, "jog", "0.5", "0", "0", "--for", "30"), stderr=asyncio.subprocess.PIPE
    )
    await until(lambda: simulated.moving, within_s=20.0)
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        _, err = await process.communicate()
    assert process.returncode == 1
    assert b"ended by SIGTERM" in err
    assert not simulated.moving


async def test_address_that_cannot_be_reached_is_one_line() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        refused = f"visca+udp://127.0.0.1:{free.getsockname()[1]}"
    for address in (refused, "visca+udp://no-such-camera.invalid"):
        code, _, err = await run(address, "position")
        assert code == 1
        assert len([line for line in err.splitlines() if not line.startswith("warning: ")]) == 1
        assert "Traceback" not in err
