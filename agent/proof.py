"""Proves a journal from its rows alone: is it as it was written? Pure.

Entries are looked at in the order in which they stand. Each must have its number, the hash
of the one before it, and be what its own hash says. What is broken is named by what was done
to it, as far as that can be told; the first finding is where to look. A tail that was cut off
shows only against what others were told (`Anchor`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pydantic import JsonValue

from contract.chain import BEFORE, OWN, START, digest_of, hash_of
from contract.words import EntryKind

FINDINGS_SHOWN = 50
MOVED_AT_MOST = 100
"""How far an entry that was renumbered is looked for."""

Fields = dict[str, JsonValue]
Row = tuple[object, ...]


class Harm(StrEnum):
    """What was done to a journal."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the chain is broken: the entry's number, what was done, and how that shows."""

    seq: int
    harm: Harm
    what: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A hash that somebody outside was told, and of which entry it was said to be."""

    hash: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found: numbers of the first and last entry, the newest hash, and everything wrong."""

    stream: str
    first: int
    last: int
    head: str
    unchained: int
    """How many entries stand before the chain; an agent of before there was one wrote them."""
    pruned: int
    """The last number that the journal let go of by itself, 0 for none."""
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether the journal is as it was written."""
        return not self.findings


def prove(stream: str, rows: Iterable[Row], anchors: Iterable[Anchor] = ()) -> Proof:
    """Return what `rows` of a journal are worth: number, kind, session, time and text, in order of their numbers."""
    walk = _Walk(stream)
    for row in rows:
        walk.take(row)
    found = [*walk.found(), *walk.beginning()]
    found += [finding for anchor in anchors if (finding := walk.against(anchor)) is not None]
    found.sort(key=lambda finding: finding.seq)
    head = walk.hashes[-1] if walk.hashes else START
    return Proof(stream, walk.first, walk.last, head, len(walk.unchained), walk.cut, tuple(found[:FINDINGS_SHOWN]))


@dataclass(slots=True)
class _Walk:
    """On the way through a journal."""

    stream: str
    findings: list[Finding] = field(default_factory=list)
    first: int = 0
    last: int = 0
    cut: int = 0
    unchained: list[str] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    """Those of the entries so far, oldest first."""
    _by_hash: dict[str, int] = field(default_factory=dict)
    _begins_after: str = START
    _cuts: list[tuple[int, str]] = field(default_factory=list)
    _doubtful: dict[int, str] = field(default_factory=dict)
    """Findings that are another harm if an entry with this hash turns up later."""

    def take(self, row: Row) -> None:
        """Look at the next row."""
        seq, text = int(str(row[0])), str(row[4])
        fields = _fields(text)
        expected = self.last + 1 if self.last else seq
        self.first = self.first or seq
        self.last = seq
        if fields is None:
            self._found(seq, Harm.EDITED, "it is no entry any more")
            self._remember(seq, "")
        elif not fields.get(OWN) and not self.hashes and fields.get("seq") == seq:
            self.unchained.append(text)
        else:
            broken = next(self._broken(seq, expected, row, fields), None)
            if broken is not None:
                self.findings.append(broken)
            self._link(seq, fields)

    def _link(self, seq: int, fields: Fields) -> None:
        if not self.hashes:
            self._begins_after = str(fields.get(BEFORE))
        body = fields.get("body")
        if fields.get("kind") == EntryKind.JOURNAL_PRUNED and isinstance(body, dict):
            self._cuts.append((int(str(body.get("last", 0))), str(body.get("hash"))))
        if fields.get("kind") == EntryKind.JOURNAL_CHAINED and isinstance(body, dict) and not self.hashes:
            is_pruned = not self.unchained and self.first == seq > 1
            if not is_pruned and body.get("digest") != digest_of(self.unchained):
                self._found(seq, Harm.EDITED, "the entries from before there were hashes are not those that it seals")
        elif self.unchained and not self.hashes:
            self._found(seq, Harm.EDITED, "entries without a hash stand before it, and nothing says why")
        self._remember(seq, str(fields.get(OWN)))

    def _remember(self, seq: int, own: str) -> None:
        self.hashes.append(own)
        if own:
            self._by_hash[own] = seq

    def _found(self, seq: int, harm: Harm, what: str) -> None:
        self.findings.append(Finding(seq, harm, what))

    def _broken(self, seq: int, expected: int, row: Row, fields: Fields) -> Iterator[Finding]:
        """Yield what is wrong with one entry, the clearest first."""
        written = fields.get("seq")
        if written != seq:
            yield Finding(seq, Harm.REORDERED, f"the entry that stands here was written as number {written}")
        if seq != expected:
            yield Finding(expected, Harm.DELETED, f"{_numbers(expected, seq - 1)} missing")
        before = str(fields.get(BEFORE))
        if hash_of(self.stream, fields) != fields.get(OWN):
            yield self._renumbered(seq, before, fields) or Finding(seq, Harm.EDITED, "it is not what its hash says")
        elif self.hashes and before != self.hashes[-1] and self.hashes[-1]:
            yield self._unlinked(seq, before)
        if [row[1], row[2]] != [fields.get("kind"), fields.get("session")]:
            yield Finding(seq, Harm.EDITED, "kind or session beside the entry are not those in it")

    def _renumbered(self, seq: int, before: str, fields: Fields) -> Finding | None:
        """Return what was done if the entry is whole but for its number."""
        for written in range(max(1, seq - MOVED_AT_MOST), seq + MOVED_AT_MOST):
            if written != seq and hash_of(self.stream, fields | {"seq": written}) == fields.get(OWN):
                break
        else:
            return None
        if len(self.hashes) > 1 and before == self.hashes[-2]:
            return Finding(seq - 1, Harm.INSERTED, f"number {seq} was written as {written}, right after {seq - 2}")
        if written > seq:
            self._doubtful[len(self.findings)] = before
        harm = Harm.DELETED if written > seq else Harm.REORDERED
        return Finding(seq, harm, f"what stands here was written as number {written}")

    def _unlinked(self, seq: int, before: str) -> Finding:
        """Return what was done if the entry is whole, and was not written after the one before it."""
        if len(self.hashes) > 1 and before == self.hashes[-2]:
            return Finding(seq - 1, Harm.INSERTED, f"number {seq} was written right after {seq - 2}")
        if before in self._by_hash:
            return Finding(seq, Harm.REORDERED, f"it was written after number {self._by_hash[before]}")
        return Finding(seq - 1, Harm.EDITED, f"it is not the entry that number {seq} was written after")

    def found(self) -> Iterator[Finding]:
        """Yield what was found on the way; what was only moved is not missing."""
        for number, finding in enumerate(self.findings):
            is_moved = self._doubtful.get(number) in self._by_hash
            yield replace(finding, harm=Harm.REORDERED) if is_moved else finding

    def beginning(self) -> Iterator[Finding]:
        """Yield what is wrong with how the journal begins."""
        if not self.hashes:
            return
        self.cut, hash_there = max(self._cuts, default=(0, START))
        if self.first == 1:
            if self._begins_after != START:
                yield Finding(len(self.unchained) + 1, Harm.DELETED, "the chain goes on from an entry before it")
        elif self.cut != self.first - 1:
            yield Finding(1, Harm.DELETED, f"{_numbers(1, self.first - 1)} missing, and nothing says why")
        elif self._begins_after != (hash_there or START):
            yield Finding(self.first, Harm.EDITED, "it is not the entry that came after those let go of")

    def against(self, anchor: Anchor) -> Finding | None:
        """Return what is wrong if somebody outside was told of an entry that does not stand here."""
        seq = self._by_hash.get(anchor.hash)
        if seq is not None and anchor.seq in {None, seq}:
            return None
        if seq is not None:
            return Finding(seq, Harm.REORDERED, f"the entry that was told of as number {anchor.seq} stands here")
        if anchor.seq is not None and anchor.seq < self.first:
            return None  # it was let go of; nothing here can tell
        if anchor.seq is not None and anchor.seq <= self.last:
            return Finding(anchor.seq, Harm.EDITED, f"it is not the entry whose hash is {anchor.hash}")
        return Finding(self.last + 1, Harm.TRUNCATED, f"no entry has the hash {anchor.hash}: what came here is cut off")


def _fields(text: str) -> Fields | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _numbers(first: int, last: int) -> str:
    return f"number {first} is" if first == last else f"numbers {first} to {last} are"
