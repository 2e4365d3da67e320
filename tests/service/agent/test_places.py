"""Where memories are outlives the agent, and belongs to one camera."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.places import Places, Replaced
from agent.store import Store
from drivers import DeviceAddress
from drivers.ports import Identity, Position
from drivers.registry import connect
from drivers.visca.device import ViscaCamera
from drivers.visca.sim import serve

WIDE, CLOSE = Position(0.0, 0.0, 0.0), Position(-20.0, 5.5, 0.25)
SRG = Identity("Sony", "SRG-300H", "0100")


def places(folder: Path, camera: str = "main") -> tuple[Store, Places]:
    store = Store(folder)
    return store, Places(store, camera, SystemClock())


def test_a_place_is_kept_over_a_restart(tmp_path: Path) -> None:
    store, kept = places(tmp_path)
    kept[3] = CLOSE
    store.close()
    store, kept = places(tmp_path)
    assert kept == {3: CLOSE}
    since = kept.kept_at(3)
    assert since is not None
    assert SystemClock().now() - since < timedelta(minutes=1)
    store.close()


def test_places_of_one_camera_are_not_anothers(tmp_path: Path) -> None:
    store, kept = places(tmp_path)
    other = Places(store, "side", SystemClock())
    kept[1], other[1] = WIDE, CLOSE
    del kept[1]
    assert (dict(kept), dict(other)) == ({}, {1: CLOSE})
    with pytest.raises(KeyError):
        del kept[1]
    store.close()


def test_another_model_in_its_place_inherits_nothing(tmp_path: Path) -> None:
    store, kept = places(tmp_path)
    assert kept.belong_to(SRG) is None  # the first one ever seen
    kept[1], kept[4] = WIDE, CLOSE
    assert kept.belong_to(Identity("Sony", "SRG-300H", "0200")) is None  # new firmware, same camera
    assert len(kept) == 2
    assert kept.belong_to(Identity("AVer", "CAM520", "1")) == Replaced("main", "Sony SRG-300H", "AVer CAM520", (1, 4))
    assert dict(kept) == {}
    assert kept.belong_to(Identity("AVer", "CAM520", "1")) is None
    store.close()


async def test_a_recall_after_a_restart_is_held_to_where_it_was_stored(tmp_path: Path) -> None:
    async with serve("127.0.0.1:0", on=True, v_period=0.001) as simulated:
        async with camera_with(tmp_path, simulated.address) as camera:
            await camera.move_to(15.0, 4.0)
            assert (await camera.store(2)).read_back["proved"] is True
            await camera.move_to(0.0, 0.0)
        async with camera_with(tmp_path, simulated.address) as camera:
            found = (await camera.recall(2)).read_back
    assert found["proved"] is True
    assert "adopted" not in found
    assert found["expected_pan_deg"] == pytest.approx(15.0, abs=0.1)


@asynccontextmanager
async def camera_with(folder: Path, address: str) -> AsyncIterator[ViscaCamera]:
    """Yield an open camera whose places are kept in a folder."""
    store, kept = places(folder)
    device = connect("main", DeviceAddress.parse(address), None)
    assert isinstance(device, ViscaCamera)
    device.expectations = kept
    await device.open()
    try:
        yield device
    finally:
        await device.close()
        store.close()
