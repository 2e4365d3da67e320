"""Sentences for alternatives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from central.domain.alternatives import Alternative, Change, Kind
from webui.env import jam, tanggal_pendek
from webui.i18n import N_
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
    """One line of the list; `room` is the id to try it with, empty where the time is another."""

    kind: str
    text: str
    people: str
    room: str


def shown(found: Iterable[Alternative], names: Mapping[str, str], translate: Translate) -> Iterator[AlternativeShown]:
    """Yield the lines; `names` are people by id."""
    for one in found:
        hours = f"{tanggal_pendek(one.starts)}, {jam(one.starts)}\N{EN DASH}{jam(one.ends)}"
        parts = (one.room.name, hours, *(translate(CHANGES[change]) for change in one.changes))
        people = ", ".join(names.get(ident, ident) for ident in one.operator_ids)
        room = one.room.id if one.kind is Kind.ROOM else ""
        yield AlternativeShown(translate(KINDS[one.kind]), " · ".join(parts), people, room)
