"""The WebSocket under a link to OBS, as our reader wants it: close frames with their code, no slow check of texts."""

from __future__ import annotations

import contextlib
import os
import select
import socket as socket_module
import struct
from collections.abc import Callable
from typing import Any

import websocket

_TEXT, _CLOSE = 0x1, 0x8
_LAST, _MASKED = 0x80, 0x80
_AHEAD_BYTES = 16384
"""As many as websocket-client ever asks for at once."""
NO_CODE = 1006
"""What RFC 6455 calls a connection that ended without a close frame."""


class Closed(Exception):
    """OBS ended the connection, in order or not."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code} {why}")
        self.code = code
        self.why = why


class _Ahead:
    """Reads as much as there is; websocket-client asks the system for every part of a frame."""

    def __init__(self, recv: Callable[[int], bytes]) -> None:
        self._recv = recv
        self._rest = b""

    def __call__(self, size: int) -> bytes:
        """Return at most `size` bytes, at least one."""
        if not self._rest:
            if size >= _AHEAD_BYTES:
                return self._recv(size)
            self._rest = self._recv(_AHEAD_BYTES)
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


class WireSocket:
    """The WebSocket as `ObsClient.authenticate` uses it, and as our reader does.

    Unlike websocket-client's own `recv`, it does not turn a close frame into an empty text.
    """

    def __init__(self, ws: Any) -> None:
        self._ws = ws
        # json.loads decodes anyway; the library's own check is pure Python and slow
        ws.frame_buffer.skip_utf8_validation = True
        ws.cont_frame.skip_utf8_validation = True
        ws.frame_buffer.recv = _Ahead(ws.frame_buffer.recv)
        self._room = select.poll()
        if ws.sock is not None:
            self._room.register(ws.sock, select.POLLOUT)

    def send(self, text: str) -> None:
        """Send one text."""
        frame = _frame(text.encode())
        with self._ws.lock:
            self._ws.sock.sendall(frame)

    def recv(self) -> str | None:
        """Return the next text, or none for a control frame.

        Raises:
            Closed: OBS closed the connection.
        """
        opcode, frame = self._ws.recv_data_frame(True)
        if opcode == _CLOSE:
            raise Closed(*_close_reason(frame.data))
        return frame.data.decode() if opcode == _TEXT else None

    def wait_at_most(self, seconds: float) -> None:
        """Limit every later wait of `recv`."""
        self._ws.settimeout(seconds)

    def ping(self) -> None:
        """Send a ping."""
        self._ws.ping()

    def takes_more(self) -> bool:
        """Whether the next small write goes through without waiting."""
        if self._ws.sock is None:  # closed by the reader meanwhile: the write itself will say so
            return True
        return bool(self._room.poll(0))

    def say_goodbye(self) -> None:
        """Send a close frame and wake the reader."""
        with contextlib.suppress(websocket.WebSocketException, OSError, AttributeError):
            if self.takes_more():
                self._ws.send_close()
        with contextlib.suppress(OSError, AttributeError):
            self._ws.sock.shutdown(socket_module.SHUT_RDWR)

    def shutdown(self) -> None:
        """Close the descriptor."""
        self._ws.shutdown()


def _frame(payload: bytes) -> bytes:
    """Return a text frame (RFC 6455, 5.2); websocket-client's own masking took most of the time of a question."""
    size, key = len(payload), os.urandom(4)
    if size < 126:
        head = struct.pack("!BB", _LAST | _TEXT, _MASKED | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", _LAST | _TEXT, _MASKED | 126, size)
    else:
        head = struct.pack("!BBQ", _LAST | _TEXT, _MASKED | 127, size)
    keys = (key * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "little") ^ int.from_bytes(keys, "little")
    return head + key + masked.to_bytes(size, "little")


def _close_reason(payload: bytes) -> tuple[int, str]:
    """Return code and text of a close frame; its body may be empty."""
    if len(payload) < 2:
        return NO_CODE, ""
    return struct.unpack("!H", payload[:2])[0], payload[2:].decode(errors="replace")
