"""How long a message may take on its way, and where a camera leaves the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from drivers.visca.codec import Kind
from drivers.visca.orders import Order, Request


class Wire(Protocol):
    """What is to be known of a line; `drivers.visca.line.Line` is one."""

    byte_s: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Time limits of one line. The defaults are those of a network."""

    byte_s: float = 0.0
    """Seconds that a byte takes on the wire; 0 on a network."""
    v_period_s: float = 0.02
    """A camera looks at one command per picture; 20 ms where mains has 50 Hz."""
    resend_s: float = 0.04
    """The shortest wait before a message is sent again; STOP waits no longer, however slow the network."""
    resend_grows: float = 1.5
    resend_at_most_s: float = 0.3
    tries: int = 12
    give_up_s: float = 2.0
    """A camera that says nothing to so many copies, or for so long, is not there."""
    once_s: float = 0.5
    """How long a message that must not be sent twice is waited for."""
    stray_s: float = 0.25
    """What is older than this is taken for lost, on either way."""
    in_order: bool = False
    """Messages cannot overtake each other on the line, as on a wire or a stream."""

    @classmethod
    def over(cls, line: Wire, *, stream: bool = False) -> Timing:
        """Return the limits of `line`; `stream` if it is TCP, which loses nothing on the way."""
        return cls(byte_s=line.byte_s, in_order=stream or line.byte_s > 0)

    def patience_s(self, request: Request, round_trip_s: float) -> float:
        """Return how long to wait for the first answer before the message goes out again."""
        if self.byte_s:
            first_s = self.wire_s(request.order) + 2 * self.v_period_s + 0.02
        elif request.is_stop:
            return self.resend_s
        else:
            first_s = max(self.resend_s, 2 * round_trip_s + self.v_period_s)
        if request.tries <= 1 or request.is_stop:
            return first_s
        return max(first_s, min(first_s * self.resend_grows ** (request.tries - 1), self.resend_at_most_s))

    def wire_s(self, order: Order) -> float:
        """Return how long a message and its first answer are on the wire."""
        answer = max(order.answer_bytes, default=13) if order.kind is Kind.INQUIRY else 0
        return (len(order.payload) + answer + 3) * self.byte_s


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where a camera leaves the protocol; nothing here means by the book."""

    seq_lies: bool = False
    """It answers under sequence numbers of its own: match by order."""
    no_ack: bool = False
    """It never acknowledges; `90 50 FF` says that a command ended."""
    blind: bool = False
    """Nothing comes back at all, so nothing is ever known to have run."""
