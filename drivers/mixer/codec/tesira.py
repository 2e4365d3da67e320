"""Biamp's Tesira Text Protocol: lines over Telnet, answered by `+OK`, `-ERR …`, or told unasked with `!`.

*Tesira Text Protocol* (Biamp, Cornerstone): instance tags, attributes, "Responses" (verbose mode is
the standard), "Subscriptions". Telnet is RFC 854: what the server offers is refused, or it says nothing more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from drivers.mixer.codec.frames import Splitter

END = b"\n"
MAX_BODY_BYTES = 16_384
LOWEST_DB, HIGHEST_DB = -100.0, 12.0
"""What a level block can be at most; a design may allow less."""
WELCOME = "Welcome to the Tesira"

_IAC, _DONT, _DO, _WONT, _WILL, _SB, _SE = 255, 254, 253, 252, 251, 250, 240
_REFUSAL = {_DO: _WONT, _WILL: _DONT}

_VALUE = re.compile(r'"value":\s*(?:"([^"]*)"|(\[.*|[^\s}]+))')
_TOKEN = re.compile(r'"publishToken":\s*"([^"]*)"')
_FAULTS = re.compile(r'"faults":\s*\[([^\]]*)\]')
_NAME = re.compile(r'"name":\s*"([^"]*)"')


class Kind(Enum):
    """What a line is."""

    DONE = "+"
    REFUSED = "-"
    TOLD = "!"
    WELCOME = "W"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that means something; `value` is empty where it has none."""

    kind: Kind
    text: str
    value: str = ""
    token: str = ""


class Telnet:
    """Takes Telnet's own bytes out of a stream, at any split."""

    def __init__(self) -> None:
        self._command = b""
        self._inside = False
        """Within a subnegotiation, of which nothing is for us."""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what is left of `data`, and what is to be answered: everything is refused."""
        text, answer = bytearray(), bytearray()
        for byte in data:
            if not self._command and byte != _IAC:
                if not self._inside:
                    text.append(byte)
                continue
            self._command += bytes((byte,))
            if len(self._command) == 2 and byte in {_DO, _DONT, _WILL, _WONT}:
                continue
            if len(self._command) > 1:
                self._carry_out(text, answer)
                self._command = b""
        return bytes(text), bytes(answer)

    def _carry_out(self, text: bytearray, answer: bytearray) -> None:
        verb = self._command[1]
        if verb in _REFUSAL:
            answer += bytes((_IAC, _REFUSAL[verb], self._command[2]))
        elif verb == _SB:
            self._inside = True
        elif verb == _SE:
            self._inside = False
        elif verb == _IAC and not self._inside:
            text.append(_IAC)


class LineDecoder:
    """Collects bytes and gives back the lines that mean something; echoes are passed over."""

    def __init__(self) -> None:
        self._splitter = Splitter(END, MAX_BODY_BYTES)

    def feed(self, data: bytes) -> list[Line]:
        """Return the lines that `data` ends."""
        lines = (line_of(piece.decode("utf-8", "replace").strip()) for piece in self._splitter.feed(data))
        return [line for line in lines if line is not None]


def line_of(text: str) -> Line | None:
    """Return what a line means; none for an echo or an empty one."""
    if text.startswith(WELCOME):
        return Line(Kind.WELCOME, text)
    if not text.startswith(("+OK", "-", "! ")):
        return None
    value, token = _VALUE.search(text), _TOKEN.search(text)
    told = "" if value is None else value[1] if value[1] is not None else value[2]
    return Line(Kind(text[0]), text, told, "" if token is None else token[1])


def command(tag: str, *words: object) -> bytes:
    """Return a line for the block `tag`."""
    return f"{_quoted(tag)} {' '.join(map(str, words))}\n".encode()


def muted_of(value: str) -> bool | None:
    """Return what a mute says."""
    return {"true": True, "false": False}.get(value)


def db_of(value: str) -> float | None:
    """Return what a level says, in dB."""
    try:
        return float(value)
    except ValueError:
        return None


def faults_of(text: str) -> tuple[str, ...]:
    """Return the names of the faults in an `activeFaultList`."""
    return tuple(name for faults in _FAULTS.findall(text) for name in _NAME.findall(faults))


def _quoted(tag: str) -> str:
    return f'"{tag}"' if " " in tag else tag
