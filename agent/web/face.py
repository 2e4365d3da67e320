"""What the tablet page needs of a room: the engine of the agent satisfies `RoomFace`.

The page never asks a device. It shows `view()`, which the engine makes from what it last
measured, and hands presses on; what a press did shows in the next view, not in its answer.

Everything here is called in the agent's event loop. `view()` must be cheap (no input or
output): it is called after every change and once per new page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Protocol

from agent.levels import Second
from agent.tone import Answer, HeldBaseline, Task, Tone
from drivers.outcomes import Health, Reason
from drivers.ports import Level

Label = Mapping[str, str]
"""Words of the room file by language: `{"id": "Siap", "en": "Ready"}`."""


class Readiness(StrEnum):
    """The verdict over all devices and open ticks."""

    UNKNOWN = "unknown"
    """Nothing was measured yet, or too long ago."""
    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not_ready"


class Phase(StrEnum):
    """Where the room is with the session it holds."""

    IDLE = "idle"
    """A session may be known, its preparation has not begun."""
    PREPARING = "preparing"
    PREPARED = "prepared"
    LIVE = "live"
    ENDING = "ending"
    ENDED = "ended"
    """Shown until the next session's preparation begins."""


class RunState(StrEnum):
    """Where a preset's last run is; a button shows nothing else."""

    IDLE = "idle"
    """Never run, or no longer true because another preset or a person changed the room."""
    RUNNING = "running"
    DONE = "done"
    """Every step completed and every step that asked for it was verified."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ManualView:
    """The room runs by hand alone."""

    since: datetime


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """What does not change while the agent runs."""

    id: str
    name: str
    zone: tzinfo
    presets: tuple[Preset, ...] = ()
    checklist: tuple[ChecklistItem, ...] = ()
    cameras: tuple[str, ...] = ()
    """Devices that can be driven, in the order of the room file."""
    sound_ports: tuple[str, ...] = ()
    """What can be muted: `microphone`, `speaker`."""
    has_programme: bool = False
    """Whether there may be a picture of what is on air."""
    can_silence: bool = False
    """Whether one touch can mute everything."""
    can_calibrate: bool = False
    """Whether the sound can be measured once and held against that."""
    drill: bool = False
    """Whether this is an exercise on simulated devices."""


@dataclass(frozen=True, slots=True)
class Preset:
    """One button."""

    name: str
    label: Label
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a preset may be told."""

    name: str
    type: str
    """`integer`, `number`, `text` or `switch`."""
    default: bool | int | float | str
    label: Label = field(default_factory=dict)
    range: tuple[float, float] | None = None
    choices: tuple[bool | int | float | str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeseenStep:
    """One step of a preset as it would go now."""

    device: str
    verb: str
    arguments: Mapping[str, object]
    takes: timedelta
    would: str
    """`run`, `fail`, `unknown`, `skip`, `ask` or `jump` (`agent.rehearsal`)."""
    optional: bool
    starts_with: int
    """Steps with the same number start together."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """What a press on a preset would do now, without telling any device."""

    takes: timedelta
    at_most: timedelta
    good: bool
    steps: tuple[ForeseenStep, ...]


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One tick that a person must make."""

    id: str
    label: Label


@dataclass(frozen=True, slots=True)
class Tick:
    """A checklist item that somebody ticked."""

    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as central published it; times are aware."""

    id: str
    title: str
    agency: str
    leader: bool
    start: datetime
    end: datetime
    """With every extension."""
    prepare_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    incidents: int = 0
    reported: bool = False
    """Central has the report and acknowledged it."""
    over_run: bool = False
    """Its end has come, and it goes on."""
    held_back: bool = False
    """A person cancelled its preparation, which waits for a person now."""
    checklist: tuple[ChecklistItem, ...] = ()
    """What central wants ticked for this session, beside the room's own list."""
    ticks: Mapping[str, Tick] = field(default_factory=dict)
    """By checklist item; a missing one is open."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device as it was last found."""

    name: str
    required: bool
    health: Health | None
    """None while it was not looked at yet."""
    looked_at: datetime | None = None
    since: datetime | None = None
    """Since when its condition is what it is."""


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a run that has ended, or has not."""

    device: str
    verb: str
    arguments: Mapping[str, object]
    outcome: str | None = None
    """How it ended (`webui.verbs.OUTCOMES`); none: not yet."""
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A late step of which a person must say whether it is done."""

    run: str
    step: str
    preset: str
    device: str
    verb: str
    arguments: Mapping[str, object]
    until: datetime


@dataclass(frozen=True, slots=True)
class PresetRun:
    """The last run of one preset."""

    state: RunState = RunState.IDLE
    step: int = 0
    steps: int = 0
    reason: Reason | None = None
    """Why it failed: the first step that did."""
    at: datetime | None = None
    ends: tuple[StepView, ...] = ()
    """Its steps in their order."""


@dataclass(frozen=True, slots=True)
class SoundAlarmView:
    """An open alarm of the room's sound; it only tells."""

    alarm: str
    """Which: `howl`, `silence`, …"""
    device: str
    reason: Reason
    since: datetime
    critical: bool = False


class Shot(Protocol):
    """A small picture."""

    @property
    def jpeg(self) -> bytes:
        """The picture."""

    @property
    def at(self) -> datetime:
        """When it was taken."""

    @property
    def tag(self) -> str:
        """Differs when the picture does."""


@dataclass(frozen=True, slots=True)
class RoomView:
    """All that changes, at one moment."""

    readiness: Readiness
    phase: Phase
    session: SessionView | None = None
    """The one being prepared, live or just ended; else the next one if it is today's business."""
    upcoming: SessionView | None = None
    """The one after `session`."""
    notable: tuple[SessionView, ...] = ()
    """Those that a note or a tick may be about, the likeliest first: the one shown and the ones that are over."""
    devices: tuple[DeviceView, ...] = ()
    """In the order of the room file."""
    runs: Mapping[str, PresetRun] = field(default_factory=dict)
    """By preset name; a missing one is idle."""
    questions: tuple[QuestionView, ...] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)
    """Presets that have a picture of what they last made, with what tells it from an earlier one."""
    muted: Mapping[str, bool | None] = field(default_factory=dict)
    """By sound port; None while nobody knows."""
    manual: ManualView | None = None
    """Set while the room does nothing by itself."""
    gains_db: Mapping[str, float | None] = field(default_factory=dict)
    """By sound port, where its gain stands; None while nobody knows."""
    all_muted: bool = False
    """Every port and every channel of a mixer reads back as muted."""
    silenced: bool = False
    """Everything was muted by one touch, and nothing was opened since."""
    silencing: PresetRun = PresetRun()
    """The last touch of that button."""
    alarms: tuple[SoundAlarmView, ...] = ()
    """Of the sound, the oldest first."""
    tone: Tone = field(default_factory=Tone)
    """The sound check or calibration that is going, or went last."""
    checked: Tone | None = None
    """The last sound check that was carried out."""
    held: HeldBaseline | None = None
    """How the room sounded when it was calibrated."""
    announced: bool = False
    """A test tone is about to be heard, or is."""
    central_online: bool = False
    """Whether the link to central's broker is up now."""
    waiting_to_send: int = 0
    """Journal entries that central has not acknowledged."""

    @property
    def ticks(self) -> Mapping[str, Tick]:
        """The ticks of the session that is shown."""
        return {} if self.session is None else self.session.ticks


class Refused(Exception):
    """The room will not do that now; `reason.code` is stable and is put into the reader's language."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.detail)
        self.reason = reason


class RoomFace(Protocol):
    """A room, seen from its tablet.

    Every action returns once it is accepted, not once it is done: accepted work runs on in
    the engine's own tasks, whatever becomes of the page. Every action may raise `Refused`.
    `who` says where the press came from, for the journal.
    """

    @property
    def facts(self) -> RoomFacts:
        """What does not change."""

    def view(self) -> RoomView:
        """Return what is so now."""

    def meters(self) -> Mapping[str, Level]:
        """Return the newest level by sound port; empty while nothing is measured. Asked twenty times a second."""

    def programme(self) -> Shot | None:
        """Return the newest picture of what is on air; asking has more taken for some seconds."""

    def preset_picture(self, name: str) -> Shot | None:
        """Return the picture of what a preset last made."""

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` whenever `view()` would differ; returns what ends that. Calls may come in bursts."""

    def foresee(self, name: str) -> Foresight:
        """Return what a press on a preset would do now."""

    async def run_preset(self, name: str, *, who: str, values: Mapping[str, object] | None = None) -> None:
        """Start a preset; its run shows as running before this returns."""

    async def cancel(self, name: str, *, who: str) -> None:
        """End the run of a preset at once; what says how is taken back."""

    async def decide(self, run: str, step: str, do: bool, *, who: str) -> None:
        """Say whether a late step is done."""

    async def prepare(self, *, who: str) -> None:
        """Prepare the session of the view at once."""

    async def start_session(self, *, who: str) -> None:
        """Go live with the session of the view."""

    async def end_session(self, *, who: str) -> None:
        """End the live session."""

    async def extend(self, by: timedelta, *, who: str, confirmed: bool = False) -> None:
        """Move the end of the live session; `confirmed` lets it take from the next one's preparation."""

    async def tick(self, item: str, on: bool, *, who: str, session: str | None = None) -> None:
        """Set or take back a tick of the checklist."""

    async def note(self, text: str, *, who: str, session: str | None = None) -> None:
        """Write an incident into the journal of a session, also of one that is over; without one, of the one shown."""

    async def go_automatic(self, *, who: str) -> None:
        """Follow the schedule again, after the room ran by hand alone."""

    async def recheck(self, *, who: str) -> None:
        """Look at every device again now."""

    async def mute(self, port: str, on: bool, *, who: str) -> None:
        """Mute or open a sound port."""

    async def mute_all(self, *, who: str) -> None:
        """Mute everything in the room, before whatever waits."""

    async def gain(self, port: str, db: float, *, who: str) -> None:
        """Set the gain of a sound port in dB."""

    async def begin_tone(self, task: Task, *, who: str) -> None:
        """Begin a sound check or a calibration."""

    async def answer_tone(self, heard: Answer, *, who: str) -> None:
        """Say whether the tones of a calibration were heard."""

    async def cancel_tone(self, *, who: str) -> None:
        """Cut off what is going at once."""

    def levels(self) -> Sequence[Second]:
        """Return mean and peak of the latest seconds in dBFS, oldest first; nothing where nothing was measured."""

    async def drive(
        self,
        camera: str,
        pan: float,
        tilt: float,
        zoom: float,
        *,
        lease: timedelta,
        owner: str,
        take_over: bool,
    ) -> None:
        """Move a camera with speeds from -1 to 1 for at most `lease`; called again before it ends to go on.

        While another `owner` moves it, only who says `take_over` gets it, and it is stopped first.
        """

    async def stop(self, camera: str) -> None:
        """Stop a camera; harmless when it rests. Returns when it has heard; whether it stands shows in the view."""
