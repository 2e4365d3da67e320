"""Shure's strings against the lines of *P300 Command Strings*."""

from __future__ import annotations

import random

import pytest

from drivers.mixer.codec import shure
from drivers.mixer.codec.shure import MAX_BODY_BYTES, Report, ReportDecoder

STREAM = b"< REP 01 AUDIO_GAIN_HI_RES 1100 >< REP 01 AUDIO_MUTE ON >\r\n< REP MODEL {P300   } >< REP ERR >"
REPORTS = [
    Report(1, "AUDIO_GAIN_HI_RES", "1100"),
    Report(1, "AUDIO_MUTE", "ON"),
    Report(None, "MODEL", "P300"),
    Report(None, "ERR", ""),
]


def test_strings_are_written_as_in_the_document() -> None:
    assert shure.get(1, "AUDIO_GAIN_HI_RES") == b"< GET 01 AUDIO_GAIN_HI_RES >"
    assert shure.put(20, "AUDIO_GAIN_HI_RES", shure.steps_of(-2.5)) == b"< SET 20 AUDIO_GAIN_HI_RES 1075 >"
    assert shure.get(None, "MODEL") == b"< GET MODEL >"


def test_every_split_of_a_stream_gives_the_same_reports() -> None:
    for cut in range(len(STREAM) + 1):
        decoder = ReportDecoder()
        assert decoder.feed(STREAM[:cut]) + decoder.feed(STREAM[cut:]) == REPORTS


def test_noise_and_endless_strings_leave_it_usable() -> None:
    dice = random.Random(7)
    decoder = ReportDecoder()
    for _ in range(200):
        decoder.feed(dice.randbytes(300))
    decoder.feed(b"<" * 10 * MAX_BODY_BYTES)
    decoder.feed(b">")
    assert decoder.feed(STREAM) == REPORTS


@pytest.mark.parametrize(("steps", "db"), [("0000", -110.0), ("1100", 0.0), ("1400", 30.0)])
def test_gains_are_tenths_of_a_decibel_from_minus_110(steps: str, db: float) -> None:
    assert shure.db_of(steps) == db
    assert shure.steps_of(db) == steps


@pytest.mark.parametrize("steps", ["1401", "-1", "", "12x", "99999", "²"])
def test_a_gain_that_is_none_is_said_to_be_so(steps: str) -> None:
    with pytest.raises(ValueError, match="1400"):
        shure.db_of(steps)
