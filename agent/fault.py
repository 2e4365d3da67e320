"""A bug that ended the agent, in one line for people; the log has all of it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent.parent
LONGEST = 300


class AgentFault(Exception):
    """The agent ended by a bug; says which and where."""


@dataclass(frozen=True, slots=True)
class Bug:
    """What went wrong and where in our own code."""

    error: str
    where: str
    more: int = 0
    """How many other parts ended with it."""

    def __str__(self) -> str:
        also = f" (and {self.more} more)" if self.more else ""
        return f"{self.error}, in {self.where}{also}"


def bug_of(error: BaseException) -> Bug:
    """Return the first error of a group of groups, and where it arose."""
    leaves = _leaves(error)
    first = leaves[0]
    text = " ".join(f"{type(first).__name__}: {first}".split())
    return Bug(text[:LONGEST], _where(first), len(leaves) - 1)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _where(error: BaseException) -> str:
    """Return the innermost place that is ours; a library's own lines tell a room's technician nothing."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(HERE)] or list(frames)
    if not ours:
        return "an unknown place"
    frame = ours[-1]
    path = Path(frame.filename)
    name = path.relative_to(HERE) if path.is_relative_to(HERE) else path.name
    return f"{name}:{frame.lineno} {frame.name}"
