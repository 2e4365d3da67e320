"""A long recording is heard through real PortAudio and all detectors, and what is wrong is flagged when it is."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import numpy as np

from drivers.audio.dsp import RATE_HZ, Samples
from tests.rules.audio.sounds import mains, pink, sine, voice
from tests.wire.audio.rooms import needed

PART_S = 40
SETTLED_S = 15
"""What was wrong before is forgotten by then."""


def part(*sounds: Samples) -> Samples:
    return np.asarray(np.clip(np.sum([pink(1, -62.0, PART_S), *sounds], axis=0), -1, 1), dtype=np.float32)


def meeting() -> list[tuple[Samples, set[str]]]:
    """Return a meeting part by part, and what is wrong in each."""
    talk = voice(3, -26.0, PART_S)
    return [
        (part(talk), set()),
        (part(), {"silence"}),
        (part(talk), set()),
        (part(mains(-40.0, PART_S)), {"hum"}),
        (part(talk, sine(2400.0, -14.0, PART_S)), {"howl"}),
        (part(voice(4, -3.0, PART_S) * np.float32(4)), {"clipping"}),
        (np.zeros(PART_S * RATE_HZ, dtype=np.float32), {"digital_zero", "silence"}),
        (part(talk), set()),
    ]


async def heard(file: Path, seconds: int) -> list[tuple[int, set[str]]]:
    command = (sys.executable, "-m", "tests.wire.audio.recording", str(file), str(seconds))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(55):
        said, _ = await process.communicate()
    assert process.returncode == 0
    changes = map(json.loads, said.splitlines())
    return [(change["at_s"], set(change["flags"])) for change in changes]


async def test_five_minutes_are_heard_in_seconds_and_each_fault_is_flagged_while_it_lasts(tmp_path: Path) -> None:
    needed()  # what brings PortAudio brings ALSA
    parts, file = meeting(), tmp_path / "meeting.raw"
    with file.open("wb") as raw:
        for sound, _ in parts:
            raw.write(sound.astype("<f4").tobytes())
    changes = await heard(file, PART_S * len(parts))
    for number, (_, wrong) in enumerate(parts):
        assert flagged(changes, PART_S * number + SETTLED_S, PART_S * (number + 1)) == wrong, number


def flagged(changes: list[tuple[int, set[str]]], since_s: int, until_s: int) -> set[str]:
    """Return what was flagged at any time in between."""
    up = [flags for at_s, flags in changes if at_s <= since_s][-1:]
    return set().union(*up, *(flags for at_s, flags in changes if since_s < at_s <= until_s))
