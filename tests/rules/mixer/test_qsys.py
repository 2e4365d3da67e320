"""Q-SYS messages against the examples of Q-SYS Help, "QRC Commands"."""

from __future__ import annotations

import json
import random

import pytest

from drivers.mixer.codec import qsys
from drivers.mixer.codec.qsys import MAX_BODY_BYTES, Control, MessageDecoder

STATUS = b'{ "jsonrpc":"2.0", "method":"EngineStatus", "params":{ "State":"Active", "DesignName":"MyDesign" } }\0'
ANSWER = (
    b'{"jsonrpc":"2.0","id":1234,"result":{"Name":"My APM","Controls":['
    b'{"Name":"ent.xfade.gain","Value":-100.0,"String":"-100.0dB","Position":0.0}]}}\0'
)
CHANGES = b'{"jsonrpc":"2.0","id":7,"result":{"Id":"g","Changes":[{"Component":"A","Name":"mute","Value":true}]}}\0'


def test_a_request_is_json_with_a_number_and_a_zero_byte() -> None:
    said = qsys.call("Component.Get", {"Name": "My APM", "Controls": [{"Name": "ent.xfade.gain"}]}, 1234)
    assert said.endswith(b"}\0")
    assert json.loads(said[:-1]) == {
        "jsonrpc": "2.0",
        "id": 1234,
        "method": "Component.Get",
        "params": {"Name": "My APM", "Controls": [{"Name": "ent.xfade.gain"}]},
    }


def test_controls_are_read_from_answers_and_from_change_groups() -> None:
    answer, changes = MessageDecoder().feed(ANSWER + CHANGES)
    assert list(qsys.controls_of(answer["result"])) == [Control("My APM", "ent.xfade.gain", -100.0)]
    assert list(qsys.controls_of(changes["result"])) == [Control("A", "mute", True)]


@pytest.mark.parametrize("told", [None, True, [], {"Controls": 3}, {"Changes": [None, {"Name": 1}]}, {"Name": "x"}])
def test_what_holds_no_controls_gives_none(told: object) -> None:
    assert list(qsys.controls_of(told)) == []


def test_every_split_of_a_stream_gives_the_same_messages() -> None:
    stream = STATUS + ANSWER
    whole = MessageDecoder().feed(stream)
    assert len(whole) == 2
    for cut in range(len(stream) + 1):
        decoder = MessageDecoder()
        assert decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) == whole


def test_noise_and_endless_messages_leave_it_usable() -> None:
    dice, decoder = random.Random(7), MessageDecoder()
    for _ in range(200):
        decoder.feed(dice.randbytes(300))
    decoder.feed(b"{" * 2 * MAX_BODY_BYTES)
    decoder.feed(b"\0[1]\0nonsense\0")
    assert len(decoder.feed(STATUS)) == 1


@pytest.mark.parametrize(
    ("value", "muted", "db"),
    [
        (True, True, None),
        (False, False, None),
        (1.0, True, 1.0),
        (0, False, 0.0),
        (-3.5, None, -3.5),
        ("x", None, None),
    ],
)
def test_mutes_and_gains_are_what_they_can_be(value: object, muted: bool | None, db: float | None) -> None:
    assert (qsys.muted_of(value), qsys.db_of(value)) == (muted, db)
