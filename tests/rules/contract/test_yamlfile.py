from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from contract.yamlfile import Duration, FileMistakes, Settings, duration, parse, read


class Lamp(Settings):
    watts: int = Field(gt=0)
    warm_up: Duration = timedelta(0)


class House(Settings):
    name: str
    lamps: dict[str, Lamp]
    rooms: tuple[str, ...] = ()


def load(tmp_path: Path, text: str) -> House:
    path = tmp_path / "house.yaml"
    path.write_text(text)
    return parse(read(path), House)


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(FileMistakes) as caught:
        load(tmp_path, text)
    return [line.removeprefix(f"{tmp_path}/house.yaml:") for line in caught.value.lines()]


def test_a_good_file_is_read(tmp_path: Path) -> None:
    house = load(tmp_path, "name: A\nlamps: {one: {watts: 5, warm_up: 1m30s}}\n")
    assert house.lamps["one"].warm_up == timedelta(seconds=90)


def test_all_mistakes_are_named_at_their_place(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "name: A\nlamps:\n  one: {watts: 0}\n  two: {watts: 5, warm_up: 30}\ncolour: red\n")
    assert [line.split(": ", 1)[0] for line in found] == ["3:9", "4:19", "5:1"]
    assert "lamps.one.watts: Input should be greater than 0; got 0" in found[0]
    assert "a duration with its unit is wanted" in found[1]
    assert found[2].endswith("colour: unknown key")


def test_a_missing_key_is_named_where_it_belongs(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "name: A\nlamps:\n  one: {warm_up: 1s}\n") == [
        "3:3: lamps.one.watts: missing: a value is wanted here"
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name: [", "1:8:"),
        ("name: A\nname: B\n", "2:1: .*duplicate"),
        ("- a\n", "wanted keys with values"),
        ("\t", "found character"),
    ],
)
def test_what_is_no_such_file_is_one_clear_mistake(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(FileMistakes, match=named):
        load(tmp_path, text)


def test_a_line_that_reads_as_a_key_is_not_told_whole(tmp_path: Path) -> None:
    told = mistakes(tmp_path, "name: A\nlamps: {}\nroot:$y$j9T$secret/hash:19000:0:99999:7:::\n" + "a" * 90 + ": 1\n")
    assert told == ["3:1: root…: unknown key", f"4:1: {'a' * 64}…: unknown key"]


def test_a_key_that_is_there_twice_is_told_without_what_it_holds(tmp_path: Path) -> None:
    (told,) = mistakes(tmp_path, "name: hemlig-1\nname: hemlig-2\n")
    assert 'found duplicate key "name"' in told
    assert "hemlig" not in told


def test_an_absent_file_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(FileMistakes, match="no such file"):
        read(tmp_path / "nowhere.yaml")


def test_yaml_1_2_keeps_words_that_1_1_took_for_booleans(tmp_path: Path) -> None:
    assert load(tmp_path, "name: no\nlamps: {on: {watts: 1}}\n").name == "no"


@given(st.integers(0, 50), st.integers(0, 59), st.integers(0, 59))
def test_durations_add_up(hours: int, minutes: int, seconds: int) -> None:
    wanted = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert duration(f"{hours}h{minutes}m{seconds}s") == wanted


@given(st.text(max_size=10))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        found = duration(text)
    except ValueError:
        return
    assert found >= timedelta(0)
