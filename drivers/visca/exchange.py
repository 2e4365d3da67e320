"""One question at a time to one camera, without a session: what it says is kept as it is.

For the doctor, who wants to see what a camera really does; everything else speaks through a
session, which knows what the answers should be.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from drivers.errors import DeviceUnreachable
from drivers.outcomes import Reason
from drivers.visca.codec import (
    HEADER_BYTES,
    SEQUENCE_LIMIT,
    Ack,
    Answer,
    Kind,
    Malformed,
    Refused,
    Reply,
    ReplyDecoder,
    pack,
    unpack,
)
from drivers.visca.line import Ears, Framing, Line
from drivers.visca.trace import OPENED, Trace

ANSWER_WITHIN_S = 0.5
ROOM_WITHIN_S = 2.0
QUIET_S = 0.05
"""After a silent question a late answer gets this long to pass by."""
REMEMBERED = 512
OFTEN = 2
"""So many questions in a row that only old numbers answered: the camera makes its numbers up."""


@dataclass(frozen=True, slots=True)
class Said:
    """One reply, and when it came."""

    reply: Reply
    after_s: float
    number: int | None
    """The sequence number that it came under, where the framing has one."""


@dataclass(frozen=True, slots=True)
class Heard:
    """All that was said after one message."""

    number: int
    """The sequence number that the message was sent under."""
    said: tuple[Said, ...] = ()

    @property
    def reply(self) -> Reply | None:
        """The first reply."""
        return self.said[0].reply if self.said else None

    @property
    def content(self) -> bytes | None:
        """What an inquiry's answer holds, if there was one."""
        return next((one.reply.content for one in self.said if isinstance(one.reply, Answer)), None)

    @property
    def code(self) -> int | None:
        """The error, if it was refused."""
        return next((one.reply.code for one in self.said if isinstance(one.reply, Refused)), None)

    @property
    def after_s(self) -> float:
        """How long the first reply took."""
        return self.said[0].after_s if self.said else 0.0


def ends(reply: Reply) -> bool:
    """Whether nothing more is to come after `reply`."""
    return not isinstance(reply, Ack | Malformed)


class Exchange:
    """Asks and listens over one line."""

    def __init__(self, line: Line, trace: Trace) -> None:
        self.line = line
        self.lost: Reason | None = None
        """Why nothing gets through, if the line said so."""
        self.lies = False
        """The camera answers under numbers of its own, so whatever comes answers the last question."""
        self._trace = trace
        self._loop = asyncio.get_running_loop()
        self._stream = ReplyDecoder()
        self._number = 0
        self._used: deque[int] = deque(maxlen=REMEMBERED)
        self._said: list[Said] = []
        self._strays: list[Said] = []
        self._deceived = 0
        self._sent_at = 0.0
        self._awaited = -1
        self._news = asyncio.Event()

    async def open(self, *, reset: bool = True) -> None:
        """Open the line, and have a camera on Sony's framing count from 0.

        Raises:
            DeviceUnreachable: the line cannot be opened.
        """
        await self.line.open(Ears(self._received, self._failed, self._failed, self._news.set))
        self._trace.remark(self._loop.time(), OPENED)
        if reset and self.line.framing is Framing.SONY:
            for _ in range(3):
                if (await self.ask(b"\x01", kind=Kind.CONTROL, number=0)).said:
                    break

    async def close(self) -> None:
        """Let go."""
        await self.line.close()

    async def ask(
        self,
        frame: bytes,
        *,
        kind: Kind = Kind.INQUIRY,
        number: int | None = None,
        within_s: float = ANSWER_WITHIN_S,
        until: Callable[[Reply], bool] = ends,
    ) -> Heard:
        """Send one message, once, and return what is said until a reply is the last one, or time is up.

        Raises:
            DeviceUnreachable: the wire is not free for a message.
        """
        await self._free(stop=kind is Kind.COMMAND)
        self._said, self._strays, self._awaited = [], [], self._next() if number is None else number
        message = pack(kind, self._awaited, frame) if self.line.framing is Framing.SONY else frame
        self._sent_at = self._loop.time()
        self._trace.note(self._sent_at, True, message)
        self.line.send(message)
        try:
            async with asyncio.timeout(within_s):
                while not any(until(one.reply) for one in self._said):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            await asyncio.sleep(QUIET_S if not self._said else 0)
            self._judge_strays()
        self._used.append(self._awaited)
        return Heard(self._awaited, tuple(self._said))

    def shout(self, frame: bytes) -> None:
        """Send a command and wait for nothing."""
        message = pack(Kind.COMMAND, self._next(), frame) if self.line.framing is Framing.SONY else frame
        self._trace.note(self._loop.time(), True, message)
        self.line.send(message)

    def _next(self) -> int:
        self._number = (self._number + 1) % SEQUENCE_LIMIT
        return self._number

    async def _free(self, *, stop: bool) -> None:
        """Return once a message may be sent.

        Raises:
            DeviceUnreachable: not in time.
        """
        try:
            async with asyncio.timeout(ROOM_WITHIN_S):
                while not self.line.has_room(stop=stop):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            detail = f"{self.line.where}: wanted to send, found the wire never free within {ROOM_WITHIN_S:g} s"
            raise DeviceUnreachable(self.lost or Reason("link.broken", detail, {"where": self.line.where})) from None

    def _judge_strays(self) -> None:
        """Take answers under old numbers for the answer, once they have come often and no others."""
        self._deceived = self._deceived + 1 if self._strays and not self._said else 0
        if self._deceived >= OFTEN:
            self.lies = True
            self._said = self._strays

    # What the line tells.

    def _received(self, data: bytes) -> None:
        now = self._loop.time()
        self._trace.note(now, False, data)
        number = int.from_bytes(data[4:HEADER_BYTES]) if self.line.framing is Framing.SONY else None
        replies = self._stream.feed(data) if number is None else unpack(data).replies
        late = number != self._awaited and number in self._used and not self.lies
        heard = self._strays if late else self._said
        heard += [Said(reply, now - self._sent_at, number) for reply in replies]
        self._news.set()

    def _failed(self, reason: Reason) -> None:
        self.lost = reason
        self._news.set()
