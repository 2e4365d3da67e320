"""Tells the loop as it happens: one line per step with its time, colours on a terminal only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from siaga.demo.processes import DemoFailure


@dataclass(slots=True)
class Step:
    """One step of the loop and what proves it."""

    title: str
    at: str
    began_s: float
    took_s: float = 0.0
    evidence: list[str] = field(default_factory=list)
    happened: bool = False

    def saw(self, evidence: str) -> None:
        """Keep one piece of evidence."""
        self.evidence.append(evidence)


def _prove(step: Step) -> None:
    """Take the step for happened.

    Raises:
        DemoFailure: it ran without giving evidence.
    """
    if not step.evidence:
        raise DemoFailure(f"{step.title}: nothing proves that it happened")
    step.happened = True


class Story:
    """The steps so far."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._started = time.monotonic()
        self.steps: list[Step] = []

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._started

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Run one step.

        Raises:
            DemoFailure: what was raised inside, after it was shown.
        """
        step = Step(title, datetime.now(UTC).isoformat(), round(self.elapsed_s, 2))
        self.steps.append(step)
        try:
            yield step
            _prove(step)
        except DemoFailure as error:
            self._show(step, "red", "FAILED")
            self.say(str(error))
            raise
        finally:
            step.took_s = round(self.elapsed_s - step.began_s, 2)
        self._show(step, "green", "ok")

    def _show(self, step: Step, colour: str, word: str) -> None:
        self._console.print(
            f"[dim]{step.began_s:6.1f} s[/dim]  [{colour}]{word:<6}[/{colour}] [bold]{step.title}[/bold]"
        )
        for piece in step.evidence:
            self._console.print(f"                  {piece}", markup=False)

    def say(self, text: str) -> None:
        """Print a plain line."""
        self._console.print(text, markup=False)

    def write(self, path: Path) -> None:
        """Write all steps as JSON."""
        path.write_text(json.dumps([asdict(step) for step in self.steps], indent=2, ensure_ascii=False) + "\n")
