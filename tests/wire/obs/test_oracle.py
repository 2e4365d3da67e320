"""The simulated OBS and the real one of this machine, both against what a real OBS once said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from drivers.obs.sim import Faults, ObsSimulator, Studio
from drivers.obs.sim.studio import Profile, Video
from tests.wire.obs import real
from tests.wire.obs.oracle import Json, kept, recorded
from tests.wire.obs.real import RealObs, needed


def room(folder: Path) -> Studio:
    """Return a simulated OBS that starts as the real one does."""
    files = []
    for stored in (real._collection(), real._other_collection()):
        files.append(folder / f"{stored['name']}.json")
        files[-1].write_text(json.dumps(stored))
    studio = Studio.load(files[0], Faults(vcam_absent=True), others=files[1:])
    studio.video = Video(*real.CANVAS, real.FPS)
    studio.profiles = {real.PROFILE: Profile(can_pause=False, has_replay=False), real.FULL_PROFILE: Profile()}
    return studio


def differences(found: Json, wanted: Json) -> list[str]:
    """Return what differs, a line for each."""
    lines = []
    for part, name in (("requests", "ask"), ("wire", "case")):
        pairs = zip(cast("list[Json]", found[part]), cast("list[Json]", wanted[part]), strict=True)
        lines += [f"{w[name]} {w.get('given')}:\n  {f}\nwanted\n  {w}" for f, w in pairs if f != w]
    return lines


async def test_simulator_answers_as_a_real_obs_did(tmp_path: Path) -> None:
    simulator = ObsSimulator(room(tmp_path), real.PASSWORD)
    await simulator.start()
    try:
        found = await recorded(f"ws://127.0.0.1:{simulator.port}", real.PASSWORD)
    finally:
        await simulator.stop()
    assert not (wrong := differences(found, kept())), "\n".join(wrong)


@pytest.fixture(scope="module")
def obs() -> Iterator[RealObs]:
    needed()
    running = RealObs()
    try:
        running.start()
        yield running
    finally:
        running.stop()


async def test_real_obs_answers_as_one_did_when_it_was_recorded(obs: RealObs) -> None:
    found = await recorded(f"ws://127.0.0.1:{obs.port}", obs.password)
    assert not (wrong := differences(found, kept())), "\n".join(wrong)
