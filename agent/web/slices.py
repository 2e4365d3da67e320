"""A room's view as slices for the live socket and as rows for the templates. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from agent.alarm import alarming
from agent.web.face import (
    ChecklistItem,
    Label,
    Phase,
    Preset,
    PresetRun,
    Readiness,
    RoomFacts,
    RoomView,
    RunState,
    SessionView,
)
from agent.web.hearing import silence
from drivers.outcomes import Condition, Measure, Reason, Verdict
from webui.i18n import DEFAULT, N_, current_language
from webui.live import Json

PILLS: dict[Readiness, tuple[str, str]] = {
    Readiness.READY: ("ready", N_("Ready")),
    Readiness.DEGRADED: ("degraded", N_("Limited")),
    Readiness.NOT_READY: ("fault", N_("Not ready")),
    Readiness.UNKNOWN: ("offline", N_("Checking")),
}
BUSY_PILLS: dict[Phase, tuple[str, str]] = {
    Phase.LIVE: ("live", N_("Live")),
    Phase.PREPARING: ("busy", N_("Preparing")),
    Phase.ENDING: ("busy", N_("Ending")),
}
CONDITIONS: dict[Condition | None, tuple[str, str]] = {
    Condition.OK: ("ready", N_("In order")),
    Condition.DEGRADED: ("degraded", N_("Limited")),
    Condition.FAULT: ("fault", N_("Fault")),
    Condition.ABSENT: ("fault", N_("No answer")),
    None: ("offline", N_("Checking")),
}
VERDICTS: dict[Verdict, tuple[str, str]] = {
    Verdict.PASS: ("ready", N_("In order")),
    Verdict.WARN: ("degraded", N_("Limited")),
    Verdict.FAIL: ("fault", N_("Fault")),
    Verdict.UNPROVEN: ("unconfirmed", N_("Unproven")),
}
PORTS: dict[str, str] = {"microphone": N_("Microphone"), "speaker": N_("Loudspeaker")}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not right: a device, or a preset that failed."""

    state: str
    subject: str
    reason: Reason | None
    word: str
    since: datetime | None
    measure: Measure | None = None


WOULD: dict[str, tuple[str, str]] = {
    "run": ("ready", N_("would be done")),
    "skip": ("degraded", N_("would be left out")),
    "ask": ("unconfirmed", N_("if its condition is met")),
    "jump": ("fault", N_("refused while live: louder by more than 6 dB at once")),
    "unknown": ("offline", N_("not looked at yet")),
    "fail": ("fault", N_("would fail: no answer")),
}


def running(facts: RoomFacts, view: RoomView) -> list[tuple[Preset, PresetRun]]:
    """Return the presets that run, with their runs."""
    runs = ((preset, view.runs.get(preset.name, PresetRun())) for preset in facts.presets)
    return [(preset, run) for preset, run in runs if run.state is RunState.RUNNING]


def preset_label(facts: RoomFacts, name: str) -> str:
    """Return what a preset is called."""
    return next((label(preset.label, name) for preset in facts.presets if preset.name == name), name)


def label(words: Label, fallback: str) -> str:
    """Return a label of the room file in the reader's language."""
    return words.get(current_language()) or words.get(DEFAULT) or fallback


def pill(view: RoomView) -> tuple[str, str]:
    """Return state and English word of the room's pill: what it does comes before how it is."""
    return BUSY_PILLS.get(view.phase) or PILLS[view.readiness]


def findings(facts: RoomFacts, view: RoomView) -> list[Finding]:
    """Return what is not right, worst first."""
    found = [*_failed_runs(facts, view), *_devices_amiss(view)]
    rank = {"fault": 0, "degraded": 1, "unconfirmed": 2, "offline": 3}
    return sorted(found, key=lambda finding: rank.get(finding.state, 4))


def _failed_runs(facts: RoomFacts, view: RoomView) -> Iterator[Finding]:
    for preset in facts.presets:
        run = view.runs.get(preset.name)
        if run and run.state is RunState.FAILED:
            yield Finding("fault", label(preset.label, preset.name), run.reason, N_("Failed"), run.at)


def _devices_amiss(view: RoomView) -> Iterator[Finding]:
    for device in view.devices:
        health = device.health
        if health is not None and health.condition is Condition.OK:
            continue
        state, word = CONDITIONS[health.condition if health else None]
        alarms = alarming(health).values()
        for alarm in alarms:
            yield Finding("fault", device.name, alarm.reason, N_("Alarm"), device.since, alarm)
        if health and health.reason in [alarm.reason for alarm in alarms]:
            continue
        worst = next((m for m in health.measures if m.reason and m.reason == health.reason), None) if health else None
        yield Finding(state, device.name, health.reason if health else None, word, device.since, worst)


def counts(facts: RoomFacts, view: RoomView) -> tuple[int, int]:
    """Return how many devices and ticks are in order, and how many there are."""
    good = sum(1 for device in view.devices if device.health and device.health.condition is Condition.OK)
    items = checklist(facts, view.session)
    ticked = sum(1 for item in items if item.id in view.ticks)
    return good + ticked, len(view.devices) + len(items)


def checklist(facts: RoomFacts, session: SessionView | None) -> tuple[ChecklistItem, ...]:
    """Return what a person must tick for a session: the room's own list, then what central adds for this one."""
    known = {item.id for item in facts.checklist}
    own = () if session is None else session.checklist
    return (*facts.checklist, *(item for item in own if item.id not in known))


def finished(view: RoomView) -> tuple[SessionView, ...]:
    """Return the sessions that are over and not shown any more: their lists and notes can still be completed."""
    return tuple(one for one in view.notable if view.session is None or one.id != view.session.id)


def slices(facts: RoomFacts, view: RoomView) -> dict[str, Json]:
    """Return the view as JSON; a page fetches the parts again that depend on a changed slice."""
    return {
        "room": {"readiness": view.readiness.value, "phase": view.phase.value},
        "session": {
            "now": _session(view.session),
            "next": _session(view.upcoming),
            "notable": [session.id for session in view.notable],
        },
        "devices": _devices(view),
        "presets": {preset.name: _preset(preset.name, view) for preset in facts.presets},
        "asked": [[question.run, question.step] for question in view.questions],
        "ticks": [view.session.id if view.session else "", *sorted(view.ticks), *_finished_ticks(view)],
        "sound": _sound(facts, view),
        "silence": {"state": silence(view)},
        "tone": _tone(view),
        "central": {"online": view.central_online},
        "mode": "automatic" if view.manual is None else view.manual.since.isoformat(),
    }


def _finished_ticks(view: RoomView) -> list[Json]:
    return [[session.id, *sorted(session.ticks)] for session in finished(view)]


def _sound(facts: RoomFacts, view: RoomView) -> Json:
    ports: dict[str, Json] = {
        port: [view.muted.get(port), view.gains_db.get(port), view.silenced] for port in facts.sound_ports
    }
    alarms: list[Json] = [[alarm.alarm, alarm.since.isoformat(), alarm.critical] for alarm in view.alarms]
    return {**ports, "alarms": alarms}


def _tone(view: RoomView) -> Json:
    tone = view.tone
    return {
        "task": tone.task.value,
        "stage": tone.stage.value,
        "at": tone.at.isoformat() if tone.at else None,
        "announced": "true" if view.announced else "false",
        "until": tone.until.isoformat() if tone.until else None,
        "checked": view.checked.at.isoformat() if view.checked and view.checked.at else None,
    }


def picture_address(name: str, view: RoomView) -> str | None:
    """Return where a preset's picture is; another picture has another address."""
    tag = view.pictures.get(name)
    return None if tag is None else f"/presets/{name}.jpg?{tag}"


def _preset(name: str, view: RoomView) -> Json:
    return {**_run(view.runs.get(name, PresetRun())), "picture": picture_address(name, view)}


def _session(session: SessionView | None) -> Json:
    if session is None:
        return None
    return {
        "id": session.id,
        "title": session.title,
        "start": session.start.isoformat(),
        "end": session.end.isoformat(),
        "live": session.started_at is not None and session.ended_at is None,
        "incidents": session.incidents,
        "reported": session.reported,
        "over_run": session.over_run,
        "held_back": session.held_back,
    }


def _devices(view: RoomView) -> Json:
    rows: list[Json] = []
    for device in view.devices:
        health = device.health
        measures: list[Json] = [[m.name, m.value, m.verdict.value] for m in health.measures] if health else []
        rows.append([device.name, health.condition.value if health else None, measures])
    return rows


def _run(run: PresetRun) -> dict[str, Json]:
    return {
        "run": run.state.value,
        "done": "true" if run.state is RunState.DONE else "false",
        "busy": "true" if run.state is RunState.RUNNING else "false",
        "at": run.at.isoformat() if run.at else None,
        "step": run.step,
    }
