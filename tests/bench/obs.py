"""OBS: what the link costs, what it never mixes up, how soon a loss is known and what is left behind."""

from __future__ import annotations

from siaga.bench import Figure
from tests.bench import obs_answers, obs_loss, obs_ready, obs_real, obs_speed

PARTS = (obs_speed, obs_answers, obs_loss, obs_ready, obs_real)


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of every part, one after the other."""
    return [figure for part in PARTS for figure in part.measure(quick=quick)]
