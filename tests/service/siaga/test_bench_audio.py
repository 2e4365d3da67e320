"""The benchmark of sound measures what it says, at the smallest size; no figure in time is held here."""

from __future__ import annotations

from tests.bench import audio
from tests.wire.audio.rooms import needed

SMALLEST = audio.Size(starts=1, hangs=1, metered_s=0.5, loops=1, mutes=4, unplugs=1, recordings=12)
PROMISES = ("chirp found in 12 recordings without one", "loudness against pyloudnorm, furthest of 5 sounds")


def test_every_figure_is_measured_and_the_promises_hold() -> None:
    needed()
    found = {figure.figure: figure for figure in audio.figures(SMALLEST)}
    assert len(found) == 11
    assert all(figure.value >= 0 for figure in found.values())
    assert all(found[name].holds for name in PROMISES)
