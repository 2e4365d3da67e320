"""One run of a preset: what was ordered, how far it is, what it asks a person."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent.guards import Answer
from agent.presets import Preset, Step
from agent.resume import step_key
from contract.messages import Fault
from contract.words import StepOutcome
from drivers.outcomes import Scalar


@dataclass(frozen=True, slots=True)
class Order:
    """One run of a preset: what, for whom, on whose word."""

    id: str
    preset: Preset
    phase: str | None = None
    """`prepare`, `live` or `end` when the timeline runs it; none for a press."""
    session: str | None = None
    session_rev: int | None = None
    cause: str = "schedule"
    who: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    """What the session's words in texts mean (`agent.placeholders`)."""
    may_record: bool = True
    facts: frozenset[str] = frozenset()
    """What guards may ask without asking a device (`agent.roomfile.FactName`)."""
    late: timedelta | None = None
    """How much too late its phase begins; none: it does not."""
    left_out: Mapping[str, Fault] = field(default_factory=dict)
    """Steps that are not done this time, by place, and why."""
    decided: Mapping[str, bool] = field(default_factory=dict)
    """What people said of late steps before (`agent.resume.step_key`)."""
    begun_before: frozenset[str] = frozenset()
    """Steps that an earlier process began in this run's place (`agent.resume.step_key`)."""
    alone: bool = True
    """Whether the devices are held; a single hand on the mute button does not wait."""
    silences: bool = False
    """Whether it mutes everything: no run that began before opens anything after it."""


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How one step ended."""

    outcome: StepOutcome
    reason: Fault | None = None
    read_back: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def is_fine(self) -> bool:
        """Whether the wanted state was reached, or must not be."""
        return self.outcome.good or self.outcome is StepOutcome.SKIPPED


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a late step is still done, asked of a person."""

    step: Step
    until: datetime
    """When nobody is waited for any more, for people."""
    until_s: float
    """The same on the event loop's clock."""
    answer: asyncio.Future[bool]


def questions_of(order: Order, at: datetime, within: timedelta) -> dict[str, Question]:
    """Return what a person is asked when `order` is accepted `at` that moment, by step."""
    if order.late is None:
        return {}
    loop = asyncio.get_running_loop()
    until_s = loop.time() + within.total_seconds()
    return {
        step.id: Question(step, at + within, until_s, loop.create_future())
        for step in order.preset.steps
        if step.late == "ask" and step_key(step.device, step.told()) not in order.decided
    }


@dataclass(slots=True)
class Run:
    """A run while it goes and after it ended."""

    order: Order
    step: int = 0
    """How many steps have ended."""
    ends: dict[str, StepEnd] = field(default_factory=dict)
    """How each step ended; one that was taken back has ended as undone."""
    failed: StepEnd | None = None
    """The first step that failed and was not optional."""
    guards: dict[str, asyncio.Task[Answer]] = field(default_factory=dict)
    """What guards said, by their place."""
    questions: dict[str, Question] = field(default_factory=dict)
    """What a person is asked, by step."""
    taken_back: set[str] = field(default_factory=set)
    """The steps whose undo was begun; none is undone twice."""
    rested: int = 0
    """How many steps of its state of rest were begun."""
    is_over: bool = False
    undo_when_cancelled: bool = True
    silences: int = 0
    """How often everything had been muted when it began."""
    cancelled_by: str | None = None
    """The person who cancelled it."""
    at: datetime | None = None
    """When it was accepted."""

    @property
    def is_good(self) -> bool:
        """Whether it is over and every step that counts reached its state."""
        return self.is_over and self.failed is None

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What nobody has answered yet."""
        return () if self.is_over else tuple(q for q in self.questions.values() if not q.answer.done())
