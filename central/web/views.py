"""Central's values as rows for the templates. Pure; called while a page is being rendered.

What needs words takes `translate`, so that it speaks the language of that page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from central.domain.clocks import SopClock, Step
from central.domain.findings import Finding, Verdict
from central.domain.sop import Event, State
from central.model import InboxItem, Move, Request, RoomCard, SessionRow, Wall
from central.web import findings as said
from central.web import words
from contract import Entry, EntryKind, Phase, SessionStatus
from webui.env import durasi, jam, tanggal_pendek
from webui.i18n import N_
from webui.reasons import Translate, sentence
from webui.timeline import Day, Slot, lay_out

OPENS_H = 7
CLOSES_H = 18
URGENT_SHARE = 0.3
"""A clock with less than this share left is shown in amber."""
CONFIRMED, LEADER, WAITING, CONFLICT = "confirmed", "leader", "waiting", "conflict"


@dataclass(frozen=True, slots=True)
class Pill:
    """State and words of a pill."""

    tone: str
    word: str


@dataclass(frozen=True, slots=True)
class StepShown:
    """One step of the SOP in the bar above a record."""

    label: str
    note: str
    step: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One thing that happened to a request."""

    at: datetime
    tone: str
    word: str
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One line of the verification table."""

    check: str
    tone: str
    word: str
    sentences: tuple[str, ...]
    fix: str
    changed: bool


@dataclass(frozen=True, slots=True)
class CardShown:
    """One room on the wall."""

    id: str
    name: str
    tone: str
    word: str
    at: datetime | None
    title: str
    reason: str
    href: str


@dataclass(frozen=True, slots=True)
class SlotShown:
    """One session or waiting request in the day's grid."""

    kind: str
    title: str
    note: str
    href: str
    leader: bool


def state_pill(request: Request, translate: Translate) -> Pill:
    """Return where a request stands."""
    word, tone = words.STATES[request.state]
    return Pill(tone, translate(word))


# the five steps of the SOP


def steps(request: Request, now: datetime, translate: Translate) -> list[StepShown]:
    """Return the bar of five steps as it stands at `now`."""
    course = _course(request.moves)
    clocks = {clock.step: clock for clock in request.clocks}
    arrived = "now" if request.state is State.RETURNED else "done"
    return [
        StepShown(translate(N_("Request")), _moment(request.submitted_at), arrived),
        _decided(
            translate(N_("Direction")),
            clocks.get(Step.DISPOSITION),
            _DIRECTION,
            course=course,
            now=now,
            translate=translate,
        ),
        _decided(
            translate(N_("Verification")),
            clocks.get(Step.VERIFICATION),
            _VERIFIED,
            course=course,
            now=now,
            translate=translate,
        ),
        _carried_out(request, course, now, translate),
        _reported(request, clocks.get(Step.REPORT), course, now, translate),
    ]


_DIRECTION: Mapping[Event, str] = {Event.ACCEPT: "done", Event.RETURN: "refused"}
_VERIFIED: Mapping[Event, str] = {Event.APPROVE: "done", Event.REFUSE: "refused", Event.OFFER: "refused"}


def _course(moves: tuple[Move, ...]) -> dict[Event, Move]:
    """Return the moves since the request was last sent in, by event."""
    course: dict[Event, Move] = {}
    for move in moves:
        if move.event is Event.RESUBMIT:
            course.clear()
        elif move.event is not None:
            course[move.event] = move
    return course


def _decided(
    label: str,
    clock: SopClock | None,
    ends: Mapping[Event, str],
    *,
    course: Mapping[Event, Move],
    now: datetime,
    translate: Translate,
) -> StepShown:
    ending = next((event for event in ends if event in course), None)
    if ending is not None and clock is not None:
        took = durasi(course[ending].at - clock.started_at)
        return StepShown(label, f"{_moment(course[ending].at)} · {took}", ends[ending])
    if clock is None or clock.done_at is not None:
        return StepShown(label, "", "later")
    return _running(label, clock, now, translate)


def _carried_out(request: Request, course: Mapping[Event, Move], now: datetime, translate: Translate) -> StepShown:
    label = translate(N_("Execution"))
    if Event.APPROVE not in course or Event.CANCEL in course:
        return StepShown(label, "", "later")
    if Event.REPORT in course or now >= request.ends:
        return StepShown(label, _moment(request.starts), "done")
    return StepShown(label, _moment(request.starts), "now" if now >= request.starts else "later")


def _reported(
    request: Request, clock: SopClock | None, course: Mapping[Event, Move], now: datetime, translate: Translate
) -> StepShown:
    label = translate(N_("Report"))
    closing = course.get(Event.REPORT) or course.get(Event.REFUSE)
    if closing is not None:
        return StepShown(label, _moment(closing.at), "done")
    if clock is None or clock.done_at is not None or now < request.ends:
        return StepShown(label, "", "later")
    return _running(label, clock, now, translate)


def _running(label: str, clock: SopClock, now: datetime, translate: Translate) -> StepShown:
    """Return a step whose clock runs; one that is late says so in a word, not by its colour alone."""
    late = clock.late(now)
    text = translate(N_("late, was due %(moment)s") if late else N_("due %(moment)s"))
    return StepShown(label, text % {"moment": _moment(clock.due)}, "late" if late else "now")


def _moment(at: datetime) -> str:
    return f"{tanggal_pendek(at)} {jam(at)}"


def history(request: Request) -> Iterator[HistoryLine]:
    """Yield what happened to a request, oldest first."""
    for move in request.moves:
        word, tone = words.EVENTS[move.event] if move.event else words.ARRIVAL
        yield HistoryLine(move.at, tone, word, move.actor, move.reason)


# verification


def finding_rows(
    findings: Iterable[Finding], translate: Translate, before: Mapping[str, str] | None = None
) -> Iterator[FindingRow]:
    """Yield the lines of the table; `before` (rule to code) marks those that changed since."""
    for finding in findings:
        word, tone = words.VERDICTS[finding.verdict]
        yield FindingRow(
            check=translate(words.CONSIDERATIONS[finding.consideration]),
            tone=tone,
            word=translate(word),
            sentences=said.sentences(finding, translate),
            fix=said.fix(finding, translate),
            changed=before is not None and before.get(finding.rule) != finding.code,
        )


# inbox


def item_pills(item: InboxItem, translate: Translate) -> Iterator[Pill]:
    """Yield what the list says about a waiting request: its clock first, then why it matters."""
    if item.clock is not None and item.remaining is not None:
        allowed = item.allowed or item.clock.due - item.clock.started_at
        yield _clock_pill(item.clock.step, item.remaining, allowed, late=item.late, translate=translate)
    if item.request.forwarded_name and item.request.state is State.DISPOSED:
        yield Pill("offline", translate(N_("for %(name)s")) % {"name": item.request.forwarded_name})
    if item.request.leader.takes_part:
        yield Pill("live", translate(N_("leader's priority")))
    elif item.verdict is Verdict.PASS:
        yield Pill("ready", translate(N_("no finding")))
    elif item.verdict is Verdict.FAIL:
        yield Pill("fault", translate(N_("finding")))


def _clock_pill(of: Step, remaining: timedelta, allowed: timedelta, *, late: bool, translate: Translate) -> Pill:
    step = translate(words.CLOCKS[of])
    if late:
        return Pill("fault", translate(N_("%(step)s %(span)s late")) % {"step": step, "span": durasi(-remaining)})
    urgent = remaining < URGENT_SHARE * allowed
    text = translate(N_("%(span)s left for %(step)s")) % {"step": step, "span": durasi(remaining)}
    return Pill("degraded" if urgent else "busy", text)


# the wall


def cards(wall: Wall, translate: Translate) -> Iterator[CardShown]:
    """Yield the rooms of the wall."""
    for card in wall.cards:
        word, tone = words.ROOMS[card.shown]
        on = _on(card)
        session = on or card.next
        yield CardShown(
            id=card.room.id,
            name=card.room.name,
            tone=tone,
            word=translate(word),
            at=card.next.planned.start if card.next and not on else None,
            title=session.planned.title if session else "",
            reason=_card_reason(card, wall.at, translate),
            href=f"/sesi/{session.planned.id}" if session else f"/ruang/{card.room.id}",
        )


def _on(card: RoomCard) -> SessionRow | None:
    """Return the session that is on: by its plan, or begun by a person before its time."""
    return card.now or (card.next if card.shown == "busy" else None)


def _card_reason(card: RoomCard, now: datetime, translate: Translate) -> str:
    """Return the one line that matters most about a room."""
    if card.shown == "unknown":
        return translate(N_("no word from its agent yet"))
    if card.shown == "offline":
        return translate(N_("last seen %(moment)s")) % {"moment": _seen(card.last_seen, now)}
    if (on := _on(card)) is not None:
        left = translate(N_("%(span)s left")) % {"span": durasi(on.planned.end - now)}
        return f"{left} · {sentence(card.reasons[0], translate)}" if card.reasons else left
    if card.reasons:
        return sentence(card.reasons[0], translate)
    if card.next is not None and card.next.planned.prepare_at > now:
        return translate(N_("prepares itself at %(moment)s")) % {"moment": jam(card.next.planned.prepare_at)}
    return translate(N_("%(ok)s of %(all)s devices in order")) % {"ok": card.devices_ok, "all": card.devices_all}


def _seen(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "—"
    return jam(at) if now - at < timedelta(hours=12) else _moment(at)


def counts(wall: Wall, translate: Translate) -> Iterator[Pill]:
    """Yield how many rooms are how; what nobody is in is left out."""
    found: dict[tuple[str, str], int] = {}
    for shown, (word, tone) in words.ROOMS.items():
        number = sum(card.shown == shown for card in wall.cards)
        if number:
            found[tone, word] = number
    for (tone, word), number in found.items():
        yield Pill(tone, f"{number} {translate(word).lower()}")


def day_of(wall: Wall, first: datetime) -> Day:
    """Return the wall's day laid out; `first` is its midnight, hours grow to hold what lies outside."""
    slots = [
        *(_session_slot(row) for row in _taking_place(wall)),
        *(_request_slot(request) for request in wall.waiting),
    ]
    start, end = first + timedelta(hours=OPENS_H), first + timedelta(hours=CLOSES_H)
    within = [slot for slot in slots if slot.end > first and slot.start < first + timedelta(days=1)]
    start = min([start, *(_hour(max(slot.start, first)) for slot in within)])
    end = max([end, *(_hour(slot.end + timedelta(minutes=59)) for slot in within)])
    return lay_out([card.room.id for card in wall.cards], slots, start, min(end, first + timedelta(days=1)))


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _taking_place(wall: Wall) -> list[SessionRow]:
    return [row for row in wall.sessions if row.status is not SessionStatus.CANCELLED]


def _session_slot(row: SessionRow) -> Slot:
    return Slot(row.room.id, row.planned.id, row.planned.start, row.planned.end)


def _request_slot(request: Request) -> Slot:
    return Slot(request.room.id, request.id, request.starts, request.ends)


def slots(wall: Wall, translate: Translate) -> dict[str, SlotShown]:
    """Return what stands in the grid, by the key of its place."""
    shown: dict[str, SlotShown] = {}
    for row in _taking_place(wall):
        leader = row.leader.takes_part
        href = f"/sesi/{row.planned.id}"
        kind = LEADER if leader else CONFIRMED
        shown[row.planned.id] = SlotShown(kind, row.planned.title, row.planned.agency, href, leader)
    for request in wall.waiting:
        rival = _rival(request, _taking_place(wall))
        kind = CONFLICT if rival else WAITING
        note = _waiting_note(request, rival, translate)
        href = f"/permohonan/{request.id}"
        shown[request.id] = SlotShown(kind, request.title, note, href, request.leader.takes_part)
    return shown


def _rival(request: Request, sessions: Iterable[SessionRow]) -> SessionRow | None:
    """Return a confirmed session that holds the wished room at the wished time, its buffers included."""
    for row in sessions:
        begins, ends = row.planned.start - row.planned.setup, row.planned.end + row.planned.teardown
        if row.room.id == request.room.id and begins < request.ends and request.starts < ends:
            return row
    return None


def _waiting_note(request: Request, rival: SessionRow | None, translate: Translate) -> str:
    if rival is not None:
        return translate(N_("clashes with %(title)s")) % {"title": rival.planned.title}
    return translate(words.STATES[request.state][0]).lower()


def phase_pill(phase: str, translate: Translate) -> Pill:
    """Return where a session stands in its room; an unknown word is shown as it is."""
    word, tone = words.PHASES.get(phase or Phase.PLANNED, (phase, "offline"))
    return Pill(tone, translate(word))


def agenda(day: Day) -> list[Slot]:
    """Return what stands in the grid in order of time, for screens too narrow for a grid."""
    found = (placed.slot for lane in day.lanes for placed in lane.slots)
    return sorted(found, key=lambda slot: (slot.start, slot.end, slot.lane))


def rows_of(day: Day) -> int:
    """Return how many rows the whole grid has, with the hours on top."""
    return 1 + sum(lane.rows for lane in day.lanes)


def phase_of(row: SessionRow, entries: Iterable[Entry]) -> str:
    """Return the phase a session came into last; before its room says anything it is planned, or called off."""
    if row.status is SessionStatus.CANCELLED:
        return Phase.CANCELLED
    moved = [str(entry.body.get("phase")) for entry in entries if entry.kind == EntryKind.PHASE_CHANGED]
    return moved[-1] if moved else Phase.PLANNED
