"""The schedule that the agent holds: central's newest snapshot, kept on disk.

A snapshot replaces what was held when its `rev` is higher, or when its `epoch` is another
one that central itself announced (its database was restored, revisions start anew). A
snapshot that suddenly holds nothing is believed only when it says that this is meant: an
empty calendar and a broken one look alike.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from agent.store import Store
from contract.messages import PlannedSession, Schedule

log = logging.getLogger(__name__)

KEPT_AFTER_END = timedelta(hours=24)


class Judgement(StrEnum):
    """What becomes of a snapshot."""

    APPLY = "apply"
    OLD = "old"
    """Not newer than what is held."""
    FOREIGN = "foreign"
    """Of an epoch that central did not announce."""
    SHRUNK = "shrunk"
    """Empty without saying that this is meant."""


def judge(held: Schedule | None, offered: Schedule, announced_epoch: str | None) -> Judgement:
    """Return what becomes of `offered`, given what is held and which epoch central announced."""
    if held is not None and offered.epoch == held.epoch:
        if offered.rev <= held.rev:
            return Judgement.OLD
    elif offered.epoch != announced_epoch and not (held is None and announced_epoch is None):
        return Judgement.FOREIGN
    if held is not None and held.sessions and not offered.sessions and not offered.cleared:
        return Judgement.SHRUNK
    return Judgement.APPLY


_Kept = TypeVar("_Kept", bound=BaseModel)


def _readable(kind: type[_Kept], texts: Iterable[str | None]) -> Iterator[_Kept]:
    """Give what can be read; what another version kept in a form of its own is fetched from central anew."""
    for text in texts:
        try:
            if text is not None:
                yield kind.model_validate_json(text)
        except ValidationError as error:
            log.warning("a kept plan cannot be read: %s", error, extra={"action": "schedule"})


class ScheduleBook:
    """The held snapshot, and every session that is not over for a day."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.held: Schedule | None = next(_readable(Schedule, [store.fact("schedule")]), None)
        self._known = {plan.id: plan for plan in _readable(PlannedSession, store.plans())}

    @property
    def sessions(self) -> tuple[PlannedSession, ...]:
        """Sessions of the snapshot and those that fell out of it, by start."""
        return tuple(sorted(self._known.values(), key=lambda plan: (plan.start, plan.id)))

    def session(self, name: str) -> PlannedSession | None:
        """Return one session."""
        return self._known.get(name)

    def is_planned(self, name: str) -> bool:
        """Return whether the snapshot still holds the session."""
        return self.held is not None and any(plan.id == name for plan in self.held.sessions)

    def apply(self, schedule: Schedule, now: datetime) -> None:
        """Commit a snapshot that was judged fit."""
        fresh = {plan.id: plan for plan in schedule.sessions}
        over = [n for n, plan in self._known.items() if n not in fresh and plan.end + KEPT_AFTER_END < now]
        plans = {name: plan.model_dump_json() for name, plan in fresh.items()}
        self._store.keep_schedule(schedule.model_dump_json(), plans, over)
        self.held = schedule
        self._known = {n: p for n, p in (self._known | fresh).items() if n not in over}
