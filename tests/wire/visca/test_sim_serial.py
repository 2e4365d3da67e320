"""Serial lines on pseudo-terminals and a serial server, typed from the EVI-D70 technical manual (p. 31 to 33)."""

from __future__ import annotations

import asyncio
import termios
from pathlib import Path

import pytest
import serial

from drivers.visca.sim import serve
from tests.until import until
from tests.wire.visca.conftest import endpoint_of, serial_hand, tcp_hand

POWER_INQ = "81 09 04 00 FF"
ADDRESS_SET = "88 30 01 FF"
IF_CLEAR_ALL = "88 01 00 01 FF"
STORE_3 = "81 01 04 3F 01 03 FF"


def lies_there(name: Path) -> bool:
    return name.is_symlink() or name.exists()


async def test_single_camera_answers_under_address_one() -> None:
    async with serve("pty", carrier="serial", model="evi-d70") as simulated, serial_hand(simulated) as hand:
        assert simulated.address.startswith("visca+serial:///dev/pts/")
        assert simulated.address.endswith("?baud=9600&address=1")
        assert await hand.ask(STORE_3) == "90 41 ff"
        assert await hand.next() == "90 51 ff"


async def test_chain_counts_itself_and_answers_under_its_addresses() -> None:
    async with serve("pty", carrier="serial", chain=7, model="evi-d70") as simulated, serial_hand(simulated) as hand:
        hand.send(POWER_INQ)
        assert await hand.nothing()  # nobody has an address yet
        assert await hand.ask(ADDRESS_SET) == "88 30 08 ff"
        for number in range(1, 8):
            assert await hand.ask(f"8{number} 09 04 00 FF") == f"{number + 8:x}0 50 02 ff"
        assert [camera.number for camera in simulated.cameras] == [1, 2, 3, 4, 5, 6, 7]


async def test_switches_give_addresses_without_asking() -> None:
    async with (
        serve("pty", carrier="serial", chain=2, addressed=True, model="brc-300") as simulated,
        serial_hand(simulated) as hand,
    ):
        assert await hand.ask("82 09 04 00 FF") == "a0 50 02 ff"


async def test_broadcast_if_clear_stops_everybody_and_echoes() -> None:
    async with serve("pty", carrier="serial", chain=2, model="evi-d70") as simulated, serial_hand(simulated) as hand:
        await hand.ask(ADDRESS_SET)
        for number in (1, 2):
            await hand.ask(f"8{number} 01 06 02 05 05 00 08 00 00 00 00 00 00 FF")
        await until(lambda: all(camera.moving for camera in simulated.cameras))
        assert await hand.ask(IF_CLEAR_ALL) == "88 01 00 01 ff"
        assert not any(camera.moving for camera in simulated.cameras)


async def test_broadcast_command_moves_everybody_without_an_answer() -> None:
    async with serve("pty", carrier="serial", chain=2, model="evi-d70") as simulated, serial_hand(simulated) as hand:
        await hand.ask(ADDRESS_SET)
        hand.send("88 01 06 01 05 05 02 03 FF")
        await until(lambda: all(camera.moving for camera in simulated.cameras))
        assert await hand.nothing()


async def test_camera_that_joins_or_leaves_is_told_of() -> None:
    async with serve("pty", carrier="serial", chain=2, model="evi-d70") as simulated, serial_hand(simulated) as hand:
        chain = simulated.chain
        assert chain is not None
        await hand.ask(ADDRESS_SET)
        third = chain.join()
        assert await hand.next() == "a0 38 ff"  # the second's neighbour is new
        hand.send("83 09 04 00 FF")
        assert await hand.nothing()
        assert await hand.ask(ADDRESS_SET) == "88 30 04 ff"
        assert await hand.ask("83 09 04 00 FF") == "b0 50 02 ff"
        chain.leave(chain.cameras[1])
        assert await hand.next() == "90 38 ff"
        assert await hand.ask(ADDRESS_SET) == "88 30 03 ff"
        assert third.number == 2
        third.close()


async def test_camera_without_power_hands_nothing_on_and_comes_back_without_address() -> None:
    async with serve("pty", carrier="serial", chain=3, model="evi-d70") as simulated, serial_hand(simulated) as hand:
        await hand.ask(ADDRESS_SET)
        simulated.cameras[1].unplug()
        hand.send("83 09 04 00 FF")
        assert await hand.nothing()
        assert await hand.ask(ADDRESS_SET) == "88 30 02 ff"
        simulated.cameras[1].plug_in()
        assert await hand.next() == "90 38 ff"
        assert await hand.ask(ADDRESS_SET) == "88 30 04 ff"


async def test_bytes_take_their_time_on_the_wire() -> None:
    loop = asyncio.get_running_loop()
    async with serve("pty", carrier="serial", baud=1200, v_period=0) as simulated, serial_hand(simulated) as hand:
        began = loop.time()
        assert await hand.ask(POWER_INQ) == "90 50 02 ff"
        # Five bytes out and four back, ten bits each, at 1200 bits a second: 75 ms at least.
        assert loop.time() - began >= 0.074


async def test_wire_without_baud_takes_no_time() -> None:
    async with serve("pty", carrier="serial", baud=0, v_period=0) as simulated, serial_hand(simulated) as hand:
        for _ in range(100):
            assert await hand.ask(POWER_INQ) == "90 50 02 ff"


async def test_frame_is_not_seen_before_its_last_byte() -> None:
    async with serve("pty", carrier="serial", v_period=0) as simulated, serial_hand(simulated) as hand:
        hand.send("81 01 04 3F 01")
        assert await hand.nothing()
        hand.send("03 FF")
        assert await hand.next() == "90 41 ff"


async def test_wrong_baud_rate_is_not_understood() -> None:
    async with serve("pty", carrier="serial", baud=9600) as simulated, serial_hand(simulated) as hand:
        settings = termios.tcgetattr(hand.descriptor)
        settings[4] = settings[5] = termios.B38400
        termios.tcsetattr(hand.descriptor, termios.TCSANOW, settings)
        hand.send(POWER_INQ)
        assert await hand.nothing()
        settings[4] = settings[5] = termios.B9600
        termios.tcsetattr(hand.descriptor, termios.TCSANOW, settings)
        assert await hand.ask(POWER_INQ) == "90 50 02 ff"


async def test_pulled_adapter_hangs_up_and_returns_under_its_stable_name(tmp_path: Path) -> None:
    name = tmp_path / "usb-camera"
    async with serve(str(name), carrier="serial") as simulated:
        chain = simulated.chain
        assert chain is not None
        assert simulated.address == f"visca+serial://{name}?baud=9600&address=1"
        async with serial_hand(simulated) as hand:
            await hand.ask(POWER_INQ)
            chain.pull_cable()
            await until(lambda: hand.hung_up)
        assert not lies_there(name)
        chain.put_cable_back()
        async with serial_hand(simulated) as hand:
            assert await hand.ask(POWER_INQ) == "90 50 02 ff"
    assert not lies_there(name)


async def test_long_stick_is_not_swallowed_whole() -> None:
    async with serve("pty", carrier="serial") as simulated, serial_hand(simulated) as hand:
        for _ in range(200):
            hand.send("81 01 06 01 05 05 02 03 FF")
        await until(lambda: simulated.heard >= 2)
        # 1,800 bytes take 1.9 s on the wire; they were all put into the terminal at once.
        assert simulated.heard < 200


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's client
async def test_serial_server_speaks_rfc_2217_to_pyserial() -> None:
    async with serve(carrier="rfc2217", model="evi-d70") as simulated:
        host, port = endpoint_of(simulated)

        def talk() -> tuple[bytes, bytes]:
            with serial.serial_for_url(f"rfc2217://{host}:{port}", 9600, timeout=3) as line:
                line.write(bytes.fromhex("81 09 00 02 FF"))
                version = line.read_until(b"\xff")
                line.baudrate = 38400
                line.timeout = 0.2
                line.write(bytes.fromhex(POWER_INQ))
                return version, line.read_until(b"\xff")

        version, wrong_speed = await asyncio.to_thread(talk)
        assert version.hex(" ") == "90 50 00 20 04 0e 01 00 02 ff"
        assert wrong_speed == b""


async def test_serial_server_takes_one_client_and_can_lose_its_network() -> None:
    async with serve(carrier="rfc2217") as simulated, tcp_hand(simulated) as first:
        chain = simulated.chain
        assert chain is not None
        await until(lambda: not first.came.empty())  # Telnet's questions
        async with tcp_hand(simulated) as second:
            await until(lambda: second.lost)
        assert not first.lost
        chain.pull_cable()
        await until(lambda: first.lost)
        async with tcp_hand(simulated) as third:
            await until(lambda: third.lost)
        chain.put_cable_back()
        async with tcp_hand(simulated) as fourth:
            await until(lambda: not fourth.came.empty())
