"""PJLink class 1 lines: bytes in, values out. No input or output.

From JBMIA's *PJLink Specifications* (class 1): TCP 4352; a line ends with CR and holds 136
bytes at most; the projector speaks first.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

END = b"\r"
MAX_LINE_BYTES = 136


class BadLine(ValueError):
    """Bytes that PJLink does not allow here."""


class PowerState(StrEnum):
    """What `POWR ?` answers."""

    STANDBY = "0"
    ON = "1"
    COOLING = "2"
    WARMING = "3"


ERRORS = {
    "ERR1": "it does not know the command",
    "ERR2": "it does not take the value",
    "ERR3": "not now: it warms up, cools down or is in standby",
    "ERR4": "it has a fault",
}

PARTS = ("fan", "lamp", "temperature", "cover", "filter", "other")
"""What the six digits of `ERST ?` stand for; 0 is well, 1 a warning, 2 an error."""

_FAMILIES = {"RGB": "1", "VIDEO": "2", "DIGITAL": "3", "STORAGE": "4", "NETWORK": "5"}


@dataclass(frozen=True, slots=True)
class Greeting:
    """The projector's first line; with a seed it wants a password."""

    seed: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to one command."""

    command: str
    value: str

    @property
    def error(self) -> str | None:
        """What is wrong, in words."""
        return ERRORS.get(self.value)


def _text(line: bytes) -> str:
    """Return a line's text.

    Raises:
        BadLine: too long, or not UTF-8, which names may use.
    """
    if len(line) > MAX_LINE_BYTES:
        raise BadLine(f"wanted at most {MAX_LINE_BYTES} bytes, got {len(line)}")
    try:
        return line.removesuffix(END).decode()
    except UnicodeDecodeError as error:
        raise BadLine(f"wanted text, got {line!r}") from error


def greeting(line: bytes) -> Greeting:
    """Return what the projector's first line says.

    Raises:
        BadLine: it is no greeting.
    """
    words = _text(line).split(" ")
    match [word.upper() for word in words]:
        case ["PJLINK", "0"]:
            return Greeting(None)
        case ["PJLINK", "1", _]:
            return Greeting(words[2])
        case _:
            raise BadLine(f"wanted PJLINK 0 or PJLINK 1 SEED, got {line!r}")


def request(command: str, value: str) -> bytes:
    """Return a command line; `?` asks."""
    return f"%1{command} {value}".encode() + END


def digest(seed: str, password: str) -> bytes:
    """Return what stands before the first command when the greeting had a seed."""
    return hashlib.md5((seed + password).encode(), usedforsecurity=False).hexdigest().encode()


def denied(line: bytes) -> bool:
    """Tell whether the projector did not take the password."""
    return _text(line).upper() == "PJLINK ERRA"


def reply(line: bytes, command: str) -> Reply:
    """Return the answer to `command`.

    Raises:
        BadLine: it is none.
    """
    head, sign, value = _text(line).partition("=")
    if not sign or head.upper() != f"%1{command}":
        raise BadLine(f"wanted %1{command}=, got {line!r}")
    return Reply(command, value)


def input_code(name: str) -> str:
    """Return the code of an input such as `DIGITAL1`.

    Raises:
        BadLine: names the families there are.
    """
    family, number = name[:-1].upper(), name[-1:]
    if family not in _FAMILIES or number not in set("123456789"):
        raise BadLine(f"input must be one of {', '.join(_FAMILIES)} with a digit 1 to 9, got {name!r}")
    return _FAMILIES[family] + number


def input_name(code: str) -> str:
    """Return the name of an input's code; an unknown one stands for itself."""
    names = {digit: family for family, digit in _FAMILIES.items()}
    return names[code[0]] + code[1] if len(code) == 2 and code[0] in names else code


def part_states(value: str) -> dict[str, str]:
    """Return the digit of each part.

    Raises:
        BadLine: not six digits of 0, 1 and 2.
    """
    if len(value) != len(PARTS) or set(value) - set("012"):
        raise BadLine(f"wanted six digits 0 to 2, got {value!r}")
    return dict(zip(PARTS, value, strict=True))
