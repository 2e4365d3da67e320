"""Sony's header on UDP, typed from the SRG-300H technical manual (p. 31 and 32) and the BRC-X400 list (p. 12)."""

from __future__ import annotations

import asyncio

from drivers.visca.sim import SimulatedCamera, serve
from tests.until import until
from tests.wire.visca.conftest import datagram_hand, sony_hand

STORE_9 = "81 01 04 3F 01 09 FF"


async def test_command_is_acknowledged_and_completed_under_its_number(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as hand:
        assert await hand.say(7, STORE_9) == "07 90 41 ff"
        assert await hand.next() == "07 90 51 ff"
    assert simulated.ran == [b"\x01\x04\x3f\x01\x09"]


async def test_inquiry_is_answered_without_a_socket(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as hand:
        simulated.fill_sockets()
        assert await hand.say(1, "81 09 00 02 FF", "01 10") == "01 90 50 00 01 05 1c 01 00 02 ff"


async def test_header_of_an_answer_has_type_and_length(simulated: SimulatedCamera) -> None:
    async with datagram_hand(simulated) as hand:
        assert await hand.ask("01 10 00 05 00 00 00 03 81 09 04 00 FF") == "01 11 00 04 00 00 00 03 90 50 02 ff"


async def test_reset_begins_numbering_anew(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as hand:
        await hand.say(1, "81 09 04 00 FF", "01 10")
        assert await hand.say(0, "01", "02 00") == "00 01"
        assert await hand.say(1, "81 09 04 00 FF", "01 10") == "01 90 50 02 ff"


async def test_command_sent_again_runs_once_and_gets_0f_01(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as hand:
        await hand.say(4, STORE_9)
        assert await hand.next() == "04 90 51 ff"
        assert await hand.say(4, STORE_9) == "04 0f 01"
    assert simulated.ran.count(b"\x01\x04\x3f\x01\x09") == 1


async def test_refused_command_sent_again_meets_the_same_error(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as hand:
        simulated.fill_sockets()
        assert await hand.say(4, STORE_9) == "04 90 60 03 ff"
        assert await hand.say(4, STORE_9) == "04 90 60 03 ff"
        simulated.free_sockets()
        assert await hand.say(4, STORE_9) == "04 90 41 ff"


async def test_abnormal_messages_get_0f_02(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as hand:
        assert await hand.say(5, STORE_9, "07 77") == "05 0f 02"  # no such type
        assert await hand.say(6, "81 01 04 3F 01 09") == "06 0f 02"  # no end
        assert await hand.say(7, "02", "02 00") == "07 0f 02"  # no such control
        hand.send("01 00 00 09 00 00 00 08" + STORE_9)  # the length is wrong
        assert await hand.next() == "08 0f 02"
    assert simulated.ran == []


async def test_aver_does_not_mind_a_wrong_length() -> None:
    async with serve(model="aver") as simulated, sony_hand(simulated) as hand:
        hand.send("01 00 00 09 00 00 00 08" + STORE_9)
        assert await hand.next() == "08 90 41 ff"


async def test_error_travels_under_the_type_of_the_model() -> None:
    for model, kind in (("srg-300h", "02 00"), ("brc-x400", "02 01")):
        async with serve(model=model) as simulated, datagram_hand(simulated) as hand:
            assert (await hand.ask("01 10 00 05 00 00 00 04 81 09 04 00 FF")).startswith("01 11")
            found = await hand.ask("01 10 00 05 00 00 00 04 81 09 04 00 FF")
            assert found == f"{kind} 00 02 00 00 00 04 0f 01"


async def test_two_controllers_have_numbers_of_their_own(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as one, sony_hand(simulated) as other:
        assert await one.say(1, "81 09 04 00 FF", "01 10") == "01 90 50 02 ff"
        assert await other.say(1, "81 09 04 00 FF", "01 10") == "01 90 50 02 ff"


async def test_sixth_controller_lets_the_first_be_forgotten(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as first:
        assert await first.say(1, STORE_9) == "01 90 41 ff"
        await first.next()
        for _ in range(5):
            async with sony_hand(simulated) as hand:
                await hand.say(1, "81 09 04 00 FF", "01 10")
        assert await first.say(1, STORE_9) == "01 90 41 ff"


async def test_if_clear_is_answered_and_stops_what_runs(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as hand:
        await hand.say(1, "81 01 06 02 05 00 02 02 00 00 00 00 00 00 FF")
        await until(lambda: simulated.moving)
        assert await hand.say(2, "81 01 00 01 FF", "01 20") == "02 90 50 ff"
        assert not simulated.moving
        assert await hand.nothing()


async def test_cancel_ends_a_move_without_a_completion(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as hand:
        assert await hand.say(1, "81 01 06 02 05 00 02 02 00 00 00 00 00 00 FF") == "01 90 41 ff"
        assert await hand.say(2, "81 21 FF") == "02 90 61 04 ff"
        assert not simulated.moving
        assert await hand.say(3, "81 21 FF") == "03 90 61 05 ff"


async def test_third_command_finds_the_buffer_full(simulated: SimulatedCamera) -> None:
    async with sony_hand(simulated) as hand:
        assert await hand.say(1, "81 01 06 02 05 00 02 02 00 00 00 00 00 00 FF") == "01 90 41 ff"
        assert await hand.say(2, "81 01 04 47 04 00 00 00 FF") == "02 90 42 ff"
        assert await hand.say(3, STORE_9) == "03 90 60 03 ff"


async def test_one_message_is_looked_at_in_a_picture() -> None:
    async with serve(v_period=0.05) as simulated, sony_hand(simulated) as hand:
        for number in range(4):
            hand.message(number, "81 09 04 00 FF", "01 10")
        times = []
        for _ in range(4):
            await hand.next()
            times.append(asyncio.get_running_loop().time())
    assert times[-1] - times[0] > 0.1  # three pictures


async def test_without_a_picture_time_answers_come_at_once() -> None:
    async with serve(v_period=0, remember=3) as simulated, sony_hand(simulated) as hand:
        for number in range(20):
            assert await hand.say(number, STORE_9) == f"{number:02x} 90 41 ff"
            assert await hand.next() == f"{number:02x} 90 51 ff"
        assert simulated.heard == 20
        assert 3 <= len(simulated.ran) == len(simulated.ran_at) <= 6
