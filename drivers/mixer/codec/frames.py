"""Cuts a stream into pieces at a terminator, with bounded memory."""

from __future__ import annotations


class Splitter:
    """Never raises: a piece that grows too long is dropped up to the next terminator, and said to be so."""

    def __init__(self, terminator: bytes, most_bytes: int) -> None:
        self._terminator = terminator
        self._most = most_bytes
        self._rest = b""
        self._dropping = False
        self.dropped = 0
        """How many pieces were too long."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the pieces that `data` ends, oldest first, without their terminators."""
        *pieces, rest = (self._rest + data).split(self._terminator)
        if pieces and self._dropping:
            del pieces[0]
            self._dropping = False
        whole = [piece for piece in pieces if len(piece) <= self._most]
        self.dropped += len(pieces) - len(whole)
        if len(rest) > self._most:
            self.dropped += not self._dropping
            self._dropping, rest = True, rest[-len(self._terminator) :]
        self._rest = rest
        return whole
