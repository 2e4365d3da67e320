"""A processor that speaks Shure's command strings, as the P300's document gives them.

A GET and a SET are answered by a REP; every connection hears of each change; `< REP ERR >` is
said to what is not understood. Gains run from 0000 (-110 dB) to 1400 (+30 dB) in tenths of a dB.
"""

from __future__ import annotations

from drivers.mixer.sim.faults import Faults
from drivers.mixer.sim.tcp import TcpSimulator, Visit

DEVICE = {"MODEL": "{P300                            }", "FW_VER": "{4.5.10            }", "DEVICE_ID": "{Ruang}"}


class SimulatedShure(TcpSimulator):
    """Eight channels with mute and gain."""

    scheme = "shure"

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults)
        names = [f"{number:02d}" for number in range(1, 9)]
        self.values = {(name, "AUDIO_MUTE"): "OFF" for name in names}
        self.values |= {(name, "AUDIO_GAIN_HI_RES"): "1100" for name in names}

    def greet(self, visit: Visit) -> None:
        """A Shure device says nothing first."""
        visit.state["rest"] = ""

    def take(self, visit: Visit, data: bytes) -> None:
        """Answer every string that has ended."""
        *strings, visit.state["rest"] = (visit.state["rest"] + data.decode("ascii", "replace")).split(">")
        for string in strings:
            self._answer(visit, string.replace("<", " ").split())

    def turn(self, channel: str, word: str, value: str) -> None:
        """Somebody sets it at the device or in its software."""
        self.values[channel, word] = value
        self._report(channel, word)

    def _answer(self, visit: Visit, words: list[str]) -> None:
        match words:
            case ["GET", word] if word in DEVICE:
                visit.say(f"< REP {word} {DEVICE[word]} >".encode())
            case ["GET", channel, word] if (channel, word) in self.values:
                visit.say(f"< REP {channel} {word} {self.values[channel, word]} >".encode())
            case ["SET", channel, "AUDIO_MUTE", "ON" | "OFF" as value] if (channel, "AUDIO_MUTE") in self.values:
                if self.faults.wrong_mute:
                    visit.say(f"< REP {channel} AUDIO_MUTE {value} >".encode())
                    return
                self.turn(channel, "AUDIO_MUTE", value)
            case ["SET", channel, word, value] if (
                (channel, word) in self.values and value.isdigit() and int(value) <= 1400
            ):
                self.turn(channel, word, f"{int(value):04d}")
            case _:
                visit.say(b"< REP ERR >")

    def _report(self, channel: str, word: str) -> None:
        for visit in self.visits:
            visit.say(f"< REP {channel} {word} {self.values[channel, word]} >".encode())
