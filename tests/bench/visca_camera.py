"""A camera that answers at once: what a driver costs is measured against it, and nothing else.

It knows no motors and no faults; its answers are typed from Sony's command lists (BRC-X400).
It is a program of its own, so that its work is not counted with the driver's, and a plain
blocking loop, so that it takes as little of the machine as a camera can.

    python -m tests.bench.visca_camera udp 1      # prints: ready 40123
    python -m tests.bench.visca_camera pty        # prints: ready /dev/pts/7
    python -m tests.bench.visca_camera pty 9600   # with the time that bytes take on the wire
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import socket
import struct
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from pathlib import Path

READY_WITHIN_S = 10.0
V_PERIOD_S = 1 / 60
UART_CHUNK = 8
"""A UART of the 16550 kind hands over what it received in pieces of about this size."""
LAST_STOP = b"last stop"
"""Asks over UDP when the first STOP since the last drive came, in seconds of the monotonic clock."""

ANSWERS = {
    "81 09 00 02 FF": "90 50 00 01 05 1C 01 00 02 FF",
    "81 09 04 00 FF": "90 50 02 FF",
    "81 09 06 12 FF": "90 50 00 01 02 03 0F 0F 00 01 FF",
    "81 09 04 47 FF": "90 50 01 00 00 00 FF",
    "81 09 04 3F FF": "90 50 01 FF",
    "81 09 06 10 FF": "90 50 00 00 FF",
    "81 09 06 11 FF": "90 50 18 17 FF",
    "81 09 04 48 FF": "90 50 01 00 00 00 FF",
    "81 09 04 38 FF": "90 50 02 FF",
    "81 09 06 06 FF": "90 50 03 FF",
    "81 09 7E 7E 00 FF": "90 50 00 00 00 00 00 00 00 00 00 00 00 00 00 FF",
    "81 01 00 01 FF": "90 50 FF",
    "88 01 00 01 FF": "88 01 00 01 FF",
    "88 30 01 FF": "88 30 02 FF",
}
KNOWN = {bytes.fromhex(asked): (bytes.fromhex(answer),) for asked, answer in ANSWERS.items()}
DONE = bytes.fromhex("90 41 FF"), bytes.fromhex("90 51 FF")
SYNTAX = (bytes.fromhex("90 60 02 FF"),)


def replies(frame: bytes) -> tuple[bytes, ...]:
    """Return what a camera says to `frame`."""
    known = KNOWN.get(frame)
    if known is not None:
        return known
    return DONE if frame[1:2] == b"\x01" else SYNTAX


class NetworkCamera:
    """One camera with Sony's UDP header."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self._stopped_at = 0.0

    def answer(self) -> None:
        """Take one datagram and say what there is to say."""
        data, peer = self.socket.recvfrom(64)
        if data == LAST_STOP:
            self.socket.sendto(struct.pack(">d", self._stopped_at), peer)
        elif data[:2] == b"\x02\x00":
            self.socket.sendto(b"\x02\x01\x00\x01" + data[4:8] + b"\x01", peer)
        else:
            self._note(data[8:])
            for reply in replies(data[8:]):
                self.socket.sendto(b"\x01\x11\x00" + bytes((len(reply),)) + data[4:8] + reply, peer)

    def _note(self, frame: bytes) -> None:
        if frame[1:4] == b"\x01\x06\x01":
            stops = frame[6:8] == b"\x03\x03"
            self._stopped_at = (self._stopped_at or time.monotonic()) if stops else 0.0


def over_udp(count: int) -> None:
    """Serve `count` cameras until killed."""
    cameras = [NetworkCamera() for _ in range(count)]
    print("ready", *(camera.socket.getsockname()[1] for camera in cameras), flush=True)
    if count == 1:
        while True:
            cameras[0].answer()
    poll = select.epoll()
    by_fd = {camera.socket.fileno(): camera for camera in cameras}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            by_fd[fd].answer()


def over_pty(baud: int) -> None:
    """Serve one camera on a pseudo-terminal until killed; `baud` 0 takes no time on the wire."""
    camera, line = pty.openpty()
    tty.setraw(line)
    print("ready", os.ttyname(line), flush=True)
    byte_s = 10 / baud if baud else 0.0
    rest = b""
    while True:
        data = os.read(camera, 256)
        time.sleep(len(data) * byte_s)
        *frames, rest = (rest + data).split(b"\xff")
        for frame in frames:
            if byte_s:
                time.sleep(V_PERIOD_S - time.monotonic() % V_PERIOD_S)
            for reply in replies(frame + b"\xff"):
                _write(camera, reply, byte_s)


def _write(fd: int, reply: bytes, byte_s: float) -> None:
    for start in range(0, len(reply), UART_CHUNK):
        chunk = reply[start : start + UART_CHUNK]
        if byte_s:
            time.sleep(len(chunk) * byte_s)
        os.write(fd, chunk)


@contextlib.contextmanager
def running(*arguments: str, module: str = "tests.bench.visca_camera") -> Iterator[list[str]]:
    """Run a camera as a program of its own; give what it printed after `ready`.

    Raises:
        RuntimeError: it is not ready in time.
    """
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as process:
        try:
            yield _ready(process)
        finally:
            process.kill()


def _ready(process: subprocess.Popen[bytes]) -> list[str]:
    if process.stdout is None or not select.select([process.stdout], [], [], READY_WITHIN_S)[0]:
        raise RuntimeError(f"a camera for the benchmark was not ready within {READY_WITHIN_S:g} s")
    word, *rest = process.stdout.readline().decode().split() or [""]
    if word != "ready":
        raise RuntimeError("a camera for the benchmark ended before it was ready")
    return rest


if __name__ == "__main__":
    if sys.argv[1] == "udp":
        over_udp(int(sys.argv[2]))
    over_pty(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
