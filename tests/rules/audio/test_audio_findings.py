"""Each kind of check ends in a finding with a limit and a hint that people can act on, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import drivers.audio
import drivers.mixer
from drivers import Measure, Verdict
from drivers.audio import loop, model, speech
from drivers.audio.model import SILENCE_DBFS, Limits, LoopAnswer, LoopEnd, MeterReading, Second
from drivers.ports import Baseline, Level, SoundPort
from webui import i18n
from webui.i18n import Locales, speaking
from webui.reasons import MEASURES, SENTENCES, measure_name, sentence

LOCALES = Locales(i18n.KIT)
LIMITS = Limits()
BANDS = (-8.0,) * 6
OWN = Baseline("hdmi", "usb_mic", 0.0, 0.0, -10.0, 17.6, -62.0, 1, BANDS, 0.98)
PORTS = (SoundPort("microphone", "usb_mic", True, False, 0.0, True), SoundPort("speaker", "hdmi", True, False, 0.0))
HEARD = LoopAnswer(LoopEnd.HEARD, 0.9, -10.0, 17.6, -62.0, 1, False, 1, BANDS, (-40.0,) * 6)
QUIET = Second(-62.0, -60.0, -60.0, False, 0, -3.0, SILENCE_DBFS, 0, -70.0, 17.0, 800.0, False, -6.0)


def level(rms_dbfs: float, *, zero: bool = False, lufs: float | None = None, clips: int = 0) -> MeterReading:
    return MeterReading(Level(rms_dbfs, rms_dbfs + 10, zero, rms_dbfs if lufs is None else lufs), clips)


def talk(loud: float, quiet: float, falls_db: float = 24.0) -> Sequence[MeterReading]:
    return [level(loud - falls_db * (number % 3) / 2) if number % 8 else level(quiet) for number in range(200)]


def compared(answer: LoopAnswer, ports: Sequence[SoundPort] = PORTS) -> tuple[Measure, ...]:
    return loop.loop_measures(answer, ports, OWN)


def found(measures: Sequence[Measure], name: str) -> Measure:
    return next(measure for measure in measures if measure.name == name)


def wrong(end: LoopEnd) -> Measure:
    return loop.loop_measures(replace(HEARD, end=end))[0]


KINDS: dict[str, list[Measure]] = {
    "inventory": [
        model.present_measure(replace(PORTS[0], present=False)),
        model.default_measure(replace(PORTS[0], is_default=False)),
        model.default_measure(replace(PORTS[0], is_default=None)),
    ],
    "routing": [model.routed_measure("usb_mic", "hdmi.monitor")],
    "digital zero": [model.level_measures([level(SILENCE_DBFS, zero=True)] * 40)[0], wrong(LoopEnd.DIGITAL_ZERO)],
    "noise floor": [found(model.level_measures([level(-40.0)] * 40), "microphone.noise_floor")],
    "speech level": [
        found(speech.speech_measures(talk(-36.0, -75.0), LIMITS), "microphone.speech"),
        found(speech.speech_measures(talk(-4.0, -62.0), LIMITS), "microphone.speech"),
        found(speech.speech_measures(talk(-30.0, -40.0, 9.0), LIMITS), "microphone.speech_over_noise"),
    ],
    "clipping": [found(model.level_measures([level(-12.0, clips=3)] * 80), "microphone.clipping")],
    "hum": [
        found(
            model.fault_measures([replace(QUIET, hum_db=35.0, hum_dbfs=-45.0, harmonics=4)], LIMITS), "microphone.hum"
        )
    ],
    "howl": [
        found(
            model.fault_measures([replace(QUIET, howl_db=34.0, howl_hz=2400.0, howl_steady=True)], LIMITS),
            "microphone.howl",
        )
    ],
    "loop check": [
        *(wrong(end) for end in (LoopEnd.NOT_HEARD, LoopEnd.FAINT, LoopEnd.ROOM_TOO_LOUD)),
        loop.loop_measures(replace(HEARD, end=LoopEnd.NOT_HEARD), cancels_echo=True)[0],
        loop.muted_measure(["microphone"]),
        loop.unproven(loop.busy_reason(-30.0, -62.0)),
    ],
    "gain and latency": [
        found(compared(replace(HEARD, gain_db=-30.0)), "loop.gain"),
        found(compared(replace(HEARD, gain_db=0.0)), "loop.gain"),
        found(compared(replace(HEARD, xrun=True)), "loop.gain"),
        found(compared(replace(HEARD, latency_ms=90.0)), "loop.latency"),
        found(compared(HEARD, (PORTS[0], replace(PORTS[1], gain_db=-20.0))), "speaker.gain"),
        found(compared(HEARD, (PORTS[0], replace(PORTS[1], device="other"))), "loop.baseline"),
    ],
    "polarity": [found(compared(replace(HEARD, polarity=sign)), "loop.polarity") for sign in (-1, 0)],
    "bandwidth": [
        found(compared(replace(HEARD, bands_db=(*BANDS[:4], -60.0, -60.0))), "loop.treble"),
        found(compared(replace(HEARD, noise_db=BANDS)), "loop.treble"),
    ],
    "worker": [
        model.restarts_measure(3),
        model.not_opened_measure("another program holds it"),
        model.level_measures([])[0],
    ],
}
"""Of each kind every way in which it is not well. The thirteenth, whether the mixer answers, has its own tests."""


def all_of_them() -> Iterator[pytest.ParameterSet]:
    for kind, measures in KINDS.items():
        for measure in measures:
            code = measure.reason.code if measure.reason else "none"
            yield pytest.param(measure, id=f"{kind}: {code}")


@pytest.mark.parametrize("measure", list(all_of_them()))
def test_a_finding_has_a_limit_a_name_and_a_hint_in_both_languages(measure: Measure) -> None:
    assert measure.verdict in {Verdict.WARN, Verdict.FAIL, Verdict.UNPROVEN}
    assert measure.limit
    assert measure.value is not None or measure.verdict is Verdict.UNPROVEN or measure.name == "microphone.signal"
    assert measure.name in MEASURES
    assert measure.reason is not None
    said = set()
    for chosen in ("id", "en"):
        with speaking(chosen):
            said.add(sentence(measure.reason, LOCALES.gettext))
            assert measure_name(measure.name, LOCALES.gettext)
    assert len(said - {measure.reason.detail}) == 2, said


def test_every_code_that_sound_and_mixers_give_has_a_sentence() -> None:
    folders = [Path(package.__path__[0]) for package in (drivers.audio, drivers.mixer)]
    sources = [path for folder in folders for path in folder.rglob("*.py") if "sim" not in path.parts]
    codes = {code for path in sources for code in re.findall(r'"((?:sound|mixer)\.[a-z_]+)"', path.read_text())}
    assert len(codes) > 50
    assert sorted(codes - SENTENCES.keys() - MEASURES.keys()) == []
