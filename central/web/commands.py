"""One room as it is, what can be ordered of it from afar, and the stop of all rooms.

Every order is looked at once more on a page of its own before it is sent, so it works
without scripts and no slip of a finger moves a room. The order's id stands in that page:
sending it twice is sending it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from central.api.guard import requires
from central.commands import STOP_ALL, Kind, Order, Scalar
from central.errors import Invalid, NotFound, Refused
from central.model import Person, RoomCommand, RoomNow, Wall
from central.permissions import Action, may
from central.web import views
from central.web.access import Ask, Parts, Typed, number, text
from central.web.site import see_other
from central.web.told import fields, label_of, values
from contract import Condition, Fault, new_id
from contract.messages import OfferedPreset
from webui.i18n import N_, current_language
from webui.reasons import Translate, sentence

router = APIRouter(include_in_schema=False)

Viewer = Annotated[Person, Depends(requires(Action.SEE_ROOMS))]
Commander = Annotated[Person, Depends(requires(Action.COMMAND_ROOM))]
Stopper = Annotated[Person, Depends(requires(Action.STOP_ALL))]

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "prepare": (
        N_("Prepare now"),
        N_("The room prepares itself for its next session at once, as it would shortly before the start."),
    ),
    "run_preset": (N_("Run a preset"), N_("The room does what the button on its tablet does.")),
    "recheck": (N_("Check again"), N_("The room looks at all its devices anew. Nothing moves.")),
    "cancel": (N_("Cancel what runs"), N_("Presets that run in the room are cancelled and taken back.")),
    STOP_ALL: (N_("Emergency stop"), N_("Everything stops, and the room goes to its safe state.")),
}
"""What each order is called, and what it does."""
STATUSES: Final[Mapping[str, tuple[str, str]]] = {
    "sent": (N_("Sent"), "busy"),
    "accepted": (N_("The room has it"), "busy"),
    "progress": (N_("Under way"), "busy"),
    "ok": (N_("Done"), "ready"),
    "failed": (N_("Not reached"), "fault"),
    "rejected": (N_("The room refused"), "fault"),
    "expired": (N_("Came too late, not done"), "degraded"),
    "duplicate": (N_("Outcome not known"), "degraded"),
    "offline": (N_("Room offline, not sent"), "offline"),
    "unsent": (N_("Not sent: no link to the broker"), "fault"),
    "silent": (N_("No answer from the room"), "degraded"),
}
CONDITIONS: Final[Mapping[Condition, tuple[str, str]]] = {
    Condition.OK: (N_("In order"), "ready"),
    Condition.DEGRADED: (N_("Limited"), "degraded"),
    Condition.FAULT: (N_("Fault"), "fault"),
    Condition.ABSENT: (N_("No answer"), "fault"),
}
WORD: Final = {"id": "BERHENTI", "en": "STOP"}
"""What has to be typed before all rooms stop."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One order and how it stands."""

    at: datetime
    what: str
    by: str
    tone: str
    word: str
    note: str
    room: str


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """One device of a room."""

    name: str
    tone: str
    word: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One open problem."""

    tone: str
    text: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Button:
    """A preset that can be run."""

    name: str
    label: str


def _room_parts(request: Request, parts: Parts, person: Person, room_id: str) -> dict[str, object]:
    found, orders = parts.board.room(room_id), parts.services.commands.of_room(room_id)
    now = Wall(parts.desk.now(), (found.card,), (), ())
    listed = parts.site.listed
    return {
        "room": found,
        "card": listed(request, lambda translate: views.cards(now, translate))[0],
        "devices": listed(request, lambda translate: _devices(found, translate)),
        "alerts": listed(request, lambda translate: _alerts(found, translate)),
        "buttons": listed(request, lambda _: _buttons(found)),
        "orders": listed(request, lambda translate: [_line(one, found, translate) for one in orders]),
        "may_command": may(person, Action.COMMAND_ROOM),
        "is_there": found.card.readiness is not None,
    }


def _buttons(found: RoomNow) -> Iterator[Button]:
    for preset in found.presets:
        yield Button(preset.name, label_of(preset.label, preset.name))


def _devices(found: RoomNow, translate: Translate) -> Iterator[DeviceLine]:
    for name, device in found.state.devices.items() if found.state is not None else ():
        word, tone = CONDITIONS[device.condition]
        yield DeviceLine(name, tone, translate(word), sentence(device.reason, translate) if device.reason else "")


def _alerts(found: RoomNow, translate: Translate) -> Iterator[AlertLine]:
    for alert in found.alerts:
        tone = "fault" if alert.severity == "critical" else "degraded"
        yield AlertLine(tone, sentence(alert.fault, translate), alert.raised_at)


def _line(order: RoomCommand, room: RoomNow | None, translate: Translate) -> CommandLine:
    word, tone = STATUSES.get(order.status, (order.status, "offline"))
    offered = {preset.name: preset.label for preset in room.presets} if room is not None else {}
    what = translate(KINDS[order.kind][0]) if order.kind in KINDS else order.kind
    if order.kind == "run_preset" and order.preset:
        what = label_of(offered.get(order.preset, {}), order.preset)
    note = ""
    if order.reason is not None:
        note = sentence(order.reason, translate)
    elif order.status == "progress":
        note = translate(N_("step %(step)s of %(steps)s")) % {"step": order.step, "steps": order.steps}
    name = room.card.room.name if room is not None else order.room_id
    return CommandLine(order.issued_at, what, order.by, tone, translate(word), note, name)


@router.get("/ruang/{room_id}")
def room(request: Request, parts: Ask, person: Viewer, room_id: str) -> Response:
    """Show one room: how it is, what is wrong, what was ordered."""
    context = _room_parts(request, parts, person, room_id)
    return parts.site.page(request, "room.html", person, context, hub=parts.site.hub)


@router.get("/f/ruang/{room_id}")
def room_part(request: Request, parts: Ask, person: Viewer, room_id: str) -> Response:
    """Return what changes of a room's page."""
    return parts.site.part(request, "f/room.html", _room_parts(request, parts, person, room_id))


@router.get("/ruang/{room_id}/perintah")
def confirm(request: Request, parts: Ask, person: Commander, room_id: str) -> Response:
    """Ask once more before a room is ordered to do something."""
    query = request.query_params
    return _confirm(request, parts, person, room_id, kind=query.get("jenis", ""), preset=query.get("preset", ""))


def _confirm(
    request: Request,
    parts: Parts,
    person: Person,
    room_id: str,
    *,
    kind: str,
    preset: str,
    typed: Mapping[str, str] | None = None,
    said: str = "",
    status: int = 200,
) -> Response:
    if kind not in KINDS or kind == STOP_ALL:
        raise NotFound("command", kind)
    found = parts.board.room(room_id)
    label = parts.site.listed(request, lambda _: [b.label for b in _buttons(found) if b.name == preset])
    title, does = KINDS[kind]
    return parts.site.page(
        request,
        "room_command.html",
        person,
        status=status,
        room=found,
        kind=kind,
        preset=preset,
        fields=parts.site.listed(request, lambda translate: fields(_preset(found, preset), typed or {}, translate)),
        what=label[0] if label else parts.site.say(request, title),
        does=parts.site.say(request, does),
        is_there=found.card.readiness is not None,
        live=found.card.phase == "live",
        ident=new_id(),
        refused=said,
    )


@router.post("/ruang/{room_id}/perintah")
def give(request: Request, parts: Ask, person: Commander, room_id: str, form: Typed) -> Response:
    """Order it."""
    kind, preset = text(form, "kind"), text(form, "preset")
    typed = {name: text(form, name) for name in form}
    told = values(_preset(parts.board.room(room_id), preset), typed)
    if told is None:
        return _confirm(request, parts, person, room_id, kind=kind, preset=preset, typed=typed, status=422)
    try:
        parts.services.commands.give(room_id, _order(form, kind, preset, told), person)
    except (Invalid, Refused) as error:
        said = _said(request, parts, error)
        return _confirm(request, parts, person, room_id, kind=kind, preset=preset, typed=typed, said=said, status=409)
    return see_other(f"/ruang/{room_id}#perintah")


def _preset(found: RoomNow, name: str) -> OfferedPreset | None:
    return next((preset for preset in found.presets if preset.name == name), None)


def _order(form: FormData, kind: str, preset: str, told: Mapping[str, Scalar]) -> Order:
    """Return what was ordered.

    Raises:
        NotFound: there is no such order.
    """
    kinds: dict[str, Kind] = {
        "prepare": "prepare",
        "run_preset": "run_preset",
        "recheck": "recheck",
        "cancel": "cancel",
    }
    if kind not in kinds:
        raise NotFound("command", kind)
    return Order(kinds[kind], preset or None, told, schedule_rev=number(form, "rev"), id=text(form, "id")[:64])


def _said(request: Request, parts: Parts, error: Invalid | Refused) -> str:
    """Return why an order was not given."""
    reason = Fault(code=error.code, detail=str(error))
    return parts.site.listed(request, lambda translate: [sentence(reason, translate)])[0]


# The stop of all rooms.


@router.get("/darurat")
def emergency(request: Request, parts: Ask, person: Stopper) -> Response:
    """Ask, in full, before everything stops; or show what became of a stop."""
    return _emergency(request, parts, person)


def _emergency(
    request: Request, parts: Parts, person: Person, *, reason: str = "", mistakes: Mapping[str, str] | None = None
) -> Response:
    ident = request.query_params.get("id", "")
    now = Wall(parts.desk.now(), parts.board.rooms(), (), ())
    return parts.site.page(
        request,
        "emergency.html",
        person,
        status=422 if mistakes else 200,
        cards=parts.site.listed(request, lambda translate: views.cards(now, translate)),
        word=parts.site.listed(request, lambda _: [WORD[current_language()]])[0],
        reason=reason,
        mistakes=mistakes or {},
        ident=ident,
        new_ident=new_id(),
        orders=_stopped(request, parts, ident) if ident else [],
        hub=parts.site.hub,
    )


def _stopped(request: Request, parts: Parts, ident: str) -> list[CommandLine]:
    found = parts.services.commands.of_stop(ident)
    if not found:
        raise NotFound("command", ident)
    names = {card.room.id: card.room.name for card in parts.board.rooms()}

    def lines(translate: Translate) -> Iterator[CommandLine]:
        for one in found:
            line = _line(one, None, translate)
            yield CommandLine(
                line.at, line.what, line.by, line.tone, line.word, line.note, names.get(one.room_id, one.room_id)
            )

    return parts.site.listed(request, lines)


@router.get("/f/darurat/{ident}")
def emergency_part(request: Request, parts: Ask, _person: Stopper, ident: str) -> Response:
    """Return what became of a stop."""
    return parts.site.part(request, "f/emergency.html", {"orders": _stopped(request, parts, ident)})


@router.post("/darurat")
def stop_all(request: Request, parts: Ask, person: Stopper, form: Typed) -> Response:
    """Stop all rooms, when the word was typed and a reason given."""
    reason, typed = text(form, "reason"), text(form, "word").strip().upper()
    mistakes = {}
    if typed not in WORD.values():
        mistakes["word"] = parts.site.say(
            request, N_("Type the word exactly, so that nobody stops everything by a slip.")
        )
    if not reason.strip():
        mistakes["reason"] = parts.site.say(request, N_("A reason is wanted; every room writes it down."))
    if mistakes:
        return _emergency(request, parts, person, reason=reason, mistakes=mistakes)
    ident = text(form, "id")[:64] or new_id()
    parts.services.commands.stop_all(reason, person, ident=ident)
    return see_other(f"/darurat?id={ident}")
