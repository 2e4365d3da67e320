"""A projector or screen that speaks PJLink class 1. Never tried on a real one.

Projectors end an idle connection after 30 s and many take one at a time, so each
command is a short visit: connect, greet, ask, leave.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from drivers.address import DeviceAddress
from drivers.errors import DeviceRefused, DeviceUnreachable, OutcomeUnknown, ProtocolViolation
from drivers.outcomes import Health, Measure, Outcome, Reason, Result, Verdict, judge
from drivers.pjlink import codec
from drivers.pjlink.codec import PowerState
from drivers.ports import Showing
from drivers.streams import LineStream

PORT = 4352
ANSWER_WITHIN_S = 5.0
LOOK_EVERY_S = 0.5
POWERED_WITHIN_S = 180.0
"""Lamps warm up in half a minute; an old one may have to cool down first."""

_THERE = {True: PowerState.ON, False: PowerState.STANDBY}
_VERDICTS = {"0": Verdict.PASS, "1": Verdict.WARN, "2": Verdict.FAIL}


class Projector:
    """Implements `drivers.ports.Display`."""

    def __init__(self, name: str, host: str, port: int, password: str | None) -> None:
        self.name = name
        self._host = host
        self._port = port
        self._password = password
        self._one_visit = asyncio.Lock()

    async def open(self) -> None:
        """Ask for its name, which shows that it is there and takes the password."""
        async with self._visit() as visit:
            await visit.ask("NAME")

    async def close(self) -> None:
        """Nothing is held between visits."""

    async def check(self) -> Health:
        """Ask for the power state and for each part that it watches."""
        async with self._visit() as visit:
            state = await visit.power()
            parts = await visit.parts()
        power = Measure("display.power", state.name.lower(), Verdict.PASS)
        return judge((power, *(self._part(part, digit) for part, digit in parts.items())))

    async def power(self, on: bool) -> Result:
        """Switch on or off; one that is still on the opposite way is waited for.

        Raises:
            OutcomeUnknown: it did not get there in time.
        """
        began = time.monotonic()
        state: PowerState | None = None
        try:
            async with asyncio.timeout(POWERED_WITHIN_S):
                while True:
                    state = await self._towards(on)
                    if state is _THERE[on]:
                        break
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            detail = f"{self.name}: wanted {_THERE[on].name} within {POWERED_WITHIN_S:g} s, found {state}"
            raise OutcomeUnknown(Reason("display.not_there", detail, {"device": self.name})) from None
        return Result(Outcome.COMPLETED, timedelta(seconds=time.monotonic() - began), {"on": on})

    async def _towards(self, on: bool) -> PowerState:
        """Look at the power state, and order the wanted one if it rests at the other."""
        async with self._visit() as visit:
            state = await visit.power()
            if state is _THERE[not on]:
                await visit.tell("POWR", "1" if on else "0")
        return state

    async def source(self, name: str) -> Result:
        """Select an input such as `DIGITAL1`.

        Raises:
            DeviceRefused: the display does not list it.
            OutcomeUnknown: it answers another one afterwards.
        """
        began = time.monotonic()
        code = codec.input_code(name)
        async with self._visit() as visit:
            listed = (await visit.ask("INST")).split()
            if code not in listed:
                names = ", ".join(codec.input_name(one) for one in listed)
                reason = Reason("display.no_such_input", f"{self.name}: wanted input {name}, it lists {names}")
                raise DeviceRefused(reason)
            await visit.tell("INPT", code)
            found = await visit.ask("INPT")
        if found != code:
            detail = f"{self.name}: wanted input {name}, read back {codec.input_name(found)}"
            raise OutcomeUnknown(Reason("display.not_taken", detail, {"device": self.name}))
        elapsed = timedelta(seconds=time.monotonic() - began)
        return Result(Outcome.COMPLETED, elapsed, {"input": codec.input_name(found)})

    async def showing(self) -> Showing:
        """Ask whether it is on, and on which input; off, many refuse to say."""
        async with self._visit() as visit:
            state = await visit.power()
            try:
                source = codec.input_name(await visit.ask("INPT"))
            except DeviceRefused:
                source = ""
        return Showing(state is PowerState.ON, source)

    def _part(self, part: str, digit: str) -> Measure:
        verdict = _VERDICTS[digit]
        if verdict is Verdict.PASS:
            return Measure(f"display.{part}", "ok", verdict)
        how = "warning" if verdict is Verdict.WARN else "error"
        reason = Reason(f"display.{part}", f"{self.name}: reports a {part} {how}", {"device": self.name})
        return Measure(f"display.{part}", how, verdict, limit="ok", reason=reason)

    @asynccontextmanager
    async def _visit(self) -> AsyncIterator[_Visit]:
        async with self._one_visit:
            stream = await LineStream.connect(self._host, self._port, limit=4 * codec.MAX_LINE_BYTES)
            try:
                visit = _Visit(self.name, stream)
                await visit.greet(self._password)
                yield visit
            finally:
                await stream.close()


class _Visit:
    """One connection."""

    def __init__(self, name: str, stream: LineStream) -> None:
        self._name = name
        self._stream = stream
        self._proof = b""

    async def greet(self, password: str | None) -> None:
        """Hear the greeting and make ready to prove the password.

        Raises:
            DeviceRefused: it wants a password and there is none.
            ProtocolViolation: it does not greet.
        """
        line = await self._line()
        try:
            seed = codec.greeting(line).seed
        except codec.BadLine as error:
            raise ProtocolViolation(self._bad(error)) from error
        if seed is None:
            return
        if password is None:
            detail = f"{self._name}: wants a password: give password_env or a secrets file"
            raise DeviceRefused(Reason("link.password_wanted", detail, {"device": self._name}))
        self._proof = codec.digest(seed, password)

    async def ask(self, command: str) -> str:
        """Return the value of `command`."""
        return await self._exchange(command, "?")

    async def tell(self, command: str, value: str) -> None:
        """Give an order.

        Raises:
            OutcomeUnknown: the link broke before its answer.
        """
        try:
            await self._exchange(command, value)
        except DeviceUnreachable as error:
            raise OutcomeUnknown(error.reason) from error

    async def power(self) -> PowerState:
        """Return the power state.

        Raises:
            ProtocolViolation: it answers none.
        """
        try:
            return PowerState(await self.ask("POWR"))
        except ValueError as error:
            raise ProtocolViolation(self._bad(error)) from error

    async def parts(self) -> dict[str, str]:
        """Return what it says of its parts.

        Raises:
            ProtocolViolation: it answers something else.
        """
        try:
            return codec.part_states(await self.ask("ERST"))
        except codec.BadLine as error:
            raise ProtocolViolation(self._bad(error)) from error

    async def _exchange(self, command: str, value: str) -> str:
        """Send one line and return the answer's value.

        Raises:
            DeviceRefused: an error code, or the password is wrong.
            ProtocolViolation: the answer is to nothing that was asked.
        """
        proof, self._proof = self._proof, b""
        await self._stream.send(proof + codec.request(command, value), within_s=ANSWER_WITHIN_S)
        line = await self._line()
        try:
            if codec.denied(line):
                detail = f"{self._name}: wanted to log in, the password is not taken"
                raise DeviceRefused(Reason("link.password_wrong", detail, {"device": self._name}))
            reply = codec.reply(line, command)
        except codec.BadLine as error:
            raise ProtocolViolation(self._bad(error)) from error
        if reply.error is not None:
            detail = f"{self._name}: wanted {command} {value}, found {reply.value}: {reply.error}"
            raise DeviceRefused(Reason("display.refused", detail, {"device": self._name, "answer": reply.value}))
        return reply.value

    async def _line(self) -> bytes:
        return await self._stream.read_until(codec.END, within_s=ANSWER_WITHIN_S)

    def _bad(self, error: ValueError) -> Reason:
        return Reason("link.bad_answer", f"{self._name}: {error}", {"device": self._name})


def connect(name: str, address: DeviceAddress, password: str | None) -> Projector:
    """Return the unopened display."""
    address.allow()
    host, port = address.endpoint(PORT)
    return Projector(name, host, port, password)
