"""Passwords: argon2id, a few at a time, and what a new one must be like.

Each costs a quarter of a second and 64 MiB on purpose; without a limit a crowd at the
log-in page would be the end of the service.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from pwdlib import PasswordHash

from central.errors import Invalid, TooMany, Wrong

HASHES_AT_ONCE: Final = 2
HASHES_QUEUED: Final = 20
"""At work and waiting together."""
TURN_WITHIN_S: Final = 10.0
LEAST_LETTERS: Final = 12
MOST_LETTERS: Final = 256


class Passwords:
    """Hashes and compares, at most two at once."""

    def __init__(self, hasher: PasswordHash | None = None) -> None:
        self._hasher = hasher or PasswordHash.recommended()
        self._nobody = self._hasher.hash(secrets.token_urlsafe())
        self._hashing = threading.Semaphore(HASHES_AT_ONCE)
        self._queue = threading.Semaphore(HASHES_QUEUED)

    def hash(self, password: str) -> str:
        """Return what is kept of a password.

        Raises:
            TooMany: too many wait already.
        """
        with self._turn():
            return self._hasher.hash(password)

    def fits(self, password: str, digest: str | None) -> bool:
        """Return whether it is the password; without a digest it is nobody's, and costs the same time.

        Raises:
            TooMany: too many wait already.
        """
        if len(password) > MOST_LETTERS:
            return False
        with self._turn():
            right = self._hasher.verify(password, digest or self._nobody)
        return right and bool(digest)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for one's turn.

        Raises:
            TooMany: too many wait already, or it did not come.
        """
        if not self._queue.acquire(blocking=False):
            raise TooMany("login.busy", timedelta(seconds=5))
        try:
            if not self._hashing.acquire(timeout=TURN_WITHIN_S):
                raise TooMany("login.busy", timedelta(seconds=5))
            try:
                yield
            finally:
                self._hashing.release()
        finally:
            self._queue.release()


def check_new(password: str, login: str) -> None:
    """Return when a new password will do.

    Raises:
        Invalid: too short, too long, the same few letters, or the name.
    """
    if not LEAST_LETTERS <= len(password) <= MOST_LETTERS:
        raise Invalid(Wrong("new", "password.length", f"wanted {LEAST_LETTERS} to {MOST_LETTERS} characters"))
    if len(set(password)) < 5 or (login and login.lower() in password.lower() and len(password) < 2 * LEAST_LETTERS):
        raise Invalid(
            Wrong("new", "password.plain", "wanted one that is not the name or a few letters again and again")
        )
