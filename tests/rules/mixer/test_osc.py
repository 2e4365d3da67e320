"""OSC against bytes typed from the OSC specification and the X32 document, and the law of the fader."""

from __future__ import annotations

import contextlib
import random

import pytest

from drivers.mixer.codec import osc
from drivers.mixer.codec.osc import BadMessage, Message

VECTORS = [
    # OSC 1.0, "OSC Message Examples": the first example's arguments, with a desk's address
    (("/foo", 1000, -1, "hello"), "2f666f6f00000000 2c696973 00000000 000003e8 ffffffff 68656c6c6f000000"),
    (("/ch/01/mix/on", 0), "2f63682f30312f6d69782f6f6e000000 2c690000 00000000"),
    (("/ch/01/mix/fader", 0.75), "2f63682f30312f6d69782f666164657200000000 2c660000 3f400000"),
    (("/xremote",), "2f7872656d6f746500000000"),
]


@pytest.mark.parametrize(("message", "hexed"), VECTORS)
def test_messages_have_the_bytes_of_the_specification(message: tuple[str, ...], hexed: str) -> None:
    address, *arguments = message
    raw = bytes.fromhex(hexed)
    assert osc.encode(address, *arguments) == raw
    assert osc.decode(raw) == Message(address, tuple(arguments))


@pytest.mark.parametrize(
    ("fader", "db"),
    [(1.0, 10.0), (0.75, 0.0), (0.5, -10.0), (0.25, -30.0), (0.0625, -60.0), (0.0, -90.0)],
)
def test_the_fader_has_the_corners_of_the_document(fader: float, db: float) -> None:
    assert osc.db_of(fader) == pytest.approx(db)
    assert osc.fader_of(db) == pytest.approx(fader, abs=0.5 / osc.FADER_STEPS)


def test_each_step_of_the_fader_comes_back_and_is_louder_than_the_one_below() -> None:
    decibels = [osc.db_of(step / osc.FADER_STEPS) for step in range(osc.FADER_STEPS + 1)]
    assert decibels == sorted(set(decibels))
    assert [round(osc.fader_of(db) * osc.FADER_STEPS) for db in decibels] == list(range(osc.FADER_STEPS + 1))


def test_any_bytes_are_a_message_or_a_bad_one() -> None:
    dice = random.Random(5)
    good = bytes.fromhex(VECTORS[2][1])
    for _ in range(3000):
        raw = bytearray(good)
        for _ in range(dice.randrange(1, 5)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        with contextlib.suppress(BadMessage):  # any other exception fails the test
            osc.decode(bytes(raw[: dice.randrange(len(raw) + 1)]))


def test_a_datagram_that_is_too_long_is_bad() -> None:
    with pytest.raises(BadMessage, match="at most"):
        osc.decode(b"/" + b"a" * osc.MAX_DATAGRAM_BYTES)
