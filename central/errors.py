"""What can be wrong with an order to central.

CentralError
├── NotFound      there is no such thing, or not for this person
│   └── Erased    it was here, and its time is over
├── Forbidden     the person may not do this
├── NotLoggedIn   nobody is logged in
├── Invalid       fields that are missing or wrong; all of them
├── Refused       against a rule: the state, a taken room, a stale version
├── Stale         it is not any more what If-Match names
├── Unconditional a change that does not say to what
├── KeyReused     an Idempotency-Key that stands for another order
├── TooMany       try again later
├── Away          the database does not answer just now
└── Unfit         the database is not one that this version may serve

`code` is stable and is what pages and programs look at; the text is English, for logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from central.domain.findings import Finding


class CentralError(Exception):
    """An order that central does not carry out."""

    def __init__(self, code: str, text: str, **values: object) -> None:
        super().__init__(text)
        self.code = code
        self.values: Mapping[str, object] = values


class NotFound(CentralError):
    """There is no such thing, or this person may not know of it."""

    def __init__(self, what: str, ident: str) -> None:
        super().__init__(f"{what}.not_found", f"there is no {what} {ident!r}", id=ident)


class Erased(NotFound):
    """It was here, and was erased at the end of its time."""

    def __init__(self, what: str, ident: str, at: datetime) -> None:
        super().__init__(what, ident)
        self.code = f"{what}.erased"
        self.values = {"id": ident, "erased_at": at.isoformat()}
        self.args = (f"the {what} {ident!r} was erased at the end of its time, {at:%Y-%m-%d}",)


class Forbidden(CentralError):
    """The person may not do this."""


class NotLoggedIn(CentralError):
    """Nobody is logged in, or the log-in has ended."""

    def __init__(self) -> None:
        super().__init__("login.wanted", "log in first")


@dataclass(frozen=True, slots=True)
class Wrong:
    """One field of an order that is missing or wrong."""

    field: str
    code: str
    text: str


class Invalid(CentralError):
    """Fields that are missing or wrong; `wrongs` names all of them."""

    def __init__(self, *wrongs: Wrong) -> None:
        super().__init__("fields.invalid", "; ".join(f"{w.field}: {w.text}" for w in wrongs))
        self.wrongs = wrongs


class Refused(CentralError):
    """Against a rule; `findings` are those that fail, when it was a verification."""

    def __init__(self, code: str, text: str, findings: tuple[Finding, ...] = (), **values: object) -> None:
        super().__init__(code, text, **values)
        self.findings = findings


class Stale(CentralError):
    """It is not any more what If-Match names."""

    def __init__(self, tag: str) -> None:
        super().__init__("precondition.failed", f"it is not {tag[:80]} any more: read it again", if_match=tag[:200])


class Unconditional(CentralError):
    """A change that does not say which version it is meant for."""

    def __init__(self) -> None:
        super().__init__("precondition.wanted", "send If-Match with the ETag of what you saw")


class KeyReused(CentralError):
    """An Idempotency-Key that stands for another order."""

    def __init__(self, key: str) -> None:
        super().__init__("idempotency.reused", "this Idempotency-Key was used for another order", key=key)


class TooMany(CentralError):
    """Too many tries; the next one counts after `after`."""

    def __init__(self, code: str, after: timedelta) -> None:
        super().__init__(code, f"try again in {after.total_seconds():.0f} s", after_s=after.total_seconds())
        self.after = after


class Away(CentralError):
    """The database does not answer just now: what was not confirmed may not have been done."""

    AFTER = timedelta(seconds=5)
    """When it is worth trying again."""

    def __init__(self, said: str) -> None:
        super().__init__("database.away", f"the database does not answer: {said}", after_s=self.AFTER.total_seconds())
        self.after = self.AFTER


class Unfit(CentralError):
    """The database is not one that this version may serve."""
