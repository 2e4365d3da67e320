"""What keeps a room's agent alive, and what it does when it cannot stay so.

A bug ends the process with its reason on the disk; the service manager starts another one,
which goes on from the journal. When that happens again and again, the next one leaves the
plan alone (`agent.mode`) until a person says otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from pydantic import JsonValue

from agent.clock import Clock
from agent.engine import Engine
from agent.fault import AgentFault, bug_of
from agent.journal import Journal
from agent.mode import Mode
from agent.starts import STABLE_AFTER, TOO_MANY, Starts
from agent.store import Store
from agent.storekeeper import ALIVE
from contract.service import Proof, Service, Watchdog
from contract.words import EntryKind

log = logging.getLogger(__name__)

ASKED, FAULT = "asked", "fault"
"""Why an agent ends."""
_LAST_BUG = "last_bug"


@contextlib.contextmanager
def confessing(store: Store, journal: Journal) -> Iterator[None]:
    """Have a bug that ends the agent meanwhile written down, for whoever asks and for the next start.

    Raises:
        AgentFault: in place of the bug.
    """
    try:
        yield
    except Exception as error:
        bug = bug_of(error)
        try:
            store.keep_fact(_LAST_BUG, str(bug))
            journal.append(EntryKind.AGENT_FAULT, body={"error": bug.error, "where": bug.where, "more": bug.more})
        except Exception:
            log.exception("the bug could not be written down", extra={"action": "fault"})
        raise AgentFault(f"a bug ended the agent: {bug}") from error


def begin(store: Store, journal: Journal, clock: Clock) -> Mode:
    """Write down that the agent has started, and return how: by its plan, or by hand alone after too many starts."""
    starts = Starts(store)
    count = starts.count()
    body: dict[str, JsonValue] = {"software": version("siaga"), "pid": os.getpid(), "alive_before": store.fact(ALIVE)}
    journal.append(EntryKind.AGENT_STARTED, body=body)
    mode = Mode(store, journal, starts, clock)
    if count >= TOO_MANY and mode.manual is None:
        mode.go_manual(store.fact(_LAST_BUG) or "", starts=count)
        log.error("too many starts in a row: by hand alone", extra={"action": "manual", "starts": count})
    return mode


@dataclass(slots=True)
class Supervision:
    """The signs of life of one agent."""

    service: Service
    mode: Mode
    proofs: Mapping[str, Proof]
    status: Callable[[], str]
    """How the room does, in one line."""

    def ready(self) -> None:
        """Say that the room is served."""
        self.service.ready(self.status())

    def leave(self, why: str) -> None:
        """Say that the agent ends; one that was asked to is no part of a crash loop."""
        leaving = f"leaving the room: {why}"
        self.status = lambda: leaving
        self.service.stopping(leaving)
        if why == ASKED:
            self.mode.starts.forget()

    def _status_now(self) -> str:
        return self.status()

    async def run(self) -> None:
        """Give them, and take the agent for sound once it has run for a while; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(Watchdog(self.service, self.proofs, self._status_now).run(), name="watchdog")
            await asyncio.sleep(STABLE_AFTER.total_seconds())
            self.mode.starts.forget()


def status_of(engine: Engine, *, online: bool) -> str:
    """Return how the room does, in one line for `systemctl status`."""
    board, front = engine.equipment.board.devices.values(), engine.front()
    there = sum(seen.is_there for seen in board)
    parts = [f"{engine.room.room}: {engine.assessment().readiness}", f"{there} of {len(board)} devices"]
    if engine.is_manual:
        parts.append("BY HAND ALONE")
    elif front is not None:
        parts.append(f"{front.title!r} {engine.course(front.id).phase}, {front.start:%Y-%m-%d %H:%M} UTC")
    parts.append("central connected" if online else "central away")
    waiting = engine.journal.pending
    return "; ".join([*parts, f"{waiting} entries to send"] if waiting else parts)
