"""Orders from central: carried out at most once, answered each time with what became of them.

An order's id is on the disk before anything moves, and its last answer with it. An order
that comes again is answered as before, so central may ask again whenever it likes; one whose
carrying out a restart interrupted is answered as failed, for nobody knows its outcome.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import JsonValue

from agent.declined import Declined
from agent.engine import Engine
from agent.officeclock import OfficeClock
from agent.orders import Run
from agent.schedule import ScheduleBook
from agent.store import Store
from agent.translate import fault_of
from contract.messages import Broadcast, Command, Fault, Reply
from contract.words import EntryKind

log = logging.getLogger(__name__)

REMEMBERED: Final = 512
STOP_HOLDS: Final = timedelta(seconds=60)
"""An emergency stop that comes later than this is about a moment that has passed."""
PROGRESS_EVERY_S: Final = 0.5
EMERGENCY_STOP: Final = "emergency_stop"
_UNDER_WAY: Final = ("accepted", "progress")


@dataclass(frozen=True, slots=True)
class Asked:
    """An order and when it came."""

    id: str
    kind: str
    by: str
    at: datetime
    preset: str | None = None


class Commands:
    """What one room does with the orders that it is given."""

    def __init__(self, engine: Engine, store: Store, book: ScheduleBook, clock: OfficeClock) -> None:
        self._engine = engine
        self._store = store
        self._book = book
        self._clock = clock
        self._carrying_out: set[str] = set()
        self.send: Callable[[Reply], None] = lambda _: None
        """Gives an answer to central."""

    def take(self, command: Command, group: asyncio.TaskGroup) -> None:
        """Carry out an order in `group`, or answer why not."""
        asked = Asked(command.id, command.kind, command.by, self._clock.now(), command.preset)
        if self._is_known(asked):
            return
        refusal = self._refusal(command)
        self._note(asked, "accepted" if refusal is None else refusal[0])
        if refusal is not None:
            self._answer(asked, refusal[0], error=refusal[1])
            return
        self._begin(asked)
        group.create_task(self._carry_out(asked, command), name=f"command {command.kind}")

    def stop_all(self, word: Broadcast, group: asyncio.TaskGroup) -> None:
        """Cancel everything, stop what moves and go to the room's safe state."""
        asked = Asked(word.id, EMERGENCY_STOP, word.reason, self._clock.now(), self._engine.room.phases.safe)
        if self._is_known(asked):
            return
        if self._clock.central_now() > word.at + STOP_HOLDS:
            self._note(asked, "expired")
            self._answer(asked, "expired", error=Fault(code="command.expired", detail=f"it was said at {word.at}"))
            return
        self._note(asked, "accepted")
        self._begin(asked)
        group.create_task(self._stop(asked), name="emergency stop")

    def _is_known(self, asked: Asked) -> bool:
        """Answer an order that came before as it was answered then."""
        if self._store.take_command(asked.id, keep=REMEMBERED):
            return False
        text = self._store.reply_to(asked.id)
        stored = None if text is None else Reply.model_validate_json(text)
        if stored is None:
            self._answer(asked, "duplicate", keep=False)
        elif stored.status in _UNDER_WAY and asked.id not in self._carrying_out:
            detail = "the agent was restarted while it carried the order out"
            self._answer(asked, "failed", error=Fault(code="command.interrupted", detail=detail))
        else:
            self.send(stored)
        return True

    def _note(self, asked: Asked, outcome: str) -> None:
        body: dict[str, JsonValue] = {"command": asked.id, "kind": asked.kind, "preset": asked.preset}
        self._engine.journal.append(EntryKind.COMMAND, cause="command", who=asked.by, outcome=outcome, body=body)

    def _refusal(self, command: Command) -> tuple[str, Fault] | None:
        """Return why a command is not carried out; times are central's."""
        if self._clock.central_now() > command.expires_at:
            detail = f"it was good until {command.expires_at.isoformat()}"
            return "expired", Fault(code="command.expired", detail=detail)
        wanted, held = command.guard.schedule_rev, self._book.held
        if wanted is not None and (held is None or held.rev != wanted):
            found = 0 if held is None else held.rev
            detail = f"it was meant for schedule {wanted}, the room holds {found}"
            return "rejected", Fault(code="command.other_schedule", detail=detail)
        return None

    def _begin(self, asked: Asked) -> None:
        self._carrying_out.add(asked.id)
        self._answer(asked, "accepted")

    async def _carry_out(self, asked: Asked, command: Command) -> None:
        try:
            good, result = await self._obey(asked, command)
        except Declined as error:
            self._answer(asked, "rejected", error=fault_of(error.reason))
        else:
            self._answer(asked, "ok" if good else "failed", result=result)
        finally:
            self._carrying_out.discard(asked.id)

    async def _obey(self, asked: Asked, command: Command) -> tuple[bool, dict[str, JsonValue]]:
        """Do what the command says and return whether it was reached.

        Raises:
            Declined: the room will not.
        """
        engine = self._engine
        if command.kind == "recheck":
            await engine.equipment.look()
            return True, {"readiness": engine.assessment().readiness}
        if command.kind == "cancel":
            return True, {"cancelled": engine.runs.cancel(command.run, command.by)}
        if command.kind == "prepare":
            run = engine.open_run(engine.steering.prepare_now(cause="command", who=command.by))
        else:
            run = engine.presses.press(command.preset or "", cause="command", who=command.by, values=command.values)
        if run is None:
            raise Declined("run.unknown", "the run is over already")
        return await self._watch(asked, run)

    async def _watch(self, asked: Asked, run: Run) -> tuple[bool, dict[str, JsonValue]]:
        """Tell how far `run` is until it is over, and return how it ended."""
        over = asyncio.create_task(self._engine.runs.wait_for(run), name="command's run")
        told = -1
        try:
            while not over.done():
                if run.step != told:
                    told = run.step
                    self._answer(asked, "progress", result=_how_far(run))
                await asyncio.wait({over}, timeout=PROGRESS_EVERY_S)
        finally:
            over.cancel()
        steps: dict[str, JsonValue] = {step: end.outcome for step, end in run.ends.items()}
        reason = run.failed.reason if run.failed is not None else None
        why = {} if reason is None else {"reason": reason.model_dump(mode="json")}
        return run.is_good, _how_far(run) | {"outcomes": steps} | why

    async def _stop(self, asked: Asked) -> None:
        """Do all that stops, whatever part of it fails, and say what was done."""
        try:
            cameras = await self._engine.stop_cameras()
            self._engine.runs.cancel(None, asked.by)
            result: dict[str, JsonValue] = {"cameras": {name: str(how["outcome"]) for name, how in cameras.items()}}
            stand = all(how["outcome"] in {"completed", "settled"} for how in cameras.values())
            good, how_far, error = await self._be_safe(asked)
            self._answer(asked, "ok" if good and stand else "failed", result=result | how_far, error=error)
        finally:
            self._carrying_out.discard(asked.id)

    async def _be_safe(self, asked: Asked) -> tuple[bool, dict[str, JsonValue], Fault | None]:
        """Go to the room's safe state, where it has one; return whether it is reached, how far it came and why not."""
        if asked.preset is None:
            return True, {}, None
        try:
            run = self._engine.presses.press(asked.preset, cause="command", who=asked.by)
        except Declined as refusal:
            return False, {}, fault_of(refusal.reason)
        return *(await self._watch(asked, run)), None

    def _answer(
        self,
        asked: Asked,
        status: str,
        *,
        result: dict[str, JsonValue] | None = None,
        error: Fault | None = None,
        keep: bool = True,
    ) -> None:
        reply = Reply.model_validate(
            {
                "command": asked.id,
                "status": status,
                "result": result or {},
                "error": error,
                "received_at": asked.at,
                "done_at": None if status in _UNDER_WAY else self._clock.now(),
            }
        )
        if keep:
            self._store.keep_reply(asked.id, reply.model_dump_json())
        self.send(reply)


def _how_far(run: Run) -> dict[str, JsonValue]:
    return {
        "run": run.order.id,
        "preset": run.order.preset.name,
        "step": run.step,
        "steps": len(run.order.preset.steps),
    }
