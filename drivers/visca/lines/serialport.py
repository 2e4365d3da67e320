"""This machine's own serial ports, through pyserial.

pyserial opens the port, sets it and locks it. Where the system has descriptors, the event
loop reads it directly; elsewhere a thread does.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import serial

from drivers.errors import DeviceUnreachable
from drivers.outcomes import Reason
from drivers.visca.lines.port import Port
from drivers.visca.lines.shouting import Shout

OPEN_WITHIN_S = 3.0
READ_BYTES = 4096
THREAD_LOOKS_EVERY_S = 0.2
END_OF_FRAME = b"\xff"
"""Ends a frame of which only a part left; alone it means nothing."""


def serial_port(path: str, baud: int) -> Port:
    """Return the unopened port at `path`, read the way this system can."""
    return DescriptorPort(path, baud) if os.name == "posix" else ThreadPort(path, baud)


class DescriptorPort:
    """A serial port that the event loop reads by its descriptor."""

    def __init__(self, path: str, baud: int) -> None:
        self.where = f"serial {path}"
        self._path, self._baud = path, baud
        self._serial: serial.Serial | None = None
        self._shout: Shout | None = None
        self._cut = False
        """Whether only a part of the last message left."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost: Callable[[Reason], None] | None = None
        self._received: Callable[[bytes], None] | None = None

    async def open(self, received: Callable[[bytes], None], lost: Callable[[Reason], None]) -> Shout:
        """Open the port and begin to hear.

        Raises:
            DeviceUnreachable: there is no such port, or it may not be opened.
        """
        opened = await _open_in_time(self.where, self._path, self._baud)
        self._serial, self._received, self._lost = opened, received, lost
        self._cut = False
        out = os.dup(opened.fileno())
        self._shout = Shout(lambda message: os.write(out, END_OF_FRAME + message), lambda: os.close(out))
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(opened.fileno(), self._readable)
        return self._shout

    def write(self, message: bytes) -> None:
        """Put a message on the wire; what does not fit is lost, and a part of it ended."""
        if self._serial is None:
            return
        message = END_OF_FRAME + message if self._cut else message
        try:
            self._cut = os.write(self._serial.fileno(), message) < len(message)
        except BlockingIOError:
            pass
        except OSError as error:
            self._later(error)

    def close(self) -> None:
        """Let go; may be called twice."""
        opened, shout = self._serial, self._shout
        self._serial = self._shout = self._lost = self._received = None
        if shout is not None:
            shout.close()
        if opened is not None:
            if self._loop is not None:
                self._loop.remove_reader(opened.fileno())
            _close(opened)

    def _readable(self) -> None:
        if self._serial is None or self._received is None:
            return
        try:
            content = os.read(self._serial.fileno(), READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._gone(error)
            return
        if content:
            self._received(content)
        else:
            self._gone(None)

    def _later(self, error: OSError) -> None:
        """Tell of a failed write once its caller is done."""
        if self._loop is not None:
            self._loop.call_soon(self._gone, error)

    def _gone(self, error: OSError | None) -> None:
        lost = self._lost
        self.close()
        if lost is not None:
            lost(unplugged(self.where, error))


class ThreadPort:
    """A serial port that a thread reads, for systems whose event loop cannot."""

    def __init__(self, path: str, baud: int) -> None:
        self.where = f"serial {path}"
        self._path, self._baud = path, baud
        self._serial: serial.Serial | None = None
        self._shout: Shout | None = None

    async def open(self, received: Callable[[bytes], None], lost: Callable[[Reason], None]) -> Shout:
        """Open the port and start the thread that reads it.

        Raises:
            DeviceUnreachable: there is no such port, or it may not be opened.
        """
        opened = await _open_in_time(self.where, self._path, self._baud)
        opened.timeout = THREAD_LOOKS_EVERY_S
        self._serial = opened
        loop = asyncio.get_running_loop()

        def hear(content: bytes) -> None:
            if self._serial is opened:
                received(content)

        def lose(error: OSError) -> None:
            if self._serial is opened:
                self.close()
                lost(unplugged(self.where, error))

        def read() -> None:
            with suppress(RuntimeError):  # the event loop may be closed before the thread has seen that it should end
                _read_on(
                    lambda: self._serial is opened and opened.is_open,
                    opened,
                    lambda content: loop.call_soon_threadsafe(hear, content),
                    lambda error: loop.call_soon_threadsafe(lose, error),
                )
            _close(opened)

        threading.Thread(target=read, name=f"visca {self.where}", daemon=True).start()
        self._shout = Shout(lambda message: opened.write(END_OF_FRAME + message), lambda: None)
        return self._shout

    def write(self, message: bytes) -> None:
        """Put a message on the wire; a port that is gone is noticed by its reader."""
        if self._serial is not None:
            with suppress(OSError):
                self._serial.write(message)

    def close(self) -> None:
        """Let go; the thread sees it at once and closes the port."""
        opened, shout = self._serial, self._shout
        self._serial = self._shout = None
        if shout is not None:
            shout.close()
        if opened is not None:
            with suppress(OSError):
                opened.cancel_read()


def _read_on(
    goes_on: Callable[[], bool],
    opened: serial.Serial,
    received: Callable[[bytes], object],
    lost: Callable[[OSError], object],
) -> None:
    """Read until told to stop or the port is gone; the body of the thread."""
    while goes_on():
        try:
            if content := opened.read(1):
                received(content + opened.read(opened.in_waiting))
        except OSError as error:
            lost(error)
            return


async def _open_in_time(where: str, path: str, baud: int) -> serial.Serial:
    """Return the opened port; a driver that takes long does not hold the event loop.

    Raises:
        DeviceUnreachable: there is no such port, it may not be opened, or opening takes too long.
    """
    opening = asyncio.get_running_loop().run_in_executor(None, _open, path, baud)
    opened: serial.Serial | None = None
    try:
        async with asyncio.timeout(OPEN_WITHIN_S):
            opened = await asyncio.shield(opening)
    except TimeoutError as error:
        detail = (
            f"{where}: wanted the port open, found none within {OPEN_WITHIN_S:g} s; unplug the adapter and plug it in"
        )
        raise DeviceUnreachable(Reason("serial.stuck", detail, {"where": where})) from error
    except (OSError, ValueError) as error:
        raise DeviceUnreachable(_refusal(where, path, error)) from error
    finally:
        if opened is None:  # it may still open, and must not stay locked for nobody
            opening.add_done_callback(_close_late)
    return opened


def _open(path: str, baud: int) -> serial.Serial:
    """Return the port: 8 bits, no parity, 1 stop bit, no flow control, ours alone."""
    return serial.Serial(path, baud, timeout=0, write_timeout=0, exclusive=True if os.name == "posix" else None)


def _close_late(opening: asyncio.Future[serial.Serial]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        _close(opening.result())


def _close(opened: serial.Serial) -> None:
    with suppress(OSError):  # an unplugged port has nothing left to close
        opened.close()


def unplugged(where: str, error: OSError | None) -> Reason:
    """Return the one clear line for a port that went away while it was open."""
    found = "the end of the line" if error is None else error.strerror or str(error)
    detail = f"{where}: wanted the port to stay, found {found}; is the adapter plugged in?"
    return Reason("serial.unplugged", detail, {"where": where})


def _refusal(where: str, path: str, error: Exception) -> Reason:
    """Return the one clear line for a port that cannot be opened, with what to try."""
    number = error.errno if isinstance(error, OSError) else None
    if number in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        code, what = "serial.missing", "no such device; plug in the adapter, or look for its name in /dev/serial/by-id"
    elif number in {errno.EACCES, errno.EPERM}:
        group = _group_of(path)
        code, what = "serial.forbidden", f"that this user may not; add it to the group {group} and log in again"
    elif number in {errno.EAGAIN, errno.EBUSY}:
        code, what = "serial.taken", f"that another program has it; `fuser {path}` names it, close that"
    else:
        code, what = "serial.no_port", f"no serial port ({error}); name one, as in /dev/serial/by-id"
    return Reason(code, f"{where}: wanted the port open, found {what}", {"where": where})


def _group_of(path: str) -> str:
    """Return the group that may open `path`; on most systems that is dialout."""
    group = "dialout"
    with suppress(OSError, KeyError, NotImplementedError):
        group = Path(path).group()
    return "dialout" if group == "root" else group
