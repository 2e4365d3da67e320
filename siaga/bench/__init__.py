"""The measurements behind docs/performance.md; the code that measures is in `tests/bench`.

Every figure is a ratio against a floor measured in the same run wherever a floor exists:
machines differ, ratios hold.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass

GROUPS = ("loop", "visca", "obs", "audio", "agent", "central")
"""Groups that measure something today; each is a module `tests.bench.NAME` with `measure(quick)`."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and what it should be."""

    group: str
    figure: str
    value: float
    unit: str
    goal: str
    holds: bool
    floor: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value over its floor."""
        return self.value / self.floor if self.floor else None

    def as_json(self) -> dict[str, object]:
        """Return it as `--json` prints it."""
        return {**asdict(self), "ratio": self.ratio}

    def as_row(self) -> tuple[str, ...]:
        """Return it as a row of the table."""
        floor = f"{self.floor:.3g}" if self.floor else "-"
        ratio = f"{self.ratio:.2f}" if self.ratio else "-"
        return (
            self.group,
            self.figure,
            f"{self.value:.3g}",
            self.unit,
            floor,
            ratio,
            self.goal,
            "yes" if self.holds else "NO",
        )


def run_groups(groups: Iterable[str], *, quick: bool) -> list[Figure]:
    """Measure `groups`, or all of them.

    Raises:
        ValueError: no such group, or no source tree to measure from.
    """
    wanted = list(groups) or list(GROUPS)
    if unknown := [group for group in wanted if group not in GROUPS]:
        raise ValueError(f"no group {', '.join(unknown)}; there are: {', '.join(GROUPS)}")
    try:
        modules = [importlib.import_module(f"tests.bench.{group}") for group in wanted]
    except ModuleNotFoundError as error:
        raise ValueError("benchmarks run from a checkout: cd to it and use `make bench`") from error
    return [figure for module in modules for figure in module.measure(quick=quick)]
