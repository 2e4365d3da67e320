"""Cameras that must not be asked too much, and one that never answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from drivers import Condition, Verdict
from drivers.errors import DriverError
from drivers.visca import profiles
from drivers.visca.asker import BURST
from drivers.visca.device import ViscaCamera
from drivers.visca.sim import SimulatedCamera
from drivers.visca.trace import Way
from tests.until import until
from tests.wire.visca.conftest import camera_at

PROFILE = Path(profiles.__file__).parent / "brc-x400.toml"
CLOCK_S = 0.002
"""A loop may come back so much before the time it was given."""
LEASE = timedelta(seconds=0.3)
INQUIRY, COMMAND = b"\x01\x10", b"\x01\x00"

With = Callable[[str], ViscaCamera]


@pytest.fixture
def quirky(simulated: SimulatedCamera, tmp_path: Path) -> With:
    """Make an unopened camera whose profile has these quirks."""

    def made(quirks: str) -> ViscaCamera:
        lines = [line for line in PROFILE.read_text().splitlines() if not line.startswith("quirks")]
        at = lines.index("tried = false")
        file = tmp_path / "quirky.toml"
        file.write_text("\n".join([*lines[:at], f"quirks = {{ {quirks} }}", *lines[at:]]))
        return camera_at(simulated, f"{'&' if '?' in simulated.address else '?'}profile={file}")

    return made


def sent(camera: ViscaCamera, kind: bytes) -> list[tuple[float, bytes]]:
    """Return when what of this kind went out."""
    entries = [entry for entry in camera.trace if entry.way is Way.OUT and entry.message[:2] == kind]
    return [(entry.at_s, entry.message[8:]) for entry in entries]


async def test_checks_ask_no_more_often_than_the_camera_bears(quirky: With) -> None:
    camera = quirky("poll_max_hz = 20")
    await camera.open()
    camera.trace.clear()
    for _ in range(4):
        await camera.check()
    times = [at for at, _ in sent(camera, INQUIRY)]
    await camera.close()
    assert len(times) >= 4 * BURST  # and those of the proof that it stands since it was opened
    assert times[-1] - times[0] >= (len(times) - 2 * BURST) / 20 - CLOCK_S


async def test_messages_keep_their_distance_and_a_stop_does_not(quirky: With) -> None:
    camera = quirky("min_gap_ms = 60")
    await camera.open()
    camera.trace.clear()
    await camera.position()
    times = [at for at, _ in sent(camera, INQUIRY)]
    assert all(later - at >= 0.06 - CLOCK_S for at, later in pairwise(times))
    camera.trace.clear()
    looks = [asyncio.create_task(camera.position()) for _ in range(2)]
    await until(lambda: len(camera.trace) > 0)
    stop = asyncio.create_task(camera.stop(prove=False))
    await asyncio.gather(stop, *looks)
    first = [entry.message for entry in camera.trace if entry.way is Way.OUT][:3]
    await camera.close()
    assert [message[:2] for message in first] == [INQUIRY, COMMAND, COMMAND]


async def test_nothing_of_a_camera_that_never_answers_is_green(quirky: With, simulated: SimulatedCamera) -> None:
    simulated.set_fault("reply_port", 9)
    camera = quirky("blind = true")
    await camera.open()
    health = await camera.check()
    assert health.condition is not Condition.OK
    assert Verdict.PASS not in {measure.verdict for measure in health.measures}
    with pytest.raises(DriverError):
        await camera.position()
    with pytest.raises(DriverError):
        await camera.power(True)
    await camera.close()


async def test_camera_that_never_answers_is_stopped_all_the_same(quirky: With, simulated: SimulatedCamera) -> None:
    simulated.set_fault("reply_port", 9)
    camera = quirky("blind = true")
    await camera.open()
    await camera.drive(0.2, 0.0, 0.0, lease=LEASE)
    await until(lambda: simulated.moving)
    await until(lambda: not simulated.moving)
    await camera.drive(0.2, 0.0, 0.0, lease=timedelta(seconds=30))
    await until(lambda: simulated.moving)
    with pytest.raises(DriverError):  # nobody knows
        await camera.stop()
    await until(lambda: not simulated.moving)
    await camera.drive(0.2, 0.0, 0.0, lease=timedelta(seconds=30))
    await until(lambda: simulated.moving)
    await camera.close()
    await until(lambda: not simulated.moving)
