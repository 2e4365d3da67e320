"""The benchmark of sound measures what it says, at the smallest size; no figure in time is held here."""

from __future__ import annotations

from types import ModuleType

from siaga.bench import Figure
from tests.bench import audio_live, audio_mixers, audio_offline
from tests.bench.audio_size import Size
from tests.wire.audio.rooms import needed

SMALLEST = Size(
    servers=1,
    starts=1,
    hangs=1,
    metered_s=0.5,
    loops=1,
    failing_loops=1,
    cancels=1,
    mutes=4,
    unplugs=1,
    moves=1,
    recordings=12,
    detected_s=2,
    orders=4,
)


def measured(part: ModuleType) -> dict[str, Figure]:
    found = {figure.figure: figure for figure in part.figures(SMALLEST)}
    assert all(figure.group == "audio" and figure.value >= 0 for figure in found.values())
    return found


def test_a_live_room_is_measured() -> None:
    needed()
    assert len(measured(audio_live)) == 17


def test_every_make_of_mixer_is_measured_against_a_floor() -> None:
    found = measured(audio_mixers)
    assert len(found) == 5
    assert all(figure.floor for figure in found.values())


def test_the_judgements_are_measured_and_keep_their_promises() -> None:
    found = measured(audio_offline)
    assert len(found) == 3
    assert found["chirp found in 12 recordings without one"].holds
    assert found["loudness against pyloudnorm, furthest of 5 sounds"].holds
