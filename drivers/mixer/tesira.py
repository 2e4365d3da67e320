"""Biamp Tesira by its text protocol on Telnet's port 23: a channel is a level block's, as `TAG/1`.

*Tesira Text Protocol* (Biamp, Cornerstone). Answers come in the order of the questions and do not
say what they answer, so that one which stays away costs the link. Changes are told by
subscriptions. Tried on a simulator only.
"""

from __future__ import annotations

import re

from drivers.address import DeviceAddress
from drivers.errors import DeviceUnreachable
from drivers.mixer.codec import tesira as codec
from drivers.mixer.codec.tesira import Kind, Line, LineDecoder, Telnet
from drivers.mixer.desk import channels_of
from drivers.mixer.tcp import TcpDesk
from drivers.outcomes import Measure, Reason, Verdict

PORT = 23
MUTE, LEVEL = "mute", "level"
DEVICE = "DEVICE"
TOLD_AT_MOST_EVERY_MS = 100

_PLACE = re.compile(r'([^\x00-\x1f",:/]{1,100})(?:/([1-9]\d?))?')


class TesiraDesk(TcpDesk):
    """Implements `drivers.ports.Mixer`."""

    gain_range_db = (codec.LOWEST_DB, codec.HIGHEST_DB)
    gain_tolerance_db = 0.06

    def _begin(self) -> None:
        self._telnet = Telnet()
        self._decoder = LineDecoder()
        self._tokens: dict[str, tuple[str, str]] = {}

    async def _greet(self) -> None:
        await self._exchange(b"", Kind.WELCOME)
        await self._call("SESSION", "set", "verbose", "true")
        await self.identify()

    async def _subscribe(self) -> None:
        for place in self.channels.values():
            for what in (MUTE, LEVEL):
                token = f"siaga-{len(self._tokens)}"
                self._tokens[token] = place, what
                await self._call(*_block(place, "subscribe", what), token, str(TOLD_AT_MOST_EVERY_MS))

    async def identify(self) -> str:
        """Ask for the firmware and the host's name."""
        firmware = (await self._call(DEVICE, "get", "version")).value
        return f"Tesira {firmware} {(await self._call(DEVICE, 'get', 'hostname')).value}"

    def place_of(self, channel: str) -> str:
        """Return the block's tag and the channel in it.

        Raises:
            ValueError: says how one is written.
        """
        if (found := _PLACE.fullmatch(channel)) is None:
            raise ValueError(f"a channel is written as the tag of a level block and a number, TAG/1, got {channel!r}")
        return f"{found[1]}/{found[2] or 1}"

    async def _more_measures(self) -> tuple[Measure, ...]:
        """Return the faults that the device itself has found."""
        faults = codec.faults_of((await self._call(DEVICE, "get", "activeFaultList")).text)
        if not faults:
            return (Measure("mixer.health", "", Verdict.PASS),)
        said = ", ".join(faults)[:80]
        reason = Reason("mixer.fault", f"{self.name}: the device says {said}", {"answer": said})
        return (Measure("mixer.health", said, Verdict.WARN, reason=reason),)

    async def _ask_muted(self, place: str) -> bool:
        found = codec.muted_of((await self._call(*_block(place, "get", MUTE))).value)
        if found is None:
            raise self._bad(f"wanted {place}'s mute on or off, found neither")
        return found

    async def _ask_gain(self, place: str) -> float:
        found = codec.db_of((await self._call(*_block(place, "get", LEVEL))).value)
        if found is None:
            raise self._bad(f"wanted {place}'s level in dB, found no number")
        return found

    async def _tell_muted(self, place: str, on: bool) -> None:
        await self._call(*_block(place, "set", MUTE), "true" if on else "false", telling=True)

    async def _tell_gain(self, place: str, db: float) -> None:
        await self._call(*_block(place, "set", LEVEL), f"{db:.6f}", telling=True)

    async def _call(self, tag: str, *words: str, telling: bool = False) -> Line:
        """Send a line and return its answer.

        Raises:
            DeviceRefused: the device answers with an error.
        """
        line = await self._exchange(codec.command(tag, *words), Kind.DONE, telling=telling)
        if not isinstance(line, Line) or line.kind is not Kind.DONE:
            raise self._refused(f"{tag} {' '.join(words)}", line.text if isinstance(line, Line) else str(line))
        return line

    def _unanswered(self) -> None:
        self._wire.cut()

    def _heard(self, data: bytes) -> None:
        text, answer = self._telnet.feed(data)
        if answer:
            try:
                self._wire.send(answer)
            except DeviceUnreachable:  # whoever waits is told by the link itself
                return
        for line in self._decoder.feed(text):
            if line.kind is Kind.TOLD:
                self._hear(line)
            elif line.kind is Kind.WELCOME:
                self._waiting.answer(Kind.WELCOME, line)
            else:
                self._waiting.answer_oldest(line)

    def _hear(self, line: Line) -> None:
        place, what = self._tokens.get(line.token, ("", ""))
        if what == MUTE:
            self._learn(place, muted=codec.muted_of(line.value))
        elif what == LEVEL:
            self._learn(place, gain_db=codec.db_of(line.value))


def _block(place: str, verb: str, what: str) -> tuple[str, str, str, str]:
    tag, _, number = place.rpartition("/")
    return tag, verb, what, number


def connect(name: str, address: DeviceAddress) -> TesiraDesk:
    """Return the unopened device."""
    address.allow("channels")
    host, port = address.endpoint(PORT)
    return TesiraDesk(name, host, port, channels_of(address, TesiraDesk(name, host, port, {}).place_of))
