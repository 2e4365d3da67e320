"""A mixer on a TCP link: what Shure, Q-SYS and Tesira have in common."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Hashable, Mapping

from drivers.errors import DeviceRefused, DeviceUnreachable, OutcomeUnknown, ProtocolViolation
from drivers.mixer.desk import Desk
from drivers.mixer.waiting import Waiting
from drivers.mixer.wire import Wire
from drivers.outcomes import Reason

ANSWER_WITHIN_S = 1.0


class TcpDesk(Desk):
    """Opens, greets, exchanges and closes; a maker's class writes and reads the bytes."""

    def __init__(self, name: str, host: str, port: int, channels: Mapping[str, str]) -> None:
        super().__init__(name, channels)
        self._host, self._port = host, port
        self._waiting = Waiting()
        self._wire = self._new_wire()

    async def open(self) -> None:
        """Connect, ask who is there, and have changes told from now on."""
        await self.close()
        self._wire = self._new_wire()
        self._begin()
        try:
            await self._wire.open(self._host, self._port)
            await self._greet()
            await self.strips()
            await self._subscribe()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the link; never raises."""
        await self._wire.close()
        self._waiting.fail(self._wire.gone("it was closed"))

    @abstractmethod
    def _begin(self) -> None:
        """Forget what came over an earlier link."""

    @abstractmethod
    def _heard(self, data: bytes) -> None: ...

    @abstractmethod
    async def _greet(self) -> None: ...

    async def _subscribe(self) -> None:
        """Have changes told; nothing to do where the device tells them by itself."""
        return

    async def _exchange(self, data: bytes, key: Hashable, *, telling: bool = False) -> object:
        """Send and return what answers `key`.

        Raises:
            DeviceUnreachable: nothing was sent, or a question stayed without an answer.
            OutcomeUnknown: a command was sent and stayed without an answer.
        """
        with self._waiting.expect(key) as future:
            self._wire.send(data)
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    return await future
            except TimeoutError:
                self._unanswered()
                error = self._wire.gone(f"found none within {ANSWER_WITHIN_S:g} s; check address, power and cable")
            except DeviceUnreachable as lost:
                error = lost
        if telling:
            raise OutcomeUnknown(error.reason) from None
        raise error from None

    def _unanswered(self) -> None:
        """Do what an answer that stays away asks for: nothing, where answers say what they answer."""
        return

    def _new_wire(self) -> Wire:
        return Wire(f"tcp {self._host}:{self._port}", self._heard, self._waiting.fail)

    def _refused(self, wanted: str, answer: str) -> DeviceRefused:
        detail = f"{self.name}: wanted {wanted}, found {answer:.120}"
        return DeviceRefused(Reason("mixer.refused", detail, {"answer": answer[:80]}))

    def _bad(self, what: object) -> ProtocolViolation:
        return ProtocolViolation(Reason("link.bad_answer", f"{self.name}: {what!s:.160}", {"device": self.name}))
