"""How well the time standards are kept: percentiles per step, and what ran late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from central.domain.clocks import SopClock, Standards, Step


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one step: how many were done, how many in time, and how long they took in working time."""

    step: Step
    done: int
    in_time: int
    median: timedelta
    p90: timedelta
    p95: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Lead:
    """Step 1: how long before their events requests came; `in_time` kept the lead time."""

    sent: int
    in_time: int
    median: timedelta
    p10: timedelta
    shortest: timedelta


def figures(clocks: Iterable[SopClock], standards: Standards) -> tuple[Figures, ...]:
    """Return one line for each step that was done at least once, in the SOP's order."""
    known = tuple(clock for clock in clocks if clock.done_at is not None)
    by_step = {step: [clock for clock in known if clock.step is step] for step in Step}
    return tuple(_figures(step, found, standards) for step, found in by_step.items() if found)


def _figures(step: Step, clocks: list[SopClock], standards: Standards) -> Figures:
    took = sorted(standards.took(clock) for clock in clocks)
    in_time = sum(not clock.late(clock.due) for clock in clocks)
    return Figures(step, len(took), in_time, percentile(took, 50), percentile(took, 90), percentile(took, 95), took[-1])


def lead(sent: Iterable[tuple[datetime, datetime]], latest: Callable[[datetime], datetime]) -> Lead | None:
    """Return the figures of step 1 for requests as (sent, starts); None when there are none."""
    known = tuple(sent)
    if not known:
        return None
    given = sorted(starts - at for at, starts in known)
    in_time = sum(at <= latest(starts) for at, starts in known)
    return Lead(len(given), in_time, percentile(given, 50), percentile(given, 10), given[0])


def percentile(ordered: Sequence[timedelta], percent: int) -> timedelta:
    """Return the smallest value that `percent` of all are not above; `ordered` is not empty."""
    return ordered[max(1, ceil(len(ordered) * percent / 100)) - 1]
