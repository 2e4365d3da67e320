"""Every benchmark of the cameras runs to its end on a little work; what it measures then is nobody's figure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from math import isnan

import pytest

from siaga.bench import Figure
from tests.bench import visca_faults, visca_lines, visca_polling, visca_recall, visca_speed, visca_stops

RUNS: dict[str, Callable[[], list[Figure]]] = {
    "speed": lambda: visca_speed.figures(visca_speed.Size(rounds=1, exchanges=20, alone=100)),
    "lines": lambda: visca_lines.figures(
        visca_lines.Size(inquiries=5, slow_rounds=1, slow_inquiries=5, peer_inquiries=5)
    ),
    "polling": lambda: visca_polling.figures(visca_polling.Size(rounds=1, polled_s=1.0, kept=2, deaths=1)),
    "faults": lambda: visca_faults.figures(
        visca_faults.Size(movers=10, commands=40, stoppers=5, stops=10, peer_commands=4, peer_stops=4)
    ),
    "stops": lambda: visca_stops.figures(
        visca_stops.Size(lines=2, releases=2, held_s=0.3, long_s=0.5, fifo_s=0.3, cameras=2, leases=2)
    ),
    "recall": lambda: visca_recall.figures(visca_recall.Size(models=2, memories=2, rounds=1)),
}
PROMISES = ("said done and not run", "run twice", "moving after STOP returned", "reported not where")
"""What must hold however slow the machine is."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("part", RUNS)
def test_part_measures_all_it_names(part: str) -> None:
    figures = RUNS[part]()
    assert figures
    assert not [figure.figure for figure in figures if isnan(figure.value)]
    assert all(figure.group == "visca" for figure in figures)
    promised = [figure for figure in figures if figure.figure.startswith(PROMISES) and figure.goal != "peer"]
    assert [figure.figure for figure in promised if not figure.holds] == []
