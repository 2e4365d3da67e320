"""A test tone and what became of it, for those who play it and those who show it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from drivers.outcomes import Measure, Reason
from drivers.ports import Baseline


class Task(StrEnum):
    """What is being done."""

    CHECK = "check"
    CALIBRATION = "calibration"


class Stage(StrEnum):
    """How far it is; the last five are ends."""

    IDLE = "idle"
    LOOKING = "looking"
    """Whether it may be."""
    ANNOUNCED = "announced"
    SOUNDING = "sounding"
    ASKING = "asking"
    """Whether a person heard it."""
    DONE = "done"
    REFUSED = "refused"
    """Something forbids it, or it could not be measured."""
    NOT_HEARD = "not_heard"
    """A person heard nothing, or was not sure, or nobody answered."""
    CANCELLED = "cancelled"


GOING = frozenset({Stage.LOOKING, Stage.ANNOUNCED, Stage.SOUNDING, Stage.ASKING})


class Answer(StrEnum):
    """What a person says of the tones."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class HeldBaseline:
    """A baseline, and who heard the tones that it was made from."""

    baseline: Baseline
    at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class Tone:
    """One check or calibration, as far as it is."""

    task: Task = Task.CHECK
    stage: Stage = Stage.IDLE
    who: str = ""
    at: datetime | None = None
    """When this stage began."""
    until: datetime | None = None
    """When the tone sounds, or until when an answer is waited for."""
    reason: Reason | None = None
    """Why it ended without a result."""
    measures: tuple[Measure, ...] = ()
    """What a check found."""
    measured: Baseline | None = None
    """What a calibration found."""
    former: HeldBaseline | None = None
    """What held before."""
