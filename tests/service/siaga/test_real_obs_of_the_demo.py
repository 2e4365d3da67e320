"""The demo's real OBS: a program that says where it listens, has the rooms' scenes, and leaves nothing behind."""

from __future__ import annotations

import psutil
import pytest

from drivers import DeviceAddress, connect
from drivers.obs.device import ObsStudio
from drivers.obs.sim.app import PASSWORD_ENV
from tests.processes import start
from tests.service.agent.rig import simulator
from tests.wire.obs.real import needed

PASSWORD = "the demo's own"
SCENES = {"Kamera", "Presentasi", "Kamera + slide", "Jeda", "Hitam"}


async def test_it_has_the_scenes_of_the_rooms_and_ends_with_all_that_it_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needed()
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
    running = await start(*simulator("siaga.demo.realobs"))
    started = psutil.Process(running.pid).children(recursive=True)
    studio = connect("obs", DeviceAddress.parse(running.address), PASSWORD)
    assert isinstance(studio, ObsStudio)
    try:
        assert {"obs", "Xvfb", "pulseaudio"} <= {child.name() for child in started}
        await studio.open()
        assert set((await studio.state()).scenes) == SCENES
    finally:
        await studio.close()
        code = await running.stop()
    assert code == 0
    assert [child for child in started if child.is_running()] == []
