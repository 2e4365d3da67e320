"""Keeps a connection to OBS and a true picture of it, and says in one word how they are.

    OFF ──> STARTING ──> READY <──> BUSY       BUSY: OBS changes its scene collection
     ^                     │ ^
     │                     v │
     └── lost ── FROZEN   STUCK                STUCK: it answers pings and not questions

AUTH (wrong password) and VERSION (protocol not spoken) are tried again seldom, because a
person has to mend them; everything else quickly, because OBS restarts within seconds.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from drivers.errors import DeviceRefused, DeviceUnreachable, DriverError, ProtocolViolation
from drivers.obs import studio as follow
from drivers.obs.link import ObsLink
from drivers.obs.model import Event
from drivers.obs.studio import FOLLOWED, Studio
from drivers.outcomes import Reason

SNAPSHOT_EVERY_S = 30.0
STUCK_AGAIN_AFTER_S = 2.0
BUSY_AT_MOST_S = 10.0
"""A scene collection that takes longer is looked at all the same."""
RETRY_FIRST_S, RETRY_GROWS = 0.1, 1.6
RETRY_AT_MOST_S = 1.0
"""On this machine; an OBS elsewhere is asked less often."""
RETRY_REMOTE_AT_MOST_S = 10.0
RETRY_MENDED_S = 30.0
"""After a wrong password or version, which only a person can mend."""
JITTER = 0.3
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
    "obs.wrong_password": State.AUTH,
    "obs.not_obs": State.VERSION,
    "obs.too_old": State.VERSION,
}


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


class Supervisor:
    """One OBS, held as long as `start` to `stop` lasts."""

    def __init__(
        self, host: str, port: int, password: str, changed: Callable[[Standing], None] = lambda _: None
    ) -> None:
        self.standing = Standing(State.OFF, time.monotonic())
        self._host, self._port, self._password = host, port, password
        self._changed = changed
        self._link: ObsLink | None = None
        self._wake = asyncio.Event()
        self._waiters: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None
        self._retry_s = RETRY_FIRST_S

    @property
    def link(self) -> ObsLink:
        """The link.

        Raises:
            DeviceUnreachable: there is none now; says why.
        """
        if self._link is None or self._link.lost is not None:
            reason = self.standing.reason
            raise DeviceUnreachable(reason or Reason("obs.not_open", "the link to OBS is not open"))
        return self._link

    async def start(self) -> None:
        """Connect and take a first snapshot, then keep both up in the background.

        Raises:
            DriverError: the first attempt failed; nothing goes on then.
        """
        await self.stop()
        try:
            await self._connect()
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
        self._stand(State.OFF, None)

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

    def look_again(self) -> None:
        """Have a snapshot taken now."""
        self._wake.set()

    # The loop.

    async def _keep(self) -> None:
        """Follow the link, and make a new one after each loss."""
        while True:
            try:
                await self._follow()
            except DriverError as error:
                await self._drop()
                self._stand(_STATE_OF.get(error.reason.code, State.OFF), error.reason)
                await asyncio.sleep(self._pause_s(error))
            try:
                await self._connect()
            except DriverError as error:
                await self._drop()
                self._stand(_STATE_OF.get(error.reason.code, State.OFF), error.reason)
                await asyncio.sleep(self._pause_s(error))

    async def _connect(self) -> None:
        """Make a link and take the first snapshot of it.

        Raises:
            DriverError: no link, or no snapshot.
        """
        self._wake.clear()
        self._link = await ObsLink.connect(self._host, self._port, self._password, events=FOLLOWED, heard=self._heard)
        self._link.on_lost = lambda _: self._wake.set()
        self._stand(State.STARTING, None)
        await self._look()
        self._retry_s = RETRY_FIRST_S

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
                await self._look()
            except DeviceUnreachable as error:
                if self._link.lost is not None:
                    raise
                self._stand(State.STUCK, error.reason)

    async def _pause(self) -> None:
        """Wait for the next look: half a minute, or until something calls for it."""
        wait_s = {State.STUCK: STUCK_AGAIN_AFTER_S, State.BUSY: BUSY_AT_MOST_S}.get(
            self.standing.state, SNAPSHOT_EVERY_S
        )
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _look(self) -> None:
        """Take a snapshot.

        Raises:
            DriverError: OBS did not answer, or not sensibly.
        """
        link = self.link
        replies = await link.ask_all(follow.SNAPSHOT)
        sound = await link.ask_all(follow.sound_of(follow.input_names(replies)))
        seen = follow.snapshot(replies, sound)
        self.standing = replace(self.standing, studio=seen, looked_s=time.monotonic())
        self._stand(State.READY, None)

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    def _pause_s(self, error: DriverError) -> float:
        """Return how long to wait before the next attempt."""
        if isinstance(error, DeviceRefused | ProtocolViolation):
            return RETRY_MENDED_S
        at_most = RETRY_AT_MOST_S if self._host in _HERE else RETRY_REMOTE_AT_MOST_S
        now, self._retry_s = self._retry_s, min(self._retry_s * RETRY_GROWS, at_most)
        return min(now * random.uniform(1 - JITTER, 1 + JITTER), at_most)

    # What is told.

    def _heard(self, event: Event) -> None:
        if follow.calls_for_snapshot(event):
            self._wake.set()
        before = self.standing.studio
        if before is None:
            return
        now = follow.after(before, event)
        self.standing = replace(self.standing, studio=now)
        state = self.standing.state
        if state in {State.READY, State.BUSY}:
            state = State.BUSY if now.busy else State.READY
        self._stand(state, self.standing.reason)

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
