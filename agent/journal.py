"""The journal: every fact of the room, written down before anybody is told.

Append-only, numbered without a gap within a `stream`, and chained: each entry carries the
hash of the one before and its own (`contract.chain`), so what is changed afterwards is found.
Central's acknowledgement moves `acked`; entries stay afterwards, because the report is made
from them.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from pydantic import JsonValue, ValidationError

from agent.clock import Clock
from agent.database import Mended, Row
from agent.store import Store
from contract.chain import START, digest_of, hash_of
from contract.ids import new_id
from contract.messages import Entry
from contract.words import EntryKind

log = logging.getLogger(__name__)

Listener = Callable[[Entry], None]

_ACKED = "acked"
_NOT_VITAL = {EntryKind.LEVELS, EntryKind.DEVICE_CHANGED, EntryKind.DEVICE_ALARM}
"""What goes first when the disk will not write and the memory kept for that is full."""


class Journal:
    """The journal of one database file, written by one boot of the agent."""

    def __init__(self, store: Store, clock: Clock, boot: str) -> None:
        self._store = store
        self._clock = clock
        self.boot = boot
        self._acked = int(store.fact(_ACKED) or 0)
        self._listeners: list[Listener] = []
        self._together: list[Entry] | None = None
        self.missed = 0
        """Entries that found no place: the disk would not write, and the memory was full."""
        self.is_tight = False
        """The journal is too large and nothing of it can go: only what is vital is written."""
        self._last, self._head = self._end()
        if store.mended is not None and not self._last:
            self._take_over(store.mended)
        elif self._last and not self._head:
            self._begin_chain()

    def _end(self) -> tuple[int, str]:
        """Return number and hash of the newest entry; no hash in a journal of before there were any."""
        last = self._store.last_seq()
        newest = _read(self._store.entries_from(last, 1)) if last else []
        return last, newest[0].hash if newest else START

    def _begin_chain(self) -> None:
        """Chain a journal from here on, and seal what stands in it already."""
        body: dict[str, JsonValue] = {"last": self._last, "digest": digest_of(self._store.entries_upto(self._last))}
        self._head = START
        self.append(EntryKind.JOURNAL_CHAINED, body=body)

    def _take_over(self, mended: Mended) -> None:
        """Say that the file was damaged, and write anew what central may lack or a session may still need."""
        salvaged = mended.salvaged
        acked, held = int(salvaged.facts.get(_ACKED, 0)), {str(row[0]) for row in salvaged.keyed["plans"]}
        known = [entry for entry in map(_salvaged, salvaged.journal) if entry is not None]
        body: dict[str, JsonValue] = {
            "aside": mended.aside.name,
            "found": mended.found,
            "read": len(salvaged.journal),
            **_end_of(salvaged.facts.get("stream", ""), known),
        }
        said = self._fresh(EntryKind.JOURNAL_MENDED, body=body)
        self._store.finish_mending([_row(entry) for entry in self._anew(said, known, acked, held, self.stream)])

    def _anew(self, said: Entry, known: list[Entry], acked: int, held: set[str], stream: str) -> list[Entry]:
        """Return the beginning of a stream: why there is one, then what is still needed of the one before."""
        wanted = [entry for entry in known if entry.seq > acked or entry.session in held]
        return [self._next(entry, stream) for entry in (said, *wanted)]

    def begin_anew(self, why: str, *, upto: int, head: str) -> bool:
        """Go on in a stream of its own, because this file and central cannot be of one mind any more.

        That is so when this file was brought back from a copy (central holds entries that
        are not here, under numbers that would be given a second time), and when central was
        brought back from one and lacks entries that are gone here. The file as it was stays beside it. False while
        the disk will not write.
        """
        if self._store.trouble is not None:
            return False
        known = _read(self._store.entries_from(1, self._last))
        aside = self._store.copy_aside()
        body: dict[str, JsonValue] = {"why": why, "aside": aside, "upto": upto, "central": head}
        said = self._fresh(EntryKind.JOURNAL_FORKED, body=body | _end_of(self.stream, known))
        acked, held = self._acked, self._store.held_sessions()
        self._acked, self._last, self._head = 0, 0, START
        stream = new_id()
        made = self._anew(said, known, acked, held, stream)
        self._store.begin_anew(stream, [_row(entry) for entry in made])
        log.error("the journal goes on in a new stream: %s", why, extra={"action": "forked", "stream": stream})
        for listener in self._listeners:
            listener(made[0])
        return True

    @property
    def stream(self) -> str:
        """Names the sequence that the numbers belong to."""
        return self._store.stream

    @property
    def last(self) -> int:
        """Number of the newest entry."""
        return self._last

    @property
    def head(self) -> str:
        """Hash of the newest entry."""
        return self._head

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
        fresh = self._fresh(
            kind,
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
        with self.together():
            entry = self._next(fresh)
            self._waiting.append(entry)
        return entry

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Commit what is appended meanwhile as one: all of it or nothing; nothing may be awaited inside.

        Nobody is told of an entry before its commit.
        """
        if self._together is not None:
            yield
            return
        before = self._last, self._head
        self._together = []
        try:
            yield
        finally:
            entries, self._together = self._together, None
            self._commit(entries, before)

    @property
    def _waiting(self) -> list[Entry]:
        return self._together if self._together is not None else []

    def _commit(self, entries: list[Entry], before: tuple[int, str]) -> None:
        is_vital = any(entry.kind not in _NOT_VITAL for entry in entries)
        is_left_out = self.is_tight and not is_vital
        if is_left_out or not self._store.add_entries([_row(entry) for entry in entries], is_vital=is_vital):
            self._last, self._head = before
            self.missed += len(entries)
        for entry in entries:
            for listener in self._listeners:
                listener(entry)

    def _fresh(self, kind: str, **more: object) -> Entry:
        """Return an entry of now that has no place in the chain yet."""
        now: dict[str, object] = {"at": self._clock.now(), "mono_ms": self._clock.mono_ms(), "boot": self.boot}
        return Entry.model_validate({"cause": "agent", **more, **now, "seq": 1, "id": new_id(), "kind": kind})

    def _next(self, entry: Entry, stream: str = "") -> Entry:
        """Return `entry` as the next one of the chain; of another stream when one is named."""
        placed = entry.model_copy(update={"seq": self._last + 1, "before": self._head, "hash": ""})
        self._head = hash_of(stream or self.stream, json.loads(placed.model_dump_json()))
        self._last = placed.seq
        return placed.model_copy(update={"hash": self._head})

    def is_of_one_mind(self, upto: int, head: str) -> bool:
        """Return whether central can hold what it says it does, up to `upto` with the hash `head` there."""
        if upto > self._last:
            return False
        own = _read(self._store.entries_from(upto, 1)) if upto >= max(1, self._store.first_seq()) else []
        return not (own and own[0].seq == upto and own[0].hash and head) or own[0].hash == head

    def rewind(self, upto: int) -> bool:
        """Tell again what came after `upto`: central lost it. False when that is not here any more."""
        if upto + 1 < self._store.first_seq():
            return False
        if upto < self._acked:
            self._store.keep_fact(_ACKED, str(upto))
            self._acked = upto
        return True

    def acknowledge(self, stream: str, upto: int) -> bool:
        """Take central's word that it holds the entries up to `upto`; true when that is news.

        An acknowledgement of another stream, or of entries that were never made, is ignored.
        """
        if stream != self.stream or not self._acked < upto <= self._last:
            return False
        self._store.keep_fact(_ACKED, str(upto))
        self._acked = upto
        return True

    def prune(self, upto: int) -> int:
        """Let go of entries up to `upto` as far as nobody needs them; return how many went.

        What central does not hold stays, and so does what a held session may need. Entries
        from before there was a chain go together or not at all: one hash seals them.
        """
        needed, first = self._store.first_needed(), self._store.first_seq()
        cut = min(upto, self._acked, self._last if needed is None else needed - 1)
        if not 0 < first <= cut or self._is_in_front_of_chain(first, cut):
            return 0
        (last,) = _read(self._store.entries_from(cut, 1))
        body: dict[str, JsonValue] = {"first": first, "last": cut, "hash": last.hash}
        entry = self._next(self._fresh(EntryKind.JOURNAL_PRUNED, body=body))
        self._store.prune(cut, _row(entry))
        for listener in self._listeners:
            listener(entry)
        return cut - first + 1

    def _is_in_front_of_chain(self, first: int, cut: int) -> bool:
        """Return whether a cut would part entries that one hash seals."""
        if _read(self._store.entries_from(first, 1))[0].hash:
            return False
        chained = self._store.first_of_kind(EntryKind.JOURNAL_CHAINED)
        return chained is not None and cut < chained - 1

    def offer_again(self) -> None:
        """Offer everything that is here once more: central's database is a restored copy, and may lack what it held.

        What it has after all it acknowledges at once.
        """
        self.rewind(max(self._store.first_seq() - 1, 0))

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

    def of_kind(self, kind: EntryKind) -> list[Entry]:
        """Return all entries of one kind, newest first."""
        return _read(self._store.entries_of_kind(kind, 1, self._last))[::-1]

    def of_session(self, session: str) -> list[Entry]:
        """Return the entries of a session, and what devices did until its first report, in order."""
        own = _read(self._store.entries_of(session))
        if not own:
            return []
        last = next((entry.seq for entry in own if entry.kind == EntryKind.REPORT), own[-1].seq)
        meanwhile = _read(self._store.entries_of_kind(EntryKind.DEVICE_CHANGED, own[0].seq, last))
        return sorted({entry.seq: entry for entry in own + meanwhile}.values(), key=lambda entry: entry.seq)


def _read(lines: list[str]) -> list[Entry]:
    return [Entry.model_validate_json(line) for line in lines]


def _end_of(stream: str, known: list[Entry]) -> dict[str, JsonValue]:
    """Return which stream it was, and what is last known of it."""
    last = known[-1] if known else None
    return {"stream": stream, "last": 0 if last is None else last.seq, "hash": "" if last is None else last.hash}


def _row(entry: Entry) -> Row:
    return entry.seq, entry.kind, entry.session, entry.at.isoformat(), entry.model_dump_json()


def _salvaged(row: Row) -> Entry | None:
    """Return the entry of a row of a damaged file, where it can be read."""
    try:
        return Entry.model_validate_json(str(row[4]))
    except ValidationError:
        return None
