"""Identifiers that sort by time: UUID version 7 (RFC 9562, section 5.7)."""

from __future__ import annotations

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last_ms = 0
_counter = 0


def new_id() -> str:
    """Return a fresh UUIDv7 as text; ids of one process rise strictly, also within a millisecond."""
    milliseconds, counter = _tick()
    random_tail = int.from_bytes(os.urandom(8)) & ((1 << 62) - 1)
    value = milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random_tail
    return str(uuid.UUID(int=value))


def _tick() -> tuple[int, int]:
    """Return milliseconds since 1970 and a 12-bit counter; never backwards, also when the clock is."""
    global _last_ms, _counter  # noqa: PLW0603 - the one counter of this process
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_ms:
            _last_ms, _counter = now, 0
        elif _counter < 0xFFF:
            _counter += 1
        else:
            _last_ms, _counter = _last_ms + 1, 0
        return _last_ms, _counter
