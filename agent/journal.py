"""The journal: every fact of the room, written down before anybody is told.

Append-only and numbered without a gap within a `stream`. Central's acknowledgement moves
`acked`; entries stay afterwards, because the report is made from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pydantic import JsonValue

from agent.clock import Clock
from agent.store import Store
from contract.ids import new_id
from contract.messages import Entry
from contract.words import EntryKind

Listener = Callable[[Entry], None]

_ACKED = "acked"


class Journal:
    """The journal of one database file, written by one boot of the agent."""

    def __init__(self, store: Store, clock: Clock, boot: str) -> None:
        self._store = store
        self._clock = clock
        self._boot = boot
        self._last = store.last_seq()
        self._acked = int(store.fact(_ACKED) or 0)
        self._listeners: list[Listener] = []

    @property
    def stream(self) -> str:
        """Names the sequence that the numbers belong to."""
        return self._store.stream

    @property
    def last(self) -> int:
        """Number of the newest entry."""
        return self._last

    @property
    def acked(self) -> int:
        """Central holds everything up to this number."""
        return self._acked

    @property
    def pending(self) -> int:
        """How many entries central does not hold yet."""
        return self._last - self._acked

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every entry once it is committed."""
        self._listeners.append(listener)

    def append(
        self,
        kind: str,
        *,
        session: str | None = None,
        session_rev: int | None = None,
        run: str | None = None,
        cause: str = "agent",
        who: str = "",
        device: str | None = None,
        outcome: str | None = None,
        duration: timedelta | None = None,
        body: Mapping[str, JsonValue] | None = None,
    ) -> Entry:
        """Commit one entry and return it."""
        entry = Entry(
            seq=self._last + 1,
            id=new_id(),
            kind=kind,
            at=self._clock.now(),
            mono_ms=self._clock.mono_ms(),
            boot=self._boot,
            session=session,
            session_rev=session_rev,
            run=run,
            cause=cause,
            who=who,
            device=device,
            outcome=outcome,
            duration_ms=None if duration is None else round(duration / timedelta(milliseconds=1), 1),
            body=dict(body or {}),
        )
        self._store.add_entry(entry.seq, entry.kind, session, entry.at, entry.model_dump_json())
        self._last = entry.seq
        for listener in self._listeners:
            listener(entry)
        return entry

    def acknowledge(self, stream: str, upto: int) -> bool:
        """Take central's word that it holds the entries up to `upto`; true when that is news.

        An acknowledgement of another stream, or of entries that were never made, is ignored.
        """
        if stream != self.stream or not self._acked < upto <= self._last:
            return False
        self._store.keep_fact(_ACKED, str(upto))
        self._acked = upto
        return True

    def unsent(self, limit: int) -> list[Entry]:
        """Return the oldest entries that central does not hold."""
        return _read(self._store.entries_from(self._acked + 1, limit))

    def recent(self, count: int) -> list[Entry]:
        """Return the newest entries, oldest first."""
        return _read(self._store.entries_from(max(1, self._last - count + 1), count))

    def oldest_unsent_at(self) -> datetime | None:
        """Return when the oldest entry was made that central does not hold."""
        return self._store.time_of(self._acked + 1)

    def of_session(self, session: str) -> list[Entry]:
        """Return the entries of a session, and what devices did meanwhile, in order."""
        own = _read(self._store.entries_of(session))
        if not own:
            return []
        meanwhile = _read(self._store.entries_of_kind(EntryKind.DEVICE_CHANGED, own[0].seq, own[-1].seq))
        return sorted({entry.seq: entry for entry in own + meanwhile}.values(), key=lambda entry: entry.seq)


def _read(lines: list[str]) -> list[Entry]:
    return [Entry.model_validate_json(line) for line in lines]
