"""A service manager's socket for tests: what a process says to it, datagram by datagram."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path


class Manager:
    """Listens where `NOTIFY_SOCKET` points to."""

    def __init__(self, address: str, listener: socket.socket) -> None:
        self.address = address
        self._listener = listener
        self._heard: list[dict[str, str]] = []

    @property
    def heard(self) -> list[dict[str, str]]:
        """What was said so far, one mapping a datagram."""
        with contextlib.suppress(BlockingIOError):
            while True:
                said = self._listener.recv(4096).decode()
                self._heard.append(dict(line.split("=", 1) for line in said.splitlines()))
        return self._heard

    def signs(self) -> int:
        """Return how many signs of life came."""
        return sum(said.get("WATCHDOG") == "1" for said in self.heard)

    def status(self) -> str:
        """Return the newest line for people."""
        return next((said["STATUS"] for said in reversed(self.heard) if "STATUS" in said), "")


@contextlib.contextmanager
def manager(folder: Path | None = None) -> Iterator[Manager]:
    """Listen in `folder`, or without one at an abstract address."""
    address = f"@siaga-test-{secrets.token_hex(8)}" if folder is None else str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + address[1:] if folder is None else address)
        listener.setblocking(False)
        yield Manager(address, listener)
