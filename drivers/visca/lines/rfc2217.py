"""A serial port at the far end of a network (RFC 2217: Telnet with a port's settings).

pyserial's client was not taken: it sleeps, keeps two threads and may wait seconds in a
write, and no camera's STOP may wait behind another's. Every FF of VISCA is Telnet's escape
byte and travels doubled.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from enum import Enum, auto

from drivers.errors import DeviceUnreachable
from drivers.outcomes import Reason
from drivers.streams import broken
from drivers.visca.lines.shouting import Shout
from drivers.visca.lines.tcp import Hears, TcpStream, shout_through

SETTINGS_WITHIN_S = 3.0
SUBOPTION_BYTES = 64
"""The longest that is worth reading; a server's signature may be longer and is not."""

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
BINARY, GO_AHEAD, COM_PORT = 0, 3, 44
OURS = {BINARY, GO_AHEAD, COM_PORT}
THEIRS = {BINARY, GO_AHEAD, COM_PORT}
SET_BAUD, SET_DATA_BITS, SET_PARITY, SET_STOP_BITS, SET_CONTROL, PURGE = 1, 2, 3, 4, 5, 12
ANSWERED = 100
"""A server's answers carry the code of the question and this."""


class _Seen(Enum):
    """What came before the byte at hand."""

    CONTENT = auto()
    ESCAPE = auto()
    VERB = auto()
    SUBOPTION = auto()
    SUBOPTION_ESCAPE = auto()


class Telnet:
    """The client's half of the dialogue, without a socket: bytes in, content and answers out.

    Never raises on what comes in and holds 64 bytes at most.
    """

    def __init__(self) -> None:
        self.answers = bytearray()
        """What is to be sent; the caller takes it away."""
        self.agreed: set[int] = set()
        """Options of ours that the server wants."""
        self.declined: set[int] = set()
        self.confirmed: dict[int, bytes] = {}
        """The port's settings as the server has them, by code."""
        self._seen = _Seen.CONTENT
        self._verb = 0
        self._suboption = bytearray()
        self._asked_for: set[int] = set()

    def begin(self) -> None:
        """Ask for a clean channel and for the port's settings."""
        for option in (COM_PORT, BINARY, GO_AHEAD):
            self.answers += bytes((IAC, WILL, option))
        for option in (BINARY, GO_AHEAD):
            self._asked_for.add(option)
            self.answers += bytes((IAC, DO, option))

    def set(self, code: int, value: bytes) -> None:
        """Ask for one setting of the port."""
        self.answers += bytes((IAC, SB, COM_PORT, code)) + escape(value) + bytes((IAC, SE))

    def feed(self, received: bytes) -> bytes:
        """Return the content in `received`."""
        content = bytearray()
        for byte in received:
            self._step(byte, content)
        return bytes(content)

    def _step(self, byte: int, content: bytearray) -> None:
        match self._seen:
            case _Seen.CONTENT if byte == IAC:
                self._seen = _Seen.ESCAPE
            case _Seen.CONTENT:
                content.append(byte)
            case _Seen.ESCAPE:
                self._escaped(byte, content)
            case _Seen.VERB:
                self._seen = _Seen.CONTENT
                self._negotiate(byte)
            case _Seen.SUBOPTION if byte == IAC:
                self._seen = _Seen.SUBOPTION_ESCAPE
            case _Seen.SUBOPTION:
                self._keep(byte)
            case _Seen.SUBOPTION_ESCAPE:
                self._escaped_in_suboption(byte)

    def _escaped(self, byte: int, content: bytearray) -> None:
        self._seen = _Seen.CONTENT
        if byte == IAC:
            content.append(IAC)
        elif byte == SB:
            self._suboption.clear()
            self._seen = _Seen.SUBOPTION
        elif byte in {DO, DONT, WILL, WONT}:
            self._verb, self._seen = byte, _Seen.VERB

    def _escaped_in_suboption(self, byte: int) -> None:
        if byte == IAC:
            self._seen = _Seen.SUBOPTION
            self._keep(IAC)
            return
        self._seen = _Seen.CONTENT
        if self._suboption[:1] == bytes((COM_PORT,)) and len(self._suboption) > 1:
            self.confirmed[self._suboption[1] - ANSWERED] = bytes(self._suboption[2:])

    def _keep(self, byte: int) -> None:
        if len(self._suboption) < SUBOPTION_BYTES:
            self._suboption.append(byte)

    def _negotiate(self, option: int) -> None:
        """Answer what is new; what was asked for here is no question."""
        if self._verb == DO and option in OURS:
            self.agreed.add(option)
        elif self._verb == DO:
            self.answers += bytes((IAC, WONT, option))
        elif self._verb == DONT and option in OURS:
            self.agreed.discard(option)
            self.declined.add(option)
        elif self._verb == WILL and option not in self._asked_for:
            self._asked_for.add(option)
            self.answers += bytes((IAC, DO if option in THEIRS else DONT, option))


def escape(content: bytes) -> bytes:
    """Return `content` as Telnet carries it."""
    return content.replace(b"\xff", b"\xff\xff")


class Rfc2217Port:
    """A port that a serial server keeps for us."""

    def __init__(self, host: str, port: int, baud: int) -> None:
        self.where = f"rfc2217 {host}:{port}"
        self._host, self._port, self._baud = host, port, baud
        self._stream: TcpStream | None = None
        self._shout: Shout | None = None
        self._telnet = Telnet()
        self._news = asyncio.Event()
        self._received: Callable[[bytes], None] | None = None
        self._lost: Callable[[Reason], None] | None = None
        self._fault: Reason | None = None

    async def open(self, received: Callable[[bytes], None], lost: Callable[[Reason], None]) -> Shout:
        """Connect, set the port and begin to hear.

        Raises:
            DeviceUnreachable: nothing listens, or it does not set the port as wanted.
        """
        self._telnet, self._fault = Telnet(), None
        hears = Hears(self._hear, self._lose, lambda: None)
        self._stream = await TcpStream.connect(self.where, self._host, self._port, hears)
        try:
            await self._set_up()
            self._shout = shout_through(self._stream, lambda message: escape(b"\xff" + message))
        except OSError as error:
            self.close()
            raise DeviceUnreachable(broken(self.where, error)) from error
        except BaseException:
            self.close()
            raise
        self._received, self._lost = received, lost
        return self._shout

    def write(self, message: bytes) -> None:
        """Send a message; what does not fit is lost."""
        if self._stream is not None:
            self._stream.write(escape(message))

    def close(self) -> None:
        """Let go; may be called twice."""
        stream, shout = self._stream, self._shout
        self._stream = self._shout = self._received = self._lost = None
        if shout is not None:
            shout.close()
        if stream is not None:
            stream.drop()

    async def _set_up(self) -> None:
        """Agree on the protocol, then set the port: 8 bits, no parity, 1 stop bit, no flow control.

        Raises:
            DeviceUnreachable: it is no RFC 2217 server, or sets the port otherwise.
        """
        telnet = self._telnet
        telnet.begin()
        await self._until(lambda: COM_PORT in telnet.agreed | telnet.declined, "an RFC 2217 server", "another program")
        if COM_PORT in telnet.declined:
            raise self._wrong("an RFC 2217 server", "a Telnet server that sets no port")
        wanted = {
            SET_BAUD: struct.pack(">I", self._baud),
            SET_DATA_BITS: b"\x08",
            SET_PARITY: b"\x01",
            SET_STOP_BITS: b"\x01",
            SET_CONTROL: b"\x01",
            PURGE: b"\x03",
        }
        for code, value in wanted.items():
            telnet.set(code, value)
        line = f"{self._baud} baud, 8 bits, no parity, 1 stop bit"
        await self._until(lambda: {SET_BAUD, SET_PARITY, SET_STOP_BITS} <= telnet.confirmed.keys(), line, "no answer")
        if telnet.confirmed[SET_BAUD] != wanted[SET_BAUD]:
            raise self._wrong(line, f"{int.from_bytes(telnet.confirmed[SET_BAUD])} baud; look at the server's settings")

    async def _until(self, condition: Callable[[], bool], wanted: str, found: str) -> None:
        """Send what is to be said and return once `condition` holds.

        Raises:
            DeviceUnreachable: it did not in time, or the link broke.
        """
        try:
            async with asyncio.timeout(SETTINGS_WITHIN_S):
                while not condition():
                    self._answer()
                    await self._news.wait()
                    self._news.clear()
                    if self._fault is not None:
                        raise DeviceUnreachable(self._fault)
        except TimeoutError as error:
            raise self._wrong(wanted, f"{found} within {SETTINGS_WITHIN_S:g} s; check port and server") from error

    def _hear(self, received: bytes) -> None:
        content = self._telnet.feed(received)
        self._answer()
        self._news.set()
        if content and self._received is not None:
            self._received(content)

    def _answer(self) -> None:
        if self._stream is not None and self._telnet.answers:
            self._stream.write(bytes(self._telnet.answers))
            self._telnet.answers.clear()

    def _lose(self, reason: Reason) -> None:
        self._fault, lost = reason, self._lost
        self._news.set()
        self.close()
        if lost is not None:
            lost(reason)

    def _wrong(self, wanted: str, found: str) -> DeviceUnreachable:
        detail = f"{self.where}: wanted {wanted}, found {found}"
        return DeviceUnreachable(Reason("serial.no_server", detail, {"where": self.where}))
