"""Sound checks and calibrations: when a tone may be played, who must hear it, and what is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent import tones
from agent.baselines import Baselines
from agent.tone import Answer, Stage, Task, Tone
from agent.tones import CALIBRATED, CHECKED
from agent.web.face import Refused
from agent.web.hearing import calibrated, sound_findings
from contract.messages import Entry
from contract.report import Certificate
from contract.words import EntryKind, Phase
from contract.words import Verdict as Certified
from drivers.audio.model import MICROPHONE, SPEAKER
from drivers.outcomes import Verdict
from tests.service.agent.soundhouse import SoundHouse, sound_house
from tests.until import until

FINISHED_WITHIN_S = 40.0


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tones, "ANNOUNCED_FOR_S", 0.3)
    monkeypatch.setattr(tones, "WATCH_EVERY_S", 0.1)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SoundHouse]:
    async with sound_house(tmp_path) as house, house.alive():
        yield house


def tone(house: SoundHouse) -> Tone:
    return house.tablet.view().tone


async def begun(house: SoundHouse, task: Task, stage: Stage) -> None:
    await house.tablet.begin_tone(task, who="tablet-1")
    await until(lambda: tone(house).stage is stage, within_s=FINISHED_WITHIN_S)


def last(house: SoundHouse, kind: str) -> Entry:
    return house.entries(kind)[-1]


async def test_a_room_is_calibrated_once_a_person_heard_it_and_stays_so(tmp_path: Path) -> None:
    async with sound_house(tmp_path) as house:
        async with house.alive():
            await begun(house, Task.CALIBRATION, Stage.ASKING)
            assert house.tablet.view().held is None
            await house.tablet.answer_tone(Answer.YES, who="tablet-2")
            await until(lambda: tone(house).stage is Stage.DONE)
            entry = last(house, CALIBRATED)
            assert (entry.who, entry.outcome, entry.body["answered_by"]) == ("tablet-1", Stage.DONE, "tablet-2")
            measured = house.sound.baseline
            assert measured is not None
            assert entry.body["measured"] == measured.to_json()
            assert entry.body["former"] is None
            assert len(measured.bands_db) == 6
        house.sound.baseline = None
        async with house.alive():
            assert house.sound.baseline == measured
            held = house.tablet.view().held
            assert held is not None
            assert held.who == "tablet-2"


@pytest.mark.parametrize(
    ("heard", "code"), [(Answer.NO, "sound.person_heard_nothing"), (Answer.UNSURE, "sound.person_unsure")]
)
async def test_what_nobody_surely_heard_never_becomes_the_baseline(house: SoundHouse, heard: Answer, code: str) -> None:
    await begun(house, Task.CALIBRATION, Stage.ASKING)
    await house.tablet.answer_tone(heard, who="tablet-1")
    await until(lambda: tone(house).stage is Stage.NOT_HEARD)
    reason = tone(house).reason
    assert reason is not None
    assert reason.code == code
    assert house.sound.baseline is None
    assert house.tablet.view().held is None
    assert last(house, CALIBRATED).body["heard"] == heard


async def test_an_answer_that_does_not_come_keeps_nothing(house: SoundHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tones, "ANSWER_WITHIN_S", 0.2)
    await begun(house, Task.CALIBRATION, Stage.NOT_HEARD)
    reason = tone(house).reason
    assert reason is not None
    assert reason.code == "sound.nobody_answered"
    with pytest.raises(Refused) as refused:
        await house.tablet.answer_tone(Answer.YES, who="tablet-1")
    assert refused.value.reason.code == "sound.nothing_asked"
    assert house.sound.baseline is None


async def test_a_second_calibration_shows_what_differs_from_the_first(house: SoundHouse) -> None:
    await begun(house, Task.CALIBRATION, Stage.ASKING)
    await house.tablet.answer_tone(Answer.YES, who="tablet-1")
    await until(lambda: tone(house).stage is Stage.DONE)
    house.server.fault("path", "-4")
    await begun(house, Task.CALIBRATION, Stage.ASKING)
    now = tone(house)
    assert now.measured is not None
    assert now.former is not None
    assert now.measured.gain_db - now.former.baseline.gain_db == pytest.approx(-4, abs=0.5)
    rows = {name: (measured, before) for name, measured, before, _ in calibrated(now)}
    assert len(rows) == 9
    assert all(figure[-1].isdigit() for pair in rows.values() for figure in pair)


async def test_a_room_that_does_not_hear_itself_is_refused_with_a_reason(house: SoundHouse) -> None:
    house.server.fault("path", "cut")
    await begun(house, Task.CALIBRATION, Stage.REFUSED)
    reason = tone(house).reason
    assert reason is not None
    assert reason.code == "sound.not_heard"
    assert last(house, CALIBRATED).body["measured"] is None
    assert house.sound.baseline is None


@pytest.mark.parametrize(
    ("what", "code"),
    [("recording", "sound.recording"), ("streaming", "sound.streaming"), ("is_there", "sound.on_air_unknown")],
)
async def test_no_tone_is_played_into_a_recording_a_stream_or_the_unknown(
    house: SoundHouse, what: str, code: str
) -> None:
    setattr(house.obs, what, what != "is_there")
    await begun(house, Task.CALIBRATION, Stage.REFUSED)
    reason = tone(house).reason
    assert reason is not None
    assert reason.code == code
    assert "prove" not in house.tap.orders


async def test_a_recording_that_begins_meanwhile_cuts_the_tone_off(house: SoundHouse) -> None:
    await begun(house, Task.CALIBRATION, Stage.SOUNDING)
    house.obs.recording = True
    await until(lambda: tone(house).stage is Stage.CANCELLED)
    reason = tone(house).reason
    assert reason is not None
    assert reason.code == "sound.recording"
    assert house.sound.baseline is None
    await until(lambda: not house.air.plays)


async def test_a_touch_cuts_it_off_at_once_and_nothing_sounds_on(house: SoundHouse) -> None:
    await begun(house, Task.CALIBRATION, Stage.SOUNDING)
    await house.tablet.cancel_tone(who="tablet-9")
    await until(lambda: tone(house).stage is Stage.CANCELLED, within_s=1.0)
    assert last(house, CALIBRATED).outcome == Stage.CANCELLED
    await until(lambda: not house.air.plays)
    orders = house.tap.orders.count("prove")
    await begun(house, Task.CHECK, Stage.DONE)
    assert house.tap.orders.count("prove") == orders + 1


async def test_nothing_sounds_in_or_shortly_before_a_session(house: SoundHouse) -> None:
    house.plan(start_in=timedelta(hours=1), prepare_in=timedelta(minutes=5))
    with pytest.raises(Refused) as near:
        await house.tablet.begin_tone(Task.CALIBRATION, who="tablet-1")
    assert near.value.reason.code == "sound.session_near"
    house.plan(start_in=timedelta(seconds=-1))
    await until(lambda: house.phase() is Phase.LIVE)
    for task in Task:
        with pytest.raises(Refused) as refused:
            await house.tablet.begin_tone(task, who="tablet-1")
        assert refused.value.reason.code == "sound.session_has_room"
    assert "prove" not in house.tap.orders


async def test_nothing_sounds_while_a_session_is_put_away(house: SoundHouse) -> None:
    house.plan(start_in=timedelta(seconds=-1))
    await until(lambda: house.engine.course("s-1").is_set_live)
    await house.tablet.end_session(who="tablet-1")
    await until(lambda: house.phase() is Phase.ENDING)
    with pytest.raises(Refused) as refused:
        await house.tablet.begin_tone(Task.CHECK, who="tablet-1")
    assert refused.value.reason.code == "sound.session_has_room"


async def test_a_session_that_takes_the_room_cuts_it_off(house: SoundHouse) -> None:
    await begun(house, Task.CALIBRATION, Stage.SOUNDING)
    house.plan(start_in=timedelta(minutes=30), prepare_in=timedelta(0))
    await until(lambda: tone(house).stage is Stage.CANCELLED)
    reason = tone(house).reason
    assert reason is not None
    assert reason.code == "sound.session_has_room"


async def test_two_at_a_time_are_one_too_many_and_all_tablets_are_told(house: SoundHouse) -> None:
    await begun(house, Task.CHECK, Stage.ANNOUNCED)
    assert house.tablet.view().announced
    with pytest.raises(Refused) as refused:
        await house.tablet.begin_tone(Task.CALIBRATION, who="tablet-2")
    assert refused.value.reason.code == "sound.tone_going"
    await until(lambda: tone(house).stage is Stage.DONE, within_s=FINISHED_WITHIN_S)
    assert not house.tablet.view().announced


async def test_a_check_is_shown_with_its_three_answers(house: SoundHouse) -> None:
    house.air.muted[SPEAKER] = True
    await begun(house, Task.CHECK, Stage.DONE)
    found = {measure.name: measure.verdict for measure, _ in sound_findings(house.tablet.view())}
    assert found["loop.heard"] is Verdict.UNPROVEN
    assert found["microphone.present"] is Verdict.PASS
    house.air.muted[SPEAKER] = False
    house.server.fault("path", "cut")
    await begun(house, Task.CHECK, Stage.DONE)
    worst, _ = sound_findings(house.tablet.view())[0]
    assert (worst.name, worst.verdict) == ("loop.heard", Verdict.FAIL)
    assert last(house, CHECKED).outcome == Stage.DONE


async def test_a_certificate_announces_its_tone_and_plays_none_into_a_recording(house: SoundHouse) -> None:
    announced: list[bool] = []
    house.engine.subscribe(lambda: announced.append(house.tablet.view().announced))
    house.obs.recording = True
    house.plan(start_in=timedelta(seconds=6), prepare_in=timedelta(0))
    await until(lambda: bool(house.entries(EntryKind.READINESS)), within_s=20)
    certificate = Certificate.model_validate(house.entries(EntryKind.READINESS)[0].body)
    sound = next(device for device in certificate.devices if device.name == "sound")
    loop = next(measure for measure in sound.measures if measure.name == "loop.heard")
    assert loop.reason is not None
    assert (loop.verdict, loop.reason.code) == (Certified.UNPROVEN, "sound.recording")
    assert "prove" not in house.tap.orders
    assert True not in announced
    assert house.air.muted[MICROPHONE]


async def test_a_certificates_tone_is_announced(house: SoundHouse) -> None:
    announced: list[bool] = []
    house.engine.subscribe(lambda: announced.append(house.tablet.view().announced))
    house.plan(start_in=timedelta(seconds=9), prepare_in=timedelta(0))
    await until(lambda: "prove" in house.tap.orders, within_s=20)
    assert announced[-1]
    await house.tablet.cancel_tone(who="tablet-1")
    await until(lambda: bool(house.entries(EntryKind.READINESS)), within_s=20)
    assert not house.tablet.view().announced
    await until(lambda: not house.air.plays)


class Words(dict[str, str]):
    """Facts in memory."""

    def fact(self, name: str) -> str | None:
        return self.get(name)

    def keep_fact(self, name: str, value: str) -> None:
        self[name] = value


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"baseline": {}, "at": "x", "who": ""}', "not JSON"])
def test_a_baseline_that_cannot_be_read_is_none(text: str) -> None:
    assert Baselines(Words({"baseline.sound": text}), "sound").held is None
    assert replace(Tone(), stage=Stage.DONE).measured is None
