"""Q-SYS Cores by QRC on TCP port 1710: a channel is a gain component of the design, by its name.

*Q-SYS Help*, "QRC Commands". The component must have script access; its controls are `mute` and
`gain`. Changes are told by a change group that the Core polls for us. A Core in standby holds
the design and no sound goes through it. Tried on a simulator only.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from itertools import count

from drivers.address import DeviceAddress
from drivers.errors import AddressError, DriverError, ProtocolViolation
from drivers.mixer.codec import qsys as codec
from drivers.mixer.codec.qsys import Control, Fields, MessageDecoder
from drivers.mixer.desk import channels_of
from drivers.mixer.tcp import TcpDesk
from drivers.outcomes import Measure, Reason, Verdict

PORT = 1710
MUTE, GAIN = "mute", "gain"
GROUP = "siaga"
POLL_EVERY_S = 0.2
KEEP_ALIVE_S = 20.0
"""The Core closes a connection that was silent for sixty seconds."""
ACTIVE = "Active"

_COMPONENT = re.compile(r"[^\x00-\x1f,:]{1,100}")


class QsysDesk(TcpDesk):
    """Implements `drivers.ports.Mixer`."""

    gain_range_db = (codec.LOWEST_DB, codec.HIGHEST_DB)
    gain_tolerance_db = 0.06

    def __init__(
        self, name: str, host: str, port: int, channels: Mapping[str, str], login: Fields | None = None
    ) -> None:
        super().__init__(name, host, port, channels)
        self._login = login
        self._numbers = count(1)
        self._engine: Fields = {}
        self._awake: asyncio.Task[None] | None = None

    def _begin(self) -> None:
        self._decoder = MessageDecoder()
        self._engine = {}

    async def close(self) -> None:
        """Let go of the link; never raises."""
        awake, self._awake = self._awake, None
        if awake is not None:
            awake.cancel()
            await asyncio.wait((awake,))
        await super().close()

    async def _greet(self) -> None:
        if self._login is not None:
            await self._call("Logon", self._login)
        await self.identify()

    async def _subscribe(self) -> None:
        watched = [{"Name": MUTE}, {"Name": GAIN}]
        for place in self.channels.values():
            component = {"Name": place, "Controls": watched}
            await self._call("ChangeGroup.AddComponentControl", {"Id": GROUP, "Component": component})
        if self.channels:
            await self._call("ChangeGroup.AutoPoll", {"Id": GROUP, "Rate": POLL_EVERY_S})
        self._awake = asyncio.create_task(self._stay_awake(), name=f"keep {self.name} awake")

    async def _stay_awake(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_S)
            try:
                await self._call("NoOp", {})
            except DriverError:  # whoever asks next is told
                return

    async def identify(self) -> str:
        """Ask model and design."""
        self._engine = self._fields(await self._call("StatusGet", {}))
        return f"{self._engine.get('Platform', 'Q-SYS')} {self._engine.get('DesignName', '')}".strip()

    def place_of(self, channel: str) -> str:
        """Return the component's name.

        Raises:
            ValueError: says how one is written.
        """
        if not _COMPONENT.fullmatch(channel):
            raise ValueError(f"a channel is written as the name of a gain component of the design, got {channel!r}")
        return channel

    async def _more_measures(self) -> tuple[Measure, ...]:
        """Return whether the design runs, and what the Core says of its health."""
        state = str(self._engine.get("State", "Active"))
        running = Measure("mixer.state", state, Verdict.PASS, limit=ACTIVE)
        if state != ACTIVE:
            detail = f"{self.name}: wanted a Core that runs its design, found {state}"
            reason = Reason("mixer.not_running", detail, {"state": state})
            running = Measure("mixer.state", state, Verdict.FAIL, limit=ACTIVE, reason=reason)
        status = self._engine.get("Status")
        code, said = (status.get("Code"), str(status.get("String"))) if isinstance(status, Mapping) else (0, "")
        if code in {0, None}:
            return (running,)
        fault = Reason("mixer.fault", f"{self.name}: the Core says {said:.80}", {"answer": said[:80]})
        return running, Measure("mixer.health", said[:80], Verdict.WARN, limit="OK", reason=fault)

    async def _ask_muted(self, place: str) -> bool:
        found = codec.muted_of(await self._value(place, MUTE))
        if found is None:
            raise self._bad(f"wanted {place}'s mute on or off, found neither")
        return found

    async def _ask_gain(self, place: str) -> float:
        found = codec.db_of(await self._value(place, GAIN))
        if found is None:
            raise self._bad(f"wanted {place}'s gain in dB, found no number")
        return found

    async def _value(self, place: str, name: str) -> object:
        """Ask for one control.

        Raises:
            ProtocolViolation: the answer holds another.
        """
        told = await self._call("Component.Get", {"Name": place, "Controls": [{"Name": name}]})
        for control in codec.controls_of(told):
            if (control.component, control.name) == (place, name):
                return control.value
        raise self._bad(f"wanted {place}'s {name}, the answer holds none")

    async def _tell_muted(self, place: str, on: bool) -> None:
        await self._set(place, MUTE, on)

    async def _tell_gain(self, place: str, db: float) -> None:
        await self._set(place, GAIN, db)

    async def _set(self, place: str, name: str, value: object) -> None:
        controls = [{"Name": name, "Value": value}]
        await self._call("Component.Set", {"Name": place, "Controls": controls}, telling=True)

    async def _call(self, method: str, params: Fields, *, telling: bool = False) -> object:
        """Call a method and return its result.

        Raises:
            DeviceRefused: the Core answers with an error.
        """
        number = next(self._numbers)
        answer = await self._exchange(codec.call(method, params, number), number, telling=telling)
        fields = self._fields(answer)
        if (error := fields.get("error")) is not None:
            raise self._refused(method, str(error.get("message", error) if isinstance(error, Mapping) else error))
        return fields.get("result")

    def _fields(self, found: object) -> Fields:
        """Return an object as such.

        Raises:
            ProtocolViolation: it is none.
        """
        if not isinstance(found, Mapping):
            raise ProtocolViolation(self._bad(f"wanted an object, found {found!r}").reason)
        return found

    def _heard(self, data: bytes) -> None:
        for message in self._decoder.feed(data):
            self._waiting.answer(message.get("id"), message)
            if message.get("method") == "EngineStatus" and isinstance(status := message.get("params"), Mapping):
                self._engine = {**self._engine, **status}
            for told in (message.get("params"), message.get("result")):
                for control in codec.controls_of(told):
                    self._hear(control)

    def _hear(self, control: Control) -> None:
        if control.name == MUTE:
            self._learn(control.component, muted=codec.muted_of(control.value))
        elif control.name == GAIN:
            self._learn(control.component, gain_db=codec.db_of(control.value))


def connect(name: str, address: DeviceAddress, password: str | None) -> QsysDesk:
    """Return the unopened Core.

    Raises:
        AddressError: a password without `?user=`, or the other way round.
    """
    address.allow("channels", "user")
    host, port = address.endpoint(PORT)
    user = address.options.get("user")
    if (user is None) is not (password is None):
        raise AddressError(f"{address}: a Core with users wants ?user= and a password, one without wants neither")
    login = None if user is None else {"User": user, "Password": password or ""}
    return QsysDesk(name, host, port, channels_of(address, QsysDesk(name, host, port, {}).place_of), login)
