"""Shows the score of a drill to people, or as JSON to programs."""

from __future__ import annotations

import json

import typer
from rich.console import Console
from rich.table import Table

from siaga.drill.score import Course, Score


def show(score: Score, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        typer.echo(json.dumps(score.as_json(), ensure_ascii=False))
        return
    console = Console()
    table = Table(title=f"LATIHAN / DRILL: {score.script.name}", title_justify="left")
    for column in ("what went wrong", "at", "noticed after", "good again after", "people after", "missed"):
        table.add_column(column)
    for course in score.courses:
        table.add_row(*_row(course))
    console.print(table)
    phases = ", ".join(f"{name} {at_s:.1f} s" for name, at_s in score.phases.items())
    console.print(f"session: {phases or 'never began'}; {'reported' if score.reported else 'not reported'}")
    console.print(f"people: {score.presses} deeds at the tablet")
    for text in score.missed():
        console.print(f"missed: {text}", markup=False)
    console.print(f"score: {score.held} of {score.wanted}")


def _row(course: Course) -> tuple[str, ...]:
    missed = "; ".join(course.missed())
    seconds = (course.broke_s, course.noticed_after_s, course.mended_after_s, course.person_after_s)
    return (course.fault.told, *map(_seconds, seconds), missed or "-")


def _seconds(found: float | None) -> str:
    return "-" if found is None else f"{found:.1f} s"
