"""What a conversation needs of the way to its camera, whatever the carrier.

A line carries whole messages out and bytes in. It never waits and never queues more than
the frame that is on the wire: what to send next is decided at the moment the wire is free,
so that a STOP never stands behind stale drives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from drivers.outcomes import Reason


class Framing(Enum):
    """How a message travels."""

    SONY = "sony"
    """Sony's header with a sequence number, one message in one datagram."""
    RAW = "raw"
    """The bare frame; answers belong to what was asked by their order alone."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Whom a line tells what comes."""

    received: Callable[[bytes], None]
    """A datagram (Sony), or bytes of a stream cut anywhere (raw), all of this one camera."""
    failed: Callable[[Reason], None]
    """Nothing gets through at this moment, for example a refused port; the line is still open."""
    lost: Callable[[Reason], None]
    """The line is gone for good: open it anew."""
    free: Callable[[], None]
    """The wire can take a message again; told after `has_room` was found false."""


class Line(Protocol):
    """The way to one camera."""

    framing: Framing
    address: int
    """The camera's number in a chain, 1 to 7; 1 over a network."""
    byte_s: float
    """Seconds that a byte takes on the wire; 0 on a network."""

    @property
    def where(self) -> str:
        """Where the camera is, for messages: `udp 192.0.2.21:52381`."""

    async def open(self, ears: Ears) -> None:
        """Make the link and begin to hear.

        Raises:
            DeviceUnreachable: no such host, port or device, or it may not be opened.
        """

    def has_room(self, *, stop: bool) -> bool:
        """Whether a message may be sent now; `stop` asks for a turn before other cameras' messages."""

    def send(self, message: bytes) -> None:
        """Put one message on the wire; only when `has_room`."""

    def shout(self) -> Callable[[bytes], None]:
        """Return a way out that works from any thread, without the event loop, while the line is open.

        It is for STOP alone, when the loop stands still: it may cut into a message that is
        on the wire, and nobody hears the answer.
        """

    async def close(self) -> None:
        """Let go; never raises, may be called twice."""
