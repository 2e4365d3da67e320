"""The report speaks Indonesian about everything that a room can be told and can read back."""

from __future__ import annotations

import pytest

from central.report import words
from drivers.verbs import VERBS

ALL = {verb.name: verb for verbs in VERBS.values() for verb in verbs.values()}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_verb_and_its_arguments_have_words(name: str) -> None:
    assert name in words.VERBS
    fields = ALL[name].arguments.model_fields
    asked = {field.alias or key for key, field in fields.items()}
    assert not asked - set(words.VALUES), "arguments without a word"


def test_a_proved_place_is_one_phrase_without_machine_words() -> None:
    found = {"pan_deg": -30, "tilt_deg": 5, "zoom": 0.25, "proved": True, "expected_pan_deg": -30}
    told = words.read_back(found | {"expected_tilt_deg": 5, "expected_zoom": 0.25, "off_deg": 0.1, "off_zoom": 0})
    assert told == "geser -30°, tengadah 5°, zum 0,25; selisih 0,1°, zum 0"


def test_a_place_that_is_off_says_where_it_should_have_been() -> None:
    found = {"pan_deg": -30, "tilt_deg": 5, "zoom": 0, "proved": False, "expected_pan_deg": 10}
    told = words.read_back(found | {"expected_tilt_deg": 5, "expected_zoom": 0, "off_deg": 40, "off_zoom": 0})
    assert "seharusnya geser 10°, tengadah 5°, zum 0; selisih 40°" in told


def test_a_place_taken_for_the_stored_one_says_so() -> None:
    assert words.read_back({"pan_deg": 1, "tilt_deg": 2, "zoom": 0, "proved": True, "adopted": True}).endswith("acuan")


def test_what_else_is_read_back_is_listed_by_name() -> None:
    assert words.read_back({"muted": True, "gain_db": -6.5}) == "bisu ya, penguatan (dB) -6,5"
