"""What a session is asked, how far it is, and what a tick of it brings.

A request is

    QUEUED ──> SENT ──> RUNNING ──> ENDED      with exactly one `Outcome`

*Sent* means that no answer came yet; *running* that the camera acknowledged and its
completion is awaited. Inquiries go from sent to ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from math import inf
from typing import NamedTuple

from drivers.outcomes import Outcome
from drivers.visca.codec import Kind
from drivers.visca.row import Axis


class Lane(IntEnum):
    """Who goes first."""

    STOP = 0
    USER = 1
    AUTOMATION = 2
    POLL = 3


class State(Enum):
    """How far a request is."""

    QUEUED = "queued"
    SENT = "sent"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Order:
    """What to ask of the camera."""

    name: str
    kind: Kind
    payload: bytes
    lane: Lane = Lane.USER
    axes: frozenset[Axis] = field(default=frozenset())
    """What it moves or stops."""
    within_s: float = 2.0
    """How long after its acknowledgement a command may take to complete."""
    idempotent: bool = False
    """Running it twice ends where running it once does; else it is never sent twice over a bare line."""
    drive: bool = False
    """It keeps moving until told otherwise, so an equal one while it lasts changes nothing."""
    answer_bytes: frozenset[int] = frozenset()
    """Every length that the answer to an inquiry may have; empty if unknown."""


class Request:
    """An order on its way; read `outcome` once the session reports it as finished."""

    __slots__ = (
        "answer",
        "code",
        "due_at",
        "ends_at",
        "first_sent_at",
        "is_motion",
        "is_stop",
        "joined",
        "last_sent_at",
        "order",
        "outcome",
        "ran",
        "refusals",
        "sequence",
        "skipped",
        "state",
        "strays",
        "taken_back",
        "tries",
    )

    def __init__(self, order: Order) -> None:
        self.order = order
        self.state = State.QUEUED
        self.outcome: Outcome | None = None
        self.answer = b""
        self.code: int | None = None
        """The camera's error, if it refused."""
        self.ran = False
        """The camera acknowledged it."""
        self.skipped = False
        """It was not sent, because the camera is already doing it."""
        self.taken_back = False
        self.sequence = -1
        self.tries = 0
        self.refusals = 0
        self.first_sent_at = 0.0
        self.last_sent_at = 0.0
        self.due_at = 0.0
        """Queued: not sent before. Sent: resent at."""
        self.ends_at = inf
        """Given up at."""
        self.strays: tuple[Request, ...] = ()
        """STOP only: motions whose datagram may still arrive after it."""
        self.joined: tuple[Request, ...] = ()
        """STOP only: equal ones that end as this one does."""
        self.is_stop = order.lane is Lane.STOP
        """Whether it goes before everything else."""
        self.is_motion = bool(order.axes) and not self.is_stop
        """Whether it makes the camera move."""


class Step(NamedTuple):
    """What a tick brought."""

    send: tuple[bytes, ...]
    finished: tuple[Request, ...]
    wake_at: float | None
    """When to tick again at the latest; none while nothing is alive, or while all that lives waits for room."""
    wants: Lane | None = None
    """Whose message could go out at once if there were room."""
