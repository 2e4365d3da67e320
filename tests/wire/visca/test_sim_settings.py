"""Settings that are told are told back, and movement is where it was sent; typed from the BRC-X400 list."""

from __future__ import annotations

import pytest

from drivers.visca.sim import MODELS, serve
from drivers.visca.sim.state import TALLY_S, Camera
from tests.until import until
from tests.wire.visca.conftest import tcp_hand


def camera_of(model: str = "brc-x400") -> Camera:
    return Camera(MODELS[model], on=True, start_up_s=0.0)


@pytest.mark.parametrize(
    ("command", "inquiry", "answer"),
    [
        ("04 39 0B", "04 39", "0b"),  # exposure mode: iris priority
        ("04 4B 00 00 01 04", "04 4B", "00 00 01 04"),  # iris
        ("04 4C 00 00 00 05", "04 4C", "00 00 00 05"),  # gain
        ("04 4A 00 00 01 0C", "04 4A", "00 00 01 0c"),  # shutter
        ("04 3E 02", "04 3E", "02"),  # exposure compensation
        ("04 4E 00 00 00 0A", "04 4E", "00 00 00 0a"),
        ("04 33 02", "04 33", "02"),  # backlight
        ("04 35 05", "04 35", "05"),  # white balance: manual
        ("04 43 00 00 0C 03", "04 43", "00 00 0c 03"),  # red gain
        ("04 44 00 00 07 0F", "04 44", "00 00 07 0f"),  # blue gain
        ("04 42 00 00 00 09", "04 42", "00 00 00 09"),  # detail
        ("04 66 02", "04 66", "02"),  # flip
        ("04 38 03", "04 38", "03"),  # focus by hand
        ("04 38 10", "04 38", "03"),  # toggled from auto
        ("06 06 02", "06 06", "02"),  # menu
        ("06 08 10", "06 08", "03"),  # infrared, toggled from on
        ("06 44 02", "06 44", "02"),  # slow
        ("7E 01 2E 01 0A", "7E 01 2E", "00 00 00 0a"),  # white balance offset
        ("7E 04 1B 01", "7E 04 1B", "01"),  # preset speed choice
        ("7E 01 0A 00 02", "7E 01 0A", "02"),  # tally
        ("04 22 01 02 03 04", "04 22", "01 02 03 04"),  # camera ID
    ],
)
async def test_what_is_set_is_answered(command: str, inquiry: str, answer: str) -> None:
    async with serve(carrier="tcp", v_period=0) as simulated, tcp_hand(simulated) as hand:
        assert await hand.ask(f"81 01 {command} FF") == "90 41 ff"
        assert await hand.next() == "90 51 ff"
        assert await hand.ask(f"81 09 {inquiry} FF") == f"90 50 {answer} ff"


async def test_steps_up_down_and_back() -> None:
    async with serve(carrier="tcp", v_period=0) as simulated, tcp_hand(simulated) as hand:
        for step, found in (("02", "08"), ("02", "09"), ("03", "08"), ("00", "07")):
            await hand.ask(f"81 01 04 0E {step} FF")
            await hand.next()
            assert await hand.ask("81 09 04 4E FF") == f"90 50 00 00 00 {found} ff"


async def test_triggers_and_values_out_of_range() -> None:
    async with serve(carrier="tcp", v_period=0) as simulated, tcp_hand(simulated) as hand:
        for trigger in ("04 10 05", "04 18 01"):
            assert await hand.ask(f"81 01 {trigger} FF") == "90 41 ff"
            assert await hand.next() == "90 51 ff"
        assert await hand.ask("81 01 04 35 09 FF") == "90 60 02 ff"
        assert await hand.ask("81 01 04 43 00 00 1C 03 FF") == "90 60 02 ff"


async def test_lens_block_holds_zoom_focus_and_what_runs() -> None:
    async with serve(carrier="tcp") as simulated, tcp_hand(simulated) as hand:
        assert await hand.ask("81 09 7E 7E 00 FF") == "90 50 00 00 00 00 01 00 01 00 00 00 00 01 00 ff"
        await hand.ask("81 01 04 07 27 FF")
        await until(lambda: simulated.zoom > 0)
        await hand.next()
        assert (await hand.ask("81 09 7E 7E 00 FF")).endswith("01 ff")


async def test_camera_and_other_block_hold_the_settings() -> None:
    async with serve(carrier="tcp", v_period=0) as simulated, tcp_hand(simulated) as hand:
        for command in ("04 43 00 00 0A 0B", "04 35 05", "04 33 02"):
            await hand.ask(f"81 01 {command} FF")
            await hand.next()
        assert (await hand.ask("81 09 7E 7E 01 FF")).startswith("90 50 0a 0b 08 00 05 37 00 04 11 11 01 00 07")
        assert (await hand.ask("81 09 7E 7E 02 FF")).startswith("90 50 01")


async def test_auto_focus_refuses_focusing_by_hand() -> None:
    async with serve(carrier="tcp", v_period=0) as simulated, tcp_hand(simulated) as hand:
        assert await hand.ask("81 01 04 08 22 FF") == "90 61 41 ff"
        assert await hand.ask("81 01 04 08 00 FF") == "90 41 ff"
        await hand.next()
        await hand.ask("81 01 04 38 03 FF")
        await hand.next()
        assert await hand.ask("81 01 04 48 02 00 00 00 FF") == "90 41 ff"
        assert await hand.next() == "90 51 ff"
        assert await hand.ask("81 09 04 48 FF") == "90 50 02 00 00 00 ff"


async def test_relative_moves_add_up_and_end_at_the_end() -> None:
    async with serve(carrier="tcp", v_period=0) as simulated, tcp_hand(simulated) as hand:
        for _ in range(2):
            await hand.ask("81 01 06 03 18 00 00 02 00 00 00 00 00 00 FF")
            assert await hand.next() == "90 51 ff"
        assert simulated.camera.pan.position == 0x400
        await hand.ask("81 01 06 03 18 00 00 00 00 00 08 00 00 01 FF")
        assert await hand.next() == "90 51 ff"
        assert simulated.tilt_deg == pytest.approx(-20)


async def test_limits_hold_a_drive_back_and_can_be_cleared() -> None:
    async with serve(carrier="tcp", v_period=0) as simulated, tcp_hand(simulated) as hand:
        await hand.ask("81 01 06 07 00 01 00 01 00 00 00 01 00 00 FF")
        await hand.next()
        assert await hand.ask("81 09 06 07 01 FF") == "90 50 00 01 00 00 00 01 00 00 ff"
        await hand.ask("81 01 06 01 18 17 02 01 FF")
        await until(lambda: simulated.camera.pan.position == 0x100 and simulated.camera.tilt.position == 0x100)
        await until(lambda: not simulated.moving)
        await hand.next()
        await hand.ask("81 01 06 07 01 01 07 0F 0F 0F 07 0F 0F 0F FF")
        await hand.next()
        assert await hand.ask("81 09 06 07 01 FF") == "90 50 07 0f 0f 0f 07 0f 0f 0f ff"


async def test_status_tells_moving_arrived_and_the_end() -> None:
    async with serve(carrier="tcp", v_period=0) as simulated, tcp_hand(simulated) as hand:
        assert await hand.ask("81 09 06 10 FF") == "90 50 20 00 ff"
        await hand.ask("81 01 06 02 18 00 00 01 00 00 00 00 00 00 FF")
        assert await hand.ask("81 09 06 10 FF") == "90 50 24 00 ff"
        assert await hand.next() == "90 51 ff"
        assert await hand.ask("81 09 06 10 FF") == "90 50 28 00 ff"
        simulated.shove(pan_deg=400)
        assert await hand.ask("81 09 06 10 FF") == "90 50 28 02 ff"


async def test_standby_refuses_all_but_power_and_version() -> None:
    async with serve(carrier="tcp", on=False, start_up_s=0.1, v_period=0) as simulated, tcp_hand(simulated) as hand:
        assert await hand.ask("81 09 04 00 FF") == "90 50 03 ff"
        assert (await hand.ask("81 09 00 02 FF")).startswith("90 50 00 01")
        assert await hand.ask("81 09 06 12 FF") == "90 60 41 ff"
        assert await hand.ask("81 01 06 04 FF") == "90 61 41 ff"
        assert await hand.ask("81 01 04 00 02 FF") == "90 41 ff"
        assert await hand.next() == "90 51 ff"
        assert await hand.ask("81 01 06 04 FF") == "90 61 41 ff"  # starting up
        await until(lambda: simulated.on)
        assert await hand.ask("81 01 06 04 FF") == "90 41 ff"


async def test_shoved_camera_is_not_where_its_memory_is() -> None:
    async with serve(v_period=0) as simulated:
        simulated.camera.store(7)
        simulated.shove(pan_deg=3, tilt_deg=-2)
        assert (simulated.pan_deg, simulated.tilt_deg) == pytest.approx((3, -2), abs=0.02)
        assert simulated.camera.memories[7] == (0, 0, 0)


def test_tally_goes_dark_by_itself() -> None:
    camera = camera_of()
    camera.light("red", on=True, now=100.0)
    assert camera.lit("red", 100.0 + TALLY_S - 0.1)
    assert not camera.lit("red", 100.0 + TALLY_S)


def test_motor_speeds_up_holds_and_slows_down() -> None:
    camera = camera_of()
    camera.place(0x2000, 0, camera.steps_per_s(0x18), camera.steps_per_s(0x18))
    speeds = []
    while camera.moving:
        camera.advance(0.01)
        speeds.append(camera.pan.speed)
    assert speeds[0] < speeds[5] < max(speeds)
    assert speeds[-5] < max(speeds)
    assert max(speeds) == pytest.approx(101 * 51.2)
    assert len(speeds) * 0.01 == pytest.approx(160 / 101, abs=0.5)


def test_both_axes_arrive_together_where_tilt_has_no_speed_of_its_own() -> None:
    camera = camera_of("fr7")
    camera.place(20_000, 5_000, camera.steps_per_s(0x10), None)
    while camera.pan.moving and camera.tilt.moving:
        camera.advance(0.01)
    camera.advance(0.1)
    assert not camera.turning


def test_memory_speed_makes_a_recall_slow() -> None:
    times = []
    for code in (0x18, 0x05):
        camera = camera_of()
        camera.memory_speeds[1] = code
        camera.recall(1)
        took = 0
        while camera.turning:
            camera.advance(0.01)
            took += 1
        times.append(took)
    assert times[1] > 3 * times[0]


def test_memory_that_is_reset_is_as_on_the_first_day() -> None:
    camera = camera_of()
    camera.store(1)
    camera.forget(1)
    assert camera.memories[1] == (-1536, 256, 4096)
    camera.store(42)
    camera.forget(42)
    assert 42 not in camera.memories


@pytest.mark.parametrize(
    ("model", "code", "deg_per_s"), [("brc-x400", 0x07, 11), ("srg-120dh", 0x14, 126), ("am7", 1, 0.05)]
)
def test_speeds_are_those_of_the_list(model: str, code: int, deg_per_s: float) -> None:
    camera = camera_of(model)
    assert camera.steps_per_s(code) == pytest.approx(deg_per_s * camera.model.steps_per_degree)


async def test_ptzoptics_locks_the_focus_and_x400_knows_no_such_command() -> None:
    for model, found in (("ptzoptics-g2", "90 41 ff"), ("brc-x400", "90 60 02 ff")):
        async with serve(carrier="tcp", model=model, v_period=0) as simulated, tcp_hand(simulated) as hand:
            assert await hand.ask("81 0A 04 68 02 FF") == found
