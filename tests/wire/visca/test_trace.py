"""Conversations with the simulator are recorded, written, read back, and drawn again from a session."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drivers.visca.line import Framing
from drivers.visca.session import Session
from drivers.visca.sim import serve
from drivers.visca.trace import Trace, Way, replay
from tests.wire.visca.conftest import camera_at


@pytest.mark.parametrize("faults", [{}, {"loss": "0.15", "seed": "5"}, {"duplicate": "0.3", "late": "0.2"}])
async def test_real_conversation_draws_the_same_bytes_again(faults: dict[str, str]) -> None:
    async with serve(faults=faults) as simulated:
        camera = camera_at(simulated)
        await camera.open()
        await camera.drive(0.3, 0.0, 0.0, lease=timedelta(seconds=0.4))
        await camera.stop()
        await camera.move_to(5.0, 2.0)
        await camera.check()
        await camera.close()
    trace = Trace.parse(camera.trace.text())
    sent = [entry.message for entry in trace if entry.way is Way.OUT]
    assert len(sent) > 10
    assert replay(trace, Session) == len(sent)


async def test_trace_outlives_the_link() -> None:
    async with serve() as simulated:
        camera = camera_at(simulated)
        for _ in range(2):
            await camera.open()
            await camera.close()
    assert camera.trace.text().count("= link made") == 2


@pytest.mark.parametrize("carrier", ["udp-raw", "tcp"])
async def test_bare_conversation_draws_the_same_bytes_again(carrier: str) -> None:
    async with serve(carrier=carrier) as simulated:
        camera = camera_at(simulated)
        await camera.open()
        await camera.move_to(3.0, 1.0)
        await camera.stop()
        await camera.close()
    trace = Trace.parse(camera.trace.text())
    sent = [entry.message for entry in trace if entry.way is Way.OUT]
    assert replay(trace, lambda: Session(Framing.RAW)) == len(sent) > 5
