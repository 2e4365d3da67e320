"""A chain of up to seven cameras on one serial port.

One message is on the wire at a time, and the next is chosen when the wire is free, for
what the system has taken nobody can take back: a STOP before all else, then the bus's own
broadcasts, then the cameras in turn. The time a message takes is reckoned, because no
system tells when the last bit has left.

The bus numbers its cameras itself, once per opening and whenever one joins or leaves (EVI-D70
technical manual, p. 33): Address Set goes round the chain, each camera takes the number it
finds and passes on the next, and what comes back is one more than there are cameras.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary

from drivers.errors import DeviceUnreachable
from drivers.outcomes import Reason, Scalar
from drivers.streams import broken
from drivers.visca.line import Ears, Framing
from drivers.visca.lines.port import Port
from drivers.visca.lines.shouting import Shout

log = logging.getLogger(__name__)

ADDRESS_SET = b"\x88\x30\x01\xff"
IF_CLEAR = b"\x88\x01\x00\x01\xff"
BITS_PER_BYTE = 10
CAMERAS = 7
LONGEST_FRAME_BYTES = 32
ECHO_WITHIN_S = 0.5
"""Seven cameras pass a broadcast on within a V period each, and the wire takes its time."""
ECHO_TRIES = 3
NUMBERED_AGAIN_AFTER_S = 1.0
"""A camera that reports itself without end costs one broadcast in this time."""
CLOCK_S = 1e-6

_buses: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, SerialBus]] = WeakKeyDictionary()


class SerialBus:
    """One port of one event loop, and the cameras on it."""

    def __init__(self, key: str, port: Port, baud: int) -> None:
        self.key = key
        self.baud = baud
        self.cameras = 0
        """How many the chain was found to have."""
        self.noise = 0
        """Frames that came from no camera of ours."""
        self.shout: Shout | None = None
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._users = 0
        self._lines: dict[int, SerialLine] = {}
        self._seen: set[int] = set()
        self._fault: Reason | None = None
        self._rest = b""
        self._echo: asyncio.Future[bytes] | None = None
        self._numbering: asyncio.Task[None] | None = None
        self._numbered_at = float("-inf")
        self._busy_until = 0.0
        self._waiting: dict[SerialLine, bool] = {}
        """Who found no room, and whether a STOP waits there."""
        self._own: bytes | None = None
        """A broadcast that waits for the wire."""
        self._asked = b""
        self._turn: SerialLine | None = None
        self._served = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def where(self) -> str:
        """Which port, for messages."""
        return self._port.where

    # Coming and going.

    async def join(self, line: SerialLine) -> None:
        """Take `line` in; the first one opens the port and numbers the chain.

        Raises:
            DeviceUnreachable: the port cannot be opened, nobody answers, or the chain is too short.
        """
        self._users += 1
        try:
            async with self._lock:
                self._check(line)
                if self.shout is None:
                    await self._start()
                elif line.address in self._seen or line.address > self.cameras:
                    await self._number()  # it may have been off and lost its number, or be new
                self._check(line)
                self._admit(line)
        except BaseException:
            await self.leave(line)
            raise

    async def leave(self, line: SerialLine) -> None:
        """Forget `line`; the last one lets the wire run empty and closes the port."""
        if self._lines.get(line.address) is line:
            del self._lines[line.address]
        self._waiting.pop(line, None)
        self._users -= 1
        try:
            if not self._users and self.shout is not None:
                await asyncio.sleep(max(0.0, self._busy_until - self._loop.time()))
        finally:
            numbering = self._numbering
            if not self._users:
                self._let_go()
            if numbering is not None and not self._users:
                await asyncio.wait([numbering])

    async def _start(self) -> None:
        self.shout = await self._port.open(self._received, self._broken)
        try:
            await self._number()
            if await self._ask(IF_CLEAR) is None:
                log.warning("chain did not return IF_Clear", extra={"action": "no_echo", "where": self.where})
        except BaseException:
            self._shut()
            raise

    def _check(self, line: SerialLine) -> None:
        """Refuse what cannot work.

        Raises:
            DeviceUnreachable: the port is gone, or runs at another speed.
        """
        if self._fault is not None:
            raise DeviceUnreachable(self._fault)
        if line.baud != self.baud:
            raise self._unreachable("chain.other_baud", f"wanted {line.baud} baud, found the port open at {self.baud}")

    def _admit(self, line: SerialLine) -> None:
        """Hear for `line` from now on.

        Raises:
            DeviceUnreachable: the chain has no such camera, or it is in use already.
        """
        if line.address > self.cameras:
            found = (
                f"wanted camera {line.address}, found a chain of {self.cameras}; check cables, power and the address"
            )
            raise self._unreachable("chain.too_short", found, cameras=self.cameras, address=line.address)
        if line.address in self._lines:
            found = f"wanted camera {line.address}, found it in use already; two devices have the same address"
            raise self._unreachable("chain.twice", found, address=line.address)
        self._lines[line.address] = line
        self._seen.add(line.address)

    def _unreachable(self, code: str, found: str, **values: int) -> DeviceUnreachable:
        return DeviceUnreachable(Reason(code, f"{self.where}: {found}", {"where": self.where, **values}))

    def _let_go(self) -> None:
        buses = _buses.get(self._loop, {})
        if buses.get(self.key) is self:
            del buses[self.key]
        self._shut()

    def _shut(self) -> None:
        for pending in (self._timer, self._numbering):
            if pending is not None:
                pending.cancel()
        self._timer = self._numbering = self.shout = None
        self._port.close()

    def _broken(self, reason: Reason) -> None:
        """Tell everyone that the port, or the numbering, is gone."""
        if self._fault is not None:
            return
        self._fault = reason
        lines = list(self._lines.values())
        self._lines.clear()
        self._waiting.clear()
        if self._echo is not None and not self._echo.done():
            self._echo.set_exception(DeviceUnreachable(reason))
        self._let_go()
        for line in lines:
            line.lose(reason)

    # Numbering.

    async def _number(self) -> None:
        """Give the cameras their numbers and count them.

        Raises:
            DeviceUnreachable: nobody answers, or the line only returns what is sent.
        """
        echo = await self._ask(ADDRESS_SET)
        self._numbered_at = self._loop.time()
        if echo is None:
            found = f"wanted a camera at {self.baud} baud, found no answer; check cable, power and baud rate"
            raise self._unreachable("chain.no_answer", found, baud=self.baud)
        self.cameras = min(echo[2] - 1, CAMERAS)
        if self.cameras < 1:
            found = "wanted a camera, found our own message returned unchanged; is the cable looped?"
            raise self._unreachable("chain.no_camera", found)

    async def _number_again(self) -> None:
        """Number the chain after a change; whoever may have a new number opens anew."""
        await asyncio.sleep(max(0.0, self._numbered_at + NUMBERED_AGAIN_AFTER_S - self._loop.time()))
        async with self._lock:
            before = self.cameras
            try:
                await self._number()
            except DeviceUnreachable as error:
                self._numbering = None
                self._broken(error.reason)
                return
        self._numbering = None
        if self.cameras != before:
            detail = f"{self.where}: wanted a chain of {before} cameras, found {self.cameras} now"
            values: dict[str, Scalar] = {"where": self.where, "before": before, "cameras": self.cameras}
            self._broken(Reason("chain.changed", detail, values))

    async def _ask(self, message: bytes) -> bytes | None:
        """Send a broadcast and return it as it comes back, or nothing if it does not.

        Raises:
            DeviceUnreachable: the port is gone.
        """
        for _ in range(ECHO_TRIES):
            if self._fault is not None:
                raise DeviceUnreachable(self._fault)
            self._echo = self._loop.create_future()
            self._own = self._asked = message
            self._turns()
            try:
                async with asyncio.timeout(ECHO_WITHIN_S):
                    return await self._echo
            except TimeoutError:
                continue
            finally:
                self._own, self._echo = None, None
        return None

    # What comes in.

    def _received(self, content: bytes) -> None:
        *bodies, rest = (self._rest + content).split(b"\xff")
        self._rest = rest[: LONGEST_FRAME_BYTES + 1]  # one over, so that it is seen as too long
        for body in bodies:
            self._route(body)

    def _route(self, body: bytes) -> None:
        """Hand a frame to the camera that its first byte names."""
        fits = 2 <= len(body) < LONGEST_FRAME_BYTES
        if fits and body[0] >= 0x90 and not body[0] & 0x0F:
            self._heard((body[0] >> 4) - 8, body)
        elif fits and body[0] == 0x88 and self._is_echo(body):
            if self._echo is not None and not self._echo.done():
                self._echo.set_result(body)
        else:
            self.noise += 1

    def _heard(self, address: int, body: bytes) -> None:
        if body[1:] == b"\x38" and self._numbering is None:
            self._numbering = self._loop.create_task(self._number_again(), name=f"visca numbering {self.where}")
        line = self._lines.get(address)
        if line is None:
            self.noise += 1
        else:
            line.hear(body + b"\xff")

    def _is_echo(self, body: bytes) -> bool:
        """Whether `body` is the broadcast that is under way, come round."""
        if self._asked == ADDRESS_SET:
            return len(body) == 3 and body[1] == ADDRESS_SET[1] and 1 <= body[2] <= CAMERAS + 1
        return body == IF_CLEAR[:-1]

    # What goes out.

    def has_room(self, line: SerialLine, *, stop: bool) -> bool:
        """Whether `line` may send now; if not, it is told when its turn has come."""
        if self._fault is not None or self.shout is None:
            return False
        if self._is_free() and self._turn in {None, line}:
            rivals = any(waits_to_stop or not stop for other, waits_to_stop in self._waiting.items() if other != line)
            if self._turn is line or not (rivals or (self._own and not stop)):
                return True
        self._waiting[line] = self._waiting.get(line, False) or stop
        self._arm()
        return False

    def send(self, line: SerialLine, message: bytes) -> None:
        """Put a message of `line` on the wire."""
        self._waiting.pop(line, None)
        self._served = line.address
        self._write(message)

    def _write(self, message: bytes) -> None:
        self._busy_until = max(self._loop.time(), self._busy_until) + len(message) * BITS_PER_BYTE / self.baud
        self._port.write(message)

    def _is_free(self) -> bool:
        return self._loop.time() >= self._busy_until - CLOCK_S

    def _arm(self) -> None:
        if self._timer is None and (self._waiting or self._own):
            self._timer = self._loop.call_at(self._busy_until, self._turns)

    def _turns(self) -> None:
        """Give the free wire to whoever comes first, until it is taken or nobody wants it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            while self._is_free() and (self._waiting or self._own):
                self._give()
        finally:
            self._arm()

    def _give(self) -> None:
        stops = [line for line, waits_to_stop in self._waiting.items() if waits_to_stop]
        if self._own and not stops:
            message, self._own = self._own, None
            self._write(message)
            return
        line = min(stops or self._waiting, key=lambda one: (one.address - self._served - 1) % CAMERAS)
        del self._waiting[line]
        self._turn = line
        try:
            line.have_turn()
        finally:
            self._turn = None


class SerialLine:
    """The way to one camera of a chain.

    Which port a name means may change while cables are pulled, so that is asked at each opening.
    """

    framing = Framing.RAW

    def __init__(self, where: str, key: Callable[[], str], port: Callable[[], Port], baud: int, address: int) -> None:
        self.address = address
        self.baud = baud
        self.byte_s = BITS_PER_BYTE / baud
        self._key, self._port = key, port
        self._where = where
        self._bus: SerialBus | None = None
        self._ears: Ears | None = None

    @property
    def where(self) -> str:
        """Where the camera is, for messages."""
        return f"{self._where} camera {self.address}"

    @property
    def bus(self) -> SerialBus | None:
        """The open port that it shares."""
        return self._bus

    async def open(self, ears: Ears) -> None:
        """Join the chain, numbering it if need be, and begin to hear.

        Raises:
            DeviceUnreachable: no port, no answer, or a chain without this camera.
        """
        await self.close()
        key = self._key()
        buses = _buses.setdefault(asyncio.get_running_loop(), {})
        bus = buses.get(key)
        if bus is None:
            bus = buses[key] = SerialBus(key, self._port(), self.baud)
        await bus.join(self)
        self._bus, self._ears = bus, ears

    def has_room(self, *, stop: bool) -> bool:
        """Whether the wire is free for this camera; a STOP goes before other cameras' messages."""
        return self._bus is not None and self._bus.has_room(self, stop=stop)

    def send(self, message: bytes) -> None:
        """Put one message on the wire."""
        if self._bus is not None:
            self._bus.send(self, message)

    def shout(self) -> Callable[[bytes], None]:
        """Return a way out through a descriptor of its own; it ends a frame that was cut short.

        Raises:
            DeviceUnreachable: the line is not open.
        """
        if self._bus is None or self._bus.shout is None:
            raise DeviceUnreachable(broken(self.where, ConnectionError("no open line")))
        return self._bus.shout

    async def close(self) -> None:
        """Let go; never raises, may be called twice."""
        bus, self._bus, self._ears = self._bus, None, None
        if bus is not None:
            await bus.leave(self)

    # What the bus tells.

    def hear(self, frame: bytes) -> None:
        """Hand on a frame of this camera."""
        if self._ears is not None:
            self._ears.received(frame)

    def have_turn(self) -> None:
        """Take the turn that `has_room` was refused before."""
        if self._ears is not None:
            self._ears.free()

    def lose(self, reason: Reason) -> None:
        """Tell that the chain is gone."""
        if self._ears is not None:
            self._ears.lost(reason)
