"""Sentences for alternatives, and for the one that an applicant is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from central.domain.alternatives import Alternative, Change, Kind
from central.model import Offered
from central.offering import key_of
from webui.env import jam, showing, tanggal, tanggal_pendek
from webui.i18n import DEFAULT, N_, speaking
from webui.reasons import Translate

KINDS: Final[Mapping[Kind, str]] = {
    Kind.KIT: N_("Same time and room, with less"),
    Kind.ROOM: N_("Same time, another room"),
    Kind.TIME: N_("Same room, another time"),
    Kind.TIME_AND_ROOM: N_("Another time and room"),
}
CHANGES: Final[Mapping[Change, str]] = {
    Change.NO_RECORDING: N_("without recording"),
    Change.NO_STREAMING: N_("without streaming"),
    Change.OWN_ACCOUNT: N_("with the applicant's own account"),
    Change.LESS_EQUIPMENT: N_("with the equipment that is free"),
}


@dataclass(frozen=True, slots=True)
class AlternativeShown:
    """One line of the list; `room` is the id to try it with, empty where it is not the room alone that is another."""

    kind: str
    text: str
    people: str
    room: str
    key: str


def shown(found: Iterable[Alternative], names: Mapping[str, str], translate: Translate) -> Iterator[AlternativeShown]:
    """Yield the lines; `names` are people by id."""
    for one in found:
        people = ", ".join(names.get(ident, ident) for ident in one.operator_ids)
        room = one.room.id if one.kind is Kind.ROOM else ""
        text = _text(one.room.name, one, tanggal_pendek, translate)
        yield AlternativeShown(translate(KINDS[one.kind]), text, people, room, key_of(one))


def note(offered: Alternative, zone: tzinfo, translate: Translate) -> str:
    """Return the note that an offer goes back with, in the language of the office's letters."""
    with speaking(DEFAULT), showing(zone):
        said = {"what": translate(KINDS[offered.kind]), "text": _text(offered.room.name, offered, tanggal, translate)}
        return translate(N_("The division offers: %(what)s. %(text)s.")) % said


def offer(offered: Offered, translate: Translate) -> tuple[str, str]:
    """Return kind and text of the offer that a request came back with."""
    return translate(KINDS[offered.kind]), _text(offered.room_name, offered, tanggal, translate)


def _text(room: str, one: Alternative | Offered, day: Callable[[datetime], str], translate: Translate) -> str:
    hours = f"{day(one.starts)}, {jam(one.starts)}\N{EN DASH}{jam(one.ends)}"
    return " · ".join((room, hours, *(translate(CHANGES[change]) for change in one.changes)))
