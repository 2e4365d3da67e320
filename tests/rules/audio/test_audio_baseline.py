"""What calibration measured survives being kept, and nothing else is taken for it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers.ports import Baseline

MEASURED = Baseline("room_speaker", "room_mic", 0.0, -3.0, -10.4, 17.6, -62.0, -1, (-12.0, -9.5, -30.0), 0.98)
FINITE = some.floats(allow_nan=False, allow_infinity=False)


@given(
    gain_db=FINITE,
    latency_ms=FINITE,
    bands_db=some.lists(FINITE, max_size=8).map(tuple),
    polarity=some.sampled_from([-1, 0, 1]),
    speaker=some.text(),
)
def test_what_is_kept_as_json_is_what_was_measured(
    gain_db: float, latency_ms: float, bands_db: tuple[float, ...], polarity: int, speaker: str
) -> None:
    measured = replace(
        MEASURED, gain_db=gain_db, latency_ms=latency_ms, bands_db=bands_db, polarity=polarity, speaker=speaker
    )
    assert Baseline.from_json(json.loads(json.dumps(measured.to_json()))) == measured


def test_what_a_newer_version_adds_is_ignored() -> None:
    assert Baseline.from_json({**MEASURED.to_json(), "room_size_m": 9}) == MEASURED


@pytest.mark.parametrize("name", sorted(MEASURED.to_json()))
@pytest.mark.parametrize("value", [None, True, {}, "nan", float("nan"), ["x"]])
def test_what_is_no_baseline_is_refused(name: str, value: object) -> None:
    if name in {"speaker", "microphone"} and isinstance(value, str):
        value = 7
    with pytest.raises(ValueError, match="baseline"):
        Baseline.from_json({**MEASURED.to_json(), name: value})
    with pytest.raises(ValueError, match="baseline"):
        Baseline.from_json({key: kept for key, kept in MEASURED.to_json().items() if key != name})


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_what_is_no_object_is_no_baseline(value: object) -> None:
    with pytest.raises(ValueError, match="baseline: wanted an object"):
        Baseline.from_json(value)


@pytest.mark.parametrize("polarity", [2, -3])
def test_there_are_two_polarities_and_not_knowing(polarity: int) -> None:
    with pytest.raises(ValueError, match="polarity"):
        replace(MEASURED, polarity=polarity)
