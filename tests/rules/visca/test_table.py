"""What holds for every row of the command table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.visca import table
from drivers.visca.codec import Kind
from drivers.visca.row import KNOWN_WIDTHS, USUAL, Axis, Field, Row, Width, Widths
from drivers.visca.table import TABLE, find

rows = st.sampled_from(TABLE)
widths_of_cameras = st.sampled_from(KNOWN_WIDTHS)
addresses = st.integers(1, 7)


def values_of(field: Field, widths: Widths) -> st.SearchStrategy[int]:
    return st.sampled_from(field.only) if field.only else st.integers(*field.bounds(widths))


@st.composite
def frames(draw: st.DrawFn) -> tuple[Row, tuple[int, ...], Widths, bytes]:
    row, widths = draw(rows), draw(widths_of_cameras)
    values = tuple(draw(values_of(field, widths)) for field in row.fields)
    return row, values, widths, row.encode(*values, address=draw(addresses), widths=widths)


@given(frames())
def test_every_row_over_its_whole_range_goes_both_ways(
    case: tuple[Row, tuple[int, ...], Widths, bytes],
) -> None:
    row, values, widths, frame = case
    assert row.values_of(frame, widths) == values
    assert frame.index(0xFF) == len(frame) - 1
    assert 3 <= len(frame) <= 17
    assert find(frame) == (row, values) or row.name == "Pan-tiltDrive"  # a drive of nothing is found as STOP


@given(st.binary(max_size=20))
def test_whatever_bytes_are_looked_up_nothing_is_raised(data: bytes) -> None:
    found = find(data)
    if found is not None:
        row, values = found
        assert values in [row.values_of(data, widths) for widths in KNOWN_WIDTHS]


@given(st.sampled_from([row for row in TABLE if row.answer]), st.binary(max_size=24))
def test_an_answer_is_read_or_refused_with_the_name_of_its_inquiry_or_field(row: Row, content: bytes) -> None:
    names = (row.name, *(part.name for part in row.answer if isinstance(part, Field)))
    try:
        numbers = row.decode(content)
    except ValueError as error:
        complaint = str(error)
    else:
        assert len(content) in row.answer_lengths
        complaint = f"{row.name} {numbers}"
    assert complaint.startswith(names)


@pytest.mark.parametrize("row", [row for row in TABLE if row.fields], ids=lambda row: row.name)
def test_values_out_of_range_are_refused(row: Row) -> None:
    for widths in KNOWN_WIDTHS:
        good = [field.only[0] if field.only else field.bounds(widths)[0] for field in row.fields]
        for index, field in enumerate(row.fields):
            low, high = field.bounds(widths)
            for bad in (low - 1, high + 1):
                with pytest.raises(ValueError, match=f"{field.name} must be .*, got {bad}"):
                    row.encode(*good[:index], bad, *good[index + 1 :], widths=widths)
        with pytest.raises(ValueError, match="too few values"):
            row.encode(*good[:-1], widths=widths)
        with pytest.raises(ValueError, match="too many values"):
            row.encode(*good, 0, widths=widths)


def test_values_in_a_gap_are_refused() -> None:
    with pytest.raises(ValueError, match="exposure mode must be 0, 3, 10, 11 or 13, got 4"):
        table.AE_MODE.encode(4)
    with pytest.raises(ValueError, match="zoom drive must be"):
        table.ZOOM_DRIVE.encode(0x28)


def test_names_and_frames_are_each_of_one_row() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE) == len(table.BY_NAME)
    assert len({row.form for row in TABLE}) == len(TABLE)
    assert all(row.source for row in TABLE)


def test_no_stop_and_no_drive_has_speed_zero() -> None:
    assert table.PAN_TILT_STOP.encode()[4:6] == b"\x01\x01"
    for values in ((0, 1, 1, 3), (1, 0, 1, 3)):
        with pytest.raises(ValueError, match="speed must be 1 to 127, got 0"):
            table.PAN_TILT_DRIVE.encode(*values)


@pytest.mark.parametrize("address", [0, 8, 9, -1])
def test_an_address_that_no_camera_has_is_refused(address: int) -> None:
    with pytest.raises(ValueError, match=f"camera address must be 1 to 7, got {address}"):
        table.POWER_ON.encode(address=address)


def test_what_may_not_run_twice() -> None:
    twice = {row for row in TABLE if not row.idempotent}
    assert {table.PAN_TILT_RELATIVE, table.MENU_TOGGLE, table.FOCUS_TOGGLE, table.IR_RECEIVE_TOGGLE} < twice
    assert all("Up/Down" not in row.name or row in twice for row in TABLE)
    drives = {table.PAN_TILT_DRIVE, table.PAN_TILT_STOP, table.PAN_TILT_ABSOLUTE, table.RECALL, table.STORE}
    assert not drives & twice
    assert not any(row.answer for row in twice)


def test_what_moves_names_its_axes() -> None:
    assert table.RECALL.axes == set(Axis)
    assert table.ZOOM_FOCUS_DIRECT.axes == {Axis.ZOOM, Axis.FOCUS}
    assert table.FOCUS_STOP.axes == table.FOCUS_DRIVE.axes == table.FOCUS_DIRECT.axes == {Axis.FOCUS}
    assert table.PAN_TILT_HOME.axes == table.PAN_TILT_RELATIVE.axes == {Axis.PAN_TILT}
    assert not table.FOCUS_AUTO.axes  # a drive after it must not take it away


def test_kinds() -> None:
    assert table.IF_CLEAR.kind is table.ADDRESS_SET.kind is Kind.SETTING
    assert table.POSITION_INQ.kind is Kind.INQUIRY
    assert table.CANCEL.kind is table.RECALL.kind is Kind.COMMAND


def test_lengths_of_answers() -> None:
    assert table.POSITION_INQ.answer_bytes == 8
    assert table.POSITION_INQ.answer_lengths == {8, 9, 10}
    assert table.POWER_INQ.answer_lengths == {1}
    assert table.RECALL.answer_bytes == 0
    assert all(row.answer_bytes == 13 for row in table.BLOCK_INQUIRIES)


def test_bad_answers_are_named() -> None:
    with pytest.raises(ValueError, match="Pan-tiltPosInq wanted 8 or 9 or 10 bytes, found 00"):
        table.POSITION_INQ.decode(b"\x00")
    with pytest.raises(ValueError, match="Pan-tiltPosInq wanted 9 bytes"):
        table.POSITION_INQ.decode(bytes(8), Widths(5, 4))
    with pytest.raises(ValueError, match="zoom wanted half bytes, found 14"):
        table.ZOOM_INQ.decode(b"\x14\x00\x00\x00")
    with pytest.raises(ValueError, match="power must be 2 to 4, found 9"):
        table.POWER_INQ.decode(b"\x09")
    with pytest.raises(ValueError, match="wanted 7 bytes"):
        table.Version.parse(b"\x00")


@pytest.mark.parametrize(("nibbles", "bounds"), [(4, (-0x8000, 0x7FFF)), (5, (-0x80000, 0x7FFFF))])
def test_a_position_is_as_wide_as_the_camera_has_it(nibbles: int, bounds: tuple[int, int]) -> None:
    field = Field("pan", -0x8000, 0x7FFF, Width.PAN)
    assert field.bounds(Widths(pan=nibbles)) == bounds
    assert field.size(Widths(pan=nibbles)) == nibbles
    assert Widths(4, 4, 4) == USUAL
