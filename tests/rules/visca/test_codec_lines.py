"""The codec on a shared line: chains, noise, half frames, and frames as long as they come and longer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.visca.codec import (
    MAX_BODY_BYTES,
    Ack,
    AddressSet,
    Answer,
    Cleared,
    Completion,
    Frame,
    Malformed,
    Refused,
    Reply,
    ReplyDecoder,
)


def frames(text: str) -> list[Frame]:
    return ReplyDecoder().frames(bytes.fromhex(text))


# EVI-D70 technical manual, p. 32: the controller sends 88 30 01 FF; with n cameras it comes back as 88 30 0(n+1) FF.
@pytest.mark.parametrize(("echo", "cameras"), [("88 30 02 FF", 1), ("88 30 04 FF", 3), ("88 30 08 FF", 7)])
def test_address_set_comes_round_with_the_number_of_cameras(echo: str, cameras: int) -> None:
    assert frames(echo) == [Frame(0, AddressSet(cameras))]


def test_our_own_address_set_heard_again_counts_no_camera() -> None:
    assert frames("88 30 01 FF") == [Frame(0, AddressSet(0))]


@pytest.mark.parametrize("echo", ["88 30 09 FF", "88 30 00 FF", "88 30 FF", "88 30 02 02 FF"])
def test_an_address_set_that_counts_wrongly_is_noise(echo: str) -> None:
    assert isinstance(frames(echo)[0].reply, Malformed)


# EVI-D70 technical manual, p. 32: IF_Clear to all is 88 01 00 01 FF and comes round unchanged.
def test_if_clear_comes_round() -> None:
    assert frames("88 01 00 01 FF") == [Frame(0, Cleared())]


@pytest.mark.parametrize("camera", range(1, 8))
def test_each_camera_of_a_chain_is_told_by_its_header(camera: int) -> None:
    header = (camera + 8) << 4
    assert ReplyDecoder().frames(bytes((header, 0x41, 0xFF))) == [Frame(camera, Ack(1))]


@pytest.mark.parametrize(
    ("heard", "reply"),
    [
        ("00 90 41 FF", Ack(1)),
        ("7E 13 90 51 FF", Completion(1)),
        ("A0 90 60 02 FF", Refused(0x02, 0)),  # noise that looks like a header
        ("90 90 41 FF", Ack(1)),  # the head of an answer that was cut off
        ("90 50 90 41 FF", Answer(b"\x90\x41")),  # an answer may hold any byte but FF
    ],
)
def test_noise_before_a_frame_is_passed_over(heard: str, reply: Reply) -> None:
    assert frames(heard)[-1].reply == reply


@pytest.mark.parametrize("heard", ["FF", "90 FF", "41 FF", "90 41 00 FF", "90 60 FF", "90 60 02 03 FF", "81 41 FF"])
def test_what_is_no_frame_is_noise_and_the_next_is_read(heard: str) -> None:
    first, second = frames(heard + "90 42 FF")
    assert isinstance(first.reply, Malformed)
    assert second == Frame(1, Ack(2))


def test_the_longest_frame_of_the_lists_is_an_answer() -> None:
    """A block inquiry is answered with 16 bytes (EVI-D70 technical manual, p. 44 and 45): y0 50, 13 bytes, FF."""
    content = bytes(range(13))
    assert ReplyDecoder().feed(b"\x90\x50" + content + b"\xff") == [Answer(content)]


@pytest.mark.parametrize("length", [17, MAX_BODY_BYTES + 1])
def test_a_camera_may_answer_more_than_the_lists_know(length: int) -> None:
    content = b"\x01" * (length - 3)
    assert ReplyDecoder().feed(b"\x90\x50" + content + b"\xff") == [Answer(content)]


@given(st.integers(MAX_BODY_BYTES + 2, 5000))
def test_a_frame_without_an_end_costs_no_memory_and_is_noise_when_it_ends(length: int) -> None:
    decoder = ReplyDecoder()
    for _ in range(length):
        assert decoder.feed(b"\x90") == []
        assert len(decoder._rest) <= MAX_BODY_BYTES + 1
    [reply] = decoder.feed(b"\xff")
    assert isinstance(reply, Malformed)
    assert decoder.feed(b"\x90\x41\xff") == [Ack(1)]


@given(st.lists(st.integers(1, 7), min_size=1, max_size=12), st.data())
def test_answers_of_a_chain_stay_each_cameras_own_however_they_are_cut(chain: list[int], draw: st.DataObject) -> None:
    stream = b"".join(bytes(((camera + 8) << 4, 0x50, camera, 0xFF)) for camera in chain)
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    decoder = ReplyDecoder()
    heard = [frame for piece in pieces for frame in decoder.frames(piece)]
    assert heard == [Frame(camera, Answer(bytes((camera,)))) for camera in chain]
