"""When a clip counts as played from its start."""

from __future__ import annotations

import pytest

from drivers.obs.inputs import _is_back, _runs
from drivers.obs.model import MediaStatus


def at(cursor_ms: float | None, state: str = "PLAYING") -> MediaStatus:
    return MediaStatus(media_state=f"OBS_MEDIA_STATE_{state}", media_duration=3000, media_cursor=cursor_ms)


@pytest.mark.parametrize(
    ("before", "now", "runs"),
    [
        (None, at(100), False),
        (at(100), at(200), True),
        (at(2900), at(2900), False),  # what a real OBS went on saying of a clip that had ended
        (at(0), at(0), False),  # and of one whose file was gone
        (at(None), at(100), True),
        (at(100), at(200, "PAUSED"), False),
    ],
)
def test_clip_runs_when_its_time_does(before: MediaStatus | None, now: MediaStatus, runs: bool) -> None:
    assert _runs(before, now) is runs


@pytest.mark.parametrize(
    ("before", "now", "back"),
    [
        (at(None, "ENDED"), at(300), True),
        (at(1100), at(1200), False),
        (at(1100), at(100), True),
        (at(200), at(300), True),
    ],
)
def test_clip_that_only_went_on_was_not_restarted(before: MediaStatus, now: MediaStatus, back: bool) -> None:
    assert _is_back(before, now) is back
