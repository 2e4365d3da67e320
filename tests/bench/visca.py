"""Cameras: what the driver promises and what it costs, beside what others have published."""

from __future__ import annotations

from siaga.bench import Figure
from tests.bench import visca_faults, visca_lines, visca_polling, visca_recall, visca_speed, visca_stops

PARTS = (visca_speed, visca_lines, visca_polling, visca_faults, visca_stops, visca_recall)


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of every part, one after the other."""
    return [figure for part in PARTS for figure in part.measure(quick=quick)]
