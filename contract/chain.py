"""The chain of a journal: every entry carries the hash of the one before it, and its own.

A hash is SHA-256 over the stream's name and all that the entry says, the hash before it
included, in one form: JSON with sorted keys and no spaces, in UTF-8. Fields that say nothing
(null, or empty) are left out, so that a field which a later version adds changes no hash
that was made before it. Whoever edits, deletes, inserts or reorders entries breaks the chain
from there on. A tail that was cut off leaves a whole chain behind: against that stand the
hashes that others were told, in central's database and on the printed report.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

START = "0" * 64
"""What the first entry of a stream names as the hash before it."""
OWN = "hash"
BEFORE = "before"
_EMPTY: tuple[JsonValue, ...] = (None, "", {}, [])


def hash_of(stream: str, fields: Mapping[str, JsonValue]) -> str:
    """Return the hash of an entry, whose own hash is not looked at."""
    said = {name: value for name, value in fields.items() if name != OWN and value not in _EMPTY}
    text = json.dumps([stream, said], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(texts: Iterable[str]) -> str:
    """Return one hash over entries that were written before there was a chain, as they stand."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    return digest.hexdigest()
