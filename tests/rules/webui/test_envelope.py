"""A series is drawn with all its peaks and all its gaps, however few columns there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from webui.envelope import envelope

START = datetime(2026, 11, 3, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def series(values: list[float]) -> list[tuple[datetime, float]]:
    return [(START + number * SECOND, value) for number, value in enumerate(values)]


@given(st.lists(st.floats(-120, 0), min_size=1, max_size=400), st.integers(1, 50))
def test_no_peak_and_no_lull_is_lost(values: list[float], most: int) -> None:
    columns = envelope(series(values), most)
    assert 1 <= len(columns) <= max(most, 1)
    assert max(column.high for column in columns if column.high is not None) == max(values)
    assert min(column.low for column in columns if column.low is not None) == min(values)
    assert [column.at for column in columns] == sorted(column.at for column in columns)


def test_one_loud_second_in_three_hours_is_seen() -> None:
    values = [-40.0] * 10_800
    values[7_777] = -1.0
    loud = [column for column in envelope(series(values), 600) if column.high == -1.0]
    assert len(loud) == 1
    assert abs(loud[0].at - (START + 7_777 * SECOND)) <= timedelta(seconds=18)
    assert loud[0].low == -40.0


def test_a_gap_stays_a_gap_and_a_short_series_has_none() -> None:
    whole = series([-40.0] * 300)
    gap = whole[:100] + whole[200:]
    assert [column.high is None for column in envelope(gap, 600)].count(True) == 100
    assert [column.high is None for column in envelope(gap, 30)].count(True) in range(8, 11)
    assert all(column.high is not None for column in envelope(whole, 600))


def test_nothing_and_one_point_are_drawn_as_they_are() -> None:
    assert envelope([], 10) == []
    assert [(column.low, column.high) for column in envelope(series([-3.0]), 10)] == [(-3.0, -3.0)]
    assert len(envelope([(START, -3.0), (START, -4.0)], 10)) == 1
