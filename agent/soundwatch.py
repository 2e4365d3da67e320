"""Alarms of the room's sound: which of them counts when, and for how long something must be so. Pure.

They only tell. Nothing in the agent reads an open alarm in order to do something: a person
does, or nobody. What is worth saying differs by phase. Nobody sits in an *idle* room, so only
feedback is told there, which the neighbours hear. While *preparing* there is still time, so
what a session would suffer from is told. Silence and a muted microphone are worth a word only
while a session is *live*.

Each alarm is raised once and ended once: what it tells must have been so for `raise_after_s`,
and must have been gone for the longer `clear_after_s`, so that a word at the edge of a limit
does not make a tablet flicker. What nobody knows (no levels, no answer) neither raises nor
ends one. An alarm that is open when the session goes live, where it weighs more, is raised
again with that weight as soon as it is heard there; an open one never gets lighter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent.alarm import Alarm, Change
from agent.presets import Preset
from contract.words import Phase
from drivers.outcomes import Health, Reason, Scalar, Verdict

MICROPHONE = "microphone"


class SoundPhase(StrEnum):
    """What the room is doing, as far as its sound is concerned."""

    IDLE = "idle"
    PREPARING = "preparing"
    LIVE = "live"


class SoundAlarm(StrEnum):
    """What can be wrong with a room's sound that people must hear of at once."""

    GONE = "microphone_gone"
    """Unplugged, taken by another program, or dead."""
    WRONG_SOURCE = "wrong_source"
    HOWL = "howl"
    CLIPPING = "clipping"
    SILENCE = "silence"
    MUTED = "muted_live"
    """The session is live, its preset opens the microphone, and somebody closed it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """From when on an alarm is worth telling, and from when on it is over."""

    raise_after_s: float
    clear_after_s: float
    critical: bool = False


RULES: Mapping[SoundAlarm, Mapping[SoundPhase, Rule]] = {
    SoundAlarm.GONE: {
        SoundPhase.PREPARING: Rule(3.0, 3.0),
        SoundPhase.LIVE: Rule(1.0, 3.0, critical=True),
    },
    SoundAlarm.WRONG_SOURCE: {
        SoundPhase.PREPARING: Rule(0.0, 3.0),
        SoundPhase.LIVE: Rule(0.0, 3.0, critical=True),
    },
    SoundAlarm.HOWL: {
        SoundPhase.IDLE: Rule(5.0, 5.0),
        SoundPhase.PREPARING: Rule(2.0, 5.0),
        SoundPhase.LIVE: Rule(0.5, 5.0, critical=True),
    },
    SoundAlarm.CLIPPING: {
        SoundPhase.PREPARING: Rule(5.0, 10.0),
        SoundPhase.LIVE: Rule(2.0, 10.0),
    },
    SoundAlarm.SILENCE: {SoundPhase.LIVE: Rule(10.0, 2.0)},
    SoundAlarm.MUTED: {SoundPhase.LIVE: Rule(5.0, 1.0)},
}
"""A phase that is missing does not watch for it, and ends it when it was open.

The driver's flags have a memory of their own: silence stands after five quiet seconds,
clipping after three, feedback after one.
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of the sound at one moment; none is: nobody knows."""

    flags: AbstractSet[str] | None = None
    """`Level.flags` of a level that is fresh."""
    gone: Reason | None = None
    """Why there is no microphone to hear."""
    elsewhere: Reason | None = None
    """Where the capture hangs instead of on the room's microphone."""
    is_known: bool = False
    """Whether the sound was looked at, so that no reason means that all is well."""
    muted: bool | None = None
    wants_open: bool = False
    """The presets that have run for this session leave the microphone open."""


def heard_of(health: Health | None, flags: AbstractSet[str] | None, *, muted: bool | None, wants_open: bool) -> Heard:
    """Return what a look at the sound and its newest level tell together."""
    measures = {measure.name: measure for measure in health.measures} if health is not None else {}
    found = {
        name: measure.reason or Reason("sound.microphone_dead", f"microphone: {name} is {measure.value}")
        for name, measure in measures.items()
        if measure.verdict is Verdict.FAIL or measure.value is False
    }
    gone = found.get("microphone.present") or found.get("microphone.signal")
    return Heard(
        flags=flags,
        gone=gone,
        elsewhere=found.get("microphone.routed"),
        is_known="microphone.present" in measures,
        muted=muted,
        wants_open=wants_open,
    )


def phase_of(phase: Phase | None) -> SoundPhase:
    """Return what the phase of the session that has the room means for its sound."""
    if phase is Phase.LIVE:
        return SoundPhase.LIVE
    return SoundPhase.PREPARING if phase in {Phase.PREPARING, Phase.READY} else SoundPhase.IDLE


def wants_open(reached: Iterable[Preset], device: str) -> bool:
    """Return whether the presets that were run, in their order, leave the microphone of `device` open."""
    is_open = False
    for step in (step for preset in reached for step in preset.steps if step.device == device):
        if step.verb.name == "mute-all":
            is_open = False
        elif step.verb.name == "mute" and getattr(step.arguments, "port", "") == MICROPHONE:
            is_open = not getattr(step.arguments, "on", True)
    return is_open


def _found(alarm: SoundAlarm, heard: Heard) -> bool | None:
    """Return whether what an alarm tells is so; none where nobody knows."""
    flags, muted = heard.flags, heard.muted is True
    if alarm is SoundAlarm.GONE:
        dead = flags is not None and "digital_zero" in flags and not muted
        return heard.gone is not None or dead if heard.is_known or dead else None
    if alarm is SoundAlarm.WRONG_SOURCE:
        return heard.elsewhere is not None if heard.is_known else None
    if alarm is SoundAlarm.MUTED:
        return muted and heard.wants_open if heard.muted is not None else None
    if flags is None:
        return None
    if muted:
        return False
    return alarm.value in flags and not (alarm is SoundAlarm.SILENCE and "digital_zero" in flags)


def _reason(alarm: SoundAlarm, heard: Heard, device: str) -> Reason:
    known = {SoundAlarm.GONE: heard.gone, SoundAlarm.WRONG_SOURCE: heard.elsewhere}.get(alarm)
    if known is not None:
        return known
    code, detail = _WORDS[alarm]
    return Reason(code, f"{device}: {detail}", {"device": device})


_WORDS: Mapping[SoundAlarm, tuple[str, str]] = {
    SoundAlarm.GONE: ("sound.alarm_dead", "wanted at least the microphone's own noise, found digital zero"),
    SoundAlarm.WRONG_SOURCE: ("sound.alarm_elsewhere", "wanted the room's microphone, found another source"),
    SoundAlarm.HOWL: ("sound.alarm_howl", "found feedback: turn the microphone down by 6 dB"),
    SoundAlarm.CLIPPING: ("sound.alarm_clipping", "found the microphone too loud: turn it down"),
    SoundAlarm.SILENCE: ("sound.alarm_silence", "wanted somebody to be heard, found silence while live"),
    SoundAlarm.MUTED: ("sound.alarm_muted", "wanted the microphone open while live, found it muted"),
}


class _Course:
    """One alarm over time."""

    def __init__(self) -> None:
        self.is_open = False
        self._since_s: float | None = None
        """Since when what is found differs from what was told."""

    def step(self, found: bool | None, rule: Rule | None, now_s: float) -> bool:
        """Take what was found; true when that opens or ends the alarm."""
        if rule is None:
            found = False
        if found is None or found is self.is_open:
            self._since_s = None
            return False
        self._since_s = now_s if self._since_s is None else self._since_s
        if rule is not None and now_s - self._since_s < (rule.raise_after_s if found else rule.clear_after_s):
            return False
        self.is_open, self._since_s = found, None
        return True


class SoundWatch:
    """The alarms of one sound device."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._courses = {alarm: _Course() for alarm in SoundAlarm}
        self._open: dict[SoundAlarm, Alarm] = {}

    def look(self, heard: Heard, phase: SoundPhase, at: datetime, now_s: float) -> list[Change]:
        """Take what is so at `at` and return what that changed; `now_s` is a clock that nobody sets."""
        changes = []
        for alarm, course in self._courses.items():
            rule, found = RULES[alarm].get(phase), _found(alarm, heard)
            if course.step(found, rule, now_s):
                changes.append(self._end(alarm) or self._raise(alarm, heard, rule, at, phase))
            elif found and self._weighs_more_now(alarm, rule):
                changes.append(self._raise(alarm, heard, rule, at, phase))
        return changes

    def _weighs_more_now(self, alarm: SoundAlarm, rule: Rule | None) -> bool:
        known = self._open.get(alarm)
        return known is not None and not known.critical and rule is not None and rule.critical

    def _end(self, alarm: SoundAlarm) -> Change | None:
        known = self._open.pop(alarm, None)
        return None if known is None else Change(known, raised=False)

    def _raise(self, alarm: SoundAlarm, heard: Heard, rule: Rule | None, at: datetime, phase: SoundPhase) -> Change:
        value: Scalar = phase.value
        critical = rule is not None and rule.critical
        self._open[alarm] = Alarm(self._device, alarm.value, value, _reason(alarm, heard, self._device), at, critical)
        return Change(self._open[alarm], raised=True)
