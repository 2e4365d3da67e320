"""Sound: how soon the room is heard, what hearing costs, and whether its judgements can be believed."""

from __future__ import annotations

from siaga.bench import Figure
from tests.bench import audio_live, audio_mixers, audio_offline

PARTS = (audio_live, audio_mixers, audio_offline)


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of every part, one after the other."""
    return [figure for part in PARTS for figure in part.measure(quick=quick)]
