"""What makes of camera differ in, typed from their makers' lists."""

from __future__ import annotations

import pytest

from drivers.visca.sim import MODELS, serve
from tests.until import until
from tests.wire.visca.conftest import Hand, sony_hand, tcp_hand


async def ask(model: str, *digits: str) -> list[str]:
    """Return the first answer to each message, sent one after the other."""
    async with serve(carrier="tcp", model=model, v_period=0) as simulated, tcp_hand(simulated) as hand:
        return [await first_answer(hand, each) for each in digits]


async def first_answer(hand: Hand, digits: str) -> str:
    while not hand.came.empty():
        hand.came.get_nowait()
    return await hand.ask(digits)


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("evi-d70", "00 20 04 0e"),
        ("srg-120dh", "00 01 05 11"),
        ("srg-300h", "00 01 05 13"),
        ("brc-x1000", "00 01 05 19"),
        ("brc-h800", "00 01 05 1a"),
        ("brc-x400", "00 01 05 1c"),
        ("fr7", "00 01 05 1e"),
        ("am7", "00 01 05 1f"),
        ("srg-360she", "00 01 06 04"),
        ("srg-x400", "00 01 06 17"),
        ("srg-x120", "00 01 06 18"),
        ("srg-a40", "00 01 06 21"),
        ("birddog", "01 09"),
        ("aver", "25 74"),
    ],
)
async def test_version_names_the_model(model: str, version: str) -> None:
    [found] = await ask(model, "81 09 00 02 FF")
    assert found.startswith(f"90 50 {version}")
    assert len(bytes.fromhex(found)) == 10


@pytest.mark.parametrize("model", sorted(MODELS))
async def test_every_model_answers_the_common_inquiries_and_stops(model: str) -> None:
    pan, tilt = MODELS[model].pan_nibbles, MODELS[model].tilt_nibbles
    version, power, position, zoom, stop = await ask(
        model, "81 09 00 02 FF", "81 09 04 00 FF", "81 09 06 12 FF", "81 09 04 47 FF", "81 01 06 01 01 01 03 03 FF"
    )
    assert len(bytes.fromhex(version)) == 10
    assert power == "90 50 02 ff"
    assert position == "90 50 " + "00 " * (pan + tilt) + "ff"
    assert zoom == "90 50 00 00 00 00 ff"
    assert stop == ("90 41 ff" if model != "cisco" else "90 50 ff")


@pytest.mark.parametrize(
    ("model", "move"),
    [
        ("evi-d70", "81 01 06 02 05 05 00 01 00 00 00 00 01 00 FF"),
        ("brc-x400", "81 01 06 02 05 00 00 01 00 00 00 00 01 00 FF"),
        ("brc-x1000", "81 01 06 02 05 00 00 00 01 00 00 00 00 01 00 FF"),
        ("brc-300", "81 01 06 02 05 00 00 00 01 00 00 00 00 01 00 FF"),
        ("fr7", "81 01 06 02 05 05 00 00 01 00 00 00 00 00 01 00 FF"),
        ("am7", "81 01 06 02 05 05 00 00 01 00 00 00 00 00 01 00 FF"),
        ("srg-360she", "81 01 06 02 05 00 00 00 01 00 00 00 00 00 01 00 FF"),
    ],
)
async def test_absolute_move_has_the_nibbles_of_the_model(model: str, move: str) -> None:
    right, wrong = await ask(model, move, "81 01 06 02 05 05 01 00 00 00 FF")
    assert (right, wrong) == ("90 41 ff", "90 60 02 ff")


async def test_x400_has_one_speed_for_both() -> None:
    found = await ask("brc-x400", "81 01 06 02 05 05 00 01 00 00 00 00 01 00 FF")
    assert found == ["90 60 02 ff"]


async def test_illegal_speeds_are_syntax_errors() -> None:
    found = await ask(
        "srg-120dh",
        "81 01 06 01 19 01 02 03 FF",  # pan beyond 18
        "81 01 06 01 01 15 03 01 FF",  # tilt beyond 14
        "81 01 06 01 00 01 02 03 FF",  # pan at 00
        "81 01 06 01 00 00 03 03 FF",  # a STOP as most clients send it
    )
    assert found == ["90 60 02 ff"] * 3 + ["90 41 ff"]


async def test_brc_300_refuses_speed_zero_even_in_a_stop() -> None:
    found = await ask("brc-300", "81 01 06 01 00 00 03 03 FF", "81 01 06 01 01 01 03 03 FF")
    assert found == ["90 60 02 ff", "90 41 ff"]


async def test_extended_speeds_have_to_be_chosen() -> None:
    fast = "81 01 06 01 60 60 02 03 FF"
    before, choice, after, maxima = await ask("am7", fast, "81 01 06 45 18 FF", fast, "81 09 06 11 FF")
    assert (before, choice, after, maxima) == ("90 60 02 ff", "90 41 ff", "90 41 ff", "90 50 7f 7f ff")


async def test_left_is_positive_on_an_x1000_and_negative_on_an_x400() -> None:
    for model, digit in (("brc-x1000", "0"), ("brc-x400", "f")):
        async with serve(carrier="tcp", model=model) as simulated, tcp_hand(simulated) as hand:
            await hand.ask("81 01 06 01 18 01 01 03 FF")
            await until(lambda at=simulated: at.pan_deg < -1)  # type: ignore[misc]  # bound for this round
            await hand.next()
            assert (await hand.ask("81 09 06 12 FF"))[7] == digit


async def test_ptzoptics_95_toggles_the_menu_and_90_to_99_hold_no_place() -> None:
    async with serve(carrier="tcp", model="ptzoptics-g2") as simulated, tcp_hand(simulated) as hand:
        menus = []
        for _ in range(2):
            assert await hand.ask("81 01 04 3F 02 5F FF") == "90 41 ff"
            await hand.next()
            menus.append(simulated.menu)
        assert menus == [True, False]
        assert await hand.ask("81 01 04 3F 01 5F FF") == "90 60 02 ff"
        assert await hand.ask("81 01 04 3F 01 FE FF") == "90 41 ff"


@pytest.mark.parametrize(("model", "last"), [("evi-d70", 5), ("srg-300h", 15), ("brc-x400", 99)])
async def test_memories_end_where_the_list_says(model: str, last: int) -> None:
    found = await ask(model, f"81 01 04 3F 01 {last:02x} FF", f"81 01 04 3F 01 {last + 1:02x} FF")
    assert found == ["90 41 ff", "90 60 02 ff"]


async def test_move_se_acknowledges_two_commands_into_one_socket() -> None:
    async with serve(carrier="tcp", model="ptzoptics-move") as simulated, tcp_hand(simulated) as hand:
        assert await hand.ask("81 01 04 3F 02 05 FF") == "90 41 ff"
        assert await hand.ask("81 01 04 33 02 FF") == "90 41 ff"
        assert await hand.next() == "90 51 ff"  # the second, while the first runs
        assert simulated.moving


async def test_move_se_refuses_with_the_socket_before_any_ack() -> None:
    async with serve(carrier="tcp", model="ptzoptics-move", on=False) as simulated, tcp_hand(simulated) as hand:
        assert await hand.ask("81 01 06 04 FF") == "90 61 41 ff"


async def test_cisco_sends_only_a_completion_without_socket() -> None:
    async with serve(carrier="tcp", model="cisco") as simulated, tcp_hand(simulated) as hand:
        assert await hand.ask("81 01 04 3F 01 01 FF") == "90 50 ff"
        assert await hand.nothing()
        assert len(simulated.ran) == 1


async def test_newtek_always_answers_sequence_one() -> None:
    async with serve(model="newtek") as simulated, sony_hand(simulated) as hand:
        assert (await hand.say(9, "81 09 04 00 FF", "01 10")).startswith("01 ")


async def test_blocks_are_as_many_as_the_model_has() -> None:
    for model, blocks in (("brc-x400", 6), ("srg-x400", 5), ("srg-360she", 4), ("fr7", 0)):
        found = await ask(model, *(f"81 09 7E 7E {number:02x} FF" for number in range(7)))
        assert [frame != "90 60 02 ff" for frame in found] == [number < blocks for number in range(7)]


async def test_preset_speed_is_set_as_the_maker_has_it() -> None:
    sony, g2 = "81 01 7E 01 0B 03 10 FF", "81 01 06 01 10 FF"
    assert await ask("brc-x400", sony, g2) == ["90 41 ff", "90 60 02 ff"]
    assert await ask("ptzoptics-g2", sony, g2) == ["90 60 02 ff", "90 41 ff"]
    assert await ask("ptzoptics-g3", g2) == ["90 60 02 ff"]
    assert (await ask("brc-x400", sony, "81 09 7E 01 0B 03 FF"))[1] == "90 50 10 ff"
