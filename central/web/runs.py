"""The presets that a session's report tells of, as lines for the session's page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from central.web import words
from central.web.journal import CAUSES, milliseconds
from contract.base import JsonScalar
from contract.report import ExecutionReport, ReportedRun, ReportedStep
from webui.env import angka
from webui.i18n import DEFAULT, N_, current_language
from webui.reasons import Translate, device_name, sentence
from webui.verbs import told


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step: what was told to which device, and how it ended."""

    text: str
    is_fine: bool
    reason: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run of a preset: with what values, on whose word, and how it ended."""

    at: datetime
    name: str
    values: tuple[str, ...]
    by: str
    tone: str
    word: str
    took: str
    steps: tuple[StepLine, ...]

    @property
    def good(self) -> int:
        """How many steps are as they should be."""
        return sum(step.is_fine for step in self.steps)

    @property
    def amiss(self) -> tuple[StepLine, ...]:
        """The steps that are not."""
        return tuple(step for step in self.steps if not step.is_fine)


def runs(report: ExecutionReport, translate: Translate) -> Iterator[RunLine]:
    """Yield the runs of a session, oldest first."""
    for run in report.runs:
        word, tone = (N_("done"), "ready") if run.good else (N_("not completed"), "fault")
        yield RunLine(
            at=run.started_at,
            name=run.label.get(current_language()) or run.label.get(DEFAULT) or run.preset,
            values=tuple(f"{name}: {_value(value, translate)}" for name, value in run.values.items()),
            by=_by(run, translate),
            tone=tone,
            word=translate(word),
            took="" if run.ended_at is None else _took(run.ended_at - run.started_at),
            steps=tuple(_step(step, translate) for step in run.steps),
        )


def _by(run: ReportedRun, translate: Translate) -> str:
    cause = translate(CAUSES.get(run.cause, run.cause))
    return f"{run.who}, {cause}" if run.who else cause


def _step(step: ReportedStep, translate: Translate) -> StepLine:
    word, tone = words.OUTCOMES[step.outcome]
    took = "" if step.duration is None else _took(step.duration)
    done = f"{device_name(step.device, translate)}: {told(step.verb, step.arguments, translate)}"
    reason = "" if step.reason is None else sentence(step.reason, translate)
    return StepLine(" · ".join(filter(None, (done, translate(word), took))), tone == "ready", reason)


def _value(value: JsonScalar, translate: Translate) -> str:
    if isinstance(value, bool):
        return translate(N_("on") if value else N_("off"))
    return angka(value) if isinstance(value, int | float) else str(value)


def _took(span: timedelta) -> str:
    return milliseconds(span / timedelta(milliseconds=1))
