"""What every verb of OBS does alike: wait for its turn, say it once, and look until it is so.

OBS answers "success" when it was asked, not when it is done, and works through what is in
flight in any order. So there is one command at a time per subject, also when whoever asked
no longer waits; each is confirmed by asking OBS for the state; and one that stays unanswered
is sent again only when it sets a state, once, and only after the state was read.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from drivers.errors import DeviceRefused, DeviceUnreachable, OutcomeUnknown
from drivers.obs.link import ObsLink
from drivers.obs.model import A, Call, read
from drivers.obs.studio import Studio
from drivers.obs.supervisor import Standing, State, Supervisor
from drivers.outcomes import Outcome, Reason, Result, Scalar

LOOK_EVERY_S = 0.05
"""Events make it sooner."""
SET_WITHIN_S = 2.0
CALM_WITHIN_S = 5.0
"""How long a command waits for an OBS that starts or changes its scene collection."""
EARLIER_WITHIN_S = 15.0
"""How long a command waits for the answer to an earlier one on its subject."""
NAMES_SHOWN = 20
_UNSETTLED = frozenset({State.STARTING, State.BUSY})

Holds = Callable[[], Awaitable[bool]]
Explain = Callable[[DeviceRefused], Awaitable[DeviceRefused]]


class Secret(str):
    """A password that does not print."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True, slots=True)
class Told:
    """What OBS said to a command; a missing answer is no failure yet, for the state will tell."""

    fields: Mapping[str, object] = field(default_factory=dict)
    unheard: OutcomeUnknown | None = None


async def _as_it_is(refused: DeviceRefused) -> DeviceRefused:
    return refused


@dataclass(frozen=True, slots=True)
class Goal:
    """A state of OBS, how to see it, and the one command that sets it."""

    what: str
    """Its name in what is read back."""
    wanted: Scalar
    look: Callable[[], Awaitable[Scalar]]
    call: Call
    subject: str
    """Commands on one subject go one by one."""
    near: float = 0.0
    """How far a number may be from the wanted one."""
    explain: Explain = _as_it_is
    """Puts a refusal into words for a technician."""

    def met_by(self, found: Scalar) -> bool:
        """Whether OBS is there."""
        if self.near and isinstance(found, float) and isinstance(self.wanted, float):
            return abs(found - self.wanted) <= self.near
        return found == self.wanted


class Conversation:
    """One OBS, and the rules of talking to it."""

    def __init__(self, name: str, host: str, port: int, password: str | None) -> None:
        self.name = name
        self._supervisor = Supervisor(host, port, Secret(password or ""), self._stood)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._sent: dict[str, asyncio.Task[dict[str, object]]] = {}
        """The last command on each subject, answered or not."""

    async def open(self) -> None:
        """Connect and identify, in place of any link before.

        Raises:
            DeviceUnreachable: OBS does not run, or does not answer in time.
            DeviceRefused: the password is wrong.
            ProtocolViolation: something else than OBS listens there.
        """
        await self._supervisor.start()

    async def close(self) -> None:
        """Let go of the link."""
        await self._supervisor.stop()
        await asyncio.gather(*self._sent.values(), return_exceptions=True)
        self._sent.clear()

    @property
    def standing(self) -> Standing:
        """How OBS is at this moment and what it does, as events told; nothing is asked."""
        return self._supervisor.standing

    @property
    def supervisor(self) -> Supervisor:
        """Who holds the link; for listeners, and for those who wait for a state of it."""
        return self._supervisor

    @property
    def studio(self) -> Studio | None:
        """The newest picture of OBS; none before the first."""
        return self._supervisor.standing.studio

    @property
    def link(self) -> ObsLink:
        """The link.

        Raises:
            DeviceUnreachable: there is none.
        """
        return self._supervisor.link

    def _stood(self, standing: Standing) -> None:
        """Take note of a change; for those verbs that want to know."""

    # Questions.

    async def calm(self) -> None:
        """Wait while OBS starts or changes its scene collection: it denies then what it has.

        Raises:
            DeviceRefused: it is being closed.
        """
        if self.standing.state in _UNSETTLED:
            await self._supervisor.until(lambda now: now.state not in _UNSETTLED, CALM_WITHIN_S)
        if self.studio is not None and self.studio.closing and self.standing.state is State.READY:
            raise DeviceRefused(Reason("obs.closing", f"{self.name}: OBS is being closed"))

    async def ask(self, kind: type[A], call: Call, *, within_s: float | None = None) -> A:
        """Return what OBS answers to a question."""
        return read(kind, await self.link.question(call, within_s=within_s))

    async def ask_all(self, *requests: str) -> list[dict[str, object]]:
        """Return what OBS answers to questions without fields, asked in one batch."""
        link = self.link
        replies = await link.ask_all([Call(request) for request in requests])
        return [dict(reply.accepted(link.where)) for reply in replies]

    # Commands.

    @asynccontextmanager
    async def turn(self, *subjects: str) -> AsyncIterator[float]:
        """Have subjects for oneself, with nothing about them in flight; gives back when that was asked.

        Raises:
            DeviceUnreachable: what was sent before is not answered; nothing was sent now.
        """
        began = time.monotonic()
        async with AsyncExitStack() as held:
            for subject in sorted(subjects):
                await held.enter_async_context(self._turns[subject])
            if unanswered := [task for name in subjects if (task := self._sent.get(name)) and not task.done()]:
                _, left = await asyncio.wait(unanswered, timeout=EARLIER_WITHIN_S)
                if left:
                    waits = ", ".join(sorted(task.get_name() for task in left))
                    raise DeviceUnreachable(Reason("obs.stuck", f"not sent, OBS has not answered yet: {waits}"))
            await self.calm()
            yield began

    async def tell(self, subject: str, call: Call, *, within_s: float | None = None) -> Told:
        """Send a command within a turn; who stops waiting for it does not take it back.

        Raises:
            DeviceUnreachable: nothing was sent.
            DeviceRefused: OBS declined.
            OutcomeUnknown: the link broke, so the state cannot be asked.
        """
        link = self.link
        try:
            return Told(await asyncio.shield(self.send(subject, call, within_s=within_s)))
        except OutcomeUnknown as unheard:
            if link.lost is not None:
                raise
            return Told(unheard=unheard)

    def send(self, subject: str, call: Call, *, within_s: float | None = None) -> asyncio.Task[dict[str, object]]:
        """Have a command sent within a turn and return what waits for its answer."""
        answer = self._sent[subject] = asyncio.create_task(
            self.link.command(call, within_s=within_s), name=f"{self.name}: {call.request}"
        )
        answer.add_done_callback(_look_at)
        return answer

    async def until(self, holds: Holds, within_s: float) -> bool:
        """Whether a state was seen within the limit; looked at once in any case, and again at each event.

        Raises:
            DeviceRefused: OBS has no such thing to look at.
            OutcomeUnknown: the link broke meanwhile, or nobody answered: what was sent may have run.
        """
        deadline = time.monotonic() + within_s
        while True:
            blind: DeviceUnreachable | None = None
            try:
                if await holds():
                    return True
            except DeviceUnreachable as error:  # an unanswered look is repeated
                blind = error
            except DeviceRefused as refused:
                if refused.reason.code != "obs.starting":  # newer OBS answer nothing while they change
                    raise
            left_s = deadline - time.monotonic()
            if blind is not None and (left_s <= 0 or not self._supervisor.has_link):
                raise OutcomeUnknown(blind.reason) from blind
            if left_s <= 0:
                return False
            await self._supervisor.news(min(LOOK_EVERY_S, left_s))

    async def go_to(self, goal: Goal) -> Result:
        """Bring OBS to a state and return once it is read back.

        Raises:
            DeviceRefused: OBS declined, or said yes and did not do it.
            OutcomeUnknown: sent, and neither an answer nor the state came.
        """
        async with self.turn(goal.subject) as began:
            return await self.go(goal, began)

    async def go(self, goal: Goal, began: float) -> Result:
        """Do so within a turn that was asked at `began`.

        Raises:
            DeviceRefused: OBS declined, or said yes and did not do it.
        """
        try:
            return await self._go(goal, began)
        except DeviceRefused as refused:
            explained = await goal.explain(refused)
            if explained is refused:
                raise
            raise explained from refused

    async def _go(self, goal: Goal, began: float) -> Result:
        """Say it, look; once more when nobody answered and it is not so.

        Raises:
            DeviceRefused: OBS declined, or said yes and did not do it.
            OutcomeUnknown: nobody knows.
        """
        found = await goal.look()
        if goal.met_by(found):
            return reached(began, {goal.what: found})

        async def holds() -> bool:
            nonlocal found
            found = await goal.look()
            return goal.met_by(found)

        for last in (False, True):
            told = await self.tell(goal.subject, goal.call)
            if await self.until(holds, SET_WITHIN_S):
                return reached(began, {goal.what: found}, told)
            if told.unheard is None:
                break
            if last:
                raise told.unheard
        raise self.not_taken(goal.what, goal.wanted, found)

    # Words for a technician.

    def not_taken(self, what: str, wanted: Scalar, found: Scalar) -> DeviceRefused:
        """Return that OBS said yes and stayed where it was."""
        detail = f"{self.name}: OBS accepted {what} {wanted!r} and did not do it: found {found!r}"
        return DeviceRefused(Reason("obs.not_taken", detail, {"what": what, "wanted": wanted, "found": found}))

    def missing(self, code: str, kind: str, name: str, there: tuple[str, ...]) -> DeviceRefused:
        """Return that OBS has no `name`, and what it has."""
        names = ", ".join(there[:NAMES_SHOWN]) or "none"
        values: dict[str, Scalar] = {kind: name, f"{kind}s": names}
        return DeviceRefused(Reason(code, f"{self.name}: wanted {kind} {name!r}, found only {names}", values))

    def refusal(self, code: str, detail: str, **values: Scalar) -> DeviceRefused:
        """Return a refusal of ours."""
        return DeviceRefused(Reason(code, f"{self.name}: {detail}", values))


def named(kind: str, name: str) -> str:
    """Return `name`.

    Raises:
        ValueError: it is empty.
    """
    if not name:
        raise ValueError(f"{kind}'s name is wanted, got an empty one")
    return name


def code_of(refused: DeviceRefused) -> Scalar:
    """Return OBS's status code in a refusal; none in one of ours."""
    return refused.reason.values.get("code")


def reached(began: float, read_back: Mapping[str, Scalar], told: Told | None = None) -> Result:
    """Return a good end; without OBS's word it rests on the state alone."""
    outcome = Outcome.SETTLED if told is not None and told.unheard is not None else Outcome.COMPLETED
    return Result(outcome, timedelta(seconds=time.monotonic() - began), read_back)


def _look_at(sent: asyncio.Task[dict[str, object]]) -> None:
    """Take the end of a command that perhaps nobody waits for any more."""
    if not sent.cancelled():
        sent.exception()
