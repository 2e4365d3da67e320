"""Words of the session in a preset's texts: `text: "{title}"` shows the session's title. Pure.

Only what stands in this list is put in; a room file with another word in braces is refused
when it is read, so that no audience ever sees `{titel}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from contract.messages import PlannedSession
from drivers.verbs import Arguments

WORDS = ("title", "agency", "start", "end", "room")
"""`start` and `end` are the room's wall-clock time, as `14.30`."""

_WORD = re.compile(r"\{([a-z_]+)\}")


def unknown(arguments: Arguments) -> list[str]:
    """Return the words in braces that nobody knows."""
    texts = [value for value in arguments.model_dump().values() if isinstance(value, str)]
    return sorted({word for text in texts for word in _WORD.findall(text) if word not in WORDS})


def words_of(plan: PlannedSession | None, room: str, time_zone: str) -> dict[str, str]:
    """Return what each word means for a session; without one only the room has a name."""
    if plan is None:
        return {**dict.fromkeys(WORDS, ""), "room": room}
    zone = ZoneInfo(time_zone)
    start, end = (f"{moment.astimezone(zone):%H.%M}" for moment in (plan.start, plan.end))
    return {"title": plan.title, "agency": plan.agency, "start": start, "end": end, "room": room}


def filled(arguments: Arguments, words: Mapping[str, str]) -> Arguments:
    """Return `arguments` with the words in its texts put in."""
    texts = {name: value for name, value in arguments if isinstance(value, str) and "{" in value}
    if not texts:
        return arguments
    told = {name: _WORD.sub(lambda found: words.get(found[1], found[0]), text) for name, text in texts.items()}
    return arguments.model_copy(update=told)
