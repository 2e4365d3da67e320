"""The end of a serial line as a pseudo-terminal, with its settings: a wrong baud rate is not understood."""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections.abc import Callable
from pathlib import Path

_CHUNK = 4096
AHEAD_AT_MOST_S = 0.25
"""So far ahead of the wire are bytes taken; more stay in the terminal, as in a real port's buffer."""
_SPEEDS = {speed: getattr(termios, f"B{speed}") for speed in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)}
_ISPEED, _OSPEED = 4, 5


def speed_code(baud: int) -> int:
    """Return the system's code of a baud rate.

    Raises:
        ValueError: serial ports have no such rate.
    """
    if baud not in _SPEEDS:
        raise ValueError(f"unknown baud rate {baud}; known: {', '.join(map(str, _SPEEDS))}")
    return int(_SPEEDS[baud])


class Terminal:
    """A pseudo-terminal whose other side a driver opens like a serial port."""

    def __init__(self, baud: int, link: Path | None) -> None:
        """Open it; `link` is a stable name for it, as udev gives one.

        Raises:
            ValueError: no such baud rate.
        """
        self._baud = baud
        self._speed = speed_code(baud) if baud else None
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._taken: Callable[[bytes], None] = _ignore
        self._ahead: Callable[[], float] = float
        self._pause: asyncio.TimerHandle | None = None
        self._ours = self._theirs = -1
        self.path = ""
        self.put_back()

    def attach(self, taken: Callable[[bytes], None], ahead_s: Callable[[], float]) -> None:
        """Say who takes bytes, and how far ahead of the wire that is."""
        self._taken, self._ahead = taken, ahead_s

    @property
    def where(self) -> str:
        """The line as a device address, without the camera's number."""
        return f"visca+serial://{self._link or self.path}?baud={self._baud or 9600}"

    def put_back(self) -> None:
        """Plug the adapter in: a new terminal, under the same stable name."""
        if self._ours >= 0:
            return
        self._ours, self._theirs = os.openpty()
        self.path = os.ttyname(self._theirs)
        tty.setraw(self._theirs)
        if self._speed is not None:
            settings = termios.tcgetattr(self._theirs)
            settings[_ISPEED] = settings[_OSPEED] = self._speed
            termios.tcsetattr(self._theirs, termios.TCSANOW, settings)
        os.set_blocking(self._ours, False)
        if self._link is not None:
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self.path)
        self._loop.add_reader(self._ours, self._read)

    def pull(self) -> None:
        """Pull the adapter out: whoever has the port open loses it."""
        if self._ours < 0:
            return
        self._loop.remove_reader(self._ours)
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        os.close(self._ours)
        os.close(self._theirs)
        self._ours = self._theirs = -1
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def emit(self, data: bytes) -> None:
        """Let bytes arrive at the driver; what nobody reads is lost in the end, as on a wire."""
        if self._ours >= 0 and self._understood():
            try:
                os.write(self._ours, data)
            except BlockingIOError:
                return

    def _understood(self) -> bool:
        return self._speed is None or termios.tcgetattr(self._ours)[_OSPEED] == self._speed

    def _read(self) -> None:
        try:
            data = os.read(self._ours, _CHUNK)
        except BlockingIOError:
            return
        if self._understood():
            self._taken(data)
        ahead = self._ahead()
        if ahead > AHEAD_AT_MOST_S:
            self._loop.remove_reader(self._ours)
            self._pause = self._loop.call_later(ahead - AHEAD_AT_MOST_S, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._ours, self._read)


def _ignore(_data: bytes) -> None:
    """Take bytes before anybody is there."""
