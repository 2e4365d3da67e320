"""Keeps a connection to OBS and a true picture of it, and says in one word how they are.

    OFF ──> STARTING ──> READY <──> BUSY       BUSY: OBS changes its scene collection
     ^                     │ ^
     │                     v │
     └── lost ── FROZEN   STUCK                STUCK: it answers pings and not questions

AUTH (wrong password) and VERSION (protocol not spoken) are tried again seldom, because a
person has to mend them, and so is an OBS where a person threw us out; everything else
quickly, because OBS restarts within seconds. Every state but READY comes with a reason.

While OBS changes its scene collection nothing is asked of it: older ones crashed under it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from drivers.errors import DeviceRefused, DeviceUnreachable, DriverError
from drivers.obs import studio as follow
from drivers.obs.link import ObsLink
from drivers.obs.model import Event
from drivers.obs.studio import FOLLOWED, Studio
from drivers.outcomes import Reason

SNAPSHOT_EVERY_S = 30.0
STUCK_AGAIN_AFTER_S = 2.0
STARTING_AGAIN_AFTER_S = 0.2
STARTING_AT_MOST_S = 2.0
"""So long OBS may answer "not ready" (newer ones do, while they start) before the link is given up."""
BUSY_AT_MOST_S = 10.0
"""A scene collection that takes longer is looked at all the same."""
RETRY_FIRST_S, RETRY_GROWS = 0.1, 1.6
RETRY_AT_MOST_S = 1.0
"""On this machine; an OBS elsewhere is asked less often."""
RETRY_REMOTE_AT_MOST_S = 10.0
RETRY_MENDED_S = 30.0
"""After what only a person can mend."""
JITTER = 0.3
UNREAD_AT_MOST = 256
"""Events that a listener leaves unread; more, and the oldest are dropped."""
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


class State(StrEnum):
    """How OBS and the link to it are."""

    OFF = "off"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    STUCK = "stuck"
    FROZEN = "frozen"
    AUTH = "auth"
    VERSION = "version"


_STATE_OF = {
    "obs.frozen": State.FROZEN,
    "obs.starting": State.STARTING,
    "obs.wrong_password": State.AUTH,
    "obs.not_obs": State.VERSION,
    "obs.rpc_version": State.VERSION,
}
_MENDED_BY_A_PERSON = frozenset({"obs.wrong_password", "obs.not_obs", "obs.rpc_version", "obs.kicked"})
_AGAIN_AFTER_S = {
    State.STUCK: STUCK_AGAIN_AFTER_S, State.BUSY: BUSY_AT_MOST_S, State.STARTING: STARTING_AGAIN_AFTER_S,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """The state, since when (monotonic clock, seconds) and why."""

    state: State
    since_s: float
    reason: Reason | None = None
    studio: Studio | None = None
    """The newest picture of OBS; what was last true while it cannot be asked."""
    looked_s: float = 0.0
    """When all of it was asked last (monotonic clock)."""


@dataclass(frozen=True, slots=True)
class _Listener:
    """Somebody who hears events that are not followed anyway."""

    intent: int
    names: frozenset[str]
    queue: asyncio.Queue[Event]

    def hear(self, event: Event) -> None:
        """Keep the event, if it is one of theirs, in place of the oldest when there is no room."""
        if event.name in self.names:
            if self.queue.full():
                self.queue.get_nowait()
            self.queue.put_nowait(event)


class Supervisor:
    """One OBS, held as long as `start` to `stop` lasts."""

    def __init__(
        self, host: str, port: int, password: str, changed: Callable[[Standing], None] = lambda _: None
    ) -> None:
        self.standing = Standing(State.OFF, time.monotonic(), _not_open())
        self._host, self._port, self._password = host, port, password
        self._changed = changed
        self._link: ObsLink | None = None
        self._wake = asyncio.Event()
        self._waiters: set[asyncio.Event] = set()
        self._listeners: list[_Listener] = []
        self._looks: list[list[Event]] = []
        """Per look under way, the events that came meanwhile."""
        self._task: asyncio.Task[None] | None = None
        self._retry_s = RETRY_FIRST_S

    @property
    def link(self) -> ObsLink:
        """The link.

        Raises:
            DeviceUnreachable: there is none now; says why.
        """
        if self._link is None or self._link.lost is not None:
            raise DeviceUnreachable(self.standing.reason or _not_open())
        return self._link

    @property
    def has_link(self) -> bool:
        """Whether there is one."""
        return self._link is not None and self._link.lost is None

    async def start(self) -> None:
        """Connect and take a first snapshot, then keep both up in the background.

        Raises:
            DriverError: the first attempt failed; nothing goes on then.
        """
        await self.stop()
        try:
            await self._connect()
        except DriverError as error:
            await self._give_up(error)
            raise
        except BaseException:
            await self._drop()
            raise
        self._task = asyncio.create_task(self._keep(), name=f"obs {self._host}:{self._port}")

    async def stop(self) -> None:
        """Let go of everything; may be called twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._drop()
        self._stand(State.OFF, _not_open())

    async def until(self, holds: Callable[[Standing], bool], within_s: float) -> bool:
        """Whether `holds` came true within the limit; told by events, so nothing is asked."""
        news = asyncio.Event()
        self._waiters.add(news)
        try:
            async with asyncio.timeout(within_s):
                while not holds(self.standing):
                    news.clear()
                    await news.wait()
        except TimeoutError:
            return holds(self.standing)
        finally:
            self._waiters.discard(news)
        return True

    async def news(self, within_s: float) -> None:
        """Return at the next change, or after `within_s`."""
        before = self.standing
        await self.until(lambda now: now is not before, within_s)

    @asynccontextmanager
    async def listen(self, intent: int, *names: str) -> AsyncIterator[asyncio.Queue[Event]]:
        """Hear the events `names` of a subscription that is not followed anyway, also over a new link.

        Raises:
            DeviceUnreachable: no link, or OBS does not take the subscription.
        """
        listener = _Listener(intent, frozenset(names), asyncio.Queue(UNREAD_AT_MOST))
        self._listeners.append(listener)
        try:
            await self.link.subscribe(self._intents)
            yield listener.queue
        finally:
            self._listeners.remove(listener)
            with contextlib.suppress(DriverError):  # a new link asks for the right ones anyway
                await self.link.subscribe(self._intents)

    @property
    def _intents(self) -> int:
        wanted = FOLLOWED
        for listener in self._listeners:
            wanted |= listener.intent
        return wanted

    def look_again(self) -> None:
        """Have a snapshot taken now."""
        self._wake.set()

    # The loop.

    async def _keep(self) -> None:
        """Follow the link, and make a new one after each loss."""
        while True:
            try:
                await self._follow()
                await self._connect()
            except DriverError as error:
                await self._give_up(error)
                await asyncio.sleep(self._pause_s(error))

    async def _give_up(self, error: DriverError) -> None:
        """Let go of a link, and say first why."""
        self._stand(_STATE_OF.get(error.reason.code, State.OFF), error.reason)
        await self._drop()

    async def _connect(self) -> None:
        """Make a link and take the first snapshot of it.

        Raises:
            DriverError: no link, or no snapshot.
        """
        self._wake.clear()
        self._link = await ObsLink.connect(
            self._host, self._port, self._password, events=self._intents, heard=self._heard
        )
        self._link.on_lost = self._lost
        if self.standing.studio is not None:
            self.standing = replace(self.standing, studio=replace(self.standing.studio, closing=False, busy=False))
        self._stand(State.STARTING, _starting())
        await self._first_look()
        self._retry_s = RETRY_FIRST_S

    async def _first_look(self) -> None:
        """Take a snapshot as soon as OBS is ready for it.

        Raises:
            DeviceRefused: it was not within `STARTING_AT_MOST_S`.
            DriverError: it did not answer, or not sensibly.
        """
        deadline = time.monotonic() + STARTING_AT_MOST_S
        while True:
            try:
                await self.look()
            except DeviceRefused:
                if time.monotonic() >= deadline:
                    raise
                await asyncio.sleep(STARTING_AGAIN_AFTER_S)
            else:
                return

    async def _follow(self) -> None:
        """Keep the picture true until the link is lost.

        Raises:
            DeviceUnreachable: why it was lost.
            DriverError: OBS answered what makes no sense.
        """
        while self._link is not None:
            await self._pause()
            if self._link.lost is not None:
                raise DeviceUnreachable(self._link.lost)
            try:
                await self.look()
            except DeviceRefused as error:
                self._stand(State.STARTING, error.reason)
            except DeviceUnreachable as error:
                if self._link.lost is not None:
                    raise
                self._stand(State.STUCK, error.reason)

    async def _pause(self) -> None:
        """Wait for the next look: half a minute, or until something calls for it."""
        wait_s = _AGAIN_AFTER_S.get(self.standing.state, SNAPSHOT_EVERY_S)
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def look(self) -> Studio:
        """Ask OBS for everything and return it.

        Raises:
            DeviceRefused: OBS is not ready yet.
            DriverError: it did not answer, or not sensibly.
        """
        link = self.link
        meanwhile: list[Event] = []
        self._looks.append(meanwhile)
        try:
            replies = await link.ask_all(follow.SNAPSHOT)
            sound = await link.ask_all(follow.sound_of(follow.input_names(replies)))
        finally:
            self._looks = [look for look in self._looks if look is not meanwhile]
        seen = follow.snapshot(replies, sound)
        for event in meanwhile:  # it may be newer than the answers
            seen = follow.after(seen, event)
        before = self.standing.studio
        seen = replace(seen, closing=seen.closing or (before is not None and before.closing))
        self.standing = replace(self.standing, studio=seen, looked_s=time.monotonic())
        self._stand_with(seen)
        return seen

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    def _pause_s(self, error: DriverError) -> float:
        """Return how long to wait before the next attempt."""
        if error.reason.code in _MENDED_BY_A_PERSON:
            return RETRY_MENDED_S
        at_most = RETRY_AT_MOST_S if self._host in _HERE else RETRY_REMOTE_AT_MOST_S
        now, self._retry_s = self._retry_s, min(self._retry_s * RETRY_GROWS, at_most)
        return min(now * random.uniform(1 - JITTER, 1 + JITTER), at_most)

    # What is told.

    def _heard(self, event: Event) -> None:
        for look in self._looks:
            look.append(event)
        for listener in self._listeners:
            listener.hear(event)
        before = self.standing.studio
        if before is None:
            return
        now = follow.after(before, event)
        if follow.calls_for_snapshot(event) and not now.busy:
            self._wake.set()
        if now is before:
            return
        self.standing = replace(self.standing, studio=now)
        if self.standing.state in {State.READY, State.BUSY}:
            self._stand_with(now)
        else:
            self._stand(self.standing.state, self.standing.reason)

    def _lost(self, reason: Reason) -> None:
        self._stand(_STATE_OF.get(reason.code, State.OFF), reason)
        self._wake.set()

    def _stand_with(self, studio: Studio) -> None:
        if studio.busy:
            self._stand(State.BUSY, Reason("obs.busy", "OBS changes its scene collection"))
        else:
            self._stand(State.READY, None)

    def _stand(self, state: State, reason: Reason | None) -> None:
        """Take a state, and tell whoever waits."""
        since_s = self.standing.since_s if state is self.standing.state else time.monotonic()
        self.standing = replace(self.standing, state=state, since_s=since_s, reason=reason)
        self._changed(self.standing)
        self._tell()

    def _tell(self) -> None:
        """Wake everyone in `until`."""
        for waiter in self._waiters:
            waiter.set()


def _not_open() -> Reason:
    return Reason("obs.not_open", "the link to OBS is not open")


def _starting() -> Reason:
    return Reason("obs.starting", "OBS is there and was not asked everything yet")
