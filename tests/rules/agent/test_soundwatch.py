"""When a room's sound is worth an alarm, and when it no longer is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.presets import Preset, Step
from agent.soundwatch import RULES, Heard, SoundAlarm, SoundPhase, SoundWatch, heard_of, phase_of, wants_open
from contract.words import Phase
from drivers.outcomes import Health, Measure, Reason, Verdict, judge
from drivers.ports import MutesAll, Sound
from drivers.verbs import VERBS, Nothing, PortMute

AT = datetime(2026, 11, 3, 9, tzinfo=UTC)
FINE = Heard(flags=frozenset(), is_known=True, muted=False, wants_open=True)
AMISS = {
    SoundAlarm.GONE: replace(FINE, gone=Reason("sound.device_missing", "it was unplugged")),
    SoundAlarm.WRONG_SOURCE: replace(FINE, elsewhere=Reason("sound.wrong_source", "another one")),
    SoundAlarm.HOWL: replace(FINE, flags=frozenset({"howl"})),
    SoundAlarm.CLIPPING: replace(FINE, flags=frozenset({"clipping"})),
    SoundAlarm.SILENCE: replace(FINE, flags=frozenset({"silence"})),
    SoundAlarm.MUTED: replace(FINE, muted=True),
}
NOBODY_KNOWS = Heard(wants_open=True)


class Watched:
    """A watch that is looked at every tenth of a second."""

    def __init__(self) -> None:
        self.watch = SoundWatch("sound")
        self.now_s = 100.0
        self.told: list[tuple[str, bool]] = []

    def hear(self, heard: Heard, phase: SoundPhase, seconds: float) -> Watched:
        for _ in range(round(seconds * 10) + 1):
            self.told += [
                (change.alarm.name, change.raised) for change in self.watch.look(heard, phase, AT, self.now_s)
            ]
            self.now_s += 0.1
        return self


@pytest.mark.parametrize("phase", SoundPhase)
@pytest.mark.parametrize("alarm", SoundAlarm)
def test_each_alarm_is_raised_once_and_ended_once_in_the_phases_that_watch_for_it(
    alarm: SoundAlarm, phase: SoundPhase
) -> None:
    rule = RULES[alarm].get(phase)
    watched = Watched().hear(AMISS[alarm], phase, 60)
    assert watched.told == ([(alarm, True)] if rule else [])
    watched.hear(FINE, phase, 60)
    assert watched.told == ([(alarm, True), (alarm, False)] if rule else [])


@pytest.mark.parametrize(("alarm", "phase"), [(alarm, phase) for alarm, phases in RULES.items() for phase in phases])
def test_nothing_is_told_before_its_time_and_a_short_lull_ends_nothing(alarm: SoundAlarm, phase: SoundPhase) -> None:
    rule = RULES[alarm][phase]
    early = Watched()
    if rule.raise_after_s > 0.2:
        assert early.hear(AMISS[alarm], phase, rule.raise_after_s - 0.2).told == []
    early.hear(AMISS[alarm], phase, rule.raise_after_s + 0.2)
    for _ in range(5):
        early.hear(FINE, phase, rule.clear_after_s - 0.3).hear(AMISS[alarm], phase, 0.3)
    assert early.told == [(alarm, True)]
    assert rule.clear_after_s >= 1.0


def test_what_nobody_knows_neither_raises_nor_ends() -> None:
    for alarm, heard in AMISS.items():
        watched = Watched().hear(NOBODY_KNOWS, SoundPhase.LIVE, 60).hear(heard, SoundPhase.LIVE, 30)
        assert watched.hear(NOBODY_KNOWS, SoundPhase.LIVE, 60).told == [(alarm, True)]


def test_a_phase_that_does_not_watch_for_it_ends_an_alarm_at_once() -> None:
    watched = Watched().hear(AMISS[SoundAlarm.SILENCE], SoundPhase.LIVE, 30)
    assert watched.hear(AMISS[SoundAlarm.SILENCE], SoundPhase.IDLE, 0).told[-1] == (SoundAlarm.SILENCE, False)


@pytest.mark.parametrize("alarm", [alarm for alarm, rules in RULES.items() if SoundPhase.PREPARING in rules])
def test_an_alarm_that_was_open_before_the_session_gets_its_weight_once_live(alarm: SoundAlarm) -> None:
    watch = SoundWatch("sound")
    seen = [
        (change.alarm.critical, change.raised)
        for second in range(100)
        for change in watch.look(AMISS[alarm], SoundPhase.PREPARING if second < 50 else SoundPhase.LIVE, AT, second)
    ]
    assert seen == [(False, True), *([(True, True)] if RULES[alarm][SoundPhase.LIVE].critical else [])]
    ended = [change for second in range(100, 120) for change in watch.look(FINE, SoundPhase.LIVE, AT, second)]
    assert [change.raised for change in ended] == [False]


def test_an_open_alarm_never_gets_lighter_and_does_not_rise_on_what_nobody_knows() -> None:
    watch = SoundWatch("sound")
    watch.look(AMISS[SoundAlarm.WRONG_SOURCE], SoundPhase.PREPARING, AT, 0)
    assert watch.look(NOBODY_KNOWS, SoundPhase.LIVE, AT, 1) == []
    assert watch.look(AMISS[SoundAlarm.WRONG_SOURCE], SoundPhase.LIVE, AT, 2) != []
    assert watch.look(AMISS[SoundAlarm.WRONG_SOURCE], SoundPhase.PREPARING, AT, 3) == []


def test_a_muted_microphone_is_neither_silent_nor_dead_but_muted() -> None:
    muted = replace(FINE, muted=True, flags=frozenset({"silence", "digital_zero"}))
    assert Watched().hear(muted, SoundPhase.LIVE, 60).told == [(SoundAlarm.MUTED, True)]
    meant = replace(muted, wants_open=False)
    assert Watched().hear(meant, SoundPhase.LIVE, 60).told == []


def test_digital_zero_of_an_open_microphone_is_a_dead_one_and_not_a_quiet_meeting() -> None:
    dead = replace(FINE, flags=frozenset({"silence", "digital_zero"}))
    assert Watched().hear(dead, SoundPhase.LIVE, 60).told == [(SoundAlarm.GONE, True)]


def test_critical_is_what_makes_a_live_session_unheard() -> None:
    for alarm, heard in AMISS.items():
        watch = SoundWatch("sound")
        changes = [change for now_s in (0.0, 60.0) for change in watch.look(heard, SoundPhase.LIVE, AT, now_s)]
        assert [change.alarm.name for change in changes] == [alarm]
        unheard = {SoundAlarm.GONE, SoundAlarm.WRONG_SOURCE, SoundAlarm.HOWL}
        assert changes[0].alarm.critical is (alarm in unheard)


def sound_health(*more: Measure) -> Health:
    return judge((Measure("microphone.present", True, Verdict.PASS), *more))


@pytest.mark.parametrize(
    ("measure", "gone", "elsewhere"),
    [
        (Measure("microphone.present", False, Verdict.WARN, reason=Reason("sound.device_missing", "x")), True, False),
        (Measure("microphone.signal", None, Verdict.FAIL, reason=Reason("sound.not_opened", "x")), True, False),
        (Measure("microphone.signal", None, Verdict.UNPROVEN, reason=Reason("sound.no_levels", "x")), False, False),
        (Measure("microphone.routed", "hdmi", Verdict.FAIL, reason=Reason("sound.wrong_source", "x")), False, True),
        (Measure("microphone.muted", False, Verdict.PASS), False, False),
    ],
)
def test_what_a_look_at_the_sound_means(measure: Measure, gone: bool, elsewhere: bool) -> None:
    heard = heard_of(sound_health(measure), frozenset(), muted=False, wants_open=True)
    assert heard.is_known
    assert (heard.gone is not None, heard.elsewhere is not None) == (gone, elsewhere)
    assert not heard_of(None, None, muted=None, wants_open=True).is_known


def test_the_room_is_idle_preparing_or_live() -> None:
    assert {phase_of(phase) for phase in (None, Phase.PLANNED, Phase.ENDING, Phase.ENDED)} == {SoundPhase.IDLE}
    assert {phase_of(Phase.PREPARING), phase_of(Phase.READY)} == {SoundPhase.PREPARING}
    assert phase_of(Phase.LIVE) is SoundPhase.LIVE


def preset(*steps: tuple[str, str, bool]) -> Preset:
    made = (
        Step(str(number), device, VERBS[Sound]["mute"], PortMute(port=port, on=on), timedelta(seconds=1))
        for number, (device, port, on) in enumerate(steps)
    )
    return Preset("p", {}, tuple((step,) for step in made))


def test_the_last_word_of_the_presets_decides_whether_the_microphone_should_be_open() -> None:
    closed, opened = preset(("sound", "microphone", True)), preset(("sound", "microphone", False))
    assert wants_open([closed, opened], "sound")
    assert not wants_open([opened, closed], "sound")
    assert not wants_open([], "sound")
    assert not wants_open([preset(("sound", "speaker", False)), preset(("other", "microphone", False))], "sound")
    silenced = Preset("p", {}, ((Step("1", "sound", VERBS[MutesAll]["mute-all"], Nothing(), timedelta(seconds=1)),),))
    assert not wants_open([opened, silenced], "sound")
