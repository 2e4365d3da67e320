"""Bare frames on UDP and TCP, typed from PTZOptics' and Sony's lists."""

from __future__ import annotations

import asyncio

from drivers.visca.sim import SimulatedCamera, serve
from tests.until import until
from tests.wire.visca.conftest import datagram_hand, tcp_hand

POWER_INQ = "81 09 04 00 FF"
STORE_9 = "81 01 04 3F 01 09 FF"
FAR_MOVE = "81 01 06 02 05 05 00 09 00 00 00 00 00 00 FF"


async def test_bare_datagrams_are_answered_bare() -> None:
    async with serve(carrier="udp-raw", model="ptzoptics-g2") as simulated, datagram_hand(simulated) as hand:
        assert simulated.address.endswith("?framing=raw")
        assert await hand.ask(POWER_INQ) == "90 50 02 ff"
        assert await hand.ask(STORE_9) == "90 41 ff"
        assert await hand.next() == "90 51 ff"
        hand.send("82 09 04 00 FF")  # another camera's
        assert await hand.nothing()


async def test_several_controllers_on_tcp_hear_their_own_answers() -> None:
    async with (
        serve(carrier="tcp", model="ptzoptics-g2") as simulated,
        tcp_hand(simulated) as one,
        tcp_hand(simulated) as other,
    ):
        assert await one.ask(FAR_MOVE) == "90 41 ff"
        assert await other.ask(STORE_9) == "90 42 ff"
        assert await other.next() == "90 52 ff"
        assert await other.ask("81 21 FF") == "90 61 04 ff"
        assert await one.next() == "90 61 04 ff"


async def test_frame_cut_anywhere_is_one_frame() -> None:
    async with serve(carrier="tcp") as simulated, tcp_hand(simulated) as hand:
        for byte in bytes.fromhex(POWER_INQ):
            hand.put(bytes((byte,)))
            await asyncio.sleep(0)
        assert await hand.next() == "90 50 02 ff"
        assert simulated.heard == 1


async def test_garbage_is_passed_over() -> None:
    async with serve(carrier="tcp") as simulated, tcp_hand(simulated) as hand:
        hand.send("FF FF 12 34 FF" + "41" * 500 + "FF")
        assert await hand.ask(POWER_INQ) == "90 50 02 ff"
        assert simulated.heard == 1


async def test_unknown_and_overlong_messages_get_their_errors() -> None:
    async with serve(carrier="tcp") as simulated, tcp_hand(simulated) as hand:
        assert await hand.ask("81 01 04 99 01 FF") == "90 60 02 ff"
        assert await hand.ask("81 05 FF") == "90 60 02 ff"
        assert await hand.ask("81 01 04" + " 00" * 16 + "FF") == "90 60 01 ff"
        assert await hand.ask("81 FF") == "90 60 01 ff"
        assert simulated.ran == []


async def test_unplugged_camera_leaves_tcp_half_open_and_resets_it_once_back() -> None:
    async with serve(carrier="tcp") as simulated, tcp_hand(simulated) as hand:
        assert await hand.ask(POWER_INQ) == "90 50 02 ff"
        simulated.unplug()
        hand.send(POWER_INQ)
        assert await hand.nothing()
        assert not hand.lost
        simulated.plug_in()
        await until(lambda: hand.lost)
        async with tcp_hand(simulated) as again:
            assert await again.ask(POWER_INQ) == "90 50 02 ff"


async def test_links_are_counted() -> None:
    async with serve(carrier="tcp") as simulated:
        hands = [tcp_hand(simulated) for _ in range(6)]
        opened = [await hand.__aenter__() for hand in hands]
        await until(lambda: opened[-1].lost)
        assert not any(hand.lost for hand in opened[:-1])
        for hand in hands:
            await hand.__aexit__(None, None, None)


async def test_noise_reaches_everybody_who_asked() -> None:
    async with (
        serve(carrier="tcp") as simulated,
        tcp_hand(simulated) as one,
        tcp_hand(simulated) as other,
    ):
        await one.ask(POWER_INQ)
        await other.ask(POWER_INQ)
        simulated.send_noise(bytes.fromhex("12 34 FF"))
        assert await one.next() == await other.next() == "12 34 ff"


async def test_rebooting_camera_is_deaf_for_a_while_and_forgets_its_move(simulated: SimulatedCamera) -> None:
    async with serve(carrier="udp-raw", model="generic") as camera, datagram_hand(camera) as hand:
        assert await hand.ask("81 01 06 01 05 05 02 03 FF") == "90 41 ff"
        await until(lambda: camera.moving)
        camera.reboot(0.2)
        assert not camera.moving
        hand.send(POWER_INQ)
        assert await hand.nothing()
        await until(lambda: not camera.deaf)
        assert (await hand.ask(POWER_INQ)).endswith("50 02 ff")
