"""The codec against vectors typed from the makers' manuals, and against any bytes at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.visca import codec, table
from drivers.visca.codec import (
    Ack,
    Answer,
    BadMessage,
    BadSequence,
    Completion,
    Kind,
    Malformed,
    NetworkChange,
    Refused,
    Reply,
    ReplyDecoder,
    ResetDone,
    from_nibbles,
    pack,
    to_nibbles,
    unpack,
)
from drivers.visca.profiles import GENERIC, PROFILES, profile_for
from drivers.visca.table import Field, Row, Version

BRC_X400 = PROFILES["brc-x400"]


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


# SRG-120DH technical manual, p. 26, table "VISCA Command/Acknowledge Protocol".
SRG_120DH_P26: list[tuple[str, Reply]] = [
    ("90 41 FF", Ack(1)),
    ("90 42 FF", Ack(2)),
    ("90 51 FF", Completion(1)),
    ("90 52 FF", Completion(2)),
    ("90 60 02 FF", Refused(0x02, 0)),
    ("90 60 03 FF", Refused(0x03, 0)),
    ("90 61 41 FF", Refused(0x41, 1)),
    ("90 62 41 FF", Refused(0x41, 2)),
    ("90 50 02 FF", Answer(b"\x02")),
    ("90 62 04 FF", Refused(0x04, 2)),
    ("90 62 05 FF", Refused(0x05, 2)),
    ("90 50 FF", Completion(0)),
]
# BRC-Z700 command list, p. 6: network change.
BRC_Z700_P6: list[tuple[str, Reply]] = [("90 38 FF", NetworkChange()), ("F0 38 FF", NetworkChange())]


@pytest.mark.parametrize(("frame", "reply"), SRG_120DH_P26 + BRC_Z700_P6)
def test_replies_of_the_manuals(frame: str, reply: Reply) -> None:
    assert ReplyDecoder().feed(unhex(frame)) == [reply]


# EVI-D70 technical manual, p. 42 (pan-tilt); BRC-H700 command list, p. 12 agrees on drive and stop.
@pytest.mark.parametrize(
    ("row", "values", "frame"),
    [
        (table.PAN_TILT_DRIVE, (0x18, 0x14, 3, 1), "81 01 06 01 18 14 03 01 FF"),  # up
        (table.PAN_TILT_DRIVE, (0x01, 0x01, 1, 3), "81 01 06 01 01 01 01 03 FF"),  # left
        (table.PAN_TILT_DRIVE, (0x05, 0x06, 2, 2), "81 01 06 01 05 06 02 02 FF"),  # down right
        (table.PAN_TILT_STOP, (), "81 01 06 01 01 01 03 03 FF"),
        (table.PAN_TILT_ABSOLUTE, (0x18, 0x17, 0x08DB, 0x04B0), "81 01 06 02 18 17 00 08 0D 0B 00 04 0B 00 FF"),
        (table.PAN_TILT_ABSOLUTE, (0x18, 0x17, -0x08DB, -0x190), "81 01 06 02 18 17 0F 07 02 05 0F 0E 07 00 FF"),
        (table.POWER_ON, (), "81 01 04 00 02 FF"),
        (table.POWER_STANDBY, (), "81 01 04 00 03 FF"),
        (table.RECALL, (5,), "81 01 04 3F 02 05 FF"),
        (table.STORE, (5,), "81 01 04 3F 01 05 FF"),
        (table.ZOOM_STOP, (), "81 01 04 07 00 FF"),
        (table.ZOOM_DRIVE, (0x27,), "81 01 04 07 27 FF"),
        (table.ZOOM_DIRECT, (0x4000,), "81 01 04 47 04 00 00 00 FF"),
        (table.POWER_INQ, (), "81 09 04 00 FF"),
        (table.ZOOM_INQ, (), "81 09 04 47 FF"),
        (table.POSITION_INQ, (), "81 09 06 12 FF"),  # BRC-300 command list, p. 14
        (table.MEMORY_INQ, (), "81 09 04 3F FF"),  # BRC-300 command list, p. 14
        (table.VERSION_INQ, (), "81 09 00 02 FF"),  # SRG-120DH technical manual, p. 26
    ],
)
def test_commands_of_the_manuals(row: Row, values: tuple[int, ...], frame: str) -> None:
    assert row.encode(*values) == unhex(frame)


# SRG-300H technical manual, p. 31: payload types, big endian; sequence number; control messages.
def test_header_of_the_manual() -> None:
    assert pack(Kind.INQUIRY, 1, unhex("81 09 00 02 FF")) == unhex("01 10 00 05 00 00 00 01 81 09 00 02 FF")
    assert pack(Kind.CONTROL, 0, codec.RESET) == unhex("02 00 00 01 00 00 00 00 01")


@pytest.mark.parametrize(
    ("datagram", "reply"),
    [
        ("02 01 00 01 00 00 00 00 01", ResetDone()),
        ("02 01 00 02 00 00 00 07 0F 01", BadSequence()),
        ("02 00 00 02 00 00 00 07 0F 01", BadSequence()),
        ("02 01 00 02 00 00 00 07 0F 02", BadMessage()),
        ("01 11 00 03 00 00 00 07 90 41 FF", Ack(1)),
        ("01 11 00 09 00 00 00 07 90 41 FF", Ack(1)),  # a length that lies
    ],
)
def test_datagrams_of_a_camera(datagram: str, reply: Reply) -> None:
    assert unpack(unhex(datagram)).replies == (reply,)


def test_version_of_the_manual() -> None:
    version = Version.parse(unhex("00 01 05 11 01 00 02"))
    assert version == Version(0x0001, 0x0511, 0x0100, 2)


@pytest.mark.parametrize(("model", "profile"), [(0x051C, BRC_X400), (0x051D, BRC_X400), (0x7777, GENERIC)])
def test_profile_is_picked_by_model(model: int, profile: object) -> None:
    assert profile_for(Version(1, model, 0, 2)) is profile


def test_another_vendors_model_code_is_not_taken_for_sonys() -> None:
    assert profile_for(Version(0x2574, 0x051C, 0, 2)) is PROFILES["aver"]


def test_ranges_of_the_command_lists() -> None:
    assert (BRC_X400.steps(170), BRC_X400.steps(-170), BRC_X400.steps(90), BRC_X400.steps(-20)) == (
        0x2200,
        -0x2200,
        0x1200,
        -0x400,
    )
    assert (GENERIC.steps(-170), GENERIC.steps(90)) == (-0x08DB, 0x04B0)


@given(st.sampled_from(table.TABLE), st.data())
def test_every_row_over_its_full_range_is_one_frame(row: Row, draw: st.DataObject) -> None:
    fields = [part for part in row.form if isinstance(part, Field)]
    values = [draw.draw(st.integers(part.low, part.high).filter(part.allows)) for part in fields]
    frame = row.encode(*values)
    assert 3 <= len(frame) <= 16
    assert frame.index(0xFF) == len(frame) - 1
    assert row.source


@pytest.mark.parametrize("row", [row for row in table.TABLE if any(isinstance(p, Field) for p in row.form)])
def test_values_out_of_range_are_refused(row: Row) -> None:
    fields = [part for part in row.form if isinstance(part, Field)]
    good = [part.low for part in fields]
    for index, part in enumerate(fields):
        for bad in (part.low - 1, part.high + 1):
            with pytest.raises(ValueError, match=part.name):
                row.encode(*good[:index], bad, *good[index + 1 :])
    with pytest.raises(ValueError, match="too few"):
        row.encode(*good[:-1])
    with pytest.raises(ValueError, match="too many"):
        row.encode(*good, 1)


def test_no_stop_and_no_drive_has_speed_zero() -> None:
    assert table.PAN_TILT_STOP.encode()[4:6] == b"\x01\x01"
    with pytest.raises(ValueError, match="pan speed must be 1 to 127, got 0"):
        table.PAN_TILT_DRIVE.encode(0, 1, 3, 3)


@given(st.integers(-0x8000, 0x7FFF))
def test_nibbles_go_both_ways(value: int) -> None:
    assert from_nibbles(to_nibbles(value, 4), signed=True) == value


@given(st.lists(st.binary(max_size=40)), st.lists(st.sampled_from([f for f, _ in SRG_120DH_P26])), st.data())
def test_every_split_of_a_stream_gives_the_same_replies(
    noise: list[bytes], frames: list[str], draw: st.DataObject
) -> None:
    stream = b"".join(draw.draw(st.permutations([*noise, *map(unhex, frames)])))
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    decoder = ReplyDecoder()
    assert [r for piece in pieces for r in decoder.feed(piece)] == ReplyDecoder().feed(stream)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_leave_the_decoder_usable_and_small(pieces: list[bytes]) -> None:
    decoder = ReplyDecoder()
    for piece in pieces:
        decoder.feed(piece)
        assert len(decoder._rest) <= codec.MAX_BODY_BYTES + 1
    assert decoder.feed(unhex("FF 90 41 FF"))[-1] == Ack(1)


@given(st.binary(max_size=300))
def test_any_datagram_is_read_without_raising(data: bytes) -> None:
    replies = unpack(data).replies
    assert replies
    assert all(len(r.content) <= 300 for r in replies if isinstance(r, Malformed))


def test_profiles_are_named_by_themselves() -> None:
    assert all(name == profile.name for name, profile in PROFILES.items())
