"""What a connection may cost before it is a request: time for its head, time for its body, sockets of one address.

Uvicorn waits for the rest of a half-sent head for ever. Whoever opens some hundred of
those would otherwise hold the door shut for everybody at no cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN_S: Final = 10.0
BODY_WITHIN_S: Final = 120.0
"""A letter of 10 MB over a line of 1 Mbit/s takes 80 s."""
SOCKETS_OF_ONE: Final = 64
"""Of one address that is no proxy of ours; a browser opens six, a live page one more."""


class GuardedProtocol(H11Protocol):
    """Uvicorn's own, with limits; `guarded` makes a class with other ones."""

    head_within_s = HEAD_WITHIN_S
    body_within_s = BODY_WITHIN_S
    sockets_of_one = SOCKETS_OF_ONE
    unlimited: Collection[str] = frozenset()

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._late: asyncio.TimerHandle | None = None
        self._awaited: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as Uvicorn has it
        """Take the connection, unless its address has too many."""
        super().connection_made(transport)
        if self._too_many(transport):
            transport.abort()
            return
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Go on reading, and look at what is awaited now."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self._watch_no_more()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Give the head, and then the body, its time; what is answered may take as long as it takes."""
        awaited = self.conn.their_state
        if awaited is self._awaited and self._late is not None:
            return
        self._watch_no_more()
        within_s = {h11.IDLE: self.head_within_s, h11.SEND_BODY: self.body_within_s}.get(awaited)
        if within_s is not None and not self.transport.is_closing():
            self._awaited = awaited
            self._late = self.loop.call_later(within_s, self._too_slow)

    def _watch_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_slow(self) -> None:
        self._late = None
        self.transport.abort()

    def _too_many(self, transport: asyncio.Transport) -> bool:
        own = _host(transport)
        if own is None or own in self.unlimited:
            return False
        held = (getattr(one, "transport", None) for one in self.connections)
        return sum(_host(other) == own for other in held if other is not None) > self.sockets_of_one


def guarded(*, unlimited: Collection[str], **limits: float) -> type[GuardedProtocol]:
    """Return the protocol with these limits; addresses in `unlimited` may open as many sockets as they like."""
    return type("GuardedProtocol", (GuardedProtocol,), {"unlimited": frozenset(unlimited), **limits})


def _host(transport: asyncio.Transport) -> str | None:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else None
