"""What the doctor finds out about cameras that are on, off, lossy, silent or elsewhere."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from drivers.address import DeviceAddress
from drivers.outcomes import Verdict
from drivers.visca.doctor import Report, examine
from drivers.visca.lines import line_for
from drivers.visca.neighbours import candidates
from drivers.visca.profiles import load
from drivers.visca.sim import SimulatedCamera, serve
from drivers.visca.trace import Trace, Way
from tests.until import until


async def examined(address: str, *, move: bool = False) -> tuple[Report, Trace]:
    parsed = DeviceAddress.parse(address)
    line = line_for(parsed, local_port=0)  # tests beside this one have cameras that answer to the usual port
    trace = Trace(line.framing)
    return await examine(line, parsed, trace, move=move), trace


def _sent(trace: Trace) -> list[bytes]:
    return [entry.message[8:] for entry in trace if entry.way is Way.OUT]


async def test_camera_by_the_book_is_found_to_be_so(simulated: SimulatedCamera) -> None:
    report, _ = await examined(simulated.address)
    found = report.values
    assert report.answers
    assert (found["vendor"], found["model"], found["power"]) == ("0001", "051C", "on")
    assert (found["pan_nibbles"], found["tilt_nibbles"]) == (4, 4)
    assert found["numbers"] == "kept"
    assert found["answer_port"] == "sender"
    assert found["commands"] == "ack, completion"
    assert found["profile"] == "brc-x400"
    assert isinstance(found["inquiries_answered"], int)
    assert found["inquiries_answered"] >= 5


async def test_unasked_nothing_moves(simulated: SimulatedCamera) -> None:
    _, trace = await examined(simulated.address)
    commands = {frame for frame in _sent(trace) if frame[1:2] == b"\x01" and len(frame) > 2}
    assert commands == {bytes.fromhex("81010407 00ff")}
    assert (simulated.pan_deg, simulated.tilt_deg, simulated.zoom) == (0.0, 0.0, 0.0)


async def test_small_moves_measure_and_lead_back(simulated: SimulatedCamera) -> None:
    report, _ = await examined(simulated.address, move=True)
    found = report.values
    slow, fast = found["pan_steps_per_s_4"], found["pan_steps_per_s_10"]
    assert isinstance(slow, int)
    assert isinstance(fast, int)
    assert 0 < slow < fast
    assert found["one_speed"] is True
    assert not simulated.moving
    assert abs(simulated.pan_deg) < 0.2
    assert abs(simulated.zoom) < 0.01


async def test_examination_given_up_in_mid_move_leaves_the_camera_still(simulated: SimulatedCamera) -> None:
    examination = asyncio.create_task(examined(simulated.address, move=True))
    await until(lambda: simulated.moving, within_s=20.0)
    examination.cancel()
    await asyncio.gather(examination, return_exceptions=True)
    await until(lambda: not simulated.moving)


async def test_standby_is_said_and_nothing_is_guessed() -> None:
    async with serve(on=False) as simulated:
        report, _ = await examined(simulated.address, move=True)
        assert not simulated.on
    verdicts = {finding.name: finding.verdict for finding in report.findings}
    assert report.value("power") == "standby"
    assert {verdicts[name] for name in ("position", "zoom_steps", "commands", "moves")} == {Verdict.UNPROVEN}
    assert report.value("numbers") == "kept"


async def test_loss_is_told_from_silence() -> None:
    async with serve(faults={"loss": "0.05", "seed": "4"}) as simulated:
        report, _ = await examined(simulated.address)
    assert report.value("numbers") == "kept"
    assert report.value("commands") in {"ack, completion", "completion only", "ack only"}
    assert report.value("profile") == "brc-x400"


async def test_stub_is_a_profile_that_the_driver_reads(simulated: SimulatedCamera, tmp_path: Path) -> None:
    report, _ = await examined(simulated.address)
    file = tmp_path / "camera.toml"
    file.write_text(report.stub(), encoding="utf-8")
    profile = load(file)
    assert profile.name == "camera-0001-051c"
    assert "pan_deg" in profile.assumed
    assert not profile.tried


async def test_silent_camera_is_one_clear_line() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        report, _ = await examined(f"visca+udp://127.0.0.1:{silent.getsockname()[1]}")
    assert not report.answers
    assert report.value("link") == "silent"
    assert any(finding.name == "answers_on" for finding in report.findings)


async def test_camera_with_another_framing_is_found(simulated: SimulatedCamera) -> None:
    report, _ = await examined(simulated.address + "?framing=raw")
    (finding,) = (finding for finding in report.findings if finding.name == "answers_on")
    assert simulated.address in str(finding.value)
    assert finding.meaning == f"it answers on {simulated.address}: use that address"


async def test_port_that_refuses_says_so() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    report, _ = await examined(f"visca+tcp://127.0.0.1:{port}")
    assert report.value("link") == "none"
    assert "nothing listens there" in report.lines()[0]


@pytest.mark.parametrize(
    ("address", "others"),
    [
        ("visca+udp://192.0.2.1", ["visca+tcp://192.0.2.1:5678", "visca+udp://192.0.2.1:1259"]),
        ("visca+tcp://192.0.2.1", ["visca+udp://192.0.2.1:52381", "visca+udp://192.0.2.1:1259"]),
        ("visca+serial:///dev/ttyUSB0", ["visca+serial:///dev/ttyUSB0?baud=38400"]),
    ],
)
def test_other_ways_to_the_same_camera(address: str, others: list[str]) -> None:
    found = [str(other) for other in candidates(DeviceAddress.parse(address))]
    assert set(others) <= set(found)
    assert address not in found


@pytest.mark.parametrize("carrier", ["udp-raw", "tcp", "serial", "rfc2217"])
async def test_every_carrier_is_examined(carrier: str) -> None:
    listen = "pty" if carrier == "serial" else "127.0.0.1:0"
    async with serve(listen, carrier=carrier, baud=38400) as simulated:
        report, _ = await examined(simulated.address)
    assert report.answers
    assert report.value("numbers") == "none"
    assert report.value("commands") == "ack, completion"
    assert report.value("pan_nibbles") == 4


async def test_small_moves_on_a_bare_line_lead_back() -> None:
    async with serve(carrier="tcp", model="ptzoptics-g2") as simulated:
        report, _ = await examined(simulated.address, move=True)
        assert not simulated.moving
        assert simulated.zoom == pytest.approx(0.0, abs=0.01)
    assert report.value("one_speed") is False
    assert report.value("zoom_off_steps") == 0


@pytest.mark.parametrize(("model", "widths"), [("brc-x1000", (5, 4)), ("fr7", (5, 5))])
async def test_wide_positions_are_found_and_stand_in_the_stub(model: str, widths: tuple[int, int]) -> None:
    async with serve(model=model) as simulated:
        report, _ = await examined(simulated.address)
    assert (report.value("pan_nibbles"), report.value("tilt_nibbles")) == widths
    assert f"pan_nibbles = {widths[0]}\ntilt_nibbles = {widths[1]}\n" in report.stub()


@pytest.mark.parametrize(
    ("faults", "name", "value"),
    [
        ({"lying_sequence": "1"}, "numbers", "lies"),
        ({"no_ack": "1"}, "commands", "completion only"),
        ({"no_completion": "1"}, "commands", "ack only"),
    ],
)
async def test_quirk_is_found(faults: dict[str, str], name: str, value: str) -> None:
    async with serve(faults=faults) as simulated:
        report, _ = await examined(simulated.address)
    finding = next(finding for finding in report.findings if finding.name == name)
    assert (finding.value, finding.verdict) == (value, Verdict.WARN)
    assert ("seq_lies = true" in report.stub()) is (value == "lies")
    assert ("no_ack = true" in report.stub()) is (value == "completion only")
