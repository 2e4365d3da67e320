"""What must be right in a request before anybody looks at it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from central.domain.resources import LASTS_AT_MOST
from central.errors import Wrong
from central.model import Draft
from central.settings import Policy

SHORT_AT_MOST = 200
LONG_AT_MOST = 2000
PEOPLE_AT_MOST = 100_000
YEARS = (1970, 2199)
"""1970 is a form's stand-in for a day that could not be read."""


def check_draft(draft: Draft, policy: Policy) -> tuple[Wrong, ...]:
    """Return everything wrong in `draft`, not only the first thing."""
    times = check_times(draft.starts, draft.ends)
    return (*_texts(draft), *_numbers(draft), *_needs(draft), *times, *_leader(draft, policy), *_letter(draft, policy))


def _texts(draft: Draft) -> Iterator[Wrong]:
    wanted = {
        "title": draft.title,
        "letter_subject": draft.letter_subject,
        "contact_name": draft.contact.name,
        "contact_phone": draft.contact.phone,
        "platform": draft.platform,
    }
    for name, text in wanted.items():
        if not text.strip():
            yield Wrong(name, "text.wanted", "wanted, found nothing")
        elif len(text) > SHORT_AT_MOST:
            yield Wrong(name, "text.too_long", f"at most {SHORT_AT_MOST} characters, got {len(text)}")
    free = {"agenda": draft.agenda, "own_equipment": draft.own_equipment, "own_people": draft.own_people}
    for name, text in free.items():
        if len(text) > LONG_AT_MOST:
            yield Wrong(name, "text.too_long", f"at most {LONG_AT_MOST} characters, got {len(text)}")


def _numbers(draft: Draft) -> Iterator[Wrong]:
    if not 1 <= draft.participants <= PEOPLE_AT_MOST:
        yield Wrong("participants", "number.range", f"wanted 1 to {PEOPLE_AT_MOST}, got {draft.participants}")


def _needs(draft: Draft) -> Iterator[Wrong]:
    if len({need.equipment for need in draft.needs}) < len(draft.needs):
        yield Wrong("needs", "needs.twice", "one kind of equipment stands there twice")
    if any(need.count < 1 for need in draft.needs):
        yield Wrong("needs", "needs.unreadable", "wanted at least one piece")


def _leader(draft: Draft, policy: Policy) -> Iterator[Wrong]:
    if draft.leader.takes_part and draft.leader not in policy.leaders:
        known = ", ".join(("none", *policy.leaders))
        yield Wrong("leader", "leader.not_counted", f"this office counts {known}, got {draft.leader}")


def check_times(starts: datetime, ends: datetime) -> Iterator[Wrong]:
    """Yield what is wrong in the times of an event."""
    if starts.tzinfo is None or ends.tzinfo is None:
        yield Wrong("starts", "time.naive", "wanted with its offset from UTC")
    elif not YEARS[0] <= starts.year <= YEARS[1] or not YEARS[0] <= ends.year <= YEARS[1]:
        yield Wrong("starts", "time.far", f"wanted a year from {YEARS[0]} to {YEARS[1]}")
    elif not starts < ends:
        yield Wrong("ends", "time.order", "the end must be after the start")
    elif ends - starts > LASTS_AT_MOST:
        yield Wrong("ends", "time.too_long", f"at most {LASTS_AT_MOST.days} days")


def _letter(draft: Draft, policy: Policy) -> Iterator[Wrong]:
    number = draft.letter_number.strip()
    if len(number) > SHORT_AT_MOST or not re.fullmatch(policy.letter_number, number):
        yield Wrong("letter_number", "letter.number", f"wanted like {policy.letter_number}, got {number[:80]!r}")
