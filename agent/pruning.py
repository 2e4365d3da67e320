"""Lets go of old journal entries that central holds, a stretch from the front, and says so in the journal itself.

What a held session may still need for its report stays, and so does what central has not
acknowledged, however old. The entry that says what went names the hash at the cut, so the
rest is still proven to be the rest. When even that makes too little room, entries that are
not vital are no longer written (`Journal.is_tight`): facts and reports come first.
"""

from __future__ import annotations

from datetime import timedelta

from agent.clock import Clock
from agent.journal import Journal
from agent.store import Store

KEEP = timedelta(days=30)
AT_MOST_BYTES = 200_000_000
PORTION = 5_000
"""So many entries at once; the loop is not held up for longer than that takes."""
EVERY = timedelta(hours=1)


class Pruner:
    """Keeps the journal from growing without end."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        clock: Clock,
        *,
        keep: timedelta = KEEP,
        at_most_bytes: int = AT_MOST_BYTES,
    ) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._keep = keep
        self._at_most_bytes = at_most_bytes
        self._due_ms = 0

    def look(self) -> None:
        """Let go of one portion, if it is time to and there is one."""
        if self._clock.mono_ms() < self._due_ms or self._store.trouble is not None:
            return
        portion = self._wanted()
        pruned = self._journal.prune(portion) if portion else 0
        self._journal.is_tight = not pruned and self._is_too_large
        if not pruned:
            self._due_ms = self._clock.mono_ms() + round(EVERY / timedelta(milliseconds=1))

    @property
    def _is_too_large(self) -> bool:
        return self._store.content_bytes() > self._at_most_bytes

    def _wanted(self) -> int:
        """Return up to which number entries should go: the old ones, and the oldest while all are too many."""
        first = self._store.first_seq()
        upto = self._store.last_before(self._clock.now() - self._keep)
        if self._is_too_large:
            upto = self._journal.acked
        return min(upto, first + PORTION - 1) if upto >= first > 0 else 0
