"""STOP without the event loop, and the proof that a stopped camera stands.

A drive is a lease, and the session stops the camera when it ends. Where the event loop
itself stands still, nobody would: so one thread of the process sleeps until the nearest
lease has ended and a little more. If the loop has neither stopped nor renewed by then, the
thread stops the camera itself, as a controller of its own:

* over UDP through a socket of its own, under numbers of its own, until the camera answers;
* on a stream or a serial line through `Line.shout`, three times, because the answers go to
  the loop that does not read them.

`stop_now` does the same for a process that has no loop at all.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from math import inf

from drivers.address import DeviceAddress
from drivers.errors import DeviceUnreachable, DriverError
from drivers.outcomes import Outcome
from drivers.ports import Position
from drivers.streams import broken
from drivers.visca import motion
from drivers.visca.line import Framing, Line
from drivers.visca.lines import line_for
from drivers.visca.lines.udp import UdpLine
from drivers.visca.rescue import (
    Channel,
    Cry,
    Datagrams,
    DeafCry,
    RawCry,
    Rescue,
    Serial,
    SerialServer,
    Shouting,
    SonyCry,
    Stream,
    stop_frames,
)

log = logging.getLogger(__name__)

GRACE_S = 0.08
"""How late a busy loop may be before the watchdog takes over."""
AGAIN_S = 0.04
SERIAL_AGAIN_S = 0.25
"""Three frames at 9600 baud, a V period for each, and their answers."""
ENOUGH_S = 2.0
LOOK_S = 0.005

PROVED_AFTER_S = 0.3
"""A camera at full speed has braked by then."""
LOOKED_AGAIN_AFTER_S = 0.1
PROOFS = 3


# The watchdog.


class Guard:
    """What the watchdog knows of one camera."""

    def __init__(self, name: str, watchdog: Watchdog) -> None:
        self.name = name
        self.deadline = inf
        self.stalls = 0
        """How often the watchdog stopped this camera."""
        self.fired_at = -inf
        self.fired = False
        """Since the last look: the loop does not know yet that the camera was stopped."""
        self._watchdog = watchdog
        self._channel: Channel | None = None
        self._cry: Callable[[], Cry] = lambda: DeafCry(())

    def open(self, line: Line) -> None:
        """Get the way out ready, for a line that is open.

        Raises:
            DeviceUnreachable: there is none.
        """
        self.close()
        stops = stop_frames(line.address)
        if not isinstance(line, UdpLine):
            self._channel, self._cry = Shouting(line.shout()), lambda: DeafCry(stops)
            return
        try:
            self._channel = Datagrams(line.to)
        except OSError as error:
            raise DeviceUnreachable(broken(line.where, error)) from error
        sony = line.framing is Framing.SONY
        self._cry = lambda: SonyCry(stops) if sony else RawCry(stops, line.address)

    def arm(self, until: float) -> None:
        """Have the camera stopped a little after `until`, unless the loop says something before."""
        if self._channel is not None:
            self._watchdog.expect(self, until + GRACE_S)

    def disarm(self) -> None:
        """Say that the loop has stopped the camera, or sends it to a place."""
        if self.deadline < inf:
            self._watchdog.expect(self, inf)

    def close(self) -> None:
        """Let go of the way out; may be called twice."""
        self._watchdog.forget(self)
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def fire(self, now: float) -> Rescue | None:
        """Begin to stop the camera; called by the watchdog's thread."""
        channel = self._channel
        if channel is None:
            return None
        self.stalls += 1
        self.fired_at, self.fired = now, True
        log.warning(
            "event loop stood still: camera stopped by the watchdog",
            extra={"action": "stopped_by_watchdog", "device": self.name, "times": self.stalls},
        )
        return Rescue(self._cry(), channel, now, again_s=AGAIN_S, within_s=ENOUGH_S)


class Watchdog:
    """The thread that stops cameras whose loop stands still.

    It starts with the first lease, sleeps until the nearest one is overdue, and ends when the
    last camera that was ever driven is closed.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._guards: set[Guard] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = inf

    def expect(self, guard: Guard, deadline: float) -> None:
        """Stop the camera of `guard` at `deadline`, if nothing else is said before."""
        with self._changed:
            guard.deadline = deadline
            self._guards.add(guard)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="visca watchdog", daemon=True)
                self._thread.start()
            elif deadline < self._wakes_at:
                self._changed.notify()

    def forget(self, guard: Guard) -> None:
        """Watch the camera of `guard` no more."""
        with self._changed:
            guard.deadline = inf
            self._guards.discard(guard)
            if not self._guards:
                self._changed.notify()

    def _run(self) -> None:
        rescues: dict[Guard, Rescue] = {}
        while self._sleep(rescues):
            now = time.monotonic()
            for guard in self._due(now):
                rescue = guard.fire(now)
                if rescue is not None:
                    rescues[guard] = rescue
            for rescue in rescues.values():
                rescue.step(now)
            rescues = {guard: rescue for guard, rescue in rescues.items() if not rescue.is_over(now)}

    def _due(self, now: float) -> list[Guard]:
        """Return whose time is over, and take them for seen to."""
        with self._changed:
            due = [guard for guard in self._guards if guard.deadline <= now]
            for guard in due:
                guard.deadline = inf
        return due

    def _sleep(self, rescues: dict[Guard, Rescue]) -> bool:
        """Wait for the next thing to do; false when there is nobody left to watch."""
        with self._changed:
            if not self._guards:
                self._thread = None
                return False
            wakes_at = min(guard.deadline for guard in self._guards)
            for guard, rescue in rescues.items():
                if guard in self._guards:
                    wakes_at = min(wakes_at, rescue.next_at)
            self._wakes_at = wakes_at
            self._changed.wait(None if wakes_at == inf else max(0.0, wakes_at - time.monotonic()))
            return True


WATCHDOG = Watchdog()
"""The one of this process."""


# The proof.


@dataclass(slots=True)
class Stillness:
    """Whether a camera that was stopped really stands."""

    name: str
    look: Callable[[], Awaitable[Position | None]]
    """Where it looks; none while it is in standby, where nothing moves."""
    stop: Callable[[], Awaitable[None]]
    is_moving_on: bool = False
    """It was stopped and did not stand still when it was looked at last."""
    _task: asyncio.Task[None] | None = None
    _begun: int = 0
    """Counts what made the camera move again: a look across that proves nothing."""

    async def prove(self) -> bool:
        """Look twice a moment after a STOP; stop it again, and say so once, while it still moves.

        False also where the camera was told to move meanwhile: then nobody can say.

        Raises:
            DriverError: it did not answer.
        """
        begun = self._begun
        for _ in range(PROOFS):
            await asyncio.sleep(PROVED_AFTER_S)
            if begun != self._begun or await self.stands():
                return begun == self._begun
            if begun == self._begun:
                await self.stop()
        return False

    async def stands(self) -> bool:
        """Look twice.

        Raises:
            DriverError: it did not answer.
        """
        begun = self._begun
        before = await self.look()
        await asyncio.sleep(LOOKED_AGAIN_AFTER_S)
        after = await self.look()
        still = before is None or after is None or motion.rests(before, after)
        if begun == self._begun and still is self.is_moving_on:  # it changed
            self.is_moving_on = not still
            text = "camera stands again" if still else "camera goes on moving after STOP"
            log.log(logging.INFO if still else logging.ERROR, text, extra={"action": "stop", "device": self.name})
        return still

    def prove_soon(self) -> None:
        """Prove it in the background."""
        self.forget()
        self._task = asyncio.get_running_loop().create_task(self._try(), name=f"proof that {self.name} stands")

    async def _try(self) -> None:
        with suppress(DriverError):  # a camera that does not answer is seen by whoever checks it
            await self.prove()

    def forget(self) -> None:
        """Give the proof up: the camera is to move again."""
        self._begun += 1
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def close(self) -> None:
        """End the proof."""
        task = self._task
        self.forget()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)


# Without a loop.


def stop_now(address: DeviceAddress, within_s: float = ENOUGH_S) -> Outcome:
    """Stop everything at `address` and return whether the camera said that it heard; blocks, needs no event loop.

    Raises:
        AddressError: an address that cannot be used.
        DeviceUnreachable: no such host, port or device, or it may not be opened.
    """
    line = line_for(address)
    stops = stop_frames(line.address)
    sony = line.framing is Framing.SONY
    try:
        with closing(_channel(address, line)) as channel:
            rescue = Rescue(
                SonyCry(stops) if sony else RawCry(stops, line.address),
                channel,
                time.monotonic(),
                again_s=SERIAL_AGAIN_S if line.byte_s else AGAIN_S,
                within_s=within_s,
            )
            while not rescue.is_over(time.monotonic()):
                rescue.step(time.monotonic())
                time.sleep(LOOK_S)
    except OSError as error:
        raise DeviceUnreachable(broken(line.where, error)) from error
    return Outcome.COMPLETED if rescue.is_heard else Outcome.UNKNOWN


def _channel(address: DeviceAddress, line: Line) -> Channel:
    """Return a way out of its own.

    Raises:
        OSError: no such host, port or device.
    """
    if isinstance(line, UdpLine):
        return Datagrams(line.to)
    baud = round(10 / line.byte_s) if line.byte_s else 0
    if address.scheme == "visca+serial":
        return Serial(address.path, baud)
    host, port = address.endpoint(5678)
    return SerialServer(host, port, baud) if baud else Stream(host, port)
