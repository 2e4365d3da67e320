"""Shure processors, ceiling arrays and audio interfaces by command strings on TCP port 2202.

*P300 Command Strings* (Shure, 2021): "a REPORT is also sent when a parameter is changed on the
P300, thus it is not necessary to constantly query parameters". Tried on a simulator only.
"""

from __future__ import annotations

import re

from drivers.address import DeviceAddress
from drivers.mixer.codec import shure as codec
from drivers.mixer.codec.shure import Report, ReportDecoder
from drivers.mixer.desk import channels_of
from drivers.mixer.tcp import TcpDesk

PORT = 2202
MUTE, GAIN = "AUDIO_MUTE", "AUDIO_GAIN_HI_RES"


class ShureDesk(TcpDesk):
    """Implements `drivers.ports.Mixer`."""

    gain_range_db = (codec.LOWEST_DB, codec.HIGHEST_DB)
    gain_tolerance_db = 0.06

    def _begin(self) -> None:
        self._decoder = ReportDecoder()

    async def _greet(self) -> None:
        await self.identify()

    async def identify(self) -> str:
        """Ask model and firmware."""
        return f"{await self._ask(None, 'MODEL')} {await self._ask(None, 'FW_VER')}"

    def place_of(self, channel: str) -> str:
        """Return the channel's number, two digits.

        Raises:
            ValueError: says how one is written.
        """
        if not re.fullmatch(r"0?[1-9]|[1-9]\d", channel, re.ASCII):
            raise ValueError(f"a channel is written as in 01 to 99, or by a name of ?channels=, got {channel!r}")
        return f"{int(channel):02d}"

    async def _ask_muted(self, place: str) -> bool:
        return self._muted(await self._ask(int(place), MUTE))

    async def _ask_gain(self, place: str) -> float:
        try:
            return codec.db_of(await self._ask(int(place), GAIN))
        except ValueError as error:
            raise self._bad(error) from error

    async def _tell_muted(self, place: str, on: bool) -> None:
        await self._tell(int(place), MUTE, "ON" if on else "OFF")

    async def _tell_gain(self, place: str, db: float) -> None:
        await self._tell(int(place), GAIN, codec.steps_of(db))

    async def _ask(self, channel: int | None, word: str) -> str:
        return self._value(await self._exchange(codec.get(channel, word), (channel, word)), word)

    async def _tell(self, channel: int, word: str, value: str) -> None:
        self._value(await self._exchange(codec.put(channel, word, value), (channel, word), telling=True), word)

    def _value(self, found: object, word: str) -> str:
        """Return what a report says.

        Raises:
            DeviceRefused: it is an error.
        """
        if not isinstance(found, Report) or found.is_error:
            raise self._refused(word, "REP ERR")
        return found.value

    def _muted(self, value: str) -> bool:
        if value not in {"ON", "OFF"}:
            raise self._bad(f"wanted ON or OFF, found {value!r}")
        return value == "ON"

    def _heard(self, data: bytes) -> None:
        for report in self._decoder.feed(data):
            if report.is_error:
                self._waiting.answer_oldest(report)
                continue
            self._hear(report)
            self._waiting.answer((report.channel, report.word), report)

    def _hear(self, report: Report) -> None:
        place = f"{report.channel or 0:02d}"
        if report.word == MUTE and report.value in {"ON", "OFF"}:
            self._learn(place, muted=report.value == "ON")
        elif report.word == GAIN and report.value.isdecimal():
            try:
                self._learn(place, gain_db=codec.db_of(report.value))
            except ValueError:
                return


def connect(name: str, address: DeviceAddress) -> ShureDesk:
    """Return the unopened device."""
    address.allow("channels")
    host, port = address.endpoint(PORT)
    return ShureDesk(name, host, port, channels_of(address, ShureDesk(name, host, port, {}).place_of))
