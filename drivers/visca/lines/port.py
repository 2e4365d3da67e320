"""What a chain of cameras needs of the port it hangs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from drivers.outcomes import Reason
from drivers.visca.lines.shouting import Shout


class Port(Protocol):
    """A serial port: this machine's own, or one at the far end of a network."""

    where: str
    """Which port, for messages: `serial /dev/ttyUSB0`."""

    async def open(self, received: Callable[[bytes], None], lost: Callable[[Reason], None]) -> Shout:
        """Open the port, begin to hear and return the way out for other threads.

        `lost` is told once when the port is gone, never after `close`.

        Raises:
            DeviceUnreachable: there is no such port, or it may not be opened.
        """

    def write(self, message: bytes) -> None:
        """Put a message on the wire; never blocks, and what does not fit is lost."""

    def close(self) -> None:
        """Let go; may be called twice."""
