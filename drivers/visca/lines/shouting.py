"""A way out that needs no event loop: for a STOP from the watchdog's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress


class Shout:
    """Writes from any thread until it is closed; what cannot go out at once is lost."""

    def __init__(self, write: Callable[[bytes], object], let_go: Callable[[], None]) -> None:
        self._write = write
        self._let_go = let_go
        self._lock = threading.Lock()  # or a thread could write to a number that names another file by now
        self._open = True

    def __call__(self, message: bytes) -> None:
        """Write `message` at once; never blocks and never raises."""
        with self._lock:
            if self._open:
                with suppress(OSError):
                    self._write(message)

    def close(self) -> None:
        """Let go; may be called twice."""
        with self._lock:
            if self._open:
                self._open = False
                self._let_go()
