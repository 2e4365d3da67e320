"""Keeps one sound worker alive and asks it things; the caller's loop never waits for sound hardware.

A worker that shows no sign of life for `STALLED_AFTER_S` is killed, a dead one is started
again, more slowly each time. Whoever waits for an answer hears at once that it will not come.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from itertools import count
from typing import Protocol

from drivers.audio import lines
from drivers.audio.lines import Line
from drivers.audio.model import LEVELS_A_SECOND, RESTARTS_WITHIN_S, Flag, Limits, MeterReading, Second, flags
from drivers.errors import DeviceRefused, DeviceUnreachable, DriverError, OutcomeUnknown, ProtocolViolation
from drivers.outcomes import Reason
from drivers.ports import Level

log = logging.getLogger(__name__)

STALLED_AFTER_S = 1.0
STARTED_WITHIN_S = 8.0
"""A worker's first sign of life; half a second on a quiet machine, ten times that on a crowded one."""
RETRY_AT_LEAST_S = 0.1
RETRY_AT_MOST_S = 5.0
STEADY_AFTER_S = 10.0
"""A worker that ran for so long is started again without delay."""
HUSHED_WITHIN_S = 0.75
"""A tone that was called off is over in a twentieth of this, or the worker hangs."""
KEEP_SECONDS = 10
KEEP_LEVELS = KEEP_SECONDS * LEVELS_A_SECOND
QUEUED_LEVELS = 2 * LEVELS_A_SECOND


class Wire(Protocol):
    """Lines to and from one running worker."""

    async def read(self) -> bytes:
        """Return the next line, empty when there will be no more."""

    async def write(self, line: bytes) -> None:
        """Send a line."""

    def cut(self) -> None:
        """End the worker, or our link to it, without waiting for that; never raises."""

    async def kill(self) -> None:
        """End the worker, or our link to it, at once and for certain; never raises."""


Dial = Callable[[], Awaitable[Wire]]
"""Starts or reaches a worker; raises `DeviceUnreachable`."""


class Link:
    """A worker that is always there again."""

    def __init__(self, name: str, dial: Dial, limits: Limits | None = None) -> None:
        self._name = name
        self._limits = limits or Limits()
        self._dial = dial
        self._wire: Wire | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._alive = asyncio.Event()
        self.absent = ""
        """Why nothing is metered, while the worker cannot open the microphone."""
        self.absent_code = "sound.not_opened"
        """The same as a reason code."""
        self.on_changed: Callable[[], None] | None = None
        """Called when the sound system says that a device came, went or was set, or that the capture moved."""
        self.own_treble_db: float | None = None
        """What speech in this room has of treble, once it was calibrated."""
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Line]] = {}
        self._sounding: set[int] = set()
        """Numbers of the proofs that wait for their answer."""
        self._owed: Line | None = None
        """What the next worker is told first: a dead one left it undone."""
        self._readings: deque[MeterReading] = deque(maxlen=KEEP_LEVELS)
        self._seconds: deque[Second] = deque(maxlen=KEEP_SECONDS)
        self._flags: frozenset[Flag] = frozenset()
        self._read = asyncio.Condition()
        self._listeners: set[asyncio.Queue[Level | None]] = set()
        self._ends: deque[float] = deque(maxlen=20)
        self._trouble = Reason("sound.worker_lost", f"{name}: the sound worker has not started", {"device": name})

    # --- for the device ---

    async def open(self) -> None:
        """Start the worker and return once it shows a sign of life.

        Raises:
            DeviceUnreachable: it did not within `STARTED_WITHIN_S`.
        """
        if self._keeper is not None:
            return
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep(first), name=f"sound-link-{self._name}")
        try:
            await asyncio.wait({first, self._keeper}, return_when=asyncio.FIRST_COMPLETED)
            self._show_bug()
            first.result()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the worker and every wait; never raises."""
        for number in tuple(self._sounding):
            await self._call_off(number)
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait({keeper})
        for queue in self._listeners:
            _put_newest(queue, None)

    async def ask(self, do: str, *, within_s: float, **arguments: lines.Value) -> Line:
        """Return the worker's answer.

        Raises:
            DeviceUnreachable: there is no worker now, or it ended before it answered.
            DeviceRefused: it answered that it did not.
            OutcomeUnknown: it did not answer in time.
        """
        with self._question() as number:
            return await self._answer_to(number, {"do": do, **arguments}, within_s)

    async def ask_aloud(self, *, within_s: float, amends: Line | None = None, **arguments: lines.Value) -> Line:
        """Have the tone played and return the worker's answer; whoever gives up or is cancelled ends the tone first.

        `amends` is what the next worker is told before anything else when this one dies over it.

        Raises:
            DeviceUnreachable: there is no worker now, or it ended before it answered.
            DeviceRefused: it answered that it did not.
            OutcomeUnknown: it did not answer in time.
        """
        with self._question() as number:
            self._sounding.add(number)
            try:
                return await self._answer_to(number, {"do": "prove", **arguments}, within_s)
            finally:
                try:
                    await self._call_off(number)
                finally:
                    self._sounding.discard(number)
                    if _was_lost(self._waiting[number]):
                        self._owed = amends

    @contextlib.contextmanager
    def _question(self) -> Iterator[int]:
        """Lend the number of a question to a worker that runs.

        Raises:
            DeviceUnreachable: there is none.
        """
        self._show_bug()
        if self._wire is None or not self._alive.is_set():
            raise DeviceUnreachable(self._trouble)
        number = next(self._numbers)
        answered = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            yield number
        finally:
            del self._waiting[number]
            _was_lost(answered)  # taken note of, when the write failed first

    async def _answer_to(self, number: int, question: Line, within_s: float) -> Line:
        answered, wire, do = self._waiting[number], self._wire, question["do"]
        try:
            async with asyncio.timeout(within_s):
                if wire is not None:
                    await wire.write(lines.encode({"id": number, **question}))
                await asyncio.wait({answered})
        except TimeoutError:
            detail = f"{self._name}: wanted {do} within {within_s:g} s, found no answer"
            raise OutcomeUnknown(Reason("sound.no_answer", detail, {"device": self._name, "do": str(do)})) from None
        return answered.result()

    async def _call_off(self, number: int) -> None:
        """End a tone and return once the worker says so; one that does not is killed, and the tone with it."""
        answered, wire = self._waiting.get(number), self._wire
        if wire is None or answered is None or answered.done():
            return
        try:
            async with asyncio.timeout(HUSHED_WITHIN_S):
                await wire.write(lines.encode({"do": "call_off", "of": number}))
                await asyncio.wait({answered})
        except TimeoutError:
            log.warning("sound worker did not stop its tone", extra={"action": "sound_cut", "device": self._name})
        finally:
            if not answered.done():
                wire.cut()
                answered.set_exception(DeviceUnreachable(self._ended("it did not stop its tone")))

    async def insist(self, do: str, *, within_s: float, **arguments: lines.Value) -> Line:
        """Return the answer of this worker, or of the next when it is just being replaced.

        For what may be carried out twice. Who insisted first asks the next worker first, so
        the last word is the one that counts.

        Raises:
            DeviceUnreachable: no worker came within `within_s`, or none that answered.
            DeviceRefused: it answered that it did not.
            OutcomeUnknown: it did not answer in time.
        """
        until_s = asyncio.get_running_loop().time() + within_s
        while True:
            try:
                return await self.ask(do, within_s=within_s, **arguments)
            except DeviceUnreachable:
                if not await self._is_replaced(until_s):
                    raise

    async def _is_replaced(self, until_s: float) -> bool:
        """Wait for the next worker; false when none came until then."""
        try:
            async with asyncio.timeout_at(until_s):
                await asyncio.sleep(0)  # whoever reads its line finds the dead one out
                await self._alive.wait()
        except TimeoutError:
            return False
        return True

    def _show_bug(self) -> None:
        """Raise what ended the keeper: nothing but a bug does."""
        if self._keeper is not None and self._keeper.done():
            self._keeper.result()

    def readings(self) -> tuple[MeterReading, ...]:
        """Return the latest ten seconds of levels, oldest first; empty while nothing is metered."""
        return tuple(self._readings)

    def seconds(self) -> tuple[Second, ...]:
        """Return what the latest ten seconds sounded like, oldest first; empty while nothing is metered."""
        return tuple(self._seconds)

    async def wait_for_readings(self, wanted: int, *, within_s: float) -> tuple[MeterReading, ...]:
        """Return the readings once there are `wanted` or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s), self._read:
                await self._read.wait_for(lambda: len(self._readings) >= wanted)
        return self.readings()

    async def levels(self) -> AsyncGenerator[Level]:
        """Yield each level as it comes, with gaps while a worker restarts, until closed.

        Who reads too slowly loses the oldest.
        """
        if self._keeper is None:
            return
        queue: asyncio.Queue[Level | None] = asyncio.Queue(QUEUED_LEVELS)
        self._listeners.add(queue)
        try:
            while (level := await queue.get()) is not None:
                yield level
        finally:
            self._listeners.discard(queue)

    def unwanted_ends(self) -> int:
        """Return how often the worker crashed or hung in the last `RESTARTS_WITHIN_S`."""
        since = time.monotonic() - RESTARTS_WITHIN_S
        return sum(1 for end in self._ends if end >= since)

    # --- supervision ---

    async def _keep(self, first: asyncio.Future[None]) -> None:
        wait_s = RETRY_AT_LEAST_S
        while True:
            began = time.monotonic()
            try:
                await self._run(first)
            except DriverError as error:
                self._lost(error, first)
            if time.monotonic() - began > STEADY_AFTER_S:
                wait_s = RETRY_AT_LEAST_S
            await asyncio.sleep(random.uniform(wait_s / 2, wait_s))
            wait_s = min(2 * wait_s, RETRY_AT_MOST_S)

    async def _run(self, first: asyncio.Future[None]) -> None:
        """Serve one worker until it ends; on the way out it is certainly dead.

        Raises:
            DeviceUnreachable: its line broke.
        """
        wire = await self._dial()
        self._wire = wire
        try:
            await self._take_in(await self._next(wire, STARTED_WITHIN_S))
            await self._make_amends(wire)
            self._alive.set()
            if not first.done():
                first.set_result(None)
            log.info("sound worker runs", extra={"action": "sound_worker_up", "device": self._name})
            while await self._take_in(await self._next(wire, STALLED_AFTER_S)):
                pass
        except OSError as error:
            raise DeviceUnreachable(self._ended(f"its line broke: {error.strerror or type(error).__name__}")) from error
        finally:
            self._wire = None
            self._alive.clear()
            self._forget_levels()
            await wire.kill()
            self._fail_waiting()

    async def _make_amends(self, wire: Wire) -> None:
        """Tell a fresh worker what a dead one left undone; nobody waits for its answer."""
        owed, self._owed = self._owed, None
        if owed is not None:
            await wire.write(lines.encode({"id": next(self._numbers), **owed}))

    async def _next(self, wire: Wire, within_s: float) -> Line:
        """Return the next line.

        Raises:
            DeviceUnreachable: the worker ended or stalled.
            ProtocolViolation: what came is no line of ours.
        """
        try:
            async with asyncio.timeout(within_s):
                line = await wire.read()
        except TimeoutError:
            raise DeviceUnreachable(self._ended(f"no sign of life for {within_s:g} s")) from None
        except ValueError as error:
            raise ProtocolViolation(self._ended(f"a line over {lines.MAX_LINE_BYTES} bytes")) from error
        if not line:
            raise DeviceUnreachable(self._ended("it ended"))
        try:
            return lines.decode(line)
        except ValueError as error:
            raise ProtocolViolation(self._ended(str(error))) from error

    def _ended(self, how: str) -> Reason:
        return Reason("sound.worker_lost", f"{self._name}: sound worker: {how}", {"device": self._name})

    def _lost(self, error: DriverError, first: asyncio.Future[None]) -> None:
        self._trouble = error.reason
        self._ends.append(time.monotonic())
        if not first.done():
            first.set_exception(DeviceUnreachable(error.reason))
        log.warning(error.reason.detail, extra={"action": "sound_worker_lost", "device": self._name})

    def _fail_waiting(self) -> None:
        for answered in self._waiting.values():
            if not answered.done():
                answered.set_exception(DeviceUnreachable(self._ended("it ended before it answered")))

    # --- lines ---

    async def _take_in(self, line: Line) -> bool:
        """Take one line in; false when the worker is about to end on purpose."""
        match line.get("event"):
            case None:
                self._answer(line)
            case "level":
                await self._meter(line)
            case "second":
                self._hear(line)
            case "absent":
                self._forget_levels()
                self.absent = str(line.get("detail"))
                self.absent_code = str(line.get("code", "sound.not_opened"))
            case "ports":
                self._tell_changed()
            case "leaving":
                self._tell_changed()
                self._trouble = self._ended(str(line.get("detail")))
                return False
            case _:
                pass  # a newer worker may say more
        return True

    def _tell_changed(self) -> None:
        if self.on_changed is not None:
            self.on_changed()

    def _answer(self, line: Line) -> None:
        number = line.get("id")
        answered = self._waiting.get(number) if isinstance(number, int) else None
        if answered is None or answered.done():
            return
        if isinstance(ok := line.get("ok"), dict):
            answered.set_result(ok)
            return
        code, detail = str(line.get("error", "sound.bad_answer")), f"{self._name}: {line.get('detail')}"
        values = {"device": self._name, **lines.scalars(line, "values")}
        answered.set_exception(DeviceRefused(Reason(code, detail, values)))

    async def _meter(self, line: Line) -> None:
        """Keep one level and hand it on.

        Raises:
            ProtocolViolation: it lacks something.
        """
        try:
            level = Level(
                lines.number(line, "rms"),
                lines.number(line, "peak"),
                lines.flag(line, "zero"),
                lines.number(line, "lufs") if line.get("lufs") is not None else None,
                self._flags,
            )
            reading = MeterReading(level, int(lines.number(line, "clips")))
        except ValueError as error:
            raise ProtocolViolation(self._ended(str(error))) from error
        self.absent = ""
        async with self._read:
            self._readings.append(reading)
            self._read.notify_all()
        for queue in self._listeners:
            _put_newest(queue, level)

    def _forget_levels(self) -> None:
        self._readings.clear()
        self._seconds.clear()
        self._flags = frozenset()

    def _hear(self, line: Line) -> None:
        """Keep one second and see what is wrong now.

        Raises:
            ProtocolViolation: it lacks something.
        """
        try:
            self._seconds.append(_second(line))
        except ValueError as error:
            raise ProtocolViolation(self._ended(str(error))) from error
        self._flags = flags(tuple(self._seconds), self._limits, self.own_treble_db)


def _second(line: Line) -> Second:
    return Second(
        floor_dbfs=lines.number(line, "floor_dbfs"),
        loud_dbfs=lines.number(line, "loud_dbfs"),
        loudest_lufs=lines.number(line, "loudest_lufs"),
        digital_zero=lines.flag(line, "digital_zero"),
        clips=int(lines.number(line, "clips")),
        hum_db=lines.number(line, "hum_db"),
        hum_dbfs=lines.number(line, "hum_dbfs"),
        harmonics=int(lines.number(line, "harmonics")),
        hum_band_dbfs=lines.number(line, "hum_band_dbfs"),
        howl_db=lines.number(line, "howl_db"),
        howl_hz=lines.number(line, "howl_hz"),
        howl_steady=lines.flag(line, "howl_steady"),
        treble_db=lines.number(line, "treble_db"),
    )


def _was_lost(answered: asyncio.Future[Line]) -> bool:
    """Tell whether the worker ended before it answered."""
    return answered.done() and not answered.cancelled() and isinstance(answered.exception(), DeviceUnreachable)


def _put_newest(queue: asyncio.Queue[Level | None], level: Level | None) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(level)
