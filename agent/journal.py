"""The journal: every fact of the room, written down before anybody is told.

Append-only and numbered without a gap within a `stream`. Central's acknowledgement moves
`acked`; entries stay afterwards, because the report is made from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from pydantic import JsonValue

from agent.clock import Clock
from agent.database import Row
from agent.store import Store
from contract.ids import new_id
from contract.messages import Entry
from contract.words import EntryKind

Listener = Callable[[Entry], None]

_ACKED = "acked"
_NOT_VITAL = {EntryKind.LEVELS, EntryKind.DEVICE_CHANGED, EntryKind.DEVICE_ALARM}
"""What goes first when the disk will not write and the memory kept for that is full."""


class Journal:
    """The journal of one database file, written by one boot of the agent."""

    def __init__(self, store: Store, clock: Clock, boot: str) -> None:
        self._store = store
        self._clock = clock
        self._boot = boot
        self._last = store.last_seq()
        self._acked = int(store.fact(_ACKED) or 0)
        self._listeners: list[Listener] = []
        self.missed = 0
        """Entries that found no place: the disk would not write, and the memory was full."""
        self._take_over()

    def _take_over(self) -> None:
        """Write anew what was read of a damaged file and central may lack, or a session may still need."""
        if self._store.mended is None or self._last:
            return
        salvaged = self._store.mended.salvaged
        acked, held = int(salvaged.facts.get(_ACKED, 0)), {row[0] for row in salvaged.keyed["plans"]}
        for row in salvaged.journal:
            if int(str(row[0])) > acked or row[2] in held:
                self._rewrite(row)

    def _rewrite(self, row: Row) -> None:
        entry = Entry.model_validate_json(str(row[4])).model_copy(update={"seq": self._last + 1})
        self._store.add_entry(entry.seq, entry.kind, entry.session, entry.at, entry.model_dump_json())
        self._last = entry.seq

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
        """Commit one entry and return it; while the disk will not write, it is kept in memory."""
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
        is_vital = entry.kind not in _NOT_VITAL
        text = entry.model_dump_json()
        if self._store.add_entry(entry.seq, entry.kind, session, entry.at, text, is_vital=is_vital):
            self._last = entry.seq
        else:
            self.missed += 1
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
        """Return the oldest entries that central does not hold; what is not on the disk is told to nobody."""
        ready = min(limit, self._store.last_on_disk() - self._acked)
        return _read(self._store.entries_from(self._acked + 1, ready)) if ready > 0 else []

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
