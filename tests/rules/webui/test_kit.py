"""Pieces of the kit that need no server: files, places in the day, reasons, size of the scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui import assets
from webui.assets import Assets
from webui.reasons import SENTENCES, sentence
from webui.timeline import FIRST_COLUMN, Slot, lay_out, stylesheet

ROOT = Path(__file__).parents[3]
EIGHT = datetime(2026, 11, 3, 8, tzinfo=UTC)
SIX_PM = EIGHT + timedelta(hours=10)


def slot(lane: str, key: str, start_min: int, minutes: int) -> Slot:
    start = EIGHT + timedelta(minutes=start_min)
    return Slot(lane, key, start, start + timedelta(minutes=minutes))


def test_a_session_stands_from_its_start_to_its_end() -> None:
    day = lay_out(["Praja I"], [slot("Praja I", "a", 30, 90)], EIGHT, SIX_PM)
    [placed] = day.lanes[0].slots
    assert (placed.first, placed.last) == (FIRST_COLUMN + 6, FIRST_COLUMN + 24)
    assert day.columns == 120
    assert len(day.hours) == 10


def test_sessions_that_touch_share_a_row_and_sessions_that_overlap_do_not() -> None:
    slots = [slot("A", "1", 0, 60), slot("A", "2", 60, 60), slot("A", "3", 90, 60)]
    lane = lay_out(["A", "B"], slots, EIGHT, SIX_PM).lanes[0]
    assert [placed.row for placed in lane.slots] == [2, 2, 3]
    assert lane.rows == 2


def test_an_empty_lane_keeps_a_row_and_the_next_starts_below() -> None:
    day = lay_out(["A", "B"], [slot("B", "1", 0, 60)], EIGHT, SIX_PM)
    assert [lane.first_row for lane in day.lanes] == [2, 3]


def test_what_reaches_over_the_edge_is_cut_and_what_lies_outside_is_left_out() -> None:
    slots = [slot("A", "over", -60, 90), slot("A", "before", -60, 60), slot("A", "after", 600, 60)]
    [placed] = lay_out(["A"], slots, EIGHT, SIX_PM).lanes[0].slots
    assert (placed.slot.key, placed.first, placed.last) == ("over", FIRST_COLUMN, FIRST_COLUMN + 6)


def test_an_empty_stretch_is_refused() -> None:
    with pytest.raises(ValueError, match="at most a day"):
        lay_out(["A"], [], EIGHT, EIGHT)


@given(st.lists(st.tuples(st.integers(0, 599), st.integers(1, 300)), max_size=25))
def test_nothing_in_a_lane_ever_covers_anything_else(times: list[tuple[int, int]]) -> None:
    slots = [slot("A", str(n), start, minutes) for n, (start, minutes) in enumerate(times)]
    placed = lay_out(["A"], slots, EIGHT, SIX_PM).lanes[0].slots
    assert len(placed) == len(slots)
    cells = [(p.row, column) for p in placed for column in range(p.first, p.last)]
    assert len(cells) == len(set(cells))


def test_the_sheet_has_a_rule_for_every_place() -> None:
    day = lay_out(["A"], [slot("A", "1", 30, 90)], EIGHT, SIX_PM)
    for name in f"{day.lanes[0].slots[0].classes} {day.lanes[0].classes} columns-{day.columns}".split():
        assert f".{name}{{" in stylesheet()


def test_an_address_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    before = Assets(tmp_path).url("a.js")
    (tmp_path / "b.js").write_text("2")
    assert before != Assets(tmp_path).url("a.js")
    assert Assets(tmp_path).url("a.js") == Assets(tmp_path).url("a.js")


def test_a_link_to_a_file_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(KeyError, match="no static file"):
        Assets(assets.KIT).url("nowhere.js")


@dataclass(frozen=True)
class Why:
    code: str
    detail: str
    values: dict[str, object] = field(default_factory=dict)


def test_a_known_reason_is_a_sentence_and_an_unknown_one_its_detail() -> None:
    assert sentence(Why("obs.slow", "x", {"fps": 12}), str) == "OBS shows only 12 pictures a second"
    assert sentence(Why("lamp.blown", "the lamp is blown"), str) == "the lamp is blown"
    assert sentence(Why("obs.slow", "12 fps, wanted 30"), str) == "12 fps, wanted 30"


def test_every_sentence_can_be_formatted_with_its_own_names() -> None:
    for code, text in SENTENCES.items():
        values: dict[str, object] = dict.fromkeys(re.findall(r"%\((\w+)\)s", text), "x")
        assert sentence(Why(code, "detail", values), str) == text % values


def test_every_reason_that_a_driver_or_a_room_gives_has_a_sentence() -> None:
    given = re.compile(r"""(?:[Rr]eason|why|Declined|Fault|SoundTrouble)\(\s*(?:code=)?"([a-z_]+\.[a-z_]+)\"""")
    sources = [
        path for folder in ("drivers", "agent") for path in (ROOT / folder).rglob("*.py") if "sim" not in path.parts
    ]
    codes = {code for path in sources for code in given.findall(path.read_text())}
    assert "camera.in_standby" in codes
    assert sorted(codes - SENTENCES.keys()) == []


def test_scripts_stay_small_and_without_words() -> None:
    scripts = [path for folder in ("webui", "agent", "central") for path in (ROOT / folder).rglob("static/**/*.js")]
    lengths = {path.name: len(path.read_text().splitlines()) for path in scripts}
    assert lengths
    assert max(lengths.values()) <= 150
    assert sum(lengths.values()) <= 1500
