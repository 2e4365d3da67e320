"""Lines: any bytes are a line of ours or a `BadLine`, nothing else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.audio import lines

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_line_survives_the_way(line: lines.Line) -> None:
    encoded = lines.encode(line)
    assert encoded.count(b"\n") == 1
    assert lines.decode(encoded) == line


@given(st.binary(max_size=60))
def test_any_bytes_are_a_line_or_refused(data: bytes) -> None:
    with suppress(lines.BadLine):
        assert isinstance(lines.decode(data), dict)


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b'{"a":', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(lines.BadLine):
        lines.decode(data)


def test_values_of_the_wrong_kind_are_named() -> None:
    line: lines.Line = {"rms": True, "zero": 1, "port": None, "ports": [1]}
    with pytest.raises(lines.BadLine, match="rms"):
        lines.number(line, "rms")
    with pytest.raises(lines.BadLine, match="zero"):
        lines.flag(line, "zero")
    with pytest.raises(lines.BadLine, match="port"):
        lines.text(line, "port")
    with pytest.raises(lines.BadLine, match="ports"):
        lines.parts(line, "ports")


def test_values_of_the_right_kind_are_given_back() -> None:
    line: lines.Line = {"rms": -3, "zero": False, "port": "speaker", "ports": [{"a": 1}]}
    assert lines.number(line, "rms") == -3.0
    assert lines.flag(line, "zero") is False
    assert lines.text(line, "port") == "speaker"
    assert lines.parts(line, "ports") == [{"a": 1}]
