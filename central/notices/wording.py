"""What a message says: subject, text and calendar entry, in the reader's language.

The sentences are in the catalogues beside those of the pages; the facts are those that
were written down with the deed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

from central import ical
from central.domain.audience import ARRIVED
from central.domain.sop import Event
from webui.env import jam, showing, tanggal, zona
from webui.i18n import N_, Locales, speaking

SUBJECTS: Final[Mapping[str, str]] = {
    ARRIVED: N_("Request %(receipt)s was received: %(title)s"),
    Event.RESUBMIT: N_("Request %(receipt)s was sent again: %(title)s"),
    Event.ACCEPT: N_("Request %(receipt)s was forwarded to the division: %(title)s"),
    Event.RETURN: N_("Request %(receipt)s came back to you: %(title)s"),
    Event.OFFER: N_("Something else is offered for request %(receipt)s: %(title)s"),
    Event.APPROVE: N_("Request %(receipt)s was approved: %(title)s"),
    Event.REFUSE: N_("Request %(receipt)s was refused: %(title)s"),
    Event.WITHDRAW: N_("Request %(receipt)s was withdrawn: %(title)s"),
    Event.RESCHEDULE: N_("Session %(receipt)s was moved: %(title)s"),
    Event.CANCEL: N_("Session %(receipt)s was called off: %(title)s"),
    Event.REPORT: N_("Report of session %(receipt)s: %(title)s"),
}
LEADS: Final[Mapping[str, str]] = {
    ARRIVED: N_("The letter of %(agency)s has arrived. The head of the office gives direction next."),
    Event.RESUBMIT: N_("%(agency)s has changed the request and sent it again. It waits for direction."),
    Event.ACCEPT: N_("%(actor)s has forwarded the request to the division, which verifies it next."),
    Event.RETURN: N_("%(actor)s has sent the request back. Change it and send it again."),
    Event.OFFER: N_("%(actor)s offers something else. Take it up, or change the request, and send it again."),
    Event.APPROVE: N_("%(actor)s has approved the request. The room prepares itself before the event."),
    Event.REFUSE: N_("%(actor)s has refused the request."),
    Event.WITHDRAW: N_("%(actor)s has withdrawn the request. Nothing more is to be done."),
    Event.RESCHEDULE: N_("%(actor)s has moved the session. What stands below holds from now on."),
    Event.CANCEL: N_("%(actor)s has called the session off. The room and the people are free again."),
    Event.REPORT: N_("The room has sent its report of the session."),
}
CALENDAR: Final = frozenset({Event.APPROVE.value, Event.RESCHEDULE.value, Event.CANCEL.value})
"""Events that change what stands in people's calendars."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message as it is handed over."""

    ident: str
    address: str
    subject: str
    text: str
    calendar: str
    """An iCalendar file, empty when the event changes none."""
    document: Mapping[str, object]
    """What programs get."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message as the database holds it."""

    id: int
    event: str
    request_id: str
    channel: str
    address: str
    language: str
    facts: str
    created_at: datetime


class Wording:
    """Makes parcels; one for the whole application."""

    def __init__(self, public_url: str, zone: tzinfo, locales: Path) -> None:
        self._public_url = public_url
        self._zone = zone
        self._locales = Locales(locales)

    def parcel(self, message: Waiting) -> Parcel:
        """Return `message` in words."""
        facts: dict[str, object] = json.loads(message.facts)
        with speaking(message.language), showing(self._zone):
            subject = self._say(SUBJECTS, message.event, facts)
            text = "\n".join(self._lines(message, facts))
        return Parcel(
            ident=f"msg_{message.id}",
            address=message.address,
            subject=" ".join(subject.split())[:200],
            text=text,
            calendar=self._calendar(message, facts),
            document=self._document(message, facts),
        )

    def _say(self, sentences: Mapping[str, str], event: str, facts: Mapping[str, object]) -> str:
        """Return the event's sentence; an event of a newer version is named as it is."""
        sentence = sentences.get(event)
        return self._locales.gettext(sentence) % facts if sentence else event

    def _lines(self, message: Waiting, facts: Mapping[str, object]) -> list[str]:
        say = self._locales.gettext
        lines = [self._say(LEADS, message.event, facts), ""]
        if facts["reason"]:
            lines += [say(N_("Note: %(reason)s")) % facts, ""]
        lines.append(say(N_("Event: %(title)s")) % facts)
        lines.append(say(N_("Agency: %(agency)s")) % facts)
        lines.append(f"{say(N_('Time'))}: {_times(facts)}")
        lines.append(say(N_("Room: %(room)s, %(site)s")) % facts)
        if facts.get("operator"):
            lines.append(say(N_("Technician: %(operator)s")) % facts)
        if isinstance(was := facts.get("was"), dict):
            before = {"times": _times(was), "room": was["room"]}
            lines += ["", say(N_("Planned before: %(times)s, %(room)s")) % before]
        return [*lines, "", self._link(message)]

    def _link(self, message: Waiting) -> str:
        return f"{self._public_url}/permohonan/{message.request_id}"

    def _calendar(self, message: Waiting, facts: Mapping[str, object]) -> str:
        if message.event not in CALENDAR or not facts.get("session_id"):
            return ""
        event = ical.Event(
            uid=f"{facts['session_id']}@{ical.UID_HOST}",
            starts=datetime.fromisoformat(str(facts["starts"])),
            ends=datetime.fromisoformat(str(facts["ends"])),
            summary=str(facts["title"]),
            location=f"{facts['room']}, {facts['site']}",
            sequence=message.id,  # rises with every message, which is all that calendars ask of it
            cancelled=message.event == Event.CANCEL,
            url=self._link(message),
        )
        return ical.write([event], name="Siaga", stamp=message.created_at)

    @staticmethod
    def _document(message: Waiting, facts: Mapping[str, object]) -> dict[str, object]:
        own = {name: value for name, value in facts.items() if name not in {"at", "tracking"}}
        return {"type": f"request.{message.event}", "timestamp": facts["at"], "data": {"id": message.request_id} | own}


def _times(facts: Mapping[str, object]) -> str:
    """Return from when to when, in words."""
    starts, ends = (datetime.fromisoformat(str(facts[name])) for name in ("starts", "ends"))
    return f"{tanggal(starts)}, {jam(starts)}\N{EN DASH}{jam(ends)} {zona(starts)}"
