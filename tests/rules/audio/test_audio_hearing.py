"""What a second sounds like, and what of it is wrong: on modelled sounds, all the way from samples to flags."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.audio.dsp import BLOCK_FRAMES, Samples, level
from drivers.audio.hearing import Hearing
from drivers.audio.model import Flag, Limits, Second, flags
from tests.rules.audio.sounds import mains, pink, sine, telephone, voice


def seconds_of(sound: Samples) -> list[Second]:
    hearing = Hearing()
    blocks = (sound[at : at + BLOCK_FRAMES] for at in range(0, sound.size, BLOCK_FRAMES))
    return [second for block in blocks if (second := hearing.feed(block, level(block))) is not None]


def flags_of(sound: Samples, own_treble_db: float | None = None) -> frozenset[Flag]:
    return flags(seconds_of(sound), Limits(), own_treble_db)


def room(seed: int = 1, seconds: float = 10.0) -> Samples:
    return voice(seed, -30.0, seconds) + pink(seed, -62.0, seconds)


def test_a_room_with_somebody_talking_has_nothing_wrong() -> None:
    for seed in range(10):
        assert flags_of(room(seed)) == frozenset(), seed


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        (np.zeros(480_000, dtype=np.float32), {Flag.DIGITAL_ZERO, Flag.SILENCE}),
        (pink(2, -62.0, 10.0), {Flag.SILENCE}),
        (room() + mains(-45.0, 10.0), {Flag.HUM}),
        (np.clip(room() * 14.0, -1.0, 1.0), {Flag.CLIPPING}),
        (room() + sine(2_400.0, -14.0, 10.0), {Flag.HOWL}),
        (pink(2, -62.0, 10.0) + mains(-35.0, 10.0), {Flag.HUM}),
        (pink(2, -62.0, 10.0) + mains(-45.0, 10.0) + sine(1_234.0, -14.0, 10.0), {Flag.HUM, Flag.HOWL}),
        (room() + sine(300.0, -10.0, 10.0), {Flag.HOWL}),
    ],
    ids=[
        "muted at the device",
        "nobody talks",
        "hum",
        "too hot",
        "feedback",
        "loud hum, whose multiples stand out like feedback",
        "both",
        "feedback where a hum would have a multiple",
    ],
)
def test_what_is_wrong_is_named_and_nothing_else(sound: Samples, expected: set[Flag]) -> None:
    assert flags_of(sound) == expected


def test_a_telephones_band_shows_against_the_rooms_own() -> None:
    own = max(second.treble_db for second in seconds_of(room()))
    assert Flag.NARROW_BAND not in flags_of(room(3), own)
    assert Flag.NARROW_BAND in flags_of(telephone(room(3)), own)
    assert Flag.NARROW_BAND not in flags_of(telephone(room(3)))  # nothing to compare with


def test_one_vowel_is_no_telephone() -> None:
    hum_and_haw = telephone(voice(3, -30.0, 10.0))
    hum_and_haw[96_000:] = 0.0
    assert Flag.NARROW_BAND not in flags_of(hum_and_haw + pink(3, -62.0, 10.0), own_treble_db=-10.0)


def test_loudness_and_levels_of_a_second() -> None:
    [second] = seconds_of(sine(997.0, -20.0, 1.0))
    assert second.loudest_lufs == pytest.approx(-23.0, abs=0.1)
    assert (second.floor_dbfs, second.loud_dbfs) == pytest.approx((-23.01, -23.01), abs=0.1)


def test_what_is_over_is_no_longer_wrong() -> None:
    howl = room() + sine(2_400.0, -14.0, 10.0)
    assert Flag.HOWL not in flags_of(np.concatenate([howl, room(2, 2.0)]))


def test_too_little_heard_is_not_silence() -> None:
    assert flags_of(pink(1, -62.0, 4.0)) == frozenset()
    assert flags([], Limits()) == frozenset()
