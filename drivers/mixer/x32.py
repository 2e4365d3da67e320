"""Behringer X32, Midas M32 and their small relatives (X-Air, MR) over OSC on UDP.

*Unofficial X32/M32 OSC Remote Protocol* (P.-G. Maillot), "Client initiated messages" (`/xinfo`,
`/xremote`, "the X32 stops sending after 10 seconds"), and the tables of `/ch`, `/auxin`, `/fxrtn`,
`/bus`, `/mtx`, `/main` and `/dca`; for X-Air Behringer's *X AIR Remote Control Protocol*.
Tried on a simulator only, never on a real desk.
"""

from __future__ import annotations

import asyncio
import re

from drivers.address import DeviceAddress
from drivers.errors import DeviceUnreachable, ProtocolViolation
from drivers.mixer.codec import osc
from drivers.mixer.codec.osc import BadMessage
from drivers.mixer.desk import Desk, channels_of
from drivers.mixer.waiting import Waiting
from drivers.outcomes import Reason
from drivers.streams import broken, open_datagrams

X32_PORT = 10023
XAIR_PORT = 10024
ANSWER_WITHIN_S = 0.25
"""A desk answers within a millisecond or two; then the question is lost."""
QUESTIONS = 4
RENEW_EVERY_S = 8.0
"""The desk forgets who wants to hear of changes after 10 s."""

_X32_PLACES = re.compile(
    r"ch/(0[1-9]|[12]\d|3[0-2])|auxin/0[1-8]|fxrtn/0[1-8]|bus/(0[1-9]|1[0-6])|mtx/0[1-6]|main/(st|m)|dca/[1-8]"
)
_XAIR_PLACES = re.compile(r"ch/(0[1-9]|1[0-6])|bus/[1-6]|fxsend/[1-4]|rtn/([1-4]|aux)|lr|dca/[1-4]")


class OscDesk(Desk):
    """Implements `drivers.ports.Mixer`."""

    gain_range_db = (osc.OFF_DB, osc.TOP_DB)
    gain_tolerance_db = 0.3
    """Half a step of the fader near its lower end, where steps are widest."""
    tries = 3

    def __init__(self, name: str, host: str, port: int, channels: dict[str, str], *, small: bool) -> None:
        super().__init__(name, channels)
        self._host, self._port, self._small = host, port, small
        self._where = f"udp {host}:{port}"
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting = Waiting()
        self._renewal: asyncio.TimerHandle | None = None
        self._answers = False

    async def open(self) -> None:
        """Ask who is there, and have changes told from now on."""
        await self.close()
        self._transport = await open_datagrams(self._host, self._port, self._received, self._failed)
        try:
            await self.identify()
            self._renew()
            await self.strips()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Leave; the desk forgets us within ten seconds."""
        if self._renewal is not None:
            self._renewal.cancel()
        if self._transport is not None:
            self._transport.close()
        self._transport, self._renewal, self._answers = None, None, False
        self._waiting.fail(self._gone("was closed"))

    async def identify(self) -> str:
        """Ask model and version."""
        found = await self._ask("/xinfo")
        return " ".join(str(part) for part in found[2:4]) or "unknown"

    def place_of(self, channel: str) -> str:
        """Return where a channel is on the desk.

        Raises:
            ValueError: says how one is written.
        """
        if not (_XAIR_PLACES if self._small else _X32_PLACES).fullmatch(channel):
            examples = "ch/01, bus/1, lr" if self._small else "ch/01, bus/01, main/st"
            raise ValueError(f"a channel is written as in {examples}, or by a name of ?channels=, got {channel!r}")
        return channel

    async def _ready(self) -> None:
        """Ask who is there if the last question stayed without an answer: so nothing is sent into the void."""
        if not self._answers:
            await self.identify()

    async def _ask_muted(self, place: str) -> bool:
        return not _number(self.name, await self._ask(_on(place)))

    async def _ask_gain(self, place: str) -> float:
        return osc.db_of(_number(self.name, await self._ask(_fader(place))))

    async def _tell_muted(self, place: str, on: bool) -> None:
        self._send(osc.encode(_on(place), 0 if on else 1))

    async def _tell_gain(self, place: str, db: float) -> None:
        self._send(osc.encode(_fader(place), osc.fader_of(db)))

    async def _ask(self, address: str) -> tuple[osc.Argument, ...]:
        """Ask until it answers; a question may be lost and may be repeated.

        Raises:
            DeviceUnreachable: no answer to any of them.
        """
        for _ in range(QUESTIONS):
            with self._waiting.expect(address) as future:
                self._send(osc.encode(address))
                await asyncio.wait((future,), timeout=ANSWER_WITHIN_S)
                if future.done():
                    self._answers = True
                    found = future.result()
                    return found if isinstance(found, tuple) else ()
        self._answers = False
        raise self._gone(f"did not answer {QUESTIONS} questions; check address, power and cable")

    def _send(self, datagram: bytes) -> None:
        """Send.

        Raises:
            DeviceUnreachable: it is not open.
        """
        if self._transport is None:
            raise self._gone("is not open")
        self._transport.sendto(datagram)

    def _renew(self) -> None:
        if self._transport is not None:
            self._transport.sendto(osc.encode("/xremote"))
            self._renewal = asyncio.get_running_loop().call_later(RENEW_EVERY_S, self._renew)

    def _received(self, datagram: bytes) -> None:
        """Take in an answer or a change; what is no message of a desk is passed over."""
        try:
            message = osc.decode(datagram)
        except BadMessage:
            return
        self._hear(message)
        self._waiting.answer(message.address, message.arguments)

    def _hear(self, message: osc.Message) -> None:
        place, _, what = message.address[1:].rpartition("/")
        value = message.arguments[0] if message.arguments else None
        if not isinstance(value, int | float):
            return
        place = place.removesuffix("/mix")
        if what == "on":
            self._learn(place, muted=not value)
        elif what == "fader":
            self._learn(place, gain_db=osc.db_of(value))

    def _failed(self, error: OSError) -> None:
        self._answers = False
        self._waiting.fail(DeviceUnreachable(broken(self._where, error)))

    def _gone(self, what: str) -> DeviceUnreachable:
        detail = f"{self.name}: the desk at {self._where} {what}"
        return DeviceUnreachable(Reason("mixer.no_answer", detail, {"where": self._where}))


def _on(place: str) -> str:
    return f"/{place}/on" if place.startswith("dca/") else f"/{place}/mix/on"


def _fader(place: str) -> str:
    return f"/{place}/fader" if place.startswith("dca/") else f"/{place}/mix/fader"


def _number(name: str, found: tuple[osc.Argument, ...]) -> float:
    """Return the one number of an answer.

    Raises:
        ProtocolViolation: it holds none.
    """
    if len(found) == 1 and isinstance(found[0], int | float) and abs(found[0]) < float("inf"):
        return float(found[0])
    raise ProtocolViolation(Reason("link.bad_answer", f"{name}: wanted one number, found {found!r:.60}"))


def connect(name: str, address: DeviceAddress) -> OscDesk:
    """Return the unopened desk."""
    address.allow("channels")
    small = address.scheme.startswith("xair")
    host, port = address.endpoint(XAIR_PORT if small else X32_PORT)
    desk = OscDesk(name, host, port, {}, small=small)
    return OscDesk(name, host, port, channels_of(address, desk.place_of), small=small)
