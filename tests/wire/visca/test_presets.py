"""Memories, held to where they were when they were stored."""

from __future__ import annotations

import asyncio

import pytest

from drivers import Outcome
from drivers.errors import DeviceRefused
from drivers.ports import Position, RemembersPlaces
from drivers.verbs import CAMERA, Memory
from drivers.visca.device import ViscaCamera
from drivers.visca.sim import MEMORIES, SimulatedCamera, serve
from tests.until import until
from tests.wire.visca.conftest import camera_at

RECALL = next(verb for verb in CAMERA if verb.name == "recall")


def test_camera_remembers_places(camera: ViscaCamera) -> None:
    assert isinstance(camera, RemembersPlaces)


async def test_stored_place_is_expected_from_then_on(camera: ViscaCamera) -> None:
    told: list[tuple[int, Position]] = []
    camera.on_stored = lambda memory, at: told.append((memory, at))
    await camera.move_to(12.0, 3.0, 0.2)
    result = await camera.store(42)
    at = await camera.position()
    assert result.read_back["proved"] is True
    assert camera.expectations == {42: at}
    assert told == [(42, at)]


async def test_recall_of_a_stored_place_is_proved(camera: ViscaCamera) -> None:
    await camera.move_to(12.0, 3.0, 0.2)
    await camera.store(42)
    await camera.move_to(0.0, 0.0, 0.0)
    result = await camera.recall(42)
    assert result.read_back["proved"] is True
    assert (result.read_back["expected_pan_deg"], result.read_back["expected_zoom"]) == pytest.approx(
        (12.0, 0.2), abs=0.05
    )
    assert result.read_back["off_deg"] == pytest.approx(0.0, abs=0.05)


async def test_place_that_nobody_knows_is_adopted_once(camera: ViscaCamera) -> None:
    first = await camera.recall(1)
    again = await camera.recall(1)
    assert (first.read_back["adopted"], first.read_back["proved"]) == (True, True)
    assert "adopted" not in again.read_back
    assert again.read_back["proved"] is True
    assert camera.expectations[1].pan_deg == pytest.approx(MEMORIES[1][0], abs=0.05)


@pytest.mark.parametrize("off", [Position(-25.0, 5.0, 0.25), Position(-30.0, 9.0, 0.25), Position(-30.0, 5.0, 0.5)])
async def test_camera_elsewhere_than_stored_is_not_proved(camera: ViscaCamera, off: Position) -> None:
    camera.expectations[1] = off
    result = await camera.recall(1)
    assert result.outcome is Outcome.COMPLETED  # it did what it was told; the place is another
    assert result.read_back["proved"] is False
    assert max(float(str(result.read_back["off_deg"])), float(str(result.read_back["off_zoom"]))) > 0.1
    assert camera.expectations[1] == off


async def test_verified_recall_of_another_place_does_not_match(camera: ViscaCamera) -> None:
    camera.expectations[1] = Position(-25.0, 5.0, 0.25)
    await camera.recall(1)
    assert RECALL.read_back is not None
    found = await RECALL.read_back(camera, Memory(memory=1))
    assert not found.matches
    assert -25.0 in found.values.values()


async def test_pushed_by_hand_after_the_recall_does_not_match(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.recall(1)
    simulated.shove(4.0)
    assert RECALL.read_back is not None
    assert not (await RECALL.read_back(camera, Memory(memory=1))).matches


async def test_memory_stored_while_the_camera_moves_is_not_proved(
    camera: ViscaCamera, simulated: SimulatedCamera
) -> None:
    told: list[int] = []
    camera.on_stored = lambda memory, _at: told.append(memory)
    simulated.camera.pan.go(8000, 600)
    result = await camera.store(9)
    assert result.read_back["proved"] is False
    assert 9 not in camera.expectations
    assert not told


async def test_lost_completion_is_settled_and_compared() -> None:
    async with serve(faults={"no_completion": "1"}) as simulated:
        camera = camera_at(simulated)
        camera.expectations[2] = Position(30.0, 5.0, 0.25)
        await camera.open()
        result = await camera.recall(2)
        await camera.close()
    assert result.outcome is Outcome.SETTLED
    assert result.read_back["proved"] is True


async def test_recall_waits_until_the_camera_rests(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    """Some cameras say that they are done before the motors rest."""
    await camera.recall(0)
    recall = asyncio.create_task(camera.recall(1))
    await until(lambda: simulated.moving)
    await until(lambda: not simulated.moving)
    simulated.camera.zoom.go(simulated.camera.zoom.position + 2000, 3000)
    result = await recall
    assert result.read_back["zoom"] == pytest.approx(simulated.zoom, abs=0.001)
    assert not simulated.moving


async def test_memory_outside_the_limits_is_refused(simulated: SimulatedCamera) -> None:
    camera = camera_at(simulated, "?limits=-20,20,-5,15")
    camera.expectations[1] = Position(-30.0, 5.0, 0.25)
    await camera.open()
    before = len(simulated.ran)
    with pytest.raises(DeviceRefused) as caught:
        await camera.recall(1)
    await camera.close()
    assert caught.value.reason.code == "camera.outside_limits"
    assert not any(body[:3] == bytes.fromhex("01 04 3f") for body in simulated.ran[before:])


@pytest.mark.parametrize(("model", "memory", "why"), [("ptzoptics-g2", 95, "menu"), ("evi-d70", 6, "0 to 5")])
async def test_number_that_is_no_memory_costs_no_byte(model: str, memory: int, why: str) -> None:
    async with serve(model=model) as simulated:
        camera = camera_at(simulated, f"?profile={model}")
        await camera.open()
        before = simulated.heard
        with pytest.raises(ValueError, match=why) as caught:
            await camera.recall(memory)
        assert model in str(caught.value)
        assert simulated.heard == before
        await camera.close()
