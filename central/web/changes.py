"""What changed from one version of a request to the next, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from central.model import RequestChange
from central.web import words
from webui.env import waktu
from webui.i18n import N_
from webui.reasons import Translate

_HASH_SHOWN = 12


@dataclass(frozen=True, slots=True)
class ChangeShown:
    """One new version: who made it, and each field as it was and as it is."""

    at: datetime
    actor: str
    fields: tuple[tuple[str, str, str], ...]


def shown(changes: Iterable[RequestChange], translate: Translate) -> Iterator[ChangeShown]:
    """Yield the versions in words."""
    for one in changes:
        fields = (
            (translate(words.FIELDS[name]), _said(name, before, translate), _said(name, after, translate))
            for name, (before, after) in one.fields.items()
        )
        yield ChangeShown(one.at, one.actor, tuple(fields))


def _said(name: str, value: str, translate: Translate) -> str:
    if name in {"starts", "ends"}:
        return waktu(datetime.fromisoformat(value))
    if value in {"True", "False"}:
        return translate(N_("Yes")) if value == "True" else translate(N_("No"))
    return (value[:_HASH_SHOWN] if name == "letter_sha256" else value) or "\N{EM DASH}"
