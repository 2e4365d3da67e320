"""Every fault truly happens, and ends when it is switched off."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from drivers.visca.sim import FAULTS, SimulatedCamera, serve
from tests.until import until
from tests.wire.visca.conftest import SonyHand, datagram_hand, serial_hand, sony_hand, tcp_hand

STORE_9 = "81 01 04 3F 01 09 FF"
POWER_INQ = "81 09 04 00 FF"


async def heard_back(hand: SonyHand, messages: int) -> list[str]:
    """Store as often as that, and return everything that came until it was quiet."""
    for number in range(1, messages + 1):
        hand.message(number, STORE_9)
    found = []
    while True:
        try:
            found.append(await hand.next(0.3))
        except TimeoutError:
            return found


async def storm(faults: Mapping[str, str], messages: int = 10) -> tuple[SimulatedCamera, list[str]]:
    async with serve(faults=faults, v_period=0) as simulated, sony_hand(simulated) as hand:
        return simulated, await heard_back(hand, messages)


async def test_loss_loses_either_way() -> None:
    simulated, found = await storm({"loss": "0.5", "seed": "3"}, 20)
    assert 0 < len(simulated.ran) < 20
    assert 0 < len(found) < 2 * len(simulated.ran)


async def test_duplicates_come_twice_and_run_once() -> None:
    simulated, found = await storm({"duplicate": "1"}, 2)
    assert simulated.ran == [b"\x01\x04\x3f\x01\x09"] * 2
    assert found.count("01 90 41 ff") == 2
    assert found.count("01 0f 01") == 2  # the message arrived twice, too


async def test_late_answers_are_late() -> None:
    async with serve(faults={"late": "1"}, v_period=0) as simulated, sony_hand(simulated) as hand:
        hand.message(1, STORE_9)
        await until(lambda: bool(simulated.ran))
        assert await hand.nothing()
        assert await hand.next() == "01 90 41 ff"


async def test_reordered_answers_overtake() -> None:
    _, found = await storm({"reorder": "1"}, 1)
    assert found == ["01 90 51 ff", "01 90 41 ff"]


async def test_lying_sequence_is_always_one() -> None:
    _, found = await storm({"lying_sequence": "1"}, 3)
    assert {line[:2] for line in found} == {"01"}


async def test_missing_acks_and_completions() -> None:
    assert (await storm({"no_ack": "1"}, 1))[1] == ["01 90 51 ff"]
    assert (await storm({"no_completion": "1"}, 1))[1] == ["01 90 41 ff"]


async def test_full_buffer_though_there_is_room() -> None:
    simulated, found = await storm({"buffer_full": "1"}, 1)
    assert found == ["01 90 60 03 ff"]
    assert simulated.ran == []


async def test_wrong_socket_completes_another() -> None:
    assert (await storm({"wrong_socket": "1"}, 1))[1] == ["01 90 41 ff", "01 90 52 ff"]


async def test_silent_camera_neither_does_nor_says() -> None:
    simulated, found = await storm({"silent": "1"}, 3)
    assert (simulated.ran, found) == ([], [])


async def test_noise_comes_between_and_the_answer_too() -> None:
    _, found = await storm({"noise": "1"}, 2)
    assert "01 90 41 ff" in found
    assert len(found) > 4


async def test_half_frames_are_cut_and_sometimes_finished() -> None:
    async with (
        serve(carrier="tcp", faults={"half_frames": "1", "seed": "5"}, v_period=0) as simulated,
        tcp_hand(simulated) as hand,
    ):
        for _ in range(20):
            hand.send(POWER_INQ)
        await until(lambda: simulated.heard == 20)
        await asyncio.sleep(0.2)  # longer than the rest of a frame takes
        whole = [hand.came.get_nowait().hex(" ") for _ in range(hand.came.qsize())]
    assert any(frame.startswith("90 50 02") for frame in whole)
    assert len(whole) < 20


async def test_half_frames_on_a_serial_line_keep_their_order() -> None:
    async with (
        serve("pty", carrier="serial", baud=0, faults={"half_frames": "1", "seed": "4"}, v_period=0) as simulated,
        serial_hand(simulated) as hand,
    ):
        for _ in range(20):
            hand.send(POWER_INQ)
        await until(lambda: simulated.heard == 20)
        assert await hand.next() != ""


async def test_answers_may_go_to_another_port() -> None:
    loop = asyncio.get_running_loop()
    transport, other = await loop.create_datagram_endpoint(SonyHand, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    async with serve(faults={"reply_port": str(port)}) as simulated, sony_hand(simulated) as hand:
        hand.message(2, POWER_INQ, "01 10")
        assert await other.next() == "02 90 50 02 ff"
        assert hand.came.empty()
    transport.close()
    await asyncio.sleep(0)


async def test_camera_reboots_every_so_often() -> None:
    async with serve(faults={"reboot": "0.1"}) as simulated:
        await until(lambda: simulated.deaf)
        simulated.set_fault("reboot", 0)
        await until(lambda: not simulated.deaf)


async def test_reboot_and_unplug_at_once_and_later() -> None:
    async with serve(faults={"unplug": "0.05"}) as simulated:
        await until(lambda: simulated.deaf)
        deaf = []
        for name, value in (("unplug", "0"), ("unplug", "now"), ("unplug", "0"), ("reboot", "now")):
            simulated.set_fault(name, value)
            deaf.append(simulated.deaf)
        assert deaf == [False, True, False, True]


async def test_second_controller_moves_the_camera_and_fills_sockets() -> None:
    async with serve(faults={"second_controller": "50"}) as simulated, sony_hand(simulated) as hand:
        await until(lambda: len(simulated.ran_for_others) > 3)
        assert simulated.moving
        assert simulated.ran == []
        simulated.set_fault("second_controller", 0)
        assert (await hand.say(1, STORE_9)).startswith("01 90")


async def test_faults_are_switched_while_it_runs() -> None:
    async with serve(carrier="udp-raw", model="generic") as simulated, datagram_hand(simulated) as hand:
        assert await hand.ask(POWER_INQ) == "90 50 02 ff"
        simulated.set_fault("silent", 1)
        hand.send(POWER_INQ)
        assert await hand.nothing()
        simulated.set_fault("silent", 0)
        assert await hand.ask(POWER_INQ) == "90 50 02 ff"


async def test_same_seed_loses_the_same() -> None:
    first, _ = await storm({"loss": "0.5", "seed": "9"}, 12)
    second, _ = await storm({"loss": "0.5", "seed": "9"}, 12)
    assert len(first.ran) == len(second.ran)


@pytest.mark.parametrize(
    ("name", "value"), [("gremlins", "1"), ("loss", "2"), ("loss", "-1"), ("late", "often"), ("loss", "now")]
)
async def test_nonsense_is_no_fault(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        async with serve(faults={name: value}):
            pass


def test_every_fault_of_the_brief_has_a_name() -> None:
    assert {
        *("loss", "duplicate", "late", "reorder", "lying_sequence", "no_ack", "no_completion", "buffer_full"),
        *("wrong_socket", "noise", "half_frames", "reboot", "unplug", "reply_port", "second_controller", "silent"),
    } < set(FAULTS)
