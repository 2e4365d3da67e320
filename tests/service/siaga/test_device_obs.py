"""`siaga device` on a simulated OBS: every verb, and every mistake found before the link opens."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import pytest

from drivers import DeviceAddress, Outcome
from drivers.obs.sim.server import ObsSimulator
from drivers.obs.sim.studio import Studio
from drivers.registry import DRIVERS
from drivers.verbs import Nothing, OnOff
from siaga.camera import UsageError
from siaga.device import ask, verbs_of

NOWHERE = DeviceAddress.parse("obs+ws://127.0.0.1:1")


@pytest.fixture
async def simulated() -> AsyncIterator[ObsSimulator]:
    running = ObsSimulator(Studio.load())
    running.studio.settings.service_settings = {"server": "rtmp://127.0.0.1/live", "key": "kunci"}
    running.studio.add_input("Jeda", "Klip", "ffmpeg_source", local_file=__file__)
    await running.start()
    yield running
    await running.stop()


def address_of(running: ObsSimulator) -> DeviceAddress:
    return DeviceAddress.parse(f"obs+ws://127.0.0.1:{running.port}")


ONE_AFTER_THE_OTHER = (
    ("state", ""),
    ("readiness", ""),
    ("scene Kamera", "scene"),
    ("studio-mode on", "studio_mode"),
    ("preview Hitam", "preview"),
    ("take", "scene"),
    ("studio-mode off", "studio_mode"),
    ("transition Fade 500", "duration_ms"),
    ("transition Cut", "transition"),
    ("source Jeda Judul off", "on"),
    ("mute Mikrofon on", "muted"),
    ("volume Mikrofon -12.5", "gain_db"),
    ("text Judul Rapat", "text"),
    ("media-restart Klip", "playing"),
    ("record on", "recording"),
    ("pause on", "paused"),
    ("pause off", "paused"),
    ("record off", "path"),
    ("stream on", "streaming"),
    ("stream off", "streaming"),
    ("virtual-camera on", "virtual_camera"),
    ("virtual-camera off", "virtual_camera"),
    ("replay on", "replay"),
    ("replay off", "replay"),
    ("hotkey OBSBasic.ResetStats", "hotkey"),
    ("profile Rekam", "profile"),
    ("collection Aula", "collection"),
)


async def test_every_verb_is_reached_from_the_terminal(simulated: ObsSimulator) -> None:
    for words, told in ONE_AFTER_THE_OTHER:
        answer = await ask(address_of(simulated), words.split(), None)
        assert answer.outcome is Outcome.COMPLETED, f"{words}: {answer.error}"
        assert not told or told in answer.read_back, words
    tried = {words.split()[0] for words, _ in ONE_AFTER_THE_OTHER}
    assert set(DRIVERS["obs+ws"].verbs) - tried == {"save-replay"}  # needs a running buffer


async def test_replay_is_saved_from_the_terminal(simulated: ObsSimulator) -> None:
    await ask(address_of(simulated), ["replay", "on"], None)
    answer = await ask(address_of(simulated), ["save-replay"], None)
    assert answer.read_back == {"path": simulated.studio.last_replay}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("record", "record on|off"),
        ("record maybe", "record on|off"),
        ("take now", "too many words: take"),
        ("state now", "too many words: state"),
        ("volume Mikrofon 30", "volume INPUT DB"),
        ("volume Mikrofon loud", "volume INPUT DB"),
        ("transition Fade 10", r"transition NAME \[DURATION_MS\]"),
        ("source Jeda on", "source SCENE SOURCE on|off"),
        ("scene", "scene NAME"),
        ("toggle-record", "no verb 'toggle-record'"),
    ],
)
async def test_wrong_words_are_found_before_anything_is_opened(words: str, wanted: str) -> None:
    with pytest.raises(UsageError, match=wanted.replace("|", r"\|")):
        await ask(NOWHERE, words.split(), None)


async def test_refusal_is_an_answer_of_no_with_its_reason(simulated: ObsSimulator) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "siaga", "device", str(address_of(simulated)), "scene", "kamera", "--json",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(40):
        out, _ = await process.communicate()
    shown = json.loads(out)
    assert process.returncode == 1
    assert (shown["outcome"], shown["read_back"]) == ("refused", {})
    assert "found only Kamera, Presentasi" in shown["error"]


def test_help_lists_every_verb_with_its_words() -> None:
    listed = set(verbs_of(NOWHERE))
    assert {"state", "readiness", "scene NAME", "record on|off", "mute INPUT on|off", "take"} <= listed
    assert len(listed) == len(DRIVERS["obs+ws"].verbs) + 3


def test_what_keeps_words_said_in_the_room_is_known_of_each_verb() -> None:
    verbs = DRIVERS["obs+ws"].verbs
    simple = {name: verb for name, verb in verbs.items() if verb.arguments in {OnOff, Nothing}}
    on = {n for n, v in simple.items() if v.records(OnOff(on=True) if v.arguments is OnOff else Nothing())}
    off = {n for n, v in simple.items() if v.arguments is OnOff and v.records(OnOff(on=False))}
    assert on == {"record", "replay", "save-replay"}
    assert off == {"pause"}
